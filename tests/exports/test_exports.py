"""Lists as Excel: the page's rows and filters, within reach, masked, safe to open, for their owner alone."""

import zipfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from python_calamine import CalamineWorkbook

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, make_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.cli import CommandFault, load
from fangfanpin.dashboards import queries, transfer
from fangfanpin.files.services import path_of
from fangfanpin.households.models import Household, Person
from fangfanpin.jobs import exports
from fangfanpin.jobs.exports import Column, ListExport, Table, find, known, narrowed, write
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import JobRefused, Outcome, Progress
from fangfanpin.policy.services import pack_of
from fangfanpin.privacy.secrets import decrypt
from fangfanpin.records.models import Record
from fangfanpin.records.units import load_unit

As = Callable[[str], Reach]
LISTS = (
    *("households", "year_update", "progress", "review", "conflicts", "sheets", "imports", "accounts"),
    *("import_tray", "import_differences", "item_history"),
)
PLAIN = ListExport("plain", "清单", Verb.HOUSEHOLD_VIEW, (), lambda reach, given: Table((), (), 0))


class Silent(Progress):
    def __init__(self) -> None:
        self.reported: list[tuple[int, int]] = []

    def report(self, done: int, total: int, message: str = "") -> None:
        self.reported.append((done, total))


def run(key: str, by: User, reach: Reach, **parameters: str) -> Outcome:
    return exports._run(Job(kind=f"export.{key}", owner=by, parameters=parameters), reach, Silent())


def sheet(outcome: Outcome, number: int = 0) -> list[list[Any]]:
    assert outcome.file is not None
    return CalamineWorkbook.from_path(str(path_of(outcome.file))).get_sheet_by_index(number).to_python()


def everything(outcome: Outcome) -> str:
    assert outcome.file is not None
    with zipfile.ZipFile(path_of(outcome.file)) as book:
        return "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())


def test_every_list_is_known_by_the_worker() -> None:
    assert set(LISTS) <= {listing.key for listing in known()}


@pytest.mark.parametrize("who", ["county", "township", "village"])
def test_the_file_has_exactly_the_rows_of_the_page(who: str, cast: dict[str, User], acting: As) -> None:
    reach = acting(who)
    chosen = queries.HouseholdFilter(state="submitted")
    expected = list(queries.households(reach, clock.current().year, chosen).values_list("code", flat=True))
    rows = sheet(run("households", cast[who], reach, state="submitted"))
    assert [row[0] for row in rows[1:]] == expected
    assert rows[0][:4] == ["户编号", "户主", "乡镇", "村"]


def test_the_last_sheet_says_who_when_and_which_filter(cast: dict[str, User], acting: As) -> None:
    reach = acting("township")
    place = reach.villages[0]
    outcome = run("households", cast["township"], reach, place=place, kind="monitored", q="")
    about = {row[0]: str(row[1]) for row in sheet(outcome, -1 % 2)}
    assert about["导出人"] == cast["township"].name and about["户类型"] == "监测对象（含已消除）"
    assert about["导出时间"].startswith(timezone.localtime().strftime("%Y-%m-%d")) and about["行数"] == str(outcome.result["rows"])


def test_a_name_that_looks_like_a_formula_stays_a_name(cast: dict[str, User], acting: As) -> None:
    reach = acting("village")
    household = Household.objects.visible_to(reach).filter(kind="assisted").first()
    assert household is not None
    for name in ('=HYPERLINK("http://x","点")', "@SUM(A1)", "+1", "-1", "http://x.cn/a", "\x02坏"):
        Household.objects.filter(pk=household.pk).update(head_name=name)
        outcome = run("households", cast["village"], reach)
        row = next(row for row in sheet(outcome) if row[0] == household.code)
        assert row[1] == name.replace("\x02", "")
        text = everything(outcome)
        assert "<f>" not in text and "hyperlink" not in text.replace("HYPERLINK", "")


def test_codes_keep_every_digit_as_text(cast: dict[str, User], acting: As) -> None:
    reach = acting("village")
    household = Household.objects.visible_to(reach).filter(kind="assisted").first()
    assert household is not None
    Household.objects.filter(pk=household.pk).update(code="034032310000000000123")
    assert "034032310000000000123" in [row[0] for row in sheet(run("households", cast["village"], reach))]


