"""The county's private snapshot: PostgreSQL as the snapshot role → Arrow → DuckDB tables household, person, spell and those registers that a
rule asks for. Of the yearly tables of villages the rows that were handed in, what is summed up as it is stored with them.

The tables are those of docs/rule-language.md: wide, last year's columns beside this year's as `last__x`, dates and months as integers; of
the items only those that a rule reads, for what nobody asks about has no business in a second copy. PostgreSQL only scans and filters, the
joins are DuckDB's: a planner without fresh statistics then cannot turn seconds into minutes.
"""

import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

import duckdb
import pyarrow as pa
import sqlglot.expressions as e
from django.conf import settings
from django.db import connection
from psycopg import sql

from fangfanpin.expressions import Codes, Date, Month, Relation, Type
from fangfanpin.expressions.duckdb import ROW_KEY, column_type, latest_spells
from fangfanpin.expressions.row_sql import is_known
from fangfanpin.expressions.texts import from_text, month_of
from fangfanpin.expressions.trees import fn as _fn
from fangfanpin.expressions.trees import literal as _text
from fangfanpin.households.subjects import HOUSEHOLD_COLUMNS, PERSON_COLUMNS, PERSON_FACTS
from fangfanpin.pack import Pack, Rule
from fangfanpin.pack.dictionary import SWEPT, TYPED, subject_item
from fangfanpin.quality import messages
from fangfanpin.registers.scans import as_arrow, scanned
from fangfanpin.registers.sources import division_changed_on

# Items whose value is a column of the registry.
HOUSEHOLD_SUBJECT: Mapping[str, str] = {
    **HOUSEHOLD_COLUMNS,
    **{name: name for name in ("head_name", "monitoring_type", "monitoring_state", "bank_luhn_ok")},
}
LOCATION_COLUMNS = ("lat", "lon", "datum", "gps_accuracy_m", "mock_location")
RECORD_COLUMNS = ("entered_by", "checked_by", "entered_on")
PERSON_SUBJECT: Mapping[str, str] = {**PERSON_COLUMNS, **{name: name for name in PERSON_FACTS}}
ROW_ID = "row_id"  # a row's key as references hold it
SPELL_SUBJECT: Mapping[str, str] = {
    "spell_no": "spell_no", "identified_month": "identified_month", "eliminated_month": "eliminated_month",
    "monitoring_type": "monitoring_type", "spell_state": "spell_state",
}  # fmt: skip
SWEPT_STATES = ("submitted", "returned", "approved", "locked")
_KEYS: Mapping[str, tuple[str, ...]] = {
    "household": ("household_key", "village_code"),
    "person": ("person_key", "household_key", "village_code", "is_live"),
    "spell": ("spell_key", "household_key", "village_code"),
}
_ROW_KEYS = (ROW_KEY, "household_key", "person_key", "village_code")  # of a register's row; no household, no person where it is under none
_CHANGED = "division_changed_on"  # a fact of a place, found when it is read
_STALE_S = 3600  # a snapshot this old was left by a sweep that was killed


@dataclass(frozen=True, slots=True)
class Columns:
    """Items of one table that rules read: this year's, last year's. `placed`: its rows are counted for villages."""

    now: frozenset[str]
    last: frozenset[str]
    placed: bool = False


def columns_read(rules: Iterable[Rule], pack: Pack) -> dict[str, Columns]:
    """By table (household, person, spell, and those of the registers that the rules judge or ask for) what the rules and their messages read."""
    schema = pack.schema()
    found: dict[tuple[str, bool], set[str]] = {}
    tables, placed = set(_KEYS), set[str]()
    for rule in rules:
        relations = schema.relations_of(rule.subject)
        own = {rule.subject} | {relations[name].table for name in rule.relations}
        tables |= own
        if rule.of_village:
            placed |= own | {"household"}  # by whose place the rows below it belong
        for reading in messages.asked(rule):
            place = reading.place.removesuffix(".last").removesuffix("last")
            table = relations[place].table if place in relations else place or rule.subject
            table = rule.subject if table == "row" else table
            found.setdefault((table, reading.place.endswith("last")), set()).add(reading.item)
    ordered = [*_KEYS, *sorted(tables - _KEYS.keys())]
    return {table: Columns(frozenset(found.get((table, False), ())), frozenset(found.get((table, True), ())), table in placed) for table in ordered}


