"""Comparison sheets (信息采集对照表, W2.1): last recorded values beside blanks, one PDF per village.

A household has two sides of its own items (basics, living conditions, roster; income, sums, signatures) and then its members, four
to a side; up to three members have two sides with wide rows. Blank columns for arrivals fill what is left, so the number of sides
is even without an empty page.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fangfanpin.papers.fonts import missing_glyphs, width
from fangfanpin.papers.qr import code
from fangfanpin.papers.render import render

MEMBERS_ACROSS = 4
ROSTER_ON_FRONT = 6  # members; a longer roster gets a side of its own
SPREAD_UP_TO = 3  # members; their items stand on two sides, with room to write
BLANKS_FOR_ARRIVALS = 2
BLANKS_APART = 4
COVER_ROWS = 32
# Row heights in mm: first side, second side, roster, members four to a side, members with room to write.
PITCHES = {"front": 7.0, "second": 7.2, "roster": 9.2, "close": 6.25, "wide": 10.4}
ITEM_CELL_MM, MEMBER_CELL_MM, NUMBER_CELL_MM, LABEL_CELL_MM, MEMBER_LABEL_CELL_MM = 22.0, 18.4, 8.5, 33.5, 40.0
_EM_MM = 9 * 25.4 / 72
_PADDING_MM = 1.6
_NO_VALUE = "\u00a0"  # keeps the line open


@dataclass(frozen=True, slots=True)
class SheetItem:
    """`sum`: added up by the system; printed grey, to be checked by hand if wished."""

    number: str
    zh: str
    sum: bool = False


@dataclass(frozen=True, slots=True)
class SheetSection:
    """`window` says which time is asked: 2020-10-01 至 2021-09-30, or 截至 2021-09-30. `front`: on the first side."""

    title: str
    window: str
    tickable: bool
    front: bool
    items: tuple[SheetItem, ...]


@dataclass(frozen=True, slots=True)
class RosterColumn:
    title: str
    width_mm: float


@dataclass(frozen=True, slots=True)
class SheetMember:
    """`roster`: one value per roster column; `last`: one per item of the village's member groups, in their order."""

    name: str
    relation: str
    roster: tuple[str, ...]
    last: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetHousehold:
    """`qr`: text of the code, household and sheet version. `last`: for each section one value per item, in words."""

    code: str
    head: str
    natural_village: str
    address: str
    helper: str
    kind: str
    size: int
    qr: str
    last: tuple[tuple[str, ...], ...]
    members: tuple[SheetMember, ...]


@dataclass(frozen=True, slots=True)
class SheetVillage:
    """What is equal on every sheet of a village, and its `households` in walking order. `sums`: how totals are made, in words."""

    county: str
    township: str
    village: str
    year: int
    version: str
    printed_on: str
    sections: tuple[SheetSection, ...]
    member_groups: tuple[SheetSection, ...]
    roster: tuple[RosterColumn, ...]
    sums: tuple[str, ...]
    households: tuple[SheetHousehold, ...]


@dataclass(frozen=True, slots=True)
class RenderedSheets:
    pdf: bytes
    pages: int
    missing: dict[str, str]  # household code → characters no font holds


def names_without_glyphs(village: SheetVillage) -> dict[str, str]:
    """To be told before printing: household code → characters that would print as a box."""
    found: dict[str, str] = {}
    for household in village.households:
        text = "".join(
            (household.head, household.address, household.natural_village, household.helper, *(member.name for member in household.members))
        )
        if missing := missing_glyphs(text):
            found[household.code] = "".join(sorted(missing))
    return found


