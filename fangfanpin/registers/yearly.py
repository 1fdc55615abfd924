"""Tables that every village or natural village fills once a year: what is due is opened as an empty row, like a household's year.

Last year's row stands beside this year's. As-of and fixed items are carried over by one act per section, said by a person now; what was counted
over the period is never copied.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet

from fangfanpin.pack import Indicator, Pack
from fangfanpin.records.models import Record
from fangfanpin.records.units import carries
from fangfanpin.regions.models import Region
from fangfanpin.registers import rollups
from fangfanpin.registers.bulk import write_entries
from fangfanpin.registers.definitions import Register, registers_of
from fangfanpin.registers.mirror import PLACE_NAME

_OPEN = """
INSERT INTO records_record (id, form, year, period, subject_kind, subject_code, village_code, state, version, values, ticks, subject, pack_hash,
    origin, visitors, return_reason, created_at, updated_at)
SELECT gen_random_uuid(), %(form)s, %(year)s, '', %(kind)s, g.code, left(g.code, 12), %(state)s, 1, '{}', '{}',
    jsonb_build_object('name', g.name), %(pack)s, 'entry', '{}', '', now(), now()
FROM regions_region g
WHERE g.level = %(kind)s AND left(g.code, 12) = ANY(%(villages)s)
    AND (g.valid_to IS NULL OR g.valid_to > %(state_date)s AND g.successor_id IS NULL)
    AND NOT EXISTS (
        SELECT 1 FROM records_record r
        WHERE r.form = %(form)s AND r.year = %(year)s AND r.village_code = left(g.code, 12) AND r.subject_code = g.code AND r.state <> %(void)s
    )
ORDER BY g.code
RETURNING id
"""


def yearly(pack: Pack) -> tuple[Register, ...]:
    """Tables of the pack that villages and natural villages fill."""
    return tuple(register for register in registers_of(pack) if register.is_yearly)


def open_rows(pack: Pack, year: int, villages: Collection[str] | None = None) -> int:
    """An empty row for each village and natural village that has none this year, of these villages or of all; returns how many. One that has a
    successor is asked for nothing more: its households stand there. Within the transaction's reach; the act is the caller's. Doing it twice
    changes nothing."""
    if not (registers := yearly(pack)):
        return 0
    codes = sorted(villages if villages is not None else Region.objects.villages().values_list("code", flat=True))
    rollups.alone_with(codes)
    made = 0
    for register in registers:
        with connection.cursor() as cursor:
            cursor.execute(
                _OPEN,
                {
                    "form": register.key,
                    "year": year,
                    "kind": register.form.subject,
                    "state": Record.State.EMPTY.value,
                    "void": Record.State.VOID.value,
                    "pack": pack.hash,
                    "villages": codes,
                    "state_date": pack.state_date,
                },
            )
            ids = [row[0] for row in cursor.fetchall()]
        if ids:
            write_entries(register, pack, only=ids)
        made += len(ids)
    return made


def strike_unfilled(pack: Pack, year: int, places: Collection[str]) -> None:
    """Rows of the year in which nobody wrote anything, of divisions that were merged into others, are not due any more. The act is the
    caller's."""
    for register in yearly(pack):
        rows = Record.objects.filter(form=register.key, year=year, subject_code__in=places, state=Record.State.EMPTY)
        if ids := list(rows.values_list("pk", flat=True)):
            Record.objects.filter(pk__in=ids).update(state=Record.State.VOID, version=F("version") + 1)
            write_entries(register, pack, only=ids)


def rename_rows(pack: Pack, year: int, code: str, name: str) -> None:
    """The year's rows of a division say its new name; those of earlier years keep theirs. The act is the caller's."""
    for register in yearly(pack):
        rows = Record.objects.select_for_update().filter(form=register.key, year=year, village_code=code[:12], subject_code=code)
        for record in rows.exclude(state=Record.State.VOID):
            record.subject = {**record.subject, PLACE_NAME: name}
            record.save(update_fields=["subject", "updated_at"])
            write_entries(register, pack, only=[record.pk])


def last_of(record: Record) -> Record | None:
    """The row of the year before."""
    rows = Record.objects.filter(form=record.form, year=record.year - 1, village_code=record.village_code, subject_code=record.subject_code)
    return rows.exclude(state=Record.State.VOID).first()


def merged_in(record: Record) -> list[Record]:
    """Rows of the year before of divisions that have become part of this one since: last year's figures are without theirs."""
    rows = Record.objects.filter(form=record.form, year=record.year - 1, village_code=record.village_code)
    gone = Region.objects.filter(successor_id=record.subject_code).values("code")
    return list(rows.filter(subject_code__in=gone).exclude(state=Record.State.VOID).order_by("subject_code"))


def missing(values: Mapping[str, Any], register: Register) -> list[Indicator]:
    """Asked items without a value: 未填. What another document states is not asked of the village."""
    return [item for item in register.typed if not register.is_stated(item) and values.get(item.name) is None]


def carried(record: Record, last: Record | None, register: Register, section: str) -> dict[str, Any]:
    """Last year's as-of and fixed values of a section that this year has nothing for."""
    if last is None:
        return {}
    found = next((one for one in register.form.sections if one.key == section), None)
    if found is None or not found.tickable:
        return {}
    items = [item for name in found.items if (item := register.item(name)) is not None and carries(item) and not item.retired]
    return {
        item.name: last.values[item.name]
        for item in items
        if last.values.get(item.name) is not None and record.values.get(item.name) is None and item.privacy != "secret"
    }


def unconfirmed(record: Record, last: Record | None, register: Register) -> list[str]:
    """Sections in which last year's values still stand for this year's: nobody has said that they hold."""
    return [section.key for section in register.form.sections if carried(record, last, register, section.key)]


@dataclass(frozen=True, slots=True)
class Difference:
    """A value found from below, and what another document states instead; None for neither."""

    item: Indicator
    stated_item: Indicator
    computed: Any
    stated: Any


def differences(values: Mapping[str, Any], register: Register) -> list[Difference]:
    """Where a stated value is given and is not the one found from below."""
    return [
        Difference(item, stated, values.get(item.name), values[stated.name])
        for item, stated in register.stated
        if values.get(stated.name) is not None and values[stated.name] != values.get(item.name)
    ]


def of_village(register: Register, year: int, village: str) -> "QuerySet[Record, Record]":
    """A village's rows of a table this year, by code."""
    rows = Record.objects.filter(form=register.key, year=year, village_code=village).exclude(state=Record.State.VOID)
    return rows.select_related("entry").order_by("subject_code")
