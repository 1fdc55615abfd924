"""docs/rule-language.md says what the code does: the table of functions is generated from it, the examples are checked."""

import re
from pathlib import Path

from fangfanpin.expressions.functions import AGGREGATES, SCALAR, SETS, documentation
from fangfanpin.expressions.parse import MAX_DEPTH, MAX_LENGTH, MAX_LEVELS, MAX_NODES
from fangfanpin.expressions.patterns import PATTERNS
from fangfanpin.expressions.types import MAX_DIGITS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rule-language.md"
START, END = "<!-- functions -->", "<!-- /functions -->"


def table() -> str:
    return "\n".join(["| function | result | 中文 |", "|---|---|---|", *documentation()])


def test_table_of_functions_is_generated() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.split(START)[1].split(END)[0].strip() == table(), "run `python -m tests.expressions.test_documentation`"
    for name in (*SCALAR, *AGGREGATES, *SETS):
        assert f"`{name}(" in text


def test_patterns_and_limits_are_documented() -> None:
    text = PAGE.read_text(encoding="utf-8")
    line = text[text.index("Patterns of `matches`") :].split("\n\n")[0]
    assert set(re.findall(r"`([a-z_]+)`", line)) - {"matches"} == set(PATTERNS)
    for limit in (f"{MAX_LENGTH:,} characters", f"nesting {MAX_DEPTH}", f"{MAX_NODES:,} nodes", f"{MAX_LEVELS} levels", f"{MAX_DIGITS} digits"):
        assert limit in text


if __name__ == "__main__":
    before, rest = PAGE.read_text(encoding="utf-8").split(START)
    PAGE.write_text(f"{before}{START}\n{table()}\n{END}{rest.split(END)[1]}", encoding="utf-8")
