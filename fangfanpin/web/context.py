"""What every page's frame shows: campaign and countdown, the work menu, the person."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

Part = Callable[[HttpRequest], dict[str, Any]]
_parts: list[Part] = []
_open_parts: list[Part] = []


def register_frame_part(part: Part) -> Part:
    """A higher app adds to the frame (countdown, menu counts); called once per rendered page."""
    _parts.append(part)
    return part


def register_open_part(part: Part) -> Part:
    """As `register_frame_part`, on pages before sign-in too (the demo's warning)."""
    _open_parts.append(part)
    return part


def frame(request: HttpRequest) -> dict[str, Any]:
    found: dict[str, Any] = {"reach": getattr(request, "reach", None)}
    for part in _open_parts:
        found.update(part(request))
    if getattr(request, "user", None) is not None and request.user.is_authenticated:
        for part in _parts:
            found.update(part(request))
    return found
