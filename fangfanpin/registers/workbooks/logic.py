"""What the pack computes and demands of a register's rows, for many rows at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from fangfanpin.expressions import Expression
from fangfanpin.expressions.closures import compiled
from fangfanpin.expressions.nodes import Column, Node, children
from fangfanpin.households.models import Household
from fangfanpin.pack.model import Computation, Constraint
from fangfanpin.records.models import Record
from fangfanpin.records.units import load_unit, scopes_of
from fangfanpin.registers.mirror import value_of
from fangfanpin.registers.workbooks.sheets import Ground, Sheet


class Logic:
    """The register's computations and constraints, compiled once; what they read of the household is loaded once per household."""

    def __init__(self, on: Ground) -> None:
        self._on = on
        self.computations: list[Computation] = [one for one in on.pack.computations if one.form == on.register.key]
        self.constraints: list[Constraint] = [one for one in on.pack.constraints if one.form == on.register.key]
        expressions = [*(one.expression for one in self.computations), *(one.expression for one in self.constraints)]
        self._compiled = {id(expression): compiled(expression) for expression in expressions}
        self._reads = {id(expression): _names_read(expression.node) for expression in expressions}
        self._consts = on.pack.constants()
        self._households: dict[UUID, Any] = {}

    def reads(self, expression: Expression) -> frozenset[str]:
        """Items of the row that the expression reads."""
        return self._reads[id(expression)]

    def of_rows(self, expression: Expression, columns: Mapping[str, Sequence[Any]], sheet: Sheet, positions: Sequence[int]) -> list[Any]:
        """What the expression gives for each row. `columns`: values in JSON form by item, several as tuples."""
        run, names = self._compiled[id(expression)], list(columns)
        further = expression.reach != "row"
        rows: Iterable[tuple[Any, ...]] = zip(*columns.values(), strict=True) if names else [()] * len(positions)
        made: dict[Any, Any] = {}
        found = []
        for position, values in zip(positions, rows, strict=True):
            subject = sheet.subjects[position]
            home = subject.household if further and subject is not None else None
            key = (home, tuple(tuple(value) if isinstance(value, list) else value for value in values))
            if key not in made:
                made[key] = run(self._scope(names, values, home))
            found.append(made[key])
        return found

    def _scope(self, names: Sequence[str], values: Sequence[Any], home: UUID | None) -> dict[str, Any]:
        to_engine = self._on.pack.to_engine
        form = self._on.register.key
        row = {name: to_engine(form, name, list(value) if isinstance(value, tuple) else value) for name, value in zip(names, values, strict=True)}
        scope: dict[str, Any] = {"row": row, "last": None, "consts": self._consts}
        if home is not None:
            scope["household"] = self._household(home)
        return scope

    def scope_of(self, record: Record) -> dict[str, Any]:
        """A whole row for expressions that read nothing but it."""
        names = [item.name for item in self._on.register.form.indicators]
        return self._scope(names, [value_of(record, self._on.register, item) for item in self._on.register.form.indicators], None)

    def _household(self, home: UUID) -> Any:
        if home not in self._households:
            self._households[home] = scopes_of(load_unit(Household.objects.get(pk=home), self._on.year), self._on.pack).household
        return self._households[home]


def _names_read(node: Node) -> frozenset[str]:
    own = {node.name} if isinstance(node, Column) and node.scope == "row" else set()
    return frozenset(own.union(*(_names_read(child) for child in children(node))))
