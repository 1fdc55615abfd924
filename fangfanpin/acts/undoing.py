"""Undo an act by its own events, whatever its kind: rows it made go, rows it changed get every former value (docs/decisions/0012)."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Exists, Max, OuterRef, ProtectedError, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg import sql
from psycopg.types.json import Jsonb

from fangfanpin.accounts.models import Assignment, User
from fangfanpin.accounts.reach import Reach
from fangfanpin.acts.changes import bounds_of, events_of
from fangfanpin.acts.models import MOVES, OF_DIVISIONS, Act
from fangfanpin.acts.moving import clues_of_rows_along, move_households
from fangfanpin.acts.plans import (
    SHORTEST_REASON,
    ActRefused,
    Report,
    alone_in,
    check_references,
    closed,
    constraint_of,
    count_again,
    must_hold,
    opened,
    quiet,
    row_json,
    villages_among,
    widen,
)
from fangfanpin.audit.models import FOLLOWING, Event
from fangfanpin.households.models import Household
from fangfanpin.quality.models import Clue
from fangfanpin.records.models import Record
from fangfanpin.regions.holding import hold
from fangfanpin.regions.models import Region
from fangfanpin.registers import rollups

_ACTS = Act._meta.db_table
_PLAIN: Mapping[str, type[Region | Assignment]] = {"regions_region": Region, "accounts_assignment": Assignment}
_CONSEQUENCES = ("quality.sweep", *FOLLOWING)  # the system's own sums and clues, found again after an undo
_FEW = 5  # what stands on an act is named up to here


@dataclass(slots=True)
class _Story:
    """What an act did to rows of one table: `made` in the order of making; `former`: of every changed column the oldest value;
    `left`: the newest."""

    made: list[str] = field(default_factory=list)
    former: dict[str, dict[str, Any]] = field(default_factory=dict)
    left: dict[str, dict[str, Any]] = field(default_factory=dict)


def _models() -> dict[str, type[models.Model]]:
    return {model._meta.db_table: model for model in apps.get_models()}


def _bounds(act: Act) -> tuple[int, int]:
    bounds = bounds_of(act)
    if bounds is None:
        raise ActRefused(_("找不到这次办理的记录，不能撤销。"))
    return bounds


def _stories(events: QuerySet[Event, Event]) -> dict[str, _Story]:
    found: dict[str, _Story] = {}
    for event in events.order_by("id").iterator(chunk_size=2000):
        story = found.setdefault(event.table_name, _Story())
        if event.op == "I":
            story.made.append(event.row_id)
        elif event.op == "U" and event.row_id not in story.made:
            former, left = story.former.setdefault(event.row_id, {}), story.left.setdefault(event.row_id, {})
            for name, (before, after) in (event.changed or {}).items():
                former.setdefault(name, before)
                left[name] = after
    return found


def standing(act: Act) -> list[str]:
    """What was done since with the rows of an act, in words; nothing: it can be undone. Asked of the database: however large the act, its events are
    not read."""
    bounds = _bounds(act)
    own = events_of(act, bounds)
    _must_see_all(act, own)
    return _standing(act, own, bounds[1])


def _must_see_all(act: Act, own: QuerySet[Event, Event]) -> None:
    if own.count() != act.events:
        raise ActRefused(_("这次办理涉及您管辖范围以外的户，请由上一级撤销。"))


def _standing(act: Act, own: QuerySet[Event, Event], last: int) -> list[str]:
    """`own`: the act's events, of which `last` is the last."""
    households = own.filter(household_id__isnull=False).order_by().values("household_id").distinct()
    new = Q(op="I", household_id__in=households)
    if act.kind not in MOVES:
        new &= Q(table_name__in=list(own.order_by().values_list("table_name", flat=True).distinct()))
    new |= Q(op="I", village_code__in=[code for code in act.made if len(code) == 12])
    since = Event.objects.filter(id__gt=last).exclude(table_name=_ACTS).exclude(act__in=_CONSEQUENCES).order_by()
    same_row = Exists(own.filter(row_id=OuterRef("row_id"), table_name=OuterRef("table_name")))
    later = [since.filter(new), since.filter(same_row)]
    settled = _settled({name for rows in later for name in rows.values_list("act", flat=True).distinct()})
    said = _said([rows.exclude(act__in=settled) for rows in later])
    return [*said, *_changed_without_event(own), *_plain_standing(act), *_settlers(act, households), *_nowhere(act, own)]


