"""Guided acts: the list with undo, and for each kind a form, a look at before and after, and the reason."""

import datetime
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, can, needs, require, within_reach
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.acts import changes, orders, planning
from fangfanpin.acts.asking import Choice, ask, day_of, given_of, helper_given, one_uuid, user_of, uuids
from fangfanpin.acts.deeds import divisions as of_divisions
from fangfanpin.acts.deeds import handover, members, persons
from fangfanpin.acts.models import Act, PlannedAct
from fangfanpin.acts.moving import live_members
from fangfanpin.acts.plans import ActRefused, Plan, holds, verb_of
from fangfanpin.acts.undoing import standing
from fangfanpin.acts.undoing import undo as undo_act
from fangfanpin.households.models import Household, Person
from fangfanpin.pairings.services import Helper
from fangfanpin.policy.services import spoken
from fangfanpin.records.current_year import CurrentYear, NoYear, current_year
from fangfanpin.regions.models import Region
from fangfanpin.regions.names import name_of, townships

_PAGE = 50
_LONGEST_NUMBER = 19  # digits of an event's number
_SUCCESSORS = ("to1", "to2", "to3")


@needs(Verb.ACT_HOUSEHOLD, "GET")
def listing(request: SignedInRequest) -> HttpResponse:
    """GET `place`, `kind`, `after`."""
    place, kind, after = (request.GET.get(name, "") for name in ("place", "kind", "after"))
    rows = Act.objects.visible_to(request.reach).select_related("by")
    if place:
        rows = rows.filter(Q(village_code__startswith=place) | Q(villages__contains=[place]))
    if kind in Act.Kind.values:
        rows = rows.filter(kind=kind)
    if (moment := _moment(after)) is not None:
        rows = rows.filter(at__lt=moment)
    found = list(rows[: _PAGE + 1])
    query = {name: value for name, value in (("place", place), ("kind", kind)) if value}
    cursor = found[_PAGE - 1].at.isoformat() if len(found) > _PAGE else ""
    return render(
        request,
        "acts/list.html",
        {
            "rows": found[:_PAGE],
            "kinds": Act.Kind.choices,
            "kind": kind,
            "place": place,
            "places": townships(request.reach.villages),
            "narrowed": bool(query),
            "next_url": f"{request.path}?{urlencode({**query, 'after': cursor})}" if cursor else "",
            "may_divisions": request.reach.has(Verb.ACT_DIVISION),
            "waiting": [] if after else planning.waiting(request.reach),
            "refused": planning.refused(request.user, request.reach),
        },
    )


def _moment(text: str) -> datetime.datetime | None:
    try:
        return parse_datetime(text)
    except ValueError:
        return None


def _act(request: SignedInRequest, act_id: UUID) -> Act:
    return within_reach(Act.objects.select_related("by"), request.reach, pk=act_id)


@needs(Verb.ACT_HOUSEHOLD, "GET")
def act(request: SignedInRequest, act_id: UUID) -> HttpResponse:
    """Before, after, why; whether it can be undone; and what it changed row by row. GET `kind`: a table; `after`: the last row seen."""
    row = _act(request, act_id)
    counted = changes.counts(row)
    kind = next((one.table for one in counted if one.table == request.GET.get("kind")), "")
    after = request.GET.get("after", "")
    shown, cursor = changes.page(row, request.reach, table=kind, after=int(after) if after.isdecimal() and len(after) < _LONGEST_NUMBER else 0)
    query = {name: value for name, value in (("kind", kind), ("after", cursor)) if value}
    undoing = Act.objects.visible_to(request.reach).filter(undoes=row).select_related("by").first()
    may_undo = row.kind != Act.Kind.UNDO and row.state == Act.State.DONE and holds(request.reach, row.kind, row.villages)
    in_the_way: Sequence[str] = ()
    if may_undo:
        try:
            in_the_way = standing(row)
        except ActRefused as refused:
            in_the_way = [str(refused)]
    context = {
        "act": row,
        "undoing": undoing,
        "may_undo": may_undo,
        "in_the_way": in_the_way,
        "counts": counted,
        "total": sum(one.count for one in counted),
        "kind": kind,
        "changes": shown,
        "next_url": f"{request.path}?{urlencode(query)}#changes" if cursor else "",
    }
    return render(request, "acts/act.html", context)


