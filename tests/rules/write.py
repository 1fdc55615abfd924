"""Write the examples to cases/, for engines in other languages: `python -m tests.rules.write`.

One file per family: a list of rules `{rule, node, consts, cases: [{kind, hits, scope}]}`, one line for a rule and one for a case; scopes as
tests/conformance/README.md has them, without `consts`. Rules that only a whole county can answer stay with the sweep and are not there.
"""

import json
from itertools import groupby
from pathlib import Path

from fangfanpin.expressions import to_json
from tests.rules.examples import all_examples
from tests.rules.judged import TODAY, guzhen, situations, whole

CASES = Path(__file__).parent / "cases"


def files() -> dict[str, str]:
    """Text by the file's name."""
    pack = guzhen()
    known = pack.constants(TODAY)
    families: dict[str, list[str]] = {}
    judged = sorted((one for one in situations(all_examples(), pack) if one.rule.reach != "set"), key=lambda one: one.rule.id)
    for rule_id, of_rule in groupby(judged, key=lambda one: one.rule.id):
        group = list(of_rule)
        node = to_json(whole(group[0].rule))
        named = json.dumps(node)
        rule = {"rule": rule_id, "node": node, "consts": {name: value for name, value in sorted(known.items()) if f'"{name}"' in named}}
        cases = [
            {"kind": one.example.kind, "hits": one.example.hits, "scope": {k: v for k, v in one.scope().items() if k != "consts"}} for one in group
        ]
        lines = ",\n".join(_line(case) for case in cases)
        families.setdefault(rule_id[0], []).append(_line(rule)[:-1] + f',"cases":[\n{lines}\n]}}')
    return {f"{family}.json": "[\n" + ",\n".join(rules) + "\n]\n" for family, rules in families.items()}


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    CASES.mkdir(exist_ok=True)
    for name, text in files().items():
        (CASES / name).write_text(text, encoding="utf-8")
