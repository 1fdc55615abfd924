"""The specification tables of the rule language: little data, an expression, what it must be. Every engine runs them.

They are the source; `python -m tests.conformance.write` makes cases/*.json of them, which TypeScript reads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.world import Case, Home, Person, Row

T, F, N = True, False, None


def month(text: str) -> int:
    return int(text[:4]) * 12 + int(text[5:7]) - 1


def me(last: Row | None = None, live: bool = True, **row: Any) -> Person:
    return Person(row, last, live)


@dataclass(slots=True)
class Table:
    """Cases of one matter, numbered in the order they are written."""

    name: str
    cases: list[Case] = field(default_factory=list)

    def add(self, subject: str, text: str, expected: Any, home: Home, which: int = 0) -> None:
        self.cases.append(Case(f"{self.name}-{len(self.cases) + 1:03d}", subject, text, home, which, expected))

    def h(
        self, text: str, expected: Any, last: Row | None = None, people: Sequence[Person] = (), spells: Sequence[Row] = (), **row: Any
    ) -> None:  # fmt: skip
        """A household."""
        self.add("household", text, expected, Home(row, last, people, spells))

    def m(self, text: str, expected: Any, plans: Sequence[Row], **row: Any) -> None:
        """A household that plans name."""
        self.add("household", text, expected, Home(row, plans=plans))

    def p(
        self, text: str, expected: Any, person: Person | None = None, others: Sequence[Person] = (), home: Home | None = None, **row: Any
    ) -> None:  # fmt: skip
        """A person: the first of the household's people."""
        frame = home or Home()
        self.add("person", text, expected, Home(frame.row, frame.last, (person or Person(row), *others), frame.spells))

    def s(self, text: str, expected: Any, home: Home | None = None, others: Sequence[Row] = (), **row: Any) -> None:
        """A monitoring spell: the first of the household's."""
        frame = home or Home()
        self.add("spell", text, expected, Home(frame.row, frame.last, frame.people, ({"spell_no": 1, **row}, *others)))

    def w(self, text: str, expected: Any, home: Home | None = None, others: Sequence[Row] = (), **row: Any) -> None:
        """A row of a register: the first of the household's."""
        frame = home or Home()
        self.add("work", text, expected, Home(frame.row, frame.last, frame.people, frame.spells, (row, *others)))


def literals() -> Table:
    t = Table("literals")
    for text, value in (
        ("true", T), ("false", F), ("TRUE", T), ("null", N), ("0", 0), ("42", 42), ("2.5", 25), ("0.010", 10), ("6000.50", 600050),
        ("999999999999999", 999999999999999), ("'之子'", "之子"), ("'它说''好'''", "它说'好'"), ("''", ""), ("date '2021-09-30'", 20210930),
        ("date '2024-02-29'", 20240229), ("month '2021-09'", 24260), ("month '2020-12'", 24251), ("(7)", 7), ("-7", -7), ("-(-7)", 7),
    ):  # fmt: skip
        t.h(text, value)
    for name, value in (
        ("state_date", 20210930), ("period_start", 20201001), ("period_end", 20210930), ("school_date", 20210901), ("form_year", 2021),
        ("param.income_line", 600000), ("param.school_age", 6), ("param.unknown_line", N),
    ):  # fmt: skip
        t.h(name, value)
    t.h("param.unknown_line > 1", N)
    t.h("coalesce(param.unknown_line, param.income_line)", 600000)
    return t


def logic() -> Table:
    t = Table("logic")
    truth = (T, F, N)
    for a in truth:
        t.h("not safe_water", N if a is N else not a, safe_water=a)
        t.h("not not safe_water", a, safe_water=a)
        for b in truth:
            t.h("safe_water and broadband", F if F in (a, b) else N if N in (a, b) else T, safe_water=a, broadband=b)
            t.h("safe_water or broadband", T if T in (a, b) else N if N in (a, b) else F, safe_water=a, broadband=b)
            t.h("safe_water = broadband", N if N in (a, b) else a is b, safe_water=a, broadband=b)
            t.h("safe_water != broadband", N if N in (a, b) else a is not b, safe_water=a, broadband=b)
            t.h("if(safe_water, 'A', 'B') = 'A' and not broadband", F if a is not T or b is T else N if b is N else T, safe_water=a, broadband=b)
    t.h("safe_water and broadband", N)
    t.h("true or null", T)
    t.h("null or false", N)
    t.h("null and false", F)
    t.h("null and true", N)
    t.h("not null", N)
    t.h("null is null", T)
    t.h("null = 1", N)
    t.h("true and true or false and false", T)
    t.h("true or true and false", T)
    t.h("(true or true) and false", F)
    t.h("not true or true", T)
    t.h("not (true or true)", F)
    t.h("not 1 = 2", T)
    t.h("safe_water and broadband and household_size > 3", F, safe_water=T, broadband=N, household_size=2)
    t.h("safe_water or broadband or household_size > 3", T, safe_water=F, broadband=N, household_size=4)
    t.h("(safe_water = true) is null", T)
    t.h("(safe_water = true) is not null", T, safe_water=F)
    t.h("safe_water in (true)", T, safe_water=T)
    t.h("safe_water in (true)", N)
    return t


