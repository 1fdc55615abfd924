"""What a register's file would do: which rows are new, which change one that is there, which are there already, and every fault at once.

Each row stands for itself: a faulty one sets nothing else aside. An empty cell says nothing, so it erases nothing; a masked one neither.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.utils.translation import gettext as _
from psycopg import sql

from fangfanpin.accounts.models import User
from fangfanpin.expressions import Expression
from fangfanpin.pack import Indicator
from fangfanpin.pack.model import Constraint
from fangfanpin.privacy.secrets import digest, mask_id
from fangfanpin.records.models import Record
from fangfanpin.records.relations import subject_column
from fangfanpin.records.workbooks.cells import Block, Fault
from fangfanpin.regions.names import name_of
from fangfanpin.registers import apart
from fangfanpin.registers.escaping import unprotected
from fangfanpin.registers.mirror import LONGEST_KEY, SEPARATOR
from fangfanpin.registers.models import Entry, Sealed
from fangfanpin.registers.reading import file_text
from fangfanpin.registers.references import Words
from fangfanpin.registers.sealed import secret_items
from fangfanpin.registers.services import changed_since, closed
from fangfanpin.registers.spans import OPEN, overlap, span_between
from fangfanpin.registers.workbooks.columns import ITEMS, MARK, MASKED, NUMBER, WHOSE, is_example
from fangfanpin.registers.workbooks.finding import NotFound, References, Subject, Subjects, pieces
from fangfanpin.registers.workbooks.logic import Logic
from fangfanpin.registers.workbooks.sheets import Checked, Ground, Known, Sheet

_CLOSED = (Record.State.APPROVED, Record.State.LOCKED, Record.State.VOID)
_MOST_DOUBTS = 200  # that are told
_UNIT = "\x1f"


def check(blocks: Sequence[Block], on: Ground) -> Checked:
    """Find out what a file that was read would do. Reads the database, writes nothing."""
    checker = _Checker(on)
    checker.found.blocks = blocks
    if checker.columns_are_right(blocks):
        for block in blocks:
            checker.take(block)
        checker.across()
    order = {block.sheet: place for place, block in enumerate(blocks)}
    for told in (checker.found.faults, checker.found.doubts):
        told.sort(key=lambda fault: (order.get(fault.sheet, 0), fault.row, fault.place))
    return checker.found


class _Checker:
    def __init__(self, on: Ground) -> None:
        self.found = Checked(on)
        self._on, self._register, self._pack = on, on.register, on.pack
        self._form = on.register.key
        self._asked = [item for item in on.register.in_cells if item != on.register.subject]
        self._lead = WHOSE[on.register.subject.ref][0]
        self._secret = secret_items(on.register)
        self._words = Words(on.reach, coded=True)
        self._logic = Logic(on)
        self._by_number: dict[int, tuple[str, int]] = {}  # number → where it stood first
        self._by_key: dict[str, tuple[str, int]] = {}

    def _tell(self, sheet: Sheet, position: int, key: str, message: str) -> None:
        sheet.faulty.add(position)
        self.found.faults.append(sheet.block.fault(sheet.rows[position], key, message))

    def columns_are_right(self, blocks: Sequence[Block]) -> bool:
        """Is there a column that says whose row it is, and each column once?"""
        for block in blocks:
            if not any(key in block.columns for key in (NUMBER, *WHOSE[self._register.subject.ref])):
                zh = ITEMS[self._lead].zh
                message = _("缺少必须有的列“%(name)s”，请加上这一列后重新上传") % {"name": zh}
                self.found.faults.append(Fault(block.sheet, block.layout.row + 1, -1, zh, "", message))
            for column in block.layout.repeated:
                message = _("和另一列都是“%(name)s”，请删去其中一列") % {"name": column.indicator.zh}
                self.found.faults.append(Fault(block.sheet, block.layout.row + 1, column.place, column.header, column.header, message))
        self.found.stopped = bool(self.found.faults)
        return not self.found.stopped

    def take(self, block: Block) -> None:
        """Everything that one sheet tells by itself."""
        sheet = Sheet(block, self._rows(block))
        self.found.sheets.append(sheet)
        self._find_subjects(sheet)
        self._find_numbered(sheet)
        self._references(sheet)
        self._masks(sheet)
        self._keys(sheet)
        self._find_keyed(sheet)
        self._nobodys(sheet)
        self._cells(sheet)
        self._may_enter(sheet)
        if self._register.is_yearly:
            self._only_opened(sheet)
        self._new_rows(sheet)
        self._changed_rows(sheet)

    def across(self) -> None:
        """What only the whole file tells: rows that are there already though nothing names them, and rows that stand at the same time."""
        if not self._register.unique and not self._register.is_yearly:
            self._find_same()
        if self._register.form.span is not None:
            self._overlapping(self._register.form.span)
        if any(one.form == self._form for one in self._pack.apart):
            self._apart()

    def _rows(self, block: Block) -> list[int]:
        """Rows that count: a template's example does not."""
        column = block.columns.get(MARK)
        if column is None or not any(map(is_example, column.parsed)):
            return list(block.rows)
        examples = {place for place, value in enumerate(column.parsed) if is_example(value)}
        left_out = [row + 1 for row in block.rows if column.codes[row] in examples]
        said = "、".join(map(str, left_out[:5]))
        self.found.notes.append(_("表“%(sheet)s”第 %(rows)s 行标着“示例”，没有读取。") % {"sheet": block.sheet, "rows": said})
        return [row for row in block.rows if column.codes[row] not in examples]

    # --- whose, and which row

    def _find_subjects(self, sheet: Sheet) -> None:
        block = sheet.block
        keys = [key for key in WHOSE[self._register.subject.ref] if key in block.columns]
        if not keys:
            sheet.subjects = [None] * len(sheet.rows)
            return
        asked = list(zip(*(block.values(key, sheet.rows) for key in keys), strict=True))
        found = Subjects(self._register.subject.ref, keys, self._on.reach).find(set(asked))
        for position, what in enumerate(asked):
            subject = found[what]
            if isinstance(subject, NotFound):
                # A row that says nothing of it may be known by its number or unique key.
                if any(what) and not any(block.has_problem(sheet.rows[position], key) for key in keys):
                    self._tell(sheet, position, subject.key, subject.message)
                sheet.subjects.append(None)
            else:
                sheet.subjects.append(subject)

    def _find_numbered(self, sheet: Sheet) -> None:
        """Rows that say by their number which row they are."""
        numbers = sheet.block.values(NUMBER, sheet.rows)
        known = self._load(number__in={number[0] for number in numbers if number})
        by_number = {row.number: row for row in known}
        for position, number in enumerate(numbers):
            row = by_number.get(number[0]) if number else None
            sheet.known.append(row)
            if not number:
                continue
            if row is None:
                self._tell(sheet, position, NUMBER, _("没有登记号 %(number)d 这一条，或不在您的管辖范围内") % {"number": number[0]})
            elif (subject := sheet.subjects[position]) is not None and subject != row.subject:
                self._tell(sheet, position, self._lead, _("登记号 %(number)d 不是这一户（人、村）的，请核对") % {"number": number[0]})
            elif first := self._by_number.get(number[0]):
                self._tell(sheet, position, NUMBER, _("登记号和表“%(sheet)s”第 %(row)d 行相同") % {"sheet": first[0], "row": first[1]})
            else:
                self._by_number[number[0]] = (sheet.block.sheet, sheet.rows[position] + 1)
                sheet.subjects[position] = row.subject

    def _load(self, **asked: Iterable[Any]) -> list[Known]:
        """Rows of the register within reach; `asked`: one lookup of many values."""
        ((lookup, values),) = asked.items()
        names = (
            "record_id",
            "number",
            "record__version",
            "state",
            "village_code",
            "household_id",
            "person_id",
            "record__subject_code",
            "record__values",
        )
        place = {"village": 12, "natural_village": 15}.get(self._register.subject.ref, 0)
        found = []
        for piece in pieces(values):
            rows = Entry.objects.visible_to(self._on.reach).filter(form=self._form, **{lookup: piece}).values_list(*names)
            for key, number, version, state, village, household, person, code, values in rows.iterator(chunk_size=4000):
                subject = Subject(village, household, person, (code or village)[:place] if place else "")
                found.append(Known(key, number, version, state, subject, values))
        return found

    def _keys(self, sheet: Sheet) -> None:
        """The unique key that each row would have; None while a part of it is missing."""
        if self._register.is_yearly:
            sheet.keys = [None if subject is None else f"{self._on.year}{SEPARATOR}{subject.key}" for subject in sheet.subjects]
            return
        if not self._register.unique:
            sheet.keys = [None] * len(sheet.rows)
            return
        columns = [self._whole_column(sheet, item) for item in self._register.unique]
        for parts in zip(*columns, strict=True):
            whole = all(part is not None and part != "" and part is not MASKED for part in parts)
            sheet.keys.append(SEPARATOR.join(map(str, parts))[:LONGEST_KEY] if whole else None)

    def _whole_column(self, sheet: Sheet, item: Indicator) -> list[Any]:
        """An item's values, of the known row where the cell is empty; the subject's reference among the items."""
        if item == self._register.subject:
            return [None if subject is None else subject.key for subject in sheet.subjects]
        return [
            known.values.get(item.name) if value is None and known is not None else value
            for value, known in zip(sheet.column(item), sheet.known, strict=True)
        ]

    def _find_keyed(self, sheet: Sheet) -> None:
        """Rows whose unique key is there already; twice in the file, or beyond the reach, is a fault."""
        if not self._register.unique and not self._register.is_yearly:
            return
        unique = self._register.unique or (self._register.subject,)
        names = "、".join(item.zh for item in unique)
        wanted = {key for key in sheet.keys if key is not None}
        held = {self._key_of(row): row for row in self._load(unique_key__in=wanted)}
        beyond = _villages_of_keys(self._form, wanted - held.keys())
        where = unique[-1]
        column = where.key if where != self._register.subject else self._lead
        for position, key in enumerate(sheet.keys):
            if key is None or position in sheet.faulty:
                continue
            known = sheet.known[position]
            if village := beyond.get(key):
                self._tell(sheet, position, column, _("同样“%(names)s”的一条已在%(village)s登记，请核对") % {"names": names, "village": village})
            elif first := self._by_key.get(key):
                said = {"names": names, "sheet": first[0], "row": first[1]}
                self._tell(sheet, position, column, _("“%(names)s”和表“%(sheet)s”第 %(row)d 行相同，只能登记一条") % said)
            elif (row := held.get(key)) is not None and known is not None and known.id != row.id:
                self._tell(sheet, position, column, _("已有同样“%(names)s”的一条（登记号 %(number)d）") % {"names": names, "number": row.number})
            else:
                self._by_key[key] = (sheet.block.sheet, sheet.rows[position] + 1)
                if row is not None and known is None:
                    self._is_keyed(sheet, position, row, column)

    def _nobodys(self, sheet: Sheet) -> None:
        """Rows of which nothing says whose they are."""
        words = {"household": _("请填写户编号"), "person": _("请填写人编号")}.get(self._register.subject.ref, _("请填写村代码或村名"))
        whose = [key for key in WHOSE[self._register.subject.ref] if key in sheet.block.columns]
        for position, subject in enumerate(sheet.subjects):
            if subject is None and position not in sheet.faulty:
                if not any(sheet.block.has_problem(sheet.rows[position], key) for key in (NUMBER, *whose) if key in sheet.block.columns):
                    self._tell(sheet, position, self._lead, words)

    def _is_keyed(self, sheet: Sheet, position: int, row: Known, column: str) -> None:
        if sheet.subjects[position] not in (None, row.subject):
            place = name_of(row.subject.village)
            self._tell(sheet, position, column, _("这一条已登记在别的户（人、村）名下（%(village)s），请核对") % {"village": place})
            return
        sheet.known[position], sheet.subjects[position] = row, row.subject

    def _key_of(self, row: Known) -> str:
        if self._register.is_yearly:
            return f"{self._on.year}{SEPARATOR}{row.subject.key}"
        subject = row.subject.key
        parts = [subject if item == self._register.subject else row.values.get(item.name) for item in self._register.unique]
        return SEPARATOR.join(map(str, parts))[:LONGEST_KEY]

    # --- cells

    def _references(self, sheet: Sheet) -> None:
        """What the words of references lead to; what leads nowhere is told once the row is known."""
        for item in self._asked:
            if item.type != "ref" or item.key not in sheet.block.columns:
                continue
            within = item.ref == "person"
            targets = [
                None if words is None else (words, subject.household if within and subject is not None else None)
                for words, subject in zip(sheet.block.values(item.key, sheet.rows), sheet.subjects, strict=True)
            ]
            found: dict[Any, Any] = References(item, self._on.reach).find(target for target in targets if target is not None)
            sheet.values[item.name] = [None if target is None else found[target] for target in targets]

    def _masks(self, sheet: Sheet) -> None:
        """A row holds the mask of a secret number; the number itself is sealed beside it."""
        for item in self._secret:
            if item.key not in sheet.block.columns:
                continue
            numbers = sheet.block.values(item.key, sheet.rows)
            sheet.values[item.name] = [value if value is MASKED or value is None else mask_id(value) for value in numbers]
            for position, number in enumerate(numbers):
                if number is not None and number is not MASKED:
                    sheet.secrets.setdefault(position, {})[item.name] = number

    def _sealed(self, rows: Sequence[Known]) -> dict[tuple[UUID, str], str]:
        """Digests of stored secret numbers, by row and item."""
        found: dict[tuple[UUID, str], str] = {}
        for piece in pieces(row.id for row in rows) if self._secret else ():
            stored = Sealed.objects.visible_to(self._on.reach).filter(record_id__in=piece)
            found |= {(key, name): value for key, name, value in stored.values_list("record_id", "name", "digest")}
        return found

    def _cells(self, sheet: Sheet) -> None:
        """Values that are none of their item, masked cells of new rows, and what differs from the row that is there."""
        known_rows = [(position, row) for position, row in enumerate(sheet.known) if row is not None and position not in sheet.faulty]
        self._learn(sheet, [row for _position, row in known_rows])
        whose = [key for key in (NUMBER, MARK, *WHOSE[self._register.subject.ref]) if key in sheet.block.columns]
        for key in whose:
            self._problems(sheet, key, None)
        sealed = self._sealed([row for _position, row in known_rows])
        for item in self._asked:
            if item.key not in sheet.block.columns:
                continue
            self._problems(sheet, item.key, item)
            values = sheet.column(item)
            for position, row in known_rows:
                value = values[position]
                if (number := sheet.secrets_of(position).get(item.name)) is not None:
                    if digest(number) == sealed.get((row.id, item.name)):
                        del sheet.secrets[position][item.name]
                    else:
                        sheet.changes.setdefault(position, {})[item.name] = value
                    continue
                if value is None or value is MASKED or value == row.values.get(item.name) or self._says_the_same(sheet, position, item, row):
                    continue
                if isinstance(value, NotFound):
                    self._tell(sheet, position, item.key, value.message)
                elif item.privacy == "sensitive" and not self._on.may_see_sensitive(row.subject):
                    self._tell(sheet, position, item.key, _("这一项的内容对您遮挡，不能在这里改"))
                else:
                    sheet.changes.setdefault(position, {})[item.name] = value
        self._untouched(sheet)

    def _learn(self, sheet: Sheet, rows: Iterable[Known]) -> None:
        items = [item for item in self._asked if item.type == "ref" and item.key in sheet.block.columns]
        if items:
            self._words.learn((item.ref, row.values.get(item.name)) for row in rows for item in items)

    def _problems(self, sheet: Sheet, key: str, item: Indicator | None) -> None:
        """Cells of a column that are no value, of rows where nothing else is the matter with them."""
        column = sheet.block.columns[key]
        references = sheet.values.get(item.name) if item is not None and item.type == "ref" else None
        masked = item is not None and any(value is MASKED for value in column.parsed)
        if not column.problems and not masked and references is None:
            return
        for position, row in enumerate(sheet.rows):
            code, known = column.codes[row], sheet.known[position]
            if (message := column.problems.get(code)) is not None:
                if item is None or known is None or not self._says_the_same(sheet, position, item, known):
                    self._tell(sheet, position, key, message)
            elif known is None and masked and column.parsed[code] is MASKED:
                self._tell(sheet, position, key, _("这是遮挡后的内容，新登记的请填写真实内容，或留空"))
            elif known is None and references is not None and isinstance(references[position], NotFound):
                self._tell(sheet, position, key, references[position].message)

    def _says_the_same(self, sheet: Sheet, position: int, item: Indicator, row: Known) -> bool:
        """Does the cell say what a file made of the row would say?"""
        column = sheet.block.columns[item.key]
        cell = column.raw[column.codes[sheet.rows[position]]]
        return isinstance(cell, str) and unprotected(cell) == file_text(item, row.values.get(item.name), self._pack, self._words)

    def _untouched(self, sheet: Sheet) -> None:
        """A file made before somebody changed the row: what the file only carries along is left, what both changed is told."""
        numbers = sheet.block.values(NUMBER, sheet.rows)
        for position in list(sheet.changes):
            row, number = sheet.known[position], numbers[position]
            changes = sheet.changes[position]
            if row is not None and number and number[1] is not None and number[1] < row.version:
                for name, (before, by_id) in changed_since(row.id, number[1]).items():
                    if name not in changes:
                        continue
                    if changes[name] == before or (changes[name] in (None, "") and before is None):
                        del changes[name]
                        continue
                    item = self._pack.indicators[f"{self._form}.{name}"]
                    who = User.objects.filter(pk=by_id).values_list("name", flat=True).first() or _("系统")
                    theirs = file_text(item, row.values.get(name), self._pack, self._words) or _("空")
                    said = {"who": who, "theirs": theirs}
                    self._tell(sheet, position, item.key, _("导出以后，%(who)s 把它改成了“%(theirs)s”。请重新导出，在新的文件里改") % said)
            if not changes:
                del sheet.changes[position]
            elif row is not None and row.state in _CLOSED and position not in sheet.faulty and not self._register.is_yearly:
                name = next(iter(changes))
                void = row.state == Record.State.VOID
                self._tell(
                    sheet,
                    position,
                    f"{self._form}.{name}",
                    _("这一条已作废，不能再改") if void else _("这一条已审核，要改请先由乡镇退回"),
                )

    def _may_enter(self, sheet: Sheet) -> None:
        verdicts = {subject: self._on.may_enter(subject) for subject in set(sheet.subjects) if subject is not None}
        if all(verdicts.values()):
            return
        for position, subject in enumerate(sheet.subjects):
            if subject is not None and not verdicts[subject] and (sheet.known[position] is None or position in sheet.changes):
                self._tell(sheet, position, self._lead, _("您的岗位不能为这里登记"))

    def _only_opened(self, sheet: Sheet) -> None:
        """A village's table is opened with the year, not added; it closes with the year's entry and when it is approved, until it is unlocked."""
        by = User.objects.filter(pk=self._on.reach.user_id).first()
        is_over = by is not None and bool(closed(Record(form=self._form, year=self._on.year), self._register, by))
        for position, known in enumerate(sheet.known):
            if position in sheet.faulty:
                continue
            if known is None:
                self._tell(sheet, position, self._lead, _("今年没有为它开出这张表，请核对代码"))
            elif by is not None and position in sheet.changes and (is_over or known.state in _CLOSED):
                place = {"subject_code": known.subject.code, "village_code": known.subject.village}
                table = Record(id=known.id, form=self._form, year=self._on.year, state=known.state, **place)
                if why := closed(table, self._register, by):
                    self._tell(sheet, position, self._lead, why)

    # --- computations and constraints

    def _new_rows(self, sheet: Sheet) -> None:
        """Computed items and constraints of rows that are not there yet, each distinct combination of what they read once."""
        positions = [position for position in range(len(sheet.rows)) if sheet.known[position] is None and position not in sheet.faulty]
        if not positions:
            return
        for computation in self._logic.computations:
            values = self._logic.of_rows(computation.expression, self._columns_read(sheet, computation.expression, positions), sheet, positions)
            held: list[Any] = [None] * len(sheet.rows)
            for position, value in zip(positions, values, strict=True):
                held[position] = self._pack.from_engine(self._form, computation.name, value)
            sheet.values[computation.name] = held
        for constraint in self._logic.constraints:
            verdicts = self._logic.of_rows(constraint.expression, self._columns_read(sheet, constraint.expression, positions), sheet, positions)
            if False in verdicts:
                for position, verdict in zip(positions, verdicts, strict=True):
                    if verdict is False:
                        self._broken(sheet, position, constraint)

    def _columns_read(self, sheet: Sheet, expression: Expression, positions: Sequence[int]) -> dict[str, list[Any]]:
        found = {}
        for name in self._logic.reads(expression):
            item = self._register.item(name)
            if item is None:
                continue
            column = self._whole_column(sheet, item)
            found[name] = [tuple(value) if isinstance(value, list) else value for value in map(column.__getitem__, positions)]
        return found

    def _changed_rows(self, sheet: Sheet) -> None:
        for position, changes in sheet.changes.items():
            row = sheet.known[position]
            if row is None or position in sheet.faulty:
                continue
            values = {**row.values, **changes}
            for computation in () if self._register.is_yearly else self._logic.computations:
                columns = {name: [values.get(name)] for name in self._logic.reads(computation.expression)}
                value = self._pack.from_engine(
                    self._form, computation.name, self._logic.of_rows(computation.expression, columns, sheet, [position])[0]
                )
                if value != values.get(computation.name):
                    values[computation.name] = changes[computation.name] = value
            for constraint in self._logic.constraints:
                if self._register.is_yearly and constraint.expression.reach != "row":
                    continue  # asked when the table is handed in
                columns = {name: [values.get(name)] for name in self._logic.reads(constraint.expression)}
                if self._logic.of_rows(constraint.expression, columns, sheet, [position])[0] is False:
                    self._broken(sheet, position, constraint)

    def _broken(self, sheet: Sheet, position: int, constraint: Constraint) -> None:
        key = f"{self._form}.{constraint.fields[0]}" if constraint.fields else ""
        if constraint.severity == "error":
            self._tell(sheet, position, key, constraint.message)
        elif len(self.found.doubts) < _MOST_DOUBTS:
            self.found.doubts.append(sheet.block.fault(sheet.rows[position], key, constraint.message))

    def _overlapping(self, span: tuple[str, str]) -> None:
        """New and changed rows at the same time as another of the same subject, in the file or there already: a doubt, as when it is typed."""
        first, last = (self._pack.indicators[f"{self._form}.{name}"] for name in span)
        standing: dict[Subject, list[tuple[UUID | None, tuple[str, str]]]] = {}
        asked = [(sheet, position) for sheet in self.found.sheets for position in (*sheet.new(), *sheet.changes) if position not in sheet.faulty]
        subjects = {subject.id for sheet, position in asked if (subject := sheet.subjects[position]) is not None and subject.id is not None}
        lookup = "person_id__in" if self._register.subject.ref == "person" else "household_id__in"
        for row in self._load(**{lookup: subjects}):
            if row.state != Record.State.VOID:
                standing.setdefault(row.subject, []).append((row.id, span_between(row.values, span)))
        for sheet, position in asked:
            subject, known = sheet.subjects[position], sheet.known[position]
            if subject is None or subject.id is None:
                continue
            values = {**(known.values if known is not None else {}), **sheet.changes.get(position, {})}
            if known is None:
                values = {item.name: sheet.value(item, position) for item in (first, last)}
            own = span_between(values, span)
            for other, theirs in standing.get(subject, ()):
                if (known is None or other != known.id) and overlap(own, theirs) and len(self.found.doubts) < _MOST_DOUBTS:
                    said = self._said_span(theirs, first, last)
                    message = _("和已登记的一条时间重叠（%(span)s），请核对是不是同一件事。") % {"span": said}
                    self.found.doubts.append(sheet.block.fault(sheet.rows[position], first.key, message))
                    break
            if known is None:
                standing.setdefault(subject, []).append((None, own))

    def _said_span(self, span: tuple[str, str], first: Indicator, last: Indicator) -> str:
        ends = self._pack.display(last, span[1]) if span[1] != OPEN else _("现在")
        return f"{self._pack.display(first, span[0])} – {ends}"

    def _apart(self) -> None:
        """Rows that must not meet in time: each is judged against those of its village that are there and those above it in the file."""
        asked = [(sheet, place) for sheet in self.found.sheets for place in (*sheet.new(), *sheet.changes) if place not in sheet.faulty]
        villages = {subject.village for sheet, place in asked if (subject := sheet.subjects[place]) is not None}
        stored = Record.objects.visible_to(self._on.reach).filter(form=self._form, village_code__in=villages).exclude(state=Record.State.VOID)
        others: dict[Any, dict[UUID, Record]] = {}
        for record in stored:
            others.setdefault(apart.whose(record), {})[record.pk] = record
        digests = apart.digests(self._register, [record.pk for rows in others.values() for record in rows.values()])
        for sheet, place in asked:
            record = self._as_record(sheet, place)
            rows = others.setdefault(apart.whose(record), {})
            rows.pop(record.pk, None)
            scope = self._logic.scope_of(record)
            for name, message in apart.meeting(record, list(rows.values()), self._register, self._pack, scope, digests):
                self._tell(sheet, place, f"{self._form}.{name}", message)
            rows[record.pk] = record

    def _as_record(self, sheet: Sheet, position: int) -> Record:
        """The row as it would be stored, but for whole secret numbers in it."""
        known, subject = sheet.known[position], sheet.subjects[position]
        assert subject is not None
        values = {item.name: value for item in self._asked if (value := sheet.value(item, position)) is not MASKED} if known is None else {}
        values |= {**(known.values if known is not None else {}), **sheet.changes.get(position, {})}
        values |= sheet.secrets_of(position)
        return Record(
            id=known.id if known is not None else uuid4(),
            form=self._form,
            village_code=subject.village,
            subject_id=subject.id,
            subject_code=subject.code,
            household_id=subject.household,
            person_id=subject.person,
            values=values,
        )

    # --- rows there already

    def _find_same(self) -> None:
        """Rows that nothing names, yet whose every cell a row of the same subject already holds: each such row answers for one of the file."""
        for sheet in self.found.sheets:
            positions = sheet.new()
            items = [item for item in self._asked if item.key in sheet.block.columns]
            wanted: dict[tuple[str, str], list[int]] = {}
            texts = [self._texts(sheet, item, positions) for item in items]
            for position, parts in zip(positions, zip(*texts, strict=True) if texts else (), strict=True):
                subject = sheet.subjects[position]
                assert subject is not None
                said = hashlib.md5(_UNIT.join(parts).encode(), usedforsecurity=False).hexdigest()
                wanted.setdefault((subject.key, said), []).append(position)
            for key, count in self._held(items, {subject for subject, _said in wanted}):
                for position in wanted.get(key, ())[:count]:
                    sheet.same.add(position)
            if doubled := sum(len(places) - 1 for places in wanted.values()):
                note = _("表“%(sheet)s”里有 %(count)d 行和别的行完全相同，请看看是不是重复填写。") % {"sheet": sheet.block.sheet, "count": doubled}
                self.found.notes.append(note)

    def _texts(self, sheet: Sheet, item: Indicator, positions: Sequence[int]) -> list[str]:
        if item.name in sheet.values:
            held = sheet.values[item.name]
            return [_json_text(held[position]) for position in positions]
        column = sheet.block.columns[item.key]
        return column.made("text", _json_text, [column.codes[sheet.rows[position]] for position in positions])

    def _held(self, items: Sequence[Indicator], subjects: set[str]) -> Iterator[tuple[tuple[str, str], int]]:
        """((subject, digest of the items), how many such rows) of the register within reach, only of subjects in the file."""
        column = subject_column(self._register.subject.ref)
        kind = "uuid" if column.endswith("_id") else "varchar"
        parts = [sql.SQL("coalesce(r.values ->> {}, '')").format(sql.Literal(item.name)) for item in items]
        statement = sql.SQL(
            "SELECT r.{column}::text, md5(concat_ws({unit}, {parts})), count(*) FROM records_record r"
            " WHERE r.form = {form} AND r.state <> {void} AND r.{column} = ANY(%s::{kind}[]) GROUP BY 1, 2"
        ).format(
            column=sql.Identifier(column),
            unit=sql.Literal(_UNIT),
            parts=sql.SQL(", ").join(parts),
            form=sql.Literal(self._form),
            void=sql.Literal(Record.State.VOID.value),
            kind=sql.SQL(kind),
        )
        for piece in pieces(subjects) if items else ():
            with connection.cursor() as cursor:
                cursor.execute(statement, [piece])
                for subject, said, count in cursor:
                    yield (subject, said), count


def _json_text(value: Any) -> str:
    """As `values ->> item` says a value."""
    if value is None or value is MASKED:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)


def _villages_of_keys(form: str, keys: set[str]) -> dict[str, str]:
    """{unique key: name of the village} of rows of the whole county; of those within reach too."""
    found: dict[str, str] = {}
    with connection.cursor() as cursor:
        for piece in pieces(keys):
            cursor.execute("SELECT unique_key, village FROM ffp_villages_of_register_keys(%s, %s)", [form, piece])
            found |= dict(cursor.fetchall())
    return found
