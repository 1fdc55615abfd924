"""A pack with a fault does not load: every fault at once, with file and line, and Excel's damage named as such."""

import csv
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fangfanpin.pack import PackFault, PackFaults, load_pack

PACKS = Path(__file__).resolve().parents[2] / "packs"
INDICATORS, LISTS = "national-2021/indicators.csv", "national-2021/lists.csv"
ROLLUPS = "national-2021/rollups.toml"
PLAN, ROLES = "guzhen-2021/plan.toml", "national-2021/roles.toml"


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    for name in ("national-2021", "guzhen-2021"):
        shutil.copytree(PACKS / name, tmp_path / name)
    return tmp_path


def faults(packs: Path, name: str = "guzhen-2021") -> list[PackFault]:
    with pytest.raises(PackFaults) as caught:
        load_pack(packs / name)
    return list(caught.value.faults)


def edit(packs: Path, file: str, old: str, new: str) -> int:
    """Replace the first `old`; returns the line where the new text begins."""
    path = packs / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{file} has no {old!r}"
    place = text.index(old)
    path.write_text(text[:place] + new + text[place + len(old) :], encoding="utf-8")
    return text.count("\n", 0, place) + 1


def append(packs: Path, file: str, text: str) -> int:
    """Put text at the end; returns the line of its first character."""
    path = packs / file
    before = path.read_text(encoding="utf-8")
    path.write_text(before + text, encoding="utf-8")
    return before.count("\n") + 1


def row_of(packs: Path, file: str, start: str) -> str:
    return next(line for line in (packs / file).read_text(encoding="utf-8").splitlines() if line.startswith(start))


def cell(column: int, value: str) -> Callable[[str], str]:
    """Change one cell of a row without quoted commas before it."""

    def changed(row: str) -> str:
        cells = row.split(",")
        cells[column] = value
        return ",".join(cells)

    return changed


def test_shipped_packs_have_no_fault(packs: Path) -> None:
    for name in ("national-2021", "guzhen-2021"):
        assert load_pack(packs / name).id == name


# form,name,zh,number,national_id,type,unit,scale,list,kind,home,privacy,multi,section,retired,verified
@pytest.mark.parametrize(
    ("item", "column", "value", "word"),
    [
        ("household_size", 1, "Household Size", "指标名只能用小写字母"),
        ("household_size", 2, "", "中文名"),
        ("household_size", 5, "integer", "type 不能是“integer”"),
        ("household_size", 9, "asof", "kind 不能是“asof”"),
        ("household_size", 10, "table", "home 不能是“table”"),
        ("household_size", 11, "public", "privacy 不能是“public”"),
        ("household_size", 12, "yes", "multi 不能是“yes”"),
        ("household_size", 13, "basic", "section“basic”不在"),
        ("household_size", 14, "soon", "retired 要是停用的年份"),
        ("household_size", 15, "", "verified 只能是 yes 或 no"),
        ("household_size", 7, "2", "scale"),
        ("wage_income", 7, "two", "scale 要是 0 到 6"),
        ("wage_income", 7, "", "小数要写 scale"),
        ("household_attribute", 8, "no_such_list", "没有“no_such_list”这个清单"),
        ("bank_card_no", 11, "none", "privacy 要是 secret"),
    ],
)
def test_bad_indicator_is_told_at_its_row(packs: Path, item: str, column: int, value: str, word: str) -> None:
    row = row_of(packs, INDICATORS, f"household_year,{item},")
    line = edit(packs, INDICATORS, row, cell(column, value)(row))
    found = [fault for fault in faults(packs) if fault.file == INDICATORS]
    assert {fault.line for fault in found} == {line}
    assert any(word in fault.message_zh for fault in found), found


def test_bad_item_is_told_once_and_not_in_every_rule_that_reads_it(packs: Path) -> None:
    row = row_of(packs, INDICATORS, "household_year,wage_income,")
    line = edit(packs, INDICATORS, row, cell(5, "monney")(row))
    assert [(fault.file, fault.line) for fault in faults(packs)] == [(INDICATORS, line)] * len(faults(packs))


def test_indicator_given_twice(packs: Path) -> None:
    line = append(packs, INDICATORS, row_of(packs, INDICATORS, "household_year,household_size,") + "\n")
    assert [(fault.file, fault.line) for fault in faults(packs)] == [(INDICATORS, line)]


