"""The county writes, tries, publishes and takes back a rule; parameters by date; a renewed pack keeps what is the county's own."""

import io
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils.html import escape
from openpyxl import load_workbook
from procrastinate.contrib.django import app

from fangfanpin import cli
from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.services import put_in_force
from fangfanpin.files.services import path_of
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import run
from fangfanpin.pack import PackFaults, load_pack
from fangfanpin.policy.own import Own, drafted, own_of, renewed
from fangfanpin.policy.services import pack_of, publish
from fangfanpin.quality.models import Clue
from fangfanpin.quality.sweep import run_sweep
from fangfanpin.records.models import Record
from fangfanpin.regions.names import name_of
from fangfanpin.workshop import services
from fangfanpin.workshop.services import Draft, DraftRefused

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]
GOOD: dict[str, str] = {
    "id": "X001", "title": "六人以上的大户", "severity": "W", "subject": "household", "scope": "",
    "when": "household_size >= 6 and wage_income is not null",
    "message": "家庭人口 {household_size} 人", "where": "问户主",
}  # fmt: skip


def draft(**values: str) -> Draft:
    return Draft.of({**GOOD, **values})


def test_written_tried_published_swept_and_taken_back(cast: dict[str, User], acting: Acting, client_as: ClientAs) -> None:
    county = client_as("county")
    assert 'value="X001"' in county.get("/rules/new").content.decode()
    with app.replace_connector(app.connector):
        answer = county.post("/rules/new", {**GOOD, "then": "try"})
    job = Job.objects.get(kind="workshop.try")
    assert answer["Location"].endswith(str(job.pk))
    acting("system")
    swept = ("submitted", "returned", "approved", "locked")
    leads = Record.objects.filter(form="household_year", year=2021, state__in=swept, household__kind="assisted")
    expected = sum((lead.values.get("household_size") or 0) >= 6 and lead.values.get("wage_income") is not None for lead in leads)
    run(str(job.pk))
    acting("county")
    job.refresh_from_db()
    assert job.state == "done", job.message
    assert job.result["households"] == job.result["hits"] == expected > 0 and job.result["known_true"] == 0
    assert county.get("/rules/new").content.decode().count(GOOD["title"]) >= 1, "back from the trial the draft is still there"

    assert county.post("/rules/new", {**GOOD, "then": "publish"}).status_code == 302
    acting("system")
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    assert pack.id == "guzhen-2021-own" and any(rule.id == "X001" for rule in pack.rules)
    run_sweep(campaign=campaign, by=None)
    assert Clue.objects.filter(rule_id="X001", state="open").count() == job.result["hits"]
    page = county.get("/rules/X001/").content.decode()
    assert escape(GOOD["when"]) in page
    assert county.post("/rules/X001/switch", {"to": "off"}).status_code == 302
    acting("system")
    campaign = clock.current()
    assert not any(rule.id == "X001" for rule in pack_of(campaign.pack).rules)
    run_sweep(campaign=campaign, by=None)
    assert not Clue.objects.filter(rule_id="X001", state="open").exists()


def test_a_rule_s_page_says_its_sql_in_either_dialect(client_as: ClientAs, capsys: pytest.CaptureFixture[str]) -> None:
    page = client_as("county").get("/rules/H017/").content.decode()
    for title, dialect in (("DuckDB", "duckdb"), ("Spark", "spark")):
        cli.main(["rules", "sql", "H017", "--dialect", dialect, "--pack", "guzhen-2021"])
        shown = page[page.index(f"SQL（{title}）") :].partition("</details>")[0]
        assert escape(capsys.readouterr().out.strip()) in shown


