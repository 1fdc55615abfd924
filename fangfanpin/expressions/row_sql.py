"""What a node comes to in one row of DuckDB's tables: nodes to a sqlglot tree, one short method per node; text is never pasted into SQL."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import sqlglot.expressions as e

from fangfanpin.expressions import nodes as n
from fangfanpin.expressions.evaluate import ranks_of
from fangfanpin.expressions.metres import EAST, FIRST, HUNDREDTHS, LAT_LIMIT, LON_LIMIT, NORTH, SECOND
from fangfanpin.expressions.trees import case as _case
from fangfanpin.expressions.trees import fn as _fn
from fangfanpin.expressions.trees import integer as _int
from fangfanpin.expressions.trees import literal as _literal
from fangfanpin.expressions.trees import paren as _paren
from fangfanpin.expressions.types import FIRST_MONTH, LAST_MONTH, MAX_DIGITS, Date, Month

_COMPARE: dict[str, type[e.Expression]] = {"eq": e.EQ, "ne": e.NEQ, "lt": e.LT, "le": e.LTE, "gt": e.GT, "ge": e.GTE}
_ARITHMETIC: dict[str, type[e.Expression]] = {"add": e.Add, "sub": e.Sub, "mul": e.Mul}
_HAN = r"\x{3400}-\x{4dbf}\x{4e00}-\x{9fff}\x{f900}-\x{faff}\x{20000}-\x{3ffff}"
PATTERNS = {
    "mobile_cn": r"1[3-9][0-9]{9}",
    "phone_cn": r"1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}",
    "name_cn": rf"[{_HAN}](?:[{_HAN}\x{{b7}}]{{0,18}}[{_HAN}])",
    "digits": r"[0-9]+",
    "dummy_phone": "[0-9]{3}(?:" + "|".join(f"{digit}{{8}}" for digit in range(10)) + ")|12345678901",
}


def wide(tree: e.Expression) -> e.Expression:
    """Room for what a value may reach before it is looked at; five times as dear as a BIGINT."""
    return e.cast(tree, "HUGEINT")


def integer_of(tree: e.Expr) -> e.Expression:
    """Also of a small literal: twice what it may hold must fit."""
    return e.cast(tree, "BIGINT")


def is_known(tree: e.Expr) -> e.Expression:
    return e.Is(this=tree, expression=e.Not(this=e.Null()))


def exact_of(tree: e.Expression) -> e.Expression:
    """NULL beyond MAX_DIGITS digits, as in every engine: one value never stops a sweep."""
    held = e.TryCast(this=tree, to=e.DataType.build(f"DECIMAL({MAX_DIGITS}, 0)", dialect="duckdb"))
    return e.cast(held, "BIGINT")


def tried(tree: e.Expression) -> e.Expression:
    """NULL where a BIGINT does not hold the result: that is far beyond MAX_DIGITS digits."""
    return _fn("try", tree)


_SCALED_BY = 3  # a BIGINT holds MAX_DIGITS digits times a thousand; a comparison by more needs more room


class RowCompiler(ABC):
    """The subject's alias is `s`, its household `h`, its latest spell `l`; of a row under another alias those of its household and spell begin with
    that one. What asks more than one row is for whoever puts statements together."""

    subject: str
    env: Mapping[str, Any]
    needs: set[str]  # aliases of households and spells that were named

    @abstractmethod
    def aggregate(self, node: n.Aggregate) -> e.Expression:
        """What rows of a relation come to."""

    @abstractmethod
    def over_all(self, node: n.SetCall) -> e.Expression:
        """What a question over the whole population comes to."""

    def sql(self, node: n.Node, row: str = "s") -> e.Expression:
        match node:
            case n.Literal(value=value):
                return _literal(value)
            case n.Const(name=name):
                return _literal(self.env.get(name))
            case n.Column():
                return self.column(node, row)
            case n.Not(arg=n.In(arg=n.Column() as column, values=values)):
                # Where many are NULL, one comparison after the other takes a seventh of the time of IN.
                parts: list[e.Expr] = [e.EQ(this=self.sql(column, row), expression=_literal(value)) for value in values]
                return e.Not(this=e.Paren(this=e.or_(*parts, copy=False)))
            case n.Not(arg=arg):
                return e.Not(this=_paren(self.sql(arg, row)))
            case n.Negative(arg=arg):
                return e.Neg(this=_paren(self.sql(arg, row)))
            case n.IsNull(arg=arg):
                return e.Is(this=_paren(self.sql(arg, row)), expression=e.Null())
            case n.And(args=args):
                return self.joined(e.And, args, row)
            case n.Or(args=args):
                return self.joined(e.Or, args, row)
            case n.Compare():
                return self.born(node, row) or self.compared(node, row)
            case n.Arithmetic():
                return self.arithmetic(node, row)
            case n.In(arg=arg, values=values):
                return e.In(this=_paren(self.sql(arg, row)), expressions=[_literal(value) for value in values])
            case n.Call():
                return self.call(node, row)
            case n.Aggregate():
                return self.aggregate(node)
            case n.SetCall():
                return self.over_all(node)
            case _:
                raise TypeError(type(node).__name__)

    def column(self, node: n.Column, row: str) -> e.Expression:
        if node.scope == "row":
            return e.column(node.name, table=row, quoted=True)
        if node.scope == "last":
            return e.column(f"last__{node.name}", table=row, quoted=True)
        if node.scope == "own":
            return e.column(node.name, table="o", quoted=True)
        if node.scope == "spell":
            alias = "l" if row == "s" else f"{row}l"
            self.needs.add(alias)
            return e.column(node.name, table=alias, quoted=True)
        name = node.name if node.scope == "household" else f"last__{node.name}"
        if row == "s" and self.subject == "household":
            return e.column(name, table="s", quoted=True)
        alias = "h" if row == "s" else f"{row}h"
        self.needs.add(alias)
        return e.column(name, table=alias, quoted=True)

    def holds(self, node: n.Node, row: str = "s") -> e.Expression:
        """As `sql`, where it is only asked whether the node is TRUE: NULL may become FALSE, which leaves less to be looked at."""
        match node:
            case n.And(args=args):
                return chained(e.And, [self.holds(arg, row) for arg in args])
            case n.Or(args=args):
                return chained(e.Or, [self.holds(arg, row) for arg in args])
            case n.In(arg=n.Column()):
                tree = self.sql(node, row)
                return e.And(this=is_known(tree.this.copy()), expression=_paren(tree))
            case _:
                return self.sql(node, row)

    def joined(self, kind: type[e.Expression], args: Sequence[n.Node], row: str) -> e.Expression:
        return chained(kind, [self.sql(arg, row) for arg in args])

    def scaled(self, node: n.Compare | n.Arithmetic, row: str) -> tuple[e.Expression, e.Expression]:
        sides = []
        for part, by in ((node.left, node.scale_left), (node.right, node.scale_right)):
            tree = _paren(self.sql(part, row))
            if by > _SCALED_BY and isinstance(node, n.Compare):
                tree = e.Paren(this=e.Mul(this=wide(tree), expression=_int(10**by)))
            elif by:
                tree = tried(e.Mul(this=integer_of(tree), expression=_int(10**by)))
            sides.append(tree)
        return sides[0], sides[1]

    def arithmetic(self, node: n.Arithmetic, row: str) -> e.Expression:
        if node.op == "sub" and isinstance(node.left.type, Date):
            return _fn("date_diff", e.Literal.string("day"), self.as_date(node.right, row), self.as_date(node.left, row))
        left, right = self.scaled(node, row)
        result = tried(_ARITHMETIC[node.op](this=integer_of(left), expression=right))
        if isinstance(node.type, Month):
            within = e.Between(this=e.Paren(this=result), low=_int(FIRST_MONTH), high=_int(LAST_MONTH))
            return _case(within, e.cast(result.copy(), "INTEGER"))
        return exact_of(result)

    def as_date(self, node: n.Node, row: str) -> e.Expression:
        """An integer day as a DuckDB DATE."""
        held = _paren(self.sql(node, row))
        year = e.IntDiv(this=held.copy(), expression=_int(10000))
        month = e.Mod(this=e.Paren(this=e.IntDiv(this=held.copy(), expression=_int(100))), expression=_int(100))
        return _fn("make_date", year, month, e.Mod(this=held.copy(), expression=_int(100)))

    def call(self, node: n.Call, row: str) -> e.Expression:
        if node.fn == "if":
            condition, then, otherwise = (self.sql(arg, row) for arg in node.args)
            return _case(e.Is(this=_paren(condition), expression=e.true()), then, otherwise)
        args = [_paren(self.sql(arg, row)) for arg in node.args]
        method = getattr(self, f"call_{node.fn}", None)
        if method is not None:
            tree: e.Expression = method(node, args)
            return tree
        return _fn({"size": "len"}.get(node.fn, node.fn), *args)

    def null_safe(self, args: Sequence[e.Expression], tree: e.Expression) -> e.Expression:
        """NULL when any argument is."""
        nothing: e.Expression = e.Is(this=args[0].copy(), expression=e.Null())
        for arg in args[1:]:
            nothing = e.Or(this=nothing, expression=e.Is(this=arg.copy(), expression=e.Null()))
        return _case(nothing, e.Null(), tree)

    def call_age(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        birth, on = args
        years = e.IntDiv(this=e.Paren(this=e.Sub(this=on, expression=birth)), expression=_int(10000))
        return _case(e.LT(this=on.copy(), expression=birth.copy()), _int(-1), years)

    def compared(self, node: n.Compare, row: str) -> e.Expression:
        left, right = self.scaled(node, row)
        return _COMPARE[node.op](this=left, expression=right)

    def born(self, node: n.Compare, row: str) -> e.Expression | None:
        """An age on a known day against a number is a day of birth against a day, which costs a tenth; None of other comparisons."""
        if not (isinstance(node.left, n.Call) and node.left.fn == "age"):
            return None
        on, years = self.known(node.left.args[1]), self.known(node.right)
        if on is None or years is None or years < 0 or node.scale_left or node.scale_right:
            return None
        birth = _paren(self.sql(node.left.args[0], row))

        def since(years: int) -> e.Expression:  # at least so old
            return e.LTE(this=birth.copy(), expression=_int(on - 10000 * years))

        def under(years: int) -> e.Expression:
            return e.GT(this=birth.copy(), expression=_int(on - 10000 * years))

        match node.op:
            case "ge":
                return since(years)
            case "gt":
                return since(years + 1)
            case "lt":
                return under(years)
            case "le":
                return under(years + 1)
            case "eq":
                return e.Paren(this=e.And(this=since(years), expression=under(years + 1)))
            case _:
                return e.Paren(this=e.Or(this=under(years), expression=since(years + 1)))

    def known(self, node: n.Node) -> int | None:
        """A whole number or a day that is known before the rows are; None otherwise."""
        value = node.value if isinstance(node, n.Literal) else self.env.get(node.name) if isinstance(node, n.Const) else None
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def call_months_between(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        first, second = args

        def months(held: e.Expression) -> e.Expression:
            years = e.Mul(this=e.Paren(this=e.IntDiv(this=held.copy(), expression=_int(10000))), expression=_int(12))
            part = e.Mod(this=e.Paren(this=e.IntDiv(this=held.copy(), expression=_int(100))), expression=_int(100))
            return e.Paren(this=e.Add(this=years, expression=part))

        def day(held: e.Expression) -> e.Expression:
            return e.Mod(this=held.copy(), expression=_int(100))

        short = _case(e.LT(this=day(second), expression=day(first)), _int(1), _int(0))
        return self.null_safe(args, e.Sub(this=e.Sub(this=months(second), expression=months(first)), expression=short))

    def call_has(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        return _fn("list_contains", args[0], e.Literal.string(str(node.extra)))

    def call_length(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        return _fn("length", args[0])

    def call_left(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        return _fn("left", args[0], _int(int(str(node.extra))))

    def call_matches(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        text, name = args[0], str(node.extra)
        if name == "same_digits":
            repeated = _fn("repeat", _fn("left", text.copy(), _int(1)), _fn("length", text.copy()))
            return e.And(this=e.EQ(this=text, expression=repeated), expression=e.GT(this=_fn("length", text.copy()), expression=_int(0)))
        if name == "placeholder_name":
            return _fn("regexp_matches", text, e.Literal.string("未取名|无名|之子|之女|测试"))
        return _fn("regexp_full_match", text, e.Literal.string(PATTERNS[name]))

    def call_ratio(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        scale = int(str(node.extra))
        top_scale, bottom_scale = (getattr(arg.type, "scale", 0) for arg in node.args)
        top = e.Paren(this=e.Mul(this=e.cast(args[0], "HUGEINT"), expression=_int(10 ** (scale + bottom_scale))))
        bottom = e.Paren(this=e.Mul(this=e.cast(args[1], "HUGEINT"), expression=_int(10**top_scale)))
        absolute_bottom = _fn("abs", bottom)
        doubled = e.Paren(this=e.Add(this=e.Mul(this=_int(2), expression=_fn("abs", top)), expression=absolute_bottom))
        rounded = e.IntDiv(this=doubled, expression=e.Paren(this=e.Mul(this=_int(2), expression=absolute_bottom.copy())))
        negative = e.NEQ(
            this=e.Paren(this=e.LT(this=args[0].copy(), expression=_int(0))),
            expression=e.Paren(this=e.LT(this=args[1].copy(), expression=_int(0))),
        )
        sign = _case(negative, _int(-1), _int(1))
        value = exact_of(e.Mul(this=e.Paren(this=rounded), expression=sign))
        nothing = e.Or(
            this=e.Is(this=args[0].copy(), expression=e.Null()),
            expression=e.EQ(this=_fn("coalesce", args[1].copy(), _int(0)), expression=_int(0)),
        )
        return _case(nothing, e.Null(), value)

    def call_least(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        return self.null_safe(args, _fn("least", *args))

    def call_greatest(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        return self.null_safe(args, _fn("greatest", *args))

    def call_year(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        return e.IntDiv(this=args[0], expression=_int(12 if node.extra == "month" else 10000))

    def call_month(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        years = e.Mul(this=e.Paren(this=e.IntDiv(this=args[0], expression=_int(10000))), expression=_int(12))
        part = e.Mod(this=e.Paren(this=e.IntDiv(this=args[0].copy(), expression=_int(100))), expression=_int(100))
        return e.Sub(this=e.Add(this=years, expression=part), expression=_int(1))

    def call_rank_of(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        ranks = sorted(ranks_of(str(node.extra)).items())
        codes, numbers = (e.Array(expressions=list(map(_literal, found))) for found in zip(*ranks, strict=True))
        return _fn("list_extract", numbers, _fn("list_position", codes, args[0]))

    def call_distance(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        """As metres.py says it; what grows is kept within bounds, whatever the rows hold. The root of a whole number below 2⁵² is never rounded up
        to the next one."""
        lat, lon, to_lat, to_lon = (arg if isinstance(arg, e.Column) else integer_of(arg) for arg in args)

        def times(left: e.Expr, right: e.Expr) -> e.Expression:
            return e.Mul(this=left, expression=right)

        def over(tree: e.Expr, by: int) -> e.Expression:
            return e.Paren(this=e.IntDiv(this=e.Paren(this=tree), expression=_int(by)))

        def less(left: int, right: e.Expr) -> e.Expression:
            return e.Paren(this=e.Sub(this=_int(left), expression=right))

        def held(tree: e.Expr, limit: int) -> e.Expression:
            return _fn("least", _fn("abs", tree), integer_of(_int(2 * limit)))

        def apart(one: e.Expr, other: e.Expr, limit: int, degree: e.Expr) -> e.Expression:
            metres = times(held(e.Sub(this=one.copy(), expression=other.copy()), limit), degree)
            return over(e.Add(this=metres, expression=_int(500_000)), 1_000_000)

        def y() -> e.Expression:
            half_way = over(held(e.Add(this=lat.copy(), expression=to_lat.copy()), LAT_LIMIT), HUNDREDTHS)
            return times(half_way, half_way.copy())

        degree = less(EAST, over(times(y(), less(FIRST, over(times(y(), _int(SECOND)), 10**8))), 10**9))
        north, east = apart(lat, to_lat, LAT_LIMIT, _int(NORTH)), apart(lon, to_lon, LON_LIMIT, degree)
        square = e.Add(this=times(north, north.copy()), expression=times(east, east.copy()))
        metres = integer_of(_fn("floor", _fn("sqrt", square)))
        points = ((lat, LAT_LIMIT), (lon, LON_LIMIT), (to_lat, LAT_LIMIT), (to_lon, LON_LIMIT))
        on_earth = [e.Between(this=arg.copy(), low=_int(-limit), high=_int(limit)) for arg, limit in points]
        return _case(e.and_(*on_earth, copy=False), metres)

    def call_multiple(self, node: n.Call, args: list[e.Expression]) -> e.Expression:
        return e.EQ(this=e.Mod(this=args[0], expression=_int(int(str(node.extra)))), expression=_int(0))


def chained(kind: type[e.Expression], parts: Sequence[e.Expression]) -> e.Expression:
    tree = _paren(parts[0])
    for part in parts[1:]:
        tree = kind(this=tree, expression=_paren(part))
    return tree
