"""Cells to values: every distinct value of a column is parsed once, however many rows hold it."""

import datetime
import re
from array import array
from bisect import insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from fangfanpin.expressions.normalise import normalise_number_text
from fangfanpin.households.models import Pairing
from fangfanpin.households.subjects import longest
from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.codec import CodecFault
from fangfanpin.privacy.secrets import mask_bank, mask_id
from fangfanpin.records.roster.columns import HEADER_SEARCHED, HOUSEHOLD_CODE, PAIRING_FORM, PLACES, VILLAGE, Headers, Layout, Mapped
from fangfanpin.records.roster.places import Found, Places
from fangfanpin.records.roster.reading import Rows, SheetStart, Unsolved
from fangfanpin.records.units import HOUSEHOLD_FORM, PERSON_FORM
from fangfanpin.regions.models import Region

NATURAL_VILLAGE = f"{HOUSEHOLD_FORM}.natural_village_code"
PERSON_CODE = f"{PERSON_FORM}.person_id"
_CODES = frozenset({HOUSEHOLD_CODE, VILLAGE, NATURAL_VILLAGE, PERSON_CODE})
_CODE_LENGTHS = {VILLAGE: 12, NATURAL_VILLAGE: 15}
_EXACT = 10**15  # a spreadsheet number keeps 15 digits
_SERIALS = range(10_000, 80_000)  # days since 1899-12-30 that can be meant: 1927 to 2119
_EPOCH = datetime.date(1899, 12, 30)
_DAYS_1904 = 1462
_MONTH_AS_NUMBER = re.compile(r"\d{4}|\d{6}")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+\d+")
_CODE = re.compile(r"[0-9A-Za-z-]{1,40}")
_WORDS = re.compile(r"[\u4e00-\u9fff]")
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


def shown(indicator: Indicator, cell: str | float) -> str:
    """A cell as it may be shown in a list of faults."""
    text = cell if isinstance(cell, str) else number_text(cell)
    if indicator.privacy == "secret":
        return mask_bank(text) if indicator.name == "bank_card_no" else mask_id(text)
    return text[:60]


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


