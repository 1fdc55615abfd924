"""Roster import: hand a file over, see what is in it and what is wrong, take it in, take it back."""

import tempfile
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, needs
from fangfanpin.accounts.verbs import Verb
from fangfanpin.files.pictures import small
from fangfanpin.files.services import path_of
from fangfanpin.jobs.exports import XLSX
from fangfanpin.jobs.services import start
from fangfanpin.policy.services import spoken
from fangfanpin.records import pictures
from fangfanpin.records.current_year import CurrentYear, NoYear, current_year
from fangfanpin.records.models import ImportBatch, ImportDifference, TrayRow
from fangfanpin.records.roster import mending
from fangfanpin.records.roster import tray as trays
from fangfanpin.records.roster.batches import difference, open_batch
from fangfanpin.records.roster.services import receive, sentence_of
from fangfanpin.records.workbooks.batches import ROSTER, TrayRefused, settle
from fangfanpin.records.workbooks.pages import facts_of, may_open

LISTED = 50
ROWS_A_PAGE = 100


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def picture(request: SignedInRequest, picture_id: UUID) -> HttpResponseBase:
    """A photo, paper or signature whole."""
    file = pictures.seen_by(request.user, request.reach, picture_id)
    if not path_of(file).exists():
        raise Http404
    return _shown(FileResponse(path_of(file).open("rb"), content_type=file.content_type), file.name)


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def picture_small(request: SignedInRequest, picture_id: UUID) -> HttpResponseBase:
    """As pages show it beside others; a PDF has none."""
    file = pictures.seen_by(request.user, request.reach, picture_id)
    content = small(file)
    if content is None:
        raise Http404
    return _shown(HttpResponse(content, content_type="image/jpeg"), file.name)


def _shown(answer: HttpResponseBase, name: str) -> HttpResponseBase:
    """In the browser, as what it was found to be and nothing else."""
    answer.headers["Content-Disposition"] = content_disposition_header(False, name) or "inline"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _year() -> CurrentYear | None:
    try:
        return current_year()
    except NoYear:
        return None


