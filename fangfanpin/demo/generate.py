"""Draw a county: households with last year's records and, for most, this year's. Clean by construction; faults come after."""

import datetime
import random
from collections.abc import Sequence

from fangfanpin.demo.boundary import after_filling, before_filling
from fangfanpin.demo.county import (
    COMPARED,
    ECO_PARTS,
    SCHOOL_DATE,
    STATE_DATE,
    TRANSFER_PARTS,
    YUAN,
    DemoCounty,
    DemoHousehold,
    DemoPerson,
    DemoSpell,
    DemoVillage,
    OrdinaryHousehold,
    Values,
    add_up,
    age,
    collected_by_village,
    deviations,
    net,
    per_head,
)
from fangfanpin.demo.maps import Place, places_of
from fangfanpin.demo.people import RARE, Numbers, given_name, surname
from fangfanpin.demo.registers import fill_registers
from fangfanpin.demo.villages import settle_villages, village_rows

_COUNTY, _LARGE = 1000, 72  # households from which a county is no mere sample, and those of its large village
_FAR = 2.6  # robust deviations: well within what is asked about
_SIZES = (14, 24, 20, 17, 12, 7, 3, 1.6, 0.8, 0.4, 0.2)
_PLACES = ("310115", "320505", "320583", "330106", "330282", "440306", "340103", "340302")


