"""Clues handed to who verifies them: the household's helper or an account of the village; and what happens when that person goes."""

import datetime
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from fangfanpin.accounts import management
from fangfanpin.accounts.models import Assignment, User
from fangfanpin.accounts.reach import Reach, reach_of, set_act
from fangfanpin.acts.deeds import handover
from fangfanpin.acts.plans import carry_out
from fangfanpin.acts.undoing import undo
from fangfanpin.campaigns import clock
from fangfanpin.households.models import Household, Pairing
from fangfanpin.pairings import services as pairings
from fangfanpin.pairings.services import Helper
from fangfanpin.policy.services import pack_of
from fangfanpin.quality import handing, queries
from fangfanpin.quality.clues import ClueRefused
from fangfanpin.quality.handlers import clues_as_table, village_clues
from fangfanpin.quality.models import Clue
from fangfanpin.regions.models import Region

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]
TODAY = timezone.localdate()
WHY = "测试办理的原因"


@pytest.fixture
def pairing(acting: Acting, cast: dict[str, User]) -> Pairing:
    """A household that the helper account helps."""
    acting("system")
    return Pairing.objects.filter(user=cast["helper"], end_on__isnull=True, is_main=True, start_on__lt=TODAY).select_related("household")[0]


@pytest.fixture
def home(pairing: Pairing) -> Household:
    return pairing.household


def clue_of(home: Household, rule: str = "H010", **values: Any) -> Clue:
    given = {"severity": "W", "message": "x", "used_digest": "d1", "pack_hash": "x", "seen_at": timezone.now(), **values}
    return Clue.objects.create(
        rule_id=rule, year=2021, subject_kind="household", subject_id=uuid4(), household=home, village_code=home.village_code, **given
    )


def account_in(village_code: str, role: str = "village", name: str = "王信息") -> User:
    user = User.objects.create_user(username=f"{role}-{uuid4().hex[:6]}", name=name)
    Assignment.objects.create(user=user, role_id=role, region_id=village_code, valid_from=datetime.date(2021, 1, 1))
    return user


def steps_of(clue: Clue) -> list[tuple[str, str]]:
    return [(step.kind, step.note) for step in clue.steps.order_by("at", "id")]


def whose(clue: Clue) -> tuple[int | None, str]:
    clue.refresh_from_db()
    return clue.assigned_to_id, clue.assigned_name


def test_the_township_hands_a_clue_to_the_helper_who_finds_it(home: Household, cast: dict[str, User], client_as: ClientAs, acting: Acting) -> None:
    one, other = clue_of(home, message="月收入不对"), clue_of(home, "H011", message="另一处不对")
    helper, county = client_as("helper"), client_as("county")
    assert "交给您核实的疑似问题" not in helper.get("/").content.decode()
    page = county.get(f"/clues/{one.pk}/").content.decode()
    assert "现在由村里核实" in page and cast["helper"].name in page
    answer = county.post("/clues/hand-over", {"clue": str(one.pk), "to": "helper"}, follow=True)
    assert answer.redirect_chain[-1][0] == f"/clues/{one.pk}/" and "1 条已交出去" in answer.content.decode()
    acting("system")
    assert whose(one) == (cast["helper"].pk, cast["helper"].name) and whose(other) == (None, "")
    step = one.steps.get()
    assert (step.kind, step.note, step.by) == ("handed", cast["helper"].name, cast["county"])
    assert "交给您核实的疑似问题" in helper.get("/").content.decode()
    mine = helper.get("/clues/?assigned=me").content.decode()
    assert f"/clues/{one.pk}/" in mine and f"/clues/{other.pk}/" not in mine
    assert f"由 {cast['helper'].name} 核实" in mine
    assert helper.post(f"/clues/{one.pk}/answer", {"answer": "confirmed", "evidence": "入户看过，确实如此"}).status_code == 302
    acting("system")
    one.refresh_from_db()
    assert one.state == "confirmed", "who was asked may answer"
    with pytest.raises(ClueRefused, match="已答复"):
        handing.hand_over(clues=[one], to="village", by=cast["county"])


