"""Read a pack's plain files, with line numbers, and recognise what Excel does to them."""

import csv
import io
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fangfanpin.pack.faults import PackFault

_SCIENTIFIC = re.compile(r"\d(\.\d+)?E\+\d+")
_EXCEL_ERROR = re.compile(r"#(REF!|NAME\?|VALUE!|N/A|DIV/0!|NUM!|NULL!|#+)")
_CODE_COLUMNS = frozenset({"code", "list", "name", "form", "word", "national_id"})
_DATE_LIKE = re.compile(r"\d{4}/\d{1,2}/\d{1,2}|\d{1,2}-[A-Z][a-z]{2}|\d{1,2}月\d{1,2}日")


@dataclass(slots=True)
class Row:
    """One CSV row with its place."""

    file: str
    line: int
    cells: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")


@dataclass(slots=True)
class Reader:
    """Collects faults while it reads; `root` is the packs' folder, so that messages name `national-2021/lists.csv`."""

    root: Path
    faults: list[PackFault] = field(default_factory=list)
    unreadable: bool = False  # a file could not be read at all: what refers to it is not told too
    _tables: dict[Path, list[Row]] = field(default_factory=dict)
    _tomls: dict[Path, dict[str, Any]] = field(default_factory=dict)

    def fault(self, file: str, line: int, zh: str, en: str, column: int = 0) -> None:
        self.faults.append(PackFault(file, line, zh, en, column))

    def broken(self, file: str, line: int, zh: str, en: str, column: int = 0) -> None:
        """A fault that leaves nothing of the file to look at."""
        self.unreadable = True
        self.fault(file, line, zh, en, column)

    def name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def text(self, path: Path) -> str | None:
        name, raw = self.name(path), path.read_bytes()
        if raw.startswith(b"PK\x03\x04"):
            self.broken(name, 1, "这是 Excel 工作簿，只是改了后缀，请另存为“CSV UTF-8（逗号分隔）”", "an Excel workbook under another name")
            return None
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            self.broken(name, 1, "文件被存成了 UTF-16（Unicode 文本），请另存为“CSV UTF-8（逗号分隔）”", "saved as UTF-16, save as CSV UTF-8")
            return None
        raw = raw.removeprefix(b"\xef\xbb\xbf")  # a BOM does no harm
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            try:
                raw.decode("gb18030")
            except UnicodeDecodeError:
                self.broken(name, line, "文件不是 UTF-8 文本，可能已损坏", "not UTF-8 text")
            else:
                self.broken(
                    name, line, "文件被 Excel 存成了 GB18030 编码，请另存为“CSV UTF-8（逗号分隔）”", "saved by Excel as GB18030, save as CSV UTF-8"
                )
            return None

    def table(self, path: Path, columns: Sequence[str]) -> list[Row]:
        """Rows of a CSV with at least these columns; codes that Excel damaged are named as such. Read once."""
        if path not in self._tables:
            self._tables[path] = self._table(path, columns) if path.exists() else []
        return self._tables[path]

    def _table(self, path: Path, columns: Sequence[str]) -> list[Row]:
        text = self.text(path)
        if text is None:
            return []
        name = self.name(path)
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            header = [cell.strip() for cell in next(reader, [])]
            if not self._header(name, header, columns):
                return []
            rows: list[Row] = []
            line = reader.line_num + 1
            for cells in reader:
                start, line = line, reader.line_num + 1
                while len(cells) > len(header) and not cells[-1].strip():
                    cells.pop()  # Excel leaves empty columns on the right
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) > len(header):
                    self.fault(name, start, f"这一行有 {len(cells)} 格，表头只有 {len(header)} 格", "more cells than the header")
                    continue
                row = Row(name, start, dict(zip(header, (cell.strip() for cell in cells), strict=False)))
                self._damage(row, header)
                rows.append(row)
        except csv.Error as error:
            self.broken(name, reader.line_num, "CSV 的引号不成对", f"bad CSV: {error}")
            return []
        return rows

    def _header(self, name: str, header: list[str], columns: Sequence[str]) -> bool:
        missing = [column for column in columns if column not in header]
        doubled = sorted({column for column in header if column and header.count(column) > 1})
        if len(header) == 1 and missing and (";" in header[0] or "\t" in header[0]):
            self.broken(name, 1, "文件不是用逗号分隔的，请另存为“CSV UTF-8（逗号分隔）”", "not separated by commas")
        elif missing:
            self.broken(name, 1, f"缺少列：{'、'.join(missing)}", f"missing columns: {', '.join(missing)}")
        elif doubled:
            self.broken(name, 1, f"列名重复：{'、'.join(doubled)}", f"columns given twice: {', '.join(doubled)}")
        return not missing and not doubled

    def _damage(self, row: Row, header: Sequence[str]) -> None:
        """What Excel does to cells that look like something else to it."""
        for column in header:
            value = row[column]
            if _EXCEL_ERROR.fullmatch(value):
                self.fault(row.file, row.line, f"“{column}”里是 Excel 的错误“{value}”，请恢复原来的内容", f"an Excel error in {column}")
            elif column in _CODE_COLUMNS and _SCIENTIFIC.fullmatch(value):
                self.fault(row.file, row.line, f"“{value}”被 Excel 变成了科学计数，请恢复原来的代码", "scientific notation made by Excel")
            elif column == "code" and _DATE_LIKE.fullmatch(value):
                self.fault(row.file, row.line, f"“{value}”被 Excel 变成了日期，请恢复原来的代码", "a code made a date by Excel")

    def toml(self, path: Path) -> dict[str, Any]:
        """A TOML file as it is, {} where there is none. Read once."""
        if path not in self._tomls:
            self._tomls[path] = self._toml(path) if path.exists() else {}
        return self._tomls[path]

    def _toml(self, path: Path) -> dict[str, Any]:
        text = self.text(path)
        if text is None:
            return {}
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            match = re.search(r"line (\d+), column (\d+)", str(error))
            line, column = (int(match.group(1)), int(match.group(2))) if match else (text.count("\n") + 1, 0)
            again = "Cannot declare" in str(error) or "Cannot overwrite" in str(error)
            zh = "同一个名称写了两次" if again else "写法不对，请检查引号、括号和等号"
            self.broken(self.name(path), line, zh, str(error), column)
            return {}

    def line_of(self, path: Path, *needles: str) -> int:
        """Line of the last needle after the earlier ones, for messages about TOML; a needle given twice is looked for twice."""
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        place, before = 0, ""
        for needle in needles:
            found = text.find(needle, place + 1 if needle == before else place)
            if found < 0:
                break
            place, before = found, needle
        return text.count("\n", 0, place) + 1


def write_sources(sources: Mapping[str, str], root: Path) -> None:
    """Files of packs, by path relative to the packs' folder, under another root, byte for byte."""
    for name, text in sources.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
