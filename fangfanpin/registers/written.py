"""Who must hear that rows of a register were written, changed state, were struck or taken back: higher apps answer through this registry (quality
re-checks)."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from fangfanpin.accounts.models import User
from fangfanpin.pack import Form, Pack
from fangfanpin.records.models import Record
from fangfanpin.registers.models import Link


@dataclass(frozen=True, slots=True)
class Written:
    """Rows of one form. `records`: their ids, of rows under no household at least; `households`: those the rows belong to or name, or did."""

    form: Form
    records: Collection[UUID]
    households: Collection[UUID]


AfterRows = Callable[[Written, Pack, User | None], None]
_after: list[AfterRows] = []


def register_after_rows(listener: AfterRows) -> None:
    """`listener(written, pack, by)` in the transaction of the write, list rows and links written."""
    _after.append(listener)


def households_of(form: Form, records: Sequence[UUID]) -> set[UUID]:
    """Households that these rows of a form belong to or, where they are under none, name or have named."""
    if form.belongs:
        return set(Record.objects.filter(pk__in=records, household__isnull=False).values_list("household_id", flat=True))
    if not form.mentions:
        return set()
    return set(Link.objects.filter(record__in=records, name=form.mentions, to_household__isnull=False).values_list("to_household_id", flat=True))


def rows_written(written: Written, pack: Pack, by: User | None) -> None:
    """Many at once, however many: what listens works by sets."""
    for listener in _after:
        listener(written, pack, by)


def row_written(record: Record, pack: Pack, by: User | None) -> None:
    form = pack.forms[record.form]
    households = {record.household_id} if record.household_id else households_of(form, [record.pk])
    rows_written(Written(form, [record.pk], households), pack, by)