def comparison() -> Table:
    t = Table("comparison")
    for size, results in ((3, (F, T, T, T, F, F)), (4, (T, F, F, T, F, T)), (5, (F, T, F, F, T, T)), (N, (N,) * 6)):
        for op, expected in zip(("=", "!=", "<", "<=", ">", ">="), results, strict=True):
            t.h(f"household_size {op} 4", expected, household_size=size)
    t.h("household_size <> 4", T, household_size=5)
    t.h("household_size = livestock", T, household_size=5, livestock=5)
    t.h("household_size = livestock", N, household_size=5)
    # Numbers meet by scaling: yuan and fen, whole numbers and decimals, kilometres of two and three places.
    t.h("wage_income = 6000.50", T, wage_income=600050)
    t.h("wage_income = 6000", F, wage_income=600001)
    t.h("wage_income = 6000", T, wage_income=600000)
    t.h("6000 < wage_income", T, wage_income=600001)
    t.h("wage_income >= param.income_line", T, wage_income=600000)
    t.h("wage_income < param.income_line", T, wage_income=599999)
    t.h("wage_income = household_size", T, wage_income=300, household_size=3)
    t.h("household_size = wage_income", F, wage_income=301, household_size=3)
    t.h("household_size > 2.5", T, household_size=3)
    t.h("household_size > 2.5", F, household_size=2)
    t.h("2.50 = 2.5", T)
    t.h("2.5 > 2.49", T)
    t.h("road_km = walk_km", T, road_km=150, walk_km=1500)
    t.h("road_km < walk_km", T, road_km=150, walk_km=1501)
    t.h("walk_km < road_km", T, road_km=150, walk_km=1499)
    t.h("lat between 20 and 40.5", T, lat=33_318_333)
    t.h("wage_income > -5", T, wage_income=0)
    t.h("wage_income > -5.01", F, wage_income=-501)
    t.h("net_income = -household_size", T, net_income=-300, household_size=3)
    t.h("net_income = -household_size", F, net_income=-3, household_size=3)
    t.h("net_income < 0", T, net_income=-1)
    t.h("wage_income > 99999999999.99", T, wage_income=10_000_000_000_000)
    # Dates and months
    t.h("visited_on <= state_date", T, visited_on=20210930)
    t.h("visited_on < date '2021-10-01'", T, visited_on=20210930)
    t.h("visited_on > entered_on", N, visited_on=20210930)
    t.h("first_month >= month '2014-01'", T, first_month=month("2014-01"))
    t.h("first_month < exit_month", F, first_month=month("2016-01"), exit_month=month("2015-12"))
    # Codes and text
    t.h("household_type = '监测对象'", T, household_type="04")
    t.h("household_type = '04'", T, household_type="04")
    t.h("household_type != '一般脱贫户'", N)
    t.h("head_name = '张三'", T, head_name="张三")
    t.h("head_name = bank_holder", T, head_name="张㐱", bank_holder="张㐱")
    t.h("head_name != bank_holder", T, head_name="张三", bank_holder="张三 ")
    t.h("head_name = 'A'", F, head_name="a")
    t.h("head_name = '𠮷田'", T, head_name="𠮷田")
    # between, in, is null
    for size, expected in ((2, F), (3, T), (5, T), (6, F), (N, N)):
        t.h("household_size between 3 and 5", expected, household_size=size)
        t.h("household_size not between 3 and 5", N if expected is N else not expected, household_size=size)
        t.h("household_size in (3, 4, 5)", expected, household_size=size)
        t.h("household_size not in (3, 4, 5)", N if expected is N else not expected, household_size=size)
    t.h("household_size between livestock and 5", N, household_size=4)
    t.h("household_size between livestock and 5", F, household_size=6)
    t.h("wage_income in (6000.50, -1, 0)", T, wage_income=600050)
    t.h("wage_income in (6000.50, -1, 0)", T, wage_income=-100)
    t.h("wage_income in (6000.50, -1, 0)", F, wage_income=1)
    t.h("household_type in ('监测对象', '02')", T, household_type="02")
    t.h("household_type not in ('监测对象', '02')", T, household_type="01")
    t.h("household_type not in ('监测对象', '02')", N)
    t.h("visited_on in (date '2021-09-30')", T, visited_on=20210930)
    t.h("first_month in (month '2021-09')", F, first_month=1)
    t.h("head_name in ('张三', '李四')", T, head_name="李四")
    t.h("head_name in ('它''s')", T, head_name="它's")
    for name, value in (("wage_income", 0), ("head_name", "张"), ("causes", ("01",)), ("safe_water", F), ("visited_on", 20210930), ("causes", ())):
        t.add("household", f"{name} is null", F, Home({name: value}))
        t.add("household", f"{name} is not null", T, Home({name: value}))
        t.add("household", f"{name} is null", T, Home({name: N}))
        t.add("household", f"{name} is null", T, Home())
    return t


def arithmetic() -> Table:
    t = Table("arithmetic")
    t.h("household_size + livestock", 7, household_size=3, livestock=4)
    t.h("household_size - livestock", -1, household_size=3, livestock=4)
    t.h("household_size * livestock", 12, household_size=3, livestock=4)
    for op in "+-*":
        t.h(f"household_size {op} livestock", N, household_size=3)
        t.h(f"household_size {op} livestock", N, livestock=3)
    t.h("-household_size", -3, household_size=3)
    t.h("-household_size", 0, household_size=0)
    t.h("-household_size", N)
    t.h("1 + 2 * 3", 7)
    t.h("(1 + 2) * 3", 9)
    t.h("10 - 3 - 2", 5)
    t.h("-2 * 3", -6)
    t.h("2 - -3", 5)
    t.h("wage_income + net_income", 600051, wage_income=600050, net_income=1)
    t.h("wage_income + 0.05", 105, wage_income=100)
    t.h("wage_income - 1", -1, wage_income=99)
    t.h("1 - wage_income", 1, wage_income=99)
    t.h("wage_income + household_size", 450, wage_income=150, household_size=3)
    t.h("household_size - wage_income", 150, wage_income=150, household_size=3)
    t.h("household_size + 0.5", 35, household_size=3)
    t.h("road_km + walk_km", 3001, road_km=150, walk_km=1501)
    t.h("walk_km - road_km", 1, road_km=150, walk_km=1501)
    t.h("wage_income * 12", 1200, wage_income=100)
    t.h("household_size * param.income_line", 1_800_000, household_size=3)
    t.h("net_income * 100 > wage_income * 90", T, net_income=91, wage_income=100)
    t.h("net_income < household_size * param.income_line", T, net_income=1_799_999, household_size=3)
    t.h("farmland_mu + irrigated_mu", 350, farmland_mu=150, irrigated_mu=200)
    t.h("0.1 + 0.2 = 0.3", T)
    # Dates and months
    t.h("state_date - visited_on", 29, visited_on=20210901)
    t.h("visited_on - state_date", -29, visited_on=20210901)
    t.h("visited_on - entered_on", 2, visited_on=20200301, entered_on=20200228)
    t.h("visited_on - entered_on", 1, visited_on=20210301, entered_on=20210228)
    t.h("visited_on - entered_on", 366, visited_on=20210101, entered_on=20200101)
    t.h("visited_on - entered_on", 36524, visited_on=20000101, entered_on=19000101)
    t.h("visited_on - entered_on", N, visited_on=20000101)
    t.h("exit_month - first_month", 13, exit_month=month("2021-01"), first_month=month("2019-12"))
    t.h("first_month + 1", month("2020-01"), first_month=month("2019-12"))
    t.h("first_month - 12", month("2018-12"), first_month=month("2019-12"))
    t.h("first_month + household_size", N, first_month=month("2019-12"))
    t.h("first_month + 999999", N, first_month=month("2019-12"))
    t.h("first_month - 24240", N, first_month=month("2019-12"))
    # A result of more than 15 digits is unknown in every engine.
    t.h("livestock * 1000", 999_999_999_999_000, livestock=999_999_999_999)
    t.h("livestock * 1000", N, livestock=1_000_000_000_000)
    t.h("livestock * -1000", N, livestock=1_000_000_000_000)
    t.h("livestock * livestock", N, livestock=9_000_000_000_000)
    t.h("livestock * livestock * livestock is null", T, livestock=9_000_000_000_000)
    t.h("livestock + 999999999999999", 999999999999999, livestock=0)
    t.h("livestock + 999999999999999", N, livestock=1)
    t.h("livestock - 999999999999999", N, livestock=-1)
    t.h("household_size * livestock", 2_500_000_000, household_size=50_000, livestock=50_000)
    t.h("wage_income * 3", N, wage_income=400_000_000_000_000)
    return t


