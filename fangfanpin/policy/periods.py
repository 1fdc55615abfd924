"""Which time an item asks, in words: the one place that says it, for screens, papers and files.

Statistics are counted over the pack's window, states are those of its state date; both follow the year's plan, not the calendar.
"""

from django.utils.translation import gettext as _

from fangfanpin.pack import Pack


def window(pack: Pack, kind: str) -> str:
    """Of one item: 2020-10-01 至 2021-09-30, or 截至 2021-09-30."""
    if kind == "period":
        return _("%(start)s 至 %(end)s") % {"start": pack.period_start.isoformat(), "end": pack.period_end.isoformat()}
    return _("截至 %(day)s") % {"day": pack.state_date.isoformat()}


def sentence(pack: Pack) -> str:
    """Of a whole form."""
    return _("统计类指标按 %(start)s 至 %(end)s 统计，其他指标填 %(day)s 的情况。") % {
        "start": pack.period_start.isoformat(),
        "end": pack.period_end.isoformat(),
        "day": pack.state_date.isoformat(),
    }
