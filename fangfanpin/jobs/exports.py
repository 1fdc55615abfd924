"""Lists as Excel: one registry, one writer, one kind of job for every list page.

A list registers how its rows are read (`export_list`); the page's button posts the page's own filters; the job reads under its owner's
reach and the file is its owner's alone. Texts are written as texts, so a name that begins with `=` stays a name; codes keep their
zeros; numbers that identify a person come masked from where they are read.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import xlsxwriter
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, make_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.files.models import StoredFile
from fangfanpin.files.services import store
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import JobRefused, Outcome, Progress, handles, start

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS_A_SHEET = 1_000_000  # Excel holds 1,048,576
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")
_MOST_LINKS = 65_000  # Excel holds 65,530 on a sheet; further ones are text
_LONGEST_TEXT = 32_000  # Excel holds 32,767


@dataclass(frozen=True, slots=True)
class Column:
    """`kind`: text, number (an int), money (fen, written as yuan), time (written as text, Asia/Shanghai), link (a whole address)."""

    title: str
    kind: str = "text"
    width: float = 14


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` may be a generator: it is read once. `total`: how many, for the progress bar. `filters`: (name, words) as the page says them."""

    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]
    total: int
    filters: Sequence[tuple[str, str]] = ()


Build = Callable[[Reach, Mapping[str, str]], Table]
Choices = Callable[[], Mapping[str, Any]]  # words may wait for their language


@dataclass(frozen=True, slots=True)
class ListExport:
    """`verb`: what the list's page needs; making a file needs Verb.EXPORT_MAKE besides. `parameters`: filters it understands; `choices`:
    what some of them may be, value → words, asked for when needed."""

    key: str
    title: str
    verb: Verb
    parameters: tuple[str, ...]
    build: Build
    choices: Mapping[str, Choices] = field(default_factory=dict)


_lists: dict[str, ListExport] = {}


def export_list(
    key: str, title: str, verb: Verb, *, parameters: Sequence[str] = (), choices: Mapping[str, Choices] | None = None
) -> Callable[[Build], Build]:
    """Register a list; its jobs are of kind `export.KEY`. Call it from a `handlers.py` or `exporting.py`, which are imported at start."""

    def register(build: Build) -> Build:
        _lists[key] = ListExport(key, title, verb, tuple(parameters), build, choices or {})
        handles(f"export.{key}")(_run)
        return build

    return register


def find(key: str) -> ListExport | None:
    return _lists.get(key)


def known() -> list[ListExport]:
    """Every list that can be exported."""
    return list(_lists.values())


def start_export(*, listing: ListExport, given: Mapping[str, str], by: User) -> Job:
    """Queue a list as Excel with the page's filters; names the list does not know are left out."""
    parameters = {name: given[name].strip()[:100] for name in listing.parameters if given.get(name, "").strip()}
    return start(kind=f"export.{listing.key}", title=_("导出%(title)s") % {"title": _(listing.title)}, by=by, parameters=parameters)


def narrowed(reach: Reach, verb: Verb) -> Reach:
    """The part of a reach where this person both holds the list's verb and may make files. The system's own reach stays whole."""
    if not reach.scopes:
        return reach
    wanted = {verb, Verb.EXPORT_MAKE}
    scopes = [scope for scope in reach.scopes if wanted <= scope.verbs]
    prefixes = tuple(scope.prefix for scope in scopes if not scope.by_pairing)
    villages = [code for code in reach.villages if code.startswith(prefixes)] if prefixes else []
    households = reach.households if any(scope.by_pairing for scope in scopes) else ()
    return replace(make_reach(reach.user_id, villages=villages, households=households), scopes=reach.scopes)


def _run(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """One list as a file of its owner's; refused where the rights went since it was queued."""
    listing = _lists[job.kind.removeprefix("export.")]
    if not (reach.has(listing.verb) and reach.has(Verb.EXPORT_MAKE)):
        raise JobRefused(_("您的岗位不能导出这份清单。"))
    table = listing.build(narrowed(reach, listing.verb), job.parameters)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.xlsx"
        count = write(path, _(listing.title), table, by=job.owner.name if job.owner else "", report=progress.report)
        name = f"{_(listing.title)}-{timezone.localtime():%Y%m%d-%H%M}.xlsx"
        file = store(content=path, name=name, content_type=XLSX, purpose=StoredFile.Purpose.EXPORT, owner=job.owner)
    return Outcome(_("%(count)d 行。文件只有您能下载，请妥善保管。") % {"count": count}, {"rows": count}, file)


def write(path: Path, title: str, table: Table, *, by: str, report: Callable[[int, int], None] = lambda done, total: None) -> int:
    """Write the workbook in constant memory; returns the number of rows. The first sheet is the list, the last says who, when, what."""
    book = xlsxwriter.Workbook(
        str(path), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    head = book.add_format({"bold": True, "bg_color": "#E2E2E2", "border": 1, "text_wrap": True, "valign": "vcenter"})
    formats = {"text": book.add_format({"num_format": "@"}), "number": book.add_format(), "money": book.add_format({"num_format": "#,##0.00"})}
    formats["time"] = formats["text"]
    count, sheet, at = 0, None, 0
    for row in table.rows:
        if sheet is None or at > ROWS_A_SHEET:
            sheet, at = _sheet(book, title, table, head, number=count // ROWS_A_SHEET + 1), 1
        for place, (column, value) in enumerate(zip(table.columns, row, strict=True)):
            if value is None or value == "":
                continue
            if column.kind == "link" and count < _MOST_LINKS:
                sheet.write_url(at, place, value, string=_("打开"))
            elif isinstance(value, str):  # in a column of numbers too: a masked one
                sheet.write_string(at, place, _clean(value), formats["text"])
            elif column.kind == "number":
                sheet.write_number(at, place, value, formats["number"])
            elif column.kind == "money":
                sheet.write_number(at, place, value / 100, formats["money"])
            elif column.kind == "time":
                sheet.write_string(at, place, timezone.localtime(value).strftime("%Y-%m-%d %H:%M"), formats["time"])
            else:
                sheet.write_string(at, place, _clean(str(value)), formats["text"])
        count, at = count + 1, at + 1
        if count % 200 == 0:
            report(count, table.total)
    if sheet is None:
        _sheet(book, title, table, head, number=1)
    about = book.add_worksheet(_("说明"))
    about.set_column(0, 0, 16)
    about.set_column(1, 1, 60)
    lines = [
        (_("清单"), title),
        (_("导出人"), by),
        (_("导出时间"), f"{timezone.localtime():%Y-%m-%d %H:%M}"),
        *(table.filters or [(_("条件"), _("全部"))]),
        (_("行数"), str(count)),
        (_("说明"), _("证件号码、银行卡号只显示部分；请妥善保管，不要转发。")),
    ]
    for place, (name, words) in enumerate(lines):
        about.write_string(place, 0, name, head)
        about.write_string(place, 1, _clean(words))
    book.close()
    report(count, count)
    return count


def _sheet(book: Any, title: str, table: Table, head: Any, *, number: int) -> Any:
    title = title[:24]
    sheet = book.add_worksheet(title if number == 1 else f"{title} {number}")
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(table.columns):
        sheet.set_column(place, place, column.width)
        sheet.write_string(0, place, column.title, head)
    return sheet


def _clean(text: str) -> str:
    """Without control characters, which Excel would call a damaged file."""
    return (text if text.isprintable() else _CONTROL.sub("", text))[:_LONGEST_TEXT]
