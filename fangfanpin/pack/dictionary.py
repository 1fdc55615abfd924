"""The dictionary of a pack: code lists, indicators, forms, parameters, and the schema that expressions are checked against."""

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from fangfanpin.expressions import Bool, Code, Date, Int, Number, Relation, Schema, Table, Text, Type
from fangfanpin.pack.files import Row
from fangfanpin.pack.indicators import Indicator, ListItem
from fangfanpin.pack.model import Form, Months, Parameter, Section
from fangfanpin.pack.source import Entry, Source
from fangfanpin.pack.units import UNITS

TYPES = frozenset("text int money area_mu decimal code bool date month year phone ref image signature point secret_number".split())
KINDS = frozenset("period as_of fixed admin".split())
HOMES = frozenset("subject record computed spell typed".split())
PRIVACY = frozenset("none sensitive secret".split())
SUBJECTS = frozenset("household person spell village natural_village unit none".split())
PERIODS = frozenset("year month round event".split())
MARKS = frozenset("column filter sort search label unique".split())
SUBJECT_REFS = frozenset("household person village natural_village division user".split())
LIST_COLUMNS = ("list", "code", "zh")
INDICATOR_COLUMNS = (
    "form name zh number national_id type unit scale list kind home privacy multi section retired verified source note".split()
)  # fmt: skip
PARAMETER_COLUMNS = ("name", "type", "unit", "valid_from", "value", "source", "verified")
SYNONYM_COLUMNS = ("list", "word", "code")
ORDERING_COLUMNS = ("ordering", "list", "code", "rank")
_SCALED = frozenset({"money", "area_mu", "decimal"})
_SEVERAL = frozenset({"code", "ref", "image", "signature"})  # types of which one item may hold several values
_NAMING = frozenset({"text", "phone", "code", "date", "month", "year", "int"})  # types whose value as kept, or its word, may name a row
_FACTS: Mapping[str, Mapping[str, Type]] = {
    "person": {
        "id_form": Text(), "id_check_ok": Bool(), "id_birth": Date(), "id_sex": Code("sex"), "id_region_known": Bool(),
        "id_placeholder": Bool(), "id18_digest": Text(), "card_check_ok": Bool(), "card_category": Code("disability_category"),
        "card_grade": Code("disability_grade"), "card_reissue_ok": Bool(), "card_matches_id": Bool(), "row_id": Text(),
    },
    "household": {"bank_luhn_ok": Bool(), "office_lat": Number("degree", 6), "office_lon": Number("degree", 6)},
    "row": {"row_id": Text()},  # of a register; ids are what references hold
    "village": {"division_changed_on": Date()},
    "natural_village": {"division_changed_on": Date()},
}  # fmt: skip
# Where the village's office stands, of its yearly table: who reaches single households does not see that.
SWEPT = frozenset({"office_lat", "office_lon"})
# Of a form with typed columns of its own, the items that have one; the rest is collected and not kept yet.
TYPED: Mapping[str, tuple[str, ...]] = {"helper_pairing": ("helper_name", "helper_unit", "unit_position", "is_main", "start_on", "end_on")}
_NOT_COLUMNS = frozenset({"secret_number"})
CONSTANTS: Mapping[str, Type] = {
    "state_date": Date(), "period_start": Date(), "period_end": Date(), "school_date": Date(), "form_year": Int(), "today": Date(),
    "division": Text(),
}  # fmt: skip
_SPELL_FORMS = ("monitoring_spell", "spell_identification", "spell_elimination")
_MAX = 10**13


def read_lists(source: Source) -> dict[str, tuple[ListItem, ...]]:
    """Every code list. A code of the county's pack replaces the nation's of the same code."""
    found: dict[str, dict[str, ListItem]] = {}
    rows = source.rows("lists.csv", LIST_COLUMNS)
    seen: set[tuple[str, str, str]] = set()
    widths: dict[str, int] = {}
    for row in rows:
        if row["code"].startswith("0") and row["code"].isdigit():
            widths[row["list"]] = max(widths.get(row["list"], 0), len(row["code"]))
    for row in rows:
        key = (row.file, row["list"], row["code"])
        if not row["list"] or not row["code"] or not row["zh"]:
            source.reader.fault(row.file, row.line, "清单名、代码和中文都要填", "list, code and zh are needed")
            continue
        if key in seen:
            source.reader.fault(row.file, row.line, f"“{row['list']}”的代码“{row['code']}”写了两次", "code given twice")
            continue
        seen.add(key)
        if row["code"].isdigit() and len(row["code"]) < widths.get(row["list"], 0):
            source.reader.fault(row.file, row.line, f"代码“{row['code']}”比同清单的短，前面的 0 可能被 Excel 去掉了", "leading zero lost in Excel")
        found.setdefault(row["list"], {})[row["code"]] = ListItem(row["code"], row["zh"], row["en"], row["note"])
    return {name: tuple(items.values()) for name, items in found.items()}


