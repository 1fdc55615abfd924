"""Items whose home is the subject: typed columns of household and person, read and written in the codec's JSON form.

Secret numbers are written here and nowhere else, so that cipher, digest, mask and derived facts always belong together.
"""

import datetime
import functools
import importlib
from collections.abc import Mapping
from typing import Any

from fangfanpin.households.models import Household, Pairing, Person
from fangfanpin.privacy.facts import bank_luhn_ok, card_facts, identity_facts
from fangfanpin.privacy.secrets import decrypt, digest, encrypt, mask_bank, mask_id

# item of household_year → column of Household
HOUSEHOLD_COLUMNS: Mapping[str, str] = {
    "household_id": "code",
    "admin_village_code": "village_code",
    "natural_village_code": "natural_village_code",
    "bank_name": "bank_name",
    "bank_holder": "bank_holder",
    "household_type": "household_type",
    "household_state": "household_state",
    "first_identified_at": "first_identified_at",
    "poverty_exit_year": "poverty_exit_year",
    "main_poverty_cause": "main_poverty_cause",
    "other_poverty_causes": "other_poverty_causes",
    "relapse_cause": "relapse_cause",
}
HOUSEHOLD_SECRETS: Mapping[str, str] = {"bank_card_no": "bank_card_secret"}
# item of person_year → column of Person
PERSON_COLUMNS: Mapping[str, str] = {
    "person_id": "code",
    "member_name": "member_name",
    "sex": "sex",
    "birth_date": "birth_date",
    "id_type": "id_type",
    "disability_category": "disability_category",
    "disability_grade": "disability_grade",
    "ethnicity": "ethnicity",
    "is_relocated_person": "is_relocated_person",
    "identified_at": "identified_at",
    "relation_to_head": "relation_to_head",
    "member_state": "member_state",
    "change_kind": "change_kind",
    "change_reason": "change_reason",
    "change_date": "change_date",
}
PERSON_SECRETS: Mapping[str, str] = {"id_number": "id_number_secret", "disability_card_no": "disability_card_secret"}
PAIRING_SECRETS: Mapping[str, str] = {"helper_id": "helper_id_secret"}
PERSON_FACTS = (
    "id_form", "id_check_ok", "id_birth", "id_sex", "id_region_known", "id_placeholder", "id18_digest",
    "card_check_ok", "card_category", "card_grade", "card_reissue_ok", "card_matches_id",
)  # fmt: skip
# Set by acts of their own (arrive, leave, head), never by typing into a field.
NOT_TYPED = frozenset({"household_id", "person_id", "admin_village_code", "member_state", "change_kind"})


@functools.cache
def _dictionaries() -> tuple[Any, Any, Any]:
    """pypinyin and its dictionaries of characters and phrases: 55 MB that only a process which writes names needs."""
    constants = importlib.import_module("pypinyin.constants")
    return importlib.import_module("pypinyin"), constants.PINYIN_DICT, constants.PHRASES_DICT


@functools.lru_cache(maxsize=20_000)
def _reading(character: str, style: str) -> str:
    pypinyin, _characters, _phrases = _dictionaries()
    return str(pypinyin.lazy_pinyin(character, style=pypinyin.Style[style])[0])


def _spelled(name: str, style: str) -> list[str]:
    """As lazy_pinyin spells it, but characters that stand in no phrase together are spelled by themselves: ten times faster for a county."""
    pypinyin, characters, phrases = _dictionaries()
    together = (name[start:stop] for start in range(len(name) - 1) for stop in range(start + 2, len(name) + 1))
    if all(ord(character) in characters for character in name) and not any(words in phrases for words in together):
        return [_reading(character, style) for character in name]
    return list(pypinyin.lazy_pinyin(name, style=pypinyin.Style[style]))


def name_key(name: str) -> str:
    """Pinyin without tones: sorts and finds names without a database collation."""
    return " ".join(_spelled(name, "NORMAL"))[:80]


def initials(name: str) -> str:
    return "".join(_spelled(name, "FIRST_LETTER"))[:20]


def _out(value: Any) -> Any:
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, list):
        return sorted(value) or None
    return None if value == "" else value


def household_values(household: Household) -> dict[str, Any]:
    """Subject items of a household in JSON form; the bank card masked."""
    values = {name: _out(getattr(household, column)) for name, column in HOUSEHOLD_COLUMNS.items()}
    values["bank_card_no"] = household.bank_card_mask or None
    return values