def test_indicator_of_a_form_that_is_not_there(packs: Path) -> None:
    line = append(packs, INDICATORS, "horse_year,height,马高,,,int,,,,as_of,record,none,,main,,no,K,\n")
    found = faults(packs)
    assert [(fault.file, fault.line) for fault in found] == [(INDICATORS, line)]
    assert "forms.toml 里没有“horse_year”" in found[0].message_zh


@pytest.mark.parametrize("file", [INDICATORS, LISTS, "national-2021/parameters.csv", "national-2021/orderings.csv", "national-2021/synonyms.csv"])
def test_missing_column_is_named(packs: Path, file: str) -> None:
    path = packs / file
    header, rest = path.read_text(encoding="utf-8").split("\n", 1)
    first, others = header.split(",", 1)
    path.write_text(f"{first}_,{others}\n{rest}", encoding="utf-8")
    found = faults(packs)
    assert [(fault.file, fault.line) for fault in found] == [(file, 1)]
    assert f"缺少列：{first}" in found[0].message_zh


def test_codes_of_a_list(packs: Path) -> None:
    twice = append(packs, LISTS, "sex,1,男的,male,no,K,\n")
    empty = append(packs, LISTS, "sex,,无,none,no,K,\n")
    wide = append(packs, LISTS, "sex,8,甲,a,no,K,,,,x\n")
    found = faults(packs)
    assert [(fault.file, fault.line) for fault in found] == [(LISTS, wide), (LISTS, twice), (LISTS, empty)]
    assert ["格" in found[0].message_zh, "写了两次" in found[1].message_zh, "都要填" in found[2].message_zh] == [True] * 3


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("\nschool_status,04,", "\nschool_status,4,", "前面的 0 可能被 Excel 去掉了"),
        ("\nschool_status,04,", "\nschool_status,4月1日,", "被 Excel 变成了日期"),
        ("\nschool_status,04,", "\nschool_status,1-Apr,", "被 Excel 变成了日期"),
        ("\nschool_status,04,", "\nschool_status,2021/4/1,", "被 Excel 变成了日期"),
        ("\nschool_status,04,", "\nschool_status,3.4E+11,", "科学计数"),
        ("\nschool_status,04,", "\nschool_status,#NAME?,", "Excel 的错误“#NAME?”"),
    ],
)
def test_excel_damage_is_named_as_such(packs: Path, old: str, new: str, word: str) -> None:
    line = edit(packs, LISTS, old, new) + 1
    found = [fault for fault in faults(packs) if fault.file == LISTS]
    assert [fault.line for fault in found] == [line]
    assert word in found[0].message_zh


def without_zeros(packs: Path, *lists: str) -> int:
    """Take the leading zeros of these lists (none named: of all), as Excel does on saving; returns the first line that changed."""
    path = packs / LISTS
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    changed = [number for number, row in enumerate(rows, start=1) if re.fullmatch("0[0-9]+", row[1]) and (row[0] in lists or not lists)]
    for number in changed:
        rows[number - 1][1] = str(int(rows[number - 1][1]))
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return changed[0]


@pytest.mark.parametrize("lists", [(), ("school_status",), ("health_status", "ethnicity")])
def test_lists_without_any_leading_zero_are_one_fault_at_the_lists(packs: Path, lists: tuple[str, ...]) -> None:
    line = without_zeros(packs, *lists)
    found = faults(packs)
    assert [fault.file for fault in found] == [LISTS]
    assert found[0].line == line or not lists
    assert "前面的 0 被 Excel 去掉了" in found[0].message_zh and "恢复原来的文件" in found[0].message_zh


def test_a_rule_that_names_a_code_shows_that_its_list_lost_the_zeros(packs: Path) -> None:
    edit(packs, "national-2021/rules/C.toml", 'when = "ethnicity is null"', "when = \"fuel_type = '01'\"")
    edit(packs, "national-2021/rules/C.toml", 'subject = "person"', 'subject = "household"')
    edit(packs, "national-2021/rules/C.toml", 'message = "{member_name}：民族没有填"', 'message = "燃料"')
    edit(packs, "national-2021/rules/C.toml", 'message_en = "{member_name}: ethnicity is not filled in"', 'message_en = "fuel"')
    assert load_pack(packs / "guzhen-2021").id == "guzhen-2021"
    line = without_zeros(packs, "fuel_type")
    found = faults(packs)
    assert [(fault.file, fault.line) for fault in found] == [(LISTS, line)] and "“fuel_type”" in found[0].message_zh


