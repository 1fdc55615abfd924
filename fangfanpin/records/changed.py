"""Households, members or spells of some villages changed otherwise than by a save of one household (`saving.register_after_save`): higher apps
that keep sums of them, or judge them, answer through this registry."""

from collections.abc import Callable, Collection
from uuid import UUID

Hook = Callable[[Collection[str]], None]
HouseholdsHook = Callable[[Collection[UUID]], None]
_hooks: list[Hook] = []
_of_households: list[HouseholdsHook] = []


def register_villages_changed(hook: Hook) -> None:
    """`hook(village codes)` runs in the transaction of the change, after it was written."""
    _hooks.append(hook)


def villages_changed(villages: Collection[str]) -> None:
    """Said by every service that adds, moves, changes or takes back households or members."""
    for hook in _hooks:
        hook(villages)


def register_households_changed(hook: HouseholdsHook) -> None:
    """`hook(household ids)` runs in the transaction of the change, after it was written."""
    _of_households.append(hook)


def households_changed(households: Collection[UUID]) -> None:
    """Said by every service that changes rows of households that may be under collection already, however many."""
    for hook in _of_households if households else ():
        hook(households)
