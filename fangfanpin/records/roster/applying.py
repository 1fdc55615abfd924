"""Checked rows into the registry and the baseline: COPY into temporary tables (row security refuses it elsewhere), then set-wise SQL.

New rows are inserted; of known rows only what differs is changed, never with an empty cell, and never a column that a person has changed
since (the events say so): those are listed beside what the file says. All in the caller's transaction, under one act.
"""

import json
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection
from psycopg import sql

from fangfanpin.households.models import Household, Membership, MonitoringSpell, Person
from fangfanpin.households.subjects import initials, name_key
from fangfanpin.records.models import ImportDifference, Record
from fangfanpin.records.roster.checking import Checked, HouseholdRow, PersonRow
from fangfanpin.records.roster.columns import SPELL_FORM
from fangfanpin.records.roster.computing import compute, sources
from fangfanpin.records.roster.intake import NATURAL_VILLAGE
from fangfanpin.records.roster.pairings import write_pairings
from fangfanpin.records.roster.staging import Group, Staged, homes_of, stage_households, stage_persons
from fangfanpin.records.services import open_year
from fangfanpin.records.units import HEAD, HOUSEHOLD_FORM, LIVE, PERSON_FORM
from fangfanpin.records.workbooks.cells import Block
from fangfanpin.records.workbooks.copying import insert, ordered_ids
from fangfanpin.regions.models import Region

_STAGE = {Household: "roster_household", Person: "roster_person"}
_FORM = {Household: HOUSEHOLD_FORM, Person: PERSON_FORM}
# Types of the temporary tables' columns, by column of the model.
_TYPES = {model: {f.attname: str(f.db_type(connection)) for f in model._meta.concrete_fields} for model in (Household, Person)}
_SPELL_COLUMNS = ("spell_no", "identified_month", "eliminated_month", "monitoring_type", "spell_state")
_HOUSEHOLDS_AT_ONCE = 4000
_AHEAD = 2  # pieces of work staged while the database is busy with another
# Seconds after which a busy thread makes room for the other: what streams to the database needs its turn many times a piece, and with
# Python's 5 ms it streamed half as fast.
_TURN = 0.0005


