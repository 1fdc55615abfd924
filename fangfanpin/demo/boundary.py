"""Clean households at the edges of what the rules forbid: exactly 16 and 60, income exactly the line, zero, empty, absent, 29 February, twins.

None may be reported. Written from the catalogue's statements, not from the rules: imports nothing of them. A kind is made in one of two
moments: before filling (births, numbers: the values follow) or after it (values of a filled household moved to the limit).
"""

import datetime
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from fangfanpin.demo.county import (
    COMPARED,
    LINE,
    SCHOOL_DATE,
    STATE_DATE,
    YUAN,
    DemoHousehold,
    DemoPerson,
    Values,
    add_up,
    age,
    net,
    total_income,
    transfers,
)
from fangfanpin.demo.people import Numbers

Before = Callable[[random.Random, Numbers, DemoHousehold], bool]
After = Callable[[DemoHousehold], bool]
BEFORE: dict[str, Before] = {}
AFTER: dict[str, After] = {}
# After filling, what a household prepared before it still needs.
_FINISH: dict[str, Callable[[DemoHousehold], None]] = {}
SHARE = 9  # one household in so many; 222 of the default 2,000
MOST = 600
_CHILDREN = ("03", "04", "07", "08")


def quota(households: int) -> int:
    return min(MOST, households // SHARE)


def before_filling(draw: random.Random, numbers: Numbers, households: Sequence[DemoHousehold]) -> None:
    """Give a part of the quota its births and numbers."""
    pool = list(households)
    draw.shuffle(pool)
    wanted = quota(len(households)) * len(BEFORE) // (len(BEFORE) + len(AFTER))
    _spread(pool, wanted, BEFORE, lambda make, household: make(draw, numbers, household))


def after_filling(draw: random.Random, households: Sequence[DemoHousehold]) -> None:
    """Make the rest of the quota from filled households; all of them count as submitted."""
    for household in households:
        if household.boundary in _FINISH:
            _FINISH[household.boundary](household)
    pool = list(households)
    draw.shuffle(pool)
    made = sum(bool(household.boundary) for household in households)
    small = {village for village, count in Counter(household.village for household in households).items() if count < COMPARED}
    _spread(
        pool, quota(len(households)) - made, AFTER,
        lambda make, household: (make is not fifty_thousand or household.village in small) and make(household),
    )  # fmt: skip
    for household in households:
        if household.boundary:
            household.state = "submitted"


def _spread(pool: list[DemoHousehold], wanted: int, kinds: dict[str, Callable[..., bool]], apply: Callable[..., bool]) -> None:
    """About the same number of each kind: a kind with few suitable households leaves its share to the others."""
    free = [household for household in pool if not household.boundary]
    started = {kind: 0 for kind in kinds}
    while wanted > 0 and started:
        for kind in list(started):
            while started[kind] < len(free):
                household = free[started[kind]]
                started[kind] += 1
                if not household.boundary and apply(kinds[kind], household):
                    household.boundary = kind
                    wanted -= 1
                    break
            else:
                del started[kind]
            if wanted <= 0:
                return


def before(kind: str) -> Callable[[Before], Before]:
    def keep(function: Before) -> Before:
        BEFORE[kind] = function
        return function

    return keep


def after(kind: str) -> Callable[[After], After]:
    def keep(function: After) -> After:
        AFTER[kind] = function
        return function

    return keep


# Births and numbers


def _born(person: DemoPerson, birth: datetime.date, numbers: Numbers) -> None:
    person.birth = birth
    person.id_number = numbers.identity(birth, person.sex)


def _first(persons: Iterable[DemoPerson]) -> DemoPerson | None:
    return next(iter(persons), None)


def _child(household: DemoHousehold, low: int, high: int) -> DemoPerson | None:
    return _first(p for p in household.persons if p.relation in _CHILDREN and low <= age(p.birth) <= high)


def _child_born(kind: str, low: int, high: int, birth: datetime.date, *, without_number: bool = False) -> None:
    """A child between two ages is given a birthday."""

    @before(kind)
    def make(draw: random.Random, numbers: Numbers, household: DemoHousehold) -> bool:
        person = _child(household, low, high)
        if person is None:
            return False
        _born(person, birth, numbers)
        if without_number:
            person.id_number = None
        return True


def _elder_born(kind: str, low: int, high: int, birth: datetime.date, relations: tuple[str, ...] = ("01", "02")) -> None:
    @before(kind)
    def make(draw: random.Random, numbers: Numbers, household: DemoHousehold) -> bool:
        person = _first(p for p in household.persons if p.relation in relations and low <= age(p.birth) <= high)
        if person is None:
            return False
        _born(person, birth, numbers)
        return True


_child_born("exactly 16", 14, 19, STATE_DATE.replace(year=2005))
_child_born("one day under 16", 14, 19, datetime.date(2005, 10, 1))
_child_born("6 on the day school begins", 4, 9, SCHOOL_DATE.replace(year=2015))
_child_born("7 the day after school begins", 4, 9, SCHOOL_DATE.replace(year=2014, day=2))
_child_born("14 in primary school", 11, 15, datetime.date(2007, 8, 20))
_child_born("17 in the ninth grade", 14, 19, datetime.date(2004, 8, 25))
_child_born("born 90 days before", 0, 5, STATE_DATE - datetime.timedelta(days=90))
_child_born("60 days old without a number", 0, 5, STATE_DATE - datetime.timedelta(days=60), without_number=True)
_elder_born("exactly 60", 52, 68, STATE_DATE.replace(year=1961))
_elder_born("60 tomorrow", 52, 68, datetime.date(1961, 10, 1))
_elder_born("70 tomorrow in a public job", 64, 75, datetime.date(1951, 10, 1))


@before("100 tomorrow")
def nearly_hundred(draw: random.Random, numbers: Numbers, household: DemoHousehold) -> bool:
    if len(household.persons) != 1 or age(household.persons[0].birth) < 72:
        return False
    _born(household.persons[0], datetime.date(1921, 10, 1), numbers)
    return True


@before("born 29 February")
def leap_day(draw: random.Random, numbers: Numbers, household: DemoHousehold) -> bool:
    person = household.persons[-1]
    year = person.birth.year - person.birth.year % 4
    if age(person.birth) < 2 or (year % 100 == 0 and year % 400):
        return False
    _born(person, datetime.date(year, 2, 29), numbers)
    return True


@before("twins")
def twins(draw: random.Random, numbers: Numbers, household: DemoHousehold) -> bool:
    children = [p for p in household.persons if p.relation in ("03", "04") and 3 <= age(p.birth) <= 17]
    if len(children) < 2:
        return False
    elder, younger = children[:2]
    younger.sex, younger.relation = elder.sex, elder.relation
    younger.name = elder.name[:-1] + ("明" if elder.name[-1] != "明" else "华")
    _born(younger, elder.birth, numbers)
    return True


def _uninsured_newborn(household: DemoHousehold) -> None:
    for person in household.persons:
        if (STATE_DATE - person.birth).days in (60, 90):
            person.now.update(resident_medical=False, critical_illness_insured=False)


def _preschool(household: DemoHousehold) -> None:
    for person in household.persons:
        if person.birth == datetime.date(2014, 9, 2):
            person.now["school_status"] = "02"


def _primary(household: DemoHousehold) -> None:
    for person in household.persons:
        if person.birth == datetime.date(2007, 8, 20):
            person.now["school_status"] = person.last["school_status"] = "03"


def _ninth_grade(household: DemoHousehold) -> None:
    for person in household.persons:
        if person.birth == datetime.date(2004, 8, 25):
            person.now.update(school_status="06", education_help=None)
            person.last.update(school_status="05", education_help=None)
    if household.spells and household.spells[-1].values["risk_1"] == "02":
        household.spells[-1].values["risk_1"] = "10"  # no student above compulsory school any more


def _public_job(household: DemoHousehold) -> None:
    months = min(household.now["wage_income"] // (500 * YUAN), 12)  # what a public job pays is among the wages
    for person in household.persons:
        if months and person.birth == datetime.date(1951, 10, 1) and person.now["labor_ability"] == "05":
            person.now.update(public_job_type=["05"], public_job_months=months)


_FINISH |= {
    "born 90 days before": _uninsured_newborn,
    "60 days old without a number": _uninsured_newborn,
    "7 the day after school begins": _preschool,
    "14 in primary school": _primary,
    "17 in the ninth grade": _ninth_grade,
    "70 tomorrow in a public job": _public_job,
}


# Values at the limit


def _move_net(household: DemoHousehold, now_each: int, last_each: int) -> bool:
    """Bring net income per head to exactly these amounts (fen), both years, by the wages alone; False (and nothing done) where that
    would leave no real wage, or let the transfers weigh too much."""
    if household.spells or not household.now["wage_migrant"] or not household.last["wage_migrant"]:
        return False
    targets = ((household.now, now_each), (household.last, last_each))
    wages = [values["wage_migrant"] + each * values["household_size"] - net(values) for values, each in targets]
    heavy = any(
        transfers(values) * 100 > (total_income(values) + wage - values["wage_migrant"]) * 75
        for (values, _), wage in zip(targets, wages, strict=True)
    )
    if min(wages) < 3000 * YUAN or heavy:
        return False
    for (values, _), wage in zip(targets, wages, strict=True):
        values["wage_migrant"] = wage
        add_up(values)
    return True


@after("income exactly the line")
def on_the_line(household: DemoHousehold) -> bool:
    return _move_net(household, LINE, LINE - 200 * YUAN)


@after("income grown by exactly half")
def grown_by_half(household: DemoHousehold) -> bool:
    return _move_net(household, 18_000 * YUAN, 12_000 * YUAN)


@after("income exactly 50,000 a head")
def fifty_thousand(household: DemoHousehold) -> bool:
    return _move_net(household, 50_000 * YUAN, 49_000 * YUAN)


@after("income exactly last year's")
def same_as_last_year(household: DemoHousehold) -> bool:
    if not _move_net(household, 13_000 * YUAN, 13_000 * YUAN):
        return False
    # From another source by a little: all items equal to the cent would look copied.
    household.now["prop_land_rent"] += 100 * YUAN
    household.now["wage_migrant"] -= 100 * YUAN
    add_up(household.now)
    return True


@after("transfers exactly 80 percent")
def mostly_transfers(household: DemoHousehold) -> bool:
    now, last = household.now, household.last
    only_wages = all(not values[k] for values in (now, last) for k in ("business_income", "business_expense", "prop_other", "prop_asset_dividend"))
    if household.spells or not only_wages or not now["wage_migrant"] or not last["wage_migrant"]:
        return False
    others = [(values, transfers(values) - values["tr_alimony"], each * values["household_size"]) for values, each in ((now, 10_000), (last, 9_800))]
    if any(other > 8 * size * YUAN // 10 or not 0 < values["tr_alimony"] + 1 for values, other, size in others):
        return False
    if bool(now["tr_alimony"]) != bool(last["tr_alimony"]) and max(now["tr_alimony"], last["tr_alimony"]) > 5000 * YUAN:
        return False
    for values, other, size in others:
        values["wage_migrant"] = size * YUAN * 2 // 10
        values["tr_alimony"] = size * YUAN * 8 // 10 - other
        add_up(values)
    return True


@after("business expense exactly 90 percent")
def costly(household: DemoHousehold) -> bool:
    now = household.now
    extra = now["business_income"] * 90 // 100 - now["business_expense"]
    if household.spells or not now["business_income"] or extra < 0 or not now["wage_migrant"]:
        return False
    now["exp_other"] += extra
    now["wage_migrant"] += extra
    add_up(now)
    return True


@after("an income of exactly 5,000 gone")
def income_gone(household: DemoHousehold) -> bool:
    now, last = household.now, household.last
    if household.spells or not now["wage_migrant"] or not last["wage_migrant"] or last["prop_asset_dividend"] or now["prop_asset_dividend"]:
        return False
    if now["prop_other"] or last["prop_other"]:
        return False
    last["prop_land_rent"] = 5000 * YUAN
    last["wage_migrant"] = max(last["wage_migrant"] - 5000 * YUAN, 100 * YUAN)
    add_up(last)
    short = net(last) * now["household_size"] // last["household_size"] + 100 * YUAN - net(now)
    now["wage_migrant"] += max(short, 0)
    add_up(now)
    return True


def _both(kind: str, name: str, value: Callable[[Values], int], suits: Callable[[DemoHousehold], bool] = lambda household: True) -> None:
    """A measure at its limit in both years."""

    @after(kind)
    def make(household: DemoHousehold) -> bool:
        if not suits(household):
            return False
        for values in (household.now, household.last):
            values[name] = value(values)
        return True


_both("farmland exactly 100 mu", "farmland_mu", lambda v: 100_00, lambda h: bool(h.now["tr_land_fertility_subsidy"]))
_both("forest exactly 200 mu", "forest_mu", lambda v: 200_00)
_both("exactly 5 km from the road", "dist_main_road_km", lambda v: 5_00)
_both("housing exactly 500 square metres", "housing_area_m2", lambda v: 500_00)
_both(
    "exactly 10 square metres a head", "housing_area_m2", lambda v: v["household_size"] * 10_00,
    lambda h: h.now["household_size"] == h.last["household_size"],
)  # fmt: skip


@after("land changed by exactly a fifth")
def land_changed(household: DemoHousehold) -> bool:
    land = household.last["farmland_mu"]
    if not land or land % 5:
        return False
    household.now["farmland_mu"] = land * 6 // 5
    return True


_OPTIONAL = ("tv", "broadband", "fuel_type", "coop_member", "leading_enterprise", "entrepreneur_lead", "toilet_usable", "livestock_head", "runs_shop")


def _unused(values: Values) -> list[str]:
    """Parts of sums that are zero."""
    return [k for k, v in values.items() if v == 0 and k.startswith(("wage_", "biz_", "tr_", "exp_", "prop_")) and k not in _SUMS]


_SUMS = frozenset({"wage_income", "business_income", "business_expense", "prop_other", "tr_eco", "tr_other", "tr_family_planning"})


@after("zero")
def zeros(household: DemoHousehold) -> bool:
    """No land, no business: every area and amount is a typed zero."""
    return not household.now["farmland_mu"] and not household.now["business_income"]


@after("empty")
def empties(household: DemoHousehold) -> bool:
    """Asked and left empty where nothing obliges to answer."""
    if household.now["business_income"] and not household.now["farmland_mu"]:
        return False
    for name in (*_OPTIONAL, *_unused(household.now)):
        household.now[name] = None
    return True


@after("absent")
def absents(household: DemoHousehold) -> bool:
    """Not asked at all."""
    if household.now["business_income"] and not household.now["farmland_mu"]:
        return False
    for name in (*_OPTIONAL, *_unused(household.now)):
        household.now.pop(name, None)
    return True


@after("no record last year")
def no_last_year(household: DemoHousehold) -> bool:
    if household.spells:
        return False
    household.last = {}
    for person in household.persons:
        person.last = {}
    return True


@after("exactly 12 months of work")
def all_year(household: DemoHousehold) -> bool:
    workers = [p for p in household.persons if p.now["work_months"]]
    for person in workers:
        person.now["work_months"] = 120
    return bool(workers)


@after("two public jobs")
def two_jobs(household: DemoHousehold) -> bool:
    person = _first(p for p in household.persons if p.now["labor_ability"] == "01" and 25 <= age(p.birth) < 55)
    if person is None or household.now["wage_income"] < 500 * YUAN:
        return False
    person.now.update(public_job_type=["01", "05"], public_job_months=1)
    return True


# Monitoring at the limit


@after("eliminated after exactly 6 months")
def six_months(household: DemoHousehold) -> bool:
    if not household.spells or household.spells[-1].state != "02":
        return False
    household.spells[-1].identified_month = "2020-12"
    return True


@after("eliminated exactly on the line")
def eliminated_on_the_line(household: DemoHousehold) -> bool:
    if not household.spells or household.spells[-1].state != "02":
        return False
    size = household.spells[-1].values["el_household_size"]
    household.spells[-1].values.update(el_wage=LINE * size - 2000 * YUAN, el_net=LINE * size, el_per_capita=LINE)
    return True


@after("identified with wages of exactly 100")
def hundred_yuan(household: DemoHousehold) -> bool:
    if not household.spells or household.spells[-1].state != "01":
        return False
    household.spells[-1].values["id_wage"] = 100 * YUAN
    return True


@after("exactly a quarter can work")
def quarter(household: DemoHousehold) -> bool:
    able = sum(p.now["labor_ability"] in ("01", "02") for p in household.persons)
    if not household.spells or household.spells[-1].state != "01" or able * 4 != len(household.persons):
        return False
    household.spells[-1].values["risk_1"] = "09"
    return True