def mentions_read(rules: Iterable[Rule], pack: Pack) -> list[Relation]:
    """Relations asked for whose rows name several households."""
    known = {name: relation for name, relation in pack.schema().relations.items() if relation.by}
    names = {name for rule in rules if not rule.of_village for name in rule.relations if name in known}
    return [known[name] for name in sorted(names)]


@contextmanager
def taken(year: int, pack: Pack, sweep_id: UUID, *, meanwhile: Callable[[], object] = lambda: None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The county read into an in-process DuckDB, its tables written to Parquet beside it while the caller works on them. Both are gone at the
    end: the private snapshot lives no longer than its sweep. `meanwhile`: what is worth doing while the server reads."""
    _clear_left_over()
    folder = folder_of(sweep_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    columns, mentions = columns_read(pack.judged, pack), mentions_read(pack.judged, pack)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        with scanned(_scans(year, columns, mentions, pack)) as raw:
            meanwhile()
            database = build(raw, columns, pack, mentions)
        stack.callback(database.close)
        pool = stack.enter_context(ThreadPoolExecutor(1))
        writing = pool.submit(_write, database.cursor(), folder, [*columns, *(relation.stored for relation in mentions)])
        yield database
        writing.result()


@contextmanager
def whole(year: int, pack: Pack) -> Iterator[duckdb.DuckDBPyConnection]:
    """The county with every item of the dictionary, of both years where a table has two: what a snapshot that stays is made of. Its tables are
    those of the schema, and of relations whose rows name several households one each."""
    subjects = pack.schema().subjects
    placed = any(of.relations is not None for of in subjects.values())
    columns = {table: Columns(frozenset(of.columns), frozenset(of.columns if of.has_last else ()), placed) for table, of in subjects.items()}
    mentions = [relation for relation in pack.schema().relations.values() if relation.by]
    with scanned(_scans(year, columns, mentions, pack)) as raw, build(raw, columns, pack, mentions) as database:
        yield database


@contextmanager
def within(year: int, pack: Pack, rules: Sequence[Rule], households: Collection[UUID]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Of some households what these rules read, as the caller's transaction sees it: rows that it has not committed yet, and none beyond its
    reach. The tables of `taken`."""
    columns, mentions = columns_read(rules, pack), mentions_read(rules, pack)
    raw = {}
    with connection.cursor() as cursor:
        for name, scan in _scans(year, columns, mentions, pack, narrowed=True).items():
            cursor.execute(scan, {"households": list(households)})
            raw[name] = as_arrow(cursor)
    with build(raw, columns, pack, mentions) as database:
        yield database


def _write(database: duckdb.DuckDBPyConnection, folder: Path, tables: Iterable[str]) -> None:
    with database:
        for table in tables:
            database.table(table).write_parquet(str(folder / f"{table}.parquet"), compression="lz4")


def folder_of(sweep_id: UUID) -> Path:
    return Path(settings.DATA_DIR) / "snapshots" / str(sweep_id)


def _clear_left_over() -> None:
    root = Path(settings.DATA_DIR) / "snapshots"
    for folder in root.iterdir() if root.is_dir() else ():
        if time.time() - folder.stat().st_mtime > _STALE_S:
            shutil.rmtree(folder, ignore_errors=True)


# Reading: plain scans, several at a time, all of one moment


def _recorded(table: str, columns: Mapping[str, Columns]) -> list[str]:
    """This year's items that no column of registry, location or record holds."""
    elsewhere = {
        "household": {*HOUSEHOLD_SUBJECT, *LOCATION_COLUMNS, *RECORD_COLUMNS, *SWEPT, "members_live"},
        "person": {*PERSON_SUBJECT, ROW_ID},
        "spell": SPELL_SUBJECT.keys(),
    }
    return sorted(columns[table].now - elsewhere[table])


def row_items(form: str, columns: Columns, pack: Pack) -> list[str]:
    """Items of a register's rows that its columns of the record do not hold."""
    return sorted(columns.now - not_recorded(form, pack))


def last_row_items(form: str, columns: Columns, pack: Pack) -> list[str]:
    return sorted(columns.last - not_recorded(form, pack))


def not_recorded(form: str, pack: Pack) -> set[str]:
    """Items of a register's rows that stand beside their values; of last year's row they are not asked."""
    subject = subject_item(pack.forms[form])
    of_place = {"village_code", _CHANGED} if pack.forms[form].is_yearly_of_place else set()
    return {ROW_ID, *([subject.name] if subject else []), *of_place}


def _was(form: str, year: int, pack: Pack) -> Mapping[str, list[str]]:
    """{item: its names in the year before}, of those that were renamed since."""
    found: dict[str, list[str]] = {}
    for was, name in pack.succession.names(form, year - 1).items():
        found.setdefault(name, []).append(was)
    return found


def _taken_out(source: str, items: Iterable[str], was: Mapping[str, Sequence[str]] = {}) -> list[sql.Composable]:
    """Items of a JSON column as text, renamed ones by either name. That is as dear as the whole as text, and then nobody has to parse it."""
    found: list[sql.Composable] = []
    for item in items:
        names = [sql.SQL("{} ->> {}").format(sql.Identifier(source), sql.Literal(name)) for name in (item, *was.get(item, ()))]
        value = names[0] if len(names) == 1 else sql.SQL("coalesce({})").format(sql.SQL(", ").join(names))
        found.append(sql.SQL("{} AS {}").format(value, sql.Identifier(item)))
    return found


def _among(column: str, narrowed: bool, *, also: sql.Composable | None = None) -> sql.Composable:
    """Only rows of the parameter `households`, where a scan is narrowed to some; `also`: or of which this holds."""
    if not narrowed:
        return sql.SQL("")
    mine = sql.SQL("{} = ANY(%(households)s)").format(sql.Identifier(*column.split(".")))
    return sql.SQL(" AND ({} OR {})").format(mine, also) if also is not None else sql.SQL(" AND {}").format(mine)


def _scans(year: int, columns: Mapping[str, Columns], mentions: Sequence[Relation], pack: Pack, *, narrowed: bool = False) -> dict[str, sql.Composed]:
    """By the name of its raw table. The two tables of persons, the longest, come early and last: the two connections end at about the same time.
    `narrowed`: to the households of the parameter `households`, and rows that name one of them."""
    last = {table: sorted(columns[table].last) for table in ("household", "person")}
    beside = _beside_households(columns["household"], pack)
    subject = {"household": HOUSEHOLD_SUBJECT, "person": PERSON_SUBJECT}
    as_swept = sql.SQL(" AND state IN ({})").format(sql.SQL(", ").join(map(sql.Literal, SWEPT_STATES)))
    not_merged = sql.SQL(" AND merged_into_id IS NULL")  # a person entered twice is read once
    mine = _among("household_id", narrowed)
    of_record = [
        sql.SQL("entered_by_id::text AS entered_by, checked_by_id::text AS checked_by"),
        sql.SQL("to_char(submitted_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD')::int AS entered_on"),
    ]
    was = {table: _was(f"{table}_year", year, pack) for table in last}
    then = {table: _taken_out("subject", (item for item in items if item in subject[table]), was[table]) for table, items in last.items()}
    person_last = [item for item in last["person"] if item not in PERSON_SUBJECT]
    household_last = [item for item in last["household"] if item not in HOUSEHOLD_SUBJECT and item not in LOCATION_COLUMNS]
    return {
        "household": _household_scan(columns) + _among("h.id", narrowed),
        "person": _registry_scan("person", "households_person", PERSON_SUBJECT, columns, "village_code", "member_state") + not_merged + mine,
        "household_now": _unpacked_scan("household_year", year, of_record, _recorded("household", columns)) + as_swept + mine,
        "person_now": _record_scan("person_year", year, _taken_out("values", _recorded("person", columns))) + mine,
        "household_last": _unpacked_scan("household_year", year - 1, then["household"], household_last, was["household"]) + mine,
        "spell": _registry_scan("spell", "households_monitoringspell", SPELL_SUBJECT, columns, "village_code", "spell_no") + mine,
        "person_last": _record_scan("person_year", year - 1, [*_taken_out("values", person_last, was["person"]), *then["person"]]) + mine,
        **{
            form: _row_scan(form, read, pack, year) + _among("household_id", narrowed, also=_naming(form, mentions))
            for form, read in columns.items()
            if form not in _KEYS
        },
        **{f"{form}_last": _row_last_scan(form, read, pack, year - 1) for form, read in columns.items() if _has_last_row(form, pack)},
        **({"location_last": _location_last_scan(year, mine)} if "location_last" in beside else {}),
        **({"office": _office_scan(_office_form(pack), year)} if "office" in beside else {}),
        **{relation.stored: _mention_scan(relation) + _among("to_household_id", narrowed) for relation in mentions},
    }


def _naming(form: str, mentions: Iterable[Relation]) -> sql.Composable | None:
    """Rows of a form that name one of the parameter `households`; None where they name none."""
    items = [relation.by for relation in mentions if relation.table == form]
    if not items:
        return None
    return sql.SQL(
        "id IN (SELECT record_id FROM registers_link WHERE name = ANY({items}) AND is_current AND to_household_id = ANY(%(households)s))"
    ).format(items=sql.Literal(items))


def _has_last_row(form: str, pack: Pack) -> bool:
    return form in pack.forms and pack.forms[form].is_yearly_of_place


def _row_last_scan(form: str, columns: Columns, pack: Pack, year: int) -> sql.Composed:
    """The row of the year before, by its place."""
    items = _taken_out("values", last_row_items(form, columns, pack), _was(form, year + 1, pack))
    return sql.SQL("SELECT {selected} FROM records_record WHERE form = {form} AND year = {year} AND state <> 'void'").format(
        selected=sql.SQL(", ").join([sql.SQL("subject_code AS key"), *items]), form=sql.Literal(form), year=sql.Literal(year)
    )


def _row_scan(form: str, columns: Columns, pack: Pack, year: int) -> sql.Composed:
    """A register's rows of every year but the struck ones; of a form with a table of its own (pairings) its columns; of a yearly table of
    villages this year's rows that were handed in."""
    if form in TYPED:
        names = sql.SQL("").join(sql.SQL(", {}").format(sql.Identifier(name)) for name in sorted(columns.now))
        return sql.SQL(
            "SELECT id AS row_key, household_id AS household_key, NULL::uuid AS person_key, village_code{names} FROM households_pairing WHERE true"
        ).format(names=names)
    selected: list[sql.Composable] = [sql.SQL("id AS row_key, household_id AS household_key, person_id AS person_key, village_code, subject_code")]
    if _CHANGED in columns.now and _has_last_row(form, pack):
        selected.append(sql.SQL("{} AS {}").format(division_changed_on("r"), sql.Identifier(_CHANGED)))
    chosen: sql.Composable = sql.SQL("state <> 'void'")
    if _has_last_row(form, pack):
        chosen = sql.SQL("year = {year} AND state IN ({states})").format(
            year=sql.Literal(year), states=sql.SQL(", ").join(map(sql.Literal, SWEPT_STATES))
        )
    return sql.SQL("SELECT {selected} FROM records_record r WHERE form = {form} AND {chosen}").format(
        selected=sql.SQL(", ").join([*selected, *_taken_out("values", row_items(form, columns, pack))]), form=sql.Literal(form), chosen=chosen
    )


def _mention_scan(relation: Relation) -> sql.Composed:
    return sql.SQL(
        "SELECT record_id AS row_key, to_household_id AS household_key FROM registers_link WHERE name = {item} AND is_current"
        " AND to_household_id IS NOT NULL"
    ).format(item=sql.Literal(relation.by))


def _columns_of(table: str, subject: Mapping[str, str], columns: Mapping[str, Columns], alias: str, always: Iterable[str]) -> sql.Composed:
    names = dict.fromkeys([*always, *(column for item, column in subject.items() if item in columns[table].now)])
    return sql.SQL(", ").join(sql.Identifier(alias, name) for name in names)


def _household_scan(columns: Mapping[str, Columns]) -> sql.Composed:
    """A household's location is one row at most; its registry columns beside it."""
    return sql.SQL(
        "SELECT h.id AS household_key, {columns}, {location} FROM households_household h"
        " LEFT JOIN households_location l ON l.household_id = h.id AND l.is_current WHERE h.kind = 'assisted'"
    ).format(
        columns=_columns_of("household", HOUSEHOLD_SUBJECT, columns, "h", ["village_code", "natural_village_code"]),
        location=sql.SQL(", ").join(sql.Identifier("l", column) for column in LOCATION_COLUMNS),
    )


def _beside_households(columns: Columns, pack: Pack) -> list[str]:
    """Names of the raw tables that households are joined with only where an item of theirs is asked."""
    found = ["location_last"] if columns.last & frozenset(LOCATION_COLUMNS) else []
    return [*found, "office"] if columns.now & SWEPT and _office_form(pack) else found


def _location_last_scan(year: int, mine: sql.Composable) -> sql.Composed:
    """Where a household stood by the end of the year before: the later of several points."""
    names = sql.SQL(", ").join(sql.Identifier(column) for column in LOCATION_COLUMNS)
    return sql.SQL(
        "SELECT DISTINCT ON (household_id) household_id AS key, {names} FROM households_location"
        " WHERE located_at < make_timestamptz({year}, 1, 1, 0, 0, 0, 'Asia/Shanghai'){mine} ORDER BY household_id, located_at DESC, id DESC"
    ).format(names=names, year=sql.Literal(year), mine=mine)


def _office_form(pack: Pack) -> str:
    """The yearly table of villages that says where the office stands; "" where none does."""
    places = (form for form in pack.forms.values() if form.is_yearly_of_place and form.subject == "village")
    return next((form.key for form in places if {"lat", "lon"} <= {item.name for item in form.indicators}), "")


def _office_scan(form: str, year: int) -> sql.Composed:
    """By village; last year's point where this year's table has none yet."""
    return sql.SQL(
        "SELECT DISTINCT ON (subject_code) subject_code AS key, values ->> 'lat' AS lat, values ->> 'lon' AS lon FROM records_record"
        " WHERE form = {form} AND year IN ({year}, {before}) AND state <> 'void' AND values ->> 'lat' IS NOT NULL AND values ->> 'lon' IS NOT NULL"
        " ORDER BY subject_code, year DESC"
    ).format(form=sql.Literal(form), year=sql.Literal(year), before=sql.Literal(year - 1))


def _registry_scan(table: str, stored: str, subject: Mapping[str, str], columns: Mapping[str, Columns], *always: str) -> sql.Composed:
    items = _taken_out("values", _recorded(table, columns)) if table == "spell" else []
    return sql.SQL("SELECT id AS {key}, household_id AS household_key, {selected} FROM {stored} r WHERE true").format(
        key=sql.Identifier(_KEYS[table][0]),
        selected=sql.SQL(", ").join([_columns_of(table, subject, columns, "r", always), *items]),
        stored=sql.Identifier(stored),
    )


def _record_scan(form: str, year: int, selected: Iterable[sql.Composable], beside: sql.Composable | None = None) -> sql.Composed:
    return sql.SQL("SELECT {selected} FROM records_record{beside} WHERE form = {form} AND year = {year} AND period = ''").format(
        selected=sql.SQL(", ").join([sql.SQL("subject_id AS key"), *selected]),
        beside=beside or sql.SQL(""),
        form=sql.Literal(form),
        year=sql.Literal(year),
    )


def _unpacked_scan(
    form: str, year: int, selected: Iterable[sql.Composable], items: Sequence[str], was: Mapping[str, Sequence[str]] = {}
) -> sql.Composed:
    """Values long enough that they may be stored compressed: `->>` would unpack them once per item, jsonb_to_record does it once."""
    if not items:
        return _record_scan(form, year, selected)
    stored = dict.fromkeys(name for item in items for name in (item, *was.get(item, ())))
    names = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in stored)
    taken = [
        sql.SQL("coalesce({}) AS {}").format(
            sql.SQL(", ").join(sql.Identifier("unpacked", name) for name in (item, *was.get(item, ()))), sql.Identifier(item)
        )
        for item in items
    ]
    unpacking = sql.SQL(" CROSS JOIN LATERAL jsonb_to_record(values) AS unpacked ({})").format(names)
    return _record_scan(form, year, [*selected, *taken], unpacking)


