"""A newcomer's installation: it comes up, shows the demo, survives the loss of its parts, and leaves nothing behind."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import Installation


def test_the_demo_is_named_on_the_start_page(page: Page, sign_in: Callable[[Page, str], None]) -> None:
    sign_in(page, "county")
    expect(page.locator(".demo-banner")).to_contain_text("演示县")


def test_a_killed_web_server_comes_back_by_itself(installation: Installation) -> None:
    installation.restart_web()
    assert installation.is_answering()
