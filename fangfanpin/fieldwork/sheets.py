"""Comparison sheets of a village: rows to plain data to PDF, and the record of what was printed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns.models import Campaign
from fangfanpin.expressions.nodes import Arithmetic, Call, Column, Node
from fangfanpin.fieldwork.models import SheetBatch
from fangfanpin.files.models import StoredFile
from fangfanpin.files.services import store
from fangfanpin.households.models import Household, Pairing, Person
from fangfanpin.households.subjects import household_values, person_values
from fangfanpin.jobs.services import JobRefused
from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.model import Section
from fangfanpin.pack.units import unit_word
from fangfanpin.papers.sheets import (
    RenderedSheets,
    RosterColumn,
    SheetHousehold,
    SheetItem,
    SheetMember,
    SheetSection,
    SheetVillage,
    render_village,
)
from fangfanpin.policy.periods import window
from fangfanpin.policy.services import pack_of
from fangfanpin.privacy.secrets import mask_sensitive, mask_text
from fangfanpin.records.models import Record
from fangfanpin.records.units import HOUSEHOLD_FORM, LIVE, PERSON_FORM, TARGET_HOUSEHOLD
from fangfanpin.regions.models import Region
from fangfanpin.regions.names import place_of

_SKIPPED_SECTIONS = frozenset({"visit", "registry"})
_SKIPPED_MEMBER_ITEMS = frozenset({"member_state", "change_kind", "change_proof", "identified_at"})
# Columns of the roster on the first side, with their width; their items do not stand in the member table again.
_ROSTER = (
    ("member_name", 23.0), ("relation_to_head", 25.0), ("sex", 11.0), ("birth_date", 22.0), ("id_number", 37.0), ("phone", 26.0),
    ("change_reason", 17.0), ("change_date", 16.0),
)  # fmt: skip
_MOST_UNDER_ONE_LINE = 20
_FRONT_SECTIONS = frozenset({"basics", "living"})


def member_groups(pack: Pack) -> list[tuple[Section, list[Indicator]]]:
    """Sections of the member form with the items that stand in the member table, in the order of the form."""
    skipped = _SKIPPED_MEMBER_ITEMS | {name for name, _width in _ROSTER}
    found = []
    for section in pack.forms[PERSON_FORM].sections:
        items = [pack.indicators[f"{PERSON_FORM}.{name}"] for name in section.items if name not in skipped]
        if items := [item for item in items if item.number and not item.retired]:
            found.append((section, items))
    return found


def household_sections(pack: Pack) -> list[tuple[Section, list[Indicator]]]:
    """Sections of the household form with the items that stand on the sheet, in the order of the form."""
    found = []
    for section in pack.forms[HOUSEHOLD_FORM].sections:
        items = [pack.indicators[f"{HOUSEHOLD_FORM}.{name}"] for name in section.items]
        items = [item for item in items if item.number and not item.retired]
        if items and section.key not in _SKIPPED_SECTIONS:
            found.append((section, items))
    return found


def village_sheets(village: Region, campaign: Campaign, pack: Pack, reach: Reach, *, version: int, household_id: UUID | None = None) -> SheetVillage:
    """The village's assisted households in walking order, last year's values in words. Few queries whatever the size."""
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
        values[record.household_id or UUID(int=0), target] = pack.brought(record.form, record.values, record.year)
    helpers = dict(
        Pairing.objects.visible_to(reach).filter(household_id__in=ids, is_main=True, end_on__isnull=True).values_list("household_id", "helper_name")
    )
    township = Region.objects.get(pk=village.code[:9])
    county = Region.objects.get(pk=village.code[:6])
    natural = dict(Region.objects.under(village.code).filter(level="natural_village").values_list("code", "name"))
    sections, groups = household_sections(pack), member_groups(pack)
    member_items = [item for _section, items in groups for item in items]
    roster = [(pack.indicators[f"{PERSON_FORM}.{name}"], width) for name, width in _ROSTER if f"{PERSON_FORM}.{name}" in pack.indicators]
    say = _Words(pack, open=_may_see_sensitive(reach, village.code))
    return SheetVillage(
        county=county.name,
        township=township.name,
        village=village.name,
        year=campaign.year,
        version=f"第 {version} 版 · {pack.id} {pack.hash[:8]}",
        printed_on=timezone.localdate().isoformat(),
        sections=tuple(_sheet_section(section, items, pack, front=section.key in _FRONT_SECTIONS) for section, items in sections),
        member_groups=_member_sections(groups, pack),
        roster=tuple(RosterColumn(f"{item.number} {_ROSTER_TITLES.get(item.name, item.zh)}", width) for item, width in roster),
        sums=_sums(pack),
        households=tuple(
            SheetHousehold(
                code=household.code,
                head=household.head_name or "（无户主）",
                natural_village=natural.get(household.natural_village_code, ""),
                address=household.address if say.open else mask_text(household.address),
                helper=helpers.get(household.id, ""),
                kind=_kind(household, pack),
                size=household.member_count,
                qr=sheet_code(household.id, campaign.year, version),
                last=tuple(
                    say.values(items, household_values(household), values.get((household.id, TARGET_HOUSEHOLD), {})) for _section, items in sections
                ),
                members=tuple(
                    _member(person, values.get((household.id, str(person.id)), {}), member_items, [item for item, _width in roster], say)
                    for person in persons[household.id]
                ),
            )
            for household in households
        ),
    )


# Shorter words where a narrow column asks for them.
_ROSTER_TITLES = {"relation_to_head": "与户主关系", "change_reason": "增减原因", "change_date": "增减时间", "phone": "联系电话"}


def sheet_code(household_id: UUID, year: int, version: int) -> str:
    """Text of the QR code: which household, year and printing; scanned sheets find their way by it."""
    return f"FFP1:{household_id.hex.upper()}:{year}:{version}"


def _may_see_sensitive(reach: Reach, village_code: str) -> bool:
    return not reach.scopes or reach.allows(Verb.SENSITIVE_VIEW, village_code=village_code)  # no scopes: the system itself


@dataclass(frozen=True, slots=True)
class _Words:
    """Values in words; sensitive ones masked unless `open`. Secret numbers come masked already."""

    pack: Pack
    open: bool

    def value(self, item: Indicator, value: Any) -> str:
        if value is None or value == "" or value == []:
            return ""
        if item.privacy == "sensitive" and not self.open:
            return mask_sensitive(value, is_phone=item.type == "phone")
        if item.type == "ref":
            return place_of(str(value))
        return str(value) if item.type == "secret_number" else self.pack.display(item, value)

    def values(self, items: Sequence[Indicator], subject: Mapping[str, Any], record: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(self.value(item, subject.get(item.name) if item.home == "subject" else record.get(item.name)) for item in items)


def _label(indicator: Indicator, section_unit: str) -> str:
    unit = unit_word(indicator.unit)
    return f"{indicator.zh}（{unit}）" if unit and unit != section_unit and unit not in indicator.zh else indicator.zh


def _sheet_section(section: Section, items: list[Indicator], pack: Pack, *, front: bool) -> SheetSection:
    units = {item.unit for item in items}
    shared = unit_word(next(iter(units))) if len(units) == 1 else ""
    asked = window(pack, section.kind)
    return SheetSection(
        title=section.title,
        window=f"{asked}　{_('单位：%(unit)s') % {'unit': shared}}" if shared else asked,
        tickable=section.tickable,
        front=front,
        items=tuple(SheetItem(item.number, _label(item, shared), item.home == "computed") for item in items),
    )


def _member_sections(groups: Sequence[tuple[Section, list[Indicator]]], pack: Pack) -> tuple[SheetSection, ...]:
    """Neighbours that ask about the same time stand under one line: a side of four members has no room to spare."""
    found: list[SheetSection] = []
    for section, items in groups:
        part = _sheet_section(section, items, pack, front=False)
        if found and found[-1].window == part.window and len(found[-1].items) + len(items) <= _MOST_UNDER_ONE_LINE:
            found[-1] = replace(found[-1], title=f"{found[-1].title}；{part.title}", items=found[-1].items + part.items)
        else:
            found.append(part)
    return tuple(found)


def _kind(household: Household, pack: Pack) -> str:
    words = [pack.word("household_type", household.household_type)] if household.household_type else []
    if household.monitoring_type:
        words.append(pack.word("monitoring_type", household.monitoring_type))
    return "、".join(words)


def _member(person: Person, last: Mapping[str, Any], items: list[Indicator], roster: list[Indicator], say: _Words) -> SheetMember:
    subject = person_values(person)
    return SheetMember(
        name=person.member_name,
        relation=say.pack.word("relation_to_head", person.relation_to_head) if person.relation_to_head else "",
        roster=say.values(roster, subject, last),
        last=say.values(items, subject, last),
    )


def _sums(pack: Pack) -> tuple[str, ...]:
    """How each total on the sheet is made, by item numbers: H60=H59−H54."""
    found = []
    for computation in pack.computations:
        target = pack.indicators[f"{computation.form}.{computation.name}"]
        if target.number and computation.form == HOUSEHOLD_FORM:
            said = _said(computation.expression.node, computation.form, pack)
            if said:
                found.append(f"{target.number} {target.zh}＝{said}")
    return tuple(found)


def _said(node: Node, form: str, pack: Pack) -> str:
    """An arithmetic in item numbers; '' where it uses more than sums, coalesce and ratio."""
    match node:
        case Column(scope="row", name=name):
            return pack.indicators[f"{form}.{name}"].number or pack.indicators[f"{form}.{name}"].zh
        case Call(fn="coalesce", args=(arg, *_rest)):
            return _said(arg, form, pack)
        case Call(fn="ratio", args=(over, under, *_rest)):
            parts = _said(over, form, pack), _said(under, form, pack)
            return "÷".join(parts) if all(parts) else ""
        case Arithmetic(op="add" | "sub" as op, left=left, right=right):
            parts = _said(left, form, pack), _said(right, form, pack)
            return ("＋" if op == "add" else "－").join(parts) if all(parts) else ""
        case _:
            return ""


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
        village_code=village.code,
        household_id=household_id,
    )
    batch = SheetBatch.objects.create(
        year=campaign.year,
        village_code=village.code,
        household_id=household_id,
        version=version,
        pack_hash=pack.hash,
        households=len(data.households),
        pages=rendered.pages,
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
