"""Registers made from the pack: which there are, a list of each, one row, the form to add and change."""

import uuid
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, can, needs, require, within_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.pack.dictionary import SUBJECT_REFS
from fangfanpin.policy.periods import window
from fangfanpin.policy.services import spoken
from fangfanpin.records.models import Record
from fangfanpin.records.reviewing import ReviewRefused, has_typed_in
from fangfanpin.regions.names import townships
from fangfanpin.registers import fields, months, queries, reading, sealed, services, table_views
from fangfanpin.registers.asked import asked_register, asked_year
from fangfanpin.registers.carrying import carried
from fangfanpin.registers.definitions import Register, register_of, registers_of
from fangfanpin.registers.exporting import Wish, start_export
from fangfanpin.registers.kept import kept_filters
from fangfanpin.registers.references import choices
from fangfanpin.registers.services import Given, Refused


def _record(request: SignedInRequest, row_id: UUID, pack: Pack) -> tuple[Record, Register]:
    record = within_reach(Record.objects.select_related("household", "person", "entered_by"), request.reach, pk=row_id)
    return record, asked_register(record.form, pack)


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def registers(request: SignedInRequest) -> HttpResponse:
    """Which registers there are."""
    return render(
        request, "registers/registers.html", {"registers": registers_of(spoken(asked_year().pack)), "may_add": request.reach.has(Verb.RECORD_ENTER)}
    )


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def listing(request: SignedInRequest, form: str) -> HttpResponse:
    year = asked_year()
    pack = spoken(year.pack)
    register = asked_register(form, pack)
    if register.is_yearly:
        return table_views.listing(request, register, year)
    chosen = queries.chosen_of(register, pack, request.GET.dict())
    rows = queries.entries(register, pack, request.reach, chosen)
    found = queries.page(rows, register, pack, chosen, request.GET.get("after", ""))
    cells = reading.cells(found.rows, register, pack, request.reach)
    return render(
        request,
        "registers/list.html",
        {
            "register": register,
            "columns": register.columns,
            "sorts": register.sorts,
            "chosen": chosen,
            "filters": [
                {
                    "item": item,
                    "kind": fields.filter_kind(item),
                    "options": [(entry.code, entry.word) for entry in pack.lists[item.list]] if item.type == "code" else [],
                    "value": request.GET.get(item.name, ""),
                    "first": request.GET.get(f"{item.name}.from", ""),
                    "last": request.GET.get(f"{item.name}.to", ""),
                    "fault": chosen.faults.get(item.name, ""),
                }
                for item in register.filters
            ],
            "places": townships(request.reach.villages),
            "states": fields.states(),
            "rows": list(zip(found.rows, cells, strict=True)),
            "next_url": queries.address(request.path, chosen, found.next_cursor),
            "may_add": request.reach.has(Verb.RECORD_ENTER),
            "reviewing": chosen.state == Record.State.SUBMITTED and request.reach.has(Verb.RECORD_REVIEW),
            "may_import": request.reach.has(Verb.RECORD_ENTER),
            "may_export": request.reach.has(Verb.EXPORT_MAKE),
            "may_print": request.reach.has(Verb.SHEET_PRINT),
            "kept": (filters := list(kept_filters(register, request.user))),
            "is_kept": urlencode(chosen.query()) in {one.query for one in filters},
            "returned": next((count for one, count in services.returned_to(request.user, pack, request.reach) if one.key == register.key), 0),
            "query": urlencode(chosen.query()),
            "narrowed": bool(chosen.query()),
            "more_used": any(condition.item in register.filters[2:] for condition in chosen.conditions),
        },
    )


@needs(Verb.EXPORT_MAKE, "POST")
def export(request: SignedInRequest, form: str) -> HttpResponse:
    """POST `query`: the list's address; `column`: names of items, all where none; `codes`; `format`."""
    pack = spoken(asked_year().pack)
    register = asked_register(form, pack)
    if not request.reach.has(Verb.HOUSEHOLD_VIEW):
        raise PermissionDenied
    known = {item.name for item in register.shown}
    wish = Wish(
        query=request.POST.get("query", ""),
        columns=tuple(name for name in request.POST.getlist("column") if name in known),
        codes=request.POST.get("codes") == "1",
        format="csv" if request.POST.get("format") == "csv" else "xlsx",
    )
    return redirect("jobs:job", start_export(register=register, wish=wish, by=request.user).pk)