def test_whole_households_are_handed_over_from_the_list_and_taken_back(
    home: Household, cast: dict[str, User], client_as: ClientAs, acting: Acting
) -> None:
    alone = Household.objects.filter(kind="assisted", village_code=home.village_code).exclude(pk=home.pk)[0]
    alone.pairings.update(end_on=TODAY)
    rows = [clue_of(home), clue_of(home, "H011"), clue_of(alone)]
    told, closed = clue_of(home, "P047", severity="I"), clue_of(home, "H012", state="closed")
    county, query = client_as("county"), f"place={home.village_code}"
    account = account_in(home.village_code)
    page = county.get(f"/clues/?{query}").content.decode()
    assert "各户的帮扶责任人" in page and f'value="{account.pk}"' in page
    answer = county.post("/clues/hand-over", {"clue": [str(rows[0].pk), str(rows[2].pk)], "whole": "1", "to": "helper", "query": query}, follow=True)
    assert answer.redirect_chain[-1][0] == f"/clues/?{query}"
    said = answer.content.decode()
    acting("system")
    helper = (cast["helper"].pk, cast["helper"].name)
    assert [whose(row) for row in rows] == [helper, helper, (None, "")]
    assert "没有帮扶责任人" in said
    assert whose(told) == whose(closed) == (None, ""), "what asks for nothing is handed to nobody"
    reach = acting("county")
    chosen = {name: set(queries.clues(reach, 2021, queries.ClueFilter(place=home.village_code, assigned=name))) for name in ("handed", "village")}
    assert set(rows[:2]) == chosen["handed"] and rows[2] in chosen["village"] and not chosen["handed"] & chosen["village"]
    table = clues_as_table(reach, {"place": home.village_code, "assigned": "handed"})
    at = [column.title for column in table.columns].index("由谁核实")
    assert [row[at] for row in table.rows] == [cast["helper"].name] * 2
    assert ("由谁核实", "已交给人的") in table.filters
    campaign = clock.current()
    paper = village_clues(Region.objects.get(pk=home.village_code), campaign, pack_of(campaign.pack), reach)
    assert {clue.verifier for one in paper.households if one.code == home.code for clue in one.clues if clue.rule in ("H010", "H011")} == {helper[1]}
    county.post("/clues/hand-over", {"clue": [str(rows[0].pk)], "to": str(account.pk), "query": query})
    county.post("/clues/hand-over", {"clue": [str(rows[1].pk)], "to": "village", "query": query})
    acting("system")
    assert whose(rows[0]) == (account.pk, "王信息") and whose(rows[1]) == (None, "")
    assert steps_of(rows[1]) == [("handed", helper[1]), ("taken_back", "")]


def test_only_the_village_s_own_accounts_and_nobody_beyond_one_s_reach(
    home: Household, cast: dict[str, User], client_as: ClientAs, acting: Acting
) -> None:
    clue = clue_of(home)
    elsewhere = Region.objects.villages().exclude(pk=home.village_code)[0]
    gone = account_in(home.village_code)
    gone.is_active = False
    gone.save()
    for to in (account_in(elsewhere.pk).pk, account_in(home.village_code, "inspector").pk, cast["county"].pk, gone.pk, "nobody", ""):
        with pytest.raises(ClueRefused, match="请选交给谁"):
            handing.hand_over(clues=[clue], to=str(to), by=cast["county"])
    assert client_as("helper").post("/clues/hand-over", {"clue": str(clue.pk), "to": "village"}).status_code == 403
    assert client_as("inspector").post("/clues/hand-over", {"clue": str(clue.pk), "to": "village"}).status_code == 403
    village = reach_of(cast["village"]).villages[0]
    far = clue_of(Household.objects.filter(kind="assisted").exclude(village_code=village)[0])
    assert client_as("village").post("/clues/hand-over", {"clue": str(far.pk), "to": "helper"}).status_code == 404
    assert client_as("village").post("/clues/hand-over", {"clue": "x", "to": "helper"}).status_code == 404
    own = clue_of(Household.objects.filter(kind="assisted", village_code=village)[0])
    assert client_as("village").post("/clues/hand-over", {"clue": str(own.pk), "to": str(cast["village"].pk)}).status_code == 302
    acting("system")
    assert whose(own) == (cast["village"].pk, cast["village"].name)


def test_a_helper_without_an_account_is_named(home: Household, pairing: Pairing, cast: dict[str, User], client_as: ClientAs) -> None:
    pairing.user, pairing.helper_name = None, "赵无账号"
    pairing.save()
    clue = clue_of(home)
    assert "没有账号" in client_as("county").get(f"/clues/{clue.pk}/").content.decode()
    assert handing.hand_over(clues=[clue], to="helper", by=cast["county"]).count == 1
    assert whose(clue) == (None, "赵无账号")


