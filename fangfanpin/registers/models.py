"""What lists of register rows read: typed columns beside the record, and the links that its references make.

A register's row is a `records.Record`; the tables here are written with it and can be made anew from it (`bulk`).
Lists never filter, sort or join JSONB: under row security PostgreSQL cannot use an index on it.
"""

from django.db import models

from fangfanpin.accounts.reach import ReachQuerySet
from fangfanpin.pack.dictionary import SLOTS
from fangfanpin.records.models import Record

_LETTER = {"text": "t", "number": "n", "day": "d", "flag": "f"}
LONGEST = 120  # characters of a text that a list compares


def columns_of_kind(kind: str) -> tuple[str, ...]:
    """Typed columns of one kind: t1 … t10."""
    return tuple(f"{_LETTER[kind]}{number}" for number in range(1, SLOTS[kind] + 1))


COLUMNS = tuple(column for kind in SLOTS for column in columns_of_kind(kind))


class Slot(models.Model):
    """Which typed column holds a marked item of a form. Given once and kept: rows written by an older pack stay readable."""

    form = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    column = models.CharField(max_length=4)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["form", "name"], name="an_item_has_one_typed_column"),
            models.UniqueConstraint(fields=["form", "column"], name="a_typed_column_holds_one_item"),
        ]

    def __str__(self) -> str:
        return f"{self.form}.{self.name} in {self.column}"


class Entry(models.Model):
    """One row of a register as lists see it. `number` orders rows as they came. Columns t* are texts and codes, n* integers (money in
    fen), d* days (a month is its first), f* yes or no. `unique_key`: the items marked unique, put together; none for a struck row."""

    number = models.BigAutoField(primary_key=True)
    record = models.OneToOneField(Record, on_delete=models.PROTECT, related_name="entry")
    form = models.CharField(max_length=40)
    year = models.PositiveSmallIntegerField()
    period = models.CharField(max_length=10, blank=True)
    state = models.CharField(max_length=10)
    village_code = models.CharField(max_length=12)
    household = models.ForeignKey("households.Household", null=True, on_delete=models.PROTECT, related_name="entries", db_index=False)
    person = models.ForeignKey("households.Person", null=True, on_delete=models.PROTECT, related_name="entries", db_index=False)
    entered_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    label = models.CharField(max_length=200, blank=True)
    unique_key = models.CharField(max_length=300, null=True)
    t1 = models.CharField(max_length=LONGEST, null=True)
    t2 = models.CharField(max_length=LONGEST, null=True)
    t3 = models.CharField(max_length=LONGEST, null=True)
    t4 = models.CharField(max_length=LONGEST, null=True)
    t5 = models.CharField(max_length=LONGEST, null=True)
    t6 = models.CharField(max_length=LONGEST, null=True)
    t7 = models.CharField(max_length=LONGEST, null=True)
    t8 = models.CharField(max_length=LONGEST, null=True)
    t9 = models.CharField(max_length=LONGEST, null=True)
    t10 = models.CharField(max_length=LONGEST, null=True)
    n1 = models.BigIntegerField(null=True)
    n2 = models.BigIntegerField(null=True)
    n3 = models.BigIntegerField(null=True)
    n4 = models.BigIntegerField(null=True)
    n5 = models.BigIntegerField(null=True)
    n6 = models.BigIntegerField(null=True)
    n7 = models.BigIntegerField(null=True)
    n8 = models.BigIntegerField(null=True)
    d1 = models.DateField(null=True)
    d2 = models.DateField(null=True)
    d3 = models.DateField(null=True)
    d4 = models.DateField(null=True)
    d5 = models.DateField(null=True)
    d6 = models.DateField(null=True)
    f1 = models.BooleanField(null=True)
    f2 = models.BooleanField(null=True)
    f3 = models.BooleanField(null=True)
    f4 = models.BooleanField(null=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        ordering = ("-number",)
        indexes = [
            models.Index(fields=["form", "number", "village_code", "state"], name="entry_as_they_came"),
            models.Index(fields=["form", "village_code", "number"], name="entry_of_village"),
            models.Index(fields=["household", "form", "number"], name="entry_of_household", condition=models.Q(household__isnull=False)),
            models.Index(fields=["person", "form"], name="entry_of_person", condition=models.Q(person__isnull=False)),
            # What was sent back is little at any time: whose task it is costs no more in a county ten times as large.
            models.Index(fields=["entered_by", "form", "number"], name="entry_sent_back", condition=models.Q(state="returned")),
            # The village stands in the key: the reach is then judged in the index, in the order that the page wants.
            *(
                models.Index(
                    fields=["form", column, "number", "village_code"], name=f"entry_{column}", condition=models.Q(**{f"{column}__isnull": False})
                )
                for column in COLUMNS
                if not column.startswith("f")
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["form", "unique_key"], condition=models.Q(unique_key__isnull=False), name="a_register_row_is_kept_once"),
        ]

    def __str__(self) -> str:
        return f"{self.form} {self.number}"


class Sealed(models.Model):
    """A secret number of a row: cipher and keyed digest; the row's own values hold the mask. An empty cipher: it was taken out."""

    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="sealed")
    name = models.CharField(max_length=80)
    village_code = models.CharField(max_length=12)
    household = models.ForeignKey("households.Household", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    cipher = models.TextField(blank=True)
    digest = models.CharField(max_length=40, blank=True)

    objects = ReachQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["record", "name"], name="a_secret_number_of_a_row_is_kept_once")]

    def __str__(self) -> str:
        return f"{self.record_id} {self.name}"


class Shown(models.Model):
    """Who looked at a whole number of a row, when, and why."""

    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="shown")
    village_code = models.CharField(max_length=12)
    household = models.ForeignKey("households.Household", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=80)
    reason = models.CharField(max_length=200)
    shown_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    shown_at = models.DateTimeField(auto_now_add=True)

    objects = ReachQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.record_id} {self.name}"


class Link(models.Model):
    """One reference of a row, to be walked from both ends. Exactly one of the `to_` columns is set; village and household are the row's
    own, for reach. Households, persons, users and records are never deleted, so no link dangles; a reference that was changed leaves its link
    behind, not current."""

    record = models.ForeignKey(Record, on_delete=models.PROTECT, related_name="links")
    name = models.CharField(max_length=80)
    village_code = models.CharField(max_length=12)
    household = models.ForeignKey("households.Household", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    to_household = models.ForeignKey("households.Household", null=True, on_delete=models.PROTECT, related_name="linked_from")
    to_person = models.ForeignKey("households.Person", null=True, on_delete=models.PROTECT, related_name="linked_from")
    to_record = models.ForeignKey(Record, null=True, on_delete=models.PROTECT, related_name="linked_from")
    to_user = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT, related_name="+")
    to_division = models.ForeignKey("regions.Region", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    is_current = models.BooleanField(default=True)

    objects = ReachQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.record_id} {self.name}"


class SavedFilter(models.Model):
    """A filter of a register's list that somebody keeps under a name: the list's address. It is its owner's alone, tells nothing of a
    household and is erased when its owner wants it gone."""

    owner = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    form = models.CharField(max_length=40)
    name = models.CharField(max_length=30)
    query = models.CharField(max_length=1000)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("created_at",)
        constraints = [models.UniqueConstraint(fields=["owner", "form", "name"], name="a_kept_filter_has_a_name_of_its_own")]

    def __str__(self) -> str:
        return f"{self.form} {self.name}"
