"""Working clues off: on save, by answer, by review; through the pages as the cast sees them."""

import json
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from operator import attrgetter
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from procrastinate.contrib.django import app

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, reach_of, set_database_reach, system_reach
from fangfanpin.campaigns import clock
from fangfanpin.dashboards import queries as progress
from fangfanpin.files.pictures import Upload
from fangfanpin.households.models import Household
from fangfanpin.households.subjects import set_household_value
from fangfanpin.pack import Pack
from fangfanpin.policy.services import pack_of
from fangfanpin.quality import clues as services
from fangfanpin.quality import queries
from fangfanpin.quality.hooks import has_open_clue
from fangfanpin.quality.models import OPEN_STATES, Clue, ClueStep, Sweep
from fangfanpin.quality.recheck import must_be_corrected, recheck
from fangfanpin.quality.sweep import run_sweep
from fangfanpin.quality.tasks import nightly_sweep
from fangfanpin.records.models import Record
from fangfanpin.records.units import TARGET_HOUSEHOLD, load_unit
from tests.pictures import PNG


@pytest.fixture
def home(acting: Callable[[str], Reach], cast: dict[str, User]) -> Household:
    """A clean submitted household of the village account's village."""
    acting("system")
    village = reach_of(cast["village"]).villages[0]
    year = clock.current().year
    leads = Record.objects.filter(form="household_year", year=year, village_code=village, state__in=("submitted", "approved"))
    faulty = {json.loads(line)["household_code"] for line in _truth()}
    for lead in leads.select_related("household"):
        assert lead.household is not None
        if lead.household.code not in faulty and lead.household.household_type == "01" and not lead.household.monitoring_type:
            return lead.household
    raise AssertionError("no clean household")


def _truth() -> list[str]:
    return (Path(settings.DATA_DIR) / "demo" / "truth.jsonl").read_text(encoding="utf-8").splitlines()


def _set(home: Household, name: str, value: object) -> None:
    """Put a value into the year's record, as a save does, and re-check."""
    year = clock.current().year
    unit = load_unit(home, year)
    lead = unit.records[TARGET_HOUSEHOLD]
    if name == "household_state":
        set_household_value(unit.household, name, value)
        unit.household.save()
    else:
        lead.values[name] = value
        lead.save()
    recheck(unit, pack_of(clock.current().pack), None)


def _steps(clue: Clue) -> list[str]:
    return [step.kind for step in clue.steps.order_by("at")]


@pytest.fixture
def clue(home: Household) -> Clue:
    """W: unsafe water of a household that is not monitored (H027; H030 comes with it)."""
    _set(home, "safe_water", False)
    return Clue.objects.get(household=home, rule_id="H027")


def test_a_save_opens_a_clue_and_mending_it_closes_it(home: Household, clue: Clue) -> None:
    assert clue.state == Clue.State.OPEN
    assert clue.message and clue.where_to_look and clue.used["safe_water"] is False
    _set(home, "safe_water", True)
    clue.refresh_from_db()
    assert clue.state == Clue.State.CLOSED
    assert _steps(clue) == ["opened", "closed"]


def test_a_clue_that_comes_back_is_the_same_clue(home: Household, clue: Clue) -> None:
    _set(home, "safe_water", True)
    _set(home, "safe_water", False)
    again = Clue.objects.get(household=home, rule_id="H027")
    assert (again.pk, again.state, again.times_opened) == (clue.pk, Clue.State.OPEN, 2)
    assert _steps(again) == ["opened", "closed", "reopened"]


def test_corrected_is_judged_at_once_and_says_when_it_still_hits(clue: Clue, cast: dict[str, User]) -> None:
    row = services.correct(clue=clue, note="水质已改好", by=cast["village"])
    assert row.state == Clue.State.OPEN
    assert _steps(row) == ["opened", "corrected", "still"]
    assert clue.household is not None
    lead = load_unit(clue.household, clue.year).records[TARGET_HOUSEHOLD]
    lead.values["safe_water"] = True
    lead.save()
    row = services.correct(clue=clue, note="水质已改好", by=cast["village"])
    assert row.state == Clue.State.CLOSED
    assert row.answered_by == cast["village"]


