"""What roll-ups read: rows of households, members, spells, registers and village tables, only the items that a pack's roll-ups name.

Every column comes as the text of its JSON form and is read by its type, so that one statement serves both engines: rows for one village
after a save, Arrow for the county.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import connection
from psycopg import sql

from fangfanpin.expressions import Bool, Codes, Date, Expression, Int, Month, Number, Type
from fangfanpin.households.subjects import HOUSEHOLD_COLUMNS, PERSON_COLUMNS, PERSON_FACTS
from fangfanpin.pack import Pack
from fangfanpin.pack.codec import to_engine
from fangfanpin.pack.dictionary import PLACES, subject_item
from fangfanpin.pack.once import once_per_pack
from fangfanpin.records.models import Record
from fangfanpin.records.relations import subject_column
from fangfanpin.records.units import HOUSEHOLD_FORM, LIVE, PERSON_FORM

HOUSEHOLD, PERSON, SPELL = "household", "person", "spell"
FORMS: Mapping[str, str] = {HOUSEHOLD: HOUSEHOLD_FORM, PERSON: PERSON_FORM}  # of tables that are not called as theirs
# Items of the household and the person that a column holds.
_HOUSEHOLD: Mapping[str, str] = {
    **HOUSEHOLD_COLUMNS,
    **{name: name for name in ("head_name", "monitoring_type", "monitoring_state", "bank_luhn_ok")},
    "members_live": "member_count",
}
_PERSON: Mapping[str, str] = {**PERSON_COLUMNS, **{name: name for name in PERSON_FACTS}}
_SPELL = ("spell_no", "identified_month", "eliminated_month", "monitoring_type", "spell_state")
STORED = "stored:"  # before the name of a computed item as the record holds it now


@dataclass(frozen=True, slots=True)
class Table:
    """One table to be read: `items` are the names that expressions use, with their types. `is_place`: a village's yearly table, of which the
    computed items are read as stored too."""

    name: str
    items: Mapping[str, Type]
    is_place: bool = False
    stored: tuple[str, ...] = ()


def read_by(pack: Pack, form: str, expression: Expression) -> Iterator[tuple[str, str]]:
    """(table, item) of what an expression about a form's rows reads; item "" where only the rows count."""
    relations = pack.schema().relations_of(form)
    for name in expression.relations:
        yield relations[name].table, ""
    for scope, name in expression.columns:
        yield form if scope == "row" else relations[scope].table if scope in relations else scope, name


@once_per_pack
def tables_of(pack: Pack) -> dict[str, Table]:
    """Every table the pack's roll-ups, and constraints of villages, need, with the items that one of them reads."""
    schema = pack.schema()
    items: dict[str, set[str]] = {}
    computed: dict[str, set[str]] = {}
    for one in pack.rollups:
        items.setdefault(one.form, set())
        computed.setdefault(one.form, set()).add(one.name)
        for table, name in read_by(pack, one.form, one.expression):
            items.setdefault(table, set()).add(name)
    for constraint in pack.constraints:
        if constraint.form in pack.forms and pack.forms[constraint.form].subject in PLACES:
            for table, name in read_by(pack, constraint.form, constraint.expression):
                if table != constraint.form:
                    items.setdefault(table, set()).add(name)
    return {
        name: Table(
            name,
            {item: schema.subjects[name].columns[item] for item in sorted(wanted - computed.get(name, set()) - {""})},
            is_place=name in pack.forms and pack.forms[name].is_yearly_of_place,
            stored=tuple(sorted(computed.get(name, ()))),
        )
        for name, wanted in items.items()
    }


@once_per_pack
def source_forms(pack: Pack) -> frozenset[str]:
    """Forms whose records change a roll-up."""
    tables = {table for one in pack.rollups for table, _name in read_by(pack, one.form, one.expression)}
    return frozenset(FORMS.get(name, name) for name in tables)


@once_per_pack
def items_read(pack: Pack) -> frozenset[tuple[str, str]]:
    """(form, item) of what roll-ups, and constraints of villages, read of households and their members."""
    return frozenset((FORMS[name], item) for name, table in tables_of(pack).items() if name in FORMS for item in table.items)


@once_per_pack
def reads_records(pack: Pack) -> bool:
    """Do roll-ups read what is typed into a household's year, or only the registry?"""
    own = {HOUSEHOLD: _HOUSEHOLD, PERSON: _PERSON}
    return any(item not in own[name] for name, table in tables_of(pack).items() if name in own for item in table.items)


