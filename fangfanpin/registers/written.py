"""Who must hear that a register's row was written, changed state or was struck: higher apps answer through this registry (quality re-checks)."""

from collections.abc import Callable, Iterable

from fangfanpin.accounts.models import User
from fangfanpin.pack import Pack
from fangfanpin.records.models import Record

MOST_AT_ONCE = 100  # households that a request may wait for, about 30 ms each
AfterRow = Callable[[Record, Pack, User | None], None]
_after: list[AfterRow] = []


def register_after_row(listener: AfterRow) -> None:
    """`listener(record, pack, by)` in the transaction of the write, its list row and links written."""
    _after.append(listener)


def rows_written(records: Iterable[Record], pack: Pack, by: User | None) -> None:
    """As `row_written` of many at once; of one household's rows of a form one speaks for all. Of the rest of a long grid the nightly sweep hears."""
    spoken_for = {(record.form, record.household_id or record.pk): record for record in records}
    for record in list(spoken_for.values())[:MOST_AT_ONCE]:
        row_written(record, pack, by)


def row_written(record: Record, pack: Pack, by: User | None) -> None:
    for listener in _after:
        listener(record, pack, by)
