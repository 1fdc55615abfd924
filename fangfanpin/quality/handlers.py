"""Background work on clues: the county's sweep, the list as Excel, the printed list of a village."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.models import Campaign
from fangfanpin.campaigns.services import covers_county
from fangfanpin.files.models import StoredFile
from fangfanpin.files.services import store
from fangfanpin.jobs.exports import Column, Table, export_list
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import JobRefused, Outcome, Progress, handles
from fangfanpin.pack import Pack
from fangfanpin.papers.clues import ListedClue, ListedHousehold, ListedTable, VillageClues, render_clues
from fangfanpin.policy.services import pack_of
from fangfanpin.quality import queries, standing
from fangfanpin.quality.leads import leads as found_leads
from fangfanpin.quality.leads import sentences
from fangfanpin.quality.models import Clue, Lead
from fangfanpin.quality.sweep import SweepRunning, run_sweep
from fangfanpin.regions.models import Region
from fangfanpin.regions.names import name_of


@handles("quality.sweep")
def sweep(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: perhaps `rule`, whose clues its page then shows. Only for those who reach the whole county: clues beyond one's reach could not
    be brought in step."""
    campaign = clock.current()
    if not covers_county(reach, campaign):
        raise JobRefused(_("全县排查只能由县里发起。"))
    try:
        done = run_sweep(campaign=campaign, by=job.owner, progress=progress)
    except SweepRunning:
        raise JobRefused(_("已有一次排查正在进行，请等它做完。")) from None
    message = _("%(households)d 户、%(persons)d 人，%(rules)d 条规则：新增 %(opened)d 条疑问，消除 %(closed)d 条。") % {
        "households": done.households,
        "persons": done.persons,
        "rules": done.rules,
        "opened": done.opened,
        "closed": done.closed,
    }
    page = reverse("quality:clues")
    if rule := str(job.parameters.get("rule", "")):
        page += "?" + urlencode({"rule": rule})
    return Outcome(message, {"hits": done.hits, "opened": done.opened, "closed": done.closed, "seconds": done.timings, "page": page})


_COLUMNS = (
    Column("村", width=16),
    Column("户编号", width=24),
    Column("户主", width=10),
    Column("成员", width=10),
    Column("登记", width=16),
    Column("村或自然村代码", width=18),
    Column("规则", width=8),
    Column("级别", width=10),
    Column("问题", width=60),
    Column("到哪里看", width=30),
    Column("状态", width=14),
    Column("由谁核实", width=12),
    Column("办理期限", width=12),
    Column("发现时间", kind="time", width=16),
    Column("答复人", width=12),
    Column("答复时间", kind="time", width=16),
    Column("审核人", width=12),
)


def _rules() -> dict[str, str]:
    return {rule.id: rule.title for rule in pack_of(clock.current().pack).rules}


@export_list(
    "clues",
    "疑似问题",
    Verb.HOUSEHOLD_VIEW,
    parameters=("place", "state", "severity", "rule", "assigned", "q"),
    choices={"state": lambda: queries.STATES, "assigned": lambda: queries.ASSIGNED, "severity": lambda: dict(Clue.Severity.choices), "rule": _rules},
)
def clues_as_table(reach: Reach, parameters: Mapping[str, str]) -> Table:
    """The list page's rows by its own filters."""
    campaign = clock.current()
    chosen = queries.ClueFilter.of(parameters)
    rows = queries.clues(reach, campaign.year, chosen).select_related("household", "person", "answered_by", "reviewed_by")
    filters = [(_("状态"), _(queries.STATES.get(chosen.state or "due", chosen.state)))]
    narrowed = ((_("地区"), chosen.place), (_("规则"), chosen.rule), (_("级别"), chosen.severity), (_("查找"), chosen.q))
    if chosen.assigned in queries.ASSIGNED:
        filters.append((_("由谁核实"), _(queries.ASSIGNED[chosen.assigned])))
    filters += [(title, value) for title, value in narrowed if value]
    return Table(_COLUMNS, _excel_rows(rows.iterator(chunk_size=1000), reach, campaign), rows.count(), filters)


def _excel_rows(rows: Iterator[Clue], reach: Reach, campaign: Campaign) -> Iterator[tuple[Any, ...]]:
    pack = pack_of(campaign.pack)
    rules = {rule.id: rule for rule in pack.rules}
    villages = dict(Region.objects.filter(code__in=reach.villages).values_list("code", "name"))
    for clue in rows:
        yield (
            villages.get(clue.village_code, clue.village_code),
            clue.household.code if clue.household else "",
            clue.household.head_name if clue.household else "",
            clue.person.member_name if clue.person else "",
            clue.subject_label,
            clue.subject_code,
            clue.rule_id,
            clue.get_severity_display(),
            queries.sentence(clue, rules, pack, sensitive=can(reach, Verb.SENSITIVE_VIEW, clue)),
            clue.where_to_look,
            clue.get_state_display(),
            clue.assigned_name or _("村里"),
            clue.due_on.isoformat() if clue.due_on else "",
            clue.opened_at,
            clue.answered_by.name if clue.answered_by else "",
            clue.answered_at,
            clue.reviewed_by.name if clue.reviewed_by else "",
        )


