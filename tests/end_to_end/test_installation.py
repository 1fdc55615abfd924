"""A newcomer's installation: it comes up, shows the demo, survives the loss of its parts, and leaves nothing behind."""

import time
import uuid
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import Installation


def test_the_demo_is_named_on_the_start_page(page: Page, sign_in: Callable[[Page, str], None]) -> None:
    sign_in(page, "county")
    expect(page.locator(".demo-banner")).to_contain_text("演示县")


def test_a_killed_web_server_comes_back_by_itself(installation: Installation) -> None:
    installation.restart_web()
    assert installation.is_answering()


def test_what_a_killed_worker_was_doing_begins_again_once(installation: Installation) -> None:
    """Two jobs that look as a killed worker leaves them; the kind is unknown, so that begun again they end with a fault of their own."""
    once, twice = uuid.uuid4(), uuid.uuid4()
    for job, parameters in ((once, "{}"), (twice, '{"lost_once": true}')):
        installation.sql(
            "INSERT INTO jobs_job (id, kind, title, parameters, state, message, done_count, total_count, result, created_at)"
            " VALUES (%s, 'nothing', 'x', %s, 'running', '', 0, 0, '{}', now()) RETURNING id",
            job,
            parameters,
            role="owner",
        )
    installation.kill_worker()
    deadline = time.monotonic() + 60
    while installation.sql("SELECT count(*) FROM jobs_job WHERE id = ANY(%s) AND state <> 'failed'", [once, twice], role="owner") != [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    found = dict(installation.sql("SELECT id, message LIKE '%%两次%%' FROM jobs_job WHERE id = ANY(%s)", [once, twice], role="owner"))
    assert found == {once: False, twice: True}
