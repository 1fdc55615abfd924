"""No node, operator, function, pattern, scope or type without a case: what is added to the language must be specified."""

from fangfanpin.expressions import infer
from fangfanpin.expressions import nodes as n
from fangfanpin.expressions import types as t
from fangfanpin.expressions.functions import AGGREGATES, SCALAR, SETS
from fangfanpin.expressions.patterns import PATTERNS
from tests.conformance.tables import all_cases, sets
from tests.conformance.world import SCHEMA

OPERATORS = {"eq", "ne", "lt", "le", "gt", "ge", "add", "sub", "mul"}
SCOPES = {"row", "last", "household", "household.last", "spell", "own"}
EVERY = (
    {node.__name__ for node in n.Node.__subclasses__()}
    | {f"op:{op}" for op in OPERATORS}
    | {f"call:{fn}" for fn in SCALAR}
    | {f"agg:{fn}" for fn in AGGREGATES}
    | {f"set:{fn}" for fn in SETS}
    | {f"pattern:{name}" for name in PATTERNS}
    | {f"scope:{scope}" for scope in SCOPES}
    | {f"type:{kind.__name__}" for kind in (t.Bool, t.Int, t.Number, t.Text, t.Code, t.Codes, t.Date, t.Month)}
)


def kinds(node: n.Node) -> set[str]:
    """What of the language an expression uses."""
    found = {type(node).__name__, f"type:{type(node.type).__name__}"}
    match node:
        case n.Compare(op=op) | n.Arithmetic(op=op):
            found.add(f"op:{op}")
        case n.Call(fn=fn, extra=extra):
            found |= {f"call:{fn}", *([f"pattern:{extra}"] if fn == "matches" else [])}
        case n.Aggregate(fn=fn):
            found.add(f"agg:{fn}")
        case n.SetCall(fn=fn):
            found.add(f"set:{fn}")
        case n.Column(scope=scope):
            found.add(f"scope:{scope}")
    return found.union(*(kinds(child) for child in n.children(node)))


def test_tables_reach_all_of_the_language() -> None:
    reached: set[str] = set()
    results: set[tuple[str, bool]] = set()
    for case in all_cases():
        node = infer(case.text, SCHEMA, subject=case.subject).node
        reached |= kinds(node)
        results |= {(kind, case.expected is None) for kind in kinds(node)}
    for set_case in sets():
        reached |= kinds(infer(set_case.text, SCHEMA, subject=set_case.subject).node)
    assert EVERY - reached == set()
    # every function also meets NULL
    assert {f"call:{fn}" for fn in SCALAR} - {kind for kind, is_null in results if is_null} == set()
