"""A register of a million rows: its list through HTTP against one of a hundred thousand, as a file, and a hundred thousand rows taken in.

The rows are loans, whose form has twenty columns and a reference, laid evenly over the county's households. Row security is on everywhere.
"""

import random
import statistics
import tomllib
import urllib.parse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench.county import COUNTY, Running, built, filled, process, served
from bench.pages import measured, result
from fangfanpin.runtime.postgres import in_use

FEWER, MANY, TAKEN = 100_000, 1_000_000, 100_000  # rows of the small and the large register, and of the file that is taken in
ROUNDS, IMPORTS = 40, 3
LARGER = ", a million rows"


class Clerk:
    """Somebody looking through the loans: pages, two filters, sorted, searched."""

    def __init__(self, county: Running, name: str, draw: random.Random) -> None:
        self._session, self._draw = county.sign_in(name), draw

    def _page(self, **query: str) -> float:
        return self._session.timed("GET", f"/registers/microcredit/?{urllib.parse.urlencode(query)}")

    def first(self) -> float:
        return self._page()

    def filtered(self) -> float:
        month = self._draw.randrange(1, 12)
        return self._page(
            loan_status=f"0{self._draw.randrange(1, 4)}", **{"granted_on.from": f"2020-{month:02d}-01", "granted_on.to": f"2020-{month:02d}-20"}
        )

    def sorted(self) -> float:
        return self._page(sort=self._draw.choice(("principal", "-principal", "due_on", "-balance")))

    def searched(self) -> float:
        return self._page(q=f"XD{self._draw.randrange(MANY):07d}"[:8])


def run(households: int = COUNTY, fewer: int = FEWER, many: int = MANY, taken: int = TAKEN, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    base = built(households)
    small, large = (filled(base, f"loans-{count}", partial(_fill, count)) for count in (fewer, many))
    return [*_pages(small, large, fewer, many, rounds), *_exports(large, many), *_imports(small, taken)]


def _fill(count: int, data_dir: Path) -> None:
    process(data_dir, "owner", "registers_process", "fill", str(count))


def _pages(small: Path, large: Path, fewer: int, many: int, rounds: int) -> list[dict[str, Any]]:
    larger = tomllib.loads((Path(__file__).parent / "goals.toml").read_text(encoding="utf-8"))["times_larger"]
    asks: dict[str, Callable[[], float]] = {}
    with served(small) as county, served(large) as other:
        for place, words in ((county, ""), (other, LARGER)):
            for who in ("township", "helper"):
                clerk = Clerk(place, who, random.Random(11))
                asks |= {
                    f"register list as {who}{words}": clerk.first,
                    f"register list with two filters as {who}{words}": clerk.filtered,
                    f"register list sorted as {who}{words}": clerk.sorted,
                    f"register search as {who}{words}": clerk.searched,
                }
        found = measured(asks, rounds)
    results = [result(name, times, many if name.endswith(LARGER) else fewer) for name, times in found.items()]
    by_name = {one["name"]: one["value"] for one in results}
    for one in results:
        if one["name"].endswith(LARGER):
            before = by_name[one["name"].removesuffix(LARGER)]
            one |= {
                "against": f"{before} ms at {fewer} rows",
                "ratio": round(one["value"] / before, 2),
                "goal": f"<= {larger['factor']:g} x + {larger['plus']:g}",
                "holds": one["value"] <= larger["factor"] * before + larger["plus"],
            }
    return results


def _exports(large: Path, many: int) -> list[dict[str, Any]]:
    found = []
    with in_use(large):
        for format in ("xlsx", "csv"):
            told = process(large, "worker", "registers_process", "export", format)
            assert told["rows"] == many, told
            rows = f"{many} rows, {told['columns']} columns, {told['bytes'] >> 20} MB"
            found.append({"name": f"register export as {format}", "value": round(told["seconds"], 1), "unit": "s", "n": 1, "rows": rows})
            memory = round(told["peak"])
            found.append({"name": f"register export as {format}: memory of the process", "value": memory, "unit": "MB", "n": 1, "rows": rows})
    return found


def _imports(small: Path, taken: int) -> list[dict[str, Any]]:
    """Each import is taken back before the next, so that all meet the same county."""
    rates, bare, back = [], [], []
    with in_use(small):
        path = str(small / f"loans-to-import-{taken}.xlsx")
        process(small, "worker", "registers_process", "write", path, str(taken))
        fault = process(small, "worker", "registers_process", "fault", path)
        for _round in range(IMPORTS):
            told = process(small, "worker", "registers_process", "import", path)
            rates.append(told["rows"] / told["seconds"])
            back.append(told["back"])
            bare.append(process(small, "worker", "registers_process", "bare", path)["seconds"])
    rates.sort()
    rate, plain = statistics.median(rates), taken / statistics.median(bare)
    return [
        {"name": "register import", "value": round(rate), "unit": "rows/s", "n": len(rates), "p95": round(rates[0]), "rows": taken},
        {
            "name": "register import against a bare COPY",
            "value": round(plain / rate, 2),
            "unit": "times its time",
            "n": len(bare),
            "rows": taken,
            "against": f"parsed, COPY, records with their events, nothing checked: {round(plain)} rows/s",
            "ratio": round(plain / rate, 2),
        },
        {"name": "register import taken back", "value": round(statistics.median(back), 1), "unit": "s", "n": len(back), "rows": taken},
        {
            "name": "register import: one fault told",
            "value": round(fault["seconds"], 1),
            "unit": "s",
            "n": 1,
            "rows": taken,
            "holds": fault["faults"] == 1,
        },
    ]
