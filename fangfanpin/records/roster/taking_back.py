"""Take an import back while nothing stands on it: rows it made go, rows it changed get their former values, by its own events.

The events themselves stay, and the taking back writes its own: nothing is forgotten.
"""

from typing import Any

from django.db import connection, transaction
from django.db.models import ForeignObjectRel
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg import sql

from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.households.models import Household, Membership, MonitoringSpell, Pairing, Person
from fangfanpin.records.changed import villages_changed
from fangfanpin.records.models import ImportBatch, ImportDifference, Record
from fangfanpin.records.roster.services import ImportRefused, Report, locked

# In the order in which made rows may go.
_WRITTEN = (Record, MonitoringSpell, Pairing, Membership, Person, Household)
_WORDS = {
    "households_household": "农户",
    "households_person": "成员",
    "households_membership": "成员关系",
    "households_monitoringspell": "监测对象",
    "households_pairing": "帮扶结对",
    "households_location": "住房定位",
    "households_reveal": "查看全号的记录",
    "records_record": "年度信息",
    "records_conflict": "录入冲突",
    "records_savereceipt": "录入保存",
    "quality_clue": "疑似问题线索",
    "quality_cluestep": "线索处理",
    "campaigns_unlock": "解锁",
    "fieldwork_sheetbatch": "对照表",
}
_OWN = """
CREATE TEMPORARY TABLE roster_back ON COMMIT DROP AS
SELECT table_name, row_id, bool_or(op = 'I') AS made, max(household_id::text)::uuid AS household_id
FROM audit_event WHERE id > %s AND id <= %s AND act = %s GROUP BY table_name, row_id
"""
_CHANGED_SINCE = """
SELECT b.table_name, count(DISTINCT b.row_id), count(DISTINCT e.household_id), min(h.head_name)
FROM roster_back b JOIN audit_event e ON e.table_name = b.table_name AND e.row_id = b.row_id AND e.id > %s
LEFT JOIN households_household h ON h.id = e.household_id
GROUP BY b.table_name ORDER BY 2 DESC
"""
# Former values of each changed row: of every key the oldest of the batch's own events says what it was. A value that was not there
# before (not asked) goes again, one that was null (asked, left empty) becomes null again: only the row's own story tells them apart.
_FORMER = """
CREATE TEMPORARY TABLE roster_former ON COMMIT DROP AS
WITH first AS (
    SELECT DISTINCT ON (b.row_id, c.key) b.row_id, c.key, c.value -> 0 AS old
    FROM roster_back b JOIN audit_event e ON e.table_name = b.table_name AND e.row_id = b.row_id
            AND e.id > %(first)s AND e.id <= %(last)s AND e.op = 'U',
        LATERAL jsonb_each(e.changed) c
    WHERE b.table_name = %(table)s AND NOT b.made ORDER BY b.row_id, c.key, e.id
)
SELECT row_id::uuid AS id,
    coalesce(jsonb_object_agg(key, old) FILTER (WHERE key NOT LIKE 'values.%%'), '{}') AS plain,
    coalesce(jsonb_object_agg(substr(key, 8), old) FILTER (WHERE key LIKE 'values.%%' AND was), '{}') AS held,
    coalesce(array_agg(substr(key, 8)) FILTER (WHERE key LIKE 'values.%%'), '{}') AS named
FROM (
    SELECT f.*, f.old <> 'null' OR EXISTS (
        SELECT FROM audit_event p WHERE p.table_name = %(table)s AND p.row_id = f.row_id AND p.id <= %(first)s
            AND (p.op = 'I' AND p.row -> 'values' ? substr(f.key, 8) OR p.op = 'U' AND p.changed ? f.key)
    ) AS was FROM first f
) known GROUP BY row_id
"""