# Building: raw tables to the wide tables of the rule language


def build(raw: Mapping[str, pa.Table], columns: Mapping[str, Columns], pack: Pack, mentions: Iterable[Relation] = ()) -> duckdb.DuckDBPyConnection:
    """The tables household, person, spell, latest_spell and those of registers from raw ones: household, person, spell (registry columns; of
    spells their items too), household_now, household_last, person_now, person_last (key, items), a register (keys, items). Items are the text
    of their JSON form; household_now holds those to be swept. A register's row under a household that is not swept is not judged either."""
    # One thread a statement: over tables of this size a second one only makes it dearer; what can go side by side are the statements.
    database = duckdb.connect(":memory:", config={"threads": 1})
    database.execute("SET TimeZone = 'Asia/Shanghai'")
    # Lists of codes stay conditions: as joins, which DuckDB makes of them inside OR, they cost more than they save.
    database.execute("SET disabled_optimizers = 'in_clause'")
    schema = pack.schema()
    types = {table: schema.subjects[table].columns for table in columns}
    beside = _beside_households(columns["household"], pack)
    made: dict[str, tuple[tuple[str, ...], Callable[[Columns, Mapping[str, Type], _Past], e.Select]]] = {
        "household": (("household", "household_now", "household_last", "person", *beside), partial(_household, beside=beside)),
        "spell": (("spell",), _spell),
        "person": (("person_now", "person_last"), _person),
        **{form: ((form, *([f"{form}_last"] if _has_last_row(form, pack) else [])), _row_query(form, pack)) for form in columns if form not in _KEYS},
    }
    for table, (sources, query) in made.items():
        for name in sources:
            database.register(f"raw_{name}", raw[name])
        past = _Past(f"{table}_year" if table in _KEYS else table, pack)
        database.sql(query(columns[table], types[table], past).sql("duckdb", copy=False)).create(table)
    for relation in mentions:
        database.register(f"raw_{relation.stored}", raw[relation.stored])
        database.sql(_mentioned(relation).sql("duckdb", copy=False)).create(relation.stored)
    for name in raw:
        database.unregister(f"raw_{name}")
    database.sql(latest_spells().sql("duckdb")).create_view("latest_spell")
    return database


