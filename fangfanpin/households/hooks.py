"""Pairings give their helper single households."""

import datetime
from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from fangfanpin.accounts.reach import register_household_source


def paired_households(user_id: int, day: datetime.date) -> Iterable[UUID]:
    """Households paired with a helper on a day; asked before the request's reach is set."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ffp_paired_households(%s, %s)", [user_id, day])
        return [row[0] for row in cursor.fetchall()]


register_household_source(paired_households)
