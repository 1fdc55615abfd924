"""Mark cells inside an xlsx file as it is: only the rows concerned, the styles and the notes are written, everything else is copied.

Sheets go through in blocks, so that size costs time and no memory. The bytes are edited, not parsed: nothing in them can make a parser work.
What could run or reach out (macros, formulas, links to other files, queries, embedded objects) is left behind: a formula becomes its last result.
Where the file is built otherwise than usual, `Unfit` is raised before anything is believed.
"""

import html
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from fangfanpin.records.workbooks.parts import (
    BLOCK,
    RELATION,
    Unfit,
    attributes,
    column_letter,
    is_utf8,
    place_of,
    relations_of,
    target_of,
    whole,
    worksheets,
)

# A red that no palette offers: what an earlier marking left is found by it and taken away.
_FILL = b"FFFFC7CF"
_AUTHOR = "fangfanpin"
_WIDTH = 60
_MOST_NOTES = 2000  # of a file; further cells are red, and told beside their row
_LONGEST_TEXT = 32767
_LONGEST_ROW = 32 << 20
_LONGEST_END = 64 << 20  # bytes before or behind a sheet's rows
_LEVEL = 3  # of compression: a county's sheet is a hundred megabytes
_KEPT = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|(docProps|customXml)/.*|xl/_rels/[^/]+|xl/(?!calcChain|connections|vba|volatileDependencies)[^/]+\.xml"
    r"|xl/(theme|worksheets|chartsheets|drawings|comments|media|charts|diagrams|tables|printerSettings|threadedComments|persons|richData|pivotTables|pivotCache"
    r"|slicers|slicerCaches|featurePropertyBag)/.*"
)
_MACRO_TYPES = re.compile(rb"application/vnd\.ms-excel\.(?:sheet|template)\.macroEnabled\.main\+xml|application/vnd\.[^\"']*\.template\.main\+xml")
_WORKBOOK_TYPE = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
_RELATIONS = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT = b"http://purl.oclc.org/ooxml/"  # the other dialect, in which notes have other names
_MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PREFIX = rb"((?:[^\s<>/:]+:)?)"
_START = re.compile(rb"<" + _PREFIX + rb"sheetData(?:\s[^<>]*)?>")
_NUMBER = re.compile(rb"\sr\s*=\s*[\"'](\d+)[\"']")
_FORMULA_LEFT = re.compile(rb"<(?:[^\s<>/:]+:)?f[\s/>]|<!")
_ANY_TAG = re.compile(rb"<(/?)((?:[^\s<>/:]+:)?)([^\s<>/:]+)[^<>]*?(/?)>")
# Elements of a worksheet that stand behind its notes' drawing.
_BEHIND = frozenset(b"legacyDrawingHF drawingHF picture oleObjects controls webPublishItems tableParts extLst".split())
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Mark:
    """A cell to mark, `place` from 0, with what is said at it."""

    place: int
    words: str


@dataclass(frozen=True, slots=True)
class SheetMarks:
    """What to write into a sheet: `rows` (from 1) with their marks and what is said beside them in column `beside` (from 0), under `title` in
    the row `header`. `again`: an earlier marking wrote into that column, and all of it goes."""

    rows: Mapping[int, tuple[Sequence[Mark], str]]
    header: int
    beside: int
    title: str
    again: bool


@dataclass(slots=True)
class _Notes:
    """Notes of one sheet: the parts that will hold them and where the drawing is named."""

    comments: str
    drawing: str
    is_new: bool
    cells: list[tuple[int, int, str]] = field(default_factory=list)


def mark(path: Path, sheets: Mapping[str, SheetMarks], target: Path) -> None:
    """Write the marked workbook to `target`. Raises Unfit; then nothing of the target is to be used."""
    with zipfile.ZipFile(path) as book, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as out:
        _Editor(book, out).edit(sheets)


