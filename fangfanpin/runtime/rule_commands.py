"""`fangfanpin rules list | sql | eval | schema` on a pack's files. They need neither Django nor a database."""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from fangfanpin.cli import Answer, Command, CommandFault
from fangfanpin.expressions import evaluate
from fangfanpin.expressions.dialects import DIALECTS, rule_sql
from fangfanpin.pack import Pack, Rule
from fangfanpin.quality import messages
from fangfanpin.runtime.pack_commands import load
from fangfanpin.runtime.rule_input import Given, Judged, json_schema

DEFAULT = "guzhen-2021"
_LARGEST_INPUT = 5_000_000  # characters; a household of six is twenty thousand, so a village has room
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


# A household or a village as JSON


def _eval(pack: Pack, rule_id: str) -> Answer:
    rule = _rule(pack, rule_id)
    given = sys.stdin.read(_LARGEST_INPUT + 1)
    if len(given) > _LARGEST_INPUT:
        raise CommandFault(f"输入超过 {_LARGEST_INPUT} 个字符 (the input is too large)")
    try:
        data = json.loads(given)
    except (ValueError, RecursionError) as fault:
        raise CommandFault(f"标准输入不是 JSON (stdin is not JSON)：{fault}") from None
    return _as_json(judged(rule, pack, data))


def judged(rule: Rule, pack: Pack, given: object) -> dict[str, Any]:
    """What a rule says of each of its subjects in a household or village of the shape of `json_schema`. A rule that compares the county's rows asks
    those given. Raises CommandFault with every fault of the shape, a line each."""
    read = Given(pack, given)
    if rule.reach == "set" and not read.is_several:
        raise CommandFault(
            f"{rule.id} 要几户一起比对，一户看不出来：请给 households（形状见 fangfanpin rules schema），或用 fangfanpin sweep (give several)"
        )
    subjects = read.judged(rule.subject)
    everybody = [one.scope for one in subjects]
    found = []
    for one in subjects:
        in_scope = None if rule.scope is None else evaluate(rule.scope, one.scope, everybody)
        value = evaluate(rule.when, one.scope, everybody)
        used = messages.codec_values(rule, _used(rule, pack, one), pack)
        hit = (rule.scope is None or in_scope is True) and value is True
        found.append(
            {
                "key": one.key,
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


def _used(rule: Rule, pack: Pack, one: Judged) -> dict[str, Any]:
    """The values a rule reads, as the sweep keeps them with a hit."""
    readings = ((reading, messages.relation_of(reading, pack.schema())) for reading in messages.readings(rule))
    return messages.values_in(one.scope, readings, one.keys) | {name: evaluate(node, one.scope) for name, node in messages.sums(rule).items()}