def test_a_synonym_of_a_code_there_never_was_is_no_damage_of_the_list(packs: Path) -> None:
    """The list has no 1 that a lost zero could have left: the synonym is wrong."""
    append(packs, LISTS, "letters,A,甲,a,no,K,\nletters,B,乙,b,no,K,\n")
    line = append(packs, "national-2021/synonyms.csv", "letters,甲等,01\n")
    assert [(fault.file, fault.line) for fault in faults(packs)] == [("national-2021/synonyms.csv", line)]


def test_file_saved_by_excel_as_gb18030(packs: Path) -> None:
    path = packs / LISTS
    path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    found = faults(packs)
    assert [fault.file for fault in found] == [LISTS]
    assert "GB18030" in found[0].message_zh and "CSV UTF-8" in found[0].message_zh


@pytest.mark.parametrize(
    ("content", "line", "word"),
    [
        (b"PK\x03\x04\x14\x00\x06", 1, "Excel 工作簿"),
        ("list,code,zh\n".encode("utf-16"), 1, "UTF-16"),
        ("list;code;zh\nsex;1;男\n".encode(), 1, "不是用逗号分隔"),
        (b"list,code,zh\nsex,1,\xff\xff\xff\n", 2, "可能已损坏"),
        ('list,code,zh\nsex,1,"男\n'.encode(), 2, "引号不成对"),
        (b"list,code,zh,zh\n", 1, "列名重复"),
        (b"", 1, "缺少列"),
    ],
)
def test_file_that_is_no_csv(packs: Path, content: bytes, line: int, word: str) -> None:
    (packs / LISTS).write_bytes(content)
    found = faults(packs)
    assert [(fault.file, fault.line) for fault in found] == [(LISTS, line)]
    assert word in found[0].message_zh


def test_what_excel_does_without_harm(packs: Path) -> None:
    before = load_pack(packs / "guzhen-2021").hash
    path = packs / LISTS
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*(f"{line},," for line in lines), ",,,,,,,,"]).encode())
    path.write_bytes(path.read_bytes().replace(b"note,,", b"note,,", 1))
    assert load_pack(packs / "guzhen-2021").hash == before


@pytest.mark.parametrize(
    ("file", "old", "new", "word"),
    [
        ("national-2021/roles.toml", 'level = "county"', 'level = "county', "写法不对"),
        ("national-2021/forms.toml", "[person_year]", "[household_year]", "写了两次"),
        ("national-2021/rules/F.toml", "severity =", "severity", "写法不对"),
    ],
)
def test_bad_toml_is_told_with_its_line(packs: Path, file: str, old: str, new: str, word: str) -> None:
    line = edit(packs, file, old, new)
    found = faults(packs)
    assert [(fault.file, fault.line) for fault in found] == [(file, line)]
    assert word in found[0].message_zh


RULE = '\n[X001]\ntitle = "试"\nseverity = "W"\nsubject = "household"\nwhen = "wage_income > 1"\nmessage = "{wage_income}"\n'


