"""Read a pack's plain files, with line numbers, and recognise what Excel does to them."""

import csv
import io
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fangfanpin.pack.faults import PackFault

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

    def fault(self, file: str, line: int, zh: str, en: str, column: int = 0) -> None:
        self.faults.append(PackFault(file, line, zh, en, column))

    def text(self, path: Path) -> str | None:
        name = str(path.relative_to(self.root))
        raw = path.read_bytes()
        if raw.startswith(b"\xef\xbb\xbf"):
            raw = raw[3:]  # a BOM does no harm
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            try:
                raw.decode("gb18030")
            except UnicodeDecodeError:
                self.fault(name, line, "文件不是 UTF-8 文本，可能已损坏", "not UTF-8 text")
            else:
                self.fault(
                    name, line, "文件被 Excel 存成了 GB18030 编码，请另存为“CSV UTF-8（逗号分隔）”", "saved by Excel as GB18030, save as CSV UTF-8"
                )
            return None

    def table(self, path: Path, columns: Sequence[str]) -> list[Row]:
        """Rows of a CSV with at least these columns; codes that Excel damaged are named as such."""
        if not path.exists():
            return []
        text = self.text(path)
        if text is None:
            return []
        name = str(path.relative_to(self.root))
        reader = csv.reader(io.StringIO(text, newline=""))
        header = next(reader, [])
        missing = [column for column in columns if column not in header]
        if missing:
            self.fault(name, 1, f"缺少列：{'、'.join(missing)}", f"missing columns: {', '.join(missing)}")
            return []
        rows: list[Row] = []
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            line = reader.line_num
            if len(cells) > len(header):
                self.fault(name, line, f"这一行有 {len(cells)} 格，表头只有 {len(header)} 格", "more cells than the header")
                continue
            row = Row(name, line, dict(zip(header, (cell.strip() for cell in cells), strict=False)))
            for column in ("code", "list", "name", "form"):
                value = row[column]
                if column in header and re.fullmatch(r"\d(\.\d+)?E\+\d+", value):
                    self.fault(name, line, f"“{value}”被 Excel 变成了科学计数，请恢复原来的代码", "scientific notation made by Excel")
                elif column == "code" and _DATE_LIKE.fullmatch(value):
                    self.fault(name, line, f"“{value}”被 Excel 变成了日期，请恢复原来的代码", "a code made a date by Excel")
            rows.append(row)
        return rows

    def toml(self, path: Path) -> dict[str, Any]:
        if not path.exists():
            return {}
        text = self.text(path)
        if text is None:
            return {}
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            match = re.search(r"line (\d+), column (\d+)", str(error))
            line, column = (int(match.group(1)), int(match.group(2))) if match else (1, 0)
            self.fault(str(path.relative_to(self.root)), line, "写法不对，请检查引号和等号", str(error), column)
            return {}

    def line_of(self, path: Path, *needles: str) -> int:
        """Line of the first occurrence of the last needle after the earlier ones, for messages about TOML."""
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        place = 0
        for needle in needles:
            found = text.find(needle, place)
            if found < 0:
                break
            place = found
        return text.count("\n", 0, place) + 1
