"""Mend what was set aside: in place on the page, or as a workbook of the waiting rows alone; then it goes in as a small roster of its own."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter
from django.db import transaction
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.pack import Indicator
from fangfanpin.records.current_year import CurrentYear
from fangfanpin.records.models import ImportBatch, TrayRow
from fangfanpin.records.roster.checking import ground
from fangfanpin.records.roster.columns import NAME
from fangfanpin.records.roster.services import examine, receive
from fangfanpin.records.roster.tray import raw_of, seal, wrong_words
from fangfanpin.records.workbooks.batches import TrayRefused, fault_json
from fangfanpin.records.workbooks.cells import cell_text, shown

_BAD_IN_SHEET_NAMES = str.maketrans(dict.fromkeys("[]:*?/\\", "_"))
_LONGEST_CELL = 500


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell to be mended, at its `place` among the sheet's columns. `is_secret`: shown masked, typed whole or left as it is."""

    place: int
    header: str
    shown: str
    is_secret: bool
    message: str


@dataclass(frozen=True, slots=True)
class MendRow:
    """A row of the tray for the page: what is at fault first, everything else behind it; `whole`: faults of the row itself, which no cell mends."""

    row: TrayRow
    name: str
    faulty: list[Cell]
    others: list[Cell]
    whole: list[str]


class Sheets:
    """The columns of a file as its check wrote them down: header → is it a secret number."""

    def __init__(self, batch: ImportBatch, year: CurrentYear) -> None:
        self._headers: dict[str, list[str]] = {}
        self._secret: dict[str, Indicator] = {}
        self._names: set[str] = set()
        name = year.pack.indicators[NAME].zh
        secret = {item.zh: item for item in year.pack.indicators.values() if item.privacy == "secret"}
        for sheet in batch.summary.get("sheets", []):
            if sheet.get("role"):
                self._headers[sheet["name"][:80]] = [column["header"] for column in sheet["columns"]]
                self._secret |= {column["header"]: secret[column["item"]] for column in sheet["columns"] if column["item"] in secret}
                self._names |= {column["header"] for column in sheet["columns"] if column["item"] == name}

    def headers(self, sheet: str) -> list[str]:
        return self._headers.get(sheet, [])

    def name(self, cells: Mapping[str, str]) -> str:
        """Whose row it is; '' for a household's."""
        return next((cells[header] for header in cells if header in self._names), "")

    def is_secret(self, header: str) -> bool:
        return header in self._secret

    def shown(self, header: str, cell: str | float) -> str:
        """The cell as the tray shows it."""
        return shown(self._secret.get(header), cell)


def mend_rows(rows: Sequence[TrayRow], sheets: Sheets) -> list[MendRow]:
    """The rows with their cells, for the page."""
    found = []
    for row in rows:
        masked = dict(row.cells["row"])
        told: dict[str, str] = {}
        for fault in row.faults:
            if fault["header"]:
                told[fault["header"]] = "；".join(filter(None, (told.get(fault["header"], ""), fault["message"])))
        whole_cells = raw_of(row) or {}
        cells = []
        for place, header in enumerate(sheets.headers(row.sheet)):
            secret = sheets.is_secret(header)
            text = masked.get(header, "") if secret else cell_text(whole_cells.get(header, ""))
            cells.append(Cell(place, header, text, secret, told.get(header, "")))
        whole = [fault["message"] for fault in row.faults if not fault["header"]]
        found.append(MendRow(row, sheets.name(masked), [cell for cell in cells if cell.message], [cell for cell in cells if not cell.message], whole))
    return sorted(found, key=lambda one: not one.row.faults)  # as they stand, but what is at fault first


@transaction.atomic
def correct(*, rows: Sequence[TrayRow], typed: Mapping[tuple[int, str], str], sheets: Sheets) -> None:
    """Put what was typed ({(row's id, header): text}, "" = nothing) into the rows, so that it is kept whatever the check says of it."""
    if rows:
        set_act(f"import.mend {rows[0].batch_id}")
    for row in rows:
        raw = raw_of(row)
        if raw is None:
            raise TrayRefused(_("这几行是旧版本放进来的，不能在这里改。请下载标红的文件，改好后重新上传。"))
        news = {
            header: text.strip()[:_LONGEST_CELL] for (key, header), text in typed.items() if key == row.pk and header in sheets.headers(row.sheet)
        }
        changed = {header: text for header, text in news.items() if text != cell_text(raw.get(header, ""))}
        if not changed:
            continue
        raw = {header: cell for header, cell in {**raw, **changed}.items() if cell != ""}
        row.cells = row.cells | {
            "row": [[header, sheets.shown(header, raw[header])] for header in sheets.headers(row.sheet) if header in raw],
            "sealed": seal(raw),
        }
        row.save(update_fields=["cells"])


