"""Re-check on save: the rules of a household's reach, judged by the reference evaluator, its clues brought in step.

Only households that are swept have clues; while a first draft is being typed, the form engine shows by itself what hits.
"""

import datetime
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.models import Campaign
from fangfanpin.expressions.closures import Closure, compiled
from fangfanpin.households.models import Household
from fangfanpin.pack import Form, Pack, Rule
from fangfanpin.policy.services import spoken
from fangfanpin.quality import messages, snapshot, sweep, villages
from fangfanpin.quality.models import STANDING_STATES, Clue
from fangfanpin.quality.queries import open_clues
from fangfanpin.quality.snapshot import SWEPT_STATES
from fangfanpin.quality.sweep import Hit, write_clues
from fangfanpin.records import relations
from fangfanpin.records.models import Record
from fangfanpin.records.saving import Fault
from fangfanpin.records.units import HOUSEHOLD_FORM, TARGET_HOUSEHOLD, Scopes, Unit, load_units, scopes_of
from fangfanpin.registers import rollups
from fangfanpin.registers.written import Written

_PACKS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class _Judge:
    rule: Rule
    scope: Closure | None
    when: Closure
    readings: tuple[tuple[messages.Reading, str | None], ...]  # with the relation each goes through
    sums: tuple[tuple[str, Closure], ...] = ()

    def hits(self, scope: Mapping[str, Any]) -> bool:
        return (self.scope is None or self.scope(scope) is True) and self.when(scope) is True


_judges: dict[str, tuple[_Judge, ...]] = {}


def _judges_of(pack: Pack) -> tuple[_Judge, ...]:
    """The pack's rules of row and household reach, compiled once."""
    if pack.hash not in _judges:
        if len(_judges) >= _PACKS_AT_ONCE:
            _judges.clear()
        schema = pack.schema()
        _judges[pack.hash] = tuple(
            _Judge(
                rule,
                compiled(rule.scope) if rule.scope is not None else None,
                compiled(rule.when),
                tuple((reading, messages.relation_of(reading, schema)) for reading in messages.readings(rule)),
                tuple((name, compiled(node)) for name, node in messages.sums(rule).items()),
            )
            for rule in pack.rules
            if rule.reach != "set"
        )
    return _judges[pack.hash]


def find_hits(unit: Unit, pack: Pack, *, only: Callable[[Rule], bool] = lambda rule: True, scopes: Scopes | None = None) -> list[Hit]:
    """What the rules of row and household reach say of one household and its registers' rows; the same hits, with the same values, as the sweep's."""
    judges = [judge for judge in _judges_of(pack) if only(judge.rule) and not judge.rule.of_village]
    scopes = scopes or scopes_of(unit, pack, relations=relations.asked_by_rules(pack, (judge.rule for judge in judges)))
    subjects: dict[str, Sequence[_Subject]] = {
        "household": [_Subject(unit.household.id, scopes.household)],
        "person": [_Subject(UUID(target), scope, UUID(target)) for target, scope in scopes.persons.items()],
        "spell": [_Subject(spell, scope) for spell, scope in scopes.spells.items()],
    }
    for name, rows in unit.rows.items():
        judged = zip(rows, scopes.rows.get(name, ()), strict=False)
        subjects[pack.schema().relations[name].table] = [_Subject(row.id, scope, row.person_id) for row, scope in judged]
    keys = _row_keys(unit)
    return [
        Hit(judge.rule, one.id, unit.household.id, unit.household.village_code, _used(judge, one.scope, keys), one.person_id)
        for judge in judges
        for one in subjects.get(judge.rule.subject, ())
        if judge.hits(one.scope)
    ]


@dataclass(frozen=True, slots=True)
class _Subject:
    id: UUID
    scope: Mapping[str, Any]
    person_id: UUID | None = None


def find_hits_of_row(record: Record, pack: Pack, today: datetime.date | None) -> list[Hit]:
    """What the rules on a register's rows say of one that is under no household: a project's, a village's. None are said of a row of another
    year than the one under way where there is one a year."""
    judges = [judge for judge in _judges_of(pack) if judge.rule.subject == record.form]
    scopes: list[dict[str, Any]] = []
    if judges and judges[0].rule.of_village:
        scopes = villages.scopes_of(record, pack, today)
    elif judges:
        row = relations.row_of(record, pack.forms[record.form], pack)
        household: dict[str, Any] = {"row": {}, "last": None, "relations": {}, "spell": None}
        scopes = [{"row": row.values, "last": None, "household": household, "consts": pack.constants(today)}]
    return [
        Hit(judge.rule, record.pk, None, record.village_code, _used(judge, scope, {}), record.person_id)
        for judge in judges
        for scope in scopes
        if judge.hits(scope)
    ]


