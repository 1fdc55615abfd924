"""Cells to values: every distinct value of a column is parsed once, however many rows hold it."""

import datetime
import re
from array import array
from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.utils.translation import gettext as _

from fangfanpin.expressions.normalise import normalise_number_text
from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.codec import CodecFault
from fangfanpin.privacy.secrets import mask_bank, mask_id
from fangfanpin.records.workbooks.headers import HEADER_SEARCHED, Layout, Mapped
from fangfanpin.records.workbooks.reading import Rows, SheetStart, Unsolved

_EXACT = 10**15  # a spreadsheet number keeps 15 digits
_SERIALS = range(10_000, 80_000)  # days since 1899-12-30 that can be meant: 1927 to 2119
_EPOCH = datetime.date(1899, 12, 30)
_DAYS_1904 = 1462
_MONTH_AS_NUMBER = re.compile(r"\d{4}|\d{6}")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+\d+")
_CODE = re.compile(r"[0-9A-Za-z-]{1,40}")
Parse = Callable[[str | float], Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """One cell (or row) that cannot be taken. `row` from 1 as the spreadsheet counts, 0 = the sheet; `place` -1 = the whole row.

    `value` is masked where the item is secret. `household`: its code, where the row says one.
    """

    sheet: str
    row: int
    place: int
    header: str
    value: str
    message: str
    household: str = ""


def shown(indicator: Indicator | None, cell: str | float) -> str:
    """A cell as it may be shown in a list of faults; None: of an item that is not secret."""
    text = cell_text(cell)
    if indicator is not None and indicator.privacy == "secret":
        return mask_bank(text) if indicator.name == "bank_card_no" else mask_id(text)
    return text[:60]


def cell_text(cell: str | float) -> str:
    """A cell as text."""
    return cell if isinstance(cell, str) else number_text(cell)


def number_text(number: float) -> str:
    return str(int(number)) if number.is_integer() and abs(number) < _EXACT else repr(number)


class ColumnIntake:
    """One column: raw distinct values, each row's number among them, and what each value was parsed to."""

    def __init__(self, mapped: Mapped, parse: Parse) -> None:
        self.mapped = mapped
        self._parse = parse
        self.raw: list[str | float] = []
        self.codes: array[int] = array("I")
        self.parsed: list[Any] = []
        self.problems: dict[int, str] = {}
        self._made: dict[str, list[str]] = {}

    def made(self, what: str, make: Callable[[Any], str], codes: Sequence[int]) -> list[str]:
        """The values of these numbers turned into text by `make`, each distinct value once; `what` names that text among the column's others."""
        pieces = self._made.setdefault(what, [])
        pieces.extend(map(make, self.parsed[len(pieces) : max(codes, default=-1) + 1]))
        return list(map(pieces.__getitem__, codes))

    def take(self, rows: Rows) -> None:
        """What came of this column."""
        self.extend(*rows.columns[self.mapped.place])

    def told(self, number: int) -> tuple[Mapped, str | float]:
        """The cell to point at where something is wrong with this value."""
        return self.mapped, self.raw[number]

    def cells(self, number: int) -> list[tuple[Mapped, str | float]]:
        """Every cell that this value was made of."""
        return [(self.mapped, self.raw[number])]

    def part_at(self, place: int) -> "ColumnIntake | None":
        """What of this stands in a column of the sheet."""
        return self if self.mapped.place == place else None

    def set_part_aside(self, part: "ColumnIntake", row: int, cell: str, message: str) -> None:
        """As set_aside, for the cell of one part."""
        part.set_aside(row, cell, message)

    def pad(self, height: int) -> None:
        """Empty cells down to that many rows."""
        if (missing := height - len(self.codes)) > 0:
            fresh = [] if "" in self.raw else [""]
            number = self.raw.index("") if not fresh else len(self.raw)
            self.extend(fresh, array("I", [number]) * missing)

    def set_aside(self, row: int, cell: str, message: str) -> None:
        """This one cell is at fault, whatever others of its value are."""
        self.codes[row] = number = len(self.raw)
        self.raw.append(cell)
        self.parsed.append(None)
        self.problems[number] = message

    def extend(self, fresh: Sequence[str | float], codes: "array[int]") -> None:
        start = len(self.raw)
        self.raw.extend(fresh)
        self.codes.extend(codes)
        parse, parsed = self._parse, self.parsed
        for place, cell in enumerate(fresh, start):
            if cell == "":
                parsed.append(None)
                continue
            try:
                parsed.append(parse(cell))
            except CodecFault as fault:
                parsed.append(None)
                self.problems[place] = str(fault)


@dataclass(slots=True)
class Block:
    """A sheet taken in. `rows`: those that hold something, from 0, growing while it is read; `columns` by key of the item; `width`: columns of
    the sheet, used or not."""

    sheet: str
    layout: Layout
    columns: dict[str, ColumnIntake]
    width: int
    rows: list[int] = field(default_factory=list)

    def values(self, key: str, rows: Sequence[int]) -> list[Any]:
        """Parsed values of some rows; all None where the sheet has no such column."""
        if key not in self.columns:
            return [None] * len(rows)
        column = self.columns[key]
        return list(map(column.parsed.__getitem__, map(column.codes.__getitem__, rows)))

    def value(self, key: str, row: int) -> Any:
        column = self.columns.get(key)
        return column.parsed[column.codes[row]] if column is not None else None

    def has_problem(self, row: int, key: str) -> bool:
        """Has this cell been found at fault by itself?"""
        column = self.columns.get(key)
        return column is not None and bool(column.problems) and column.codes[row] in column.problems

    def fault(self, row: int, key: str, message: str, household: str = "") -> Fault:
        """A fault of one cell, or of the whole row where the sheet has no such column."""
        column = self.columns.get(key)
        if column is None:
            return Fault(self.sheet, row + 1, -1, "", "", message, household)
        mapped, cell = column.told(column.codes[row])
        return Fault(self.sheet, row + 1, mapped.place, mapped.header, shown(mapped.indicator, cell), message, household)

    def set_unsolved(self, cells: Iterable[Unsolved]) -> None:
        """Formulas without a result and errors are no empty cells: each is at fault."""
        first, held = self.layout.row + 1, set(self.rows)
        for cell in cells:
            found = next(((column, part) for column in self.columns.values() if (part := column.part_at(cell.place)) is not None), None)
            if cell.row < first or found is None:
                continue
            for each in self.columns.values():
                each.pad(cell.row + 1)  # a row of nothing else was not read
            message = (
                _("公式没有结果，请在 Excel 里打开文件、保存后再上传")
                if cell.words.startswith("=")
                else _("单元格是错误值，请在 Excel 里改正公式或内容后再上传")
            )
            column, part = found
            column.set_part_aside(part, cell.row, cell.words, message)
            if cell.row not in held:
                held.add(cell.row)
                insort(self.rows, cell.row)


class Headers(Protocol):
    """What an import knows of headers."""

    def layout(self, rows: Sequence[Sequence[object]]) -> Layout:
        """The layout of a sheet from its first rows."""


class SheetIntake:
    """Takes the frames of one sheet; knows its layout once the first chunk is there. `block` None: no sheet of this import. `lead`: key of the
    column that a filled row hardly ever leaves blank."""

    def __init__(self, start: SheetStart, headers: Headers, parsers: "Parsers", *, lead: str) -> None:
        self.start = start
        self._headers = headers
        self._parsers = parsers
        self._lead = lead
        self.layout: Layout | None = None
        self.block: Block | None = None
        self.head: list[list[Any]] = []  # first rows as they stand, for the preview
        self._read = 0

    def take(self, rows: Rows) -> None:
        if self.layout is None:
            count = min(HEADER_SEARCHED + 6, len(rows.columns[0][1]))
            self.head = [[fresh[codes[number]] for fresh, codes in rows.columns] for number in range(count)]
            self.layout = layout = self._headers.layout(self.head)
            if layout.role:
                self.block = Block(self.start.name, layout, self._parsers.columns(layout), self.start.width)
        block = self.block
        if block is None:
            return
        for column in block.columns.values():
            column.take(rows)
        start, stop = max(self._read, block.layout.row + 1), self._read + len(rows.columns[0][1])
        self._read = stop
        block.rows.extend(self._filled(block, start, stop))

    def _filled(self, block: Block, start: int, stop: int) -> Sequence[int]:
        """Rows that hold anything: a blank one has a blank lead, so only those are looked at."""
        columns = list(block.columns.values())
        first = block.columns.get(self._lead, columns[0])
        if "" not in first.raw:
            return range(start, stop)
        blanks = [(column.codes, column.raw.index("") if "" in column.raw else -1) for column in columns]
        nothing = first.raw.index("")
        return [row for row in range(start, stop) if first.codes[row] != nothing or any(codes[row] != blank for codes, blank in blanks)]


class Parsers:
    """How a cell of each item is read, the file's own count of days known. `serials`: items where a number was taken as a date."""

    def __init__(self, pack: Pack, *, date1904: bool) -> None:
        self._pack = pack
        self._shift = _DAYS_1904 if date1904 else 0
        self.serials: set[str] = set()

    def columns(self, layout: Layout) -> dict[str, ColumnIntake]:
        """A sheet's columns by key."""
        return {mapped.key: ColumnIntake(mapped, self.of(mapped.indicator)) for mapped in layout.mapped}

    def of(self, indicator: Indicator) -> Parse:
        """How a cell of the item is read; the function raises CodecFault."""
        if indicator.type == "date":
            return lambda cell: self._pack.parse_text(indicator, cell if isinstance(cell, str) else self._date(indicator, cell))
        if indicator.type == "month":
            return lambda cell: self._pack.parse_text(indicator, cell if isinstance(cell, str) else self._month(indicator, cell))
        if indicator.type == "secret_number":
            return lambda cell: self._secret(indicator, cell)
        if indicator.type in ("text", "ref"):
            return lambda cell: self.text(indicator, cell)
        return lambda cell: self._pack.parse_text(indicator, cell if isinstance(cell, str) else self._number(indicator, cell))

    def longest(self, indicator: Indicator) -> int:
        """So many characters of a text are taken."""
        return 255 if indicator.name.endswith("address") else 500

    def _number(self, indicator: Indicator, cell: float) -> str:
        if abs(cell) >= _EXACT:
            raise CodecFault(f"“{cell:.4g}”是表格的科学计数，原来的数字已丢失；请把这一列设为文本，再重新填写")
        return number_text(cell)

    def code(self, indicator: Indicator, cell: str | float, length: int = 0) -> str | None:
        """A code as written but for blanks and width; of so many digits where `length` says. Raises CodecFault."""
        text = cell if isinstance(cell, str) else self._number(indicator, cell)
        self._pack.parse_text(indicator, text)  # control characters
        plain = (normalise_number_text(text) or "").replace(" ", "").removesuffix(".0")
        if not plain:
            return None
        if _SCIENTIFIC.fullmatch(plain):
            raise CodecFault(f"“{plain}”是表格的科学计数，原来的编号已丢失；请把这一列设为文本，再重新填写")
        if not _CODE.fullmatch(plain):
            raise CodecFault("编号只能是数字、字母和短横，不超过 40 位")
        if length and not (plain.isdigit() and len(plain) == length):
            raise CodecFault(f"“{indicator.zh}”应是 {length} 位数字，这里是 {len(plain)} 位")
        return plain

    def _serial(self, indicator: Indicator, cell: float) -> datetime.date | None:
        days = int(cell)
        if days not in _SERIALS:
            return None
        self.serials.add(indicator.zh)
        return _EPOCH + datetime.timedelta(days=days + self._shift)

    def _date(self, indicator: Indicator, cell: float) -> str:
        day = self._serial(indicator, cell)
        return day.isoformat() if day else self._number(indicator, cell)

    def _month(self, indicator: Indicator, cell: float) -> str:
        text = number_text(cell)
        if _MONTH_AS_NUMBER.fullmatch(text):
            return text
        day = self._serial(indicator, cell) if cell.is_integer() else None
        if day is None:
            raise CodecFault(f"“{text}”不是年月（2021.1 分不清是 1 月还是 10 月），请写成 2021-09")
        return day.isoformat()[:7]

    def _secret(self, indicator: Indicator, cell: str | float) -> Any:
        if isinstance(cell, float):
            raise CodecFault("号码被表格存成了数字，末几位可能已丢失（如 3.403E+17）；请把这一列设为文本，再重新填写原号码")
        value = self._pack.parse_text(indicator, cell)
        return self._fitting(indicator, value)

    def text(self, indicator: Indicator, cell: str | float) -> Any:
        """A text, not longer than may be. Raises CodecFault."""
        return self._fitting(indicator, self._pack.parse_text(indicator, cell if isinstance(cell, str) else self._number(indicator, cell)))

    def _fitting(self, indicator: Indicator, value: Any) -> Any:
        limit = self.longest(indicator)
        if value is not None and len(value) > limit:
            raise CodecFault(f"太长（{len(value)} 个字），最多 {limit} 个字")
        return value
