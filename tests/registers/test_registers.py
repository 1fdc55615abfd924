"""Registers made from the pack: add, change, strike, review, lists within reach, references from both ends."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.audit.models import Event
from fangfanpin.households.models import Household, Person
from fangfanpin.jobs.models import Job
from fangfanpin.pack import Pack
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.registers import queries, services, slots, spans
from fangfanpin.registers.bulk import write_entries, write_links
from fangfanpin.registers.definitions import registers_of
from fangfanpin.registers.exporting import Wish, table_of, write_csv
from fangfanpin.registers.models import COLUMNS, Entry, Link
from fangfanpin.registers.services import Given, Refused
from tests.registers.named import register

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]


@pytest.fixture
def pack(db: None) -> Pack:
    return current_year().pack


@pytest.fixture
def household(acting: Acting) -> Household:
    """An assisted household of the village's."""
    reach = acting("village")
    return Household.objects.visible_to(reach).filter(kind="assisted").order_by("code")[0]


def texts(**values: str | list[str]) -> dict[str, Given]:
    return {name: Given(tuple(value) if isinstance(value, list) else (value,)) for name, value in values.items()}


def loan(household: Household, **values: str) -> dict[str, Given]:
    return {
        "household_id": Given(chosen=(str(household.pk),)),
        **texts(**{"contract_no": "HT-1", "bank": "测试一行", "principal": "30000", "granted_on": "2020-11-05", "due_on": "2023-11-05", **values}),
    }


def add(pack: Pack, key: str, given: dict[str, Given], by: User, reach: Reach, **more: Any) -> Record:
    return services.add(
        register=register(pack, key), pack=pack, year=2021, record_id=more.pop("record_id", uuid4()), given=given, sure=more.pop("sure", False),
        by=by, reach=reach,
    )  # fmt: skip


def test_every_register_of_the_notice_is_one_of_the_pack(pack: Pack) -> None:
    assert {found.key for found in registers_of(pack)} == {
        "measure", "project", "microcredit", "work_spell", "work_plan", "visit", "relocation", "resident_team", "helper_unit",
        "natural_village_year", "village_year",
    }  # fmt: skip


