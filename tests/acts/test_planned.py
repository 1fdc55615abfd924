"""Changes of divisions planned for a day, done by the worker, and what reports say of a division that was merged or renamed."""

import datetime
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from fangfanpin.accounts.models import Assignment, User
from fangfanpin.accounts.reach import Reach, reach_of, set_act
from fangfanpin.acts import planning
from fangfanpin.acts.deeds import divisions
from fangfanpin.acts.models import Act, PlannedAct
from fangfanpin.acts.plans import ActRefused, carry_out
from fangfanpin.dashboards.queries import progress_by
from fangfanpin.households.models import Household
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import run
from fangfanpin.quality import queries, standing
from fangfanpin.quality.models import Clue, Sweep, VillageQuality
from fangfanpin.records.current_year import CurrentYear, current_year
from fangfanpin.records.models import Record
from fangfanpin.records.units import load_unit
from fangfanpin.regions.models import Region
from fangfanpin.regions.names import townships
from fangfanpin.registers import rollups, yearly
from fangfanpin.registers.exporting import Wish, table_of
from fangfanpin.registers.models import Entry
from tests.acts.test_acts import TODAY, WHY, differences, do, dump, furnish, undone

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]
TOMORROW = TODAY + datetime.timedelta(days=1)


@pytest.fixture
def now(db: None) -> CurrentYear:
    return current_year()


@pytest.fixture
def county(acting: Acting, cast: dict[str, User]) -> User:
    acting("county")
    return cast["county"]


@pytest.fixture
def pair(county: User) -> tuple[Region, Region]:
    """A village with many households, and a neighbour."""
    codes = list(Household.objects.filter(kind="assisted").values_list("village_code", flat=True))
    gone = Region.objects.get(pk=max(sorted(set(codes)), key=codes.count))
    into = Region.objects.villages().filter(code__startswith=gone.code[:9], valid_to__isnull=True).exclude(code=gone.code).order_by("code")[0]
    return gone, into


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's villages are small."""
    monkeypatch.setattr(planning, "AT_ONCE", 50)


