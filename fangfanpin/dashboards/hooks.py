"""The work menu: grouped by the kinds of work, with what is due beside each; and the place one is looking at."""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import Resolver404, resolve, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.dashboards.queries import SUBMITTED_STATES
from fangfanpin.quality.models import Clue, Lead
from fangfanpin.quality.queries import DUE
from fangfanpin.questions.models import Question
from fangfanpin.records.models import Conflict, Record
from fangfanpin.records.units import HOUSEHOLD_FORM
from fangfanpin.regions.names import local_name, name_of
from fangfanpin.web.context import register_frame_part

# Counted no further: a bounded count costs the same in a county ten times as large, and the start page says the exact number.
# Row security compares each row with each village of the reach, so a whole county is counted less far than a township.
_COUNTED_TO = 1000
_COUNTED_TO_IN_MANY_VILLAGES = 100
_MANY_VILLAGES = 60


def _bound(reach: Reach) -> int:
    return min(_COUNTED_TO, _COUNTED_TO_IN_MANY_VILLAGES) if len(reach.villages) > _MANY_VILLAGES else _COUNTED_TO


def _bounded(rows: QuerySet[Any, Any], reach: Reach) -> int:
    return rows.order_by().values("pk")[: _bound(reach)].count()


def _in_states(reach: Reach, year: int, *states: str) -> int:
    rows = Record.objects.visible_to(reach).filter(form=HOUSEHOLD_FORM, year=year, state__in=states)
    return _bounded(rows, reach)


def _to_collect(reach: Reach, year: int) -> int:
    return _in_states(reach, year, Record.State.EMPTY, Record.State.DRAFT, Record.State.RETURNED)


def _to_review(reach: Reach, year: int) -> int:
    return _in_states(reach, year, Record.State.SUBMITTED)


def _to_transfer(reach: Reach, year: int) -> int:
    rows = Record.objects.visible_to(reach).filter(form=HOUSEHOLD_FORM, year=year, state__in=SUBMITTED_STATES, transferred_at__isnull=True)
    return _bounded(rows, reach)


def _conflicts(reach: Reach, year: int) -> int:
    return _bounded(Conflict.objects.visible_to(reach).filter(state=Conflict.State.OPEN), reach)


def _clues(reach: Reach, year: int) -> int:
    rows = Clue.objects.visible_to(reach).filter(DUE, year=year)
    return _bounded(rows, reach)


def _leads(reach: Reach, year: int) -> int:
    rows = Lead.objects.visible_to(reach).filter(year=year, is_current=True, result=Lead.Result.WAITING)
    return _bounded(rows, reach)


