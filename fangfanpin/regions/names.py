"""Names of divisions by code, kept in memory: every row of every list says a village, and names change once in years."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models.signals import post_delete, post_save

from fangfanpin.regions.models import Region

_KEPT_S = 60.0  # another process may have renamed a division
_MISSED_S = 2.0  # or made one: a code that is not known is asked for again after this time
_lock = threading.Lock()
_names: dict[str, dict[str, str]] = {}  # group → code → name
_gone: dict[str, frozenset[str]] = {}  # group → codes of divisions that are no more
_until: dict[str, float] = {}


# Levels that stand in the tree where a province or a municipality governs its counties itself; nobody says them.
_UNSAID = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})
_LEVELS = {
    6: (Region.Level.PROVINCE, Region.Level.PREFECTURE, Region.Level.COUNTY),
    12: (Region.Level.TOWNSHIP, Region.Level.VILLAGE),
    15: (Region.Level.NATURAL_VILLAGE,),
}


def _group(code: str) -> tuple[str, int]:
    """Names are fetched together, so that a list of any length costs few queries: down to the counties of the whole nation at once, townships
    and villages by the county, natural villages by the township."""
    return ("", 6) if len(code) <= 6 else (code[:9], 15) if len(code) == 15 else (code[:6], 12)


def name_of(code: str) -> str:
    """Name of a division; the code itself where it is not known, "" for none."""
    return _names.get(_known(code), {}).get(code, code) if code else ""


def is_gone(code: str) -> bool:
    """Merged into another or given another code: no household stands there any more."""
    return code in _gone.get(_known(code), ())


def _known(code: str) -> str:
    """The key of the code's group, which is in memory then."""
    prefix, longest = _group(code)
    key = f"{prefix}:{longest}"
    now, until = time.monotonic(), _until.get(key, 0.0)
    if until < now or (code not in _names[key] and until - _KEPT_S + _MISSED_S < now):
        found = list(Region.objects.filter(code__startswith=prefix, level__in=_LEVELS[longest]).values_list("code", "name", "successor_id"))
        with _lock:
            _names[key] = {known: name for known, name, _successor in found}
            _gone[key], _until[key] = frozenset(known for known, _name, successor in found if successor), now + _KEPT_S
    return key


@dataclass(frozen=True, slots=True)
class Township:
    """A township with those of its villages that were asked for: (code, name) by code."""

    code: str
    name: str
    villages: tuple[tuple[str, str], ...]


def townships(villages: Iterable[str]) -> list[Township]:
    """Villages under their townships, by code: the choices of every place filter, without those that are no more. Out of memory, no query but
    the first of a county."""
    found: dict[str, list[tuple[str, str]]] = {}
    for code in sorted(set(villages)):
        if not is_gone(code):
            found.setdefault(code[:9], []).append((code, name_of(code)))
    return [Township(code, name_of(code), tuple(under)) for code, under in found.items()]


def place_of(code: str) -> str:
    """A division anywhere in the country in words that are nobody else's: 340323 → 蚌埠市固镇县, 310115 → 上海市浦东新区. A township or village of
    which only the county is loaded is said as that county; the code itself where nothing of it is known."""
    parts: list[str] = []
    for length in (2, 4, 6, 9, 12, 15):
        part = code[:length]
        if len(part) < length or (name := name_of(part)) == part:
            break
        if name in _UNSAID or name in parts:
            continue
        # A prefecture's name is known without its province's.
        parts = [name] if length == 4 else [*parts, name]
    return "".join(parts) or code


def local_name(code: str) -> str:
    """A division of one's own county as people there say it: a village after its township (谷阳镇东关社区), a county by its name alone."""
    return "".join(name_of(code[:length]) for length in (9, 12, 15) if len(code) >= length) or name_of(code)


def _forget(**_: object) -> None:
    with _lock:
        _names.clear()
        _gone.clear()
        _until.clear()


post_save.connect(_forget, sender=Region, dispatch_uid="regions.names.saved")
post_delete.connect(_forget, sender=Region, dispatch_uid="regions.names.deleted")
