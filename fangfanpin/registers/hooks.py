"""When a pack is published its newly marked items get their typed columns, and the rows there are get their values."""

from fangfanpin.pack import Pack
from fangfanpin.policy.services import register_after_publish
from fangfanpin.registers import slots
from fangfanpin.registers.bulk import write_entries
from fangfanpin.registers.definitions import registers_of


def allot_and_rebuild(pack: Pack) -> None:
    changed = slots.allot(pack)
    for register in registers_of(pack):
        if register.key in changed:
            write_entries(register, pack)


register_after_publish(allot_and_rebuild)
