"""A roster is taken whole or not at all, says every fault with its cell, never writes over what was collected, and can be taken back."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, Scope, make_reach, reach_of, set_act, set_database_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.audit.models import Event
from fangfanpin.households.models import Household, Membership, MonitoringSpell, Person
from fangfanpin.households.subjects import person_columns, plain_secret, set_household_value
from fangfanpin.jobs.models import Job
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import ImportBatch, ImportDifference, Record, TrayRow
from fangfanpin.records.roster.services import apply_batch, check_batch, receive
from fangfanpin.records.roster.taking_back import take_back
from fangfanpin.records.saving import SaveRequest, save
from fangfanpin.records.services import open_year
from fangfanpin.records.workbooks.batches import ImportRefused
from fangfanpin.regions.models import Region
from tests.records.rosters import LI, WANG, Roster, number, roster

TABLES = (Household, Person, Membership, MonitoringSpell, Record, ImportDifference, TrayRow, Event)


def nothing(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def county(worker: None, acting: Callable[[str], Reach]) -> Reach:
    return acting("county")


@pytest.fixture
def village(county: Reach) -> str:
    return sorted(county.villages)[0]


@pytest.fixture
def drawn(village: str) -> Roster:
    return roster(village)


@pytest.fixture
def take(county: Reach, cast: dict[str, User], tmp_path: Path) -> Callable[..., ImportBatch]:
    """Hand a file in and take it in (or only check it)."""
    names = iter(range(100))

    def run(what: Roster | Path, *, keep_good: bool = False, apply: bool = True, reach: Reach | None = None, name: str = "") -> ImportBatch:
        path = what if isinstance(what, Path) else what.write(tmp_path / f"{next(names)}.xlsx")
        year = current_year()
        by = cast["county"] if reach is None or reach.user_id == cast["county"].pk else None
        batch = receive(content=path, name=name or path.name, keep_good=keep_good, year=year, by=by)
        if apply:
            return apply_batch(batch=batch, year=year, reach=reach or county, keep_good=keep_good, report=nothing)
        return check_batch(batch=batch, year=year, reach=reach or county, report=nothing)

    return run


def counts() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in TABLES}


def stood(model: Any) -> list[dict[str, Any]]:
    """Every row of a table but for how often and when it was changed."""
    return [{name: value for name, value in row.items() if name not in ("version", "updated_at")} for row in model.objects.order_by("pk").values()]


def messages(batch: ImportBatch) -> list[str]:
    return [f"{f['sheet']}!{f['row']}:{f['header']}={f['value']} {f['message']}" for f in batch.faults]


# --- what is stored ---------------------------------------------------------------------------------------------------


def test_a_roster_becomes_registry_and_baseline(drawn: Roster, take: Callable[..., ImportBatch], village: str) -> None:
    batch = take(drawn)
    assert batch.state == "applied", messages(batch)
    home = Household.objects.get(code="NEW0001")
    assert (home.village_code, home.head_name, home.head_name_key, home.member_count, home.kind) == (
        village,
        "王建国",
        "wang jian guo",
        3,
        "assisted",
    )
    assert (home.address, home.household_type, home.household_state, home.poverty_exit_year) == ("1组7号", "01", "01", 2018)
    assert plain_secret(home, "bank_card_no") == "6217001234567890123" and "6217001234" not in home.bank_card_mask
    record = Record.objects.get(form="household_year", year=2020, subject_id=home.id)
    assert (record.state, record.origin, record.import_batch_id) == ("locked", "import", batch.pk)
    assert record.values["wage_income"] == 3000000 and record.values["business_income"] == 500050 and record.values["farmland_mu"] == 350
    assert record.values["safe_water"] is True
    assert record.values["net_income"] == 3000000 + 500050 + 120000 - 200000
    assert record.values["per_capita_net_income"] == 1140017  # 34200.50 / 3, half away from zero
    assert record.subject["household_type"] == "01" and "bank_card_no" not in record.subject
    assert "wage_migrant" not in record.values  # not a column of the file: not asked
    son = Person.objects.get(code="NEW000103")
    part = Record.objects.get(form="person_year", year=2020, subject_id=son.id)
    assert (part.parent_id, part.state, part.values["work_months"], part.values["health_status"]) == (record.id, "locked", 65, ["01"])
    assert part.subject["member_name"] == "王浩" and part.subject["relation_to_head"] == "03" and "id_number" not in part.subject
    assert Membership.objects.get(person=son).valid_to is None
    spell = MonitoringSpell.objects.get(household=home)
    assert (spell.monitoring_type, spell.spell_state, spell.identified_month) == ("01", "01", "2020-05")
    home.refresh_from_db()
    assert (home.monitoring_type, home.monitoring_state) == ("01", "01")
    due = Record.objects.get(form="household_year", year=2021, subject_id=home.id)
    assert (due.state, due.values) == ("empty", {})


def test_columns_of_a_person_are_those_of_typing(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    take(drawn)
    son = Person.objects.get(code="NEW000103")
    expected = person_columns(
        {
            "person_id": "NEW000103", "member_name": "王浩", "sex": "1", "birth_date": "2000-03-03", "id_type": "01",
            "id_number": plain_secret(son, "id_number"), "disability_card_no": plain_secret(son, "disability_card_no"), "ethnicity": "01",
            "relation_to_head": "03", "member_state": "01",
        }
    )  # fmt: skip
    sealed = {"id_number_secret", "disability_card_secret"}
    held = {name: getattr(son, name) for name in expected if name not in sealed}
    assert held == {name: value for name, value in expected.items() if name not in sealed}
    assert held["card_check_ok"] is True and held["card_matches_id"] is True


def test_every_row_has_its_event_under_one_act(drawn: Roster, take: Callable[..., ImportBatch], cast: dict[str, User]) -> None:
    batch = take(drawn)
    events = Event.objects.filter(act=f"import.apply {batch.pk}")
    tables = {name: events.filter(table_name=name, op="I").count() for name in ("households_household", "households_person", "records_record")}
    assert tables == {"households_household": 2, "households_person": 4, "records_record": 2 + 4 + 2}
    assert set(events.values_list("actor_id", flat=True)) == {cast["county"].pk}


def test_one_sheet_with_a_row_per_member(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    whole = Roster(drawn.merged(), [], ("导出", "空表"))
    batch = take(whole.write(tmp_path / "one.xlsx"))
    assert batch.state == "applied", messages(batch)
    assert Household.objects.filter(code__startswith="NEW").count() == 2 and Person.objects.filter(code__startswith="NEW").count() == 4
    assert Record.objects.get(form="household_year", year=2020, household__code="NEW0001").values["wage_income"] == 3000000


def test_columns_in_any_order_by_synonym_under_a_title(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    renamed = {
        "户编号": "家庭编号",
        "证件号码": "身份证号 ",
        "姓名": "成员姓名*",
        "与户主关系": "与户主\n关系",
        "工资性收入": "工资性收入（元）",
        "低保金": "AAC077",
    }
    other = Roster(
        [{renamed.get(k, k): v for k, v in reversed(row.items())} | {"网格员": "小李"} for row in drawn.homes],
        [{renamed.get(k, k): v for k, v in reversed(row.items())} for row in drawn.people],
        titles=[["固镇县2020年花名册"], ["填表日期 2020-12-31"]],
    )
    batch = take(other)
    assert batch.state == "applied", messages(batch)
    assert Record.objects.get(form="household_year", year=2020, household__code="NEW0001").values["tr_dibao"] == 120000
    sheet = batch.summary["sheets"][0]
    assert sheet["header_row"] == 3 and [column["header"] for column in sheet["unknown"]] == ["网格员"]


def test_old_excel(take: Callable[..., ImportBatch]) -> None:
    batch = take(Path(__file__).parent / "files" / "roster.xls")
    assert batch.state == "applied", (messages(batch), batch.summary)
    assert Household.objects.get(code="XLS0001").member_count == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_in_the_encodings_people_save(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path, encoding: str) -> None:
    table = drawn.table(drawn.merged())
    path = tmp_path / "roster.csv"
    path.write_text("\r\n".join(",".join(map(str, row)) for row in table), encoding=encoding)
    batch = take(path)
    assert batch.state == "applied", (messages(batch), batch.summary)
    assert Person.objects.filter(code__startswith="NEW").count() == 4


def test_forms_of_numbers_and_words_are_understood(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    drawn.homes[0] |= {"家庭人口数": "３", "工资性收入": 30000.0, "耕地面积": "3.50亩 ", "脱贫年度": 2018.0}
    drawn.people[0] |= {"证件号码": "340323700101123", "出生日期": 25569.0, "姓名": "王建国　", "人编号": "NEW000101 "}
    drawn.people[1] |= {"证件号码": " " + LI.lower(), "出生日期": "1971年2月2日"}
    batch = take(drawn)
    assert batch.state == "applied", messages(batch)
    head = Person.objects.get(code="NEW000101")
    assert (head.member_name, head.id_form, head.birth_date.isoformat() if head.birth_date else "") == ("王建国", "id15", "1970-01-01")
    assert plain_secret(Person.objects.get(code="NEW000102"), "id_number") == LI
    assert any("Excel 日期" in note for note in batch.summary["notes"])


def test_a_lower_case_x_is_an_x(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    with_x = next(n for day in range(1, 29) if (n := number(f"340323197001{day:02d}123")).endswith("X"))
    drawn.people[0] |= {"证件号码": with_x.lower(), "出生日期": ""}
    batch = take(drawn)
    assert batch.state == "applied", messages(batch)
    head = Person.objects.get(code="NEW000101")
    assert plain_secret(head, "id_number") == with_x
    assert head.birth_date is not None and head.birth_date.isoformat() == f"{with_x[6:10]}-{with_x[10:12]}-{with_x[12:14]}"  # from the number


# --- faults -----------------------------------------------------------------------------------------------------------

PEOPLE, HOMES = "people", "homes"


@pytest.mark.parametrize(
    ("where", "row", "column", "cell", "said"),
    [
        (PEOPLE, 0, "证件号码", 3.403231970010112e17, "存成了数字"),
        (PEOPLE, 0, "证件号码", "3.40323E+17", "存成了数字"),
        (PEOPLE, 0, "证件号码", WANG[:-1] + ("0" if WANG[-1] != "0" else "1"), "校验码不对"),
        (PEOPLE, 0, "证件号码", WANG[:-1], "17 位"),
        (PEOPLE, 0, "证件号码", number("34032319701301123"), "出生日期"),
        (PEOPLE, 0, "证件号码", LI, "同一个证件号码"),
        (PEOPLE, 0, "出生日期", "1970-13-01", "没有"),
        (PEOPLE, 0, "出生日期", "三月", "2021-09-30"),
        (PEOPLE, 0, "文化程度", "初种", "初中"),
        (PEOPLE, 0, "性别", "1.5", "清单里没有"),
        (PEOPLE, 0, "与户主关系", "2", "前面的 0"),
        (PEOPLE, 0, "与户主关系", "妻", "没有户主"),
        (PEOPLE, 1, "与户主关系", "户主", "已有户主"),
        (PEOPLE, 1, "与户主关系", "", "没有填与户主关系"),
        (PEOPLE, 0, "姓名", "", "没有填姓名"),
        (PEOPLE, 0, "姓名", "王\x07建国", "控制字符"),
        (PEOPLE, 0, "姓名", "王" * 61, "最多 60"),
        (PEOPLE, 1, "人编号", "NEW000101", "重复"),
        (PEOPLE, 0, "户编号", "NEW0009", "没有户编号 NEW0009"),
        (PEOPLE, 0, "户编号", "", "不知道是哪一户"),
        (PEOPLE, 0, "务工时间（月）", "半年", "不是数字"),
        (HOMES, 0, "户编号", 3.403231000020001e18, "科学计数"),
        (HOMES, 1, "户编号", "NEW0001", "重复"),
        (HOMES, 0, "村代码", "", "没有填村代码"),
        (HOMES, 0, "村代码", "340323999999", "没有代码为"),
        (HOMES, 0, "村代码", "3403231", "12 位"),
        (HOMES, 0, "工资性收入", "三万", "不是数字"),
        (HOMES, 0, "工资性收入", "-5", "负数"),
        (HOMES, 0, "工资性收入", "1.234", "2 位小数"),
        (HOMES, 0, "脱贫年度", "18", "四位年份"),
        (HOMES, 0, "是否解决安全饮用水", "大概", "“是”或“否”"),
        (HOMES, 0, "识别监测时间", 2021.1, "分不清"),
    ],
)
def test_a_fault_says_where_and_what_to_do_and_nothing_is_written(
    drawn: Roster, take: Callable[..., ImportBatch], where: str, row: int, column: str, cell: Any, said: str
) -> None:
    getattr(drawn, where)[row][column] = cell
    before = counts()
    batch = take(drawn)
    assert batch.state == "faulty"
    found = [fault for fault in batch.faults if said in fault["message"]]
    assert found, messages(batch)
    sheet = {"people": "成员", "homes": "户"}[where]
    if column != "与户主关系" or cell == "户主":
        assert any((fault["sheet"], fault["row"], fault["header"]) == (sheet, row + 2, column) for fault in found), messages(batch)
    assert counts() == before
    assert batch.marked_file is not None


def test_all_faults_come_at_once_and_secrets_masked(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    wrong = WANG[:-1] + ("0" if WANG[-1] != "0" else "1")
    drawn.people[0]["证件号码"] = wrong
    drawn.people[1]["性别"] = "难"
    drawn.homes[1]["村代码"] = ""
    batch = take(drawn)
    assert len(batch.faults) == 3 == batch.summary["faults"]
    assert wrong not in str(batch.faults) and wrong[:6] + "********" + wrong[-4:] in str(batch.faults)


def test_a_missing_or_repeated_column_stops_the_file(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    lacking = drawn.again()
    for row in lacking.people:
        del row["与户主关系"]
    batch = take(lacking, keep_good=True)
    assert batch.state == "faulty" and "与户主关系" in batch.faults[0]["message"]
    twice = drawn.again()
    for row in twice.people:
        row["身份证号码"] = ""
    batch = take(twice, keep_good=True)
    assert batch.state == "faulty" and "另一列" in batch.faults[0]["message"]


def test_a_household_says_the_same_in_every_row(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    rows = drawn.merged()
    rows[1]["工资性收入"] = "40000"
    batch = take(Roster(rows, [], ("导出", "空表")).write(tmp_path / "one.xlsx"))
    assert [fault["row"] for fault in batch.faults] == [3] and "各行应相同" in batch.faults[0]["message"]


def test_a_village_outside_the_reach_is_refused(drawn: Roster, take: Callable[..., ImportBatch], county: Reach, cast: dict[str, User]) -> None:
    other = sorted(county.villages)[5]
    narrow = make_reach(
        cast["county"].pk, villages=[other], scopes=[Scope("county", other, frozenset({Verb.IMPORT_ROSTER, Verb.HOUSEHOLD_VIEW}), False)]
    )
    set_database_reach(narrow, act="test", source="test")
    batch = take(drawn, reach=narrow)
    assert batch.state == "faulty" and all("不在您的管辖范围" in fault["message"] for fault in batch.faults if fault["header"] == "村代码")


def test_who_is_registered_beyond_the_reach_is_named_by_village_only(
    drawn: Roster, take: Callable[..., ImportBatch], county: Reach, cast: dict[str, User], village: str
) -> None:
    away = Person.objects.filter(member_state="01", id_form="id18", id_check_ok=True).exclude(village_code=village).order_by("code").first()
    assert away is not None
    plain = plain_secret(away, "id_number")
    assert plain is not None
    drawn.people[0] |= {"证件号码": plain, "出生日期": "", "性别": ""}
    drawn.people[1]["人编号"] = away.code
    drawn.homes[1]["户编号"] = drawn.people[3]["户编号"] = away.household.code
    narrow = make_reach(
        cast["county"].pk, villages=[village], scopes=[Scope("county", village, frozenset({Verb.IMPORT_ROSTER, Verb.HOUSEHOLD_VIEW}), False)]
    )
    set_database_reach(narrow, act="test", source="test")
    batch = take(drawn, reach=narrow)
    name = Region.objects.get(pk=away.village_code).name
    said = messages(batch)
    assert sum(f"“{name}”" in line for line in said) == 3, said
    assert away.member_name not in str(batch.faults)


def test_the_wrong_year_is_refused(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    for row in drawn.homes:
        row["年度"] = "2021"
    batch = take(drawn)
    assert "年度应是 2020" in batch.faults[0]["message"]


# --- good rows, tray --------------------------------------------------------------------------------------------------


def test_good_households_come_in_and_faulty_ones_wait_whole(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    drawn.people[1]["性别"] = "难"
    drawn.people.append({"户编号": "", "姓名": "无户"})
    batch = take(drawn, keep_good=True)
    assert batch.state == "applied"
    assert list(Household.objects.filter(code__startswith="NEW").values_list("code", flat=True)) == ["NEW0002"]
    assert Person.objects.filter(household__code="NEW0001").count() == 0
    rows = TrayRow.objects.filter(batch=batch)
    assert sorted((row.sheet, row.row_number) for row in rows) == sorted([("户", 2), ("成员", 2), ("成员", 3), ("成员", 4), ("成员", 6)])
    assert WANG not in str([row.cells for row in rows])
    mended = drawn.again()
    mended.people[1]["性别"] = "女"
    mended.people.pop()
    again = take(mended)
    assert again.state == "applied" and Household.objects.filter(code__startswith="NEW").count() == 2
    assert [row.row_number for row in TrayRow.objects.filter(batch=batch, settled_at__isnull=True)] == [6]


# --- twice, since, back -----------------------------------------------------------------------------------------------


def test_the_same_file_twice_changes_nothing(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    take(drawn)
    before = counts()
    batch = take(drawn)
    assert batch.state == "applied" and batch.summary["counts"]["households_same"] == 2 and batch.summary["counts"]["persons_same"] == 4
    assert counts() == before


def test_without_person_codes_the_same_people_are_found_again(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    for row in drawn.people:
        del row["人编号"]
    drawn.people[2]["证件号码"] = ""
    drawn.people[2]["残疾证号"] = ""
    take(drawn)
    assert set(Person.objects.filter(household__code="NEW0001").values_list("code", flat=True)) == {"NEW0001-01", "NEW0001-02", "NEW0001-03"}
    before = counts()
    take(drawn)
    assert counts() == before


def test_a_new_file_changes_only_what_differs_and_an_empty_cell_erases_nothing(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    take(drawn)
    drawn.homes[0] |= {"银行卡号": "", "工资性收入": "31000", "家庭住址": ""}
    drawn.people[0] |= {"姓名": "王建邦", "文化程度": ""}
    batch = take(drawn)
    counted = batch.summary["counts"]
    assert (counted["households_changed"], counted["persons_changed"], counted["records_changed"]) == (0, 1, 2)
    home = Household.objects.get(code="NEW0001")
    assert plain_secret(home, "bank_card_no") == "6217001234567890123" and home.head_name == "王建邦" and home.head_initials == "wjb"
    record = Record.objects.get(form="household_year", year=2020, subject_id=home.id)
    assert record.values["wage_income"] == 3100000 and record.values["net_income"] == 3100000 + 500050 + 120000 - 200000
    assert record.values["address"] == "1组7号"


def test_a_second_file_with_other_columns_computes_on_the_whole_record(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    take(drawn)
    take(Roster([{"户编号": row["户编号"], "村代码": row["村代码"], "养老保险金": "600"} for row in drawn.homes], []))
    record = Record.objects.get(form="household_year", year=2020, household__code="NEW0001")
    assert record.values["tr_pension"] == 60000 and record.values["net_income"] == 3000000 + 500050 + 120000 + 60000 - 200000


def test_what_was_collected_since_stays_and_is_listed(drawn: Roster, take: Callable[..., ImportBatch], county: Reach, cast: dict[str, User]) -> None:
    take(drawn)
    home = Household.objects.get(code="NEW0001")
    head = Person.objects.get(code="NEW000101")
    request = SaveRequest(
        client_id=home.id,
        base={},
        ops=[
            {"op": "set", "target": "household", "name": "bank_card_no", "value": "6217009999999999999"},
            {"op": "set", "target": str(head.id), "name": "member_name", "value": "王建国华"},
        ],
    )
    campaign = current_year()
    save(household=home, request=request, year=campaign.year, pack=campaign.pack, by=cast["county"], reach=county)
    set_act("test")
    drawn.homes[0]["银行卡号"] = "6217001111111111111"
    drawn.people[0]["民族"] = "回族"
    drawn.people.pop(2)
    batch = take(drawn)
    assert batch.state == "applied", messages(batch)
    home.refresh_from_db()
    head.refresh_from_db()
    assert plain_secret(home, "bank_card_no") == "6217009999999999999" and head.member_name == "王建国华" and home.head_name == "王建国华"
    assert head.ethnicity == "03"  # nobody had touched it
    listed = {(d.form, d.name): (d.stored, d.offered) for d in ImportDifference.objects.filter(batch=batch)}
    assert listed == {
        ("household_year", "bank_card_no"): ("***************9999", "***************1111"),
        ("person_year", "member_name"): ("王建国华", "王建国"),
        ("person_year", "member_state"): ("01", None),
    }


def test_an_import_is_taken_back_while_nothing_stands_on_it(drawn: Roster, take: Callable[..., ImportBatch], county: Reach) -> None:
    first = take(drawn)
    held = {model: stood(model) for model in (Household, Person, Membership, MonitoringSpell, Record)}
    changed = drawn.again()
    changed.homes[0] |= {"工资性收入": "31000", "户类型": "一般农户", "主要燃料类型": "清洁能源"}
    changed.people[0]["姓名"] = "王建邦"
    changed.homes.append(changed.homes[1] | {"户编号": "NEW0003"})
    changed.people.append(changed.people[3] | {"户编号": "NEW0003", "人编号": "NEW000301", "证件号码": "", "姓名": "钱多多"})
    second = take(changed)
    assert second.state == "applied", messages(second)
    with pytest.raises(ImportRefused, match="不能撤回"), transaction.atomic():
        take_back(batch=first, reach=county, report=nothing)
    take_back(batch=second, reach=county, report=nothing)
    for model, rows in held.items():
        assert stood(model) == rows, model.__name__
    with pytest.raises(ImportRefused):
        take_back(batch=second, reach=county, report=nothing)


def test_an_import_with_work_on_it_says_what_stands(drawn: Roster, take: Callable[..., ImportBatch], county: Reach, cast: dict[str, User]) -> None:
    batch = take(drawn)
    home = Household.objects.get(code="NEW0001")
    set_act("entry.save x")
    set_household_value(home, "bank_name", "邮储银行")
    home.save()
    before = counts()
    with pytest.raises(ImportRefused, match="1 户的农户已修改（如 王建国 户）"), transaction.atomic():
        take_back(batch=batch, reach=county, report=nothing)
    assert counts() == before and ImportBatch.objects.get(pk=batch.pk).state == "applied"


def test_a_taken_back_file_leaves_nothing_and_can_come_again(drawn: Roster, take: Callable[..., ImportBatch], county: Reach) -> None:
    before = {name: count for name, count in counts().items() if name != "Event"}
    batch = take(drawn)
    assert take_back(batch=batch, reach=county, report=nothing).state == "taken_back"
    assert {name: count for name, count in counts().items() if name != "Event"} == before
    assert Event.objects.filter(act=f"import.take_back {batch.pk}", op="D", table_name="households_person").count() == 4
    assert take(drawn).state == "applied"


def test_opening_the_year_twice_makes_nothing_twice(county: Reach) -> None:
    set_act("campaign.open")
    pack = current_year().pack
    open_year(year=2031, pack_hash=pack.hash)
    made = Record.objects.filter(form="household_year", year=2031)
    assert made.count() == Household.objects.filter(kind="assisted", household_state__in=("", "01")).count() > 100
    assert open_year(year=2031, pack_hash=pack.hash) == 0


# --- pages ------------------------------------------------------------------------------------------------------------


def test_only_the_county_sees_the_import_pages(client_as: Callable[[str], Client]) -> None:
    assert client_as("county").get("/imports/").status_code == 200
    assert client_as("township").get("/imports/").status_code == 403
    assert client_as("helper").get("/imports/").status_code == 403


def test_a_faulty_file_on_its_page(client_as: Callable[[str], Client], acting: Callable[[str], Reach], cast: dict[str, User], tmp_path: Path) -> None:
    reach = acting("county")
    drawn = roster(sorted(reach.villages)[0])
    drawn.people[1]["性别"] = "难"
    client = client_as("county")
    with drawn.write(tmp_path / "花名册.xlsx").open("rb") as file:
        answer = client.post("/imports/", {"file": file, "mode": "all"})
    assert answer.status_code == 302
    batch = ImportBatch.objects.get(uploaded_by=cast["county"])
    page = client.get(answer["Location"]).content.decode()
    assert "data-job=" in page
    acting("county")
    check_batch(batch=batch, year=current_year(), reach=reach, report=nothing)
    Job.objects.filter(parameters__batch=str(batch.pk)).update(state="done")
    page = client.get(answer["Location"]).content.decode()
    assert "1 处错误" in page and "是不是“女性”" in page or "清单里没有“难”" in page
    assert "只导入没有错误的 1 户" in page and WANG not in page
    listed = client.get("/imports/").content.decode()
    assert "花名册.xlsx" in listed
    assert client_as("admin").get(answer["Location"]).status_code == 403
    for part in ("tray", "differences"):
        assert client.get(f"{answer['Location']}{part}").status_code == 200


def test_somebody_elses_file_is_not_found(
    client_as: Callable[[str], Client], acting: Callable[[str], Reach], cast: dict[str, User], tmp_path: Path
) -> None:
    reach = acting("county")
    batch = receive(
        content=roster(reach.villages[0]).write(tmp_path / "a.xlsx"), name="a.xlsx", keep_good=False, year=current_year(), by=cast["admin"]
    )
    assert client_as("county").get(f"/imports/{batch.pk}/").status_code == 404


def test_reach_is_asked_again_at_each_import(drawn: Roster, county: Reach, cast: dict[str, User]) -> None:
    scopes = tuple(replace(scope, verbs=scope.verbs - {Verb.IMPORT_ROSTER}) for scope in reach_of(cast["county"]).scopes)
    assert not make_reach(1, villages=county.villages, scopes=scopes).has(Verb.IMPORT_ROSTER)
