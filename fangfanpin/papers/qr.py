"""QR codes as grey levels, drawn by the template."""

from typing import Any

import segno

_MASK = 3  # the standard's search for the prettiest of eight masks costs more than setting the page; a reader reads any


def code(text: str) -> dict[str, Any]:
    """{side, levels}: side × side modules, row by row, 0 dark and 255 light, without a quiet zone; level M survives a fold.

    Capitals, digits and `:` take two thirds of the room that other characters do.
    """
    matrix = segno.make(text, error="m", micro=False, mask=_MASK, boost_error=False).matrix
    return {"side": len(matrix), "levels": [0 if cell else 255 for row in matrix for cell in row]}
