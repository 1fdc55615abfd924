"""The household page: who lives here, what changed, what is owed, what help they get; history, as-of, file."""

import datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, can, needs, require, within_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.archives import on_site, reading
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.services import unlock_in_force
from fangfanpin.households.models import Household, Person
from fangfanpin.households.services import RevealRefused, reveal
from fangfanpin.jobs.services import start
from fangfanpin.pack.load import SHANGHAI
from fangfanpin.policy.periods import window
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.privacy.secrets import mask_text
from fangfanpin.quality.queries import with_sentences
from fangfanpin.records import gates
from fangfanpin.records.saving import is_reopened
from fangfanpin.records.units import HOUSEHOLD_FORM, TARGET_HOUSEHOLD, load_unit
from fangfanpin.registers import months
from fangfanpin.registers import services as registers
from fangfanpin.registers.definitions import registers_of


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def household(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    row = within_reach(Household.objects.all(), request.reach, pk=household_id)
    campaign = clock.current()
    pack = spoken(pack_of(campaign.pack))
    sensitive = can(request.reach, Verb.SENSITIVE_VIEW, row)
    unit = load_unit(row, campaign.year)
    lead = unit.records.get(TARGET_HOUSEHOLD)
    closed = gates.closed(lead, request.user) if lead else None
    return render(
        request,
        "archives/household.html",
        {
            "household": row,
            "is_light": row.kind == Household.Kind.ORDINARY and not unit.persons and lead is None,  # head and address, and no more is kept
            "address": row.address if sensitive else mask_text(row.address),
            "lead": lead,
            "closed": closed,
            "reopened": lead is not None and is_reopened(lead),
            "members": [reading.member(unit, person, pack, sensitive=sensitive) for person in unit.persons],
            "proved": {slot.of for slot in on_site.slots_of_members(unit, pack)},  # whose change has or wants its papers
            "sections": reading.sections(unit, pack, sensitive=sensitive),
            "years": sorted(row.records.filter(form=HOUSEHOLD_FORM).values_list("year", flat=True), reverse=True),
            "spells": [reading.spell(found, pack) for found in unit.spells],
            "pairings": row.pairings.order_by("-start_on"),
            "location": unit.location,
            "clues": with_sentences(
                row.clues.filter(year=campaign.year).select_related("person").order_by("state", "severity", "rule_id"), pack, request.reach
            ),
            "conflicts": row.conflicts.filter(state="open").count(),
            "papers": reading.papers(unit, pack),
            "unlocked": unlock_in_force(row, campaign.year),
            "may_ask": can(request.reach, Verb.RECORD_ENTER, row),
            "may_enter": can(request.reach, Verb.RECORD_ENTER, row) and lead is not None and closed is None,
            "may_review": can(request.reach, Verb.RECORD_REVIEW, row),
            "may_unlock": can(request.reach, Verb.RECORD_UNLOCK, row),
            "may_reveal": can(request.reach, Verb.SECRET_REVEAL, row),
            "may_print": can(request.reach, Verb.SHEET_PRINT, row),
            "worked": months.of_household(row, campaign.year, pack, request.reach),
            "period": window(pack, "period"),
            "registers": registers.of_household(row, pack, request.reach),
            "may_register": can(request.reach, Verb.RECORD_ENTER, row) and row.kind == Household.Kind.ASSISTED,
            "may_act": can(request.reach, Verb.ACT_HOUSEHOLD, row),
            "may_pair": can(request.reach, Verb.HOUSEHOLD_EDIT, row),
            "register_kinds": [found for found in registers_of(pack) if found.form.subject == "household"],
            "bank": {"name": row.bank_name, "mask": row.bank_card_mask, "holder": row.bank_holder},
        },
    )


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def item_history(request: SignedInRequest, household_id: UUID, target: str, name: str) -> HttpResponse:
    """Every change of one item: value before and after, who, when, from where."""
    row = within_reach(Household.objects.all(), request.reach, pk=household_id)
    campaign = clock.current()
    pack = spoken(pack_of(campaign.pack))
    unit = load_unit(row, campaign.year)
    found = reading.item_steps(unit, target, name, pack, sensitive=can(request.reach, Verb.SENSITIVE_VIEW, row))
    if found is None:
        raise Http404
    indicator, steps = found
    person = unit.person(target)
    context = {
        "household": row,
        "indicator": indicator,
        "steps": steps,
        "member": person.member_name if person else "",
        "target": target,
        "name": name,
    }
    return render(request, "archives/history.html", context)


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def as_of(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    """The household as the system knew it on a day (end of that day, Asia/Shanghai)."""
    row = within_reach(Household.objects.all(), request.reach, pk=household_id)
    campaign = clock.current()
    day = parse_date(request.GET.get("day", "")) if request.GET.get("day") else None
    context: dict[str, Any] = {"household": row, "day": day, "asked": request.GET.get("day", "")}
    if day is not None:
        moment = datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time(), SHANGHAI)
        context["known"] = reading.as_known(
            load_unit(row, campaign.year), spoken(pack_of(campaign.pack)), moment, sensitive=can(request.reach, Verb.SENSITIVE_VIEW, row)
        )
    return render(request, "archives/as_of.html", context)


@needs(Verb.SECRET_REVEAL, "POST")
def show_in_full(request: SignedInRequest, household_id: UUID, target: str, name: str) -> HttpResponse:
    """A whole number, with a reason and a trace."""
    household_row = within_reach(Household.objects.all(), request.reach, pk=household_id)
    require(request.reach, Verb.SECRET_REVEAL, household_row)
    row: Household | Person = household_row
    if target != TARGET_HOUSEHOLD:
        try:
            row = within_reach(Person.objects.select_related("household"), request.reach, pk=UUID(target), household=household_row)
        except ValueError:
            raise Http404 from None
    try:
        return JsonResponse({"value": reveal(row=row, name=name, reason=request.POST.get("reason", ""), by=request.user)})
    except RevealRefused as refused:
        return JsonResponse({"message": str(refused)}, status=422)


@needs(Verb.SHEET_PRINT, "POST")
def make_file(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    """The household's file as PDF, made in the background."""
    row = within_reach(Household.objects.all(), request.reach, pk=household_id)
    require(request.reach, Verb.SHEET_PRINT, row)
    job = start(
        kind="archives.household_file",
        title=_("%(name)s户一户一档") % {"name": row.head_name},
        by=request.user,
        parameters={"household": str(row.pk)},
    )
    return redirect("jobs:job", job.pk)