def test_confirmed_true_holds_until_a_used_value_changes(home: Household, clue: Clue, cast: dict[str, User]) -> None:
    services.confirm(clue=clue, evidence="现场查看，饮水确实不安全，已报水利站", upload=None, by=cast["village"])
    _set(home, "broadband", True)  # a value the rule does not use
    clue.refresh_from_db()
    assert clue.state == Clue.State.CONFIRMED
    # H030 reads the members too: a change of one of theirs takes its confirmation away.
    composite = Clue.objects.get(household=home, rule_id="H030")
    services.confirm(clue=composite, evidence="现场查看，饮水确实不安全，已报水利站", upload=None, by=cast["village"])
    unit = load_unit(home, clue.year)
    member = next(record for target, record in unit.records.items() if target != TARGET_HOUSEHOLD)
    member.values["critical_illness_insured"] = False
    member.save()
    recheck(unit, pack_of(clock.current().pack), cast["village"])
    composite.refresh_from_db()
    assert composite.state == Clue.State.OPEN
    assert "reopened" in _steps(composite)


def test_the_sweep_leaves_a_confirmation_standing(clue: Clue, cast: dict[str, User]) -> None:
    services.confirm(clue=clue, evidence="现场查看，饮水确实不安全，已报水利站", upload=None, by=cast["village"])
    set_database_reach(system_reach(), act="test", source="test")
    # The snapshot role sees only what is committed: sweep's hits over this household are judged by the reference here.
    assert clue.household is not None
    recheck(load_unit(clue.household, clue.year), pack_of(clock.current().pack), None)
    clue.refresh_from_db()
    assert clue.state == Clue.State.CONFIRMED


@pytest.mark.parametrize("text", ["", "属实", "      "])
def test_evidence_must_say_something(clue: Clue, cast: dict[str, User], text: str) -> None:
    with pytest.raises(services.ClueRefused):
        services.confirm(clue=clue, evidence=text, upload=None, by=cast["village"])


def test_only_photos_and_pdf_are_kept_as_evidence(clue: Clue, cast: dict[str, User]) -> None:
    with pytest.raises(services.ClueRefused):
        services.confirm(clue=clue, evidence="现场查看，情况属实", upload=Upload(b"MZ\x90", "照片.png"), by=cast["village"])
    row = services.confirm(clue=clue, evidence="现场查看，情况属实", upload=Upload(PNG, "../水井.jpg"), by=cast["village"])
    file = row.steps.get(kind=ClueStep.Kind.CONFIRMED).file
    assert file is not None
    assert (file.name, file.content_type, file.household_id) == ("水井.png", "image/png", clue.household_id)


def test_review_is_by_another_person_and_a_return_opens_it_again(clue: Clue, cast: dict[str, User]) -> None:
    services.confirm(clue=clue, evidence="现场查看，情况属实，已报水利站", upload=None, by=cast["township"])
    with pytest.raises(services.ClueRefused):
        services.approve(clue=clue, note="", by=cast["township"])
    with pytest.raises(services.ClueRefused):
        services.send_back(clue=clue, reason="", by=cast["county"])
    row = services.send_back(clue=clue, reason="请附水质检测单", by=cast["county"])
    assert row.state == Clue.State.OPEN
    services.confirm(clue=clue, evidence="附检测单，确实不达标", upload=None, by=cast["village"])
    row = services.approve(clue=clue, note="", by=cast["township"])
    assert (row.state, row.reviewed_by) == (Clue.State.CONFIRMED, cast["township"])
    assert _steps(row) == ["opened", "confirmed", "returned", "confirmed", "reviewed"]
    with pytest.raises(services.ClueRefused):
        services.approve(clue=clue, note="", by=cast["county"])


def test_what_must_be_corrected_blocks_submission_at_its_field(home: Household, pack: Pack, cast: dict[str, User]) -> None:
    unit = load_unit(home, clock.current().year)
    assert must_be_corrected(unit, pack) == []
    unit.records[TARGET_HOUSEHOLD].values["safe_water"] = None
    faults = must_be_corrected(unit, pack)
    assert [(fault.target, fault.name) for fault in faults] == [(TARGET_HOUSEHOLD, "safe_water")]
    assert "饮用水" in faults[0].message
    # Confirmed true and unchanged: no longer in the way.
    _set(home, "safe_water", None)
    services.confirm(clue=Clue.objects.get(household=home, rule_id="C010"), evidence="农户外出，饮水情况无法核实", upload=None, by=cast["village"])
    assert must_be_corrected(unit, pack) == []


def test_an_open_clue_opens_the_household_after_closing(home: Household, clue: Clue, cast: dict[str, User]) -> None:
    lead = load_unit(home, clue.year).records[TARGET_HOUSEHOLD]
    assert has_open_clue(lead, cast["village"])
    lead.state = Record.State.LOCKED
    assert not has_open_clue(lead, cast["village"])
    lead.state = Record.State.SUBMITTED
    Clue.objects.filter(household=home).update(state=Clue.State.CLOSED)
    assert not has_open_clue(lead, cast["village"])


