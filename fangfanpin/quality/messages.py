"""What a hit says: the rule's sentence with the values in it, in words; secret numbers are never among them."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from fangfanpin.pack import Indicator, Pack, Rule

_PLACE = re.compile(r"\{([a-z_.0-9]+)\}")
_FORM = {"household": "household_year", "person": "person_year"}
_HIDDEN = frozenset({"id18_digest"})


@lru_cache(maxsize=2000)
def _names(rule_id: str, message: str, columns: frozenset[tuple[str, str]]) -> tuple[str, ...]:
    found = set(_PLACE.findall(message))
    for scope, name in columns:
        if name in _HIDDEN:
            continue
        if scope == "row":
            found.add(name)
        elif scope in ("last", "household", "household.last"):
            found.add(f"{scope}.{name}")
    return tuple(sorted(found))


def used_names(rule: Rule) -> tuple[str, ...]:
    """Names whose values a hit shows: those of the message and those the rule reads of its subject and household."""
    return _names(rule.id, rule.message, rule.when.columns)


def _indicator(rule: Rule, name: str, pack: Pack) -> Indicator | None:
    bare = name.rpartition(".")[2]
    if rule.subject == "spell" and not name.startswith("household."):
        return pack.spell_items.get(bare)
    form = "household_year" if name.startswith("household.") else _FORM[rule.subject]
    return pack.indicators.get(f"{form}.{bare}")


def codec_values(rule: Rule, used: Mapping[str, Any], pack: Pack) -> dict[str, Any]:
    """Values used, in JSON form."""
    found: dict[str, Any] = {}
    for name, value in used.items():
        indicator = _indicator(rule, name, pack)
        if indicator is None:
            found[name] = list(value) if isinstance(value, tuple) else value
        else:
            value = tuple(value) if isinstance(value, list) else value
            found[name] = pack.from_engine("spell" if rule.subject == "spell" and "." not in name else indicator.form, indicator.name, value)
    return found


def render(rule: Rule, used: Mapping[str, Any], pack: Pack) -> str:
    """The sentence in words; an empty value shows as 空."""
    values = codec_values(rule, used, pack)

    def word(match: re.Match[str]) -> str:
        name = match.group(1)
        indicator = _indicator(rule, name, pack)
        value = values.get(name)
        if indicator is None:
            return str(value) if value is not None else "空"
        return pack.display(indicator, value) or "空"

    return _PLACE.sub(word, rule.message)
