"""One village as the rules on its yearly tables see it: the row, last year's beside it, and the rows below that are counted: those that a sweep
would read, so that a re-check says what the sweep says."""

import datetime
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from fangfanpin.pack import Pack, Rule
from fangfanpin.pack.once import once_per_pack
from fangfanpin.quality import messages
from fangfanpin.quality.snapshot import SWEPT_STATES, not_recorded
from fangfanpin.records.models import Record
from fangfanpin.records.relations import row_of
from fangfanpin.registers import rollups, sources
from fangfanpin.registers.sources import Raw, Table

Scope = dict[str, Any]


@once_per_pack
def rules_of_villages(pack: Pack) -> dict[str, tuple[Rule, ...]]:
    """By form the rules on rows of villages that can be judged one village at a time."""
    found: dict[str, list[Rule]] = {}
    for rule in pack.rules:
        if rule.of_village and rule.reach != "set":
            found.setdefault(rule.subject, []).append(rule)
    return {form: tuple(rules) for form, rules in found.items()}


@once_per_pack
def asking(pack: Pack) -> dict[str, frozenset[str]]:
    """{register: yearly tables of villages whose rules or roll-ups read its rows}: what is judged again when such a row is written."""
    schema = pack.schema()
    found: dict[str, set[str]] = {}
    for form, rules in rules_of_villages(pack).items():
        if not pack.forms[form].is_yearly_of_place:
            continue
        found.setdefault(form, set()).add(form)
        expressions = [part for rule in rules for part in (rule.scope, rule.when) if part is not None]
        expressions += [one.expression for one in pack.rollups if one.form == form]
        for name in frozenset[str]().union(*(part.relations for part in expressions)):
            found.setdefault(schema.relations_of(form)[name].table, set()).add(form)
    return {register: frozenset(forms) for register, forms in found.items()}


@once_per_pack
def _tables(pack: Pack) -> dict[str, dict[str, Table]]:
    """By form what is read of its own rows and of every table that its rules count over."""
    schema = pack.schema()
    found: dict[str, dict[str, Table]] = {}
    for form, rules in rules_of_villages(pack).items():
        relations = schema.relations_of(form)
        items: dict[str, set[str]] = {form: set()}
        items.update((relations[name].table, set()) for rule in rules for name in rule.relations)
        for rule in rules:
            for reading in messages.asked(rule):
                place = reading.place.removesuffix(".last")
                if place not in ("row", "last"):
                    items.setdefault(relations[place].table if place in relations else place, set()).add(reading.item)
                elif place == "row":
                    items[form].add(reading.item)
        found[form] = {
            name: Table(
                name,
                {item: schema.subjects[name].columns[item] for item in sorted(wanted)},
                name in pack.forms and pack.forms[name].is_yearly_of_place,
            )
            for name, wanted in items.items()
        }
    return found


@dataclass(frozen=True, slots=True)
class Below:
    """(form, item) of what rules on villages read of the households below them. `swept`: of those that are swept; `summed`: of all, by roll-ups."""

    swept: frozenset[tuple[str, str]]
    summed: frozenset[tuple[str, str]]


@once_per_pack
def read_below(pack: Pack) -> Below:
    asked = [table for tables in _tables(pack).values() for table in tables.values() if table.name in sources.FORMS]
    summed = sources.items_read(pack)
    return Below(summed | {(sources.FORMS[table.name], item) for table in asked for item in table.items}, summed)


def scopes_of(record: Record, pack: Pack, today: datetime.date | None) -> list[Scope]:
    """The row's scope; none where a sweep would not read it: the year's table of a village is judged once it is handed in."""
    form = pack.forms[record.form]
    if form.is_yearly_of_place:
        tables = tables_in([record.village_code], form.key, record.year, pack, today)
        return [scope for found, scope in tables if found.pk == record.pk and scope is not None]
    found = _scopes(form.key, [record.village_code], record.year, pack, today)[str(record.pk)]
    found["last"] = None
    return [found]


def tables_in(villages: Collection[str], form: str, year: int, pack: Pack, today: datetime.date | None) -> list[tuple[Record, Scope | None]]:
    """Every table of a yearly form in some villages, with its scope each that a sweep would read. The villages are read together."""
    records = list(Record.objects.filter(form=form, year=year, village_code__in=villages).exclude(state=Record.State.VOID))
    if not any(record.state in SWEPT_STATES for record in records):
        return [(record, None) for record in records]
    scopes = _scopes(form, villages, year, pack, today)
    last = _last_of(records, form, year - 1, pack)
    for record in records:
        if (scope := scopes.get(str(record.pk))) is not None:
            scope["last"] = last.get(record.subject_code)
    return [(record, scopes.get(str(record.pk))) for record in records]


def _scopes(form: str, villages: Collection[str], year: int, pack: Pack, today: datetime.date | None) -> dict[str, Scope]:
    """By the row's key."""
    raw: Raw = {}
    with connection.cursor() as cursor:
        for table in _tables(pack)[form].values():
            cursor.execute(sources.scan(table, pack, year, narrowed=True, states=SWEPT_STATES), {"villages": list(villages)})
            raw[table.name] = sources.rows_of(table, [column.name for column in cursor.description], cursor.fetchall())
    places = rollups.places(form, rollups.scopes(raw, pack, pack.constants(today)), pack.schema())
    return {row["row_key"]: scope for row, (_place, scope) in zip(raw[form], places, strict=True)}


def _last_of(records: Iterable[Record], form: str, year: int, pack: Pack) -> dict[str, dict[str, Any]]:
    """By place what the table of the year before says, in today's names."""
    places = [record.subject_code for record in records]
    rows = Record.objects.filter(form=form, year=year, subject_code__in=places).exclude(state=Record.State.VOID)
    found, left_out = {}, not_recorded(form, pack)
    for row in rows:
        row.values = pack.brought(form, dict(row.values), year)
        values = row_of(row, pack.forms[form], pack).values
        found[row.subject_code] = {name: value for name, value in values.items() if name not in left_out}
    return found
