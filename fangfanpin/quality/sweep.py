"""The complete sweep: every rule of the pack over the snapshot in DuckDB, hits become clues set-wise."""

import datetime
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import duckdb
import sqlglot.expressions as e
from django.db import connection, transaction
from django.utils import timezone

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import set_act
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.models import Campaign
from fangfanpin.expressions.duckdb import KEYS, ROW_KEY, aggregates_select, rules_select
from fangfanpin.jobs.services import Progress
from fangfanpin.pack import Pack, Rule
from fangfanpin.policy.services import pack_of
from fangfanpin.quality import messages, snapshot
from fangfanpin.quality.leads import Pointed, write_leads
from fangfanpin.quality.models import OF_ROWS, RECORD, STANDING_STATES, Clue, ClueStep, Sweep
from fangfanpin.quality.standing import write_counts
from fangfanpin.registers.models import Entry


@dataclass(frozen=True, slots=True)
class Hit:
    """One rule on one subject, with the values it used (scope.name → value as expressions see it). A register's row may be under no household;
    `person_id`: who the subject is, or whose row."""

    rule: Rule
    subject_id: UUID
    household_id: UUID | None
    village_code: str
    used: Mapping[str, Any]
    person_id: UUID | None = None

    @property
    def kind(self) -> str:
        return kind_of(self.rule)

    @property
    def key(self) -> tuple[str, str, UUID]:
        return self.rule.id, self.kind, self.subject_id

    def shown(self, pack: Pack) -> dict[str, Any]:
        """The values used in JSON form, as a clue keeps them."""
        return messages.shown(messages.codec_values(self.rule, self.used, pack))


def kind_of(rule: Rule) -> str:
    """What kind of subject a clue of the rule has: household, person, spell, village or natural_village for the row of their yearly table, or
    record for another register's row."""
    return rule.place or (rule.subject if rule.subject in KEYS else RECORD)


def find_hits(
    database: duckdb.DuckDBPyConnection,
    pack: Pack,
    today: datetime.date | None = None,
    judging: "Judge | None" = None,
    rules: Sequence[Rule] | None = None,
) -> list[Hit]:
    """All hits on a day, of all rules that are judged or of `rules`: one scan per subject judges its rules, then the values are read that the rules
    used where they hit. `judging`: another engine than DuckDB."""
    queries = queries_of(pack, today, rules)

    def judge(*subjects: str) -> list[_Judged]:
        return [one for subject in subjects if subject in queries for one in _judge(database, queries[subject], pack, judging or _in_place)]

    # Side by side: persons have about as many rules as households, spells and registers together, over more rows.
    with ThreadPoolExecutor(1) as pool:
        persons = pool.submit(judge, "person")
        judged = judge(*(subject for subject in queries if subject != "person")) + persons.result()
    judged_by = {one.rule.id: one.rule for one in judged}
    beside = _values_beside(database, queries, judged_by.values(), pack)
    sums = {rule_id: _sums(database, rule, pack, today) for rule_id, rule in judged_by.items() if rule.of_village and rule.aggregates}
    hits = []
    for one in judged:
        used: dict[str, Any] = {}
        for reading in messages.readings(one.rule):
            relation = messages.relation_of(reading, pack.schema())
            if relation is None:
                used[reading.name] = one.own[reading.name]
            else:
                used[reading.name] = {key: values[reading.name] for key, values in beside[relation].get(str(one.household_id), ())}
        used |= sums.get(one.rule.id, {}).get(one.subject_id, {})
        hits.append(Hit(one.rule, one.subject_id, one.household_id, one.village_code, used, one.person_id))
    return hits


_ALIAS = {"household": "h", "spell": "l"}


@dataclass(frozen=True, slots=True)
class Query:
    """The rules of one subject and the text that judges them all."""

    subject: str
    rules: Sequence[Rule]
    text: str

    @property
    def hits(self) -> str:
        """The table its rows are kept in."""
        return f"hit_{self.subject}"

    def households_hit(self, rule_ids: Container[str]) -> e.Select | None:
        """The households that these rules hit; None where none of them is of this subject."""
        columns = [e.column(f"r{place}") for place, rule in enumerate(self.rules) if rule.id in rule_ids]
        return e.select("household_key").from_(self.hits).where(e.or_(*columns)) if columns else None


@dataclass(frozen=True, slots=True)
class _Judged:
    """One rule on one subject, with the values it used but those of other rows."""

    rule: Rule
    subject_id: UUID
    household_id: UUID | None
    village_code: str
    own: Mapping[str, Any]

    @property
    def person_id(self) -> UUID | None:
        return self.subject_id if self.rule.subject == "person" else self.own.get(_PERSON)


