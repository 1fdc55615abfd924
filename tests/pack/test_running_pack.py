"""The pack in force does not hang on the files it came from: a fault in them leaves it running, and nothing faulty is published."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from fangfanpin.accounts.reach import Reach
from fangfanpin.pack import PackFaults, load_pack
from fangfanpin.policy import services
from fangfanpin.policy.models import PublishedPack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("national-2021", "guzhen-2021"):
        shutil.copytree(Path(settings.PACKS_DIR) / name, tmp_path / name)
    return tmp_path / "guzhen-2021"


def test_faulty_pack_does_not_publish_and_the_running_one_stays(acting: Callable[[str], Reach], folder: Path) -> None:
    acting("system")
    running = PublishedPack.objects.latest("published_at")
    plan = folder / "plan.toml"
    plan.write_text(plan.read_text(encoding="utf-8").replace('metric = "collected"', 'metric = "x"'), encoding="utf-8")
    with pytest.raises(PackFaults):
        services.publish(pack=load_pack(folder), directory=folder, by=None)
    assert PublishedPack.objects.latest("published_at") == running
    services._load.cache_clear()  # as after a restart
    assert services.pack_of(running).hash == running.hash
