"""Examples of rules on a household: its bank card and land, who is in it, income and what it is made of, poverty, and against last year."""

from typing import Any

from tests.rules.table import YUAN, Table, people, row

_HEAD, _SPOUSE = {"relation_to_head": "01", "sex": "1"}, {"relation_to_head": "02", "sex": "2"}
_EXITED = {"household_type": "01", "monitoring_type": None}
_COVERED = {"critical_illness_insured": True, "resident_medical": True, "employee_medical": False, "is_soldier": False, "birth_date": "1980-03-01"}


def add(t: Table) -> None:
    _sheet(t)
    _members(t)
    _sums(t)
    _entitlements(t)
    _production(t)
    _needs(t)
    _last_year(t)
    _among_others(t)


def yuan(amount: float) -> int:
    return round(amount * YUAN)


def _sheet(t: Table) -> None:
    card = row(bank_luhn_ok=True, bank_holder="张大山") | people({"member_name": "张大山"}, {"member_name": "李秀英"})
    t.rule(
        "F019", card, hit=row(bank_luhn_ok=False), miss={}, edge=people({"member_name": "李秀英"}) | {"left": [{"member_name": "张大山"}]},
        edge_hits=True, null=row(bank_luhn_ok=None, bank_holder=None), hits=[row(bank_holder="王五")], misses=[row(bank_holder=None)],
    )  # fmt: skip
    land = row(farmland_mu=300, forest_mu=0, returned_forest_mu=0, orchard_mu=0, grassland_mu=0, water_area_mu=0)
    t.rule(
        "C012", land, hit=row(forest_mu=None), miss={}, edge=row(farmland_mu=0), null=row(farmland_mu=None, water_area_mu=None), null_hits=True,
        hits=[row(**{name: None}) for name in ("returned_forest_mu", "orchard_mu", "grassland_mu")],
    )  # fmt: skip


def _members(t: Table) -> None:
    child, other = {"relation_to_head": "03"}, {"relation_to_head": None}
    t.rule(
        "H001", people(_HEAD, _SPOUSE), hit=people(_SPOUSE, child), miss={}, edge=people(), null=people(_SPOUSE, other), null_hits=True,
        hits=[people(_SPOUSE) | {"left": [_HEAD]}],
    )  # fmt: skip
    t.rule("H002", people(_HEAD, child), hit=people(_HEAD, _HEAD), miss={}, edge=people(_HEAD) | {"left": [_HEAD]}, null=people(_HEAD, other))
    t.rule(
        "H003", people(_HEAD, _SPOUSE), hit=people(_HEAD, _SPOUSE, _SPOUSE), miss={}, edge=people(_HEAD, _SPOUSE) | {"left": [_SPOUSE]},
        null=people(_HEAD, _SPOUSE, other),
    )  # fmt: skip
    t.rule(
        "H004", people(_HEAD, _SPOUSE), hit=people(_HEAD, _SPOUSE | {"sex": "1"}), miss={},
        edge=people(_HEAD, {"relation_to_head": "11", "sex": "1"}), null=people(_HEAD, _SPOUSE | {"sex": None}),
    )  # fmt: skip

    def headed(head: str | None, beside: str | None = "1950-05-01") -> dict[str, Any]:
        return people({"relation_to_head": "01", "birth_date": head}, {"relation_to_head": "99", "birth_date": beside})

    t.rule(
        "H006", headed("1980-03-01"), hit=headed("2006-05-01"), miss={}, edge=headed("2003-09-30"), null=headed(None),
        hits=[headed("2003-10-01"), headed("2006-05-01", "2003-09-30")], misses=[headed("2006-05-01", "2003-10-01"), headed("2006-05-01", None)],
    )  # fmt: skip
    t.rule(
        "H007", row(household_size=4, members_live=4), hit=row(household_size=6), miss={}, edge=row(household_size=3), edge_hits=True,
        null=row(household_size=None),
    )  # fmt: skip
    t.rule(
        "H008", people({"birth_date": "2010-05-01"}), hit={}, miss=people({"birth_date": "2010-05-01"}, {"birth_date": "1950-05-01"}),
        edge=people({"birth_date": "2005-09-30"}), null=people({"birth_date": None}), hits=[people({"birth_date": "2005-10-01"})],
    )  # fmt: skip
    t.rule(
        "H009", row(members_live=3, household_state="01"), hit=row(members_live=0), miss={}, edge=row(members_live=1, household_state="02"),
        edge_hits=True, null=row(members_live=0, household_state=None), hits=[row(household_state="04")],
        misses=[row(members_live=0, household_state="02")],
    )  # fmt: skip
    helpless = people({"labor_ability": "04", "dibao_status": "01", "tekun_status": "01"}, {"labor_ability": "03"})
    t.rule(
        "H034", helpless, hit={}, miss=people({"labor_ability": "04"}, {"labor_ability": "01"}),
        edge=people({"labor_ability": "04"}, {"labor_ability": "05"}), null=people({"labor_ability": "04"}, {"labor_ability": None}),
        hits=[people({"labor_ability": "04"}) | {"left": [{"labor_ability": "01"}]}],
        misses=[people({"labor_ability": "04", "dibao_status": "02"}), people({"labor_ability": "04", "tekun_status": "03"}), people()],
    )  # fmt: skip


