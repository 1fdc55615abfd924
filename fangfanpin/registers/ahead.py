"""What reading and checking rows asks the database: of one row when it comes to it, of a whole grid beforehand in a few queries.

Whatever the few queries do not settle (a text that names several things, a pinyin, a whole identity number) is asked singly, each text once, so a
grid is answered as the form is.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from fangfanpin.accounts.reach import Reach
from fangfanpin.households.models import Household, Person
from fangfanpin.pack import Indicator, Pack
from fangfanpin.records.current_year import today
from fangfanpin.records.units import LIVE, load_unit, scopes_of
from fangfanpin.registers import references
from fangfanpin.registers.references import ReferenceFault, is_id

Words = tuple[str, str]  # what a reference leads to, and the id chosen or the text typed


class Ahead:
    """What is known within a reach, and what was asked already."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self._households: dict[UUID, Household] = {}
        self._persons: dict[UUID, Person] = {}
        self._by_code: dict[Words, str] = {}
        self._by_name: dict[Words, list[tuple[str, UUID]]] = defaultdict(list)  # with the household a person lives in
        self._known: dict[tuple[str, str, UUID | None], bool] = {}
        self._resolved: dict[tuple[str, str, UUID | None], str | ReferenceFault] = {}
        self._around: dict[UUID, dict[str, Any]] = {}
        self._today: tuple[datetime.date | None] | None = None

    def learn(self, chosen: Iterable[Words], typed: Iterable[Words]) -> None:
        """Households and persons of many rows at once."""
        ids, texts = _sorted(chosen), _sorted(typed)
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