def functions() -> Table:
    t = Table("functions")
    # age: 29 February falls on 1 March in other years; before birth −1
    for birth, on, years in (
        (20050930, 20210930, 16), (20051001, 20210930, 15), (20050929, 20210930, 16), (20210930, 20210930, 0), (20211001, 20210930, -1),
        (20040229, 20200228, 15), (20040229, 20200229, 16), (20040229, 20210228, 16), (20040229, 20210301, 17), (20040301, 20210228, 16),
        (19200101, 20210930, 101), (20000101, 20001231, 0), (N, 20210930, N), (20050930, N, N),
    ):  # fmt: skip
        t.h("age(entered_on, visited_on)", years, entered_on=birth, visited_on=on)
    t.p("age(birth_date, state_date) >= 16", T, birth_date=20050930)
    t.p("age(birth_date, state_date) >= 16", F, birth_date=20051001)
    t.p("age(birth_date, school_date) between 6 and 15", T, birth_date=20150901)
    t.p("age(birth_date, date '2021-02-28')", 16, birth_date=20040229)
    for first, second, months in (
        (20210131, 20210228, 0), (20210131, 20210301, 1), (20210115, 20210215, 1), (20210115, 20210214, 0), (20201215, 20210115, 1),
        (20200101, 20210101, 12), (20210315, 20210310, -1), (20210315, 20210215, -1), (20210315, 20210214, -2), (20210315, 20210315, 0),
        (N, 20210101, N), (20210101, N, N),
    ):  # fmt: skip
        t.h("months_between(entered_on, visited_on)", months, entered_on=first, visited_on=second)
    for codes, result in ((("01", "03"), T), (("03",), F), ((), F), (N, N)):
        t.h("has(causes, '因病')", result, causes=codes)
        t.h("has(causes, '01')", result, causes=codes)
        t.h("not has(causes, '因病')", N if result is N else not result, causes=codes)
        t.h("size(causes)", N if codes is N else len(codes), causes=codes)
    for text, length in (("张三", 2), ("𠮷田", 2), ("a·b", 3), ("", 0), ("é", 1), (N, N)):
        t.h("length(head_name)", length, head_name=text)
    for text, start in (("340323", "34"), ("3", "3"), ("", ""), ("𠮷田", "𠮷田"), ("𠮷田一", "𠮷田"), ("é一", "é一"), (N, N)):
        t.h("left(head_name, 2)", start, head_name=text)
    t.h("left(head_name, 20)", "a", head_name="a")
    t.h("left(head_name, 2) != left(phone, 2)", T, head_name="340323", phone="350000")
    for size, half in (
        (100, 50), (101, 51), (-101, -51), (99, 50), (-99, -50), (0, 0), (1, 1), (-1, -1), (3, 2), (-3, -2), (N, N),
    ):  # fmt: skip
        t.h("ratio(household_size, 2, 0)", half, household_size=size)
    for top, bottom, scale, value in (
        (1, 3, 2, 33), (2, 3, 2, 67), (-2, 3, 2, -67), (2, -3, 2, -67), (-2, -3, 2, 67), (1, 8, 2, 13), (-1, 8, 2, -13), (5, 0, 2, N),
        (0, 7, 2, 0), (N, 7, 2, N), (5, N, 2, N), (N, 0, 2, N), (1, 7, 6, 142857), (10**13, 3, 0, 3_333_333_333_333),
        (10**13, 1, 2, N), (10**13, 7, 2, 142_857_142_857_143), (10**15 - 1, 1, 0, 10**15 - 1), (10**13, 1, 6, N),
    ):  # fmt: skip
        t.h(f"ratio(household_size, livestock, {scale})", value, household_size=top, livestock=bottom)
    t.h("ratio(net_income, household_size, 2)", 333333, net_income=1_000_000, household_size=3)
    t.h("ratio(net_income, household_size, 2)", N, net_income=1_000_000, household_size=0)
    t.h("ratio(net_income, household_size, 2) < param.income_line", T, net_income=1_799_997, household_size=3)
    t.h("ratio(net_income, household_size, 2) < param.income_line", F, net_income=1_799_999, household_size=3)
    t.h("ratio(net_income, wage_income, 3)", 500, net_income=150, wage_income=300)
    t.h("ratio(net_income, farmland_mu, 2)", 200, net_income=300, farmland_mu=150)
    t.h("ratio(road_km, walk_km, 1)", 10, road_km=150, walk_km=1500)
    t.h("ratio(walk_km, road_km, 0)", 1, road_km=150, walk_km=1500)
    t.h("ratio(household_size, 0.5, 1)", 60, household_size=3)
    t.h("ratio(wage_income, lat, 2)", 100, wage_income=100, lat=1_000_000)
    t.h("ratio(net_income, net_income - wage_income, 2)", N, net_income=100, wage_income=100)
    for value, magnitude in ((-5, 5), (5, 5), (0, 0), (N, N)):
        t.h("abs(household_size)", magnitude, household_size=value)
    t.h("abs(wage_income - net_income) > 100", T, wage_income=0, net_income=10001)
    for a, b, low, high in ((1, 2, 1, 2), (2, 1, 1, 2), (2, 2, 2, 2), (N, 1, N, N), (1, N, N, N), (-1, 1, -1, 1)):
        t.h("least(household_size, livestock)", low, household_size=a, livestock=b)
        t.h("greatest(household_size, livestock)", high, household_size=a, livestock=b)
    t.h("least(household_size, livestock, 3)", 3, household_size=5, livestock=4)
    t.h("greatest(wage_income, net_income, 10.5)", 1050, wage_income=5, net_income=4)
    t.h("greatest(visited_on, entered_on)", 20210930, visited_on=20210930, entered_on=20200930)
    t.h("least(first_month, exit_month)", 10, first_month=10, exit_month=11)
    t.h("coalesce(household_size, livestock, 9)", 1, household_size=1, livestock=2)
    t.h("coalesce(household_size, livestock, 9)", 2, livestock=2)
    t.h("coalesce(household_size, livestock, 9)", 9)
    t.h("coalesce(household_size, livestock)", N)
    t.h("coalesce(wage_income, 0.00) + coalesce(net_income, 0.00)", 100, net_income=100)
    t.h("coalesce(wage_income, -1)", -100)
    t.h("coalesce(-1, wage_income)", -100, wage_income=5)
    t.h("coalesce(safe_water, false)", F)
    t.h("coalesce(head_name, '无')", "无")
    t.h("coalesce(household_type, '监测对象')", "04")
    t.h("coalesce(visited_on, state_date)", 20210930)
    t.h("coalesce(causes, other_causes)", ["01", "03"], other_causes=("01", "03"))
    t.h("coalesce(causes, other_causes)", N)
    t.h("coalesce(null, household_size)", 4, household_size=4)
    for truth, value in ((T, 1), (F, 2), (N, 2)):
        t.h("if(safe_water, 1, 2)", value, safe_water=truth)
    t.h("if(safe_water, wage_income, 0)", N, safe_water=T)
    t.h("if(safe_water, wage_income, 0)", 0, safe_water=F, wage_income=5)
    t.h("if(safe_water, null, household_size)", N, safe_water=T, household_size=3)
    t.h("if(safe_water, null, household_size)", 3, household_size=3)
    t.h("if(household_size > 3, '大', '小')", "大", household_size=4)
    t.h("if(safe_water, causes, other_causes)", ["02"], safe_water=T, causes=("02",))
    t.h("if(not safe_water, household_type, '02')", "02")
    t.h("year(visited_on)", 2021, visited_on=20210930)
    t.h("year(first_month)", 2019, first_month=month("2019-12"))
    t.h("year(first_month)", 2020, first_month=month("2020-01"))
    t.h("year(visited_on)", N)
    t.h("month(visited_on)", month("2021-12"), visited_on=20211231)
    t.h("month(visited_on)", month("2021-01"), visited_on=20210101)
    t.h("month(visited_on)", N)
    t.h("month(visited_on) - first_month", 21, visited_on=20210930, first_month=month("2019-12"))
    for grade, place in (("01", 1), ("03", 3), ("04", N), (N, N)):
        t.p("rank_of(grade, 'school')", place, grade=grade)
    t.p("rank_of(grade, 'school') > rank_of(last.grade, 'school')", T, Person({"grade": "02"}, {"grade": "01"}))
    t.p("rank_of(grade, 'school') - rank_of(last.grade, 'school')", N, Person({"grade": "02"}, {"grade": "04"}))
    for amount, result in ((12_300_00, T), (12_350_00, F), (12_300_01, F), (0, T), (-100_00, T), (-50_00, F), (N, N)):
        t.h("multiple(wage_income, 100)", result, wage_income=amount)
    for count, result in ((10, T), (5, F), (999_999_999_999_990, T), (-5, F), (N, N)):
        t.h("multiple(livestock, 10)", result, livestock=count)
    t.h("multiple(lat, 1)", F, lat=33_318_333)
    t.h("multiple(wage_income + 0.05, 1000000)", T, wage_income=99_999_995)
    t.h("multiple(7, 7)", T)
    # distance: a degree of latitude 111,000 m, of longitude what it is half-way; nothing on the far side of 180° is near
    for lat, lon, to_lat, to_lon, metres in (
        ("33.3", "117.3", "33.3", "117.3", 0), ("33.3", "117.3", "33.31", "117.3", 1_110), ("33.31", "117.3", "33.3", "117.3", 1_110),
        ("33.3", "117.3", "33.3", "117.31", 931), ("33.3", "117.31", "33.3", "117.3", 931), ("33.3", "117.3", "33.31", "117.31", 1_448),
        ("33.3", "117.3", "33.300009", "117.3", 1), ("33.3", "117.3", "33.300005", "117.3", 1), ("33.3", "117.3", "33.300004", "117.3", 0),
        ("18.2", "109.5", "18.2", "110.5", 105_778), ("53.5", "122.3", "53.5", "123.3", 66_361), ("-0.01", "0", "0.01", "0", 2_220),
        ("90", "0", "-90", "0", 19_980_000), ("0", "-180", "0", "180", 40_068_000), ("90", "180", "90", "-180", 149_400),
        ("90.000001", "0", "0", "0", N), ("0", "0", "-90.000001", "0", N), ("0", "180.000001", "0", "0", N), ("0", "0", "0", "-999999", N),
    ):  # fmt: skip
        t.h(f"distance({lat}, {lon}, {to_lat}, {to_lon})", metres)
    here: Row = {"lat": 33_318_333, "lon": 117_316_667}
    t.h("distance(lat, lon, last.lat, last.lon)", 500, last={"lat": 33_318_333, "lon": 117_322_038}, lat=33_318_333, lon=117_316_667)
    t.h("distance(lat, lon, last.lat, last.lon) > 500", F, last={"lat": 33_318_333, "lon": 117_322_038}, lat=33_318_333, lon=117_316_667)
    t.h("distance(lat, lon, last.lat, last.lon) > 500", T, last={"lat": 33_318_333, "lon": 117_322_049}, lat=33_318_333, lon=117_316_667)
    t.h("distance(lon, lat, last.lat, last.lon)", N, last=here, lat=33_318_333, lon=117_316_667)
    t.h("distance(lat, lon, 33.3, 117.3)", N, lat=33_318_333)
    t.h("distance(lat, lon, 33.3, 117.3)", N, lon=117_316_667)
    t.h("distance(lat, lon, 33.3, 117.3)", N, lat=999_999_999_999_999, lon=-999_999_999_999_999)
    return t


