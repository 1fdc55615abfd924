"""Cells of a roster: its codes, the village of a row by code or words, and how long a text may be in the registry."""

import re
from collections.abc import Mapping

from fangfanpin.households.models import Pairing
from fangfanpin.households.subjects import longest
from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.codec import CodecFault
from fangfanpin.records.roster.columns import HOUSEHOLD_CODE, PAIRING_FORM, PLACES, VILLAGE
from fangfanpin.records.roster.places import Found, Places
from fangfanpin.records.units import HOUSEHOLD_FORM, PERSON_FORM
from fangfanpin.records.workbooks import cells
from fangfanpin.records.workbooks.cells import ColumnIntake, cell_text
from fangfanpin.records.workbooks.headers import Layout, Mapped
from fangfanpin.records.workbooks.reading import Rows
from fangfanpin.regions.models import Region

NATURAL_VILLAGE = f"{HOUSEHOLD_FORM}.natural_village_code"
PERSON_CODE = f"{PERSON_FORM}.person_id"
_CODES = frozenset({HOUSEHOLD_CODE, VILLAGE, NATURAL_VILLAGE, PERSON_CODE})
_CODE_LENGTHS = {VILLAGE: 12, NATURAL_VILLAGE: 15}
_WORDS = re.compile(r"[\u4e00-\u9fff]")


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
        self.raw.append(" ".join(cell_text(cell) for cell in cells if cell != ""))
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


class Parsers(cells.Parsers):
    """As of any workbook, codes of households, persons and places among them."""

    def __init__(self, pack: Pack, places: Places, *, date1904: bool) -> None:
        super().__init__(pack, date1904=date1904)
        self._places = places

    def columns(self, layout: Layout) -> dict[str, ColumnIntake]:
        """Those that say the village in words become one with its code, where they name a village at all."""
        found = super().columns(layout)
        words = {PLACES[mapped.key]: ColumnIntake(mapped, self.of(mapped.indicator)) for mapped in layout.places}
        if words and (VILLAGE in found or Region.Level.VILLAGE in words):
            indicator = self._pack.indicators[VILLAGE]
            lead = found.get(VILLAGE)
            code = ColumnIntake(lead.mapped, lambda cell: self.code(indicator, cell, _CODE_LENGTHS[VILLAGE])) if lead is not None else None
            found[VILLAGE] = VillageIntake(indicator, code, words, self._places)
        return found

    def of(self, indicator: Indicator) -> cells.Parse:
        if indicator.key == VILLAGE:
            return lambda cell: self._village(indicator, cell)
        if indicator.key in _CODES:
            return lambda cell: self.code(indicator, cell, _CODE_LENGTHS.get(indicator.key, 0))
        if indicator.form == PAIRING_FORM and indicator.type == "phone":
            return lambda cell: self.text(indicator, cell)
        return super().of(indicator)

    def _village(self, indicator: Indicator, cell: str | float) -> str | None:
        """A village's code, or its name where the code should be."""
        if not (isinstance(cell, str) and _WORDS.search(cell)):
            return self.code(indicator, cell, _CODE_LENGTHS[VILLAGE])
        found = self._places.find({Region.Level.VILLAGE: cell.strip()})
        if found.problem:
            raise CodecFault(found.problem)
        return found.code

    def longest(self, indicator: Indicator) -> int:
        form, name = indicator.form, indicator.name
        if (form, name) not in _limits:
            if form == PAIRING_FORM:
                held = getattr(Pairing._meta.get_field(name), "max_length", None)
            else:
                held = longest(form, name) if form in (HOUSEHOLD_FORM, PERSON_FORM) else None
            _limits[form, name] = held or super().longest(indicator)
        return _limits[form, name]


_limits: dict[tuple[str, str], int] = {}
