"""A register's file while it is checked: what it is checked on, its rows by sheet and position, and all that was found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.pack import Indicator, Pack
from fangfanpin.records.workbooks.cells import Block, Fault
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.workbooks.finding import Subject


@dataclass(frozen=True, slots=True)
class Ground:
    """What a file is checked on. `year`: the campaign's, which new rows are of."""

    register: Register
    pack: Pack
    year: int
    reach: Reach

    def may_enter(self, subject: Subject) -> bool:
        return self.reach.user_id == 0 or self.reach.allows(Verb.RECORD_ENTER, village_code=subject.village, household_id=subject.household)

    def may_see_sensitive(self, subject: Subject) -> bool:
        return self.reach.user_id == 0 or self.reach.allows(Verb.SENSITIVE_VIEW, village_code=subject.village, household_id=subject.household)


@dataclass(frozen=True, slots=True)
class Known:
    """A row that is there. `label` names it."""

    id: UUID
    number: int
    version: int
    state: str
    subject: Subject
    values: Mapping[str, Any]


@dataclass(slots=True)
class Sheet:
    """A sheet's rows that count, by position. `values`: of references, computed items and masks of secret numbers, which the cells alone do not
    tell; `changes`: {position: {item: value}} of known rows; `secrets`: {position: {item: whole number}} to be sealed."""

    block: Block
    rows: list[int]
    subjects: list[Subject | None] = field(default_factory=list)
    known: list[Known | None] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    values: dict[str, list[Any]] = field(default_factory=dict)
    changes: dict[int, dict[str, Any]] = field(default_factory=dict)
    faulty: set[int] = field(default_factory=set)
    same: set[int] = field(default_factory=set)
    secrets: dict[int, dict[str, str]] = field(default_factory=dict)

    def column(self, item: Indicator) -> list[Any]:
        """The item's value in every row; None where the sheet has no such column."""
        held = self.values.get(item.name)
        return held if held is not None else self.block.values(item.key, self.rows)

    def value(self, item: Indicator, position: int) -> Any:
        """The item's value in one row."""
        held = self.values.get(item.name)
        return held[position] if held is not None else self.block.value(item.key, self.rows[position])

    def secrets_of(self, position: int) -> dict[str, str]:
        """{item: whole number} of one row."""
        return self.secrets.get(position, {})

    def good(self) -> Iterator[int]:
        return (position for position in range(len(self.rows)) if position not in self.faulty)

    def new(self) -> list[int]:
        """Positions of good rows that are not there yet."""
        known, same = self.known, self.same
        return [position for position in self.good() if known[position] is None and position not in same]


@dataclass(slots=True)
class Checked:
    """`stopped`: the columns are at fault, no row can be taken; `examples`: rows left out, by sheet."""

    ground: Ground
    blocks: Sequence[Block] = ()
    sheets: list[Sheet] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    doubts: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stopped: bool = False

    def counts(self) -> dict[str, int]:
        """Rows: all that count, new, changed, there already, faulty."""
        good = [(sheet, sum(1 for _position in sheet.good())) for sheet in self.sheets]
        changed = sum(1 for sheet in self.sheets for position in sheet.changes if position not in sheet.faulty)
        new = sum(len(sheet.new()) for sheet in self.sheets)
        return {
            "rows": sum(len(sheet.rows) for sheet in self.sheets),
            "new": new,
            "changed": changed,
            "same": sum(count for _sheet, count in good) - new - changed,
            "faulty": sum(len(sheet.faulty) for sheet in self.sheets),
        }

    def villages(self) -> list[str]:
        return sorted({subject.village for sheet in self.sheets for subject in set(sheet.subjects) if subject is not None})