def patterns() -> Table:
    t = Table("patterns")
    words: Mapping[str, Sequence[tuple[str | None, bool | None]]] = {
        "mobile_cn": (
            ("13912345678", T), ("19912345678", T), ("12912345678", F), ("1391234567", F), ("139123456789", F), ("0552-6012345", F),
            ("１３９１２３４５６７８", F), ("13912345678\n", F), (" 13912345678", F), ("", F), (N, N),
        ),
        "phone_cn": (
            ("13912345678", T), ("0552-6012345", T), ("05526012345", T), ("010-12345678", T), ("0552-60123456", T), ("0552-601234", F),
            ("552-6012345", F), ("1391234567", F), ("13912345678a", F), ("a13912345678", F), ("0552-6012345\n", F), ("", F), (N, N),
        ),
        "name_cn": (
            ("张三", T), ("买买提·艾力", T), ("张", F), ("·张三", F), ("张三·", F), ("张3", F), ("张 三", F), ("Li", F), ("㐱三", T), ("𠮷田", T),
            ("张𫖯", T), ("张" * 20, T), ("张" * 21, F), ("张三\n", F), ("", F), (N, N),
        ),
        "digits": (("0123", T), ("12a", F), ("１２", F), ("1 2", F), ("٣", F), ("12\n", F), ("", F), (N, N)),
        "same_digits": (("111", T), ("1", T), ("112", F), ("aaa", T), ("𠮷𠮷", T), ("𠮷田", F), ("", F), (N, N)),
        "dummy_phone": (
            ("11111111111", T), ("13900000000", T), ("12345678901", T), ("13912345678", F), ("00000000000", T), ("1390000000", F),
            ("139000000000", F), ("13988888887", F), ("11111111111\n", F), ("", F), (N, N),
        ),
        "placeholder_name": (
            ("未取名", T), ("张三之子", T), ("李四之女", T), ("无名氏", T), ("测试一", T), ("张之孔", F), ("张三", F), ("", F),
            (N, N),
        ),
    }  # fmt: skip
    for name, rows in words.items():
        for text, result in rows:
            t.p(f"matches(member_name, '{name}')", result, member_name=text)
            t.p(f"not matches(member_name, '{name}')", N if result is N else not result, member_name=text)
    return t


