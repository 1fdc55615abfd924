"""Examples of rules on a monitoring spell, and of screening."""

from typing import Any

from tests.rules.table import YUAN, Table, people, row

_RISKS = {f"risk_{place}": None for place in range(1, 6)}


def add(t: Table) -> None:
    _complete(t)
    _risks(t)
    _identified(t)
    _eliminated(t)
    _missed(t)
    _looked_at_again(t)


def risks(*codes: str, state: str = "01") -> dict[str, Any]:
    return row(spell_state=state, **{**_RISKS, **{f"risk_{place}": code for place, code in enumerate(codes, 1)}})


def each(name: str, *values: Any) -> dict[str, Any]:
    """Members of whom this item is known."""
    return people(*({name: value} for value in values))


def _complete(t: Table) -> None:
    money = ("wage", "business", "property", "transfer", "expense", "net", "per_capita", "claim", "self_paid")
    identified = row(identified_month="2021-03", **{**_RISKS, "risk_1": "01"}, **{f"id_{name}": 120_000 for name in money}, id_housing_problem=False,
                     id_dropout_child=False, id_water_problem=False)  # fmt: skip
    t.rule(
        "C019", identified, hit=row(id_wage=None), miss={}, edge=row(risk_1=None, risk_5="08"), null=row(risk_1=None), null_hits=True,
        hits=[row(identified_month=None), row(id_water_problem=None), row(id_self_paid=None)], misses=[row(id_wage=0, id_claim=0)],
    )  # fmt: skip
    gone = row(spell_state="02", **{f"el_{name}": 120_000 for name in money}, el_dropout_child=False, el_house_damaged=False,
               el_uninsured_member=False, el_water_damaged=False)  # fmt: skip
    t.rule(
        "C020", gone, hit=row(el_claim=None), miss={}, edge=row(el_claim=0), null=row(spell_state=None, el_claim=None),
        hits=[row(el_house_damaged=None), row(el_uninsured_member=None), row(el_net=None)], misses=[row(spell_state="01", el_claim=None)],
    )  # fmt: skip
    reached = row(spell_state="02", contact_name="王村医", contact_phone="13900000001")
    t.rule(
        "C021", reached, hit=row(contact_phone=None), miss={}, edge=row(spell_state="01", contact_phone=None),
        null=row(spell_state=None, contact_phone=None), hits=[row(contact_name=None)],
    )  # fmt: skip


def _risks(t: Table) -> None:
    t.rule(
        "M001", risks("03") | each("health_status", ["01"]), hit={}, miss=each("health_status", ["02", "04"]), edge=risks("01"),
        null=row(risk_1=None), hits=[risks("01", "03"), risks("03", state="02"), each("health_status", None)],
    )  # fmt: skip
    t.rule(
        "M002", risks("01") | each("health_status", ["01"], ["04"]), hit={}, miss=each("health_status", ["01"], ["02"]),
        edge=risks("01", state="02"), null=row(risk_1=None), hits=[risks("08", "01")], misses=[each("health_status", ["03"])],
    )  # fmt: skip
    t.rule(
        "M004", risks("02") | each("school_status", "06", "03"), hit={}, miss=each("school_status", "20"), edge=each("school_status", "07"),
        null=each("school_status", None), null_hits=True, hits=[risks("02", state="02")], misses=[risks("01")],
    )  # fmt: skip
    t.rule(
        "M005", risks("08") | each("labor_ability", "04", "03"), hit={}, miss=each("labor_ability", "04", "01"), edge=each("labor_ability", "05"),
        edge_hits=True, null=row(risk_1=None), misses=[risks("08", state="02"), each("labor_ability", "02")],
    )  # fmt: skip
    work = {"work_spells": [{"work_start": "2021-03", "work_end": None}]}
    t.rule(
        "M006", risks("08") | each("work_months", 0), hit={}, miss=each("work_months", 60), edge=work, null=each("work_months", None),
        null_hits=True, misses=[risks("01"), risks("08", state="02"), each("work_months", 5)],
    )  # fmt: skip
    lack = risks("09")
    t.rule(
        "M007", lack | each("labor_ability", "01", "02"), hit={}, miss=each("labor_ability", "01", "04"), edge=each("labor_ability", "01", "05"),
        null=each("labor_ability", "01", None), misses=[people(), risks("09", state="02")],
    )  # fmt: skip
    t.rule(
        "M008", lack | each("labor_ability", "01", "01", "02", "04"), hit={}, miss=each("labor_ability", "01", "04", "04", "04"),
        edge=each("labor_ability", "01", "01", "04", "04"), edge_hits=True, null=each("labor_ability", "01", None, "04", "04"),
        misses=[each("labor_ability", "01", "01", "04"), each("labor_ability", "01", "02", "05", "05", "04")],
    )  # fmt: skip
    t.rule(
        "M009", lack | each("labor_ability", "01", "01", "04", "04"), hit={}, miss=each("labor_ability", "04", "05"),
        edge=each("labor_ability", "01", "04", "04", "04"), null=each("labor_ability", "01", None, None, None),
        hits=[each("labor_ability", "01", "04", "04")], misses=[people()],
    )  # fmt: skip


