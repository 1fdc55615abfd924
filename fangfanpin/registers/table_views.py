"""Pages of the tables that villages and natural villages fill once a year: the list of places, one table, its form, where a value comes from."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, can, needs, require, within_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.pack import Pack
from fangfanpin.policy.periods import sentence
from fangfanpin.policy.services import spoken
from fangfanpin.records import gates
from fangfanpin.records.current_year import CurrentYear
from fangfanpin.records.models import Record
from fangfanpin.records.reviewing import has_typed_in
from fangfanpin.regions.names import townships
from fangfanpin.registers import drilldown, fields, natural_villages, reading, sealed, services, tables, yearly
from fangfanpin.registers.asked import asked_register, asked_year
from fangfanpin.registers.definitions import Register, register_of
from fangfanpin.registers.mirror import place_of
from fangfanpin.registers.natural_villages import NaturalVillageRefused
from fangfanpin.registers.papers import blank_of, paper_of
from fangfanpin.registers.sealed import ShowRefused
from fangfanpin.registers.services import Refused

_BEGUN = (Record.State.EMPTY, Record.State.DRAFT, Record.State.RETURNED)


def _table(request: SignedInRequest, table_id: UUID, pack: Pack) -> tuple[Record, Register]:
    record = within_reach(Record.objects.select_related("entered_by", "entry"), request.reach, pk=table_id)
    register = asked_register(record.form, pack)
    if not register.is_yearly:
        raise Http404
    return record, register


def listing(request: SignedInRequest, register: Register, year: CurrentYear) -> HttpResponse:
    """Every place of one's reach: what is filled, what is missing, what differs. Called by the list of registers."""
    pack = spoken(year.pack)
    chosen = tables.Chosen.of(request.GET.dict())
    found = tables.listed(register, pack, request.reach, year.year, chosen, request.GET.get("after", ""))
    kept = {name: value for name, value in (("place", chosen.place), ("state", chosen.state), ("show", chosen.show)) if value}
    return render(
        request,
        "registers/table_list.html",
        {
            "register": register,
            "period": sentence(year.pack),
            "chosen": chosen,
            "rows": found.rows,
            "total": sum(found.counts.values()),
            "counts": [(state.value, _state_word(state), found.counts.get(state.value, 0)) for state in tables.STATES],
            "columns": register.columns,
            "places": townships(request.reach.villages),
            "next_url": f"{request.path}?{urlencode({**kept, 'after': found.next_cursor})}" if found.next_cursor else "",
            "reviewing": chosen.state == Record.State.SUBMITTED and request.reach.has(Verb.RECORD_REVIEW),
            "may_export": request.reach.has(Verb.EXPORT_MAKE),
            "may_import": request.reach.has(Verb.RECORD_ENTER),
            "may_add": register.form.subject == "natural_village" and request.reach.has(Verb.HOUSEHOLD_EDIT),
            "query": urlencode({name: value for name, value in kept.items() if name != "show"}),
            "narrowed": bool(kept),
        },
    )


def _state_word(state: Record.State) -> str:
    return {Record.State.EMPTY: _("未填"), Record.State.DRAFT: _("填写中"), Record.State.SUBMITTED: _("待审核")}.get(state, str(state.label))


