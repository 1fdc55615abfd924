"""docs/packs.md says what the reader reads: every column, every word of the closed lists, and its example is a rule."""

import shutil
from pathlib import Path

from fangfanpin.pack import dictionary, load, load_pack

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "packs.md").read_text(encoding="utf-8")


def test_every_file_and_column_is_documented() -> None:
    for path in (ROOT / "packs").rglob("*"):
        if path.suffix in (".toml", ".csv") and path.parent.name != "rules":
            assert path.name in PAGE, path
    for columns in (dictionary.INDICATOR_COLUMNS, dictionary.LIST_COLUMNS, dictionary.PARAMETER_COLUMNS, dictionary.ORDERING_COLUMNS):
        assert [column for column in columns if f"`{column}`" not in PAGE] == []


def test_every_word_of_the_closed_lists_is_documented() -> None:
    for words in (
        dictionary.TYPES,
        dictionary.KINDS,
        dictionary.HOMES,
        dictionary.PRIVACY,
        dictionary.SUBJECTS,
        dictionary.PERIODS,
        load.METRICS,
        load.LEVELS,
    ):
        assert [word for word in sorted(words) if word not in PAGE] == []


def test_example_is_a_rule(tmp_path: Path) -> None:
    for name in ("national-2021", "guzhen-2021"):
        shutil.copytree(ROOT / "packs" / name, tmp_path / name)
    (tmp_path / "guzhen-2021" / "rules").mkdir()
    example = PAGE.split("```toml\n")[1].split("```")[0]
    (tmp_path / "guzhen-2021" / "rules" / "example.toml").write_text(example, encoding="utf-8")
    rules = {rule.id: rule for rule in load_pack(tmp_path / "guzhen-2021").rules}
    assert rules["H007"].origin == "GZ 1_02_001"
