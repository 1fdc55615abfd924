"""What campaigns tell the apps below: when entry is closed, what a page's frame shows of the year."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from fangfanpin.campaigns import clock
from fangfanpin.campaigns.models import Campaign
from fangfanpin.campaigns.services import entry_gate, is_unlocked, said_unlocked
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.records.current_year import CurrentYear, register_current_year
from fangfanpin.records.gates import register_gate, register_opener, register_unlocked
from fangfanpin.web.context import register_frame_part, register_open_part

register_gate(entry_gate)
register_opener(is_unlocked)
register_unlocked(said_unlocked)


def _year_in_force() -> CurrentYear | None:
    try:
        campaign = clock.current()
    except clock.NoCampaign:
        return None
    return CurrentYear(campaign.year, campaign.title, pack_of(campaign.pack), clock.now(campaign).date())


register_current_year(_year_in_force)


@register_open_part
def demo_mark(request: HttpRequest) -> dict[str, Any]:
    """Every page of a demo county says so, the sign-in page too."""
    return {"is_demo": Campaign.objects.filter(is_demo=True).exists()}


@register_frame_part
def campaign_frame(request: HttpRequest) -> dict[str, Any]:
    """Title and countdown to the next stage for the top bar."""
    try:
        campaign = clock.current()
    except clock.NoCampaign:
        return {"campaign_title": None}
    coming = next((stage for stage in clock.stages(campaign) if not stage.is_past), None)
    return {
        "campaign_title": spoken_title(campaign),
        "countdown": countdown(coming) if coming else _("各阶段均已到期"),
        "campaign_now": clock.now(campaign),
    }


def spoken_title(campaign: Campaign) -> str:
    """The year's title in the language of who reads, where it is the pack's own."""
    pack = pack_of(campaign.pack)
    return spoken(pack).title if campaign.title == pack.title else campaign.title


def countdown(stage: clock.Stage) -> str:
    """ "距“信息录入”截止还有 2 天 3 小时"."""
    hours = int(stage.left.total_seconds() // 3600)
    left = (
        _("%(days)d 天 %(hours)d 小时") % {"days": hours // 24, "hours": hours % 24}
        if hours >= 24
        else _("%(hours)d 小时 %(minutes)d 分") % {"hours": hours, "minutes": int(stage.left.total_seconds() // 60) % 60}
    )
    return _("距“%(title)s”截止还有 %(left)s") % {"title": stage.title, "left": left}
