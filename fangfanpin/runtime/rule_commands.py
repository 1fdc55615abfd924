"""`fangfanpin rules list | sql | eval | schema` on a pack's files. They need neither Django nor a database."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fangfanpin.cli import Answer, Command, CommandFault
from fangfanpin.expressions import Bool, Code, Codes, Date, Int, Month, Number, Type, evaluate
from fangfanpin.expressions.dialects import DIALECTS, rule_sql
from fangfanpin.expressions.types import MAX_DIGITS
from fangfanpin.pack import Pack, Rule
from fangfanpin.pack.codec import check_json
from fangfanpin.quality import messages
from fangfanpin.runtime.pack_commands import load

DEFAULT = "guzhen-2021"
_FORMS = {"household": "household_year", "person": "person_year"}
_LARGEST_INPUT = 5_000_000  # characters; a household of six is twenty thousand
PackOf = Callable[[argparse.Namespace], Pack]


def commands(pack_of: PackOf) -> dict[str, Command]:
    """The commands on whatever pack `pack_of` finds."""
    return {
        "rules list": Command(_with_pack, lambda arguments: _list(pack_of(arguments))),
        "rules sql": Command(_sql_arguments, lambda arguments: _sql(pack_of(arguments), arguments.id, arguments.dialect)),
        "rules eval": Command(_one_rule, lambda arguments: _eval(pack_of(arguments), arguments.id)),
        "rules schema": Command(_with_pack, lambda arguments: _as_json(json_schema(pack_of(arguments)))),
    }


def _with_pack(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pack", metavar="PACK", help=f"政策包：packs 下的名称或路径；不写时用本县现行的，还没有县时用 {DEFAULT}")


def _one_rule(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="规则编号，见 fangfanpin rules list")
    _with_pack(parser)


def _sql_arguments(parser: argparse.ArgumentParser) -> None:
    _one_rule(parser)
    parser.add_argument("--dialect", choices=sorted(DIALECTS), default="duckdb", help="哪一种 SQL")


COMMANDS = commands(lambda arguments: load(arguments.pack or DEFAULT))


def _rule(pack: Pack, rule_id: str) -> Rule:
    rule = next((rule for rule in pack.judged if rule.id == rule_id), None)
    if rule is None:
        reason = pack.left_out.get(rule_id)
        why = f"没有写成规则：{reason} (left out)" if reason else "可用 fangfanpin rules list 查看 (no such rule)"
        raise CommandFault(f"{pack.id} 里没有规则 {rule_id}；{why}")
    return rule


def _as_json(facts: dict[str, Any]) -> Answer:
    return Answer(facts, json.dumps(facts, ensure_ascii=False, indent=2))


def _list(pack: Pack) -> Answer:
    screens = {screen.rule.id for screen in pack.screens}
    rules = [
        {
            "id": rule.id,
            "title": rule.title,
            "title_en": rule.title_en,
            "severity": rule.severity,
            "is_screen": rule.id in screens,
            "subject": rule.subject,
            "reach": rule.reach,
            "scope": rule.scope.text if rule.scope else None,
            "when": rule.when.text,
            "message": rule.message,
            "message_en": rule.message_en,
            "where": rule.where,
            "origin": rule.origin,
            "bulk_answer": rule.bulk_answer,
        }
        for rule in pack.judged
    ]
    lines = [f"{rule.id:<8}{rule.severity}  {rule.subject:<10}{rule.reach:<10}{rule.title}" for rule in pack.judged]
    return Answer({"pack": pack.id, "hash": pack.hash, "rules": rules}, "\n".join([*lines, f"{pack.id}：{len(rules)} 条规则"]))


def _sql(pack: Pack, rule_id: str, dialect: str) -> Answer:
    rule = _rule(pack, rule_id)
    text = rule_sql(rule.when, rule.scope, dialect, schema=pack.schema(), env=pack.constants())
    return Answer({"pack": pack.id, "hash": pack.hash, "rule": rule.id, "dialect": dialect, "sql": text}, text)


# A household as JSON


def _eval(pack: Pack, rule_id: str) -> Answer:
    rule = _rule(pack, rule_id)
    if rule.reach == "set":
        raise CommandFault(f"{rule.id} 要看全县的数据，一户看不出来，请用 fangfanpin sweep (this rule asks about the whole county)")
    given = sys.stdin.read(_LARGEST_INPUT + 1)
    if len(given) > _LARGEST_INPUT:
        raise CommandFault(f"输入超过 {_LARGEST_INPUT} 个字符 (the input is too large)")
    try:
        household = json.loads(given)
    except (ValueError, RecursionError) as fault:
        raise CommandFault(f"标准输入不是 JSON (stdin is not JSON)：{fault}") from None
    return _as_json(judged(rule, pack, household))


def judged(rule: Rule, pack: Pack, given: object) -> dict[str, Any]:
    """What a rule says of each of its subjects in a household of the shape of `json_schema`. Raises CommandFault with every fault of the
    shape, a line each."""
    scopes = _Household(pack, given).scopes(rule.subject)
    found = []
    for key, scope, keys in scopes:
        in_scope = None if rule.scope is None else evaluate(rule.scope, scope)
        value = evaluate(rule.when, scope)
        used = messages.codec_values(rule, _used(rule, pack, scope, keys), pack)
        hit = (rule.scope is None or in_scope is True) and value is True
        found.append(
            {
                "key": key,
                "hit": hit,
                "in_scope": in_scope,
                "value": value,
                "used": messages.shown(used),
                "message": messages.render(rule, used, pack) if hit else None,
            }
        )
    return {
        "pack": pack.id,
        "hash": pack.hash,
        "rule": rule.id,
        "severity": rule.severity,
        "subject": rule.subject,
        "hit": any(one["hit"] for one in found),
        "subjects": found,
    }


def _used(rule: Rule, pack: Pack, scope: Mapping[str, Any], keys: Mapping[str, list[str]]) -> dict[str, Any]:
    """The values a rule reads, as the sweep keeps them with a hit."""
    readings = ((reading, messages.relation_of(reading, pack.schema())) for reading in messages.readings(rule))
    return messages.values_in(scope, readings, keys) | {name: evaluate(node, scope) for name, node in messages.sums(rule).items()}


class _Household:
    """Reads the JSON shape: values in the codec's form, every fault told at once."""

    def __init__(self, pack: Pack, given: object) -> None:
        self.pack = pack
        self.faults: list[str] = []
        data = self._object(given, "输入", {*pack.schema().subjects})
        self.household = self._row(data.get("household", {}), "household", "household")
        self.rows = {table: self._rows(data.get(table, []), table) for table in pack.schema().subjects if table != "household"}
        if "members_live" in pack.schema().subjects["household"].columns:
            self.household["row"].setdefault("members_live", sum(row["is_live"] for row in self.rows["person"]))
        if self.faults:
            raise CommandFault("\n".join([*self.faults, f"共 {len(self.faults)} 处不对；形状见 fangfanpin rules schema ({len(self.faults)} faults)"]))

    def scopes(self, subject: str) -> Iterator[tuple[str, dict[str, Any], Mapping[str, list[str]]]]:
        """Key and scope of every subject that the sweep would ask about, and the keys of each relation's rows. A village's are the rows of the
        input: it is the village of one household."""
        rows = {**self.rows, "household": [{**self.household, "key": "household", "is_live": True}]}
        relations = {
            name: [row for row in rows[relation.table] if row["is_live"] or not relation.live_only]
            for name, relation in self.pack.schema().relations_of(subject).items()
        }
        latest = max(self.rows["spell"], key=lambda row: row["row"].get("spell_no") or 0, default=None)
        household = {**self.household, "relations": relations, "spell": latest and {"row": latest["row"]}}
        keys = {name: [row["key"] for row in rows] for name, rows in relations.items()}
        own = [self.household | {"key": "household"}] if subject == "household" else self.rows[subject]
        for row in own:
            if subject != "person" or row["is_live"]:
                scope = {"row": row["row"], "last": row["last"], "household": household, "consts": self.pack.constants()}
                yield row["key"], scope, keys

    def _wrong(self, place: str, zh: str) -> None:
        self.faults.append(f"{place}：{zh}")

    def _object(self, given: object, place: str, known: set[str]) -> dict[str, Any]:
        if not isinstance(given, dict):
            self._wrong(place, "要是一个 JSON 对象 (must be an object)")
            return {}
        for name in sorted(given.keys() - known):
            self._wrong(f"{place}.{name}", "不认识 (unknown)")
        return given

    def _rows(self, given: object, table: str) -> list[dict[str, Any]]:
        if not isinstance(given, list):
            self._wrong(table, "要是一个列表 (must be a list)")
            return []
        return [self._row(row, table, f"{table}[{number}]") for number, row in enumerate(given)]

    def _row(self, given: object, table: str, place: str) -> dict[str, Any]:
        of = self.pack.schema().subjects[table]
        allowed = {"row", *(["last"] if of.has_last else []), *(["key"] if table != "household" else []), *(["is_live"] if table == "person" else [])}
        data = self._object(given, place, allowed)
        row = self._values(data.get("row", {}), table, f"{place}.row")
        if "row_id" in of.columns:
            row.setdefault("row_id", str(data.get("key", place)))
        last = None if data.get("last") is None else self._values(data["last"], table, f"{place}.last")
        live = data.get("is_live", row.get("member_state", "01") == "01")
        if not isinstance(live, bool):
            self._wrong(f"{place}.is_live", "要是 true 或 false (must be true or false)")
        return {"key": str(data.get("key", place)), "row": row, "last": last, "is_live": bool(live)}

    def _values(self, given: object, table: str, place: str) -> dict[str, Any]:
        columns = self.pack.schema().subjects[table].columns
        data = self._object(given, place, set(columns))
        found: dict[str, Any] = {}
        for name, value in data.items():
            if name not in columns:
                continue
            fault = self._fault(table, name, columns[name], value)
            if fault is None:
                found[name] = self.pack.to_engine(_form(table), name, value)
            else:
                self._wrong(f"{place}.{name}", fault)
        return found

    def _fault(self, table: str, name: str, type_: Type, value: object) -> str | None:
        indicator = self.pack.spell_items.get(name) if table == "spell" else self.pack.indicators.get(f"{_form(table)}.{name}")
        if indicator is not None:
            return check_json(indicator, value, self.pack.words.get(indicator.list, {}))
        shape = _value_schema(type_, {})
        return None if value is None or _fits(value, shape) else f"要是 {shape['type'][0]} (of another type)"


