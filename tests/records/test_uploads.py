"""What was handed in and never kept goes after a week, row and bytes; whatever is named by anything stays. As the worker, under row security."""

import datetime
import os
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.utils import timezone
from procrastinate.contrib.django import app

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.files.models import StoredFile
from fangfanpin.files.pictures import Upload
from fangfanpin.files.pictures import keep as hand_in
from fangfanpin.files.services import path_of, store
from fangfanpin.jobs.models import Job
from fangfanpin.policy.services import pack_of
from fangfanpin.quality.models import Clue, ClueStep
from fangfanpin.records import pictures
from fangfanpin.records.models import Conflict, Record
from fangfanpin.records.tasks import KEPT, nightly_uploads
from fangfanpin.runtime.postgres import read_urls
from tests.installation import DATA_DIR
from tests.pictures import photo

LONG = KEPT + datetime.timedelta(hours=1)
Old = Callable[..., StoredFile]


@pytest.fixture(autouse=True)
def reach(worker: None, acting: Callable[[str], Reach]) -> Reach:
    return acting("system")


@pytest.fixture
def old(cast: dict[str, User]) -> Old:
    """A picture that the village handed in, by default more than a week ago; each of its own colour, so with bytes of its own."""
    count = iter(range(256))

    def made(*, by: datetime.timedelta = LONG) -> StoredFile:
        size = (40 + next(count), int(uuid4().int % 200) + 1)
        file = hand_in(Upload(photo(size=size, colour=f"#{uuid4().hex[:6]}"), "x.jpg"), by=cast["village"], called="x")
        return aged(file, by=by)

    return made


def aged(file: StoredFile, *, by: datetime.timedelta = LONG) -> StoredFile:
    StoredFile.objects.filter(pk=file.pk).update(created_at=timezone.now() - by)
    age(path_of(file), by)
    return file


def age(path: Path, by: datetime.timedelta = LONG) -> None:
    moment = (timezone.now() - by).timestamp()
    os.utime(path, (moment, moment))


def state(file: StoredFile) -> tuple[bool, bool]:
    """Is the row there, are the bytes?"""
    return StoredFile.objects.filter(pk=file.pk).exists(), path_of(file).exists()


def a_record() -> Record:
    return Record.objects.filter(form="household_year", year=2021, state="submitted").order_by("id")[0]


def test_every_night_what_nobody_kept_goes(old: Old) -> None:
    assert "fangfanpin.nightly_uploads" in {entry.task.name for entry in app.periodic_registry.periodic_tasks.values()}
    gone, young = old(), old(by=KEPT - datetime.timedelta(hours=1))
    nightly_uploads(timestamp=0)
    assert (state(gone), state(young)) == ((False, False), (True, True))
    nightly_uploads(timestamp=0)


def test_what_a_record_names_or_named_stays(old: Old, reach: Reach) -> None:
    record, pack = a_record(), pack_of(clock.current().pack)
    kept, unclaimed = old(), old()
    record.values = {**record.values, "photos": [str(kept.pk)]}
    record.save()
    pictures.keep_with(record, pack.forms[record.form])
    record.values = {**record.values, "photos": [str(unclaimed.pk)]}  # as if it had been kept with none
    record.save()
    nightly_uploads(timestamp=0)
    assert (state(kept), state(unclaimed)) == ((True, True), (True, True))


@pytest.mark.parametrize("side", ["offered", "stored"])
@pytest.mark.parametrize("is_open", [True, False])
def test_what_a_conflict_names_stays(old: Old, side: str, is_open: bool) -> None:
    record, file = a_record(), old()
    assert record.household is not None
    row = Conflict(
        household=record.household, village_code=record.village_code, target="household", stored_at=timezone.now(), offered_at=timezone.now()
    )
    row.name, row.state = "photos", Conflict.State.OPEN if is_open else Conflict.State.RESOLVED
    setattr(row, side, [str(uuid4()), str(file.pk)])
    row.save()
    row.pk, row.name, row.stored, row.offered = uuid4(), "bank_card_no", 100, {"cipher": "x", "mask": "y"}
    row.save(force_insert=True)
    other = old()
    nightly_uploads(timestamp=0)
    assert (state(file), state(other)) == ((True, True), (False, False))


