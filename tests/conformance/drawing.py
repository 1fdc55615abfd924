"""Drawn expressions and drawn households: what no one thought of writing into the tables.

One generator serves hypothesis (which shrinks: the first choice is always the simplest) and a seeded random source.
"""

import datetime
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from fangfanpin.expressions import Bool, Code, Codes, Date, Int, Month, Number, Text, Type
from fangfanpin.expressions.patterns import PATTERNS
from tests.conformance.world import HOUSEHOLD, LISTS, PERSON, PLAN, SCHEMA, SPELL, WORK, Home, Person, Row

Below = Callable[[int], int]  # a choice among n
TEXTS = (
    "张三",
    "李四",
    "𠮷田",
    "买买提·艾力",
    "张三之子",
    "13912345678",
    "13900000000",
    "0552-6012345",
    "111",
    "it's",
    "a b",
    "（张）",
    "e\u0301",
    "\n",
    "未取名",
)
TYPES: Sequence[Type] = (
    Bool(), Int(), Number("yuan", 2), Number("mu", 2), Number("km", 2), Number("km", 3), Number("degree", 6), Number("month", 1),
    Date(), Month(), Text(), Code("household_type"), Code("cause"), Code("grade"), Code("sex"), Codes("cause"), Codes("health"),
)  # fmt: skip
_DAYS = (datetime.date(1900, 1, 1), datetime.date(2031, 12, 31))


def _date(below: Below) -> int:
    special = (20210930, 20200229, 20040229, 20210228, 20210301, 20201231, 20210101, 20210131)
    if (place := below(16)) < len(special):
        return special[place]
    day = _DAYS[0] + datetime.timedelta(days=below((_DAYS[1] - _DAYS[0]).days))
    return day.year * 10000 + day.month * 100 + day.day


def _integer(below: Below) -> int:
    size = below(10)
    if size < 6:
        return below(7)
    magnitude = (100, 10_000, 10_000_000, 10**13)[size - 6]
    return below(magnitude) * (-1 if below(4) == 3 else 1)


def value(type_: Type, below: Below) -> Any:
    """An engine value of the type, often nothing, often near a boundary."""
    if below(4) == 3:
        return None
    match type_:
        case Bool():
            return below(2) == 0
        case Int() | Number():
            return _integer(below)
        case Date():
            return _date(below)
        case Month():
            return 12 * (1990 + below(40)) + below(12)
        case Text():
            return TEXTS[below(len(TEXTS))]
        case Code(list_name):
            return list(LISTS[list_name])[below(len(LISTS[list_name]))]
        case Codes(list_name):
            return tuple(code for code in LISTS[list_name] if below(3) == 0)
        case _:
            raise AssertionError(type_)


def home(below: Below) -> Home:
    def row(columns: dict[str, Type]) -> Row:
        return {name: value(type_, below) for name, type_ in columns.items()}

    def last(columns: dict[str, Type]) -> Row | None:
        return row(columns) if below(4) else None

    people = [Person(row(dict(PERSON)), last(dict(PERSON)), below(5) > 0) for _ in range(below(5))]
    spells = [{**row(dict(SPELL)), "spell_no": place + 1} for place in range(below(3))]
    works = [row(dict(WORK)) for _ in range(below(3))]
    plans = [row(dict(PLAN)) for _ in range(below(3))]
    return Home(row(dict(HOUSEHOLD)), last(dict(HOUSEHOLD)), people, spells, works, plans)


VILLAGES = ("340323100200", "340323100201", "340323101200", None)


def homes(count: int, seed: int) -> dict[str, Home]:
    """Some plans name two or three of the households; most lie in the first of the villages, a few in none."""
    draw = random.Random(seed)
    found = {f"h{place}": home(draw.randrange) for place in range(count)}
    known = [plan for one in found.values() for plan in one.plans]
    shared = {key: draw.choices(known, k=draw.randrange(3)) for key in found} if known else {}
    places = random.Random(seed).choices(VILLAGES, (6, 3, 1, 1), k=count)
    return {
        key: replace(one, plans=_once([*one.plans, *shared.get(key, ())]), village=village)
        for (key, one), village in zip(found.items(), places, strict=True)
    }


