"""The fonts papers are set in, which characters they hold and how wide these are."""

import functools
import re
from collections.abc import Mapping
from pathlib import Path

from fontTools.ttLib import TTFont

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent
_PACKAGE = PROJECT_DIR / "field" / "node_modules" / "@expo-google-fonts" / "noto-sans-sc"
_SYSTEM = Path("/usr/share/fonts/opentype/noto")


class FontsMissing(Exception):
    """No Chinese font is installed; the message says what to do."""


def font_directories() -> list[Path]:
    """Folders Typst looks in: the package's Noto Sans SC, then Debian's Noto CJK."""
    found = [folder for weight in ("400Regular", "700Bold") if (folder := _PACKAGE / weight).is_dir()]
    if _SYSTEM.is_dir():
        found.append(_SYSTEM)
    if not found:
        raise FontsMissing("没有找到中文字体：请运行 make run（安装 Noto Sans SC），或安装系统包 fonts-noto-cjk。")
    return found


def _files() -> list[Path]:
    """Regular faces in use, the serif ones of the body first."""
    found = [
        path
        for folder in font_directories()
        for path in sorted(folder.iterdir())
        if path.suffix in (".ttf", ".otf", ".ttc") and ("Sans" in path.name or "Serif" in path.name) and not re.search("Mono|Bold", path.name)
    ]
    return sorted(found, key=lambda path: "Serif" not in path.name)


@functools.cache
def _widths() -> Mapping[int, float]:
    """Code point → advance in em, from the first face that has it."""
    found: dict[int, float] = {}
    for path in _files():
        with TTFont(path, lazy=True, fontNumber=0) as font:
            advances, per_em = font["hmtx"].metrics, font["head"].unitsPerEm
            for point, glyph in (font.getBestCmap() or {}).items():
                if point not in found:
                    found[point] = advances[glyph][0] / per_em
    return found


def printable() -> frozenset[int]:
    """Code points that at least one font in use has a glyph for."""
    return frozenset(_widths())


@functools.lru_cache(maxsize=65_536)
def width(text: str) -> float:
    """Width in em of a line set in the body's face; a character no font has counts as one em."""
    known = _widths()
    return sum(known.get(ord(character), 1.0) for character in text)


def missing_glyphs(text: str) -> set[str]:
    """Characters of a name or address that would print as a box."""
    known = _widths()
    return {character for character in text if ord(character) not in known and not character.isspace()}
