"""Entering many rows: the grid and its checks, what is carried over, kept filters, returned rows as tasks, locks by stage, paper."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pypdfium2
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.households.models import Household, Person
from fangfanpin.households.subjects import plain_secret
from fangfanpin.pack import Pack
from fangfanpin.privacy.secrets import decrypt
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.regions.names import name_of
from fangfanpin.registers import carrying, grid, kept, printing, services, slots
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.mirror import entry_of
from fangfanpin.registers.models import Entry, Link, SavedFilter, Sealed
from fangfanpin.registers.references import Words
from fangfanpin.registers.services import Given, Refused
from tests.registers.named import register

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]


@pytest.fixture
def pack(db: None) -> Pack:
    return current_year().pack


@pytest.fixture
def household(acting: Acting) -> Household:
    return Household.objects.visible_to(acting("village")).filter(kind="assisted").order_by("code")[0]


@pytest.fixture
def person(household: Household) -> Person:
    return household.persons.filter(member_state="01").order_by("position")[0]


def sent(*rows: dict[str, Any], **more: Any) -> str:
    """As the page sends it: texts by item, or (texts, ids)."""
    found = []
    for number, row in enumerate(rows, 1):
        cells = {
            name: {"texts": list(given[0]), "ids": list(given[1])} if isinstance(given, tuple) else {"texts": [given], "ids": []}
            for name, given in row.items()
            if name not in ("id", "sure")
        }
        found.append({"id": str(row.get("id", uuid4())), "number": number, "sure": row.get("sure", False), "cells": cells})
    return json.dumps({"rows": found, **more})


def loan(household: Household, **values: Any) -> dict[str, Any]:
    return {"household_id": household.code, "bank": "表格一行", "contract_no": "BG-1", "principal": "30000", **values}


def post(client: Client, what: str, body: str, form: str = "microcredit") -> tuple[int, dict[str, Any]]:
    answer = client.post(f"/registers/{form}/grid/{what}", body, content_type="application/json", HTTP_ACCEPT="application/json")
    return answer.status_code, answer.json()


def loans() -> int:
    return Entry.objects.filter(form="microcredit", label__startswith="BG-").count()


def team(number: int, **values: Any) -> dict[str, Any]:
    """A member of a resident team, of the village by name, with a number of their own."""
    born = f"19{60 + number % 40}{number % 12 + 1:02d}{number % 28 + 1:02d}"
    sixteen = f"340323{born}{number:03d}"
    return {"member_name": f"队员{number}", "id_number": checked_number(sixteen), "unit": "县水利局", "start_on": "2021-03-01", **values}


def checked_number(text: str) -> str:
    """With the check digit of an identity number."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return text + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(text, weights, strict=True)) % 11]


def test_a_hundred_rows_of_a_village_cost_no_more_queries_than_ten(client_as: ClientAs, acting: Acting) -> None:
    """The village by name, apart from those in office, a number kept under cipher: all asked ahead."""
    village = name_of(acting("village").villages[0])
    client = client_as("village")

    def queries(what: str, count: int, first: int) -> int:
        rows = [team(number, village_code=village) for number in range(first, first + count)]
        with CaptureQueriesContext(connection) as captured:
            status, said = post(client, what, sent(*rows), "resident_team")
        assert status == 200 and all(not row["faults"] for row in said["rows"]), said["rows"][0]
        assert what == "check" or said["kept"] == count
        return len(captured)

    few = {what: queries(what, 10, first) for what, first in (("check", 0), ("save", 0))}
    many = {what: queries(what, 100, first) for what, first in (("check", 100), ("save", 100))}
    assert all(many[what] <= few[what] for what in few), (few, many)
    acting("village")
    assert Entry.objects.filter(form="resident_team", label__startswith="队员").count() == 110
    number = Sealed.objects.get(record__entry__label="队员105")
    assert decrypt(number.cipher) == team(105)["id_number"]


