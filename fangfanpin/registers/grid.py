"""Many rows at once, typed or pasted as a grid: the same checks as the form, row by row; kept all together, or only the good ones.

Each row brings its own id, made in the browser: sent twice it is kept once. A code or reference that was chosen comes as its id beside the text.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _
from psycopg import sql
from psycopg.types.json import Jsonb

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.pack import Indicator, Pack
from fangfanpin.policy.services import spoken
from fangfanpin.records.models import Record
from fangfanpin.records.relations import subject_column
from fangfanpin.regions.names import name_of
from fangfanpin.registers import fields, sealed, services
from fangfanpin.registers.ahead import Ahead
from fangfanpin.registers.bulk import write_entries, write_links
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.mirror import unique_key_of, value_of
from fangfanpin.registers.references import Words
from fangfanpin.registers.services import Given, Refused
from fangfanpin.registers.spans import Span, overlap
from fangfanpin.registers.written import Written, households_of, rows_written

MOST = 500  # rows of one grid
_LONGEST = 600  # characters of one cell that are looked at
_MOST_IN_CELL = 100  # codes or references of one cell


class NotAGrid(Exception):
    """What was sent is no rows of cells; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as sent. `number`: in the page's grid, from 1; `is_sure`: somebody looked at its doubts."""

    id: UUID
    number: int
    given: Mapping[str, Given]
    is_sure: bool = False


@dataclass(slots=True)
class Checked:
    """A row, the record it would be, and what is wrong with it. `is_kept`: it is stored, now or by an earlier try."""

    row: Row
    record: Record
    refused: Refused = field(default_factory=Refused)
    is_kept: bool = False

    @property
    def is_good(self) -> bool:
        return self.is_kept or not self.refused


def read(register: Register, sent: Any) -> list[Row]:
    """`sent`: a list of `{id, number, sure, cells: {item: {texts, ids}}}`. Raises NotAGrid."""
    if not isinstance(sent, list) or not sent:
        raise NotAGrid(_("没有收到内容，请刷新页面再试。"))
    if len(sent) > MOST:
        raise NotAGrid(_("一次最多登记 %(most)d 条，请分几次。") % {"most": MOST})
    rows = [_row(register, one) for one in sent]
    if len({row.id for row in rows}) < len(rows):
        raise NotAGrid(_("没有收到内容，请刷新页面再试。"))
    return rows


def _row(register: Register, sent: Any) -> Row:
    try:
        cells = sent["cells"]
        given = {
            item.name: Given(_texts(cells[item.name]["texts"]), _texts(cells[item.name]["ids"])) for item in register.in_cells if item.name in cells
        }
        return Row(UUID(sent["id"]), int(sent["number"]), given, sent["sure"] is True)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NotAGrid(_("没有收到内容，请刷新页面再试。")) from None


def _texts(sent: Any) -> tuple[str, ...]:
    if not isinstance(sent, list) or not all(isinstance(one, str) for one in sent):
        raise TypeError
    return tuple(one[:_LONGEST] for one in sent[:_MOST_IN_CELL])


def check(register: Register, pack: Pack, year: int, rows: Sequence[Row], *, by: User, reach: Reach) -> list[Checked]:
    """Every row as the form would check it, besides: is it twice in the grid, is one with the same content kept already? Stores nothing."""
    found: list[Checked] = []
    kept = Record.objects.in_bulk([row.id for row in rows])
    ahead = _asked_ahead(register, [row for row in rows if row.id not in kept], reach)
    for row in rows:
        try:
            stored = services.own_row(kept[row.id], register, by) if row.id in kept else None
        except Refused as expired:
            found.append(Checked(row, Record(id=row.id, form=register.key), expired))
            continue
        if stored is not None:
            found.append(Checked(row, stored, is_kept=True))
            continue
        given, several = _told_apart(row.given, register, spoken(pack))
        record, refused = services.prepare(
            register=register, pack=pack, year=year, record_id=row.id, given=given, sure=row.is_sure, by=by, reach=reach, ahead=ahead
        )
        refused.faults |= several
        found.append(Checked(row, record, refused))
    fresh = [one for one in found if not one.is_kept and not one.refused.faults]
    services.meet_others([(one.record, one.row.is_sure, one.refused) for one in fresh], register, pack, ahead)
    fresh = [one for one in fresh if not one.refused.faults]
    # With a key the form's own check says so.
    alike = _kept_alike([one.record for one in fresh if not one.row.is_sure and unique_key_of(one.record, register) is None], register, reach)
    seen = _Seen()
    for one in fresh:
        _look_for_twins(one, register, seen, alike)
    return found


def _asked_ahead(register: Register, rows: Sequence[Row], reach: Reach) -> Ahead:
    """What the references of all rows may lead to."""
    ahead = Ahead(reach)
    refs = {item.name: item.ref for item in register.in_cells if item.type == "ref"}
    cells = [(refs[name], given) for row in rows for name, given in row.given.items() if name in refs]
    ahead.learn(
        ((ref, value) for ref, given in cells for value in given.chosen if value),
        ((ref, text.strip()) for ref, given in cells if not any(given.chosen) for text in given.texts if text.strip()),
    )
    return ahead


