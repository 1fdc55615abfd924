"""The complete sweep: every rule of the pack over the snapshot in DuckDB, hits become clues set-wise."""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import duckdb
import sqlglot.expressions as e
from django.db import transaction
from django.utils import timezone

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import set_act
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.models import Campaign
from fangfanpin.expressions.duckdb import rule_select
from fangfanpin.jobs.services import Progress
from fangfanpin.pack import Pack, Rule
from fangfanpin.policy.services import pack_of
from fangfanpin.quality import messages, snapshot
from fangfanpin.quality.models import Clue, ClueStep, Sweep


@dataclass(frozen=True, slots=True)
class Hit:
    """One rule on one subject, with the values it used (scope.name → value as expressions see it)."""

    rule: Rule
    subject_id: UUID
    household_id: UUID
    village_code: str
    used: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str, UUID]:
        return self.rule.id, self.rule.subject, self.subject_id


def find_hits(database: duckdb.DuckDBPyConnection, pack: Pack) -> list[Hit]:
    """All hits of all rules: a UNION ALL of one filtered scan per rule, with the values each used."""
    hits: list[Hit] = []
    schema, env = pack.schema(), pack.constants()
    by_subject: dict[str, list[Rule]] = {}
    for rule in pack.rules:
        by_subject.setdefault(rule.subject, []).append(rule)
    for subject, rules in by_subject.items():
        union: e.Expression | None = None
        for rule in rules:
            select = rule_select(rule.id, rule.when, schema=schema, env=env, scope=rule.scope)
            union = select if union is None else e.Union(this=union, expression=select, distinct=False)
        assert union is not None
        found = database.sql(union.sql("duckdb")).fetchall()
        rules_by_id = {rule.id: rule for rule in rules}
        values = _values(database, subject, {row[1] for row in found}, rules)
        for rule_id, subject_key, household_key, village_code in found:
            rule = rules_by_id[rule_id]
            row = values[subject_key]
            hits.append(Hit(rule, UUID(subject_key), UUID(household_key), village_code, {name: row.get(name) for name in messages.used_names(rule)}))
    return hits


_KEY = {"household": "household_key", "person": "person_key", "spell": "spell_key"}


def _values(database: duckdb.DuckDBPyConnection, subject: str, keys: set[str], rules: Iterable[Rule]) -> dict[str, dict[str, Any]]:
    """Values that the rules of a subject name, for the subjects that were hit."""
    names = sorted({name for rule in rules for name in messages.used_names(rule)})
    columns: list[e.Expression] = [e.alias_(e.column(_KEY[subject], table="s"), "key")]
    for name in names:
        table, column = (
            ("h", name.removeprefix("household."))
            if name.startswith("household.") and subject != "household"
            else ("s", name.removeprefix("household."))
        )
        column = column.replace("last.", "last__")
        columns.append(e.alias_(e.column(column, table=table, quoted=True), name, quoted=True))
    query = e.select(*columns).from_(e.alias_(e.to_table(subject), "s", table=True))
    if subject != "household":
        on = e.EQ(this=e.column("household_key", table="h"), expression=e.column("household_key", table="s"))
        query = query.join(e.alias_(e.to_table("household"), "h", table=True), on=on, join_type="left")
    wanted = e.In(this=e.column(_KEY[subject], table="s"), expressions=[e.Literal.string(key) for key in sorted(keys)] or [e.Literal.string("")])
    rows = database.sql(query.where(wanted).sql("duckdb")).fetchall()
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}


def used_digest(used: Mapping[str, Any]) -> str:
    """A confirmation holds while this stays the same."""
    return hashlib.sha256(json.dumps(used, sort_keys=True, default=str, ensure_ascii=False).encode()).hexdigest()[:40]


