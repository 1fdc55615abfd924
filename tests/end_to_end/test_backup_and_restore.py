"""The restore drill: a running demo is backed up, brought back elsewhere, and works there as before."""

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

from fangfanpin.runtime.postgres import in_use, read_urls
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


def test_restore_over_data_asks_for_force_and_keeps_what_was_there(fresh: Installation, installation: Installation, backup: dict[str, Any]) -> None:
    fresh.facts("demo", "--households", "20", "--seed", "9")
    assert "--force" in refusal(fresh, str(backup["file"]), "--keys", str(installation.data_dir / "keys"))
    fresh.facts("restore", str(backup["file"]), "--keys", str(installation.data_dir / "keys"), "--force")
    assert len(list((fresh.data_dir / "backups").glob("before-restore-*"))) == 1
    with in_use(fresh.data_dir), psycopg.connect(read_urls(fresh.data_dir).owner) as connection:
        row = connection.execute("SELECT count(*) FROM households_household WHERE kind = 'assisted'").fetchone()
    assert row == (200,)
