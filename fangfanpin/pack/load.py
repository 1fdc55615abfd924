"""Load a pack from its folder: read, extend, resolve, check; every fault at once."""

import datetime
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fangfanpin.pack import dictionary as d
from fangfanpin.pack.faults import PackFaults
from fangfanpin.pack.files import Reader
from fangfanpin.pack.indicators import Indicator
from fangfanpin.pack.logic import Logic
from fangfanpin.pack.model import ArchivePaper, LayoutColumn, Pack, RoleDefinition, Step, UpdateSection
from fangfanpin.pack.source import Entry, Source
from fangfanpin.pack.succession import RECODED_COLUMNS, RENAMED_COLUMNS, read_succession

SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
VERBS = frozenset(
    "household.view household.edit record.enter record.review record.approve record.unlock secret.reveal sensitive.view export.make "
    "import.roster sheet.print clue.answer clue.review clue.sample clue.assign transfer.tick question.answer act.household act.division "
    "campaign.view campaign.manage account.manage audit.view rule.manage system.admin".split()
)
LEVELS = frozenset("nation province city county township village".split())
METRICS = frozenset("reported collected entered clues_closed".split())  # what the system counts; `reported` is said by the units
_TABLES = {
    "lists.csv": d.LIST_COLUMNS,
    "indicators.csv": d.INDICATOR_COLUMNS,
    "parameters.csv": d.PARAMETER_COLUMNS,
    "synonyms.csv": d.SYNONYM_COLUMNS,
    "orderings.csv": d.ORDERING_COLUMNS,
    "left_out.csv": ("id", "reason"),
    "renamed.csv": RENAMED_COLUMNS,
    "recoded.csv": RECODED_COLUMNS,
}
_TOMLS = (
    "pack.toml", "forms.toml", "roles.toml", "plan.toml", "constraints.toml", "relevance.toml", "computations.toml", "rollups.toml", "apart.toml",
    "archive.toml", "layouts/roster.toml", "layouts/registers.toml", "layouts/year_update.toml",
)  # fmt: skip


def load_pack(directory: Path) -> Pack:
    """The pack of a folder, with what it extends (sibling folders). Raises PackFaults with every fault, file and line."""
    directory = directory.resolve()
    reader = Reader(directory.parent)
    loader = _Loader(Source(reader, _chain(reader, directory)))
    pack = loader.load()
    if reader.faults or pack is None:
        raise PackFaults(tuple(dict.fromkeys(reader.faults)))
    return pack