@dataclass(slots=True)
class Counts:
    """What was done: rows made and changed per kind; `differences`: file and registry say different things and a person's word stands."""

    households_new: int = 0
    households_changed: int = 0
    households_same: int = 0
    persons_new: int = 0
    persons_changed: int = 0
    persons_same: int = 0
    records_new: int = 0
    records_changed: int = 0
    spells: int = 0
    pairings: int = 0
    opened: int = 0
    differences: int = 0
    missing_members: int = 0

    def as_json(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class _Work:
    checked: Checked
    batch_id: UUID
    counts: Counts = field(default_factory=Counts)


class Application:
    """Writes households with their members, piece by piece, under the transaction's act, which must be set.

    One thread of its own talks to the database while the next piece is put together; until `finish` or `give_up` nobody else may use the
    connection. Nothing is raised for what a file may hold: that was checked.
    """

    def __init__(self, checked: Checked, *, batch_id: UUID) -> None:
        self._work = _Work(checked, batch_id)
        self._cursor = connection.cursor()
        self._executor = ThreadPoolExecutor(max_workers=1)
        self._waiting: deque[Future[None]] = deque()
        self._orders: dict[str, int] = {}
        self._turn = sys.getswitchinterval()
        sys.setswitchinterval(_TURN)
        # Room for the rows that the triggers are handed: on disk they cost a second write of everything.
        self._cursor.execute("SET LOCAL work_mem = '128MB'")
        # Leading records by household: a table of our own, for the planner knows nothing yet of rows this transaction wrote elsewhere.
        self._cursor.execute("DROP TABLE IF EXISTS roster_lead")
        self._cursor.execute("CREATE TEMPORARY TABLE roster_lead (household_id uuid PRIMARY KEY, record_id uuid NOT NULL) ON COMMIT DROP")

    def write(self, households: Sequence[HouseholdRow], persons: Sequence[PersonRow]) -> None:
        """Stage these households with all their members and hand them to the database; waits where it is far behind."""
        work, checked, homes = self._work, self._work.checked, homes_of(persons)
        _give_ids(households, persons)
        staged = [stage_households(checked, block, rows, homes, self._walking_orders(block, rows)) for block, rows in _by_block(households)]
        people = [stage_persons(checked, block, rows) for block, rows in _persons_by_block(persons)]
        villages = sorted({household.village for household in households})
        self._submit(lambda: _write(self._cursor, work, staged, people, villages))

    def write_all(self, report: Callable[[int], None]) -> None:
        """Everything that was found good, in the order of the file."""
        checked = self._work.checked
        members: dict[str, list[PersonRow]] = {}
        for person in checked.persons:
            members.setdefault(person.household, []).append(person)
        rows = iter(checked.households.values())
        done = 0
        while chunk := list(islice(rows, _HOUSEHOLDS_AT_ONCE)):
            persons = [person for household in chunk for person in members.get(household.code, ())]
            self.write(chunk, persons)
            done += len(persons)
            report(done)

    def _walking_orders(self, block: Block | None, rows: Sequence[HouseholdRow]) -> list[int]:
        """Place in the file within the natural village: the nearest to the order of a walk that a roster knows."""
        orders = []
        for row in rows:
            place = (block.value(NATURAL_VILLAGE, row.row) if block is not None else None) or row.village
            self._orders[place] = self._orders.get(place, 0) + 1
            orders.append(self._orders[place])
        return orders

    def _submit(self, job: Callable[[], None]) -> None:
        while len(self._waiting) >= _AHEAD:
            self._waiting.popleft().result()
        self._waiting.append(self._executor.submit(job))

    def _settle(self) -> None:
        try:
            while self._waiting:
                self._waiting.popleft().result()
        finally:
            self._stop()

    def _stop(self) -> None:
        self._executor.shutdown(cancel_futures=True)
        sys.setswitchinterval(self._turn)

    def give_up(self) -> None:
        """Stop; the caller rolls back. What the database had to say no longer matters."""
        self._waiting.clear()
        self._stop()
        self._cursor.close()

    def finish(self, *, open_for: int) -> Counts:
        """Wait for the database, then what follows from all of it. `open_for`: the campaign year whose entry opens."""
        work, checked = self._work, self._work.checked
        said = _said_of_spells(checked)  # while the database still writes
        self._settle()
        _see(self._cursor, checked.ground.reach.villages)
        _natural_villages(checked)
        _spells(self._cursor, work, said)
        written = write_pairings(self._cursor, checked, work.batch_id)
        work.counts.pairings = written.made + written.changed
        work.counts.differences += written.differences
        _refresh(self._cursor, work)
        _missing_members(self._cursor, work)
        self._cursor.close()
        made = [UUID(row.id) for row in checked.households.values() if row.id is not None]
        work.counts.opened = open_year(year=open_for, pack_hash=checked.ground.pack.hash, households=made)
        return work.counts


def _see(cursor: Any, villages: Iterable[str]) -> None:
    """Narrow what this transaction sees to some villages of the reach, or open it to all of them again: row security looks a row's
    village up in the list, and a county's is long."""
    cursor.execute("SELECT set_config('ffp.villages', %s, true)", ["{" + ",".join(villages) + "}"])


def _write(cursor: Any, work: _Work, households: Sequence[Staged], persons: Sequence[Staged], villages: Sequence[str]) -> None:
    _see(cursor, villages)
    for staged in households:
        _households(cursor, work, staged)
    for staged in persons:
        _persons(cursor, work, staged)


def _by_block(rows: Iterable[HouseholdRow]) -> list[tuple[Block | None, list[HouseholdRow]]]:
    found: dict[int, tuple[Block | None, list[HouseholdRow]]] = {}
    for row in rows:
        found.setdefault(id(row.block), (row.block, []))[1].append(row)
    return list(found.values())


def _persons_by_block(persons: Sequence[PersonRow]) -> list[tuple[Block, list[PersonRow]]]:
    found: dict[int, tuple[Block, list[PersonRow]]] = {}
    for person in persons:
        found.setdefault(id(person.block), (person.block, []))[1].append(person)
    return list(found.values())


def _give_ids(households: Sequence[HouseholdRow], persons: Sequence[PersonRow]) -> None:
    """Identifiers, missing person codes (household code + running number, as for members added by hand) and places in the household."""
    ids = ordered_ids(len(households) + len(persons))
    for row in households:
        row.id = str(row.known.id) if row.known else next(ids)
    taken: dict[str, set[str]] = {}
    places: dict[str, int] = {}
    for person in persons:
        person.id = str(person.known.id) if person.known else next(ids)
        places[person.household] = places.get(person.household, 0) + 1
        person.position = 0 if person.relation == HEAD else places[person.household]
        if person.known is not None and person.code is None:
            person.code = person.known.code
        if person.code is not None:
            taken.setdefault(person.household, set()).add(person.code)
    for person in persons:
        if person.code is not None:
            continue
        used = taken.setdefault(person.household, set())
        number = len(used) + 1
        while (code := f"{person.household}-{number:02d}") in used:
            number += 1
        person.code = code
        used.add(code)


def _natural_villages(checked: Checked) -> None:
    """Groups of a village are the county's own: a roster that names one makes it known."""
    rows = [row for row in checked.households.values() if row.block is not None and NATURAL_VILLAGE in row.block.columns]
    used = {code for row in rows if row.block is not None and (code := row.block.value(NATURAL_VILLAGE, row.row))}
    missing = used - set(Region.objects.filter(code__in=used).values_list("code", flat=True))
    Region.objects.bulk_create(
        [
            Region(code=code, name=f"{int(code[12:])}组", level="natural_village", parent_id=code[:12], position=int(code[12:]))
            for code in sorted(missing)
        ],
        ignore_conflicts=True,
    )


# --- temporary tables -------------------------------------------------------------------------------------------------


def _fill(cursor: Any, staged: Staged) -> None:
    """Make the temporary table and fill it."""
    stage = sql.Identifier(_STAGE[staged.model])
    cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(stage))
    columns = []
    for name in staged.names:
        kind = staged.extra.get(name) or _TYPES[staged.model][name]
        columns.append(sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(str(kind))))
    kept = sql.SQL("kept text[] NOT NULL DEFAULT '{}', record_id uuid, record_kept text[] NOT NULL DEFAULT '{}'")
    cursor.execute(sql.SQL("CREATE TEMPORARY TABLE {} ({}, {}) ON COMMIT DROP").format(stage, sql.SQL(", ").join(columns), kept))
    names = sql.SQL(", ").join(map(sql.Identifier, staged.names))
    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(stage, names)) as copy:
        for piece in staged.content:
            copy.write(piece)
    if staged.has_known:
        cursor.execute(sql.SQL("ANALYZE {}").format(stage))  # it will be joined


