"""What an act changed, row by row, from its events: counted by the database, read a page at a time, so that an act over a township opens as fast as
one over a household. Of values it is said which, not what: they stand on the household's own pages, masked as everywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Min, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fangfanpin.accounts.reach import Reach
from fangfanpin.acts.models import Act
from fangfanpin.audit.models import Event
from fangfanpin.households.models import Household
from fangfanpin.policy.services import spoken
from fangfanpin.records.current_year import year_if_any
from fangfanpin.records.models import Record
from fangfanpin.regions.names import name_of

PAGE = 50
_VILLAGE_DIGITS = 12
_KINDS: Mapping[str, str] = {
    "households_household": gettext_noop("农户"),
    "households_person": gettext_noop("人员"),
    "households_membership": gettext_noop("成员关系"),
    "households_monitoringspell": gettext_noop("监测情况"),
    "households_pairing": gettext_noop("帮扶结对"),
    "households_location": gettext_noop("住址位置"),
    "records_record": gettext_noop("采集表、台账"),
    "registers_entry": gettext_noop("台账列表"),
    "registers_link": gettext_noop("台账引用"),
    "quality_clue": gettext_noop("疑问"),
    "quality_cluestep": gettext_noop("疑问答复"),
    "questions_question": gettext_noop("提问"),
    "questions_reply": gettext_noop("答复"),
    "files_storedfile": gettext_noop("附件"),
    "records_savereceipt": gettext_noop("保存记录"),
    "fieldwork_sheetbatch": gettext_noop("对照表"),
}
_PLACES: Mapping[str, str] = {"village_code": gettext_noop("行政村"), "natural_village_code": gettext_noop("自然村")}
_PLAIN: Mapping[str, str] = {
    "end_on": gettext_noop("结束日期"),
    "valid_to": gettext_noop("结束日期"),
    "start_on": gettext_noop("开始日期"),
    "head_name": gettext_noop("户主"),
    "member_count": gettext_noop("人口数"),
}
_NAMED: Mapping[str, str] = {
    "household_id": gettext_noop("所属的户"),
    "relation_to_head": gettext_noop("与户主关系"),
    "member_state": gettext_noop("是否在户"),
    "merged_into_id": gettext_noop("并入"),
    "state": gettext_noop("状态"),
}


def kind_word(table: str) -> str:
    return _(_KINDS[table]) if table in _KINDS else _("其他资料")


@dataclass(frozen=True, slots=True)
class Counted:
    """So many rows of one table were changed."""

    table: str
    word: str
    count: int


@dataclass(frozen=True, slots=True)
class Change:
    """One row. `said`: (what, before, after), before and after empty where only what is told; `more`: further columns."""

    kind: str
    deed: str
    household: Household | None
    place: str
    said: tuple[tuple[str, str, str], ...]
    more: int


def bounds_of(act: Act) -> tuple[int, int] | None:
    """Ids of the act's first and last event: the making of its row and the last change of it in the act. None where nobody may see them."""
    own = Event.objects.of_row(Act._meta.db_table, act.pk).filter(act=act.name)
    ends = own.order_by().aggregate(first=Min("id"), last=Max("id"))
    return None if ends["first"] is None else (ends["first"], ends["last"])


def events_of(act: Act, bounds: tuple[int, int] | None) -> QuerySet[Event, Event]:
    """The act's events, but those of its own row, as far as the reach goes: by id, for they lie together. `bounds`: see `bounds_of`."""
    if bounds is None:
        return Event.objects.none()
    return Event.objects.filter(id__gte=bounds[0], id__lte=bounds[1], act=act.name).exclude(table_name=Act._meta.db_table)


def counts(act: Act) -> list[Counted]:
    """By table, the most first."""
    rows = events_of(act, bounds_of(act)).order_by().values_list("table_name").annotate(n=Count("id"))
    return sorted((Counted(table, kind_word(table), n) for table, n in rows), key=lambda one: (-one.count, one.table))


def page(act: Act, reach: Reach, *, table: str = "", after: int = 0) -> tuple[list[Change], int]:
    """One page in the order of the doing, and the id to go on from (0: no more)."""
    rows = events_of(act, bounds_of(act)).filter(id__gt=after)
    found = list((rows.filter(table_name=table) if table else rows).order_by("id")[: PAGE + 1])
    shown = found[:PAGE]
    homes = Household.objects.visible_to(reach).in_bulk({key for event in shown if (key := _household(event)) is not None})
    titles = _titles([UUID(event.row_id) for event in shown if event.table_name == Record._meta.db_table])
    return [_change(event, homes, titles.get(event.row_id, "")) for event in shown], shown[-1].id if len(found) > PAGE else 0


def _titles(records: Sequence[UUID]) -> dict[str, str]:
    """What form each of these records is."""
    now = year_if_any()
    if now is None or not records:
        return {}
    forms = spoken(now.pack).forms
    rows = Record.objects.filter(pk__in=records).values_list("pk", "form")
    return {str(key): forms[form].title for key, form in rows if form in forms}


def _household(event: Event) -> UUID | None:
    return UUID(event.row_id) if event.table_name == Household._meta.db_table else event.household_id


def _change(event: Event, homes: Mapping[UUID, Household], title: str) -> Change:
    key = _household(event)
    changed: Mapping[str, Sequence[Any]] = event.changed or {}
    said = [(_(words), _place(changed[name][0]), _place(changed[name][1])) for name, words in _PLACES.items() if name in changed]
    said += [(_(words), _plain(changed[name][0]), _plain(changed[name][1])) for name, words in _PLAIN.items() if name in changed]
    said += [(_(words), "", "") for name, words in _NAMED.items() if name in changed]
    deeds = {"I": _("新增"), "U": _("改动"), "D": _("删去")}
    return Change(
        kind=title or kind_word(event.table_name),
        deed=deeds[event.op],
        household=homes.get(key) if key is not None else None,
        place=name_of(event.village_code) if event.village_code else "",
        said=tuple(said),
        more=len(changed) - len(said),
    )


def _place(code: Any) -> str:
    """With what it lies in: a village that goes along keeps its name."""
    return f"{name_of(str(code)[: 9 if len(str(code)) <= _VILLAGE_DIGITS else _VILLAGE_DIGITS])}{name_of(str(code))}" if code else _("（空）")


def _plain(value: Any) -> str:
    return _("（空）") if value in (None, "") else str(value)
