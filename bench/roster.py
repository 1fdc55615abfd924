"""A county's roster from the file to stored with history, and the same rows with django-import-export in bulk mode beside it.

Each import is a process of the worker's role on an empty county of its own, so that nothing is warm that would not be for a first roster.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from bench.county import CACHE, COUNTY, PROJECT_DIR, SEED, drawn_by, environment
from fangfanpin.demo.county import DemoVillage
from fangfanpin.demo.generate import generate
from fangfanpin.demo.roster import write_roster
from fangfanpin.pack import load_pack
from fangfanpin.runtime.postgres import in_use, read_urls

ROUNDS, COMPARED = 3, 8000  # each import once a round, so that all meet the same machine; households of the file both read
# Django first: models can be imported only after it is set up.
_IMPORT = (
    "import django; django.setup(); import sys; from pathlib import Path; from bench.roster_process import main; main(sys.argv[1], Path(sys.argv[2]))"
)
_WIPED = "TRUNCATE households_household, records_importbatch, audit_event RESTART IDENTITY CASCADE"


def run() -> list[dict[str, Any]]:
    """Persons a second, and how many times django-import-export's on a third of the county (each row stored by both, with its event)."""
    with tempfile.TemporaryDirectory(prefix="ffp-bench-roster-") as folder:
        data_dir = Path(folder)
        with in_use(data_dir):
            _command(data_dir, "owner", "-m", "fangfanpin.cli", "init", "--json")
            whole, persons = _workbook(data_dir, COUNTY)
            shared, fewer = _workbook(data_dir, COMPARED)
            taken, mine, theirs = [], [], []
            for _round in range(ROUNDS):
                taken.append(_import(data_dir, "ours", whole))
                mine.append(_import(data_dir, "ours", shared))
                theirs.append(_import(data_dir, "theirs", shared))
    rates = sorted(persons / seconds for seconds in taken)
    ratio = statistics.median(theirs) / statistics.median(mine)
    return [
        {
            "name": "roster import",
            "value": round(statistics.median(rates)),
            "unit": "persons/s",
            "n": len(rates),
            "p95": round(rates[0]),  # of a rate the slow end
            "rows": f"{COUNTY} households, {persons} persons",
        },
        {
            "name": "roster import against django-import-export",
            "value": round(ratio, 1),
            "unit": "times",
            "n": len(theirs),
            "rows": f"{COMPARED} households, {fewer} persons",
            "against": f"django-import-export {round(fewer / statistics.median(theirs))} persons/s, here {round(fewer / statistics.median(mine))}",
            "ratio": round(ratio, 1),
        },
    ]


def _workbook(data_dir: Path, households: int) -> tuple[Path, int]:
    """A roster of a drawn county of that size, kept by what draws it; and how many persons stand in it."""
    path = CACHE / f"roster-{households}-{SEED}-{drawn_by()[:12]}.xlsx"
    counted = path.with_suffix(".persons")
    if not counted.exists():
        print(f"  writing a roster of {households} households …", file=sys.stderr, flush=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        with psycopg.connect(read_urls(data_dir).owner) as connection:
            rows = connection.execute(
                "SELECT code, name, is_community FROM regions_region WHERE level = 'village' AND code LIKE '340323%' ORDER BY code"
            )
            villages = [DemoVillage(*row) for row in rows]
        drawn = generate(households=households, seed=SEED, villages=villages, ordinary_per_assisted=0)
        _homes, persons = write_roster(path, drawn.households, load_pack(PROJECT_DIR / "packs" / "guzhen-2021"))
        counted.write_text(str(persons))
    return path, int(counted.read_text())


def _import(data_dir: Path, who: str, path: Path) -> float:
    """Seconds of one import into the emptied county."""
    with psycopg.connect(read_urls(data_dir).owner, autocommit=True) as connection:
        connection.execute(_WIPED)
        connection.execute("DELETE FROM regions_region WHERE level = 'natural_village'")
    shutil.rmtree(data_dir / "files", ignore_errors=True)
    return float(json.loads(_command(data_dir, "worker", "-c", _IMPORT, who, str(path)))["seconds"])


def _command(data_dir: Path, role: str, *words: str) -> str:
    return subprocess.run(
        [sys.executable, *words],
        env=environment(data_dir, FFP_DB_ROLE=role, DJANGO_SETTINGS_MODULE="fangfanpin.settings"),
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


if __name__ == "__main__":
    began = time.monotonic()
    print(json.dumps(run(), ensure_ascii=False, indent=1))
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
