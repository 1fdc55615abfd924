"""The register of responsible helpers: pair, change, end, two main helpers refused, list and Excel within reach."""

import datetime
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from django.db.models import Q
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.audit.models import Event
from fangfanpin.households.models import Household, Pairing, Reveal
from fangfanpin.jobs.exports import write
from fangfanpin.pairings import listing, services
from fangfanpin.pairings.dictionary import given_from, register_of_pairings
from fangfanpin.pairings.hooks import hand_over_pairings
from fangfanpin.privacy.secrets import decrypt
from fangfanpin.quality.models import Clue
from fangfanpin.quality.recheck import recheck_households
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.references import Words
from fangfanpin.registers.services import Given, Refused

Acting = Callable[[str], Reach]
NUMBER = "340323198001010019"


@pytest.fixture
def form(db: None) -> Register:
    found = register_of_pairings(current_year().pack)
    assert found is not None
    return found


@pytest.fixture
def household(acting: Acting) -> Household:
    """Of the village's, without a main helper from 2021 on."""
    row = Household.objects.visible_to(acting("village")).filter(kind="assisted").order_by("code")[0]
    row.pairings.update(end_on=datetime.date(2021, 1, 1))
    return row


def typed(household: Household, **texts: str) -> dict[str, Given]:
    given = {"household_id": Given(chosen=(str(household.pk),)), "start_on": Given(("2021-03-01",)), "is_main": Given(("1",))}
    return given | {name: Given((text,)) for name, text in texts.items()}


def save(form: Register, given: dict[str, Given], reach: Reach, pairing: Pairing | None = None) -> Pairing:
    return services.save(pairing=pairing, register=form, pack=current_year().pack, given=given, reach=reach, pairing_id=uuid4())


def test_the_form_has_every_item_of_the_dictionary(form: Register) -> None:
    own = {item.name for item in current_year().pack.forms["helper_pairing"].indicators}
    assert own <= {item.name for item in form.asked}
    assert {item.name for item in form.asked} - own == {"helper_user"}
    assert {name for section in form.form.sections for name in section.items} == {item.name for item in form.asked}


def test_every_item_is_kept_and_the_number_only_as_cipher(form: Register, household: Household, acting: Acting) -> None:
    reach = acting("village")
    texts = {
        "helper_name": "王帮扶", "helper_sex": "男", "helper_id": NUMBER, "helper_phone": "13800000000", "helper_unit": "县某局",
        "unit_position": "科长", "unit_level": "县", "political_status": "中共党员", "education": "本科", "specialty": "养殖",
    }  # fmt: skip
    pairing = save(form, typed(household, **texts), reach)
    pairing.refresh_from_db()
    assert (pairing.helper_name, pairing.helper_unit, pairing.unit_position, pairing.is_main) == ("王帮扶", "县某局", "科长", True)
    assert pairing.values == {"helper_sex": "1", "unit_level": "04", "political_status": "01", "education": "04", "specialty": "养殖"}
    assert decrypt(pairing.helper_id_secret) == NUMBER
    assert pairing.helper_id_mask == "340323********0019"
    event = Event.objects.of_row("households_pairing", pairing.pk).get()
    assert event.act == "pairing.add"
    assert NUMBER not in str(event.row)
    again = given_from(pairing, form, current_year().pack, Words(reach)) | {"end_on": Given(("2021-12-31",))}
    changed = save(form, again, reach, pairing)
    assert (changed.end_on, decrypt(changed.helper_id_secret)) == (datetime.date(2021, 12, 31), NUMBER)


def test_an_account_says_name_phone_and_unit(form: Register, household: Household, acting: Acting, cast: dict[str, User]) -> None:
    reach = acting("village")
    pairing = save(form, typed(household) | {"helper_user": Given(chosen=(str(cast["helper"].pk),))}, reach)
    assert (pairing.user, pairing.helper_name, pairing.helper_unit) == (cast["helper"], cast["helper"].name, cast["helper"].unit)


