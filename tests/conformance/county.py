"""The world's households as tables in the wide form that the sweep reads (docs/rule-language.md), in DuckDB and in Spark."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from fangfanpin.expressions import Expression, Type
from fangfanpin.expressions.duckdb import column_type, value_select
from fangfanpin.expressions.spark import values_select
from fangfanpin.snapshots.sweep import CELL
from tests.conformance.world import CONSTS, HOUSEHOLD, PERSON, PLAN, SCHEMA, SPELL, WORK, Home, Row

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_ARROW = {"BOOLEAN": pa.bool_(), "BIGINT": pa.int64(), "INTEGER": pa.int32(), "VARCHAR": pa.string(), "VARCHAR[]": pa.list_(pa.string())}


def _arrow(type_: Type) -> pa.DataType:
    return _ARROW[column_type(type_)]


def _wide(columns: Mapping[str, Type], row: Row, last: Row | None, *, with_last: bool) -> dict[str, Any]:
    out = {name: row.get(name) for name in columns}
    if with_last:
        out |= {f"last__{name}": (last or {}).get(name) for name in columns}
    return out


def _table(rows: list[dict[str, Any]], columns: Mapping[str, Type], keys: Iterable[str], *, with_last: bool) -> pa.Table:
    fields = [(key, pa.bool_() if key == "is_live" else pa.string()) for key in keys]
    fields += [(name, _arrow(type_)) for name, type_ in columns.items()]
    if with_last:
        fields += [(f"last__{name}", _arrow(type_)) for name, type_ in columns.items()]
    schema = pa.schema(fields)
    return pa.Table.from_pylist(rows, schema=schema)


def tables(homes: Mapping[str, Home]) -> dict[str, pa.Table]:
    """Tables household, person, spell and work, and the plans by each household they name. A person's, spell's or work's key is
    `household/place`; a plan's says which row it is, whoever it names."""
    households, people, spells, works, plans = [], [], [], [], []
    for key, home in homes.items():
        ours = {"household_key": key, "village_code": home.village}
        households.append(ours | _wide(HOUSEHOLD, home.row, home.last, with_last=True))
        for place, person in enumerate(home.people):
            own = {"person_key": f"{key}/{place}", "is_live": person.live}
            people.append(ours | own | _wide(PERSON, person.row, person.last, with_last=True))
        spells += [ours | {"spell_key": f"{key}/{place}"} | _wide(SPELL, row, None, with_last=False) for place, row in enumerate(home.spells)]
        works += [ours | {"row_key": f"{key}/{place}"} | _wide(WORK, row, None, with_last=False) for place, row in enumerate(home.works)]
        plans += [ours | {"row_key": f"plan/{id(row)}"} | _wide(PLAN, row, None, with_last=False) for row in home.plans]
    keys = ("household_key", "village_code")
    return {
        "household": _table(households, HOUSEHOLD, keys, with_last=True),
        "person": _table(people, PERSON, (*keys, "person_key", "is_live"), with_last=True),
        "spell": _table(spells, SPELL, (*keys, "spell_key"), with_last=False),
        "work": _table(works, WORK, (*keys, "row_key"), with_last=False),
        SCHEMA.relations["plans"].stored: _table(plans, PLAN, (*keys, "row_key"), with_last=False),
    }


def county(homes: Mapping[str, Home]) -> duckdb.DuckDBPyConnection:
    """The tables and latest_spell."""
    database = duckdb.connect(":memory:", config={"threads": 2})
    for name, table in tables(homes).items():
        database.from_arrow(table).create(name)
    database.execute(
        "CREATE VIEW latest_spell AS SELECT * FROM spell QUALIFY row_number() OVER (PARTITION BY household_key ORDER BY spell_no DESC) = 1"
    )
    return database


def values(database: duckdb.DuckDBPyConnection, expression: Expression) -> dict[str, Any]:
    """Value by subject key: a household's, or `household/place`."""
    select = value_select(expression, schema=SCHEMA, env=CONSTS)
    found = database.sql(select.sql("duckdb"))
    subject, value = found.columns.index("subject_key"), found.columns.index("value")
    return {row[subject]: row[value] for row in found.fetchall()}


@contextmanager
def lake(homes: Mapping[str, Home], spark: "SparkSession", cells: Mapping[str, str] | None = None) -> Iterator[None]:
    """The same tables as temporary views of the session. `cells`: of each household the county it is of."""
    with tempfile.TemporaryDirectory() as folder:
        for name, table in tables(homes).items():
            if cells is not None:
                table = table.append_column(CELL, pa.array([cells[key] for key in table.column("household_key").to_pylist()], pa.string()))
            pq.write_table(table, f"{folder}/{name}.parquet")
            spark.read.parquet(f"{folder}/{name}.parquet").createOrReplaceTempView(name)
        spark.sql(
            "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY household_key ORDER BY spell_no DESC) AS place FROM spell) WHERE place = 1"
        ).createOrReplaceTempView("latest_spell")
        yield


def spark_values(spark: "SparkSession", expressions: Sequence[Expression], cell: str = "") -> list[dict[str, Any]]:
    """Of each expression the value by subject key, all of them in one query: a job for each would cost 0.2 s."""
    places: dict[str, list[int]] = {}
    for place, expression in enumerate(expressions):
        places.setdefault(expression.subject, []).append(place)
    parts = []
    for subject, of_subject in places.items():
        query = values_select([expressions[place] for place in of_subject], schema=SCHEMA, env=CONSTS, cell=cell).subquery("q")
        columns = ", ".join(f"v{place}" for place in range(len(of_subject)))
        held = f"to_json(struct({columns}), map('ignoreNullFields', 'false'))"
        parts.append(f"SELECT '{subject}' AS subject, subject_key, {held} AS held FROM {query.sql('spark')}")
    found: list[dict[str, Any]] = [{} for _ in expressions]
    for row in spark.sql(" UNION ALL ".join(parts)).collect():
        values = json.loads(row.held)
        for number, place in enumerate(places[row.subject]):
            found[place][row.subject_key] = values[f"v{number}"]
    return found
