"""Which campaign year stands open, and on which pack: campaigns are above records and answer through this registry."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from fangfanpin.pack import Pack


@dataclass(frozen=True, slots=True)
class CurrentYear:
    year: int
    title: str
    pack: Pack
    today: datetime.date  # by the campaign's clock


_sources: list[Callable[[], CurrentYear | None]] = []


class NoYear(Exception):
    """No campaign is open: there is no year to import for."""


def register_current_year(source: Callable[[], CurrentYear | None]) -> None:
    _sources.append(source)


def year_if_any() -> CurrentYear | None:
    """The year in force; None where no campaign is open."""
    return next((found for source in _sources if (found := source()) is not None), None)


def today() -> datetime.date | None:
    """The day by the campaign's clock; None where no campaign is open."""
    found = year_if_any()
    return found.today if found else None


def current_year() -> CurrentYear:
    """The year in force; NoYear where none is."""
    found = year_if_any()
    if found is None:
        raise NoYear
    return found
