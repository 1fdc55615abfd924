"""An import's course whatever its rows become: the file kept, one at a time, read through, told, found again by its events."""

import gc
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Generic, Protocol, TypeVar

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import set_act
from fangfanpin.files.models import StoredFile
from fangfanpin.files.services import store
from fangfanpin.jobs.exports import XLSX
from fangfanpin.records.models import ImportBatch, TrayRow
from fangfanpin.records.workbooks.cells import Block, Fault, Headers, Parsers, SheetIntake, shown
from fangfanpin.records.workbooks.marking import is_title, write_marked
from fangfanpin.records.workbooks.parts import column_letter
from fangfanpin.records.workbooks.reading import Formulas, SheetStart, Source, read

ROSTER = "roster"  # ImportBatch.layout of a roster; of a register's file it is the register's key
MAX_FAULTS_KEPT = 1000  # on the page; the marked workbook has them all
PREVIEW_ROWS = 5
LEAST_REASON = 4  # characters
_TRAY_AT_ONCE = 1000  # rows in a statement
Report = Callable[[int, int], None]
Offer = Callable[[Block | None, bool], None]


class ImportRefused(Exception):
    """Cannot be done now; the message says why and what to do."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Python's search for cycles rests: a file's cells are millions of objects without any, all walked through again and again otherwise, for a
    sixth of an import's time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class Findings(Protocol):
    """What the check of a file found, whatever its rows are. `stopped`: the file itself is at fault, no row can be taken."""

    @property
    def blocks(self) -> Sequence[Block]: ...

    @property
    def faults(self) -> Sequence[Fault]: ...

    @property
    def stopped(self) -> bool: ...


F = TypeVar("F", bound=Findings)


@dataclass(slots=True)
class Examined(Generic[F]):
    """A file looked at. `refused`: why it could not be read at all; then there is nothing else."""

    refused: str = ""
    source: Source | None = None
    checked: F | None = None
    sheets: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def keep(*, content: bytes | BinaryIO | Path, name: str, layout: str, keep_good: bool, year: int, by: User | None) -> ImportBatch:
    """Keep the file; nothing is looked at yet."""
    file = store(content=content, name=name, content_type="application/octet-stream", purpose=StoredFile.Purpose.IMPORT, owner=by)
    return ImportBatch.objects.create(layout=layout, year=year, file=file, keep_good_rows=keep_good, uploaded_by=by)


def ready(batch: ImportBatch) -> ImportBatch:
    """The batch locked, to be checked or taken in. Raises ImportRefused where it was taken in before."""
    batch = _locked(batch)
    if batch.state in (ImportBatch.State.APPLIED, ImportBatch.State.TAKEN_BACK):
        raise ImportRefused(_("这个文件已经导入过了。"))
    return batch


def taken(batch: ImportBatch) -> ImportBatch:
    """The batch locked, to be taken back. Raises ImportRefused where it was not taken in, or is taken back."""
    batch = _locked(batch)
    if batch.state != ImportBatch.State.APPLIED:
        raise ImportRefused(_("这个文件没有导入，或者已经撤回。"))
    return batch


def _locked(batch: ImportBatch) -> ImportBatch:
    """The batch for this transaction alone; no other import of its layout writes meanwhile, for two could make the same row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('records.import ' || %s))", [batch.layout])
    return ImportBatch.objects.select_for_update(of=("self",)).select_related("file", "uploaded_by").get(pk=batch.pk)


