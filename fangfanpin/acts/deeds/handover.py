"""A helper leaves: the households go to one or several others from a day on."""

import datetime
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.acts.deeds.members import called
from fangfanpin.acts.models import Act
from fangfanpin.acts.plans import ActRefused, Line, Plan, Trace
from fangfanpin.households.models import Pairing
from fangfanpin.pairings.services import Helper, judge_again, overlapping_main, succeed


def open_pairings(*, user: User | None, name: str, reach: Reach) -> list[Pairing]:
    """Of a helper with an account, or of a name without one: households they help now or will, where the act may be done."""
    rows = Pairing.objects.visible_to(reach).filter(end_on__isnull=True).select_related("household", "user")
    rows = rows.filter(user=user) if user is not None else rows.filter(user__isnull=True, helper_name=name)
    found = rows.order_by("village_code", "household__natural_village_code", "household__walking_order", "id")
    return [row for row in found if reach.allows(Verb.ACT_HOUSEHOLD, village_code=row.village_code)]


def plan(pairings: Sequence[Pairing], to: Mapping[UUID, Helper], on: datetime.date, *, by: User | None = None) -> Plan:
    """`to`: who takes over, by pairing; `by`: whom clues name that open or close by it. Raises ActRefused."""
    chosen = [pairing for pairing in pairings if pairing.pk in to]
    if not chosen:
        raise ActRefused(_("请至少选一户，并选好由谁接手。"))
    lines: list[Line] = []
    for pairing in chosen:
        helper = to[pairing.pk]
        head = pairing.household.head_name or pairing.household.code
        if on <= pairing.start_on:
            raise ActRefused(
                _("%(head)s户的结对从 %(start)s 开始，移交日期要在这之后。") % {"head": head, "start": pairing.start_on.isoformat()}, "on"
            )
        if (helper.user is not None and helper.user.pk == pairing.user_id) or (
            helper.user is None and pairing.user is None and helper.name == pairing.helper_name
        ):
            raise ActRefused(_("接手的人不能就是移交的人。"))
        if pairing.is_main and (other := overlapping_main(pairing.household_id, on, None, but=pairing.pk)) is not None:
            raise ActRefused(_("%(head)s户另有主要帮扶责任人“%(name)s”，请先处理。") % {"head": head, "name": other.helper_name})
        lines.append((called(pairing.household), pairing.helper_name, helper.name))
    names = list(dict.fromkeys(helper.name for helper in (to[pairing.pk] for pairing in chosen)))

    def work(trace: Trace) -> None:
        for pairing in Pairing.objects.select_for_update().filter(pk__in=[row.pk for row in chosen]).order_by("id"):
            if pairing.end_on is not None:
                raise ActRefused(_("有的结对刚刚被别人结束了，请重新打开这一页。"))
            succeed(pairing, to[pairing.pk], on, by=by)
        judge_again({pairing.household_id for pairing in chosen}, by)

    return Plan(
        kind=Act.Kind.HAND_OVER,
        title=_("%(helper)s 的 %(count)d 户自 %(on)s 起移交给%(names)s")
        % {"helper": chosen[0].helper_name, "count": len(chosen), "on": on.isoformat(), "names": "、".join(names)},
        villages=tuple(dict.fromkeys(pairing.village_code for pairing in chosen)),
        household_id=chosen[0].household_id if len(chosen) == 1 else None,
        lines=lines,
        work=work,
    )
