"""The workbook that was handed in, with every faulty cell marked and what to do beside its row.

Nothing in it can run: formulas come back as the value last shown, texts are written as texts whatever they begin with, macros stay behind.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter
from django.utils.translation import gettext as _
from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill

from fangfanpin.records.roster.intake import Fault
from fangfanpin.records.roster.reading import Rows, SheetStart, Source, read

# openpyxl holds every cell as an object: a larger workbook is written anew, without its looks.
_MAX_OPENED = 8 << 20  # bytes of the packed file
_MAX_COMMENTS = 2000
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


def write_marked(source: Source, faults: Sequence[Fault], headers: Mapping[str, int], target: Path) -> None:
    """Write the marked copy to `target` (xlsx). `headers`: {sheet: header row from 1}."""
    marks = marks_of(faults)
    if source.kind == "xlsx" and source.path.stat().st_size <= _MAX_OPENED:
        _mark_opened(source.path, marks, headers, target)
    else:
        _write_anew(source, marks, headers, target)


def _mark_opened(path: Path, marks: Marks, headers: Mapping[str, int], target: Path) -> None:
    with path.open("rb") as file:  # by handle: the stored file has no suffix to go by
        book = openpyxl.load_workbook(file, data_only=True, keep_vba=False, keep_links=False)
    fill, red = PatternFill("solid", start_color=_COLOUR), Font(color="9C0006", bold=True)
    comments = 0
    for sheet in book.worksheets:
        rows = marks.get(sheet.title, {})
        if not rows:
            continue
        beside = sheet.max_column + 1
        sheet.column_dimensions[openpyxl.utils.get_column_letter(beside)].width = _WIDTH
        _put(sheet.cell(headers.get(sheet.title, 1), beside), _("需要改正"), red, fill)
        for row, faults in rows.items():
            if row != headers.get(sheet.title, 1):
                _put(sheet.cell(row, beside), sentence(faults), red, None)
            for fault in faults:
                if fault.place < 0:
                    continue
                cell = sheet.cell(row, fault.place + 1)
                if not isinstance(cell, Cell):
                    continue  # covered by a merged one
                cell.fill = fill
                if comments < _MAX_COMMENTS:
                    cell.comment = Comment(fault.message, "fangfanpin", width=320, height=80)
                    comments += 1
    book.save(target)


def _put(cell: Any, words: str, font: Font, fill: PatternFill | None) -> None:
    if not isinstance(cell, Cell):
        return
    cell.value = words
    cell.data_type = "s"  # never a formula, whatever it begins with
    cell.font = font
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    if fill is not None:
        cell.fill = fill


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
