"""Take a register's import back while nothing stands on it: rows it made go, rows it changed get their former values, by its own events."""

from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg import sql

from fangfanpin.accounts.reach import set_act
from fangfanpin.pack import Pack
from fangfanpin.records.models import ImportBatch, Record
from fangfanpin.records.workbooks.batches import ImportRefused, Report, locked
from fangfanpin.records.workbooks.undoing import delete_made, find_own, leading_to, restore
from fangfanpin.registers.bulk import write_entries, write_links
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.models import Entry, Link

_CHANGED_SINCE = """
SELECT count(DISTINCT b.row_id), min(x.label) FROM import_own b
JOIN audit_event e ON e.table_name = b.table_name AND e.row_id = b.row_id AND e.id > %s
LEFT JOIN registers_entry x ON x.record_id = b.row_id::uuid
"""
_REFERRED_TO = """
SELECT count(DISTINCT l.record_id), min(x.label) FROM registers_link l
JOIN import_own b ON b.made AND l.to_record_id = b.row_id::uuid LEFT JOIN registers_entry x ON x.record_id = l.record_id
WHERE NOT EXISTS (SELECT FROM import_own m WHERE m.made AND m.row_id = l.record_id::text)
"""
# Whose rows go with the record, and are made anew from it.
_FOLLOWING = (Link, Entry)


@transaction.atomic
def take_back(*, batch: ImportBatch, register: Register, pack: Pack, report: Report) -> ImportBatch:
    """Undo an applied import. Raises ImportRefused saying what stands on it; then nothing is changed."""
    batch = locked(batch)
    if batch.state != ImportBatch.State.APPLIED:
        raise ImportRefused(_("这个文件没有导入，或者已经撤回。"))
    first, last = batch.summary["events"]
    with connection.cursor() as cursor:
        find_own(cursor, first, last, f"import.apply {batch.pk}")
        report(1, 4)
        if found := _standing(cursor, last):
            raise ImportRefused(_("不能撤回，导入之后已有新的工作：%(found)s。请先处理那里，或改用新的文件更正。") % {"found": "；".join(found)})
        set_act(f"import.take_back {batch.pk}")
        for model in _FOLLOWING:
            cursor.execute(
                sql.SQL("DELETE FROM {} t USING import_own b WHERE b.made AND t.record_id = b.row_id::uuid").format(
                    sql.Identifier(model._meta.db_table)
                )
            )
        report(2, 4)
        restore(cursor, Record, first, last)
        delete_made(cursor, Record)
        report(3, 4)
        cursor.execute("SELECT row_id::uuid FROM import_own WHERE NOT made")
        changed = [row[0] for row in cursor.fetchall()]
    if changed:
        write_entries(register, pack, only=changed)
        write_links(register, only=changed)
    batch.tray.filter(settled_at__isnull=True).update(settled_at=timezone.now())
    batch.state = ImportBatch.State.TAKEN_BACK
    batch.taken_back_at = timezone.now()
    batch.save()
    return batch


def _standing(cursor: Any, last: int) -> list[str]:
    """What was done since with the rows of the import, in words."""
    found = []
    cursor.execute(_CHANGED_SINCE, [last])
    count, label = cursor.fetchone()
    if count:
        found.append(_("%(count)d 条已被修改或审核（如“%(label)s”）") % {"count": count, "label": label or ""})
    cursor.execute(_REFERRED_TO)
    count, label = cursor.fetchone()
    if count:
        found.append(_("%(count)d 条别的登记引用了其中的行（如“%(label)s”）") % {"count": count, "label": label or ""})
    for _other, count in leading_to(cursor, Record, ignored=_FOLLOWING):
        found.append(_("已有其他记录 %(count)d 条") % {"count": count})
    return found
