"""Comparison sheets (信息采集对照表, W2.1): last recorded values beside blanks, one PDF per village."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from fangfanpin.papers.fonts import missing_glyphs
from fangfanpin.papers.qr import modules
from fangfanpin.papers.render import render


@dataclass(frozen=True, slots=True)
class SheetItem:
    """`kind`: period or as_of; `last` in words; `sum`: added up by the system, not to be filled."""

    number: str
    zh: str
    unit: str
    last: str
    sum: bool = False


@dataclass(frozen=True, slots=True)
class SheetSection:
    """`window` says which time is asked: 2020-10-01 至 2021-09-30, or 截至 2021-09-30."""

    title: str
    window: str
    tickable: bool
    items: tuple[SheetItem, ...]


@dataclass(frozen=True, slots=True)
class SheetMember:
    name: str
    relation: str
    last: tuple[str, ...]  # one value for each of the village's member items


@dataclass(frozen=True, slots=True)
class SheetHousehold:
    """`qr`: text of the code, household and sheet version."""

    code: str
    head: str
    natural_village: str
    address: str
    helper: str
    kind: str
    size: int
    qr: str
    sections: tuple[SheetSection, ...]
    members: tuple[SheetMember, ...]


@dataclass(frozen=True, slots=True)
class SheetVillage:
    """`member_items`: number, name and window of each row of the member table. `households` in walking order."""

    county: str
    township: str
    village: str
    year: int
    version: str
    printed_on: str
    member_items: tuple[tuple[str, str, str], ...]
    households: tuple[SheetHousehold, ...]


@dataclass(frozen=True, slots=True)
class RenderedSheets:
    pdf: bytes
    missing: dict[str, str]  # household code → characters no font holds


MEMBERS_ACROSS = 4
BLANKS_FOR_ARRIVALS = 2


def names_without_glyphs(village: SheetVillage) -> dict[str, str]:
    """To be told before printing: household code → characters that would print as a box."""
    found: dict[str, str] = {}
    for household in village.households:
        text = household.head + household.address + "".join(member.name for member in household.members)
        if missing := missing_glyphs(text):
            found[household.code] = "".join(sorted(missing))
    return found


def render_village(village: SheetVillage, *, cover: bool = True) -> RenderedSheets:
    """One PDF: a cover list per natural village, then its households, each on an even number of A4 sides."""
    data = asdict(village)
    for household, source in zip(data["households"], village.households, strict=True):
        household["qr"] = modules(source.qr)
        household["blocks"] = _blocks(source.members)
    groups: list[dict[str, object]] = []
    for index, household in enumerate(village.households):
        if not groups or groups[-1]["name"] != household.natural_village:
            groups.append({"name": household.natural_village, "households": []})
        rows = groups[-1]["households"]
        assert isinstance(rows, list)
        rows.append(index)
    data |= {"groups": groups, "cover": cover}
    return RenderedSheets(render("sheets", data), names_without_glyphs(village))


def _blocks(members: Sequence[SheetMember]) -> list[list[dict[str, object] | None]]:
    """Members in columns, four to a table, with empty columns for arrivals at the end."""
    columns: list[dict[str, object] | None] = [asdict(member) for member in members]
    columns += [None] * BLANKS_FOR_ARRIVALS
    while len(columns) % MEMBERS_ACROSS:
        columns.append(None)
    return [columns[start : start + MEMBERS_ACROSS] for start in range(0, len(columns), MEMBERS_ACROSS)]
