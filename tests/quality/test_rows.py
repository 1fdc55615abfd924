"""Rules on registers: a row that is saved, changed or struck is asked about at once; its clue names it and leads to it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, reach_of
from fangfanpin.campaigns import clock
from fangfanpin.expressions import check
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack, Rule
from fangfanpin.quality import clues as answering
from fangfanpin.quality import queries, snapshot, sweep
from fangfanpin.quality.models import Clue
from fangfanpin.quality.recheck import find_hits, must_be_corrected, recheck
from fangfanpin.quality.spark_judging import judge_of
from fangfanpin.records.models import Record
from fangfanpin.records.units import load_unit
from fangfanpin.registers import services
from fangfanpin.registers.models import Link
from fangfanpin.registers.services import Given
from fangfanpin.registers.written import row_written
from tests.registers.named import register

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]


def collected(cast: dict[str, User]) -> Household:
    village = reach_of(cast["village"]).villages[0]
    leads = Record.objects.filter(form="household_year", year=2021, village_code=village, state__in=("submitted", "approved"))
    return Household.objects.filter(pk__in=leads.values("household"), household_type="01").order_by("code")[0]


@pytest.fixture
def home(acting: Acting, cast: dict[str, User]) -> Household:
    acting("village")
    return collected(cast)


def given(household: Household | None, **values: str) -> dict[str, Given]:
    subject = {"household_id": Given(chosen=(str(household.pk),))} if household else {}
    return subject | {name: Given((value,)) for name, value in values.items()}


def add(pack: Pack, key: str, values: dict[str, Given], by: User, reach: Reach) -> Record:
    return services.add(register=register(pack, key), pack=pack, year=2021, record_id=uuid4(), given=values, sure=True, by=by, reach=reach)


_LOAN = {"contract_no": "HT-R1", "principal": "30000", "granted_on": "2020-11-05", "due_on": "2024-11-05", "loan_status": "正常"}


def test_a_loan_is_judged_when_saved_mended_and_struck(pack: Pack, home: Household, cast: dict[str, User], acting: Acting) -> None:
    reach = acting("village")
    loan = add(pack, "microcredit", given(home, **_LOAN, term_months="48"), cast["village"], reach)
    clue = Clue.objects.get(rule_id="B002", subject_id=loan.pk)
    assert (clue.subject_kind, clue.subject_label, clue.household, clue.person, clue.state) == ("record", "HT-R1", home, None, "open")
    assert "48" in clue.message
    mended = services.change(
        record=loan, register=register(pack, "microcredit"), pack=pack, seen=1, given=given(home, **_LOAN, term_months="36"), sure=True,
        by=cast["village"], reach=reach,
    )  # fmt: skip
    clue.refresh_from_db()
    assert clue.state == Clue.State.CLOSED
    again = services.change(
        record=mended, register=register(pack, "microcredit"), pack=pack, seen=2, given=given(home, **_LOAN, term_months="60"), sure=True,
        by=cast["village"], reach=reach,
    )  # fmt: skip
    clue.refresh_from_db()
    assert (clue.state, clue.times_opened) == (Clue.State.OPEN, 2)
    services.strike(record=again, register=register(pack, "microcredit"), pack=pack, reason="重复登记", by=cast["village"])
    clue.refresh_from_db()
    assert clue.state == Clue.State.CLOSED, "a struck row does not count"


def test_a_row_of_one_register_closes_the_clue_that_asked_for_it(pack: Pack, cast: dict[str, User], acting: Acting) -> None:
    acting("system")
    leads = Record.objects.filter(form="household_year", year=2021, state__in=("submitted", "approved"))
    faulty = Clue.objects.filter(rule_id="M030").values("household")
    homes = Household.objects.filter(pk__in=leads.values("household"), monitoring_state="01").exclude(pk__in=faulty)
    home = next(h for h in homes.order_by("code") if h.records.filter(form="measure", values__measure_item="4501").exists())
    premium = Record.objects.get(household=home, form="measure", values__measure_item="4501")
    premium.state = "submitted"
    premium.save()
    services.strike(record=premium, register=register(pack, "measure"), pack=pack, reason="登记错了户", by=cast["county"])
    spell = home.spells.get()
    clue = Clue.objects.get(rule_id="M030", subject_id=spell.pk)
    assert (clue.subject_kind, clue.state) == ("spell", "open")
    again = Record(
        form="measure", year=2021, subject_kind="household", subject_id=home.pk, household=home, village_code=home.village_code, state="submitted",
        values=premium.values, pack_hash=pack.hash,
    )  # fmt: skip
    again.save()
    row_written(again, pack, cast["village"])
    clue.refresh_from_db()
    assert clue.state == Clue.State.CLOSED


def test_a_visit_entered_closes_what_asked_for_it(pack: Pack, home: Household, cast: dict[str, User], acting: Acting) -> None:
    Record.objects.filter(household=home, form="visit").update(state="void")
    recheck(load_unit(home, 2021), pack, cast["village"])
    clue = Clue.objects.get(rule_id="T016", household=home)
    assert clue.state == Clue.State.OPEN
    add(pack, "visit", given(home, visited_on="2021-11-10", visit_kind="01"), cast["village"], acting("village"))
    clue.refresh_from_db()
    assert clue.state == Clue.State.CLOSED


def test_a_project_is_judged_under_no_household(pack: Pack, cast: dict[str, User], acting: Acting, client_as: ClientAs) -> None:
    acting("system")
    project = Record.objects.filter(form="project").order_by("id")[0]
    project.state = "submitted"
    project.values |= {"funds_approved": 1000, "funds_paid": 900, "accepted_on": "2021-10-12", "end_on": "2021-09-20", "start_on": "2021-03-01"}
    project.save()
    form = register(pack, "project")
    assert not Clue.objects.filter(rule_id="B007", subject_id=project.pk).exclude(state="closed").exists()
    project.values |= {"funds_paid": 2000}
    project.save()
    services.send_back(record=project, register=form, pack=pack, reason="请核对拨付", by=cast["county"])
    clue = Clue.objects.get(rule_id="B007", subject_id=project.pk)
    assert (clue.household, clue.subject_label, clue.village_code) == (None, project.values["project_name"], project.village_code)
    reach = acting("county")
    assert clue in list(queries.clues(reach, 2021, queries.ClueFilter(rule="B007")))
    county = client_as("county")
    assert clue.subject_label in county.get(f"/clues/?place={project.village_code}&rule=B007").content.decode()
    page = county.get(f"/clues/{clue.pk}/")
    assert page.status_code == 200
    assert f"/registers/rows/{project.pk}/" in page.content.decode()
    acting("system")
    still = answering.correct(clue=clue, note="已核对拨付", by=cast["county"])
    assert still.state == Clue.State.OPEN
    project.refresh_from_db()
    project.values |= {"funds_paid": 1000}
    project.save()
    assert answering.correct(clue=clue, note="已核对拨付", by=cast["county"]).state == Clue.State.CLOSED


def test_a_household_is_asked_of_the_projects_that_name_it(pack: Pack, acting: Acting, spark: "SparkSession", tmp_path: Path) -> None:
    """A row under no household, read by each household it names: the sweep, Spark in its place and the re-check say the same of it."""
    acting("system")
    links = Link.objects.filter(name="beneficiary_household_ids", is_current=True, to_household__isnull=False)
    projects = [project.values for project in Record.objects.filter(form="project", pk__in=links.values("record")).order_by("id")]
    year = projects[0]["project_year"]
    paid = sorted(values["funds_paid"] or 0 for values in projects)[len(projects) // 2] // 100  # not every household has such a one
    when = check(f"any(projects, project_year = {year} and funds_paid >= {paid})", pack.schema(), subject="household")
    rule = Rule("X900", "x", "W", "household", None, when, "", "", (), "tests", False)
    alone = replace(pack, rules=(rule,), screens=(), hash=f"{pack.hash} X900")
    today = clock.now(clock.current()).date()
    with snapshot.taken(2021, alone, uuid4()) as database:
        swept = {UUID(str(row[0])) for row in database.sql("SELECT household_key FROM household").fetchall()}
        by_duckdb = said(sweep.find_hits(database, alone, today), alone)
        database.execute("DROP TABLE hit_household")
        by_spark = said(sweep.find_hits(database, alone, today, judge_of(spark, tmp_path, database, alone, today)), alone)
    units = (load_unit(home, 2021) for home in Household.objects.filter(pk__in=swept).order_by("code"))
    by_reference = said([hit for unit in units for hit in find_hits(unit, alone)], alone)
    assert by_duckdb == by_spark == by_reference
    named = set(links.values_list("to_household_id", flat=True))
    assert 0 < len(by_reference) < len(swept) and by_reference.keys() <= named


def said(hits: list[sweep.Hit], pack: Pack) -> dict[UUID, Any]:
    return {hit.subject_id: hit.shown(pack) for hit in hits}


def test_pages_of_clues_go_on_from_a_row_under_no_household(acting: Acting, db: None) -> None:
    acting("system")
    village = Record.objects.filter(form="project").values_list("village_code", flat=True).order_by("id")[0]
    home = Household.objects.filter(village_code=village)[0]
    for number, household in enumerate((None, None, home, home)):
        Clue.objects.create(
            rule_id=f"X{number}", year=2030, subject_kind="record", subject_id=uuid4(), household=household, village_code=village, severity="W",
            message="x", used={}, used_digest="x", pack_hash="x", seen_at=clock.now(clock.current()),
        )  # fmt: skip
    reach, found, cursor = acting("county"), [], ""
    for _ in range(6):
        rows, cursor = queries.page(queries.clues(reach, 2030, queries.ClueFilter()), cursor, size=1)
        found += [row.rule_id for row in rows]
        if not cursor:
            break
    assert found == ["X0", "X1", "X2", "X3"]


def test_what_is_not_typed_in_the_household_does_not_block_it(pack: Pack, home: Household, cast: dict[str, User], acting: Acting) -> None:
    acting("system")
    home.pairings.update(end_on="2021-01-31")
    add(pack, "microcredit", given(home, **_LOAN, term_months="48"), cast["village"], acting("village"))
    unit = load_unit(home, 2021)
    assert {"C030", "B002"} <= {hit.rule.id for hit in find_hits(unit, pack)}
    assert not {fault.message for fault in must_be_corrected(unit, pack) if "帮扶责任人" in fault.message or "贷款" in fault.message}


def test_a_clean_household_asks_its_registers_in_one_query(pack: Pack, home: Household, django_assert_max_num_queries: Any) -> None:
    unit = load_unit(home, 2021)
    find_hits(unit, pack)  # compiles
    unit.rows.clear()
    with django_assert_max_num_queries(3):
        find_hits(unit, pack)
