"""`python -m bench [ONLY …]`: run the measurements, print a table, write bench/results.json.

A measurement is a module bench/NAME.py with `run() -> list[dict]`; each dict has at least name, value, unit, n, and where they mean something p95,
rows, against (what it is measured against), ratio. Goals stand in goals.toml by the result's name; a module may bring `goal` and `holds` of its own
where a goal depends on another result of the same run. Exit code 1 when a goal does not hold or a measurement fails.
"""

import importlib
import json
import pkgutil
import sys
import time
import tomllib
import traceback
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FIELDS = ("name", "value", "unit", "n", "p95", "rows", "against", "ratio", "goal", "holds")
NOT_MEASUREMENTS = {"__main__", "county", "memory", "twenty", "twenty_pandera"}  # nor a module called NAME_process


def judged(result: dict[str, Any], goals: dict[str, dict[str, float]]) -> dict[str, Any]:
    """The result with every field, and whether it holds: None where no goal is set."""
    goal = goals.get(result["name"])
    if goal is not None:
        least, most = goal.get("at_least"), goal.get("at_most")
        result["goal"] = f">= {least:g}" if least is not None else f"<= {most:g}"
        holds = result["value"] >= least if least is not None else result["value"] <= (most or 0)
        result["holds"] = holds and result.get("holds") is not False
    return {name: result.get(name) for name in FIELDS} | result


def table(results: list[dict[str, Any]]) -> str:
    def shown(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "NO"
        return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)

    rows = [[name.upper() for name in FIELDS]] + [[shown(result[name]) for name in FIELDS] for result in results]
    widths = [max(len(row[column]) for row in rows) for column in range(len(FIELDS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


def main(only: list[str]) -> int:
    found = (one.name for one in pkgutil.iter_modules([str(HERE)]))
    names = [name for name in found if name not in NOT_MEASUREMENTS and not name.endswith("_process")]
    unknown = sorted(set(only) - set(names))
    if unknown:
        print(f"no measurement {', '.join(unknown)}; there are {', '.join(names)}", file=sys.stderr)
        return 2
    goals = tomllib.loads((HERE / "goals.toml").read_text(encoding="utf-8"))["goals"]
    path = HERE / "results.json"
    # With ONLY the other results of the file stay as they are.
    kept = [result for result in json.loads(path.read_text(encoding="utf-8")) if result["module"] not in only] if only and path.exists() else []
    results, failed = [], False
    for name in only or names:
        began = time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            found = importlib.import_module(f"bench.{name}").run()
        except Exception:
            traceback.print_exc()
            failed = True
            continue
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        results += [judged(result, goals) | {"module": name} for result in found]
    path.write_text(json.dumps(kept + results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(table(results))
    return 1 if failed or any(result["holds"] is False for result in results) else 0


if __name__ == "__main__":
    sys.exit(main([word for word in sys.argv[1:] if word]))