@pytest.mark.parametrize(
    ("old", "new", "offset", "word"),
    [
        ("wage_income > 1", "wage_incom > 1", 5, "是不是“wage_income”？（表达式第 1 个字符）"),
        ("wage_income > 1", "wage_income > 1 -- x", 5, "注释"),
        ("wage_income > 1", "read_csv('/etc/passwd') is null", 5, "没有“read_csv”这个函数"),
        ("wage_income > 1", "wage_income", 5, "结果应是“是/否”"),
        ('when = "wage_income > 1"', 'when = 3', 5, "带引号的表达式"),
        ('when = "wage_income > 1"\n', "", 1, "缺少 when"),
        ('when = "wage_income > 1"', 'when = """\n  wage_income > 1\n  and foo = 2\n"""', 7, "没有“foo”这个指标"),
        ('subject = "household"', 'subject = "village"', 4, "没有“village”这种对象"),
        ('severity = "W"', 'severity = "X"', 3, "severity 只能是"),
        ('title = "试"', "title = 1", 2, "title 要是文字"),
        ('title = "试"\n', "", 1, "缺少 title"),
        ("{wage_income}", "{wage}", 6, "“{wage}”不是这里的指标"),
        ('severity = "W"', 'severity = "W"\nscope = "nothing = 1"', 4, "没有“nothing”这个指标"),
        ('severity = "W"', 'severity = "W"\nfields = [1]', 4, "里只能是文字"),
        ('severity = "W"', 'severity = "W"\nscop = "true"', 4, "不认识“scop”，是不是“scope”"),
        (RULE, "\n[X001]\noff = true\n", 1, "没有规则 X001"),
        (RULE, "\nX001 = 3\n", 1, "应是一张表"),
    ],
)  # fmt: skip
def test_bad_rule_is_told_with_line_and_character(packs: Path, old: str, new: str, offset: int, word: str) -> None:
    path = packs / "guzhen-2021/rules"
    path.mkdir()
    (path / "X.toml").write_text("# own rules\n" + RULE.replace(old, new), encoding="utf-8")
    found = faults(packs)
    assert [(fault.file, fault.line) for fault in found] == [("guzhen-2021/rules/X.toml", 2 + offset)]
    assert word in found[0].message_zh


def test_rule_that_stands_twice(packs: Path) -> None:
    path = packs / "guzhen-2021/rules"
    path.mkdir()
    for name in "XY":
        (path / f"{name}.toml").write_text(RULE, encoding="utf-8")
    assert [(fault.file, fault.line) for fault in faults(packs)] == [("guzhen-2021/rules/Y.toml", 2)]


def test_county_changes_a_rule_and_switches_one_off(packs: Path) -> None:
    path = packs / "guzhen-2021/rules"
    path.mkdir()
    (path / "own.toml").write_text("[F001]\noff = true\n" + RULE.replace("X001", "F002"), encoding="utf-8")
    rules = {rule.id: rule for rule in load_pack(packs / "guzhen-2021").rules}
    assert "F001" not in rules
    assert rules["F002"].title == "试"
    assert "F001" in {rule.id for rule in load_pack(packs / "national-2021").rules}