@pytest.fixture
def the_next_day(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    real = timezone.localdate

    def come() -> None:
        monkeypatch.setattr(timezone, "localdate", lambda value=None, *rest: real(value, *rest) if value is not None else TOMORROW)

    return come


def merging(gone: Region, into: Region, on: datetime.date) -> dict[str, str]:
    return {"level": "village", "source.id": gone.code, "target.id": into.code, "on": on.isoformat(), "reason": "上级批复合并"}


def id_in(address: str) -> str:
    return urlsplit(address).path.rstrip("/").rsplit("/", 1)[-1]


# --- a day to come


def test_an_act_of_a_day_to_come_is_kept_and_done_on_that_day(
    client_as: ClientAs, acting: Acting, pair: tuple[Region, Region], the_next_day: Callable[[], None], county: User
) -> None:
    gone, into = pair
    client, sent = client_as("county"), merging(gone, into, TOMORROW)
    look = client.post("/acts/divisions/merge", sent).content.decode()
    assert "还没有到" in look and "列入计划" in look and "会发生什么" in look and "以后能不能撤销" in look
    assert client.post("/acts/divisions/merge", {**sent, "sure": "1", "reason": "短"}).status_code == 422
    answer = client.post("/acts/divisions/merge", {**sent, "sure": "1"})
    page = client.get(answer["Location"]).content.decode()
    assert "撤回这项计划" in page and TOMORROW.isoformat() in page
    for address in ("/acts/", "/acts/divisions"):
        assert id_in(answer["Location"]) in client.get(address).content.decode()
    other = client.post("/acts/divisions/rename", {"level": "village", "source.id": gone.code, "name": "改名村", "on": TODAY.isoformat()})
    assert "这里还有一项计划" in other.content.decode()
    acting("system")
    assert not Act.objects.exists() and Household.objects.filter(village_code=gone.code).exists()
    assert planning.queue_due(TODAY) == 0
    the_next_day()
    set_act("acts.due")
    assert planning.queue_due(TOMORROW) == 1
    assert planning.queue_due(TOMORROW) == 0, "once"
    planned = PlannedAct.objects.select_related("job").get()
    assert planned.state == "running" and planned.job is not None and planned.job.owner == county
    run(str(planned.job_id))
    acting("county")
    planned = PlannedAct.objects.select_related("job").get()
    assert planned.job is not None and planned.state == "done", planned.job
    act = Act.objects.get(pk=str(planned.job_id))
    assert (act.by, act.reason, act.kind) == (county, "上级批复合并", "division_merge")
    assert not Household.objects.filter(village_code=gone.code).exists()
    assert str(act.pk) in client.get(answer["Location"]).content.decode()
    assert "看结果" in client.get(f"/jobs/{planned.job_id}").content.decode()


def test_a_plan_is_withdrawn_before_its_day_and_not_after(client_as: ClientAs, acting: Acting, pair: tuple[Region, Region]) -> None:
    client = client_as("county")
    first, second = (client.post("/acts/divisions/merge", {**merging(*pair, TOMORROW), "sure": "1"})["Location"] for _ in range(2))
    assert client_as("township").post(f"{first}withdraw").status_code == 403
    client.post(f"{first}withdraw")
    page = client.get(first).content.decode()
    assert "已撤回" in page and "照原样重新填" in page
    again = client.get(f"/acts/divisions/merge?level=village&source={pair[0].code}&target={pair[1].code}").content.decode()
    assert pair[0].name in again and pair[1].name in again
    acting("system")
    set_act("acts.due")
    assert planning.queue_due(TOMORROW) == 1
    client.post(f"{second}withdraw")
    assert "不能撤回" in client.get(second).content.decode()


def test_what_cannot_be_done_on_its_day_is_told_to_the_planner(
    client_as: ClientAs, acting: Acting, pair: tuple[Region, Region], the_next_day: Callable[[], None], county: User, now: CurrentYear
) -> None:
    gone, into = pair
    client = client_as("county")
    address = client.post("/acts/divisions/merge", {**merging(gone, into, TOMORROW), "sure": "1"})["Location"]
    acting("county")
    do(divisions.plan_merge([gone.code], into.code, TODAY, pack=now.pack, by=county), county)
    before = dump()
    the_next_day()
    acting("system")
    set_act("acts.due")
    planning.queue_due(TOMORROW)
    planned = PlannedAct.objects.get()
    run(str(planned.job_id))
    acting("county")
    assert differences(before, dump()) == []
    page = client.get(address).content.decode()
    assert "没有办成" in page and f"“{gone.name}”已在" in page and "知道了" in page
    assert "区划变动没有办成" in client.get("/").content.decode()
    assert "没有办理" in client.get("/acts/").content.decode()
    client.post(f"{address}read")
    assert "区划变动没有办成" not in client.get("/").content.decode()


def test_who_has_no_post_there_any_more_changes_nothing(
    client_as: ClientAs, acting: Acting, pair: tuple[Region, Region], the_next_day: Callable[[], None], county: User
) -> None:
    client_as("county").post("/acts/divisions/merge", {**merging(*pair, TOMORROW), "sure": "1"})
    acting("system")
    Assignment.objects.filter(user=county).update(valid_to=TODAY)
    the_next_day()
    set_act("acts.due")
    planning.queue_due(TOMORROW)
    job = Job.objects.get(kind=planning.DO)
    run(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.owner) == ("failed", county) and "岗位" in job.message
    acting("system")
    assert not Act.objects.exists()


@pytest.mark.parametrize("on", ["1021-11-25", "2999-01-01"])
def test_a_day_that_cannot_be_meant_is_refused(client_as: ClientAs, pair: tuple[Region, Region], on: str) -> None:
    answer = client_as("county").post("/acts/divisions/merge", {**merging(*pair, TODAY), "on": on})
    assert answer.status_code == 422 and "请核对日期" in answer.content.decode()


# --- as a job


@pytest.mark.usefixtures("few_at_once")
def test_a_large_act_and_its_undo_are_jobs_that_leave_every_table_as_it_was(
    client_as: ClientAs, acting: Acting, pair: tuple[Region, Region], now: CurrentYear, county: User
) -> None:
    gone, into = pair
    home = Household.objects.filter(village_code=gone.code, kind="assisted").order_by("code")[0]
    furnish(home, county, now)
    rollups.refresh(now.pack, now.year, [gone.code, into.code])
    client = client_as("county")
    acting("county")
    before = dump()
    look = client.post("/acts/divisions/merge", merging(gone, into, TODAY)).content.decode()
    assert "后台" in look
    answer = client.post("/acts/divisions/merge", {**merging(gone, into, TODAY), "sure": "1"})
    assert answer["Location"].startswith("/jobs/")
    key = id_in(answer["Location"])
    run(key)
    job = Job.objects.get(pk=key)
    assert job.state == "done" and job.result["act"] == key, job.message
    Job.objects.filter(pk=key).update(state=Job.State.WAITING)
    run(key)  # its worker was killed after it was done
    acting("county")
    assert Act.objects.count() == 1
    assert client.get(answer["Location"]).content.decode().count(job.result["page"]) == 1
    back = client.post(f"/acts/{key}/undo", {"reason": "批复撤回了"})
    assert back["Location"].startswith("/jobs/")
    run(id_in(back["Location"]))
    acting("county")
    assert Act.objects.get(pk=key).state == "undone", Job.objects.get(pk=id_in(back["Location"])).message
    assert differences(before, dump()) == []


@pytest.mark.usefixtures("few_at_once")
def test_a_job_that_breaks_changes_nothing(client_as: ClientAs, acting: Acting, pair: tuple[Region, Region], monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_as("county")
    acting("county")
    before = dump()
    key = id_in(client.post("/acts/divisions/merge", {**merging(*pair, TODAY), "sure": "1"})["Location"])

    def broken() -> None:
        raise RuntimeError

    monkeypatch.setattr("fangfanpin.acts.plans.check_references", broken)
    run(key)
    assert Job.objects.get(pk=key).state == "failed"
    acting("county")
    assert differences(before, dump()) == []


# --- what stands on it


def test_roll_ups_of_the_night_do_not_stand_on_an_act(county: User, acting: Acting, now: CurrentYear, pair: tuple[Region, Region]) -> None:
    village = pair[0]
    parts = list(Region.objects.filter(parent=village, valid_to__isnull=True).order_by("code").values_list("code", flat=True))
    rollups.refresh(now.pack, now.year, [village.code])
    before = dump()
    act = do(divisions.plan_split(village.code, parts[:1], "新立村", TODAY, pack=now.pack, by=county), county)
    made = next(code for code in act.made if len(code) == 12)
    assert Record.objects.filter(year=now.year, subject_code=made).exclude(state="void").exists(), "its tables of the year are due"
    acting("system")
    set_act("rollup.refresh")  # as if a row below had changed meanwhile
    summed = next(one for one in now.pack.rollups if one.name == "monitored_households" and one.form == "natural_village_year")
    rows = Record.objects.filter(form=summed.form, year=now.year, subject_code__startswith=made)
    assert rows.exists()
    for record in rows:
        Record.objects.filter(pk=record.pk).update(values={**record.values, summed.name: 999})
    acting("county")
    undone(act, county)
    assert differences(before, dump()) == []


# --- reports follow the successor


def test_figures_of_every_year_are_read_under_the_successor(county: User, acting: Acting, now: CurrentYear, pair: tuple[Region, Region]) -> None:
    gone, into = pair
    reach, home = reach_of(county), Household.objects.filter(village_code=gone.code, kind="assisted").order_by("code")[0]
    furnish(home, county, now)
    sweep = Sweep.objects.create(year=now.year, pack_hash="x", state=Sweep.State.DONE, ended_at=timezone.now())
    for code, households in ((gone.code, 30), (into.code, 10)):
        rest = dict.fromkeys(("persons", "complete", "errors", "suspected", "closed", "confirmed"), 1)
        VillageQuality.objects.create(sweep=sweep, village_code=code, households=households, **rest)
    last_before = load_unit(home, now.year).last
    assert last_before
    progress = {one.code: one.households for one in progress_by(reach, now.year, length=12)}
    clues = Clue.objects.filter(village_code__in=(gone.code, into.code), year=now.year)
    due = {code: queries.clues(reach, now.year, queries.ClueFilter(place=code)).count() for code in (gone.code, into.code)}
    assert clues.exists() and due[gone.code]

    do(divisions.plan_merge([gone.code], into.code, TODAY, pack=now.pack, by=county), county)
    reach = reach_of(county)
    assert load_unit(Household.objects.get(pk=home.pk), now.year).last == last_before, "last year stands beside this year"
    after = {one.code: one.households for one in progress_by(reach, now.year, length=12)}
    assert after[into.code] == progress.get(into.code, 0) + progress[gone.code] and gone.code not in after
    assert queries.clues(reach, now.year, queries.ClueFilter(place=into.code)).count() == sum(due.values())
    [(_sweep, counted)] = [one for one in standing.over_time(reach, now.year, now.pack, place=into.code) if one[0].pk == sweep.pk]
    assert counted.households == 40, "what was counted for the village that went counts for its successor"
    lines = {one.code: one.households for one in standing.by_division(reach, sweep, now.pack, length=12)}
    assert (lines[into.code], gone.code in lines) == (40, False)
    alone = standing.total(reach, sweep, now.pack, place=gone.code)
    assert alone is not None and alone.households == 30, "asked for by its old code it is as it was"
    choices = {code for town in townships(reach.villages) for code, _name in town.villages}
    assert into.code in choices and gone.code not in choices


def test_tables_of_earlier_years_tell_the_old_name(county: User, now: CurrentYear, pair: tuple[Region, Region]) -> None:
    gone, into = pair
    register = next(one for one in yearly.yearly(now.pack) if one.form.subject == "village")
    rows = Record.objects.filter(form=register.key, year=now.year - 1)
    earlier = {village.code: rows.get(subject_code=village.code).pk for village in pair}
    set_act("test.fill")
    Record.objects.filter(form=register.key, year=now.year, subject_code=gone.code).update(state=Record.State.SUBMITTED)
    Record.objects.filter(form=register.key, year=now.year, subject_code=into.code).update(state=Record.State.DRAFT)
    do(divisions.plan_merge([gone.code], into.code, TODAY, new_name="合并村", pack=now.pack, by=county), county)
    said = {code: Entry.objects.get(record_id=key).label for code, key in earlier.items()}
    assert said == {gone.code: gone.name, into.code: into.name}
    this_year = Entry.objects.get(form=register.key, year=now.year, record__subject_code=into.code)
    assert this_year.label == "合并村"
    exported = {row[0]: row[1] for row in table_of(register, now.pack, reach_of(county), Wish()).rows}
    assert (exported[gone.code], exported[into.code]) == (gone.name, "合并村"), "a table that was filled goes out under the name it was filled for"
    assert len(exported) == Entry.objects.filter(form=register.key, year=now.year).exclude(state=Record.State.VOID).count()
    table = Record.objects.get(form=register.key, year=now.year, subject_code=into.code)
    last = yearly.last_of(table)
    assert last is not None and last.pk == earlier[into.code]
    assert [row.pk for row in yearly.merged_in(table)] == [earlier[gone.code]]


def test_of_a_village_that_went_the_unfilled_tables_are_not_due(county: User, now: CurrentYear, pair: tuple[Region, Region]) -> None:
    gone, into = pair
    rows = Record.objects.filter(form="village_year", year=now.year, subject_code=gone.code)
    set_act("test.empty")
    assert rows.update(state=Record.State.EMPTY)
    natural = set(Region.objects.filter(parent=gone, valid_to__isnull=True).values_list("code", flat=True))
    due = Record.objects.filter(form="natural_village_year", year=now.year, subject_code__in=natural).count()
    act = do(divisions.plan_merge([gone.code], into.code, TODAY, pack=now.pack, by=county), county)
    assert set(rows.values_list("state", flat=True)) == {"void"}
    assert Record.objects.filter(form="natural_village_year", year=now.year, subject_code__in=act.made).exclude(state="void").count() == due


def test_a_plan_made_again_is_refused_where_a_part_has_gone(county: User, now: CurrentYear, pair: tuple[Region, Region]) -> None:
    village = pair[0]
    parts = list(Region.objects.filter(parent=village, valid_to__isnull=True).order_by("code").values_list("code", flat=True))
    do(divisions.plan_move_natural(parts[0], pair[1].code, TODAY, pack=now.pack, by=county), county)
    with pytest.raises(ActRefused, match="已经不在"):
        divisions.plan_split(village.code, parts[:1], "新立村", TODAY, pack=now.pack, by=county)
    with pytest.raises(ActRefused, match="今天之后"):
        carry_out(divisions.plan_rename(village.code, "乙村", TOMORROW), reason=WHY, by=county, reach=reach_of(county))