def _once(rows: Sequence[Row]) -> list[Row]:
    """A row names a household once, if at all."""
    return list({id(row): row for row in rows}.values())


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a name stands: the subject, and the relation inside an aggregate."""

    subject: str
    relation: str = ""

    def names(self, type_: Type) -> list[str]:
        own = SCHEMA.subjects[SCHEMA.relations[self.relation].table if self.relation else self.subject]
        found = [name for name, held in own.columns.items() if held == type_]
        if own.has_last:
            found += [f"last.{name}" for name, held in own.columns.items() if held == type_]
        if own.of_household and (self.relation or self.subject != "household"):
            found += [f"household.{name}" for name, held in HOUSEHOLD.items() if held == type_]
        if own.of_household:
            found += [f"household.last.{name}" for name, held in HOUSEHOLD.items() if held == type_]
        if own.of_household and self.subject != "spell":
            found += [f"spell.{name}" for name, held in SPELL.items() if held == type_]
        if self.relation:
            found += [f"own.{name}" for name, held in SCHEMA.subjects[self.subject].columns.items() if held == type_]
        found += [name for name, held in SCHEMA.constants.items() if held == type_]
        return found + [f"param.{name}" for name, held in SCHEMA.params.items() if held == type_]


class _Writer:
    """Writes the text of an expression of a wanted type."""

    def __init__(self, below: Below) -> None:
        self.below = below

    def one(self, options: Sequence[Any]) -> Any:
        return options[self.below(len(options))]

    def write(self, type_: Type, place: _Place, depth: int) -> str:
        names = place.names(type_)
        if depth <= 0:
            return str(self.one(names)) if names else self.literal(type_)
        options: list[Callable[[], str]] = [lambda: str(self.one(names))] if names else []
        options += self.made(type_, place, depth)
        if not options:
            return self.literal(type_)
        return str(self.one(options)())

    def degrees(self, sub: Callable[[Type], str]) -> str:
        """A point on Earth more often than chance would have it."""
        if self.below(3):
            return f"{self.below(90)}.{self.below(10**6):06d}"
        return sub(Number("degree", 6))

    def literal(self, type_: Type) -> str:
        match type_:
            case Bool():
                return str(self.one(("true", "false")))
            case Int():
                return str(_integer(self.below))
            case Number(_unit, scale):
                whole, part = abs(_integer(self.below)), self.below(min(scale, 2) + 1)
                return f"{whole}.{self.below(10**part):0{part}d}" if part else str(whole)
            case Date():
                held = str(_date(self.below))
                return f"date '{held[:4]}-{held[4:6]}-{held[6:]}'"
            case Month():
                return f"month '{1990 + self.below(40)}-{1 + self.below(12):02d}'"
            case Text():
                return self.quoted(self.one(TEXTS))
            case Code(list_name):
                return self.quoted(self.one([*LISTS[list_name], *LISTS[list_name].values()]))
            case _:
                return "null"

    def quoted(self, text: str) -> str:
        doubled = text.replace("'", "''")
        return f"'{doubled}'"

    def either(self, type_: Type, place: _Place, depth: int) -> str:
        """The second side of something: a name, a literal or more."""
        return self.literal(type_) if self.below(3) == 0 else self.write(type_, place, depth)

    def aggregated(self, fn: str, type_: Type, place: _Place, depth: int) -> str:
        relation = str(self.one(list(SCHEMA.relations)))
        inside = _Place(place.subject, relation)
        where = f", {self.write(Bool(), inside, depth)}" if fn == "the" or self.below(2) else ""
        if not inside.names(type_):
            return f"{fn}({relation}, {self.literal(type_)}{where})"
        return f"{fn}({relation}, {self.write(type_, inside, depth)}{where})"

    def made(self, type_: Type, place: _Place, depth: int) -> list[Callable[[], str]]:
        """Ways to make a value of the type from smaller ones."""
        d = depth - 1

        def sub(wanted: Type) -> str:
            return self.write(wanted, place, d)

        def alt(wanted: Type) -> str:
            return self.either(wanted, place, d)

        ways: list[Callable[[], str]] = [
            lambda: f"coalesce({sub(type_)}, {alt(type_)})",
            lambda: f"if({sub(Bool())}, {sub(type_)}, {self.one((alt(type_), 'null'))})",
        ]
        if not place.relation:
            ways.append(lambda: self.aggregated("the", type_, place, d))
        match type_:
            case Bool():
                ways += self.conditions(place, sub, alt, d)
            case Int():
                ways += self.whole_numbers(place, sub, d)
        if isinstance(type_, (Int, Number)):
            ways += [
                lambda: f"({sub(type_)} + {alt(type_)})",
                lambda: f"({sub(type_)} - {alt(type_)})",
                lambda: f"({sub(type_)} * {alt(Int())})",
                lambda: f"-({sub(type_)})",
                lambda: f"abs({sub(type_)})",
            ]
            if not place.relation:
                ways.append(lambda: self.aggregated("sum", type_, place, d))
        if isinstance(type_, Number):
            ways.append(lambda: f"ratio({sub(type_)}, {sub(Int())}, {type_.scale})")
        if isinstance(type_, (Int, Number, Date, Month)):
            ways.append(lambda: f"{self.one(('least', 'greatest'))}({sub(type_)}, {alt(type_)})")
            if not place.relation:
                ways.append(lambda: self.aggregated(self.one(("min", "max")), type_, place, d))
        if isinstance(type_, Text):
            ways.append(lambda: f"left({sub(type_)}, {1 + self.below(4)})")
        if isinstance(type_, Month):
            ways += [lambda: f"month({sub(Date())})", lambda: f"({sub(type_)} {self.one('+-')} {alt(Int())})"]
        return ways

    def conditions(self, place: _Place, sub: Callable[[Type], str], alt: Callable[[Type], str], d: int) -> list[Callable[[], str]]:
        ordered = [type_ for type_ in TYPES if isinstance(type_, (Int, Number, Date, Month))]

        def compared() -> str:
            type_ = self.one([type_ for type_ in TYPES if not isinstance(type_, Codes)])
            ops = ("=", "!=", "<", "<=", ">", ">=") if type_ in ordered else ("=", "!=")
            return f"{sub(type_)} {self.one(ops)} {alt(type_)}"

        def scaled() -> str:
            first, second = self.one(((Number("km", 2), Number("km", 3)), (Int(), Number("yuan", 2)), (Number("mu", 2), Int())))
            return f"({sub(first)} {self.one('+-')} {sub(second)}) {self.one(('=', '<', '>='))} {sub(self.one((first, second)))}"

        def within() -> str:
            type_ = self.one([type_ for type_ in TYPES if not isinstance(type_, (Codes, Bool))])
            values = ", ".join(self.literal(type_) for _ in range(1 + self.below(3)))
            return f"{sub(type_)} {self.one(('in', 'not in'))} ({values})"

        def between() -> str:
            type_ = self.one(ordered)
            return f"{sub(type_)} {self.one(('between', 'not between'))} {alt(type_)} and {alt(type_)}"

        def chosen() -> str:
            codes = self.one([type_ for type_ in TYPES if isinstance(type_, Codes)])
            return f"has({sub(codes)}, {self.quoted(self.one(list(LISTS[codes.list])))})"

        def counted() -> str:
            relation = self.one(list(SCHEMA.relations))
            return f"{self.one(('any', 'all'))}({relation}, {self.write(Bool(), _Place(place.subject, relation), d)})"

        ways: list[Callable[[], str]] = [
            compared,
            lambda: f"not ({sub(Bool())})",
            lambda: f"({sub(Bool())} and {sub(Bool())})",
            lambda: f"({sub(Bool())} or {sub(Bool())} or {sub(Bool())})",
            lambda: f"({sub(self.one(TYPES))}) {self.one(('is null', 'is not null'))}",
            within,
            between,
            chosen,
            scaled,
            lambda: f"matches({sub(Text())}, '{self.one(list(PATTERNS))}')",
            lambda: f"multiple({sub(self.one((Int(), Number('yuan', 2), Number('degree', 6))))}, {self.one((1, 2, 100, 1_000_000))})",
            lambda: (
                f"ratio({sub(self.one((Int(), Number('mu', 2))))}, {sub(self.one((Number('yuan', 2), Number('km', 3))))}, {self.below(5)}) "
                f"{self.one(('>', '<='))} {self.below(5)}"
            ),
        ]
        if not place.relation:
            ways.append(counted)
        # comparisons bind looser than what stands around them
        return [lambda way=way: f"({way()})" for way in ways]  # type: ignore[misc]  # default binds the loop's way

    def whole_numbers(self, place: _Place, sub: Callable[[Type], str], d: int) -> list[Callable[[], str]]:
        def counted() -> str:
            relation = self.one(list(SCHEMA.relations))
            where = f", {self.write(Bool(), _Place(place.subject, relation), d)}" if self.below(3) else ""
            return f"count({relation}{where})"

        ways: list[Callable[[], str]] = [
            lambda: f"age({sub(Date())}, {sub(Date())})",
            lambda: f"months_between({sub(Date())}, {sub(Date())})",
            lambda: f"length({sub(Text())})",
            lambda: f"size({sub(self.one((Codes('cause'), Codes('health'))))})",
            lambda: f"year({sub(self.one((Date(), Month())))})",
            lambda: f"({sub(Date())} - {sub(Date())})",
            lambda: f"({sub(Month())} - {sub(Month())})",
            lambda: f"rank_of({sub(Code('grade'))}, 'school')",
            lambda: f"distance({', '.join(self.degrees(sub) for _ in range(4))})",
        ]

        def different() -> str:
            relation = self.one(list(SCHEMA.relations))
            type_ = self.one((Text(), Int(), *(held for held in TYPES if isinstance(held, Code))))
            return f"distinct({relation}, {self.write(type_, _Place(place.subject, relation), d)})"

        if not place.relation:
            ways += [counted, different]
        return ways


def expression(below: Below, depth: int = 4) -> tuple[str, str]:
    """(subject, text) of a well-typed expression, as far as the grammar here knows."""
    writer = _Writer(below)
    subject = str(writer.one(("household", "person", "spell", "work")))
    return subject, writer.write(writer.one(TYPES), _Place(subject), 1 + below(depth))


def condition(below: Below, depth: int = 3) -> tuple[str, str]:
    """(subject, text) of what may be a rule's."""
    writer = _Writer(below)
    subject = str(writer.one(("household", "person", "spell", "work")))
    return subject, writer.write(Bool(), _Place(subject), 1 + below(depth))


