"""The packs of 2021 hold the whole dictionary and every code of the domain's tables: counts and digests frozen from them."""

import csv
import datetime
import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from fangfanpin.expressions import evaluate
from fangfanpin.pack import Pack, load_pack

PACKS = Path(__file__).resolve().parents[2] / "packs"
# Items by form, as the domain's dictionary counts them.
ITEMS = {
    "household_year": 143, "person_year": 56, "monitoring_spell": 52, "spell_identification": 16, "spell_elimination": 14, "measure": 11,
    "work_spell": 13, "work_plan": 5, "microcredit": 20, "project": 30, "resident_team": 18, "helper_unit": 8, "helper_pairing": 14,
    "natural_village_year": 25, "village_year": 80, "relocation": 10, "visit": 8,
}  # fmt: skip
MEANING = ("form", "name", "zh", "type", "unit", "list", "kind", "home", "privacy", "multi")


@pytest.fixture(scope="module")
def guzhen() -> Pack:
    return load_pack(PACKS / "guzhen-2021")


def digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]


def rows(name: str) -> list[dict[str, str]]:
    with (PACKS / "national-2021" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_item_is_there_with_kind_home_and_privacy(guzhen: Pack) -> None:
    assert Counter(indicator.form for indicator in guzhen.indicators.values()) == Counter(ITEMS)
    by_form = {form: [row for row in rows("indicators.csv") if row["form"] == form] for form in ITEMS}
    found = {form: digest("|".join(row[column] for column in MEANING) for row in by_form[form]) for form in by_form}
    assert found["household_year"] == "c855cb5381d97ba4"
    assert found["person_year"] == "1bd5e968093e17af"
    assert digest(f"{form} {value}" for form, value in found.items()) == "641ccbe0b5422b92"


def test_what_the_files_say_is_what_the_pack_holds(guzhen: Pack) -> None:
    for row in rows("indicators.csv"):
        held = guzhen.indicators[f"{row['form']}.{row['name']}"]
        assert (held.zh, held.type, held.list, held.kind, held.home, held.privacy) == (
            row["zh"], row["type"], row["list"], row["kind"], row["home"], row["privacy"],
        )  # fmt: skip
        assert held.multi == (row["multi"] == "1")
        assert held.verified == (row["verified"] == "yes")


def test_every_list_and_value_is_there(guzhen: Pack) -> None:
    assert len(guzhen.lists) == 63
    assert sum(len(items) for items in guzhen.lists.values()) == 574
    assert digest(f"{name}|{item.code}|{item.zh}|{item.en}" for name, items in guzhen.lists.items() for item in items) == "c757b3b4f6a52b9a"


def test_unverified_facts_are_marked(guzhen: Pack) -> None:
    """A source that begins with K is somebody's knowledge, not a document: it is never shown as certain."""
    for row in rows("indicators.csv") + rows("lists.csv") + rows("parameters.csv"):
        assert row["verified"] in ("yes", "no")
        if row["source"].startswith("K"):
            assert row["verified"] == "no", row
    assert sum(not indicator.verified for indicator in guzhen.indicators.values()) == 137
    assert sum(row["verified"] == "no" for row in rows("lists.csv")) == 301


def test_every_section_of_the_paper_has_its_items(guzhen: Pack) -> None:
    household = guzhen.forms["household_year"]
    assert [section.key for section in household.sections] == ["basics", "registry", "income", "living", "visit"]
    assert sum(len(section.items) for section in household.sections) == 143
    assert sum(len(section.items) for section in guzhen.forms["person_year"].sections) == 56


def test_plan_is_the_notice(guzhen: Pack) -> None:
    """T1–T6; `due_at` is exclusive, so that 24:00 is the next midnight."""
    shanghai = datetime.timezone(datetime.timedelta(hours=8))
    plan = {step.key: step for step in guzhen.plan}
    days = {"T1": 13, "T2": 21, "T3": 17, "T4": 18, "T5": 21, "T6": 26}
    assert {key: step.due_at for key, step in plan.items()} == {key: datetime.datetime(2021, 11, day, tzinfo=shanghai) for key, day in days.items()}
    assert all(step.roles and set(step.roles) <= {role.key for role in guzhen.roles} for step in guzhen.plan)
    assert [step.due_at for step in guzhen.plan] == sorted(step.due_at for step in guzhen.plan)


def test_period_and_state_date(guzhen: Pack) -> None:
    assert (guzhen.form_year, guzhen.division) == (2021, "340323")
    assert (guzhen.period_start, guzhen.period_end) == (datetime.date(2020, 10, 1), datetime.date(2021, 9, 30))
    assert guzhen.state_date == datetime.date(2021, 9, 30)
    assert guzhen.constants()["state_date"] == 20210930
    assert guzhen.constants()["param.income_line"] == 600_000


def test_income_is_computed_not_typed(guzhen: Pack) -> None:
    computations = [computation for computation in guzhen.computations if computation.form == "household_year"]
    names = [computation.name for computation in computations]
    assert set(names) == {
        "property_income", "transfer_income", "total_income", "net_income", "per_capita_net_income", "reference_income", "reference_per_capita",
    }  # fmt: skip
    assert all(guzhen.indicators[f"household_year.{name}"].home == "computed" for name in names)
    row = {
        "wage_income": 3_000_000, "business_income": 500_000, "prop_asset_dividend": 10_000, "prop_other": 5_000, "tr_family_planning": 1_000,
        "tr_dibao": 2_000, "tr_tekun": 3_000, "tr_pension": 4_000, "tr_eco": 5_000, "tr_other": 6_000, "business_expense": 100_000,
        "claim_income": 20_000, "self_paid_expense": 50_000, "household_size": 3,
    }  # fmt: skip
    scope = {"row": row, "last": None, "household": {"row": row}, "consts": guzhen.constants()}
    for computation in computations:
        row[computation.name] = evaluate(computation.expression, scope)
    assert row["property_income"] == 15_000
    assert row["transfer_income"] == 21_000
    assert row["total_income"] == 3_536_000
    assert row["net_income"] == 3_436_000
    assert row["per_capita_net_income"] == 1_145_333
    assert row["reference_income"] == 3_406_000
    assert row["reference_per_capita"] == 1_135_333


def test_household_without_members_has_no_income_per_head(guzhen: Pack) -> None:
    row: dict[str, int | None] = {"wage_income": 100, "household_size": 0}
    scope = {"row": row, "last": None, "household": {"row": row}, "consts": guzhen.constants()}
    for computation in [one for one in guzhen.computations if one.form == "household_year"]:
        row[computation.name] = evaluate(computation.expression, scope)
    assert (row["net_income"], row["per_capita_net_income"]) == (100, None)


def test_every_rule_of_the_catalogue_is_written_or_left_out_with_a_reason(guzhen: Pack) -> None:
    written = {rule.id for rule in guzhen.rules}
    assert not written & set(guzhen.left_out)
    assert len(written | set(guzhen.left_out)) >= 315
    assert all(guzhen.left_out.values())
    families = Counter(rule_id[0] for rule_id in written)
    least = {"F": 8, "C": 6, "K": 4, "P": 16, "H": 10, "Y": 8, "M": 8}
    assert all(families[family] >= count for family, count in least.items()), families
    assert {"H010", "H011", "H012"} <= written


def test_what_a_rule_counts_twice_is_one_number(guzhen: Pack) -> None:
    (rule,) = (rule for rule in guzhen.rules if rule.id == "W008")
    last_month, this_month, last_year = rule.aggregates
    assert len({last_month, this_month, last_year}) == 3 and all(name in rule.message for name in ("{sum.1}", "{sum.2}", "{sum.3}"))


def test_resolved_pack_holds_what_a_reader_needs(guzhen: Pack) -> None:
    shown = guzhen.to_json()
    assert {"plan", "forms", "lists", "rules", "procedures", "papers", "roles", "parameters"} <= set(shown)
    assert sum(len(form["indicators"]) for form in shown["forms"].values()) == 523
    assert len(shown["rules"]) == len(guzhen.rules)
    assert shown["procedures"] == []  # none are described by packs yet
