"""Start page, lists of households, review, progress, what changed."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, can, needs, require, signed_in, within_reach
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.models import Campaign, StageReport
from fangfanpin.campaigns.services import CampaignRefused, lock_again, report_stage, unlock
from fangfanpin.dashboards import maps, queries, start, transfer
from fangfanpin.households.models import Household
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.quality.models import OPEN_STATES
from fangfanpin.quality.queries import with_sentences
from fangfanpin.records.models import Conflict, Record
from fangfanpin.records.reviewing import ReviewRefused, approve, send_back
from fangfanpin.records.units import HOUSEHOLD_FORM, load_unit, load_units
from fangfanpin.regions.models import Region
from fangfanpin.regions.names import local_name
from fangfanpin.registers.yearly import yearly

TRANSFER_PAGE = 20
_OWN_SHOWN = 50  # a helper's households stand on the start page itself
_WITH_PLACE = ("/households/", "/households/review", "/clues/", "/transfer/")  # lists that know ?place=


@signed_in("GET")
def home(request: SignedInRequest) -> HttpResponse:
    """What is due from me, by when."""
    try:
        campaign = clock.current()
    except clock.NoCampaign:
        return render(request, "dashboards/no_campaign.html", {"may_manage": request.reach.has(Verb.CAMPAIGN_MANAGE)})
    reach = request.reach
    rows = queries.progress_by(reach, campaign.year, length=12 if len({v[:9] for v in reach.villages}) == 1 else 9)
    total = queries.total(rows)
    stages = clock.stages(campaign)
    prefixes = reach.prefixes(Verb.HOUSEHOLD_VIEW) or reach.prefixes(Verb.CAMPAIGN_VIEW) or reach.prefixes(Verb.ACCOUNT_MANAGE)
    own = any(scope.by_pairing for scope in reach.scopes) and not reach.villages
    return render(
        request,
        "dashboards/home.html",
        {
            "campaign": campaign,
            "stages": stages,
            "next_stage": next((stage.key for stage in stages if not stage.is_past), ""),
            "duties": start.duties(request.user, reach, campaign, total),
            "total": total,
            "rows": rows if len(rows) > 1 else [],
            "target": clock.expected_share(campaign, "entered"),
            "region_code": prefixes[0] if len(prefixes) == 1 and not own else "",
            "own": list(queries.households(reach, campaign.year, queries.HouseholdFilter())[:_OWN_SHOWN]) if own else [],
            "is_own": own,
            "may_view": reach.has(Verb.HOUSEHOLD_VIEW),
            "may_follow": reach.has(Verb.CAMPAIGN_VIEW),
            "may_enter": reach.has(Verb.RECORD_ENTER),
        },
    )


@signed_in("GET")
def me(request: SignedInRequest) -> HttpResponse:
    """The phone's fourth tab: who I am here, my jobs, large print, language, password; and the whole menu."""
    return render(
        request,
        "dashboards/me.html",
        {"assignments": request.user.assignments.in_force(timezone.localdate()).select_related("role", "region")},
    )


@signed_in("GET")
def places(request: SignedInRequest) -> HttpResponse:
    """The tree of places within reach as a part of a page, fetched when the picker is opened. Each leads to the list one is on, or to the
    households there."""
    at = request.GET.get("at", "")
    by_path = at.startswith("/progress/")
    target = "/progress/" if by_path else at if at in _WITH_PLACE else "/households/"
    towns = queries.places(request.reach)
    return render(
        request,
        "dashboards/_places.html",
        {"towns": towns, "target": target, "by_path": by_path, "place": request.GET.get("place", ""), "is_open": len(towns) == 1},
    )


def _filter(request: HttpRequest) -> queries.HouseholdFilter:
    return queries.HouseholdFilter(**{name: request.GET.get(name, "").strip()[:60] for name in ("place", "state", "kind", "clue", "q")})


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def household_list(request: SignedInRequest) -> HttpResponse:
    campaign = clock.current()
    chosen = _filter(request)
    rows = queries.households(request.reach, campaign.year, chosen)
    found = queries.page(rows, request.GET.get("after", ""))
    if chosen.q and not request.GET.get("after") and len(found.rows) == 1:
        return redirect("archives:household", found.rows[0].pk)
    return render(
        request,
        "dashboards/households.html",
        {
            "chosen": chosen,
            "rows": found.rows,
            "next_url": "?" + urlencode({**chosen.as_query(), "after": found.next_cursor}) if found.next_cursor else "",
            "filter_query": urlencode(chosen.as_query()),
            "places": queries.places(request.reach),
            "states": Record.State.choices,
            "may_enter": request.reach.has(Verb.RECORD_ENTER),
            "may_add": request.reach.has(Verb.HOUSEHOLD_EDIT),
            "may_export": request.reach.has(Verb.EXPORT_MAKE),
        },
    )


