"""Fuzzed: any text is refused with a place or compiles and runs; nothing is read, written or executed on the way."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fangfanpin.expressions import ExpressionFaults, infer
from fangfanpin.expressions.check import MAX_WEIGHT
from fangfanpin.expressions.duckdb import value_select
from fangfanpin.expressions.spark import values_select
from fangfanpin.expressions.weight import weight
from tests.conformance.drawing import expressions, set_function
from tests.conformance.world import CONSTS, SCHEMA
from tests.expressions.fuzzing import SUBJECTS, Cage, cage
from tests.expressions.test_canary import QUOTES
from tests.expressions.test_refused import ANY_TEXT

ATTACKS = (
    "read_csv('{file}')", "read_text('{file}')", "'{file}'", "(select a from '{file}')", "copy household to '{file}'", "from '{file}'",
    "; drop table person", "attach '{file}'", "getenv('HOME')", "union select 1", "${env:HOME}", "\\'", *QUOTES,
)  # fmt: skip


@st.composite
def attacked(draw: st.DrawFn) -> tuple[str, str]:
    """A well-typed expression with something put into it, over some of it, or as a text of its own."""
    subject, text = draw(st.one_of(expressions(), st.builds(lambda seed: set_function(lambda n: seed % n), st.integers(0, 10**6))))
    attack = draw(st.sampled_from(ATTACKS))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 20)))
    return subject, text[:start] + attack + text[end:]


@pytest.fixture(scope="module")
def caged() -> Iterator[Cage]:
    with cage() as found:
        yield found


@settings(max_examples=settings().max_examples * 3, suppress_health_check=list(HealthCheck))
@given(st.one_of(attacked(), expressions(), st.tuples(st.sampled_from(SUBJECTS), ANY_TEXT)))
def test_any_text_is_refused_or_harmless(caged: Cage, drawn: tuple[str, str]) -> None:
    subject, text = drawn
    caged.try_text(text.replace("{file}", str(caged.canary)), subject)


def test_expressions_are_not_all_refused(caged: Cage) -> None:
    assert caged.try_text("length(head_name) > 1", "household") and caged.try_text(f"member_name = '{caged.canary}'", "person")
    assert not caged.try_text(f"length(read_csv('{caged.canary}')) > 1", "household")


@pytest.mark.parametrize(
    ("layer", "inner"),
    [
        ("ratio({}, 2, 0)", "livestock"), ("least({}, household_size)", "livestock"), ("greatest({}, net_income)", "wage_income"),
        ("least({}, month(visited_on))", "first_month"), ("least({}, visited_on)", "entered_on"), ("{} + 1", "first_month"),
        ("abs(age(visited_on, entered_on) * {})", "livestock"), ("(date '2021-01-01' - visited_on) + {}", "livestock"),
        ("if(matches(if({} > 1, phone, head_name), 'same_digits'), 1, 2)", "livestock"),
    ],
)  # fmt: skip
def test_nesting_cannot_make_a_statement_that_never_ends(caged: Cage, layer: str, inner: str) -> None:
    """SQL has no names for parts: what says an argument several times grows by that factor with every layer."""
    text, accepted = inner, []
    for _depth in range(35):
        text = layer.format(text)
        try:
            accepted.append(infer(text, SCHEMA, subject="household"))
        except ExpressionFaults as refused:
            assert any(word in refused.faults[0].message_zh for word in ("太大", "太深", "太长")), refused
            break
    assert len(accepted) > 3
    for expression in (accepted[3], accepted[-1]):
        for query in (value_select(expression, schema=SCHEMA, env=CONSTS), values_select([expression], schema=SCHEMA, env=CONSTS)):
            assert sum(1 for _node in query.walk()) <= 5 * weight(expression.node) <= 5 * MAX_WEIGHT
    assert caged.try_text(accepted[3].text, "household")


@pytest.mark.proof
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no build for this Python or machine")
def test_atheris_finds_nothing(tmp_path: Path, chosen_seed: int) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, text in enumerate(["a", *ATTACKS, "count(members, age(birth_date, state_date) >= 60) > 1", "wage_income > 2 * last.wage_income"]):
        (corpus / str(number)).write_text("0" + text, encoding="utf-8")
    command = [sys.executable, "-m", "tests.expressions.fuzzing", f"-seed={chosen_seed % 2**31}", "-max_total_time=120", "-runs=200000", str(corpus)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).resolve().parents[2])
    assert done.returncode == 0, done.stderr[-4000:]
