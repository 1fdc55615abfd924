"""Rows that were not good enough, kept until their household comes in mended."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.records.models import ImportBatch, TrayRow
from fangfanpin.records.roster.checking import Checked, rows_of
from fangfanpin.records.roster.intake import Block, Fault, shown

_AT_ONCE = 1000


def keep_faulty(checked: Checked, batch: ImportBatch) -> int:
    """Put every row of every faulty household into the tray, and faulty rows that name none. Returns rows kept."""
    bad = checked.faulty_households
    by_row: dict[tuple[str, int], list[Fault]] = {}
    for fault in checked.faults:
        by_row.setdefault((fault.sheet, fault.row), []).append(fault)
    rows = [_row(batch, checked, block, row, code, by_row) for block, row, code in rows_of(checked.blocks, bad)]
    loose = {(fault.sheet, fault.row) for fault in checked.faults if not fault.household}
    blocks = {block.sheet: block for block in checked.blocks}
    rows += [_row(batch, checked, blocks[sheet], row - 1, "", by_row) for sheet, row in sorted(loose)]
    TrayRow.objects.bulk_create(rows, batch_size=_AT_ONCE)
    return len(rows)


def _row(batch: ImportBatch, checked: Checked, block: Block, row: int, code: str, by_row: dict[tuple[str, int], list[Fault]]) -> TrayRow:
    cells = [
        [mapped.header, shown(mapped.indicator, cell)]
        for column in block.columns.values()
        for mapped, cell in column.cells(column.codes[row])
        if cell != ""
    ]
    household = checked.households.get(code)
    village = household.village if household is not None and checked.ground.may_import(household.village) else ""
    return TrayRow(
        batch=batch,
        household_id=household.known.id if household is not None and household.known is not None else None,
        village_code=village,
        sheet=block.sheet[:80],
        row_number=row + 1,
        cells={"code": code, "row": cells},
        faults=[fault_json(fault) for fault in by_row.get((block.sheet, row + 1), [])],
    )


def fault_json(fault: Fault) -> dict[str, Any]:
    return {"sheet": fault.sheet, "row": fault.row, "column": fault.place, "header": fault.header, "value": fault.value, "message": fault.message}


def settle_taken(codes: Iterable[str], reach: Reach) -> int:
    """Tray rows whose household has now been taken in are settled."""
    waiting = set(TrayRow.objects.visible_to(reach).filter(settled_at__isnull=True).values_list("cells__code", flat=True))
    taken = sorted(waiting & set(codes))
    if not taken:
        return 0
    return TrayRow.objects.visible_to(reach).filter(settled_at__isnull=True, cells__code__in=taken).update(settled_at=timezone.now())


@transaction.atomic
def settle(*, batch: ImportBatch, sheet: str, row_number: int, by: User) -> None:
    """Somebody says that a row needs no more doing (a title line, a household that is not to come in)."""
    set_act(f"import.settle {batch.pk}")
    batch.tray.filter(sheet=sheet, row_number=row_number, settled_at__isnull=True).update(settled_at=timezone.now())
