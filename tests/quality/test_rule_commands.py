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
from fangfanpin.runtime.rule_commands import judged
from fangfanpin.runtime.rule_input import json_schema

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
        ({"households": {}}, "households"),
        ({"households": [{}], "household": {}}, "输入.household"),
        ({"households": [{"village_year": [], "house": {}}]}, "households[0].house"),
        ({"households": [{}, {"person": [{"row": {"birth_date": 1}}]}]}, "households[1].person[0].row.birth_date"),
        ({"households": [{"natural_village": "n9"}], "natural_village_year": [{"key": "n1"}]}, "households[0].natural_village"),
        ({"households": [], "village_year": [{"row": {"population": "3"}}]}, "village_year[0].row.population"),
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


def rule(guzhen: Pack, key: str) -> Rule:
    return next(rule for rule in guzhen.judged if rule.id == key)


def test_several_households_answer_what_one_cannot(guzhen: Pack) -> None:
    """A number that two persons bear: within a household, across households, by somebody who no longer lives there."""
    same, other = ({"id18_digest": digest, "id_placeholder": False} for digest in ("d1", "d2"))
    homes: list[dict[str, Any]] = [
        {"key": "h1", "household": {"row": {}}, "person": [{"key": "a", "row": same}, {"key": "b", "row": other}]},
        {"household": {"row": {}}, "person": [{"key": "c", "row": same}]},
        {"household": {"row": {}}, "person": [{"key": "gone", "is_live": False, "row": other}]},
    ]
    found = judged(rule(guzhen, "F001"), guzhen, {"households": homes})
    assert {one["key"]: one["hit"] for one in found["subjects"]} == {"h1/a": True, "h1/b": False, "households[1]/c": True}
    assert not judged(rule(guzhen, "F001"), guzhen, {"households": homes[:1]})["hit"]
    with pytest.raises(cli.CommandFault, match="households"):
        judged(rule(guzhen, "F001"), guzhen, {"household": {"row": {}}})


def test_a_village_is_judged_over_what_was_given(guzhen: Pack) -> None:
    def home(**row: Any) -> dict[str, Any]:
        return {"household": {"row": {"household_type": "01", "household_state": "01", **row}}}

    village = {"row": {"farmland_mu": 500, "road_to_town": True}}
    homes = [home(farmland_mu=300), home(farmland_mu=250, household_type="02")]
    given: dict[str, Any] = {"households": homes, "village_year": [village]}
    (found,) = judged(rule(guzhen, "V006"), guzhen, given)["subjects"]
    assert found["hit"] is False and found["used"]["sum.1"] == 300
    (found,) = judged(rule(guzhen, "V006"), guzhen, given | {"households": [*homes, home(farmland_mu=201)]})["subjects"]
    assert found["hit"] is True and found["used"]["sum.1"] == 501 and "5.01" in found["message"]


def test_a_household_counts_in_the_natural_village_it_names(guzhen: Pack) -> None:
    naturals = [{"key": key, "row": {"electricity": True}} for key in ("n1", "n2")]
    dark: dict[str, Any] = {"household": {"row": {"electricity": False}}}
    found = judged(rule(guzhen, "V013"), guzhen, {"households": [{**dark, "natural_village": "n2"}], "natural_village_year": naturals})
    assert {one["key"]: one["hit"] for one in found["subjects"]} == {"n1": False, "n2": True}
    found = judged(rule(guzhen, "V013"), guzhen, {"households": [dark], "natural_village_year": naturals})
    assert {one["key"]: one["hit"] for one in found["subjects"]} == {"n1": True, "n2": True}


def test_members_of_a_village_know_their_household(guzhen: Pack) -> None:
    when = infer("count(members, household.household_type = '脱贫户') = 2", guzhen.schema(), subject="village_year")
    counted = Rule("X1", "", "W", "village_year", None, when, "{sum.1}", "", (), "", False, place="village", of_village=True)
    homes = [{"household": {"row": {"household_type": kind}}, "person": [{}, {"is_live": False}]} for kind in ("01", "01", "02")]
    (found,) = judged(counted, guzhen, {"households": homes, "village_year": [{"row": {}}]})["subjects"]
    assert found["hit"] is True and found["message"] == "2"
    alone = judged(counted, guzhen, {**homes[0], "village_year": [{"row": {}}]})["subjects"][0]
    assert alone["hit"] is False and alone["used"]["sum.1"] == 1
