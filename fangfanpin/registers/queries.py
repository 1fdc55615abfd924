"""A register's list: filters and sorting by marked items, search, keyset pages. Only typed columns are read, within reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import Reach
from fangfanpin.households.services import search
from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.codec import CodecFault
from fangfanpin.records.models import Record
from fangfanpin.registers import slots
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.models import Entry
from fangfanpin.registers.references import meant

PAGE = 50
MOST_HOUSEHOLDS = 500  # that a searched name may mean
SHOWN_STATES = tuple(Record.State)


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter as typed: a value, or a first and a last one for days and numbers."""

    item: Indicator
    value: str = ""
    first: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the list is narrowed to. `mine`: of the returned rows those of this person; `sort`: a marked item, with `-` for the largest first; empty:
    the newest row first."""

    place: str = ""
    state: str = ""
    q: str = ""
    sort: str = ""
    mine: bool = False
    conditions: tuple[Condition, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)

    def query(self) -> dict[str, str]:
        """As the address says it."""
        found = {name: value for name in ("place", "state", "q", "sort") if (value := getattr(self, name))}
        if self.mine:
            found["mine"] = "1"
        for condition in self.conditions:
            name = condition.item.name
            found |= {
                key: value for key, value in ((name, condition.value), (f"{name}.from", condition.first), (f"{name}.to", condition.last)) if value
            }
        return found


def chosen_of(register: Register, pack: Pack, given: Mapping[str, str]) -> Chosen:
    """Read an address; what is not a value of its item is told and left out."""

    def text(name: str) -> str:
        return given.get(name, "").strip()[:60]

    conditions, faults = [], {}
    for item in register.filters:
        condition = Condition(item, text(item.name), text(f"{item.name}.from"), text(f"{item.name}.to"))
        if not (condition.value or condition.first or condition.last):
            continue
        try:
            _condition(condition, "t1", pack, None)
        except CodecFault as fault:
            faults[item.name] = str(fault)
        else:
            conditions.append(condition)
    state = text("state")
    sort = text("sort")
    return Chosen(
        place=text("place") if text("place").isdigit() else "",
        state=state if state in SHOWN_STATES else "",
        q=text("q"),
        mine=text("mine") == "1" and state == Record.State.RETURNED,
        sort=sort if sort.removeprefix("-") in {item.name for item in register.sorts} else "",
        conditions=tuple(conditions),
        faults=faults,
    )


def _condition(condition: Condition, column: str, pack: Pack, reach: Reach | None) -> Q:
    """A filter on its typed column; a reference is whatever its words may mean within the reach. Without a reach only the texts are looked at.
    Raises CodecFault."""
    item = condition.item
    if item.type == "ref":
        return Q(**{f"{column}__in": meant(item, condition.value, reach)}) if reach is not None and condition.value else Q()
    if item.type in ("text", "phone"):
        return Q(**{f"{column}__gte": condition.value, f"{column}__lt": _after(condition.value)}) if condition.value else Q()
    found = Q()
    for text, side in ((condition.first, "gte"), (condition.last, "lte"), (condition.value, "exact")):
        if text:
            found &= Q(**{f"{column}__{side}": slots.held(item, pack.parse_text(item, text))})
    return found


def _after(prefix: str) -> str:
    """The first text after all that begin with the prefix: a range keeps its index under row security, LIKE does not."""
    return prefix[:-1] + chr(min(ord(prefix[-1]) + 1, 0x10FFFF))


def entries(register: Register, pack: Pack, reach: Reach, chosen: Chosen) -> QuerySet[Entry, Entry]:
    """Rows in reach by the filter, in no order. Struck rows only where they are asked for."""
    columns = slots.columns(register, pack)
    rows = Entry.objects.visible_to(reach).filter(form=register.key)
    if register.is_yearly:
        rows = rows.filter(year=pack.form_year)  # last year's stand beside, not among them
    rows = rows.filter(state=chosen.state) if chosen.state else rows.exclude(state=Record.State.VOID)
    if chosen.mine:
        rows = rows.filter(entered_by_id=reach.user_id)
    if chosen.place:
        rows = rows.filter(village_code=chosen.place) if len(chosen.place) == 12 else rows.filter(village_code__startswith=chosen.place)
    for condition in chosen.conditions:
        rows = rows.filter(_condition(condition, columns[condition.item.name], pack, reach))
    if chosen.q:
        found = Q()
        for item in register.searched:
            column = columns[item.name]
            found |= Q(**{f"{column}__gte": chosen.q, f"{column}__lt": _after(chosen.q)})
        if register.form.subject in ("household", "person"):
            found |= Q(household_id__in=list(search(chosen.q, reach).values_list("pk", flat=True)[:MOST_HOUSEHOLDS]))
        rows = rows.filter(found) if found else rows.none()
    return rows


@dataclass(frozen=True, slots=True)
class Page:
    rows: tuple[Entry, ...]
    next_cursor: str


def page(rows: QuerySet[Entry, Entry], register: Register, pack: Pack, chosen: Chosen, cursor: str, *, size: int = PAGE) -> Page:
    """One keyset page, the newest row first or by the sort; rows without a value come after all others, in a walk of their own, so that each
    walk follows an index. `cursor`: number and value of the last row shown."""
    sorted_by = chosen.sort.removeprefix("-")
    column = slots.columns(register, pack)[sorted_by] if sorted_by else ""
    down = chosen.sort.startswith("-") or not chosen.sort
    number, _tilde, value = cursor.partition("~")
    after = int(number) if number.isdigit() else None
    found: list[tuple[int, Any]] = []
    if not column:
        found = [(key, None) for key in _further(rows, after, down).values_list("number", flat=True)[: size + 1]]
    else:
        if after is None or value:
            having = rows.filter(**{f"{column}__isnull": False})
            if after is not None:
                side = "lt" if down else "gt"
                beyond = Q(**{f"{column}__{side}": value}) | Q(**{column: value, f"number__{side}": after})
                having = having.filter(beyond, **{f"{column}__{side}e": value})
            order = (f"-{column}", "-number") if down else (column, "number")
            found = list(having.order_by(*order).values_list("number", column)[: size + 1])
        if len(found) <= size:
            without = rows.filter(**{f"{column}__isnull": True})
            walked = _further(without, after if after is not None and not value else None, down)
            found += [(key, None) for key in walked.values_list("number", flat=True)[: size + 1 - len(found)]]
    shown = found[:size]
    by_number = Entry.objects.select_related("record", "household", "person").in_bulk([key for key, _value in shown])
    following = ""
    if len(found) > size:
        last, last_value = shown[-1]
        following = f"{last}~{'' if last_value is None else last_value}"
    return Page(tuple(by_number[key] for key, _value in shown if key in by_number), following)


def _further(rows: QuerySet[Entry, Entry], after: int | None, down: bool) -> QuerySet[Entry, Entry]:
    if after is not None:
        rows = rows.filter(number__lt=after) if down else rows.filter(number__gt=after)
    return rows.order_by("-number" if down else "number")


def said(register: Register, pack: Pack, chosen: Chosen, place_name: str) -> Sequence[tuple[str, str]]:
    """The filter in words, for the list's heading and the exported file."""
    found = [(_("地区"), place_name or _("管辖范围内全部"))]
    for condition in chosen.conditions:
        item = condition.item
        value = pack.display(item, pack.parse_text(item, condition.value)) if item.type in ("code", "bool") else condition.value
        if condition.first or condition.last:
            value = f"{condition.first or '…'} — {condition.last or '…'}"
        found.append((item.label, value))
    if chosen.q:
        found.append((_("查找"), chosen.q))
    if chosen.mine:
        found.append((_("登记人"), _("本人")))
    return found


def address(path: str, chosen: Chosen, cursor: str) -> str:
    """The page's address with another cursor."""
    return f"{path}?{urlencode({**chosen.query(), 'after': cursor})}" if cursor else ""
