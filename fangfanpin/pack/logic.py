"""Everything of a pack that is written in the rule language: rules, constraints, relevance, computations."""

import re
from collections.abc import Callable, Mapping

from fangfanpin.expressions import Expression, ExpressionFaults, Schema, Type, check
from fangfanpin.pack.dictionary import SUBJECTS
from fangfanpin.pack.indicators import Indicator
from fangfanpin.pack.model import SUM, Apart, Computation, Constraint, Form, RollUp, Rule, Screen, aggregates_of
from fangfanpin.pack.source import Entry, Source, rule_files

_RULE_SUBJECTS = ("household", "person", "spell")
_SEVERITIES = ("E", "W", "I")
SCREEN_KINDS = ("missed", "mistaken", "again")
_RULE_KEYS = (
    "title", "title_en", "severity", "subject", "scope", "when", "message", "message_en", "where", "where_en", "fields", "origin",
    "bulk_answer", "off",
)  # fmt: skip
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class Logic:
    """Reads the parts of one pack; `forms` say whose subject an expression is about."""

    def __init__(self, source: Source, schema: Schema, indicators: Mapping[str, Indicator], forms: Mapping[str, Form]) -> None:
        self.source = source
        self.schema = schema
        self.indicators = indicators
        self.forms = forms

    def expression(self, entry: Entry, key: str, text: object, subject: str, expect: Type | None = None, *, swept: bool = False) -> Expression | None:
        """A checked expression; its faults are told with the line and the character in the expression. `swept`: it may ask the whole county."""
        if not isinstance(text, str):
            self.source.wrong(entry.path, (*entry.near, key), f"{key} 要是带引号的表达式", f"{key} must be a quoted expression")
            return None
        try:
            expression = check(text, self.schema, subject=subject, expect=expect)
            if expression.reach == "set" and not swept:
                zh = "只有规则可以用全县函数，和只在排查时才有的指标（office_lat 等）"
                self.source.wrong(entry.path, (*entry.near, key), zh, "only rules ask the whole county, or what sweeps alone know")
                return None
            return expression
        except ExpressionFaults as faults:
            if self.source.doubtful & set(re.findall(r"[a-z][a-z0-9_]*", text)):
                return None  # what it names has a fault of its own
            lines = text.split("\n")
            first = next((line for line in lines if line.strip()), "")
            blank = lines.index(first)
            for fault in faults.faults:
                before = text.count("\n", 0, fault.start)
                self.source.wrong(
                    entry.path,
                    (*entry.near, key, first.strip()[:40]),
                    f"{fault.message_zh}（表达式第 {fault.start + 1} 个字符）",
                    fault.message_en,
                    fault.start + 1,
                    max(0, before - blank),
                )
            return None

    def of_this_year(self, entry: Entry, key: str, expression: Expression | None, form: str) -> Expression | None:
        """Where a village's table is filled in or summed up the year before is not read: only rules may ask for it."""
        if expression is None or form not in self.forms or not self.forms[form].is_yearly_of_place:
            return expression
        if any(scope == "last" for scope, _name in expression.columns):
            zh = "村表、自然村表的汇总、约束和填写条件不能看上年（last.），只有规则可以"
            self.source.wrong(
                entry.path, (*entry.near, key), zh, "only rules of a village's table may look at last year", lines_on=int(key[0] == "\n")
            )
            return None
        return expression

    def subject(self, entry: Entry, subject: str) -> str | None:
        registers = [form.key for form in self.forms.values() if form.is_register]
        if subject in (*_RULE_SUBJECTS, *registers):
            return subject
        allowed = "、".join((*_RULE_SUBJECTS, *registers))
        self.source.wrong(entry.path, (*entry.near, "subject"), f"没有“{subject}”这种对象，只能是：{allowed}", f"unknown subject {subject}")
        return None

    def subject_of_form(self, entry: Entry, form: str) -> str | None:
        if form in self.forms and self.forms[form].is_register:
            return form
        if form in self.forms and self.forms[form].subject in self.schema.subjects:
            return self.forms[form].subject
        if form in self.forms and self.forms[form].subject not in SUBJECTS:
            return None  # told at the form
        self.source.wrong(entry.path, entry.near, f"“{form}”不是能写表达式的表", f"no form {form} for expressions")
        return None

    def rules(self) -> tuple[Rule, ...]:
        """The county's rule replaces the nation's of the same id; `off = true` takes it away."""
        found: dict[str, Rule] = {}
        known: set[str] = set()
        for folder in self.source.chain:
            here: dict[str, str] = {}
            for path in rule_files(folder):
                for rule_id, data in self.source.reader.toml(path).items():
                    if not isinstance(data, dict):
                        self.source.wrong(path, (rule_id,), f"“{rule_id}”应是一张表，写成 [{rule_id}]", f"{rule_id} must be a table")
                        continue
                    entry = Entry(path, rule_id, (f"[{rule_id}]",), data)
                    if rule_id in here:
                        self.source.wrong(path, entry.near, f"规则 {rule_id} 在 {here[rule_id]} 里已有", f"rule {rule_id} is also in {here[rule_id]}")
                    here[rule_id] = path.name
                    if data.get("off"):
                        if rule_id not in known:
                            self.source.wrong(path, entry.near, f"没有规则 {rule_id}，不能关闭", f"no rule {rule_id} to switch off")
                        found.pop(rule_id, None)
                    elif (rule := self.rule(entry)) is not None:
                        found[rule_id] = rule
            known |= set(here)
        return tuple(found.values())

    def screens(self) -> tuple[Screen, ...]:
        """Criteria of screening/*.toml: a rule with `kind` and `weight` instead of a severity; the county's replaces the nation's, `off` takes it
        away."""
        found: dict[str, Screen] = {}
        for folder in self.source.chain:
            for path in sorted((folder / "screening").glob("*.toml")):
                for key, data in self.source.reader.toml(path).items():
                    if not isinstance(data, dict):
                        self.source.wrong(path, (key,), f"“{key}”应是一张表，写成 [{key}]", f"{key} must be a table")
                    elif data.get("off"):
                        found.pop(key, None)
                    elif (screen := self.screen(Entry(path, key, (f"[{key}]",), data))) is not None:
                        found[key] = screen
        return tuple(found.values())

    def screen(self, entry: Entry) -> Screen | None:
        kind, weight = self.source.get(entry, "kind", str), self.source.get(entry, "weight", int, 1)
        if kind not in SCREEN_KINDS:
            self.source.wrong(entry.path, (*entry.near, "kind"), f"kind 只能是 {'、'.join(SCREEN_KINDS)}，不是“{kind}”", "bad kind")
        if not 1 <= weight <= 100:
            self.source.wrong(entry.path, (*entry.near, "weight"), "weight 要是 1 到 100 的整数", "weight is 1 to 100")
        plain = {name: value for name, value in entry.data.items() if name not in ("kind", "weight")}
        if "severity" in plain:
            self.source.wrong(entry.path, (*entry.near, "severity"), "筛查条件没有 severity", "a screen has no severity")
        rule = self.rule(Entry(entry.path, entry.key, entry.near, {**plain, "severity": "I"}))
        return Screen(kind, weight, rule) if rule is not None and kind in SCREEN_KINDS else None

    def rule(self, entry: Entry) -> Rule | None:
        get = self.source.get
        self.source.only(entry, *_RULE_KEYS)
        title, severity, message = get(entry, "title", str), get(entry, "severity", str), get(entry, "message", str)
        title_en, message_en, where_en = get(entry, "title_en", str, ""), get(entry, "message_en", str, ""), get(entry, "where_en", str, "")
        where, fields, origin = get(entry, "where", str, ""), get(entry, "fields", list, []), get(entry, "origin", str, "")
        bulk_answer = get(entry, "bulk_answer", bool, False)
        if severity and severity not in _SEVERITIES:
            self.source.wrong(entry.path, (*entry.near, "severity"), f"severity 只能是 E、W 或 I，不是“{severity}”", "bad severity")
        named = get(entry, "subject", str)
        subject = self.subject(entry, named) if named else None
        if subject is None:
            return None
        when, scope = None, None
        if "when" in entry.data:
            when = self.expression(entry, "when", entry.data["when"], subject, swept=True)
        else:
            self.source.wrong(entry.path, entry.near, f"“{entry.key}”缺少 when", f"{entry.key} lacks when")
        if entry.data.get("scope"):
            scope = self.expression(entry, "scope", entry.data["scope"], subject, swept=True)
        of_village = self.schema.subjects[subject].relations is not None
        sums = len(aggregates_of(scope, when)) if of_village and when is not None else 0
        for name in _PLACEHOLDER.findall(message):
            if not self.names(subject, name) and name not in {f"{SUM}{place}" for place in range(1, sums + 1)}:
                self.source.wrong(entry.path, (*entry.near, "message"), f"消息里的“{{{name}}}”不是这里的指标", f"unknown name {name} in message")
        if message_en and set(_PLACEHOLDER.findall(message_en)) != set(_PLACEHOLDER.findall(message)):
            self.source.wrong(
                entry.path, (*entry.near, "message_en"), "message_en 里的 {…} 要和 message 里的一样", "message_en fills in other items than message"
            )
        if when is None:
            return None
        return Rule(
            id=entry.key,
            title=title,
            severity=severity,
            subject=subject,
            scope=scope,
            when=when,
            message=message,
            where=where,
            fields=tuple(fields) or tuple(sorted({name for scope_name, name in when.columns if scope_name == "row"})),
            origin=origin,
            bulk_answer=bulk_answer,
            title_en=title_en,
            message_en=message_en,
            where_en=where_en,
            place=self.forms[subject].subject if subject in self.forms and self.forms[subject].is_yearly_of_place else "",
            of_village=of_village,
        )

    def names(self, subject: str, name: str) -> bool:
        """Is a message's {name} an item (x, last.x, household.x), a parameter or a constant?"""
        prefix, _, bare = name.rpartition(".")
        if prefix == "param":
            return bare in self.schema.params
        if not prefix and bare in self.schema.constants:
            return True
        tables = {"": subject, "last": subject, "household": "household", "household.last": "household", "spell": "spell"}
        return prefix in tables and (bare in self.schema.subjects[tables[prefix]].columns or bare in self.source.doubtful)

    def constraints(self) -> tuple[Constraint, ...]:
        found: list[Constraint] = []
        for entry in self.source.entries("constraints.toml"):
            self.source.only(entry, "form", "expr", "severity", "message", "message_en", "fields")
            form, message = self.source.get(entry, "form", str), self.source.get(entry, "message", str)
            severity = self.source.get(entry, "severity", str, "error")
            fields = self.source.get(entry, "fields", list, [])
            if severity not in ("error", "warn"):
                self.source.wrong(entry.path, (*entry.near, "severity"), f"severity 只能是 error 或 warn，不是“{severity}”", "bad severity")
            for name in fields:
                if f"{form}.{name}" not in self.indicators:
                    self.source.wrong(entry.path, (*entry.near, "fields", name), f"没有指标“{form}.{name}”", f"unknown item {name}")
            subject = self.subject_of_form(entry, form) if form else None
            if subject is None:
                continue
            expression = self.of_this_year(entry, "expr", self.expression(entry, "expr", entry.data.get("expr"), subject), form)
            if expression is not None:
                message_en = self.source.get(entry, "message_en", str, "")
                found.append(Constraint(entry.key, form, expression, severity, message, tuple(fields), message_en))
        return tuple(found)

    def by_item(self, name: str) -> list[tuple[Entry, str, str, object]]:
        """(table, form, item, expression) of a TOML with one table per form; the county's replace the nation's of the same item."""
        found: dict[str, tuple[Entry, str, str, object]] = {}
        for path, data in self.source.tomls(name):
            for form, items in data.items():
                entry = Entry(path, form, (f"[{form}]",), items if isinstance(items, dict) else {})
                if not isinstance(items, dict):
                    self.source.wrong(path, (form,), f"“{form}”应是一张表，写成 [{form}]", f"{form} must be a table")
                    continue
                for item, text in items.items():
                    found[f"{form}.{item}"] = (entry, form, item, text)
        return list(found.values())

    def relevance(self) -> dict[str, Expression]:
        found: dict[str, Expression] = {}
        for entry, form, name, text in self.by_item("relevance.toml"):
            if f"{form}.{name}" not in self.indicators:
                self.source.wrong(entry.path, (*entry.near, f"\n{name} ="), f"没有指标“{form}.{name}”", f"unknown item {form}.{name}", lines_on=1)
            elif form in self.forms and self.forms[form].is_register:
                zh = "relevance.toml 不写台账：台账的页面每一项都问，要求写在 constraints.toml"
                self.source.wrong(entry.path, (*entry.near, f"\n{name} ="), zh, "a register asks every item; say it in constraints.toml", lines_on=1)
            elif (subject := self.subject_of_form(entry, form)) and (expression := self.expression(entry, f"\n{name} =", text, subject)):
                found[f"{form}.{name}"] = expression
        return found

    def computations(self) -> tuple[Computation, ...]:
        """In an order in which each finds what it needs computed; a circle is a fault. Those of villages are `rollups`."""
        found, places = self.computed("computations.toml", lambda form: not form.is_yearly_of_place)
        needs = {key: {f"{c.form}.{name}" for scope, name in c.expression.columns if scope == "row"} & set(found) for key, c in found.items()}
        levels = self.levels(needs, places, "计算项互相引用，形成循环", "computations form a circle")
        return tuple(sorted(found.values(), key=lambda c: levels[f"{c.form}.{c.name}"])) if levels else ()

    def rollups(self) -> tuple[RollUp, ...]:
        """Every computed item of the yearly tables of villages, from rollups.toml and computations.toml, lower levels first; a circle is a fault,
        and so is an item that nobody says how to find."""
        of_place = {key: form for key, form in self.forms.items() if form.is_yearly_of_place}
        found, places = self.computed("rollups.toml", lambda form: True, "rollups.toml 只写村和自然村年度表的计算项", of_place)
        plain, plain_places = self.computed("computations.toml", lambda form: form.is_yearly_of_place)
        found, places = {**plain, **found}, {**plain_places, **places}
        needs = {key: self.reads(one) & set(found) for key, one in found.items()}
        levels = self.levels(needs, places, "汇总项互相引用，形成循环", "roll-ups form a circle")
        rows = {f"{row['form']}.{row['name']}": row for row in self.source.rows("indicators.csv", ("form", "name"))}
        for form in of_place.values():
            for item in form.indicators:
                if item.home == "computed" and not item.retired and item.key not in places:
                    row, en = rows[item.key], f"{item.key} is computed, but rollups.toml does not say how"
                    self.source.reader.fault(row.file, row.line, f"“{item.zh}”是计算项，rollups.toml 里没有写怎么算", en)
        made = [RollUp(one.form, one.name, one.expression, levels.get(key, 0)) for key, one in found.items()]
        return tuple(sorted(made, key=lambda one: (one.level, one.form)))

    def reads(self, one: Computation) -> set[str]:
        """form.item of everything an expression reads, whatever relation it comes through."""
        relations = self.schema.relations_of(one.form)
        tables = {"household": "household_year", "person": "person_year", "row": one.form}
        found = set()
        for scope, name in one.expression.columns:
            table = relations[scope].table if scope in relations else scope
            found.add(f"{tables.get(table, table)}.{name}")
        return found

    def computed(
        self, file: str, takes: Callable[[Form], bool], refused: str = "", of_place: Mapping[str, Form] | None = None
    ) -> tuple[dict[str, Computation], dict[str, tuple[Entry, str]]]:
        """Expressions of computed items, and where each stands. `takes`: forms whose part it is; of others `refused` is told, or nothing."""
        found: dict[str, Computation] = {}
        places: dict[str, tuple[Entry, str]] = {}
        for entry, form, name, text in self.by_item(file):
            key, near = f"{form}.{name}", f"\n{name} ="
            if form in self.forms and not takes(self.forms[form]):
                continue
            if of_place is not None and form not in of_place:
                en = "roll-ups are of the yearly tables of villages"
                self.source.wrong(entry.path, (*entry.near, near), f"{refused}，不是“{key}”", en, lines_on=1)
                continue
            indicator = self.indicators.get(key)
            if indicator is None or indicator.home != "computed":
                self.source.wrong(entry.path, (*entry.near, near), f"“{key}”不是计算项", f"{key} is not a computed item", lines_on=1)
                continue
            places[key] = (entry, near)
            subject = self.subject_of_form(entry, form)
            expression = self.expression(entry, near, text, subject, indicator.engine_type()) if subject else None
            expression = self.of_this_year(entry, near, expression, form)
            if expression is not None:
                found[key] = Computation(form, name, expression)
        return found, places

    def levels(self, needs: Mapping[str, set[str]], places: Mapping[str, tuple[Entry, str]], zh: str, en: str) -> dict[str, int]:
        """By item how many rounds of others come before it; {} and a fault where they go in a circle."""
        found: dict[str, int] = {}
        left = dict(needs)
        while left:
            ready = [key for key, before in left.items() if not before & set(left)]
            if not ready:
                circle = _circle(left)
                entry, near = places[circle[0]]
                chain = " → ".join([*circle, circle[0]])
                self.source.wrong(entry.path, (*entry.near, near), f"{zh}：{chain}", f"{en}: {chain}", lines_on=1)
                return {}
            for key in ready:
                found[key] = max((found[before] + 1 for before in needs[key]), default=0)
                del left[key]
        return found

    def apart(self) -> tuple[Apart, ...]:
        """Rows that must not overlap in time."""
        found: list[Apart] = []
        for entry in self.source.entries("apart.toml"):
            self.source.only(entry, "form", "start", "end", "when", "same", "message", "message_en")
            form, message = self.source.get(entry, "form", str), self.source.get(entry, "message", str)
            start, end = self.source.get(entry, "start", str), self.source.get(entry, "end", str)
            same = self.source.get(entry, "same", list, [])
            if form and (form not in self.forms or not self.forms[form].is_register):
                self.source.wrong(entry.path, (*entry.near, "form"), f"“{form}”不是台账", f"{form} is no register")
                continue
            for name in (start, end, *same):
                item = self.indicators.get(f"{form}.{name}")
                if item is None or (name in (start, end) and item.type != "date"):
                    self.source.wrong(entry.path, (*entry.near, f'"{name}"'), f"“{form}.{name}”不是这里能用的指标", f"bad item {name}")
            when = self.expression(entry, "when", entry.data["when"], form) if form and entry.data.get("when") else None
            if when is not None and when.reach != "row":
                self.source.wrong(entry.path, (*entry.near, "when"), "when 只能看这一条自己的指标", "when looks at the row alone")
            found.append(Apart(entry.key, form, start, end, when, tuple(map(str, same)), message, self.source.get(entry, "message_en", str, "")))
        return tuple(found)


def _circle(needs: Mapping[str, set[str]]) -> list[str]:
    """The members of one circle, in order, from the first that the file names."""
    path = [next(iter(needs))]
    while True:
        following = next(key for key in needs if key in needs[path[-1]])
        if following in path:
            circle = path[path.index(following) :]
            start = min(range(len(circle)), key=lambda place: list(needs).index(circle[place]))
            return circle[start:] + circle[:start]
        path.append(following)