@needs(Verb.RECORD_ENTER, "GET", "POST")
def new(request: SignedInRequest, form: str) -> HttpResponse:
    """GET `household`: the row is this household's, and the choice is spared; `from`: what may be taken over of this row stands there already."""
    year = asked_year()
    register = asked_register(form, year.pack)
    if register.is_yearly:
        raise Http404  # its rows are opened, not added
    record_id = request.POST.get("record_id") or str(uuid.uuid4())
    household = _household(request)
    given: dict[str, Given] = {}
    if household is not None and register.subject.ref == "household":
        given[register.subject.name] = Given((household.head_name,), (str(household.pk),))
    if request.GET.get("from"):
        source, _form_of = _record(request, _uuid(request.GET["from"]), year.pack)
        if source.form != register.key:
            raise Http404
        held = fields.given_from(source, register, year.pack)
        given |= {item.name: held[item.name] for item in carried(register) if item.name in held}
    refused: Refused | None = None
    if request.method == "POST":
        given = fields.given_of(register, request)
        try:
            record = services.add(
                register=register,
                pack=year.pack,
                year=year.year,
                record_id=_uuid(record_id),
                given=given,
                sure=request.POST.get("sure") == "1",
                by=request.user,
                reach=request.reach,
            )
        except Refused as found:
            refused = found
        else:
            messages.success(request, _("已登记。"))
            if request.POST.get("then") == "another":
                return redirect(f"{request.path}?household={record.household_id}" if record.household_id else request.path)
            return redirect("registers:row", record.pk)
    return _form(request, register, year.pack, given, refused, record_id=record_id, household=household)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def _household(request: SignedInRequest) -> Household | None:
    asked = request.GET.get("household", "")
    return within_reach(Household.objects.all(), request.reach, pk=_uuid(asked)) if asked else None


def _form(
    request: SignedInRequest,
    register: Register,
    pack: Pack,
    given: dict[str, Given],
    refused: Refused | None,
    *,
    record: Record | None = None,
    record_id: str = "",
    household: Household | None = None,
    seen: int = 0,
) -> HttpResponse:
    fixed = frozenset({register.subject.name}) if record is not None else frozenset()
    pack = spoken(pack)
    register = asked_register(register.key, pack)
    return render(
        request,
        "registers/edit.html",
        {
            "register": register,
            "record": record,
            "record_id": record_id,
            "seen": refused.seen if refused is not None and refused.seen is not None else seen,
            "household": household,
            "groups": fields.groups(register, pack, given, refused, request.reach, fixed=fixed),
            "refused": refused,
            "general": refused.faults.get("", "") if refused else "",
        },
        status=422 if refused else 200,
    )


@needs(Verb.RECORD_ENTER, "GET", "POST")
def edit(request: SignedInRequest, row_id: UUID) -> HttpResponse:
    year = asked_year()
    record, register = _record(request, row_id, year.pack)
    require(request.reach, Verb.RECORD_ENTER, record)
    if register.is_yearly:
        return table_views.edit(request, record, register, year)
    given = fields.given_from(record, register, year.pack)
    refused: Refused | None = None
    if request.method == "POST":
        seen = request.POST.get("seen", "")
        given |= fields.given_of(register, request, whose=False)
        try:
            services.change(
                record=record,
                register=register,
                pack=year.pack,
                seen=int(seen) if seen.isdigit() else record.version,
                given=given,
                sure=request.POST.get("sure") == "1",
                by=request.user,
                reach=request.reach,
            )
        except Refused as found:
            refused = found
        else:
            messages.success(request, _("已保存。"))
            return redirect("registers:row", record.pk)
    return _form(request, register, year.pack, given, refused, record=record, household=record.household, seen=record.version)


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def row(request: SignedInRequest, row_id: UUID) -> HttpResponse:
    year = asked_year()
    pack = spoken(year.pack)
    record, register = _record(request, row_id, pack)
    if register.is_yearly:
        return table_views.table(request, record, register, year)
    open_states = (Record.State.SUBMITTED, Record.State.RETURNED, Record.State.DRAFT)
    may_review = can(request.reach, Verb.RECORD_REVIEW, record)
    return render(
        request,
        "registers/row.html",
        {
            "register": register,
            "record": record,
            "label": record.entry.label,
            "parts": reading.parts(record, register, pack, request.reach),
            "steps": reading.steps(record, register, pack, request.reach),
            "worked": months.of_person(record.person, register.form, year.year, year.pack, request.reach) if record.person else None,
            "period": window(year.pack, "period"),
            "mentioned_by": _mentioned_by(request, record, pack),
            "secrets": {item.name for item in sealed.secret_items(register)} if can(request.reach, Verb.SECRET_REVEAL, record) else (),
            "may_ask": can(request.reach, Verb.RECORD_ENTER, record),
            "may_edit": can(request.reach, Verb.RECORD_ENTER, record) and record.state in open_states,
            "may_copy": can(request.reach, Verb.RECORD_ENTER, record) and record.state != Record.State.VOID,
            "may_print": can(request.reach, Verb.SHEET_PRINT, record),
            "may_approve": may_review and record.state == Record.State.SUBMITTED and not has_typed_in(record, request.user),
            "may_return": may_review and record.state in (Record.State.SUBMITTED, Record.State.APPROVED),
        },
    )