def test_two_rows_of_a_grid_that_must_stand_apart_are_told(client_as: ClientAs, acting: Acting) -> None:
    code = acting("village").villages[0]
    village = name_of(code)
    acting("system")
    Record.objects.filter(form="resident_team", village_code=code).update(state="void")  # whoever is there now would stand in the way of both
    rows = [team(number, village_code=village, is_first_secretary="1", start_on="2031-03-01") for number in (1, 2)]
    _status, said = post(client_as("village"), "check", sent(*rows), "resident_team")
    assert [list(row["faults"]) for row in said["rows"]] == [[], ["start_on"]]
    twice = [team(7, village_code=village), team(7, village_code=village, member_name="同一个人")]
    _status, said = post(client_as("village"), "check", sent(*twice), "resident_team")
    assert [list(row["faults"]) for row in said["rows"]] == [[], ["start_on"]]


def test_a_check_tells_faults_by_cell_and_stores_nothing(client_as: ClientAs, household: Household) -> None:
    status, said = post(
        client_as("village"),
        "check",
        sent(loan(household), loan(household, contract_no="BG-2", principal="三万"), loan(household, contract_no="BG-3", principal="60000")),
    )
    assert status == 200
    good, faulty, doubtful = said["rows"]
    assert (good["faults"], good["doubts"]) == ({}, [])
    assert good["cells"]["principal"]["text"] == "30000.00"
    assert good["cells"]["household_id"]["ids"] == {household.head_name: str(household.pk)}
    assert "不是数字" in faulty["faults"]["principal"]
    assert "5 万元" in doubtful["doubts"][0]
    assert loans() == 0


def test_all_or_nothing_unless_only_the_good_are_asked_for(client_as: ClientAs, household: Household) -> None:
    client = client_as("village")
    rows = [{**loan(household), "id": uuid4()}, {**loan(household, contract_no="BG-2", principal="x"), "id": uuid4()}]
    status, said = post(client, "save", sent(*rows, only_good=False))
    assert (status, said["kept"], loans()) == (200, 0, 0)
    status, said = post(client, "save", sent(*rows, only_good=True))
    assert (status, said["kept"], loans()) == (200, 1, 1)
    assert [row["kept"] for row in said["rows"]] == [True, False]


def test_a_retry_changes_nothing(client_as: ClientAs, household: Household) -> None:
    body = sent({**loan(household), "id": uuid4()}, {**loan(household, contract_no="BG-2"), "id": uuid4()})
    client = client_as("village")
    assert post(client, "save", body)[1]["kept"] == 2
    before = list(Record.objects.filter(form="microcredit").values("id", "version", "updated_at").order_by("id"))
    status, said = post(client, "save", body)
    assert (status, said["kept"]) == (200, 2)
    assert list(Record.objects.filter(form="microcredit").values("id", "version", "updated_at").order_by("id")) == before


def test_the_grid_writes_what_the_form_writes(
    pack: Pack, client_as: ClientAs, household: Household, person: Person, cast: dict[str, User], acting: Acting
) -> None:
    key = uuid4()
    row = loan(household, granted_on="20210105", borrower_person=((), (str(person.pk),)), id=key)
    assert post(client_as("village"), "save", sent(row))[1]["kept"] == 1
    acting("village")
    record = Record.objects.get(pk=key)
    made, stored = entry_of(record, register(pack, "microcredit"), pack), Entry.objects.get(record=record)
    for column in (*slots.columns(register(pack, "microcredit"), pack).values(), "label", "unique_key", "state", "village_code", "household_id"):
        assert str(getattr(made, column)) == str(getattr(stored, column)), column
    assert record.values["granted_on"] == "2021-01-05"
    assert list(Link.objects.filter(record=record).values_list("name", "to_person_id")) == [("borrower_person", person.pk)]
    assert (record.entered_by, record.state, record.origin) == (cast["village"], "submitted", "entry")


def test_the_same_row_twice_is_told(client_as: ClientAs, household: Household) -> None:
    client = client_as("village")
    _status, said = post(client, "check", sent(loan(household), loan(household)))
    assert "第 1 行重复" in said["rows"][1]["faults"]["contract_no"]
    measure = {"household_id": household.code, "measure_class": "39", "measure_item": "3902", "start_on": "20210301", "unit_responsible": "表格村委"}
    _status, said = post(client, "check", sent(measure, measure), "measure")
    assert "第 1 行内容完全相同" in said["rows"][1]["doubts"][0]
    assert post(client, "save", sent(measure), "measure")[1]["kept"] == 1
    _status, said = post(client, "check", sent(measure), "measure")
    assert "台账里已有" in said["rows"][0]["doubts"][0]
    assert post(client, "save", sent({**measure, "sure": True}), "measure")[1]["kept"] == 1