def _identified(t: Table) -> None:
    t.rule(
        "M003", {"row": {**risks("02", "01")["row"], "id_self_paid": 0}}, hit={}, miss=row(id_self_paid=500_000), edge=row(id_self_paid=1),
        null=row(id_self_paid=None), misses=[row(spell_state="02"), row(risk_2="03")],
    )  # fmt: skip
    t.rule(
        "M010", risks("01"), hit=row(id_water_problem=True), miss=row(id_water_problem=True, risk_2="06"), edge=row(id_water_problem=False),
        null=row(id_water_problem=None), hits=[row(id_housing_problem=True), row(id_housing_problem=True, risk_2="06")],
        misses=[row(id_housing_problem=True, risk_5="05")],
    )  # fmt: skip
    t.rule(
        "M011", risks("02"), hit=row(id_uninsured_member=True), miss=row(id_uninsured_member=True, risk_3="01"),
        edge=row(id_uninsured_member=False), null=row(id_uninsured_member=None),
    )  # fmt: skip

    def child(birth: str, school: str | None) -> dict[str, Any]:
        return {"birth_date": birth, "school_status": school}

    t.rule(
        "M012", row(id_dropout_child=True), hit=people(child("2010-05-01", "03")), miss=people(child("2010-05-01", None)),
        edge={"left": [child("2010-05-01", None)]}, null=row(id_dropout_child=None),
        hits=[people(child("2005-09-01", None)), people(child("2015-09-02", None)), people()],
        misses=[people(child("2005-09-02", None)), people(child("2015-09-01", None)), row(id_dropout_child=False)],
    )  # fmt: skip
    t.rule(
        "M049", row(identified_month="2023-03", id_per_capita=25_000 * YUAN), hit={}, miss=row(id_per_capita=6000 * YUAN),
        edge=row(id_per_capita=20_000 * YUAN), null=row(id_per_capita=None),
        hits=[row(id_per_capita=20_000 * YUAN + 1, identified_month="2023-01")],
        misses=[row(identified_month="2022-12"), row(identified_month=None)],
    )  # fmt: skip
    t.rule(
        "M050", row(spell_state="01", id_wage=2 * YUAN), hit={}, miss=row(id_wage=12_000 * YUAN), edge=row(id_wage=100 * YUAN),
        null=row(id_wage=None), hits=[row(id_wage=100 * YUAN - 1), row(id_wage=1)], misses=[row(id_wage=0), row(spell_state="02")],
    )  # fmt: skip


def _eliminated(t: Table) -> None:
    unable = {"labor_ability": "04", "dibao_status": "01", "tekun_status": "01"}
    t.rule(
        "M038", row(spell_state="01") | {"home": {"whole_household_no_labor": False}} | people(unable | {"dibao_status": "02"}, unable), hit={},
        miss={"home": {"whole_household_no_labor": True}}, edge=people(unable | {"dibao_status": "02"}, unable | {"labor_ability": "05"}),
        null={"home": {"whole_household_no_labor": None}}, hits=[people(unable | {"tekun_status": "02", "labor_ability": "03"})],
        misses=[people(unable), row(spell_state="02"), people(unable | {"dibao_status": "02"}, unable | {"labor_ability": None})],
    )  # fmt: skip
    t.rule(
        "M039", row(spell_state="02") | each("labor_ability", "04", "03"), hit={}, miss=row(spell_state="01"),
        edge=each("labor_ability", "04", "05"), null=each("labor_ability", "04", None), misses=[people()],
    )  # fmt: skip
    quick = row(spell_state="02", elimination_mode="01", identified_month="2021-06", eliminated_month="2021-07")
    t.rule(
        "M040", quick, hit={}, miss=row(eliminated_month="2021-09"), edge=row(eliminated_month="2021-08"), null=row(identified_month=None),
        hits=[row(eliminated_month="2021-06")], misses=[row(elimination_mode="02"), row(spell_state="01")],
    )  # fmt: skip


