"""Records: filled forms. One row per form, subject and period; values in JSONB by the dictionary's codec."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from fangfanpin.accounts.reach import ReachQuerySet


class Record(models.Model):
    """The records of a household's year are one unit: the household_year record leads (state, visit, review) and the
    person_year records of its members name it as `parent`. A value absent from `values` was not asked, null was asked and
    left empty. `ticks`: {section: {"by": user id, "at": ISO time}} = "unchanged" ticked."""

    class State(models.TextChoices):
        EMPTY = "empty", _("未采集")
        DRAFT = "draft", _("采集中")
        SUBMITTED = "submitted", _("已提交")
        RETURNED = "returned", _("已退回")
        APPROVED = "approved", _("已审核")
        LOCKED = "locked", _("已锁定")
        VOID = "void", _("已作废")  # a register row that should not have been; kept with its reason

    class SubjectKind(models.TextChoices):
        HOUSEHOLD = "household", _("户")
        PERSON = "person", _("人")
        SPELL = "spell", _("监测轮次")
        VILLAGE = "village", _("行政村")
        NATURAL_VILLAGE = "natural_village", _("自然村")
        UNIT = "unit", _("单位")
        NONE = "none", _("无")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    form = models.CharField(max_length=40)
    year = models.PositiveSmallIntegerField()  # campaign year
    period = models.CharField(max_length=10, blank=True)  # month or round within the year, where the form has one
    subject_kind = models.CharField(max_length=16, choices=SubjectKind.choices)
    subject_id = models.UUIDField(null=True, blank=True)
    subject_code = models.CharField(max_length=40, blank=True)  # region or unit code
    # No index of its own where one of Meta begins with the column, nor for accounts, which are never deleted: a roster writes 100,000 rows at once.
    household = models.ForeignKey("households.Household", null=True, blank=True, on_delete=models.PROTECT, related_name="records", db_index=False)
    person = models.ForeignKey("households.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="records", db_index=False)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="parts", db_index=False)
    village_code = models.CharField(max_length=12)
    state = models.CharField(max_length=10, choices=State.choices, default=State.EMPTY)
    version = models.PositiveIntegerField(default=1)
    values = models.JSONField(default=dict)
    ticks = models.JSONField(default=dict)
    # Subject items (JSON form, no secret numbers) as they stood when the year's record was written as baseline: what
    # `last.` reads for typed columns, which hold only today's value.
    subject = models.JSONField(default=dict)
    pack_hash = models.CharField(max_length=64)
    origin = models.CharField(max_length=12, default="entry")  # entry, import, demo, phone
    import_batch_id = models.UUIDField(null=True, blank=True)
    # Of the leading record only
    visitors = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    visited_on = models.DateField(null=True, blank=True)
    entered_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    checked_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    submitted_at = models.DateTimeField(null=True, blank=True)  # kept when a change takes the household back to draft
    reviewed_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    return_reason = models.CharField(max_length=500, blank=True)
    transferred_at = models.DateTimeField(null=True, blank=True)  # "entered there": in the national system
    transferred_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["form", "year", "village_code", "state"], name="record_progress"),
            models.Index(fields=["household", "year"], name="record_of_household"),
            models.Index(fields=["person", "year"], name="record_of_person"),
            models.Index(fields=["parent"], name="record_parts"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["form", "year", "period", "subject_kind", "subject_id"],
                condition=models.Q(form__in=["household_year", "person_year"]),
                name="a_yearly_form_is_filled_once_per_subject",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.form} {self.year} {self.subject_id}"


class Conflict(models.Model):
    """Two people typed different values into the same item (or the same sum): both are kept until a person decides."""

    class State(models.TextChoices):
        OPEN = "open", _("待处理")
        RESOLVED = "resolved", _("已处理")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey("households.Household", on_delete=models.PROTECT, related_name="conflicts")
    village_code = models.CharField(max_length=12)
    target = models.CharField(max_length=40)  # "household" or a person's id
    name = models.CharField(max_length=80)
    stored = models.JSONField(null=True)  # what stands now
    stored_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    stored_at = models.DateTimeField()
    stored_source = models.CharField(max_length=20)
    offered = models.JSONField(null=True)  # what came later
    offered_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    offered_at = models.DateTimeField()
    offered_source = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    choice = models.CharField(max_length=10, blank=True)
    resolved_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    resolved_at = models.DateTimeField(null=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("offered_at",)
        indexes = [models.Index(fields=["household", "state"], name="conflict_of_household")]

    def __str__(self) -> str:
        return str(self.id)


class SaveReceipt(models.Model):
    """The answer given to a save, by the client's own id: a retry changes nothing and gets the same answer."""

    client_id = models.UUIDField(primary_key=True)
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    household = models.ForeignKey("households.Household", on_delete=models.PROTECT, related_name="+")
    village_code = models.CharField(max_length=12)
    reply = models.JSONField()
    saved_at = models.DateTimeField(auto_now_add=True)

    objects = ReachQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.client_id)


class ImportBatch(models.Model):
    """One roster file taken in; can be taken back while nothing stands on it."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", _("已上传")
        CHECKED = "checked", _("已检查")
        FAULTY = "faulty", _("有错误")
        APPLIED = "applied", _("已导入")
        TAKEN_BACK = "taken_back", _("已撤回")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    layout = models.CharField(max_length=40, default="roster")
    year = models.PositiveSmallIntegerField()  # year of the baseline records it writes
    file = models.ForeignKey("files.StoredFile", on_delete=models.PROTECT, related_name="+")
    marked_file = models.ForeignKey("files.StoredFile", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=State.choices, default=State.UPLOADED)
    keep_good_rows = models.BooleanField(default=False)
    summary = models.JSONField(default=dict)  # sheets, columns recognised and not, counts
    faults = models.JSONField(default=list)  # [{sheet, row, column, value, message}], capped, with the true count in summary
    uploaded_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField(auto_now_add=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    taken_back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-uploaded_at",)

    def __str__(self) -> str:
        return str(self.id)


class TrayRow(models.Model):
    """A row of a batch that was not good enough, kept to be mended (only when "take the good rows" was chosen)."""

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(ImportBatch, on_delete=models.PROTECT, related_name="tray")
    household_id = models.UUIDField(null=True, blank=True)
    village_code = models.CharField(max_length=12, blank=True)
    sheet = models.CharField(max_length=80)
    row_number = models.PositiveIntegerField()
    cells = models.JSONField()  # code, row: masked as on screen, sealed: as in the file, encrypted
    faults = models.JSONField()
    # Taken in, or said by somebody to need no more doing, with a reason.
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey("accounts.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    settled_reason = models.CharField(max_length=200, blank=True, default="")

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("row_number",)

    def __str__(self) -> str:
        return f"{self.batch_id} {self.row_number}"


class ImportDifference(models.Model):
    """The file says one thing, what was collected since says another: listed side by side, never overwritten."""

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(ImportBatch, on_delete=models.PROTECT, related_name="differences")
    household = models.ForeignKey("households.Household", on_delete=models.PROTECT, related_name="+")
    village_code = models.CharField(max_length=12)
    person = models.ForeignKey("households.Person", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    form = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    stored = models.JSONField(null=True)
    offered = models.JSONField(null=True)

    objects = ReachQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.id)