def _row_keys(unit: Unit) -> Mapping[str, list[str]]:
    """Ids of the rows of each relation, in the order the scopes hold them."""
    return {
        "members": [str(person.id) for person in unit.live()],
        "all_members": [str(person.id) for person in unit.persons],
        "spells": [str(spell.id) for spell in unit.spells],
        **{name: [str(row.id) for row in rows] for name, rows in unit.rows.items()},
    }


def _used(judge: _Judge, scope: Mapping[str, Any], keys: Mapping[str, list[str]]) -> dict[str, Any]:
    return messages.values_in(scope, judge.readings, keys) | {name: value(scope) for name, value in judge.sums}


def recheck(unit: Unit, pack: Pack, by: User | None) -> list[dict[str, Any]]:
    """Bring a household's clues in step with what was just saved; returns its open clues as the bundle has them (docs/field-api.md)."""
    lead = unit.records.get(TARGET_HOUSEHOLD)
    campaign = clock.current()
    if lead is not None and lead.state in SWEPT_STATES and campaign.year == unit.year:
        write_clues(
            hits=find_hits(unit, pack),
            campaign=campaign,
            pack=pack,
            households={unit.household.id},
            rules=frozenset(judge.rule.id for judge in _judges_of(pack)),
            by=by,
        )
    return open_clues(unit.household, unit.year, spoken(pack), sensitive=True)


def recheck_rows(written: Written, pack: Pack, by: User | None) -> None:
    """A register's rows were written, struck or taken back: the rules that judge such rows or ask for them are asked again of the households
    they belong to or name; of those under no household the rows themselves."""
    form = written.form
    read = _reading(form, pack)
    tables = villages.asking(pack).get(form.key, frozenset()) if not form.belongs else frozenset[str]()
    if not read and not tables:
        return
    campaign = clock.current()
    if campaign.pack.hash != pack.hash:
        return
    if tables:  # those of the villages in which rows were written, and those rows themselves where they are such tables
        places = Record.objects.filter(pk__in=list(written.records)).values_list("village_code", flat=True)
        judge_villages(set(places), tables, pack, campaign, by)
    _recheck_rules(written.households, pack, campaign, [rule for rule in read if form.belongs or rule.subject != form.key], by)
    if form.belongs or form.is_yearly_of_place:
        return
    mine = frozenset(rule.id for rule in read if rule.subject == form.key)
    today, ids = clock.now(campaign).date(), list(written.records)
    for start in range(0, len(ids) if mine else 0, _ROWS_AT_ONCE):
        some = ids[start : start + _ROWS_AT_ONCE]
        records = Record.objects.filter(pk__in=some, household__isnull=True).exclude(state=Record.State.VOID)
        hits = [hit for record in records for hit in find_hits_of_row(record, pack, today)]
        write_clues(hits=hits, campaign=campaign, pack=pack, rules=mine, subjects=set(some), by=by)


def recheck_households(households: Collection[UUID], pack: Pack, by: User | None, *, form: str = "") -> None:
    """Rows of a form, of any where it is "", of these households were written otherwise than by a save of theirs: their clues are brought in step
    in the caller's transaction."""
    read = _reading(pack.forms[form], pack) if form else [judge.rule for judge in _judges_of(pack)]
    if not households or not read:
        return
    campaign = clock.current()
    if campaign.pack.hash == pack.hash:
        _recheck_rules(households, pack, campaign, read, by)


def judge_villages(places: Collection[str], forms: Collection[str], pack: Pack, campaign: Campaign, by: User | None) -> None:
    """The year's tables of these forms in some villages: their rules are asked again and their clues brought in step, in the caller's transaction
    and within its reach."""
    ordered, today = sorted(set(places)), clock.now(campaign).date()
    for form in sorted(forms):
        judges = [judge for judge in _judges_of(pack) if judge.rule.subject == form]
        mine = frozenset(judge.rule.id for judge in judges)
        for start in range(0, len(ordered), rollups.AT_ONCE):
            tables = villages.tables_in(ordered[start : start + rollups.AT_ONCE], form, campaign.year, pack, today)
            hits = [
                Hit(judge.rule, record.pk, None, record.village_code, _used(judge, scope, {}), record.person_id)
                for record, scope in tables
                if scope is not None
                for judge in judges
                if judge.hits(scope)
            ]
            write_clues(hits=hits, campaign=campaign, pack=pack, rules=mine, subjects={record.pk for record, _scope in tables}, by=by)