def _batch(request: SignedInRequest, batch_id: UUID) -> ImportBatch:
    batch = open_batch(batch_id, request.reach)
    if batch is None:
        raise Http404
    return batch


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
    batches = ImportBatch.objects.filter(layout=ROSTER).select_related("file", "uploaded_by")
    listed = [batch for batch in batches[: 4 * LISTED] if may_open(batch, request.reach, Verb.IMPORT_ROSTER)][:LISTED]
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
    facts = facts_of(request, found, "records.roster")
    return render(
        request,
        "records/batch.html",
        {
            **facts,
            "sentence": sentence_of(found),
            "can_keep_good": facts["can_keep_good"] and bool(found.summary.get("good_households")),
            "counts": found.summary.get("counts"),
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
    """Rows that were set aside, household by household; POST: check all of them again, in the background."""
    found = _batch(request, batch_id)
    waiting = TrayRow.objects.filter(batch=found, settled_at__isnull=True)
    if request.method == "POST":
        return _all_again(request, found, list(waiting.exclude(cells__code="").order_by("sheet", "row_number")))
    after = int(request.GET["after"]) if request.GET.get("after", "").isdigit() else 0
    listed = list(trays.in_order(found).select_related("settled_by")[after : after + ROWS_A_PAGE + 1])
    codes = [row.cells["code"] for row in listed[:ROWS_A_PAGE] if row.settled_at is None]
    return render(
        request,
        "records/tray.html",
        {
            "batch": found,
            "rows": [
                {
                    "row": row,
                    "wrong": trays.wrong_words(row),
                    "settled": trays.settled_words(row),
                    "leads": row.settled_at is None and (not row.cells["code"] or row.cells["code"] not in codes[:place]),
                    "of_household": codes.count(row.cells["code"]) if row.cells["code"] else 1,
                }
                for place, row in enumerate(listed[:ROWS_A_PAGE])
            ],
            "waiting": waiting.count(),
            "households": waiting.exclude(cells__code="").values("cells__code").distinct().count(),
            "own": found.uploaded_by_id == request.user.pk,
            "following": after + ROWS_A_PAGE if len(listed) > ROWS_A_PAGE else 0,
        },
    )


def _all_again(request: SignedInRequest, batch: ImportBatch, rows: list[TrayRow]) -> HttpResponse:
    year = _year()
    try:
        if year is None or not rows:
            raise TrayRefused(_("没有可以重新检查的户。"))
        again = mending.send_all_in(rows=rows, batch=batch, sheets=mending.Sheets(batch, year), year=year, by=request.user)
    except TrayRefused as refused:
        messages.error(request, str(refused))
        return redirect("records:tray", batch.pk)
    _start(request, again, "apply", _("导入待改区"), keep_good=True)
    return redirect("records:batch", again.pk)


@needs(Verb.IMPORT_ROSTER, "GET")
def tray_file(request: SignedInRequest, batch_id: UUID) -> HttpResponse:
    """The waiting rows as a workbook to be mended and handed in: whole numbers stand in it, so it is for whoever handed the file in."""
    found, year = _batch(request, batch_id), _year()
    if found.uploaded_by_id != request.user.pk or year is None:
        raise Http404
    rows = list(TrayRow.objects.filter(batch=found, settled_at__isnull=True).order_by("sheet", "row_number"))
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tray.xlsx"
            mending.write_rows(rows, mending.Sheets(found, year), path, is_marked=True)
            answer = HttpResponse(path.read_bytes(), content_type=XLSX)
    except TrayRefused as refused:
        messages.error(request, str(refused))
        return redirect("records:tray", found.pk)
    name = _("%(name)s（待改区）.xlsx") % {"name": Path(found.file.name).stem[:120]}
    answer.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return answer


@needs(Verb.IMPORT_ROSTER, "GET", "POST")
def mend(request: SignedInRequest, batch_id: UUID, tray_id: int) -> HttpResponse:
    """One household that was set aside: mend its cells and have it checked at once, or (POST `act` = settle, `reason`) say why it stays out."""
    found, year = _batch(request, batch_id), _year()
    row = TrayRow.objects.filter(batch=found, pk=tray_id, settled_at__isnull=True).first()
    if row is None or year is None:
        raise Http404
    rows, sheets = trays.together(row), mending.Sheets(found, year)
    if request.method == "POST":
        try:
            if request.POST.get("act") == "settle":
                settle(rows=rows, reason=request.POST.get("reason", ""), by=request.user)
                messages.success(request, _("已移出待改区，原因留在记录里。"))
                return redirect("records:tray", found.pk)
            mending.correct(rows=rows, typed=_typed(request, rows, sheets), sheets=sheets)
            mended = mending.send_in(rows=rows, batch=found, sheets=sheets, year=year, reach=request.reach, by=request.user)
            if mended is not None:
                _start(request, mended, "apply", _("导入改好的户"), keep_good=False)
                return redirect("records:batch", mended.pk)
            messages.error(request, _("还有错误，没有导入。您改过的内容已留下，请看标出的地方。"))
        except TrayRefused as refused:
            messages.error(request, str(refused))
        return redirect("records:mend", found.pk, row.pk)
    context = {"batch": found, "code": row.cells["code"], "rows": mending.mend_rows(rows, sheets), "can_mend": trays.raw_of(row) is not None}
    return render(request, "records/mend.html", context)


def _typed(request: SignedInRequest, rows: list[TrayRow], sheets: mending.Sheets) -> dict[tuple[int, str], str]:
    """What the page sent: `c-ROW-PLACE` holds a cell. A secret number left empty stays; `n-ROW-PLACE` empties it."""
    typed: dict[tuple[int, str], str] = {}
    for row in rows:
        for place, header in enumerate(sheets.headers(row.sheet)):
            text = request.POST.get(f"c-{row.pk}-{place}")
            if f"n-{row.pk}-{place}" in request.POST:
                typed[row.pk, header] = ""
            elif text is not None and (text.strip() or not sheets.is_secret(header)):
                typed[row.pk, header] = text
    return typed


@needs(Verb.IMPORT_ROSTER, "GET")
def differences(request: SignedInRequest, batch_id: UUID) -> HttpResponse:
    """What the file says and what was collected since, side by side; nothing was overwritten."""
    found = _batch(request, batch_id)
    year = _year()
    pack = spoken(year.pack) if year is not None else None
    after = int(request.GET["after"]) if request.GET.get("after", "").isdigit() else 0
    rows = ImportDifference.objects.visible_to(request.reach).filter(batch=found, pk__gt=after).select_related("household", "person").order_by("pk")
    listed = list(rows[: ROWS_A_PAGE + 1])
    shown = [difference(row, pack, request.reach) for row in listed[:ROWS_A_PAGE]]
    following = listed[ROWS_A_PAGE - 1].pk if len(listed) > ROWS_A_PAGE else 0
    return render(request, "records/differences.html", {"batch": found, "rows": shown, "following": following})
