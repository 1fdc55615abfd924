"""Guided acts: one deed over many rows, with its reason, told before and after, and undone as a whole (docs/decisions/0012)."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from fangfanpin.accounts.reach import ReachQuerySet
from fangfanpin.jobs.models import Job


class Act(models.Model):
    """`lines`: [what, before, after] in words, as they were shown. `plain`: rows of tables without events (divisions, assignments) as
    {"table", "key", "before", "after"}, in the order they were written; `after` None where the row went, `before` None where it was made.
    `events`: how many the act wrote, so that an undo knows whether it sees all of them. `made`: divisions it made."""

    class Kind(models.TextChoices):
        HAND_OVER = "hand_over", _("移交帮扶户")
        MOVE_NATURAL = "move_natural", _("自然村划转")
        SPLIT = "split", _("分户")
        MERGE = "merge", _("并户")
        MOVE_MEMBER = "move_member", _("成员转户")
        MERGE_PERSON = "merge_person", _("合并重复的人")
        DIVISION_MERGE = "division_merge", _("区划合并")
        DIVISION_SPLIT = "division_split", _("区划拆分")
        DIVISION_RENAME = "division_rename", _("区划更名")
        UNDO = "undo", _("撤销")

    class State(models.TextChoices):
        DONE = "done", _("已办理")
        UNDONE = "undone", _("已撤销")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    title = models.CharField(max_length=200)
    reason = models.CharField(max_length=500)
    household_id = models.UUIDField(null=True, blank=True)  # no reference: the undo of an earlier act may take the household away
    village_code = models.CharField(max_length=12)
    villages = ArrayField(models.CharField(max_length=12), default=list)
    lines = models.JSONField(default=list)
    plain = models.JSONField(default=list)
    made = ArrayField(models.CharField(max_length=15), default=list)
    events = models.PositiveIntegerField(null=True)  # counted when the act is done: a change, hence its last event
    state = models.CharField(max_length=10, choices=State.choices, default=State.DONE)
    undoes = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="undone_by")
    by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("-at",)
        indexes = [models.Index(fields=["village_code", "-at"], name="act_of_village")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def name(self) -> str:
        """As its events carry it."""
        return f"act.{self.kind} {self.pk}"


class PlannedAct(models.Model):
    """A change of divisions that is to be done on a day to come. `order`: what the form asked for, from which the act is made again on that day;
    `title`, `lines`, `says`: as they were shown when it was planned. What became of it its job says: none yet, at work, done (the act carries
    the job's id), refused with the reason in the job's message."""

    class State(models.TextChoices):
        PLANNED = "planned", _("到日子办理")
        WITHDRAWN = "withdrawn", _("已撤回")
        RUNNING = "running", _("正在办理")
        DONE = "done", _("已办理")
        REFUSED = "refused", _("没有办成")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=Act.Kind.choices)
    title = models.CharField(max_length=200)
    order = models.JSONField()
    on = models.DateField()
    reason = models.CharField(max_length=500)
    village_code = models.CharField(max_length=12)
    household_id = models.UUIDField(null=True, editable=False)  # always none: the same net holds it as every table with a village
    villages = ArrayField(models.CharField(max_length=12), default=list)
    lines = models.JSONField(default=list)
    says = models.JSONField(default=list)
    by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    job = models.OneToOneField("jobs.Job", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    is_read = models.BooleanField(default=False)  # the planner knows that it was refused

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("on", "at")

    def __str__(self) -> str:
        return f"{self.kind} {self.on} {self.pk}"

    @property
    def state(self) -> "PlannedAct.State":
        if self.withdrawn_at is not None:
            return self.State.WITHDRAWN
        if self.job is None:
            return self.State.PLANNED
        states = {Job.State.DONE: self.State.DONE, Job.State.FAILED: self.State.REFUSED}
        return states.get(Job.State(self.job.state), self.State.RUNNING)


MOVES = frozenset({
    Act.Kind.MOVE_NATURAL, Act.Kind.SPLIT, Act.Kind.MERGE, Act.Kind.MOVE_MEMBER, Act.Kind.MERGE_PERSON, Act.Kind.DIVISION_MERGE,
    Act.Kind.DIVISION_SPLIT,
})  # fmt: skip
"""Kinds that change whose rows they are; a row made later in such a household stands on them."""
OF_DIVISIONS = frozenset({Act.Kind.MOVE_NATURAL, Act.Kind.DIVISION_MERGE, Act.Kind.DIVISION_SPLIT, Act.Kind.DIVISION_RENAME})
