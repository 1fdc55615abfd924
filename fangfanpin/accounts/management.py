"""Keep accounts: make them in bulk, reset, leave and replace; never beyond the keeper's own region and level."""

import datetime
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from axes.utils import reset as reset_lock
from django.db import transaction
from django.db.models import Prefetch, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import Assignment, Role, User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.accounts.verbs import Verb
from fangfanpin.regions.finding import Divisions
from fangfanpin.regions.models import Region

# No characters that look alike on a printed slip.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH_BY_LEVEL = {"county": 6, "township": 9, "village": 12}
ALLOWED_SHEET = "岗位和地区"  # of the template: what may be written in the list


class AccountRefused(Exception):
    """Cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """One row of the bulk list. `region`: a division as Divisions.find takes it; `row` its row in the workbook."""

    row: int
    name: str
    phone: str
    unit: str
    role: str
    region: str


@dataclass(frozen=True, slots=True)
class MadeAccount:
    """`posts`: every (region, role) the list gives this person."""

    user: User
    password: str
    posts: list[tuple[Region, Role]]


def first_password() -> str:
    """Twelve characters in three groups: about 59 bits, to be changed at the first sign-in."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))


# Verbs that show nobody's data; the county must be able to appoint auditors and system administrators without being either.
_OVERSIGHT = frozenset({Verb.AUDIT_VIEW.value, Verb.SYSTEM_ADMIN.value})

Handover = Callable[[User, User, datetime.date, User | None], None]
_handovers: list[Handover] = []


def register_handover(handover: Handover) -> None:
    """A higher app that ties things to a person (pairings) registers here: (leaver, successor, day, who keeps
    the accounts and said so; the system None)."""
    _handovers.append(handover)


def may_keep(reach: Reach, region_code: str, role: Role) -> bool:
    """May this keeper give, reset or end this role in this region?

    The keeper of the same or a higher region, and only for roles whose every verb the keeper holds over that very region: whoever makes
    an account holds its first password, so nobody makes an account that can do more than themselves. A system administrator therefore
    keeps other administrators, and reaches no household by way of an account. The county's keeper also appoints auditors and administrators.
    """
    if not any(region_code.startswith(prefix) for prefix in reach.prefixes(Verb.ACCOUNT_MANAGE)):
        return False
    held = {verb for scope in reach.scopes if not scope.by_pairing and region_code.startswith(scope.prefix) for verb in scope.verbs}
    if Verb.CAMPAIGN_MANAGE in held:
        held |= _OVERSIGHT
    return set(role.verbs) <= held


def roles_to_give(reach: Reach) -> list[Role]:
    """Roles this keeper may give somewhere in their regions."""
    prefixes = reach.prefixes(Verb.ACCOUNT_MANAGE)
    length = _LENGTH_BY_LEVEL
    return [
        role
        for role in Role.objects.all()
        if any(len(prefix) <= length.get(role.level, 0) and may_keep(reach, prefix.ljust(length[role.level], "0"), role) for prefix in prefixes)
    ]


def visible_users(reach: Reach) -> list[User]:
    """Accounts with an assignment under one of the keeper's regions, their assignments at hand. Three queries for any number."""
    condition = Q(pk__in=[])
    for prefix in reach.prefixes(Verb.ACCOUNT_MANAGE):
        condition |= Q(assignments__region__code__startswith=prefix)
    users = User.objects.filter(condition).distinct().order_by("name", "pk")
    return list(users.prefetch_related(Prefetch("assignments", Assignment.objects.select_related("role", "region"))))


def keeps(reach: Reach, assignments: Iterable[Assignment]) -> bool:
    """May this keeper change an account with these assignments: every role held or to be held (of those who left: once held)
    is one the keeper may give there."""
    found = list(assignments)
    today = timezone.localdate()
    held = [a for a in found if a.valid_to is None or a.valid_to > today] or found
    return bool(held) and all(may_keep(reach, a.region_id, a.role) for a in held)


def kept_user(reach: Reach, user_id: int) -> User | None:
    """A user this keeper may change; None for others."""
    user = User.objects.filter(pk=user_id).first()
    return user if user is not None and keeps(reach, user.assignments.select_related("role")) else None


