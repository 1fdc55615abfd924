"""A household's file as PDF, in the background."""

from uuid import UUID

from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.accounts.verbs import Verb
from fangfanpin.archives.filing import household_file
from fangfanpin.campaigns import clock
from fangfanpin.files.models import StoredFile
from fangfanpin.files.services import store
from fangfanpin.households.models import Household
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import JobRefused, Outcome, Progress, handles
from fangfanpin.papers.household_file import missing_parts, render_household_file
from fangfanpin.policy.services import pack_of
from fangfanpin.records.units import load_unit


@handles("archives.household_file")
def make(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: household (id). Kept for the household: whoever reaches it and may see sensitive values may open it."""
    household = Household.objects.visible_to(reach).filter(pk=UUID(job.parameters["household"])).first()
    if household is None or not can(reach, Verb.SHEET_PRINT, household):
        raise JobRefused(_("这户不在您的管辖范围内。"))
    progress.report(0, 2)
    campaign = clock.current()
    sensitive = can(reach, Verb.SENSITIVE_VIEW, household)
    data = household_file(load_unit(household, campaign.year), pack_of(campaign.pack), sensitive=sensitive, by=job.owner.name if job.owner else "")
    progress.report(1, 2)
    set_act("archives.household_file")
    file = store(
        content=render_household_file(data),
        name=f"一户一档-{household.head_name or household.code}-{campaign.year}.pdf",
        content_type="application/pdf",
        purpose=StoredFile.Purpose.HOUSEHOLD_FILE,
        owner=job.owner,
        village_code=household.village_code,
        household_id=household.pk,
    )
    progress.report(2, 2)
    missing = missing_parts(data.parts)
    message = _("档案已生成。")
    if missing:
        message += _("还缺 %(count)d 件：%(papers)s。") % {"count": len(missing), "papers": "、".join(missing)}
    return Outcome(message, {"missing": missing}, file)