def person_values(person: Person) -> dict[str, Any]:
    """Subject items of a person in JSON form; the numbers masked."""
    values = {name: _out(getattr(person, column)) for name, column in PERSON_COLUMNS.items()}
    values["id_number"] = person.id_number_mask or None
    values["disability_card_no"] = person.disability_card_mask or None
    return values


def person_facts(person: Person) -> dict[str, Any]:
    """Derived facts in JSON form."""
    return {name: _out(getattr(person, name)) for name in PERSON_FACTS}


def household_facts(household: Household) -> dict[str, Any]:
    return {"bank_luhn_ok": household.bank_luhn_ok}


def longest(form: str, name: str) -> int | None:
    """How many characters the column of a subject item holds; None where it is no text."""
    model: type[Household | Person] = Person if form == "person_year" else Household
    column = {**HOUSEHOLD_COLUMNS, "bank_card_no": "bank_card_mask"}.get(name)
    if model is Person:
        column = {**PERSON_COLUMNS, "id_number": "id_number_mask", "disability_card_no": "disability_card_mask"}.get(name)
    return getattr(model._meta.get_field(column), "max_length", None) if column else None


def has_column(form: str, name: str) -> bool:
    if form == "person_year":
        return name in PERSON_COLUMNS or name in PERSON_SECRETS
    return name in HOUSEHOLD_COLUMNS or name in HOUSEHOLD_SECRETS


def mask_secret(name: str, number: str | None) -> str:
    """A secret item as it may be shown."""
    return mask_bank(number) if name in HOUSEHOLD_SECRETS else mask_id(number)


def secrets_of(row: Household | Person | Pairing) -> Mapping[str, str]:
    """Secret items of a row, each with its cipher's column."""
    return HOUSEHOLD_SECRETS if isinstance(row, Household) else PERSON_SECRETS if isinstance(row, Person) else PAIRING_SECRETS


def plain_secret(row: Household | Person | Pairing, name: str) -> str | None:
    """The whole number; only `services.reveal` and checks at write time may call this."""
    return decrypt(getattr(row, secrets_of(row)[name]))


def set_household_value(household: Household, name: str, value: Any) -> None:
    """Put one item into its column; does not save."""
    if name in HOUSEHOLD_SECRETS:
        household.bank_card_secret = encrypt(value)
        household.bank_card_mask = mask_bank(value)
        household.bank_luhn_ok = bank_luhn_ok(value)
        return
    column = HOUSEHOLD_COLUMNS[name]
    if column == "other_poverty_causes":
        household.other_poverty_causes = list(value or [])
    elif column == "poverty_exit_year":
        household.poverty_exit_year = value
    else:
        setattr(household, column, value or "")


def set_person_value(person: Person, name: str, value: Any) -> None:
    """Put one item into its column, with what follows from it (facts, masks, name key); does not save."""
    if name == "id_number":
        person.id_number_secret = encrypt(value)
        person.id_number_mask = mask_id(value)
        person.id_number_digest = digest(value)
        for fact, found in _identity_columns(value).items():
            setattr(person, fact, found)
        _set_card_facts(person, decrypt(person.disability_card_secret), value)
    elif name == "disability_card_no":
        person.disability_card_secret = encrypt(value)
        person.disability_card_mask = mask_id(value)
        _set_card_facts(person, value, decrypt(person.id_number_secret))
    elif name in ("birth_date", "change_date"):
        setattr(person, name, datetime.date.fromisoformat(value) if value else None)
    elif name == "is_relocated_person":
        person.is_relocated_person = value
    else:
        setattr(person, PERSON_COLUMNS[name], value or "")
        if name == "member_name":
            person.name_key = name_key(value or "")


def _identity_columns(number: str | None) -> dict[str, Any]:
    facts = identity_facts(number)
    return {name: getattr(facts, name) for name in PERSON_FACTS if name.startswith("id")}


def _set_card_facts(person: Person, card: str | None, id_number: str | None) -> None:
    facts = card_facts(card, id_number)
    person.card_check_ok = facts.card_check_ok
    person.card_category = facts.card_category
    person.card_grade = facts.card_grade
    person.card_reissue_ok = facts.card_reissue_ok
    person.card_matches_id = facts.card_matches_id


def person_columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """All columns of a new person from its subject items in JSON form (id_number and card whole): for bulk loading."""
    person = Person()
    for name in (*PERSON_COLUMNS, *PERSON_SECRETS):
        if name in values and name != "household_id":
            set_person_value(person, name, values[name])
    skipped = {"id", "household", "version", "created_at", "updated_at", "import_batch_id", "position", "village_code", "merged_into"}
    return {f.attname: getattr(person, f.attname) for f in Person._meta.concrete_fields if f.name not in skipped}
