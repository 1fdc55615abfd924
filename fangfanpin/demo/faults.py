"""Plant faults into finished, collected households, and write down every hit they must cause.

Written from the catalogue's statements, not from the rules: imports nothing of them. One fault per household; each planter
says all hits, for household (None), persons and rows of registers, side effects included, or None where the household does not suit it.
"""

import datetime
from collections.abc import Callable, Iterable
from typing import TypeVar

from fangfanpin.demo.county import (
    LINE,
    YUAN,
    DemoHousehold,
    DemoPerson,
    DemoRow,
    DemoSpell,
    Values,
    add_up,
    age,
    net,
    total_income,
    transfers,
)
from fangfanpin.demo.people import check_character

_T = TypeVar("_T")
Hit = tuple[str, DemoPerson | DemoRow | None]
Planter = Callable[[DemoHousehold], list[Hit] | None]
PLANTERS: dict[str, Planter] = {}
ON_SHEETS: set[str] = set()  # faults of the household's sheet: its entries on work follow it
_SCHOOL = datetime.date(2021, 9, 1)
PER_RULE = 2


def planter(rule_id: str, *, on_sheet: bool = True) -> Callable[[Planter], Planter]:
    def keep(function: Planter) -> Planter:
        PLANTERS[rule_id] = function
        if on_sheet:
            ON_SHEETS.add(rule_id)
        return function

    return keep


# Finding a suitable person


def first(found: Iterable[_T]) -> _T | None:
    return next(iter(found), None)


def is_adult(p: DemoPerson, low: int = 25, high: int = 55) -> bool:
    return low <= age(p.birth) <= high and p.now["school_status"] is None


def healthy(p: DemoPerson) -> bool:
    return bool(p.now["health_status"] == ["01"])


def idle_adult(h: DemoHousehold) -> DemoPerson | None:
    """Healthy, 25-55, ordinary labour, not working, no head."""
    return first(p for p in h.persons if is_adult(p) and healthy(p) and p.now["labor_ability"] == "01" and not p.works and p.relation != "01")


def any_adult(h: DemoHousehold) -> DemoPerson | None:
    return first(p for p in h.persons if is_adult(p) and p.relation != "01" and p.card is None)


def worker(h: DemoHousehold) -> DemoPerson | None:
    return first(p for p in h.persons if p.now["work_months"] and is_adult(p, 22, 58) and healthy(p) and p.education not in ("05", "07"))


def elder(h: DemoHousehold, low: int = 61, high: int = 99, labour: tuple[str, ...] = ("05", "04")) -> DemoPerson | None:
    return first(
        p for p in h.persons if low <= age(p.birth) <= high and healthy(p) and p.now["labor_ability"] in labour and not p.works and p.card is None
        and p.now["tekun_status"] == "01"
    )  # fmt: skip


def pupil(h: DemoHousehold, grades: tuple[str, ...] = ("03",), last: tuple[str, ...] = ("03",)) -> DemoPerson | None:
    return first(
        p for p in h.persons if p.last and p.now["school_status"] in grades and p.last["school_status"] in last and 7 <= age(p.birth, _SCHOOL) <= 17
    )


def labour_elsewhere(h: DemoHousehold, but: DemoPerson) -> bool:
    return any(p.now["labor_ability"] in ("01", "02") for p in h.persons if p is not but)


def plans(h: DemoHousehold, p: DemoPerson) -> bool:
    """Is the person looking for work away?"""
    return any(row.form == "work_plan" and row.person == p.code for row in h.rows)


def earns(h: DemoHousehold) -> bool:
    """Wages well above what transfers bring, so that a share of transfers never matters."""
    return bool(h.now["wage_income"] > 20_000 * YUAN and h.now["wage_income"] * 5 > net(h.now) * 3)


def exited(h: DemoHousehold) -> bool:
    return h.type == "01"


def per_head(values: Values) -> float:
    return float(net(values) / values["household_size"])


def unmonitored(h: DemoHousehold) -> bool:
    return not h.spells


# Simple families of planters


def person_value(rule_id: str, find: Callable[[DemoHousehold], DemoPerson | None], name: str, value: object, *more: str) -> None:
    """One item of a suitable person set to a value; `more`: other rules that it hits on the same person."""

    @planter(rule_id)
    def plant_it(h: DemoHousehold) -> list[Hit] | None:
        p = find(h) if unmonitored(h) else None
        if p is None:
            return None
        p.now[name] = value
        return [(rule, p) for rule in (rule_id, *more)]


def household_value(rule_id: str, name: str, value: object, *more: str) -> None:
    @planter(rule_id)
    def plant_it(h: DemoHousehold) -> list[Hit] | None:
        if not unmonitored(h) or not exited(h):
            return None
        h.now[name] = value
        return [(rule, None) for rule in (rule_id, *more)]


