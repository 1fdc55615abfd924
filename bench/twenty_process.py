"""The twenty rules in each way, in a process of their own: pandera's own memory would be counted as the sweep's. Called by bench/engines.py."""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from bench import twenty, twenty_pandera
from bench.engines_process import digest_of
from fangfanpin.pack import Pack
from fangfanpin.snapshots.folder import Snapshot, snapshots_in
from fangfanpin.snapshots.sweep import HIT, DuckDBEngine


def twenty_rules(folder: str, threads: int, times: int) -> None:
    """The fixed rules compiled, by hand and with pandera on polars; prints the seconds of each and whether they found the same."""
    snapshots = snapshots_in(Path(folder))
    pack = snapshots[0].pack()
    runs: dict[str, Callable[[], pa.Table]] = {
        "compiled": lambda: _compiled(snapshots, pack, threads),
        "hand": lambda: _by_hand(snapshots, threads),
        "pandera": lambda: twenty_pandera.judged(_files(snapshots)),
        "pandera_keys": lambda: twenty_pandera.judged(_files(snapshots), keys_only=True),
    }
    result: dict[str, Any] = {"rows": sum(snapshot.rows["person"] for snapshot in snapshots)}
    found = {}
    for name, run in runs.items():
        seconds = []
        for _ in range(times):
            began = time.perf_counter()
            table = run()
            seconds.append(time.perf_counter() - began)
        result[name] = statistics.median(seconds)
        found[name] = digest_of(_sorted(table))
        result["hits"] = table.num_rows
    result["equal"] = len(set(found.values())) == 1
    print(json.dumps(result))


def _sorted(table: pa.Table) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in HIT.names])


def _files(snapshots: list[Snapshot]) -> dict[str, list[Path]]:
    return {table: [snapshot.file(table) for snapshot in snapshots] for table in ("household", "person", "spell")}


def _compiled(snapshots: list[Snapshot], pack: Pack, threads: int) -> pa.Table:
    with duckdb.connect(":memory:", config={"threads": threads}) as database:
        engine = DuckDBEngine(database, threads=threads)
        engine.tables(_files(snapshots))
        found = []
        for subject in ("person", "household"):
            rules = [rule for rule in twenty.rules(pack) if rule.subject == subject]
            found.append(engine.judge(engine.written(rules, pack, snapshots[0].today)))
        return pa.concat_tables(found)


def _by_hand(snapshots: list[Snapshot], threads: int) -> pa.Table:
    with duckdb.connect(":memory:", config={"threads": threads}) as database:
        for table, files in _files(snapshots).items():
            read = database.read_parquet([str(path) for path in files], hive_partitioning=True)
            read.project("* REPLACE (county::VARCHAR AS county)").create_view(table)
        statements = duckdb.extract_statements(twenty.SQL.read_text(encoding="utf-8"))
        found: list[Any] = [database.execute(statement).to_arrow_table() for statement in statements]
    return pa.concat_tables(
        [
            table.add_column(2, "subject", pa.array([subject] * table.num_rows, pa.string())).cast(HIT)
            for subject, table in zip(("person", "household"), found, strict=True)
        ]
    )
