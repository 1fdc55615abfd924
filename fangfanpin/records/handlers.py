"""Background work of records: a roster file is checked, taken in, taken back."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import Reach
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import JobRefused, Outcome, Progress, handles
from fangfanpin.records.current_year import CurrentYear, NoYear, current_year
from fangfanpin.records.models import ImportBatch
from fangfanpin.records.roster.services import apply_batch, check_batch, sentence_of
from fangfanpin.records.roster.taking_back import take_back
from fangfanpin.records.workbooks.batches import ImportRefused


def _batch(job: Job) -> ImportBatch:
    batch = ImportBatch.objects.filter(pk=UUID(job.parameters["batch"])).first()
    if batch is None:
        raise JobRefused(_("没有找到这个文件，请重新上传。"))
    return batch


def _year() -> CurrentYear:
    try:
        return current_year()
    except NoYear:
        raise JobRefused(_("还没有年度工作，请先建立年度工作再导入。")) from None


@contextmanager
def _told_to_owner() -> Iterator[None]:
    try:
        yield
    except ImportRefused as refused:
        raise JobRefused(str(refused)) from None


@handles("records.roster_check")
def check(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: batch."""
    with _told_to_owner():
        batch = check_batch(batch=_batch(job), year=_year(), reach=reach, report=progress.report)
    return Outcome(sentence_of(batch), {"batch": str(batch.pk), "state": batch.state}, batch.marked_file)


@handles("records.roster_apply")
def apply(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: batch, keep_good."""
    with _told_to_owner():
        batch = apply_batch(batch=_batch(job), year=_year(), reach=reach, keep_good=bool(job.parameters.get("keep_good")), report=progress.report)
    return Outcome(sentence_of(batch), {"batch": str(batch.pk), "state": batch.state}, batch.marked_file)


@handles("records.roster_take_back")
def back(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: batch."""
    with _told_to_owner():
        batch = take_back(batch=_batch(job), reach=reach, report=progress.report)
    return Outcome(sentence_of(batch), {"batch": str(batch.pk), "state": batch.state})
