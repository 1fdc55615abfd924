"""Start page, lists of households, review, progress, what changed."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, needs, require, signed_in, within_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.models import StageReport
from fangfanpin.campaigns.services import CampaignRefused, lock_again, report_stage, unlock
from fangfanpin.dashboards import maps, queries, start, transfer
from fangfanpin.households.models import Household
from fangfanpin.policy.services import pack_of
from fangfanpin.records.models import Conflict, Record
from fangfanpin.records.reviewing import ReviewRefused, approve, send_back
from fangfanpin.records.units import HOUSEHOLD_FORM, load_unit
from fangfanpin.regions.models import Region

SUBMITTED_STATES = (Record.State.SUBMITTED, Record.State.APPROVED, Record.State.LOCKED)
TRANSFER_PAGE = 20


@signed_in("GET")
def home(request: SignedInRequest) -> HttpResponse:
    """What is due from me, by when."""
    try:
        campaign = clock.current()
    except clock.NoCampaign:
        return render(request, "dashboards/no_campaign.html", {"may_manage": request.reach.has(Verb.CAMPAIGN_MANAGE)})
    reach = request.reach
    village = reach.villages[0] if len(reach.villages) == 1 else ""
    rows = queries.progress_by(reach, campaign.year, length=12 if len({v[:9] for v in reach.villages}) == 1 else 9)
    region = Region.objects.filter(pk=village or (reach.villages[0][:9] if rows and len(rows[0].code) == 12 else "")).first()
    return render(
        request,
        "dashboards/home.html",
        {
            "campaign": campaign,
            "stages": clock.stages(campaign),
            "duties": start.duties(request.user, reach, campaign),
            "total": queries.total(rows),
            "rows": rows if len(rows) > 1 else [],
            "region": region,
            "village": village,
            "roles": sorted({s.role for s in reach.scopes}),
            "may_view": reach.has(Verb.HOUSEHOLD_VIEW),
        },
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
            "may_export": request.reach.has(Verb.EXPORT_MAKE),
        },
    )


@needs(Verb.RECORD_ENTER, "GET")
def conflict_list(request: SignedInRequest) -> HttpResponse:
    rows = (
        Conflict.objects.visible_to(request.reach)
        .filter(state=Conflict.State.OPEN)
        .select_related("household", "stored_by", "offered_by")[: queries.PAGE]
    )
    return render(request, "dashboards/conflicts.html", {"rows": rows})


@needs(Verb.RECORD_REVIEW, "GET")
def review_list(request: SignedInRequest) -> HttpResponse:
    campaign = clock.current()
    rows = queries.due_records(request.reach, campaign.year, [Record.State.SUBMITTED]).select_related("entered_by")[: queries.PAGE]
    return render(request, "dashboards/review.html", {"rows": rows, "campaign": campaign})


@needs(Verb.RECORD_REVIEW, "GET", "POST")
def review(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    """One submitted household: what changed, open clues; approve or return with a reason."""
    household = within_reach(Household.objects.all(), request.reach, pk=household_id)
    require(request.reach, Verb.RECORD_REVIEW, household)
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    lead = within_reach(Record.objects.all(), request.reach, form=HOUSEHOLD_FORM, year=campaign.year, subject_id=household_id)
    if request.method == "POST":
        try:
            if request.POST.get("decision") == "approve":
                approve(record=lead, by=request.user)
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
            "changed": transfer.changed_items(unit, pack),
            "moves": transfer.moves(unit, pack),
            "clues": household.clues.filter(year=campaign.year, state__in=queries.OPEN_CLUES),
            "may_unlock": request.reach.has(Verb.RECORD_UNLOCK),
        },
    )


@needs(Verb.RECORD_UNLOCK, "POST")
def unlock_household(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    household = within_reach(Household.objects.all(), request.reach, pk=household_id)
    require(request.reach, Verb.RECORD_UNLOCK, household)
    campaign = clock.current()
    try:
        if request.POST.get("lock") == "1":
            lock_again(household=household, year=campaign.year, by=request.user)
            messages.success(request, _("已重新锁定。"))
        else:
            unlock(household=household, year=campaign.year, reason=request.POST.get("reason", ""), by=request.user)
            messages.success(request, _("已解锁，这户可以继续录入。"))
    except CampaignRefused as refused:
        messages.error(request, str(refused))
    return redirect("archives:household", household_id)


def _division(request: SignedInRequest, code: str) -> Region:
    """A division with at least one village within reach, else 404."""
    region = Region.objects.filter(pk=code).first()
    if region is None or not any(village.startswith(code) for village in request.reach.villages):
        raise Http404
    return region


@needs(Verb.CAMPAIGN_VIEW, "GET")
def progress(request: SignedInRequest, code: str = "") -> HttpResponse:
    """The campaign: stages, countdown, progress of the divisions under `code` as figures, chart and map; drill-down by link."""
    campaign = clock.current()
    length = {0: 9, 9: 12}.get(len(code), 9)
    region = _division(request, code) if code else None
    rows = queries.progress_by(request.reach, campaign.year, length=length, under=code)
    chart = {
        "kind": "progress",
        "labels": [row.name for row in rows],
        "series": [
            {"name": _("已采集"), "values": [row.share for row in rows]},
            {"name": _("已录入国家系统"), "values": [row.there_share for row in rows]},
        ],
        "unit": "%",
    }
    stages = clock.stages(campaign)
    reports = StageReport.objects.filter(campaign=campaign).select_related("region", "reported_by")
    return render(
        request,
        "dashboards/progress.html",
        {
            "campaign": campaign,
            "now": clock.now(campaign),
            "stages": stages,
            "region": region,
            "rows": rows,
            "total": queries.total(rows),
            "chart": chart,
            "map_url": reverse("dashboards:map", args=[code]) if code else reverse("dashboards:map"),
            "reports": reports,
            "my_prefixes": request.reach.prefixes(Verb.RECORD_REVIEW),
            "drill": length == 9,
        },
    )


@needs(Verb.CAMPAIGN_VIEW, "GET")
def map_json(request: SignedInRequest, code: str = "") -> HttpResponse:
    """GeoJSON the county supplied (DATA_DIR/maps), each division with its share collected; within reach only."""
    campaign = clock.current()
    if code:
        _division(request, code)
    rows = queries.progress_by(request.reach, campaign.year, length=12 if len(code) == 9 else 9, under=code)
    return JsonResponse(maps.with_values(code, {row.code: row.share for row in rows}))


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
    pack = pack_of(campaign.pack)
    if request.method == "POST":
        return _tick(request)
    shown = request.GET.get("shown", "waiting")
    place = request.GET.get("place", "")[:15]
    records = queries.due_records(request.reach, campaign.year, SUBMITTED_STATES)
    records = records.filter(transferred_at__isnull=shown != "done")
    if place:
        records = records.filter(village_code__startswith=place)
    after = request.GET.get("after", "")
    if after:
        records = records.filter(household__code__gt=after)
    found = list(records.order_by("household__code")[: TRANSFER_PAGE + 1])
    rows: list[dict[str, Any]] = []
    for record in found[:TRANSFER_PAGE]:
        assert record.household is not None
        unit = load_unit(record.household, campaign.year)
        rows.append(
            {
                "record": record,
                "household": record.household,
                "changed": transfer.changed_items(unit, pack),
                "moves": transfer.moves(unit, pack),
            }
        )
    return render(
        request,
        "dashboards/transfer.html",
        {
            "rows": rows,
            "shown": shown,
            "place": place,
            "places": queries.places(request.reach),
            "next_after": found[TRANSFER_PAGE - 1].household.code if len(found) > TRANSFER_PAGE and found[TRANSFER_PAGE - 1].household else "",
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
