"""The division tree changes from a day on: a natural village moves, divisions are merged, split, renamed.

A division that goes keeps its row with its last day and its successor; every row of its households stands under the successor from then on, so
lists and reports of any year follow. National codes are typed where they are known; the next free code otherwise. A day to come is no fault here:
`acts.planning` keeps the plan until then.
"""

import datetime
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import Assignment, User
from fangfanpin.acts.models import Act
from fangfanpin.acts.moving import Extent, Relocation, Tally, extent_of, move_households, relocate
from fangfanpin.acts.plans import ActRefused, Line, Plan, Trace, villages_among, widen
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.records.current_year import year_if_any
from fangfanpin.regions.models import LEVEL_BY_LENGTH, Region
from fangfanpin.regions.names import name_of
from fangfanpin.registers import yearly

LEVELS = (Region.Level.TOWNSHIP, Region.Level.VILLAGE, Region.Level.NATURAL_VILLAGE)
_LENGTH = {level: length for length, level in LEVEL_BY_LENGTH.items()}
LONGEST_NAME = 80
_FARTHEST_DAYS = 731  # ahead: what is decided for later is a slip of the pen
_FIRST_YEAR = 2000
_NAMED = 8  # people and places said by name


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


def _check_day(on: datetime.date, rows: Iterable[Region]) -> None:
    """A day that can be meant, on which the divisions were there. Raises ActRefused."""
    if on.year < _FIRST_YEAR or (on - timezone.localdate()).days > _FARTHEST_DAYS:
        raise ActRefused(_("请核对日期 %(on)s：最早 %(first)d 年，最晚两年以后。") % {"on": on.isoformat(), "first": _FIRST_YEAR}, "on")
    for row in rows:
        if row.valid_from is not None and on < row.valid_from:
            raise ActRefused(_("“%(name)s”从 %(from)s 才有，日期要在这之后。") % {"name": row.name, "from": row.valid_from.isoformat()}, "on")


def _name(text: str) -> str:
    name = "".join(text.split())
    if not 2 <= len(name) <= LONGEST_NAME:
        raise ActRefused(_("请填新的名称。"), "name")
    return name


class _Making:
    """Makes divisions and ends others, through the trace, and remembers where rows go."""

    def __init__(self, trace: Trace, on: datetime.date, by: User, villages: Sequence[str]) -> None:
        self.trace, self.on, self.by = trace, on, by
        self.moves = Relocation()
        self.villages = villages

    def make(self, *, name: str, parent: str, level: str, code: str = "", like: Region | None = None) -> Region:
        code = code or next_code(parent, level)
        row = Region(
            code=code, name=name, level=level, parent_id=parent, valid_from=self.on,
            is_community=like.is_community if like else False, position=like.position if like else 0,
        )  # fmt: skip
        self.trace.region(row)
        return row

    def end(self, row: Region, successor: str) -> None:
        if Region.objects.filter(pk__in=(row.pk, successor), valid_to__isnull=True).count() < 2:  # while one waited to be alone there
            raise ActRefused(_("“%(name)s”或它要去的地方刚被别人办理过，请刷新页面再办。") % {"name": row.name}, "source")
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

    def carry(self, pack: Pack, rows: int) -> None:
        """Everything goes where it belongs now; a division that was made has its tables of the year, one that went is asked for none."""
        widen(self.by)
        relocate(self.moves, pack, Tally(rows, self.trace.report))
        if (now := year_if_any()) is None:
            return
        gone = {*self.moves.natural, *self.moves.villages} - self.moves.same
        yearly.strike_unfilled(now.pack, now.year, gone)
        yearly.open_rows(now.pack, now.year, villages_among([*self.villages, *self.trace.made]))


def _homes(codes: Sequence[str]) -> QuerySet[Household]:
    """Households of some divisions."""
    inside = Q(pk__in=[])
    for code in codes:
        inside |= Q(natural_village_code=code) if len(code) == _LENGTH[Region.Level.NATURAL_VILLAGE] else Q(village_code__startswith=code)
    return Household.objects.filter(inside)


def _households(code: str) -> int:
    return _homes([code]).count()


