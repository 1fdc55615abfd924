"""A village's or natural village's table for signature, blank with last year's values beside or filled. What has no source yet is marked."""

from dataclasses import asdict, dataclass

from fangfanpin.papers.render import render


@dataclass(frozen=True, slots=True)
class TableRow:
    """One item. `asks`: which time; `is_computed`: found by the system, not to be written in; `is_unverified`: the item has no source yet."""

    label: str
    unit: str
    asks: str
    last: str
    now: str
    is_computed: bool
    is_unverified: bool


@dataclass(frozen=True, slots=True)
class TablePart:
    title: str
    rows: tuple[TableRow, ...]


@dataclass(frozen=True, slots=True)
class VillageTable:
    """`is_blank`: the column of this year is to be written in by hand. `signers`: who signs, in order."""

    title: str
    county: str
    township: str
    village: str
    place: str
    code: str
    year: int
    period: str
    parts: tuple[TablePart, ...]
    is_blank: bool
    signers: tuple[str, ...]
    note: str
    pack: str
    printed_on: str


def render_village_table(table: VillageTable) -> bytes:
    """PDF, A4."""
    return render("village_table", asdict(table))
