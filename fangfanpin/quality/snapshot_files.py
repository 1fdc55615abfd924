"""Snapshots that stay: the county's own, and the one that goes up. Read as the snapshot role at one moment, written as Parquet per table.

Values are as rules see them (docs/rule-language.md): money in fen, dates as y·10000+m·100+d; the manifest says what each column is.
"""

import datetime
import hmac
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import sqlglot.expressions as e
from django.conf import settings
from django.utils import timezone

from fangfanpin.expressions import Bool, Code, Codes, Number, Schema, Text, Type
from fangfanpin.expressions.duckdb import KEYS, ROW_KEY, column_type, compared_items
from fangfanpin.expressions.row_sql import is_known
from fangfanpin.expressions.trees import case, fn, integer, literal
from fangfanpin.pack import Pack
from fangfanpin.quality import snapshot
from fangfanpin.quality.standing import FEW, shown_outside
from fangfanpin.snapshots.folder import COMPRESSION, NUMBER, PARTITION, SHADOWED, county_folder, write_manifest, write_pack

_CENT = 10_000  # points have 6 decimals, two stay: about a kilometre
# Text goes up only where its words are the program's own.
_KEPT_TEXT = frozenset({"id_form"})
# Where a house or an office stands. Other points are to be compared with it, and of rounded ones nobody can say how far they are apart.
_POINT = frozenset({"lat", "lon"})
# A date of birth together with village and sex names a person: up goes the month.
_BIRTHS = frozenset({"birth_date", "id_birth"})
_VILLAGE = "village_code"  # beside each row, where it is an item too: it names a place, nobody
_COUNTY_DIGITS = 6
_NUMBERS = "number__of_texts"
_KEY_LENGTH = 32  # hexadecimal digits: 128 bits


def write(kind: str, out: Path, *, year: int, today: datetime.date, pack: Pack, sources: Mapping[str, str]) -> list[dict[str, Any]]:
    """One folder `county=CODE` per county of this installation; the manifests. `kind`: county, upward; `today`: of the campaign's clock. Each
    county's folder comes whole or not at all. The upward one tells no count that FEW forbids, and a table of so few rows goes up empty."""
    with snapshot.whole(year, pack) as database:
        tables = {name: database.table(name).columns for name in _sources_of(pack.schema())}
        for name in tables:
            _unfold(database, name)
        found = database.sql("SELECT DISTINCT left(village_code, 6) FROM household ORDER BY 1").fetchall()
        return [_write_county(kind, out, county, database, tables, year=year, today=today, pack=pack, sources=sources) for (county,) in found]


def _sources_of(schema: Schema) -> dict[str, str]:
    """By the name of each table the subject whose columns it has: itself, or that of a relation whose rows name several households."""
    mentions = {relation.stored: relation.table for relation in schema.relations.values() if relation.by}
    return {name: name for name in schema.subjects} | mentions


def _unfold(database: duckdb.DuckDBPyConnection, table: str) -> None:
    """Ids as text: Parquet's own kind of id is not read by every engine."""
    for column, kind in zip(database.table(table).columns, database.table(table).types, strict=True):
        if str(kind) == "UUID":
            change = e.AlterColumn(this=e.to_identifier(column, quoted=True), dtype=e.DataType.build("VARCHAR"))
            database.execute(e.Alter(this=e.to_table(table), kind="TABLE", actions=[change]).sql("duckdb"))


