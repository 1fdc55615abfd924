"""Stand-ins for the county's maps: a grid of cells, marked as demo, in the county's box."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fangfanpin.demo.county import DemoVillage

WEST, EAST, SOUTH, NORTH = 117.03, 117.60, 33.17, 33.50


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


def write_maps(folder: Path, villages: Sequence[DemoVillage]) -> None:
    """townships.json and villages.json, each with `demo: true`."""
    folder.mkdir(parents=True, exist_ok=True)
    townships = sorted({village.code[:9] for village in villages})
    cells = _grid(townships, (WEST, SOUTH, EAST, NORTH))
    inner = []
    for cell in cells:
        code = cell["properties"]["code"]
        (x0, y0), _, (x1, y1) = cell["geometry"]["coordinates"][0][:3]
        inner += _grid([v.code for v in villages if v.code.startswith(code)], (x0, y0, x1, y1))
    for name, features in (("townships", cells), ("villages", inner)):
        (folder / f"{name}.json").write_text(json.dumps({"type": "FeatureCollection", "demo": True, "features": features}), encoding="utf-8")
