"""The complete sweep with its snapshot, and the re-check of one household on save, where every household of the county is collected."""

import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

from bench.county import COUNTY, built
from fangfanpin.runtime.postgres import in_use

PROCESSES, SWEEPS, RECHECKS = 3, 3, 400
# In a process of its own, as the worker is: Django reads its settings once.
_MEASURE = "import django; django.setup(); from bench.sweep_process import measure; measure({sweeps}, {rechecks})"


def run() -> list[dict[str, Any]]:
    """Seconds of a sweep from reading to stored clues, in several processes, for the nightly one is the first of its own; milliseconds of a
    re-check from loaded rows to clues in step."""
    data_dir = built(COUNTY, collected=1.0)
    environment = {
        "DATA_DIR": str(data_dir),
        "DJANGO_SETTINGS_MODULE": "fangfanpin.settings",
        "FFP_DB_ROLE": "worker",
        "PATH": os.environ["PATH"],
    }
    found = []
    with in_use(data_dir):
        for rechecks in (0,) * (PROCESSES - 1) + (RECHECKS,):
            command = [sys.executable, "-c", _MEASURE.format(sweeps=SWEEPS, rechecks=rechecks)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            found.append(json.loads(done.stdout))
    size = "{households} households, {persons} persons, {rules} rules".format(**found[-1])

    def together(name: str) -> list[float]:
        return [one for process in found for one in process[name]]

    return [
        result("sweep", together("sweeps"), "s", size),
        result("sweep: snapshot", together("snapshots"), "s", size),
        result("sweep: first of a process", [process["sweeps"][0] for process in found], "s", size),
        result("sweep: CPU of the process", together("cpu"), "s", size),
        result("sweep: CPU of PostgreSQL", together("server_cpu"), "s", size),
        result("re-check of a household", together("rechecks"), "ms", size),
    ]


def result(name: str, taken: list[float], unit: str, rows: str, **more: Any) -> dict[str, Any]:
    """Median and 95th of a hundred of what was taken."""
    ordered = sorted(taken)
    return {
        "name": name,
        "value": round(statistics.median(ordered), 3),
        "unit": unit,
        "n": len(ordered),
        "p95": round(ordered[int(len(ordered) * 0.95) if len(ordered) > 19 else -1], 3),
        "rows": rows,
        **more,
    }


if __name__ == "__main__":
    began = time.monotonic()
    print(json.dumps(run(), ensure_ascii=False, indent=1))
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
