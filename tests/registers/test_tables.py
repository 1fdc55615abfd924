"""Tables of villages and teams: filled, carried over, handed in, reviewed; secrets of rows; rows apart in time; months from monthly rows."""

import datetime
import itertools
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.test import Client
from django.utils import timezone

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.audit.models import Event
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.models import Unlock
from fangfanpin.campaigns.services import unlock
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack, load_pack
from fangfanpin.pack.load import SHANGHAI
from fangfanpin.pack.model import Months
from fangfanpin.quality.models import PLACES, Clue
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.regions import names
from fangfanpin.regions.models import Region
from fangfanpin.regions.names import name_of
from fangfanpin.registers import months, natural_villages, sealed, services, yearly
from fangfanpin.registers.bulk import write_entries
from fangfanpin.registers.exporting import Wish, table_of
from fangfanpin.registers.models import Entry, Sealed, Shown
from fangfanpin.registers.natural_villages import NaturalVillageRefused
from fangfanpin.registers.services import Given, Refused
from tests.pack.test_content import PACKS
from tests.registers.named import register

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]
NUMBER, OTHER = "34032319800101123X", "340323197505054567"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """A name that a test gave is rolled back, but stays in the memory of names."""
    yield
    names._forget()


@pytest.fixture
def pack(db: None) -> Pack:
    return current_year().pack


@pytest.fixture
def natural(pack: Pack, acting: Acting) -> Record:
    """A natural village of the village worker's that has last year's table and an empty one of this year."""
    reach = acting("village")
    record = Record.objects.visible_to(reach).filter(form="natural_village_year", year=2021).order_by("subject_code")[0]
    kept = {name: value for name, value in record.values.items() if pack.indicators[f"natural_village_year.{name}"].home == "computed"}
    Record.objects.filter(pk=record.pk).update(values=kept, state="empty", ticks={})
    record.refresh_from_db()
    assert yearly.last_of(record) is not None
    return record


def typed(**values: str) -> dict[str, Given]:
    return {name: Given((value,)) for name, value in values.items()}


def change(record: Record, pack: Pack, by: User, reach: Reach, given: dict[str, Given]) -> Record:
    table = register(pack, record.form)
    return services.change(record=record, register=table, pack=pack, seen=record.version, given=given, sure=True, by=by, reach=reach)


def test_every_village_and_natural_village_has_one_row_a_year(pack: Pack, acting: Acting) -> None:
    acting("system")
    naturals = set(Region.objects.filter(level="natural_village").values_list("code", flat=True))
    for form, codes in (
        ("village_year", set(Region.objects.villages().values_list("code", flat=True))),
        ("natural_village_year", naturals),
    ):
        rows = list(Record.objects.filter(form=form, year=2021).values_list("subject_code", flat=True))
        assert sorted(rows) == sorted(codes)
    assert yearly.open_rows(pack, 2021) == 0, "doing it twice changes nothing"
    some = Record.objects.filter(form="village_year", year=2021).values_list("pk", flat=True)[:3]
    before = {entry.record_id: (entry.label, entry.unique_key) for entry in Entry.objects.filter(record_id__in=list(some))}
    write_entries(register(pack, "village_year"), pack, only=list(some))
    assert before == {entry.record_id: (entry.label, entry.unique_key) for entry in Entry.objects.filter(record_id__in=list(some))}


