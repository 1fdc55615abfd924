"""The situations of examples as engines take them: scopes for Python and TypeScript, wide tables for DuckDB and Spark."""

import datetime
import itertools
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from fangfanpin.expressions import Expression, Relation, Type
from fangfanpin.expressions import nodes as n
from fangfanpin.expressions.duckdb import ROW_KEY, column_type, rules_select
from fangfanpin.expressions.spark import MASK, masks_select
from fangfanpin.expressions.types import Bool
from fangfanpin.pack import Pack, Rule, load_pack
from fangfanpin.snapshots.sweep import CELL
from tests.rules.table import Example

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TODAY = datetime.date(2021, 11, 15)
PACK = Path(__file__).parents[2] / "packs" / "guzhen-2021"
_ARROW = {"BOOLEAN": pa.bool_(), "BIGINT": pa.int64(), "INTEGER": pa.int32(), "VARCHAR": pa.string(), "VARCHAR[]": pa.list_(pa.string())}
_FORM = {"household": "household_year", "person": "person_year", "spell": "spell"}
_KEY = {"household": "household_key", "person": "person_key", "spell": "spell_key"}
# To compile the catalogue to Java costs more than to judge some hundred rows without; what is compiled is compared in tests/conformance.
_INTERPRETED = {"spark.sql.codegen.factoryMode": "NO_CODEGEN", "spark.sql.adaptive.enabled": "false"}
_SHARED = {"row", "last", "home", "home_last", "members", "left", "spells", "elsewhere"}
_OF_PLACES = ("village_key", "natural_village_key")
_VILLAGE = "v"
Row = Mapping[str, Any]


def guzhen() -> Pack:
    return load_pack(PACK)


def whole(rule: Rule) -> n.Node:
    """Scope and condition as one node, as the sweep asks them."""
    return rule.when.node if rule.scope is None else n.And(Bool(), rule.when.node.span, (rule.scope.node, rule.when.node))


class Pair:
    """A row, and last year's beside it."""

    def __init__(self, row: Row, last: Row | None) -> None:
        self.row, self.last = row, last

    def plain(self) -> dict[str, Any]:
        return {"row": _plain(self.row), "last": _plain(self.last)}

    def wide(self) -> dict[str, Any]:
        return {**self.row, **{f"last__{name}": value for name, value in (self.last or {}).items()}}


