"""A register given by files alone (docs/examples/courtyard-2021) works like one that was always there: form, list, history, review, grid, paper,
roll-ups, re-check, and everything of its types that is wrong is told."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pypdfium2
import pytest
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.fieldwork.sheets import household_sections
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack, PackFaults, load_pack
from fangfanpin.pack.dictionary import MARKS, TYPES
from fangfanpin.privacy.secrets import decrypt, mask_id
from fangfanpin.quality.models import Clue
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.records.saving import SaveRequest, save
from fangfanpin.regions.names import name_of
from fangfanpin.registers import printing, queries, rollups
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.models import Entry, Link, Sealed
from tests.registers.added import ACCOUNT, PHONE, SPOT, folder_in, judged_homes, put_in_force, sent, texts
from tests.registers.named import register

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]
REASON = "登记错了"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_in(tmp_path)


@pytest.fixture
def pack(db: None, folder: Path) -> Pack:
    facts = put_in_force(folder)
    assert (facts["changed"], facts["new_year"], facts["no_longer_asked"]) == (True, False, [])
    return current_year().pack


@pytest.fixture
def yards(pack: Pack) -> Register:
    return register(pack, "yard")


@pytest.fixture
def home(pack: Pack, acting: Acting) -> Household:
    """A household whose year is entered, so that it is judged."""
    return next(one for one in judged_homes(acting("village")) if one.natural_village_code)


@pytest.fixture
def other(home: Household, acting: Acting) -> Household:
    reach = acting("village")
    return Household.objects.visible_to(reach).filter(kind="assisted").exclude(pk=home.pk).exclude(head_name=home.head_name).order_by("code")[0]


@pytest.fixture
def project(home: Household) -> Record:
    """A project within reach, by a name of its own."""
    values = {"project_no": "P-YARD", "project_name": "庭院经济奖补（一期）", "admin_village_code": home.village_code}
    where = {"form": "project", "year": 2021, "state": "submitted", "village_code": home.village_code}
    record = Record(subject_kind="none", subject_code=home.village_code, values=values, **where)
    record.save(force_insert=True)
    Entry.objects.create(record=record, label=values["project_name"], **where)
    return record


def filled(home: Household, other: Household, aid: Record, cast: dict[str, User], **changed: str) -> dict[str, str]:
    """Every item, references by what a person types for them."""
    more = {
        "natural_village": home.natural_village_code,
        "partners": f"{other.head_name}（{other.code}）",
        "project": aid.values["project_name"],
        "adviser": cast["township"].name,
    }
    return texts(home, **{**more, **changed})


def add(client: Client, typed: dict[str, str], **more: str) -> UUID:
    answer = client.post("/registers/yard/new", sent(typed, **more))
    assert answer.status_code == 302, answer.content.decode()
    return UUID(answer["Location"].strip("/").split("/")[-1])


def page(client: Client, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, address
    return answer.content.decode()


def test_the_example_holds_every_type_and_every_mark(yards: Register) -> None:
    assert {item.type for item in yards.form.indicators} == TYPES
    assert {mark for item in yards.form.indicators for mark in item.marks} == MARKS
    assert {item.type for item in yards.form.indicators if item.multi} == {"code", "ref", "image"}
    assert {item.ref for item in yards.form.indicators} >= {"household", "person", "natural_village", "division", "user", "project"}


# --- form, list, row ---------------------------------------------------------------------------------------------------


def test_a_row_with_every_type_is_typed_and_read_again(
    yards: Register, home: Household, other: Household, project: Record, cast: dict[str, User], client_as: ClientAs, acting: Acting
) -> None:
    village = client_as("village")
    assert "庭院经济台账" in page(village, "/registers/")
    form = page(village, f"/registers/yard/new?household={home.pk}")
    for item in yards.asked:
        assert f'id="id_{item.name}"' in form, item.name
    row = add(village, filled(home, other, project, cast))
    acting("village")
    keeper = home.persons.filter(member_state="01").order_by("position")[0]
    record = Record.objects.get(pk=row)
    assert (record.household_id, record.village_code, record.state) == (home.pk, home.village_code, "submitted")
    assert record.values == {
        "plot_no": "Y-01", "yard_kind": "02", "products": ["01", "03"], "area": 125, "built_year": 2016, "started_on": "2021-03-05",
        "keeper": str(keeper.pk), "natural_village": home.natural_village_code, "partners": [str(other.pk)], "invested": 500_000, "subsidy": 120_050,
        "own_money": 379_950, "account": mask_id(ACCOUNT), "project": str(project.pk), "heads": 120, "survival": 9_250, "first_sold": "2021-06",
        "has_order": True, "sales": 800_000, "sold_to": "310115", "buyer_phone": PHONE, "adviser": str(cast["township"].pk), "remark": "院墙已修",
        "photos": None, "spot": SPOT, "signed": None,
    }  # fmt: skip
    assert decrypt(Sealed.objects.get(record=record, name="account").cipher) == ACCOUNT
    links = {
        link.name: link.to_person_id or link.to_household_id or link.to_record_id or link.to_user_id or link.to_division_id
        for link in Link.objects.filter(record=record)
    }
    assert links == {
        "keeper": keeper.pk, "natural_village": home.natural_village_code, "partners": other.pk, "project": project.pk, "sold_to": "310115",
        "adviser": cast["township"].pk,
    }  # fmt: skip
    shown = page(village, f"/registers/rows/{row}/")
    for words in (
        "庭院养殖", "蔬菜、家禽", "1.25 亩", "2016", "2021-03-05", keeper.member_name, name_of(home.natural_village_code), other.head_name,
        "5000.00 元", "1200.50", "3799.50", mask_id(ACCOUNT), "庭院经济奖补（一期）", "120 头（只）", "92.5 %", "2021-06", "上海市浦东新区",
        PHONE, cast["township"].name, "院墙已修", SPOT,
    ):  # fmt: skip
        assert words in shown, words
    assert ACCOUNT not in shown
    assert f"/registers/rows/{row}/" in page(village, f"/registers/rows/{project.pk}/"), "from the other end"
    assert "庭院经济台账" in page(village, f"/households/{home.pk}/")
    # The form of a kept row holds it again; sent back as it stands it changes nothing.
    again = page(village, f"/registers/rows/{row}/edit")
    assert "Y-01" in again and mask_id(ACCOUNT) in again and str(other.pk) in again
    typed = filled(home, other, project, cast, account=mask_id(ACCOUNT))
    assert village.post(f"/registers/rows/{row}/edit", {**sent(typed), "seen": "1"}).status_code == 302
    acting("village")
    assert Record.objects.get(pk=row).version == 1


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("household_id", "查无此户", "没有找到"),
        ("plot_no", "字" * 501, "太长"),
        ("yard_kind", "庭院养鱼", "清单里没有"),
        ("products", "鱼", "清单里没有"),
        ("area", "半亩", "不是数字"),
        ("area", "1.255", "小数"),
        ("built_year", "16", "年份"),
        ("started_on", "2021-02-30", "没有"),
        ("keeper", "查无此人", "没有找到"),
        ("natural_village", "340323999999001", "没有找到"),
        ("partners", "查无此户、再一户", "没有找到"),
        ("invested", "-1", "负数"),
        ("subsidy", "五百", "不是数字"),
        ("subsidy", "5000.01", "补助金额不能大于总投入"),
        ("account", "六二二八", "数字和字母"),
        ("project", "没有的项目", "没有找到"),
        ("heads", "1.5", "整数"),
        ("survival", "九成", "不是数字"),
        ("first_sold", "2021-13", "月份"),
        ("has_order", "也许", "是”或“否"),
        ("sold_to", "没有的县", "没有找到"),
        ("buyer_phone", "1.39E+10", "科学计数"),
        ("adviser", "查无此人", "没有找到"),
        ("remark", "不\x07可见", "控制字符"),
        ("spot", "村口", "不是位置"),
        ("spot", "117.313422, 33.317612", "写反了，应写成 33.317612, 117.313422"),
        ("spot", "63.317612, 117.313422", "纬度“63.317612”不在中国"),
        ("spot", "33.317612, 17.313422", "经度“17.313422”不在中国"),
        ("spot", "33.31, 117.31", "至少写 4 位小数"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_and_kept_on_the_page(
    home: Household, other: Household, project: Record, cast: dict[str, User], client_as: ClientAs, name: str, text: str, words: str
) -> None:
    answer = client_as("village").post("/registers/yard/new", sent(filled(home, other, project, cast, **{name: text})))
    assert answer.status_code == 422
    shown = answer.content.decode()
    told = shown.split(f'id="fault-{name}"')[1].split("</div>")[0]
    assert words in told, told
    assert shown.count('id="fault-') == 1, "nothing else is at fault"
    assert "Y-01" in shown or name == "plot_no"
    assert not Record.objects.filter(form="yard").exists()


def test_what_is_unlikely_is_asked_once_and_a_plot_is_kept_once(
    home: Household, other: Household, project: Record, cast: dict[str, User], client_as: ClientAs
) -> None:
    village, typed = client_as("village"), filled(home, other, project, cast, area="2.5")
    answer = village.post("/registers/yard/new", sent(typed))
    assert answer.status_code == 422 and "一般不超过 2 亩" in answer.content.decode()
    row = add(village, typed, sure="1")
    answer = village.post("/registers/yard/new", sent(typed, sure="1"))
    assert answer.status_code == 422 and "已有同样“农户、地块编号”" in answer.content.decode()
    add(village, filled(home, other, project, cast, plot_no="Y-02"))
    assert village.post(f"/registers/rows/{row}/strike", {"reason": REASON}).status_code == 302
    add(village, typed, sure="1")


def test_lists_are_filtered_sorted_and_searched_by_every_kind(
    pack: Pack, yards: Register, home: Household, other: Household, project: Record, cast: dict[str, User], client_as: ClientAs, acting: Acting
) -> None:
    village = client_as("village")
    add(village, filled(home, other, project, cast))
    second = {
        "plot_no": "Z-02", "yard_kind": "01", "area": "0.5", "built_year": "2020", "started_on": "2021-08-01", "invested": "800", "subsidy": "",
        "first_sold": "2021-09", "has_order": "0", "sold_to": "固镇县", "heads": "7", "project": "", "adviser": cast["village"].name,
    }  # fmt: skip
    add(village, filled(home, other, project, cast, **second))

    def found(**asked: str) -> list[str]:
        reach = acting("village")
        chosen = queries.chosen_of(yards, pack, {"sort": "plot_no", **asked})
        assert not chosen.faults
        return [entry.label for entry in queries.page(queries.entries(yards, pack, reach, chosen), yards, pack, chosen, "").rows]

    assert found() == ["Y-01", "Z-02"]
    for asked in (
        {"yard_kind": "02"}, {"area.from": "1"}, {"built_year": "2016"}, {"started_on.to": "2021-03-31"}, {"invested.from": "800.01"},
        {"invested.to": "5000", "invested.from": "1000"}, {"project": "庭院经济"}, {"project": str(project.pk)}, {"first_sold.to": "2021-07"},
        {"has_order": "1"}, {"sold_to": "上海市浦东新区"}, {"sold_to": "310115"}, {"adviser": cast["township"].name}, {"q": "Y-"},
    ):  # fmt: skip
        assert found(**asked) == ["Y-01"], asked
        assert found(**{**asked, "state": "approved"}) == []
    for asked in ({"area.to": "0.5"}, {"has_order": "0"}, {"sold_to": "固镇县"}, {"first_sold.from": "2021-09"}, {"q": "Z"}):
        assert found(**asked) == ["Z-02"], asked
    for item in yards.sorts:
        assert found(sort=item.name) == list(reversed(found(sort=f"-{item.name}"))), item.name
    assert found(sort="heads") == found(sort="invested") == found(sort="area") == ["Z-02", "Y-01"]
    shown = page(village, "/registers/yard/?has_order=1&invested.from=1000&sold_to=上海市浦东新区&area.from=1")
    assert "Y-01" in shown and "Z-02" not in shown
    for words in (
        "占地面积（亩）",
        "自筹金额（元）",
        'name="invested.from" value="1000"',
        'name="area.from" value="1"',
        'value="上海市浦东新区"',
        "家禽",
        "3799.50",
    ):
        assert words in shown, words
    assert "不是数字" in page(village, "/registers/yard/?invested.from=很多")
    said = queries.said(yards, pack, queries.chosen_of(yards, pack, {"has_order": "1", "yard_kind": "02", "invested.from": "9"}), "")
    assert list(said)[1:] == [("经营类型", "庭院养殖"), ("总投入", "9 — …"), ("是否订单销售", "是")]


def test_a_row_is_changed_returned_approved_and_its_history_says_every_item(
    home: Household, other: Household, project: Record, cast: dict[str, User], client_as: ClientAs, acting: Acting
) -> None:
    village, township = client_as("village"), client_as("township")
    row = add(village, filled(home, other, project, cast))
    changed = {
        "yard_kind": "04", "products": "食用菌", "area": "1.5", "built_year": "2017", "started_on": "2021-04-06", "keeper": "", "natural_village": "",
        "partners": "", "invested": "6000", "subsidy": "900", "account": "6228480612345670001", "project": "", "heads": "60", "survival": "80.25",
        "first_sold": "2021-07", "has_order": "0", "sales": "4000", "sold_to": "3205", "buyer_phone": "13955209999", "adviser": "", "remark": "改建",
    }  # fmt: skip
    answer = village.post(f"/registers/rows/{row}/edit", {**sent(filled(home, other, project, cast, **changed)), "seen": "1"})
    assert answer.status_code == 302, [part.split("</div>")[0] for part in answer.content.decode().split('id="fault-')[1:]]
    history = page(village, f"/registers/rows/{row}/").split("<h2")[-1]
    for words in (
        "庭院养殖", "庭院休闲", "食用菌", "1.25", "1.5", "2017", "2021-04-06", other.head_name, "6000.00", "900.00", "5100.00", "0001", "60", "80.25",
        "2021-07", "是", "否", "4000.00", "苏州", "13955209999", cast["township"].name, "改建",
    ):  # fmt: skip
        assert words in history, words
    assert "6228480612345670001" not in history
    acting("village")
    assert not Link.objects.filter(record_id=row, is_current=True).exclude(name="sold_to").exists()
    assert township.post(f"/registers/rows/{row}/return", {"reason": "请核对补助"}).status_code == 302
    assert "请核对补助" in page(village, f"/registers/rows/{row}/") and "庭院经济台账退回给我的" in page(village, "/")
    typed = filled(home, other, project, cast, subsidy="800")
    assert village.post(f"/registers/rows/{row}/edit", {**sent(typed), "seen": "3"}).status_code == 302
    acting("village")
    version = Record.objects.get(pk=row).version
    assert township.post(f"/registers/rows/{row}/approve", {"seen": str(version)}).status_code == 302
    acting("village")
    assert Record.objects.get(pk=row).state == "approved"
    assert village.post(f"/registers/rows/{row}/edit", {**sent(typed), "seen": str(version)}).status_code == 422
    assert str(row) in page(village, "/registers/yard/?state=approved")


def test_what_is_sensitive_is_masked_and_the_secret_is_shown_with_a_reason(
    home: Household, other: Household, project: Record, cast: dict[str, User], client_as: ClientAs
) -> None:
    row = add(client_as("village"), filled(home, other, project, cast))
    seen = page(client_as("inspector"), f"/registers/rows/{row}/")
    assert PHONE not in seen and "139****1234" in seen
    assert client_as("township").post(f"/registers/rows/{row}/show/account", {"reason": "发补助核对账号"}).json() == {"value": ACCOUNT}
    assert client_as("inspector").post(f"/registers/rows/{row}/show/account", {"reason": "发补助核对账号"}).status_code == 403


def test_a_reference_beyond_the_reach_stays_when_something_else_is_changed(
    home: Household, project: Record, cast: dict[str, User], client_as: ClientAs, acting: Acting
) -> None:
    acting("county")
    far = Household.objects.filter(kind="assisted").exclude(village_code__in=acting("village").villages).order_by("code")
    acting("county")
    far_one = far[0]
    row = add(client_as("county"), filled(home, far_one, project, cast))
    village = client_as("village")
    shown = page(village, f"/registers/rows/{row}/edit")
    assert "不在管辖范围内" in shown and far_one.head_name not in shown
    typed = filled(home, far_one, project, cast, partners="", remark="村里补的", account=mask_id(ACCOUNT))
    answer = village.post(f"/registers/rows/{row}/edit", {**sent(typed), "partners.id": str(far_one.pk), "seen": "1"})
    assert answer.status_code == 302, answer.content.decode()
    acting("county")
    record = Record.objects.get(pk=row)
    assert (record.values["partners"], record.values["remark"]) == ([str(far_one.pk)], "村里补的")
    for made_up in (str(far.exclude(pk=far_one.pk)[0].pk), str(far_one.pk)[:8]):
        answer = village.post(f"/registers/rows/{row}/edit", {**sent(typed), "partners.id": made_up, "seen": "2"})
        assert answer.status_code == 422, "only what the row held"


def test_of_several_references_what_was_typed_counts_beside_what_was_chosen(
    home: Household, other: Household, project: Record, cast: dict[str, User], client_as: ClientAs, acting: Acting
) -> None:
    reach = acting("village")
    third = Household.objects.visible_to(reach).filter(kind="assisted").exclude(pk__in=[home.pk, other.pk]).order_by("code")[0]
    typed = filled(home, other, project, cast, partners=third.code)
    row = add(client_as("village"), typed, **{"partners.id": str(other.pk)})
    acting("village")
    assert Record.objects.get(pk=row).values["partners"] == sorted([str(other.pk), str(third.pk)])
    answer = client_as("village").post(
        "/registers/yard/new", sent(filled(home, other, project, cast, plot_no="Y-09", partners="查无此户"), **{"partners.id": str(other.pk)})
    )
    shown = answer.content.decode()
    assert answer.status_code == 422 and 'value="查无此户"' in shown and str(other.pk) in shown, "both stay on the page"


# --- grid ----------------------------------------------------------------------------------------------------------------


def test_a_pasted_row_is_what_the_form_keeps(
    yards: Register, home: Household, other: Household, project: Record, cast: dict[str, User], client_as: ClientAs, acting: Acting
) -> None:
    village, typed = client_as("village"), filled(home, other, project, cast)
    setting = page(village, "/registers/yard/grid")
    columns = json.loads(setting.split('id="grid-setting"')[1].split(">", 1)[1].split("</script>")[0])["columns"]
    assert {column["name"] for column in columns} == {item.name for item in yards.asked} - {"photos", "signed"}
    assert "照片和签字不在表里填" in setting and "现场照片、农户签字" in setting

    def post(what: str, typed: dict[str, str], key: UUID) -> dict[str, Any]:
        cells = {name: {"texts": text.split("、"), "ids": []} for name, text in typed.items() if text}
        body = json.dumps({"rows": [{"id": str(key), "number": 1, "sure": False, "cells": cells}], "only_good": False})
        found: dict[str, Any] = village.post(f"/registers/yard/grid/{what}", body, content_type="application/json").json()["rows"][0]
        return found

    first = add(village, typed)
    key = uuid4()
    coded = {"project": f"庭院经济奖补（一期）（{project.entry.number}）", "adviser": f"{cast['township'].name}（township）"}
    pasted = typed | coded | {"plot_no": "Y-03"}
    checked = post("check", pasted, key)
    assert (checked["faults"], checked["doubts"]) == ({}, [])
    # What the page shows for each cell can be pasted again as it is.
    shown = {name: cell["text"] for name, cell in checked["cells"].items()}
    assert shown["sold_to"] == "上海市浦东新区" and shown["products"] == "蔬菜、家禽" and shown["invested"] == "5000.00"
    again = post("check", shown | coded | {"household_id": home.code, "partners": other.code, "account": ACCOUNT}, uuid4())
    assert again["faults"] == {}
    assert post("save", pasted, key)["kept"] is True
    acting("village")
    assert Record.objects.get(pk=key).values == Record.objects.get(pk=first).values | {"plot_no": "Y-03"}
    assert "已有同样" in post("check", pasted, uuid4())["faults"]["household_id"]
    wrong = post("check", typed | {"plot_no": "Y-04", "area": "半亩", "products": "鱼", "sold_to": "没有的县"}, uuid4())
    assert set(wrong["faults"]) == {"area", "products", "sold_to"}


# --- paper ---------------------------------------------------------------------------------------------------------------


def words_of(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    return "".join(page.get_textpage().get_text_range() for page in document).replace("\r", "").replace("\n", "")


def test_it_is_printed_empty_as_a_list_and_row_by_row(
    pack: Pack, yards: Register, home: Household, other: Household, project: Record, cast: dict[str, User], client_as: ClientAs, acting: Acting
) -> None:
    village = client_as("village")
    row = add(village, filled(home, other, project, cast))
    blank = words_of(village.get("/registers/yard/blank").content)
    assert "庭院经济台账" in blank and "02 庭院养殖" in blank and "05 食用菌" in blank
    for item in yards.typed:
        assert (item.zh in blank) == (item.type != "image"), item.zh
    reach = acting("village")
    columns = [item.name for item in yards.lines]
    content, count = printing.filled(yards, pack, "2021", reach, query="has_order=1&yard_kind=02", columns=columns)
    said = (
        "Y-01", "庭院养殖", "蔬菜、家禽", "1.25", "2021-03-05", "5000.00", "1200.50", "3799.50", mask_id(ACCOUNT), "庭院经济奖补", "92.5", "2021-06",
        "上海市浦东新区", PHONE, cast["township"].name, "院墙已修", other.head_name, SPOT,
    )  # fmt: skip
    listed = words_of(content)
    assert count == 1 and "是否订单销售：是" in listed and "经营类型：庭院养殖" in listed and home.code in listed
    single = words_of(village.get(f"/registers/rows/{row}/paper").content)
    assert "占地面积（亩）" in blank and "占地面积（亩）" in listed and "1.25 亩" in single
    assert "农户签字：" in single and "登记人：" in single and "审核人：" in single
    for words in said:
        assert words in listed, words
        assert words in single, words


# --- roll-ups, rules -------------------------------------------------------------------------------------------------------


def test_the_village_tables_follow_and_show_where_their_values_come_from(
    pack: Pack, home: Household, other: Household, project: Record, cast: dict[str, User], client_as: ClientAs, acting: Acting
) -> None:
    village = client_as("village")

    def tables() -> tuple[Any, Any, Any]:
        acting("village")
        natural = Record.objects.get(form="natural_village_year", year=2021, subject_code=home.natural_village_code).values
        whole = Record.objects.get(form="village_year", year=2021, subject_code=home.village_code).values
        return natural["yard_households"], whole["yard_households"], whole["yard_sales"]

    assert tables() == (0, 0, 0), "found when the pack was put in force"
    row = add(village, filled(home, other, project, cast))
    add(village, filled(home, other, project, cast, plot_no="Y-02", sales="500.5"))
    assert tables() == (1, 1, 850_050)
    acting("village")
    table = Record.objects.get(form="village_year", year=2021, subject_code=home.village_code)
    behind = page(village, f"/registers/tables/{table.pk}/behind/yard_sales")
    for words in ("Y-01", "Y-02", "8000.00", "500.50", home.head_name, f"/registers/rows/{row}/"):
        assert words in behind, words
    assert name_of(home.natural_village_code) in page(village, f"/registers/tables/{table.pk}/behind/yard_households")
    assert "庭院经济销售收入" in words_of(village.get(f"/registers/tables/{table.pk}/paper").content)
    village.post(f"/registers/rows/{row}/strike", {"reason": REASON})
    assert tables() == (1, 1, 50_050)
    acting("system")
    assert rollups.refresh(pack, 2021, [home.village_code]) == 0


def test_the_rules_over_it_open_clues_that_close_when_it_is_mended(
    pack: Pack, home: Household, other: Household, project: Record, cast: dict[str, User], client_as: ClientAs, acting: Acting
) -> None:
    village = client_as("village")

    def states(rule: str) -> list[str]:
        acting("village")
        return list(Clue.objects.filter(rule_id=rule, household=home).values_list("state", flat=True))

    first = add(village, filled(home, other, project, cast, subsidy="2000"))
    assert states("D001") == states("D003") == []
    second = add(village, filled(home, other, project, cast, plot_no="Y-02", subsidy="1500", products=""))
    assert states("D001") == states("D003") == ["open"]
    acting("village")
    clue = Clue.objects.get(rule_id="D003", household=home)
    assert (clue.subject_id, clue.subject_label) == (second, "Y-02")
    assert "8000.00 元" in clue.message
    assert "3000" in Clue.objects.get(rule_id="D001", household=home).message
    assert f"/registers/rows/{second}/" in page(village, f"/clues/{clue.pk}/")
    typed = filled(home, other, project, cast, plot_no="Y-02", subsidy="900", account=mask_id(ACCOUNT))
    assert village.post(f"/registers/rows/{second}/edit", {**sent(typed), "seen": "1"}).status_code == 302
    assert states("D001") == states("D003") == ["closed"]
    # Together with the item that was added to the household's year.
    set_wish(home, False, pack, cast, acting)
    assert states("D002") == ["open"]
    for row in (first, second):
        village.post(f"/registers/rows/{row}/strike", {"reason": REASON})
    assert states("D002") == ["closed"]


def set_wish(home: Household, value: bool, pack: Pack, cast: dict[str, User], acting: Acting) -> None:
    op = {"op": "set", "target": "household", "name": "yard_wish", "value": value}
    lead = Record.objects.get(household=home, form="household_year", year=2021)
    if lead.state == "approved":
        acting("system")
        Record.objects.filter(pk=lead.pk).update(state="submitted")
    save(household=home, request=SaveRequest(uuid4(), {}, [op]), year=2021, pack=pack, by=cast["village"], reach=acting("village"))


def test_an_added_indicator_is_asked_kept_and_printed(
    pack: Pack, home: Household, cast: dict[str, User], client_as: ClientAs, acting: Acting
) -> None:
    village = client_as("village")
    asked = village.get("/field/pack.json").json()
    assert "yard_wish" in json.dumps(asked), "the entry screen asks it"
    assert "yard_wish" in {item.name for _section, items in household_sections(pack) for item in items}, "the sheet has its line"
    set_wish(home, True, pack, cast, acting)
    acting("village")
    assert Record.objects.get(household=home, form="household_year", year=2021).values["yard_wish"] is True
    assert "是否愿意发展庭院经济" in page(village, f"/households/{home.pk}/")


# --- the pack ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "column", "value", "words"),
    [
        ("plot_no", "lists", "column sort label unique", ""),
        ("heads", "lists", "search", "search 只用于文字和电话"),
        ("adviser", "lists", "sort", "不能排序"),
        ("photos", "lists", "column filter", "只能显示"),
        ("spot", "lists", "search", "只能显示"),
        ("sales", "lists", "label", "label 只用于"),
        ("buyer_phone", "lists", "label", "label 只用于"),
        ("products", "lists", "filter", "不能用来筛选"),
        ("remark", "multi", "1", "只能有一个值"),
    ],
)
def test_marks_that_no_list_can_keep_are_told(folder: Path, name: str, column: str, value: str, words: str) -> None:
    file = folder / "indicators.csv"
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    next(row for row in rows if row["name"] == name)[column] = value
    with file.open("w", encoding="utf-8", newline="") as written:
        writer = csv.DictWriter(written, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    if not words:
        load_pack(folder)
        return
    with pytest.raises(PackFaults) as caught:
        load_pack(folder)
    (fault,) = caught.value.faults
    assert words in fault.message_zh and fault.file == "courtyard-2021/indicators.csv"


def test_relevance_of_a_register_is_told(folder: Path) -> None:
    (folder / "relevance.toml").write_text("[yard]\nheads = \"yard_kind = '02'\"\n", encoding="utf-8")
    with pytest.raises(PackFaults) as caught:
        load_pack(folder)
    assert "constraints.toml" in caught.value.faults[0].message_zh


def test_a_county_adds_headers_and_leaves_the_nations_standing(folder: Path) -> None:
    pack, below = load_pack(folder), load_pack(folder.parent / "guzhen-2021")
    assert pack.register_headers == {**below.register_headers, "yard.plot_no": ("地块号",), "yard.area": ("院地面积",)}
    (folder / "layouts" / "roster.toml").write_text('[headers]\n"household_year.head_name" = ["户主名"]\n', encoding="utf-8")
    (folder / "layouts" / "year_update.toml").write_text(
        '[[sections]]\nform = "household_year"\ntitle = "本县增加"\nitems = ["yard_wish"]\n', encoding="utf-8"
    )
    pack = load_pack(folder)
    given, now = ({f"{one.form}.{one.name}": one.headers for one in each.roster} for each in (below, pack))
    assert "户主名" in now["household_year.head_name"] and now.keys() == given.keys() | {"household_year.yard_wish"}
    assert all(now[key] == words for key, words in given.items() if key != "household_year.head_name")
    assert pack.year_update[:-1] == below.year_update and pack.year_update[-1].items == ("yard_wish",)


def test_the_countys_own_rules_stay_when_a_layer_is_added_and_taken_off(folder: Path, db: None, acting: Acting, client_as: ClientAs) -> None:
    acting("system")
    assert client_as("county").post("/rules/H007/switch", {"to": "off"}).status_code == 302
    acting("system")
    assert current_year().pack.id == "guzhen-2021-own"
    put_in_force(folder)
    pack = current_year().pack
    assert pack.id == "courtyard-2021-own" and "yard" in pack.forms and "H007" not in {rule.id for rule in pack.rules}
    facts = put_in_force(folder.parent / "guzhen-2021")
    assert any(key.startswith("yard.") for key in facts["no_longer_asked"])
    pack = current_year().pack
    assert pack.id == "guzhen-2021-own" and "H007" not in {rule.id for rule in pack.rules}
