"""Report-shaped reads: how far each village and township is, what is due, lists of households."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from fangfanpin.accounts.reach import Reach
from fangfanpin.households.models import Household, HouseholdQuerySet
from fangfanpin.households.services import search
from fangfanpin.quality.models import Clue
from fangfanpin.records.models import Record
from fangfanpin.records.units import HOUSEHOLD_FORM
from fangfanpin.regions.models import Region

PAGE = 50
OPEN_CLUES = (Clue.State.OPEN, Clue.State.CORRECTED)


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of assisted households (clues: of clues) under one division. `collected`: every section answered, that is
    submitted or beyond; `started`: draft or returned; `entered_there`: ticked as typed into the national system."""

    code: str
    name: str
    households: int
    started: int
    collected: int
    approved: int
    returned: int
    entered_there: int
    clues_open: int
    clues_closed: int

    @property
    def left(self) -> int:
        return self.households - self.collected

    @property
    def share(self) -> int:
        return self.collected * 100 // self.households if self.households else 100

    @property
    def there_share(self) -> int:
        return self.entered_there * 100 // self.households if self.households else 100


_DONE = (Record.State.SUBMITTED, Record.State.APPROVED, Record.State.LOCKED)


def progress_by(reach: Reach, year: int, *, length: int, under: str = "") -> list[Progress]:
    """Progress by division of the given code length (9 townships, 12 villages) under a prefix, within reach. Two grouped queries."""
    records = Record.objects.visible_to(reach).filter(form=HOUSEHOLD_FORM, year=year, village_code__startswith=under)
    rows = records.values("village_code").annotate(
        households=Count("id"),
        started=Count("id", filter=Q(state__in=(Record.State.DRAFT, Record.State.RETURNED))),
        collected=Count("id", filter=Q(state__in=_DONE)),
        approved=Count("id", filter=Q(state__in=(Record.State.APPROVED, Record.State.LOCKED))),
        returned=Count("id", filter=Q(state=Record.State.RETURNED)),
        entered_there=Count("id", filter=Q(transferred_at__isnull=False)),
    )
    clues = (
        Clue.objects.visible_to(reach)
        .filter(year=year, village_code__startswith=under)
        .exclude(severity=Clue.Severity.INFO)
        .values("village_code")
        .annotate(open=Count("id", filter=Q(state__in=OPEN_CLUES)), closed=Count("id", filter=~Q(state__in=OPEN_CLUES)))
    )
    sums: dict[str, dict[str, int]] = {}
    columns = ("households", "started", "collected", "approved", "returned", "entered_there")
    for row in rows:
        entry = sums.setdefault(row["village_code"][:length], {})
        for column in columns:
            entry[column] = entry.get(column, 0) + row[column]
    for row in clues:
        entry = sums.setdefault(row["village_code"][:length], {})
        entry["clues_open"] = entry.get("clues_open", 0) + row["open"]
        entry["clues_closed"] = entry.get("clues_closed", 0) + row["closed"]
    names = dict(Region.objects.filter(code__in=sums).values_list("code", "name"))
    return [
        Progress(
            code=code,
            name=names.get(code, code),
            **{column: entry.get(column, 0) for column in (*columns, "clues_open", "clues_closed")},
        )
        for code, entry in sorted(sums.items())
    ]


def total(rows: Sequence[Progress], *, code: str = "", name: str = "") -> Progress:
    """The rows put together."""
    return Progress(
        code=code,
        name=name,
        households=sum(row.households for row in rows),
        started=sum(row.started for row in rows),
        collected=sum(row.collected for row in rows),
        approved=sum(row.approved for row in rows),
        returned=sum(row.returned for row in rows),
        entered_there=sum(row.entered_there for row in rows),
        clues_open=sum(row.clues_open for row in rows),
        clues_closed=sum(row.clues_closed for row in rows),
    )


@dataclass(frozen=True, slots=True)
class HouseholdFilter:
    """What the list of households may be narrowed to; empty = all."""

    place: str = ""  # township, village or natural village code
    state: str = ""  # record state
    kind: str = ""  # assisted, ordinary, monitored, monitored_open, exited
    clue: str = ""  # open
    q: str = ""

    def as_query(self) -> dict[str, str]:
        return {name: value for name in ("place", "state", "kind", "clue", "q") if (value := getattr(self, name))}


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Household]
    next_cursor: str


def households(reach: Reach, year: int, chosen: HouseholdFilter) -> HouseholdQuerySet:
    """Households in reach by the filter, in walking order, with the year's state and open clues beside each."""
    rows = search(chosen.q, reach) if chosen.q else Household.objects.visible_to(reach)
    if chosen.place:
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
    leads = Record.objects.filter(form=HOUSEHOLD_FORM, year=year, subject_kind="household", subject_id=OuterRef("pk"))
    if chosen.state:
        rows = rows.filter(Exists(leads.filter(state=chosen.state)))
    if chosen.clue == "open":
        rows = rows.filter(Exists(Clue.objects.filter(household_id=OuterRef("pk"), year=year, state__in=OPEN_CLUES)))
    return rows.annotate(
        year_state=Subquery(leads.values("state")[:1]),
        transferred_at=Subquery(leads.values("transferred_at")[:1]),
        open_clues=Subquery(
            Clue.objects.filter(household_id=OuterRef("pk"), year=year, state__in=OPEN_CLUES)
            .order_by()
            .values("household_id")
            .annotate(count=Count("id"))
            .values("count")
        ),
    ).order_by("village_code", "natural_village_code", "walking_order", "code")


_ORDER = ("village_code", "natural_village_code", "walking_order", "code")


def page(rows: QuerySet[Household, Household], cursor: str, *, size: int = PAGE) -> Page:
    """One keyset page: the cursor is the last row's place in the order, so page 500 costs what page 1 costs."""
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
    found = list(rows[: size + 1])
    last = found[size - 1] if len(found) > size else None
    cursor_after = "~".join(str(getattr(last, name)) for name in _ORDER) if last else ""
    return Page(found[:size], cursor_after)


def places(reach: Reach) -> list[dict[str, Any]]:
    """Townships and villages in reach, for the place filter."""
    villages = Region.objects.filter(code__in=reach.villages).values("code", "name")
    townships = {code[:9] for code in reach.villages}
    names = dict(Region.objects.filter(code__in=townships).values_list("code", "name"))
    grouped: dict[str, list[dict[str, Any]]] = {}
    for village in villages.order_by("code"):
        grouped.setdefault(village["code"][:9], []).append(village)
    return [{"code": code, "name": names.get(code, code), "villages": grouped[code]} for code in sorted(grouped)]


def due_records(reach: Reach, year: int, states: Sequence[str]) -> QuerySet[Record, Record]:
    """Leading records in given states, in walking order."""
    return (
        Record.objects.visible_to(reach)
        .filter(form=HOUSEHOLD_FORM, year=year, state__in=states)
        .select_related("household")
        .order_by("village_code", "household__natural_village_code", "household__walking_order", F("household__code"))
    )
