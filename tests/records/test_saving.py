"""Saving: retries change nothing, different items merge, the same item is kept twice until a person decides."""

import datetime
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fangfanpin.accounts.reach import Reach
from fangfanpin.audit.models import Event
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.services import lock_again, unlock
from fangfanpin.households.models import Household, Person
from fangfanpin.privacy.secrets import digest
from fangfanpin.records.models import Conflict, Record
from fangfanpin.records.saving import EntryClosed, Fault, SaveFaults, resolve_conflict, unconfirmed
from fangfanpin.records.units import load_unit
from tests.records.conftest import Desk

Sit = Callable[[str], Desk]


def lead(household: Household) -> Record:
    return Record.objects.get(household=household, form="household_year", year=2021)


def test_a_save_stores_values_and_says_who(desk: Sit, household: Household) -> None:
    village = desk("village")
    reply = village.put(housing_area_m2=8000, farmland_mu=350)
    record = lead(household)
    assert (record.values["housing_area_m2"], record.values["farmland_mu"]) == (8000, 350)
    assert record.state == Record.State.DRAFT and record.entered_by == village.user
    assert reply["versions"]["household"] == record.version
    event = Event.objects.of_row("records_record", record.pk).last()
    assert event is not None and event.changed is not None
    assert event.actor_id == village.user.pk and event.act.startswith("entry.save") and event.changed["values.farmland_mu"] == [None, 350]


def test_a_retry_changes_nothing_and_gets_the_same_answer(desk: Sit, household: Household) -> None:
    village, client_id = desk("village"), uuid4()
    op = {"op": "set", "target": "household", "name": "farmland_mu", "value": 100}
    first = village.save(op, client_id=client_id)
    events = Event.objects.count()
    assert village.save(op, client_id=client_id) == first
    assert Event.objects.count() == events and lead(household).version == first["versions"]["household"]


def test_another_person_cannot_take_a_client_id(desk: Sit) -> None:
    client_id = uuid4()
    desk("village").save({"op": "tick", "target": "household", "section": "basics"}, client_id=client_id)
    with pytest.raises(SaveFaults):
        desk("township").save({"op": "tick", "target": "household", "section": "living"}, client_id=client_id)


def test_different_items_of_two_people_merge(desk: Sit, household: Household) -> None:
    village, township = desk("village"), desk("township")
    village.put(housing_area_m2=9000)
    reply = township.put(farmland_mu=200)
    assert not reply["conflicts"] and {"target": "household", "name": "housing_area_m2"} in reply["merged"]
    values = lead(household).values
    assert (values["housing_area_m2"], values["farmland_mu"]) == (9000, 200)


def test_the_same_item_is_kept_twice(desk: Sit, household: Household) -> None:
    village, township = desk("village"), desk("township")
    village.put(farmland_mu=100)
    reply = township.put(farmland_mu=200)
    assert lead(household).values["farmland_mu"] == 100
    (conflict,) = reply["conflicts"]
    assert (conflict["theirs"], conflict["mine"], conflict["by"], conflict["offered_by"]) == (100, 200, village.user.name, township.user.name)
    kept = Conflict.objects.get(household=household)
    assert kept.stored_source == "test" and kept.stored_at <= kept.offered_at


def test_the_same_value_twice_is_no_conflict(desk: Sit, household: Household) -> None:
    village, township = desk("village"), desk("township")
    village.put(farmland_mu=100)
    assert not township.put(farmland_mu=100)["conflicts"]


def test_two_parts_of_one_sum_clash(desk: Sit, household: Household) -> None:
    village, township = desk("village"), desk("township")
    village.put(wage_income=3_000_000)
    reply = township.put(tr_dibao=600_000)
    assert [conflict["name"] for conflict in reply["conflicts"]] == ["tr_dibao"]
    assert lead(household).values.get("tr_dibao") is None


