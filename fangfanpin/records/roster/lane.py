"""The first roster of an empty county is written while it is still being read.

Nobody is registered yet, so nothing has to be looked up, and as long as no fault is found and each household's rows stand together, a
household is complete once the next one begins. At the first thing that is otherwise the lane is left: everything is rolled back, and the
file is checked and written as any other. So it takes nothing that the usual way would not take.
"""

from collections.abc import Callable
from uuid import UUID

from django.db import connection, transaction

from fangfanpin.records.roster.applying import Application, Counts
from fangfanpin.records.roster.checking import Checked, Checker, Ground
from fangfanpin.records.roster.columns import HOUSEHOLD_CODE, VILLAGE
from fangfanpin.records.workbooks.cells import Block

# The first piece is small, so that the database begins while the file is still being opened; the next do not keep it waiting.
_FIRST_ROWS, _ROWS_AT_ONCE = 3000, 8000


class Lane:
    """Offered each sheet after every chunk read of it. `is_open` until something speaks against it."""

    def __init__(self, on: Ground, *, batch_id: UUID, begin: Callable[[], None]) -> None:
        self._savepoint = transaction.savepoint()
        begin()
        self._checker = Checker(on)
        self.application = Application(self._checker.found, batch_id=batch_id)
        self.is_open = True
        self._fed: dict[str, int] = {}
        self._written: set[str] = set()
        self._columns_seen = False
        self._holds = False

    @property
    def checked(self) -> Checked:
        return self._checker.found

    def offer(self, block: Block | None, is_whole: bool) -> None:
        """Take what came of a sheet since; `is_whole`: no more will come of it."""
        if not self.is_open or block is None:
            return
        if block.sheet not in self._fed:
            self._begin(block)
        if self.is_open:
            self._feed(block, is_whole)

    def _begin(self, block: Block) -> None:
        if self._columns_seen:  # another sheet after members were taken: which describes whom is known at the end only
            self.leave()
            return
        self._fed[block.sheet] = 0
        self._checker.begin(block)
        if block.layout.role == "person":
            self._columns_seen = True
            described = VILLAGE in block.columns or any(other.layout.role == "household" for other in self.checked.blocks)
            if not described or not self._checker.columns_are_right():
                self.leave()

    def _feed(self, block: Block, is_whole: bool) -> None:
        start, stop = self._fed[block.sheet], len(block.rows)
        is_person = block.layout.role == "person"
        if is_person and not is_whole:
            if stop - start < (_ROWS_AT_ONCE if self._written else _FIRST_ROWS):
                return
            last = block.value(HOUSEHOLD_CODE, block.rows[stop - 1])
            while stop > start and block.value(HOUSEHOLD_CODE, block.rows[stop - 1]) == last:
                stop -= 1
        rows = block.rows[start:stop]
        self._fed[block.sheet] = stop
        before = len(self.checked.persons)
        self._checker.feed(block, rows)
        if self.checked.faults:
            self.leave()
        elif is_person:
            self._write(before)

    def _write(self, before: int) -> None:
        persons = self.checked.persons[before:]
        codes = list(dict.fromkeys(person.household for person in persons))
        if not self._written.isdisjoint(codes) or any(code not in self.checked.households for code in codes):
            self.leave()
            return
        self._checker.heads(codes)
        if self.checked.faults:
            self.leave()
            return
        if not self._written:
            self._holds = self._hold_references()
        self._written.update(codes)
        self.application.write([self.checked.households[code] for code in codes], persons)

    def close(self) -> bool:
        """The file is at its end: was everything taken?"""
        if self.is_open and len(self._written) < len(self.checked.households) or not self._written:
            self.leave()  # a household without members, or nobody at all
        if self.is_open:
            transaction.savepoint_commit(self._savepoint)
        return self.is_open

    def finish(self, *, open_for: int) -> Counts:
        """What follows from all that was written, once the lane was closed with everything taken."""
        counts = self.application.finish(open_for=open_for)
        if self._holds:
            with connection.cursor() as cursor:
                cursor.execute("SELECT ffp_check_references()")
        return counts

    def _hold_references(self) -> bool:
        """Have references checked at the end, each kind as a whole (audit/sql/references.sql)."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT ffp_hold_references()")
            return bool(cursor.fetchone()[0])

    def leave(self) -> None:
        """Back to where it began."""
        if self.is_open:
            self.is_open = False
            self.application.give_up()
            transaction.savepoint_rollback(self._savepoint)