def _form(table: str) -> str:
    return _FORMS.get(table, table)


_PYTHON = {"boolean": bool, "integer": int, "string": str, "array": list}


def _fits(value: object, shape: Mapping[str, Any]) -> bool:
    """Of derived facts, which are not items of the dictionary."""
    kind = _PYTHON[shape["type"][0]]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return False
    return shape.get("format") != "date" or (isinstance(value, str) and len(value) == 10 and value.replace("-", "").isdigit())


def json_schema(pack: Pack) -> dict[str, Any]:
    """The JSON Schema of what `rules eval` takes: a household, its rows by table, each with this year's values and last year's."""
    schema = pack.schema()

    def row(table: str) -> dict[str, Any]:
        of = schema.subjects[table]
        values = {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: _item_schema(table, name, type_, pack) for name, type_ in of.columns.items()},
        }
        parts: dict[str, Any] = {"row": values}
        if of.has_last:
            parts["last"] = {"anyOf": [{"$ref": f"#/properties/{table}{'' if table == 'household' else '/items'}/properties/row"}, {"type": "null"}]}
        if table != "household":
            parts["key"] = {"type": "string", "description": "how the answer names the row"}
        if table == "person":
            parts["is_live"] = {"type": "boolean", "description": "a member on the state date; by default as member_state says"}
        return {"type": "object", "additionalProperties": False, "properties": parts}

    tables = {table: row(table) if table == "household" else {"type": "array", "items": row(table)} for table in schema.subjects}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{pack.id}: a household for rules eval",
        "type": "object",
        "additionalProperties": False,
        "required": ["household"],
        "properties": tables,
    }


