"""What is due from me, by when: the start page is a short list that can be finished today."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.acts.planning import refused
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.models import Campaign
from fangfanpin.dashboards.queries import Progress, unreported
from fangfanpin.households.models import Household
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.quality.models import Clue
from fangfanpin.quality.queries import DUE
from fangfanpin.questions.models import Question
from fangfanpin.records.models import Conflict, ImportBatch
from fangfanpin.registers.services import returned_to


@dataclass(frozen=True, slots=True)
class Duty:
    """One line of the work list: how many, of what, by when, and where it begins. `kind`: ok, warn, bad, idle."""

    title: str
    count: int
    unit: str
    hint: str
    url: str
    kind: str


# The last: what the start page has counted within the person's reach.
Source = Callable[[User, Reach, Campaign, Progress], Sequence[Duty]]
_sources: list[Source] = []


def duties_from(source: Source) -> Source:
    _sources.append(source)
    return source


def duties(user: User, reach: Reach, campaign: Campaign, total: Progress) -> list[Duty]:
    """Everything due from this person, most pressing first; what is done is left out."""
    found = [duty for source in _sources for duty in source(user, reach, campaign, total) if duty.count]
    order = {"bad": 0, "warn": 1, "idle": 2, "ok": 3}
    return sorted(found, key=lambda duty: order[duty.kind])


def _due(campaign: Campaign, metric: str) -> tuple[str, str]:
    """Words for a stage's deadline and how pressing it is."""
    stage = next((found for found in clock.stages(campaign) if found.metric == metric), None)
    return _due_of(stage) if stage else ("", "idle")


def _due_of(stage: clock.Stage) -> tuple[str, str]:
    if stage.is_past:
        return _("“%(title)s”已过截止时间") % {"title": stage.title}, "bad"
    days = stage.left.days
    shown = (stage.due_at - datetime.timedelta(minutes=1)).strftime("%m-%d")
    return _("“%(title)s”%(day)s 截止，还有 %(days)d 天") % {"title": stage.title, "day": shown, "days": days}, (
        "bad" if days < 1 else "warn" if days < 3 else "idle"
    )


@duties_from
def beginning(user: User, reach: Reach, campaign: Campaign, total: Progress) -> Sequence[Duty]:
    """The first steps of a county that `fangfanpin init` has just made."""
    found = []
    if reach.has(Verb.IMPORT_ROSTER) and not Household.objects.visible_to(reach).exists():
        found.append(Duty(_("导入花名册"), 1, _("步"), _("从全国系统导出的表格，列名照旧；导入后就有户可采集"), "/imports/", "warn"))
    if reach.has(Verb.ACCOUNT_MANAGE) and not User.objects.exclude(pk=user.pk).exists():
        found.append(Duty(_("给乡镇和村建账号"), 1, _("步"), _("可用 Excel 成批建，第一次密码打印成条发到人"), "/accounts/bulk", "warn"))
    return found


@duties_from
def collecting(user: User, reach: Reach, campaign: Campaign, total: Progress) -> Sequence[Duty]:
    if not reach.has(Verb.RECORD_ENTER):
        return []
    hint, kind = _due(campaign, "entered")
    return [
        Duty(
            _("退回重填"),
            total.returned,
            _("户"),
            _("乡镇退回并写了原因"),
            "/households/?state=returned",
            "bad",
        ),
        Duty(
            _("还没有采集"),
            total.empty,
            _("户"),
            hint,
            "/households/?state=empty",
            kind,
        ),
        Duty(
            _("采集了一半"),
            total.draft,
            _("户"),
            hint,
            "/households/?state=draft",
            kind,
        ),
        Duty(
            _("两人填的不一样，要定一个"),
            Conflict.objects.visible_to(reach).filter(state=Conflict.State.OPEN).values("household").distinct().count(),
            _("户"),
            _("打开农户录入页，两个值都留着，选一个"),
            "/households/conflicts",
            "bad",
        ),
    ]


@duties_from
def mending_registers(user: User, reach: Reach, campaign: Campaign, total: Progress) -> Sequence[Duty]:
    """Rows of registers that were sent back with a reason go to whoever entered them."""
    if not reach.has(Verb.RECORD_ENTER):
        return []
    return [
        Duty(
            _("%(register)s退回给我的") % {"register": register.title},
            count,
            _("条"),
            _("审核人退回并写了原因，改好就再交上去"),
            f"/registers/{register.key}/?state=returned&mine=1",
            "bad",
        )
        for register, count in returned_to(user, spoken(pack_of(campaign.pack)), reach)
    ]


