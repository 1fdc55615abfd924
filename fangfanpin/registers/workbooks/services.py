"""Take a register's file in: hand over, check, apply."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.files.services import path_of
from fangfanpin.records.current_year import CurrentYear
from fangfanpin.records.models import ImportBatch, TrayRow
from fangfanpin.records.workbooks.batches import (
    MAX_FAULTS_KEPT,
    ImportRefused,
    Report,
    fault_json,
    halves,
    keep,
    last_event,
    locked,
    marked,
    sheet_summary,
    take_in,
)
from fangfanpin.records.workbooks.cells import Fault, shown
from fangfanpin.records.workbooks.reading import FileRefused, Source, sniff
from fangfanpin.registers.definitions import Register, register_of
from fangfanpin.registers.workbooks.applying import apply
from fangfanpin.registers.workbooks.checking import Checked, Ground, Sheet, check
from fangfanpin.registers.workbooks.columns import NUMBER, WHOSE, Headers, Parsers
from fangfanpin.registers.workbooks.template import LISTS_SHEET, OWN_SHEETS

_TRAY_AT_ONCE = 1000


@dataclass(slots=True)
class Examined:
    """A file looked at. `refused`: why it could not be read at all; then there is nothing else."""

    refused: str = ""
    source: Source | None = None
    checked: Checked | None = None
    sheets: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def receive(*, content: bytes | BinaryIO | Path, name: str, register: Register, keep_good: bool, year: CurrentYear, by: User | None) -> ImportBatch:
    """Keep the file; nothing is looked at yet."""
    return keep(content=content, name=name, layout=register.key, keep_good=keep_good, year=year.year, by=by)


def register_for(batch: ImportBatch, year: CurrentYear) -> Register:
    """The register that a file is for. Raises ImportRefused."""
    register = register_of(year.pack, batch.layout)
    if register is None:
        raise ImportRefused(_("政策包里没有这个台账了。"))
    return register


def examine(*, path: Path, name: str, on: Ground, report: Report) -> Examined:
    """Read and check a file; writes nothing. `report(done, total)` in rows."""
    found = Examined()
    register, pack = on.register, on.pack
    try:
        found.source = source = sniff(path, name)
        found.notes += source.notes
        taken = take_in(
            source,
            Headers(register, pack),
            Parsers(pack, date1904=source.date1904),
            lead=WHOSE[register.subject.ref][0],
            notes=found.notes,
            report=report,
            unsaid=frozenset({LISTS_SHEET}),
        )
        found.sheets = [sheet_summary(intake) for intake in taken if intake.block is not None or intake.start.name not in OWN_SHEETS]
        blocks = [intake.block for intake in taken if intake.block is not None]
        if not any(block.rows for block in blocks):
            raise FileRefused(
                _("没有找到“%(title)s”的内容：前 20 行里没有认得的表头，或表头下面没有内容。请核对选的文件，或下载模板填写。")
                % {"title": register.title}
            )
    except FileRefused as refused:
        found.refused = str(refused)
        return found
    found.checked = check(blocks, on)
    found.notes += found.checked.notes
    return found


def _describe(batch: ImportBatch, examined: Examined) -> None:
    """Write what was found onto the batch (not saved), and make the marked copy."""
    checked = examined.checked
    batch.marked_file = None
    if checked is None:
        batch.state = ImportBatch.State.FAULTY
        batch.faults, batch.summary = [], {"refused": examined.refused, "notes": examined.notes}
        return
    faults, counts = checked.faults, checked.counts()
    batch.state = ImportBatch.State.FAULTY if faults else ImportBatch.State.CHECKED
    batch.faults = [fault_json(fault) for fault in faults[:MAX_FAULTS_KEPT]]
    batch.summary = {
        "kind": examined.source.kind if examined.source else "",
        "notes": examined.notes,
        "sheets": examined.sheets,
        **counts,
        "faults": len(faults),
        "doubts": [fault_json(doubt) for doubt in checked.doubts],
        "stopped": checked.stopped,
        "villages": checked.villages(),
    }
    if faults and examined.source is not None:
        batch.marked_file = marked(batch, examined.source, faults, checked.blocks)


def _ready(batch: ImportBatch) -> ImportBatch:
    batch = locked(batch)
    if batch.state in (ImportBatch.State.APPLIED, ImportBatch.State.TAKEN_BACK):
        raise ImportRefused(_("这个文件已经导入过了。"))
    return batch


@transaction.atomic
def check_batch(*, batch: ImportBatch, year: CurrentYear, reach: Reach, report: Report) -> ImportBatch:
    """Look at the file and say what is in it and what is wrong; the register stays as it is."""
    batch = _ready(batch)
    on = Ground(register_for(batch, year), year.pack, year.year, reach)
    _describe(batch, examine(path=path_of(batch.file), name=batch.file.name, on=on, report=report))
    batch.save()
    return batch


@transaction.atomic
def apply_batch(*, batch: ImportBatch, year: CurrentYear, reach: Reach, by: User | None, keep_good: bool, report: Report) -> ImportBatch:
    """Check once more (the register may have moved) and take in: everything, or with `keep_good` the rows without fault, the others into the
    tray. With a fault and without `keep_good` nothing is taken; the batch says why. `by`: who enters the rows.
    """
    batch = _ready(batch)
    on = Ground(register_for(batch, year), year.pack, year.year, reach)
    first = last_event()
    reading, writing = halves(report)
    examined = examine(path=path_of(batch.file), name=batch.file.name, on=on, report=reading)
    checked = examined.checked
    _describe(batch, examined)
    batch.keep_good_rows = keep_good
    summary = batch.summary
    nothing_good = checked is not None and summary["rows"] == summary["faulty"]
    if checked is None or checked.stopped or (checked.faults and not keep_good) or nothing_good:
        batch.save()
        return batch
    set_act(f"import.apply {batch.pk}")
    kept = _keep_faulty(checked, batch) if checked.faults else 0
    done = apply(checked, batch_id=batch.pk, by=by, report=writing)
    batch.summary = summary | {"written": {"new": done.new, "changed": done.changed}, "tray": kept, "events": [first, last_event()]}
    batch.state = ImportBatch.State.APPLIED
    batch.applied_at = timezone.now()
    batch.save()
    return batch


def _keep_faulty(checked: Checked, batch: ImportBatch) -> int:
    """Put every faulty row into the tray. Returns rows kept."""
    by_row: dict[tuple[str, int], list[Fault]] = {}
    for fault in checked.faults:
        by_row.setdefault((fault.sheet, fault.row), []).append(fault)
    rows = [_tray_row(batch, sheet, position, by_row) for sheet in checked.sheets for position in sorted(sheet.faulty)]
    TrayRow.objects.bulk_create(rows, batch_size=_TRAY_AT_ONCE)
    return len(rows)


def _tray_row(batch: ImportBatch, sheet: Sheet, position: int, by_row: dict[tuple[str, int], list[Fault]]) -> TrayRow:
    row, block, subject = sheet.rows[position], sheet.block, sheet.subjects[position]
    cells = [
        [column.mapped.header, shown(column.mapped.indicator, column.raw[column.codes[row]])]
        for column in block.columns.values()
        if column.raw[column.codes[row]] != "" and column.mapped.key != NUMBER
    ]
    return TrayRow(
        batch=batch,
        household_id=subject.household if subject is not None else None,
        village_code=subject.village if subject is not None else "",
        sheet=block.sheet[:80],
        row_number=row + 1,
        cells={"code": "", "row": cells},
        faults=[fault_json(fault) for fault in by_row.get((block.sheet, row + 1), [])],
    )


def sentence_of(batch: ImportBatch) -> str:
    """How the batch stands, in one sentence."""
    summary: dict[str, Any] = batch.summary
    if summary.get("refused"):
        return str(summary["refused"])
    match batch.state:
        case ImportBatch.State.UPLOADED:
            return _("文件已上传，正在检查。")
        case ImportBatch.State.CHECKED:
            return str(_("检查通过：新增 %(new)d 条，更新 %(changed)d 条，已有 %(same)d 条没有变化。") % summary)
        case ImportBatch.State.FAULTY:
            return str(_("没有导入：%(faults)d 处错误，涉及 %(faulty)d 行。") % summary)
        case ImportBatch.State.TAKEN_BACK:
            return _("已撤回，登记恢复到导入以前。")
    done = summary["written"]
    parts = [_("新增 %(new)d 条，更新 %(changed)d 条") % done]
    if summary["same"]:
        parts.append(_("%(same)d 条已有，没有变化") % summary)
    if summary.get("tray"):
        parts.append(_("%(count)d 行放入待改区") % {"count": summary["tray"]})
    return _("已导入：%(parts)s。") % {"parts": "，".join(parts)}
