"""Questions from work (mission R5): asked at a household, a register's row or a clue, answered by the county, findable by everybody in reach."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from fangfanpin.accounts.reach import ReachQuerySet


class Question(models.Model):
    """What somebody asked the county. `household`, `record`, `clue`: where it was asked, the household also of the other two; a row of a
    village has none. `item`: the dictionary item it is about (form.name), or empty. The id comes with the page: sent twice it is asked once."""

    class State(models.TextChoices):
        ASKED = "asked", _("待答复")
        ANSWERED = "answered", _("已答复")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey("households.Household", null=True, on_delete=models.PROTECT, related_name="questions")
    record = models.ForeignKey("records.Record", null=True, on_delete=models.PROTECT, related_name="questions")
    clue = models.ForeignKey("quality.Clue", null=True, on_delete=models.PROTECT, related_name="questions")
    village_code = models.CharField(max_length=12)
    item = models.CharField(max_length=120, blank=True)
    text = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)
    asked_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    is_answer_seen = models.BooleanField(default=True)  # by who asked

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("-asked_at", "id")
        indexes = [
            models.Index(fields=["-asked_at", "id"], name="question_newest_first"),
            models.Index(fields=["state", "-asked_at"], name="question_in_state"),
            models.Index(fields=["asked_by", "is_answer_seen"], name="question_of_asker"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Reply(models.Model):
    """One thing said to a question: the county's answer, or a further word of those who work there. Never changed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="replies")
    household = models.ForeignKey("households.Household", null=True, on_delete=models.PROTECT, related_name="+")
    village_code = models.CharField(max_length=12)
    is_answer = models.BooleanField()
    text = models.TextField()
    by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("at", "id")
        verbose_name_plural = "replies"

    def __str__(self) -> str:
        return str(self.id)
