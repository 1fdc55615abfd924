"""Imports point down: the map of docs/architecture.md is the order, and no two packages import each other."""

import re
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
# Highest first; apps of one line do not import each other.
LAYERS = (
    ("urls", "wsgi"),
    ("demo",),
    ("dashboards",),
    ("archives",),
    ("acts",),
    ("pairings",),
    ("fieldwork",),
    ("questions", "workshop"),
    ("quality",),
    ("campaigns",),
    ("registers",),
    ("records",),
    ("households",),
    ("jobs",),
    ("files",),
    ("policy", "web"),
    ("accounts",),
    ("privacy",),
    ("audit", "regions"),
    ("snapshots",),
    ("pack", "papers"),
    ("expressions",),
)
# Wiring that belongs to no layer: it is imported by name (settings) or names every area (cli).
WIRING = ("cli", "settings", "runtime", "locale")
# What a pure package may import of ours: no Django, so that it also runs without a database.
PURE = ("expressions", "pack", "papers", "snapshots")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("fangfanpin")


def area(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def edges(graph: grimp.ImportGraph) -> set[tuple[str, str, str, str]]:
    return {
        (area(module), area(imported), module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
        if area(module) and area(imported) and area(module) != area(imported)
    }


def test_every_area_has_its_place() -> None:
    folders = {
        path.name if path.is_dir() else path.stem
        for path in (ROOT / "fangfanpin").iterdir()
        if not path.name.startswith("__") and (path.is_dir() or path.suffix == ".py")
    }
    placed = {name for layer in LAYERS for name in layer} | set(WIRING)
    assert folders == placed & folders, f"not in the map: {sorted(folders - placed)}"


def test_imports_point_down(graph: grimp.ImportGraph) -> None:
    place = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    # Templates' tags and commands of an area may use the command line's types; they are never imported by an area.
    wrong = [
        f"{module} imports {imported}"
        for above, below, module, imported in sorted(edges(graph))
        if above in place and below in place and place[above] >= place[below]
    ]
    assert not wrong, "\n".join(wrong)


def test_no_two_areas_import_each_other(graph: grimp.ImportGraph) -> None:
    pairs = {(above, below) for above, below, module, _ in edges(graph) if not module.endswith("commands")}
    assert not {(a, b) for a, b in pairs if (b, a) in pairs}


def test_the_language_and_the_papers_know_no_django() -> None:
    for name in PURE:
        for path in (ROOT / "fangfanpin" / name).rglob("*.py"):
            assert not re.search(r"^\s*(from|import) django", path.read_text(encoding="utf-8"), re.M), path


def test_no_import_hides_inside_a_function() -> None:
    hidden = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (ROOT / "fangfanpin").rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.match(r"\s+(from fangfanpin|import fangfanpin)", line)
    ]
    assert not hidden


def test_the_map_in_the_documents_names_every_area() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    missing = [name for layer in LAYERS for name in layer if name not in ("wsgi",) and not re.search(rf"\b{name}\b", text)]
    assert not missing


def test_no_sql_is_built_from_strings() -> None:
    """`execute` takes a constant, a composed statement, or a name bound to one; never an f-string, `%`, `+` or `.format`."""
    pattern = re.compile(r"\.(execute|executemany|sql|copy|raw)\(\s*(f[\"']|[^)\n]*[\"'] ?(%|\+) )")
    found = []
    for path in (ROOT / "fangfanpin").rglob("*.py"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number} {line.strip()}")
    assert not found, "\n".join(found)


def test_nothing_is_evaluated_as_code() -> None:
    for path in (ROOT / "fangfanpin").rglob("*.py"):
        assert not re.search(r"(?<![\w.])(eval|exec)\(", path.read_text(encoding="utf-8")), path
