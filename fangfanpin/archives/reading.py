"""A household read for people: words instead of codes, last year beside this year, papers present and missing."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.households.models import MonitoringSpell, Person
from fangfanpin.households.services import history, row_as_of
from fangfanpin.households.subjects import (
    HOUSEHOLD_COLUMNS,
    PERSON_COLUMNS,
    household_values,
    person_values,
)
from fangfanpin.pack import Indicator, Pack
from fangfanpin.policy.services import item_as_of
from fangfanpin.privacy.secrets import mask_sensitive
from fangfanpin.records.models import Record
from fangfanpin.records.units import HOUSEHOLD_FORM, PERSON_FORM, TARGET_HOUSEHOLD, Past, Unit
from fangfanpin.regions.names import place_of


@dataclass(frozen=True, slots=True)
class Item:
    """One item for reading. `changed`: differs from last year; `carried`: not asked this year yet, last year's shown."""

    name: str
    zh: str
    now: str
    last: str
    changed: bool
    carried: bool
    secret: bool


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    items: tuple[Item, ...]
    ticked: bool  # "unchanged" was said of the section; single items may have been changed after that

    @property
    def is_unchanged(self) -> bool:
        return self.ticked and not any(item.changed for item in self.items)


@dataclass(frozen=True, slots=True)
class Member:
    target: str
    person: Person
    relation: str
    age: int | None
    live: bool
    moved: str
    sections: tuple[Section, ...]


def shown(pack: Pack, indicator: Indicator, value: Any, *, sensitive: bool = True) -> str:
    """A value in words, a division by its name; sensitive ones masked for those without the right."""
    if value is None or value == "" or value == []:
        return ""
    if indicator.is_picture:  # how many there are says nothing of what they show
        return pack.display(indicator, value)
    if indicator.privacy == "sensitive" and not sensitive:
        return mask_sensitive(value, is_phone=indicator.type == "phone")
    if indicator.type == "secret_number":
        return str(value)
    if indicator.type == "ref" and indicator.kind != "admin":  # admin refs point to people of the system
        return place_of(str(value))
    return pack.display(indicator, value)


def differs(before: Any, now: Any) -> bool:
    """Is it another value? 0 and nothing are the same: who had none of it and has none of it has no change to tell."""
    return bool(before != now) and not (_is_nothing(before) and _is_nothing(now))


def _is_nothing(value: Any) -> bool:
    return value is None or value == "" or value == [] or (value == 0 and not isinstance(value, bool))  # "no" is an answer


def _sections(
    pack: Pack, form: str, now: Mapping[str, Any], last: Mapping[str, Any], record: Record | Past | None, *, sensitive: bool
) -> tuple[Section, ...]:
    found = []
    for section in pack.forms[form].sections:
        items = []
        for name in section.items:
            indicator = pack.indicators[f"{form}.{name}"]
            if indicator.home in ("typed", "spell"):
                continue
            asked = name in now
            value, before = now.get(name), last.get(name)
            if value is None and before is None:
                continue
            items.append(
                Item(
                    name=name,
                    zh=_called(indicator),
                    now=shown(pack, indicator, value, sensitive=sensitive),
                    last=shown(pack, indicator, before, sensitive=sensitive),
                    changed=asked and name in last and differs(before, value),
                    carried=not asked and indicator.kind != "period" and not indicator.retired,
                    secret=indicator.privacy == "secret" and bool(value),
                )
            )
        if items:
            found.append(Section(section.title, tuple(items), bool(record and section.key in record.ticks)))
    if gone := _gone(pack, form, now, last, record, sensitive=sensitive):
        found.append(Section(_("以前的指标"), gone, False))
    return tuple(found)


def _called(indicator: Indicator) -> str:
    return _("%(item)s（已停用）") % {"item": indicator.label} if indicator.retired else indicator.label


