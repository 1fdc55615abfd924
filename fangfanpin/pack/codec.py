"""One codec for every dictionary type: text ↔ value in JSON form ↔ words ↔ what expressions see.

JSON form: money in fen, areas in 0.01 mu and other decimals as integers by scale, dates YYYY-MM-DD, months YYYY-MM, codes as
text, multi-selects as sorted lists. Photos and signatures are lists of file ids as they were added, one or several; a point is text of one form,
"33.317612, 117.313422": latitude, longitude, six decimals of a degree (WGS-84 or what the phone gave). None = asked and left empty.
"""

import datetime
import difflib
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from fangfanpin.expressions.normalise import normalise_number_text, normalise_text
from fangfanpin.pack.indicators import PICTURES, Indicator
from fangfanpin.pack.sentences import say

_SCALED = frozenset({"money", "area_mu", "decimal"})
_MAX = 10**13  # fen: a thousand million yuan is a typing error
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]0{1,2}:00(?::00)?)?|(\d{4})(\d{2})(\d{2})")
_MONTH = re.compile(r"(\d{4})[-/.年](\d{1,2})月?|(\d{4})(\d{2})")
_PHONE = re.compile(r"1[3-9]\d{9}|0\d{2,3}-?\d{7,8}")
_YES = frozenset("是 有 1 Y y √ 对 true True TRUE 参加 已".split())
_NO = frozenset("否 无 0 N n × 没有 不 false False FALSE 未参加 未".split())
_POINT = re.compile(
    r"(?:(?:北纬|纬度|N)[:：]?\s*)?(-?\d{1,3}(?:\.\d{1,15})?)\s*[°度]?\s*N?[\s,，;；、/]+(?:(?:东经|经度|E)[:：]?\s*)?(-?\d{1,3}(?:\.\d{1,15})?)\s*[°度]?\s*E?"
)
_POINT_HELD = re.compile(r"\d{1,2}\.\d{6}, \d{2,3}\.\d{6}")
LATITUDES, LONGITUDES = (Decimal(3), Decimal(54)), (Decimal(73), Decimal(136))  # of China
_LEAST_DECIMALS = 4  # of a degree: some ten metres
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FILE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAX_TEXT = 500
MOST_PICTURES = 12  # of one item
MAX_ADDRESS = 255


class CodecFault(Exception):
    """The text is not a value of this type; the message says what to do."""


def day_number(day: datetime.date) -> int:
    return day.year * 10000 + day.month * 100 + day.day


