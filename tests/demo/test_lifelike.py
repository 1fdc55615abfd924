"""The demo county looks like a county: the shares its description promises, counted on a drawn one."""

import collections
import datetime
import math
import statistics
import time

import pytest

from fangfanpin.demo.county import STATE_DATE, DemoCounty, DemoPerson, DemoVillage, age, net
from fangfanpin.demo.generate import generate
from fangfanpin.demo.load import _computed
from fangfanpin.demo.people import RARE
from fangfanpin.privacy.facts import identity_facts

HOUSEHOLDS = 2000


def _villages() -> list[DemoVillage]:
    """229 villages of which 53 are communities, as in the division tables of 340323."""
    codes = [f"340323{100 + town:03d}{200 + place:03d}" for town in range(12) for place in range(20)][:229]
    return [DemoVillage(code, f"村{place}", place < 53) for place, code in enumerate(codes)]


@pytest.fixture(scope="module")
def county() -> DemoCounty:
    return generate(households=HOUSEHOLDS, seed=1, villages=_villages())


@pytest.fixture(scope="module")
def persons(county: DemoCounty) -> list[DemoPerson]:
    return [person for household in county.households for person in household.persons]


def _share(persons: list[DemoPerson], low: int, high: int) -> float:
    return sum(low <= age(person.birth) <= high for person in persons) / len(persons)


def test_the_same_seed_draws_the_same_county_and_another_seed_another(county: DemoCounty) -> None:
    again = generate(households=HOUSEHOLDS, seed=1, villages=_villages())
    other = generate(households=HOUSEHOLDS, seed=2, villages=_villages())
    assert again.households == county.households
    assert other.households != county.households


def test_households_have_one_to_eleven_members(county: DemoCounty) -> None:
    sizes = collections.Counter(len(household.persons) for household in county.households)
    assert set(sizes) == set(range(1, 12))
    assert 3.0 < sum(size * count for size, count in sizes.items()) / HOUSEHOLDS < 3.8


def test_ages_are_those_of_poor_villages(persons: list[DemoPerson]) -> None:
    assert 0.12 < _share(persons, 0, 17) < 0.28
    assert 0.18 < _share(persons, 60, 120) < 0.35
    assert _share(persons, 80, 120) > 0.01
    assert all(person.birth <= STATE_DATE for person in persons)


def test_two_in_five_adults_work_away(persons: list[DemoPerson]) -> None:
    adults = [person for person in persons if 16 <= age(person.birth) <= 59]
    assert sum(bool(person.now["work_months"]) for person in adults) / len(adults) == pytest.approx(0.40, abs=0.03)


def test_one_in_eight_is_disabled_or_chronically_ill(persons: list[DemoPerson]) -> None:
    assert sum(bool(person.ill) for person in persons) / len(persons) == pytest.approx(0.12, abs=0.015)
    assert all((person.card is not None) == (person.ill == "04") for person in persons if person.id_number)


def test_names_follow_frequency_with_same_names_and_rare_characters(county: DemoCounty, persons: list[DemoPerson]) -> None:
    surnames = collections.Counter(person.name[0] for person in persons).most_common()
    assert {name for name, _ in surnames[:8]} >= {"王", "李", "张"}
    assert surnames[0][1] > 10 * surnames[60][1]
    assert any(count > 1 for count in collections.Counter(person.name for person in persons).values())
    in_village = collections.Counter((household.village, person.name) for household in county.households for person in household.persons)
    assert sum(count > 1 for count in in_village.values()) >= 3
    assert any(character in person.name for person in persons for character in RARE)


def test_identity_numbers_are_valid_and_mostly_of_the_county(persons: list[DemoPerson]) -> None:
    numbers = [person.id_number for person in persons if person.id_number]
    assert len(set(numbers)) == len(numbers)
    facts = [(person, identity_facts(person.id_number)) for person in persons if person.id_number]
    assert all(fact.id_check_ok and fact.id_birth == person.birth and fact.id_sex == person.sex for person, fact in facts)
    assert 0.88 < sum(number.startswith("340323") for number in numbers) / len(numbers) < 0.97


def test_incomes_are_skewed_round_and_add_up(county: DemoCounty) -> None:
    sheets = [household.last for household in county.households if household.last]
    per_head = [net(values) / values["household_size"] / 100 for values in sheets]
    logs = [math.log(value) for value in per_head if value > 0]
    # Log-normal: lopsided as it stands, about even once the logarithm is taken.
    assert statistics.mean(per_head) > statistics.median(per_head)
    assert abs(_skew(logs)) < abs(_skew(per_head))
    wages = [values["wage_migrant"] for values in sheets if values["wage_migrant"]]
    assert sum(wage % 1000 == 0 for wage in wages) / len(wages) > 0.9
    for values in sheets:
        computed = _computed(values)
        assert computed["total_income"] == sum(computed[k] for k in ("wage_income", "business_income", "property_income", "transfer_income"))
        assert computed["net_income"] == net(values)


def _skew(values: list[float]) -> float:
    middle, spread = statistics.mean(values), statistics.pstdev(values)
    return statistics.mean(((value - middle) / spread) ** 3 for value in values)


def test_communities_are_nearly_empty(county: DemoCounty) -> None:
    communities = {village.code for village in _villages() if village.is_community}
    assert len(communities) == 53
    assert sum(household.village in communities for household in county.households) / HOUSEHOLDS < 0.02


def test_the_year_is_partly_collected_beside_last_years_records(county: DemoCounty) -> None:
    states = collections.Counter(household.state for household in county.households)
    assert {"empty", "draft", "submitted", "approved"} == set(states)
    assert 0.5 < (states["submitted"] + states["approved"]) / HOUSEHOLDS < 0.7
    assert sum(bool(household.last) for household in county.households) / HOUSEHOLDS > 0.98
    assert len(county.ordinary) >= HOUSEHOLDS


def test_monitored_households_have_spells_open_and_eliminated(county: DemoCounty) -> None:
    spells = [household.spells[-1] for household in county.households if household.spells]
    assert 0.05 < len(spells) / HOUSEHOLDS < 0.2
    assert {spell.state for spell in spells} == {"01", "02"}
    assert all(spell.values["risk_1"] for spell in spells)


def test_boundary_households_of_every_kind_are_collected(county: DemoCounty) -> None:
    kinds = collections.Counter(household.boundary for household in county.households if household.boundary)
    assert sum(kinds.values()) >= 200
    assert {"exactly 16", "exactly 60", "income exactly the line", "zero", "empty", "absent", "born 29 February", "twins"} <= set(kinds)
    assert all(household.state == "submitted" for household in county.households if household.boundary)
    sixteen = [person.birth for household in county.households if household.boundary == "exactly 16" for person in household.persons]
    assert datetime.date(2005, 9, 30) in sixteen
    line = [household for household in county.households if household.boundary == "income exactly the line"]
    assert all(net(household.now) == 6000_00 * household.now["household_size"] for household in line)


@pytest.mark.proof
def test_the_full_county_is_drawn_within_three_minutes() -> None:
    began = time.perf_counter()
    county = generate(households=25_000, seed=1, villages=_villages())
    assert sum(len(household.persons) for household in county.households) > 80_000
    assert time.perf_counter() - began < 60  # of the three minutes, loading takes the larger part
