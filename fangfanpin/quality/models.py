"""Sweeps and clues (疑似问题线索). A clue is (rule, subject, year): one that comes back is the same clue."""

import uuid
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from fangfanpin.accounts.reach import Reach, ReachQuerySet
from fangfanpin.regions.succession import succession

RECORD = "record"  # a register's row as the subject of a clue
PLACES = ("village", "natural_village")  # or that of the yearly table of one of these
OF_ROWS = (RECORD, *PLACES)


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
        DISPUTED = "disputed", _("规则有误，等县里定")
        CLOSED = "closed", _("已消除")  # no longer hits

    class Severity(models.TextChoices):
        ERROR = "E", _("必须更正")
        SUSPECTED = "W", _("需要核实")
        INFO = "I", _("提示")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    rule_id = models.CharField(max_length=20)
    year = models.PositiveSmallIntegerField()
    subject_kind = models.CharField(max_length=20)  # household, person, spell, one of OF_ROWS
    subject_id = models.UUIDField()  # of OF_ROWS the record; a village's is the row of its yearly table
    subject_label = models.CharField(max_length=200, blank=True)  # how people call a register's row; the name of a place
    subject_code = models.CharField(max_length=15, blank=True)  # of a village or natural village
    household = models.ForeignKey("households.Household", null=True, blank=True, on_delete=models.PROTECT, related_name="clues")  # a project's: none
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
    assigned_to = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    assigned_name = models.CharField(max_length=60, blank=True)  # who is to verify it, with an account or not; nobody: the village
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

    @property
    def is_about_a_row(self) -> bool:
        """Is a register's row what the rule hit, that of a village's table among them?"""
        return self.subject_kind in OF_ROWS

    @property
    def is_about_a_place(self) -> bool:
        """Is it a village or natural village, as its yearly table tells of it?"""
        return self.subject_kind in PLACES


# Still to be worked off: not answered, or answered "corrected" while the rule goes on hitting.
OPEN_STATES = (Clue.State.OPEN, Clue.State.CORRECTED)
# Answered with a reason: stands while the values used stay the same.
STANDING_STATES = (Clue.State.CONFIRMED, Clue.State.DISPUTED)


class ClueStep(models.Model):
    """What was done with a clue: opened, answered, returned, closed, opened again."""

    class Kind(models.TextChoices):
        OPENED = "opened", _("发现")
        CORRECTED = "corrected", _("已更正")
        CONFIRMED = "confirmed", _("核实无误")
        RETURNED = "returned", _("退回重核")
        REVIEWED = "reviewed", _("审核通过")
        DISPUTED = "disputed", _("认为规则有误")
        UPHELD = "upheld", _("县里认定规则没有错")
        CONCEDED = "conceded", _("县里认定规则有误")
        SAMPLED = "sampled", _("县里抽查")
        HANDED = "handed", _("交给核实人")
        TAKEN_BACK = "taken_back", _("交回村里")
        CLOSED = "closed", _("复查消除")
        REOPENED = "reopened", _("再次出现")
        STILL = "still", _("复查仍不符")  # answered "corrected", but the rule still hits

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clue = models.ForeignKey(Clue, on_delete=models.PROTECT, related_name="steps")
    household_id = models.UUIDField(null=True)
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


class ClueSample(models.Model):
    """A worked-off clue that the county drew to look at again, and what it found."""

    class Result(models.TextChoices):
        PENDING = "pending", _("待抽查")
        AGREED = "agreed", _("属实")
        DIFFERS = "differs", _("不符，退回重核")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clue = models.ForeignKey(Clue, on_delete=models.PROTECT, related_name="samples")
    household = models.ForeignKey("households.Household", null=True, blank=True, on_delete=models.PROTECT, related_name="+")  # a village's: none
    village_code = models.CharField(max_length=12)
    year = models.PositiveSmallIntegerField()
    drawn_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    drawn_at = models.DateTimeField(auto_now_add=True)
    seed = models.PositiveIntegerField()  # the same seed over the same clues draws the same sample
    result = models.CharField(max_length=10, choices=Result.choices, default=Result.PENDING)
    note = models.TextField(blank=True)
    checked_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    checked_at = models.DateTimeField(null=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("drawn_at", "village_code", "id")
        constraints = [
            models.UniqueConstraint(fields=["clue"], condition=models.Q(result="pending"), name="a_clue_waits_in_one_sample"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class VillageQualityQuerySet(ReachQuerySet["VillageQuality"]):
    def visible_to(self, reach: Reach) -> Self:
        """Counts of villages that have become part of one in reach as well."""
        seen = super().visible_to(reach)
        forebears = succession().forebears(reach.villages) if reach.villages else []
        return seen | self.filter(village_code__in=forebears) if forebears else seen


class VillageQuality(models.Model):
    """How a village's data stood at a sweep: counts that add up to townships and the county, and over time. They name nobody."""

    sweep = models.ForeignKey(Sweep, on_delete=models.CASCADE, related_name="villages")
    village_code = models.CharField(max_length=12)
    household_id = models.UUIDField(null=True, editable=False)  # always none: the same net holds it as every table with a village
    households = models.PositiveIntegerField()  # swept
    persons = models.PositiveIntegerField()
    complete = models.PositiveIntegerField()  # households without an open clue of completeness
    errors = models.PositiveIntegerField()  # open, must be corrected
    suspected = models.PositiveIntegerField()  # open, must be answered
    closed = models.PositiveIntegerField()
    confirmed = models.PositiveIntegerField()  # or the rule in doubt: answered without a change of the data

    objects = VillageQualityQuerySet.as_manager()

    class Meta:
        ordering = ("village_code",)
        constraints = [models.UniqueConstraint(fields=["sweep", "village_code"], name="a_village_is_counted_once_a_sweep")]

    def __str__(self) -> str:
        return f"{self.sweep_id} {self.village_code}"


class Lead(models.Model):
    """A household that screening points at (R2.1, R2.2): perhaps missed, perhaps monitored by mistake, perhaps at risk again. It decides nothing.

    `reasons`: {screen: values used}; `weight`: what speaks for it, added up. One of a household, kind and year; where another reason comes it is
    to be looked at again. Not hit any more: no longer current, kept.
    """

    class Kind(models.TextChoices):
        MISSED = "missed", _("可能漏评")
        MISTAKEN = "mistaken", _("可能错评")
        AGAIN = "again", _("可能返贫")

    class Result(models.TextChoices):
        WAITING = "waiting", _("待了解")
        PROCEED = "proceed", _("按程序办理")
        NOTHING = "nothing", _("了解过，不用办")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    year = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    household = models.ForeignKey("households.Household", on_delete=models.PROTECT, related_name="leads")
    village_code = models.CharField(max_length=12)
    reasons = models.JSONField(default=dict)
    weight = models.PositiveIntegerField()
    is_current = models.BooleanField(default=True)
    found_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()
    result = models.CharField(max_length=10, choices=Result.choices, default=Result.WAITING)
    note = models.TextField(blank=True)
    looked_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    looked_at = models.DateTimeField(null=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("-weight", "village_code", "id")
        constraints = [models.UniqueConstraint(fields=["year", "kind", "household"], name="a_household_is_one_lead_of_a_kind")]
        indexes = [models.Index(fields=["year", "is_current", "-weight", "id"], name="lead_by_weight")]

    def __str__(self) -> str:
        return f"{self.kind} {self.household_id}"
