"""A faulty file comes back as it was, with the faulty cells red and what to do at the cell and beside its row; nothing in it runs."""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.parsers import expat

import openpyxl
import pytest
import xlsxwriter
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineWorkbook

from fangfanpin.files.services import path_of
from fangfanpin.records.models import ImportBatch
from fangfanpin.records.workbooks import editing
from fangfanpin.records.workbooks.parts import Unfit
from tests.records.rosters import Cell, Roster
from tests.records.test_roster import county, drawn, messages, take, village

__all__ = ["county", "drawn", "take", "village"]
RED = "FFFFC7CF"
LOOKS = ("fill", "font", "number_format", "border", "alignment", "protection")
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def marked(batch: ImportBatch) -> Path:
    assert batch.state == "faulty" and batch.marked_file is not None, messages(batch)
    path = path_of(batch.marked_file)
    with zipfile.ZipFile(path) as book:
        assert book.testzip() is None and len(set(book.namelist())) == len(book.namelist())
        for name in book.namelist():
            if name.endswith((".xml", ".rels", ".vml")):
                expat.ParserCreate().Parse(book.read(name), True)
    with path.open("rb") as file:
        CalamineWorkbook.from_filelike(file).get_sheet_by_index(0).to_python()
    return path


def sheets(path: Path) -> dict[str, Worksheet]:
    with path.open("rb") as file:
        return {sheet.title: sheet for sheet in openpyxl.load_workbook(file).worksheets}


def at(sheet: Worksheet, header: str, row: int, *, header_row: int = 1) -> openpyxl.cell.cell.Cell:
    column = [cell.value for cell in sheet[header_row]].index(header) + 1
    cell = sheet.cell(row, column)
    assert isinstance(cell, openpyxl.cell.cell.Cell)
    return cell


def lively(drawn: Roster, path: Path) -> Path:
    """As counties make theirs: a title, colours, formats, a picture, a chart, notes, lists to choose from."""
    book = xlsxwriter.Workbook(str(path))
    home, people = book.add_worksheet("户"), book.add_worksheet("成员")
    title = book.add_format({"bold": True, "font_size": 20, "align": "center"})
    money = book.add_format({"num_format": "#,##0.00", "bg_color": "#DDEBF7", "border": 1, "font_name": "仿宋"})
    home.merge_range(0, 0, 0, 8, "2021 年花名册", title)
    headers = list(drawn.homes[0])
    table: list[list[Cell]] = [[*headers], *([home_row.get(header, "") for header in headers] for home_row in drawn.homes)]
    for row, cells in enumerate(table, start=1):
        for column, cell in enumerate(cells):
            if cell != "":
                home.write_string(row, column, str(cell), money if row > 1 else None)
            elif column % 2:
                home.write_blank(row, column, None, money)
    home.set_column(0, 3, 17)
    home.set_column(4, 60, 9, money)
    home.set_row(2, 33)
    home.freeze_panes(2, 1)
    home.autofilter(1, 0, 3, len(headers) - 1)
    home.data_validation(2, 4, 10, 4, {"validate": "list", "source": ["脱贫户", "监测对象"]})
    home.conditional_format(2, 7, 10, 7, {"type": "cell", "criteria": ">", "value": 3, "format": title})
    home.insert_image(6, 1, "x.png", {"image_data": io.BytesIO(PIXEL)})
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": "=户!$H$3:$H$4"})
    home.insert_chart(8, 1, chart)
    home.write_formula(20, 30, "=1+1", None, 2)
    people.write_url(1, 30, "https://example.org/", None, "说明")
    people.write_comment(0, 0, "原有的批注", {"author": "老王"})
    headers = list(drawn.people[0])
    people.write_row(0, 0, headers)
    for row, person in enumerate(drawn.people, start=1):
        people.write_row(row, 0, [person.get(header, "") for header in headers])
    book.define_name("合计", "=户!$H$3")
    book.close()
    return path


