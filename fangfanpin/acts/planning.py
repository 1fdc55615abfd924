"""Changes of divisions that are not done at once: those of a day to come, and those so large that they are done as a job with its page."""

import datetime
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.acts.models import Act, PlannedAct
from fangfanpin.acts.plans import LINES_KEPT, LONGEST_REASON, ActRefused, Plan, must_have_reason, must_hold
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import start

DO, UNDO = "acts.do", "acts.undo"  # kinds of jobs
AT_ONCE = 300  # rows that a request changes; more are a job's


@transaction.atomic
def plan_ahead(plan: Plan, *, reason: str, by: User, reach: Reach) -> PlannedAct:
    """Keep the plan for its day. Raises ActRefused."""
    assert plan.on is not None and plan.order is not None
    must_hold(reach, plan.kind, plan.villages)
    must_have_reason(reason)
    set_act("acts.plan")
    return PlannedAct.objects.create(
        kind=plan.kind,
        title=plan.title[:200],
        order=dict(plan.order),
        on=plan.on,
        reason=reason.strip()[:LONGEST_REASON],
        village_code=plan.villages[0],
        villages=list(plan.villages),
        lines=[list(line) for line in plan.lines[:LINES_KEPT]],
        says=list(plan.says),
        by=by,
    )


@transaction.atomic
def withdraw(planned: PlannedAct, *, by: User, reach: Reach) -> PlannedAct:
    """Before its day. Raises ActRefused."""
    row = PlannedAct.objects.select_for_update(of=("self",)).get(pk=planned.pk)
    must_hold(reach, row.kind, row.villages)
    if row.withdrawn_at is not None:
        raise ActRefused(_("这项计划已经撤回了。"))
    if row.job_id is not None:
        raise ActRefused(_("已经到了日子，开始办理了，不能撤回；办成以后可以撤销。"))
    set_act("acts.withdraw")
    row.withdrawn_by, row.withdrawn_at = by, timezone.now()
    row.save(update_fields=["withdrawn_by", "withdrawn_at"])
    return row


def acknowledge(planned: PlannedAct) -> None:
    """Whoever planned it has read that it was refused."""
    set_act("acts.read")
    PlannedAct.objects.filter(pk=planned.pk).update(is_read=True)


def waiting(reach: Reach, villages: Sequence[str] = ()) -> list[PlannedAct]:
    """Planned and not done yet, or at work; of these villages or of all within reach."""
    rows = PlannedAct.objects.visible_to(reach).filter(withdrawn_at__isnull=True).select_related("by", "job")
    rows = rows.filter(Q(job__isnull=True) | Q(job__state__in=(Job.State.WAITING, Job.State.RUNNING)))
    return list(rows.filter(villages__overlap=list(villages)) if villages else rows)


def refused(user: User, reach: Reach) -> list[PlannedAct]:
    """What this person planned and what could not be done, until they have read it."""
    rows = PlannedAct.objects.visible_to(reach).filter(by=user, job__state=Job.State.FAILED, is_read=False)
    return list(rows.select_related("by", "job"))


def queue_due(day: datetime.date) -> int:
    """Give the worker what has come due, in the order of the days; each is done under the reach of whoever planned it. Within the caller's
    transaction and reach. Returns how many."""
    rows = PlannedAct.objects.select_for_update(of=("self",)).filter(on__lte=day, job__isnull=True, withdrawn_at__isnull=True)
    count = 0
    for row in rows.select_related("by").order_by("on", "at"):
        parameters = {"planned": str(row.pk), "back": reverse("acts:planned", args=[row.pk])}
        row.job = start(kind=DO, title=row.title, by=row.by, parameters=parameters)
        row.save(update_fields=["job"])
        count += 1
    return count


def start_act(plan: Plan, *, reason: str, by: User, reach: Reach) -> Job:
    """Have the worker do it now. Raises ActRefused."""
    assert plan.on is not None and plan.order is not None
    must_hold(reach, plan.kind, plan.villages)
    must_have_reason(reason)
    parameters = {"kind": plan.kind, "order": dict(plan.order), "on": plan.on.isoformat(), "reason": reason, "back": reverse("acts:list")}
    return start(kind=DO, title=plan.title[:200], by=by, parameters=parameters)


def start_undo(act: Act, *, reason: str, by: User) -> Job:
    """Have the worker undo a large act. Raises ActRefused."""
    must_have_reason(reason)
    title = _("撤销：%(title)s") % {"title": act.title}
    return start(kind=UNDO, title=title[:200], by=by, parameters={"act": str(act.pk), "reason": reason, "back": reverse("acts:act", args=[act.pk])})
