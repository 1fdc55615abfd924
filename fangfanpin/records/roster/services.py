"""Take a roster in: hand over, check, apply."""

from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.audit.models import Event
from fangfanpin.files.services import path_of
from fangfanpin.records.changed import households_changed, villages_changed
from fangfanpin.records.current_year import CurrentYear
from fangfanpin.records.models import ImportBatch
from fangfanpin.records.roster.applying import Application
from fangfanpin.records.roster.checking import Checked, Ground, check, ground
from fangfanpin.records.roster.columns import HOUSEHOLD_CODE, Headers
from fangfanpin.records.roster.intake import Parsers
from fangfanpin.records.roster.lane import Lane
from fangfanpin.records.roster.pairings import said_of_helpers, undated_start
from fangfanpin.records.roster.registered import registry_is_empty
from fangfanpin.records.roster.tray import keep_faulty, settle_superseded, settle_taken
from fangfanpin.records.workbooks.batches import (
    ROSTER,
    Examined,
    ImportRefused,
    Report,
    describe,
    halves,
    how_it_stands,
    keep,
    last_event,
    ready,
    set_applied,
    sheet_summary,
    take_in,
    uncollected,
)
from fangfanpin.records.workbooks.cells import Block
from fangfanpin.records.workbooks.reading import FileRefused, Source, sniff
from fangfanpin.regions.holding import hold


def receive(*, content: bytes | BinaryIO | Path, name: str, keep_good: bool, year: CurrentYear, by: User | None) -> ImportBatch:
    """Keep the file; nothing is looked at yet."""
    return keep(content=content, name=name, layout=ROSTER, keep_good=keep_good, year=year.year - 1, by=by)


def examine(*, path: Path, name: str, year: CurrentYear, on: Ground, report: Report, lane: Lane | None = None) -> Examined[Checked]:
    """Read and check a file; writes nothing but what goes down the lane, where there is one. `report(done, total)` in rows."""
    found: Examined[Checked] = Examined()
    try:
        found.source = source = sniff(path, name)
        found.notes += source.notes
        blocks = _take_in(source, found, year, on, report, lane)
    except FileRefused as refused:
        if lane is not None:
            lane.leave()
        found.refused = str(refused)
        return found
    found.checked = lane.checked if lane is not None and lane.close() else check(blocks, on)
    if undated := sum(not values["start_on"] for _row, values in said_of_helpers(found.checked)):
        told = {"count": undated, "day": undated_start(found.checked).isoformat()}
        found.notes.append(_("%(count)d 户的帮扶责任人没有写帮扶开始时间，按上年末 %(day)s 登记。") % told)
    return found


def _take_in(source: Source, found: Examined[Checked], year: CurrentYear, on: Ground, report: Report, lane: Lane | None) -> list[Block]:
    taken = take_in(
        source,
        Headers(year.pack),
        Parsers(year.pack, on.places, date1904=source.date1904),
        lead=HOUSEHOLD_CODE,
        notes=found.notes,
        report=report,
        offer=lane.offer if lane is not None else None,
        unsettle=lane.leave if lane is not None else None,
    )
    found.sheets = [sheet_summary(intake) for intake in taken]
    blocks = [intake.block for intake in taken if intake.block is not None]
    if not any(len(block.rows) for block in blocks):
        raise FileRefused(_("没有找到花名册：前 20 行里没有认得的表头（至少要有户编号、姓名、与户主关系等列），或表头下面没有内容。请核对选的文件。"))
    return blocks


def _facts(checked: Checked) -> dict[str, Any]:
    bad = checked.faulty_households
    return {
        "households": len(checked.households),
        "persons": len(checked.persons),
        "known_households": sum(row.known is not None for row in checked.households.values()),
        "known_persons": sum(person.known is not None for person in checked.persons),
        "faulty_households": len(bad),
        "good_households": sum(code not in bad for code in checked.households),
        "good_persons": sum(person.household not in bad for person in checked.persons),
        "villages": sorted({row.village for row in checked.households.values() if checked.ground.may_import(row.village)}),
    }