class _Editor:
    def __init__(self, book: zipfile.ZipFile, out: zipfile.ZipFile) -> None:
        self._book, self._out = book, out
        names = book.namelist()
        if len(set(names)) != len(names):
            raise Unfit("two parts of one name")
        kept = {name for name in names if _KEPT.fullmatch(name) and ".." not in name and not name.endswith("/")}
        self._names = {name for name in kept if not name.endswith(".rels") or name == "_rels/.rels" or _of(name) in kept}
        self._styles = _Styles(whole(book, "xl/styles.xml"))
        self._made: dict[str, bytes] = {}  # parts written anew or put in place of others
        self._types: list[bytes] = []  # added to [Content_Types].xml
        self._relations: dict[str, list[bytes]] = {}  # added, by the part they are of
        self._notes_left = _MOST_NOTES

    def edit(self, sheets: Mapping[str, SheetMarks]) -> None:
        parts = dict(worksheets(self._book))
        if not sheets.keys() <= parts.keys() or not self._names.issuperset(parts.values()):
            raise Unfit("sheets")
        marked = {parts[name]: marks for name, marks in sheets.items()}
        written = set()
        for name in sorted(self._names, key=lambda name: name not in marked):
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name) or name in marked:
                self._sheet(name, marked.get(name))
                written.add(name)
        self._made["xl/styles.xml"] = self._styles.content()
        for name in sorted(self._names - written):
            self._rest(name)
        for name, content in self._made.items():
            if name not in self._names:
                self._out.writestr(name, content)
        for part, added in self._relations.items():
            if relations_of(part) not in self._names:
                self._out.writestr(relations_of(part), _relations(added))

    # --- what is no sheet

    def _rest(self, name: str) -> None:
        if name in self._made:
            self._out.writestr(name, self._made[name])
        elif name == "[Content_Types].xml":
            self._out.writestr(name, self._content_types(whole(self._book, name)))
        elif name.endswith(".rels"):
            self._out.writestr(name, self._relations_kept(name))
        elif name == "xl/workbook.xml":
            self._out.writestr(name, _without_links(whole(self._book, name)))
        elif name.startswith("xl/tables/"):
            pattern = rb"<(?:[^\s<>/:]+:)?(calculatedColumnFormula|totalsRowFormula)\b[^<>]*>[^<]*</(?:[^\s<>/:]+:)?\1\s*>"
            self._out.writestr(name, re.sub(pattern, b"", whole(self._book, name)))
        else:
            with self._book.open(name) as source, self._out.open(name, "w") as target:
                while block := source.read(BLOCK):
                    target.write(block)

    def _content_types(self, content: bytes) -> bytes:
        def kept(found: "re.Match[bytes]") -> bytes:
            part = attributes(found[0]).get("PartName")
            return found[0] if part is None or part.lstrip("/") in self._names or part.lstrip("/") in self._made else b""

        content = re.sub(rb"<(?:[^\s<>/:]+:)?Override\b[^<>]*>", kept, content)
        content = _MACRO_TYPES.sub(_WORKBOOK_TYPE, content)
        if re.search(rb"Extension\s*=\s*[\"']vml[\"']", content):
            self._types = [one for one in self._types if b'Extension="vml"' not in one]
        added = dict.fromkeys(self._types)
        return _before_end(content, b"Types", b"".join(added))

    def _relations_kept(self, name: str) -> bytes:
        part = _of(name)

        def kept(found: "re.Match[bytes]") -> bytes:
            said = attributes(found[0])
            if said.get("TargetMode") == "External":
                if not said.get("Type", "").endswith("/hyperlink"):
                    raise Unfit("a link to another file")
                return found[0]
            to = target_of(part, said.get("Target", ""))
            if to in self._names or to in self._made:
                return found[0]
            if "/" in part.removeprefix("xl/") and not said.get("Type", "").endswith("/queryTable"):
                raise Unfit("a sheet that needs what is left behind")
            return b""

        content = RELATION.sub(kept, whole(self._book, name))
        added = b"".join(self._relations.get(part, ()))
        if added and re.search(rb"<Relationships\b[^<>]*/>", content):
            return _relations([added])
        return _before_end(content, b"Relationships", added)

    # --- sheets

    def _sheet(self, part: str, marks: SheetMarks | None) -> None:
        with self._book.open(part) as source, self._out.open(part, "w") as target:
            held, start = b"", None
            while start is None and (block := source.read(BLOCK)):
                held += block
                start = _START.search(held)
                if len(held) > _LONGEST_END:
                    raise Unfit("no rows")
            if start is None or not is_utf8(held):
                raise Unfit("no rows")
            rows = _Rows(start[1], self._styles, marks)
            head, is_empty = held[: start.start()], start[0].endswith(b"/>")
            notes = self._notes(part) if marks is not None and _STRICT not in head else None
            if marks is not None:
                head = _with_column(head, start[1], marks.beside)
            target.write(head)
            end = b"</" + start[1] + b"sheetData>"
            if is_empty:
                target.write(b"<" + start[1] + b"sheetData>" + rows.rest() + end)
                tail = held[start.end() :]
            else:
                target.write(start[0])
                tail = self._through(source, target, held[start.end() :], rows, end)
            while block := source.read(BLOCK):
                tail += block
                if len(tail) > _LONGEST_END:
                    raise Unfit("much behind the rows")
            target.write(self._tail(part, tail, start[1], rows, notes))

    def _through(self, source: IO[bytes], target: IO[bytes], held: bytes, rows: "_Rows", end: bytes) -> bytes:
        """All rows; returns what was read behind them."""
        while (stop := held.find(end)) < 0:
            cut = held.rfind(rows.row_end)
            cut = cut + len(rows.row_end) if cut >= 0 else 0
            if cut:
                target.write(rows.edited(held[:cut]))
                held = held[cut:]
            block = source.read(BLOCK)
            if not block or len(held) > _LONGEST_ROW:
                raise Unfit("a row without an end")
            held += block
        target.write(rows.edited(held[:stop]) + rows.rest() + end)
        return held[stop + len(end) :]

    def _notes(self, part: str) -> _Notes | None:
        """Where this sheet's notes may be written: parts of our own, or those an earlier marking made. None where somebody else's notes or
        buttons stand there."""
        found: dict[str, str] = {}
        relations = relations_of(part)
        if relations in self._names:
            for tag in RELATION.findall(whole(self._book, relations)):
                said = attributes(tag)
                kind = said.get("Type", "").rpartition("/")[2]
                if kind in ("comments", "vmlDrawing", "threadedComment"):
                    found[kind] = target_of(part, said.get("Target", ""))
        if not found:
            number = 0
            while any(name.endswith(f"-marked{number}.xml") for name in (*self._names, *self._made)):
                number += 1
            return _Notes(f"xl/comments-marked{number}.xml", f"xl/drawings/vmlDrawing-marked{number}.vml", is_new=True)
        if set(found) != {"comments", "vmlDrawing"} or not self._names.issuperset(found.values()):
            return None
        authors = set(re.findall(rb"<(?:[^\s<>/:]+:)?author>([^<]*)<", whole(self._book, found["comments"])))
        shapes = set(re.findall(rb"ObjectType=\"([^\"]*)\"", whole(self._book, found["vmlDrawing"])))
        return _Notes(found["comments"], found["vmlDrawing"], is_new=False) if authors == {_AUTHOR.encode()} and shapes <= {b"Note"} else None

    def _tail(self, part: str, tail: bytes, prefix: bytes, rows: "_Rows", notes: _Notes | None) -> bytes:
        if re.search(rb"<(?:[^\s<>/:]+:)?(?:oleObjects|controls)\b", tail):
            raise Unfit("objects")
        if notes is None:
            return tail
        notes.cells = rows.notes[: self._notes_left]
        if not notes.cells and notes.is_new:
            return tail
        self._notes_left -= len(notes.cells)
        self._made[notes.comments] = _comments(notes.cells)
        self._made[notes.drawing] = _drawing(notes.cells)
        if not notes.is_new:
            return tail
        at = _behind_drawing(tail)
        self._types += [
            b'<Default Extension="vml" ContentType="application/vnd.openxmlformats-officedocument.vmlDrawing"/>',
            b'<Override PartName="/%s" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"/>'
            % notes.comments.encode(),
        ]
        for name, kind, to in (("marked1", b"vmlDrawing", notes.drawing), ("marked2", b"comments", notes.comments)):
            self._relations.setdefault(part, []).append(
                b'<Relationship Id="' + name.encode() + b'" Type="' + _RELATIONS + b"/" + kind + b'" Target="/' + to.encode() + b'"/>'
            )
        named = b"<" + prefix + b'legacyDrawing xmlns:r="' + _RELATIONS + b'" r:id="marked1"/>'
        return tail[:at] + named + tail[at:]