def _sums(t: Table) -> None:
    """Tolerance 0.01 yuan."""
    stated = row(total_income_stated=yuan(42_500), wage_income=yuan(30_000), business_income=yuan(10_000), property_income=yuan(500),
                 transfer_income=yuan(2000))  # fmt: skip
    t.rule(
        "H010", stated, hit=row(total_income_stated=yuan(43_000)), miss={}, edge=row(total_income_stated=yuan(42_500.01)),
        null=row(total_income_stated=None), hits=[row(total_income_stated=yuan(42_499.98)), row(transfer_income_stated=yuan(2500))],
    )  # fmt: skip
    parts = row(transfer_income_stated=yuan(2000), transfer_income=yuan(2000), property_income_stated=yuan(500), property_income=yuan(500))
    t.rule(
        "H011", parts, hit=row(transfer_income_stated=yuan(2500)), miss={}, edge=row(transfer_income_stated=yuan(2000.01)),
        null=row(transfer_income_stated=None, property_income_stated=None),
        hits=[row(property_income_stated=yuan(500.02)), row(property_income_stated=0)],
    )  # fmt: skip
    net = row(net_income_stated=yuan(35_000), total_income=yuan(42_500), business_expense=yuan(7500), net_income=yuan(35_000), household_size=4,
              per_capita_net_income_stated=yuan(8750))  # fmt: skip
    t.rule(
        "H012", net, hit=row(net_income_stated=yuan(42_500)), miss={}, edge=row(net_income_stated=yuan(35_000.01)),
        null=row(net_income_stated=None, per_capita_net_income_stated=None),
        hits=[row(per_capita_net_income_stated=yuan(8750.02)), row(per_capita_net_income_stated=yuan(35_000))],
        misses=[row(per_capita_net_income_stated=yuan(8750.01))],
    )  # fmt: skip


def _entitlements(t: Table) -> None:
    """Policy and money: who holds the one has the other; an amount that nobody filled in is none."""
    for rule, status, money in (("H017", "dibao_status", "tr_dibao"), ("H018", "tekun_status", "tr_tekun")):
        holds, none, unknown = ({status: code} for code in ("02", "01", None))
        t.rule(
            rule, row(**{money: yuan(6000)}) | people(holds, none), hit=row(**{money: 0}), miss={}, edge=row(**{money: 1}), null=people(unknown),
            null_hits=True,
            hits=[people(none), row(**{money: None}), people(none) | {"left": [holds]}, row(**{money: 0}) | people({status: "03"})],
            misses=[row(**{money: 0}) | people(none), row(**{money: None}) | people(unknown)],
        )  # fmt: skip

    def drawing(birth: str | None, insured: bool | None = True) -> dict[str, Any]:
        return people({"birth_date": birth, "resident_pension": insured, "employee_pension": False})

    t.rule(
        "H019", row(tr_pension=yuan(1320)) | drawing("1955-06-01"), hit=row(tr_pension=0), miss={},
        edge=row(tr_pension=0) | drawing("1961-09-30"), edge_hits=True, null=row(tr_pension=0) | drawing(None),
        hits=[drawing("1961-10-01"), row(tr_pension=0) | people({"birth_date": "1950-01-01", "employee_pension": True})],
        misses=[row(tr_pension=0) | drawing("1961-10-01"), row(tr_pension=0) | drawing("1955-06-01", insured=False),
                drawing("1955-06-01", insured=False)],
    )  # fmt: skip
    t.rule(
        "H021", row(returned_forest_mu=200, tr_eco=0), hit={}, miss=row(tr_eco=yuan(250)), edge=row(returned_forest_mu=0),
        null=row(returned_forest_mu=None), hits=[row(returned_forest_mu=1)],
    )  # fmt: skip
    t.rule(
        "H022", row(tr_disability_subsidy=0) | people({"disability_grade": "2"}), hit={}, miss=row(tr_disability_subsidy=yuan(1680)),
        edge=people({"disability_grade": "3"}), null=people({"disability_grade": None}),
        hits=[people({"card_grade": "1"}), row(tr_disability_subsidy=None)],
    )  # fmt: skip
    t.rule(
        "H023", row(tr_old_age_allowance=0) | people({"birth_date": "1938-02-01"}), hit={}, miss=row(tr_old_age_allowance=yuan(600)),
        edge=people({"birth_date": "1941-09-30"}), edge_hits=True, null=people({"birth_date": None}),
        misses=[people({"birth_date": "1941-10-01"})],
    )  # fmt: skip
    t.rule(
        "O015", row(transfer_income=yuan(9000), total_income=yuan(10_000)) | people({"labor_ability": "01"}), hit={},
        miss=row(transfer_income=yuan(5000)), edge=row(transfer_income=yuan(8000)), null=people({"labor_ability": None}),
        hits=[row(transfer_income=yuan(8000.01))], misses=[people({"labor_ability": "05"})],
    )  # fmt: skip


