"""Draw what a county's registers hold by November: measures, visits, loans, work away and plans for it, projects. Nothing of the rules.

A finished household gets rows that fit it: who is monitored has the measures that its risks, benefits and students call for, who works has
an entry whose wage and months make up the household's wages.
"""

import datetime
import random
from collections.abc import Iterator, Sequence

from fangfanpin.demo.county import YUAN, DemoCounty, DemoHousehold, DemoPerson, DemoRow, DemoVillage, Values, age

_BANKS = ("固镇农村商业银行", "邮储银行固镇县支行", "农业银行固镇县支行")
_FIRMS = ("苏州某电子厂", "昆山某服装厂", "上海某建筑公司", "宁波某注塑厂", "合肥某物流公司", "杭州某食品厂")
_MEASURES = (
    ("39", "3901"), ("39", "3902"), ("40", "4001"), ("40", "4002"), ("42", "4205"),
    ("45", "4501"), ("45", "4503"), ("48", "4801"), ("48", "4803"), ("47", "4701"),
)  # fmt: skip
_FUNDS = ("funds_central", "funds_province", "funds_city", "funds_county", "funds_other")
_FOUND = ("一家人身体都好，收入稳定", "老人慢性病按时取药", "孩子在校，已领助学金", "房屋安全，饮水正常", "希望介绍就近务工")
_PROJECTS = (("01", "蔬菜大棚"), ("01", "肉牛养殖"), ("03", "村内道路硬化"), ("03", "机电井和灌溉"))
_YEAR = datetime.date(2021, 1, 1)
_LAST_MONTH = 2021 * 12 + 8  # September 2021 ends the period
VISITED = datetime.date(2021, 11, 13)
VOCATIONAL = ("10", "11", "12", "13", "14", "15")


def all_rows(county: DemoCounty) -> Iterator[DemoRow]:
    for household in county.households:
        yield from household.rows
    yield from county.projects
    yield from county.tables


def fill_registers(households: Sequence[DemoHousehold], villages: Sequence[DemoVillage], seed: int) -> list[DemoRow]:
    """Every household's rows, the same for the same seed, about six each; returns the projects."""
    draw = random.Random(seed * 31 + 7)
    for household in households:
        rows = [*_spells(draw, household)]
        rows += _of_monitoring(household) if household.spells else _measures(draw, household)
        rows += [*_visits(draw, household), *_loans(draw, household), *_plans(draw, household)]
        for row in rows:
            add_row(household, row)
        settle(household)
    projects = _projects(draw, households, villages)
    for place, project in enumerate(projects):
        project.code = f"project-{place + 1}"
    return projects


def add_row(household: DemoHousehold, row: DemoRow) -> DemoRow:
    # Not how many there are: rows are taken away again.
    highest = max((int(one.code.rpartition("-")[2]) for one in household.rows if one.code), default=0)
    row.code = f"{household.code}-{highest + 1}"
    household.rows.append(row)
    return row


def measure(household: DemoHousehold, item: str, start: str = "2021-01-10", person: str = "", **more: object) -> DemoRow:
    """A measure by the code of its item, whose first two digits are its class."""
    values: Values = {
        "measure_class": item[:2], "measure_item": item, "measure_remark": None, "risk_answered": None, "amount": None,
        "unit_responsible": "村委会", "start_on": start, "end_on": None,
    }  # fmt: skip
    return DemoRow("measure", household.village, household.code, person, values | more)


def _measures(draw: random.Random, household: DemoHousehold) -> Iterator[DemoRow]:
    for _group, item in draw.sample(_MEASURES, draw.choices((1, 2, 3), (5, 3, 2))[0]):
        start = _YEAR + datetime.timedelta(days=draw.randrange(300))
        yield measure(household, item, start.isoformat(), amount=draw.choice((50_000, 100_000, 200_000, 300_000, None)))


def _of_monitoring(household: DemoHousehold) -> Iterator[DemoRow]:
    """A paired cadre and the premium for all, development for who can work, and what benefits and students call for."""
    people = household.live()
    start = f"{household.spells[0].identified_month}-20"
    items = ["5204", "4501"]
    if any(p.now["labor_ability"] in ("01", "02") for p in people):
        items.append("3902")
    if any(p.now["school_status"] in VOCATIONAL for p in people):
        items.append("4701")
    if any(p.now["dibao_status"] != "01" for p in people):
        items.append("4801")
    if any(p.now["tekun_status"] != "01" for p in people):
        items.append("4802")
    if any(p.grade in ("1", "2") for p in people):
        items.append("4803")
    for item in items:
        yield measure(household, item, start)


def _visits(draw: random.Random, household: DemoHousehold) -> Iterator[DemoRow]:
    """The last one in the days before the demo's own, others over the year."""
    days = [VISITED - datetime.timedelta(days=draw.randrange(25))]
    days += [_YEAR + datetime.timedelta(days=draw.randrange(280)) for _ in range(draw.choice((0, 1, 2)))]
    for day in days:
        values: Values = {
            "visited_on": day.isoformat(), "visitors": None, "visit_kind": draw.choice(("01", "02")), "findings": draw.choice(_FOUND),
            "needs_raised": draw.choice((None, None, "想参加技能培训")),
        }  # fmt: skip
        yield DemoRow("visit", household.village, household.code, values=values)


