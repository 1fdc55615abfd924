"""Reading the county: two connections, one moment; a scan that fails ends the sweep instead of leaving it waiting."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import adbc_driver_manager
import psycopg
import pytest
from django.conf import settings
from django.db import transaction
from psycopg import sql

from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.quality import snapshot
from fangfanpin.quality.models import Sweep
from fangfanpin.quality.sweep import run_sweep
from fangfanpin.registers.scans import scanned
from fangfanpin.runtime.postgres import read_urls


@pytest.fixture
def busy_county(db: None) -> Iterator[None]:
    """Somebody commits all the time."""
    enough = threading.Event()

    def commit() -> None:
        with psycopg.connect(read_urls(Path(settings.DATA_DIR)).owner, autocommit=True) as connection:
            while not enough.is_set():
                connection.execute("SELECT pg_current_xact_id()")

    working = threading.Thread(target=commit)
    working.start()
    yield
    enough.set()
    working.join()


def test_all_scans_see_the_county_at_one_moment(busy_county: None) -> None:
    scan = sql.SQL("SELECT pg_current_snapshot()::text AS moment, pg_backend_pid() AS backend, pg_sleep(0.2)::text").format()
    with scanned(dict.fromkeys(("one", "two", "three", "four"), scan)) as raw:
        rows = [raw[name].to_pylist()[0] for name in raw]
    assert len({row["backend"] for row in rows}) == 2
    assert len({row["moment"] for row in rows}) == 1


def test_a_scan_that_fails_ends_the_sweep(acting: Callable[[str], Reach], monkeypatch: pytest.MonkeyPatch) -> None:
    acting("system")
    before = Sweep.objects.count()
    scans = snapshot._scans
    failing = {"person_now": sql.SQL("SELECT 1 / 0").format()}
    monkeypatch.setattr(snapshot, "_scans", lambda *asked: scans(*asked) | failing)
    with pytest.raises(adbc_driver_manager.Error, match="division by zero"), transaction.atomic():
        run_sweep(campaign=clock.current(), by=None)
    assert Sweep.objects.count() == before
    assert not list((Path(settings.DATA_DIR) / "snapshots").glob("*"))