def _username(name: str, region: Region, role: Role) -> str:
    """Readable and unique: region's last digits + role, numbered."""
    base = f"{role.key[:2]}{region.code[4:]}"
    number = 1
    while User.objects.filter(username=f"{base}-{number}").exists():
        number += 1
    return f"{base}-{number}"


def divisions_to_give(reach: Reach) -> list[Region]:
    """Divisions in which this keeper gives posts, each before those within it. One query."""
    regions = Region.objects.under(*reach.prefixes(Verb.ACCOUNT_MANAGE)).filter(level__in=_LENGTH_BY_LEVEL)
    return list(regions.valid_on(timezone.localdate()).order_by("code"))


def check_accounts(rows: Sequence[NewAccount], reach: Reach) -> list[tuple[int, str]]:
    """Every fault of the list at once: (row, message)."""
    roles = Role.objects.in_bulk()
    allowed = _("、").join(role.title for role in roles_to_give(reach))
    divisions = Divisions(divisions_to_give(reach))
    beyond = Region.objects.in_bulk([row.region for row in rows])
    users = _users_named({row.name for row in rows})
    faults: list[tuple[int, str]] = []
    seen: dict[tuple[str, str, str], dict[str, int]] = {}
    codes: list[str] = []
    repeated: set[int] = set()
    for row in rows:
        role, found = roles.get(row.role), divisions.find(row.region)
        region = found[0] if len(found) == 1 else beyond.get(row.region)
        if not row.name:
            faults.append((row.row, _("没有填姓名")))
        if row.phone and not re.fullmatch(r"1[3-9]\d{9}|0\d{2,3}-?\d{7,8}", row.phone):
            faults.append((row.row, _("电话“%(phone)s”写法不对") % {"phone": row.phone}))
        if role is None:
            said = _("“岗位”没有填，可以写：%(allowed)s") if not row.role else _("“岗位”没有“%(role)s”这个岗位，可以写：%(allowed)s")
            faults.append((row.row, said % {"role": row.role, "allowed": allowed}))
        if region is None:
            faults.append((row.row, _no_region(row.region, found, divisions)))
        if role and region:
            if _LENGTH_BY_LEVEL.get(role.level) != len(region.code):
                said = _("“地区”要和岗位对得上：“%(role)s”要填%(level)s，“%(region)s”不是")
                faults.append((row.row, said % {"role": role.title, "level": level_word(role.level), "region": region.name}))
            if not may_keep(reach, region.code, role):
                faults.append((row.row, _("“%(region)s”的“%(role)s”不归您管理") % {"region": region.name, "role": role.title}))
        code = region.code if region else row.region
        codes.append(code)
        if known := _known(row, code, users.get(row.name, ())):
            told = {"name": row.name, "username": known.username}
            faults.append((row.row, _("“%(name)s”已有账号 %(username)s，请在账号页给他增加岗位或重置密码") % told))
        elif namesake := _maybe_known(row, code, users.get(row.name, ()), reach):
            told = {"name": row.name, "username": namesake.username}
            said = _("这里已有一位“%(name)s”（账号 %(username)s）：是一个人，请在账号页给他增加岗位；是两个人，请填上电话")
            faults.append((row.row, said % told))
        before = seen.setdefault((row.name, row.role, code), {})
        if row.phone in before and row.phone:
            faults.append((row.row, _("与第 %(before)d 行重复") % {"before": before[row.phone]}))
            repeated.add(row.row)
        elif before and (not row.phone or "" in before):
            said = _("与第 %(before)d 行重复：如果是同名的两个人，请都填上电话；是一个人就去掉一行")
            faults.append((row.row, said % {"before": before.get("") or next(iter(before.values()))}))
            repeated.add(row.row)
        before.setdefault(row.phone, row.row)
    unclear = _persons(rows, codes)[1]
    faults += [(row, said) for row, said in unclear if row not in repeated]
    return sorted(faults, key=lambda fault: fault[0])


