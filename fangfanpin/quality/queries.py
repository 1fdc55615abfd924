"""Report-shaped reads of clues: the list with its filters, counts by rule and village, what waits for review."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.utils.translation import gettext_noop

from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack, Rule
from fangfanpin.quality import messages
from fangfanpin.quality.models import OPEN_STATES, Clue
from fangfanpin.regions.models import Region
from fangfanpin.web.paging import cut

PAGE = 50
TO_REVIEW = Q(state=Clue.State.CONFIRMED, reviewed_at__isnull=True)
# What must be answered. Information asks for nothing: it stands in the household's file and is counted apart.
DUE = Q(state__in=OPEN_STATES) & ~Q(severity=Clue.Severity.INFO)
INFORMATION = Q(state__in=OPEN_STATES, severity=Clue.Severity.INFO)
# What a list may show: key → words. The first is what is due.
STATES: Mapping[str, str] = {
    "due": "待核实",
    "review": "待审核",
    "confirmed": "核实无误",
    "disputed": "规则有误，等县里定",
    "closed": "已消除",
    "all": "全部",
}
# Whose clues a list may show: key → words.
ASSIGNED: Mapping[str, str] = {"me": gettext_noop("交给我的"), "handed": gettext_noop("已交给人的"), "village": gettext_noop("留在村里的")}


@dataclass(frozen=True, slots=True)
class ClueFilter:
    """What the list may be narrowed to; empty = all. `state`: a key of STATES, empty = due; `assigned`: a key of ASSIGNED."""

    place: str = ""  # township or village code
    state: str = ""
    severity: str = ""
    rule: str = ""
    assigned: str = ""
    q: str = ""  # head's name, household code, words of the message

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "ClueFilter":
        return cls(**{field.name: given.get(field.name, "").strip()[:60] for field in fields(cls)})

    def as_query(self) -> dict[str, str]:
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name))}


def clues(reach: Reach, year: int, chosen: ClueFilter) -> QuerySet[Clue, Clue]:
    """Clues in reach by the filter, household by household."""
    rows = Clue.objects.visible_to(reach).filter(year=year)
    match chosen.state or "due":
        case "due":
            rows = rows.filter(INFORMATION if chosen.severity == Clue.Severity.INFO else DUE)
        case "review":
            rows = rows.filter(TO_REVIEW)
        case "confirmed" | "disputed" | "closed" as state:
            rows = rows.filter(state=state)
        case _:
            pass
    if chosen.place:
        rows = rows.filter(village_code__startswith=chosen.place) if len(chosen.place) < 12 else rows.filter(village_code=chosen.place)
    if chosen.severity:
        rows = rows.filter(severity=chosen.severity)
    if chosen.rule:
        rows = rows.filter(rule_id=chosen.rule.upper())
    match chosen.assigned:
        case "me":
            rows = rows.filter(assigned_to=reach.user_id)
        case "handed":
            rows = rows.exclude(assigned_name="")
        case "village":
            rows = rows.filter(assigned_name="")
    if chosen.q:
        by_name = Q(household__head_name=chosen.q) | Q(household__code=chosen.q) | Q(person__member_name=chosen.q)
        by_row = Q(subject_label__contains=chosen.q) | Q(subject_code=chosen.q)
        rows = rows.filter(by_name | Q(message__contains=chosen.q) | by_row)
    # What is under no household (the village itself, a project) stands first in its village.
    return rows.select_related("household", "person").order_by("village_code", F("household_id").asc(nulls_first=True), "rule_id", "id")


def page(rows: QuerySet[Clue, Clue], cursor: str, *, size: int = PAGE) -> tuple[list[Clue], str]:
    """One keyset page and the cursor of the next ('' at the end)."""
    parts = cursor.split("~")
    if len(parts) == 4:
        village, household, rule, key = parts
        here = Q(village_code=village, household_id=household) if household else Q(village_code=village, household_id__isnull=True)
        later = Q(household_id__gt=household) if household else Q(household_id__isnull=False)
        after_this = Q(rule_id__gt=rule) | Q(rule_id=rule, id__gt=key)
        rows = rows.filter(Q(village_code__gt=village) | (Q(village_code=village) & later) | (here & after_this))
    return cut(rows, size, lambda clue: f"{clue.village_code}~{clue.household_id or ''}~{clue.rule_id}~{clue.pk}")


@dataclass(frozen=True, slots=True)
class Counted:
    """Clues of one rule or village: still due, confirmed and waiting for review, done; and what only informs."""

    code: str
    name: str
    due: int
    review: int
    done: int
    information: int

    @property
    def share(self) -> int:
        whole = self.due + self.review + self.done
        return (self.review + self.done) * 100 // whole if whole else 100


_COUNTS = {
    "due": Count("id", filter=DUE),
    "review": Count("id", filter=TO_REVIEW),
    "information": Count("id", filter=INFORMATION),
    "whole": Count("id"),
}


def by_rule(reach: Reach, year: int, pack: Pack, *, place: str = "") -> list[Counted]:
    """Counts by rule, most due first."""
    titles = {rule.id: rule.title for rule in pack.rules}
    rows: list[dict[str, Any]] = list(map(dict, _of(reach, year, place).values("rule_id").annotate(**_COUNTS)))
    found = [_counted(row["rule_id"], titles.get(row["rule_id"], row["rule_id"]), row) for row in rows]
    return sorted(found, key=lambda one: (-one.due, one.code))


def by_village(reach: Reach, year: int) -> list[Counted]:
    """Counts by village, in the order of the codes."""
    rows: list[dict[str, Any]] = list(map(dict, _of(reach, year, "").values("village_code").annotate(**_COUNTS)))
    names = dict(Region.objects.filter(code__in=[row["village_code"] for row in rows]).values_list("code", "name"))
    found = [_counted(row["village_code"], names.get(row["village_code"], row["village_code"]), row) for row in rows]
    return sorted(found, key=lambda one: one.code)


def _of(reach: Reach, year: int, place: str) -> QuerySet[Clue, Clue]:
    return Clue.objects.visible_to(reach).filter(year=year, village_code__startswith=place).order_by()


def _counted(code: str, name: str, row: Mapping[str, Any]) -> Counted:
    done = row["whole"] - row["due"] - row["review"] - row["information"]
    return Counted(code, name, row["due"], row["review"], done, row["information"])


def sentence(clue: Clue, rules: Mapping[str, Rule], pack: Pack, *, sensitive: bool) -> str:
    """The clue in words; health and phones masked for those without the right."""
    rule = rules.get(clue.rule_id)
    if rule is None or (sensitive and pack.language == "zh"):
        return clue.message if sensitive else clue.rule_id
    return messages.render(rule, clue.used, pack, sensitive=sensitive)


def where_to_look(clue: Clue, rules: Mapping[str, Rule], pack: Pack) -> str:
    """Where the answer is found; what was written down with the clue is Chinese."""
    rule = rules.get(clue.rule_id)
    return clue.where_to_look if rule is None or pack.language == "zh" else rule.where


def with_sentences(rows: Iterable[Clue], pack: Pack, reach: Reach) -> list[dict[str, Any]]:
    """For pages: each clue with what it says to this person."""
    rules = {rule.id: rule for rule in pack.rules}
    return [
        {
            "clue": row,
            "sentence": sentence(row, rules, pack, sensitive=can(reach, Verb.SENSITIVE_VIEW, row)),
            "where": where_to_look(row, rules, pack),
        }
        for row in rows
    ]


def open_clues(household: Household, year: int, pack: Pack, *, sensitive: bool) -> list[dict[str, Any]]:
    """A household's clues still to be worked off, as the form engine takes them (docs/field-api.md)."""
    rules = {rule.id: rule for rule in pack.rules}
    return [
        {
            "id": str(clue.id),
            "rule": clue.rule_id,
            "severity": clue.severity,
            "message": sentence(clue, rules, pack, sensitive=sensitive),
            "where": where_to_look(clue, rules, pack),
            "person_id": str(clue.person_id) if clue.person_id else None,
            "fields": list(rules[clue.rule_id].fields) if clue.rule_id in rules else [],
        }
        for clue in Clue.objects.filter(household=household, year=year, state__in=OPEN_STATES)
    ]


def places(reach: Reach, codes: Sequence[str]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """(township, name, its villages) for the place filter, of the given village codes within reach."""
    villages = dict(Region.objects.filter(code__in=[code for code in codes if code in reach or not reach.villages]).values_list("code", "name"))
    towns = dict(Region.objects.filter(code__in={code[:9] for code in villages}).values_list("code", "name"))
    return [(town, name, sorted((code, word) for code, word in villages.items() if code.startswith(town))) for town, name in sorted(towns.items())]
