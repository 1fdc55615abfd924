"""Loaded before Django (`-p tests.installation`): a DATA_DIR of the run's own with an embedded PostgreSQL, seen as the web role."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from fangfanpin.runtime.postgres import in_use

DATA_DIR = Path(tempfile.mkdtemp(prefix="ffp-test-"))
os.environ["DATA_DIR"] = str(DATA_DIR)
os.environ["FFP_DB_ROLE"] = "web"
os.environ["FFP_MENU_COUNTS_KEPT_S"] = "0"  # each test counts for itself
for _name in [name for name in os.environ if name.endswith("DATABASE_URL") or name == "FFP_WITHOUT_COUNTY"]:
    del os.environ[_name]
# Settings read its URLs when Django is set up; commands that tests start share it.
_stack = contextlib.ExitStack()
_stack.enter_context(in_use(DATA_DIR))


def pytest_unconfigure(config: pytest.Config) -> None:
    _stack.close()
    shutil.rmtree(DATA_DIR, ignore_errors=True)
