"""Lists of one roster file as Excel: what was set aside, and where it and the registry differ. Columns and masks as on the pages."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.jobs.exports import Column, Table, export_list
from fangfanpin.jobs.services import JobRefused
from fangfanpin.policy.services import spoken
from fangfanpin.records.current_year import NoYear, current_year
from fangfanpin.records.models import ImportBatch, ImportDifference
from fangfanpin.records.roster import tray as trays
from fangfanpin.records.roster.batches import difference, open_batch

_CHUNK = 500


def _batch(reach: Reach, parameters: Mapping[str, str]) -> ImportBatch:
    """The file the list is of; refused for one that this person may not open."""
    try:
        wanted = UUID(parameters.get("batch", ""))
    except ValueError:
        raise JobRefused(_("请写明是哪一份花名册（文件页地址里的编号）。")) from None
    found = open_batch(wanted, reach)
    if found is None:
        raise JobRefused(_("没有这份花名册，或它不归您管理。"))
    return found


@export_list("import_tray", "待改区", Verb.IMPORT_ROSTER, parameters=("batch",))
def tray(reach: Reach, parameters: Mapping[str, str]) -> Table:
    batch = _batch(reach, parameters)
    found = trays.in_order(batch).select_related("settled_by")

    def rows() -> Iterator[list[Any]]:
        for row in found.iterator(chunk_size=_CHUNK):
            cells = "；".join(f"{header} {value}" for header, value in row.cells["row"])
            done = (trays.settled_words(row), row.settled_by.name if row.settled_by else "")
            yield [row.cells["code"], row.sheet, row.row_number, cells, trays.wrong_words(row), row.settled_at, *done]

    columns = (
        Column("户编号", width=20), Column("表", width=14), Column("行", "number", 7), Column("内容", width=60),
        Column("哪里不对、怎么改", width=50), Column("处理时间", "time", 17), Column("怎么处理的", width=30), Column("处理人", width=12),
    )  # fmt: skip
    return Table(columns, rows(), found.count(), [(_("文件"), batch.file.name)])


@export_list("import_differences", "导入与已采集的不一致", Verb.IMPORT_ROSTER, parameters=("batch",))
def differences(reach: Reach, parameters: Mapping[str, str]) -> Table:
    batch = _batch(reach, parameters)
    try:
        pack = spoken(current_year().pack)
    except NoYear:
        raise JobRefused(_("还没有年度工作，请先建立年度工作再导入。")) from None
    found = ImportDifference.objects.visible_to(reach).filter(batch=batch).select_related("household", "person").order_by("pk")

    def rows() -> Iterator[list[Any]]:
        for row in found.iterator(chunk_size=_CHUNK):
            line = difference(row, pack, reach)
            yield [row.household.code, row.household.head_name, row.person.member_name if row.person else "", line.item, line.stored, line.offered]

    columns = (
        Column("户编号", width=20), Column("户主", width=10), Column("成员", width=10), Column("项目", width=26),
        Column("系统里（保留）", width=24), Column("文件里", width=24),
    )  # fmt: skip
    return Table(columns, rows(), found.count(), [(_("文件"), batch.file.name)])
