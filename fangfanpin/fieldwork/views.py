"""Print comparison sheets: per village, or one household again."""

from collections import Counter
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, needs, require, within_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.fieldwork.models import SheetBatch
from fangfanpin.households.models import Household
from fangfanpin.jobs.services import start
from fangfanpin.regions.models import Region


@needs(Verb.SHEET_PRINT, "GET")
def sheets(request: SignedInRequest) -> HttpResponse:
    """Villages in reach with their last printing; one tap prints."""
    campaign = clock.current()
    latest: dict[str, SheetBatch] = {}
    for batch in SheetBatch.objects.visible_to(request.reach).filter(year=campaign.year, household_id__isnull=True).order_by("printed_at"):
        latest[batch.village_code] = batch
    counts = Counter(Household.objects.visible_to(request.reach).filter(kind=Household.Kind.ASSISTED).values_list("village_code", flat=True))
    villages = Region.objects.filter(code__in=counts).order_by("code")
    return render(
        request,
        "fieldwork/sheets.html",
        {"rows": [{"village": v, "count": counts[v.code], "batch": latest.get(v.code)} for v in villages]},
    )


@needs(Verb.SHEET_PRINT, "POST")
def print_village(request: SignedInRequest, code: str) -> HttpResponse:
    village = Region.objects.villages().filter(pk=code).first()
    if village is None or code not in request.reach or not request.reach.allows(Verb.SHEET_PRINT, village_code=code):
        raise Http404
    job = start(kind="fieldwork.sheets", title=_("%(village)s对照表") % {"village": village.name}, by=request.user, parameters={"village": code})
    return redirect("jobs:job", job.pk)


@needs(Verb.SHEET_PRINT, "POST")
def print_household(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    household = within_reach(Household.objects.all(), request.reach, pk=household_id)
    require(request.reach, Verb.SHEET_PRINT, household)
    job = start(
        kind="fieldwork.sheets",
        title=_("%(name)s户对照表") % {"name": household.head_name},
        by=request.user,
        parameters={"village": household.village_code, "household": str(household.pk)},
    )
    return redirect("jobs:job", job.pk)
