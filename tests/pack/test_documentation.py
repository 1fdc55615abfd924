"""docs/packs.md says what the reader reads: every column, every word of the closed lists, and its example is a rule."""

import re
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


def test_what_the_steps_show_stands_in_the_example_that_tests_use() -> None:
    """Of every file of docs/examples/courtyard-2021 a part is shown, as it stands there."""
    folder = ROOT / "docs" / "examples" / "courtyard-2021"
    steps = PAGE.split("## Add an indicator")[1].split("## What Excel does")[0]
    shown = re.findall(r"^ *`([a-z_/]+\.(?:csv|toml))`\n *```[a-z]+\n(.*?)\n *```$", steps, re.MULTILINE | re.DOTALL)
    assert len(shown) == steps.count("```") // 2, "a block without its file"
    for name, block in shown:
        lines = [re.sub("^ {3}", "", line) for line in block.split("\n")]
        assert "\n".join(lines) in (folder / name).read_text(encoding="utf-8"), (name, lines[0])
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {name for name, _block in shown} | {"pack.toml"}
    assert 'extends = "guzhen-2021"' in (folder / "pack.toml").read_text(encoding="utf-8")
    assert [name for name in sorted(dictionary.TYPES) if f"`{name}`" not in steps] == []
