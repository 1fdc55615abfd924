"""The worker's side of bench/rollups.py: imported where Django is set up."""

import random
import time
from typing import Any

from django.db import connection, transaction

from fangfanpin.accounts.reach import set_database_reach, system_reach
from fangfanpin.campaigns import clock
from fangfanpin.households.models import Household
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.regions.models import Region
from fangfanpin.registers import rollups

# What is stored becomes another: one value of every place, or all of them.
_SPOIL = 'UPDATE records_record SET "values" = "values" - %s::text[] WHERE form = ANY (%s) AND year = %s'


def refresh(times: str, villages: str) -> dict[str, Any]:
    year = current_year()
    forms = sorted({one.form for one in year.pack.rollups})
    names = [one.name for one in year.pack.rollups]
    first = [next(one.name for one in year.pack.rollups if one.form == form) for form in forms]
    with transaction.atomic():
        reach = system_reach()
        set_database_reach(reach, act="bench", source="job")
        codes = list(Region.objects.villages().under(clock.current().county_id).values_list("code", flat=True))
        counts = {form: Record.objects.filter(form=form, year=year.year).count() for form in forms}
        households = Household.objects.count()
    found: dict[str, list[float]] = {}
    for what, spoilt in (("all", names), ("some", first), ("none", [])):
        for _ in range(int(times)):
            with transaction.atomic():
                set_database_reach(reach, act="bench", source="job")
                with connection.cursor() as cursor:
                    cursor.execute(_SPOIL, [spoilt, forms, year.year])
            began = time.perf_counter()
            with transaction.atomic():
                set_database_reach(reach, act="bench", source="job")
                changed = rollups.refresh_county(year.pack, year.year, codes)
            found.setdefault(what, []).append(time.perf_counter() - began)
            if bool(changed) != bool(spoilt):
                raise RuntimeError(f"{what}: {changed} records were written")
    for code in random.Random(1).sample(codes, int(villages)):
        with transaction.atomic():
            set_database_reach(reach, act="bench", source="job")
            began = time.perf_counter()
            rollups.refresh(year.pack, year.year, [code])
            found.setdefault("village", []).append((time.perf_counter() - began) * 1000)
    natural = counts.get("natural_village_year", 0)
    return {**found, "villages": len(codes), "natural_villages": natural, "households": households, "places": sum(counts.values())}


DEEDS = {"refresh": refresh}
