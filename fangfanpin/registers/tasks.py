"""The nightly look at every village's roll-ups, and at rows that were being saved while a pack was published: what was left behind is right by the
morning."""

import logging

from django.db import transaction
from procrastinate.contrib.django import app

from fangfanpin.accounts.reach import set_database_reach, system_reach
from fangfanpin.audit.models import RECOMPUTE, ROLL_UP
from fangfanpin.records.current_year import NoYear, current_year
from fangfanpin.registers import recomputing, rollups

logger = logging.getLogger(__name__)


@app.periodic(cron="10 18 * * *")  # 02:10 in Shanghai, before the sweep: the scheduler counts in UTC
@app.task(name="fangfanpin.nightly_rollups", queue="jobs", queueing_lock="nightly_rollups")
def nightly_rollups(timestamp: int) -> None:
    """Every village of the county, by sets."""
    try:
        year = current_year()
    except NoYear:
        return
    try:
        with transaction.atomic():
            set_database_reach(system_reach(), act=RECOMPUTE, source="job")
            recomputing.catch_up(year.pack, year.year)
    except recomputing.NotOnce as fault:
        logger.warning("%s", fault)
    with transaction.atomic():
        reach = system_reach()
        set_database_reach(reach, act=ROLL_UP, source="job")
        changed = rollups.refresh_county(year.pack, year.year, reach.villages)
    logger.info("nightly roll-ups: %d records changed", changed)
