"""The county's private snapshot: PostgreSQL as the snapshot role → Arrow → DuckDB tables household, person, spell.

The tables are those of docs/rule-language.md: wide, last year's columns beside this year's as `last__x`, dates and months as integers; of
the items only those that a rule reads, for what nobody asks about has no business in a second copy. PostgreSQL only scans and filters, the
joins are DuckDB's: a planner without fresh statistics then cannot turn seconds into minutes.
"""

import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import adbc_driver_postgresql.dbapi as adbc
import duckdb
import pyarrow as pa
import sqlglot.expressions as e
from django.conf import settings
from psycopg import sql

from fangfanpin.expressions import Codes, Date, Month, Type
from fangfanpin.expressions.duckdb import column_type
from fangfanpin.households.subjects import HOUSEHOLD_COLUMNS, PERSON_COLUMNS, PERSON_FACTS
from fangfanpin.pack import Pack, Rule
from fangfanpin.quality import messages
from fangfanpin.runtime.postgres import read_urls

# Items whose value is a column of the registry.
HOUSEHOLD_SUBJECT: Mapping[str, str] = {
    **HOUSEHOLD_COLUMNS,
    **{name: name for name in ("head_name", "monitoring_type", "monitoring_state", "bank_luhn_ok")},
}
LOCATION_COLUMNS = ("lat", "lon", "datum", "gps_accuracy_m", "mock_location")
RECORD_COLUMNS = ("entered_by", "checked_by", "entered_on")
PERSON_SUBJECT: Mapping[str, str] = {**PERSON_COLUMNS, **{name: name for name in PERSON_FACTS}}
SPELL_SUBJECT: Mapping[str, str] = {
    "spell_no": "spell_no", "identified_month": "identified_month", "eliminated_month": "eliminated_month",
    "monitoring_type": "monitoring_type", "spell_state": "spell_state",
}  # fmt: skip
SWEPT_STATES = ("submitted", "returned", "approved", "locked")
_FORM = {"household": "household_year", "person": "person_year"}
_KEYS = {
    "household": ("household_key", "village_code"),
    "person": ("person_key", "household_key", "village_code", "is_live"),
    "spell": ("spell_key", "household_key", "village_code"),
}
_STALE_S = 3600  # a snapshot this old was left by a sweep that was killed


@dataclass(frozen=True, slots=True)
class Columns:
    """Items of one table that rules read: this year's, last year's."""

    now: frozenset[str]
    last: frozenset[str]


def columns_read(rules: Iterable[Rule], pack: Pack) -> dict[str, Columns]:
    """By table (household, person, spell) what the rules and their messages read."""
    schema = pack.schema()
    found: dict[tuple[str, bool], set[str]] = {}
    for rule in rules:
        for reading in messages.readings(rule):
            relation = messages.relation_of(reading, schema)
            place = reading.place.removesuffix(".last").removesuffix("last")
            table = schema.relations[relation].table if relation else place or rule.subject
            table = rule.subject if table == "row" else table
            found.setdefault((table, reading.place.endswith("last")), set()).add(reading.item)
    return {table: Columns(frozenset(found.get((table, False), ())), frozenset(found.get((table, True), ()))) for table in _KEYS}


