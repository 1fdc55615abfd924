"""Rows that were not good enough, kept until their household comes in mended or somebody says why it need not."""

import json
from collections.abc import Iterable
from itertools import chain
from typing import Any

from django.db.models import Case, IntegerField, QuerySet, When
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import Reach
from fangfanpin.privacy.secrets import decrypt, encrypt
from fangfanpin.records.models import ImportBatch, TrayRow
from fangfanpin.records.roster.checking import Checked, rows_of
from fangfanpin.records.workbooks import batches
from fangfanpin.records.workbooks.cells import Block, shown
from fangfanpin.records.workbooks.headers import Mapped


def keep_faulty(checked: Checked, batch: ImportBatch) -> int:
    """Put every row of every faulty household into the tray, and faulty rows that name none. Returns rows kept."""
    blocks = {block.sheet: block for block in checked.blocks}
    loose = sorted({(fault.sheet, fault.row) for fault in checked.faults if not fault.household})
    rows = chain(rows_of(checked.blocks, checked.faulty_households), ((blocks[sheet], row - 1, "") for sheet, row in loose))
    return batches.keep_faulty(batch, ((block, row, _held(checked, block, row, code)) for block, row, code in rows), checked.faults)


def _held(checked: Checked, block: Block, row: int, code: str) -> dict[str, Any]:
    filled = [
        (mapped, _as_typed(mapped, cell, column.parsed[column.codes[row]]))
        for column in block.columns.values()
        for mapped, cell in column.cells(column.codes[row])
        if cell != ""
    ]
    household = checked.households.get(code)
    return {
        "household_id": household.known.id if household is not None and household.known is not None else None,
        "village_code": household.village if household is not None and checked.ground.may_import(household.village) else "",
        "cells": {
            "code": code,
            "row": [[mapped.header, shown(mapped.indicator, typed)] for mapped, typed in filled],
            "sealed": seal({mapped.header: typed for mapped, typed in filled}),
        },
    }


def _as_typed(mapped: Mapped, cell: str | float, parsed: Any) -> str | float:
    """The cell as the file has it; a day the file keeps as a number is written out, for another file may count from another first day."""
    is_counted = isinstance(cell, float) and mapped.indicator.type in ("date", "month") and isinstance(parsed, str)
    return parsed if is_counted else cell


def seal(raw: dict[str, str | float]) -> str | None:
    """The cells as the file has them, so that the row can be mended and sent in again; encrypted, for whole numbers stand among them."""
    return encrypt(json.dumps(raw, ensure_ascii=False))


def raw_of(row: TrayRow) -> dict[str, str | float] | None:
    """{header: cell}, cells with nothing in them left out; None for a row put here before its cells were kept."""
    plain = decrypt(row.cells.get("sealed"))
    return json.loads(plain) if plain else None


def in_order(batch: ImportBatch) -> QuerySet[TrayRow, TrayRow]:
    """What waits first, household by household, of each what is at fault before what only waits with it."""
    fine = Case(When(faults=[], then=1), default=0, output_field=IntegerField())
    return TrayRow.objects.filter(batch=batch).order_by("settled_at", "cells__code", fine, "sheet", "row_number")


def together(row: TrayRow) -> list[TrayRow]:
    """The waiting rows that go in or stay out with this one: its household's, or itself where it names none."""
    code = row.cells.get("code")
    rows = TrayRow.objects.filter(batch=row.batch_id, settled_at__isnull=True).order_by("sheet", "row_number")
    return list(rows.filter(cells__code=code) if code else rows.filter(pk=row.pk))


def wrong_words(row: TrayRow) -> str:
    """All that is wrong in a row, in one line."""
    told = [f"{fault['header']}：{fault['message']}" if fault["header"] else fault["message"] for fault in row.faults]
    return "；".join(told) or _("同户其他行有错误")


def settled_words(row: TrayRow) -> str:
    """How it ended; '' while it waits."""
    return "" if row.settled_at is None else row.settled_reason or _("已导入")


def settle_taken(codes: Iterable[str], reach: Reach) -> int:
    """Tray rows whose household has now been taken in are settled."""
    return _settle_households(codes, reach)


def settle_superseded(codes: Iterable[str], batch: ImportBatch, reach: Reach) -> int:
    """What waits of these households from earlier files is settled: a later file has them in its own tray."""
    return _settle_households(codes, reach, besides=batch, settled_reason=_("后来的文件里又有这户，改那一份"))


def _settle_households(codes: Iterable[str], reach: Reach, *, besides: ImportBatch | None = None, settled_reason: str = "") -> int:
    own = TrayRow.objects.filter(batch__in=ImportBatch.objects.filter(uploaded_by=reach.user_id))  # a row with a wrong village is in nobody's reach
    rows = (TrayRow.objects.visible_to(reach) | own).filter(settled_at__isnull=True)
    if besides is not None:
        rows = rows.exclude(batch=besides)
    taken = sorted(set(rows.values_list("cells__code", flat=True)) & {code for code in codes if code})
    return rows.filter(cells__code__in=taken).update(settled_at=timezone.now(), settled_reason=settled_reason) if taken else 0
