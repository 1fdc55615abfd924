"""A household's year as one unit: its rows loaded together, and the scopes that expressions are evaluated in."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils import timezone

from fangfanpin.households.models import Household, Location, MonitoringSpell, Person
from fangfanpin.households.subjects import household_facts, household_values, person_facts, person_values
from fangfanpin.pack import Indicator, Pack
from fangfanpin.records import relations as beside
from fangfanpin.records.current_year import CurrentYear, today, year_if_any
from fangfanpin.records.models import Record
from fangfanpin.regions.holding import hold

HOUSEHOLD_FORM = "household_year"
PERSON_FORM = "person_year"
LIVE = "01"  # member_state 在户
HEAD = "01"  # relation_to_head 本人或户主
TARGET_HOUSEHOLD = "household"


@dataclass(slots=True)
class Past:
    """What the record of the year before holds, in today's names and codes (the pack's `renamed.csv`, `recoded.csv`). Read, never saved."""

    form: str
    values: dict[str, Any]
    subject: dict[str, Any]
    ticks: dict[str, Any]
    pack_hash: str


def past_of(record: Record, year: CurrentYear | None) -> Past:
    """A record of an earlier year as the year in force reads it."""
    values, subject = record.values, record.subject
    if year is not None:
        values, subject = year.pack.brought(record.form, values, record.year), year.pack.brought(record.form, subject, record.year)
    return Past(record.form, values, subject, record.ticks, record.pack_hash)


@dataclass(slots=True)
class Unit:
    """`records` and `last` by target: "household" or a person's id as text. `registry_changed`: a save wrote to household or persons, not to
    records only; `changed`: (form, item) of what it changed in records; `state_changed`: whether the household's year went into another state."""

    household: Household
    persons: list[Person]
    year: int
    records: dict[str, Record] = field(default_factory=dict)
    last: dict[str, Past] = field(default_factory=dict)
    spells: list[MonitoringSpell] = field(default_factory=list)
    location: Location | None = None
    last_location: Location | None = None
    rows: dict[str, list[beside.Row]] = field(default_factory=dict)  # by relation, as far as they were asked for
    registry_changed: bool = False
    changed: frozenset[tuple[str, str]] = frozenset()
    state_changed: bool = False

    def keep(self, record: Record, year: CurrentYear | None) -> None:
        """Take in a record of the year or of the one before. `year`: in force, asked for once for all records."""
        target = TARGET_HOUSEHOLD if record.form == HOUSEHOLD_FORM else str(record.subject_id)
        if record.year == self.year:
            self.records[target] = record
        else:
            self.last[target] = past_of(record, year)

    def person(self, target: str) -> Person | None:
        return next((person for person in self.persons if str(person.id) == target), None)

    def live(self) -> list[Person]:
        return [person for person in self.persons if person.member_state == LIVE]


def load_unit(household: Household, year: int, *, lock: bool = False) -> Unit:
    """Every row of a household's year and of the year before. With `lock` its rows are locked, in the order village, household,
    persons, records, so that two saves of one household, and a change of divisions, wait for each other and never deadlock."""
    if lock:
        hold([household.village_code])
        household = Household.objects.select_for_update().get(pk=household.pk)
    return _loaded([household], year, lock=lock)[0]


def load_units(households: Iterable[Household], year: int) -> list[Unit]:
    """As `load_unit`, of many households in their order, by as many queries as of one."""
    return _loaded(households, year, lock=False)


