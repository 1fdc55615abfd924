"""Roll-ups: values of villages and natural villages that follow from rows below them, by the pack's expressions.

Never typed, kept with the record, found again whenever a source changes: for one village by the reference's closures in the transaction of
the change, for the county by DuckDB. Both read the same nodes over the same columns (`sources`); a test compares them with plain Python.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

import duckdb
import pyarrow as pa
import sqlglot.expressions as e
from django.db import connection, transaction
from psycopg import sql

from fangfanpin.accounts.reach import seeing, set_act
from fangfanpin.audit.models import ROLL_UP
from fangfanpin.expressions import Schema
from fangfanpin.expressions.closures import Closure, compiled
from fangfanpin.expressions.duckdb import column_type, values_select
from fangfanpin.expressions.texts import from_text
from fangfanpin.expressions.trees import fn, literal
from fangfanpin.pack import Pack
from fangfanpin.pack.model import RollUp
from fangfanpin.pack.once import once_per_pack
from fangfanpin.records.models import Record
from fangfanpin.registers import slots, sources
from fangfanpin.registers.bulk import write_entries
from fangfanpin.registers.definitions import register_of
from fangfanpin.registers.scans import as_arrow, scanned
from fangfanpin.registers.sources import Raw, Table

_VILLAGE_DIGITS = 12
Found = dict[str, dict[str, dict[str, Any]]]  # form → subject → item → value as expressions see it
Changed = dict[str, dict[UUID, frozenset[str]]]  # form → record → items


@once_per_pack
def _compiled(pack: Pack) -> tuple[tuple[RollUp, Closure], ...]:
    return tuple((one, compiled(one.expression)) for one in pack.rollups)


# One village: rows and closures


def by_rows(raw: Raw, pack: Pack) -> Found:
    """Every roll-up over rows read by `sources`."""
    schema, rows = pack.schema(), scopes(raw, pack)
    by_form = {form: places(form, rows, schema) for form in dict.fromkeys(one.form for one in pack.rollups)}
    values: Found = {form: {} for form in by_form}
    for one, value in _compiled(pack):
        for key, scope in by_form[one.form]:
            scope["row"][one.name] = values[one.form].setdefault(key, {})[one.name] = value(scope)
    return values


def scopes(raw: Raw, pack: Pack, consts: Mapping[str, Any] | None = None) -> dict[str, list[dict[str, Any]]]:
    """Scopes of every row, by table, each with its household. `consts`: those of the state date where nobody says."""
    consts = pack.constants() if consts is None else consts
    households: dict[str, dict[str, Any]] = {}
    for row in raw.get(sources.HOUSEHOLD, ()):
        scope = households[row["household_key"]] = {"row": row, "consts": consts}
        scope["household"] = scope
    rows: dict[str, list[dict[str, Any]]] = {}
    for name, found in raw.items():
        if name == sources.HOUSEHOLD:
            rows[name] = list(households.values())
        else:
            rows[name] = [{"row": row, "consts": consts, "household": households.get(row.get("household_key", ""), _NOBODY)} for row in found]
    return rows


_NOBODY: Mapping[str, Any] = {"row": {}}


def places(form: str, rows: Mapping[str, list[dict[str, Any]]], schema: Schema) -> list[tuple[str, dict[str, Any]]]:
    """(subject, scope) of a form's rows, with the rows of every relation that belong to it."""
    relations = {name: relation for name, relation in schema.relations_of(form).items() if relation.table in rows}
    by_key: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for name, relation in relations.items():
        found = by_key[name] = {}
        for scope in rows[relation.table]:
            if not relation.live_only or scope["row"]["is_live"] == "true":
                found.setdefault(scope["row"][relation.key], []).append(scope)
    made = []
    for scope in rows[form]:
        row = scope["row"]
        own = {name: by_key[name].get(row[relation.key], []) for name, relation in relations.items()}
        scope["household"] = {"row": {}, "relations": own}
        made.append((row.get("subject_key", ""), scope))
    return made


