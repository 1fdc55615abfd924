"""Roll-ups: of the whole county at night or after an import, and of one village within the transaction of a save."""

import statistics
from typing import Any

from bench.county import COUNTY, built, process
from fangfanpin.runtime.postgres import in_use

TIMES, VILLAGES = 7, 60


def run() -> list[dict[str, Any]]:
    """Seconds of the county where one value of every place is out of date, where all are and where none is; milliseconds of one village."""
    data_dir = built(COUNTY)
    with in_use(data_dir):
        told = process(data_dir, "worker", "rollups_process", "refresh", str(TIMES), str(VILLAGES))
    size = "{villages} villages, {natural_villages} natural villages, {households} households".format(**told)
    return [
        _result("roll-up of the county", told["some"], "s", size, written=told["places"]),
        _result("roll-up of the county: all values new", told["all"], "s", size),
        _result("roll-up of the county: nothing new", told["none"], "s", size),
        _result("roll-up of a village within a save", told["village"], "ms", size),
    ]


def _result(name: str, taken: list[float], unit: str, rows: str, **more: Any) -> dict[str, Any]:
    ordered = sorted(taken)
    p95 = round(ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)], 3)
    return {"name": name, "value": round(statistics.median(ordered), 3), "unit": unit, "n": len(ordered), "p95": p95, "rows": rows, **more}
