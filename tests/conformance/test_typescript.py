"""TypeScript runs newly drawn cases; those of the tables and of drawn.json it runs in its own tests (field/tests/conformance.test.ts)."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conformance.world import CASES
from tests.conformance.write import drawn_json, lines

FIELD = Path(__file__).resolve().parents[2] / "field"


def run_typescript(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(FIELD / "node_modules" / ".bin" / "vitest"), "run", "tests/conformance.test.ts"]
    environment = {**os.environ, "CONFORMANCE_CASES": str(folder), "NO_COLOR": "1"}
    return subprocess.run(command, cwd=FIELD, env=environment, capture_output=True, text=True, check=False, timeout=300)


def drawn_folder(tmp_path: Path, count: int, seed: int) -> Path:
    folder = tmp_path / "cases"
    shutil.copytree(CASES, folder)
    (folder / "drawn.json").write_text(lines(drawn_json(count, seed)), encoding="utf-8")
    return folder


@pytest.mark.proof
def test_typescript_agrees_on_new_expressions(tmp_path: Path, chosen_seed: int) -> None:
    done = run_typescript(drawn_folder(tmp_path, 5000, chosen_seed))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
