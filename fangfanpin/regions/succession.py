"""What became of divisions that are no more: figures that were counted for them are their successor's in every report.

Rows of households are no matter of this: they stand under the successor themselves (acts). What stays under the old code is what was counted or
written for the division as such.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q

from fangfanpin.regions.models import Region


@dataclass(frozen=True, slots=True)
class Succession:
    """Villages that went, and the village each is part of now. `steps`: what each became part of when it went."""

    heirs: dict[str, str]
    steps: dict[str, str]

    def now(self, village: str) -> str:
        """The village whose figures these are today."""
        return self.heirs.get(village, village)

    def forebears(self, villages: Collection[str]) -> list[str]:
        """Villages that have become part of these, at once or by way of others."""
        found, wanted = [], set(villages)
        while came := [old for old, new in self.steps.items() if new in wanted and old not in found]:
            found += came
            wanted = set(came)
        return found

    def under(self, place: str) -> Q:
        """Condition on `village_code`: what counts for a division today. One that is no more is asked for as it was."""
        if not place:
            return Q()
        own = Q(village_code__startswith=place)
        came = [old for old, new in self.heirs.items() if new.startswith(place) and not old.startswith(place)]
        went = [old for old, new in self.heirs.items() if old.startswith(place) and not new.startswith(place)]
        if not came and not went or Region.objects.filter(pk=place, successor__isnull=False).exists():
            return own
        return own & ~Q(village_code__in=went) | Q(village_code__in=came)


def succession() -> Succession:
    """As the division tree stands: one query, few rows."""
    steps = dict(Region.objects.villages().filter(successor__isnull=False).values_list("code", "successor_id"))
    heirs: dict[str, str] = {}
    for old in steps:
        new, seen = old, {old}
        while (further := steps.get(new)) is not None and further not in seen:
            new = further
            seen.add(new)
        heirs[old] = new
    return Succession(heirs, steps)
