"""Blobs: what was handed in and what jobs made, by checksum, under DATA_DIR/files."""

import uuid

from django.db import models

from fangfanpin.accounts.reach import ReachQuerySet


class StoredFile(models.Model):
    class Purpose(models.TextChoices):
        EXPORT = "export", "导出"
        IMPORT = "import", "导入"
        MARKED = "marked", "标错的文件"
        SHEETS = "sheets", "对照表"
        HOUSEHOLD_FILE = "household_file", "农户档案"
        CLUE_LIST = "clue_list", "线索清单"
        SLIPS = "slips", "密码条"
        EVIDENCE = "evidence", "佐证材料"
        PICTURE = "picture", "照片、签字"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    owner = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="files")
    # A file of one village or household may be opened by whoever reaches that; others only by their owner.
    village_code = models.CharField(max_length=12, blank=True)
    household_id = models.UUIDField(null=True, blank=True)
    # A picture is the record's whose item named it first, and seen by whoever sees the record; none yet, only its owner sees it. `item`: form.item.
    record_id = models.UUIDField(null=True, blank=True)
    item = models.CharField(max_length=121, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="file_of_owner"),
            models.Index(fields=["record_id"], name="file_of_record", condition=models.Q(record_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name