# --- registry ---------------------------------------------------------------------------------------------------------


def _column(alias: str, name: str) -> sql.Composable:
    return sql.SQL("{}.{}").format(sql.Identifier(alias), sql.Identifier(name))


def _staged(staged: Staged, more: Iterable[str] = ()) -> dict[str, sql.Composable]:
    names = {f.attname for f in staged.model._meta.concrete_fields}
    return {name: _column("s", name) for name in (*staged.names, *more) if name in names and name not in ("values", "subject")}


def _said(model: type[Household | Person], group: Group) -> sql.Composable:
    """The file says something: an empty cell never erases."""
    lead = _column("s", group.columns[0])
    match model._meta.get_field(group.columns[0]).get_internal_type():
        case "CharField" | "TextField":
            return sql.SQL("({0} IS NOT NULL AND {0} <> '')").format(lead)
        case "ArrayField":
            return sql.SQL("cardinality({}) > 0").format(lead)
        case _:
            return sql.SQL("{} IS NOT NULL").format(lead)


def _other(group: Group) -> sql.Composable:
    """The file says another thing than the registry."""
    if group.same:
        return sql.SQL("NOT {}").format(_column("s", group.same))
    return sql.SQL("{} IS DISTINCT FROM {}").format(_column("s", group.columns[0]), _column("t", group.columns[0]))


