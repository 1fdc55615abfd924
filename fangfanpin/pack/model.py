"""A policy pack as the program knows it: frozen, every reference resolved."""

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from fangfanpin.expressions import Expression, Schema, to_json
from fangfanpin.expressions.nodes import Aggregate, bare, walk
from fangfanpin.pack import codec
from fangfanpin.pack.indicators import Indicator, ListItem
from fangfanpin.pack.succession import Succession


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a form. `tickable`: "unchanged" may be said of its as-of and fixed items. `kind`: as_of, period or mixed."""

    key: str
    title: str
    items: tuple[str, ...]
    tickable: bool
    kind: str
    title_en: str = ""


@dataclass(frozen=True, slots=True)
class Months:
    """A person's rows that say from which month to which, and how much a month: items of the register; `typed_months` (person_year) and
    `typed_amount` (household_year) are what was typed of the same."""

    start: str
    end: str
    amount: str
    typed_months: str
    typed_amount: str


@dataclass(frozen=True, slots=True)
class Form:
    key: str
    title: str
    subject: str
    period: str  # year, month, round, event
    sections: tuple[Section, ...]
    indicators: tuple[Indicator, ...]
    sum_groups: tuple[frozenset[str], ...]
    is_register: bool = False
    title_en: str = ""
    relation: str = ""  # what expressions of a household call its rows
    span: tuple[str, str] | None = None  # items where a row begins and ends: two rows of one subject should not overlap
    months: Months | None = None

    @property
    def is_yearly_of_place(self) -> bool:
        """A table that every village or natural village fills once a year."""
        return self.is_register and self.period == "year" and self.subject in ("village", "natural_village")

    @property
    def belongs(self) -> bool:
        """Are its rows a household's own, by themselves or through a member?"""
        return self.subject in ("household", "person")

    @property
    def mentions(self) -> str:
        """The item by which a row names several households; empty where none does."""
        return next((item.name for item in self.indicators if item.ref == "household" and item.multi and not item.retired), "")


@dataclass(frozen=True, slots=True)
class Computation:
    form: str
    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class RollUp:
    """A computed item of a village's or natural village's yearly table. `level`: those of a lower level are found first."""

    form: str
    name: str
    expression: Expression
    level: int


@dataclass(frozen=True, slots=True)
class Apart:
    """Rows of one subject for which `when` is TRUE (all, without it) and whose items `same` are alike must not overlap in time.
    `start`, `end`: dates; no end is still open."""

    id: str
    form: str
    start: str
    end: str
    when: Expression | None
    same: tuple[str, ...]
    message: str
    message_en: str = ""


@dataclass(frozen=True, slots=True)
class Constraint:
    id: str
    form: str
    expression: Expression
    severity: str  # error, warn
    message: str
    fields: tuple[str, ...]
    message_en: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """`severity`: E must be corrected, W must be answered, I is information. `message` holds {names} of items, `message_en` the same.
    `place`: of a rule on a yearly table of villages or natural villages which of the two it is about. `of_village`: what it counts over are the
    rows of a village, not those of a household."""

    id: str
    title: str
    severity: str
    subject: str
    scope: Expression | None
    when: Expression
    message: str
    where: str
    fields: tuple[str, ...]
    origin: str
    bulk_answer: bool
    title_en: str = ""
    message_en: str = ""
    where_en: str = ""
    place: str = ""
    of_village: bool = False

    @property
    def relations(self) -> frozenset[str]:
        """The relations whose rows it asks for."""
        return self.when.relations | (self.scope.relations if self.scope else frozenset())

    @property
    def reach(self) -> str:
        order = ("row", "household", "set")
        found = [self.when.reach, *([self.scope.reach] if self.scope else [])]
        return max(found, key=order.index)

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """What it counts and sums, in the order in which scope and condition say it."""
        return aggregates_of(self.scope, self.when)


