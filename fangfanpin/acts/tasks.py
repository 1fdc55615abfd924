"""What was planned for today is given to the worker."""

import logging

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from fangfanpin.accounts.reach import set_database_reach, system_reach
from fangfanpin.acts import planning

logger = logging.getLogger(__name__)


@app.periodic(cron="5 * * * *")  # at 00:05 in Shanghai first; every hour after it, for a machine that was off in the night
@app.task(name="fangfanpin.planned_acts", queue="jobs", queueing_lock="planned_acts")
def planned_acts(timestamp: int) -> None:
    """Each becomes a job of whoever planned it, before the night's roll-ups and sweep."""
    with transaction.atomic():
        set_database_reach(system_reach(), act="acts.due", source="job")
        count = planning.queue_due(timezone.localdate())
    if count:
        logger.info("%d planned acts are due", count)
