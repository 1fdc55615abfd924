"""Words, not codes: how templates say a code, an amount, a date."""

from typing import Any

from django import template
from django.utils.translation import gettext as _

from fangfanpin.audit.models import RECOMPUTE, ROLL_UP
from fangfanpin.campaigns import clock
from fangfanpin.pack.sentences import say
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.regions.names import name_of

register = template.Library()


@register.filter
def word(code: Any, list_name: str) -> str:
    """`{{ household.household_type|word:"household_type" }}` → 脱贫户; the code itself where the list does not know it."""
    if code in (None, ""):
        return ""
    try:
        pack = spoken(pack_of(clock.current().pack))
    except clock.NoCampaign:
        return str(code)
    codes = code if isinstance(code, (list, tuple)) else [code]
    return say(pack.language, "comma").join(pack.word(list_name, str(one)) for one in codes)


@register.filter
def place(code: str) -> str:
    """Name of a division by code."""
    return name_of(code)


@register.filter
def percent(part: int, whole: int) -> str:
    return f"{part * 100 // whole}%" if whole else "—"


@register.filter
def source_word(source: str) -> str:
    """Where a change came from, or the act in which the system found values again, in words."""
    return {
        "web": _("电脑录入"),
        "phone": _("手机"),
        "import": _("导入"),
        "job": _("后台任务"),
        "cli": _("命令行"),
        "demo": _("演示数据"),
        ROLL_UP: _("汇总"),
        RECOMPUTE: _("重新计算"),
    }.get(source, source)