class VillageIntake(ColumnIntake):
    """The village of each row by its code, by its words, or by both: each combination that stands in the sheet is looked up once."""

    def __init__(self, indicator: Indicator, code: ColumnIntake | None, words: Mapping[Region.Level, ColumnIntake], places: Places) -> None:
        lead = code or words[Region.Level.VILLAGE]
        super().__init__(Mapped(lead.mapped.place, lead.mapped.header, indicator), lambda _cell: None)
        self._code, self._words, self._places = code, words, places
        self._parts = [*([code] if code is not None else []), *words.values()]
        self._numbers: dict[tuple[int, ...], int] = {}
        self._told: list[ColumnIntake] = []
        self._combined: list[tuple[int, ...]] = []

    def take(self, rows: Rows) -> None:
        for part in self._parts:
            part.take(rows)
        self._combine()

    def pad(self, height: int) -> None:
        for part in self._parts:
            part.pad(height)
        self._combine()

    def _combine(self) -> None:
        start, numbers = len(self.codes), self._numbers
        for combined in zip(*(part.codes[start:] for part in self._parts), strict=True):
            if combined not in numbers:
                numbers[combined] = len(numbers)
                self._look_up(combined)
            self.codes.append(numbers[combined])

    def told(self, number: int) -> tuple[Mapped, str | float]:
        part = self._told[number]
        return part.mapped, part.raw[self._combined[number][self._parts.index(part)]]

    def cells(self, number: int) -> list[tuple[Mapped, str | float]]:
        return [(part.mapped, part.raw[code]) for part, code in zip(self._parts, self._combined[number], strict=True)]

    def part_at(self, place: int) -> ColumnIntake | None:
        """The part that a column of the sheet is."""
        return next((part for part in self._parts if part.mapped.place == place), None)

    def set_part_aside(self, part: ColumnIntake, row: int, cell: str, message: str) -> None:
        """As set_aside, for the cell of one part."""
        part.set_aside(row, cell, message)
        self.codes[row] = number = len(self.raw)
        self._combined.append(tuple(one.codes[row] for one in self._parts))
        self.raw.append(cell)
        self.parsed.append(None)
        self._told.append(part)
        self.problems[number] = message

    def _look_up(self, combined: tuple[int, ...]) -> None:
        number = len(self.raw)
        held = dict(zip(map(id, self._parts), combined, strict=True))
        cells = [part.raw[held[id(part)]] for part in self._parts]
        self._combined.append(combined)
        self.raw.append(" ".join(cell if isinstance(cell, str) else number_text(cell) for cell in cells if cell != ""))
        words = {level: str(part.parsed[held[id(part)]] or "") for level, part in self._words.items()}
        told, found = self._found(held, words)
        self.parsed.append(found.code or None)
        self._told.append(told)
        if found.problem:
            self.problems[number] = found.problem

    def _found(self, held: Mapping[int, int], words: dict[Region.Level, str]) -> tuple[ColumnIntake, Found]:
        """What was found, and the part to point at."""
        code = self._code
        for part in self._words.values():
            if (problem := part.problems.get(held[id(part)])) is not None:
                return part, Found(problem=problem)
        by_words = self._words.get(Region.Level.VILLAGE)
        if code is not None and (cell := code.raw[held[id(code)]]) != "":
            if (problem := code.problems.get(held[id(code)])) is None:
                stated = code.parsed[held[id(code)]]
                if stated is not None:
                    against = self._places.contradiction(stated, words)
                    return self._words.get(against.level, code) if against.problem else code, against
            elif words.get(Region.Level.VILLAGE) or not (isinstance(cell, str) and _WORDS.search(cell)):
                return code, Found(problem=problem)
            else:  # the village's name where its code should be
                words, by_words = words | {Region.Level.VILLAGE: cell.strip()}, code
        found = self._places.find(words)
        told = by_words if found.level == Region.Level.VILLAGE else self._words.get(found.level)
        return told or by_words or self._parts[0], found


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
        by_place = {column.mapped.place: column for column in self.columns.values() if not isinstance(column, VillageIntake)}
        villages = self.columns.get(VILLAGE)
        first, held = self.layout.row + 1, set(self.rows)
        for cell in cells:
            part = villages.part_at(cell.place) if isinstance(villages, VillageIntake) else None
            column = by_place.get(cell.place)
            if cell.row < first or (part is None and column is None):
                continue
            for each in self.columns.values():
                each.pad(cell.row + 1)  # a row of nothing else was not read
            message = (
                _("公式没有结果，请在 Excel 里打开文件、保存后再上传")
                if cell.words.startswith("=")
                else _("单元格是错误值，请在 Excel 里改正公式或内容后再上传")
            )
            if isinstance(villages, VillageIntake) and part is not None:
                villages.set_part_aside(part, cell.row, cell.words, message)
            elif column is not None:
                column.set_aside(cell.row, cell.words, message)
            if cell.row not in held:
                held.add(cell.row)
                insort(self.rows, cell.row)


class SheetIntake:
    """Takes the frames of one sheet; knows its layout once the first chunk is there. `block` None: no roster."""

    def __init__(self, start: SheetStart, headers: Headers, parsers: "Parsers") -> None:
        self.start = start
        self._headers = headers
        self._parsers = parsers
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
        """Rows that hold anything: a blank one has no household code, so only those are looked at."""
        columns = list(block.columns.values())
        first = block.columns.get(HOUSEHOLD_CODE, columns[0])
        if "" not in first.raw:
            return range(start, stop)
        blanks = [(column.codes, column.raw.index("") if "" in column.raw else -1) for column in columns]
        nothing = first.raw.index("")
        return [row for row in range(start, stop) if first.codes[row] != nothing or any(codes[row] != blank for codes, blank in blanks)]