def test_a_person_is_found_by_the_whole_identity_number(client_as: ClientAs, person: Person) -> None:
    number = plain_secret(person, "id_number")
    assert number
    _status, said = post(client_as("village"), "check", sent({"person_id": number, "employer": "甲厂"}), "work_spell")
    assert said["rows"][0]["cells"]["person_id"] == {"text": person.member_name, "ids": {person.member_name: str(person.pk)}}


def test_overlapping_rows_of_one_grid_are_asked_about(client_as: ClientAs, person: Person) -> None:
    row = {"person_id": person.code, "work_start": "200101", "work_end": "200106", "employer": "甲厂"}
    _status, said = post(client_as("village"), "check", sent(row, {**row, "work_start": "200103", "work_end": "200109"}), "work_spell")
    assert "第 1 行时间重叠" in said["rows"][1]["doubts"][0]
    _status, said = post(client_as("village"), "check", sent(row, {**row, "work_start": "200106", "work_end": "200109"}), "work_spell")
    assert said["rows"][1]["doubts"] == []


def test_a_word_that_a_list_has_often_is_the_one_of_its_class(pack: Pack, client_as: ClientAs, household: Household) -> None:
    row = {"household_id": household.code, "measure_item": "其他"}
    _status, said = post(client_as("village"), "check", sent(row, {**row, "measure_class": "就业帮扶"}), "measure")
    assert "请从清单里选" in said["rows"][0]["faults"]["measure_item"]
    assert said["rows"][1]["cells"]["measure_item"]["ids"] == {"其他": "4099"}


def test_beyond_the_reach_nothing_is_found(client_as: ClientAs, acting: Acting, household: Household) -> None:
    acting("system")
    other = Household.objects.filter(kind="assisted").exclude(village_code=household.village_code).order_by("code")[0]
    _status, said = post(client_as("village"), "save", sent(loan(other), loan(household, household_id=((), (str(other.pk),)))))
    assert said["kept"] == 0
    assert "没有找到" in said["rows"][0]["faults"]["household_id"]
    assert "不在这里" in said["rows"][1]["faults"]["household_id"]


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"rows": 5}', '{"rows": [{"id": "x"}]}', '{"rows": [{"id": 1, "number": 1, "sure": 0, "cells": {"bank": "x"}}]}']
)
def test_what_is_no_grid_is_refused(client_as: ClientAs, body: str) -> None:
    for what in ("check", "save"):
        status, said = post(client_as("village"), what, body)
        assert status == 422
        assert "刷新" in said["message"]


def test_more_rows_than_a_grid_holds_are_refused(client_as: ClientAs, household: Household) -> None:
    status, said = post(client_as("village"), "save", sent(*(loan(household, contract_no=f"BG-{n}") for n in range(grid.MOST + 1))))
    assert status == 422
    assert "最多" in said["message"]


def test_a_session_that_ended_is_told_to_the_page(household: Household) -> None:
    assert post(Client(), "save", sent(loan(household)))[0] == 401


def test_the_page_of_every_register_opens(client_as: ClientAs, pack: Pack) -> None:
    for form in ("measure", "project", "microcredit", "work_spell", "work_plan", "visit", "relocation"):
        for name in ("village", "helper"):
            answer = client_as(name).get(f"/registers/{form}/grid")
            assert answer.status_code == 200, (form, name)
            assert 'id="grid-setting"' in answer.content.decode()


# ---- carried over
def plan(person: Person, month: str) -> dict[str, Given]:
    return {
        "person_id": Given(chosen=(str(person.pk),)),
        "round_month": Given((month,)),
        "plan_to_work": Given(("1",)),
        "service_need": Given(("01",)),
    }


