"""Report-shaped reads: how far each village and township is, what is due, lists of households."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.dateparse import parse_datetime

from fangfanpin.accounts.reach import Reach, ReachQuerySet
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns.models import Campaign, StageReport
from fangfanpin.households.models import Household, HouseholdQuerySet
from fangfanpin.households.services import search
from fangfanpin.quality.models import OPEN_STATES, Clue
from fangfanpin.quality.queries import DUE, TO_REVIEW
from fangfanpin.records.models import Record
from fangfanpin.records.units import HOUSEHOLD_FORM
from fangfanpin.regions.models import Region
from fangfanpin.web.paging import cut

PAGE = 50
SUBMITTED_STATES = (Record.State.SUBMITTED, Record.State.APPROVED, Record.State.LOCKED)
_COUNTS = (
    *("households", "visited", "empty", "draft", "submitted", "collected", "approved", "returned", "entered_there", "to_transfer"),
    *("clues_open", "clues_closed", "clues_to_review"),
)


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of assisted households (clues: of clues) under one division. `visited`: somebody was in the household, or its entry is
    handed in; `started`: draft or returned; `collected`: entry handed in (submitted or beyond); `entered_there`: ticked as typed into the
    national system; `to_transfer`: handed in and not ticked yet."""

    code: str
    name: str
    households: int = 0
    visited: int = 0
    empty: int = 0
    draft: int = 0
    submitted: int = 0
    collected: int = 0
    approved: int = 0
    returned: int = 0
    entered_there: int = 0
    to_transfer: int = 0
    clues_open: int = 0
    clues_closed: int = 0
    clues_to_review: int = 0

    @property
    def started(self) -> int:
        return self.draft + self.returned

    @property
    def left(self) -> int:
        return self.households - self.collected

    @property
    def not_visited(self) -> int:
        return self.households - self.visited

    @property
    def visited_share(self) -> int:
        return _share(self.visited, self.households)

    @property
    def share(self) -> int:
        return _share(self.collected, self.households)

    @property
    def there_share(self) -> int:
        return _share(self.entered_there, self.households)

    @property
    def clues_share(self) -> int:
        return _share(self.clues_closed, self.clues_open + self.clues_closed)

    def share_of(self, metric: str) -> int | None:
        """Percent done of a metric of the plan; None for one that nothing counts, and for clues before the first sweep."""
        clues = self.clues_share if self.clues_open + self.clues_closed else None
        return {"collected": self.visited_share, "entered": self.share, "clues_closed": clues}.get(metric)


def _share(part: int, whole: int) -> int:
    return part * 100 // whole if whole else 100


def progress_by(reach: Reach, year: int, *, length: int, under: str = "") -> list[Progress]:
    """Progress by division of the given code length (9 townships, 12 villages) under a prefix. Within reach; who sees no households but
    follows the campaign gets the bare numbers of the division they work in. At most three queries."""
    if reach.households or not reach.scopes:
        rows = _counted_within_reach(reach, year, under)
    else:
        rows = _counted_by_division(reach.prefixes(Verb.HOUSEHOLD_VIEW) or reach.prefixes(Verb.CAMPAIGN_VIEW), year, under)
    sums: dict[str, dict[str, int]] = {}
    for village, counts in rows:
        entry = sums.setdefault(village[:length], {})
        for column, number in counts.items():
            entry[column] = entry.get(column, 0) + number
    names = dict(Region.objects.filter(code__in=sums).values_list("code", "name"))
    return [Progress(code=code, name=names.get(code, code), **entry) for code, entry in sorted(sums.items())]


