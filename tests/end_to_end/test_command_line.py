"""Every command: one JSON object on standard output, faults on standard error with a non-zero exit."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from fangfanpin.cli import COMMANDS
from tests.end_to_end.conftest import Installation, clean_environment

PACK = str(Path(__file__).resolve().parents[2] / "packs" / "guzhen-2021")
# What to type after each command so that it does its work on the demo; SHEETS etc. are made beside DATA_DIR.
WORK: dict[str, list[str]] = {
    "demo": ["--if-empty"],
    "pack check": [PACK],
    "pack show": ["guzhen-2021"],
    "pack publish": ["guzhen-2021"],
    "account reset": ["inspector"],
    "regions load": ["--under", "340323"],
    "export": ["households", "--out", "OUT/households.xlsx"],
    "sheets": ["--village", "VILLAGE", "--out", "OUT"],
    "sweep": [],
    "snapshot": ["--kind", "upward", "--out", "OUT"],
    "rules list": [],
    "rules sql": ["H001", "--dialect", "spark"],
    "rules schema": [],
    "rollups": [],
    "recompute": [],
    "backup": ["--out", "OUT"],
    "routes": [],
    "doctor": [],
    "migrate": [],
}
# Typed so that it cannot be done: exit code 1 (fault) or 2 (wrong usage), nothing on standard output.
FAULTS: dict[str, list[str]] = {
    "init": [],
    "serve": [],
    "demo": ["--households", "many"],
    "pack check": ["/nowhere"],
    "pack show": ["nowhere"],
    "pack publish": ["nowhere"],
    "account reset": ["nobody"],
    "regions load": ["--nothing"],
    "import": ["/nowhere.xlsx"],
    "export": ["--nothing"],
    "sheets": ["--village", "999999999999", "--out", "OUT"],
    "sweep": ["--nothing"],
    "snapshot": ["--kind", "everything", "--out", "OUT"],
    "rules list": ["--nothing"],
    "rules sql": ["X999"],
    "rules eval": ["X999"],
    "rules schema": ["--nothing"],
    "rollups": ["--nothing"],
    "recompute": ["--nothing"],
    "backup": ["--out", "/proc/nowhere/x.ffpbackup"],
    "restore": ["/nowhere.ffpbackup"],
    "routes": ["--nothing"],
    "doctor": ["--nothing"],
    "migrate": ["--nothing"],
    "stop": ["--nothing"],
}


# Typed in good form, and still nothing that could be done: one clear line, as above.
MORE_FAULTS: list[tuple[str, str]] = [
    ("demo", "这里已有演示县"),
    ("demo --households 0", "户数至少 1"),
    ("demo --collected 2", "在 0 和 1 之间"),
    ("regions load --under 999999", "没有 999999"),
    ("regions load --under 34032x", "不是行政区划代码"),
    ("export households --out OUT/a.xlsx --place 110000", "没有“110000”"),
    ("export households --out OUT/a.xlsx --state bogus", "可以是：empty"),
]


def typed(installation: Installation, words: list[str], tmp_path: Path) -> list[str]:
    village = ""
    if "VILLAGE" in words:
        village = installation.sql("SELECT village_code FROM households_household WHERE kind = 'assisted' ORDER BY code LIMIT 1")[0][0]
    return [word.replace("VILLAGE", village).replace("OUT", str(tmp_path)) for word in words]


def test_every_command_is_tried_here() -> None:
    assert set(WORK) | {"init", "serve", "stop", "import", "restore", "worker", "rules eval"} == set(COMMANDS)
    assert set(FAULTS) | {"worker"} == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(WORK))
def test_json_is_one_object_on_standard_output(installation: Installation, tmp_path: Path, name: str) -> None:
    words = typed(installation, WORK[name], tmp_path)
    done = installation.command(*name.split(), *words, "--json", check=False, PORT=str(installation.port))
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert len(lines) == 1
    assert isinstance(json.loads(lines[0]), dict)


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_faults_go_to_standard_error(installation: Installation, tmp_path: Path, name: str) -> None:
    assert importlib.util.find_spec(COMMANDS[name].module) is not None, f"{COMMANDS[name].module} is missing"
    words = typed(installation, FAULTS[name], tmp_path)
    done = installation.command(*name.split(), *words, "--json", check=False)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert done.stderr and "Traceback" not in done.stderr, done.stderr


@pytest.mark.parametrize(("line", "said"), MORE_FAULTS)
def test_what_cannot_be_done_is_one_clear_line(installation: Installation, tmp_path: Path, line: str, said: str) -> None:
    done = installation.command(*typed(installation, line.split(), tmp_path), "--json", check=False)
    assert done.returncode == 1 and done.stdout == "" and not list(tmp_path.iterdir())
    assert said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_a_sweep_before_any_county_says_what_to_do_first(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("fangfanpin")), "sweep", "--json"]
    done = subprocess.run(command, env=clean_environment(tmp_path / "none"), capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == "" and "fangfanpin init" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_password_given_at_the_console_is_an_event_that_does_not_tell_it(installation: Installation) -> None:
    facts = installation.facts("account", "reset", "auditor")
    asked = "SELECT u.must_change_password, e.op, e.actor_id, e.act, e.source, e.changed, e::text FROM accounts_user u"
    asked += " JOIN audit_event e ON e.table_name = 'accounts_user' AND e.row_id = u.id::text WHERE u.username = 'auditor' ORDER BY e.id DESC LIMIT 1"
    ((must_change, *event, whole),) = installation.sql(asked, role="owner")
    assert must_change is True
    assert event == ["U", 0, "account.recover", "cli", {"password": [None, None], "must_change_password": [False, True]}]
    assert facts["password"] not in whole and "argon2" not in whole
    assert facts["password"] not in installation.log_path.read_text(encoding="utf-8", errors="replace")


def test_an_unknown_command_is_named(installation: Installation) -> None:
    done = installation.command("fly", check=False)
    assert done.returncode == 2 and "fly" in done.stderr and done.stdout == ""


def test_routes_need_neither_county_nor_database(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("fangfanpin")), "routes", "--json"]
    done = subprocess.run(command, env=clean_environment(tmp_path / "none"), capture_output=True, text=True, check=True)
    routes = json.loads(done.stdout)["routes"]
    assert {"path": "/healthz", "name": "health", "methods": ["GET"], "permission": "public", "view": "fangfanpin.web.views.health"} in routes
    assert all(route["permission"] and route["methods"] for route in routes)
    assert not (tmp_path / "none").exists()


def test_doctor_finds_nothing_wrong_with_a_running_installation(installation: Installation) -> None:
    checks = installation.facts("doctor", PORT=str(installation.port))["checks"]
    assert not [check for check in checks if check["state"] != "ok"]
    wanted = {"disk", "port", "address", "database", "roles", "keys", "structure", "pack", "fonts", "front_end", "clock", "worker"}
    assert wanted <= {check["name"] for check in checks}


@pytest.mark.parametrize(
    ("environment", "name", "state"),
    [
        ({"BIND": "0.0.0.0"}, "address", "bad"),
        ({"BIND": "0.0.0.0", "HOSTS": "ffp.example"}, "address", "warn"),
        ({"HOSTS": "https://ffp.example", "FFP_TLS": "1"}, "address", "bad"),
        ({"FFP_TLS": "1"}, "address", "bad"),
        ({"FFP_TLS": "yes"}, "address", "bad"),
        ({"HOSTS": "ffp.example", "FFP_TLS": "1"}, "address", "ok"),
        ({"HOSTS": "ffp.example", "FFP_TLS": "1"}, "proxy", "bad"),  # the running one was started without
    ],
)
def test_doctor_holds_address_names_and_tls_against_each_other(
    installation: Installation, environment: dict[str, str], name: str, state: str
) -> None:
    done = installation.command("doctor", "--json", check=False, **{"PORT": str(installation.port), **environment})
    checks = json.loads(done.stdout)["checks"]
    assert state in [check["state"] for check in checks if check["name"] == name]
    assert done.returncode == any(check["state"] == "bad" for check in checks)


def test_doctor_sees_open_keys(installation: Installation) -> None:
    path = installation.data_dir / "keys" / "privacy.json"
    path.chmod(0o644)
    try:
        done = installation.command("doctor", "--json", check=False, PORT=str(installation.port))
    finally:
        path.chmod(0o600)
    assert done.returncode == 1
    assert "bad" in [check["state"] for check in json.loads(done.stdout)["checks"] if check["name"] == "keys"]


def test_rules_are_read_without_any_county(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("fangfanpin")), "rules", "list", "--json"]
    done = subprocess.run(command, env=clean_environment(tmp_path / "none"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(json.loads(done.stdout)["rules"]) > 200
