"""Keep accounts: make them in bulk, reset, leave and replace; never beyond the keeper's own region and level."""

import datetime
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import Assignment, Role, User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.accounts.verbs import Verb
from fangfanpin.regions.models import Region

# No characters that look alike on a printed slip.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH_BY_LEVEL = {"county": 6, "township": 9, "village": 12}


class AccountRefused(Exception):
    """Cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """One row of the bulk list. `region` is a division code; `row` its row in the workbook."""

    row: int
    name: str
    phone: str
    unit: str
    role: str
    region: str


@dataclass(frozen=True, slots=True)
class MadeAccount:
    user: User
    password: str
    role: Role
    region: Region


def first_password() -> str:
    """Twelve characters in three groups: about 59 bits, to be changed at the first sign-in."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))


def may_keep(reach: Reach, region_code: str, role: Role) -> bool:
    """The keeper of the same or a higher region; no one gives verbs of a personal-data role they do not stand above."""
    if not any(region_code.startswith(prefix) for prefix in reach.prefixes(Verb.ACCOUNT_MANAGE)):
        return False
    own = {verb for scope in reach.scopes for verb in scope.verbs}
    return Verb.SYSTEM_ADMIN in own or set(role.verbs) <= own or Verb.CAMPAIGN_MANAGE in own


def visible_users(reach: Reach) -> list[User]:
    """Accounts with an assignment under one of the keeper's regions."""
    prefixes = reach.prefixes(Verb.ACCOUNT_MANAGE)
    found: dict[int, User] = {}
    for prefix in prefixes:
        for user in User.objects.filter(assignments__region__code__startswith=prefix).distinct().order_by("name", "pk"):
            found[user.pk] = user
    return list(found.values())


def kept_user(reach: Reach, user_id: int) -> User | None:
    """A user this keeper may change: every assignment in force lies in the keeper's regions."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        return None
    prefixes = reach.prefixes(Verb.ACCOUNT_MANAGE)
    regions = list(user.assignments.in_force(timezone.localdate()).values_list("region_id", flat=True)) or list(
        user.assignments.values_list("region_id", flat=True)
    )
    covered = regions and all(any(code.startswith(prefix) for prefix in prefixes) for code in regions)
    return user if covered else None


def _username(name: str, region: Region, role: Role) -> str:
    """Readable and unique: region's last digits + role, numbered."""
    base = f"{role.key[:2]}{region.code[4:]}"
    number = 1
    while User.objects.filter(username=f"{base}-{number}").exists():
        number += 1
    return f"{base}-{number}"


def check_accounts(rows: Sequence[NewAccount], reach: Reach) -> list[tuple[int, str]]:
    """Every fault of the list at once: (row, message)."""
    roles = Role.objects.in_bulk()
    regions = Region.objects.in_bulk([row.region for row in rows])
    faults: list[tuple[int, str]] = []
    seen: set[tuple[str, str, str]] = set()
    for row in rows:
        role, region = roles.get(row.role), regions.get(row.region)
        if not row.name:
            faults.append((row.row, _("没有填姓名")))
        if row.phone and not re.fullmatch(r"1[3-9]\d{9}|0\d{2,3}-?\d{7,8}", row.phone):
            faults.append((row.row, _("电话“%(phone)s”写法不对") % {"phone": row.phone}))
        if role is None:
            faults.append((row.row, _("没有“%(role)s”这个岗位") % {"role": row.role}))
        if region is None:
            faults.append((row.row, _("没有“%(region)s”这个地区代码") % {"region": row.region}))
        if role and region:
            if _LENGTH_BY_LEVEL.get(role.level) != len(region.code):
                faults.append((row.row, _("“%(role)s”要填%(level)s代码") % {"role": role.title, "level": _level_word(role.level)}))
            if not may_keep(reach, region.code, role):
                faults.append((row.row, _("“%(region)s”的“%(role)s”不归您管理") % {"region": region.name, "role": role.title}))
        if (row.name, row.role, row.region) in seen:
            faults.append((row.row, _("与前面一行重复")))
        seen.add((row.name, row.role, row.region))
    return faults


def _level_word(level: str) -> str:
    return {"county": _("县"), "township": _("乡镇"), "village": _("村")}.get(level, level)


@transaction.atomic
def create_accounts(*, rows: Sequence[NewAccount], by: Reach) -> list[MadeAccount]:
    """All accounts of a checked list, each with a first password that must be changed. Same person, more roles: a row each
    with the same name and phone gives one account several assignments."""
    faults = check_accounts(rows, by)
    if faults:
        raise AccountRefused(_("第 %(row)d 行：%(message)s") % {"row": faults[0][0], "message": faults[0][1]})
    set_act("account.create")
    made: list[MadeAccount] = []
    same: dict[tuple[str, str], MadeAccount] = {}
    today = timezone.localdate()
    for row in rows:
        role, region = Role.objects.get(pk=row.role), Region.objects.get(pk=row.region)
        known = same.get((row.name, row.phone)) if row.phone else None
        if known is not None:
            Assignment.objects.create(user=known.user, role=role, region=region, valid_from=today)
            continue
        password = first_password()
        user = User.objects.create_user(
            username=_username(row.name, region, role), password=password, name=row.name, phone=row.phone, unit=row.unit, must_change_password=True
        )
        Assignment.objects.create(user=user, role=role, region=region, valid_from=today)
        account = MadeAccount(user, password, role, region)
        made.append(account)
        same[row.name, row.phone] = account
    return made


@transaction.atomic
def reset_password(*, user: User, by: Reach) -> str:
    """A new first password, handed over on paper; no e-mail is needed."""
    if kept_user(by, user.pk) is None:
        raise AccountRefused(_("这个账号不归您管理。"))
    set_act("account.reset")
    password = first_password()
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])
    return password


@transaction.atomic
def leave(*, user: User, by: Reach, replaced_by: User | None = None, on: datetime.date | None = None) -> None:
    """The person leaves: assignments end, the account stops; a successor takes over the same roles and regions."""
    if kept_user(by, user.pk) is None:
        raise AccountRefused(_("这个账号不归您管理。"))
    if user.pk == by.user_id:
        raise AccountRefused(_("不能停用自己的账号。"))
    set_act("account.leave")
    day = on or timezone.localdate()
    for assignment in user.assignments.in_force(day):
        assignment.valid_to = day
        assignment.save()
        if replaced_by is not None:
            Assignment.objects.create(user=replaced_by, role=assignment.role, region=assignment.region, valid_from=day)
    user.is_active = False
    user.left_on = day
    user.replaced_by = replaced_by
    user.save(update_fields=["is_active", "left_on", "replaced_by"])


@transaction.atomic
def assign(*, user: User, role: Role, region: Region, by: Reach) -> Assignment:
    """One more role for a person."""
    if kept_user(by, user.pk) is None or not may_keep(by, region.code, role):
        raise AccountRefused(_("这个岗位或地区不归您管理。"))
    if _LENGTH_BY_LEVEL.get(role.level) != len(region.code):
        raise AccountRefused(_("“%(role)s”要选%(level)s") % {"role": role.title, "level": _level_word(role.level)})
    set_act("account.assign")
    found, _made = Assignment.objects.get_or_create(user=user, role=role, region=region, valid_to=None, defaults={"valid_from": timezone.localdate()})
    return found


@transaction.atomic
def end_assignment(*, assignment: Assignment, by: Reach) -> None:
    if not may_keep(by, assignment.region_id, assignment.role):
        raise AccountRefused(_("这个岗位不归您管理。"))
    set_act("account.unassign")
    assignment.valid_to = timezone.localdate()
    assignment.save()
