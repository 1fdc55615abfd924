"""What of a row is worth taking over into a new one: from the last period, or beside it.

Where rows come by period (year, month, round) what stands or is fixed is carried over and what happened in a period is asked anew. A row by event
copied beside itself keeps its words, never its amounts, dates and what makes it unique.
"""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import Reach
from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.codec import CodecFault
from fangfanpin.policy.services import spoken
from fangfanpin.records.models import Record
from fangfanpin.registers import grid, slots
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.mirror import value_of
from fangfanpin.registers.models import Entry
from fangfanpin.registers.references import Words

BY_PERIOD = ("year", "month", "round")
_COUNTED = frozenset({"money", "int", "decimal", "area_mu", "date", "month", "year", "point"})


class NothingToCarry(Exception):
    """The register has no periods, or the period asked for cannot be read."""


def carried(register: Register) -> tuple[Indicator, ...]:
    """Items that a new row takes over from an older one of the same register, the subject among them."""
    by_period = register.form.period in BY_PERIOD

    def is_carried(item: Indicator) -> bool:
        if item == register.subject:
            return True
        if item in register.unique or item.is_picture:  # a photo or a signature is of the row that it was taken for
            return False
        return item.kind in ("as_of", "fixed") if by_period else not (item.type in _COUNTED and item.kind in ("period", "admin"))

    return tuple(item for item in register.asked if is_carried(item))


def period_item(register: Register) -> Indicator | None:
    """The item that says which period a row is of, where the year alone does not: the month of a round."""
    return next((item for item in register.unique if item.type in ("month", "date", "year")), None) if register.form.period in BY_PERIOD else None


def cells_of(record: Record, register: Register, pack: Pack, words: Words) -> dict[str, Any]:
    """A row's carried items as cells of the grid."""
    found = {}
    for item in carried(register):
        value = value_of(record, register, item)
        if value not in (None, "", []):
            found[item.name] = grid.cell(item, value, pack, words)
    return found


def from_last_period(register: Register, pack: Pack, year: int, reach: Reach, *, place: str, period: str) -> list[dict[str, Any]]:
    """The last row of every subject under a place (all where ""), as cells, at most grid.MOST; subjects that have one of this period already
    are left out. `period`: as typed, where the register has an item for it. Raises NothingToCarry."""
    if register.form.period not in BY_PERIOD:
        raise NothingToCarry(_("这个台账按事项登记，没有上期。"))
    item = period_item(register)
    rows = Entry.objects.visible_to(reach).filter(form=register.key).exclude(state=Record.State.VOID)
    if place:
        rows = rows.filter(village_code__startswith=place)
    subject = {"household": "household_id", "person": "person_id"}.get(register.subject.ref, "village_code")
    if subject == "person_id":
        rows = rows.filter(person__member_state="01")
    now: dict[str, Any] | None = None
    if item is not None:
        column = slots.columns(register, pack)[item.name]
        try:
            value = spoken(pack).parse_text(item, period)
        except CodecFault as fault:
            raise NothingToCarry(str(fault)) from None
        if value is None:
            raise NothingToCarry(_("请先填“%(item)s”。") % {"item": item.label})
        held = slots.held(item, value)
        done, before = rows.filter(**{column: held}), rows.filter(**{f"{column}__lt": held}).order_by(subject, f"-{column}", "-number")
        now = grid.cell(item, value, spoken(pack), Words(reach))
    else:
        done, before = rows.filter(year=year), rows.filter(year__lt=year).order_by(subject, "-year", "-number")
    have = done.order_by().values(subject)
    latest = list(before.exclude(**{f"{subject}__in": have}).distinct(subject).values_list("number", flat=True)[: grid.MOST])
    return _as_cells(latest, register, pack, reach, {item.name: now} if item is not None and now is not None else {})


def _as_cells(numbers: Sequence[int], register: Register, pack: Pack, reach: Reach, more: dict[str, Any]) -> list[dict[str, Any]]:
    entries = Entry.objects.filter(pk__in=numbers).select_related("record").order_by("village_code", "household__walking_order", "number")
    words, speaking = Words(reach), spoken(pack)
    records = [entry.record for entry in entries]
    for record in records:  # in today's names and codes; read, never saved
        record.values = pack.brought(record.form, record.values, record.year)
    words.learn((item.ref, value_of(record, register, item)) for record in records for item in carried(register) if item.type == "ref")
    return [cells_of(record, register, speaking, words) | more for record in records]
