"""A year opens with what is due of the households that are on the register already."""

import datetime
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import sqlglot
from django.conf import settings
from django.db import connection
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.audit.models import Event
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.services import CampaignRefused, open_campaign, put_in_force
from fangfanpin.dashboards import queries
from fangfanpin.households.models import Household
from fangfanpin.pack import Indicator, Pack, load_pack
from fangfanpin.policy.models import PublishedPack
from fangfanpin.policy.services import publish
from fangfanpin.quality import snapshot
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.records.units import load_unit
from fangfanpin.regions.models import Region
from fangfanpin.registers import slots
from fangfanpin.registers.definitions import register_of
from fangfanpin.registers.mirror import reflect
from fangfanpin.registers.models import Entry


@pytest.fixture
def next_pack(tmp_path: Path, cast: dict[str, User]) -> PublishedPack:
    """The county's pack a year on."""
    for name in ("national-2021", "guzhen-2021"):
        shutil.copytree(Path(settings.PACKS_DIR) / name, tmp_path / name)
    for file in tmp_path.glob("*/p*.toml"):
        text = file.read_text(encoding="utf-8")
        for year in (2021, 2020):
            text = text.replace(f"{year}-", f"{year + 1}-").replace(f"= {year}\n", f"= {year + 1}\n")
        file.write_text(text, encoding="utf-8")
    for name in ("national", "guzhen"):
        (tmp_path / f"{name}-2021").rename(tmp_path / f"{name}-2022")
    for file in tmp_path.glob("*/pack.toml"):
        file.write_text(file.read_text(encoding="utf-8").replace('-2021"', '-2022"'), encoding="utf-8")
    directory = tmp_path / "guzhen-2022"
    return publish(pack=load_pack(directory), directory=directory, by=cast["county"])


def test_a_campaign_opens_the_year_of_the_households_on_the_register(
    next_pack: PublishedPack, acting: Callable[[str], Reach], cast: dict[str, User]
) -> None:
    reach = acting("county")
    county = Region.objects.get(pk="340323")
    due = Household.objects.filter(kind="assisted", household_state__in=("", "01"))
    campaign = open_campaign(pack=next_pack, county=county, by=cast["county"], starts=datetime.datetime(2022, 11, 10, tzinfo=datetime.UTC))
    assert (campaign.year, clock.current().year, current_year().year) == (2022, 2022, 2022)
    leads = Record.objects.filter(form="household_year", year=2022)
    assert set(leads.values_list("household_id", flat=True)) == set(due.values_list("pk", flat=True)) and leads.count() > 100
    assert set(leads.values_list("state", "pack_hash").distinct()) == {("empty", next_pack.hash)}
    assert queries.total(queries.progress_by(reach, 2022, length=9)).households == leads.count()
    acts = Event.objects.filter(table_name="records_record", row_id__in=[str(pk) for pk in leads.values_list("pk", flat=True)])
    assert set(acts.values_list("act", flat=True)) == {"campaign.open"}
    before = leads.count()
    open_campaign(pack=next_pack, county=county, by=cast["county"])
    assert leads.count() == before


def test_the_year_that_is_open_loses_nothing_when_it_is_opened_again(acting: Callable[[str], Reach], cast: dict[str, User]) -> None:
    acting("county")
    campaign = clock.current()
    states = dict(Record.objects.filter(form="household_year", year=campaign.year).values_list("pk", "state"))
    open_campaign(pack=campaign.pack, county=campaign.county, by=cast["county"], is_demo=True)
    assert dict(Record.objects.filter(form="household_year", year=campaign.year).values_list("pk", "state")) == states


def _copied(tmp_path: Path) -> Path:
    for name in ("national-2021", "guzhen-2021"):
        shutil.copytree(Path(settings.PACKS_DIR) / name, tmp_path / name)
    return tmp_path / "guzhen-2021"