def _counted_within_reach(reach: Reach, year: int, under: str) -> list[tuple[str, dict[str, int]]]:
    records = Record.objects.visible_to(reach).filter(form=HOUSEHOLD_FORM, year=year, village_code__startswith=under)
    records = records.exclude(state=Record.State.VOID)  # of a household that was merged into another
    households = records.values("village_code").annotate(
        households=Count("id"),
        visited=Count("id", filter=Q(visited_on__isnull=False) | Q(state__in=SUBMITTED_STATES)),
        empty=Count("id", filter=Q(state=Record.State.EMPTY)),
        draft=Count("id", filter=Q(state=Record.State.DRAFT)),
        submitted=Count("id", filter=Q(state=Record.State.SUBMITTED)),
        collected=Count("id", filter=Q(state__in=SUBMITTED_STATES)),
        approved=Count("id", filter=Q(state__in=(Record.State.APPROVED, Record.State.LOCKED))),
        returned=Count("id", filter=Q(state=Record.State.RETURNED)),
        entered_there=Count("id", filter=Q(transferred_at__isnull=False)),
        to_transfer=Count("id", filter=Q(transferred_at__isnull=True, state__in=SUBMITTED_STATES)),
    )
    clues = (
        Clue.objects.visible_to(reach)
        .filter(year=year, village_code__startswith=under)
        .order_by()
        .values("village_code")
        .annotate(
            clues_open=Count("id", filter=DUE),
            clues_closed=Count("id", filter=~Q(state__in=OPEN_STATES) & ~Q(severity=Clue.Severity.INFO)),
            clues_to_review=Count("id", filter=TO_REVIEW),
        )
    )
    counted: list[dict[str, Any]] = [*map(dict, households), *map(dict, clues)]
    return [(row.pop("village_code"), row) for row in counted]


def _counted_by_division(prefixes: Sequence[str], year: int, under: str) -> list[tuple[str, dict[str, int]]]:
    """Past row security, numbers by village and nothing else (see the migrations): quick for a whole county, and a department follows the
    county without seeing anybody."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM ffp_progress_counts(%s, %s)", [list(prefixes), year])
        return [(row[0], dict(zip(_COUNTS, row[1:], strict=True))) for row in cursor.fetchall() if row[0].startswith(under)]


def total(rows: Sequence[Progress], *, code: str = "", name: str = "") -> Progress:
    """The rows put together."""
    return Progress(code=code, name=name, **{column: sum(getattr(row, column) for row in rows) for column in _COUNTS})


@dataclass(frozen=True, slots=True)
class HouseholdFilter:
    """What the list of households may be narrowed to; empty = all."""

    place: str = ""  # township, village or natural village code
    state: str = ""  # record state
    kind: str = ""  # assisted, ordinary, monitored, monitored_open, exited
    clue: str = ""  # open: with a clue that is due
    q: str = ""

    def as_query(self) -> dict[str, str]:
        return {name: value for name in ("place", "state", "kind", "clue", "q") if (value := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Household]
    next_cursor: str


def households(reach: Reach, year: int, chosen: HouseholdFilter) -> HouseholdQuerySet:
    """Households in reach by the filter, in walking order, with the year's state and the clues due beside each."""
    # A village is said once: said twice (it is in reach, and it is this one), the planner expects a twentieth of its rows.
    reach = reach.within(chosen.place)
    rows = search(chosen.q, reach) if chosen.q else Household.objects.visible_to(reach)
    if chosen.place and (len(chosen.place) != 12 or reach.households):
        rows = (
            rows.filter(natural_village_code=chosen.place)
            if len(chosen.place) == 15
            else rows.filter(village_code=chosen.place)
            if len(chosen.place) == 12
            else rows.filter(village_code__startswith=chosen.place)
        )
    if chosen.kind in ("assisted", "ordinary"):
        rows = rows.filter(kind=chosen.kind)
    elif chosen.kind == "monitored":
        rows = rows.exclude(monitoring_type="")
    elif chosen.kind == "monitored_open":
        rows = rows.filter(monitoring_state="01")
    elif chosen.kind == "exited":
        rows = rows.filter(household_type="01")
    leads = Record.objects.filter(form=HOUSEHOLD_FORM, year=year, period="", subject_kind=Record.SubjectKind.HOUSEHOLD)
    if chosen.state:
        rows = _with_one(rows, leads.filter(state=chosen.state), reach, key="subject_id")
    if chosen.clue == "open":
        rows = _with_one(rows, Clue.objects.filter(DUE, year=year), reach, key="household_id")
    leads = leads.filter(subject_id=OuterRef("pk"))
    return rows.annotate(
        year_state=Subquery(leads.values("state")[:1]),
        transferred_at=Subquery(leads.values("transferred_at")[:1]),
        open_clues=Subquery(
            Clue.objects.filter(DUE, household_id=OuterRef("pk"), year=year)
            .order_by()
            .values("household_id")
            .annotate(count=Count("id"))
            .values("count")
        ),
    ).order_by("village_code", "natural_village_code", "walking_order", "code")


