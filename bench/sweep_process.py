"""The worker's side of bench/sweep.py: imported where Django is set up."""

import json
import os
import random
import time
from pathlib import Path

from django.conf import settings
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
    """Print {households, persons, rules, sweeps, snapshots, cpu, server_cpu (s), rechecks (ms)}."""
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    taken, snapshots, own, server = [], [], [], []
    for _ in range(sweeps):
        own_before, server_before, began = time.process_time(), _server_seconds(), time.perf_counter()
        with transaction.atomic():
            set_database_reach(system_reach(), act="quality.sweep", source="bench")
            done = run_sweep(campaign=campaign, by=None)
        taken.append(time.perf_counter() - began)
        snapshots.append(done.timings["snapshot"])
        own.append(time.process_time() - own_before)
        server.append(_server_seconds() - server_before)
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
    facts = {"households": done.households, "persons": done.persons, "rules": done.rules, "sweeps": taken, "snapshots": snapshots, "cpu": own}
    print(json.dumps(facts | {"server_cpu": server, "rechecks": judged}))


def _server_seconds() -> float:
    """CPU seconds of the embedded server so far: its own, its children's, and those of children that have ended."""
    postmaster = (Path(settings.DATA_DIR) / "pg" / "postmaster.pid").read_text().split()[0]
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    ticks = sum(_ticks(postmaster)) + sum(sum(_ticks(child)[:2]) for child in children)
    return ticks / os.sysconf("SC_CLK_TCK")


def _ticks(process: str) -> list[int]:
    """User and system time of a process, then of its ended children; nothing once it is gone."""
    try:
        line = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return [0, 0, 0, 0]
    return [int(ticks) for ticks in line.rpartition(")")[2].split()[11:15]]
