"""Values changed in a household that is handed in: stored like any others, its clues brought in step in the same save."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, reach_of, set_database_reach
from fangfanpin.audit.models import Event
from fangfanpin.campaigns import clock
from fangfanpin.households.models import Household
from fangfanpin.policy.services import pack_of
from fangfanpin.quality.models import Clue
from fangfanpin.records.models import Record
from fangfanpin.records.reviewing import ReviewRefused, approve
from fangfanpin.records.saving import EntryClosed, SaveFaults, SaveRequest, save
from tests.records.conftest import Desk


@pytest.fixture
def handed_in(acting: Callable[[str], Reach], cast: dict[str, User]) -> Desk:
    """A submitted household of the village in which nothing is found, already typed into the national system, with its village's officer."""
    reach, campaign = acting("village"), clock.current()
    rows = Household.objects.visible_to(reach).filter(
        kind="assisted", monitoring_type="", household_type="01", clues__isnull=True, records__form="household_year", records__state="submitted"
    )
    for household in rows.filter(records__year=campaign.year).distinct().order_by("code"):
        desk = Desk(household, campaign, pack_of(campaign.pack), cast["village"], reach_of(cast["village"]), {})
        with transaction.atomic():
            found = desk.put(tv=household.records.get(form="household_year", year=campaign.year).values["tv"])["clues"]
            transaction.set_rollback(True)
        if not found:
            Record.objects.filter(pk=lead(desk).pk).update(transferred_at=timezone.now(), transferred_by=cast["township"])
            return desk
    raise AssertionError("no clean submitted household in the village")


def lead(desk: Desk) -> Record:
    return Record.objects.get(household=desk.household, form="household_year", year=desk.campaign.year)


def a_little_more(desk: Desk) -> dict[str, int]:
    """Three areas changed so little that no rule minds."""
    values = lead(desk).values
    return {name: (values.get(name) or 0) + 1 for name in ("farmland_mu", "forest_mu", "housing_area_m2")}


def steps(clue: Clue) -> list[tuple[str, User | None]]:
    return [(step.kind, step.by) for step in clue.steps.order_by("at", "pk")]


def test_four_changed_values_are_stored_judged_and_stay_handed_in(handed_in: Desk) -> None:
    before = lead(handed_in)
    client_id = uuid4()
    asked = {"safe_water": False, "farmland_mu": 1234, "housing_area_m2": 9876, "broadband": not before.values.get("broadband")}
    reply = handed_in.save(
        *({"op": "set", "target": "household", "name": name, "value": value} for name, value in asked.items()), client_id=client_id
    )
    after = lead(handed_in)
    assert {name: after.values[name] for name in asked} == asked
    assert (after.state, reply["state"], after.version) == ("submitted", "submitted", before.version + 1)
    assert after.submitted_at == before.submitted_at and after.entered_by == handed_in.user
    assert after.transferred_at is None and after.transferred_by is None, "what was typed into the national system is out of date"
    event = Event.objects.of_row("records_record", after.pk).last()
    assert event is not None and event.changed is not None and event.act == f"entry.save {client_id}"
    assert {name for name in event.changed if name.startswith("values.")} == {f"values.{name}" for name in asked}
    opened = Clue.objects.get(household=handed_in.household, rule_id="H027")
    assert opened.state == Clue.State.OPEN and steps(opened) == [("opened", handed_in.user)]
    assert "H027" in {clue["rule"] for clue in reply["clues"]}