def _write_county(
    kind: str,
    out: Path,
    county: str,
    database: duckdb.DuckDBPyConnection,
    tables: Mapping[str, list[str]],
    *,
    year: int,
    today: datetime.date,
    pack: Pack,
    sources: Mapping[str, str],
) -> dict[str, Any]:
    told: dict[str, Any] = {}
    removed: dict[str, int] = {}
    stored_as = _sources_of(pack.schema())
    queries: dict[str, e.Select] = {}
    for table, columns in tables.items():
        types = pack.schema().subjects[stored_as[table]].columns
        selected = _Upward(database, table, stored_as[table], types, county).columns(columns, removed) if kind == "upward" else _as_they_are(columns)
        queries[table] = e.select(*selected).from_(e.to_table(table)).where(_of_county(county))
        if kind == "upward" and 0 < (few := _count(database, table, _of_county(county))) < FEW:
            queries[table], removed[table] = queries[table].where(e.false()), few
    compared = {table: _compared(query, stored_as[table], pack) for table, query in queries.items()}
    _number(database, [(query, compared[table]) for table, query in queries.items()])
    with county_folder(out, county) as part:
        for table, query in queries.items():
            written = part / f"{table}.parquet"
            database.sql(_numbered(query, compared[table]).sql("duckdb")).write_parquet(str(written), compression=COMPRESSION[kind])
            stored = database.read_parquet(str(written))
            described = {name: _described(name, stored_as[table], pack) for name in stored.columns}
            told[table] = {"rows": stored.count("*").fetchall()[0][0], "columns": described}
        write_pack(part, sources)
        return write_manifest(
            part,
            {
                "kind": kind,
                "county": county,
                "year": year,
                "today": today.isoformat(),
                "state_date": pack.state_date.isoformat(),
                "made_at": timezone.localtime(timezone.now(), datetime.UTC).isoformat(timespec="seconds"),
                "pack": {"id": pack.id, "title": pack.title, "hash": pack.hash},
                "states": list(snapshot.SWEPT_STATES),
                "tables": told,
                "removed": {name: shown_outside(count) for name, count in removed.items()},
            },
        )


def _of_county(county: str) -> e.Expr:
    return e.EQ(this=fn("left", e.column("village_code"), integer(_COUNTY_DIGITS)), expression=literal(county))


def _count(database: duckdb.DuckDBPyConnection, table: str, condition: e.Expr) -> int:
    query = e.select(e.Count(this=e.Star())).from_(table).where(condition)
    return int(database.sql(query.sql("duckdb")).fetchall()[0][0])


def _is_key(name: str) -> bool:
    return name.endswith("_key")


def _compared(query: e.Select, table: str, pack: Pack) -> list[str]:
    """Columns of which it is only asked whether they are the same: keys, and what set functions look for in other rows."""
    rules = [one for rule in pack.judged if rule.subject == table for one in (rule.when, rule.scope) if one is not None]
    items = compared_items(rules)
    return [name for name in query.named_selects if _is_key(name) or name in items]


def _number(database: duckdb.DuckDBPyConnection, compared: Iterable[tuple[e.Select, Sequence[str]]]) -> None:
    """Of texts as they are told, in their order, and of those alone that are: a number says no more than the text."""
    texts: list[e.Query] = [
        e.select(e.alias_(e.column(name, quoted=True), "said")).from_(query.subquery("t")) for query, names in compared for name in names
    ]
    number = e.Window(this=e.RowNumber(), order=e.Order(expressions=[e.Ordered(this=e.column("said"))]))
    numbers = e.select("said", e.alias_(number, "number")).from_(e.union(*texts).subquery("told")).where(is_known(e.column("said")))
    database.execute(e.Create(this=e.to_table(_NUMBERS), kind="TABLE", replace=True, expression=numbers).sql("duckdb"))


def _numbered(query: e.Select, names: Sequence[str]) -> e.Select:
    """The rows in their order, with the numbers of these columns."""
    whole = e.select("t.*").from_(query.subquery("t"))
    for place, name in enumerate(names):
        same = e.EQ(this=e.column("said", table=f"n{place}"), expression=e.column(name, table="t", quoted=True))
        whole = whole.select(e.alias_(e.column("number", table=f"n{place}"), f"{NUMBER}{name}", quoted=True))
        whole = whole.join(e.alias_(e.to_table(_NUMBERS), f"n{place}", table=True), on=same, join_type="left")
    return whole.order_by("t.village_code", "t.household_key")


def _as_they_are(columns: Iterable[str]) -> list[e.Expr]:
    held: list[e.Expr] = []
    for name in columns:
        if _is_key(name):
            held.append(e.alias_(e.cast(e.column(name), "VARCHAR"), name))
        else:
            held.append(e.alias_(e.column(name, quoted=True), SHADOWED if name == PARTITION else name, quoted=True))
    return held


