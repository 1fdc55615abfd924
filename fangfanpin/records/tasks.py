"""The nightly look at what was handed in and never kept: uploads of a form that nobody saved."""

import datetime
import logging

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from fangfanpin.accounts.reach import set_database_reach, system_reach
from fangfanpin.files import services as files
from fangfanpin.records import pictures

logger = logging.getLogger(__name__)

KEPT = datetime.timedelta(days=7)  # a form left open over a weekend still finds its photos


@app.periodic(cron="40 17 * * *")  # 01:40 in Shanghai, before the roll-ups: the scheduler counts in UTC
@app.task(name="fangfanpin.nightly_uploads", queue="jobs", queueing_lock="nightly_uploads")
def nightly_uploads(timestamp: int) -> None:
    """Rows first, in a transaction of their own: bytes go only when no row names them any more for good."""
    before = timezone.now() - KEPT
    with transaction.atomic():
        set_database_reach(system_reach(), act="files.clear", source="job")
        rows = pictures.clear(before)
    with transaction.atomic():
        set_database_reach(system_reach(), act="files.clear", source="job")
        count = files.sweep(before)
    if rows or count:
        logger.info("uploads that nothing names: %d rows, %d files removed", rows, count)