@needs(Verb.ACT_HOUSEHOLD, "POST")
def undo(request: SignedInRequest, act_id: UUID) -> HttpResponse:
    """POST `reason`."""
    row = _act(request, act_id)
    if not request.reach.allows(verb_of(row.kind), village_code=row.village_code):
        raise PermissionDenied
    try:
        if (row.events or 0) > planning.AT_ONCE:
            return redirect("jobs:job", planning.start_undo(row, reason=request.POST.get("reason", ""), by=request.user).pk)
        done = undo_act(act=row, reason=request.POST.get("reason", ""), by=request.user, reach=request.reach)
    except ActRefused as refused:
        messages.error(request, str(refused))
        return redirect("acts:act", row.pk)
    messages.success(request, _("已撤销，各项资料恢复到办理以前。"))
    return redirect("acts:act", done.pk)


# --- helpers


@needs(Verb.ACT_HOUSEHOLD, "GET", "POST")
def hand_over(request: SignedInRequest) -> HttpResponse:
    """`helper`: who leaves; `to1` … `to3`: who takes over; then per household `row` and `to-ID`."""
    given = given_of(request)
    user, name = user_of(given, "helper"), given.get("helper", "").strip()[:60]
    rows = handover.open_pairings(user=None, name=name, reach=request.reach) if name and not given.get("helper.id") else []
    if not rows and user is not None:
        rows = handover.open_pairings(user=user, name="", reach=request.reach)
    helpers = {field: helper for field in _SUCCESSORS if (helper := helper_given(given, field)) is not None}
    chosen = set(given.getlist("row"))
    shown: list[dict[str, Any]] = [
        {
            "pairing": row,
            "to": given.get(f"to-{row.pk}", "") or _share(number, len(rows), list(helpers)),
            "is_chosen": request.method != "POST" or str(row.pk) in chosen,
        }
        for number, row in enumerate(rows)
    ]

    def make() -> Plan:
        if not helpers:
            raise ActRefused(_("请先填接手的人。"), "to1")
        to: dict[UUID, Helper] = {}
        for one in shown:
            if one["is_chosen"]:
                helper = helpers.get(str(one["to"]))
                if helper is None:
                    raise ActRefused(_("请给每一户选接手的人。"), "row")
                to[one["pairing"].pk] = helper
        return handover.plan(rows, to, day_of(given.get("on", "")), by=request.user)

    context = {
        "rows": shown,
        "helpers": helpers,
        "asked": bool(name or user),
        "who": Choice(str(user.pk), user.name) if user is not None and given.get("helper.id") else None,
        "name": name,
        "fields": [(field, _chosen_user(given, field), given.get(field, "")) for field in _SUCCESSORS],
        "today": timezone.localdate(),
    }
    return ask(request, "acts/hand_over.html", context, make)


def _chosen_user(given: QueryDict, name: str) -> Choice | None:
    user = user_of(given, name) if given.get(f"{name}.id") else None
    return Choice(str(user.pk), user.name) if user is not None else None


