"""The reference evaluator: plain Python over plain mappings. Every other engine must agree with it."""

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from fangfanpin.expressions import nodes as n
from fangfanpin.expressions.check import Expression
from fangfanpin.expressions.metres import metres
from fangfanpin.expressions.patterns import PATTERNS
from fangfanpin.expressions.types import FIRST_MONTH, LAST_MONTH, MAX_DIGITS, Date, Month

Scope = Mapping[str, Any]
_BEYOND = 10**MAX_DIGITS
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "lt": lambda a, b: bool(a < b),
    "le": lambda a, b: bool(a <= b),
    "gt": lambda a, b: bool(a > b),
    "ge": lambda a, b: bool(a >= b),
}


class NeedsPopulation(Exception):
    """A set function was evaluated without the population it asks about."""


def evaluate(what: Expression | n.Node, scope: Scope, population: Iterable[Scope] | None = None) -> Any:
    """Value of an expression in a scope (docs/rule-language.md): None, bool, int, str or tuple of codes.

    `population`: every subject's scope, for set functions only.
    """
    node = what.node if isinstance(what, Expression) else what
    return _value(node, scope, None if population is None else list(population))


def _value(node: n.Node, scope: Scope, population: list[Scope] | None) -> Any:
    match node:
        case n.Literal(value=value):
            return value
        case n.Const(name=name):
            return scope["consts"].get(name)
        case n.Column(scope=place, name=name):
            return _column(place, name, scope)
        case n.Not(arg=arg):
            value = _value(arg, scope, population)
            return None if value is None else not value
        case n.Negative(arg=arg):
            value = _value(arg, scope, population)
            return None if value is None else -value
        case n.IsNull(arg=arg):
            return _value(arg, scope, population) is None
        case n.And(args=args):
            return _and(_value(arg, scope, population) for arg in args)
        case n.Or(args=args):
            return _or(_value(arg, scope, population) for arg in args)
        case n.Compare():
            left, right = _value(node.left, scope, population), _value(node.right, scope, population)
            if left is None or right is None:
                return None
            if node.scale_left or node.scale_right:
                left, right = left * 10**node.scale_left, right * 10**node.scale_right
            return _COMPARE[node.op](left, right)
        case n.Arithmetic():
            return _arithmetic(node, _value(node.left, scope, population), _value(node.right, scope, population))
        case n.In(arg=arg, values=values):
            value = _value(arg, scope, population)
            return None if value is None else value in values
        case n.Call():
            return _call(node, [_value(arg, scope, population) for arg in node.args])
        case n.Aggregate():
            return _aggregate(node, scope)
        case n.SetCall():
            return _over_all(node, scope, population)
        case _:
            raise TypeError(type(node).__name__)


def _column(place: str, name: str, scope: Scope) -> Any:
    match place:
        case "row":
            row = scope["row"]
        case "last":
            row = scope.get("last")
        case "household":
            row = scope["household"]["row"]
        case "household.last":
            row = scope["household"].get("last")
        case "own":
            row = scope["own"]
        case _:
            spell = scope["household"].get("spell")
            row = spell["row"] if spell else None
    value = row.get(name) if row else None
    return tuple(value) if isinstance(value, list) else value


def _and(values: Iterable[Any]) -> bool | None:
    unknown = False
    for value in values:
        if value is False:
            return False
        unknown = unknown or value is None
    return None if unknown else True


def _or(values: Iterable[Any]) -> bool | None:
    unknown = False
    for value in values:
        if value is True:
            return True
        unknown = unknown or value is None
    return None if unknown else False


def _arithmetic(node: n.Arithmetic, left: Any, right: Any) -> Any:
    if left is None or right is None:
        return None
    if node.op == "mul":
        return exact(left * right)
    if isinstance(node.left.type, Date):
        return (_day(left) - _day(right)).days
    left, right = left * 10**node.scale_left, right * 10**node.scale_right
    result = left + right if node.op == "add" else left - right
    if isinstance(node.type, Month):
        return result if FIRST_MONTH <= result <= LAST_MONTH else None
    return exact(result)


def exact(result: int) -> int | None:
    """A number of more than MAX_DIGITS digits is unknown."""
    return result if -_BEYOND < result < _BEYOND else None


