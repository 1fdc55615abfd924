"""The nightly sweep."""

import logging

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from fangfanpin.accounts.reach import set_database_reach, system_reach
from fangfanpin.campaigns import clock
from fangfanpin.quality.handing import set_right
from fangfanpin.quality.sweep import SweepRunning, run_sweep

logger = logging.getLogger(__name__)


@app.periodic(cron="30 18 * * *")  # 02:30 in Shanghai: the scheduler counts in UTC
@app.task(name="fangfanpin.nightly_sweep", queue="jobs", queueing_lock="nightly_sweep")
def nightly_sweep(timestamp: int) -> None:
    """Every rule over the whole county. In one transaction: killed half-way, it changes nothing."""
    try:
        with transaction.atomic():
            set_database_reach(system_reach(), act="quality.sweep", source="job")
            campaign = clock.current()
            done = run_sweep(campaign=campaign, by=None)
            handed = set_right(campaign.year, timezone.localdate())
    except clock.NoCampaign:
        return
    except SweepRunning:
        logger.info("a sweep is running already; tonight's is left out")
        return
    logger.info("nightly sweep: %d hits, %d opened, %d closed, %d to another verifier", done.hits, done.opened, done.closed, handed)