def _kept(group: Group) -> sql.Composable:
    return sql.SQL("{} = ANY(s.kept)").format(sql.Literal(group.kept_by))


def _find_kept(cursor: Any, staged: Staged) -> bool:
    """Which columns of known rows a person has changed: their last word is not an import's. All of a row that a person made."""
    table = staged.model._meta.db_table
    cursor.execute(
        sql.SQL(
            "UPDATE {stage} s SET kept = k.names FROM ("
            " SELECT e.row_id, array_agg(DISTINCT n.name) AS names FROM {stage} g"
            " JOIN audit_event e ON e.table_name = {table} AND e.row_id = g.id::text,"
            " LATERAL (SELECT jsonb_object_keys(e.changed) AS name WHERE e.op = 'U'"
            "  UNION ALL SELECT jsonb_object_keys(e.row) WHERE e.op = 'I') n"
            " WHERE NOT g.is_new AND e.act !~ '^(import[.]|demo[.]|job )' GROUP BY e.row_id) k WHERE s.id::text = k.row_id"
        ).format(stage=sql.Identifier(_STAGE[staged.model]), table=sql.Literal(table))
    )
    return bool(cursor.rowcount)


def _change_known(cursor: Any, work: _Work, staged: Staged) -> int:
    """Bring known rows in line with the file; what a person changed stays and is listed. Returns rows changed."""
    model = staged.model
    table, stage = sql.Identifier(model._meta.db_table), sql.Identifier(_STAGE[model])
    groups = [group for group in staged.groups if group.columns[0] in staged.names]
    if _find_kept(cursor, staged):
        for group in groups:
            if group.item:
                _list_differences(cursor, work, staged, group)
    taken = {group: sql.SQL("({} AND {} AND NOT {})").format(_said(model, group), _other(group), _stands(model, group)) for group in groups}
    sets = [
        sql.SQL("{} = CASE WHEN {} THEN {} ELSE {} END").format(sql.Identifier(name), taken[group], _column("s", name), _column("t", name))
        for group in groups
        for name in group.columns
    ]
    cursor.execute(
        sql.SQL(
            "UPDATE {table} t SET {sets}, version = t.version + 1, updated_at = now() FROM {stage} s WHERE t.id = s.id AND NOT s.is_new AND ({any})"
        ).format(table=table, stage=stage, sets=sql.SQL(", ").join(sets), any=sql.SQL(" OR ").join(taken.values()))
    )
    return int(cursor.rowcount)


def _stands(model: type[Household | Person], group: Group) -> sql.Composable:
    """A person's word stands, but for a code of ours: it gives way to the national system's."""
    if model is Person and group.columns == ("code",):
        return sql.SQL("({} AND position('-' IN t.code) = 0)").format(_kept(group))
    return _kept(group)


