"""What kind of file was handed in, may it be opened, and its cells as a stream.

The content decides, never the name. Nothing of a file is executed: macros are left where they are, formulas are read as the value
last shown, and one that shows none yet is told. Opening happens in a process of its own (reader.py).
"""

import marshal
import queue
import re
import subprocess
import sys
import threading
import zipfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from fangfanpin.records.workbooks.reader import MAX_ROWS

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MAX_UNPACKED = 1 << 30
_MAX_MEMBERS = 5000
_BIG_MEMBER = 10 << 20
_MAX_RATIO = 200  # a roster's sheet packs 10 to 40 times
_WAITING = 32  # frames read ahead
CHUNK = 4000  # rows in a frame
_SUFFIXES = {"xlsx": {".xlsx", ".xlsm"}, "xls": {".xls"}, "csv": {".csv", ".txt"}}


class FileRefused(Exception):
    """The file as a whole cannot be read; the message (Chinese) says why and what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """`kind`: xlsx, xls or csv; `notes`: what the person should know of how it was read."""

    path: Path
    kind: str
    encoding: str
    notes: tuple[str, ...]
    date1904: bool = False


@dataclass(slots=True)
class SheetStart:
    """`merged`: rows touched by merged cells, whose value was written into each."""

    name: str
    hidden: bool
    height: int
    width: int
    merged: int


@dataclass(slots=True)
class Rows:
    """Some rows of the sheet at hand, as columns: values not seen before, and for each row the number of its value."""

    columns: list[tuple[list[Any], "array[int]"]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Unsolved:
    """A cell that holds no value and is not empty: a formula without a result (`words` begin with =), or an error (#N/A). `row` and `place`
    from 0."""

    row: int
    place: int
    words: str


@dataclass(frozen=True, slots=True)
class Formulas:
    """Said once, after the last sheet. `any`: the workbook holds some; `unsolved`: by sheet, the cells without a value."""

    any: bool
    unsolved: dict[str, list[Unsolved]]


def sniff(path: Path, name: str) -> Source:
    """Look at the bytes. Raises FileRefused for what is no workbook: too big, packed beyond reason, protected, another format."""
    size = path.stat().st_size
    if size == 0:
        raise FileRefused(_("文件是空的，请重新导出后再上传。"))
    if size > settings.UPLOAD_LIMIT_BYTES:
        raise FileRefused(_("文件超过 %(limit)d MB，请按乡镇分成几个文件。") % {"limit": settings.UPLOAD_LIMIT_BYTES >> 20})
    with path.open("rb") as file:
        head = file.read(4096)
    notes: list[str] = []
    date1904 = False
    if head.startswith(_ZIP):
        kind, encoding = "xlsx", ""
        date1904 = _check_zip(path, notes)
    elif head.startswith(_OLE):
        kind, encoding = "xls", ""
        _check_ole(path, notes)
    else:
        kind = "csv"
        encoding = _check_text(path, head)
    suffix = Path(name).suffix.lower()
    if suffix and suffix not in _SUFFIXES[kind]:
        notes.append(_("文件名是 %(suffix)s，内容其实是 %(kind)s，已按内容读取。") % {"suffix": suffix, "kind": kind})
    return Source(path, kind, encoding, tuple(notes), date1904)


def _check_zip(path: Path, notes: list[str]) -> bool:
    """Refuse before anything is unpacked; True where the workbook counts days from 1904."""
    try:
        with zipfile.ZipFile(path) as book:
            members = book.infolist()
            names = {member.filename for member in members}
            if len(members) > _MAX_MEMBERS or sum(member.file_size for member in members) > _MAX_UNPACKED:
                raise FileRefused(_("文件解压后太大，不像要导入的表，没有打开。请只保留要导入的表，另存后再上传。"))
            if any(m.file_size > _BIG_MEMBER and m.file_size > _MAX_RATIO * max(m.compress_size, 1) for m in members):
                raise FileRefused(_("文件压缩得不正常（可能是恶意文件），没有打开。请在 Excel 里把要导入的表复制到新文件后再上传。"))
            if any(member.flag_bits & 1 for member in members):
                raise FileRefused(_("文件有密码。请在 Excel 里取消密码，另存后再上传。"))
            if "xl/workbook.bin" in names:
                raise FileRefused(_("这是 xlsb 格式，请在 Excel 里另存为 xlsx 后再上传。"))
            if "xl/workbook.xml" not in names:
                raise FileRefused(_("这不是 Excel 文件（可能是压缩包、Word 或 WPS 其他文件改了名），请上传 xlsx、xls 或 csv。"))
            if any(name.endswith("vbaProject.bin") for name in names):
                notes.append(_("文件里有宏，宏没有运行，只读取了单元格的内容。"))
            with book.open("xl/workbook.xml") as part:
                return re.search(rb'date1904\s*=\s*"(1|true)"', part.read(1 << 20)) is not None
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
        raise FileRefused(_("文件已损坏，打不开。请在 Excel 里打开检查，另存后再上传。")) from None


def _check_ole(path: Path, notes: list[str]) -> None:
    content = path.read_bytes()
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise FileRefused(_("文件有密码。请在 Excel 里取消密码，另存后再上传。"))
    if not any(name.encode("utf-16-le") in content for name in ("Workbook", "Book")):
        raise FileRefused(_("这不是 Excel 文件（可能是 Word 或其他文件改了名），请上传 xlsx、xls 或 csv。"))
    if "_VBA_PROJECT".encode("utf-16-le") in content:
        notes.append(_("文件里有宏，宏没有运行，只读取了单元格的内容。"))


def _check_text(path: Path, head: bytes) -> str:
    """The encoding of a CSV; refuses what is no text."""
    start = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if start.startswith((b"<html", b"<!doctype", b"<table", b"<?xml")):
        raise FileRefused(_("这是网页格式的表格（有的系统导出的 xls 其实是网页）。请用 Excel 打开，另存为 xlsx 后再上传。"))
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings: tuple[str, ...] = ("utf-16",)
    elif b"\0" in head or head.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8", b"Rar!", b"7z\xbc")):
        raise FileRefused(_("这不是表格文件，请上传 xlsx、xls 或 csv。"))
    else:
        encodings = ("utf-8-sig", "gb18030")
    content = path.read_bytes()
    for encoding in encodings:
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise FileRefused(_("看不懂文件的文字编码。请在 Excel 里另存为“CSV UTF-8”或 xlsx 后再上传。"))


class _Reader:
    """One reading process and the thread that takes its frames as they come."""

    def __init__(self, source: Source, part: int, parts: int) -> None:
        words = (source.path, source.kind, source.encoding, part, parts, CHUNK)
        command = [sys.executable, "-m", "fangfanpin.records.workbooks.reader", *map(str, words)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        self._frames: queue.Queue[tuple[Any, ...]] = queue.Queue(_WAITING)
        self._stopped = threading.Event()
        self._drainer = threading.Thread(target=self._drain, daemon=True)
        self._drainer.start()

    def next(self) -> tuple[Any, ...]:
        """The next frame; after ("end",) again that."""
        frame = self._frames.get()
        if frame[0] == "refused":
            raise FileRefused(_why(frame[1], frame[2]))
        if frame[0] == "end":
            self._put(frame)
        return frame

    def stop(self) -> None:
        self._stopped.set()
        self._process.kill()
        self._process.wait()
        self._drainer.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _put(self, frame: tuple[Any, ...]) -> None:
        while not self._stopped.is_set():
            try:
                self._frames.put(frame, timeout=1)
                return
            except queue.Full:
                continue

    def _drain(self) -> None:
        assert self._process.stdout is not None
        try:
            while not self._stopped.is_set():
                frame = marshal.load(self._process.stdout)
                self._put(frame)
                if frame[0] in ("end", "refused"):
                    return
        except (EOFError, ValueError, TypeError):
            killed = self._process.wait() in (-6, -9, -11, -24)
            self._put(("refused", "memory" if killed else "broken", ""))


def read(source: Source) -> Iterator[SheetStart | Rows | Formulas]:
    """The cells, sheet after sheet, while two processes read on, each every second sheet. Raises FileRefused."""
    parts = 1 if source.kind == "csv" else 2
    readers: list[_Reader] = []
    try:
        readers += [_Reader(source, part, parts) for part in range(parts)]
        place = 0
        frame: tuple[Any, ...] = ("",)
        while frame[0] != "end":
            while (frame := readers[place % parts].next())[0] not in ("done", "end"):
                match frame[0]:
                    case "sheet":
                        yield SheetStart(*frame[1:])
                    case "rows":
                        yield Rows([(fresh, array("I", codes)) for fresh, codes in frame[1]])
                    case "formulas":
                        yield _formulas(*frame[1:])
            place += 1
        # Sheets are dealt out in turn: where one has no more, nobody has, but the first may still have something to say.
        for reader in readers:
            while (rest := reader.next())[0] != "end":
                if rest[0] == "formulas":
                    yield _formulas(*rest[1:])
    finally:
        for reader in readers:
            reader.stop()


def _formulas(has_any: bool, cells: list[tuple[str, int, int, str]]) -> Formulas:
    found: dict[str, list[Unsolved]] = {}
    for sheet, row, place, words in cells:
        found.setdefault(sheet, []).append(Unsolved(row, place, words))
    return Formulas(has_any, found)


def _why(reason: str, detail: str) -> str:
    sheet, _colon, count = detail.rpartition(":")
    match reason:
        case "password":
            return _("文件有密码。请在 Excel 里取消密码，另存后再上传。")
        case "rows":
            return _("表“%(sheet)s”有 %(count)s 行，超过 %(limit)d 行。请按乡镇分成几个文件；如果后面是空行，请删除后另存。") % {
                "sheet": sheet,
                "count": count,
                "limit": MAX_ROWS,
            }
        case "columns":
            return _("表“%(sheet)s”有 %(count)s 列，不像要导入的表。请删去右边多余的列后另存。") % {"sheet": sheet, "count": count}
        case "formulas":
            return _("表“%(sheet)s”里的公式没有结果（文件是别的程序写的，没有算过）。请在 Excel 里打开、保存后再上传。") % {"sheet": detail}
        case "merged":
            return _("表“%(sheet)s”合并的单元格太多。请取消合并后另存。") % {"sheet": detail}
        case "memory":
            return _("文件太大或单元格散得太开，没有读完。请把要导入的表复制到新文件（只留有内容的行列）后再上传。")
        case "entities":
            return _("文件里有不该出现的内容（可能是恶意文件），没有打开。请在 Excel 里把要导入的表复制到新文件后再上传。")
        case _:
            return _("文件已损坏，打不开。请在 Excel 里打开检查，另存后再上传。")
