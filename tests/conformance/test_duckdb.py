"""DuckDB gives what the specification tables say, on the wide tables of the sweep."""

from collections.abc import Iterator

import duckdb
import pytest

from fangfanpin.expressions import infer
from tests.conformance.county import county, values
from tests.conformance.tables import SetCase, all_cases, sets
from tests.conformance.test_python import same
from tests.conformance.world import SCHEMA, Case


def by_expression() -> dict[tuple[str, str], list[Case]]:
    found: dict[tuple[str, str], list[Case]] = {}
    for case in all_cases():
        found.setdefault((case.subject, case.text), []).append(case)
    return found


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with county({case.id: case.home for case in all_cases()}) as connection:
        yield connection


@pytest.mark.parametrize(("subject", "text"), list(by_expression()), ids=lambda part: part)
def test_duckdb_gives_what_the_table_says(database: duckdb.DuckDBPyConnection, subject: str, text: str) -> None:
    found = values(database, infer(text, SCHEMA, subject=subject))
    for case in by_expression()[subject, text]:
        key = case.id if subject == "household" else f"{case.id}/{case.which}"
        assert same(found[key], case.expected), f"{case.id}: {found[key]!r}, not {case.expected!r}"


@pytest.mark.parametrize("case", sets(), ids=lambda case: case.id)
def test_duckdb_answers_set_functions(case: SetCase) -> None:
    homes = {f"h{place}": home for place, home in enumerate(case.homes)}
    with county(homes) as connection:
        found = values(connection, infer(case.text, SCHEMA, subject=case.subject))
    keys = list(homes)
    if case.subject == "person":
        keys = [f"{key}/{place}" for key, home in homes.items() for place, person in enumerate(home.people) if person.live]
    assert [found[key] for key in keys] == list(case.expected)
