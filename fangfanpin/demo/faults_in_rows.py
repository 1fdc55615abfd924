"""Plant faults into registers: measures, work away, loans, visits, projects, and what of the household they are compared with.

Like `faults`, written from the catalogue's statements and importing nothing of the rules; each planter says every hit it causes, on the
household, a person or a row. Entries on work are not brought in step with the sheet afterwards: what differs is the fault.
"""

import datetime
import functools
from collections.abc import Callable

from fangfanpin.demo import faults
from fangfanpin.demo.county import YUAN, DemoHousehold, DemoPerson, DemoRow, DemoSpell, add_up, age
from fangfanpin.demo.faults import Hit, any_adult, exited, first, is_adult, spell_value, unmonitored, worker
from fangfanpin.demo.registers import VOCATIONAL, add_row, measure, month_text, plan, settle

_DEV = ("39", "40", "41", "42")
_COUNTY = "340323"
planter = functools.partial(faults.planter, on_sheet=False)


def rows(h: DemoHousehold, form: str) -> list[DemoRow]:
    return [row for row in h.rows if row.form == form]


def without(h: DemoHousehold, *measures: str) -> None:
    """Take measures out, by code or by class; all of them where none is named."""
    h.rows = [row for row in h.rows if row.form != "measure" or (measures and not row.values["measure_item"].startswith(measures))]


def only_worker(h: DemoHousehold) -> tuple[DemoRow, DemoPerson] | None:
    """The one entry on work of a household that nobody monitors, and whose it is."""
    found = rows(h, "work_spell")
    if len(found) != 1 or h.spells:
        return None
    (person,) = (p for p in h.persons if p.code == found[0].person)
    return found[0], person


def _month(text: str) -> int:
    return int(text[:4]) * 12 + int(text[5:]) - 1


# Entries on work


def work_value(rule_id: str, name: str, value: object, *more: str, suits: Callable[[DemoRow, DemoPerson], bool] = lambda row, p: True) -> None:
    """One item of the only entry set to a value; `more`: other rules that it hits on the entry."""

    @planter(rule_id)
    def plant_it(h: DemoHousehold) -> list[Hit] | None:
        found = only_worker(h)
        if found is None or not suits(*found):
            return None
        found[0].values[name] = value
        return [(rule, found[0]) for rule in (rule_id, *more)]


work_value("C024", "work_start", None)
work_value("C025", "work_county", None)
work_value("C026", "employer", None)
work_value("C034", "working_now", None)
work_value("W002", "working_now", False)
work_value("W003", "work_start", "2018-03", suits=lambda row, p: bool(p.now["work_months"] == 110))
work_value("W004", "channel", "02", suits=lambda row, p: row.values["work_county"] != _COUNTY)


@planter("W005")
def wage_too_high(h: DemoHousehold) -> list[Hit] | None:
    found = only_worker(h)
    if found is None or found[0].values["month_wage"] > 10_000 * YUAN:
        return None
    found[0].values["month_wage"] = 31_000 * YUAN
    return [("W005", found[0]), ("H015", None)]


@planter("W006")
def wage_too_low(h: DemoHousehold) -> list[Hit] | None:
    found = only_worker(h)
    if found is None or found[0].values["month_wage"] < 600 * YUAN:
        return None
    found[0].values["month_wage"] = 399 * YUAN
    return [("W006", found[0]), ("H015", None)]


@planter("H015")
def wage_and_entries_differ(h: DemoHousehold) -> list[Hit] | None:
    found = only_worker(h)
    if found is None or found[0].values["month_wage"] > 14_000 * YUAN:
        return None
    found[0].values["month_wage"] *= 2
    return [("H015", None)]


@planter("W001")
def overlapping(h: DemoHousehold) -> list[Hit] | None:
    found = only_worker(h)
    if found is None:
        return None
    row, person = found
    values = row.values | {"working_now": False, "work_end": row.values["work_start"]}
    add_row(h, DemoRow("work_spell", h.village, h.code, person.code, values))
    return [("W001", row)]


@planter("W007")
def ends_before_it_starts(h: DemoHousehold) -> list[Hit] | None:
    found = only_worker(h)
    if found is None:
        return None
    row, person = found
    row.values.update(working_now=False, work_end=month_text(_month(row.values["work_start"]) - 1))
    return [("W007", row), ("W009", person)]


