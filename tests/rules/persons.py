"""Examples of rules on one person: identity, codes, schooling, ability to work, insurance, benefits, and against last year.

State date 2021-09-30, start of school 2021-09-01, period October 2020 to September 2021.
"""

from typing import Any

from tests.rules.table import YUAN, Table, people, row

_HEALTHY, _CHRONIC, _SERIOUS, _DISABLED = ["01"], ["02"], ["03"], ["04"]


def add(t: Table) -> None:
    _identity(t)
    _codes(t)
    _insurance(t)
    _health(t)
    _schooling(t)
    _work(t)
    _benefits(t)
    _last_year(t)


def _identity(t: Table) -> None:
    number = row(id18_digest="7a1c", id_placeholder=False)
    same, other = {"id18_digest": "7a1c", "id_placeholder": False}, {"id18_digest": "90fe", "id_placeholder": False}
    placeholder = {"id18_digest": "7a1c", "id_placeholder": True}
    t.rule(
        "F001", number, hit=people(same), miss=people(other), edge={"left": [same]},
        null={"row": {"id18_digest": None}} | people({"id18_digest": None}), hits=[{"elsewhere": [same]}],
        misses=[{"row": placeholder} | people(placeholder), {"elsewhere": [other]}],
    )  # fmt: skip
    form = row(id_form="id18", id_placeholder=False)
    t.rule(
        "F002", form, hit=row(id_form="other"), miss={}, edge=row(id_form="card22"), null=row(id_form=None), hits=[row(id_form="id15")],
        misses=[row(id_form="card20")],
    )  # fmt: skip
    t.rule(
        "F007", row(id_region_known=True, id_placeholder=False), hit=row(id_region_known=False), miss={},
        edge=row(id_region_known=False, id_placeholder=True), null=row(id_region_known=None),
    )  # fmt: skip
    known = row(id_form="id18", id_placeholder=False, birth_date="1980-03-01")
    t.rule(  # the newborn is 60 days old
        "F008", known, hit=row(id_form=None), miss={}, edge=row(id_form=None, birth_date="2021-08-01"), null=row(id_form=None, birth_date=None),
        null_hits=True, hits=[row(id_placeholder=True), row(id_form=None, birth_date="2021-07-31")],
    )  # fmt: skip
    phone = row(phone="13900000001")
    t.rule(
        "F017", phone, hit={"elsewhere": [{"phone": "13900000001"}]}, miss={"elsewhere": [{"phone": "13900000002"}]},
        edge=people({"phone": "13900000001"}), null={"row": {"phone": None}, "elsewhere": [{"phone": None}]},
        misses=[{"home": {"household_phone": "13900000001"}, "elsewhere": [{"phone": "13900000002"}]}],
    )  # fmt: skip


def _codes(t: Table) -> None:
    asked = row(speaks_mandarin=True, dibao_status="01", commercial_medical=False, works_abroad=False, work_months=60, medical_assistance=False,
                other_health_help=False, tekun_status="01")  # fmt: skip
    t.rule(
        "C009", asked, hit=row(dibao_status=None), miss={}, edge=row(works_abroad=None, work_months=0),
        null=row(works_abroad=None, work_months=None), hits=[row(works_abroad=None), row(tekun_status=None), row(other_health_help=None)],
    )  # fmt: skip
    t.rule(
        "C033", row(school_status="10", school_name="固镇县职业技术学校"), hit=row(school_name=None), miss={},
        edge=row(school_status="09", school_name=None), null=row(school_status=None, school_name=None),
        hits=[row(school_status="25", school_name=None)],
    )  # fmt: skip
    for rule, name, usual, foreign, last_of_list in (
        ("K001", "relation_to_head", "03", "77", "99"), ("K002", "political_status", "13", "04", "02"), ("K003", "education_level", "03", "06", "07"),
        ("K004", "school_status", "03", "26", "25"), ("K005", "labor_ability", "01", "06", "05"),
    ):  # fmt: skip
        t.rule(rule, row(**{name: usual}), hit=row(**{name: foreign}), miss={}, edge=row(**{name: last_of_list}), null=row(**{name: None}))
    t.rule(
        "K006", row(health_status=_HEALTHY), hit=row(health_status=["01", "02"]), miss={}, edge=row(health_status=["02", "04"]),
        null=row(health_status=None),
    )  # fmt: skip
    t.rule(
        "K010", row(health_status=["02", "03"]), hit={}, miss=row(health_status=_HEALTHY), edge=row(health_status=["02", "04"]),
        null=row(health_status=None), hits=[row(health_status=["02", "03", "04"])],
    )  # fmt: skip
    t.rule(  # 之叔伯 may hide an aunt
        "P002", row(relation_to_head="04", sex="2"), hit=row(sex="1"), miss={}, edge=row(relation_to_head="21", sex="1"), null=row(sex=None),
        hits=[row(relation_to_head="03"), row(relation_to_head="13"), row(relation_to_head="05", sex="1")],
        misses=[row(relation_to_head="27"), row(relation_to_head="02", sex="1"), row(relation_to_head=None, sex="1")],
    )  # fmt: skip