def test_a_second_row_of_one_village_is_refused(pack: Pack, natural: Record, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    given = {"natural_village_code": Given(chosen=(natural.subject_code,))}
    with pytest.raises(Refused) as refused:
        services.add(
            register=register(pack, natural.form), pack=pack, year=2021, record_id=uuid4(), given=given, sure=True, by=cast["village"], reach=reach
        )  # fmt: skip
    assert "已有这张表" in refused.value.faults["natural_village_code"]


def test_unchanged_carries_states_and_never_what_is_counted(pack: Pack, natural: Record, cast: dict[str, User], acting: Acting) -> None:
    acting("village")
    table = register(pack, natural.form)
    last = yearly.last_of(natural)
    assert last is not None and last.values["migrant_workers"] is not None
    assert services.say_unchanged(record=natural, register=table, pack=pack, section="people", by=cast["village"]) == 6
    natural.refresh_from_db()
    assert natural.state == Record.State.DRAFT
    assert natural.values["population"] == last.values["population"]
    assert natural.values.get("migrant_workers") is None, "a period item is empty until it is typed"
    assert natural.values.get("leader_name") is None, "another section is not meant"
    assert natural.ticks["people"]["by"] == cast["village"].pk


def test_unchanged_leaves_what_was_typed(pack: Pack, natural: Record, cast: dict[str, User], acting: Acting) -> None:
    natural = change(natural, pack, cast["village"], acting("village"), typed(population="377", households="100"))
    services.say_unchanged(record=natural, register=register(pack, natural.form), pack=pack, section="people", by=cast["village"])
    natural.refresh_from_db()
    assert natural.values["population"] == 377


def test_a_section_that_does_not_carry_is_refused(pack: Pack, natural: Record, cast: dict[str, User], acting: Acting) -> None:
    acting("village")
    with pytest.raises(Refused):
        services.say_unchanged(record=natural, register=register(pack, natural.form), pack=pack, section="nothing", by=cast["village"])


def test_it_is_handed_in_when_nothing_stands_on_last_year(pack: Pack, natural: Record, cast: dict[str, User], acting: Acting) -> None:
    acting("village")
    table, by = register(pack, natural.form), cast["village"]
    hand_in: dict[str, Any] = {"register": table, "pack": pack, "by": by}
    with pytest.raises(Refused) as refused:
        services.submit(record=natural, sure=True, **hand_in)
    assert "还是上年的数" in refused.value.faults[""]
    for section in table.form.sections:
        services.say_unchanged(record=natural, register=table, pack=pack, section=section.key, by=by)
    with pytest.raises(Refused) as refused:
        services.submit(record=natural, sure=False, **hand_in)
    assert "还有 1 项没有填：外出务工人数" in refused.value.doubts[0]
    done = services.submit(record=natural, sure=True, **hand_in)
    assert done.state == Record.State.SUBMITTED
    assert done.values["migrant_workers"] is None
    acting("township")
    approved = services.approve(record=done, register=table, pack=pack, seen=done.version, by=cast["township"])
    assert approved.state == Record.State.APPROVED
    without_clues(acting)
    with pytest.raises(Refused):
        change(approved, pack, by, acting("village"), typed(population="1"))


def without_clues(acting: Acting) -> None:
    """A clue on a village opens its tables."""
    acting("system")
    Clue.objects.filter(subject_kind__in=PLACES).update(state=Clue.State.CLOSED)


def test_a_clue_on_the_village_opens_its_closed_tables(pack: Pack, natural: Record, cast: dict[str, User], acting: Acting) -> None:
    without_clues(acting)
    clock.set_clock(clock.current(), datetime.datetime(2021, 11, 18, 9, tzinfo=SHANGHAI))
    with pytest.raises(Refused):
        change(natural, pack, cast["village"], acting("village"), typed(population="300"))
    acting("system")
    Clue.objects.create(
        rule_id="V001", severity="E", year=2021, subject_kind="village", subject_id=natural.pk, subject_code=natural.village_code,
        village_code=natural.village_code, message="", used_digest="", pack_hash="", seen_at=timezone.now(), state=Clue.State.OPEN,
    )  # fmt: skip
    assert change(natural, pack, cast["village"], acting("village"), typed(population="300")).values["population"] == 300


def test_a_table_closes_with_entry(pack: Pack, natural: Record, cast: dict[str, User], acting: Acting) -> None:
    without_clues(acting)
    clock.set_clock(clock.current(), datetime.datetime(2021, 11, 18, 9, tzinfo=SHANGHAI))
    with pytest.raises(Refused) as refused:
        change(natural, pack, cast["village"], acting("village"), typed(population="300"))
    assert "截止" in refused.value.faults[""]
    natural.refresh_from_db()
    assert natural.state == Record.State.EMPTY


def test_a_closed_table_is_unlocked_with_a_reason_and_locked_again(
    pack: Pack, natural: Record, cast: dict[str, User], acting: Acting, client_as: ClientAs
) -> None:
    without_clues(acting)
    clock.set_clock(clock.current(), datetime.datetime(2021, 11, 18, 9, tzinfo=SHANGHAI))
    address, page = f"/registers/tables/{natural.pk}/unlock", f"/registers/rows/{natural.pk}/"
    village, county = client_as("village"), client_as("county")
    shown = village.get(page).content.decode()
    assert "请县里解锁" in shown and address not in shown and f"{page}edit" not in shown
    assert village.post(address, {"reason": "补录自然村人口"}).status_code == 403
    assert address in county.get(page).content.decode()
    county.post(address, {"reason": "补录"})
    acting("county")
    assert not Unlock.objects.filter(record=natural).exists(), "a reason of less than five characters"
    assert county.post(address, {"reason": "补录自然村人口"}).status_code == 302
    acting("county")
    found = Unlock.objects.get(record=natural)
    assert (found.household, found.village_code, found.opened_by, found.reason) == (None, natural.village_code, cast["county"], "补录自然村人口")
    assert Event.objects.of_row("campaigns_unlock", found.pk).get().act == "record.unlock"
    shown = village.get(page).content.decode()
    assert "补录自然村人口" in shown and f"{page}edit" in shown
    done = change(natural, pack, cast["village"], acting("village"), typed(population="300"))
    assert (done.state, done.values["population"]) == (Record.State.DRAFT, 300)
    without_clues(acting)  # what was typed may have opened one
    acting("village")
    beside = Record.objects.filter(form="natural_village_year", year=2021).exclude(pk=natural.pk).order_by("subject_code")[0]
    with pytest.raises(Refused):
        change(beside, pack, cast["village"], acting("village"), typed(population="300"))
    assert county.post(address, {"lock": "1"}).status_code == 302
    acting("county")
    found.refresh_from_db()
    assert found.closed_at is not None
    assert [event.act for event in Event.objects.of_row("campaigns_unlock", found.pk)] == ["record.unlock", "record.lock_again"]
    with pytest.raises(Refused):
        change(done, pack, cast["village"], acting("village"), typed(population="301"))


def test_an_approved_table_that_is_unlocked_goes_through_review_once_more(
    pack: Pack, natural: Record, cast: dict[str, User], acting: Acting, client_as: ClientAs
) -> None:
    acting("county")
    Record.objects.filter(pk=natural.pk).update(state="approved", entered_by=cast["village"], reviewed_by=cast["township"])
    natural.refresh_from_db()
    page = f"/registers/rows/{natural.pk}/"
    assert "已审核通过" in client_as("county").get(page).content.decode()
    assert "已审核通过。需要修改" not in client_as("village").get(page).content.decode()
    with pytest.raises(Refused) as refused:
        change(natural, pack, cast["village"], acting("village"), typed(population="300"))
    assert "由县里解锁" in refused.value.faults[""]
    unlock(of=natural, year=2021, reason="审核以后发现少算一户", by=cast["county"])
    done = change(natural, pack, cast["village"], acting("village"), typed(population="300"))
    assert (done.state, done.entry.state) == (Record.State.SUBMITTED, Record.State.SUBMITTED)
    acting("county")
    loan = Record.objects.filter(form="microcredit", year=2021)[0]
    assert client_as("county").post(f"/registers/tables/{loan.pk}/unlock", {"reason": "不是村表的登记"}).status_code == 404


def test_lists_of_tables_offer_template_import_and_export_as_registers_do(pack: Pack, acting: Acting, client_as: ClientAs) -> None:
    for key in ("village_year", "natural_village_year"):
        assert yearly.yearly(pack)
        for name, enters in (("county", True), ("inspector", False)):
            page = client_as(name).get(f"/registers/{key}/").content.decode()
            assert (f"/registers/{key}/imports" in page) is enters, (key, name)
        page = client_as("county").get(f"/registers/{key}/").content.decode()
        assert f"/registers/{key}/export" in page and 'name="column"' in page and 'name="codes"' in page
        page = client_as("county").get(f"/registers/{key}/imports").content.decode()
        assert f"/registers/{key}/template" in page
        answer = client_as("county").get(f"/registers/{key}/template")
        assert answer.status_code == 200 and answer.content.startswith(b"PK")


def test_the_export_holds_this_year_only(pack: Pack, natural: Record, acting: Acting) -> None:
    reach = acting("village")
    table = table_of(register(pack, natural.form), pack, reach, Wish())
    rows = list(table.rows)
    assert table.total == len(rows) == Region.objects.filter(parent_id=natural.village_code).count()
    assert [column.title for column in table.columns][:2] == ["自然村代码", "自然村"]
    assert natural.subject_code in {row[0] for row in rows}


def test_parts_beyond_the_whole_are_told(pack: Pack, natural: Record, cast: dict[str, User], acting: Acting) -> None:
    with pytest.raises(Refused) as refused:
        change(natural, pack, cast["village"], acting("village"), typed(population="300", households="80", women_population="301"))
    assert "大于总人口数" in refused.value.faults["women_population"]


def test_a_table_is_not_struck(pack: Pack, natural: Record, cast: dict[str, User], acting: Acting) -> None:
    acting("village")
    with pytest.raises(Refused):
        services.strike(record=natural, register=register(pack, natural.form), pack=pack, reason="不要这张表了", by=cast["village"])


def test_a_natural_village_gets_the_next_code_and_a_name_of_its_own(pack: Pack, acting: Acting) -> None:
    reach = acting("village")
    village = reach.villages[0]
    last = Region.objects.filter(parent_id=village).order_by("-code")[0]
    made = natural_villages.add(village=village, name=" 新 庄 ", pack=pack, year=2021, reach=reach)
    assert int(made.code) == int(last.code) + 1
    assert made.name == "新 庄"
    for name, words in ((made.name, "已有"), ("", "请填写"), ("长" * 41, "最多")):
        with pytest.raises(NaturalVillageRefused) as refused:
            natural_villages.add(village=village, name=name, pack=pack, year=2021, reach=reach)
        assert words in str(refused.value)
    far = Region.objects.villages().exclude(code__in=reach.villages)[0]
    with pytest.raises(NaturalVillageRefused):
        natural_villages.add(village=far.code, name="别人的庄", pack=pack, year=2021, reach=reach)


def test_a_renaming_is_an_event_and_is_said_everywhere(pack: Pack, natural: Record, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    before = name_of(natural.subject_code)
    natural_villages.rename(code=natural.subject_code, name="改名庄", pack=pack, year=2021, reach=reach)
    assert name_of(natural.subject_code) == "改名庄"
    assert Entry.objects.get(record=natural).label == "改名庄"
    event = Event.objects.of_row("records_record", natural.pk).filter(act="natural_village.rename").get()
    assert event.actor_id == cast["village"].pk or event.actor_id == reach.user_id
    assert event.changed is not None
    assert [side["name"] for side in event.changed["subject"]] == [before, "改名庄"]


def test_a_helper_may_neither_add_nor_rename(pack: Pack, natural: Record, acting: Acting) -> None:
    reach = acting("helper")
    with pytest.raises(NaturalVillageRefused):
        natural_villages.rename(code=natural.subject_code, name="不行庄", pack=pack, year=2021, reach=reach)


# Pages


def test_the_pages_say_the_period_what_is_missing_and_where_a_value_comes_from(natural: Record, client_as: ClientAs) -> None:
    client = client_as("village")
    for path in ("/registers/natural_village_year/", f"/registers/rows/{natural.pk}/", f"/registers/rows/{natural.pk}/edit"):
        body = client.get(path).content.decode()
        assert "2020-10-01" in body and "2021-09-30" in body, path
    assert "全部未填" in client.get("/registers/natural_village_year/?state=empty").content.decode()
    assert "无变化" in client.get(f"/registers/rows/{natural.pk}/edit").content.decode()
    village = Record.objects.get(form="village_year", year=2021, subject_code=natural.village_code)
    body = client.get(f"/registers/rows/{village.pk}/").content.decode()
    assert f"/registers/tables/{village.pk}/behind/population" in body
    body = client.get(f"/registers/tables/{village.pk}/behind/population").content.decode()
    assert name_of(natural.subject_code) in body
    assert "未填" in body
    body = client.get(f"/registers/tables/{natural.pk}/behind/exit_households").content.decode()
    assert str(natural.values["exit_households"]) in body
    assert client.get(f"/registers/tables/{village.pk}/behind/leader_name").status_code == 404
    assert client.get("/registers/village_year/new").status_code == 404


def test_the_form_saves_carries_and_hands_in(natural: Record, client_as: ClientAs) -> None:
    client, url = client_as("village"), f"/registers/rows/{natural.pk}/edit"
    answer = client.post(url, {"seen": natural.version, "leader_name": "张组长", "unchanged": "people"})
    assert answer.status_code == 302
    natural.refresh_from_db()
    assert natural.values["leader_name"] == "张组长"
    assert natural.values["population"] is not None
    answer = client.post(url, {"seen": natural.version, "population": "不知道"})
    assert answer.status_code == 422
    assert "不是数字" in answer.content.decode() or "整数" in answer.content.decode()


def test_a_stated_value_that_differs_is_shown(pack: Pack, acting: Acting, client_as: ClientAs) -> None:
    reach = acting("village")
    village = Record.objects.visible_to(reach).get(form="village_year", year=2021)
    value = village.values["population"] + 5
    stated = {"population_stated": value, "households_stated": village.values["households"]}
    Record.objects.filter(pk=village.pk).update(values=village.values | stated)
    village.refresh_from_db()
    table = register(pack, "village_year")
    assert [(one.item.name, one.stated) for one in yearly.differences(village.values, table)] == [("population", value)]
    client = client_as("village")
    for path in ("/registers/village_year/?show=differs", f"/registers/rows/{village.pk}/"):
        assert str(value) in client.get(path).content.decode(), path
    assert len(table.stated) == 10


def test_the_paper_is_a_pdf_for_those_who_print(natural: Record, client_as: ClientAs) -> None:
    for query in ("", "?blank=1"):
        answer = client_as("village").get(f"/registers/tables/{natural.pk}/paper{query}")
        assert answer.status_code == 200
        assert answer.content.startswith(b"%PDF")
    assert client_as("inspector").get(f"/registers/tables/{natural.pk}/paper").status_code == 403


# Teams


def member(village: str, **values: str) -> dict[str, Given]:
    return {"village_code": Given(chosen=(village,)), **typed(**{"member_name": "赵队员", "start_on": "2021-05-20", **values})}


@pytest.fixture
def add(pack: Pack, cast: dict[str, User], acting: Acting) -> Callable[..., Record]:
    """Add a member to a village without a team."""
    reach = acting("village")
    village = reach.villages[0]
    Record.objects.filter(form="resident_team", village_code=village).update(state="void")

    def added(**values: str) -> Record:
        return services.add(
            register=register(pack, "resident_team"), pack=pack, year=2021, record_id=uuid4(), given=member(village, **values), sure=False,
            by=cast["village"], reach=reach,
        )  # fmt: skip

    return added


def test_a_members_number_is_kept_as_cipher_and_shown_as_mask(
    pack: Pack, add: Callable[..., Record], cast: dict[str, User], acting: Acting, client_as: ClientAs
) -> None:
    record = add(id_number=NUMBER.lower())
    assert record.values["id_number"] == "340323********123X"
    kept = Sealed.objects.get(record=record)
    assert NUMBER not in kept.cipher and kept.digest
    for event in Event.objects.filter(table_name__in=["records_record", "registers_sealed"]).order_by("-id")[:4]:
        assert NUMBER not in str(event.row) + str(event.changed)
    assert "340323********123X" in client_as("village").get(f"/registers/rows/{record.pk}/").content.decode()
    url = f"/registers/rows/{record.pk}/show/id_number"
    assert client_as("village").post(url, {"reason": "核对身份证"}).status_code == 403, "a village worker has no such right"
    assert client_as("township").post(url, {"reason": "看"}).status_code == 422
    assert client_as("township").post(url, {"reason": "核对身份证"}).json() == {"value": NUMBER}
    acting("system")
    assert Shown.objects.get(record=record).shown_by_id == cast["township"].pk


def test_the_mask_that_comes_back_keeps_the_number_and_a_new_one_replaces_it(
    pack: Pack, add: Callable[..., Record], cast: dict[str, User], acting: Acting
) -> None:
    record = add(id_number=NUMBER)
    reach, township = acting("village"), cast["township"]
    given = member(record.village_code, id_number="340323********123X", unit="县财政局")
    record = change(record, pack, cast["village"], reach, given)
    assert record.values["unit"] == "县财政局"
    assert sealed.show_in_full(record=record, name="id_number", reason="核对身份证", by=township) == NUMBER
    record = change(record, pack, cast["village"], reach, member(record.village_code, id_number=OTHER))
    assert sealed.show_in_full(record=record, name="id_number", reason="核对身份证", by=township) == OTHER
    record = change(record, pack, cast["village"], reach, member(record.village_code))
    assert record.values["id_number"] is None
    with pytest.raises(sealed.ShowRefused):
        sealed.show_in_full(record=record, name="id_number", reason="核对身份证", by=township)


def test_one_first_secretary_at_a_time(add: Callable[..., Record]) -> None:
    add(is_first_secretary="1", end_on="2021-08-01")
    for wrong in ({"start_on": "2021-07-31"}, {"start_on": "2021-01-01", "end_on": "2021-06-01"}):
        with pytest.raises(Refused) as refused:
            add(**{"is_first_secretary": "1", **wrong})
        assert "只能有一位第一书记" in refused.value.faults["start_on"]
    add(is_first_secretary="1", start_on="2021-08-01")
    add(is_first_secretary="0")


def test_one_member_is_not_there_twice_and_namesakes_by_mask_are_two(add: Callable[..., Record]) -> None:
    add(id_number=NUMBER)
    with pytest.raises(Refused) as refused:
        add(id_number=NUMBER, start_on="2021-06-01")
    assert "不能重叠" in refused.value.faults["start_on"]
    add(id_number="34032319900202123X")  # the same mask


def test_dates_of_a_stay_are_in_order(add: Callable[..., Record]) -> None:
    with pytest.raises(Refused) as refused:
        add(end_on="2021-05-01")
    assert "早于" in refused.value.faults["end_on"]


def test_a_village_that_must_have_a_team_is_told_without_first_secretary(
    pack: Pack, add: Callable[..., Record], cast: dict[str, User], acting: Acting
) -> None:
    reach = acting("village")
    village = Record.objects.visible_to(reach).get(form="village_year", year=2021)
    Record.objects.filter(pk=village.pk).update(state="draft", values=village.values | {"team_required": False})
    village.refresh_from_db()
    table = register(pack, "village_year")
    asked: dict[str, Any] = {"register": table, "pack": pack, "given": typed(team_required="1"), "sure": False, "by": cast["village"], "reach": reach}
    with pytest.raises(Refused) as refused:
        services.change(record=village, seen=village.version, **asked)
    assert any("第一书记" in doubt for doubt in refused.value.doubts)
    add(is_first_secretary="1")
    assert services.change(record=village, seen=village.version, **asked).values["team_required"] is True


# Months


@pytest.fixture(scope="module")
def resolved() -> Pack:
    return load_pack(PACKS / "guzhen-2021")


def spell(start: str | None, end: str | None = None, wage: int | None = 300_000) -> dict[str, Any]:
    return {"work_start": start, "work_end": end, "month_wage": wage}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], (0, 0, 0)),
        ([spell("2021-03", "2021-05")], (3, 900_000, 0)),
        ([spell("2019-01")], (12, 3_600_000, 0)),  # open, from before the window
        ([spell("2021-09")], (1, 300_000, 0)),
        ([spell("2021-10")], (0, 0, 0)),  # after the window
        ([spell("2020-01", "2020-09")], (0, 0, 0)),
        ([spell("2021-03", "2021-05"), spell("2021-05", "2021-06", 500_000)], (4, 300_000 * 2 + 500_000 * 2, 0)),  # overlap counts once
        ([spell("2020-10"), spell("2020-10")], (12, 3_600_000, 0)),
        ([spell("2021-03", "2021-04", None)], (2, 0, 2)),
        ([spell(None, "2021-04")], (0, 0, 0)),
        ([spell("2021", "2021")], (9, 2_700_000, 0)),  # a year alone
        ([spell("2021-05", "2021-03")], (0, 0, 0)),
    ],
)
def test_months_of_the_window(resolved: Pack, rows: list[dict[str, Any]], expected: tuple[int, int, int]) -> None:
    found = resolved.forms["work_spell"].months
    assert found == Months("work_start", "work_end", "month_wage", "work_months", "wage_migrant")
    for some in itertools.permutations(rows):
        result = months.worked(some, found, resolved)
        assert (result.months, result.amount, result.unknown) == expected


