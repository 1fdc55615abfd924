"""Guided acts: what each changes, and that its undo leaves every table as it was before."""

import contextlib
import datetime
import json
import random
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone
from psycopg import sql

from fangfanpin.accounts.models import Assignment, User
from fangfanpin.accounts.reach import Reach, reach_of, set_act
from fangfanpin.acts.deeds import divisions, handover, members, persons
from fangfanpin.acts.models import Act
from fangfanpin.acts.moving import live_members
from fangfanpin.acts.plans import ActRefused, Plan, carry_out
from fangfanpin.acts.undoing import standing, undo
from fangfanpin.audit.models import ROLL_UP, Event
from fangfanpin.campaigns import clock
from fangfanpin.fieldwork.models import SheetBatch
from fangfanpin.households.models import Household, Membership, Pairing, Person
from fangfanpin.pairings.services import Helper, helper_of
from fangfanpin.quality.models import Clue, ClueStep, Sweep, VillageQuality
from fangfanpin.quality.recheck import judge_villages
from fangfanpin.quality.sweep import run_sweep
from fangfanpin.records.current_year import CurrentYear, current_year
from fangfanpin.records.households_by_hand import NewHousehold, add_household
from fangfanpin.records.models import Conflict, Record
from fangfanpin.records.units import load_unit
from fangfanpin.regions.models import Region
from fangfanpin.registers import rollups
from fangfanpin.registers import services as registers
from fangfanpin.registers.definitions import register_of
from fangfanpin.registers.models import Entry, Link
from fangfanpin.registers.services import Given

Acting = Callable[[str], Reach]
TODAY = timezone.localdate()
WHY = "测试办理的原因"
# What an undo cannot and must not put back: events, the acts themselves; a version only goes up.
LEFT_OUT = {"audit_event", "acts_act", "acts_plannedact", "jobs_job"}
COLUMNS_LEFT_OUT = ["version", "updated_at"]


def dump() -> dict[str, dict[str, Any]]:
    """Every row of every table of ours within the present reach, by table and key."""
    found: dict[str, dict[str, Any]] = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            table = model._meta.db_table
            if not model.__module__.startswith("fangfanpin.") or table in LEFT_OUT:
                continue
            cursor.execute(
                sql.SQL("SELECT {}::text, to_jsonb(t) - %s::text[] FROM {} t").format(
                    sql.Identifier(str(model._meta.pk.column)), sql.Identifier(table)
                ),
                [COLUMNS_LEFT_OUT],
            )
            found[table] = {key: json.loads(row) if isinstance(row, str) else row for key, row in cursor.fetchall()}
    return found


