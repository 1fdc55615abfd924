"""What statements find as Arrow: of the committed county side by side and all of one moment, with which the sweep and the county's roll-ups begin;
or of what a transaction sees."""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from django.conf import settings
from psycopg import sql

from fangfanpin.runtime.postgres import read_urls

if TYPE_CHECKING:
    from adbc_driver_postgresql.dbapi import Cursor


class _Arriving(Mapping[str, pa.Table]):
    """Raw tables that are still being read: to ask for one is to wait for it."""

    def __init__(self, names: Iterable[str]) -> None:
        self._tables: dict[str, Future[pa.Table]] = {name: Future() for name in names}

    def __getitem__(self, name: str) -> pa.Table:
        return self._tables[name].result()

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def arrived(self, name: str, table: pa.Table) -> None:
        self._tables[name].set_result(table)

    def fail(self, fault: BaseException) -> None:
        for table in self._tables.values():
            with suppress(InvalidStateError):
                table.set_exception(fault)


_BEGIN = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


@contextmanager
def scanned(scans: Mapping[str, sql.Composed]) -> Iterator[Mapping[str, pa.Table]]:
    """Every scan as an Arrow table, all of them seeing the county at one moment, read by two connections while the caller goes on."""
    adbc = importlib.import_module("adbc_driver_postgresql.dbapi")  # here: it brings 50 MB that a process which never sweeps should not hold
    url = read_urls(Path(settings.DATA_DIR)).snapshot
    raw = _Arriving(scans)
    waiting = iter(scans)  # shared: whichever connection is free takes the next
    moment: Future[str] = Future()
    joined = Event()  # until then the moment must be held

    def lead(cursor: "Cursor") -> None:
        cursor.execute(_BEGIN)
        cursor.execute("SELECT pg_export_snapshot()")
        moment.set_result(cursor.fetchone()[0])
        read(cursor)
        joined.wait()

    def follow(cursor: "Cursor") -> None:
        cursor.execute(_BEGIN)
        cursor.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(moment.result())).as_string(None))
        joined.set()
        read(cursor)

    def read(cursor: "Cursor") -> None:
        for name in waiting:
            cursor.execute(scans[name].as_string(None))
            raw.arrived(name, cursor.fetch_arrow_table())

    def work(deed: Callable[["Cursor"], None]) -> None:
        """Each connects for itself: that takes as long as a scan."""
        try:
            with adbc.connect(url) as connection, connection.cursor() as cursor:
                deed(cursor)
        except BaseException as fault:
            raw.fail(fault)
            with suppress(InvalidStateError):
                moment.set_exception(fault)
            raise
        finally:
            if deed is follow:
                joined.set()

    with ThreadPoolExecutor(2) as pool:
        lanes = [pool.submit(work, deed) for deed in (lead, follow)]
        yield raw
        for done in lanes:
            done.result()


# By PostgreSQL's number of a type; the rest is text.
_ARROW = {
    16: pa.bool_(), 20: pa.int64(), 21: pa.int64(), 23: pa.int64(), 1009: pa.list_(pa.string()), 1015: pa.list_(pa.string()), 1082: pa.date32(),
    2950: pa.uuid(),
}  # fmt: skip


def as_arrow(cursor: Any) -> pa.Table:
    """What a query of Django's connection found."""
    rows = cursor.fetchall()
    columns = list(zip(*rows, strict=True)) or [() for _column in cursor.description]
    return pa.table(
        {column.name: _column(values, _ARROW.get(column.type_code, pa.string())) for column, values in zip(cursor.description, columns, strict=True)}
    )


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if kind != pa.uuid():
        return pa.array(values, kind)
    return pa.ExtensionArray.from_storage(kind, pa.array([value and value.bytes for value in values], kind.storage_type))
