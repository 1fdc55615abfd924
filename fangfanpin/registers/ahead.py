"""What reading and checking rows asks the database: of one row when it comes to it, of a whole grid beforehand in a few queries.

Whatever the few queries do not settle (a text that names several things, a pinyin, a whole identity number) is asked singly, each text once, so a
grid is answered as the form is.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.households.models import Household, Person
from fangfanpin.pack import Indicator, Pack
from fangfanpin.records.current_year import today
from fangfanpin.records.models import Record
from fangfanpin.records.units import LIVE, load_unit, scopes_of
from fangfanpin.regions.models import Region
from fangfanpin.registers import references
from fangfanpin.registers.models import Entry
from fangfanpin.registers.references import ReferenceFault, is_id

Words = tuple[str, str]  # what a reference leads to, and the id chosen or the text typed
_LONGEST_NUMBER = 18  # digits of a key


class Ahead:
    """What is known within a reach, and what was asked already."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self._households: dict[UUID, Household] = {}
        self._persons: dict[UUID, Person] = {}
        self._by_code: dict[Words, str] = {}
        self._by_name: dict[Words, list[tuple[str, UUID | None]]] = defaultdict(list)  # with the household a person lives in
        self._there: set[Words] = set()  # of the other kinds
        self._known: dict[tuple[str, str, UUID | None], bool] = {}
        self._resolved: dict[tuple[str, str, UUID | None], str | ReferenceFault] = {}
        self._around: dict[UUID, dict[str, Any]] = {}
        self._today: tuple[datetime.date | None] | None = None

    def learn(self, chosen: Iterable[Words], typed: Iterable[Words]) -> None:
        """What the references of many rows lead to, one query or two for each kind."""
        ids, texts = _sorted(chosen), _sorted(typed)
        for ref in (ids.keys() | texts.keys()) - {"household", "person"}:
            for value, name, codes in _others(ref, ids[ref], texts[ref], self.reach):
                self._there.add((ref, value))
                if name:
                    self._by_name[ref, name].append((value, None))
                self._by_code |= {(ref, code): value for code in codes}
        for row in _households(ids["household"], texts["household"], self.reach):
            self._households[row.pk] = row
            if row.kind == Household.Kind.ASSISTED and row.merged_into_id is None:
                self._by_code["household", row.code] = str(row.pk)
                self._by_name["household", row.head_name].append((str(row.pk), row.pk))
        for person in _persons(ids["person"], texts["person"], self.reach):
            self._persons[person.pk] = person
            if person.member_state == LIVE:
                self._by_code["person", person.code] = str(person.pk)
                self._by_name["person", person.member_name].append((str(person.pk), person.household_id))

    def household(self, key: str) -> Household:
        known = self._households.get(UUID(key))
        return known if known is not None else Household.objects.visible_to(self.reach).get(pk=key)

    def person(self, key: str) -> Person:
        """With the household."""
        known = self._persons.get(UUID(key))
        return known if known is not None else Person.objects.visible_to(self.reach).select_related("household").get(pk=key)

    def known(self, item: Indicator, value: str, *, household: UUID | None = None) -> bool:
        """As `references.known`."""
        asked = (item.ref, value, household)
        if asked not in self._known:
            self._known[asked] = self._is_learnt(item, value, household) or references.known(item, value, self.reach, household=household)
        return self._known[asked]

    def _is_learnt(self, item: Indicator, value: str, household: UUID | None) -> bool:
        if (item.ref, value) in self._there:
            return True
        if not is_id(value):
            return False
        key = UUID(value)
        if item.ref == "household":
            return key in self._households
        person = self._persons.get(key) if item.ref == "person" else None
        return person is not None and household in (None, person.household_id)

    def resolve(self, item: Indicator, text: str, *, household: UUID | None = None) -> str:
        """As `references.resolve`."""
        asked = (item.ref, text.strip(), household)
        if asked not in self._resolved:
            found: str | ReferenceFault | None = self._settled(item.ref, text.strip(), household)
            if found is None:
                try:
                    found = references.resolve(item, text, self.reach, household=household)
                except ReferenceFault as fault:
                    found = fault
            self._resolved[asked] = found
        answer = self._resolved[asked]
        if isinstance(answer, ReferenceFault):
            raise ReferenceFault(str(answer), answer.choices)
        return answer

    def _settled(self, ref: str, text: str, household: UUID | None) -> str | None:
        """The one thing of that very name, or else of that very code."""
        named = [value for value, home in self._by_name.get((ref, text), ()) if household in (None, home)] if text else []
        if len(named) == 1:
            return named[0]
        return self._by_code.get((ref, text)) if not named and household is None else None

    def today(self) -> datetime.date | None:
        """By the campaign's clock."""
        if self._today is None:
            self._today = (today(),)
        return self._today[0]

    def around(self, household: Household, year: int, pack: Pack) -> dict[str, Any]:
        """The household's year as expressions of its rows see it."""
        if household.pk not in self._around:
            self._around[household.pk] = scopes_of(load_unit(household, year), pack).household
        return self._around[household.pk]