def _mentioned_by(request: SignedInRequest, record: Record, pack: Pack) -> list[dict[str, Any]]:
    """The other end of references to this row."""
    links = record.linked_from.visible_to(request.reach).filter(is_current=True).select_related("record__entry")[:50]
    return [{"title": register.title, "entry": link.record.entry} for link in links if (register := register_of(pack, link.record.form)) is not None]


@needs(Verb.RECORD_ENTER, "POST")
def strike(request: SignedInRequest, row_id: UUID) -> HttpResponse:
    """POST `reason`."""
    year = asked_year()
    record, register = _record(request, row_id, year.pack)
    require(request.reach, Verb.RECORD_ENTER, record)
    try:
        services.strike(record=record, register=register, pack=year.pack, reason=request.POST.get("reason", ""), by=request.user)
    except Refused as refused:
        messages.error(request, next(iter(refused.faults.values())))
    else:
        messages.success(request, _("已作废，可在列表里按“已作废”查到。"))
    return redirect("registers:row", record.pk)


@needs(Verb.RECORD_REVIEW, "POST")
def approve_many(request: SignedInRequest, form: str) -> HttpResponse:
    """POST `row`: record id and the version that was seen, several; what cannot be approved is told and stays."""
    year = asked_year()
    register = asked_register(form, year.pack)
    done, refused = 0, ""
    for given in request.POST.getlist("row")[: queries.PAGE]:
        row_id, _colon, seen = given.partition(":")
        record = within_reach(Record.objects.filter(form=register.key), request.reach, pk=_uuid(row_id))
        require(request.reach, Verb.RECORD_REVIEW, record)
        try:
            services.approve(record=record, register=register, pack=year.pack, seen=int(seen) if seen.isdigit() else None, by=request.user)
        except ReviewRefused as refusal:
            refused = str(refusal)
        else:
            done += 1
    if done:
        messages.success(request, _("已审核通过 %(count)d 条。") % {"count": done})
    if refused:
        messages.error(request, _("有的没有通过：%(why)s") % {"why": refused})
    return redirect(f"{reverse('registers:list', args=[register.key])}?{urlencode({'state': Record.State.SUBMITTED})}")


@needs(Verb.RECORD_REVIEW, "POST")
def approve(request: SignedInRequest, row_id: UUID) -> HttpResponse:
    year = asked_year()
    record, register = _record(request, row_id, year.pack)
    require(request.reach, Verb.RECORD_REVIEW, record)
    try:
        seen = request.POST.get("seen", "")
        services.approve(record=record, register=register, pack=year.pack, seen=int(seen) if seen.isdigit() else None, by=request.user)
    except ReviewRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("已审核通过。"))
    return redirect("registers:row", record.pk)


@needs(Verb.RECORD_REVIEW, "POST")
def send_back(request: SignedInRequest, row_id: UUID) -> HttpResponse:
    """POST `reason`."""
    year = asked_year()
    record, register = _record(request, row_id, year.pack)
    require(request.reach, Verb.RECORD_REVIEW, record)
    try:
        services.send_back(record=record, register=register, pack=year.pack, reason=request.POST.get("reason", ""), by=request.user)
    except ReviewRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("已退回。"))
    return redirect("registers:row", record.pk)


@needs(Verb.RECORD_ENTER, "GET")
def choose(request: SignedInRequest, ref: str) -> JsonResponse:
    """GET `q`, `household`: what a reference may lead to, within reach."""
    if ref not in SUBJECT_REFS and register_of(asked_year().pack, ref) is None:
        raise Http404
    household = request.GET.get("household", "")
    found = choices(ref, request.GET.get("q", ""), request.reach, household=_uuid(household) if household else None)
    return JsonResponse({"choices": [{"value": choice.value, "words": choice.words, "hint": choice.hint} for choice in found]})
