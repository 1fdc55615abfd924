"""The year's plan in force: which pack, which roster year stands beside it, and the campaign's own clock."""

from django.db import models

from fangfanpin.accounts.reach import ReachQuerySet


class Campaign(models.Model):
    year = models.PositiveSmallIntegerField(unique=True)
    title = models.CharField(max_length=120)
    county = models.ForeignKey("regions.Region", on_delete=models.PROTECT, related_name="campaigns")
    pack = models.ForeignKey("policy.PublishedPack", on_delete=models.PROTECT, related_name="campaigns")
    is_current = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    # The campaign's clock: real time + this many seconds. Only stages, deadlines and the countdown follow it.
    clock_offset_seconds = models.BigIntegerField(default=0)
    opened_at = models.DateTimeField(auto_now_add=True)
    opened_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_current"], condition=models.Q(is_current=True), name="one_campaign_is_current"),
        ]

    def __str__(self) -> str:
        return self.title


class Unlock(models.Model):
    """The county opens one household, or one table of a village, for entry after closing or approval, with a reason."""

    household = models.ForeignKey("households.Household", null=True, on_delete=models.PROTECT, related_name="unlocks")
    record = models.ForeignKey("records.Record", null=True, on_delete=models.PROTECT, related_name="unlocks")  # the village's table
    village_code = models.CharField(max_length=12)
    year = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=500)
    opened_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["household", "year"], condition=models.Q(closed_at__isnull=True), name="a_household_is_unlocked_once_at_a_time"
            ),
            models.UniqueConstraint(fields=["record"], condition=models.Q(closed_at__isnull=True), name="a_table_is_unlocked_once_at_a_time"),
            models.CheckConstraint(
                name="an_unlock_is_of_a_household_or_a_table",
                condition=models.Q(household__isnull=False, record__isnull=True) | models.Q(household__isnull=True, record__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.reason


class StageReport(models.Model):
    """A unit says that a stage without a counted metric (mobilise, train, summary) is done."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="reports")
    stage = models.CharField(max_length=10)
    region = models.ForeignKey("regions.Region", on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=500, blank=True)
    reported_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    reported_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "stage", "region"], name="a_stage_is_reported_once_per_unit"),
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.region_id}"
