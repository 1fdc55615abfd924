"""Nodes as JSON and back: what the phone and the desk evaluate."""

from typing import Any

from fangfanpin.expressions import nodes as n
from fangfanpin.expressions import types as t
from fangfanpin.expressions.nodes import Span

_OPS: dict[type[n.Node], str] = {
    n.Literal: "lit", n.Const: "const", n.Column: "col", n.Not: "not", n.Negative: "neg", n.IsNull: "is_null", n.And: "and",
    n.Or: "or", n.In: "in", n.Call: "call", n.Aggregate: "agg", n.SetCall: "set",
}  # fmt: skip


def to_json(node: n.Node) -> dict[str, Any]:
    """One node as docs/rule-language.md lays it down."""
    out: dict[str, Any] = {"type": t.to_json(node.type)}
    match node:
        case n.Literal(value=value):
            out |= {"value": value}
        case n.Const(name=name):
            out |= {"name": name}
        case n.Column(scope=scope, name=name):
            out |= {"scope": scope, "name": name}
        case n.Not(arg=arg) | n.Negative(arg=arg) | n.IsNull(arg=arg):
            out |= {"arg": to_json(arg)}
        case n.And(args=args) | n.Or(args=args):
            out |= {"args": [to_json(arg) for arg in args]}
        case n.Compare() | n.Arithmetic():
            return out | {
                "op": node.op,
                "left": to_json(node.left),
                "right": to_json(node.right),
                "scale_left": node.scale_left,
                "scale_right": node.scale_right,
            }
        case n.In(arg=arg, values=values):
            out |= {"arg": to_json(arg), "values": list(values)}
        case n.Call(fn=fn, args=args, extra=extra):
            out |= {"fn": fn, "args": [to_json(arg) for arg in args], "extra": extra}
        case n.Aggregate(fn=fn, relation=relation, value=inner, where=where):
            out |= {
                "fn": fn,
                "relation": relation,
                "value": to_json(inner) if inner else None,
                "where": to_json(where) if where else None,
            }
        case n.SetCall(fn=fn, args=args, where=where):
            out |= {"fn": fn, "args": [to_json(arg) for arg in args], "where": to_json(where) if where else None}
    return out | {"op": _OPS[type(node)]}


_NOWHERE = Span(0, 0)


def from_json(data: dict[str, Any]) -> n.Node:
    """The node again; its place in the text is lost."""
    type_, op = t.from_json(data["type"]), data["op"]

    def sub(key: str) -> n.Node:
        return from_json(data[key])

    def maybe(key: str) -> n.Node | None:
        return from_json(data[key]) if data.get(key) else None

    match op:
        case "lit":
            return n.Literal(type_, _NOWHERE, data["value"])
        case "const":
            return n.Const(type_, _NOWHERE, data["name"])
        case "col":
            return n.Column(type_, _NOWHERE, data["scope"], data["name"])
        case "not":
            return n.Not(type_, _NOWHERE, sub("arg"))
        case "neg":
            return n.Negative(type_, _NOWHERE, sub("arg"))
        case "is_null":
            return n.IsNull(type_, _NOWHERE, sub("arg"))
        case "and":
            return n.And(type_, _NOWHERE, tuple(from_json(arg) for arg in data["args"]))
        case "or":
            return n.Or(type_, _NOWHERE, tuple(from_json(arg) for arg in data["args"]))
        case "add" | "sub" | "mul":
            return n.Arithmetic(type_, _NOWHERE, op, sub("left"), sub("right"), data["scale_left"], data["scale_right"])
        case "eq" | "ne" | "lt" | "le" | "gt" | "ge":
            return n.Compare(type_, _NOWHERE, op, sub("left"), sub("right"), data["scale_left"], data["scale_right"])
        case "in":
            return n.In(type_, _NOWHERE, sub("arg"), tuple(data["values"]))
        case "call":
            return n.Call(type_, _NOWHERE, data["fn"], tuple(from_json(arg) for arg in data["args"]), data["extra"])
        case "agg":
            return n.Aggregate(type_, _NOWHERE, data["fn"], data["relation"], maybe("value"), maybe("where"))
        case "set":
            return n.SetCall(type_, _NOWHERE, data["fn"], tuple(from_json(arg) for arg in data["args"]), maybe("where"))
        case _:
            raise ValueError(op)
