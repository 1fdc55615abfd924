"""What a hit says: the rule's sentence with the values in it, in words; secret numbers are never among them.

The values a hit used are kept by name: `x` of the subject, `last.x`, `household.x`, `household.last.x`, and for what a rule reads of the
household's other rows `members.x` as {row id: value} (also `all_members`, `spells`). Of a rule over a village's rows what it counted and summed is
kept, as `sum.1`, `sum.2` …, not the values of its households: they are many, and not the village's.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fangfanpin.expressions import Schema
from fangfanpin.expressions import nodes as n
from fangfanpin.pack import Indicator, Pack, Rule
from fangfanpin.pack.codec import decimal_text
from fangfanpin.pack.dictionary import CONSTANTS
from fangfanpin.pack.model import SUM
from fangfanpin.pack.sentences import say

_PLACE = re.compile(r"\{([a-z_.0-9]+)\}")
_FORM = {"household": "household_year", "person": "person_year"}
_HIDDEN = frozenset({"id18_digest", "row_id"})
_OWN = frozenset({"row", "last"})
_KEYS = frozenset({"household", "person", "user"})  # what these references hold says nothing to people
# Derived facts are not items of the dictionary: what to call them in front of people.
_FACTS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "id_form": "证件号码形式", "id_check_ok": "证件校验位正确", "id_birth": "证件号码里的出生日期", "id_sex": "证件号码里的性别",
        "id_region_known": "证件前六位是行政区划", "id_placeholder": "是占位号码", "card_check_ok": "残疾证号正确",
        "card_category": "残疾证号里的类别", "card_grade": "残疾证号里的等级", "card_reissue_ok": "补证标识正确",
        "card_matches_id": "残疾证号与身份证号一致", "bank_luhn_ok": "银行卡号校验正确", "members_live": "在户成员数", "head_name": "户主姓名",
        "office_lat": "村部纬度", "office_lon": "村部经度",
    },
    "en": {
        "id_form": "Form of the ID number", "id_check_ok": "Check digit of the ID number is right", "id_birth": "Date of birth in the ID number",
        "id_sex": "Sex in the ID number", "id_region_known": "ID number begins with a division", "id_placeholder": "Placeholder number",
        "card_check_ok": "Disability card number is right", "card_category": "Category in the disability card number",
        "card_grade": "Grade in the disability card number", "card_reissue_ok": "Reissue mark is right",
        "card_matches_id": "Disability card number matches the ID number", "bank_luhn_ok": "Check digit of the bank card is right",
        "members_live": "Members living here", "head_name": "Name of head",
        "office_lat": "Latitude of the village office", "office_lon": "Longitude of the village office",
    },
}  # fmt: skip
_FACT_LISTS: Mapping[str, str] = {"id_sex": "sex", "card_category": "disability_category", "card_grade": "disability_grade"}
_SENSITIVE_FACTS = frozenset({"card_category", "card_grade"})
_DEGREES = frozenset({"office_lat", "office_lon"})
_MASKED = "＊＊"
_ID_FORMS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "id18": "18 位身份证号", "id15": "15 位老号码", "card20": "20 位残疾证号", "card22": "22 位残疾证号", "other": "位数不对"
    },
    "en": {
        "id18": "ID number of 18 digits", "id15": "old ID number of 15 digits", "card20": "disability card number of 20 digits",
        "card22": "disability card number of 22 digits", "other": "wrong number of digits",
    },
}  # fmt: skip
_EMPTY: Mapping[str, str] = {"zh": "空", "en": "empty"}
_say_place: list[Callable[[str], str]] = [str]  # the code itself, where rules are read without a county


def say_places_by(words: Callable[[str], str]) -> None:
    """How a division's code is said."""
    _say_place[:] = [words]


@dataclass(frozen=True, slots=True)
class Reading:
    """One value a rule reads. `place`: row, last, household, household.last, spell, or a relation, or RELATION.last. What is compared with the
    subject's own row inside an aggregate is the subject's."""

    place: str
    item: str

    @property
    def name(self) -> str:
        return self.item if self.place == "row" else f"{self.place}.{self.item}"