def _missed(t: Table) -> None:
    """Screening of households that nobody monitors."""
    t.rule(
        "S001", row(monitoring_type=None, reference_per_capita=5500 * YUAN), hit={}, miss=row(reference_per_capita=12_000 * YUAN),
        edge=row(reference_per_capita=6000 * YUAN), null=row(reference_per_capita=None), hits=[row(reference_per_capita=6000 * YUAN - 1)],
        misses=[row(monitoring_type="01")],
    )  # fmt: skip
    t.rule(
        "S002", row(monitoring_type=None, self_paid_expense=30_000 * YUAN), hit={}, miss=row(self_paid_expense=800 * YUAN),
        edge=row(self_paid_expense=10_000 * YUAN), null=row(self_paid_expense=None), hits=[row(self_paid_expense=10_000 * YUAN + 1)],
        misses=[row(monitoring_type="02")],
    )  # fmt: skip

    def ill(last: list[str] | None, now: list[str] | None) -> dict[str, Any]:
        return people({"health_status": now, "last": {"health_status": last}})

    t.rule(
        "S003", row(monitoring_type=None) | ill(["01"], ["03"]), hit={}, miss=ill(["01"], ["02"]), edge=ill(["03"], ["03"]),
        null=ill(None, ["03"]), hits=[ill(["02"], ["02", "04"]), ill(["03"], ["03", "04"])],
        misses=[row(monitoring_type="03"), people({"health_status": ["03"]})],
    )  # fmt: skip

    def child(birth: str | None, school: str | None = None) -> dict[str, Any]:
        return people({"birth_date": birth, "school_status": school})

    t.rule(
        "S004", row(monitoring_type=None) | child("2010-05-01"), hit={}, miss=child("2010-05-01", "03"), edge=child("2015-09-01"), edge_hits=True,
        null=child(None), hits=[child("2005-09-02")], misses=[child("2015-09-02"), child("2005-09-01"), row(monitoring_type="01")],
    )  # fmt: skip

    def worked(last: int | None, now: int | None) -> dict[str, Any]:
        return people({"work_months": now, "last": {"work_months": last}})

    t.rule(
        "S005", row(monitoring_type=None) | worked(100, 0), hit={}, miss=worked(100, 30), edge=worked(60, 0), edge_hits=True,
        null=worked(None, 0), hits=[worked(100, None)], misses=[worked(59, 0), worked(100, 5)],
    )  # fmt: skip

    def income(last: float | None, now: float) -> dict[str, Any]:
        return {"row": {"per_capita_net_income": round(now * YUAN)}, "last": {"per_capita_net_income": None if last is None else round(last * YUAN)}}

    t.rule(
        "S006", {"row": {"monitoring_type": None, "per_capita_net_income": 9000 * YUAN}, "last": {"per_capita_net_income": 10_000 * YUAN}},
        hit=income(10_000, 5000), miss={}, edge=income(10_000, 7000), edge_hits=True, null=income(None, 5000),
        misses=[income(10_000, 7000.01), income(0, -100), row(monitoring_type="01", per_capita_net_income=5000 * YUAN)],
    )  # fmt: skip
    t.rule(
        "S007", row(monitoring_type=None, dilapidated_house=False, safe_water=True), hit=row(dilapidated_house=True), miss={},
        edge=row(safe_water=False), edge_hits=True, null=row(dilapidated_house=None, safe_water=None),
        misses=[row(monitoring_type="01", safe_water=False)],
    )  # fmt: skip


def _looked_at_again(t: Table) -> None:
    """Screening of monitored households, and of those whose risk is eliminated."""
    t.rule(
        "S101", row(monitoring_state="01", reference_per_capita=15_000 * YUAN), hit={}, miss=row(reference_per_capita=8000 * YUAN),
        edge=row(reference_per_capita=12_000 * YUAN), null=row(reference_per_capita=None), hits=[row(reference_per_capita=12_000 * YUAN + 1)],
        misses=[row(monitoring_state="02")],
    )  # fmt: skip
    t.rule(
        "S102", row(monitoring_state="01") | each("employee_medical", True, False), hit={}, miss=each("employee_medical", False),
        edge=each("employee_medical", False) | {"left": [{"employee_medical": True}]}, null=each("employee_medical", None),
        misses=[row(monitoring_state="02")],
    )  # fmt: skip
    t.rule(
        "S201", row(monitoring_state="02", reference_per_capita=5500 * YUAN), hit={}, miss=row(reference_per_capita=12_000 * YUAN),
        edge=row(reference_per_capita=6000 * YUAN), null=row(reference_per_capita=None), hits=[row(reference_per_capita=6000 * YUAN - 1)],
        misses=[row(monitoring_state="01")],
    )  # fmt: skip
    safe = row(monitoring_state="02", dilapidated_house=False, safe_water=True) | people({"birth_date": "2010-05-01", "school_status": "03"})
    t.rule(
        "S202", safe, hit=row(dilapidated_house=True), miss={}, edge=people({"birth_date": "2015-09-01", "school_status": None}), edge_hits=True,
        null=row(dilapidated_house=None, safe_water=None),
        hits=[row(safe_water=False), people({"birth_date": "2005-09-02", "school_status": None})],
        misses=[people({"birth_date": "2015-09-02", "school_status": None}), row(monitoring_state="01", safe_water=False)],
    )  # fmt: skip
