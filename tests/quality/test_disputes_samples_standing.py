"""A rule that is wrong, one answer for many clues, the county's second look, and how good the data are."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.quality import clues, sampling, standing
from fangfanpin.quality.clues import ClueRefused
from fangfanpin.quality.handlers import quality_as_table
from fangfanpin.quality.models import Clue, ClueSample, ClueStep, Sweep, VillageQuality
from fangfanpin.quality.sweep import run_sweep
from fangfanpin.regions.names import name_of

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]


@pytest.fixture
def homes(acting: Acting) -> list[Household]:
    """Six assisted households of the village account's."""
    return list(Household.objects.visible_to(acting("village")).filter(kind="assisted").order_by("code")[:6])


def clue_of(home: Household, rule: str = "H010", **values: Any) -> Clue:
    given = {"severity": "W", "message": "x", "used_digest": "d1", "pack_hash": "x", "seen_at": timezone.now(), **values}
    return Clue.objects.create(
        rule_id=rule, year=2021, subject_kind="household", subject_id=uuid4(), household=home, village_code=home.village_code, **given
    )


def test_a_disputed_rule_goes_to_the_county_which_agrees_or_sends_it_back(homes: list[Household], client_as: ClientAs, acting: Acting) -> None:
    first, second = clue_of(homes[0]), clue_of(homes[1])
    village, county = client_as("village"), client_as("county")
    assert village.post(f"/clues/{first.pk}/answer", {"answer": "disputed", "reason": "短"}).status_code == 422
    for one in (first, second):
        assert village.post(f"/clues/{one.pk}/answer", {"answer": "disputed", "reason": "这里的公益岗工资不算在内"}).status_code == 302
    acting("county")
    first.refresh_from_db()
    assert first.state == "disputed" and first.confirmed_digest == "d1"
    assert village.post(f"/clues/{first.pk}/decide", {"decision": "wrong", "reason": "同意村里"}).status_code == 403
    assert "规则有没有错" in county.get(f"/clues/{first.pk}/").content.decode()
    assert county.get("/clues/?state=disputed").content.decode().count(f"/clues/{first.pk}/") == 1
    county.post(f"/clues/{first.pk}/decide", {"decision": "wrong", "reason": "同意，规则要改"})
    county.post(f"/clues/{second.pk}/decide", {"decision": "right", "reason": "按口径应当算在内"})
    acting("county")
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("confirmed", "open")
    assert [step.kind for step in first.steps.order_by("at")] == ["disputed", "conceded"]
    assert "按口径应当算在内" in village.get(f"/clues/{second.pk}/").content.decode()
    assert county.post(f"/clues/{second.pk}/decide", {"decision": "wrong", "reason": "再想想"}).status_code == 302
    acting("county")
    second.refresh_from_db()
    assert second.state == "open", "what nobody disputes is not decided"


def test_one_answer_for_many_only_where_the_rule_allows_it(
    homes: list[Household], pack: Pack, cast: dict[str, User], acting: Acting, client_as: ClientAs
) -> None:
    rows = [clue_of(home) for home in homes[:3]]
    allowing = replace(pack, rules=tuple(replace(rule, bulk_answer=rule.id == "H010") for rule in pack.rules))
    acting("village")
    with pytest.raises(ClueRefused, match="逐户核实"):
        clues.confirm_many(clues=rows, evidence="都到户看过，确实如此", pack=pack, by=cast["village"])
    assert clues.confirm_many(clues=rows, evidence="都到户看过，确实如此", pack=allowing, by=cast["village"]) == 3
    assert {row.state for row in Clue.objects.filter(pk__in=[row.pk for row in rows])} == {"confirmed"}
    other = clue_of(homes[4])
    answer = client_as("village").post("/clues/bulk", {"clue": [str(other.pk)], "evidence": "都到户看过，确实如此", "query": "rule=H010"})
    assert answer.status_code == 302 and answer["Location"].endswith("?rule=H010")
    other.refresh_from_db()
    assert other.state == "open", "the shipped rule is answered household by household"
    assert client_as("village").post("/clues/bulk", {"clue": ["nonsense"], "evidence": "都到户看过，确实如此"}).status_code == 404


