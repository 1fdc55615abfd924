"""What a pack computes of households and their members, of the year's records that are there already: of many households, some hundreds at a
time, each time by as many queries as of one. What follows from it is ordered above (`registers.recomputing`)."""

import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from fangfanpin.households.models import Household, Person
from fangfanpin.pack import Pack
from fangfanpin.pack.once import once_per_pack
from fangfanpin.records.current_year import today
from fangfanpin.records.models import Record
from fangfanpin.records.saving import compute, constraint_faults
from fangfanpin.records.units import HOUSEHOLD_FORM, PERSON_FORM, TARGET_HOUSEHOLD, Unit, load_units, read_rows, scopes_of
from fangfanpin.regions.holding import hold

FORMS = (HOUSEHOLD_FORM, PERSON_FORM)
AT_ONCE = 500
_REVIEWED = (Record.State.APPROVED, Record.State.LOCKED)
_HANDED_IN = (Record.State.SUBMITTED, *_REVIEWED)


Seen = tuple[UUID, int, bool]  # a row's key and version, and whether it is ticked as entered in the national system, which no version tells


@dataclass(frozen=True, slots=True)
class Fresh:
    """New values of a household's year, by record. `seen`: from which rows, at which versions, they were found; `items`: (form, item) of what
    changes; `is_broken`: handed in, and now at odds with an error constraint, which of a draft says nothing; `due_again`: the record that leads,
    where it is ticked as entered in the national system and what was entered is out of date."""

    household: UUID
    village_code: str
    seen: frozenset[Seen]
    values: Mapping[UUID, Mapping[str, Any]]
    items: frozenset[tuple[str, str]]
    is_reviewed: bool
    is_broken: bool
    due_again: UUID | None


def homes_of(year: int, pack: Pack, *, since: datetime.datetime | None = None) -> QuerySet[Household]:
    """Households with something computed in a year: not those of which nothing was collected yet, nor one that went into another, whose year is
    struck. `since`: only those of which a record was written after it under another pack."""
    records = Record.objects.filter(form__in=FORMS, year=year, household=OuterRef("pk"))
    struck = records.filter(form=HOUSEHOLD_FORM, state=Record.State.VOID)
    computed = records.filter(Q(form=PERSON_FORM) | ~Q(state=Record.State.EMPTY))
    if since is not None:
        computed = computed.filter(updated_at__gte=since).exclude(pack_hash=pack.hash)
    return Household.objects.filter(Exists(computed), ~Exists(struck))


def found(homes: QuerySet[Household], year: int, pack: Pack) -> Iterator[Fresh | None]:
    """Of every household what is computed otherwise than its records hold; None where they hold it."""
    consts, ordered = pack.constants(today()), homes.order_by("pk").iterator(chunk_size=AT_ONCE)
    while some := list(islice(ordered, AT_ONCE)):
        units = load_units(some, year)
        read_rows(units, pack)
        for unit in units:
            yield _fresh(unit, pack, consts)


def keep(fresh: Sequence[Fresh], year: int, pack: Pack) -> list[Fresh]:
    """Write new values within this transaction, state and version as they are: nobody typed anything that a reader could have missed. A household
    that was saved since it was read is found once more, its rows locked. Returns what was written. Takes the villages' shared lock: nothing else
    may be locked before."""
    kept: list[Fresh] = []
    hold({one.village_code for one in fresh})
    for start in range(0, len(fresh), AT_ONCE):
        some = {one.household: one for one in fresh[start : start + AT_ONCE]}
        now = _locked(list(some), year)
        late = {key for key, one in some.items() if not one.seen <= now.get(key, set())}
        again = found(homes_of(year, pack).filter(pk__in=late), year, pack) if late else ()
        settled = [one for key, one in some.items() if key not in late] + [one for one in again if one is not None]
        _write(settled)
        kept += settled
    return kept


@once_per_pack
def _entered(pack: Pack) -> frozenset[tuple[str, str]]:
    """(form, item) of what people enter in the national system."""
    return frozenset((section.form, name) for section in pack.year_update for name in section.items)


def _fresh(unit: Unit, pack: Pack, consts: dict[str, Any]) -> Fresh | None:
    before = {target: dict(record.values) for target, record in unit.records.items()}
    scopes = scopes_of(unit, pack, consts=consts)
    values: dict[UUID, dict[str, Any]] = {}
    items: set[tuple[str, str]] = set()
    for target in compute(unit, pack, scopes):
        record = unit.records[target]
        if target == TARGET_HOUSEHOLD and record.state == Record.State.EMPTY:
            continue  # a member came from elsewhere with a record; of the household itself nothing was collected
        if new := {name: value for name, value in record.values.items() if value != before[target].get(name)}:
            values[record.pk] = new
            items |= {(record.form, name) for name in new}
    if not values:
        return None
    lead = unit.records.get(TARGET_HOUSEHOLD)
    return Fresh(
        household=unit.household.pk,
        village_code=unit.household.village_code,
        seen=frozenset({_seen(unit.household), *map(_seen, unit.persons), *map(_seen, unit.records.values())}),
        values=values,
        items=frozenset(items),
        is_reviewed=lead is not None and lead.state in _REVIEWED,
        is_broken=lead is not None and lead.state in _HANDED_IN and bool(constraint_faults(unit, pack, severity="error", scopes=scopes)),
        due_again=lead.pk if lead is not None and lead.transferred_at is not None and items & _entered(pack) else None,
    )


def _seen(row: Household | Person | Record) -> Seen:
    return row.pk, row.version, isinstance(row, Record) and row.transferred_at is not None


def _locked(households: Sequence[UUID], year: int) -> dict[UUID | None, set[Seen]]:
    """By household the rows of its year at their versions. A save locks its household first, as here, so that until this transaction ends no
    version rises. Without the keys: who saves a register's row meanwhile, and opens a clue on the household, goes on."""
    homes = Household.objects.select_for_update(no_key=True).filter(pk__in=households).order_by("pk")
    now: dict[UUID | None, set[Seen]] = {home.pk: {_seen(home)} for home in homes.only("pk", "version")}
    for person in Person.objects.filter(household__in=households).only("pk", "version", "household_id"):
        now[person.household_id].add(_seen(person))
    records = Record.objects.select_for_update(no_key=True).filter(household__in=households, year=year, form__in=FORMS).order_by("pk")
    for record in records.only("pk", "version", "household_id", "transferred_at"):
        now[record.household_id].add(_seen(record))
    return now


# What was ticked as entered in the national system is due there again, as after a save.
_STORE = """
UPDATE records_record r SET values = r.values || n.fresh,
    transferred_at = CASE WHEN n.is_due_again THEN NULL ELSE r.transferred_at END,
    transferred_by_id = CASE WHEN n.is_due_again THEN NULL ELSE r.transferred_by_id END
FROM unnest(%(ids)s::uuid[], %(fresh)s::jsonb[], %(due_again)s::bool[]) AS n (id, fresh, is_due_again)
WHERE r.id = n.id
"""


def _write(fresh: Sequence[Fresh]) -> None:
    """The rows are locked."""
    values = {key: new for one in fresh for key, new in one.values.items()}
    due_again = {one.due_again for one in fresh if one.due_again is not None}
    ids = sorted(values.keys() | due_again)
    if not ids:
        return
    news, is_due_again = [json.dumps(values.get(key, {})) for key in ids], [key in due_again for key in ids]
    with connection.cursor() as cursor:
        cursor.execute(_STORE, {"ids": ids, "fresh": news, "due_again": is_due_again})