_PERSON = "person_key"  # beside the values read of a register's row
_SETS_AT_ONCE = 24
# By the pack's hash, the day, of which constants are written in, and the rules where they are not all.
_queries: dict[tuple[str, datetime.date | None, tuple[str, ...] | None], dict[str, Query]] = {}


def queries_of(pack: Pack, today: datetime.date | None = None, rules: Sequence[Rule] | None = None) -> dict[str, Query]:
    """By subject, what judges on a day its rules, those of `rules` where they are given."""
    key = (pack.hash, today, None if rules is None else tuple(rule.id for rule in rules))
    if key not in _queries:
        if len(_queries) >= _SETS_AT_ONCE:
            _queries.clear()
        schema, env = pack.schema(), pack.constants(today)
        judged = pack.judged if rules is None else rules
        written = {}
        for subject in dict.fromkeys([*KEYS, *(rule.subject for rule in judged)]):
            own = [rule for rule in judged if rule.subject == subject]
            if own:
                select = rules_select([(rule.when, rule.scope) for rule in own], schema=schema, env=env)
                written[subject] = Query(subject, own, select.sql("duckdb", copy=False))
        _queries[key] = written
    return _queries[key]


Judge = Callable[[duckdb.DuckDBPyConnection, Query], None]  # makes the table `query.hits`
Judging = Callable[[duckdb.DuckDBPyConnection, Pack, datetime.date], AbstractContextManager[Judge]]


def _in_place(cursor: duckdb.DuckDBPyConnection, query: Query) -> None:
    cursor.sql(query.text).create(query.hits)


def _judge(database: duckdb.DuckDBPyConnection, query: Query, pack: Pack, judging: Judge) -> list[_Judged]:
    with database.cursor() as cursor:
        judging(cursor, query)
        rows = cursor.table(query.hits).fetchall()
        found = [(rule, row) for row in rows for rule, holds in zip(query.rules, row[3:], strict=True) if holds]
        own = _own_values(cursor, query, {rule.id: rule for rule, _ in found}.values(), pack)
    return [_Judged(rule, row[0], row[1], row[2], own[row[0]]) for rule, row in found]


def _own_values(database: duckdb.DuckDBPyConnection, query: Query, rules: Iterable[Rule], pack: Pack) -> dict[UUID, dict[str, Any]]:
    """Values of the subjects hit, their household's and its latest spell's, by the names that `rules` read."""
    subject = query.subject
    readings = {r.name: r for rule in rules for r in messages.readings(rule) if messages.relation_of(r, pack.schema()) is None}
    names = sorted(readings)
    own_key = KEYS.get(subject, ROW_KEY)
    columns: list[e.Expr] = [e.alias_(e.column(own_key, table="s"), "key")]
    aliases = {"s"}
    for name in names:
        reading = readings[name]
        table = reading.place.removesuffix(".last").removesuffix("last")
        alias = "s" if table in ("row", "", subject) and not (table == "spell" and subject == "spell") else _ALIAS[table]
        aliases.add(alias)
        column = f"last__{reading.item}" if reading.place.endswith("last") else reading.item
        columns.append(e.alias_(e.column(column, table=alias, quoted=True), name, quoted=True))
    if own_key == ROW_KEY:
        names.append(_PERSON)
        columns.append(e.column(_PERSON, table="s"))
    select = e.select(*columns).from_(e.alias_(e.to_table(subject), "s", table=True))
    for alias, table in (("h", "household"), ("l", "latest_spell")):
        if alias in aliases:
            on = e.EQ(this=e.column("household_key", table=alias), expression=e.column("household_key", table="s"))
            select = select.join(e.alias_(e.to_table(table), alias, table=True), on=on, join_type="left")
    keys = e.select("subject_key").from_(query.hits)
    select = select.where(e.In(this=e.column(own_key, table="s"), query=keys.subquery()))
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in database.sql(select.sql("duckdb")).fetchall()}


def _sums(database: duckdb.DuckDBPyConnection, rule: Rule, pack: Pack, today: datetime.date | None) -> dict[UUID, dict[str, Any]]:
    """By subject what a rule over a village's rows counted and summed: there are few villages, so it is found for all of them."""
    named = messages.sums(rule)
    select = aggregates_select(list(named.values()), subject=rule.subject, schema=pack.schema(), env=pack.constants(today))
    return {row[0]: dict(zip(named, row[3:], strict=True)) for row in database.sql(select.sql("duckdb", copy=False)).fetchall()}


Beside = dict[str, dict[str, list[tuple[str, dict[str, Any]]]]]


