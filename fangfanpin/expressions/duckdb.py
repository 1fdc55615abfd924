"""Compile to DuckDB: rules to statements, over rows as `row_sql` compiles them; text is never pasted into SQL.

Tables: `household`, `person`, `spell` (wide, last year's columns `last__x`; docs/rule-language.md) and `latest_spell`. All aggregates
of one rule over one relation become one grouped sub-select joined by household_key, those that ask for `own.` one by the subject's key.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

import sqlglot.expressions as e

from fangfanpin.expressions import nodes as n
from fangfanpin.expressions.check import Expression
from fangfanpin.expressions.evaluate import DEVIATION, SPREAD, asks_own
from fangfanpin.expressions.row_sql import RowCompiler, exact_of, integer_of, is_known, wide
from fangfanpin.expressions.schema import Schema
from fangfanpin.expressions.trees import case as _case
from fangfanpin.expressions.trees import fn as _fn
from fangfanpin.expressions.trees import integer as _int
from fangfanpin.expressions.trees import paren as _paren
from fangfanpin.expressions.types import Bool, Code, Int, Number, Text

KEYS = {"household": "household_key", "person": "person_key", "spell": "spell_key"}
ROW_KEY = "row_key"  # of a register's table
_ROW_ID = "row_id"  # the item by which a row is referred to
_FEW_RULES = 20
_IN_VILLAGE = frozenset({"rank", "deviation", "median"})
_MIDDLES = frozenset({"deviation", "median"})  # joined by the village alone


@dataclass(frozen=True, slots=True)
class Numbers:
    """Tables in which texts that are only compared have numbers beside them, which is quicker. What the names of columns begin with: `told` of those
    that say keys as hits tell them, the keys themselves being numbers; `of` of those that are the numbers of items."""

    told: str
    of: str


def compared_items(expressions: Iterable[Expression]) -> frozenset[str]:
    """Text items of which a set function asks whether another row has the same, and no more."""
    calls = (found for one in expressions for found in n.walk(one.node) if isinstance(found, n.SetCall) and found.fn in _SAME)
    return frozenset(arg.name for call in calls for arg in call.args if _is_compared(arg))


_SAME = frozenset({"duplicates", "other_household"})


def _is_compared(node: n.Node) -> TypeGuard[n.Column]:
    return isinstance(node, n.Column) and node.scope == "row" and isinstance(node.type, Text)


class Compiler(RowCompiler):
    """Rules of one subject; sub-selects join as `a0`, `a1` … of relations, `d0` … of set functions.

    `cell`: a column of every table that joins and set functions stay within, where the tables hold several counties whose keys may be alike.
    """

    def __init__(self, schema: Schema, subject: str, env: Mapping[str, Any], cell: str = "", numbers: "Numbers | None" = None) -> None:
        self.cell = cell
        self.numbers = numbers
        self.schema = schema
        self.relations = schema.relations_of(subject)
        self.subject = subject
        self.env = env
        self.needs: set[str] = set()
        self.key = KEYS.get(subject, ROW_KEY)
        # Households most of which have no row of the subject: what lies beside such rows is not counted for all of them.
        self.few = subject not in ("household", "person") and schema.subjects[subject].relations is None
        # By relation, whether they ask for `own.`, and by which item of both the rows they want are found.
        self.aggregates: dict[_Which, list[n.Aggregate]] = {}
        self.sets: list[n.SetCall] = []
        self.counted: dict[n.SetCall, list[n.Node | None]] = {}  # of peers that go by the same keys what is counted
        self.met: set[n.SetCall] = set()  # asked only of rows that meet the condition themselves

    # Aggregates: one grouped sub-select per relation

    def aggregate(self, node: n.Aggregate) -> e.Expression:
        node = n.bare(node)
        own = asks_own(node)
        item, rest = _same_item(node) or (None, node)
        # Counted for each value of the item, whoever has it; not where the value is a row's own key, of which there are as many as rows.
        if item is not None and item[0].name != _ROW_ID and not asks_own(rest):
            own, node = False, rest
        which = (node.relation, own, item)
        found = self.aggregates.setdefault(which, [])
        if node not in found:
            found.append(node)
        alias = f"a{list(self.aggregates).index(which)}"
        column = e.column(f"v{found.index(node)}", table=alias)
        if node.fn in ("count", "distinct"):
            return _fn("coalesce", column, _int(0))
        if node.fn == "sum":  # no row at all is 0, a sum beyond MAX_DIGITS stays NULL
            key = self.key if which[1] else self.relations[node.relation].key
            return _case(e.Is(this=e.column(key, table=alias), expression=e.Null()), _int(0), column)
        if node.fn == "any":
            return _fn("coalesce", column, e.false())
        if node.fn == "all":
            return _fn("coalesce", column, e.true())
        return column

    def aggregate_value(self, node: n.Aggregate, row: str) -> e.Expression:
        where = self.holds(node.where, row) if node.where else None

        def filtered(tree: e.Expression) -> e.Expression:
            return e.Filter(this=tree, expression=e.Where(this=where.copy())) if where is not None else tree

        if node.fn == "count":
            return filtered(e.Count(this=e.Star()))
        if node.fn == "any":
            return e.GT(this=filtered(e.Count(this=e.Star())), expression=_int(0))
        if node.fn == "all":
            return e.EQ(this=e.Count(this=e.Star()), expression=filtered(e.Count(this=e.Star())))
        assert node.value is not None
        value = self.sql(node.value, row)
        if node.fn == "the":
            return _case(e.EQ(this=filtered(e.Count(this=e.Star())), expression=_int(1)), filtered(_fn("any_value", value)))
        if node.fn == "distinct":
            return filtered(e.Count(this=e.Distinct(expressions=[value])))
        tree = filtered(_fn(node.fn, value))
        return exact_of(_fn("coalesce", tree, _int(0))) if node.fn == "sum" else tree

    def over_all(self, node: n.SetCall) -> e.Expression:
        node = n.bare(node)
        asked = self.joined_for(node)
        if asked not in self.sets:
            self.sets.append(asked)
            for arg in asked.args:
                self.sql(arg)  # what it is joined by needs its joins too
        alias = f"d{self.sets.index(asked)}"
        if node.fn == "peers":
            counts = self.counted.setdefault(asked, [])
            if node.where not in counts:
                counts.append(node.where)
            return _fn("coalesce", e.column(f"n{counts.index(node.where)}", table=alias), _int(0))
        own = e.Is(this=_paren(self.sql(node.where, "s")), expression=e.true()) if node.where else e.true()
        if node.fn == "rank":
            return _case(own, e.column("n", table=alias))
        if node.fn in _MIDDLES:
            enough = e.and_(own, e.GTE(this=e.column("n", table=alias), expression=_paren(self.sql(node.args[1], "s"))), copy=False)
            return self.deviation(node, alias, enough) if node.fn == "deviation" else _case(enough, e.column("middle", table=alias))
        if node.fn == "duplicates":
            counted = _fn("coalesce", e.column("n", table=alias), _int(0))
            return e.GT(this=e.Sub(this=counted, expression=_case(own, _int(1), _int(0))), expression=_int(0))

        def foreign(end: str) -> e.Expression:
            return e.NEQ(this=e.column(end, table=alias), expression=e.column("household_key", table="s"))

        return _fn("coalesce", e.Or(this=foreign("least_key"), expression=foreign("greatest_key")), e.false())

    def joined_for(self, node: n.SetCall) -> n.SetCall:
        """What one sub-select is made for: of peers all that go by the same keys, of middles those that differ in the least number of rows."""
        if node.fn == "peers":
            return replace(node, where=None)
        return replace(node, args=node.args[:1]) if node.fn in _MIDDLES else node

    def deviation(self, node: n.SetCall, alias: str, enough: e.Expr) -> e.Expression:
        """As evaluate.robust_deviation says it."""
        value = _paren(self.sql(node.args[0], "s"))
        far = _fn("abs", e.Sub(this=e.Mul(this=integer_of(value), expression=_int(2)), expression=e.column("middle", table=alias)))
        spread = e.column("spread", table=alias)
        return _case(
            e.and_(enough, e.GT(this=spread, expression=_int(0)), copy=False), self.exact(self.rounded_up(far, DEVIATION, spread.copy(), SPREAD))
        )

    def exact(self, tree: e.Expression) -> e.Expression:
        return exact_of(tree)

    def rounded_up(self, top: e.Expression, by: int, bottom: e.Expression, over: int) -> e.Expression:
        """top · by ÷ (bottom · over), both above 0."""
        divisor = e.Paren(this=e.Mul(this=wide(bottom), expression=_int(over)))
        dividend = e.Add(this=e.Mul(this=wide(top), expression=_int(by)), expression=e.Paren(this=e.Sub(this=divisor, expression=_int(1))))
        return e.IntDiv(this=e.Paren(this=dividend), expression=divisor.copy())

    # Putting the select together

    def meet(self, rules: Sequence[tuple[Expression, Expression | None]]) -> None:
        """Find the set functions that every rule asks only of rows which meet the function's own condition: of theirs only values that several
        rows have, or several households, are worth joining."""
        asked: dict[n.SetCall, bool] = {}
        for condition, scope in rules:
            parts = [n.bare(part) for one in (condition, scope) if one is not None for part in n.conjuncts(one.node)]
            for call in (found for part in parts for found in n.walk(part) if isinstance(found, n.SetCall)):
                asked[call] = asked.get(call, True) and all(part in parts for part in n.conjuncts(call.where))
        self.met = {call for call, is_met in asked.items() if is_met}

    def condition(self, condition: Expression, scope: Expression | None) -> e.Expression:
        tree = self.holds(condition.node)
        return tree if scope is None else e.And(this=_paren(self.holds(scope.node)), expression=_paren(tree))

    def judging(self, rules: Sequence[tuple[Expression, Expression | None]]) -> e.Select:
        """What `rules_select` says. Of the few rows that pass first all columns are put together, which say then by which rule: asked of each
        small piece that is left of a thousand rows, every rule would take as long as of all of them. Of a few rules it is quicker to ask every
        row for each, and much quicker where most rows pass."""
        if len(rules) <= _FEW_RULES:
            return self.judging_plainly(rules)
        self.meet(rules)
        conditions = [self.condition(*rule) for rule in rules]
        read = {(column.table, column.name): f"c{place}" for place, column in enumerate(_columns_of(conditions))}
        taken = [e.alias_(e.column(name, table=table, quoted=True), alias) for (table, name), alias in read.items()]
        passed = self.subjects().select(*taken, copy=False).where(e.or_(*(condition.copy() for condition in conditions), copy=False), copy=False)
        passed = passed.order_by(_int(1), copy=False)  # which puts them together
        for column in _columns_of(conditions):
            column.set("this", e.to_identifier(read[column.table, column.name]))
            column.set("table", None)
        keys = [e.column(name) for name in ("subject_key", "household_key", "village_code", self.cell) if name]
        columns = [e.alias_(condition, f"r{place}", copy=False) for place, condition in enumerate(conditions)]
        query = e.select(*keys, *columns, copy=False).from_("passed", copy=False)
        return query.with_("passed", as_=passed, materialized=True, copy=False)

    def judging_plainly(self, rules: Sequence[tuple[Expression, Expression | None]]) -> e.Select:
        """The same, as one would write it."""
        self.meet(rules)
        columns = [e.alias_(self.condition(*rule), f"r{place}", copy=False) for place, rule in enumerate(rules)]
        judged = self.subjects().select(*columns, copy=False).subquery("judged", copy=False)
        any_of = e.or_(*(e.column(f"r{place}") for place in range(len(rules))), copy=False)
        return e.select(e.Star()).from_(judged, copy=False).where(any_of, copy=False)

    def select(self) -> e.Select:
        """As `subjects`; a village whose values are summed up has the key of its division only."""
        if self.schema.subjects[self.subject].relations is None:
            return self.subjects()
        return self._joining(e.select(e.column("subject_key", table="s")))

    def subjects(self) -> e.Select:
        """The subject's key, household and village (and cell), with every join that what was compiled so far needs; of persons the live ones."""
        told = self.numbers.told if self.numbers else ""
        subject, household = (e.column(f"{told}{key}", table="s") for key in (self.key, "household_key"))
        keys = [e.alias_(subject, "subject_key"), e.alias_(household, "household_key")]
        return self._joining(e.select(*keys, e.column("village_code", table="s")))

    def _joining(self, query: e.Select) -> e.Select:
        if self.cell:
            query = query.select(e.column(self.cell, table="s"))
        query = query.from_(e.alias_(e.to_table(self.subject), "s", table=True), copy=False)
        for alias, table in (("h", "household"), ("l", "latest_spell")):
            if alias in self.needs:
                query = self._join(query, e.to_table(table), alias, "s")
        for place, ((relation, own, item), found) in enumerate(list(self.aggregates.items())):
            inner = self._relation(relation, found, own=own, item=item).subquery(f"a{place}", copy=False)
            on = self._on(f"a{place}", "s", self.key if own else self.relations[relation].key)
            if item is not None and not own:
                on = e.And(this=on, expression=e.EQ(this=e.column("x", table=f"a{place}"), expression=e.column(item[1].name, table="s", quoted=True)))
            query = query.join(inner, on=on, join_type="left", copy=False)
        for place, node in enumerate(self.sets):
            query = query.join(
                self._population(node).subquery(f"d{place}", copy=False), on=self._same(node, f"d{place}"), join_type="left", copy=False
            )
        return query.where(e.column("is_live", table="s"), copy=False) if self.subject == "person" else query

    def _on(self, alias: str, row: str, key: str = "household_key") -> e.Expr:
        return self._within(e.EQ(this=e.column(key, table=alias), expression=e.column(key, table=row)), alias, row)

    def _same(self, node: n.SetCall, alias: str) -> e.Expr:
        """The subject's row finds what was asked by its own value, its keys or its village."""
        names = [] if node.fn in _MIDDLES else [f"x{place}" for place in range(len(node.args))]
        parts = [e.EQ(this=e.column(name, table=alias), expression=value) for name, value in zip(names, self.asked(node, "s"), strict=False)]
        if node.fn in _IN_VILLAGE:
            parts.append(e.EQ(this=e.column("village_code", table=alias), expression=e.column("village_code", table="s")))
        return self._within(e.and_(*parts, copy=False), alias, "s")

    def asked(self, node: n.SetCall, row: str) -> list[e.Expr]:
        """What a set function is asked about; an item that is only compared by its number, where it has one."""
        if self.numbers is None or node.fn not in _SAME:
            return [_paren(self.sql(arg, row)) for arg in node.args]
        named = [e.column(f"{self.numbers.of}{arg.name}", table=row, quoted=True) if _is_compared(arg) else None for arg in node.args]
        return [column or _paren(self.sql(arg, row)) for column, arg in zip(named, node.args, strict=True)]

    def _within(self, same: e.Expr, alias: str, row: str) -> e.Expr:
        if not self.cell:
            return same
        return e.And(this=same, expression=e.EQ(this=e.column(self.cell, table=alias), expression=e.column(self.cell, table=row)))

    def _join(self, query: e.Select, table: e.Expression, alias: str, row: str) -> e.Select:
        return query.join(e.alias_(table, alias, table=True), on=self._on(alias, row), join_type="left", copy=False)

    def _relation(self, name: str, found: list[n.Aggregate], *, own: bool, item: "_Item | None") -> e.Select:
        relation = self.relations[name]
        before = set(self.needs)
        self.needs = set()
        alone, wanted = self._alone(found, own=own)
        values = [e.alias_(self.aggregate_value(node, "r"), f"v{place}") for place, node in enumerate(alone)]
        inner = self.needs
        self.needs = before
        key = e.column(self.key, table="o") if own else e.column(relation.key, table="r")
        query = e.select(key, *values).from_(e.alias_(e.to_table(relation.stored), "r", table=True))
        if own:
            on = self._on("o", "r")
            if item is not None:
                on = e.And(this=on, expression=e.EQ(this=self.column(item[0], "r"), expression=self.column(item[1], "r")))
            query = query.join(e.alias_(e.to_table(self.subject), "o", table=True), on=on)
        elif self.few:
            query = query.join(e.alias_(e.to_table(self.subject), "o", table=True), on=self._on("o", "r"), join_type="semi")
        for alias, table in (("rh", "household"), ("rl", "latest_spell")):
            if alias in inner:
                query = self._join(query, e.to_table(table), alias, "r")
        query = query.where(*wanted, *([e.column("is_live", table="r")] if relation.live_only else []))
        if item is not None and not own:
            value = self.column(item[0], "r")
            query = query.select(e.alias_(value, "x")).group_by(value.copy())
        if self.cell:
            cell = e.column(self.cell, table="o" if own else "r")
            query = query.select(cell).group_by(cell.copy())
        return query.group_by(key.copy())

    def _alone(self, found: list[n.Aggregate], *, own: bool) -> tuple[list[n.Aggregate], list[e.Expr]]:
        """Where only one is asked of the rows, those that do not count for it need not be grouped; what says so, and the aggregate without it. Not
        of `all`, for which they count."""
        (node,) = found if len(found) == 1 else (None,)
        if node is None or node.where is None or node.fn == "all":
            return found, []
        parts = n.conjuncts(node.where)
        wanted: list[e.Expr] = [self.holds(part, "r") for part in parts]
        if own:  # said by itself it is known before the rows are joined
            columns = [side for part in parts if isinstance(part, n.Compare) for side in (part.left, part.right) if isinstance(side, n.Column)]
            wanted += [is_known(self.sql(column, "r")) for column in columns]
        return [replace(node, where=None)], wanted

    def _population(self, node: n.SetCall) -> e.Select:
        """What a set function found, by the value, the keys or the village that it is joined by. Of duplicates how many live rows have the value, of
        other_household the ends of the range of their households' keys: another household is among them when one end is not one's own.
        Counting distinct households took twice as long."""
        before, self.needs = self.needs, set()
        values = self.asked(node, "q")
        known: list[e.Expr] = [is_known(value.copy()) for value in values]
        if self.subject == "person":
            known.append(e.column("is_live", table="q"))
        if node.where is not None:
            known.append(self.holds(node.where, "q"))
        counts = [e.alias_(self._count_of(condition), f"n{place}") for place, condition in enumerate(self.counted.get(node, ()))]
        inner, self.needs = self.needs, before
        query = e.select().from_(e.alias_(e.to_table(self.subject), "q", table=True), copy=False)
        for alias, table in (("qh", "household"), ("ql", "latest_spell")):
            if alias in inner:
                query = self._join(query, e.to_table(table), alias, "q")
        query = query.where(e.and_(*known, copy=False), copy=False)
        cells = [e.column(self.cell, table="q")] if self.cell else []
        village = e.column("village_code", table="q")
        named = [e.alias_(value, f"x{place}") for place, value in enumerate(values)]
        if node.fn == "rank":
            order = e.Order(expressions=[e.Ordered(this=values[0].copy())])
            place = e.Window(this=_fn("rank"), partition_by=[village.copy(), *(cell.copy() for cell in cells)], order=order)
            return query.select(*named, village, e.alias_(place, "n"), *cells).distinct()
        if node.fn in _MIDDLES:
            sorted_values = self.list_of("sorted", self.list_of("gathered", integer_of(values[0])))
            query = query.select(e.alias_(sorted_values, "l"), e.alias_(e.Count(this=e.Star()), "n"), village, *cells)
            query = query.group_by(village.copy(), *(cell.copy() for cell in cells))
            return self._spread(query) if node.fn == "deviation" else self._middle(query)
        key = e.column("household_key", table="q")
        found = {
            "duplicates": [e.alias_(e.Count(this=e.Star()), "n")],
            "other_household": [e.alias_(e.Min(this=key), "least_key"), e.alias_(e.Max(this=key.copy()), "greatest_key")],
            "peers": counts,
        }
        places = [_int(place + 1) for place in range(len(named))]  # values by their places: a literal would be taken for one
        query = query.select(*named, *found[node.fn], *cells).group_by(*places, *(cell.copy() for cell in cells))
        if node.fn == "peers" or (node.where is not None and node not in self.met):
            return query
        several: e.Expr = e.GT(this=e.Count(this=e.Star()), expression=_int(1))
        if node.fn != "duplicates":
            several = e.NEQ(this=e.Min(this=key.copy()), expression=e.Max(this=key.copy()))
        return query.having(several)

    def _count_of(self, condition: n.Node | None) -> e.Expression:
        rows = e.Count(this=e.Star())
        if condition is None:
            return rows
        return e.Filter(this=rows, expression=e.Where(this=self.holds(condition, "q")))

    def list_of(self, what: str, *args: e.Expr) -> e.Expression:
        return _fn({"gathered": "list", "sorted": "list_sort", "at": "list_extract", "each": "list_transform"}[what], *args)

    def _at(self, place: e.Expr) -> e.Expression:
        return self.list_of("at", e.column("l"), e.cast(place, "INT"))

    def _lower(self) -> e.Expression:
        """Of the sorted values `l`, n of them, the one in the middle, of two the smaller."""
        return self._at(e.IntDiv(this=e.Paren(this=e.Add(this=e.column("n"), expression=_int(1))), expression=_int(2)))

    def _twice_the_median(self) -> e.Expression:
        upper = self._at(e.Add(this=e.IntDiv(this=e.column("n"), expression=_int(2)), expression=_int(1)))
        return e.Add(this=self._lower(), expression=upper)

    def _beside_middles(self) -> list[str]:
        return ["n", "village_code", *([self.cell] if self.cell else [])]

    def _middle(self, gathered: e.Select) -> e.Select:
        return e.select(e.alias_(self._lower(), "middle"), *self._beside_middles()).from_(gathered.subquery("g"))

    def _spread(self, gathered: e.Select) -> e.Select:
        """Twice the median and four times the MAD of the sorted values of each village."""
        keys = self._beside_middles()
        centred = e.select("l", e.alias_(self._twice_the_median(), "middle"), *keys).from_(gathered.subquery("g"))
        far = _fn("abs", e.Sub(this=e.Mul(this=e.column("v"), expression=_int(2)), expression=e.column("middle")))
        spreads = self.list_of("sorted", self.list_of("each", e.column("l"), e.Lambda(this=far, expressions=[e.to_identifier("v")])))
        spread = e.select(e.alias_(spreads, "l"), "middle", *keys).from_(centred.subquery("c"))
        return e.select(e.alias_(self._twice_the_median(), "spread"), "middle", *keys).from_(spread.subquery("f"))


