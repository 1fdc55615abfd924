"""The county's second look at what was worked off: draw, list, say what was found."""

from uuid import UUID

from django.contrib import messages as notes
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, needs, require, within_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.quality import queries
from fangfanpin.quality.clues import ClueRefused
from fangfanpin.quality.models import ClueSample
from fangfanpin.quality.sampling import check, draw, drawable
from fangfanpin.regions.names import townships

_SHOWN = 200


@needs(Verb.CLUE_SAMPLE, "GET")
def samples(request: SignedInRequest) -> HttpResponse:
    """What waits for the second look first, then the latest that were looked at."""
    campaign = clock.current()
    pack = spoken(pack_of(campaign.pack))
    rows = (
        ClueSample.objects.visible_to(request.reach).filter(year=campaign.year).select_related("clue__household", "clue__answered_by", "checked_by")
    )
    waiting = list(rows.filter(result=ClueSample.Result.PENDING)[:_SHOWN])
    done = list(rows.exclude(result=ClueSample.Result.PENDING).order_by("-checked_at")[:_SHOWN])
    said = {row["clue"].pk: row["sentence"] for row in queries.with_sentences([one.clue for one in (*waiting, *done)], pack, request.reach)}
    differs = sum(one.result == ClueSample.Result.DIFFERS for one in done)
    return render(
        request,
        "quality/samples.html",
        {
            "waiting": [(one, said[one.clue_id]) for one in waiting],
            "done": [(one, said[one.clue_id]) for one in done],
            "agreed_share": round((len(done) - differs) * 100 / len(done)) if done else None,
            "drawable": drawable(request.reach, campaign.year, "").count(),
            "places": townships(request.reach.villages),
        },
    )


@needs(Verb.CLUE_SAMPLE, "POST")
def draw_samples(request: SignedInRequest) -> HttpResponse:
    """POST: `count`, `place`."""
    count, place = request.POST.get("count", ""), request.POST.get("place", "")
    try:
        drawn = draw(
            reach=request.reach,
            year=clock.current().year,
            place=place if place.isdigit() else "",
            count=int(count) if count.isdigit() else 0,
            by=request.user,
        )
    except ClueRefused as refused:
        notes.error(request, str(refused))
    else:
        notes.success(request, _("抽出 %(count)d 条，请安排人到实地复核。") % {"count": len(drawn)})
    return redirect("quality:samples")


@needs(Verb.CLUE_SAMPLE, "POST")
def check_sample(request: SignedInRequest, sample_id: UUID) -> HttpResponse:
    """POST: `result` agreed or differs, `note`."""
    sample = within_reach(ClueSample.objects.select_related("clue"), request.reach, pk=sample_id)
    require(request.reach, Verb.CLUE_SAMPLE, sample)
    try:
        check(sample=sample, differs=request.POST.get("result") == "differs", note=request.POST.get("note", ""), by=request.user)
    except ClueRefused as refused:
        notes.error(request, str(refused))
    else:
        notes.success(request, _("已记下抽查结果。"))
    return redirect("quality:samples")
