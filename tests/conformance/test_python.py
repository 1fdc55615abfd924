"""The reference evaluator gives what the specification tables say; the files made of them are fresh."""

from typing import Any

import pytest

from fangfanpin.expressions import evaluate, from_json, infer, to_json
from fangfanpin.expressions.closures import compiled
from fangfanpin.expressions.normalise import normalise_number_text, normalise_text
from tests.conformance.tables import ENTRY, SetCase, all_cases, sets
from tests.conformance.world import CASES, SCHEMA, Case, scope
from tests.conformance.write import files, set_json


def plain(value: Any) -> Any:
    """Engine value as JSON has it; True is not 1."""
    return list(value) if isinstance(value, tuple) else value


def same(found: Any, expected: Any) -> bool:
    found, expected = plain(found), plain(expected)
    return type(found) is type(expected) and bool(found == expected)


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.id)
def test_reference_gives_what_the_table_says(case: Case) -> None:
    expression = infer(case.text, SCHEMA, subject=case.subject)
    here = scope(case.home, case.subject, case.which)
    for found in (evaluate(expression, here), compiled(expression)(here)):
        assert same(found, case.expected), f"{case.text}: {found!r}, not {case.expected!r}"


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.id)
def test_json_form_keeps_the_meaning(case: Case) -> None:
    expression = infer(case.text, SCHEMA, subject=case.subject)
    again = from_json(to_json(expression.node))
    assert to_json(again) == to_json(expression.node)
    assert same(evaluate(again, scope(case.home, case.subject, case.which)), case.expected)


@pytest.mark.parametrize("case", sets(), ids=lambda case: case.id)
def test_reference_answers_set_functions(case: SetCase) -> None:
    expression = infer(case.text, SCHEMA, subject=case.subject)
    population = set_json(case)["population"]
    assert [evaluate(expression, one, population) for one in population] == list(case.expected)


@pytest.mark.parametrize(("number", "fn", "text", "expected"), ENTRY, ids=lambda part: str(part) if isinstance(part, int) else "")
def test_text_is_normalised_on_entry(number: int, fn: str, text: str | None, expected: str | None) -> None:
    assert {"text": normalise_text, "number": normalise_number_text}[fn](text) == expected


def test_files_are_fresh() -> None:
    stale = [name for name, text in files().items() if not (CASES / name).exists() or (CASES / name).read_text(encoding="utf-8") != text]
    assert not stale, f"run `python -m tests.conformance.write`: {stale}"
    assert {path.name for path in CASES.glob("*.json")} == set(files())
