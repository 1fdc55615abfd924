"""What a pack computes, of rows that are there already: found again in the background when the pack in force computes it otherwise than the one
before.

A computed value is nobody's typing and must not contradict what stands beside it: it follows in a row of any state, of an approved and a locked one
too, whose state stays. Two kinds of rows are history and keep what they say: struck ones, and those of an earlier year in a register that is kept by
period, which that year's pack computed. So it is with the year of a household and its members (`records.recomputing`).

The order: households, registers whose rows may ask for them, villages' tables, clues.
"""

import datetime
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import make_reach, seeing, set_act
from fangfanpin.audit.models import RECOMPUTE
from fangfanpin.expressions import Expression
from fangfanpin.expressions.closures import compiled
from fangfanpin.expressions.nodes import Const, bare, walk
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import start as start_job
from fangfanpin.pack import Pack
from fangfanpin.policy.models import PublishedPack
from fangfanpin.records import recomputing as years
from fangfanpin.records.changed import households_changed
from fangfanpin.records.models import Record
from fangfanpin.regions.models import Region
from fangfanpin.registers import rollups, sources
from fangfanpin.registers.ahead import Ahead
from fangfanpin.registers.bulk import write_entries
from fangfanpin.registers.carrying import BY_PERIOD
from fangfanpin.registers.definitions import Register, register_of, registers_of
from fangfanpin.registers.services import scope_of
from fangfanpin.registers.written import Written, households_of, rows_written

KIND = "registers.recompute"
_AT_ONCE = 1000

_One = TypeVar("_One")
Report = Callable[[int, int, str], None]  # done, of how many, what is being done


class NotOnce(Exception):
    """With the new values two rows would be the same one; the message names the register."""


# What must be found again


@dataclass(frozen=True, slots=True)
class Due:
    """Registers whose computations say something else now, whether roll-ups do, and whether those of a household's year and its members do."""

    forms: tuple[str, ...] = ()
    rollups: bool = False
    households: bool = False

    def __bool__(self) -> bool:
        return bool(self.forms) or self.rollups or self.households


def due(before: Pack, after: Pack) -> Due:
    """What rows kept under one pack hold otherwise under another: another expression, or another value of a date or parameter that one reads.
    Where households do, so do registers whose rows ask for what is computed of them."""
    households = any(_says_otherwise(_computed(before, form), _computed(after, form)) for form in years.FORMS)
    forms = [
        register.key
        for register in registers_of(after)
        if _says_otherwise(_computed(before, register.key), _computed(after, register.key)) or (households and _asks_households(register.key, after))
    ]
    return Due(tuple(forms), _says_otherwise(_rolled_up(before), _rolled_up(after)), households)


def _asks_households(form: str, pack: Pack) -> bool:
    """Do computations of a register read what is computed of households or their members?"""
    made = {(one.form, one.name) for one in pack.computations if one.form in years.FORMS}
    read = (pair for one in pack.computations if one.form == form for pair in sources.read_by(pack, form, one.expression))
    return any((sources.FORMS.get(table, table), name) in made for table, name in read)


Meanings = Mapping[tuple[str, str], tuple[Any, ...]]


def _says_otherwise(before: Meanings, after: Meanings) -> bool:
    return any(before.get(key) != meaning for key, meaning in after.items())


def _computed(pack: Pack, form: str) -> Meanings:
    return {(one.form, one.name): _meaning(one.expression, pack) for one in pack.computations if one.form == form}


def _rolled_up(pack: Pack) -> Meanings:
    return {(one.form, one.name): _meaning(one.expression, pack) for one in pack.rollups}


def _meaning(expression: Expression, pack: Pack) -> tuple[Any, ...]:
    """What decides the value beside the row: what is asked, without the place of its words, and the constants that are asked for."""
    consts = pack.constants()
    read = sorted({node.name for node in walk(expression.node) if isinstance(node, Const)})
    return bare(expression.node), tuple((name, consts.get(name)) for name in read)


def everything(pack: Pack) -> Due:
    """All that a pack computes of households' years and of registers' rows."""
    forms = tuple(register.key for register in registers_of(pack) if _computed(pack, register.key))
    return Due(forms, bool(pack.rollups), any(_computed(pack, form) for form in years.FORMS))


