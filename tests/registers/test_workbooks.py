"""A register as a workbook and back: templates, imports with every fault at once, what was exported comes back unchanged, taking back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
import xlsxwriter
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, reach_of, set_database_reach
from fangfanpin.audit.models import Event
from fangfanpin.campaigns.services import unlock
from fangfanpin.files.services import path_of
from fangfanpin.households.models import Household
from fangfanpin.households.subjects import plain_secret
from fangfanpin.jobs.exports import write
from fangfanpin.pack import Pack
from fangfanpin.privacy.secrets import decrypt, digest, mask_id
from fangfanpin.quality.models import Clue
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import ImportBatch, Record, TrayRow
from fangfanpin.records.workbooks.batches import ImportRefused
from fangfanpin.regions.names import name_of
from fangfanpin.registers import services
from fangfanpin.registers.bulk import write_entries, write_links
from fangfanpin.registers.definitions import Register, register_of, registers_of
from fangfanpin.registers.escaping import protected, unprotected
from fangfanpin.registers.exporting import Wish, table_of, write_csv
from fangfanpin.registers.mirror import entry_of, links_of
from fangfanpin.registers.models import COLUMNS, Entry, Link, Sealed
from fangfanpin.registers.services import Given
from fangfanpin.registers.workbooks import template
from fangfanpin.registers.workbooks.services import apply_batch, check_batch, receive
from fangfanpin.registers.workbooks.taking_back import take_back
from tests.registers.added import ACCOUNT, PHONE, SPOT, folder_in, put_in_force
from tests.registers.added import texts as added_texts

TABLES = (Record, Entry, Link, TrayRow)
Take = Callable[..., ImportBatch]


def nothing(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def county(worker: None, acting: Callable[[str], Reach]) -> Reach:
    return acting("county")


@pytest.fixture
def pack(county: Reach) -> Pack:
    return current_year().pack


@pytest.fixture
def homes(county: Reach) -> list[Household]:
    return list(Household.objects.visible_to(county).filter(kind="assisted").order_by("code")[:6])


@pytest.fixture
def take(county: Reach, cast: dict[str, User], tmp_path: Path) -> Take:
    """Hand a file in and take it in (or only check it): a path, or lists of cells with the headers first."""
    names = iter(range(100))

    def run(
        what: Path | list[list[Any]], key: str = "microcredit", *, apply: bool = True, keep_good: bool = False, who: str = "county", name: str = ""
    ) -> ImportBatch:
        path = what if isinstance(what, Path) else book(tmp_path / f"{next(names)}.xlsx", what)
        year, reach = current_year(), reach_of(cast[who])
        set_database_reach(reach, act="test", source="job")
        batch = receive(content=path, name=name or path.name, register=found(year.pack, key), keep_good=keep_good, year=year, by=cast[who])
        if apply:
            return apply_batch(batch=batch, year=year, reach=reach, by=cast[who], keep_good=keep_good, report=nothing)
        return check_batch(batch=batch, year=year, reach=reach, report=nothing)

    return run


def found(pack: Pack, key: str) -> Register:
    register = register_of(pack, key)
    assert register is not None
    return register


def book(path: Path, rows: list[list[Any]], sheet: str = "表") -> Path:
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_numbers": False}) as made:
        page = made.add_worksheet(sheet)
        for place, row in enumerate(rows):
            page.write_row(place, 0, row)
    return path


def stood(model: Any) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in ("version", "updated_at")} for row in model.objects.order_by("pk").values()]


def told(batch: ImportBatch) -> list[str]:
    return [f"{fault['row']}:{fault['header']}={fault['value']} {fault['message']}" for fault in batch.faults]


def loans(homes: list[Household], *more: dict[str, Any]) -> list[list[Any]]:
    """One loan per household; `more` changes the rows."""
    headers = ["户编号", "合同号", "放贷银行", "贷款金额", "发放日期", "到期日期", "贷款用途"]
    rows = [[home.code, f"X-{place}", "某银行", 30000, "2020-11-05", "2023-11-05", "01"] for place, home in enumerate(homes)]
    for row, change in zip(rows, more, strict=False):
        for header, value in change.items():
            row[headers.index(header)] = value
    return [headers, *rows]


# --- taken in ---------------------------------------------------------------------------------------------------------


def test_rows_come_in_as_if_they_were_typed(take: Take, homes: list[Household], pack: Pack, cast: dict[str, User]) -> None:
    batch = take(loans(homes))
    assert batch.state == "applied", told(batch)
    assert batch.summary["written"] == {"new": 6, "changed": 0}
    record = Record.objects.get(form="microcredit", values__contract_no="X-2")
    assert (record.household_id, record.village_code) == (homes[2].pk, homes[2].village_code)
    assert (record.state, record.entered_by_id, record.origin, record.import_batch_id) == ("submitted", cast["county"].pk, "import", batch.pk)
    typed = services.add(
        register=found(pack, "microcredit"), pack=pack, year=2021, record_id=batch.pk, by=cast["county"], reach=reach_of(cast["county"]), sure=False,
        given={
            "household_id": Given(chosen=(str(homes[2].pk),)),
            **{name: Given((text,)) for name, text in {
                "contract_no": "Y-1", "bank": "某银行", "principal": "30000", "granted_on": "2020-11-05", "due_on": "2023-11-05", "purpose": "01",
            }.items()},
        },
    )  # fmt: skip
    assert record.values == typed.values | {"contract_no": "X-2"}
    for field in ("form", "year", "period", "subject_kind", "subject_id", "subject_code", "pack_hash", "state", "household_id", "person_id"):
        assert getattr(record, field) == getattr(typed, field), field
    made = entry_of(record, found(pack, "microcredit"), pack)
    entry = Entry.objects.get(record=record)
    for name in (*COLUMNS, "label", "unique_key", "state", "village_code", "household_id"):
        assert str(getattr(entry, name)) == str(getattr(made, name)), name
    event = Event.objects.of_row("records_record", record.pk).get()
    assert (event.op, event.actor_id, event.act) == ("I", cast["county"].pk, f"import.apply {batch.pk}")


def test_the_same_file_twice_changes_nothing(take: Take, homes: list[Household]) -> None:
    measures = [["户编号", "措施类别", "措施", "金额或折价"], *([home.code, "产业帮扶", "种植", 500] for home in homes)]
    for rows, key in ((loans(homes), "microcredit"), (measures, "measure")):
        take(rows, key)
        before = [stood(model) for model in TABLES]
        again = take(rows, key)
        assert again.summary["same"] == 6, told(again)
        assert [stood(model) for model in TABLES] == before


def test_a_row_of_the_same_unique_key_is_changed_and_an_empty_cell_says_nothing(take: Take, homes: list[Household]) -> None:
    take(loans(homes))
    batch = take(loans(homes, {"放贷银行": "", "贷款金额": 20000, "户编号": ""}))
    assert batch.summary["written"] == {"new": 0, "changed": 1}, told(batch)
    record = Record.objects.get(form="microcredit", values__contract_no="X-0")
    assert (record.values["principal"], record.values["bank"], record.version) == (2_000_000, "某银行", 2)
    assert 2_000_000 in [getattr(record.entry, f"n{number}") for number in range(1, 9)]


@pytest.mark.parametrize(
    ("change", "header", "words"),
    [
        ({"户编号": "没有这户"}, "户编号", "编号只能是"),
        ({"户编号": "999999999999"}, "户编号", "没有找到"),
        ({"户编号": ""}, "户编号", "请填写"),
        ({"贷款金额": "三万"}, "贷款金额", "不是数字"),
        ({"贷款金额": -5}, "贷款金额", "负数"),
        ({"发放日期": "2020-13-01"}, "发放日期", "没有"),
        ({"到期日期": "2019-01-01"}, "到期日期", "晚于"),
        ({"贷款用途": "盖房子"}, "贷款用途", "清单里没有"),
        ({"合同号": "X-1"}, "合同号", "只能登记一条"),
        ({"放贷银行": "行" * 600}, "放贷银行", "太长"),
    ],
)
def test_every_fault_is_told_with_its_cell_and_nothing_is_kept(
    take: Take, homes: list[Household], change: dict[str, Any], header: str, words: str
) -> None:
    before = [stood(model) for model in TABLES]
    batch = take(loans(homes, change, {"贷款金额": "一万"}))
    assert batch.state == "faulty"
    assert any(fault["header"] == header and words in fault["message"] for fault in batch.faults), told(batch)
    assert any(fault["row"] == 3 and "不是数字" in fault["message"] for fault in batch.faults), "all at once"
    assert batch.marked_file is not None
    with path_of(batch.marked_file).open("rb") as file:
        page = openpyxl.load_workbook(file).worksheets[0]
    assert page.cell(1, page.max_column).value == "需要改正"
    assert [stood(model) for model in TABLES] == before


def test_good_rows_come_in_and_the_rest_waits_in_the_tray(take: Take, homes: list[Household]) -> None:
    batch = take(loans(homes, {}, {"贷款金额": "一万"}), keep_good=True)
    assert (batch.state, batch.summary["written"]["new"], batch.summary["tray"]) == ("applied", 5, 1)
    row = TrayRow.objects.get(batch=batch)
    assert (row.row_number, row.village_code, row.faults[0]["header"]) == (3, homes[1].village_code, "贷款金额")


def test_what_lies_beyond_the_reach_is_a_fault(take: Take, cast: dict[str, User], acting: Callable[[str], Reach], pack: Pack) -> None:
    own = acting("village")
    inside = list(Household.objects.visible_to(own).filter(kind="assisted").order_by("code")[:1])
    acting("county")
    far = Household.objects.filter(kind="assisted").exclude(village_code__in=own.villages).order_by("code")[0]
    batch = take(loans([*inside, far]), who="village")
    assert [fault["row"] for fault in batch.faults] == [3]
    acting("county")
    take(loans([far]))
    batch = take(loans(inside), who="village")
    assert "已在" in batch.faults[0]["message"], told(batch)
    batch = take([["村代码", "项目编号", "项目名称"], [far.village_code, "P-1", "路"]], "project", who="village")
    assert "管辖范围" in batch.faults[0]["message"]
    assert not Record.objects.filter(import_batch_id=batch.pk).exists()


def test_subjects_are_found_by_code_number_and_words(take: Take, homes: list[Household]) -> None:
    head = homes[0].persons.filter(relation_to_head="01", member_state="01").get()
    rows = [
        ["姓名", "户编号", "证件号码", "人编号", "务工开始时间", "务工企业名称"],
        ["", "", "", head.code, "2021-02", "甲"],
        ["", "", plain_secret(head, "id_number"), "", "2021-02", "乙"],
        [head.member_name, homes[0].code, "", "", "2021-02", "丙"],
    ]
    batch = take(rows, "work_spell")
    assert batch.state == "applied", told(batch)
    assert set(Record.objects.filter(import_batch_id=batch.pk).values_list("person_id", flat=True)) == {head.pk}
    home = next(
        one for one in homes if Household.objects.filter(head_name=one.head_name, village_code=one.village_code, kind="assisted").count() == 1
    )
    batch = take([["村", "户主姓名", "走访日期", "走访类型"], [name_of(home.village_code), home.head_name, "2021-05-01", "01"]], "visit")
    if batch.state == "applied":  # the village's name may be another's too
        assert Record.objects.get(import_batch_id=batch.pk).household_id == home.pk
    else:
        assert "请填写村代码" in batch.faults[0]["message"]
    batch = take([["户编号", "户主姓名", "走访日期"], [home.code, "别人", "2021-05-01"]], "visit")
    assert "请核对" in batch.faults[0]["message"]


def test_references_are_found_by_words_and_linked(take: Take, homes: list[Household], cast: dict[str, User]) -> None:
    person = homes[0].persons.filter(member_state="01").order_by("position")[0]
    benefiting = f"{homes[1].head_name}（{homes[1].code}）、{homes[2].code}"
    rows = [["村代码", "项目编号", "项目名称", "受益农户", "中央资金", "县级资金"], [homes[0].village_code, "P-7", "路", benefiting, 1000, 2.5]]
    batch = take(rows, "project")
    assert batch.state == "applied", told(batch)
    record = Record.objects.get(import_batch_id=batch.pk)
    assert record.values["beneficiary_household_ids"] == sorted(str(home.pk) for home in homes[1:3])
    assert record.values["funds_planned"] == 100_250
    assert {link.to_household_id for link in Link.objects.filter(record=record)} == {home.pk for home in homes[1:3]}
    take(loans(homes[:1]))
    rows = [["户编号", "合同号", "借款人"], [homes[0].code, "X-0", person.member_name]]
    batch = take(rows)
    assert batch.summary["written"]["changed"] == 1, told(batch)
    assert (
        Link.objects.get(record__import_batch_id=batch.pk if False else Record.objects.get(values__contract_no="X-0").import_batch_id).to_person_id
        == person.pk
    )
    batch = take([["户编号", "合同号", "借款人"], [homes[1].code, "Z-1", f"{person.member_name}（{person.code}）"]])
    assert "没有找到" in batch.faults[0]["message"], "a person of another household"


def test_a_row_that_was_reviewed_is_not_changed(take: Take, homes: list[Household], pack: Pack, cast: dict[str, User]) -> None:
    take(loans(homes))
    record = Record.objects.get(values__contract_no="X-0")
    register = found(pack, "microcredit")
    services.approve(record=record, register=register, pack=pack, seen=1, by=cast["township"])
    assert take(loans(homes)).summary["same"] == 6
    batch = take(loans(homes, {"贷款金额": 100}))
    assert "退回" in batch.faults[0]["message"]
    services.send_back(record=record, register=register, pack=pack, reason="金额不对", by=cast["township"])
    assert take(loans(homes, {"贷款金额": 100})).summary["written"]["changed"] == 1
    record.refresh_from_db()
    assert (record.state, record.return_reason, Entry.objects.get(record=record).state) == ("submitted", "", "submitted")


def test_spells_at_the_same_time_are_a_doubt_that_stops_nothing(take: Take, homes: list[Household]) -> None:
    person = next(one for home in homes for one in home.persons.filter(member_state="01") if not Entry.objects.filter(person=one).exists())
    headers = ["人编号", "务工开始时间", "务工结束时间", "务工企业名称"]
    batch = take([headers, [person.code, "2021-01", "2021-05", "甲"], [person.code, "2021-04", "", "乙"]], "work_spell")
    assert (batch.state, [doubt["row"] for doubt in batch.summary["doubts"]]) == ("applied", [3])
    batch = take([headers, [person.code, "2020-10", "2021-02", "丙"], [person.code, "2020-01", "2020-03", "丁"]], "work_spell", apply=False)
    assert [doubt["row"] for doubt in batch.summary["doubts"]] == [2]
    assert "2021-01" in batch.summary["doubts"][0]["message"]


# --- out and back -----------------------------------------------------------------------------------------------------


def exported(pack: Pack, key: str, reach: Reach, path: Path, **wish: Any) -> Path:
    register = found(pack, key)
    table = table_of(register, pack, reach, Wish(**wish))
    if wish.get("format") == "csv":
        write_csv(path, table, nothing)
    else:
        write(path, register.title, table, by="测试")
    return path


KEYS = ("measure", "project", "microcredit", "work_spell", "work_plan", "visit", "relocation")


@pytest.fixture
def filled(take: Take, homes: list[Household], pack: Pack) -> None:
    """Rows of the registers that the demo leaves empty, and texts that a spreadsheet would spoil."""
    person = homes[0].persons.filter(member_state="01").order_by("position")[0]
    plans = [["人编号", "登记月份", "是否计划务工", "计划务工所在县", "就业服务需求"], [person.code, "2021-03", "是", "310115", "01、02"]]
    planned = take(plans, "work_plan")
    assert planned.state == "applied", told(planned)
    settled = pack.lists["settle_mode"][0].code
    moved = take(
        [["户编号", "是否搬迁户", "安置方式", "搬迁地址", "入住时间"], [homes[1].code, "是", settled, "=某路1号", "2019-01-02"]], "relocation"
    )
    assert moved.state == "applied", told(moved)
    texts = ("=1+1", "'=1", "''+2", "-5", "@a", "第一行\n第二行", '，“引号"、 a', "'a", "+86")
    odd = take(
        [["户编号", "走访日期", "走访类型", "走访情况", "群众诉求"], *([homes[2].code, "2021-04-05", "01", text, text] for text in texts)], "visit"
    )
    assert odd.state == "applied", told(odd)
    shared = [entry.code for entry in pack.lists["measure_item"] if entry.zh == "其他"]
    others = take([["户编号", "措施类别", "措施"], *([homes[3].code, "39", code] for code in shared)], "measure")
    assert others.state == "applied", told(others)
    person = homes[3].persons.filter(member_state="01").order_by("position")[0]
    risky = take([["户编号", "措施", "针对的风险", "受益人"], [homes[3].code, "种植", "01", person.code]], "measure")
    assert risky.state == "applied", told(risky)
    team = take(
        [["村代码", "队员姓名", "队员证件号码", "驻村开始时间"], [homes[0].village_code, "李队员", "34032319900101123X", "2021-01-01"]],
        "resident_team",
    )
    assert team.state == "applied", told(team)
    visited = take([["户编号", "走访日期", "走访人"], [homes[4].code, "2021-04-05", "village、helper"]], "visit")
    assert visited.state == "applied", told(visited)


@pytest.mark.parametrize("codes", [False, True])
@pytest.mark.parametrize("format", ["xlsx", "csv"])
def test_what_was_exported_comes_back_unchanged(
    take: Take, filled: None, pack: Pack, county: Reach, tmp_path: Path, format: str, codes: bool
) -> None:
    assert {register.key for register in registers_of(pack)} >= set(KEYS)
    before = [stood(model) for model in TABLES]
    for key in (register.key for register in registers_of(pack)):
        path = exported(pack, key, county, tmp_path / f"{key}.{format}", format=format, codes=codes)
        rows = Entry.objects.filter(form=key, year=2021).exclude(state="void")
        if not rows.exists():
            assert key not in KEYS, key
            continue
        batch = take(path, key)
        assert not batch.faults, (key, told(batch)[:5])
        assert batch.summary["new"] == batch.summary["changed"] == 0, key
        assert batch.summary["same"] == rows.count(), key
    assert [stood(model) for model in TABLES] == before


@pytest.mark.parametrize("format", ["xlsx", "csv"])
def test_what_was_exported_makes_the_same_rows_where_they_are_gone(
    take: Take, filled: None, pack: Pack, county: Reach, tmp_path: Path, format: str
) -> None:
    """Byte for byte of values: the rows are taken out, the file without its numbers makes them anew."""
    for key in KEYS:
        rows = Record.objects.filter(form=key).exclude(state="void")
        asked = [item.name for item in found(pack, key).shown]
        kept = sorted(repr((str(row.subject_id), row.village_code, sorted((name, row.values.get(name)) for name in asked))) for row in rows)
        path = exported(pack, key, county, tmp_path / f"{key}.{format}", format=format)
        Link.objects.filter(record__form=key).delete()
        Entry.objects.filter(form=key).delete()
        Record.objects.filter(form=key).delete()
        text = path.read_text(encoding="utf-8-sig") if format == "csv" else ""
        if format == "csv":
            path.write_text(text.replace("登记号", "旧登记号", 1), encoding="utf-8")
        else:
            made = openpyxl.load_workbook(path)
            page = made.worksheets[0]
            page.cell(1, page.max_column).value = "旧登记号"
            made.save(path)
        batch = take(path, key)
        assert batch.state == "applied", (key, told(batch)[:5])
        again = Record.objects.filter(form=key)
        assert kept == sorted(
            repr((str(row.subject_id), row.village_code, sorted((name, row.values.get(name)) for name in asked))) for row in again
        ), key


def test_a_row_is_known_by_its_number_and_what_others_changed_since_stays(
    take: Take, homes: list[Household], pack: Pack, county: Reach, cast: dict[str, User], tmp_path: Path
) -> None:
    visit = [["户编号", "走访日期", "走访类型", "走访情况", "群众诉求"], [homes[0].code, "2021-04-05", "01", "很好", "无"]]
    record = Record.objects.get(import_batch_id=take(visit, "visit").pk)
    number = record.entry.number
    headers = ["登记号", "走访日期", "走访情况", "群众诉求"]
    services.change(
        record=record, register=found(pack, "visit"), pack=pack, seen=1, sure=False, by=cast["township"], reach=county,
        given={
            name: Given((text,))
            for name, text in {"visited_on": "2021-04-05", "visit_kind": "01", "findings": "更好", "needs_raised": "无"}.items()
        },
    )  # fmt: skip
    batch = take([headers, [f"{number}v1", "2021-04-06", "很好", "无"]], "visit")
    assert batch.state == "applied", told(batch)
    record.refresh_from_db()
    assert (record.values["visited_on"], record.values["findings"]) == ("2021-04-06", "更好"), "the file only carried the old text along"
    batch = take([headers, [f"{number}v1", "2021-04-06", "很差", "无"]], "visit")
    assert "更好" in batch.faults[0]["message"]
    batch = take([headers, [f"{number}v{record.version}", "", "很差", ""]], "visit")
    assert batch.summary["written"]["changed"] == 1, told(batch)
    assert "没有登记号" in take([headers, ["99999999v1", "", "a", ""]], "visit").faults[0]["message"]
    batch = take([["登记号", "户编号", "走访情况"], [str(number), homes[1].code, "a"]], "visit")
    assert "不是这一户" in batch.faults[0]["message"]


def test_masked_cells_are_left_as_they_are(
    take: Take, homes: list[Household], pack: Pack, county: Reach, cast: dict[str, User], tmp_path: Path
) -> None:
    take([["户编号", "走访日期", "走访类型", "走访情况"], [homes[0].code, "2021-04-05", "01", "病了"]], "visit")
    inspector = reach_of(cast["inspector"])
    register = found(pack, "visit")
    path = tmp_path / "masked.xlsx"
    write(path, register.title, table_of(register, pack, inspector, Wish()), by="")
    before = stood(Record)
    batch = take(path, "visit")
    assert not batch.faults, told(batch)
    assert stood(Record) == before
    batch = take([["户编号", "走访日期", "走访情况"], [homes[0].code, "2021-04-07", "＊＊＊"]], "visit")
    assert "遮挡" in batch.faults[0]["message"]


def test_a_text_is_kept_from_being_a_formula_and_is_itself_again() -> None:
    for text in ("=1", "'=1", "''=1", "-5", "-a", "'-5", "+", "@x", "'", "''", "'a", "a=1", "", "\t1", "-1.5", "=-1"):
        for csv in (False, True):
            assert unprotected(protected(text, csv=csv)) == text
        assert not protected(text, csv=True).startswith(("=", "+", "@", "\t")), text


# --- taken back -------------------------------------------------------------------------------------------------------


def test_an_import_is_taken_back_whole(take: Take, homes: list[Household], pack: Pack) -> None:
    take(loans(homes[:3]))
    before = [stood(model) for model in (Record, Entry, Link)]
    batch = take(loans(homes, {"贷款金额": 100, "放贷银行": "别的"}, {"到期日期": "2024-01-01"}))
    assert batch.summary["written"] == {"new": 3, "changed": 2}
    back = take_back(batch=batch, register=found(pack, "microcredit"), pack=pack, report=nothing)
    assert back.state == "taken_back"
    assert [stood(model) for model in (Record, Entry, Link)] == before
    with pytest.raises(ImportRefused):
        take_back(batch=batch, register=found(pack, "microcredit"), pack=pack, report=nothing)


@pytest.mark.parametrize("many", [5, 20])
def test_clues_follow_an_import_and_its_taking_back(take: Take, county: Reach, pack: Pack, many: int) -> None:
    """Few households are judged one by one, many by sets."""
    leads = Record.objects.filter(form="household_year", year=2021, state__in=("submitted", "approved"))
    swept = list(Household.objects.visible_to(county).filter(pk__in=leads.values("household")).order_by("code")[:many])
    untouched = Household.objects.exclude(pk__in=leads.values("household")).filter(kind="assisted").order_by("code")[0]
    assert len(swept) == many
    rows = loans([*swept, untouched])
    rows[0].append("贷款期限（月）")
    for row in rows[1:]:
        row.append(48)
    batch = take(rows)
    assert batch.state == "applied", told(batch)
    made: list[Any] = []

    def found_out() -> dict[Any, str]:
        rows = Record.objects.filter(form="microcredit", values__contract_no__startswith="X-")
        made.extend(rows.values_list("pk", flat=True))
        return {clue.household_id: clue.state for clue in Clue.objects.filter(rule_id="B002", subject_id__in=made).order_by("opened_at")}

    assert found_out() == {home.pk: "open" for home in swept}
    take_back(batch=batch, register=found(pack, "microcredit"), pack=pack, report=nothing)
    assert found_out() == {home.pk: "closed" for home in swept}
    take(rows)
    assert found_out() == {home.pk: "open" for home in swept}
    batch = take([[*row[:-1], 24 if place else row[-1]] for place, row in enumerate(rows)])
    assert batch.summary["written"]["changed"] == many + 1, told(batch)
    assert found_out() == {home.pk: "closed" for home in swept}
    take_back(batch=batch, register=found(pack, "microcredit"), pack=pack, report=nothing)
    assert found_out() == {home.pk: "open" for home in swept}


def test_clues_of_rows_under_no_household_follow_an_import(take: Take, county: Reach, pack: Pack) -> None:
    village = sorted(county.villages)[0]
    headers = ["村代码", "项目名称", "批复资金", "已支付资金"]
    form = found(pack, "project")
    called = {item.name: item.zh for item in form.asked}
    headers = ["村代码", called["project_name"], called["funds_approved"], called["funds_paid"]]
    batch = take([headers, [village, "路一", 1000, 2000], [village, "路二", 1000, 900]], "project")
    assert batch.state == "applied", told(batch)
    made = {record.values["project_name"]: record.pk for record in Record.objects.filter(form="project", values__project_name__in=["路一", "路二"])}
    clues = Clue.objects.filter(rule_id="B007", subject_id__in=made.values())
    assert {clue.subject_id: (clue.state, clue.household_id) for clue in clues} == {made["路一"]: ("open", None)}
    take_back(batch=batch, register=form, pack=pack, report=nothing)
    assert [clue.state for clue in clues.all()] == ["closed"]


def test_an_import_stays_where_something_stands_on_it(take: Take, homes: list[Household], pack: Pack, cast: dict[str, User]) -> None:
    batch = take(loans(homes))
    register = found(pack, "microcredit")
    record = Record.objects.get(values__contract_no="X-0")
    services.approve(record=record, register=register, pack=pack, seen=1, by=cast["township"])
    before = [stood(model) for model in TABLES]
    with pytest.raises(ImportRefused, match="已被修改或审核"):
        take_back(batch=batch, register=register, pack=pack, report=nothing)
    assert [stood(model) for model in TABLES] == before
    other = take(loans(homes[:1], {"合同号": "R-1"}))
    target = Record.objects.get(values__contract_no="R-1")
    Link.objects.create(record=record, name="x", village_code=record.village_code, household_id=record.household_id, to_record=target)
    with pytest.raises(ImportRefused, match="引用"):
        take_back(batch=other, register=register, pack=pack, report=nothing)


# --- tables of villages, secret numbers, rows apart --------------------------------------------------------------------


def test_a_village_table_is_filled_by_a_file_and_handed_in_by_hand(take: Take, pack: Pack, county: Reach, tmp_path: Path) -> None:
    register = found(pack, "natural_village_year")
    entry = Entry.objects.filter(form=register.key, year=2021, state__in=("empty", "draft")).select_related("record").order_by("number")[0]
    item = next(item for item in register.asked if item.type == "int" and item.home == "record" and not register.is_stated(item))
    code, before = entry.record.subject_code, entry.record.values.get(item.name)
    typed = (before or 0) + 7
    batch = take([["自然村代码", item.zh], [code, typed]], register.key)
    assert batch.summary.get("written") == {"new": 0, "changed": 1}, told(batch)
    record = Record.objects.get(pk=entry.record_id)
    assert (record.values[item.name], record.state) == (typed, "draft")
    assert take([["自然村代码", item.zh], [code, typed]], register.key).summary["same"] == 1
    assert "没有找到" in take([["自然村代码", item.zh], [f"{code[:12]}999", 1]], register.key).faults[0]["message"]
    back = take_back(batch=batch, register=register, pack=pack, report=nothing)
    assert back.state == "taken_back"
    record.refresh_from_db()
    assert record.values.get(item.name) == before


def test_a_file_changes_a_closed_table_only_while_it_is_unlocked(take: Take, pack: Pack, county: Reach, cast: dict[str, User]) -> None:
    register = found(pack, "natural_village_year")
    first, second = Entry.objects.filter(form=register.key, year=2021).select_related("record").order_by("number")[:2]
    for entry in (first, second):
        Record.objects.filter(pk=entry.record_id).update(state="approved")
        Entry.objects.filter(pk=entry.pk).update(state="approved")
    item = next(item for item in register.asked if item.type == "int" and item.home == "record" and not register.is_stated(item))
    rows: list[list[Any]] = [
        ["自然村代码", item.zh],
        *([entry.record.subject_code, (entry.record.values.get(item.name) or 0) + 7] for entry in (first, second)),
    ]
    assert ["已审核通过" in fault["message"] for fault in take(rows, register.key).faults] == [True, True]
    unlock(of=first.record, year=2021, reason="县里要求重新核对", by=cast["county"])
    batch = take(rows, register.key, keep_good=True)
    assert [fault["row"] for fault in batch.faults] == [3], told(batch)
    record = Record.objects.select_related("entry").get(pk=first.record_id)
    assert (record.state, record.entry.state, record.values[item.name]) == ("submitted", "submitted", rows[1][1])


def test_a_secret_number_is_sealed_and_never_meets_itself(take: Take, homes: list[Household], pack: Pack) -> None:
    headers = ["村代码", "队员姓名", "队员证件号码", "驻村开始时间", "驻村结束时间"]
    number, village = "34032319900101123X", homes[0].village_code
    batch = take([headers, [village, "李队员", number, "2021-01-01", ""]], "resident_team")
    assert batch.state == "applied", told(batch)
    record = Record.objects.get(import_batch_id=batch.pk)
    assert record.values["id_number"] == mask_id(number)
    sealed = Sealed.objects.get(record=record)
    assert (decrypt(sealed.cipher), sealed.digest) == (number, digest(number))
    again = take([headers, [village, "李队员", number, "2021-03-01", ""]], "resident_team")
    assert "不能重叠" in again.faults[0]["message"], told(again)
    twice = [[village, "王队员", "340323199001011256", "2020-01-01", "2020-06-01"], [village, "王队员", "340323199001011256", "2020-05-01", ""]]
    assert [fault["row"] for fault in take([headers, *twice], "resident_team").faults] == [3]
    name = [["登记号", "队员证件号码", "队员姓名"], [str(record.entry.number), mask_id(number), "李某"]]
    assert take(name, "resident_team").summary["written"]["changed"] == 1
    sealed.refresh_from_db()
    assert decrypt(sealed.cipher) == number, "its mask says nothing"
    changed = take([["登记号", "队员证件号码"], [str(record.entry.number), "340323199001011299"]], "resident_team")
    sealed.refresh_from_db()
    assert decrypt(sealed.cipher) == "340323199001011299"
    take_back(batch=changed, register=found(pack, "resident_team"), pack=pack, report=nothing)
    sealed.refresh_from_db()
    assert decrypt(sealed.cipher) == number


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
def test_a_template_is_filled_and_taken(take: Take, pack: Pack, homes: list[Household], tmp_path: Path, key: str) -> None:
    register = found(pack, key)
    path = tmp_path / "t.xlsx"
    path.write_bytes(template.make(register, pack))
    made = openpyxl.load_workbook(path)
    page = made.worksheets[0]
    headers = [cell.value for cell in page[5]]
    assert set(headers) >= {item.zh for item in register.in_cells if item != register.subject}
    assert page.cell(6, 1).value.startswith("示例")
    assert "统计期" in page.cell(2, 1).value
    assert page.cell(5, 2).comment is not None
    assert made["可选内容"].sheet_state == "hidden"
    if any(item.type == "bool" for item in register.asked):
        assert any(rule.type == "list" for rule in page.data_validations.dataValidation)
    refused = take(path, key, apply=False)
    assert refused.summary.get("refused") or refused.summary["rows"] == 0, "the example is no row"
    whose = {"household": homes[0].code, "person": homes[0].persons.filter(member_state="01")[0].code}.get(
        register.subject.ref, homes[0].village_code
    )
    for place, value in enumerate(page[6], 1):
        text = {"row": "", headers[1]: whose}.get(headers[place - 1], value.value)
        page.cell(7, place).value = None if place == 1 or 2 < place <= _whose(register) or "（" in str(text) or text in ("李四", "王五") else text
    made.save(path)
    batch = take(path, key)
    assert batch.state == "applied", told(batch)
    assert batch.summary["written"]["new"] == 1
    assert any("示例" in note for note in batch.summary["notes"])


def _whose(register: Register) -> int:
    return {"household": 5, "person": 7}.get(register.subject.ref, 3)


def test_columns_come_in_any_order_under_any_of_their_names(take: Take, homes: list[Household]) -> None:
    rows = [["contract_no", "贷款金额（元）", "AAC001", "说不清的列"], ["N-1", "1,000.50", homes[0].code, "x"]]
    batch = take(rows)
    assert batch.state == "applied", told(batch)
    assert Record.objects.get(import_batch_id=batch.pk).values["principal"] == 100_050
    assert batch.summary["sheets"][0]["unknown"] == [{"letter": "D", "header": "说不清的列"}]
    assert "缺少必须有的列" in take([["合同号", "放贷银行"], ["1", "2"]]).faults[0]["message"]
    assert "没有找到" in take([["甲", "乙"], ["1", "2"]]).summary["refused"]


def test_a_csv_of_the_old_encoding_is_read(take: Take, homes: list[Household], tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("\r\n".join(",".join(map(str, row)) for row in loans(homes)).encode("gb18030"))
    assert take(path).summary["written"]["new"] == 6


def test_bulk_links_follow_what_a_record_says(take: Take, homes: list[Household], pack: Pack) -> None:
    register = found(pack, "project")
    rows = [["村代码", "项目编号", "项目名称", "受益农户"], [homes[0].village_code, "P-1", "路", homes[1].code]]
    take(rows, "project")
    rows[1][3] = f"{homes[2].code}、{homes[3].code}"
    take(rows, "project")
    record = Record.objects.get(form="project", values__project_no="P-1")
    current = {link.to_household_id for link in Link.objects.filter(record=record, is_current=True)}
    assert current == {link.to_household_id and homes[place].pk for place in (2, 3) for link in links_of(record, register)}
    assert Link.objects.filter(record=record, is_current=False).count() == 1
    assert (write_entries(register, pack, only=[record.pk]), write_links(register, only=[record.pk])) == (1, 0)


# --- a register that files alone have given ---------------------------------------------------------------------------


@pytest.fixture
def yards(homes: list[Household], county: Reach, tmp_path: Path, acting: Callable[[str], Reach]) -> Register:
    put_in_force(folder_in(tmp_path))
    acting("county")
    return found(current_year().pack, "yard")


def every_item(home: Household, other: Household, user: User, **changed: str) -> dict[str, str]:
    """What a file says for every item of a row of the added register, by item."""
    more = {"natural_village": home.natural_village_code, "partners": f"{other.head_name}（{other.code}）、{home.code}", "adviser": user.username}
    return added_texts(home, **more) | changed


def rows_of(register: Register, *typed: dict[str, str]) -> list[list[Any]]:
    headers = [item.zh if item != register.subject else "户编号" for item in register.in_cells]
    return [headers, *([one[item.name] for item in register.in_cells] for one in typed)]


@pytest.fixture
def kept(take: Take, homes: list[Household], yards: Register, cast: dict[str, User]) -> ImportBatch:
    """Two rows: one with every item, one with the least."""
    whole = every_item(homes[0], homes[1], cast["township"])
    bare = dict.fromkeys(whole, "") | {"household_id": homes[2].code, "plot_no": "'=1", "remark": "=SUM(A1)"}
    batch = take(rows_of(yards, whole, bare), "yard")
    assert batch.state == "applied", told(batch)
    assert batch.summary["written"] == {"new": 2, "changed": 0}
    return batch


def test_a_file_fills_every_item_of_an_added_register(kept: ImportBatch, homes: list[Household], cast: dict[str, User]) -> None:
    record = Record.objects.get(form="yard", values__plot_no="Y-01")
    keeper = homes[0].persons.filter(member_state="01").order_by("position")[0]
    assert (record.household_id, record.import_batch_id) == (homes[0].pk, kept.pk)
    assert record.values == {
        "plot_no": "Y-01", "yard_kind": "02", "products": ["01", "03"], "area": 125, "built_year": 2016, "started_on": "2021-03-05",
        "keeper": str(keeper.pk), "natural_village": homes[0].natural_village_code, "partners": sorted([str(homes[0].pk), str(homes[1].pk)]),
        "invested": 500_000, "subsidy": 120_050, "own_money": 379_950, "account": mask_id(ACCOUNT), "project": None, "heads": 120, "survival": 9_250,
        "first_sold": "2021-06", "has_order": True, "sales": 800_000, "sold_to": "310115", "buyer_phone": PHONE,
        "adviser": str(cast["township"].pk), "remark": "院墙已修", "photos": None, "spot": SPOT, "signed": None,
    }  # fmt: skip
    assert decrypt(Sealed.objects.get(record=record, name="account").cipher) == ACCOUNT
    assert Link.objects.filter(record=record).count() == 6
    table = Record.objects.get(form="village_year", year=2021, subject_code=homes[0].village_code)
    assert table.values["yard_sales"] == 800_000


@pytest.mark.parametrize("codes", [False, True])
@pytest.mark.parametrize("format", ["xlsx", "csv"])
def test_an_added_register_goes_out_and_comes_back(take: Take, kept: ImportBatch, county: Reach, tmp_path: Path, format: str, codes: bool) -> None:
    pack, before = current_year().pack, [stood(model) for model in TABLES]
    path = exported(pack, "yard", county, tmp_path / f"out.{format}", format=format, codes=codes)
    batch = take(path, "yard")
    assert not batch.faults, told(batch)
    assert (batch.summary["same"], batch.summary["new"], batch.summary["changed"]) == (2, 0, 0)
    assert [stood(model) for model in TABLES] == before
    back = take_back(batch=kept, register=found(pack, "yard"), pack=pack, report=nothing)
    assert back.state == "taken_back" and not Record.objects.filter(form="yard").exists()
    assert Record.objects.get(form="village_year", year=2021, subject_code=kept_village(before)).values["yard_sales"] == 0
    made = take(without_numbers(path, format), "yard")  # the same rows anew; of the secret number only its mask is in the file
    assert made.faults and {fault["header"] for fault in made.faults} == {"补助账号"}, told(made)


def test_pictures_go_out_as_a_count_and_stay_as_they_are(take: Take, kept: ImportBatch, county: Reach, tmp_path: Path) -> None:
    record = Record.objects.get(form="yard", values__plot_no="Y-01")
    record.values |= {"photos": [str(uuid4()), str(uuid4())], "signed": [str(uuid4())]}
    record.save()
    path = exported(current_year().pack, "yard", county, tmp_path / "out.xlsx")
    made = openpyxl.load_workbook(path)
    page = made.worksheets[0]
    headers = [cell.value for cell in page[1]]
    row = next(line for line in page.iter_rows(min_row=2) if line[headers.index("地块编号")].value == "Y-01")
    assert [row[headers.index(title)].value for title in ("现场照片", "农户签字", "地块位置")] == ["2 张", "1 张", SPOT]
    row[headers.index("地块位置")].value = "33.317700, 117.313400"
    row[headers.index("现场照片")].value = "5 张"
    made.save(path)
    batch = take(path, "yard")
    assert batch.state == "applied" and batch.summary["written"] == {"new": 0, "changed": 1}, told(batch)
    assert [column["header"] for column in batch.summary["sheets"][0]["unused"]] == ["自筹金额", "现场照片", "农户签字", "审核情况"]
    assert Record.objects.get(pk=record.pk).values == record.values | {"spot": "33.317700, 117.313400"}


def kept_village(before: list[list[dict[str, Any]]]) -> str:
    return next(str(row["village_code"]) for row in before[0] if row["form"] == "yard" and row["values"]["plot_no"] == "Y-01")


def without_numbers(path: Path, format: str) -> Path:
    if format == "csv":
        path.write_text(path.read_text(encoding="utf-8-sig").replace("登记号", "旧登记号", 1), encoding="utf-8")
    else:
        made = openpyxl.load_workbook(path)
        page = made.worksheets[0]
        page.cell(1, page.max_column).value = "旧登记号"
        made.save(path)
    return path


def test_the_template_of_an_added_register_asks_every_item_and_takes_what_is_filled(
    take: Take, yards: Register, homes: list[Household], cast: dict[str, User], tmp_path: Path
) -> None:
    path, typed = tmp_path / "template.xlsx", every_item(homes[0], homes[1], cast["township"])
    path.write_bytes(template.make(yards, current_year().pack))
    made = openpyxl.load_workbook(path)
    page = made.worksheets[0]
    headers = [cell.value for cell in page[5]]
    assert set(headers) == {"填写说明", "户编号", "户主姓名", "村代码", "村", *(item.zh for item in yards.in_cells if item != yards.subject)}
    # The example itself, of every type, is a row once it names a household.
    for place, (header, cell) in enumerate(zip(headers, page[6], strict=True), 1):
        page.cell(7, place).value = None if place <= 5 or "（" in str(cell.value) or header == "管护人" else cell.value
    item_of = {item.zh: item.name for item in yards.asked} | {"户编号": "household_id"}
    for place, header in enumerate(headers, 1):
        page.cell(8, place).value = typed.get(item_of.get(header, ""))
    page.cell(7, headers.index("户编号") + 1).value = homes[2].code
    for header in ("所在自然村", "技术指导员"):
        page.cell(7, headers.index(header) + 1).value = None
    made.save(path)
    batch = take(path, "yard")
    assert batch.state == "applied", told(batch)
    assert batch.summary["written"]["new"] == 2
    rules = {str(area): rule for rule in page.data_validations.dataValidation for area in rule.sqref.ranges if rule.type == "list"}
    assert len(rules) == 2, "the kind of business, and whether sold by order"


def test_every_column_of_an_added_register_tells_what_is_wrong_in_it(
    take: Take, yards: Register, homes: list[Household], cast: dict[str, User]
) -> None:
    wrong = {
        "plot_no": "字" * 501, "yard_kind": "庭院养鱼", "products": "鱼", "area": "半亩", "built_year": "16", "started_on": "2021-02-30",
        "keeper": "查无此人", "natural_village": "没有的村", "partners": "查无此户", "invested": "-1", "subsidy": "五百", "account": "六二二八",
        "project": "没有的项目", "heads": "1.5", "survival": "九成", "first_sold": "2021-13", "has_order": "也许", "sold_to": "没有的县",
        "buyer_phone": "1.39E+10", "adviser": "查无此人", "remark": "字" * 501, "spot": "村口",
    }  # fmt: skip
    whole = [
        every_item(homes[0], homes[1], cast["township"], plot_no=f"N-{number}") | {name: text} for number, (name, text) in enumerate(wrong.items())
    ]
    whole += [every_item(homes[0], homes[1], cast["township"], plot_no="S", subsidy="9000")]
    batch = take(rows_of(yards, *whole), "yard")
    assert batch.state == "faulty"
    names = {item.zh: item.name for item in yards.asked}
    assert [names[fault["header"]] for fault in batch.faults] == [*wrong, "subsidy"], told(batch)
    assert "补助金额不能大于总投入" in batch.faults[-1]["message"]
    assert not Record.objects.filter(form="yard").exists()


def test_headers_of_the_pack_and_english_ones_fill_an_added_register(take: Take, yards: Register, homes: list[Household]) -> None:
    batch = take([["户编号", "地块号", "院地面积（亩）", "Sales", "has_order"], [homes[0].code, "A-1", 0.75, 12.5, "否"]], "yard")
    assert batch.state == "applied", told(batch)
    values = Record.objects.get(import_batch_id=batch.pk).values
    assert (values["plot_no"], values["area"], values["sales"], values["has_order"]) == ("A-1", 75, 1250, False)


# --- pages ------------------------------------------------------------------------------------------------------------


def test_the_pages_of_an_import(client_as: Callable[[str], Client], cast: dict[str, User], tmp_path: Path, db: None) -> None:
    village = client_as("village")
    assert "用 Excel 导入" in village.get("/registers/microcredit/").content.decode()
    page = village.get("/registers/microcredit/imports")
    assert "下载模板" in page.content.decode()
    sheet = village.get("/registers/microcredit/template")
    assert (sheet.status_code, sheet.content[:2]) == (200, b"PK")
    path = book(tmp_path / "a.xlsx", [["户编号", "合同号"], ["x", "y"]])
    with path.open("rb") as file:
        answer = village.post("/registers/microcredit/imports", {"file": file, "mode": "all"})
    assert answer.status_code == 302
    assert village.get(answer["Location"]).status_code == 200
    assert client_as("inspector").get("/registers/microcredit/imports").status_code == 403
    assert client_as("township").get(answer["Location"]).status_code == 404, "nobody else's while it was not read"