def to_engine(type_: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if type_ == "date" and isinstance(value, str):
        return int(value[:4]) * 10000 + int(value[5:7]) * 100 + int(value[8:10])
    if type_ == "month" and isinstance(value, str):
        return int(value[:4]) * 12 + (int(value[5:7]) - 1 if len(value) >= 7 else 0)
    if type_ in PICTURES:
        return (len(value) or None) if isinstance(value, list) else value
    return tuple(value) if isinstance(value, list) else value


def fact_to_engine(name: str, value: Any) -> Any:
    """Derived facts are not items of the dictionary; `id_birth` is the only date among them."""
    return to_engine("date" if name == "id_birth" else "text", value)


def from_engine(type_: str, value: Any) -> Any:
    if value is None:
        return None
    if type_ == "date":
        return f"{value // 10000:04d}-{value // 100 % 100:02d}-{value % 100:02d}"
    if type_ == "month":
        return f"{value // 12:04d}-{value % 12 + 1:02d}"
    return sorted(value) if isinstance(value, tuple) else value


def check_json(indicator: Indicator, value: Any, words: Mapping[str, str], language: str = "zh") -> str | None:
    """What is wrong with a value that came as JSON; None where it is right."""
    if value is None:
        return None
    item = indicator.label
    match indicator.type:
        case "money" | "area_mu" | "decimal" | "int" | "year":
            if isinstance(value, bool) or not isinstance(value, int):
                return say(language, "number", item=item)
            if abs(value) >= _MAX:
                return say(language, "too_large_item", item=item)
            if value < 0 and indicator.home != "computed":
                return say(language, "negative_item", item=item)
            if indicator.type == "year" and not 1900 <= value <= 2100:
                return say(language, "year", item=item)
        case "bool":
            if not isinstance(value, bool):
                return say(language, "yes_or_no_item", item=item)
        case "code":
            codes = value if indicator.multi else [value]
            if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
                return say(language, "from_list", item=item)
            if unknown := [code for code in codes if code not in words]:
                return say(language, "not_of_list", item=item, code=unknown[0])
            if indicator.multi and codes != sorted(set(codes)):
                return say(language, "unsorted", item=item)
        case "date":
            return None if _is_date(value) else say(language, "day", item=item)
        case "month":
            return None if isinstance(value, str) and _is_month(value) else say(language, "month", item=item)
        case "image" | "signature":
            ids = value if isinstance(value, list) else [value]
            if not isinstance(value, list) or not all(isinstance(one, str) and is_file_id(one) for one in ids) or len(set(ids)) < len(ids):
                return say(language, "pictures_item", item=item)
            if len(ids) > (MOST_PICTURES if indicator.multi else 1):
                return say(language, "too_many_pictures", item=item, most=MOST_PICTURES if indicator.multi else 1)
        case "point":
            return None if isinstance(value, str) and _is_point(value) else say(language, "point_item", item=item)
        case _:
            if not isinstance(value, str):
                return say(language, "text", item=item)
            if len(value) > (MAX_ADDRESS if indicator.name.endswith("address") else _MAX_TEXT):
                return say(language, "too_long_item", item=item)
            if _CONTROL.search(value):
                return say(language, "control_item", item=item)
            if indicator.type == "secret_number" and not re.fullmatch(r"[0-9A-Z]{1,30}", value):
                return say(language, "digits_only", item=item)
    return None


def _is_date(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) == 10 and bool(datetime.date.fromisoformat(value))
    except ValueError:
        return False


def _is_month(value: str) -> bool:
    return bool(re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])|\d{4}", value))


def parse_text(indicator: Indicator, text: str, codes: Mapping[str, str], words: Mapping[str, str], language: str = "zh") -> Any:
    """A cell's text as a value in JSON form; None for nothing. Raises CodecFault."""
    plain = normalise_text(text)
    if plain is None:
        return None
    if _CONTROL.search(plain):
        raise CodecFault(say(language, "control"))
    match indicator.type:
        case "money" | "area_mu" | "decimal":
            return _scaled(indicator, plain, language)
        case "int" | "year":
            return _whole(indicator, plain, language)
        case "bool":
            if plain in _YES:
                return True
            if plain in _NO:
                return False
            raise CodecFault(say(language, "yes_or_no", typed=plain))
        case "code":
            parts = [p for p in re.split(r"[,，、;；|/]", plain) if p.strip()] if indicator.multi else [plain]
            found = [_code(part.strip(), codes, words, language) for part in parts]
            return sorted(set(found)) if indicator.multi else found[0]
        case "date":
            return _date(plain, language)
        case "month":
            return _month(plain, language)
        case "secret_number":
            return _number(plain, language)
        case "image" | "signature":
            raise CodecFault(say(language, "not_typed"))
        case "point":
            return parse_point(plain, language)
        case "phone":
            digits = (normalise_number_text(plain) or "").replace(" ", "")
            if re.fullmatch(r"\d(\.\d+)?[eE]\+\d+", digits):
                raise CodecFault(say(language, "phone_spoilt"))
            return digits
        case _:
            if len(plain) > _MAX_TEXT:
                raise CodecFault(say(language, "too_long", length=len(plain)))
            return plain