def test_a_rule_may_be_about_rows_of_registers(cast: dict[str, User], acting: Acting, client_as: ClientAs) -> None:
    """Written, tried with a list that leads to the rows, published, swept."""
    county = client_as("county")
    page = county.get("/rules/new").content.decode()
    offered = re.findall(r'<option value="(\w+)"', page[page.index('id="r-subject"') : page.index('id="r-severity"')])
    acting("system")
    pack = pack_of(clock.current().pack)
    judged = {rule.subject for rule in pack.rules}
    assert judged <= set(offered) and {"visit", "relocation"} <= set(offered) and "helper_pairing" not in offered
    names = json.loads(page[page.index('id="rule-names"') :].partition(">")[2].partition("</script>")[0])
    assert {"name": "principal", "words": "贷款金额"} in names["tables"]["microcredit"]
    assert {"name": "loans", "words": pack.forms["microcredit"].title, "table": "microcredit"} in names["relations"][""]
    assert {"natural_villages", "households", "resident_team"} <= {one["name"] for one in names["relations"]["village_year"]}
    assert "loans" not in {one["name"] for one in names["relations"]["village_year"]}
    assert {"name": "deviation(", "words": "离本村中间水平有多远"} in names["common"]
    assert {"microcredit", "person"} <= set(names["belongs"]) and "project" not in names["belongs"]

    loans = Record.objects.filter(form="microcredit", household__kind="assisted").exclude(state="void")
    least = sorted(loan.values["principal"] for loan in loans)[len(loans) // 2]
    given = {
        **GOOD,
        "subject": "microcredit",
        "when": f"principal >= {least // 100} and household.household_size > 0",
        "message": "贷款 {principal} 元",
    }
    with app.replace_connector(app.connector):
        county.post("/rules/new", {**given, "then": "try"})
    job = Job.objects.get(kind="workshop.try")
    acting("system")
    run(str(job.pk))
    acting("county")
    job.refresh_from_db()
    assert job.state == "done" and job.result["hits"] > 0, job.message
    assert job.file is not None
    sheet = load_workbook(io.BytesIO(path_of(job.file).read_bytes())).worksheets[0]
    head = [cell.value for cell in sheet[1]]
    rows = [dict(zip(head, row, strict=True)) for row in sheet.iter_rows(min_row=2)]
    assert len(rows) == job.result["hits"]
    for row in rows:
        key = row["打开"].hyperlink.target.removeprefix("http://testserver/registers/rows/").strip("/")
        loan = Record.objects.get(pk=key)
        assert loan.values["principal"] >= least and row["登记"].value == loan.values["contract_no"]
        assert loan.household is not None and row["户编号"].value == loan.household.code
    assert county.get(f"/registers/rows/{key}/").status_code == 200

    assert county.post("/rules/new", {**given, "then": "publish"}).status_code == 302
    acting("system")
    run_sweep(campaign=clock.current(), by=None)
    assert Clue.objects.filter(rule_id="X001", state="open", subject_kind="record").count() == job.result["hits"]


@pytest.mark.parametrize(("kind", "told"), [("village", "个村，其中"), ("natural_village", "个自然村，其中")])
def test_a_rule_may_be_about_a_village_or_a_natural_village(kind: str, told: str, acting: Acting, client_as: ClientAs) -> None:
    """Written, tried with a list that names the places and leads to their tables, published, swept, taken back."""
    county, form = client_as("county"), f"{kind}_year"
    acting("system")
    swept = ("submitted", "returned", "approved", "locked")
    leads = Record.objects.filter(form="household_year", year=2021, state__in=swept, household__kind="assisted").select_related("household")
    homes = [lead.household for lead in leads if lead.household is not None and lead.values.get("household_size")]
    with_homes = {home.village_code if kind == "village" else home.natural_village_code for home in homes}
    tables = Record.objects.filter(form=form, year=2021)
    expected = {str(table.pk): table for table in tables.filter(state__in=swept) if table.subject_code in with_homes}
    assert len(expected) >= 3
    given = {**GOOD, "subject": form, "when": "count(households, household_size > 0) > 0", "message": "有人的户 {sum.1} 户"}
    assert county.post("/rules/check", {"text": given["when"], "subject": form}).json() == {"faults": []}
    with app.replace_connector(app.connector):
        assert county.post("/rules/new", {**given, "then": "try"}).status_code == 302
    job = Job.objects.get(kind="workshop.try")
    acting("system")
    run(str(job.pk))
    acting("county")
    job.refresh_from_db()
    assert job.state == "done" and told in job.message, job.message
    assert job.result["hits"] == len(expected) and job.file is not None
    sheet = load_workbook(io.BytesIO(path_of(job.file).read_bytes())).worksheets[0]
    head = [cell.value for cell in sheet[1]]
    for row in (dict(zip(head, cells, strict=True)) for cells in sheet.iter_rows(min_row=2)):
        table = expected.pop(row["打开"].hyperlink.target.removeprefix("http://testserver/registers/rows/").strip("/"))
        assert row["自然村或登记"].value == name_of(table.subject_code) and row["村"].value == name_of(table.village_code)
        assert "有人的户" in row["哪里不对"].value
    assert not expected

    assert county.post("/rules/new", {**given, "then": "publish"}).status_code == 302
    assert county.get("/rules/X001/").status_code == 200
    acting("system")
    run_sweep(campaign=clock.current(), by=None)
    clues = Clue.objects.filter(rule_id="X001", state="open")
    assert {clue.subject_kind for clue in clues} == {kind} and len(clues) == job.result["hits"]
    assert county.get(f"/clues/{clues[0].pk}/").status_code == 200
    assert f'<option value="{form}" selected>' in county.get("/rules/X001/change").content.decode()
    county.post("/rules/X001/switch", {"to": "off"})
    acting("system")
    run_sweep(campaign=clock.current(), by=None)
    assert not clues.all().exists()
    assert 'value="X002"' in county.get("/rules/new").content.decode(), "the clues that were keep their rule's number to themselves"


def test_a_rule_on_a_register_stays_about_it_when_changed(client_as: ClientAs, acting: Acting) -> None:
    county = client_as("county")
    acting("system")
    before = next(rule for rule in pack_of(clock.current().pack).rules if rule.subject == "project")
    assert '<option value="project" selected>' in county.get(f"/rules/{before.id}/change").content.decode()
    changed = {**asdict(Draft.of_rule(before)), "title": "本县改过", "bulk_answer": "1", "then": "publish"}
    assert county.post(f"/rules/{before.id}/change", changed).status_code == 302
    acting("system")
    now = next(rule for rule in pack_of(clock.current().pack).rules if rule.id == before.id)
    assert (now.subject, now.title, now.bulk_answer) == ("project", "本县改过", True)
    assert 'name="bulk_answer" value="1" checked' in county.get(f"/rules/{before.id}/change").content.decode()


def test_a_given_rule_is_changed_switched_off_and_back(acting: Acting, client_as: ClientAs) -> None:
    county = client_as("county")
    acting("system")
    before = next(rule for rule in pack_of(clock.current().pack).rules if rule.id == "H007")
    changed = {**{name: getattr(Draft.of_rule(before), name) for name in GOOD}, "title": "人口数对不上（本县）", "then": "publish"}
    assert county.post("/rules/H007/change", changed).status_code == 302

    def now() -> Any:
        acting("system")
        return next((rule for rule in pack_of(clock.current().pack).rules if rule.id == "H007"), None)

    assert now().title == "人口数对不上（本县）"
    county.post("/rules/H007/switch", {"to": "off"})
    assert now() is None
    assert "H007" in county.get("/rules/?kind=off").content.decode() and county.get("/rules/H007/").status_code == 200
    county.post("/rules/H007/switch", {"to": "back"})
    assert now().title == before.title


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"when": "household_fone is null"}, "when", "household_fone"),
        ({"when": "household_size = '三'"}, "when", "三"),
        ({"when": "household_size"}, "when", ""),
        ({"when": "(select 1)"}, "when", ""),
        ({"when": "household_size > 0; drop table x"}, "when", ""),
        ({"when": "read_csv('/etc/passwd') > 0"}, "when", "read_csv"),
        ({"when": ""}, "when", ""),
        ({"scope": "nothing > 1"}, "scope", "nothing"),
        ({"subject": "village"}, "when", ""),
        ({"title": ""}, "title", ""),
        ({"severity": "Q"}, "severity", ""),
        ({"message": ""}, "message", ""),
        ({"message": "电话 {no_such}"}, "", "no_such"),
        ({"id": "H007"}, "id", ""),
        ({"id": "../x"}, "id", ""),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_published(
    acting: Acting, client_as: ClientAs, wrong: dict[str, str], field: str, words: str
) -> None:
    acting("system")
    before = clock.current().pack_id
    with pytest.raises(DraftRefused) as caught:
        services.checked(draft(**wrong), is_new=True)
    found = caught.value.faults.get(field, ())
    assert found and any(words in f"{one.message}{one.at}" for one in found), caught.value.faults
    answer = client_as("county").post("/rules/new", {**GOOD, **wrong, "then": "publish"})
    assert answer.status_code == 422 and "field-error" in answer.content.decode()
    acting("system")
    assert clock.current().pack_id == before


