"""What tests of the entry screen do with it, over and over."""

from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

YEAR = 2021


def open_entry(page: Page, household_id: str) -> None:
    """The household's entry screen, the cursor in its first field."""
    page.goto(f"/entry/{household_id}")
    expect(page.locator("#f-household-address")).to_be_focused()


def type_in(page: Page, name: str, text: str) -> None:
    """Type into an item of the household and stay there."""
    page.focus(f"#f-household-{name}")
    page.keyboard.type(text)


def is_saved(page: Page) -> None:
    expect(page.locator(".saving")).to_contain_text("已保存")


def bundle_of(page: Page, household_id: str) -> dict[str, Any]:
    """The household as anyone else would get it now."""
    bundle: dict[str, Any] = page.request.get(f"/field/households/{household_id}.json").json()
    return bundle


def signed_in(context: BrowserContext) -> list[Any]:
    """The browser's cookies, to be put back later; read and written they have the same fields under two types."""
    return list(context.cookies())
