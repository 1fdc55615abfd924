"""Texts in files that a spreadsheet may open: nothing begins as a formula, and what was added for that is taken off again.

In a CSV a text that a spreadsheet would take for a formula begins with an apostrophe. A text that itself begins so gets one more, in every kind of
file, so that taking one off gives back what was there. A word that several codes of a list share is said with its code.
"""

import functools
import re
from collections import Counter
from collections.abc import Mapping

from fangfanpin.pack import Pack

SUSPECT = frozenset("='+-@\t\r")  # first characters of what `protected` may change
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_MASKED = re.compile(r"＊＊＊|[0-9A-Z]*\*+[0-9A-Z]*")
MASKED_TEXT = "＊＊＊"


def _begins_formula(text: str) -> bool:
    return text.startswith(_FORMULA) and _NUMBER.fullmatch(text) is None


def protected(text: str, *, csv: bool) -> str:
    """A text as a file holds it; a workbook says by itself that a cell is a text."""
    if not text or text[0] not in SUSPECT:
        return text
    if text[0] == "'":
        return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text
    return f"'{text}" if csv and _begins_formula(text) else text


def unprotected(text: str) -> str:
    """What `protected` was given."""
    return text[1:] if text[:1] == "'" and text.lstrip("'").startswith(_FORMULA) else text


def is_masked(text: str) -> bool:
    """Does a cell show a sensitive value only as it is shown to those without the right?"""
    return _MASKED.fullmatch(text.strip()) is not None


@functools.lru_cache(maxsize=64)
def _words(entries: tuple[tuple[str, str], ...]) -> dict[str, str]:
    shared = {word for word, count in Counter(word for _code, word in entries).items() if count > 1}
    return {code: f"{word}（{code}）" if word in shared else word for code, word in entries}


def list_words(pack: Pack, name: str) -> Mapping[str, str]:
    """{code: what files say for it}, no two alike."""
    return _words(tuple((entry.code, entry.word) for entry in pack.lists.get(name, ())))