def _gone(
    pack: Pack, form: str, now: Mapping[str, Any], last: Mapping[str, Any], record: Record | Past | None, *, sensitive: bool
) -> tuple[Item, ...]:
    """Values under names that the pack no longer has: kept, and read by the pack that they were written under."""
    known = {indicator.name for indicator in pack.forms[form].indicators}
    names = [name for name in {**last, **now} if name not in known and (now.get(name) is not None or last.get(name) is not None)]
    if not names or record is None:
        return ()
    found = []
    for name in names:
        was = item_as_of(record.pack_hash, f"{form}.{name}")
        if was is not None and was.privacy != "secret":
            texts = [shown(pack, was, value.get(name), sensitive=sensitive) for value in (now, last)]
            found.append(Item(name, _("%(item)s（已停用）") % {"item": was.label}, texts[0], texts[1], False, False, False))
    return tuple(found)


def sections(unit: Unit, pack: Pack, *, sensitive: bool) -> tuple[Section, ...]:
    """The household's own items by section."""
    record, last = unit.records.get(TARGET_HOUSEHOLD), unit.last.get(TARGET_HOUSEHOLD)
    now = {**household_values(unit.household), **(record.values if record else {})}
    before = {**(last.subject if last else {}), **(last.values if last else {})}
    return _sections(pack, HOUSEHOLD_FORM, now, before, record, sensitive=sensitive)


def last_sections(unit: Unit, pack: Pack, target: str, *, sensitive: bool) -> tuple[Section, ...]:
    """Last year's values alone, as `now` of each item; of the household or of a person by id."""
    last = unit.last.get(target)
    before = {**(last.subject if last else {}), **(last.values if last else {})}
    form = HOUSEHOLD_FORM if target == TARGET_HOUSEHOLD else PERSON_FORM
    return _sections(pack, form, before, {}, last, sensitive=sensitive)


def member(unit: Unit, person: Person, pack: Pack, *, sensitive: bool) -> Member:
    """One member with their items by section."""
    target = str(person.id)
    record, last = unit.records.get(target), unit.last.get(target)
    now = {**person_values(person), **(record.values if record else {})}
    before = {**(last.subject if last else {}), **(last.values if last else {})}
    return Member(
        target=target,
        person=person,
        relation=pack.word("relation_to_head", person.relation_to_head) if person.relation_to_head else "",
        age=_age(person.birth_date, pack.state_date),
        live=person.member_state == "01",
        moved=moved(person, pack),
        sections=_sections(pack, PERSON_FORM, now, before, record, sensitive=sensitive),
    )


def moved(person: Person, pack: Pack) -> str:
    """How, why and when a member came or left, in words; '' of one who did neither."""
    if not person.change_kind:
        return ""
    reason = pack.word("member_change", person.change_reason) if person.change_reason else ""
    day = person.change_date.isoformat() if person.change_date else ""
    return " ".join(filter(None, (pack.word("change_kind", person.change_kind), reason, day)))


def _age(birth: datetime.date | None, on: datetime.date) -> int | None:
    if birth is None:
        return None
    return ((on.year * 10000 + on.month * 100 + on.day) - (birth.year * 10000 + birth.month * 100 + birth.day)) // 10000


def spell(found: MonitoringSpell, pack: Pack) -> dict[str, Any]:
    risks = [found.values.get(f"risk_{number}") for number in range(1, 6)]
    return {
        "row": found,
        "type": pack.word("monitoring_type", found.monitoring_type) if found.monitoring_type else "",
        "state": pack.word("monitoring_state", found.spell_state) if found.spell_state else "",
        "open": found.spell_state == "01",
        "risks": "、".join(pack.word("risk", str(risk)) for risk in risks if risk),
    }


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper of the file; `key` and `source` as in the pack's archive."""

    key: str
    source: str
    title: str
    present: bool
    note: str


def papers(unit: Unit, pack: Pack) -> list[Paper]:
    """What the household's file must hold and whether it is there; papers of case steps come with the cases."""
    monitored = bool(unit.spells)
    found = []
    for paper in pack.archive:
        if paper.applies_to == "monitored" and not monitored:
            continue
        present, note = _paper_state(unit, paper.source)
        found.append(Paper(paper.key, paper.source, paper.title, present, note))
    return found


