"""The codec: codec.json is the same for Python and TypeScript (field/tests/twins.test.ts), messages included."""

import json
from pathlib import Path
from typing import Any

import pytest

from fangfanpin.pack import Indicator, codec

CASES = json.loads((Path(__file__).parent / "codec.json").read_text(encoding="utf-8"))
WORDS = {item["code"]: item["zh"] for item in CASES["list"]}
CODES = {zh: code for code, zh in WORDS.items()} | {code: code for code in WORDS} | {item["word"]: item["code"] for item in CASES["synonyms"]}


def indicator(case: dict[str, Any]) -> Indicator:
    return Indicator(
        form="household_year", name=case["name"], zh="项目", number="", national_id="", type=case["type"], unit="", scale=case["scale"],
        list="relation" if case["type"] == "code" else "", kind="as_of", home=case.get("home", "record"), privacy="none", multi=case["multi"],
        section="", retired=False, verified=True, source="", note="",
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES["parse"], ids=lambda case: f"{case['type']} {case['text'][:20]!r}")
def test_text_is_read_or_refused_with_what_to_do(case: dict[str, Any]) -> None:
    try:
        found = {"value": codec.parse_text(indicator(case), case["text"], CODES, WORDS)}
    except codec.CodecFault as fault:
        found = {"fault": str(fault)}
    assert found == {key: case[key] for key in ("value", "fault") if key in case}


@pytest.mark.parametrize("case", CASES["check"], ids=lambda case: f"{case['type']} {str(case['value'])[:20]}")
def test_values_that_come_as_json_are_checked(case: dict[str, Any]) -> None:
    assert codec.check_json(indicator(case), case["value"], WORDS) == case["fault"]


@pytest.mark.parametrize("case", CASES["display"], ids=lambda case: f"{case['type']} {case['value']}")
def test_values_are_shown_in_words(case: dict[str, Any]) -> None:
    assert codec.display(indicator(case), case["value"], WORDS) == case["words"]


@pytest.mark.parametrize("case", CASES["engine"], ids=lambda case: f"{case['type']} {case['value']}")
def test_expressions_see_integers_and_give_values_back(case: dict[str, Any]) -> None:
    held = codec.to_engine(case["type"], case["value"])
    assert (held, codec.from_engine(case["type"], held)) == (case["engine"], case["back"])