def _read_back(name: str) -> Reading:
    place, _dot, item = name.rpartition(".")
    return Reading(place or "row", item)


def asked(rule: Rule) -> tuple[Reading, ...]:
    """Everything a rule reads: of its message, its scope and its condition, hidden ones too."""
    columns = rule.when.columns if rule.scope is None else rule.when.columns | rule.scope.columns
    return _asked(rule.message, columns)


def readings(rule: Rule) -> tuple[Reading, ...]:
    """What is kept with a hit of it, value by value: everything it reads, of a rule over a village's rows the village's own."""
    return tuple(reading for reading in asked(rule) if reading.place in _OWN) if rule.of_village else asked(rule)


def sums(rule: Rule) -> Mapping[str, n.Aggregate]:
    """By the names they are kept under what a rule over a village's rows counts and sums; of other rules the values themselves are kept."""
    return {f"{SUM}{place}": found for place, found in enumerate(rule.aggregates, 1)} if rule.of_village else {}


@lru_cache(maxsize=5000)
def _asked(message: str, columns: frozenset[tuple[str, str]]) -> tuple[Reading, ...]:
    named = {name for name in _PLACE.findall(message) if not _is_constant(name) and not name.startswith(SUM)}
    found = {_read_back(name) for name in named} | {Reading(place, item) for place, item in columns}
    return tuple(sorted(found, key=lambda reading: reading.name))


def relation_of(reading: Reading, schema: Schema) -> str | None:
    """The relation a reading goes through, None for the subject's own and its household's values."""
    relation = reading.place.removesuffix(".last")
    return relation if relation in schema.relations else None


def values_in(scope: Mapping[str, Any], readings: Iterable[tuple[Reading, str | None]], keys: Mapping[str, list[str]]) -> dict[str, Any]:
    """What was read of a subject's scope, by the names it is kept under. `readings`: each with the relation it goes through; `keys`: of the rows
    of each relation, in the scope's order."""
    used: dict[str, Any] = {}
    for reading, relation in readings:
        if relation is None:
            used[reading.name] = (_row_at(reading.place, scope) or {}).get(reading.item)
            continue
        rows = scope["household"]["relations"][relation]
        part = "last" if reading.place.endswith(".last") else "row"
        used[reading.name] = {key: (row.get(part) or {}).get(reading.item) for key, row in zip(keys[relation], rows, strict=True)}
    return used


def _row_at(place: str, scope: Mapping[str, Any]) -> Mapping[str, Any] | None:
    match place:
        case "row" | "last":
            row: Mapping[str, Any] | None = scope.get(place)
        case "household":
            row = scope["household"]["row"]
        case "household.last":
            row = scope["household"].get("last")
        case _:
            row = (scope["household"].get("spell") or {}).get("row")
    return row


def _indicator(rule: Rule, name: str, pack: Pack) -> Indicator | None:
    if (summed := sums(rule).get(name)) is not None:
        return _summed(rule, summed, pack)
    reading = _read_back(name)
    relation = relation_of(reading, pack.schema())
    if relation is not None:
        table = pack.schema().relations[relation].table
    elif reading.place.startswith("household"):
        table = "household"
    else:
        table = "spell" if reading.place == "spell" else rule.subject
    return _item_of(table, reading.item, pack)


def _summed(rule: Rule, summed: n.Aggregate, pack: Pack) -> Indicator | None:
    """The item whose values are summed: the sum is said as they are. None of a count."""
    if summed.fn in ("count", "distinct", "any", "all") or not isinstance(summed.value, n.Column) or summed.value.scope != "row":
        return None
    return _item_of(pack.schema().relations_of(rule.subject)[summed.relation].table, summed.value.name, pack)


def _item_of(table: str, item: str, pack: Pack) -> Indicator | None:
    return pack.spell_items.get(item) if table == "spell" else pack.indicators.get(f"{_FORM.get(table, table)}.{item}")