def write_rows(rows: Sequence[TrayRow], sheets: Sheets, target: Path, *, is_marked: bool = False) -> list[list[TrayRow]]:
    """The rows as a roster of their own, one sheet for each of the file's; with `is_marked` what is wrong stands beside each row. Returns the rows by
    sheet in the order written: row n of a sheet is the (n-2)th."""
    by_sheet: dict[str, list[TrayRow]] = {}
    for row in rows:
        if sheets.headers(row.sheet) and raw_of(row) is not None:
            by_sheet.setdefault(row.sheet, []).append(row)
    if not by_sheet:
        raise TrayRefused(_("这几行是旧版本放进来的，不能在这里改。请下载标红的文件，改好后重新上传。"))
    book = xlsxwriter.Workbook(str(target), {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    text, faulty = book.add_format({"num_format": "@"}), book.add_format({"num_format": "@", "bg_color": "#FFC7CE"})
    head, told = book.add_format({"bold": True, "text_wrap": True}), book.add_format({"font_color": "#9C0006", "text_wrap": True})
    for number, (name, of_sheet) in enumerate(by_sheet.items(), 1):
        sheet = book.add_worksheet(f"{number} {name.translate(_BAD_IN_SHEET_NAMES)}"[:31].strip("'"))
        headers = sheets.headers(name)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(headers) - 1, 16, text)
        for place, header in enumerate(headers):
            sheet.write_string(0, place, header, head)
        for at, row in enumerate(of_sheet, 1):
            raw, wrong = raw_of(row) or {}, {fault["header"] for fault in row.faults}
            for place, header in enumerate(headers):
                _put(sheet, at, place, raw.get(header, ""), faulty if is_marked and header in wrong else text)
            if is_marked:
                sheet.write_string(at, len(headers), wrong_words(row), told)
        if is_marked:
            sheet.set_column(len(headers), len(headers), 60)
            sheet.write_string(0, len(headers), _("需要改正"), head)
    book.close()
    return list(by_sheet.values())


def _put(sheet: Any, at: int, place: int, cell: str | float, shape: Any) -> None:
    if isinstance(cell, float):
        sheet.write_number(at, place, cell, shape)
    elif cell:
        sheet.write_string(at, place, cell, shape)
    else:
        sheet.write_blank(at, place, None, shape)


def send_in(*, rows: Sequence[TrayRow], batch: ImportBatch, sheets: Sheets, year: CurrentYear, reach: Reach, by: User) -> ImportBatch | None:
    """Check the rows of one household as they stand now. Without a fault: the small roster, ready to be applied. With one: None, and the rows say
    what is wrong with them now."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mended.xlsx"
        by_sheet = write_rows(rows, sheets, path)
        on = ground(pack=year.pack, year=batch.year, reach=reach)
        examined = examine(path=path, name=path.name, year=year, on=on, report=lambda done, total: None)
        faults = examined.checked.faults if examined.checked is not None else None
        if faults is None:
            raise TrayRefused(examined.refused)
        if not faults:
            code = next((str(row.cells["code"]) for row in rows if row.cells.get("code")), "")
            return receive(content=path, name=_name_of(batch, code), keep_good=False, year=year, by=by)
    _tell(by_sheet, [sheet["name"] for sheet in examined.sheets], faults)
    return None


def send_all_in(*, rows: Sequence[TrayRow], batch: ImportBatch, sheets: Sheets, year: CurrentYear, by: User) -> ImportBatch:
    """Every household that waits as one roster, to be checked again in the background: what was missing elsewhere may be there by now."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "again.xlsx"
        write_rows(rows, sheets, path)
        return receive(content=path, name=_name_of(batch, ""), keep_good=True, year=year, by=by)


def _name_of(batch: ImportBatch, code: str) -> str:
    stem = Path(batch.file.name).stem[:120]
    return _("%(name)s（待改区 %(code)s）.xlsx") % {"name": stem, "code": code} if code else _("%(name)s（待改区）.xlsx") % {"name": stem}


@transaction.atomic
def _tell(by_sheet: Sequence[Sequence[TrayRow]], names: Sequence[str], faults: Sequence[Any]) -> None:
    """Each row with what the new check says of it; a fault of the sheet as a whole stands with the first row."""
    said: dict[int, list[dict[str, Any]]] = {row.pk: [] for rows in by_sheet for row in rows}
    place = dict(zip(names, by_sheet, strict=True))
    for fault in faults:
        rows = place.get(fault.sheet) or by_sheet[0]
        row = rows[min(max(fault.row - 2, 0), len(rows) - 1)]
        said[row.pk].append(fault_json(fault) | {"sheet": row.sheet, "row": row.row_number})
    for rows in by_sheet:
        for row in rows:
            row.faults = said[row.pk]
            row.save(update_fields=["faults"])
