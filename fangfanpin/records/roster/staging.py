"""Checked rows as text for COPY, put together from pieces made once per distinct value.

A row of a temporary table holds what the registry's row shall hold (columns of the file only), and the year's values and subject items
as JSON. Secret numbers are encrypted before they leave this module.
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fangfanpin.households.models import Household, Person
from fangfanpin.households.subjects import HOUSEHOLD_COLUMNS, PERSON_COLUMNS, initials, name_key
from fangfanpin.pack import Indicator
from fangfanpin.privacy.facts import bank_luhn_ok, card_facts
from fangfanpin.privacy.secrets import decrypt, encrypt, mask_bank, mask_id
from fangfanpin.records.roster.checking import BIRTH, ID_NUMBER, Checked, HouseholdRow, PersonRow
from fangfanpin.records.roster.columns import HOUSEHOLD_CODE, VILLAGE
from fangfanpin.records.roster.computing import compute
from fangfanpin.records.roster.intake import Block, ColumnIntake
from fangfanpin.records.units import HEAD, HOUSEHOLD_FORM, PERSON_FORM

NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_ADDRESS = f"{HOUSEHOLD_FORM}.address"
_CARD, _BANK = f"{PERSON_FORM}.disability_card_no", f"{HOUSEHOLD_FORM}.bank_card_no"
_SEX = f"{PERSON_FORM}.sex"
_NOT_STAGED = frozenset({f"{HOUSEHOLD_FORM}.form_year", f"{PERSON_FORM}.form_year"})
ID_COLUMNS = (
    "id_number_secret", "id_number_digest", "id_number_mask", "id_form", "id_check_ok", "id_birth", "id_sex", "id_region_known", "id_placeholder",
    "id18_digest",
)  # fmt: skip
CARD_COLUMNS = (
    "disability_card_secret", "disability_card_mask", "card_check_ok", "card_category", "card_grade", "card_reissue_ok", "card_matches_id",
)  # fmt: skip
BANK_COLUMNS = ("bank_card_secret", "bank_card_mask", "bank_luhn_ok")


def ordered_ids(count: int) -> Iterator[UUID]:
    """Version 7 identifiers in rising order: rows that are written together then stand together in every index."""
    stamp = int(time.time() * 1000) & (1 << 48) - 1
    noise = os.urandom(6 * count)
    for number in range(count):
        rest = int.from_bytes(noise[6 * number : 6 * number + 6], "big")
        yield UUID(int=stamp << 80 | 7 << 76 | (number >> 14 & 0xFFF) << 64 | 2 << 62 | (number & 0x3FFF) << 48 | rest)


@dataclass(frozen=True, slots=True)
class Group:
    """Columns that are written together, judged by their first: which of two values stands is decided for all of them.

    `kept_by`: the column whose change by a person (in the events) keeps the file's value out; `same`: a staged truth where values cannot
    be compared (encrypted); `show`: the column shown where the two differ.
    """

    item: str
    columns: tuple[str, ...]
    kept_by: str
    show: str
    same: str = ""


@dataclass(slots=True)
class Staged:
    """One temporary table to be: `extra` columns with their SQL types, `columns` of the model, and the lines."""

    model: type[Household | Person]
    extra: dict[str, str]
    groups: list[Group]
    lines: Iterable[str]
    count: int
    has_known: bool
    names: list[str] = field(default_factory=list)  # order of the columns in a line


def text(value: str | None) -> str:
    return value.translate(_ESCAPES) if value else ""


def _nullable(value: str | None) -> str:
    return value.translate(_ESCAPES) if value else NULL


def truth(value: bool | None) -> str:
    return NULL if value is None else "t" if value else "f"


def _date(value: Any) -> str:
    return NULL if value is None else str(value)


def _piece(name: str, value: Any) -> str:
    """`"name": value` of a JSON object, escaped for COPY."""
    return (json.dumps(name) + ":" + json.dumps(value, ensure_ascii=False)).translate(_ESCAPES)


class _Pieces:
    """Columns of one block for chosen rows, each made once per distinct value."""

    def __init__(self, block: Block, rows: Sequence[int]) -> None:
        self.block, self._rows = block, rows

    def column(self, key: str) -> ColumnIntake | None:
        return self.block.columns.get(key)

    def parsed(self, key: str) -> list[Any]:
        column = self.block.columns[key]
        return list(map(column.parsed.__getitem__, map(column.codes.__getitem__, self._rows)))

    def made(self, key: str, make: Callable[[Any], str]) -> list[str]:
        column = self.block.columns[key]
        pieces = [make(value) for value in column.parsed]
        return list(map(pieces.__getitem__, map(column.codes.__getitem__, self._rows)))


def _field_maker(model: type[Household | Person], column: str) -> Callable[[Any], str]:
    """How a value in JSON form is written into a column of the registry."""
    kind = model._meta.get_field(column).get_internal_type()
    match kind:
        case "DateField" | "PositiveSmallIntegerField":
            return _date
        case "BooleanField":
            return truth
        case "ArrayField":
            return lambda value: "{" + ",".join(value or []) + "}"
        case _:
            return lambda value: text(value)


def _objects(pieces: list[list[str]], count: int) -> list[str]:
    if not pieces:
        return ["{}"] * count
    return ["{" + joined + "}" for joined in map(",".join, zip(*pieces, strict=True))]


def stage_persons(checked: Checked, block: Block, persons: Sequence[PersonRow]) -> Staged:
    """Members of one sheet."""
    rows = [person.row for person in persons]
    pieces = _Pieces(block, rows)
    names: list[str] = []
    data: list[Iterable[str]] = []
    groups: list[Group] = []
    values: list[list[str]] = []
    subject: list[list[str]] = [[_piece("person_id", person.code) for person in persons]]
    homes = checked.households

    def add(name: str, column: Iterable[str]) -> None:
        names.append(name)
        data.append(column)

    add("id", [str(person.id) for person in persons])
    add("fresh", map(str, ordered_ids(len(rows))))  # of the record, where there is none yet
    add("is_new", ["f" if person.known else "t" for person in persons])
    add("household_id", [str(homes[person.household].id) for person in persons])
    add("village_code", [homes[person.household].village for person in persons])
    add("position", [str(person.position) for person in persons])
    add("code", [text(person.code) for person in persons])
    groups.append(Group("person_id", ("code",), "code", "code"))
    derived = _derived(checked, pieces, persons)
    for column in block.columns.values():
        indicator = column.mapped.indicator
        if indicator.form != PERSON_FORM or indicator.name in ("household_id", "person_id", "form_year"):
            continue
        if indicator.home == "record":
            values.append(pieces.made(indicator.key, lambda value, name=indicator.name: _piece(name, value)))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        elif indicator.key == ID_NUMBER:
            add("\t".join(ID_COLUMNS), pieces.made(ID_NUMBER, lambda number: _identity_piece(checked, number)))
            groups.append(Group("id_number", ID_COLUMNS[1:2] + ID_COLUMNS[:1] + ID_COLUMNS[2:], "id_number_secret", "id_number_mask"))
        elif indicator.key == _CARD:
            add("\t".join((*CARD_COLUMNS, "card_same")), _card_pieces(pieces, persons))
            groups.append(
                Group(
                    "disability_card_no",
                    (CARD_COLUMNS[1], CARD_COLUMNS[0], *CARD_COLUMNS[2:]),
                    "disability_card_secret",
                    CARD_COLUMNS[1],
                    "card_same",
                )
            )
        elif indicator.key == f"{PERSON_FORM}.member_name":
            add("member_name\tname_key", pieces.made(indicator.key, lambda name: f"{text(name)}\t{text(key_of(name or ''))}"))
            groups.append(Group("member_name", ("member_name", "name_key"), "member_name", "member_name"))
            subject.append(pieces.made(indicator.key, lambda value: _piece("member_name", value)))
        elif indicator.key not in derived:
            _add_plain(Person, PERSON_COLUMNS[indicator.name], indicator, pieces, add, groups, subject)
    for key, filled in derived.items():
        name = key.partition(".")[2]
        make = _field_maker(Person, name)
        made = {value: (make(value), _piece(name, value)) for value in set(filled)}
        add(name, [made[value][0] for value in filled])
        groups.append(Group(name, (name,), name, name))
        subject.append([made[value][1] for value in filled])
    if "member_state" not in names:
        add("member_state", ["01"] * len(rows))
        subject.append([_piece("member_state", "01")] * len(rows))
    lines = _lines([*data, _objects(values, len(rows)), _objects(subject, len(rows))])
    return Staged(
        Person, {"fresh": "uuid", "is_new": "boolean", "card_same": "boolean", "values": "jsonb", "subject": "jsonb"}, groups, lines, len(rows),
        any(person.known for person in persons), [*"\t".join(names).split("\t"), "values", "subject"],
    )  # fmt: skip


def _derived(checked: Checked, pieces: _Pieces, persons: Sequence[PersonRow]) -> dict[str, list[Any]]:
    """Birth date and sex where the cell is empty and a right identity number says them."""
    if pieces.column(ID_NUMBER) is None:
        return {}
    found: dict[str, list[Any]] = {}
    for key, fact in ((BIRTH, "id_birth"), (_SEX, "id_sex")):
        stated = pieces.parsed(key) if pieces.column(key) is not None else [None] * len(persons)
        if None not in stated:
            continue
        filled = []
        for value, person in zip(stated, persons, strict=True):
            if value is None and person.number is not None:
                said = getattr(checked.identity[person.number], fact)
                value = said.isoformat() if fact == "id_birth" and said else said
            filled.append(value)
        found[key] = filled
    return found


def _add_plain(
    model: type[Household | Person],
    name: str,
    indicator: Indicator,
    pieces: _Pieces,
    add: Callable[[str, Iterable[str]], None],
    groups: list[Group],
    subject: list[list[str]],
) -> None:
    make = _field_maker(model, name)
    if name in ("member_state", "household_state"):
        # An empty state of a row that stands in the roster: it is on the register.
        add(name, pieces.made(indicator.key, lambda value: make(value or "01")))
        subject.append(pieces.made(indicator.key, lambda value: _piece(indicator.name, value or "01")))
    else:
        add(name, pieces.made(indicator.key, make))
        subject.append(pieces.made(indicator.key, lambda value: _piece(indicator.name, value)))
    groups.append(Group(indicator.name, (name,), name, name))


def _identity_piece(checked: Checked, number: str | None) -> str:
    if number is None:
        return "\t".join((NULL, "", "", NULL, NULL, NULL, NULL, NULL, NULL, ""))
    facts = checked.identity[number]
    return "\t".join(
        (
            _nullable(encrypt(number)), checked.digests[number], mask_id(number), _nullable(facts.id_form), truth(facts.id_check_ok),
            _date(facts.id_birth), _nullable(facts.id_sex), truth(facts.id_region_known), truth(facts.id_placeholder), facts.id18_digest,
        )
    )  # fmt: skip


_NO_CARD = "\t".join((NULL, "", NULL, NULL, NULL, NULL, NULL, "f"))


def _card_pieces(pieces: _Pieces, persons: Sequence[PersonRow]) -> list[str]:
    made = []
    for card, person in zip(pieces.parsed(_CARD), persons, strict=True):
        if card is None:
            made.append(_NO_CARD)
            continue
        facts = card_facts(card, person.number)
        mask = mask_id(card)
        known = person.known
        same = known is not None and known.card_mask == mask and decrypt(known.card_secret) == card
        made.append(
            "\t".join(
                (
                    _nullable(encrypt(card)), mask, truth(facts.card_check_ok), _nullable(facts.card_category), _nullable(facts.card_grade),
                    truth(facts.card_reissue_ok), truth(facts.card_matches_id), truth(same),
                )
            )
        )  # fmt: skip
    return made


_keys: dict[str, str] = {}


def key_of(name: str) -> str:
    """name_key, remembered: half of a county's names are another's too."""
    if name not in _keys:
        if len(_keys) > 200_000:
            _keys.clear()
        _keys[name] = name_key(name)
    return _keys[name]


def _initials_of(name: str) -> str:
    if all("\u4e00" <= character <= "\u9fff" for character in name):
        return "".join(word[0] for word in key_of(name).split())[:20]
    return initials(name)


@dataclass(slots=True)
class Homes:
    """Who heads each household of the file and how many live in it; the place in walking order."""

    heads: dict[str, str]
    sizes: dict[str, int]


def homes_of(checked: Checked) -> Homes:
    heads: dict[str, str] = {}
    firsts: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for person in checked.persons:
        firsts.setdefault(person.household, person.name)
        if person.is_live:
            sizes[person.household] = sizes.get(person.household, 0) + 1
            if person.relation == HEAD:
                heads.setdefault(person.household, person.name)
    return Homes({**firsts, **heads}, sizes)


def stage_households(checked: Checked, block: Block | None, households: Sequence[HouseholdRow], homes: Homes, orders: Sequence[int]) -> Staged:
    """Households of one sheet; of no sheet those whose members only stand in the file."""
    count = len(households)
    names: list[str] = []
    data: list[Iterable[str]] = []
    groups: list[Group] = []
    values: list[list[str]] = []
    subject: list[list[str]] = []

    def add(name: str, column: Iterable[str]) -> None:
        names.append(name)
        data.append(column)

    add("id", [str(household.id) for household in households])
    add("fresh", map(str, ordered_ids(count)))
    add("is_new", ["f" if household.known else "t" for household in households])
    add("code", [text(household.code) for household in households])
    add("village_code", [household.village for household in households])
    add("walking_order", map(str, orders))
    heads = [homes.heads.get(household.code, "") for household in households]
    add("head_name", map(text, heads))
    add("head_name_key", [text(key_of(name)) for name in heads])
    add("head_initials", map(text, map(_initials_of, heads)))
    add("member_count", [str(homes.sizes.get(household.code, 0)) for household in households])
    add("kind", ["assisted"] * count)
    groups.append(Group("", ("kind",), "", ""))
    if block is not None:
        pieces = _Pieces(block, [household.row for household in households])
        for column in block.columns.values():
            indicator = column.mapped.indicator
            if indicator.form != HOUSEHOLD_FORM or indicator.key in _NOT_STAGED:
                continue
            if indicator.home == "record":
                values.append(pieces.made(indicator.key, lambda value, name=indicator.name: _piece(name, value)))  # type: ignore[misc]  # as above
                if indicator.key == _ADDRESS:
                    add("address", pieces.made(_ADDRESS, text))
                    groups.append(Group("address", ("address",), "address", "address"))
            elif indicator.key == _BANK:
                add("\t".join((*BANK_COLUMNS, "bank_same")), _bank_pieces(pieces, households))
                groups.append(
                    Group("bank_card_no", (BANK_COLUMNS[1], BANK_COLUMNS[0], BANK_COLUMNS[2]), "bank_card_secret", BANK_COLUMNS[1], "bank_same")
                )
            elif indicator.key in (HOUSEHOLD_CODE, VILLAGE):
                subject.append(pieces.made(indicator.key, lambda value, name=indicator.name: _piece(name, value)))  # type: ignore[misc]  # as above
            else:
                _add_plain(Household, HOUSEHOLD_COLUMNS[indicator.name], indicator, pieces, add, groups, subject)
        if "household_state" not in names:
            add("household_state", ["01"] * count)
            subject.append([_piece("household_state", "01")] * count)
        values += _computed(checked, pieces, households)
    lines = _lines([*data, _objects(values, count), _objects(subject, count)])
    return Staged(
        Household, {"fresh": "uuid", "is_new": "boolean", "bank_same": "boolean", "values": "jsonb", "subject": "jsonb"}, groups, lines, count,
        any(household.known for household in households), [*"\t".join(names).split("\t"), "values", "subject"],
    )  # fmt: skip


def _computed(checked: Checked, pieces: _Pieces, households: Sequence[HouseholdRow]) -> list[list[str]]:
    """Pieces of the computed items; null where nothing they are made of is known."""
    columns = {
        column.mapped.indicator.name: pieces.parsed(column.mapped.key)
        for column in pieces.block.columns.values()
        if column.mapped.indicator.form == HOUSEHOLD_FORM
    }
    found: list[list[str]] = []
    for name, values in compute(checked.ground.pack, columns, len(households)).items():
        if any(value is not None for value in values):
            start = json.dumps(name) + ":"
            found.append([start + ("null" if value is None else json.dumps(value)) for value in values])
    return found


_NO_BANK = "\t".join((NULL, "", NULL, "f"))


def _bank_pieces(pieces: _Pieces, households: Sequence[HouseholdRow]) -> list[str]:
    made = []
    for card, household in zip(pieces.parsed(_BANK), households, strict=True):
        if card is None:
            made.append(_NO_BANK)
            continue
        mask = mask_bank(card)
        known = household.known
        same = known is not None and known.bank_card_mask == mask and decrypt(known.bank_card_secret) == card
        made.append("\t".join((_nullable(encrypt(card)), mask, truth(bank_luhn_ok(card)), truth(same))))
    return made


def _lines(columns: Sequence[Iterable[str]]) -> Iterable[str]:
    return map("\t".join, zip(*columns, strict=True))