def _item_schema(table: str, name: str, type_: Type, pack: Pack) -> dict[str, Any]:
    indicator = pack.spell_items.get(name) if table == "spell" else pack.indicators.get(f"{_form(table)}.{name}")
    shape = _value_schema(type_, pack.words)
    return {**shape, "title": indicator.zh, **({"description": indicator.en} if indicator.en else {})} if indicator else shape


def _value_schema(type_: Type, words: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """A value in the codec's JSON form."""
    match type_:
        case Bool():
            return {"type": ["boolean", "null"]}
        case Int():
            return {"type": ["integer", "null"]}
        case Number(unit, scale):
            return {"type": ["integer", "null"], "x-unit": unit, "x-scale": scale, "maximum": 10**MAX_DIGITS - 1}
        case Date():
            return {"type": ["string", "null"], "format": "date"}
        case Month():
            return {"type": ["string", "null"], "pattern": "^[0-9]{4}(-(0[1-9]|1[0-2]))?$"}
        case Code(list_name):
            codes = {"enum": [*words[list_name], None]} if list_name in words else {}
            return {"type": ["string", "null"], **codes, "x-list": list_name}
        case Codes(list_name):
            items = {"type": "string", **({"enum": [*words[list_name]]} if list_name in words else {})}
            return {"type": ["array", "null"], "items": items, "uniqueItems": True, "x-list": list_name}
        case _:
            return {"type": ["string", "null"]}
