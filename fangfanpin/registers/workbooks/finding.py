"""Whose row it is and what a reference leads to, for a whole file at once: a few questions to the database, however many rows.

Only what lies within the reach is found; a word that names several things names none, and says by what to tell them apart.
"""

import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.households.models import Household, Person
from fangfanpin.pack import Indicator
from fangfanpin.privacy.secrets import digest
from fangfanpin.records.models import Record
from fangfanpin.records.units import LIVE
from fangfanpin.regions.models import Region
from fangfanpin.regions.names import name_of, place_of
from fangfanpin.registers.models import Entry
from fangfanpin.registers.references import BETWEEN, CODED
from fangfanpin.registers.workbooks.columns import HEAD, HOUSEHOLD, IDENTITY, NAME, NATURAL, NATURAL_NAME, PERSON, VILLAGE, VILLAGE_NAME

_AT_ONCE = 20_000  # values in a question
Asked = tuple[Any, ...]  # parsed values of the columns that say whose row it is


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose row: what a record keeps of it."""

    village: str
    household: UUID | None = None
    person: UUID | None = None
    code: str = ""  # of a village or natural village

    @property
    def id(self) -> UUID | None:
        return self.person or self.household

    @property
    def key(self) -> str:
        """As the subject's reference holds it."""
        return str(self.id or self.code)


@dataclass(frozen=True, slots=True)
class NotFound:
    """`key`: the column that is to be corrected."""

    key: str
    message: str


