"""Type check: names against the schema, literals scaled to what they meet, every fault at once, with its place."""

import datetime
import difflib
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial

from fangfanpin.expressions import nodes as n
from fangfanpin.expressions.faults import ExpressionFaults, Fault
from fangfanpin.expressions.functions import AGGREGATES, SCALAR, SETS, Function
from fangfanpin.expressions.parse import Parsed, Raw, parse
from fangfanpin.expressions.patterns import PATTERNS
from fangfanpin.expressions.schema import Schema, Table
from fangfanpin.expressions.types import MAX_DIGITS, Bool, Code, Codes, Date, Int, Month, Null, Number, Text, Type, name_en
from fangfanpin.expressions.weight import weight

_LIMIT = 10**MAX_DIGITS  # what every engine holds exactly


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression. `reach`: row, household or set. `columns`: (scope, name) pairs of values it reads; those of
    aggregates have the scope `RELATION` or `RELATION.last`. `relations`: those whose rows it asks for; of some it may read no value."""

    node: n.Node
    text: str
    type: Type
    subject: str
    reach: str
    columns: frozenset[tuple[str, str]]
    relations: frozenset[str]
    normalised: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Context:
    """Where names are looked up: the subject's table, or a relation's inside an aggregate."""

    table: Table
    subject: str
    relation: str | None = None


_MOST_MULTIPLE = 1_000_000
_MOST_LEFT = 20  # as much of a text as anything is compared by
MAX_WEIGHT = 20_000
_WITH_LEAST = frozenset({"deviation", "median"})  # of how many rows at least
_MAX_SCALE = 6  # degrees have six decimals, nothing has more
_DEGREE = Number("degree", 6)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH = re.compile(r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])")


class _Wrong(Exception):
    """A fault was noted; the node has no type."""


_NOTHING = n.Span(0, 0)


def _is_number(node: n.Node) -> bool:
    """A written number, also with a minus."""
    inner = node.arg if isinstance(node, n.Negative) else node
    return isinstance(inner, n.Literal) and isinstance(inner.type, (Int, Number)) or (isinstance(inner, n.Negative) and _is_number(inner))


class _Checker:
    def __init__(self, schema: Schema, subject: str) -> None:
        self.schema = schema
        self.subject = subject
        self.faults: list[Fault] = []

    def wrong(self, raw: Raw, zh: str, en: str) -> _Wrong:
        self.faults.append(Fault(zh, en, raw.span.start, raw.span.end))
        return _Wrong()

    def each(self, parts: Iterable[Callable[[], n.Node]]) -> list[n.Node]:
        """All of several parts, so that the faults of every part are told."""
        found: list[n.Node] = []
        failed = False
        for part in parts:
            try:
                found.append(part())
            except _Wrong:
                failed = True
        if failed:
            raise _Wrong
        return found

    def both(self, first: Raw, second: Raw, context: _Context) -> tuple[n.Node, n.Node]:
        left, right = self.each([lambda: self.node(first, context), lambda: self.node(second, context)])
        return left, right

    def node(self, raw: Raw, context: _Context) -> n.Node:
        match raw.kind:
            case "number":
                return self.number(raw)
            case "text":
                return n.Literal(Text(), raw.span, raw.text)
            case "bool":
                return n.Literal(Bool(), raw.span, raw.text == "true")
            case "null":
                return n.Literal(Null(), raw.span, None)
            case "date":
                return self.date(raw)
            case "month":
                return self.month(raw)
            case "name":
                return self.name(raw, context)
            case "call":
                return self.call(raw, context)
            case "not":
                return n.Not(Bool(), raw.span, self.truth(raw.args[0], context))
            case "and" | "or":
                args = tuple(self.each([lambda part=part: self.truth(part, context) for part in raw.args]))  # type: ignore[misc]  # default binds the loop's part
                return n.And(Bool(), raw.span, args) if raw.kind == "and" else n.Or(Bool(), raw.span, args)
            case "is_null":
                return n.IsNull(Bool(), raw.span, self.node(raw.args[0], context))
            case "neg":
                return self.negative(raw, context)
            case "add" | "sub" | "mul":
                return self.arithmetic(raw, context)
            case "in":
                return self.within(raw, context)
            case _:
                return self.comparison(raw, context)

    def number(self, raw: Raw) -> n.Literal:
        whole, _, part = raw.text.partition(".")
        if len(part) > _MAX_SCALE:
            raise self.wrong(raw, f"小数位太多，最多 {_MAX_SCALE} 位", f"at most {_MAX_SCALE} decimals")
        return n.Literal(Number("", len(part)) if part else Int(), raw.span, self.bounded(raw, int(whole + part)))

    def bounded(self, raw: Raw, held: int) -> int:
        if abs(held) >= _LIMIT:
            raise self.wrong(raw, "这个数太大", "number too large")
        return held

    def date(self, raw: Raw) -> n.Literal:
        try:
            if _DATE.fullmatch(raw.text) is None:
                raise ValueError
            day = datetime.date.fromisoformat(raw.text)
        except ValueError:
            raise self.wrong(raw, f"没有“{raw.text}”这个日期，应写成 date '2021-09-30'", "no such date") from None
        return n.Literal(Date(), raw.span, day.year * 10000 + day.month * 100 + day.day)

    def month(self, raw: Raw) -> n.Literal:
        if _MONTH.fullmatch(raw.text) is None:
            raise self.wrong(raw, f"没有“{raw.text}”这个年月，应写成 month '2021-09'", "no such month")
        return n.Literal(Month(), raw.span, int(raw.text[:4]) * 12 + int(raw.text[5:]) - 1)

    def truth(self, raw: Raw, context: _Context) -> n.Node:
        node = self.node(raw, context)
        if isinstance(node.type, Null):
            return replace(node, type=Bool())
        if not isinstance(node.type, Bool):
            raise self.wrong(raw, f"这里要的是“是/否”，却是{node.type}", "a condition is needed here")
        return node

    # Names

    def name(self, raw: Raw, context: _Context) -> n.Node:
        parts = raw.text.split(".")
        if parts[0] == "param" and len(parts) == 2:
            if parts[1] not in self.schema.params:
                raise self.unknown(raw, parts[1], self.schema.params, "参数")
            return n.Const(self.schema.params[parts[1]], raw.span, raw.text)
        if len(parts) == 1 and parts[0] in self.schema.constants and parts[0] not in context.table.columns:
            return n.Const(self.schema.constants[parts[0]], raw.span, parts[0])
        prefix, name = ".".join(parts[:-1]), parts[-1]
        household = self.schema.subjects["household"]
        scopes: dict[str, tuple[str, Table]] = {"": ("row", context.table)}
        of_village = not self.schema.subjects[context.subject].of_household  # of what lies below it only this year's is asked
        if context.table.has_last and not (of_village and context.relation is not None):
            scopes["last"] = ("last", context.table)
        top = context.subject == "household" and context.relation is None
        if context.table.of_household:
            scopes["household"] = ("row" if top else "household", household)
        if context.table.of_household and not of_village:
            scopes["household.last"] = ("last" if top else "household.last", household)
            if "spell" in self.schema.subjects and context.subject != "spell":
                scopes["spell"] = ("spell", self.schema.subjects["spell"])
        if context.relation is not None and not of_village:
            scopes["own"] = ("own", self.schema.subjects[context.subject])
        if prefix not in scopes:
            allowed = "、".join([*(prefix for prefix in scopes if prefix), "param"])
            raise self.wrong(raw, f"不认识“{raw.text}”：前面只能是 {allowed}", "unknown prefix")
        scope, table = scopes[prefix]
        if name not in table.columns:
            raise self.unknown(raw, name, table.columns, "指标")
        return n.Column(table.columns[name], raw.span, scope, name)

    def unknown(self, raw: Raw, name: str, known: Iterable[str], what: str) -> _Wrong:
        near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
        hint = f"，是不是“{near[0]}”？" if near else "。"
        return self.wrong(raw, f"没有“{name}”这个{what}{hint}", f"unknown name {name}")

    # Meeting of types

    def word(self, raw: Raw, literal: n.Literal, list_name: str) -> n.Literal:
        """A word or code of a list, as its code."""
        codes = self.schema.lists.get(list_name, {})
        text = str(literal.value)
        if text in codes:
            return n.Literal(Code(list_name), literal.span, text)
        for code, zh in codes.items():
            if zh == text:
                return n.Literal(Code(list_name), literal.span, code)
        near = difflib.get_close_matches(text, list(codes.values()), n=1, cutoff=0.4)
        hint = f"，是不是“{near[0]}”？" if near else ""
        raise self.wrong(raw, f"“{list_name}”里没有“{text}”这一项{hint}", f"{text!r} is not in the list {list_name}")

    def adapt(self, raw: Raw, node: n.Node, to: Type) -> n.Node:
        """A literal takes the type of what it meets; anything else stays as it is."""
        if isinstance(node.type, Null):
            return replace(node, type=to)
        if isinstance(node, n.Negative) and _is_number(node):
            arg = self.adapt(raw, node.arg, to)
            return replace(node, arg=arg, type=arg.type)
        if not isinstance(node, n.Literal):
            return node
        if isinstance(to, Code) and isinstance(node.type, Text):
            return self.word(raw, node, to.list)
        if isinstance(to, Number) and isinstance(node.type, (Int, Number)):
            scale = node.type.scale if isinstance(node.type, Number) else 0
            if isinstance(node.type, Number) and node.type.unit not in ("", to.unit):
                return node
            if scale > to.scale:
                raise self.wrong(raw, f"小数位太多，这里最多 {to.scale} 位", "more decimals than the item has")
            return n.Literal(to, node.span, self.bounded(raw, int(str(node.value)) * 10 ** (to.scale - scale)))
        return node

    def meet(self, raw: Raw, left: n.Node, right: n.Node, raw_left: Raw, raw_right: Raw) -> tuple[n.Node, n.Node, int, int]:
        """Two sides of a comparison, sum or choice; powers of ten that bring them to one scale."""
        if not (_is_number(left) and _is_number(right)):  # two written numbers meet by scaling alone
            left, right = self.adapt(raw_left, left, right.type), self.adapt(raw_right, right, left.type)
        match left.type, right.type:
            case Int(), Int():
                return left, right, 0, 0
            case Number(unit=a, scale=p), Number(unit=b, scale=q) if a == b:
                return left, right, max(q - p, 0), max(p - q, 0)
            case Number(scale=p), Int():
                return left, right, 0, p
            case Int(), Number(scale=q):
                return left, right, q, 0
            case (a, b) if a == b:
                return left, right, 0, 0
        raise self.wrong(raw, f"{left.type}不能和{right.type}放在一起", f"{name_en(left.type)} does not meet {name_en(right.type)}")

    def comparison(self, raw: Raw, context: _Context) -> n.Node:
        left, right = self.both(raw.args[0], raw.args[1], context)
        if isinstance(left.type, Codes) or isinstance(right.type, Codes):
            raise self.wrong(raw, "多选项请用 has(指标, '选项') 或 size(指标)", "use has() for multi-selects")
        left, right, by_left, by_right = self.meet(raw, left, right, raw.args[0], raw.args[1])
        ordered = isinstance(left.type, (Int, Number, Date, Month))
        if raw.kind not in ("eq", "ne") and not ordered:
            raise self.wrong(raw, f"{left.type}只能用 = 和 !=，不能比大小", "only numbers and dates are ordered")
        return n.Compare(Bool(), raw.span, raw.kind, left, right, by_left, by_right)

    def within(self, raw: Raw, context: _Context) -> n.Node:
        arg = self.node(raw.args[0], context)
        values: list[n.Value] = []
        for part in raw.args[1:]:
            literal = self.node(part, context)
            inner = literal.arg if isinstance(literal, n.Negative) else literal
            if not isinstance(inner, n.Literal) or inner.value is None:
                raise self.wrong(part, "in 后面只能写固定的值，不能是空", "only literals may stand in a list")
            literal = self.adapt(part, literal, arg.type)
            if isinstance(arg.type, Codes) or literal.type != arg.type:
                raise self.wrong(part, f"这里要的是{arg.type}", "a value of another type")
            value = literal.value if isinstance(literal, n.Literal) else -int(str(literal.arg.value))  # type: ignore[attr-defined]  # a negative literal
            values.append(value)
        return n.In(Bool(), raw.span, arg, tuple(values))

    def negative(self, raw: Raw, context: _Context) -> n.Node:
        arg = self.node(raw.args[0], context)
        if not isinstance(arg.type, (Int, Number)):
            raise self.wrong(raw, "负号后面要是数", "a number must follow the minus")
        return n.Negative(arg.type, raw.span, arg)

    def arithmetic(self, raw: Raw, context: _Context) -> n.Node:
        left, right = self.both(raw.args[0], raw.args[1], context)
        if raw.kind == "mul":
            match left.type, right.type:
                case Int(), Int():
                    return n.Arithmetic(Int(), raw.span, "mul", left, right, 0, 0)
                case Number() as number, Int():
                    return n.Arithmetic(number, raw.span, "mul", left, right, 0, 0)
                case Int(), Number() as number:
                    return n.Arithmetic(number, raw.span, "mul", left, right, 0, 0)
            raise self.wrong(raw, "只能乘以整数；要乘小数请把两边都乘大（如 a * 100 > b * 90）", "multiply by whole numbers only")
        if raw.kind == "sub" and isinstance(left.type, (Date, Month)) and left.type == right.type:
            return n.Arithmetic(Int(), raw.span, "sub", left, right, 0, 0)
        if isinstance(left.type, Month) and isinstance(right.type, Int):
            return n.Arithmetic(Month(), raw.span, raw.kind, left, right, 0, 0)
        left, right, by_left, by_right = self.meet(raw, left, right, raw.args[0], raw.args[1])
        if not isinstance(left.type, (Int, Number)):
            raise self.wrong(raw, f"{left.type}不能加减", "only numbers are added")
        scales = [t.scale for t in (left.type, right.type) if isinstance(t, Number)]
        unit = next((t.unit for t in (left.type, right.type) if isinstance(t, Number)), "")
        type_: Type = Number(unit, max(scales)) if scales else Int()
        return n.Arithmetic(type_, raw.span, raw.kind, left, right, by_left, by_right)

    # Calls

    def call(self, raw: Raw, context: _Context) -> n.Node:
        name = raw.text
        known: dict[str, Function] = {**SCALAR, **AGGREGATES, **SETS}
        if name not in known:
            raise self.unknown(raw, name, known, "函数")
        function = known[name]
        if not function.least <= len(raw.args) <= function.most:
            raise self.wrong(raw, f"{name} 的参数个数不对，应是 {function.counts} 个", f"{name} takes {function.counts} arguments")
        if name in AGGREGATES:
            return self.aggregate(raw, context)
        if name in SETS:
            return self.over_all(raw, context)
        return self.scalar(raw, context)

    def literal_text(self, raw: Raw) -> str:
        if raw.kind != "text":
            raise self.wrong(raw, "这里要写带引号的名称", "a quoted name is needed here")
        return raw.text

    def scalar(self, raw: Raw, context: _Context) -> n.Node:
        name, args = raw.text, raw.args
        if name in ("has", "rank_of", "matches"):
            return self.named(raw, context)
        if name == "left":
            text = self.node(args[0], context)
            if not isinstance(text.type, Text):
                raise self.wrong(raw, "left 只能用于文字", "left takes text")
            if args[1].kind != "number" or not args[1].text.isdigit() or not 1 <= int(args[1].text) <= _MOST_LEFT:
                raise self.wrong(args[1], f"取前几个字要写 1 到 {_MOST_LEFT}", f"how many is a number from 1 to {_MOST_LEFT}")
            return n.Call(Text(), raw.span, "left", (text,), int(args[1].text))
        if name == "multiple":
            number = self.node(args[0], context)
            if not isinstance(number.type, (Int, Number)):
                raise self.wrong(raw, "multiple 只能用于数", "multiple takes a number")
            if args[1].kind != "number" or not args[1].text.isdigit() or not 1 <= int(args[1].text) <= _MOST_MULTIPLE:
                raise self.wrong(args[1], f"几的整倍数要写 1 到 {_MOST_MULTIPLE} 的整数", f"a whole number from 1 to {_MOST_MULTIPLE}")
            scale = number.type.scale if isinstance(number.type, Number) else 0
            return n.Call(Bool(), raw.span, name, (number,), int(args[1].text) * 10**scale)
        if name == "ratio":
            top, bottom = self.both(args[0], args[1], context)
            if args[2].kind != "number" or not args[2].text.isdigit() or int(args[2].text) > 6:
                raise self.wrong(args[2], "保留几位小数要写 0 到 6", "the scale is a number from 0 to 6")
            if not all(isinstance(part.type, (Int, Number)) for part in (top, bottom)):
                raise self.wrong(raw, "ratio 只能用于数", "ratio takes numbers")
            unit = top.type.unit if isinstance(top.type, Number) and isinstance(bottom.type, Int) else ""
            return n.Call(Number(unit, int(args[2].text)), raw.span, "ratio", (top, bottom), int(args[2].text))
        found = self.each([lambda part=part: self.node(part, context) for part in args])  # type: ignore[misc]  # as above
        match name:
            case "age" | "months_between":
                found = [self.adapt(part, node, Date()) for part, node in zip(args, found, strict=True)]
                if not all(isinstance(node.type, Date) for node in found):
                    raise self.wrong(raw, f"{name} 的两个参数都要是日期", f"{name} takes two dates")
                return n.Call(Int(), raw.span, name, tuple(found), None)
            case "distance":
                found = [self.adapt(part, node, _DEGREE) for part, node in zip(args, found, strict=True)]
                if not all(node.type == _DEGREE for node in found):
                    raise self.wrong(raw, "distance 的四个参数要是两点的纬度、经度", "distance takes latitude and longitude of two points")
                return n.Call(Int(), raw.span, name, tuple(found), None)
            case "length":
                if not isinstance(found[0].type, Text):
                    raise self.wrong(raw, "length 只能用于文字", "length takes text")
                return n.Call(Int(), raw.span, name, tuple(found), None)
            case "size":
                if not isinstance(found[0].type, Codes):
                    raise self.wrong(raw, "size 只能用于多选项", "size takes a multi-select")
                return n.Call(Int(), raw.span, name, tuple(found), None)
            case "abs":
                if not isinstance(found[0].type, (Int, Number)):
                    raise self.wrong(raw, "abs 只能用于数", "abs takes a number")
                return n.Call(found[0].type, raw.span, name, tuple(found), None)
            case "year":
                if not isinstance(found[0].type, (Date, Month)):
                    raise self.wrong(raw, "year 只能用于日期或年月", "year takes a date or month")
                return n.Call(Int(), raw.span, name, tuple(found), "month" if isinstance(found[0].type, Month) else "date")
            case "month":
                if not isinstance(found[0].type, Date):
                    raise self.wrong(raw, "month 只能用于日期", "month takes a date")
                return n.Call(Month(), raw.span, name, tuple(found), None)
            case "if":
                return self.choice(raw, found[0], found[1:], args[1:])
            case _:
                return self.alike(raw, found)

    def choice(self, raw: Raw, condition: n.Node, found: list[n.Node], args: tuple[Raw, ...]) -> n.Node:
        if not isinstance(condition.type, Bool):
            raise self.wrong(raw.args[0], "if 的第一个参数要是条件", "the first argument of if is a condition")
        left, right = self.same(raw, found, args)
        return n.Call(left.type, raw.span, "if", (condition, left, right), None)

    def same(self, raw: Raw, found: list[n.Node], args: tuple[Raw, ...]) -> list[n.Node]:
        """Arguments brought to one type: literals take the type of the others."""
        lead = next((node.type for node in found if not isinstance(node, n.Literal) and not _is_number(node)), found[0].type)
        if isinstance(lead, Null):
            lead = next((node.type for node in found if not isinstance(node.type, Null)), lead)
        adapted = [self.adapt(part, node, lead) for part, node in zip(args, found, strict=True)]
        if any(node.type != lead for node in adapted):
            raise self.wrong(raw, "这几个值的类型要一样", "the values must be of one type")
        return adapted

    def alike(self, raw: Raw, found: list[n.Node]) -> n.Node:
        adapted = self.same(raw, found, raw.args)
        if raw.text != "coalesce" and not isinstance(adapted[0].type, (Int, Number, Date, Month)):
            raise self.wrong(raw, f"{raw.text} 只能用于数或日期", f"{raw.text} takes numbers or dates")
        return n.Call(adapted[0].type, raw.span, raw.text, tuple(adapted), None)

    def named(self, raw: Raw, context: _Context) -> n.Node:
        """Functions whose second argument is a quoted name: an option, a pattern, an ordering."""
        arg = self.node(raw.args[0], context)
        text = self.literal_text(raw.args[1])
        if raw.text == "has":
            if not isinstance(arg.type, Codes):
                raise self.wrong(raw.args[0], "has 只能用于多选项", "has takes a multi-select")
            code = self.word(raw.args[1], n.Literal(Text(), raw.args[1].span, text), arg.type.list)
            return n.Call(Bool(), raw.span, "has", (arg,), str(code.value))
        if raw.text == "matches":
            if not isinstance(arg.type, Text):
                raise self.wrong(raw.args[0], "matches 只能用于文字", "matches takes text")
            if text not in PATTERNS:
                raise self.unknown(raw.args[1], text, PATTERNS, "写法")
            return n.Call(Bool(), raw.span, "matches", (arg,), text)
        if not isinstance(arg.type, Code):
            raise self.wrong(raw.args[0], "rank_of 只能用于代码项", "rank_of takes a code")
        if text not in self.schema.orderings:
            raise self.unknown(raw.args[1], text, self.schema.orderings, "顺序")
        ranks = ",".join(f"{code}={rank}" for code, rank in sorted(self.schema.orderings[text].items()))
        return n.Call(Int(), raw.span, "rank_of", (arg,), ranks)

    def relation(self, raw: Raw, context: _Context) -> _Context:
        if context.relation is not None:
            raise self.wrong(raw, "统计里面不能再套统计", "aggregates do not nest")
        known = self.schema.relations_of(context.subject)
        if raw.kind != "name" or raw.text not in known:
            raise self.unknown(raw, raw.text or "？", known, "关系")
        relation = known[raw.text]
        if relation.table not in self.schema.subjects:  # its form has a fault of its own
            raise self.unknown(raw, raw.text, set(known) - {raw.text}, "关系")
        return _Context(self.schema.subjects[relation.table], context.subject, raw.text)

    def aggregate(self, raw: Raw, context: _Context) -> n.Node:
        inner = self.relation(raw.args[0], context)
        name, args = raw.text, raw.args
        condition = args[1] if name in ("count", "any", "all") and len(args) > 1 else args[2] if len(args) > 2 else None
        value = args[1] if name not in ("count", "any", "all") else None
        where = self.truth(condition, inner) if condition is not None else None
        node = self.node(value, inner) if value is not None else None
        type_: Type = Bool() if name in ("any", "all") else Int()
        if node is not None:
            numeric = isinstance(node.type, (Int, Number))
            if name == "distinct":
                if not isinstance(node.type, (Text, Code, Int)):
                    raise self.wrong(raw, "distinct 只能用于文字、代码和整数", "distinct takes text, codes and whole numbers")
                return n.Aggregate(Int(), raw.span, name, str(inner.relation), node, where)
            if (name == "sum" and not numeric) or (name in ("min", "max") and not (numeric or isinstance(node.type, (Date, Month)))):
                raise self.wrong(raw, f"{name} 只能用于数{'' if name == 'sum' else '或日期'}", f"{name} takes numbers")
            type_ = node.type
        return n.Aggregate(type_, raw.span, name, str(inner.relation), node, where)

    def wanted(self, raw: Raw, node: n.Node, type_: Type) -> n.Node:
        """The result as the type it must have: literals adapt, whole numbers are scaled."""
        node = self.adapt(raw, node, type_)
        if isinstance(type_, Number) and isinstance(node.type, Int):
            node = n.Arithmetic(type_, node.span, "mul", node, n.Literal(Int(), node.span, 10**type_.scale), 0, 0)
        if node.type != type_:
            self.wrong(raw, f"结果应是“{type_}”，却是“{node.type}”", f"the result is {name_en(node.type)}, not {name_en(type_)}")
        return node

    def over_all(self, raw: Raw, context: _Context) -> n.Node:
        if context.relation is not None:
            raise self.wrong(raw, "统计里面不能用全县函数", "set functions do not stand inside aggregates")
        name, count = raw.text, 2 if raw.text in _WITH_LEAST else 1
        # What is asked about, and the condition; of peers the condition stands first, for the keys are as many as one likes.
        asked, conditions = (raw.args[1:], raw.args[:1]) if name == "peers" else (raw.args[:count], raw.args[count:])
        args = self.each([partial(self.node, part, context) for part in asked])
        where = self.truth(conditions[0], context) if conditions else None
        for part, inside in zip((*asked, *conditions), (*args, where), strict=False):
            if inside is not None and any(isinstance(found, (n.Aggregate, n.SetCall)) for found in n.walk(inside)):
                raise self.wrong(part, "全县函数里面不能再有统计或全县函数", "neither aggregates nor set functions stand inside set functions")
        if name == "rank" and not isinstance(args[0].type, (Int, Number, Date, Month)):
            raise self.wrong(raw, "rank 只能用于数或日期", "rank takes numbers or dates")
        if name in _WITH_LEAST:
            if not isinstance(args[0].type, (Int, Number)):
                raise self.wrong(raw, f"{name} 只能用于数", f"{name} takes a number")
            if not (isinstance(args[1], (n.Literal, n.Const)) and isinstance(args[1].type, Int)):
                raise self.wrong(asked[1], "至少几个要写整数，或整数的参数", "the least number of rows is a whole number, or a parameter that is one")
        types: dict[str, Type] = {"peers": Int(), "rank": Int(), "deviation": Number("", 2), "median": args[0].type}
        return n.SetCall(types.get(name, Bool()), raw.span, name, tuple(args), where)


def _columns(node: n.Node, relation: str | None = None) -> Iterable[tuple[str, str]]:
    if isinstance(node, n.Column):
        if relation and node.scope in ("row", "last"):
            yield (relation if node.scope == "row" else f"{relation}.last", node.name)
        else:
            yield ("row" if node.scope == "own" else node.scope, node.name)
    inside = node.relation if isinstance(node, n.Aggregate) else relation
    for child in n.children(node):
        yield from _columns(child, inside)


def reach_of(node: n.Node, swept: Collection[str]) -> str:
    """row: the subject's own rows; household: also others of the household; set: the whole county, or a column that sweeps alone fill (`swept`)."""
    found = list(n.walk(node))
    if any(isinstance(part, n.SetCall) or (isinstance(part, n.Column) and part.name in swept) for part in found):
        return "set"
    crosses = any(
        isinstance(part, n.Aggregate) or (isinstance(part, n.Column) and part.scope in ("household", "household.last", "spell")) for part in found
    )
    return "household" if crosses else "row"