def _from_column(value: e.Expr, type_: Type) -> e.Expr:
    """A registry column → what expressions see: '' is nothing there."""
    if isinstance(type_, Date):
        return e.Cast(this=_fn("strftime", value, _text("%Y%m%d")), to=e.DataType.build("INT"))
    if isinstance(type_, Month):
        return month_of(_fn("nullif", value, _text("")))
    return _fn("nullif", value, _text("")) if column_type(type_) == "VARCHAR" else value


def _items(columns: Columns, types: Mapping[str, Type], own: Mapping[str, e.Expr], recorded: str = "n") -> list[e.Expr]:
    """This year's items of a wide table: those of `own` from their registry columns, the rest as text from the raw table `recorded`."""
    selected = []
    for name in sorted(columns.now & types.keys()):
        if name in own:
            value = _from_column(own[name], types[name])
        else:
            value = from_text(e.column(name, table=recorded, quoted=True), types[name])
        selected.append(e.alias_(value, name, quoted=True, copy=False))
    return selected


@dataclass(frozen=True, slots=True)
class _Past:
    """How a form's values of last year are read: codes that were replaced since in those of today."""

    form: str
    pack: Pack

    def value(self, name: str, text: e.Expr, type_: Type) -> e.Expr:
        item = self.pack.indicators.get(f"{self.form}.{name}")
        codes = self.pack.succession.recoded(item.list, self.pack.form_year - 1) if item and item.list else {}
        if not codes:
            return from_text(text, type_)
        if not isinstance(type_, Codes):
            return from_text(_replaced(text, codes), type_)
        each = e.Lambda(this=_replaced(e.column("code"), codes), expressions=[e.to_identifier("code")])
        return _fn("list_sort", _fn("list_distinct", _fn("list_transform", from_text(text, type_), each)))