def test_a_condition_is_judged_while_it_is_typed(client_as: ClientAs) -> None:
    county = client_as("county")
    sound = county.post("/rules/check", {"text": "household_size > 3", "subject": "household"}).json()
    assert sound == {"faults": []}
    (fault,) = county.post("/rules/check", {"text": "household_size > fone", "subject": "household"}).json()["faults"]
    assert (fault["before"], fault["at"]) == ("household_size > ", "fone")
    assert client_as("township").post("/rules/check", {"text": "x", "subject": "household"}).status_code == 403


def test_texts_survive_being_written_down(acting: Acting) -> None:
    acting("system")
    published = clock.current().pack
    table = {**draft().table(), "title": '引号"和\\反斜杠', "where": "第一行\n第二行，tab\t，😀"}
    row = {
        "name": "income_line",
        "type": "money",
        "unit": "yuan",
        "valid_from": "2021-03-01",
        "value": "6500.50",
        "source": '固扶"9"号，附件',
        "verified": "yes",
    }
    own = Own().with_rule("X001", table).with_parameter(row)
    with drafted(published, own) as (pack, folder):
        rule = next(one for one in pack.rules if one.id == "X001")
        assert (rule.title, rule.where) == (table["title"], table["where"])
        assert pack.parameter("income_line", pack.state_date) == 650050
        again = publish(pack=pack, directory=folder, by=None)
    assert own_of(again).rules == {"X001": table}
    assert own_of(again).parameters[0]["source"] == row["source"]