def test_a_draft_has_no_clues(acting: Callable[[str], Reach], pack: Pack) -> None:
    acting("system")
    lead = Record.objects.filter(form="household_year", year=clock.current().year, state="draft").select_related("household").first()
    assert lead is not None and lead.household is not None
    assert recheck(load_unit(lead.household, lead.year), pack, None) == []
    assert not Clue.objects.filter(household=lead.household).exists()


# Pages


def test_the_village_works_a_clue_off_in_the_browser(clue: Clue, client_as: Callable[[str], Client]) -> None:
    village = client_as("village")
    listed = village.get("/clues/").content.decode()
    assert f"/clues/{clue.pk}/" in listed and clue.message in listed
    page = village.get(f"/clues/{clue.pk}/").content.decode()
    for words in (clue.message, clue.where_to_look, "为什么这样看", "怎么答", f"/entry/{clue.household_id}#clue={clue.pk}"):
        assert words in page
    refused = village.post(f"/clues/{clue.pk}/answer", {"answer": "confirmed", "evidence": "属实"})
    assert refused.status_code == 422 and "至少" in refused.content.decode()
    photo = SimpleUploadedFile("a.png", PNG, content_type="image/png")
    answered = village.post(f"/clues/{clue.pk}/answer", {"answer": "confirmed", "evidence": "现场查看，情况属实", "file": photo})
    assert answered.status_code == 302
    assert village.post(f"/clues/{clue.pk}/review", {"decision": "approve"}).status_code == 403
    township = client_as("township")
    assert str(clue.pk) in township.get("/clues/review/").content.decode()
    assert township.post(f"/clues/{clue.pk}/review", {"decision": "approve"}).status_code == 302
    clue.refresh_from_db()
    assert clue.reviewed_by is not None and clue.reviewed_by.username == "township"


def test_clues_beyond_ones_reach_are_not_there(clue: Clue, client_as: Callable[[str], Client], cast: dict[str, User], home: Household) -> None:
    set_database_reach(system_reach(), act="test", source="test")
    other = Household.objects.filter(kind="assisted").exclude(village_code__startswith=home.village_code[:9]).first()
    assert other is not None
    far = Clue.objects.create(
        rule_id="H027", year=clue.year, subject_kind="household", subject_id=other.pk, household=other, village_code=other.village_code,
        severity="W", message="别处的疑问", used={}, used_digest="x", pack_hash="x", seen_at=clue.seen_at,
    )  # fmt: skip
    for name in ("village", "township", "helper"):
        client = client_as(name)
        assert client.get(f"/clues/{far.pk}/").status_code == 404
        assert client.post(f"/clues/{far.pk}/answer", {"answer": "corrected", "note": "改好了"}).status_code == 404
        assert "别处的疑问" not in client.get("/clues/?q=别处的疑问").content.decode().replace('value="别处的疑问"', "")
    assert client_as("county").get(f"/clues/{far.pk}/").status_code == 200
    for name in ("department", "admin"):
        assert client_as(name).get("/clues/").status_code == 403
    assert client_as("inspector").post(f"/clues/{far.pk}/answer", {"answer": "corrected", "note": "改好了"}).status_code == 403


def test_health_is_masked_for_those_who_may_not_see_it(home: Household, pack: Pack, client_as: Callable[[str], Client]) -> None:
    unit = load_unit(home, clock.current().year)
    member = next(person for person in unit.live() if str(person.id) in unit.records)
    unit.records[str(member.id)].values["health_status"] = ["01", "04"]
    unit.records[str(member.id)].save()
    recheck(unit, pack, None)
    found = Clue.objects.get(household=home, rule_id="K006")
    assert "残疾" in client_as("village").get(f"/clues/{found.pk}/").content.decode()
    inspector = client_as("inspector")
    assert "＊＊" in inspector.get(f"/clues/{found.pk}/").content.decode()
    for page in (f"/clues/{found.pk}/", "/clues/?rule=K006"):
        assert "健康、残疾" not in inspector.get(page).content.decode()


def test_the_list_filters_and_pages_by_key(clue: Clue, acting: Callable[[str], Reach]) -> None:
    reach = acting("village")
    year = clue.year
    everything = list(queries.clues(reach, year, queries.ClueFilter(state="all")))
    assert clue in everything
    paged: list[Clue] = []
    cursor = ""
    while True:
        found, cursor = queries.page(queries.clues(reach, year, queries.ClueFilter(state="all")), cursor, size=1)
        paged += found
        if not cursor:
            break
    assert paged == everything
    assert list(queries.clues(reach, year, queries.ClueFilter(rule="h027"))) == [clue]
    assert not queries.clues(reach, year, queries.ClueFilter(rule="H027", severity="E")).exists()
    assert not queries.clues(reach, year, queries.ClueFilter(state="closed", rule="H027")).exists()


