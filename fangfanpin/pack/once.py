"""What is made of a pack once and kept: its hash says whether it is still the same."""

import functools
from collections.abc import Callable
from typing import TypeVar

from fangfanpin.pack.model import Pack

Made = TypeVar("Made")
_KEPT = 8  # packs at once


def once_per_pack(make: Callable[[Pack], Made]) -> Callable[[Pack], Made]:
    """The function remembers what it made of a pack in each language."""
    made: dict[tuple[str, str], Made] = {}

    @functools.wraps(make)
    def of(pack: Pack) -> Made:
        key = pack.hash, pack.language
        found = made.get(key)
        if found is None:
            if len(made) >= _KEPT:
                made.clear()
            found = made[key] = make(pack)
        return found

    return of
