"""What a reference may lead to: chosen by search within one's reach, kept by id, said in words.

A reference is kept as text: the id of a household, person, user or record, the code of a division.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.households.models import Household, Person
from fangfanpin.households.services import search
from fangfanpin.pack import Indicator
from fangfanpin.privacy.secrets import digest
from fangfanpin.records.models import Record
from fangfanpin.regions.models import Region
from fangfanpin.regions.names import local_name, name_of, place_of
from fangfanpin.registers.models import Entry

OFFERED = 20
CODED = re.compile(r"(.+?)\s*[（(]([^（()）]+)[)）]")  # words with a code behind them, as files say a reference
BETWEEN = re.compile(r"[、,，;；|]")  # references of one text
_IDENTITY = re.compile(r"\d{17}[\dXx]|\d{15}")


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing a reference may lead to: `value` is kept, `words` are shown, `hint` tells same names apart."""

    value: str
    words: str
    hint: str = ""


class ReferenceFault(Exception):
    """The text names nothing, or several things (`choices`); the message says what to do."""

    def __init__(self, message: str, choices: Iterable[Choice] = ()) -> None:
        super().__init__(message)
        self.choices = tuple(choices)


def choices(ref: str, text: str, reach: Reach, *, household: UUID | None = None) -> list[Choice]:
    """What the text may mean, within reach; at most OFFERED. `household`: persons of this one only, shown without any text too."""
    text = text.strip()[:60]
    if not text and not (ref == "person" and household):
        return []
    return _KINDS.get(ref, functools.partial(_rows, ref))(text, reach, household)[:OFFERED]


def _households(text: str, reach: Reach, household: UUID | None) -> list[Choice]:
    found = search(text, reach).filter(kind=Household.Kind.ASSISTED, merged_into__isnull=True)
    rows = found.order_by("village_code", "walking_order", "code")[:OFFERED]
    return [Choice(str(row.pk), row.head_name or row.code, f"{name_of(row.village_code)} {row.code}") for row in rows]


def _persons(text: str, reach: Reach, household: UUID | None) -> list[Choice]:
    rows = Person.objects.visible_to(reach).filter(member_state="01")
    if household is not None:
        rows = rows.filter(household_id=household)
    if text:
        if _IDENTITY.fullmatch(text):
            rows = rows.filter(Q(id_number_digest=digest(text)) | Q(code=text))
        else:
            rows = rows.filter(Q(member_name=text) | Q(code=text)) if household is None else rows.filter(member_name__startswith=text)
    return [
        Choice(str(row.pk), row.member_name or row.code, f"{name_of(row.village_code)} {row.household.head_name}户")
        for row in rows.select_related("household").order_by("village_code", "household_id", "position")[:OFFERED]
    ]


def _divisions(text: str, reach: Reach, household: UUID | None) -> list[Choice]:
    rows = Region.objects.filter(level__in=("province", "prefecture", "county")).select_related("parent").order_by("code")
    found = list(rows.filter(Q(code=text) if text.isdigit() else Q(name__startswith=text))[:OFFERED])
    if not found:  # said with what it lies in, as pages and files say it
        found = [row for row in rows.filter(name__in=[text[start:] for start in range(1, len(text))]) if place_of(row.code) == text]
    return [Choice(row.code, row.name, row.parent.name if row.parent else "") for row in found]


def _villages(text: str, reach: Reach, household: UUID | None) -> list[Choice]:
    named = Q(code=text) if text.isdigit() else Q(name__startswith=text)
    rows = Region.objects.villages().filter(named, code__in=reach.villages, valid_to__isnull=True)
    return [Choice(row.code, row.name, name_of(row.code[:9])) for row in rows.order_by("code")[:OFFERED]]


def _natural_villages(text: str, reach: Reach, household: UUID | None) -> list[Choice]:
    named = Q(code=text) if text.isdigit() else Q(name__startswith=text)
    rows = Region.objects.filter(named, level=Region.Level.NATURAL_VILLAGE, parent_id__in=reach.villages, valid_to__isnull=True)
    return [Choice(row.code, row.name, local_name(row.code[:12])) for row in rows.order_by("code")[:OFFERED]]


def _users(text: str, reach: Reach, household: UUID | None) -> list[Choice]:
    rows = User.objects.filter(Q(name__startswith=text) | Q(username=text), is_active=True).order_by("name", "username")
    return [Choice(str(row.pk), row.name, row.unit) for row in rows[:OFFERED]]


def _rows(form: str, text: str, reach: Reach, household: UUID | None) -> list[Choice]:
    """Rows of another register, by what names them."""
    named = Q(label__startswith=text)
    if text.isdigit() and len(text) < 18:
        named |= Q(number=int(text))
    rows = Entry.objects.visible_to(reach).filter(named, form=form).exclude(state=Record.State.VOID)
    if household is not None:
        rows = rows.filter(household_id=household)
    return [Choice(str(row.record_id), row.label, name_of(row.village_code)) for row in rows.order_by("-number")[:OFFERED]]