def test_the_save_that_mends_closes_that_clue_and_no_other(handed_in: Desk) -> None:
    person = handed_in.household.persons.filter(member_state="01", relation_to_head="01").get()
    assert Record.objects.get(person=person, year=handed_in.campaign.year).values["resident_medical"] is True
    unsafe = {"op": "set", "target": "household", "name": "safe_water", "value": False}
    uninsured = [
        {"op": "set", "target": str(person.pk), "name": name, "value": False}
        for name in ("resident_medical", "employee_medical", "insured_elsewhere")
    ]
    made = {clue["rule"] for clue in handed_in.save(unsafe, *uninsured)["clues"]}
    of_person = Clue.objects.filter(household=handed_in.household, person=person, state="open")
    assert "H027" in made and of_person.exists()
    left = handed_in.put(safe_water=True, **a_little_more(handed_in))["clues"]
    water = Clue.objects.get(household=handed_in.household, rule_id="H027")
    assert water.state == Clue.State.CLOSED and water.closed_at is not None
    assert steps(water) == [("opened", handed_in.user), ("closed", handed_in.user)]
    kept = set(of_person.values_list("rule_id", flat=True))
    assert kept and {clue["rule"] for clue in left} >= kept, "what still hits stays open"
    handed_in.save(*({**op, "value": op["name"] == "resident_medical"} for op in uninsured))
    assert not Clue.objects.filter(household=handed_in.household, state="open").exists()


def test_a_retry_judges_nothing_twice(handed_in: Desk) -> None:
    client_id = uuid4()
    op = {"op": "set", "target": "household", "name": "safe_water", "value": False}
    first = handed_in.save(op, client_id=client_id)
    assert handed_in.save(op, client_id=client_id) == first
    clue = Clue.objects.get(household=handed_in.household, rule_id="H027")
    assert steps(clue) == [("opened", handed_in.user)] and clue.times_opened == 1


def test_an_approved_household_is_changed_through_its_clue_and_reviewed_once_more(handed_in: Desk) -> None:
    handed_in.put(safe_water=False)
    Record.objects.filter(pk=lead(handed_in).pk).update(state="approved")
    mended = a_little_more(handed_in)
    reply = handed_in.put(safe_water=True, **mended)
    assert reply["state"] == "submitted" and lead(handed_in).state == "submitted"
    Record.objects.filter(pk=lead(handed_in).pk).update(state="approved")
    assert not Clue.objects.filter(household=handed_in.household, state="open").exists()
    request = SaveRequest(client_id=uuid4(), base={}, ops=[{"op": "set", "target": "household", "name": "farmland_mu", "value": 99}])
    with pytest.raises(EntryClosed, match="审核通过"), transaction.atomic():
        save(
            household=handed_in.household,
            request=request,
            year=handed_in.campaign.year,
            pack=handed_in.pack,
            by=handed_in.user,
            reach=handed_in.reach,
        )
    assert lead(handed_in).values["farmland_mu"] == mended["farmland_mu"]


# ---- the review afterwards


def test_what_is_approved_is_what_was_seen(handed_in: Desk, cast: dict[str, User], client_as: Callable[[str], Client]) -> None:
    """Between opening the page and the button somebody changed a value: the reviewer looks again."""
    url = f"/households/{handed_in.household.pk}/review"
    township = client_as("township")
    seen = str(lead(handed_in).version)
    assert f'name="version" value="{seen}"' in township.get(url).content.decode()
    acting_again(handed_in)
    handed_in.put(**a_little_more(handed_in))
    answer = township.post(url, {"decision": "approve", "version": seen})
    assert answer.status_code == 200 and "又有改动" in answer.content.decode()
    assert lead(handed_in).state == "submitted"
    for nothing in ("", "x", "-1"):
        assert township.post(url, {"decision": "approve", "version": nothing}).status_code == 200
    assert township.post(url, {"decision": "approve", "version": str(lead(handed_in).version)}).status_code == 302
    assert (lead(handed_in).state, lead(handed_in).reviewed_by) == ("approved", cast["township"])