def test_clues_follow_a_hand_over_of_the_household_and_its_undo(home: Household, pairing: Pairing, cast: dict[str, User], acting: Acting) -> None:
    county = cast["county"]
    handed, left = clue_of(home), clue_of(home, "H011")
    handing.hand_over(clues=[handed], to="helper", by=county)
    reach = acting("county")
    act = carry_out(handover.plan([pairing], {pairing.pk: Helper("李接手")}, TODAY, by=county), reason=WHY, by=county, reach=reach)
    assert whose(handed) == (None, "李接手") and whose(left) == (None, "")
    assert handed.steps.latest("at").by == county, "whose act it was, not the system's"
    undo(act=act, reason=WHY, by=county, reach=reach)
    assert whose(handed) == (cast["helper"].pk, cast["helper"].name)
    assert steps_of(handed) == [("handed", cast["helper"].name)]


def test_clues_go_back_to_the_village_when_the_pairing_ends_and_to_whom_it_is_changed(
    home: Household, pairing: Pairing, cast: dict[str, User]
) -> None:
    clue = clue_of(home)
    handing.hand_over(clues=[clue], to="helper", by=cast["county"])
    later = pairings.succeed(pairing, Helper("钱接手"), TODAY)
    assert whose(clue) == (None, "钱接手")
    set_act("test")
    Pairing.objects.filter(pk=later.pk).update(start_on=TODAY - datetime.timedelta(days=2))
    pairings.end(pairing=later, on=TODAY, by=cast["township"])
    assert whose(clue) == (None, "") and clue.steps.latest("at").by == cast["township"]
    assert [kind for kind, _note in steps_of(clue)] == ["handed", "handed", "taken_back"]


def test_a_day_to_come_is_seen_to_at_night(home: Household, pairing: Pairing, cast: dict[str, User]) -> None:
    clue = clue_of(home)
    handing.hand_over(clues=[clue], to="helper", by=cast["county"])
    soon = TODAY + datetime.timedelta(days=3)
    pairings.succeed(pairing, Helper("孙接手"), soon)
    assert whose(clue) == (cast["helper"].pk, cast["helper"].name)
    assert handing.set_right(2021, TODAY) == 0
    assert handing.set_right(2021, soon) == 1 and whose(clue) == (None, "孙接手")
    Pairing.objects.filter(household=home).update(end_on=soon)
    assert handing.set_right(2021, soon) == 1 and whose(clue) == (None, "")
    account = account_in(home.village_code)
    handing.hand_over(clues=[clue], to=str(account.pk), by=cast["county"])
    assert handing.set_right(2021, TODAY) == 0
    account.assignments.update(valid_to=TODAY)
    assert handing.set_right(2021, TODAY) == 1 and whose(clue) == (None, "")


def test_who_replaces_somebody_verifies_what_was_left(home: Household, cast: dict[str, User], acting: Acting) -> None:
    account, successor = account_in(home.village_code), account_in(home.village_code, name="周接替")
    clue, answered = clue_of(home), clue_of(home, "H011", state="closed", assigned_to=account, assigned_name="王信息")
    handing.hand_over(clues=[clue], to=str(account.pk), by=cast["county"])
    reach = acting("county")
    management.leave(user=account, by=reach, replaced_by=successor)
    assert clue.steps.latest("at").by == cast["county"]
    assert whose(clue) == (successor.pk, "周接替") and whose(answered) == (account.pk, "王信息")


def test_a_row_under_no_household_goes_to_an_account_only(home: Household, cast: dict[str, User]) -> None:
    clue = Clue.objects.create(
        rule_id="B007", year=2021, subject_kind="record", subject_id=uuid4(), village_code=home.village_code, severity="E", message="x",
        used_digest="d", pack_hash="x", seen_at=timezone.now(),
    )  # fmt: skip
    done = handing.hand_over(clues=[clue], to="helper", by=cast["county"])
    assert (done.count, done.left) == (0, 1)
    account = account_in(home.village_code)
    assert handing.hand_over(clues=[clue], to=str(account.pk), by=cast["county"]).count == 1
    assert handing.set_right(2021, TODAY) == 0 and whose(clue) == (account.pk, "王信息")