def scopes() -> Table:
    t = Table("scopes")
    t.h("last.wage_income", 100, last={"wage_income": 100})
    t.h("last.wage_income", N, last={})
    t.h("last.wage_income", N)
    t.h("last.wage_income is null", T)
    t.h("wage_income > last.wage_income * 2", T, last={"wage_income": 100}, wage_income=201)
    t.h("wage_income > last.wage_income * 2", N, wage_income=201)
    t.h("household.wage_income - household.last.wage_income", 1, last={"wage_income": 100}, wage_income=101)
    t.h("has(last.causes, '因学') and not has(causes, '因学')", T, last={"causes": ("02",)}, causes=("01",))
    t.h("spell.risk = '因病'", T, spells=({"spell_no": 1, "risk": "01"},))
    t.h("spell.risk = '因病'", F, spells=({"spell_no": 2, "risk": "02"}, {"spell_no": 1, "risk": "01"}))
    t.h("spell.risk = '因病'", N)
    t.h("spell.spell_no", N)
    t.h("spell.income < net_income", T, net_income=2, spells=({"spell_no": 1, "income": 1},))
    t.p("wage", 7, wage=7)
    t.p("last.wage", 6, Person({"wage": 7}, {"wage": 6}))
    t.p("last.wage", N, wage=7)
    t.p("household.wage_income", 9, home=Home({"wage_income": 9}), wage=7)
    t.p("household.last.wage_income", 8, home=Home({"wage_income": 9}, {"wage_income": 8}))
    t.p("household.last.wage_income", N, home=Home({"wage_income": 9}))
    both_years = "wage <= household.wage_income and last.wage <= household.last.wage_income"
    t.p(both_years, T, Person({"wage": 1}, {"wage": 2}), home=Home({"wage_income": 1}, {"wage_income": 2}))
    t.p("spell.risk", "03", home=Home(spells=({"spell_no": 1, "risk": "03"},)))
    t.p("spell.risk", N)
    t.s("risk", "01", risk="01")
    t.s("household.net_income - income", 5, home=Home({"net_income": 6}), income=1)
    t.s("household.last.net_income", 4, home=Home({}, {"net_income": 4}))
    t.s("eliminated_month - identified_month", 11, eliminated_month=month("2021-08"), identified_month=month("2020-09"))
    t.s("spell_no = 1 and has(risks, '因残') and not stable", T, risks=("03",), stable=F)
    t.s("count(members, has(health, '患有大病')) > 0", T, home=Home(people=(me(health=("03",)),)))
    t.s("count(spells)", 2, others=({"spell_no": 2},))
    t.s("max(spells, spell_no)", 2, others=({"spell_no": 2},))
    t.s("length(note)", N)
    t.w("wage", 7, wage=7)
    t.w("wage + household.wage_income", 9, home=Home({"wage_income": 2}), wage=7)
    t.w("household.last.wage_income", 2, home=Home({}, {"wage_income": 2}))
    t.w("spell.risk = '因病'", T, home=Home(spells=({"spell_no": 1, "risk": "01"},)))
    t.w("count(members)", 1, home=Home(people=(me(),)))
    return t