def test_who_typed_part_of_it_may_not_approve_it_after_a_colleagues_edit(handed_in: Desk, cast: dict[str, User]) -> None:
    """The last hand is not the only one: the township's clerk typed an item, then the village another."""
    village, member = handed_in.user, handed_in.household.persons.filter(member_state="01")[0]
    clerk = reach_of(cast["township"])
    set_database_reach(clerk, act="test", source="test")
    typed = {"op": "set", "target": str(member.pk), "name": "work_months", "value": 3}
    Desk(handed_in.household, handed_in.campaign, handed_in.pack, cast["township"], clerk, {}).save(typed)
    set_database_reach(handed_in.reach, act="test", source="test")
    handed_in.put(**a_little_more(handed_in))
    row = lead(handed_in)
    assert row.entered_by == village
    set_database_reach(clerk, act="test", source="test")
    with pytest.raises(ReviewRefused, match="同一个人"), transaction.atomic():
        approve(record=row, by=cast["township"], pack=handed_in.pack, seen_version=row.version)


def test_what_may_not_be_handed_in_is_draft_again_until_it_is_handed_in_once_more(
    handed_in: Desk, cast: dict[str, User], client_as: Callable[[str], Client]
) -> None:
    """Changed after it was handed in: the value is kept, nobody reviews it as it stands, and page, bundle and reply say so."""
    before = lead(handed_in)
    values = before.values
    reply = handed_in.put(wage_income=100, wage_migrant=(values.get("wage_income") or 0) + 200)
    assert (reply["state"], reply["reopened"]) == ("draft", True) and lead(handed_in).state == "draft"
    assert lead(handed_in).submitted_at == before.submitted_at
    village = client_as("village")
    assert "提交以后又有改动" in village.get(f"/households/{handed_in.household.pk}/").content.decode()
    assert village.get(f"/field/households/{handed_in.household.pk}.json").json()["reopened"] is True
    assert f"/households/{handed_in.household.pk}/review" not in client_as("township").get("/households/review").content.decode()
    acting_again(handed_in)

    def look() -> Record:
        row = lead(handed_in)
        return approve(record=row, by=cast["township"], pack=handed_in.pack, seen_version=row.version)

    with pytest.raises(ReviewRefused, match="已提交"), transaction.atomic():
        look()
    # Mended it waits for a person, not for the review: handing in is somebody's word.
    reply = handed_in.put(wage_income=values.get("wage_income"), wage_migrant=values.get("wage_migrant"))
    assert (reply["state"], reply["reopened"]) == ("draft", True)
    reply = handed_in.save({"op": "submit"})
    assert (reply["state"], reply["reopened"]) == ("submitted", False)
    assert look().state == "approved"


def acting_again(desk: Desk) -> None:
    """Requests have set the transaction's reach to others."""
    set_database_reach(desk.reach, act="test", source="test")


def test_a_first_draft_is_not_called_reopened(desk: Callable[[str], Desk]) -> None:
    reply = desk("village").put(wage_income=100, wage_migrant=200)
    assert (reply["state"], reply["reopened"]) == ("draft", False)


@pytest.mark.parametrize(
    ("number", "id_type", "is_taken"),
    [("34032319700101123", "01", False), ("34032319700101123", "02", True), ("99999919700101", "01", True), ("34032319701301123X", "01", False)],
)
def test_a_number_no_card_bears_is_refused_at_the_number(desk: Callable[[str], Desk], number: str, id_type: str, is_taken: bool) -> None:
    clerk = desk("village")
    person = clerk.household.persons.filter(member_state="01")[0]
    ops = [{"op": "set", "target": str(person.pk), "name": name, "value": value} for name, value in (("id_type", id_type), ("id_number", number))]
    reason = sorted(clerk.pack.change_reasons("increase"))[0]
    new = str(uuid4())
    come = {
        "op": "arrive",
        "person_id": new,
        "reason": reason,
        "date": "2021-03-05",
        "values": {"member_name": "新来", "id_type": id_type, "id_number": number},
    }
    for asked, target in ((ops, str(person.pk)), ([come], new)):
        if is_taken:
            with transaction.atomic():
                assert target in clerk.save(*asked)["values"]
                transaction.set_rollback(True)
            continue
        with pytest.raises(SaveFaults) as refused, transaction.atomic():
            clerk.save(*asked)
        assert [(fault.target, fault.name) for fault in refused.value.faults] == [(target, "id_number")]
    person.refresh_from_db()
    assert person.id_form != "other"
