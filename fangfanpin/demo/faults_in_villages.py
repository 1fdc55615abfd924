"""Plant faults into the tables of villages and natural villages, and into the teams that are listed there.

Like `faults`, written from the catalogue's statements and importing nothing of the rules; each planter says every hit it causes, on the place
whose table is hit, or None where the village does not suit it. A village's sums follow its natural villages, as the program finds them.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from fangfanpin.demo.county import DemoCounty, DemoHousehold, DemoRow, collected_by_village
from fangfanpin.demo.villages import LANDS, SUMMED

Hit = tuple[str, str]  # rule, place
_PERIOD = datetime.date(2020, 10, 1)


@dataclass(frozen=True, slots=True)
class Village:
    """One whose tables are handed in: its row of this year and of the last, those of its natural villages, its team, households that are swept
    and have no other fault, and all that are swept."""

    now: DemoRow
    last: DemoRow
    naturals: list[DemoRow]
    team: list[DemoRow]
    households: list[DemoHousehold]
    swept: list[DemoHousehold]

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
    v.now.values["population_stated"] = sum(natural.values["population"] for natural in v.naturals)
    v.last.values["population"] = v.now.values["population_stated"] - 1
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


@planter("O014")
def nothing_happened(v: Village) -> list[Hit] | None:
    """As many people as last year, and of those known nobody was born, died, came or left."""
    population = sum(natural.values["population"] for natural in v.naturals)
    changed = (p for h in v.swept for p in h.persons if p.change_kind and (p.change_date is None or p.change_date >= _PERIOD))
    if population < 500 or not v.swept or any(changed):
        return None
    v.last.values["population"] = population
    return [("O014", v.now.place)]


@planter("W008")
def workers_came_home(v: Village) -> list[Hit] | None:
    """One in fifteen and one more ended last month."""
    working = [row for h in v.swept for row in h.rows if row.form == "work_spell" and row.values["work_start"] and row.values["working_now"]]
    clean = {h.code for h in v.households if not h.spells}
    ending = [row for row in working if row.household in clean and row.values["work_end"] is None][: len(working) // 15 + 1]
    if len({row.person for row in working}) < 30 or len(ending) <= len(working) // 15:
        return None
    for row in ending:
        row.values.update(working_now=False, work_end="2021-10")
    return [("W008", v.now.place)]


def villages_of(county: DemoCounty) -> list[Village]:
    """Villages whose tables are handed in, by code."""
    by_place: dict[str, list[DemoRow]] = {}
    for row in county.tables:
        by_place.setdefault(row.village, []).append(row)
    swept = collected_by_village(county.households)
    found = []
    for code, rows in sorted(by_place.items()):
        of_village = {row.last: row for row in rows if row.form == "village_year"}
        if len(of_village) == 2 and all(name in of_village[False].values for name in LANDS):
            naturals = [row for row in rows if row.form == "natural_village_year" and not row.last]
            team = [row for row in rows if row.form == "resident_team"]
            homes = swept.get(code, [])
            clean = [household for household in homes if not household.boundary and not household.faulty]
            found.append(Village(of_village[False], of_village[True], naturals, team, clean, homes))
    return found
