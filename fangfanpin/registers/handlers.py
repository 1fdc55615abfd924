"""Background work of registers: a list as a file, a list on paper, a file checked, taken in, taken back, computed values found again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.files.models import StoredFile
from fangfanpin.files.services import store
from fangfanpin.jobs.exports import narrowed
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import JobRefused, Outcome, Progress, handles
from fangfanpin.policy.services import spoken
from fangfanpin.records.current_year import CurrentYear, current_year
from fangfanpin.records.models import ImportBatch
from fangfanpin.records.workbooks.jobs import batch_of, told_to_owner
from fangfanpin.registers import printing, recomputing
from fangfanpin.registers.definitions import register_of
from fangfanpin.registers.exporting import KIND, Wish, make
from fangfanpin.registers.workbooks.services import apply_batch, check_batch, register_for, sentence_of
from fangfanpin.registers.workbooks.taking_back import take_back


@handles(KIND)
def export(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: form, query, columns, codes, format. Refused where the rights went since it was queued."""
    if not (reach.has(Verb.HOUSEHOLD_VIEW) and reach.has(Verb.EXPORT_MAKE)):
        raise JobRefused(_("您的岗位不能导出这份清单。"))
    pack, given = spoken(current_year().pack), job.parameters
    register = register_of(pack, given["form"])
    if register is None:
        raise JobRefused(_("政策包里没有这个台账了。"))
    wish = Wish(given["query"], tuple(given["columns"]), given["codes"], given["format"])
    file, count = make(register, pack, reach, wish, by=job.owner, report=progress.report)
    return Outcome(_("%(count)d 行。文件只有您能下载，请妥善保管。") % {"count": count}, {"rows": count}, file)


@handles(printing.KIND)
def print_list(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: form, query, columns. On paper, in Chinese."""
    if not (reach.has(Verb.HOUSEHOLD_VIEW) and reach.has(Verb.EXPORT_MAKE)):
        raise JobRefused(_("您的岗位不能导出这份清单。"))
    year, given = current_year(), job.parameters
    register = register_of(year.pack, given["form"])
    if register is None:
        raise JobRefused(_("政策包里没有这个台账了。"))
    inside = narrowed(reach, Verb.HOUSEHOLD_VIEW)
    try:
        content, count = printing.filled(register, year.pack, year.title, inside, query=given["query"], columns=given["columns"])
    except printing.TooLong as fault:
        raise JobRefused(str(fault)) from None
    name = f"{register.title}-{timezone.localtime():%Y%m%d-%H%M}.pdf"
    file = store(content=content, name=name, content_type="application/pdf", purpose=StoredFile.Purpose.EXPORT, owner=job.owner)
    return Outcome(_("%(count)d 行。文件只有您能下载，请妥善保管。") % {"count": count}, {"rows": count}, file)


@contextmanager
def _importing(reach: Reach) -> Iterator[CurrentYear]:
    """The year, for whoever may enter rows; what is refused is told to the owner."""
    if not reach.has(Verb.RECORD_ENTER):
        raise JobRefused(_("您的岗位不能导入登记。"))
    with told_to_owner():
        yield current_year()


def _outcome(batch: ImportBatch) -> Outcome:
    return Outcome(sentence_of(batch), {"batch": str(batch.pk), "state": batch.state}, batch.marked_file)


@handles("registers.import_check")
def check(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: batch."""
    with _importing(reach) as year:
        return _outcome(check_batch(batch=batch_of(job), year=year, reach=reach, report=progress.report))


@handles("registers.import_apply")
def apply(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: batch, keep_good."""
    keep_good = bool(job.parameters.get("keep_good"))
    with _importing(reach) as year:
        batch = apply_batch(batch=batch_of(job), year=year, reach=reach, by=job.owner, keep_good=keep_good, report=progress.report)
        return _outcome(batch)


@handles("registers.import_take_back")
def back(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: batch."""
    with _importing(reach) as year:
        batch = batch_of(job)
        return _outcome(take_back(batch=batch, register=register_for(batch, year), pack=year.pack, report=progress.report))


@handles(recomputing.KIND)
def recompute(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: what a published pack computes otherwise than the one before (`recomputing.start`). By the pack that is in force now; as the
    system's own doing over the whole county, for what was published holds for all of it."""
    year = current_year()
    try:
        done = recomputing.recompute(year.pack, year.year, recomputing.wanted_by(job), by=job.owner, report=progress.report)
    except recomputing.NotOnce as fault:
        raise JobRefused(str(fault)) from fault
    return Outcome(recomputing.said(done), asdict(done))
