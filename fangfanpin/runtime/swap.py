"""One county in the place of another: database, files and keys change together or not at all, also when the power fails in between.

The newcomer is made whole beside what is there: a database of its own name, its folders under a hidden one of DATA_DIR. Then a journal is written
and everything is renamed; the two renames of the databases are one transaction, and that is the moment it counts. Whoever finds the journal later
(a start, a command, another restore) undoes what was begun before that moment and finishes what was begun after it.
"""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from fangfanpin.cli import CommandFault
from fangfanpin.runtime.postgres import DatabaseUrls, EmbeddedPostgres, in_use, write_private

JOURNAL = "restore.json"
COMING, GOING = ".restore-", ".replaced-"  # hidden folders of DATA_DIR
_BESIDE, _REPLACED = "restoring", "replaced"  # endings of the databases' names


@dataclass(frozen=True, slots=True)
class Move:
    """`new` takes the place of `target`, and what stood there (`had`) waits at `old`. A `new` that is not there leaves the place empty."""

    new: str
    target: str
    old: str
    had: bool


def move(*, new: Path, target: Path, old: Path) -> Move:
    return Move(str(new), str(target), str(old), target.exists())


def is_interrupted(data_dir: Path) -> bool:
    """Is a replacement under way here, or was one cut off?"""
    return (data_dir / JOURNAL).exists()


def settle(data_dir: Path) -> None:
    """Undo or finish a replacement that was cut off, and clear away what any left behind. The caller holds the lock of DATA_DIR."""
    if is_interrupted(data_dir):
        with in_use(data_dir) as urls:
            journal = json.loads((data_dir / JOURNAL).read_text(encoding="utf-8"))
            _settle(data_dir, urls, [Move(**one) for one in journal["moves"]])
    clear(data_dir, COMING, GOING)


@contextlib.contextmanager
def database_beside(data_dir: Path, urls: DatabaseUrls) -> Iterator[DatabaseUrls]:
    """An empty database beside the county's, owned and granted like it; gone when the block ends without `take_over`."""
    name = _name(urls.owner)
    with _server(data_dir, urls) as server:
        _drop(server, f"{name}_{_BESIDE}")
        try:
            _create(server, f"{name}_{_BESIDE}", like=name)
        except psycopg.errors.InsufficientPrivilege:
            raise _no_room_beside() from None
    try:
        yield DatabaseUrls(**{role: _renamed(url, f"{name}_{_BESIDE}") for role, url in asdict(urls).items()})
    finally:
        with _server(data_dir, urls) as server:
            _drop(server, f"{name}_{_BESIDE}")


def take_over(data_dir: Path, urls: DatabaseUrls, moves: Sequence[Move]) -> None:
    """Put the database beside and the new files in place of the county's; on any fault everything stands as before. Raises CommandFault."""
    write_private(data_dir / JOURNAL, json.dumps({"begun_at": time.strftime("%F %T"), "moves": [asdict(one) for one in moves]}))
    try:
        carry_out(moves)
        os.sync()  # what the database is about to make true must be on the disk
        _exchange(data_dir, urls)
    finally:
        _settle(data_dir, urls, moves)


def carry_out(moves: Sequence[Move]) -> None:
    for one in moves:
        Path(one.old).parent.mkdir(exist_ok=True, mode=0o700)
        if one.had:
            _rename(one.target, one.old)
        if Path(one.new).exists():
            _rename(one.new, one.target)


def _settle(data_dir: Path, urls: DatabaseUrls, moves: Sequence[Move]) -> None:
    """Which side of the moment are we on? Before it the database beside still has its name."""
    name = _name(urls.owner)
    with _server(data_dir, urls) as server:
        if _exists(server, f"{name}_{_BESIDE}"):
            for one in reversed(moves):
                _undo(one)
        _drop(server, f"{name}_{_BESIDE}")
        _drop(server, f"{name}_{_REPLACED}")
    (data_dir / JOURNAL).unlink()
    clear(data_dir, GOING)


def clear(data_dir: Path, *beginnings: str) -> None:
    """Remove the hidden folders that a replacement left."""
    for beginning in beginnings:
        for left in data_dir.glob(f"{beginning}*"):
            shutil.rmtree(left)


def _undo(one: Move) -> None:
    """From any point of the move back to before it; twice is once."""
    target, old, new = Path(one.target), Path(one.old), Path(one.new)
    if new.is_file():
        new.unlink()  # keys; folders go with the hidden one they lie in
    if one.had and not old.exists():
        return  # never begun
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
    if one.had:
        _rename(one.old, one.target)


def _rename(old: str, new: str) -> None:
    os.replace(old, new)


def _exchange(data_dir: Path, urls: DatabaseUrls) -> None:
    name = _name(urls.owner)
    with _server(data_dir, urls) as server:
        try:
            with server.transaction():
                for now, then in ((name, f"{name}_{_REPLACED}"), (f"{name}_{_BESIDE}", name)):
                    server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(now), sql.Identifier(then)))
        except psycopg.errors.ObjectInUse:
            raise CommandFault("还有别的命令或程序连着数据库，没有换上备份；等它们结束再恢复 (the database is still in use)") from None


@contextlib.contextmanager
def _server(data_dir: Path, urls: DatabaseUrls) -> Iterator[psycopg.Connection]:
    """A connection beside the county's database, that may create and rename databases."""
    outside = bool(os.environ.get("DATABASE_URL"))
    url = _renamed(urls.owner, "postgres") if outside else EmbeddedPostgres(data_dir).superuser_url()
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError:
        if outside:
            raise _no_room_beside() from None
        raise
    with connection:
        yield connection


def _no_room_beside() -> CommandFault:
    return CommandFault(
        "DATABASE_URL 的账号不能在旁边另建数据库，不敢直接覆盖现有的县：请给它 CREATEDB 并允许连接 postgres 库，"
        "或改用一个空数据库恢复 (the owner may not create a database beside)"
    )


def _create(server: psycopg.Connection, name: str, *, like: str) -> None:
    row = server.execute("SELECT pg_get_userbyid(datdba), datcollate, datctype, datacl FROM pg_database WHERE datname = %s", [like]).fetchone()
    if row is None:
        raise CommandFault(f"没有数据库 {like} (no such database)")
    owner, collate, ctype, granted = row
    target = sql.Identifier(name)
    server.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE {} LC_CTYPE {}").format(
            target, sql.Identifier(owner), sql.Literal(collate), sql.Literal(ctype)
        )
    )
    if granted is None:
        return
    server.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(target))
    rights = server.execute(
        "SELECT CASE grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(grantee) END, privilege_type"
        " FROM pg_database, aclexplode(datacl) WHERE datname = %s AND grantee <> datdba",
        [like],
    ).fetchall()
    for grantee, right in rights:
        whom = sql.SQL("PUBLIC") if grantee is None else sql.Identifier(grantee)
        server.execute(sql.SQL("GRANT {} ON DATABASE {} TO {}").format(sql.SQL(right), target, whom))


def _exists(server: psycopg.Connection, name: str) -> bool:
    return server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _drop(server: psycopg.Connection, name: str) -> None:
    server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _name(url: str) -> str:
    return unquote(urlsplit(url).path.lstrip("/"))


def _renamed(url: str, database: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, f"/{quote(database, safe='')}", parts.query, ""))
