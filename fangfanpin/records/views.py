"""Roster import: hand a file over, see what is in it and what is wrong, take it in, take it back."""

from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, needs
from fangfanpin.accounts.verbs import Verb
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import start
from fangfanpin.policy.services import spoken
from fangfanpin.records.current_year import CurrentYear, NoYear, current_year
from fangfanpin.records.models import ImportBatch, ImportDifference, TrayRow
from fangfanpin.records.roster.parts import column_letter
from fangfanpin.records.roster.services import receive, sentence_of
from fangfanpin.records.roster.tray import settle

LISTED = 50
FAULTS_A_PAGE = 100
ROWS_A_PAGE = 100


def _year() -> CurrentYear | None:
    try:
        return current_year()
    except NoYear:
        return None


def _open(request: SignedInRequest, batch: ImportBatch) -> bool:
    """One's own, or one whose every village one may import: a colleague's work does not stop with the colleague."""
    if batch.uploaded_by_id == request.user.pk:
        return True
    villages = batch.summary.get("villages") or []
    return bool(villages) and all(request.reach.allows(Verb.IMPORT_ROSTER, village_code=village) for village in villages)


def _batch(request: SignedInRequest, batch_id: UUID) -> ImportBatch:
    batch = ImportBatch.objects.select_related("file", "marked_file", "uploaded_by").filter(pk=batch_id).first()
    if batch is None or not _open(request, batch):
        raise Http404
    return batch


def _job(batch: ImportBatch) -> Job | None:
    return Job.objects.filter(kind__startswith="records.roster", parameters__batch=str(batch.pk)).first()


def _start(request: SignedInRequest, batch: ImportBatch, kind: str, title: str, **parameters: Any) -> None:
    start(
        kind=f"records.roster_{kind}", title=f"{title}：{batch.file.name}"[:200], by=request.user, parameters={"batch": str(batch.pk), **parameters}
    )


@needs(Verb.IMPORT_ROSTER, "GET", "POST")
def imports(request: SignedInRequest) -> HttpResponse:
    """The files handed in, and the form to hand one in."""
    year = _year()
    if request.method == "POST":
        upload = request.FILES.get("file")
        if year is None:
            messages.error(request, _("还没有年度工作，请先建立年度工作再导入。"))
        elif upload is None or not upload.size:
            messages.error(request, _("请选择要导入的花名册。"))
        elif upload.size > settings.UPLOAD_LIMIT_BYTES:
            messages.error(request, _("文件超过 %(limit)d MB，请按乡镇分成几个文件。") % {"limit": settings.UPLOAD_LIMIT_BYTES >> 20})
        else:
            keep_good = request.POST.get("mode") == "keep_good"
            name = Path(upload.name or "").name or _("花名册")
            batch = receive(content=cast(BinaryIO, upload.file), name=name, keep_good=keep_good, year=year, by=request.user)
            _start(request, batch, "check", _("检查花名册"))
            return redirect("records:batch", batch.pk)
        return redirect("records:imports")
    listed = [batch for batch in ImportBatch.objects.select_related("file", "uploaded_by")[: 4 * LISTED] if _open(request, batch)][:LISTED]
    return render(
        request,
        "records/imports.html",
        {
            "year": year,
            "rows": [{"batch": batch, "sentence": sentence_of(batch)} for batch in listed],
            "limit": settings.UPLOAD_LIMIT_BYTES >> 20,
        },
    )


