"""What a change of divisions was asked for, as plain data, and the plan made of it: looked at on a page, kept for a day to come, done by the worker.

The data are the form's own fields, so that a form is filled from them again.
"""

import datetime
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.acts.deeds import divisions
from fangfanpin.acts.models import Act
from fangfanpin.acts.plans import ActRefused, Plan
from fangfanpin.records.current_year import NoYear, current_year

Order = Mapping[str, Any]
"""`level`; `source`: codes; `target`, `name`, `code`: texts; `part`: codes, `home`: ids of households."""

_FORMS: Mapping[str, str] = {
    Act.Kind.MOVE_NATURAL: "acts:move_natural",
    Act.Kind.DIVISION_MERGE: "acts:merge_divisions",
    Act.Kind.DIVISION_SPLIT: "acts:split_division",
    Act.Kind.DIVISION_RENAME: "acts:rename_division",
}


def plan_of(kind: str, order: Order, on: datetime.date, *, by: User, reach: Reach) -> Plan:
    """The plan as things stand now. Raises ActRefused."""
    try:
        pack = current_year().pack
    except NoYear:
        raise ActRefused(_("还没有打开的年度，请先由县里开始采集工作。")) from None
    prefixes = reach.prefixes(Verb.ACT_DIVISION)

    def own(code: str, field: str) -> str:
        if not code or not code.startswith(prefixes or ("-",)):
            raise ActRefused(_("请从提示里选区划。"), field)
        return code

    sources = [own(code, "source") for code in order["source"]] or [own("", "source")]
    match kind:
        case Act.Kind.MOVE_NATURAL:
            plan = divisions.plan_move_natural(sources[0], own(order["target"], "target"), on, pack=pack, by=by)
        case Act.Kind.DIVISION_MERGE:
            plan = divisions.plan_merge(sources, own(order["target"], "target"), on, new_name=order["name"], pack=pack, by=by)
        case Act.Kind.DIVISION_SPLIT:
            homes = [UUID(key) for key in order["home"]]
            plan = divisions.plan_split(
                sources[0], order["part"], order["name"], on, code=order["code"], households=homes, pack=pack, by=by
            )  # fmt: skip
        case Act.Kind.DIVISION_RENAME:
            plan = divisions.plan_rename(sources[0], order["name"], on)
        case _:
            raise KeyError(kind)
    return replace(plan, order=order)


def form_of(kind: str, order: Order) -> str:
    """Address of the form, filled as it was."""
    return f"{reverse(_FORMS[kind])}?{urlencode([(name, value) for name, value in order.items() if value], doseq=True)}"