def _told_apart(given: Mapping[str, Given], register: Register, pack: Pack) -> tuple[dict[str, Given], dict[str, str]]:
    """A word that a list has several times (其他 of each class) is the one of the class given beside it; else it is asked back."""
    told, asked = dict(given), {}
    for item in register.in_cells:
        if item.type != "code" or item.multi or item.name not in given or len(given[item.name].texts) != 1:
            continue
        text = given[item.name].texts[0].strip()
        codes = [entry.code for entry in pack.lists[item.list] if text in (entry.word, entry.zh)]
        if len(codes) < 2 or text in pack.words[item.list]:
            continue
        above = fields.above(item, register, pack)
        within = _codes_of(above, given, pack) if above else []
        fitting = [code for code in codes if any(code.startswith(one) for one in within)]
        if len(fitting) == 1:
            told[item.name] = Given((fitting[0],))
        else:
            asked[item.name] = _("“%(text)s”有 %(count)d 个，请从清单里选。") % {"text": text, "count": len(codes)}
    return told, asked


def _codes_of(item: Indicator, given: Mapping[str, Given], pack: Pack) -> list[str]:
    texts = given[item.name].texts if item.name in given else ()
    return [entry.code for entry in pack.lists[item.list] if entry.code in texts or entry.word in texts or entry.zh in texts]


@dataclass(slots=True)
class _Seen:
    """What the rows above hold, each with its number: unique keys, whole contents, spans of time by subject."""

    keys: dict[str, int] = field(default_factory=dict)
    contents: dict[str, int] = field(default_factory=dict)
    spans: dict[str, list[tuple[int, Span]]] = field(default_factory=dict)


def _look_for_twins(checked: Checked, register: Register, seen: _Seen, alike: Set[UUID]) -> None:
    """`alike`: rows of the grid whose content is kept already."""
    record, refused, number = checked.record, checked.refused, checked.row.number
    key = unique_key_of(record, register)
    if key is not None and (first := seen.keys.setdefault(key, number)) != number:
        refused.faults[register.unique[0].name] = _("和本表第 %(row)d 行重复，请删去一行。") % {"row": first}
        return
    subject = str(record.subject_id or record.subject_code or record.village_code)
    content = repr((subject, sorted((name, value) for name, value in record.values.items() if value is not None)))
    twin = seen.contents.setdefault(content, number)
    above = seen.spans.setdefault(subject, [])
    span = services.span_of(record, register)
    overlapping = next((row for row, other in above if span and overlap(span, other)), None)
    if span:
        above.append((number, span))
    if checked.row.is_sure:
        return
    if twin != number:
        refused.doubts.append(_("和本表第 %(row)d 行内容完全相同") % {"row": twin})
    elif record.pk in alike:
        refused.doubts.append(_("台账里已有内容完全相同的一条"))
    elif overlapping is not None:
        refused.doubts.append(_("和本表第 %(row)d 行时间重叠") % {"row": overlapping})


def _kept_alike(records: Sequence[Record], register: Register, reach: Reach) -> set[UUID]:
    """Those of these rows whose subject has a row of the very same content in the register, within reach."""
    if not records:
        return set()
    column = subject_column(register.subject.ref)
    statement = sql.SQL(
        "SELECT n.id FROM unnest(%(ids)s::uuid[], %(subjects)s::text[], %(values)s::jsonb[]) AS n (id, subject, held) WHERE EXISTS (SELECT FROM"
        " records_record r WHERE r.form = %(form)s AND r.{column} = n.subject::{kind} AND r.values = n.held AND r.state <> %(void)s"
        " AND (r.village_code = ANY(%(villages)s) OR r.household_id = ANY(%(households)s)))"
    ).format(column=sql.Identifier(column), kind=sql.SQL("uuid" if column in ("household_id", "person_id") else "varchar"))
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "ids": [record.pk for record in records],
                "subjects": [str(getattr(record, column)) for record in records],
                "values": [Jsonb(record.values) for record in records],
                "form": register.key,
                "void": Record.State.VOID.value,
                "villages": list(reach.villages),
                "households": list(reach.households),
            },
        )
        return {row[0] for row in cursor.fetchall()}


