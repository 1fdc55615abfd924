"""A broken, huge, protected, macro, renamed or hostile file is refused in plain words; what can be read is read and the rest is told."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from fangfanpin.records.models import ImportBatch, Record
from fangfanpin.records.roster.lane import Lane
from fangfanpin.records.workbooks import reader
from tests.records.rosters import Roster
from tests.records.test_roster import counts, county, drawn, messages, take, village
from tests.records.test_roster_lane import lanes

__all__ = ["county", "drawn", "lanes", "take", "village"]
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


_UNSOLVED = b"<f>40000+1</f><v />"


def _patched(path: Path, part: str, old: bytes, new: bytes) -> Path:
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    assert old in parts[part], parts[part][:2000]
    parts[part] = parts[part].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return path


def _with_formulas(drawn: Roster, path: Path, *formulas: tuple[int, str, str]) -> Path:
    """Formulas without results, as a program writes them that does not count."""
    book, sheet = _book(drawn)
    headers = [cell.value for cell in sheet[1]]
    for row, column, formula in formulas:
        sheet.cell(row, headers.index(column) + 1).value = formula
    book.save(path)
    return path


def test_a_formula_is_its_last_value_and_told(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    path = _with_formulas(drawn, tmp_path / "formula.xlsx", (5, "工资性收入", "=40000+1"))
    _patched(path, "xl/worksheets/sheet1.xml", _UNSOLVED, b"<f>40000+1</f><v>40001</v>")
    batch = take(path)
    assert batch.state == "applied", messages(batch)
    assert any("公式" in note for note in batch.summary["notes"])
    assert Record.objects.get(form="household_year", year=2020, household__code="NEW0002").values["wage_income"] == 4000100


@pytest.mark.parametrize(
    ("cell", "is_fault"),
    [
        (b"<f>40000+1</f><v/>", True),
        (b"<f>40000+1</f><v></v>", True),
        (b"<f>40000+1</f>", True),
        (b'<f t="shared" si="0"/>', True),
        (b"<f>40000+1</f><v>0</v>", True),  # with the mark that everything is yet to be counted
        (b"<f>40000+1</f><v>5</v>", False),
        (b"<f>1/0</f><v>#DIV/0!</v>", True),
        (b"<v>#N/A</v>", True),
    ],
)
def test_a_formula_without_a_result_is_no_empty_cell(
    drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path, cell: bytes, is_fault: bool
) -> None:
    path = _with_formulas(drawn, tmp_path / "formula.xlsx", (5, "工资性收入", "=40000+1"))
    _patched(path, "xl/worksheets/sheet1.xml", _UNSOLVED, cell)
    if b"<v>0" in cell:
        assert b"fullCalcOnLoad" in zipfile.ZipFile(path).read("xl/workbook.xml")
    if b"#" in cell:
        sheet = "xl/worksheets/sheet1.xml"
        with zipfile.ZipFile(path) as book:
            before = book.read(sheet)
        start = before.rindex(b"<c ", 0, before.index(cell))
        _patched(path, sheet, before[start : before.index(cell)], before[start : before.index(cell)].replace(b">", b' t="e">'))
    batch = take(path, apply=False)
    assert (batch.state == "faulty") is is_fault, messages(batch)
    said = "单元格是错误值，请在 Excel 里改正公式或内容后再上传" if b"#" in cell else "公式没有结果，请在 Excel 里打开文件、保存后再上传"
    shown = "#DIV/0!" if b"DIV" in cell else "#N/A" if b"#" in cell else "=40000+1" if b"40000" in cell else "="
    assert messages(batch) == ([f"Sheet!5:工资性收入={shown} {said}"] if is_fault else [])


def test_formulas_without_results_in_a_whole_row_and_where_something_must_stand(
    drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path
) -> None:
    book, sheet = _book(drawn)
    for column in range(1, sheet.max_column + 1):
        sheet.cell(sheet.max_row if column > 1 else sheet.max_row + 1, column).value = "=A1"
    headers = [cell.value for cell in sheet[1]]
    sheet.cell(3, headers.index("姓名") + 1).value = "=A2"
    book.save(tmp_path / "row.xlsx")
    batch = take(tmp_path / "row.xlsx", apply=False)
    assert all(fault["message"].startswith("公式没有结果") for fault in batch.faults), messages(batch)
    assert {fault["row"] for fault in batch.faults} == {3, 6} and len(batch.faults) == len(headers) + 1


@pytest.mark.parametrize("block", [1, 7, 50, 1000])
def test_a_formula_is_seen_wherever_a_block_ends(drawn: Roster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    path = _with_formulas(drawn, tmp_path / "formula.xlsx", (2, "民族", "=A1"), (5, "工资性收入", "=40000+1"), (4, "民族", '="男"'))
    _patched(path, "xl/worksheets/sheet1.xml", _UNSOLVED, b"<f>40000+1</f><v>40001</v>")
    usual = reader._formulas(str(path))
    assert [(row, formula) for _sheet, row, _place, formula in usual[1]] == [(1, "=A1"), (3, '="男"')]
    monkeypatch.setattr(reader, "BLOCK", block)
    assert reader._formulas(str(path)) == usual
    with zipfile.ZipFile(path) as book:
        sheet = book.read("xl/worksheets/sheet1.xml")
    _patched(path, "xl/worksheets/sheet1.xml", sheet, re.sub(rb"<(/?)([A-Za-z])", rb"<\1x:\2", sheet).replace(b"xmlns=", b"xmlns:x="))
    assert reader._formulas(str(path)) == usual, "with a prefix"


def test_formulas_without_results_leave_the_lane(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path, lanes: list[Lane]) -> None:
    path = _with_formulas(drawn, tmp_path / "formula.xlsx", (2, "民族", "=A1"))
    before = counts()
    batch = take(path)
    assert batch.state == "faulty" and "公式没有结果" in messages(batch)[0] and not lanes[0].is_open
    assert counts() == before


def test_too_many_formulas_without_results_are_refused(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    book, sheet = _book(drawn)
    for row in range(2, 600):
        for column in range(100, 200):
            sheet.cell(row, column).value = "=1"
    book.save(tmp_path / "many.xlsx")
    batch = take(tmp_path / "many.xlsx")
    assert "公式没有结果" in batch.summary["refused"]


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
