"""Plant every fault of a county a few times, and write down what must be found."""

import random
from collections import Counter
from statistics import median_low

from fangfanpin.demo import faults_in_villages
from fangfanpin.demo.county import (
    COMPARED,
    SHIFTED,
    YUAN,
    DemoCounty,
    DemoHousehold,
    DemoPerson,
    DemoRow,
    Truth,
    add_up,
    collected_by_village,
    deviations,
    net,
    per_head,
)
from fangfanpin.demo.faults import ON_SHEETS, PER_RULE, PLANTERS, worker
from fangfanpin.demo.faults_in_rows import PROJECTS
from fangfanpin.demo.faults_in_villages import villages_of
from fangfanpin.demo.registers import settle
from fangfanpin.demo.villages import settle_villages
from fangfanpin.expressions.metres import metres


def plant(county: DemoCounty, seed: int) -> None:
    """Plant every fault a few times, never two in one household; the truth is written into the county. Where a sheet was changed, the entries
    on work follow it; where an entry was changed, it stays what it is.

    At most a third of the collected households is faulty: a small county gets a drawn part of the faults, and stays a county.
    """
    draw = random.Random(seed + 1)
    pool = [h for h in county.households if h.state in ("submitted", "approved") and not h.boundary]
    draw.shuffle(pool)
    left = len(pool) // 3
    # Monitored households are few: the rules on them choose first.
    rule_ids = sorted(PLANTERS, key=lambda rule_id: rule_id[0] != "M")
    times = max(1, min(left // len(rule_ids), max(PER_RULE, len(pool) // 4000)))
    if left < len(rule_ids):
        draw.shuffle(rule_ids)
    _far_from_the_village(pool)
    for rule_id in rule_ids:
        planted = 0
        for h in pool:
            if planted >= times or planted >= left:
                break
            if h.faulty:
                continue
            hits = PLANTERS[rule_id](h)
            if hits is None:
                continue
            planted += 1
            h.faulty = True
            if rule_id in ON_SHEETS:
                settle(h)
            county.truth += [_truth(h, rule, what) for rule, what in hits]
        left -= planted
    _shared_phone(county, pool)
    _same_amounts(county, pool)
    _outliers(county)
    _shifted(county)
    for place, (rule_id, change) in enumerate(PROJECTS.items()):
        for project in county.projects[place * PER_RULE : (place + 1) * PER_RULE]:
            change(project)
            county.truth.append(Truth(rule_id, None, None, project.code))
    settle_villages(county)
    _plant_in_villages(county, draw)


def _plant_in_villages(county: DemoCounty, draw: random.Random) -> None:
    """Each fault a few times, one to a village."""
    free = villages_of(county)
    draw.shuffle(free)
    for plant_it in faults_in_villages.PLANTERS.values():
        for _time in range(PER_RULE):
            for village in free:
                if (hits := plant_it(village)) is not None:
                    free.remove(village)
                    county.truth += [Truth(rule, None, None, place_code=place) for rule, place in hits]
                    break


def _truth(h: DemoHousehold, rule_id: str, what: DemoPerson | DemoRow | None) -> Truth:
    if isinstance(what, DemoRow):
        return Truth(rule_id, h.code, what.person if what.form in ("work_spell", "work_plan") else None, what.code)
    return Truth(rule_id, h.code, what.code if what else None)


def _shared_phone(county: DemoCounty, pool: list[DemoHousehold]) -> None:
    """F017 needs two households."""
    free = [h for h in pool if not h.faulty and worker(h)][:2]
    if len(free) == 2:
        first_person, second_person = worker(free[0]), worker(free[1])
        assert first_person and second_person
        second_person.now["phone"] = first_person.now["phone"]
        for h, p in zip(free, (first_person, second_person), strict=True):
            h.faulty = True
            county.truth.append(Truth("F017", h.code, p.code))


def _far_from_the_village(pool: list[DemoHousehold]) -> None:
    """O010 needs a village that is compared within itself."""
    counts = Counter(h.village for h in pool)
    free = [h for h in pool if counts[h.village] >= COMPARED and not h.spells and min(h.now["wage_migrant"], h.last.get("wage_migrant", 0)) > 0]
    for h in free[:PER_RULE]:
        for values, target in ((h.now, 42_000), (h.last, 41_000)):
            values["wage_migrant"] += target * YUAN * values["household_size"] - net(values)
            add_up(values)
        settle(h)
        h.faulty = True


def _outliers(county: DemoCounty) -> None:
    """O010 is hit by whom another fault took far from the village, too."""
    for village in collected_by_village(county.households).values():
        for h, far in zip(village, deviations([per_head(h.now) for h in village]), strict=True):
            if len(village) >= COMPARED and far > 3:
                county.truth.append(Truth("O010", h.code, None))


_SHIFTED = range(300, 701)  # metres
_OF_POSITIONS = frozenset({"G001", "G002", "G003", "G005", "Y014"})
_SHIFT = 3_500  # of a degree of latitude, in millionths: within what is looked at, and less than what Y014 looks at


def _shifted(county: DemoCounty) -> None:
    """G006: of one village the positions of most homes lie some way from last year's; who has a fault of position stays, but counts."""
    misplaced = {truth.household_code for truth in county.truth if truth.rule_id in _OF_POSITIONS}
    for village in collected_by_village(county.households).values():
        located = [h for h in village if h.location is not None and h.last]
        moving = [h for h in located if not h.boundary and h.code not in misplaced]
        if len(located) >= SHIFTED and len(moving) * 3 > len(located) * 2:
            for h in moving:
                assert h.location is not None
                h.last_location = (h.location[0] - _SHIFT, h.location[1])
                h.faulty = True
            break
    for village in collected_by_village(county.households).values():
        far = {h.code: moved for h in village if h.location and h.last_location and (moved := metres(*h.location, *h.last_location)) is not None}
        if len(far) >= SHIFTED and median_low(far.values()) in _SHIFTED:
            county.truth += [Truth("G006", code, None) for code, moved in far.items() if moved >= _SHIFTED.start]


_SUMS = ("business_expense", "business_income", "wage_income")


def _same_amounts(county: DemoCounty, pool: list[DemoHousehold]) -> None:
    """O011 needs five households with the same amount: one and the same person has filled them in."""
    by_amount: dict[tuple[str, int], list[DemoHousehold]] = {}
    for h in pool:
        if not h.faulty:
            for name in _SUMS:
                by_amount.setdefault((name, h.now[name]), []).append(h)
    alike = next((found for (_name, amount), found in by_amount.items() if amount and len(found) >= 5), [])
    for h in alike[:5]:
        h.now["filler_name"] = "周会计"
        h.faulty = True
        county.truth.append(Truth("O011", h.code, None))