def table(request: SignedInRequest, record: Record, register: Register, year: CurrentYear) -> HttpResponse:
    """One place's table. Called by the page of a register's row; `register` speaks the reader's language."""
    pack = spoken(year.pack)
    last = yearly.last_of(record)
    may_review = can(request.reach, Verb.RECORD_REVIEW, record)
    may_unlock = can(request.reach, Verb.RECORD_UNLOCK, record) and record.year == year.year
    closed = gates.closed(record, request.user)
    may_edit = can(request.reach, Verb.RECORD_ENTER, record) and closed is None
    return render(
        request,
        "registers/table.html",
        {
            "register": register,
            "record": record,
            **tables.said(record, register, pack),
            "period": sentence(year.pack),
            "parts": tables.parts(record, last, register, pack, request.reach),
            "gone": reading.gone(record, register, pack, request.reach),
            "missing": len(yearly.missing(record.values, register)),
            "steps": reading.steps(record, register, pack, request.reach),
            "under_it": _under(request, record, register, year),
            "merged_in": [(row, place_of(row)) for row in yearly.merged_in(record)],
            "may_edit": may_edit,
            "may_submit": may_edit and record.state in _BEGUN,
            "may_rename": register.form.subject == "natural_village" and can(request.reach, Verb.HOUSEHOLD_EDIT, record),
            "may_print": can(request.reach, Verb.SHEET_PRINT, record),
            "may_approve": may_review and record.state == Record.State.SUBMITTED and not has_typed_in(record, request.user),
            "may_return": may_review and record.state in (Record.State.SUBMITTED, Record.State.APPROVED),
            "closed": closed if may_unlock or record.state in (*_BEGUN, Record.State.SUBMITTED) else None,
            "unlocked": gates.unlocked(record),
            "may_unlock": may_unlock,
        },
    )


def _under(request: SignedInRequest, record: Record, register: Register, year: CurrentYear) -> list[dict[str, Any]]:
    """Of a village: its natural villages' tables."""
    if register.form.subject != "village":
        return []
    return [
        {"register": other, "rows": [(row, row.entry.label) for row in yearly.of_village(other, year.year, record.village_code)]}
        for other in yearly.yearly(spoken(year.pack))
        if other.form.subject == "natural_village"
    ]


def edit(request: SignedInRequest, record: Record, register: Register, year: CurrentYear) -> HttpResponse:
    """The form of one place's table. POST also `unchanged`: a section whose last values hold; `then` = submit: hand it in."""
    require(request.reach, Verb.RECORD_ENTER, record)
    given = fields.given_from(record, register, year.pack)
    refused: Refused | None = None
    if request.method == "POST":
        given |= fields.given_of(register, request, whose=False)
        seen, sure = request.POST.get("seen", ""), request.POST.get("sure") == "1"
        try:
            return _store(request, record, register, year, given, seen=int(seen) if seen.isdigit() else record.version, sure=sure)
        except Refused as found:
            refused = found
            record.refresh_from_db()
    pack = spoken(year.pack)
    said = register_of(pack, register.key)
    assert said is not None, register.key
    return render(
        request,
        "registers/table_edit.html",
        {
            "register": said,
            "record": record,
            **tables.said(record, said, pack),
            "period": sentence(year.pack),
            "seen": refused.seen if refused is not None and refused.seen is not None else record.version,
            "parts": tables.parts(record, yearly.last_of(record), said, pack, request.reach, given=given, refused=refused),
            "refused": refused,
            "general": refused.faults.get("", "") if refused else "",
            "may_submit": record.state in _BEGUN,
        },
        status=422 if refused else 200,
    )


def _store(
    request: SignedInRequest, record: Record, register: Register, year: CurrentYear, given: dict[str, services.Given], *, seen: int, sure: bool
) -> HttpResponse:
    """What was typed first, then what the button says besides. Raises Refused."""
    submits = request.POST.get("then") == "submit"
    record = services.change(
        record=record, register=register, pack=year.pack, seen=seen, given=given, sure=sure or submits, by=request.user, reach=request.reach
    )  # fmt: skip
    if section := request.POST.get("unchanged", ""):
        carried = services.say_unchanged(record=record, register=register, pack=year.pack, section=section, by=request.user)
        messages.success(request, _("已保存；这一部分有 %(count)d 项沿用上年。") % {"count": carried})
        return redirect(f"{reverse('registers:edit', args=[record.pk])}#part-{section}")
    if submits:
        services.submit(record=record, register=register, pack=year.pack, sure=sure, by=request.user)
        messages.success(request, _("已提交，等乡镇审核。"))
    else:
        messages.success(request, _("已保存。"))
    return redirect("registers:row", record.pk)


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def behind(request: SignedInRequest, table_id: UUID, item: str) -> HttpResponse:
    """Where a rolled-up value comes from."""
    year = asked_year()
    record, register = _table(request, table_id, spoken(year.pack))
    found = register.item(item)
    try:
        counted = drilldown.behind(record, item, year.pack, request.reach)
    except KeyError:
        raise Http404 from None
    assert found is not None, item
    return render(
        request,
        "registers/behind.html",
        {
            "register": register,
            "record": record,
            **tables.said(record, register, year.pack),
            "item": found,
            "value": spoken(year.pack).display(found, record.values.get(item)),
            "counted": counted,
        },
    )