@needs(Verb.IMPORT_ROSTER, "GET")
def batch(request: SignedInRequest, batch_id: UUID) -> HttpResponse:
    """One file: columns recognised, first rows, every fault with its cell, what may be done now."""
    found = _batch(request, batch_id)
    job = _job(found)
    is_running = job is not None and job.state in (Job.State.WAITING, Job.State.RUNNING)
    page = max(int(request.GET["page"]) if request.GET.get("page", "").isdigit() else 1, 1)
    faults = [fault | {"letter": column_letter(fault["column"]) if fault["column"] >= 0 else ""} for fault in found.faults]
    shown = faults[(page - 1) * FAULTS_A_PAGE : page * FAULTS_A_PAGE]
    can_apply = found.state in (ImportBatch.State.CHECKED, ImportBatch.State.FAULTY) and not is_running
    summary = found.summary
    return render(
        request,
        "records/batch.html",
        {
            "batch": found,
            "summary": summary,
            "sentence": sentence_of(found),
            "job": job,
            "is_running": is_running,
            "follows": is_running and job is not None and job.owner_id == request.user.pk,
            "failed": job.message if job is not None and job.state == Job.State.FAILED else "",
            "faults": shown,
            "page": page,
            "previous": page - 1,
            "following": page + 1 if len(faults) > page * FAULTS_A_PAGE else 0,
            "hidden_faults": max(summary.get("faults", 0) - len(faults), 0),
            "own": found.uploaded_by_id == request.user.pk,
            "can_apply": can_apply and found.state == ImportBatch.State.CHECKED,
            "can_keep_good": can_apply
            and found.state == ImportBatch.State.FAULTY
            and not summary.get("stopped")
            and bool(summary.get("good_households")),
            "can_take_back": found.state == ImportBatch.State.APPLIED and not is_running,
            "counts": summary.get("counts"),
            "waiting": TrayRow.objects.visible_to(request.reach).filter(batch=found, settled_at__isnull=True).count(),
        },
    )


@needs(Verb.IMPORT_ROSTER, "POST")
def apply(request: SignedInRequest, batch_id: UUID) -> HttpResponse:
    """POST: `mode` all or keep_good."""
    found = _batch(request, batch_id)
    _start(request, found, "apply", _("导入花名册"), keep_good=request.POST.get("mode") == "keep_good")
    return redirect("records:batch", found.pk)


@needs(Verb.IMPORT_ROSTER, "POST")
def take_back(request: SignedInRequest, batch_id: UUID) -> HttpResponse:
    found = _batch(request, batch_id)
    _start(request, found, "take_back", _("撤回导入"))
    return redirect("records:batch", found.pk)


@needs(Verb.IMPORT_ROSTER, "GET", "POST")
def tray(request: SignedInRequest, batch_id: UUID) -> HttpResponse:
    """Rows that were set aside; POST `sheet`, `row`: this one needs no more doing."""
    found = _batch(request, batch_id)
    if request.method == "POST":
        row = request.POST.get("row", "")
        if row.isdigit():
            settle(batch=found, sheet=request.POST.get("sheet", ""), row_number=int(row), by=request.user)
        return redirect("records:tray", found.pk)
    rows = TrayRow.objects.filter(batch=found).order_by("settled_at", "cells__code", "sheet", "row_number")
    after = int(request.GET["after"]) if request.GET.get("after", "").isdigit() else 0
    listed = list(rows[after : after + ROWS_A_PAGE + 1])
    following = after + ROWS_A_PAGE if len(listed) > ROWS_A_PAGE else 0
    return render(request, "records/tray.html", {"batch": found, "rows": listed[:ROWS_A_PAGE], "following": following})


@needs(Verb.IMPORT_ROSTER, "GET")
def differences(request: SignedInRequest, batch_id: UUID) -> HttpResponse:
    """What the file says and what was collected since, side by side; nothing was overwritten."""
    found = _batch(request, batch_id)
    year = _year()
    pack = spoken(year.pack) if year is not None else None
    after = int(request.GET["after"]) if request.GET.get("after", "").isdigit() else 0
    rows = ImportDifference.objects.visible_to(request.reach).filter(batch=found, pk__gt=after).select_related("household", "person").order_by("pk")
    listed = list(rows[: ROWS_A_PAGE + 1])
    shown = []
    for row in listed[:ROWS_A_PAGE]:
        indicator = pack.indicators.get(f"{row.form}.{row.name}") if pack is not None else None
        plain = indicator is None or pack is None or indicator.privacy == "secret"
        shown.append(
            {
                "row": row,
                "item": indicator.label if indicator is not None else row.name,
                "stored": row.stored if plain or pack is None or indicator is None else pack.display(indicator, row.stored),
                "offered": row.offered if plain or pack is None or indicator is None else pack.display(indicator, row.offered),
                "missing": row.name == "member_state" and row.offered is None,
            }
        )
    following = listed[ROWS_A_PAGE - 1].pk if len(listed) > ROWS_A_PAGE else 0
    return render(request, "records/differences.html", {"batch": found, "rows": shown, "following": following})
