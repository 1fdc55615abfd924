"""The division tree: province … village by national codes (2-4-6-9-12 digits), natural villages with 3 local digits more."""

from typing import Self

from django.db import models

LEVEL_BY_LENGTH = {2: "province", 4: "prefecture", 6: "county", 9: "township", 12: "village", 15: "natural_village"}


class RegionQuerySet(models.QuerySet["Region"]):
    def villages(self) -> Self:
        return self.filter(level=Region.Level.VILLAGE)

    def townships(self) -> Self:
        return self.filter(level=Region.Level.TOWNSHIP)

    def under(self, *codes: str) -> Self:
        """Every division whose code begins with one of `codes`, itself included; none where no code is given."""
        condition = models.Q(pk__in=[])
        for code in codes:
            condition |= models.Q(code__startswith=code)
        return self.filter(condition)

    def valid_on(self, day: object) -> Self:
        return self.filter(
            models.Q(valid_from__isnull=True) | models.Q(valid_from__lte=day),
            models.Q(valid_to__isnull=True) | models.Q(valid_to__gt=day),
        )


class Region(models.Model):
    class Level(models.TextChoices):
        PROVINCE = "province", "省"
        PREFECTURE = "prefecture", "市"
        COUNTY = "county", "县"
        TOWNSHIP = "township", "乡镇"
        VILLAGE = "village", "村"
        NATURAL_VILLAGE = "natural_village", "自然村"

    code = models.CharField(max_length=15, primary_key=True)
    name = models.CharField(max_length=80)
    level = models.CharField(max_length=16, choices=Level.choices)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    is_community = models.BooleanField(default=False)  # 社区: its households are mostly urban
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    successor = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="predecessors")
    former_names = models.JSONField(default=list, blank=True)  # [{"name", "until": ISO day}], the oldest first
    position = models.PositiveIntegerField(default=0)  # walking order of natural villages

    objects = RegionQuerySet.as_manager()

    class Meta:
        ordering = ("code",)
        indexes = [
            models.Index(fields=["level", "code"], name="region_level_code"),
            models.Index(fields=["code"], name="region_code_prefix", opclasses=["varchar_pattern_ops"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="a_division_code_is_digits_of_its_levels_length",
                condition=models.Q(code__regex=r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12}|[0-9]{15})$"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def township_code(self) -> str:
        return self.code[:9]

    @property
    def village_code(self) -> str:
        return self.code[:12]


def level_of(code: str) -> str:
    """Level a division code of 2, 4, 6, 9, 12 or 15 digits stands for; KeyError for another length."""
    return LEVEL_BY_LENGTH[len(code)]