def generate(
    *, households: int, seed: int, villages: Sequence[DemoVillage], collected_share: float = 0.6, ordinary_per_assisted: float = 2.0
) -> DemoCounty:
    """A county of so many assisted households, the same for the same seed. Communities get next to none."""
    draw = random.Random(seed)
    numbers = Numbers(draw)
    places = places_of(villages)
    weights = [0.02 if village.is_community else draw.lognormvariate(0, 0.35) for village in villages]
    if households >= _COUNTY:  # one village is large enough to be compared within itself
        largest = weights.index(max(weights))
        weights[largest] = max(weights[largest], (sum(weights) - weights[largest]) * _LARGE / (households - _LARGE))
    counts = [0] * len(villages)
    for index in draw.choices(range(len(villages)), weights, k=households):
        counts[index] += 1
    naturals: list[tuple[str, str]] = []
    made: list[DemoHousehold] = []
    ordinary: list[OrdinaryHousehold] = []
    for village, count in zip(villages, counts, strict=True):
        groups = [f"{village.code}{number:03d}" for number in range(1, max(2, min(10, count // 8 + 1)) + 1)]
        naturals += [
            (code, f"{draw.choice('东西南北前后大小')}{draw.choice('张王李刘陈杨赵周吴徐孙胡朱高')}{draw.choice('庄营圩郢巷')}") for code in groups
        ]
        orders = dict.fromkeys(groups, 0)
        for place in range(count):
            group = groups[place * len(groups) // max(count, 1)]
            orders[group] += 1
            made.append(_household(draw, numbers, f"{village.code}{place + 1:04d}", village.code, group, orders[group]))
        for place in range(int(count * ordinary_per_assisted)):
            group = draw.choice(groups)
            orders[group] += 1
            head = surname(draw) + given_name(draw, draw.choice("12"), draw.randrange(1950, 1990))
            ordinary.append(
                OrdinaryHousehold(
                    f"{village.code}{9999 - place:04d}", village.code, group, orders[group], f"{int(group[-3:])}组{orders[group]}号", head
                )
            )
    before_filling(draw, numbers, made)
    for household in made:
        _fill(draw, numbers, household, places[household.village])
        roll = draw.random()
        open_share = 1 - collected_share
        household.state = (
            "empty" if roll < open_share * 0.7 else "draft" if roll < open_share else "submitted" if roll < 1 - collected_share * 0.3 else "approved"
        )
    after_filling(draw, made)
    _keep_together(made)
    county = DemoCounty(naturals, made, ordinary, fill_registers(made, villages, seed), list(village_rows(naturals, villages, seed, places)))
    settle_villages(county)
    return county


def _keep_together(households: Sequence[DemoHousehold]) -> None:
    """Who would stand far from the middle of a village's incomes is still being collected."""
    for village in collected_by_village(households).values():
        for household, far in zip(village, deviations([per_head(h.now) for h in village]), strict=True):
            if len(village) >= COMPARED and far > _FAR:
                household.state, household.boundary = "draft", ""


def _household(draw: random.Random, numbers: Numbers, code: str, village: str, group: str, order: int) -> DemoHousehold:
    size = draw.choices(range(1, 12), _SIZES)[0]
    family = surname(draw)
    head_age = int(draw.triangular(34, 84, 54)) if size > 1 else int(draw.triangular(45, 95, 70))
    relations: list[tuple[str, str, int]] = []  # relation, sex, age
    head_sex = "1" if draw.random() < 0.86 else "2"
    relations.append(("01", head_sex, head_age))
    left = size - 1
    if left and draw.random() < (0.85 if head_age < 75 else 0.6):
        relations.append(("02", "2" if head_sex == "1" else "1", max(24, head_age + draw.randint(-5, 3))))
        left -= 1
    child_ages: list[int] = []
    grown = None
    while left:
        if head_age <= 52 and draw.random() < 0.2 and not any(r[0] in ("11", "12") for r in relations):
            relations.append(draw.choice((("11", "1"), ("12", "2"))) + (head_age + draw.randint(21, 30),))
        elif grown is not None and grown >= 26 and draw.random() < 0.65:
            if not any(r[0] == "05" for r in relations):
                relations.append(("05", "2", max(22, grown + draw.randint(-3, 1))))
            else:
                sex = draw.choice("12")
                relations.append(("07" if sex == "1" else "08", sex, draw.randint(0, max(0, min(20, grown - 22)))))
        else:
            sex = "1" if grown is None and head_age > 50 else draw.choice("12")
            child = draw.randint(max(0, head_age - 38), max(0, head_age - 22))
            if any(abs(child - other) < 1 for other in child_ages):
                child = max(0, child - 2)
            child_ages.append(child)
            relations.append(("03" if sex == "1" else "04", sex, child))
            if sex == "1" and child >= 24 and grown is None:
                grown = child
        left -= 1
    persons = []
    for number, (relation, sex, years) in enumerate(relations, start=1):
        birth = STATE_DATE - datetime.timedelta(days=int((years + draw.random() * 0.98 + 0.01) * 365.2425))
        own = family if relation in ("01", "03", "04", "07", "08", "11") else surname(draw)
        name = own + given_name(draw, sex, birth.year)
        if draw.random() < 0.002:
            name = own + draw.choice(RARE)
        person = DemoPerson(f"{code}{number:02d}", name, sex, birth, numbers.identity(birth, sex), relation)
        persons.append(person)
    kind = "01" if draw.random() < 0.96 else "02"
    return DemoHousehold(code, village, group, order, f"{int(group[-3:])}组{order}号", kind, persons)


# Values of one person

_HIGH = {"高中": ("07", "08", "09"), "中职": ("10", "11", "12")}


def school_of(person: DemoPerson, on: datetime.date) -> str | None:
    """School status by age on 1 September: a pupil goes up one grade a year."""
    years = age(person.birth, on)
    if years < 3:
        return "01"
    if years < 6:
        return "02"
    if years < 12:
        return "03"
    if years < 15:
        return ("04", "05", "06")[years - 12]
    if years < 18:
        return _HIGH["中职" if person.track == "中职" else "高中"][years - 15]
    if person.track == "本科" and years < 22:
        return ("20", "21", "22", "23")[years - 18]
    if person.track == "大专" and years < 21:
        return ("13", "14", "15")[years - 18]
    return None


def _character(draw: random.Random, person: DemoPerson) -> None:
    years = age(person.birth)
    person.track = draw.choices(("高中", "中职", "大专", "本科"), (30, 40, 18, 12))[0]
    if years >= 18:
        cohort = ("01", "02") if years >= 66 else ("02", "03") if years >= 48 else ("03", "04")
        person.education = draw.choice(cohort)
        if years < 30 and person.track in ("大专", "本科"):
            person.education = "05" if person.track == "大专" else "07"
        elif years <= 24:
            person.education = "04" if years >= 18 and person.track != "初中" else "03"
    share = 0.03 if years < 40 else 0.1 if years < 60 else 0.3
    if years >= 16 and school_of(person, SCHOOL_DATE) is None and draw.random() < share:
        person.ill = draw.choices(("02", "03", "04"), (55, 15, 30))[0]
        if person.ill == "04" and person.id_number:
            person.category, person.grade = draw.choice("1234567"), draw.choice("1234")
            person.card = person.id_number + person.category + person.grade
    person.works = 22 <= years <= 62 and not person.ill and draw.random() < 0.44
    if 18 <= years < 60 and person.education in ("05", "07") and school_of(person, SCHOOL_DATE) is None:
        person.works, person.ill, person.card, person.category, person.grade = True, "", None, None, None


def _person_values(draw: random.Random, person: DemoPerson, on: datetime.date, school_on: datetime.date, phone: str | None) -> Values:
    years = age(person.birth, on)
    school = school_of(person, school_on)
    if years < 16 or school is not None:
        labour = "04"
    elif years < 60:
        labour = "05" if person.ill else "02" if person.works and person.education in ("05", "07") else "01"
    else:
        labour = "05" if years < 75 and not person.ill else "04"
    works = person.works and labour in ("01", "02", "05")
    place = draw.choice(_PLACES) if works else None
    adult = years >= 16 and school is None
    return {
        "political_status": "13",
        "education_level": None if school is not None else person.education,
        "school_status": school,
        "school_name": None if school in (None, "01") else "固镇县实验学校",
        "dropout_reason": None,
        "health_status": [person.ill or "01"],
        "illness_name": "高血压" if person.ill == "02" else "恶性肿瘤" if person.ill == "03" else None,
        "labor_ability": labour,
        "work_region": ("03" if place.startswith("34") else "04") if place else None,
        "work_place_code": place,
        "work_company": "某制造有限公司" if works else None,
        "work_months": draw.choice((60, 80, 90, 100, 110)) if works else 0,
        "works_abroad": False if works else None,
        "industry_class": None,
        "employment_channel": "05" if works else None,
        "public_job_type": None,
        "public_job_months": None,
        "speaks_mandarin": years < 60,
        "resident_medical": True,
        "employee_medical": False,
        "insured_elsewhere": False,
        "critical_illness_insured": True,
        "commercial_medical": False,
        "medical_assistance": person.ill == "03",
        "other_health_help": bool(person.ill),
        "accident_insurance_subsidy": False,
        "resident_pension": adult,
        "employee_pension": False,
        "dibao_status": "01",
        "tekun_status": "01",
        "tekun_care_mode": None,
        "education_help": ["01"] if school in ("10", "11", "12") else None,
        "is_soldier": False,
        "phone": phone if years >= 16 else None,
        "graduate_unemployed_reason": None,
    }


def _income(draw: random.Random, household: DemoHousehold, persons: list[DemoPerson], on: datetime.date) -> Values:
    """Last year's income sheet: wages by workers, crops by land, transfers by entitlement."""
    zero = (
        "wage_migrant wage_public_dept wage_public_town wage_public_village wage_gather biz_crop biz_livestock biz_forest biz_other "
        "prop_asset_dividend prop_land_rent prop_loan_project prop_entrusted prop_rest tr_family_planning tr_dibao tr_tekun tr_pension "
        "exp_crop exp_livestock exp_forest exp_other claim_income self_paid_expense"
    ).split()
    values: Values = dict.fromkeys([*zero, *ECO_PARTS, *TRANSFER_PARTS], 0)
    for person in persons:
        if person.works and age(person.birth, on) >= 21:
            values["wage_migrant"] += min(round(draw.lognormvariate(10.1, 0.35) / 500) * 500, 36_000) * YUAN
    land = household.last["farmland_mu"] // 100
    values["biz_crop"] = land * draw.choice((900, 1000, 1100)) * YUAN
    values["exp_crop"] = values["biz_crop"] * 4 // 10 // (10 * YUAN) * 10 * YUAN
    if draw.random() < 0.15:
        values["biz_livestock"] = draw.choice((2000, 3000, 5000)) * YUAN
        household.last["livestock_head"] = draw.choice((2, 4, 20))
        values["exp_livestock"] = values["biz_livestock"] // 2
    if draw.random() < 0.25:
        values["prop_asset_dividend"] = draw.choice((200, 300, 500)) * YUAN
    values["tr_land_fertility_subsidy"] = land * 98 * YUAN
    values["self_paid_expense"] = draw.choice((800, 1500, 3200)) * YUAN if any(p.ill for p in persons) else 0
    _entitlements(values, persons, on)
    return values


def _entitlements(values: Values, persons: list[DemoPerson], on: datetime.date) -> None:
    values["tr_pension"] = 1320 * YUAN * sum(age(p.birth, on) >= 60 for p in persons)
    values["tr_old_age_allowance"] = 600 * YUAN * sum(age(p.birth, on) >= 80 for p in persons)
    values["tr_disability_subsidy"] = 1680 * YUAN * sum(p.grade in ("1", "2") for p in persons)


def _living(draw: random.Random, size: int) -> Values:
    land = draw.choice((0, 2, 3, 4, 5, 6, 8, 10, 12, 15)) * 100
    return {
        "household_attribute": "01",
        "is_martyr_military_family": False,
        "whole_household_no_labor": False,
        "lives_in_resettlement_area": False,
        "resettlement_address": None,
        "farmland_mu": land,
        "forest_mu": 0,
        "returned_forest_mu": 0,
        "orchard_mu": 0,
        "grassland_mu": 0,
        "water_area_mu": 0,
        "livestock_head": 0,
        "runs_shop": False,
        "safe_water": True,
        "electricity": True,
        "tv": True,
        "broadband": draw.random() < 0.97,
        "dist_main_road_km": draw.choice((5, 10, 20, 30, 50, 80, 120)),
        "road_type": "03",
        "road_hardened": True,
        "housing_area_m2": max(60, size * draw.randint(16, 30)) * 100,
        "dilapidated_house": False,
        "house_grade": None,
        "sanitary_toilet": True,
        "toilet_usable": True,
        "fuel_type": "04",
        "coop_member": draw.random() < 0.2,
        "leading_enterprise": False,
        "entrepreneur_lead": False,
        "household_industry_type": None,
    }


_HIGHEST = 20_000 * YUAN  # a head and year; what grows from it stays under what is worth a question


def _no_more_than(values: Values, most: int) -> None:
    over = net(values) - most
    if over > 0 and values["wage_migrant"]:
        values["wage_migrant"] = max(values["wage_migrant"] - over // (500 * YUAN) * (500 * YUAN) - 500 * YUAN, 1000 * YUAN)
        add_up(values)


_GROWING = "wage_migrant biz_crop biz_livestock prop_asset_dividend tr_alimony tr_dibao tr_tekun tr_social_relief exp_crop exp_livestock".split()


def _fill(draw: random.Random, numbers: Numbers, household: DemoHousehold, place: Place) -> None:
    """Both years' records, without a single fault."""
    persons = household.persons
    for person in persons:
        _character(draw, person)
    before, before_school = STATE_DATE.replace(year=2020), SCHOOL_DATE.replace(year=2020)
    known = [p for p in persons if p.birth <= before]
    for person in persons:
        phone = numbers.phone()
        person.now = _person_values(draw, person, STATE_DATE, SCHOOL_DATE, phone)
        if person in known:
            person.last = _person_values(draw, person, before, before_school, phone)
            for name in ("work_place_code", "work_region", "work_months"):
                if person.now[name] and person.last[name]:
                    person.last[name] = person.now[name]
        else:
            person.new, person.change_kind, person.change_reason, person.change_date = True, "01", "06", person.birth
    household.last = _living(draw, len(persons))
    household.last["household_size"] = max(len(known), 1)
    household.last["household_phone"] = numbers.phone()
    household.last["address"] = household.address
    last = _income(draw, household, known, before)
    labour = any(p.now["labor_ability"] in ("01", "02") for p in persons)
    poor = draw.random() < (0.16 if not labour else 0.05) and len(known) == len(persons)
    if not labour or not any(p.works for p in known):
        elders = [p for p in persons if age(p.birth) >= 63]
        if len(persons) == 1 and elders and draw.random() < 0.15 and not poor:
            persons[0].now["tekun_status"] = "02"
            persons[0].last["tekun_status"] = "02"
            persons[0].now["tekun_care_mode"] = persons[0].last["tekun_care_mode"] = "01"
            household.last["household_attribute"] = "03"
            last["tr_tekun"] = 9600 * YUAN
        elif not labour or draw.random() < 0.3:
            holder = draw.choice(known) if known else persons[0]
            holder.now["dibao_status"] = holder.last["dibao_status"] = "02"
            household.last["household_attribute"] = "02"
            last["tr_dibao"] = draw.choice((3600, 4200, 5400)) * YUAN
    # Few are poor, and what the others have at least differs: nobody stands far from the middle of the village.
    least = draw.randrange(7200, 15_000, 100) * YUAN
    target = (4700 * YUAN if poor else least) * household.last["household_size"]
    add_up(last)
    if net(last) < target:
        gap = -(-(target - net(last)) // (10 * YUAN)) * 10 * YUAN
        key = "wage_migrant" if any(p.now["work_months"] for p in known) else "biz_other" if labour else "tr_alimony"
        last[key] += gap
        if key == "biz_other" and household.last["farmland_mu"] == 0:
            household.last["runs_shop"] = True
        add_up(last)
    _no_more_than(last, _HIGHEST * household.last["household_size"])
    household.last |= last
    _grow(draw, household, labour)
    monitored = (poor or draw.random() < 0.05) and len(known) == len(persons)
    if monitored:
        _spell(draw, household, labour)
    elif household.type == "02":
        household.type = "01"
    if draw.random() < 0.8:
        household.location = (place.lat + draw.randint(-place.north, place.north), place.lon + draw.randint(-place.east, place.east))
        if draw.random() < 0.5:  # taken last year too, a few steps away
            household.last_location = (household.location[0] + draw.randint(-150, 150), household.location[1] + draw.randint(-150, 150))
    else:  # from its code: what is drawn after it stays as it was when some had none
        steps = int(household.code[-8:])
        household.location = (place.lat + steps * 7919 % place.north, place.lon + steps * 104_729 % place.east)
    household.bank_card = numbers.bank_card()
    household.bank_holder = persons[0].name
    household.helper = draw.randrange(10**6)


def _grow(draw: random.Random, household: DemoHousehold, labour: bool) -> None:
    """This year: entitlements by age, the rest grows 3–14 %, never less per head than last year."""
    now = dict(household.last)
    persons = household.persons
    for name in _GROWING:
        now[name] = round(household.last[name] * draw.uniform(1.03, 1.14) / (10 * YUAN)) * 10 * YUAN
    if household.last["biz_other"]:
        now["biz_other"] = round(household.last["biz_other"] * draw.uniform(1.03, 1.14) / (10 * YUAN)) * 10 * YUAN
    _entitlements(now, persons, STATE_DATE)
    now["household_size"] = len(persons)
    add_up(now)
    wanted = net(household.last) * len(persons) * 103 // (household.last["household_size"] * 100) + 10 * YUAN
    if net(now) < wanted:
        gap = -(-(wanted - net(now)) // (10 * YUAN)) * 10 * YUAN
        works = any(p.now["work_months"] for p in persons)
        key = "wage_migrant" if works and household.last["wage_migrant"] else "biz_other" if household.last["biz_other"] else "tr_alimony"
        now[key] += gap
        add_up(now)
    now["whole_household_no_labor"] = all(p.now["labor_ability"] in ("03", "04") for p in persons)
    now["filler_name"] = None
    household.now = now


def _spell(draw: random.Random, household: DemoHousehold, labour: bool) -> None:
    persons = household.persons
    ill = any(p.ill in ("02", "03") for p in persons)
    disabled = any(p.ill == "04" for p in persons)
    student = any((p.now["school_status"] or "00") >= "07" for p in persons)
    works = any(p.now["work_months"] for p in persons)
    sevens = sum(p.now["labor_ability"] in ("01", "02") for p in persons) * 4 <= len(persons)
    risk = "01" if ill else "03" if disabled else "02" if student else "08" if works and labour else "09" if sevens else "10"
    eliminated = draw.random() < 0.4 and not household.now["whole_household_no_labor"]
    month = f"{draw.choice((2019, 2020))}-{draw.randint(3, 12):02d}"
    size = len(persons)
    wage, business, transfer, expense = (
        household.last["wage_income"] // 2,
        household.last["business_income"] // 2,
        3000 * YUAN,
        household.last["business_expense"] // 2,
    )
    total = wage + business + transfer - expense
    if total > 5500 * YUAN * size:  # poor when identified, whatever the year had brought
        wage, business, expense = (5500 * YUAN * size - transfer) // (10 * YUAN) * 10 * YUAN, 0, 0
    wage = 0 if wage < 100 * YUAN else wage
    total = wage + business + transfer - expense
    values: Values = {
        "is_poverty_exit_household": household.type == "01",
        "risk_1": risk,
        "risk_2": None,
        "dev_measure_state": "01" if labour else "03",
        "contact_name": "村联系人",
        "contact_phone": "13955210000",
        "collector_name": "村信息员",
        "id_wage": wage,
        "id_business": business,
        "id_property": 0,
        "id_transfer": transfer,
        "id_expense": expense,
        "id_net": total,
        "id_per_capita": total // size,
        "id_claim": 0,
        "id_self_paid": 6000 * YUAN if risk == "01" else 0,
        "id_household_size": size,
        "id_housing_problem": False,
        "id_dropout_child": False,
        "id_water_problem": False,
        "id_uninsured_member": False,
    }
    if eliminated:
        income = max(net(household.now), 7000 * YUAN * size)
        values |= {
            "elimination_mode": "01", "el_wage": income - 2000 * YUAN, "el_business": 1000 * YUAN, "el_property": 0, "el_transfer": 1000 * YUAN,
            "el_expense": 0,
            "el_net": income, "el_per_capita": income // size, "el_claim": 0, "el_self_paid": 0, "el_household_size": size,
            "el_dropout_child": False, "el_house_damaged": False, "el_uninsured_member": False, "el_water_damaged": False,
        }  # fmt: skip
    kind = "01" if household.type == "01" else "02"
    household.spells.append(DemoSpell(1, month, kind, "02" if eliminated else "01", "2021-06" if eliminated else None, values))
