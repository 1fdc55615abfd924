"""Background work as people see it: who asked, how far it is, what came out."""

import uuid

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Job(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting", _("排队中")
        RUNNING = "running", _("进行中")
        DONE = "done", _("已完成")
        FAILED = "failed", _("未完成")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    owner = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="jobs")
    parameters = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    done_count = models.BigIntegerField(default=0)
    total_count = models.BigIntegerField(default=0)
    message = models.TextField(blank=True)  # as the worker says it: Chinese
    result = models.JSONField(default=dict)  # facts; `page`: the address where what came out is shown
    file = models.ForeignKey("files.StoredFile", null=True, blank=True, on_delete=models.PROTECT, related_name="jobs")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        indexes = [models.Index(fields=["owner", "-created_at"], name="job_of_owner")]

    def __str__(self) -> str:
        return self.title

    @property
    def percent(self) -> int:
        return min(100, self.done_count * 100 // self.total_count) if self.total_count else 0

    @property
    def spoken_message(self) -> str:
        """The message in the language of who reads, where it is a sentence of the catalogue; with numbers in it, it stays as it was said."""
        return gettext(self.message) if self.message else ""