@pytest.mark.parametrize("key", ["households", "year_update", "review", "conflicts"])
def test_no_file_holds_a_whole_secret_number(key: str, cast: dict[str, User], acting: As) -> None:
    reach = acting("county")
    text = everything(run(key, cast["county"], reach))
    numbers = [decrypt(stored) for stored in Person.objects.exclude(id_number_secret=None).values_list("id_number_secret", flat=True)[:400]]
    assert numbers and not [number for number in numbers if number and number in text]


def test_sensitive_values_are_masked_for_those_without_the_right(cast: dict[str, User], acting: As) -> None:
    reach = acting("township")
    household = Household.objects.visible_to(reach).filter(kind="assisted").first()
    assert household is not None
    Household.objects.filter(pk=household.pk).update(address="张巷村一组九十九号")
    assert "张巷村一组九十九号" in everything(run("households", cast["township"], reach))
    blind = make_reach(
        reach.user_id,
        villages=reach.villages,
        scopes=[type(s)(s.role, s.prefix, s.verbs - {Verb.SENSITIVE_VIEW}, s.by_pairing) for s in reach.scopes],
    )
    assert "张巷村一组九十九号" not in everything(run("households", cast["township"], blind))


def test_only_the_part_of_the_reach_where_files_may_be_made_goes_out(acting: As) -> None:
    reach = acting("village")
    scope = reach.scopes[0]
    other = "340323101200"
    both = make_reach(
        reach.user_id,
        villages=[*reach.villages, other],
        scopes=[scope, type(scope)("looker", other, frozenset({Verb.HOUSEHOLD_VIEW}), False)],
    )
    assert narrowed(both, Verb.HOUSEHOLD_VIEW).villages == reach.villages


def test_rights_that_went_since_the_click_refuse_the_job(cast: dict[str, User], acting: As) -> None:
    reach = acting("helper")
    with pytest.raises(JobRefused, match="不能导出"):
        run("households", cast["helper"], reach)


def test_the_button_queues_a_job_with_the_pages_filters(client_as: Callable[[str], Client], cast: dict[str, User]) -> None:
    page = client_as("village").get("/households/?state=empty")
    assert 'action="/exports/households"' in page.content.decode() and 'name="state" value="empty"' in page.content.decode()
    answer = client_as("village").post("/exports/households", {"state": "empty", "unheard": "of"})
    job = Job.objects.get(kind="export.households")
    assert answer.status_code == 302 and answer["Location"] == f"/jobs/{job.pk}"
    assert job.owner == cast["village"] and job.parameters == {"state": "empty"} and job.title == "导出农户清单"


@pytest.mark.parametrize(
    ("who", "key", "status"),
    [
        ("county", "imports", 302),
        ("township", "imports", 403),
        ("village", "accounts", 403),
        ("village", "year_update", 403),
        ("township", "year_update", 302),
        ("helper", "households", 403),
        ("inspector", "households", 403),
        ("department", "progress", 403),
        ("county", "nothing", 404),
    ],
)
def test_a_list_is_exported_by_those_who_see_it_and_may_make_files(who: str, key: str, status: int, client_as: Callable[[str], Client]) -> None:
    assert client_as(who).post(f"/exports/{key}").status_code == status


def test_the_file_is_its_owners_alone(client_as: Callable[[str], Client], cast: dict[str, User], acting: As) -> None:
    outcome = run("households", cast["township"], acting("township"))
    assert outcome.file is not None
    mine = client_as("township").get(f"/files/{outcome.file.pk}")
    assert mine.status_code == 200 and "attachment" in mine["Content-Disposition"]
    assert mine.getvalue()[:2] == b"PK"
    for other in ("county", "village", "auditor", "admin"):
        assert client_as(other).get(f"/files/{outcome.file.pk}").status_code == 404


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("county", "/households/"),
        ("county", "/transfer/"),
        ("county", "/progress/"),
        ("county", "/households/review"),
        ("county", "/households/conflicts"),
        ("county", "/sheets/"),
        ("county", "/accounts/"),
    ],
)
def test_every_list_page_has_the_button(who: str, path: str, client_as: Callable[[str], Client]) -> None:
    assert 'action="/exports/' in client_as(who).get(path).content.decode()


