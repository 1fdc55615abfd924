"""A register's empty workbook: headers with notes, drop-downs, one row as an example; it comes back as an import. Chinese, as all files are."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import xlsxwriter

from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.units import unit_word
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.escaping import list_words
from fangfanpin.registers.workbooks.columns import (
    EXAMPLE,
    HEAD,
    HOUSEHOLD,
    IDENTITY,
    ITEMS,
    MARK,
    NAME,
    NATURAL,
    NATURAL_NAME,
    PERSON,
    VILLAGE,
    VILLAGE_NAME,
    WHOSE,
)

LISTS_SHEET = "可选内容"  # hidden: words of drop-downs that are too long to stand in the cells' own rule
OWN_SHEETS = frozenset({"填写说明", "说明"})  # of our own files: they hold no rows
_ROWS = 5000  # that have drop-downs
_HEADER, _EXAMPLE_ROW = 4, 5  # from 0
_INLINE = 250  # characters that Excel takes as a list of its own
_MESSAGE = 250  # characters of a cell's hint
_AFTER = datetime.timedelta(days=45)  # from one day of the example to the next


@dataclass(frozen=True, slots=True)
class Field:
    """One column: what its header, the hint above it, its note and its example say. `words`: of a drop-down; `text`: Excel keeps it as typed."""

    title: str
    hint: str
    note: str
    example: Any
    words: tuple[str, ...] = ()
    text: bool = True


def fields_of(register: Register, pack: Pack) -> list[Field]:
    """The template's columns in order: the example's mark, whose row it is, the items."""
    whose = [key for key in WHOSE[register.subject.ref] if key != IDENTITY]
    return [
        Field(ITEMS[MARK].zh, "不用填", "带“示例”的一行导入时不读取，可以删去，也可以留着。", f"{EXAMPLE}（不导入）"),
        *(_whose(key, register, pack) for key in whose),
        *_items(register, pack),
    ]


def _whose(key: str, register: Register, pack: Pack) -> Field:
    lead = WHOSE[register.subject.ref][0]
    village = f"{pack.division:0<6}100201"
    examples = {HOUSEHOLD: f"{village}0001", HEAD: "张三", PERSON: f"{village}000101", NAME: "张三", VILLAGE: village, VILLAGE_NAME: "某某村"}
    examples |= {NATURAL: f"{village}001", NATURAL_NAME: "某某组"}
    if key == lead:
        hint = "必填，或按旁边几列查找"
        note = "%(name)s：最可靠。没有的，可以加一列“证件号码”，或把村和姓名填全；同村同名的必须填编号。"
        if register.subject.ref == "village":
            note = "%(name)s：12 位数字。也可以只填村名，重名的必须填代码。"
    else:
        hint, note = "用来核对和查找", "%(name)s：填了编号或代码的，可以不填。"
    return Field(ITEMS[key].zh, hint, note % {"name": ITEMS[key].zh}, examples[key])


def _items(register: Register, pack: Pack) -> list[Field]:
    day = pack.period_start
    found = []
    for item in register.in_cells:
        if item == register.subject:
            continue
        if item.type in ("date", "month"):
            day = min(day + _AFTER, pack.period_end)
        found.append(_field(item, pack, day))
    return found


def _field(item: Indicator, pack: Pack, day: datetime.date) -> Field:
    unit = unit_word(item.unit)
    words: tuple[str, ...] = tuple(list_words(pack, item.list).values()) if item.type == "code" else ()
    text, hint, example = _kind(item, unit, words, pack, day)
    notes = [hint]
    if item.kind == "period":
        notes.append(f"填 {pack.period_start} 至 {pack.period_end} 期间的情况。")
    elif item.kind == "as_of":
        notes.append(f"填 {pack.state_date} 当天的情况。")
    if unit:
        notes.append(f"单位：{unit}。")
    if words:
        notes.append(f"可选：{'、'.join(words)}")
    if not item.verified:
        notes.append("［K］这一项没有正式文件作依据，待县里核实。")
        hint = f"{hint}［K］"
    return Field(item.zh, hint, "\n".join(notes), example, words if not item.multi else (), text)


def _kind(item: Indicator, unit: str, words: Sequence[str], pack: Pack, day: datetime.date) -> tuple[bool, str, Any]:
    """(kept as text?, what is to be typed, an example)."""
    match item.type:
        case "money":
            return False, f"金额（{unit or '元'}）", 1000
        case "area_mu" | "decimal":
            return False, f"数字（{unit}）" if unit else "数字", 4.35 if item.unit == "percent" else 1.5
        case "int":
            return False, f"整数（{unit}）" if unit else "整数", 12 if item.unit == "month" else 1
        case "year":
            return False, f"年份，如 {pack.form_year}", pack.form_year
        case "secret_number":
            return True, "完整号码，只显示部分", "34032319900101123X"
        case "bool":
            return True, "选“是”或“否”", "是"
        case "code" if item.multi:
            return True, "可选几个，用顿号分开", "、".join(words[:2])
        case "code":
            return True, "从下拉里选一个", words[0] if words else ""
        case "date":
            return True, f"日期，如 {pack.state_date}", day.isoformat()
        case "month":
            return True, f"年月，如 {pack.state_date.isoformat()[:7]}", day.isoformat()[:7]
        case "phone":
            return True, "电话号码", "13800000000"
        case "point":
            return True, "纬度, 经度，六位小数", "33.317612, 117.313422"
        case "ref":
            hint, example = _reference(item)
            return True, f"{hint}，几个用顿号分开" if item.multi else hint, example
        case _:
            return True, "文字", f"例：{item.zh}"


def _reference(item: Indicator) -> tuple[str, str]:
    match item.ref:
        case "household":
            return "户编号，或“户主姓名（户编号）”", "张三（户编号）"
        case "person":
            return "本户成员的姓名，或“姓名（人编号）”", "李四"
        case "division":
            return "省市县的名称或代码", "上海市浦东新区"
        case "village" | "natural_village":
            return "村的名称或代码", "某某村"
        case "user":
            return "姓名，同名的写“姓名（账号）”", "王五"
        case _:
            return "名称，或“名称（登记号）”", "名称（登记号）"


def make(register: Register, pack: Pack) -> bytes:
    """The workbook's bytes."""
    target = BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
    sheet = book.add_worksheet(register.title[:31])
    _write_notes(book, register, pack)
    lists = _Lists(book)
    title = book.add_format({"bold": True, "font_size": 16})
    quiet = book.add_format({"font_color": "#595959", "text_wrap": True, "valign": "top", "font_size": 10})
    head = book.add_format({"bold": True, "bg_color": "#E2E2E2", "border": 1, "text_wrap": True, "valign": "vcenter"})
    as_text = book.add_format({"num_format": "@"})
    example_text = book.add_format({"num_format": "@", "italic": True, "font_color": "#7F7F7F", "bg_color": "#F7F7F7"})
    example_number = book.add_format({"italic": True, "font_color": "#7F7F7F", "bg_color": "#F7F7F7"})
    sheet.write_string(0, 0, f"{register.title}导入模板", title)
    sheet.write_string(1, 0, window(pack))
    sheet.write_string(2, 0, "从示例行的下面开始填，一条一行；列可以换顺序，不填的列可以删去。怎么填见表“填写说明”。")
    sheet.set_row(_HEADER - 1, 48)
    for place, field in enumerate(fields_of(register, pack)):
        sheet.set_column(place, place, max(14, min(28, 2 * len(field.title) + 4)), as_text if field.text else None)
        sheet.write_string(_HEADER - 1, place, field.hint, quiet)
        sheet.write_string(_HEADER, place, field.title, head)
        sheet.write_comment(_HEADER, place, field.note[:1000], {"x_scale": 2, "y_scale": 1.5, "font_size": 10})
        if isinstance(field.example, str):
            sheet.write_string(_EXAMPLE_ROW, place, field.example, example_text)
        else:
            sheet.write_number(_EXAMPLE_ROW, place, field.example, example_number)
        if rule := lists.rule(field):
            sheet.data_validation(_EXAMPLE_ROW, place, _EXAMPLE_ROW + _ROWS, place, rule)
    sheet.freeze_panes(_HEADER + 1, 2)
    lists.close()
    book.close()
    return target.getvalue()