def run_sweep(*, campaign: Campaign, by: User | None, progress: Progress | None = None) -> Sweep:
    """Snapshot, rules, clues. Killed half-way it changes nothing: clues are written in one transaction at the end."""
    pack = pack_of(campaign.pack)
    started = time.perf_counter()
    sweep = Sweep(year=campaign.year, pack_hash=pack.hash, started_by=by, rules=len(pack.rules))
    if progress:
        progress.report(0, 4)
    database = snapshot.take(campaign.year, pack, sweep.id)
    try:
        taken = time.perf_counter()
        if progress:
            progress.report(1, 4)
        hits = find_hits(database, pack)
        found = time.perf_counter()
        counts = [database.table(name).count("*").fetchall() for name in ("household", "person")]
        swept = {UUID(row[0]) for row in database.sql("SELECT household_key FROM household").fetchall()}
    finally:
        database.close()
        snapshot.drop(sweep.id)
    if progress:
        progress.report(3, 4)
    sweep.households, sweep.persons = (rows[0][0] for rows in counts)
    sweep.hits = len(hits)
    with transaction.atomic():
        set_act("quality.sweep")
        sweep.opened, sweep.closed = write_clues(hits=hits, campaign=campaign, pack=pack, households=swept)
        sweep.state, sweep.ended_at = Sweep.State.DONE, timezone.now()
        done = time.perf_counter()
        sweep.timings = {"snapshot": round(taken - started, 3), "rules": round(found - taken, 3), "clues": round(done - found, 3)}
        sweep.save()
    return sweep


def write_clues(
    *, hits: Iterable[Hit], campaign: Campaign, pack: Pack, households: set[UUID] | None = None, rules: frozenset[str] | None = None
) -> tuple[int, int]:
    """Bring clues in step with hits, over the households judged (`households`) and rules judged (all by default).

    New: opened. Still hitting: values refreshed; a confirmation whose values changed opens again. No longer hitting: closed.
    Hitting again: the same clue opens again. Returns how many were opened and closed.
    """
    now = timezone.now()
    due_on = next((s.due_at.date() for s in clock.stages(campaign) if s.metric == "clues_closed"), None)
    existing_rows = Clue.objects.filter(year=campaign.year)
    if households is not None and len(households) <= 1000:
        existing_rows = existing_rows.filter(household_id__in=households)
    existing = {
        (clue.rule_id, clue.subject_kind, clue.subject_id): clue
        for clue in existing_rows
        if (rules is None or clue.rule_id in rules) and (households is None or clue.household_id in households)
    }
    new: list[Clue] = []
    changed: list[Clue] = []
    steps: list[ClueStep] = []
    opened = closed = 0

    def step(clue: Clue, kind: ClueStep.Kind) -> None:
        steps.append(ClueStep(clue=clue, household_id=clue.household_id, village_code=clue.village_code, kind=kind))

    for hit in hits:
        clue = existing.pop(hit.key, None)
        used = messages.codec_values(hit.rule, hit.used, pack)
        digest = used_digest(used)
        if clue is None:
            clue = Clue(
                rule_id=hit.rule.id,
                year=campaign.year,
                subject_kind=hit.rule.subject,
                subject_id=hit.subject_id,
                household_id=hit.household_id,
                person_id=hit.subject_id if hit.rule.subject == "person" else None,
                village_code=hit.village_code,
                due_on=due_on,
            )
            new.append(clue)
            opened += 1
            step(clue, ClueStep.Kind.OPENED)
        elif clue.state == Clue.State.CLOSED or (clue.state == Clue.State.CONFIRMED and clue.confirmed_digest != digest):
            clue.state, clue.closed_at, clue.reviewed_at, clue.reviewed_by = Clue.State.OPEN, None, None, None
            clue.times_opened += 1
            opened += 1
            changed.append(clue)
            step(clue, ClueStep.Kind.REOPENED)
        elif clue.used_digest == digest and clue.pack_hash == pack.hash:
            continue
        else:
            changed.append(clue)
        clue.severity, clue.where_to_look, clue.pack_hash, clue.seen_at = hit.rule.severity, hit.rule.where, pack.hash, now
        clue.used, clue.used_digest = used, digest
        clue.message = messages.render(hit.rule, hit.used, pack)
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
            "reviewed_at",
            "reviewed_by",
        ],
        batch_size=500,
    )
    ClueStep.objects.bulk_create(steps, batch_size=2000)
    return opened, closed
