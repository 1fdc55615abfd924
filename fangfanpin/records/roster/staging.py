"""Checked rows as text for COPY, put together from pieces made once per distinct value.

A row of a temporary table holds what the registry's row shall hold (columns of the file only), and the year's values and subject items
as JSON. Secret numbers are encrypted before they leave this module.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fangfanpin.households.models import Household, Person
from fangfanpin.households.subjects import HOUSEHOLD_COLUMNS, PERSON_COLUMNS, initials, name_key
from fangfanpin.pack import Indicator
from fangfanpin.privacy.facts import bank_luhn_ok, card_facts
from fangfanpin.privacy.secrets import decrypt, encrypt, mask_bank, mask_id
from fangfanpin.records.roster.checking import BIRTH, ID_NUMBER, Checked, HouseholdRow, PersonRow
from fangfanpin.records.roster.columns import HOUSEHOLD_CODE, NAME, SPELL_FORM, VILLAGE
from fangfanpin.records.roster.computing import compute
from fangfanpin.records.roster.intake import PERSON_CODE
from fangfanpin.records.units import HEAD, HOUSEHOLD_FORM, PERSON_FORM
from fangfanpin.records.workbooks.cells import Block
from fangfanpin.records.workbooks.copying import NULL, Make, contents, json_maker, nullable, objects, ordered_ids, plain, text, truth

_ADDRESS, _BANK = f"{HOUSEHOLD_FORM}.address", f"{HOUSEHOLD_FORM}.bank_card_no"
_CARD, _SEX = f"{PERSON_FORM}.disability_card_no", f"{PERSON_FORM}.sex"
_NOT_STAGED = frozenset({f"{HOUSEHOLD_FORM}.form_year", f"{PERSON_FORM}.form_year", f"{PERSON_FORM}.household_id", PERSON_CODE})
_STATES = frozenset({"member_state", "household_state"})
_ON_REGISTER = "01"  # of member_state and household_state
ID_COLUMNS = (
    "id_number_digest", "id_number_secret", "id_number_mask", "id_form", "id_check_ok", "id_birth", "id_sex", "id_region_known", "id_placeholder",
    "id18_digest",
)  # fmt: skip
CARD_COLUMNS = (
    "disability_card_mask", "disability_card_secret", "card_check_ok", "card_category", "card_grade", "card_reissue_ok", "card_matches_id",
)  # fmt: skip
BANK_COLUMNS = ("bank_card_mask", "bank_card_secret", "bank_luhn_ok")
_NO_NUMBER = "\t".join(("", NULL, "", NULL, NULL, NULL, NULL, NULL, NULL, ""))
_NO_CARD = "\t".join(("", NULL, NULL, NULL, NULL, NULL, NULL, "f"))
_NO_BANK = "\t".join(("", NULL, NULL, "f"))


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
    """One temporary table to be: `names` of its columns in order, `extra` types of those that are not the model's, content for COPY."""

    model: type[Household | Person]
    names: list[str]
    extra: dict[str, str]
    groups: list[Group]
    content: list[bytes]
    count: int
    has_known: bool


def _maker(model: type[Household | Person], column: str) -> Make:
    """How a value in JSON form is written into a column of the registry."""
    match model._meta.get_field(column).get_internal_type():
        case "DateField" | "PositiveSmallIntegerField":
            return plain
        case "BooleanField":
            return truth
        case "ArrayField":
            return lambda value: "{" + ",".join(value or []) + "}"
        case _:
            return text


class _Table:
    """A temporary table in the making, for chosen rows of a sheet (or of none)."""

    def __init__(self, model: type[Household | Person], block: Block | None, rows: Sequence[int]) -> None:
        self.model, self.block, self.rows = model, block, rows
        self.names: list[str] = []
        self.groups: list[Group] = []
        self.extra = {"fresh": "uuid", "is_new": "boolean", "values": "jsonb", "subject": "jsonb"}
        self._data: list[Iterable[str]] = []
        self._values: list[list[str]] = []
        self._subject: list[list[str]] = []

    def add(self, names: str | Sequence[str], column: Iterable[str], group: Group | None = None) -> None:
        """One column, or several whose pieces hold a tab between."""
        self.names.extend([names] if isinstance(names, str) else names)
        self._data.append(column)
        if group is not None:
            self.groups.append(group)

    def made(self, key: str, what: str, make: Make) -> list[str]:
        assert self.block is not None
        column = self.block.columns[key]
        return column.made(what, make, [column.codes[row] for row in self.rows])

    def parsed(self, key: str) -> list[Any]:
        assert self.block is not None
        return self.block.values(key, self.rows)

    def value(self, indicator: Indicator) -> None:
        """An item of the year's record."""
        self._values.append(self.made(indicator.key, "json", json_maker(indicator.name)))

    def computed(self, name: str, values: Sequence[Any]) -> None:
        start = json.dumps(name) + ":"
        self._values.append([f"{start}null" if value is None else f"{start}{value}" for value in values])

    def subject(self, name: str, pieces: list[str]) -> None:
        self._subject.append(pieces)

    def subject_item(self, indicator: Indicator, column: str) -> None:
        """An item of the registry: its column, and its place in the year's record."""
        make = _maker(self.model, column)
        json_of = json_maker(indicator.name)
        if column in _STATES:  # an empty state of a row that stands in the roster
            self.add(column, self.made(indicator.key, "column", lambda value: make(value or _ON_REGISTER)))
            self.subject(indicator.name, self.made(indicator.key, "json", lambda value: json_of(value or _ON_REGISTER)))
        else:
            self.add(column, self.made(indicator.key, "column", make))
            self.subject(indicator.name, self.made(indicator.key, "json", json_of))
        self.groups.append(Group(indicator.name, (column,), column, column))

    def on_register(self, column: str) -> None:
        """The state of rows of a file without such a column."""
        if column not in self.names:
            self.add(column, [_ON_REGISTER] * len(self.rows))
            self.subject(column, [json_maker(column)(_ON_REGISTER)] * len(self.rows))

    def staged(self, *, has_known: bool) -> Staged:
        count = len(self.rows)
        content = list(contents([*self._data, objects(self._values, count), objects(self._subject, count)]))
        return Staged(self.model, [*self.names, "values", "subject"], self.extra, self.groups, content, count, has_known)