def _share(number: int, count: int, names: Sequence[str]) -> str:
    """Neighbours to the same successor: the walking order cut into equal parts."""
    return names[number * len(names) // count] if names and count else ""


# --- households and persons


def _year() -> CurrentYear:
    try:
        return current_year()
    except NoYear:
        raise PermissionDenied from None


def _household(request: SignedInRequest, household_id: UUID) -> Household:
    row = within_reach(Household.objects.all(), request.reach, pk=household_id)
    require(request.reach, Verb.ACT_HOUSEHOLD, row)
    return row


def _person(request: SignedInRequest, person_id: UUID) -> Person:
    row = within_reach(Person.objects.select_related("household"), request.reach, pk=person_id)
    require(request.reach, Verb.ACT_HOUSEHOLD, row)
    return row


def _other_household(request: SignedInRequest, name: str) -> Household:
    """The one chosen, or typed by its code."""
    key = one_uuid(request.POST.get(f"{name}.id", ""))
    rows = Household.objects.visible_to(request.reach)
    found = rows.filter(pk=key).first() if key else rows.filter(code=request.POST.get(name, "").strip() or "-").first()
    if found is None or not can(request.reach, Verb.ACT_HOUSEHOLD, found):
        raise ActRefused(_("请从提示里选一户，或填户编号。"), name)
    return found


def _chosen_household(request: SignedInRequest, name: str) -> Choice | None:
    key = one_uuid(request.POST.get(f"{name}.id", ""))
    row = Household.objects.visible_to(request.reach).filter(pk=key).first() if key else None
    return Choice(str(row.pk), members.called(row)) if row is not None else None


def _reasons(now: CurrentYear, kind: str) -> list[tuple[str, str]]:
    pack = spoken(now.pack)
    allowed = pack.change_reasons(kind)
    return [(entry.code, entry.word) for entry in pack.lists["member_change"] if entry.code in allowed]


def _moving(request: SignedInRequest, keys: Sequence[UUID]) -> members.Moving:
    return members.Moving(
        relations={key: request.POST.get(f"relation-{key}", "") for key in keys},
        on=day_of(request.POST.get("on", "")),
        leave_reason=request.POST.get("leave_reason", "") or members.SPLIT_OFF,
        arrive_reason=request.POST.get("arrive_reason", "") or members.OTHER_ARRIVAL,
    )


def _members(request: SignedInRequest, household: Household) -> list[dict[str, Any]]:
    chosen = set(request.POST.getlist("member"))
    return [
        {"person": person, "is_chosen": str(person.pk) in chosen, "relation": request.POST.get(f"relation-{person.pk}", "")}
        for person in live_members(household)
    ]


def _member_context(request: SignedInRequest, household: Household, now: CurrentYear) -> dict[str, Any]:
    return {
        "household": household,
        "members": _members(request, household),
        "relations": members.relation_choices(spoken(now.pack)),
        "leave_reasons": _reasons(now, "decrease"),
        "arrive_reasons": _reasons(now, "increase"),
        "leave_reason": request.POST.get("leave_reason", members.SPLIT_OFF),
        "arrive_reason": request.POST.get("arrive_reason", members.OTHER_ARRIVAL),
        "stay_head": request.POST.get("stay_head", ""),
        "today": timezone.localdate(),
    }


@needs(Verb.ACT_HOUSEHOLD, "GET")
def household(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    """What can be done with a household and its members, and what was done."""
    row = _household(request, household_id)
    done = Act.objects.visible_to(request.reach).filter(household_id=row.pk).select_related("by")[:20]
    return render(request, "acts/household.html", {"household": row, "members": live_members(row), "acts": done})


@needs(Verb.ACT_HOUSEHOLD, "GET", "POST")
def split(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    row, now = _household(request, household_id), _year()

    def make() -> Plan:
        moving = _moving(request, uuids(request.POST.getlist("member")))
        return members.plan_split(row, moving, stay_head=one_uuid(request.POST.get("stay_head", "")), now=now)

    return ask(request, "acts/split.html", _member_context(request, row, now), make)


@needs(Verb.ACT_HOUSEHOLD, "GET", "POST")
def merge(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    """This household becomes part of `into`."""
    row, now = _household(request, household_id), _year()

    def make() -> Plan:
        moving = _moving(request, [person.pk for person in live_members(row)])
        return members.plan_merge(_other_household(request, "into"), row, moving, now=now)

    context = _member_context(request, row, now) | {
        "into": _chosen_household(request, "into"),
        "into_text": request.POST.get("into", ""),
        "leave_reason": request.POST.get("leave_reason", members.OTHER_LEAVE),
    }
    return ask(request, "acts/merge.html", context, make)


@needs(Verb.ACT_HOUSEHOLD, "GET", "POST")
def move_member(request: SignedInRequest, person_id: UUID) -> HttpResponse:
    person, now = _person(request, person_id), _year()

    def make() -> Plan:
        moving = _moving(request, [person.pk])
        return members.plan_move(person, _other_household(request, "into"), moving, stay_head=one_uuid(request.POST.get("stay_head", "")), now=now)

    context = {
        **_member_context(request, person.household, now),
        "person": person,
        "relation": request.POST.get(f"relation-{person.pk}", ""),
        "into": _chosen_household(request, "into"),
        "into_text": request.POST.get("into", ""),
        "leave_reason": request.POST.get("leave_reason", members.OTHER_LEAVE),
    }
    return ask(request, "acts/move_member.html", context, make)


@needs(Verb.ACT_HOUSEHOLD, "GET", "POST")
def merge_person(request: SignedInRequest, person_id: UUID) -> HttpResponse:
    """`double`: the row that becomes part of this one."""
    person, now = _person(request, person_id), _year()
    key = one_uuid(request.POST.get("double.id", "") or request.POST.get("alike", "") or request.GET.get("double", ""))
    rows = Person.objects.visible_to(request.reach).select_related("household")
    double = rows.filter(pk=key).first() if key else rows.filter(code=request.POST.get("double", "").strip() or "-").first()

    def make() -> Plan:
        if double is None or not can(request.reach, Verb.ACT_HOUSEHOLD, double):
            raise ActRefused(_("请从提示里选重复的那一条，或填人编号。"), "double")
        return persons.plan(person, double, now=now)

    context = {
        "person": person,
        "alike": _alike(person, request.reach),
        "double": Choice(str(double.pk), double.member_name) if double is not None else None,
        "double_text": request.POST.get("double", ""),
    }
    return ask(request, "acts/merge_person.html", context, make)


def _alike(person: Person, reach: Reach) -> list[Person]:
    """Rows that may be the same person: the same number, or the same name and day of birth or village."""
    same = Q(member_name=person.member_name, village_code=person.village_code)
    if person.id_number_digest:
        same |= Q(id_number_digest=person.id_number_digest)
    if person.birth_date is not None:
        same |= Q(member_name=person.member_name, birth_date=person.birth_date)
    rows = Person.objects.visible_to(reach).filter(same, merged_into__isnull=True).exclude(pk=person.pk)
    return list(rows.select_related("household")[:20])


# --- divisions


@needs(Verb.ACT_DIVISION, "GET")
def divisions(request: SignedInRequest) -> HttpResponse:
    """What can be done with the division tree."""
    return render(request, "acts/divisions.html", {"waiting": planning.waiting(request.reach)})


def _level(request: SignedInRequest) -> str:
    level = request.POST.get("level") or request.GET.get("level", "")
    return level if level in of_divisions.LEVELS else "village"


def _codes(request: SignedInRequest, name: str) -> list[str]:
    """Divisions chosen in a chooser, ticked, selected, or typed by code."""
    given = given_of(request)
    found = [value for value in (*given.getlist(f"{name}.id"), *given.getlist(name)) if value.isdigit()]
    return list(dict.fromkeys(found))


def _code(request: SignedInRequest, name: str) -> str:
    return next(iter(_codes(request, name)), "")


def _order(request: SignedInRequest) -> dict[str, Any]:
    """What the form asks for (acts.orders)."""
    given = request.POST
    return {
        "level": _level(request),
        "source": _codes(request, "source"),
        "target": _code(request, "target"),
        "name": given.get("name", "").strip()[: of_divisions.LONGEST_NAME],
        "code": given.get("code", "").strip()[:15],
        "part": _codes(request, "part"),
        "home": [str(key) for key in uuids(given.getlist("home"))],
    }


def _ask_division(request: SignedInRequest, kind: Act.Kind, template: str, context: dict[str, Any]) -> HttpResponse:
    def make() -> Plan:
        return orders.plan_of(kind, _order(request), day_of(request.POST.get("on", "")), by=request.user, reach=request.reach)

    return ask(request, template, context, make)


def _division_context(request: SignedInRequest) -> dict[str, Any]:
    level = _level(request)
    towns = Region.objects.townships().under(*request.reach.prefixes(Verb.ACT_DIVISION)).filter(valid_to__isnull=True)
    sources, target = _codes(request, "source"), _code(request, "target")
    return {
        "level": level,
        "levels": [("township", _("乡镇")), ("village", _("村")), ("natural_village", _("自然村"))],
        "towns": list(towns) if level == "township" else [],
        "sources": [Choice(code, name_of(code)) for code in sources],
        "source_codes": sources,
        "target": Choice(target, name_of(target)) if target else None,
        "today": timezone.localdate(),
    }


@needs(Verb.ACT_DIVISION, "GET", "POST")
def move_natural(request: SignedInRequest) -> HttpResponse:
    return _ask_division(request, Act.Kind.MOVE_NATURAL, "acts/move_natural.html", _division_context(request))


@needs(Verb.ACT_DIVISION, "GET", "POST")
def merge_divisions(request: SignedInRequest) -> HttpResponse:
    return _ask_division(request, Act.Kind.DIVISION_MERGE, "acts/merge_divisions.html", _division_context(request))


@needs(Verb.ACT_DIVISION, "GET", "POST")
def split_division(request: SignedInRequest) -> HttpResponse:
    """`source`; then `part`: what goes (divisions, or households of a natural village), `name`, `code`."""
    given = given_of(request)
    source = _code(request, "source")
    inside = bool(source) and source.startswith(request.reach.prefixes(Verb.ACT_DIVISION))
    context = _division_context(request) | {
        "source": source if inside else "",
        "children": list(Region.objects.filter(parent_id=source, valid_to__isnull=True)) if inside else [],
        "homes": list(Household.objects.visible_to(request.reach).filter(natural_village_code=source)) if inside and len(source) == 15 else [],
        "parts": set(_codes(request, "part")),
        "ticked": set(given.getlist("home")),
    }
    return _ask_division(request, Act.Kind.DIVISION_SPLIT, "acts/split_division.html", context)


@needs(Verb.ACT_DIVISION, "GET", "POST")
def rename_division(request: SignedInRequest) -> HttpResponse:
    return _ask_division(request, Act.Kind.DIVISION_RENAME, "acts/rename_division.html", _division_context(request))


# --- planned


def _planned(request: SignedInRequest, planned_id: UUID) -> PlannedAct:
    return within_reach(PlannedAct.objects.select_related("by", "job", "withdrawn_by"), request.reach, pk=planned_id)


@needs(Verb.ACT_HOUSEHOLD, "GET")
def planned(request: SignedInRequest, planned_id: UUID) -> HttpResponse:
    """What is planned, and what became of it."""
    row = _planned(request, planned_id)
    may = holds(request.reach, row.kind, row.villages)
    done = Act.objects.visible_to(request.reach).filter(pk=row.job_id).first() if row.job_id else None
    context = {
        "planned": row,
        "done": done,
        "may_withdraw": may and row.state == PlannedAct.State.PLANNED,
        "may_read": row.by_id == request.user.pk and row.state == PlannedAct.State.REFUSED and not row.is_read,
        "again": orders.form_of(row.kind, row.order) if may and row.state in (PlannedAct.State.REFUSED, PlannedAct.State.WITHDRAWN) else "",
    }
    return render(request, "acts/planned.html", context)


@needs(Verb.ACT_DIVISION, "POST")
def withdraw(request: SignedInRequest, planned_id: UUID) -> HttpResponse:
    row = _planned(request, planned_id)
    try:
        planning.withdraw(row, by=request.user, reach=request.reach)
    except ActRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("已撤回，到那天不再办理。"))
    return redirect("acts:planned", row.pk)


@needs(Verb.ACT_HOUSEHOLD, "POST")
def read(request: SignedInRequest, planned_id: UUID) -> HttpResponse:
    """Whoever planned it knows that it was refused: the start page says it no more."""
    row = _planned(request, planned_id)
    if row.by_id == request.user.pk and row.state == PlannedAct.State.REFUSED:
        planning.acknowledge(row)
    return redirect("acts:planned", row.pk)
