"""From when to when a row stands, and whether two rows of one subject stand at the same time.

There are two answers, each with its use. Where rows may stand side by side but seldom do (`span` of a form) somebody is asked: a beginning that
nobody knows says nothing, and the same day twice may be the same thing twice. Where they must not (apart.toml) the row is refused: a beginning
that nobody knows leaves no room before the end, and on a day one may leave and the next come.
"""

from collections.abc import Mapping
from typing import Any

Span = tuple[str, str]  # ISO days or months
OPEN = "9999-12-31"


def span_between(values: Mapping[str, Any], names: tuple[str, str]) -> Span:
    """From when to when a row stands: "" where nobody knows, OPEN where it has not ended."""
    return values.get(names[0]) or "", values.get(names[1]) or OPEN


def overlap(one: Span, other: Span) -> bool:
    """Do two spans share more than their ends? One without a beginning is not judged; one on a single day or month overlaps what begins or ends
    there too only when it is the same."""
    if not one[0] or not other[0]:
        return False
    return one == other or collide(one, other)


def collide(one: Span, other: Span) -> bool:
    """As `overlap`, of rows that must not: one without a beginning stands from ever on."""
    return one[0] < other[1] and other[0] < one[1]