def render_village(village: SheetVillage, *, cover: bool = True) -> RenderedSheets:
    """One PDF: a cover list per natural village, then its households, each on an even number of A4 sides."""
    groups = _groups(village, cover=cover)
    households = [_household(household, village) for household in village.households]
    data: dict[str, Any] = {
        "county": village.county,
        "township": village.township,
        "village": village.village,
        "year": village.year,
        "version": village.version,
        "printed_on": village.printed_on,
        "cover": cover,
        "exact": False,
        "pitches": PITCHES,
        "sections": [_section(section) for section in village.sections],
        "front_sections": [n for n, section in enumerate(village.sections) if section.front],
        "second_sections": [n for n, section in enumerate(village.sections) if not section.front],
        "member_groups": [_member_group(group) for group in village.member_groups],
        "spread_groups": _halves(village.member_groups),
        "roster_items": [column.title for column in village.roster],
        "roster_widths": [column.width_mm for column in village.roster],
        "roster_shapes": sorted({(h["roster_rows"], h["roster_blanks"]) for h in households}),
        "sums": village.sums,
        "households": households,
        "groups": groups,
    }
    expected = sum(2 + h["roster_apart"] + (2 if h["spread"] else len(h["blocks"])) for h in households)
    if cover:
        expected += sum(len(group["lists"]) + len(group["lists"]) % 2 for group in groups)
    pdf = render("sheets", data)
    pages = page_count(pdf)
    if pages != expected:
        # Very many long words ran over a side: count pages instead of knowing them. Slower, and rare.
        pdf = render("sheets", data | {"exact": True})
        pages = page_count(pdf)
    return RenderedSheets(pdf, pages, names_without_glyphs(village))


def page_count(pdf: bytes) -> int:
    """Pages of a PDF as Typst writes it: the page tree is never compressed, its root says the count."""
    return max((int(count) for count in re.findall(rb"/Type\s*/Pages.{0,40}?/Count\s+(\d+)", pdf, re.S)), default=0)