def take_in(
    source: Source,
    headers: Headers,
    parsers: Parsers,
    *,
    lead: str,
    notes: list[str],
    report: Report,
    offer: Offer | None = None,
    unsaid: frozenset[str] = frozenset(),
    unsettle: Callable[[], None] | None = None,
) -> list[SheetIntake]:
    """Read every sheet that shows; what the person should know of it goes to `notes`. `lead`: as for SheetIntake. `offer`: given each sheet's
    block after every chunk, and whether it is whole; `unsaid`: hidden sheets nobody needs to be told of; `unsettle`: called where at the end
    some rows are not what was offered. Raises FileRefused."""
    taken: list[SheetIntake] = []
    intake: SheetIntake | None = None
    total = done = 0

    def finish() -> None:
        if intake is not None:
            taken.append(intake)
            if offer is not None and intake.block is not None:
                offer(intake.block, True)

    formulas = Formulas(False, {})
    for frame in read(source):
        if isinstance(frame, SheetStart):
            finish()
            intake = None
            if frame.hidden:
                if frame.name not in unsaid:
                    notes.append(_("隐藏的表“%(sheet)s”没有读取。") % {"sheet": frame.name})
                continue
            if frame.merged:
                notes.append(_("表“%(sheet)s”有合并的单元格，合并区的每一行都按同一个值读取。") % {"sheet": frame.name})
            total += frame.height
            intake = SheetIntake(frame, headers, parsers, lead=lead)
        elif isinstance(frame, Formulas):
            formulas = frame
        elif intake is not None:
            intake.take(frame)
            if offer is not None:
                offer(intake.block, False)
            done += len(frame.columns[0][1])
            report(done, max(total, done))
    finish()
    if formulas.any:
        notes.append(_("文件里有公式，已按最后一次显示的结果读取。"))
    blocks = [intake.block for intake in taken if intake.block is not None]
    unsolved = {block.sheet: formulas.unsolved[block.sheet] for block in blocks if block.sheet in formulas.unsolved}
    if unsolved and unsettle is not None:
        unsettle()
    for block in blocks:
        block.set_unsolved(unsolved.get(block.sheet, ()))
    if parsers.serials:
        notes.append(
            _("“%(names)s”有的单元格是数字，已按 Excel 日期换算（如 44469 是 2021-09-30）。") % {"names": "、".join(sorted(parsers.serials))}
        )
    return taken


def sheet_summary(intake: SheetIntake) -> dict[str, Any]:
    """What the preview shows of a sheet; secret numbers masked."""
    layout, block = intake.layout, intake.block
    if layout is None or block is None:
        return {"name": intake.start.name, "role": "", "rows": intake.start.height}
    columns = layout.read
    shown_rows = []
    for row in intake.head[layout.row + 1 : layout.row + 1 + PREVIEW_ROWS]:
        shown_rows.append([shown(column.indicator, row[column.place]) for column in columns])
    return {
        "name": block.sheet,
        "role": layout.role,
        "header_row": layout.row + 1,
        "rows": len(block.rows),
        "columns": [{"letter": column_letter(c.place), "header": c.header, "item": c.indicator.zh} for c in columns],
        "unused": [{"letter": column_letter(place), "header": header[:60]} for place, header in layout.unused],
        "unknown": [{"letter": column_letter(place), "header": header[:60]} for place, header in layout.unknown if not is_title(header)],
        "preview": shown_rows,
    }


def fault_json(fault: Fault) -> dict[str, Any]:
    return {"sheet": fault.sheet, "row": fault.row, "column": fault.place, "header": fault.header, "value": fault.value, "message": fault.message}


def describe(batch: ImportBatch, examined: Examined[F], facts: Callable[[F], Mapping[str, Any]]) -> None:
    """Write what was found onto the batch (not saved), and make the marked copy. `facts`: what this kind of import counts."""
    checked = examined.checked
    batch.marked_file = None
    if checked is None:
        batch.state = ImportBatch.State.FAULTY
        batch.faults, batch.summary = [], {"refused": examined.refused, "notes": examined.notes}
        return
    faults = checked.faults
    batch.state = ImportBatch.State.FAULTY if faults else ImportBatch.State.CHECKED
    batch.faults = [fault_json(fault) for fault in faults[:MAX_FAULTS_KEPT]]
    batch.summary = {
        "kind": examined.source.kind if examined.source else "",
        "notes": examined.notes,
        "sheets": examined.sheets,
        "faults": len(faults),
        "stopped": checked.stopped,
        **facts(checked),
    }
    if faults and examined.source is not None:
        batch.marked_file = _marked(batch, examined.source, faults, checked.blocks)