@planter("W009")
def months_differ(h: DemoHousehold) -> list[Hit] | None:
    found = only_worker(h)
    if found is None or found[1].now["work_months"] < 80:
        return None
    found[1].now["work_months"] = 40
    return [("W009", found[1])]


@planter("W010")
def other_region(h: DemoHousehold) -> list[Hit] | None:
    p = worker(h)
    if p is None or p.now["work_region"] != "04" or not unmonitored(h):
        return None
    p.now["work_region"] = "03"
    return [("W010", p)]


@planter("W011")
def subsidy_at_home(h: DemoHousehold) -> list[Hit] | None:
    found = only_worker(h)
    if found is None:
        return None
    found[0].values.update(work_county=_COUNTY, transport_subsidy=500 * YUAN)
    return [("W011", found[0])]


@planter("C027")
def plans_without_need(h: DemoHousehold) -> list[Hit] | None:
    p = any_adult(h)
    if p is None or rows(h, "work_plan"):
        return None
    return [("C027", add_row(h, plan(h, p, None)))]


@planter("F018")
def one_phone_two_counties(h: DemoHousehold) -> list[Hit] | None:
    working = [p for p in h.persons if p.now["work_months"] and p.now["phone"] and is_adult(p, 20, 60)]
    if len(working) < 2 or not unmonitored(h):
        return None
    a, b = working[:2]
    others = [p for p in working[2:] if p.now["phone"] == a.now["phone"]]
    if others or a.now["work_place_code"] == b.now["work_place_code"]:
        return None
    b.now["phone"] = a.now["phone"]
    return [("F018", a), ("F018", b)]


# Household and persons


@planter("C030")
def nobody_responsible(h: DemoHousehold) -> list[Hit] | None:
    if not exited(h):
        return None
    h.helper = None
    return [("C030", None)]


@planter("C032")
def left_without_reason(h: DemoHousehold) -> list[Hit] | None:
    if not h.persons:
        return None
    gone = DemoPerson(f"{h.code}98", "张远", "1", datetime.date(1950, 5, 5), None, "11", state="02", change_kind="02")
    h.persons.append(gone)
    return [("C032", None)]


@planter("H005")
def child_too_old(h: DemoHousehold) -> list[Hit] | None:
    p = first(p for p in h.persons if p.relation == "02")
    if p is None or not unmonitored(h):
        return None
    p.relation = "04" if p.sex == "2" else "03"
    return [("H005", p)]


@planter("H016")
def pay_beyond_wages(h: DemoHousehold) -> list[Hit] | None:
    p = first(p for p in h.persons if is_adult(p) and p.now["labor_ability"] == "01" and not p.works)
    if p is None or not unmonitored(h) or not 0 < h.now["wage_income"] < 5900 * YUAN:
        return None
    p.now.update(public_job_type=["05"], public_job_months=12)
    return [("H016", None)]


@planter("T016")
def not_visited(h: DemoHousehold) -> list[Hit] | None:
    if not exited(h):
        return None
    h.rows = [row for row in h.rows if row.form != "visit"]
    return [("T016", None)]


@planter("T019")
def checked_by_oneself(h: DemoHousehold) -> list[Hit] | None:
    h.checked_by_enterer = True
    return [("T019", None)]


@planter("T020")
def entered_late(h: DemoHousehold) -> list[Hit] | None:
    h.now["filled_on"] = "2021-10-20"
    return [("T020", None)]


@planter("Y010")
def appeared(h: DemoHousehold) -> list[Hit] | None:
    p = first(p for p in h.persons if p.new and p.change_kind == "01")
    if p is None:
        return None
    p.change_kind, p.change_reason, p.change_date = "", "", None
    return [("Y010", p)]


@planter("Y011")
def renamed(h: DemoHousehold) -> list[Hit] | None:
    p = any_adult(h)
    if p is None or not p.last:
        return None
    p.last_name = p.name[0] + "改"
    return [("Y011", p)]


@planter("G001")
def not_located(h: DemoHousehold) -> list[Hit] | None:
    h.location = None
    return [("G001", None)]


@planter("T018")
def not_read_back(h: DemoHousehold) -> list[Hit] | None:
    h.now["read_back"] = False
    return [("T018", None)]


@planter("G002")
def elsewhere(h: DemoHousehold) -> list[Hit] | None:
    if h.location is None or h.last_location is not None:
        return None
    h.location = (31_800_000, 117_200_000)
    return [("G002", None), ("G003", None)]


