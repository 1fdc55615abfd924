"""What is read from records as text to what expressions see, in DuckDB: whoever puts rows together for rules or roll-ups reads them so."""

import sqlglot.expressions as e

from fangfanpin.expressions.duckdb import column_type
from fangfanpin.expressions.trees import fn, integer, literal
from fangfanpin.expressions.types import Codes, Date, Int, Month, Type


def month_of(value: e.Expr) -> e.Expr:
    def part(start: int, length: int) -> e.Expr:
        piece = fn("substr", value.copy(), integer(start), integer(length))
        return e.TryCast(this=piece, to=e.DataType.build("INT"))

    months = e.Sub(this=fn("coalesce", part(6, 2), integer(1)), expression=integer(1))
    return e.Add(this=e.Mul(this=part(1, 4), expression=integer(12)), expression=e.Paren(this=months))


def from_text(value: e.Expr, type_: Type) -> e.Expr:
    """Of an item's JSON form as text."""
    if isinstance(type_, Date):
        return e.TryCast(this=fn("replace", value, literal("-"), literal("")), to=e.DataType.build("INT"))
    if isinstance(type_, Month):
        return month_of(value)
    if isinstance(type_, Codes):
        return fn("from_json", value, literal('["VARCHAR"]'))
    if isinstance(type_, Int) and type_.of_files:
        return e.cast(fn("nullif", fn("json_array_length", value), integer(0)), column_type(type_))
    kind = column_type(type_)
    return value if kind == "VARCHAR" else e.TryCast(this=value, to=e.DataType.build(kind, dialect="duckdb"))
