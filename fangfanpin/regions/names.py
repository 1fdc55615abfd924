"""Names of divisions by code, kept in memory: every row of every list says a village, and names change once in years."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models.signals import post_delete, post_save

from fangfanpin.regions.models import Region

_KEPT_S = 300.0
_lock = threading.Lock()
_names: dict[str, dict[str, str]] = {}  # group → code → name
_until: dict[str, float] = {}


def _group(code: str) -> tuple[str, int]:
    """Names are fetched by the county (townships, villages) and by the township (natural villages): a list of any length costs few queries."""
    return (code[:9], 15) if len(code) == 15 else (code[:6], 12)


def name_of(code: str) -> str:
    """Name of a division; the code itself where it is not known, "" for none."""
    if not code:
        return ""
    prefix, longest = _group(code)
    key = f"{prefix}:{longest}"
    now = time.monotonic()
    if _until.get(key, 0.0) < now:
        rows = Region.objects.filter(code__startswith=prefix)
        rows = rows.filter(level=Region.Level.NATURAL_VILLAGE) if longest == 15 else rows.exclude(level=Region.Level.NATURAL_VILLAGE)
        found = dict(rows.values_list("code", "name"))
        with _lock:
            _names[key], _until[key] = found, now + _KEPT_S
    return _names.get(key, {}).get(code, code)


@dataclass(frozen=True, slots=True)
class Township:
    """A township with those of its villages that were asked for: (code, name) by code."""

    code: str
    name: str
    villages: tuple[tuple[str, str], ...]


def townships(villages: Iterable[str]) -> list[Township]:
    """Villages under their townships, by code: the choices of every place filter. Out of memory, no query but the first of a county."""
    found: dict[str, list[tuple[str, str]]] = {}
    for code in sorted(set(villages)):
        found.setdefault(code[:9], []).append((code, name_of(code)))
    return [Township(code, name_of(code), tuple(under)) for code, under in found.items()]


def _forget(**_: object) -> None:
    with _lock:
        _names.clear()
        _until.clear()


post_save.connect(_forget, sender=Region, dispatch_uid="regions.names.saved")
post_delete.connect(_forget, sender=Region, dispatch_uid="regions.names.deleted")
