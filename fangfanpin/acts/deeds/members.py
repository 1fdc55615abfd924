"""Split a household, merge two, move a member."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from fangfanpin.acts.models import Act
from fangfanpin.acts.moving import close_clue, lead_of, live_members, move_person, refresh
from fangfanpin.acts.plans import ActRefused, Line, Plan, Trace, must_have_come
from fangfanpin.households.models import Household, Pairing, Person
from fangfanpin.pack import Pack
from fangfanpin.policy.services import spoken
from fangfanpin.quality.models import OPEN_STATES, Clue
from fangfanpin.quality.queries import DUE
from fangfanpin.records.current_year import CurrentYear
from fangfanpin.records.households_by_hand import IN_REGISTER, next_code
from fangfanpin.records.models import Record
from fangfanpin.records.services import open_year
from fangfanpin.records.units import HEAD
from fangfanpin.regions.names import name_of
from fangfanpin.registers.models import Entry

SPLIT_OFF, OTHER_LEAVE, OTHER_ARRIVAL = "23", "08", "07"  # member_change 分户转出, 其他转出, 其他转入
MERGED_AWAY = "04"  # household_state 迁出（并户）
MONITORED = "01"  # monitoring_state 未消除风险


@dataclass(frozen=True, slots=True)
class Moving:
    """Who goes with which relation to the head there, by person."""

    relations: Mapping[UUID, str]
    on: datetime.date
    leave_reason: str = SPLIT_OFF
    arrive_reason: str = OTHER_ARRIVAL


def called(household: Household) -> str:
    return _("%(place)s %(head)s户") % {"place": name_of(household.village_code), "head": household.head_name or household.code}


def check_open(household: Household, year: int) -> None:
    """A household that is closed, or whose year is locked, is not changed."""
    if household.merged_into_id is not None:
        raise ActRefused(_("%(name)s已经并入别的户，不能再办。") % {"name": called(household)})
    lead = lead_of(household, year)
    if lead is not None and lead.state == Record.State.LOCKED:
        raise ActRefused(_("%(name)s今年的信息已锁定，请先由县里解锁。") % {"name": called(household)})


def _check(moving: Moving, pack: Pack) -> None:
    must_have_come(moving.on)
    if moving.leave_reason not in pack.change_reasons("decrease") or moving.arrive_reason not in pack.change_reasons("increase"):
        raise ActRefused(_("请从清单里选转出和转入的原因。"), "leave_reason")
    known = pack.words["relation_to_head"]
    if any(relation not in known for relation in moving.relations.values()):
        raise ActRefused(_("请给每位转过去的人选“与户主关系”。"), "relation")


def _members(household: Household) -> dict[UUID, Person]:
    return {person.pk: person for person in live_members(household)}


def _said(persons: Sequence[Person]) -> str:
    return "、".join(person.member_name or person.code for person in persons) or _("（没有成员）")


def _relations(moving: Moving, persons: Mapping[UUID, Person], pack: Pack) -> list[Line]:
    """Each who goes: relation to the former head, and to the new one."""
    words = spoken(pack).words["relation_to_head"]
    return [
        (_("%(who)s 与户主关系") % {"who": persons[key].member_name}, words.get(persons[key].relation_to_head, ""), words[relation])
        for key, relation in moving.relations.items()
    ]


def _new_head(staying: Sequence[Person], leaving: Sequence[Person], chosen: UUID | None) -> Person | None:
    """Who becomes head of those who stay, where the head goes; None where the head stays."""
    if not any(person.relation_to_head == HEAD for person in leaving):
        return None
    found = next((person for person in staying if person.pk == chosen), None)
    if found is None:
        raise ActRefused(_("户主要转走，请选留下的人里谁当户主。"), "stay_head")
    return found


def _make_head(household: Household, head: Person | None) -> None:
    """As records.members.make_head: only a person knows how the others are related to the new head."""
    if head is None:
        return
    for person in live_members(household):
        if person.relation_to_head != HEAD or person.pk == head.pk:
            person.relation_to_head = HEAD if person.pk == head.pk else ""
            person.version += 1
            person.save()


def _numbered(household: Household) -> None:
    """Head first, then as before."""
    live = sorted(live_members(household), key=lambda person: (person.relation_to_head != HEAD, person.position, person.code))
    for number, person in enumerate(live):
        if person.position != number:
            person.position = number
            person.save(update_fields=["position"])


def _go(moving: Moving, persons: Mapping[UUID, Person], household: Household, year: int) -> None:
    after = household.persons.count()
    for number, (key, relation) in enumerate(moving.relations.items()):
        move_person(
            persons[key],
            household,
            relation=relation,
            on=moving.on,
            leave_reason=moving.leave_reason,
            arrive_reason=moving.arrive_reason,
            position=after + number,
            year=year,
        )


def _along(persons: Sequence[Person], year: int) -> str:
    """What goes with people, counted."""
    rows = Entry.objects.filter(person__in=persons).exclude(state=Record.State.VOID).count()
    clues = Clue.objects.filter(DUE, person__in=persons, year__gte=year - 1).count()
    said = {"count": len(persons), "rows": rows, "clues": clues}
    return _("%(count)d 人转走，随人走的：今年和去年的个人信息、台账登记 %(rows)d 条、待核实的疑问 %(clues)d 条。") % said


def plan_split(household: Household, moving: Moving, *, stay_head: UUID | None, now: CurrentYear) -> Plan:
    """Chosen members become a household of their own in the same place, with the next code of ours; exactly one of them is its head. The
    helpers help both; the monitoring stays with the household it was opened for. Raises ActRefused."""
    check_open(household, now.year)
    persons = _members(household)
    going = [persons[key] for key in moving.relations if key in persons]
    staying = [person for key, person in persons.items() if key not in moving.relations]
    if not going or len(going) != len(moving.relations):
        raise ActRefused(_("请勾选要分出去的人。"), "member")
    if not staying:
        raise ActRefused(_("至少要有一个人留在原来的户里。"), "member")
    _check(moving, now.pack)
    heads = [key for key, relation in moving.relations.items() if relation == HEAD]
    if len(heads) != 1:
        raise ActRefused(_("新户里要有一位、也只能有一位“本人或户主”。"), "relation")
    head, left_head = persons[heads[0]], _new_head(staying, going, stay_head)

    def work(trace: Trace) -> None:
        stored = Household.objects.select_for_update().get(pk=household.pk)
        last = Household.objects.filter(village_code=stored.village_code, natural_village_code=stored.natural_village_code).order_by(
            "-walking_order"
        )[0]
        made = Household(
            code=next_code(stored.village_code),
            kind=stored.kind,
            village_code=stored.village_code,
            natural_village_code=stored.natural_village_code,
            walking_order=last.walking_order + 1,
            address=stored.address,
            household_type=stored.household_type,
            household_state=stored.household_state or IN_REGISTER,
            first_identified_at=stored.first_identified_at,
            poverty_exit_year=stored.poverty_exit_year,
            main_poverty_cause=stored.main_poverty_cause,
            other_poverty_causes=list(stored.other_poverty_causes),
        )
        made.save(force_insert=True)
        open_year(year=now.year, pack_hash=now.pack.hash, households=[made.pk])
        _go(moving, persons, made, now.year)
        _numbered(made)
        refresh(made)
        _make_head(stored, left_head)
        _numbered(stored)
        refresh(stored)
        for pairing in stored.pairings.filter(end_on__isnull=True):
            pairing.pk, pairing.household, pairing.start_on = None, made, max(moving.on, pairing.start_on)
            pairing._state.adding = True
            pairing.id = Pairing._meta.pk.get_default()
            pairing.save(force_insert=True)

    before = _said(list(persons.values()))
    lines: list[Line] = [(called(household), before, _said(staying)), (_("新户（户主 %(head)s）") % {"head": head.member_name}, "", _said(going))]
    lines += _relations(moving, persons, now.pack)
    if left_head is not None:
        lines.append((_("原户户主"), household.head_name, left_head.member_name))
    return Plan(
        kind=Act.Kind.SPLIT,
        title=_("%(name)s分出 %(count)d 人，另立 %(head)s户") % {"name": called(household), "count": len(going), "head": head.member_name},
        villages=(household.village_code,),
        household_id=household.pk,
        lines=lines,
        work=work,
        says=[
            _along(going, now.year),
            _("新户今年要另外采集一份。监测对象身份、户里自己的疑问和台账留在原户。"),
            _("正在帮扶的结对 %(count)d 对：责任人照旧帮扶两户。") % {"count": household.pairings.filter(end_on__isnull=True).count()},
        ],
    )


def plan_merge(into: Household, gone: Household, moving: Moving, *, now: CurrentYear) -> Plan:
    """Every live member of `gone` becomes a member of `into`. `gone` stays, closed, and says where to. Raises ActRefused."""
    if into.pk == gone.pk:
        raise ActRefused(_("请选另外一户。"), "household")
    check_open(into, now.year)
    check_open(gone, now.year)
    if gone.monitoring_type and gone.monitoring_state == MONITORED:
        raise ActRefused(_("%(name)s还是监测对象，风险没有消除，不能并掉。请把另一户并进来，或先办消除。") % {"name": called(gone)})
    persons, there = _members(gone), _members(into)
    if set(moving.relations) != set(persons):
        raise ActRefused(_("请给每位转过去的人选“与户主关系”。"), "relation")
    _check(moving, now.pack)
    if any(relation == HEAD for relation in moving.relations.values()) and any(person.relation_to_head == HEAD for person in there.values()):
        raise ActRefused(_("并户以后只能有一位户主，请改“与户主关系”。"), "relation")

    def work(trace: Trace) -> None:
        kept, closing = (Household.objects.select_for_update().get(pk=row.pk) for row in (into, gone))
        _go(moving, persons, kept, now.year)
        _numbered(kept)
        refresh(kept)
        closing.household_state, closing.merged_into = MERGED_AWAY, kept
        refresh(closing)
        for pairing in closing.pairings.filter(end_on__isnull=True):
            pairing.end_on = max(moving.on, pairing.start_on)
            pairing.save(update_fields=["end_on"])
        lead = lead_of(closing, now.year)
        if lead is not None:
            lead.state, lead.return_reason, lead.version = Record.State.VOID, _("已并入%(name)s") % {"name": called(kept)}, lead.version + 1
            lead.save()
        _close_clues(closing, _("已并入%(name)s") % {"name": called(kept)})

    return Plan(
        kind=Act.Kind.MERGE,
        title=_("%(gone)s并入%(into)s") % {"gone": called(gone), "into": called(into)},
        villages=tuple(dict.fromkeys((into.village_code, gone.village_code))),
        household_id=into.pk,
        lines=[
            (called(into), _said(list(there.values())), _said([*there.values(), *persons.values()])),
            (called(gone), _said(list(persons.values())), _("（并入，销户，资料保留）")),
            *_relations(moving, persons, now.pack),
        ],
        work=work,
        says=[
            _along(list(persons.values()), now.year),
            _("%(name)s销户：今年的采集表作废，原内容可查；以前年度的资料不动。") % {"name": called(gone)},
            _("%(name)s自己的待核实疑问 %(clues)d 条关闭，正在帮扶的结对 %(pairings)d 对结束。")
            % {"name": called(gone), "clues": _own_open(gone).count(), "pairings": gone.pairings.filter(end_on__isnull=True).count()},
        ],
    )


def _close_clues(household: Household, note: str) -> None:
    """Questions about a household that is no more have nobody to answer them."""
    for clue in _own_open(household):
        close_clue(clue, note)


def _own_open(household: Household) -> QuerySet[Clue, Clue]:
    return Clue.objects.filter(household=household, subject_kind="household", state__in=OPEN_STATES)


def plan_move(person: Person, into: Household, moving: Moving, *, stay_head: UUID | None, now: CurrentYear) -> Plan:
    """One live member becomes a member of another household. Raises ActRefused."""
    former = person.household
    if into.pk == former.pk:
        raise ActRefused(_("请选另外一户。"), "household")
    check_open(former, now.year)
    check_open(into, now.year)
    persons, there = _members(former), _members(into)
    if person.pk not in persons:
        raise ActRefused(_("这位成员已不在户，不能转。"))
    staying = [other for key, other in persons.items() if key != person.pk]
    if not staying:
        raise ActRefused(_("这户只剩这一个人，请用“并户”。"))
    _check(moving, now.pack)
    if moving.relations[person.pk] == HEAD and any(other.relation_to_head == HEAD for other in there.values()):
        raise ActRefused(_("那一户已有户主，请改“与户主关系”。"), "relation")
    left_head = _new_head(staying, [person], stay_head)

    def work(trace: Trace) -> None:
        old, new = (Household.objects.select_for_update().get(pk=row.pk) for row in (former, into))
        _go(moving, {person.pk: person}, new, now.year)
        _numbered(new)
        refresh(new)
        _make_head(old, left_head)
        _numbered(old)
        refresh(old)

    lines: list[Line] = [
        (called(former), _said(list(persons.values())), _said(staying)),
        (called(into), _said(list(there.values())), _said([*there.values(), person])),
        *_relations(moving, persons, now.pack),
    ]
    if left_head is not None:
        lines.append((_("原户户主"), former.head_name, left_head.member_name))
    return Plan(
        kind=Act.Kind.MOVE_MEMBER,
        title=_("%(who)s 由%(old)s转到%(new)s") % {"who": person.member_name, "old": called(former), "new": called(into)},
        villages=tuple(dict.fromkeys((former.village_code, into.village_code))),
        household_id=former.pk,
        lines=lines,
        work=work,
        says=[_along([person], now.year), _("更早年度的个人信息留在原户档案里。")],
    )


def relation_choices(pack: Pack) -> list[tuple[str, Any]]:
    return [(entry.code, entry.word) for entry in pack.lists["relation_to_head"]]
