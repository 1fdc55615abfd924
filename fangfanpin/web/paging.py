"""Pages of lists by keyset: a cursor is the last row's place in the order, so page 500 costs what page 1 costs."""

from collections.abc import Callable
from typing import TypeVar

from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


def cut(rows: QuerySet[M, M], size: int, place: Callable[[M], str]) -> tuple[list[M], str]:
    """The first `size` rows, and the place of the last of them where more follow ('' at the end)."""
    found = list(rows[: size + 1])
    return found[:size], place(found[size - 1]) if len(found) > size else ""
