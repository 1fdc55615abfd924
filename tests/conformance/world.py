"""The small world of the specification tables: one schema, households with people and spells, and the scopes engines evaluate in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fangfanpin.expressions import Bool, Code, Codes, Date, Int, Month, Number, Relation, Schema, Table, Text, Type

CASES = Path(__file__).parent / "cases"
Row = Mapping[str, Any]

HOUSEHOLD: Mapping[str, Type] = {
    "household_size": Int(),
    "livestock": Int(),
    "wage_income": Number("yuan", 2),
    "net_income": Number("yuan", 2),
    "farmland_mu": Number("mu", 2),
    "irrigated_mu": Number("mu", 2),
    "road_km": Number("km", 2),
    "walk_km": Number("km", 3),
    "lat": Number("degree", 6),
    "lon": Number("degree", 6),
    "household_type": Code("household_type"),
    "causes": Codes("cause"),
    "other_causes": Codes("cause"),
    "safe_water": Bool(),
    "broadband": Bool(),
    "head_name": Text(),
    "bank_holder": Text(),
    "phone": Text(),
    "first_month": Month(),
    "exit_month": Month(),
    "visited_on": Date(),
    "entered_on": Date(),
}
PERSON: Mapping[str, Type] = {
    "member_name": Text(),
    "phone": Text(),
    "id18_digest": Text(),
    "sex": Code("sex"),
    "relation": Code("relation"),
    "grade": Code("grade"),
    "health": Codes("health"),
    "birth_date": Date(),
    "id_birth": Date(),
    "work_months": Number("month", 1),
    "wage": Number("yuan", 2),
    "position": Int(),
    "is_worker": Bool(),
    "insured": Bool(),
    "joined_month": Month(),
}
SPELL: Mapping[str, Type] = {
    "spell_no": Int(),
    "risk": Code("cause"),
    "risks": Codes("cause"),
    "income": Number("yuan", 2),
    "identified_month": Month(),
    "eliminated_month": Month(),
    "identified_on": Date(),
    "stable": Bool(),
    "note": Text(),
}
# A register: rows of a household beside its people.
WORK: Mapping[str, Type] = {
    "person_ref": Text(),
    "start_month": Month(),
    "end_month": Month(),
    "wage": Number("yuan", 2),
    "county": Text(),
    "kind": Code("cause"),
    "kinds": Codes("cause"),
    "paid_on": Date(),
    "is_open": Bool(),
    "times": Int(),
}
# Rows under no household that name several of them, as a project does.
PLAN: Mapping[str, Type] = {
    "title": Text(),
    "funds": Number("yuan", 2),
    "kind": Code("cause"),
    "started_month": Month(),
    "ended_on": Date(),
    "is_done": Bool(),
    "times": Int(),
}
LISTS: Mapping[str, Mapping[str, str]] = {
    "household_type": {"01": "一般脱贫户", "02": "低保脱贫户", "03": "特困供养脱贫户", "04": "监测对象"},
    "cause": {"01": "因病", "02": "因学", "03": "因残", "04": "缺劳动力", "99": "其他"},
    "sex": {"1": "男性", "2": "女性"},
    "relation": {"01": "户主", "02": "配偶", "03": "之子", "04": "之女"},
    "grade": {"01": "小学", "02": "初中", "03": "高中", "04": "大专"},
    "health": {"01": "健康", "02": "长期慢性病", "03": "患有大病", "04": "残疾"},
}
SCHEMA = Schema(
    subjects={
        "household": Table("household", HOUSEHOLD),
        "person": Table("person", PERSON),
        "spell": Table("spell", SPELL, has_last=False),
        "work": Table("work", WORK, has_last=False),
        "plan": Table("plan", PLAN, has_last=False, of_household=False),
    },
    relations={
        "members": Relation("members", "person", live_only=True),
        "all_members": Relation("all_members", "person"),
        "spells": Relation("spells", "spell"),
        "works": Relation("works", "work"),
        "plans": Relation("plans", "plan", by="households"),
    },
    lists=LISTS,
    params={"income_line": Number("yuan", 2), "school_age": Int(), "unknown_line": Number("yuan", 2)},
    constants={"state_date": Date(), "period_start": Date(), "period_end": Date(), "school_date": Date(), "form_year": Int()},
    orderings={"school": {"01": 1, "02": 2, "03": 3}},
)
# `param.unknown_line` has no value in force: it reads as NULL.
CONSTS: Mapping[str, int] = {
    "state_date": 20210930,
    "period_start": 20201001,
    "period_end": 20210930,
    "school_date": 20210901,
    "form_year": 2021,
    "param.income_line": 600_000,
    "param.school_age": 6,
}


@dataclass(frozen=True, slots=True)
class Person:
    row: Row
    last: Row | None = None
    live: bool = True


@dataclass(frozen=True, slots=True)
class Home:
    """A household in engine values: integers, codes, tuples for multi-selects. `plans`: those that name it; several may share one. `village`: where
    it is of one."""

    row: Row = field(default_factory=dict)
    last: Row | None = None
    people: Sequence[Person] = ()
    spells: Sequence[Row] = ()
    works: Sequence[Row] = ()
    plans: Sequence[Row] = ()
    village: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """`which`: place of the subject among people, spells or works; ignored for a household."""

    id: str
    subject: str
    text: str
    home: Home
    which: int
    expected: Any


def _row(row: Row | None) -> dict[str, Any] | None:
    return None if row is None else {name: list(value) if isinstance(value, tuple) else value for name, value in row.items()}


def household_scope(home: Home) -> dict[str, Any]:
    """What stands under `household` of a scope: plain data, no circle."""
    people = [({"row": _row(person.row), "last": _row(person.last)}, person.live) for person in home.people]
    latest = max(home.spells, key=lambda row: row["spell_no"], default=None)
    return {
        "row": _row(home.row),
        "last": _row(home.last),
        "relations": {
            "members": [row for row, live in people if live],
            "all_members": [row for row, _live in people],
            "spells": [{"row": _row(row), "last": None} for row in home.spells],
            "works": [{"row": _row(row), "last": None} for row in home.works],
            "plans": [{"row": _row(row), "last": None} for row in home.plans],
        },
        "spell": None if latest is None else {"row": _row(latest)},
        **({"village": home.village} if home.village else {}),  # only set functions ask for it
    }


def scope(home: Home, subject: str, which: int = 0) -> dict[str, Any]:
    """The scope of docs/rule-language.md, as JSON can hold it."""
    return scope_in(household_scope(home), subject, which)


def scope_in(household: dict[str, Any], subject: str, which: int) -> dict[str, Any]:
    """As `scope`, for several subjects of one household."""
    match subject:
        case "household":
            own = {"row": household["row"], "last": household["last"]}
        case "person":
            own = dict(household["relations"]["all_members"][which])
        case "work":
            own = dict(household["relations"]["works"][which])
        case _:
            own = dict(household["relations"]["spells"][which])
    return own | {"household": household, "consts": dict(CONSTS)}