def _list_differences(cursor: Any, work: _Work, staged: Staged, group: Group) -> None:
    model = staged.model
    own = model is Household
    source = sql.SQL("{stage} s JOIN {table} t ON t.id = s.id AND NOT s.is_new WHERE {said} AND {other} AND {kept}").format(
        stage=sql.Identifier(_STAGE[model]),
        table=sql.Identifier(model._meta.db_table),
        said=_said(model, group),
        other=_other(group),
        kept=_stands(model, group),
    )
    given = {
        "batch_id": sql.Literal(work.batch_id),
        "household_id": sql.SQL("t.id") if own else sql.SQL("t.household_id"),
        "village_code": sql.SQL("t.village_code"),
        "person_id": sql.SQL("NULL::uuid") if own else sql.SQL("t.id"),
        "form": sql.Literal(_FORM[model]),
        "name": sql.Literal(group.item),
        "stored": sql.SQL("to_jsonb({})").format(_column("t", group.show)),
        "offered": sql.SQL("to_jsonb({})").format(_column("s", group.show)),
    }
    work.counts.differences += _insert_difference(cursor, given, source)


def _insert_difference(cursor: Any, given: Mapping[str, sql.Composable], source: sql.Composable) -> int:
    cursor.execute(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
            sql.Identifier(ImportDifference._meta.db_table),
            sql.SQL(", ").join(map(sql.Identifier, given)),
            sql.SQL(", ").join(given.values()),
            source,
        )
    )
    return int(cursor.rowcount)


def _households(cursor: Any, work: _Work, staged: Staged) -> None:
    _fill(cursor, staged)
    counts = work.counts
    if staged.has_known:
        changed = _change_known(cursor, work, staged)
        counts.households_changed += changed
    new = insert(cursor, Household, _staged(staged), sql.SQL("roster_household s WHERE s.is_new"), work.batch_id)
    counts.households_new += new
    counts.households_same += staged.count - new - (changed if staged.has_known else 0)
    _records(cursor, work, staged)


def _persons(cursor: Any, work: _Work, staged: Staged) -> None:
    _fill(cursor, staged)
    counts = work.counts
    if staged.has_known:
        changed = _change_known(cursor, work, staged)
        counts.persons_changed += changed
        _follow_memberships(cursor)
    new = insert(cursor, Person, _staged(staged), sql.SQL("roster_person s WHERE s.is_new"), work.batch_id)
    counts.persons_new += new
    counts.persons_same += staged.count - new - (changed if staged.has_known else 0)
    _memberships(cursor, work, staged)
    _records(cursor, work, staged)


def _memberships(cursor: Any, work: _Work, staged: Staged) -> None:
    """A membership for each new person: open, or ended where the file says the person left."""

    def column(name: str, missing: str) -> sql.Composable:
        return _column("s", name) if name in staged.names else sql.SQL(missing)

    kind, reason, date = column("change_kind", "''"), column("change_reason", "''"), column("change_date", "NULL::date")
    left = sql.SQL("s.member_state = '02'")
    given = {
        "id": sql.SQL("overlay(s.id::text PLACING '8' FROM 15 FOR 1)::uuid"),  # the person's own id with another version digit: one to one, in order
        "person_id": sql.SQL("s.id"),
        "household_id": sql.SQL("s.household_id"),
        "village_code": sql.SQL("s.village_code"),
        "relation_to_head": column("relation_to_head", "''"),
        "valid_from": sql.SQL("CASE WHEN {} = '01' THEN {} END").format(kind, date),
        "valid_to": sql.SQL("CASE WHEN {} THEN coalesce({}, current_date) END").format(left, date),
        "arrive_reason": sql.SQL("CASE WHEN {} = '01' THEN {} ELSE '' END").format(kind, reason),
        "leave_reason": sql.SQL("CASE WHEN {} THEN {} ELSE '' END").format(left, reason),
    }
    insert(cursor, Membership, given, sql.SQL("roster_person s WHERE s.is_new"), work.batch_id)


def _follow_memberships(cursor: Any) -> None:
    """Where an import changed a known person's relation or state, the open membership says the same."""
    cursor.execute(
        "UPDATE households_membership m SET relation_to_head = p.relation_to_head,"
        " valid_to = CASE WHEN p.member_state = '02' THEN coalesce(p.change_date, current_date) END,"
        " leave_reason = CASE WHEN p.member_state = '02' THEN p.change_reason ELSE m.leave_reason END"
        " FROM roster_person s JOIN households_person p ON p.id = s.id"
        " WHERE NOT s.is_new AND m.person_id = p.id AND m.household_id = p.household_id AND m.valid_to IS NULL"
        " AND (m.relation_to_head <> p.relation_to_head OR p.member_state = '02')"
    )