def rows_of(path: Path, part: str) -> dict[int, bytes]:
    with zipfile.ZipFile(path) as book:
        return {int(found[1]): found[0] for found in re.finditer(rb'<row r="(\d+)".*?</row>', book.read(part), re.DOTALL)}


def test_the_file_is_what_it_was_but_for_the_marks(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    drawn.homes[0]["工资性收入"] = "三万"
    drawn.homes[0]["监测对象类别"] = ""
    drawn.homes[1]["是否解决安全饮用水"] = "大概"
    path = lively(drawn, tmp_path / "lively.xlsx")
    back = marked(take(path))
    before, after = sheets(path), sheets(back)
    home, was = after["户"], before["户"]
    wage = at(home, "工资性收入", 3, header_row=2)
    assert wage.value == "三万" and wage.fill.start_color.rgb == RED and wage.comment is not None and "不是数字" in wage.comment.text
    assert (wage.number_format, wage.font.name, wage.border.left.style) == ("#,##0.00", "仿宋", "thin")
    told = at(home, "需要改正", 3, header_row=2)
    assert told.column == was.max_column + 1
    assert "工资性收入：“三万”不是数字" in str(told.value) and told.font.color.rgb == "FF9C0006"
    assert "大概" in str(home.cell(4, told.column).value)
    for row in was.iter_rows(max_col=told.column - 1):
        for cell in row:
            new = home[cell.coordinate]
            assert new.value == cell.value or cell.value == "=1+1"
            if new.fill.start_color.rgb != RED:
                assert [repr(getattr(new, what)) for what in LOOKS] == [repr(getattr(cell, what)) for what in LOOKS]
    assert sum(cell.fill.start_color.rgb == RED for row in home.iter_rows() for cell in row) == 3
    assert str(home.merged_cells) == str(was.merged_cells) and home.freeze_panes == was.freeze_panes and home.auto_filter.ref == was.auto_filter.ref
    assert len(home.data_validations.dataValidation) == 1 and len(home.conditional_formatting) == 1 and home.row_dimensions[3].height == 33
    assert [round(home.column_dimensions[letter].width) for letter in "AE"] == [round(was.column_dimensions[letter].width) for letter in "AE"]
    with zipfile.ZipFile(path) as book, zipfile.ZipFile(back) as made:
        assert made.read("xl/worksheets/sheet2.xml") == book.read("xl/worksheets/sheet2.xml")
        for part in (
            "xl/media/image1.png",
            "xl/charts/chart1.xml",
            "xl/comments1.xml",
            "xl/sharedStrings.xml",
            "xl/workbook.xml",
            "xl/theme/theme1.xml",
        ):
            assert made.read(part) == book.read(part), part
    unchanged = rows_of(path, "xl/worksheets/sheet1.xml")
    assert rows_of(back, "xl/worksheets/sheet1.xml")[1] == unchanged[1]
    assert home.cell(21, 31).value == 2  # a formula is its last result


def test_notes_stand_beside_somebody_elses_only_in_the_column(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    drawn.people[1]["性别"] = "难"
    back = marked(take(lively(drawn, tmp_path / "lively.xlsx")))
    people = sheets(back)["成员"]
    assert at(people, "性别", 3).fill.start_color.rgb == RED and at(people, "性别", 3).comment is None
    note = people.cell(1, 1).comment
    assert note is not None and note.text == "原有的批注"
    assert "性别：" in str(at(people, "需要改正", 3).value)
    assert people.cell(2, 31).hyperlink is not None


@pytest.mark.parametrize("usual", [True, False])
def test_nothing_in_the_marked_file_runs(drawn: Roster, take: Callable[..., ImportBatch], monkeypatch: pytest.MonkeyPatch, usual: bool) -> None:
    if not usual:

        def unfit(*_args: object) -> None:
            raise Unfit("")

        monkeypatch.setattr("fangfanpin.records.workbooks.marking.mark", unfit)
    drawn.people[0]["性别"] = '=HYPERLINK("http://x")'
    drawn.people[1]["姓名"] = "@SUM(1)"
    sheet = sheets(marked(take(drawn)))["成员"]
    cell = at(sheet, "性别", 2)
    assert cell.data_type == "s" and str(cell.value).startswith("=HYPERLINK") and cell.fill.fill_type == "solid"
    name = at(sheet, "姓名", 3)
    assert name.data_type == "s" and name.value == "@SUM(1)" and name.fill.fill_type is None
    assert "性别" in str(at(sheet, "需要改正", 2).value) and at(sheet, "需要改正", 3).value is None


def rewritten(path: Path, change: Callable[[str, bytes], bytes], **more: bytes) -> Path:
    with zipfile.ZipFile(path) as book:
        parts = {name: change(name, book.read(name)) for name in book.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in (parts | {name.replace("__", "/"): content for name, content in more.items()}).items():
            book.writestr(name, content)
    return path


def test_macros_links_and_queries_stay_behind(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    drawn.homes[0]["工资性收入"] = "三万"
    path = lively(drawn, tmp_path / "macro.xlsm")

    def change(name: str, content: bytes) -> bytes:
        if name == "[Content_Types].xml":
            content = content.replace(b"openxmlformats-officedocument.spreadsheetml.sheet.main+xml", b"ms-excel.sheet.macroEnabled.main+xml")
            return content.replace(
                b"</Types>", b'<Override PartName="/xl/vbaProject.bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>'
            )
        if name == "xl/_rels/workbook.xml.rels":
            added = b'<Relationship Id="rId90" Type="http://x/vbaProject" Target="vbaProject.bin"/>'
            added += b'<Relationship Id="rId91" Type="http://x/externalLink" Target="externalLinks/externalLink1.xml"/>'
            return content.replace(b"</Relationships>", added + b"</Relationships>")
        if name == "xl/workbook.xml":
            content = content.replace(b"<definedNames>", b'<externalReferences><externalReference r:id="rId91"/></externalReferences><definedNames>')
            return content.replace(b"</definedNames>", b'<definedName name="x">[1]Sheet1!$A$1</definedName></definedNames>')
        return content

    link = b'<externalLink xmlns="x"><ddeLink ddeService="cmd" ddeTopic="/c calc"/></externalLink>'
    parts = {"xl__vbaProject.bin": b"x" * 90, "xl__externalLinks__externalLink1.xml": link, "xl__connections.xml": b"<connections/>"}
    back = marked(take(rewritten(path, change, **parts)))
    with zipfile.ZipFile(back) as book:
        names = book.namelist()
        assert not [name for name in names if "vba" in name or "external" in name or "connections" in name or "calcChain" in name]
        everything = b"".join(book.read(name) for name in names if name.endswith((".xml", ".rels")))
        assert b"macroEnabled" not in everything and b"vbaProject" not in everything and b"externalLink" not in everything
        assert b"[1]Sheet1" not in everything and "合计".encode() in everything and b"<f>" not in book.read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<f>1+1</f>", b"<f><![CDATA[1+1]]></f>"),
        (b"<f>1+1</f>", b"<f>1<!-- -->+1</f>"),
        (b"<sheetData>", b"<sheetData><!-- <row> -->"),
        (b'<row r="3"', b'<row r="1"'),
        (b"</worksheet>", b'<oleObjects><oleObject progId="x"/></oleObjects></worksheet>'),
    ],
)
def test_a_file_that_is_built_otherwise_loses_its_looks_and_nothing_else(
    drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path, old: bytes, new: bytes
) -> None:
    drawn.people[1]["性别"] = "难"
    path = rewritten(
        lively(drawn, tmp_path / "odd.xlsx"), lambda name, content: content.replace(old, new) if name == "xl/worksheets/sheet1.xml" else content
    )
    people = sheets(marked(take(path)))["成员"]
    assert at(people, "性别", 3).fill.fill_type == "solid" and at(people, "性别", 2).value == "男"
    assert "难" in str(at(people, "需要改正", 3).value)


def test_rows_are_marked_wherever_a_block_ends(
    drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn.homes[0]["工资性收入"] = "三万"
    drawn.homes[1]["村代码"] = ""
    path = lively(drawn, tmp_path / "lively.xlsx")
    usual = marked(take(path)).read_bytes()
    for size in (1, 37, 400):
        monkeypatch.setattr(editing, "BLOCK", size)
        back = marked(take(path))
        with zipfile.ZipFile(back) as book:
            assert {name: book.read(name) for name in book.namelist()} == contents(usual, tmp_path)


def contents(book: bytes, folder: Path) -> dict[str, bytes]:
    (folder / "usual.zip").write_bytes(book)
    with zipfile.ZipFile(folder / "usual.zip") as made:
        return {name: made.read(name) for name in made.namelist()}


def test_a_file_with_prefixes_and_without_places(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    """As some programs write: every element with a prefix, cells and rows without their names."""
    drawn.people[1]["性别"] = "难"
    drawn.people[2]["姓名"] = ""
    path = drawn.write(tmp_path / "prefixed.xlsx")

    def change(name: str, content: bytes) -> bytes:
        if not re.fullmatch(r"xl/(worksheets/sheet\d|styles)\.xml", name):
            return content
        content = re.sub(rb"<(/?)([A-Za-z])", rb"<\1x:\2", content).replace(b"xmlns=", b"xmlns:x=")
        return re.sub(rb'(<x:row) r="\d+"', rb"\1", content)

    people = sheets(marked(take(rewritten(path, change))))["成员"]
    assert at(people, "性别", 3).fill.start_color.rgb == RED and at(people, "性别", 3).comment is not None
    assert at(people, "姓名", 4).fill.start_color.rgb == RED and at(people, "姓名", 4).value is None
    assert "没有填姓名" in str(at(people, "需要改正", 4).value)


def test_a_mended_file_sent_in_again_carries_only_what_is_still_wrong(drawn: Roster, take: Callable[..., ImportBatch], tmp_path: Path) -> None:
    drawn.homes[0]["工资性收入"] = "三万"
    drawn.people[1]["性别"] = "难"
    drawn.people[2]["性别"] = "难"
    first = marked(take(drawn))
    again = tmp_path / "again.xlsx"
    again.write_bytes(first.read_bytes())
    with again.open("rb") as file:
        book_ = openpyxl.load_workbook(file)
    wage = [cell.value for cell in book_["户"][1]].index("工资性收入") + 1
    sex = [cell.value for cell in book_["成员"][1]].index("性别") + 1
    book_["户"].cell(2, wage).value = "30000"
    book_["成员"].cell(3, sex).value = "女"
    book_.save(again)
    batch = take(again)
    assert batch.summary["faults"] == 1 and not any(sheet["unknown"] for sheet in batch.summary["sheets"])
    made = sheets(marked(batch))
    home, people = made["户"], made["成员"]
    assert not [cell for row in home.iter_rows() for cell in row if cell.fill.start_color.rgb == RED or cell.comment is not None]
    assert "需要改正" not in [cell.value for cell in home[1]]
    assert [cell.coordinate for row in people.iter_rows() for cell in row if cell.fill.start_color.rgb == RED and cell.row > 1] == [
        at(people, "性别", 4).coordinate
    ]
    assert [cell.value for cell in people[1]].count("需要改正") == 1 and people.max_column == sex_column(people)
    assert at(people, "需要改正", 3).value is None and "性别" in str(at(people, "需要改正", 4).value)
    assert at(people, "性别", 3).comment is None and at(people, "性别", 4).comment is not None


def sex_column(sheet: Worksheet) -> int:
    """The last column is that of the sentences."""
    return [cell.value for cell in sheet[1]].index("需要改正") + 1
