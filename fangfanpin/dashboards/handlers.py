"""Every list page as Excel: the columns of the page, read with the page's own filters. The jobs around them are jobs.exports."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from fangfanpin.accounts import management
from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.archives import reading
from fangfanpin.campaigns import clock
from fangfanpin.dashboards import queries, transfer
from fangfanpin.fieldwork.models import SheetBatch
from fangfanpin.households.models import Household, Pairing
from fangfanpin.jobs.exports import Column, Table, export_list
from fangfanpin.jobs.services import JobRefused
from fangfanpin.pack import Indicator, Pack
from fangfanpin.policy.services import pack_of
from fangfanpin.privacy.secrets import mask_phone, mask_text
from fangfanpin.records.models import Conflict, ImportBatch, Record
from fangfanpin.records.units import HOUSEHOLD_FORM, PERSON_FORM, TARGET_HOUSEHOLD, load_units
from fangfanpin.regions.models import Region

CHUNK = 200
T = TypeVar("T")
_KINDS = {
    "assisted": "脱贫户和监测对象",
    "ordinary": "一般农户",
    "monitored": "监测对象（含已消除）",
    "monitored_open": "未消除风险的监测对象",
    "exited": "脱贫户",
}


def _in_chunks(rows: Iterator[T], size: int = CHUNK) -> Iterator[list[T]]:
    while chunk := list(islice(rows, size)):
        yield chunk


class _Places:
    """Names of divisions by code, looked up once each."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def learn(self, codes: Sequence[str]) -> None:
        asked = {code for code in codes if code} - self._names.keys()
        self._names.update(dict.fromkeys(asked, ""))
        self._names.update(Region.objects.filter(code__in=asked).values_list("code", "name"))

    def name(self, code: str) -> str:
        if code and code not in self._names:
            self.learn([code])
        return self._names.get(code, "") or code


def _said_place(code: str, places: _Places) -> tuple[str, str]:
    return (_("地区"), places.name(code) if code else _("管辖范围内全部"))


def _sees_sensitive(reach: Reach, row: Household | Conflict) -> bool:
    return not reach.scopes or can(reach, Verb.SENSITIVE_VIEW, row)  # no scopes: the system itself


def _word(pack: Pack, list_name: str, code: str) -> str:
    return pack.word(list_name, code) if code else ""


_HOUSEHOLD = (Column("户编号", width=20), Column("户主", width=10), Column("乡镇", width=14), Column("村", width=16))


def _household_cells(household: Household, places: _Places) -> list[str]:
    return [household.code, household.head_name, places.name(household.village_code[:9]), places.name(household.village_code)]


@export_list(
    "households",
    "农户清单",
    Verb.HOUSEHOLD_VIEW,
    parameters=("place", "state", "kind", "clue", "q"),
    choices={"state": lambda: dict(Record.State.choices), "kind": lambda: _KINDS, "clue": lambda: {"open": "只看有疑问的"}},
)
def households(reach: Reach, parameters: Mapping[str, str]) -> Table:
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    chosen = queries.HouseholdFilter(**parameters)
    found = queries.households(reach, campaign.year, chosen)
    places = _Places()
    states = dict(Record.State.choices)

    def rows() -> Iterator[list[Any]]:
        for chunk in _in_chunks(found.iterator(chunk_size=CHUNK)):
            places.learn([code for h in chunk for code in (h.village_code, h.village_code[:9], h.natural_village_code)])
            pairs = Pairing.objects.filter(household__in=chunk, is_main=True, end_on__isnull=True).values_list("household_id", "helper_name")
            helpers = dict(pairs)
            for h in chunk:
                year_state, transferred_at, open_clues = (getattr(h, name) for name in ("year_state", "transferred_at", "open_clues"))
                yield [
                    *_household_cells(h, places),
                    places.name(h.natural_village_code),
                    h.address if _sees_sensitive(reach, h) else mask_text(h.address),
                    h.member_count if h.kind == Household.Kind.ASSISTED else None,  # of ordinary households no member is kept
                    _word(pack, "household_type", h.household_type),
                    _word(pack, "monitoring_type", h.monitoring_type),
                    _word(pack, "monitoring_state", h.monitoring_state),
                    str(states.get(year_state, "")),
                    transferred_at,
                    open_clues or 0,
                    helpers.get(h.pk, ""),
                ]

    columns = (
        *_HOUSEHOLD,
        Column("自然村", width=14),
        Column("住址", width=24),
        Column("人口", "number", 7),
        Column("户类型", width=12),
        Column("监测对象类别", width=16),
        Column("风险是否已消除", width=14),
        Column("采集情况", width=10),
        Column("录入国家系统时间", "time", 17),
        Column("未处理疑问", "number", 10),
        Column("帮扶责任人", width=12),
    )
    said = [_said_place(chosen.place, places)]
    if chosen.state:
        said.append((_("采集情况"), str(states.get(chosen.state, chosen.state))))
    if chosen.kind:
        said.append((_("户类型"), _KINDS.get(chosen.kind, chosen.kind)))
    if chosen.clue:
        said.append((_("疑问"), _("只看有疑问的")))
    if chosen.q:
        said.append((_("查找"), mask_phone(chosen.q) if chosen.q[:1].isdigit() else chosen.q))
    return Table(columns, rows(), found.count(), said)


