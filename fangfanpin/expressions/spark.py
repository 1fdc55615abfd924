"""Compile to Spark: the trees of the DuckDB compiler, and in this file everything in which Spark differs.

What differs was seen, not guessed: ANSI arithmetic raises where DuckDB widens, NULL has no type of its own and few functions take it, regular
expressions are Java's, text knows backslashes, and `${…}` is replaced before anything is parsed. Tables, aliases and joins are the same, so that
a new relation or scope needs nothing here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlglot.expressions as e

from fangfanpin.expressions import nodes as n
from fangfanpin.expressions.check import Expression
from fangfanpin.expressions.duckdb import Compiler, Numbers
from fangfanpin.expressions.duckdb import column_type as duckdb_type
from fangfanpin.expressions.evaluate import ranks_of
from fangfanpin.expressions.row_sql import PATTERNS
from fangfanpin.expressions.schema import Schema
from fangfanpin.expressions.trees import case, fn, integer, paren
from fangfanpin.expressions.types import FIRST_MONTH, LAST_MONTH, MAX_DIGITS, Date, Month, Null, Type

MASK = 62  # rules in one BIGINT
_ARITHMETIC = {"add": "try_add", "sub": "try_subtract", "mul": "try_multiply"}
_HAN = "".join(f"{chr(first)}-{chr(last)}" for first, last in ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)))
_PATTERNS = {
    **PATTERNS,
    "name_cn": f"[{_HAN}](?:[{_HAN}·]{{0,18}}[{_HAN}])",
}
# A BIGINT holds MAX_DIGITS digits times a thousand; what is scaled by more is compared as a DECIMAL.
_SCALED_BY = 3


_CALLED = {"VARCHAR": "STRING", "VARCHAR[]": "ARRAY<STRING>", "INTEGER": "INT"}


def column_type(type_: Type) -> str:
    """Spark type that a column of this type has in the snapshot."""
    kind = duckdb_type(type_)
    return _CALLED.get(kind, kind)


def _whole(pattern: str) -> e.Expression:
    """The whole text, and without a backslash: `$` would let a last line break pass."""
    return e.Literal.string(f"(?s)^(?:{pattern})(?!.)")


def _exact(tree: e.Expression) -> e.Expression:
    """NULL beyond MAX_DIGITS digits, as in every engine."""
    held = e.TryCast(this=tree, to=e.DataType.build(f"DECIMAL({MAX_DIGITS}, 0)"), safe=True)
    return e.cast(held, "BIGINT")


def _decimal(tree: e.Expression) -> e.Expression:
    return e.cast(tree, "DECIMAL(38, 0)")


class SparkCompiler(Compiler):
    """Spark where it differs; the rest is inherited."""

    def sql(self, node: n.Node, row: str = "s") -> e.Expression:
        tree = super().sql(node, row)
        if isinstance(tree, e.Null) and not isinstance(node.type, Null):
            return e.cast(tree, e.DataType.build(column_type(node.type), dialect="spark"))
        return tree

    def scaled(self, node: n.Compare | n.Arithmetic, row: str) -> tuple[e.Expression, e.Expression]:
        sides: list[e.Expression] = []
        wide = max(node.scale_left, node.scale_right) > _SCALED_BY
        for part, by in ((node.left, node.scale_left), (node.right, node.scale_right)):
            tree = paren(self.sql(part, row))
            if wide:
                tree = _decimal(tree)
            elif by or isinstance(node, n.Arithmetic):  # of two INTs Spark makes an INT
                tree = e.cast(tree, "BIGINT")
            sides.append(e.Paren(this=e.Mul(this=tree, expression=integer(10**by))) if by else tree)
        return sides[0], sides[1]

    def arithmetic(self, node: n.Arithmetic, row: str) -> e.Expression:
        if node.op == "sub" and isinstance(node.left.type, Date):
            days = fn("datediff", self.as_date(node.left, row), self.as_date(node.right, row))
            return e.cast(days, "BIGINT")
        left, right = self.scaled(node, row)
        result = fn(_ARITHMETIC[node.op], left, right)
        if isinstance(node.type, Month):
            # least and greatest pass NULLs over; what is NULL or outside ends at a bound that is taken away again.
            held = fn("greatest", fn("least", result, integer(LAST_MONTH + 1)), integer(FIRST_MONTH - 1))
            return e.cast(fn("nullif", fn("nullif", held, integer(LAST_MONTH + 1)), integer(FIRST_MONTH - 1)), "INT")
        return _exact(result)

    def call(self, node: n.Call, row: str) -> e.Expression:
        if node.fn == "size":
            return fn("array_size", self.sql(node.args[0], row))
        return super().call(node, row)

    def call_has(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        return fn("array_contains", args[0], e.Literal.string(str(node.extra)))

    def call_matches(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        text, name = args[0], str(node.extra)
        if name == "same_digits":
            return super().call_matches(node, args)
        if name == "placeholder_name":
            return fn("regexp_like", text, e.Literal.string("未取名|无名|之子|之女|测试"))
        return fn("regexp_like", text, _whole(_PATTERNS[name]))

    def call_ratio(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        """Exact: what is divided is first brought down to a multiple, for the scale of a quotient of decimals is not ours to say."""
        scale = int(str(node.extra))
        top_scale, bottom_scale = (getattr(arg.type, "scale", 0) for arg in node.args)
        top = e.Paren(this=e.Mul(this=_decimal(args[0]), expression=integer(10 ** (scale + bottom_scale))))
        bottom = fn("abs", e.Paren(this=e.Mul(this=_decimal(fn("nullif", args[1], integer(0))), expression=integer(10**top_scale))))
        twice = e.Paren(this=e.Mul(this=integer(2), expression=bottom))
        doubled = e.Paren(this=e.Add(this=e.Mul(this=integer(2), expression=fn("abs", top)), expression=bottom.copy()))
        multiple = e.Paren(this=e.Sub(this=doubled, expression=e.Mod(this=doubled.copy(), expression=twice)))
        negative = e.NEQ(
            this=e.Paren(this=e.LT(this=args[0].copy(), expression=integer(0))),
            expression=e.Paren(this=e.LT(this=args[1].copy(), expression=integer(0))),
        )
        rounded = e.Paren(this=e.Div(this=multiple, expression=twice.copy()))
        return _exact(e.Mul(this=case(negative, integer(-1), integer(1)), expression=rounded))

    def call_rank_of(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        ranks = ranks_of(str(node.extra))
        return e.Case(
            this=args[0], ifs=[e.If(this=e.Literal.string(code), true=integer(rank)) for code, rank in sorted(ranks.items())], default=e.Null()
        )

    def list_of(self, what: str, *args: e.Expr) -> e.Expression:
        return fn({"gathered": "collect_list", "sorted": "sort_array", "at": "element_at", "each": "transform"}[what], *args)

    def exact(self, tree: e.Expression) -> e.Expression:
        return _exact(tree)

    def rounded_up(self, top: e.Expression, by: int, bottom: e.Expression, over: int) -> e.Expression:
        """As `call_ratio`: a multiple is divided."""
        divisor = e.Paren(this=e.Mul(this=_decimal(bottom), expression=integer(over)))
        dividend = e.Add(this=e.Mul(this=_decimal(top), expression=integer(by)), expression=e.Paren(this=e.Sub(this=divisor, expression=integer(1))))
        whole = e.Paren(this=dividend)
        multiple = e.Sub(this=whole, expression=e.Mod(this=whole.copy(), expression=divisor.copy()))
        return e.Div(this=e.Paren(this=multiple), expression=divisor.copy())

    def aggregate_value(self, node: n.Aggregate, row: str) -> e.Expression:
        if node.fn != "sum":
            return super().aggregate_value(node, row)
        assert node.value is not None
        value = fn("coalesce", e.cast(self.sql(node.value, row), "BIGINT"), integer(0))
        if node.where is not None:
            value = case(e.Is(this=paren(self.sql(node.where, row)), expression=e.true()), value, integer(0))
        return _exact(fn("try_sum", value))


def rules_select(rules: Sequence[tuple[Expression, Expression | None]], *, schema: Schema, env: Mapping[str, Any], cell: str = "") -> e.Select:
    """As the DuckDB compiler's: (subject_key, household_key, village_code, r0, r1 …) where at least one rule holds."""
    return _safe(SparkCompiler(schema, rules[0][0].subject, env, cell).judging_plainly(rules))


