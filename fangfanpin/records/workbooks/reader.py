"""The process that opens a workbook: alone, with limits, so that a broken or hostile file ends it and nothing else.

Runs as `python -m fangfanpin.records.workbooks.reader PATH KIND ENCODING PART PARTS ROWS`, without Django, and takes every PARTS-th sheet. Writes
marshalled frames to stdout, columns by distinct value, for a list repeats itself: ("sheet", name, hidden, height, width, merged), then
("rows", [(new values, codes as bytes of uint32), …]) per chunk and ("done",); after the last sheet the first part looks for formulas:
("formulas", any?, [(sheet, row, column, formula or error), …] without a value); at last ("end",) or ("refused", reason, detail). A cell is text or a
number (float); '' is an empty one.
"""

import csv
import datetime
import html
import marshal
import os
import re
import resource
import sys
import zipfile
from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import python_calamine

from fangfanpin.records.workbooks.parts import BLOCK, Unfit, attributes, place_of, whole, worksheets

MAX_ROWS = 300_000
MAX_COLUMNS = 1000
_MEMORY = 4 << 30
_SECONDS = 300
_MAX_MERGED = 2_000_000
_MAX_UNSOLVED = 50_000
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


_FORMULA = re.compile(
    rb"<(?:[^\s<>/:]+:)?c\s([^<>]*)>\s*<(?:[^\s<>/:]+:)?f(?:\s[^<>]*)?(?:/>|>([^<]*)</(?:[^\s<>/:]+:)?f\s*>)"
    rb"\s*(?:<(?:[^\s<>/:]+:)?v\s*/>|<(?:[^\s<>/:]+:)?v(?:\s[^<>]*)?>([^<]*)</(?:[^\s<>/:]+:)?v\s*>)?\s*</(?:[^\s<>/:]+:)?c\s*>"
)
_ERROR = re.compile(
    rb"<(?:[^\s<>/:]+:)?c\s([^<>]*\st\s*=\s*[\"']e[\"'][^<>]*)>(?:\s*<(?:[^\s<>/:]+:)?f(?:\s[^<>]*)?(?:/>|>[^<]*</(?:[^\s<>/:]+:)?f\s*>))?"
    rb"\s*<(?:[^\s<>/:]+:)?v(?:\s[^<>]*)?>([^<]+)</(?:[^\s<>/:]+:)?v\s*>"
)
_LONGEST_CELL = 1 << 16  # bytes of a cell with its formula
_ROOT = re.compile(rb"<([^\s<>/:!?]+:)worksheet[\s>]")
Unsolved = list[tuple[str, int, int, str]]


def _formulas(path: str) -> tuple[bool, Unsolved]:
    """Are there formulas, and which cells hold no value though they are not empty? A formula that a program wrote without counting it has no
    result, or a 0 and the mark that everything is to be counted when the file is opened (a text's result may be empty); or a cell is an error."""
    with zipfile.ZipFile(path) as book:
        has_any = "xl/calcChain.xml" in book.namelist()
        unsolved: Unsolved = []
        try:
            uncounted = re.search(rb"fullCalcOnLoad\s*=\s*[\"'](?:1|true)", whole(book, "xl/workbook.xml")) is not None
            sheets = [(name, part) for name, part in worksheets(book) if part in book.NameToInfo]
        except Unfit:
            return has_any, unsolved
        for name, part in sheets:
            with book.open(part) as file:
                held, signs = b"", [b"<f", b">#"]  # one of them stands where there is a formula or an error
                while block := file.read(BLOCK):
                    if root := _ROOT.search(held + block[:4096] if len(held) < 4096 else b""):
                        signs[0] = b"<" + root[1] + b"f"
                    if not any(sign in block or sign in held or sign in held[-len(sign) :] + block[: len(sign)] for sign in signs):
                        held = (block if len(block) >= _LONGEST_CELL else held + block)[-_LONGEST_CELL:]
                        continue
                    held += block
                    end = 0
                    for found in _FORMULA.finditer(held):
                        has_any, end = True, found.end()
                        result, said = (found[3] or b"").strip(), attributes(found[1])
                        is_text = said.get("t") == "str" and found[3] is not None
                        if not is_text and (not result or uncounted and result == b"0"):
                            _keep(unsolved, name, said, "=" + _words(found[2]))
                    for found in _ERROR.finditer(held):
                        end = max(end, found.end())
                        _keep(unsolved, name, attributes(found[1]), _words(found[2]))
                    held = held[max(end, len(held) - _LONGEST_CELL) :]
    return has_any, unsolved


def _keep(unsolved: Unsolved, sheet: str, said: dict[str, str], words: str) -> None:
    place = place_of(said.get("r", ""))
    if place is None or place[0] >= MAX_ROWS or place[1] >= MAX_COLUMNS:
        return
    if len(unsolved) == _MAX_UNSOLVED:
        raise Refused("formulas", sheet)
    unsolved.append((sheet, *place, words))


def _words(text: bytes | None) -> str:
    return html.unescape((text or b"").decode("utf-8", "replace"))[:200]


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
        yield ("formulas", *_formulas(path))


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