def start(wanted: Due, pack: Pack, by: User | None) -> Job | None:
    """Have the worker find it again once this transaction has committed; None where nothing is due. The act is the publisher's."""
    if not wanted:
        return None
    titles = [_("家庭年度信息")] if wanted.households else []
    titles += [register.title for register in registers_of(pack) if register.key in wanted.forms]
    if wanted.rollups:
        titles.append(_("村表汇总"))
    title = _("重新计算：%(what)s") % {"what": "、".join(titles)}
    parameters = {"forms": list(wanted.forms), "rollups": wanted.rollups, "households": wanted.households}
    return start_job(kind=KIND, title=title[:200], by=by, parameters=parameters)


def wanted_by(job: Job) -> Due:
    """What `start` was asked for; a job of before there were households in it asks for none."""
    given = job.parameters
    return Due(tuple(given["forms"]), bool(given["rollups"]), bool(given.get("households")))


# Finding it again


@dataclass(slots=True)
class _Counts:
    """`rows` looked at, `changed` among them; `reviewed`: of these approved or locked; `broken`: of these at odds with an error constraint now."""

    rows: int = 0
    changed: int = 0
    reviewed: int = 0
    broken: int = 0


@dataclass(slots=True)
class Homes(_Counts):
    """Households; `broken`: of those handed in. `due_again`: ticked as entered in the national system, and no longer."""

    due_again: int = 0


@dataclass(slots=True)
class Done(_Counts):
    """Rows of registers. `tables`: of villages whose roll-ups changed."""

    tables: int = 0
    households: Homes = field(default_factory=Homes)


@dataclass(slots=True)
class _Fresh:
    """New values of one row, as it was seen at a version."""

    record: UUID
    version: int
    values: dict[str, Any]
    is_reviewed: bool
    is_broken: bool


class _Logic:
    """A register's computations and error constraints, compiled once."""

    def __init__(self, register: Register, pack: Pack) -> None:
        self._register, self._pack = register, pack
        self._computations = [(one.name, compiled(one.expression)) for one in pack.computations if one.form == register.key]
        self._errors = [compiled(one.expression) for one in pack.constraints if one.form == register.key and one.severity == "error"]

    def of(self, record: Record, ahead: Ahead) -> _Fresh | None:
        """None where the row holds what is computed."""
        scope, form = scope_of(record, self._register, self._pack, ahead), self._register.key
        fresh = {}
        for name, found_in in self._computations:
            value = self._pack.from_engine(form, name, found_in(scope))
            scope["row"][name] = self._pack.to_engine(form, name, value)
            if value != record.values.get(name):
                fresh[name] = value
        if not fresh:
            return None
        is_broken = any(holds_in(scope) is False for holds_in in self._errors)
        return _Fresh(record.pk, record.version, fresh, record.state in (Record.State.APPROVED, Record.State.LOCKED), is_broken)


def rows_of(register: Register, year: int) -> QuerySet[Record, Record]:
    """Rows whose computed values follow the pack in force."""
    rows = Record.objects.filter(form=register.key).exclude(state=Record.State.VOID)
    return rows.filter(year=year) if register.form.period in BY_PERIOD else rows


def recompute(
    pack: Pack, year: int, wanted: Due, *, by: User | None, report: Report = lambda done, total, words: None, since: datetime.datetime | None = None
) -> Done:
    """Find again what is due, within the caller's transaction, whoever acts; a second time changes nothing. `since`: only rows that were written
    after it under another pack. Raises NotOnce.

    Values are found first, which takes most of the time and keeps nobody waiting; then all are written. A row that was saved meanwhile is found
    once more."""
    villages = list(Region.objects.villages().values_list("code", flat=True))
    registers = [register for form in wanted.forms if (register := register_of(pack, form)) is not None]
    with seeing(villages, act=RECOMPUTE):
        done = Done()
        homes = _homes_kept(pack, year, since, done.households, report) if wanted.households else []
        moved = _summed(pack, homes)
        found = {register.key: rows_of(register, year) for register in registers}
        if since is not None:
            late = Q(updated_at__gte=since) & ~Q(pack_hash=pack.hash)
            behind = late | Q(household__in=[home.household for home in homes])
            found = {key: rows.filter(behind if _asks_households(key, pack) else late) for key, rows in found.items()}
        total = sum(rows.count() for rows in found.values())
        for register in registers:
            looked = _found(register, pack, found[register.key])
            if fresh := _looked_at(looked, done, total, report, _("已核对 %(done)d 条，共 %(total)d 条")):
                report(done.rows, total, _("正在写入 %(count)d 条") % {"count": len(fresh)})
                moved |= _kept(register, pack, fresh, by, done)
        report(done.rows, total, _("正在更新汇总"))
        _follow(pack, year, villages if wanted.rollups else sorted(moved), by, done)
        households_changed([home.household for home in homes])
    return done