def lost_zeros(source: Source, lists: Mapping[str, tuple[ListItem, ...]]) -> bool:
    """Did Excel take the leading zeros of whole lists? Nothing within such a list shows it, but the rest of the pack still names its codes
    with the zero. One fault tells it, and the many that hang on it are not told."""
    codes = {name: {item.code for item in items} for name, items in lists.items()}
    lost: dict[str, str] = {}
    for name, code in _codes_named(source):
        known = codes.get(name, set())
        is_bare = not any(re.fullmatch("0[0-9]+", one) for one in known)
        if re.fullmatch("0[0-9]+", code) and is_bare and code not in known and str(int(code)) in known:
            lost.setdefault(name, code)
    if not lost:
        return False
    name, code = next(iter(lost.items()))
    row = next(row for row in source.rows("lists.csv", LIST_COLUMNS) if row["list"] in lost)
    more = "等清单" if len(lost) > 1 else ""
    source.reader.fault(
        row.file,
        row.line,
        f"“{name}”{more}的代码前面的 0 被 Excel 去掉了（别处写的是“{code}”，这里只有“{int(code)}”）：请恢复原来的文件，"
        "用文本编辑器改；或在 Excel 里从“数据 - 从文本/CSV”导入，把 code 列设为文本，再另存为“CSV UTF-8（逗号分隔）”",
        "Excel dropped the leading zeros of the codes: restore the file, edit it as text",
    )
    return True


def _codes_named(source: Source) -> Iterable[tuple[str, str]]:
    """(list, code) as synonyms and orderings name them, and as expressions do beside an item of that list."""
    for name, columns in (("synonyms.csv", SYNONYM_COLUMNS), ("orderings.csv", ORDERING_COLUMNS)):
        for row in source.rows(name, columns):
            yield row["list"], row["code"]
    items = {row["name"]: row["list"] for row in source.rows("indicators.csv", INDICATOR_COLUMNS) if row["type"] == "code"}
    tables = [data for name in ("constraints.toml", "relevance.toml", "computations.toml") for _path, data in source.tomls(name)]
    tables += [source.reader.toml(path) for path in source.rule_files()]
    for expression in (value for table in tables for entry in table.values() if isinstance(entry, dict) for value in entry.values()):
        for code in re.findall(r"'(0[0-9]+)'", expression) if isinstance(expression, str) else ():
            for item in set(re.findall(r"[a-z][a-z0-9_]*", expression)) & items.keys():
                yield items[item], code


