"""`fangfanpin pack check` and `pack show`: one JSON object on stdout, faults on stderr with a non-zero exit, no Django."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKS = Path(__file__).resolve().parents[2] / "packs"


def run(*words: str, packs: Path = PACKS) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("DJANGO", "DATABASE", "DATA_DIR"))}
    command = [sys.executable, "-m", "fangfanpin.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment | {"FFP_PACKS_DIR": str(packs)}, check=False)


def test_check_of_a_right_pack_is_one_object() -> None:
    done = run("pack", "check", str(PACKS / "guzhen-2021"), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert (facts["id"], facts["ok"], facts["indicators"], facts["codes"], facts["stages"]) == ("guzhen-2021", True, 523, 574, 6)


def test_check_for_people_says_what_is_unverified() -> None:
    done = run("pack", "check", "guzhen-2021")
    assert done.returncode == 0
    assert "没有错误" in done.stdout and "137 个指标待核实" in done.stdout


@pytest.mark.parametrize("command", ["check", "show"])
def test_faults_go_to_stderr_with_file_and_line(tmp_path: Path, command: str) -> None:
    for name in ("national-2021", "guzhen-2021"):
        shutil.copytree(PACKS / name, tmp_path / name)
    plan = tmp_path / "guzhen-2021" / "plan.toml"
    plan.write_text(plan.read_text(encoding="utf-8").replace('metric = "collected"', 'metric = "x"').replace('"helper"]', '"y"]'), encoding="utf-8")
    done = run("pack", command, "guzhen-2021", "--json", packs=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "guzhen-2021/plan.toml:17: metric 不能是“x”" in done.stderr
    assert "guzhen-2021/plan.toml:18: roles.toml 里没有“y”这个岗位 (unknown role y)" in done.stderr
    assert "共 2 处错误" in done.stderr


def test_show_is_the_resolved_pack() -> None:
    done = run("pack", "show", "guzhen-2021", "--json")
    shown = json.loads(done.stdout)
    assert {"plan", "forms", "lists", "rules", "procedures", "papers"} <= set(shown)
    assert [step["key"] for step in shown["plan"]] == ["T1", "T3", "T4", "T2", "T5", "T6"]
    assert shown["forms"]["household_year"]["indicators"][0]["name"] == "household_id"
    assert "乡镇动员培训" in run("pack", "show", "guzhen-2021").stdout


def test_unknown_pack_names_those_that_are_there() -> None:
    done = run("pack", "show", "nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert "没有政策包“nowhere”" in done.stderr and "guzhen-2021" in done.stderr


def test_commands_need_no_django() -> None:
    script = "import sys; from fangfanpin.cli import main; main(['pack', 'check', 'guzhen-2021']); assert 'django' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env={**os.environ, "FFP_PACKS_DIR": str(PACKS)}
    )
    assert done.returncode == 0, done.stderr
