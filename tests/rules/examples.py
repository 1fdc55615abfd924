"""Examples of rules on registers, measures, positions and single items; those of the others stand in persons, households and monitoring."""

from typing import Any

from tests.rules import households, monitoring, persons
from tests.rules.table import YUAN, Example, Table


def _measure(item: str, **more: Any) -> dict[str, Any]:
    return {"measure_class": item[:2], "measure_item": item, **more}


_ABLE, _UNABLE = {"labor_ability": "01"}, {"labor_ability": "04"}
_MET = [_measure("5204")]


def all_examples() -> list[Example]:
    t = Table()
    _work(t)
    _loans(t)
    _projects(t)
    _household(t)
    _measures(t)
    _spells(t)
    _positions(t)
    _villages(t)
    _older(t)
    persons.add(t)
    households.add(t)
    monitoring.add(t)
    return t.examples


def _work(t: Table) -> None:
    def r(**row: Any) -> dict[str, Any]:
        return {"row": row}

    t.rule("C024", r(work_start="2021-01"), hit=r(work_start=None), miss={}, edge=r(work_start="2021"), null=r(work_end=None))
    t.rule(
        "C025", r(work_county="310115"), hit=r(work_county="3101"), miss={}, edge=r(work_county="340323"), null=r(work_county=None), null_hits=True
    )
    full = r(working_now=True, month_wage=400_000, employer="某厂", industry="C", channel="05", point_to_point=False)
    t.rule("C026", full, hit=r(employer=None), miss={}, edge=r(month_wage=0), null=r(working_now=None, employer=None))
    t.rule("C034", r(working_now=True), hit=r(working_now=None), miss={}, edge=r(working_now=False), null=r(work_end=None))
    need = r(plan_to_work=True, service_need=["01"])
    t.rule("C027", need, hit=r(service_need=None), miss={}, edge=r(service_need=[]), edge_hits=True, null=r(plan_to_work=None, service_need=None))
    first = r(person_id="p", work_start="2021-03", row_id="a")
    before = {"person_id": "p", "work_start": "2020-10", "work_end": "2021-03", "row_id": "b"}
    t.rule(
        "W001", first, hit={"work_spells": [before | {"work_end": "2021-06"}]}, miss={"work_spells": [before | {"person_id": "q"}]},
        edge={"work_spells": [before]}, edge_hits=True, null={"work_spells": [before | {"work_end": None}]},
    )  # fmt: skip
    t.rule(
        "W002",
        r(working_now=False, work_end="2021-10"),
        hit=r(work_end=None),
        miss={},
        edge=r(work_end="2021-11"),
        null=r(working_now=None, work_end=None),
    )
    t.rule(
        "W003", r(work_start="2021-01", work_end=None, working_now=True), hit=r(work_start="2019-10"), miss={}, edge=r(work_start="2019-11"),
        null=r(work_start=None),
    )  # fmt: skip
    t.rule("W004", r(work_county="310115", channel="02"), hit={}, miss=r(channel="05"), edge=r(work_county="340323"), null=r(work_county=None))
    wage = r(month_wage=500_000)
    t.rule("W005", wage, hit=r(month_wage=30_000 * YUAN + 1), miss={}, edge=r(month_wage=30_000 * YUAN), null=r(month_wage=None))
    t.rule("W006", wage, hit=r(month_wage=400 * YUAN - 1), miss={}, edge=r(month_wage=400 * YUAN), null=r(month_wage=None))
    t.rule(
        "W007", r(work_start="2021-03", work_end="2021-08"), hit=r(work_end="2021-02"), miss={}, edge=r(work_end="2021-03"),
        null=r(work_start=None, work_end=None),
    )  # fmt: skip
    subsidy = r(transport_subsidy=50_000, work_county="310115", person_id="p", row_id="a", work_start="2021-03")
    other = {"transport_subsidy": 30_000, "person_id": "p", "row_id": "b", "work_start": "2021-07"}
    t.rule(
        "W011", subsidy, hit={"work_spells": [other]}, miss={"work_spells": [other | {"work_start": "2020-07"}]},
        edge=r(work_county="340323"), edge_hits=True, null=r(transport_subsidy=None, work_county="340323"),
    )  # fmt: skip
    spell = {"person_id": "ME", "work_start": "2021-01", "work_end": "2021-06", "month_wage": 300_000}
    person = {"row": {"work_months": 60, "row_id": "ME"}, "work_spells": [spell]}
    t.rule("W009", person, hit={"row": {"work_months": 90}}, miss={}, edge={"row": {"work_months": 70}}, null={"row": {"work_months": None}})
    place = {"row": {"work_region": "04", "work_place_code": "310115"}}
    t.rule(
        "W010",
        place,
        hit={"row": {"work_region": "03"}},
        miss={},
        edge={"row": {"work_place_code": "34"}},
        edge_hits=True,
        null={"row": {"work_region": None}},
    )
    two = {"row": {"phone": "13900000001", "work_place_code": "310115", "work_months": 60}}
    sister = {"phone": "13900000001", "work_place_code": "320505"}
    t.rule(
        "F018", two, hit={"members": [sister]}, miss={"members": [sister | {"phone": "13900000002"}]},
        edge={"members": [sister | {"work_place_code": "310115"}]}, null={"members": [sister | {"work_place_code": None}]},
    )  # fmt: skip
    home = {"row": {"wage_income": 18_000 * YUAN}, "work_spells": [spell]}
    t.rule(
        "H015", home, hit={"row": {"wage_income": 10_000 * YUAN}}, miss={}, edge={"row": {"wage_income": 1_800_000 * 100 // 130 + 1}},
        null={"work_spells": [spell | {"month_wage": None}]},
    )  # fmt: skip
    jobs = {"row": {"wage_income": 6000 * YUAN}, "members": [{"public_job_months": 12}]}
    t.rule(
        "H016",
        jobs,
        hit={"row": {"wage_income": 5999 * YUAN}},
        miss={"members": [{"public_job_months": 6}]},
        edge={},
        null={"row": {"wage_income": None}},
    )


def _loans(t: Table) -> None:
    def r(**row: Any) -> dict[str, Any]:
        return {"row": row}

    loan = {
        "row": {"row_id": "a", "principal": 5_000_000, "interest_subsidy_rate": 10_000, "loan_status": "01", "granted_on": "2021-03-01",
                "borrower_person": "B", "due_on": "2024-03-01", "overdue_days": 0, "renewed_count": 0},
        "home": {"household_type": "01"},
        "members": [{"row_id": "B", "birth_date": "1980-03-01"}],
    }  # fmt: skip
    t.rule("B001", loan, hit=r(principal=5_000_001), miss=r(principal=5_000_001, interest_subsidy_rate=0), edge={}, null=r(principal=None))
    t.rule("B002", r(term_months=36), hit=r(term_months=37), miss=r(term_months=12), edge={}, null=r(term_months=None))

    def born(day: str | None) -> dict[str, Any]:
        return {"members": [{"row_id": "B", "birth_date": day}]}

    t.rule("B003", loan, hit=born("2003-03-02"), miss={}, edge=born("2003-03-01"), null=born(None))
    another = {"row_id": "b", "principal": 100, "loan_status": "01"}
    t.rule(
        "B004", loan, hit={"loans": [another]}, miss={"loans": [another | {"loan_status": "05"}]}, edge={"loans": [another | {"row_id": "a"}]},
        null={"home": {"household_type": None}}, null_hits=True,
    )  # fmt: skip
    t.rule(
        "B005", r(purpose="01", passed_to_enterprise=False), hit=r(purpose="13"), miss={}, edge=r(passed_to_enterprise=True), edge_hits=True,
        null=r(purpose=None),
    )  # fmt: skip
    t.rule("B006", loan, hit=r(due_on="2021-12-14"), miss={}, edge=r(due_on="2021-12-16"), null=r(due_on=None))


def _projects(t: Table) -> None:
    def r(**row: Any) -> dict[str, Any]:
        return {"row": row}

    done = r(funds_approved=1000, funds_paid=1000, start_on="2021-03-01", end_on="2021-09-01", accepted_on="2021-10-01", asset_registered=True,
             approved_on="2021-02-01")  # fmt: skip
    t.rule("B007", done, hit=r(funds_paid=1001), miss=r(funds_paid=900), edge={}, null=r(funds_approved=None))
    t.rule(
        "B008", done, hit=r(funds_paid=0, approved_on="2021-05-15"), miss={}, edge=r(funds_paid=0, approved_on="2021-05-16"), null=r(funds_paid=None)
    )
    job = r(project_subtype="0204", project_year=2021, content="保洁")
    t.rule("C028", job, hit=r(content=None), miss={}, edge=r(project_year=2020, content=None), null=r(project_subtype=None, content=None))


def _household(t: Table) -> None:
    def r(**row: Any) -> dict[str, Any]:
        return {"row": row}

    helped = {"row": {"household_type": "01"}, "pairings": [{"start_on": "2020-01-01", "end_on": None}]}
    t.rule(
        "C030", helped, hit={"pairings": []}, miss={}, edge={"pairings": [{"start_on": "2020-01-01", "end_on": "2021-11-15"}]},
        null={"pairings": [], "row": {"household_type": None}},
    )  # fmt: skip
    gone = {"member_state": "02", "change_reason": None, "change_date": None}
    t.rule(
        "C032", {}, hit={"left": [gone]}, miss={"left": [gone | {"change_reason": "01"}]}, edge={"left": [gone | {"change_date": "2021-01-01"}]},
        null={"left": [gone | {"member_state": None}]},
    )  # fmt: skip
    child = {"row": {"relation_to_head": "03", "birth_date": "2001-05-01"}, "members": [{"relation_to_head": "01", "birth_date": "1975-01-01"}]}

    def head(day: str | None) -> dict[str, Any]:
        return {"members": [{"relation_to_head": "01", "birth_date": day}]}

    t.rule("H005", child, hit=head("1987-05-02"), miss={}, edge=head("1987-05-01"), null=head(None))
    visited = {"row": {"household_type": "01", "monitoring_state": None}, "visits": [{"visited_on": "2021-11-01"}]}
    t.rule(
        "T016", visited, hit={"visits": [{"visited_on": "2021-08-14"}]}, miss={}, edge={"visits": [{"visited_on": "2021-08-15"}]},
        null={"visits": [{"visited_on": None}]}, null_hits=True,
    )  # fmt: skip
    one, two = "0b7c1b0e-6f0a-4b5e-9f43-0d7c2f5b9a11", "5a1f7c9e-2b3d-4c5f-8a6b-7c8d9e0f1a2b"
    t.rule(
        "T018", r(head_signature=[one], collector_signatures=[one, two], read_back=True), hit=r(collector_signatures=[one]), miss={},
        edge=r(head_signature=None, collector_signatures=None, read_back=None), null=r(head_signature=None), null_hits=True,
        hits=(r(read_back=False), r(read_back=None), r(head_signature=None, collector_signatures=None, read_back=False)),
        misses=(r(head_signature=None, collector_signatures=None),),
    )  # fmt: skip
    t.rule("T019", r(entered_by="1", checked_by="2"), hit=r(checked_by="1"), miss={}, edge=r(checked_by="11"), null=r(checked_by=None))
    t.rule(
        "T020", r(filled_on="2021-11-01", entered_on="2021-11-02"), hit=r(entered_on="2021-11-05"), miss={}, edge=r(entered_on="2021-11-04"),
        null=r(filled_on=None),
    )  # fmt: skip
    arrived = {"row": {"change_kind": "01"}, "last": {}, "home_last": {"household_size": 3}}
    t.rule(
        "Y010", arrived, hit={"row": {"change_kind": "02"}}, miss={}, edge={"row": {"change_kind": "02"}, "last": {"member_name": "张三"}},
        null={"row": {"change_kind": None}}, null_hits=True,
    )  # fmt: skip
    same = {"row": {"member_name": "张三", "sex": "1", "ethnicity": "01"}, "last": {"member_name": "张三", "sex": "1", "ethnicity": "01"}}
    t.rule("Y011", same, hit={"row": {"sex": "2"}}, miss={}, edge={"row": {"member_name": "张山"}}, edge_hits=True, null={"last": {"sex": None}})


def _measures(t: Table) -> None:
    """Rules on a monitoring spell that ask for measures."""

    def spell(**row: Any) -> dict[str, Any]:
        return {"row": {"spell_no": 1, "spell_state": "01", "identified_month": "2020-06", **row}}

    def given(*items: str) -> dict[str, Any]:
        return {"measures": [_measure(item) for item in items]}

    t.rule("M013", spell(), hit={}, miss=given("5204"), edge=spell(identified_month="2021-11"), null=spell(identified_month=None))
    able = spell() | {"members": [_ABLE]}
    t.rule(
        "M014", able, hit=given("5204"), miss=given("3902"), edge={"members": [{"labor_ability": "05"}]}, null={"members": [{"labor_ability": None}]}
    )
    t.rule("M015", able, hit=given("4801"), miss=given("4801", "5204"), edge={}, null={"measures": [_measure("4801") | {"measure_class": None}]})
    undone = spell(dev_measure_state="02") | {"members": [_ABLE]} | given("3902")
    t.rule(
        "M016",
        undone,
        hit={},
        miss={"row": {"dev_measure_state": "01"}},
        edge=given("5204"),
        null={"row": {"dev_measure_state": None}},
        null_hits=True,
    )
    done = spell(dev_measure_state="01")
    t.rule("M017", done | given("4001"), hit={}, miss=given("4001", "3902"), edge=given("5204"), null={"row": {"dev_measure_state": None}})
    for rule, risk, right, wrong in (
        ("M018", "01", "4503", "5001"), ("M019", "02", "4702", "4503"), ("M020", "03", "4803", "4503"), ("M021", "05", "5001", "5201"),
        ("M023", "06", "5101", "5201"),
    ):  # fmt: skip
        t.rule(
            rule, spell(risk_1="10", risk_2=risk) | given(wrong), hit={}, miss=given(right), edge={"row": {"risk_2": "07"}},
            null={"row": {"risk_2": None}},
        )  # fmt: skip
    t.rule(
        "M022",
        spell(id_dropout_child=True),
        hit=given("4701"),
        miss=given("4601"),
        edge=spell(id_dropout_child=False),
        null=spell(id_dropout_child=None),
    )
    t.rule(
        "M024",
        spell(id_uninsured_member=True),
        hit=given("4801"),
        miss=given("5204"),
        edge=spell(id_uninsured_member=False),
        null=spell(id_uninsured_member=None),
    )
    job = spell() | given("4005")
    t.rule(
        "M025", job, hit={"members": [{"work_months": 0}]}, miss={"members": [{"work_months": 10}]},
        edge={"work_spells": [{"working_now": False, "work_end": "2020-06"}]}, null={"work_spells": [{"working_now": None, "work_end": "2020-05"}]},
        null_hits=True,
    )  # fmt: skip
    for_who = {"row": _measure("4005", beneficiary_person="B"), "home": {"monitoring_state": "01"}, "members": [{"row_id": "B", **_UNABLE}]}
    t.rule(
        "M026", for_who, hit={}, miss={"members": [{"row_id": "B", **_ABLE}]}, edge={"members": [{"row_id": "B", "labor_ability": "05"}]},
        null={"row": {"beneficiary_person": None}},
    )  # fmt: skip

    def away(start: str | None, county: str | None = "310115") -> dict[str, Any]:
        return {"work_spells": [{"work_start": start, "work_county": county, "transport_subsidy": 0}]}

    export = spell() | given("4003")
    t.rule("M027", export, hit=away("2020-05"), miss=away("2020-07"), edge=away("2020-06"), null=away("2020-07", None), null_hits=True)
    subsidy = spell() | given("4002")
    t.rule(
        "M028", subsidy, hit=away("2020-07"), miss={"work_spells": [{"transport_subsidy": 50_000}]}, edge={"work_spells": [{"transport_subsidy": 1}]},
        null={"work_spells": [{"transport_subsidy": None}]},
    )  # fmt: skip
    student = spell() | {"members": [{"school_status": "10"}]}
    t.rule(
        "M029",
        student,
        hit=given("4702"),
        miss=given("4701"),
        edge={"row": {"identified_month": "2021-09"}},
        null={"row": {"identified_month": None}},
    )
    insured = spell() | {"members": [{"resident_medical": True}]}
    t.rule(
        "M030", insured, hit=given("4503"), miss=given("4501"), edge={"row": {"identified_month": "2021-04"}},
        null={"members": [{"resident_medical": None}]},
    )  # fmt: skip
    t.rule(
        "M031",
        spell(identified_month="2021-01") | given("5301"),
        hit={},
        miss=given("5001"),
        edge=spell(identified_month="2020-12"),
        null=spell(identified_month=None),
    )
    t.rule(
        "M032",
        spell() | {"members": [{"dibao_status": "02"}]},
        hit=given("4804"),
        miss=given("4801"),
        edge={"members": [{"dibao_status": "01"}]},
        null={"members": [{"dibao_status": None}]},
    )
    t.rule(
        "M033",
        spell() | {"members": [{"tekun_status": "02"}]},
        hit=given("4801"),
        miss=given("4802"),
        edge={"members": [{"tekun_status": "01"}]},
        null={"members": [{"tekun_status": None}]},
    )
    t.rule(
        "M034",
        spell() | given("4801"),
        hit={"members": [{"dibao_status": "01"}]},
        miss={"members": [{"dibao_status": "03"}]},
        edge=given("4804"),
        null={"members": [{"dibao_status": None}]},
        null_hits=True,
    )
    t.rule("M035", spell() | {"home": {"tr_tekun": 1}}, hit={}, miss=given("4802"), edge={"home": {"tr_tekun": 0}}, null={"home": {"tr_tekun": None}})
    t.rule(
        "M036",
        spell() | {"members": [{"disability_grade": "2"}]},
        hit={},
        miss=given("4803"),
        edge={"members": [{"disability_grade": "3"}]},
        null={"members": [{"disability_grade": None}]},
    )
    t.rule(
        "M037",
        spell() | given("4803"),
        hit={"members": [{"health_status": ["01"]}]},
        miss={"members": [{"health_status": ["04"]}]},
        edge={"members": [{"disability_category": "4"}]},
        null={"members": [{"health_status": None}]},
        null_hits=True,
    )
    gone = spell(spell_state="02", elimination_mode="01", eliminated_month="2021-06", el_wage=0, el_transfer=0, el_business=0)
    t.rule("M041", gone, hit={}, miss=given("5204"), edge={"row": {"elimination_mode": "02"}}, null={"row": {"elimination_mode": None}})
    t.rule("M046", gone | given("4205"), hit={}, miss=given("3902"), edge={"row": {"el_wage": 1}}, null={"row": {"el_wage": None}})
    t.rule("M047", gone | given("4803"), hit={}, miss=given("4804"), edge={"row": {"el_transfer": 1}}, null={"row": {"el_transfer": None}})
    t.rule("M048", gone | given("3902"), hit={}, miss=given("4005"), edge={"row": {"el_business": 1}}, null={"row": {"el_business": None}})

    def ended(day: str | None) -> dict[str, Any]:
        return {"measures": [_measure("4701", end_on=day)]}

    t.rule("M054", gone, hit=ended("2021-06-30"), miss=ended("2021-08-01"), edge=ended("2021-07-01"), null=ended(None))


def _spells(t: Table) -> None:
    poor = {
        "row": {
            "monitoring_type": "01",
            "identified_month": "2020-06",
            "id_net": 12_000 * YUAN,
            "id_household_size": 2,
            "id_claim": 0,
            "id_self_paid": 0,
        }
    }
    t.rule(
        "M051", poor, hit={"row": {"id_net": 12_000 * YUAN + 2}}, miss={"row": {"id_net": 5000 * YUAN}}, edge={},
        null={"row": {"id_household_size": None, "id_net": 90_000 * YUAN}},
    )  # fmt: skip
    one = {"spell_no": 1, "spell_state": "01"}
    t.rule(
        "M052", {}, hit={"spells": [one, {"spell_no": 2, "spell_state": "01"}]}, miss={"spells": [one, {"spell_no": 2, "spell_state": "02"}]},
        edge={"spells": [one]}, null={"spells": [one, {"spell_no": 2, "spell_state": None}]},
    )  # fmt: skip
    again = {"row": {"spell_no": 2, "spell_state": "01", "reflag_at": "2021-05-01"}}
    t.rule(
        "M053", again, hit={"spells": [{"spell_no": 1, "eliminated_month": None}]}, miss={"spells": [{"spell_no": 1, "eliminated_month": "2020-12"}]},
        edge={"row": {"reflag_at": None}}, null={"row": {"reflag_at": None, "rollback_at": None, "eliminated_month": None}},
    )  # fmt: skip


def _positions(t: Table) -> None:
    def r(**row: Any) -> dict[str, Any]:
        return {"row": row}

    here = r(lat=33_300_000, lon=117_300_000, datum="01", gps_accuracy_m=800, mock_location=False)
    t.rule("G001", here, hit=r(lat=None, lon=None), miss={}, edge=r(datum=None), null=r(lon=None), null_hits=True)
    village = r(lat=33_300_000, lon=117_300_000, office_lat=33_300_000, office_lon=117_300_000)
    t.rule(
        "G003", village, hit=r(lat=33_327_037), miss=r(lon=117_332_000), edge=r(lat=33_327_027), null=r(office_lat=None, office_lon=None),
        hits=[r(lon=117_267_000)], misses=[r(lat=117_300_000, lon=33_300_000)],
    )  # fmt: skip
    same = {"row": {"address": "1组1号", "lat": 33_300_000, "lon": 117_300_000}}
    t.rule(
        "Y014", same | {"last": {"address": "1组1号", "lat": 33_300_000, "lon": 117_300_000}}, hit={"last": {"lat": 33_304_510}}, miss={},
        edge={"last": {"lat": 33_304_505}}, null={"last": {"lat": 33_304_510, "address": None}},
        misses=[{"last": {"lat": 33_304_510, "address": "1组2号"}}, {"last": {"lat": None}}],
    )  # fmt: skip
    # 0.0027° of latitude are 300 m.
    moved = [{"lat": 33_300_000, "lon": 117_300_000, "last": {"lat": 33_303_600, "lon": 117_300_000}} for _home in range(5)]
    others = [{"lat": 33_300_000, "lon": 117_300_000, "last": {"lat": 33_300_000, "lon": 117_300_000}} for _home in range(4)]
    t.rule(
        "G006", village | {"last": {"lat": 33_303_600, "lon": 117_300_000}, "elsewhere": [*moved, *others]}, hit={},
        miss={"elsewhere": [*moved[1:], *others, *others]}, edge={"last": {"lat": 33_302_702}}, edge_hits=True,
        null={"last": {"lat": None}}, hits=[{"last": {"lat": 33_360_000}}],
        misses=[{"last": {"lat": 33_302_690}}, {"elsewhere": [*moved, *others[1:]]}, {"elsewhere": moved}],
    )  # fmt: skip
    t.rule("G002", here, hit=r(lat=33_518_001), miss={}, edge=r(lat=33_518_000), null=r(lat=None))
    t.rule("G004", here, hit=r(gps_accuracy_m=5001), miss={}, edge=r(gps_accuracy_m=5000), null=r(gps_accuracy_m=None))
    t.rule("G005", here, hit=r(lat=117_300_000, lon=33_300_000), miss={}, edge=r(lat=54_000_000), null=r(datum=None), null_hits=True)


def _villages(t: Table) -> None:
    """Rows of the yearly tables; what is counted below them by relation: `households`, `natural_villages`, `resident_team`."""

    def r(**row: Any) -> dict[str, Any]:
        return {"row": row}

    t.rule(
        "V001",
        r(population=1, households=1),
        hit=r(population=0),
        miss={},
        edge=r(households=0),
        edge_hits=True,
        null=r(households=None),
        null_hits=True,
    )
    income = r(collective_income_wan=1)
    t.rule(
        "V002", income, hit=r(collective_income_wan=0), miss={}, edge=r(collective_income_wan=-1), null=r(collective_income_wan=None), null_hits=True
    )
    typed = ("primary_schools", "resident_pension_insured", "clinics", "public_toilets", "doctors", "waste_points", "library_rooms")
    below = ("dibao_households", "dibao_population", "tekun_population", "disabled_population")
    filled = r(**dict.fromkeys((*typed, *below), 0), bus_service=False) | {"natural_villages": [dict.fromkeys(below, 0)]}
    lacking: list[dict[str, Any]] = [dict.fromkeys(below, 0), dict.fromkeys(below[:3], 0)]
    t.rule("V003", filled, hit={"natural_villages": lacking}, miss={}, edge={"natural_villages": []}, null=r(bus_service=None), null_hits=True)
    t.rule("V004", r(road_to_town=True), hit=r(road_to_town=False), miss={}, edge=r(dist_to_town_km=0), null=r(road_to_town=None))
    houses = r(households=100, unsafe_water_households=0, hard_water_households=0, dilapidated_households=0)
    t.rule(
        "V005",
        houses,
        hit=r(dilapidated_households=101),
        miss={},
        edge=r(unsafe_water_households=100),
        null=r(households=None, hard_water_households=1),
    )
    land = r(farmland_mu=1_000, forest_mu=0, orchard_mu=None)
    homes = [{"household_type": "01", "farmland_mu": 600, "orchard_mu": 10}, {"household_type": "02", "farmland_mu": 900, "forest_mu": 5}]
    t.rule(
        "V006", land | {"households": homes}, hit={"households": [*homes, {"household_type": "01", "farmland_mu": 401}]}, miss={},
        edge={"households": [*homes, {"household_type": "01", "farmland_mu": 400}]},
        null={"households": [*homes, {"household_type": None, "farmland_mu": 401}]},
    )  # fmt: skip
    same = r(population=300, population_stated=300, households=90, households_stated=None)
    t.rule(
        "V007", same, hit=r(population_stated=301), miss={}, edge=r(households_stated=90), null=r(labor_population_stated=5, labor_population=None)
    )
    whole = r(population=300, women_population=140, resident_medical_insured=290)
    t.rule("V008", whole, hit=r(resident_medical_insured=301), miss={}, edge=r(women_population=300), null=r(population=None))
    t.rule(
        "V009", r(population=300, households=100), hit=r(population=601), miss=r(population=0, households=0), edge=r(population=150),
        null=r(households=None),
    )  # fmt: skip
    told = r(exit_households=20, exit_households_stated=20, monitored_population=9, monitored_population_stated=9)
    t.rule(
        "V010", told, hit=r(monitored_population_stated=8), miss={}, edge=r(exit_households_stated=0, exit_households=0),
        null=r(exit_households_stated=None),
    )  # fmt: skip
    earned = r(collective_income_wan=3_000) | {"last": {"collective_income_wan": 1_000}}
    t.rule(
        "V011", earned, hit=r(collective_income_wan=100_001), miss={"last": {"collective_income_wan": 0}},
        edge={"last": {"collective_income_wan": 9_000}},
        null={"last": {"collective_income_wan": None}},
    )  # fmt: skip
    leader = r(leader_name="陈立国", leader_phone="13800138000")
    t.rule("V012", leader, hit=r(leader_phone="1380013800"), miss={}, edge=r(leader_phone="0552-6012345"), null=r(leader_name=None), null_hits=True)
    wired = r(electricity=True, broadband=False)
    dark = {"household_state": "01", "electricity": False, "broadband": False}
    t.rule(
        "V013", wired | {"households": [{"electricity": True, "broadband": False}]}, hit={"households": [dark]}, miss={},
        edge={"households": [dark | {"household_state": "02"}]}, null={"households": [dark | {"electricity": None}]},
    )  # fmt: skip
    grown = r(farmland_mu=1_000, population=110) | {"last": {"farmland_mu": 1_000, "population": 100}}
    t.rule(
        "V014", grown, hit=r(farmland_mu=899), miss=r(farmland_mu=899, boundary_changed=True), edge={},
        null={"last": {"farmland_mu": None}} | r(farmland_mu=1),
    )  # fmt: skip
    team = [
        {"is_first_secretary": True},
        {"is_first_secretary": False, "end_on": "2021-12-31"},
        {"is_first_secretary": False, "end_on": "2021-09-30"},
    ]
    t.rule(
        "V015", r(team_required=True) | {"resident_team": team}, hit={"resident_team": [team[1], *team[1:]]},
        miss=r(team_required=False) | {"resident_team": []},
        edge={}, null=r(team_required=None) | {"resident_team": []},
    )  # fmt: skip

    still = r(population=600) | {"last": {"population": 600}, "members": [{"change_kind": None, "change_date": None}], "left": []}

    def changed(day: str | None) -> dict[str, Any]:
        return {"left": [{"change_kind": "02", "change_date": day}]}

    t.rule(
        "O014", still, hit={}, miss=changed("2021-03-01"), edge=r(population=500) | {"last": {"population": 500}}, edge_hits=True,
        null={"last": {"population": None}}, hits=[changed("2020-09-30")],
        misses=[changed("2020-10-01"), changed(None), r(population=499) | {"last": {"population": 499}}, r(population=601), {"members": []}],
    )  # fmt: skip

    def working(count: int, *ended: str, **more: Any) -> dict[str, Any]:
        """So many people work, the first of them until the months given."""
        ends = [*ended, *[None] * (count - len(ended))]
        return {"work_spell": [{"person_id": f"p{who}", "work_start": "2021-01", "work_end": end} | more for who, end in enumerate(ends)]}

    gone = working(30, "2021-10", "2021-10")
    t.rule(
        "W008", working(30), hit=gone, miss=working(30, "2021-10"), edge=working(40, "2021-10", "2021-10"),
        null=working(30, *["2021-10"] * 9, work_start=None),
        hits=[working(30, "2020-11", "2021-01", work_start="2020-05")],
        misses=[working(29, *["2021-10"] * 9), working(30, "2020-10", "2021-01", work_start="2020-05"),
                {"work_spell": [*gone["work_spell"], *working(2)["work_spell"]]}],
    )  # fmt: skip


def _older(t: Table) -> None:
    """Rules that ask the sheets only."""

    def r(**row: Any) -> dict[str, Any]:
        return {"row": row}

    for rule, name, value, edge in (
        ("C001", "ethnicity", "01", "02"), ("C002", "health_status", ["01"], []), ("C003", "labor_ability", "01", "04"),
        ("C004", "relation_to_head", "01", "99"), ("C006", "critical_illness_insured", True, False), ("C010", "safe_water", True, False),
        ("C011", "sanitary_toilet", True, False), ("C014", "housing_area_m2", 9000, 0), ("C015", "dilapidated_house", False, True),
        ("C016", "dist_main_road_km", 100, 0),
    ):  # fmt: skip
        t.rule(rule, r(**{name: value}), hit=r(**{name: None}), miss={}, edge=r(**{name: edge}), null=r(**{name: None}), null_hits=True)
    for rule, name, limit in (
        ("O001", "farmland_mu", 10_000), ("O002", "forest_mu", 20_000), ("O003", "returned_forest_mu", 20_000), ("O004", "orchard_mu", 20_000),
        ("O005", "grassland_mu", 10_000), ("O006", "water_area_mu", 10_000), ("O007", "dist_main_road_km", 500),
    ):  # fmt: skip
        t.rule(rule, r(**{name: limit}), hit=r(**{name: limit + 1}), miss=r(**{name: 0}), edge={}, null=r(**{name: None}))
    t.rule(
        "O008", r(housing_area_m2=9000, household_size=4), hit=r(housing_area_m2=3999), miss={}, edge=r(housing_area_m2=4000),
        null=r(housing_area_m2=None),
    )  # fmt: skip
    income = r(per_capita_net_income=12_000 * YUAN, household_type="01")
    t.rule(
        "O009",
        income,
        hit=r(per_capita_net_income=50_000 * YUAN + 1),
        miss={},
        edge=r(per_capita_net_income=50_000 * YUAN),
        null=r(per_capita_net_income=None),
    )
    t.rule(
        "H029",
        income,
        hit=r(per_capita_net_income=6000 * YUAN - 1),
        miss={},
        edge=r(per_capita_net_income=6000 * YUAN),
        null=r(per_capita_net_income=None),
    )
    t.rule(
        "C005",
        r(education_level="03"),
        hit=r(education_level=None),
        miss={},
        edge=r(education_level=None, dropout_reason="01"),
        null=r(education_level=None),
        null_hits=True,
    )
    t.rule("C007", r(resident_pension=True), hit=r(resident_pension=None), miss={}, edge=r(resident_pension=False), null=r(employee_pension=None))
    t.rule("C008", r(resident_medical=True), hit=r(resident_medical=None), miss={}, edge=r(resident_medical=False), null=r(employee_medical=None))
    t.rule("C013", r(road_type="03"), hit=r(road_type=None), miss={}, edge=r(road_type=None, road_hardened=False), null=r(road_hardened=None))
    t.rule("C017", r(electricity=True), hit=r(electricity=False), miss={}, edge={}, null=r(electricity=None), null_hits=True)
    t.rule("C018", r(risk_1="01"), hit=r(risk_1=None), miss={}, edge=r(risk_1=None, risk_5="99"), null=r(risk_2=None))
    t.rule(
        "C022",
        r(risk_1="99", risk_remark="房屋漏雨"),
        hit=r(risk_remark="漏雨"),
        miss={},
        edge=r(risk_remark="房漏雨"),
        edge_hits=True,
        null=r(risk_remark=None),
        null_hits=True,
    )
    t.rule(
        "C023",
        r(risk_1="04", disaster_subtype="01"),
        hit=r(disaster_subtype=None),
        miss={},
        edge=r(risk_1="05", disaster_subtype=None),
        null=r(risk_1=None, disaster_subtype=None),
    )
    t.rule(
        "F003",
        r(id_check_ok=True, id_placeholder=False),
        hit=r(id_check_ok=False),
        miss={},
        edge=r(id_check_ok=False, id_placeholder=True),
        null=r(id_check_ok=None),
    )
    for rule, fact in (("F004", "card_check_ok"), ("F005", "card_reissue_ok"), ("F011", "card_matches_id")):
        t.rule(rule, r(**{fact: True}), hit=r(**{fact: False}), miss={}, edge={}, null=r(**{fact: None}))
    t.rule("F009", r(sex="1", id_sex="1"), hit=r(id_sex="2"), miss={}, edge=r(sex="2", id_sex="2"), null=r(id_sex=None))
    born = r(id_form="id18", id_placeholder=False, birth_date="1980-02-29", id_birth="1980-02-29")
    t.rule("F010", born, hit=r(id_birth="1980-03-01"), miss={}, edge=r(id_placeholder=True, id_birth="1980-03-01"), null=r(birth_date=None))
    t.rule("F006", born, hit=r(id_birth="1899-12-31"), miss={}, edge=r(id_birth="1900-01-01"), null=r(id_birth=None), null_hits=True)
    t.rule(
        "F012",
        r(member_name="张三"),
        hit=r(member_name="张A"),
        miss=r(member_name="买买提·艾力"),
        edge=r(member_name="张"),
        edge_hits=True,
        null=r(member_name=None),
    )
    t.rule("F013", r(member_name="张三"), hit=r(member_name="张之子"), miss={}, edge=r(member_name="张之"), null=r(member_name=None))
    phone = r(work_months=60, phone="13900000001")
    t.rule("F014", phone, hit=r(phone="1390000000"), miss={}, edge=r(work_months=0, phone="1390000000"), null=r(phone=None))
    t.rule(
        "F015",
        r(household_phone="0552-6012345"),
        hit=r(household_phone="6012345"),
        miss={},
        edge=r(household_phone="05526012345"),
        null=r(household_phone=None),
        null_hits=True,
    )
    t.rule(
        "F016",
        r(household_phone="13912345678"),
        hit=r(household_phone="13888888888"),
        miss={},
        edge=r(household_phone="13998888888"),
        null=r(household_phone=None),
    )
    t.rule(
        "H013",
        r(wage_income=0) | {"members": [{"work_months": 10}]},
        hit={},
        miss=r(wage_income=1),
        edge={"members": [{"work_months": 0}]},
        null=r(wage_income=None),
    )
    t.rule(
        "H014",
        r(wage_income=1),
        hit={},
        miss={"members": [{"work_months": 10}]},
        edge=r(wage_income=0),
        null={"members": [{"work_months": None}]},
        null_hits=True,
    )
    t.rule(
        "H020",
        r(farmland_mu=100, tr_land_fertility_subsidy=0),
        hit={},
        miss=r(tr_land_fertility_subsidy=1),
        edge=r(farmland_mu=0),
        null=r(farmland_mu=None),
    )
    poor = r(household_type="01", safe_water=False, dilapidated_house=True)
    t.rule("H026", poor, hit={}, miss=r(dilapidated_house=False), edge=r(monitoring_type="01"), null=r(dilapidated_house=None))
    t.rule("H027", poor, hit={}, miss=r(safe_water=True), edge=r(household_type="02"), null=r(safe_water=None))
    t.rule(
        "P001",
        r(education_level="03"),
        hit=r(school_status="03"),
        miss={},
        edge=r(education_level=None, school_status="01"),
        null=r(education_level=None),
        null_hits=True,
    )
    t.rule(
        "P003",
        r(resident_medical=True, employee_medical=True),
        hit={},
        miss=r(employee_medical=False),
        edge=r(resident_medical=False),
        null=r(resident_medical=None),
    )
    sixteen = r(birth_date="2005-10-01", labor_ability="01")
    t.rule("P007", sixteen, hit={}, miss=r(labor_ability="04"), edge=r(birth_date="2005-09-30"), null=r(birth_date=None))
    sixty = r(birth_date="1961-09-30", labor_ability="01")
    t.rule("P008", sixty, hit={}, miss=r(labor_ability="05"), edge=r(birth_date="1961-10-01"), null=r(labor_ability=None))
    grown = r(birth_date="1980-01-01", health_status=["01"], labor_ability="04")
    t.rule("P009", grown, hit={}, miss=r(health_status=["02"]), edge=r(birth_date="1961-09-30"), null=r(health_status=None))
    t.rule("P010", grown, hit=r(labor_ability="05"), miss={}, edge=r(labor_ability="05", birth_date="2005-10-01"), null=r(labor_ability=None))
    t.rule(
        "P011",
        grown,
        hit=r(health_status=["02"], labor_ability="01"),
        miss={},
        edge=r(health_status=["01"], labor_ability="01"),
        null=r(health_status=None, labor_ability="01"),
    )
    t.rule(
        "P012", r(school_status="03", labor_ability="01"), hit={}, miss=r(labor_ability="04"), edge=r(school_status="01"), null=r(labor_ability=None)
    )
    t.rule(
        "P013",
        r(card_category="4", card_grade="2", labor_ability="01"),
        hit={},
        miss=r(card_category="1"),
        edge=r(card_grade="3"),
        null=r(card_grade=None),
    )
    t.rule("P030", r(work_months=60), hit=r(work_months=121), miss={}, edge=r(work_months=120), null=r(work_months=None))
    job = r(public_job_type=["05"], public_job_months=6, birth_date="1980-01-01", labor_ability="01")
    t.rule(
        "P031",
        job,
        hit=r(public_job_months=None),
        miss={},
        edge=r(public_job_months=0),
        edge_hits=True,
        null=r(public_job_type=None, public_job_months=None),
    )
    t.rule("P032", job, hit=r(birth_date="2005-10-01"), miss={}, edge=r(birth_date="2005-09-30"), null=r(birth_date=None))
    t.rule("P033", job, hit=r(birth_date="1951-09-30"), miss={}, edge=r(birth_date="1951-10-01"), null=r(birth_date=None))
    t.rule("P034", job, hit=r(public_job_type=["01", "05", "08"]), miss={}, edge=r(public_job_type=["01", "05"]), null=r(public_job_type=None))
    t.rule("P035", job, hit=r(labor_ability="03"), miss={}, edge=r(labor_ability="05"), null=r(labor_ability=None))
    tekun = r(row_id="ME", tekun_status="02", work_months=0, dibao_status="01")
    entry = {"work_spells": [{"person_id": "ME", "work_start": "2021-03", "work_end": None}]}
    old = {"work_spells": [{"person_id": "ME", "work_start": "2019-03", "work_end": "2020-09"}]}
    t.rule(
        "P036", tekun, hit=r(work_months=1), miss={}, edge=r(tekun_status="01", work_months=1), null=r(work_months=None), hits=[entry], misses=[old]
    )
    t.rule("P038", tekun, hit=r(dibao_status="02"), miss={}, edge=r(dibao_status="02", tekun_status="01"), null=r(dibao_status=None))
    out = r(
        spell_state="02", elimination_mode="01", eliminated_month="2021-06", el_per_capita=600_000, el_dropout_child=False, el_house_damaged=False
    )
    t.rule("M042", out, hit=r(el_per_capita=599_999), miss={}, edge=r(eliminated_month="2020-06", el_per_capita=599_999), null=r(el_per_capita=None))
    t.rule("M043", out, hit=r(el_dropout_child=True), miss={}, edge=r(spell_state="01", el_dropout_child=True), null=r(el_dropout_child=None))
    t.rule(
        "M044", out, hit=r(el_house_damaged=True), miss={}, edge={"home": {"dilapidated_house": True}}, edge_hits=True, null=r(el_house_damaged=None)
    )
    t.rule(
        "M045", out, hit=r(el_water_damaged=True), miss={}, edge={"home": {"safe_water": False}}, edge_hits=True, null={"home": {"safe_water": None}}
    )
