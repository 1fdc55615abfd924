"""A published pack computes an item otherwise: rows that are there follow in a job, with their list rows, clues and villages' tables."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.audit.models import RECOMPUTE, Event
from fangfanpin.campaigns.services import InForce
from fangfanpin.campaigns.services import put_in_force as publish
from fangfanpin.households.models import Household
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import run
from fangfanpin.pack import Pack, load_pack
from fangfanpin.quality.models import Clue
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.records.reviewing import has_typed_in
from fangfanpin.registers import recomputing, rollups, services, slots
from fangfanpin.registers.definitions import Register, register_of
from fangfanpin.registers.models import Entry
from tests.registers.added import folder_in, judged_homes, put_in_force, sent, texts

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]
REASON = "登记错了"
RULE = """
[D009]
title = "自筹偏多"
severity = "W"
subject = "yard"
when = "own_money > 10000.00"
message = "自筹 {own_money} 元"
where = "庭院经济台账"
"""


def edit(folder: Path, name: str, old: str, new: str) -> None:
    file = folder / name
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path, db: None) -> Path:
    """The example in force, its computed item marked for lists, in a village's table and in a rule."""
    found = folder_in(tmp_path)
    edit(found, "indicators.csv", "= invested - subsidy,,column,", "= invested - subsidy,,column filter sort,")
    edit(found, "rollups.toml", 'yard_sales = "sum(yard, sales)"', 'yard_sales = "sum(yard, own_money)"')
    (found / "rules" / "more.toml").write_text(RULE, encoding="utf-8")
    put_in_force(found)
    return found


@pytest.fixture
def home(folder: Path, acting: Acting) -> Household:
    return next(one for one in judged_homes(acting("village")) if one.natural_village_code)


@pytest.fixture
def add(home: Household, client_as: ClientAs, acting: Acting) -> Callable[..., UUID]:
    village = client_as("village")

    def added(**changed: str) -> UUID:
        answer = village.post("/registers/yard/new", sent(texts(home, **changed)))
        assert answer.status_code == 302, answer.content.decode()
        acting("system")
        return UUID(answer["Location"].strip("/").split("/")[-1])

    return added


def changed_to(folder: Path, expression: str) -> None:
    edit(folder, "computations.toml", '"coalesce(invested, 0.00) - coalesce(subsidy, 0.00)"', f'"{expression}"')


def published(folder: Path, by: User, acting: Acting) -> InForce:
    acting("system")
    set_act("pack.publish")
    return publish(pack=load_pack(folder), directory=folder, by=by)


def done(given: InForce, acting: Acting) -> Job:
    assert given.job is not None
    run(str(given.job.pk))
    acting("system")
    given.job.refresh_from_db()
    return given.job