def _chain(reader: Reader, directory: Path) -> list[Path]:
    """The folders from the most basic pack to this one."""
    found: list[Path] = []
    current, named_by = directory, directory / "pack.toml"
    while True:
        path = current / "pack.toml"
        if not path.exists():
            line = reader.line_of(named_by, "extends") if found else 1
            reader.fault(reader.name(named_by), line, f"没有找到政策包“{current.name}”（缺少 {current.name}/pack.toml）", f"no pack {current.name}")
            raise PackFaults(tuple(reader.faults))
        if current in found:
            reader.fault(reader.name(named_by), reader.line_of(named_by, "extends"), "政策包互相继承，形成了循环", "packs extend each other")
            raise PackFaults(tuple(reader.faults))
        found.append(current)
        parent = reader.toml(path).get("extends")
        if parent is None:
            return list(reversed(found))
        if not isinstance(parent, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", parent):
            reader.fault(reader.name(path), reader.line_of(path, "extends"), f"extends 不能是“{parent}”，要是旁边文件夹的名称", "bad extends")
            raise PackFaults(tuple(reader.faults))
        current, named_by = reader.root / parent, path


class _Loader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.reader = source.reader

    def load(self) -> Pack | None:
        if not self.readable():
            return None
        source = self.source
        lists = d.read_lists(source)
        if d.lost_zeros(source, lists):
            return None
        indicators = d.read_indicators(source, lists)
        forms = d.read_forms(source, indicators)
        orderings = d.read_orderings(source, lists)
        parameters = d.read_parameters(source)
        schema = d.make_schema(forms, lists, parameters, orderings)
        logic = Logic(source, schema, indicators, forms)
        head = self.head()
        roles = self.roles()
        pack = Pack(
            id=head.text("id"),
            title=head.text("title_zh"),
            title_en=head.own_text("title_en"),
            chain=tuple(folder.name for folder in source.chain),
            hash="",
            form_year=head.year("form_year"),
            state_date=head.day("state_date"),
            period_start=head.day("period_start"),
            period_end=head.day("period_end"),
            division=head.text("division", ""),
            forms=forms,
            indicators=indicators,
            lists=lists,
            synonyms=d.read_synonyms(source, lists),
            orderings=orderings,
            parameters=parameters,
            plan=self.plan({role.key for role in roles}),
            roles=roles,
            rules=logic.rules(),
            screens=logic.screens(),
            constraints=logic.constraints(),
            relevance=logic.relevance(),
            computations=logic.computations(),
            rollups=logic.rollups(),
            apart=logic.apart(),
            roster=self.roster(indicators),
            register_headers=self.register_headers(indicators),
            year_update=self.year_update(indicators),
            archive=self.archive(),
            left_out={row["id"]: row["reason"] for row in source.rows("left_out.csv", ("id", "reason"))},
            succession=read_succession(source, indicators, lists, head.year("form_year")),
            _schema=schema,
        )
        head.check(pack)
        if self.reader.faults:
            return None
        canonical = json.dumps(pack.to_json() | {"hash": ""}, ensure_ascii=False, sort_keys=True)
        return replace(pack, hash=hashlib.sha256(canonical.encode()).hexdigest())

    def readable(self) -> bool:
        """Can every file be read at all? Otherwise those faults are told first: what hangs on them would only drown them."""
        for name, columns in _TABLES.items():
            self.source.rows(name, columns)
        for name in _TOMLS:
            self.source.tomls(name)
        for path in self.source.rule_files():
            self.reader.toml(path)
        for name in ("lists.csv", "indicators.csv"):
            if not any((folder / name).exists() for folder in self.source.chain):
                last = self.source.chain[-1] / "pack.toml"
                self.reader.broken(self.reader.name(last), 1, f"政策包缺少 {name}", f"the pack has no {name}")
        return not self.reader.unreadable

    def head(self) -> "_Head":
        return _Head(self.source)

    def plan(self, roles: set[str]) -> tuple[Step, ...]:
        """Stages of the last pack of the chain that has a plan: a county's plan replaces the nation's as a whole."""
        plans = [(path, data["stages"]) for path, data in self.source.tomls("plan.toml") if "stages" in data]
        if not plans:
            return ()
        path, stages = plans[-1]
        if not isinstance(stages, list):
            self.source.wrong(path, ("stages",), "阶段要写成 [[stages]]", "stages must be [[stages]]")
            return ()
        found: list[Step] = []
        seen: set[str] = set()
        for number, data in enumerate(stages, start=1):
            if not isinstance(data, dict) or not isinstance(data.get("key"), str):
                self.source.wrong(path, ("[[stages]]",) * number, f"第 {number} 个阶段缺少 key", f"stage {number} lacks key", 0)
                continue
            entry = Entry(path, data["key"], (*("[[stages]]",) * number, f'key = "{data["key"]}"'), data)
            if entry.key in seen:
                self.source.wrong(path, entry.near, f"阶段“{entry.key}”写了两次", f"stage {entry.key} given twice")
            seen.add(entry.key)
            self.source.only(entry, "key", "clause", "title", "title_en", "due", "metric", "roles")
            due, metric = self.due(entry), self.source.get(entry, "metric", str, "reported")
            if metric not in METRICS:
                choices = "、".join(sorted(METRICS))
                self.source.wrong(path, (*entry.near, "metric"), f"metric 不能是“{metric}”，只能是：{choices}", f"bad metric {metric}")
            responsible = self.source.get(entry, "roles", list, [])
            for role in responsible:
                if role not in roles:
                    self.source.wrong(path, (*entry.near, "roles"), f"roles.toml 里没有“{role}”这个岗位", f"unknown role {role}")
            title, clause = self.source.get(entry, "title", str), self.source.get(entry, "clause", str, "")
            if due is not None:
                found.append(Step(entry.key, title, due, metric, tuple(responsible), clause, self.source.get(entry, "title_en", str, "")))
        return tuple(found)

    def due(self, entry: Entry) -> datetime.datetime | None:
        """`2021-11-17 24:00` is the next midnight, exclusive; without a time it is 24:00."""
        text = str(entry.data.get("due", ""))
        match = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?: ([0-9]{2}):([0-9]{2}))?", text)
        try:
            if match is None:
                raise ValueError
            day = datetime.date.fromisoformat(match.group(1))
            hour, minute = int(match.group(2) or 24), int(match.group(3) or 0)
            if minute > 59 or hour * 60 + minute > 24 * 60:
                raise ValueError
        except ValueError:
            near = (*entry.near, "due") if "due" in entry.data else entry.near
            self.source.wrong(entry.path, near, f"截止时间“{text}”不对，应写成 2021-11-17 24:00", "bad due, write 2021-11-17 24:00")
            return None
        return datetime.datetime.combine(day, datetime.time(), SHANGHAI) + datetime.timedelta(hours=hour, minutes=minute)

    def roles(self) -> tuple[RoleDefinition, ...]:
        found: list[RoleDefinition] = []
        for entry in self.source.entries("roles.toml"):
            self.source.only(entry, "title", "title_en", "level", "verbs", "by_pairing")
            verbs, level = self.source.get(entry, "verbs", list), self.source.get(entry, "level", str)
            for verb in verbs:
                if verb not in VERBS:
                    self.source.wrong(entry.path, (*entry.near, "verbs", f'"{verb}"'), f"没有“{verb}”这项权限", f"unknown verb {verb}")
            if level and level not in LEVELS:
                self.source.wrong(
                    entry.path, (*entry.near, "level"), f"level 不能是“{level}”，只能是：{'、'.join(sorted(LEVELS))}", f"bad level {level}"
                )
            title, by_pairing = self.source.get(entry, "title", str), self.source.get(entry, "by_pairing", bool, False)
            title_en = self.source.get(entry, "title_en", str, "")
            found.append(RoleDefinition(entry.key, title, level, frozenset(verbs), by_pairing, title_en))
        return tuple(found)

    def roster(self, indicators: Mapping[str, Indicator]) -> tuple[LayoutColumn, ...]:
        """Headers of an import: every item's own name, the layout's synonyms before it; the county's replace the nation's of the same item."""
        forms: list[str] = []
        required: set[str] = set()
        headers: dict[str, list[str]] = {}
        known_forms = {indicator.form for indicator in indicators.values()}
        for path, key, value in self.source.every("layouts/roster.toml"):
            if key in ("forms", "required"):
                names = self.source.texts(path, (f"{key} =",), value)
                for name in names:
                    if name not in (indicators if key == "required" else known_forms):
                        self.source.wrong(path, (f"{key} =", f'"{name}"'), f"没有指标或表“{name}”", f"unknown item {name}")
                if key == "forms":
                    forms = names
                else:
                    required = set(names)
            elif key == "headers" and isinstance(value, dict):
                for name, words in value.items():
                    near = ("[headers]", f'"{name}"')
                    if name not in indicators:
                        self.source.wrong(path, near, f"没有指标“{name}”", f"unknown item {name}")
                    headers[name] = self.source.texts(path, near, words)
            else:
                self.source.wrong(path, (key,), f"不认识“{key}”，只能是 forms、required 或 [headers]", f"unknown key {key}")
        return tuple(
            LayoutColumn(
                indicator.form,
                indicator.name,
                tuple(dict.fromkeys([*headers.get(key, []), indicator.zh, *([indicator.national_id] if indicator.national_id else [])])),
                key in required,
            )
            for key, indicator in indicators.items()
            if indicator.form in forms
        )

    def register_headers(self, indicators: Mapping[str, Indicator]) -> dict[str, tuple[str, ...]]:
        """Headers of registers' files other than an item's own name, by item; the county's replace the nation's of the same item."""
        found: dict[str, tuple[str, ...]] = {}
        for path, key, value in self.source.every("layouts/registers.toml"):
            if key != "headers" or not isinstance(value, dict):
                self.source.wrong(path, (key,), f"不认识“{key}”，只能是 [headers]", f"unknown key {key}")
                continue
            for name, words in value.items():
                near = ("[headers]", f'"{name}"')
                if name not in indicators:
                    self.source.wrong(path, near, f"没有指标“{name}”", f"unknown item {name}")
                found[name] = tuple(self.source.texts(path, near, words))
        return found

    def year_update(self, indicators: Mapping[str, Indicator]) -> tuple[UpdateSection, ...]:
        """The national module's order; the county's section replaces the nation's of the same form and title."""
        found: dict[tuple[str, str], UpdateSection] = {}
        for path, key, value in self.source.every("layouts/year_update.toml"):
            if key != "sections" or not isinstance(value, list):
                self.source.wrong(path, (key,), f"不认识“{key}”，只能是 [[sections]]", f"unknown key {key}")
                continue
            for data in value:
                if not isinstance(data, dict) or not {"form", "title", "items"} <= set(data):
                    self.source.wrong(path, ("[[sections]]",), "每个 section 都要有 form、title 和 items", "a section needs form, title and items")
                    continue
                form, title = str(data["form"]), str(data["title"])
                near = (f'title = "{title}"',)
                items = self.source.texts(path, (*near, "items"), data["items"])
                for name in items:
                    if f"{form}.{name}" not in indicators:
                        self.source.wrong(path, (*near, f'"{name}"'), f"没有指标“{form}.{name}”", f"unknown item {name}")
                found[form, title] = UpdateSection(form, title, tuple(items), str(data.get("title_en", "")))
        return tuple(found.values())

    def archive(self) -> tuple[ArchivePaper, ...]:
        found: list[ArchivePaper] = []
        for entry in self.source.entries("archive.toml"):
            self.source.only(entry, "title", "title_en", "applies_to", "source")
            applies_to = self.source.get(entry, "applies_to", str, "all")
            if applies_to not in ("all", "monitored"):
                self.source.wrong(
                    entry.path, (*entry.near, "applies_to"), f"applies_to 只能是 all 或 monitored，不是“{applies_to}”", "bad applies_to"
                )
            found.append(
                ArchivePaper(
                    key=entry.key,
                    title=self.source.get(entry, "title", str),
                    applies_to=applies_to,
                    source=self.source.get(entry, "source", str, "paper"),
                    title_en=self.source.get(entry, "title_en", str, ""),
                )
            )
        return tuple(found)