def _questions(reach: Reach, year: int) -> int:
    return _bounded(Question.objects.visible_to(reach).filter(state=Question.State.ASKED), reach)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of the menu. Shown to those who hold one of `verbs` and none of `unless`; "here" under any path of `under`."""

    kind: str
    title: Any  # lazy translation
    url: str
    verbs: tuple[Verb, ...]
    under: tuple[str, ...] = ()
    unless: tuple[Verb, ...] = ()
    count: Callable[[Reach, int], int] | None = None
    count_for: Verb | None = None  # whose duty it is: others see no number
    only_when_due: bool = False


_KINDS = {"collect": _("采集"), "verify": _("核查"), "archive": _("档案"), "supervise": _("督导"), "settings": _("设置")}
_WORKS = (Verb.RECORD_ENTER, Verb.RECORD_REVIEW)
_ENTRIES = (
    _Entry("collect", _("农户"), "/households/", _WORKS, ("/households/", "/entry/"), count=_to_collect, count_for=Verb.RECORD_ENTER),
    _Entry(
        "collect",
        _("两人填的不一样"),
        "/households/conflicts",
        (Verb.RECORD_ENTER,),
        count=_conflicts,
        count_for=Verb.RECORD_ENTER,
        only_when_due=True,
    ),
    _Entry("collect", _("打印对照表"), "/sheets/", (Verb.SHEET_PRINT,), ("/sheets/",)),
    _Entry("collect", _("台账"), "/registers/", _WORKS, ("/registers/",)),
    _Entry("collect", _("帮扶结对"), "/pairings/", _WORKS, ("/pairings/",)),
    _Entry("collect", _("审核"), "/households/review", (Verb.RECORD_REVIEW,), count=_to_review, count_for=Verb.RECORD_REVIEW),
    _Entry("collect", _("录入国家系统"), "/transfer/", (Verb.TRANSFER_TICK,), ("/transfer/",), count=_to_transfer, count_for=Verb.TRANSFER_TICK),
    _Entry("verify", _("疑似问题"), "/clues/", (Verb.HOUSEHOLD_VIEW,), ("/clues/",), count=_clues, count_for=Verb.CLUE_ANSWER),
    _Entry("verify", _("漏评错评筛查"), "/leads/", (Verb.HOUSEHOLD_VIEW,), ("/leads/",), count=_leads, count_for=Verb.CLUE_ANSWER),
    _Entry(
        "verify",
        _("提问和答复"),
        "/questions/",
        (Verb.HOUSEHOLD_VIEW,),
        ("/questions/",),
        count=_questions,
        count_for=Verb.QUESTION_ANSWER,
    ),
    _Entry("archive", _("农户档案"), "/households/", (Verb.HOUSEHOLD_VIEW,), ("/households/",), unless=_WORKS),
    _Entry("archive", _("台账"), "/registers/", (Verb.HOUSEHOLD_VIEW,), ("/registers/",), unless=_WORKS),
    _Entry("archive", _("帮扶结对"), "/pairings/", (Verb.HOUSEHOLD_VIEW,), ("/pairings/",), unless=_WORKS),
    _Entry("archive", _("变动办理"), "/acts/", (Verb.ACT_HOUSEHOLD,), ("/acts/",)),
    _Entry("supervise", _("进度和地图"), "/progress/", (Verb.CAMPAIGN_VIEW,), ("/progress/",)),
    _Entry("settings", _("导入花名册"), "/imports/", (Verb.IMPORT_ROSTER,), ("/imports/",)),
    _Entry("settings", _("规则"), "/rules/", (Verb.RULE_MANAGE,), ("/rules/",)),
    _Entry("settings", _("账号"), "/accounts/", (Verb.ACCOUNT_MANAGE,), ("/accounts/",)),
)
_NOT_SETTINGS = ("/accounts/password", "/accounts/sign-in")  # one's own password is no management of accounts


@dataclass(slots=True)
class MenuEntry:
    title: str
    url: str
    count: str
    is_here: bool = False


@dataclass(slots=True)
class MenuKind:
    """A kind of work with its entries; `url` is the first one's, for the folded column."""

    title: str
    url: str
    entries: list[MenuEntry] = field(default_factory=list)
    is_here: bool = False

    @property
    def is_due(self) -> bool:
        return any(entry.count for entry in self.entries)


@functools.cache
def _exists(url: str) -> bool:
    try:
        resolve(url)
    except Resolver404:
        return False
    return True


def _fits(entry: _Entry, path: str) -> int:
    """Length of the longest prefix under which the path lies; 0: elsewhere."""
    if path.endswith("/review"):
        path = "/households/review"  # one household's review belongs to the list it came from
    if path == entry.url:
        return len(path)
    return 0 if path in _NOT_SETTINGS else max((len(prefix) for prefix in entry.under if path.startswith(prefix)), default=0)


_MOST_KEPT = 20_000  # numbers: some thousand people with five each
_kept: dict[tuple[Reach, str, int], tuple[float, int]] = {}


def _counted(entry: _Entry, reach: Reach, year: int) -> int:
    """The number beside an entry, counted anew every few seconds per person: a tenth of a page's time for what hardly ever changes
    between two pages. The start page's own work list is never older than the page."""
    assert entry.count is not None
    key = (reach, entry.url, year)
    now = time.monotonic()
    known = _kept.get(key)
    if known is not None and known[0] > now:
        return known[1]
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    number = entry.count(reach, year)
    _kept[key] = (now + settings.MENU_COUNTS_KEPT_S, number)
    return number