@contextmanager
def taken(year: int, pack: Pack, sweep_id: UUID) -> Iterator[duckdb.DuckDBPyConnection]:
    """The county read into an in-process DuckDB, its tables written to Parquet beside it while the caller works on them: planning the rules
    keeps one core busy, writing the other. Both are gone at the end: the private snapshot lives no longer than its sweep."""
    _clear_left_over()
    folder = folder_of(sweep_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    columns = columns_read(pack.rules, pack)
    database = build(_read(year, columns), columns, pack)

    def write() -> None:
        with database.cursor() as beside:
            for table in _KEYS:
                beside.table(table).write_parquet(str(folder / f"{table}.parquet"), compression="lz4")

    try:
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            yield database
            writing.result()
    finally:
        database.close()
        shutil.rmtree(folder, ignore_errors=True)


def folder_of(sweep_id: UUID) -> Path:
    return Path(settings.DATA_DIR) / "snapshots" / str(sweep_id)


def _clear_left_over() -> None:
    root = Path(settings.DATA_DIR) / "snapshots"
    for folder in root.iterdir() if root.is_dir() else ():
        if time.time() - folder.stat().st_mtime > _STALE_S:
            shutil.rmtree(folder, ignore_errors=True)


# Reading: plain scans, several at a time, all of one moment


def _registry_scans(columns: Mapping[str, Columns]) -> dict[str, sql.Composed]:
    def read(table: str, subject: Mapping[str, str], alias: str, *always: str) -> sql.Composed:
        names = dict.fromkeys([*always, *(column for item, column in subject.items() if item in columns[table].now)])
        return sql.SQL(", ").join(sql.Identifier(alias, name) for name in names)

    # A household's location is one row at most; its registry columns beside it.
    household = sql.SQL(
        "SELECT h.id AS household_key, {columns}, {location} FROM households_household h"
        " LEFT JOIN households_location l ON l.household_id = h.id AND l.is_current WHERE h.kind = 'assisted'"
    ).format(
        columns=read("household", HOUSEHOLD_SUBJECT, "h", "village_code"),
        location=sql.SQL(", ").join(sql.Identifier("l", column) for column in LOCATION_COLUMNS),
    )
    person = sql.SQL("SELECT id AS person_key, household_id AS household_key, {} FROM households_person p").format(
        read("person", PERSON_SUBJECT, "p", "village_code", "member_state")
    )
    spell = sql.SQL("SELECT id AS spell_key, household_id AS household_key, {}, values FROM households_monitoringspell s").format(
        read("spell", SPELL_SUBJECT, "s", "village_code", "spell_no")
    )
    return {"household": household, "person": person, "spell": spell}


def _record_scans(year: int, columns: Mapping[str, Columns]) -> dict[str, sql.Composed]:
    """Records as JSON text; of last year only the items read. A household's values are long enough to be compressed: `->>` would unpack them
    once per item, jsonb_to_record does it once."""
    source = sql.SQL(" FROM records_record")
    where = sql.SQL(" WHERE form = {form} AND year = {year} AND period = ''")

    def subject_items(table: str, subject: Mapping[str, str]) -> list[sql.Composable]:
        return [
            sql.SQL("subject ->> {} AS {}").format(sql.Literal(item), sql.Identifier(item)) for item in sorted(columns[table].last & subject.keys())
        ]

    person_items: list[sql.Composable] = [
        sql.SQL("values ->> {} AS {}").format(sql.Literal(item), sql.Identifier(item))
        for item in sorted(columns["person"].last - PERSON_SUBJECT.keys())
    ]
    household_items = sorted(columns["household"].last - HOUSEHOLD_SUBJECT.keys())
    one_unpacking = sql.SQL(" CROSS JOIN LATERAL jsonb_to_record(values) AS last ({})").format(
        sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(item)) for item in household_items)
    )
    selects: dict[str, list[sql.Composable]] = {
        "person_now": [sql.SQL("values")],
        "person_last": [*person_items, *subject_items("person", PERSON_SUBJECT)],
        "household_now": [
            sql.SQL("values, entered_by_id::text AS entered_by, checked_by_id::text AS checked_by"),
            sql.SQL("to_char(submitted_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD')::int AS entered_on"),
        ],
        "household_last": [*([sql.SQL("last.*")] if household_items else []), *subject_items("household", HOUSEHOLD_SUBJECT)],
    }
    scans = {}
    for name, chosen in selects.items():
        table, _, time_word = name.partition("_")
        rows = where.format(form=sql.Literal(_FORM[table]), year=sql.Literal(year if time_word == "now" else year - 1))
        if name == "household_now":
            rows += sql.SQL(" AND state IN ({})").format(sql.SQL(", ").join(map(sql.Literal, SWEPT_STATES)))
        rows = source + one_unpacking + rows if name == "household_last" and household_items else source + rows
        scans[name] = sql.SQL("SELECT {}").format(sql.SQL(", ").join([sql.SQL("subject_id AS key"), *chosen])) + rows
    return scans


# Two lanes of about equal work: the server's cost is writing JSON as text.
_LANES = (("person_now", "person", "household", "spell"), ("household_now", "household_last", "person_last"))


def _read(year: int, columns: Mapping[str, Columns]) -> dict[str, pa.Table]:
    """Every scan as an Arrow table, all of them seeing the county at one moment."""
    scans = _registry_scans(columns) | _record_scans(year, columns)
    url = read_urls(Path(settings.DATA_DIR)).snapshot
    begin = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
    with adbc.connect(url) as leading, leading.cursor() as cursor:
        cursor.execute(begin)
        cursor.execute("SELECT pg_export_snapshot()")
        moment = sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(cursor.fetchone()[0])).as_string(None)

        def lane(names: tuple[str, ...]) -> dict[str, pa.Table]:
            found: dict[str, pa.Table] = {}
            with adbc.connect(url) as connection, connection.cursor() as reading:
                reading.execute(begin)
                reading.execute(moment)
                for name in names:
                    reading.execute(scans[name].as_string(None))
                    found[name] = reading.fetch_arrow_table()
            return found

        with ThreadPoolExecutor(len(_LANES)) as pool:
            lanes = list(pool.map(lane, _LANES))
    return {name: table for found in lanes for name, table in found.items()}