def spell_value(rule_id: str, suits: Callable[[DemoHousehold, DemoSpell], bool], change: Callable[[DemoSpell], None], *more: str) -> None:
    @planter(rule_id)
    def plant_it(h: DemoHousehold) -> list[Hit] | None:
        if not h.spells or not suits(h, h.spells[-1]):
            return None
        change(h.spells[-1])
        return [(rule, None) for rule in (rule_id, *more)]


def put(**values: object) -> Callable[[DemoSpell], None]:
    return lambda spell: spell.values.update(values)


# F: identity


@planter("F001")
def same_number(h: DemoHousehold) -> list[Hit] | None:
    pairs = [(a, b) for a in h.persons for b in h.persons if a.code < b.code and a.sex == b.sex and not a.card and not b.card]
    if not pairs or not unmonitored(h):
        return None
    a, b = pairs[0]
    b.id_number = a.id_number
    return [("F001", a), ("F001", b), ("F010", b)]


def _number(rule_id: str, change: Callable[[str], str], *more: str) -> None:
    @planter(rule_id)
    def plant_it(h: DemoHousehold) -> list[Hit] | None:
        p = any_adult(h)
        if p is None or not p.id_number:
            return None
        p.id_number = change(p.id_number)
        return [(rule, p) for rule in (rule_id, *more)]


_number("F002", lambda n: n[:17])
_number("F003", lambda n: n[:17] + ("5" if n[17] != "5" else "6"))
_number("F006", lambda n: n[:10] + "13" + n[12:17] + check_character(n[:10] + "13" + n[12:17]), "F010")
_number("F008", lambda n: "999999" + n[6:])


def _card(rule_id: str, change: Callable[[str], str]) -> None:
    @planter(rule_id)
    def plant_it(h: DemoHousehold) -> list[Hit] | None:
        p = first(p for p in h.persons if p.card)
        if p is None or p.card is None:
            return None
        p.card = change(p.card)
        return [(rule_id, p)]


_card("F004", lambda c: c[:18] + "8" + c[19:])
_card("F005", lambda c: c + "A1")


def _other_number(card: str) -> str:
    first17 = card[:14] + f"{(int(card[14:17]) + 2) % 1000:03d}"
    return first17 + check_character(first17) + card[18:]


_card("F011", _other_number)


@planter("F009")
def wrong_sex(h: DemoHousehold) -> list[Hit] | None:
    head = first(p for p in h.persons if p.relation == "01")
    if head is None or any(p.relation == "02" for p in h.persons):
        return None
    head.sex = "2" if head.sex == "1" else "1"
    return [("F009", head)]


@planter("F010")
def wrong_birth(h: DemoHousehold) -> list[Hit] | None:
    p = any_adult(h)
    if p is None or not 2 <= p.birth.month <= 7:
        return None
    p.birth += datetime.timedelta(days=1)
    return [("F010", p)]


@planter("F012")
def odd_name(h: DemoHousehold) -> list[Hit] | None:
    p = any_adult(h)
    if p is None:
        return None
    p.name = p.name[0] + "A"
    return [("F012", p)]


@planter("F013")
def no_name(h: DemoHousehold) -> list[Hit] | None:
    p = any_adult(h)
    if p is None:
        return None
    p.name = "未取名"
    return [("F013", p)]


@planter("F014")
def short_phone(h: DemoHousehold) -> list[Hit] | None:
    p = worker(h)
    if p is None:
        return None
    p.now["phone"] = p.now["phone"][:8]
    return [("F014", p)]


household_value("F015", "household_phone", None)
household_value("F016", "household_phone", "13888888888")


@planter("F019")
def foreign_holder(h: DemoHousehold) -> list[Hit] | None:
    h.bank_holder = "外村某某"
    return [("F019", None)]


# C: completeness


@planter("C001")
def no_ethnicity(h: DemoHousehold) -> list[Hit] | None:
    p = any_adult(h)
    if p is None:
        return None
    p.ethnicity = None
    return [("C001", p)]


person_value("C002", lambda h: any_adult(h) if exited(h) else None, "health_status", None)
person_value("C003", lambda h: p if (p := idle_adult(h)) and labour_elsewhere(h, p) else None, "labor_ability", None)


@planter("C004")
def no_relation(h: DemoHousehold) -> list[Hit] | None:
    p = any_adult(h)
    if p is None:
        return None
    p.relation = ""
    return [("C004", p)]


@planter("C005")
def no_schooling(h: DemoHousehold) -> list[Hit] | None:
    p = idle_adult(h)
    if p is None:
        return None
    p.now["education_level"] = None
    return [("C005", p), ("P001", p)]


person_value("C006", any_adult, "critical_illness_insured", None)


@planter("C007")
def no_pension_answer(h: DemoHousehold) -> list[Hit] | None:
    p = idle_adult(h)
    if p is None:
        return None
    p.now["resident_pension"] = p.now["employee_pension"] = None
    return [("C007", p)]