@pytest.mark.parametrize(
    ("file", "old", "new", "word"),
    [
        # computations, relevance, constraints
        ("national-2021/computations.toml", 'net_income = "total_income', 'net_income = "reference_income', "形成循环"),
        ("national-2021/computations.toml", "property_income =", "wage_income =", "不是计算项"),
        ("national-2021/relevance.toml", "toilet_usable =", "toilet_usuable =", "没有指标“household_year.toilet_usuable”"),
        ("national-2021/relevance.toml", "toilet_usable = \"sanitary_toilet", "toilet_usable = \"sanitary_toylet", "是不是“sanitary_toilet”"),
        ("national-2021/constraints.toml", 'expr = "household_size between', 'expr = "houshold_size between', "是不是“household_size”"),
        ("national-2021/constraints.toml", 'fields = ["household_size"]', 'fields = ["size"]', "没有指标“household_year.size”"),
        ("national-2021/constraints.toml", 'severity = "warn"', 'severity = "hint"', "error 或 warn"),
        ("national-2021/constraints.toml", 'expr = "household_size between', 'expr = "rank(farmland_mu) = 1 or household_size between', "全县函数"),
        ("national-2021/constraints.toml", 'expr = "household_size between', 'expr = "office_lat is null or household_size between', "全县函数"),
        # roll-ups, rows apart
        (ROLLUPS, "sum(natural_villages, households)", "sum(natural_village, households)", "是不是“natural_villages”"),
        (ROLLUPS, "population = \"sum(natural_villages, population)\"", "population = \"sum(natural_villages, populaton)\"", "是不是“population”"),
        (ROLLUPS, "count(households, monitoring_state =", "count(households, last.monitoring_state =", "不认识“last.monitoring_state”"),
        (ROLLUPS, "count(households, monitoring_state =", "count(households, monitoring_stat =", "是不是“monitoring_state”"),
        (ROLLUPS, "distinct(microcredit, household_id, overdue_days > 0)", "distinct(microcredit, balance, overdue_days > 0)", "distinct 只能用于"),
        (ROLLUPS, 'natural_villages = "count(natural_villages)"', 'natural_villages = "last.party_members"', "只有规则可以"),
        ("national-2021/constraints.toml", 'expr = "electrified_natural_villages <=', 'expr = "last.party_members <=', "只有规则可以"),
        ("national-2021/rules/V.toml", "农户填没通电的 {sum.1} 户", "农户填没通电的 {sum.3} 户", "“{sum.3}”不是这里的指标"),
        ("national-2021/apart.toml", 'form = "resident_team"', 'form = "household_year"', "不是台账"),
        ("national-2021/apart.toml", 'start = "start_on"', 'start = "unit"', "“resident_team.unit”不是这里能用的指标"),
        ("national-2021/apart.toml", 'when = "is_leader"', 'when = "leader"', "没有“leader”这个指标"),
        # head
        ("national-2021/pack.toml", "state_date = 2021-09-30", 'state_date = "2021-09-31"', "不是日期"),
        ("national-2021/pack.toml", "period_start = 2020-10-01", "period_start = 2022-10-01", "开始晚于结束"),
        ("national-2021/pack.toml", "form_year = 2021", 'form_year = "2021"', "四位年份"),
        ("guzhen-2021/pack.toml", 'division = "340323"', 'division = "34032"', "区划代码"),
        ("guzhen-2021/pack.toml", 'id = "guzhen-2021"', 'id = "guzhen-2022"', "要和文件夹名"),
        ("guzhen-2021/pack.toml", 'extends = "national-2021"', 'extends = "national-2020"', "没有找到政策包“national-2020”"),
        ("guzhen-2021/pack.toml", 'extends = "national-2021"', 'extends = "../national-2021"', "extends 不能是"),
        # plan, roles
        (PLAN, 'due = "2021-11-16 24:00"', 'due = "2021-11-31 24:00"', "截止时间“2021-11-31 24:00”不对"),
        (PLAN, 'due = "2021-11-16 24:00"', 'due = "2021-11-16 24:30"', "截止时间"),
        (PLAN, 'roles = ["village", "helper"]', 'roles = ["village", "teacher"]', "没有“teacher”这个岗位"),
        (PLAN, 'metric = "collected"', 'metric = "gathered"', "metric 不能是“gathered”"),
        (PLAN, 'key = "T3"', 'key = "T1"', "写了两次"),
        (ROLES, '"household.edit"', '"household.erase"', "没有“household.erase”这项权限"),
        (ROLES, 'level = "township"', 'level = "town"', "level 不能是“town”"),
        (ROLES, 'title = "县级管理员"', "title = 1", "title 要是文字"),
        # layouts, papers, tables
        ("national-2021/layouts/roster.toml", '"person_year.sex" =', '"person_year.gender" =', "没有指标“person_year.gender”"),
        ("national-2021/layouts/year_update.toml", '"fuel_type"', '"fuel"', "没有指标“household_year.fuel”"),
        ("national-2021/archive.toml", 'applies_to = "monitored"', 'applies_to = "some"', "all 或 monitored"),
        ("national-2021/synonyms.csv", "sex,男,1", "sex,男,3", "没有代码“3”"),
        ("national-2021/synonyms.csv", "sex,男,1", "gender,男,1", "没有“gender”这个清单"),
        ("national-2021/orderings.csv", "grade,school_status,04,7", "grade,school_status,04,x", "rank 要是整数"),
        ("national-2021/parameters.csv", "money,yuan,2021-01-01,6000,", "money,yuan,2021-13-01,6000,", "起始日期"),
        ("national-2021/parameters.csv", "money,yuan,2021-01-01,6000,", "money,yuan,2021-01-01,6000.005,", "最多 2 位小数"),
        ("national-2021/parameters.csv", "money,yuan,2021-01-01,6000,", "cash,yuan,2021-01-01,6000,", "参数类型"),
        ("national-2021/parameters.csv", "money,yuan,2021-01-01,6000,", "money,yuan,2020-01-01,6000,", "写了两次"),
        ("national-2021/parameters.csv", "int,month,2021-01-01,1,GZ", "int,moon,2021-01-01,1,GZ", "unit 不能是“moon”"),
        ("national-2021/forms.toml", '"wage_migrant", ', '"wage_migrants", ', "没有指标“wage_migrants”"),
        ("national-2021/forms.toml", 'subject = "household"', 'subject = "house"', "subject 不能是“house”"),
    ],
)  # fmt: skip
def test_fault_is_told_where_it_stands(packs: Path, file: str, old: str, new: str, word: str) -> None:
    line = edit(packs, file, old, new)
    found = faults(packs)
    assert [(fault.file, fault.line) for fault in found if word in fault.message_zh] == [(file, line)], found
    assert {fault.file for fault in found} == {file}
    assert all(fault.message_en for fault in found)


