"""Write what lists read (`Entry`, `Link`) from one register record; of many at once: `bulk`."""

from collections.abc import Iterator
from typing import Any

from fangfanpin.pack import Indicator, Pack
from fangfanpin.records.models import Record
from fangfanpin.regions.names import name_of
from fangfanpin.registers import slots
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.models import COLUMNS, Entry, Link

LONGEST_LABEL, LONGEST_KEY = 200, 300
SEPARATOR = "\x1f"
TARGETS = {
    "household": "to_household_id", "person": "to_person_id", "user": "to_user_id",
    "division": "to_division_id", "village": "to_division_id", "natural_village": "to_division_id",
}  # fmt: skip


def subject_value(record: Record, item: Indicator) -> str | None:
    """The reference that names a row's subject: it lives in the record's columns, not among its values."""
    match item.ref:
        case "household":
            return str(record.household_id) if record.household_id else None
        case "person":
            return str(record.person_id) if record.person_id else None
        case "natural_village":
            return record.subject_code or None
        case _:
            return record.village_code


def value_of(record: Record, register: Register, item: Indicator) -> Any:
    """An item's value in JSON form, the subject's reference included."""
    return subject_value(record, item) if item == register.subject else record.values.get(item.name)


PLACE_NAME = "name"  # of a yearly row's place, in `Record.subject`: as the place was called in that year


def place_of(record: Record) -> str:
    """The village or natural village of a yearly row, by the name it had in that year."""
    return str(record.subject.get(PLACE_NAME) or name_of(record.subject_code))


def label_of(record: Record, register: Register, pack: Pack) -> str:
    """How people call the row: its label items in words, a village's table by the village; the register's title where it has none."""
    if register.is_yearly:
        return place_of(record)[:LONGEST_LABEL]
    said = [pack.display(item, value_of(record, register, item)) for item in register.labels]
    return (" ".join(word for word in said if word) or register.title)[:LONGEST_LABEL]


def unique_key_of(record: Record, register: Register) -> str | None:
    """The items marked unique, put together; None while one of them is empty, and for a row that was struck. A village has one row a year."""
    if record.state == Record.State.VOID:
        return None
    if register.is_yearly:
        return f"{record.year}{SEPARATOR}{record.subject_code}"
    if not register.unique:
        return None
    parts = [value_of(record, register, item) for item in register.unique]
    if any(part is None or part == "" for part in parts):
        return None
    return SEPARATOR.join(str(part) for part in parts)[:LONGEST_KEY]


def entry_of(record: Record, register: Register, pack: Pack) -> Entry:
    """The unsaved list row of a record."""
    typed: dict[str, Any] = dict.fromkeys(COLUMNS)
    for name, column in slots.columns(register, pack).items():
        item = pack.indicators[f"{register.key}.{name}"]
        typed[column] = slots.held(item, value_of(record, register, item))
    return Entry(
        record_id=record.pk,
        form=record.form,
        year=record.year,
        period=record.period,
        state=record.state,
        village_code=record.village_code,
        household_id=record.household_id,
        person_id=record.person_id,
        entered_by_id=record.entered_by_id,
        label=label_of(record, register, pack),
        unique_key=unique_key_of(record, register),
        **typed,
    )


def links_of(record: Record, register: Register) -> Iterator[Link]:
    """Links of a record's references; the subject's own are the record's columns."""
    for item in register.form.indicators:
        value = record.values.get(item.name) if item.type == "ref" and item != register.subject else None
        for one in value if isinstance(value, list) else [value]:
            if one:
                yield Link(
                    record_id=record.pk,
                    name=item.name,
                    village_code=record.village_code,
                    household_id=record.household_id,
                    **{TARGETS.get(item.ref, "to_record_id"): one},
                )


def reflect(record: Record, register: Register, pack: Pack) -> None:
    """After a record was written: its list row and its links, in the same transaction."""
    made = entry_of(record, register, pack)
    known = Entry.objects.filter(record_id=record.pk).values_list("number", flat=True).first()
    if known is None:
        made.save(force_insert=True)
    else:
        made.number = known
        made.save(force_update=True)
    wanted = {_identity(link): link for link in links_of(record, register)}
    for link in Link.objects.filter(record_id=record.pk, is_current=True):
        if wanted.pop(_identity(link), None) is None:
            link.is_current = False
            link.save(update_fields=["is_current"])
    Link.objects.bulk_create(wanted.values())


def _identity(link: Link) -> tuple[str, ...]:
    targets = (link.to_household_id, link.to_person_id, link.to_record_id, link.to_user_id, link.to_division_id)
    return (link.name, *("" if target is None else str(target) for target in targets))