@planter("C008")
def no_medical_answer(h: DemoHousehold) -> list[Hit] | None:
    p = idle_adult(h)
    if p is None:
        return None
    p.now["resident_medical"] = p.now["employee_medical"] = None
    return [("C008", p)]


person_value("C009", any_adult, "speaks_mandarin", None)
for _rule, _name in (
    ("C010", "safe_water"), ("C011", "sanitary_toilet"), ("C012", "forest_mu"), ("C014", "housing_area_m2"), ("C015", "dilapidated_house"),
    ("C016", "dist_main_road_km"),
):  # fmt: skip
    household_value(_rule, _name, None)


@planter("C013")
def no_road(h: DemoHousehold) -> list[Hit] | None:
    h.now["road_type"] = h.now["road_hardened"] = None
    return [("C013", None)]


household_value("C017", "electricity", False)
spell_value("C018", lambda h, s: True, put(risk_1=None), "C019")
spell_value("C019", lambda h, s: True, put(id_wage=None))
spell_value("C020", lambda h, s: s.state == "02", put(el_claim=None))
spell_value("C021", lambda h, s: s.state == "02", put(contact_phone=None))
spell_value("C022", lambda h, s: True, put(risk_1="99", risk_remark=None))
spell_value("C023", lambda h, s: True, put(risk_1="04", disaster_subtype=None))
person_value("C033", lambda h: first(p for p in h.persons if p.now["school_status"] in ("10", "11", "12", "13", "14", "20")), "school_name", None)

# K: codes


@planter("K001")
def unknown_relation(h: DemoHousehold) -> list[Hit] | None:
    p = any_adult(h)
    if p is None:
        return None
    p.relation = "77"
    return [("K001", p)]


person_value("K002", any_adult, "political_status", "04")
person_value("K003", lambda h: p if (p := idle_adult(h)) else None, "education_level", "88")
person_value("K004", pupil, "school_status", "88")
person_value("K005", lambda h: p if (p := idle_adult(h)) and labour_elsewhere(h, p) else None, "labor_ability", "88")
person_value("K006", elder, "health_status", ["01", "02"])
person_value("K010", elder, "health_status", ["02", "03"])

# P: one person

person_value("P001", pupil, "education_level", "02")


@planter("P002")
def daughter_is_male(h: DemoHousehold) -> list[Hit] | None:
    p = first(p for p in h.persons if p.relation == "03" and p.sex == "1")
    if p is None:
        return None
    p.relation = "04"
    return [("P002", p)]


person_value("P003", any_adult, "employee_medical", True)


def _uninsured(rule_id: str, assisted: bool) -> None:
    @planter(rule_id)
    def plant_it(h: DemoHousehold) -> list[Hit] | None:
        p = idle_adult(h) if unmonitored(h) and exited(h) else None
        if p is None:
            return None
        p.now["resident_medical"] = False
        p.now["medical_assistance"] = assisted
        hits: list[Hit] = [("P004", p), ("P005", p), ("Y013", p), ("H030", None)]
        return [*hits, ("P006", p)] if assisted else hits


_uninsured("P004", assisted=False)
_uninsured("P006", assisted=True)


@planter("P005")
def no_critical(h: DemoHousehold) -> list[Hit] | None:
    p = idle_adult(h) if unmonitored(h) and exited(h) else None
    if p is None:
        return None
    p.now["critical_illness_insured"] = False
    return [("P005", p), ("H028", None), ("H030", None)]


person_value("P007", lambda h: pupil(h) if earns(h) else None, "labor_ability", "01", "P012")
person_value("P008", lambda h: elder(h, 62, 74, ("05",)) if earns(h) else None, "labor_ability", "01")
person_value("P009", lambda h: p if (p := idle_adult(h)) and labour_elsewhere(h, p) and not plans(h, p) else None, "labor_ability", "04")
person_value("P010", lambda h: p if (p := idle_adult(h)) and labour_elsewhere(h, p) else None, "labor_ability", "05")
person_value("P011", lambda h: first(p for p in h.persons if is_adult(p) and p.ill in ("02", "03")) if earns(h) else None, "labor_ability", "01")
person_value(
    "P012", lambda h: first(p for p in h.persons if p.now["school_status"] in ("08", "09", "11", "12") and age(p.birth) >= 16) if earns(h) else None,
    "labor_ability", "01",
)  # fmt: skip


@planter("P013")
def limb_worker(h: DemoHousehold) -> list[Hit] | None:
    p = first(p for p in h.persons if p.card and p.grade in ("1", "2"))
    if p is None or p.card is None or not earns(h) or not unmonitored(h):
        return None
    p.category = "4"
    p.card = p.card[:18] + "4" + p.card[19:]
    before = p.last.get("labor_ability")
    p.now["labor_ability"] = "01"
    recovered: list[Hit] = [("Y008", p)] if before in ("03", "04") and age(p.birth) >= 18 else []
    return [("P013", p), ("P011" if age(p.birth) < 60 else "P008", p), *recovered]


