"""What registers tell the apps below: newly marked items get their typed columns when a pack is published; which rows mention a household; when
households change, the tables of their villages follow."""

from collections.abc import Collection, Iterator, Mapping, Sequence
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
from fangfanpin.registers.models import Link


def allot_and_rebuild(pack: Pack) -> None:
    changed = slots.allot(pack)
    for register in registers_of(pack):
        if register.key in changed:
            write_entries(register, pack)


def mentioning(households: Collection[UUID], form: str, item: str) -> Iterator[tuple[UUID, Record]]:
    """Rows of a register that name one of the households in an item, with the one they name, the oldest first; struck ones are none."""
    links = Link.objects.filter(to_household__in=households, name=item, is_current=True, record__form=form)
    for link in links.exclude(record__state=Record.State.VOID).select_related("record").order_by("record__created_at", "record__id"):
        if link.to_household_id is not None:
            yield link.to_household_id, link.record


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
