"""Every URL and method answers as its declared permission says: to everybody, with ids inside, beside and outside the reach."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, reach_of
from fangfanpin.accounts.verbs import Verb
from fangfanpin.acts.models import Act, PlannedAct
from fangfanpin.campaigns import clock
from fangfanpin.files.models import StoredFile
from fangfanpin.files.services import store
from fangfanpin.households.models import Household, Pairing, Person
from fangfanpin.jobs.models import Job
from fangfanpin.policy.models import IndicatorNote
from fangfanpin.quality.models import Clue, ClueSample, Lead
from fangfanpin.questions.models import Question
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Conflict, ImportBatch, Record, TrayRow
from fangfanpin.regions.models import Region
from fangfanpin.registers.definitions import register_of
from fangfanpin.registers.mirror import reflect
from fangfanpin.registers.models import SavedFilter
from tests.pictures import PNG

CAST = ("county", "township", "village", "helper", "department", "inspector", "auditor", "admin")
GOOD = {200, 204, 302, 303, 304, 400, 409, 422}


@dataclass(frozen=True)
class Route:
    name: str
    parameters: tuple[str, ...]
    permission: str
    methods: tuple[str, ...]


def routes() -> Iterator[Route]:
    def walk(patterns: list[URLPattern | URLResolver], space: str, above: tuple[str, ...]) -> Iterator[Route]:
        for pattern in patterns:
            inner = (*above, *pattern.pattern.converters)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, f"{space}{pattern.namespace}:" if pattern.namespace else space, inner)
            else:
                view = pattern.callback
                yield Route(f"{space}{pattern.name}", inner, getattr(view, "required_permission", ""), getattr(view, "allowed_methods", ()))

    return walk(get_resolver().url_patterns, "", ())


ROUTES = tuple(routes())


def test_every_url_declares_its_permission_and_methods() -> None:
    known = {"public", "signed_in", *(verb.value for verb in Verb)}
    undeclared = [route.name for route in ROUTES if route.permission not in known or not route.methods]
    assert not undeclared
    assert len(ROUTES) > 30


@dataclass(frozen=True)
class Samples:
    """Values of URL parameters for one cast member: by where they lie (inside, beside, outside) and parameter name."""

    by_place: dict[str, dict[str, Any]]


# Parameters that say which item of the object is meant; they do not decide about reach.
FIXED: dict[str, Any] = {
    "target": "household",
    "name": "bank_card_no",
    "key": "households",
    "form": "microcredit",
    "ref": "household",
    "item": "exit_households",
}
# Routes whose id is not a household's: what lies outside is somebody else's, whatever the place.
OWNED = ("job_id", "file_id", "batch_id", "filter_id", "import_id")


def _clue(household: Household) -> Clue:
    return Clue.objects.create(
        rule_id="H010",
        year=2021,
        subject_kind="household",
        subject_id=household.pk,
        household=household,
        village_code=household.village_code,
        severity="W",
        message="x",
        used_digest="x",
        pack_hash="x",
        seen_at=timezone.now(),
    )


def _conflict(household: Household, by: User) -> Conflict:
    return Conflict.objects.create(
        household=household,
        village_code=household.village_code,
        target="household",
        name="housing_area_m2",
        stored=1,
        stored_by=by,
        stored_at=timezone.now(),
        stored_source="web",
        offered=2,
        offered_by=by,
        offered_at=timezone.now(),
        offered_source="web",
    )


def _row(household: Household, by: User) -> Record:
    """A row of a register."""
    pack = current_year().pack
    register = register_of(pack, "microcredit")
    assert register is not None
    row = Record.objects.create(
        form="microcredit",
        year=2021,
        subject_kind="household",
        subject_id=household.pk,
        household=household,
        village_code=household.village_code,
        state=Record.State.SUBMITTED,
        pack_hash=pack.hash,
        entered_by=by,
        values={"contract_no": household.code},
    )
    reflect(row, register, pack)
    return row


def _picture(row: Record, by: User) -> StoredFile:
    """A photo that the row holds, of an item that no pack has: as private as can be."""
    file = store(content=PNG, name="x.png", content_type="image/png", purpose=StoredFile.Purpose.PICTURE, owner=by)
    StoredFile.objects.filter(pk=file.pk).update(record_id=row.pk, item="microcredit.gone")
    return file


def _question(household: Household, by: User) -> Question:
    return Question.objects.create(household=household, village_code=household.village_code, text="外出收入怎么算？", asked_by=by)


def _tray_row(batch: ImportBatch) -> TrayRow:
    return TrayRow.objects.create(batch=batch, village_code="340323100201", sheet="x", row_number=2, cells={"code": "", "row": []}, faults=[])


def _act(household: Household, by: User) -> Act:
    """A guided act in the household's village."""
    place = {"household_id": household.pk, "village_code": household.village_code, "villages": [household.village_code]}
    return Act.objects.create(kind=Act.Kind.SPLIT, title="x", reason="x", by=by, **place)