person_value("P014", elder, "health_status", ["04"])
person_value("P015", lambda h: first(p for p in h.persons if p.card and p.last), "health_status", ["02"], "Y007")
person_value("P016", pupil, "dropout_reason", "01")


@planter("P017")
def out_of_school(h: DemoHousehold) -> list[Hit] | None:
    p = pupil(h) if unmonitored(h) and exited(h) else None
    if p is None:
        return None
    p.now["school_status"] = p.now["school_name"] = None
    return [("P017", p), ("P001", p), ("C005", p), ("H030", None)]


person_value("P018", lambda h: p if (p := pupil(h)) and age(p.birth, _SCHOOL) >= 7 else None, "school_status", "02")
person_value("P019", lambda h: p if (p := pupil(h, ("07", "10"), ("06",))) and not p.now["education_help"] else None, "school_status", "03")
person_value("P020", lambda h: p if (p := pupil(h)) and age(p.birth, _SCHOOL) <= 11 else None, "school_status", "04")
person_value("P021", pupil, "school_status", "07")
person_value("P022", pupil, "school_status", "20")
person_value("P023", pupil, "school_status", "25", "P022")


def _left_school(h: DemoHousehold) -> DemoPerson | None:
    """18 at the start of the school year, no pupil, and no education written last year."""
    return first(
        p for p in h.persons
        if p.last and age(p.birth, _SCHOOL) == 18 and p.now["school_status"] is None and p.last["education_level"] is None
    )  # fmt: skip


person_value("P024", _left_school, "education_level", "02")
person_value("P025", lambda h: p if (p := pupil(h)) and age(p.birth, _SCHOOL) < 12 else None, "education_level", "03", "P001")


def _works(p: DemoPerson) -> None:
    p.now.update(work_months=30, work_region="04", work_place_code="310115", works_abroad=False, work_company="某厂", employment_channel="05")


@planter("P026")
def student_works(h: DemoHousehold) -> list[Hit] | None:
    p = first(p for p in h.persons if p.now["school_status"] in ("08", "09", "11", "12") and age(p.birth) >= 16)
    if p is None or not earns(h) or not unmonitored(h):
        return None
    _works(p)
    return [("P026", p), ("P028", p)]


@planter("P027")
def child_works(h: DemoHousehold) -> list[Hit] | None:
    p = pupil(h)
    if p is None or not earns(h) or not unmonitored(h):
        return None
    _works(p)
    return [("P026", p), ("P027", p), ("P028", p)]


@planter("P028")
def works_without_labour(h: DemoHousehold) -> list[Hit] | None:
    p = worker(h)
    if p is None or not labour_elsewhere(h, p) or not unmonitored(h):
        return None
    p.now["labor_ability"] = "04"
    return [("P028", p), ("P009", p)]


@planter("P029")
def works_nowhere(h: DemoHousehold) -> list[Hit] | None:
    p = worker(h)
    if p is None:
        return None
    p.now["work_place_code"] = p.now["work_region"] = None
    return [("P029", p)]


person_value("P030", worker, "work_months", 130)
person_value("P031", idle_adult, "public_job_type", ["05"])


def _public_job(rule_id: str, find: Callable[[DemoHousehold], DemoPerson | None], jobs: list[str], *more: str) -> None:
    @planter(rule_id)
    def plant_it(h: DemoHousehold) -> list[Hit] | None:
        p = find(h) if unmonitored(h) else None
        if p is None:
            return None
        p.now.update(public_job_type=jobs, public_job_months=12)
        unpaid = [("H016", None)] if h.now["wage_income"] < 6000 * YUAN else []
        return [*((rule, p) for rule in (rule_id, *more)), *unpaid]


_public_job("P032", pupil, ["05"], "P035")
_public_job("P033", lambda h: elder(h, 70, 74, ("05",)), ["05"])
_public_job("P034", idle_adult, ["01", "05", "08"])
_public_job("P035", lambda h: elder(h, 76, 95, ("04",)), ["05"], "P033")


def _tekun(rule_id: str, find: Callable[[DemoHousehold], DemoPerson | None], *more: str) -> None:
    @planter(rule_id)
    def plant_it(h: DemoHousehold) -> list[Hit] | None:
        p = find(h) if unmonitored(h) and not h.now["tr_tekun"] else None
        if p is None:
            return None
        p.now["tekun_status"] = "02"
        return [*((rule, p) for rule in more), ("H018", None)]


