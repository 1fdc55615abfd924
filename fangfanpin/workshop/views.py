"""The rule workshop: every rule with how it fares, one rule with its text and SQL, the editor, parameters by date."""

import datetime
from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, needs
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.expressions.dialects import DIALECTS, rule_sql
from fangfanpin.jobs.services import start
from fangfanpin.pack import Pack, Rule
from fangfanpin.pack.codec import decimal_text
from fangfanpin.pack.units import unit_word
from fangfanpin.policy.models import PublishedPack
from fangfanpin.policy.own import given_id, own_of
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.quality.models import Clue
from fangfanpin.quality.standing import by_rule
from fangfanpin.workshop import handlers, services
from fangfanpin.workshop.services import Draft, DraftRefused, Fault

_VERSIONS = 15


def _pack() -> Pack:
    try:
        return pack_of(clock.current().pack)
    except clock.NoCampaign:
        raise Http404 from None


@needs(Verb.RULE_MANAGE, "GET")
def rules(request: SignedInRequest) -> HttpResponse:
    """GET `q`: id or words; `kind`: own, off, loosen."""
    campaign, pack = clock.current(), _pack()
    said, own = spoken(pack), own_of(campaign.pack)
    fares = {one.rule_id: one for one in by_rule(request.reach, campaign.year, pack)}
    q, kind = request.GET.get("q", "").strip()[:60], request.GET.get("kind", "")
    off = sorted(key for key, table in own.rules.items() if table.get("off"))
    shown = [one for one in sorted(said.rules, key=lambda one: one.id) if not q or q.upper() in one.id or q in one.title]
    if kind == "own":
        shown = [one for one in shown if one.id in own.rules]
    elif kind == "loosen":
        shown = [one for one in shown if (found := fares.get(one.id)) is not None and found.is_too_strict]
    rows = [{"rule": one, "fares": fares.get(one.id), "is_own": one.id in own.rules} for one in shown]
    return render(
        request,
        "workshop/rules.html",
        {
            "rows": [] if kind == "off" else rows,
            "off": off,
            "q": q,
            "kind": kind,
            "disputed": Clue.objects.visible_to(request.reach).filter(year=campaign.year, state=Clue.State.DISPUTED).count(),
            "versions": PublishedPack.objects.defer("content", "sources").select_related("published_by").order_by("-published_at")[:_VERSIONS],
            "in_force": campaign.pack_id,
            "given": given_id(campaign.pack.pack_id),
        },
    )


def _rule(pack: Pack, rule_id: str) -> Rule:
    found = next((rule for rule in pack.rules if rule.id == rule_id), None)
    if found is None:
        raise Http404
    return found


@needs(Verb.RULE_MANAGE, "GET")
def rule(request: SignedInRequest, rule_id: str) -> HttpResponse:
    campaign, pack = clock.current(), _pack()
    own = own_of(campaign.pack)
    if own.rules.get(rule_id, {}).get("off"):
        return render(request, "workshop/rule.html", {"id": rule_id, "is_off": True})
    found = _rule(pack, rule_id)
    used = [
        name for name in sorted({one.name for one in pack.parameters}) if f"param.{name}" in f"{found.when.text} {found.scope and found.scope.text}"
    ]
    return render(
        request,
        "workshop/rule.html",
        {
            "id": rule_id,
            "rule": _rule(spoken(pack), rule_id),
            "severity": dict(Clue.Severity.choices)[found.severity],
            "scope": found.scope.text if found.scope else "",
            "when": found.when.text,
            "dialects": [
                (title, rule_sql(found.when, found.scope, dialect, schema=pack.schema(), env=pack.constants())) for dialect, title in DIALECTS.items()
            ],
            "fares": next((one for one in by_rule(request.reach, campaign.year, pack) if one.rule_id == rule_id), None),
            "parameters": _parameters(spoken(pack), used),
            "is_own": rule_id in own.rules,
            "may_sweep": request.reach.has(Verb.CAMPAIGN_MANAGE),
            "is_new": bool(services.NEW_ID.fullmatch(rule_id)),
        },
    )


@needs(Verb.RULE_MANAGE, "GET", "POST")
def new(request: SignedInRequest) -> HttpResponse:
    pack = _pack()
    draft = (
        Draft.of(request.POST.dict())
        if request.method == "POST"
        else Draft(services.next_id(pack, own_of(clock.current().pack)), "", "W", "household", "", "", "", "")
    )
    return _edit(request, pack, draft, is_new=True)


@needs(Verb.RULE_MANAGE, "GET", "POST")
def change(request: SignedInRequest, rule_id: str) -> HttpResponse:
    pack = _pack()
    found = _rule(pack, rule_id)
    draft = Draft.of({**request.POST.dict(), "id": rule_id}) if request.method == "POST" else Draft.of_rule(found)
    return _edit(request, pack, draft, is_new=False)


def _edit(request: SignedInRequest, pack: Pack, draft: Draft, *, is_new: bool) -> HttpResponse:
    """POST `then`: try (a job counts the hits) or publish."""
    faults: dict[str, list[Fault]] = {}
    if request.method == "POST":
        try:
            if request.POST.get("then") == "publish":
                services.publish_rule(draft=draft, is_new=is_new, by=request.user)
                request.session.pop("rule_draft", None)  # it is no draft any more
                messages.success(request, _("已发布。下一次排查按新的规则；要马上看结果，请按“立即排查”。"))
                return redirect("workshop:rule", draft.id)
            services.checked(draft, is_new=is_new)
            given = asdict(draft) | {"site": request.build_absolute_uri("/")}
            job = start(
                kind=handlers.KIND,
                title=_("试算规则 %(rule)s") % {"rule": draft.id},
                by=request.user,
                parameters={**given, "is_new": is_new, "back": request.path, "back_words": _("回去修改或发布")},
            )
            request.session["rule_draft"] = {**given, "is_new": is_new}
            return redirect("jobs:job", job.pk)
        except DraftRefused as refused:
            faults = {name: list(found) for name, found in refused.faults.items()}
    elif is_new == request.session.get("rule_draft", {}).get("is_new") and (is_new or request.session["rule_draft"]["id"] == draft.id):
        draft = Draft.of(request.session["rule_draft"])  # back from the trial
    subjects, rows = services.subjects_of(pack)
    context: dict[str, Any] = {
        "draft": draft,
        "is_new": is_new,
        "faults": faults,
        "general": faults.get("", []),
        "severities": Clue.Severity.choices,
        "subjects": subjects,
        "rows": rows,
        "names": services.names_of(pack),
    }
    return render(request, "workshop/edit.html", context, status=422 if faults else 200)


