"""No text reads a file, changes a table or leaves its quotes: what is compiled is built of nodes, never of text."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fangfanpin.expressions import ExpressionFaults, check, infer
from fangfanpin.expressions.duckdb import rules_select
from tests.conformance.county import county, values
from tests.conformance.world import CONSTS, SCHEMA, Home


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with county({"h1": Home({"head_name": "张三", "household_size": 3})}) as connection:
        yield connection


@pytest.mark.parametrize(
    "attack",
    [
        "read_csv('{file}') is null",
        "length(read_csv('{file}')) > 0",
        "head_name = (select a from read_csv('{file}'))",
        "head_name = '' or head_name in (select a from '{file}')",
        "count('{file}') > 0",
        "count(\"{file}\") > 0",
        "getenv('HOME') = 'x'",
        "household.\"household_size\" > 1",
        "true; copy household to '{file}'",
        "true) or (1 = 1",
        "true -- ",
        "true /* */",
        "household_size > $1",
        "household_size > ?",
        "read_text('{file}').content = ''",
        "query('select 1') = 1",
        "sum(read_csv('{file}'), a) > 0",
        "matches(head_name, '{file}')",
        "duplicates((select 1))",
    ],
)  # fmt: skip
def test_attack_is_not_of_the_language(attack: str, tmp_path: Path) -> None:
    (tmp_path / "canary.csv").write_text("a\nthe canary sings\n", encoding="utf-8")
    with pytest.raises(ExpressionFaults):
        check(attack.format(file=tmp_path / "canary.csv"), SCHEMA, subject="household")


QUOTES = [
    "'; DROP TABLE household; --", "' OR '1'='1", "\\' OR 1=1 --", "') FROM read_csv('/etc/passwd') --", "$$", "${x}", "{x}", "%s", "?", ":a", "\\",
    "E'\\x27'", "张三' UNION SELECT", "\n--\n", "/* */", "read_csv('/etc/passwd')",
]  # fmt: skip


@pytest.mark.parametrize("text", QUOTES)
def test_quoted_text_stays_text(database: duckdb.DuckDBPyConnection, text: str) -> None:
    quoted = "'" + text.replace("'", "''") + "'"
    for condition in (f"head_name = {quoted}", f"head_name in ({quoted})", f"coalesce(head_name, {quoted}) = {quoted}"):
        expression = check(condition, SCHEMA, subject="household")
        assert values(database, expression) == {"h1": False}
        select = rules_select([(check(f"not ({condition})", SCHEMA, subject="household"), None)], schema=SCHEMA, env=CONSTS)
        assert [(row[0], row[-1]) for row in database.sql(select.sql("duckdb")).fetchall()] == [("h1", True)]
    assert values(database, infer(quoted, SCHEMA, subject="household")) == {"h1": text}
    assert database.sql("SELECT count(*) FROM household").fetchall() == [(1,)]


@settings(max_examples=settings.default.max_examples * 3 // 2, suppress_health_check=list(HealthCheck))
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40))
def test_any_quoted_text_stays_text(database: duckdb.DuckDBPyConnection, text: str) -> None:
    quoted = "'" + text.replace("'", "''") + "'"
    assert values(database, infer(quoted, SCHEMA, subject="household")) == {"h1": text}