def aggregates() -> Table:
    t = Table("aggregates")
    old, young = me(birth_date=19500101, wage=100, is_worker=T), me(birth_date=20100101, wage=N, is_worker=F)
    gone, unknown = me(live=False, birth_date=19600101, wage=50, is_worker=T), me()
    family = (old, young, gone, unknown)
    # over nothing
    for text, value in (
        ("count(members)", 0), ("count(members, is_worker)", 0), ("any(members, is_worker)", F), ("all(members, is_worker)", T),
        ("sum(members, wage)", 0), ("sum(members, wage, is_worker)", 0), ("min(members, wage)", N), ("max(members, wage)", N),
        ("min(members, wage, is_worker)", N), ("the(members, wage, is_worker)", N), ("count(spells)", 0), ("sum(spells, income)", 0),
        ("distinct(members, sex)", 0), ("distinct(members, sex, is_worker)", 0),
    ):  # fmt: skip
        t.h(text, value)
        t.h(text, value, people=(gone,))
    # unknown is not TRUE; NULL values are passed over; the dead and moved are in all_members only
    for text, value in (
        ("count(members)", 3), ("count(all_members)", 4), ("count(members, is_worker)", 1), ("count(all_members, is_worker)", 2),
        ("count(members, not is_worker)", 1), ("count(members, is_worker is null)", 1), ("any(members, is_worker)", T),
        ("any(members, wage > 2)", F), ("any(members, wage > 0.50)", T), ("all(members, is_worker)", F), ("all(members, wage > 0.50)", F),
        ("all(members, wage is null or wage > 0.50)", T), ("sum(members, wage)", 100), ("sum(all_members, wage)", 150),
        ("sum(members, wage, not is_worker)", 0), ("min(all_members, wage)", 50), ("max(all_members, wage)", 100),
        ("max(all_members, wage, not is_worker)", N), ("min(members, birth_date)", 19500101), ("max(members, birth_date)", 20100101),
        ("the(members, wage, is_worker)", 100), ("the(all_members, wage, is_worker)", N), ("the(members, wage, not is_worker)", N),
        ("the(members, birth_date, not is_worker)", 20100101), ("min(all_members, age(birth_date, state_date))", 11),
        ("count(members, age(birth_date, state_date) >= 60)", 1), ("count(members, age(birth_date, state_date) < 16) = 1", T),
        ("sum(members, if(is_worker, 1, 0))", 1), ("count(members) = household_size", T),
        ("count(members, wage > param.income_line)", 0), ("not any(members, is_worker)", F),
    ):  # fmt: skip
        t.h(text, value, people=family, household_size=3)
    people = (me({"health": ("01",)}, health=("03",), sex="1"), me({"health": ("03",)}, health=("03", "04"), sex="2"), me(health=()))
    t.h("count(members, has(health, '患有大病'))", 2, people=people)
    t.h("count(members, has(health, '患有大病') and not has(last.health, '患有大病'))", 1, people=people)
    t.h("count(members, last.health is null)", 1, people=people)
    t.h("sum(members, size(health))", 3, people=people)
    t.h("the(members, health, sex = '女性')", ["03", "04"], people=people)
    t.h("the(members, member_name, relation = '户主') != head_name", T, head_name="张三", people=(me(relation="01", member_name="张山"),))
    t.h("the(members, sex, relation = '户主')", "1", people=(me(relation="01", sex="1"), me(relation="02", sex="2")))
    t.h("sum(members, wage) <= wage_income", T, wage_income=300, people=(me(wage=100), me(wage=200)))
    t.h("sum(members, wage - household.wage_income)", 100, wage_income=100, people=(me(wage=100), me(wage=200)))
    t.h("count(members, wage = household.last.wage_income)", 1, last={"wage_income": 5}, people=(me(wage=5), me(wage=6)))
    t.h("count(members, spell.risk = '因病')", 2, people=(me(), me()), spells=({"spell_no": 1, "risk": "01"},))
    t.h("max(members, joined_month)", 30, people=(me(joined_month=30), me(joined_month=20)))
    pair = (me(sex="1", member_name="张三"), me(sex="1", member_name="李四", is_worker=T), me(sex=N, member_name="张三"), me(sex="2", live=False))
    for text, value in (
        ("distinct(members, sex)", 1), ("distinct(all_members, sex)", 2), ("distinct(members, member_name)", 2),
        ("distinct(members, member_name, is_worker)", 1), ("distinct(members, age(birth_date, state_date))", 0),
        ("distinct(members, if(is_worker, 1, 2)) = 2", T),
    ):  # fmt: skip
        t.h(text, value, people=pair)
    t.h("sum(members, work_months)", 125, people=(me(work_months=120), me(work_months=5)))
    t.h("max(members, -wage)", -1, people=(me(wage=1), me(wage=2)))
    t.h("sum(members, wage) + sum(spells, income)", 7, people=(me(wage=1), me(wage=2)), spells=({"spell_no": 1, "income": 4},))
    t.h("count(members) * count(spells)", 2, people=(me(), me()), spells=({"spell_no": 1},))
    t.h("count(spells, eliminated_month is null)", 1, spells=({"spell_no": 1, "eliminated_month": 9}, {"spell_no": 2}))
    t.h("any(spells, risk = '因病' and stable)", F, spells=({"spell_no": 1, "risk": "01"}, {"spell_no": 2, "risk": "02", "stable": T}))
    t.h("sum(members, position)", N, people=(me(position=999_999_999_999_999), me(position=1)))
    t.h("sum(members, position)", 999_999_999_999_999, people=(me(position=999_999_999_999_998), me(position=1)))
    # from a person: the household's members, the person among them
    others = (me(sex="2", wage=3, relation="02"),)
    t.p("count(members)", 2, me(sex="1", relation="01"), others)
    t.p("count(members, relation = '户主') = 1", T, me(sex="1", relation="01"), others)
    t.p("wage > sum(members, wage, sex = '女性')", T, me(sex="1", wage=4), others)
    t.p("wage > max(members, wage)", F, me(sex="1", wage=4), others)
    t.p("any(members, last.wage > wage)", T, me({"wage": 9}, wage=4), others)
    t.p("relation = '配偶' and the(members, sex, relation = '户主') = sex", T, me(sex="1", relation="02"), (me(sex="1", relation="01"),))
    t.p("any(members, birth_date < household.visited_on)", T, me(birth_date=20000101), home=Home({"visited_on": 20210101}))
    t.p("count(all_members)", 2, me(live=True), (me(live=False),))
    # own: the row that asks, inside an aggregate over the household's others
    shared = "any(members, phone = own.phone and relation != own.relation)"
    t.p(shared, T, me(phone="1", relation="01"), (me(phone="1", relation="02"), me(phone="2", relation="03")))
    t.p(shared, F, me(phone="1", relation="01"), (me(phone="2", relation="02"), me(phone="1", relation="03", live=False)))
    t.p(shared, F, me(relation="01"), (me(phone="1", relation="02"),))
    t.p("count(members, wage < own.wage)", 2, me(wage=5), (me(wage=4), me(wage=3), me(wage=5), me()))
    t.p("sum(members, own.wage - wage)", 3, me(wage=5), (me(wage=4), me(wage=3), me()))
    t.p("sum(members, wage, wage > own.wage)", 0, me(wage=5))
    t.p("all(members, wage <= own.wage)", T, me(wage=5), (me(wage=5),))
    t.p("the(members, wage, relation = own.relation)", N, me(wage=5, relation="01"), (me(wage=4, relation="01"),))
    t.p("count(members) + count(members, wage = own.wage)", 4, me(wage=5), (me(wage=4), me(wage=3)))
    t.p("any(members, household.wage_income = own.wage)", T, me(wage=5), home=Home({"wage_income": 5}))
    t.h("count(members, wage > own.wage_income)", 1, wage_income=5, people=(me(wage=5), me(wage=6)))
    t.h("count(works, wage > own.wage_income)", 0, wage_income=5)
    t.s("any(spells, eliminated_month is null and spell_no != own.spell_no)", T, others=({"spell_no": 2},))
    t.s("any(spells, eliminated_month is null and spell_no != own.spell_no)", F, others=({"spell_no": 2, "eliminated_month": 5},))
    overlap = "any(works, person_ref = own.person_ref and start_month < own.start_month and end_month >= own.start_month)"
    t.w(overlap, T, person_ref="a", start_month=20, others=({"person_ref": "a", "start_month": 10, "end_month": 20},))
    t.w(overlap, F, person_ref="a", start_month=20, others=({"person_ref": "a", "start_month": 10, "end_month": 19},))
    t.w(overlap, F, person_ref="a", start_month=20, others=({"person_ref": "b", "start_month": 10, "end_month": 20},))
    t.w(overlap, F, person_ref="a", start_month=20, others=({"person_ref": "a", "start_month": 10},))
    t.w("age(the(members, birth_date, member_name = own.person_ref), paid_on)", 20, person_ref="a", paid_on=20200101,
        home=Home(people=(me(member_name="a", birth_date=20000101), me(member_name="b", birth_date=19900101))))  # fmt: skip
    t.w("age(the(members, birth_date, member_name = own.person_ref), paid_on)", N, paid_on=20200101, home=Home(people=(me(birth_date=20000101),)))
    t.w("sum(works, wage)", 9, wage=7, others=({"wage": 2},))
    t.w("any(works, has(kinds, '因病') and left(county, 2) != left(own.county, 2))", T, county="34", others=({"county": "320000", "kinds": ("01",)},))
    t.p("sum(works, wage, person_ref = own.member_name)", 0, member_name="a")
    # Rows that name the household among others: they know no household of their own, but the subject's items as `own`.
    road = {"title": "路", "funds": 500, "kind": "99", "is_done": F, "ended_on": 20210901, "started_month": month("2021-03"), "times": 1}
    well = {"title": "井", "funds": N, "kind": "01", "is_done": T, "times": 2}
    for text, none, two in (
        ("count(plans)", 0, 2), ("any(plans, not is_done and ended_on <= state_date)", F, T), ("all(plans, is_done)", T, F),
        ("sum(plans, funds)", 0, 500), ("min(plans, funds)", N, 500), ("the(plans, kind, title = '井')", N, "01"),
        ("distinct(plans, title)", 0, 2), ("count(plans, funds > own.wage_income)", 0, 1), ("any(plans, started_month is null)", F, T),
        ("sum(plans, times) = household_size", F, T),
    ):  # fmt: skip
        t.m(text, none, (), wage_income=499, household_size=3)
        t.m(text, two, (road, well), wage_income=499, household_size=3)
    t.add("person", "any(plans, title = own.member_name)", T, Home(people=(me(member_name="井"),), plans=(road, well)))
    t.add("person", "any(plans, title = own.member_name)", F, Home(people=(me(member_name="桥"),), plans=(road, well)))
    return t


