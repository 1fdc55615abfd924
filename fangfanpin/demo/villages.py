"""Draw the village tables, resident teams and helping units that a county's villages hold by November: last year's all, this year's for most."""

import datetime
import random
from collections.abc import Iterator, Mapping, Sequence

from fangfanpin.demo.county import DemoCounty, DemoRow, DemoVillage, Values
from fangfanpin.demo.maps import Place
from fangfanpin.demo.people import Numbers, given_name, surname

_UNITS = ("固镇县财政局", "固镇县农业农村局", "固镇县水利局", "固镇县教育局", "固镇县卫健委", "固镇农村商业银行", "蚌埠市住建局")
_POSTS = ("党总支书记", "党支部书记、村委会主任")
# Share of villages by how far this year's tables are.
_STATES = ("approved", "submitted", "draft", "empty")
_WEIGHTS = (3, 4, 1, 2)
# What a village's table adds up over its natural villages.
SUMMED = (
    "households population dibao_households dibao_population tekun_households tekun_population minority_population women_population "
    "disabled_population labor_population migrant_workers"
).split()
LANDS = ("farmland_mu", "forest_mu", "returned_forest_mu", "orchard_mu", "grassland_mu", "water_area_mu")


def village_rows(naturals: Sequence[tuple[str, str]], villages: Sequence[DemoVillage], seed: int, places: Mapping[str, Place]) -> Iterator[DemoRow]:
    """Tables of both years, teams and units, the same for the same seed. `naturals`: (code of 15 digits, name)."""
    draw = random.Random(seed * 17 + 3)
    numbers = Numbers(draw)
    under: dict[str, list[str]] = {}
    for code, _name in naturals:
        under.setdefault(code[:12], []).append(code)
    for village in villages:
        state = draw.choices(_STATES, _WEIGHTS)[0]
        totals: dict[str, int] = {}
        before: dict[str, int] = {}
        for code in under.get(village.code, []):
            last = _natural(draw, numbers)
            yield DemoRow("natural_village_year", village.code, place=code, values=last, last=True, state="locked")
            now = last | _drift(last, draw) | {"migrant_workers": last["migrant_workers"] + draw.randint(-2, 4)}
            if (
                code == under[village.code][-1]
                and totals.get("population", 0) + now["population"] == before.get("population", 0) + last["population"]
            ):
                now["population"] += 1  # nowhere is a year without any change
            for name in SUMMED:
                totals[name] = totals.get(name, 0) + now[name]
                before[name] = before.get(name, 0) + last[name]
            if state == "draft":
                now = {name: value for name, value in now.items() if name in ("leader_name", "leader_phone", "households", "population")}
            if state != "empty":
                yield DemoRow("natural_village_year", village.code, place=code, values=now, state=state)
        if totals:
            last = _village(draw, numbers, totals, len(under[village.code]), places[village.code])
            summed = before | {"natural_villages": len(under[village.code])}
            yield DemoRow("village_year", village.code, place=village.code, values=last | summed, last=True, state="locked")
            if state in ("approved", "submitted"):
                yield DemoRow("village_year", village.code, place=village.code, values=last | _counted(last, draw) | _stated(totals), state=state)
            yield from _people(village, draw, numbers, state, has_team=last["team_required"])


def _natural(draw: random.Random, numbers: Numbers) -> Values:
    households = draw.randint(28, 110)
    people = households * draw.randint(32, 41) // 10
    return {
        "leader_name": surname(draw) + given_name(draw, "1", 1970), "leader_phone": numbers.phone(), "households": households, "population": people,
        "dibao_households": households // 20, "dibao_population": households // 12, "tekun_households": households // 50,
        "tekun_population": households // 50, "minority_population": draw.choice((0, 0, 0, 2)), "women_population": people * 47 // 100,
        "disabled_population": people // 30, "labor_population": people * 55 // 100, "migrant_workers": people // 5,
        "dist_to_admin_village_km": draw.randint(20, 350), "road_to_admin_village": draw.random() < 0.97, "electricity": True,
        "production_power": draw.random() < 0.9, "broadband": draw.random() < 0.95,
    }  # fmt: skip


def _drift(last: Values, draw: random.Random) -> Values:
    """A few are born, a few leave."""
    return {"population": last["population"] + draw.randint(-3, 3), "disabled_population": last["disabled_population"] + draw.choice((0, 0, 1))}