def test_a_village_answers_at_once_what_has_one_cause(homes: list[Household], pack: Pack, acting: Acting, client_as: ClientAs) -> None:
    """The township's subsidy came late for everybody: from the list, then agreed to one by one by another person."""
    assert {rule.id for rule in pack.rules if rule.bulk_answer} >= {"H020", "Y004"}
    assert all(rule.severity == "W" and rule.reach != "set" for rule in pack.rules if rule.bulk_answer)
    acting("village")
    rows = [clue_of(home, "H020", used={"farmland_mu": 500 + number}) for number, home in enumerate(homes)]
    village = client_as("village")
    page = village.get("/clues/?rule=H020").content.decode()
    assert "打勾的都核实无误" in page and all(f'value="{row.pk}"' in page for row in rows)
    assert "打勾的都核实无误" not in village.get("/clues/?rule=H010").content.decode()
    evidence = "乡镇补贴十二月才发，查了全村一卡通"
    ticked = {"clue": [str(row.pk) for row in rows[:5]], "query": "rule=H020"}
    village.post("/clues/bulk", {**ticked, "evidence": "短"})
    acting("village")
    assert not Clue.objects.filter(rule_id="H020", state="confirmed").exists(), "without evidence none"
    answer = village.post("/clues/bulk", {**ticked, "evidence": evidence}, follow=True)
    assert "5 条已记为核实无误" in answer.content.decode()
    acting("village")
    states = dict(Clue.objects.filter(pk__in=[row.pk for row in rows]).values_list("pk", "state"))
    assert [states[row.pk] for row in rows] == [*["confirmed"] * 5, "open"]
    assert all(row.steps.get().note == evidence for row in rows[:5])
    mixed = {"clue": [str(rows[5].pk), str(clue_of(homes[0]).pk)], "evidence": evidence, "query": "rule=H020"}
    village.post("/clues/bulk", mixed)
    acting("village")
    rows[5].refresh_from_db()
    assert rows[5].state == "open", "all or none"
    county = client_as("county")
    assert all(f"/clues/{row.pk}/" in county.get("/clues/?rule=H020&state=review").content.decode() for row in rows[:5])
    county.post(f"/clues/{rows[0].pk}/review", {"decision": "approve"})
    acting("county")
    rows[0].refresh_from_db()
    assert rows[0].reviewed_at is not None


def test_the_county_s_second_look(homes: list[Household], cast: dict[str, User], acting: Acting, client_as: ClientAs) -> None:
    now = timezone.now()
    reviewed = [clue_of(home, state="confirmed", answered_by=cast["village"], reviewed_at=now, confirmed_digest="d1") for home in homes]
    clue_of(homes[0], state="confirmed", answered_by=cast["village"])  # not reviewed yet
    clue_of(homes[1])
    reach, place = acting("county"), homes[0].village_code
    assert {one.pk for one in sampling.drawable(reach, 2021, place)} == {one.pk for one in reviewed}
    with pytest.raises(ClueRefused):
        sampling.draw(reach=reach, year=2021, place=place, count=0, by=cast["county"])
    one = sampling.draw(reach=reach, year=2021, place=place, count=4, by=cast["county"], seed=7)
    assert len({sample.clue_id for sample in one}) == 4
    rest = sampling.draw(reach=reach, year=2021, place=place, count=50, by=cast["county"])
    assert {sample.clue_id for sample in (*one, *rest)} == {clue.pk for clue in reviewed}, "nothing is drawn twice"
    with pytest.raises(ClueRefused, match="都已抽过"):
        sampling.draw(reach=reach, year=2021, place=place, count=1, by=cast["county"])
    assert client_as("township").get("/clues/samples/").status_code == 403
    county = client_as("county")
    assert county.get("/clues/samples/").status_code == 200
    county.post(f"/clues/samples/{one[0].pk}/check", {"result": "agreed"})
    county.post(f"/clues/samples/{one[1].pk}/check", {"result": "differs", "note": ""})
    county.post(f"/clues/samples/{one[2].pk}/check", {"result": "differs", "note": "户主说去年就搬走了"})
    acting("county")
    results = dict(ClueSample.objects.filter(pk__in=[sample.pk for sample in one]).values_list("pk", "result"))
    assert [results[sample.pk] for sample in one[:3]] == ["agreed", "pending", "differs"], "a difference needs its words"
    again = Clue.objects.get(pk=one[2].clue_id)
    assert again.state == "open" and again.steps.filter(kind=ClueStep.Kind.RETURNED, note="户主说去年就搬走了").exists()
    page = county.get("/clues/samples/").content.decode()
    assert "50% 属实" in page


def test_a_large_place_does_not_crowd_out_a_small_one(cast: dict[str, User], acting: Acting) -> None:
    """Three townships, one with two villages: of six two from each township, and there one from each village; what is under no household too."""
    reach = acting("system")
    done = {"state": "closed", "answered_by": cast["village"], "severity": "W", "message": "x", "used_digest": "d", "pack_hash": "x"}
    Clue.objects.all().update(answered_by=None)
    villages = Household.objects.visible_to(reach).order_by("village_code").values_list("village_code", flat=True).distinct()
    by_town: dict[str, list[str]] = {}
    for code in villages:
        by_town.setdefault(code[:9], []).append(code)
    wide = next(codes for codes in by_town.values() if len(codes) > 1)[:2]
    (small, other) = [codes[0] for town, codes in by_town.items() if town != wide[0][:9]][:2]
    for code, count in ((wide[0], 30), (wide[1], 1), (small, 2), (other, 9)):
        Clue.objects.bulk_create(
            Clue(rule_id="V004", year=2021, subject_kind="village", subject_id=uuid4(), village_code=code, seen_at=timezone.now(), **done)
            for _number in range(count)
        )
    drawn = sampling.draw(reach=reach, year=2021, place="", count=6, by=cast["county"])
    assert sorted(one.village_code for one in drawn) == sorted([*wide, small, small, other, other])
    assert all(one.household is None for one in drawn)
    more = sampling.draw(reach=reach, year=2021, place="", count=500, by=cast["county"])
    assert len(more) == 36, "what is left of the large ones follows"