def _production(t: Table) -> None:
    business = row(business_income=yuan(10_000), business_expense=yuan(4000))
    costly = {"last": {"business_income": yuan(10_000), "business_expense": yuan(11_000)}}
    t.rule(
        "H024", business, hit=row(business_expense=yuan(9500)), miss={}, edge=row(business_expense=yuan(9000)), null=row(business_income=None),
        hits=[row(business_expense=yuan(9000.01)), row(business_expense=yuan(12_000)) | costly, row(business_income=0)],
        misses=[costly, row(business_income=0, business_expense=0)],
    )  # fmt: skip
    nothing = row(business_income=yuan(5000), farmland_mu=0, forest_mu=0, orchard_mu=0, grassland_mu=0, water_area_mu=0, livestock_head=0,
                  runs_shop=False, coop_member=False)  # fmt: skip
    t.rule(
        "H025", nothing, hit={}, miss=row(farmland_mu=300), edge=row(livestock_head=1), null=row(farmland_mu=None),
        misses=[row(business_income=0), row(runs_shop=True), row(coop_member=True), row(water_area_mu=1), row(livestock_head=None),
                row(runs_shop=None)],
    )  # fmt: skip


def _needs(t: Table) -> None:
    bare = _COVERED | {"critical_illness_insured": False}
    t.rule(
        "H028", {"row": _EXITED} | people(_COVERED), hit=people(bare), miss={},
        edge=people(bare | {"birth_date": "2021-07-02"}),
        null=people(_COVERED | {"critical_illness_insured": None}),
        hits=[people(bare | {"birth_date": "2021-07-01"})],
        misses=[row(monitoring_type="01") | people(bare), row(household_type="02") | people(bare), people(bare | {"employee_medical": True}),
                people(bare | {"is_soldier": True})],
    )  # fmt: skip
    pupil = _COVERED | {"birth_date": "2010-05-01", "school_status": "03", "dropout_reason": None}
    t.rule(
        "H030", row(household_type="01", safe_water=True, dilapidated_house=False) | people(pupil), hit=row(safe_water=False), miss={},
        edge=people(pupil | {"birth_date": "2015-09-01", "school_status": None}), edge_hits=True,
        null=row(safe_water=None, dilapidated_house=None),
        hits=[row(dilapidated_house=True), people(pupil | {"critical_illness_insured": False}), people(pupil | {"resident_medical": False})],
        misses=[people(pupil | {"birth_date": "2015-09-02", "school_status": None}),
                people(pupil | {"school_status": None, "dropout_reason": "08"}), row(household_type="02", safe_water=False),
                people(pupil | {"resident_medical": False, "employee_medical": True})],
    )  # fmt: skip
    t.rule(
        "H031", row(per_capita_net_income=yuan(9000)), hit=row(per_capita_net_income=yuan(3999.99)), miss={},
        edge=row(per_capita_net_income=yuan(4000)), null=row(per_capita_net_income=None),
    )  # fmt: skip
    t.rule(
        "H032", row(dilapidated_house=True, house_grade="4"), hit=row(house_grade="2"), miss={}, edge=row(house_grade="3"),
        null=row(house_grade=None), hits=[row(dilapidated_house=False), row(house_grade="9")],
        misses=[row(dilapidated_house=False, house_grade="2"), row(dilapidated_house=None)],
    )  # fmt: skip
    t.rule(
        "H033", row(household_type="01", monitoring_type="01"), hit=row(monitoring_type="02"), miss={}, edge=row(monitoring_type="03"),
        null=row(monitoring_type=None), hits=[row(household_type="02")], misses=[row(household_type="02", monitoring_type="02")],
    )  # fmt: skip