def _values_beside(database: duckdb.DuckDBPyConnection, queries: Mapping[str, Query], rules: Iterable[Rule], pack: Pack) -> Beside:
    """By relation and household: each row's key and the values that those of `rules` read of it which hit the household. Keys are texts."""
    relations = pack.schema().relations
    wanted: dict[str, dict[str, messages.Reading]] = {}
    readers: dict[str, set[str]] = {}
    for rule in rules:
        for reading in messages.readings(rule):
            relation = messages.relation_of(reading, pack.schema())
            if relation is not None:
                wanted.setdefault(relation, {})[reading.name] = reading
                readers.setdefault(relation, set()).add(rule.id)
    found: Beside = {}
    for relation, readings in wanted.items():
        table, names = relations[relation].stored, sorted(readings)
        columns: list[e.Expr] = [e.cast(e.column(key), "VARCHAR") for key in ("household_key", KEYS.get(table, ROW_KEY))]
        for name in names:
            item = readings[name].item
            columns.append(e.column(f"last__{item}" if readings[name].place.endswith("last") else item, quoted=True))
        hit = [
            e.In(this=e.column("household_key"), query=households.subquery())
            for one in queries.values()
            if (households := one.households_hit(readers[relation]))
        ]
        query = e.select(*columns).from_(table).where(e.or_(*hit))
        if relations[relation].live_only:
            query = query.where("is_live")
        by_household = found.setdefault(relation, {})
        for household_key, key, *values in database.sql(query.sql("duckdb")).fetchall():
            by_household.setdefault(household_key, []).append((key, dict(zip(names, values, strict=True))))
    return found


class _Swept(Container[UUID]):
    """Households by the text of their id: 25,000 UUID objects would be walked by each garbage collection."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = frozenset(keys)

    def __contains__(self, household_id: object) -> bool:
        """A row under no household is always judged."""
        return household_id is None or str(household_id) in self._keys


class SweepRunning(Exception):
    """Another sweep of this county has not ended."""


_LOCK = 0x46465053  # any number of our own


def _only_one() -> None:
    """One sweep at a time; the lock falls with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if cursor.fetchone() != (True,):
            raise SweepRunning("已有一次排查正在进行，请等它做完 (a sweep is running already)")


def run_sweep(*, campaign: Campaign, by: User | None, progress: Progress | None = None, judging: Judging | None = None) -> Sweep:
    """Snapshot, rules, clues, in the caller's transaction: killed half-way it changes nothing. `judging`: another engine than DuckDB. Raises
    SweepRunning."""
    _only_one()
    pack = pack_of(campaign.pack)
    started = time.perf_counter()
    sweep = Sweep(year=campaign.year, pack_hash=pack.hash, started_by=by, rules=len(pack.rules))
    if progress:
        progress.report(0, 4)
    today = clock.now(campaign).date()
    with snapshot.taken(campaign.year, pack, sweep.id, meanwhile=lambda: queries_of(pack, today)) as database:
        taken = time.perf_counter()
        if progress:
            progress.report(1, 4)
        if judging is None:
            hits = find_hits(database, pack, today)
        else:
            with judging(database, pack, today) as judge:
                hits = find_hits(database, pack, today, judge)
        counts = [database.table(name).count("*").fetchall() for name in ("household", "person")]
        villages = _by_village(database)
        swept = _Swept(database.sql("SELECT household_key::VARCHAR AS key FROM household").to_arrow_table().column("key").to_pylist())
    found = time.perf_counter()
    if progress:
        progress.report(3, 4)
    sweep.households, sweep.persons = (rows[0][0] for rows in counts)
    screens = {screen.rule.id for screen in pack.screens}
    leads, hits = [hit for hit in hits if hit.rule.id in screens], [hit for hit in hits if hit.rule.id not in screens]
    sweep.hits = len(hits)
    with transaction.atomic():
        set_act("quality.sweep")
        sweep.opened, sweep.closed = write_clues(hits=hits, campaign=campaign, pack=pack, households=swept)
        sweep.state, sweep.ended_at = Sweep.State.DONE, timezone.now()
        done = time.perf_counter()
        sweep.timings = {"snapshot": round(taken - started, 3), "rules": round(found - taken, 3), "clues": round(done - found, 3)}
        sweep.save()
        write_counts(sweep, {hit.village_code: (0, 0) for hit in hits if hit.rule.place} | villages)
        write_leads(
            (Pointed(hit.rule.id, hit.household_id, hit.village_code, hit.shown(pack)) for hit in leads if hit.household_id), pack, campaign.year
        )
    return sweep


def _by_village(database: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int]]:
    """{village: (households swept, their live members)}."""
    live = e.select("household_key", e.alias_(e.Count(this=e.Star()), "n")).from_("person").where("is_live").group_by("household_key").subquery("p")
    on = e.EQ(this=e.column("household_key", table="p"), expression=e.column("household_key", table="h"))
    members = e.cast(e.Coalesce(this=e.Sum(this=e.column("n", table="p")), expressions=[e.Literal.number(0)]), "BIGINT")
    query = e.select(e.column("village_code", table="h"), e.Count(this=e.Star()), members).from_(e.alias_(e.to_table("household"), "h", table=True))
    query = query.join(live, on=on, join_type="left").group_by(e.column("village_code", table="h"))
    return {code: (households, persons) for code, households, persons in database.sql(query.sql("duckdb")).fetchall()}