def stage_persons(checked: Checked, block: Block, persons: Sequence[PersonRow]) -> Staged:
    """Members of one sheet."""
    table = _Table(Person, block, [person.row for person in persons])
    homes = checked.households
    table.add("id", [str(person.id) for person in persons])
    table.add("fresh", ordered_ids(len(persons)))  # of the record, where there is none yet
    table.add("is_new", ["f" if person.known else "t" for person in persons])
    table.add("household_id", [str(homes[person.household].id) for person in persons])
    table.add("village_code", [homes[person.household].village for person in persons])
    table.add("position", [str(person.position) for person in persons])
    table.add("code", [str(person.code) for person in persons], Group("person_id", ("code",), "code", "code"))
    table.subject("person_id", [f'"person_id":"{person.code}"' for person in persons])  # letters, digits and dashes: nothing to escape
    derived = _derived(checked, table, persons)
    for column in block.columns.values():
        indicator = column.mapped.indicator
        if indicator.form != PERSON_FORM or indicator.key in _NOT_STAGED or indicator.key in derived:
            continue
        if indicator.home == "record":
            table.value(indicator)
        elif indicator.key == ID_NUMBER:
            pieces = table.made(ID_NUMBER, "column", lambda number: _identity_piece(checked, number))
            table.add(ID_COLUMNS, pieces, Group("id_number", ID_COLUMNS, "id_number_secret", "id_number_mask"))
        elif indicator.key == _CARD:
            table.extra["card_same"] = "boolean"
            group = Group("disability_card_no", CARD_COLUMNS, "disability_card_secret", "disability_card_mask", "card_same")
            table.add((*CARD_COLUMNS, "card_same"), _card_pieces(table, persons), group)
        elif indicator.key == NAME:
            pieces = table.made(NAME, "column", lambda name: f"{text(name)}\t{text(key_of(name or ''))}")
            table.add(("member_name", "name_key"), pieces, Group("member_name", ("member_name", "name_key"), "member_name", "member_name"))
            table.subject("member_name", table.made(NAME, "json", json_maker("member_name")))
        else:
            table.subject_item(indicator, PERSON_COLUMNS[indicator.name])
    for key, filled in derived.items():
        name = key.partition(".")[2]
        column_of, json_of = _maker(Person, name), json_maker(name)
        made = {value: (column_of(value), json_of(value)) for value in set(filled)}
        table.add(name, [made[value][0] for value in filled], Group(name, (name,), name, name))
        table.subject(name, [made[value][1] for value in filled])
    table.on_register("member_state")
    return table.staged(has_known=any(person.known for person in persons))


def _derived(checked: Checked, table: _Table, persons: Sequence[PersonRow]) -> dict[str, list[Any]]:
    """Birth date and sex where the cell is empty and a right identity number says them."""
    assert table.block is not None
    if ID_NUMBER not in table.block.columns:
        return {}
    found: dict[str, list[Any]] = {}
    for key, fact in ((BIRTH, "id_birth"), (_SEX, "id_sex")):
        stated = table.parsed(key)
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


def _identity_piece(checked: Checked, number: str | None) -> str:
    if number is None:
        return _NO_NUMBER
    facts = checked.identity[number]
    return "\t".join(
        (
            checked.digests[number], nullable(encrypt(number)), mask_id(number), nullable(facts.id_form), truth(facts.id_check_ok),
            plain(facts.id_birth), nullable(facts.id_sex), truth(facts.id_region_known), truth(facts.id_placeholder), facts.id18_digest,
        )
    )  # fmt: skip


