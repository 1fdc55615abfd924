"""What goes to the form engine: the pack once, a household at a time; the same JSON for desk and phone (docs/field-api.md)."""

from collections.abc import Mapping, Sequence
from typing import Any

from fangfanpin.accounts.models import User
from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.models import Campaign
from fangfanpin.expressions import to_json
from fangfanpin.households.models import Household, Person
from fangfanpin.households.subjects import (
    NOT_TYPED,
    household_facts,
    household_values,
    initials,
    longest,
    person_facts,
    person_values,
)
from fangfanpin.pack import Form, Indicator, ListItem, Pack, Rule
from fangfanpin.privacy.secrets import mask_sensitive
from fangfanpin.quality.messages import with_constants
from fangfanpin.quality.queries import open_clues
from fangfanpin.records import gates, relations
from fangfanpin.records.models import Conflict, Record
from fangfanpin.records.saving import conflict_json, form_of, is_reopened
from fangfanpin.records.units import HOUSEHOLD_FORM, PERSON_FORM, TARGET_HOUSEHOLD, Unit, load_unit, location_values, target_record
from fangfanpin.regions.models import Region

FORMS = (HOUSEHOLD_FORM, PERSON_FORM)


def pack_bundle(campaign: Campaign, pack: Pack, notes: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Forms, indicators, lists, constraints and rules with expressions as JSON nodes, in the words of the pack's language; `notes`: the
    county's own by form.name."""
    closes_at = clock.entry_closes_at(campaign)
    return {
        "hash": pack.hash,
        "language": pack.language,
        "campaign": {
            "year": campaign.year,
            "title": campaign.title,
            "period_start": pack.period_start.isoformat(),
            "period_end": pack.period_end.isoformat(),
            "state_date": pack.state_date.isoformat(),
            "entry_closes_at": closes_at.isoformat() if closes_at else None,
        },
        "consts": pack.constants(clock.now(campaign).date()),
        "forms": {key: _form_json(pack.forms[key]) for key in FORMS},
        "indicators": {f"{key}.{indicator.name}": _indicator_json(pack, indicator) for key in FORMS for indicator in pack.forms[key].indicators},
        "notes": {key: list(said) for key, said in notes.items() if key.partition(".")[0] in FORMS},
        "spell_items": {
            name: {"type": item.type, "scale": item.scale, "list": item.list, "multi": item.multi} for name, item in pack.spell_items.items()
        },
        "lists": {name: [_item_json(item) for item in items] for name, items in pack.lists.items()},
        "synonyms": _synonyms(pack),
        "change_reasons": {kind: sorted(pack.change_reasons(kind)) for kind in ("increase", "decrease")},
        "not_typed": sorted(NOT_TYPED),
        "sum_groups": [sorted(group) for group in pack.sum_groups(HOUSEHOLD_FORM)],
        "constraints": [
            {
                "id": constraint.id,
                "form": constraint.form,
                "subject": "household" if constraint.form == HOUSEHOLD_FORM else "person",
                "expr": to_json(constraint.expression.node),
                "severity": constraint.severity,
                "message": constraint.message,
                "fields": list(constraint.fields),
            }
            for constraint in pack.constraints
            if constraint.form in FORMS
        ],
        "rules": [
            {
                "id": rule.id,
                "severity": rule.severity,
                "subject": rule.subject,
                "scope": to_json(rule.scope.node) if rule.scope else None,
                "when": to_json(rule.when.node),
                "title": rule.title,
                "message": with_constants(rule.message, pack),
                "where": rule.where,
                "fields": list(rule.fields),
                "reach": rule.reach,
            }
            for rule in told_rules(pack)
        ],
    }


def told_rules(pack: Pack) -> list[Rule]:
    """Rules that the form engine judges: of what is typed in it, and not over the whole county."""
    return [rule for rule in pack.rules if rule.reach != "set" and rule.subject in ("household", "person", "spell")]


def _relations(unit: Unit, pack: Pack, *, sensitive: bool) -> dict[str, list[dict[str, Any]]]:
    """Rows beside the household that its rules and forms ask for, with the items that they read of them, as expressions see them; sensitive
    items only for those who may see them."""
    rules = told_rules(pack)
    asked = relations.asked_by_rules(pack, rules)
    parts = [*relations.of_forms(pack), *(one for rule in rules for one in (rule.when, rule.scope) if one is not None)]
    read = {place for one in parts for place in one.columns}
    found = {}
    for name, rows in relations.rows_of_household(unit.household.id, pack, asked).items():
        items = pack.forms[pack.schema().relations[name].table].indicators
        hidden = {item.name for item in items if item.privacy != "none"} if not sensitive else set()
        names = sorted({item for place, item in read if place == name} - hidden)
        found[name] = [{item: row.values.get(item) for item in names} for row in rows]
    return found


def _form_json(form: Form) -> dict[str, Any]:
    return {
        "title": form.title,
        "sections": [
            {
                "key": section.key,
                "title": section.title,
                "items": list(section.items),
                "tickable": section.tickable,
                "kind": section.kind,
            }
            for section in form.sections
        ],
    }


def _item_json(item: ListItem) -> dict[str, str]:
    """An entry of a list; its Chinese is found by first letters and by word in either language, for the paper is Chinese."""
    return {"code": item.code, "zh": item.zh, "key": initials(item.zh)} | ({"en": item.en} if item.word != item.zh else {})


def _synonyms(pack: Pack) -> dict[str, dict[str, str]]:
    """Other words people use for an entry of a list: {list: {word: code}}."""
    found: dict[str, dict[str, str]] = {}
    for (name, word), code in pack.synonyms.items():
        found.setdefault(name, {})[word] = code
    return found


def _indicator_json(pack: Pack, indicator: Indicator) -> dict[str, Any]:
    key = f"{indicator.form}.{indicator.name}"
    relevance = pack.relevance.get(key)
    computation = next((c for c in pack.computations if f"{c.form}.{c.name}" == key), None)
    return {
        "form": indicator.form,
        "name": indicator.name,
        "zh": indicator.zh,
        **({"en": indicator.en} if indicator.label != indicator.zh else {}),
        "short": indicator.short,
        "number": indicator.number,
        "type": indicator.type,
        "unit": indicator.unit,
        "scale": indicator.scale,
        "list": indicator.list,
        "part_of": indicator.part_of,
        "kind": indicator.kind,
        "home": indicator.home,
        "privacy": indicator.privacy,
        "multi": indicator.multi,
        "required": indicator.required,
        "retired": indicator.retired,
        "max_length": longest(indicator.form, indicator.name) if indicator.home == "subject" else None,
        "computed": to_json(computation.expression.node) if computation else None,
        "relevance": to_json(relevance.node) if relevance else None,
    }


def masked(pack: Pack, form: str, values: dict[str, Any], *, sensitive: bool) -> dict[str, Any]:
    """Sensitive items hidden from those without `sensitive.view`: phones in part, the rest wholly."""
    if sensitive:
        return values
    found: dict[str, Any] = {}
    for name, value in values.items():
        indicator = pack.indicators.get(f"{form}.{name}")
        if value is None or indicator is None or indicator.privacy != "sensitive":
            found[name] = value
        else:
            found[name] = mask_sensitive(value, is_phone=indicator.type == "phone")
    return found


def shown_facts(facts: dict[str, Any], *, sensitive: bool) -> dict[str, Any]:
    """Derived facts for the client's rules: never the digest, and what a disability card says only to those who may see it."""
    return {name: value for name, value in facts.items() if name != "id18_digest" and (sensitive or not name.startswith("card_"))}


def masked_conflict(pack: Pack, conflict: dict[str, Any], *, sensitive: bool) -> dict[str, Any]:
    """Both values of a conflict, hidden like the item itself."""
    shown = {
        side: masked(pack, form_of(conflict["target"]), {conflict["name"]: conflict[side]}, sensitive=sensitive)[conflict["name"]]
        for side in ("mine", "theirs")
    }
    return {**conflict, **shown}


def household_bundle(household: Household, campaign: Campaign, pack: Pack, reach: Reach, user: User) -> dict[str, Any]:
    """One household as the form engine takes it; secret numbers masked, never whole."""
    unit = load_unit(household, campaign.year)
    lead = target_record(unit, TARGET_HOUSEHOLD, pack.hash)
    reason = gates.closed(lead, user)
    sensitive = can(reach, Verb.SENSITIVE_VIEW, household)
    enters = can(reach, Verb.RECORD_ENTER, household)
    last = unit.last.get(TARGET_HOUSEHOLD)
    regions = Region.objects.in_bulk([household.village_code, household.natural_village_code])
    latest = unit.spells[-1] if unit.spells else None
    return {
        "user": user.pk,
        "household": {
            "id": str(household.id),
            "code": household.code,
            "village": str(regions.get(household.village_code, household.village_code)),
            "natural_village": str(regions.get(household.natural_village_code, "")),
            "head_name": household.head_name,
            "values": household_values(household),
            "facts": {
                **household_facts(household),
                **masked(pack, HOUSEHOLD_FORM, location_values(unit.location), sensitive=sensitive),
            },
        },
        "record": {
            **_record_json(pack, lead, HOUSEHOLD_FORM, sensitive),
            "last": masked(pack, HOUSEHOLD_FORM, last.values, sensitive=sensitive) if last else None,
            "last_subject": masked(pack, HOUSEHOLD_FORM, last.subject, sensitive=sensitive) if last else {},
        },
        "persons": [_person_json(pack, unit, person, sensitive) for person in unit.persons],
        "spell": {"values": _spell_values(latest)} if latest else None,
        "spells": [{"values": _spell_values(spell)} for spell in unit.spells],
        "relations": _relations(unit, pack, sensitive=sensitive),
        "visit": {"visited_by": lead.visitors, "visited_on": lead.visited_on.isoformat() if lead.visited_on else None},
        "entered_by": lead.entered_by.name if lead.entered_by else None,
        "checked_by": lead.checked_by.name if lead.checked_by else None,
        "return_reason": lead.return_reason or None,
        "reopened": is_reopened(lead),
        "clues": open_clues(household, campaign.year, pack, sensitive=sensitive),
        "conflicts": [
            masked_conflict(pack, conflict_json(conflict), sensitive=sensitive)
            for conflict in household.conflicts.filter(state=Conflict.State.OPEN).select_related("stored_by", "offered_by")
        ],
        "locked": reason.message if reason else None,
        "may": {
            "edit": enters and reason is None,
            "submit": enters and reason is None,
            "check": enters,
            "review": can(reach, Verb.RECORD_REVIEW, household),
            "reveal": can(reach, Verb.SECRET_REVEAL, household),
            "sensitive": sensitive,
        },
        **_neighbours(household, reach, campaign),
    }


def _spell_values(spell: Any) -> dict[str, Any]:
    return {
        "spell_no": spell.spell_no,
        "identified_month": spell.identified_month or None,
        "monitoring_type": spell.monitoring_type or None,
        "spell_state": spell.spell_state or None,
        "eliminated_month": spell.eliminated_month or None,
        **spell.values,
    }


def _record_json(pack: Pack, record: Record, form: str, sensitive: bool) -> dict[str, Any]:
    return {
        "id": str(record.id),
        "version": record.version,
        "state": record.state,
        "values": masked(pack, form, record.values, sensitive=sensitive),
        "ticks": record.ticks,
    }


def _person_json(pack: Pack, unit: Unit, person: Person, sensitive: bool) -> dict[str, Any]:
    target = str(person.id)
    record = unit.records.get(target)
    last = unit.last.get(target)
    return {
        "id": target,
        "code": person.code,
        "live": person.member_state == "01",
        "values": masked(pack, PERSON_FORM, person_values(person), sensitive=sensitive),
        "facts": shown_facts(person_facts(person), sensitive=sensitive),
        "record": {
            **(
                _record_json(pack, record, PERSON_FORM, sensitive)
                if record
                else {"id": None, "version": 0, "state": "empty", "values": {}, "ticks": {}}
            ),
            "last": masked(pack, PERSON_FORM, last.values, sensitive=sensitive) if last else None,
            "last_subject": masked(pack, PERSON_FORM, last.subject, sensitive=sensitive) if last else {},
        },
    }


def _neighbours(household: Household, reach: Reach, campaign: Campaign) -> dict[str, str | None]:
    """The households before and after in walking order, so that one sheet follows another."""
    visible = Household.objects.visible_to(reach).filter(
        kind=Household.Kind.ASSISTED, village_code=household.village_code, natural_village_code=household.natural_village_code
    )
    here = (household.walking_order, household.code)
    following = visible.filter(walking_order__gte=here[0]).exclude(pk=household.pk).order_by("walking_order", "code")
    before = visible.filter(walking_order__lte=here[0]).exclude(pk=household.pk).order_by("-walking_order", "-code")
    next_row = next((row for row in following[:5] if (row.walking_order, row.code) > here), None)
    previous_row = next((row for row in before[:5] if (row.walking_order, row.code) < here), None)
    return {
        "next_url": f"/entry/{next_row.id}" if next_row else None,
        "previous_url": f"/entry/{previous_row.id}" if previous_row else None,
    }