class Parsers:
    """How a cell of each item is read, the file's own count of days known. `serials`: items where a number was taken as a date."""

    def __init__(self, pack: Pack, places: Places, *, date1904: bool) -> None:
        self._pack = pack
        self._places = places
        self._shift = _DAYS_1904 if date1904 else 0
        self.serials: set[str] = set()

    def columns(self, layout: Layout) -> dict[str, ColumnIntake]:
        """A sheet's columns by key. Those that say the village in words become one with its code, where they name a village at all."""
        found = {mapped.key: ColumnIntake(mapped, self.of(mapped.indicator)) for mapped in layout.mapped}
        words = {PLACES[mapped.key]: ColumnIntake(mapped, self.of(mapped.indicator)) for mapped in layout.places}
        if words and (VILLAGE in found or Region.Level.VILLAGE in words):
            indicator = self._pack.indicators[VILLAGE]
            lead = found.get(VILLAGE)
            code = ColumnIntake(lead.mapped, lambda cell: self._code(indicator, cell)) if lead is not None else None
            found[VILLAGE] = VillageIntake(indicator, code, words, self._places)
        return found

    def of(self, indicator: Indicator) -> Parse:
        if indicator.key == VILLAGE:
            return lambda cell: self._village(indicator, cell)
        if indicator.key in _CODES:
            return lambda cell: self._code(indicator, cell)
        if indicator.type == "date":
            return lambda cell: self._pack.parse_text(indicator, cell if isinstance(cell, str) else self._date(indicator, cell))
        if indicator.type == "month":
            return lambda cell: self._pack.parse_text(indicator, cell if isinstance(cell, str) else self._month(indicator, cell))
        if indicator.type == "secret_number":
            return lambda cell: self._secret(indicator, cell)
        if indicator.type in ("text", "ref") or (indicator.form == PAIRING_FORM and indicator.type == "phone"):
            return lambda cell: self._text(indicator, cell)
        return lambda cell: self._pack.parse_text(indicator, cell if isinstance(cell, str) else self._number(indicator, cell))

    def _number(self, indicator: Indicator, cell: float) -> str:
        if abs(cell) >= _EXACT:
            raise CodecFault(f"“{cell:.4g}”是表格的科学计数，原来的数字已丢失；请把这一列设为文本，再重新填写")
        return number_text(cell)

    def _code(self, indicator: Indicator, cell: str | float) -> str | None:
        text = cell if isinstance(cell, str) else self._number(indicator, cell)
        self._pack.parse_text(indicator, text)  # control characters
        plain = (normalise_number_text(text) or "").replace(" ", "").removesuffix(".0")
        if not plain:
            return None
        if _SCIENTIFIC.fullmatch(plain):
            raise CodecFault(f"“{plain}”是表格的科学计数，原来的编号已丢失；请把这一列设为文本，再重新填写")
        if not _CODE.fullmatch(plain):
            raise CodecFault("编号只能是数字、字母和短横，不超过 40 位")
        length = _CODE_LENGTHS.get(indicator.key)
        if length and not (plain.isdigit() and len(plain) == length):
            raise CodecFault(f"“{indicator.zh}”应是 {length} 位数字，这里是 {len(plain)} 位")
        return plain

    def _village(self, indicator: Indicator, cell: str | float) -> str | None:
        """A village's code, or its name where the code should be."""
        if not (isinstance(cell, str) and _WORDS.search(cell)):
            return self._code(indicator, cell)
        found = self._places.find({Region.Level.VILLAGE: cell.strip()})
        if found.problem:
            raise CodecFault(found.problem)
        return found.code

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

    def _text(self, indicator: Indicator, cell: str | float) -> Any:
        return self._fitting(indicator, self._pack.parse_text(indicator, cell if isinstance(cell, str) else self._number(indicator, cell)))

    def _fitting(self, indicator: Indicator, value: Any) -> Any:
        limit = _limit_of(indicator.form, indicator.name)
        if value is not None and len(value) > limit:
            raise CodecFault(f"太长（{len(value)} 个字），最多 {limit} 个字")
        return value


_limits: dict[tuple[str, str], int] = {}


def _limit_of(form: str, name: str) -> int:
    if (form, name) not in _limits:
        if form == PAIRING_FORM:
            held = getattr(Pairing._meta.get_field(name), "max_length", None)
        else:
            held = longest(form, name) if form in (HOUSEHOLD_FORM, PERSON_FORM) else None
        _limits[form, name] = held or (255 if name.endswith("address") else 500)
    return _limits[form, name]
