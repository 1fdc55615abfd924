"""Who verifies a clue: the household's responsible helper or an account of the village. Handed to nobody, it is the village's."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import Assignment, User
from fangfanpin.accounts.reach import set_act
from fangfanpin.accounts.verbs import Verb
from fangfanpin.households.models import Pairing
from fangfanpin.quality.clues import ClueRefused
from fangfanpin.quality.models import OPEN_STATES, Clue, ClueStep

# To whom: each household's own helper, the village itself; or the id of an account of the village.
HELPER, VILLAGE = "helper", "village"


@dataclass(frozen=True, slots=True)
class Verifier:
    """Somebody with an account or, as many helpers, by name only. Without a name: the village."""

    name: str = ""
    user_id: int | None = None


_THE_VILLAGE = Verifier()


@dataclass(frozen=True, slots=True)
class Handed:
    """How many clues went to another verifier; `left`: how many stayed, for their household has no helper or they are about none."""

    count: int
    left: int


def helpers_of(households: Iterable[UUID], day: datetime.date) -> dict[UUID, Verifier]:
    """By household the responsible helper of the day: the main one, else who has helped longest. Within the database's reach."""
    rows = Pairing.objects.filter(_helping(day), household_id__in=list(households)).select_related("user")
    return {row.household_id: _verifier_of(row) for row in rows.order_by("is_main", "-start_on", "id")}  # the last one counts


def _helping(day: datetime.date) -> Q:
    return (Q(end_on__isnull=True) | Q(end_on__gt=day)) & Q(start_on__lte=day)


def _verifier_of(pairing: Pairing) -> Verifier:
    return Verifier(pairing.helper_name, pairing.user_id if pairing.user is not None and pairing.user.is_active else None)


def accounts_of(village_code: str, day: datetime.date) -> list[User]:
    """Who answers clues as this village's own account."""
    posts = Assignment.objects.in_force(day).filter(region_id=village_code, role__by_pairing=False, role__verbs__contains=[Verb.CLUE_ANSWER.value])
    return list(User.objects.filter(is_active=True, pk__in=posts.values("user")).order_by("name", "pk"))


@transaction.atomic
def hand_over(*, clues: Sequence[Clue], to: str, by: User) -> Handed:
    """Open ones among the clues go to `to`; the village sees and may answer them as before. Raises ClueRefused."""
    rows = _open(Q(pk__in=[clue.pk for clue in clues]))
    if not rows:
        raise ClueRefused(_("选中的疑问都已答复，不用再交给谁。请刷新页面。"))
    wanted = _wanted(rows, to, timezone.localdate())
    set_act("clue.hand_over")
    return Handed(_hand(rows, wanted, by), sum(clue.pk not in wanted for clue in rows))


def _wanted(rows: Sequence[Clue], to: str, day: datetime.date) -> dict[UUID, Verifier]:
    if to == VILLAGE:
        return {clue.pk: _THE_VILLAGE for clue in rows}
    if to == HELPER:
        helpers = helpers_of({clue.household_id for clue in rows if clue.household_id is not None}, day)
        return {clue.pk: helpers[clue.household_id] for clue in rows if clue.household_id in helpers}
    accounts = {code: {str(user.pk): user for user in accounts_of(code, day)} for code in {clue.village_code for clue in rows}}
    if any(to not in found for found in accounts.values()):
        raise ClueRefused(_("请选交给谁：本户的帮扶责任人，或者本村的账号。"))
    return {clue.pk: Verifier(user.name, user.pk) for clue in rows for user in [accounts[clue.village_code][to]]}


def follow(*, household_id: UUID | None, former: Verifier, to: Verifier, by: User | None) -> int:
    """Open clues of a household (None: of all) that `former` had to verify go to who came after; a `Verifier()` is the village. `by`: who handed the
    pairing over or ended it. Returns how many."""
    rows = _open(_of(former) & (Q(household_id=household_id) if household_id is not None else Q()))
    return _hand(rows, {clue.pk: to for clue in rows}, by)


def _of(verifier: Verifier) -> Q:
    by_name = Q(assigned_to__isnull=True, assigned_name=verifier.name) & ~Q(assigned_name="")
    return Q(assigned_to=verifier.user_id) if verifier.user_id is not None else by_name


def set_right(year: int, day: datetime.date) -> int:
    """Clues whose verifier no longer helps the household and has no post in the village: to the household's helper of the day where a helper had
    them, else back to the village. A pairing may end on a day that was still to come when it was written. Returns how many."""
    rows = _open(Q(year=year) & ~Q(assigned_name=""))
    households = {clue.household_id for clue in rows if clue.household_id is not None}
    pairings = list(Pairing.objects.filter(household_id__in=households).select_related("user"))
    ever = {(pairing.household_id, Verifier(pairing.helper_name, pairing.user_id)) for pairing in pairings}
    helping = {(row.household_id, _verifier_of(row)) for row in pairings if row.start_on <= day and (row.end_on is None or row.end_on > day)}
    posted = {(code, user.pk) for code in {clue.village_code for clue in rows} for user in accounts_of(code, day)}
    helpers = helpers_of(households, day)
    wanted: dict[UUID, Verifier] = {}
    for clue in rows:
        verifier = Verifier(clue.assigned_name, clue.assigned_to_id)
        if (clue.village_code, clue.assigned_to_id) not in posted and not _helps(clue.household_id, verifier, helping):
            had = helpers.get(clue.household_id) if clue.household_id is not None and _helps(clue.household_id, verifier, ever) else None
            wanted[clue.pk] = had or _THE_VILLAGE
    return _hand(rows, wanted, None)


def _helps(household_id: UUID | None, verifier: Verifier, helping: set[tuple[UUID, Verifier]]) -> bool:
    """Is the verifier among the helpers? An account is known by its id, whatever name a pairing gives it."""
    return any(
        home == household_id and (one.user_id == verifier.user_id if verifier.user_id is not None else one.name == verifier.name)
        for home, one in helping
    )


def _open(which: Q) -> list[Clue]:
    return list(Clue.objects.select_for_update().filter(which, state__in=OPEN_STATES).order_by("pk"))


def _hand(rows: Sequence[Clue], wanted: Mapping[UUID, Verifier], by: User | None) -> int:
    changed: list[Clue] = []
    for clue in rows:
        to = wanted.get(clue.pk)
        if to is not None and (clue.assigned_to_id, clue.assigned_name) != (to.user_id, to.name):
            clue.assigned_to_id, clue.assigned_name = to.user_id, to.name
            changed.append(clue)
    Clue.objects.bulk_update(changed, ["assigned_to", "assigned_name"], batch_size=500)
    ClueStep.objects.bulk_create(
        [
            ClueStep(
                clue=clue,
                household_id=clue.household_id,
                village_code=clue.village_code,
                kind=ClueStep.Kind.HANDED if clue.assigned_name else ClueStep.Kind.TAKEN_BACK,
                note=clue.assigned_name,
                by=by,
            )
            for clue in changed
        ]
    )
    return len(changed)