def _insurance(t: Table) -> None:
    none = row(resident_medical=False, employee_medical=False, critical_illness_insured=True, medical_assistance=False, is_soldier=False,
               insured_elsewhere=False, works_abroad=False, birth_date="1980-03-01")  # fmt: skip
    t.rule(  # the newborn is 90 days old
        "P004", none, hit={}, miss=row(resident_medical=True), edge=row(birth_date="2021-07-02"), null=row(employee_medical=None),
        hits=[row(birth_date="2021-07-01"), row(birth_date=None)],
        misses=[row(is_soldier=True), row(insured_elsewhere=True), row(works_abroad=True), row(employee_medical=True)],
    )  # fmt: skip
    insured = none | row(resident_medical=True, critical_illness_insured=True, employee_medical=False, birth_date="1980-03-01", is_soldier=False)
    t.rule(
        "P005", insured, hit=row(critical_illness_insured=False), miss={}, edge=row(critical_illness_insured=False, birth_date="2021-07-02"),
        null=row(critical_illness_insured=None), hits=[row(resident_medical=False), row(critical_illness_insured=False, birth_date="2021-07-01")],
        misses=[row(critical_illness_insured=False, employee_medical=True), row(resident_medical=False, is_soldier=True)],
    )  # fmt: skip
    t.rule(
        "P006", none, hit=row(medical_assistance=True), miss={}, edge=row(medical_assistance=True, employee_medical=True),
        null=row(medical_assistance=True, resident_medical=None),
    )  # fmt: skip
    old = row(birth_date="1955-06-01", resident_pension=False, employee_pension=False, tekun_care_mode=None)
    t.rule(
        "P040", old, hit={}, miss=row(resident_pension=True), edge=row(birth_date="1961-09-30"), edge_hits=True, null=row(resident_pension=None),
        hits=[row(tekun_care_mode="01")], misses=[row(birth_date="1961-10-01"), row(tekun_care_mode="02")],
    )  # fmt: skip
    grown = row(birth_date="1980-03-01", resident_pension=False, employee_pension=False, school_status=None, is_soldier=False)
    t.rule(
        "P041", grown, hit={}, miss=row(employee_pension=True), edge=row(birth_date="2005-09-30"), edge_hits=True,
        null=row(employee_pension=None), hits=[row(birth_date="1961-10-01")],
        misses=[row(birth_date="2005-10-01"), row(birth_date="1961-09-30"), row(school_status="20"), row(is_soldier=True)],
    )  # fmt: skip
    t.rule(
        "P042", row(resident_pension=True, employee_pension=True), hit={}, miss=row(resident_pension=False, employee_pension=False),
        edge=row(employee_pension=False), null=row(resident_pension=None),
    )  # fmt: skip
    t.rule(
        "P043", row(birth_date="2010-05-01", resident_pension=True), hit={}, miss=row(resident_pension=False), edge=row(birth_date="2005-09-30"),
        null=row(resident_pension=None), hits=[row(birth_date="2005-10-01")],
    )  # fmt: skip


