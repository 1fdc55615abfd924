"""Background printing of comparison sheets."""

from uuid import UUID

from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.fieldwork.sheets import print_sheets, warning
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import JobRefused, Outcome, Progress, handles
from fangfanpin.regions.models import Region


@handles("fieldwork.sheets")
def sheets(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: village (code), household (id or empty)."""
    village = Region.objects.filter(pk=job.parameters["village"]).first()
    household_id = UUID(job.parameters["household"]) if job.parameters.get("household") else None
    if village is None or not (village.code in reach or household_id in reach.households):
        raise JobRefused(_("这个村不在您的管辖范围内。"))
    progress.report(0, 1)
    batch, rendered = print_sheets(village=village, campaign=clock.current(), reach=reach, by=job.owner, household_id=household_id)
    progress.report(1, 1)
    message = _("%(count)d 户，双面打印，每户从正面开始。") % {"count": batch.households}
    return Outcome(" ".join(filter(None, (message, warning(rendered)))), {"households": batch.households, "missing": rendered.missing}, batch.file)
