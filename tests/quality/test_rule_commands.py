"""`fangfanpin rules …`: a household as JSON in, hit or not with its values out; what is wrong goes to stderr."""

import io
import json
import sys
from typing import Any

import pytest

from fangfanpin import cli
from fangfanpin.expressions import infer
from fangfanpin.pack import Pack, Rule, load_pack
from fangfanpin.runtime.pack_commands import packs_dir
from fangfanpin.runtime.rule_commands import json_schema, judged

PACK = "guzhen-2021"


@pytest.fixture(scope="module")
def guzhen() -> Pack:
    return load_pack(packs_dir() / PACK)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = cli.main([*words, "--pack", PACK])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_every_rule_is_listed(capsys: pytest.CaptureFixture[str], guzhen: Pack) -> None:
    code, out, err = run(capsys, "rules", "list", "--json")
    found = json.loads(out)
    assert (code, err, found["hash"]) == (0, "", guzhen.hash)
    assert [rule["id"] for rule in found["rules"]] == [rule.id for rule in guzhen.judged]
    assert {"severity", "subject", "reach", "when", "message", "origin"} <= found["rules"][0].keys()


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
def test_every_rule_is_shown_as_sql(dialect: str, capsys: pytest.CaptureFixture[str], guzhen: Pack) -> None:
    for rule in guzhen.judged[::10]:
        code, out, _err = run(capsys, "rules", "sql", rule.id, "--dialect", dialect)
        assert code == 0 and out.startswith("SELECT") and (("`" in out) == (dialect == "spark"))


def test_a_household_is_judged(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, guzhen: Pack) -> None:
    rule = next(rule for rule in guzhen.rules if rule.subject == "person" and rule.reach == "row" and rule.scope is None)
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"household": {"row": {}}, "person": [{"key": "a", "row": {}}, {"row": {}}]})))
    code, out, err = run(capsys, "rules", "eval", rule.id)
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert [one["key"] for one in found["subjects"]] == ["a", "person[1]"]
    assert {"hit", "value", "in_scope", "used", "message"} <= found["subjects"][0].keys()


def made(guzhen: Pack, when: str) -> Rule:
    expression = infer(when, guzhen.schema(), subject="household")
    return Rule("X1", "", "W", "household", None, expression, "工资 {wage_income}", "", (), "", False)


def test_the_values_are_the_sweep_s(guzhen: Pack) -> None:
    """Aggregates, last year, the members who live here, money in fen, dates as text."""
    rule = made(guzhen, "wage_income > last.wage_income and count(members, age(birth_date, state_date) >= 60) = 1 and members_live = 2")
    given: dict[str, Any] = {
        "household": {"row": {"wage_income": 500_000}, "last": {"wage_income": 1}},
        "person": [
            {"key": "old", "row": {"birth_date": "1950-01-01"}},
            {"key": "young", "row": {"birth_date": "2001-01-01"}},
            {"key": "gone", "is_live": False, "row": {"birth_date": "1940-01-01"}},
        ],
    }
    (found,) = judged(rule, guzhen, given)["subjects"]
    assert found["hit"] is True and found["value"] is True
    assert found["used"]["members.birth_date"] == {"old": "1950-01-01", "young": "2001-01-01"}
    assert found["used"]["wage_income"] == 500_000 and found["message"] == "工资 5000.00"
    given["household"]["last"] = None  # no record last year
    (found,) = judged(rule, guzhen, given)["subjects"]
    assert found["hit"] is False and found["value"] is None and found["message"] is None


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ([], "输入"),
        ({"household": []}, "household"),
        ({"house": {}}, "输入.house"),
        ({"household": {"row": {"wage_incme": 1}}}, "household.row.wage_incme"),
        ({"household": {"row": {"wage_income": "5000"}}}, "household.row.wage_income"),
        ({"household": {"row": {"wage_income": True}}}, "household.row.wage_income"),
        ({"household": {"row": {"household_type": "99"}}}, "household.row.household_type"),
        ({"household": {"row": {"members_live": "2"}}}, "household.row.members_live"),
        ({"household": {"key": "1"}}, "household.key"),
        ({"person": {}}, "person"),
        ({"person": [{"row": {"birth_date": "1950-02-30"}}]}, "person[0].row.birth_date"),
        ({"person": [{"row": {"id_birth": "19500101"}}]}, "person[0].row.id_birth"),
        ({"person": [{"is_live": "yes"}]}, "person[0].is_live"),
        ({"spell": [{"last": {}}]}, "spell[0].last"),
    ],
)
def test_what_is_not_of_the_shape_is_told_with_its_place(given: Any, place: str, guzhen: Pack) -> None:
    with pytest.raises(cli.CommandFault) as fault:
        judged(made(guzhen, "wage_income > 1"), guzhen, given)
    assert any(line.startswith(f"{place}：") for line in str(fault.value).splitlines()), fault.value


@pytest.mark.parametrize(
    ("words", "stdin"), [(("eval", "ZZZ9"), "{}"), (("eval", "F001"), "{}"), (("eval", "Y013"), "no json"), (("sql", "ZZZ9"), "")]
)
def test_a_fault_goes_to_stderr(words: tuple[str, ...], stdin: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    code, out, err = run(capsys, "rules", *words)
    assert (code, out) == (1, "") and err.strip() and "Traceback" not in err


def test_the_shape_is_a_json_schema_of_every_item(capsys: pytest.CaptureFixture[str], guzhen: Pack) -> None:
    code, out, _err = run(capsys, "rules", "schema")
    shape = json.loads(out)
    assert code == 0 and shape == json_schema(guzhen)
    for table, subject in guzhen.schema().subjects.items():
        row = shape["properties"][table] if table == "household" else shape["properties"][table]["items"]
        assert row["properties"]["row"]["properties"].keys() == subject.columns.keys()
    assert shape["properties"]["household"]["properties"]["row"]["properties"]["wage_income"]["x-scale"] == 2