def test_packs_that_extend_each_other(packs: Path) -> None:
    line = append(packs, "national-2021/pack.toml", 'extends = "guzhen-2021"\n')
    found = faults(packs)
    assert [(fault.file, fault.line) for fault in found] == [("national-2021/pack.toml", line)]
    assert "循环" in found[0].message_zh


def test_missing_head_is_told(packs: Path) -> None:
    edit(packs, "national-2021/pack.toml", "state_date = 2021-09-30\n", "")
    found = faults(packs)
    assert [(fault.file, fault.line) for fault in found] == [("guzhen-2021/pack.toml", 1)]
    assert "缺少 state_date" in found[0].message_zh


def test_folder_without_a_pack(packs: Path) -> None:
    (packs / "empty").mkdir()
    assert [(fault.file, fault.line) for fault in faults(packs, "empty")] == [("empty/pack.toml", 1)]


def test_every_fault_is_told_at_once(packs: Path) -> None:
    expected = [
        (ROLES, edit(packs, ROLES, '"household.edit"', '"household.erase"')),
        (PLAN, edit(packs, PLAN, 'metric = "collected"', 'metric = "gathered"')),
        (INDICATORS, append(packs, INDICATORS, row_of(packs, INDICATORS, "household_year,household_size,") + "\n")),
        ("national-2021/constraints.toml", edit(packs, "national-2021/constraints.toml", 'severity = "warn"', 'severity = "hint"')),
        ("guzhen-2021/pack.toml", edit(packs, "guzhen-2021/pack.toml", 'division = "340323"', 'division = "3"')),
        ("national-2021/archive.toml", edit(packs, "national-2021/archive.toml", 'applies_to = "monitored"', 'applies_to = "x"')),
    ]
    assert sorted((fault.file, fault.line) for fault in faults(packs)) == sorted(expected)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("national-2021/computations.toml", "coalesce(claim_income, 0.00)", "coalesce(claim_income, 1.00)"),
        ("national-2021/relevance.toml", "work_months > 0", "work_months > 1"),
        ("national-2021/synonyms.csv", "sex,男,1", "sex,男人,1"),
        ("national-2021/orderings.csv", "grade,school_status,04,7", "grade,school_status,04,6"),
        ("national-2021/layouts/roster.toml", '"户号"', '"户的号"'),
        ("national-2021/archive.toml", 'title = "封面和目录"', 'title = "封面"'),
        ("guzhen-2021/plan.toml", "2021-11-17 24:00", "2021-11-18 24:00"),
        (INDICATORS, "household_year,household_size,家庭人口数", "household_year,household_size,家庭人口"),
    ],
)
def test_every_change_of_meaning_changes_the_hash(packs: Path, file: str, old: str, new: str) -> None:
    before = load_pack(packs / "guzhen-2021").hash
    edit(packs, file, old, new)
    assert load_pack(packs / "guzhen-2021").hash != before


def test_comments_and_line_ends_do_not_change_the_hash(packs: Path) -> None:
    before = load_pack(packs / "guzhen-2021").hash
    append(packs, PLAN, "# a comment\n")
    assert load_pack(packs / "guzhen-2021").hash == before