def _replaced(value: e.Expr, codes: Mapping[str, str]) -> e.Expr:
    found = e.Case(this=value.copy(), ifs=[e.If(this=_text(was), true=_text(now)) for was, now in sorted(codes.items())], default=value.copy())
    return e.Paren(this=found)


def _last_items(columns: Columns, types: Mapping[str, Type], past: _Past) -> list[e.Expr]:
    """Last year's items as last__x, from their text columns."""
    return [
        e.alias_(past.value(name, e.column(name, table="l", quoted=True), types[name]), f"last__{name}", quoted=True, copy=False)
        for name in sorted(columns.last & types.keys())
    ]


def _places(columns: Columns, natural: e.Expr | None, alias: str = "r") -> list[e.Expr]:
    """The keys by which rows are counted for villages. `natural`: where the natural village's stands; None for a table of whole villages."""
    if not columns.placed:
        return []
    village = e.alias_(e.column("village_code", table=alias), "village_key")
    return [e.alias_(e.cast(e.Null(), "VARCHAR") if natural is None else natural, "natural_village_key"), village]


def _natural_of_household() -> e.Expr:
    return e.column("natural_village_key", table="h")


def _on(left: str, left_column: str, right: str, right_column: str) -> e.Expr:
    return e.EQ(this=e.column(left_column, table=left), expression=e.column(right_column, table=right))