def _columns_of(trees: Iterable[e.Expression]) -> list[e.Column]:
    """Columns of tables, not the names of lambdas."""
    return [column for tree in trees for column in tree.find_all(e.Column) if column.table]


_Item = tuple[n.Column, n.Column]
_Which = tuple[str, bool, _Item | None]


def _same_item(node: n.Aggregate) -> tuple[_Item, n.Aggregate] | None:
    """The item of the relation's rows and the one of the subject's that must be equal for a row to count: found by a join, or every row of a
    household meets every other; and the node without that condition. Not for `all`, which asks about those that differ too."""
    parts = n.conjuncts(node.where) if node.fn != "all" else ()
    for part in parts:
        if isinstance(part, n.Compare) and part.op == "eq" and part.scale_left == part.scale_right == 0:
            sides = [side for side in (part.left, part.right) if isinstance(side, n.Column)]
            ends = {side.scope: n.bare(side) for side in sides}
            if ends.keys() == {"row", "own"}:
                rest = tuple(other for other in parts if other is not part)
                where = n.And(part.type, part.span, rest) if len(rest) > 1 else rest[0] if rest else None
                return (ends["row"], ends["own"]), n.bare(replace(node, where=where))
    return None


def rules_select(
    rules: Sequence[tuple[Expression, Expression | None]], *, schema: Schema, env: Mapping[str, Any], cell: str = "", numbers: Numbers | None = None
) -> e.Select:
    """Rows (subject_key, household_key, village_code, r0, r1 …) where at least one rule holds; `rN` is TRUE where rule N does.

    `rules`: condition and scope of each, all of one subject. `env`: values of constants and `param.NAME`, as the evaluator takes them. One scan
    for all: rules share the joins and sub-selects they need, and to plan a query for each is dear. A rule's condition is not
    asked IS TRUE: OR and WHERE pick the same rows without, and then a part is looked at only where the parts before it left the matter open.
    """
    return Compiler(schema, rules[0][0].subject, env, cell, numbers).judging(rules)