@pytest.mark.parametrize(
    ("texts", "name", "words"),
    [
        ({"helper_name": ""}, "helper_name", "姓名"),
        ({"start_on": ""}, "start_on", "开始"),
        ({"end_on": "2020-01-01"}, "end_on", "不能早于"),
        ({"education": "博士后"}, "education", "清单"),
        ({"helper_name": "某" * 61}, "helper_name", "太长"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    form: Register, household: Household, acting: Acting, texts: dict[str, str], name: str, words: str
) -> None:
    reach, before = acting("village"), Pairing.objects.count()
    with pytest.raises(Refused) as refused:
        save(form, typed(household, **{"helper_name": "王帮扶", **texts}), reach)
    assert words in refused.value.faults[name]
    assert Pairing.objects.count() == before


def test_two_main_helpers_at_a_time_are_refused_in_words(form: Register, household: Household, acting: Acting) -> None:
    reach = acting("village")
    first = save(form, typed(household, helper_name="王一"), reach)
    for start, end in (("2021-06-01", ""), ("2021-02-01", "2021-04-01")):
        with pytest.raises(Refused) as refused:
            save(form, typed(household, helper_name="李二", start_on=start, end_on=end), reach)
        said = refused.value.faults["is_main"]
        assert "从 2021-03-01 起已有主要帮扶责任人“王一”" in said and "请先结束那一条，或这里选“否”" in said
    assert save(form, typed(household, helper_name="李二", is_main="0"), reach).is_main is False
    assert save(form, typed(household, helper_name="前任", start_on="2021-01-15", end_on="2021-03-01"), reach).pk, "the day of change is the next's"
    services.end(pairing=first, on=datetime.date(2021, 6, 1))
    assert save(form, typed(household, helper_name="李三", start_on="2021-06-01"), reach).is_main
    with pytest.raises(Refused) as refused:
        services.end(pairing=first, on=datetime.date(2021, 7, 1))
    assert "2021-06-01" in refused.value.faults[""]


def test_clues_follow_a_pairing_that_is_saved_changed_and_ended(form: Register, household: Household, cast: dict[str, User], acting: Acting) -> None:
    reach, by = acting("village"), cast["village"]
    Record.objects.filter(form="household_year", year=2021, household=household).update(state="submitted")
    recheck_households([household.pk], current_year().pack, by)
    clue = Clue.objects.get(rule_id="C030", household=household)
    assert clue.state == Clue.State.OPEN, "nobody helps since 2021"
    pairing = services.save(
        pairing=None, register=form, pack=current_year().pack, given=typed(household, helper_name="王一"), reach=reach, by=by, pairing_id=uuid4()
    )
    clue.refresh_from_db()
    assert clue.state == Clue.State.CLOSED
    assert clue.steps.order_by("-id")[0].by == by
    services.end(pairing=pairing, on=datetime.date(2021, 6, 1), by=by)
    clue.refresh_from_db()
    assert (clue.state, clue.times_opened) == (Clue.State.OPEN, 2)
    again = given_from(pairing, form, current_year().pack, Words(reach)) | {"end_on": Given()}
    services.save(pairing=pairing, register=form, pack=current_year().pack, given=again, reach=reach, by=by)
    clue.refresh_from_db()
    assert clue.state == Clue.State.CLOSED


def test_clues_follow_when_an_account_is_replaced(household: Household, cast: dict[str, User], acting: Acting) -> None:
    acting("county")
    Record.objects.filter(form="household_year", year=2021, household=household).update(state="submitted")
    old = Pairing.objects.create(
        household=household, village_code=household.village_code, user=cast["helper"], helper_name="旧", start_on=datetime.date(2031, 1, 1)
    )
    recheck_households([household.pk], current_year().pack, None)
    clue = Clue.objects.get(rule_id="C030", household=household)
    assert clue.state == Clue.State.OPEN, "help begins in ten years"
    Pairing.objects.filter(pk=old.pk).update(start_on=datetime.date(2021, 2, 1))
    hand_over_pairings(cast["helper"], cast["village"], datetime.date(2021, 3, 1), None)
    clue.refresh_from_db()
    assert clue.state == Clue.State.CLOSED


def test_the_helpers_number_is_shown_in_full_with_a_reason_and_a_trace(
    form: Register, household: Household, cast: dict[str, User], acting: Acting, client_as: Callable[[str], Client]
) -> None:
    pairing = save(form, typed(household, helper_name="王帮扶", helper_id=NUMBER), acting("village"))
    address = f"/pairings/{pairing.pk}/show/helper_id"
    assert client_as("village").post(address, {"reason": "核对身份证"}).status_code == 403, "a village does not hold the right"
    assert address not in client_as("village").get(f"/pairings/{pairing.pk}/").content.decode()
    county = client_as("county")
    page = county.get(f"/pairings/{pairing.pk}/").content.decode()
    assert address in page and NUMBER not in page
    answer = county.post(address, {"reason": "看"})
    assert (answer.status_code, "原因" in answer.json()["message"]) == (422, True)
    assert county.post(address, {"reason": "核对身份证"}).json() == {"value": NUMBER}
    assert county.post(f"/pairings/{pairing.pk}/show/helper_phone", {"reason": "核对电话"}).status_code == 422
    acting("county")
    look = Reveal.objects.get(subject_id=pairing.pk)
    assert (look.household, look.name, look.reason, look.revealed_by) == (household, "helper_id", "核对身份证", cast["county"])
    event = Event.objects.of_row("households_reveal", look.pk).get()
    assert event.act == "secret.reveal helper_id"
    other = save(form, typed(household, helper_name="无号码", is_main="0"), acting("village"))
    assert county.post(f"/pairings/{other.pk}/show/helper_id", {"reason": "核对身份证"}).status_code == 422


def test_the_list_is_filtered_turned_and_lies_within_reach(form: Register, acting: Acting, household: Household) -> None:
    for name in ("county", "township", "village", "helper", "inspector", "department"):
        reach, found, after = acting(name), [], ""
        while True:
            rows, after = listing.page(listing.pairings(reach, listing.Chosen(state="all"), timezone.localdate()), after)
            found += [row.pk for row in rows]
            if not after:
                break
        assert len(found) == len(set(found)) == Pairing.objects.count(), name
    reach = acting("village")
    today = timezone.localdate()
    ended = set(listing.pairings(reach, listing.chosen_of({"state": "ended"}), today))
    assert set(Pairing.objects.filter(household=household)) <= ended
    assert not ended & set(listing.pairings(reach, listing.chosen_of({}), today))
    name = Pairing.objects.filter(end_on__isnull=True)[0].helper_name
    shown = listing.pairings(reach, listing.chosen_of({"helper": name}), today)
    assert {row.helper_name for row in shown} == {name}


def test_the_list_as_a_workbook(form: Register, acting: Acting, household: Household, tmp_path: Path) -> None:
    reach = acting("village")
    save(form, typed(household, helper_name="=王帮扶", helper_id=NUMBER), reach)
    table = listing.table_of(reach, {"helper": "=王"}, current_year().pack)
    path = tmp_path / "list.xlsx"
    assert write(path, "x", table, by="x") == 1
    rows = list(load_workbook(path).worksheets[0].values)
    head, row = rows[0], rows[1]
    assert row[head.index("帮扶责任人姓名")] == "=王帮扶"
    assert row[head.index("帮扶责任人证件号码")] == "340323********0019"
    assert row[0] == household.code


def test_a_pairing_through_the_pages(client_as: Callable[[str], Client], acting: Acting, household: Household) -> None:
    village = client_as("village")
    page = village.get(f"/pairings/new?household={household.pk}").content.decode()
    assert household.head_name in page and "政治面貌" in page
    sent = {"pairing_id": str(uuid4()), "household_id.id": str(household.pk), "helper_name": "王帮扶", "start_on": "2021-03-01", "is_main": "1"}
    assert village.post("/pairings/new", {**sent, "start_on": ""}).status_code == 422
    assert village.post("/pairings/new", sent).status_code == 302
    assert village.post("/pairings/new", sent).status_code == 302
    pairing = Pairing.objects.get(helper_name="王帮扶")
    assert "王帮扶" in village.get("/pairings/?helper=王帮").content.decode()
    assert village.get(f"/pairings/{pairing.pk}/").status_code == 200
    assert village.post(f"/pairings/{pairing.pk}/end", {"on": "2021-05-01"}).status_code == 302
    acting("village")
    assert Pairing.objects.filter(Q(pk=pairing.pk), end_on=datetime.date(2021, 5, 1)).exists()
    assert client_as("inspector").get("/pairings/new").status_code == 403
