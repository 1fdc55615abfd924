"""The county's rules: written, tried on the county, published as a version, taken back. What a draft says is checked by the pack's own reader."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import set_act
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.services import InForce, put_in_force
from fangfanpin.expressions import ExpressionFaults, Relation, check, functions
from fangfanpin.pack import Pack, PackFaults, Rule
from fangfanpin.policy.models import PublishedPack
from fangfanpin.policy.own import Own, drafted, own_of
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.quality.models import Clue

NEW_ID = re.compile(r"X[0-9]{3}")  # the catalogue knows no family X
_ORIGIN = "本县"
_SUBJECT_FORMS: Mapping[str, tuple[str, ...]] = {
    "household": ("household_year",),
    "person": ("person_year",),
    "spell": ("monitoring_spell", "spell_identification", "spell_elimination"),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule as typed. `scope` may be empty: then every subject is judged."""

    id: str
    title: str
    severity: str
    subject: str
    scope: str
    when: str
    message: str
    where: str
    bulk_answer: str = ""  # "1": one answer may stand for several clues

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Draft":
        return cls(**{name: given.get(name, "").strip()[:4000] for name in cls.__dataclass_fields__})

    @classmethod
    def of_rule(cls, rule: Rule) -> "Draft":
        scope = rule.scope.text if rule.scope else ""
        bulk_answer = "1" if rule.bulk_answer else ""
        return cls(rule.id, rule.title, rule.severity, rule.subject, scope, rule.when.text, rule.message, rule.where, bulk_answer)

    def table(self) -> dict[str, Any]:
        """As it stands in TOML."""
        found = {name: value for name, value in asdict(self).items() if name not in ("id", "bulk_answer") and value}
        return {**found, "origin": _ORIGIN, **({"bulk_answer": True} if self.bulk_answer else {})}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a field; of an expression the part of the text that it is about: before, itself, after."""

    message: str
    before: str = ""
    at: str = ""
    after: str = ""


class DraftRefused(Exception):
    """`faults`: by field, '' for the rule as a whole."""

    def __init__(self, faults: Mapping[str, Sequence[Fault]]) -> None:
        super().__init__("; ".join(fault.message for found in faults.values() for fault in found))
        self.faults = faults


def expression_faults(text: str, pack: Pack, subject: str) -> list[Fault]:
    """What is wrong with a condition, with its place; nothing for a sound one. Several thousand characters at most."""
    if subject not in pack.schema().subjects:
        return [Fault(_("请先选对象。"))]
    try:
        check(text, pack.schema(), subject=subject)
    except ExpressionFaults as found:
        english = spoken(pack).language == "en"
        return [
            Fault(one.message_en if english else one.message_zh, text[: one.start], text[one.start : max(one.end, one.start + 1)], text[one.end :])
            for one in found.faults
        ]
    return []


def next_id(pack: Pack, own: Own) -> str:
    """The first free number of the county's own family. One that clues bear is another rule's, though it was taken back: theirs is its history."""
    taken = {rule.id for rule in pack.rules} | own.rules.keys()
    taken |= set(Clue.objects.filter(rule_id__startswith="X").order_by().values_list("rule_id", flat=True).distinct())
    return next(f"X{number:03d}" for number in range(1, 1000) if f"X{number:03d}" not in taken)


def checked(draft: Draft, *, is_new: bool) -> None:
    """Raises DraftRefused with everything that is wrong, each at its field."""
    with judged(draft, is_new=is_new):
        pass


@contextmanager
def judged(draft: Draft, *, is_new: bool) -> Iterator[tuple[Pack, Path]]:
    """The pack in force with this rule in it, and its folder, for the block. Raises DraftRefused."""
    published = clock.current().pack
    faults = {name: found for name, found in _faults(draft, pack_of(published), is_new) if found}
    if faults:
        raise DraftRefused(faults)
    with _drafted(published, own_of(published).with_rule(draft.id, draft.table())) as made:
        yield made


@contextmanager
def _drafted(published: PublishedPack, own: Own) -> Iterator[tuple[Pack, Path]]:
    """`drafted`, what is wrong with the pack as a whole told as a draft's faults are; in the block too. Raises DraftRefused."""
    try:
        with drafted(published, own) as made:
            yield made
    except PackFaults as found:
        raise DraftRefused({"": [Fault(one.message_zh) for one in found.faults]}) from None