def _health(t: Table) -> None:
    disabled = row(health_status=_DISABLED, card_category=None, card_check_ok=None, id_type="01")
    t.rule(
        "P014", disabled, hit={}, miss=row(card_category="4", card_check_ok=True), edge=row(id_type="09"), null=row(health_status=None),
        hits=[row(id_type=None)],
    )  # fmt: skip
    carded = row(card_category="4", card_check_ok=True, health_status=_DISABLED, id_type="01")
    t.rule(
        "P015", carded, hit=row(health_status=_CHRONIC), miss={}, edge=row(health_status=["02", "04"]), null=row(health_status=None),
        hits=[row(health_status=_HEALTHY, card_category=None, card_check_ok=None, id_type="09")],
        misses=[row(health_status=_CHRONIC, card_category=None, card_check_ok=None)],
    )  # fmt: skip
    t.rule(
        "P016", row(dropout_reason="01", health_status=_CHRONIC), hit=row(health_status=_HEALTHY), miss={},
        edge=row(dropout_reason="03", health_status=_HEALTHY), null=row(health_status=None),
        hits=[row(dropout_reason="02", health_status=_HEALTHY)],
    )  # fmt: skip
    t.rule(
        "P046", row(birth_date="1950-05-05"), hit=row(birth_date="1919-05-05"), miss={}, edge=row(birth_date="1921-09-30"), edge_hits=True,
        null=row(birth_date=None), misses=[row(birth_date="1921-10-01")],
    )  # fmt: skip
    youth = row(political_status="03", birth_date="2008-05-01")
    t.rule(
        "P044", youth, hit={}, miss=row(political_status="13"), edge=row(birth_date="2007-09-30"), null=row(birth_date=None),
        hits=[row(birth_date="2007-10-01"), row(political_status="01", birth_date="2003-10-01")],
        misses=[row(political_status="01", birth_date="2003-09-30")],
    )  # fmt: skip


def _schooling(t: Table) -> None:
    """Ages on 1 September 2021; both ends belong to a band."""
    out = row(birth_date="2010-05-01", school_status=None, dropout_reason=None)
    t.rule(
        "P017", out, hit={}, miss=row(school_status="03"), edge=row(birth_date="2015-09-01"), edge_hits=True, null=row(birth_date=None),
        hits=[row(birth_date="2005-09-02")], misses=[row(birth_date="2015-09-02"), row(birth_date="2005-09-01"), row(dropout_reason="08")],
    )  # fmt: skip
    t.rule(
        "P018", row(birth_date="2012-05-01", health_status=_HEALTHY, school_status="02"), hit={}, miss=row(school_status="03"),
        edge=row(birth_date="2014-09-01"), edge_hits=True, null=row(health_status=None), hits=[row(school_status="01")],
        misses=[row(birth_date="2014-09-02"), row(health_status=_DISABLED)],
    )  # fmt: skip

    def band(rule: str, school: str, usual: str, *, wrong: str, youngest: str, too_young: str, oldest: str = "", too_old: str = "") -> None:
        further = [row(birth_date=day) for day in (too_young, too_old) if day]
        t.rule(
            rule, row(school_status=school, birth_date=usual), hit=row(birth_date=wrong), miss={}, edge=row(birth_date=youngest),
            null=row(birth_date=None), hits=further, misses=[row(birth_date=oldest)] if oldest else [],
        )  # fmt: skip

    band("P019", "03", "2012-05-01", wrong="2005-05-01", youngest="2015-09-01", too_young="2015-09-02", oldest="2006-09-02", too_old="2006-09-01")
    band("P020", "04", "2008-05-01", wrong="2010-05-01", youngest="2009-09-01", too_young="2009-09-02", oldest="2003-09-02", too_old="2003-09-01")
    band("P021", "07", "2005-05-01", wrong="2007-05-01", youngest="2006-09-01", too_young="2006-09-02", oldest="2000-09-02", too_old="2000-09-01")
    band("P022", "20", "2002-05-01", wrong="2004-05-01", youngest="2003-09-01", too_young="2003-09-02")
    band("P023", "25", "1998-05-01", wrong="2002-05-01", youngest="2001-09-01", too_young="2001-09-02")
    # "Bachelor or above": a postgraduate of 17 is both rules'.
    for school in ("13", "16", "25"):
        t.more("P022", row(school_status=school, birth_date="2004-05-01"), hits=True)
    t.more("P022", row(school_status="09", birth_date="2004-05-01"), hits=False)
    little = row(birth_date="2003-05-01", education_level="02", card_grade=None, disability_grade=None)
    t.rule(
        "P024", little, hit={}, miss=row(education_level="03"), edge=row(birth_date="2005-09-01"), edge_hits=True, null=row(education_level=None),
        hits=[row(birth_date="1998-09-02"), row(disability_grade="3"), row(education_level="01")],
        misses=[row(birth_date="2005-09-02"), row(birth_date="1998-09-01"), row(disability_grade="2"), row(card_grade="1")],
    )  # fmt: skip

    def learned(birth: str, level: str) -> dict[str, Any]:
        return row(birth_date=birth, education_level=level)

    t.rule(
        "P025", row(birth_date="2010-05-01", education_level="02"), hit=row(education_level="03"), miss={},
        edge=row(birth_date="2009-09-01", education_level="03"), null=row(education_level=None),
        hits=[learned("2009-09-02", "03"), learned("2006-09-02", "04"), learned("2003-09-02", "05"), learned("2001-09-02", "07")],
        misses=[learned("2006-09-01", "04"), learned("2003-09-01", "05"), learned("2001-09-01", "07")],
    )  # fmt: skip