def kinds_of_work(reach: Reach, path: str, year: int | None) -> list[MenuKind]:
    """The menu of a person: only what they may do, kinds without any entry left out. At most five bounded counts, a few seconds old."""
    shown: list[tuple[_Entry, MenuEntry]] = []
    bound = _bound(reach)
    for entry in _ENTRIES:
        if not any(reach.has(verb) for verb in entry.verbs) or any(reach.has(verb) for verb in entry.unless) or not _exists(entry.url):
            continue
        number = _counted(entry, reach, year) if entry.count and year and entry.count_for and reach.has(entry.count_for) else 0
        if entry.only_when_due and not number and path != entry.url:
            continue
        text = "" if not number else f"{bound - 1}+" if number >= bound else str(number)
        shown.append((entry, MenuEntry(str(entry.title), entry.url, text)))
    fits = [_fits(entry, path) for entry, _made in shown]
    if fits and max(fits) > 0:
        shown[fits.index(max(fits))][1].is_here = True
    found: dict[str, MenuKind] = {}
    for entry, made in shown:
        kind = found.setdefault(entry.kind, MenuKind(str(_KINDS[entry.kind]), made.url))
        kind.entries.append(made)
        kind.is_here = kind.is_here or made.is_here
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Lacking:
    """Why a person finds nothing on any page, and what is to be done about it."""

    title: Any
    text: Any


def lacking(reach: Reach) -> Lacking | None:
    """None where there is something to see, or where the post is not one that sees households."""
    if reach.villages or reach.households:
        return None
    if not reach.scopes:
        return Lacking(_("您的账号现在没有岗位。"), _("所以这里什么也看不到。请找给您建账号的管理员（乡镇或县里）增加岗位。"))
    seeing = [scope for scope in reach.scopes if Verb.HOUSEHOLD_VIEW in scope.verbs]
    if not seeing:
        return None
    if any(scope.by_pairing for scope in seeing):
        town = name_of(seeing[0].prefix[:9])
        return Lacking(
            _("您还没有结对的农户。"),
            _("所以这里看不到农户。请联系%(town)s工作站，把您和农户的结对关系登记上；登记后马上就能看到。") % {"town": town},
        )
    return Lacking(
        _("您的岗位没有对应的村。"),
        _("所以这里看不到农户。您的岗位在“%(place)s”，系统里没有它的村，请找账号管理员核对地区。") % {"place": local_name(seeing[0].prefix)},
    )


@register_frame_part
def work_menu(request: HttpRequest) -> dict[str, Any]:
    """`work_kinds`, the four tabs of the phone, and the place one is looking at with the address of its tree."""
    reach: Reach | None = getattr(request, "reach", None)
    if reach is None:
        return {}
    try:
        year: int | None = clock.current().year
    except clock.NoCampaign:
        year = None
    kinds = kinds_of_work(reach, request.path, year)
    code = request.GET.get("place", "") or str((request.resolver_match.kwargs if request.resolver_match else {}).get("code", ""))
    widest = reach.prefixes(Verb.HOUSEHOLD_VIEW)
    return {
        "work_kinds": kinds,
        "lacking": lacking(reach),
        "rail_folded": request.COOKIES.get("ffp_rail") == "folded",
        "may_map": reach.has(Verb.CAMPAIGN_VIEW),
        "may_see_households": bool(reach.villages or reach.households),
        "at_home": request.path == "/",
        "at_map": request.path.startswith("/progress/"),
        "at_jobs": request.path == "/jobs/",
        "at_me": request.path in ("/me/", "/accounts/password") or request.path.startswith("/jobs/"),
        "at_households": request.path.startswith(("/households/", "/entry/")),
        "place_name": name_of(code) if code.isdigit() else name_of(widest[0]) if len(widest) == 1 else "",
        "places_url": f"{reverse('dashboards:places')}?{urlencode({'at': request.path, 'place': code})}" if len(reach.villages) > 1 else "",
    }
