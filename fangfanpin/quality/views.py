"""Clues by village, one clue with what to answer, review, the county's sweep."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.contrib import messages as notes
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, can, needs, require, within_reach
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.files.pictures import MOST_BYTES, Upload
from fangfanpin.households.models import Person
from fangfanpin.jobs.services import start
from fangfanpin.pack import Form, Pack, Rule
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.quality import handing, messages, queries
from fangfanpin.quality.clues import (
    ClueRefused,
    approve,
    confirm,
    confirm_many,
    correct,
    decide,
    dispute,
    rule_of,
    send_back,
)
from fangfanpin.quality.models import OPEN_STATES, Clue, ClueStep, Sweep
from fangfanpin.records import gates
from fangfanpin.records.models import Record
from fangfanpin.records.units import HOUSEHOLD_FORM, LIVE
from fangfanpin.regions.models import Region


def _rules(pack: Pack) -> Mapping[str, Rule]:
    return {rule.id: rule for rule in pack.rules}


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def clue_list(request: SignedInRequest) -> HttpResponse:
    """Clues in reach, household by household, with counts by rule and by village."""
    campaign = clock.current()
    pack = spoken(pack_of(campaign.pack))
    chosen = queries.ClueFilter.of(request.GET.dict())
    found, following = queries.page(queries.clues(request.reach, campaign.year, chosen), request.GET.get("after", ""))
    villages = queries.by_village(request.reach, campaign.year)
    within = chosen.place if len(chosen.place) < 12 else ""
    assigns = request.reach.has(Verb.CLUE_ASSIGN) and (chosen.state or "due") == "due"
    here = chosen.place if len(chosen.place) == 12 else request.reach.villages[0] if len(request.reach.villages) == 1 else ""
    counted = queries.by_rule(request.reach, campaign.year, pack, place=chosen.place)
    return render(
        request,
        "quality/clues.html",
        {
            "chosen": chosen,
            "rows": queries.with_sentences(found, pack, request.reach),
            "next_url": "?" + urlencode({**chosen.as_query(), "after": following}) if following else "",
            "filters": chosen.as_query(),
            "states": queries.STATES,
            "severities": Clue.Severity.choices,
            "assigned": queries.ASSIGNED,
            "rules": counted,
            "villages": [one for one in villages if one.code.startswith(within)],
            "due": sum(one.due for one in counted),
            "review": sum(one.review for one in counted),
            "information": sum(one.information for one in counted),
            "places": queries.places(request.reach, [one.code for one in villages]),
            "last_sweep": Sweep.objects.filter(year=campaign.year, state=Sweep.State.DONE).first(),
            "may_sweep": request.reach.has(Verb.CAMPAIGN_MANAGE),
            "may_export": request.reach.has(Verb.EXPORT_MAKE),
            "may_print": len(chosen.place) == 12 and request.reach.allows(Verb.SHEET_PRINT, village_code=chosen.place),
            "may_review": request.reach.has(Verb.CLUE_REVIEW),
            "may_sample": request.reach.has(Verb.CLUE_SAMPLE),
            "may_assign": assigns,
            "accounts": handing.accounts_of(here, timezone.localdate()) if assigns and here else [],
            "bulk": request.reach.has(Verb.CLUE_ANSWER) and (chosen.state or "due") == "due" and _allows_bulk(pack, chosen.rule),
            "query": urlencode(chosen.as_query()),
        },
    )


def _allows_bulk(pack: Pack, rule_id: str) -> bool:
    """May several clues of the chosen rule be answered at once?"""
    rule = _rules(pack).get(rule_id.upper())
    return rule is not None and rule.bulk_answer


@needs(Verb.CLUE_REVIEW, "GET")
def review_list(request: SignedInRequest) -> HttpResponse:
    """What was confirmed true and waits for a second person."""
    campaign = clock.current()
    pack = spoken(pack_of(campaign.pack))
    rows = queries.clues(request.reach, campaign.year, queries.ClueFilter(state="review")).select_related("answered_by")
    found, following = queries.page(rows, request.GET.get("after", ""))
    said = {
        step.clue_id: step for step in ClueStep.objects.filter(clue__in=found, kind=ClueStep.Kind.CONFIRMED).select_related("file").order_by("at")
    }
    return render(
        request,
        "quality/review.html",
        {
            "rows": [row | {"said": said.get(row["clue"].pk)} for row in queries.with_sentences(found, pack, request.reach)],
            "next_url": "?" + urlencode({"after": following}) if following else "",
        },
    )


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def clue(request: SignedInRequest, clue_id: UUID) -> HttpResponse:
    """What is wrong, why we think so, where to look, what to answer."""
    row = within_reach(Clue.objects.select_related("household", "person", "answered_by", "reviewed_by"), request.reach, pk=clue_id)
    return _page(request, row)


def _page(request: SignedInRequest, row: Clue, *, status: int = 200, typed: Mapping[str, str] | None = None) -> HttpResponse:
    campaign = clock.current()
    pack = spoken(pack_of(campaign.pack))
    rule = rule_of(row, pack)
    sensitive = can(request.reach, Verb.SENSITIVE_VIEW, row)
    home = row.household
    lead = Record.objects.filter(form=HOUSEHOLD_FORM, year=row.year, subject_id=home.pk).first() if home and not row.is_about_a_row else None
    closed = gates.closed(lead, request.user) if lead else None
    names = {str(person.pk): person.member_name for person in home.persons.all()} if home else {}
    used = messages.used_values(rule, row.used, pack, sensitive=sensitive) if rule else []
    beside = {"household": home} if home else {"subject_id": row.subject_id}
    others = Clue.objects.visible_to(request.reach).filter(**beside, year=row.year, state__in=OPEN_STATES).exclude(pk=row.pk)
    below = _registers_below(rule, pack) if rule and row.is_about_a_place else []
    asked = [form for name in sorted(rule.relations) if (form := _register_of(name, pack))] if rule and home else []
    answers = can(request.reach, Verb.CLUE_ANSWER, row)
    assigns = can(request.reach, Verb.CLUE_ASSIGN, row) and row.state in OPEN_STATES
    today = timezone.localdate()
    helper = handing.helpers_of([home.pk], today).get(home.pk) if assigns and home else None
    accounts = handing.accounts_of(row.village_code, today) if assigns else []
    return render(
        request,
        "quality/clue.html",
        {
            "clue": row,
            "may_ask": can(request.reach, Verb.RECORD_ENTER, row),
            "rule": rule,
            "sentence": queries.sentence(row, _rules(pack), pack, sensitive=sensitive),
            "used": [*_lines(used, names), *_same_number(row, rule, request.reach)],
            "where": queries.where_to_look(row, _rules(pack), pack),
            "has_last": any(one.last is not None for one in used),
            "year": row.year,
            "steps": row.steps.select_related("by", "file").order_by("at"),
            "others": queries.with_sentences(list(others.select_related("household", "person")[:20]), pack, request.reach),
            "may_assign": assigns,
            "helper": helper,
            "accounts": accounts,
            "has_whom": bool(helper or accounts or row.assigned_name),
            "may_answer": answers and row.state in OPEN_STATES,
            "may_decide": can(request.reach, Verb.RULE_MANAGE, row) and row.state == Clue.State.DISPUTED,
            "may_review": can(request.reach, Verb.CLUE_REVIEW, row) and row.state == Clue.State.CONFIRMED and row.reviewed_at is None,
            "is_own_answer": row.answered_by_id == request.user.pk,
            "may_enter": can(request.reach, Verb.RECORD_ENTER, row) and lead is not None and closed is None and not asked,
            "registers": asked,
            "below": below,
            "counts_homes": bool(rule and row.is_about_a_place and rule.relations & {"households", "members", "all_members", "spells"}),
            "item": rule.fields[0] if rule and rule.fields else "",
            "closed": closed,
            "typed": typed or {},
            "sweep_only": rule is not None and rule.reach == "set",
        },
        status=status,
    )


def _register_of(relation: str, pack: Pack) -> Form | None:
    """The register that a rule asks for, which is where its answer is typed."""
    form = pack.forms.get(pack.schema().relations[relation].table)
    return form if form is not None and form.is_register else None


def _registers_below(rule: Rule, pack: Pack) -> list[Form]:
    """The registers whose rows a rule on a village counts: perhaps one of them is wrong, not the village's table."""
    relations = pack.schema().relations_of(rule.subject)
    tables = dict.fromkeys(relations[name].table for name in sorted(rule.relations))
    return [form for table in tables if (form := pack.forms.get(table)) is not None and form.is_register]