@duties_from
def answering(user: User, reach: Reach, campaign: Campaign, total: Progress) -> Sequence[Duty]:
    if not reach.has(Verb.CLUE_ANSWER):
        return []
    hint, kind = _due(campaign, "clues_closed")
    mine = Clue.objects.visible_to(reach).filter(DUE, year=campaign.year, assigned_to=user).count()
    return [
        Duty(_("交给您核实的疑似问题"), mine, _("条"), hint, "/clues/?assigned=me", "warn" if kind == "idle" else kind),
        Duty(
            _("疑似问题要核实"),
            total.clues_open,
            _("条"),
            hint,
            "/clues/",
            kind,
        ),
    ]


@duties_from
def questioning(user: User, reach: Reach, campaign: Campaign, total: Progress) -> Sequence[Duty]:
    """Questions from work: for the county those that wait, for who asked the answers not read yet."""
    rows = Question.objects.visible_to(reach)
    found = []
    if reach.has(Verb.QUESTION_ANSWER):
        waiting = rows.filter(state=Question.State.ASKED).count()
        found.append(Duty(_("基层提问要答复"), waiting, _("条"), _("答复后提问的人会在首页看到"), "/questions/?state=asked", "warn"))
    if reach.has(Verb.RECORD_ENTER):
        unread = rows.filter(asked_by=user, is_answer_seen=False).count()
        found.append(Duty(_("您的提问有答复了"), unread, _("条"), _("打开看县里怎么说"), "/questions/?state=mine", "warn"))
    return found


@duties_from
def reviewing(user: User, reach: Reach, campaign: Campaign, total: Progress) -> Sequence[Duty]:
    found = []
    if reach.has(Verb.RECORD_REVIEW):
        hint, kind = _due(campaign, "entered")
        found.append(Duty(_("等待审核"), total.submitted, _("户"), hint, "/households/review", kind))
    if reach.has(Verb.CLUE_REVIEW):
        found.append(Duty(_("核实无误的线索要复核"), total.clues_to_review, _("条"), _("看佐证，同意或退回"), "/clues/?state=confirmed", "warn"))
    if reach.has(Verb.TRANSFER_TICK):
        hint, kind = _due(campaign, "entered")
        found.append(Duty(_("还没录入国家系统"), total.to_transfer, _("户"), hint, "/transfer/", kind))
    return found


@duties_from
def reporting(user: User, reach: Reach, campaign: Campaign, total: Progress) -> Sequence[Duty]:
    """Stages nothing counts (mobilised, trained, summary) are reported by the units whose task they are."""
    prefixes = [prefix for prefix in reach.prefixes(Verb.RECORD_REVIEW) if len(prefix) == 9]
    roles = {scope.role for scope in reach.scopes}
    found = []
    for stage in clock.stages(campaign) if prefixes else ():
        if stage.metric == "reported" and roles & set(stage.roles) and (waiting := unreported(campaign, stage.key, prefixes)):
            hint, kind = _due_of(stage)
            title = _("报告“%(title)s”完成") % {"title": stage.title}
            found.append(Duty(title, len(waiting), _("项"), hint, f"/progress/#stage-{stage.key}", kind))
    return found


@duties_from
def planned_in_vain(user: User, reach: Reach, campaign: Campaign, total: Progress) -> Sequence[Duty]:
    """Changes of divisions that this person planned and that could not be done on their day."""
    rows = refused(user, reach)
    hint = rows[0].job.spoken_message if rows and rows[0].job else ""
    return [Duty(_("区划变动没有办成"), len(rows), _("项"), hint, f"/acts/planned/{rows[0].pk}/" if len(rows) == 1 else "/acts/", "bad")]


@duties_from
def keeping_accounts(user: User, reach: Reach, campaign: Campaign, total: Progress) -> Sequence[Duty]:
    prefixes = reach.prefixes(Verb.ACCOUNT_MANAGE)
    if not prefixes:
        return []
    inside = Q()
    for prefix in prefixes:
        inside |= Q(assignments__region__code__startswith=prefix)
    waiting = User.objects.filter(inside, is_active=True, must_change_password=True).distinct().count()
    return [Duty(_("还没登录过的账号"), waiting, _("个"), _("把密码条交给本人，提醒登录改密码"), "/accounts/", "idle")]


@duties_from
def importing(user: User, reach: Reach, campaign: Campaign, total: Progress) -> Sequence[Duty]:
    if not reach.has(Verb.IMPORT_ROSTER):
        return []
    faulty = ImportBatch.objects.filter(state=ImportBatch.State.FAULTY, uploaded_by=user).count()
    return [Duty(_("花名册导入有错误"), faulty, _("份"), _("下载标红的表，改好再传"), "/imports/", "warn")]
