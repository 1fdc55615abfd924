"""The household's file: what the system holds, put in the order of the pack's archive; what it lacks, named."""

from collections.abc import Sequence

from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.archives import reading
from fangfanpin.pack import Pack
from fangfanpin.papers.household_file import FilePart, FileRow, FileTable, HouseholdFile
from fangfanpin.records.units import HOUSEHOLD_FORM, TARGET_HOUSEHOLD, Unit
from fangfanpin.regions.models import Region

_INCOME = "income"


def household_file(unit: Unit, pack: Pack, *, sensitive: bool, by: str) -> HouseholdFile:
    """Everything printed, in words. Identity, card and bank numbers masked; sensitive values too unless `sensitive`."""
    household = unit.household
    names = dict(Region.objects.filter(code__in=_places(household.village_code, household.natural_village_code)).values_list("code", "name"))
    place = "".join(names.get(code, "") for code in _places(household.village_code, household.natural_village_code))
    types = [pack.word("household_type", household.household_type)] if household.household_type else []
    if household.monitoring_type:
        state = pack.word("monitoring_state", household.monitoring_state) if household.monitoring_state else ""
        types.append(pack.word("monitoring_type", household.monitoring_type) + (f"（{state}）" if state else ""))
    return HouseholdFile(
        title=_("%(year)d 年度农户档案") % {"year": unit.year},
        place=place,
        head=household.head_name or _("（无户主）"),
        code=household.code,
        facts=(
            (_("户主"), household.head_name or _("（无户主）")),
            (_("户编号"), household.code),
            (_("所在地"), place),
            (_("户类型"), "、".join(types)),
            (_("家庭人口"), _("%(count)d 人") % {"count": household.member_count}),
        ),
        year=unit.year,
        made_on=timezone.localdate().isoformat(),
        made_by=by,
        parts=tuple(
            FilePart(
                title=paper.title,
                missing="" if paper.present or paper.key == "cover" else paper.note or _("系统里还没有"),
                tables=_tables(unit, pack, paper.source, sensitive=sensitive) if paper.present else (),
                on_cover=paper.key == "cover",
            )
            for paper in reading.papers(unit, pack)
        ),
    )


def _places(village: str, natural: str) -> list[str]:
    """Codes from the county down."""
    return [code for code in (village[:6], village[:9], village, natural) if code]


def _tables(unit: Unit, pack: Pack, source: str, *, sensitive: bool) -> tuple[FileTable, ...]:
    match source:
        case "household_year":
            members = [reading.member(unit, person, pack, sensitive=sensitive) for person in unit.persons]
            return (
                _roster(members),
                *_compared([s for s in reading.sections(unit, pack, sensitive=sensitive) if s.title != _income_title(pack)], prefix=""),
                *(table for m in members if m.live for table in _compared(m.sections, prefix=f"{m.person.member_name}　")),
            )
        case "last_year":
            found = list(_alone(reading.last_sections(unit, pack, TARGET_HOUSEHOLD, sensitive=sensitive), prefix=""))
            for person in unit.persons:
                found += _alone(reading.last_sections(unit, pack, str(person.id), sensitive=sensitive), prefix=f"{person.member_name}　")
            return tuple(found)
        case "income":
            return _compared([s for s in reading.sections(unit, pack, sensitive=sensitive) if s.title == _income_title(pack)], prefix="")
        case "pairing":
            rows = [
                (p.helper_name, p.helper_unit, p.start_on.isoformat() if p.start_on else "", p.end_on.isoformat() if p.end_on else _("至今"))
                for p in unit.household.pairings.order_by("-start_on")
            ]
            return (FileTable("", columns=(_("帮扶责任人"), _("单位"), _("开始"), _("结束")), cells=tuple(rows)),)
        case "spell":
            spells = [reading.spell(found, pack) for found in unit.spells]
            cells = tuple(
                (str(s["row"].spell_no), s["type"], s["risks"], s["row"].identified_month, s["row"].eliminated_month or "", s["state"])
                for s in spells
            )
            return (FileTable("", columns=(_("轮次"), _("类别"), _("风险"), _("识别时间"), _("消除时间"), _("是否已消除")), cells=cells),)
        case _:
            return ()


def _income_title(pack: Pack) -> str:
    """The income section is a paper of its own."""
    return next((section.title for section in pack.forms[HOUSEHOLD_FORM].sections if section.key == _INCOME), "")


def _roster(members: Sequence[reading.Member]) -> FileTable:
    cells = tuple(
        (m.person.member_name, m.relation, "" if m.age is None else str(m.age), m.person.id_number_mask, m.moved or ("" if m.live else _("已离开")))
        for m in members
    )
    heads = (_("姓名"), _("与户主关系"), _("年龄"), _("证件号码"), _("变动"))
    return FileTable(_("家庭成员"), columns=heads, cells=cells, widths=(14, 14, 8, 26, 18))  # 22 characters of a disability card on one line


def _compared(sections: Sequence[reading.Section], *, prefix: str) -> tuple[FileTable, ...]:
    return tuple(
        FileTable(
            prefix + section.title,
            rows=tuple(FileRow(i.zh, i.last, _("（还没问）") if i.carried and not i.now else i.now, i.changed) for i in section.items),
        )
        for section in sections
    )


def _alone(sections: Sequence[reading.Section], *, prefix: str) -> tuple[FileTable, ...]:
    return tuple(FileTable(prefix + section.title, rows=tuple(FileRow(i.zh, "", i.now) for i in section.items), single=True) for section in sections)