_KINDS: Mapping[str, Callable[[str, Reach, UUID | None], list[Choice]]] = {
    "household": _households,
    "person": _persons,
    "division": _divisions,
    "village": _villages,
    "natural_village": _natural_villages,
    "user": _users,
}


def resolve(item: Indicator, text: str, reach: Reach, *, household: UUID | None = None) -> str:
    """The id that a typed text names when it names exactly one thing within reach, by its words, its code or both: 张三（340…）. Raises
    ReferenceFault."""
    found = choices(item.ref, text, reach, household=household)
    if not found and (coded := CODED.fullmatch(text.strip())):
        found = [choice for choice in choices(item.ref, coded[2], reach, household=household) if choice.words == coded[1]]
    exact = [choice for choice in found if choice.words == text.strip()] or found
    if len(exact) == 1:
        return exact[0].value
    if not exact:
        raise ReferenceFault(_("没有找到“%(text)s”。请核对，或换用编号；不在您管辖范围内的不能选。") % {"text": text.strip()})
    raise ReferenceFault(_("“%(text)s”有 %(count)d 个，请从下面选一个。") % {"text": text.strip(), "count": len(exact)}, exact)


def meant(item: Indicator, text: str, reach: Reach) -> list[str]:
    """Everything within reach that a typed text may mean, at most OFFERED; a text that is a value itself means that too."""
    return [text, *(choice.value for choice in choices(item.ref, text, reach))]


def known(item: Indicator, value: str, reach: Reach, *, household: UUID | None = None) -> bool:
    """Does a chosen id lead to something within reach? What a client sends is not believed."""
    match item.ref:
        case "division":
            return Region.objects.filter(pk=value).exists()
        case "village":
            return value in reach
        case "natural_village":
            return value[:12] in reach and Region.objects.filter(pk=value).exists()
        case "user":
            return value.isdigit() and User.objects.filter(pk=int(value)).exists()
    if not is_id(value):
        return False
    key = UUID(value)
    if item.ref == "household":
        return Household.objects.visible_to(reach).filter(pk=key).exists()
    if item.ref == "person":
        persons = Person.objects.visible_to(reach).filter(pk=key)
        return (persons if household is None else persons.filter(household_id=household)).exists()
    return Entry.objects.visible_to(reach).filter(record_id=key, form=item.ref).exists()


def is_id(text: str) -> bool:
    """Has it the form of a row's id?"""
    try:
        return bool(UUID(text))
    except ValueError:
        return False


class Words:
    """Words of many references with one query per kind; beyond the reach only that there is something. `coded`: as files say them, a code behind
    the words where several things may have the same name, so that they are found again; `codes`: the codes alone."""

    def __init__(self, reach: Reach, *, coded: bool = False, codes: bool = False) -> None:
        self._reach, self._coded, self._codes = reach, coded, codes
        self._known: dict[tuple[str, str], str] = {}

    def learn(self, pairs: Iterable[tuple[str, Any]]) -> None:
        """`pairs`: (what the reference leads to, its value or list of values)."""
        wanted: dict[str, set[str]] = {}
        for ref, value in pairs:
            for one in value if isinstance(value, list) else [value]:
                if one and (ref, one) not in self._known:
                    wanted.setdefault(ref, set()).add(str(one))
        for ref, values in wanted.items():
            found = self._found(ref, values)
            for value in values:
                self._known[ref, value] = found.get(value) or (
                    value if ref in ("division", "village", "natural_village") else _("（不在管辖范围内）")
                )

    def _found(self, ref: str, values: set[str]) -> dict[str, str]:
        if ref == "division":
            return {code: code if self._codes else place_of(code) for code in values}
        if ref in ("village", "natural_village"):
            return {code: self._said(name_of(code), code) for code in values}
        values = {value for value in values if (value.isdigit() if ref == "user" else is_id(value))}  # what a client sent may be none
        rows: Iterable[tuple[Any, str, str]]
        match ref:
            case "user":
                rows = User.objects.filter(pk__in=values).values_list("pk", "name", "username")
            case "household":
                rows = Household.objects.visible_to(self._reach).filter(pk__in=values).values_list("pk", "head_name", "code")
            case "person":
                rows = Person.objects.visible_to(self._reach).filter(pk__in=values).values_list("pk", "member_name", "code")
            case _:
                found = Entry.objects.visible_to(self._reach).filter(record_id__in=values).values_list("record_id", "label", "number")
                rows = ((key, label, str(number)) for key, label, number in found)
        return {str(key): self._said(name, code) for key, name, code in rows}

    def _said(self, name: str, code: str) -> str:
        if self._codes or not name:
            return code
        return f"{name}（{code}）" if self._coded and name != code else name

    def say(self, ref: str, value: Any) -> str:
        values = [str(one) for one in (value if isinstance(value, list) else [value]) if one]
        if missing := [(ref, one) for one in values if (ref, one) not in self._known]:
            self.learn(missing)
        return "、".join(self._known[ref, one] for one in values)
