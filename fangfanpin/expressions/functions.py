"""The closed list of functions, said once for checker, engines and documentation."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Function:
    """`written`: how it is called; `result`: type and meaning, for docs/rule-language.md; `result_zh`: for people."""

    name: str
    least: int
    most: int
    written: str
    result: str
    result_zh: str

    @property
    def counts(self) -> str:
        """How many arguments, in digits: 2, 1-2."""
        return str(self.least) if self.least == self.most else f"{self.least}-{self.most}"


def _named(*functions: Function) -> dict[str, Function]:
    return {function.name: function for function in functions}


SCALAR = _named(
    Function("age", 2, 2, "age(birth, on)", "int: full years; a birthday of 29 February falls on 1 March in other years; −1 before birth", "周岁"),
    Function("has", 2, 2, "has(codes, 'item')", "bool: is the item among those chosen? Word or code", "多选中是否有某项"),
    Function("matches", 2, 2, "matches(text, 'pattern')", "bool: one of the named patterns below", "是否符合某种写法"),
    Function("length", 1, 1, "length(text)", "int: code points", "字数"),
    Function("left", 2, 2, "left(text, n)", "text: its first n code points, 1–20; the whole of a shorter one", "前几个字"),
    Function("size", 1, 1, "size(codes)", "int: how many were chosen", "多选选了几项"),
    Function(
        "ratio", 3, 3, "ratio(a, b, scale)",
        "number of 0–6 decimals, half away from zero; keeps the unit of a when b is an int; NULL when b is 0", "相除，四舍五入到几位",
    ),
    Function(
        "multiple", 2, 2, "multiple(x, n)",
        "bool: is x a whole multiple of n, which is a whole number? `multiple(wage_income, 100)`: it ends in 00", "是不是几的整倍数",
    ),
    Function("abs", 1, 1, "abs(x)", "the number without its sign", "绝对值"),
    Function("least", 2, 30, "least(a, b, …)", "the smallest; numbers, dates or months of one type", "最小的"),
    Function("greatest", 2, 30, "greatest(a, b, …)", "the largest; numbers, dates or months of one type", "最大的"),
    Function("coalesce", 2, 30, "coalesce(a, b, …)", "the first that is not NULL (NULLs are what it is for)", "第一个不为空的"),
    Function("if", 3, 3, "if(condition, a, b)", "a when the condition is TRUE, else b (also when it is NULL)", "条件成立取前者，否则取后者"),
    Function("year", 1, 1, "year(date or month)", "int", "年"),
    Function("month", 1, 1, "month(date)", "month", "年月"),
    Function(
        "months_between", 2, 2, "months_between(from, to)",
        "int: full months by day of month, rounded down (negative when to is earlier)", "满几个月",
    ),
    Function(
        "rank_of", 2, 2, "rank_of(code, 'ordering')",
        "int: place in an ordering of the pack (orderings.csv); NULL when it is not in it", "在某个顺序中的位置",
    ),
    Function(
        "distance", 4, 4, "distance(lat, lon, to_lat, to_lon)",
        "int: metres between two points, rounded down, within 0.3 % in China; NULL when one of them is not on Earth", "两点相距多少米",
    ),
)  # fmt: skip
AGGREGATES = _named(
    Function("count", 1, 2, "count(rel), count(rel, cond)", "int: rows for which cond is TRUE", "有几个"),
    Function("any", 2, 2, "any(rel, cond)", "bool, never NULL: TRUE when cond is TRUE for a row; over nothing FALSE", "有没有"),
    Function("all", 2, 2, "all(rel, cond)", "bool, never NULL: TRUE when cond is TRUE for every row; over nothing TRUE", "是不是都"),
    Function("sum", 2, 3, "sum(rel, x), sum(rel, x, cond)", "number: NULL values are passed over; over nothing 0", "合计"),
    Function("distinct", 2, 3, "distinct(rel, x), distinct(rel, x, cond)", "int: how many different x, NULL passed over", "有几个不同的"),
    Function("min", 2, 3, "min(rel, x), min(rel, x, cond)", "number, date or month: NULL values are passed over; over nothing NULL", "最小"),
    Function("max", 2, 3, "max(rel, x), max(rel, x, cond)", "number, date or month: NULL values are passed over; over nothing NULL", "最大"),
    Function("the", 3, 3, "the(rel, x, cond)", "x of the single row for which cond is TRUE; NULL for none or several", "唯一符合条件者的值"),
)  # fmt: skip
SETS = _named(
    Function(
        "duplicates", 1, 2, "duplicates(x), duplicates(x, cond)",
        "bool, never NULL: another live row of the county (for which cond is TRUE) has the same x; FALSE for NULL", "全县是否有重复",
    ),
    Function(
        "other_household", 1, 2, "other_household(x), other_household(x, cond)",
        "bool, never NULL: a row of another household (for which cond is TRUE) has the same x; FALSE for NULL", "别的户是否也有",
    ),
    Function(
        "peers", 2, 4, "peers(cond, key, …)",
        "int, never NULL: live rows of the county with the same keys (one to three) for which cond is TRUE, this row among them; "
        "0 when a key is NULL", "同组里符合条件的有几个",
    ),
    Function(
        "rank", 1, 2, "rank(x), rank(x, cond)",
        "int: place of x among the live rows of the same village (for which cond is TRUE), the smallest 1; equal values share the first place "
        "(1, 2, 2, 4), NULL values have none; NULL when cond is not TRUE for this row", "在本村从小到大排第几",
    ),
    Function(
        "deviation", 2, 3, "deviation(x, least), deviation(x, least, cond)",
        "number of 2 decimals: how far x lies from the middle of the same village, see below; NULL where fewer than `least` live rows "
        "(for which cond is TRUE) have an x, and when cond is not TRUE for this row", "离本村中间水平有多远",
    ),
    Function(
        "median", 2, 3, "median(x, least), median(x, least, cond)",
        "number as x: the middle of x in the same village, of two in the middle the smaller; NULL where fewer than `least` live rows "
        "(for which cond is TRUE) have an x, and when cond is not TRUE for this row", "本村的中间水平（中位数）",
    ),
)  # fmt: skip


def offered(language: str) -> Iterator[tuple[str, str]]:
    """What the editor of rules offers: the name with its bracket, and in words what it says, or where there are none how it is written."""
    for function in (*SCALAR.values(), *AGGREGATES.values(), *SETS.values()):
        yield f"{function.name}(", function.result_zh if language == "zh" else function.written


def documentation() -> Iterator[str]:
    """Lines of the table in docs/rule-language.md."""
    for title, functions in (("scalar", SCALAR), ("over a relation", AGGREGATES), ("over the county or the village, sweep only", SETS)):
        yield f"| **{title}** | | |"
        for function in functions.values():
            yield f"| `{function.written}` | {function.result} | {function.result_zh} |"
