"""A published pack computes an item of the household's year otherwise: households and members that are there follow in a job, with registers,
villages' tables and clues."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.audit.models import RECOMPUTE, Event
from fangfanpin.households.models import Household
from fangfanpin.pack import load_pack
from fangfanpin.quality.models import Clue
from fangfanpin.records import recomputing as years
from fangfanpin.records import relations as beside
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.records.reviewing import has_typed_in
from fangfanpin.records.units import Unit, load_unit, load_units
from fangfanpin.registers import recomputing
from tests.records.conftest import Desk
from tests.registers.added import folder_in, judged_homes, put_in_force, sent, texts
from tests.registers.test_recomputing import broken_off, done, edit, published

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]
PLAIN = "coalesce(wage_income, 0.00) + coalesce(business_income, 0.00) + property_income + transfer_income"
MORE = 90_000_000
SUMS = {"total_income", "net_income", "per_capita_net_income", "reference_income", "reference_per_capita"}
MEMBERS = "person_year,work_twice,务工月数两倍,,,decimal,month,1,,period,computed,none,,work,,no,K example,,,,Months twice,\n"
RULE = """
[D010]
title = "年收入很高"
severity = "W"
subject = "household"
when = "total_income > 900000.00"
message = "年收入 {total_income} 元"
where = "户年度信息"
"""


@pytest.fixture
def folder(tmp_path: Path, db: None) -> Path:
    """The example in force, with an item of members computed, and a rule, a village's table and a register's rows that read the year's income."""
    found = folder_in(tmp_path)
    with (found / "indicators.csv").open("a", encoding="utf-8") as file:
        file.write(MEMBERS)
    told = f'\n[household_year]\ntotal_income = "{PLAIN}"\n\n[person_year]\nwork_twice = "coalesce(work_months, 0) * 2"\n'
    with (found / "computations.toml").open("a", encoding="utf-8") as file:
        file.write(told)
    edit(found, "rollups.toml", 'yard_sales = "sum(yard, sales)"', 'yard_sales = "sum(households, total_income)"')
    (found / "rules" / "more.toml").write_text(RULE, encoding="utf-8")
    put_in_force(found)
    return found


def changed_to(folder: Path, expression: str) -> None:
    edit(folder, "computations.toml", f'total_income = "{PLAIN}"', f'total_income = "{expression}"')


def leads(**filters: Any) -> dict[UUID | None, Record]:
    rows = Record.objects.filter(form="household_year", year=2021, **filters).select_related("household")
    return {row.household_id: row for row in rows}


def collected() -> dict[UUID | None, Record]:
    return {key: row for key, row in leads().items() if row.state not in ("empty", "void")}


def events() -> list[Event]:
    return list(Event.objects.filter(table_name="records_record", act=RECOMPUTE).order_by("id"))


def test_all_hold_what_the_demo_and_every_save_write(folder: Path, acting: Acting) -> None:
    acting("system")
    pack = current_year().pack
    work = Record.objects.filter(form="person_year", year=2021, person__member_state="01", person__merged_into=None)
    assert work.count() > 100
    assert all(row.values["work_twice"] == 2 * (row.values.get("work_months") or 0) for row in work), "an item that came with the pack"
    again = recomputing.recompute(pack, 2021, recomputing.everything(pack), by=None)
    assert (again.households.rows, again.households.changed) == (len(collected()), 0)


