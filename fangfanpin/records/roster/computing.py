"""The pack's computed items of many households at once: its own expressions, run in DuckDB."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from fangfanpin.expressions import Bool, Date, Int, Month, Number
from fangfanpin.expressions.duckdb import value_select
from fangfanpin.pack import Pack
from fangfanpin.pack.model import Computation
from fangfanpin.records.units import HOUSEHOLD_FORM


def _arrow(type_: object) -> pa.DataType:
    if isinstance(type_, Bool):
        return pa.bool_()
    if isinstance(type_, (Number, Int)):
        return pa.int64()
    return pa.int32() if isinstance(type_, (Date, Month)) else pa.string()


def _of_row_only(computation: Computation) -> bool:
    return computation.form == HOUSEHOLD_FORM and all(scope == "row" for scope, _name in computation.expression.columns)


def sources(pack: Pack) -> dict[str, frozenset[str]]:
    """{computed item: the typed items it is made of}, through other computed ones."""
    found: dict[str, frozenset[str]] = {}
    for computation in pack.computations:
        if _of_row_only(computation):
            direct = {name for _scope, name in computation.expression.columns}
            found[computation.name] = frozenset().union(*(found.get(name, frozenset({name})) for name in direct))
    return found


def compute(pack: Pack, columns: Mapping[str, Sequence[Any]], count: int) -> dict[str, list[Any]]:
    """Computed household items for `count` households from their items in JSON form, one sequence per item.

    None where not one of the items it is made of is known: a sum of nothing known is no zero. An item that looks at members or at
    another year is left out.
    """
    made_of = sources(pack)
    wanted = [computation for computation in pack.computations if computation.name in made_of]
    if not wanted or not count:
        return {}
    types = pack.schema().subjects["household"].columns
    held: dict[str, Sequence[Any]] = {}
    fields: dict[str, pa.Array] = {
        "household_key": pa.array(range(count), pa.int64()),
        "village_code": pa.nulls(count, pa.string()),
    }
    for name in sorted(set().union(*made_of.values())):
        values = columns.get(name, [None] * count)
        if isinstance(types[name], (Date, Month)):
            values = [pack.to_engine(HOUSEHOLD_FORM, name, value) for value in values]
        held[name] = values
        fields[name] = pa.array(values, _arrow(types[name]))
    table = pa.table(fields)
    found: dict[str, list[Any]] = {}
    with duckdb.connect() as db:
        db.execute("SET threads = 1")
        for computation in wanted:
            db.register("household", table)
            query = value_select(computation.expression, schema=pack.schema(), env=pack.constants())
            by_key = {row[0]: row[-1] for row in db.execute(query.sql(dialect="duckdb")).fetchall()}  # (subject_key, …, value)
            values = [by_key.get(key) for key in range(count)]
            known = [held[name] for name in made_of[computation.name]]
            if any(None not in items for items in known):
                result = values
            else:
                result = [value if any(item is not None for item in items) else None for value, *items in zip(values, *known, strict=True)]
            dated = isinstance(types[computation.name], (Date, Month))
            found[computation.name] = [pack.from_engine(HOUSEHOLD_FORM, computation.name, value) for value in result] if dated else result
            table = table.append_column(computation.name, pa.array(values, _arrow(types[computation.name])))
            db.unregister("household")
    return found
