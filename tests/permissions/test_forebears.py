"""After a merge the successor's account reads what was counted of the village before: these counts, the year's table, and nothing else."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.utils import timezone
from psycopg import sql

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, make_reach, reach_of, set_database_reach
from fangfanpin.acts.deeds import divisions
from fangfanpin.acts.moving import personal_models
from fangfanpin.acts.plans import carry_out
from fangfanpin.acts.undoing import undo
from fangfanpin.households.models import Household
from fangfanpin.quality import standing
from fangfanpin.quality.models import Sweep, VillageQuality
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.regions.models import Region
from fangfanpin.registers import yearly
from tests.acts.test_acts import TODAY, WHY

Acting = Callable[[str], Reach]


@pytest.fixture
def own(cast: dict[str, User]) -> Region:
    """The village of the village's account."""
    return Region.objects.get(pk=reach_of(cast["village"]).villages[0])


@pytest.fixture
def gone(own: Region, acting: Acting) -> Region:
    """A neighbour with households."""
    acting("county")
    codes = Household.objects.filter(village_code__startswith=own.code[:9]).exclude(village_code=own.code).values_list("village_code", flat=True)
    return Region.objects.get(pk=sorted(set(codes))[0])


@pytest.fixture
def sweep(own: Region, gone: Region) -> Sweep:
    """Before the merge: 10 households in one village, 7 in the other."""
    made = Sweep.objects.create(year=2021, state=Sweep.State.DONE, ended_at=timezone.now())
    rest = {"persons": 20, "complete": 5, "errors": 1, "suspected": 0, "closed": 0, "confirmed": 0}
    for code, households in ((own.code, 10), (gone.code, 7)):
        VillageQuality.objects.create(sweep=made, village_code=code, households=households, **rest)
    return made


def raw_villages(table: str) -> set[str]:
    """Under which villages rows are seen at all, whatever the query says."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT DISTINCT village_code FROM {}").format(sql.Identifier(table)))
        return {row[0] for row in cursor.fetchall()}


def households(reach: Reach, sweep: Sweep) -> int | None:
    found = standing.total(reach, sweep, current_year().pack)
    return found.households if found else None


def test_the_successor_reads_what_was_counted_before_and_nothing_else(
    own: Region, gone: Region, sweep: Sweep, cast: dict[str, User], acting: Acting
) -> None:
    year = current_year()
    reach = acting("village")
    assert raw_villages("quality_villagequality") == {own.code} and households(reach, sweep) == 10
    acting("county")
    table = Record.objects.get(form="village_year", year=2021, subject_code=gone.code)
    plan = divisions.plan_merge([gone.code], own.code, TODAY, pack=year.pack, by=cast["county"])
    act = carry_out(plan, reason=WHY, by=cast["county"], reach=reach_of(cast["county"]))

    reach = acting("village")
    assert gone.code not in reach
    assert raw_villages("quality_villagequality") == {own.code, gone.code}
    assert households(reach, sweep) == 17
    [(_sweep, whole)] = [one for one in standing.over_time(reach, 2021, year.pack, place=own.code) if one[0].pk == sweep.pk]
    assert whole.households == 17
    assert [(one.code, one.households) for one in standing.by_division(reach, sweep, year.pack, length=12)] == [(own.code, 17)]
    # Its table of the year stands with the successor already, under its own name.
    assert Record.objects.visible_to(reach).filter(pk=table.pk).exists()
    for model in personal_models():
        if model is not VillageQuality:
            assert gone.code not in raw_villages(model._meta.db_table), model
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        VillageQuality.objects.create(
            sweep=Sweep.objects.create(year=2021, state=Sweep.State.DONE), village_code=gone.code, households=1, persons=1, complete=1, errors=0,
            suspected=0, closed=0, confirmed=0,
        )  # fmt: skip
    assert VillageQuality.objects.filter(village_code=gone.code).update(households=99) == 0, "read, not written"
    other = Region.objects.villages().filter(code__startswith=own.code[:9]).exclude(pk__in=(own.pk, gone.pk)).order_by("code")[0]
    set_database_reach(make_reach(cast["village"].pk, villages=[other.code]), act="test", source="test")
    assert raw_villages("quality_villagequality") <= {other.code}, "a third village sees neither"

    acting("county")
    undo(act=act, reason=WHY, by=cast["county"], reach=reach_of(cast["county"]))
    reach = acting("village")
    assert raw_villages("quality_villagequality") == {own.code} and households(reach, sweep) == 10


def test_a_village_that_went_by_way_of_another_is_read_too(own: Region, gone: Region, sweep: Sweep, acting: Acting) -> None:
    acting("county")
    between = Region.objects.villages().filter(code__startswith=own.code[:9]).exclude(pk__in=(own.pk, gone.pk)).order_by("code")[0]
    Region.objects.filter(pk=gone.pk).update(successor=between, valid_to=TODAY)
    Region.objects.filter(pk=between.pk).update(successor=own, valid_to=TODAY)
    reach = acting("village")
    assert raw_villages("quality_villagequality") == {own.code, gone.code} and households(reach, sweep) == 17


def test_last_years_tables_of_those_that_went_are_the_successors_to_read(own: Region, gone: Region, cast: dict[str, User], acting: Acting) -> None:
    acting("county")
    year = current_year()
    before = Record.objects.get(form="village_year", year=2020, subject_code=gone.code)
    plan = divisions.plan_merge([gone.code], own.code, TODAY, pack=year.pack, by=cast["county"])
    carry_out(plan, reason=WHY, by=cast["county"], reach=reach_of(cast["county"]))
    acting("village")
    table = Record.objects.get(form="village_year", year=2021, subject_code=own.code)
    assert [row.pk for row in yearly.merged_in(table)] == [before.pk]