def test_a_parameter_counts_from_its_day_and_can_be_withdrawn(acting: Acting, client_as: ClientAs) -> None:
    county = client_as("county")
    acting("system")
    pack = pack_of(clock.current().pack)
    given = pack.parameter("income_line", pack.state_date)
    data = {"name": "income_line", "valid_from": "2021-01-01", "value": "6345", "source": "固扶〔2021〕6号"}
    assert county.post("/rules/parameters", {**data, "source": ""}).status_code == 422
    assert county.post("/rules/parameters", {**data, "value": "很多"}).status_code == 422
    assert county.post("/rules/parameters", data).status_code == 302
    acting("system")
    assert pack_of(clock.current().pack).parameter("income_line", pack.state_date) == 634500, "of one day the county's own"
    assert "固扶〔2021〕6号" in county.get("/rules/parameters").content.decode()
    county.post("/rules/parameters/withdraw", {"name": "income_line", "valid_from": "2021-01-01"})
    acting("system")
    assert pack_of(clock.current().pack).parameter("income_line", pack.state_date) == given
    acting("system")
    version = clock.current().pack_id
    county.post("/rules/parameters/withdraw", {"name": "income_line", "valid_from": "2021-01-01"})
    acting("system")
    assert clock.current().pack_id == version, "there is nothing to take back twice"


def test_a_renewed_pack_keeps_what_is_the_county_s_own(tmp_path: Path, acting: Acting, cast: dict[str, User]) -> None:
    acting("system")
    services.publish_rule(draft=draft(), is_new=True, by=cast["county"])
    for name in ("national-2021", "guzhen-2021"):
        shutil.copytree(Path(settings.PACKS_DIR) / name, tmp_path / name)
    file = tmp_path / "guzhen-2021" / "pack.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("固镇县2021年度", "固镇县2021年（修订）"), encoding="utf-8")
    with renewed(tmp_path / "guzhen-2021", clock.current().pack) as (pack, folder):
        put_in_force(pack=pack, directory=folder, by=cast["county"])
    now = pack_of(clock.current().pack)
    assert "修订" in now.title and any(rule.id == "X001" for rule in now.rules)
    indicators = tmp_path / "national-2021" / "indicators.csv"
    lines = indicators.read_text(encoding="utf-8").splitlines(keepends=True)
    indicators.write_text("".join(line for line in lines if not line.startswith("household_year,household_phone,")), encoding="utf-8")
    with pytest.raises(PackFaults), renewed(tmp_path / "guzhen-2021", clock.current().pack):
        pass
    assert load_pack(Path(settings.PACKS_DIR) / "guzhen-2021").id == "guzhen-2021"


def test_a_message_may_name_parameters_and_dates(cast: dict[str, User], acting: Acting, client_as: ClientAs) -> None:
    """They are put in wherever the sentence is said, and no sweep looks for them among the columns."""
    acting("system")
    wanted = draft(message="{household_size} 人，线 {param.income_line} 元，截至 {state_date}")
    services.publish_rule(draft=wanted, is_new=True, by=cast["county"])
    run_sweep(campaign=clock.current(), by=None)
    clue = Clue.objects.filter(rule_id="X001")[0]
    assert "线 6000.00 元，截至 2021-09-30" in clue.message and "{" not in clue.message and "param.income_line" not in clue.used
    rule = next(one for one in client_as("county").get("/field/pack.json").json()["rules"] if one["id"] == "X001")
    assert rule["message"] == "{household_size} 人，线 6000.00 元，截至 2021-09-30"