@planter("G003")
def at_the_next_village(h: DemoHousehold) -> list[Hit] | None:
    if h.location is None or h.last_location is not None:
        return None
    h.location = (h.location[0] + (60_000 if h.location[0] < 33_335_000 else -60_000), h.location[1])
    return [("G003", None)]


@planter("Y014")
def moved_on_the_map(h: DemoHousehold) -> list[Hit] | None:
    if h.location is None or not h.last:
        return None
    h.last_location = (h.location[0] + 5_000, h.location[1])
    return [("Y014", None)]


@planter("G004")
def inaccurate(h: DemoHousehold) -> list[Hit] | None:
    if h.location is None:
        return None
    h.gps_accuracy_m = 5001
    return [("G004", None)]


@planter("G005")
def swapped(h: DemoHousehold) -> list[Hit] | None:
    if h.location is None:
        return None
    h.location = (h.location[1], h.location[0])
    return [("G005", None), ("G002", None)]


# Loans


def loan_value(rule_id: str, **values: object) -> None:
    @planter(rule_id)
    def plant_it(h: DemoHousehold) -> list[Hit] | None:
        loans = rows(h, "microcredit")
        if not loans:
            return None
        loans[0].values.update(values)
        return [(rule_id, loans[0])]


loan_value("B001", principal=50_001 * YUAN)
loan_value("B002", term_months=37)
loan_value("B005", purpose="11")
loan_value("B006", overdue_days=1, loan_status="04")


@planter("B003")
def old_borrower(h: DemoHousehold) -> list[Hit] | None:
    loans = rows(h, "microcredit")
    elder = first(p for p in h.persons if age(p.birth, datetime.date(2020, 1, 1)) >= 66)
    if not loans or elder is None:
        return None
    loans[0].person = elder.code
    return [("B003", loans[0])]


@planter("B004")
def two_loans(h: DemoHousehold) -> list[Hit] | None:
    loans = rows(h, "microcredit")
    if not loans:
        return None
    values = loans[0].values | {"contract_no": loans[0].values["contract_no"] + "B"}
    second = add_row(h, DemoRow("microcredit", h.village, h.code, loans[0].person, values))
    return [("B004", loans[0]), ("B004", second)]


# Monitored households


def _spell(h: DemoHousehold, *, is_open: bool) -> DemoSpell | None:
    return h.spells[-1] if len(h.spells) == 1 and h.spells[0].state == ("01" if is_open else "02") else None


def _able(h: DemoHousehold) -> bool:
    return any(p.now["labor_ability"] in ("01", "02") for p in h.persons)


def _plain(h: DemoHousehold) -> bool:
    """Nobody calls for a measure of its own: no illness, study or disability among the risks, no benefits, no vocational student."""
    calls = any(p.now["dibao_status"] != "01" or p.now["tekun_status"] != "01" or p.grade or p.now["school_status"] in VOCATIONAL for p in h.persons)
    return h.spells[-1].values["risk_1"] not in ("01", "02", "03") and not calls


def _works(h: DemoHousehold) -> bool:
    return any(p.now["work_months"] for p in h.persons)


def monitored(rule_id: str, *more: str, is_open: bool | None = None) -> Callable[[Callable[[DemoHousehold, DemoSpell], bool]], None]:
    """A planter on a monitored household: the function says whether it suits, having changed it."""

    def keep(change: Callable[[DemoHousehold, DemoSpell], bool]) -> None:
        @planter(rule_id)
        def plant_it(h: DemoHousehold) -> list[Hit] | None:
            spell = h.spells[-1] if len(h.spells) == 1 else None
            if spell is None or (is_open is not None and spell.state != ("01" if is_open else "02")) or not change(h, spell):
                return None
            return [(rule, None) for rule in (rule_id, *more)]

    return keep


@planter("M013")
def no_measure(h: DemoHousehold) -> list[Hit] | None:
    if _spell(h, is_open=True) is None or not _plain(h):
        return None
    without(h)
    return [("M013", None), ("M030", None), *([("M014", None)] if _able(h) else [])]


@monitored("M014", is_open=True)
def no_development(h: DemoHousehold, spell: DemoSpell) -> bool:
    if not _able(h):
        return False
    without(h, *_DEV)
    return True


