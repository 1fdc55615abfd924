"""Reach: the villages and households a person may see, expanded once per request, and the two questions asked of it."""

import datetime
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar
from uuid import UUID

from django.db import connection, models
from django.utils import timezone

from fangfanpin.accounts.models import Assignment, Role, User
from fangfanpin.accounts.verbs import Verb
from fangfanpin.regions.models import Region

M = TypeVar("M", bound=models.Model)

HouseholdSource = Callable[[int, datetime.date], Iterable[UUID]]
_household_sources: list[HouseholdSource] = []


def register_household_source(source: HouseholdSource) -> None:
    """A higher app that gives people single households (pairings) registers here: (user id, day) → household ids."""
    _household_sources.append(source)


@dataclass(frozen=True, slots=True)
class Scope:
    """One assignment made ready: its verbs, over a division (prefix) or over paired households."""

    role: str
    prefix: str
    verbs: frozenset[str]
    by_pairing: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """`villages` (12 digits) and `households` whose personal rows this person may read."""

    user_id: int
    villages: tuple[str, ...] = ()
    households: tuple[UUID, ...] = ()
    scopes: tuple[Scope, ...] = ()
    _village_set: frozenset[str] = field(default=frozenset(), repr=False)
    _household_set: frozenset[UUID] = field(default=frozenset(), repr=False)

    def covers(self, *, village_code: str = "", household_id: UUID | None = None) -> bool:
        return village_code in self._village_set or household_id in self._household_set

    def has(self, verb: Verb) -> bool:
        """Held anywhere at all: enough to show a menu entry, never enough for an object."""
        return any(verb in scope.verbs for scope in self.scopes)

    def allows(self, verb: Verb, *, village_code: str = "", household_id: UUID | None = None) -> bool:
        """Held by an assignment that covers this very village or household."""
        for scope in self.scopes:
            if verb not in scope.verbs:
                continue
            if scope.by_pairing:
                if household_id is not None and household_id in self._household_set:
                    return True
            elif village_code and village_code.startswith(scope.prefix):
                return True
        return False

    def prefixes(self, verb: Verb) -> tuple[str, ...]:
        """Divisions over which the verb is held, the widest only."""
        found = sorted({s.prefix for s in self.scopes if verb in s.verbs and not s.by_pairing}, key=len)
        kept: list[str] = []
        for prefix in found:
            if not any(prefix.startswith(wider) for wider in kept):
                kept.append(prefix)
        return tuple(kept)

    def within(self, place: str) -> "Reach":
        """The part of the reach under a division (12 or 15 digits: in that village); paired households stay, wherever they are."""
        villages = tuple(code for code in self.villages if code.startswith(place[:12]))
        return replace(self, villages=villages, _village_set=frozenset(villages)) if place else self

    def __contains__(self, village_code: str) -> bool:
        return village_code in self._village_set


def make_reach(user_id: int, *, villages: Iterable[str], households: Iterable[UUID] = (), scopes: Iterable[Scope] = ()) -> Reach:
    village_tuple, household_tuple = tuple(sorted(set(villages))), tuple(sorted(set(households)))
    return Reach(user_id, village_tuple, household_tuple, tuple(scopes), frozenset(village_tuple), frozenset(household_tuple))


def reach_of(user: User, *, on: datetime.date | None = None) -> Reach:
    """Expand the assignments in force and the pairings into villages and households. Three queries."""
    day = on or timezone.localdate()
    assignments = list(Assignment.objects.in_force(day).filter(user=user).select_related("role"))
    scopes = [Scope(a.role_id, a.region_id, frozenset(a.role.verbs), a.role.by_pairing) for a in assignments if user.is_active]
    prefixes = [s.prefix for s in scopes if not s.by_pairing and Verb.HOUSEHOLD_VIEW in s.verbs]
    villages = list(Region.objects.villages().under(*prefixes).values_list("code", flat=True))
    households: list[UUID] = []
    if any(s.by_pairing for s in scopes):
        for source in _household_sources:
            households.extend(source(user.pk, day))
    return make_reach(user.pk, villages=villages, households=households, scopes=scopes)


def set_database_reach(reach: Reach, *, act: str, source: str) -> None:
    """Tell this transaction who acts, in which act, from where, and what may be seen. Row security and events read it.

    Must run inside a transaction: the settings are local to it, so a pooled connection never carries them on.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('ffp.actor', %s, true), set_config('ffp.act', %s, true), set_config('ffp.source', %s, true),"
            " set_config('ffp.villages', %s, true), set_config('ffp.households', %s, true)",
            [
                str(reach.user_id),
                act,
                source,
                "{" + ",".join(reach.villages) + "}",
                "{" + ",".join(str(h) for h in reach.households) + "}",
            ],
        )


def set_act(act: str) -> None:
    """Name the deed that the following changes of this transaction belong to (`entry.save`, `clue.answer` …)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('ffp.act', %s, true)", [act])


@contextmanager
def seeing(villages: Iterable[str], *, act: str) -> Iterator[None]:
    """The system's own doing inside somebody's transaction: sums over whole villages that follow from what this person changed. Nothing that is
    read so may be shown. The person stays the actor; `act` says that it was a consequence. A failure ends the transaction, and the widening with
    it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('ffp.villages', true), current_setting('ffp.act', true)")
        before = cursor.fetchone()
        cursor.execute("SELECT set_config('ffp.villages', %s, true), set_config('ffp.act', %s, true)", ["{" + ",".join(villages) + "}", act])
        yield
        cursor.execute("SELECT set_config('ffp.villages', %s, true), set_config('ffp.act', %s, true)", [part or "" for part in before])


def system_reach(role: Role | None = None) -> Reach:
    """The system's own doing (demo load, nightly work): every village, actor 0."""
    return make_reach(0, villages=Region.objects.villages().values_list("code", flat=True))


class ReachQuerySet(models.QuerySet[M]):
    """Rows with `village_code` and a household id: `visible_to` puts the reach into the query's own plan."""

    household_field = "household_id"

    def visible_to(self, reach: Reach) -> Self:
        if not reach.villages and not reach.households:
            return self.none()
        condition = models.Q()
        if reach.villages:
            condition |= models.Q(village_code__in=list(reach.villages))
        if reach.households:
            condition |= models.Q(**{f"{self.household_field}__in": list(reach.households)})
        return self.filter(condition)
