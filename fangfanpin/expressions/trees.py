"""Small parts of SQL trees that both dialects are built of."""

from typing import Any

import sqlglot.expressions as e


def paren(tree: e.Expression) -> e.Expression:
    return tree if isinstance(tree, (e.Column, e.Literal, e.Null, e.Boolean, e.Anonymous, e.Paren, e.Case)) else e.Paren(this=tree)


def integer(value: int) -> e.Expression:
    return e.Neg(this=e.Literal.number(-value)) if value < 0 else e.Literal.number(value)


def fn(name: str, *args: e.Expr) -> e.Expression:
    return e.Anonymous(this=name, expressions=list(args))


def literal(value: Any) -> e.Expression:
    if value is None:
        return e.Null()
    if isinstance(value, bool):
        return e.Boolean(this=value)
    if isinstance(value, int):
        return integer(value)
    return e.Literal.string(str(value))


def case(condition: e.Expr, then: e.Expr, otherwise: e.Expr | None = None) -> e.Case:
    return e.Case(ifs=[e.If(this=condition, true=then)], default=otherwise or e.Null())