def test_a_row_is_kept_with_its_columns_links_and_event(pack: Pack, household: Household, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    person = household.persons.filter(member_state="01").order_by("position")[0]
    given = {**loan(household), "borrower_person": Given(chosen=(str(person.pk),))}
    record = add(pack, "microcredit", given, cast["village"], reach)
    assert record.values["principal"] == 3_000_000
    assert record.values["granted_on"] == "2020-11-05"
    assert record.values["balance"] is None, "asked and left empty"
    columns = slots.columns(register(pack, "microcredit"), pack)
    entry = Entry.objects.get(record=record)
    assert getattr(entry, columns["principal"]) == 3_000_000
    assert str(getattr(entry, columns["due_on"])) == "2023-11-05"
    assert (entry.label, entry.village_code, entry.household_id) == ("HT-1", household.village_code, household.pk)
    assert list(Link.objects.filter(record=record).values_list("name", "to_person_id")) == [("borrower_person", person.pk)]
    event = Event.objects.of_row("records_record", record.pk).get()
    assert (event.op, event.actor_id, event.act) == ("I", cast["village"].pk, "register.add microcredit")


@pytest.mark.parametrize(
    ("values", "name", "words"),
    [
        ({"principal": "三万"}, "principal", "不是数字"),
        ({"principal": "-5"}, "principal", "负数"),
        ({"granted_on": "2020-13-01"}, "granted_on", "没有"),
        ({"loan_status": "还了"}, "loan_status", "清单里没有"),
        ({"due_on": "2020-01-01"}, "due_on", "晚于"),
        ({"balance": "40000"}, "balance", "贷款金额"),
        ({"borrower_person": "查无此人"}, "borrower_person", "没有找到"),
        ({"bank": "行\x00"}, "bank", "控制字符"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_kept(
    pack: Pack, household: Household, cast: dict[str, User], acting: Acting, values: dict[str, str], name: str, words: str
) -> None:
    reach = acting("village")
    with pytest.raises(Refused) as refused:
        add(pack, "microcredit", loan(household, **values), cast["village"], reach)
    assert words in refused.value.faults[name]
    assert not Entry.objects.filter(form="microcredit", label="HT-1").exists()
    assert not Record.objects.filter(form="microcredit", values__contract_no="HT-1").exists()


def test_what_is_unlikely_is_asked_once(pack: Pack, household: Household, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    given = loan(household, principal="80000")
    with pytest.raises(Refused) as refused:
        add(pack, "microcredit", given, cast["village"], reach)
    assert not refused.value.faults
    assert "5 万元" in refused.value.doubts[0]
    assert add(pack, "microcredit", given, cast["village"], reach, sure=True).values["principal"] == 8_000_000


def test_the_same_page_sent_twice_adds_one_row(pack: Pack, household: Household, cast: dict[str, User], acting: Acting) -> None:
    reach, record_id = acting("village"), uuid4()
    first = add(pack, "microcredit", loan(household), cast["village"], reach, record_id=record_id)
    assert add(pack, "microcredit", loan(household), cast["village"], reach, record_id=record_id) == first
    assert Entry.objects.filter(form="microcredit", label="HT-1").count() == 1


def test_a_contract_is_registered_once_and_free_again_when_struck(pack: Pack, household: Household, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    first = add(pack, "microcredit", loan(household), cast["village"], reach)
    with pytest.raises(Refused) as refused:
        add(pack, "microcredit", loan(household, principal="20000"), cast["village"], reach)
    assert "已有同样" in refused.value.faults["contract_no"]
    with pytest.raises(Refused):
        services.strike(record=first, register=register(pack, "microcredit"), pack=pack, reason="重", by=cast["village"])
    struck = services.strike(record=first, register=register(pack, "microcredit"), pack=pack, reason="合同号写错了", by=cast["village"])
    assert struck.state == Record.State.VOID
    assert add(pack, "microcredit", loan(household, principal="20000"), cast["village"], reach).state == Record.State.SUBMITTED
    loans = register(pack, "microcredit")
    ours = queries.chosen_of(loans, pack, {"bank": "测试"})
    shown = queries.page(queries.entries(loans, pack, reach, ours), loans, pack, ours, "").rows
    assert [entry.record.values["principal"] for entry in shown] == [2_000_000]


def test_a_household_beyond_reach_cannot_be_chosen(pack: Pack, cast: dict[str, User], acting: Acting) -> None:
    acting("system")
    reach = acting("village")
    acting("system")
    far = Household.objects.filter(kind="assisted").exclude(village_code__in=reach.villages).order_by("code")[0]
    reach = acting("village")
    with pytest.raises(Refused) as refused:
        add(pack, "microcredit", loan(far), cast["village"], reach)
    assert "重新选择" in refused.value.faults["household_id"]


def test_different_items_of_two_people_are_put_together(pack: Pack, household: Household, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    loans = register(pack, "microcredit")
    record = add(pack, "microcredit", loan(household), cast["village"], reach)
    seen = record.version
    change: dict[str, Any] = {"register": loans, "pack": pack, "seen": seen, "sure": False}
    services.change(record=record, given=loan(household, balance="10000"), by=cast["village"], reach=reach, **change)
    reach = acting("township")
    services.change(record=record, given=loan(household, purpose="种植业") | texts(purpose="01"), by=cast["township"], reach=reach, **change)
    record.refresh_from_db()
    assert record.values["balance"] == 1_000_000, "the other's item stays"
    assert record.values["purpose"] == "01"


def test_the_same_item_of_two_people_is_decided_by_a_person(pack: Pack, household: Household, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    loans = register(pack, "microcredit")
    record = add(pack, "microcredit", loan(household), cast["village"], reach)
    seen = record.version
    services.change(
        record=record, register=loans, pack=pack, seen=seen, given=loan(household, balance="10000"), sure=False, by=cast["village"], reach=reach
    )
    reach = acting("township")
    change: dict[str, Any] = {"register": loans, "pack": pack, "given": loan(household, balance="12000"), "sure": False, "by": cast["township"]}
    with pytest.raises(Refused) as refused:
        services.change(record=record, seen=seen, reach=reach, **change)
    assert "10000.00" in refused.value.faults["balance"]
    assert "12000.00" in refused.value.faults["balance"]
    assert refused.value.seen is not None
    assert services.change(record=record, seen=refused.value.seen, reach=reach, **change).values["balance"] == 1_200_000


def test_review_is_by_somebody_else_and_a_return_opens_the_row(pack: Pack, household: Household, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    loans = register(pack, "microcredit")
    record = add(pack, "microcredit", loan(household), cast["village"], reach)
    reach = acting("township")
    services.approve(record=record, register=loans, pack=pack, seen=1, by=cast["township"])
    change: dict[str, Any] = {"register": loans, "pack": pack, "seen": 2, "sure": False, "by": cast["village"]}
    with pytest.raises(Refused) as refused:
        services.change(record=record, given=loan(household, balance="1"), reach=acting("village"), **change)
    assert "退回" in refused.value.faults[""]
    acting("township")
    services.send_back(record=record, register=loans, pack=pack, reason="请补余额", by=cast["township"])
    done = services.change(record=record, given=loan(household, balance="1"), reach=acting("village"), **change)
    assert (done.state, done.return_reason) == (Record.State.SUBMITTED, "")
    assert Entry.objects.get(record=record).state == Record.State.SUBMITTED


def test_a_project_adds_its_funds_and_is_found_from_the_household_it_benefits(
    pack: Pack, household: Household, cast: dict[str, User], acting: Acting
) -> None:
    reach = acting("village")
    given = {
        "admin_village_code": Given(chosen=(household.village_code,)),
        "beneficiary_household_ids": Given(chosen=(str(household.pk),)),
        **texts(project_no="P-1", project_name="机耕路", funds_central="10000", funds_county="2500.5"),
    }
    record = add(pack, "project", given, cast["village"], reach)
    assert record.values["funds_planned"] == 1_250_050
    found = services.of_household(household, pack, reach)
    assert ("project", "机耕路") in {(one.register.key, entry.label) for one in found for entry in one.entries}


def test_a_person_register_lies_under_the_persons_household(pack: Pack, household: Household, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    person = household.persons.filter(member_state="01").order_by("position")[0]
    given = {"person_id": Given(chosen=(str(person.pk),)), **texts(work_start="2021-02", employer="某厂", month_wage="4500")}
    record = add(pack, "work_spell", given, cast["village"], reach)
    assert (record.household_id, record.person_id, record.village_code) == (household.pk, person.pk, household.village_code)


@pytest.fixture
def many(pack: Pack, cast: dict[str, User], acting: Acting) -> Iterator[Reach]:
    """Forty loans over the village's households: amounts 1,000 … 40,000, half of them of one bank."""
    reach = acting("village")
    households = list(Household.objects.visible_to(reach).filter(kind="assisted").order_by("code")[:5])
    for number in range(1, 41):
        given = loan(
            households[number % len(households)],
            contract_no=f"HT-{number:03d}",
            principal=str(number * 1000),
            bank="测试一行" if number % 2 else "测试二行",
            granted_on=f"2020-{number % 12 + 1:02d}-15",
        )
        add(pack, "microcredit", given, cast["village"], reach)
    yield reach


def pages(pack: Pack, reach: Reach, chosen: queries.Chosen, size: int = 7) -> list[int]:
    loans, cursor, found = register(pack, "microcredit"), "", []
    while True:
        page = queries.page(queries.entries(loans, pack, reach, chosen), loans, pack, chosen, cursor, size=size)
        found += [entry.record.values["principal"] // 100_000 for entry in page.rows]
        if not (cursor := page.next_cursor):
            return found


def test_lists_are_filtered_sorted_and_turned_without_gap_or_double(pack: Pack, many: Reach) -> None:
    loans = register(pack, "microcredit")
    asked = queries.chosen_of(loans, pack, {"bank": "测试", "sort": "principal"})
    assert pages(pack, many, asked) == list(range(1, 41))
    assert pages(pack, many, queries.chosen_of(loans, pack, {"bank": "测试", "sort": "-principal"})) == list(range(40, 0, -1))
    assert pages(pack, many, queries.chosen_of(loans, pack, {"bank": "测试"})) == list(range(40, 0, -1)), "the newest first"
    asked = queries.chosen_of(loans, pack, {"bank": "测试二", "granted_on.from": "2020-03-01", "granted_on.to": "2020-05-31", "sort": "principal"})
    assert pages(pack, many, asked) == [n for n in range(1, 41) if n % 2 == 0 and 3 <= n % 12 + 1 <= 5]
    assert pages(pack, many, queries.chosen_of(loans, pack, {"q": "HT-01", "sort": "principal"})) == list(range(10, 20))
    assert queries.chosen_of(loans, pack, {"granted_on.from": "昨天"}).faults.keys() == {"granted_on"}


def test_rows_without_a_value_come_last_on_every_page(pack: Pack, many: Reach, cast: dict[str, User], household: Household) -> None:
    for number in range(3):
        add(pack, "microcredit", loan(household, contract_no=f"X{number}", due_on="") | texts(due_on=""), cast["village"], many)
    loans = register(pack, "microcredit")
    for sort in ("due_on", "-due_on"):
        chosen, cursor, found = queries.chosen_of(loans, pack, {"bank": "测试", "sort": sort}), "", []
        while True:
            page = queries.page(queries.entries(loans, pack, many, chosen), loans, pack, chosen, cursor, size=6)
            found += [entry.record.values["due_on"] for entry in page.rows]
            if not (cursor := page.next_cursor):
                break
        assert len(found) == 43
        assert found[-3:] == [None] * 3


def test_a_list_shows_what_lies_within_reach(pack: Pack, many: Reach, acting: Acting) -> None:
    loans = register(pack, "microcredit")
    for name in ("village", "township", "county", "helper", "department", "inspector", "auditor", "admin"):
        reach = acting(name)
        visible = set(queries.entries(loans, pack, reach, queries.Chosen()).values_list("pk", flat=True))
        with connection.cursor() as cursor:
            cursor.execute("SELECT number FROM registers_entry WHERE form = 'microcredit'")
            assert visible == {row[0] for row in cursor.fetchall()}, name
    acting("department")
    assert not Entry.objects.exists()


def test_many_rows_at_once_get_what_one_row_gets(pack: Pack, many: Reach, household: Household, acting: Acting, cast: dict[str, User]) -> None:
    person = household.persons.filter(member_state="01").order_by("position")[0]
    who = {"person_id": Given(chosen=(str(person.pk),)), "household_id": Given(chosen=(str(household.pk),))}
    add(pack, "work_spell", {**who, **texts(work_start="2021-02", month_wage="4500", point_to_point="是", channel="01")}, cast["village"], many)
    add(pack, "work_plan", {**who, **texts(round_month="2021-03", plan_to_work="否")}, cast["village"], many)
    add(pack, "measure", {**who, **texts(measure_class="39", measure_item="3901", start_on="2021-05-01")}, cast["village"], many)
    project = {
        "admin_village_code": Given(chosen=(household.village_code,)), "beneficiary_household_ids": Given(chosen=(str(household.pk),)),
    }  # fmt: skip
    add(pack, "project", {**project, **texts(project_name="路", project_year="2021")}, cast["village"], many)
    visitors = Given(chosen=(str(cast["helper"].pk), str(cast["village"].pk)))
    add(pack, "visit", {**who, "visitors": visitors, **texts(visited_on="2021-05-01")}, cast["village"], many)
    acting("system")
    before = list(Entry.objects.order_by("number").values())
    total = Link.objects.count()
    links = sorted(Link.objects.values_list("record_id", "name", "to_household_id", "to_person_id", "to_user_id", "to_division_id"), key=str)
    assert len(before) > 45 and total > 3
    Entry.objects.update(label="", unique_key=None, **dict.fromkeys(COLUMNS))
    assert sum(write_entries(found, pack) for found in registers_of(pack)) == len(before)
    assert list(Entry.objects.order_by("number").values()) == before
    assert sum(write_links(found) for found in registers_of(pack)) == 0, "what is there is not written twice"
    Link.objects.update(name="old")
    assert sum(write_links(found) for found in registers_of(pack)) == total
    again = Link.objects.exclude(name="old").values_list("record_id", "name", "to_household_id", "to_person_id", "to_user_id", "to_division_id")
    assert sorted(again, key=str) == links


# --- pages


def test_the_year_of_a_loan_through_the_pages(client_as: ClientAs, household: Household, acting: Acting) -> None:
    village = client_as("village")
    assert "小额信贷" in village.get("/registers/").content.decode()
    page = village.get(f"/registers/microcredit/new?household={household.pk}")
    assert household.head_name in page.content.decode()
    sent = {"record_id": str(uuid4()), "household_id.id": str(household.pk), "contract_no": "HT-9", "principal": "1万", "granted_on": "2021-01-01"}
    refused = village.post("/registers/microcredit/new", sent)
    assert refused.status_code == 422
    assert "不是数字" in refused.content.decode()
    assert "HT-9" in refused.content.decode(), "what was typed stays"
    kept = village.post("/registers/microcredit/new", {**sent, "principal": "10000"})
    assert kept.status_code == 302
    assert "HT-9" in village.get("/registers/microcredit/").content.decode()
    row = village.get(kept["Location"]).content.decode()
    assert "10000.00" in row
    assert "审核通过" not in row, "who entered it does not review it"
    township = client_as("township")
    assert township.post(f"{kept['Location']}approve", {"seen": "1"}).status_code == 302
    assert "已审核" in village.get(kept["Location"]).content.decode()
    assert village.post(f"{kept['Location']}strike", {"reason": "不想要了"}).status_code == 302
    assert "已作废" not in village.get(kept["Location"]).content.decode(), "an approved row stays until it is returned"


def test_a_name_that_means_several_is_asked_back(client_as: ClientAs, household: Household, acting: Acting) -> None:
    reach = acting("village")
    other = Household.objects.visible_to(reach).filter(kind="assisted").exclude(pk=household.pk).order_by("code")[0]
    acting("system")
    Household.objects.filter(pk=other.pk).update(head_name=household.head_name)
    page = client_as("village").post(
        "/registers/microcredit/new", {"record_id": str(uuid4()), "household_id": household.head_name, "contract_no": "HT-2"}
    )
    assert page.status_code == 422
    assert page.content.decode().count('type="radio" name="household_id.id"') >= 2


def test_choices_are_within_reach(client_as: ClientAs, household: Household, acting: Acting) -> None:
    acting("system")
    person = Person.objects.filter(household=household, member_state="01").order_by("position")[0]
    inside = client_as("village").get("/registers/choices/person", {"household": str(household.pk)}).json()["choices"]
    assert str(person.pk) in {choice["value"] for choice in inside}
    assert client_as("village").get("/registers/choices/household", {"q": household.code}).json()["choices"][0]["value"] == str(household.pk)
    assert client_as("department").get("/registers/choices/household", {"q": household.code}).status_code == 403
    assert client_as("village").get("/registers/choices/nothing", {"q": "x"}).status_code == 404


def test_sensitive_values_are_masked_for_those_without_the_right(
    client_as: ClientAs, household: Household, pack: Pack, acting: Acting, cast: dict[str, User]
) -> None:
    reach = acting("village")
    given = {"household_id": Given(chosen=(str(household.pk),)), **texts(visited_on="2021-05-01", findings="老人肾衰竭需透析")}
    record = add(pack, "visit", given, cast["village"], reach)
    assert "肾衰竭" in client_as("village").get(f"/registers/rows/{record.pk}/").content.decode()
    assert "肾衰竭" not in client_as("inspector").get(f"/registers/rows/{record.pk}/").content.decode()


def test_a_page_of_rows_is_reviewed_at_once(client_as: ClientAs, pack: Pack, many: Reach, acting: Acting) -> None:
    acting("township")
    rows = [entry.record for entry in Entry.objects.filter(form="microcredit", label__startswith="HT-0").select_related("record")[:3]]
    township = client_as("township")
    assert f'value="{rows[0].pk}:1"' in township.get("/registers/microcredit/?state=submitted&q=HT-0").content.decode()
    assert 'name="row"' not in client_as("village").get("/registers/microcredit/?state=submitted").content.decode()
    answer = township.post("/registers/microcredit/approve", {"row": [f"{rows[0].pk}:1", f"{rows[1].pk}:1", f"{rows[2].pk}:0"]}, follow=True)
    said = answer.content.decode()
    assert "已审核通过 2 条" in said
    assert "又有改动" in said, "what was not seen as it stands is not approved"
    acting("township")
    assert [Record.objects.get(pk=row.pk).state for row in rows] == ["approved", "approved", "submitted"]


def exported(pack: Pack, reach: Reach, **wish: Any) -> list[list[Any]]:
    found = table_of(register(pack, "microcredit"), pack, reach, Wish(query="bank=%E6%B5%8B%E8%AF%95&sort=principal", **wish))
    return [[column.title for column in found.columns], *map(list, found.rows)]


def test_a_list_is_exported_as_it_is_filtered_with_the_columns_chosen(pack: Pack, many: Reach) -> None:
    rows = exported(pack, many)
    assert rows[0][:5] == ["户编号", "户主姓名", "村代码", "村", "借款人"]
    assert len(rows) == 41
    assert [row[rows[0].index("贷款金额")] for row in rows[1:4]] == [100_000, 200_000, 300_000], "fen, which the workbook writes as yuan"
    narrow = exported(pack, many, columns=("principal", "bank"), format="csv")
    assert narrow[0] == ["户编号", "户主姓名", "村代码", "村", "放贷银行", "贷款金额", "审核情况", "登记号"]
    assert narrow[1][5] == "1000.00"


def test_a_csv_is_read_by_excel_and_starts_no_formula(
    pack: Pack, household: Household, cast: dict[str, User], acting: Acting, tmp_path: Path
) -> None:
    reach = acting("village")
    add(pack, "microcredit", loan(household, bank="测试=cmd|calc", contract_no="=1+1"), cast["village"], reach)
    path = tmp_path / "a.csv"
    wish = Wish(query="bank=%E6%B5%8B%E8%AF%95", format="csv")
    assert write_csv(path, table_of(register(pack, "microcredit"), pack, reach, wish), lambda done, total: None) == 1
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    row = next(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert row["合同号"] == "'=1+1"
    assert row["贷款金额"] == "30000.00"


def test_an_export_shows_what_its_owner_may_see(pack: Pack, household: Household, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    given = {"household_id": Given(chosen=(str(household.pk),)), **texts(visited_on="2021-05-01", findings="老人肾衰竭需透析")}
    add(pack, "visit", given, cast["village"], reach)
    visits = register(pack, "visit")

    def findings(name: str) -> str:
        return "".join(str(row) for row in table_of(visits, pack, acting(name), Wish()).rows)

    assert "肾衰竭" in findings("village")
    assert "肾衰竭" not in findings("inspector")
    assert findings("department") == ""


def test_the_export_is_a_job_of_its_owner(client_as: ClientAs, cast: dict[str, User]) -> None:
    answer = client_as("village").post("/registers/microcredit/export", {"format": "csv", "column": ["bank", "nothing"], "query": "bank=x"})
    assert answer.status_code == 302
    job = Job.objects.get(kind="registers.export", owner=cast["village"])
    assert job.parameters == {"form": "microcredit", "query": "bank=x", "columns": ["bank"], "codes": False, "format": "csv"}
    assert client_as("inspector").post("/registers/microcredit/export").status_code == 403


def test_two_spells_of_work_at_the_same_time_are_asked_about(pack: Pack, household: Household, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    person = household.persons.filter(member_state="01").order_by("position")[0]

    def spell(start: str, end: str, **more: Any) -> Record:
        values = {"work_start": start, "month_wage": "3000", **({"work_end": end} if end else {})}
        return add(pack, "work_spell", {"person_id": Given(chosen=(str(person.pk),)), **texts(**values)}, cast["village"], reach, **more)

    spell("2020-11", "2021-03")
    spell("2021-03", "2021-05")  # begins in the month in which the other ended
    with pytest.raises(Refused) as caught:
        spell("2021-02", "")
    assert len(caught.value.doubts) == 2 and "2020-11 – 2021-03" in caught.value.doubts[0]
    kept = spell("2021-02", "", sure=True)
    services.strike(record=kept, register=register(pack, "work_spell"), pack=pack, reason="登记错了", by=cast["village"])
    with pytest.raises(Refused) as caught:
        spell("2021-04", "2021-04", sure=False)
    assert len(caught.value.doubts) == 1, "a struck row overlaps nothing"


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        (("2021-01", "2021-03"), ("2021-03", "2021-05"), False),
        (("2021-01", "2021-04"), ("2021-03", "2021-05"), True),
        (("2021-03", "2021-03"), ("2021-03", "2021-03"), True),
        (("2021-01", "2021-12"), ("2021-03", "2021-05"), True),
        (("2021-06", "9999-12-31"), ("2021-03", "2021-06"), False),
        (("", "2021-06"), ("2021-03", "2021-06"), False),
    ],
)
def test_spans_that_only_touch_do_not_overlap(one: tuple[str, str], other: tuple[str, str], wanted: bool) -> None:
    assert spans.overlap(one, other) is wanted and spans.overlap(other, one) is wanted