def differences(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> list[str]:
    told = []
    for table in before:
        for key in before[table].keys() | after[table].keys():
            one, other = before[table].get(key), after[table].get(key)
            if one != other:
                changed = (
                    {name: (one[name], other[name]) for name in one if one[name] != other[name]} if one and other else ("gone", "new")[one is None]
                )
                told.append(f"{table} {key}: {changed}")
    return told


@pytest.fixture
def now(db: None) -> CurrentYear:
    return current_year()


@pytest.fixture
def county(acting: Acting, cast: dict[str, User]) -> User:
    acting("county")
    return cast["county"]


def do(plan: Plan, by: User) -> Act:
    return carry_out(plan, reason=WHY, by=by, reach=reach_of(by))


def undone(act: Act, by: User) -> Act:
    return undo(act=act, reason=WHY, by=by, reach=reach_of(by))


def moving(*pairs: tuple[Person, str], on: datetime.date = TODAY) -> members.Moving:
    return members.Moving(relations={person.pk: relation for person, relation in pairs}, on=on)


def big(least: int = 3, *, skip: int = 0) -> Household:
    """An assisted household with some members, with everything that may hang on one."""
    return Household.objects.filter(kind="assisted", member_count__gte=least, monitoring_state__in=("", "02")).order_by("code")[skip]


def furnish(household: Household, by: User, now: CurrentYear) -> None:
    """Rows in the tables that the demo leaves empty."""
    person = live_members(household)[-1]
    run_sweep(campaign=clock.current(), by=None)
    set_act("test.furnish")
    for subject, kind in ((household, "household"), (person, "person")):
        for rule in ("T001", "T002"):
            clue = Clue.objects.create(
                rule_id=rule, year=now.year, subject_kind=kind, subject_id=subject.pk, household=household,
                person=person if kind == "person" else None,
                village_code=household.village_code, severity="W", message="x", used_digest="x", pack_hash="x", seen_at=timezone.now(),
            )  # fmt: skip
            ClueStep.objects.create(clue=clue, household_id=household.pk, village_code=household.village_code, kind="opened")
    Conflict.objects.create(
        household=household, village_code=household.village_code, target=str(person.pk), name="x", stored_at=timezone.now(), offered_at=timezone.now()
    )
    SheetBatch.objects.create(year=now.year, village_code=household.village_code, household_id=household.pk, version=1, pack_hash="x")
    reach = reach_of(by)
    loans, away = register_of(now.pack, "microcredit"), register_of(now.pack, "work_spell")
    assert loans is not None and away is not None
    given = {
        "household_id": Given(chosen=(str(household.pk),)), "borrower_person": Given(chosen=(str(person.pk),)),
        "contract_no": Given((f"X-{uuid4()}",)), "bank": Given(("某行",)), "principal": Given(("30000",)),
    }  # fmt: skip
    registers.add(register=loans, pack=now.pack, year=now.year, record_id=uuid4(), given=given, sure=True, by=by, reach=reach)
    spell = {"person_id": Given(chosen=(str(person.pk),)), "work_start": Given(("2021-02",)), "employer": Given(("某厂",))}
    registers.add(register=away, pack=now.pack, year=now.year, record_id=uuid4(), given=spell, sure=True, by=by, reach=reach)
    set_act("test")


def rows_of(household: Household) -> dict[str, set[str]]:
    """Villages in which the rows of a household stand, by table."""
    found: dict[str, set[str]] = {}
    for model in apps.get_models():
        names = {f.attname for f in model._meta.concrete_fields}
        if {"household_id", "village_code"} <= names and model not in (Event, Act):
            rows = model._default_manager.filter(household_id=household.pk)
            found[model._meta.db_table] = set(rows.values_list("village_code", flat=True))
    return found


# --- handing over


def test_pairings_are_handed_over_to_two_and_back(county: User, cast: dict[str, User]) -> None:
    before = dump()
    rows = handover.open_pairings(user=cast["helper"], name="", reach=reach_of(county))
    assert len(rows) >= 4
    first, second = helper_of(cast["village"]), Helper(name="王接手", phone="13800000000", unit="县某局")
    to = {row.pk: first if number % 2 else second for number, row in enumerate(rows[:4])}
    act = do(handover.plan(rows, to, TODAY), county)
    assert "4 户" in act.title
    for row in rows[:4]:
        old, new = Pairing.objects.filter(household_id=row.household_id).order_by("start_on", "end_on")
        assert (old.end_on, new.start_on, new.end_on, new.is_main) == (TODAY, TODAY, None, True)
        assert new.helper_name in (first.name, "王接手")
    assert not set(reach_of(cast["helper"]).households) & {row.household_id for row in rows[:4]}
    assert Event.objects.filter(act=act.name, table_name="households_pairing").count() == 8 == act.events
    deed = undone(act, county)
    assert differences(before, dump()) == []
    act.refresh_from_db()
    assert (act.state, act.undone_by, deed.undoes) == ("undone", deed, act)
    assert Event.objects.filter(act=deed.name, op="D").count() == 4, "what was made went with an event"


def test_a_later_pairing_stands_on_a_hand_over(county: User, cast: dict[str, User]) -> None:
    rows = handover.open_pairings(user=cast["helper"], name="", reach=reach_of(county))
    act = do(handover.plan(rows, {rows[0].pk: Helper(name="王接手")}, TODAY), county)
    assert standing(act) == []
    set_act("pairing.end")
    Pairing.objects.filter(household_id=rows[0].household_id, end_on__isnull=True).update(end_on=TODAY)
    head = rows[0].household.head_name
    with pytest.raises(ActRefused, match=head):
        undone(act, county)


# --- natural villages and divisions


def natural_with_households(least: int = 2) -> Region:
    for row in Region.objects.filter(level="natural_village").order_by("code"):
        if Household.objects.filter(natural_village_code=row.code, kind="assisted").count() >= least:
            return row
    raise AssertionError


def test_a_natural_village_moves_with_every_row_and_back(county: User, now: CurrentYear) -> None:
    natural = natural_with_households()
    home = Household.objects.filter(natural_village_code=natural.code, kind="assisted").order_by("code")[0]
    furnish(home, county, now)
    target = Region.objects.villages().filter(code__startswith=natural.code[:9]).exclude(code=natural.code[:12]).order_by("code")[0]
    count, before = Household.objects.filter(natural_village_code=natural.code).count(), dump()
    act = do(divisions.plan_move_natural(natural.code, target.code, TODAY, pack=now.pack, by=county), county)
    natural.refresh_from_db()
    assert natural.successor_id is not None and (natural.valid_to, natural.successor_id[:12]) == (TODAY, target.code)
    assert Household.objects.filter(natural_village_code=natural.successor_id, village_code=target.code).count() == count
    for table, villages in rows_of(home).items():
        assert villages <= {target.code}, table
    assert rows_of(home)["quality_clue"] == rows_of(home)["registers_entry"] == rows_of(home)["fieldwork_sheetbatch"] == {target.code}
    undone(act, county)
    assert differences(before, dump()) == []


def test_a_value_typed_later_stands_on_a_move(county: User, now: CurrentYear) -> None:
    natural = natural_with_households()
    target = Region.objects.villages().exclude(code=natural.code[:12]).order_by("code")[0]
    act = do(divisions.plan_move_natural(natural.code, target.code, TODAY, pack=now.pack, by=county), county)
    home = Household.objects.filter(village_code=target.code, natural_village_code__startswith=target.code, kind="assisted").order_by("code")[0]
    set_act("entry.save")
    record = Record.objects.get(form="household_year", year=2021, household=home)
    Record.objects.filter(pk=record.pk).update(values={**record.values, "farmland_mu": 1})
    with pytest.raises(ActRefused, match=home.head_name):
        undone(act, county)


def test_the_sweep_does_not_stand_on_a_move_and_its_clues_follow_back(county: User, now: CurrentYear) -> None:
    natural = natural_with_households()
    target = Region.objects.villages().exclude(code=natural.code[:12]).order_by("code")[0]
    act = do(divisions.plan_move_natural(natural.code, target.code, TODAY, pack=now.pack, by=county), county)
    assert run_sweep(campaign=clock.current(), by=None).opened
    undone(act, county)
    homes = Household.objects.filter(natural_village_code=natural.code)
    assert set(Clue.objects.filter(household__in=homes).values_list("village_code", flat=True)) <= {natural.code[:12]}


def test_a_household_made_later_in_a_new_division_stands_on_it(county: User, now: CurrentYear) -> None:
    village = Region.objects.get(pk=natural_with_households().code[:12])
    parts = list(Region.objects.filter(parent=village).order_by("code").values_list("code", flat=True))
    act = do(divisions.plan_split(village.code, parts[:1], "新立村", TODAY, pack=now.pack, by=county), county)
    made = next(code for code in act.made if len(code) == 12)
    add_household(typed=NewHousehold(village_code=made, head_name="新来户", household_type="01"), year=now.year, pack=now.pack, by=county)
    with pytest.raises(ActRefused, match="新来户"):
        undone(act, county)


def test_villages_merge_with_their_posts_and_back(county: User, now: CurrentYear, cast: dict[str, User]) -> None:
    post = Assignment.objects.get(user=cast["village"])
    gone = post.region_id
    into = Region.objects.villages().filter(code__startswith=gone[:9]).exclude(code=gone).order_by("code")[0]
    home = Household.objects.filter(village_code=gone, kind="assisted").order_by("code")[0]
    furnish(home, county, now)
    sweep = Sweep.objects.create(year=now.year, pack_hash="x")
    for code in (gone, into.code):
        VillageQuality.objects.create(
            sweep=sweep, village_code=code, **dict.fromkeys(("households", "persons", "complete", "errors", "suspected", "closed", "confirmed"), 1)
        )
    heads, before = Household.objects.filter(village_code=gone).count(), dump()
    there = Household.objects.filter(village_code=into.code).count()
    act = do(divisions.plan_merge([gone], into.code, TODAY, new_name="合并村", pack=now.pack, by=county), county)
    assert Household.objects.filter(village_code=into.code).count() == heads + there
    into.refresh_from_db()
    assert (into.name, into.former_names[0]["until"]) == ("合并村", TODAY.isoformat())
    assert not any(code == gone for code in reach_of(cast["village"]).villages)
    assert into.code in reach_of(cast["village"]).villages
    home.refresh_from_db()
    assert home.natural_village_code[:12] == into.code
    undone(act, county)
    assert differences(before, dump()) == []


def test_a_clue_opened_on_a_merged_villages_table_follows_back(county: User, now: CurrentYear) -> None:
    table = Record.objects.filter(form="village_year", year=now.year).exclude(state=Record.State.VOID).order_by("village_code")[0]
    gone, clues = table.village_code, Clue.objects.filter(subject_id=table.pk, rule_id="V001")
    into = Region.objects.villages().filter(code__startswith=gone[:9]).exclude(code=gone).order_by("code")[0]
    assert not clues.exists()
    act = do(divisions.plan_merge([gone], into.code, TODAY, pack=now.pack, by=county), county)
    set_act(ROLL_UP)
    Record.objects.filter(pk=table.pk).update(values={**table.values, "population": None})
    judge_villages([into.code], [table.form], now.pack, clock.current(), None)
    assert clues.get().village_code == into.code
    undone(act, county)
    assert (clues.get().village_code, clues.get().subject_code) == (gone, gone)
    judge_villages([gone], [table.form], now.pack, clock.current(), None)
    assert clues.count() == 1


def test_townships_merge_and_back(county: User, now: CurrentYear) -> None:
    homes = Household.objects.order_by("code")
    gone = homes[0].village_code[:9]
    into = Region.objects.townships().filter(code__startswith=gone[:6]).exclude(code=gone).order_by("code")[0]
    count, before = Household.objects.filter(village_code__startswith=gone).count(), dump()
    act = do(divisions.plan_merge([gone], into.code, TODAY, pack=now.pack, by=county), county)
    assert not Household.objects.filter(village_code__startswith=gone).exists()
    assert not Record.objects.filter(village_code__startswith=gone).exists()
    names = set(Region.objects.filter(code__startswith=into.code, level="village").values_list("name", flat=True))
    assert set(Region.objects.filter(code__startswith=gone, level="village").values_list("name", flat=True)) <= names
    assert count
    undone(act, county)
    assert differences(before, dump()) == []


def test_a_village_and_a_natural_village_split_and_a_division_is_renamed(county: User, now: CurrentYear) -> None:
    natural, before = natural_with_households(), dump()
    chosen = list(Household.objects.filter(natural_village_code=natural.code).order_by("code").values_list("pk", flat=True)[:1])
    acts = [do(divisions.plan_split(natural.code, [], "小庄", TODAY, households=chosen, pack=now.pack, by=county), county)]
    assert Region.objects.get(pk=Household.objects.get(pk=chosen[0]).natural_village_code).name == "小庄"
    village = natural.code[:12]
    acts.append(do(divisions.plan_split(village, [natural.code], "新立村", TODAY, code=f"{village[:9]}888", pack=now.pack, by=county), county))
    assert Household.objects.filter(village_code=f"{village[:9]}888").exists()
    acts.append(do(divisions.plan_rename(village, "改名村", TODAY), county))
    assert Region.objects.get(pk=village).name == "改名村"
    with pytest.raises(ActRefused):
        undone(acts[0], county)  # the second act stands on it
    for act in reversed(acts):
        undone(act, county)
    assert differences(before, dump()) == []


def counted(*villages: str) -> dict[str, Any]:
    """What the villages' tables hold of what is counted from below."""
    pack = current_year().pack
    names = [one.name for one in pack.rollups if one.form == "village_year"]
    rows = Record.objects.filter(form="village_year", year=2021, village_code__in=villages)
    return {row.village_code: {name: row.values.get(name) for name in names} for row in rows}


def test_tables_of_both_villages_follow_an_act_and_its_undo_at_once(county: User, now: CurrentYear) -> None:
    natural = natural_with_households()
    village = natural.code[:12]
    target = Region.objects.villages().filter(code__startswith=natural.code[:9]).exclude(code=village).order_by("code")[0].code
    rollups.refresh(now.pack, now.year, [village, target])
    before = counted(village, target)
    moved = Household.objects.filter(natural_village_code=natural.code, kind="assisted", household_state="01").count()
    assert moved
    act = do(divisions.plan_move_natural(natural.code, target, TODAY, pack=now.pack, by=county), county)
    after = counted(village, target)
    assert before[village] != after[village] and before[target] != after[target]
    rollups.refresh(now.pack, now.year, [village, target])
    assert counted(village, target) == after, "nothing was left for the night"
    undone(act, county)
    assert counted(village, target) == before


def test_what_the_night_counts_does_not_stand_on_an_act(county: User, now: CurrentYear) -> None:
    natural = natural_with_households()
    target = Region.objects.villages().filter(code__startswith=natural.code[:9]).exclude(code=natural.code[:12]).order_by("code")[0].code
    act = do(divisions.plan_move_natural(natural.code, target, TODAY, pack=now.pack, by=county), county)
    natural.refresh_from_db()
    moved = Record.objects.get(form="natural_village_year", year=2021, village_code=target, subject_code=natural.successor_id)
    name = next(one.name for one in now.pack.rollups if one.form == moved.form)
    set_act("rollup.refresh")
    Record.objects.filter(pk=moved.pk).update(values={**moved.values, name: 99})
    set_act("test")
    assert standing(act) == []


# --- households and persons


def test_a_household_splits_and_back(county: User, now: CurrentYear) -> None:
    household = big()
    furnish(household, county, now)
    before = dump()
    head, *others = live_members(household)
    going = others[-1]
    act = do(members.plan_split(household, moving((going, "01")), stay_head=None, now=now), county)
    made = Household.objects.get(head_name=going.member_name, code__startswith=f"{household.village_code}H", member_count=1)
    household.refresh_from_db()
    assert household.member_count == len(others)
    unit = load_unit(made, now.year)
    assert [person.pk for person in unit.live()] == [going.pk]
    assert str(going.pk) in unit.last or not Record.objects.filter(form="person_year", year=now.year - 1, person=going).exists()
    assert Record.objects.get(form="household_year", year=now.year, household=made).state == "empty"
    assert set(Membership.objects.filter(person=going).values_list("household_id", "valid_to")) == {(household.pk, TODAY), (made.pk, None)}
    assert set(Entry.objects.filter(person=going).values_list("household_id", flat=True)) == {made.pk}
    assert set(Clue.objects.filter(person=going, year=now.year).values_list("household_id", flat=True)) == {made.pk}
    assert made.pairings.count() == household.pairings.filter(end_on__isnull=True).count()
    undone(act, county)
    assert differences(before, dump()) == []


def test_the_head_leaves_with_a_split_only_when_another_is_named(county: User, now: CurrentYear) -> None:
    household = big()
    head, *others = live_members(household)
    with pytest.raises(ActRefused, match="谁当户主"):
        members.plan_split(household, moving((head, "01")), stay_head=None, now=now)
    before = dump()
    act = do(members.plan_split(household, moving((head, "01")), stay_head=others[0].pk, now=now), county)
    household.refresh_from_db()
    assert household.head_name == others[0].member_name
    undone(act, county)
    assert differences(before, dump()) == []


def test_households_merge_and_back(county: User, now: CurrentYear) -> None:
    gone, into = big(2), big(2, skip=1)
    furnish(gone, county, now)
    gone_count, before = gone.member_count, dump()
    act = do(members.plan_merge(into, gone, moving(*((person, "99") for person in live_members(gone))), now=now), county)
    count = into.member_count
    into.refresh_from_db()
    gone.refresh_from_db()
    assert into.member_count == count + gone_count
    assert (gone.member_count, gone.household_state, gone.merged_into) == (0, "04", into)
    assert Record.objects.get(form="household_year", year=now.year, household=gone).state == "void"
    assert not Clue.objects.filter(household=gone, state="open", subject_kind="household", year=now.year).exists()
    undone(act, county)
    assert differences(before, dump()) == []


def test_a_member_moves_to_another_village_and_back(county: User, now: CurrentYear) -> None:
    household = big()
    furnish(household, county, now)
    into = Household.objects.filter(kind="assisted").exclude(village_code=household.village_code).order_by("code")[0]
    person, before = live_members(household)[-1], dump()
    act = do(members.plan_move(person, into, moving((person, "99")), stay_head=None, now=now), county)
    person.refresh_from_db()
    assert (person.household, person.village_code) == (into, into.village_code)
    assert set(Link.objects.filter(record__person=person).values_list("village_code", flat=True)) <= {into.village_code}
    undone(act, county)
    assert differences(before, dump()) == []


@pytest.mark.parametrize("same_household", [True, False])
def test_a_person_entered_twice_becomes_one_and_two_again(county: User, now: CurrentYear, same_household: bool) -> None:
    household = big(4)
    furnish(household, county, now)  # on the last member, the double
    double = live_members(household)[-1]
    kept = live_members(household)[-2] if same_household else live_members(big(2, skip=4))[-1]
    set_act("test.furnish")
    record = Record.objects.filter(form="person_year", year=now.year - 1, person=kept).first()
    if record is not None:
        record.values = {name: value for name, value in record.values.items() if name != "school_status"}
        record.save()
    Person.objects.filter(pk=kept.pk).update(ethnicity="", id_number_secret=None, id_number_digest="", id_number_mask="")
    kept.refresh_from_db()
    before = dump()
    plan = persons.plan(kept, double, now=now)
    assert "姓名" in plan.warnings[0] and "证件号码" not in plan.warnings[0], "what says that they are two people is told first"
    act = do(plan, county)
    kept.refresh_from_db()
    double.refresh_from_db()
    assert (double.merged_into, double.member_state) == (kept, "02")
    assert (kept.ethnicity, kept.id_number_digest) == (double.ethnicity, double.id_number_digest)
    assert not Link.objects.filter(to_person=double).exists()
    loan = Record.objects.get(form="microcredit", links__to_person=kept, links__name="borrower_person", entered_by=county)
    assert loan.values["borrower_person"] == str(kept.pk)
    assert Entry.objects.filter(form="work_spell", person=kept, record__entered_by=county).exists()
    assert double.pk not in {person.pk for person in load_unit(household, now.year).persons}
    undone(act, county)
    assert differences(before, dump()) == []


# --- refusals


def test_what_cannot_be_done_is_told(county: User, now: CurrentYear) -> None:
    household, other = big(), big(skip=1)
    head, *others = live_members(household)
    tomorrow = TODAY + datetime.timedelta(days=1)
    refused: list[tuple[str, Callable[[], Plan]]] = [
        ("勾选", lambda: members.plan_split(household, moving(), stay_head=None, now=now)),
        ("留在原来", lambda: members.plan_split(household, moving(*((p, "99") for p in (head, *others))), stay_head=None, now=now)),
        ("只能有一位", lambda: members.plan_split(household, moving((others[0], "02")), stay_head=None, now=now)),
        ("今天之后", lambda: members.plan_split(household, moving((others[0], "01"), on=tomorrow), stay_head=None, now=now)),
        ("另外一户", lambda: members.plan_move(others[0], household, moving((others[0], "99")), stay_head=None, now=now)),
        ("已有户主", lambda: members.plan_move(others[0], other, moving((others[0], "01")), stay_head=None, now=now)),
        ("另外一个人", lambda: persons.plan(head, head, now=now)),
        (
            "另一个行政村",
            lambda: divisions.plan_move_natural(household.natural_village_code, household.village_code, TODAY, pack=now.pack, by=county),
        ),
        ("一样", lambda: divisions.plan_rename(household.village_code, Region.objects.get(pk=household.village_code).name, TODAY)),
        ("同级", lambda: divisions.plan_merge([household.village_code[:9]], household.village_code, TODAY, pack=now.pack, by=county)),
    ]
    for words, make in refused:
        with pytest.raises(ActRefused, match=words):
            make()
    with pytest.raises(ActRefused, match="原因"):
        carry_out(divisions.plan_rename(household.village_code, "甲村", TODAY), reason="", by=county, reach=reach_of(county))


def test_beyond_the_reach_nothing_is_done(now: CurrentYear, acting: Acting, cast: dict[str, User]) -> None:
    acting("county")
    own = reach_of(cast["township"])
    away = Household.objects.filter(kind="assisted").exclude(village_code__in=own.villages).order_by("code")[0]
    household = Household.objects.filter(kind="assisted", village_code__in=own.villages, member_count__gte=3).order_by("code")[0]
    person = live_members(household)[-1]
    plan = members.plan_move(person, away, moving((person, "99")), stay_head=None, now=now)
    acting("township")
    with pytest.raises(ActRefused, match="管辖范围"):
        do(plan, cast["township"])
    with pytest.raises(ActRefused, match="管辖范围"):
        do(divisions.plan_rename(household.village_code, "甲村", TODAY), cast["township"])


def test_a_second_undo_and_the_undo_of_an_undo_are_refused(county: User) -> None:
    village = Household.objects.order_by("code")[0].village_code
    act = do(divisions.plan_rename(village, "甲村", TODAY), county)
    deed = undone(act, county)
    for one, words in ((act, "已经撤销"), (deed, "不能再撤销")):
        with pytest.raises(ActRefused, match=words):
            undone(one, county)


# --- drawn sequences


@pytest.mark.parametrize("seed", range(3))
def test_drawn_acts_undone_from_the_last_to_the_first_leave_nothing(county: User, now: CurrentYear, cast: dict[str, User], seed: int) -> None:
    """Acts that stand on each other, of any kind; between them an undo now and then. One that stands below another is refused."""
    draw = random.Random(seed)
    before, done = dump(), list[Act]()
    for _step in range(12):
        if done and draw.random() < 0.2:
            undone(done.pop(), county)
            continue
        with contextlib.suppress(ActRefused):  # what is drawn need not be possible
            done.append(do(_drawn(draw, county, now), county))
    assert len(done) >= 2, "the drawing is of use"
    for act in reversed(done):
        undone(act, county)
    assert differences(before, dump()) == []


def _drawn(draw: random.Random, county: User, now: CurrentYear) -> Plan:
    few = list(Household.objects.filter(kind="assisted", merged_into__isnull=True, member_count__gte=2).order_by("code")[:8])
    home, other = draw.sample(few, 2)
    people = live_members(home)
    match draw.randrange(7):
        case 0:
            return members.plan_split(home, moving((people[-1], "01")), stay_head=people[0].pk, now=now)
        case 1:
            return members.plan_merge(other, home, moving(*((person, "99") for person in people)), now=now)
        case 2:
            return members.plan_move(people[-1], other, moving((people[-1], "99")), stay_head=people[0].pk, now=now)
        case 3:
            return persons.plan(draw.choice(live_members(other)), people[-1], now=now)
        case 4:
            village = draw.choice(list(Region.objects.villages().filter(valid_to__isnull=True, code__startswith=home.village_code[:9])))
            return divisions.plan_move_natural(home.natural_village_code, village.code, TODAY, pack=now.pack, by=county)
        case 5:
            return divisions.plan_merge([home.village_code], other.village_code, TODAY, new_name="合并村", pack=now.pack, by=county)
        case _:
            rows = list(Pairing.objects.filter(household=home, end_on__isnull=True))
            return handover.plan(rows, {row.pk: Helper(name=f"接手{draw.randrange(99)}") for row in rows}, TODAY)