_tekun("P036", worker, "P036", "P037")
_tekun("P037", lambda h: p if (p := idle_adult(h)) and p.now["dibao_status"] == "01" else None, "P037")
_tekun("P038", lambda h: first(p for p in h.persons if p.now["dibao_status"] == "02" and age(p.birth) >= 60 and not p.works), "P038")
_tekun("H018", lambda h: p if (p := elder(h)) and p.now["dibao_status"] == "01" else None)
person_value("P039", any_adult, "education_help", ["01"])
person_value("P040", elder, "resident_pension", False)
person_value("P041", idle_adult, "resident_pension", False)
person_value("P042", any_adult, "employee_pension", True)
person_value("P043", pupil, "resident_pension", True)
person_value("P044", lambda h: p if (p := pupil(h)) and age(p.birth) < 13 else None, "political_status", "03")
person_value("P045", worker, "is_soldier", True)


@planter("P046")
def hundred(h: DemoHousehold) -> list[Hit] | None:
    p = elder(h, 82, 99)
    if p is None or not p.id_number:
        return None
    p.birth = datetime.date(1920, 5, 5)
    first17 = p.id_number[:6] + "19200505" + p.id_number[14:17]
    p.id_number = first17 + check_character(first17)
    return [("P046", p)]


person_value("P047", idle_adult, "education_level", "07")

# H: the household


@planter("H001")
def no_head(h: DemoHousehold) -> list[Hit] | None:
    p = first(p for p in h.persons if p.relation == "01")
    if p is None:
        return None
    p.relation = "99"
    return [("H001", None)]


def _relation(rule_id: str, relation: str, suits: Callable[[DemoHousehold], DemoPerson | None]) -> None:
    @planter(rule_id)
    def plant_it(h: DemoHousehold) -> list[Hit] | None:
        p = suits(h)
        if p is None:
            return None
        p.relation = relation
        return [(rule_id, None)]


_relation("H002", "01", lambda h: first(p for p in h.persons if p.relation in ("03", "04") and age(p.birth) >= 20))
_relation("H003", "02", lambda h: first(p for p in h.persons if p.relation == "05") if any(p.relation == "02" for p in h.persons) else None)


@planter("H004")
def same_sex(h: DemoHousehold) -> list[Hit] | None:
    p = first(p for p in h.persons if p.relation == "02" and not p.card)
    if p is None or not p.id_number:
        return None
    p.sex = "2" if p.sex == "1" else "1"
    first17 = p.id_number[:14] + f"{int(p.id_number[14:17]) ^ 1:03d}"
    p.id_number = first17 + check_character(first17)
    return [("H004", None)]


@planter("H006")
def child_head(h: DemoHousehold) -> list[Hit] | None:
    head = first(p for p in h.persons if p.relation == "01")
    child = first(p for p in h.persons if 8 <= age(p.birth) <= 16)
    if head is None or child is None or any(p.relation in ("02", "03", "04", "11", "12") for p in h.persons if p is not child):
        return None
    head.relation, child.relation = "99", "01"
    return [("H006", None)]


@planter("H007")
def wrong_size(h: DemoHousehold) -> list[Hit] | None:
    size = h.now["household_size"]
    if size < 5 or not unmonitored(h) or net(h.now) / (size - 1) > 45_000 * YUAN or per_head(h.now) * size / (size - 1) > per_head(h.last) * 1.45:
        return None
    h.now["household_size"] = size - 1
    return [("H007", None)]


@planter("H008")
def child_alone(h: DemoHousehold) -> list[Hit] | None:
    p = h.persons[0]
    if len(h.persons) > 1 or not unmonitored(h) or p.now["dibao_status"] != "02" or not healthy(p) or p.works or not p.id_number:
        return None
    p.birth = datetime.date(2009, 5, 4)
    first17 = p.id_number[:6] + "20090504" + p.id_number[14:17]
    p.id_number = first17 + check_character(first17)
    for values, school in ((p.now, "04"), (p.last, "03")):
        values.update(
            school_status=school, school_name="固镇县实验学校", education_level=None, labor_ability="04", resident_pension=False, phone=None
        )
    for values in (h.now, h.last):
        values["tr_rest"] += values["tr_pension"] + values["tr_old_age_allowance"]
        values["tr_pension"] = values["tr_old_age_allowance"] = 0
        add_up(values)
    return [("H008", None)]


@planter("H009")
def closed_but_live(h: DemoHousehold) -> list[Hit] | None:
    h.household_state = "02"
    return [("H009", None)]


def _stated(rule_id: str, name: str, of: Callable[[Values], int], by: int) -> None:
    @planter(rule_id)
    def plant_it(h: DemoHousehold) -> list[Hit] | None:
        h.now[name] = of(h.now) + by
        return [(rule_id, None)]


_stated("H010", "total_income_stated", total_income, 100)
_stated("H011", "transfer_income_stated", transfers, 500)
_stated("H012", "net_income_stated", net, 2)


@planter("H013")
def works_without_wage(h: DemoHousehold) -> list[Hit] | None:
    p = idle_adult(h)
    if p is None or h.now["wage_income"] or any(q.now["work_months"] for q in h.persons) or not unmonitored(h):
        return None
    _works(p)
    return [("H013", None)]