# Building: raw tables to the wide tables of the rule language


def build(raw: Mapping[str, pa.Table], columns: Mapping[str, Columns], pack: Pack) -> duckdb.DuckDBPyConnection:
    """The tables household, person, spell and latest_spell from raw ones: household, person, spell (registry columns), household_now and
    person_now (key, values as JSON; household_now holds those to be swept), household_last and person_last (key, items as text)."""
    database = duckdb.connect(":memory:", config={"threads": 2})
    database.execute("SET TimeZone = 'Asia/Shanghai'")
    types = {table: pack.schema().subjects[table].columns for table in _KEYS}
    # One after another: DuckDB works on all cores within each.
    for table in _KEYS:
        for name in (table, f"{table}_now", f"{table}_last"):
            if name in raw:
                database.register(f"raw_{name}", raw[name])
    database.sql(_household(columns["household"], types["household"]).sql("duckdb")).create("household")
    database.sql(_person(columns["person"], types["person"]).sql("duckdb")).create("person")
    database.sql(_spell(columns["spell"], types["spell"]).sql("duckdb")).create("spell")
    database.execute(
        "UPDATE household SET members_live = coalesce(n, 0) FROM "
        "(SELECT h.household_key AS k, count(p.person_key) AS n FROM household h"
        " LEFT JOIN person p ON p.household_key = h.household_key AND p.is_live GROUP BY h.household_key) c WHERE c.k = household.household_key"
    )
    database.execute(
        "CREATE VIEW latest_spell AS SELECT * FROM spell QUALIFY row_number() OVER (PARTITION BY household_key ORDER BY spell_no DESC) = 1"
    )
    return database


def _fn(name: str, *args: e.Expr) -> e.Expr:
    return e.Anonymous(this=name, expressions=list(args))


def _text(value: str) -> e.Expr:
    return e.Literal.string(value)


def _raw_type(type_: Type) -> Any:
    """How from_json is to read an item: dates and months arrive as the JSON form has them."""
    if isinstance(type_, Codes):
        return ["VARCHAR"]
    return "VARCHAR" if isinstance(type_, (Date, Month)) else column_type(type_)


def _month(value: e.Expr) -> e.Expr:
    def part(start: int, length: int) -> e.Expr:
        piece = _fn("substr", value.copy(), e.Literal.number(start), e.Literal.number(length))
        return e.TryCast(this=piece, to=e.DataType.build("INT"))

    months = e.Sub(this=_fn("coalesce", part(6, 2), e.Literal.number(1)), expression=e.Literal.number(1))
    return e.Add(this=e.Mul(this=part(1, 4), expression=e.Literal.number(12)), expression=e.Paren(this=months))


def _from_json(value: e.Expr, type_: Type) -> e.Expr:
    """An item as from_json gave it → what expressions see."""
    if isinstance(type_, Date):
        return e.TryCast(this=_fn("replace", value, _text("-"), _text("")), to=e.DataType.build("INT"))
    return _month(value) if isinstance(type_, Month) else value


def _from_text(value: e.Expr, type_: Type) -> e.Expr:
    """An item's JSON form as text → what expressions see."""
    if isinstance(type_, (Date, Month)):
        return _from_json(value, type_)
    if isinstance(type_, Codes):
        return _fn("from_json", value, _text('["VARCHAR"]'))
    kind = column_type(type_)
    return value if kind == "VARCHAR" else e.TryCast(this=value, to=e.DataType.build(kind, dialect="duckdb"))


def _from_column(value: e.Expr, type_: Type) -> e.Expr:
    """A registry column → what expressions see: '' is nothing there."""
    if isinstance(type_, Date):
        return e.Cast(this=_fn("strftime", value, _text("%Y%m%d")), to=e.DataType.build("INT"))
    if isinstance(type_, Month):
        return _month(_fn("nullif", value, _text("")))
    return _fn("nullif", value, _text("")) if column_type(type_) == "VARCHAR" else value


