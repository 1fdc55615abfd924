"""What an import set aside is mended on the page, in a workbook of its own, by checking again, or is said to stay out."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client
from python_calamine import CalamineWorkbook

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_database_reach
from fangfanpin.files.services import path_of
from fangfanpin.households.models import Household, Person
from fangfanpin.households.subjects import plain_secret
from fangfanpin.jobs import exports
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import JobRefused, Outcome, Progress
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import ImportBatch, TrayRow
from fangfanpin.records.roster import mending, tray
from fangfanpin.records.roster.services import apply_batch, receive
from tests.records.rosters import WANG, Roster, roster
from tests.records.test_roster import nothing

As = Callable[[str], Reach]


@pytest.fixture
def county(worker: Iterator[None], acting: As) -> Reach:
    return acting("county")


@pytest.fixture
def drawn(county: Reach) -> Roster:
    return roster(sorted(county.villages)[0])


def put(batch: ImportBatch, reach: Reach, *, keep_good: bool) -> ImportBatch:
    set_database_reach(reach, act="test", source="test")
    return apply_batch(batch=batch, year=current_year(), reach=reach, keep_good=keep_good, report=nothing)


@pytest.fixture
def take(county: Reach, cast: dict[str, User], tmp_path: Path) -> Callable[[Roster], ImportBatch]:
    def run(what: Roster) -> ImportBatch:
        content = what.write(tmp_path / "花名册.xlsx")
        return put(receive(content=content, name="花名册.xlsx", keep_good=True, year=current_year(), by=cast["county"]), county, keep_good=True)

    return run


def waiting(batch: ImportBatch) -> list[TrayRow]:
    return list(TrayRow.objects.filter(batch=batch, settled_at__isnull=True).order_by("sheet", "row_number"))


def cell_of(batch: ImportBatch, row: TrayRow, header: str) -> str:
    """The name of a cell's input on the page."""
    return f"c-{row.pk}-{mending.Sheets(batch, current_year()).headers(row.sheet).index(header)}"


def apply_latest(county: Reach, kind: str) -> ImportBatch:
    """What the worker does with the job that the page queued."""
    job = Job.objects.filter(kind=kind).latest("created_at")
    return put(ImportBatch.objects.get(pk=job.parameters["batch"]), county, keep_good=job.parameters["keep_good"])


def test_a_household_is_mended_on_the_page_and_comes_in(
    drawn: Roster, take: Callable[..., ImportBatch], county: Reach, client_as: Callable[[str], Client]
) -> None:
    drawn.people[1]["性别"] = "难"
    drawn.people[0]["证件号码"] = WANG[:17]
    batch = take(drawn)
    rows = waiting(batch)
    client = client_as("county")
    listed = client.get(f"/imports/{batch.pk}/tray").content.decode()
    assert "还有 1 户（4 行）没有导入" in listed and listed.count(">去改<") == 1 and WANG[:17] not in listed
    page = client.get(f"/imports/{batch.pk}/tray/{rows[0].pk}").content.decode()
    husband, wife = rows[0], rows[1]
    sex, number = cell_of(batch, wife, "性别"), cell_of(batch, husband, "证件号码")
    assert f'name="{sex}" value="难"' in page and f'name="{number}" value=""' in page and WANG[:17] not in page
    # One mended, one not: nothing comes in, what was typed stays, and the page says what is left.
    answer = client.post(f"/imports/{batch.pk}/tray/{rows[0].pk}", {sex: "女"}, follow=True).content.decode()
    assert "还有错误，没有导入" in answer and f'name="{sex}" value="女"' in answer and "应是 18 位" in answer
    assert [bool(row.faults) for row in waiting(batch)] == [True, False, False, False]
    sent = client.post(f"/imports/{batch.pk}/tray/{rows[0].pk}", {number: WANG})
    mended = ImportBatch.objects.exclude(pk=batch.pk).get()
    assert sent["Location"] == f"/imports/{mended.pk}/" and "NEW0001" in mended.file.name
    assert apply_latest(county, "records.roster_apply").state == "applied"
    home = Household.objects.get(code="NEW0001")
    assert home.persons.count() == 3 and plain_secret(home, "bank_card_no") == "6217001234567890123"
    assert plain_secret(Person.objects.get(code="NEW000101"), "id_number") == WANG
    assert waiting(batch) == [] and {tray.settled_words(row) for row in batch.tray.all()} == {"已导入"}


def test_a_wrong_village_is_mended_and_leaves_the_tray(
    drawn: Roster, take: Callable[..., ImportBatch], county: Reach, client_as: Callable[[str], Client]
) -> None:
    right = drawn.homes[0]["村代码"]
    drawn.homes[0]["村代码"] = "340323999999"
    batch = take(drawn)
    home = next(row for row in waiting(batch) if row.sheet == "户")
    client_as("county").post(f"/imports/{batch.pk}/tray/{home.pk}", {cell_of(batch, home, "村代码"): right})
    apply_latest(county, "records.roster_apply")
    assert Household.objects.get(code="NEW0001").village_code == right and waiting(batch) == []


