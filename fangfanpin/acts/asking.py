"""What pages of acts share: reading what was chosen, showing before and after, asking for the reason, doing it."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.permissions import SignedInRequest
from fangfanpin.acts import planning
from fangfanpin.acts.plans import ActRefused, Plan, carry_out, must_hold
from fangfanpin.pairings.services import Helper, helper_of

_OWN = frozenset({"csrfmiddlewaretoken", "sure", "reason", "back"})


@dataclass(frozen=True, slots=True)
class Choice:
    """What stands in a chooser: `value` the id, `words` as shown."""

    value: str
    words: str


def ask(request: SignedInRequest, template: str, context: Mapping[str, Any], make: Callable[[], Plan]) -> HttpResponse:
    """GET and "back": the form. POST: what would be before and after, with the reason asked for. POST `sure`: it is done; planned, where its day
    has not come; given to the worker, where it is large."""
    if request.method != "POST" or "back" in request.POST:
        return render(request, template, {**context, "given": given_of(request)})
    try:
        plan = make()
        must_hold(request.reach, plan.kind, plan.villages)
    except ActRefused as refused:
        return render(request, template, {**context, "given": given_of(request), "refused": str(refused), "fault": refused.field}, status=422)
    fault = ""
    if request.POST.get("sure") == "1":
        try:
            return _done(request, plan)
        except ActRefused as refused:
            fault = str(refused)
    hidden = [(name, value) for name in request.POST if name not in _OWN for value in request.POST.getlist(name)]
    also = planning.waiting(request.reach, plan.villages) if plan.order is not None else []
    is_job = plan.order is not None and plan.rows > planning.AT_ONCE and not plan.is_ahead
    shown = {"plan": plan, "hidden": hidden, "fault": fault, "reason": request.POST.get("reason", ""), "also": also, "is_job": is_job}
    return render(request, "acts/look.html", shown, status=422 if fault else 200)


def _done(request: SignedInRequest, plan: Plan) -> HttpResponse:
    """Raises ActRefused."""
    reason = request.POST.get("reason", "")
    if plan.order is not None and plan.is_ahead:
        planned = planning.plan_ahead(plan, reason=reason, by=request.user, reach=request.reach)
        messages.success(request, _("已列入计划，到那天自动办理。在那以前可以在这一页撤回。"))
        return redirect("acts:planned", planned.pk)
    if plan.order is not None and plan.rows > planning.AT_ONCE:
        return redirect("jobs:job", planning.start_act(plan, reason=reason, by=request.user, reach=request.reach).pk)
    act = carry_out(plan, reason=reason, by=request.user, reach=request.reach)
    messages.success(request, _("已办理。需要时可以在这一页撤销。"))
    return redirect("acts:act", act.pk)


def given_of(request: SignedInRequest) -> QueryDict:
    return request.POST if request.method == "POST" else request.GET


def day_of(text: str) -> datetime.date:
    """Raises ActRefused."""
    try:
        return datetime.date.fromisoformat(text.strip())
    except ValueError:
        raise ActRefused(_("请填日期，例如 %(today)s。") % {"today": timezone.localdate().isoformat()}, "on") from None


def uuids(texts: Sequence[str]) -> list[UUID]:
    """Those that are ids; what a client sends is not believed."""
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def one_uuid(text: str) -> UUID | None:
    return next(iter(uuids([text])), None)


def user_of(given: QueryDict, name: str) -> User | None:
    """The account that was chosen, or the one of exactly the typed name."""
    chosen = next((value for value in given.getlist(f"{name}.id") if value.isdigit()), "")
    if chosen:
        return User.objects.filter(pk=int(chosen)).first()
    typed = given.get(name, "").strip()
    found = list(User.objects.filter(name=typed, is_active=True)[:2]) if typed else []
    return found[0] if len(found) == 1 else None


def helper_given(given: QueryDict, name: str) -> Helper | None:
    """Who was chosen or typed; None where the field is empty."""
    if (user := user_of(given, name)) is not None:
        return helper_of(user)
    typed = given.get(name, "").strip()[:60]
    return Helper(name=typed, phone=given.get(f"{name}.phone", "").strip()[:20], unit=given.get(f"{name}.unit", "").strip()[:120]) if typed else None
