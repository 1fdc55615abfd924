"""What an expression may name: tables with typed columns, relations, lists, parameters, constants, orderings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fangfanpin.expressions.types import Type


@dataclass(frozen=True, slots=True)
class Table:
    """`has_last`: rows have a last year's row beside them; what sums or checks a village's table does not ask for it. `of_household`: each row
    belongs to a household, whose items it may ask. `relations`: what the rows may be counted over; None where these are the household's.
    `swept`: columns that a sweep alone fills, for those who save one household need not see where they come from."""

    name: str
    columns: Mapping[str, Type]
    has_last: bool = True
    of_household: bool = True
    relations: "Mapping[str, Relation] | None" = None
    swept: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows of `table` that belong to a household, or by another `key` to a village; `live_only`: those with is_live; `by`: those that name the
    household in this item (several in one row), by default those that are its own."""

    name: str
    table: str
    live_only: bool = False
    key: str = "household_key"
    by: str = ""

    @property
    def stored(self) -> str:
        """The table of the sweep that has its rows by household."""
        return f"{self.table}_{self.by}" if self.by else self.table


@dataclass(frozen=True, slots=True)
class Schema:
    """`subjects`: household, person, spell, and every register by its key. `relations`: those of a household. `lists`: {list: {code: word}}.
    `params`: typed values by name."""

    subjects: Mapping[str, Table]
    relations: Mapping[str, Relation]
    lists: Mapping[str, Mapping[str, str]]
    params: Mapping[str, Type] = field(default_factory=dict)
    constants: Mapping[str, Type] = field(default_factory=dict)
    orderings: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def relations_of(self, subject: str) -> Mapping[str, Relation]:
        """What expressions about the subject may count over."""
        own = self.subjects[subject].relations
        return self.relations if own is None else own
