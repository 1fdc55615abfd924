"""Rows of one subject that must not overlap in time: one first secretary, one leader, one stay of a member (apart.toml)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from fangfanpin.expressions import evaluate
from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.model import Apart
from fangfanpin.records.models import Record
from fangfanpin.registers import sealed
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.mirror import value_of
from fangfanpin.registers.models import Sealed
from fangfanpin.registers.spans import collide, span_between

Digests = Mapping[str, Mapping[Any, str]]


class Company:
    """Rows that stand beside some that are to be stored, by subject: read for all of them at once, after whoever adds to one of these subjects at
    the same moment has been waited for."""

    def __init__(self, records: Sequence[Record], register: Register) -> None:
        _wait(records)
        self._register = register
        self._there: dict[tuple[Any, ...], dict[Any, Record]] = defaultdict(dict)
        for row in _of_same_subjects(records).exclude(state=Record.State.VOID).order_by("created_at", "id"):
            self._there[whose(row)][row.pk] = row
        self._digests = digests(register, [*(row.pk for rows in self._there.values() for row in rows.values()), *(one.pk for one in records)])

    def meeting(self, record: Record, pack: Pack, scope: Mapping[str, Any]) -> list[tuple[str, str]]:
        """(item, message) where the row as it is to be stored meets another in time. `scope`: the row's own. A day on which one leaves and the next
        comes is no overlap."""
        others = [row for row in self._there[whose(record)].values() if row.pk != record.pk]
        return list(meeting(record, others, self._register, pack, scope, self._digests))

    def join(self, record: Record) -> None:
        """The row will be stored: those that come after it meet it too."""
        self._there[whose(record)][record.pk] = record


def is_asked(register: Register, pack: Pack) -> bool:
    return any(one.form == register.key for one in pack.apart)


def _of_same_subjects(records: Sequence[Record]) -> QuerySet[Record, Record]:
    """Rows of the subjects of these, which are of one form."""
    ids, codes = {record.subject_id for record in records} - {None}, {record.subject_code for record in records}
    rows = Record.objects.filter(form__in={record.form for record in records}, village_code__in={record.village_code for record in records})
    return rows.filter(Q(subject_id__in=ids) | Q(subject_id__isnull=True), subject_code__in=codes)


def digests(register: Register, records: Sequence[Any]) -> Digests:
    """Stored digests of the register's secret items, by item and record."""
    return {
        item.name: dict(Sealed.objects.filter(record__in=records, name=item.name).values_list("record_id", "digest"))
        for item in sealed.secret_items(register)
    }


def meeting(
    record: Record, others: Sequence[Record], register: Register, pack: Pack, scope: Mapping[str, Any], known: Digests
) -> Iterator[tuple[str, str]]:
    """As `Company.meeting`, against these rows of the same subject. `known`: digests of theirs and of the row's own."""
    for one in pack.apart:
        if one.form != register.key or (one.when is not None and evaluate(one.when, scope) is not True):
            continue
        for other in others:
            if one.when is not None and evaluate(one.when, _scope(other, register, pack, scope)) is not True:
                continue
            if all(_alike(record, other, register, name, known) for name in one.same) and _meet(record, other, one):
                yield one.start, one.message
                break


def whose(record: Record) -> tuple[Any, ...]:
    """Rows of which subject meet."""
    return tuple(_same_subject(record).values())


# Always in one order.
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended(name, 0)) FROM (SELECT unnest(%s::text[]) AS name ORDER BY 1) n"


def _wait(records: Sequence[Record]) -> None:
    """Two people who add at the same moment see each other's row."""
    names = {f"apart {record.form} {record.subject_code or record.subject_id}" for record in records}
    with connection.cursor() as cursor:
        cursor.execute(_ALONE, [sorted(names)])


def _same_subject(record: Record) -> dict[str, Any]:
    return {"form": record.form, "village_code": record.village_code, "subject_id": record.subject_id, "subject_code": record.subject_code}


def _scope(record: Record, register: Register, pack: Pack, scope: Mapping[str, Any]) -> dict[str, Any]:
    row = {item.name: pack.to_engine(register.key, item.name, value_of(record, register, item)) for item in register.form.indicators}
    return {"row": row, "last": None, "consts": scope["consts"]}


def _alike(one: Record, other: Record, register: Register, name: str, digests: Digests) -> bool:
    item = register.item(name)
    assert item is not None, name  # the pack's check refused it otherwise
    first, second = _compared(one, register, item, digests), _compared(other, register, item, digests)
    return first not in (None, "") and first == second


def _compared(record: Record, register: Register, item: Indicator, digests: Digests) -> Any:
    if item.type == "secret_number":
        return sealed.digest_of(record, item, digests[item.name])
    return value_of(record, register, item)


def _meet(one: Record, other: Record, rule: Apart) -> bool:
    ends = rule.start, rule.end
    return collide(span_between(one.values, ends), span_between(other.values, ends))