def pieces(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Distinct values, so many as one question takes."""
    rest = iter({value for value in values if value})
    while piece := list(islice(rest, _AT_ONCE)):
        yield piece


@dataclass(frozen=True, slots=True)
class _Household:
    id: UUID
    code: str
    village: str
    head: str


@dataclass(frozen=True, slots=True)
class _Person:
    id: UUID
    code: str
    household: UUID
    village: str
    name: str
    digest: str


class Subjects:
    """Finds the subjects of rows by what their columns say: `columns` as in columns.WHOSE, those the sheet has."""

    def __init__(self, ref: str, columns: Sequence[str], reach: Reach) -> None:
        self._ref, self._columns, self._reach = ref, tuple(columns), reach

    def find(self, asked: Collection[Asked]) -> dict[Asked, Subject | NotFound]:
        """`asked`: distinct combinations of the columns' values."""
        rows = [dict(zip(self._columns, values, strict=True)) for values in asked]
        if self._ref in ("village", "natural_village"):
            places = _Places(self._reach)
            find = places.village if self._ref == "village" else places.natural_village
            return {key: find(row) for key, row in zip(asked, rows, strict=True)}
        finder = _People(rows, self._ref, self._reach)
        return {key: finder.subject(row) for key, row in zip(asked, rows, strict=True)}


class _Places:
    """Villages by code and by words, within reach."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._named: dict[str, list[str]] = defaultdict(list)
        for code in reach.villages:
            for words in {name_of(code), f"{name_of(code[:9])}{name_of(code)}"}:
                self._named[words].append(code)

    def code_of(self, row: Mapping[str, Any]) -> str | NotFound | None:
        """The village a row names; None where it names none."""
        code, words = row.get(VILLAGE), row.get(VILLAGE_NAME)
        if code:
            if code in self._reach:
                return str(code)
            return NotFound(VILLAGE, _("村代码“%(code)s”不在您的管辖范围内，不能导入") % {"code": code})
        if not words:
            return None
        found = self._named.get(words.replace(" ", ""), [])
        if len(found) == 1:
            return found[0]
        if found:
            return NotFound(VILLAGE_NAME, _("叫“%(name)s”的村有 %(count)d 个，请填写村代码或写上乡镇") % {"name": words, "count": len(found)})
        return NotFound(VILLAGE_NAME, _("没有找到村“%(name)s”，或不在您的管辖范围内；请核对，或填写村代码") % {"name": words})

    def village(self, row: Mapping[str, Any]) -> Subject | NotFound:
        code = self.code_of(row)
        if code is None:
            return NotFound(VILLAGE, _("请填写村代码或村名"))
        return code if isinstance(code, NotFound) else Subject(code, code=code)

    @functools.cached_property
    def _natural(self) -> dict[str, str]:
        rows = Region.objects.filter(level=Region.Level.NATURAL_VILLAGE, parent_id__in=self._reach.villages)
        return dict(rows.values_list("code", "name"))

    def natural_village(self, row: Mapping[str, Any]) -> Subject | NotFound:
        code, name = row.get(NATURAL), row.get(NATURAL_NAME)
        if code:
            return Subject(code[:12], code=code) if code in self._natural else _no_code(NATURAL, code)
        if not name:
            return NotFound(NATURAL, _("请填写自然村代码（或村和自然村名）"))
        village = self.code_of(row)
        if isinstance(village, NotFound):
            return village
        found = [one for one, called in self._natural.items() if called == name and (village is None or one.startswith(village))]
        return Subject(found[0][:12], code=found[0]) if len(found) == 1 else NotFound(NATURAL_NAME, _by_name(name, len(found), _("请填写自然村代码")))


class _People:
    """Households and persons that rows name: by code, by identity number, by name within a household or village."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], ref: str, reach: Reach) -> None:
        self._ref, self._reach, self._places = ref, reach, _Places(reach)
        self._households: dict[UUID, _Household] = {}
        self._household_codes: dict[str, _Household] = {}
        self._person_codes: dict[str, _Person] = {}
        self._named: dict[str, list[Any]] = defaultdict(list)  # households by head or persons by name
        self._numbered: dict[str, list[_Person]] = defaultdict(list)  # by digest
        self._learn_households(code__in=(row.get(HOUSEHOLD) for row in rows))
        persons = self._persons(code__in=(row.get(PERSON) for row in rows))
        self._person_codes = {person.code: person for person in persons}
        bare = [row for row in rows if not row.get(PERSON) and not (ref == "household" and row.get(HOUSEHOLD))]
        self._digests = {number: digest(number) for row in bare if (number := row.get(IDENTITY))}
        for person in self._persons(id_number_digest__in=self._digests.values(), member_state=LIVE):
            self._numbered[person.digest].append(person)
            persons.append(person)
        bare = [row for row in bare if not row.get(IDENTITY)]
        if ref == "household":
            for household in self._learn_households(head_name__in=(row.get(HEAD) for row in bare), kind=Household.Kind.ASSISTED):
                self._named[household.head].append(household)
        else:
            for person in self._persons(member_name__in=(row.get(NAME) for row in bare), member_state=LIVE):
                self._named[person.name].append(person)
                persons.append(person)
        self._learn_households(pk__in=(person.household for person in persons if person.household not in self._households))

    def _learn_households(self, **asked: Any) -> list[_Household]:
        found = [_Household(*row) for row in self._rows(Household, ("pk", "code", "village_code", "head_name"), asked)]
        for household in found:
            self._households[household.id] = self._household_codes[household.code] = household
        return found

    def _persons(self, **asked: Any) -> list[_Person]:
        names = ("pk", "code", "household_id", "village_code", "member_name", "id_number_digest")
        return [_Person(*row) for row in self._rows(Person, names, asked)]

    def _rows(self, model: Any, names: Sequence[str], asked: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """`asked`: one lookup of many values first, then others."""
        (lookup, values), *rest = asked.items()
        for piece in pieces(values):
            rows = model.objects.visible_to(self._reach).filter(**{lookup: piece}, **dict(rest))
            # Of two that were put together the other one stands; it is still found by its id.
            yield from (rows if lookup == "pk__in" else rows.filter(merged_into__isnull=True)).values_list(*names)

    def subject(self, row: Mapping[str, Any]) -> Subject | NotFound:
        return self._household(row) if self._ref == "household" else self._person(row)

    def _household(self, row: Mapping[str, Any]) -> Subject | NotFound:
        code, number, head = row.get(HOUSEHOLD), row.get(IDENTITY), row.get(HEAD)
        if code:
            household = self._household_codes.get(code)
            if household is None:
                return _no_code(HOUSEHOLD, code)
            if head and household.head and head != household.head:
                known = {"code": code, "head": household.head, "said": head}
                return NotFound(HEAD, _("户编号 %(code)s 的户主是%(head)s，不是%(said)s，请核对") % known)
            return Subject(household.village, household.id)
        if number:
            homes = {person.household for person in self._numbered.get(self._digests[number], [])}
            if len(homes) != 1:
                return NotFound(IDENTITY, _("按证件号码没有找到农户，或不在您的管辖范围内；请核对，或填写户编号"))
            household = self._households[homes.pop()]
            return Subject(household.village, household.id)
        if not head:
            return NotFound(HOUSEHOLD, _("请填写户编号（或证件号码，或村和户主姓名）"))
        found = self._within(row, self._named.get(head, []))
        if isinstance(found, NotFound):
            return found
        if len(found) == 1:
            return Subject(found[0].village, found[0].id)
        return NotFound(HEAD, _by_name(head, len(found), _("请填写户编号")))

    def _person(self, row: Mapping[str, Any]) -> Subject | NotFound:
        code, number, name = row.get(PERSON), row.get(IDENTITY), row.get(NAME)
        found: Sequence[_Person] | NotFound
        if code:
            person = self._person_codes.get(code)
            if person is None:
                return _no_code(PERSON, code)
            if name and person.name and name != person.name:
                return NotFound(NAME, _("人编号 %(code)s 是%(name)s，不是%(said)s，请核对") % {"code": code, "name": person.name, "said": name})
            found = [person]
        elif number:
            found = self._numbered.get(self._digests[number], [])
            if len(found) != 1:
                return NotFound(IDENTITY, _("按证件号码没有找到这个人，或不在您的管辖范围内；请核对，或填写人编号"))
        elif not name:
            return NotFound(PERSON, _("请填写人编号（或证件号码，或户编号和姓名）"))
        else:
            found = self._within(row, self._named.get(name, []))
            if isinstance(found, NotFound):
                return found
        if len(found) != 1:
            return NotFound(NAME, _by_name(str(name), len(found), _("请填写人编号")))
        return Subject(found[0].village, found[0].household, found[0].id)

    def _within(self, row: Mapping[str, Any], found: Sequence[Any]) -> Sequence[Any] | NotFound:
        """Those of some households or persons of one name who are of the household or village that the row says."""
        if self._ref == "person" and (code := row.get(HOUSEHOLD)):
            household = self._household_codes.get(code)
            if household is None:
                return _no_code(HOUSEHOLD, code)
            return [person for person in found if person.household == household.id]
        village = self._places.code_of(row)
        if isinstance(village, NotFound):
            return village
        return found if village is None else [one for one in found if one.village == village]


def _no_code(key: str, code: str) -> NotFound:
    return NotFound(key, _("没有找到编号“%(code)s”，或不在您的管辖范围内；请核对") % {"code": code})


def _by_name(name: str, count: int, what: str) -> str:
    if count:
        return _("叫“%(name)s”的有 %(count)d 个，%(what)s") % {"name": name, "count": count, "what": what}
    return _("没有找到“%(name)s”，或不在您的管辖范围内；请核对，或%(what)s") % {"name": name, "what": what}


# --- references -------------------------------------------------------------------------------------------------------

Target = tuple[str, UUID | None]  # what a cell says, and the household in which it is meant (persons of a household's row)


class References:
    """What the cells of one item lead to. `found`: {target: value in JSON form, or the message of what is wrong as NotFound}."""

    def __init__(self, item: Indicator, reach: Reach) -> None:
        self._item, self._reach = item, reach

    def find(self, targets: Iterable[Target]) -> dict[Target, Any]:
        wanted = set(targets)
        split = {target: self._parts(target[0]) for target in wanted}
        words = {(part, target[1]) for target, parts in split.items() for part in parts}
        known = self._known({part for part, _home in words})
        return {target: self._one(target, parts, known) for target, parts in split.items()}

    def _parts(self, text: str) -> list[str]:
        if not self._item.multi:
            return [text.strip()]
        return [part.strip() for part in BETWEEN.split(text) if part.strip()]

    def _one(self, target: Target, parts: Sequence[str], known: Mapping[str, Sequence[tuple[str, Any]]]) -> Any:
        values = []
        for part in parts:
            found = [value for value, home in known.get(part, ()) if self._item.ref != "person" or target[1] is None or home == target[1]]
            if len(set(found)) != 1:
                what = _("请写成“名称（编号）”")
                return NotFound(self._item.key, _by_name(part, len(set(found)), what))
            values.append(found[0])
        return sorted(set(values)) if self._item.multi else values[0]

    def _known(self, parts: Iterable[str]) -> dict[str, list[tuple[str, Any]]]:
        """{words: [(value, household of a person)]}; words with a code behind them mean what the code says, where the words fit."""
        found: dict[str, list[tuple[str, Any]]] = defaultdict(list)
        by_code = {part: (match[1], match[2]) for part in parts if (match := CODED.fullmatch(part))}
        plain = set(parts)
        codes = plain | {code for _words, code in by_code.values()}
        by_own: dict[str, tuple[str, str, Any]] = {}
        for value, code, words, home in self._things(codes, plain):
            if code in codes:
                by_own[code] = (value, words, home)
            if words in plain:
                found[words].append((value, home))
        for code, (value, _words, home) in by_own.items():
            if code in plain:
                found[code] = [(value, home)]
        for part, (words, code) in by_code.items():
            if code in by_own and by_own[code][1] == words:
                found[part] = [(by_own[code][0], by_own[code][2])]
        return found

    def _things(self, codes: set[str], names: set[str]) -> Iterator[tuple[str, str, str, Any]]:
        """(value, code, words, household) of everything within reach that has one of the codes or names."""
        reach = self._reach
        match self._item.ref:
            case "household":
                fields: tuple[str, ...] = ("pk", "code", "head_name")
                assisted = Household.objects.visible_to(reach).filter(kind=Household.Kind.ASSISTED)
                for lookup, values, rows in (("code__in", codes, Household.objects.visible_to(reach)), ("head_name__in", names, assisted)):
                    for piece in pieces(values):
                        for key, code, name in rows.filter(**{lookup: piece}).values_list(*fields):
                            yield str(key), code, name or code, key
            case "person":
                fields = ("pk", "code", "member_name", "household_id")
                live = Person.objects.visible_to(reach).filter(member_state=LIVE)
                for lookup, values, people in (("code__in", codes, Person.objects.visible_to(reach)), ("member_name__in", names, live)):
                    for piece in pieces(values):
                        for key, code, name, home in people.filter(**{lookup: piece}).values_list(*fields):
                            yield str(key), code, name or code, home
            case "division":
                for code, name in Region.objects.filter(level__in=("province", "prefecture", "county")).values_list("code", "name"):
                    yield code, code, place_of(code), None
                    if name != place_of(code):
                        yield code, code, name, None
            case "village":
                for code in reach.villages:
                    yield code, code, name_of(code), None
            case "natural_village":
                level = Region.Level.NATURAL_VILLAGE
                for code, name in Region.objects.filter(level=level, parent_id__in=reach.villages).values_list("code", "name"):
                    yield code, code, name, None
            case "user":
                for key, code, name in User.objects.filter(is_active=True).values_list("pk", "username", "name"):
                    yield str(key), code, name, None
            case form:
                others = Entry.objects.visible_to(reach).filter(form=form).exclude(state=Record.State.VOID)
                numbers = [int(code) for code in codes if code.isdigit() and len(code) < 18]
                for lookup, wanted in (("number__in", numbers), ("label__in", list(names))):
                    for piece in pieces(wanted):
                        for key, number, label in others.filter(**{lookup: piece}).values_list("record_id", "number", "label"):
                            yield str(key), str(number), label, None
