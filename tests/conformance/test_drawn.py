"""Drawn expressions over a drawn county: the reference, its compiled form and DuckDB agree on every subject."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, seed, settings

from fangfanpin.expressions import Expression, ExpressionFaults, evaluate, from_json, infer, to_json
from fangfanpin.expressions.closures import compiled
from fangfanpin.expressions.duckdb import rules_select
from tests.conformance.county import county, values
from tests.conformance.drawing import Below, condition, expression, expressions, homes, set_function
from tests.conformance.test_python import same
from tests.conformance.test_reached import EVERY, kinds
from tests.conformance.world import CONSTS, SCHEMA, Home, household_scope, scope_in

COUNTY_SEED = 20210930


@dataclass(frozen=True, repr=False)
class Drawn:
    homes: dict[str, Home]
    database: duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def drawn_county() -> Iterator[Drawn]:
    found = homes(100, COUNTY_SEED)
    with county(found) as connection:
        yield Drawn(found, connection)


def compare(drawn: Drawn, expression: Expression) -> None:
    """Every subject of the county: DuckDB, the reference, its compiled form, and the reference after the JSON form."""
    found = values(drawn.database, expression)
    again, compact = from_json(to_json(expression.node)), compiled(expression)
    compared = 0
    for place, scope in scopes_of(drawn, expression.subject):
        expected = evaluate(expression, scope)
        assert same(found[place], expected), f"DuckDB {found[place]!r}, reference {expected!r} at {place} of seed {COUNTY_SEED}: {expression.text}"
        assert evaluate(again, scope) == expected
        assert compact(scope) == expected
        compared += 1
    assert compared == len(found)


def scopes_of(drawn: Drawn, subject: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Key and scope of every row of the subject."""
    for key, home in drawn.homes.items():
        household = household_scope(home)
        subjects = {
            "household": [0],
            "person": [i for i, person in enumerate(home.people) if person.live],
            "spell": list(range(len(home.spells))),
            "work": list(range(len(home.works))),
        }
        for which in subjects[subject]:
            yield key if subject == "household" else f"{key}/{which}", scope_in(household, subject, which)


def hit_as_judged(drawn: Drawn, conditions: Sequence[Expression]) -> None:
    """Rules of these conditions, all of one subject, hit where the reference finds TRUE; asked together and, the last of them, alone."""
    scopes = list(scopes_of(drawn, conditions[0].subject))
    for asked in (conditions, conditions[-1:]):
        select = rules_select([(one, None) for one in asked], schema=SCHEMA, env=CONSTS)
        found = drawn.database.sql(select.sql("duckdb"))
        first, subject = found.columns.index("r0"), found.columns.index("subject_key")
        rows = found.fetchall()
        for place, one in enumerate(asked):
            expected = {key for key, scope in scopes if evaluate(one, scope) is True}
            assert {row[subject] for row in rows if row[first + place]} == expected, one.text


def checked(drawn: tuple[str, str]) -> Expression:
    subject, text = drawn
    try:
        return infer(text, SCHEMA, subject=subject)
    except ExpressionFaults:
        assume(False)
        raise


def taken(write: Callable[[Below], tuple[str, str]], count: int, chosen: int) -> Iterator[Expression]:
    """So many expressions that the checker takes, of those that `write` draws."""
    draw = random.Random(chosen)
    while count:
        subject, text = write(draw.randrange)
        try:
            yield infer(text, SCHEMA, subject=subject)
        except ExpressionFaults:
            continue
        count -= 1


def drawn_expressions(count: int, chosen: int) -> Iterator[Expression]:
    return taken(expression, count, chosen)


def drawn_set_functions(count: int, chosen: int) -> Iterator[Expression]:
    return taken(set_function, count, chosen)


def test_engines_agree_on_drawn_set_functions() -> None:
    found = homes(40, COUNTY_SEED)
    with county(found) as connection:
        for expression in drawn_set_functions(60, 340323):
            scopes = {}
            for key, home in found.items():
                household = household_scope(home)
                if expression.subject == "household":
                    scopes[key] = scope_in(household, "household", 0)
                else:
                    scopes |= {f"{key}/{i}": scope_in(household, "person", i) for i, person in enumerate(home.people) if person.live}
            expected = {key: evaluate(expression, scope, scopes.values()) for key, scope in scopes.items()}
            assert values(connection, expression) == expected, expression.text


def test_engines_agree_on_drawn_expressions(drawn_county: Drawn) -> None:
    for drawn in drawn_expressions(250, 340323):
        compare(drawn_county, drawn)


def drawn_rules(count: int, chosen: int) -> Iterator[list[Expression]]:
    """Conditions that may be a rule's, by their subject."""
    by_subject: dict[str, list[Expression]] = {}
    for drawn in taken(condition, count, chosen):
        by_subject.setdefault(drawn.subject, []).append(drawn)
    yield from by_subject.values()


def test_drawn_rules_hit_where_the_reference_finds_them_true(drawn_county: Drawn) -> None:
    for conditions in drawn_rules(300, 340323):
        hit_as_judged(drawn_county, conditions)


@pytest.mark.proof
def test_a_thousand_new_rules_hit_where_the_reference_finds_them_true(drawn_county: Drawn, chosen_seed: int) -> None:
    for conditions in drawn_rules(1000, chosen_seed):
        hit_as_judged(drawn_county, conditions)


@pytest.mark.proof
def test_engines_agree_on_a_thousand_new_expressions(drawn_county: Drawn, chosen_seed: int) -> None:
    for drawn in drawn_expressions(1000, chosen_seed):
        compare(drawn_county, drawn)


@pytest.mark.proof
def test_engines_agree_on_expressions_that_shrink(drawn_county: Drawn, chosen_seed: int) -> None:
    """The same by hypothesis, which shrinks what it finds to the smallest expression."""

    @seed(chosen_seed)
    @settings(max_examples=300, suppress_health_check=list(HealthCheck))
    @given(drawn=expressions())
    def agree(drawn: tuple[str, str]) -> None:
        compare(drawn_county, checked(drawn))

    agree()


def test_drawn_expressions_reach_every_node_and_function() -> None:
    draw = random.Random(7)
    reached: set[str] = set()
    refused = 0
    for _ in range(1500):
        subject, text = expression(draw.randrange)
        try:
            reached |= kinds(infer(text, SCHEMA, subject=subject).node)
        except ExpressionFaults:
            refused += 1
    assert refused < 150, "the grammar of the generator has drifted from the language's"
    for drawn in drawn_set_functions(50, 7):
        reached |= kinds(drawn.node)
    assert EVERY - reached == set()
