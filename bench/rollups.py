"""Roll-ups: of the whole county at night or after an import, and of one village within the transaction of a save."""

from typing import Any

from bench.county import COUNTY, built, process
from bench.sweep import result
from fangfanpin.runtime.postgres import in_use

TIMES, VILLAGES = 7, 60


def run() -> list[dict[str, Any]]:
    """Seconds of the county where one value of every place is out of date, where all are and where none is; milliseconds of one village."""
    data_dir = built(COUNTY)
    with in_use(data_dir):
        told = process(data_dir, "worker", "rollups_process", "refresh", str(TIMES), str(VILLAGES))
    size = "{villages} villages, {natural_villages} natural villages, {households} households".format(**told)
    return [
        result("roll-up of the county", told["some"], "s", size, written=told["places"]),
        result("roll-up of the county: all values new", told["all"], "s", size),
        result("roll-up of the county: nothing new", told["none"], "s", size),
        result("roll-up of a village within a save", told["village"], "ms", size),
    ]