def scan(table: Table, pack: Pack, year: int, *, narrowed: bool, states: Sequence[str] = ()) -> sql.Composed:
    """A statement that gives the table's rows, every column as text: keys first. `narrowed`: to the villages of the parameter `villages`, and
    then with the key of every row, which nobody asks of a whole county but for its places. Of a whole county people come without the natural
    village, which their household's row says where that is read too; `states`: to tables of villages, and to what is
    under households, whose record of the year is in one of these."""
    match table.name:
        case "household":
            return _household(table, year, _within("r", narrowed) + _of_households("id", year, states))
        case "person":
            entered_once = sql.SQL(" AND r.merged_into_id IS NULL" if states else "")
            placed = narrowed or HOUSEHOLD not in tables_of(pack)
            return _person(table, year, narrowed, placed, _within("r", narrowed) + _of_households("household_id", year, states) + entered_once)
        case "spell":
            return _spell(table, narrowed, _within("r", narrowed) + _of_households("household_id", year, states))
        case _ if table.is_place:
            return _place(table, pack, year, _within("r", narrowed) + _in_states("r", states))
        case _:
            return _register(table, pack, narrowed, _within("r", narrowed) + _of_households("household_id", year, states))


def _within(alias: str, narrowed: bool) -> sql.Composed:
    if not narrowed:
        return sql.Composed([])
    return sql.SQL(" AND {} = ANY(%(villages)s)").format(sql.Identifier(alias, "village_code"))


def _in_states(alias: str, states: Sequence[str]) -> sql.Composed:
    if not states:
        return sql.Composed([])
    return sql.SQL(" AND {} IN ({})").format(sql.Identifier(alias, "state"), sql.SQL(", ").join(map(sql.Literal, states)))


def _of_households(column: str, year: int, states: Sequence[str]) -> sql.Composed:
    if not states:
        return sql.Composed([])
    return sql.SQL(
        " AND (r.{column} IS NULL OR EXISTS (SELECT 1 FROM records_record y WHERE y.form = {form} AND y.year = {year} AND y.period = ''"
        " AND y.household_id = r.{column}{in_states}))"
    ).format(column=sql.Identifier(column), form=sql.Literal(HOUSEHOLD_FORM), year=sql.Literal(year), in_states=_in_states("y", states))


def _held(column: sql.Composable, type_: Type) -> sql.Composable:
    return sql.SQL("to_jsonb({})::text").format(column) if isinstance(type_, Codes) else sql.SQL("{}::text").format(column)


def _columns(table: Table, own: Mapping[str, str], alias: str, recorded: str) -> list[sql.Composable]:
    found: list[sql.Composable] = []
    for item, type_ in table.items.items():
        name = sql.Identifier(item)
        if item in own:
            found.append(sql.SQL("{} AS {}").format(_held(sql.Identifier(alias, own[item]), type_), name))
        else:
            found.append(sql.SQL("{}.values ->> {} AS {}").format(sql.Identifier(recorded), sql.Literal(item), name))
    return found


def _records(form: str, year: int, own: Mapping[str, str], table: Table, on: str) -> sql.Composable:
    """The year's records beside the registry, only where an item of theirs is asked."""
    if all(item in own for item in table.items):
        return sql.SQL("")
    return sql.SQL(" LEFT JOIN records_record n ON n.form = {} AND n.year = {} AND n.period = '' AND n.{} = r.id").format(
        sql.Literal(form), sql.Literal(year), sql.Identifier(on)
    )


def _household(table: Table, year: int, within: sql.Composed) -> sql.Composed:
    return sql.SQL(
        "SELECT {columns} FROM households_household r{records} WHERE true{within}"
    ).format(
        columns=sql.SQL(", ").join(
            [
                sql.SQL("r.id::text AS household_key, r.natural_village_code AS natural_village_key, r.village_code AS village_key"),
                *_columns(table, _HOUSEHOLD, "r", "n"),
            ]
        ),
        records=_records(HOUSEHOLD_FORM, year, _HOUSEHOLD, table, "household_id"),
        within=within,
    )  # fmt: skip


_BESIDE = "r.household_id::text AS household_key, coalesce(h.natural_village_code, '') AS natural_village_key, r.village_code AS village_key"


def _row_key(keyed: bool) -> list[sql.Composable]:
    return [sql.SQL("r.id::text AS row_key")] if keyed else []


def _person(table: Table, year: int, keyed: bool, placed: bool, within: sql.Composed) -> sql.Composed:
    return sql.SQL("SELECT {columns} FROM households_person r{household}{records} WHERE true{within}").format(
        columns=sql.SQL(", ").join(
            [
                sql.SQL(_BESIDE if placed else "r.household_id::text AS household_key, r.village_code AS village_key"),
                sql.SQL("(r.member_state = {})::text AS is_live").format(sql.Literal(LIVE)),
                *_row_key(keyed),
                *_columns(table, _PERSON, "r", "n"),
            ]
        ),
        household=sql.SQL(" JOIN households_household h ON h.id = r.household_id" if placed else ""),
        records=_records(PERSON_FORM, year, _PERSON, table, "person_id"),
        within=within,
    )  # fmt: skip