def _paper_state(unit: Unit, source: str) -> tuple[bool, str]:
    lead = unit.records.get(TARGET_HOUSEHOLD)
    submitted = lead is not None and lead.state in (Record.State.SUBMITTED, Record.State.APPROVED, Record.State.LOCKED)
    if source == "household_year":
        return submitted, "" if submitted else _("今年还没有提交")
    if source == "last_year":
        return TARGET_HOUSEHOLD in unit.last, "" if TARGET_HOUSEHOLD in unit.last else _("没有去年的记录")
    if source == "income":
        return submitted, "" if submitted else _("今年的收入还没有提交")
    if source == "pairing":
        paired = unit.household.pairings.filter(end_on__isnull=True).exists()
        return paired, "" if paired else _("没有帮扶责任人")
    if source == "spell":
        return bool(unit.spells), ""
    return False, _("纸质材料，系统里还没有")


@dataclass(frozen=True, slots=True)
class Step:
    """One change of an item in words."""

    at: datetime.datetime
    by: str
    source: str
    before: str
    after: str


def item_steps(unit: Unit, target: str, name: str, pack: Pack, *, sensitive: bool) -> tuple[Indicator, list[Step]] | None:
    """Every change of one item: value before and after, who, when, from where. None where there is no such item, or it is a secret number, or a
    sensitive value and this person may not see those."""
    found = place_of_item(unit, target, name, pack)
    if found is None or found.indicator.privacy == "secret" or (found.indicator.privacy == "sensitive" and not sensitive):
        return None
    changes = history(found.table, found.row_id, found.column)
    names = dict(User.objects.filter(pk__in={change.by for change in changes}).values_list("pk", "name"))
    return found.indicator, [
        Step(
            change.at,
            names.get(change.by, _("系统")),
            change.origin,
            shown(pack, found.indicator, change.before),
            shown(pack, found.indicator, change.after),
        )
        for change in changes
    ]


@dataclass(frozen=True, slots=True)
class ItemPlace:
    """Where an item's value lives: table, row and column as events name them."""

    indicator: Indicator
    table: str
    row_id: str
    column: str


def place_of_item(unit: Unit, target: str, name: str, pack: Pack) -> ItemPlace | None:
    """None where there is no such item or target."""
    person = unit.person(target)
    if target != TARGET_HOUSEHOLD and person is None:
        return None
    form = HOUSEHOLD_FORM if target == TARGET_HOUSEHOLD else PERSON_FORM
    indicator = pack.indicators.get(f"{form}.{name}")
    if indicator is None:
        return None
    if indicator.home == "subject":
        columns = HOUSEHOLD_COLUMNS if form == HOUSEHOLD_FORM else PERSON_COLUMNS
        if name not in columns:
            return None
        row_id = str(person.id) if person else str(unit.household.id)
        table = "households_person" if person else "households_household"
        return ItemPlace(indicator, table, row_id, columns[name])
    record = unit.records.get(target)
    if record is None:
        return None
    return ItemPlace(indicator, "records_record", str(record.id), f"values.{name}")


def as_known(unit: Unit, pack: Pack, moment: datetime.datetime, *, sensitive: bool) -> list[dict[str, Any]]:
    """Household and members as the events say they stood at a moment, in the order of the paper; those not known then are left out."""
    found: list[dict[str, Any]] = []
    for target, table, row_id, title in [
        (TARGET_HOUSEHOLD, "households_household", unit.household.id, _("户")),
        *((str(p.id), "households_person", p.id, p.member_name) for p in unit.persons),
    ]:
        form = HOUSEHOLD_FORM if target == TARGET_HOUSEHOLD else PERSON_FORM
        columns = HOUSEHOLD_COLUMNS if target == TARGET_HOUSEHOLD else PERSON_COLUMNS
        row = row_as_of(table, row_id, moment)
        if row is None:
            continue
        values = {name: row.get(column) for name, column in columns.items()}
        record = unit.records.get(target)
        known = row_as_of("records_record", record.id, moment) if record else None
        values.update((known or {}).get("values") or {})
        parts = []
        for section in pack.forms[form].sections:
            lines = [
                (pack.indicators[f"{form}.{name}"].label, words)
                for name in section.items
                if (words := shown(pack, pack.indicators[f"{form}.{name}"], values.get(name), sensitive=sensitive))
            ]
            if lines:
                parts.append((section.title, lines))
        state = (known or {}).get("state") if target == TARGET_HOUSEHOLD else None
        found.append({"title": title, "parts": parts, "state": state})
    return found
