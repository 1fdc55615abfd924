"""Re-check on save: the rules of a household's reach, judged by the reference evaluator, its clues brought in step.

Only households that are swept have clues; while a first draft is being typed, the form engine shows by itself what hits.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.campaigns import clock
from fangfanpin.expressions.closures import Closure, compiled
from fangfanpin.pack import Pack, Rule
from fangfanpin.policy.services import spoken
from fangfanpin.quality import messages
from fangfanpin.quality.models import STANDING_STATES, Clue
from fangfanpin.quality.queries import open_clues
from fangfanpin.quality.snapshot import SWEPT_STATES
from fangfanpin.quality.sweep import Hit, write_clues
from fangfanpin.records.saving import Fault
from fangfanpin.records.units import TARGET_HOUSEHOLD, Scopes, Unit, scopes_of

_PACKS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class _Judge:
    rule: Rule
    scope: Closure | None
    when: Closure
    readings: tuple[tuple[messages.Reading, str | None], ...]  # with the relation each goes through

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
            )
            for rule in pack.rules
            if rule.reach != "set"
        )
    return _judges[pack.hash]


def find_hits(unit: Unit, pack: Pack, *, only: Callable[[Rule], bool] = lambda rule: True, scopes: Scopes | None = None) -> list[Hit]:
    """What the rules of row and household reach say of one household; the same hits, with the same values, as the sweep's."""
    scopes = scopes or scopes_of(unit, pack)
    subjects: Mapping[str, Sequence[tuple[UUID, Mapping[str, Any]]]] = {
        "household": [(unit.household.id, scopes.household)],
        "person": [(UUID(target), scope) for target, scope in scopes.persons.items()],
        "spell": list(scopes.spells.items()),
    }
    keys = _row_keys(unit)
    return [
        Hit(judge.rule, subject_id, unit.household.id, unit.household.village_code, _used(judge, scope, keys))
        for judge in _judges_of(pack)
        if only(judge.rule)
        for subject_id, scope in subjects[judge.rule.subject]
        if judge.hits(scope)
    ]


def _row_keys(unit: Unit) -> Mapping[str, list[str]]:
    """Ids of the rows of each relation, in the order the scopes hold them."""
    return {
        "members": [str(person.id) for person in unit.live()],
        "all_members": [str(person.id) for person in unit.persons],
        "spells": [str(spell.id) for spell in unit.spells],
    }


def _used(judge: _Judge, scope: Mapping[str, Any], keys: Mapping[str, list[str]]) -> dict[str, Any]:
    used: dict[str, Any] = {}
    for reading, relation in judge.readings:
        if relation is None:
            used[reading.name] = (_row_at(reading.place, scope) or {}).get(reading.item)
            continue
        rows = scope["household"]["relations"][relation]
        part = "last" if reading.place.endswith(".last") else "row"
        used[reading.name] = {key: (row.get(part) or {}).get(reading.item) for key, row in zip(keys[relation], rows, strict=True)}
    return used


def _row_at(place: str, scope: Mapping[str, Any]) -> Mapping[str, Any] | None:
    match place:
        case "row" | "last":
            row: Mapping[str, Any] | None = scope.get(place)
        case "household":
            row = scope["household"]["row"]
        case "household.last":
            row = scope["household"].get("last")
        case _:
            row = (scope["household"].get("spell") or {}).get("row")
    return row


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


def must_be_corrected(unit: Unit, pack: Pack) -> list[Fault]:
    """Faults that block submission: rules of severity E that hit the household or a member. Rules on monitoring spells do not block, for
    their items are not typed here; neither does what was confirmed true and has not changed since."""
    hits = find_hits(unit, pack, only=lambda rule: rule.severity == "E" and rule.subject != "spell")
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
