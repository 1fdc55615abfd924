"""Background work of registers: a list as a file."""

from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import JobRefused, Outcome, Progress, handles
from fangfanpin.policy.services import spoken
from fangfanpin.records.current_year import current_year
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
