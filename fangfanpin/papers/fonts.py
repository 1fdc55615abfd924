"""The fonts papers are set in, and which characters they hold."""

import functools
from pathlib import Path

from fontTools.ttLib import TTCollection, TTFont

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent
_PACKAGE = PROJECT_DIR / "field" / "node_modules" / "@expo-google-fonts" / "noto-sans-sc"
_SYSTEM = Path("/usr/share/fonts/opentype/noto")
FAMILIES = ("Noto Sans SC", "Noto Sans CJK SC")
BODY_FAMILIES = ("Noto Serif CJK SC", *FAMILIES)


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
    return [
        path
        for folder in font_directories()
        for path in sorted(folder.iterdir())
        if path.suffix in (".ttf", ".otf", ".ttc") and ("Sans" in path.name or "Serif" in path.name) and "Mono" not in path.name
    ]


@functools.cache
def printable() -> frozenset[int]:
    """Code points that at least one font in use has a glyph for."""
    found: set[int] = set()
    for path in _files():
        if "Bold" in path.name:
            continue
        fonts = TTCollection(path, lazy=True).fonts if path.suffix == ".ttc" else [TTFont(path, lazy=True)]
        for font in fonts[:1] if path.suffix == ".ttc" else fonts:
            found.update(font.getBestCmap() or {})
    return frozenset(found)


def missing_glyphs(text: str) -> set[str]:
    """Characters of a name or address that would print as a box."""
    known = printable()
    return {character for character in text if ord(character) not in known and not character.isspace()}