def _table(name: str, alias: str) -> e.Expr:
    return e.alias_(e.to_table(name), alias, table=True)


def _selected(columns: Iterable[e.Expr], source: str) -> e.Select:
    return e.select(*columns, copy=False).from_(_table(source, "r"), copy=False)


def _joined(query: e.Select, table: e.Expr, on: e.Expr, kind: str = "left") -> e.Select:
    """In place: the hundred columns selected are not copied for each join."""
    return query.join(table, on=on, join_type=kind, copy=False)


def _household(columns: Columns, types: Mapping[str, Type], past: _Past, beside: Sequence[str]) -> e.Select:
    """`beside`: raw tables that are asked for as well."""
    own: dict[str, e.Expr] = {item: e.column(column, table="r", quoted=True) for item, column in HOUSEHOLD_SUBJECT.items()}
    own |= {name: e.column(name, table="r", quoted=True) for name in LOCATION_COLUMNS}
    own |= {name: e.column(name, table="n", quoted=True) for name in RECORD_COLUMNS}
    # Integers as they are: `entered_on` is a day number already.
    plain = {name: own.pop(name) for name in ("entered_on",)}
    rest = Columns(columns.now - {"members_live", *plain}, columns.last - frozenset(LOCATION_COLUMNS))
    office = {name: e.column(name.removeprefix("office_"), table="v") if "office" in beside else e.Null() for name in columns.now & SWEPT}
    own |= {name: from_text(value, types[name]) for name, value in office.items()}
    located = [e.alias_(e.column(name, table="w", quoted=True), f"last__{name}", quoted=True) for name in sorted(columns.last - rest.last)]
    natural = _fn("nullif", e.column("natural_village_code", table="r"), _text(""))
    live = e.cast(_fn("coalesce", e.column("n", table="m"), e.Literal.number(0)), "INT")
    keys = [e.column("household_key", table="r"), e.column("village_code", table="r"), e.alias_(live, "members_live")]
    keys += [e.alias_(value, name) for name, value in plain.items()] + _places(columns, natural)
    query = _selected([*keys, *_items(rest, types, own), *_last_items(rest, types, past), *located], "raw_household")
    query = _joined(query, _table("raw_household_now", "n"), _on("n", "key", "r", "household_key"), "inner")
    query = _joined(query, _table("raw_household_last", "l"), _on("l", "key", "r", "household_key"))
    members = _selected([e.column("household_key", table="r"), e.alias_(e.Count(this=e.Star()), "n")], "raw_person").where(_is_live("r"))
    members = members.group_by(e.column("household_key", table="r"))
    query = _joined(query, members.subquery("m"), _on("m", "household_key", "r", "household_key"))
    if "location_last" in beside:  # a house whose year before is not recorded has no last year
        query = _joined(query, _table("raw_location_last", "w"), _on("w", "key", "l", "key"))
    return _joined(query, _table("raw_office", "v"), _on("v", "key", "r", "village_code")) if "office" in beside else query


