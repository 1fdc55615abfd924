"""Progress against the plan: the day's target, stage reports, numbers for those who see no household, the map."""

import datetime
import json
import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.models import StageReport
from fangfanpin.dashboards import queries
from fangfanpin.pack.load import SHANGHAI
from fangfanpin.regions.names import name_of

ClientAs = Callable[[str], Client]
Acting = Callable[[str], Reach]


def _at(text: str) -> datetime.datetime:
    return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("moment", "share"),
    [("2021-11-10 08:00", 0), ("2021-11-13 00:01", 0), ("2021-11-15 12:00", 50), ("2021-11-17 12:00", 90), ("2021-11-18 00:00", 100)],
)
def test_the_target_grows_evenly_from_mobilisation_to_the_deadline(cast: dict[str, User], moment: str, share: int) -> None:
    campaign = clock.current()
    clock.set_clock(campaign, _at(moment))
    assert clock.expected_share(campaign, "entered") == pytest.approx(share, abs=1)
    assert clock.expected_share(campaign, "nothing counts this") is None


def test_the_campaign_is_fetched_once_per_request(client_as: ClientAs) -> None:
    client = client_as("county")
    client.get("/households/")
    with CaptureQueriesContext(connection) as captured:
        client.get("/households/")
    asked = [query["sql"] for query in captured if 'WHERE "campaigns_campaign"."is_current"' in query["sql"]]
    assert len(asked) == 1
    assert '"sources"' not in asked[0] and '"content"' not in asked[0], "a pack's files are megabytes"


def test_a_changed_clock_shows_on_the_next_page(client_as: ClientAs) -> None:
    client = client_as("county")
    before = client.get("/").content.decode()
    clock.set_clock(clock.current(), _at("2021-11-17 20:30"))
    after = client.get("/").content.decode()
    assert "3 小时 2" in after and "3 小时 2" not in before


def test_a_department_gets_the_countys_numbers_and_no_household(client_as: ClientAs, acting: Acting) -> None:
    year = clock.current().year
    seen = queries.progress_by(acting("county"), year, length=9)
    followed = queries.progress_by(acting("department"), year, length=9)
    assert followed == seen and queries.total(seen).households > 0
    client = client_as("department")
    page = client.get("/progress/").content.decode()
    assert f"应采集 {queries.total(seen).households} 户" in page
    assert "/households/" not in page.split("<main", 1)[1]
    assert client.get(f"/progress/{seen[0].code}/").status_code == 200
    assert client.get("/progress/110101001/").status_code == 404
    assert client.get("/households/").status_code == 403


def test_numbers_for_followers_stay_inside_their_division(acting: Acting) -> None:
    year = clock.current().year
    township = queries.progress_by(acting("county"), year, length=9)[0].code
    with connection.cursor() as cursor:
        cursor.execute("SELECT village FROM ffp_progress_counts(%s, %s)", [[township], year])
        villages = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT count(*) FROM ffp_progress_counts(%s, %s)", [[], year])
        assert cursor.fetchone()[0] == 0
    assert villages and all(village.startswith(township) for village in villages)


def test_progress_adds_up_from_villages_to_the_county(acting: Acting) -> None:
    reach, year = acting("county"), clock.current().year
    county = queries.total(queries.progress_by(reach, year, length=6))
    for length in (9, 12):
        assert queries.total(queries.progress_by(reach, year, length=length)) == county
    assert county.households >= county.visited >= county.collected >= county.approved > 0


def test_a_township_reports_a_stage_once_and_the_county_sees_who_is_missing(client_as: ClientAs, acting: Acting) -> None:
    client = client_as("township")
    (prefix,) = acting("township").prefixes(Verb.RECORD_REVIEW)
    page = client.get("/progress/").content.decode()
    assert f'name="region" value="{prefix}"' in page and "data-confirm=" in page
    assert "报告“乡镇动员培训”完成" in client.get("/").content.decode()
    for _twice in range(2):
        assert client.post("/progress/report", {"stage": "T1", "region": prefix}).status_code == 302
    assert StageReport.objects.filter(stage="T1", region_id=prefix).count() == 1
    assert "报告“乡镇动员培训”完成" not in client.get("/").content.decode()
    assert "1 个乡镇已报告" in client_as("county").get("/progress/").content.decode()
    assert client.post("/progress/report", {"stage": "T1", "region": "340323"}).status_code == 404
    client.post("/progress/report", {"stage": "T3", "region": prefix})
    assert not StageReport.objects.filter(stage="T3").exists()


def test_the_map_names_its_divisions_and_says_that_it_is_a_demo(client_as: ClientAs, acting: Acting) -> None:
    rows = {row.code: row for row in queries.progress_by(acting("county"), clock.current().year, length=9)}
    answer = client_as("county").get("/progress/map.json").json()
    assert answer["is_demo"] is True
    assert {feature["properties"]["code"] for feature in answer["features"]} == set(rows)
    for feature in answer["features"]:
        row = rows[feature["properties"]["code"]]
        assert (feature["properties"]["name"], feature["properties"]["value"]) == (row.name, row.share)
    inside = client_as("township").get("/progress/map.json").json()["features"]
    town = acting("township").villages[0][:9]
    assert inside and all(one["properties"]["code"].startswith(town) for one in inside)


def test_before_any_clue_no_stage_claims_that_clues_are_worked_off() -> None:
    row = queries.Progress(code="340323", name="", households=10)
    assert row.share_of("clues_closed") is None and row.share_of("entered") == 0
    assert queries.Progress(code="", name="", clues_open=1, clues_closed=3).share_of("clues_closed") == 75


@pytest.mark.parametrize("name", ["county", "township", "village", "inspector", "auditor"])
def test_numbers_by_division_are_those_row_security_lets_one_count(acting: Acting, name: str) -> None:
    reach, year = acting(name), clock.current().year
    rows = queries._counted_within_reach(reach, year, "")
    counted: dict[str, dict[str, int]] = {}
    for village, numbers in rows:
        counted.setdefault(village, dict.fromkeys(queries._COUNTS, 0)).update(numbers)
    assert counted and dict(queries._counted_by_division(reach.prefixes(Verb.HOUSEHOLD_VIEW), year, "")) == counted


def test_who_works_in_one_township_is_shown_its_villages_by_their_names(client_as: ClientAs, acting: Acting) -> None:
    reach = acting("village")
    village, town = name_of(reach.villages[0]), name_of(reach.villages[0][:9])
    page = client_as("village").get("/progress/").content.decode()
    assert f'lead-sentence">{town}{village}：应采集' in page and "个村" in page
    data = re.search(r'<script id="progress-data" type="application/json">(.+?)</script>', page)
    assert data is not None and json.loads(data[1])["labels"] == [village]
    assert [one["properties"]["name"] for one in client_as("village").get("/progress/map.json").json()["features"]] == [village]
    names = {one["properties"]["code"] for one in client_as("township").get("/progress/map.json").json()["features"]}
    assert names and all(len(code) == 12 for code in names)
    page = client_as("township").get("/progress/").content.decode()
    assert f'lead-sentence">{name_of(acting("township").villages[0][:9])}：' in page
    whole = client_as("county").get("/progress/").content.decode()
    assert "个乡镇" in whole