_FEW = 500


def _with_one(rows: HouseholdQuerySet, found: ReachQuerySet[Any], reach: Reach, *, key: str) -> HouseholdQuerySet:
    """Households for which one of the rows `found` in reach names them by `key`.

    The planner cannot know whether few households have one (then it should begin with those) or many (then it should walk the list and stop
    when the page is full), and guessing wrong reads a county for a page. So it is looked up here; and a scalar sub-select, unlike EXISTS, is
    asked household by household in the order of the list and never turned into a join.
    """
    few = set(found.visible_to(reach).order_by().values_list(key, flat=True)[: _FEW + 1])
    if len(few) <= _FEW:
        return rows.filter(pk__in=few)
    one = found.filter(**{key: OuterRef("pk")}).order_by().values(there=Value(True))[:1]
    return rows.filter(Coalesce(Subquery(one), Value(False)))


_ORDER = ("village_code", "natural_village_code", "walking_order", "code")


def page(rows: QuerySet[Household, Household], cursor: str, *, size: int = PAGE) -> Page:
    """One keyset page."""
    if cursor:
        parts = cursor.split("~")
        if len(parts) == 4 and parts[2].isdigit():
            village, natural, order, code = parts[0], parts[1], int(parts[2]), parts[3]
            rows = rows.filter(
                Q(village_code__gt=village)
                | Q(village_code=village, natural_village_code__gt=natural)
                | Q(village_code=village, natural_village_code=natural, walking_order__gt=order)
                | Q(village_code=village, natural_village_code=natural, walking_order=order, code__gt=code),
                village_code__gte=village,
            )
    return Page(*cut(rows, size, lambda row: "~".join(str(getattr(row, name)) for name in _ORDER)))


def places(reach: Reach) -> list[dict[str, Any]]:
    """Townships and villages in reach, for the place filter; without those that are no more, where no household stands."""
    villages = Region.objects.filter(code__in=reach.villages, successor__isnull=True).values("code", "name")
    townships = {village["code"][:9] for village in villages}
    names = dict(Region.objects.filter(code__in=townships).values_list("code", "name"))
    grouped: dict[str, list[dict[str, Any]]] = {}
    for village in villages.order_by("code"):
        grouped.setdefault(village["code"][:9], []).append(dict(village))
    return [{"code": code, "name": names.get(code, code), "villages": grouped[code]} for code in sorted(grouped)]


def due_records(reach: Reach, year: int, states: Sequence[str]) -> QuerySet[Record, Record]:
    """Leading records in given states, with their household."""
    return Record.objects.visible_to(reach).filter(form=HOUSEHOLD_FORM, year=year, state__in=states).select_related("household")


@dataclass(frozen=True, slots=True)
class RecordPage:
    rows: list[Record]
    next_cursor: str


def review_page(reach: Reach, year: int, *, place: str, cursor: str, size: int = PAGE) -> RecordPage:
    """Households waiting for review, the longest waiting first, by keyset."""
    rows = due_records(reach, year, [Record.State.SUBMITTED]).select_related("entered_by").filter(village_code__startswith=place)
    moment, _tilde, after = cursor.partition("~")
    at = parse_datetime(moment) if after else None
    if at is not None:
        rows = rows.filter(Q(submitted_at__gt=at) | Q(submitted_at=at, pk__gt=_uuid(after)))
    ordered = rows.order_by("submitted_at", "pk")
    return RecordPage(*cut(ordered, size, lambda row: f"{row.submitted_at.isoformat()}~{row.pk}" if row.submitted_at else ""))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def unreported(campaign: Campaign, stage: str, prefixes: Sequence[str]) -> list[str]:
    """Codes of the divisions among `prefixes` that have not reported a stage done."""
    done = set(StageReport.objects.filter(campaign=campaign, stage=stage, region_id__in=prefixes).values_list("region_id", flat=True))
    return [prefix for prefix in prefixes if prefix not in done]