def _last_year(t: Table) -> None:
    def item(name: str, last: float | None, now: float | None) -> dict[str, Any]:
        return {"row": {name: None if now is None else yuan(now)}, "last": {name: None if last is None else yuan(last)}}

    def grown(last: float | None, now: float | None) -> dict[str, Any]:
        return item("per_capita_net_income", last, now)

    t.rule(
        "Y001", grown(10_000, 12_000), hit=grown(10_000, 16_000), miss={}, edge=grown(10_000, 15_000), null=grown(None, 16_000),
        hits=[grown(10_000, 15_000.01), grown(10_000, 7999.99)], misses=[grown(10_000, 8000)],
    )  # fmt: skip
    t.rule(
        "Y002", {"row": {"household_type": "01", "per_capita_net_income": yuan(11_000)}, "last": {"per_capita_net_income": yuan(10_000)}},
        hit=grown(10_000, 9500), miss={}, edge=grown(10_000, 10_000), null=grown(None, 9500), hits=[grown(10_000, 9999.99)],
        misses=[row(household_type="02", per_capita_net_income=yuan(9500))],
    )  # fmt: skip

    t.rule(
        "Y003", item("wage_income", 12_000, 8000), hit=item("wage_income", 12_000, 0), miss={}, edge=item("wage_income", 5000, 0),
        null=item("wage_income", 12_000, None),
        hits=[item("wage_income", 0, 5000.01), item("tr_dibao", 5000.01, 0), item("biz_livestock", 9000, 0), item("transfer_income", 0, 6000)],
        misses=[item("wage_income", None, 12_000), item("business_expense", 9000, 0)],
    )  # fmt: skip

    def area(name: str, last: int | None, now: int | None) -> dict[str, Any]:
        return {"row": {name: now}, "last": {name: last}}

    t.rule(
        "Y004", area("farmland_mu", 1000, 1100), hit=area("farmland_mu", 1000, 1500), miss={}, edge=area("farmland_mu", 1000, 1200),
        null=area("farmland_mu", 1000, None),
        hits=[area("farmland_mu", 1000, 799), area("housing_area_m2", 10_000, 12_001), area("forest_mu", 500, 0)],
        misses=[area("farmland_mu", None, 1500), area("housing_area_m2", 10_000, 8000)],
    )  # fmt: skip
    amounts = {"wage_income": yuan(30_000), "business_income": yuan(8000), "tr_pension": yuan(1320), "business_expense": yuan(3000)}
    t.rule(
        "O013", {"row": amounts | {"total_income": yuan(39_320)}, "last": amounts}, hit={}, miss=row(wage_income=yuan(28_000)),
        edge=row(tr_pension=yuan(1320.01)), null={"last": dict.fromkeys(amounts)}, hits=[row(tr_dibao=0)],
        misses=[row(tr_dibao=yuan(2400)), {"last": {"tr_tekun": yuan(900)}}],
    )  # fmt: skip


def _among_others(t: Table) -> None:
    """A village of 30: its middle is 10,000 yuan, the middle distance from it 1,000, so that 3 deviations are 4,447.80."""
    others = [{"per_capita_net_income": yuan(9_000 + 1_000 * (place % 3))} for place in range(29)]

    def earning(amount: float | None) -> dict[str, Any]:
        return row(per_capita_net_income=None if amount is None else yuan(amount))

    t.rule(
        "O010", earning(10_000) | {"elsewhere": others}, hit=earning(14_447.81), miss={}, edge=earning(14_447.80), null=earning(None),
        hits=[earning(5_552.19), earning(-1)],
        misses=[earning(5_552.20), earning(50_000) | {"elsewhere": others[1:]}, earning(50_000) | {"elsewhere": [others[1]] * 29}],
    )  # fmt: skip

    def filled(*wages: float | None, by: str | None = "甲") -> list[dict[str, Any]]:
        return [{"filler_name": by, "wage_income": None if wage is None else yuan(wage)} for wage in wages]

    def beside(wage: float, others: list[dict[str, Any]]) -> dict[str, Any]:
        return row(filler_name="甲", wage_income=yuan(wage), business_income=0) | {"elsewhere": others}

    pensions = [{"filler_name": "甲", "transfer_income": 264_000}] * 9
    round_sums = [1_000.0 + 100 * place for place in range(19)]
    some = [amount if place < 12 else amount + 50 for place, amount in enumerate(round_sums)]
    t.rule(
        "O011", beside(20_010, filled(*[20_010] * 5)), hit={}, miss={"elsewhere": filled(*[20_010] * 3)}, edge={"elsewhere": filled(*[20_010] * 4)},
        edge_hits=True, null=row(filler_name=None) | {"elsewhere": filled(*[20_010] * 5, by=None)},
        hits=[beside(9_900, filled(*some)), {"elsewhere": [*filled(*[20_010] * 4), *filled(*[20_010] * 4, by="乙")]}],
        misses=[beside(0, filled(*[0.0] * 9)), row(wage_income=0, transfer_income=264_000) | {"elsewhere": pensions},
                beside(9_900, filled(*some[1:], 1_050)), beside(9_950, filled(*some)),
                beside(9_900, filled(*some[1:])), {"elsewhere": filled(*[20_010] * 5, by="乙")}],
    )  # fmt: skip