def _planned(household: Household, by: User) -> PlannedAct:
    """A change of divisions to come, in the household's village."""
    order = {"level": "village", "source": [household.village_code], "target": "", "name": "甲村", "code": "", "part": [], "home": []}
    place = {"village_code": household.village_code, "villages": [household.village_code]}
    return PlannedAct.objects.create(kind="division_rename", title="x", reason="x", on="2099-01-01", order=order, by=by, **place)


def _lead(household: Household) -> dict[str, Any]:
    return {"village_code": household.village_code, "weight": 1, "seen_at": timezone.now()}


def _places(cast: dict[str, User], name: str) -> dict[str, Household | None]:
    """A household inside this person's reach, one beside it (the same township where there is one), one far off."""
    reach = reach_of(cast[name])
    rows = list(Household.objects.filter(kind="assisted").order_by("code"))
    inside = next((h for h in rows if reach.covers(village_code=h.village_code, household_id=h.pk)), None)
    others = [h for h in rows if not reach.covers(village_code=h.village_code, household_id=h.pk)]
    near = inside.village_code[:9] if inside else "\0"
    return {
        "inside": inside,
        "beside": next((h for h in others if h.village_code.startswith(near)), None),
        "outside": next((h for h in others if not h.village_code.startswith(near)), None),
    }


@pytest.fixture
def samples(cast: dict[str, User], acting: Callable[[str], Reach]) -> dict[str, Samples]:
    acting("system")
    found = {}
    clues: dict[UUID, Clue] = {}
    conflicts: dict[UUID, Conflict] = {}
    rows: dict[UUID, Record] = {}
    questions: dict[UUID, Question] = {}
    drawn: dict[UUID, ClueSample] = {}
    note = IndicatorNote.objects.create(item="household_year.wage_income", text="含实物折价", by=cast["county"])
    for name in CAST:
        user = cast[name]
        by_place: dict[str, dict[str, Any]] = {}
        for place, household in _places(cast, name).items():
            owner = user if place == "inside" else next(cast[other] for other in CAST if other != name)
            file = store(
                content=f"{name} {place}".encode(), name="x.pdf", content_type="application/pdf", purpose=StoredFile.Purpose.EXPORT, owner=owner
            )
            batch = ImportBatch.objects.create(year=2020, file=file, uploaded_by=owner)
            values: dict[str, Any] = {
                **FIXED,
                "job_id": Job.objects.create(kind="x", title="x", owner=owner, file=file).pk,
                "file_id": file.pk,
                "batch_id": batch.pk,
                "tray_id": _tray_row(batch).pk,
                "filter_id": SavedFilter.objects.create(owner=owner, form="microcredit", name=f"{name} {place}", query="state=returned").pk,
                "import_id": ImportBatch.objects.create(layout="microcredit", year=2021, file=file, uploaded_by=owner).pk,
                "rule_id": "H010",
                "note_id": note.pk,
            }
            if household is not None:
                if household.pk not in clues:
                    clues[household.pk], conflicts[household.pk] = _clue(household), _conflict(household, user)
                    rows[household.pk] = _row(household, cast["county"])
                    questions[household.pk] = _question(household, cast["county"])
                    drawn[household.pk] = ClueSample.objects.create(
                        clue=clues[household.pk], household=household, village_code=household.village_code, year=2021, drawn_by=user, seed=1
                    )
                values |= {
                    "household_id": household.pk,
                    "clue_id": clues[household.pk].pk,
                    "conflict_id": conflicts[household.pk].pk,
                    "code": household.village_code,
                    "person_id": Person.objects.filter(household=household)[0].pk,
                    "record_id": household.records.get(form="household_year", year=2021).pk,
                    "row_id": rows[household.pk].pk,
                    "picture_id": _picture(rows[household.pk], cast["county"]).pk,
                    "question_id": questions[household.pk].pk,
                    "sample_id": drawn[household.pk].pk,
                    "lead_id": Lead.objects.get_or_create(year=2021, kind="again", household=household, defaults=_lead(household))[0].pk,
                    "pairing_id": Pairing.objects.filter(household=household)[0].pk,
                    "act_id": _act(household, user).pk,
                    "planned_id": _planned(household, user).pk,
                }
                if place != "inside" or household.village_code in reach_of(user):  # a helper sees households, not the village's table
                    table = Record.objects.get(form="natural_village_year", year=2021, subject_code=household.natural_village_code)
                    values["table_id"] = table.pk
            by_place[place] = values
        found[name] = Samples(by_place)
    # Accounts: a keeper's reach is over accounts of the same or a lower region that can do no more than themselves.
    for name, inside, outside in (("county", "township", None), ("township", "village", "county"), ("admin", "admin", "village")):
        found[name].by_place["inside"]["user_id"] = cast[inside].pk
        if outside:
            found[name].by_place["outside"]["user_id"] = found[name].by_place["beside"]["user_id"] = cast[outside].pk
    return found