def _marked(batch: ImportBatch, source: Source, faults: Sequence[Fault], blocks: Sequence[Block]) -> StoredFile:
    """The file with its faults marked, its owner's."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "marked.xlsx"
        write_marked(source, faults, blocks, target)
        name = _("%(name)s（标错）.xlsx") % {"name": Path(batch.file.name).stem[:150]}
        return store(content=target, name=name, content_type=XLSX, purpose=StoredFile.Purpose.MARKED, owner=batch.uploaded_by)


def last_event() -> int:
    """Events of this transaction have ids above it: what the import wrote is found again without reading the whole history."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(pg_sequence_last_value('audit_event_id_seq'), 0)")
        row = cursor.fetchone()
    return int(row[0])


def halves(report: Report) -> tuple[Report, Report]:
    """One bar for reading (its first 40 %) and writing (the rest)."""

    def reading(done: int, total: int) -> None:
        report(done * 400 // max(total, 1), 1000)

    def writing(done: int, total: int) -> None:
        report(400 + done * 600 // max(total, 1), 1000)

    return reading, writing


def keep_faulty(batch: ImportBatch, rows: Iterable[tuple[Block, int, Mapping[str, Any]]], faults: Iterable[Fault]) -> int:
    """Put rows of sheets (from 0), each with what the tray holds of it, into the tray with what is wrong in them. Returns how many."""
    by_row: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for fault in faults:
        by_row.setdefault((fault.sheet, fault.row), []).append(fault_json(fault))
    kept = [
        TrayRow(batch=batch, sheet=block.sheet[:80], row_number=row + 1, faults=by_row.get((block.sheet, row + 1), []), **held)
        for block, row, held in rows
    ]
    TrayRow.objects.bulk_create(kept, batch_size=_TRAY_AT_ONCE)
    return len(kept)


def set_applied(batch: ImportBatch, first: int, **facts: Any) -> None:
    """It is taken in. `first`: the last event before it; `facts`: what was written."""
    batch.summary |= {**facts, "events": [first, last_event()]}
    batch.state = ImportBatch.State.APPLIED
    batch.applied_at = timezone.now()
    batch.save()


def set_taken_back(batch: ImportBatch) -> None:
    """It is taken back, and nothing of it waits in the tray."""
    batch.tray.filter(settled_at__isnull=True).update(settled_at=timezone.now())
    batch.state = ImportBatch.State.TAKEN_BACK
    batch.taken_back_at = timezone.now()
    batch.save()


def how_it_stands(batch: ImportBatch, *, checked: str, faulty: str, taken_back: str, applied: Callable[[dict[str, Any]], list[str]]) -> str:
    """One sentence: words with slots for the summary's numbers; `applied`: what was written, in pieces."""
    summary: dict[str, Any] = batch.summary
    if summary.get("refused"):
        return str(summary["refused"])
    match batch.state:
        case ImportBatch.State.UPLOADED:
            return _("文件已上传，正在检查。")
        case ImportBatch.State.CHECKED:
            return checked % summary
        case ImportBatch.State.FAULTY:
            return faulty % summary
        case ImportBatch.State.TAKEN_BACK:
            return taken_back
    parts = applied(summary)
    if summary.get("tray"):
        parts.append(_("%(count)d 行放入待改区") % {"count": summary["tray"]})
    return _("已导入：%(parts)s。") % {"parts": "，".join(parts)}


class TrayRefused(Exception):
    """Cannot be done; the message says why."""


@transaction.atomic
def settle(*, rows: Sequence[TrayRow], reason: str, by: User) -> None:
    """Somebody says that these rows of a tray are not to come in (a title line, a household that has moved away), and why."""
    reason = reason.strip()
    if len(reason) < LEAST_REASON:
        raise TrayRefused(_("请写明为什么不再导入（至少 4 个字）。"))
    if rows:
        set_act(f"import.settle {rows[0].batch_id}")
    waiting = TrayRow.objects.filter(pk__in=[row.pk for row in rows], settled_at__isnull=True)
    waiting.update(settled_at=timezone.now(), settled_by=by, settled_reason=reason[:200])