@handles("quality.clue_list")
def clue_list(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: village (code). What is still due in it, household by household, with room to write the answer."""
    village = Region.objects.villages().filter(pk=job.parameters["village"]).first()
    if village is None or not reach.allows(Verb.SHEET_PRINT, village_code=village.code):
        raise JobRefused(_("这个村不在您的管辖范围内。"))
    campaign = clock.current()
    data = village_clues(village, campaign, pack_of(campaign.pack), reach)
    listed: list[ListedHousehold | ListedTable] = [*data.households, *data.tables]
    if not listed:
        raise JobRefused(_("%(village)s没有待核实的疑问，不用打印。") % {"village": village.name})
    progress.report(0, 1)
    set_act("clues.print")
    file = store(
        content=render_clues(data),
        name=f"疑似问题清单-{village.name}-{timezone.localdate():%Y%m%d}.pdf",
        content_type="application/pdf",
        purpose=StoredFile.Purpose.CLUE_LIST,
        owner=job.owner,
        village_code=village.code,
    )
    progress.report(1, 1)
    count = sum(len(one.clues) for one in listed)
    message = _("%(households)d 户、%(count)d 条。") % {"households": len(data.households), "count": count}
    return Outcome(message, {"households": len(data.households), "clues": count}, file)


def village_clues(village: Region, campaign: Campaign, pack: Pack, reach: Reach) -> VillageClues:
    """Plain data for the paper: due clues of a village in walking order."""
    rules = {rule.id: rule for rule in pack.rules}
    rows = queries.clues(reach, campaign.year, queries.ClueFilter(place=village.code)).order_by(
        "household__natural_village_code", "household__walking_order", "household__code", "severity", "rule_id"
    )
    households: dict[Any, ListedHousehold] = {}
    tables: dict[str, ListedTable] = {}
    natural = dict(Region.objects.under(village.code).filter(level="natural_village").values_list("code", "name"))
    for clue in rows:
        home = clue.household
        sensitive = can(reach, Verb.SENSITIVE_VIEW, clue)
        said = ListedClue(
            rule=clue.rule_id,
            severity=clue.get_severity_display(),
            sentence=queries.sentence(clue, rules, pack, sensitive=sensitive),
            where=clue.where_to_look,
            verifier=clue.assigned_name,
        )
        if home is None:
            if clue.is_about_a_place:  # a project is no matter of a visit
                tables.setdefault(clue.subject_code, ListedTable(clue.subject_code, clue.subject_label, [])).clues.append(said)
            continue
        if home.pk not in households:
            households[home.pk] = ListedHousehold(
                code=home.code,
                head=home.head_name,
                natural_village=natural.get(home.natural_village_code, ""),
                address=home.address,
                qr=f"FFP1|{home.pk.hex[:12]}|{campaign.year}|clues",
                clues=[],
            )
        households[home.pk].clues.append(said)
    names = dict(Region.objects.filter(code__in=(village.code[:6], village.code[:9])).values_list("code", "name"))
    due = next((stage.due_words for stage in clock.stages(campaign) if stage.metric == "clues_closed"), "")
    return VillageClues(
        county=names.get(village.code[:6], ""),
        township=names.get(village.code[:9], ""),
        village=village.name,
        year=campaign.year,
        due=due,
        printed_on=timezone.localdate().isoformat(),
        pack=f"{pack.id} {pack.hash[:8]}",
        households=list(households.values()),
        tables=[tables[code] for code in sorted(tables)],
    )


@export_list("quality", "数据质量", Verb.HOUSEHOLD_VIEW, parameters=("place",))
def quality_as_table(reach: Reach, parameters: Mapping[str, str]) -> Table:
    """Villages at the last sweep. The file may leave the county: small counts are not said, nor what they could be reckoned from."""
    campaign = clock.current()
    pack, place = pack_of(campaign.pack), parameters.get("place", "")
    sweep = standing.last_sweep(campaign.year)
    rows = standing.by_division(reach, sweep, pack, place=place, length=12) if sweep else []
    titles = ("乡镇", "村", "户数", "人数", "得分", "完整率（%）", "每千人错误", "错误", "待核实", "改好", "属实", "办结率（%）", "属实占比（%）")

    def lines() -> Iterator[list[str]]:
        for row in rows:
            sizes, counts = (row.households, row.persons), (row.errors, row.suspected, row.closed, row.confirmed)
            is_small = any(map(standing.is_few, (*sizes, *counts)))
            of_few = standing.is_few(row.households) or standing.is_few(row.complete) or standing.is_few(row.households - row.complete)
            shares = [None if is_small or of_few else row.score, None if of_few else row.complete_share, None if is_small else row.errors_per_1000]
            ends = [None if is_small else row.closed_share, None if is_small else row.confirmed_share]
            said = [*map(_number, shares), *map(standing.shown_outside, counts), *map(_number, ends)]
            yield [name_of(row.code[:9]), row.name, *map(standing.shown_outside, sizes), *said]

    filters = [(_("地区"), name_of(place) or _("管辖范围内全部"))]
    return Table([Column(title, width=14) for title in titles], lines(), len(rows), filters)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


@export_list("leads", "漏评错评筛查", Verb.HOUSEHOLD_VIEW, parameters=("place", "kind", "result"))
def leads_as_table(reach: Reach, parameters: Mapping[str, str]) -> Table:
    """Leads as the page shows them."""
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    result = parameters.get("result", Lead.Result.WAITING)
    rows = found_leads(reach, campaign.year, kind=parameters.get("kind", ""), result=result, place=parameters.get("place", ""))

    def lines() -> Iterator[list[Any]]:
        for lead in rows.iterator(chunk_size=500):
            said = sentences(lead, pack, sensitive=can(reach, Verb.SENSITIVE_VIEW, lead))
            home, by = lead.household, lead.looked_by.name if lead.looked_by else ""
            words = [name_of(lead.village_code), home.code, home.head_name, str(lead.get_kind_display()), "\n".join(said)]
            yield [*words, lead.weight, str(lead.get_result_display()), lead.note, by]

    columns = [Column("村"), Column("户编号", width=20), Column("户主"), Column("哪一类"), Column("理由", width=60), Column("分量", "number")]
    return Table([*columns, Column("结果"), Column("了解到的情况", width=40), Column("了解人")], lines(), rows.count())