@needs(Verb.RECORD_ENTER, "GET")
def conflict_list(request: SignedInRequest) -> HttpResponse:
    rows = Conflict.objects.visible_to(request.reach).filter(state=Conflict.State.OPEN)
    count = rows.count()
    after = request.GET.get("after", "")
    if after:
        rows = rows.filter(pk__gt=_uuid(after))
    found = list(rows.select_related("household", "stored_by", "offered_by").order_by("pk")[: queries.PAGE + 1])
    shown = found[: queries.PAGE]
    next_url = f"?after={shown[-1].pk}" if len(found) > len(shown) else ""
    return render(request, "dashboards/conflicts.html", {"rows": shown, "count": count, "next_url": next_url})


@needs(Verb.RECORD_REVIEW, "GET")
def review_list(request: SignedInRequest) -> HttpResponse:
    campaign = clock.current()
    place = _place(request)
    found = queries.review_page(request.reach, campaign.year, place=place, cursor=request.GET.get("after", ""))
    next_url = "?" + urlencode({"place": place, "after": found.next_cursor}) if found.next_cursor else ""
    context = {"rows": found.rows, "next_url": next_url, "place": place, "places": queries.places(request.reach)}
    return render(request, "dashboards/review.html", context)


def _place(request: HttpRequest) -> str:
    code = request.GET.get("place", "")[:15]
    return code if code.isdigit() else ""


