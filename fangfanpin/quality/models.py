"""Sweeps and clues (疑似问题线索). A clue is (rule, subject, year): one that comes back is the same clue."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from fangfanpin.accounts.reach import ReachQuerySet


class Sweep(models.Model):
    class State(models.TextChoices):
        RUNNING = "running", _("进行中")
        DONE = "done", _("已完成")
        FAILED = "failed", _("未完成")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    year = models.PositiveSmallIntegerField()
    pack_hash = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    households = models.PositiveIntegerField(default=0)
    persons = models.PositiveIntegerField(default=0)
    rules = models.PositiveIntegerField(default=0)
    hits = models.PositiveIntegerField(default=0)
    opened = models.PositiveIntegerField(default=0)
    closed = models.PositiveIntegerField(default=0)
    timings = models.JSONField(default=dict)  # seconds by step
    started_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-started_at",)

    def __str__(self) -> str:
        return str(self.id)


class Clue(models.Model):
    class State(models.TextChoices):
        OPEN = "open", _("待核实")
        CORRECTED = "corrected", _("已更正，待复查")  # answered "corrected" while the rule still hits
        CONFIRMED = "confirmed", _("核实无误")
        CLOSED = "closed", _("已消除")  # no longer hits

    class Severity(models.TextChoices):
        ERROR = "E", _("必须更正")
        SUSPECTED = "W", _("需要核实")
        INFO = "I", _("提示")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rule_id = models.CharField(max_length=20)
    year = models.PositiveSmallIntegerField()
    subject_kind = models.CharField(max_length=10)  # household, person, spell
    subject_id = models.UUIDField()
    household = models.ForeignKey("households.Household", on_delete=models.PROTECT, related_name="clues")
    person = models.ForeignKey("households.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="clues")
    village_code = models.CharField(max_length=12)
    severity = models.CharField(max_length=1, choices=Severity.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    message = models.TextField()  # plain Chinese with the values in it
    where_to_look = models.TextField(blank=True)
    used = models.JSONField(default=dict)  # {"scope.name": value} at the last hit, codec form
    used_digest = models.CharField(max_length=40)  # a confirmation holds while this stays the same
    pack_hash = models.CharField(max_length=64)
    times_opened = models.PositiveSmallIntegerField(default=1)
    opened_at = models.DateTimeField(auto_now_add=True)
    due_on = models.DateField(null=True, blank=True)
    seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    confirmed_digest = models.CharField(max_length=40, blank=True)
    reviewed_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("village_code", "household_id", "rule_id")
        indexes = [
            models.Index(fields=["year", "village_code", "state"], name="clue_of_village"),
            models.Index(fields=["household", "year", "state"], name="clue_of_household"),
            models.Index(fields=["year", "state", "rule_id"], name="clue_of_rule"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["rule_id", "subject_kind", "subject_id", "year"], name="a_clue_that_comes_back_is_the_same_clue"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.subject_id}"


# Still to be worked off: not answered, or answered "corrected" while the rule goes on hitting.
OPEN_STATES = (Clue.State.OPEN, Clue.State.CORRECTED)


class ClueStep(models.Model):
    """What was done with a clue: opened, answered, returned, closed, opened again."""

    class Kind(models.TextChoices):
        OPENED = "opened", _("发现")
        CORRECTED = "corrected", _("已更正")
        CONFIRMED = "confirmed", _("核实无误")
        RETURNED = "returned", _("退回重核")
        REVIEWED = "reviewed", _("审核通过")
        CLOSED = "closed", _("复查消除")
        REOPENED = "reopened", _("再次出现")
        STILL = "still", _("复查仍不符")  # answered "corrected", but the rule still hits

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clue = models.ForeignKey(Clue, on_delete=models.PROTECT, related_name="steps")
    household_id = models.UUIDField()
    village_code = models.CharField(max_length=12)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    note = models.TextField(blank=True)
    file = models.ForeignKey("files.StoredFile", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("at",)

    def __str__(self) -> str:
        return f"{self.kind} {self.clue_id}"
