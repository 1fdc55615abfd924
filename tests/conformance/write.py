"""Write cases/*.json from the tables: `python -m tests.conformance.write`. README.md says the shape."""

import json
import random
from typing import Any

from fangfanpin.expressions import Expression, ExpressionFaults, evaluate, infer, to_json
from fangfanpin.expressions.types import to_json as type_json
from tests.conformance.drawing import expression, home
from tests.conformance.tables import ENTRY, TABLES, SetCase, sets
from tests.conformance.world import CASES, SCHEMA, Case, Home, Person, Row, household_scope, scope, scope_in


def case_json(case: Case) -> dict[str, Any]:
    expression = infer(case.text, SCHEMA, subject=case.subject)
    return {
        "id": case.id,
        "subject": case.subject,
        "text": case.text,
        "type": type_json(expression.type),
        "node": to_json(expression.node),
        "scope": scope(case.home, case.subject, case.which),
        "expected": case.expected,
    }


def set_json(case: SetCase) -> dict[str, Any]:
    expression = infer(case.text, SCHEMA, subject=case.subject)
    population = [
        scope_in(household, case.subject, which)
        for home, household in ((home, household_scope(home)) for home in case.homes)
        for which in (range(1) if case.subject == "household" else [i for i, person in enumerate(home.people) if person.live])
    ]
    return {
        "id": case.id,
        "subject": case.subject,
        "text": case.text,
        "type": type_json(expression.type),
        "node": to_json(expression.node),
        "population": population,
        "expected": list(case.expected),
    }


def _narrowed(row: Row | None, names: set[str]) -> dict[str, Any] | None:
    return None if row is None else {name: value for name, value in row.items() if name in names and value is not None}


def narrowed(home: Home, expression: Expression) -> Home:
    """The household with only the values that the expression reads: drawn rows are wide."""
    names = {name for _scope, name in expression.columns}
    return Home(
        _narrowed(home.row, names) or {},
        _narrowed(home.last, names),
        [Person(_narrowed(person.row, names) or {}, _narrowed(person.last, names), person.live) for person in home.people],
        [(_narrowed(row, names) or {}) | {"spell_no": row["spell_no"]} for row in home.spells],
        [_narrowed(row, names) or {} for row in home.works],
        [_narrowed(row, names) or {} for row in home.plans],
        home.village,
    )


def drawn_json(count: int, seed: int) -> list[dict[str, Any]]:
    """Drawn expressions, each over a household of its own; what is expected is what the reference says."""
    draw = random.Random(seed)
    found: list[dict[str, Any]] = []
    while len(found) < count:
        subject, text = expression(draw.randrange)
        drawn = home(draw.randrange)
        places = {
            "household": [0],
            "person": [i for i, one in enumerate(drawn.people) if one.live],
            "spell": list(range(len(drawn.spells))),
            "work": list(range(len(drawn.works))),
        }[subject]
        try:
            checked = infer(text, SCHEMA, subject=subject)
        except ExpressionFaults:
            continue
        if places:
            drawn = narrowed(drawn, checked)
            expected = evaluate(checked, scope(drawn, subject, places[0]))
            case = Case(f"drawn-{len(found) + 1:03d}", subject, text, drawn, places[0], list(expected) if isinstance(expected, tuple) else expected)
            found.append(case_json(case))
    return found


def lines(cases: list[dict[str, Any]]) -> str:
    return "[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n]\n"


def files() -> dict[str, str]:
    """Content of every file under cases/ by its name."""
    found = {table().name: [case_json(case) for case in table().cases] for table in TABLES}
    found["sets"] = [set_json(case) for case in sets()]
    found["entry"] = [{"id": f"entry-{place:03d}", "fn": fn, "input": text, "expected": held} for place, fn, text, held in ENTRY]
    found["drawn"] = drawn_json(300, 20210930)
    return {f"{name}.json": lines(cases) for name, cases in found.items()}


def main() -> None:
    CASES.mkdir(exist_ok=True)
    for name, text in files().items():
        (CASES / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