def _sorted(asked: Iterable[Words]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for ref, value in asked:
        found[ref].add(value)
    return found


def _households(ids: Iterable[str], texts: Iterable[str], reach: Reach) -> Iterable[Household]:
    """Each lookup by an index of its own: put together with OR they would be one scan of the county."""
    rows = Household.objects.visible_to(reach)
    return {row.pk: row for lookup in _lookups(ids, texts, "head_name") for row in rows.filter(**lookup)}.values()


def _persons(ids: Iterable[str], texts: Iterable[str], reach: Reach) -> Iterable[Person]:
    rows = Person.objects.visible_to(reach).select_related("household")
    return {row.pk: row for lookup in _lookups(ids, texts, "member_name") for row in rows.filter(**lookup)}.values()


def _lookups(ids: Iterable[str], texts: Iterable[str], name: str) -> list[dict[str, list[Any]]]:
    keys, words = [UUID(one) for one in ids if is_id(one)], list(texts)
    return [{column: values} for column, values in (("pk__in", keys), ("code__in", words), (f"{name}__in", words)) if values]


def _others(ref: str, ids: set[str], texts: set[str], reach: Reach) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(value, name by which it may be typed, codes by which it may) of what references of one kind may lead to, within reach: as `references` finds
    them, by the very name or code."""
    match ref:
        case "village":
            villages = Region.objects.villages().filter(code__in=reach.villages, valid_to__isnull=True)
            yield from _divisions(villages, ids, texts)
        case "natural_village":
            naturals = Region.objects.filter(level=Region.Level.NATURAL_VILLAGE, parent_id__in=reach.villages)
            yield from _divisions(naturals.filter(valid_to__isnull=True), ids, texts)
        case "division":
            yield from _divisions(Region.objects.filter(level__in=("province", "prefecture", "county")), ids, texts)
        case "user":
            keys = [int(one) for one in ids if one.isdecimal() and len(one) < _LONGEST_NUMBER]
            users = User.objects.filter(Q(pk__in=keys) | Q(is_active=True) & (Q(name__in=texts) | Q(username__in=texts)))
            for user in users:
                yield str(user.pk), user.name if user.is_active else "", (user.username,) if user.is_active else ()
        case _:
            rows = Entry.objects.visible_to(reach).filter(form=ref)
            keys_of_rows = [UUID(one) for one in ids if is_id(one)]
            for lookup, is_typed in (({"record_id__in": keys_of_rows}, False), ({"label__in": list(texts)}, True)):
                found = rows.filter(**lookup).exclude(state=Record.State.VOID) if is_typed else rows.filter(**lookup)
                for key, label in found.values_list("record_id", "label") if any(lookup.values()) else ():
                    yield str(key), label if is_typed else "", ()


def _divisions(rows: QuerySet[Region, Region], ids: set[str], texts: set[str]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for code, name in rows.filter(Q(code__in=ids | texts) | Q(name__in=texts)).values_list("code", "name"):
        yield code, name, (code,)