def _faults(draft: Draft, pack: Pack, is_new: bool) -> Iterator[tuple[str, list[Fault]]]:
    if is_new:
        known = {rule.id for rule in pack.rules}
        yield "id", [] if NEW_ID.fullmatch(draft.id) and draft.id not in known else [Fault(_("编号写成 X 加三位数字，不能和已有的一样。"))]
    yield "title", [] if 2 <= len(draft.title) <= 60 else [Fault(_("请写名称（2 到 60 个字）。"))]
    yield "severity", [] if draft.severity in ("E", "W", "I") else [Fault(_("请选级别。"))]
    yield "message", [] if draft.message else [Fault(_("请写给村里看的话，大括号里的指标名会换成填的值。"))]
    yield "when", expression_faults(draft.when, pack, draft.subject) if draft.when else [Fault(_("请写条件：条件成立的就列为疑问。"))]
    yield "scope", expression_faults(draft.scope, pack, draft.subject) if draft.scope else []


@transaction.atomic
def publish_rule(*, draft: Draft, is_new: bool, by: User) -> InForce:
    """From now on the county works by it. Raises DraftRefused."""
    with judged(draft, is_new=is_new) as (pack, folder):
        set_act("rule.publish")
        return put_in_force(pack=pack, directory=folder, by=by)


@transaction.atomic
def publish_own(*, own: Own, by: User, act: str) -> InForce:
    """Put another own layer in force: a rule taken back, switched off or on, a parameter. Raises DraftRefused."""
    with _drafted(clock.current().pack, own) as (pack, folder):
        set_act(act)
        return put_in_force(pack=pack, directory=folder, by=by)


_WORDS = {"household": gettext_noop("户"), "person": gettext_noop("人"), "spell": gettext_noop("监测情况")}
_PLACE_WORDS = {"village": gettext_noop("村（看村表）"), "natural_village": gettext_noop("自然村（看自然村表）")}
# Relations that no form gives a name: what they count.
_RELATION_WORDS = {
    "members": gettext_noop("在户成员"), "all_members": gettext_noop("成员（减少的也算）"), "spells": gettext_noop("监测情况"),
    "households": gettext_noop("农户"), "natural_villages": gettext_noop("自然村"),
}  # fmt: skip


def subjects_of(pack: Pack) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What a rule may be about, with its words: households, persons and spells, a village and a natural village by their yearly tables; and the
    rows of each other register."""
    forms, known = spoken(pack).forms, pack.schema().subjects
    yearly = [form for form in forms.values() if form.is_yearly_of_place]
    places = [(form.key, _(words)) for place, words in _PLACE_WORDS.items() for form in yearly if form.subject == place]
    rows = [(form.key, form.title) for form in forms.values() if form.is_register and not form.is_yearly_of_place]
    return [*((key, _(words)) for key, words in _WORDS.items() if key in known), *places], rows


def names_of(pack: Pack) -> dict[str, Any]:
    """What a condition may name, with the words people know it by. `tables`: items by subject; `relations`: by subject, "" for those that count a
    household's rows, what it may count over and the table each goes over; `belongs`: tables whose rows are of a household, whose items may be
    asked as well; `last`: tables with last year's row beside; `places`: of which what is counted below is this year's alone; `common`: parameters,
    constants, functions."""
    schema, said = pack.schema(), spoken(pack)
    titles = {one.name: one.title for one in said.parameters}
    tables = {}
    for subject, table in schema.subjects.items():
        forms = _SUBJECT_FORMS.get(subject, (subject,))
        labels = {item.name: item.label for form in forms if form in said.forms for item in said.forms[form].indicators}
        tables[subject] = [{"name": name, "words": labels.get(name, "")} for name in sorted(table.columns)]
    own = {key: table.relations for key, table in schema.subjects.items() if table.relations is not None}
    return {
        "tables": tables,
        "relations": {subject: _counted_over(relations, said) for subject, relations in {"": schema.relations, **own}.items()},
        "belongs": [name for name, table in schema.subjects.items() if table.of_household and name != "household"],
        "last": [name for name, table in schema.subjects.items() if table.has_last],
        "places": [*own],
        "common": [
            *({"name": f"param.{name}", "words": titles.get(name, "")} for name in sorted(schema.params)),
            *({"name": name, "words": _("日期")} for name in sorted(schema.constants)),
            *({"name": name, "words": words} for name, words in functions.offered(said.language)),
        ],
    }


def _counted_over(relations: Mapping[str, Relation], said: Pack) -> list[dict[str, str]]:
    titles = {name: form.title for form in said.forms.values() for name in (form.key, form.relation) if name}
    words = {name: _(_RELATION_WORDS[name]) if name in _RELATION_WORDS else titles.get(name, "") for name in relations}
    return [{"name": name, "words": words[name], "table": relation.table} for name, relation in sorted(relations.items())]
