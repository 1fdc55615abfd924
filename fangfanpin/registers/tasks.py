"""The nightly look at every village's roll-ups: what a change outside the services left behind is right by the morning."""

import logging

from django.db import transaction
from procrastinate.contrib.django import app

from fangfanpin.accounts.reach import set_database_reach, system_reach
from fangfanpin.records.current_year import NoYear, current_year
from fangfanpin.registers import rollups

logger = logging.getLogger(__name__)


@app.periodic(cron="10 18 * * *")  # 02:10 in Shanghai, before the sweep: the scheduler counts in UTC
@app.task(name="fangfanpin.nightly_rollups", queue="jobs", queueing_lock="nightly_rollups")
def nightly_rollups(timestamp: int) -> None:
    """Every village of the county, by sets."""
    try:
        year = current_year()
    except NoYear:
        return
    with transaction.atomic():
        reach = system_reach()
        set_database_reach(reach, act="rollup.refresh", source="job")
        changed = rollups.refresh_county(year.pack, year.year, reach.villages)
    logger.info("nightly roll-ups: %d records changed", changed)