@monitored("M015", "M014", "M030", is_open=True)
def security_only(h: DemoHousehold, spell: DemoSpell) -> bool:
    if not _able(h) or not _plain(h):
        return False
    without(h)
    add_row(h, measure(h, "4804"))
    return True


@monitored("M016", is_open=True)
def marked_undone(h: DemoHousehold, spell: DemoSpell) -> bool:
    spell.values["dev_measure_state"] = "02"
    return _able(h)


@monitored("M017")
def training_only(h: DemoHousehold, spell: DemoSpell) -> bool:
    if spell.values["dev_measure_state"] != "01":
        return False
    without(h, *_DEV)
    add_row(h, measure(h, "3999"))
    return True


@monitored("M018", "M030", is_open=True)
def ill_without_health(h: DemoHousehold, spell: DemoSpell) -> bool:
    if spell.values["risk_1"] != "01":
        return False
    without(h, "45", "52")
    return True


@monitored("M019")
def student_without_help(h: DemoHousehold, spell: DemoSpell) -> bool:
    if spell.values["risk_1"] != "02" or any(p.now["school_status"] in VOCATIONAL for p in h.persons):
        return False
    without(h, "47", "52")
    return True


@monitored("M020")
def disabled_without_help(h: DemoHousehold, spell: DemoSpell) -> bool:
    benefits = any(p.now["dibao_status"] != "01" or p.now["tekun_status"] != "01" or p.grade in ("1", "2") for p in h.persons)
    if spell.values["risk_1"] != "03" or benefits:
        return False
    without(h, "48", "52")
    return True


@monitored("M021")
def unsafe_housing(h: DemoHousehold, spell: DemoSpell) -> bool:
    spell.values["risk_3"] = "05"
    return True


@monitored("M023")
def unsafe_water(h: DemoHousehold, spell: DemoSpell) -> bool:
    spell.values["risk_3"] = "06"
    return True


@monitored("M024", "M018", "M030", is_open=True)
def uninsured_without_help(h: DemoHousehold, spell: DemoSpell) -> bool:
    if spell.values["risk_1"] != "01":
        return False
    spell.values["id_uninsured_member"] = True
    without(h, "45", "52")
    return True


@monitored("M025")
def job_measure_nobody_works(h: DemoHousehold, spell: DemoSpell) -> bool:
    if _works(h) or spell.state == "02":
        return False
    add_row(h, measure(h, "4005"))
    return True


@planter("M026")
def job_for_who_cannot_work(h: DemoHousehold) -> list[Hit] | None:
    p = first(p for p in h.persons if p.now["labor_ability"] == "04")
    if _spell(h, is_open=True) is None or p is None or not _works(h):
        return None
    return [("M026", add_row(h, measure(h, "4005", person=p.code)))]


@monitored("M027")
def export_without_work(h: DemoHousehold, spell: DemoSpell) -> bool:
    if not _works(h):
        return False
    h.rows = [row for row in h.rows if row.form != "work_spell"]
    add_row(h, measure(h, "4003"))
    return True


@monitored("M028")
def subsidy_not_paid(h: DemoHousehold, spell: DemoSpell) -> bool:
    found = rows(h, "work_spell")
    if not found or any(row.values["work_start"] < str(spell.identified_month) for row in found):
        return False
    for row in found:
        row.values["transport_subsidy"] = 0
    add_row(h, measure(h, "4002"))
    return True


@monitored("M029")
def vocational_without_yulu(h: DemoHousehold, spell: DemoSpell) -> bool:
    if not any(p.now["school_status"] in VOCATIONAL for p in h.persons):
        return False
    without(h, "4701")
    return True


@monitored("M030", is_open=True)
def no_premium(h: DemoHousehold, spell: DemoSpell) -> bool:
    without(h, "4501")
    return True


@monitored("M031", is_open=True)
def moved_since(h: DemoHousehold, spell: DemoSpell) -> bool:
    spell.identified_month = "2021-02"
    add_row(h, measure(h, "5301"))
    return True


@monitored("M032", is_open=True)
def dibao_not_entered(h: DemoHousehold, spell: DemoSpell) -> bool:
    if not any(p.now["dibao_status"] != "01" for p in h.persons):
        return False
    without(h, "4801")
    return True