def test_households_follow_with_tables_and_clues_and_history_says_so(
    folder: Path, cast: dict[str, User], acting: Acting, client_as: ClientAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting("system")
    monkeypatch.setattr(years, "AT_ONCE", 70)  # the county in several lots
    some = collected()
    ticked = next(key for key, row in some.items() if row.state == "submitted")
    Record.objects.filter(pk=some[ticked].pk).update(transferred_at=timezone.now(), transferred_by=cast["township"])
    locked = next(key for key, row in some.items() if row.state == "approved")
    Record.objects.filter(pk=some[locked].pk).update(state="locked")
    before, others = collected(), Record.objects.exclude(form="household_year", year=2021).filter(household__isnull=False)
    untouched = {row.pk: row.values for row in others}
    assert {row.state for row in before.values()} == {"draft", "submitted", "approved", "locked"}
    first = len(events())
    changed_to(folder, f"{PLAIN} + 900000.00")
    given = published(folder, cast["county"], acting)
    assert given.job is not None and given.job.owner == cast["county"] and "家庭年度信息" in given.job.title
    assert given.job.parameters == {"forms": [], "rollups": False, "households": True}
    assert {key: row.values for key, row in collected().items()} == {key: row.values for key, row in before.items()}, "the worker's work"
    job = done(given, acting)
    assert job.state == "done", job.message
    reviewed = sum(row.state in ("approved", "locked") for row in before.values())
    told = {"rows": len(before), "changed": len(before), "reviewed": reviewed, "broken": job.result["households"]["broken"], "due_again": 1}
    assert job.result["households"] == told and job.result["rows"] == 0
    assert f"核对了 {len(before)} 户" in job.message and f"{reviewed} 户已审核" in job.message and "条登记" not in job.message
    assert "1 户已录入国家系统" in job.message

    after = collected()
    for key, row in after.items():
        was = before[key]
        assert row.values["total_income"] == was.values["total_income"] + MORE
        assert row.values["net_income"] == was.values["net_income"] + MORE, "and what is made of it"
        assert {name: value for name, value in row.values.items() if name not in SUMS} == {n: v for n, v in was.values.items() if n not in SUMS}
        assert (row.state, row.version, row.pack_hash, row.updated_at) == (was.state, was.version, was.pack_hash, was.updated_at)
    assert all("total_income" not in row.values for row in leads(state="empty").values()), "of whom nothing was collected"
    assert {row.pk: row.values for row in Record.objects.filter(pk__in=untouched)} == untouched, "members, the year before, registers"
    assert after[ticked].transferred_at is None and after[ticked].transferred_by is None, "what was entered there is out of date"

    tables = Record.objects.filter(form="village_year", year=2021)
    for table in tables:
        sums = [row.values["total_income"] for row in after.values() if row.village_code == table.subject_code]
        assert table.values["yard_sales"] == sum(sums)
    assert job.result["tables"] == len({row.village_code for row in after.values()})
    clues = Clue.objects.filter(rule_id="D010")
    swept = {key for key, row in after.items() if row.state != "draft" and row.household and row.household.kind == "assisted"}
    assert set(clues.filter(state="open").values_list("household_id", flat=True)) == swept

    mine = events()[first:]
    written = {str(row.pk) for row in after.values()}
    assert {(one.row_id, one.actor_id, one.source) for one in mine} >= {(key, cast["county"].pk, "job") for key in written}
    names = {one.row_id: set(one.changed or {}) for one in mine if one.row_id in written}
    assert names.pop(str(after[ticked].pk)) >= {"transferred_at", "transferred_by_id", "values.total_income"}
    assert all({"values.total_income"} <= found <= {f"values.{name}" for name in SUMS} for found in names.values())
    assert not has_typed_in(after[locked], cast["county"]), "who published typed nothing"
    shown = client_as("county").get(f"/households/{locked}/history/household/total_income").content.decode()
    assert "重新计算" in shown and cast["county"].name in shown
    acting("system")

    count = len(events())
    pack = current_year().pack
    again = recomputing.recompute(pack, 2021, recomputing.everything(pack), by=None)
    assert (again.households.rows, again.households.changed, again.changed, again.tables, len(events())) == (len(before), 0, 0, 0, count)

    edit(folder, "computations.toml", f"{PLAIN} + 900000.00", PLAIN)
    assert done(published(folder, cast["county"], acting), acting).state == "done"
    assert {key: row.values for key, row in collected().items()} == {key: row.values for key, row in before.items()}
    assert set(clues.values_list("state", flat=True)) == {"closed"} and clues.count() == len(swept)


def test_members_follow_and_state_alone_is_nobodys(folder: Path, cast: dict[str, User], acting: Acting) -> None:
    acting("system")
    edit(folder, "computations.toml", 'work_twice = "coalesce(work_months, 0) * 2"', 'work_twice = "coalesce(work_months, 0) * 3"')
    before = {row.pk: row for row in Record.objects.filter(form="person_year", year=2021)}
    heads = {key: row.values for key, row in leads().items()}
    job = done(published(folder, cast["county"], acting), acting)
    assert job.state == "done", job.message
    after = {row.pk: row for row in Record.objects.filter(form="person_year", year=2021)}
    working = [key for key, row in before.items() if row.values.get("work_twice")]
    assert len(working) > 10
    for key in working:
        assert after[key].values["work_twice"] * 2 == before[key].values["work_twice"] * 3
        assert (after[key].state, after[key].version) == (before[key].state, before[key].version)
    assert job.result["households"]["changed"] == len({before[key].household_id for key in working})
    assert {key: row.values for key, row in leads().items()} == heads and job.result["tables"] == 0, "nothing sums it up"


def test_only_what_is_computed_otherwise_is_due(folder: Path, cast: dict[str, User], acting: Acting) -> None:
    edit(folder, "rules/more.toml", "年收入很高", "年收入太高")
    assert published(folder, cast["county"], acting).job is None
    changed_to(folder, f"{PLAIN} + param.yard_subsidy_most")
    job = published(folder, cast["county"], acting).job
    assert job is not None and job.parameters == {"forms": [], "rollups": False, "households": True}
    edit(folder, "parameters.csv", ",3000,", ",3500,")
    job = published(folder, cast["county"], acting).job
    assert job is not None and job.parameters == {"forms": [], "rollups": False, "households": True}, "a parameter that the computation reads"
    assert published(folder, cast["county"], acting).job is None, "the same once more"


def test_rows_of_registers_that_ask_for_it_follow_after(folder: Path, cast: dict[str, User], acting: Acting, client_as: ClientAs) -> None:
    edit(folder, "computations.toml", '"coalesce(invested, 0.00) - coalesce(subsidy, 0.00)"', '"coalesce(invested, 0.00) + household.total_income"')
    assert done(published(folder, cast["county"], acting), acting).state == "done"
    home = next(one for one in judged_homes(acting("village")) if one.natural_village_code)
    answer = client_as("village").post("/registers/yard/new", sent(texts(home)))
    assert answer.status_code == 302, answer.content.decode()
    acting("system")
    row, income = UUID(answer["Location"].strip("/").split("/")[-1]), leads()[home.pk].values["total_income"]
    assert Record.objects.get(pk=row).values["own_money"] == 500_000 + income
    changed_to(folder, f"{PLAIN} + 100.00")
    given = published(folder, cast["county"], acting)
    assert given.job is not None and given.job.parameters == {"forms": ["yard"], "rollups": False, "households": True}
    job = done(given, acting)
    assert Record.objects.get(pk=row).values["own_money"] == 500_000 + income + 10_000
    assert (job.result["rows"], job.result["changed"]) == (1, 1) and "1 条登记" in job.message


def test_a_household_saved_meanwhile_is_computed_from_what_it_holds_now(
    folder: Path, cast: dict[str, User], acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting("system")
    mine, other = list(collected().values())[:2]
    changed_to(folder, f"{PLAIN} + 900000.00")
    given = published(folder, cast["county"], acting)
    lock = years._locked

    def late(households: Any, year: int) -> Any:
        """As another save would, between reading and writing."""
        record = Record.objects.get(pk=mine.pk)
        if record.version == mine.version:
            record.values, record.version = {**record.values, "wage_income": 123_400}, record.version + 1
            record.save()
        return lock(households, year)

    monkeypatch.setattr(years, "_locked", late)
    job = done(given, acting)
    assert job.result["households"]["changed"] == len(collected())
    now = leads()
    rest = sum(mine.values[name] for name in ("property_income", "transfer_income")) + (mine.values.get("business_income") or 0)
    assert now[mine.household_id].values["total_income"] == 123_400 + rest + MORE
    assert now[other.household_id].values["total_income"] == other.values["total_income"] + MORE


def test_broken_off_it_has_changed_nothing(folder: Path, cast: dict[str, User], acting: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    acting("system")
    before, first = {key: row.values for key, row in leads().items()}, len(events())
    changed_to(folder, f"{PLAIN} + 900000.00")
    broken_off(published(folder, cast["county"], acting), acting, monkeypatch)
    assert {key: row.values for key, row in leads().items()} == before and len(events()) == first
    pack = current_year().pack
    assert recomputing.recompute(pack, 2021, recomputing.everything(pack), by=None).households.changed == len(collected())


def test_households_written_by_the_pack_before_while_it_was_published_follow_at_night(folder: Path, cast: dict[str, User], acting: Acting) -> None:
    acting("system")
    late, other = list(collected().values())[:2]
    changed_to(folder, f"{PLAIN} + 900000.00")
    published(folder, cast["county"], acting)
    late.save()  # by the pack before, after this one was published
    assert recomputing.catch_up(current_year().pack, 2021).households.changed == 1
    now = leads()
    assert now[late.household_id].values["total_income"] == late.values["total_income"] + MORE
    assert now[other.household_id].values["total_income"] == other.values["total_income"]


def test_a_new_year_leaves_the_old_one_as_its_pack_computed_it(folder: Path, acting: Acting) -> None:
    acting("system")
    before = {key: row.values for key, row in leads().items()}
    changed_to(folder, f"{PLAIN} + 900000.00")
    pack = load_pack(folder)
    done_ = recomputing.recompute(pack, 2022, recomputing.everything(pack), by=None)
    assert (done_.households.rows, {key: row.values for key, row in leads().items()}) == (0, before)


def test_who_acts_sees_no_more_than_before(folder: Path, acting: Acting) -> None:
    acting("village")
    seen = set(Household.objects.values_list("pk", flat=True))
    changed_to(folder, f"{PLAIN} + 900000.00")
    pack = load_pack(folder)
    changed = recomputing.recompute(pack, 2021, recomputing.everything(pack), by=None).households.changed
    assert set(Household.objects.values_list("pk", flat=True)) == seen and changed > len(seen)
    assert len(leads()) < changed


def test_who_opened_the_screen_before_saves_after_it_as_ever(folder: Path, desk: Callable[[str], Desk], acting: Acting) -> None:
    sitting = desk("village")
    sitting.put(wage_income=1_000_000)
    sitting = desk("village")
    changed_to(folder, f"{PLAIN} + 900000.00")
    pack = load_pack(folder)
    recomputing.recompute(pack, 2021, recomputing.everything(pack), by=None)
    sitting.pack = pack
    reply = sitting.put(business_income=200_000)
    assert (reply["conflicts"], reply["merged"]) == ([], [])
    assert reply["values"]["household"]["total_income"] == 1_200_000 + MORE


# Many at once


def homes(at_most: int) -> list[Household]:
    return list(Household.objects.filter(kind="assisted").order_by("code")[:at_most])


def parts(unit: Unit) -> Iterator[Any]:
    yield from (unit.household.pk, [person.pk for person in unit.persons], [spell.pk for spell in unit.spells])
    yield {target: (record.pk, record.values) for target, record in unit.records.items()}
    yield unit.last
    yield from (unit.location and unit.location.pk, unit.last_location and unit.last_location.pk)


def test_units_read_together_are_those_read_one_by_one(folder: Path, acting: Acting) -> None:
    acting("system")
    pack = current_year().pack
    named = Household.objects.filter(linked_from__name=pack.schema().relations["projects"].by, linked_from__is_current=True)
    some = list({home.pk: home for home in [*homes(40), *named[:20]]}.values())
    together = load_units(some, 2021)
    for household, unit in zip(some, together, strict=True):
        assert list(parts(unit)) == list(parts(load_unit(household, 2021)))
    assert all(person.household is unit.household for unit in together for person in unit.persons)
    asked = {name for name, relation in pack.schema().relations.items() if relation.table in pack.forms}
    rows = beside.rows_of_households([home.pk for home in some], pack, asked)
    assert rows == {home.pk: beside.rows_of_household(home.pk, pack, asked) for home in some}
    held = {name for of in rows.values() for name, found in of.items() if found}
    assert {"loans", "pairings", "projects"} <= held, "rows of their own, pairings, and rows that name them"


def test_many_households_cost_no_more_queries_than_few(folder: Path, acting: Acting) -> None:
    acting("system")
    changed_to(folder, f"{PLAIN} + sum(yards, own_money) + sum(loans, principal)")
    pack, counts = load_pack(folder), []
    for at_most in (3, 60):
        chosen = years.homes_of(2021, pack).filter(pk__in=[home.pk for home in homes(at_most)])
        with CaptureQueriesContext(connection) as queries:
            assert list(years.found(chosen, 2021, pack))
        counts.append(len(queries))
    assert counts[0] == counts[1] < 20
