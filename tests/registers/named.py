"""A register of the pack in force, by its form's key."""

from fangfanpin.pack import Pack
from fangfanpin.registers.definitions import Register, register_of


def register(pack: Pack, key: str) -> Register:
    found = register_of(pack, key)
    assert found is not None
    return found