# --- baseline ---------------------------------------------------------------------------------------------------------


def _records(cursor: Any, work: _Work, staged: Staged) -> None:
    """The locked record of the year before the campaign's, per household and person of the stage."""
    year = work.checked.ground.year
    own = staged.model is Household
    form, stage = _FORM[staged.model], sql.Identifier(_STAGE[staged.model])
    if staged.has_known:
        cursor.execute(
            sql.SQL(
                "UPDATE {} s SET record_id = r.id FROM records_record r WHERE NOT s.is_new AND r.form = %s AND r.year = %s AND r.period = ''"
                " AND r.subject_kind = %s AND r.subject_id = s.id"
            ).format(stage),
            [form, year, "household" if own else "person"],
        )
        if cursor.rowcount:
            _change_records(cursor, work, staged)
    given = {
        "id": sql.SQL("s.fresh"),
        "form": sql.Literal(form),
        "year": sql.Literal(year),
        "subject_kind": sql.Literal("household" if own else "person"),
        "subject_id": sql.SQL("s.id"),
        "household_id": sql.SQL("s.id") if own else sql.SQL("s.household_id"),
        "person_id": sql.SQL("NULL::uuid") if own else sql.SQL("s.id"),
        "parent_id": sql.SQL("NULL::uuid") if own else sql.SQL("lead.record_id"),
        "village_code": sql.SQL("s.village_code"),
        "state": sql.Literal(Record.State.LOCKED.value),
        "values": sql.SQL("s.values"),
        "subject": sql.SQL("s.subject"),
        "pack_hash": sql.Literal(work.checked.ground.pack.hash),
        "origin": sql.Literal("import"),
    }
    leads = sql.SQL("" if own else " JOIN roster_lead lead ON lead.household_id = s.household_id")
    source = sql.SQL("{} s{} WHERE s.record_id IS NULL").format(stage, leads)
    work.counts.records_new += insert(cursor, Record, given, source, work.batch_id)
    if own:
        cursor.execute("INSERT INTO roster_lead SELECT id, coalesce(record_id, fresh) FROM roster_household")


_NEWS = sql.SQL("jsonb_strip_nulls(s.values - s.record_kept)")
_MERGED = sql.SQL("(s.values || r.values || {})").format(_NEWS)


def _change_records(cursor: Any, work: _Work, staged: Staged) -> None:
    """Known baseline records take what the file says; a value that a person changed there stays and is listed."""
    stage = sql.Identifier(_STAGE[staged.model])
    own = staged.model is Household
    cursor.execute(
        sql.SQL(
            "UPDATE {stage} s SET record_kept = k.names FROM ("
            " SELECT e.row_id, array_agg(DISTINCT substr(n.name, 8)) AS names FROM {stage} g"
            " JOIN audit_event e ON e.table_name = 'records_record' AND e.row_id = g.record_id::text AND e.op = 'U',"
            " LATERAL jsonb_object_keys(e.changed) n(name)"
            " WHERE n.name LIKE 'values.%%' AND e.act !~ '^(import[.]|demo[.]|job )' GROUP BY e.row_id) k WHERE s.record_id::text = k.row_id"
        ).format(stage=stage),
        [],
    )
    if cursor.rowcount:
        given = {
            "batch_id": sql.Literal(work.batch_id),
            "household_id": sql.SQL("r.household_id"),
            "village_code": sql.SQL("r.village_code"),
            "person_id": sql.SQL("r.person_id"),
            "form": sql.SQL("r.form"),
            "name": sql.SQL("v.key"),
            "stored": sql.SQL("r.values -> v.key"),
            "offered": sql.SQL("v.value"),
        }
        source = sql.SQL(
            "{} s JOIN records_record r ON r.id = s.record_id, LATERAL jsonb_each(s.values) v"
            " WHERE v.key = ANY(s.record_kept) AND v.value <> 'null'::jsonb AND r.values -> v.key IS DISTINCT FROM v.value"
        ).format(stage)
        work.counts.differences += _insert_difference(cursor, given, source)
    if own:
        _compute_again(cursor, work)
    cursor.execute(
        sql.SQL(
            "UPDATE records_record r SET values = {merged}, subject = r.subject || jsonb_strip_nulls(s.subject), version = r.version + 1,"
            " updated_at = now() FROM {stage} s WHERE r.id = s.record_id"
            " AND ({merged} IS DISTINCT FROM r.values OR r.subject || jsonb_strip_nulls(s.subject) IS DISTINCT FROM r.subject)"
        ).format(merged=_MERGED, stage=stage)
    )
    work.counts.records_changed += int(cursor.rowcount)


