"""Whoever replaces somebody who left takes over the pairings."""

import datetime

from fangfanpin.accounts.management import register_handover
from fangfanpin.accounts.models import User
from fangfanpin.households.models import Pairing
from fangfanpin.pairings.services import Helper, judge_again, succeed


def hand_over_pairings(leaver: User, successor: User, day: datetime.date, by: User | None) -> None:
    """The successor helps the same households from the day on."""
    helper = Helper(name=successor.name, user=successor, phone=successor.phone, unit=successor.unit)
    pairings = list(Pairing.objects.filter(user=leaver, end_on__isnull=True))
    for pairing in pairings:
        succeed(pairing, helper, day, by=by)
    judge_again({pairing.household_id for pairing in pairings}, by)


register_handover(hand_over_pairings)