def test_a_round_begins_with_what_stood_in_the_last(
    pack: Pack, client_as: ClientAs, person: Person, cast: dict[str, User], acting: Acting, household: Household
) -> None:
    reach, plans = acting("village"), register(pack, "work_plan")
    Entry.objects.filter(form="work_plan", person=person).exists()

    def keep(month: str) -> None:
        given = plan(person, month)
        services.add(register=plans, pack=pack, year=2021, record_id=uuid4(), given=given, sure=True, by=cast["village"], reach=reach)

    keep("2019-03")
    answer = client_as("village").get("/registers/work_plan/carry", {"period": "202006"})
    mine = [row for row in answer.json()["rows"] if str(person.pk) in row["person_id"]["ids"].values()]
    assert [row["round_month"]["text"] for row in mine] == ["2020-06"]
    assert mine[0]["plan_to_work"]["text"] == "是"
    acting("village")
    keep("2020-06")
    answer = client_as("village").get("/registers/work_plan/carry", {"period": "2020-06"})
    assert not [row for row in answer.json()["rows"] if str(person.pk) in row["person_id"]["ids"].values()], "has one already"
    assert client_as("village").get("/registers/work_plan/carry", {"period": "六月"}).status_code == 422
    assert client_as("village").get("/registers/measure/carry").status_code == 422, "comes by event"


def test_a_copied_row_leaves_amounts_dates_and_number_behind(
    pack: Pack, client_as: ClientAs, household: Household, cast: dict[str, User], acting: Acting
) -> None:
    reach = acting("village")
    given = {
        "household_id": Given(chosen=(str(household.pk),)),
        "measure_class": Given(("39",)),
        "measure_item": Given(("3901",)),
        "unit_responsible": Given(("照抄村委",)),
        "amount": Given(("7654.32",)),
        "start_on": Given(("2021-03-01",)),
    }
    record = services.add(
        register=register(pack, "measure"), pack=pack, year=2021, record_id=uuid4(), given=given, sure=True, by=cast["village"], reach=reach
    )
    page = client_as("village").get("/registers/measure/new", {"from": str(record.pk)}).content.decode()
    assert "照抄村委" in page
    assert str(household.pk) in page
    assert "7654" not in page
    assert "2021-03-01" not in page
    assert "contract_no" not in {item.name for item in carrying.carried(register(pack, "microcredit"))}
    assert client_as("village").get("/registers/visit/new", {"from": str(record.pk)}).status_code == 404
    acting("village")
    assert set(carrying.cells_of(record, register(pack, "measure"), pack, Words(reach))) == {
        "household_id", "measure_class", "measure_item", "unit_responsible",
    }  # fmt: skip


# ---- kept filters
def test_a_filter_is_kept_for_its_owner_alone(client_as: ClientAs, pack: Pack, cast: dict[str, User], acting: Acting) -> None:
    client = client_as("village")
    client.post("/registers/microcredit/filters", {"name": "年底到期", "query": "due_on.to=2021-12-31&nonsense=1&after=5~6"})
    found = SavedFilter.objects.get(owner=cast["village"])
    assert found.query == "due_on.to=2021-12-31"
    assert "年底到期" in client.get("/registers/microcredit/").content.decode()
    assert "年底到期" not in client.get("/registers/measure/").content.decode()
    assert "年底到期" not in client_as("township").get("/registers/microcredit/").content.decode()
    assert client_as("township").post(f"/registers/filters/{found.pk}/forget").status_code == 404
    assert SavedFilter.objects.filter(pk=found.pk).exists()
    assert client.post(f"/registers/filters/{found.pk}/forget").status_code == 302
    assert not SavedFilter.objects.filter(pk=found.pk).exists()


def test_twenty_filters_of_a_register_and_no_more(pack: Pack, cast: dict[str, User], acting: Acting) -> None:
    acting("village")

    def keep(name: str, query: str = "state=returned", form: str = "microcredit") -> None:
        kept.keep(register=register(pack, form), pack=pack, owner=cast["village"], name=name, query=query)

    for number in range(kept.MOST):
        keep(f"条件{number}")
    keep("条件0", "state=approved")
    assert SavedFilter.objects.get(owner=cast["village"], name="条件0").query == "state=approved"
    keep("别的台账", form="measure")
    for name, query in (("再一个", "state=void"), (" ", "state=void"), ("条件1", "place=x")):
        with pytest.raises(kept.NotKept):
            keep(name, query)