def _compute_again(cursor: Any, work: _Work) -> None:
    """Computed items of known households stand on all the record holds, not only on what this file says."""
    pack = work.checked.ground.pack
    names = list(sources(pack))
    bare = sql.SQL("(s.values - {})").format(sql.Literal(names))
    cursor.execute(
        sql.SQL("UPDATE roster_household s SET values = {} WHERE record_id IS NOT NULL AND s.values ?| {}").format(bare, sql.Literal(names))
    )
    cursor.execute(
        sql.SQL(
            "SELECT s.id, {merged} FROM roster_household s JOIN records_record r ON r.id = s.record_id WHERE {merged} IS DISTINCT FROM r.values"
        ).format(merged=_MERGED)
    )
    rows = [(row_id, json.loads(values) if isinstance(values, str) else values) for row_id, values in cursor.fetchall()]
    if not rows:
        return
    read = set().union(*sources(pack).values())
    columns = {name: [values.get(name) for _id, values in rows] for name in read}
    found = compute(pack, columns, len(rows))
    again = [
        (row_id, json.dumps({name: values[place] for name, values in found.items() if values[place] is not None}))
        for place, (row_id, _values) in enumerate(rows)
    ]
    cursor.executemany("UPDATE roster_household SET values = values || %s::jsonb WHERE id = %s", [(values, row_id) for row_id, values in again])


# --- what follows -----------------------------------------------------------------------------------------------------


def _said_of_spells(checked: Checked) -> list[tuple[HouseholdRow, dict[str, Any]]]:
    """What the file says of each household's latest stay in monitoring; only those of which it says anything."""
    wanted: list[tuple[HouseholdRow, dict[str, Any]]] = []
    for block, rows in _by_block(checked.households.values()):
        if block is None:
            continue
        columns = {key.partition(".")[2]: column for key, column in block.columns.items() if key.startswith(f"{SPELL_FORM}.")}
        for row in rows if columns else ():
            values = {name: column.parsed[column.codes[row.row]] for name, column in columns.items()}
            if any(values.get(name) is not None for name in _SPELL_COLUMNS):
                wanted.append((row, values))
    return wanted


