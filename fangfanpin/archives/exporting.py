"""The history of one item of a household as Excel, as on its page."""

from collections.abc import Mapping
from uuid import UUID

from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.archives import reading
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.templatetags.words import source_word
from fangfanpin.households.models import Household
from fangfanpin.jobs.exports import Column, Table, export_list
from fangfanpin.jobs.services import JobRefused
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.records.units import load_unit


@export_list("item_history", "修改记录", Verb.HOUSEHOLD_VIEW, parameters=("household", "target", "item"))
def item_history(reach: Reach, parameters: Mapping[str, str]) -> Table:
    try:
        wanted = UUID(parameters.get("household", ""))
    except ValueError:
        raise JobRefused(_("请写明是哪一户（农户页地址里的编号）。")) from None
    household = Household.objects.visible_to(reach).filter(pk=wanted).first()
    if household is None:
        raise JobRefused(_("这户不在您的管辖范围内。"))
    campaign = clock.current()
    unit, target = load_unit(household, campaign.year), parameters.get("target", "") or "household"
    sensitive = not reach.scopes or can(reach, Verb.SENSITIVE_VIEW, household)
    found = reading.item_steps(unit, target, parameters.get("item", ""), spoken(pack_of(campaign.pack)), sensitive=sensitive)
    if found is None:
        raise JobRefused(_("没有这个指标，或您不能看它的内容。"))
    indicator, steps = found
    person = unit.person(target)
    columns = (
        Column(_("时间"), "time", 17), Column(_("谁"), width=12), Column(_("从哪里"), width=10), Column(_("原来"), width=30),
        Column(_("改为"), width=30),
    )  # fmt: skip
    rows = [[step.at, step.by, source_word(step.source), step.before or _("（空）"), step.after or _("（空）")] for step in steps]
    said = [
        (_("农户"), f"{household.head_name} {household.code}"),
        *([(_("成员"), person.member_name)] if person else []),
        (_("指标"), indicator.label),
    ]
    return Table(columns, rows, len(rows), said)
