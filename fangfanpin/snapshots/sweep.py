"""The catalogue over a folder of many counties' snapshots, with DuckDB or with Spark: the same hits.

Counties that go by the same pack and have the same columns are judged together, in one scan per subject. Joins and what set functions ask about
stay within the county: two counties' keys may be alike.
"""

import datetime
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import sqlglot.expressions as e

from fangfanpin.expressions import Schema
from fangfanpin.expressions import spark as spark_dialect
from fangfanpin.expressions.duckdb import latest_spells, rules_select
from fangfanpin.expressions.trees import literal
from fangfanpin.pack import Pack, Rule
from fangfanpin.snapshots.folder import PARTITION, SHADOWED, Snapshot, snapshots_in
from fangfanpin.snapshots.session import spark_session

CELL = "cell__county"  # no item has this name
_SPARK_MB = 2048
ENGINES = ("duckdb", "spark")
HIT = pa.schema([(name, pa.string()) for name in ("county", "rule", "subject", "subject_key", "household_key", "village_code")])
_NO_TABLE = frozenset[str]()


@dataclass(frozen=True, slots=True)
class Swept:
    """`hits`: columns of HIT, in its order. `left_out`: rules that name an item which the snapshots do not hold, with the items.
    `rule_rows`: for each rule the rows it was asked of, summed. `seconds` without the start of the engine."""

    counties: int
    rows: Mapping[str, int]
    rules: int
    rule_rows: int
    left_out: Mapping[str, Sequence[str]]
    hits: pa.Table
    seconds: float

    def by_rule(self) -> dict[str, int]:
        return self._counted("rule")

    def by_county(self) -> dict[str, int]:
        return self._counted("county")

    def _counted(self, name: str) -> dict[str, int]:
        counted = self.hits.group_by(name).aggregate([([], "count_all")]).sort_by(name)
        return dict(zip(counted[name].to_pylist(), counted["count_all"].to_pylist(), strict=True))


class Engine(Protocol):
    """What judges rules over files."""

    def tables(self, files: Mapping[str, Sequence[Path]]) -> None:
        """Make the files of each table readable under its name."""

    def judge(self, subject: str, rules: Sequence[Rule], pack: Pack, today: datetime.date) -> pa.Table:
        """Hits of the rules, all of one subject, as HIT. `today`: of the campaign's clock when the snapshots were made."""


def sweep(folder: Path, engine: str = "duckdb", *, verify: bool = True, memory_mb: int | None = None, threads: int | None = None) -> Swept:
    """Judge every county of a folder. `engine`: duckdb or spark. Raises SnapshotFault where a file is not what its manifest says (not looked
    at without `verify`), SparkMissing where Spark or Java is not there."""
    snapshots = snapshots_in(folder)
    if verify:
        for snapshot in snapshots:
            snapshot.verify()
    with engine_of(engine, memory_mb=memory_mb, threads=threads) as judging:
        return sweep_with(judging, snapshots)


def sweep_with(engine: Engine, snapshots: Sequence[Snapshot]) -> Swept:
    began = time.perf_counter()
    groups: dict[tuple[object, ...], list[Snapshot]] = {}
    for snapshot in snapshots:
        groups.setdefault((snapshot.pack_hash, snapshot.today, frozenset(snapshot.columns.items())), []).append(snapshot)
    rules, rule_rows = set[str](), 0
    left_out: dict[str, Sequence[str]] = {}
    found: list[pa.Table] = []
    for together in groups.values():
        pack, columns = together[0].pack(), together[0].columns
        engine.tables({table: [snapshot.file(table) for snapshot in together] for table in columns})
        by_subject: dict[str, list[Rule]] = {}
        for rule in pack.judged:
            missing = missing_items(rule, columns, pack.schema())
            if missing:
                left_out[rule.id] = missing
            else:
                by_subject.setdefault(rule.subject, []).append(rule)
                rules.add(rule.id)
        for subject, of_subject in by_subject.items():
            rule_rows += len(of_subject) * sum(snapshot.rows[subject] for snapshot in together)
            found.append(engine.judge(subject, of_subject, pack, together[0].today))
    hits = pa.concat_tables(found) if found else HIT.empty_table()
    rows: dict[str, int] = {}
    for snapshot in snapshots:
        for table, count in snapshot.rows.items():
            rows[table] = rows.get(table, 0) + count
    hits = hits.sort_by([(name, "ascending") for name in HIT.names])
    return Swept(len(snapshots), rows, len(rules), rule_rows, left_out, hits, time.perf_counter() - began)


def missing_items(rule: Rule, columns: Mapping[str, frozenset[str]], schema: Schema) -> list[str]:
    """What a rule names that the files do not hold, as it names it."""
    named = rule.when.columns | (rule.scope.columns if rule.scope else frozenset())
    relations = schema.relations_of(rule.subject)
    asked = [relations[name] for name in sorted(rule.relations)]
    missing = [one.name for one in asked if one.key not in columns.get(one.stored, _NO_TABLE) & columns.get(rule.subject, _NO_TABLE)]
    if rule.subject not in columns:
        missing.append(rule.subject)
    for place, item in sorted(named):
        scope = place.removesuffix("last").removesuffix(".")
        table = relations[scope].table if scope in relations else rule.subject if scope in ("", "row") else scope
        column = f"last__{item}" if place.endswith("last") else item
        if column not in columns.get(table, _NO_TABLE):
            missing.append(item if place == "row" else f"{place}.{item}")
    return missing