def test_a_renewed_pack_is_what_the_year_goes_by(tmp_path: Path, acting: Callable[[str], Reach], cast: dict[str, User]) -> None:
    acting("system")
    directory = _copied(tmp_path)
    items = tmp_path / "national-2021" / "indicators.csv"
    lines = items.read_text(encoding="utf-8").splitlines(keepends=True)
    items.write_text("".join(line for line in lines if not line.startswith("visit,needs_raised,")), encoding="utf-8")
    done = put_in_force(pack=load_pack(directory), directory=directory, by=cast["county"])
    assert (done.is_same, done.is_new_year, done.gone) == (False, False, ("visit.needs_raised",))
    assert current_year().pack.hash == done.published.hash
    assert put_in_force(pack=load_pack(directory), directory=directory, by=cast["county"]).is_same


def test_an_item_that_holds_values_keeps_its_meaning(tmp_path: Path, acting: Callable[[str], Reach], cast: dict[str, User]) -> None:
    acting("system")
    directory = _copied(tmp_path)
    items = tmp_path / "national-2021" / "indicators.csv"
    text = items.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("household_year,housing_area_m2,"))
    items.write_text(text.replace(line, line.replace(",decimal,", ",money,")), encoding="utf-8")
    before = current_year().pack.hash
    with pytest.raises(CampaignRefused, match="住房面积"):
        put_in_force(pack=load_pack(directory), directory=directory, by=cast["county"])
    assert current_year().pack.hash == before


def test_a_new_mark_gets_its_column_and_fills_it(tmp_path: Path, acting: Callable[[str], Reach], cast: dict[str, User]) -> None:
    acting("system")
    directory = _copied(tmp_path)
    items = tmp_path / "national-2021" / "indicators.csv"
    text = items.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("microcredit,term_months,"))
    cells = line.split(",")
    cells[text.splitlines()[0].split(",").index("lists")] = "filter sort"
    items.write_text(text.replace(line, ",".join(cells)), encoding="utf-8")
    pack = load_pack(directory)
    put_in_force(pack=pack, directory=directory, by=cast["county"])
    loans = register_of(pack, "microcredit")
    assert loans is not None
    column = slots.columns(loans, pack)["term_months"]
    rows = Entry.objects.filter(form="microcredit").select_related("record")
    assert rows and all(getattr(row, column) == row.record.values["term_months"] for row in rows)