def test_a_sweep_counts_each_village_as_a_count_by_hand_does(pack: Pack, acting: Acting, cast: dict[str, User], client_as: ClientAs) -> None:
    reach = acting("system")
    sweep = run_sweep(campaign=clock.current(), by=None)
    rows = list(VillageQuality.objects.filter(sweep=sweep))
    assert sum(row.households for row in rows) == sweep.households and len(rows) > 5
    assert (
        sum(row.errors + row.suspected for row in rows)
        == Clue.objects.filter(
            year=2021, state__in=("open", "corrected"), severity__in=("E", "W"), village_code__in=[row.village_code for row in rows]
        ).count()
    )
    row = max(rows, key=lambda one: one.errors)
    open_ = Clue.objects.filter(village_code=row.village_code, state__in=("open", "corrected"))
    assert row.errors == open_.filter(severity="E").count() > 0
    assert row.households - row.complete == len(
        set(open_.filter(rule_id__startswith="C", household__isnull=False).values_list("household_id", flat=True))
    )
    whole = standing.total(reach, sweep, pack)
    assert whole is not None and whole.errors_per_1000 == round(whole.errors * 1000 / whole.persons, 1)
    towns = standing.by_division(reach, sweep, pack, length=9)
    assert sum(town.errors for town in towns) == whole.errors
    scores = [town.score for town in towns]
    known = [score for score in scores if score is not None]
    assert scores == [*sorted(known), *[None] * (len(scores) - len(known))], "the lowest first; a place of which only a table is judged has none"
    assert [found.errors for _sweep, found in standing.over_time(reach, 2021, pack)][-1] == whole.errors
    page = client_as("county").get("/quality/").content.decode()
    assert f"得分 {whole.score}" in page
    village = acting("village")
    assert {one.code for one in standing.by_division(village, sweep, pack, length=12)} <= set(village.villages)
    assert client_as("village").get(f"/quality/?place={towns[0].code}").status_code == 200


def test_a_rule_nearly_always_confirmed_is_proposed_for_loosening(homes: list[Household], pack: Pack, acting: Acting) -> None:
    reach = acting("village")
    for number in range(10):
        clue_of(homes[number % len(homes)], "Y099", state="confirmed")
    for number in range(9):
        clue_of(homes[number % len(homes)], "Y098", state="confirmed")
    clue_of(homes[0], "Y098", state="closed")
    by_id = {one.rule_id: one for one in standing.by_rule(reach, 2021, pack)}
    assert by_id["Y099"].is_too_strict and by_id["Y099"].confirmed_share == 100
    assert not by_id["Y098"].is_too_strict, "nine of ten is not more than nine of ten"


def test_small_counts_do_not_leave_the_county(pack: Pack, acting: Acting) -> None:
    assert [standing.shown_outside(count) for count in (0, 1, 2, 3, 12)] == ["0", "<3", "<3", "3", "12"]
    reach = acting("system")
    sweep = Sweep.objects.create(year=2021, pack_hash="x", state="done", ended_at=timezone.now())
    counts = {"errors": 30, "suspected": 0, "closed": 9, "confirmed": 0, "households": 100, "persons": 300, "complete": 90}
    cases: list[dict[str, int]] = [{}, {"errors": 2}, {"complete": 98}, {"complete": 2}, {"households": 2, "persons": 5, "complete": 2}]
    for code, case in zip(sorted(reach.villages)[: len(cases)], cases, strict=True):
        VillageQuality.objects.create(sweep=sweep, village_code=code, **{**counts, **case})
    by_village = {name_of(code): case for code, case in zip(sorted(reach.villages), cases, strict=False)}
    names = ("households", "persons", "score", "complete", "per_1000", "errors", "suspected", "closed", "confirmed", "worked_off", "true")
    rows = [
        dict(zip(names, row[2:], strict=True)) for row in sorted(quality_as_table(reach, {}).rows, key=lambda one: list(by_village).index(one[1]))
    ]
    plain, few_errors, few_incomplete, few_complete, few_households = rows
    assert (plain["per_1000"], plain["complete"], plain["errors"]) == ("100", "90", "30") and plain["score"]
    assert few_errors["errors"] == "<3", "and what would give the small count away is left out too"
    assert not any(few_errors[name] for name in ("score", "per_1000", "worked_off", "true")) and few_errors["complete"] == "90"
    for row in (few_incomplete, few_complete):
        assert row["score"] == row["complete"] == "" and row["per_1000"] == "100", "two households that are not like the others"
    assert few_households["households"] == "<3" and few_households["persons"] == "5"
    assert not any(few_households[name] for name in ("score", "complete", "per_1000"))
