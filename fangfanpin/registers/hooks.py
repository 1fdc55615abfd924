"""What registers tell the apps below: newly marked items get their typed columns when a pack is published; which rows mention a household; when
households change, the tables of their villages follow."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import seeing
from fangfanpin.pack import Pack
from fangfanpin.policy.services import register_after_publish
from fangfanpin.records.changed import register_villages_changed
from fangfanpin.records.current_year import NoYear, current_year
from fangfanpin.records.models import Record
from fangfanpin.records.relations import register_mentions
from fangfanpin.records.saving import register_after_save
from fangfanpin.records.units import Unit
from fangfanpin.registers import rollups, slots, sources, yearly
from fangfanpin.registers.bulk import write_entries
from fangfanpin.registers.definitions import registers_of


def allot_and_rebuild(pack: Pack) -> None:
    changed = slots.allot(pack)
    for register in registers_of(pack):
        if register.key in changed:
            write_entries(register, pack)


def mentioning(household: UUID, form: str, item: str) -> Iterable[Record]:
    """Rows of a register that name a household in an item, the oldest first; struck ones are none."""
    rows = Record.objects.filter(form=form, links__to_household=household, links__name=item, links__is_current=True)
    return rows.exclude(state=Record.State.VOID).order_by("created_at", "id")


register_mentions(mentioning)
register_after_publish(allot_and_rebuild)


def follow(villages: Collection[str]) -> None:
    """Open the tables of natural villages that came with a roster, and find the roll-ups of these villages again."""
    try:
        year = current_year()
    except NoYear:
        return
    with seeing(villages, act="year.open"):
        yearly.open_rows(year.pack, year.year, villages)
    rollups.refresh(year.pack, year.year, villages)


def follow_household(unit: Unit, pack: Pack, by: User) -> Sequence[Mapping[str, Any]]:
    """Most saves type values that no roll-up reads: they cost nothing here."""
    if unit.registry_changed or sources.reads_records(pack):
        rollups.refresh(pack, unit.year, [unit.household.village_code])
    return ()


register_villages_changed(follow)
register_after_save(follow_household)