def _is_live(table: str) -> e.Expr:
    return e.EQ(this=e.column("member_state", table=table), expression=_text("01"))


def _person(columns: Columns, types: Mapping[str, Type], past: _Past) -> e.Select:
    own: dict[str, e.Expr] = {item: e.column(column, table="r", quoted=True) for item, column in PERSON_SUBJECT.items()}
    own[ROW_ID] = _as_text("person_key")
    keys = [e.column(key, table="r") for key in ("person_key", "household_key", "village_code")] + _places(columns, _natural_of_household())
    items = [*_items(columns, types, own), *_last_items(columns, types, past)]
    query = _selected([*keys, e.alias_(_is_live("r"), "is_live"), *items], "raw_person")
    query = _joined(query, _table("household", "h"), _on("h", "household_key", "r", "household_key"), "inner")
    query = _joined(query, _table("raw_person_now", "n"), _on("n", "key", "r", "person_key"))
    return _joined(query, _table("raw_person_last", "l"), _on("l", "key", "r", "person_key"))


def _spell(columns: Columns, types: Mapping[str, Type], past: _Past) -> e.Select:
    own: dict[str, e.Expr] = {item: e.column(column, table="r", quoted=True) for item, column in SPELL_SUBJECT.items()}
    needed = Columns(columns.now | {"spell_no"}, frozenset())
    keys = [e.column(key, table="r") for key in _KEYS["spell"]] + _places(columns, _natural_of_household())
    query = _selected([*keys, *_items(needed, types, own, "r")], "raw_spell")
    return _joined(query, _table("household", "h"), _on("h", "household_key", "r", "household_key"), "inner")


