"""A register's workbook: the template, files handed in, what is in one and what is wrong, take it in, take it back."""

from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, needs
from fangfanpin.accounts.verbs import Verb
from fangfanpin.jobs.exports import XLSX
from fangfanpin.jobs.services import start
from fangfanpin.policy.services import spoken
from fangfanpin.records.models import ImportBatch, TrayRow
from fangfanpin.records.workbooks.batches import ROSTER, TrayRefused, settle
from fangfanpin.records.workbooks.pages import facts_of, may_open, with_letters
from fangfanpin.registers.asked import asked_register, asked_year
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.workbooks import template as templates
from fangfanpin.registers.workbooks.services import receive, sentence_of

LISTED = 50
ROWS_A_PAGE = 100


def _batch(request: SignedInRequest, import_id: UUID) -> tuple[ImportBatch, Register]:
    found = ImportBatch.objects.exclude(layout=ROSTER).select_related("file", "marked_file", "uploaded_by").filter(pk=import_id).first()
    if found is None or not may_open(found, request.reach, Verb.RECORD_ENTER):
        raise Http404
    return found, asked_register(found.layout, spoken(asked_year().pack))


def _start(request: SignedInRequest, batch: ImportBatch, kind: str, title: str, **parameters: Any) -> None:
    start(
        kind=f"registers.import_{kind}",
        title=f"{title}：{batch.file.name}"[:200],
        by=request.user,
        parameters={"batch": str(batch.pk), **parameters},
    )


@needs(Verb.RECORD_ENTER, "GET")
def template(request: SignedInRequest, form: str) -> HttpResponse:
    """The register's empty workbook, in Chinese as all files."""
    pack = asked_year().pack
    register = asked_register(form, pack)
    answer = HttpResponse(templates.make(register, pack), content_type=XLSX)
    answer.headers["Content-Disposition"] = content_disposition_header(True, f"{register.title}导入模板.xlsx") or "attachment"
    return answer


@needs(Verb.RECORD_ENTER, "GET", "POST")
def imports(request: SignedInRequest, form: str) -> HttpResponse:
    """The register's files handed in, and the form to hand one in. POST `file`, `mode` all or keep_good."""
    year = asked_year()
    register = asked_register(form, spoken(year.pack))
    if request.method == "POST":
        upload = request.FILES.get("file")
        if upload is None or not upload.size:
            messages.error(request, _("请选择要导入的文件。"))
        elif upload.size > settings.UPLOAD_LIMIT_BYTES:
            messages.error(request, _("文件超过 %(limit)d MB，请按乡镇分成几个文件。") % {"limit": settings.UPLOAD_LIMIT_BYTES >> 20})
        else:
            batch = receive(
                content=cast(BinaryIO, upload.file),
                name=Path(upload.name or "").name or register.title,
                register=register,
                keep_good=request.POST.get("mode") == "keep_good",
                year=year,
                by=request.user,
            )
            _start(request, batch, "check", _("检查%(title)s") % {"title": register.title})
            return redirect("registers:import", batch.pk)
        return redirect("registers:imports", register.key)
    batches = ImportBatch.objects.filter(layout=register.key).select_related("file", "uploaded_by")
    listed = [batch for batch in batches[: 4 * LISTED] if may_open(batch, request.reach, Verb.RECORD_ENTER)][:LISTED]
    return render(
        request,
        "registers/imports.html",
        {
            "register": register,
            "rows": [{"batch": batch, "sentence": sentence_of(batch)} for batch in listed],
            "limit": settings.UPLOAD_LIMIT_BYTES >> 20,
        },
    )


@needs(Verb.RECORD_ENTER, "GET")
def batch(request: SignedInRequest, import_id: UUID) -> HttpResponse:
    """One file: what it would do, columns recognised, first rows, every fault with its cell, what may be done now."""
    found, register = _batch(request, import_id)
    facts, summary = facts_of(request, found, "registers.import"), found.summary
    is_checked = found.state == ImportBatch.State.CHECKED
    would_change = is_checked and bool(summary["new"] or summary["changed"])
    good = summary.get("rows", 0) - summary.get("faulty", 0)
    return render(
        request,
        "registers/import.html",
        {
            **facts,
            "register": register,
            "sentence": sentence_of(found),
            "doubts": with_letters(summary.get("doubts", [])),
            "nothing_to_do": is_checked and not would_change,
            "can_apply": facts["can_apply"] and would_change,
            "good": good,
            "can_keep_good": facts["can_keep_good"] and good > 0,
            "written": summary.get("written"),
            "waiting": TrayRow.objects.filter(batch=found, settled_at__isnull=True).count(),
        },
    )


@needs(Verb.RECORD_ENTER, "POST")
def apply(request: SignedInRequest, import_id: UUID) -> HttpResponse:
    """POST: `mode` all or keep_good."""
    found, register = _batch(request, import_id)
    title = _("导入%(title)s") % {"title": register.title}
    _start(request, found, "apply", title, keep_good=request.POST.get("mode") == "keep_good")
    return redirect("registers:import", found.pk)


@needs(Verb.RECORD_ENTER, "POST")
def take_back(request: SignedInRequest, import_id: UUID) -> HttpResponse:
    found, _register_of = _batch(request, import_id)
    _start(request, found, "take_back", _("撤回导入"))
    return redirect("registers:import", found.pk)


@needs(Verb.RECORD_ENTER, "GET", "POST")
def tray(request: SignedInRequest, import_id: UUID) -> HttpResponse:
    """Rows that were set aside; POST `row`, `reason`: this one is not to come in, and why."""
    found, register = _batch(request, import_id)
    if request.method == "POST":
        row = request.POST.get("row", "")
        try:
            settle(rows=list(found.tray.filter(pk=row)) if row.isdigit() else [], reason=request.POST.get("reason", ""), by=request.user)
        except TrayRefused as refused:
            messages.error(request, str(refused))
        return redirect("registers:import_tray", found.pk)
    rows = TrayRow.objects.filter(batch=found).select_related("settled_by").order_by("settled_at", "sheet", "row_number")
    after = int(request.GET["after"]) if request.GET.get("after", "").isdigit() else 0
    listed = list(rows[after : after + ROWS_A_PAGE + 1])
    following = after + ROWS_A_PAGE if len(listed) > ROWS_A_PAGE else 0
    return render(request, "registers/import_tray.html", {"batch": found, "register": register, "rows": listed[:ROWS_A_PAGE], "following": following})
