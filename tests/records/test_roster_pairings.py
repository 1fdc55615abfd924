"""Helpers named in a roster become pairings; a helper whom people chose is never replaced by a file."""

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import transaction

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, reach_of, set_act
from fangfanpin.demo.county import DemoVillage
from fangfanpin.demo.generate import generate
from fangfanpin.demo.roster import write_roster
from fangfanpin.households.models import Household, Pairing
from fangfanpin.pairings.hooks import hand_over_pairings
from fangfanpin.quality.models import Clue
from fangfanpin.quality.recheck import recheck_households
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import ImportBatch, ImportDifference, Record
from fangfanpin.records.roster.lane import Lane
from fangfanpin.records.roster.taking_back import take_back
from fangfanpin.records.workbooks.batches import ImportRefused
from tests.records.rosters import Roster, Row
from tests.records.test_roster import county, drawn, messages, nothing, stood, take, village
from tests.records.test_roster_lane import lanes, many

__all__ = ["county", "drawn", "lanes", "take", "village"]
HELPER: Row = {
    "帮扶责任人姓名": "周明",
    "帮扶责任人联系电话": "13900000001",
    "帮扶单位": "县水利局",
    "单位职务": "科员",
    "结对开始时间": "2019-03-01",
}


def helped(roster: Roster, **cells: str | float) -> Roster:
    """The first household has this helper."""
    found = roster.again()
    found.homes = [home | (HELPER | cells if place == 0 else {}) for place, home in enumerate(found.homes)]
    return found


def pairings() -> list[Pairing]:
    return list(Pairing.objects.filter(household__code__startswith="NEW").order_by("household__code", "-is_main", "start_on"))


def differences(batch: ImportBatch) -> list[tuple[str, str, object, object]]:
    return [(d.form, d.name, d.stored, d.offered) for d in ImportDifference.objects.filter(batch=batch).order_by("name")]


def test_a_helper_becomes_a_pairing_and_the_same_file_twice_changes_nothing(drawn: Roster, take: Callable[..., ImportBatch], village: str) -> None:
    batch = take(helped(drawn))
    assert batch.state == "applied", messages(batch)
    (pairing,) = pairings()
    assert (pairing.helper_name, pairing.helper_phone, pairing.helper_unit, pairing.unit_position) == ("周明", "13900000001", "县水利局", "科员")
    assert pairing.is_main and pairing.start_on == datetime.date(2019, 3, 1) and pairing.end_on is None and pairing.user is None
    assert pairing.household.code == "NEW0001" and pairing.village_code == village and pairing.import_batch_id == batch.pk
    assert batch.summary["counts"]["pairings"] == 1 and not any(sheet["unknown"] for sheet in batch.summary["sheets"])
    held = stood(Pairing)
    again = take(helped(drawn))
    assert again.summary["counts"]["pairings"] == 0 == again.summary["counts"]["differences"] and stood(Pairing) == held


def test_a_helper_with_an_account_reaches_the_household(drawn: Roster, take: Callable[..., ImportBatch], cast: dict[str, User]) -> None:
    helper = cast["helper"]
    User.objects.filter(pk=helper.pk).update(phone="13900000009")
    take(helped(drawn, 帮扶责任人姓名=helper.name))
    assert pairings()[0].user is None, "a name alone is nobody"
    batch = take(helped(drawn, 帮扶责任人姓名=helper.name, 帮扶责任人联系电话="13900000009"))
    assert batch.summary["counts"]["pairings"] == 1, "the account was found, and the phone is the file's own correction"
    helper.refresh_from_db()
    assert pairings()[0].user == helper and pairings()[0].household_id in reach_of(helper).households