def _spells(cursor: Any, work: _Work, wanted: Sequence[tuple[HouseholdRow, dict[str, Any]]]) -> None:
    """The latest stays in monitoring."""
    if not wanted:
        return
    counts = work.counts
    known = {
        (str(spell.household_id), spell.spell_no): spell
        for spell in MonitoringSpell.objects.filter(household_id__in=[row.id for row, _values in wanted])
    }
    latest: dict[str, int] = {}
    for household_id, number in known:
        latest[household_id] = max(latest.get(household_id, 0), number)
    new: list[MonitoringSpell] = []
    ids = ordered_ids(len(wanted))
    for row, values in wanted:
        assert row.id is not None
        number = values.pop("spell_no", None) or latest.get(row.id, 1)
        spell = known.get((row.id, number))
        values.setdefault("spell_state", None)
        is_new = spell is None
        if spell is None:
            spell = MonitoringSpell(id=next(ids), household_id=row.id, village_code=row.village, spell_no=number, import_batch_id=work.batch_id)
            values["spell_state"] = values["spell_state"] or "01"
            new.append(spell)
        before = (*(getattr(spell, name) for name in _SPELL_COLUMNS), dict(spell.values))
        for name, value in values.items():
            if name in _SPELL_COLUMNS:
                if value is not None:
                    setattr(spell, name, value)
            elif value is not None or name not in spell.values:
                spell.values[name] = value
        if not is_new and before != (*(getattr(spell, name) for name in _SPELL_COLUMNS), spell.values):
            spell.version += 1
            spell.save()
            counts.spells += 1
    MonitoringSpell.objects.bulk_create(new, batch_size=2000)
    counts.spells += len(new)
    cursor.execute(
        "UPDATE households_household h SET monitoring_type = l.monitoring_type, monitoring_state = l.spell_state, version = h.version + 1,"
        " updated_at = now() FROM (SELECT DISTINCT ON (household_id) household_id, monitoring_type, spell_state"
        " FROM households_monitoringspell WHERE household_id = ANY(%s::uuid[]) ORDER BY household_id, spell_no DESC) l"
        " WHERE h.id = l.household_id AND (h.monitoring_type, h.monitoring_state) IS DISTINCT FROM (l.monitoring_type, l.spell_state)",
        [[row.id for row, _values in wanted]],
    )


def _refresh(cursor: Any, work: _Work) -> None:
    """What lists show of known households, in step with their members again: head's name, keys, live count."""
    known = [row.id for row in work.checked.households.values() if row.known is not None]
    if not known:
        return
    cursor.execute(
        "SELECT h.id, coalesce(m.name, h.head_name), coalesce(m.live, 0) FROM households_household h LEFT JOIN ("
        " SELECT household_id, count(*) AS live, min(member_name) FILTER (WHERE relation_to_head = %s) AS name"
        " FROM households_person WHERE household_id = ANY(%s::uuid[]) AND member_state = %s GROUP BY household_id) m ON m.household_id = h.id"
        " WHERE h.id = ANY(%s::uuid[]) AND (coalesce(m.name, h.head_name), coalesce(m.live, 0)) IS DISTINCT FROM (h.head_name, h.member_count)",
        [HEAD, known, LIVE, known],
    )
    for household_id, name, live in cursor.fetchall():
        cursor.execute(
            "UPDATE households_household SET head_name = %s, head_name_key = %s, head_initials = %s, member_count = %s, version = version + 1,"
            " updated_at = now() WHERE id = %s",
            [name, name_key(name), initials(name), live, household_id],
        )


def _missing_members(cursor: Any, work: _Work) -> None:
    """Live members of known households whom the file does not name: nobody is taken out by a file, they are listed."""
    known = [row.id for row in work.checked.households.values() if row.known is not None]
    if not known or not work.checked.persons:
        return
    named = [person.id for person in work.checked.persons]
    given = {
        "batch_id": sql.Literal(work.batch_id),
        "household_id": sql.SQL("p.household_id"),
        "village_code": sql.SQL("p.village_code"),
        "person_id": sql.SQL("p.id"),
        "form": sql.Literal(PERSON_FORM),
        "name": sql.Literal("member_state"),
        "stored": sql.SQL("to_jsonb(p.member_state)"),
        "offered": sql.SQL("NULL::jsonb"),
    }
    source = sql.SQL(
        "households_person p WHERE p.household_id = ANY({known}::uuid[]) AND p.member_state = {live} AND NOT p.id = ANY({named}::uuid[])"
    ).format(known=sql.Literal(known), live=sql.Literal(LIVE), named=sql.Literal(named))
    work.counts.missing_members = _insert_difference(cursor, given, source)