@planter("H014")
def wage_without_work(h: DemoHousehold) -> list[Hit] | None:
    workers = [p for p in h.persons if p.now["work_months"]]
    if not workers or not h.now["wage_income"] or not unmonitored(h) or any(p.education in ("05", "07") for p in workers):
        return None
    for p in workers:
        p.now.update(work_months=0, work_region=None, work_place_code=None, works_abroad=None, work_company=None, employment_channel=None)
    return [("H014", None)]


@planter("H017")
def dibao_without_money(h: DemoHousehold) -> list[Hit] | None:
    p = first(p for p in h.persons if is_adult(p, 25, 90) and p.now["tekun_status"] == "01")
    if p is None or h.now["tr_dibao"] or not unmonitored(h):
        return None
    p.now["dibao_status"] = "02"
    return [("H017", None)]


def _move(rule_id: str, name: str, to: str, suits: Callable[[DemoHousehold], bool]) -> None:
    """An amount put under another heading: the sums stay, the entitlement is missing."""

    @planter(rule_id)
    def plant_it(h: DemoHousehold) -> list[Hit] | None:
        if not h.now[name] or h.now[name] > 5000 * YUAN or not suits(h):
            return None
        h.now[to] += h.now[name]
        h.now[name] = 0
        add_up(h.now)
        return [(rule_id, None)]


_move("H019", "tr_pension", "tr_rest", lambda h: True)
_move("H020", "tr_land_fertility_subsidy", "tr_rest", lambda h: True)
_move("H022", "tr_disability_subsidy", "tr_rest", lambda h: True)
_move("H023", "tr_old_age_allowance", "tr_rest", lambda h: True)


@planter("H021")
def forest_without_money(h: DemoHousehold) -> list[Hit] | None:
    h.now["returned_forest_mu"] = 200
    return [("H021", None)]