def _lines(used: list[messages.UsedValue], names: Mapping[str, str]) -> list[dict[str, str | None]]:
    """Lines of “why we think so”: the subject's own values, then the household's, then one line an item over all members."""
    own = [{"item": one.item, "last": one.last, "now": one.now} for one in used if not one.whose and one.item != _("姓名")]
    homes = [{"item": _("本户%(item)s") % {"item": one.item}, "last": one.last, "now": one.now} for one in used if one.whose == "household"]
    beside: dict[str, list[messages.UsedValue]] = {}
    for one in used:
        if one.whose not in ("", "household"):
            beside.setdefault(one.item, []).append(one)

    def joined(rows: list[messages.UsedValue], year: str) -> str | None:
        said = [(names.get(row.whose, ""), getattr(row, year)) for row in rows]
        return "；".join(f"{name} {value}".strip() for name, value in said if value is not None) or None

    return [*own, *homes, *({"item": item, "last": joined(rows, "last"), "now": joined(rows, "now")} for item, rows in beside.items())]


def _same_number(row: Clue, rule: Rule | None, reach: Reach) -> list[dict[str, str | None]]:
    """For a rule on the identity number: the number masked, and who else within reach bears it. Beyond one's reach nothing is told."""
    if row.person is None or rule is None or all(reading.item != "id18_digest" for reading in messages.readings(rule)):
        return []
    others = Person.objects.visible_to(reach).filter(id18_digest=row.person.id18_digest, member_state=LIVE).exclude(pk=row.person.pk)
    found = list(others.select_related("household")[:10])
    villages = dict(Region.objects.filter(code__in=[person.village_code for person in found]).values_list("code", "name"))
    also = "；".join(f"{villages.get(one.village_code, '')} {one.household.head_name}户 {one.member_name}" for one in found)
    return [
        {"item": _("证件号码"), "last": None, "now": row.person.id_number_mask},
        {"item": _("也登记在"), "last": None, "now": also or _("您的管辖范围以外，请报乡镇或县里核对")},
    ]


