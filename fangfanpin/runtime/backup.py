"""One county in one file, and back again.

A backup is a plain tar: ``manifest.json`` first, then ``database.dump`` (pg_dump's custom format), then what lies under ``files/``, ``maps/`` and
``demo/``. The manifest gives size and SHA-256 of every member, the product's version and the migrations applied. The keys are not in it: who finds
a backup cannot read the secrets in it, and who loses the keys cannot either. The manifest carries a mark by which the right keys are known.
"""

import datetime
import hashlib
import hmac
import importlib.metadata
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg

from fangfanpin.cli import CommandFault
from fangfanpin.privacy.keys import Keys, ensure_keys
from fangfanpin.runtime import supervisor, swap
from fangfanpin.runtime.postgres import DatabaseUrls, in_use, read_urls, wheel_bin, write_private

FORMAT = 1
SUFFIX = ".ffpbackup"
MANIFEST, DUMP = "manifest.json", "database.dump"
FOLDERS = ("files", "maps", "demo")
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Made:
    path: Path
    size_bytes: int
    sha256: str


def make(*, data_dir: Path, out: Path | None) -> Made:
    """Back the county up while it runs (or not). `out`: a file, or a folder; default DATA_DIR/backups. Raises CommandFault."""
    target = _target(data_dir, out)
    read_urls(data_dir)  # says what to do where no county was ever made
    supervisor.settle(data_dir)
    with in_use(data_dir) as urls:
        owner_url = urls.owner
        with psycopg.connect(owner_url, autocommit=True) as connection:
            # Bytes that nothing names stay until this is done (`files.services.sweep`): what is listed below is still there when it is read.
            connection.execute("SELECT pg_advisory_lock_shared(hashtext('files.bytes'))")
            needed = _one(connection, "SELECT pg_database_size(current_database())") + sum(path.stat().st_size for _name, path in _files(data_dir))
            if shutil.disk_usage(target.parent).free < needed:
                raise CommandFault(f"{target.parent} 剩余空间不够：大约需要 {needed / 1e6:.0f} MB，请用 --out 换一处 (not enough space)")
            facts = _facts(connection, ensure_keys(data_dir / "keys"))
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder:
                dump = Path(folder) / DUMP
                # Sessions stay out: a stolen backup must not sign anybody in.
                _run("pg_dump", owner_url, ["--format=custom", "--no-owner", "--exclude-table-data=django_session", f"--file={dump}"])
                # After the dump: bytes are written before the row that names them, so every file of the dump is there by now.
                members = [(DUMP, dump), *_files(data_dir)]
                manifest = facts | {"members": {name: {"bytes": path.stat().st_size, "sha256": _sha256(path)} for name, path in members}}
                whole = Path(folder) / "whole"
                with tarfile.open(whole, "x", format=tarfile.PAX_FORMAT) as archive:
                    _add_bytes(archive, MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
                    for name, path in members:
                        archive.add(path, name, recursive=False, filter=_anonymous)
                whole.chmod(0o600)
                with whole.open("rb") as stream:
                    os.fsync(stream.fileno())
                os.replace(whole, target)
    return Made(target, target.stat().st_size, _sha256(target))


def restore(*, data_dir: Path, file: Path, keys: Path | None, force: bool) -> dict[str, Any]:
    """Bring a backup into DATA_DIR; returns its manifest without the members. `keys`: the folder kept apart, when DATA_DIR has none yet.

    Everything is checked before anything is touched. Over an existing county only with `force`, and that county is backed up first. The newcomer is
    made whole beside what is there (restored, brought up to date, held against the manifest) and takes its place in one go; on any fault everything
    stands as it stood.
    Raises CommandFault.
    """
    if not file.is_file():
        raise CommandFault(f"没有备份文件 {file} (no such file)")
    supervisor.prepare_data_dir(data_dir)
    with supervisor.hold_lock(data_dir):
        swap.settle(data_dir)
        with tempfile.TemporaryDirectory(dir=data_dir, prefix=swap.COMING) as name:
            folder = Path(name)
            manifest = _unpack(file, folder)
            new_keys = _fitting_keys(manifest, data_dir, keys, file)
            _refuse_newer(manifest)
            with in_use(data_dir) as urls:
                with psycopg.connect(urls.owner, autocommit=True) as connection:
                    holds_county = _holds_county(connection)
                if holds_county and not force:
                    raise CommandFault(f"{data_dir} 已有一个县的数据。换一个空的 DATA_DIR，或确认要覆盖时加 --force (data is here already)")
                if holds_county:
                    moment = f"{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 10**9:09d}"  # two may come within one second
                    make(data_dir=data_dir, out=data_dir / "backups" / f"before-restore-{moment}{SUFFIX}")
                if holds_county or not os.environ.get("DATABASE_URL"):
                    _restore_beside(data_dir, folder, urls, manifest, new_keys)
                else:
                    _restore_here(data_dir, folder, urls, manifest, new_keys)
    return {name: value for name, value in manifest.items() if name != "members"}


def _restore_beside(data_dir: Path, folder: Path, urls: DatabaseUrls, manifest: dict[str, Any], new_keys: Path | None) -> None:
    """`folder` becomes a DATA_DIR of its own before it takes the place of what is there."""
    with swap.database_beside(data_dir, urls) as beside:
        _load(beside.owner, folder / DUMP)
        write_private(folder / "keys" / "database.json", json.dumps(asdict(beside)))
        supervisor.migrate(folder, force=True, keys=new_keys or _keys_file(data_dir))
        _hold_against(beside.owner, manifest)
        swap.take_over(data_dir, urls, _moves(data_dir, folder, new_keys))


def _restore_here(data_dir: Path, folder: Path, urls: DatabaseUrls, manifest: dict[str, Any], new_keys: Path | None) -> None:
    """Into an empty database of an outside server, where we may not be allowed to make another beside it."""
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        _empty(connection)
    _load(urls.owner, folder / DUMP)
    swap.carry_out(_moves(data_dir, folder, new_keys))
    swap.clear(data_dir, swap.GOING)
    supervisor.migrate(data_dir, force=True)
    _hold_against(urls.owner, manifest)


def _moves(data_dir: Path, folder: Path, new_keys: Path | None) -> list[swap.Move]:
    old = data_dir / f"{swap.GOING}{time.strftime('%Y%m%d-%H%M%S')}"
    found = [swap.move(new=folder / name, target=data_dir / name, old=old / name) for name in FOLDERS]
    return found + (_change_of_keys(data_dir, new_keys) if new_keys is not None else [])


def _load(url: str, dump: Path) -> None:
    _run("pg_restore", url, ["--single-transaction", "--exit-on-error", "--no-owner", f"--dbname={_dbname(url)}", str(dump)])


def _hold_against(url: str, manifest: dict[str, Any]) -> None:
    """Is what came back what was backed up?"""
    with psycopg.connect(url, autocommit=True) as connection:
        households = _one(connection, "SELECT count(*) FROM households_household")
        applied = {row[0] for row in connection.execute("SELECT app || '.' || name FROM django_migrations").fetchall()}
    if households != manifest["households"] or not set(manifest["migrations"]) <= applied:
        said = f"恢复出来的有 {households} 户，备份清单写的是 {manifest['households']} 户"
        raise CommandFault(f"{said}：内容和清单不一致 (what came back is not what the manifest says)")


def _target(data_dir: Path, out: Path | None) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    target = out if out is not None and not out.is_dir() and out.suffix else (out or data_dir / "backups") / f"fangfanpin-{stamp}{SUFFIX}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as fault:
        raise CommandFault(f"不能写入 {target.parent}：{fault.strerror} (cannot write there)") from None
    if target.exists():
        raise CommandFault(f"{target} 已存在，不覆盖；请换一个文件名 (the file exists)")
    return target.resolve()


def _files(data_dir: Path) -> list[tuple[str, Path]]:
    """Name in the archive and path, of every file kept beside the database; half-written ones (temporary names) stay out."""
    found = (path for folder in FOLDERS for path in sorted((data_dir / folder).rglob("*")) if path.is_file() and not path.is_symlink())
    return [(path.relative_to(data_dir).as_posix(), path) for path in found if not path.name.startswith(("tmp", "."))]


def _facts(connection: psycopg.Connection, keys: Keys) -> dict[str, Any]:
    applied = connection.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1").fetchall()
    campaign = connection.execute("SELECT title, is_demo FROM campaigns_campaign ORDER BY is_current DESC LIMIT 1").fetchone()
    return {
        "format": FORMAT,
        "product": "fangfanpin",
        "version": importlib.metadata.version("fangfanpin"),
        "made_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "server_version": connection.info.server_version,
        "campaign": campaign[0] if campaign else "",
        "is_demo": bool(campaign[1]) if campaign else False,
        "households": _one(connection, "SELECT count(*) FROM households_household"),
        "migrations": [row[0] for row in applied],
        "keys_included": False,
        "keys_mark": keys_mark(keys),
    }


def keys_mark(keys: Keys) -> str:
    """Tells whether keys are the right ones without telling anything about them."""
    return hmac.new(keys.cipher + keys.digest, b"fangfanpin backup", hashlib.sha256).hexdigest()


def _unpack(file: Path, folder: Path) -> dict[str, Any]:
    """Unpack into an empty folder, every member held against the manifest; raises CommandFault naming the first that differs."""
    try:
        with tarfile.open(file, "r:") as archive:
            first = archive.next()
            stream = archive.extractfile(first) if first is not None and first.name == MANIFEST else None
            if stream is None:
                raise CommandFault(f"{file} 不是本系统的备份文件 (not a backup of this product)")
            manifest: dict[str, Any] = json.load(stream)
            if manifest.get("format") != FORMAT or manifest.get("product") != "fangfanpin":
                raise CommandFault(f"{file} 的备份格式是 {manifest.get('format')}，本版本只认 {FORMAT}，请先升级 (backup of another format)")
            if shutil.disk_usage(folder).free < 2 * file.stat().st_size:
                raise CommandFault(f"{folder.parent} 所在磁盘空间不够恢复这个备份，请先清理 (not enough space)")
            expected: dict[str, Any] = manifest["members"]
            while (member := archive.next()) is not None:
                stream = archive.extractfile(member) if member.isreg() and member.name in expected else None
                if stream is None:
                    raise CommandFault(f"备份中有清单以外的内容 {member.name}，不恢复 (the backup was tampered with)")
                _copy_checked(stream, folder / member.name, expected.pop(member.name), file, member.name)
            if expected:
                raise CommandFault(f"备份不完整：缺少 {next(iter(expected))} 等 {len(expected)} 个文件 (the backup is incomplete)")
    except (tarfile.TarError, json.JSONDecodeError, EOFError, KeyError, UnicodeDecodeError):
        raise CommandFault(f"{file} 已损坏或不是备份文件，没有恢复任何内容 (damaged, or not a backup)") from None
    return manifest


def _copy_checked(stream: IO[bytes], target: Path, expected: dict[str, Any], file: Path, name: str) -> None:
    # Names of the manifest could still point outside: they are data of the file.
    root = target.parents[len(Path(name).parts) - 1]
    if not target.resolve().is_relative_to(root.resolve()):
        raise CommandFault(f"备份中的文件名 {name} 指向别处，不恢复 (unsafe name)")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    checksum, size = hashlib.sha256(), 0
    with target.open("xb") as copy:
        while chunk := stream.read(CHUNK):
            copy.write(chunk)
            checksum.update(chunk)
            size += len(chunk)
    if checksum.hexdigest() != expected["sha256"] or size != expected["bytes"]:
        raise CommandFault(f"{file} 已损坏：{name} 的校验和不符，没有恢复任何内容 (checksum differs)")


def _fitting_keys(manifest: dict[str, Any], data_dir: Path, keys: Path | None, file: Path) -> Path | None:
    """The keys file to put into DATA_DIR, None when the right one is there; raises CommandFault when neither fits."""
    mark = manifest["keys_mark"]
    if keys is None:
        own = data_dir / "keys" / "privacy.json"
        outside = os.environ.get("FFP_KEYS_FILE")
        if (own.exists() or outside) and keys_mark(ensure_keys(data_dir / "keys")) == mark:
            return None
        raise CommandFault(f"这里没有 {file.name} 备份时的密钥：请用 --keys 指出当时另行保管的 keys 目录 (the keys of this backup are needed)")
    given = keys / "privacy.json" if keys.is_dir() else keys
    try:
        text = json.loads(given.read_text(encoding="utf-8"))
        found = Keys(bytes.fromhex(text["cipher"]), bytes.fromhex(text["digest"]), str(text["django"]))
    except (OSError, ValueError, KeyError, TypeError):
        raise CommandFault(f"{given} 不是密钥文件，请指出含 privacy.json 的目录 (not a keys file)") from None
    if keys_mark(found) != mark:
        raise CommandFault(f"{given} 不是这个备份的密钥：用它证件号码、银行卡号都解不开。请找备份时的 keys 目录 (these keys do not fit)")
    return given


def _keys_file(data_dir: Path) -> Path:
    return Path(os.environ.get("FFP_KEYS_FILE", str(data_dir / "keys" / "privacy.json")))


def _change_of_keys(data_dir: Path, given: Path) -> list[swap.Move]:
    """The keys of the backup in place of those here; the former ones stay beside them, for the backups made with them."""
    target = _keys_file(data_dir)
    if target.exists() and target.samefile(given):
        return []
    new, old = target.with_name(f".{target.name}.new"), target.with_name(f"{target.name}.replaced-{time.strftime('%Y%m%d-%H%M%S')}")
    write_private(new, given.read_text(encoding="utf-8"))
    return [swap.move(new=new, target=target, old=old)]


def _refuse_newer(manifest: dict[str, Any]) -> None:
    """A backup whose structure this code does not know yet cannot be brought up to date."""
    ours = supervisor.PROJECT_DIR / "fangfanpin"
    unknown = [
        name
        for app, _, migration in (name.partition(".") for name in manifest["migrations"])
        if (ours / app / "migrations").is_dir() and not (ours / app / "migrations" / f"{migration}.py").exists()
        for name in [f"{app}.{migration}"]
    ]
    if unknown:
        version = manifest["version"]
        raise CommandFault(f"备份来自较新的版本 {version}（{unknown[0]} 等），请先升级本系统再恢复 (made by a newer version)")


def _holds_county(connection: psycopg.Connection) -> bool:
    if _one(connection, "SELECT to_regclass('public.campaigns_campaign') IS NOT NULL") is not True:
        return False
    return bool(_one(connection, "SELECT EXISTS (SELECT FROM campaigns_campaign) OR EXISTS (SELECT FROM households_household)"))


def _empty(connection: psycopg.Connection) -> None:
    with connection.transaction():
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        connection.execute("ALTER SCHEMA public OWNER TO pg_database_owner")


def _run(program: str, url: str, arguments: list[str]) -> None:
    """A program of PostgreSQL with its connection in the environment: a password in the arguments could be read by every account."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    connection = {
        "PGHOST": query.get("host", parts.hostname or ""),
        "PGPORT": str(parts.port or query.get("port", "5432")),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": _dbname(url),
        "PGSSLMODE": query.get("sslmode", "prefer"),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = subprocess.run([wheel_bin() / program, *arguments], env={**kept, **connection, "LC_ALL": "C"}, check=False, capture_output=True)
    if done.returncode != 0:
        # Only the first line: the lines below may carry rows.
        why = done.stderr.decode(errors="replace").strip().split("\n", 1)[0]
        raise CommandFault(f"{program} 没有完成：{why}")


def _dbname(url: str) -> str:
    return unquote(urlsplit(url).path.lstrip("/"))


def _one(connection: psycopg.Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(content), 0o600, int(time.time())
    archive.addfile(member, io.BytesIO(content))


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member
