"""The closed list of functions: how many arguments, said once for checker, engines and documentation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    least: int
    most: int
    result_zh: str

    @property
    def counts(self) -> str:
        """How many arguments, in digits: 2, 1–2."""
        return str(self.least) if self.least == self.most else f"{self.least}-{self.most}"


SCALAR = {
    function.name: function
    for function in (
        Function("age", 2, 2, "周岁"),
        Function("has", 2, 2, "多选中是否有某项"),
        Function("matches", 2, 2, "是否符合某种写法"),
        Function("length", 1, 1, "字数"),
        Function("size", 1, 1, "多选选了几项"),
        Function("ratio", 3, 3, "相除，四舍五入到几位"),
        Function("abs", 1, 1, "绝对值"),
        Function("least", 2, 30, "最小的"),
        Function("greatest", 2, 30, "最大的"),
        Function("coalesce", 2, 30, "第一个不为空的"),
        Function("if", 3, 3, "条件成立取前者，否则取后者"),
        Function("year", 1, 1, "年"),
        Function("month", 1, 1, "年月"),
        Function("months_between", 2, 2, "满几个月"),
        Function("rank_of", 2, 2, "在某个顺序中的位置"),
    )
}
AGGREGATES = {
    function.name: function
    for function in (
        Function("count", 1, 2, "有几个"),
        Function("any", 2, 2, "有没有"),
        Function("all", 2, 2, "是不是都"),
        Function("sum", 2, 3, "合计"),
        Function("min", 2, 3, "最小"),
        Function("max", 2, 3, "最大"),
        Function("the", 3, 3, "唯一符合条件者的值"),
    )
}
SETS = {
    function.name: function
    for function in (
        Function("duplicates", 1, 2, "全县是否有重复"),
        Function("other_household", 1, 2, "别的户是否也有"),
    )
}
