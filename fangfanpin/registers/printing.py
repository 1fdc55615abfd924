"""A register on paper, always in Chinese: the empty table, the list as filtered, one row."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.files.pictures import small
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import start
from fangfanpin.pack import Indicator, Pack
from fangfanpin.papers.registers import PaperColumn, PaperLine, PaperPart, PaperSigner, RegisterPaper, RowPaper, render_register, render_row
from fangfanpin.records.models import Record
from fangfanpin.regions.names import name_of, place_of
from fangfanpin.registers import queries, reading
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.references import Words

KIND = "registers.print"
MOST = 3000  # rows of one printed list: a hundred pages
_FEW_WORDS = 16  # so many words of a list are printed under the empty table
_SUBJECT = {"household": ("户编号", "户主姓名"), "person": ("人编号", "姓名")}


class TooLong(Exception):
    """More rows than are printed at once."""


def start_list(*, register: Register, query: str, columns: Sequence[str], by: User) -> Job:
    parameters = {"form": register.key, "query": query[:1000], "columns": list(columns)}
    return start(kind=KIND, title=_("打印%(title)s") % {"title": register.title}, by=by, parameters=parameters)


def blank(register: Register, pack: Pack, year_title: str) -> bytes:
    """The register's empty table with every item that is asked, words of short lists under it."""
    keys = _key_columns(register)
    # A photo is not put on this paper, a signature is.
    columns = (*keys, *(_column(item, pack, with_words=True) for item in register.typed if item.type != "image"))
    return render_register(RegisterPaper(register.title, year_title, "", "", _today(), pack.title, len(keys), columns, ()))


def filled(register: Register, pack: Pack, year_title: str, reach: Reach, *, query: str, columns: Sequence[str]) -> tuple[bytes, int]:
    """The list by its own filter; `columns`: names of items, those that the list shows where none. Raises TooLong."""
    chosen = queries.chosen_of(register, pack, dict(parse_qsl(query)))
    items = [item for item in register.lines if item.name in columns] if columns else register.columns
    rows = queries.entries(register, pack, reach, chosen)
    if (count := rows.count()) > MOST:
        raise TooLong(_("一次最多打印 %(most)d 条，现在有 %(count)d 条，请先按村或其他条件缩小。") % {"most": MOST, "count": count})
    found = list(rows.order_by("village_code", "household__walking_order", "number").select_related("record", "household", "person"))
    words = Words(reach)
    words.learn((item.ref, entry.record.values.get(item.name)) for entry in found for item in items if item.type == "ref")
    keys = _key_columns(register)
    place = place_of(chosen.place) if chosen.place else ""
    with translation.override("zh-hans"):  # the filter's words too: papers are Chinese
        filters = "  ".join(f"{title}：{value}" for title, value in queries.said(register, pack, chosen, place))
    lines = []
    for entry in found:
        sensitive = can(reach, Verb.SENSITIVE_VIEW, entry)
        cells = [reading.say(item, entry.record.values.get(item.name), pack, words, sensitive=sensitive) for item in items]
        lines.append([*_key_cells(entry, register), *cells])
    all_columns = (*keys, *(_column(item, pack) for item in items))
    return render_register(RegisterPaper(register.title, year_title, place, filters, _today(), pack.title, len(keys), all_columns, lines)), count


def row(record: Record, register: Register, pack: Pack, year_title: str, reach: Reach) -> bytes:
    """One row with every item, empty ones too."""
    subject = " ".join(_key_cells(record, register)[1:])
    found = reading.parts(record, register, pack, reach)
    parts = tuple(
        PaperPart(part.title, tuple(_line(line) for line in part.lines if line.item.type != "signature"))
        for part in found
        if any(line.item.type != "signature" for line in part.lines)
    )
    signed = {line.item.name: _small(line) for part in found for line in part.lines if line.item.type == "signature"}
    entered = f"{record.entered_by.name if record.entered_by else '系统'} 登记，{timezone.localtime(record.updated_at):%Y-%m-%d %H:%M} 最后修改"
    with translation.override("zh-hans"):
        state = str(record.get_state_display())
    place = place_of(record.village_code)
    return render_row(RowPaper(register.title, year_title, place, subject, state, entered, _today(), pack.title, parts, _signers(register, signed)))


def _signers(register: Register, signed: Mapping[str, tuple[bytes, ...]]) -> tuple[PaperSigner, ...]:
    """Who signs a row on paper: those whom its signature items name, else the household that it is of; then who entered and who reviews it."""
    items = [item for item in register.form.indicators if item.type == "signature" and not item.retired]
    named = [PaperSigner(item.zh, signed.get(item.name, ())) for item in items]
    return (*(named or ([PaperSigner("农户签字")] if register.form.belongs else [])), PaperSigner("登记人"), PaperSigner("审核人"))


def _line(line: reading.Line) -> PaperLine:
    return PaperLine(line.called, _with_unit(line), line.item.verified, _small(line))


def _small(line: reading.Line) -> tuple[bytes, ...]:
    """The line's pictures as they are printed; PDFs are only counted."""
    return tuple(content for file in line.pictures if (content := small(file)) is not None)


def _with_unit(line: reading.Line) -> str:
    return f"{line.text} {line.item.unit_beside}" if line.text and line.item.unit_beside else line.text


def _today() -> str:
    return f"{timezone.localdate():%Y-%m-%d}"


def _key_columns(register: Register) -> tuple[PaperColumn, ...]:
    if register.subject.ref == "natural_village":
        return (PaperColumn("村", 26), PaperColumn("自然村", 26))
    if register.subject.ref not in _SUBJECT:
        return (PaperColumn("村", 26),)
    code, name = _SUBJECT[register.subject.ref]
    return (PaperColumn("村", 22), PaperColumn(name, 18), PaperColumn(code, 34))


def _key_cells(row: Any, register: Register) -> list[str]:
    """`row`: an Entry or a Record."""
    village = name_of(row.village_code)
    match register.subject.ref:
        case "household":
            return [village, row.household.head_name, row.household.code]
        case "person":
            return [village, row.person.member_name, row.person.code]
        case "natural_village":
            return [village, name_of(getattr(row, "record", row).subject_code)]
        case _:
            return [village]


_WIDTHS = {"date": 21, "month": 16, "bool": 13, "int": 17, "year": 13, "money": 22, "decimal": 17, "area_mu": 18, "phone": 25}


def _column(item: Indicator, pack: Pack, *, with_words: bool = False) -> PaperColumn:
    title = f"{item.zh}（{item.unit_beside}）" if item.unit_beside else item.zh
    width = _WIDTHS.get(item.type, 30)
    words: tuple[str, ...] = ()
    if item.type == "code":
        entries = pack.lists[item.list]
        width = 32 if item.multi else min(32, max(18, 4 + 3 * max((len(entry.zh) for entry in entries), default=0)))
        words = tuple(f"{entry.code} {entry.zh}" for entry in entries) if with_words and len(entries) <= _FEW_WORDS else ()
    return PaperColumn(title, width, item.is_number, item.verified, words)
