"""The catalogue over snapshots of many counties: DuckDB's rate, memory and line, Spark beside it, and twenty fixed rules against other ways.

The counties are copies of one: the demo county's snapshot with other keys and another code. FFP_ENGINES_HOUSEHOLDS and FFP_ENGINES_COPIES (two
numbers) make it smaller, to see that it works.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb

from bench.county import CACHE, COUNTY, built, environment
from fangfanpin.runtime.postgres import in_use
from fangfanpin.snapshots.folder import COMPRESSION, NUMBER, county_folder, snapshots_in, write_manifest

HOUSEHOLDS = int(os.environ.get("FFP_ENGINES_HOUSEHOLDS", COUNTY))
FEWER, MORE = map(int, os.environ.get("FFP_ENGINES_COPIES", "4 40").split())
THREADS, TIMES = 2, 3
SPARK_MB = 6000
_CODES = 340_400  # of the copies; no county has them


def run() -> list[dict[str, Any]]:
    county = _county()
    fewer, more = (_copied(county, copies) for copies in (FEWER, MORE))
    line = _catalogue(fewer, "duckdb", TIMES)
    found = _catalogue(more, "duckdb", TIMES)
    spark = _catalogue(more, "spark", 1)
    twenty = _measured(f"twenty_rules({str(fewer)!r}, {THREADS}, {TIMES})", "twenty_process")
    size = "{households} households, {persons} persons, {rules} rules, {hits} hits".format(**found)
    seconds = statistics.median(found["seconds"])
    per_household = [statistics.median(one["seconds"]) / one["households"] for one in (line, found)]
    same = spark["digest"] == found["digest"]
    return [
        _result("engines: person-rules", found["persons"] * found["rules"] / seconds / 1e6, "million/s", size),
        _result("engines: rows judged", found["rule_rows"] / seconds / 1e6, "million/s", size),
        _result("engines: seconds", seconds, "s", size, p95=max(found["seconds"])),
        _result("engines: memory", found["memory_gb"], "GB", size),
        _result("engines: line", per_household[1] / per_household[0], "times", f"{line['households']} to {found['households']} households"),
        _result("engines: Spark", spark["seconds"][0], "s", size, against="DuckDB", ratio=spark["seconds"][0] / seconds),
        _result("engines: Spark against DuckDB", spark["seconds"][0] / seconds, "times", "session start excluded", holds=same, equal=same),
        _result("engines: twenty rules against SQL by hand", twenty["compiled"] / twenty["hand"], "times", f"{twenty['rows']} persons",
                holds=twenty["equal"], equal=twenty["equal"]),
        _result("engines: twenty rules against pandera on polars", twenty["pandera"] / twenty["compiled"], "times", f"{twenty['rows']} persons",
                holds=twenty["equal"], equal=twenty["equal"]),
        _result("engines: twenty rules, pandera returning keys only", twenty["pandera_keys"] / twenty["compiled"], "times",
                f"{twenty['rows']} persons", equal=twenty["equal"]),
    ]  # fmt: skip


def _result(name: str, value: float, unit: str, n: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "value": round(value, 3), "unit": unit, "n": n, **more}


def _catalogue(folder: Path, engine: str, times: int) -> dict[str, Any]:
    memory = SPARK_MB if engine == "spark" else 4500
    return _measured(f"catalogue({str(folder)!r}, {engine!r}, {THREADS}, {memory}, {times})")


def _measured(call: str, module: str = "engines_process") -> dict[str, Any]:
    command = [sys.executable, "-c", f"from bench.{module} import *; {call}"]
    threads = {"POLARS_MAX_THREADS": str(THREADS)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **threads})
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _county() -> Path:
    """The demo county's snapshot, every household collected."""
    data_dir = built(HOUSEHOLDS, collected=1.0)
    folder = data_dir / "snapshot"  # gone with a county that is made anew
    if not folder.exists():
        with in_use(data_dir):
            command = [sys.executable, "-m", "fangfanpin.cli", "snapshot", "--kind", "county", "--out", str(folder), "--json"]
            subprocess.run(command, env=environment(data_dir), check=True, stdout=subprocess.DEVNULL)
    return folder


def _copied(county: Path, copies: int) -> Path:
    """A folder of so many counties: keys of their own, the code of each before its villages'."""
    (source,) = snapshots_in(county)
    root = CACHE / f"engines-{HOUSEHOLDS}-{copies}"
    made_by = root / "made-by"
    version = json.dumps(dict(source.checksums), sort_keys=True)
    if made_by.exists() and made_by.read_text() == version:
        return root
    shutil.rmtree(root, ignore_errors=True)
    facts = json.loads((source.path / "manifest.json").read_text(encoding="utf-8"))
    print(f"  making {root.name} …", file=sys.stderr, flush=True)
    for number in range(copies):
        code = str(_CODES + number)
        with county_folder(root, code) as part, duckdb.connect(":memory:", config={"threads": THREADS}) as database:
            for table, names in source.columns.items():
                keys = sorted(name for name in names if name.endswith("_key") and not name.startswith(NUMBER))
                others = [f"CASE WHEN {key} IS NOT NULL THEN md5(concat('{code}', {key})) END AS {key}" for key in keys]
                others.append(f"concat('{code}', substr(village_code, 7)) AS village_code")
                read = database.read_parquet(str(source.file(table)))
                read.project(f"* REPLACE ({', '.join(others)})").write_parquet(str(part / f"{table}.parquet"), compression=COMPRESSION["county"])
            shutil.copytree(source.path / "pack", part / "pack")
            write_manifest(part, {name: value for name, value in facts.items() if name not in ("format", "sha256")} | {"county": code})
    made_by.write_text(version)
    return root