def _persons(rows: Sequence[NewAccount], codes: Sequence[str]) -> tuple[list[int], list[tuple[int, str]]]:
    """Which rows are one person: for each the place of that person's first row; and what cannot be told, as faults.

    Name and phone say it. Without a phone it is one person where the places lie in each other and no two units are named, two where places
    and units differ, and anything else is asked back.
    """
    first = list(range(len(rows)))
    faults: list[tuple[int, str]] = []
    named: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        if not row.name or not codes[place].isdigit():
            continue  # told anyway
        group = named.setdefault(row.name, [])
        own = place
        unclear: int | None = None
        for other in group:
            match _same(row, codes[place], rows[other], codes[other]):
                case None:
                    unclear = other if unclear is None else unclear
                case True if own == place:
                    own = first[other]
                case True if own != first[other]:
                    unclear = other if unclear is None else unclear  # one with two who are not each other
                case False if own != place and own == first[other]:
                    unclear = other if unclear is None else unclear
        if unclear is not None:
            told = {"before": rows[unclear].row, "name": row.name}
            said = _("第 %(before)d 行也有“%(name)s”，没有电话分不清是不是一个人，请给这几行都填上电话")
            faults.append((row.row, said % told))
        first[place] = own
        group.append(place)
    return first, faults


def _same(one: NewAccount, place: str, other: NewAccount, elsewhere: str) -> bool | None:
    """Two rows of one name: the same person, two, or (None) nobody can tell."""
    if one.phone and other.phone:
        return one.phone == other.phone
    is_near = place.startswith(elsewhere) or elsewhere.startswith(place)
    if one.unit and other.unit and one.unit != other.unit:
        return None if is_near else False
    if one.phone or other.phone:
        return None
    return True if is_near else None


def _no_region(written: str, found: Sequence[Region], divisions: Divisions) -> str:
    if not written:
        return _("“地区”没有填，请从模板的“%(sheet)s”表里选") % {"sheet": ALLOWED_SHEET}
    if found:
        choices = _("、").join(divisions.coded(one) for one in found)
        return _("“地区”写的“%(region)s”不止一个，请写明是哪个：%(choices)s") % {"region": written, "choices": choices}
    said = _("“地区”没有“%(region)s”：名称和代码都可以写，模板的“%(sheet)s”表里列出了全部")
    return said % {"region": written, "sheet": ALLOWED_SHEET}


def _users_named(names: Iterable[str]) -> dict[str, list[User]]:
    """Accounts in use by name, their assignments in force at hand."""
    found: dict[str, list[User]] = {}
    in_force = Prefetch("assignments", Assignment.objects.filter(valid_to__isnull=True))
    for user in User.objects.filter(name__in={name for name in names if name}, is_active=True).order_by("pk").prefetch_related(in_force):
        found.setdefault(user.name, []).append(user)
    return found


def _known(row: NewAccount, region: str, users: Iterable[User]) -> User | None:
    """The account of the same person among those of that name: same phone, or without a phone same role and region (its code)."""
    if row.phone:
        return next((user for user in users if user.phone == row.phone), None)
    return next((user for user in users if any((a.role_id, a.region_id) == (row.role, region) for a in user.assignments.all())), None)


def _maybe_known(row: NewAccount, region: str, users: Iterable[User], reach: Reach) -> User | None:
    """Who may be the person of a row without a phone: somebody of that name with another post in that place, above or below it, as far as
    the keeper sees."""
    prefixes = reach.prefixes(Verb.ACCOUNT_MANAGE)
    for user in users if not row.phone else ():
        for post in user.assignments.all():
            if post.region_id.startswith(prefixes) and (post.region_id.startswith(region) or region.startswith(post.region_id)):
                return user
    return None


def level_word(level: str) -> str:
    """What people call a level."""
    return {"county": _("县"), "township": _("乡镇"), "village": _("村")}.get(level, level)


@transaction.atomic
def create_accounts(*, rows: Sequence[NewAccount], by: Reach) -> list[MadeAccount]:
    """All accounts of a checked list, each with a first password that must be changed. Same person, more roles: a row each gives one account
    several assignments."""
    faults = check_accounts(rows, by)
    if faults:
        raise AccountRefused(_("第 %(row)d 行：%(message)s") % {"row": faults[0][0], "message": faults[0][1]})
    set_act("account.create")
    made: dict[int, MadeAccount] = {}
    today = timezone.localdate()
    divisions = Divisions(divisions_to_give(by))
    regions = [divisions.find(row.region)[0] for row in rows]
    roles = Role.objects.in_bulk()
    persons = _persons(rows, [region.code for region in regions])[0]
    units: dict[int, str] = {}
    for row, person in zip(rows, persons, strict=True):
        units[person] = units.get(person) or row.unit
    for row, region, person in zip(rows, regions, persons, strict=True):
        role = roles[row.role]
        if person not in made:
            password = first_password()
            user = User.objects.create_user(
                username=_username(row.name, region, role),
                password=password,
                name=row.name,
                phone=row.phone,
                unit=units[person],
                must_change_password=True,
            )
            made[person] = MadeAccount(user, password, [])
        Assignment.objects.create(user=made[person].user, role=role, region=region, valid_from=today)
        made[person].posts.append((region, role))
    return list(made.values())