def _json_form(indicator: Indicator | None, value: Any, pack: Pack) -> Any:
    value = tuple(value) if isinstance(value, list) else value
    if indicator is None:
        return list(value) if isinstance(value, tuple) else value
    form = "spell" if indicator.name in pack.spell_items and indicator is pack.spell_items[indicator.name] else indicator.form
    return pack.from_engine(form, indicator.name, value)


def codec_values(rule: Rule, used: Mapping[str, Any], pack: Pack) -> dict[str, Any]:
    """Values used, in JSON form."""
    found: dict[str, Any] = {}
    for name, value in used.items():
        indicator = _indicator(rule, name, pack)
        if isinstance(value, dict):
            found[name] = {key: _json_form(indicator, one, pack) for key, one in value.items()}
        else:
            found[name] = _json_form(indicator, value, pack)
    return found


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """What may be kept with a clue and shown: everything but digests."""
    return {name: value for name, value in values.items() if _read_back(name).item not in _HIDDEN}


def digest(values: Mapping[str, Any]) -> str:
    """Of the values used in JSON form, digests included: a confirmation holds while this stays the same."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str, ensure_ascii=False).encode()).hexdigest()[:40]


def _is_constant(name: str) -> bool:
    """A parameter or a date of the campaign: known without looking at anybody. `form_year` is an item as well."""
    return name.startswith("param.") or (name in CONSTANTS and name != "form_year")


def with_constants(message: str, pack: Pack) -> str:
    """The message with parameters and the campaign's dates put in; what is somebody's stays to be filled in."""
    constants = pack.constants()
    money = {f"param.{one.name}" for one in pack.parameters if one.type == "money"}

    def word(match: re.Match[str]) -> str:
        name = match.group(1)
        if not _is_constant(name):
            return match.group(0)
        value = constants.get(name)
        if value is None:
            return _EMPTY[pack.language]
        if name in CONSTANTS:
            return f"{value // 10000:04d}-{value // 100 % 100:02d}-{value % 100:02d}"
        return decimal_text(value, 2, money=True) if name in money else str(value)

    return _PLACE.sub(word, message)


def render(rule: Rule, values: Mapping[str, Any], pack: Pack, *, sensitive: bool = True) -> str:
    """The sentence in the pack's language, from values in JSON form; an empty value shows as 空, health and phones as ＊＊ without
    `sensitive`."""
    return _PLACE.sub(
        lambda match: _word(rule, match.group(1), values.get(match.group(1)), pack, sensitive=sensitive) or _EMPTY[pack.language],
        with_constants(rule.message, pack),
    )


def _word(rule: Rule, name: str, value: Any, pack: Pack, *, sensitive: bool) -> str:
    indicator = _indicator(rule, name, pack)
    item = _read_back(name).item
    if not sensitive and (indicator.privacy != "none" if indicator else item in _SENSITIVE_FACTS):
        return _MASKED
    if indicator is not None and indicator.type == "ref" and value and (indicator.ref == "division" or indicator.list == "divisions"):
        return _say_place[0](str(value))
    if indicator is not None:
        return pack.display(indicator, value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return say(pack.language, "yes" if value else "no")
    if item == "id_form":
        return _ID_FORMS[pack.language].get(value, str(value))
    if item in _DEGREES:
        return decimal_text(value, 6)
    if item == "id_birth":
        return f"{value // 10000:04d}-{value // 100 % 100:02d}-{value % 100:02d}"
    return pack.word(_FACT_LISTS[item], str(value)) if item in _FACT_LISTS else str(value)


@dataclass(frozen=True, slots=True)
class UsedValue:
    """One line of “why we think so”: an item, whose it is, last year's value and this year's, in words."""

    item: str
    whose: str  # "" the subject's own, "household", or a row id (a member's)
    last: str | None
    now: str | None


def used_values(rule: Rule, values: Mapping[str, Any], pack: Pack, *, sensitive: bool) -> list[UsedValue]:
    """The values a clue keeps, in words, last year beside this year."""
    lines: dict[tuple[str, str], dict[str, str]] = {}
    counted = sums(rule)
    for name, value in sorted(values.items(), key=lambda one: one[0] in counted):
        if name in counted:
            said = _word(rule, name, value, pack, sensitive=sensitive) or _EMPTY[pack.language]
            title = _title_of_sum(rule, counted[name], pack)
            alike = sum(known == title or known.startswith(f"{title} #") for known, _whose in lines)
            lines[f"{title} #{alike + 1}" if alike else title, ""] = {"now": said}
            continue
        reading = _read_back(name)
        relation = relation_of(reading, pack.schema())
        indicator = _indicator(rule, name, pack)
        if indicator is not None and indicator.ref in _KEYS:
            continue
        year = "last" if reading.place.endswith("last") else "now"
        whose = "household" if reading.place.startswith("household") and rule.subject != "household" else ""
        for key, one in _rows(value, relation):
            title = _title_beside(indicator, pack) if relation is not None and indicator is not None else title_of(rule, reading.item, pack)
            lines.setdefault((title, key or whose), {})[year] = _word(rule, name, one, pack, sensitive=sensitive) or _EMPTY[pack.language]
    return [UsedValue(title, whose, years.get("last"), years.get("now")) for (title, whose), years in lines.items()]


_HOW: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "count": "条数", "sum": "合计", "distinct": "不同的个数", "min": "最小", "max": "最大", "any": "有没有", "all": "是不是都",
        "the": "唯一的一条",
    },
    "en": {
        "count": "number", "sum": "sum", "distinct": "different ones", "min": "least", "max": "greatest", "any": "any", "all": "all",
        "the": "the only one",
    },
}  # fmt: skip


_COUNTED: Mapping[str, Mapping[str, str]] = {
    "zh": {"household": "农户数", "person": "人数"}, "en": {"household": "Number of households", "person": "Number of persons"}
}  # fmt: skip


def _title_of_sum(rule: Rule, summed: n.Aggregate, pack: Pack) -> str:
    """What was counted, of which rows, and by which items they were chosen."""
    table = pack.schema().relations_of(rule.subject)[summed.relation].table
    form = pack.forms.get(_FORM.get(table, table))
    item = _summed(rule, summed, pack)
    words = [form.title if form else table, *([item.label] if item else []), _HOW[pack.language][summed.fn]]
    if summed.fn == "count" and table in _COUNTED[pack.language]:
        words = [_COUNTED[pack.language][table]]
    chosen = dict.fromkeys(column.name for column in n.walk(summed.where) if isinstance(column, n.Column)) if summed.where else {}
    labels = [found.label for name in chosen if (found := _item_of(table, name, pack)) is not None]
    start, between, end = ("（按", "、", "）") if pack.language == "zh" else (" (by ", ", ", ")")
    return " ".join(words) + (f"{start}{between.join(labels)}{end}" if labels else "")


def _title_beside(indicator: Indicator, pack: Pack) -> str:
    """A register's item is told with its register, whose other rows may stand beside the one that is asked about."""
    form = pack.forms.get(indicator.form)
    return f"{form.title} {indicator.label}" if form is not None and form.relation else indicator.label


def _rows(value: Any, relation: str | None) -> Iterator[tuple[str, Any]]:
    if relation is not None and isinstance(value, dict):
        yield from value.items()
    else:
        yield "", value


def title_of(rule: Rule, item: str, pack: Pack) -> str:
    """What people call an item that a rule reads."""
    indicator = next(
        (
            found
            for key in (_FORM.get(rule.subject, rule.subject), "household_year", "person_year")
            if (found := pack.indicators.get(f"{key}.{item}")) is not None
        ),
        pack.spell_items.get(item),
    )
    if rule.subject == "spell" and item in pack.spell_items:
        indicator = pack.spell_items[item]
    return indicator.label if indicator else _FACTS[pack.language].get(item, item)
