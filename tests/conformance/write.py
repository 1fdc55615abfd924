"""Write cases/*.json from the tables: `python -m tests.conformance.write`. README.md says the shape."""

import json
from typing import Any

from fangfanpin.expressions import infer, to_json
from fangfanpin.expressions.types import to_json as type_json
from tests.conformance.tables import ENTRY, TABLES, SetCase, sets
from tests.conformance.world import CASES, SCHEMA, Case, household_scope, scope, scope_in


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


def files() -> dict[str, str]:
    """Content of every file under cases/ by its name."""
    found = {table().name: [case_json(case) for case in table().cases] for table in TABLES}
    found["sets"] = [set_json(case) for case in sets()]
    found["entry"] = [{"id": f"entry-{place:03d}", "fn": fn, "input": text, "expected": held} for place, fn, text, held in ENTRY]
    return {f"{name}.json": "[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n]\n" for name, cases in found.items()}


def main() -> None:
    CASES.mkdir(exist_ok=True)
    for name, text in files().items():
        (CASES / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