@export_list(
    "year_update",
    "年度变动清单",
    Verb.TRANSFER_TICK,
    parameters=("place", "shown"),
    choices={"shown": lambda: {"waiting": "还没录入国家系统的", "done": "已录入国家系统的"}},
)
def year_update(reach: Reach, parameters: Mapping[str, str]) -> Table:
    """What changed, one row an item, households in walking order and items in the order of the national module."""
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    shown, place = parameters.get("shown", ""), parameters.get("place", "")
    places = _Places()
    records = transfer.waiting(queries.due_records(reach, campaign.year, queries.SUBMITTED_STATES), shown=shown, place=place)
    ordered = records.order_by("village_code", "household__natural_village_code", "household__walking_order", "household__code")

    def rows() -> Iterator[list[Any]]:
        for chunk in _in_chunks(ordered.iterator(chunk_size=CHUNK)):
            found = [record.household for record in chunk if record.household is not None]
            for unit in load_units(found, campaign.year):
                cells = _household_cells(unit.household, places)
                sensitive = _sees_sensitive(reach, unit.household)
                for move in transfer.moves(unit, pack):
                    on = move.on.isoformat() if move.on else ""
                    yield [*cells, _("家庭成员增减"), move.name, move.word, "", "", "，".join(filter(None, (move.reason, on)))]
                for item in transfer.changed_items(unit, pack, sensitive=sensitive):
                    yield [*cells, item.section, item.who, item.zh, item.national_id, item.before, item.after or _("（空）")]

    columns = (
        *_HOUSEHOLD,
        Column("模块", width=16),
        Column("谁", width=10),
        Column("指标", width=26),
        Column("国家字段", width=12),
        Column("去年", width=20),
        Column("今年", width=20),
    )
    said = [_said_place(place, places), (_("显示"), _("已录入国家系统的") if shown == "done" else _("还没录入国家系统的"))]
    return Table(columns, rows(), records.count() * 12, said)


@export_list("progress", "采集录入进度", Verb.CAMPAIGN_VIEW, parameters=("place",))
def progress(reach: Reach, parameters: Mapping[str, str]) -> Table:
    campaign = clock.current()
    place = parameters.get("place", "")
    places = _Places()
    towns = {code[:9] for code in reach.villages}
    length = 12 if len(place) >= 9 or len(towns) == 1 else 9  # as on the page
    found = queries.progress_by(reach, campaign.year, length=length, under=place)
    if len(found) > 1:
        found = [*found, queries.total(found, name=_("合计"))]
    numbers = (
        ("应采集", "households"), ("已入户", "visited"), ("采集中", "started"), ("已提交", "collected"),
        ("已审核", "approved"), ("已退回", "returned"),
        ("已录入国家系统", "entered_there"), ("未处理线索", "clues_open"), ("已处理线索", "clues_closed"), ("采集进度（%）", "share"),
    )  # fmt: skip
    columns = (Column("地区代码", width=15), Column("地区", width=18), *(Column(title, "number", 12) for title, _name in numbers))
    rows = [[row.code, row.name, *(getattr(row, name) for _title, name in numbers)] for row in found]
    return Table(columns, rows, len(rows), [_said_place(place, places)])


@export_list("review", "待审核农户", Verb.RECORD_REVIEW, parameters=("place",))
def review(reach: Reach, parameters: Mapping[str, str]) -> Table:
    campaign = clock.current()
    place = parameters.get("place", "")
    places = _Places()
    found = queries.due_records(reach, campaign.year, [Record.State.SUBMITTED]).select_related("entered_by").filter(village_code__startswith=place)
    columns = (*_HOUSEHOLD, Column("入户日期", width=12), Column("入户人", width=16), Column("录入人", width=12), Column("提交时间", "time", 17))
    rows = (
        [
            *_household_cells(record.household, places),
            record.visited_on.isoformat() if record.visited_on else "",
            "、".join(record.visitors),
            record.entered_by.name if record.entered_by else "",
            record.submitted_at,
        ]
        for record in found.order_by("submitted_at", "pk").iterator(chunk_size=CHUNK)
        if record.household is not None
    )
    return Table(columns, rows, found.count(), [_said_place(place, places)])


