"""A checked file into the register: COPY into a temporary table (row security refuses it elsewhere), then set-wise SQL; list rows and links with it.

All in the caller's transaction, under one act. While the database takes one piece the next is put together.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _
from psycopg import sql

from fangfanpin.accounts.models import User
from fangfanpin.pack import Indicator
from fangfanpin.privacy.secrets import digest, encrypt
from fangfanpin.records.models import Record
from fangfanpin.records.workbooks.batches import ImportRefused, Report
from fangfanpin.records.workbooks.copying import ESCAPES, NULL, contents, insert, json_maker, objects, ordered_ids
from fangfanpin.registers.bulk import entries_statement, links_statements, write_entries, write_links
from fangfanpin.registers.models import Sealed
from fangfanpin.registers.services import follow
from fangfanpin.registers.workbooks.columns import MASKED
from fangfanpin.registers.workbooks.finding import Subject
from fangfanpin.registers.workbooks.sheets import Checked, Sheet
from fangfanpin.registers.written import Written, households_of, rows_written

STAGE = "register_stage"
_COPIED = ("id", "village_code", "household_id", "person_id", "subject_code", "values")
_AT_ONCE = 10_000  # rows in a piece
_AHEAD = 2  # pieces put together while the database is busy with another


# A row of a register that was returned is handed in again; a village's table that was empty is begun, and handed in by an act of its own; one that
# was approved and unlocked since goes through review once more.
_UPDATE = """
UPDATE records_record r SET values = r.values || c.values, version = r.version + 1, pack_hash = %(pack)s, entered_by_id = %(by)s, updated_at = now(),
    state = CASE WHEN r.state = ANY (%(from)s) THEN %(to)s WHEN r.state = ANY (%(reviewed)s) THEN 'submitted' ELSE r.state END,
    submitted_at = CASE WHEN %(now)s AND r.state = ANY (%(from)s) OR r.state = ANY (%(reviewed)s) THEN now() ELSE r.submitted_at END,
    return_reason = CASE WHEN %(now)s AND r.state = ANY (%(from)s) THEN '' ELSE r.return_reason END
FROM register_change c WHERE r.id = c.id AND r.version = c.version
"""


@dataclass(slots=True)
class Applied:
    """Rows written."""

    new: int = 0
    changed: int = 0


def apply(checked: Checked, *, batch_id: UUID, by: User | None, report: Report) -> Applied:
    """Write the good rows. Raises ImportRefused where a row was changed by somebody else while the file was being checked."""
    done = Applied()
    total = sum(len(sheet.new()) for sheet in checked.sheets)
    with connection.cursor() as cursor, ThreadPoolExecutor(max_workers=1) as executor:
        cursor.execute("SET LOCAL work_mem = '128MB'")  # room for the rows that the triggers are handed
        _make_stage(cursor, checked, by)
        register, pack = checked.ground.register, checked.ground.pack
        # Made here: the other thread must ask Django for nothing, which would open it a connection of its own.
        following = [entries_statement(register, pack, source=STAGE), *(missing for _stale, missing in links_statements(register, source=STAGE))]
        waiting: deque[Future[None]] = deque()
        sealed: list[Sealed] = []
        made: list[str] = []
        try:
            for sheet in checked.sheets:
                for positions in _pieces(sheet.new()):
                    ids = list(ordered_ids(len(positions)))
                    columns = _staged(checked, sheet, positions, ids)
                    sealed += _sealed(sheet, positions, ids)
                    if not register.form.belongs:
                        made += ids
                    if len(waiting) >= _AHEAD:
                        waiting.popleft().result()
                    waiting.append(executor.submit(_write, cursor, checked, columns, following, batch_id))
                    done.new += len(positions)
                    report(done.new, total)
            while waiting:
                waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
        done.changed = _change(cursor, checked, by)
        for sheet in checked.sheets:
            changed = [position for position in sheet.good() if position in sheet.changes]
            sealed += _sealed(sheet, changed, [known.id for position in changed if (known := sheet.known[position]) is not None])
        Sealed.objects.bulk_create(
            sealed, batch_size=1000, update_conflicts=True, unique_fields=["record", "name"], update_fields=["cipher", "digest"]
        )
    if done.new or done.changed:
        follow(register, pack, checked.villages())
        rows_written(_written(checked, made), pack, by)
    return done


def _written(checked: Checked, made: Sequence[str]) -> Written:
    """The rows of the file that were taken, and the households they touch."""
    form = checked.ground.register.form
    touched = [(sheet, position) for sheet in checked.sheets for position in (*sheet.new(), *sheet.changes) if position not in sheet.faulty]
    if form.belongs:
        subjects = (sheet.subjects[position] for sheet, position in touched)
        return Written(form, (), {subject.household for subject in subjects if subject is not None and subject.household is not None})
    known = [row.id for sheet, position in touched if (row := sheet.known[position]) is not None]
    records = [*map(UUID, made), *known]
    return Written(form, records, households_of(form, records))


def _pieces(positions: Sequence[int]) -> Iterator[list[int]]:
    rest = iter(positions)
    while piece := list(islice(rest, _AT_ONCE)):
        yield piece


def _make_stage(cursor: Any, checked: Checked, by: User | None) -> None:
    """Named as a record's columns are, so that list rows and links are made from it as from records; what is the same in all rows is a default."""
    cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(STAGE)))
    cursor.execute(
        sql.SQL(
            "CREATE TEMPORARY TABLE {} (id uuid, village_code varchar(12), household_id uuid, person_id uuid, subject_code varchar(40), values jsonb,"
            " form varchar(40) DEFAULT {form}, year int DEFAULT {year}, period varchar(10) DEFAULT '', state varchar(10) DEFAULT {state},"
            " entered_by_id bigint DEFAULT {by}, created_at timestamptz DEFAULT now()) ON COMMIT DROP"
        ).format(
            sql.Identifier(STAGE),
            form=sql.Literal(checked.ground.register.key),
            year=sql.Literal(checked.ground.year),
            state=sql.Literal(Record.State.SUBMITTED.value),
            by=sql.Literal(by.pk if by is not None else None),
        )
    )


