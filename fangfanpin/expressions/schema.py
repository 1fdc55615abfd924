"""What an expression may name: tables with typed columns, relations, lists, parameters, constants, orderings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fangfanpin.expressions.types import Type


@dataclass(frozen=True, slots=True)
class Table:
    """`has_last`: rows have a last year's row beside them."""

    name: str
    columns: Mapping[str, Type]
    has_last: bool = True


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows of `table` that belong to a household; `live_only`: those with is_live."""

    name: str
    table: str
    live_only: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """`subjects`: household, person, spell. `lists`: {list: {code: word}}. `params`: typed values by name."""

    subjects: Mapping[str, Table]
    relations: Mapping[str, Relation]
    lists: Mapping[str, Mapping[str, str]]
    params: Mapping[str, Type] = field(default_factory=dict)
    constants: Mapping[str, Type] = field(default_factory=dict)
    orderings: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