def read_synonyms(source: Source, lists: Mapping[str, tuple[ListItem, ...]]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for row in source.rows("synonyms.csv", SYNONYM_COLUMNS):
        _known_code(source, row, lists)
        found[row["list"], row["word"]] = row["code"]
    return found


def read_orderings(source: Source, lists: Mapping[str, tuple[ListItem, ...]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in source.rows("orderings.csv", ORDERING_COLUMNS):
        _known_code(source, row, lists)
        if not re.fullmatch(r"[0-9]{1,6}", row["rank"]):
            source.reader.fault(row.file, row.line, f"rank 要是整数，不是“{row['rank']}”", "rank is not a whole number")
            continue
        found.setdefault(row["ordering"], {})[row["code"]] = int(row["rank"])
    return found


def _known_code(source: Source, row: Any, lists: Mapping[str, tuple[ListItem, ...]]) -> None:
    if row["list"] not in lists:
        source.reader.fault(row.file, row.line, f"没有“{row['list']}”这个清单", f"no list {row['list']}")
    elif row["code"] not in {item.code for item in lists[row["list"]]}:
        source.reader.fault(row.file, row.line, f"“{row['list']}”里没有代码“{row['code']}”", "unknown code")


def read_parameters(source: Source) -> tuple[Parameter, ...]:
    """A row without a value names a parameter that nobody has found a value for yet: it is not guessed. The county's value of a day replaces
    the nation's. Words for a parameter stand at any of its rows."""
    found: dict[tuple[str, datetime.date], Parameter] = {}
    words: dict[str, tuple[str, str]] = {}
    seen: set[tuple[str, str, str]] = set()
    for row in source.rows("parameters.csv", PARAMETER_COLUMNS):
        if (row.file, row["name"], row["valid_from"]) in seen:
            source.reader.fault(row.file, row.line, f"参数“{row['name']}”在同一天写了两次", "parameter given twice")
        seen.add((row.file, row["name"], row["valid_from"]))
        if row["zh"]:
            words[row["name"]] = row["zh"], row["en"]
        if row["type"] not in ("money", "int"):
            source.reader.fault(row.file, row.line, f"参数类型不能是“{row['type']}”，只能是 money 或 int", "bad type of parameter")
            continue
        _check_unit(source, row)
        try:
            valid_from = datetime.date.fromisoformat(row["valid_from"])
        except ValueError:
            source.reader.fault(row.file, row.line, f"起始日期“{row['valid_from']}”不对，应写成 2021-01-01", "bad date")
            continue
        if not row["value"]:
            continue
        scale = 2 if row["type"] == "money" else 0
        try:
            held = Decimal(row["value"]).scaleb(scale)
        except InvalidOperation:
            held = Decimal("NaN")
        if not held.is_finite() or held != held.to_integral_value() or abs(held) >= _MAX:
            source.reader.fault(row.file, row.line, f"参数的值“{row['value']}”不对，要是数字，最多 {scale} 位小数", "bad value")
            continue
        found[row["name"], valid_from] = Parameter(
            row["name"], row["type"], row["unit"], valid_from, int(held), row["verified"] == "yes", row["source"], row["note"], row["name"]
        )
    return tuple(replace(one, title=words[one.name][0], title_en=words[one.name][1]) if one.name in words else one for one in found.values())


def _check_unit(source: Source, row: Row) -> None:
    if row["unit"] and row["unit"] not in UNITS:
        source.reader.fault(row.file, row.line, f"unit 不能是“{row['unit']}”，只能是：空、{'、'.join(sorted(UNITS))}", "unknown unit")


def read_indicators(source: Source, lists: Mapping[str, object]) -> dict[str, Indicator]:
    """Every item by `form.name`. The county's row replaces the nation's of the same item."""
    found: dict[str, Indicator] = {}
    owner: dict[str, str] = {}
    for row in source.rows("indicators.csv", INDICATOR_COLUMNS):
        key = f"{row['form']}.{row['name']}"
        before = len(source.reader.faults)

        def fault(zh: str, en: str, row: Any = row) -> None:
            source.reader.fault(row.file, row.line, zh, en)

        if owner.get(key) == row.file:
            fault(f"指标“{key}”写了两次", f"{key} given twice")
        owner[key] = row.file
        if not re.fullmatch(r"[a-z][a-z0-9_]*", row["name"]) or not row["zh"]:
            fault("指标名只能用小写字母、数字和下划线，并要有中文名", "bad name or no Chinese name")
        for column, allowed in (("type", TYPES), ("kind", KINDS), ("home", HOMES), ("privacy", PRIVACY), ("multi", {"", "1"})):
            if row[column] not in allowed:
                choices = "、".join(word or "空" for word in sorted(allowed))
                fault(f"{column} 不能是“{row[column]}”，只能是：{choices}", f"bad {column}")
        if not re.fullmatch(r"([0-9]{4})?", row["retired"]):
            fault(f"retired 要是停用的年份（四位数字）或留空，不是“{row['retired']}”", "retired is a year or nothing")
        if row["verified"] not in ("yes", "no"):
            fault(f"verified 只能是 yes 或 no，不是“{row['verified']}”", "bad verified")
        if row["type"] == "code" and row["list"] not in lists:
            fault(f"没有“{row['list']}”这个清单", f"no list {row['list']}")
        if row["type"] == "ref" and row["list"] not in ("", "divisions"):
            fault(f"ref 的清单只能是 divisions 或留空，不是“{row['list']}”", "the list of a ref is divisions or nothing")
        if row["scale"] and not re.fullmatch(r"[0-6]", row["scale"]):
            fault(f"scale 要是 0 到 6 的数字，不是“{row['scale']}”", "scale is not a number from 0 to 6")
        elif (row["type"] in _SCALED) != bool(row["scale"]):
            fault("金额、面积和小数要写 scale（小数位数），其他类型不写", "scale belongs to money, areas and decimals")
        if row["type"] == "secret_number" and row["privacy"] != "secret":
            fault("证件号一类的指标，privacy 要是 secret", "a secret number must have privacy secret")
        marks = frozenset(row["lists"].split())
        if unknown := sorted(marks - MARKS):
            fault(f"lists 里不认识“{unknown[0]}”，只能是：{'、'.join(sorted(MARKS))}", f"unknown mark {unknown[0]}")
        if row["multi"] == "1" and row["type"] not in _SEVERAL:
            fault(f"类型 {row['type']} 只能有一个值，multi 只用于 {'、'.join(sorted(_SEVERAL))}", f"an item of type {row['type']} has one value")
        if row["ref"] and row["type"] != "ref":
            fault("只有类型是 ref 的指标才写 ref", "ref belongs to items of type ref")
        _check_unit(source, row)
        if len(source.reader.faults) > before:
            source.doubtful.add(row["name"])
        found[key] = Indicator(
            form=row["form"],
            name=row["name"],
            zh=row["zh"],
            number=row["number"],
            national_id=row["national_id"],
            type=row["type"],
            unit=row["unit"],
            scale=int(row["scale"]) if re.fullmatch(r"[0-6]", row["scale"]) else 0,
            list=row["list"],
            kind=row["kind"],
            home=row["home"],
            privacy=row["privacy"],
            multi=row["multi"] == "1",
            section=row["section"],
            retired=bool(row["retired"]),
            verified=row["verified"] == "yes",
            source=row["source"],
            note=row["note"],
            ref=row["ref"],
            marks=marks & MARKS,
            en=row["en"],
            part_of=row["part_of"],
        )
    for key, indicator in found.items():
        if indicator.part_of and f"{indicator.form}.{indicator.part_of}" not in found:
            row = next(row for row in source.rows("indicators.csv", INDICATOR_COLUMNS) if f"{row['form']}.{row['name']}" == key)
            source.reader.fault(row.file, row.line, f"part_of 里没有指标“{indicator.part_of}”", f"unknown item {indicator.part_of}")
    return found


def read_forms(source: Source, indicators: Mapping[str, Indicator]) -> dict[str, Form]:
    """Forms in the order in which the dictionary first names them."""
    by_form: dict[str, list[Indicator]] = {}
    for indicator in indicators.values():
        by_form.setdefault(indicator.form, []).append(indicator)
    entries = {entry.key: entry for entry in source.entries("forms.toml")}
    found: dict[str, Form] = {}
    for key, items in by_form.items():
        if key not in entries:
            row = next(row for row in source.rows("indicators.csv", INDICATOR_COLUMNS) if row["form"] == key)
            source.reader.fault(row.file, row.line, f"forms.toml 里没有“{key}”这张表", f"forms.toml lacks {key}")
            continue
        found[key] = _form(source, entries[key], items)
    targets = SUBJECT_REFS | {form.key for form in found.values() if form.is_register}
    rows = {f"{row['form']}.{row['name']}": row for row in source.rows("indicators.csv", INDICATOR_COLUMNS)}
    for form in found.values():
        for item in form.indicators:
            for zh, en in _wrong_reference(item, form, targets):
                source.reader.fault(rows[item.key].file, rows[item.key].line, zh, en)
        for zh, en in _wrong_months(form, indicators):
            source.wrong(entries[form.key].path, (*entries[form.key].near, "months"), zh, en)
        if form.is_register:
            _check_register(source, entries[form.key], form, rows)
        if form.relation:
            _check_relation(source, entries[form.key], form, found)
    return found


def _check_relation(source: Source, entry: Entry, form: Form, forms: Mapping[str, Form]) -> None:
    near = (*entry.near, "relation")
    if not form.is_register and form.key not in TYPED:
        source.wrong(entry.path, near, "只有台账可以写 relation", "only a register has a relation")
    elif not form.belongs and not form.mentions:
        source.wrong(entry.path, near, "没有指向户或人的 ref，不能写 relation", "a relation needs a reference to a household or a person")
    names = [*_BASE_RELATIONS, *(other.relation for other in forms.values() if other is not form)]
    if form.relation in names or not _RELATION.fullmatch(form.relation):
        source.wrong(entry.path, near, f"relation 不能是“{form.relation}”：重名或不是小写字母", f"bad relation {form.relation}")


def _wrong_reference(item: Indicator, form: Form, targets: frozenset[str]) -> Iterator[tuple[str, str]]:
    if item.ref and item.ref not in targets:
        yield f"ref 指向的“{item.ref}”不存在，只能是：{'、'.join(sorted(targets))}", f"unknown target {item.ref}"
    if form.is_register and item.type == "ref" and not item.ref and not item.retired:
        yield "台账里的 ref 要写明指向什么", "a reference of a register needs its target"
    if item.marks and not form.is_register:
        yield f"“{form.key}”不是台账，指标不能写 lists", f"{form.key} is no register, its items carry no lists"


def _check_register(source: Source, entry: Entry, form: Form, rows: Mapping[str, Any]) -> None:
    """What a register must have so that its pages can be made of it."""
    if form.subject not in _SUBJECT_ITEM:
        zh, en = "台账的对象只能是户、人、村、自然村或无（按村归属）", "a register is about a household, person, village, natural village or none"
        source.wrong(entry.path, (*entry.near, "subject"), zh, en)
    elif subject_item(form) is None:
        zh, en = "台账要有一项指明登记对象（户、人、村或自然村）的 ref", "a register needs the reference that names its subject"
        source.wrong(entry.path, entry.near, zh, en)
    used: dict[str, int] = {}
    for item in form.indicators:
        for zh, en in _wrong_mark(item, form, used) if not item.retired else ():
            source.reader.fault(rows[item.key].file, rows[item.key].line, zh, en)


def _wrong_mark(item: Indicator, form: Form, used: dict[str, int]) -> Iterator[tuple[str, str]]:
    """`used`: typed columns taken so far, by kind."""
    if item.type == "secret_number" and (item.marks or item.multi or item.home != "record"):
        yield "台账里的证件号不能进列表，也不能多选", "a register's secret number stands in no list and is one value"
        return
    if item.marks - {"column"} and item.type in ("image", "signature", "point"):
        yield "照片、签字和位置在列表里只能显示（column）", "an image, a signature or a point is only shown in lists (column)"
        return
    if "label" in item.marks and (item.type not in _NAMING or item.multi or item.privacy != "none"):
        yield (
            "label 只用于不敏感的文字、电话、代码、日期、年月、年份和整数，一个值",
            "a label is one plain text, phone, code, day, month, year or whole number",
        )
    if not item.marks & SLOT_MARKS:
        return
    kind = slot_kind(item)
    if kind is None:
        yield "可多选的指标不能用来筛选、排序或判重", "several values cannot be filtered or sorted"
        return
    if "search" in item.marks and item.type not in ("text", "phone"):
        yield "search 只用于文字和电话，别的用 filter", "only a text or a phone is searched, the rest is filtered"
    if "sort" in item.marks and item.type == "ref" and item.ref not in ("division", *PLACES):
        yield "引用按内部编号存，不能排序", "a reference is kept by its id and cannot be sorted"
    if item.privacy != "none":
        yield "敏感的指标不能用来筛选、排序或判重", "a sensitive item cannot be filtered or sorted"
    used[kind] = used.get(kind, 0) + 1
    if used[kind] == SLOTS[kind] + 1:
        yield f"“{form.title}”里这一类可筛选、可排序的指标最多 {SLOTS[kind]} 个", f"at most {SLOTS[kind]} marked items of this kind"


# How many marked items of a kind a register may have: the typed columns beside its rows. `text` holds codes and references by code too.
SLOTS: Mapping[str, int] = {"text": 10, "number": 8, "day": 6, "flag": 4}
SLOT_MARKS = frozenset({"filter", "sort", "search", "unique"})
_SUBJECT_ITEM = {"household": "household", "person": "person", "none": "village", "village": "village", "natural_village": "natural_village"}
PLACES = ("natural_village", "village")  # subjects that are a division: their tables are kept once a year, their computed items are roll-ups


def slot_kind(item: Indicator) -> str | None:
    """The kind of typed column that holds an item for lists; None where none can."""
    if item.multi:
        return None
    match item.type:
        case "text" | "code" | "phone" | "ref":
            return "text"
        case "money" | "area_mu" | "decimal" | "int" | "year":
            return "number"
        case "date" | "month":
            return "day"
        case "bool":
            return "flag"
        case _:
            return None


def subject_item(form: Form) -> Indicator | None:
    """The reference that says whose row it is: the first to a household, a person or, for a register of none, a village."""
    return next((item for item in form.indicators if item.ref == _SUBJECT_ITEM.get(form.subject) and not item.multi), None)


def _form(source: Source, entry: Entry, items: list[Indicator]) -> Form:
    key = entry.key
    source.only(entry, "title", "title_en", "subject", "period", "sections", "sum_groups", "register", "relation", "span", "months")
    given = entry.data.get("sections", [])
    sections = [data for data in given if isinstance(data, dict) and "key" in data and "title" in data] if isinstance(given, list) else []
    if not isinstance(given, list) or len(sections) != len(given):
        source.wrong(entry.path, (*entry.near, "sections"), "每个 section 都要有 key 和 title", "a section needs key and title")
    known = {str(data["key"]): data for data in sections} or {"main": {"key": "main", "title": ""}}
    rows = {row["name"]: row for row in source.rows("indicators.csv", INDICATOR_COLUMNS) if row["form"] == key}
    for indicator in items:
        if indicator.section not in known:
            row = rows[indicator.name]
            source.reader.fault(
                row.file, row.line, f"“{indicator.zh}”的 section“{indicator.section}”不在 forms.toml 里", f"unknown section {indicator.section}"
            )
    names = {indicator.name for indicator in items}
    groups: list[frozenset[str]] = []
    given = entry.data.get("sum_groups", [])
    if not isinstance(given, list):
        source.wrong(entry.path, (*entry.near, "sum_groups"), "sum_groups 要是列表的列表", "sum_groups must be a list of lists")
        given = []
    for names_together in given:
        group = source.texts(entry.path, (*entry.near, "sum_groups"), names_together)
        for name in group:
            if name not in names:
                source.wrong(entry.path, (*entry.near, "sum_groups", f'"{name}"'), f"sum_groups 里没有指标“{name}”", f"unknown item {name}")
        groups.append(frozenset(group))
    subject, period = source.get(entry, "subject", str), source.get(entry, "period", str, "year")
    for word, allowed, name in ((subject, SUBJECTS, "subject"), (period, PERIODS, "period")):
        if word and word not in allowed:
            source.wrong(entry.path, (*entry.near, name), f"{name} 不能是“{word}”，只能是：{'、'.join(sorted(allowed))}", f"bad {name}")
    return Form(
        key=key,
        title=source.get(entry, "title", str),
        subject=subject,
        period=period,
        sections=tuple(_section(data, items) for data in known.values()),
        indicators=tuple(items),
        sum_groups=tuple(groups),
        is_register=source.get(entry, "register", bool, False),
        relation=source.get(entry, "relation", str, ""),
        title_en=source.get(entry, "title_en", str, ""),
        span=_span(source, entry, items),
        months=_months(source, entry),
    )


def _span(source: Source, entry: Entry, items: list[Indicator]) -> tuple[str, str] | None:
    """The two items between which a row of a register stands."""
    if "span" not in entry.data:
        return None
    names = source.texts(entry.path, (*entry.near, "span"), entry.data["span"])
    types = [item.type for name in names for item in items if item.name == name]
    if len(types) != 2 or types[0] != types[1] or types[0] not in ("date", "month") or not entry.data.get("register"):
        zh = "span 要是本台账的两个日期或月份指标：从哪一项到哪一项"
        source.wrong(entry.path, (*entry.near, "span"), zh, "span names two dates or months of a register: from and to")
        return None
    return names[0], names[1]


def _months(source: Source, entry: Entry) -> Months | None:
    given = source.get(entry, "months", dict, {})
    if not given:
        return None
    names = [str(given.get(slot.name, "")) for slot in fields(Months)]
    if set(given) != {slot.name for slot in fields(Months)}:
        wanted = "、".join(slot.name for slot in fields(Months))
        source.wrong(entry.path, (*entry.near, "months"), f"months 要写明 {wanted}", "months needs five items")
        return None
    return Months(*names)


def _wrong_months(form: Form, indicators: Mapping[str, Indicator]) -> Iterator[tuple[str, str]]:
    """Are the items there, of the types that can be counted? Of persons' registers only."""
    if (months := form.months) is None:
        return
    wanted = (
        (f"{form.key}.{months.start}", "month"), (f"{form.key}.{months.end}", "month"), (f"{form.key}.{months.amount}", "money"),
        (f"person_year.{months.typed_months}", ""), (f"household_year.{months.typed_amount}", "money"),
    )  # fmt: skip
    if not form.is_register or form.subject != "person":
        yield "months 只能写在人的台账里", "months belongs to a register of persons"
    for key, type_ in wanted:
        if key not in indicators or (type_ and indicators[key].type != type_):
            yield f"months 里的“{key}”不是这里能用的指标", f"bad item {key}"


def _section(data: Mapping[str, Any], items: list[Indicator]) -> Section:
    mine = [item for item in items if item.section == data["key"]]
    kinds = {item.kind for item in mine if item.kind in ("period", "as_of", "fixed")}
    kind = "period" if kinds == {"period"} else "mixed" if "period" in kinds else "as_of"
    return Section(
        key=str(data["key"]),
        title=str(data["title"]),
        items=tuple(item.name for item in mine),
        tickable=bool(data.get("tickable")),
        kind=kind,
        title_en=str(data.get("title_en", "")),
    )


_RELATION = re.compile(r"[a-z][a-z_]*")
_BASE_RELATIONS: dict[str, Relation] = {
    "members": Relation("members", "person", live_only=True),
    "all_members": Relation("all_members", "person"),
    "spells": Relation("spells", "spell"),
}


def make_schema(
    forms: Mapping[str, Form],
    lists: Mapping[str, tuple[ListItem, ...]],
    parameters: Iterable[Parameter],
    orderings: Mapping[str, Mapping[str, int]],
) -> Schema:
    """What expressions of the pack may name."""

    def columns(*keys: str) -> dict[str, Type]:
        items = [item for key in keys if key in forms for item in forms[key].indicators]
        return {item.name: item.engine_type() for item in items if item.type not in _NOT_COLUMNS and not (item.type == "ref" and item.multi)}

    def typed(key: str) -> dict[str, Type]:
        return {name: type_ for name, type_ in columns(key).items() if name in TYPED[key]}

    def register(form: Form) -> Table:
        facts = dict(_FACTS["row"]) | (dict(_FACTS[form.subject]) if form.is_yearly_of_place else {})
        relations = _relations(form, forms) if form.subject in PLACES else None
        of_household = form.subject in ("household", "person")
        return Table(form.key, columns(form.key) | facts, has_last=form.is_yearly_of_place, of_household=of_household, relations=relations)

    return Schema(
        subjects={
            "household": Table("household", columns("household_year") | dict(_FACTS["household"]), swept=SWEPT),
            "person": Table("person", columns("person_year") | dict(_FACTS["person"])),
            "spell": Table("spell", columns(*_SPELL_FORMS), has_last=False),
            **{form.key: register(form) for form in forms.values() if form.is_register},
            **{key: Table(key, typed(key), has_last=False) for key in TYPED if key in forms},
        },
        relations=_BASE_RELATIONS
        | {form.relation: Relation(form.relation, form.key, by="" if form.belongs else form.mentions) for form in forms.values() if form.relation},
        lists={name: {item.code: item.zh for item in items} for name, items in lists.items()},
        params={p.name: Number(p.unit, 2) if p.type == "money" else Int() for p in parameters},
        constants=CONSTANTS,
        orderings=orderings,
    )


def _relations(form: Form, forms: Mapping[str, Form]) -> dict[str, Relation]:
    """What a village's or natural village's rows count over: its households and their members, the natural villages of a village, and the
    rows of every register that belong to it."""
    key = f"{form.subject}_key"
    found = {
        "households": Relation("households", "household", key=key),
        "members": Relation("members", "person", live_only=True, key=key),
        "all_members": Relation("all_members", "person", key=key),
        "spells": Relation("spells", "spell", key=key),
    }
    own = ("household", "person", *PLACES, "none") if form.subject == "village" else ("household", "person", "natural_village")
    for other in forms.values():
        if other.is_register and other.subject in own and other.key != form.key:
            found[other.key] = Relation(other.key, other.key, key=key)
            if form.subject == "village" and other.subject == "natural_village" and other.is_yearly_of_place:
                found.setdefault("natural_villages", Relation("natural_villages", other.key, key=key))
    return found
