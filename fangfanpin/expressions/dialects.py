"""A rule as SQL for people to read, in every dialect that sweeps are made in."""

from collections.abc import Mapping
from typing import Any, Final

from fangfanpin.expressions import duckdb, spark
from fangfanpin.expressions.check import Expression
from fangfanpin.expressions.schema import Schema

_SELECTS: Final = {"duckdb": duckdb.rules_select, "spark": spark.rules_select}
DIALECTS: Final[Mapping[str, str]] = {"duckdb": "DuckDB", "spark": "Spark"}  # by the word of the command line, as it is called


def rule_sql(when: Expression, scope: Expression | None, dialect: str, *, schema: Schema, env: Mapping[str, Any]) -> str:
    """`dialect`: one of DIALECTS."""
    return _SELECTS[dialect]([(when, scope)], schema=schema, env=env).sql(dialect, pretty=True)