def _staged(checked: Checked, sheet: Sheet, positions: Sequence[int], ids: Sequence[str]) -> list[bytes]:
    subjects = [sheet.subjects[position] for position in positions]
    assert all(subject is not None for subject in subjects)
    whose = {subject: _whose(subject) for subject in set(subjects) if subject is not None}
    register = checked.ground.register
    items = [item for item in register.shown if item != register.subject]
    values = objects([_json(sheet, item, positions) for item in items], len(positions))
    return list(contents([ids, [whose[subject] for subject in subjects if subject is not None], values]))


def _whose(subject: Subject) -> str:
    return f"{subject.village}\t{subject.household or NULL}\t{subject.person or NULL}\t{subject.code}"


def _sealed(sheet: Sheet, positions: Sequence[int], ids: Sequence[Any]) -> list[Sealed]:
    """Secret numbers of these rows, as cipher and digest."""
    found = []
    for position, key in zip(positions, ids, strict=True) if sheet.secrets else ():
        subject = sheet.subjects[position]
        assert subject is not None
        for name, number in sheet.secrets_of(position).items():
            what = {"cipher": encrypt(number) or "", "digest": digest(number)}
            found.append(Sealed(record_id=key, name=name, village_code=subject.village, household_id=subject.household, **what))
    return found


def _json(sheet: Sheet, item: Indicator, positions: Sequence[int]) -> list[str]:
    """`"item": value` of each row; null where the file has no such column."""
    make = json_maker(item.name)
    held = sheet.values.get(item.name)
    if held is not None:
        made: dict[Any, str] = {}
        return [_once(made, make, held[position]) for position in positions]
    column = sheet.block.columns.get(item.key)
    if column is None:
        return [make(None)] * len(positions)
    return column.made("json", lambda value: make(None if value is MASKED else value), [column.codes[sheet.rows[position]] for position in positions])


def _once(made: dict[Any, str], make: Callable[[Any], str], value: Any) -> str:
    key = tuple(value) if isinstance(value, list) else value
    found = made.get(key)
    if found is None:
        found = made[key] = make(value)
    return found


def _write(cursor: Any, checked: Checked, content: Sequence[bytes], following: Sequence[sql.Composed], batch_id: UUID) -> None:
    """One piece: staged, then records, list rows and links of it (`following`). Runs in the thread that alone talks to the database meanwhile."""
    register, pack = checked.ground.register, checked.ground.pack
    cursor.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier(STAGE)))
    with cursor.copy(
        sql.SQL("COPY {} (id, village_code, household_id, person_id, subject_code, values) FROM STDIN").format(sql.Identifier(STAGE))
    ) as copy:
        for piece in content:
            copy.write(piece)
    own = {"household": "s.household_id", "person": "s.person_id"}.get(register.form.subject, "NULL::uuid")
    columns = ("id", "form", "year", "period", "village_code", "household_id", "person_id", "subject_code", "state", "values", "entered_by_id")
    given: dict[str, sql.Composable] = {
        **{name: sql.SQL("s.{}").format(sql.Identifier(name)) for name in columns},
        "subject_kind": sql.Literal(register.form.subject),
        "subject_id": sql.SQL(own),
        "pack_hash": sql.Literal(pack.hash),
        "origin": sql.Literal("import"),
        "submitted_at": sql.SQL("now()"),
    }
    insert(cursor, Record, given, sql.SQL("{} s").format(sql.Identifier(STAGE)), batch_id)
    for statement in following:
        cursor.execute(statement)


def _change(cursor: Any, checked: Checked, by: User | None) -> int:
    """Known rows get what differs; a returned one is handed in again."""
    rows = [
        (known, sheet.changes[position])
        for sheet in checked.sheets
        for position in sheet.good()
        if position in sheet.changes and (known := sheet.known[position]) is not None
    ]
    if not rows:
        return 0
    register, pack = checked.ground.register, checked.ground.pack
    cursor.execute("DROP TABLE IF EXISTS register_change")
    cursor.execute("CREATE TEMPORARY TABLE register_change (id uuid PRIMARY KEY, version int, values jsonb) ON COMMIT DROP")
    with cursor.copy("COPY register_change (id, version, values) FROM STDIN") as copy:
        for known, changes in rows:
            copy.write(f"{known.id}\t{known.version}\t{json.dumps(changes, ensure_ascii=False).translate(ESCAPES)}\n".encode())
    cursor.execute("ANALYZE register_change")
    begun = {"from": ["empty"], "to": "draft", "now": False}
    again = begun if register.is_yearly else {"from": ["returned", "draft"], "to": "submitted", "now": True}
    reviewed = [Record.State.APPROVED.value, Record.State.LOCKED.value]
    cursor.execute(_UPDATE, {"pack": pack.hash, "by": by.pk if by is not None else None, "reviewed": reviewed, **again})
    if cursor.rowcount != len(rows):
        raise ImportRefused(_("检查以后，有的登记刚刚被别人改动，一条也没有导入。请再试一次。"))
    only = [known.id for known, _changes in rows]
    write_entries(register, pack, only=only)
    write_links(register, only=only)
    return len(rows)
