"""Every rule and every screening rule has its examples, and in each engine they hit or do not."""

from typing import TYPE_CHECKING

import pytest

from fangfanpin.expressions import evaluate
from fangfanpin.expressions.closures import compiled
from fangfanpin.pack import Pack
from tests.rules.examples import all_examples
from tests.rules.judged import Judged, guzhen, in_duckdb, in_spark, situations, whole
from tests.rules.table import KINDS
from tests.rules.write import CASES, files

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="module")
def pack() -> Pack:
    return guzhen()


@pytest.fixture(scope="module")
def judged(pack: Pack) -> list[Judged]:
    return situations(all_examples(), pack)


def wrong(judged: list[Judged], found: set[int]) -> list[str]:
    return [f"{one.rule.id} {one.example.kind}: {one.example.situation}" for place, one in enumerate(judged) if (place in found) != one.example.hits]


def test_the_reference_says_what_the_examples_say(judged: list[Judged]) -> None:
    found = set()
    for place, one in enumerate(judged):
        scope, population = one.population()
        if evaluate(whole(one.rule), scope, population) is True:
            found.add(place)
    assert wrong(judged, found) == []


def test_its_compiled_form_says_what_the_examples_say(judged: list[Judged]) -> None:
    of_a_household = [one for one in judged if one.rule.reach != "set"]
    found = {place for place, one in enumerate(of_a_household) if compiled(whole(one.rule))(one.scope()) is True}
    assert wrong(of_a_household, found) == []


def test_duckdb_says_what_the_examples_say(judged: list[Judged], pack: Pack) -> None:
    assert wrong(judged, in_duckdb(judged, pack)) == []


def test_spark_says_what_the_examples_say(judged: list[Judged], pack: Pack, spark: "SparkSession") -> None:
    assert wrong(judged, in_spark(judged, pack, spark)) == []


def test_every_rule_has_its_four_examples(judged: list[Judged], pack: Pack) -> None:
    held = {(one.rule.id, one.example.kind) for one in judged}
    assert len(held) == len(judged), "an example stands twice"
    assert [(rule.id, kind) for rule in pack.judged for kind in KINDS if (rule.id, kind) not in held] == []


def test_an_example_of_nothing_leaves_something_empty(judged: list[Judged]) -> None:
    assert [one.rule.id for one in judged if one.example.kind == "null" and not _empties(one.example.situation)] == []


def _empties(what: object) -> bool:
    if isinstance(what, dict):
        return any(value is None or _empties(value) for value in what.values())
    return isinstance(what, list) and any(_empties(value) for value in what)


def test_what_typescript_reads_is_fresh() -> None:
    held = {path.name: path.read_text(encoding="utf-8") for path in CASES.glob("*.json")}
    stale = [name for name, text in files().items() if held.get(name) != text]
    assert not stale, f"run `python -m tests.rules.write`: {stale}"
    assert held.keys() == files().keys()