def _scaled(indicator: Indicator, plain: str, language: str) -> int:
    digits = (normalise_number_text(plain) or "").replace(",", "").removesuffix("元").removesuffix("亩").strip()
    try:
        number = Decimal(digits)
    except InvalidOperation:
        raise CodecFault(say(language, "not_number", typed=plain)) from None
    if not number.is_finite() or abs(number) * 10**indicator.scale >= _MAX:
        raise CodecFault(say(language, "too_large", typed=plain))
    if number < 0 and not indicator.name.startswith(("net_", "per_capita", "reference", "id_net", "id_per", "el_net", "el_per", "total_")):
        raise CodecFault(say(language, "negative"))
    held = number.scaleb(indicator.scale)
    rounded = held.to_integral_value()
    # A binary spreadsheet number such as 1234.5600000000001 means 1234.56.
    if abs(held - rounded) > Decimal("0.0001"):
        raise CodecFault(say(language, "decimals", most=indicator.scale))
    return int(rounded)


def _whole(indicator: Indicator, plain: str, language: str) -> int:
    digits = (normalise_number_text(plain) or "").replace(",", "").removesuffix("年").removesuffix(".0")
    if not re.fullmatch(r"-?\d{1,12}", digits):
        raise CodecFault(say(language, "not_whole", typed=plain))
    value = int(digits)
    if value < 0:
        raise CodecFault(say(language, "negative"))
    if indicator.type == "year" and not 1900 <= value <= 2100:
        raise CodecFault(say(language, "not_year", typed=plain))
    return value


def _code(word: str, codes: Mapping[str, str], words: Mapping[str, str], language: str) -> str:
    plain = normalise_number_text(word) or ""
    for key in (word, plain):
        if key in codes:
            return codes[key]
    if plain.isdigit() and plain.zfill(2) in words:
        raise CodecFault(say(language, "zero_lost", typed=plain, word=words[plain.zfill(2)]))
    near = difflib.get_close_matches(word, list(words.values()), n=1, cutoff=0.5)
    if near:
        raise CodecFault(say(language, "is_it", typed=word, near=near[0]))
    raise CodecFault(say(language, "choose_from", typed=word, words=say(language, "comma").join(list(words.values())[:8])))


def _date(plain: str, language: str) -> str:
    digits = normalise_number_text(plain) or ""
    match = _DATE.fullmatch(digits)
    if match is None:
        raise CodecFault(say(language, "not_day", typed=plain))
    year, month, day = (match.group(1), match.group(2), match.group(3)) if match.group(1) else match.group(4, 5, 6)
    try:
        return datetime.date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        raise CodecFault(say(language, "no_such_day", typed=plain)) from None


def _month(plain: str, language: str) -> str:
    digits = normalise_number_text(plain) or ""
    if re.fullmatch(r"(19|20)\d\d年?", digits):
        return digits[:4]
    if _DATE.fullmatch(digits) and len(digits) > 7:
        return _date(plain, language)[:7]
    match = _MONTH.fullmatch(digits)
    if match is None:
        raise CodecFault(say(language, "not_month", typed=plain))
    year, month = (match.group(1), match.group(2)) if match.group(1) else match.group(3, 4)
    if not 1 <= int(month) <= 12:
        raise CodecFault(say(language, "no_such_month", typed=plain))
    return f"{year}-{int(month):02d}"


def is_file_id(text: str) -> bool:
    """Has it the form in which pictures are named?"""
    return _FILE.fullmatch(text) is not None


def parse_point(plain: str, language: str = "zh") -> str:
    """Latitude and longitude as somebody types or pastes them, in the one form they are kept in. Raises CodecFault."""
    found = _POINT.fullmatch(normalise_number_text(plain) or "")
    if found is None:
        raise CodecFault(say(language, "not_point", typed=plain))
    latitude, longitude = Decimal(found[1]), Decimal(found[2])
    if _within(longitude, LATITUDES) and _within(latitude, LONGITUDES):
        raise CodecFault(say(language, "swapped", right=f"{found[2]}, {found[1]}"))
    if not _within(latitude, LATITUDES):
        raise CodecFault(say(language, "latitude", typed=found[1], first=LATITUDES[0], last=LATITUDES[1]))
    if not _within(longitude, LONGITUDES):
        raise CodecFault(say(language, "longitude", typed=found[2], first=LONGITUDES[0], last=LONGITUDES[1]))
    if min(len(one.partition(".")[2]) for one in found.groups()) < _LEAST_DECIMALS:
        raise CodecFault(say(language, "coarse", least=_LEAST_DECIMALS))
    return f"{latitude:.6f}, {longitude:.6f}"


