"""One small demo county for the whole run; tests act as the web role, so that row security is really tested.

Each test runs in a transaction that is rolled back; what must commit (jobs, two browsers, kills) works a running installation in tests/end_to_end.
"""

import copy
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from django.db import connections, transaction
from django.test import Client
from django.utils import translation
from hypothesis import settings

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, reach_of, set_database_reach, system_reach
from fangfanpin.campaigns import clock
from fangfanpin.pack import Pack
from fangfanpin.policy.services import pack_of
from fangfanpin.runtime.postgres import read_urls
from fangfanpin.snapshots.session import spark_session
from tests.installation import DATA_DIR

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HOUSEHOLDS, SEED = 300, 7

# The same cases each time, or, under `make proof`, many more by the seed it prints (`--hypothesis-seed`).
settings.register_profile("test", derandomize=True, deadline=None, database=None)
settings.register_profile("proof", max_examples=2000, deadline=None, database=None, print_blob=True)
settings.load_profile("proof" if os.environ.get("FFP_PROOF") else "test")


@pytest.fixture
def chosen_seed(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> int:
    """What a test draws its cases by: the SEED of `make proof`, else any; told, so that the same cases can be drawn again."""
    seed = int(os.environ.get("FFP_SEED") or random.SystemRandom().randrange(2**32))
    with capsys.disabled():
        print(f"\n{request.node.name}: FFP_SEED={seed}")
    return seed


@pytest.fixture(scope="session")
def data_dir() -> Path:
    return DATA_DIR


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """Structure and demo county, made once by the owner in processes of their own, as in real life."""
    environment = {**os.environ, "FFP_DB_ROLE": "owner"}
    for command in (
        [sys.executable, "-m", "django", "migrate", "-v0", "--no-input"],
        [sys.executable, "-m", "fangfanpin.cli", "demo", "--households", str(HOUSEHOLDS), "--seed", str(SEED), "--json"],
    ):
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def pack(db: None) -> Pack:
    return pack_of(clock.current().pack)


@pytest.fixture(scope="session")
def spark() -> "Iterator[SparkSession]":
    """One for the whole run: to start Java takes some seconds."""
    with spark_session(threads=2, partitions=2) as session:
        yield session


@pytest.fixture(autouse=True)
def chinese() -> Iterator[None]:
    """A request in English leaves its language behind in the thread; the next test begins in Chinese again."""
    yield
    translation.deactivate()


@pytest.fixture
def cast(db: None) -> dict[str, User]:
    """The demo's accounts by name: county, township, village, helper, department, inspector, auditor, admin."""
    return {user.username: user for user in User.objects.all()}


@pytest.fixture
def client_as(cast: dict[str, User]) -> Callable[[str], Client]:
    """A signed-in test client of a cast member."""

    def signed_in(name: str) -> Client:
        client = Client()
        client.force_login(cast[name], backend="django.contrib.auth.backends.ModelBackend")
        return client

    return signed_in


@pytest.fixture
def acting(cast: dict[str, User]) -> Callable[[str], Reach]:
    """Set this transaction's reach to a cast member's, or with "system" to every village; returns the reach."""

    def act(name: str) -> Reach:
        reach = system_reach() if name == "system" else reach_of(cast[name])
        set_database_reach(reach, act="test", source="test")
        return reach

    return act


@pytest.fixture
def worker(db: None) -> Iterator[None]:
    """This test's connection is the worker's: imports copy into temporary tables and take back by deleting, which the web may not."""
    usual = connections["default"]
    url = urlsplit(read_urls(DATA_DIR).worker)
    other = type(usual)(
        copy.deepcopy(usual.settings_dict) | {"USER": unquote(url.username or ""), "PASSWORD": unquote(url.password or "")}, "default"
    )
    connections["default"] = other
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        other.close()
        connections["default"] = usual
