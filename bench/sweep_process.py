"""The worker's side of bench/sweep.py: imported where Django is set up."""

import json
import random
import time

from django.db import transaction

from fangfanpin.accounts.reach import set_database_reach, system_reach
from fangfanpin.campaigns import clock
from fangfanpin.policy.services import pack_of
from fangfanpin.quality.recheck import recheck
from fangfanpin.quality.snapshot import SWEPT_STATES
from fangfanpin.quality.sweep import run_sweep
from fangfanpin.records.models import Record
from fangfanpin.records.units import load_unit


def measure(sweeps: int, rechecks: int) -> None:
    """Print {households, persons, rules, sweeps, snapshots (s), rechecks (ms)}."""
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    taken, snapshots = [], []
    for _ in range(sweeps):
        began = time.perf_counter()
        with transaction.atomic():
            set_database_reach(system_reach(), act="quality.sweep", source="bench")
            done = run_sweep(campaign=campaign, by=None)
        taken.append(time.perf_counter() - began)
        snapshots.append(done.timings["snapshot"])
    with transaction.atomic():
        set_database_reach(system_reach(), act="quality.recheck", source="bench")
        leads = Record.objects.filter(form="household_year", year=campaign.year, state__in=SWEPT_STATES).select_related("household")
        sample = random.Random(1).sample(list(leads.order_by("id")), rechecks)
        judged = []
        for lead in sample:
            assert lead.household is not None
            unit = load_unit(lead.household, campaign.year)
            began = time.perf_counter()
            recheck(unit, pack, None)
            judged.append((time.perf_counter() - began) * 1000)
    facts = {"households": done.households, "persons": done.persons, "rules": done.rules, "sweeps": taken, "snapshots": snapshots, "rechecks": judged}
    print(json.dumps(facts))
