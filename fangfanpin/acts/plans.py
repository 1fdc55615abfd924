"""What an act is going to do, told before it is done; and the doing, as one transaction whose events carry the act's name."""

import datetime
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.forms.models import model_to_dict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fangfanpin.accounts.models import Assignment, User
from fangfanpin.accounts.reach import Reach, reach_of, set_act, set_database_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.acts.models import OF_DIVISIONS, Act
from fangfanpin.audit.models import Event
from fangfanpin.households.models import Household
from fangfanpin.quality.following import judge_later
from fangfanpin.records.current_year import year_if_any
from fangfanpin.regions.holding import Busy, hold, keep_out
from fangfanpin.regions.models import Region
from fangfanpin.registers import rollups

SHORTEST_REASON = 4
LONGEST_REASON = 500
LINES_KEPT = 400  # of what was before and after

Report = Callable[[int, int, str], None]  # done, of how many, what is being done


def quiet(done: int, total: int, words: str = "") -> None:
    """Nobody waits for a word of how far it is."""


class ActRefused(Exception):
    """It cannot be done; the message (for the person) says why and what to do. `field`: the name of what must be typed otherwise."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(slots=True)
class Trace:
    """Rows of tables without events that an act wrote, and the divisions it made; `report`: who is told how far it is."""

    plain: list[dict[str, Any]] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    report: Report = quiet

    def region(self, row: Region) -> None:
        """Store a division, new or changed."""
        known = Region.objects.filter(pk=row.pk).first()
        before = row_json(known) if known is not None else None
        row.save(force_insert=known is None, force_update=known is not None)
        if known is None:
            self.made.append(row.pk)
        self.plain.append({"table": "regions_region", "key": row.pk, "before": before, "after": row_json(row)})

    def assignment(self, row: Assignment) -> None:
        """Store an assignment, new or changed."""
        known = Assignment.objects.filter(pk=row.pk).first() if row.pk else None
        before = row_json(known) if known is not None else None
        row.save()
        self.plain.append({"table": "accounts_assignment", "key": row.pk, "before": before, "after": row_json(row)})


def row_json(row: Region | Assignment) -> dict[str, Any]:
    """A plain row by column, as JSON holds it."""
    fields = {f.name: f for f in row._meta.concrete_fields}
    return {
        fields[name].attname: value.isoformat() if hasattr(value, "isoformat") else value for name, value in model_to_dict(row, list(fields)).items()
    }


Line = tuple[str, str, str]  # what, before, after


@dataclass(frozen=True, slots=True)
class Plan:
    """`villages`: every one whose rows change, the act's own first. `work` does it. `says`: what will happen, in sentences; `lasting`: what an
    undo will not bring back, or what will stand in its way. `rows`: about how many are changed. `on`, `order`: of a change of divisions the
    day from which it holds, and what makes the plan again (acts.orders)."""

    kind: Act.Kind
    title: str
    villages: tuple[str, ...]
    lines: Sequence[Line]
    work: Callable[[Trace], None]
    household_id: uuid.UUID | None = None
    warnings: Sequence[str] = ()
    says: Sequence[str] = ()
    lasting: Sequence[str] = ()
    rows: int = 0
    on: datetime.date | None = None
    order: Mapping[str, Any] | None = None

    @property
    def is_ahead(self) -> bool:
        """Its day has not come."""
        return self.on is not None and self.on > timezone.localdate()


def verb_of(kind: str) -> Verb:
    """Which right an act, or its undo, needs."""
    return Verb.ACT_DIVISION if kind in OF_DIVISIONS else Verb.ACT_HOUSEHOLD


def must_have_come(on: datetime.date) -> None:
    """Acts of households and persons are done, not planned. Raises ActRefused."""
    if on > timezone.localdate():
        raise ActRefused(_("日期不能在今天之后，到时候再办。"), "on")


def holds(reach: Reach, kind: str, villages: Iterable[str]) -> bool:
    """The right over every village concerned."""
    return all(reach.allows(verb_of(kind), village_code=code) for code in villages)


def must_hold(reach: Reach, kind: str, villages: Iterable[str]) -> None:
    """Raises ActRefused."""
    if not holds(reach, kind, villages):
        raise ActRefused(_("涉及您管辖范围以外的村，请由上一级办理。"))


def must_have_reason(reason: str) -> None:
    """Raises ActRefused."""
    if len(reason.strip()) < SHORTEST_REASON:
        raise ActRefused(_("请写明原因（至少 4 个字），以后查得到为什么这样办。"), "reason")


@transaction.atomic
def carry_out(plan: Plan, *, reason: str, by: User, reach: Reach, key: uuid.UUID | None = None, report: Report = quiet) -> Act:
    """Do what the plan says, or nothing. `key`: the act's id, where a job does it: done once, it is found again. Raises ActRefused."""
    must_hold(reach, plan.kind, plan.villages)
    must_have_reason(reason)
    if plan.on is not None:
        must_have_come(plan.on)
    _alone(plan, is_job=key is not None)
    act = opened(
        kind=plan.kind, title=plan.title, reason=reason, villages=plan.villages, household_id=plan.household_id, lines=plan.lines, by=by, key=key
    )
    trace = Trace(report=report)
    rollups.alone_with(villages_among(plan.villages))  # before their records are locked
    try:
        with transaction.atomic():
            plan.work(trace)
            check_references()
    except IntegrityError as fault:
        raise ActRefused(_("办不了：和已有的登记重复或冲突（%(what)s）。请先处理那一条再办。") % {"what": constraint_of(fault)}) from fault
    act.plain, act.made = trace.plain, trace.made
    closed(act)
    count_again([*plan.villages, *trace.made])
    return act