def normalisation() -> Table:
    """Chinese input methods: full-width signs outside quotes mean the plain ones; inside quotes they stay."""
    t = Table("normalisation")
    t.h("household_size ＞ ３", T, household_size=4)
    t.h("（household_size ＋ １） ＝ 5", T, household_size=4)
    t.h("household_size　in　（３，４）", T, household_size=4)
    t.h("household_size ＜＝ ４ and household_size ！＝ 5", T, household_size=4)
    t.h("ｈｏｕｓｅｈｏｌｄ_size * 2 － 1", 7, household_size=4)
    t.h("household_type = ‘监测对象’", T, household_type="04")
    t.h("household_type = ’监测对象‘", T, household_type="04")
    t.h("head_name = '（张）'", T, head_name="（张）")
    t.h("head_name = '买买提’艾力'", T, head_name="买买提’艾力")
    t.h("head_name = '(张)'", F, head_name="（张）")
    t.h("last．wage_income", 5, last={"wage_income": 5})
    t.h("last。wage_income ＊ 2", 10, last={"wage_income": 5})
    t.h("wage_income ＞ 0。05", T, wage_income=6)
    t.h("household_size IN (4) AND NOT safe_water IS NULL", T, household_size=4, safe_water=F)
    t.h("household_size\n  >\t3", T, household_size=4)
    return t


@dataclass(frozen=True, slots=True)
class SetCase:
    """A question over the whole county: `homes` are the population, `expected` one answer per subject in order."""

    id: str
    subject: str
    text: str
    homes: Sequence[Home]
    expected: Sequence[Any]