def _spell(start: str | None, end: str | None = None, person: str = "ME") -> dict[str, Any]:
    return {"work_spells": [{"person_id": person, "work_start": start, "work_end": end}]}


def _plan(planned: bool = True, month: str = "2021-10") -> dict[str, Any]:
    return {"work_plans": [{"person_id": "ME", "plan_to_work": planned, "round_month": month}]}


def _work(t: Table) -> None:
    """The register of work away where it has entries for the person, otherwise the year's months."""
    student = row(row_id="ME", school_status="11", work_months=0)
    t.rule(
        "P026", student, hit=_spell("2021-01", "2021-06"), miss={}, edge=row(school_status="21") | _spell("2021-07", "2021-08"),
        null=row(school_status=None, work_months=60),
        hits=[row(work_months=30), _plan(), _spell("2021-07", "2021-08"), row(school_status="21") | _spell("2021-07", "2021-09"),
              row(school_status="21", work_months=21), row(school_status="21", work_months=10) | _spell("2021-07", "2021-09")],
        misses=[_plan(planned=False), _plan(month="2020-09"), _spell("2021-01", person="OTHER"), _spell("2019-01", "2020-09"),
                row(school_status="21", work_months=20)],
    )  # fmt: skip
    child = row(row_id="ME", birth_date="2006-03-15", work_months=0)
    t.rule(
        "P027", child, hit=_spell("2021-05"), miss={}, edge=row(birth_date="2005-03-15") | _spell("2021-03"),
        null=row(birth_date=None) | _spell("2021-05"),
        hits=[row(birth_date="2005-03-15") | _spell("2021-02"), row(birth_date="2005-10-01", work_months=10)],
        misses=[row(birth_date="2005-09-30", work_months=10), row(birth_date="1990-03-15") | _spell("2021-02"),
                _spell("2021-05", person="OTHER")],
    )  # fmt: skip
    unable = row(row_id="ME", labor_ability="04", work_months=0)
    t.rule(
        "P028", unable, hit=row(work_months=60), miss={}, edge=row(labor_ability="05", work_months=60),
        null=row(labor_ability=None, work_months=60),
        hits=[row(labor_ability="03", work_months=5), _spell("2021-03"), _spell("2019-03", "2020-10"), _plan()],
        misses=[_spell("2019-03", "2020-09"), _spell("2021-10"), _plan(planned=False), row(labor_ability="01") | _plan()],
    )  # fmt: skip
    t.rule(
        "P029", row(work_months=60, work_place_code="310115"), hit=row(work_place_code=None), miss={},
        edge=row(work_months=0, work_place_code=None), null=row(work_months=None), null_hits=True,
        hits=[row(work_months=0)], misses=[row(work_months=None, work_place_code=None)],
    )  # fmt: skip
    t.rule(
        "P045", row(is_soldier=True, work_months=0, school_status=None, resident_medical=False), hit=row(work_months=60), miss={},
        edge=row(is_soldier=False, work_months=60), null=row(is_soldier=None, work_months=60),
        hits=[row(school_status="20"), row(resident_medical=True)],
    )  # fmt: skip
    graduate = row(row_id="ME", education_level="05", labor_ability="01", school_status=None, work_months=0)
    t.rule(
        "P047", graduate, hit={}, miss=row(work_months=60), edge=row(work_months=5), null=row(work_months=None), null_hits=True,
        hits=[row(education_level="03", labor_ability="02"), row(education_level="07"), _spell("2019-03", "2020-09"),
              _spell("2021-03", person="OTHER")], misses=[row(education_level="04"), row(school_status="22"), _spell("2021-03")],
    )  # fmt: skip


