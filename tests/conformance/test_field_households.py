"""Households as the form engine gets them, with what the server finds in them: field/tests/households.test.ts must find the same.

The fixtures hold their own pack, so they stay true when the packs change; when the shape of a bundle changes, write them again:
FFP_WRITE_FIXTURES=1 pytest tests/conformance/test_field_households.py
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.expressions import evaluate
from fangfanpin.fieldwork.bundles import household_bundle, pack_bundle
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.policy.services import pack_of
from fangfanpin.quality import messages
from fangfanpin.quality.models import RECORD
from fangfanpin.quality.recheck import find_hits
from fangfanpin.records.saving import unconfirmed, visible_items
from fangfanpin.records.units import TARGET_HOUSEHOLD, Unit, load_unit, scopes_of

FIXTURES = Path(__file__).parents[2] / "field" / "tests" / "fixtures"
COLLECTED, EMPTY = 12, 2


def expected(unit: Unit, pack: Pack) -> dict[str, Any]:
    """What rules, constraints, relevance and computations say of a household, in the server's words."""
    scopes = scopes_of(unit, pack)
    targets = {TARGET_HOUSEHOLD: scopes.household, **scopes.persons}
    return {
        "rules": sorted(
            [
                hit.rule.id,
                str(hit.subject_id) if hit.rule.subject == "person" else TARGET_HOUSEHOLD,
                messages.render(hit.rule, messages.codec_values(hit.rule, hit.used, pack), pack),
            ]
            for hit in find_hits(unit, pack)
            if hit.kind != RECORD  # registers have pages of their own
        ),
        "constraints": sorted(
            [constraint.id, target]
            for constraint in pack.constraints
            for target, scope in targets.items()
            if (target == TARGET_HOUSEHOLD) == (constraint.form == "household_year") and evaluate(constraint.expression, scope) is False
        ),
        "visible": {target: sorted(item.name for item in visible_items(unit, pack, target, scope)) for target, scope in targets.items()},
        "computed": {
            computation.name: pack.from_engine("household_year", computation.name, evaluate(computation.expression, scopes.household))
            for computation in pack.computations
            if computation.form == "household_year"
        },
        "unconfirmed": [[fault.target, fault.items[0], len(fault.items)] for fault in unconfirmed(unit, pack)],
    }


def drawn(cast: dict[str, User], reach: Reach) -> dict[str, Any]:
    campaign = clock.current()
    pack = pack_of(campaign.pack)

    def in_state(*states: str) -> QuerySet[Household]:
        return (
            Household.objects.visible_to(reach)
            .filter(records__year=campaign.year, records__form="household_year", records__state__in=states)
            .order_by("code")
        )

    handed_in = in_state("submitted", "approved")
    collected = [*handed_in.filter(spells__isnull=False).distinct()[:4], *handed_in[:COLLECTED]]
    found = []
    for household in [*dict.fromkeys(collected), *in_state("empty")[:EMPTY]]:
        bundle = household_bundle(household, campaign, pack, reach, cast["county"])
        found.append({"bundle": bundle, "expected": expected(load_unit(household, campaign.year), pack)})
    return {"pack": pack_bundle(campaign, pack, {}), "households": found}


def of_bundle(bundle: dict[str, Any]) -> Any:
    person = bundle["persons"][0]
    return [
        sorted(bundle), sorted(bundle["household"]), sorted(bundle["record"]), sorted(person), sorted(person["record"]),
        sorted(person["facts"]), sorted(bundle["may"]), sorted(bundle["visit"]),
    ]  # fmt: skip


def test_the_form_engines_fixtures_have_todays_shape(cast: dict[str, User], acting: Callable[[str], Reach]) -> None:
    now = json.loads(json.dumps(drawn(cast, acting("county")), ensure_ascii=False))
    path = FIXTURES / "households.json"
    if os.environ.get("FFP_WRITE_FIXTURES"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(now, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert sorted(now["pack"]) == sorted(kept["pack"])
    name = "household_year.wage_income"
    assert sorted(now["pack"]["indicators"][name]) == sorted(kept["pack"]["indicators"][name])
    assert sorted(now["pack"]["rules"][0]) == sorted(kept["pack"]["rules"][0])
    assert sorted(now["pack"]["constraints"][0]) == sorted(kept["pack"]["constraints"][0])
    assert of_bundle(now["households"][0]["bundle"]) == of_bundle(kept["households"][0]["bundle"])
    assert sum(len(one["expected"]["rules"]) for one in kept["households"]) > 5, "the fixtures would test nothing"