def _day(held: int) -> datetime.date:
    return datetime.date(held // 10000, held // 100 % 100, held % 100)


def half_away(top: int, bottom: int) -> int:
    """top ÷ bottom rounded half away from zero, in integers."""
    quotient = (2 * abs(top) + abs(bottom)) // (2 * abs(bottom))
    return -quotient if (top < 0) != (bottom < 0) else quotient


def _scale(node: n.Node) -> int:
    return getattr(node.type, "scale", 0)


def _call(node: n.Call, args: list[Any]) -> Any:
    if node.fn == "coalesce":
        return next((value for value in args if value is not None), None)
    if node.fn == "if":
        return args[1] if args[0] is True else args[2]
    if any(value is None for value in args):
        return None
    match node.fn:
        case "age":
            birth, on = args
            return (on - birth) // 10000 if on >= birth else -1
        case "months_between":
            first, second = args
            months = (second // 100 - first // 100) - 88 * (second // 10000 - first // 10000)
            return months - (1 if second % 100 < first % 100 else 0)
        case "has":
            return node.extra in args[0]
        case "matches":
            return PATTERNS[str(node.extra)](args[0])
        case "length" | "size":
            return len(args[0])
        case "left":
            return args[0][: int(str(node.extra))]
        case "ratio":
            top, bottom = args
            if bottom == 0:
                return None
            scale = int(str(node.extra))
            return exact(half_away(top * 10 ** (scale + _scale(node.args[1])), bottom * 10 ** _scale(node.args[0])))
        case "abs":
            return abs(args[0])
        case "least":
            return min(args)
        case "greatest":
            return max(args)
        case "year":
            return args[0] // 12 if node.extra == "month" else args[0] // 10000
        case "month":
            return args[0] // 10000 * 12 + args[0] // 100 % 100 - 1
        case "multiple":
            return args[0] % int(str(node.extra)) == 0
        case "distance":
            return metres(*args)
        case _:
            return ranks_of(str(node.extra)).get(args[0])


def ranks_of(extra: str) -> dict[str, int]:
    """The ordering a `rank_of` node carries."""
    return {code: int(rank) for code, _, rank in (pair.partition("=") for pair in extra.split(",") if pair)}


def rows_of(relation: str, scope: Scope) -> list[Scope]:
    """Scopes of a relation's rows. A row that stands alone (`row` and `last`) is completed by the scope it is asked from."""
    rows: list[Scope] = scope["household"].get("relations", {}).get(relation, [])
    if rows and "household" not in rows[0]:
        return [{**row, "household": scope["household"], "consts": scope["consts"]} for row in rows]
    return rows


def beside(relation: str, scope: Scope, *, own: bool) -> list[Scope]:
    """Scopes of the rows that an aggregate asks, with the subject's row as `own` where it is compared with them."""
    rows = rows_of(relation, scope)
    return [{**row, "own": scope["row"]} for row in rows] if own else rows


def asks_own(node: n.Node) -> bool:
    return (isinstance(node, n.Column) and node.scope == "own") or any(map(asks_own, n.children(node)))


def _aggregate(node: n.Aggregate, scope: Scope) -> Any:
    rows = beside(node.relation, scope, own=asks_own(node))
    where = node.where
    if node.fn == "all":
        return all(_value(where, row, None) is True for row in rows) if where else True
    chosen = [row for row in rows if where is None or _value(where, row, None) is True]
    if node.fn == "count":
        return len(chosen)
    if node.fn == "any":
        return bool(chosen)
    assert node.value is not None
    values = [_value(node.value, row, None) for row in chosen]
    if node.fn == "the":
        return values[0] if len(values) == 1 else None
    known = [value for value in values if value is not None]
    if node.fn == "sum":
        return exact(sum(known))
    if node.fn == "distinct":
        return len(set(known))
    if not known:
        return None
    return min(known) if node.fn == "min" else max(known)


def _over_all(node: n.SetCall, scope: Scope, population: list[Scope] | None) -> Any:
    if population is None:
        raise NeedsPopulation(node.fn)
    if node.fn == "peers":
        keys = [_value(arg, scope, None) for arg in node.args]
        return 0 if None in keys else sum(_counts(node, other) and [_value(arg, other, None) for arg in node.args] == keys for other in population)
    value = _value(node.args[0], scope, None)
    if node.fn in ("rank", "deviation", "median"):
        return _in_village(node, value, scope, population)
    if value is None:
        return False
    for other in population:
        if other is scope or other["row"] is scope["row"]:
            continue
        if node.fn == "other_household" and other["household"] is scope["household"]:
            continue
        if _counts(node, other) and _value(node.args[0], other, None) == value:
            return True
    return False


def _counts(node: n.SetCall, row: Scope) -> bool:
    return node.where is None or _value(node.where, row, None) is True


def _in_village(node: n.SetCall, value: Any, scope: Scope, population: list[Scope]) -> int | None:
    """The place of a value among those of the village, how far it lies from their middle, or the middle itself."""
    village = scope["household"].get("village")
    if village is None or not _counts(node, scope) or (value is None and node.fn != "median"):
        return None
    rows = [other for other in population if other["household"].get("village") == village and _counts(node, other)]
    values: list[int] = sorted(found for row in rows if (found := _value(node.args[0], row, None)) is not None)
    if node.fn == "rank":
        return 1 + len([one for one in values if one < value])
    least = _value(node.args[1], scope, None)
    if least is None or len(values) < max(least, 1):
        return None
    return values[(len(values) - 1) // 2] if node.fn == "median" else robust_deviation(value, values)


# |x − median| ÷ (1.4826 · MAD) in hundredths, where the distance is doubled and the MAD four times itself: 10⁶ · distance ÷ (7413 · spread)
DEVIATION, SPREAD = 1_000_000, 7413


def robust_deviation(value: int, values: Sequence[int]) -> int | None:
    """In hundredths, rounded up. `values`: sorted, one at least. None where the MAD is 0."""
    middle = _twice_the_median(values)
    spread = _twice_the_median(sorted(abs(2 * one - middle) for one in values))
    return exact(-(-DEVIATION * abs(2 * value - middle) // (SPREAD * spread))) if spread else None


def _twice_the_median(values: Sequence[int]) -> int:
    """A whole number also where the two in the middle differ."""
    return values[(len(values) - 1) // 2] + values[len(values) // 2]