def test_the_waiting_rows_come_as_a_workbook_that_goes_in_again(
    drawn: Roster, take: Callable[..., ImportBatch], county: Reach, client_as: Callable[[str], Client], cast: dict[str, User], tmp_path: Path
) -> None:
    drawn.people[1]["性别"] = "难"
    batch = take(drawn)
    answer = client_as("county").get(f"/imports/{batch.pk}/tray.xlsx")
    path = tmp_path / "tray.xlsx"
    path.write_bytes(answer.content)
    book = CalamineWorkbook.from_path(str(path))
    rows = [row for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python()]
    told = next(row for row in rows if "李秀兰" in row)
    assert WANG in str(rows) and "难" in told and "清单里没有“难”" in str(told[-1]) and "赵桂英" not in str(rows)
    ImportBatch.objects.filter(pk=batch.pk).update(uploaded_by=cast["admin"])
    assert client_as("county").get(f"/imports/{batch.pk}/tray.xlsx").status_code == 404, "whole numbers are for whoever had them"
    # Handed in unmended, it waits in the later file's tray and no longer in the first one's.
    set_database_reach(county, act="test", source="test")
    again = receive(content=path, name="改.xlsx", keep_good=True, year=current_year(), by=cast["county"])
    assert put(again, county, keep_good=True).state == "faulty"
    ImportBatch.objects.filter(pk=batch.pk).update(uploaded_by=cast["county"])


def test_all_are_checked_again_where_the_fault_lay_elsewhere(
    drawn: Roster, take: Callable[..., ImportBatch], county: Reach, client_as: Callable[[str], Client]
) -> None:
    drawn.homes[0]["村代码"], drawn.homes[1]["村代码"] = "340323999999", "340323999998"
    batch = take(
        Roster(
            [*drawn.homes, drawn.homes[0] | {"户编号": "NEW0003", "村代码": sorted(county.villages)[0]}],
            [*drawn.people, drawn.people[3] | {"户编号": "NEW0003", "人编号": "NEW000301", "证件号码": "", "姓名": "孙三"}],
        )
    )
    assert {row.cells["code"] for row in waiting(batch)} == {"NEW0001", "NEW0002"}
    for row in waiting(batch):
        if row.sheet == "户" and row.cells["code"] == "NEW0001":
            mending.correct(rows=[row], typed={(row.pk, "村代码"): sorted(county.villages)[0]}, sheets=mending.Sheets(batch, current_year()))
    client_as("county").post(f"/imports/{batch.pk}/tray")
    later = apply_latest(county, "records.roster_apply")
    assert later.state == "applied" and Household.objects.filter(code="NEW0001").exists()
    assert waiting(batch) == [] and {row.cells["code"] for row in waiting(later)} == {"NEW0002"}
    assert {tray.settled_words(row) for row in batch.tray.filter(cells__code="NEW0002")} == {"后来的文件里又有这户，改那一份"}


def test_what_is_not_to_come_in_says_why_and_by_whom(
    drawn: Roster, take: Callable[..., ImportBatch], client_as: Callable[[str], Client], cast: dict[str, User]
) -> None:
    drawn.people[1]["性别"] = "难"
    batch = take(drawn)
    url = f"/imports/{batch.pk}/tray/{waiting(batch)[0].pk}"
    client = client_as("county")
    assert "请写明为什么不再导入" in client.post(url, {"act": "settle", "reason": "不"}, follow=True).content.decode()
    assert len(waiting(batch)) == 4
    page = client.post(url, {"act": "settle", "reason": "已迁到外县"}, follow=True).content.decode()
    assert waiting(batch) == [] and "已迁到外县" in page and cast["county"].name in page
    assert client.get(url).status_code == 404


def test_tray_and_differences_go_to_excel_masked(
    drawn: Roster, take: Callable[..., ImportBatch], county: Reach, cast: dict[str, User], client_as: Callable[[str], Client]
) -> None:
    drawn.people[1]["性别"] = "难"
    batch = take(drawn)
    for part, key in (("tray", "import_tray"), ("differences", "import_differences")):
        assert f'action="/exports/{key}"' in client_as("county").get(f"/imports/{batch.pk}/{part}").content.decode()
    set_database_reach(county, act="test", source="test")
    outcome = run("import_tray", cast["county"], county, batch=str(batch.pk))
    assert outcome.result["rows"] == 4 and outcome.file is not None
    with zipfile.ZipFile(path_of(outcome.file)) as book:
        text = "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())
    assert "李秀兰" in text and "清单里没有“难”" in text and WANG not in text and "6217001234567890123" not in text
    assert run("import_differences", cast["county"], county, batch=str(batch.pk)).result["rows"] == 0
    ImportBatch.objects.filter(pk=batch.pk).update(uploaded_by=cast["admin"], summary={})
    for given in ({"batch": str(batch.pk)}, {"batch": "x"}, {}):
        with pytest.raises(JobRefused):
            run("import_tray", cast["county"], county, **given)


class Silent(Progress):
    def __init__(self) -> None:
        pass

    def report(self, done: int, total: int, message: str = "") -> None:
        """Nobody watches."""


def run(key: str, by: User, reach: Reach, **parameters: str) -> Outcome:
    return exports._run(Job(kind=f"export.{key}", owner=by, parameters=parameters), reach, Silent())
