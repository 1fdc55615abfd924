"""Maps from GeoJSON the county supplies: DATA_DIR/maps/townships.json and villages.json, features with property `code`."""

import functools
import json
from pathlib import Path
from typing import Any

from django.conf import settings


@functools.lru_cache(maxsize=4)
def _load(path: str, _changed_at: float) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return loaded


def with_values(under: str, values: dict[str, tuple[str, int]]) -> dict[str, Any]:
    """The divisions in `values` (code → name, percent), each feature with `name` and `value`; `is_demo` where the map was generated.
    Empty without a file."""
    path = Path(settings.DATA_DIR) / "maps" / ("villages.json" if len(under) >= 9 else "townships.json")
    if not path.exists():
        return {"type": "FeatureCollection", "features": [], "is_demo": False}
    whole = _load(str(path), path.stat().st_mtime)
    features = [
        {**feature, "properties": {"code": code, "name": values[code][0], "value": values[code][1]}}
        for feature in whole["features"]
        if (code := str((feature.get("properties") or {}).get("code"))) in values  # some programs write codes as numbers
    ]
    return {"type": "FeatureCollection", "features": features, "is_demo": bool(whole.get("demo"))}
