"""A change of divisions and what is written below them at that very moment wait for each other: neither passes the other unseen.

Rows carry their village's code. Whoever writes a new one reads the code first; a merge that moved the village's rows meanwhile would leave the new
one behind. Writers share a village (FOR KEY SHARE, which does not keep writers from each other), a change of divisions has it alone (FOR UPDATE).
Both take it before any other lock, roll-ups' too, so that they never wait in a circle.
"""

from collections.abc import Collection

from django.db import OperationalError, connection, transaction

from fangfanpin.regions.models import Region

_SHARED = "SELECT code, valid_to IS NULL FROM regions_region WHERE code = ANY(%s) ORDER BY code FOR KEY SHARE"
PATIENCE_S, LONG_PATIENCE_S = 20, 900  # a change of divisions waits so long for what is being written, in the browser and as a job


class Busy(Exception):
    """Somebody has been writing below these divisions for longer than one waits."""


def hold(villages: Collection[str]) -> frozenset[str]:
    """Within this transaction no act changes these villages; one that is at it is waited for. What was read of their rows before must be read
    again. Returns those that are in force."""
    with connection.cursor() as cursor:
        cursor.execute(_SHARED, [sorted(set(villages))])
        return frozenset(code for code, is_in_force in cursor.fetchall() if is_in_force)


def keep_out(villages: Collection[str], *, is_job: bool = False) -> None:
    """Until this transaction ends nobody writes a new row below these villages. Raises Busy; the transaction goes on."""
    patience = LONG_PATIENCE_S if is_job else PATIENCE_S
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{patience}s"])
            list(Region.objects.select_for_update().filter(pk__in=set(villages)).order_by("code").values_list("code"))
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', '0', true)")
    except OperationalError as fault:
        if getattr(fault.__cause__, "sqlstate", "") != "55P03":  # lock_not_available
            raise
        raise Busy from fault