def window(pack: Pack) -> str:
    """Which time the workbook asks of."""
    return f"统计期 {pack.period_start} 至 {pack.period_end}；“当天的情况”指 {pack.state_date}。"


class _Lists:
    """Drop-downs: a short one stands in the cells' rule, a long one on a hidden sheet."""

    def __init__(self, book: Any) -> None:
        self._sheet = book.add_worksheet(LISTS_SHEET)
        self._places: dict[tuple[str, ...], str] = {}

    def rule(self, field: Field) -> dict[str, Any] | None:
        words = field.words or (("是", "否") if field.example == "是" else ())
        told = {"input_title": field.title[:32], "input_message": field.note[:_MESSAGE]}
        if not words:
            return {"validate": "any", **told}
        short = len(",".join(words)) <= _INLINE and not any("," in word or '"' in word for word in words)
        return {
            "validate": "list",
            "source": list(words) if short else self._source(words),
            "error_title": field.title[:32],
            "error_message": "请从下拉里选。",
            **told,
        }

    def _source(self, words: tuple[str, ...]) -> str:
        if words not in self._places:
            place = len(self._places)
            self._sheet.write_column(0, place, words)
            column = xlsxwriter.utility.xl_col_to_name(place, True)
            self._places[words] = f"='{LISTS_SHEET}'!{column}$1:{column}${len(words)}"
        return self._places[words]

    def close(self) -> None:
        self._sheet.hide()


def _write_notes(book: Any, register: Register, pack: Pack) -> None:
    """What every column asks, to be read and printed."""
    sheet = book.add_worksheet("填写说明")
    head = book.add_format({"bold": True, "bg_color": "#E2E2E2", "border": 1})
    wrapped = book.add_format({"text_wrap": True, "valign": "top", "border": 1})
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 90)
    general = (
        window(pack),
        "空着的格子不会改动系统里已有的内容。",
        "编号、代码和日期各列已设为文本，请不要改成数字，否则前面的 0 和后面的几位会丢失。",
        "同一个文件传两次不会重复登记。",
        "标着［K］的项目没有正式文件作依据，待县里核实。",
    )
    for row, line in enumerate(general):
        sheet.write_string(row, 0, line)
    start = len(general) + 1
    sheet.write_row(start, 0, ("列名", "怎么填"), head)
    for row, field in enumerate(fields_of(register, pack), start + 1):
        sheet.write_string(row, 0, field.title, wrapped)
        sheet.write_string(row, 1, field.note, wrapped)