def _homes_kept(pack: Pack, year: int, since: datetime.datetime | None, done: Homes, report: Report) -> list[years.Fresh]:
    """Find households' years again and write what differs; first of all, for a household is locked before its rows."""
    homes = years.homes_of(year, pack, since=since)
    total = homes.count()
    fresh = _looked_at(years.found(homes, year, pack), done, total, report, _("已核对 %(done)d 户，共 %(total)d 户"))
    if fresh:
        report(done.rows, total, _("正在写入 %(count)d 户") % {"count": len(fresh)})
    kept = years.keep(fresh, year, pack)
    done.changed, done.due_again = len(kept), sum(one.due_again is not None for one in kept)
    done.reviewed, done.broken = sum(one.is_reviewed for one in kept), sum(one.is_broken for one in kept)
    return kept


def _looked_at(found: Iterable[_One | None], done: _Counts, total: int, report: Report, said: str) -> list[_One]:
    """What holds something else than is computed, all that is looked at counted and told. `said`: with `done` and `total`."""
    fresh = []
    for one in found:
        done.rows += 1
        if done.rows % _AT_ONCE == 0:
            report(done.rows, total, said % {"done": done.rows, "total": total})
        if one is not None:
            fresh.append(one)
    return fresh


def _summed(pack: Pack, homes: Sequence[years.Fresh]) -> set[str]:
    """Villages of households of which an item changed that roll-ups read."""
    read = sources.items_read(pack)
    return {one.village_code for one in homes if one.items & read}


def catch_up(pack: Pack, year: int) -> Done:
    """Rows that a long import, or a save in that very moment, wrote by the pack before after this one was published. Raises NotOnce."""
    published = PublishedPack.objects.filter(hash=pack.hash).values_list("published_at", flat=True).first()
    wanted = replace(everything(pack), rollups=False)
    return recompute(pack, year, wanted, by=None, since=published) if published is not None and wanted else Done()


def again(register: Register, pack: Pack, records: Collection[UUID]) -> None:
    """Rows whose former values were put back hold what the pack in force computes of them; list rows and what follows are the caller's. The act is
    left as this one."""
    _write([one for one in _found(register, pack, Record.objects.filter(pk__in=records)) if one is not None])


def said(done: Done) -> str:
    """For whoever published."""
    parts = []
    if (homes := done.households).rows:
        parts.append(_("核对了 %(rows)d 户的年度信息，%(changed)d 户的计算值有变化。") % {"rows": homes.rows, "changed": homes.changed})
    if homes.reviewed:
        parts.append(_("其中 %(count)d 户已审核，审核状态不变。") % {"count": homes.reviewed})
    if homes.due_again:
        parts.append(_("有 %(count)d 户已录入国家系统的数变了，请在“录入国家系统”里重新录入。") % {"count": homes.due_again})
    if homes.broken:
        parts.append(_("有 %(count)d 户和表内校验不符，下次修改时会提示。") % {"count": homes.broken})
    if done.rows or not homes.rows:
        parts.append(_("核对了 %(rows)d 条登记，%(changed)d 条的计算值有变化。") % {"rows": done.rows, "changed": done.changed})
    if done.reviewed:
        parts.append(_("其中 %(count)d 条已审核，审核状态不变。") % {"count": done.reviewed})
    if done.tables:
        parts.append(_("村表、自然村表更新 %(count)d 张。") % {"count": done.tables})
    if done.broken:
        parts.append(_("有 %(count)d 条和表内校验不符，下次修改时会提示。") % {"count": done.broken})
    return "".join(parts)