# ---- returned rows, locks
def test_a_returned_row_is_a_task_of_who_entered_it(
    pack: Pack, client_as: ClientAs, household: Household, cast: dict[str, User], acting: Acting
) -> None:
    client = client_as("village")
    key = uuid4()
    assert post(client, "save", sent({**loan(household), "id": key}))[1]["kept"] == 1
    assert "退回给我的" not in client.get("/").content.decode()
    client_as("township").post(f"/registers/rows/{key}/return", {"reason": "合同号对不上"})
    start = client.get("/").content.decode()
    assert "小额信贷退回给我的" in start
    assert "/registers/microcredit/?state=returned&amp;mine=1" in start
    assert "退回给我的（1）" in client.get("/registers/microcredit/").content.decode()
    mine = client.get("/registers/microcredit/", {"state": "returned", "mine": "1"}).content.decode()
    assert f"/registers/rows/{key}/" in mine
    assert "合同号对不上" in client.get(f"/registers/rows/{key}/").content.decode()
    for other in ("county", "township"):
        assert "退回给我的" not in client_as(other).get("/").content.decode()
        assert f"/registers/rows/{key}/" not in client_as(other).get("/registers/microcredit/", {"state": "returned", "mine": "1"}).content.decode()
    acting("village")
    record = Record.objects.get(pk=key)
    given = {"household_id": Given(chosen=(str(household.pk),)), "contract_no": Given(("BG-9",)), "principal": Given(("30000",))}
    services.change(
        record=record, register=register(pack, "microcredit"), pack=pack, seen=record.version, given=given, sure=True, by=cast["village"],
        reach=acting("village"),
    )  # fmt: skip
    assert "小额信贷退回给我的" not in client.get("/").content.decode()


def test_after_closing_yearly_registers_are_closed_and_the_others_open(
    pack: Pack, household: Household, cast: dict[str, User], acting: Acting
) -> None:
    reach = acting("village")
    always = register(pack, "microcredit")
    yearly = dataclasses.replace(always, form=dataclasses.replace(always.form, period="year"))
    given = {"household_id": Given(chosen=(str(household.pk),)), "contract_no": Given(("BG-1",))}

    def add(which: Register, number: str) -> Record:
        filled = {**given, "contract_no": Given((number,))}
        return services.add(register=which, pack=pack, year=2021, record_id=uuid4(), given=filled, sure=True, by=cast["village"], reach=reach)

    before = add(yearly, "BG-1")
    campaign = clock.current()
    closes = clock.entry_closes_at(campaign)
    assert closes is not None
    clock.set_clock(campaign, closes)
    assert add(always, "BG-2").state == Record.State.SUBMITTED
    with pytest.raises(Refused) as refused:
        add(yearly, "BG-3")
    assert "截止" in refused.value.faults[""]
    with pytest.raises(Refused):
        services.change(record=before, register=yearly, pack=pack, seen=1, given=given, sure=True, by=cast["village"], reach=reach)
    with pytest.raises(Refused):
        services.strike(record=before, register=yearly, pack=pack, reason="登记错了", by=cast["village"])


# ---- paper
def text_of(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def test_every_register_has_an_empty_table_to_print(client_as: ClientAs, pack: Pack) -> None:
    for form in ("measure", "project", "microcredit"):
        answer = client_as("village").get(f"/registers/{form}/blank")
        assert answer.headers["Content-Type"] == "application/pdf"
        page = pypdfium2.PdfDocument(answer.content)[0]
        assert page.get_width() > page.get_height()
        text = text_of(answer.content).replace("\r", "").replace("\n", "")
        assert register(pack, form).title in text
        for item in register(pack, form).asked:
            if item != register(pack, form).subject:
                assert item.zh[:3] in text, item.zh
    assert "△" in text, "nobody has found a source for the items of a loan"


def test_the_list_and_a_row_are_printed_as_filtered(
    pack: Pack, client_as: ClientAs, household: Household, acting: Acting, cast: dict[str, User]
) -> None:
    key = uuid4()
    post(client_as("village"), "save", sent({**loan(household, contract_no="BG-PRINT"), "id": key}))
    reach = acting("village")
    content, count = printing.filled(register(pack, "microcredit"), pack, "2021", reach, query="q=BG-PRINT", columns=("contract_no", "principal"))
    text = text_of(content)
    assert count == 1
    assert "BG-PRINT" in text
    assert "30000.00" in text
    assert household.code in text
    answer = client_as("village").get(f"/registers/rows/{key}/paper")
    assert "BG-PRINT" in text_of(answer.content)
    assert client_as("village").post("/registers/microcredit/print", {"query": "", "column": ["principal", "x"]}).status_code == 302