@monitored("M033", "M035", is_open=True)
def tekun_not_entered(h: DemoHousehold, spell: DemoSpell) -> bool:
    """Money that children gave, or a small part of the wages, is tekun support in both years."""
    p = first(p for p in h.persons if age(p.birth) >= 61 and not p.works and p.last and p.now["dibao_status"] == p.last["dibao_status"] == "01")
    source = first(name for name, least in (("tr_alimony", 500), ("wage_migrant", 20_000)) if min(h.now[name], h.last[name]) >= least * YUAN)
    if p is None or source is None or h.now["tr_tekun"]:
        return False
    moved = min(h.now[source], h.last[source], 2400 * YUAN)
    for year, values in ((h.now, p.now), (h.last, p.last)):
        year["tr_tekun"], year[source], values["tekun_status"] = moved, year[source] - moved, "02"
        add_up(year)
    settle(h)
    return True


@monitored("M034")
def dibao_of_nobody(h: DemoHousehold, spell: DemoSpell) -> bool:
    if any(p.now["dibao_status"] != "01" for p in h.persons):
        return False
    add_row(h, measure(h, "4801"))
    return True


@monitored("M035", "M034", is_open=True)
def tekun_of_nobody(h: DemoHousehold, spell: DemoSpell) -> bool:
    if any(p.now["tekun_status"] != "01" for p in h.persons) or h.now["tr_tekun"]:
        return False
    add_row(h, measure(h, "4802"))
    return True


@monitored("M036", is_open=True)
def disabled_without_subsidy(h: DemoHousehold, spell: DemoSpell) -> bool:
    if not any(p.grade in ("1", "2") for p in h.persons):
        return False
    without(h, "4803")
    return True


@monitored("M037")
def subsidy_of_nobody(h: DemoHousehold, spell: DemoSpell) -> bool:
    if any(p.ill == "04" or p.card or p.category for p in h.persons):
        return False
    add_row(h, measure(h, "4803"))
    return True


@monitored("M041", "M013", is_open=False)
def helped_without_measure(h: DemoHousehold, spell: DemoSpell) -> bool:
    if not _plain(h):
        return False
    without(h)
    return True


@monitored("M046", is_open=False)
def job_without_wage(h: DemoHousehold, spell: DemoSpell) -> bool:
    if not _works(h):
        return False
    spell.values["el_wage"] = 0
    add_row(h, measure(h, "4005"))
    return True


@monitored("M047", is_open=False)
def dibao_without_transfer(h: DemoHousehold, spell: DemoSpell) -> bool:
    if not any(row.values["measure_item"] in ("4801", "4802", "4803") for row in rows(h, "measure")):
        return False
    spell.values["el_transfer"] = 0
    return True


@monitored("M048", is_open=False)
def industry_without_income(h: DemoHousehold, spell: DemoSpell) -> bool:
    if not any(row.values["measure_class"] == "39" for row in rows(h, "measure")):
        return False
    spell.values["el_business"] = 0
    return True


spell_value("M051", lambda h, s: s.state == "01" and s.monitoring_type in ("01", "02"),
            lambda s: s.values.update(id_net=6001 * YUAN * s.values["id_household_size"], id_claim=0, id_self_paid=0)
            if s.values["risk_1"] != "01" else s.values.update(id_net=20_000 * YUAN * s.values["id_household_size"]))  # fmt: skip


@planter("M052")
def open_twice(h: DemoHousehold) -> list[Hit] | None:
    spell = _spell(h, is_open=True)
    if spell is None:
        return None
    h.spells.append(DemoSpell(2, spell.identified_month, spell.monitoring_type, "01", None, dict(spell.values)))
    return [("M052", None)]


@monitored("M053", is_open=True)
def taken_back_without_elimination(h: DemoHousehold, spell: DemoSpell) -> bool:
    spell.values["rollback_at"] = "2021-05-10"
    return True


@monitored("M054", is_open=False)
def help_stopped(h: DemoHousehold, spell: DemoSpell) -> bool:
    add_row(h, measure(h, "4701", end_on=f"{spell.eliminated_month}-25"))
    return True


# Projects, under no household

ProjectPlanter = Callable[[DemoRow], None]
PROJECTS: dict[str, ProjectPlanter] = {
    "B007": lambda row: row.values.update(funds_approved=1_000_000, funds_paid=1_000_001),
    "B008": lambda row: row.values.update(funds_paid=0),
    "C028": lambda row: row.values.update(project_type="02", project_subtype="0204", content=None),
}
