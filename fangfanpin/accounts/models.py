"""People who work here: accounts, roles as data, and where each of them works."""

import datetime
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models

from fangfanpin.accounts.language import speaks_english
from fangfanpin.accounts.verbs import Verb
from fangfanpin.regions.names import local_name


class UserManager(BaseUserManager["User"]):
    def create_user(self, username: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    username = models.CharField("账号", max_length=60, unique=True)
    name = models.CharField("姓名", max_length=60)
    phone = models.CharField("联系电话", max_length=20, blank=True)
    unit = models.CharField("单位", max_length=120, blank=True)
    is_active = models.BooleanField("在用", default=True)
    must_change_password = models.BooleanField(default=False)
    large_print = models.BooleanField("大字", default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    left_on = models.DateField("离任日期", null=True, blank=True)
    replaced_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replaces")

    objects = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.username

    def get_short_name(self) -> str:
        return self.name


class Role(models.Model):
    """Written when a pack is published; the key is stable, the verbs are the pack's."""

    key = models.CharField(max_length=30, primary_key=True)
    title = models.CharField(max_length=60)
    title_en = models.CharField(max_length=120, blank=True, default="")
    level = models.CharField(max_length=16)
    verbs = ArrayField(models.CharField(max_length=40), default=list)
    by_pairing = models.BooleanField(default=False)  # reach is the paired households, not the region's villages
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "key")

    def __str__(self) -> str:
        return self.title

    @property
    def spoken_title(self) -> str:
        """The title in the language of who reads; sheets and slips say `title`."""
        return (self.title_en if speaks_english() else "") or self.title

    def has(self, verb: Verb) -> bool:
        return verb.value in self.verbs


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def in_force(self, day: datetime.date) -> Self:
        return self.filter(models.Q(valid_to__isnull=True) | models.Q(valid_to__gt=day), valid_from__lte=day)


class Assignment(models.Model):
    """user × role × region × period."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="assignments")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="assignments")
    region = models.ForeignKey("regions.Region", on_delete=models.PROTECT, related_name="assignments")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.CheckConstraint(
                name="an_assignment_ends_after_it_begins",
                condition=models.Q(valid_to__isnull=True) | models.Q(valid_to__gte=models.F("valid_from")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role_id} {self.region_id}"

    @property
    def place(self) -> str:
        """Where, in words: two townships may have a village of one name."""
        return local_name(self.region_id)