class Judged:
    """One situation, its values as expressions see them."""

    def __init__(self, example: Example, rule: Rule, pack: Pack) -> None:
        self.example, self.rule, self.pack = example, rule, pack
        given = example.situation
        self.relations: dict[str, list[Pair]] = {"members": [], "left": [], "spells": []}
        for name, relation in _beside(pack, rule.subject):
            self.relations[name] = [self.pair(relation.table, one) for one in given.get(name, ())]
        for name in ("members", "left"):
            self.relations[name] = [self.pair("person", one) for one in given.get(name, ())]
        self.elsewhere = [self.pair("household" if rule.subject == "household" else "person", one) for one in given.get("elsewhere", ())]
        unknown = given.keys() - _SHARED - self.relations.keys()
        assert not unknown, f"{rule.id}: {unknown}"
        self.own = self.pair(rule.subject, {**given.get("row", {}), "last": given.get("last")})
        household = rule.subject == "household"
        self.home = self.own if household else self.pair("household", {**given.get("home", {}), "last": given.get("home_last")})
        if not household and not rule.of_village:
            self.relations.setdefault(self.among, []).insert(0, self.own)

    @property
    def among(self) -> str:
        """The relation that the subject is a row of; of a project or village none."""
        if self.rule.of_village:
            return "itself"
        tables = {"person": "members", "spell": "spells"}
        schema = self.pack.schema()
        found = (name for name, one in schema.relations.items() if one.table == self.rule.subject and not one.by)
        return tables.get(self.rule.subject) or next(found, "itself")

    def pair(self, table: str, values: Row) -> Pair:
        last = values.get("last")
        now = {name: value for name, value in values.items() if name != "last"}
        return Pair(self.row(table, now), None if last is None else self.row(table, last))

    def row(self, table: str, values: Row) -> Row:
        schema = self.pack.schema()
        unknown = values.keys() - schema.subjects[table].columns.keys()
        assert not unknown, f"{self.rule.id}: {table} has no {unknown}"
        return {name: self.pack.to_engine(_FORM.get(table, table), name, value) for name, value in values.items()}

    def scope(self) -> dict[str, Any]:
        """As tests/conformance has it: rows of relations hold `row` and `last` only."""
        names = set(self.relations) - {"members", "left", "itself"}
        members = [pair.plain() for pair in self.relations["members"]]
        relations = {name: [pair.plain() for pair in self.relations[name]] for name in sorted(names) if self.relations[name]}
        relations |= {"members": members, "all_members": [*members, *(pair.plain() for pair in self.relations["left"])]}
        spell = max((pair.row for pair in self.relations["spells"]), key=lambda row: row.get("spell_no") or 0, default=None)
        household = self.home.plain() | {"relations": relations, "spell": {"row": _plain(spell)} if spell else None}
        return self.own.plain() | {"household": household, "consts": self.pack.constants(TODAY)}

    def key(self, place: int) -> str:
        """The subject's in the tables."""
        return f"{place}" if self.rule.subject == "household" else f"{place}/own"

    def population(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The subject's scope and those of all live people, or households, of its county, for set functions. All are of one village."""
        scope = self.scope()
        scope["household"]["village"] = _VILLAGE
        others = [pair.plain() | {"household": scope["household"], "consts": scope["consts"]} for pair in self.relations["members"][1:]]
        foreign = [pair.plain() | {"household": {"row": {}, "village": _VILLAGE}, "consts": scope["consts"]} for pair in self.elsewhere]
        return scope, [scope, *(others if self.rule.subject == "person" else []), *foreign]


def _plain(row: Row | None) -> dict[str, Any] | None:
    return None if row is None else {name: list(value) if isinstance(value, tuple) else value for name, value in row.items()}


def situations(examples: Iterable[Example], pack: Pack) -> list[Judged]:
    rules = {rule.id: rule for rule in pack.judged}
    return [Judged(example, rules[example.rule], pack) for example in examples]


# Tables: each situation is a household, a village and a county of its own


def tables(judged: Sequence[Judged], pack: Pack) -> dict[str, pa.Table]:
    """What a sweep reads."""
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in pack.schema().subjects}
    for place, one in enumerate(judged):
        village: dict[str, Any] = {"village_code": _VILLAGE, CELL: f"c{place}", **dict.fromkeys(_OF_PLACES, f"{place}")}
        home = village | {"household_key": f"{place}"}
        held: list[tuple[str, Sequence[Pair], dict[str, Any]]] = [
            ("household", [] if one.rule.of_village else [one.home], home),
            ("person", one.relations["members"], home | {"is_live": True}),
            ("person", one.relations["left"], home | {"is_live": False}),
        ]
        if one.rule.subject == "household":
            held.append(("household", one.elsewhere, village))
        else:
            held.append(("person", one.elsewhere, home | {"is_live": True, "household_key": f"{place}/elsewhere"}))
        beside_it = _beside(pack, one.rule.subject)
        held += [(relation.table, one.relations[name], village if relation.table == "household" else home) for name, relation in beside_it]
        if one.among == "itself" and one.rule.subject != "household":
            held.append((one.rule.subject, [one.own], home))
        numbers = itertools.count()
        for table, pairs, beside in held:
            for pair in pairs:
                key = one.key(place) if pair is one.own else f"{place}/{next(numbers)}"
                rows[table].append(pair.wide() | {_KEY.get(table, ROW_KEY): key} | beside)
    return {table: _table(table, of_table, pack) for table, of_table in rows.items()}


def _beside(pack: Pack, subject: str) -> list[tuple[str, Relation]]:
    """Relations that hold rows of their own: the people are the household's anyway, and rows by what they mention are asked by no rule yet."""
    return [(name, one) for name, one in pack.schema().relations_of(subject).items() if name not in ("members", "all_members") and not one.by]