@uncollected()
@transaction.atomic
def check_batch(*, batch: ImportBatch, year: CurrentYear, reach: Reach, report: Report) -> ImportBatch:
    """Look at the file and say what is in it and what is wrong; the registry stays as it is."""
    batch = ready(batch)
    on = ground(pack=year.pack, year=batch.year, reach=reach)
    describe(batch, examine(path=path_of(batch.file), name=batch.file.name, year=year, on=on, report=report), _facts)
    batch.save()
    return batch


@uncollected()
@transaction.atomic
def apply_batch(*, batch: ImportBatch, year: CurrentYear, reach: Reach, keep_good: bool, report: Report) -> ImportBatch:
    """Check once more (the registry may have moved) and take in: everything, or with `keep_good` the households without fault,
    the others whole into the tray. With a fault and without `keep_good` nothing is taken; the batch says why.
    """
    batch = ready(batch)
    if batch.year != year.year - 1:
        raise ImportRefused(_("这个文件是为 %(year)d 年基线上传的，年度已换，请重新上传。") % {"year": batch.year})
    hold(reach.villages)  # a change of divisions waits until the file is in
    on = ground(pack=year.pack, year=batch.year, reach=reach)
    first, act = last_event(), f"import.apply {batch.pk}"
    is_first = registry_is_empty()
    lane = Lane(on, batch_id=batch.pk, begin=lambda: set_act(act)) if is_first and not keep_good else None
    reading, writing = halves(report)
    examined = examine(path=path_of(batch.file), name=batch.file.name, year=year, on=on, report=reading, lane=lane)
    checked = examined.checked
    went = lane is not None and lane.is_open
    counts = lane.finish(open_for=year.year) if lane is not None and went else None
    describe(batch, examined, _facts)
    batch.keep_good_rows = keep_good
    if checked is None or checked.stopped or (checked.faults and not keep_good) or not batch.summary["good_households"]:
        batch.save()
        return batch
    kept = 0
    if counts is None:
        set_act(act)
        kept = keep_faulty(checked, batch) if checked.faults else 0
        settle_superseded(checked.faulty_households, batch, reach)
        checked.without_faulty()
        application = Application(checked, batch_id=batch.pk)
        try:
            application.write_all(lambda done: writing(done, len(checked.persons)))
        except BaseException:
            application.give_up()
            raise
        counts = application.finish(open_for=year.year)
    settled = settle_taken(checked.households, reach)
    set_applied(batch, first, counts=counts.as_json(), tray=kept, settled=settled)
    villages_changed({row.village for row in checked.households.values() if row.village})
    if not is_first:
        households_changed(_written_to(checked, first, act))
    return batch


def _written_to(checked: Checked, first: int, act: str) -> set[UUID]:
    """Households known before of which this import wrote any row."""
    known = {row.known.id for row in checked.households.values() if row.known is not None}
    events = Event.objects.filter(id__gt=first, act=act, household_id__isnull=False) if known else Event.objects.none()
    return known & set(events.values_list("household_id", flat=True).distinct())


def sentence_of(batch: ImportBatch) -> str:
    """How the batch stands, in one sentence."""
    return how_it_stands(
        batch,
        checked=_("检查通过：%(households)d 户、%(persons)d 人，可以导入。"),
        faulty=_("没有导入：%(faults)d 处错误，涉及 %(faulty_households)d 户；另有 %(good_households)d 户没有错误。"),
        taken_back=_("已撤回，农户和基线恢复到导入以前。"),
        applied=_written,
    )


def _written(summary: dict[str, Any]) -> list[str]:
    counts = summary["counts"]
    parts = [
        _("新增 %(households_new)d 户、%(persons_new)d 人") % counts,
        _("更新 %(households_changed)d 户、%(persons_changed)d 人") % counts,
    ]
    if counts["differences"] + counts["missing_members"]:
        parts.append(_("%(count)d 处和已采集的不一致，没有覆盖") % {"count": counts["differences"] + counts["missing_members"]})
    return parts
