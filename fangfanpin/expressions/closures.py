"""Compile nodes to Python closures: the reference's meaning with the tree walked once, not for every row.

Used where many rules meet one household at each save. tests/conformance prove it equal to `evaluate` on every node kind.
"""

from collections.abc import Callable
from typing import Any

from fangfanpin.expressions import nodes as n
from fangfanpin.expressions.check import Expression
from fangfanpin.expressions.evaluate import NeedsPopulation, Scope, asks_own, beside, evaluate, exact

Closure = Callable[[Scope], Any]
_NO_ROW: dict[str, Any] = {}


def compiled(what: Expression | n.Node) -> Closure:
    """A function of a scope that gives what `evaluate` gives; set functions raise NeedsPopulation. Keep it: compiling costs more than a call."""
    return _compile(what.node if isinstance(what, Expression) else what)


def _compile(node: n.Node) -> Closure:
    match node:
        case n.Literal(value=value):
            return lambda scope: value
        case n.Const(name=name):
            return lambda scope: scope["consts"].get(name)
        case n.Column(scope=place, name=name):
            return _column(place, name)
        case n.Not(arg=arg):
            return _not(_compile(arg))
        case n.IsNull(arg=arg):
            inner = _compile(arg)
            return lambda scope: inner(scope) is None
        case n.And(args=args):
            return _all_of(tuple(_compile(arg) for arg in args))
        case n.Or(args=args):
            return _any_of(tuple(_compile(arg) for arg in args))
        case n.Compare():
            return _compare(node)
        case n.In(arg=arg, values=values):
            return _within(_compile(arg), frozenset(values))
        case n.Aggregate():
            return _aggregate(node)
        case n.SetCall(fn=fn):
            return _refuse(fn)
        case n.Negative() | n.Arithmetic() | n.Call():
            return _by_reference(node)
        case _:
            raise TypeError(type(node).__name__)


def _column(place: str, name: str) -> Closure:
    def held(value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    match place:
        case "row":
            return lambda scope: held(scope["row"].get(name))
        case "last":
            return lambda scope: held((scope.get("last") or _NO_ROW).get(name))
        case "household":
            return lambda scope: held(scope["household"]["row"].get(name))
        case "household.last":
            return lambda scope: held((scope["household"].get("last") or _NO_ROW).get(name))
        case "own":
            return lambda scope: held(scope["own"].get(name))
        case _:
            return lambda scope: held(((scope["household"].get("spell") or _NO_ROW).get("row") or _NO_ROW).get(name))


def _not(inner: Closure) -> Closure:
    def negate(scope: Scope) -> bool | None:
        value = inner(scope)
        return None if value is None else not value

    return negate


def _all_of(parts: tuple[Closure, ...]) -> Closure:
    def conjunction(scope: Scope) -> bool | None:
        unknown = False
        for part in parts:
            value = part(scope)
            if value is False:
                return False
            unknown = unknown or value is None
        return None if unknown else True

    return conjunction


def _any_of(parts: tuple[Closure, ...]) -> Closure:
    def disjunction(scope: Scope) -> bool | None:
        unknown = False
        for part in parts:
            value = part(scope)
            if value is True:
                return True
            unknown = unknown or value is None
        return None if unknown else False

    return disjunction


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "lt": lambda a, b: bool(a < b),
    "le": lambda a, b: bool(a <= b),
    "gt": lambda a, b: bool(a > b),
    "ge": lambda a, b: bool(a >= b),
}


def _compare(node: n.Compare) -> Closure:
    left, right, holds = _compile(node.left), _compile(node.right), _COMPARE[node.op]
    by_left, by_right = 10**node.scale_left, 10**node.scale_right
    scaled = node.scale_left or node.scale_right

    def comparison(scope: Scope) -> bool | None:
        first = left(scope)
        if first is None:
            return None
        second = right(scope)
        if second is None:
            return None
        return holds(first * by_left, second * by_right) if scaled else holds(first, second)

    return comparison


def _within(inner: Closure, values: frozenset[Any]) -> Closure:
    def membership(scope: Scope) -> bool | None:
        value = inner(scope)
        return None if value is None else value in values

    return membership


def _by_reference(node: n.Negative | n.Arithmetic | n.Call) -> Closure:
    """Arithmetic and functions: arguments compiled, the operation itself left to the reference evaluator."""
    arguments = tuple(_compile(arg) for arg in n.children(node))
    places = tuple(n.Const(arg.type, arg.span, f"#{place}") for place, arg in enumerate(n.children(node)))
    names = tuple(place.name for place in places)
    applied = _with_children(node, places)

    def application(scope: Scope) -> Any:
        held = {name: argument(scope) for name, argument in zip(names, arguments, strict=True)}
        return evaluate(applied, {"consts": held})

    return application


def _with_children(node: n.Negative | n.Arithmetic | n.Call, places: tuple[n.Const, ...]) -> n.Node:
    match node:
        case n.Negative():
            return n.Negative(node.type, node.span, places[0])
        case n.Arithmetic():
            return n.Arithmetic(node.type, node.span, node.op, places[0], places[1], node.scale_left, node.scale_right)
        case _:
            return n.Call(node.type, node.span, node.fn, places, node.extra)


def _aggregate(node: n.Aggregate) -> Closure:
    value = _compile(node.value) if node.value is not None else None
    where = _compile(node.where) if node.where is not None else None
    relation, fn, own = node.relation, node.fn, asks_own(node)

    def chosen(scope: Scope) -> list[Scope]:
        rows = beside(relation, scope, own=own)
        return rows if where is None else [row for row in rows if where(row) is True]

    def fold(scope: Scope) -> Any:
        if fn == "all":
            rows = beside(relation, scope, own=own)
            return where is None or all(where(row) is True for row in rows)
        rows = chosen(scope)
        if fn == "count":
            return len(rows)
        if fn == "any":
            return bool(rows)
        assert value is not None
        found = [value(row) for row in rows]
        if fn == "the":
            return found[0] if len(found) == 1 else None
        known = [one for one in found if one is not None]
        if fn == "sum":
            return exact(sum(known))
        if fn == "distinct":
            return len(set(known))
        if not known:
            return None
        return min(known) if fn == "min" else max(known)

    return fold


def _refuse(fn: str) -> Closure:
    def refuse(scope: Scope) -> Any:
        raise NeedsPopulation(fn)

    return refuse