@needs(Verb.RULE_MANAGE, "POST")
def check_text(request: SignedInRequest) -> JsonResponse:
    """POST `text`, `subject`: what is wrong with a condition while it is being typed."""
    found = services.expression_faults(request.POST.get("text", "")[:5000], _pack(), request.POST.get("subject", ""))
    return JsonResponse({"faults": [{"message": one.message, "before": one.before, "at": one.at, "after": one.after} for one in found]})


@needs(Verb.RULE_MANAGE, "POST")
def switch(request: SignedInRequest, rule_id: str) -> HttpResponse:
    """POST `to`: off, or back (the given pack's rule again; an own one is gone)."""
    own = own_of(clock.current().pack)
    if request.POST.get("to") == "off":
        _rule(_pack(), rule_id)
        is_own_only = bool(services.NEW_ID.fullmatch(rule_id))
        wanted = own.without_rule(rule_id) if is_own_only else own.with_rule(rule_id, {"off": True})
    else:
        wanted = own.without_rule(rule_id)
        if wanted == own:
            messages.error(request, _("这条规则本县没有改过，不用恢复。"))
            return redirect("workshop:rules")
    try:
        services.publish_own(own=wanted, by=request.user, act="rule.switch")
    except DraftRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("已发布。下一次排查按新的规则；要马上看结果，请按“立即排查”。"))
    return redirect("workshop:rules")


def _parameters(pack: Pack, names: list[str] | None = None) -> list[dict[str, Any]]:
    """Parameters with their values by date, the one in force marked."""
    found = []
    for name in sorted({one.name for one in pack.parameters}) if names is None else names:
        rows = [one for one in pack.parameters if one.name == name]
        in_force = max((one for one in rows if one.valid_from <= pack.state_date), key=lambda one: one.valid_from, default=None)
        values = [
            {
                "from": one.valid_from,
                "value": decimal_text(one.value, 2, money=True) if one.type == "money" else str(one.value),
                "source": one.source,
                "verified": one.verified,
                "in_force": in_force is not None and one.valid_from == in_force.valid_from,
            }
            for one in sorted({one.valid_from: one for one in rows}.values(), key=lambda one: one.valid_from)
        ]
        unit = unit_word(rows[-1].unit, english=pack.language == "en")
        found.append({"name": name, "title": rows[-1].title, "unit": unit, "type": rows[-1].type, "values": values})
    return sorted(found, key=lambda one: str(one["title"])) if names is None else found


@needs(Verb.RULE_MANAGE, "GET", "POST")
def parameters(request: SignedInRequest) -> HttpResponse:
    """POST `name`, `valid_from`, `value`, `source`: a value from a day on."""
    pack, own = _pack(), own_of(clock.current().pack)
    fault = ""
    if request.method == "POST":
        known = next((one for one in pack.parameters if one.name == request.POST.get("name")), None)
        try:
            day = datetime.date.fromisoformat(request.POST.get("valid_from", ""))
        except ValueError:
            day = None
        source = request.POST.get("source", "").strip()[:200]
        if known is None or day is None or not source:
            fault = _("请选参数，写明从哪一天起和依据（文件号）。")
        else:
            row = {
                "name": known.name, "type": known.type, "unit": known.unit, "valid_from": day.isoformat(),
                "value": request.POST.get("value", "").strip()[:20], "source": source, "verified": "yes", "note": known.note,
            }  # fmt: skip
            try:
                done = services.publish_own(own=own.with_parameter(row), by=request.user, act="parameter.publish")
            except DraftRefused as refused:
                fault = str(refused)
            else:
                messages.success(request, _("已发布。用到它的登记正在重新计算，进度见“我的任务”。") if done.job is not None else _("已发布。"))
                return redirect("workshop:parameters")
    found = _parameters(spoken(pack))
    titles = {one["name"]: one["title"] for one in found}
    context = {
        "parameters": found,
        "own_rows": [{**row, "title": titles.get(row["name"], row["name"])} for row in own.parameters],
        "fault": fault,
        "typed": request.POST,
    }
    return render(request, "workshop/parameters.html", context, status=422 if fault else 200)


@needs(Verb.RULE_MANAGE, "POST")
def withdraw_parameter(request: SignedInRequest) -> HttpResponse:
    """POST `name`, `valid_from` of a value that the county wrote."""
    own = own_of(clock.current().pack)
    wanted = own.without_parameter(request.POST.get("name", ""), request.POST.get("valid_from", ""))
    if wanted == own:
        messages.error(request, _("本县没有定过这个值，不用收回。"))
        return redirect("workshop:parameters")
    done = services.publish_own(own=wanted, by=request.user, act="parameter.withdraw")
    again = _("已收回，按原来的值。用到它的登记正在重新计算，进度见“我的任务”。")
    messages.success(request, again if done.job is not None else _("已收回，按原来的值。"))
    return redirect("workshop:parameters")