def _settled(names: set[str]) -> set[str]:
    """Acts that were undone, and undoings: both together leave a row as it was."""
    ids = {name: name.split(" ", 1)[1] for name in names if name.startswith("act.")}
    undone = {str(pk) for pk in Act.objects.filter(pk__in=list(ids.values()), state=Act.State.UNDONE).values_list("pk", flat=True)}
    return {name for name, pk in ids.items() if name.startswith("act.undo ") or pk in undone}


def _said(later: Sequence[QuerySet[Event, Event]]) -> list[str]:
    """The newest of them: when, who, which household."""
    newest: dict[tuple[UUID | None, int], int] = {}
    for rows in later:
        for household, actor, event in rows.values_list("household_id", "actor_id").annotate(newest=Max("id")):
            newest[household, actor] = max(event, newest.get((household, actor), 0))
    shown = sorted(newest.values(), reverse=True)[:_FEW]
    events = sorted(Event.objects.filter(pk__in=shown), key=lambda event: -event.id)
    users = dict(User.objects.filter(pk__in={event.actor_id for event in events}).values_list("pk", "name"))
    homes = {event.household_id for event in events if event.household_id is not None}
    heads = {key: name or code for key, name, code in Household.objects.filter(pk__in=homes).values_list("pk", "head_name", "code")}
    found = []
    for event in events:
        said = {
            "at": timezone.localtime(event.at).strftime("%Y-%m-%d %H:%M"),
            "who": users.get(event.actor_id, _("系统")),
            "head": heads.get(event.household_id, "") if event.household_id else "",
        }
        found.append(_("%(at)s %(who)s 改动了%(head)s户的资料") % said if said["head"] else _("%(at)s %(who)s 有改动") % said)
    more = len(newest) - len(shown)
    return [*found, *([_("另有 %(count)d 处") % {"count": more}] if more > 0 else [])]


def _changed_without_event(own: QuerySet[Event, Event]) -> list[str]:
    """Clues write no events in daily work: what the act set must stand as it was set."""
    left = _stories(own.filter(table_name=Clue._meta.db_table)).get(Clue._meta.db_table, _Story()).left
    columns = {name for one in left.values() for name in one}
    found: list[str] = []
    for start in range(0, len(left), 1000):
        for clue in Clue.objects.filter(pk__in=list(left)[start : start + 1000]).values("id", "rule_id", *columns):
            if any(_plain_value(clue[name]) != _plain_value(value) for name, value in left[str(clue["id"])].items()):
                found.append(_("疑问 %(rule)s 又有处理") % {"rule": clue["rule_id"]})
    return found[:_FEW]


def _plain_value(value: Any) -> str:
    """As JSON says it. Moments are written in two ways; to the second they are the same."""
    if isinstance(value, str) and len(value) > 18 and value[10:11] == "T":
        value = datetime.datetime.fromisoformat(value)
    if isinstance(value, datetime.datetime):
        return timezone.localtime(value).isoformat(timespec="seconds")
    return "" if value is None else str(value)


def _plain_standing(act: Act) -> list[str]:
    """Divisions and assignments must stand as the act left them."""
    found, folded = [], _folded(act.plain)
    rows = {table: model._default_manager.in_bulk([key for of, key, _before, _after in folded if of == table]) for table, model in _PLAIN.items()}
    for table, key, _before, after in folded:
        row = rows[table].get(key)
        if (row_json(row) if row is not None else None) != after:
            found.append(_("区划“%(name)s”又有改动") % {"name": (after or {}).get("name", key)} if table == "regions_region" else _("岗位又有变动"))
    return found


def _settlers(act: Act, households: QuerySet[Event, Any]) -> list[str]:
    """Households that were written to a natural village which the act made."""
    made = [code for code in act.made if len(code) == 15]
    rows = Household.objects.filter(natural_village_code__in=made).exclude(pk__in=households) if made else Household.objects.none()
    return [_("%(head)s户已登记到新的自然村") % {"head": row.head_name or row.code} for row in rows[:_FEW]]


