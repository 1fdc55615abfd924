"""Load a pack from its folder: read, extend, resolve, check; every fault at once."""

import datetime
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fangfanpin.expressions import (
    Bool,
    Code,
    Date,
    Expression,
    ExpressionFaults,
    Int,
    Number,
    Relation,
    Schema,
    Table,
    Text,
    Type,
    check,
)
from fangfanpin.pack.faults import PackFaults
from fangfanpin.pack.files import Reader, Row
from fangfanpin.pack.indicators import Indicator, ListItem
from fangfanpin.pack.model import (
    ArchivePaper,
    Computation,
    Constraint,
    Form,
    LayoutColumn,
    Pack,
    Parameter,
    RoleDefinition,
    Rule,
    Section,
    Step,
    UpdateSection,
)

SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
TYPES = frozenset("text int money area_mu decimal code bool date month year phone ref image signature point secret_number".split())
KINDS = frozenset("period as_of fixed admin".split())
HOMES = frozenset("subject record computed spell typed".split())
VERBS = frozenset(
    "household.view household.edit record.enter record.review record.approve record.unlock secret.reveal sensitive.view export.make "
    "import.roster sheet.print clue.answer clue.review clue.sample transfer.tick campaign.view campaign.manage account.manage "
    "audit.view rule.manage system.admin".split()
)
_FACTS: Mapping[str, Mapping[str, Type]] = {
    "person": {
        "id_form": Text(), "id_check_ok": Bool(), "id_birth": Date(), "id_sex": Code("sex"), "id_region_known": Bool(),
        "id_placeholder": Bool(), "id18_digest": Text(), "card_check_ok": Bool(), "card_category": Code("disability_category"),
        "card_grade": Code("disability_grade"), "card_reissue_ok": Bool(), "card_matches_id": Bool(),
    },
    "household": {"bank_luhn_ok": Bool()},
}  # fmt: skip
_NOT_COLUMNS = frozenset({"image", "signature", "point", "secret_number"})
_CONSTANTS: Mapping[str, Type] = {
    "state_date": Date(), "period_start": Date(), "period_end": Date(), "school_date": Date(), "form_year": Int()
}  # fmt: skip
_SPELL_FORMS = ("monitoring_spell", "spell_identification", "spell_elimination")


def load_pack(directory: Path) -> Pack:
    """The pack of a folder, with what it extends (sibling folders). Raises PackFaults with every fault, file and line."""
    directory = directory.resolve()
    reader = Reader(directory.parent)
    loader = _Loader(reader, _chain(reader, directory))
    pack = loader.load()
    if reader.faults or pack is None:
        raise PackFaults(tuple(dict.fromkeys(reader.faults)))
    return pack


def _chain(reader: Reader, directory: Path) -> list[Path]:
    """The folders from the most basic pack to this one."""
    found: list[Path] = []
    current: Path | None = directory
    while current is not None:
        path = current / "pack.toml"
        if not path.exists():
            name = current.name
            reader.fault(f"{name}/pack.toml", 1, f"没有找到政策包“{name}”", f"no pack {name}")
            raise PackFaults(tuple(reader.faults))
        if current in found:
            reader.fault(f"{current.name}/pack.toml", 1, "政策包互相继承，形成了循环", "packs extend each other")
            raise PackFaults(tuple(reader.faults))
        found.append(current)
        parent = reader.toml(path).get("extends")
        current = reader.root / str(parent) if parent else None
    return list(reversed(found))