@pytest.mark.parametrize(("choice", "expected"), [("mine", 200), ("theirs", 100), ("other", 150)])
def test_a_person_decides(desk: Sit, household: Household, choice: str, expected: int) -> None:
    village, township = desk("village"), desk("township")
    village.put(farmland_mu=100)
    township.put(farmland_mu=200)
    conflict = Conflict.objects.get(household=household)
    resolve_conflict(conflict=conflict, choice=choice, value=150, pack=village.pack, year=2021, by=village.user)
    assert lead(household).values["farmland_mu"] == expected
    conflict.refresh_from_db()
    assert (conflict.state, conflict.choice, conflict.resolved_by) == ("resolved", choice, village.user)


def test_one_fault_stores_nothing(desk: Sit, household: Household) -> None:
    before = lead(household)
    with pytest.raises(SaveFaults) as refused, transaction.atomic():
        desk("village").put(farmland_mu=100, housing_area_m2="big", household_type="99")
    assert {fault.name for fault in refused.value.faults} == {"housing_area_m2", "household_type"}
    assert lead(household).values == before.values and lead(household).version == before.version


@pytest.mark.parametrize("name", ["net_income", "household_id", "admin_village_code", "nonsense"])
def test_what_is_computed_or_registered_elsewhere_is_refused(desk: Sit, name: str) -> None:
    with pytest.raises(SaveFaults), transaction.atomic():
        desk("village").put(**{name: 1})


def test_income_adds_up_by_itself(desk: Sit, household: Household) -> None:
    desk("village").put(wage_income=3_000_000, business_income=1_000_000, business_expense=250_000, tr_dibao=120_001, household_size=3)
    values = lead(household).values
    assert values["transfer_income"] == 120_001
    assert values["total_income"] == 4_120_001
    assert values["net_income"] == 3_870_001
    assert values["per_capita_net_income"] == 1_290_000  # 1,290,000.33 fen, half away from zero


def test_a_tick_carries_over_states_but_never_period_values(desk: Sit, household: Household) -> None:
    village = desk("village")
    last = Record.objects.get(household=household, form="household_year", year=2020)
    living = next(section for section in village.pack.forms["household_year"].sections if section.key == "living")
    village.save({"op": "tick", "target": "household", "section": "living"})
    values = lead(household).values
    carried = [name for name in living.items if village.pack.indicators[f"household_year.{name}"].kind in ("as_of", "fixed")]
    assert carried and all(values.get(name) == last.values.get(name) for name in carried if name in last.values and name in values)
    assert any(values.get(name) is not None for name in carried)
    asked = {name: village.pack.indicators[f"household_year.{name}"] for name in values}
    assert not [name for name, item in asked.items() if item.kind == "period" and item.home != "computed" and values[name] is not None]
    with pytest.raises(SaveFaults), transaction.atomic():
        village.save({"op": "tick", "target": "household", "section": "income"})


VISITED = {"op": "visit", "visited_by": ["张三", "李四"], "visited_on": "2021-11-02"}
SUBMIT = {"op": "submit"}


def _confirm_all(village: Desk, faults: Sequence[Fault]) -> list[dict[str, Any]]:
    """The ticks that answer the faults."""
    ops: list[dict[str, Any]] = []
    for fault in faults:
        form = village.pack.forms["household_year" if fault.target == "household" else "person_year"]
        section = next(section for section in form.sections if fault.name in section.items)
        assert section.tickable, "every as-of item of the pack stands in a section that can be ticked"
        ops.append({"op": "tick", "target": fault.target, "section": section.key})
    return ops


