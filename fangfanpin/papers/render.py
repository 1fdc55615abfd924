"""The one adapter to Typst: a template and plain data become a PDF."""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typst

from fangfanpin.papers.fonts import font_directories

TEMPLATES = Path(__file__).resolve().parent / "templates"


@functools.cache
def _fonts() -> typst.Fonts:
    """Read once per process: the CJK collections are large and a search takes longer than a page."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder) for folder in font_directories()])


def _plain(value: Any) -> Any:
    """What JSON does not know: bytes of a picture as numbers, which Typst makes bytes of again; the rest as text."""
    return list(value) if isinstance(value, bytes) else str(value)


def render(template: str, data: Mapping[str, Any]) -> bytes:
    """PDF of templates/NAME.typ with the data as JSON. No tags: they make the file twenty times larger."""
    compiler = typst.Compiler(
        str(TEMPLATES / f"{template}.typ"),
        root=str(TEMPLATES),
        font_paths=_fonts(),
        sys_inputs={"data": json.dumps(data, ensure_ascii=False, default=_plain)},
    )
    compiled = compiler.compile(format="pdf", pdf_tags=False)
    assert isinstance(compiled, bytes)
    return compiled
