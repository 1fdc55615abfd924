"""The register of responsible helpers: list, pair, change, end. Its items come from the dictionary."""

import datetime
import uuid
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, can, needs, require, within_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.households.models import Household, Pairing
from fangfanpin.households.services import RevealRefused, reveal
from fangfanpin.pack import Pack
from fangfanpin.pairings import dictionary, services
from fangfanpin.pairings import listing as rows_of
from fangfanpin.policy.services import spoken
from fangfanpin.records.current_year import NoYear, current_year
from fangfanpin.regions.names import townships
from fangfanpin.registers import fields
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.reading import say
from fangfanpin.registers.references import Words
from fangfanpin.registers.services import Given, Refused


def _form() -> tuple[Register, Pack]:
    """The form and the pack, in the language of who asks."""
    try:
        pack = spoken(current_year().pack)
    except NoYear:
        raise Http404 from None
    register = dictionary.register_of_pairings(pack)
    if register is None:
        raise Http404
    return register, pack


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def listing(request: SignedInRequest) -> HttpResponse:
    register, pack = _form()
    chosen = rows_of.chosen_of(request.GET.dict())
    found, cursor = rows_of.page(rows_of.pairings(request.reach, chosen, timezone.localdate()), request.GET.get("after", ""))
    words, shown = Words(request.reach), rows_of.items(register)
    today = timezone.localdate()
    rows = [
        {
            "pairing": row,
            "cells": [
                (item, say(item, dictionary.value_of(row, item), pack, words, sensitive=can(request.reach, Verb.SENSITIVE_VIEW, row)))
                for item in shown
            ],
            "state": "idle" if row.end_on and row.end_on <= today else "warn" if row.start_on > today else "ok",
            "may_edit": can(request.reach, Verb.HOUSEHOLD_EDIT, row),
        }
        for row in found
    ]
    return render(
        request,
        "pairings/list.html",
        {
            "register": register,
            "titles": [item.label for item in shown],
            "rows": rows,
            "chosen": chosen,
            "states": rows_of.state_words(),
            "places": townships(request.reach.villages),
            "next_url": f"{request.path}?{urlencode({**chosen.query(), 'after': cursor})}" if cursor else "",
            "may_add": request.reach.has(Verb.HOUSEHOLD_EDIT),
            "may_hand_over": request.reach.has(Verb.ACT_HOUSEHOLD),
            "narrowed": bool(chosen.query()),
        },
    )


def _page(
    request: SignedInRequest,
    register: Register,
    pack: Pack,
    given: dict[str, Given],
    refused: Refused | None,
    *,
    pairing: Pairing | None = None,
    pairing_id: str = "",
) -> HttpResponse:
    fixed = frozenset({dictionary.SUBJECT}) if pairing is not None else frozenset()
    return render(
        request,
        "pairings/edit.html",
        {
            "register": register,
            "pairing": pairing,
            "pairing_id": pairing_id,
            "groups": fields.groups(register, pack, given, refused, request.reach, fixed=fixed),
            "refused": refused,
            "general": refused.faults.get("", "") if refused else "",
            "secret": dictionary.SECRET,
            "may_reveal": pairing is not None and can(request.reach, Verb.SECRET_REVEAL, pairing),
            "today": timezone.localdate(),
        },
        status=422 if refused else 200,
    )


@needs(Verb.HOUSEHOLD_EDIT, "GET", "POST")
def new(request: SignedInRequest) -> HttpResponse:
    """GET `household`: the choice is spared."""
    register, pack = _form()
    asked = request.GET.get("household", "")
    household = within_reach(Household.objects.all(), request.reach, pk=_uuid(asked)) if asked else None
    given, refused = dictionary.blank_for(household), None
    pairing_id = request.POST.get("pairing_id") or str(uuid.uuid4())
    if request.method == "POST":
        given = fields.given_of(register, request)
        try:
            services.save(pairing=None, register=register, pack=pack, given=given, reach=request.reach, by=request.user, pairing_id=_uuid(pairing_id))
        except Refused as found:
            refused = found
        else:
            messages.success(request, _("已登记结对。"))
            return redirect("pairings:list")
    return _page(request, register, pack, given, refused, pairing_id=pairing_id)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


@needs(Verb.HOUSEHOLD_EDIT, "GET", "POST")
def edit(request: SignedInRequest, pairing_id: UUID) -> HttpResponse:
    register, pack = _form()
    pairing = within_reach(Pairing.objects.select_related("household"), request.reach, pk=pairing_id)
    require(request.reach, Verb.HOUSEHOLD_EDIT, pairing)
    given, refused = dictionary.given_from(pairing, register, pack, Words(request.reach)), None
    if request.method == "POST":
        given |= fields.given_of(register, request, whose=False)
        try:
            services.save(pairing=pairing, register=register, pack=pack, given=given, reach=request.reach, by=request.user)
        except Refused as found:
            refused = found
        else:
            messages.success(request, _("已保存。"))
            return redirect("pairings:list")
    return _page(request, register, pack, given, refused, pairing=pairing)


@needs(Verb.SECRET_REVEAL, "POST")
def show_in_full(request: SignedInRequest, pairing_id: UUID, name: str) -> HttpResponse:
    """The helper's whole number, with a reason and a trace."""
    pairing = within_reach(Pairing.objects.select_related("household"), request.reach, pk=pairing_id)
    require(request.reach, Verb.SECRET_REVEAL, pairing)
    try:
        return JsonResponse({"value": reveal(row=pairing, name=name, reason=request.POST.get("reason", ""), by=request.user)})
    except RevealRefused as refused:
        return JsonResponse({"message": str(refused)}, status=422)


@needs(Verb.HOUSEHOLD_EDIT, "POST")
def end(request: SignedInRequest, pairing_id: UUID) -> HttpResponse:
    """POST `on`: the first day on which the helper no longer helps; today where none is given."""
    pairing = within_reach(Pairing.objects.all(), request.reach, pk=pairing_id)
    require(request.reach, Verb.HOUSEHOLD_EDIT, pairing)
    try:
        on = datetime.date.fromisoformat(request.POST.get("on") or timezone.localdate().isoformat())
        services.end(pairing=pairing, on=on, by=request.user)
    except ValueError:
        messages.error(request, _("请填结束日期，例如 2021-11-05。"))
    except Refused as refused:
        messages.error(request, next(iter(refused.faults.values())))
    else:
        messages.success(request, _("已结束这条结对，以前的记录保留。"))
        return redirect("pairings:list")
    return redirect(reverse("pairings:edit", args=[pairing.pk]))
