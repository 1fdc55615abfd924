"""Twenty rules that do not change with the packs, and the same by hand: twenty.sql. What is measured must stay what it was."""

from pathlib import Path

from fangfanpin.expressions import check
from fangfanpin.pack import Pack, Rule

SQL = Path(__file__).resolve().parent / "twenty.sql"
RULES = (
    ("T01", "person", "sex is null"),
    ("T02", "person", "birth_date > state_date or birth_date < date '1900-01-01'"),
    ("T03", "person", "age(birth_date, state_date) between 6 and 15 and school_status is null"),
    ("T04", "person", "work_months > 12"),
    ("T05", "person", "work_months > 0 and work_region is null"),
    ("T06", "person", "resident_pension = true and age(birth_date, state_date) < 16"),
    ("T07", "person", "resident_medical = true and employee_medical = true"),
    ("T08", "person", "disability_category is not null and not has(health_status, '残疾')"),
    ("T09", "person", "matches(phone, 'dummy_phone') or (phone is not null and not matches(phone, 'phone_cn'))"),
    ("T10", "person", "not matches(member_name, 'name_cn')"),
    ("T11", "person", "last.resident_medical = true and resident_medical = false"),
    ("T12", "person", "dibao_status is not null and household.per_capita_net_income > 3 * param.old_poverty_line"),
    ("T13", "person", "id_birth != birth_date or id_sex != sex"),
    ("T14", "household", "net_income < 0"),
    ("T15", "household", "household_size != count(members)"),
    ("T16", "household", "per_capita_net_income > 2 * last.per_capita_net_income"),
    ("T17", "household", "wage_income > 0 and not any(members, work_months > 0)"),
    ("T18", "household", "whole_household_no_labor = true and any(members, work_months > 6)"),
    ("T19", "household", "sum(members, work_months) > 12 * household_size"),
    ("T20", "household", "safe_water = false or dilapidated_house = true"),
)


def rules(pack: Pack) -> list[Rule]:
    schema = pack.schema()
    return [Rule(name, name, "W", subject, None, check(text, schema, subject=subject), "", "", (), "bench", False) for name, subject, text in RULES]
