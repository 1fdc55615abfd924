"""Write cases.json from the examples, for engines in other languages: `python -m tests.rules.write`.

A list of rules `{rule, node, consts, cases: [{kind, hits, scope}]}`; scopes as tests/conformance/README.md has them, without `consts`.
"""

import json
from itertools import groupby
from pathlib import Path

from fangfanpin.expressions import to_json
from tests.rules.examples import all_examples
from tests.rules.judged import TODAY, guzhen, situations, whole

CASES = Path(__file__).parent / "cases.json"


def text() -> str:
    pack = guzhen()
    written = []
    for _rule, judged in groupby(situations(all_examples(), pack), key=lambda one: one.rule.id):
        group = list(judged)
        cases = [
            {"kind": one.example.kind, "hits": one.example.hits, "scope": {k: v for k, v in one.scope().items() if k != "consts"}} for one in group
        ]
        node = to_json(whole(group[0].rule))
        named = json.dumps(node)
        consts = {name: value for name, value in sorted(pack.constants(TODAY).items()) if f'"{name}"' in named}
        rule = {"rule": group[0].rule.id, "node": node, "consts": consts, "cases": cases}
        written.append(json.dumps(rule, ensure_ascii=False))
    return "[\n" + ",\n".join(written) + "\n]\n"


if __name__ == "__main__":
    CASES.write_text(text(), encoding="utf-8")