def test_what_nobody_confirmed_is_refused_and_never_stored_as_empty(desk: Sit, household: Household) -> None:
    village = desk("village")
    last = Record.objects.get(household=household, form="household_year", year=2020)
    before = {record.pk: (record.values, record.version) for record in household.records.filter(year=2021)}
    with pytest.raises(SaveFaults) as refused, transaction.atomic():
        village.save(VISITED, {"op": "set", "target": "household", "name": "address", "value": "王庄组 7 号"}, SUBMIT)
    sections = {(fault.target, fault.items) for fault in refused.value.faults}
    basics = next(items for target, items in sections if target == "household" and "household_phone" in items)
    assert "address" not in basics, "what was typed is confirmed"
    assert all(fault.name == fault.items[0] and "还是上年的数" in fault.message for fault in refused.value.faults)
    assert {target for target, _ in sections} == {"household", *(str(p.pk) for p in household.persons.filter(member_state="01"))}
    carried = [name for target, items in sections if target == "household" for name in items]
    assert all(last.values[name] is not None for name in carried)
    assert {record.pk: (record.values, record.version) for record in household.records.filter(year=2021)} == before
    assert lead(household).state == Record.State.EMPTY and lead(household).visitors == []


def test_ticked_and_typed_household_passes_the_guard(desk: Sit, household: Household) -> None:
    village = desk("village")
    with pytest.raises(SaveFaults) as refused, transaction.atomic():
        village.save(VISITED, SUBMIT)
    last = {str(r.person_id or "household"): r.values for r in household.records.filter(year=2020)}
    ticks = _confirm_all(village, refused.value.faults)
    with pytest.raises(SaveFaults) as left, transaction.atomic():
        village.save(VISITED, *ticks[1:], SUBMIT)
    assert [fault for fault in left.value.faults if fault.items] == [refused.value.faults[0]], "one section forgotten, one section named"
    people = {fault.target for fault in refused.value.faults} - {"household"}
    asked = [item for item in village.pack.forms["person_year"].indicators if item.kind == "period" and item.type == "bool" and not item.retired]
    none = [{"op": "set", "target": target, "name": item.name, "value": False} for target in sorted(people) for item in asked]
    village.save(VISITED, *ticks, *none, SUBMIT)
    assert lead(household).state == Record.State.SUBMITTED
    for fault in refused.value.faults:
        record = household.records.get(year=2021, **({"person_id": fault.target} if fault.target != "household" else {"form": "household_year"}))
        assert {name: record.values[name] for name in fault.items} == {name: last[fault.target][name] for name in fault.items}


def test_nobody_is_asked_to_confirm_what_is_not_asked(desk: Sit, household: Household) -> None:
    """A condition reads last year's answer while it still stands, as on the screen; of one who left nothing is asked."""
    village = desk("village")
    last = Record.objects.get(household=household, form="household_year", year=2020)
    for grade_asked in (True, False):
        last.values |= {"dilapidated_house": grade_asked, "house_grade": "01"}
        last.save()
        unit = load_unit(household, 2021)
        living = next(fault for fault in unconfirmed(unit, village.pack) if "dilapidated_house" in fault.items)
        assert ("house_grade" in living.items) is grade_asked
    gone = unit.live()[-1]
    gone.member_state = "02"
    assert str(gone.pk) not in {fault.target for fault in unconfirmed(unit, village.pack)}


def test_a_member_leaves_and_is_never_deleted(desk: Sit, household: Household) -> None:
    village = desk("village")
    person = household.persons.exclude(relation_to_head="01").filter(member_state="01").first() or household.persons.first()
    assert person is not None
    reason = sorted(village.pack.change_reasons("decrease"))[0]
    count, before = Person.objects.count(), household.member_count
    village.save({"op": "leave", "person_id": str(person.pk), "reason": reason, "date": "2021-05-01"})
    person.refresh_from_db()
    household.refresh_from_db()
    assert Person.objects.count() == count and person.member_state == "02" and household.member_count == before - 1
    membership = person.memberships.get()
    assert (membership.valid_to, membership.leave_reason) == (datetime.date(2021, 5, 1), reason)
    village.base = {}
    village.save({"op": "stay", "person_id": str(person.pk)})
    person.refresh_from_db()
    assert person.member_state == "01" and person.memberships.get().valid_to is None


