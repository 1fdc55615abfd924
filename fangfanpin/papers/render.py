"""The one adapter to Typst: a template and plain data become a PDF."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typst

from fangfanpin.papers.fonts import font_directories

TEMPLATES = Path(__file__).resolve().parent / "templates"


def render(template: str, data: Mapping[str, Any]) -> bytes:
    """PDF of templates/NAME.typ with the data as JSON. No tags: they make the file twenty times larger."""
    compiled: bytes = typst.compile(
        str(TEMPLATES / f"{template}.typ"),
        root=str(TEMPLATES),
        font_paths=[str(folder) for folder in font_directories()],
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data, ensure_ascii=False, default=str)},
        format="pdf",
        pdf_tags=False,
    )
    return compiled