def test_months_stand_beside_what_was_typed(pack: Pack, acting: Acting, client_as: ClientAs) -> None:
    reach = acting("village")
    row = Record.objects.visible_to(reach).filter(form="work_spell").exclude(state="void").order_by("pk")[0]
    person = row.person
    assert person is not None
    beside = months.of_person(person, pack.forms["work_spell"], 2021, pack, reach)
    assert beside is not None
    start = row.values["work_start"]
    assert beside.months == str((2021 - int(start[:4])) * 12 + 10 - int(start[5:])), "to September 2021, the window's last month"
    client = client_as("village")
    assert "全年务工（按登记计算）" in client.get(f"/registers/rows/{row.pk}/").content.decode()
    body = client.get(f"/households/{person.household_id}/").content.decode()
    assert f"{beside.months} 个月" in body
    home = Household.objects.get(pk=person.household_id)
    (one,) = months.of_household(home, 2021, pack, reach)
    assert person.member_name in {found.name for found in one.persons}


def test_nobody_beyond_the_reach_sees_a_table(natural: Record, acting: Acting, client_as: ClientAs) -> None:
    acting("system")
    far = Record.objects.filter(form="village_year", year=2021).exclude(village_code=natural.village_code)[0]
    for path in (f"/registers/rows/{far.pk}/", f"/registers/tables/{far.pk}/behind/population", f"/registers/tables/{far.pk}/paper"):
        assert client_as("village").get(path).status_code == 404
    acting("village")
    with pytest.raises(ObjectDoesNotExist):
        Record.objects.get(pk=far.pk)
