"""A village's table as its page needs it: section by section, last year's value beside this year's, what is missing, what was found from below and
whether another document says otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.files.models import StoredFile
from fangfanpin.pack import Indicator, Pack
from fangfanpin.policy.periods import window
from fangfanpin.records.models import Record
from fangfanpin.regions.names import name_of
from fangfanpin.registers import yearly
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.fields import Field, groups
from fangfanpin.registers.reading import pictures_of, say
from fangfanpin.registers.references import Words
from fangfanpin.registers.services import Given, Refused

PAGE = 50
STATES = (Record.State.EMPTY, Record.State.DRAFT, Record.State.RETURNED, Record.State.SUBMITTED, Record.State.APPROVED)


@dataclass(frozen=True, slots=True)
class Line:
    """One item. `field`: where it is typed; None where it is only shown. `window`: of an item that is counted over the period. `note`: how it
    differs from what another document states."""

    item: Indicator
    last: str
    now: str
    unit: str
    window: str
    is_computed: bool
    is_stated: bool
    is_missing: bool
    is_changed: bool
    note: str = ""
    field: Field | None = None
    pictures: tuple[StoredFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A section. `carried`: so many of last year's values stand there without anybody having said that they hold."""

    key: str
    title: str
    lines: tuple[Line, ...]
    tickable: bool
    ticked: bool
    carried: int
    missing: int


def parts(
    record: Record,
    last: Record | None,
    register: Register,
    pack: Pack,
    reach: Reach,
    *,
    given: Mapping[str, Given] | None = None,
    refused: Refused | None = None,
) -> list[Part]:
    """`register` and `pack` in the reader's language; with `given` the table is a form."""
    words, sensitive = Words(reach), can(reach, Verb.SENSITIVE_VIEW, record)
    typed: dict[str, Field] = {}
    if given is not None:
        typed = {field.item.name: field for group in groups(register, pack, given, refused, reach) for field in group.fields}
    notes = {one.item.name: _difference(one, pack) for one in yearly.differences(record.values, register)}
    lacking = {item.name for item in yearly.missing(record.values, register)}
    shown = {item.name: item for item in register.lines}
    pictures = pictures_of(record.values, register.lines, sensitive=sensitive)
    found = []
    for section in register.form.sections:
        lines = []
        for name in section.items:
            if (item := shown.get(name)) is None:
                continue
            before = last.values.get(name) if last else None
            value = record.values.get(name)
            lines.append(
                Line(
                    item=item,
                    last=say(item, before, pack, words, sensitive=sensitive),
                    now=say(item, value, pack, words, sensitive=sensitive),
                    unit=item.unit_beside,
                    window=window(pack, "period") if item.kind == "period" else "",
                    is_computed=item.home == "computed",
                    is_stated=register.is_stated(item),
                    is_missing=name in lacking,
                    is_changed=last is not None and value is not None and before is not None and value != before,
                    note=notes.get(name, ""),
                    field=typed.get(name),
                    pictures=pictures.get(name, ()),
                )
            )
        if lines:
            carried = len(yearly.carried(record, last, register, section.key))
            missing = sum(line.is_missing for line in lines)
            found.append(Part(section.key, section.title, tuple(lines), section.tickable, section.key in record.ticks, carried, missing))
    return found


def _difference(found: yearly.Difference, pack: Pack) -> str:
    return _("填报值 %(stated)s，与汇总不一致") % {"stated": pack.display(found.stated_item, found.stated)}


@dataclass(frozen=True, slots=True)
class Row:
    """One place in the list."""

    record: Record
    place: str
    under: str
    missing: tuple[Indicator, ...]
    differences: tuple[str, ...]
    cells: tuple[tuple[Indicator, str], ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the list is narrowed to. `show`: lacking (something is not filled) or differs (a stated value is another)."""

    place: str = ""
    state: str = ""
    show: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Chosen":
        place, state, show = (given.get(name, "").strip() for name in ("place", "state", "show"))
        return cls(
            place if place.isdigit() and len(place) <= 15 else "",
            state if state in STATES else "",
            show if show in ("lacking", "differs") else "",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of places by code. `counts`: of the whole chosen place, by state."""

    rows: tuple[Row, ...]
    counts: Mapping[str, int]
    next_cursor: str


def listed(register: Register, pack: Pack, reach: Reach, year: int, chosen: Chosen, after: str) -> Listed:
    """Every place of the reach, filled or not. What is missing or differs is looked for in the rows themselves: a county has 2,700."""
    rows = Record.objects.visible_to(reach).filter(form=register.key, year=year).exclude(state=Record.State.VOID)
    if chosen.place:
        rows = rows.filter(Q(village_code__startswith=chosen.place[:12]))
    counts = dict(rows.order_by().values_list("state").annotate(n=Count("pk")))
    if chosen.state:
        rows = rows.filter(state=chosen.state)
    if after.isdigit():
        rows = rows.filter(subject_code__gt=after)
    rows = rows.select_related("entry").order_by("subject_code")
    found: list[Record] = []
    for record in rows.iterator(chunk_size=200) if chosen.show else rows[: PAGE + 1]:
        if chosen.show == "lacking" and not yearly.missing(record.values, register):
            continue
        if chosen.show == "differs" and not yearly.differences(record.values, register):
            continue
        found.append(record)
        if len(found) > PAGE:
            break
    shown, words = found[:PAGE], Words(reach)
    words.learn((item.ref, record.values.get(item.name)) for record in shown for item in register.columns if item.type == "ref")
    return Listed(tuple(_row(record, register, pack, words, reach) for record in shown), counts, shown[-1].subject_code if len(found) > PAGE else "")


def _row(record: Record, register: Register, pack: Pack, words: Words, reach: Reach) -> Row:
    sensitive = can(reach, Verb.SENSITIVE_VIEW, record)
    return Row(
        record=record,
        place=record.entry.label,
        under=_under(record),
        missing=tuple(yearly.missing(record.values, register)),
        differences=tuple(
            _("%(item)s：汇总 %(computed)s，填报 %(stated)s")
            % {
                "item": one.item.label,
                "computed": pack.display(one.item, one.computed) or _("空"),
                "stated": pack.display(one.stated_item, one.stated),
            }
            for one in yearly.differences(record.values, register)
        ),
        cells=tuple((item, say(item, record.values.get(item.name), pack, words, sensitive=sensitive)) for item in register.columns),
    )


def _under(record: Record) -> str:
    """The village of a natural village, the township of a village."""
    return name_of(record.village_code if len(record.subject_code) > 12 else record.village_code[:9])


def said(record: Record, register: Register, pack: Pack) -> dict[str, Any]:
    """What every page of a table says: the place, the year, the period."""
    return {
        "place": record.entry.label,  # not out of the memory of names: a renaming is seen at once
        "under": _under(record),
        "is_natural": register.form.subject == "natural_village",
    }
