"""The parts of an xlsx file, read as bytes: no parser of XML that could be made to work, and no Django, for the reading process uses it too."""

import html
import posixpath
import re
import zipfile
from collections.abc import Iterator

RELATION = re.compile(rb"<(?:[^\s<>/:]+:)?Relationship\b[^<>]*>")
_SHEET = re.compile(rb"<(?:[^\s<>/:]+:)?sheet\s[^<>]*>")
_ATTRIBUTE = re.compile(rb"([^\s=<>/]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_LARGEST = 32 << 20  # of a part that is read whole
BLOCK = 1 << 20


class Unfit(Exception):
    """The file is not built as a workbook usually is."""


def attributes(tag: bytes) -> dict[str, str]:
    """Attributes of a tag by local name."""
    return {
        name.rpartition(b":")[2].decode("utf-8", "replace"): html.unescape((double or single).decode("utf-8", "replace"))
        for name, double, single in _ATTRIBUTE.findall(tag)
    }


def whole(book: zipfile.ZipFile, name: str) -> bytes:
    """A small part. Raises Unfit where it is missing, large, or in another encoding than UTF-8."""
    try:
        if book.getinfo(name).file_size > _LARGEST:
            raise Unfit(name)
        content = book.read(name)
    except KeyError:
        raise Unfit(name) from None
    if not is_utf8(content):
        raise Unfit(name)
    return content


def is_utf8(start: bytes) -> bool:
    """By its first bytes, is this XML in UTF-8?"""
    declared = re.match(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*encoding\s*=\s*[\"']([^\"']*)", start)
    return b"\0" not in start[:64] and (declared is None or declared[1].lower() in (b"utf-8", b"us-ascii"))


def relations_of(part: str) -> str:
    """Where a part's relations stand."""
    folder, _slash, name = part.rpartition("/")
    return f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"


def target_of(part: str, target: str) -> str:
    """The part a relation of `part` leads to."""
    return posixpath.normpath(target.lstrip("/") if target.startswith("/") else posixpath.join(posixpath.dirname(part), target))


def worksheets(book: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """(name, part) of every sheet, in the workbook's order. Raises Unfit."""
    targets = {}
    for tag in RELATION.findall(whole(book, relations_of("xl/workbook.xml"))):
        said = attributes(tag)
        if said.get("TargetMode") != "External":
            targets[said.get("Id", "")] = target_of("xl/workbook.xml", said.get("Target", ""))
    for tag in _SHEET.findall(whole(book, "xl/workbook.xml")):
        said = attributes(tag)
        if (part := targets.get(said.get("id", ""))) is None:
            raise Unfit(said.get("name", ""))
        yield said.get("name", ""), part


def place_of(reference: str) -> tuple[int, int] | None:
    """B3 → (2, 1): row and column from 0; None for what is no cell."""
    found = _CELL.fullmatch(reference)
    if found is None:
        return None
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    return int(found[2]) - 1, column - 1


def column_letter(place: int) -> str:
    """0 → A, 26 → AA."""
    found = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        found = chr(65 + rest) + found
    return found