def test_what_the_file_says_of_the_same_helper_fills_and_corrects(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    take(helped(drawn, 帮扶责任人联系电话="", 单位职务=""))
    batch = take(helped(drawn, 单位职务="副科长", 结对开始时间="2019-04-01", 帮扶单位=""))
    (pairing,) = pairings()
    assert (pairing.helper_phone, pairing.unit_position, pairing.helper_unit) == ("13900000001", "副科长", "县水利局")
    assert pairing.start_on == datetime.date(2019, 4, 1) and batch.summary["counts"]["pairings"] == 1 and not differences(batch)
    batch = take(helped(drawn, 单位职务="副科长", 结对开始时间="2019-04-01", 帮扶结束时间="2020-12-31"))
    assert pairings()[0].end_on == datetime.date(2020, 12, 31)


def test_another_helper_is_listed_beside_the_current_one(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    take(helped(drawn))
    held = stood(Pairing)
    for other in ({"帮扶责任人姓名": "吴亮"}, {"帮扶责任人联系电话": "13900000008", "帮扶单位": "县教育局"}):
        batch = take(helped(drawn, **other))
        assert batch.state == "applied" and stood(Pairing) == held
        named = f"{other.get('帮扶责任人姓名', '周明')}，{other.get('帮扶单位', '县水利局')}"
        assert differences(batch) == [("helper_pairing", "helper_name", "周明，县水利局", named)]
        assert batch.summary["counts"]["differences"] == 1
    batch = take(helped(drawn, 帮扶责任人姓名="吴亮", 是否主要帮扶责任人="否"))
    assert [(p.helper_name, p.is_main) for p in pairings()] == [("周明", True), ("吴亮", False)], "a second helper stands beside the main one"


def test_clues_of_collected_households_follow_a_file_and_its_taking_back(drawn: Roster, take: Callable[..., ImportBatch], county: Reach) -> None:
    take(drawn)
    home = Household.objects.get(code="NEW0001")
    Household.objects.filter(pk=home.pk).update(household_type="01")
    Record.objects.filter(form="household_year", year=2021, household=home).update(state="submitted")
    recheck_households([home.pk], current_year().pack, None)
    clue = Clue.objects.get(rule_id="C030", household=home)
    assert clue.state == Clue.State.OPEN
    batch = take(helped(drawn))
    assert batch.state == "applied", messages(batch)
    clue.refresh_from_db()
    assert clue.state == Clue.State.CLOSED
    take_back(batch=batch, reach=county, report=nothing)
    clue.refresh_from_db()
    assert (clue.state, clue.times_opened) == (Clue.State.OPEN, 2)


def test_what_people_did_with_a_pairing_stays(drawn: Roster, take: Callable[..., ImportBatch], cast: dict[str, User]) -> None:
    take(helped(drawn))
    first = pairings()[0]
    Pairing.objects.filter(pk=first.pk).update(user=cast["helper"])
    set_act("account.leave")
    hand_over_pairings(cast["helper"], cast["village"], datetime.date(2021, 6, 1), None)
    held = stood(Pairing)
    batch = take(helped(drawn, 单位职务="局长"))
    assert batch.state == "applied", messages(batch)
    assert stood(Pairing) == held
    assert differences(batch) == [("helper_pairing", "unit_position", "科员", "局长")]


def test_a_helper_who_ended_leaves_room_for_the_next(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    take(helped(drawn, 帮扶结束时间="2020-05-31"))
    batch = take(helped(drawn, 帮扶责任人姓名="吴亮", 结对开始时间="2020-06-01"))
    assert not differences(batch)
    assert [(p.helper_name, str(p.end_on)) for p in pairings()] == [("周明", "2020-05-31"), ("吴亮", "None")]
    batch = take(helped(drawn, 帮扶责任人姓名="郑强", 结对开始时间="2020-01-01", 帮扶结束时间="2020-03-01"))
    assert [name for _form, name, _stored, _offered in differences(batch)] == ["helper_name"], "two main helpers at one time are none"


def test_a_helper_without_a_day_is_dated_and_told(drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    batch = take(helped(drawn, 结对开始时间=""))
    assert pairings()[0].start_on == datetime.date(2020, 12, 31)
    assert "1 户的帮扶责任人没有写帮扶开始时间，按上年末 2020-12-31 登记。" in batch.summary["notes"]
    batch = take(helped(drawn, 结对开始时间=""))
    assert batch.summary["counts"]["pairings"] == 0


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"帮扶责任人姓名": ""}, "帮扶责任人姓名= 填了帮扶责任人的单位、电话或时间，没有填帮扶责任人姓名"),
        ({"帮扶结束时间": "2018-01-01"}, "帮扶结束时间=2018-01-01 帮扶结束时间早于帮扶开始时间"),
        ({"结对开始时间": "去年"}, "结对开始时间=去年"),
        ({"帮扶责任人联系电话": "13900000001、13900000002"}, "最多 20 个字"),
        ({"帮扶责任人姓名": "周" * 61}, "最多 60 个字"),
    ],
)
def test_what_is_wrong_with_a_helper_is_told(drawn: Roster, take: Callable[..., ImportBatch], cells: dict[str, str], said: str) -> None:
    batch = take(helped(drawn, **cells))
    assert batch.state == "faulty" and said in messages(batch)[0], messages(batch)


