"""Every example of a rule hits or does not, in each engine."""

from collections import Counter

import pytest

from fangfanpin.expressions import evaluate
from fangfanpin.expressions.closures import compiled
from fangfanpin.pack import Pack
from tests.rules.examples import Example, all_examples
from tests.rules.judged import Judged, guzhen, in_duckdb, situations, whole
from tests.rules.write import CASES, text


@pytest.fixture(scope="module")
def pack() -> Pack:
    return guzhen()


@pytest.mark.parametrize("example", all_examples(), ids=lambda one: f"{one.rule}-{one.kind}")
def test_python_says_what_the_example_says(example: Example, pack: Pack) -> None:
    (judged,) = situations([example], pack)
    node, scope = whole(judged.rule), judged.scope()
    assert (evaluate(node, scope) is True) == example.hits
    assert (compiled(node)(scope) is True) == example.hits


def test_duckdb_says_what_the_examples_say(pack: Pack) -> None:
    judged: list[Judged] = situations(all_examples(), pack)
    found = in_duckdb(judged, pack)
    wrong = [f"{one.rule.id}-{one.example.kind}" for place, one in enumerate(judged) if (place in found) != one.example.hits]
    assert wrong == []


def test_a_rule_with_examples_has_all_four(pack: Pack) -> None:
    counted = Counter(example.rule for example in all_examples())
    assert set(counted.values()) == {4}
    # What asks registers, pairings or the calendar has examples; the demo's truth proves the others until they have theirs too.
    asking = {
        rule.id
        for rule in pack.rules
        if rule.relations - {"members", "all_members", "spells"} or rule.subject not in ("household", "person", "spell")
    }
    assert asking - counted.keys() == set()


def test_what_typescript_reads_is_fresh() -> None:
    assert CASES.read_text(encoding="utf-8") == text(), "run `python -m tests.rules.write`"