class _Rows:
    """The rows of one sheet on their way through."""

    def __init__(self, prefix: bytes, styles: "_Styles", marks: SheetMarks | None) -> None:
        self.row_end = b"</" + prefix + b"row>"
        self.notes: list[tuple[int, int, str]] = []
        p = re.escape(prefix)
        self._prefix, self._styles, self._marks = prefix, styles, marks
        self._row = re.compile(rb"<" + p + rb"row(?=[\s/>])([^<>]*?)(/?)>")
        self._cell = re.compile(rb"<" + p + rb"c(?=[\s/>])([^<>]*?)(?:/>|>(.*?)</" + p + rb"c\s*>)", re.DOTALL)
        self._formula = re.compile(rb"(<" + p + rb"c(?=\s)[^<>]*>\s*)<" + p + rb"f(?=[\s/>])[^<>]*?(?:/>|>[^<]*</" + p + rb"f\s*>)")
        self._has_formula = b"<" + prefix + b"f"
        self._wanted = sorted({*marks.rows, marks.header}) if marks is not None and marks.rows else []
        self._next = 0
        self._last = 0

    def edited(self, rows: bytes) -> bytes:
        """Some whole rows."""
        if self._has_formula in rows:
            rows = self._formula.sub(lambda found: re.sub(rb"\scm\s*=\s*(?:\"[^\"]*\"|'[^']*')", b"", found[1]), rows)
        if b"<!" in rows or _FORMULA_LEFT.search(rows):
            raise Unfit("formulas")
        if self._marks is None:
            return rows
        marks, written, done = self._marks, [], 0
        stale = column_letter(marks.beside).encode()
        for found in self._row.finditer(rows):
            said = _NUMBER.search(found[1])
            number = int(said[1]) if said is not None else self._last + 1
            if number <= self._last:
                raise Unfit("rows out of order")
            self._last = number
            is_wanted = self._next < len(self._wanted) and self._wanted[self._next] <= number
            if not is_wanted and not marks.again:
                continue
            stop = found.end() if found[2] else rows.find(self.row_end, found.end())
            inside = b"" if found[2] else rows[found.end() : stop]
            if not is_wanted and re.search(rb"[\"']%s%d[\"']" % (stale, number), inside) is None:
                continue
            written += [rows[done : found.start()], self._missing(number), self._one(found[1], inside, number)]
            if is_wanted and self._next < len(self._wanted) and self._wanted[self._next] == number:
                self._next += 1
            done = stop if found[2] else stop + len(self.row_end)
        return b"".join((*written, rows[done:]))

    def rest(self) -> bytes:
        """Rows that are to be marked and stand behind the last one."""
        return self._missing(None)

    def _missing(self, before: int | None) -> bytes:
        made = []
        while self._next < len(self._wanted) and (before is None or self._wanted[self._next] < before):
            made.append(self._one(b' r="' + str(self._wanted[self._next]).encode() + b'"', b"", self._wanted[self._next]))
            self._next += 1
        return b"".join(made)

    def _one(self, tag: bytes, inside: bytes, number: int) -> bytes:
        marks = self._marks
        assert marks is not None
        found, words = marks.rows.get(number, ((), ""))
        if number == marks.header and marks.rows:
            words = f"{marks.title}：{words}" if words else marks.title
        cells: dict[int, tuple[bytes, bytes]] = {}
        place = end = 0
        for cell in self._cell.finditer(inside):
            at = place_of(attributes(cell[1]).get("r", ""))
            place = at[1] if at is not None else place
            cells[place] = (cell[0], cell[1])
            place, end = place + 1, cell.end()
        told: dict[int, list[str]] = {}
        for one in found:
            told.setdefault(one.place, []).append(one.words)
        for place, said in told.items():
            self.notes.append((number, place, "；".join(said)))
            raw, about = cells.get(place, (b"", b""))
            style = self._styles.marked(attributes(about).get("s", "0"))
            if raw:
                changed = _set(about, b"s", str(style).encode())
                cells[place] = (b"<" + self._prefix + b"c" + changed + raw[len(self._prefix) + 2 + len(about) :], changed)
            else:
                cells[place] = (self._empty(number, place, style) + b"/>", b"")
        cells.pop(marks.beside, None)
        if words:
            style = self._styles.title() if number == marks.header else self._styles.told()
            text = html.escape(_CONTROL.sub("", words)[:_LONGEST_TEXT], quote=False).encode()
            p = self._prefix
            content = b' t="inlineStr"><' + p + b"is><" + p + b't xml:space="preserve">' + text + b"</" + p + b"t></" + p + b"is></" + p + b"c>"
            cells[marks.beside] = (self._empty(number, marks.beside, style) + content, b"")
        tag = _without(tag, b"spans")
        if found and not re.search(rb"\scustomHeight\s*=\s*[\"'](?:1|true)", tag):
            tag = _without(tag, b"ht")  # the sentence beside may need more lines
        ordered = b"".join(cells[place][0] for place in sorted(cells))
        return b"<" + self._prefix + b"row" + tag + b">" + ordered + inside[end:] + self.row_end

    def _empty(self, number: int, place: int, style: int) -> bytes:
        return b"<" + self._prefix + b'c r="' + column_letter(place).encode() + str(number).encode() + b'" s="' + str(style).encode() + b'"'


