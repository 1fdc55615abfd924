"""What is written below a division at the very moment it is merged or moved: with two connections, for one transaction never waits for itself."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, reach_of
from fangfanpin.acts.deeds import divisions
from fangfanpin.acts.plans import ActRefused, carry_out
from fangfanpin.campaigns import clock
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.quality import clues
from fangfanpin.quality.models import Clue
from fangfanpin.quality.sweep import run_sweep
from fangfanpin.questions import services as questions
from fangfanpin.records.current_year import current_year
from fangfanpin.records.households_by_hand import HouseholdRefused, NewHousehold, add_household
from fangfanpin.regions import holding
from fangfanpin.regions.models import Region
from fangfanpin.registers import natural_villages, services
from fangfanpin.registers.definitions import register_of
from fangfanpin.registers.services import Given, Refused
from fangfanpin.runtime.postgres import read_urls
from tests.acts.test_acts import TODAY, WHY
from tests.installation import DATA_DIR

Acting = Callable[[str], Reach]


@pytest.fixture
def somebody() -> Iterator[psycopg.Connection[Any]]:
    """Somebody else at work, in a transaction of theirs, as the web role."""
    with psycopg.connect(read_urls(DATA_DIR).web) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def villages(acting: Acting, cast: dict[str, User]) -> tuple[Region, Region]:
    """One with households, and a neighbour."""
    acting("county")
    codes = list(Household.objects.filter(kind="assisted").values_list("village_code", flat=True))
    gone = Region.objects.get(pk=max(sorted(set(codes)), key=codes.count))
    return gone, Region.objects.villages().filter(parent_id=gone.parent_id, valid_to__isnull=True).exclude(pk=gone.pk).order_by("code")[0]


def shares(connection: psycopg.Connection[Any], *codes: str) -> None:
    connection.execute("SELECT FROM regions_region WHERE code = ANY(%s) FOR KEY SHARE", [list(codes)])


def has_alone(connection: psycopg.Connection[Any], *codes: str) -> None:
    connection.execute("SELECT FROM regions_region WHERE code = ANY(%s) FOR UPDATE", [list(codes)])


def merge(gone: Region, into: Region, by: User, pack: Pack) -> None:
    plan = divisions.plan_merge([gone.code], into.code, TODAY, pack=pack, by=by)
    carry_out(plan, reason=WHY, by=by, reach=reach_of(by))


def new_household(village: Region) -> NewHousehold:
    return NewHousehold(village_code=village.code, address="村东", head_name="孟新来", household_type="01")


def test_a_merge_waits_for_who_is_writing_there_and_says_so_when_it_takes_long(
    villages: tuple[Region, Region], cast: dict[str, User], pack: Pack, somebody: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, into = villages
    monkeypatch.setattr(holding, "PATIENCE_S", 1)
    shares(somebody, gone.code)
    with pytest.raises(ActRefused, match="正在导入或录入"):
        merge(gone, into, cast["county"], pack)
    assert Household.objects.filter(village_code=gone.code).exists() and Region.objects.get(pk=gone.code).valid_to is None
    somebody.rollback()
    merge(gone, into, cast["county"], pack)
    assert not Household.objects.filter(village_code=gone.code).exists()


def test_two_who_write_in_one_village_do_not_wait_for_each_other(
    villages: tuple[Region, Region], cast: dict[str, User], pack: Pack, somebody: psycopg.Connection[Any]
) -> None:
    gone, _into = villages
    shares(somebody, gone.code)
    began = time.monotonic()
    add_household(typed=new_household(gone), year=2021, pack=pack, by=cast["county"])
    assert time.monotonic() - began < 20


def test_who_writes_waits_for_the_change_that_is_at_work(
    villages: tuple[Region, Region], cast: dict[str, User], pack: Pack, somebody: psycopg.Connection[Any]
) -> None:
    gone, _into = villages
    has_alone(somebody, gone.code)
    ended: list[float] = []

    def end() -> None:
        ended.append(time.monotonic())
        somebody.rollback()

    timer = threading.Timer(1, end)
    timer.start()
    household = add_household(typed=new_household(gone), year=2021, pack=pack, by=cast["county"])
    assert ended and time.monotonic() >= ended[0] and household.village_code == gone.code
    timer.join()


def test_nothing_new_comes_below_a_division_that_went(villages: tuple[Region, Region], cast: dict[str, User], pack: Pack, acting: Acting) -> None:
    gone, into = villages
    natural = Region.objects.filter(parent_id=gone.code, valid_to__isnull=True).order_by("code")[0]
    merge(gone, into, cast["county"], pack)
    reach = acting("county")
    with pytest.raises(HouseholdRefused) as told:
        add_household(typed=new_household(gone), year=2021, pack=pack, by=cast["county"])
    assert "village_code" in told.value.faults
    with pytest.raises(HouseholdRefused) as told:
        typed = NewHousehold(village_code=into.code, natural_village_code=natural.code, head_name="孟新来", household_type="01")
        add_household(typed=typed, year=2021, pack=pack, by=cast["county"])
    assert "natural_village_code" in told.value.faults
    with pytest.raises(natural_villages.NaturalVillageRefused):
        natural_villages.add(village=gone.code, name="新组", pack=pack, year=2021, reach=reach)


def test_a_row_whose_household_was_moved_while_it_was_looked_at_is_asked_for_again(
    cast: dict[str, User], acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach, year = reach_of(cast["village"]), current_year()
    loans = register_of(year.pack, "microcredit")
    assert loans is not None
    acting("county")
    home = Household.objects.visible_to(reach).filter(kind="assisted").order_by("code")[0]
    into = Region.objects.villages().filter(code__startswith=home.village_code[:9]).exclude(pk=home.village_code).order_by("code")[0]

    def after_the_act(codes: Any) -> frozenset[str]:
        Household.objects.filter(pk=home.pk).update(village_code=into.code)
        return holding.hold(codes)

    monkeypatch.setattr("fangfanpin.registers.services.hold", after_the_act)
    given = {"household_id": Given(chosen=(str(home.pk),)), "contract_no": Given(("RACE-1",)), "principal": Given(("100",))}
    with pytest.raises(Refused) as told:
        services.add(register=loans, pack=year.pack, year=2021, record_id=uuid4(), given=given, sure=True, by=cast["village"], reach=reach)
    assert "区划刚有变动" in told.value.faults["household_id"]


def test_what_is_said_of_a_clue_while_its_village_goes_lies_where_the_clue_lies(
    cast: dict[str, User], acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    acting("county")
    run_sweep(campaign=clock.current(), by=None)
    clue = Clue.objects.filter(state=Clue.State.OPEN, household__isnull=False).order_by("village_code", "rule_id", "pk")[0]
    gone = Region.objects.get(pk=clue.village_code)
    into = Region.objects.villages().filter(parent_id=gone.parent_id, valid_to__isnull=True).exclude(pk=gone.pk).order_by("code")[0]

    def after_the_act(codes: Any) -> frozenset[str]:
        assert set(codes) == {gone.pk}
        Clue.objects.filter(pk=clue.pk).update(village_code=into.pk)
        return holding.hold(codes)

    for module in ("fangfanpin.quality.clues", "fangfanpin.questions.services"):
        monkeypatch.setattr(f"{module}.hold", after_the_act)
    asked = questions.ask(
        question_id=uuid4(), about=questions.About(clue=clue), item="", text="这一条怎么核实？", pack=current_year().pack, by=cast["county"]
    )
    assert asked.village_code == into.pk
    clue.village_code = gone.pk  # as the page that answers has it
    clues.confirm(clue=clue, evidence="到户看过，情况属实，有照片", upload=None, by=cast["county"])
    assert clue.steps.order_by("-at")[0].village_code == into.pk
    acting("village")
    monkeypatch.setattr("fangfanpin.quality.clues.hold", lambda codes: frozenset(codes))
    with pytest.raises(clues.ClueRefused, match="区划调整"):
        clues.dispute(clue=Clue(pk=uuid4(), village_code=gone.pk), reason="规则不对，情况属实", by=cast["village"])


def test_two_acts_on_one_division_the_later_is_refused(villages: tuple[Region, Region], cast: dict[str, User], pack: Pack, acting: Acting) -> None:
    gone, into = villages
    third = Region.objects.villages().filter(parent_id=gone.parent_id, valid_to__isnull=True).exclude(pk__in=(gone.pk, into.pk)).order_by("code")[0]
    late = divisions.plan_merge([gone.code], third.code, TODAY, pack=pack, by=cast["county"])
    merge(gone, into, cast["county"], pack)
    acting("county")
    with pytest.raises(ActRefused, match="刚被别人办理过"):
        carry_out(late, reason=WHY, by=cast["county"], reach=reach_of(cast["county"]))
    assert Region.objects.get(pk=gone.code).successor_id == into.code
