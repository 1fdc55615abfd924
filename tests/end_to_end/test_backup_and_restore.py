"""The restore drill: a running demo is backed up, brought back elsewhere, and works there as before."""

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from fangfanpin.runtime.postgres import EmbeddedPostgres, in_use, socket_url
from fangfanpin.runtime.supervisor import hold_lock
from tests.end_to_end.conftest import Installation, clean_environment

PERSONAL = ("households_household", "households_person", "households_membership", "households_monitoringspell", "records_record", "audit_event")
DECRYPT = "import django; django.setup(); import sys; from fangfanpin.privacy.secrets import decrypt; print(decrypt(sys.argv[1]))"


def counts(installation: Installation) -> dict[str, int]:
    return {table: installation.sql(f"SELECT count(*) FROM {table}", role="owner")[0][0] for table in PERSONAL}


def a_secret(installation: Installation) -> tuple[str, str]:
    """Of one person: the identity number decrypted with the installation's keys, and its mask."""
    query = "SELECT id_number_secret, id_number_mask FROM households_person WHERE id_number_secret IS NOT NULL ORDER BY id LIMIT 1"
    secret, mask = installation.sql(query, role="owner")[0]
    environment = clean_environment(installation.data_dir, DJANGO_SETTINGS_MODULE="fangfanpin.settings")
    done = subprocess.run([sys.executable, "-c", DECRYPT, secret], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip(), mask


@pytest.fixture(scope="module")
def backup(installation: Installation, workplace: Path) -> dict[str, Any]:
    made = installation.facts("backup", "--out", str(workplace / "kept"))
    return made | {"file": Path(made["path"])}


@pytest.fixture(scope="module")
def restored(installation: Installation, backup: dict[str, Any], workplace: Path) -> Iterator[Installation]:
    other = Installation(workplace / "restored")
    other.facts("restore", str(backup["file"]), "--keys", str(installation.data_dir / "keys"))
    other.start()
    yield other
    other.stop()


def test_the_backup_is_one_private_file_without_keys(installation: Installation, backup: dict[str, Any]) -> None:
    assert backup["keys_included"] is False
    assert backup["file"].stat().st_mode & 0o777 == 0o600
    with tarfile.open(backup["file"]) as archive:
        names = archive.getnames()
    assert names[:2] == ["manifest.json", "database.dump"]
    assert not [name for name in names if "keys" in name]
    kept = json.loads((installation.data_dir / "keys" / "privacy.json").read_text())
    assert not [word for word in kept.values() if word.encode() in backup["file"].read_bytes()]


def test_everything_comes_back(installation: Installation, restored: Installation) -> None:
    assert counts(restored) == counts(installation)
    assert counts(restored)["audit_event"] > 1000
    number, mask = a_secret(restored)
    assert (number, mask) == a_secret(installation)
    assert number[:6] == mask[:6] and number[-4:] == mask[-4:] and len(number) == 18


def test_people_sign_in_there_as_before(restored: Installation, open_page: Callable[..., Page]) -> None:
    page = open_page(base_url=restored.url)
    page.goto("/accounts/sign-in")
    page.fill("#id_username", "township")
    page.fill("#id_password", restored.password("township"))
    page.click("main button[type=submit]")
    page.wait_for_url(f"{restored.url}/")
    expect(page.locator(".demo-banner")).to_contain_text("演示县")


def test_row_security_holds_there(restored: Installation) -> None:
    assert restored.sql("SELECT count(*) FROM households_household", role="web") == [(0,)]
    for statement in ("DELETE FROM households_household", "DELETE FROM audit_event", "UPDATE audit_event SET act = ''"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            restored.sql(statement, role="web")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        restored.sql("SET row_security = off; ALTER TABLE households_household DISABLE ROW LEVEL SECURITY", role="web")
    mighty = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'ffp%%' AND (rolsuper OR rolbypassrls)"
    assert restored.sql(mighty.replace("%%", "%"), role="owner") == [(0,)]


def test_a_restored_county_can_be_backed_up_again(restored: Installation, workplace: Path) -> None:
    assert restored.facts("backup", "--out", str(workplace / "again.ffpbackup"))["bytes"] > 100_000


def test_restore_waits_for_a_running_installation_to_stop(restored: Installation, backup: dict[str, Any]) -> None:
    refused = restored.command("restore", str(backup["file"]), "--force", check=False)
    assert refused.returncode == 1 and "已在运行" in refused.stderr


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory, workplace: Path) -> Iterator[Installation]:
    path = workplace / tmp_path_factory.mktemp("fresh").name
    yield Installation(path)
    shutil.rmtree(path, ignore_errors=True)


def refusal(fresh: Installation, *words: str) -> str:
    done = fresh.command("restore", *words, "--json", check=False)
    assert done.returncode == 1 and done.stdout == "" and "Traceback" not in done.stderr
    return done.stderr


def test_restore_asks_for_the_keys(fresh: Installation, backup: dict[str, Any]) -> None:
    assert "--keys" in refusal(fresh, str(backup["file"]))


def test_restore_refuses_other_keys(fresh: Installation, backup: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "privacy.json").write_text(json.dumps({"cipher": "00" * 32, "digest": "11" * 32, "django": "x"}))
    assert "不是这个备份的密钥" in refusal(fresh, str(backup["file"]), "--keys", str(tmp_path))


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_backup_restores_nothing(
    fresh: Installation, installation: Installation, backup: dict[str, Any], tmp_path: Path, damage: str
) -> None:
    content = bytearray(backup["file"].read_bytes())
    middle = content.index(b"PGDMP") + 20_000
    content[middle] ^= 0xFF
    wrong = {"cut": bytes(content[: middle - 9]), "flipped": bytes(content), "empty": b"", "other": b"PK\x03\x04" + bytes(2000)}[damage]
    path = tmp_path / "wrong.ffpbackup"
    path.write_bytes(wrong)
    assert "损坏" in refusal(fresh, str(path), "--keys", str(installation.data_dir / "keys"))
    assert not (fresh.data_dir / "pg").exists()


# ---- over a county that is there: as a whole or not at all


def state_of(data_dir: Path) -> dict[str, Any]:
    """What a restore changes: households, files, keys, and what else lies about."""
    with in_use(data_dir) as urls, psycopg.connect(urls.owner) as connection:
        households = connection.execute("SELECT count(*) FROM households_household WHERE kind = 'assisted'").fetchone()
        databases = connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1").fetchall()
    return {
        "households": households[0] if households else None,
        "databases": [row[0] for row in databases],
        "files": sorted(path.relative_to(data_dir).as_posix() for name in ("files", "maps", "demo") for path in (data_dir / name).rglob("*")),
        "accounts": (data_dir / "demo" / "accounts.txt").read_text(encoding="utf-8"),
        "keys": (data_dir / "keys" / "privacy.json").read_text(encoding="utf-8"),
        "hidden": sorted(path.name for path in data_dir.iterdir() if path.name.startswith(".") or path.name == "restore.json"),
    }


@pytest.fixture(scope="module")
def small_county(workplace: Path) -> Iterator[Installation]:
    made = Installation(workplace / "small")
    made.facts("demo", "--households", "20", "--seed", "9")
    (made.data_dir / "files" / "ab").mkdir(parents=True)
    (made.data_dir / "files" / "ab" / "kept").write_text("a file of the county that is there")
    yield made
    shutil.rmtree(made.data_dir, ignore_errors=True)


@pytest.fixture
def county(small_county: Installation, fresh: Installation) -> Iterator[Installation]:
    """A small county of its own keys, with files; its database is up, nothing else is."""
    subprocess.run(["cp", "-a", small_county.data_dir, fresh.data_dir], check=True)  # the cluster keeps its owner
    (fresh.data_dir / "keys" / "database.json").unlink()  # it names the other's socket
    with in_use(fresh.data_dir):
        yield fresh


@pytest.fixture
def over(installation: Installation, backup: dict[str, Any]) -> list[str]:
    return [str(backup["file"]), "--keys", str(installation.data_dir / "keys"), "--force"]


def test_restore_over_data_asks_for_force_and_keeps_what_was_there(county: Installation, installation: Installation, over: list[str]) -> None:
    before = state_of(county.data_dir)
    assert before["households"] == 20
    assert "--force" in refusal(county, *over[:-1])
    assert state_of(county.data_dir) == before
    county.facts("restore", *over)
    after = state_of(county.data_dir)
    assert (after["households"], after["databases"], after["hidden"]) == (200, ["fangfanpin", "postgres"], [])
    assert after["keys"] == (installation.data_dir / "keys" / "privacy.json").read_text(encoding="utf-8")
    assert after["accounts"] == (installation.data_dir / "demo" / "accounts.txt").read_text(encoding="utf-8")
    assert "files/ab/kept" not in after["files"]
    kept_keys = list((county.data_dir / "keys").glob("privacy.json.replaced-*"))
    assert [path.read_text(encoding="utf-8") for path in kept_keys] == [before["keys"]], "the backup of before needs them"
    (kept,) = (county.data_dir / "backups").glob("before-restore-*")
    county.facts("restore", str(kept), "--keys", str(kept_keys[0]), "--force")
    assert state_of(county.data_dir) == before, "and back again"
    county.start()
    assert county.stop() == 0


def rewritten(file: Path, target: Path, *, dump: Callable[[bytes], bytes] = bytes, **facts: Any) -> Path:
    """The backup with another dump or other facts, its checksums right all the same."""
    with tarfile.open(file) as old, tarfile.open(target, "x") as new:
        members = {}
        for member in old.getmembers():
            packed = old.extractfile(member)
            assert packed is not None, f"{member.name} is no file"
            members[member.name] = packed.read()
        members["database.dump"] = dump(members["database.dump"])
        manifest = json.loads(members["manifest.json"]) | facts
        sizes = {"bytes": len(members["database.dump"]), "sha256": hashlib.sha256(members["database.dump"]).hexdigest()}
        manifest["members"]["database.dump"] = sizes
        members["manifest.json"] = json.dumps(manifest).encode()
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return target


@pytest.mark.parametrize("fault", ["dump", "count", "migration"])
def test_what_cannot_be_brought_back_whole_touches_nothing(
    county: Installation, backup: dict[str, Any], over: list[str], tmp_path: Path, fault: str
) -> None:
    before = state_of(county.data_dir)
    target = tmp_path / "wrong.ffpbackup"
    if fault == "dump":
        rewritten(backup["file"], target, dump=lambda content: content[: len(content) // 2])
    elif fault == "count":
        rewritten(backup["file"], target, households=7)
    else:
        rewritten(backup["file"], target, migrations=["auth.9999_from_elsewhere"])
    said = refusal(county, str(target), *over[1:])
    assert {"dump": "pg_restore", "count": "清单", "migration": "清单"}[fault] in said
    assert state_of(county.data_dir) == before


CUT_OFF = """
import os, sys
from fangfanpin.cli import main
from fangfanpin.runtime import swap

where, count = sys.argv[1], int(sys.argv[2])
whole = getattr(swap, where)

def cut_off(*given):
    global count
    count -= 1
    if count < 0:
        os._exit(9)  # as a kill -9 or the power
    return whole(*given)

setattr(swap, where, cut_off)
sys.exit(main(["restore", *sys.argv[3:]]))
"""


@pytest.mark.parametrize(
    ("where", "count", "is_new"),
    [
        ("_rename", 0, False),  # the journal is written, nothing is renamed
        ("_rename", 2, False),
        ("_rename", 5, False),  # among the keys
        ("_exchange", 0, False),  # all but the databases
        ("_settle", 0, True),  # it counts; the old one is not cleared away yet
        ("_drop", 2, True),  # among the clearing
    ],
)
def test_a_restore_cut_off_anywhere_leaves_the_one_or_the_other(
    county: Installation, installation: Installation, over: list[str], where: str, count: int, is_new: bool
) -> None:
    before = state_of(county.data_dir)
    command = [sys.executable, "-c", CUT_OFF, where, str(count), *over]
    cut = subprocess.run(command, env=clean_environment(county.data_dir), capture_output=True, text=True, check=False)
    assert cut.returncode == 9, cut.stderr
    assert (county.data_dir / "restore.json").exists()
    county.facts("migrate")  # any command settles it first
    after = state_of(county.data_dir)
    assert (after["databases"], after["hidden"]) == (["fangfanpin", "postgres"], [])
    if is_new:
        assert after["households"] == 200 and "files/ab/kept" not in after["files"]
        assert after["keys"] == (installation.data_dir / "keys" / "privacy.json").read_text(encoding="utf-8")
    else:
        assert after == before
    assert not list((county.data_dir / "keys").glob(".privacy*"))


def test_who_is_still_connected_keeps_the_county_where_it_is(county: Installation, over: list[str]) -> None:
    before = state_of(county.data_dir)
    with in_use(county.data_dir) as urls, psycopg.connect(urls.snapshot):
        assert "还有别的命令" in refusal(county, *over)
    assert state_of(county.data_dir) == before


def test_a_command_waits_for_a_restore_under_way(county: Installation) -> None:
    (county.data_dir / "restore.json").write_text("{}")
    with hold_lock(county.data_dir):
        done = county.command("migrate", check=False)
    assert done.returncode == 1 and "正在恢复" in done.stderr
    (county.data_dir / "restore.json").unlink()


def test_an_outside_server_is_restored_beside_where_it_may_and_into_an_empty_database_where_not(
    workplace: Path, installation: Installation, backup: dict[str, Any]
) -> None:
    server = EmbeddedPostgres(workplace / "elsewhere")
    server.start()
    keys = ["--keys", str(installation.data_dir / "keys")]
    try:
        with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
            connection.execute("CREATE ROLE county_owner LOGIN CREATEROLE PASSWORD 'let-me'")
            connection.execute("CREATE DATABASE county OWNER county_owner")
            connection.execute("CREATE ROLE reader LOGIN; GRANT CONNECT ON DATABASE county TO reader")
        url = socket_url(role="county_owner", password="let-me", database="county", socket_dir=server.socket_dir)
        away = Installation(workplace / "away-restored")
        away.facts("restore", str(backup["file"]), *keys, DATABASE_URL=url)
        with psycopg.connect(url, autocommit=True) as connection:
            assert connection.execute("SELECT count(*) FROM households_household WHERE kind = 'assisted'").fetchone() == (200,)
            connection.execute("DELETE FROM records_savereceipt")
            connection.execute("COMMENT ON SCHEMA public IS 'the one before'")
        refused = away.command("restore", str(backup["file"]), *keys, "--force", check=False, DATABASE_URL=url)
        assert refused.returncode == 1 and "CREATEDB" in refused.stderr
        with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
            connection.execute("ALTER ROLE county_owner CREATEDB")
        away.facts("restore", str(backup["file"]), *keys, "--force", DATABASE_URL=url)
        with psycopg.connect(url, autocommit=True) as connection:
            assert connection.execute("SELECT count(*) FROM households_household WHERE kind = 'assisted'").fetchone() == (200,)
            assert connection.execute("SELECT obj_description('public'::regnamespace, 'pg_namespace')").fetchone() != ("the one before",)
            allowed = connection.execute("SELECT has_database_privilege('reader', 'county', 'CONNECT')").fetchone()
            assert allowed == (True,), "whom the server's keeper let in stays let in"
            assert connection.execute("SELECT has_database_privilege('ffp_web', 'county', 'CONNECT')").fetchone() == (True,)
            assert connection.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'county_%'").fetchone() == (0,)
        away.environment["DATABASE_URL"] = url
        away.start()
        assert away.stop() == 0
    finally:
        server.stop()