class _Styles:
    """The workbook's styles, with a red twin of each that a marked cell has."""

    def __init__(self, content: bytes) -> None:
        root = re.search(rb"<" + _PREFIX + rb"styleSheet\b", content)
        if root is None:
            raise Unfit("styles")
        self._prefix = root[1]
        self._content = content
        self._fonts = self._items(b"fonts", b"font")
        self._fills = self._items(b"fills", b"fill")
        self._xfs = self._items(b"cellXfs", b"xf")
        if not self._xfs or not self._fonts or not self._fills:
            raise Unfit("styles")
        self._fill = next((place for place, fill in enumerate(self._fills) if _FILL in fill), -1)
        if self._fill >= 0:  # marked before: those cells may be right by now
            old = re.compile(rb"\sfillId\s*=\s*[\"']" + str(self._fill).encode() + rb"[\"']")
            self._xfs = [old.sub(b' fillId="0"', xf, count=1) for xf in self._xfs]
        self._own = len(self._xfs)
        self._twins: dict[int, int] = {}
        self._made: dict[bytes, int] = {}
        self._font = -1

    def marked(self, style: str) -> int:
        """The red twin of a style."""
        number = int(style) if style.isdigit() and int(style) < self._own else 0
        if number not in self._twins:
            self._twins[number] = self._add(_with(self._xfs[number], {b"fillId": self._red(), b"applyFill": 1}))
        return self._twins[number]

    def told(self) -> int:
        """Of the sentence beside a row."""
        p = self._prefix
        xf = b'<%sxf numFmtId="0" fontId="%d" fillId="0" borderId="0" xfId="0" applyFont="1" applyAlignment="1">' % (p, self._bold())
        return self._add(xf + b'<%salignment vertical="top" wrapText="1"/></%sxf>' % (p, p))

    def title(self) -> int:
        """Of the head over the sentences."""
        p = self._prefix
        return self._add(
            b'<%sxf numFmtId="0" fontId="%d" fillId="%d" borderId="0" xfId="0" applyFont="1" applyFill="1"/>' % (p, self._bold(), self._red())
        )

    def content(self) -> bytes:
        content = self._content
        for section, items in ((b"fonts", self._fonts), (b"fills", self._fills), (b"cellXfs", self._xfs)):
            found = self._section(section, content)
            tag = re.sub(rb"\scount\s*=\s*(?:\"[^\"]*\"|'[^']*')", b' count="%d"' % len(items), found[1])
            content = content[: found.start()] + tag + b"".join(items) + found[3] + content[found.end() :]
        return content

    def _section(self, name: bytes, content: bytes) -> "re.Match[bytes]":
        p = re.escape(self._prefix)
        found = re.search(rb"(<" + p + name + rb"(?=[\s>])[^<>]*[^/]>|<" + p + name + rb">)(.*?)(</" + p + name + rb"\s*>)", content, re.DOTALL)
        if found is None:
            raise Unfit("styles")
        return found

    def _items(self, section: bytes, name: bytes) -> list[bytes]:
        p = re.escape(self._prefix)
        tag = p + name
        item = re.compile(rb"<" + tag + rb"(?=[\s/>])(?:[^<>]*/>|(?:[^<>]*[^/<>])?>.*?</" + tag + rb"\s*>)", re.DOTALL)
        return [found[0] for found in item.finditer(self._section(section, self._content)[2])]

    def _add(self, xf: bytes) -> int:
        if xf not in self._made:
            self._made[xf] = len(self._xfs)
            self._xfs.append(xf)
        return self._made[xf]

    def _red(self) -> int:
        if self._fill < 0:
            p = self._prefix
            self._fill = len(self._fills)
            self._fills.append(
                b'<%sfill><%spatternFill patternType="solid"><%sfgColor rgb="%s"/><%sbgColor indexed="64"/></%spatternFill></%sfill>'
                % (p, p, p, _FILL, p, p, p)
            )
        return self._fill

    def _bold(self) -> int:
        """The workbook's first font, bold and dark red."""
        if self._font < 0:
            p, first = self._prefix, self._fonts[0]
            kept = [found[0] for tag in (b"sz", b"name") if (found := re.search(rb"<" + re.escape(p) + tag + rb"\s[^<>]*/>", first)) is not None]
            self._font = len(self._fonts)
            size, name = (kept[0], b"".join(kept[1:])) if kept else (b"", b"")
            self._fonts.append(b'<%sfont><%sb/>%s<%scolor rgb="FF9C0006"/>%s</%sfont>' % (p, p, size, p, name, p))
        return self._font