def _described(name: str, table: str, pack: Pack) -> dict[str, str]:
    """What a column is, for whoever reads the file without the program: its type here and in the language, and what people call it."""
    types = pack.schema().subjects[table].columns
    if name.startswith(NUMBER):
        return {"parquet": "BIGINT", "type": "key"}
    item = PARTITION if name == SHADOWED else name.removeprefix("last__")
    if item not in types:
        return {"parquet": "BOOLEAN" if name == "is_live" else "VARCHAR", "type": "key"}
    form = {"household": "household_year", "person": "person_year"}.get(table, table)
    indicator = pack.spell_items.get(item) if table == "spell" else pack.indicators.get(f"{form}.{item}")
    return {"parquet": column_type(types[item]), "type": str(types[item]), "zh": indicator.zh if indicator else ""}


class _Upward:
    """One table as it may leave the county: no text but the program's own, points rounded, cells that few share emptied, keys hashed."""

    def __init__(self, database: duckdb.DuckDBPyConnection, table: str, source: str, types: Mapping[str, Type], county: str) -> None:
        self.database = database
        self.table = table
        self.source = source  # itself, or where its rows stand once each
        self.types = types
        self.county = county

    def columns(self, columns: Iterable[str], removed: dict[str, int]) -> list[e.Expr]:
        """The selected columns; in `removed` how many values were emptied, by table.column."""
        kept: list[e.Expr] = []
        points: list[str] = []
        for name in columns:
            item = name.removeprefix("last__")
            type_ = None if name == _VILLAGE else self.types.get(item)
            if type_ is None:
                kept.append(self.hashed(name) if _is_key(name) else e.column(name))
            elif isinstance(type_, Text) and type_.is_point:
                kept.append(self.rounded_text(name, removed))
            elif isinstance(type_, Text):
                kept += [e.column(name, quoted=True)] if item in _KEPT_TEXT else []
            elif isinstance(type_, Number) and type_.unit == "degree":
                points += [name] if name in _POINT else []
            elif isinstance(type_, (Code, Codes)):
                kept.append(e.alias_(self.common(name, type_, removed), name, quoted=True))
            elif isinstance(type_, Bool):
                kept.append(e.alias_(self.in_company(name, removed), name, quoted=True))
            elif item in _BIRTHS:
                month = e.Mul(this=e.Paren(this=e.IntDiv(this=e.column(name, quoted=True), expression=integer(100))), expression=integer(100))
                kept.append(e.alias_(e.cast(e.Add(this=month, expression=integer(1)), "INTEGER"), name, quoted=True))
            else:
                kept.append(e.column(name, quoted=True))
        return kept + self.rounded(points, removed) if points else kept

    def hashed(self, name: str) -> e.Expr:
        """Keyed by this installation and the county: nobody above can walk back from a key, and no county's are another's."""
        secret = literal(hmac.digest(settings.PRIVACY_KEYS.digest, f"snapshot/{self.county}".encode(), "sha256").hex())
        inner = fn("sha256", fn("concat", secret, e.cast(e.column(name), "VARCHAR")))
        outer = fn("left", fn("sha256", fn("concat", secret.copy(), inner)), integer(_KEY_LENGTH))
        return e.alias_(case(is_known(e.column(name)), outer), name)

    def count(self, condition: e.Expr) -> int:
        return _count(self.database, self.table, e.and_(condition, _of_county(self.county)))

    def common(self, name: str, type_: Type, removed: dict[str, int]) -> e.Expr:
        """A code without the values that fewer than FEW rows of the county have."""
        column = e.column(name, quoted=True)
        value = fn("unnest", column) if isinstance(type_, Codes) else column
        inner = e.select(e.alias_(value, "code")).from_(self.table).where(_of_county(self.county)).subquery("v")
        is_common = e.GTE(this=e.Count(this=e.Star()), expression=integer(FEW))
        query = e.select("code", e.alias_(is_common, "is_common"))
        found = self.database.sql(query.from_(inner).where("NOT code IS NULL").group_by("code").order_by("code").sql("duckdb")).fetchall()
        rare = [literal(code) for code, many in found if not many]
        if not rare:
            return column
        if isinstance(type_, Codes):
            common = e.cast(e.Array(expressions=[literal(code) for code, many in found if many]), "VARCHAR[]")
            removed[f"{self.table}.{name}"] = self.count(fn("list_has_any", column, e.Array(expressions=rare)))
            return fn("list_sort", fn("list_intersect", column, common))
        condition = e.In(this=column, expressions=rare)
        removed[f"{self.table}.{name}"] = self.count(condition)
        return case(e.Not(this=condition), column.copy())

    def in_company(self, name: str, removed: dict[str, int]) -> e.Expr:
        """Yes or no without what fewer than FEW rows of the county say. An empty cell must not give away which of the two it was, as it would where
        all others say the other: as many of the common answer are emptied as make FEW, chosen by hashed keys. Where too few are left, all are."""
        column, nothing = e.column(name, quoted=True), e.cast(e.Null(), "BOOLEAN")
        known = is_known(column.copy())
        among: list[e.Expr] = []
        for table in dict.fromkeys((self.source, self.table)):
            counts = {says: _count(self.database, table, e.and_(self.says(name, says), _of_county(self.county))) for says in (True, False)}
            rare = [says for says, count in counts.items() if 0 < count < FEW]
            if not rare:
                continue
            more = FEW - counts[rare[0]]
            if len(rare) > 1 or counts[not rare[0]] - more < FEW:
                removed[f"{self.table}.{name}"] = self.count(known)
                return nothing
            among += [self.says(name, rare[0]), e.In(this=e.column(self.key), expressions=self.some(table, self.says(name, not rare[0]), more))]
        if not among:
            return column
        removed[f"{self.table}.{name}"] = self.count(e.and_(known, e.or_(*among)))
        return case(e.and_(known.copy(), e.Not(this=e.Paren(this=e.or_(*among)))), column)

    @property
    def key(self) -> str:
        """The column by which rows are told apart."""
        return KEYS.get(self.source, ROW_KEY)

    def says(self, name: str, says: bool) -> e.Expr:
        return e.EQ(this=e.column(name, quoted=True), expression=e.true() if says else e.false())

    def some(self, table: str, condition: e.Expr, count: int) -> list[e.Expr]:
        """Keys of rows of which the condition holds, the same ones each time, which no one above can foresee."""
        found = e.select(self.key).from_(table).where(e.and_(condition, _of_county(self.county)))
        found = found.order_by(self.hashed(self.key).unalias()).limit(count)
        return [literal(str(key)) for (key,) in self.database.sql(found.sql("duckdb")).fetchall()]

    def rounded_text(self, name: str, removed: dict[str, int]) -> e.Expr:
        """As `rounded`, of a point that is one column: "33.32, 117.31"."""

        def cell() -> e.Expr:
            parts = [
                e.TryCast(this=fn("split_part", e.column(name, quoted=True), literal(", "), integer(place)), to=e.DataType.build("DOUBLE"))
                for place in (1, 2)
            ]
            return fn("printf", literal("%.2f, %.2f"), *parts)

        inner = e.select(e.alias_(cell(), "place")).from_(self.table).where(_of_county(self.county)).subquery("v")
        shared = e.select("place").from_(inner).group_by("place").having(f"count(*) >= {FEW}")
        among = e.In(this=cell(), query=shared.subquery())
        known = is_known(e.column(name, quoted=True))
        removed[f"{self.table}.{name}"] = self.count(e.and_(known, e.Not(this=among)))
        return e.alias_(case(e.and_(known.copy(), among.copy()), cell()), name, quoted=True)

    def rounded(self, names: list[str], removed: dict[str, int]) -> list[e.Expr]:
        """Points to two decimals; empty where fewer than FEW rows share the square."""

        def cell(name: str) -> e.Expr:
            part = e.Div(this=e.column(name, quoted=True), expression=e.Literal.number(f"{_CENT}.0"))
            return e.Mul(this=e.cast(fn("round", part), "BIGINT"), expression=integer(_CENT))

        inner = e.select(*(e.alias_(cell(name), name, quoted=True) for name in names)).from_(self.table).where(_of_county(self.county)).subquery("v")
        shared = e.select(*(e.column(name, quoted=True) for name in names)).from_(inner)
        shared = shared.group_by(*(e.column(name, quoted=True) for name in names)).having(f"count(*) >= {FEW}")
        place = e.Tuple(expressions=[cell(name) for name in names])
        among = e.In(this=place, query=shared.subquery())
        known = e.and_(*(is_known(e.column(name, quoted=True)) for name in names))
        emptied = self.count(e.and_(known, e.Not(this=among)))
        for name in names:
            removed[f"{self.table}.{name}"] = emptied
        return [e.alias_(case(e.and_(known.copy(), among.copy()), cell(name)), name, quoted=True) for name in names]