@needs(Verb.CLUE_ANSWER, "POST")
def answer(request: SignedInRequest, clue_id: UUID) -> HttpResponse:
    """POST: `answer` corrected with `note`, confirmed with `evidence` and perhaps `file`, or disputed with `reason`."""
    row = within_reach(Clue.objects.select_related("household"), request.reach, pk=clue_id)
    require(request.reach, Verb.CLUE_ANSWER, row)
    try:
        if request.POST.get("answer") == "disputed":
            dispute(clue=row, reason=request.POST.get("reason", ""), by=request.user)
            notes.success(request, _("已报给县里。县里定了以后，会写在这一页的“经过”里。"))
        elif request.POST.get("answer") == "confirmed":
            file = request.FILES.get("file")
            upload = Upload(file.read(MOST_BYTES + 1), file.name or "") if file else None
            confirm(clue=row, evidence=request.POST.get("evidence", ""), upload=upload, by=request.user)
            notes.success(request, _("已记为核实无误，等乡镇审核。用到的数据不变，就不会再问。"))
        else:
            done = correct(clue=row, note=request.POST.get("note", ""), by=request.user)
            _tell_corrected(request, done)
    except ClueRefused as refused:
        notes.error(request, str(refused))
        row = within_reach(Clue.objects.select_related("household", "person", "answered_by", "reviewed_by"), request.reach, pk=clue_id)
        return _page(request, row, status=422, typed={name: request.POST.get(name, "") for name in ("answer", "note", "evidence", "reason")})
    return redirect("quality:clue", clue_id)


def _tell_corrected(request: SignedInRequest, done: Clue) -> None:
    if done.state == Clue.State.CLOSED:
        notes.success(request, _("已更正，复查通过，这条疑问消除了。"))
    elif done.state == Clue.State.CORRECTED:
        notes.success(request, _("已记为更正。这条规则要全县一起比对，下次排查时复查。"))
    else:
        (said,) = queries.with_sentences([done], spoken(pack_of(clock.current().pack)), request.reach)
        notes.warning(request, _("复查仍不符：%(message)s。请到录入页改好再答，或说明情况属实。") % {"message": said["sentence"]})


@needs(Verb.CLUE_REVIEW, "POST")
def review(request: SignedInRequest, clue_id: UUID) -> HttpResponse:
    """POST: `decision` approve, or return with `reason`."""
    row = within_reach(Clue.objects.select_related("household"), request.reach, pk=clue_id)
    require(request.reach, Verb.CLUE_REVIEW, row)
    try:
        if request.POST.get("decision") == "approve":
            approve(clue=row, note=request.POST.get("reason", ""), by=request.user)
            notes.success(request, _("已审核通过。"))
        else:
            send_back(clue=row, reason=request.POST.get("reason", ""), by=request.user)
            notes.success(request, _("已退回，村里会看到原因。"))
    except ClueRefused as refused:
        notes.error(request, str(refused))
        return redirect("quality:clue", clue_id)
    return redirect("quality:review_list")