def _section(section: SheetSection) -> dict[str, Any]:
    half = -(-len(section.items) // 2)
    pitch = PITCHES["front" if section.front else "second"]
    return {
        "title": section.title,
        "window": section.window,
        "tickable": section.tickable,
        "count": len(section.items),
        "halves": [
            {
                "numbers": _fixed([item.number for item in part], NUMBER_CELL_MM, pitch),
                "labels": _fixed(["" if item.sum else item.zh for item in part], LABEL_CELL_MM, pitch),
                "sums": [(row, item.zh) for row, item in enumerate(part) if item.sum],
            }
            for part in (section.items[:half], section.items[half:])
        ],
    }


def _member_group(group: SheetSection) -> dict[str, Any]:
    return {
        "title": group.title,
        "window": group.window,
        "count": len(group.items),
        "numbers": _fixed([item.number for item in group.items], NUMBER_CELL_MM, PITCHES["close"]),
        "labels": _fixed([item.zh for item in group.items], MEMBER_LABEL_CELL_MM, PITCHES["close"]),
    }


def _fixed(words: Sequence[str], width_mm: float, pitch_mm: float) -> dict[str, Any]:
    """A column of the form itself; a pack whose item names fit nowhere would print a note number, which its check shows."""
    return _column([("", word) for word in words], width_mm, pitch_mm, [])


def _halves(groups: Sequence[SheetSection]) -> list[list[int]]:
    """The groups on two sides, cut where the sides come closest to equal."""
    counts = [len(group.items) for group in groups]
    cut = min(range(len(counts) + 1), key=lambda at: abs(sum(counts[:at]) - sum(counts[at:])))
    return [list(range(cut)), list(range(cut, len(counts)))]


def _household(household: SheetHousehold, village: SheetVillage) -> dict[str, Any]:
    apart = len(household.members) > ROSTER_ON_FRONT
    spread = len(household.members) <= SPREAD_UP_TO
    notes: list[str] = []
    blanks = BLANKS_APART if apart else BLANKS_FOR_ARRIVALS
    last = []
    for section, values in zip(village.sections, household.last, strict=True):
        half = -(-len(values) // 2)
        pitch = PITCHES["front" if section.front else "second"]
        named = [(item.number + item.zh, value) for item, value in zip(section.items, values, strict=True)]
        last.append([_column(part, ITEM_CELL_MM, pitch, notes) for part in (named[:half], named[half:])])
    roster = [
        _column([(f"{member.name} {column.title}", member.roster[n]) for member in household.members], column.width_mm, PITCHES["roster"], notes)
        for n, column in enumerate(village.roster)
    ]
    members = [_member(member, village.member_groups, PITCHES["wide" if spread else "close"], notes) for member in household.members]
    return {
        "code": household.code,
        "head": household.head,
        "natural_village": household.natural_village,
        "address": household.address,
        "helper": household.helper,
        "kind": household.kind,
        "size": household.size,
        "qr": code(household.qr),
        "last": last,
        "roster": roster,
        "roster_rows": len(household.members) + blanks,
        "roster_blanks": blanks,
        "roster_apart": apart,
        "spread": spread,
        "blocks": _blocks(members, sides=1 if spread else None, odd=apart),
        "notes": notes,
    }


def _column(named: Sequence[tuple[str, str]], width_mm: float, pitch_mm: float, notes: list[str]) -> dict[str, Any]:
    """A column of values: `text` one line a row, `extra` the rows that need more lines. What does not fit its cell is said in `notes`."""
    room = (width_mm - _PADDING_MM) / _EM_MM * 0.98
    most = int(pitch_mm / _EM_MM + 0.1)
    lines: list[str] = []
    extra: list[tuple[int, str]] = []
    for row, (name, value) in enumerate(named):
        if width(value) <= room:
            lines.append(value or _NO_VALUE)
            continue
        lines.append(_NO_VALUE)
        if lines_needed(value, room) <= most:
            extra.append((row, value))
        else:
            notes.append(f"（{len(notes) + 1}）{name}：{value}")
            extra.append((row, f"见备注（{len(notes)}）"))
    return {"text": "\n".join(lines) if any(line != _NO_VALUE for line in lines) else "", "extra": extra}


_PIECES = re.compile(r"[\x21-\x7e]+|.", re.S)
_NEVER_FIRST = frozenset("，。、；：！？）》」』】％")


def lines_needed(text: str, room: float) -> int:
    """Lines of a text in a cell `room` em wide: Chinese breaks anywhere but before closing marks, a run of Latin stays together."""
    pieces: list[str] = []
    for piece in _PIECES.findall(text):
        if pieces and piece in _NEVER_FIRST:
            pieces[-1] += piece
        else:
            pieces.append(piece)
    count, used = 1, 0.0
    for piece in pieces:
        size = width(piece)
        if size > room:
            return 99
        if used + size > room:
            count, used = count + 1, 0.0
        used += size
    return count


def _member(member: SheetMember, groups: Sequence[SheetSection], pitch: float, notes: list[str]) -> dict[str, Any]:
    start, last = 0, []
    for group in groups:
        values = member.last[start : start + len(group.items)]
        named = [(f"{member.name} {item.number}{item.zh}", value) for item, value in zip(group.items, values, strict=True)]
        last.append(_column(named, MEMBER_CELL_MM, pitch, notes))
        start += len(group.items)
    title = f"{member.name}（{member.relation}）" if member.relation else member.name
    return {"title": title if width(title) <= 10 else member.name, "last": last}


def _blocks(members: Sequence[dict[str, Any]], *, sides: int | None, odd: bool) -> list[list[dict[str, Any] | None]]:
    """Members four to a side with at least one empty column for an arrival; `odd` sides where the roster has a side of its own."""
    if sides is None:
        sides = -(-(len(members) + 1) // MEMBERS_ACROSS)
        sides += (sides % 2) ^ odd
    columns: list[dict[str, Any] | None] = [*members, *[None] * (sides * MEMBERS_ACROSS - len(members))]
    return [columns[start : start + MEMBERS_ACROSS] for start in range(0, len(columns), MEMBERS_ACROSS)]


def _groups(village: SheetVillage, *, cover: bool) -> list[dict[str, Any]]:
    """Households by natural village, each with its cover lists of at most COVER_ROWS lines."""
    groups: list[dict[str, Any]] = []
    for index, household in enumerate(village.households):
        if not groups or groups[-1]["name"] != household.natural_village:
            groups.append({"name": household.natural_village, "households": [], "lists": []})
        groups[-1]["households"].append(index)
    for group in groups:
        lines = [
            (number, h.head, h.code, str(h.size), h.kind, h.helper)
            for number, h in enumerate((village.households[index] for index in group["households"]), 1)
        ]
        group["count"] = len(lines)
        if cover:
            group["lists"] = [lines[start : start + COVER_ROWS] for start in range(0, len(lines), COVER_ROWS)]
    return groups
