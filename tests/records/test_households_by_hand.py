"""A household that no roster holds: added at the desk, then entered like any other."""

from collections.abc import Callable

import pytest
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.audit.models import Event
from fangfanpin.campaigns import clock
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.policy.services import pack_of
from fangfanpin.privacy.facts import check_character_ok
from fangfanpin.records.households_by_hand import HouseholdRefused, NewHousehold, add_household, next_code
from fangfanpin.records.models import Record
from fangfanpin.regions.models import Region

Acting = Callable[[str], Reach]


def _number(first: str) -> str:
    """A valid identity number of nobody: the check character that fits."""
    return next(first + last for last in "0123456789X" if check_character_ok(first + last))


NUMBER = _number("34032319760229777")


@pytest.fixture
def pack(acting: Acting) -> Pack:
    return pack_of(clock.current().pack)


def _add(pack: Pack, by: User, **typed: object) -> Household:
    values = {"head_name": "赵新来", "household_type": "01", "address": "东头 8 号", **typed}
    return add_household(typed=NewHousehold(**values), year=clock.current().year, pack=pack, by=by)  # type: ignore[arg-type]  # drawn by the tests


def test_household_head_membership_and_empty_record_are_made(acting: Acting, cast: dict[str, User], pack: Pack) -> None:
    village = acting("village").villages[0]
    made = _add(pack, cast["village"], village_code=village, head_id_number=f" {NUMBER[:-1]}{NUMBER[-1].lower()} ")
    assert made.code == f"{village}H0001"
    head = made.persons.get()
    assert (head.member_name, head.relation_to_head, head.member_state, head.sex, str(head.birth_date)) == ("赵新来", "01", "01", "1", "1976-02-29")
    assert head.id_number_mask.count("*") == 8
    assert NUMBER not in (head.id_number_secret or NUMBER)
    assert head.memberships.get().valid_to is None
    record = Record.objects.get(household=made)
    assert (record.state, record.year, record.values) == ("empty", clock.current().year, {"address": "东头 8 号"})
    assert Event.objects.of_row("households_household", made.id).get().actor_id == cast["village"].pk


def test_codes_run_on_within_the_village(acting: Acting, cast: dict[str, User], pack: Pack) -> None:
    village = acting("village").villages[0]
    _add(pack, cast["village"], village_code=village)
    second = _add(pack, cast["village"], village_code=village, head_name="钱又来")
    assert second.code == f"{village}H0002"
    assert next_code(village) == f"{village}H0003"


def test_a_new_household_walks_last_in_its_natural_village(acting: Acting, cast: dict[str, User], pack: Pack) -> None:
    village = acting("village").villages[0]
    natural = Region.objects.filter(parent_id=village, level="natural_village").first()
    assert natural is not None
    before = list(Household.objects.filter(natural_village_code=natural.code).values_list("walking_order", flat=True))
    made = _add(pack, cast["village"], village_code=village, natural_village_code=natural.code)
    assert made.walking_order > max(before, default=0)


def test_every_fault_is_told_at_once_and_nothing_is_stored(acting: Acting, cast: dict[str, User], pack: Pack) -> None:
    village = acting("village").villages[0]
    count = Household.objects.count()
    with pytest.raises(HouseholdRefused) as refused:
        _add(
            pack,
            cast["village"],
            village_code=village,
            natural_village_code="340323999999001",
            head_name="",
            head_id_number="号码",
            household_type="",
        )
    assert set(refused.value.faults) == {"natural_village_code", "head_name", "head_id_number", "household_type"}
    assert Household.objects.count() == count


def test_a_known_identity_number_names_the_village_where_it_lives(acting: Acting, cast: dict[str, User], pack: Pack) -> None:
    village = acting("village").villages[0]
    _add(pack, cast["village"], village_code=village, head_id_number=NUMBER)
    with pytest.raises(HouseholdRefused) as refused:
        _add(pack, cast["village"], village_code=village, head_name="钱又来", head_id_number=NUMBER)
    assert Region.objects.get(pk=village).name in refused.value.faults["head_id_number"]


def test_a_head_of_the_same_name_must_be_said_to_be_another(acting: Acting, cast: dict[str, User], pack: Pack) -> None:
    village = acting("village").villages[0]
    first = _add(pack, cast["village"], village_code=village)
    with pytest.raises(HouseholdRefused) as refused:
        _add(pack, cast["village"], village_code=village)
    assert refused.value.same_names == (first,)
    assert _add(pack, cast["village"], village_code=village, is_another=True).code != first.code


def test_after_closing_no_household_is_added(acting: Acting, cast: dict[str, User], pack: Pack, monkeypatch: pytest.MonkeyPatch) -> None:
    village = acting("village").villages[0]
    monkeypatch.setattr(clock, "entry_is_closed", lambda campaign: True)
    with pytest.raises(HouseholdRefused) as refused:
        _add(pack, cast["village"], village_code=village)
    assert "截止" in refused.value.faults["village_code"]


def test_the_page_adds_and_opens_the_entry_screen(client_as: Callable[[str], Client], acting: Acting) -> None:
    client = client_as("village")
    page = client.get("/households/new")
    assert page.status_code == 200 and "户主姓名" in page.content.decode()
    village = acting("village").villages[0]
    answer = client.post("/households/new", {"village": village, "head_name": "孙再来", "household_type": "01", "address": "西头 3 号"})
    made = Household.objects.get(head_name="孙再来")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/entry/{made.id}")
    assert client.get(f"/field/households/{made.id}.json").json()["record"]["values"] == {"address": "西头 3 号"}


def test_the_page_says_what_is_missing(client_as: Callable[[str], Client], acting: Acting) -> None:
    village = acting("village").villages[0]
    answer = client_as("village").post("/households/new", {"village": village, "head_name": "", "household_type": ""})
    assert answer.status_code == 422
    assert "请填写户主姓名" in answer.content.decode() and "请选择户类型" in answer.content.decode()


def test_a_village_beside_the_reach_is_not_there(client_as: Callable[[str], Client], acting: Acting) -> None:
    mine = acting("village").villages
    beside = Region.objects.villages().exclude(pk__in=mine).first()
    assert beside is not None
    client = client_as("village")
    assert client.get(f"/households/new?village={beside.code}").status_code == 404
    assert client.post("/households/new", {"village": beside.code, "head_name": "孙再来", "household_type": "01"}).status_code == 404


@pytest.mark.parametrize("name", ["helper", "inspector", "auditor", "department", "admin"])
def test_who_may_not_edit_households_adds_none(client_as: Callable[[str], Client], name: str) -> None:
    assert client_as(name).get("/households/new").status_code == 403


def test_township_chooses_the_village_first(client_as: Callable[[str], Client], acting: Acting) -> None:
    page = client_as("township").get("/households/new").content.decode()
    assert 'name="village"' in page and "户主姓名</label>" not in page
    assert len(acting("township").villages) == page.count("<option value=") - 1