@needs(Verb.RECORD_REVIEW, "GET", "POST")
def review(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    """One submitted household: what changed, open clues; approve or return with a reason."""
    household = within_reach(Household.objects.all(), request.reach, pk=household_id)
    require(request.reach, Verb.RECORD_REVIEW, household)
    campaign = clock.current()
    pack = spoken(pack_of(campaign.pack))
    lead = within_reach(Record.objects.all(), request.reach, form=HOUSEHOLD_FORM, year=campaign.year, subject_id=household_id)
    if request.method == "POST":
        try:
            if request.POST.get("decision") == "approve":
                seen = request.POST.get("version", "")
                approve(record=lead, by=request.user, pack=pack, seen_version=int(seen) if seen.isdecimal() else None)
                messages.success(request, _("%(name)s户已审核通过。") % {"name": household.head_name})
            else:
                send_back(record=lead, reason=request.POST.get("reason", ""), by=request.user)
                messages.success(request, _("%(name)s户已退回，采集人会在首页看到。") % {"name": household.head_name})
            return redirect("dashboards:review_list")
        except ReviewRefused as refused:
            messages.error(request, str(refused))
    unit = load_unit(household, campaign.year)
    return render(
        request,
        "dashboards/review_one.html",
        {
            "household": household,
            "lead": lead,
            "changed": transfer.changed_items(unit, pack, sensitive=can(request.reach, Verb.SENSITIVE_VIEW, household)),
            "moves": transfer.moves(unit, pack),
            "clues": with_sentences(household.clues.filter(year=campaign.year, state__in=OPEN_STATES), pack, request.reach),
            "asked_reason": request.POST.get("reason", ""),
        },
    )


@needs(Verb.RECORD_UNLOCK, "POST")
def unlock_household(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    household = within_reach(Household.objects.all(), request.reach, pk=household_id)
    require(request.reach, Verb.RECORD_UNLOCK, household)
    campaign = clock.current()
    _unlock(request, household, campaign.year, _("已解锁，这户可以继续录入。"))
    return redirect("archives:household", household_id)


@needs(Verb.RECORD_UNLOCK, "POST")
def unlock_table(request: SignedInRequest, table_id: UUID) -> HttpResponse:
    """A village's or natural village's table of this year. POST as of a household: `reason`, or `lock` = 1."""
    campaign = clock.current()
    record = within_reach(Record.objects.filter(year=campaign.year), request.reach, pk=table_id)
    require(request.reach, Verb.RECORD_UNLOCK, record)
    if record.form not in {register.key for register in yearly(pack_of(campaign.pack))}:
        raise Http404
    _unlock(request, record, campaign.year, _("已解锁，这张表可以继续填写。"))
    return redirect("registers:row", table_id)


def _unlock(request: SignedInRequest, of: Household | Record, year: int, done: str) -> None:
    try:
        if request.POST.get("lock") == "1":
            lock_again(of=of, year=year, by=request.user)
            messages.success(request, _("已重新锁定。"))
        else:
            unlock(of=of, year=year, reason=request.POST.get("reason", ""), by=request.user)
            messages.success(request, done)
    except CampaignRefused as refused:
        messages.error(request, str(refused))


def _division(request: SignedInRequest, code: str) -> Region:
    """A division with at least one village within reach, or followed by numbers only; else 404."""
    region = Region.objects.filter(pk=code).first()
    inside = any(village.startswith(code) for village in request.reach.villages)
    followed = not request.reach.villages and any(code.startswith(prefix) for prefix in request.reach.prefixes(Verb.CAMPAIGN_VIEW))
    if region is None or not (inside or followed):
        raise Http404
    return region


def _town_of(reach: Reach) -> str:
    """The one township all this person follows lies in; '' where there are several. Such a person is shown villages from the start: their few
    households under the township's name would be taken for the township's."""
    codes = reach.villages or reach.prefixes(Verb.CAMPAIGN_VIEW)
    towns = {code[:9] for code in codes}
    return towns.pop() if len(towns) == 1 and all(len(code) >= 9 for code in codes) else ""


@needs(Verb.CAMPAIGN_VIEW, "GET")
def progress(request: SignedInRequest, code: str = "") -> HttpResponse:
    """The campaign: stages, countdown, progress of the divisions under `code` as figures, chart and map; drill-down by link."""
    campaign = clock.current()
    under = code or _town_of(request.reach)
    length = 12 if len(under) in (9, 12) else 9
    region = _division(request, code) if code else None
    rows = queries.progress_by(request.reach, campaign.year, length=length, under=under)
    total = queries.total(rows)
    target = clock.expected_share(campaign, "entered")
    drill = length == 9
    may_list = request.reach.has(Verb.HOUSEHOLD_VIEW)
    households = reverse("dashboards:households")
    links = [reverse("dashboards:progress", args=[row.code]) if drill else f"{households}?place={row.code}" if may_list else "" for row in rows]
    chart = {
        "labels": [row.name for row in rows],
        "links": links,
        "series": [
            {"name": _("已录入"), "values": [row.share for row in rows]},
            {"name": _("已录入国家系统"), "values": [row.there_share for row in rows]},
        ],
        "unit": "%",
        "target": {"value": target, "name": _("今天应到 %(share)d%%") % {"share": target}} if target is not None else None,
    }
    return render(
        request,
        "dashboards/progress.html",
        {
            "campaign": campaign,
            "now": clock.now(campaign),
            "stages": _stages(request, campaign, total),
            "region": region,
            "place": local_name(rows[0].code if not code and len(rows) == 1 else under) if under else "",
            "rows": rows,
            "total": total,
            "target": target,
            "chart": chart,
            "map_url": reverse("dashboards:map", args=[code]) if code else reverse("dashboards:map"),
            "township_link": reverse("dashboards:progress", args=["CODE"]),
            "village_link": f"{households}?place=CODE" if may_list else reverse("dashboards:progress", args=[code]) if code else "#",
            "may_list": may_list,
            "drill": drill,
            "late": [row for row in rows if target is not None and row.households and row.share < target],
        },
    )


def _stages(request: SignedInRequest, campaign: Campaign, total: queries.Progress) -> list[dict[str, Any]]:
    """The plan's stages: percent done where something counts it, else which units have reported and which have not."""
    counted = request.reach.prefixes(Verb.CAMPAIGN_VIEW)
    inside = Q()
    for prefix in counted:
        inside |= Q(code__startswith=prefix[:9])
    units = list(Region.objects.townships().filter(inside, successor__isnull=True).order_by("code")) if counted else []
    mine = {prefix for prefix in request.reach.prefixes(Verb.RECORD_REVIEW) if len(prefix) == 9}
    reports: dict[str, dict[str, StageReport]] = {}
    for one in StageReport.objects.filter(campaign=campaign, region__in=units).select_related("reported_by"):
        reports.setdefault(one.stage, {})[one.region_id] = one
    found = []
    for stage in clock.stages(campaign):
        done = reports.get(stage.key, {})
        found.append(
            {
                "stage": stage,
                "share": total.share_of(stage.metric),
                "reported": [(unit, done[unit.code]) for unit in units if unit.code in done],
                "missing": [unit for unit in units if unit.code not in done],
                "mine": [unit for unit in units if unit.code in mine and unit.code not in done],
                "is_reported": stage.metric == "reported",
            }
        )
    return found


@needs(Verb.CAMPAIGN_VIEW, "GET")
def map_json(request: SignedInRequest, code: str = "") -> HttpResponse:
    """GeoJSON the county supplied (DATA_DIR/maps), each division with its share collected; within reach only."""
    campaign = clock.current()
    if code:
        _division(request, code)
    under = code or _town_of(request.reach)
    rows = queries.progress_by(request.reach, campaign.year, length=12 if len(under) in (9, 12) else 9, under=under)
    return JsonResponse(maps.with_values(under, {row.code: (row.name, row.share) for row in rows}))


@needs(Verb.RECORD_REVIEW, "POST")
def report(request: SignedInRequest) -> HttpResponse:
    campaign = clock.current()
    prefixes = request.reach.prefixes(Verb.RECORD_REVIEW)
    region = Region.objects.filter(pk=request.POST.get("region", ""), code__in=prefixes).first()
    if region is None:
        raise Http404
    try:
        report_stage(campaign=campaign, stage=request.POST.get("stage", ""), region=region, note=request.POST.get("note", ""), by=request.user)
        messages.success(request, _("已报告完成。"))
    except CampaignRefused as refused:
        messages.error(request, str(refused))
    return redirect("dashboards:progress")


@needs(Verb.TRANSFER_TICK, "GET", "POST")
def transfer_list(request: SignedInRequest) -> HttpResponse:
    """Submitted households with what must be typed in the national system; tick those that are."""
    campaign = clock.current()
    pack = spoken(pack_of(campaign.pack))
    if request.method == "POST":
        return _tick(request)
    shown = "done" if request.GET.get("shown") == "done" else "waiting"
    place = _place(request)
    records = queries.due_records(request.reach, campaign.year, queries.SUBMITTED_STATES)
    records = transfer.waiting(records, shown=shown, place=place)
    after = request.GET.get("after", "")
    if after:
        records = records.filter(household__code__gt=after)
    found = list(records.order_by("household__code")[: TRANSFER_PAGE + 1])
    units = {unit.household.pk: unit for unit in load_units([r.household for r in found[:TRANSFER_PAGE] if r.household], campaign.year)}
    rows: list[dict[str, Any]] = [
        {
            "record": record,
            "household": unit.household,
            "changed": transfer.changed_items(unit, pack, sensitive=can(request.reach, Verb.SENSITIVE_VIEW, unit.household)),
            "moves": transfer.moves(unit, pack),
        }
        for record in found[:TRANSFER_PAGE]
        if record.household_id and (unit := units.get(record.household_id))
    ]
    return render(
        request,
        "dashboards/transfer.html",
        {
            "rows": rows,
            "shown": shown,
            "place": place,
            "places": queries.places(request.reach),
            "next_url": "?" + urlencode({"place": place, "shown": shown, "after": rows[-1]["household"].code}) if len(found) > TRANSFER_PAGE else "",
        },
    )


def _tick(request: SignedInRequest) -> HttpResponse:
    """POST: `record` (several) as id:version; `untick` takes one back."""
    back = request.POST.get("next", "")
    target = back if back.startswith("/transfer/") else reverse("dashboards:transfer")
    if request.POST.get("untick"):
        record = within_reach(Record.objects.all(), request.reach, pk=_uuid(request.POST["untick"]))
        require(request.reach, Verb.TRANSFER_TICK, record)
        transfer.untick(record=record, by=request.user)
        return redirect(target)
    seen: dict[UUID, int] = {}
    for value in request.POST.getlist("record"):
        record_id, _colon, version = value.partition(":")
        if version.isdigit():
            seen[_uuid(record_id)] = int(version)
    records = [within_reach(Record.objects.all(), request.reach, pk=record_id) for record_id in seen]
    for record in records:
        require(request.reach, Verb.TRANSFER_TICK, record)
    try:
        count = transfer.tick(records=records, seen_versions=seen, by=request.user)
        messages.success(request, _("已标记 %(count)d 户录入国家系统。") % {"count": count})
    except transfer.TransferRefused as refused:
        messages.error(request, str(refused))
    return redirect(target)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