def _loaded(households: Iterable[Household], year: int, *, lock: bool) -> list[Unit]:
    units = {household.pk: Unit(household=household, persons=[], year=year) for household in households}
    keys = list(units)
    persons = Person.objects.filter(household__in=keys, merged_into__isnull=True).order_by("position", "code")
    records = Record.objects.filter(household__in=keys, year__in=(year, year - 1), form__in=(HOUSEHOLD_FORM, PERSON_FORM))
    if lock:
        persons, records = persons.select_for_update(), records.select_for_update().order_by("id")
    homes: dict[UUID | None, UUID] = {}
    for person in persons:
        unit = units[person.household_id]
        person.household = unit.household
        unit.persons.append(person)
        homes[person.id] = person.household_id
    in_force = year_if_any()
    for record in records:
        if record.household_id is None or (record.form == PERSON_FORM and homes.get(record.subject_id) != record.household_id):
            continue  # of a row that was merged into another person's
        units[record.household_id].keep(record, in_force)
    for spell in MonitoringSpell.objects.filter(household__in=keys).order_by("spell_no"):
        spell.household = units[spell.household_id].household
        units[spell.household_id].spells.append(spell)
    for location in Location.objects.filter(household__in=keys).order_by("-located_at", "-id"):
        location.household = units[location.household_id].household
        _locate(units[location.household_id], location)
    return list(units.values())


def _locate(unit: Unit, location: Location) -> None:
    """Where the house stands, and where it stood by the end of the year before: the later of several points, which comes first."""
    began = datetime.datetime(unit.year, 1, 1, tzinfo=timezone.get_default_timezone())
    if unit.location is None and location.is_current:
        unit.location = location
    if unit.last_location is None and location.located_at < began:
        unit.last_location = location


def read_rows(units: Sequence[Unit], pack: Pack) -> None:
    """What the pack's forms ask of registers and pairings, of many units by as many queries as of one; `scopes_of` then reads no more."""
    found = beside.rows_of_households([unit.household.id for unit in units], pack, beside.asked_by_forms(pack))
    for unit in units:
        unit.rows |= found[unit.household.id]


def target_record(unit: Unit, target: str, pack_hash: str) -> Record:
    """The year's record of a target, made when first written to."""
    if target not in unit.records:
        lead = unit.records.get(TARGET_HOUSEHOLD)
        person = unit.person(target)
        unit.records[target] = Record(
            form=PERSON_FORM if person else HOUSEHOLD_FORM,
            year=unit.year,
            subject_kind=Record.SubjectKind.PERSON if person else Record.SubjectKind.HOUSEHOLD,
            subject_id=person.id if person else unit.household.id,
            household=unit.household,
            person=person,
            parent=lead if person else None,
            village_code=unit.household.village_code,
            pack_hash=pack_hash,
            version=0,
        )
    return unit.records[target]


def _engine(pack: Pack, form: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: pack.to_engine(form, name, value) for name, value in values.items()}


def location_values(location: Location | None) -> dict[str, Any]:
    """Items of the house's place in JSON form; none while nobody located it."""
    if location is None:
        return {}
    return {
        "lat": location.lat,
        "lon": location.lon,
        "datum": location.datum or None,
        "gps_accuracy_m": location.gps_accuracy_m,
        "mock_location": location.mock_location,
        "located_at": timezone.localdate(location.located_at).isoformat(),
    }


@dataclass(frozen=True, slots=True)
class Scopes:
    """Ready for `expressions.evaluate`: the household's, each person's by target, each spell's by id, by relation those of its rows."""

    household: dict[str, Any]
    persons: dict[str, dict[str, Any]]
    spells: dict[UUID, dict[str, Any]]
    rows: dict[str, list[dict[str, Any]]]


def carries(indicator: Indicator) -> bool:
    """Is it an item whose last value still stands until somebody says otherwise? (field/src/engine/model.ts says the same.)"""
    return indicator.home == "record" and indicator.kind in ("as_of", "fixed")


def carried_over(unit: Unit, pack: Pack, target: str) -> dict[str, Any]:
    """Last year's values that nobody has said anything about this year, by item; an empty one is no claim and left out."""
    last = unit.last.get(target)
    if last is None:
        return {}
    said = _values(unit.records.get(target))
    kept = {item.name for item in pack.forms[last.form].indicators if carries(item)}
    return {name: value for name, value in last.values.items() if value is not None and name in kept and name not in said}


