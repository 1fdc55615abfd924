"""Pairings give their helper single households."""

import datetime
from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from fangfanpin.accounts.management import register_handover
from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import register_household_source
from fangfanpin.households.models import Pairing


def paired_households(user_id: int, day: datetime.date) -> Iterable[UUID]:
    """Households paired with a helper on a day; asked before the request's reach is set."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ffp_paired_households(%s, %s)", [user_id, day])
        return [row[0] for row in cursor.fetchall()]


def hand_over_pairings(leaver: User, successor: User, day: datetime.date) -> None:
    """The successor helps the same households from the day on; the leaver's pairings stay as history."""
    for pairing in list(Pairing.objects.filter(user=leaver, end_on__isnull=True)):
        pairing.end_on = day
        pairing.save(update_fields=["end_on"])
        Pairing.objects.create(
            household_id=pairing.household_id,
            village_code=pairing.village_code,
            user=successor,
            helper_name=successor.name,
            helper_phone=successor.phone,
            helper_unit=successor.unit or pairing.helper_unit,
            is_main=pairing.is_main,
            start_on=day,
        )


register_household_source(paired_households)
register_handover(hand_over_pairings)
