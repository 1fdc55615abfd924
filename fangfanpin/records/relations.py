"""Rows of registers and pairings as expressions of a household see them: read only where an expression asks for them.

Registers stand above records; that a row mentions households they tell through a registry.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fangfanpin.expressions import Expression
from fangfanpin.households.models import Pairing
from fangfanpin.pack import Form, Pack, Rule
from fangfanpin.pack.dictionary import TYPED, subject_item
from fangfanpin.records.models import Record


@dataclass(frozen=True, slots=True)
class Row:
    """`values` as expressions see them; `village_code`, `person_id`, `household_id`: under what it stands."""

    id: UUID
    values: Mapping[str, Any]
    village_code: str
    household_id: UUID | None
    person_id: UUID | None


Mentions = Callable[[Collection[UUID], str, str], Iterable[tuple[UUID, Record]]]
_mentions: list[Mentions] = []


def register_mentions(source: Mentions) -> None:
    """`source(households, form, item)` gives the records of a form that name one of the households in an item, each with the one it names."""
    _mentions.append(source)


_SUBJECT_COLUMNS = {"household": "household_id", "person": "person_id", "natural_village": "subject_code"}


def subject_column(ref: str) -> str:
    """The record's column that holds the subject of a row whose subject refers to `ref`; a village's where it is none of these."""
    return _SUBJECT_COLUMNS.get(ref, "village_code")


def row_of(record: Record, form: Form, pack: Pack) -> Row:
    """A register's row; a struck one is not asked for."""
    values = {item.name: pack.to_engine(form.key, item.name, record.values.get(item.name)) for item in form.indicators}
    subject = subject_item(form)
    if subject is not None:
        held = getattr(record, subject_column(subject.ref))
        values[subject.name] = str(held) if held else None
    return Row(record.pk, values | {"row_id": str(record.pk)}, record.village_code, record.household_id, record.person_id)


def rows_of_household(household: UUID, pack: Pack, wanted: Iterable[str]) -> dict[str, list[Row]]:
    """By relation, the oldest first."""
    return rows_of_households([household], pack, wanted)[household]


def rows_of_households(households: Collection[UUID], pack: Pack, wanted: Iterable[str]) -> dict[UUID, dict[str, list[Row]]]:
    """By household and relation, the oldest first: one query for all of their own registers, one for their pairings, one for what mentions them,
    whatever their number."""
    known = pack.schema().relations
    forms = {name: pack.forms[known[name].table] for name in wanted if known[name].table in pack.forms}
    found: dict[UUID | None, dict[str, list[Row]]] = {household: {name: [] for name in forms} for household in households}
    own = {form.key: name for name, form in forms.items() if form.is_register and not known[name].by}
    if own:
        records = Record.objects.filter(household__in=households, form__in=own).exclude(state=Record.State.VOID)
        for record in records.order_by("created_at", "id"):
            found[record.household_id][own[record.form]].append(row_of(record, pack.forms[record.form], pack))
    for name, form in forms.items():
        if form.key in TYPED:
            for pairing in Pairing.objects.filter(household__in=households).order_by("start_on", "id"):
                found[pairing.household_id][name].append(_pairing(pairing, form, pack))
        elif known[name].by:
            for household, record in (pair for source in _mentions for pair in source(households, form.key, known[name].by)):
                found[household][name].append(row_of(record, form, pack))
    return {household: found[household] for household in households}


def _pairing(pairing: Pairing, form: Form, pack: Pack) -> Row:
    held = {name: getattr(pairing, name) for name in TYPED[form.key]}
    dated = {name: value.isoformat() if name.endswith("_on") and value else value for name, value in held.items()}
    values = {name: pack.to_engine(form.key, name, value) for name, value in dated.items()}
    return Row(pairing.pk, values, pairing.village_code, pairing.household_id, None)


def of_forms(pack: Pack) -> list[Expression]:
    """What constraints, computations and relevance say."""
    return [*(one.expression for one in pack.constraints), *(one.expression for one in pack.computations), *pack.relevance.values()]


def asked_by_forms(pack: Pack) -> frozenset[str]:
    """Relations of rows that constraints, computations or relevance ask for."""
    if pack.hash not in _by_forms:
        of_households = [part for part in of_forms(pack) if pack.schema().subjects[part.subject].relations is None]  # a village's count over others
        _by_forms[pack.hash] = _beside(frozenset().union(*(part.relations for part in of_households)), pack)
    return _by_forms[pack.hash]


def asked_by_rules(pack: Pack, rules: Iterable[Rule]) -> frozenset[str]:
    """Relations of rows that these rules ask for or judge, and those of the forms."""
    found: set[str] = set()
    for rule in rules:
        found |= rule.relations | ({relation} if (relation := relation_of(rule.subject, pack)) else set())
    return _beside(frozenset(found), pack) | asked_by_forms(pack)


def relation_of(register: str, pack: Pack) -> str:
    """By what name a household's expressions know a register's own rows; empty where they do not, or where it is none."""
    form = pack.forms.get(register)
    return form.relation if form is not None and form.is_register and form.belongs else ""


_by_forms: dict[str, frozenset[str]] = {}  # by the pack's hash


def _beside(relations: frozenset[str], pack: Pack) -> frozenset[str]:
    """Of relations those that are not the members and spells every scope holds."""
    return frozenset(name for name in relations if pack.schema().relations[name].table in pack.forms)