def _card_pieces(table: _Table, persons: Sequence[PersonRow]) -> list[str]:
    made = []
    for card, person in zip(table.parsed(_CARD), persons, strict=True):
        if card is None:
            made.append(_NO_CARD)
            continue
        facts, mask, known = card_facts(card, person.number), mask_id(card), person.known
        same = known is not None and known.card_mask == mask and decrypt(known.card_secret) == card
        made.append(
            "\t".join(
                (
                    mask, nullable(encrypt(card)), truth(facts.card_check_ok), nullable(facts.card_category), nullable(facts.card_grade),
                    truth(facts.card_reissue_ok), truth(facts.card_matches_id), truth(same),
                )
            )
        )  # fmt: skip
    return made


_keys: dict[str, str] = {}


def key_of(name: str) -> str:
    """name_key, remembered: many of a county's names are another's too."""
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
    """Who heads each household of the file and how many live in it."""

    heads: dict[str, str]
    sizes: dict[str, int]


def homes_of(persons: Iterable[PersonRow]) -> Homes:
    heads: dict[str, str] = {}
    firsts: dict[str, str] = {}
    sizes: dict[str, int] = {}
    for person in persons:
        firsts.setdefault(person.household, person.name)
        if person.is_live:
            sizes[person.household] = sizes.get(person.household, 0) + 1
            if person.relation == HEAD:
                heads.setdefault(person.household, person.name)
    return Homes({**firsts, **heads}, sizes)


def stage_households(checked: Checked, block: Block | None, households: Sequence[HouseholdRow], homes: Homes, orders: Sequence[int]) -> Staged:
    """Households of one sheet; of no sheet those whose members only stand in the file."""
    table = _Table(Household, block, [household.row for household in households])
    heads = [homes.heads.get(household.code, "") for household in households]
    table.add("id", [str(household.id) for household in households])
    table.add("fresh", ordered_ids(len(households)))
    table.add("is_new", ["f" if household.known else "t" for household in households])
    table.add("code", [household.code for household in households])
    table.add("village_code", [household.village for household in households])
    table.add("walking_order", map(str, orders))
    table.add("head_name", map(text, heads))
    table.add("head_name_key", [text(key_of(name)) for name in heads])
    table.add("head_initials", [text(_initials_of(name)) for name in heads])
    table.add("member_count", [str(homes.sizes.get(household.code, 0)) for household in households])
    table.add("kind", [Household.Kind.ASSISTED.value] * len(households), Group("", ("kind",), "", ""))
    for column in block.columns.values() if block is not None else ():
        indicator = column.mapped.indicator
        if indicator.key in (f"{SPELL_FORM}.monitoring_type", f"{SPELL_FORM}.spell_state"):
            # For new households only: a known one's latest spell says it.
            name = "monitoring_type" if indicator.name == "monitoring_type" else "monitoring_state"
            table.add(name, table.made(indicator.key, "column", text))
        if indicator.form != HOUSEHOLD_FORM or indicator.key in _NOT_STAGED:
            continue
        if indicator.home == "record":
            table.value(indicator)
            if indicator.key == _ADDRESS:
                table.add("address", table.made(_ADDRESS, "column", text), Group("address", ("address",), "address", "address"))
        elif indicator.key == _BANK:
            table.extra["bank_same"] = "boolean"
            group = Group("bank_card_no", BANK_COLUMNS, "bank_card_secret", "bank_card_mask", "bank_same")
            table.add((*BANK_COLUMNS, "bank_same"), _bank_pieces(table, households), group)
        elif indicator.key in (HOUSEHOLD_CODE, VILLAGE):
            table.subject(indicator.name, table.made(indicator.key, "json", json_maker(indicator.name)))
        else:
            table.subject_item(indicator, HOUSEHOLD_COLUMNS[indicator.name])
    if block is not None:
        table.on_register("household_state")
        _add_computed(checked, table)
    return table.staged(has_known=any(household.known for household in households))


def _add_computed(checked: Checked, table: _Table) -> None:
    """The pack's sums; null where nothing they are made of is known."""
    assert table.block is not None
    names = {column.mapped.indicator.name: key for key, column in table.block.columns.items() if key.startswith(f"{HOUSEHOLD_FORM}.")}
    found = compute(checked.ground.pack, {name: table.parsed(key) for name, key in names.items()}, len(table.rows))
    for name, values in found.items():
        if any(value is not None for value in values):
            table.computed(name, values)


def _bank_pieces(table: _Table, households: Sequence[HouseholdRow]) -> list[str]:
    made = []
    for card, household in zip(table.parsed(_BANK), households, strict=True):
        if card is None:
            made.append(_NO_BANK)
            continue
        mask, known = mask_bank(card), household.known
        same = known is not None and known.bank_card_mask == mask and decrypt(known.bank_card_secret) == card
        made.append("\t".join((mask, nullable(encrypt(card)), truth(bank_luhn_ok(card)), truth(same))))
    return made