def spoil(packs: Path, draw: random.Random) -> str:
    """Change one place of one file as a tired hand would; returns what was done."""
    path = draw.choice(sorted(path for path in packs.rglob("*") if path.suffix in (".toml", ".csv")))
    lines = path.read_text(encoding="utf-8").split("\n")
    place = draw.randrange(len(lines))
    line = lines[place]
    cut = draw.randrange(len(line) + 1)
    lines[place] = draw.choice(
        (
            "",
            line[:cut],
            line[cut:],
            line[:cut] + draw.choice("\"'[]{}=,#1x") + line[cut:],
            line + "\n" + line,
            line.replace('"', "", 1),
            line.replace("=", "= 1 #", 1),
        )
    )
    path.write_text("\n".join(lines), encoding="utf-8")
    return f"{path.relative_to(packs)}:{place + 1}: {line[:80]!r} became {lines[place][:80]!r}"


def spoiled(tmp_path: Path, count: int, seed: int) -> None:
    draw = random.Random(seed)
    for number in range(count):
        packs = tmp_path / str(number)
        for name in ("national-2021", "guzhen-2021"):
            shutil.copytree(PACKS / name, packs / name)
        done = spoil(packs, draw)
        try:
            load_pack(packs / "guzhen-2021")
        except PackFaults as found:
            assert found.faults
            for fault in found.faults:
                assert (packs / fault.file).exists() and fault.line >= 1 and fault.message_zh and fault.message_en, (seed, done, fault)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {done}: {error!r}") from error
        shutil.rmtree(packs)


def test_spoiled_pack_loads_or_tells_faults(tmp_path: Path) -> None:
    spoiled(tmp_path, 20, 340323)


@pytest.mark.proof
def test_many_spoiled_packs_load_or_tell_faults(tmp_path: Path, chosen_seed: int) -> None:
    spoiled(tmp_path, 400, chosen_seed)


@pytest.mark.parametrize("span", ['["work_start"]', '["work_start", "employer"]', '["work_start", "nothing"]', '"work_start"'])
def test_a_span_names_two_days_or_months(packs: Path, span: str) -> None:
    edit(packs, "national-2021/forms.toml", 'span = ["work_start", "work_end"]', f"span = {span}")
    assert any("span" in fault.message_zh for fault in faults(packs))


def test_roll_ups_in_a_circle_are_named(packs: Path) -> None:
    edit(packs, ROLLUPS, 'exit_households = "count(households', 'exit_households = "exit_population + count(households')
    edit(packs, ROLLUPS, 'exit_population = "count(members', 'exit_population = "exit_households + count(members')
    (found,) = faults(packs)
    assert (found.file, found.line) == (ROLLUPS, 4)
    assert "汇总项互相引用，形成循环" in found.message_zh
    assert "natural_village_year.exit_households → natural_village_year.exit_population → natural_village_year.exit_households" in found.message_zh


def test_a_computed_item_of_a_village_that_nobody_says_how_to_find_is_told_at_its_row(packs: Path) -> None:
    edit(packs, ROLLUPS, 'natural_villages = "count(natural_villages)"\n', "")
    (found,) = faults(packs)
    assert found.file == "national-2021/indicators.csv"
    assert "“自然村数”是计算项，rollups.toml 里没有写怎么算" in found.message_zh


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('[village_year]\nleader_name = "count(natural_villages)"\n', "“village_year.leader_name”不是计算项"),
        ('[project]\nfunds_planned = "0.00"\n', "rollups.toml 只写村和自然村年度表的计算项，不是“project.funds_planned”"),
    ],
)
def test_a_roll_up_of_what_is_none_is_told(packs: Path, text: str, word: str) -> None:
    (packs / "guzhen-2021/rollups.toml").write_text(text, encoding="utf-8")
    (found,) = faults(packs)
    assert (found.file, found.line) == ("guzhen-2021/rollups.toml", 2)
    assert word in found.message_zh


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('kind = "missed"', 'kind = "maybe"', "kind 只能是"),
        ("weight = 40", "weight = 0", "weight 要是 1 到 100"),
        ("weight = 40", 'weight = 40\nseverity = "E"', "没有 severity"),
        ("reference_per_capita < param.income_line", "reference_per_kapita < param.income_line", "reference_per_kapita"),
    ],
)
def test_a_screen_with_a_fault_is_told(packs: Path, old: str, new: str, words: str) -> None:
    edit(packs, "national-2021/screening/leads.toml", old, new)
    assert any(words in fault.message_zh and fault.file.endswith("leads.toml") for fault in faults(packs))