@transaction.atomic
def reset_password(*, user: User, by: Reach) -> str:
    """A new first password, handed over on paper; no e-mail is needed."""
    if kept_user(by, user.pk) is None:
        raise AccountRefused(_("这个账号不归您管理。"))
    if not user.is_active:
        raise AccountRefused(_("这个账号已停用，不能重置密码。"))
    set_act("account.reset")
    return _give_first_password(user)


@transaction.atomic
def recover_password(*, user: User) -> str:
    """A new first password given at the server's console, for a county where nobody who may keep the account can sign in."""
    if not user.is_active:
        raise AccountRefused(_("这个账号已停用，不能重置密码。"))
    set_act("account.recover")
    return _give_first_password(user)


def _give_first_password(user: User) -> str:
    password = first_password()
    user.set_password(password)
    user.must_change_password = True
    user.save(update_fields=["password", "must_change_password"])
    reset_lock(username=user.username)
    return password


@transaction.atomic
def leave(*, user: User, by: Reach, replaced_by: User | None = None, on: datetime.date | None = None) -> None:
    """The person leaves: assignments end, the account stops; a successor takes over the same roles, regions and pairings."""
    if kept_user(by, user.pk) is None:
        raise AccountRefused(_("这个账号不归您管理。"))
    if user.pk == by.user_id:
        raise AccountRefused(_("不能停用自己的账号。"))
    if replaced_by is not None:
        if replaced_by.pk in (user.pk, by.user_id):
            raise AccountRefused(_("接替人不能是本人，也不能是您自己。"))
        if not replaced_by.is_active or kept_user(by, replaced_by.pk) is None:
            raise AccountRefused(_("接替人的账号已停用，或不归您管理。"))
    set_act("account.leave")
    day = on or timezone.localdate()
    for assignment in user.assignments.in_force(day):
        assignment.valid_to = day
        assignment.save()
        if replaced_by is not None:
            Assignment.objects.get_or_create(
                user=replaced_by, role=assignment.role, region=assignment.region, valid_to=None, defaults={"valid_from": day}
            )
    if replaced_by is not None:
        keeper = User.objects.filter(pk=by.user_id).first()
        for handover in _handovers:
            handover(user, replaced_by, day, keeper)
    user.is_active = False
    user.left_on = day
    user.replaced_by = replaced_by
    user.save(update_fields=["is_active", "left_on", "replaced_by"])


@transaction.atomic
def assign(*, user: User, role: Role, region: Region, by: Reach) -> Assignment:
    """One more role for a person; never for oneself."""
    if kept_user(by, user.pk) is None or not may_keep(by, region.code, role):
        raise AccountRefused(_("这个岗位或地区不归您管理。"))
    _not_oneself(user.pk, by)
    if not user.is_active:
        raise AccountRefused(_("这个账号已停用。"))
    if _LENGTH_BY_LEVEL.get(role.level) != len(region.code):
        raise AccountRefused(_("“%(role)s”要选%(level)s") % {"role": role.spoken_title, "level": level_word(role.level)})
    set_act("account.assign")
    found, _made = Assignment.objects.get_or_create(user=user, role=role, region=region, valid_to=None, defaults={"valid_from": timezone.localdate()})
    return found


@transaction.atomic
def end_assignment(*, assignment: Assignment, by: Reach) -> None:
    if not may_keep(by, assignment.region_id, assignment.role):
        raise AccountRefused(_("这个岗位不归您管理。"))
    _not_oneself(assignment.user_id, by)
    set_act("account.unassign")
    assignment.valid_to = timezone.localdate()
    assignment.save()


def _not_oneself(user_id: int, by: Reach) -> None:
    if user_id == by.user_id:
        raise AccountRefused(_("不能给自己增减岗位，请找另一位管理员。"))