def test_only_the_county_may_sweep(client_as: Callable[[str], Client]) -> None:
    assert client_as("village").post("/clues/sweep/").status_code == 403
    assert client_as("township").post("/clues/sweep/").status_code == 403
    assert client_as("county").post("/clues/sweep/").status_code == 302


def test_a_village_prints_only_its_own_list(client_as: Callable[[str], Client], home: Household) -> None:
    assert client_as("village").post(f"/clues/print/{home.village_code}").status_code == 302
    assert client_as("village").post("/clues/print/340323999999").status_code == 404


def test_a_wrong_id_is_not_there(client_as: Callable[[str], Client]) -> None:
    assert client_as("county").get(f"/clues/{uuid.uuid4()}/").status_code == 404


def test_a_sweep_that_fails_changes_nothing(acting: Callable[[str], Reach], monkeypatch: pytest.MonkeyPatch) -> None:
    acting("system")
    before = Clue.objects.count()

    def fall(*args: object, **kwargs: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(ClueStep.objects, "bulk_create", fall)
    with pytest.raises(RuntimeError), transaction.atomic():
        run_sweep(campaign=clock.current(), by=None)
    assert Clue.objects.count() == before
    assert not list((Path(settings.DATA_DIR) / "snapshots").glob("*"))


def test_the_county_is_swept_each_night(acting: Callable[[str], Reach]) -> None:
    acting("system")
    periodic = {entry.task.name for entry in app.periodic_registry.periodic_tasks.values()}
    assert "fangfanpin.nightly_sweep" in periodic
    nightly_sweep(timestamp=0)
    assert Sweep.objects.filter(state=Sweep.State.DONE, started_by=None).exists()


def test_the_list_costs_the_same_for_ten_clues_as_for_one(
    home: Household, clue: Clue, client_as: Callable[[str], Client], django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    for number in range(10):
        Clue.objects.create(
            rule_id=f"X{number:03d}", year=clue.year, subject_kind="household", subject_id=home.pk, household=home, village_code=home.village_code,
            severity="W", message=f"疑问 {number}", used={}, used_digest="x", pack_hash="x", seen_at=clue.seen_at,
        )  # fmt: skip
    client = client_as("village")
    client.get("/clues/")
    with django_assert_max_num_queries(40):
        assert "疑问 9" in client.get("/clues/").content.decode()


def test_one_number_of_what_must_be_answered_and_information_apart(
    clue: Clue, client_as: Callable[[str], Client], acting: Callable[[str], Reach]
) -> None:
    told = Clue.objects.create(
        rule_id="C001", year=clue.year, subject_kind="household", subject_id=clue.subject_id, household=clue.household,
        village_code=clue.village_code, severity="I", message="提示", used={}, used_digest="x", pack_hash="x", seen_at=clue.seen_at,
    )  # fmt: skip
    reach = acting("county")
    due = Clue.objects.filter(year=clue.year, state__in=OPEN_STATES).exclude(severity="I").count()
    informs = Clue.objects.filter(year=clue.year, state__in=OPEN_STATES, severity="I").count()
    assert due and informs
    assert progress.total(progress.progress_by(reach, clue.year, length=9)).clues_open == due
    for counted in (queries.by_rule(reach, clue.year, pack_of(clock.current().pack)), queries.by_village(reach, clue.year)):
        assert (sum(one.due for one in counted), sum(one.information for one in counted)) == (due, informs)
        assert sum(one.done for one in counted) == Clue.objects.filter(year=clue.year, state__in=("confirmed", "closed")).count()
    page = client_as("county").get("/clues/").content.decode()
    assert f"还有 {due} 条疑问要核实" in page and f"另有 {informs} 条提示，不用答复" in page
    assert queries.clues(reach, clue.year, queries.ClueFilter()).count() == due
    assert f"/clues/{told.pk}/" in client_as("county").get("/clues/?severity=I").content.decode()
    reach = acting("county")
    rows = progress.households(reach, clue.year, progress.HouseholdFilter())
    annotated = attrgetter("open_clues")
    listed = {row.pk: annotated(row) for row in rows}
    assert sum(count or 0 for count in listed.values()) == due
    asked = progress.households(reach, clue.year, progress.HouseholdFilter(clue="open")).values_list("pk", flat=True)
    assert set(asked) == {household for household, count in listed.items() if count}