def _of(relations: str) -> str:
    """The part that relations are of."""
    folder, _rels, own = relations.rpartition("_rels/")
    return folder + own.removesuffix(".rels")


# --- bytes ------------------------------------------------------------------------------------------------------------


def _without(tag: bytes, name: bytes) -> bytes:
    return re.sub(rb"\s" + name + rb"\s*=\s*(?:\"[^\"]*\"|'[^']*')", b"", tag)


def _set(tag: bytes, name: bytes, value: bytes) -> bytes:
    """Attributes of a tag with one of them set."""
    return _without(tag, name) + b" " + name + b'="' + value + b'"'


def _with(element: bytes, values: Mapping[bytes, int]) -> bytes:
    """An element with attributes of its first tag set."""
    found = re.match(rb"<([^\s<>/]+)([^<>]*?)(/?)>", element)
    if found is None:
        raise Unfit("styles")
    tag = found[2]
    for name, value in values.items():
        tag = _set(tag, name, str(value).encode())
    return b"<" + found[1] + tag + found[3] + b">" + element[found.end() :]


def _before_end(content: bytes, name: bytes, added: bytes) -> bytes:
    """With something added as the last of a root element."""
    at = content.rfind(b"</")
    if not added:
        return content
    if at < 0 or not content[at + 2 :].rstrip(b" \t\r\n>").endswith(name) or content[at + 2 :].startswith(b" ") or b":" in content[at:]:
        raise Unfit(name.decode())
    return content[:at] + added + content[at:]


