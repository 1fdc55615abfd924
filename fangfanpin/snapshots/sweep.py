"""The catalogue over a folder of many counties' snapshots, with DuckDB or with Spark: the same hits.

Counties that go by the same pack and have the same columns are judged together, some at a time, in one scan per subject. Joins and what set
functions ask about stay within the county: two counties' keys may be alike.
"""

import datetime
import math
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import sqlglot.expressions as e

from fangfanpin.expressions import Schema
from fangfanpin.expressions import spark as spark_dialect
from fangfanpin.expressions.duckdb import Numbers, latest_spells, rules_select
from fangfanpin.expressions.trees import literal
from fangfanpin.pack import Pack, Rule
from fangfanpin.snapshots.folder import NUMBER, PARTITION, SHADOWED, Snapshot, snapshots_in
from fangfanpin.snapshots.session import spark_session

CELL = "cell__county"  # no item has this name
NUMBERS = Numbers(told="told__", of=NUMBER)
_SPARK_MB = 2048
_PERCENT_OF_MEMORY = 80  # as DuckDB itself would take
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
    """What judges rules over files, one batch of counties after the other. `households`: about how many it does best to judge together."""

    households: float

    def share(self, engines: int) -> None:
        """So many engines of its kind work side by side on what is there for all of them."""

    def written(self, rules: Sequence[Rule], pack: Pack, today: datetime.date) -> "Queries":
        """What judges rules, all of one subject, whatever the files. `today`: of the campaign's clock when the snapshots were made."""

    def tables(self, files: Mapping[str, Sequence[Path]]) -> None:
        """Make the files of each table readable under its name."""

    def judge(self, queries: "Queries") -> pa.Table:
        """Hits of the rules that the queries were written for, as HIT."""


@dataclass(frozen=True, slots=True)
class Queries:
    """Two statements: what makes the table `judged` of the subjects that a rule hits, and what makes hits of it."""

    judging: str
    hits: str


def sweep(folder: Path, engine: str = "duckdb", *, verify: bool = True, memory_mb: int | None = None, threads: int | None = None) -> Swept:
    """Judge every county of a folder. `engine`: duckdb or spark. Raises SnapshotFault where a file is not what its manifest says (not looked
    at without `verify`), SparkMissing where Spark or Java is not there."""
    snapshots = snapshots_in(folder)
    if verify:
        for snapshot in snapshots:
            snapshot.verify()
    with engines_of(engine, memory_mb=memory_mb, threads=threads) as engines:
        return sweep_with(engines, snapshots)


def sweep_with(engines: Sequence[Engine], snapshots: Sequence[Snapshot]) -> Swept:
    """Judge with engines of one kind that work side by side."""
    began = time.perf_counter()
    groups: dict[tuple[object, ...], list[Snapshot]] = {}
    for snapshot in snapshots:
        groups.setdefault((snapshot.pack_hash, snapshot.today, frozenset(snapshot.columns.items())), []).append(snapshot)
    rules, rule_rows = set[str](), 0
    left_out: dict[str, Sequence[str]] = {}
    found: list[pa.Table] = []
    for together in groups.values():
        pack, columns = together[0].pack(), together[0].columns
        by_subject: dict[str, list[Rule]] = {}
        for rule in pack.judged:
            missing = missing_items(rule, columns, pack.schema())
            if missing:
                left_out[rule.id] = missing
            else:
                by_subject.setdefault(rule.subject, []).append(rule)
                rules.add(rule.id)
                rule_rows += sum(snapshot.rows[rule.subject] for snapshot in together)
        found += _judged(engines, together, by_subject, pack)
    hits = pa.concat_tables(found) if found else HIT.empty_table()
    rows: dict[str, int] = {}
    for snapshot in snapshots:
        for table, count in snapshot.rows.items():
            rows[table] = rows.get(table, 0) + count
    hits = hits.sort_by([(name, "ascending") for name in HIT.names])
    return Swept(len(snapshots), rows, len(rules), rule_rows, left_out, hits, time.perf_counter() - began)


def _judged(engines: Sequence[Engine], together: Sequence[Snapshot], by_subject: Mapping[str, Sequence[Rule]], pack: Pack) -> list[pa.Table]:
    """Counties of one pack, in batches. What is joined within a batch stays small enough for the processor's own memory, and an engine need not
    wait for another's last rows."""
    batches = _batches(together, engines)
    working = engines[: len(batches)]
    for engine in working:
        engine.share(len(working))
    waiting = iter(batches)  # shared: whichever engine is free takes the next

    def work(engine: Engine) -> list[pa.Table]:
        found = []
        for batch in waiting:
            engine.tables({table: [snapshot.file(table) for snapshot in batch] for table in together[0].columns})
            found += [engine.judge(one.result()) for one in queries]
        return found

    with ThreadPoolExecutor(1) as writing, ThreadPoolExecutor(len(working)) as pool:  # the first are asked while others are being written
        queries = [writing.submit(working[0].written, rules, pack, together[0].today) for rules in by_subject.values()]
        return [table for tables in pool.map(work, working) for table in tables]


def _batches(together: Sequence[Snapshot], engines: Sequence[Engine]) -> list[list[Snapshot]]:
    """As many for each engine, of about as many households."""
    rounds = math.ceil(sum(map(_households, together)) / engines[0].households / len(engines))
    batches: list[list[Snapshot]] = [[] for _ in range(min(max(rounds, 1) * len(engines), len(together)))]
    for snapshot in sorted(together, key=_households, reverse=True):
        min(batches, key=lambda batch: sum(map(_households, batch))).append(snapshot)
    return batches


