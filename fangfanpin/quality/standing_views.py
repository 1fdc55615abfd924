"""How good the data are: figures by division, over time, and by rule."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, needs
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.quality import standing as figures
from fangfanpin.regions.names import name_of

_TOWNSHIP, _VILLAGE = 9, 12


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def standing(request: SignedInRequest) -> HttpResponse:
    """GET `place`: a township or a village. Figures are of the last sweep; the rules' of now."""
    campaign = clock.current()
    pack = spoken(pack_of(campaign.pack))
    place = request.GET.get("place", "")
    place = place if place.isdigit() and len(place) in (_TOWNSHIP, _VILLAGE) else ""
    sweep = figures.last_sweep(campaign.year)
    towns = {code[:_TOWNSHIP] for code in request.reach.villages}
    length = _VILLAGE if place or len(towns) == 1 else _TOWNSHIP
    rows = figures.by_division(request.reach, sweep, pack, place=place, length=length) if sweep else []
    course = figures.over_time(request.reach, campaign.year, pack, place=place)
    address = reverse("quality:standing")
    return render(
        request,
        "quality/standing.html",
        {
            "place": place,
            "place_name": name_of(place),
            "sweep": sweep,
            "total": figures.total(request.reach, sweep, pack, place=place) if sweep else None,
            "rows": [(row, f"{address}?place={row.code}" if length == _TOWNSHIP else "") for row in rows],
            "rules": figures.by_rule(request.reach, campaign.year, pack, place=place),
            "weights": figures.weights_of(pack),
            "least": figures.LOOSEN_FROM,
            "may_export": request.reach.has(Verb.EXPORT_MAKE),
            "chart": {
                "kind": "line",
                "labels": [f"{timezone.localtime(one.ended_at):%m-%d}" for one, _found in course if one.ended_at],
                "links": [],
                "series": [
                    {"name": _("每千人错误数"), "values": [found.errors_per_1000 for _one, found in course]},
                    {"name": _("完整率（%）"), "values": [found.complete_share for _one, found in course]},
                ],
                "unit": "",
                "target": None,
            },
        },
    )
