"""The division tree changes from a day on: a natural village moves, divisions are merged, split, renamed.

A division that goes keeps its row with its last day and its successor; every row of its households stands under the successor from then on, so
lists and reports of any year follow. National codes are typed where they are known; the next free code otherwise.
"""

import datetime
from collections.abc import Sequence
from uuid import UUID

from django.utils.translation import gettext as _

from fangfanpin.accounts.models import Assignment, User
from fangfanpin.acts.models import Act
from fangfanpin.acts.moving import Relocation, move_households, relocate
from fangfanpin.acts.plans import ActRefused, Line, Plan, Trace, must_have_come, widen
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.regions.models import LEVEL_BY_LENGTH, Region
from fangfanpin.regions.names import name_of

LEVELS = (Region.Level.TOWNSHIP, Region.Level.VILLAGE, Region.Level.NATURAL_VILLAGE)
_LENGTH = {level: length for length, level in LEVEL_BY_LENGTH.items()}
LONGEST_NAME = 80


def next_code(parent: str, level: str) -> str:
    """The next free code under a division."""
    length = _LENGTH[level]
    digits = length - len(parent)
    taken = {int(code[len(parent) :]) for code in Region.objects.filter(parent_id=parent, level=level).values_list("code", flat=True)}
    number = max(taken, default=0) + 1
    if number >= 10**digits:
        number = next(free for free in range(1, 10**digits) if free not in taken)
    return f"{parent}{number:0{digits}d}"


def villages_under(code: str) -> tuple[str, ...]:
    """Villages of a division; of a natural village the one it lies in."""
    if len(code) >= 12:
        return (code[:12],)
    return tuple(Region.objects.villages().under(code).values_list("code", flat=True))


def _in_force(code: str) -> Region:
    row = Region.objects.filter(pk=code, level__in=LEVELS).first()
    if row is None:
        raise ActRefused(_("没有 %(code)s 这个区划。") % {"code": code}, "source")
    if row.valid_to is not None:
        raise ActRefused(_("“%(name)s”已在 %(on)s 撤销。") % {"name": row.name, "on": row.valid_to.isoformat()}, "source")
    return row


def _name(text: str) -> str:
    name = "".join(text.split())
    if not 2 <= len(name) <= LONGEST_NAME:
        raise ActRefused(_("请填新的名称。"), "name")
    return name


class _Making:
    """Makes divisions and ends others, through the trace, and remembers where rows go."""

    def __init__(self, trace: Trace, on: datetime.date, by: User) -> None:
        self.trace, self.on, self.by = trace, on, by
        self.moves = Relocation()

    def make(self, *, name: str, parent: str, level: str, code: str = "", like: Region | None = None) -> Region:
        code = code or next_code(parent, level)
        row = Region(
            code=code, name=name, level=level, parent_id=parent, valid_from=self.on,
            is_community=like.is_community if like else False, position=like.position if like else 0,
        )  # fmt: skip
        self.trace.region(row)
        return row

    def end(self, row: Region, successor: str) -> None:
        row.valid_to, row.successor_id = self.on, successor
        self.trace.region(row)

    def recode(self, row: Region, parent: str) -> None:
        """The same division under another parent gets another code, with all that lies in it."""
        new = self.make(name=row.name, parent=parent, level=row.level, like=row)
        self.follow(row, new.code, same=True)

    def follow(self, row: Region, successor: str, *, same: bool = False) -> None:
        """A division ends, its children come under the successor, its rows and posts go there."""
        if row.level == Region.Level.NATURAL_VILLAGE:
            self.moves.natural[row.code] = successor
        else:
            if row.level == Region.Level.VILLAGE:
                self.moves.villages[row.code] = successor
            for child in Region.objects.filter(parent_id=row.code, valid_to__isnull=True).order_by("code"):
                self.recode(child, successor)
            self.posts(row.code, successor)
        if same:
            self.moves.same.add(row.code)
        self.end(row, successor)

    def posts(self, old: str, new: str) -> None:
        """Who works there works in the successor: the post ends and goes on there."""
        for post in Assignment.objects.filter(region_id=old, valid_to__isnull=True):
            post.valid_to = max(self.on, post.valid_from)
            self.trace.assignment(post)
            if not Assignment.objects.filter(user_id=post.user_id, role_id=post.role_id, region_id=new, valid_to__isnull=True).exists():
                self.trace.assignment(Assignment(user_id=post.user_id, role_id=post.role_id, region_id=new, valid_from=post.valid_to))

    def carry(self, pack: Pack) -> None:
        widen(self.by)
        relocate(self.moves, pack)


