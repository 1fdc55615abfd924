"""The workbook that was handed in, with every faulty cell marked and what to do beside its row and at the cell.

Nothing in it can run: formulas come back as the value last shown, texts are written as texts whatever they begin with, macros stay behind.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from fangfanpin.records.workbooks.cells import Block, Fault
from fangfanpin.records.workbooks.editing import Mark, SheetMarks, mark
from fangfanpin.records.workbooks.parts import Unfit
from fangfanpin.records.workbooks.reading import Rows, SheetStart, Source, read

_COLOUR = "FFC7CE"
_WIDTH = 60
Marks = Mapping[str, Mapping[int, Sequence[Fault]]]


def marks_of(faults: Iterable[Fault]) -> dict[str, dict[int, list[Fault]]]:
    """{sheet: {row from 1: faults}}."""
    found: dict[str, dict[int, list[Fault]]] = {}
    for fault in faults:
        found.setdefault(fault.sheet, {}).setdefault(max(fault.row, 1), []).append(fault)
    return found


def sentence(faults: Iterable[Fault]) -> str:
    """All that is wrong in a row."""
    return "；".join(f"{fault.header}：{fault.message}" if fault.header else fault.message for fault in faults)


def write_marked(source: Source, faults: Sequence[Fault], blocks: Sequence[Block], target: Path) -> None:
    """Write the marked copy to `target` (xlsx): of an xlsx the file itself with its looks, of another or an unusual one its cells alone."""
    marks = marks_of(faults)
    if source.kind == "xlsx":
        try:
            mark(source.path, {block.sheet: found for block in blocks if (found := _sheet_marks(block, marks)) is not None}, target)
            return
        except Unfit:
            target.unlink(missing_ok=True)
    _write_anew(source, marks, {block.sheet: block.layout.row + 1 for block in blocks}, target)


def _sheet_marks(block: Block, marks: Marks) -> SheetMarks | None:
    rows = marks.get(block.sheet, {})
    before = next((place for place, header in block.layout.unknown if is_title(header)), None)
    if not rows and before is None:
        return None
    written = {row: ([Mark(fault.place, fault.message) for fault in faults if fault.place >= 0], sentence(faults)) for row, faults in rows.items()}
    return SheetMarks(written, block.layout.row + 1, block.width if before is None else before, _("需要改正"), again=before is not None)


def is_title(header: str) -> bool:
    """Is this the head of the column that an earlier marking added?"""
    return header in _titles()


@functools.cache
def _titles() -> frozenset[str]:
    found = set()
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found.add(_("需要改正"))
    return frozenset(found)


def _write_anew(source: Source, marks: Marks, headers: Mapping[str, int], target: Path) -> None:
    book = xlsxwriter.Workbook(
        str(target), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    faulty = book.add_format({"bg_color": f"#{_COLOUR}"})
    told = book.add_format({"font_color": "#9C0006", "bold": True})
    sheet: Any = None
    number = width = header = 0
    rows: Mapping[int, Sequence[Fault]] = {}
    known: list[list[Any]] = []
    for frame in read(source):
        if isinstance(frame, SheetStart):
            sheet = book.add_worksheet(frame.name[:31] or None)
            number, width, rows, header = 0, frame.width, marks.get(frame.name, {}), headers.get(frame.name, 0)
            known = [[] for _place in range(width)]
            sheet.set_column(width, width, _WIDTH)
            continue
        if not isinstance(frame, Rows):
            continue
        for held, (fresh, _codes) in zip(known, frame.columns, strict=True):
            held.extend(fresh)
        for codes in zip(*(codes for _fresh, codes in frame.columns), strict=True):
            number += 1
            faults = rows.get(number, ())
            places = {fault.place for fault in faults}
            for place, code in enumerate(codes):
                cell = known[place][code]
                shape = faulty if place in places else None
                if isinstance(cell, float):
                    sheet.write_number(number - 1, place, cell, shape)
                elif cell:
                    sheet.write_string(number - 1, place, cell[:32767], shape)
                elif shape is not None:
                    sheet.write_blank(number - 1, place, None, shape)
            if number == header and rows:
                sheet.write_string(number - 1, width, _("需要改正"), told)
            elif faults:
                sheet.write_string(number - 1, width, sentence(faults)[:32767], told)
    book.close()