def test_field_ids_of_the_nation_are_the_members_own(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    """AAB002 is a name, a member's and a helper's: in a roster it is the member's."""
    found = drawn.again()
    for row in found.people:
        row["AAB002"] = row.pop("姓名")
    assert take(found).state == "applied" and not pairings()


def test_one_sheet_says_the_helper_in_every_row(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    rows = helped(drawn).merged()
    batch = take(Roster(rows, [], ("导出", "空表")).write(tmp_path / "one.xlsx"))
    assert batch.state == "applied" and [p.helper_name for p in pairings()] == ["周明"], messages(batch)
    rows[1]["帮扶责任人姓名"] = "吴亮"
    batch = take(Roster(rows, [], ("导出", "空表")).write(tmp_path / "two.xlsx"))
    assert batch.state == "faulty" and "同一户各行应相同" in messages(batch)[0]


def test_helpers_are_taken_back_with_their_file(drawn: Roster, take: Callable[..., ImportBatch], county: Reach) -> None:
    first = take(helped(drawn, 单位职务=""))
    held = stood(Pairing)
    second = take(helped(drawn))
    assert stood(Pairing) != held
    take_back(batch=second, reach=county, report=nothing)
    assert stood(Pairing) == held
    third = take(helped(drawn))
    set_act("account.leave")
    Pairing.objects.filter(household__code="NEW0001").update(helper_phone="13911111111")
    with pytest.raises(ImportRefused, match="帮扶结对已修改"), transaction.atomic():
        take_back(batch=third, reach=county, report=nothing)
    assert first.state == "applied"


def test_taking_back_a_file_takes_its_pairings(drawn: Roster, take: Callable[..., ImportBatch], county: Reach) -> None:
    before = Pairing.objects.count()
    take_back(batch=take(helped(drawn)), reach=county, report=nothing)
    assert Pairing.objects.count() == before and not Household.objects.filter(code="NEW0001").exists()


def test_the_lane_writes_helpers_too(drawn: Roster, take: Callable[..., ImportBatch], lanes: list[Lane]) -> None:
    roster = many(drawn, 10)
    roster.homes = [home | HELPER for home in roster.homes]
    batch = take(roster)
    assert batch.state == "applied" and lanes[0].is_open, messages(batch)
    assert Pairing.objects.filter(import_batch_id=batch.pk).count() == len(roster.homes) == batch.summary["counts"]["pairings"]


def test_the_writer_of_rosters_knows_helpers(take: Callable[..., ImportBatch], village: str, tmp_path: Path) -> None:
    pack = current_year().pack
    households = generate(households=12, seed=77, villages=[DemoVillage(village, "村", False)]).households
    for place, household in enumerate(households):
        household.code = f"WRITTEN{place:04d}"
        for number, person in enumerate(household.persons):
            person.code = f"WRITTEN{place:04d}{number:02d}"
            person.id_number = None
    count, _persons = write_roster(tmp_path / "roster.xlsx", households, pack, helpers=True)
    batch = take(tmp_path / "roster.xlsx", keep_good=True)
    assert batch.state == "applied", messages(batch)
    assert batch.summary["counts"]["pairings"] == batch.summary["counts"]["households_new"] > count // 2
    assert Pairing.objects.filter(import_batch_id=batch.pk, helper_name__startswith="帮扶干部", start_on="2020-01-01").count() > 0
