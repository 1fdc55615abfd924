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


def render(template: str, data: Mapping[str, Any]) -> bytes:
    """PDF of templates/NAME.typ with the data as JSON. No tags: they make the file twenty times larger."""
    compiler = typst.Compiler(
        str(TEMPLATES / f"{template}.typ"),
        root=str(TEMPLATES),
        font_paths=_fonts(),
        sys_inputs={"data": json.dumps(data, ensure_ascii=False, default=str)},
    )
    compiled = compiler.compile(format="pdf", pdf_tags=False)
    assert isinstance(compiled, bytes)
    return compiled
