"""The first roster of an empty county is written while it is read, and what comes of it is what the usual way makes of it."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError, ProgrammingError

from fangfanpin.accounts.reach import Reach
from fangfanpin.households.models import Household, Membership, MonitoringSpell, Person
from fangfanpin.records.models import ImportBatch, Record
from fangfanpin.records.roster import lane
from fangfanpin.records.roster.applying import Application
from fangfanpin.records.roster.lane import Lane
from fangfanpin.records.roster.taking_back import take_back
from tests.records.rosters import Roster, number
from tests.records.test_roster import counts, county, drawn, messages, nothing, take, village

__all__ = ["county", "drawn", "take", "village"]
_OWN = {
    "id", "household_id", "person_id", "subject_id", "parent_id", "import_batch_id", "created_at", "updated_at", "id_number_secret",
    "disability_card_secret", "bank_card_secret",
}  # fmt: skip


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Lane]]:
    """As if nobody were registered: every import tries the lane, and writes household by household."""
    tried: list[Lane] = []

    class Watched(Lane):
        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)
            tried.append(self)

    monkeypatch.setattr("fangfanpin.records.roster.services.registry_is_empty", lambda: True)
    monkeypatch.setattr("fangfanpin.records.roster.services.Lane", Watched)
    monkeypatch.setattr(lane, "_FIRST_ROWS", 1)
    monkeypatch.setattr(lane, "_ROWS_AT_ONCE", 1)
    monkeypatch.setattr("fangfanpin.records.workbooks.reading.CHUNK", 2)
    yield tried


def many(drawn: Roster, households: int) -> Roster:
    """The first household again and again, each time other people."""
    homes, people = [drawn.homes[0]], drawn.people[:3]
    roster = drawn.again()
    for place in range(households):
        roster.homes.append(homes[0] | {"户编号": f"MANY{place:04d}"})
        for member, person in enumerate(people):
            identity = number(f"3403231980{place % 12 + 1:02d}{place // 12 + 1:02d}{member * 7 + 101:03d}")
            roster.people.append(
                person
                | {"户编号": f"MANY{place:04d}", "人编号": f"MANY{place:04d}{member:02d}", "证件号码": identity, "出生日期": "", "残疾证号": ""}
            )
    return roster


def stood() -> dict[str, list[dict[str, Any]]]:
    """Everything the import wrote, but for keys of its own."""
    return {
        model.__name__: sorted(
            ({name: value for name, value in row.items() if name not in _OWN} for row in model.objects.exclude(import_batch_id=None).values()),
            key=str,
        )
        for model in (Household, Person, Membership, MonitoringSpell, Record)
    }


def test_the_lane_writes_what_the_usual_way_writes(
    drawn: Roster, take: Callable[..., ImportBatch], county: Reach, lanes: list[Lane], monkeypatch: pytest.MonkeyPatch
) -> None:
    roster = many(drawn, 30)
    batch = take(roster)
    assert batch.state == "applied", messages(batch)
    assert [tried.is_open for tried in lanes] == [True]
    written = stood()
    assert len(written["Household"]) == 32 and len(written["Person"]) == 94
    take_back(batch=batch, reach=county, report=nothing)
    monkeypatch.setattr("fangfanpin.records.roster.services.registry_is_empty", lambda: False)
    again = take(roster)
    assert again.state == "applied" and len(lanes) == 1
    assert stood() == written
    assert {k: v for k, v in again.summary["counts"].items()} == batch.summary["counts"]


def test_one_sheet_goes_down_the_lane_too(drawn: Roster, take: Callable[..., ImportBatch], lanes: list[Lane]) -> None:
    batch = take(Roster(many(drawn, 10).merged(), [], ("导出", "空表")))
    assert batch.state == "applied", messages(batch)
    assert lanes[0].is_open and Household.objects.filter(code__startswith="MANY").count() == 10


@pytest.mark.parametrize("place", [0, 20, -1])
def test_a_fault_anywhere_leaves_nothing_behind(drawn: Roster, take: Callable[..., ImportBatch], lanes: list[Lane], place: int) -> None:
    roster = many(drawn, 20)
    roster.people[place]["性别"] = "难"
    roster.people[1]["文化程度"] = "难"
    before = counts()
    batch = take(roster)
    assert batch.state == "faulty" and len(batch.faults) == 2 and not lanes[0].is_open
    assert counts() == before


def test_rows_that_do_not_stand_together_take_the_usual_way(drawn: Roster, take: Callable[..., ImportBatch], lanes: list[Lane]) -> None:
    roster = many(drawn, 20)
    roster.people.append(roster.people.pop(1))
    batch = take(roster)
    assert batch.state == "applied", messages(batch)
    assert not lanes[0].is_open
    assert Household.objects.get(code="NEW0001").member_count == 3


def test_members_before_their_households_take_the_usual_way(drawn: Roster, take: Callable[..., ImportBatch], lanes: list[Lane]) -> None:
    roster = many(drawn, 5)
    turned = Roster(roster.people, roster.homes, ("成员", "户"))
    batch = take(turned)
    assert batch.state == "applied", messages(batch)
    assert not lanes[0].is_open and Person.objects.filter(code__startswith="NEW").count() == 4


def test_a_household_without_members_is_seen_at_the_end(drawn: Roster, take: Callable[..., ImportBatch], lanes: list[Lane]) -> None:
    roster = many(drawn, 5)
    roster.homes.append(roster.homes[0] | {"户编号": "NEW0009"})
    before = counts()
    batch = take(roster)
    assert batch.state == "faulty" and ["这户没有一个成员" in fault["message"] for fault in batch.faults] == [True]
    assert counts() == before and not lanes[0].is_open


# --- references held until the end ------------------------------------------------------------------------------------

_REFERRING = """
WITH RECURSIVE found AS (
    SELECT 'households_household'::regclass::oid AS id UNION SELECT conrelid FROM pg_constraint JOIN found ON confrelid = id WHERE contype = 'f'
) SELECT id::regclass::text FROM found
"""
_NOT_ENFORCED = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND NOT conenforced"


@pytest.fixture
def nobody(county: Reach, acting: Callable[[str], Reach]) -> None:
    """An empty county, within this test's transaction. What the import will hold is taken before, however long that has to be waited for: an
    autovacuum has it now and then, and the import itself waits for half a second only."""
    acting("system")
    with connection.cursor() as cursor:
        cursor.execute("SELECT unnest(ffp_registry_tables())")
        tables = ", ".join(table for (table,) in cursor.fetchall())
        cursor.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(_REFERRING)
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {table}")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    acting("county")


def asked(question: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(question)
        row = cursor.fetchone()
    return row[0]


def test_a_first_roster_has_its_references_checked_at_the_end(
    nobody: None, drawn: Roster, take: Callable[..., ImportBatch], monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    finish = Lane.finish

    def watched(self: Lane, *, open_for: int) -> Any:
        held.append(asked(_NOT_ENFORCED))
        return finish(self, open_for=open_for)

    monkeypatch.setattr(Lane, "finish", watched)
    batch = take(many(drawn, 30))
    assert batch.state == "applied", messages(batch)
    assert held == [9] and asked(_NOT_ENFORCED) == 0
    with pytest.raises(IntegrityError, match="foreign key"), transaction.atomic():
        Membership.objects.filter(household__code="NEW0002").update(person_id=uuid.uuid4())
        asked("SET CONSTRAINTS ALL IMMEDIATE; SELECT 1")


def test_a_held_reference_that_leads_nowhere_is_refused(
    nobody: None, drawn: Roster, take: Callable[..., ImportBatch], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Application.finish

    def spoiling(self: Application, *, open_for: int) -> Any:
        counts = usual(self, open_for=open_for)
        Membership.objects.filter(household__code="NEW0002").update(person_id=uuid.uuid4())
        return counts

    monkeypatch.setattr(Application, "finish", spoiling)
    with pytest.raises(IntegrityError, match="foreign key"), transaction.atomic():
        take(many(drawn, 5))
    assert asked(_NOT_ENFORCED) == 0


def test_a_fault_lets_go_of_the_references(nobody: None, drawn: Roster, take: Callable[..., ImportBatch]) -> None:
    roster = many(drawn, 5)
    roster.people[-1]["性别"] = "难"
    assert take(roster).state == "faulty"
    assert asked(_NOT_ENFORCED) == 0


def test_references_are_not_held_where_somebody_is_registered(county: Reach) -> None:
    assert asked("SELECT ffp_hold_references()") is False and asked(_NOT_ENFORCED) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("function", ["ffp_hold_references", "ffp_check_references"])
def test_the_web_may_not_hold_references(function: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        asked(f"SELECT {function}()")
