"""Plant faults into the tables of villages and natural villages, and into the teams that are listed there.

Like `faults`, written from the catalogue's statements and importing nothing of the rules; each planter says every hit it causes, on the place
whose table is hit, or None where the village does not suit it. A village's sums follow its natural villages, as the program finds them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from fangfanpin.demo.county import DemoCounty, DemoHousehold, DemoRow
from fangfanpin.demo.villages import LANDS, SUMMED

Hit = tuple[str, str]  # rule, place


@dataclass(frozen=True, slots=True)
class Village:
    """One whose tables are handed in: its row of this year and of the last, those of its natural villages, its team, and households that are
    swept and have no other fault."""

    now: DemoRow
    last: DemoRow
    naturals: list[DemoRow]
    team: list[DemoRow]
    households: list[DemoHousehold]

    def each(self, **values: object) -> None:
        for natural in self.naturals:
            natural.values.update(values)


Planter = Callable[[Village], list[Hit] | None]
PLANTERS: dict[str, Planter] = {}


def planter(rule_id: str) -> Callable[[Planter], Planter]:
    def keep(function: Planter) -> Planter:
        PLANTERS[rule_id] = function
        return function

    return keep


def value(rule_id: str, **values: object) -> None:
    """Items of the village's table set to values."""

    @planter(rule_id)
    def plant_it(v: Village) -> list[Hit] | None:
        v.now.values.update(values)
        return [(rule_id, v.now.place)]


value("V002", collective_income_wan=None)
value("V003", clinics=None)
value("V004", road_to_town=False)
value("V005", unsafe_water_households=99_999)
value("V010", exit_households_stated=9_999)


@planter("V001")
def nobody_lives_here(v: Village) -> list[Hit] | None:
    """Nobody is counted in either year, so that nothing else differs."""
    v.each(**dict.fromkeys(SUMMED, 0))
    insured = ("resident_medical_insured", "resident_pension_insured", "employee_pension_insured", "households_stated", "population_stated")
    v.now.values.update(dict.fromkeys(insured, 0))
    v.last.values.update(dict.fromkeys(SUMMED, 0))
    return [("V001", v.now.place)]


@planter("V006")
def less_land_than_its_households(v: Village) -> list[Hit] | None:
    if not any(h.type == "01" and h.now["farmland_mu"] for h in v.households):
        return None
    for row in (v.now, v.last):
        row.values.update(farmland_mu=0, irrigated_mu=0)
    return [("V006", v.now.place)]


@planter("V007")
def stated_otherwise(v: Village) -> list[Hit] | None:
    v.now.values["population_stated"] += 7
    return [("V007", v.now.place)]


@planter("V008")
def more_insured_than_people(v: Village) -> list[Hit] | None:
    v.now.values["resident_medical_insured"] *= 2
    return [("V008", v.now.place)]


@planter("V009")
def crowded(v: Village) -> list[Hit] | None:
    for natural in v.naturals:
        natural.values["population"] = natural.values["households"] * 7
    v.last.values["population"] = v.now.values["population_stated"] = sum(natural.values["population"] for natural in v.naturals)
    return [("V009", v.now.place)]


@planter("V011")
def yuan_for_ten_thousand(v: Village) -> list[Hit] | None:
    v.now.values["collective_income_wan"] = v.last.values["collective_income_wan"] * 4
    return [("V011", v.now.place)]


@planter("V012")
def leader_without_phone(v: Village) -> list[Hit] | None:
    v.naturals[0].values["leader_phone"] = None
    return [("V012", v.naturals[0].place)]


@planter("V013")
def one_without_broadband(v: Village) -> list[Hit] | None:
    home = next((h for h in v.households if h.now["broadband"]), None)
    natural = next((row for row in v.naturals if home and row.place == home.natural), None)
    if home is None or natural is None:
        return None
    home.now["broadband"] = False
    natural.values["broadband"] = True
    return [("V013", natural.place)]


@planter("V014")
def farmland_grew(v: Village) -> list[Hit] | None:
    v.now.values["farmland_mu"] = v.last.values["farmland_mu"] * 12 // 10
    return [("V014", v.now.place)]


@planter("V015")
def team_of_two(v: Village) -> list[Hit] | None:
    if not v.team:
        return None
    v.team[-1].values["end_on"] = "2021-06-30"
    return [("V015", v.now.place)]


def villages_of(county: DemoCounty) -> list[Village]:
    """Villages whose tables are handed in, by code."""
    by_place: dict[str, list[DemoRow]] = {}
    for row in county.tables:
        by_place.setdefault(row.village, []).append(row)
    homes: dict[str, list[DemoHousehold]] = {}
    for household in county.households:
        if household.state in ("submitted", "approved") and not household.boundary and not household.faulty:
            homes.setdefault(household.village, []).append(household)
    found = []
    for code, rows in sorted(by_place.items()):
        of_village = {row.last: row for row in rows if row.form == "village_year"}
        if len(of_village) == 2 and all(name in of_village[False].values for name in LANDS):
            naturals = [row for row in rows if row.form == "natural_village_year" and not row.last]
            team = [row for row in rows if row.form == "resident_team"]
            found.append(Village(of_village[False], of_village[True], naturals, team, homes.get(code, [])))
    return found