def _households(code: str) -> int:
    if len(code) == 15:
        return Household.objects.filter(natural_village_code=code).count()
    return Household.objects.filter(village_code__startswith=code).count()


def _full(code: str) -> str:
    """A division after the one it lies in."""
    above = {15: 12, 12: 9}.get(len(code))
    return f"{name_of(code[:above])}{name_of(code)}" if above else name_of(code)


def plan_move_natural(code: str, to_village: str, on: datetime.date, *, pack: Pack, by: User) -> Plan:
    """A natural village comes under another administrative village. Raises ActRefused."""
    row = _in_force(code)
    if row.level != Region.Level.NATURAL_VILLAGE:
        raise ActRefused(_("请选一个自然村。"), "source")
    target = _in_force(to_village)
    if target.level != Region.Level.VILLAGE or target.code == code[:12]:
        raise ActRefused(_("请选另一个行政村。"), "target")
    must_have_come(on)
    count = _households(code)

    def work(trace: Trace) -> None:
        making = _Making(trace, on, by)
        making.recode(row, target.code)
        making.carry(pack)

    return Plan(
        kind=Act.Kind.MOVE_NATURAL,
        title=_("自然村“%(name)s”由%(old)s划到%(new)s，%(count)d 户")
        % {"name": row.name, "old": name_of(code[:12]), "new": target.name, "count": count},
        villages=(code[:12], target.code),
        lines=[(_("所在行政村"), name_of(code[:12]), target.name), *_counted([code], target.name)],
        work=work,
    )


def _counted(sources: Sequence[str], target: str) -> list[Line]:
    return [(_("%(count)d 户及其全部资料") % {"count": _households(code)}, _full(code), target) for code in sources]


def plan_merge(sources: Sequence[str], target: str, on: datetime.date, *, new_name: str = "", pack: Pack, by: User) -> Plan:
    """Divisions of one level become part of another of that level, or together with it a new name. Raises ActRefused."""
    into = _in_force(target)
    rows = [_in_force(code) for code in dict.fromkeys(sources) if code != target]
    if not rows:
        raise ActRefused(_("请选要并掉的区划。"), "source")
    if any(row.level != into.level for row in rows):
        raise ActRefused(_("只能同级合并：乡镇并乡镇，村并村。"), "source")
    must_have_come(on)
    name = _name(new_name) if new_name.strip() else into.name
    villages = [village for row in (into, *rows) for village in villages_under(row.code)]

    def work(trace: Trace) -> None:
        making = _Making(trace, on, by)
        for row in rows:
            making.follow(row, into.code)
        if name != into.name:
            _rename(trace, into, name, on)
        making.carry(pack)

    lines = _counted([row.code for row in rows], _full(into.code) if name == into.name else name)
    if name != into.name:
        lines.append((_("名称"), into.name, name))
    return Plan(
        kind=Act.Kind.DIVISION_MERGE,
        title=_("%(gone)s并入%(into)s") % {"gone": "、".join(_full(row.code) for row in rows), "into": _full(into.code)},
        villages=tuple(dict.fromkeys(villages)),
        lines=lines,
        work=work,
        warnings=[_("撤销的区划保留名称、日期和去向；它自己的年度表留在原名下。在那里任职的人转到新的区划。")],
    )