def _benefits(t: Table) -> None:
    tekun = row(tekun_status="02", birth_date="1980-03-01", health_status=_HEALTHY, school_status=None)
    t.rule(
        "P037", tekun, hit={}, miss=row(tekun_status="01"), edge=row(birth_date="2003-09-30"), edge_hits=True, null=row(birth_date=None),
        hits=[row(tekun_status="03"), row(birth_date="1961-10-01")],
        misses=[row(birth_date="2003-10-01"), row(birth_date="1961-09-30"), row(health_status=_CHRONIC), row(school_status="09")],
    )  # fmt: skip
    t.rule(
        "P039", row(education_help=["01"], school_status="10"), hit=row(school_status="21"), miss={}, edge=row(school_status="16"),
        null=row(school_status=None), null_hits=True, hits=[row(school_status="09")],
        misses=[row(education_help=["02"], school_status="21"), row(education_help=None, school_status="21")],
    )  # fmt: skip


def _last_year(t: Table) -> None:
    def years(last: dict[str, Any], **now: Any) -> dict[str, Any]:
        return {"row": now, "last": last}

    t.rule(
        "Y005", years({"education_level": "03"}, education_level="03"), hit=row(education_level="02"), miss={}, edge=row(education_level="04"),
        null={"last": {"education_level": None}, "row": {"education_level": "01"}}, misses=[row(education_level=None)],
    )  # fmt: skip

    def school(last: str | None, now: str | None) -> dict[str, Any]:
        return years({"school_status": last}, school_status=now)

    t.rule(
        "Y006", school("04", "05"), hit=school("04", "04"), miss={}, edge=school("06", None), null=school(None, "05"),
        hits=[school("04", "06"), school("08", None), school("06", "06"), school("21", "03")],
        misses=[school("03", "03"), school("03", "04"), school("06", "07"), school("06", "10"), school("12", "13"), school("09", "20"),
                school("12", None), school("02", "02")],
    )  # fmt: skip
    t.rule(
        "Y007", years({"health_status": _DISABLED, "disability_category": None}, health_status=_DISABLED, disability_category=None),
        hit=row(health_status=_HEALTHY), miss={}, edge=row(health_status=["02", "04"]), null=row(health_status=None),
        hits=[years({"health_status": _SERIOUS}, health_status=_HEALTHY), years({"disability_category": "4"})],
        misses=[years({"health_status": _CHRONIC}, health_status=_HEALTHY)],
    )  # fmt: skip
    t.rule(
        "Y008", years({"labor_ability": "03", "school_status": None}, labor_ability="01", birth_date="1980-03-01"), hit={},
        miss=row(labor_ability="05"), edge=row(birth_date="2003-09-30"), edge_hits=True, null={"last": {"labor_ability": None}},
        hits=[{"last": {"labor_ability": "04"}, "row": {"labor_ability": "02"}}],
        misses=[row(birth_date="2003-10-01"), {"last": {"labor_ability": "05"}}, {"last": {"school_status": "20"}}],
    )  # fmt: skip
    stopped = years({"dibao_status": "02", "tekun_status": "01"}, dibao_status="01", tekun_status="01")
    t.rule(
        "Y009", stopped | {"home": {"per_capita_net_income": 5000 * YUAN}}, hit={}, miss=row(dibao_status="02"),
        edge={"home": {"per_capita_net_income": 6000 * YUAN}}, null=row(dibao_status=None),
        hits=[{"home": {"per_capita_net_income": 6000 * YUAN - 1}}, years({"dibao_status": "01", "tekun_status": "02"})],
        misses=[{"last": {"dibao_status": "01"}}, {"home": {"per_capita_net_income": None}}],
    )  # fmt: skip
    t.rule(
        "Y013", years({"resident_medical": True, "employee_medical": False}, resident_medical=False, employee_medical=False), hit={},
        miss=row(resident_medical=True), edge=row(employee_medical=True), null=row(resident_medical=None),
        hits=[{"last": {"resident_medical": False, "employee_medical": True}}],
        misses=[{"last": {"resident_medical": None, "employee_medical": None}}],
    )  # fmt: skip