def _full(code: str) -> str:
    """A division after the one it lies in."""
    above = {15: 12, 12: 9}.get(len(code))
    return f"{name_of(code[:above])}{name_of(code)}" if above else name_of(code)


def _few(names: Sequence[str]) -> str:
    """Names, the first of many."""
    return "、".join(names[:_NAMED]) + (_("等") if len(names) > _NAMED else "")


def _moved(extent: Extent, target: str, on: datetime.date) -> list[str]:
    """What happens to households that come under another division, in sentences."""
    said = {"households": extent.households, "persons": extent.persons, "target": target, "on": on.isoformat()}
    return [
        _("从 %(on)s 起，%(households)d 户、%(persons)d 人归%(target)s。他们的采集表、台账、走访记录、附件，连同以前年度的，都跟着走。") % said,
        _("待核实的疑问 %(clues)d 条、正在帮扶的结对 %(pairings)d 对照旧，不用重新办。") % {"clues": extent.clues, "pairings": extent.pairings},
    ]


def _recoded(rows: Sequence[Region]) -> list[str]:
    """Divisions that go along and get new codes."""
    if not rows:
        return []
    names = [row.name for row in rows]
    return [_("%(names)s（%(count)d 个）跟着过去，名称不变，代码换新的。") % {"names": _few(names), "count": len(names)}]


def _posted(codes: Sequence[str], target: str) -> list[str]:
    """Who works there works elsewhere from then on."""
    posts = Assignment.objects.filter(region_id__in=codes, valid_to__isnull=True, user__is_active=True).order_by("user__name")
    names = list(dict.fromkeys(posts.values_list("user__name", flat=True)))
    return [_("在那里任职的 %(names)s，从那天起在%(target)s任职。") % {"names": _few(names), "target": target}] if names else []


def _lasting() -> list[str]:
    """What an undo meets later, of every change of divisions."""
    return [
        _("办好以后，只要有人又录入、审核、答复疑问或新增了户，就不能一次撤销，只能反过来再办一次。"),
        _("已经打印、导出、上报的表不会跟着改。"),
        _("全国系统里的区划要另外改。"),
    ]


def _below(code: str) -> list[Region]:
    return list(Region.objects.filter(parent_id=code, valid_to__isnull=True).order_by("code"))