@needs(Verb.RECORD_ENTER, "POST")
def submit(request: SignedInRequest, table_id: UUID) -> HttpResponse:
    """POST `sure`. What stands in the way is shown on the form."""
    year = asked_year()
    record, register = _table(request, table_id, year.pack)
    require(request.reach, Verb.RECORD_ENTER, record)
    try:
        services.submit(record=record, register=register, pack=year.pack, sure=request.POST.get("sure") == "1", by=request.user)
    except Refused as refused:
        for message in [*refused.faults.values(), *refused.doubts]:
            messages.error(request, message)
        return redirect("registers:edit", record.pk)
    messages.success(request, _("已提交，等乡镇审核。"))
    return redirect("registers:row", record.pk)


@needs(Verb.HOUSEHOLD_EDIT, "POST")
def add_natural_village(request: SignedInRequest) -> HttpResponse:
    """POST `village`, `name`."""
    year = asked_year()
    register = next((one for one in yearly.yearly(year.pack) if one.form.subject == "natural_village"), None)
    if register is None:
        raise Http404
    try:
        made = natural_villages.add(
            village=request.POST.get("village", ""), name=request.POST.get("name", ""), pack=year.pack, year=year.year, reach=request.reach
        )
    except NaturalVillageRefused as refused:
        messages.error(request, str(refused))
        return redirect("registers:list", register.key)
    messages.success(request, _("已添加“%(name)s”，代码 %(code)s。") % {"name": made.name, "code": made.code})
    row = yearly.of_village(register, year.year, made.code[:12]).filter(subject_code=made.code).first()
    return redirect("registers:edit", row.pk) if row else redirect("registers:list", register.key)


@needs(Verb.HOUSEHOLD_EDIT, "POST")
def rename(request: SignedInRequest, table_id: UUID) -> HttpResponse:
    """POST `name`: of the natural village."""
    year = asked_year()
    record, register = _table(request, table_id, year.pack)
    require(request.reach, Verb.HOUSEHOLD_EDIT, record)
    if register.form.subject != "natural_village":
        raise Http404
    try:
        natural_villages.rename(
            code=record.subject_code, name=request.POST.get("name", ""), pack=year.pack, year=year.year, reach=request.reach
        )  # fmt: skip
    except NaturalVillageRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("已改名。"))
    return redirect("registers:row", record.pk)


@needs(Verb.SHEET_PRINT, "GET")
def paper(request: SignedInRequest, table_id: UUID) -> HttpResponse:
    """The table for signature as PDF; GET `blank`=1: last year's values beside empty cells to be filled by hand."""
    year = asked_year()
    record, register = _table(request, table_id, year.pack)
    require(request.reach, Verb.SHEET_PRINT, record)
    make = blank_of if request.GET.get("blank") == "1" else paper_of
    answer = HttpResponse(make(record, register, year.pack, request.reach), content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{register.key}-{record.subject_code}-{record.year}.pdf"'
    return answer


@needs(Verb.SECRET_REVEAL, "POST")
def show_in_full(request: SignedInRequest, row_id: UUID, name: str) -> HttpResponse:
    """A whole secret number of a register's row, with a reason and a trace."""
    record = within_reach(Record.objects.all(), request.reach, pk=row_id)
    require(request.reach, Verb.SECRET_REVEAL, record)
    try:
        return JsonResponse({"value": sealed.show_in_full(record=record, name=name, reason=request.POST.get("reason", ""), by=request.user)})
    except ShowRefused as refused:
        return JsonResponse({"message": str(refused)}, status=422)
