"""Lists narrowed by what stands beside a household say the same, whichever way the database is asked."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.test import Client

from fangfanpin.accounts.reach import Reach, make_reach
from fangfanpin.campaigns import clock
from fangfanpin.dashboards import queries
from fangfanpin.dashboards.queries import HouseholdFilter
from fangfanpin.households.models import Household, Person
from fangfanpin.households.services import search
from fangfanpin.privacy.secrets import decrypt
from fangfanpin.quality.models import OPEN_STATES, Clue
from fangfanpin.quality.sweep import run_sweep
from fangfanpin.records.models import Record

Acting = Callable[[str], Reach]
WHO = ("county", "township", "village", "helper")


def _places(reach: Reach) -> list[str]:
    homes = list(Household.objects.visible_to(reach).values_list("village_code", "natural_village_code"))
    village, natural = homes[len(homes) // 2]
    return ["", village[:9], village, natural]


def _expected(reach: Reach, chosen: HouseholdFilter) -> list[str]:
    """Row by row in Python: nothing of the query's own."""
    year = clock.current().year
    states = {r.subject_id: r.state for r in Record.objects.visible_to(reach).filter(form="household_year", year=year)}
    due = Clue.objects.visible_to(reach).filter(year=year, state__in=OPEN_STATES).exclude(severity=Clue.Severity.INFO)
    clued = {clue.household_id for clue in due}
    return [
        home.code
        for home in Household.objects.visible_to(reach)
        if (home.natural_village_code if len(chosen.place) == 15 else home.village_code).startswith(chosen.place)
        and (not chosen.state or states.get(home.pk) == chosen.state)
        and (not chosen.clue or home.pk in clued)
        and (chosen.kind != "assisted" or home.kind == "assisted")
    ]


@pytest.mark.parametrize("few", [0, 500])
@pytest.mark.parametrize("who", WHO)
def test_a_narrowed_list_shows_every_household_that_fits_and_no_other(acting: Acting, monkeypatch: pytest.MonkeyPatch, who: str, few: int) -> None:
    monkeypatch.setattr(queries, "_FEW", few)
    acting("system")
    run_sweep(campaign=clock.current(), by=None)
    reach = acting(who)
    filled = 0
    for place in _places(reach):
        for more in ({}, {"state": "empty"}, {"state": "draft"}, {"state": "submitted"}, {"state": "returned"}, {"clue": "open"}):
            for kind in ("", "assisted"):
                chosen = HouseholdFilter(place=place, kind=kind, **more)
                found = [home.code for home in queries.households(reach, clock.current().year, chosen)]
                assert found == _expected(reach, chosen), chosen
                filled += bool(found)
    assert filled >= 8


def test_a_place_outside_the_reach_shows_nobody(acting: Acting) -> None:
    for who in ("village", "helper"):
        reach = acting(who)
        own = {home.village_code for home in Household.objects.visible_to(reach)}
        acting("system")
        other = Household.objects.exclude(village_code__in=own).values_list("village_code", flat=True)[0]
        acting(who)
        for state in ("", "empty"):
            assert not queries.households(reach, clock.current().year, HouseholdFilter(place=other, state=state)).exists()


def test_the_part_of_a_reach_within_a_place_is_never_more_than_the_reach(acting: Acting) -> None:
    reach = acting("township")
    village = reach.villages[0]
    assert reach.within("") is reach
    assert reach.within(village[:9]) == reach
    assert reach.within(village).villages == reach.within(f"{village}001").villages == (village,)
    assert village in reach.within(village) and reach.villages[1] not in reach.within(village)
    assert reach.within("110101001001").villages == ()
    paired = make_reach(1, villages=reach.villages, households=[Household.objects.visible_to(reach)[0].pk])
    assert replace(paired, villages=(), _village_set=frozenset()) == paired.within("110101001001")


@pytest.mark.parametrize("who", WHO)
def test_a_household_is_found_by_its_code_and_by_the_numbers_of_its_members(client_as: Callable[[str], Client], acting: Acting, who: str) -> None:
    reach = acting(who)
    home = Household.objects.visible_to(reach).filter(kind="assisted")[0]
    person = Person.objects.filter(household=home).exclude(id_number_digest="")[0]
    number = decrypt(person.id_number_secret)
    assert number is not None
    for text in (home.code, number, number.lower()):
        assert list(search(text, reach)) == [home]
        answer = client_as(who).get("/households/", {"q": text})
        assert answer.status_code == 302 and answer["Location"] == f"/households/{home.pk}/"


def test_a_member_is_found_by_name_beside_the_heads_whose_names_begin_so(acting: Acting) -> None:
    reach = acting("township")
    member = Person.objects.visible_to(reach).exclude(relation_to_head="01")[0]
    expected = {person.household_id for person in Person.objects.visible_to(reach).filter(member_name=member.member_name)}
    expected |= {home.pk for home in Household.objects.visible_to(reach) if home.head_name.startswith(member.member_name)}
    assert {home.pk for home in search(member.member_name, reach)} == expected
