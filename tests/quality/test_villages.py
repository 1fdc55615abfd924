"""Rules on the yearly tables of villages: judged when a table is written, told with the village and what was summed, worked off like any clue."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.households.models import Household, Pairing
from fangfanpin.pack import Pack
from fangfanpin.pack.codec import decimal_text
from fangfanpin.quality import clues as answering
from fangfanpin.quality import messages, queries
from fangfanpin.quality.handlers import clues_as_table, village_clues
from fangfanpin.quality.hooks import has_open_clue
from fangfanpin.quality.models import Clue
from fangfanpin.quality.sampling import check, draw, drawable
from fangfanpin.records.changed import households_changed, villages_changed
from fangfanpin.records.models import Record
from fangfanpin.records.saving import SaveRequest, save
from fangfanpin.regions.models import Region
from fangfanpin.registers import services
from fangfanpin.registers.services import Given
from fangfanpin.registers.written import row_written
from tests.registers.named import register

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]
OnCommit = Callable[..., AbstractContextManager[list[Callable[[], object]]]]


@pytest.fixture
def village(acting: Acting, pack: Pack, cast: dict[str, User]) -> Record:
    """The village worker's village, its tables handed in and without a fault."""
    reach = acting("village")
    (code,) = reach.villages
    naturals = Record.objects.filter(form="natural_village_year", year=2021, village_code=code)
    people = {"households": 60, "population": 200, "dibao_households": 1, "dibao_population": 2, "tekun_population": 1, "disabled_population": 3}
    told = {"leader_name": "陈立国", "leader_phone": "13800138000", "electricity": True, "broadband": False}
    for natural in naturals:
        natural.values |= people | told
        natural.state = "submitted"
        natural.save()
    count = len(naturals)
    table = Record.objects.get(form="village_year", year=2021, village_code=code)
    last = Record.objects.get(form="village_year", year=2020, village_code=code)
    lands = {name: 10_000_000 for name in ("farmland_mu", "forest_mu", "returned_forest_mu", "orchard_mu", "grassland_mu", "water_area_mu")}
    own = dict.fromkeys(("primary_schools", "clinics", "public_toilets", "doctors", "waste_points", "library_rooms"), 1)
    own |= dict.fromkeys(("unsafe_water_households", "hard_water_households", "dilapidated_households"), 0)
    own |= {"bus_service": True, "road_to_town": True, "collective_income_wan": 2_000, "team_required": False}
    own |= {"resident_medical_insured": 20, "resident_pension_insured": 20, "employee_pension_insured": 1}
    stated = {item.name: None for item in register(pack, "village_year").form.indicators if item.name.endswith("_stated")}
    last.values |= own | lands | {"households": 60 * count, "population": 200 * count}
    last.save()
    table.values |= own | lands | stated
    table.state = "submitted"
    table.save()
    services.follow(register(pack, "natural_village_year"), pack, [code])
    table.refresh_from_db()
    row_written(table, pack, cast["village"])
    assert not Clue.objects.filter(subject_id=table.pk).exclude(state="closed").exists()
    return table


def change(record: Record, pack: Pack, by: User, reach: Reach, **values: str) -> Record:
    table = register(pack, record.form)
    given = {
        item.name: Given((pack.display(item, record.values.get(item.name)),)) for item in table.typed if record.values.get(item.name) is not None
    }
    given |= {name: Given((value,)) for name, value in values.items()}
    return services.change(record=record, register=table, pack=pack, seen=record.version, given=given, sure=True, by=by, reach=reach)


def open_rules(record: Record) -> set[str]:
    return set(Clue.objects.filter(subject_id=record.pk, state=Clue.State.OPEN).values_list("rule_id", flat=True))