@pytest.mark.parametrize("path", ["/households/", "/progress/"])
def test_the_button_is_not_shown_to_those_who_may_not(path: str, client_as: Callable[[str], Client]) -> None:
    assert 'action="/exports/' not in client_as("inspector").get(path).content.decode()


def test_what_changed_goes_out_in_the_order_of_the_module(cast: dict[str, User], acting: As) -> None:
    reach = acting("township")
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    rows = sheet(run("year_update", cast["township"], reach))
    assert rows[0][4:] == ["模块", "谁", "指标", "国家字段", "去年", "今年"]
    code = rows[1][0]
    unit = load_unit(Household.objects.get(code=code), campaign.year)
    expected = [(i.section, i.who, i.zh, i.before, i.after or "（空）") for i in transfer.changed_items(unit, pack)]
    told = [(row[4], row[5], row[6], str(row[8]), str(row[9])) for row in rows if row[0] == code and row[4] != "家庭成员增减"]
    assert told == expected
    order = [section.title for section in pack.year_update]
    assert [order.index(row[0]) for row in told] == sorted(order.index(row[0]) for row in told)
    submitted = Record.objects.visible_to(reach).filter(form="household_year", year=campaign.year, state__in=queries.SUBMITTED_STATES)
    assert {row[0] for row in rows[1:]} <= set(submitted.filter(transferred_at=None).values_list("household__code", flat=True))


def test_accounts_go_out_without_passwords_and_only_the_keepers_own(cast: dict[str, User], acting: As) -> None:
    outcome = run("accounts", cast["township"], acting("township"))
    names = [row[1] for row in sheet(outcome)[1:]]
    assert "township" in names and "village" in names and "county" not in names
    assert "argon2" not in everything(outcome)


def test_the_history_of_an_item_goes_out_as_its_page_says_it(cast: dict[str, User], acting: As, client_as: Callable[[str], Client]) -> None:
    reach = acting("village")
    lead = Record.objects.visible_to(reach).filter(form="household_year", year=2021, state="submitted", values__has_key="wage_income")[0]
    where = {"household": str(lead.household_id), "target": "household", "item": "wage_income"}
    page = client_as("village").get(f"/households/{lead.household_id}/history/household/wage_income").content.decode()
    assert 'action="/exports/item_history"' in page and f'name="household" value="{lead.household_id}"' in page
    acting("village")
    rows = sheet(run("item_history", cast["village"], reach, **where))
    assert rows[0] == ["时间", "谁", "从哪里", "原来", "改为"]
    assert len(rows) == page.count("<tr>") and all(str(row[4]) in page for row in rows[1:])
    for item in ("bank_card_no", "no_such_item"):
        with pytest.raises(JobRefused, match="没有这个指标"):
            run("item_history", cast["village"], reach, **where | {"item": item})
    outside = Household.objects.visible_to(acting("system")).exclude(village_code__in=reach.villages)[0]
    acting("village")
    with pytest.raises(JobRefused, match="管辖范围"):
        run("item_history", cast["village"], reach, **where | {"household": str(outside.pk)})
    with pytest.raises(JobRefused, match="哪一户"):
        run("item_history", cast["village"], reach)


def test_a_long_list_goes_on_in_a_second_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "ROWS_A_SHEET", 1000)
    reported: list[tuple[int, int]] = []
    table = Table((Column("编号"), Column("数", "number"), Column("元", "money")), ([f"{n:05d}", n, n] for n in range(2500)), 2500)
    count = write(tmp_path / "a.xlsx", PLAIN.title, table, by="某人", report=lambda done, total: reported.append((done, total)))
    book = CalamineWorkbook.from_path(str(tmp_path / "a.xlsx"))
    assert count == 2500 and book.sheet_names == ["清单", "清单 2", "清单 3", "说明"]
    rows = [row for name in book.sheet_names[:3] for row in book.get_sheet_by_name(name).to_python()[1:]]
    assert [row[0] for row in rows] == [f"{n:05d}" for n in range(2500)] and rows[150][2] == 1.5
    assert reported[0] == (200, 2500) and reported[-1] == (2500, 2500)


