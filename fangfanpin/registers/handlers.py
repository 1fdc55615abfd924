"""Background work of registers: a list as a file, a list on paper."""

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
from fangfanpin.records.current_year import current_year
from fangfanpin.registers import printing
from fangfanpin.registers.definitions import register_of
from fangfanpin.registers.exporting import KIND, Wish, make


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
