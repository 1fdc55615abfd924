"""Take a register's file in: hand over, check, apply."""

from pathlib import Path
from typing import Any, BinaryIO

from django.db import transaction
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.files.services import path_of
from fangfanpin.records.current_year import CurrentYear
from fangfanpin.records.models import ImportBatch
from fangfanpin.records.workbooks.batches import (
    Examined,
    ImportRefused,
    Report,
    describe,
    fault_json,
    halves,
    how_it_stands,
    keep,
    keep_faulty,
    last_event,
    ready,
    set_applied,
    sheet_summary,
    take_in,
    uncollected,
)
from fangfanpin.records.workbooks.cells import shown
from fangfanpin.records.workbooks.reading import FileRefused, sniff
from fangfanpin.regions.holding import hold
from fangfanpin.registers.definitions import Register, register_of
from fangfanpin.registers.workbooks.applying import apply
from fangfanpin.registers.workbooks.checking import check
from fangfanpin.registers.workbooks.columns import NUMBER, WHOSE, Headers, Parsers
from fangfanpin.registers.workbooks.sheets import Checked, Ground, Sheet
from fangfanpin.registers.workbooks.template import LISTS_SHEET, OWN_SHEETS


def receive(*, content: bytes | BinaryIO | Path, name: str, register: Register, keep_good: bool, year: CurrentYear, by: User | None) -> ImportBatch:
    """Keep the file; nothing is looked at yet."""
    return keep(content=content, name=name, layout=register.key, keep_good=keep_good, year=year.year, by=by)


def register_for(batch: ImportBatch, year: CurrentYear) -> Register:
    """The register that a file is for. Raises ImportRefused."""
    register = register_of(year.pack, batch.layout)
    if register is None:
        raise ImportRefused(_("政策包里没有这个台账了。"))
    return register


def examine(*, path: Path, name: str, on: Ground, report: Report) -> Examined[Checked]:
    """Read and check a file; writes nothing. `report(done, total)` in rows."""
    found: Examined[Checked] = Examined()
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


def _facts(checked: Checked) -> dict[str, Any]:
    doubts = [fault_json(doubt) for doubt in checked.doubts]
    return {**checked.counts(), "doubts": doubts, "villages": checked.villages()}


@uncollected()
@transaction.atomic
def check_batch(*, batch: ImportBatch, year: CurrentYear, reach: Reach, report: Report) -> ImportBatch:
    """Look at the file and say what is in it and what is wrong; the register stays as it is."""
    batch = ready(batch)
    on = Ground(register_for(batch, year), year.pack, year.year, reach)
    describe(batch, examine(path=path_of(batch.file), name=batch.file.name, on=on, report=report), _facts)
    batch.save()
    return batch


@uncollected()
@transaction.atomic
def apply_batch(*, batch: ImportBatch, year: CurrentYear, reach: Reach, by: User | None, keep_good: bool, report: Report) -> ImportBatch:
    """Check once more (the register may have moved) and take in: everything, or with `keep_good` the rows without fault, the others into the
    tray. With a fault and without `keep_good` nothing is taken; the batch says why. `by`: who enters the rows.
    """
    batch = ready(batch)
    hold(reach.villages)  # a change of divisions waits until the file is in
    on = Ground(register_for(batch, year), year.pack, year.year, reach)
    first = last_event()
    reading, writing = halves(report)
    examined = examine(path=path_of(batch.file), name=batch.file.name, on=on, report=reading)
    checked = examined.checked
    describe(batch, examined, _facts)
    batch.keep_good_rows = keep_good
    summary = batch.summary
    nothing_good = checked is not None and summary["rows"] == summary["faulty"]
    if checked is None or checked.stopped or (checked.faults and not keep_good) or nothing_good:
        batch.save()
        return batch
    set_act(f"import.apply {batch.pk}")
    kept = _keep_faulty(checked, batch) if checked.faults else 0
    done = apply(checked, batch_id=batch.pk, by=by, report=writing)
    set_applied(batch, first, written={"new": done.new, "changed": done.changed}, tray=kept)
    return batch


def _keep_faulty(checked: Checked, batch: ImportBatch) -> int:
    """Put every faulty row into the tray. Returns rows kept."""
    rows = ((sheet.block, sheet.rows[position], _held(sheet, position)) for sheet in checked.sheets for position in sorted(sheet.faulty))
    return keep_faulty(batch, rows, checked.faults)


def _held(sheet: Sheet, position: int) -> dict[str, Any]:
    row, subject = sheet.rows[position], sheet.subjects[position]
    cells = [
        [column.mapped.header, shown(column.mapped.indicator, column.raw[column.codes[row]])]
        for column in sheet.block.columns.values()
        if column.raw[column.codes[row]] != "" and column.mapped.key != NUMBER
    ]
    return {
        "household_id": subject.household if subject is not None else None,
        "village_code": subject.village if subject is not None else "",
        "cells": {"code": "", "row": cells},
    }


def sentence_of(batch: ImportBatch) -> str:
    """How the batch stands, in one sentence."""
    return how_it_stands(
        batch,
        checked=_("检查通过：新增 %(new)d 条，更新 %(changed)d 条，已有 %(same)d 条没有变化。"),
        faulty=_("没有导入：%(faults)d 处错误，涉及 %(faulty)d 行。"),
        taken_back=_("已撤回，登记恢复到导入以前。"),
        applied=_written,
    )


def _written(summary: dict[str, Any]) -> list[str]:
    parts = [_("新增 %(new)d 条，更新 %(changed)d 条") % summary["written"]]
    if summary["same"]:
        parts.append(_("%(same)d 条已有，没有变化") % summary)
    return parts
