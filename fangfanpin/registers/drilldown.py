"""Where a rolled-up value comes from: the rows that its expression counted or added, each with its part."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fangfanpin.accounts.reach import Reach
from fangfanpin.expressions import Number, evaluate
from fangfanpin.expressions import nodes as n
from fangfanpin.households.models import Household, Person
from fangfanpin.pack import Pack
from fangfanpin.pack.codec import decimal_text
from fangfanpin.records.models import Record
from fangfanpin.regions.names import name_of
from fangfanpin.registers import rollups, sources
from fangfanpin.registers.models import Entry


@dataclass(frozen=True, slots=True)
class Source:
    """One row: `words` name it, `under` says where it stands, `part` what it gave. `household` and `row` lead to its page."""

    words: str
    under: str
    part: str
    household: str = ""
    row: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """One aggregate of the expression. `how`: what was done with the rows."""

    how: str
    total: str
    rows: tuple[Source, ...]


_HOW = {
    "count": gettext_lazy("按下面各项的个数"),
    "sum": gettext_lazy("由下面各项相加"),
    "distinct": gettext_lazy("按下面的户数，同一户只算一次"),
    "min": gettext_lazy("下面各项中最小的"),
    "max": gettext_lazy("下面各项中最大的"),
    "any": gettext_lazy("看下面有没有符合的"),
    "all": gettext_lazy("看下面是不是都符合"),
    "the": gettext_lazy("取下面唯一符合的一项"),
}  # fmt: skip


def behind(record: Record, name: str, pack: Pack, reach: Reach) -> list[Counted]:
    """What the item of a village's row was found from, as the rows stand now and within the reach of who asks. KeyError for an item that is no
    roll-up."""
    one = next((found for found in pack.rollups if found.form == record.form and found.name == name), None)
    if one is None:
        raise KeyError(name)
    scopes = rollups.scopes(sources.read_rows(pack, record.year, [record.village_code]), pack)
    scope = next((scope for key, scope in rollups.places(record.form, scopes, pack.schema()) if key == record.subject_code), None)
    if scope is None:
        return []
    # What is found on a lower level stands in the rows as stored.
    for name_of_form, rows in scopes.items():
        for row in rows:
            _take_stored(row["row"], name_of_form, pack)
    relations = pack.schema().relations_of(record.form)
    found = []
    for node in _aggregates(one.expression.node):
        rows = scope["household"]["relations"].get(node.relation, [])
        chosen = [row for row in rows if node.where is None or evaluate(node.where, row) is True]
        words = _Words(relations[node.relation].table, chosen, reach)
        parts = tuple(words.source(row, _part(node, row)) for row in chosen)
        found.append(Counted(str(_HOW[node.fn]), _number(evaluate(node, scope), node), parts))
    return found


def _take_stored(row: dict[str, Any], form: str, pack: Pack) -> None:
    for key, text in list(row.items()):
        if key.startswith(sources.STORED):
            name = key.removeprefix(sources.STORED)
            row.setdefault(name, pack.to_engine(form, name, sources.stored_value(text)))


def _aggregates(node: n.Node) -> Iterator[n.Aggregate]:
    if isinstance(node, n.Aggregate):
        yield node
    for child in n.children(node):
        yield from _aggregates(child)


def _part(node: n.Aggregate, row: Mapping[str, Any]) -> str:
    if node.value is None or node.fn == "distinct":
        return "1"
    value = evaluate(node.value, row)
    return _("未填") if value is None else _number(value, node.value)


def _number(value: Any, node: n.Node) -> str:
    if isinstance(node.type, Number) and isinstance(value, int):
        return decimal_text(value, node.type.scale, money=node.type.unit == "yuan")
    return str(value)


class _Words:
    """Names of rows of one table, a query for all of them."""

    def __init__(self, table: str, rows: list[dict[str, Any]], reach: Reach) -> None:
        self._table = table
        homes = {row["row"].get("household_key") for row in rows} - {None, ""}
        self._homes = {str(home.pk): home for home in Household.objects.visible_to(reach).filter(pk__in=homes)}
        keys = {row["row"]["row_key"] for row in rows if row["row"].get("row_key")}
        self._persons: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        if table == sources.PERSON:
            self._persons = {str(key): name for key, name in Person.objects.visible_to(reach).filter(pk__in=keys).values_list("pk", "member_name")}
        elif table not in (sources.HOUSEHOLD, sources.SPELL):
            found = Entry.objects.visible_to(reach).filter(record_id__in=keys).values_list("record_id", "label")
            self._labels = {str(key): label for key, label in found}

    def source(self, scope: Mapping[str, Any], part: str) -> Source:
        row = scope["row"]
        home = self._homes.get(row.get("household_key") or "")
        head = (home.head_name or home.code) if home else ""
        natural = name_of(row.get("natural_village_key") or "")
        if self._table in (sources.HOUSEHOLD, sources.SPELL):
            return Source(head, f"{natural} {home.code}" if home else natural, part, household=str(home.pk) if home else "")
        if self._table == sources.PERSON:
            name = self._persons.get(row["row_key"], "")
            return Source(name, _("%(head)s户") % {"head": head} if head else natural, part, household=str(home.pk) if home else "")
        under = _("%(head)s户") % {"head": head} if head else row.get("subject_key", "")
        return Source(self._labels.get(row["row_key"], ""), under, part, row=row["row_key"])
