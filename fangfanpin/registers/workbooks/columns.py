"""Columns of a register's file: what a header fills, in any order, and how its cells are read.

Beside the register's items there are columns that say whose row it is and which: they are items of no form (`row.…`).
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.codec import CodecFault
from fangfanpin.records.workbooks import cells
from fangfanpin.records.workbooks.headers import NO_LAYOUT, Layout, header_key, header_row, mapped_row, without_unit
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.escaping import MASKED_TEXT, is_masked, list_words, unprotected
from fangfanpin.registers.references import BETWEEN

ROLE = "register"
EXAMPLE = "示例"  # what the mark of a template's example row begins with
_ROW = "row"
_NAMES = "number mark household head person name identity village village_name natural natural_name state".split()
NUMBER, MARK, HOUSEHOLD, HEAD, PERSON, NAME, IDENTITY, VILLAGE, VILLAGE_NAME, NATURAL, NATURAL_NAME, STATE = (f"{_ROW}.{name}" for name in _NAMES)
# Columns that say whose row it is, by what the register's subject is.
WHOSE = {
    "household": (HOUSEHOLD, HEAD, IDENTITY, VILLAGE, VILLAGE_NAME),
    "person": (PERSON, NAME, IDENTITY, HOUSEHOLD, HEAD, VILLAGE, VILLAGE_NAME),
    "village": (VILLAGE, VILLAGE_NAME),
    "natural_village": (NATURAL, NATURAL_NAME, VILLAGE, VILLAGE_NAME),
}
# The first header of each is what our own files say; the others are the county's habits. Headers of the pack's roster come after them.
_HEADERS = {
    NUMBER: ("登记号", "登记编号"),
    MARK: ("填写说明", "示例标记"),
    HOUSEHOLD: ("户编号", "AAC001"),
    HEAD: ("户主姓名", "户主", "AAC002"),
    PERSON: ("人编号", "AAB001"),
    NAME: ("姓名",),
    IDENTITY: ("证件号码",),
    VILLAGE: ("村代码",),
    VILLAGE_NAME: ("村", "行政村", "村名", "村名称", "所在村"),
    NATURAL: ("自然村代码", "村民组代码"),
    NATURAL_NAME: ("自然村", "自然村名称", "村民组"),
    STATE: ("审核情况",),
}
_AS_ROSTER = {
    HOUSEHOLD: "household_year.household_id",
    HEAD: "household_year.head_name",
    PERSON: "person_year.person_id",
    NAME: "person_year.member_name",
    IDENTITY: "person_year.id_number",
    VILLAGE: "household_year.admin_village_code",
}
_NUMBER_TEXT = re.compile(r"(\d{1,18})(?:[vV](\d{1,9}))?")


def _item(key: str) -> Indicator:
    """An item of no form, said as its first header."""
    form, name = key.split(".")
    return Indicator(
        form=form,
        name=name,
        zh=_HEADERS[key][0],
        number="",
        national_id="",
        type="secret_number" if key == IDENTITY else "text",
        unit="",
        scale=0,
        list="",
        kind="admin",
        home="computed" if key == STATE else "record",
        privacy="secret" if key == IDENTITY else "none",
        multi=False,
        section="",
        retired=False,
        verified=True,
        source="",
        note="",
    )


ITEMS = {key: _item(key) for key in _HEADERS}


def number_text(number: int, version: int) -> str:
    """What our files say in the column 登记号: which row, as it stood. No spreadsheet takes it for a number or a date."""
    return f"{number}v{version}"


class Headers:
    """A register's headers: words of its items, of the pack's layout, national ids and names, in any order."""

    def __init__(self, register: Register, pack: Pack) -> None:
        self._subject = register.subject.ref
        self._items = {item.key for item in register.in_cells if item != register.subject}
        known: dict[str, Indicator] = {}
        roster = {f"{column.form}.{column.name}": column.headers for column in pack.roster}
        whose = (NUMBER, MARK, *WHOSE[self._subject], STATE)
        lead = WHOSE[self._subject][0]
        for item in register.form.indicators:
            if item == register.subject:
                item = replace(ITEMS[lead], zh=item.zh)
                names = self._names(register.subject, pack)
            else:
                names = self._names(item, pack)
            for header in names:
                known.setdefault(header_key(header), ITEMS[lead] if item.form == _ROW else item)
        for key in whose:
            for header in (*_HEADERS[key], *roster.get(_AS_ROSTER.get(key, ""), ())):
                known.setdefault(header_key(header), ITEMS[key])
        self._known = known

    @staticmethod
    def _names(item: Indicator, pack: Pack) -> Sequence[str]:
        return [name for name in (item.zh, *pack.register_headers.get(item.key, ()), item.national_id, item.name, item.en) if name]

    def find(self, header: str) -> Indicator | None:
        """The item of a header; a unit in brackets behind it does not matter."""
        key = header_key(header)
        return self._known.get(key) or self._known.get(without_unit(key))

    def layout(self, rows: Sequence[Sequence[object]]) -> Layout:
        """The layout of a sheet from its first rows; role '' where it is no sheet of the register."""
        row = header_row(rows, self.find, least=2)
        if row < 0:
            return NO_LAYOUT
        found = mapped_row(rows[row], self.find, lambda item: item.form == _ROW and item.home == "record" or item.key in self._items)
        return replace(found, role=ROLE if any(column.key in self._items for column in found.mapped) else "", row=row)


class Parsers(cells.Parsers):
    """How a register's cells are read. A masked cell becomes MASKED; an apostrophe that kept a text from being a formula goes."""

    def of(self, indicator: Indicator) -> cells.Parse:
        match indicator.key:
            case "row.number":
                return _number
            case "row.village":
                return lambda cell: self.code(indicator, cell, 12)
            case "row.natural":
                return lambda cell: self.code(indicator, cell, 15)
            case "row.household" | "row.person":
                return lambda cell: self.code(indicator, cell)
        parse = self._code_of(indicator) if indicator.type == "code" else super().of(indicator)
        if indicator.privacy == "sensitive" or (indicator.privacy == "secret" and indicator.form != _ROW):
            return lambda cell: MASKED if isinstance(cell, str) and is_masked(cell) else parse(_bare(cell))
        if indicator.type == "ref":
            return lambda cell: _text(cell)
        return lambda cell: parse(_bare(cell))

    def _code_of(self, indicator: Indicator) -> cells.Parse:
        """Words as our own files say them, before the list's words, synonyms and codes. A word that several codes share names none."""
        parse, files_say = super().of(indicator), list_words(self._pack, indicator.list)
        codes = {word: code for code, word in files_say.items()}
        shared: dict[str, list[str]] = {}
        for entry in self._pack.lists[indicator.list]:
            if files_say[entry.code] != entry.word:
                shared.setdefault(entry.word, []).append(files_say[entry.code])

        def one(cell: str | float) -> Any:
            text = cell.strip() if isinstance(cell, str) else ""
            if text in codes:
                return [codes[text]] if indicator.multi else codes[text]
            if text in shared:
                few = "、".join(shared[text][:3])
                raise CodecFault(
                    _("叫“%(word)s”的有 %(count)d 个，请写明是哪一个，如%(few)s") % {"word": text, "count": len(shared[text]), "few": few}
                )
            return parse(cell)

        def several(cell: str | float) -> Any:
            parts = [part for part in BETWEEN.split(cell) if part.strip()] if isinstance(cell, str) else [cell]
            return sorted({code for part in parts for code in one(part) or ()}) or None

        return several if indicator.multi else one


class _Masked:
    """A cell that shows nothing of the value: whoever made the file may not see it."""

    def __repr__(self) -> str:
        return MASKED_TEXT


MASKED = _Masked()


def _bare(cell: str | float) -> str | float:
    return unprotected(cell) if isinstance(cell, str) else cell


def _text(cell: str | float) -> str | None:
    return (unprotected(cell) if isinstance(cell, str) else cells.number_text(cell)).strip() or None


def _number(cell: str | float) -> Any:
    """(number of the row, its version when the file was made or None)."""
    text = cells.cell_text(cell).strip()
    found = _NUMBER_TEXT.fullmatch(text)
    if found is None:
        raise CodecFault(_("登记号是导出时写上的，请不要改；新登记的行请留空"))
    return int(found[1]), int(found[2]) if found[2] else None


def titles(register: Register) -> list[str]:
    """Headers of the columns that say whose row it is, as our own files have them."""
    return [_HEADERS[key][0] for key in WHOSE[register.subject.ref] if key != IDENTITY]


def is_example(value: Any) -> bool:
    """Does the mark of a row say that it is an example?"""
    return isinstance(value, str) and value.startswith(EXAMPLE)
