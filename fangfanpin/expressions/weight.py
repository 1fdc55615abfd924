"""How large an expression becomes when it is compiled to SQL, which knows no names for parts: some functions say an argument several times.

Nested a dozen deep, such a function of a hundred characters would be millions; the checker refuses it before anybody waits for it.
"""

from fangfanpin.expressions import nodes as n
from fangfanpin.expressions.types import Date, Month

# How often each argument is said, the last standing for those after it; in whichever dialect says it most often.
_SAID = {
    "ratio": (3, 5), "age": (3, 3), "months_between": (4, 4), "month": (2,), "least": (2,), "greatest": (2,), "distance": (13, 5, 13, 5),
}  # fmt: skip
_PATTERN = {"same_digits": 4, "dummy_phone": 4}
_OWN = 8  # nodes of SQL that a node brings of its own, about
_OWN_MORE = {"distance": 200, "deviation": 60, "median": 30, "rank": 20}


def weight(node: n.Node) -> int:
    """About how many nodes of SQL it becomes, and never many fewer."""
    match node:
        case n.Call(fn="matches", args=args, extra=extra):
            return _OWN + _PATTERN.get(str(extra), 1) * weight(args[0])
        case n.Call(fn=fn, args=args):
            said = _SAID.get(fn, (1,))
            return _OWN_MORE.get(fn, _OWN) + sum(said[min(place, len(said) - 1)] * weight(arg) for place, arg in enumerate(args))
        case n.Arithmetic(op="sub", left=left, right=right) if isinstance(left.type, Date):
            return _OWN + 3 * (weight(left) + weight(right))
        case n.Arithmetic(left=left, right=right) if isinstance(node.type, Month):
            return _OWN + 2 * (weight(left) + weight(right))
        case n.SetCall(fn=fn):
            return _OWN_MORE.get(fn, _OWN) + 4 * sum(map(weight, n.children(node)))
        case n.In(arg=arg, values=values):
            return _OWN + weight(arg) + len(values)
        case _:
            return _OWN + sum(map(weight, n.children(node)))
