"""Which typed column holds which marked item, and a value as the column holds it."""

import datetime
from typing import Any

from django.db import connection

from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.dictionary import slot_kind
from fangfanpin.registers.definitions import Register, registers_of
from fangfanpin.registers.models import LONGEST, Slot, columns_of_kind

_kept: dict[str, dict[str, str]] = {}  # pack hash + form → {item: column}


def allot(pack: Pack) -> set[str]:
    """Give every newly marked item of the pack's registers a column of its kind; returns the forms that got one.

    Runs inside the transaction that publishes the pack. A column once given is kept, also when the mark goes: `pack.dictionary` limits what
    one pack marks, and RuntimeError says when the columns of a form are used up over the years.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('registers.slots'))")
    changed: set[str] = set()
    for register in registers_of(pack):
        held = dict(Slot.objects.filter(form=register.key).values_list("name", "column"))
        for item in register.marked:
            if item.name in held:
                continue
            kind = slot_kind(item)
            assert kind is not None, item.key  # the pack's check refused it otherwise
            free = [column for column in columns_of_kind(kind) if column not in held.values()]
            if not free:
                raise RuntimeError(f"“{register.title}”可筛选、可排序的指标用完了，请先停用一些")
            held[item.name] = free[0]
            Slot.objects.create(form=register.key, name=item.name, column=free[0])
            changed.add(register.key)
    _kept.clear()
    return changed


def columns(register: Register, pack: Pack) -> dict[str, str]:
    """{item: typed column} of a register's marked items."""
    key = f"{pack.hash} {register.key}"
    found = _kept.get(key)
    if found is None:
        marked = {item.name for item in register.marked}
        found = {name: column for name, column in Slot.objects.filter(form=register.key).values_list("name", "column") if name in marked}
        if len(found) == len(marked):  # else the pack is being published right now: ask again next time
            _kept[key] = found
    return found


def held(item: Indicator, value: Any) -> Any:
    """A value in JSON form as its typed column holds it."""
    if value is None or value == "":
        return None
    match slot_kind(item):
        case "text":
            return str(value)[:LONGEST]
        case "day":
            return first_day(str(value))
        case _:
            return value


def first_day(text: str) -> datetime.date:
    """A day, or the first one of a month (2021-09) or year."""
    return datetime.date.fromisoformat((text + "-01-01")[:10] if len(text) == 4 else (text + "-01")[:10])