def check(text: str | Parsed, schema: Schema, *, subject: str, expect: Type | None = None) -> Expression:
    """Check one expression against the schema. `expect`: the type it must have (a condition by default).

    Raises ExpressionFaults with every fault and its place.
    """
    return _checked(text, schema, subject, Bool() if expect is None else expect)


def infer(text: str | Parsed, schema: Schema, *, subject: str) -> Expression:
    """As `check`, for an expression of whatever type it has by itself."""
    return _checked(text, schema, subject, None)


def _checked(text: str | Parsed, schema: Schema, subject: str, wanted: Type | None) -> Expression:
    parsed = parse(text) if isinstance(text, str) else text
    checker = _Checker(schema, subject)
    context = _Context(schema.subjects[subject], subject)
    try:
        node = checker.node(parsed.root, context)
        if wanted is not None:
            node = checker.wanted(parsed.root, node, wanted)
        if weight(node) > MAX_WEIGHT:
            zh = f"展开成 SQL 后太大（最多 {MAX_WEIGHT:,} 个部分）：ratio、least、age 等函数不要层层套用"
            checker.wrong(parsed.root, zh, "too large as SQL: nest ratio, least, age … less deeply")
    except _Wrong:
        pass
    if checker.faults:
        raise ExpressionFaults(tuple(checker.faults))
    return Expression(
        node=node,
        text=parsed.text,
        type=node.type,
        subject=subject,
        reach=reach_of(node, frozenset[str]().union(*(table.swept for table in schema.subjects.values()))),
        columns=frozenset(_columns(node)),
        relations=frozenset(part.relation for part in n.walk(node) if isinstance(part, n.Aggregate)),
        normalised=parsed.normalised,
    )
