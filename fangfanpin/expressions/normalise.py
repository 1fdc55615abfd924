"""Text is normalised once, on entry, the same way everywhere."""

import unicodedata

_BLANKS = " \t\r\n\u00a0\u3000\ufeff"


def normalise_text(text: str | None) -> str | None:
    """NFC, trimmed (U+3000 included); nothing left → None."""
    if text is None:
        return None
    if not text.isascii():  # what is has no other form
        text = unicodedata.normalize("NFC", text)
    return text.strip(_BLANKS) or None


def normalise_number_text(text: str | None) -> str | None:
    """For numbers and codes also full-width digits, Latin letters and signs to ASCII."""
    plain = normalise_text(text)
    if plain is None or plain.isascii():
        return plain
    return "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in plain).strip(_BLANKS) or None