def _alone(plan: Plan, *, is_job: bool) -> None:
    """Nobody writes below divisions that are changed; an act of households sees to it that theirs are not. Before any other lock. Raises
    ActRefused."""
    if plan.kind in OF_DIVISIONS:
        alone_in(plan.villages, is_job=is_job)
        return
    hold(plan.villages)
    if plan.household_id is not None and not Household.objects.filter(pk=plan.household_id, village_code__in=plan.villages).exists():
        raise ActRefused(_("这里的区划刚有变动，请刷新页面再办。"))


def alone_in(villages: Iterable[str], *, is_job: bool) -> None:
    """Raises ActRefused where somebody is writing there for long."""
    try:
        keep_out(villages_among(villages), is_job=is_job)
    except Busy:
        raise ActRefused(_("这些村正在导入或录入，请过几分钟再办。")) from None


def count_again(divisions: Iterable[str]) -> None:
    """Tables of the villages that rows left or came to follow at once. What is counted, and what rules say of it, is nobody's
    work: it is no part of the act."""
    if (now := year_if_any()) is not None:
        rollups.refresh(now.pack, now.year, villages_among(divisions))
        judge_later(villages_among(divisions))


def villages_among(codes: Iterable[str]) -> list[str]:
    """The villages of divisions, each once; of a natural village the one it lies in."""
    return sorted({code[:12] for code in codes if len(code) >= 12})


def opened(
    *,
    kind: Act.Kind,
    title: str,
    reason: str,
    villages: Sequence[str],
    household_id: uuid.UUID | None,
    lines: Sequence[Line],
    by: User,
    undoes: Act | None = None,
    key: uuid.UUID | None = None,
) -> Act:
    """The act's row, whose making is the first of its events."""
    act = Act(
        id=key or uuid.uuid4(),
        kind=kind,
        title=title[:200],
        reason=reason.strip()[:LONGEST_REASON],
        village_code=villages[0],
        villages=list(dict.fromkeys(villages)),
        household_id=household_id,
        lines=[list(line) for line in lines[:LINES_KEPT]],
        by=by,
        undoes=undoes,
    )
    set_act(act.name)
    act.save(force_insert=True)
    return act


def closed(act: Act) -> None:
    """Count the act's events; the change of its row is the last of them."""
    first = Event.objects.of_row(Act._meta.db_table, act.pk).values_list("id", flat=True)[0]
    act.events = Event.objects.filter(id__gte=first, act=act.name).exclude(table_name=Act._meta.db_table).count()
    act.save(update_fields=["events", "plain", "made"])


def check_references() -> None:
    """References are checked at the end of a transaction; an act wants to know before it says that it is done."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def widen(by: User) -> None:
    """Divisions that were just made, or are there again, lie within the reach from now on; act and source stay."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('ffp.act'), current_setting('ffp.source')")
        act, source = cursor.fetchone()
    set_database_reach(reach_of(by), act=act, source=source)


_WORDS = {
    "a_household_has_one_main_helper_at_a_time": gettext_noop("同一户同时有两个主要帮扶责任人"),
    "a_register_row_is_kept_once": gettext_noop("台账里有同样的一条"),
    "a_clue_that_comes_back_is_the_same_clue": gettext_noop("同一条疑问"),
    "a_pairing_ends_after_it_begins": gettext_noop("结束日期早于开始日期"),
    "a_household_code_is_given_once": gettext_noop("户编号已经用过"),
}


def constraint_of(fault: IntegrityError) -> str:
    """What the database refused, in words."""
    name = getattr(getattr(fault.__cause__, "diag", None), "constraint_name", "") or ""
    if name.endswith("_fk") or "_fk_" in name:
        return _("还有别的资料挂在新建的户或人上")
    return _(_WORDS[name]) if name in _WORDS else name or "?"