def test_what_a_clue_or_a_job_points_to_stays(old: Old, cast: dict[str, User]) -> None:
    record, evidence, result = a_record(), old(), old()
    clue = Clue.objects.create(
        rule_id="T001", year=2021, subject_kind="household", subject_id=uuid4(), household=record.household, village_code=record.village_code,
        severity="W", message="x", used_digest="x", pack_hash="x", seen_at=timezone.now(),
    )  # fmt: skip
    ClueStep.objects.create(clue=clue, household_id=record.household_id, village_code=record.village_code, kind="confirmed", file=evidence)
    Job.objects.create(kind="x", title="x", owner=cast["village"], file=result)
    nightly_uploads(timestamp=0)
    assert (state(evidence), state(result)) == ((True, True), (True, True))


@pytest.mark.parametrize("purpose", [one for one in StoredFile.Purpose if one != StoredFile.Purpose.PICTURE])
def test_files_of_other_kinds_stay(purpose: StoredFile.Purpose, cast: dict[str, User]) -> None:
    file = aged(store(content=uuid4().bytes, name="x", content_type="x", purpose=purpose, owner=cast["village"]))
    nightly_uploads(timestamp=0)
    assert state(file) == (True, True)


def test_bytes_stay_while_another_row_names_them(old: Old, cast: dict[str, User]) -> None:
    file = old()
    content = path_of(file).read_bytes()
    twin = store(content=content, name="x", content_type="image/jpeg", purpose=StoredFile.Purpose.EXPORT, owner=cast["county"])
    age(path_of(file))
    nightly_uploads(timestamp=0)
    assert (state(file), state(twin)) == ((False, True), (True, True))


def test_bytes_that_no_row_names_go_unless_they_are_new(cast: dict[str, User]) -> None:
    root = Path(settings.FILES_DIR)
    names = [f"{uuid4().hex * 2}" for _one in range(2)]
    orphan, fresh, half, writing = root / "ab" / names[0], root / "ab" / names[1], root / "tmpold", root / "tmpnew"
    (root / "ab").mkdir(parents=True, exist_ok=True)
    for path in (orphan, fresh, half, writing):
        path.write_bytes(b"x")
    for path in (orphan, half):
        age(path)
    nightly_uploads(timestamp=0)
    assert [path.exists() for path in (orphan, fresh, half, writing)] == [False, True, False, True]
    for path in (fresh, writing):
        path.unlink()


def test_bytes_stored_again_are_new(old: Old, cast: dict[str, User]) -> None:
    """Whoever is storing the same bytes has them on disk before anybody sees the row."""
    file = old()
    content = path_of(file).read_bytes()
    StoredFile.objects.filter(pk=file.pk).delete()
    again = store(content=content, name="x", content_type="image/jpeg", purpose=StoredFile.Purpose.PICTURE, owner=cast["village"])
    StoredFile.objects.filter(pk=again.pk).delete()  # as not committed yet
    nightly_uploads(timestamp=0)
    assert path_of(file).exists()


def test_while_a_backup_is_made_no_bytes_go(old: Old) -> None:
    file = old()
    with psycopg.connect(read_urls(DATA_DIR).owner, autocommit=True) as backup:
        backup.execute("SELECT pg_advisory_lock_shared(hashtext('files.bytes'))")
        nightly_uploads(timestamp=0)
        assert state(file) == (False, True)
        backup.execute("SELECT pg_advisory_unlock_shared(hashtext('files.bytes'))")
        nightly_uploads(timestamp=0)
    assert state(file) == (False, False)
