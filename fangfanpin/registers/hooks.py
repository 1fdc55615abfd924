"""When a pack is published its newly marked items get their typed columns, and the rows there are get their values."""

from fangfanpin.pack import Pack
from fangfanpin.policy.services import register_after_publish
from fangfanpin.registers import slots
from fangfanpin.registers.mirror import rebuild


def allot_and_rebuild(pack: Pack) -> None:
    for form in sorted(slots.allot(pack)):
        rebuild(form, pack)


register_after_publish(allot_and_rebuild)
