"""A register on paper: an empty table for the pen, a filled list, one row. Landscape A4; columns that do not fit go on in a further table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from fangfanpin.papers.render import render

_WIDTH_MM = 262  # of a line: A4 landscape without margins and without the row's number


@dataclass(frozen=True, slots=True)
class PaperColumn:
    """`width`: millimetres it wants; `is_known` False: nobody has found its source yet, it is marked; `words`: of its list."""

    title: str
    width: float
    is_number: bool = False
    is_known: bool = True
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RegisterPaper:
    """`rows`: cells in the columns' order, none for an empty table; `keys`: so many columns from the left are repeated in every part."""

    title: str
    year: str
    place: str
    filters: str
    printed_on: str
    pack: str
    keys: int
    columns: tuple[PaperColumn, ...]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class PaperLine:
    """`pictures`: JPEG or PNG, small; they stand under the text."""

    title: str
    text: str
    is_known: bool = True
    pictures: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class PaperSigner:
    """Who signs. `pictures`: signatures that are there already; without one there is a line to sign on."""

    title: str
    pictures: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class PaperPart:
    title: str
    lines: tuple[PaperLine, ...]


@dataclass(frozen=True, slots=True)
class RowPaper:
    title: str
    year: str
    place: str
    subject: str
    state: str
    entered: str
    printed_on: str
    pack: str
    parts: tuple[PaperPart, ...]
    signers: tuple[PaperSigner, ...]


def bands(paper: RegisterPaper) -> list[list[int]]:
    """Which columns stand in which part of the table: as many as fit a line, the key columns in each."""
    keys = list(range(paper.keys))
    room = _WIDTH_MM - sum(paper.columns[place].width for place in keys)
    found: list[list[int]] = []
    left = 0.0
    for place in range(paper.keys, len(paper.columns)):
        width = paper.columns[place].width
        if not found or left < width:
            found.append(list(keys))
            left = room
        found[-1].append(place)
        left -= width
    return found or [keys]


def render_register(paper: RegisterPaper) -> bytes:
    """PDF; rows are not split over pages, heads repeat."""
    return render("register", {**asdict(paper), "bands": bands(paper)})


def render_row(paper: RowPaper) -> bytes:
    """PDF, A4 upright: every item of one row."""
    return render("register_row", asdict(paper))