def write_clues(
    *,
    hits: Iterable[Hit],
    campaign: Campaign,
    pack: Pack,
    households: Container[UUID] | None = None,
    rules: frozenset[str] | None = None,
    subjects: Set[UUID] | None = None,
    by: User | None = None,
) -> tuple[int, int]:
    """Bring clues in step with hits, over the households judged (`households`) and rules judged (all by default), or over some `subjects`.

    New: opened. Still hitting: values refreshed; a confirmation whose values changed opens again. No longer hitting: closed.
    Answered "corrected" and hitting still: open, and the steps say so. Hitting again: the same clue opens again. Nothing is deleted.
    `by`: whose save led to it, None for the sweep. Returns how many were opened and closed.
    """
    now = timezone.now()
    # "24:00" is the next midnight: the day it is due on is the one before.
    due_on = next(((s.due_at - datetime.timedelta(minutes=1)).date() for s in clock.stages(campaign) if s.metric == "clues_closed"), None)
    existing_rows = Clue.objects.filter(year=campaign.year)
    if isinstance(households, Set):  # a few, to be named in a query
        existing_rows = existing_rows.filter(household_id__in=households)
    if subjects is not None:
        existing_rows = existing_rows.filter(subject_id__in=subjects)
    if rules is not None:
        existing_rows = existing_rows.filter(rule_id__in=rules)
    existing = {
        (clue.rule_id, clue.subject_kind, clue.subject_id): clue for clue in existing_rows if households is None or clue.household_id in households
    }
    hits = list(hits)
    rows = Entry.objects.filter(record_id__in=[hit.subject_id for hit in hits if hit.kind in OF_ROWS])
    labels = {record: (label, code) for record, label, code in rows.values_list("record_id", "label", "record__subject_code")}
    new: list[Clue] = []
    changed: list[Clue] = []
    steps: list[ClueStep] = []
    opened = closed = 0

    def step(clue: Clue, kind: ClueStep.Kind) -> None:
        steps.append(ClueStep(clue=clue, household_id=clue.household_id, village_code=clue.village_code, kind=kind, by=by))

    for hit in hits:
        clue = existing.pop(hit.key, None)
        values = messages.codec_values(hit.rule, hit.used, pack)
        digest = messages.digest(values)
        if clue is None:
            clue = Clue(
                rule_id=hit.rule.id,
                year=campaign.year,
                subject_kind=hit.kind,
                subject_id=hit.subject_id,
                household_id=hit.household_id,
                person_id=hit.person_id,
                village_code=hit.village_code,
                due_on=due_on,
            )
            new.append(clue)
            opened += 1
            step(clue, ClueStep.Kind.OPENED)
        elif clue.state == Clue.State.CLOSED or (clue.state in STANDING_STATES and clue.confirmed_digest != digest):
            clue.state, clue.closed_at, clue.reviewed_at, clue.reviewed_by, clue.confirmed_digest = Clue.State.OPEN, None, None, None, ""
            clue.times_opened += 1
            opened += 1
            changed.append(clue)
            step(clue, ClueStep.Kind.REOPENED)
        elif clue.state == Clue.State.CORRECTED:
            clue.state = Clue.State.OPEN
            changed.append(clue)
            step(clue, ClueStep.Kind.STILL)
        elif clue.used_digest == digest and clue.pack_hash == pack.hash:
            continue
        else:
            changed.append(clue)
        clue.severity, clue.where_to_look, clue.pack_hash, clue.seen_at = hit.rule.severity, hit.rule.where, pack.hash, now
        clue.used, clue.used_digest = messages.shown(values), digest
        clue.message = messages.render(hit.rule, values, pack)
        clue.subject_label, code = labels.get(hit.subject_id, ("", ""))
        clue.subject_code = code if hit.rule.place else ""
    for clue in existing.values():
        if clue.state != Clue.State.CLOSED:
            clue.state, clue.closed_at = Clue.State.CLOSED, now
            changed.append(clue)
            closed += 1
            step(clue, ClueStep.Kind.CLOSED)
    Clue.objects.bulk_create(new, batch_size=2000)
    Clue.objects.bulk_update(
        changed,
        [
            "state",
            "closed_at",
            "times_opened",
            "severity",
            "where_to_look",
            "pack_hash",
            "seen_at",
            "used",
            "used_digest",
            "message",
            "subject_label",
            "subject_code",
            "reviewed_at",
            "reviewed_by",
            "confirmed_digest",
        ],
        batch_size=500,
    )
    ClueStep.objects.bulk_create(steps, batch_size=2000)
    return opened, closed
