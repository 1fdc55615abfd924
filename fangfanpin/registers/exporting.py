"""A register's list as a file: the list's own filter, chosen columns, words or codes, as a workbook or as CSV; made by a job."""

import csv
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.files.models import StoredFile
from fangfanpin.files.services import store
from fangfanpin.jobs.exports import XLSX, Column, Table, narrowed, write
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import start
from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.codec import decimal_text
from fangfanpin.records.models import Record
from fangfanpin.regions.names import name_of
from fangfanpin.registers import queries, reading
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.models import Entry
from fangfanpin.registers.references import Words

KIND = "registers.export"
_CHUNK = 2000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Wish:
    """`query`: the list's address; `columns`: names of items, all where none; `codes`: codes instead of words; `format`: xlsx or csv."""

    query: str = ""
    columns: tuple[str, ...] = ()
    codes: bool = False
    format: str = "xlsx"


def start_export(*, register: Register, wish: Wish, by: User) -> Job:
    """Queue the file; it is its owner's alone."""
    parameters = {"form": register.key, "query": wish.query[:1000], "columns": list(wish.columns), "codes": wish.codes, "format": wish.format}
    return start(kind=KIND, title=_("导出%(title)s") % {"title": register.title}, by=by, parameters=parameters)


def make(register: Register, pack: Pack, reach: Reach, wish: Wish, *, by: User | None, report: Callable[[int, int], None]) -> tuple[StoredFile, int]:
    """The file and its number of rows."""
    table = table_of(register, pack, narrowed(reach, Verb.HOUSEHOLD_VIEW), wish)
    name = f"{register.title}-{timezone.localtime():%Y%m%d-%H%M}.{wish.format}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "register"
        if wish.format == "csv":
            count, content_type = write_csv(path, table, report), "text/csv"
        else:
            count, content_type = write(path, register.title, table, by=by.name if by else "", report=report), XLSX
        return store(content=path, name=name, content_type=content_type, purpose=StoredFile.Purpose.EXPORT, owner=by), count


def table_of(register: Register, pack: Pack, reach: Reach, wish: Wish) -> Table:
    """The rows of the wish's filter: subject and place, the items, state. Read in pieces while the file is written."""
    chosen = queries.chosen_of(register, pack, dict(parse_qsl(wish.query)))
    items = [item for item in register.shown if item != register.subject and (not wish.columns or item.name in wish.columns)]
    rows = queries.entries(register, pack, reach, chosen)
    return Table(
        columns=[*(Column(title) for title in _subject_titles(register)), *(_column(item, wish) for item in items), Column(_("审核情况"), width=10)],
        rows=_rows(register, pack, reach, items, rows.order_by("number").select_related("record", "household", "person"), wish),
        total=rows.count(),
        filters=queries.said(register, pack, chosen, name_of(chosen.place)),
    )


def _subject_titles(register: Register) -> list[str]:
    """Keys first: with them the file comes back as an import."""
    match register.subject.ref:
        case "household":
            return [_("户编号"), _("户主姓名"), _("村代码"), _("村")]
        case "person":
            return [_("人编号"), _("姓名"), _("户编号"), _("户主姓名"), _("村代码"), _("村")]
        case "natural_village":
            return [_("自然村代码"), _("自然村"), _("村代码"), _("村")]
        case _:
            return [_("村代码"), _("村")]


def _column(item: Indicator, wish: Wish) -> Column:
    kind = "money" if item.type == "money" else "number" if item.type in ("int", "year") else "text"
    return Column(item.label, kind if wish.format == "xlsx" else "text", 16)


def _subject(entry: Entry, register: Register) -> list[str]:
    village = [entry.village_code, name_of(entry.village_code)]
    household = [entry.household.code, entry.household.head_name] if entry.household else ["", ""]
    match register.subject.ref:
        case "household":
            return [*household, *village]
        case "person":
            return [entry.person.code if entry.person else "", entry.person.member_name if entry.person else "", *household, *village]
        case "natural_village":
            return [entry.record.subject_code, entry.label, *village]
        case _:
            return village


def _rows(register: Register, pack: Pack, reach: Reach, items: Sequence[Indicator], found: Any, wish: Wish) -> Iterator[list[Any]]:
    states = {value: str(label) for value, label in Record.State.choices}
    walk = found.iterator(chunk_size=_CHUNK)
    while chunk := list(islice(walk, _CHUNK)):
        words = Words(reach)
        references = [item for item in items if item.type == "ref"]
        words.learn((item.ref, entry.record.values.get(item.name)) for entry in chunk for item in references)
        may_see: dict[str, bool] = {}
        for entry in chunk:
            sensitive = may_see.get(entry.village_code)
            if sensitive is None:
                sensitive = may_see[entry.village_code] = can(reach, Verb.SENSITIVE_VIEW, entry)
            values = entry.record.values
            cells = [_cell(item, values.get(item.name), pack, words, wish, sensitive) for item in items]
            yield [*_subject(entry, register), *cells, states.get(entry.state, entry.state)]


def _cell(item: Indicator, value: Any, pack: Pack, words: Words, wish: Wish, sensitive: bool) -> Any:
    if value is None:
        return ""
    if item.type in ("money", "int", "year") and (item.privacy == "none" or sensitive):
        return value if wish.format == "xlsx" else decimal_text(value, item.scale, money=item.type == "money")
    if wish.codes and item.type == "code" and (item.privacy == "none" or sensitive):
        return "、".join(value) if isinstance(value, list) else value
    return reading.say(item, value, pack, words, sensitive=sensitive)


def write_csv(path: Path, table: Table, report: Callable[[int, int], None]) -> int:
    """UTF-8 with BOM, as Excel opens it. A text that a spreadsheet would take for a formula begins with an apostrophe, which an import
    takes off again."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.title for column in table.columns])
        for row in table.rows:
            writer.writerow([_harmless(cell) for cell in row])
            count += 1
            if count % 1000 == 0:
                report(count, table.total)
    report(count, count)
    return count


def _harmless(cell: Any) -> Any:
    if isinstance(cell, str) and cell.startswith(_FORMULA) and not _is_number(cell):
        return f"'{cell}"
    return cell


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdigit()
