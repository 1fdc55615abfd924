"""What changed: per submitted household, in the order of the national system's module 户年度基础信息更新, with a tick "entered there"."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import set_act
from fangfanpin.archives import reading
from fangfanpin.households.subjects import household_values, person_values
from fangfanpin.pack import Pack
from fangfanpin.records.models import Record
from fangfanpin.records.units import HOUSEHOLD_FORM, TARGET_HOUSEHOLD, Unit


class TransferRefused(Exception):
    """Not submitted yet, or changed since; the message says which."""


@dataclass(frozen=True, slots=True)
class ChangedItem:
    """One item whose value differs from last year's, in words. `who`: "户" or a member's name."""

    who: str
    section: str
    zh: str
    national_id: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class MemberMove:
    name: str
    word: str  # 自然增加, 自然减少
    reason: str
    on: datetime.date | None


def moves(unit: Unit, pack: Pack) -> list[MemberMove]:
    """Members who came or went inside the period."""
    found = []
    for person in unit.persons:
        inside = person.change_date is not None and pack.period_start <= person.change_date
        if person.change_kind and inside:
            found.append(
                MemberMove(
                    name=person.member_name,
                    word=pack.word("change_kind", person.change_kind),
                    reason=pack.word("member_change", person.change_reason),
                    on=person.change_date,
                )
            )
    return found


def changed_items(unit: Unit, pack: Pack, *, sensitive: bool = True) -> list[ChangedItem]:
    """Items whose value is another than last year's, in the order of the module: households' and live members', typed columns included.

    Nothing of what was none and is none, whether said as 0 or left empty. Everything of a member who is new; nothing about a typed column
    whose value of last year nobody knows; numbers that identify a person never. Sensitive values are masked unless `sensitive`.
    """
    found: list[ChangedItem] = []
    live = {str(person.id): person for person in unit.live()}
    for section in pack.year_update:
        targets = [TARGET_HOUSEHOLD] if section.form == HOUSEHOLD_FORM else list(live)
        for target in targets:
            person = live.get(target)
            record, last = unit.records.get(target), unit.last.get(target)
            subject = person_values(person) if person else household_values(unit.household)
            now: dict[str, Any] = {**subject, **(record.values if record else {})}
            before: dict[str, Any] = {**(last.subject if last else {}), **(last.values if last else {})}
            for name in section.items:
                indicator = pack.indicators[f"{section.form}.{name}"]
                if indicator.privacy == "secret" or name not in now or now[name] == before.get(name):
                    continue
                if last is not None and (not reading.differs(before.get(name), now[name]) or (indicator.home == "subject" and name not in before)):
                    continue
                found.append(
                    ChangedItem(
                        who=person.member_name if person else _("户"),
                        section=section.title,
                        zh=indicator.label,
                        national_id=indicator.national_id,
                        before=reading.shown(pack, indicator, before.get(name), sensitive=sensitive) if last else "",
                        after=reading.shown(pack, indicator, now[name], sensitive=sensitive),
                    )
                )
    return found


def waiting(records: QuerySet[Record, Record], *, shown: str, place: str) -> QuerySet[Record, Record]:
    """Of the submitted households those not yet entered there, or (`done`) those that are, under a division."""
    records = records.filter(transferred_at__isnull=shown != "done")
    return records.filter(village_code__startswith=place) if place else records


@transaction.atomic
def tick(*, records: Iterable[Record], seen_versions: dict[UUID, int], by: User) -> int:
    """Tick households as typed into the national system; each must be submitted and unchanged since it was shown."""
    set_act("transfer.tick")
    count = 0
    for record in records:
        locked = Record.objects.select_for_update().get(pk=record.pk)
        if locked.form != HOUSEHOLD_FORM or locked.state not in (
            Record.State.SUBMITTED,
            Record.State.APPROVED,
            Record.State.LOCKED,
        ):
            raise TransferRefused(_("这户还没有提交，不能标记为已录入国家系统。"))
        if seen_versions.get(locked.pk) != locked.version:
            raise TransferRefused(_("这户在您查看之后又有改动，请刷新后核对再标记。"))
        if locked.transferred_at is None:
            locked.transferred_at = timezone.now()
            locked.transferred_by = by
            locked.save(update_fields=["transferred_at", "transferred_by", "updated_at"])
            count += 1
    return count


@transaction.atomic
def untick(*, record: Record, by: User) -> None:
    set_act("transfer.untick")
    locked = Record.objects.select_for_update().get(pk=record.pk)
    locked.transferred_at = locked.transferred_by = None
    locked.save(update_fields=["transferred_at", "transferred_by", "updated_at"])