def _table(table: str, rows: Iterable[dict[str, Any]], pack: Pack) -> pa.Table:
    subject = pack.schema().subjects[table]
    columns: Mapping[str, Type] = subject.columns
    keys = {"household_key", "village_code", *_OF_PLACES, CELL, _KEY.get(table, ROW_KEY)} | ({"is_live"} if table == "person" else set())
    fields = [(name, _ARROW[column_type(type_)]) for name, type_ in columns.items() if name not in keys]
    if subject.has_last:
        fields += [(f"last__{name}", kind) for name, kind in list(fields)]
    fields += [(key, pa.bool_() if key == "is_live" else pa.string()) for key in sorted(keys)]
    return pa.Table.from_pylist(list(rows), schema=pa.schema(fields))


def _by_subject(judged: Sequence[Judged]) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in {one.rule.id: one.rule for one in judged}.values():
        found.setdefault(rule.subject, []).append(rule)
    return found


def _conditions(rules: Sequence[Rule]) -> list[tuple[Expression, Expression | None]]:
    return [(rule.when, rule.scope) for rule in rules]


def _places(judged: Sequence[Judged], hits: set[tuple[str, str, str]]) -> set[int]:
    """Places of the situations that their own rule hits; `hits`: subject, rule and the subject's key."""
    return {place for place, one in enumerate(judged) if (one.rule.subject, one.rule.id, one.key(place)) in hits}


def in_duckdb(judged: Sequence[Judged], pack: Pack) -> set[int]:
    """Places of the situations that are hit, by the sweep's own statements."""
    hits: set[tuple[str, str, str]] = set()
    with duckdb.connect(":memory:") as database:
        for name, table in tables(judged, pack).items():
            database.from_arrow(table).create(name)
        database.execute(
            "CREATE VIEW latest_spell AS SELECT * FROM spell QUALIFY row_number() OVER (PARTITION BY household_key ORDER BY spell_no DESC) = 1"
        )
        for subject, rules in _by_subject(judged).items():
            select = rules_select(_conditions(rules), schema=pack.schema(), env=pack.constants(TODAY), cell=CELL)
            for key, *found in database.sql(select.sql("duckdb")).fetchall():
                hits |= {(subject, rule.id, key) for rule, is_hit in zip(rules, found[-len(rules) :], strict=True) if is_hit}
    return _places(judged, hits)


def in_spark(judged: Sequence[Judged], pack: Pack, spark: "SparkSession") -> set[int]:
    """As `in_duckdb`; the whole catalogue in one query: every subject's masks."""
    by_subject, selects = _by_subject(judged), []
    for subject, rules in by_subject.items():
        select = masks_select(_conditions(rules), schema=pack.schema(), env=pack.constants(TODAY), cell=CELL)
        masks = ", ".join(f"m{place}" for place in range(-(-len(rules) // MASK)))
        selects.append(f"SELECT '{subject}' AS subject, subject_key, array({masks}) AS masks FROM ({select.sql('spark')})")
    hits: set[tuple[str, str, str]] = set()
    with tempfile.TemporaryDirectory() as folder:
        for name, table in tables(judged, pack).items():
            pq.write_table(table, f"{folder}/{name}.parquet")
            spark.read.parquet(f"{folder}/{name}.parquet").createOrReplaceTempView(name)
        spark.sql(
            "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY household_key ORDER BY spell_no DESC) AS place FROM spell) WHERE place = 1"
        ).createOrReplaceTempView("latest_spell")
        for name, value in _INTERPRETED.items():
            spark.conf.set(name, value)
        for row in spark.sql(" UNION ALL ".join(selects)).collect():
            rules = by_subject[row.subject]
            hits |= {(row.subject, rule.id, row.subject_key) for place, rule in enumerate(rules) if row.masks[place // MASK] >> place % MASK & 1}
        for name in _INTERPRETED:
            spark.conf.unset(name)
    return _places(judged, hits)