@planter("H024")
def costly_business(h: DemoHousehold) -> list[Hit] | None:
    business, expense = h.now["business_income"], h.now["business_expense"]
    if not business or not earns(h):
        return None
    extra = -(-(business * 95 // 100 - expense) // YUAN) * YUAN
    h.now["exp_other"] += extra
    h.now["wage_migrant"] += extra
    add_up(h.now)
    return [("H024", None)]


@planter("H025")
def business_from_nothing(h: DemoHousehold) -> list[Hit] | None:
    if h.now["business_income"] or h.now["farmland_mu"] or per_head(h.now) + 1000 * YUAN > per_head(h.last) * 1.45:
        return None
    h.now["biz_other"] = 1000 * YUAN
    h.now["coop_member"] = False
    add_up(h.now)
    return [("H025", None)]


@planter("H026")
def dilapidated(h: DemoHousehold) -> list[Hit] | None:
    if not unmonitored(h) or not exited(h):
        return None
    h.now.update(dilapidated_house=True, house_grade="3")
    return [("H026", None), ("H030", None)]


household_value("H027", "safe_water", False, "H030")


def _poor(rule_id: str, target: int, *more: str) -> None:
    @planter(rule_id)
    def plant_it(h: DemoHousehold) -> list[Hit] | None:
        size = h.now["household_size"]
        if not unmonitored(h) or not exited(h) or size != h.last["household_size"]:
            return None
        cut = -(-(net(h.now) - target * size) // (10 * YUAN)) * 10 * YUAN
        wages = (h.now["wage_migrant"], h.last["wage_migrant"])
        if cut <= 0 or min(wages) - cut < 8000 * YUAN:
            return None
        now, last = net(h.now) - cut, net(h.last) - cut
        if last <= 0 or now * 100 > last * 145 or transfers(h.now) * 100 > (total_income(h.now) - cut) * 75:
            return None
        for values in (h.now, h.last):
            values["wage_migrant"] -= cut
            add_up(values)
        return [(rule, None) for rule in (rule_id, *more)]


_poor("H029", 5500 * YUAN)
_poor("H031", 3700 * YUAN, "H029")
household_value("H032", "house_grade", "3")


@planter("H033")
def wrong_monitoring(h: DemoHousehold) -> list[Hit] | None:
    if not h.spells or not exited(h):
        return None
    h.spells[-1].monitoring_type = "02"
    return [("H033", None)]


@planter("H034")
def helpless_without_dibao(h: DemoHousehold) -> list[Hit] | None:
    holders = [p for p in h.persons if p.now["dibao_status"] == "02"]
    helpless = all(p.now["labor_ability"] in ("03", "04") for p in h.persons)
    if not helpless or not holders or h.now["tr_tekun"] or per_head(h.now) < LINE or not unmonitored(h):
        return None
    if max(h.now["tr_dibao"], h.last["tr_dibao"]) > 5000 * YUAN:
        return None
    for p in holders:
        p.now["dibao_status"] = "01"
    h.now["tr_rest"] += h.now["tr_dibao"]
    h.now["tr_dibao"] = 0
    add_up(h.now)
    return [("H034", None)]


# Y: against last year


def _wage_to(h: DemoHousehold, share: int) -> bool:
    """Bring this year's income per head to `share` percent of last year's by the wages alone."""
    wanted = net(h.last) * h.now["household_size"] * share // (h.last["household_size"] * 100)
    wage = h.now["wage_migrant"] + (wanted - net(h.now)) // (10 * YUAN) * 10 * YUAN
    if wage < 8000 * YUAN or wanted > 45_000 * YUAN * h.now["household_size"] or wanted < LINE * h.now["household_size"] * 11 // 10:
        return False
    if transfers(h.now) * 100 > (total_income(h.now) + wage - h.now["wage_migrant"]) * 75:
        return False
    h.now["wage_migrant"] = wage
    add_up(h.now)
    return True


@planter("Y001")
def leap(h: DemoHousehold) -> list[Hit] | None:
    return [("Y001", None)] if h.last["wage_migrant"] and unmonitored(h) and _wage_to(h, 170) else None


@planter("Y002")
def fall(h: DemoHousehold) -> list[Hit] | None:
    return [("Y002", None)] if h.last["wage_migrant"] and exited(h) and unmonitored(h) and _wage_to(h, 92) else None


@planter("Y003")
def crop_gone(h: DemoHousehold) -> list[Hit] | None:
    if h.last["biz_crop"] <= 5000 * YUAN or not earns(h):
        return None
    lost = h.now["biz_crop"] - h.now["exp_crop"]
    h.now.update(biz_crop=0, exp_crop=0)
    h.now["wage_migrant"] += lost
    add_up(h.now)
    return [("Y003", None)]


@planter("Y004")
def land_grown(h: DemoHousehold) -> list[Hit] | None:
    if not h.last["farmland_mu"]:
        return None
    h.now["farmland_mu"] = h.last["farmland_mu"] * 3 // 2
    return [("Y004", None)]


person_value("Y005", lambda h: p if (p := idle_adult(h)) and p.last and p.education in ("03", "04") else None, "education_level", "02")
person_value("Y006", lambda h: pupil(h, ("05",), ("04",)), "school_status", "04")
person_value("Y007", lambda h: first(p for p in h.persons if p.ill == "03" and age(p.birth) >= 61 and p.last), "health_status", ["01"])


@planter("Y008")
def cured(h: DemoHousehold) -> list[Hit] | None:
    p = idle_adult(h)
    if p is None or not p.last:
        return None
    p.last["labor_ability"] = "03"
    return [("Y008", p)]


@planter("Y009")
def dibao_stopped(h: DemoHousehold) -> list[Hit] | None:
    p = first(p for p in h.persons if p.now["dibao_status"] == "01" and p.last)
    if p is None or per_head(h.now) >= LINE * 95 // 100:
        return None
    p.last["dibao_status"] = "02"
    return [("Y009", p)]


# O: out of proportion


def _both_years(rule_id: str, name: str, value: int, *more: str) -> None:
    @planter(rule_id)
    def plant_it(h: DemoHousehold) -> list[Hit] | None:
        if name == "farmland_mu" and not h.now["tr_land_fertility_subsidy"]:
            return None
        h.now[name] = h.last[name] = value
        return [(rule, None) for rule in (rule_id, *more)]


_both_years("O001", "farmland_mu", 10001)
_both_years("O002", "forest_mu", 20100)
_both_years("O003", "returned_forest_mu", 20100, "H021")
_both_years("O004", "orchard_mu", 20001)
_both_years("O005", "grassland_mu", 10001)
_both_years("O006", "water_area_mu", 10100)
_both_years("O007", "dist_main_road_km", 501)
_both_years("O008", "housing_area_m2", 50001)


@planter("O009")
def rich(h: DemoHousehold) -> list[Hit] | None:
    if not earns(h) or not h.last["wage_migrant"] or not unmonitored(h):
        return None
    for values, target in ((h.now, 51_000), (h.last, 49_000)):
        values["wage_migrant"] += target * YUAN * values["household_size"] - net(values)
        add_up(values)
    return [("O009", None)]


@planter("O013")
def copied(h: DemoHousehold) -> list[Hit] | None:
    same = ("tr_pension", "tr_old_age_allowance", "household_size")
    if any(h.now[k] != h.last[k] for k in same) or not unmonitored(h):
        return None
    for name in list(h.now):
        if name.startswith(("wage_", "biz_", "prop_", "tr_", "exp_", "business_")):
            h.now[name] = h.last[name]
    return [("O013", None)]


@planter("O015")
def lives_on_transfers(h: DemoHousehold) -> list[Hit] | None:
    if h.now["wage_income"] or not h.now["biz_other"] or not any(p.now["labor_ability"] in ("01", "02") for p in h.persons):
        return None
    if (
        (transfers(h.now) + h.now["biz_other"]) * 100 <= total_income(h.now) * 82
        or not unmonitored(h)
        or h.now["biz_crop"] == 0 < h.now["business_expense"]
    ):
        return None
    for values in (h.now, h.last):
        values["tr_alimony"] += values["biz_other"]
        values["biz_other"] = 0
        add_up(values)
    if h.now["business_expense"] * 100 > h.now["business_income"] * 90 and h.now["business_expense"]:
        return None
    return [("O015", None)]


# M: monitoring


def _open(s: DemoSpell) -> bool:
    return s.state == "01"


def _ill(h: DemoHousehold, *kinds: str) -> bool:
    return any(p.ill in kinds for p in h.persons)


def _labour(h: DemoHousehold) -> int:
    return sum(p.now["labor_ability"] in ("01", "02") for p in h.persons)


def _works_any(h: DemoHousehold) -> bool:
    return any(p.now["work_months"] for p in h.persons)


spell_value("M001", lambda h, s: not _ill(h, "04"), put(risk_1="03"))
spell_value("M002", lambda h, s: _open(s) and not _ill(h, "02", "03"), put(risk_1="01", id_self_paid=5000 * YUAN))
spell_value("M003", lambda h, s: _open(s) and s.values["risk_1"] == "01" and _ill(h, "02", "03"), put(id_self_paid=0))
spell_value("M004", lambda h, s: not any((p.now["school_status"] or "00") >= "07" for p in h.persons), put(risk_1="02"))
spell_value("M005", lambda h, s: _open(s) and not _labour(h) and not _works_any(h), put(risk_1="08"), "M006")
spell_value("M006", lambda h, s: _open(s) and _labour(h) > 0 and not _works_any(h), put(risk_1="08"))
spell_value("M009", lambda h, s: _open(s) and len(h.persons) == 3 and _labour(h) == 1, put(risk_1="09"))
spell_value("M008", lambda h, s: _open(s) and len(h.persons) >= 4 and len(h.persons) > _labour(h) >= len(h.persons) / 2, put(risk_1="09"), "M009")
spell_value("M007", lambda h, s: _open(s) and len(h.persons) < 4 and _labour(h) == len(h.persons), put(risk_1="09"), "M009")
spell_value("M010", lambda h, s: True, put(id_water_problem=True))
spell_value("M011", lambda h, s: s.values["risk_1"] != "01", put(id_uninsured_member=True))
spell_value("M012", lambda h, s: True, put(id_dropout_child=True), "M022")


@planter("M038")
def not_marked_helpless(h: DemoHousehold) -> list[Hit] | None:
    supported = any(p.now["dibao_status"] == "02" or p.now["tekun_status"] == "02" for p in h.persons)
    if not h.spells or not _open(h.spells[-1]) or not h.now["whole_household_no_labor"] or not supported:
        return None
    h.now["whole_household_no_labor"] = False
    return [("M038", None)]


@planter("M039")
def helpless_eliminated(h: DemoHousehold) -> list[Hit] | None:
    if not h.spells or not _open(h.spells[-1]) or not h.now["whole_household_no_labor"]:
        return None
    spell = h.spells[-1]
    spell.state, spell.eliminated_month = "02", "2021-06"
    spell.values.update(
        elimination_mode="01", el_wage=0, el_business=0, el_property=0, el_transfer=700_000, el_expense=0, el_net=700_000, el_per_capita=700_000,
        el_claim=0, el_self_paid=0, el_household_size=1, el_dropout_child=False, el_house_damaged=False, el_uninsured_member=False,
        el_water_damaged=False,
    )  # fmt: skip
    return [("M039", None)]


@planter("M040")
def quick_elimination(h: DemoHousehold) -> list[Hit] | None:
    if not h.spells or h.spells[-1].state != "02":
        return None
    h.spells[-1].identified_month = h.spells[-1].eliminated_month
    return [("M040", None)]


spell_value("M042", lambda h, s: s.state == "02", put(el_per_capita=5900 * YUAN))
spell_value("M043", lambda h, s: s.state == "02", put(el_dropout_child=True))
spell_value("M044", lambda h, s: s.state == "02", put(el_house_damaged=True))
spell_value("M045", lambda h, s: s.state == "02", put(el_water_damaged=True))


@planter("M049")
def identified_rich(h: DemoHousehold) -> list[Hit] | None:
    if not h.spells or not _open(h.spells[-1]):
        return None
    h.spells[-1].identified_month = "2023-01"
    h.spells[-1].values["id_per_capita"] = 20_001 * YUAN
    return [("M049", None), ("M030", None)]


spell_value("M050", lambda h, s: _open(s), put(id_wage=50 * YUAN))
