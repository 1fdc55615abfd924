"""Loaded before Django (`-p tests.installation`): a DATA_DIR of the run's own with an embedded PostgreSQL, seen as the web role."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from fangfanpin.runtime.postgres import EmbeddedPostgres, ensure_database

DATA_DIR = Path(tempfile.mkdtemp(prefix="ffp-test-"))
os.environ["DATA_DIR"] = str(DATA_DIR)
os.environ["FFP_DB_ROLE"] = "web"
for _name in [name for name in os.environ if name.endswith("DATABASE_URL") or name == "FFP_WITHOUT_COUNTY"]:
    del os.environ[_name]
ensure_database(DATA_DIR)  # settings read its URLs when Django is set up


def pytest_unconfigure(config: pytest.Config) -> None:
    EmbeddedPostgres(DATA_DIR).stop()
    shutil.rmtree(DATA_DIR, ignore_errors=True)