@export_list("conflicts", "两人填写不一致", Verb.RECORD_ENTER)
def conflicts(reach: Reach, parameters: Mapping[str, str]) -> Table:
    pack = pack_of(clock.current().pack)
    places = _Places()
    found = Conflict.objects.visible_to(reach).filter(state=Conflict.State.OPEN).select_related("household", "stored_by", "offered_by")
    columns = (
        *_HOUSEHOLD,
        Column("指标", width=26),
        Column("先保存的值", width=18),
        Column("先保存的人", width=12),
        Column("时间", "time", 17),
        Column("后保存的值", width=18),
        Column("后保存的人", width=12),
        Column("时间", "time", 17),
    )

    def row(conflict: Conflict) -> list[Any]:
        form = HOUSEHOLD_FORM if conflict.target == TARGET_HOUSEHOLD else PERSON_FORM
        indicator = pack.indicators.get(f"{form}.{conflict.name}")
        sensitive = _sees_sensitive(reach, conflict)
        return [
            *_household_cells(conflict.household, places),
            indicator.zh if indicator else conflict.name,
            _conflicting(pack, indicator, conflict.stored, sensitive),
            conflict.stored_by.name if conflict.stored_by else "",
            conflict.stored_at,
            _conflicting(pack, indicator, conflict.offered, sensitive),
            conflict.offered_by.name if conflict.offered_by else "",
            conflict.offered_at,
        ]

    return Table(columns, map(row, found.iterator(chunk_size=CHUNK)), found.count())


def _conflicting(pack: Pack, indicator: Indicator | None, value: Any, sensitive: bool) -> str:
    if indicator is None or indicator.privacy == "secret":
        return mask_text(str(value)) if value else ""
    return reading.shown(pack, indicator, value, sensitive=sensitive)


@export_list("sheets", "对照表打印记录", Verb.SHEET_PRINT)
def sheets(reach: Reach, parameters: Mapping[str, str]) -> Table:
    places = _Places()
    found = SheetBatch.objects.visible_to(reach).filter(year=clock.current().year).select_related("printed_by").order_by("village_code", "printed_at")
    columns = (
        Column("乡镇", width=14), Column("村", width=16), Column("打印范围", width=10), Column("版次", "number", 7), Column("户数", "number", 7),
        Column("页数", "number", 7), Column("打印人", width=12), Column("打印时间", "time", 17),
    )  # fmt: skip
    rows = (
        [
            places.name(batch.village_code[:9]),
            places.name(batch.village_code),
            _("单户") if batch.household_id else _("全村"),
            batch.version,
            batch.households,
            batch.pages,
            batch.printed_by.name if batch.printed_by else "",
            batch.printed_at,
        ]
        for batch in found.iterator(chunk_size=CHUNK)
    )
    return Table(columns, rows, found.count())


@export_list("imports", "花名册导入记录", Verb.IMPORT_ROSTER)
def imports(reach: Reach, parameters: Mapping[str, str]) -> Table:
    found = ImportBatch.objects.select_related("file", "uploaded_by")
    columns = (
        Column("文件", width=30), Column("年度", "number", 8), Column("情况", width=10), Column("上传人", width=12), Column("上传时间", "time", 17),
        Column("导入时间", "time", 17), Column("撤回时间", "time", 17),
    )  # fmt: skip
    rows = (
        [
            batch.file.name,
            batch.year,
            str(batch.get_state_display()),
            batch.uploaded_by.name if batch.uploaded_by else "",
            batch.uploaded_at,
            batch.applied_at,
            batch.taken_back_at,
        ]
        for batch in found.iterator(chunk_size=CHUNK)
    )
    return Table(columns, rows, found.count())


@export_list("accounts", "账号名单", Verb.ACCOUNT_MANAGE)
def accounts(reach: Reach, parameters: Mapping[str, str]) -> Table:
    """Never a password: those exist on slips only."""
    if not reach.scopes:
        raise JobRefused(_("账号名单请登录后导出。"))
    users = management.visible_users(reach)
    columns = (
        Column("姓名", width=12), Column("账号", width=18), Column("联系电话", width=14), Column("单位", width=24), Column("岗位", width=40),
        Column("情况", width=12),
    )  # fmt: skip
    rows = (
        [
            user.name,
            user.username,
            mask_phone(user.phone),
            user.unit,
            "；".join(f"{a.place} {a.role.title}" for a in user.assignments.all() if a.valid_to is None),
            _("已停用") if not user.is_active else _("还没登录过") if user.must_change_password else _("在用"),
        ]
        for user in users
    )
    return Table(columns, rows, len(users))