@needs(Verb.RULE_MANAGE, "POST")
def decide_dispute(request: SignedInRequest, clue_id: UUID) -> HttpResponse:
    """POST: `decision` wrong (the rule is) or right, `reason`."""
    row = within_reach(Clue.objects.select_related("household"), request.reach, pk=clue_id)
    require(request.reach, Verb.RULE_MANAGE, row)
    is_wrong = request.POST.get("decision") == "wrong"
    try:
        decide(clue=row, is_rule_wrong=is_wrong, note=request.POST.get("reason", ""), by=request.user)
    except ClueRefused as refused:
        notes.error(request, str(refused))
    else:
        notes.success(request, _("已记下：规则有误，这一户不再问。") if is_wrong else _("已退回，村里会看到理由。"))
    return redirect("quality:clue", clue_id)


@needs(Verb.CLUE_ANSWER, "POST")
def answer_many(request: SignedInRequest) -> HttpResponse:
    """One answer "confirmed true" for clues ticked on the list. POST: `clue` (ids), `evidence`, `query` (the list's address)."""
    found = []
    for key in request.POST.getlist("clue")[: queries.PAGE]:
        row = within_reach(Clue.objects.select_related("household"), request.reach, pk=_uuid(key))
        require(request.reach, Verb.CLUE_ANSWER, row)
        found.append(row)
    try:
        count = confirm_many(clues=found, evidence=request.POST.get("evidence", ""), pack=pack_of(clock.current().pack), by=request.user)
    except ClueRefused as refused:
        notes.error(request, str(refused))
    else:
        notes.success(request, _("%(count)d 条已记为核实无误，等乡镇审核。") % {"count": count}) if count else notes.error(request, _("请先打勾。"))
    chosen = queries.ClueFilter.of(dict(parse_qsl(request.POST.get("query", "")[:500])))
    return redirect(f"{reverse('quality:clues')}?{urlencode(chosen.as_query())}")


@needs(Verb.CLUE_ASSIGN, "POST")
def hand_over(request: SignedInRequest) -> HttpResponse:
    """Clues ticked on a list, or one from its own page, to whoever verifies them. POST: `clue` (ids), `to` (handing.HELPER, handing.VILLAGE, an
    account's id), `whole` (all that is due in their households), `query` (the list's address; without it back to the clue)."""
    found = [within_reach(Clue.objects.all(), request.reach, pk=_uuid(key)) for key in request.POST.getlist("clue")[: queries.PAGE]]
    if request.POST.get("whole"):
        homes = {row.household_id for row in found if row.household_id is not None}
        found += list(Clue.objects.visible_to(request.reach).filter(queries.DUE, household_id__in=homes, year=clock.current().year))
    for row in found:
        require(request.reach, Verb.CLUE_ASSIGN, row)
    try:
        done = handing.hand_over(clues=found, to=request.POST.get("to", ""), by=request.user)
    except ClueRefused as refused:
        notes.error(request, str(refused) if found else _("请先打勾。"))
    else:
        _tell_handed(request, done, request.POST.get("to", ""))
    if "query" not in request.POST and found:
        return redirect("quality:clue", found[0].pk)
    chosen = queries.ClueFilter.of(dict(parse_qsl(request.POST.get("query", "")[:500])))
    return redirect(f"{reverse('quality:clues')}?{urlencode(chosen.as_query())}")


def _tell_handed(request: SignedInRequest, done: handing.Handed, to: str) -> None:
    if done.count:
        said = _("%(count)d 条已交回村里。") if to == handing.VILLAGE else _("%(count)d 条已交出去，核实人在首页和疑问列表里能看到。")
        notes.success(request, said % {"count": done.count})
    elif not done.left:
        notes.info(request, _("没有变化：这些疑问本来就由他核实。") if to != handing.VILLAGE else _("没有变化：这些疑问本来就在村里。"))
    if done.left:
        notes.warning(request, _("%(count)d 条没有交：这些户没有帮扶责任人，还由村里核实。") % {"count": done.left})


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


@needs(Verb.CAMPAIGN_MANAGE, "POST")
def sweep_now(request: SignedInRequest) -> HttpResponse:
    """The whole county, now, in the background. POST: perhaps `rule`, whose clues are asked about."""
    rule = request.POST.get("rule", "").strip()[:20]
    job = start(kind="quality.sweep", title=_("全县数据排查"), by=request.user, parameters={"rule": rule} if rule else {})
    return redirect("jobs:job", job.pk)


@needs(Verb.SHEET_PRINT, "POST")
def print_village(request: SignedInRequest, code: str) -> HttpResponse:
    """The clue list of one village on paper."""
    village = Region.objects.villages().filter(pk=code).first()
    if village is None or code not in request.reach or not request.reach.allows(Verb.SHEET_PRINT, village_code=code):
        raise Http404
    title = _("%(village)s疑似问题清单") % {"village": village.name}
    job = start(kind="quality.clue_list", title=title, by=request.user, parameters={"village": code})
    return redirect("jobs:job", job.pk)
