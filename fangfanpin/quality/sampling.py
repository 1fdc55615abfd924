"""The county looks again at some of what was worked off: drawn by chance, checked by somebody else, open again where it differs."""

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.quality.clues import LEAST_REASON, MOST_TEXT, ClueRefused
from fangfanpin.quality.models import Clue, ClueSample, ClueStep

MOST_DRAWN = 500
_TOWNSHIP_DIGITS = 9
# Answered by a person: agreed after review, or corrected and closed by the check.
_WORKED_OFF = Q(state=Clue.State.CONFIRMED, reviewed_at__isnull=False) | Q(state=Clue.State.CLOSED, answered_by__isnull=False)


def drawable(reach: Reach, year: int, place: str) -> QuerySet[Clue, Clue]:
    """What a sample may be drawn from: worked off within reach and under a division, not drawn before; in a fixed order."""
    rows = Clue.objects.visible_to(reach).filter(_WORKED_OFF, year=year, village_code__startswith=place, samples__isnull=True)
    return rows.order_by("village_code", "household_id", "rule_id", "id")


def _fairly(found: Iterable[Clue], chance: random.Random) -> Iterator[Clue]:
    """One of each township in turn, in a township one of each village in turn, as long as there are any: a large place does not crowd out a small
    one. Which comes first and which clue of a village it is, chance says."""
    by_village: dict[str, list[Clue]] = {}
    for clue in found:
        by_village.setdefault(clue.village_code, []).append(clue)
    towns: dict[str, list[Iterator[Clue]]] = {}
    for code, clues in sorted(by_village.items()):
        chance.shuffle(clues)
        towns.setdefault(code[:_TOWNSHIP_DIGITS], []).append(iter(clues))
    queues = list(towns.values())
    for villages in queues:
        chance.shuffle(villages)
    chance.shuffle(queues)
    return _in_turn([_in_turn(villages) for villages in queues])


def _in_turn(queues: Sequence[Iterator[Clue]]) -> Iterator[Clue]:
    """The first of each, the second of each …"""
    waiting = list(queues)
    while waiting:
        more = []
        for queue in waiting:
            for clue in islice(queue, 1):
                more.append(queue)
                yield clue
        waiting = more


@transaction.atomic
def draw(*, reach: Reach, year: int, place: str, count: int, by: User, seed: int | None = None) -> list[ClueSample]:
    """Draw up to `count` clues by chance, fairly by division. Raises ClueRefused where nothing can be drawn."""
    if not 0 < count <= MOST_DRAWN:
        raise ClueRefused(_("一次抽 1 到 %(most)d 条。") % {"most": MOST_DRAWN})
    found = list(drawable(reach, year, place))
    if not found:
        raise ClueRefused(_("这里没有可抽查的：答复并审核过的疑问都已抽过。"))
    seed = random.SystemRandom().randrange(1, 1 << 31) if seed is None else seed
    chosen = list(islice(_fairly(found, random.Random(seed)), count))
    set_act("clue.sample")
    samples = ClueSample.objects.bulk_create(
        ClueSample(clue=clue, household_id=clue.household_id, village_code=clue.village_code, year=year, drawn_by=by, seed=seed) for clue in chosen
    )
    ClueStep.objects.bulk_create(
        ClueStep(clue=clue, household_id=clue.household_id, village_code=clue.village_code, kind=ClueStep.Kind.SAMPLED, by=by) for clue in chosen
    )
    return samples


@transaction.atomic
def check(*, sample: ClueSample, differs: bool, note: str, by: User) -> ClueSample:
    """What the second look found. Differs: the clue is open again and the village reads why. Raises ClueRefused."""
    sample = ClueSample.objects.select_for_update().get(pk=sample.pk)
    clue = Clue.objects.select_for_update().get(pk=sample.clue_id)
    text = note.strip()[:MOST_TEXT]
    if sample.result != ClueSample.Result.PENDING:
        raise ClueRefused(_("这一条已经抽查过了。请刷新页面。"))
    if clue.answered_by_id == by.pk:
        raise ClueRefused(_("这是您自己答复的，要由别的同事抽查。"))
    if differs and len(text) < LEAST_REASON:
        raise ClueRefused(_("请写明哪里不符（至少 %(least)d 个字），村里会看到。") % {"least": LEAST_REASON})
    set_act("clue.sample_check")
    sample.result = ClueSample.Result.DIFFERS if differs else ClueSample.Result.AGREED
    sample.note, sample.checked_by, sample.checked_at = text, by, timezone.now()
    sample.save()
    if differs:
        clue.state, clue.confirmed_digest, clue.closed_at = Clue.State.OPEN, "", None
        clue.reviewed_by, clue.reviewed_at = by, timezone.now()
        clue.save()
        ClueStep.objects.create(
            clue=clue, household_id=clue.household_id, village_code=clue.village_code, kind=ClueStep.Kind.RETURNED, note=text, by=by
        )
    return sample
