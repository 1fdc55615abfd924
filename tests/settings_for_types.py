"""Settings for the type checker: read without a county, so that `mypy` runs in a fresh clone."""

import os

os.environ["FFP_WITHOUT_COUNTY"] = "1"

from fangfanpin.settings import *  # noqa: F403  # after the environment is set
