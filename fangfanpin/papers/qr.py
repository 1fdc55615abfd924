"""QR codes as rows of modules, drawn by the template."""

import segno


def modules(text: str) -> list[str]:
    """Rows of 0 and 1, without a quiet zone; error correction M survives a fold."""
    return ["".join("1" if cell else "0" for cell in row) for row in segno.make(text, error="m", micro=False).matrix]
