"""The world's households as DuckDB tables in the wide form that the sweep reads (docs/rule-language.md)."""

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import pyarrow as pa

from fangfanpin.expressions import Expression, Type
from fangfanpin.expressions.duckdb import column_type, value_select
from tests.conformance.world import CONSTS, HOUSEHOLD, PERSON, SCHEMA, SPELL, WORK, Home, Row

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


def county(homes: Mapping[str, Home]) -> duckdb.DuckDBPyConnection:
    """Tables household, person, spell, work and latest_spell. A person's, spell's or work's key is `household/place`."""
    households, people, spells, works = [], [], [], []
    for key, home in homes.items():
        ours = {"household_key": key, "village_code": "340323100200"}
        households.append(ours | _wide(HOUSEHOLD, home.row, home.last, with_last=True))
        for place, person in enumerate(home.people):
            own = {"person_key": f"{key}/{place}", "is_live": person.live}
            people.append(ours | own | _wide(PERSON, person.row, person.last, with_last=True))
        spells += [ours | {"spell_key": f"{key}/{place}"} | _wide(SPELL, row, None, with_last=False) for place, row in enumerate(home.spells)]
        works += [ours | {"row_key": f"{key}/{place}"} | _wide(WORK, row, None, with_last=False) for place, row in enumerate(home.works)]
    database = duckdb.connect(":memory:", config={"threads": 2})
    keys = ("household_key", "village_code")
    database.from_arrow(_table(households, HOUSEHOLD, keys, with_last=True)).create("household")
    database.from_arrow(_table(people, PERSON, (*keys, "person_key", "is_live"), with_last=True)).create("person")
    database.from_arrow(_table(spells, SPELL, (*keys, "spell_key"), with_last=False)).create("spell")
    database.from_arrow(_table(works, WORK, (*keys, "row_key"), with_last=False)).create("work")
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
