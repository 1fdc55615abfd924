"""Members come, go and change places. A person is never deleted: they leave with a reason and a date."""

import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from fangfanpin.households.models import Membership, Person
from fangfanpin.households.subjects import initials, name_key
from fangfanpin.pack import Pack
from fangfanpin.records.units import HEAD, LIVE, Unit

LEFT = "02"  # member_state 自然减少
INCREASE, DECREASE = "01", "02"  # change_kind


class MemberRefused(Exception):
    """The change cannot be made; the message says why."""


def _check_reason(pack: Pack, reason: str, kind: str) -> None:
    if reason not in pack.change_reasons(kind):
        raise MemberRefused(_("请从清单中选择自然增加的原因") if kind == "increase" else _("请从清单中选择自然减少的原因"))


def arrive(*, unit: Unit, person_id: UUID, reason: str, on: datetime.date, pack: Pack) -> Person | None:
    """A new member, with the client's own id so that a retry finds the same person; None where it is there already.

    The code is ours until the national system gives one: household code + running number.
    """
    if unit.person(str(person_id)) is not None:
        return None
    _check_reason(pack, reason, "increase")
    if on > datetime.date.today():
        raise MemberRefused(_("增加日期不能在今天之后"))
    if Person.objects.filter(pk=person_id).exists():
        raise MemberRefused(_("这个成员编号已在别处使用，请刷新页面后重新添加"))
    household = unit.household
    taken = {person.code for person in unit.persons}
    number = len(unit.persons) + 1
    while (code := f"{household.code}-{number:02d}") in taken:
        number += 1
    person = Person(
        id=person_id,
        code=code,
        household=household,
        village_code=household.village_code,
        member_state=LIVE,
        change_kind=INCREASE,
        change_reason=reason,
        change_date=on,
        position=len(unit.persons) + 1,
        version=0,
    )
    person.save(force_insert=True)
    Membership.objects.create(person=person, household=household, village_code=household.village_code, valid_from=on, arrive_reason=reason)
    unit.persons.append(person)
    return person


def leave(*, unit: Unit, person: Person, reason: str, on: datetime.date, pack: Pack) -> set[str]:
    """自然减少: the row stays, the membership ends. Returns the targets touched."""
    _check_reason(pack, reason, "decrease")
    if on > datetime.date.today():
        raise MemberRefused(_("减少日期不能在今天之后"))
    if person.member_state == LEFT:
        return set()
    person.member_state = LEFT
    person.change_kind = DECREASE
    person.change_reason = reason
    person.change_date = on
    for membership in person.memberships.filter(household=unit.household, valid_to__isnull=True):
        membership.valid_to = on
        membership.leave_reason = reason
        membership.save()
    return {str(person.id)}


def stay(*, unit: Unit, person: Person) -> set[str]:
    """Take back a leaving that was typed by mistake."""
    if person.member_state == LIVE:
        return set()
    membership = person.memberships.filter(household=unit.household).order_by("-valid_from").first()
    if membership is not None:
        membership.valid_to = None
        membership.leave_reason = ""
        membership.save()
    person.member_state = LIVE
    person.change_kind = INCREASE if membership and membership.arrive_reason else ""
    person.change_reason = membership.arrive_reason if membership else ""
    person.change_date = membership.valid_from if membership and membership.arrive_reason else None
    return {str(person.id)}


def make_head(*, unit: Unit, person: Person) -> set[str]:
    """Change of head: the former head's relation is left empty, to be typed, for only a person knows it now."""
    if person.member_state != LIVE:
        raise MemberRefused(_("户主必须是在户成员"))
    touched = {str(person.id)}
    for other in unit.persons:
        if other.relation_to_head == HEAD and other.id != person.id:
            other.relation_to_head = ""
            touched.add(str(other.id))
    person.relation_to_head = HEAD
    return touched


def refresh_household(unit: Unit) -> None:
    """Keep what lists show of a household in step with its members: head's name, keys, live count."""
    household = unit.household
    live = unit.live()
    head = next((person for person in live if person.relation_to_head == HEAD), None)
    household.member_count = len(live)
    if head is not None:
        household.head_name = head.member_name
        household.head_name_key = name_key(head.member_name)
        household.head_initials = initials(head.member_name)