def _loans(draw: random.Random, household: DemoHousehold) -> Iterator[DemoRow]:
    grown = [person for person in household.live() if 20 <= age(person.birth, _YEAR) <= 60]
    if household.type != "01" or not grown or draw.random() >= 0.1:
        return
    granted = datetime.date(2020, 1, 1) + datetime.timedelta(days=draw.randrange(600))
    amount = draw.choice((1_000_000, 2_000_000, 3_000_000, 5_000_000))
    yield DemoRow(
        "microcredit", household.village, household.code, person=draw.choice(grown).code,
        values={
            "bank": draw.choice(_BANKS), "contract_no": f"XD{granted.year}{household.code[6:]}", "principal": amount, "rate": 435,
            "lpr_basis": 385, "granted_on": granted.isoformat(),
            "due_on": granted.replace(year=granted.year + 3, day=min(granted.day, 28)).isoformat(), "term_months": 36, "purpose": "01",
            "passed_to_enterprise": False, "guarantee": "01", "interest_subsidy_rate": 10_000, "subsidy_paid": None, "balance": amount,
            "loan_status": "01", "overdue_days": 0, "renewed_count": 0, "risk_compensation": None,
        },
    )  # fmt: skip


def _spells(draw: random.Random, household: DemoHousehold) -> Iterator[DemoRow]:
    for person in household.live():
        if person.now.get("work_months"):
            yield DemoRow(
                "work_spell", household.village, household.code, person=person.code,
                values={
                    "working_now": True, "work_start": None, "work_end": None, "work_province": None, "work_city": None,
                    "work_county": person.now["work_place_code"], "month_wage": None, "employer": draw.choice(_FIRMS), "industry": "C",
                    "channel": draw.choice(("03", "05", "06")), "point_to_point": draw.random() < 0.1, "transport_subsidy": None,
                },
            )  # fmt: skip


def settle(household: DemoHousehold) -> None:
    """Bring the entries on work in step with the household's sheet: they go on since as many months as were worked, and make up the wages.
    Where they could not (no wages, or such as nobody is paid a month) nobody has filled them in."""
    people = {person.code: person for person in household.live()}
    spells = [row for row in household.rows if row.form == "work_spell"]
    working = [row for row in spells if row.person in people and (people[row.person].now.get("work_months") or 0) >= 10]
    months = {row.code: _months(people[row.person]) for row in working}
    wages = household.now.get("wage_income") or 0
    monthly = wages // max(sum(months.values()), 1) // (10 * YUAN) * 10 * YUAN
    if not 450 * YUAN <= monthly <= 25_000 * YUAN or any(count > 12 for count in months.values()):
        working = []
    gone = {row.code for row in spells} - {row.code for row in working}
    household.rows = [row for row in household.rows if row.code not in gone]
    for row in working:
        row.values.update(work_start=month_text(_LAST_MONTH - months[row.code] + 1), month_wage=monthly)


def _months(person: DemoPerson) -> int:
    return round(int(person.now["work_months"]) / 10)


def month_text(month: int) -> str:
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def _plans(draw: random.Random, household: DemoHousehold) -> Iterator[DemoRow]:
    """Who is looking for work away: some of those who do not work."""
    for person in household.live():
        if person.now.get("labor_ability") == "01" and not person.now.get("work_months") and draw.random() < 0.1:
            yield plan(household, person, draw.choice((["01"], ["02"], ["00"])))


def plan(household: DemoHousehold, person: DemoPerson, needs: list[str] | None) -> DemoRow:
    values: Values = {"round_month": "2021-10", "plan_to_work": True, "plan_county": "320505", "service_need": needs}
    return DemoRow("work_plan", household.village, household.code, person.code, values)


def _projects(draw: random.Random, households: Sequence[DemoHousehold], villages: Sequence[DemoVillage]) -> list[DemoRow]:
    by_village: dict[str, list[str]] = {}
    for household in households:
        by_village.setdefault(household.village, []).append(household.code)
    found: list[DemoRow] = []
    for place, village in enumerate(villages):
        benefiting = by_village.get(village.code, [])
        if not benefiting:
            continue
        kind, content = draw.choice(_PROJECTS)
        funds = {name: draw.choice((0, 5_000_000, 10_000_000, 30_000_000)) for name in _FUNDS}
        planned = sum(funds.values())
        chosen = tuple(draw.sample(benefiting, min(5, len(benefiting))))
        finished = draw.random() < 0.5
        found.append(
            DemoRow(
                "project",
                village.code,
                households=chosen,
                values={
                    "project_no": f"2021-{place + 1:04d}",
                    "project_name": f"{village.name}{content}",
                    "project_type": kind,
                    "project_subtype": None,
                    "content": content,
                    "project_year": 2021,
                    **funds,
                    "funds_planned": planned,
                    "approved_on": "2021-03-15",
                    "funds_approved": planned,
                    "funds_paid": (planned if finished else planned // 2) or None,
                    "start_on": "2021-04-10",
                    "end_on": "2021-09-20" if finished else None,
                    "accepted_on": "2021-10-12" if finished else None,
                    "asset_registered": finished,
                    "beneficiary_households": len(chosen),
                },
            )  # fmt: skip
        )
    return found
