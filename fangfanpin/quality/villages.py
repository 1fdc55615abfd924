"""One village as the rules on its yearly tables see it: the row, last year's beside it, and the rows below that are counted: those that a sweep
would read, so that a re-check says what the sweep says."""

import datetime
from collections.abc import Iterable
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


def scopes_of(record: Record, pack: Pack, today: datetime.date | None) -> list[Scope]:
    """The row's scope; none where a sweep would not read it: the year's table of a village is judged once it is handed in."""
    form = pack.forms[record.form]
    if form.is_yearly_of_place and record.state not in SWEPT_STATES:
        return []
    raw = _read(_tables(pack)[form.key].values(), pack, record)
    scopes = rollups.scopes(raw, pack, pack.constants(today))
    rows = zip(raw[form.key], rollups.places(form.key, scopes, pack.schema()), strict=True)
    scope = next(scope for row, (_place, scope) in rows if row["row_key"] == str(record.pk))
    scope["last"] = _last(record, pack)
    return [scope]


def _read(tables: Iterable[Table], pack: Pack, record: Record) -> Raw:
    found: Raw = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(sources.scan(table, pack, record.year, narrowed=True, states=SWEPT_STATES), {"villages": [record.village_code]})
            found[table.name] = sources.rows_of(table, [column.name for column in cursor.description], cursor.fetchall())
    return found


def _last(record: Record, pack: Pack) -> dict[str, Any] | None:
    form = pack.forms[record.form]
    if not form.is_yearly_of_place:
        return None
    rows = Record.objects.filter(form=form.key, year=record.year - 1, subject_code=record.subject_code).exclude(state=Record.State.VOID)
    last = rows.first()
    if last is None:
        return None
    last.values = pack.brought(form.key, dict(last.values), last.year)
    return {name: value for name, value in row_of(last, form, pack).values.items() if name not in not_recorded(form.key, pack)}