@transaction.atomic
def take_back(*, batch: ImportBatch, reach: Reach, report: Report) -> ImportBatch:
    """Undo an applied import. Raises ImportRefused saying what stands on it; then nothing is changed."""
    batch = locked(batch)
    if batch.state != ImportBatch.State.APPLIED:
        raise ImportRefused(_("这个文件没有导入，或者已经撤回。"))
    first, last = batch.summary["events"]
    with connection.cursor() as cursor:
        for name in ("roster_back", "roster_former"):
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))
        cursor.execute(_OWN, [first, last, f"import.apply {batch.pk}"])
        cursor.execute("ANALYZE roster_back")
        report(1, 8)
        if found := _standing(cursor, last):
            raise ImportRefused(
                _("不能撤回，导入之后已有新的工作：%(found)s。请先在相应的农户里处理，或改用新的文件更正。") % {"found": "；".join(found)}
            )
        report(2, 8)
        cursor.execute("SELECT DISTINCT village_code FROM households_household h JOIN roster_back b ON b.row_id = h.id::text")
        villages = [row[0] for row in cursor.fetchall()]
        set_act(f"import.take_back {batch.pk}")
        ImportDifference.objects.filter(batch=batch).delete()
        for place, model in enumerate(_WRITTEN, 3):
            _restore(cursor, model, first, last)
            cursor.execute(
                sql.SQL("DELETE FROM {table} t USING roster_back b WHERE b.table_name = {name} AND b.made AND t.id = b.row_id::uuid").format(
                    table=sql.Identifier(model._meta.db_table), name=sql.Literal(model._meta.db_table)
                )
            )
            report(place, 8)
    batch.tray.filter(settled_at__isnull=True).update(settled_at=timezone.now())
    batch.state = ImportBatch.State.TAKEN_BACK
    batch.taken_back_at = timezone.now()
    batch.save()
    villages_changed(villages)
    return batch


def _standing(cursor: Any, last: int) -> list[str]:
    """What was done since with the rows of the import, in words."""
    cursor.execute(_CHANGED_SINCE, [last])
    found = [
        _("%(households)d 户的%(what)s已修改（如 %(head)s 户）") % {"households": households, "what": _WORDS.get(table, table), "head": head or ""}
        for table, _rows, households, head in cursor.fetchall()
    ]
    for model in _WRITTEN:
        for relation in model._meta.get_fields(include_hidden=True):  # hidden: related_name="+"
            if not isinstance(relation, ForeignObjectRel) or relation.related_model is ImportDifference:
                continue
            other, column = relation.related_model, relation.field.column
            cursor.execute(
                sql.SQL(
                    "SELECT count(*) FROM {other} o JOIN roster_back b ON b.table_name = {table} AND b.made AND o.{column} = b.row_id::uuid"
                    " WHERE NOT EXISTS (SELECT FROM roster_back m WHERE m.table_name = {name} AND m.row_id = o.{key}::text)"
                ).format(
                    other=sql.Identifier(other._meta.db_table),
                    table=sql.Literal(model._meta.db_table),
                    column=sql.Identifier(str(column)),
                    name=sql.Literal(other._meta.db_table),
                    key=sql.Identifier(str(other._meta.pk.column)),
                )
            )
            count = cursor.fetchone()[0]
            if count:
                found.append(_("已有%(what)s %(count)d 条") % {"what": _WORDS.get(other._meta.db_table, _("其他记录")), "count": count})
    return found


def _restore(cursor: Any, model: type[Any], first: int, last: int) -> None:
    """Put the former values back into rows that the import changed."""
    table = model._meta.db_table
    cursor.execute("DROP TABLE IF EXISTS roster_former")
    cursor.execute(_FORMER, {"first": first, "last": last, "table": table})
    if not cursor.rowcount:
        return
    cursor.execute("SELECT DISTINCT jsonb_object_keys(plain) FROM roster_former")
    columns = [row[0] for row in cursor.fetchall()]
    names = {field.column for field in model._meta.concrete_fields}
    sets: list[sql.Composable] = [sql.SQL("{0} = (jsonb_populate_record(t, f.plain)).{0}").format(sql.Identifier(name)) for name in columns]
    if "values" in names:
        sets.append(sql.SQL("values = (t.values - f.named) || f.held"))
    if "version" in names:
        sets.append(sql.SQL("version = t.version + 1"))
    if "updated_at" in names:
        sets.append(sql.SQL("updated_at = now()"))
    cursor.execute(
        sql.SQL("UPDATE {table} t SET {sets} FROM roster_former f WHERE t.id = f.id").format(
            table=sql.Identifier(table), sets=sql.SQL(", ").join(sets)
        )
    )
