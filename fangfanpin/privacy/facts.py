"""Facts that rules may know of a secret number, computed when it is written (Python twin of field/src/privacy/facts.ts)."""

import datetime
import operator
import re
from dataclasses import asdict, dataclass

from stdnum.luhn import is_valid as luhn_is_valid

from fangfanpin.privacy.secrets import digest18

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"
_FORM_BY_LENGTH = {15: "id15", 18: "id18", 20: "card20", 22: "card22"}


@dataclass(frozen=True, slots=True)
class IdentityFacts:
    """None = the question does not arise. `id_form`: id15, id18, card20, card22 or other."""

    id_form: str | None
    id_check_ok: bool | None
    id_birth: datetime.date | None
    id_sex: str | None
    id_region_known: bool | None
    id_placeholder: bool | None
    id18_digest: str


@dataclass(frozen=True, slots=True)
class CardFacts:
    card_check_ok: bool | None
    card_category: str | None
    card_grade: str | None
    card_reissue_ok: bool | None
    card_matches_id: bool | None


def check_character_ok(first18: str) -> bool:
    """GB 11643-1999: ISO 7064 mod 11-2 over 17 digits, compared in upper case."""
    if not re.fullmatch(r"[0-9]{17}[0-9Xx]", first18):
        return False
    total = sum(map(operator.mul, _WEIGHTS, map(int, first18[:17])))
    return _CHECK[total % 11] == first18[17].upper()


def _birth(number: str) -> datetime.date | None:
    text = number[6:14] if len(number) >= 18 else "19" + number[6:12]
    if not re.fullmatch(r"[0-9]{8}", text):
        return None
    try:
        return datetime.date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def identity_facts(number: str | None, *, known_regions: frozenset[str] | None = None) -> IdentityFacts:
    """Facts of an identity number. `known_regions`: six-digit codes ever in force, None while the county has no such table."""
    if not number:
        return IdentityFacts(None, None, None, None, None, None, "")
    number = number.upper()
    form = _FORM_BY_LENGTH.get(len(number), "other")
    placeholder = number.startswith("999999")
    if form == "other" or placeholder:
        return IdentityFacts(form, None, None, None, None, placeholder, digest18(number))
    sex_digit = number[16] if len(number) >= 18 else number[14]
    return IdentityFacts(
        id_form=form,
        id_check_ok=check_character_ok(number[:18]) if len(number) >= 18 else None,
        id_birth=_birth(number),
        id_sex=("1" if int(sex_digit) % 2 else "2") if sex_digit in "0123456789" else None,
        id_region_known=None if known_regions is None else number[:6] in known_regions,
        id_placeholder=False,
        id18_digest=digest18(number),
    )


def card_facts(card: str | None, id_number: str | None) -> CardFacts:
    """Facts of a disability card number (20 characters; 22 when re-issued): F004, F005, F011."""
    if not card:
        return CardFacts(None, None, None, None, None)
    card = card.upper()
    category = card[18] if len(card) >= 19 and card[18] in "1234567" else None
    grade = card[19] if len(card) >= 20 and card[19] in "1234" else None
    return CardFacts(
        card_check_ok=len(card) in (20, 22) and check_character_ok(card[:18]) and category is not None and grade is not None,
        card_category=category,
        card_grade=grade,
        card_reissue_ok=bool(re.fullmatch(r"B[1-9]", card[20:])) if len(card) > 20 else None,
        card_matches_id=card[:18] == id_number[:18].upper() if id_number and len(id_number) >= 18 else None,
    )


def bank_luhn_ok(number: str | None) -> bool | None:
    """F019: 16 to 19 digits that pass Luhn; None where no card is recorded."""
    if not number:
        return None
    return bool(re.fullmatch(r"[0-9]{16,19}", number)) and bool(luhn_is_valid(number))


def as_columns(facts: IdentityFacts | CardFacts) -> dict[str, object]:
    return asdict(facts)
