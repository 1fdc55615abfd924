"""Take an import back while nothing stands on it: rows it made go, rows it changed get their former values, by its own events.

The events themselves stay, and the taking back writes its own: nothing is forgotten.
"""

from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.households.models import Household, Membership, MonitoringSpell, Pairing, Person
from fangfanpin.records.changed import households_changed, villages_changed
from fangfanpin.records.models import ImportBatch, ImportDifference, Record
from fangfanpin.records.workbooks.batches import ImportRefused, Report, set_taken_back, taken
from fangfanpin.records.workbooks.undoing import delete_made, find_own, leading_to, restore

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
_CHANGED_SINCE = """
SELECT b.table_name, count(DISTINCT b.row_id), count(DISTINCT e.household_id), min(h.head_name)
FROM import_own b JOIN audit_event e ON e.table_name = b.table_name AND e.row_id = b.row_id AND e.id > %s
LEFT JOIN households_household h ON h.id = e.household_id
GROUP BY b.table_name ORDER BY 2 DESC
"""


@transaction.atomic
def take_back(*, batch: ImportBatch, reach: Reach, report: Report) -> ImportBatch:
    """Undo an applied import. Raises ImportRefused saying what stands on it; then nothing is changed."""
    batch = taken(batch)
    first, last = batch.summary["events"]
    with connection.cursor() as cursor:
        find_own(cursor, first, last, f"import.apply {batch.pk}")
        report(1, 8)
        if found := _standing(cursor, last):
            raise ImportRefused(
                _("不能撤回，导入之后已有新的工作：%(found)s。请先在相应的农户里处理，或改用新的文件更正。") % {"found": "；".join(found)}
            )
        report(2, 8)
        cursor.execute("SELECT DISTINCT village_code FROM households_household h JOIN import_own b ON b.row_id = h.id::text")
        villages = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT DISTINCT household_id FROM import_own WHERE household_id IS NOT NULL")
        households = [row[0] for row in cursor.fetchall()]
        set_act(f"import.take_back {batch.pk}")
        ImportDifference.objects.filter(batch=batch).delete()
        for place, model in enumerate(_WRITTEN, 3):
            restore(cursor, model, first, last)
            delete_made(cursor, model)
            report(place, 8)
    set_taken_back(batch)
    villages_changed(villages)
    households_changed(households)
    return batch


def _standing(cursor: Any, last: int) -> list[str]:
    """What was done since with the rows of the import, in words."""
    cursor.execute(_CHANGED_SINCE, [last])
    found = [
        _("%(households)d 户的%(what)s已修改（如 %(head)s 户）") % {"households": households, "what": _WORDS.get(table, table), "head": head or ""}
        for table, _rows, households, head in cursor.fetchall()
    ]
    for model in _WRITTEN:
        for other, count in leading_to(cursor, model, ignored=(ImportDifference,)):
            found.append(_("已有%(what)s %(count)d 条") % {"what": _WORDS.get(other._meta.db_table, _("其他记录")), "count": count})
    return found
