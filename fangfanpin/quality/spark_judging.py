"""The county's own sweep with Spark judging: the tables go to Spark as Parquet, its answers come back as the table DuckDB would have made."""

import datetime
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import sqlglot.expressions as e

from fangfanpin.expressions.spark import holds, masks_select
from fangfanpin.pack import Pack
from fangfanpin.quality.sweep import Judge, Query
from fangfanpin.snapshots.session import spark_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_KEYS = ("subject_key", "household_key")


@contextmanager
def judging(database: duckdb.DuckDBPyConnection, pack: Pack, today: datetime.date) -> Iterator[Judge]:
    """What `find_hits` asks instead of DuckDB. What Spark reads and writes is gone at the end. Raises SparkMissing."""
    with spark_session() as session, tempfile.TemporaryDirectory(prefix="ffp-sweep-") as folder:
        yield judge_of(session, Path(folder), database, pack, today)


def judge_of(session: "SparkSession", folder: Path, database: duckdb.DuckDBPyConnection, pack: Pack, today: datetime.date) -> Judge:
    """A judge on a session that runs; `folder` is for what goes to and fro."""
    for table in _tables_of(database):
        columns = [_as_text(column) if column.endswith("_key") else e.column(column, quoted=True) for column in database.table(table).columns]
        written = folder / f"{table}.parquet"
        database.sql(e.select(*columns).from_(table).sql("duckdb")).write_parquet(str(written), compression="lz4_raw")
        session.read.parquet(str(written)).createOrReplaceTempView(table)

    def judge(cursor: duckdb.DuckDBPyConnection, query: Query) -> None:
        select = masks_select([(rule.when, rule.scope) for rule in query.rules], schema=pack.schema(), env=pack.constants(today))
        masks = folder / f"{query.hits}.parquet"
        session.sql(select.sql("spark", copy=False)).write.parquet(str(masks))
        read = cursor.read_parquet(str(masks / "*.parquet"))
        columns: list[e.Expr] = [e.alias_(e.cast(e.column(key), "UUID"), key) for key in _KEYS]
        columns.append(e.column("village_code"))
        columns += [e.alias_(holds(place), f"r{place}") for place in range(len(query.rules))]
        read.project(", ".join(column.sql("duckdb") for column in columns)).create(query.hits)

    return judge


def _tables_of(database: duckdb.DuckDBPyConnection) -> list[str]:
    return [row[0] for row in database.sql("SHOW TABLES").fetchall()]


def _as_text(column: str) -> e.Expr:
    return e.alias_(e.cast(e.column(column), "VARCHAR"), column)
