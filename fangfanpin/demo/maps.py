"""Stand-ins for the county's maps: a grid of cells, marked as demo, in the county's box."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fangfanpin.demo.county import DemoVillage

WEST, EAST, SOUTH, NORTH = 117.03, 117.60, 33.17, 33.50
_WALK = 15_000  # millionths of a degree: about a mile


@dataclass(frozen=True, slots=True)
class Place:
    """The middle of a village, where its office stands, and how far its houses lie from it at most, in millionths of a degree."""

    lat: int
    lon: int
    north: int
    east: int


def _grid(codes: Sequence[str], box: tuple[float, float, float, float]) -> list[dict[str, Any]]:
    """One rectangle per code, filling the box row by row."""
    west, south, east, north = box
    across = max(1, round(len(codes) ** 0.5))
    down = -(-len(codes) // across)
    features = []
    for place, code in enumerate(codes):
        row, column = divmod(place, across)
        in_row = across if row < down - 1 else len(codes) - across * (down - 1)
        x0, x1 = west + (east - west) * column / in_row, west + (east - west) * (column + 1) / in_row
        y0, y1 = south + (north - south) * row / down, south + (north - south) * (row + 1) / down
        ring = [[round(x, 5), round(y, 5)] for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0))]
        features.append({"type": "Feature", "properties": {"code": code}, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    return features


def _cells(villages: Sequence[DemoVillage]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Of the townships, and of the villages within theirs."""
    townships = sorted({village.code[:9] for village in villages})
    cells = _grid(townships, (WEST, SOUTH, EAST, NORTH))
    inner = []
    for cell in cells:
        inner += _grid([v.code for v in villages if v.code.startswith(cell["properties"]["code"])], _box(cell))
    return cells, inner


def _box(cell: dict[str, Any]) -> tuple[float, float, float, float]:
    (x0, y0), _, (x1, y1) = cell["geometry"]["coordinates"][0][:3]
    return x0, y0, x1, y1


def places_of(villages: Sequence[DemoVillage]) -> dict[str, Place]:
    """By code of each village where its houses stand."""
    _townships, cells = _cells(villages)
    found = {}
    for cell in cells:
        west, south, east, north = (round(degrees * 1_000_000) for degrees in _box(cell))
        middle = (south + north) // 2, (west + east) // 2
        found[cell["properties"]["code"]] = Place(*middle, min((north - south) // 4, _WALK), min((east - west) // 4, _WALK))
    return found


def write_maps(folder: Path, villages: Sequence[DemoVillage]) -> None:
    """townships.json and villages.json, each with `demo: true`."""
    folder.mkdir(parents=True, exist_ok=True)
    cells, inner = _cells(villages)
    for name, features in (("townships", cells), ("villages", inner)):
        (folder / f"{name}.json").write_text(json.dumps({"type": "FeatureCollection", "demo": True, "features": features}), encoding="utf-8")
