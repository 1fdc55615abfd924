"""The process that opens a workbook: alone, with limits, so that a broken or hostile file ends it and nothing else.

Runs as `python -m fangfanpin.records.roster.reader PATH KIND ENCODING PART PARTS ROWS`, without Django, and takes every PARTS-th sheet. Writes
marshalled frames to stdout, columns by distinct value, for a roster repeats itself: ("sheet", name, hidden, height, width, merged), then
("rows", [(new values, codes as bytes of uint32), …]) per chunk and ("done",); after the last sheet the first part looks for formulas:
("formulas", any?); at last ("end",) or ("refused", reason, detail). A cell is text or a number (float); '' is an empty one.
"""

import csv
import datetime
import marshal
import os
import resource
import sys
import zipfile
from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import python_calamine

MAX_ROWS = 300_000
MAX_COLUMNS = 1000
_MEMORY = 4 << 30
_SECONDS = 300
_MAX_MERGED = 2_000_000
Frame = tuple[Any, ...]


class Refused(Exception):
    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


class Distinct(dict[Any, int]):
    """Value → number in order of appearance; `fresh` collects what came since the last chunk."""

    def __init__(self) -> None:
        super().__init__()
        self.fresh: list[Any] = []

    def __missing__(self, value: Any) -> int:
        number = self[value] = len(self)
        self.fresh.append(value)
        return number


def _plain(cell: Any) -> str | float:
    """A cell as text or number. Truth is written out, for True and 1.0 are one key; a moment without time of day is a date."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int):
        return float(cell) if abs(cell) < 1 << 53 else str(cell)
    if isinstance(cell, (str, float)):
        return cell
    if isinstance(cell, datetime.datetime):
        midnight = (cell.hour, cell.minute, cell.second) == (0, 0, 0)
        return cell.date().isoformat() if midnight else cell.isoformat(sep=" ", timespec="seconds")
    return cell.isoformat() if isinstance(cell, (datetime.date, datetime.time)) else str(cell)


_KEPT = {str, float}


def _frames_of(rows: Iterable[list[Any]], width: int, chunk_rows: int) -> Iterator[Frame]:
    """Chunks of rows as columns of numbers into growing lists of distinct values."""
    known = [Distinct() for _ in range(width)]
    source = iter(rows)
    while chunk := list(islice(source, chunk_rows)):
        if any(len(row) != width for row in chunk):
            chunk = [(row + [""] * width)[:width] for row in chunk]
        columns = []
        for index, column in zip(known, zip(*chunk, strict=True), strict=True):
            if not set(map(type, column)) <= _KEPT:
                column = tuple(map(_plain, column))
            codes = array("I", map(index.__getitem__, column))
            columns.append((index.fresh, codes.tobytes()))
            index.fresh = []
        yield ("rows", columns)


def _parts(book: zipfile.ZipFile) -> list[str]:
    return [name for name in book.namelist() if name.startswith("xl/") and name.endswith(".xml")]


def _refuse_entities(path: str) -> None:
    """XML that defines entities has no place in a workbook."""
    with zipfile.ZipFile(path) as book:
        for name in _parts(book):
            with book.open(name) as part:
                if b"<!DOCTYPE" in part.read(4096):
                    raise Refused("entities")


def _has_formulas(path: str) -> bool:
    with zipfile.ZipFile(path) as book:
        if "xl/calcChain.xml" in book.namelist():
            return True
        for name in _parts(book):
            with book.open(name) as part:
                tail = b""
                while name.startswith("xl/worksheets/") and (block := part.read(1 << 20)):
                    if b"<f>" in tail + block or b"<f " in tail + block:
                        return True
                    tail = block[-3:]
    return False


def _merged(sheet: python_calamine.CalamineSheet) -> dict[int, list[tuple[int, int, int]]]:
    """Cells covered by a merged one: {row: [(column, row of the value, column of the value)]}."""
    covered: dict[int, list[tuple[int, int, int]]] = {}
    ranges = sheet.merged_cell_ranges or []
    if sum((last[0] - first[0] + 1) * (last[1] - first[1] + 1) for first, last in ranges) > _MAX_MERGED:
        raise Refused("merged", sheet.name)
    for first, last in ranges:
        for row in range(first[0], last[0] + 1):
            covered.setdefault(row, []).extend((column, first[0], first[1]) for column in range(first[1], last[1] + 1))
    return covered


def _rows(sheet: python_calamine.CalamineSheet, chunk_rows: int) -> Iterator[list[Any]]:
    """Rows from the sheet's first line on; a first chunk at once, for whoever waits for it, before all the rest is turned into cells."""
    yield from (first := sheet.to_python(skip_empty_area=False, nrows=chunk_rows))
    if len(first) == chunk_rows:
        yield from islice(sheet.to_python(skip_empty_area=False), chunk_rows, None)


