"""Rules on villages follow what is written below them: right after the commit, each village once, in a transaction of its own (docs/decisions/0014).

Not in the transaction of the write, for a save holds its household and would wait for the village, while acts take them the other way round.
Should the process end between the two, the night finds it.
"""

import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import make_reach, set_database_reach
from fangfanpin.campaigns import clock
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.policy.services import pack_of
from fangfanpin.quality import villages
from fangfanpin.quality.recheck import judge_villages
from fangfanpin.quality.snapshot import SWEPT_STATES
from fangfanpin.records.models import Record
from fangfanpin.records.units import TARGET_HOUSEHOLD, Unit
from fangfanpin.registers import rollups
from fangfanpin.registers.written import Written


class _Pending(threading.local):
    """Villages of this thread's transaction. What a rollback leaves behind is judged with the next: once too often, never wrongly."""

    def __init__(self) -> None:
        self.villages: set[str] = set()

    def take(self) -> list[str]:
        found, self.villages = sorted(self.villages), set()
        return found


_pending = _Pending()


def judge_later(places: Collection[str], by: User | None = None) -> None:
    """The rules on these villages and their natural villages are asked again once the transaction is committed."""
    _pending.villages.update(places)

    def judge() -> None:  # by name: Django cannot say of a partial that it failed
        _judge(by)

    transaction.on_commit(judge, robust=True)  # the first to run takes all


def _judge(by: User | None) -> None:
    if not (places := _pending.take()):
        return
    try:
        campaign = clock.current()
    except clock.NoCampaign:
        return
    pack = pack_of(campaign.pack)
    forms = [form for form in villages.rules_of_villages(pack) if pack.forms[form].is_yearly_of_place]
    for start in range(0, len(places) if forms else 0, rollups.AT_ONCE):
        some = places[start : start + rollups.AT_ONCE]
        with transaction.atomic():
            # The person stays the actor, whoever reaches the village; nothing that is read so is shown.
            set_database_reach(make_reach(by.pk if by else 0, villages=some), act="quality.sweep", source="web" if by else "job")
            rollups.alone_with(some)  # two saves in one village: the second reads what the first has committed
            handed_in = Record.objects.filter(form__in=forms, year=campaign.year, village_code__in=some, state__in=SWEPT_STATES)
            judge_villages(set(handed_in.order_by().values_list("village_code", flat=True)), forms, pack, campaign, by)


def follow_household(unit: Unit, pack: Pack, by: User) -> Sequence[Mapping[str, Any]]:
    """Most saves type values that no rule on villages reads, or are of a draft, of which none of them knows."""
    if _matters(unit, pack):
        judge_later([unit.household.village_code], by)
    return ()


def _matters(unit: Unit, pack: Pack) -> bool:
    lead, below = unit.records.get(TARGET_HOUSEHOLD), villages.read_below(pack)
    if unit.registry_changed or unit.state_changed:
        return True
    return bool(unit.changed & (below.swept if lead is not None and lead.state in SWEPT_STATES else below.summed))


def follow_rows(written: Written, pack: Pack, by: User | None) -> None:
    """Rows under households, which rules or roll-ups of villages count. Those under none are judged where they are written (`recheck_rows`)."""
    if written.form.belongs and villages.asking(pack).get(written.form.key):
        follow_households(written.households, by)


def follow_households(households: Collection[UUID], by: User | None = None) -> None:
    judge_later(set(Household.objects.filter(pk__in=list(households)).order_by().values_list("village_code", flat=True)), by)
