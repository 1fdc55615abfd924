"""A household's file (一户一档, W7): cover with index and page numbers, the parts that are there, the papers that are missing named."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from fangfanpin.papers.render import render


@dataclass(frozen=True, slots=True)
class FileRow:
    """One item: `last` and `now` in words; `changed` is marked by more than a colour."""

    zh: str
    last: str
    now: str
    changed: bool = False


@dataclass(frozen=True, slots=True)
class FileTable:
    """`columns`: headings of `cells`; without cells, `rows` are items with last year beside this year (or one value where `single`). `widths`: shares
    of the line, one a column, where equal ones will not do: a number does not break."""

    title: str
    rows: tuple[FileRow, ...] = ()
    columns: tuple[str, ...] = ()
    cells: tuple[tuple[str, ...], ...] = ()
    widths: tuple[int, ...] = ()
    single: bool = False


@dataclass(frozen=True, slots=True)
class FilePart:
    """A paper of the file. `missing`: why it is not there ('' = it is); a missing one has no page."""

    title: str
    missing: str
    tables: tuple[FileTable, ...] = ()
    on_cover: bool = False


@dataclass(frozen=True, slots=True)
class HouseholdFile:
    title: str
    place: str
    head: str
    code: str
    facts: tuple[tuple[str, str], ...]
    year: int
    made_on: str
    made_by: str
    parts: tuple[FilePart, ...]


def render_household_file(file: HouseholdFile) -> bytes:
    """The PDF, every part from a page of its own."""
    return render("household_file", asdict(file))


def missing_parts(parts: Sequence[FilePart]) -> list[str]:
    return [part.title for part in parts if part.missing]
