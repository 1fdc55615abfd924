"""Leads of screening: the list by weight, and what was found out about one."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages as notes
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, can, needs, require, within_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.quality.leads import LeadRefused, look_into, page, sentences
from fangfanpin.quality.leads import leads as found_leads
from fangfanpin.quality.models import Lead
from fangfanpin.regions.names import townships


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def leads(request: SignedInRequest) -> HttpResponse:
    """GET `kind`, `result` (empty: waiting; all), `place`."""
    campaign = clock.current()
    pack = spoken(pack_of(campaign.pack))
    kind, result, place = (request.GET.get(name, "") for name in ("kind", "result", "place"))
    chosen = {
        "kind": kind if kind in Lead.Kind.values else "",
        "result": result if result in (*Lead.Result.values, "all") else Lead.Result.WAITING.value,
        "place": place if place.isdigit() else "",
    }
    shown, following = page(found_leads(request.reach, campaign.year, **chosen), request.GET.get("after", ""))
    return render(
        request,
        "quality/leads.html",
        {
            "rows": [(lead, sentences(lead, pack, sensitive=can(request.reach, Verb.SENSITIVE_VIEW, lead))) for lead in shown],
            "chosen": chosen,
            "kinds": Lead.Kind.choices,
            "results": [*Lead.Result.choices, ("all", _("全部"))],
            "places": townships(request.reach.villages),
            "next_url": "?" + urlencode({**chosen, "after": following}) if following else "",
            "waiting": found_leads(request.reach, campaign.year).count(),
            "may_look": request.reach.has(Verb.CLUE_ANSWER),
            "may_export": request.reach.has(Verb.EXPORT_MAKE),
        },
    )


@needs(Verb.CLUE_ANSWER, "POST")
def look(request: SignedInRequest, lead_id: UUID) -> HttpResponse:
    """POST `result` proceed or nothing, `note`."""
    lead = within_reach(Lead.objects.all(), request.reach, pk=lead_id)
    require(request.reach, Verb.CLUE_ANSWER, lead)
    try:
        look_into(lead=lead, result=request.POST.get("result", ""), note=request.POST.get("note", ""), by=request.user)
    except LeadRefused as refused:
        notes.error(request, str(refused))
    else:
        notes.success(request, _("已记下。筛查只是线索，是不是纳入或退出，要按程序办。"))
    return redirect(reverse("quality:leads"))