def ask(client: Client, route: Route, method: str, values: dict[str, Any]) -> HttpResponseBase:
    url = reverse(route.name, kwargs={parameter: values[parameter] for parameter in route.parameters})
    with transaction.atomic():
        answer = client.generic(method, url, data="{}" if url.startswith("/field/") else "", content_type=_type(url, method))
        transaction.set_rollback(True)
    if answer.streaming:
        b"".join(answer)  # read to the end, so that the file is closed
    return answer


def _type(url: str, method: str) -> str:
    return "application/json" if url.startswith("/field/") else "application/x-www-form-urlencoded"


def _unknown() -> dict[str, Any]:
    words = "household clue conflict job file batch import person record row question pairing act planned sample table lead picture".split()
    ids = {f"{word}_id": uuid4() for word in words}
    plain = {
        "user_id": 999_999_999,
        "filter_id": 999_999_999,
        "tray_id": 999_999_999,
        "code": "340323999999",
        "rule_id": "Z999",
        "note_id": 999_999_999,
    }
    return {**ids, **plain, **FIXED}


def test_strangers_are_sent_to_sign_in(db: None) -> None:
    for route in ROUTES:
        for method in route.methods:
            answer = ask(Client(), route, method, _unknown())
            if route.permission == "public":
                assert answer.status_code in GOOD | {403}, route.name
            elif reverse(route.name, kwargs={p: _unknown()[p] for p in route.parameters}).startswith("/field/"):
                assert answer.status_code == 401, route.name
            else:
                assert answer.status_code == 302 and "/accounts/sign-in" in answer["Location"], (route.name, answer.status_code)


def test_other_methods_are_refused(client_as: Callable[[str], Client]) -> None:
    client = client_as("county")
    for route in ROUTES:
        for method in {"GET", "POST", "PUT", "DELETE"} - set(route.methods):
            assert ask(client, route, method, _unknown()).status_code == 405, (route.name, method)


def _covers_division(reach: Reach, route: Route, values: dict[str, Any]) -> bool:
    """Figures of a division are shown to whoever follows the campaign there, also without seeing a household."""
    return route.permission == Verb.CAMPAIGN_VIEW and any(str(values.get("code", "\0")).startswith(p) for p in reach.prefixes(Verb.CAMPAIGN_VIEW))


@pytest.mark.parametrize("name", CAST)
def test_each_url_answers_as_it_declares(samples: dict[str, Samples], client_as: Callable[[str], Client], cast: dict[str, User], name: str) -> None:
    client, reach = client_as(name), reach_of(cast[name])
    client.raise_request_exception = False  # a crash is one more line of what is wrong
    wrong: list[str] = []
    for route in ROUTES:
        if route.permission == "public":
            continue
        if name in ("county", "township") and route.parameters and not set(route.parameters) <= set(samples[name].by_place["inside"]):
            wrong.append(f"{route.name}: no sample for {route.parameters}")
            continue
        holds = route.permission == "signed_in" or reach.has(Verb(route.permission))
        for place, values in samples[name].by_place.items():
            if not set(route.parameters) <= set(values):
                continue
            for method in route.methods:
                status = ask(client, route, method, values).status_code
                if not holds:
                    fits = status == 403
                elif place == "inside" or _covers_division(reach, route, values) or not set(route.parameters) - set(FIXED) - {"rule_id", "note_id"}:
                    fits = status in GOOD or (status == 404 and route.name in MAY_BE_ABSENT)
                else:
                    fits = status == 404
                if not fits:
                    wrong.append(f"{name} {method} {route.name} {place}: {status} ({route.permission})")
    assert not wrong, "\n".join(wrong)


# Inside the reach, yet what is asked for need not exist: a bank card, the division a report names.
# A photo is not for those who may not see what is sensitive.
MAY_BE_ABSENT = {"dashboards:report", "archives:reveal", "archives:history", "jobs:file", "clues:file", "records:picture", "records:picture_small"}


def test_search_finds_nothing_beyond_the_reach(
    samples: dict[str, Samples], client_as: Callable[[str], Client], acting: Callable[[str], Reach]
) -> None:
    acting("system")
    for name in ("township", "village", "helper"):
        household = Household.objects.get(pk=samples[name].by_place["outside"]["household_id"])
        for text in (household.code, household.head_name, household.head_initials):
            answer = client_as(name).get("/households/", {"q": text})
            body = answer.content.decode() + answer.headers.get("Location", "")
            assert f"/households/{household.pk}/" not in body and f"/entry/{household.pk}" not in body, (name, text)
            acting("system")


def test_the_clock_and_regions_are_there(db: None) -> None:
    assert clock.current().year == 2021
    assert Region.objects.villages().under("340323").count() == 229
