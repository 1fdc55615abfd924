"""Whatever ends a run, nothing stays behind, and the next one starts on the same data."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from fangfanpin.runtime.postgres import EmbeddedPostgres, read_urls, socket_url
from tests.end_to_end.conftest import Installation, clean_environment, free_port

PROJECT_DIR = Path(__file__).resolve().parents[2]
STARTS_AGAIN_WITHIN_S = 10


def processes_on(data_dir: Path) -> dict[int, str]:
    """Every process that names DATA_DIR in its arguments or environment, zombies and ourselves left out."""
    found = {}
    word = os.fsencode(data_dir)
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            said = (entry / "cmdline").read_bytes()
            if said and (word in said or b"DATA_DIR=" + word in (entry / "environ").read_bytes()):
                found[int(entry.name)] = said.replace(b"\0", b" ").decode(errors="replace")[:120]
        except OSError:
            continue
    return found


def assert_nothing_stays(data_dir: Path, within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while left := processes_on(data_dir):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


@pytest.fixture
def place(workplace: Path) -> Iterator[Installation]:
    """A place without a county: the fastest start there is. Every test here uses the same data again."""
    made = Installation(workplace / "place", environment={"FFP_DEMO": "0"})
    yield made
    made.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_to_the_process_ends_web_worker_and_database(place: Installation, number: signal.Signals) -> None:
    place.start()
    assert place.process is not None
    assert any("gunicorn" in words for words in processes_on(place.data_dir).values())
    assert any("procrastinate" in words for words in processes_on(place.data_dir).values())
    assert any("/postgres -D" in words for words in processes_on(place.data_dir).values())
    place.process.send_signal(number)
    code = place.process.wait(60)
    assert code == (-signal.SIGKILL if number is signal.SIGKILL else 0)
    assert_nothing_stays(place.data_dir)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_a_signal_to_make_alone_ends_everything(place: Installation, number: signal.Signals) -> None:
    subprocess.run(["make", "build"], cwd=PROJECT_DIR, env=clean_environment(place.data_dir), check=True, stdout=subprocess.DEVNULL)
    started = time.monotonic()
    with place.log_path.open("ab") as log:
        # make itself must not ignore SIGINT, as what a shell starts in the background does.
        place.process = subprocess.Popen(
            ["make", "run"],
            cwd=PROJECT_DIR,
            env=clean_environment(place.data_dir, PORT=str(place.port), FFP_DEMO="0"),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    place.wait_answering()
    assert time.monotonic() - started < STARTS_AGAIN_WITHIN_S
    place.process.send_signal(number)
    place.process.wait(60)
    assert_nothing_stays(place.data_dir)


def test_an_orphaned_database_is_adopted_and_stopped(place: Installation) -> None:
    """As after a kill -9 of everything but the database."""
    server = EmbeddedPostgres(place.data_dir)
    server.start()
    orphan = server.running_pid()
    place.start()
    assert server.running_pid() == orphan
    place.stop()
    assert_nothing_stays(place.data_dir)


def test_a_second_start_on_the_same_data_is_refused(place: Installation) -> None:
    place.start()
    second = place.command("serve", check=False, PORT=str(free_port()))
    assert second.returncode == 1
    assert "已在运行" in second.stderr
    place.stop()


def test_stop_ends_a_running_installation(place: Installation) -> None:
    place.start()
    assert place.facts("stop") == {"stopped": True}
    assert_nothing_stays(place.data_dir)
    assert place.facts("stop") == {"stopped": False}


def test_a_taken_port_is_named(place: Installation, installation: Installation) -> None:
    refused = place.command("serve", check=False, PORT=str(installation.port))
    assert refused.returncode == 1
    assert f":{installation.port}" in refused.stderr
    assert_nothing_stays(place.data_dir)


@pytest.mark.parametrize("word", ["0", "65536", "http", "80 80"])
def test_a_wrong_port_is_named(place: Installation, word: str) -> None:
    refused = place.command("serve", check=False, PORT=word)
    assert refused.returncode == 1
    assert word in refused.stderr


def test_what_keeps_falling_stops_the_installation(place: Installation) -> None:
    """Starting a broken part for ever would hide the fault."""
    broken = Installation(place.data_dir, environment={"FFP_DEMO": "0", "FFP_WEB_THREADS": "none"})
    with pytest.raises(AssertionError, match="does not answer"):
        broken.start()
    assert broken.process is not None
    assert broken.process.wait(30) == 1
    assert_nothing_stays(place.data_dir)


def test_the_demo_is_made_once_and_used_again(installation: Installation) -> None:
    assert installation.facts("demo", "--if-empty") == {"made": False}
    assert installation.sql("SELECT count(*) FROM households_household WHERE kind = 'assisted'") == [(200,)]


def test_an_outside_database_is_used_and_left_running(workplace: Path) -> None:
    server = EmbeddedPostgres(workplace / "outside")
    server.start()
    try:
        with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE ROLE county_owner LOGIN CREATEROLE PASSWORD {}").format(sql.Literal("let-me/in")))
            connection.execute("CREATE DATABASE county OWNER county_owner")
        url = socket_url(role="county_owner", password="let-me/in", database="county", socket_dir=server.socket_dir)
        away = Installation(workplace / "away", environment={"DATABASE_URL": url, "FFP_DEMO_HOUSEHOLDS": "60"})
        away.start()
        try:
            assert not (away.data_dir / "pg").exists()
            assert "/county?" in read_urls(away.data_dir).web
            assert away.sql("SELECT count(*) FROM households_household WHERE kind = 'assisted'") == [(60,)]
            found = away.command("doctor", "--json", check=False, PORT=str(away.port), DATABASE_URL=url).stdout
            assert '"bad"' not in found, found
            assert away.facts("backup", DATABASE_URL=url)["bytes"] > 10_000
        finally:
            assert away.stop() == 0
        assert server.is_running()
        assert_nothing_stays(away.data_dir)
    finally:
        server.stop()


def test_commands_start_the_database_they_need_and_stop_it(workplace: Path) -> None:
    data_dir = workplace / "by-hand"
    done = subprocess.run(
        [Path(sys.executable).with_name("fangfanpin"), "demo", "--households", "20", "--json"],
        env=clean_environment(data_dir),
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"made": true' in done.stdout
    assert_nothing_stays(data_dir, within_s=5)
