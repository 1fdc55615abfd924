"""What spans rows: every fault of a roster at once, and which of its rows are whom.

A household is taken whole or not at all: one faulty cell sets all its rows aside. Rows may be fed as they are read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.pack import Pack
from fangfanpin.privacy.facts import IdentityFacts, identity_facts
from fangfanpin.privacy.secrets import digest
from fangfanpin.records.identities import identity_fault
from fangfanpin.records.roster.columns import HOUSEHOLD_CODE, NAME, PAIRING_FORM, PAIRING_ITEMS, RELATION, SPELL_FORM, VILLAGE, YEAR
from fangfanpin.records.roster.intake import NATURAL_VILLAGE, PERSON_CODE
from fangfanpin.records.roster.places import Places
from fangfanpin.records.roster.registered import (
    KnownHousehold,
    KnownPerson,
    households_by_code,
    persons_of,
    villages_of_codes,
    villages_of_identities,
)
from fangfanpin.records.units import HEAD, HOUSEHOLD_FORM, LIVE, PERSON_FORM
from fangfanpin.records.workbooks.cells import Block, Fault
from fangfanpin.regions.models import Region

ID_NUMBER, ID_TYPE, BIRTH, STATE = (f"{PERSON_FORM}.{name}" for name in ("id_number", "id_type", "birth_date", "member_state"))


@dataclass(frozen=True, slots=True)
class Ground:
    """What a roster is checked on: the pack, the year of the baseline, who may see what, the divisions by code and by words."""

    pack: Pack
    year: int
    reach: Reach
    villages: dict[str, str]
    places: Places

    def may_import(self, village: str) -> bool:
        return village in self.reach and (self.reach.user_id == 0 or self.reach.allows(Verb.IMPORT_ROSTER, village_code=village))


def ground(*, pack: Pack, year: int, reach: Reach) -> Ground:
    return Ground(pack, year, reach, dict(Region.objects.villages().values_list("code", "name")), Places(reach.villages))


@dataclass(slots=True)
class HouseholdRow:
    """A household of the file. `block` None: only its members stand there; then it is registered already."""

    code: str
    block: Block | None
    row: int
    village: str
    known: KnownHousehold | None = None
    id: str | None = None


@dataclass(slots=True)
class PersonRow:
    """A member of the file. `known`: who it is in the registry."""

    block: Block
    row: int
    household: str
    code: str | None
    name: str
    relation: str | None
    is_live: bool
    number: str | None
    birth: str | None
    known: KnownPerson | None = None
    id: str | None = None
    position: int = 0


@dataclass(slots=True)
class Checked:
    """`stopped`: the file itself is at fault (columns), no household can be taken."""

    ground: Ground
    blocks: list[Block]
    households: dict[str, HouseholdRow] = field(default_factory=dict)
    persons: list[PersonRow] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    stopped: bool = False
    identity: dict[str, IdentityFacts] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def faulty_households(self) -> set[str]:
        return {fault.household for fault in self.faults if fault.household}

    def without_faulty(self) -> None:
        """Keep only households without any fault, whole."""
        bad = self.faulty_households
        if bad:
            self.households = {code: row for code, row in self.households.items() if code not in bad}
        self.persons = [person for person in self.persons if person.household in self.households]


def check(blocks: list[Block], on: Ground) -> Checked:
    """Find every fault and every match of a file that has been read. Reads the database, writes nothing."""
    checker = Checker(on)
    for block in blocks:
        checker.begin(block)
    if not checker.columns_are_right():
        return checker.found
    for block in sorted(blocks, key=lambda block: block.layout.role != "household"):
        checker.feed(block, block.rows)
    checker.finish()
    order = {block.sheet: place for place, block in enumerate(blocks)}
    checker.found.faults.sort(key=lambda fault: (order.get(fault.sheet, 0), fault.row, fault.place))
    return checker.found


class Checker:
    """Takes rows as they come. Every sheet is begun before the first row is fed; households' sheets are fed before members'."""

    def __init__(self, on: Ground) -> None:
        self.found = Checked(on, [])
        self._verdicts: dict[str, str] = {}
        self._said: dict[str, dict[str, int]] = {}  # column → household → number of the value in its first row
        self._by_code: dict[str, PersonRow] = {}
        self._by_number: dict[str, PersonRow] = {}
        self._by_name: dict[tuple[str, str, Any], PersonRow] = {}
        self._outside: list[tuple[Block, int, str]] = []
        self._heads: dict[str, PersonRow] = {}
        self._firsts: dict[str, PersonRow] = {}
        self._seen_numbers: dict[str, int] = {}  # sheet → identity numbers looked at

    @property
    def _own(self) -> bool:
        """Have households a sheet of their own?"""
        return any(block.layout.role == "household" for block in self.found.blocks)

    def begin(self, block: Block) -> None:
        self.found.blocks.append(block)

    def columns_are_right(self) -> bool:
        """Are the columns there that must be, each once?"""
        pack, found = self.found.ground.pack, self.found
        required = [f"{column.form}.{column.name}" for column in pack.roster if column.required]
        for block in found.blocks:
            needed = [HOUSEHOLD_CODE]
            if block.layout.role == "household":
                needed += [key for key in required if key.startswith(HOUSEHOLD_FORM)]
            else:
                needed += [key for key in required if key.startswith(PERSON_FORM)]
                if not self._own and any(key.startswith(f"{HOUSEHOLD_FORM}.") and key != HOUSEHOLD_CODE for key in block.columns):
                    needed.append(VILLAGE)
            for key in dict.fromkeys(needed):
                if key not in block.columns:
                    zh = pack.indicators[key].zh
                    message = (
                        _("缺少必须有的列“%(name)s”，请加上这一列，或写明村名的“乡镇”“行政村”两列，然后重新上传")
                        if key == VILLAGE
                        else _("缺少必须有的列“%(name)s”，请加上这一列后重新上传")
                    ) % {"name": zh}
                    found.faults.append(Fault(block.sheet, block.layout.row + 1, -1, zh, "", message))
            for column in block.layout.repeated:
                message = _("和另一列都是“%(name)s”，请删去其中一列") % {"name": column.indicator.zh}
                found.faults.append(Fault(block.sheet, block.layout.row + 1, column.place, column.header, column.header, message))
        found.stopped = bool(found.faults)
        return not found.stopped

    def feed(self, block: Block, rows: Sequence[int]) -> None:
        """Check some rows of a sheet."""
        self._cells(block, rows)
        if block.layout.role == "household" or (not self._own and VILLAGE in block.columns):
            self._households(block, rows)
        if block.layout.role == "person":
            self._persons(block, rows)

    def finish(self) -> None:
        """What only the whole file can tell."""
        self._only_members()
        self._registered()
        self.heads(self.found.households)

    # --- cells

    def _cells(self, block: Block, rows: Sequence[int]) -> None:
        """Values that are none of their item, and a year that is not the baseline's."""
        year = self.found.ground.year
        for key, column in block.columns.items():
            codes, problems = column.codes, column.problems
            if key == YEAR and any(value not in (None, year) for value in column.parsed):
                message = _("年度应是 %(year)d（上一年度的基线），请核对是不是选错了文件") % {"year": year}
                wrong = {place: message for place, value in enumerate(column.parsed) if value is not None and value != year}
                problems = problems | wrong
            if problems:
                for row in rows:
                    if codes[row] in problems:
                        household = block.value(HOUSEHOLD_CODE, row) or ""
                        self.found.faults.append(block.fault(row, key, problems[codes[row]], household))

    # --- households

    def _households(self, block: Block, rows: Sequence[int]) -> None:
        """Households of a sheet of theirs, or, where there is none, of the members' rows that repeat them."""
        own = block.layout.role == "household"
        faults, households = self.found.faults, self.found.households
        villages = block.values(VILLAGE, rows)
        naturals = block.values(NATURAL_VILLAGE, rows) if NATURAL_VILLAGE in block.columns else []
        names_helpers = any(key.startswith(f"{PAIRING_FORM}.") for key in block.columns)
        for place, (row, code) in enumerate(zip(rows, block.values(HOUSEHOLD_CODE, rows), strict=True)):
            if code is None:
                if own and not block.has_problem(row, HOUSEHOLD_CODE):
                    faults.append(block.fault(row, HOUSEHOLD_CODE, _("没有填户编号")))
                continue
            first = households.get(code)
            if first is not None:
                if own and first.block is not None:
                    message = _("户编号和“%(sheet)s”第 %(row)d 行重复，一户只能有一行") % {"sheet": first.block.sheet, "row": first.row + 1}
                    faults.append(block.fault(row, HOUSEHOLD_CODE, message, code))
                continue
            village = villages[place]
            households[code] = HouseholdRow(code, block, row, village or "")
            if names_helpers:
                self._helper(block, row, code)
            if village is None:
                if not block.has_problem(row, VILLAGE):
                    faults.append(
                        block.fault(
                            row, VILLAGE, _("没有填村代码（12 位），也没有填村名") if block.layout.places else _("没有填村代码（12 位）"), code
                        )
                    )
                continue
            if village not in self._verdicts:
                self._verdicts[village] = _village_fault(self.found.ground, village)
            if self._verdicts[village]:
                faults.append(block.fault(row, VILLAGE, self._verdicts[village], code))
            elif naturals and naturals[place] is not None and not naturals[place].startswith(village):
                message = _("自然村代码的前 12 位应是这户的村代码 %(village)s") % {"village": village}
                faults.append(block.fault(row, NATURAL_VILLAGE, message, code))
        if not own:
            self._same_throughout(block, rows)

    def _helper(self, block: Block, row: int, code: str) -> None:
        """A helper has a name, and ends after they began."""
        name = f"{PAIRING_FORM}.helper_name"
        said = {item: block.value(f"{PAIRING_FORM}.{item}", row) for item in PAIRING_ITEMS if item != "is_main"}
        if not said["helper_name"] and any(said.values()) and not block.has_problem(row, name):
            self.found.faults.append(block.fault(row, name, _("填了帮扶责任人的单位、电话或时间，没有填帮扶责任人姓名"), code))
        if said["start_on"] and said["end_on"] and said["end_on"] < said["start_on"]:
            self.found.faults.append(block.fault(row, f"{PAIRING_FORM}.end_on", _("帮扶结束时间早于帮扶开始时间"), code))

    def _same_throughout(self, block: Block, rows: Sequence[int]) -> None:
        """A sheet of members repeats its household's items: they must say the same in every row (or nothing)."""
        households = block.values(HOUSEHOLD_CODE, rows)
        for key, column in block.columns.items():
            if not key.startswith((f"{HOUSEHOLD_FORM}.", f"{SPELL_FORM}.", f"{PAIRING_FORM}.")) or key == HOUSEHOLD_CODE:
                continue
            first = self._said.setdefault(f"{block.sheet}/{key}", {})
            codes, parsed = column.codes, column.parsed
            for row, household in zip(rows, households, strict=True):
                value = codes[row]
                if household is None or (top := first.setdefault(household, value)) == value:
                    continue
                if parsed[value] is not None and parsed[value] != parsed[top] and value not in column.problems:
                    message = _("和这户第一行的“%(value)s”不一样，同一户各行应相同") % {"value": column.raw[top]}
                    self.found.faults.append(block.fault(row, key, message, household))

    # --- members

    def _persons(self, block: Block, rows: Sequence[int]) -> None:
        self._identities(block, rows)
        faults, households, persons, heads = self.found.faults, self.found.households, self.found.persons, self._heads
        columns = (block.values(key, rows) for key in (HOUSEHOLD_CODE, PERSON_CODE, NAME, RELATION, STATE, ID_NUMBER, BIRTH))
        for row, household, code, name, relation, state, number, birth in zip(rows, *columns, strict=True):
            if household is None:
                if not block.has_problem(row, HOUSEHOLD_CODE):
                    faults.append(block.fault(row, HOUSEHOLD_CODE, _("没有填户编号，不知道是哪一户的成员")))
                continue
            if household not in households:
                self._outside.append((block, row, household))
            person = PersonRow(block, row, household, code, name or "", relation, state in (None, LIVE), number, birth)
            persons.append(person)
            self._firsts.setdefault(household, person)
            if name is None and not block.has_problem(row, NAME):
                faults.append(block.fault(row, NAME, _("没有填姓名"), household))
            if relation is None and person.is_live and not block.has_problem(row, RELATION):
                faults.append(block.fault(row, RELATION, _("没有填与户主关系"), household))
            if relation == HEAD and person.is_live and (other := heads.setdefault(household, person)) is not person:
                message = _("这户已有户主（第 %(row)d 行），一户只能有一个户主") % {"row": other.row + 1}
                faults.append(block.fault(row, RELATION, message, household))
            if code is not None and (other := self._by_code.setdefault(code, person)) is not person:
                message = _("人编号和“%(sheet)s”第 %(row)d 行重复") % {"sheet": other.block.sheet, "row": other.row + 1}
                faults.append(block.fault(row, PERSON_CODE, message, household))
            if number is not None and person.is_live:
                if (other := self._by_number.setdefault(number, person)) is not person:
                    self._twice(person, other)
            elif name is not None and (other := self._by_name.setdefault((household, name, birth), person)) is not person:
                where = {"sheet": other.block.sheet, "row": other.row + 1}
                message = _("和“%(sheet)s”第 %(row)d 行是同一个人（同户、同名、同出生日期），请删去一行") % where
                faults.append(block.fault(row, NAME, message, household))

    def _twice(self, person: PersonRow, other: PersonRow) -> None:
        """Which of two is right nobody knows here: both households are set aside."""
        for one, two in ((person, other), (other, person)):
            message = _("和“%(sheet)s”第 %(row)d 行是同一个证件号码，一个人只能登记一次") % {"sheet": two.block.sheet, "row": two.row + 1}
            self.found.faults.append(one.block.fault(one.row, ID_NUMBER, message, one.household))

    def _identities(self, block: Block, rows: Sequence[int]) -> None:
        """Length, check character and date of identity numbers, by the type of card the row says."""
        column = block.columns.get(ID_NUMBER)
        if column is None:
            return
        identity, digests = self.found.identity, self.found.digests
        wrong: dict[int, tuple[str, frozenset[str | None]]] = {}
        # In a file fed whole, all its numbers; while it is read, those that came since.
        start = self._seen_numbers.get(block.sheet, 0)
        for place, number in enumerate(column.parsed[start:], start):
            if number is None:
                continue
            if number not in identity:
                identity[number] = facts = identity_facts(number)
                digests[number] = digest(number) if len(number) > 18 else facts.id18_digest
            if (fault := identity_fault(number, identity[number])) is not None:
                wrong[place] = fault
        self._seen_numbers[block.sheet] = len(column.parsed)
        if wrong:
            for row, type_ in zip(rows, block.values(ID_TYPE, rows), strict=True):
                if (found := wrong.get(column.codes[row])) is not None and type_ in found[1]:
                    self.found.faults.append(block.fault(row, ID_NUMBER, found[0], block.value(HOUSEHOLD_CODE, row) or ""))

    def _only_members(self) -> None:
        """Members whose household the file does not describe: taken where it is registered, else at fault."""
        found = self.found
        has_sources = any(row.block is not None for row in found.households.values())
        codes = sorted({household for _block, _row, household in self._outside} - set(found.households))
        registered = households_by_code(codes, found.ground.reach) if codes else {}
        for code, known in registered.items():
            found.households[code] = HouseholdRow(code, None, -1, known.village_code)
        for block, row, household in self._outside:
            if household not in found.households:
                message = (
                    _("户的表里没有户编号 %(code)s，系统里也没有这户，请补上这户或改正户编号")
                    if has_sources
                    else _("系统里没有户编号为 %(code)s 的户；请在文件里加上户的表（户编号、村代码等）")
                ) % {"code": household}
                found.faults.append(block.fault(row, HOUSEHOLD_CODE, message, household))
            elif household in registered and not found.ground.may_import(registered[household].village_code):
                found.faults.append(block.fault(row, HOUSEHOLD_CODE, _("这户不在您可以导入的范围"), household))

    def heads(self, codes: Iterable[str]) -> None:
        """Each of these households has a head, and at least one member. The registry may know them already."""
        for code in codes:
            row = self.found.households[code]
            if code in self._heads or row.known is not None:
                continue
            first = self._firsts.get(code)
            if first is None:
                if row.block is not None:
                    self.found.faults.append(row.block.fault(row.row, HOUSEHOLD_CODE, _("这户没有一个成员，请在成员表里补上"), code))
            elif not first.block.has_problem(first.row, RELATION):
                message = _("这户没有户主，请把户主的“与户主关系”填为“本人或户主”")
                self.found.faults.append(first.block.fault(first.row, RELATION, message, code))

    # --- registry

    def _registered(self) -> None:
        """Who is in the registry already, here or beyond the reach."""
        found, reach = self.found, self.found.ground.reach
        known = households_by_code(list(found.households), reach)
        person_codes = [person.code for person in found.persons if person.code]
        elsewhere = villages_of_codes(list(found.households), person_codes)
        for code, row in found.households.items():
            row.known = known.get(code)
            village = elsewhere.get(("household", code))
            block = row.block
            if block is None or village is None:
                continue
            if row.known is None:
                message = _("这个户编号已在“%(village)s”登记，不在您的管辖范围，请核对户编号") % {"village": village}
                found.faults.append(block.fault(row.row, HOUSEHOLD_CODE, message, code))
            elif row.village and row.known.village_code != row.village:
                message = _("这户已登记在“%(village)s”，和文件里的村不一样；请核对村代码，确实换了村请由县里办理") % {"village": village}
                found.faults.append(block.fault(row.row, VILLAGE, message, code))
        if known or any(kind == "person" for kind, _code in elsewhere):
            self._match(known, elsewhere, person_codes)
        self._live_elsewhere()

    def _match(self, known: dict[str, KnownHousehold], elsewhere: dict[tuple[str, str], str], person_codes: list[str]) -> None:
        """Who of the file is whom of the registry: by person code, else by number within the household, else by name and birthday."""
        found = self.found
        persons = persons_of([household.id for household in known.values()], person_codes, found.ground.reach)
        by_code = {person.code: person for person in persons}
        by_number = {(person.household_id, person.digest): person for person in persons if person.digest}
        by_name = {(person.household_id, person.name, person.birth.isoformat() if person.birth else None): person for person in persons}
        taken: dict[UUID, PersonRow] = {}
        for row in found.persons:
            household = known.get(row.household)
            match = by_code.get(row.code) if row.code else None
            if match is not None and (household is None or match.household_id != household.id):
                message = _("人编号 %(code)s 已登记在“%(village)s”的另一户；请核对，确实转户请在那一户办理减少、在这一户办理增加") % {
                    "code": row.code,
                    "village": elsewhere.get(("person", row.code or ""), ""),
                }
                found.faults.append(row.block.fault(row.row, PERSON_CODE, message, row.household))
                continue
            if match is None and row.code and ("person", row.code) in elsewhere:
                message = _("人编号 %(code)s 已在“%(village)s”登记，不在您的管辖范围，请核对") % {
                    "code": row.code,
                    "village": elsewhere["person", row.code],
                }
                found.faults.append(row.block.fault(row.row, PERSON_CODE, message, row.household))
                continue
            if household is None:
                continue
            if match is None and row.number:
                match = by_number.get((household.id, found.digests[row.number]))
            if match is None:
                match = by_name.get((household.id, row.name, row.birth))
                if match is not None and row.number and match.digest and match.digest != found.digests[row.number] and row.code:
                    match = None  # same name and birthday, another number and code: two persons
            if match is None:
                continue
            other = taken.setdefault(match.id, row)
            if other is not row:
                where = {"sheet": other.block.sheet, "row": other.row + 1}
                message = _("和“%(sheet)s”第 %(row)d 行对应系统里的同一个人，请删去一行或改正编号") % where
                found.faults.append(row.block.fault(row.row, NAME, message, row.household))
                continue
            row.known = match

    def _live_elsewhere(self) -> None:
        found = self.found
        numbers: dict[str, PersonRow] = {found.digests[row.number]: row for row in found.persons if row.number and row.is_live}
        for number, person_id, village in villages_of_identities(list(numbers)):
            row = numbers[number]
            if row.known is None or row.known.id != person_id:
                message = _("这个证件号码在“%(village)s”已有人登记，请核对号码；确属同一人请先在那里办理减少") % {"village": village}
                found.faults.append(row.block.fault(row.row, ID_NUMBER, message, row.household))


def _village_fault(on: Ground, village: str) -> str:
    if village not in on.villages:
        return _("没有代码为 %(code)s 的村（社区），请核对村代码") % {"code": village}
    if not on.may_import(village):
        return _("“%(village)s”不在您的管辖范围，不能导入；请核对村代码，或请管辖这个村的单位导入") % {"village": on.villages[village]}
    return ""


def rows_of(blocks: Iterable[Block], households: set[str]) -> Iterator[tuple[Block, int, str]]:
    """Every row of these households, in file order: (sheet, row from 0, household code)."""
    for block in blocks:
        for row, code in zip(block.rows, block.values(HOUSEHOLD_CODE, block.rows), strict=True):
            if code in households:
                yield block, row, code