SUM = "sum."  # before the number of an aggregate, from 1: what a rule over a village's rows says of it and keeps with a hit


def aggregates_of(*expressions: Expression | None) -> tuple[Aggregate, ...]:
    """Each once, in the order in which they are written."""
    parts = [expression.node for expression in expressions if expression is not None]
    return tuple(dict.fromkeys(bare(found) for part in parts for found in walk(part) if isinstance(found, Aggregate)))


@dataclass(frozen=True, slots=True)
class Screen:
    """A criterion that looks for households missed (R2.1) or monitored by mistake or no longer at risk (R2.2). It gives a lead, not a clue: `weight`
    says how much it speaks for it, and it decides nothing. Its rule has no severity of its own."""

    kind: str  # missed, mistaken, again
    weight: int
    rule: Rule


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: str
    unit: str
    valid_from: datetime.date
    value: int  # scaled: money in fen
    verified: bool
    source: str
    note: str
    title: str  # in words; the name where nobody gave one
    title_en: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of the plan. `due_at` is exclusive."""

    key: str
    title: str
    due_at: datetime.datetime
    metric: str
    roles: tuple[str, ...]
    clause: str
    title_en: str = ""


@dataclass(frozen=True, slots=True)
class RoleDefinition:
    key: str
    title: str
    level: str
    verbs: frozenset[str]
    by_pairing: bool
    title_en: str = ""


@dataclass(frozen=True, slots=True)
class LayoutColumn:
    """One column of an import: the indicator it fills and the headers it is known by."""

    form: str
    name: str
    headers: tuple[str, ...]
    required: bool


@dataclass(frozen=True, slots=True)
class UpdateSection:
    form: str
    title: str
    items: tuple[str, ...]
    title_en: str = ""


@dataclass(frozen=True, slots=True)
class ArchivePaper:
    """A paper of the household file. `applies_to`: all or monitored; `source`: what in the system stands for it, or paper."""

    key: str
    title: str
    applies_to: str
    source: str
    title_en: str = ""


def _rule_json(r: Rule) -> dict[str, Any]:
    return {
        "id": r.id,
        "title": r.title,
        "severity": r.severity,
        "subject": r.subject,
        "reach": r.reach,
        "scope": to_json(r.scope.node) if r.scope else None,
        "when": to_json(r.when.node),
        "text": r.when.text,
        "message": r.message,
        "where": r.where,
        "fields": list(r.fields),
        "origin": r.origin,
        "bulk_answer": r.bulk_answer,
        "title_en": r.title_en,
        "message_en": r.message_en,
        "where_en": r.where_en,
    }


def _english(rule: Rule) -> Rule:
    return replace(rule, title=rule.title_en or rule.title, message=rule.message_en or rule.message, where=rule.where_en or rule.where)


_Titled = TypeVar("_Titled", Section, Form, Step, RoleDefinition, UpdateSection, ArchivePaper, Parameter)


@dataclass(frozen=True)
class Pack:
    """`language`: of its titles, labels, words and messages; `zh`, the words of papers and imports, stays what it is."""

    id: str
    title: str
    chain: tuple[str, ...]
    hash: str
    form_year: int
    state_date: datetime.date
    period_start: datetime.date
    period_end: datetime.date
    division: str
    forms: Mapping[str, Form]
    indicators: Mapping[str, Indicator]
    lists: Mapping[str, tuple[ListItem, ...]]
    synonyms: Mapping[tuple[str, str], str]
    orderings: Mapping[str, Mapping[str, int]]
    parameters: tuple[Parameter, ...]
    plan: tuple[Step, ...]
    roles: tuple[RoleDefinition, ...]
    rules: tuple[Rule, ...]
    screens: tuple[Screen, ...]
    constraints: tuple[Constraint, ...]
    relevance: Mapping[str, Expression]
    computations: tuple[Computation, ...]
    roster: tuple[LayoutColumn, ...]
    register_headers: Mapping[str, tuple[str, ...]]
    year_update: tuple[UpdateSection, ...]
    archive: tuple[ArchivePaper, ...]
    left_out: Mapping[str, str]
    succession: Succession
    _schema: Schema = field(repr=False, compare=False)
    rollups: tuple[RollUp, ...] = ()
    apart: tuple[Apart, ...] = ()
    title_en: str = ""
    language: str = "zh"

    @cached_property
    def english(self) -> "Pack":
        """The same pack speaking English; what has no English stays Chinese. Not for what is stored, printed or filed."""

        def titled(one: _Titled) -> _Titled:
            return replace(one, title=one.title_en or one.title)

        indicators = {key: replace(one, english=True) for key, one in self.indicators.items()}
        return replace(
            self,
            language="en",
            title=self.title_en or self.title,
            forms={
                key: replace(
                    titled(form),
                    sections=tuple(map(titled, form.sections)),
                    indicators=tuple(indicators[one.key] for one in form.indicators),
                )
                for key, form in self.forms.items()
            },
            indicators=indicators,
            lists={name: tuple(replace(item, english=True) for item in items) for name, items in self.lists.items()},
            plan=tuple(map(titled, self.plan)),
            roles=tuple(map(titled, self.roles)),
            rules=tuple(map(_english, self.rules)),
            screens=tuple(replace(screen, rule=_english(screen.rule)) for screen in self.screens),
            constraints=tuple(replace(one, message=one.message_en or one.message) for one in self.constraints),
            apart=tuple(replace(one, message=one.message_en or one.message) for one in self.apart),
            year_update=tuple(map(titled, self.year_update)),
            archive=tuple(map(titled, self.archive)),
            parameters=tuple(map(titled, self.parameters)),
        )

    def without_english(self) -> list[str]:
        """What people are shown and has no English: it is shown in Chinese."""
        titled: list[tuple[str, str, str]] = [
            ("pack.toml", self.title, self.title_en),
            *((form.key, form.title, form.title_en) for form in self.forms.values()),
            *((f"{form.key}.{part.key}", part.title, part.title_en) for form in self.forms.values() for part in form.sections),
            *((key, indicator.zh, indicator.en) for key, indicator in self.indicators.items()),
            *((f"{name} {item.code}", item.zh, item.en) for name, items in self.lists.items() for item in items),
            *((step.key, step.title, step.title_en) for step in self.plan),
            *((role.key, role.title, role.title_en) for role in self.roles),
            *((one.id, one.message, one.message_en) for one in self.constraints),
            *((one.id, one.message, one.message_en) for one in self.apart),
            *((part.title, part.title, part.title_en) for part in self.year_update),
            *((paper.key, paper.title, paper.title_en) for paper in self.archive),
            *((one.name, one.title, one.title_en) for one in self.parameters),
        ]
        for rule in [*self.rules, *(screen.rule for screen in self.screens)]:
            titled += [(rule.id, rule.title, rule.title_en), (rule.id, rule.message, rule.message_en), (rule.id, rule.where, rule.where_en)]
        return [place for place, zh, en in titled if zh and not en]

    def brought(self, form: str, values: dict[str, Any], year: int) -> dict[str, Any]:
        """Values in JSON form that were written in an earlier year, under today's names and codes."""
        return self.succession.brought(form, values, year, self.indicators) if year < self.form_year else values

    @property
    def judged(self) -> tuple[Rule, ...]:
        """What a sweep judges: rules, and the rules of screens."""
        return (*self.rules, *(screen.rule for screen in self.screens))

    def schema(self) -> Schema:
        """What expressions of this pack may name."""
        return self._schema

    def parameter(self, name: str, on: datetime.date) -> int | None:
        """The value in force on a day, scaled; None where none is known."""
        known = [p for p in self.parameters if p.name == name and p.valid_from <= on]
        return max(reversed(known), key=lambda p: p.valid_from).value if known else None  # of one day the county's, which comes last

    def constants(self, today: datetime.date | None = None) -> dict[str, Any]:
        """Environment of every expression: dates as y·10000+m·100+d, parameters as on the state date. `today`: of the campaign's clock;
        the state date where nobody says."""
        values: dict[str, Any] = {
            "state_date": codec.day_number(self.state_date),
            "period_start": codec.day_number(self.period_start),
            "period_end": codec.day_number(self.period_end),
            "school_date": self.state_date.year * 10000 + 901,
            "form_year": self.form_year,
            "today": codec.day_number(today or self.state_date),
            "division": self.division or None,
        }
        for name in {p.name for p in self.parameters}:
            value = self.parameter(name, self.state_date)
            if value is not None:
                values[f"param.{name}"] = value
        return values

    @cached_property
    def words(self) -> Mapping[str, Mapping[str, str]]:
        return {name: {item.code: item.word for item in items} for name, items in self.lists.items()}

    def word(self, list_name: str, code: str) -> str:
        """The word of a code in the pack's language; the code itself where the list does not know it."""
        return self.words.get(list_name, {}).get(code, code)

    def sum_groups(self, form: str) -> tuple[frozenset[str], ...]:
        """Items that belong to one sum: two people's changes inside one group clash."""
        return self.forms[form].sum_groups

    def change_reasons(self, kind: str) -> frozenset[str]:
        """Codes of member_change that mean an `increase` or a `decrease`."""
        return frozenset(item.code for item in self.lists["member_change"] if kind in item.note)

    @cached_property
    def spell_items(self) -> Mapping[str, Indicator]:
        return {
            indicator.name: indicator
            for key in ("spell_elimination", "spell_identification", "monitoring_spell")
            if key in self.forms
            for indicator in self.forms[key].indicators
        }

    def _indicator(self, form: str, name: str) -> Indicator | None:
        return self.spell_items.get(name) if form == "spell" else self.indicators.get(f"{form}.{name}")

    def to_engine(self, form: str, name: str, value: Any) -> Any:
        """A value in JSON form as expressions see it (dates and months as integers)."""
        indicator = self._indicator(form, name)
        return codec.to_engine(indicator.type, value) if indicator else codec.fact_to_engine(name, value)

    def from_engine(self, form: str, name: str, value: Any) -> Any:
        indicator = self._indicator(form, name)
        return codec.from_engine(indicator.type, value) if indicator else value

    def check_json(self, indicator: Indicator, value: Any) -> str | None:
        """What is wrong with a value in JSON form, in the pack's language; None where it is right."""
        return codec.check_json(indicator, value, self.words.get(indicator.list, {}), self.language)

    def display(self, indicator: Indicator, value: Any) -> str:
        """A value in words, for people."""
        return codec.display(indicator, value, self.words.get(indicator.list, {}), self.language)

    def parse_text(self, indicator: Indicator, text: str) -> Any:
        """A cell's text as a value in JSON form; raises codec.CodecFault with what to do."""
        return codec.parse_text(indicator, text, self._codes_by_word.get(indicator.list, {}), self.words.get(indicator.list, {}), self.language)

    @cached_property
    def _codes_by_word(self) -> Mapping[str, Mapping[str, str]]:
        found: dict[str, dict[str, str]] = {
            name: {item.word: item.code for item in items} | {item.zh: item.code for item in items} | {item.code: item.code for item in items}
            for name, items in self.lists.items()
        }
        for (list_name, word), code in self.synonyms.items():
            found.setdefault(list_name, {}).setdefault(word, code)
        return found

    def to_json(self) -> dict[str, Any]:
        """The resolved pack: what `pack show --json` prints and what is kept when it is published."""
        return {
            "id": self.id,
            "title": self.title,
            "title_en": self.title_en,
            "chain": list(self.chain),
            "hash": self.hash,
            "form_year": self.form_year,
            "state_date": self.state_date.isoformat(),
            "period": [self.period_start.isoformat(), self.period_end.isoformat()],
            "division": self.division,
            "plan": [
                {
                    "key": s.key,
                    "title": s.title,
                    "due_at": s.due_at.isoformat(),
                    "metric": s.metric,
                    "roles": list(s.roles),
                    "clause": s.clause,
                    "title_en": s.title_en,
                }
                for s in self.plan
            ],
            "roles": [
                {"key": r.key, "title": r.title, "title_en": r.title_en, "level": r.level, "verbs": sorted(r.verbs), "by_pairing": r.by_pairing}
                for r in self.roles
            ],
            "forms": {
                form.key: {
                    "title": form.title,
                    "title_en": form.title_en,
                    "subject": form.subject,
                    "period": form.period,
                    "sections": [
                        {
                            "key": s.key,
                            "title": s.title,
                            "title_en": s.title_en,
                            "items": list(s.items),
                            "tickable": s.tickable,
                            "kind": s.kind,
                        }
                        for s in form.sections
                    ],
                    "indicators": [codec.indicator_json(indicator) for indicator in form.indicators],
                    "sum_groups": [sorted(group) for group in form.sum_groups],
                    "register": form.is_register,
                    "relation": form.relation,
                    "span": list(form.span) if form.span else None,
                    "months": asdict(form.months) if form.months else None,
                }
                for form in self.forms.values()
            },
            "lists": {name: [{"code": i.code, "zh": i.zh, "en": i.en} for i in items] for name, items in self.lists.items()},
            "parameters": [
                {
                    "name": p.name,
                    "type": p.type,
                    "unit": p.unit,
                    "valid_from": p.valid_from.isoformat(),
                    "value": p.value,
                    "verified": p.verified,
                    "source": p.source,
                }
                for p in self.parameters
            ],
            "rules": list(map(_rule_json, self.rules)),
            "screens": [{"kind": one.kind, "weight": one.weight, **_rule_json(one.rule)} for one in self.screens],
            "constraints": [
                {
                    "id": c.id,
                    "form": c.form,
                    "severity": c.severity,
                    "message": c.message,
                    "message_en": c.message_en,
                    "fields": list(c.fields),
                    "text": c.expression.text,
                    "node": to_json(c.expression.node),
                }
                for c in self.constraints
            ],
            "computations": [
                {"form": c.form, "name": c.name, "text": c.expression.text, "node": to_json(c.expression.node)} for c in self.computations
            ],
            "rollups": [{"form": c.form, "name": c.name, "text": c.expression.text, "node": to_json(c.expression.node)} for c in self.rollups],
            "apart": [
                {
                    "id": one.id,
                    "form": one.form,
                    "start": one.start,
                    "end": one.end,
                    "when": one.when.text if one.when else "",
                    "same": list(one.same),
                    "message": one.message,
                    "message_en": one.message_en,
                }
                for one in self.apart
            ],
            "relevance": {key: {"text": expression.text, "node": to_json(expression.node)} for key, expression in self.relevance.items()},
            "procedures": [],  # none are described by packs yet
            "papers": [
                {"key": p.key, "title": p.title, "title_en": p.title_en, "applies_to": p.applies_to, "source": p.source} for p in self.archive
            ],
            "orderings": {name: dict(ranks) for name, ranks in self.orderings.items()},
            "synonyms": [[list_name, word, code] for (list_name, word), code in self.synonyms.items()],
            "roster": [{"form": c.form, "name": c.name, "headers": list(c.headers), "required": c.required} for c in self.roster],
            "register_headers": {key: list(words) for key, words in self.register_headers.items()},
            "year_update": [{"form": s.form, "title": s.title, "title_en": s.title_en, "items": list(s.items)} for s in self.year_update],
            "left_out": dict(self.left_out),
            "renamed": [list(row) for row in self.succession.items],
            "recoded": [list(row) for row in self.succession.codes],
        }