def around(record: Record, pack: Pack) -> dict[str, Any]:
    """What constraints of a village's row may count over: the scope's `household`, with the rows of every relation."""
    with seeing([record.village_code], act="rollup.read"):
        raw = sources.read_rows(pack, record.year, [record.village_code])
    village = record.village_code if len(record.subject_code) > _VILLAGE_DIGITS else record.subject_code  # see sources
    own = {"subject_key": record.subject_code, "natural_village_key": record.subject_code, "village_key": village}
    raw[record.form] = [{**own, "household_key": ""}]
    found: dict[str, Any] = places(record.form, scopes(raw, pack), pack.schema())[0][1]["household"]
    return found


# The county: Arrow and DuckDB


def by_sets(tables: Mapping[str, pa.Table], pack: Pack) -> Found:
    """Every roll-up over tables of texts as `sources.scan` gives them, each form's of one level in one select."""
    wanted, steps = sources.tables_of(pack), list(_steps(pack))  # written while the tables are being read
    database = duckdb.connect(":memory:", config={"threads": 2})
    try:
        for name in sorted(tables, key=lambda name: name != sources.HOUSEHOLD):
            database.register(f"raw_{name}", tables[name])
            query = _typed(wanted[name], tables[name].column_names)
            database.execute(_made(name, query if "natural_village_key" in query.named_selects else _placed(query)))
        values: Found = {}
        for form, names, finding, adding in steps:
            database.execute(finding)
            for key, *found in database.table("fresh").fetchall():
                values.setdefault(form, {}).setdefault(key, {}).update(zip(names, found, strict=True))
            database.execute(adding)
        return values
    finally:
        database.close()


def _steps(pack: Pack) -> Iterator[tuple[str, Sequence[str], str, str]]:
    """For the roll-ups of each form and level the form, their names, what finds them and what puts them beside the form's rows."""
    schema, consts = pack.schema(), pack.constants()
    for (_level, form), together in groupby(pack.rollups, key=lambda one: (one.level, one.form)):
        expressions = {one.name: one.expression for one in together}
        on = e.EQ(this=e.column("subject_key", table="g"), expression=e.column("subject_key", table="f"))
        fresh = e.alias_(e.to_table("fresh"), "g", table=True)
        columns = [e.Column(this=e.Star(), table=e.to_identifier("f")), *(e.column(name, table="g", quoted=True) for name in expressions)]
        beside = e.select(*columns).from_(e.alias_(e.to_table(form), "f", table=True)).join(fresh, on=on)
        yield form, list(expressions), _made("fresh", values_select(expressions, schema=schema, env=consts)), _made(form, beside)


def _made(name: str, query: e.Query) -> str:
    return e.Create(this=e.to_table(name, quoted=True), kind="TABLE", expression=query, replace=True).sql("duckdb")


def _typed(table: Table, names: Iterable[str]) -> e.Select:
    """Texts to what expressions see; keys stay text."""
    columns = []
    for name in names:
        value: e.Expr = e.column(name, quoted=True)
        if name == "is_live":
            value = e.EQ(this=value, expression=e.Literal.string("true"))
        elif name in table.items:
            value = from_text(fn("nullif", value, literal("")) if column_type(table.items[name]) == "VARCHAR" else value, table.items[name])
        columns.append(e.alias_(value, name, quoted=True))
    return e.select(*columns).from_(e.to_table(f"raw_{table.name}", quoted=True))


def county_scans(pack: Pack, year: int) -> dict[str, sql.Composed]:
    """What is read of the whole county, the large tables first: nothing has as many rows as people."""
    tables = sorted(sources.tables_of(pack).values(), key=lambda table: (table.is_place, table.name != sources.PERSON))
    return {table.name: sources.scan(table, pack, year, narrowed=False) for table in tables}


def _placed(query: e.Select) -> e.Select:
    """People with the natural village of their household."""
    natural, key = (e.column(name, table="h") for name in ("natural_village_key", "household_key"))
    on = e.EQ(this=key, expression=e.column("household_key", table="p"))
    return e.select("p.*", natural).from_(query.subquery("p")).join(e.alias_(e.to_table(sources.HOUSEHOLD), "h", table=True), on=on)