def sets() -> list[SetCase]:
    def homes(*families: Sequence[Person]) -> list[Home]:
        return [Home(people=family) for family in families]

    two = homes((me(id18_digest="a"), me(id18_digest="b")), (me(id18_digest="a"),), (me(),), (me(),))
    within = homes((me(id18_digest="a"), me(id18_digest="a")), (me(id18_digest="b"),))
    gone = homes((me(id18_digest="a"), me(id18_digest="a", live=False)), (me(id18_digest="a", live=False),))
    phones = homes((me(phone="1", is_worker=T),), (me(phone="1", is_worker=F),), (me(phone="2", is_worker=T),), (me(phone="2", is_worker=T),))
    houses = [Home({"phone": "1"}), Home({"phone": "1"}), Home({"phone": "2"}), Home({})]
    # What the collector wrote, and how many in the village have a value: sizes 1 2 2 4 and nothing in one village, 9 in another, 2 in none.
    sizes = [Home({"household_size": size, "head_name": name, "safe_water": size != 2}, village="a")
             for size, name in ((2, "甲"), (1, "甲"), (4, "乙"), (2, "甲"), (N, "乙"))]  # fmt: skip
    sizes += [Home({"household_size": 9, "head_name": "甲"}, village="b"), Home({"household_size": 2}, village=None)]
    incomes = [Home({"net_income": income, "safe_water": income > 900}, village="a") for income in (1000, 1100, 900, 1200, 5000)]
    even = [Home({"livestock": count, "net_income": -count, "farmland_mu": 5}, village="a") for count in (10, 11, 14, 30)]
    family = [Home(people=(me(wage=3), me(wage=1), me(wage=9, live=False)), village="a"), Home(people=(me(wage=2), me()), village="a"),
              Home(people=(me(wage=0),), village="b")]  # fmt: skip
    rows: Sequence[tuple[str, str, Sequence[Home], Sequence[Any]]] = (
        ("household", "peers(true, head_name)", sizes, (4, 4, 2, 4, 2, 4, 0)),
        ("household", "peers(household_size = 2, head_name)", sizes, (2, 2, 0, 2, 0, 2, 0)),
        ("household", "peers(true, head_name, household_size)", sizes, (2, 1, 1, 2, 0, 1, 0)),
        ("household", "peers(safe_water, head_name, household_size) + peers(null, head_name)", sizes, (0, 1, 1, 0, 0, 0, 0)),
        ("household", "peers(household_size > 1, true)", sizes, (5,) * 7),
        ("household", "peers(true, null)", sizes, (0,) * 7),
        ("household", "peers(true, household_size, head_name, safe_water)", sizes, (2, 1, 1, 2, 0, 0, 0)),
        ("household", "rank(household_size)", sizes, (2, 1, 4, 2, N, 1, N)),
        ("household", "rank(-household_size)", sizes, (2, 4, 1, 2, N, 1, N)),
        ("household", "rank(household_size, safe_water)", sizes, (N, 1, 2, N, N, N, N)),
        ("household", "rank(household_size, head_name = '甲') = 1", sizes, (F, T, N, F, N, T, N)),
        ("household", "rank(net_income * 2)", incomes, (2, 3, 1, 4, 5)),
        ("person", "rank(wage)", family, (3, 1, 2, N, 1)),
        ("person", "peers(wage > 0, 1)", family, (3,) * 5),
        # The middle is 1100, the distances from it are 100 0 200 100 3900: MAD 100. 3900 ÷ 148.26 = 26.3051…
        ("household", "deviation(net_income, 5)", incomes, (68, 0, 135, 68, 2631)),
        ("household", "deviation(net_income, 6)", incomes, (N,) * 5),
        ("household", "deviation(net_income, 5) > 26.30", incomes, (F, F, F, F, T)),
        ("household", "deviation(net_income, 5) > 26.31", incomes, (F,) * 5),
        ("household", "deviation(net_income, param.school_age)", incomes, (N,) * 5),
        ("household", "deviation(net_income, 1, safe_water)", incomes, (102, 34, N, 34, 2597)),
        # The middle of an even number lies between two: 12½, distances 2½ 1½ 1½ 17½, of which the middle is 2.
        ("household", "deviation(livestock, 4)", even, (85, 51, 51, 591)),
        ("household", "deviation(net_income, 4)", even, (85, 51, 51, 591)),
        ("household", "deviation(farmland_mu, 1)", even, (N,) * 4),
        ("household", "deviation(livestock, 1, livestock < 0)", even, (N,) * 4),
        ("household", "deviation(7, 1)", even, (N,) * 4),
        ("household", "deviation(household_size, 4)", sizes, (0, 135, 270, 0, N, N, N)),
        ("person", "deviation(wage, 3)", family, (68, 68, 0, N, N)),
        ("household", "deviation(livestock * 30000000000000, 4)", even, (85, 51, 51, 591)),
        ("household", "median(net_income, 5)", incomes, (1100,) * 5),
        ("household", "median(net_income, 6)", incomes, (N,) * 5),
        ("household", "median(net_income * 2, param.school_age)", incomes, (N,) * 5),
        # Of two in the middle the smaller, below 0 too; of rows that meet the condition, whether they have a value or not.
        ("household", "median(livestock, 4)", even, (11,) * 4),
        ("household", "median(net_income, 4)", even, (-14,) * 4),
        ("household", "median(livestock, 1, livestock > 10)", even, (N, 14, 14, 14)),
        ("household", "median(household_size, 4)", sizes, (2, 2, 2, 2, 2, N, N)),
        ("household", "median(household_size, 0)", sizes, (2, 2, 2, 2, 2, 9, N)),
        ("household", "median(livestock, 0, livestock < 0)", even, (N,) * 4),
        ("person", "median(wage, 3) = wage", family, (F, F, T, N, N)),
        ("person", "duplicates(id18_digest)", two, (T, F, T, F, F)),
        ("person", "other_household(id18_digest)", two, (T, F, T, F, F)),
        ("person", "duplicates(id18_digest)", within, (T, T, F)),
        ("person", "other_household(id18_digest)", within, (F, F, F)),
        ("person", "duplicates(id18_digest)", gone, (F,)),
        ("person", "duplicates(phone, is_worker)", phones, (F, T, T, T)),
        ("person", "other_household(phone, is_worker)", phones, (F, T, T, T)),
        ("person", "duplicates(phone) and is_worker", phones, (T, F, T, T)),
        ("household", "duplicates(phone)", houses, (T, T, F, F)),
        ("household", "duplicates(phone, phone = '1')", houses, (T, T, F, F)),
        ("household", "not duplicates(phone)", houses, (F, F, T, T)),
    )
    return [SetCase(f"sets-{place:03d}", *row) for place, row in enumerate(rows, start=1)]


# number, function, what was typed, what is held
ENTRY: Sequence[tuple[int, str, str | None, str | None]] = tuple(
    (place, *row)
    for place, row in enumerate(
        (
            ("text", None, None),
            ("text", "", None),
            ("text", " \t\u3000 ", None),
            ("text", "\u3000张三\u3000", "张三"),
            ("text", " 张 三\r\n", "张 三"),
            ("text", "\ufeff张三\u00a0", "张三"),
            ("text", "e\u0301", "\u00e9"),
            ("text", "Ａ１（）", "Ａ１（）"),
            ("number", "１３９１２３４５６７８", "13912345678"),
            ("number", "３４０３２３１９５６０４１２３０１ｘ", "34032319560412301x"),
            ("number", "\u3000６，０００．５０\u3000", "6,000.50"),
            ("number", "－５", "-5"),
            ("number", "（３）", "(3)"),
            ("number", "\u3000", None),
            ("number", None, None),
        ),
        start=1,
    )
)
TABLES = (literals, logic, comparison, arithmetic, functions, patterns, scopes, aggregates, normalisation)


def all_cases() -> list[Case]:
    return [case for table in TABLES for case in table().cases]