def test_a_table_is_judged_when_it_is_saved_and_mended(village: Record, pack: Pack, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    village = change(village, pack, cast["village"], reach, road_to_town="否", collective_income_wan="99")
    assert open_rules(village) == {"V004", "V011"}
    clue = Clue.objects.get(rule_id="V011", subject_id=village.pk)
    name = Region.objects.get(pk=village.village_code).name
    assert (clue.subject_kind, clue.subject_code, clue.subject_label) == ("village", village.village_code, name)
    assert (clue.household, clue.person, clue.village_code) == (None, None, village.village_code)
    assert "今年 99，去年 20" in clue.message and clue.used["last.collective_income_wan"] == 2_000
    village = change(village, pack, cast["village"], reach, road_to_town="是", collective_income_wan="21")
    assert open_rules(village) == set()


def test_a_table_that_is_not_handed_in_is_not_judged(village: Record, pack: Pack, cast: dict[str, User], acting: Acting) -> None:
    village = change(village, pack, cast["village"], acting("village"), road_to_town="否")
    assert open_rules(village) == {"V004"}
    Record.objects.filter(pk=village.pk).update(state="draft")
    village.refresh_from_db()
    row_written(village, pack, cast["village"])
    assert open_rules(village) == set()


def test_a_natural_village_changes_what_is_said_of_its_village(village: Record, pack: Pack, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    natural = Record.objects.filter(form="natural_village_year", year=2021, village_code=village.village_code).order_by("subject_code")[0]
    natural = change(natural, pack, cast["village"], reach, population="359", leader_phone="0552-6012345")
    assert open_rules(village) == {"V014"}, "the sum jumped"
    Record.objects.filter(pk=natural.pk).update(values=natural.values | {"leader_phone": None, "dibao_population": None})
    natural.refresh_from_db()
    row_written(natural, pack, cast["village"])
    assert open_rules(natural) == {"V012"}
    clue = Clue.objects.get(rule_id="V012", subject_id=natural.pk)
    assert (clue.subject_kind, clue.subject_code) == ("natural_village", natural.subject_code)
    assert "V003" in open_rules(village)
    assert Clue.objects.get(rule_id="V003", subject_id=village.pk).used["sum.1"] == 1


def test_the_team_s_register_opens_and_closes_the_village_s_clue(village: Record, pack: Pack, cast: dict[str, User], acting: Acting) -> None:
    acting("village")
    Record.objects.filter(form="resident_team", village_code=village.village_code).update(state="void")
    village.values |= {"team_required": True}
    village.save()
    row_written(village, pack, cast["village"])
    clue = Clue.objects.get(rule_id="V015", subject_id=village.pk)
    assert clue.state == Clue.State.OPEN and "在任队员 0 人" in clue.message
    for place in range(3):
        member = Record(
            form="resident_team", year=2021, subject_kind="village", subject_code=village.village_code, village_code=village.village_code,
            state="submitted", values={"member_name": f"队员{place}", "is_first_secretary": place == 0}, pack_hash=pack.hash,
        )  # fmt: skip
        member.save()
        clue.refresh_from_db()
        assert clue.state == Clue.State.OPEN
        row_written(member, pack, cast["village"])
    clue.refresh_from_db()
    assert clue.state == Clue.State.CLOSED


def test_land_is_compared_with_what_swept_households_have(village: Record, pack: Pack, cast: dict[str, User], acting: Acting) -> None:
    acting("village")
    leads = Record.objects.filter(form="household_year", year=2021, village_code=village.village_code, state__in=("submitted", "approved"))
    exited = Household.objects.filter(pk__in=leads.values("household"), household_type="01").values_list("pk", flat=True)
    mu = sum(lead.values["farmland_mu"] or 0 for lead in leads if lead.household_id in set(exited))
    assert mu
    for held, expected in ((mu, set()), (mu - 1, {"V006"})):
        for record in (village, Record.objects.get(form="village_year", year=2020, village_code=village.village_code)):
            record.values |= {"farmland_mu": held}
            record.save()
        row_written(village, pack, cast["village"])
        assert open_rules(village) == expected
    clue = Clue.objects.get(rule_id="V006", subject_id=village.pk)
    assert clue.used["sum.1"] == mu and not [name for name in clue.used if name.startswith("households.")]
    rule = answering.rule_of(clue, pack)
    assert rule is not None
    said = {one.item: one.now for one in messages.used_values(rule, clue.used, pack, sensitive=True)}
    (title,) = (title for title in said if "耕地面积" in title and "合计" in title)
    assert said[title] == decimal_text(mu, 2) and said["耕地面积"] == decimal_text(mu - 1, 2)


@pytest.fixture
def home(village: Record) -> Household:
    """A household out of poverty of the village that was handed in and may be changed."""
    leads = Record.objects.filter(form="household_year", year=2021, village_code=village.village_code, state="submitted")
    return Household.objects.filter(pk__in=leads.values("household"), household_type="01", household_state="01").order_by("code")[0]


def put(home: Household, pack: Pack, by: User, reach: Reach, **values: Any) -> None:
    ops = [{"op": "set", "target": "household", "name": name, "value": value} for name, value in values.items()]
    save(household=home, request=SaveRequest(uuid4(), {}, ops), year=2021, pack=pack, by=by, reach=reach)


def test_what_a_household_says_is_held_against_its_village_once_it_is_committed(
    village: Record, home: Household, pack: Pack, cast: dict[str, User], acting: Acting, django_capture_on_commit_callbacks: OnCommit
) -> None:
    reach = acting("village")
    natural = Record.objects.get(form="natural_village_year", year=2021, subject_code=home.natural_village_code)
    lead = lead_of(home)
    was = lead.values["electricity"], lead.values["farmland_mu"]
    assert was[0] is True and natural.values["electricity"] is True
    with django_capture_on_commit_callbacks(execute=True) as called:
        put(home, pack, cast["village"], reach, housing_area_m2=9000)
    assert not called, "no rule on villages reads it"
    with django_capture_on_commit_callbacks() as called:
        put(home, pack, cast["village"], acting("village"), electricity=False)
        put(home, pack, cast["village"], acting("village"), farmland_mu=20_000_000)
    assert open_rules(natural) == set() and len(called) == 2
    for one in called:
        one()
    acting("village")
    assert open_rules(natural) == {"V013"} and open_rules(village) == {"V006"}
    clue = Clue.objects.get(rule_id="V013", subject_id=natural.pk)
    assert clue.used["sum.1"] == 1 and clue.steps.get().by == cast["village"]
    with django_capture_on_commit_callbacks(execute=True):
        put(home, pack, cast["village"], acting("village"), electricity=True, farmland_mu=was[1])
    acting("village")
    assert open_rules(natural) == open_rules(village) == set()


def test_a_helper_s_save_is_held_against_a_village_that_the_helper_does_not_see(
    village: Record, home: Household, pack: Pack, cast: dict[str, User], acting: Acting, django_capture_on_commit_callbacks: OnCommit
) -> None:
    acting("system")
    Pairing.objects.create(
        household=home, village_code=home.village_code, helper_name=cast["helper"].name, user=cast["helper"], start_on="2021-01-01", is_main=False
    )
    with django_capture_on_commit_callbacks(execute=True):
        put(home, pack, cast["helper"], acting("helper"), electricity=False)
    reach = acting("helper")
    assert home.pk in reach.households and not Clue.objects.filter(rule_id="V013").exists()
    acting("village")
    assert Clue.objects.get(rule_id="V013", village_code=village.village_code).steps.get().by == cast["helper"]


def test_an_import_is_held_against_what_the_village_stated(
    village: Record, home: Household, pack: Pack, cast: dict[str, User], acting: Acting, django_capture_on_commit_callbacks: OnCommit
) -> None:
    acting("village")
    village.values |= {"exit_households_stated": village.values["exit_households"]}
    village.save()
    row_written(village, pack, cast["village"])
    assert open_rules(village) == set()
    acting("system")
    with django_capture_on_commit_callbacks(execute=True):
        Household.objects.filter(pk=home.pk).update(household_type="09")
        villages_changed([village.village_code])
    acting("system")
    assert open_rules(village) == {"V010"}
    with django_capture_on_commit_callbacks(execute=True):
        Household.objects.filter(pk=home.pk).update(household_type="01")
        villages_changed([village.village_code])
    acting("system")
    assert open_rules(village) == set()
    Record.objects.filter(form="household_year", year=2021, household=home).update(values=lead_of(home).values | {"electricity": False})
    with django_capture_on_commit_callbacks(execute=True):
        households_changed({home.pk})
    acting("system")
    natural = Record.objects.get(form="natural_village_year", year=2021, subject_code=home.natural_village_code)
    assert open_rules(natural) == {"V013"}


def lead_of(home: Household) -> Record:
    return Record.objects.get(form="household_year", year=2021, household=home)


def test_a_clue_on_a_village_is_seen_and_worked_off(village: Record, pack: Pack, cast: dict[str, User], acting: Acting, client_as: ClientAs) -> None:
    reach = acting("village")
    village = change(village, pack, cast["village"], reach, road_to_town="否")
    clue = Clue.objects.get(rule_id="V004", subject_id=village.pk)
    assert clue in list(queries.clues(reach, 2021, queries.ClueFilter(q=clue.subject_code)))
    page = client_as("village").get(f"/clues/{clue.pk}/").content.decode()
    assert f"/registers/rows/{village.pk}/#item-road_to_town" in page
    assert 'id="item-road_to_town"' in client_as("village").get(f"/registers/rows/{village.pk}/").content.decode()
    assert clue.subject_label in client_as("village").get(f"/clues/?place={village.village_code}&rule=V004").content.decode()
    assert client_as("helper").get(f"/clues/{clue.pk}/").status_code == 404, "a helper sees households"
    acting("village")
    assert has_open_clue(village, cast["village"]), "it opens the table after closing"
    still = answering.correct(clue=clue, note="已经核对过", by=cast["village"])
    assert still.state == Clue.State.OPEN
    answering.confirm(clue=clue, evidence="村口到乡镇确是砂石路，已拍照", upload=None, by=cast["village"])
    row_written(village, pack, cast["village"])
    clue.refresh_from_db()
    assert clue.state == Clue.State.CONFIRMED, "stands while the values stay"
    acting("township")
    assert answering.approve(clue=clue, note="", by=cast["township"]).reviewed_by == cast["township"]
    reach = acting("county")
    assert clue in list(drawable(reach, 2021, village.village_code))
    (sample,) = [one for one in draw(reach=reach, year=2021, place=village.village_code, count=500, by=cast["county"]) if one.clue_id == clue.pk]
    assert sample.household is None and f"/registers/rows/{village.pk}/" in client_as("county").get("/clues/samples/").content.decode()
    acting("county")
    check(sample=sample, differs=True, note="到乡镇已是水泥路", by=cast["county"])
    clue.refresh_from_db()
    assert clue.state == Clue.State.OPEN
    acting("village")
    row_written(village, pack, cast["village"])
    answering.confirm(clue=clue, evidence="村口到乡镇确是砂石路，已拍照", upload=None, by=cast["village"])
    village.refresh_from_db()
    change(village, pack, cast["village"], acting("village"), dist_to_town_km="77")
    clue.refresh_from_db()
    assert clue.state == Clue.State.OPEN, "a value it says has changed"


def test_lists_on_paper_and_in_excel_name_the_village(village: Record, pack: Pack, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    change(village, pack, cast["village"], reach, road_to_town="否")
    region = Region.objects.get(pk=village.village_code)
    paper = village_clues(region, clock.current(), pack, reach)
    (table,) = (one for one in paper.tables if one.code == region.code)
    assert table.name == region.name and [one.rule for one in table.clues] == ["V004"]
    excel = clues_as_table(reach, {"rule": "V004", "place": region.code})
    titles: list[Any] = [column.title for column in excel.columns]
    (line,) = excel.rows
    assert line[titles.index("村或自然村代码")] == region.code and line[titles.index("登记")] == region.name