def _as_text(key: str) -> e.Expr:
    return e.cast(e.column(key, table="r"), "VARCHAR")


def _row_query(form: str, pack: Pack) -> Callable[[Columns, Mapping[str, Type], _Past], e.Select]:
    """A register's table, or that of a typed form: rows under a household that is swept, or under none."""

    subject = subject_item(pack.forms[form])
    unrecorded = not_recorded(form, pack)
    is_yearly, of_village = _has_last_row(form, pack), pack.forms[form].subject == "village"
    natural = e.column("subject_code", table="r") if pack.forms[form].subject == "natural_village" else _natural_of_household()

    def query(columns: Columns, types: Mapping[str, Type], past: _Past) -> e.Select:
        own: dict[str, e.Expr] = {}
        if form in TYPED:
            own = {name: e.column(name, table="r", quoted=True) for name in TYPED[form]}
        elif subject is not None:
            own = {ROW_ID: _as_text(ROW_KEY)}
            held = {"household": "household_key", "person": "person_key", "natural_village": "subject_code"}.get(subject.ref)
            own[subject.name] = _as_text(held) if held else e.column("village_code", table="r")
        # Of a place the key is the item: one column of the name.
        rest = Columns(columns.now - {"village_code"}, columns.last - unrecorded, columns.placed) if form not in TYPED else columns
        keys = [e.column(key, table="r") for key in _ROW_KEYS] + _places(columns, None if is_yearly and of_village else natural)
        unknown = [e.alias_(e.cast(e.Null(), column_type(types[name])), f"last__{name}", quoted=True) for name in sorted(columns.last & unrecorded)]
        last = [*_last_items(rest, types, past), *unknown] if is_yearly else []
        select = _selected([*keys, *_items(rest, types, own, "r"), *last], f"raw_{form}")
        if is_yearly:
            return _joined(select, _table(f"raw_{form}_last", "l"), _on("l", "key", "r", "subject_code"))
        select = _joined(select, _table("household", "h"), _on("h", "household_key", "r", "household_key"))
        swept = is_known(e.column("household_key", table="h"))
        return select.where(e.or_(swept, e.Is(this=e.column("household_key", table="r"), expression=e.Null())), copy=False)

    return query


def _mentioned(relation: Relation) -> e.Select:
    """Rows of a register by each household they name."""
    star = e.Star(except_=[e.to_identifier("household_key")])
    query = e.select(e.column("household_key", table="r"), e.Column(this=star, table=e.to_identifier("p")), copy=False)
    query = query.from_(_table(f"raw_{relation.stored}", "r"), copy=False)
    return _joined(query, _table(relation.table, "p"), _on("p", ROW_KEY, "r", ROW_KEY), "inner")