def plan_split(
    source: str, parts: Sequence[str], name: str, on: datetime.date, *, code: str = "", households: Sequence[UUID] = (), pack: Pack, by: User
) -> Plan:
    """Chosen villages of a township, natural villages of a village, or households of a natural village become a new division beside it. Raises
    ActRefused."""
    row = _in_force(source)
    name = _name(name)
    must_have_come(on)
    if row.level == Region.Level.NATURAL_VILLAGE:
        return _split_natural(row, name, on, code=code, households=households, by=by)
    children = {child.code: child for child in Region.objects.filter(parent_id=source, valid_to__isnull=True)}
    chosen = [children[part] for part in dict.fromkeys(parts) if part in children]
    if not chosen:
        raise ActRefused(_("请勾选要分出去的部分。"), "part")
    if len(chosen) == len(children):
        raise ActRefused(_("不能全部分出去；整个换名请用“更名”。"), "part")
    _check_code(code, row)

    def work(trace: Trace) -> None:
        making = _Making(trace, on, by)
        assert row.parent_id is not None
        new = making.make(name=name, parent=row.parent_id, level=row.level, code=code, like=row)
        for child in chosen:
            making.recode(child, new.code)
        making.carry(pack)

    count = sum(_households(child.code) for child in chosen)
    return Plan(
        kind=Act.Kind.DIVISION_SPLIT,
        title=_("%(old)s分出“%(new)s”，%(count)d 户") % {"old": _full(source), "new": name, "count": count},
        villages=villages_under(source),
        lines=_counted([child.code for child in chosen], name),
        work=work,
    )


def _check_code(code: str, beside: Region) -> None:
    if not code:
        return
    if not (code.isdigit() and len(code) == len(beside.code) and code.startswith(beside.parent_id or "-")):
        raise ActRefused(_("新代码要 %(length)d 位数字，以 %(parent)s 开头。") % {"length": len(beside.code), "parent": beside.parent_id}, "code")
    if Region.objects.filter(pk=code).exists():
        raise ActRefused(_("代码 %(code)s 已经用过。") % {"code": code}, "code")


def _split_natural(row: Region, name: str, on: datetime.date, *, code: str, households: Sequence[UUID], by: User) -> Plan:
    there = Household.objects.filter(natural_village_code=row.code)
    chosen = list(there.filter(pk__in=households))
    if not chosen or len(chosen) == there.count():
        raise ActRefused(_("请勾选要分出去的户，但不能全部分出去。"), "part")
    _check_code(code, row)

    def work(trace: Trace) -> None:
        making = _Making(trace, on, by)
        assert row.parent_id is not None
        new = making.make(name=name, parent=row.parent_id, level=row.level, code=code, like=row)
        Household.objects.filter(pk__in=[one.pk for one in chosen]).update(natural_village_code=new.code)
        move_households([one.pk for one in chosen], new.code[:12])

    return Plan(
        kind=Act.Kind.DIVISION_SPLIT,
        title=_("%(old)s分出“%(new)s”，%(count)d 户") % {"old": _full(row.code), "new": name, "count": len(chosen)},
        villages=(row.code[:12],),
        lines=[(_("%(head)s户") % {"head": one.head_name or one.code}, row.name, name) for one in chosen],
        work=work,
    )


def plan_rename(code: str, name: str, on: datetime.date) -> Plan:
    """Another name from a day on; the former one is kept with its last day. Raises ActRefused."""
    row = _in_force(code)
    name = _name(name)
    must_have_come(on)
    if name == row.name:
        raise ActRefused(_("新名称和现在的一样。"), "name")

    def work(trace: Trace) -> None:
        _rename(trace, row, name, on)

    return Plan(
        kind=Act.Kind.DIVISION_RENAME,
        title=_("“%(old)s”更名为“%(new)s”") % {"old": _full(code), "new": name},
        villages=villages_under(code),
        lines=[(_("名称"), row.name, name)],
        work=work,
    )


def _rename(trace: Trace, row: Region, name: str, on: datetime.date) -> None:
    row.former_names = [*row.former_names, {"name": row.name, "until": on.isoformat()}]
    row.name = name
    trace.region(row)
