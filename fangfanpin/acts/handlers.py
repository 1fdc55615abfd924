"""Guided acts as jobs. A worker that was killed after the act was done and before the job knew it finds the act by the job's id."""

import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import Reach
from fangfanpin.acts import orders
from fangfanpin.acts.models import Act, PlannedAct
from fangfanpin.acts.planning import DO, UNDO
from fangfanpin.acts.plans import ActRefused, carry_out
from fangfanpin.acts.undoing import undo
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import JobRefused, Outcome, Progress, handles


@handles(DO)
def do(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: `planned` (id), or `kind`, `order`, `on`, `reason`. Every check is made now."""
    assert job.owner is not None
    if (done := Act.objects.visible_to(reach).filter(pk=job.pk).first()) is not None:
        return _done(done)
    if "planned" in job.parameters:
        planned = PlannedAct.objects.visible_to(reach).filter(pk=job.parameters["planned"]).first()
        if planned is None:
            raise JobRefused(_("计划的人现在没有这里的岗位，没有办理。请由管这里的人重新办。"))
        kind, order, on, reason = planned.kind, planned.order, planned.on, planned.reason
    else:
        kind, order, reason = (job.parameters[name] for name in ("kind", "order", "reason"))
        on = datetime.date.fromisoformat(job.parameters["on"])
    try:
        plan = orders.plan_of(kind, order, on, by=job.owner, reach=reach)
        act = carry_out(plan, reason=reason, by=job.owner, reach=reach, key=job.pk, report=progress.report)
    except ActRefused as refused:
        raise JobRefused(_("没有办理，资料没有改动。%(why)s") % {"why": refused}) from refused
    return _done(act)


@handles(UNDO)
def take_back(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: `act` (id), `reason`."""
    assert job.owner is not None
    if (done := Act.objects.visible_to(reach).filter(pk=job.pk).first()) is not None:
        return _done(done)
    act = Act.objects.visible_to(reach).filter(pk=job.parameters["act"]).first()
    if act is None:
        raise JobRefused(_("这次办理不在您的管辖范围内。"))
    try:
        deed = undo(act=act, reason=job.parameters["reason"], by=job.owner, reach=reach, key=job.pk, report=progress.report)
    except ActRefused as refused:
        raise JobRefused(str(refused)) from refused
    return _done(deed)


def _done(act: Act) -> Outcome:
    said = _("已撤销，各项资料恢复到办理以前。") if act.kind == Act.Kind.UNDO else _("已办理，改动 %(count)d 处。需要时可以撤销。")
    return Outcome(said % {"count": act.events or 0}, {"act": str(act.pk), "page": reverse("acts:act", args=[act.pk])})
