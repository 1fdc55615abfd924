"""The field app's endpoints (desk and phone): bundles out, saves in."""

import datetime
import gzip
import hashlib
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, can, needs, require, within_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.fieldwork import places
from fangfanpin.fieldwork.bundles import household_bundle, masked, masked_conflict, pack_bundle, shown_facts
from fangfanpin.households.models import Household
from fangfanpin.policy.notes import notes_on
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.quality.queries import open_clues
from fangfanpin.records.models import Conflict
from fangfanpin.records.saving import EntryClosed, Fault, SaveFaults, SaveRequest, form_of, resolve_conflict, save


class BadRequest(Exception):
    """The body is not what docs/field-api.md says."""


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
        json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is no text and cannot be stored
    except (ValueError, RecursionError) as error:
        raise BadRequest from error
    if not isinstance(body, dict):
        raise BadRequest
    return body


def _bad_request() -> JsonResponse:
    return JsonResponse({"reason": "format", "message": _("提交的内容不完整，请刷新页面后再试。")}, status=400)


def _faults(faults: tuple[Fault, ...]) -> JsonResponse:
    found = [{"target": f.target, "name": f.name, "message": f.message, **({"items": f.items} if f.items else {})} for f in faults]
    return JsonResponse({"faults": found}, status=422)


def _kept(request: HttpRequest, etag: str, content: Callable[[], dict[str, Any]]) -> HttpResponse:
    """Large, the same for everybody and kept by the browser: not sent again while its tag holds, otherwise compressed. Nothing in it is
    secret or repeats what was asked, so that its length tells nobody anything."""
    kept = {"ETag": etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers=kept)
    body = json.dumps(content(), ensure_ascii=False, separators=(",", ":")).encode()
    response = HttpResponse(body, content_type="application/json", headers=kept)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response.content = gzip.compress(body, compresslevel=5, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ("Accept-Encoding",))
    return response


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def pack_json(request: SignedInRequest) -> HttpResponse:
    campaign = clock.current()
    pack = spoken(pack_of(campaign.pack))
    notes = notes_on()
    said = hashlib.sha256(repr(sorted(notes.items())).encode()).hexdigest()[:12] if notes else "0"
    tag = f'"{pack.hash[:20]}-{campaign.pk}-{pack.language}-{clock.now(campaign):%Y%m%d}-{said}"'
    return _kept(request, tag, lambda: pack_bundle(campaign, pack, notes))


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def places_json(request: SignedInRequest) -> HttpResponse:
    """The list `divisions`: large and the same for years, therefore apart from the pack."""
    rows, home = places.divisions(), pack_of(clock.current().pack).division
    return _kept(request, f'"{places.tag_of(rows, home)}"', lambda: {places.LIST: places.places_json(rows, home)})


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def household_json(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    household = within_reach(Household.objects.all(), request.reach, pk=household_id)
    campaign = clock.current()
    return JsonResponse(household_bundle(household, campaign, spoken(pack_of(campaign.pack)), request.reach, request.user))


@needs(Verb.RECORD_ENTER, "POST")
def save_household(request: SignedInRequest) -> HttpResponse:
    try:
        body = _body(request)
        save_request = SaveRequest(
            client_id=UUID(str(body["client_id"])),
            base={str(target): int(version) for target, version in dict(body.get("base") or {}).items()},
            ops=[dict(op) for op in body["ops"]],
            claimed_at=datetime.datetime.fromisoformat(body["claimed_at"]) if body.get("claimed_at") else None,
        )
        household_id = UUID(str(body["household_id"]))
        user_id = int(body["user"]) if body.get("user") is not None else request.user.pk
    except (BadRequest, KeyError, TypeError, ValueError):
        return _bad_request()
    if user_id != request.user.pk:  # somebody else signed in in another tab: not under their name
        return JsonResponse({"reason": "user", "message": _("浏览器里已换成别人登录。请用自己的密码重新登录，再保存。")}, status=401)
    household = within_reach(Household.objects.all(), request.reach, pk=household_id)
    require(request.reach, Verb.RECORD_ENTER, household)
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    try:
        reply = save(
            household=household,
            request=save_request,
            year=campaign.year,
            pack=pack,
            by=request.user,
            reach=request.reach,
        )
    except EntryClosed as closed:
        return JsonResponse({"reason": "closed", "message": closed.message}, status=409)
    except SaveFaults as refused:
        return _faults(refused.faults)
    if not can(request.reach, Verb.SENSITIVE_VIEW, household):
        reply["values"] = {target: masked(pack, form_of(target), values, sensitive=False) for target, values in reply["values"].items()}
        reply["facts"] = {target: shown_facts(facts, sensitive=False) for target, facts in reply["facts"].items()}
        reply["clues"] = open_clues(household, campaign.year, spoken(pack), sensitive=False)
        reply["conflicts"] = [masked_conflict(pack, conflict, sensitive=False) for conflict in reply["conflicts"]]
    return JsonResponse(reply)


@needs(Verb.RECORD_ENTER, "POST")
def decide_conflict(request: SignedInRequest, conflict_id: UUID) -> HttpResponse:
    conflict = within_reach(Conflict.objects.select_related("household"), request.reach, pk=conflict_id)
    require(request.reach, Verb.RECORD_ENTER, conflict)
    try:
        body = _body(request)
    except BadRequest:
        return _bad_request()
    campaign = clock.current()
    try:
        resolve_conflict(
            conflict=conflict,
            choice=str(body.get("choice", "")),
            value=body.get("value"),
            pack=pack_of(campaign.pack),
            year=campaign.year,
            by=request.user,
        )
    except EntryClosed as closed:
        return JsonResponse({"reason": "closed", "message": closed.message}, status=409)
    except SaveFaults as refused:
        return _faults(refused.faults)
    return JsonResponse(household_bundle(conflict.household, campaign, spoken(pack_of(campaign.pack)), request.reach, request.user))


@needs(Verb.RECORD_ENTER, "GET")
def entry(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    """The desk screen: an empty page that the field app fills from the bundle."""
    household = within_reach(Household.objects.all(), request.reach, pk=household_id)
    require(request.reach, Verb.RECORD_ENTER, household)
    return render(request, "fieldwork/entry.html", {"household": household})
