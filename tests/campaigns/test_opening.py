"""A year opens with what is due of the households that are on the register already."""

import datetime
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.audit.models import Event
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.services import CampaignRefused, open_campaign, put_in_force
from fangfanpin.dashboards import queries
from fangfanpin.households.models import Household
from fangfanpin.pack import load_pack
from fangfanpin.policy.models import PublishedPack
from fangfanpin.policy.services import publish
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.regions.models import Region
from fangfanpin.registers import slots
from fangfanpin.registers.definitions import register_of
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