def test_last_year_is_read_in_this_year_s_words(
    tmp_path: Path, next_pack: PublishedPack, acting: Callable[[str], Reach], cast: dict[str, User], client_as: Callable[[str], Client]
) -> None:
    """An item was renamed and two codes changed places: the page, the entry bundle, the rules and the sweep all read last year alike."""
    acting("county")
    national = tmp_path / "national-2022"
    text = (national / "indicators.csv").read_text(encoding="utf-8")
    (national / "indicators.csv").write_text(text.replace("household_year,housing_area_m2,", "household_year,living_area_m2,"), encoding="utf-8")
    for file in national.rglob("*.toml"):
        file.write_text(re.sub(r"\bhousing_area_m2\b", "living_area_m2", file.read_text(encoding="utf-8")), encoding="utf-8")
    (national / "renamed.csv").write_text("since,form,name,was\n2022,household_year,living_area_m2,housing_area_m2\n", encoding="utf-8")
    (national / "recoded.csv").write_text(
        "since,list,code,was\n2022,road_type,02,01\n2022,road_type,01,02\n2022,health_status,03,02\n", encoding="utf-8"
    )
    directory = tmp_path / "guzhen-2022"
    pack = load_pack(directory)
    record = Record.objects.filter(form="household_year", year=2021, state="submitted").exclude(household=None)[0]
    household = record.household
    assert household is not None
    record.values |= {"housing_area_m2": 8800, "road_type": "01"}
    record.save()
    person = Record.objects.filter(form="person_year", year=2021, household=household)[0]
    person.values["health_status"] = ["02", "04"]
    person.save()
    done = put_in_force(pack=pack, directory=directory, by=cast["county"])
    assert done.is_new_year and "household_year.housing_area_m2" in done.gone and not done.lost
    unit = load_unit(household, 2022)
    last = unit.last["household"].values
    assert (last["living_area_m2"], last["road_type"], "housing_area_m2" in last) == (8800, "02", False)
    assert unit.last[str(person.subject_id)].values["health_status"] == ["03", "04"]
    record.refresh_from_db()
    assert record.values["road_type"] == "01", "what was written stays as it was written"
    page = client_as("county").get(f"/households/{household.pk}/").content.decode()
    assert "88" in page and pack.word("road_type", "02") in page
    acting("county")
    columns = {
        "household": snapshot.Columns(frozenset(), frozenset({"living_area_m2", "road_type"})),
        "person": snapshot.Columns(frozenset(), frozenset({"health_status"})),
        "spell": snapshot.Columns(frozenset(), frozenset()),
    }
    with connection.cursor() as cursor:
        found = {}
        for name, scan in snapshot._scans(2022, columns, [], pack).items():
            if name in ("household_last", "person_last"):
                cursor.execute(scan)
                names = [column.name for column in cursor.description]
                found[name] = {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
    assert found["household_last"][household.pk]["living_area_m2"] == "8800"
    text = found["household_last"][household.pk]["road_type"]
    past = snapshot._Past("household_year", pack)
    with duckdb.connect() as engine:
        engine.execute("CREATE TABLE t (road_type VARCHAR, health_status VARCHAR)")
        engine.execute("INSERT INTO t VALUES (?, ?)", [text, found["person_last"][person.subject_id]["health_status"]])
        types = pack.schema().subjects
        road = past.value("road_type", sqlglot.exp.column("road_type"), types["household"].columns["road_type"])
        health = snapshot._Past("person_year", pack).value(
            "health_status", sqlglot.exp.column("health_status"), types["person"].columns["health_status"]
        )
        assert engine.execute(sqlglot.exp.select(road, health).from_("t").sql("duckdb")).fetchone() == ("02", ["03", "04"])


def test_a_code_that_goes_without_a_successor_is_told(tmp_path: Path, acting: Callable[[str], Reach], cast: dict[str, User]) -> None:
    acting("county")
    for name in ("national-2021", "guzhen-2021"):
        shutil.copytree(Path(settings.PACKS_DIR) / name, tmp_path / name)
    lists = tmp_path / "national-2021" / "lists.csv"
    lines = lists.read_text(encoding="utf-8").splitlines(keepends=True)
    lists.write_text("".join(line for line in lines if not line.startswith("fuel_type,99,")), encoding="utf-8")
    record = Record.objects.filter(form="household_year", year=2021)[0]
    record.values["fuel_type"] = "99"
    record.save()
    held = Record.objects.filter(form="household_year", values__fuel_type="99").count()
    done = put_in_force(pack=load_pack(tmp_path / "guzhen-2021"), directory=tmp_path / "guzhen-2021", by=cast["county"])
    assert [(item, code[:2], count) for item, code, count in done.lost] == [("household_year.fuel_type", "99", held)]


def test_an_item_that_went_is_still_shown_where_it_was_filled(
    tmp_path: Path, acting: Callable[[str], Reach], cast: dict[str, User], client_as: Callable[[str], Client]
) -> None:
    """Retired in the dictionary, or taken out of it: what was written is kept and called retired."""
    acting("county")
    for name in ("national-2021", "guzhen-2021"):
        shutil.copytree(Path(settings.PACKS_DIR) / name, tmp_path / name)
    file = tmp_path / "national-2021" / "indicators.csv"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    lines = [line for line in lines if not line.startswith("microcredit,guarantee,")]
    file.write_text("".join(lines), encoding="utf-8")
    before = current_year().pack
    register = register_of(before, "microcredit")
    household = Household.objects.filter(kind="assisted")[0]
    assert register is not None
    row = Record.objects.create(
        form="microcredit", year=2021, subject_kind="household", subject_id=household.pk, household=household, village_code=household.village_code,
        state="submitted", pack_hash=before.hash, entered_by=cast["village"],
        values={"contract_no": "HT-1", "guarantee": _a_value(before.indicators["microcredit.guarantee"], before)},
    )  # fmt: skip
    reflect(row, register, before)
    put_in_force(pack=load_pack(tmp_path / "guzhen-2021"), directory=tmp_path / "guzhen-2021", by=cast["county"])
    page = client_as("county").get(f"/registers/rows/{row.pk}/").content.decode()
    assert f"{before.indicators['microcredit.guarantee'].zh}（已停用）" in page


def _a_value(item: Indicator, pack: Pack) -> str:
    return pack.lists[item.list][0].code if item.list else "养羊"
