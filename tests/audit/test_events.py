"""Every change of a personal row is an event, written by the database itself."""

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fangfanpin.accounts.reach import Reach, set_act, set_database_reach
from fangfanpin.audit.models import Event
from fangfanpin.households.models import Household, Location, Person
from fangfanpin.households.services import history, row_as_of
from fangfanpin.records.models import Record


def tracked_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname IN ('ffp_insert', 'ffp_update', 'ffp_delete')")
        return {row[0] for row in cursor.fetchall()}


# No facts about people that could be asked as of a day: what a retry was answered, blobs' names, printings. A clue's life is its
# steps, which are tracked; a sweep of the county would otherwise write each clue twice. What lists of registers read follows the record;
# figures are counted.
NOT_TRACKED = {
    "records_savereceipt", "records_trayrow", "audit_event", "files_storedfile", "fieldwork_sheetbatch", "quality_clue",
    "registers_entry", "registers_link", "quality_villagequality",
}  # fmt: skip


@pytest.mark.django_db
def test_every_personal_table_is_tracked() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'")
        protected = {row[0] for row in cursor.fetchall()}
    assert protected - tracked_tables() - NOT_TRACKED == set()


@pytest.mark.django_db
def test_inside_a_guided_act_every_personal_table_is_tracked() -> None:
    """Its undo reads the events."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE starts_with(tgname, 'ffp_act_')")
        in_acts = {row[0] for row in cursor.fetchall()}
    assert in_acts == NOT_TRACKED - {"audit_event"}


def test_an_insert_an_update_and_a_bulk_update_are_events(acting: Callable[[str], Reach], cast: dict[str, object]) -> None:
    acting("county")
    set_act("test.act")
    household = Household.objects.filter(kind="assisted")[0]
    household.address = "测试路 1 号"
    household.save()
    Household.objects.filter(pk=household.pk).update(address="测试路 2 号")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE households_household SET address = '测试路 3 号' WHERE id = %s", [household.pk])
    events = list(Event.objects.of_row("households_household", household.pk).order_by("-id")[:3])
    assert [event.changed["address"][1] for event in reversed(events) if event.changed] == ["测试路 1 号", "测试路 2 号", "测试路 3 号"]
    assert {(event.act, event.source) for event in events} == {("test.act", "test")}
    assert all(event.village_code == household.village_code and event.household_id == household.pk for event in events)


def test_nothing_changed_is_no_event(acting: Callable[[str], Reach]) -> None:
    acting("county")
    count = Event.objects.count()
    Household.objects.filter(kind="assisted").update(kind="assisted")
    assert Event.objects.count() == count


@pytest.mark.parametrize("setting", ["ffp.actor", "ffp.act", "ffp.source"])
def test_a_change_without_who_which_act_and_from_where_is_refused(acting: Callable[[str], Reach], setting: str) -> None:
    acting("county")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, '', true)", [setting])
    with pytest.raises(ProgrammingError, match="without actor"), transaction.atomic():
        Household.objects.filter(kind="assisted").update(address="x")


def test_a_value_can_be_asked_as_known_on_a_day(acting: Callable[[str], Reach]) -> None:
    acting("county")
    record = Record.objects.filter(form="household_year", year=2021, state="submitted")[0]
    first = record.values["farmland_mu"]
    before = timezone.now()
    Record.objects.filter(pk=record.pk).update(values=record.values | {"farmland_mu": 12345})
    after = timezone.now() + datetime.timedelta(seconds=1)
    known_before, known_after = row_as_of("records_record", record.pk, before), row_as_of("records_record", record.pk, after)
    assert known_before is not None and known_after is not None
    assert (known_before["values"]["farmland_mu"], known_after["values"]["farmland_mu"]) == (first, 12345)
    assert row_as_of("records_record", record.pk, datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)) is None
    changes = history("records_record", record.pk, "values.farmland_mu")
    assert [(change.before, change.after) for change in changes] == [(None, first), (first, 12345)]


def test_the_folded_events_are_the_row_itself(acting: Callable[[str], Reach]) -> None:
    """A row put together from its events equals the row: nothing was changed past them."""
    acting("county")
    later = timezone.now() + datetime.timedelta(days=1)
    for person in Person.objects.order_by("code")[:20]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_jsonb(p) - '{version,updated_at}'::text[] FROM households_person p WHERE id = %s", [person.pk])
            (stored,) = cursor.fetchone()

        folded = row_as_of("households_person", person.pk, later)
        assert folded is not None
        assert {k: v for k, v in folded.items() if k not in ("version", "updated_at")} == (json.loads(stored) if isinstance(stored, str) else stored)


def test_the_last_event_holds_the_digest_of_the_row(acting: Callable[[str], Reach]) -> None:
    acting("county")
    Household.objects.filter(kind="assisted")[0].save()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM households_household h"
            " CROSS JOIN LATERAL (SELECT CASE op WHEN 'I' THEN md5(row::text) ELSE row_digest END AS digest FROM audit_event e"
            " WHERE e.table_name = 'households_household' AND e.row_id = h.id::text"
            " ORDER BY e.id DESC LIMIT 1) e WHERE e.digest IS DISTINCT FROM md5(to_jsonb(h)::text)"
        )
        assert cursor.fetchone() == (0,)


def test_events_follow_the_reach(acting: Callable[[str], Reach]) -> None:
    village = acting("village").villages
    assert Event.objects.exists() and set(Event.objects.values_list("village_code", flat=True)) <= set(village)


def test_a_reach_is_local_to_its_transaction(acting: Callable[[str], Reach]) -> None:
    reach = acting("village")
    set_database_reach(reach, act="first", source="test")
    household = Household.objects.filter(kind="assisted")[0]
    Location.objects.filter(household=household).update(is_current=False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('ffp.actor')")
        assert cursor.fetchone() == (str(reach.user_id),)


_SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "二"])
_OBJECTS = st.dictionaries(st.sampled_from("abcé"), _SCALARS | st.lists(_SCALARS, max_size=2), max_size=4)
_ROWS = st.fixed_dictionaries(
    {"id": st.just(1)},
    optional={"values": _OBJECTS | _SCALARS, "ticks": _OBJECTS | st.none(), "version": st.integers(1, 9), "x": _SCALARS, "y": _OBJECTS},
)


def _model(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any] | None:
    """A key that is not there and one that says null differ, but both are told as null."""

    def flat(row: dict[str, Any]) -> dict[str, Any]:
        parts = {name: row[name] if isinstance(row.get(name), dict) else {} for name in ("values", "ticks")}
        told = {name: value for name, value in row.items() if name not in {*parts, "version", "updated_at"}}
        return told | {f"{part}.{name}": value for part, held in parts.items() for name, value in held.items()}

    o, n = flat(before), flat(after)
    differing = [
        name
        for name in o.keys() | n.keys()
        if (name in o) != (name in n) or json.dumps(o[name], sort_keys=True) != json.dumps(n[name], sort_keys=True)
    ]
    return {name: [o.get(name), n.get(name)] for name in differing} or None


@pytest.mark.django_db
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(before=_ROWS, after=_ROWS)
def test_a_change_names_what_differs(before: dict[str, Any], after: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ffp_diff(%s::jsonb, %s::jsonb)", [json.dumps(before), json.dumps(after)])
        (found,) = cursor.fetchone()
    assert (json.loads(found) if found else None) == _model(before, after)
