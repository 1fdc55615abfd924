"""Comparison sheets of a village: rows to plain data to PDF, and the record of what was printed."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.campaigns.models import Campaign
from fangfanpin.fieldwork.models import SheetBatch
from fangfanpin.files.models import StoredFile
from fangfanpin.files.services import store
from fangfanpin.households.models import Household, Pairing, Person
from fangfanpin.households.subjects import household_values, person_values
from fangfanpin.jobs.services import JobRefused
from fangfanpin.pack import Indicator, Pack
from fangfanpin.papers.sheets import (
    RenderedSheets,
    SheetHousehold,
    SheetItem,
    SheetMember,
    SheetSection,
    SheetVillage,
    render_village,
)
from fangfanpin.policy.services import pack_of
from fangfanpin.records.models import Record
from fangfanpin.records.units import HOUSEHOLD_FORM, LIVE, PERSON_FORM, TARGET_HOUSEHOLD
from fangfanpin.regions.models import Region

_UNITS = {"yuan": "元", "mu": "亩", "km": "公里", "m2": "㎡", "month": "月", "person": "人", "head": "头"}
_SKIPPED_SECTIONS = frozenset({"visit", "registry"})
_SKIPPED_MEMBER_ITEMS = frozenset(
    {"person_id", "household_id", "form_year", "member_name", "relation_to_head", "member_state", "change_kind", "change_reason",
     "change_date", "change_proof", "identified_at"}
)  # fmt: skip


def printed_items(pack: Pack, form: str) -> list[Indicator]:
    """Items that stand on the sheet, in the order of the form."""
    return [
        indicator
        for section in pack.forms[form].sections
        for name in section.items
        if section.key not in _SKIPPED_SECTIONS
        and (indicator := pack.indicators[f"{form}.{name}"]).number
        and not indicator.retired
        and not (form == PERSON_FORM and name in _SKIPPED_MEMBER_ITEMS)
    ]


def window(pack: Pack, kind: str) -> str:
    """Which time an item asks, in words."""
    if kind == "period":
        return _("%(start)s 至 %(end)s") % {"start": pack.period_start.isoformat(), "end": pack.period_end.isoformat()}
    return _("截至 %(day)s") % {"day": pack.state_date.isoformat()}


def village_sheets(village: Region, campaign: Campaign, pack: Pack, reach: Reach, *, version: int, household_id: UUID | None = None) -> SheetVillage:
    """The village's assisted households in walking order, last year's values in words. Five queries whatever the size."""
    rows = Household.objects.visible_to(reach).filter(village_code=village.code, kind=Household.Kind.ASSISTED, household_state__in=("", "01"))
    if household_id is not None:
        rows = rows.filter(pk=household_id)
    households = list(rows.order_by("natural_village_code", "walking_order", "code"))
    ids = [household.id for household in households]
    persons: dict[UUID, list[Person]] = defaultdict(list)
    for person in Person.objects.visible_to(reach).filter(household_id__in=ids, member_state=LIVE).order_by("position", "code"):
        persons[person.household_id].append(person)
    values: dict[tuple[UUID, str], dict[str, Any]] = {}
    for record in Record.objects.visible_to(reach).filter(household_id__in=ids, year=campaign.year - 1, form__in=(HOUSEHOLD_FORM, PERSON_FORM)):
        target = TARGET_HOUSEHOLD if record.form == HOUSEHOLD_FORM else str(record.subject_id)
        values[record.household_id or UUID(int=0), target] = record.values
    helpers = dict(
        Pairing.objects.visible_to(reach).filter(household_id__in=ids, is_main=True, end_on__isnull=True).values_list("household_id", "helper_name")
    )
    township = Region.objects.get(pk=village.code[:9])
    county = Region.objects.get(pk=village.code[:6])
    natural = dict(Region.objects.under(village.code).filter(level="natural_village").values_list("code", "name"))
    member_items = printed_items(pack, PERSON_FORM)
    return SheetVillage(
        county=county.name,
        township=township.name,
        village=village.name,
        year=campaign.year,
        version=f"第 {version} 版 · {pack.id} {pack.hash[:8]}",
        printed_on=timezone.localdate().isoformat(),
        member_items=tuple((item.number, _label(item), window(pack, item.kind)) for item in member_items),
        households=tuple(
            SheetHousehold(
                code=household.code,
                head=household.head_name or "（无户主）",
                natural_village=natural.get(household.natural_village_code, ""),
                address=household.address,
                helper=helpers.get(household.id, ""),
                kind=_kind(household, pack),
                size=household.member_count,
                qr=f"FFP1|{household.id.hex[:12]}|{campaign.year}|v{version}",
                sections=_sections(household, values.get((household.id, TARGET_HOUSEHOLD), {}), pack),
                members=tuple(
                    SheetMember(
                        name=person.member_name,
                        relation=pack.word("relation_to_head", person.relation_to_head),
                        last=_member_values(person, values.get((household.id, str(person.id)), {}), member_items, pack),
                    )
                    for person in persons[household.id]
                ),
            )
            for household in households
        ),
    )


def _label(indicator: Indicator) -> str:
    unit = _UNITS.get(indicator.unit, "")
    return f"{indicator.zh}（{unit}）" if unit and unit not in indicator.zh else indicator.zh


def _kind(household: Household, pack: Pack) -> str:
    words = [pack.word("household_type", household.household_type)] if household.household_type else []
    if household.monitoring_type:
        words.append(pack.word("monitoring_type", household.monitoring_type))
    return "、".join(words)


def _sections(household: Household, last: dict[str, Any], pack: Pack) -> tuple[SheetSection, ...]:
    now = household_values(household)
    found = []
    for section in pack.forms[HOUSEHOLD_FORM].sections:
        if section.key in _SKIPPED_SECTIONS:
            continue
        items = [pack.indicators[f"{HOUSEHOLD_FORM}.{name}"] for name in section.items]
        chosen = tuple(
            SheetItem(
                number=item.number,
                zh=item.zh,
                unit=_UNITS.get(item.unit, ""),
                last=pack.display(item, now.get(item.name) if item.home == "subject" else last.get(item.name)),
                sum=item.home == "computed",
            )
            for item in items
            if item.number and not item.retired
        )
        if chosen:
            found.append(SheetSection(section.title, window(pack, section.kind), section.tickable, chosen))
    return tuple(found)


def _member_values(person: Person, last: dict[str, Any], items: list[Indicator], pack: Pack) -> tuple[str, ...]:
    now = person_values(person)
    return tuple(
        str(now.get(item.name) or "")
        if item.type == "secret_number"
        else pack.display(item, now.get(item.name) if item.home == "subject" else last.get(item.name))
        for item in items
    )


def print_sheets(
    *, village: Region, campaign: Campaign, reach: Reach, by: User | None, household_id: UUID | None = None
) -> tuple[SheetBatch, RenderedSheets]:
    """Render, keep the PDF and the batch. Raises JobRefused where the village has no household to print."""
    pack = pack_of(campaign.pack)
    batches = SheetBatch.objects.visible_to(reach).filter(year=campaign.year, village_code=village.code)
    version = (batches.aggregate(latest=Max("version"))["latest"] or 0) + 1
    data = village_sheets(village, campaign, pack, reach, version=version, household_id=household_id)
    if not data.households:
        raise JobRefused(_("%(village)s没有要采集的农户，不用打印。") % {"village": village.name})
    rendered = render_village(data, cover=household_id is None)
    set_act("sheets.print")
    name = f"对照表-{village.name}-{campaign.year}-第{version}版.pdf"
    if household_id is not None:
        name = f"对照表-{village.name}-{data.households[0].head}-第{version}版.pdf"
    file = store(
        content=rendered.pdf,
        name=name,
        content_type="application/pdf",
        purpose=StoredFile.Purpose.SHEETS,
        owner=by,
        village_code="" if household_id else village.code,
        household_id=household_id,
    )
    batch = SheetBatch.objects.create(
        year=campaign.year,
        village_code=village.code,
        household_id=household_id,
        version=version,
        pack_hash=pack.hash,
        households=len(data.households),
        file=file,
        printed_by=by,
    )
    return batch, rendered


def warning(rendered: RenderedSheets) -> str:
    """Names that no font can print, told before the paper goes out."""
    if not rendered.missing:
        return ""
    listed = "；".join(f"{code}：{characters}" for code, characters in list(rendered.missing.items())[:20])
    return _("有 %(count)d 户的姓名或地址里有打印不出的字，请手写补上：%(listed)s") % {"count": len(rendered.missing), "listed": listed}