def _relations(added: Sequence[bytes]) -> bytes:
    return (
        b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        + b"".join(added)
        + b"</Relationships>"
    )


def _without_links(workbook: bytes) -> bytes:
    """The workbook without its links to others, and without names that stand for such."""
    workbook = re.sub(rb"<((?:[^\s<>/:]+:)?externalReferences)\b[^<>]*>.*?</\1\s*>", b"", workbook, flags=re.DOTALL)
    return re.sub(
        rb"<((?:[^\s<>/:]+:)?definedName)\s[^<>]*>([^<]*)</\1\s*>", lambda found: b"" if re.search(rb"\[\d+\]", found[2]) else found[0], workbook
    )


def _with_column(head: bytes, prefix: bytes, place: int) -> bytes:
    """What stands before a sheet's rows, with a wide column more."""
    p, number = re.escape(prefix), place + 1
    ours = b'<%scol min="%d" max="%d" width="%d" customWidth="1"/>' % (prefix, number, number, _WIDTH)
    dimension = re.search(rb"(<" + p + rb"dimension\s[^<>]*?ref\s*=\s*[\"'][A-Z]+\d+:)([A-Z]+)(\d+)", head)
    if dimension is not None and (last := place_of(f"{dimension[2].decode()}1")) is not None and last[1] < place:
        head = head[: dimension.start(2)] + column_letter(place).encode() + head[dimension.end(2) :]
    section = re.search(rb"(<" + p + rb"cols(?:\s[^<>]*)?>)(.*?)(</" + p + rb"cols\s*>)", head, re.DOTALL)
    if section is None:
        return head + b"<%scols>%s</%scols>" % (prefix, ours, prefix)
    columns: list[tuple[int, bytes]] = [(number, ours)]
    for found in re.finditer(rb"<" + p + rb"col\s[^<>]*/>", section[2]):
        said = attributes(found[0])
        if not (said.get("min", "").isdigit() and said.get("max", "").isdigit()):
            raise Unfit("columns")
        first, last_ = int(said["min"]), int(said["max"])
        for start, stop in ((first, min(last_, number - 1)), (max(first, number + 1), last_)):
            if start <= stop:
                columns.append((start, _with(found[0], {b"min": start, b"max": stop})))
    return head[: section.end(1)] + b"".join(tag for _start, tag in sorted(columns)) + head[section.start(3) :]