def broken_off(given: InForce, acting: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job dies when most of it is done."""

    def dies(*arguments: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(rollups, "refresh_rows", dies)
        assert done(given, acting).state == "failed"


def column(pack: Pack) -> str:
    yards = register_of(pack, "yard")
    assert yards is not None
    return slots.columns(yards, pack)["own_money"]


def yards_of(pack: Pack) -> Register:
    found = register_of(pack, "yard")
    assert found is not None
    return found


def test_rows_follow_with_lists_clues_and_tables_and_history_says_so(
    folder: Path, home: Household, add: Callable[..., UUID], cast: dict[str, User], acting: Acting, client_as: ClientAs
) -> None:
    kept, approved, struck = add(), add(plot_no="Y-02", sales="90000"), add(plot_no="Y-03")
    record = Record.objects.get(pk=approved)
    services.approve(record=record, register=yards_of(current_year().pack), pack=current_year().pack, seen=record.version, by=cast["township"])
    assert client_as("village").post(f"/registers/rows/{struck}/strike", {"reason": REASON}).status_code == 302
    acting("system")
    before = {row.pk: row for row in Record.objects.filter(form="yard")}
    changed_to(folder, "coalesce(invested, 0.00) - coalesce(subsidy, 0.00) + coalesce(sales, 0.00)")
    given = published(folder, cast["county"], acting)
    assert given.job is not None and given.job.owner == cast["county"] and "庭院经济台账" in given.job.title
    assert Record.objects.get(pk=kept).values["own_money"] == 379_950, "the worker's work"
    job = done(given, acting)
    assert job.state == "done", job.message
    counts = {name: job.result[name] for name in ("rows", "changed", "reviewed", "broken", "tables")}
    assert counts == {"rows": 2, "changed": 2, "reviewed": 1, "broken": 0, "tables": 1} and job.result["households"]["rows"] == 0
    assert "已审核" in job.message
    after = {row.pk: row for row in Record.objects.filter(form="yard")}
    assert (after[kept].values["own_money"], after[approved].values["own_money"]) == (1_179_950, 9_379_950)
    assert after[struck].values == before[struck].values, "what was struck is history"
    for key in (kept, approved):
        assert {**after[key].values, "own_money": None} == {**before[key].values, "own_money": None}
        assert (after[key].state, after[key].version, after[key].pack_hash) == (before[key].state, before[key].version, before[key].pack_hash)
    pack = current_year().pack
    assert dict(Entry.objects.filter(form="yard").values_list("record_id", column(pack))) == {
        key: row.values["own_money"] for key, row in after.items()
    }
    table = Record.objects.get(form="village_year", year=2021, subject_code=home.village_code)
    assert table.values["yard_sales"] == 1_179_950 + 9_379_950
    assert set(Clue.objects.filter(rule_id="D009", state="open").values_list("subject_id", flat=True)) == {kept, approved}
    events = Event.objects.filter(table_name="records_record", act=RECOMPUTE)
    assert {(event.row_id, event.actor_id, event.source) for event in events} == {(str(key), cast["county"].pk, "job") for key in (kept, approved)}
    assert all(set(event.changed or {}) == {"values.own_money"} for event in events)
    shown = client_as("village").get(f"/registers/rows/{kept}/").content.decode()
    assert "重新计算" in shown and cast["county"].name in shown and "3799.50 → 11799.50" in shown
    acting("system")
    assert not has_typed_in(after[kept], cast["county"]), "who published typed nothing"

    count = events.count()
    again = recomputing.recompute(pack, 2021, recomputing.everything(pack), by=None)
    assert (again.rows, again.changed, again.tables, events.count()) == (
        Record.objects.filter(form__in=recomputing.everything(pack).forms).exclude(state="void").count(), 0, 0, count
    )  # fmt: skip


def test_what_is_not_computed_otherwise_is_not_looked_at(folder: Path, cast: dict[str, User], acting: Acting) -> None:
    edit(folder, "rules/more.toml", "自筹偏多", "自筹很多")
    assert published(folder, cast["county"], acting).job is None
    edit(folder, "rollups.toml", 'yard_sales = "sum(yard, own_money)"', 'yard_sales = "sum(yard, invested)"')
    job = published(folder, cast["county"], acting).job
    assert job is not None and job.parameters == {"forms": [], "rollups": True, "households": False}
    changed_to(folder, "coalesce(invested, 0.00) - coalesce(subsidy, 0.00) + param.yard_subsidy_most")
    job = published(folder, cast["county"], acting).job
    assert job is not None and job.parameters == {"forms": ["yard"], "rollups": False, "households": False}
    edit(folder, "parameters.csv", ",3000,", ",3500,")
    job = published(folder, cast["county"], acting).job
    assert job is not None and job.parameters == {"forms": ["yard"], "rollups": False, "households": False}, "a parameter that the computation reads"
    assert published(folder, cast["county"], acting).job is None, "the same once more"


def test_broken_off_it_has_changed_nothing_and_can_be_done_again(
    folder: Path, add: Callable[..., UUID], cast: dict[str, User], acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = add()
    changed_to(folder, "coalesce(invested, 0.00)")
    broken_off(published(folder, cast["county"], acting), acting, monkeypatch)
    assert Record.objects.get(pk=row).values["own_money"] == 379_950
    assert not Event.objects.filter(act=RECOMPUTE, row_id=str(row)).exists() and not Clue.objects.filter(rule_id="D009").exists()
    pack = current_year().pack
    assert recomputing.recompute(pack, 2021, recomputing.everything(pack), by=None).changed == 1
    assert Record.objects.get(pk=row).values["own_money"] == 500_000


def test_a_row_saved_meanwhile_is_computed_from_what_it_holds_now(
    folder: Path, add: Callable[..., UUID], cast: dict[str, User], acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, other = add(), add(plot_no="Y-02")
    changed_to(folder, "coalesce(invested, 0.00)")
    given = published(folder, cast["county"], acting)
    write = recomputing._write

    def late(fresh: Any) -> set[UUID]:
        """As another save would, between reading and writing."""
        record = Record.objects.get(pk=row)
        if record.values["invested"] == 500_000:
            record.values, record.version = {**record.values, "invested": 700_000}, record.version + 1
            record.save()
        return write(fresh)

    monkeypatch.setattr(recomputing, "_write", late)
    assert done(given, acting).result["changed"] == 2
    assert [Record.objects.get(pk=key).values["own_money"] for key in (row, other)] == [700_000, 500_000]


def test_an_item_that_becomes_computed_and_one_that_goes(
    folder: Path, add: Callable[..., UUID], cast: dict[str, User], acting: Acting, client_as: ClientAs
) -> None:
    row = add()
    items = (folder / "indicators.csv").read_text(encoding="utf-8")
    edit(folder, "indicators.csv", "yard,heads,存栏数量,,,int,head,,,as_of,record,", "yard,heads,存栏数量,,,int,head,,,as_of,computed,")
    with (folder / "computations.toml").open("a", encoding="utf-8") as file:
        file.write('heads = "if(has_order, 77, 88)"\n')
    given = published(folder, cast["county"], acting)
    assert done(given, acting).state == "done" and given.gone == ()
    assert Record.objects.get(pk=row).values["heads"] == 77
    village = client_as("village")
    assert 'name="heads"' not in village.get(f"/registers/rows/{row}/edit").content.decode()
    shown = village.get(f"/registers/rows/{row}/").content.decode()
    assert "120" in shown and "重新计算" in shown, "what was typed stays in the history"

    # Typed again: the value stands as if it had been typed. Then it goes, and so does the other computed item.
    (folder / "indicators.csv").write_text(items, encoding="utf-8")
    (folder / "computations.toml").write_text('[yard]\nown_money = "coalesce(invested, 0.00) - coalesce(subsidy, 0.00)"\n', encoding="utf-8")
    assert published(folder, cast["county"], acting).job is None
    (folder / "indicators.csv").write_text(
        "".join(line for line in items.splitlines(keepends=True) if not line.startswith(("yard,heads,", "yard,own_money,"))), encoding="utf-8"
    )
    (folder / "computations.toml").unlink()
    (folder / "rules" / "more.toml").unlink()
    edit(folder, "rollups.toml", 'yard_sales = "sum(yard, own_money)"', 'yard_sales = "sum(yard, sales)"')
    given = published(folder, cast["county"], acting)
    assert given.gone == ("yard.heads", "yard.own_money") and given.job is not None and given.job.parameters["forms"] == []
    assert done(given, acting).state == "done"
    values = Record.objects.get(pk=row).values
    assert (values["heads"], values["own_money"]) == (77, 379_950)
    shown = village.get(f"/registers/rows/{row}/").content.decode()
    assert "存栏数量（已停用）" in shown and "自筹金额（已停用）" in shown


def test_a_value_computed_under_a_later_pack_is_read_by_that_pack_when_it_goes(
    folder: Path, add: Callable[..., UUID], cast: dict[str, User], acting: Acting, client_as: ClientAs
) -> None:
    row = add()
    items = (folder / "indicators.csv").read_text(encoding="utf-8")
    given = (folder / "computations.toml").read_text(encoding="utf-8")
    line = "yard,twice,投入两倍,,,money,yuan,2,,period,computed,none,,money,,no,K example,,,,Twice,\n"
    (folder / "indicators.csv").write_text(items + line, encoding="utf-8")
    (folder / "computations.toml").write_text(given + 'twice = "coalesce(invested, 0.00) * 2"\n', encoding="utf-8")
    assert done(published(folder, cast["county"], acting), acting).result["changed"] == 1
    (folder / "indicators.csv").write_text(items, encoding="utf-8")
    (folder / "computations.toml").write_text(given, encoding="utf-8")
    published(folder, cast["county"], acting)
    shown = client_as("village").get(f"/registers/rows/{row}/").content.decode()
    assert "投入两倍（已停用）" in shown and "10000.00" in shown


def test_a_roll_up_that_goes_is_shown_as_retired(folder: Path, add: Callable[..., UUID], home: Household, client_as: ClientAs) -> None:
    add()
    put_in_force(folder.parent / "guzhen-2021")
    table = Record.objects.get(form="village_year", year=2021, subject_code=home.village_code)
    assert table.values["yard_sales"] == 379_950
    shown = client_as("village").get(f"/registers/rows/{table.pk}/").content.decode()
    assert "庭院经济销售收入（已停用）" in shown and "3799.50" in shown


def test_two_rows_that_would_be_one_are_told_and_nothing_is_changed(
    folder: Path, add: Callable[..., UUID], cast: dict[str, User], acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = add()
    changed_to(folder, "coalesce(invested, 0.00)")
    given = published(folder, cast["county"], acting)

    def twice(*arguments: Any, **named: Any) -> int:
        raise IntegrityError

    monkeypatch.setattr(recomputing, "write_entries", twice)
    job = done(given, acting)
    assert job.state == "failed" and "两条相同" in job.message
    assert Record.objects.get(pk=row).values["own_money"] == 379_950


def test_rows_of_an_earlier_period_keep_what_that_year_computed(folder: Path, acting: Acting) -> None:
    acting("system")
    pack = current_year().pack
    for register in (one for one in map(lambda key: register_of(pack, key), pack.forms) if one is not None and not one.is_yearly):
        years = set(recomputing.rows_of(register, 2021).values_list("year", flat=True))
        assert years <= {2021} or register.form.period not in ("year", "month", "round"), register.key


def test_rows_written_by_the_pack_before_while_it_was_published_follow_at_night(
    folder: Path, add: Callable[..., UUID], cast: dict[str, User], acting: Acting
) -> None:
    row = add()
    changed_to(folder, "coalesce(invested, 0.00)")
    published(folder, cast["county"], acting)
    late = Record.objects.get(pk=row)
    late.save()  # by the pack before, after this one was published: as a long import does
    assert recomputing.catch_up(current_year().pack, 2021).changed == 1
    assert Record.objects.get(pk=row).values["own_money"] == 500_000