class _Loader:
    def __init__(self, reader: Reader, chain: list[Path]) -> None:
        self.reader = reader
        self.chain = chain
        self.schema_: Schema | None = None

    def tables(self, name: str, columns: Iterable[str]) -> list[Row]:
        """Rows of a CSV over the chain, the county's after the nation's."""
        return [row for folder in self.chain for row in self.reader.table(folder / name, list(columns))]

    def tomls(self, name: str) -> list[tuple[Path, dict[str, Any]]]:
        return [(folder / name, data) for folder in self.chain if (data := self.reader.toml(folder / name))]

    def merged(self, name: str) -> tuple[Path, dict[str, Any]]:
        """Top-level keys of a TOML over the chain; the county's replace the nation's."""
        out: dict[str, Any] = {}
        last = self.chain[-1] / name
        for path, data in self.tomls(name):
            out |= data
            last = path
        return last, out

    def name_of(self, path: Path) -> str:
        return str(path.relative_to(self.reader.root))

    def load(self) -> Pack | None:
        path, head = self.merged("pack.toml")
        lists = self.lists()
        indicators = self.indicators(lists)
        forms = self.forms(indicators)
        orderings: dict[str, dict[str, int]] = {}
        for row in self.tables("orderings.csv", ("ordering", "list", "code", "rank")):
            if row["code"] not in {item.code for item in lists.get(row["list"], ())}:
                self.reader.fault(row.file, row.line, f"“{row['list']}”里没有代码“{row['code']}”", "unknown code")
            orderings.setdefault(row["ordering"], {})[row["code"]] = int(row["rank"] or 0)
        parameters = self.parameters()
        self.schema_ = self.schema(forms, lists, parameters, orderings)
        day = self.day
        try:
            pack = Pack(
                id=str(head["id"]),
                title=str(head["title_zh"]),
                chain=tuple(folder.name for folder in self.chain),
                hash="",
                form_year=int(head["form_year"]),
                state_date=day(path, head, "state_date"),
                period_start=day(path, head, "period_start"),
                period_end=day(path, head, "period_end"),
                division=str(head.get("division", "")),
                forms=forms,
                indicators=indicators,
                lists=lists,
                synonyms=self.synonyms(lists),
                orderings=orderings,
                parameters=parameters,
                plan=self.plan(),
                roles=self.roles(),
                rules=self.rules(),
                constraints=self.constraints(indicators),
                relevance=self.relevance(indicators),
                computations=self.computations(indicators),
                roster=self.roster(indicators),
                year_update=self.year_update(indicators),
                archive=self.archive(),
                left_out={row["id"]: row["reason"] for row in self.tables("left_out.csv", ("id", "reason"))},
                _schema=self.schema_,
            )
        except KeyError as missing:
            self.reader.fault(self.name_of(path), 1, f"pack.toml 缺少 {missing}", f"pack.toml lacks {missing}")
            return None
        if self.reader.faults:
            return None
        canonical = json.dumps(pack.to_json() | {"hash": ""}, ensure_ascii=False, sort_keys=True)
        canonical += json.dumps([[c.form, c.name, c.headers] for c in pack.roster], ensure_ascii=False)
        return replace(pack, hash=hashlib.sha256(canonical.encode()).hexdigest())

    def day(self, path: Path, data: Mapping[str, Any], key: str) -> datetime.date:
        value = data[key]
        if isinstance(value, datetime.date):
            return value
        try:
            return datetime.date.fromisoformat(str(value))
        except ValueError:
            self.reader.fault(self.name_of(path), self.reader.line_of(path, key), f"“{value}”不是日期", "not a date")
            return datetime.date(2000, 1, 1)

    def lists(self) -> dict[str, tuple[ListItem, ...]]:
        found: dict[str, dict[str, ListItem]] = {}
        seen: set[tuple[str, str, str]] = set()
        for row in self.tables("lists.csv", ("list", "code", "zh")):
            folder = row.file.split("/")[0]
            if (folder, row["list"], row["code"]) in seen:
                self.reader.fault(row.file, row.line, f"“{row['list']}”的代码“{row['code']}”写了两次", "code given twice")
            seen.add((folder, row["list"], row["code"]))
            if not row["list"] or not row["code"] or not row["zh"]:
                self.reader.fault(row.file, row.line, "清单名、代码和中文都要填", "list, code and zh are needed")
                continue
            found.setdefault(row["list"], {})[row["code"]] = ListItem(row["code"], row["zh"], row["en"], row["note"])
            width = {len(code) for code in found[row["list"]]}
            if len(width) > 1 and row["code"].isdigit() and len(row["code"]) < max(width) and row["code"].zfill(max(width)) != row["code"]:
                self.reader.fault(row.file, row.line, f"代码“{row['code']}”比同清单的短，前面的 0 可能被 Excel 去掉了", "leading zero lost in Excel?")
        return {name: tuple(items.values()) for name, items in found.items()}

    def synonyms(self, lists: Mapping[str, tuple[ListItem, ...]]) -> dict[tuple[str, str], str]:
        found: dict[tuple[str, str], str] = {}
        for row in self.tables("synonyms.csv", ("list", "word", "code")):
            if row["code"] not in {item.code for item in lists.get(row["list"], ())}:
                self.reader.fault(row.file, row.line, f"“{row['list']}”里没有代码“{row['code']}”", "unknown code")
            found[row["list"], row["word"]] = row["code"]
        return found

    def indicators(self, lists: Mapping[str, object]) -> dict[str, Indicator]:
        columns = "form name zh number national_id type unit scale list kind home privacy multi section retired verified source note"
        found: dict[str, Indicator] = {}
        owner: dict[str, str] = {}
        for row in self.tables("indicators.csv", columns.split()):
            key = f"{row['form']}.{row['name']}"
            folder = row.file.split("/")[0]
            if owner.get(key) == folder:
                self.reader.fault(row.file, row.line, f"指标“{key}”写了两次", f"{key} given twice")
            owner[key] = folder
            if not re.fullmatch(r"[a-z][a-z0-9_]*", row["name"]) or not row["zh"]:
                self.reader.fault(row.file, row.line, "指标名只能用小写字母、数字和下划线，并要有中文名", "bad name or no Chinese name")
            for column, allowed in (("type", TYPES), ("kind", KINDS), ("home", HOMES), ("privacy", {"none", "sensitive", "secret"})):
                if row[column] not in allowed:
                    self.reader.fault(row.file, row.line, f"{column} 不能是“{row[column]}”，只能是：{'、'.join(sorted(allowed))}", f"bad {column}")
            if row["type"] == "code" and row["list"] not in lists:
                self.reader.fault(row.file, row.line, f"没有“{row['list']}”这个清单", f"no list {row['list']}")
            if row["scale"] and not row["scale"].isdigit():
                self.reader.fault(row.file, row.line, f"scale 要是数字，不是“{row['scale']}”", "scale is not a number")
                continue
            found[key] = Indicator(
                form=row["form"],
                name=row["name"],
                zh=row["zh"],
                number=row["number"],
                national_id=row["national_id"],
                type=row["type"],
                unit=row["unit"],
                scale=int(row["scale"] or 0),
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
            )
        return found

    def forms(self, indicators: Mapping[str, Indicator]) -> dict[str, Form]:
        by_form: dict[str, list[Indicator]] = {}
        for indicator in indicators.values():
            by_form.setdefault(indicator.form, []).append(indicator)
        path, data = self.merged("forms.toml")
        found: dict[str, Form] = {}
        for key, items in by_form.items():
            if key not in data:
                self.reader.fault(self.name_of(path), 1, f"forms.toml 里没有“{key}”这张表", f"forms.toml lacks {key}")
                continue
            known = {section["key"]: section for section in data[key].get("sections", [])} or {"main": {"key": "main", "title": ""}}
            for indicator in items:
                if indicator.section not in known:
                    self.reader.fault(
                        self.name_of(path), self.reader.line_of(path, f"[{key}]"),
                        f"“{indicator.zh}”的 section“{indicator.section}”不在 forms.toml 里", f"unknown section {indicator.section}",
                    )  # fmt: skip
            names = {indicator.name for indicator in items}
            groups = []
            for group in data[key].get("sum_groups", []):
                if unknown := set(group) - names:
                    self.reader.fault(
                        self.name_of(path), self.reader.line_of(path, f"[{key}]"), f"sum_groups 里没有指标“{sorted(unknown)[0]}”", "unknown item"
                    )
                groups.append(frozenset(group))
            found[key] = Form(
                key=key,
                title=str(data[key]["title"]),
                subject=str(data[key]["subject"]),
                period=str(data[key].get("period", "year")),
                sections=tuple(_section(section, items) for section in known.values()),
                indicators=tuple(items),
                sum_groups=tuple(groups),
            )
        return found

    def schema(
        self,
        forms: Mapping[str, Form],
        lists: Mapping[str, tuple[ListItem, ...]],
        parameters: Iterable[Parameter],
        orderings: Mapping[str, Mapping[str, int]],
    ) -> Schema:
        def columns(*keys: str) -> dict[str, Type]:
            return {item.name: item.engine_type() for key in keys if key in forms for item in forms[key].indicators if item.type not in _NOT_COLUMNS}

        household = columns("household_year") | dict(_FACTS["household"])
        person = columns("person_year") | dict(_FACTS["person"])
        return Schema(
            subjects={
                "household": Table("household", household),
                "person": Table("person", person),
                "spell": Table("spell", columns(*_SPELL_FORMS), has_last=False),
            },
            relations={
                "members": Relation("members", "person", live_only=True),
                "all_members": Relation("all_members", "person"),
                "spells": Relation("spells", "spell"),
            },
            lists={name: {item.code: item.zh for item in items} for name, items in lists.items()},
            params={p.name: Number(p.unit, 2) if p.type == "money" else Int() for p in parameters},
            constants=_CONSTANTS,
            orderings=orderings,
        )

    def expression(self, path: Path, near: str, text: object, subject: str, expect: Type | None = None) -> Expression | None:
        """A checked expression; its faults are told with the TOML line and the character in the expression."""
        assert self.schema_ is not None
        if subject not in self.schema_.subjects:
            self.reader.fault(self.name_of(path), self.reader.line_of(path, near), f"没有“{subject}”这种对象", "unknown subject")
            return None
        try:
            return check(str(text), self.schema_, subject=subject, expect=expect)
        except ExpressionFaults as faults:
            first = str(text).strip().split("\n")[0][:40]
            line = self.reader.line_of(path, near, first)
            for fault in faults.faults:
                self.reader.fault(
                    self.name_of(path), line, f"{fault.message_zh}（表达式第 {fault.start + 1} 个字符）", fault.message_en, fault.start + 1
                )
            return None

    def parameters(self) -> tuple[Parameter, ...]:
        found = []
        for row in self.tables("parameters.csv", ("name", "type", "unit", "valid_from", "value", "source", "verified")):
            if not row["value"]:
                continue  # a parameter nobody has found a value for yet: named, not guessed
            try:
                scale = 2 if row["type"] == "money" else 0
                value = round(float(row["value"]) * 10**scale)
                valid_from = datetime.date.fromisoformat(row["valid_from"])
            except ValueError:
                self.reader.fault(row.file, row.line, "参数的值或起始日期不对", "bad value or date")
                continue
            found.append(Parameter(row["name"], row["type"], row["unit"], valid_from, value, row["verified"] == "yes", row["source"], row["note"]))
        return tuple(found)

    def plan(self) -> tuple[Step, ...]:
        path, data = self.merged("plan.toml")
        found = []
        for step in data.get("stages", []):
            match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})(?: (\d{2}):(\d{2}))?", str(step.get("due", "")))
            try:
                if match is None:
                    raise ValueError
                day = datetime.date.fromisoformat(match.group(1))
                hour, minute = int(match.group(2) or 24), int(match.group(3) or 0)
                due = datetime.datetime.combine(day, datetime.time(), SHANGHAI) + datetime.timedelta(hours=hour, minutes=minute)
            except ValueError:
                self.reader.fault(
                    self.name_of(path), self.reader.line_of(path, str(step.get("key", ""))), f"截止时间“{step.get('due')}”写法不对", "bad due"
                )
                continue
            found.append(
                Step(
                    str(step["key"]),
                    str(step["title"]),
                    due,
                    str(step.get("metric", "reported")),
                    tuple(step.get("roles", [])),
                    str(step.get("clause", "")),
                )  # fmt: skip
            )
        return tuple(found)

    def roles(self) -> tuple[RoleDefinition, ...]:
        path, data = self.merged("roles.toml")
        found = []
        for key, role in data.items():
            if unknown := set(role.get("verbs", [])) - VERBS:
                self.reader.fault(self.name_of(path), self.reader.line_of(path, f"[{key}]"), f"没有“{sorted(unknown)[0]}”这项权限", "unknown verb")
            found.append(RoleDefinition(key, str(role["title"]), str(role["level"]), frozenset(role["verbs"]), bool(role.get("by_pairing"))))
        return tuple(found)

    def rules(self) -> tuple[Rule, ...]:
        found: dict[str, Rule] = {}
        for folder in self.chain:
            for path in sorted((folder / "rules").glob("*.toml")):
                for rule_id, data in self.reader.toml(path).items():
                    rule = self.rule(path, rule_id, data)
                    if rule is not None:
                        found[rule_id] = rule
                    elif data.get("off"):
                        found.pop(rule_id, None)
        return tuple(found.values())

    def rule(self, path: Path, rule_id: str, data: Mapping[str, Any]) -> Rule | None:
        near = f"[{rule_id}]"
        if data.get("off"):
            return None
        line = self.reader.line_of(path, near)
        for key in ("subject", "severity", "when", "title", "message"):
            if key not in data:
                self.reader.fault(self.name_of(path), line, f"规则 {rule_id} 缺少 {key}", f"rule {rule_id} lacks {key}")
                return None
        if data["severity"] not in ("E", "W", "I"):
            self.reader.fault(self.name_of(path), line, "severity 只能是 E、W 或 I", "bad severity")
        subject = str(data["subject"])
        when = self.expression(path, near, data["when"], subject)
        scope = self.expression(path, near, data["scope"], subject) if data.get("scope") else None
        if when is None or (data.get("scope") and scope is None):
            return None
        for name in re.findall(r"\{([a-z_.0-9]+)\}", str(data["message"])):
            if not self.names(subject, name):
                self.reader.fault(self.name_of(path), line, f"消息里没有“{{{name}}}”这个指标", f"unknown name {name} in message")
        return Rule(
            id=rule_id,
            title=str(data["title"]),
            severity=str(data["severity"]),
            subject=subject,
            scope=scope,
            when=when,
            message=str(data["message"]),
            where=str(data.get("where", "")),
            fields=tuple(data.get("fields", [])) or tuple(sorted({name for s, name in when.columns if s == "row"})),
            origin=str(data.get("origin", "")),
            bulk_answer=bool(data.get("bulk_answer", False)),
        )

    def names(self, subject: str, name: str) -> bool:
        """Does a message's {name} (x, last.x, household.x) exist?"""
        assert self.schema_ is not None
        prefix, _, bare = name.rpartition(".")
        table = self.schema_.subjects["household" if prefix.startswith("household") else subject]
        return bare in table.columns

    def constraints(self, indicators: Mapping[str, Indicator]) -> tuple[Constraint, ...]:
        found = []
        for path, data in self.tomls("constraints.toml"):
            for key, item in data.items():
                expression = self.expression(path, f"[{key}]", item.get("expr", ""), _subject(str(item.get("form"))))
                fields = tuple(item.get("fields", []))
                for name in fields:
                    if f"{item.get('form')}.{name}" not in indicators:
                        self.reader.fault(self.name_of(path), self.reader.line_of(path, f"[{key}]"), f"没有指标“{name}”", "unknown item")
                if expression is not None:
                    found.append(Constraint(key, str(item["form"]), expression, str(item.get("severity", "error")), str(item["message"]), fields))
        return tuple(found)

    def relevance(self, indicators: Mapping[str, Indicator]) -> dict[str, Expression]:
        found: dict[str, Expression] = {}
        for path, data in self.tomls("relevance.toml"):
            for form, items in data.items():
                for name, text in items.items():
                    if f"{form}.{name}" not in indicators:
                        self.reader.fault(self.name_of(path), self.reader.line_of(path, name), f"没有指标“{form}.{name}”", "unknown item")
                    elif (expression := self.expression(path, name, text, _subject(form))) is not None:
                        found[f"{form}.{name}"] = expression
        return found

    def computations(self, indicators: Mapping[str, Indicator]) -> tuple[Computation, ...]:
        """In an order in which each finds what it needs computed; a circle is a fault."""
        found: dict[str, Computation] = {}
        last_path = self.chain[-1] / "computations.toml"
        for path, data in self.tomls("computations.toml"):
            last_path = path
            for form, items in data.items():
                for name, text in items.items():
                    indicator = indicators.get(f"{form}.{name}")
                    if indicator is None or indicator.home != "computed":
                        self.reader.fault(
                            self.name_of(path), self.reader.line_of(path, f"{name} ="), f"“{form}.{name}”不是计算项", "not a computed item"
                        )
                        continue
                    expression = self.expression(path, f"{name} =", text, _subject(form), indicator.engine_type())
                    if expression is not None:
                        found[f"{form}.{name}"] = Computation(form, name, expression)
        ordered: list[Computation] = []
        waiting = dict(found)
        while waiting:
            ready = [
                key
                for key, computation in waiting.items()
                if not any(scope == "row" and f"{computation.form}.{name}" in waiting for scope, name in computation.expression.columns)
            ]
            if not ready:
                self.reader.fault(self.name_of(last_path), 1, f"计算项互相引用，形成循环：{'、'.join(sorted(waiting))}", "computations form a circle")
                break
            ordered += [waiting.pop(key) for key in ready]
        return tuple(ordered)

    def roster(self, indicators: Mapping[str, Indicator]) -> tuple[LayoutColumn, ...]:
        """Headers of an import: every item's own name, the layout's synonyms before it."""
        path, data = self.merged("layouts/roster.toml")
        synonyms: dict[str, list[str]] = data.get("headers", {})
        required = set(data.get("required", []))
        for key in (*synonyms, *required):
            if key not in indicators:
                self.reader.fault(self.name_of(path), self.reader.line_of(path, f'"{key}"'), f"没有指标“{key}”", "unknown item")
        return tuple(
            LayoutColumn(
                indicator.form,
                indicator.name,
                tuple(dict.fromkeys([*synonyms.get(key, []), indicator.zh, *([indicator.national_id] if indicator.national_id else [])])),
                key in required,
            )
            for key, indicator in indicators.items()
            if indicator.form in data.get("forms", [])
        )

    def year_update(self, indicators: Mapping[str, Indicator]) -> tuple[UpdateSection, ...]:
        path, data = self.merged("layouts/year_update.toml")
        found = []
        for section in data.get("sections", []):
            for name in section["items"]:
                if f"{section['form']}.{name}" not in indicators:
                    self.reader.fault(self.name_of(path), self.reader.line_of(path, f'"{name}"'), f"没有指标“{name}”", "unknown item")
            found.append(UpdateSection(section["form"], section["title"], tuple(section["items"])))
        return tuple(found)

    def archive(self) -> tuple[ArchivePaper, ...]:
        _path, data = self.merged("archive.toml")
        return tuple(ArchivePaper(key, paper["title"], paper.get("applies_to", "all"), paper.get("source", "paper")) for key, paper in data.items())


def _subject(form: str) -> str:
    return {"household_year": "household", "person_year": "person"}.get(form, "spell")


def _section(data: Mapping[str, Any], items: list[Indicator]) -> Section:
    mine = [item for item in items if item.section == data["key"]]
    kinds = {item.kind for item in mine if item.kind in ("period", "as_of", "fixed")}
    kind = "period" if kinds == {"period"} else "mixed" if "period" in kinds else "as_of"
    return Section(str(data["key"]), str(data["title"]), tuple(item.name for item in mine), bool(data.get("tickable")), kind)
