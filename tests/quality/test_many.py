"""Households that an import or a grid touches are judged by sets within the transaction, and come to what judging them one by one comes to."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.quality import messages, snapshot, sweep
from fangfanpin.quality.models import Clue
from fangfanpin.quality.recheck import find_hits, recheck_households
from fangfanpin.records.models import Record
from fangfanpin.records.units import load_unit
from fangfanpin.registers import grid, services
from fangfanpin.registers.definitions import register_of
from fangfanpin.registers.grid import Row
from fangfanpin.registers.services import Given

Acting = Callable[[str], Reach]


@pytest.fixture
def swept(acting: Acting) -> list[Household]:
    """Households of the county that were collected."""
    acting("county")
    leads = Record.objects.filter(form="household_year", year=2021, state__in=snapshot.SWEPT_STATES)
    return list(Household.objects.filter(pk__in=leads.values("household"), kind="assisted").order_by("code"))


def told(hits: list[sweep.Hit], pack: Pack) -> set[tuple[Any, ...]]:
    def used(hit: sweep.Hit) -> str:
        return messages.digest(messages.codec_values(hit.rule, hit.used, pack))

    return {(*hit.key, hit.household_id, hit.person_id, hit.village_code, used(hit)) for hit in hits}


def test_sets_within_the_transaction_say_what_the_reference_says(pack: Pack, swept: list[Household], cast: dict[str, User], acting: Acting) -> None:
    rules = [rule for rule in pack.rules if rule.reach != "set" and (rule.subject not in pack.forms or pack.forms[rule.subject].belongs)]
    loans = register_of(pack, "microcredit")
    assert loans is not None
    given = {"household_id": Given(chosen=(str(swept[0].pk),)), "contract_no": Given(("M-1",)), "term_months": Given(("48",))}
    reach = acting("county")
    services.add(register=loans, pack=pack, year=2021, record_id=uuid4(), given=given, sure=True, by=cast["county"], reach=reach)
    few = swept[:40]
    with snapshot.within(2021, pack, rules, [home.pk for home in few]) as database:
        by_sets = sweep.find_hits(database, pack, clock.now(clock.current()).date(), rules=rules)
    names = {rule.id for rule in rules}
    one_by_one = [hit for home in few for hit in find_hits(load_unit(home, 2021), pack, only=lambda rule: rule.id in names)]
    assert told(by_sets, pack) == told(one_by_one, pack)
    assert "B002" in {hit.rule.id for hit in by_sets}, "a row that is not committed yet"
    assert {hit.household_id for hit in by_sets} <= {home.pk for home in few}


def test_clues_of_many_households_are_as_they_were_where_nothing_changed(pack: Pack, swept: list[Household]) -> None:
    def stood() -> dict[UUID, tuple[Any, ...]]:
        return {clue.pk: (clue.rule_id, clue.state, clue.used_digest) for clue in Clue.objects.filter(year=2021, household__in=swept)}

    recheck_households([home.pk for home in swept], pack, None)
    before = stood()
    recheck_households([home.pk for home in swept], pack, None)
    assert stood() == before
    recheck_households([home.pk for home in swept[:3]], pack, None)  # few: by the reference
    assert stood() == before


def rows(homes: list[Household], **values: str) -> list[Row]:
    more = {name: Given((text,)) for name, text in values.items()}
    return [
        Row(uuid4(), number, {"household_id": Given((home.code,)), "contract_no": Given((f"M-{number}",)), **more})
        for number, home in enumerate(homes, 1)
    ]


def test_every_household_of_a_grid_is_asked_again(pack: Pack, swept: list[Household], cast: dict[str, User], acting: Acting) -> None:
    loans = register_of(pack, "microcredit")
    assert loans is not None
    chosen = swept[:120]
    sent = rows(chosen, term_months="48")
    done = grid.save(loans, pack, 2021, sent, only_good=False, by=cast["county"], reach=acting("county"))
    assert all(one.is_kept for one in done), [one.refused.faults for one in done if one.refused]
    clues = Clue.objects.filter(rule_id="B002", subject_id__in=[row.id for row in sent], state=Clue.State.OPEN)
    assert set(clues.values_list("household_id", flat=True)) == {home.pk for home in chosen}


@pytest.mark.parametrize("key", ["microcredit", "measure", "work_spell"])
def test_a_longer_grid_asks_no_more_of_the_database(pack: Pack, swept: list[Household], cast: dict[str, User], acting: Acting, key: str) -> None:
    register = register_of(pack, key)
    assert register is not None
    reach = acting("county")

    def cells(home: Household) -> dict[str, Given]:
        if key == "work_spell":
            return {"person_id": Given((home.persons.filter(member_state="01").order_by("position")[0].code,)), "work_start": Given(("2021-02",))}
        if key == "measure":
            return {"household_id": Given((home.code,)), "start_on": Given(("2021-02-01",))}
        return {"household_id": Given((home.code,)), "contract_no": Given((f"Q-{uuid4()}",))}

    def asked(homes: list[Household], what: Callable[..., Any], **more: Any) -> int:
        sent = [Row(uuid4(), place, cells(home), is_sure=what is grid.save) for place, home in enumerate(homes, 1)]
        with CaptureQueriesContext(connection) as captured:
            what(register, pack, 2021, sent, by=cast["county"], reach=reach, **more)
        return len(captured)

    few, many = swept[:10], swept[:25]  # more than are judged one by one; not more than villages are summed up together
    assert len(many) == 25
    for what, more in ((grid.check, {}), (grid.save, {"only_good": True})):
        asked(few, what, **more)  # what is compiled and remembered
        assert asked(many, what, **more) <= asked(few, what, **more) + 12, what
