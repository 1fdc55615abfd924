"""Events: every change of a personal row, written by the database itself (see migrations/0001) and never by a program."""

from typing import Self

from django.db import models

ROLL_UP, RECOMPUTE = "rollup.refresh", "register.recompute"
FOLLOWING = (ROLL_UP, RECOMPUTE)
"""Acts in which the system found values again that follow from others: whoever set it off typed none of them."""


class EventQuerySet(models.QuerySet["Event"]):
    def of_row(self, table: str, row_id: object) -> Self:
        return self.filter(table_name=table, row_id=str(row_id)).order_by("id")


class Event(models.Model):
    """`row`: the whole row when it was made or removed; `changed`: {column: [old, new]} for an update, with the
    columns `values` and `ticks` of records taken apart as `values.NAME`; `row_digest`: md5 of the row's JSON as it stood
    after a change, '' where `row` itself stands there."""

    at = models.DateTimeField()
    table_name = models.CharField(max_length=63)
    row_id = models.CharField(max_length=40)
    op = models.CharField(max_length=1)  # I, U, D
    actor_id = models.BigIntegerField()  # names a user by id; 0 is the system
    act = models.CharField(max_length=200)
    source = models.CharField(max_length=20)
    household_id = models.UUIDField(null=True)
    village_code = models.CharField(max_length=12, null=True)
    version = models.IntegerField(null=True)
    changed = models.JSONField(null=True)
    row = models.JSONField(null=True)
    row_digest = models.CharField(max_length=32, default="")

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["row_id", "id"], name="event_of_row")]