def _nowhere(act: Act, own: QuerySet[Event, Event]) -> list[str]:
    """Divisions to which households would go back that are no more, for another act ended them since."""
    moved = own.filter(table_name=Household._meta.db_table, op="U").order_by()
    codes = {
        code
        for column in ("village_code", "natural_village_code")
        for code in moved.filter(changed__has_key=column).values_list(f"changed__{column}__0", flat=True).distinct()
        if code
    }
    gone = Region.objects.filter(pk__in=codes - {change["key"] for change in act.plain}, valid_to__isnull=False)
    return [_("原来的“%(name)s”已经撤销或划走") % {"name": row.name} for row in gone[:_FEW]]


def _folded(plain: Sequence[Mapping[str, Any]]) -> list[tuple[str, Any, dict[str, Any] | None, dict[str, Any] | None]]:
    """Per row the oldest former and the newest state, rows in the order of their first change."""
    found: dict[tuple[str, Any], list[Any]] = {}
    for change in plain:
        known = found.setdefault((change["table"], change["key"]), [change["before"], change["after"]])
        known[1] = change["after"]
    return [(table, key, before, after) for (table, key), (before, after) in found.items()]


@transaction.atomic
def undo(*, act: Act, reason: str, by: User, reach: Reach, key: UUID | None = None, report: Report = quiet) -> Act:
    """Everything as it was before the act; an act of its own, under the id `key` where a job does it. Raises ActRefused saying what stands in
    the way; then nothing is changed."""
    act = Act.objects.select_for_update().get(pk=act.pk)
    if act.kind == Act.Kind.UNDO:
        raise ActRefused(_("这一条本身就是撤销，不能再撤销；需要的话请重新办理一次。"))
    if act.state != Act.State.DONE:
        raise ActRefused(_("这次办理已经撤销过了。"))
    must_hold(reach, act.kind, act.villages)
    if len(reason.strip()) < SHORTEST_REASON:
        raise ActRefused(_("请写明撤销的原因（至少 4 个字）。"), "reason")
    if act.kind in OF_DIVISIONS:
        alone_in([*act.villages, *act.made], is_job=key is not None)
    else:
        hold(act.villages)
    bounds = _bounds(act)
    own = events_of(act, bounds)
    _must_see_all(act, own)
    stories = _stories(own)
    if found := _standing(act, own, bounds[1]):
        raise ActRefused(_("不能撤销，办理之后又有新的工作：%(found)s。请先处理这些改动，或重新办理一次相反的操作。") % {"found": "；".join(found)})
    deed = opened(
        kind=Act.Kind.UNDO,
        title=_("撤销：%(title)s") % {"title": act.title},
        reason=reason,
        villages=act.villages,
        household_id=act.household_id,
        lines=[(what, after, before) for what, before, after in act.lines],
        by=by,
        undoes=act,
        key=key,
    )
    rollups.alone_with(villages_among(act.villages))  # before their records are locked
    total, done = sum(len(story.former) for story in stories.values()), 0
    try:
        with transaction.atomic():
            _take_away(stories, act)
            for table, story in stories.items():
                _put_back(table, story)
                done += len(story.former)
                report(done, total, _("已恢复 %(done)d 条资料，共 %(total)d 条") % {"done": done, "total": total})
            _follow(stories)
            _plain_back(act)
            check_references()
    except ProtectedError as fault:
        raise ActRefused(_("不能撤销：新的区划已经有别的登记在用，请先处理。")) from fault
    except IntegrityError as fault:
        raise ActRefused(_("不能撤销：已有别的登记与原来的情况冲突（%(what)s），请先处理。") % {"what": constraint_of(fault)}) from fault
    act.state = Act.State.UNDONE
    act.save(update_fields=["state"])
    closed(deed)
    if act.plain:
        widen(by)
    count_again(act.villages)
    return deed


