"""Facts of secret numbers: facts.json is the same for Python and TypeScript (field/tests/twins.test.ts)."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from fangfanpin.privacy.facts import bank_luhn_ok, card_facts, identity_facts
from fangfanpin.records.identities import impossible

CASES = json.loads((Path(__file__).parent / "facts.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES["identity"], ids=lambda case: str(case["number"]))
def test_identity_numbers_give_their_facts(case: dict[str, Any]) -> None:
    known = case["known_regions"]
    found = asdict(identity_facts(case["number"], known_regions=frozenset(known) if known else None))
    del found["id18_digest"]
    if found["id_birth"]:
        found["id_birth"] = found["id_birth"].isoformat()
    assert found == case["expected"]


@pytest.mark.parametrize("case", CASES["impossible"], ids=lambda case: f"{case['number']} {case['id_type']}")
def test_numbers_that_no_card_bears_are_told(case: dict[str, Any]) -> None:
    assert impossible(case["number"], case["id_type"]) == case["expected"]


@pytest.mark.parametrize("case", CASES["card"], ids=lambda case: str(case["card"]))
def test_disability_cards_give_their_facts(case: dict[str, Any]) -> None:
    assert asdict(card_facts(case["card"], case["id_number"])) == case["expected"]


@pytest.mark.parametrize("case", CASES["bank"], ids=lambda case: str(case["number"]))
def test_bank_cards_pass_luhn(case: dict[str, Any]) -> None:
    assert bank_luhn_ok(case["number"]) is case["expected"]
