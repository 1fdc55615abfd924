"""Papers that go to the house: printed comparison sheets, by village and version."""

import uuid

from django.db import models

from fangfanpin.accounts.reach import ReachQuerySet


class SheetBatch(models.Model):
    """One printing of a village's comparison sheets."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    year = models.PositiveSmallIntegerField()
    village_code = models.CharField(max_length=12)
    household_id = models.UUIDField(null=True, blank=True)  # set when one household was printed alone
    version = models.PositiveIntegerField()
    pack_hash = models.CharField(max_length=64)
    households = models.PositiveIntegerField(default=0)
    pages = models.PositiveIntegerField(default=0)
    file = models.ForeignKey("files.StoredFile", null=True, on_delete=models.PROTECT, related_name="+")
    printed_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    printed_at = models.DateTimeField(auto_now_add=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("-printed_at",)
        indexes = [models.Index(fields=["year", "village_code", "-printed_at"], name="sheet_batch_of_village")]

    def __str__(self) -> str:
        return str(self.id)