# Keeping them

# Changed records only, and of their values only these items: what somebody types at the same time stays. The version stays too, for nobody
# typed anything that a reader could have missed.
_STORE = """
UPDATE records_record r SET values = r.values || n.fresh
FROM unnest(%(ids)s::uuid[], %(fresh)s::jsonb[]) AS n (id, fresh) WHERE r.id = n.id
"""
# A village's roll-ups are found by one transaction at a time, and read what the one before has committed; always in one order.
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('rollup ' || code, 0)) FROM (SELECT unnest(%s::text[]) AS code ORDER BY 1) v"


def alone_with(villages: Collection[str]) -> None:
    """Wait until no other transaction is finding the roll-ups of these villages, and keep others waiting until this one ends. Whoever locks a
    village's records does this first."""
    with connection.cursor() as cursor:
        cursor.execute(_ALONE, [sorted(villages)])


AT_ONCE = 30  # villages read together: row security looks a row's village up in the list of those that are seen


def refresh(pack: Pack, year: int, villages: Collection[str]) -> int:
    """Find the roll-ups of these villages again within this transaction, whoever acts: a helper's save changes sums over households that the
    helper does not see. Returns how many records changed."""
    return sum(map(len, refresh_rows(pack, year, villages).values()))


def refresh_rows(pack: Pack, year: int, villages: Collection[str]) -> Changed:
    """As `refresh`; the records that changed. Many villages by sets, over what this transaction sees."""
    changed: Changed = {}
    if not pack.rollups:
        return changed
    ordered = sorted(set(villages))
    alone_with(ordered)
    if len(ordered) > AT_ONCE:
        with seeing(ordered, act=ROLL_UP):
            tables = {}
            with connection.cursor() as cursor:
                for name, scan in county_scans(pack, year).items():
                    cursor.execute(scan)
                    tables[name] = as_arrow(cursor)
            found = by_sets(tables, pack)
            return _keep(pack, found, {form: tables[form].to_pylist() for form in found})
    for start in range(0, len(ordered), AT_ONCE):
        some = ordered[start : start + AT_ONCE]
        with seeing(some, act=ROLL_UP):
            raw = sources.read_rows(pack, year, some)
            for form, records in _keep(pack, by_rows(raw, pack), {form: raw[form] for form in raw if form in pack.forms}).items():
                changed.setdefault(form, {}).update(records)
    return changed


@transaction.atomic
def refresh_county(pack: Pack, year: int, villages: Collection[str]) -> int:
    """As `refresh`, of everything committed in the county, by sets: for the night and after an import. The transaction reaches the villages."""
    if not pack.rollups:
        return 0
    alone_with(villages)
    with scanned(county_scans(pack, year)) as tables:
        found = by_sets(tables, pack)
        rows = {form: tables[form].to_pylist() for form in found}
    set_act(ROLL_UP)
    return sum(map(len, _keep(pack, found, rows).values()))


def _keep(pack: Pack, found: Found, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Changed:
    """Write what differs from what is stored, and the list rows of which an item differs that lists hold."""
    changed: Changed = {}
    for form, values in found.items():
        register = register_of(pack, form)
        assert register is not None, form
        listed = slots.columns(register, pack).keys()
        ids, fresh, lines, names = [], [], [], []
        for row in rows[form]:
            new = {name: pack.from_engine(form, name, value) for name, value in values.get(row["subject_key"], {}).items()}
            new = {name: value for name, value in new.items() if row[sources.STORED + name] != json.dumps(value)}
            if new:
                ids.append(row["row_key"])
                fresh.append(json.dumps(new))
                names.append(frozenset(new))
                if new.keys() & listed:
                    lines.append(row["row_key"])
        if ids:
            with connection.cursor() as cursor:
                cursor.execute(_STORE, {"ids": ids, "fresh": fresh})
            changed[form] = dict(zip(map(UUID, ids), names, strict=True))
        if lines:
            write_entries(register, pack, only=lines)
    return changed