def plan_move_natural(code: str, to_village: str, on: datetime.date, *, pack: Pack, by: User) -> Plan:
    """A natural village comes under another administrative village. Raises ActRefused."""
    row = _in_force(code)
    if row.level != Region.Level.NATURAL_VILLAGE:
        raise ActRefused(_("请选一个自然村。"), "source")
    target = _in_force(to_village)
    if target.level != Region.Level.VILLAGE or target.code == code[:12]:
        raise ActRefused(_("请选另一个行政村。"), "target")
    _check_day(on, (row, target))
    extent, villages = extent_of(_homes([code])), (code[:12], target.code)

    def work(trace: Trace) -> None:
        making = _Making(trace, on, by, villages)
        making.recode(row, target.code)
        making.carry(pack, extent.rows)

    old = name_of(code[:12])
    return Plan(
        kind=Act.Kind.MOVE_NATURAL,
        title=_("自然村“%(name)s”由%(old)s划到%(new)s，%(count)d 户")
        % {"name": row.name, "old": old, "new": target.name, "count": extent.households},
        villages=villages,
        lines=[(_("所在行政村"), old, target.name), *_counted([code], target.name)],
        work=work,
        says=[
            *_moved(extent, _full(target.code), on),
            _("“%(name)s”换新代码，名称不变；它的年度表一起过去。") % {"name": row.name},
            _("在%(old)s任职的人，从那天起看不到这些户；在%(new)s任职的人看得到。") % {"old": old, "new": target.name},
        ],
        lasting=_lasting(),
        rows=extent.rows,
        on=on,
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
    _check_day(on, (into, *rows))
    name = _name(new_name) if new_name.strip() else into.name
    villages = list(dict.fromkeys(village for row in (into, *rows) for village in villages_under(row.code)))
    codes = [row.code for row in rows]
    extent = extent_of(_homes(codes))
    if name != into.name:
        _check_free(name, into, codes)

    def work(trace: Trace) -> None:
        making = _Making(trace, on, by, villages)
        for row in rows:
            making.follow(row, into.code)
        if name != into.name:
            _rename(trace, into, name, on)
        making.carry(pack, extent.rows)

    called = _full(into.code) if name == into.name else name
    gone = "、".join(_full(code) for code in codes)
    lines = _counted(codes, called)
    says = [*_moved(extent, called, on), *_recoded([child for code in codes for child in _below(code)]), *_posted(codes, called)]
    if name != into.name:
        lines.append((_("名称"), into.name, name))
        says.append(_("“%(old)s”从那天起改叫“%(new)s”，代码不变。") % {"old": into.name, "new": name})
    says += [
        _("%(gone)s从那天起不再使用，名单里不能再选；名称、日期和去向留着，可以查。") % {"gone": gone},
        _("以前年度的数字也算到%(into)s。") % {"into": called},
    ]
    if into.level != Region.Level.TOWNSHIP:  # a township has no table of its own
        says.append(_("%(gone)s自己的年度表留着，仍写原来的名称；今年没有人填过的不用再填。") % {"gone": gone})
    return Plan(
        kind=Act.Kind.DIVISION_MERGE,
        title=_("%(gone)s并入%(into)s") % {"gone": gone, "into": _full(into.code)},
        villages=tuple(villages),
        lines=lines,
        work=work,
        says=says,
        lasting=_lasting(),
        rows=extent.rows,
        on=on,
    )


def plan_split(
    source: str, parts: Sequence[str], name: str, on: datetime.date, *, code: str = "", households: Sequence[UUID] = (), pack: Pack, by: User
) -> Plan:
    """Chosen villages of a township, natural villages of a village, or households of a natural village become a new division beside it. Raises
    ActRefused."""
    row = _in_force(source)
    name = _name(name)
    _check_day(on, (row,))
    if row.level == Region.Level.NATURAL_VILLAGE:
        return _split_natural(row, name, on, code=code, households=households, pack=pack, by=by)
    children = {child.code: child for child in _below(source)}
    wanted = list(dict.fromkeys(parts))
    if not wanted:
        raise ActRefused(_("请勾选要分出去的部分。"), "part")
    if missing := [part for part in wanted if part not in children]:
        raise ActRefused(
            _("%(names)s已经不在%(name)s下面，请重新勾选。") % {"names": _few([_full(part) for part in missing]), "name": row.name}, "part"
        )
    chosen = [children[part] for part in wanted]
    if len(chosen) == len(children):
        raise ActRefused(_("不能全部分出去；整个换名请用“更名”。"), "part")
    _check_code(code, row)
    _check_free(name, row)
    villages, extent = villages_under(source), extent_of(_homes([child.code for child in chosen]))

    def work(trace: Trace) -> None:
        making = _Making(trace, on, by, villages)
        assert row.parent_id is not None
        new = making.make(name=name, parent=row.parent_id, level=row.level, code=code, like=row)
        for child in chosen:
            making.recode(child, new.code)
        making.carry(pack, extent.rows)

    return Plan(
        kind=Act.Kind.DIVISION_SPLIT,
        title=_("%(old)s分出“%(new)s”，%(count)d 户") % {"old": _full(source), "new": name, "count": extent.households},
        villages=villages,
        lines=_counted([child.code for child in chosen], name),
        work=work,
        says=[
            _made(name, code, row),
            *_moved(extent, name, on),
            *_recoded(chosen),
            _("在%(old)s任职的人仍在%(old)s，从那天起看不到分出去的户；“%(new)s”的人员要在“账号”里另外安排。") % {"old": row.name, "new": name},
        ],
        lasting=_lasting(),
        rows=extent.rows,
        on=on,
    )


def _made(name: str, code: str, beside: Region) -> str:
    said = {"name": name, "place": name_of(beside.parent_id or ""), "code": code}
    if code:
        return _("%(place)s新设“%(name)s”，代码 %(code)s。") % said
    return _("%(place)s新设“%(name)s”，代码由系统接着往下编；上级下发的代码填了就用上级的。") % said


def _check_code(code: str, beside: Region) -> None:
    if not code:
        return
    if not (code.isdigit() and len(code) == len(beside.code) and code.startswith(beside.parent_id or "-")):
        raise ActRefused(_("新代码要 %(length)d 位数字，以 %(parent)s 开头。") % {"length": len(beside.code), "parent": beside.parent_id}, "code")
    if Region.objects.filter(pk=code).exists():
        raise ActRefused(_("代码 %(code)s 已经用过。") % {"code": code}, "code")


def _check_free(name: str, beside: Region, but: Sequence[str] = ()) -> None:
    """Two neighbours of one name are taken for each other; `but`: those that go."""
    if Region.objects.filter(parent_id=beside.parent_id, name=name, valid_to__isnull=True).exclude(pk__in=but).exists():
        raise ActRefused(_("%(place)s已有“%(name)s”，请换一个名称。") % {"place": name_of(beside.parent_id or ""), "name": name}, "name")


def _split_natural(row: Region, name: str, on: datetime.date, *, code: str, households: Sequence[UUID], pack: Pack, by: User) -> Plan:
    there = Household.objects.filter(natural_village_code=row.code)
    chosen = list(there.filter(pk__in=households))
    if not chosen or len(chosen) == there.count():
        raise ActRefused(_("请勾选要分出去的户，但不能全部分出去。"), "part")
    if missing := len(set(households)) - len(chosen):
        raise ActRefused(_("勾选的户里有 %(count)d 户已经不在%(name)s，请重新勾选。") % {"count": missing, "name": row.name}, "part")
    _check_code(code, row)
    _check_free(name, row)
    keys, extent = [one.pk for one in chosen], extent_of(there.filter(pk__in=households))

    def work(trace: Trace) -> None:
        making = _Making(trace, on, by, (row.code[:12],))
        assert row.parent_id is not None
        new = making.make(name=name, parent=row.parent_id, level=row.level, code=code, like=row)
        Household.objects.filter(pk__in=keys).update(natural_village_code=new.code)
        move_households(keys, new.code[:12])
        making.carry(pack, 0)

    return Plan(
        kind=Act.Kind.DIVISION_SPLIT,
        title=_("%(old)s分出“%(new)s”，%(count)d 户") % {"old": _full(row.code), "new": name, "count": len(chosen)},
        villages=(row.code[:12],),
        lines=[(_("%(head)s户") % {"head": one.head_name or one.code}, row.name, name) for one in chosen],
        work=work,
        says=[_made(name, code, row), *_moved(extent, name, on)],
        lasting=_lasting(),
        rows=len(keys),
        on=on,
    )


def plan_rename(code: str, name: str, on: datetime.date) -> Plan:
    """Another name from a day on; the former one is kept with its last day. Raises ActRefused."""
    row = _in_force(code)
    name = _name(name)
    _check_day(on, (row,))
    if name == row.name:
        raise ActRefused(_("新名称和现在的一样。"), "name")
    _check_free(name, row)
    villages = villages_under(code)

    def work(trace: Trace) -> None:
        _rename(trace, row, name, on)

    said = {"old": row.name, "new": name, "on": on.isoformat(), "count": _households(code)}
    return Plan(
        kind=Act.Kind.DIVISION_RENAME,
        title=_("“%(old)s”更名为“%(new)s”") % {"old": _full(code), "new": name},
        villages=villages,
        lines=[(_("名称"), row.name, name)],
        work=work,
        says=[
            _("从 %(on)s 起，各处的“%(old)s”都写成“%(new)s”；代码不变，%(count)d 户的资料都不动。") % said,
            _("今年的年度表写新名称；以前年度的仍写“%(old)s”。") % said,
        ],
        lasting=_lasting(),
        on=on,
    )


def _rename(trace: Trace, row: Region, name: str, on: datetime.date) -> None:
    row.former_names = [*row.former_names, {"name": row.name, "until": on.isoformat()}]
    row.name = name
    trace.region(row)
    if (now := year_if_any()) is not None:
        yearly.rename_rows(now.pack, now.year, row.code, name)