@contextmanager
def engine_of(name: str, *, memory_mb: int | None = None, threads: int | None = None) -> Iterator[Engine]:
    """An engine, started; ended with the block. `memory_mb`: what it may hold; by default Spark 2 GB, DuckDB most of the machine's."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ffp-sweep-"))
        if name == "spark":
            session = stack.enter_context(spark_session(memory_mb=memory_mb or _SPARK_MB, threads=threads))
            yield SparkEngine(session, Path(folder))
        else:
            config: dict[str, Any] = {"temp_directory": folder}
            config |= {} if threads is None else {"threads": threads}
            config |= {} if memory_mb is None else {"memory_limit": f"{memory_mb}MB"}
            yield DuckDBEngine(stack.enter_context(duckdb.connect(":memory:", config=config)))


def _read_as(names: Sequence[str]) -> Iterator[e.Expr]:
    """The columns of a table, the county as text though its folder's name looks like a number."""
    for name in names:
        if name == PARTITION:
            yield e.alias_(e.cast(e.column(PARTITION), "VARCHAR"), CELL)
        elif name == SHADOWED:
            yield e.alias_(e.column(SHADOWED), PARTITION)
        else:
            yield e.column(name, quoted=True)


def _hits(table: str, subject: str, rules: Sequence[Rule], conditions: Sequence[e.Expr]) -> e.Expr:
    """Rows of HIT from a table of judged rows: one small scan for each rule."""
    selects: list[e.Query] = [
        e.select(
            e.alias_(e.column(CELL), "county"), e.alias_(literal(rule.id), "rule"), e.alias_(literal(subject), "subject"),
            e.column("subject_key"), e.column("household_key"), e.column("village_code"),
        ).from_(table).where(condition)
        for rule, condition in zip(rules, conditions, strict=True)
    ]  # fmt: skip
    return selects[0] if len(selects) == 1 else e.union(*selects, distinct=False, copy=False)


class DuckDBEngine:
    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self.database = database
        # As in the county's sweep: lists of codes stay conditions.
        database.execute("SET disabled_optimizers = 'in_clause'")
        database.execute("SET preserve_insertion_order = false")

    def tables(self, files: Mapping[str, Sequence[Path]]) -> None:
        for table, paths in files.items():
            read = self.database.read_parquet([str(path) for path in paths], hive_partitioning=True)
            read.project(", ".join(column.sql("duckdb") for column in _read_as(read.columns))).create_view(table, replace=True)
        self.database.sql(latest_spells(CELL).sql("duckdb")).create_view("latest_spell", replace=True)

    def judge(self, subject: str, rules: Sequence[Rule], pack: Pack, today: datetime.date) -> pa.Table:
        select = rules_select([(rule.when, rule.scope) for rule in rules], schema=pack.schema(), env=pack.constants(today), cell=CELL)
        self.database.sql(select.sql("duckdb", copy=False)).create("judged")
        try:
            query = _hits("judged", subject, rules, [e.column(f"r{place}") for place in range(len(rules))])
            return self.database.sql(query.sql("duckdb", copy=False)).to_arrow_table().cast(HIT)
        finally:
            self.database.execute("DROP TABLE judged")


class SparkEngine:
    def __init__(self, session: Any, folder: Path) -> None:
        self.session = session
        self.folder = folder
        self.written = 0

    def tables(self, files: Mapping[str, Sequence[Path]]) -> None:
        for table, paths in files.items():
            root = paths[0].parent.parent
            read = self.session.read.option("basePath", str(root)).parquet(*map(str, paths))
            columns = (column.sql("spark") for column in _read_as(read.columns))
            read.selectExpr(*columns).createOrReplaceTempView(table)
        self.session.sql(latest_spells(CELL).sql("spark")).createOrReplaceTempView("latest_spell")

    def judge(self, subject: str, rules: Sequence[Rule], pack: Pack, today: datetime.date) -> pa.Table:
        select = spark_dialect.masks_select([(rule.when, rule.scope) for rule in rules], schema=pack.schema(), env=pack.constants(today), cell=CELL)
        self.written += 1
        judged = self.folder / str(self.written)
        self.session.sql(select.sql("spark", copy=False)).write.parquet(str(judged))
        conditions = [spark_dialect.holds(place) for place in range(len(rules))]
        with duckdb.connect(":memory:") as database:
            database.read_parquet(str(judged / "*.parquet")).create_view("judged")
            return database.sql(_hits("judged", subject, rules, conditions).sql("duckdb", copy=False)).to_arrow_table().cast(HIT)