def save(register: Register, pack: Pack, year: int, rows: Sequence[Row], *, only_good: bool, by: User, reach: Reach) -> list[Checked]:
    """Keep the rows in one transaction: all of them, or none where one is not good; with `only_good` those that are. Rows that an earlier
    try kept stay as they are."""
    checked = check(register, pack, year, rows, by=by, reach=reach)
    good = [one for one in checked if one.is_good and not one.is_kept]
    if not good or not (only_good or all(one.is_good for one in checked)):
        return checked
    try:
        with transaction.atomic():
            if moved := services.moved([one.record for one in good]):
                for one in good:
                    if one.record.pk in moved:
                        one.refused.faults[register.subject.name] = services.moved_words()
                return checked
            set_act(f"register.add {register.key}")
            numbers = [(one.record, sealed.masked(one.record, register, {})) for one in good]
            Record.objects.bulk_create([one.record for one in good])
            sealed.keep_new(numbers)
            keys = [one.record.pk for one in good]
            write_entries(register, pack, only=keys)
            write_links(register, only=keys)
            households = {one.record.household_id for one in good if one.record.household_id} or households_of(register.form, keys)
            rows_written(Written(register.form, keys, households), pack, by)
            services.follow(register, pack, {one.record.village_code for one in good})
    except IntegrityError:  # between check and save somebody else kept the same row, or another tab this very one
        for one in good:
            one.refused.faults.setdefault("", _("刚有人登记了同样的内容，这次没有保存，请再核对一次。"))
        return checked
    for one in good:
        one.is_kept = True
    return checked


def answer(checked: Sequence[Checked], register: Register, pack: Pack, reach: Reach) -> list[dict[str, Any]]:
    """For the page: what is wrong with each row, and each cell that could be read as the system understood it."""
    words, speaking = Words(reach), spoken(pack)
    pairs = [(item, value_of(one.record, register, item)) for one in checked for item in register.in_cells if item.type == "ref"]
    words.learn((item.ref, value) for item, value in pairs)
    return [
        {
            "id": str(one.row.id),
            "kept": one.is_kept,
            "faults": one.refused.faults,
            "doubts": one.refused.doubts,
            "choices": {name: [_choice(choice) for choice in choices] for name, choices in one.refused.choices.items() if choices},
            "cells": {} if one.is_kept else _understood(one, register, speaking, words),
            "place": name_of(one.record.village_code) if one.record.village_code else "",
        }
        for one in checked
    ]


def _choice(choice: Any) -> dict[str, str]:
    return {"value": choice.value, "words": choice.words, "hint": choice.hint}


def _understood(one: Checked, register: Register, pack: Pack, words: Words) -> dict[str, dict[str, Any]]:
    return {
        item.name: cell(item, value_of(one.record, register, item), pack, words)
        for item in register.in_cells
        if item.name not in one.refused.faults and value_of(one.record, register, item) not in (None, "", [])
    }


def cell(item: Indicator, value: Any, pack: Pack, words: Words) -> dict[str, Any]:
    """A value as a cell shows it, with the ids its words stand for."""
    if item.type == "ref":
        ids: dict[str, str] = {}
        for one in value if isinstance(value, list) else [value]:
            said = words.say(item.ref, one)
            ids[f"{said}（{str(one)[-4:]}）" if said in ids else said] = one
        return {"text": "、".join(ids), "ids": ids}
    if item.type == "code":
        codes = value if isinstance(value, list) else [value]
        return {"text": pack.display(item, value), "ids": {pack.word(item.list, code): code for code in codes}}
    return {"text": pack.display(item, value), "ids": {}}


def columns(register: Register, pack: Pack) -> list[dict[str, Any]]:
    """The grid's columns for the page, the subject first: kind, words of a list with their first letters, titles a pasted table may have."""
    items = sorted(register.in_cells, key=lambda item: item != register.subject)
    return [_column(item, register, pack) for item in items]


def _column(item: Indicator, register: Register, pack: Pack) -> dict[str, Any]:
    kind = fields.kind_of(item)
    options: list[tuple[str, str, str]] = []
    if item.type == "code":
        options = fields.options_of(item, pack)
    elif item.type == "bool":
        options = [("1", _("是"), "s"), ("0", _("否"), "f")]
    above = fields.above(item, register, pack)
    return {
        "name": item.name,
        "title": subject_title(register) if item == register.subject else item.label,
        "unit": item.unit_beside,
        "kind": kind,
        "many": item.multi,
        "ref": item.ref if item.type == "ref" else "",
        "within": register.subject.name if item.ref == "person" and register.subject.ref == "household" else "",
        "options": options,
        "above": above.name if above else "",
        "headers": [word for word in (item.zh, item.en, item.name, item.national_id, *_SUBJECT_HEADERS.get(_header_key(item, register), ())) if word],
    }


_SUBJECT_HEADERS = {
    "household": ("户编号", "户主姓名", "户主", "农户", "Household"),
    "person": ("人编号", "姓名", "人员", "成员姓名", "证件号码", "身份证号码", "Person"),
    "village": ("村代码", "行政村", "村", "村名", "Village"),
}


def _header_key(item: Indicator, register: Register) -> str:
    return item.ref if item == register.subject else ""


def subject_title(register: Register) -> str:
    match register.subject.ref:
        case "household":
            return _("农户")
        case "person":
            return _("人员")
        case _:
            return _("村")
