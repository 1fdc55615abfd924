"""Spark gives what the specification tables say, and what the reference says of drawn expressions: one query per batch."""

import random
from typing import TYPE_CHECKING

import pytest

from fangfanpin.expressions import Expression, infer
from fangfanpin.snapshots.sweep import CELL
from tests.conformance.county import county, lake, spark_values, values
from tests.conformance.drawing import homes
from tests.conformance.tables import all_cases, sets
from tests.conformance.test_drawn import COUNTY_SEED, drawn_expressions, drawn_set_functions
from tests.conformance.test_duckdb import by_expression
from tests.conformance.test_python import same
from tests.conformance.world import SCHEMA, Home
from tests.expressions.test_canary import QUOTES

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_spark_gives_what_the_tables_say(spark: "SparkSession") -> None:
    cases = by_expression()
    with lake({case.id: case.home for case in all_cases()}, spark):
        found = spark_values(spark, [infer(text, SCHEMA, subject=subject) for subject, text in cases])
    wrong = []
    for (subject, _text), of_text, values_of in zip(cases, cases.values(), found, strict=True):
        for case in of_text:
            value = values_of[case.id if subject == "household" else f"{case.id}/{case.which}"]
            if not same(value, case.expected):
                wrong.append(f"{case.id} {case.text}: {value!r}, not {case.expected!r}")
    assert not wrong, "\n".join(wrong)


def test_spark_answers_set_functions(spark: "SparkSession") -> None:
    """Every case is a county of its own: what set functions ask about is theirs alone."""
    cases = sets()
    everyone = {f"{case.id}/h{place}": home for case in cases for place, home in enumerate(case.homes)}
    with lake(everyone, spark, cells={key: key.split("/")[0] for key in everyone}):
        found = spark_values(spark, [infer(case.text, SCHEMA, subject=case.subject) for case in cases], cell=CELL)
    for case, values_of in zip(cases, found, strict=True):
        keys = [f"{case.id}/h{place}" for place in range(len(case.homes))]
        if case.subject == "person":
            keys = [f"{key}/{place}" for key in keys for place, person in enumerate(everyone[key].people) if person.live]
        assert [values_of[key] for key in keys] == list(case.expected), f"{case.id} {case.text}"


def compare(spark: "SparkSession", expressions: list[Expression]) -> None:
    """Every subject of a drawn county of 100 households, as DuckDB has it; what DuckDB has is compared with the reference in test_drawn."""
    drawn = homes(100, COUNTY_SEED)
    with lake(drawn, spark), county(drawn) as database:
        for expression, found in zip(expressions, spark_values(spark, expressions), strict=True):
            expected = values(database, expression)
            assert found.keys() == expected.keys()
            wrong = {key: (found[key], value) for key, value in expected.items() if not same(found[key], value)}
            assert not wrong, f"{expression.text}: Spark, DuckDB {dict(list(wrong.items())[:5])}"


def test_spark_agrees_on_drawn_expressions(spark: "SparkSession") -> None:
    compare(spark, list(drawn_expressions(100, 340323)))


def test_spark_agrees_on_drawn_set_functions(spark: "SparkSession") -> None:
    compare(spark, list(drawn_set_functions(12, 340323)))


@pytest.mark.proof
def test_spark_agrees_on_a_thousand_new_expressions(spark: "SparkSession", chosen_seed: int) -> None:
    drawn = [*drawn_expressions(900, chosen_seed), *drawn_set_functions(100, chosen_seed)]
    random.Random(chosen_seed).shuffle(drawn)
    for start in range(0, len(drawn), 100):
        compare(spark, drawn[start : start + 100])


def test_quoted_text_stays_text(spark: "SparkSession") -> None:
    """Also where a session replaces `${…}` by what stands in its settings or its environment."""
    quoted = ["'" + text.replace("'", "''") + "'" for text in QUOTES]
    for substitute in ("false", "true"):
        spark.conf.set("spark.sql.variable.substitute", substitute)
        with lake({"h1": Home({"head_name": "张三"})}, spark):
            written = [infer(text, SCHEMA, subject="household") for one in quoted for text in (one, f"head_name = {one}", f"head_name in ({one})")]
            found = [values_of["h1"] for values_of in spark_values(spark, written)]
        assert found == [value for text in QUOTES for value in (text, False, False)]
    spark.conf.set("spark.sql.variable.substitute", "false")