def _households(snapshot: Snapshot) -> int:
    return snapshot.rows["household"]


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
def engines_of(name: str, *, memory_mb: int | None = None, threads: int | None = None) -> Iterator[Sequence[Engine]]:
    """Engines, started; ended with the block: of DuckDB one for each thread, of Spark one. `memory_mb`: what they may hold; by default Spark 2 GB,
    DuckDB most of the machine's."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ffp-sweep-"))
        if name == "spark":
            session = stack.enter_context(spark_session(memory_mb=memory_mb or _SPARK_MB, threads=threads))
            yield [SparkEngine(session, Path(folder))]
        else:
            threads = threads or os.cpu_count() or 1
            yield [
                DuckDBEngine(stack.enter_context(duckdb.connect(":memory:", config={"temp_directory": folder})), threads=threads, memory_mb=memory_mb)
                for _ in range(threads)
            ]


def _read_as(names: Sequence[str]) -> Iterator[e.Expr]:
    """The columns of a table; the county as it is read from its folder's name and keys by their numbers, which are compared quicker than texts."""
    keys = [name.removeprefix(NUMBER) for name in names if name.startswith(NUMBER) and name.endswith("_key")]
    named = {name for name in (PARTITION, SHADOWED) if name in names} | {f"{start}{key}" for key in keys for start in ("", NUMBER)}
    yield e.Star(except_=[e.to_identifier(name) for name in sorted(named)])
    yield e.alias_(e.column(PARTITION), CELL)
    for key in keys:
        yield e.alias_(e.column(f"{NUMBER}{key}"), key)
        yield e.alias_(e.column(key), f"{NUMBERS.told}{key}")
    if SHADOWED in named:
        yield e.alias_(e.column(SHADOWED), PARTITION)


def _hits(rules: Sequence[Rule], conditions: Sequence[e.Expr]) -> str:
    """Rows of HIT from the table `judged`: one small scan for each rule."""
    selects: list[e.Query] = [
        e.select(
            e.alias_(e.cast(e.column(CELL), "VARCHAR"), "county"), e.alias_(literal(rule.id), "rule"), e.alias_(literal(rule.subject), "subject"),
            e.column("subject_key"), e.column("household_key"), e.column("village_code"),
        ).from_("judged").where(condition)
        for rule, condition in zip(rules, conditions, strict=True)
    ]  # fmt: skip
    return (selects[0] if len(selects) == 1 else e.union(*selects, distinct=False, copy=False)).sql("duckdb", copy=False)


class DuckDBEngine:
    households = 500_000.0

    def __init__(self, database: duckdb.DuckDBPyConnection, *, threads: int, memory_mb: int | None = None) -> None:
        """`threads`, `memory_mb`: of all engines that work side by side; without the latter most of the machine's memory."""
        self.database, self.threads, self.memory_mb = database, threads, memory_mb
        # As in the county's sweep: lists of codes stay conditions.
        database.execute("SET disabled_optimizers = 'in_clause'")
        database.execute("SET preserve_insertion_order = false")

    def share(self, engines: int) -> None:
        self.database.execute("SET threads = $1", [max(1, self.threads // engines)])
        limit = f"{_PERCENT_OF_MEMORY / engines:.0f}%" if self.memory_mb is None else f"{self.memory_mb // engines}MB"
        self.database.execute("SET memory_limit = $1", [limit])

    def written(self, rules: Sequence[Rule], pack: Pack, today: datetime.date) -> Queries:
        select = rules_select(
            [(rule.when, rule.scope) for rule in rules], schema=pack.schema(), env=pack.constants(today), cell=CELL, numbers=NUMBERS
        )
        return Queries(select.sql("duckdb", copy=False), _hits(rules, [e.column(f"r{place}") for place in range(len(rules))]))

    def tables(self, files: Mapping[str, Sequence[Path]]) -> None:
        for table, paths in files.items():
            read = self.database.read_parquet([str(path) for path in paths], hive_partitioning=True)
            read.project(", ".join(column.sql("duckdb") for column in _read_as(read.columns))).create_view(table, replace=True)
        self.database.sql(latest_spells(CELL).sql("duckdb")).create_view("latest_spell", replace=True)

    def judge(self, queries: Queries) -> pa.Table:
        self.database.sql(queries.judging).create("judged")
        try:
            return self.database.sql(queries.hits).to_arrow_table().cast(HIT)
        finally:
            self.database.execute("DROP TABLE judged")


class SparkEngine:
    households = math.inf

    def __init__(self, session: Any, folder: Path) -> None:
        self.session = session
        self.folder = folder
        self.judged = 0

    def share(self, engines: int) -> None:
        """One session has all its threads."""

    def written(self, rules: Sequence[Rule], pack: Pack, today: datetime.date) -> Queries:
        conditions = [(rule.when, rule.scope) for rule in rules]
        select = spark_dialect.masks_select(conditions, schema=pack.schema(), env=pack.constants(today), cell=CELL, numbers=NUMBERS)
        return Queries(select.sql("spark", copy=False), _hits(rules, [spark_dialect.holds(place) for place in range(len(rules))]))

    def tables(self, files: Mapping[str, Sequence[Path]]) -> None:
        for table, paths in files.items():
            root = paths[0].parent.parent
            read = self.session.read.option("basePath", str(root)).parquet(*map(str, paths))
            columns = (column.sql("spark") for column in _read_as(read.columns))
            read.selectExpr(*columns).createOrReplaceTempView(table)
        self.session.sql(latest_spells(CELL).sql("spark")).createOrReplaceTempView("latest_spell")

    def judge(self, queries: Queries) -> pa.Table:
        self.judged += 1
        judged = self.folder / str(self.judged)
        self.session.sql(queries.judging).write.parquet(str(judged))
        with duckdb.connect(":memory:") as database:
            database.read_parquet(str(judged / "*.parquet")).create_view("judged")
            return database.sql(queries.hits).to_arrow_table().cast(HIT)