def test_a_member_arrives_once_however_often_it_is_sent(desk: Sit, household: Household) -> None:
    village, person_id = desk("village"), uuid4()
    reason = sorted(village.pack.change_reasons("increase"))[0]
    op = {
        "op": "arrive",
        "person_id": str(person_id),
        "reason": reason,
        "date": "2021-03-05",
        "values": {"member_name": "王小宝", "sex": "1", "relation_to_head": "03", "birth_date": "2021-03-05"},
    }
    village.save(op)
    village.save(op)
    person = Person.objects.get(pk=person_id)
    assert (person.member_name, person.household, person.member_state) == ("王小宝", household, "01")
    assert person.memberships.count() == 1


def test_a_number_known_elsewhere_names_the_village_only(desk: Sit, household: Household, acting: Callable[[str], Reach]) -> None:
    acting("county")
    stranger = Person.objects.exclude(village_code__startswith=household.village_code[:9]).filter(member_state="01", id_form="id18")[0]
    secrets = (stranger.member_name, stranger.household.code)
    from_elsewhere = "34032319900101123X"
    acting("system")
    Person.objects.filter(pk=stranger.pk).update(id_number_digest=digest(from_elsewhere))
    acting("village")
    person = household.persons.filter(member_state="01")[0]
    with pytest.raises(SaveFaults) as refused, transaction.atomic():
        desk("village").save({"op": "set", "target": str(person.pk), "name": "id_number", "value": from_elsewhere})
    message = refused.value.faults[0].message
    assert "已有人登记" in message and not any(secret in message for secret in secrets)


def test_entry_closes_by_the_campaigns_clock_and_opens_by_unlock(desk: Sit, household: Household, acting: Callable[[str], Reach]) -> None:
    village, county = desk("village"), desk("county")
    closes_at = clock.entry_closes_at(village.campaign)
    assert closes_at is not None
    clock.set_clock(village.campaign, closes_at - datetime.timedelta(seconds=30))
    village.put(farmland_mu=100)
    clock.set_clock(village.campaign, closes_at + datetime.timedelta(seconds=1))
    with pytest.raises(EntryClosed, match="截止"), transaction.atomic():
        village.put(farmland_mu=200)
    acting("county")
    unlock(of=household, year=2021, reason="测试时要求补录", by=county.user)
    acting("village")
    village.base = {}
    village.put(farmland_mu=300)
    assert lead(household).values["farmland_mu"] == 300
    acting("county")
    lock_again(of=household, year=2021, by=county.user)
    with pytest.raises(EntryClosed), transaction.atomic():
        village.put(farmland_mu=400)


_NAMES = ("farmland_mu", "forest_mu", "housing_area_m2", "wage_income", "tr_dibao")


@settings(max_examples=settings().max_examples * 2 // 5, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from(_NAMES), st.integers(0, 9), st.booleans()),
        min_size=1,
        max_size=12,
    )
)
def test_no_typed_value_is_ever_lost(desk: Sit, household: Household, steps: list[tuple[int, str, int, bool]]) -> None:
    """Two people type in any order over what they saw; some look again in between. Whatever was acknowledged either stands, was
    replaced by its own author or by somebody who had seen it, or waits as a conflict."""
    with transaction.atomic():
        people = [desk("village"), desk("township")]
        for person in people:
            person.base = {"household": lead(household).version}
        kept: dict[str, tuple[int, int]] = {}  # name → (who, value) that must stand
        waiting: list[tuple[str, int]] = []
        for who, name, value, looks in steps:
            reply = people[who].put(**{name: value})
            offered = [conflict["name"] for conflict in reply["conflicts"]]
            if name in offered:
                waiting.append((name, value))
            else:
                kept[name] = (who, value)
            if looks:
                people[who].base = dict(reply["versions"])
        values = lead(household).values
        assert {name: values.get(name) for name in kept} == {name: value for name, (_, value) in kept.items()}
        open_values = [(c.name, c.offered) for c in Conflict.objects.filter(household=household)]
        assert sorted(open_values) == sorted(waiting)
        transaction.set_rollback(True)
