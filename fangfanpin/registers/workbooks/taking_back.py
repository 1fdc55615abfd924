"""Take a register's import back while nothing stands on it: rows it made go, rows it changed get their former values, by its own events."""

from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _
from psycopg import sql

from fangfanpin.accounts.reach import set_act
from fangfanpin.audit.models import FOLLOWING
from fangfanpin.pack import Pack
from fangfanpin.records.models import ImportBatch, Record
from fangfanpin.records.workbooks.batches import ImportRefused, Report, set_taken_back, taken
from fangfanpin.records.workbooks.undoing import delete_made, find_own, leading_to, restore
from fangfanpin.registers import recomputing
from fangfanpin.registers.bulk import write_entries, write_links
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.models import Entry, Link, Sealed
from fangfanpin.registers.services import follow
from fangfanpin.registers.written import Written, households_of, rows_written

_RECORDS = """
CREATE TEMPORARY TABLE import_records ON COMMIT DROP AS
SELECT row_id::uuid AS id, made FROM import_own WHERE table_name = 'records_record'
"""
# What the system finds again of rows (roll-ups, computed values) is nobody's work.
_CHANGED_SINCE = """
SELECT count(DISTINCT b.id), min(x.label) FROM import_records b
JOIN audit_event e ON e.table_name = 'records_record' AND e.row_id = b.id::text AND e.id > %s AND e.act <> ALL (%s)
LEFT JOIN registers_entry x ON x.record_id = b.id
"""
_REFERRED_TO = """
SELECT count(DISTINCT l.record_id), min(x.label) FROM registers_link l
JOIN import_records b ON b.made AND l.to_record_id = b.id LEFT JOIN registers_entry x ON x.record_id = l.record_id
WHERE NOT EXISTS (SELECT FROM import_records m WHERE m.made AND m.id = l.record_id)
"""
# Whose rows go with the record, and are made anew from it.
_FOLLOWING = (Link, Entry)


@transaction.atomic
def take_back(*, batch: ImportBatch, register: Register, pack: Pack, report: Report) -> ImportBatch:
    """Undo an applied import. Raises ImportRefused saying what stands on it; then nothing is changed."""
    batch = taken(batch)
    first, last = batch.summary["events"]
    with connection.cursor() as cursor:
        find_own(cursor, first, last, f"import.apply {batch.pk}")
        cursor.execute("DROP TABLE IF EXISTS import_records")
        cursor.execute(_RECORDS)
        report(1, 4)
        if found := _standing(cursor, last):
            raise ImportRefused(_("不能撤回，导入之后已有新的工作：%(found)s。请先处理那里，或改用新的文件更正。") % {"found": "；".join(found)})
        set_act(f"import.take_back {batch.pk}")
        cursor.execute("SELECT DISTINCT r.village_code FROM records_record r JOIN import_records b USING (id)")
        villages = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT id FROM import_records")
        records = [row[0] for row in cursor.fetchall()]
        households = households_of(register.form, records)
        for following in _FOLLOWING:
            statement = sql.SQL("DELETE FROM {} t USING import_records b WHERE b.made AND t.record_id = b.id")
            cursor.execute(statement.format(sql.Identifier(following._meta.db_table)))
        report(2, 4)
        for model in (Sealed, Record):
            restore(cursor, model, first, last)
            delete_made(cursor, model)
        report(3, 4)
        cursor.execute("SELECT id FROM import_records WHERE NOT made")
        changed = [row[0] for row in cursor.fetchall()]
    if changed:
        recomputing.again(register, pack, changed)
        set_act(f"import.take_back {batch.pk}")
        write_entries(register, pack, only=changed)
        write_links(register, only=changed)
    follow(register, pack, villages)
    touched = households | households_of(register.form, changed)
    rows_written(Written(register.form, () if register.form.belongs else records, touched), pack, None)
    set_taken_back(batch)
    return batch


def _standing(cursor: Any, last: int) -> list[str]:
    """What was done since with the rows of the import, in words."""
    found = []
    cursor.execute(_CHANGED_SINCE, [last, list(FOLLOWING)])
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