def _filled(rows: Iterable[list[Any]], covered: dict[int, list[tuple[int, int, int]]]) -> Iterator[list[Any]]:
    """The rows with every covered cell holding the value of its merged one."""
    held: dict[tuple[int, int], Any] = {}
    for number, row in enumerate(rows):
        cells = list(row)
        for column, top, left in covered.get(number, ()):
            if column >= len(cells):
                continue
            if (top, left) == (number, column):
                held[top, left] = cells[column]
            else:
                cells[column] = held.get((top, left), "")
        yield cells


def _workbook(path: str, kind: str, part: int, parts: int, chunk_rows: int) -> Iterator[Frame]:
    if kind == "xlsx":
        _refuse_entities(path)
    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
    except python_calamine.PasswordError:
        raise Refused("password") from None
    with book:
        sheets = [(place, about) for place, about in enumerate(book.sheets_metadata) if about.typ == python_calamine.SheetTypeEnum.WorkSheet]
        for place, about in sheets[part::parts]:
            sheet = book.get_sheet_by_index(place)
            last = sheet.end  # total_width leaves out the last column
            height, width = (last[0] + 1, last[1] + 1) if last is not None else (0, 0)
            if height > MAX_ROWS:
                raise Refused("rows", f"{about.name}:{height}")
            if width > MAX_COLUMNS:
                raise Refused("columns", f"{about.name}:{width}")
            hidden = about.visible != python_calamine.SheetVisibleEnum.Visible
            covered = _merged(sheet)
            yield ("sheet", about.name, hidden, height, width, len(covered))
            if height and width:
                rows = _rows(sheet, chunk_rows)
                yield from _frames_of(_filled(rows, covered) if covered else rows, width, chunk_rows)
            yield ("done",)
    if part == 0 and kind == "xlsx":
        os.nice(10)  # the cells are wanted first
        yield ("formulas", _has_formulas(path))


def _text(path: str, encoding: str, chunk_rows: int) -> Iterator[Frame]:
    with open(path, encoding=encoding, newline="") as file:
        start = file.read(64 * 1024)
        if "\0" in start:
            raise Refused("broken")
        line = start.split("\n", 1)[0]
        delimiter = max(",\t;", key=line.count)
        file.seek(0)
        rows = list(islice(csv.reader(file, delimiter=delimiter), MAX_ROWS + 1))
    width = max(map(len, rows), default=0)
    if len(rows) > MAX_ROWS:
        raise Refused("rows", f"CSV:{len(rows)}")
    if width > MAX_COLUMNS:
        raise Refused("columns", f"CSV:{width}")
    yield ("sheet", "CSV", False, len(rows), width, 0)
    if width:
        yield from _frames_of(rows, width, chunk_rows)
    yield ("done",)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(path: str, kind: str, encoding: str, part: str, parts: str, chunk_rows: str) -> None:
    _limit()
    out, rows = sys.stdout.buffer, int(chunk_rows)
    try:
        frames = _text(path, encoding, rows) if kind == "csv" else _workbook(path, kind, int(part), int(parts), rows)
        for frame in frames:
            marshal.dump(frame, out)
        marshal.dump(("end",), out)
    except Refused as refused:
        marshal.dump(("refused", refused.reason, refused.detail), out)
    except (MemoryError, RecursionError):
        marshal.dump(("refused", "memory", ""), out)
    except BaseException as fault:  # a parser's panic is no Exception; its words go to nobody, for they may quote cells
        marshal.dump(("refused", "broken", type(fault).__name__), out)
    out.flush()


if __name__ == "__main__":
    main(*sys.argv[1:7])