def _spell(table: Table, keyed: bool, within: sql.Composed) -> sql.Composed:
    own = {name: name for name in _SPELL}
    return sql.SQL(
        "SELECT {columns} FROM households_monitoringspell r JOIN households_household h ON h.id = r.household_id WHERE true{within}"
    ).format(
        columns=sql.SQL(", ").join([sql.SQL(_BESIDE), *_row_key(keyed), *_columns(table, own, "r", "r")]),
        within=within,
    )


def _register(table: Table, pack: Pack, keyed: bool, within: sql.Composed) -> sql.Composed:
    """Rows of every year: a loan of last year is one still. Struck rows are none."""
    form = pack.forms[table.name]
    subject = subject_item(form)
    assert subject is not None, form.key  # the pack's check refused it otherwise
    own = {subject.name: subject_column(form.subject)}
    natural = sql.SQL("r.subject_code") if form.subject == "natural_village" else sql.SQL("coalesce(h.natural_village_code, '')")
    return sql.SQL(
        "SELECT {columns} FROM records_record r LEFT JOIN households_household h ON h.id = r.household_id"
        " WHERE r.form = {form} AND r.state <> {void}{within}"
    ).format(
        columns=sql.SQL(", ").join(
            [
                sql.SQL("coalesce(r.household_id::text, '') AS household_key, {} AS natural_village_key").format(natural),
                sql.SQL("r.village_code AS village_key"),
                *_row_key(keyed),
                *_columns(table, own, "r", "r"),
            ]
        ),
        form=sql.Literal(table.name),
        void=sql.Literal(Record.State.VOID.value),
        within=within,
    )  # fmt: skip


def division_changed_on(alias: str) -> sql.Composable:
    """When the dated division table last changed for a place: it began, ended, or took in another. `alias`: of its record."""
    return sql.SQL(
        "(SELECT greatest(g.valid_from, g.valid_to, (SELECT max(p.valid_to) FROM regions_region p WHERE p.successor_id = g.code))"
        " FROM regions_region g WHERE g.code = {})::text"
    ).format(sql.Identifier(alias, "subject_code"))


def _place(table: Table, pack: Pack, year: int, within: sql.Composed) -> sql.Composed:
    form = pack.forms[table.name]
    subject = subject_item(form)
    own = {subject.name: "subject_code"} if subject else {}
    # The row of a village that was merged into another lies with its successor, whose households are not its own.
    village = sql.SQL("r.village_code" if form.subject == "natural_village" else "r.subject_code")
    items = [
        sql.SQL("{} AS division_changed_on").format(division_changed_on("r")) if item == "division_changed_on" else column
        for item, column in zip(table.items, _columns(table, own, "r", "r"), strict=True)
    ]
    stored = [
        sql.SQL("(r.values -> {name})::text AS {alias}").format(name=sql.Literal(name), alias=sql.Identifier(STORED + name)) for name in table.stored
    ]
    return sql.SQL("SELECT {columns} FROM records_record r WHERE r.form = {form} AND r.year = {year} AND r.state <> {void}{within}").format(
        columns=sql.SQL(", ").join(
            [
                sql.SQL("r.subject_code AS subject_key, r.subject_code AS natural_village_key, {} AS village_key, r.id::text AS row_key").format(
                    village
                ),
                *items,
                *stored,
            ]
        ),
        form=sql.Literal(table.name),
        year=sql.Literal(year),
        void=sql.Literal(Record.State.VOID.value),
        within=within,
    )


Raw = dict[str, list[dict[str, Any]]]


def read_rows(pack: Pack, year: int, villages: Sequence[str]) -> Raw:
    """Rows of some villages, items as expressions see them, on this transaction's own connection."""
    found: Raw = {}
    with connection.cursor() as cursor:
        for table in tables_of(pack).values():
            cursor.execute(scan(table, pack, year, narrowed=True), {"villages": list(villages)})
            found[table.name] = rows_of(table, [column.name for column in cursor.description], cursor.fetchall())
    return found


def rows_of(table: Table, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Texts to values; keys and stored items stay as they came."""
    readers = [_reader(table.items[name]) if name in table.items else None for name in names]
    return [
        {name: value if read is None or value is None else read(value) for name, read, value in zip(names, readers, row, strict=True)} for row in rows
    ]


def _reader(type_: Type) -> Callable[[str], Any] | None:
    match type_:
        case Int(of_files=True):
            return _how_many
        case Int() | Number():
            return int
        case Bool():
            return "true".__eq__
        case Date():
            return _day
        case Month():
            return partial(to_engine, "month")
        case Codes():
            return _codes
        case _:
            return _word


def stored_value(text: str | None) -> Any:
    """A computed item as the record holds it now."""
    return None if text is None else json.loads(text)


def _word(text: str) -> str | None:
    return text or None


def _day(text: str) -> int | None:
    return int(text.replace("-", "")) if text else None


def _how_many(text: str) -> int | None:
    return len(json.loads(text) or ()) or None


def _codes(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text) or ())
