"""What is in force: published packs, immutable, with their hash; the county's overlay comes beside them later."""

from django.db import models


class PublishedPack(models.Model):
    pack_id = models.CharField(max_length=60)
    version = models.PositiveIntegerField()
    title = models.CharField(max_length=120)
    hash = models.CharField(max_length=64, unique=True)
    content = models.JSONField()  # the resolved pack as `Pack.to_json()` gives it
    sources = models.JSONField()  # {relative path: text}: the files it was read from, so that it can be loaded again
    published_at = models.DateTimeField(auto_now_add=True)
    published_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-published_at",)
        constraints = [
            models.UniqueConstraint(fields=["pack_id", "version"], name="a_pack_version_is_published_once"),
        ]

    def __str__(self) -> str:
        return f"{self.pack_id} v{self.version}"


class IndicatorNote(models.Model):
    """How the county reads an item of the dictionary (口径说明), shown wherever the item is asked. It names no household and no person.

    `item`: form.name. A note is not changed: it is withdrawn and another one written.
    """

    item = models.CharField(max_length=120)
    text = models.TextField()
    by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    withdrawn_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("item", "at")

    def __str__(self) -> str:
        return self.item