_ROWS_AT_ONCE = 2000
_HOUSEHOLDS_AT_ONCE = 30_000  # a county's: to read five times a fifth takes twice as long
_ONE_BY_ONE = 8  # households: what judging by sets costs before the first of them


def _reading(form: Form, pack: Pack) -> list[Rule]:
    """Rules that judge rows of a form or ask for them."""
    return [judge.rule for judge in _judges_of(pack) if judge.rule.subject == form.key or (form.relation and form.relation in judge.rule.relations)]


def _recheck_rules(households: Collection[UUID], pack: Pack, campaign: Campaign, rules: Sequence[Rule], by: User | None) -> None:
    """Few one by one by the reference, many by the sweep's own queries over what this transaction sees of them."""
    leads = Record.objects.filter(form=HOUSEHOLD_FORM, year=campaign.year, period="", state__in=SWEPT_STATES)
    ids, chosen = frozenset(rule.id for rule in rules), list(households)
    for start in range(0, len(chosen) if rules else 0, _HOUSEHOLDS_AT_ONCE):
        some = leads.filter(household__in=chosen[start : start + _HOUSEHOLDS_AT_ONCE])
        swept = set(some.filter(household__kind=Household.Kind.ASSISTED).values_list("household_id", flat=True))
        if not swept:
            continue
        if len(swept) <= _ONE_BY_ONE:
            units = load_units(Household.objects.filter(pk__in=swept), campaign.year)
            hits = [hit for unit in units for hit in find_hits(unit, pack, only=lambda rule: rule.id in ids)]
        else:
            with snapshot.within(campaign.year, pack, rules, swept) as database:
                hits = sweep.find_hits(database, pack, clock.now(campaign).date(), rules=rules)
        write_clues(hits=hits, campaign=campaign, pack=pack, households=swept, rules=ids, by=by)


def must_be_corrected(unit: Unit, pack: Pack) -> list[Fault]:
    """Faults that block submission: rules of severity E that hit the household or a member. Rules on monitoring spells, registers, pairings and
    the map point do not block, for their items are not typed here; neither does what was confirmed true and has not changed since."""
    hits = find_hits(unit, pack, only=lambda rule: rule.severity == "E" and _is_typed(rule, pack))
    if not hits:
        return []
    confirmed = _confirmed(unit, {hit.rule.id for hit in hits})
    found: list[Fault] = []
    said = spoken(pack)
    rules = {rule.id: rule for rule in said.rules}
    for hit in hits:
        values = messages.codec_values(hit.rule, hit.used, pack)
        if messages.digest(values) in confirmed.get(hit.key, ()):
            continue
        target = TARGET_HOUSEHOLD if hit.rule.subject == "household" else str(hit.subject_id)
        rule = rules[hit.rule.id]
        message = _("%(message)s。%(where)s") % {"message": messages.render(rule, values, said), "where": rule.where}
        found.append(Fault(target, _field(hit.rule, pack), message))
    return found


def _is_typed(rule: Rule, pack: Pack) -> bool:
    """Is what the rule reads typed in the form that is being submitted?"""
    if rule.subject not in _FORM or rule.relations - {"members", "all_members"}:
        return False
    own = [item for name in rule.fields if (item := pack.indicators.get(f"{_FORM[rule.subject]}.{name}")) is not None]
    return not own or any(item.home != "typed" for item in own)


_FORM = {"household": "household_year", "person": "person_year"}


def _field(rule: Rule, pack: Pack) -> str:
    """The item the message stands at: the first that can be typed."""
    form = "household_year" if rule.subject == "household" else "person_year"
    typed = [name for name in rule.fields if (item := pack.indicators.get(f"{form}.{name}")) is not None and item.home in ("record", "subject")]
    fact = next((item for name, item in _TYPED_FOR_FACT if name in rule.fields), "")
    return fact or (typed[0] if typed else "")


# A derived fact is mended at the number it comes from.
_TYPED_FOR_FACT = (
    ("id_form", "id_number"), ("id_check_ok", "id_number"), ("card_check_ok", "disability_card_no"), ("card_reissue_ok", "disability_card_no"),
    ("card_matches_id", "disability_card_no"), ("bank_luhn_ok", "bank_card_no"),
)  # fmt: skip


def _confirmed(unit: Unit, rule_ids: Iterable[str]) -> dict[tuple[str, str, UUID], set[str]]:
    rows = Clue.objects.filter(household=unit.household, year=unit.year, state__in=STANDING_STATES, rule_id__in=sorted(rule_ids))
    return {(clue.rule_id, clue.subject_kind, clue.subject_id): {clue.confirmed_digest} for clue in rows}