def value_select(expression: Expression, *, schema: Schema, env: Mapping[str, Any]) -> e.Select:
    """(subject_key, household_key, village_code, value) for every row of the subject: what conformance tests compare."""
    compiler = Compiler(schema, expression.subject, env)
    value = compiler.sql(expression.node)
    return compiler.select().select(e.alias_(value, "value", copy=False), copy=False)


def values_select(expressions: Mapping[str, Expression], *, schema: Schema, env: Mapping[str, Any]) -> e.Select:
    """(subject_key, one column per name) for every row of the subject that the expressions share: roll-ups of a form, in one scan."""
    compiler = Compiler(schema, next(iter(expressions.values())).subject, env)
    columns = [e.alias_(compiler.sql(expression.node), name, quoted=True, copy=False) for name, expression in expressions.items()]
    return compiler.select().select(*columns, copy=False)


def aggregates_select(nodes: Sequence[n.Aggregate], *, subject: str, schema: Schema, env: Mapping[str, Any]) -> e.Select:
    """(subject_key, household_key, village_code, v0, v1 …) for every row of the subject: what aggregates of its rules come to."""
    compiler = Compiler(schema, subject, env)
    columns = [e.alias_(compiler.sql(node), f"v{place}", copy=False) for place, node in enumerate(nodes)]
    return compiler.subjects().select(*columns, copy=False)


def latest_spells(cell: str = "") -> e.Select:
    """What `latest_spell` is: of each household (in its cell) the spell with the highest number."""
    keys = [e.column(name) for name in (cell, "household_key") if name]
    number = e.Window(this=e.RowNumber(), partition_by=keys, order=e.Order(expressions=[e.Ordered(this=e.column("spell_no"), desc=True)]))
    ranked = e.select(e.Star(), e.alias_(number, "place")).from_("spell").subquery("ranked")
    return e.select(e.Star()).from_(ranked).where(e.EQ(this=e.column("place"), expression=_int(1)))


def column_type(type_: object) -> str:
    """DuckDB type that a column of this type has in the snapshot."""
    match type_:
        case Bool():
            return "BOOLEAN"
        case Number() | Int():
            return "BIGINT"
        case Text() | Code():
            return "VARCHAR"
        case _ if type(type_).__name__ == "Codes":
            return "VARCHAR[]"
        case _:
            return "INTEGER"