def set_function(below: Below, depth: int = 2) -> tuple[str, str]:
    """(subject, text) of a question over the whole population. What it asks about may hold an aggregate, and is refused then."""
    writer = _Writer(below)
    subject = str(writer.one(("household", "person")))
    place = _Place(subject)

    def asked(*types: Type) -> str:
        return writer.write(writer.one(types), place, below(depth))

    def condition() -> str:
        return writer.write(Bool(), place, below(depth))

    fn = str(writer.one(("duplicates", "other_household", "peers", "rank", "deviation", "median")))
    comparable = [type_ for type_ in TYPES if not isinstance(type_, Codes)]
    if fn == "peers":
        keys = ", ".join(asked(*comparable) for _ in range(1 + below(3)))
        return subject, f"peers({condition()}, {keys})"
    where = f", {condition()}" if below(2) else ""
    if fn == "rank":
        return subject, f"rank({asked(*(type_ for type_ in comparable if isinstance(type_, (Int, Number, Date, Month))))}{where})"
    if fn in ("deviation", "median"):
        least = writer.one(("1", "4", "9", "param.school_age"))
        return subject, f"{fn}({asked(*(type_ for type_ in comparable if isinstance(type_, (Int, Number))))}, {least}{where})"
    return subject, f"{fn}({asked(*comparable)}{where})"


@st.composite
def expressions(draw: st.DrawFn) -> tuple[str, str]:
    return expression(lambda n: draw(st.integers(0, n - 1)))
