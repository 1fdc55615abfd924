"""A broken, huge, protected, macro, renamed or hostile file is refused in plain words; what can be read is read and the rest is told."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from fangfanpin.records.models import ImportBatch
from tests.records.rosters import Roster
from tests.records.test_roster import county, drawn, messages, take, village, worker

__all__ = ["county", "drawn", "take", "village", "worker"]
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def written(content: bytes, path: Path) -> Path:
    path.write_bytes(content)
    return path


def bomb(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
        book.writestr("xl/worksheets/sheet1.xml", b"0" * (64 << 20))
    return path


def huge(path: Path) -> Path:
    """Declares more than may be unpacked without being it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
        for part in range(6000):
            book.writestr(f"xl/worksheets/sheet{part}.xml", b"")
    return path


def entities(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/workbook.xml", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><workbook>&a;</workbook>')
    return path


def scattered(path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet["A1"], sheet["XFD1048576"] = "户编号", "x"
    book.save(path)
    return path


def encrypted(path: Path) -> Path:
    return written(OLE + bytes(500) + "EncryptedPackage".encode("utf-16-le") + bytes(500), path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: written(b"", path), "空的"),
        (lambda path: written(b"PK\x03\x04" + bytes(100), path), "已损坏"),
        (bomb, "恶意"),
        (huge, "太大"),
        (entities, "恶意"),
        (scattered, "散得太开"),
        (encrypted, "密码"),
        (lambda path: written(OLE + bytes(2000), path), "不是 Excel"),
        (lambda path: written(OLE + bytes(500) + "Workbook".encode("utf-16-le") + bytes(2000), path), "已损坏"),
        (lambda path: written(b"%PDF-1.7 ...", path), "不是表格"),
        (lambda path: written("<html><table><tr><td>户编号</td></tr></table></html>".encode(), path), "网页"),
        (lambda path: written(b"\x81\xff\xfe\xfd" * 20, path), "编码"),
        (lambda path: written("甲,乙,丙\n1,2,3\n".encode(), path), "没有找到花名册"),
    ],
)
def test_a_file_that_is_no_roster_is_refused(take: Callable[..., ImportBatch], tmp_path: Path, make: Callable[[Path], Path], said: str) -> None:
    batch = take(make(tmp_path / "roster.xlsx"))
    assert batch.state == "faulty" and said in batch.summary["refused"], batch.summary
    assert batch.marked_file is None


def test_a_file_too_long_is_refused(take: Callable[..., ImportBatch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "long.csv"
    path.write_text("户编号,村代码\n" + "1,2\n" * 300_001, encoding="utf-8")
    assert "300000 行" in take(path).summary["refused"]
    monkeypatch.setattr("django.conf.settings.UPLOAD_LIMIT_BYTES", 1 << 20)
    assert "1 MB" in take(path).summary["refused"]


def test_the_content_decides_and_not_the_name(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    batch = take(drawn.write(tmp_path / "x.xlsx"), name="花名册.csv")
    assert batch.state == "applied" and any(".csv" in note for note in batch.summary["notes"])


def test_a_macro_is_left_alone(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    path = drawn.write(tmp_path / "x.xlsm")
    with zipfile.ZipFile(path, "a") as book:
        book.writestr("xl/vbaProject.bin", b"x" * 100)
    batch = take(path)
    assert batch.state == "applied" and any("宏没有运行" in note for note in batch.summary["notes"])


def _book(drawn: Roster) -> tuple[openpyxl.Workbook, Worksheet]:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in drawn.table(drawn.merged()):
        sheet.append([cell if cell != "" else None for cell in row])
    return book, sheet


def test_merged_cells_count_for_every_row_they_cover(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    book, sheet = _book(drawn)
    for column in range(1, sheet.max_column + 1):
        if str(sheet.cell(1, column).value) in drawn.homes[0]:
            sheet.merge_cells(start_row=2, end_row=4, start_column=column, end_column=column)
    book.save(tmp_path / "merged.xlsx")
    batch = take(tmp_path / "merged.xlsx")
    assert batch.state == "applied", messages(batch)
    assert batch.summary["persons"] == 4 and any("合并的单元格" in note for note in batch.summary["notes"])


def test_a_formula_is_its_last_value_and_told(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    book, sheet = _book(drawn)
    headers = [cell.value for cell in sheet[1]]
    sheet.cell(2, headers.index("工资性收入") + 1).value = "=1+1"
    book.save(tmp_path / "formula.xlsx")
    batch = take(tmp_path / "formula.xlsx", apply=False)
    assert any("公式" in note for note in batch.summary["notes"])


def test_hidden_sheets_and_blank_rows_are_passed_over(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    book, sheet = _book(drawn)
    sheet.insert_rows(3)
    hidden = book.create_sheet("旧表")
    hidden.sheet_state = "hidden"
    hidden.append(["户编号", "姓名", "与户主关系"])
    book.save(tmp_path / "hidden.xlsx")
    batch = take(tmp_path / "hidden.xlsx")
    assert batch.state == "applied", messages(batch)
    assert any("旧表" in note for note in batch.summary["notes"])


def test_days_counted_from_1904(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    drawn.people[0]["出生日期"] = 25569.0 - 1462
    path = drawn.write(tmp_path / "mac.xlsx")
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b"<workbookPr", b'<workbookPr date1904="1"')
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    assert take(path, apply=False).state == "checked"
