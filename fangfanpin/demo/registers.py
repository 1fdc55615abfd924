"""Draw what a county's registers hold by November: measures, visits, loans, work away, projects. Plain rows; nothing of the rules."""

import datetime
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from fangfanpin.demo.county import DemoHousehold, DemoVillage, Values, age

_BANKS = ("固镇农村商业银行", "邮储银行固镇县支行", "农业银行固镇县支行")
_FIRMS = ("苏州某电子厂", "昆山某服装厂", "上海某建筑公司", "宁波某注塑厂", "合肥某物流公司", "本县某帮扶车间")
_PLACES = ("310115", "320505", "320583", "330106", "330282", "440306", "340103", "340323")
_MEASURES = (
    ("39", "3901"), ("39", "3902"), ("40", "4001"), ("40", "4002"), ("42", "4205"),
    ("45", "4501"), ("45", "4503"), ("48", "4801"), ("48", "4803"), ("47", "4701"),
)  # fmt: skip
_FUNDS = ("funds_central", "funds_province", "funds_city", "funds_county", "funds_other")
_FOUND = ("一家人身体都好，收入稳定", "老人慢性病按时取药", "孩子在校，已领助学金", "房屋安全，饮水正常", "希望介绍就近务工")
_PROJECTS = (("01", "蔬菜大棚"), ("01", "肉牛养殖"), ("03", "村内道路硬化"), ("03", "机电井和灌溉"))
_YEAR = datetime.date(2021, 1, 1)


@dataclass(frozen=True, slots=True)
class DemoRow:
    """One row of a register; `person`: code of whose row it is or of the borrower, `households`: codes that a project benefits. Of villages
    `place` is the division it is about, `last` says that it is the year before's, `secrets` holds whole numbers."""

    form: str
    village: str
    household: str = ""
    person: str = ""
    values: Values = field(default_factory=dict)
    households: tuple[str, ...] = ()
    place: str = ""
    state: str = ""
    last: bool = False
    secrets: dict[str, str] = field(default_factory=dict)


def register_rows(households: Sequence[DemoHousehold], villages: Sequence[DemoVillage], seed: int) -> Iterator[DemoRow]:
    """Rows of every register, the same for the same seed; about five per household."""
    draw = random.Random(seed * 31 + 7)
    number = 0
    for household in households:
        for group, item in draw.sample(_MEASURES, draw.choices((1, 2, 3), (5, 3, 2))[0]):
            start = _YEAR + datetime.timedelta(days=draw.randrange(300))
            yield DemoRow(
                "measure", household.village, household.code,
                values={
                    "measure_class": group, "measure_item": item, "measure_remark": None, "risk_answered": None, "beneficiary_person": None,
                    "amount": draw.choice((50_000, 100_000, 200_000, 300_000, None)), "unit_responsible": "村委会", "start_on": start.isoformat(),
                    "end_on": None,
                },
            )  # fmt: skip
        for _visit in range(draw.choices((1, 2, 3), (3, 4, 3))[0]):
            day = _YEAR + datetime.timedelta(days=draw.randrange(310))
            yield DemoRow(
                "visit", household.village, household.code,
                values={
                    "visited_on": day.isoformat(), "visitors": None, "visit_kind": draw.choice(("01", "02")), "findings": draw.choice(_FOUND),
                    "needs_raised": draw.choice((None, None, "想参加技能培训")),
                },
            )  # fmt: skip
        grown = [person for person in household.live() if 16 <= age(person.birth, _YEAR) <= 65]
        if grown and draw.random() < 0.1:
            number += 1
            granted = datetime.date(2020, 1, 1) + datetime.timedelta(days=draw.randrange(600))
            amount = draw.choice((1_000_000, 2_000_000, 3_000_000, 5_000_000))
            yield DemoRow(
                "microcredit", household.village, household.code, person=draw.choice(grown).code,
                values={
                    "bank": draw.choice(_BANKS), "contract_no": f"XD{granted.year}{number:05d}", "principal": amount, "rate": 435, "lpr_basis": 385,
                    "granted_on": granted.isoformat(), "due_on": granted.replace(year=granted.year + 3, day=min(granted.day, 28)).isoformat(),
                    "term_months": 36, "purpose": "01", "passed_to_enterprise": False, "guarantee": "01", "interest_subsidy_rate": 10_000,
                    "subsidy_paid": None, "balance": amount, "loan_status": "01", "overdue_days": 0, "renewed_count": 0, "risk_compensation": None,
                },
            )  # fmt: skip
        for person in household.live():
            if not person.now.get("work_months"):
                continue
            first = draw.randrange(1, 7)
            yield DemoRow(
                "work_spell", household.village, household.code, person=person.code,
                values={
                    "working_now": True, "work_start": f"2021-{first:02d}", "work_end": None, "work_province": None, "work_city": None,
                    "work_county": draw.choice(_PLACES), "month_wage": draw.randrange(28, 65) * 10_000, "employer": draw.choice(_FIRMS),
                    "industry": None, "channel": draw.choice(("01", "02", "03")), "point_to_point": draw.random() < 0.1, "transport_subsidy": None,
                },
            )  # fmt: skip
    by_village: dict[str, list[str]] = {}
    for household in households:
        by_village.setdefault(household.village, []).append(household.code)
    for place, village in enumerate(villages):
        benefiting = by_village.get(village.code, [])
        if not benefiting:
            continue
        kind, content = draw.choice(_PROJECTS)
        funds = {
            name: draw.choice((0, 5_000_000, 10_000_000, 30_000_000))
            for name in ("funds_central", "funds_province", "funds_city", "funds_county", "funds_other")
        }
        chosen = tuple(draw.sample(benefiting, min(5, len(benefiting))))
        yield DemoRow(
            "project", village.code, households=chosen,
            values={
                "project_no": f"2021-{place + 1:04d}", "project_name": f"{village.name}{content}", "project_type": kind, "content": content,
                "project_year": 2021, **funds, "funds_planned": sum(funds.values()), "beneficiary_households": len(chosen),
            },
        )  # fmt: skip
