"""The import's command says what its page says."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from fangfanpin.accounts.reach import Reach
from fangfanpin.cli import load
from tests.records.rosters import roster


def test_columns_nobody_knows_are_told_with_their_place(acting: Callable[[str], Reach], tmp_path: Path) -> None:
    drawn = roster(acting("system").villages[0])
    for home in drawn.homes:
        home["家里有几只羊"] = "3"
    command = load("import")
    given = Namespace(file=drawn.write(tmp_path / "名册.xlsx"), keep_good=False, check=True, marked=None, by=None)
    answer = command.run(given)
    column = next(one for one in answer.facts["unknown_columns"] if one["header"] == "家里有几只羊")
    assert column["sheet"] == "户" and column["column"].isalpha()
    assert f"表“户”不认得 {column['column']} 列“家里有几只羊”" in answer.text
