"""The situations of examples as engines take them: a scope for Python and TypeScript, wide tables for DuckDB."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from fangfanpin.expressions import Schema, Type
from fangfanpin.expressions import nodes as n
from fangfanpin.expressions.duckdb import ROW_KEY, column_type, rules_select
from fangfanpin.expressions.types import Bool
from fangfanpin.pack import Pack, Rule, load_pack
from tests.rules.examples import Example, Situation

TODAY = datetime.date(2021, 11, 15)
PACK = Path(__file__).parents[2] / "packs" / "guzhen-2021"
_ARROW = {"BOOLEAN": pa.bool_(), "BIGINT": pa.int64(), "INTEGER": pa.int32(), "VARCHAR": pa.string(), "VARCHAR[]": pa.list_(pa.string())}
_FORM = {"household": "household_year", "person": "person_year", "spell": "spell"}
_KEY = {"household": "household_key", "person": "person_key", "spell": "spell_key"}
_SHARED = {"row", "last", "home", "home_last", "members", "left", "spells"}


def guzhen() -> Pack:
    return load_pack(PACK)


def whole(rule: Rule) -> n.Node:
    """Scope and condition as one node, as the sweep asks them."""
    return rule.when.node if rule.scope is None else n.And(Bool(), rule.when.node.span, (rule.scope.node, rule.when.node))


class Judged:
    """One situation, its values as expressions see them."""

    def __init__(self, example: Example, rule: Rule, pack: Pack) -> None:
        self.example, self.rule, self.pack = example, rule, pack
        given = example.situation
        self.relations: dict[str, list[dict[str, Any]]] = {"members": [], "left": [], "spells": []}
        for name, relation in pack.schema().relations.items():
            if name not in ("members", "all_members"):
                self.relations[name] = [self.row(relation.table, one) for one in given.get(name, ())]
        for name in ("members", "left"):
            self.relations[name] = [self.row("person", one) for one in given.get(name, ())]
        unknown = given.keys() - _SHARED - self.relations.keys()
        assert not unknown, f"{rule.id}: {unknown}"
        self.own = self.row(rule.subject, given.get("row", {}))
        self.own_last = self.row(rule.subject, given["last"]) if "last" in given else None
        household = rule.subject == "household"
        self.home = self.own if household else self.row("household", given.get("home", {}))
        self.home_last = self.own_last if household else self.row("household", given["home_last"]) if "home_last" in given else None
        if not household:
            self.relations.setdefault(self.among, []).insert(0, self.own)

    @property
    def among(self) -> str:
        """The relation that the subject is a row of; of a project none."""
        tables = {"person": "members", "spell": "spells"}
        schema = self.pack.schema()
        found = (name for name, one in schema.relations.items() if one.table == self.rule.subject and not one.by)
        return tables.get(self.rule.subject) or next(found, "itself")

    def row(self, table: str, values: Mapping[str, Any]) -> dict[str, Any]:
        schema = self.pack.schema()
        unknown = values.keys() - schema.subjects[table].columns.keys()
        assert not unknown, f"{self.rule.id}: {table} has no {unknown}"
        return {name: self.pack.to_engine(_FORM.get(table, table), name, value) for name, value in values.items()}

    def scope(self) -> dict[str, Any]:
        """As tests/conformance has it: rows of relations hold `row` and `last` only."""

        def pair(row: dict[str, Any]) -> dict[str, Any]:
            return {"row": _plain(row), "last": _plain(self.own_last) if row is self.own else None}

        names = set(self.relations) - {"members", "left", "itself"}
        members = [pair(row) for row in self.relations["members"]]
        relations = {name: [pair(row) for row in self.relations[name]] for name in sorted(names) if self.relations[name]}
        relations |= {"members": members, "all_members": [*members, *(pair(row) for row in self.relations["left"])]}
        spell = max(self.relations["spells"], key=lambda row: row.get("spell_no") or 0, default=None)
        household = {
            "row": _plain(self.home),
            "last": _plain(self.home_last),
            "relations": relations,
            "spell": {"row": _plain(spell)} if spell else None,
        }
        return {"row": _plain(self.own), "last": _plain(self.own_last), "household": household, "consts": self.pack.constants(TODAY)}


def _plain(row: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if row is None else {name: list(value) if isinstance(value, tuple) else value for name, value in row.items()}


def in_duckdb(judged: Sequence[Judged], pack: Pack) -> set[int]:
    """Places of the situations that their rule hits, by the sweep's own statements: every situation is a household of one county."""
    schema = pack.schema()
    rows: dict[str, list[dict[str, Any]]] = {table: [] for table in schema.subjects}
    for place, one in enumerate(judged):
        home = f"h{place}"
        rows["household"].append(_wide(one.home, one.home_last) | {"household_key": home, "village_code": "v"})
        for name, relation in schema.relations.items():
            if name in ("members", "all_members") or relation.by:
                continue
            rows[relation.table] += [_keyed(row, one, relation.table, home) for row in one.relations[name]]
        for name in ("members", "left"):
            rows["person"] += [_keyed(row, one, "person", home) | {"is_live": name == "members"} for row in one.relations[name]]
        if one.among == "itself":
            rows[one.rule.subject].append(_keyed(one.own, one, one.rule.subject, home))
    database = duckdb.connect(":memory:")
    for table, held in rows.items():
        _create(database, table, held, schema)
    database.execute(
        "CREATE VIEW latest_spell AS SELECT * FROM spell QUALIFY row_number() OVER (PARTITION BY household_key ORDER BY spell_no DESC) = 1"
    )
    found: set[int] = set()
    for rule in {one.rule.id: one.rule for one in judged}.values():
        select = rules_select([(rule.when, rule.scope)], schema=schema, env=pack.constants(TODAY))
        hits = {str(row[0]) for row in database.sql(select.sql("duckdb")).fetchall()}
        found |= {
            place
            for place, one in enumerate(judged)
            if one.rule is rule and (f"h{place}" if rule.subject == "household" else f"h{place}/own") in hits
        }
    database.close()
    return found


def _keyed(row: dict[str, Any], one: Judged, table: str, home: str) -> dict[str, Any]:
    last = one.own_last if row is one.own else None
    key = f"{home}/own" if row is one.own else f"{home}/{id(row)}"
    return _wide(row, last) | {_KEY.get(table, ROW_KEY): key, "household_key": home, "village_code": "v"}


def _wide(row: Mapping[str, Any], last: Mapping[str, Any] | None) -> dict[str, Any]:
    return {**row, **{f"last__{name}": value for name, value in (last or {}).items()}}


def _create(database: duckdb.DuckDBPyConnection, table: str, rows: Iterable[dict[str, Any]], schema: Schema) -> None:
    columns: Mapping[str, Type] = schema.subjects[table].columns
    fields = [(name, _ARROW[column_type(type_)]) for name, type_ in columns.items()]
    if schema.subjects[table].has_last:
        fields += [(f"last__{name}", kind) for name, kind in list(fields)]
    keys = {"household_key", "village_code", _KEY.get(table, ROW_KEY)} | ({"is_live"} if table == "person" else set())
    fields += [(key, pa.bool_() if key == "is_live" else pa.string()) for key in sorted(keys)]
    database.from_arrow(pa.Table.from_pylist(list(rows), schema=pa.schema(fields))).create(table)


def situations(examples: Iterable[Example], pack: Pack) -> list[Judged]:
    rules = {rule.id: rule for rule in pack.rules}
    return [Judged(example, rules[example.rule], pack) for example in examples]


__all__ = ["TODAY", "Judged", "Situation", "guzhen", "in_duckdb", "situations", "whole"]
