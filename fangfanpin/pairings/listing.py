"""The list of pairings: filters, pages by key, and the same as Excel."""

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.households.models import Pairing
from fangfanpin.jobs.exports import Column, Table
from fangfanpin.pack import Pack
from fangfanpin.pairings.dictionary import ACCOUNT, SUBJECT, register_of_pairings, value_of
from fangfanpin.regions.names import name_of
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.reading import say
from fangfanpin.registers.references import Words

PAGE = 50
_CURSOR = re.compile(r"([0-9]{12})_([0-9a-f-]{36})_([0-9a-f-]{36})")
STATES = ("now", "ended", "coming", "all")


@dataclass(frozen=True, slots=True)
class Chosen:
    """`state`: now (helping today), ended, coming, all."""

    place: str = ""
    helper: str = ""
    state: str = "now"
    main: str = ""

    def query(self) -> dict[str, str]:
        found = {"place": self.place, "helper": self.helper, "state": self.state if self.state != "now" else "", "main": self.main}
        return {name: value for name, value in found.items() if value}


def chosen_of(given: Mapping[str, str]) -> Chosen:
    state = given.get("state", "")
    return Chosen(
        place=given.get("place", "").strip()[:15],
        helper=given.get("helper", "").strip()[:60],
        state=state if state in STATES else "now",
        main=given.get("main", "") if given.get("main") in ("1", "0") else "",
    )


def state_words() -> list[tuple[str, str]]:
    return [("now", _("在帮扶")), ("ended", _("已结束")), ("coming", _("还没开始")), ("all", _("全部"))]


def pairings(reach: Reach, chosen: Chosen, today: datetime.date) -> QuerySet[Pairing]:
    """Within reach, by village and household."""
    rows = Pairing.objects.visible_to(reach.within(chosen.place) if chosen.place else reach)
    if chosen.place:
        rows = rows.filter(village_code__startswith=chosen.place[:12])
        if len(chosen.place) > 12:
            rows = rows.filter(household__natural_village_code=chosen.place)
    if chosen.helper:
        rows = rows.filter(Q(helper_name__startswith=chosen.helper) | Q(helper_phone=chosen.helper))
    if chosen.main:
        rows = rows.filter(is_main=chosen.main == "1")
    match chosen.state:
        case "now":
            rows = rows.filter(Q(end_on__isnull=True) | Q(end_on__gt=today), start_on__lte=today)
        case "ended":
            rows = rows.filter(end_on__lte=today)
        case "coming":
            rows = rows.filter(start_on__gt=today)
    return rows.select_related("household").order_by("village_code", "household_id", "id")


def page(rows: QuerySet[Pairing], after: str) -> tuple[list[Pairing], str]:
    """One page and the cursor of the next, "" where there is none."""
    if cursor := _CURSOR.fullmatch(after):
        village, household, key = cursor.groups()
        rows = rows.filter(
            Q(village_code__gt=village)
            | Q(village_code=village, household_id__gt=household)
            | Q(village_code=village, household_id=household, id__gt=key)
        )
    found = list(rows[: PAGE + 1])
    last = found[PAGE - 1] if len(found) > PAGE else None
    return found[:PAGE], f"{last.village_code}_{last.household_id}_{last.pk}" if last else ""


def items(register: Register, *, all_of_them: bool = False) -> Sequence[Any]:
    """Columns of the list; in the file all."""
    few = ("helper_phone", "helper_unit", "unit_position", "is_main", "start_on", "end_on")
    return [item for item in register.asked if item.name not in (SUBJECT, ACCOUNT) and (all_of_them or item.name in few)]


def table_of(reach: Reach, given: Mapping[str, str], pack: Pack) -> Table:
    """The list's rows as a file: keys first, so that it can be taken in again; numbers of identity cards masked."""
    register = register_of_pairings(pack)
    shown = items(register, all_of_them=True) if register is not None else []
    chosen = chosen_of(given)
    rows = pairings(reach, chosen, timezone.localdate())
    states = dict(state_words())
    filters = [(_("地区"), name_of(chosen.place) if chosen.place else _("全部")), (_("情况"), states[chosen.state])]
    if chosen.helper:
        filters.append((_("帮扶责任人"), chosen.helper))
    titles = [_("户编号"), _("户主姓名"), _("村代码"), _("村")]
    return Table(
        columns=[*(Column(title) for title in titles), *(Column(item.label, width=16) for item in shown)],
        rows=_rows(rows, shown, pack, reach),
        total=rows.count(),
        filters=filters,
    )


def _rows(rows: QuerySet[Pairing], shown: Sequence[Any], pack: Pack, reach: Reach) -> Iterator[list[Any]]:
    words = Words(reach)
    for row in rows.iterator(chunk_size=2000):
        sensitive = can(reach, Verb.SENSITIVE_VIEW, row)
        place = [row.household.code, row.household.head_name, row.village_code, name_of(row.village_code)]
        yield [*place, *(say(item, value_of(row, item), pack, words, sensitive=sensitive) for item in shown)]
