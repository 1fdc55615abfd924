"""What changed since a version was seen: from the events, so that two people's work on one household can be put together."""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fangfanpin.audit.models import Event
from fangfanpin.households.models import Person
from fangfanpin.households.subjects import HOUSEHOLD_COLUMNS, HOUSEHOLD_SECRETS, PERSON_COLUMNS, PERSON_SECRETS
from fangfanpin.records.models import Record
from fangfanpin.records.units import Unit

_VALUES = "values."
_RECORDS, _HOUSEHOLDS, _PERSONS = "records_record", "households_household", "households_person"
_ITEM_BY_COLUMN: Mapping[str, Mapping[str, str]] = {
    _HOUSEHOLDS: {column: name for name, column in {**HOUSEHOLD_COLUMNS, **HOUSEHOLD_SECRETS}.items()},
    _PERSONS: {column: name for name, column in {**PERSON_COLUMNS, **PERSON_SECRETS}.items()},
}


@dataclass(frozen=True, slots=True)
class Change:
    """The last change of one item since a version: by whom, when, from where."""

    name: str
    by: int
    at: datetime.datetime
    source: str


def changed_since(unit: Unit, target: str, record: Record, seen_version: int) -> dict[str, Change]:
    """Items of a target changed after `seen_version` of its record, by name. Every save of a target raises its record's
    version inside the household's lock, so event order is save order."""
    if seen_version >= record.version:
        return {}
    seen = Event.objects.of_row(_RECORDS, record.id).filter(version__lte=seen_version).last()
    after = seen.id if seen else 0
    subject = unit.person(target)
    subject_table = _PERSONS if isinstance(subject, Person) else _HOUSEHOLDS
    subject_id = subject.id if subject else unit.household.id
    found: dict[str, Change] = {}
    for table, row_id in ((_RECORDS, record.id), (subject_table, subject_id)):
        for event in Event.objects.of_row(table, row_id).filter(id__gt=after, op="U"):
            for column in event.changed or {}:
                name = _item(table, column)
                if name:
                    found[name] = Change(name, event.actor_id, event.at, event.source)
        if seen is None:  # the record was made after this client looked: all its values are news
            for event in Event.objects.of_row(table, row_id).filter(op="I", table_name=_RECORDS):
                for name in (event.row or {}).get("values", {}):
                    found.setdefault(name, Change(name, event.actor_id, event.at, event.source))
    return found


def _item(table: str, column: str) -> str | None:
    if table == _RECORDS:
        return column.removeprefix(_VALUES) if column.startswith(_VALUES) else None
    return _ITEM_BY_COLUMN[table].get(column)


def clash(offered: Mapping[str, Any], since: Mapping[str, Change], groups: Iterable[frozenset[str]], computed: frozenset[str]) -> dict[str, Change]:
    """Offered items that meet a change made since: the same item, or another part of the same sum. Computed items never clash."""
    typed_since = {name: change for name, change in since.items() if name not in computed}
    clashes: dict[str, Change] = {}
    for name in offered:
        if name in typed_since:
            clashes[name] = typed_since[name]
            continue
        for group in groups:
            if name in group:
                mates = [typed_since[mate] for mate in group if mate in typed_since]
                if mates:
                    clashes[name] = max(mates, key=lambda change: change.at)
                    break
    return clashes
