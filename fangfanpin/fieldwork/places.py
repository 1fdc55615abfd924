"""Where somebody may work: every county-level division of the country, found at the desk by name or first letters."""

import hashlib
from collections.abc import Sequence

from fangfanpin.households.subjects import initials
from fangfanpin.regions.models import Region
from fangfanpin.regions.names import place_of

LIST = "divisions"  # what the dictionary calls it


def tag_of(rows: Sequence[tuple[str, str]], home: str) -> str:
    """Changes when a division does, or when the county is another."""
    return hashlib.sha256(repr((home, rows)).encode()).hexdigest()[:20]


def divisions() -> list[tuple[str, str]]:
    """(code, name) in the order of the codes."""
    return list(Region.objects.filter(level=Region.Level.COUNTY).order_by("code").values_list("code", "name"))


def places_json(rows: Sequence[tuple[str, str]], home: str) -> list[dict[str, str]]:
    """As entries of a list. What is near `home` (a code) stands first: most people who leave the village stay in the city or the province."""

    def distance(code: str) -> int:
        return 0 if code[:4] == home[:4] else 1 if code[:2] == home[:2] else 2

    found = sorted(rows, key=lambda row: (distance(row[0]), row[0]))
    return [{"code": code, "zh": place_of(code), "key": initials(name)} for code, name in found]