def masks_select(
    rules: Sequence[tuple[Expression, Expression | None]], *, schema: Schema, env: Mapping[str, Any], cell: str = "", numbers: Numbers | None = None
) -> e.Select:
    """(subject_key, household_key, village_code, m0, m1 …) where at least one rule holds: bit K of mN is set where rule MASK·N + K does.
    Hundreds of boolean columns are what Spark is slow at."""
    compiler = SparkCompiler(schema, rules[0][0].subject, env, cell, numbers)
    masks: list[e.Expr] = []
    for start in range(0, len(rules), MASK):
        bits = [
            case(paren(compiler.condition(condition, scope)), e.cast(integer(1 << place), "BIGINT"), e.cast(integer(0), "BIGINT"))
            for place, (condition, scope) in enumerate(rules[start : start + MASK])
        ]
        masks.append(e.alias_(_sum(bits), f"m{len(masks)}", copy=False))
    judged = compiler.subjects().select(*masks, copy=False).subquery("judged", copy=False)
    hit = e.or_(*(e.NEQ(this=e.column(f"m{place}"), expression=integer(0)) for place in range(len(masks))), copy=False)
    return _safe(e.select(e.Star()).from_(judged, copy=False).where(hit, copy=False))


def holds(place: int) -> e.Expr:
    """Over what `masks_select` gives: does the rule at that place hold?"""
    number, bit = divmod(place, MASK)
    mask = e.Paren(this=e.BitwiseAnd(this=e.column(f"m{number}"), expression=integer(1 << bit)))
    return e.NEQ(this=mask, expression=integer(0))


def values_select(expressions: Sequence[Expression], *, schema: Schema, env: Mapping[str, Any], cell: str = "") -> e.Select:
    """(subject_key, v0, v1 …) for every row of the subject that the expressions share: what conformance tests compare."""
    compiler = SparkCompiler(schema, expressions[0].subject, env, cell)
    columns = [e.alias_(compiler.sql(expression.node), f"v{place}", copy=False) for place, expression in enumerate(expressions)]
    return _safe(compiler.select().select(*columns, copy=False))


def _sum(parts: Sequence[e.Expression]) -> e.Expression:
    """Balanced: a chain of sixty additions would be sixty deep."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return e.Paren(this=e.Add(this=_sum(parts[:half]), expression=_sum(parts[half:])))


def _safe(query: e.Select) -> e.Select:
    """Spark replaces `${name}` in a statement's text by a setting or a variable of the environment, in quotes too: text that holds it is put
    together from two."""
    for held in list(query.find_all(e.Literal)):
        if held.is_string and "${" in str(held.this):
            parts = str(held.this).split("${")
            tree: e.Expression = e.Literal.string(parts[0])
            for part in parts[1:]:
                tree = fn("concat", tree, e.Literal.string("$"), e.Literal.string("{" + part))
            held.replace(tree)
    return query
