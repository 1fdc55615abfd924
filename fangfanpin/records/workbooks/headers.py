"""Headers of a sheet: how a header is compared, which row is the header, what each column fills."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fangfanpin.expressions.normalise import normalise_number_text
from fangfanpin.pack import Indicator

HEADER_SEARCHED = 20  # rows
Find = Callable[[str], Indicator | None]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A column that fills an item."""

    place: int
    header: str
    indicator: Indicator

    @property
    def key(self) -> str:
        return self.indicator.key


@dataclass(frozen=True, slots=True)
class Layout:
    """What a sheet is: `role` as the import names it, '' for none of its sheets; `row`: of the header, from 0.

    `unused`: columns known but filled by the system; `unknown`: headers nobody knows; `repeated`: second columns for one item; `places`: columns
    that name county, township, village in words, where the import takes them together.
    """

    role: str
    row: int
    mapped: tuple[Mapped, ...]
    unused: tuple[tuple[int, str], ...]
    unknown: tuple[tuple[int, str], ...]
    repeated: tuple[Mapped, ...]
    places: tuple[Mapped, ...] = ()

    @property
    def read(self) -> list[Mapped]:
        """Every column that is read, from left to right."""
        return sorted((*self.mapped, *self.places), key=lambda column: column.place)

    def has(self, key: str) -> bool:
        return any(column.key == key for column in self.mapped)


NO_LAYOUT = Layout("", -1, (), (), (), ())


def header_key(header: str) -> str:
    """A header as it is compared: without blanks, stars and colons, full-width signs as ASCII."""
    plain = re.sub(r"\s+", "", normalise_number_text(header) or "")
    return plain.strip("*:").upper()


def without_unit(key: str) -> str:
    """A compared header without the unit in brackets behind it."""
    return re.sub(r"\([^()]*\)$", "", key)


def header_row(rows: Sequence[Sequence[object]], find: Find, *, least: int) -> int:
    """The row with most known headers, the first of equals; -1 where none knows `least` different ones."""
    best, best_count = -1, least - 1
    for number, row in enumerate(rows[:HEADER_SEARCHED]):
        known = {found.key for cell in row if isinstance(cell, str) and (found := find(cell))}
        if len(known) > best_count:
            best, best_count = number, len(known)
    return best


def mapped_row(row: Sequence[object], find: Find, is_taken: Callable[[Indicator], bool]) -> Layout:
    """What the columns under a header row fill; role and row are the caller's."""
    mapped: dict[str, Mapped] = {}
    unused, unknown, repeated = [], [], []
    for place, cell in enumerate(row):
        header = cell.strip() if isinstance(cell, str) else str(cell)
        if not header:
            continue
        indicator = find(header)
        if indicator is None:
            unknown.append((place, header))
        elif not is_taken(indicator):
            unused.append((place, header))
        elif indicator.key in mapped:
            repeated.append(Mapped(place, header, indicator))
        else:
            mapped[indicator.key] = Mapped(place, header, indicator)
    return Layout("", -1, tuple(mapped.values()), tuple(unused), tuple(unknown), tuple(repeated))
