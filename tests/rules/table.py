"""What an example of a rule is: a hit, a subject that is none, one at the boundary and one with nothing among the values used.

A situation names what is there, values in JSON form (money in fen, areas in 0.01 mu, months in tenths): `row` the subject, `last` its last
year, `home` and `home_last` the household, `members` and `left` its people (of a person the others), `spells`, the rows of registers by
relation (of a register's rule the others), and `elsewhere` people of another household of the village, of a rule on households others of them.
A member's row may hold `last`, their last year.
Each example is the base with its own changes; `edge` says itself whether it hits (the limit belongs to one side).

What an example says is read from the catalogue's statement and its reading, never from what an engine found. "Nobody has …" is true where
nobody is recorded as having it, so that an empty item of the only member hits there; nowhere else does an empty value hit, unless the
statement says empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Situation = Mapping[str, Any]
YUAN = 100
KINDS = ("hit", "miss", "edge", "null")


@dataclass(frozen=True, slots=True)
class Example:
    """`kind`: one of KINDS, or `more1`, `more2` … where a statement has several halves or a limit two sides."""

    rule: str
    kind: str
    hits: bool
    situation: Situation


class Table:
    def __init__(self) -> None:
        self.examples: list[Example] = []
        self.bases: dict[str, Situation] = {}

    def rule(
        self, rule: str, base: Situation, *, hit: Situation, miss: Situation, edge: Situation, null: Situation, edge_hits: bool = False,
        null_hits: bool = False, hits: Sequence[Situation] = (), misses: Sequence[Situation] = (),
    ) -> None:  # fmt: skip
        """Sections of a change replace those of the base item by item (mappings) or as a whole (lists). `hits`, `misses`: further examples."""
        self.bases[rule] = base
        for kind, change, hitting in (("hit", hit, True), ("miss", miss, False), ("edge", edge, edge_hits), ("null", null, null_hits)):
            self._keep(rule, kind, change, hitting)
        for further, hitting in ((hits, True), (misses, False)):
            for change in further:
                self.more(rule, change, hits=hitting)

    def more(self, rule: str, change: Situation, *, hits: bool) -> None:
        """One more example of a rule that has its four."""
        count = sum(example.rule == rule for example in self.examples)
        self._keep(rule, f"more{count + 1 - len(KINDS)}", change, hits)

    def _keep(self, rule: str, kind: str, change: Situation, hits: bool) -> None:
        merged = dict(self.bases[rule])
        for section, value in change.items():
            merged[section] = {**merged.get(section, {}), **value} if isinstance(value, dict) else value
        self.examples.append(Example(rule, kind, hits, merged))


def row(**values: Any) -> dict[str, Any]:
    return {"row": values}


def people(*members: Mapping[str, Any]) -> dict[str, Any]:
    return {"members": list(members)}
