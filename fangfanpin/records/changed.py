"""Households, members or spells of some villages changed: higher apps that keep sums of them answer through this registry."""

from collections.abc import Callable, Collection

Hook = Callable[[Collection[str]], None]
_hooks: list[Hook] = []


def register_villages_changed(hook: Hook) -> None:
    """`hook(village codes)` runs in the transaction of the change, after it was written."""
    _hooks.append(hook)


def villages_changed(villages: Collection[str]) -> None:
    """Said by every service that adds, moves, changes or takes back households or members. A save of one household says it through
    `saving.register_after_save`."""
    for hook in _hooks:
        hook(villages)
