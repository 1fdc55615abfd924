"""The net under `visible_to`: a raw count as the web role of each cast member equals what the query set shows."""

from collections.abc import Callable

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.db.models import Q
from django.db.utils import ProgrammingError
from psycopg import sql

from fangfanpin.accounts.reach import Reach, ReachQuerySet, make_reach, set_database_reach
from fangfanpin.audit.models import Event
from fangfanpin.campaigns import clock
from fangfanpin.households.models import Household
from fangfanpin.quality.sweep import run_sweep

CAST = ("county", "township", "village", "helper", "department", "inspector", "auditor", "admin")


def personal_models() -> list[type[models.Model]]:
    """Every model whose rows know a village or a household."""
    return [
        model
        for model in apps.get_models()
        if model.__module__.startswith("fangfanpin.") and {"village_code", "household"} & {f.name for f in model._meta.get_fields()}
    ]


def protected_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relkind IN ('r', 'p')")
        return {row[0] for row in cursor.fetchall()}


# Files are blobs by id and checksum, reached through their own view; their rows hold no personal data but a name.
NOT_PROTECTED = {"files_storedfile"}


@pytest.mark.django_db
def test_every_personal_table_is_protected() -> None:
    tables = {model._meta.db_table for model in personal_models()} | {"audit_event"}
    assert tables - protected_tables() - NOT_PROTECTED == set()


@pytest.mark.django_db
def test_the_net_is_not_taken_for_a_second_filter() -> None:
    """A policy that is no CASE makes the planner expect a twentieth of the rows (households/migrations/0004)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT polrelid::regclass::text FROM pg_policy WHERE polname = 'reach' AND pg_get_expr(polqual, polrelid) !~ '^\\s*CASE'")
        assert {row[0] for row in cursor.fetchall()} == {"records_trayrow"}  # its rows may be the uploader's as well


def raw_count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
        return int(cursor.fetchone()[0])


def test_a_raw_count_equals_what_is_visible(acting: Callable[[str], Reach]) -> None:
    acting("system")
    run_sweep(campaign=clock.current(), by=None)  # so that there are clues to be seen
    for name in CAST:
        reach = acting(name)
        seen: dict[str, int] = {}
        for model in personal_models():
            table = model._meta.db_table
            if table in NOT_PROTECTED:
                continue
            if model is Event:  # lies below the reach and has no query verb of it
                visible = Event.objects.filter(Q(village_code__in=reach.villages) | Q(household_id__in=reach.households)).count()
            else:
                rows = model._default_manager.all()
                assert isinstance(rows, ReachQuerySet), model
                visible = rows.visible_to(reach).count()
            seen[table] = raw_count(table)
            assert seen[table] == visible, (name, table)
        if name in ("county", "township", "village"):
            assert all(seen[table] for table in ("households_person", "records_record", "quality_clue", "audit_event")), seen


def test_the_counts_differ_between_the_cast(acting: Callable[[str], Reach]) -> None:
    counts = {}
    for name in CAST:
        acting(name)
        counts[name] = Household.objects.count()
    assert counts["county"] > counts["township"] > counts["village"] > counts["helper"] > 0
    assert counts["inspector"] == counts["auditor"] == counts["county"]
    assert counts["department"] == counts["admin"] == 0


@pytest.mark.django_db
def test_nothing_is_shown_where_no_reach_is_set() -> None:
    set_database_reach(make_reach(0, villages=()), act="test", source="test")
    assert not Household.objects.exists()


def test_a_row_cannot_be_moved_out_of_reach(acting: Callable[[str], Reach]) -> None:
    own = acting("village").villages
    acting("county")
    away = Household.objects.exclude(village_code__in=own).values_list("village_code", flat=True)[0]
    acting("village")
    row = Household.objects.first()
    assert row is not None
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        Household.objects.filter(pk=row.pk).update(village_code=away)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM households_household",
        "DELETE FROM records_record",
        "INSERT INTO audit_event (at, table_name, row_id, op, actor_id, act, source) VALUES (now(), 'x', 'x', 'U', 1, 'x', 'x')",
        "UPDATE audit_event SET act = 'other'",
        "ALTER TABLE households_household DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE households_household DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "SET ROLE ffp_owner",
        "SELECT ffp_write_events()",
        "CREATE TABLE mine (a int)",
    ],
)
def test_the_web_role_cannot_get_round_the_database(statement: str) -> None:
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
