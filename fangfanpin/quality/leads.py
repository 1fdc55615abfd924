"""Leads of screening: brought in step with each sweep, ranked by what speaks for them, looked into by people. They decide nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.pack import Pack
from fangfanpin.quality import messages
from fangfanpin.quality.models import Lead
from fangfanpin.web.paging import cut

LEAST_NOTE, MOST_NOTE = 4, 500
PAGE = 50


class LeadRefused(Exception):
    """Nothing was stored; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Pointed:
    """A screen that points at a household, with the values it used in JSON form."""

    screen: str
    household_id: UUID
    village_code: str
    used: Mapping[str, Any]


def write_leads(hits: Iterable[Pointed], pack: Pack, year: int) -> None:
    """Bring the year's leads in step with what the screens hit now. Within the sweep's transaction."""
    now = timezone.now()
    screens = {screen.rule.id: screen for screen in pack.screens}
    found: dict[tuple[str, UUID], dict[str, Any]] = {}
    villages: dict[UUID, str] = {}
    for hit in hits:
        villages[hit.household_id] = hit.village_code
        found.setdefault((screens[hit.screen].kind, hit.household_id), {})[hit.screen] = dict(hit.used)
    existing = {(lead.kind, lead.household_id): lead for lead in Lead.objects.filter(year=year)}
    new, changed = [], []
    for (kind, household_id), reasons in found.items():
        weight = sum(screens[key].weight for key in reasons)
        lead = existing.pop((kind, household_id), None)
        if lead is None:
            lead = Lead(year=year, kind=kind, household_id=household_id, village_code=villages[household_id])
            new.append(lead)
        elif lead.is_current and lead.reasons == reasons and lead.weight == weight:
            continue
        else:
            changed.append(lead)
            if reasons.keys() - lead.reasons.keys():
                lead.result = Lead.Result.WAITING  # something that nobody looked into
        lead.reasons, lead.weight, lead.is_current, lead.seen_at = reasons, weight, True, now
    for lead in existing.values():
        if lead.is_current:
            lead.is_current = False
            changed.append(lead)
    Lead.objects.bulk_create(new, batch_size=2000)
    Lead.objects.bulk_update(changed, ["reasons", "weight", "is_current", "seen_at", "result"], batch_size=500)


def leads(reach: Reach, year: int, *, kind: str = "", result: str = "waiting", place: str = "") -> QuerySet[Lead, Lead]:
    """Current leads in reach, the weightiest first. `result`: one of Lead.Result, all or empty for any."""
    rows = Lead.objects.visible_to(reach).filter(year=year, is_current=True, village_code__startswith=place)
    if kind:
        rows = rows.filter(kind=kind)
    if result not in ("", "all"):
        rows = rows.filter(result=result)
    return rows.select_related("household", "looked_by").order_by("-weight", "id")


def page(rows: QuerySet[Lead, Lead], cursor: str, *, size: int = PAGE) -> tuple[list[Lead], str]:
    """One keyset page and the cursor of the next ('' at the end)."""
    weight, _tilde, key = cursor.partition("~")
    if weight.isdigit() and key:
        rows = rows.filter(Q(weight__lt=int(weight)) | Q(weight=int(weight), id__gt=key))
    return cut(rows, size, lambda lead: f"{lead.weight}~{lead.pk}")


def sentences(lead: Lead, pack: Pack, *, sensitive: bool) -> list[str]:
    """Its reasons in words, the weightiest first; health and phones masked for those without the right."""
    screens: Mapping[str, Any] = {screen.rule.id: screen for screen in pack.screens}
    known = sorted((key for key in lead.reasons if key in screens), key=lambda key: -screens[key].weight)
    return [messages.render(screens[key].rule, lead.reasons[key], pack, sensitive=sensitive) for key in known]


@transaction.atomic
def look_into(*, lead: Lead, result: str, note: str, by: User) -> Lead:
    """What was found out. Raises LeadRefused."""
    text = note.strip()[:MOST_NOTE]
    if result not in (Lead.Result.PROCEED, Lead.Result.NOTHING):
        raise LeadRefused(_("请选了解的结果。"))
    if len(text) < LEAST_NOTE:
        raise LeadRefused(_("请写明了解到的情况（至少 %(least)d 个字）。") % {"least": LEAST_NOTE})
    lead = Lead.objects.select_for_update().get(pk=lead.pk)
    set_act("lead.look")
    lead.result, lead.note, lead.looked_by, lead.looked_at = result, text, by, timezone.now()
    lead.save()
    return lead