def _found(register: Register, pack: Pack, rows: QuerySet[Record, Record]) -> Iterator[_Fresh | None]:
    """Of every row, households together: what is read of one is read once."""
    logic = _Logic(register, pack)
    ordered = rows.select_related("household", "person").order_by("household_id", "pk").iterator(chunk_size=_AT_ONCE)
    while some := list(islice(ordered, _AT_ONCE)):
        ahead = Ahead(make_reach(0, villages=()))
        for record in some:
            yield logic.of(record, ahead)


# Not the version: nobody typed anything that a reader could have missed. A row that was written since it was read is left for a second look.
_STORE = """
UPDATE records_record r SET values = r.values || n.fresh
FROM unnest(%(ids)s::uuid[], %(versions)s::int[], %(fresh)s::jsonb[]) AS n (id, version, fresh)
WHERE r.id = n.id AND r.version = n.version AND r.state <> %(void)s
RETURNING r.id
"""


def _kept(register: Register, pack: Pack, fresh: Sequence[_Fresh], by: User | None, done: Done) -> set[str]:
    """Write the new values, and what follows from them row by row: list rows and clues. Returns the villages whose roll-ups read them."""
    for start in range(0, len(fresh), _AT_ONCE):
        some = fresh[start : start + _AT_ONCE]
        written = _write(some)
        late = [one.record for one in some if one.record not in written]
        seen_again = [one for one in _once_more(register, pack, late) if one is not None]
        written |= _write(seen_again)
        kept = {one.record: one for one in (*some, *seen_again) if one.record in written}
        done.changed += len(kept)
        done.reviewed += sum(one.is_reviewed for one in kept.values())
        done.broken += sum(one.is_broken for one in kept.values())
        _reflect(register, pack, list(kept), by)
    if register.key not in sources.source_forms(pack):
        return set()
    return set(Record.objects.filter(pk__in=[one.record for one in fresh]).values_list("village_code", flat=True))


def _once_more(register: Register, pack: Pack, records: Collection[UUID]) -> Iterable[_Fresh | None]:
    """Rows that were saved since they were read, locked and looked at again."""
    if not records:
        return ()
    list(Record.objects.select_for_update().filter(pk__in=records).order_by("pk").values_list("pk", flat=True))
    return _found(register, pack, Record.objects.filter(pk__in=records).exclude(state=Record.State.VOID))


def _write(fresh: Sequence[_Fresh]) -> set[UUID]:
    if not fresh:
        return set()
    set_act(RECOMPUTE)
    with connection.cursor() as cursor:
        cursor.execute(
            _STORE,
            {
                "ids": [one.record for one in fresh],
                "versions": [one.version for one in fresh],
                "fresh": [json.dumps(one.values) for one in fresh],
                "void": Record.State.VOID.value,
            },
        )
        return {row[0] for row in cursor.fetchall()}


def _reflect(register: Register, pack: Pack, records: Sequence[UUID], by: User | None) -> None:
    if not records:
        return
    try:
        write_entries(register, pack, only=records)
    except IntegrityError:
        raise NotOnce(_("“%(register)s”重新计算后会有两条相同的登记，没有计算。请核对算法。") % {"register": register.title}) from None
    rows = Record.objects.filter(pk__in=records, household__isnull=False)
    own = {key for key in rows.values_list("household_id", flat=True) if key is not None}
    rows_written(Written(register.form, records, own or households_of(register.form, records)), pack, by)


def _follow(pack: Pack, year: int, villages: Sequence[str], by: User | None, done: Done) -> None:
    """Tables of these villages, and the clues on those of which a rule reads what changed."""
    changed = rollups.refresh_rows(pack, year, villages)
    done.tables = sum(map(len, changed.values()))
    set_act(RECOMPUTE)
    read = {
        pair
        for rule in pack.rules
        if rule.of_village
        for expression in (rule.when, rule.scope)
        if expression is not None
        for pair in sources.read_by(pack, rule.subject, expression)
    }
    for form, rows in changed.items():
        if records := [record for record, names in rows.items() if any((form, name) in read for name in names)]:
            rows_written(Written(pack.forms[form], records, ()), pack, by)