def _behind_drawing(tail: bytes) -> int:
    """Where in what stands behind a sheet's rows the drawing of its notes is named."""
    depth = 0
    for found in _ANY_TAG.finditer(tail):
        if depth == 0 and (found[3] in _BEHIND or found[1]):
            return found.start()
        depth += -1 if found[1] else 0 if found[4] else 1
    raise Unfit("the end of a sheet")


def _comments(cells: Sequence[tuple[int, int, str]]) -> bytes:
    written = [
        b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<comments xmlns="' + _MAIN + b'"><authors><author>' + _AUTHOR.encode(),
        b"</author></authors><commentList>",
    ]
    for number, place, words in sorted(cells):
        cell, text = f"{column_letter(place)}{number}", html.escape(_CONTROL.sub("", words)[:_LONGEST_TEXT], quote=False)
        written.append(f'<comment ref="{cell}" authorId="0"><text><t xml:space="preserve">{text}</t></text></comment>'.encode())
    return b"".join((*written, b"</commentList></comments>"))


def _drawing(cells: Sequence[tuple[int, int, str]]) -> bytes:
    """Without its drawing a note is not shown; in the only language Excel takes it in."""
    written = [
        '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
        ' xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="1"/></o:shapelayout>'
        '<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>'
        '<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
    ]
    for count, (number, place, _words) in enumerate(sorted(cells), 1025):
        top = max(number - 2, 0)
        written.append(
            f'<v:shape id="_x0000_s{count}" type="#_x0000_t202" style="position:absolute;width:240pt;height:60pt;z-index:1;visibility:hidden"'
            ' fillcolor="#ffffe1" o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/>'
            '<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"><div style="text-align:left"></div></v:textbox>'
            f'<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/><x:Anchor>{place + 1}, 15, {top}, 10, {place + 4}, 15, {top + 4}, 4'
            f"</x:Anchor><x:AutoFill>False</x:AutoFill><x:Row>{number - 1}</x:Row><x:Column>{place}</x:Column></x:ClientData></v:shape>"
        )
    return "".join((*written, "</xml>")).encode()
