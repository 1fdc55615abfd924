"""How good the data are (domain.md 6.9): completeness, errors per 1,000 persons, open and closed, share confirmed, by division, rule and over
time. Each sweep writes one row of counts per village; everything else adds these up. The weights of the score are parameters of the pack."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from fangfanpin.accounts.reach import Reach
from fangfanpin.pack import Pack
from fangfanpin.quality.models import OPEN_STATES, STANDING_STATES, Clue, Sweep, VillageQuality
from fangfanpin.regions.names import name_of
from fangfanpin.regions.succession import Succession, succession

COMPLETENESS = "C"  # family of the rules that tell what is missing
FEW = 3  # smaller counts name somebody as soon as they leave the county
LOOSEN_FROM, LOOSEN_SHARE = 10, 0.9  # answers a rule needs before it is judged, and the share confirmed beyond which it is proposed
WEIGHTS: Mapping[str, str] = {"complete": "quality_weight_complete", "errors": "quality_weight_errors", "closed": "quality_weight_closed"}
_COUNTS = ("households", "persons", "complete", "errors", "suspected", "closed", "confirmed")


def write_counts(sweep: Sweep, swept: Mapping[str, tuple[int, int]]) -> None:
    """Keep how each village stood after a sweep. `swept`: {village: (households, persons)}. Within the sweep's transaction."""
    of_year = Clue.objects.filter(year=sweep.year, village_code__in=swept).order_by()
    open_ = Q(state__in=OPEN_STATES)
    rows = of_year.values("village_code").annotate(
        errors=Count("id", filter=open_ & Q(severity=Clue.Severity.ERROR)),
        suspected=Count("id", filter=open_ & Q(severity=Clue.Severity.SUSPECTED)),
        closed=Count("id", filter=Q(state=Clue.State.CLOSED)),
        confirmed=Count("id", filter=Q(state__in=STANDING_STATES)),
        incomplete=Count("household_id", distinct=True, filter=open_ & Q(rule_id__startswith=COMPLETENESS)),
    )
    known: dict[str, dict[str, Any]] = {row["village_code"]: dict(row) for row in rows}
    made = []
    for code, (households, persons) in swept.items():
        row = known.get(code, {})
        counts = {name: row.get(name, 0) for name in ("errors", "suspected", "closed", "confirmed")}
        complete = max(0, households - row.get("incomplete", 0))
        made.append(VillageQuality(sweep=sweep, village_code=code, households=households, persons=persons, complete=complete, **counts))
    VillageQuality.objects.bulk_create(made, batch_size=1000)


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts of a division at a sweep and what they come to; shares are per cent, None where there is nothing to divide by."""

    code: str
    name: str
    households: int
    persons: int
    complete: int
    errors: int
    suspected: int
    closed: int
    confirmed: int
    score: float | None

    @property
    def complete_share(self) -> float | None:
        return _share(self.complete, self.households)

    @property
    def errors_per_1000(self) -> float | None:
        return round(self.errors * 1000 / self.persons, 1) if self.persons else None

    @property
    def closed_share(self) -> float | None:
        """Of all that was found, what is worked off."""
        done = self.closed + self.confirmed
        return _share(done, done + self.errors + self.suspected)

    @property
    def confirmed_share(self) -> float | None:
        """Of what was worked off, what was true as it stood."""
        return _share(self.confirmed, self.confirmed + self.closed)


def _share(part: int, whole: int) -> float | None:
    return round(part * 100 / whole, 1) if whole else None


def weights_of(pack: Pack) -> dict[str, int]:
    """The weights in force on the state date; they need not add up to 100."""
    return {name: pack.parameter(parameter, pack.state_date) or 0 for name, parameter in WEIGHTS.items()}


def _standing(code: str, counts: Mapping[str, int], weights: Mapping[str, int]) -> Standing:
    plain = Standing(
        code=code,
        name=name_of(code) or code,
        households=counts["households"],
        persons=counts["persons"],
        complete=counts["complete"],
        errors=counts["errors"],
        suspected=counts["suspected"],
        closed=counts["closed"],
        confirmed=counts["confirmed"],
        score=None,
    )
    parts = {
        "complete": plain.complete_share,
        "errors": None if plain.errors_per_1000 is None else max(0.0, 100 - plain.errors_per_1000),
        "closed": 100.0 if plain.closed_share is None else plain.closed_share,
    }
    whole = sum(weights.values())
    if not whole or not plain.households:
        return plain
    return replace(plain, score=round(sum(weights[name] * (parts[name] or 0.0) for name in weights) / whole, 1))


def by_division(reach: Reach, sweep: Sweep, pack: Pack, *, place: str = "", length: int) -> list[Standing]:
    """One line per division of `length` digits (9: townships, 12: villages) within reach and under a place, the lowest score first."""
    weights = weights_of(pack)
    added: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(_COUNTS, 0))
    line = succession()
    for row in _rows(reach, sweep, place, line):
        for name in _COUNTS:
            added[line.now(row.village_code)[:length]][name] += getattr(row, name)
    found = [_standing(code, counts, weights) for code, counts in added.items()]
    return sorted(found, key=lambda one: (one.score is None, one.score, one.code))


def total(reach: Reach, sweep: Sweep, pack: Pack, *, place: str = "") -> Standing | None:
    """All of it in one line; None where nothing was swept there."""
    counts = dict.fromkeys(_COUNTS, 0)
    for row in _rows(reach, sweep, place, succession()):
        for name in _COUNTS:
            counts[name] += getattr(row, name)
    return _standing(place, counts, weights_of(pack)) if counts["households"] else None


def _rows(reach: Reach, sweep: Sweep, place: str, line: Succession) -> Iterable[VillageQuality]:
    return VillageQuality.objects.visible_to(reach).filter(line.under(place), sweep=sweep)


def _counted(year: int) -> QuerySet[Sweep, Sweep]:
    """Sweeps of a year that have counts of villages."""
    return Sweep.objects.filter(Exists(VillageQuality.objects.filter(sweep=OuterRef("pk"))), year=year, state=Sweep.State.DONE)


def last_sweep(year: int) -> Sweep | None:
    """The sweep whose figures are shown."""
    return _counted(year).order_by("-ended_at").first()


def over_time(reach: Reach, year: int, pack: Pack, *, place: str = "", at_most: int = 60) -> list[tuple[Sweep, Standing]]:
    """How it went: the last sweep of each day, oldest first; what was counted for a village that has been merged since counts for the one it
    is part of."""
    last_of_day: dict[Any, Sweep] = {}
    for sweep in _counted(year).order_by("ended_at"):
        if sweep.ended_at is not None:
            last_of_day[timezone.localdate(sweep.ended_at)] = sweep
    sweeps = list(last_of_day.values())[-at_most:]
    rows: Iterable[Any] = (
        VillageQuality.objects.visible_to(reach)
        .filter(succession().under(place), sweep__in=sweeps)
        .order_by()
        .values("sweep_id")
        .annotate(**{f"sum_{name}": Sum(name) for name in _COUNTS})
    )
    sums: dict[UUID, dict[str, int]] = {row["sweep_id"]: {name: row[f"sum_{name}"] for name in _COUNTS} for row in rows}
    weights = weights_of(pack)
    return [(sweep, _standing(place, sums[sweep.pk], weights)) for sweep in sweeps if sweep.pk in sums]


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """How a rule fares: how often it hit, what came of it. `is_too_strict`: nearly always confirmed true, so that it should be loosened."""

    rule_id: str
    title: str
    hits: int
    open: int
    corrected: int
    confirmed: int
    disputed: int

    @property
    def confirmed_share(self) -> float | None:
        return _share(self.confirmed, self.confirmed + self.corrected)

    @property
    def is_too_strict(self) -> bool:
        answers = self.confirmed + self.corrected
        return answers >= LOOSEN_FROM and self.confirmed > LOOSEN_SHARE * answers


def by_rule(reach: Reach, year: int, pack: Pack, *, place: str = "") -> Sequence[RuleRecord]:
    """Every rule that hit, those proposed for loosening first, then by hits."""
    titles = {rule.id: rule.title for rule in pack.rules}
    rows = (
        Clue.objects.visible_to(reach)
        .filter(year=year, village_code__startswith=place)
        .order_by()
        .values("rule_id")
        .annotate(
            hits=Count("id"),
            open_=Count("id", filter=Q(state__in=OPEN_STATES)),
            corrected=Count("id", filter=Q(state=Clue.State.CLOSED)),
            confirmed=Count("id", filter=Q(state=Clue.State.CONFIRMED)),
            disputed=Count("id", filter=Q(state=Clue.State.DISPUTED)),
        )
    )
    found = [
        RuleRecord(row["rule_id"], titles.get(row["rule_id"], ""), row["hits"], row["open_"], row["corrected"], row["confirmed"], row["disputed"])
        for row in rows
    ]
    return sorted(found, key=lambda one: (not one.is_too_strict, -one.hits, one.rule_id))


def is_few(count: int) -> bool:
    """So few that the count would name somebody."""
    return 0 < count < FEW


def shown_outside(count: int) -> str:
    """A count as it may leave the county."""
    return f"<{FEW}" if is_few(count) else str(count)
