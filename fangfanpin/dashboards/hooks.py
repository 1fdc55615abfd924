"""The work menu: named by work, with what is due beside each."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from fangfanpin.accounts.verbs import Verb
from fangfanpin.web.context import register_frame_part

# verb needed, title, url, prefixes of paths under which the entry is "here"
_ENTRIES = (
    (None, "首页", "/", ()),
    (Verb.HOUSEHOLD_VIEW, "采集：农户", "/households/", ("/households/", "/entry/")),
    (Verb.RECORD_REVIEW, "采集：审核", "/households/review", ()),
    (Verb.SHEET_PRINT, "采集：打印对照表", "/sheets/", ("/sheets/",)),
    (Verb.HOUSEHOLD_VIEW, "核查：疑似问题", "/clues/", ("/clues/",)),
    (Verb.TRANSFER_TICK, "采集：录入国家系统", "/transfer/", ("/transfer/",)),
    (Verb.CAMPAIGN_VIEW, "督导：进度", "/progress/", ("/progress/",)),
    (Verb.IMPORT_ROSTER, "设置：导入花名册", "/imports/", ("/imports/",)),
    (Verb.ACCOUNT_MANAGE, "设置：账号", "/accounts/", ("/accounts/",)),
    (None, "我的任务", "/jobs/", ("/jobs/",)),
)


@register_frame_part
def work_menu(request: HttpRequest) -> dict[str, Any]:
    reach = getattr(request, "reach", None)
    if reach is None:
        return {}
    entries = []
    for verb, title, url, under in _ENTRIES:
        if verb is not None and not reach.has(verb):
            continue
        here = request.path == url or (url != "/" and request.path != "/households/review" and request.path.startswith(under or ("\0",)))
        entries.append({"title": _(title), "url": url, "is_here": here, "count": None})
    return {"work_menu": entries}