class _Head:
    """pack.toml: who the pack is and what year it speaks of. `id`, titles and `extends` are each folder's own."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.last = source.chain[-1] / "pack.toml"
        self.found: dict[str, tuple[Path, Any]] = {key: (path, value) for path, key, value in source.values("pack.toml")}

    def value(self, key: str) -> tuple[Path, Any]:
        if key not in self.found:
            self.source.wrong(self.last, (), f"pack.toml 缺少 {key}", f"pack.toml lacks {key}")
            return self.last, None
        return self.found[key]

    def text(self, key: str, default: str | None = None) -> str:
        if default is not None and key not in self.found:
            return default
        path, value = self.value(key)
        if value is not None and not isinstance(value, str):
            self.source.wrong(path, (f"{key} =",), f"{key} 要是带引号的文字", f"{key} must be text")
        return str(value or "")

    def own_text(self, key: str) -> str:
        """A text that this folder says itself: the nation's English title is none of the county's."""
        return self.text(key) if key in self.found and self.found[key][0] == self.last else ""

    def year(self, key: str) -> int:
        path, value = self.value(key)
        if value is None:
            return 2000
        if not isinstance(value, int) or not 2000 <= value <= 2100:
            self.source.wrong(path, (f"{key} =",), f"{key} 要是四位年份，不是“{value}”", f"{key} must be a year")
            return 2000
        return value

    def day(self, key: str) -> datetime.date:
        path, value = self.value(key)
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            return value
        if value is not None:
            self.source.wrong(path, (f"{key} =",), f"{key} 的“{value}”不是日期，应写成 2021-09-30（不带引号）", f"{key} is not a date")
        return datetime.date(2000, 1, 1)

    def check(self, pack: Pack) -> None:
        if pack.id and pack.id != pack.chain[-1]:
            self.source.wrong(self.last, ("id =",), f"id“{pack.id}”要和文件夹名“{pack.chain[-1]}”一样", "the id must be the folder's name")
        if pack.period_start > pack.period_end:
            path, _value = self.found.get("period_start", (self.last, None))
            self.source.wrong(path, ("period_start =",), "统计期的开始晚于结束", "the period ends before it starts")
        if pack.division and not re.fullmatch(r"[0-9]{2}|[0-9]{4}|[0-9]{6}", pack.division):
            path, _value = self.found["division"]
            self.source.wrong(path, ("division =",), f"division 要是 2、4 或 6 位区划代码，不是“{pack.division}”", "bad division")
