"""The nodes an expression is made of: frozen, with their type and their place in the text."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from fangfanpin.expressions.types import Type

Value = None | bool | int | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Characters [start, end) of the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Node:
    type: Type
    span: Span


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """Already scaled to what it met; dates and months as integers."""

    value: Value


@dataclass(frozen=True, slots=True)
class Const(Node):
    """`state_date` …, or a parameter of the pack as `param.NAME`; its value is in the environment."""

    name: str


@dataclass(frozen=True, slots=True)
class Column(Node):
    """`scope`: row, last, household, household.last, spell; inside an aggregate also own (the subject's row)."""

    scope: str
    name: str


@dataclass(frozen=True, slots=True)
class Not(Node):
    arg: Node


@dataclass(frozen=True, slots=True)
class Negative(Node):
    arg: Node


@dataclass(frozen=True, slots=True)
class IsNull(Node):
    arg: Node


@dataclass(frozen=True, slots=True)
class And(Node):
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or(Node):
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """`op`: eq ne lt le gt ge. `scale_left`, `scale_right`: powers of ten that bring both sides to one scale."""

    op: str
    left: Node
    right: Node
    scale_left: int
    scale_right: int


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """`op`: add sub mul; for add and sub both sides are brought to one scale as in Compare."""

    op: str
    left: Node
    right: Node
    scale_left: int
    scale_right: int


@dataclass(frozen=True, slots=True)
class In(Node):
    """`values` are literals, already scaled, never NULL."""

    arg: Node
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A scalar function. `extra`: what the checker resolved (ratio's scale, a pattern's or ordering's name)."""

    fn: str
    args: tuple[Node, ...]
    extra: str | int | None


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """`fn`: count any all sum distinct min max the."""

    fn: str
    relation: str
    value: Node | None
    where: Node | None


@dataclass(frozen=True, slots=True)
class SetCall(Node):
    """A question over the whole population. `fn`: duplicates, other_household, peers (`args`: its keys), rank, deviation and median (`args`: of
    what, and of how many rows at least). Sweep only."""

    fn: str
    args: tuple[Node, ...]
    where: Node | None


_Kind = TypeVar("_Kind", bound=Node)


def bare(node: _Kind) -> _Kind:
    """The node without its place in the text: two that mean the same are equal."""
    changes: dict[str, Any] = {"span": _NOWHERE}
    for field in fields(node):
        part = getattr(node, field.name)
        if isinstance(part, Node):
            changes[field.name] = bare(part)
        elif isinstance(part, tuple) and part and all(isinstance(one, Node) for one in part):
            changes[field.name] = tuple(map(bare, part))
    return replace(node, **changes)


_NOWHERE = Span(0, 0)


def conjuncts(node: Node | None) -> tuple[Node, ...]:
    """What must all be TRUE for the node to be; none for None."""
    if node is None:
        return ()
    return tuple(part for arg in node.args for part in conjuncts(arg)) if isinstance(node, And) else (node,)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below."""
    match node:
        case Not(arg=arg) | Negative(arg=arg) | IsNull(arg=arg) | In(arg=arg):
            return (arg,)
        case And(args=args) | Or(args=args) | Call(args=args):
            return args
        case Compare(left=left, right=right) | Arithmetic(left=left, right=right):
            return (left, right)
        case Aggregate(value=value, where=where):
            return tuple(part for part in (value, where) if part is not None)
        case SetCall(args=args, where=where):
            return args if where is None else (*args, where)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below, as it is written."""
    yield node
    for child in children(node):
        yield from walk(child)