def _items(columns: Columns, types: Mapping[str, Type], own: Mapping[str, e.Expr]) -> list[e.Expr]:
    """This year's items of a wide table: those of `own` from their registry columns, the rest from the parsed JSON `n.v`."""
    selected = []
    for name in sorted(columns.now & types.keys()):
        if name in own:
            value = _from_column(own[name], types[name])
        else:
            value = _from_json(e.Dot(this=e.column("v", table="n"), expression=e.to_identifier(name, quoted=True)), types[name])
        selected.append(e.alias_(value, name, quoted=True))
    return selected


def _last_items(columns: Columns, types: Mapping[str, Type]) -> list[e.Expr]:
    """Last year's items as last__x, from their text columns."""
    return [
        e.alias_(_from_text(e.column(name, table="l", quoted=True), types[name]), f"last__{name}", quoted=True)
        for name in sorted(columns.last & types.keys())
    ]


def _parsed(source: str, items: Iterable[str], types: Mapping[str, Type], alias: str) -> e.Expr:
    """Raw table `source` with its JSON parsed into `v`, only the items read."""
    structure = {name: _raw_type(types[name]) for name in sorted(items) if name in types}
    parsed = _fn("from_json", e.column("values", quoted=True), _text(json.dumps(structure)))
    return e.select("*", e.alias_(parsed, "v")).from_(source).subquery(alias)


def _on(left: str, left_column: str, right: str, right_column: str) -> e.Expr:
    return e.EQ(this=e.column(left_column, table=left), expression=e.column(right_column, table=right))


def _table(name: str, alias: str) -> e.Expr:
    return e.alias_(e.to_table(name), alias, table=True)


def _household(columns: Columns, types: Mapping[str, Type]) -> e.Select:
    own: dict[str, e.Expr] = {item: e.column(column, table="r", quoted=True) for item, column in HOUSEHOLD_SUBJECT.items()}
    own |= {name: e.column(name, table="r", quoted=True) for name in LOCATION_COLUMNS}
    own |= {name: e.column(name, table="n", quoted=True) for name in RECORD_COLUMNS}
    # Integers as they are: `entered_on` is a day number already.
    plain = {name: own.pop(name) for name in ("entered_on",)}
    rest = Columns(columns.now - {"members_live", *plain}, columns.last)
    keys = [e.column("household_key", table="r"), e.column("village_code", table="r"), e.alias_(e.cast(e.Null(), "INT"), "members_live")]
    keys += [e.alias_(value, name) for name, value in plain.items()]
    query = e.select(*keys, *_items(rest, types, own), *_last_items(rest, types)).from_(_table("raw_household", "r"))
    now = _parsed("raw_household_now", rest.now - own.keys(), types, "n")
    query = query.join(now, on=_on("n", "key", "r", "household_key"))
    return query.join(_table("raw_household_last", "l"), on=_on("l", "key", "r", "household_key"), join_type="left")


def _person(columns: Columns, types: Mapping[str, Type]) -> e.Select:
    own: dict[str, e.Expr] = {item: e.column(column, table="r", quoted=True) for item, column in PERSON_SUBJECT.items()}
    live = e.EQ(this=e.column("member_state", table="r"), expression=_text("01"))
    keys = [e.column(key, table="r") for key in ("person_key", "household_key", "village_code")]
    items = [*_items(columns, types, own), *_last_items(columns, types)]
    query = e.select(*keys, e.alias_(live, "is_live"), *items).from_(_table("raw_person", "r"))
    query = query.join(_table("household", "h"), on=_on("h", "household_key", "r", "household_key"))
    now = _parsed("raw_person_now", columns.now - own.keys(), types, "n")
    query = query.join(now, on=_on("n", "key", "r", "person_key"), join_type="left")
    return query.join(_table("raw_person_last", "l"), on=_on("l", "key", "r", "person_key"), join_type="left")


def _spell(columns: Columns, types: Mapping[str, Type]) -> e.Select:
    own: dict[str, e.Expr] = {item: e.column(column, table="n", quoted=True) for item, column in SPELL_SUBJECT.items()}
    needed = Columns(columns.now | {"spell_no"}, frozenset())
    keys = [e.column(key, table="n") for key in _KEYS["spell"]]
    query = e.select(*keys, *_items(needed, types, own)).from_(_parsed("raw_spell", needed.now - own.keys(), types, "n"))
    return query.join(_table("household", "h"), on=_on("h", "household_key", "n", "household_key"))