def test_an_empty_list_still_has_its_head(tmp_path: Path) -> None:
    write(tmp_path / "a.xlsx", PLAIN.title, Table((Column("编号"),), (), 0), by="某人")
    assert CalamineWorkbook.from_path(str(tmp_path / "a.xlsx")).get_sheet_by_index(0).to_python() == [["编号"]]


def test_the_command_line_writes_the_same_list(acting: As, tmp_path: Path) -> None:
    command = load("export")
    place = acting("township").villages[0][:9]
    given = dict.fromkeys(("place", "state", "kind", "clue", "q", "shown"), "")
    answer = command.run(Namespace(list="households", out=tmp_path / "h.xlsx", json=True, **(given | {"place": place})))
    rows = CalamineWorkbook.from_path(str(tmp_path / "h.xlsx")).get_sheet_by_index(0).to_python()
    assert answer.facts["rows"] == len(rows) - 1 == Household.objects.filter(village_code__startswith=place).count()
    with pytest.raises(CommandFault, match="没有“x”"):
        command.run(Namespace(list="x", out=tmp_path / "h.xlsx", json=True, **given))
    with pytest.raises(CommandFault, match="不能按 q"):
        command.run(Namespace(list="progress", out=tmp_path / "h.xlsx", json=True, **(given | {"q": "张"})))


@pytest.mark.parametrize(
    ("key", "given", "said"),
    [
        ("households", {"place": "110000"}, "没有“110000”这个地区.*湖沟镇 340323106"),
        ("households", {"place": "110101"}, "没有“110101”"),  # a county elsewhere
        ("households", {"place": "湖沟沟"}, "没有“湖沟沟”"),
        ("households", {"state": "bogus"}, "--state 不能是“bogus”，可以是：empty（未采集）"),
        ("households", {"kind": "poor"}, "monitored_open（"),
        ("households", {"clue": "yes"}, "可以是：open"),
        ("year_update", {"shown": "all"}, "可以是：waiting.*done"),
        ("clues", {"state": "empty"}, "可以是：due（待核实）"),
        ("clues", {"severity": "X"}, "E（必须更正）"),
        ("clues", {"rule": "C999"}, "可以是：.*C001"),
        ("households", {"shown": "done"}, "不能按 shown 筛选，只能按 place"),
    ],
)
def test_a_filter_that_means_nothing_makes_no_file_and_says_what_may_stand(
    key: str, given: dict[str, str], said: str, acting: As, tmp_path: Path
) -> None:
    acting("system")
    with pytest.raises(CommandFault, match=said):
        load("export").run(Namespace(list=key, out=tmp_path / "h.xlsx", json=True, **given))
    assert not list(tmp_path.iterdir())


def test_a_place_may_be_named_and_a_filter_written_in_small_letters(acting: As, tmp_path: Path) -> None:
    acting("system")
    command = load("export")
    named = command.run(Namespace(list="households", out=tmp_path / "a.xlsx", json=True, place="湖沟镇")).facts
    coded = command.run(Namespace(list="households", out=tmp_path / "a.xlsx", json=True, place="340323106")).facts
    assert named == coded and named["rows"] > 0
    small, big = (command.run(Namespace(list="clues", out=tmp_path / "a.xlsx", json=True, severity=word)).facts for word in "eE")
    assert small == big and small["filters"] == {"severity": "E"}


def test_every_filter_of_a_list_is_explained_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    load("export").add_arguments(parser)
    assert not [action.dest for action in parser._actions if not action.help]


def test_progress_counts_what_the_page_counts(cast: dict[str, User], acting: As) -> None:
    reach = acting("county")
    rows = sheet(run("progress", cast["county"], reach))
    total = queries.total(queries.progress_by(reach, clock.current().year, length=9))
    assert rows[-1][1] == "合计" and rows[-1][2] == total.households and rows[-1][8] == total.entered_there
    assert find("progress") is not None
