"""Questions from work: the list, one with its answers, asking at a household, a row or a clue; notes on indicators."""

import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, can, needs, require, signed_in, within_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.policy.models import IndicatorNote
from fangfanpin.policy.notes import LONGEST, withdraw_note, write_note
from fangfanpin.policy.services import spoken
from fangfanpin.quality.models import Clue
from fangfanpin.questions import queries, services
from fangfanpin.questions.models import Question
from fangfanpin.questions.services import About, QuestionRefused
from fangfanpin.records.current_year import NoYear, current_year
from fangfanpin.records.models import Record
from fangfanpin.records.units import HOUSEHOLD_FORM, PERSON_FORM
from fangfanpin.regions.names import townships


def _pack() -> Pack:
    try:
        return current_year().pack
    except NoYear:
        raise Http404 from None


def _items(pack: Pack, forms: Sequence[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """(form's title, its items as key and label) for a choice, in the words of who asks."""
    said = spoken(pack)
    found = []
    for form in forms:
        if form in said.forms:
            items = [(item.key, item.label) for item in said.forms[form].indicators if not item.retired]
            found.append((said.forms[form].title, items))
    return found


def _called(item: str, pack: Pack) -> str:
    """The item in words; as it was written where the pack no longer has it."""
    known = spoken(pack).indicators.get(item)
    return known.label if known else item


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def listing(request: SignedInRequest) -> HttpResponse:
    pack, chosen = _pack(), queries.Chosen.of(request.GET.dict())
    found, following = queries.page(queries.questions(request.reach, chosen), request.GET.get("after", ""))
    return render(
        request,
        "questions/list.html",
        {
            "chosen": chosen,
            "rows": [{"question": row, "item": _called(row.item, pack)} for row in found],
            "next_url": "?" + urlencode({**chosen.as_query(), "after": following}) if following else "",
            "states": [*Question.State.choices, (queries.MINE, _("我提的"))],
            "filters": chosen.as_query(),
            "places": townships(request.reach.villages),
            "narrowed": bool(chosen.as_query()),
            "waiting": Question.objects.visible_to(request.reach).filter(state=Question.State.ASKED).count(),
            "may_answer": request.reach.has(Verb.QUESTION_ANSWER),
            "may_export": request.reach.has(Verb.EXPORT_MAKE),
        },
    )


@needs(Verb.RECORD_ENTER, "GET", "POST")
def ask_household(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    household = within_reach(Household.objects.all(), request.reach, pk=household_id)
    require(request.reach, Verb.RECORD_ENTER, household)
    return _ask(request, About(household=household), (HOUSEHOLD_FORM, PERSON_FORM))


@needs(Verb.RECORD_ENTER, "GET", "POST")
def ask_row(request: SignedInRequest, row_id: UUID) -> HttpResponse:
    record = within_reach(Record.objects.select_related("household", "entry"), request.reach, pk=row_id)
    require(request.reach, Verb.RECORD_ENTER, record)
    return _ask(request, About(record=record), (record.form,))


@needs(Verb.RECORD_ENTER, "GET", "POST")
def ask_clue(request: SignedInRequest, clue_id: UUID) -> HttpResponse:
    clue = within_reach(Clue.objects.select_related("household"), request.reach, pk=clue_id)
    require(request.reach, Verb.RECORD_ENTER, clue)
    return _ask(request, About(clue=clue), (HOUSEHOLD_FORM, PERSON_FORM))


def _ask(request: SignedInRequest, about: About, forms: Sequence[str]) -> HttpResponse:
    """GET `item`: what it is about. POST `id`, `item`, `text`."""
    pack = _pack()
    typed = request.POST if request.method == "POST" else request.GET
    fault = ""
    if request.method == "POST":
        try:
            asked_id = UUID(request.POST.get("id", ""))
        except ValueError:
            asked_id = uuid.uuid4()
        try:
            made = services.ask(
                question_id=asked_id, about=about, item=request.POST.get("item", ""), text=request.POST.get("text", ""), pack=pack, by=request.user
            )
        except QuestionRefused as refused:
            fault = str(refused)
        else:
            messages.success(request, _("已提交县里，答复后会出现在您的首页。"))
            return redirect("questions:question", made.pk)
    context: dict[str, Any] = {
        "about": about,
        "id": request.POST.get("id") or uuid.uuid4(),
        "forms": _items(pack, forms),
        "item": typed.get("item", ""),
        "text": typed.get("text", ""),
        "fault": fault,
        "most": services.LONGEST,
    }
    return render(request, "questions/ask.html", context, status=422 if fault else 200)


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def question(request: SignedInRequest, question_id: UUID) -> HttpResponse:
    return _page(request, _fetched(request, question_id))


def _fetched(request: SignedInRequest, question_id: UUID) -> Question:
    rows = Question.objects.select_related("household", "record__entry", "record__household", "clue__household", "asked_by")
    return within_reach(rows, request.reach, pk=question_id)


def _page(request: SignedInRequest, row: Question, *, typed: str = "", fault: str = "") -> HttpResponse:
    services.seen(row, request.user)
    pack = _pack()
    answers = can(request.reach, Verb.QUESTION_ANSWER, row)
    replies = list(row.replies.select_related("by"))
    forms = (row.record.form,) if row.record is not None else (HOUSEHOLD_FORM, PERSON_FORM)
    last_answer = next((one.text for one in reversed(replies) if one.is_answer), "")
    return render(
        request,
        "questions/question.html",
        {
            "question": row,
            "about": About(row.household, row.record, row.clue),
            "item": _called(row.item, pack),
            "replies": replies,
            "may_answer": answers,
            "may_reply": answers or can(request.reach, Verb.RECORD_ENTER, row),
            "forms": _items(pack, forms) if answers and last_answer else [],
            "last_answer": last_answer,
            "typed": typed,
            "fault": fault,
            "most": services.LONGEST,
            "most_note": LONGEST,
        },
        status=422 if fault else 200,
    )


@needs(Verb.HOUSEHOLD_VIEW, "POST")
def reply(request: SignedInRequest, question_id: UUID) -> HttpResponse:
    """POST `text`."""
    row, text = _fetched(request, question_id), request.POST.get("text", "")
    try:
        made = services.reply(question=row, text=text, by=request.user, reach=request.reach)
    except QuestionRefused as refused:
        return _page(request, row, typed=text, fault=str(refused))
    messages.success(request, _("已答复。") if made.is_answer else _("已补充，等县里答复。"))
    return redirect("questions:question", row.pk)


@needs(Verb.QUESTION_ANSWER, "POST")
def note(request: SignedInRequest, question_id: UUID) -> HttpResponse:
    """An answer as a note on the indicator. POST `item`, `text`."""
    row = _fetched(request, question_id)
    require(request.reach, Verb.QUESTION_ANSWER, row)
    try:
        write_note(item=request.POST.get("item", ""), text=request.POST.get("text", ""), pack=_pack(), by=request.user)
    except ValueError:
        messages.error(request, _("请选一个指标，并写明口径（不超过 %(most)d 个字）。") % {"most": LONGEST})
        return redirect("questions:question", row.pk)
    messages.success(request, _("已写成口径说明，录入这个指标的人都会看到。"))
    return redirect("questions:notes")


@signed_in("GET")
def notes(request: SignedInRequest) -> HttpResponse:
    """Every note in force; they name nobody."""
    pack = spoken(_pack())
    rows = IndicatorNote.objects.filter(withdrawn_at=None).select_related("by")
    shown = []
    for row in rows:
        item = pack.indicators.get(row.item)
        shown.append({"note": row, "item": item.label if item else row.item, "form": pack.forms[row.item.split(".")[0]].title if item else ""})
    return render(request, "questions/notes.html", {"rows": shown, "may_withdraw": request.reach.has(Verb.QUESTION_ANSWER)})


@needs(Verb.QUESTION_ANSWER, "POST")
def withdraw(request: SignedInRequest, note_id: int) -> HttpResponse:
    withdraw_note(note=get_object_or_404(IndicatorNote, pk=note_id), by=request.user)
    messages.success(request, _("已撤下，录入时不再显示。"))
    return redirect("questions:notes")