def millionths(point: str) -> tuple[int, int]:
    """A point in its kept form as latitude and longitude in millionths of a degree."""
    latitude, longitude = (int(part.replace(".", "")) for part in point.split(", "))
    return latitude, longitude


def point_text(latitude: int, longitude: int) -> str:
    """And back."""
    return ", ".join(f"{part // 10**6}.{part % 10**6:06d}" for part in (latitude, longitude))


def _within(degrees: Decimal, ends: tuple[Decimal, Decimal]) -> bool:
    return ends[0] <= degrees <= ends[1]


def _is_point(value: str) -> bool:
    if not _POINT_HELD.fullmatch(value):
        return False
    latitude, longitude = value.split(", ")
    return _within(Decimal(latitude), LATITUDES) and _within(Decimal(longitude), LONGITUDES)


def _number(plain: str, language: str) -> str:
    """An identity, card or bank number: kept as written but for width, blanks and lower case."""
    digits = (normalise_number_text(plain) or "").replace(" ", "").replace("'", "").upper()
    if re.fullmatch(r"\d(\.\d+)?E\+\d+", digits) or re.fullmatch(r"\d+\.0", digits):
        raise CodecFault(say(language, "number_spoilt"))
    if not re.fullmatch(r"[0-9A-Z]{1,30}", digits):
        raise CodecFault(say(language, "odd"))
    return digits


def display(indicator: Indicator, value: Any, words: Mapping[str, str], language: str = "zh") -> str:
    """A value in words; '' for nothing. Money with two decimals, 元 is said by the heading."""
    if value is None or value == []:
        return ""
    match indicator.type:
        case "money" | "area_mu" | "decimal":
            return decimal_text(value, indicator.scale, money=indicator.type == "money")
        case "bool":
            return say(language, "yes" if value else "no")
        case "code":
            return say(language, "comma").join(words.get(code, code) for code in (value if isinstance(value, list) else [value]))
        case "image" | "signature":  # as an expression saw them they are a number already
            count = len(value) if isinstance(value, list) else value
            return say(language, "picture" if count == 1 else "pictures", count=count)
        case _:
            return say(language, "comma").join(map(str, value)) if isinstance(value, list) else str(value)


def decimal_text(value: int, scale: int, *, money: bool = False) -> str:
    """1234567 at scale 2 → 12345.67; money keeps two decimals, others drop trailing zeros."""
    text = f"{abs(value):0{scale + 1}d}"
    whole, part = (text[:-scale], text[-scale:]) if scale else (text, "")
    if not money:
        part = part.rstrip("0")
    return ("-" if value < 0 else "") + whole + (f".{part}" if part else "")


def indicator_json(indicator: Indicator) -> dict[str, Any]:
    return {
        "name": indicator.name,
        "zh": indicator.zh,
        "en": indicator.en,
        "part_of": indicator.part_of,
        "number": indicator.number,
        "national_id": indicator.national_id,
        "type": indicator.type,
        "unit": indicator.unit,
        "scale": indicator.scale,
        "list": indicator.list,
        "kind": indicator.kind,
        "home": indicator.home,
        "privacy": indicator.privacy,
        "multi": indicator.multi,
        "section": indicator.section,
        "retired": indicator.retired,
        "verified": indicator.verified,
        "source": indicator.source,
        "note": indicator.note,
        "ref": indicator.ref,
        "lists": sorted(indicator.marks),
    }