def scopes_of(
    unit: Unit,
    pack: Pack,
    *,
    live_only: bool = True,
    carried: Mapping[str, Mapping[str, Any]] | None = None,
    relations: frozenset[str] | None = None,
    consts: dict[str, Any] | None = None,
) -> Scopes:
    """Build the scopes of docs/rule-language.md from the rows of a unit. `carried`: by target last year's values that still stand; the rows
    hold them too, as the screen does before anything is confirmed. `relations`: those whose rows are asked for, by default those that the
    pack's forms ask for; only what is missing of them is read. `consts`: the pack's constants where they are known, by default those of today."""
    before = carried or {}
    household_row = {**before.get(TARGET_HOUSEHOLD, {}), **_household_row(unit)}
    last = unit.last.get(TARGET_HOUSEHOLD)
    person_scopes: dict[str, dict[str, Any]] = {}
    for person in unit.persons:
        target = str(person.id)
        row = {**before.get(target, {}), **person_values(person), **person_facts(person), **_values(unit.records.get(target)), "row_id": target}
        last_own = unit.last.get(target)
        person_scopes[target] = {
            "row": _engine(pack, PERSON_FORM, row),
            "last": _engine(pack, PERSON_FORM, {**last_own.subject, **last_own.values}) if last_own else None,
        }
    spells = [{"row": _engine_spell(pack, spell)} for spell in unit.spells]
    consts = pack.constants(today()) if consts is None else consts
    asked = beside.asked_by_forms(pack) if relations is None else relations
    unit.rows |= beside.rows_of_household(unit.household.id, pack, asked - unit.rows.keys())
    registers = {name: [{"row": row.values} for row in rows] for name, rows in unit.rows.items()}
    members = [person_scopes[str(person.id)] for person in unit.live()]
    household_scope: dict[str, Any] = {
        "row": _engine(pack, HOUSEHOLD_FORM, household_row),
        "last": _engine(pack, HOUSEHOLD_FORM, {**location_values(unit.last_location), **last.subject, **last.values}) if last else None,
        "spell": spells[-1] if spells else None,
        "relations": {
            "members": members,
            "all_members": [person_scopes[str(person.id)] for person in unit.persons],
            "spells": spells,
            **registers,
        },
        "consts": consts,
    }
    household_scope["household"] = household_scope
    for scope in person_scopes.values():
        scope["household"] = household_scope
        scope["consts"] = consts
    spell_scopes: dict[UUID, dict[str, Any]] = {}
    for spell, spell_scope in zip(unit.spells, spells, strict=True):
        spell_scope["household"] = household_scope
        spell_scope["consts"] = consts
        spell_scopes[spell.id] = spell_scope
    for row_scope in (scope for rows in registers.values() for scope in rows):
        row_scope |= {"household": household_scope, "consts": consts}
    chosen = {str(p.id) for p in unit.live()} if live_only else set(person_scopes)
    return Scopes(household_scope, {t: s for t, s in person_scopes.items() if t in chosen}, spell_scopes, registers)


def _values(record: Record | None) -> dict[str, Any]:
    return record.values if record else {}


def _household_row(unit: Unit) -> dict[str, Any]:
    record = unit.records.get(TARGET_HOUSEHOLD)
    latest = unit.spells[-1] if unit.spells else None
    row = {
        **household_values(unit.household),
        **household_facts(unit.household),
        **location_values(unit.location),
        **_values(record),
        "members_live": len(unit.live()),
        "head_name": unit.household.head_name or None,
        "monitoring_type": latest.monitoring_type or None if latest else None,
        "monitoring_state": latest.spell_state or None if latest else None,
        "form_year": unit.year,
    }
    if record is not None:
        row["entered_by"] = str(record.entered_by_id) if record.entered_by_id else None
        row["checked_by"] = str(record.checked_by_id) if record.checked_by_id else None
        row["entered_on"] = timezone.localdate(record.submitted_at).isoformat() if record.submitted_at else None
    return row


def _engine_spell(pack: Pack, spell: MonitoringSpell) -> dict[str, Any]:
    row: dict[str, Any] = {
        "spell_no": spell.spell_no,
        "identified_month": spell.identified_month or None,
        "eliminated_month": spell.eliminated_month or None,
        "monitoring_type": spell.monitoring_type or None,
        "spell_state": spell.spell_state or None,
        **spell.values,
    }
    return {name: pack.to_engine("spell", name, value) for name, value in row.items()}