def _take_away(stories: Mapping[str, _Story], act: Act) -> None:
    """Rows the act made go before others come back to their place: unique keys are checked row by row, references at the end."""
    with connection.cursor() as cursor:
        for table, story in stories.items():
            if story.made:
                key = str(_models()[table]._meta.pk.column)
                cursor.execute("SELECT ffp_unmake(%s::regclass, %s, %s, %s)", [table, key, story.made, act.name])


def _put_back(table: str, story: _Story) -> None:
    """Former values into the rows that were changed. A value of a record that an act set was not there before, or was not null (plans fill
    only what was never asked)."""
    if not story.former:
        return
    model = _models()[table]
    names = {field_.column for field_ in model._meta.concrete_fields}
    nested = sorted({head for columns in story.former.values() for name in columns if (head := name.partition(".")[0]) != name})
    plain = sorted({name for columns in story.former.values() for name in columns if "." not in name})
    sets: list[sql.Composable] = [sql.SQL("{0} = (jsonb_populate_record(t, f.plain)).{0}").format(sql.Identifier(name)) for name in plain]
    sets += [
        sql.SQL("{0} = (t.{0} - ARRAY(SELECT jsonb_array_elements_text(f.nested #> {1}))) || (f.nested #> {2})").format(
            sql.Identifier(head), sql.Literal([head, "named"]), sql.Literal([head, "held"])
        )
        for head in nested
    ]
    if "version" in names:
        sets.append(sql.SQL("version = t.version + 1"))
    if "updated_at" in names:
        sets.append(sql.SQL("updated_at = now()"))
    key = model._meta.pk
    assert key is not None
    statement = sql.SQL(
        "UPDATE {table} t SET {sets} FROM unnest(%s::{type}[], %s::jsonb[], %s::jsonb[]) AS f (id, plain, nested) WHERE t.{key} = f.id"
    ).format(
        table=sql.Identifier(table),
        sets=sql.SQL(", ").join(sets),
        type=sql.SQL(str(key.rel_db_type(connection))),
        key=sql.Identifier(str(key.column)),
    )
    rows = list(story.former.items())
    with connection.cursor() as cursor:
        for start in range(0, len(rows), 1000):
            part = rows[start : start + 1000]
            cursor.execute(
                statement,
                [
                    [row for row, _columns in part],
                    [Jsonb({name: value for name, value in columns.items() if "." not in name}) for _row, columns in part],
                    [Jsonb({head: _of(head, columns) for head in nested}) for _row, columns in part],
                ],
            )
            if cursor.rowcount != len(part):
                raise ActRefused(_("这次办理涉及您管辖范围以外的户，请由上一级撤销。"))


def _of(head: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    changed = {name.partition(".")[2]: value for name, value in columns.items() if name.startswith(f"{head}.")}
    return {"named": list(changed), "held": {name: value for name, value in changed.items() if value is not None}}


def _follow(stories: Mapping[str, _Story]) -> None:
    """What a sweep wrote since about a household or a village's row that moves back goes with it."""
    for village_code, keys in _moved_back(Household.objects.all(), stories):
        move_households(keys, village_code)
    for village_code, keys in _moved_back(Record.objects.filter(household__isnull=True), stories):
        clues_of_rows_along(keys, village_code)


def _moved_back(rows: QuerySet[Any, Any], stories: Mapping[str, _Story]) -> Iterable[tuple[str, list[UUID]]]:
    """By the village in which they are again."""
    story = stories.get(rows.model._meta.db_table)
    moved = [row for row, columns in story.former.items() if "village_code" in columns] if story else []
    by_village: dict[str, list[UUID]] = {}
    for key, village_code in rows.filter(pk__in=moved).values_list("pk", "village_code"):
        by_village.setdefault(village_code, []).append(key)
    return by_village.items()


def _plain_back(act: Act) -> None:
    """Divisions and assignments last, for the rows above needed the reach they give; what was made goes in reverse order."""
    folded = _folded(act.plain)
    for table, _key, before, _after in folded:
        if before is not None:
            row = _PLAIN[table](**before)
            row.save(force_update=True)
    for table, key, before, _after in reversed(folded):
        if before is None:
            _PLAIN[table].objects.get(pk=key).delete()