def _village(draw: random.Random, numbers: Numbers, totals: dict[str, int], count: int, place: Place) -> Values:
    households, people = totals["households"], totals["population"]
    attribute = "01" if draw.random() < 0.3 else "02"
    return {
        "leader_name": surname(draw) + given_name(draw, "1", 1970), "leader_post": draw.choice(_POSTS), "office_phone": numbers.phone(),
        "village_attribute": attribute, "is_exited": attribute == "01", "team_required": draw.random() < 0.4,
        "development_direction": draw.choice(("01", "02")), "terrain": "01", "party_members": people // 40, "graduate_officials": draw.randint(0, 2),
        "information_officers": draw.randint(1, 3), "lon": place.lon, "lat": place.lat,
        "altitude": draw.randint(1500, 2400), "farmland_mu": households * 900, "irrigated_mu": households * 700, "forest_mu": households * 20,
        "returned_forest_mu": 0, "orchard_mu": draw.randint(0, 20_000), "grassland_mu": 0, "water_area_mu": draw.randint(0, 30_000),
        "livestock_head": households * 2, "farmer_per_capita_income": draw.randint(13_000, 17_000) * 100,
        "collective_income_wan": draw.randint(800, 6000), "cooperatives": draw.randint(1, 8), "tourism_households": 0, "tourism_workers": 0,
        "farmstay_households": 0, "farmstay_income": 0, "resident_medical_insured": people * 96 // 100, "medical_assisted": people // 60,
        "resident_pension_insured": people * 60 // 100, "employee_pension_insured": people * 6 // 100, "road_to_town": True,
        "dist_to_town_km": draw.randint(100, 1500), "bus_service": True, "unsafe_water_households": 0, "hard_water_households": 0,
        "dilapidated_households": 0, "electrified_natural_villages": count, "broadband_households": households * 8 // 10,
        "smartphone_households": households * 9 // 10, "clinics": 1, "public_toilets": draw.randint(1, 5), "doctors": draw.randint(1, 3),
        "waste_points": count, "library_rooms": 1, "primary_schools": draw.choice((0, 1)), "broadband_schools": draw.choice((0, 1)),
    }  # fmt: skip


def _counted(last: Values, draw: random.Random) -> Values:
    """What is counted over the period is never last year's."""
    return {
        "farmer_per_capita_income": last["farmer_per_capita_income"] * draw.randint(103, 109) // 100,
        "collective_income_wan": last["collective_income_wan"] * draw.randint(95, 130) // 100,
        "medical_assisted": last["medical_assisted"] + draw.randint(0, 4),
    }


def _stated(totals: dict[str, int]) -> Values:
    """What another village table says: the same."""
    return {"households_stated": totals["households"], "population_stated": totals["population"], "labor_population_stated": None}


def _people(village: DemoVillage, draw: random.Random, numbers: Numbers, state: str, *, has_team: bool) -> Iterator[DemoRow]:
    """A team of three where one is required, a helping unit everywhere."""
    reviewed = "approved" if state == "approved" else "submitted"
    yield DemoRow(
        "helper_unit", village.code, place=village.code, state=reviewed,
        values={
            "unit_name": draw.choice(_UNITS), "unit_type": "01", "unit_level": "04", "unit_address": "固镇县城关镇", "unit_phone": numbers.phone(),
            "contact_name": surname(draw) + given_name(draw, "1", 1980), "contact_phone": numbers.phone(),
        },
    )  # fmt: skip
    if not has_team:
        return
    for place in range(3):
        born = datetime.date(draw.randint(1968, 1994), draw.randint(1, 12), draw.randint(1, 28))
        sex = draw.choice(("1", "1", "2"))
        yield DemoRow(
            "resident_team", village.code, place=village.code, state=reviewed, secrets={"id_number": numbers.identity(born, sex)},
            values={
                "member_name": surname(draw) + given_name(draw, sex, born.year), "sex": sex, "phone": numbers.phone(), "education": "04",
                "political_status": "01", "specialty": None, "unit": draw.choice(_UNITS), "unit_position": draw.choice(("科员", "副科长", "职员")),
                "is_first_secretary": place == 0, "is_leader": place == 0, "is_deputy": place == 1, "is_member": place == 2,
                "is_village_cadre": False, "start_on": "2021-05-20", "end_on": None, "days_in_village": draw.randint(20, 26),
            },
        )  # fmt: skip


def settle_villages(county: DemoCounty) -> None:
    """Bring the tables of both years in step with the households, whatever these say: a village has no less land than they have, and no natural
    village says that all have what one of them has not."""
    lands: dict[tuple[str, str], int] = {}
    without: set[tuple[str, str]] = set()
    for household in county.households:
        for name in LANDS:
            key = household.village, name
            lands[key] = lands.get(key, 0) + max(household.now.get(name) or 0, household.last.get(name) or 0)
        without |= {(household.natural, name) for name in ("electricity", "broadband") if household.now.get(name) is False}
    for row in county.tables:
        if row.form == "village_year":
            row.values.update({name: max(row.values[name], lands.get((row.place, name), 0)) for name in LANDS})
        elif row.form == "natural_village_year":
            row.values.update({name: False for name in ("electricity", "broadband") if name in row.values and (row.place, name) in without})
