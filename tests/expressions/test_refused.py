"""What is not of the language is refused with its place and a reason; nothing else ever comes out of parser and checker."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fangfanpin.expressions import ExpressionFaults, Fault, check, infer, parse
from tests.conformance.drawing import expressions
from tests.conformance.world import SCHEMA


def faults(text: str, subject: str = "household") -> tuple[Fault, ...]:
    with pytest.raises(ExpressionFaults) as caught:
        check(text, SCHEMA, subject=subject)
    return caught.value.faults


@pytest.mark.parametrize(
    ("text", "place", "word"),
    [
        # comments, second statements, subqueries, functions and operators of SQL
        ("household_size > 3 -- all", "--", "注释"),
        ("household_size > 3; DROP TABLE household", ";", "不能使用"),
        ("household_size > 3 /* x */", "/", "不能使用"),
        ("household_size in (select 1)", "1", "这里应是"),
        ("(select count(*) from household) > 0", "count", "这里应是"),
        ("read_csv('/etc/passwd') is null", "read_csv('/etc/passwd')", "没有“read_csv”这个函数"),
        ("count(household) > 0", "household", "没有“household”这个关系"),
        ("head_name like 'a%'", "like", "写法不对"),
        ("household_size % 2 = 0", "%", "不能使用"),
        ("household_size / 2 = 0", "/", "不能使用"),
        ("head_name || 'x' = 'y'", "|", "不能使用"),
        ("household_size::text = '1'", ":", "不认识的字符"),
        ('"household_size" > 1', '"', "不能使用"),
        ("cast(household_size, 'text') = 'x'", "cast(household_size, 'text')", "没有“cast”"),
        ("household_size > 3 household_size", "household_size", "运算符"),
        # look-alike characters
        ("hоusehold_size > 3", "о", "U+043E"),
        ("household_size > ٣", "٣", "U+0663"),
        ("household_size ≥ 3", "≥", "U+2265"),
        ("household_size > 3\u200b", "\u200b", "U+200B"),
        ("household_size > 3\u2028", "\u2028", "U+2028"),
        ("head_name = “张三”", "“", "不认识的字符"),
        # writing
        ("head_name = '张三", "'张三", "缺少结束的引号"),
        ("household_size >", "", "没有写完"),
        ("", "", "没有写完"),
        ("(household_size > 3", "", "这里应是“)”"),
        ("household_size > 3)", ")", "写法不对"),
        ("1 < household_size < 3", "<", "比较不能连写"),
        ("household_size is 3", "3", "is 后面"),
        ("household_size not 3", "3", "not 后面"),
        ("household_size between 1 or 2", "or", "between"),
        ("household_size > 3x", "3x", "数字后面"),
        ("last. > 3", ">", "点号后面"),
        ("visited_on > date '2021-02-29'", "date '2021-02-29'", "没有“2021-02-29”这个日期"),
        ("visited_on > date '20210930'", "date '20210930'", "日期"),
        ("first_month > month '2021-13'", "month '2021-13'", "年月"),
        ("first_month > month '２０２１-09'", "month '２０２１-09'", "年月"),
        # names and types
        ("household_sise > 3", "household_sise", "是不是“household_size”"),
        ("houshold.household_size > 3", "houshold.household_size", "前面只能是"),
        ("param.incom_line > 3", "param.incom_line", "是不是“income_line”"),
        ("household_size = '3'", "household_size = '3'", "整数不能和文字"),
        ("safe_water = 1", "safe_water = 1", "不能和"),
        ("safe_water > true", "safe_water > true", "不能比大小"),
        ("head_name < 'a'", "head_name < 'a'", "不能比大小"),
        ("wage_income > farmland_mu", "wage_income > farmland_mu", "不能和"),
        ("wage_income > 0.001", "0.001", "小数位太多"),
        ("household_size > 0.0000001", "0.0000001", "小数位太多"),
        ("household_size > 1000000000000000", "1000000000000000", "太大"),
        ("wage_income > 99999999999999", "99999999999999", "太大"),
        ("household_type = '监测'", "'监测'", "是不是“监测对象”"),
        ("causes = '因病'", "causes = '因病'", "多选"),
        ("has(causes, '因事')", "'因事'", "没有“因事”这一项"),
        ("has(household_type, '01')", "household_type", "has 只能用于多选项"),
        ("household_size in (1, null)", "null", "不能是空"),
        ("household_size in (livestock)", "livestock", "固定的值"),
        ("household_size in ('1')", "'1'", "这里要的是"),
        ("wage_income * net_income > 0", "wage_income * net_income", "只能乘以整数"),
        ("wage_income * 0.9 > 1", "wage_income * 0.9", "只能乘以整数"),
        ("household_size", "household_size", "结果应是"),
        ("household_size and true", "household_size", "这里要的是“是/否”"),
        ("not household_size", "household_size", "这里要的是“是/否”"),
        ("age(visited_on) > 3", "age(visited_on)", "参数个数不对，应是 2 个"),
        ("age(household_size, state_date) > 3", "age(household_size, state_date)", "要是日期"),
        ("matches(head_name, '.*')", "'.*'", "写法"),
        ("matches(head_name, phone)", "phone", "带引号"),
        ("ratio(wage_income, 2, 9) > 1", "9", "0 到 6"),
        ("ratio(wage_income, 2, household_size) > 1", "household_size", "0 到 6"),
        ("sum(members, member_name) > 1", "sum(members, member_name)", "只能用于数"),
        ("count(people) > 1", "people", "关系"),
        ("count(members, any(members, is_worker)) > 1", "members", "不能再套统计"),
        ("count(members, duplicates(phone)) > 1", "duplicates(phone)", "不能用全县函数"),
        ("duplicates(count(members))", "count(members)", "不能再有统计"),
        ("duplicates(phone, duplicates(phone))", "duplicates(phone)", "不能再有统计"),
        ("count(members, rank(wage) = 1) > 1", "rank(wage)", "不能用全县函数"),
        ("rank(count(members)) = 1", "count(members)", "不能再有统计"),
        ("rank(head_name) = 1", "rank(head_name)", "数或日期"),
        ("deviation(household_size) > 3", "deviation(household_size)", "参数个数不对，应是 2-3 个"),
        ("deviation(visited_on, 30) > 3", "deviation(visited_on, 30)", "只能用于数"),
        ("deviation(net_income, household_size) > 3", "household_size", "整数的参数"),
        ("deviation(net_income, 2 + 1) > 3", "2 + 1", "整数的参数"),
        ("deviation(net_income, param.income_line) > 3", "param.income_line", "整数的参数"),
        ("median(visited_on, 30) = visited_on", "median(visited_on, 30)", "median 只能用于数"),
        ("median(net_income, household_size) > 3", "household_size", "整数的参数"),
        ("deviation(net_income, 30, household_size) > 3", "household_size", "这里要的是“是/否”"),
        ("peers(head_name, phone) > 3", "head_name", "这里要的是“是/否”"),
        ("peers(true) > 3", "peers(true)", "参数个数不对，应是 2-4 个"),
        ("peers(true, duplicates(phone)) > 3", "duplicates(phone)", "不能再有统计"),
        ("distance(lat, lon, 33.3) > 3", "distance(lat, lon, 33.3)", "参数个数不对，应是 4 个"),
        ("distance(lat, lon, road_km, walk_km) > 3", "distance(lat, lon, road_km, walk_km)", "纬度、经度"),
        ("multiple(wage_income, 0)", "0", "整倍数"),
        ("multiple(wage_income, 0.5)", "0.5", "整倍数"),
        ("multiple(wage_income, household_size)", "household_size", "整倍数"),
        ("multiple(head_name, 2)", "multiple(head_name, 2)", "只能用于数"),
        ("coalesce(household_size, head_name) is null", "coalesce(household_size, head_name)", "类型要一样"),
        ("if(household_size, 1, 2) = 1", "household_size", "要是条件"),
    ],
)  # fmt: skip
def test_refused_with_place_and_reason(text: str, place: str, word: str) -> None:
    found = faults(text)
    assert len(found) == 1
    fault = found[0]
    assert text[fault.start : fault.end] == place or (place == "" and fault.start == len(text)), (fault, text[fault.start : fault.end])
    assert word in fault.message_zh
    assert not set("是否整数文字代码") & set(fault.message_en)


def test_every_fault_is_told_at_once() -> None:
    found = faults("foo > 1 and bar = 2 and sum(members, baz) > 3")
    assert [fault.start for fault in found] == [0, 12, 37]


def test_place_is_that_of_the_text_as_written() -> None:
    text = "　（household_size　＞　３）　and　foo　＝　１"
    fault = faults(text)[0]
    assert text[fault.start : fault.end] == "foo"


def test_normalised_signs_are_told() -> None:
    assert parse("household_size ＞ ３ and head_name = '＞'").normalised == ("＞", "３")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("household_size > 1 or " * 200 + "true", "太长"),
        ("(" * 41 + "true" + ")" * 41, "太深"),
        ("not " * 41 + "true", "太深"),
        ("-(" * 30 + "1" + ")" * 30 + " > 1", "太深"),
        ("abs(" * 41 + "1" + ")" * 41 + " > 1", "太深"),
        ("1" + "+1" * 1500 + " > 1", "连写太长"),
        ("1" + "*1" * 1500 + " > 1", "连写太长"),
    ],
)
def test_too_much_is_refused_before_it_is_checked(text: str, word: str) -> None:
    found = faults(text)
    assert word in found[0].message_zh
    assert 0 <= found[0].start < found[0].end <= len(text)


def test_what_is_allowed_at_most_works() -> None:
    assert check("(" * 39 + "true" + ")" * 39, SCHEMA, subject="household")
    assert check("household_size" + " + 1" * 98 + " > 1", SCHEMA, subject="household")
    assert check(" or ".join(["true"] * 500), SCHEMA, subject="household")


PIECES = [
    "household_size", "wage_income", "head_name", "causes", "members", "last.", "household.", "spell.", "param.", "income_line", "state_date",
    "and", "or", "not", "in", "is", "null", "between", "true", "false", "date", "month", "'2021-09-30'", "'因病'", "''", "'", "(", ")", ",", ".",
    "=", "!=", "<", "<=", ">", "+", "-", "*", "1", "0.5", "99999999999999999999", "age(", "has(", "ratio(", "if(", "sum(", "count(", "the(",
    "duplicates(", "peers(", "rank(", "deviation(", "median(", "distance(", "multiple(",
    "coalesce(", "least(", "matches(", "rank_of(", "size(", "²", "＞", "　", "\n", "\0", "\ud800", "--", ";", "/*", "é", "𠮷",
]  # fmt: skip


def _put(text: str, place: int, piece: str) -> str:
    return text[:place] + piece + text[place:]


ANY_TEXT = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=string.printable, max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join),
    st.lists(st.sampled_from(PIECES), max_size=25).map("".join),
    st.tuples(expressions(), st.integers(0, 400), st.sampled_from(PIECES)).map(
        lambda drawn: drawn[0][1][: drawn[1]] + drawn[2] + drawn[0][1][drawn[1] :]
    ),
)


def only_faults(text: str, subject: str) -> None:
    try:
        infer(text, SCHEMA, subject=subject)
        check(text, SCHEMA, subject=subject)
    except ExpressionFaults as refused:
        assert refused.faults
        for fault in refused.faults:
            assert 0 <= fault.start <= len(text) and fault.start < fault.end <= len(text) + 1, (fault, text)
            assert fault.message_zh and fault.message_en


@settings(max_examples=settings().max_examples * 6)
@given(ANY_TEXT, st.sampled_from(["household", "person", "spell"]))
def test_any_text_is_an_expression_or_refused_with_a_place(text: str, subject: str) -> None:
    only_faults(text, subject)
