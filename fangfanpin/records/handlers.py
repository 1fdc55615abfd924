"""Background work of records: a roster file is checked, taken in, taken back."""

from fangfanpin.accounts.reach import Reach
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import Outcome, Progress, handles
from fangfanpin.records.current_year import current_year
from fangfanpin.records.roster.services import apply_batch, check_batch, sentence_of
from fangfanpin.records.roster.taking_back import take_back
from fangfanpin.records.workbooks.jobs import batch_of, told_to_owner


@handles("records.roster_check")
def check(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: batch."""
    with told_to_owner():
        batch = check_batch(batch=batch_of(job), year=current_year(), reach=reach, report=progress.report)
    return Outcome(sentence_of(batch), {"batch": str(batch.pk), "state": batch.state}, batch.marked_file)


@handles("records.roster_apply")
def apply(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: batch, keep_good."""
    keep_good = bool(job.parameters.get("keep_good"))
    with told_to_owner():
        batch = apply_batch(batch=batch_of(job), year=current_year(), reach=reach, keep_good=keep_good, report=progress.report)
    return Outcome(sentence_of(batch), {"batch": str(batch.pk), "state": batch.state}, batch.marked_file)


@handles("records.roster_take_back")
def back(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: batch."""
    with told_to_owner():
        batch = take_back(batch=batch_of(job), reach=reach, report=progress.report)
    return Outcome(sentence_of(batch), {"batch": str(batch.pk), "state": batch.state})
