"""A large change of divisions in a running installation: a job with its page; its worker killed in the middle of it leaves nothing behind."""

import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from fangfanpin.runtime.postgres import read_urls
from tests.end_to_end.conftest import Installation

pytestmark = pytest.mark.browser
DONE_IN_MS = 120_000


def standing(installation: Installation) -> list[tuple[Any, ...]]:
    """Where every household, person and record stands, and what divisions there are."""
    rows: list[tuple[Any, ...]] = []
    for query in (
        "SELECT id, village_code, natural_village_code FROM households_household ORDER BY id",
        "SELECT id, village_code FROM households_person ORDER BY id",
        "SELECT id, village_code, subject_code, state, values FROM records_record ORDER BY id",
        "SELECT code, name, valid_to, successor_id FROM regions_region WHERE length(code) > 6 ORDER BY code",
    ):
        rows += installation.sql(query)
    return rows


def until(condition: Callable[[], bool], within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_township_is_merged_its_worker_killed_done_again_and_undone(
    page: Page, sign_in: Callable[[Page, str], None], installation: Installation
) -> None:
    # The township with most households, and another one.
    [(gone, count)] = installation.sql("SELECT left(village_code, 9), count(*) FROM households_household GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1")
    [(into,)] = installation.sql(
        "SELECT min(code) FROM regions_region WHERE level = 'township' AND left(code, 6) = left(%s, 6) AND code <> %s AND valid_to IS NULL",
        gone,
        gone,
    )
    before = standing(installation)
    sign_in(page, "county")
    page.goto(f"/acts/divisions/merge?level=township&source={gone}&target={into}")
    page.get_by_role("button", name="下一步：核对").click()
    expect(page.locator("main")).to_contain_text(f"{count} 户")
    page.fill("#id_reason", "上级批复合并")
    with psycopg.connect(read_urls(installation.data_dir).owner) as other:
        other.execute(
            "SELECT FROM records_record WHERE left(village_code, 9) = %s ORDER BY id DESC LIMIT 1 FOR UPDATE", [gone]
        )  # the act waits for it
        page.get_by_role("button", name="办理", exact=True).click()
        page.wait_for_url("**/jobs/**")
        job = page.url.rstrip("/").rsplit("/", 1)[-1]
        until(lambda: installation.sql("SELECT done_count > 0 FROM jobs_job WHERE id = %s", job, role="owner") == [(True,)])
        expect(page.locator(".job-message")).to_contain_text("条资料")
        installation.kill_worker()
        assert standing(installation) == before, "killed half-way it changed nothing"
    expect(page.get_by_role("link", name="看结果")).to_be_visible(timeout=DONE_IN_MS)
    assert installation.sql("SELECT count(*) FROM households_household WHERE left(village_code, 9) = %s", gone) == [(0,)]
    assert installation.sql("SELECT count(*) FROM acts_act WHERE id = %s", job) == [(1,)]

    page.get_by_role("link", name="看结果").click()
    page.fill("#undo-reason", "批复撤回了")
    page.get_by_role("button", name="撤销这次办理").click()
    page.wait_for_url("**/jobs/**")
    expect(page.get_by_role("link", name="看结果")).to_be_visible(timeout=DONE_IN_MS)
    assert standing(installation) == before


# As a save at the desk does that has not ended yet: the village shared, then a household of it.
SHARE = "SELECT FROM regions_region WHERE code = %s FOR KEY SHARE"
SAVE = """
INSERT INTO households_household SELECT (jsonb_populate_record(h, jsonb_build_object(
    'id', gen_random_uuid(), 'code', 'RACE-1', 'village_code', %s::text, 'natural_village_code', ''))).*
FROM households_household h ORDER BY code LIMIT 1
"""


def test_a_household_that_is_being_added_goes_along_with_its_village(
    page: Page, sign_in: Callable[[Page, str], None], installation: Installation
) -> None:
    rows = installation.sql(
        "SELECT code FROM regions_region r WHERE level = 'village' AND valid_to IS NULL AND NOT EXISTS"
        " (SELECT FROM households_household h WHERE h.village_code = r.code) AND left(code, 9) = (SELECT left(min(village_code), 9)"
        " FROM households_household) ORDER BY code LIMIT 2",
        role="owner",
    )
    gone, into = (str(code) for (code,) in rows)
    sign_in(page, "county")
    page.goto(f"/acts/divisions/merge?level=village&source={gone}&target={into}")
    page.get_by_role("button", name="下一步：核对").click()
    page.fill("#id_reason", "上级批复合并")
    with psycopg.connect(read_urls(installation.data_dir).owner) as other:
        other.execute("SELECT set_config('ffp.actor', '0', true), set_config('ffp.act', 'test', true), set_config('ffp.source', 'test', true)")
        other.execute(SHARE, [gone])
        other.execute(SAVE, [gone])
        page.get_by_role("button", name="办理", exact=True).click(no_wait_after=True)
        until(lambda: installation.sql("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted", role="owner") == [(True,)])
    expect(page.get_by_role("button", name="撤销这次办理")).to_be_visible(timeout=DONE_IN_MS)
    where = "SELECT village_code FROM households_household WHERE code = 'RACE-1'"
    assert installation.sql(where, role="owner") == [(into,)]
    page.fill("#undo-reason", "批复撤回了")
    page.get_by_role("button", name="撤销这次办理").click()
    expect(page.locator(".alert-success")).to_contain_text("已撤销")
    assert installation.sql(where, role="owner") == [(gone,)]
    with psycopg.connect(read_urls(installation.data_dir).owner) as other:
        other.execute("SELECT set_config('ffp.actor', '0', true), set_config('ffp.act', 'test', true), set_config('ffp.source', 'test', true)")
        other.execute("DELETE FROM households_household WHERE code = 'RACE-1'")
