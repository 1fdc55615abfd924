"""A register given by files alone, as a county adds one: published, filled by keyboard, judged by the sweep, mended."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import Installation, Troubles
from tests.end_to_end.test_the_year import text_of
from tests.pictures import photo
from tests.registers.added import folder_in

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def installation(workplace: Path) -> Iterator[Installation]:
    """A county of its own, for the pack that it works by is another one."""
    made = Installation(workplace / "added", environment={"FFP_DEMO_HOUSEHOLDS": "60"})
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def folder(installation: Installation, workplace: Path) -> Path:
    root = workplace / "packs"
    root.mkdir()
    return folder_in(root)


def publish(installation: Installation, folder: Path) -> dict[str, Any]:
    return installation.facts("pack", "publish", str(folder))


def entered_household(installation: Installation) -> tuple[str, str]:
    """(head, code) of a household of the village worker's whose year is entered."""
    rows = installation.sql(
        "SELECT h.head_name, h.code FROM households_household h JOIN records_record r ON r.household_id = h.id AND r.form = 'household_year'"
        " JOIN accounts_assignment a ON a.region_id = h.village_code JOIN accounts_user u ON u.id = a.user_id"
        " WHERE u.username = 'village' AND h.kind = 'assisted' AND r.year = 2021 AND r.state IN ('submitted', 'approved') ORDER BY h.code",
        role="owner",
    )
    return str(rows[0][0]), str(rows[0][1])


def test_a_register_of_files_is_filled_judged_and_mended(
    open_page: Callable[..., Page],
    sign_in: Callable[[Page, str], None],
    installation: Installation,
    folder: Path,
    troubles: Troubles,
    tmp_path: Path,
) -> None:
    troubles.allow("status of 422")
    assert publish(installation, folder)["changed"] is True
    head, code = entered_household(installation)
    village = open_page()
    sign_in(village, "village")
    village.goto("/registers/")
    expect(village.locator("main")).to_contain_text("庭院经济台账", timeout=30_000)
    keys = village.keyboard

    # Every section by keyboard: search, letters of lists, several ticks, eight digits of a day, a member of the household.
    village.goto("/registers/yard/new")
    expect(village.locator("#id_household_id")).to_be_focused()
    keys.type(code)
    expect(village.locator("#options-household_id [role=option]")).to_have_count(1)
    keys.press("Enter")
    expect(village.locator("#id_plot_no")).to_be_focused()
    keys.type("K-1")
    keys.press("Enter")
    keys.type("tyyz")
    keys.press("Enter")
    expect(village.locator("#id_products input").first).to_be_focused()
    keys.type("js")
    keys.press("Enter")
    expect(village.locator("#id_area")).to_be_focused()
    for text in ("0.75", "2016", "20210305"):
        keys.type(text)
        keys.press("Enter")
    expect(village.locator("#options-keeper [role=option]").first).to_be_visible()
    keys.press("Enter")
    expect(village.locator("#id_natural_village")).to_be_focused()
    keys.press("Enter")
    keys.press("Enter")
    expect(village.locator("#id_invested")).to_be_focused()
    keys.type("2000")
    keys.press("Enter")
    keys.type("2500")
    hand_in(village, tmp_path)
    village.focus("#id_subsidy")
    keys.press("Control+Enter")
    expect(village.locator("#fault-subsidy")).to_have_text("补助金额不能大于总投入")
    expect(village.locator("#id_subsidy")).to_be_focused()
    expect(village.locator(".chooser[data-name=household_id] .chosen")).to_contain_text(head)
    for name, value in (("plot_no", "K-1"), ("yard_kind", "庭院养殖"), ("area", "0.75"), ("started_on", "2021-03-05"), ("invested", "2000")):
        expect(village.locator(f"#id_{name}")).to_have_value(value)
    expect(village.locator("#id_spot")).to_have_value("33.317612, 117.313422")
    expect(village.locator("input[name='photos.id']")).to_have_count(2)  # what was handed in is there, not chosen again
    expect(village.locator("input[name='signed.id']")).to_have_count(1)
    keys.press("Shift+Tab")
    expect(village.locator("#id_invested")).to_be_focused()
    keys.press("Control+A")
    keys.type("6000")
    keys.press("Control+Enter")
    expect(village.locator(".alert-success")).to_contain_text("已登记")

    village.goto("/registers/yard/?yard_kind=02&invested.from=5000&sort=-invested")
    row = village.locator("tbody tr", has_text="K-1")
    expect(row).to_contain_text("蔬菜、家禽")
    expect(row).to_contain_text("3500.00")
    row.locator("th a").click()
    expect(village.locator(".lead-sentence")).to_contain_text("庭院经济台账：K-1")
    page_of_row = village.url
    shown = village.locator("dd .pictures img")
    expect(shown).to_have_count(3)
    for place in range(3):
        shown.nth(place).scroll_into_view_if_needed()
        expect(shown.nth(place)).to_have_js_property("complete", True)
        assert shown.nth(place).evaluate("image => image.naturalWidth") > 20
    expect(village.locator("main")).to_contain_text("33.317612, 117.313422")
    paper = text_of(village.request.get(f"{page_of_row}paper").body())
    assert "庭院养殖" in paper and "2500.00" in paper and head in paper

    # The county lowers the limit: nobody saves anything, the sweep finds it.
    assert clues(installation) == []
    limits = folder / "parameters.csv"
    limits.write_text(limits.read_text(encoding="utf-8").replace(",3000,", ",2000,"), encoding="utf-8")
    assert publish(installation, folder)["changed"] is True
    assert installation.facts("sweep")["opened"] >= 1
    assert clues(installation) == [(code, "open")]
    village.goto("/clues/?rule=D001")
    village.locator("main a[href^='/clues/']", has_text=re.compile("庭院|补助")).first.click()
    expect(village.locator("main")).to_contain_text("超过上限 2000")

    village.goto(f"{page_of_row}edit")
    village.fill("#id_subsidy", "1500")
    village.focus("#id_subsidy")
    keys.press("Control+Enter")
    expect(village.locator(".alert-success")).to_contain_text("已保存")
    expect(village.locator("main")).to_contain_text("2500.00")  # in the history
    assert clues(installation) == [(code, "closed")]
    installation.facts("sweep")
    assert clues(installation) == [(code, "closed")]
    shutil.rmtree(folder.parent)


def hand_in(page: Page, folder: Path) -> None:
    """Two photos, the place where the phone is, a signature by hand; somebody signs anew."""
    for name in ("a", "b"):
        (folder / f"{name}.jpg").write_bytes(photo())
    page.set_input_files("#id_photos", [folder / "a.jpg", folder / "b.jpg"])
    expect(page.locator("[data-chosen] img")).to_have_count(2)
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"latitude": 33.3176121, "longitude": 117.3134219, "accuracy": 12})
    page.click("[data-locate=id_spot]")
    expect(page.locator("[data-located=id_spot]")).to_have_text("已取到，误差约 12 米。")
    pad = page.locator("[data-sign=signed]")
    for _try in range(2):
        pad.locator("canvas").scroll_into_view_if_needed()
        box = pad.locator("canvas").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 40, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + 160, box["y"] + 90, steps=8)
        page.mouse.up()
        if _try == 0:
            pad.locator("[data-again]").click()
            expect(pad.locator("input[type=hidden]")).to_be_disabled()
    expect(pad.locator("input[type=hidden]")).to_be_enabled()


def clues(installation: Installation) -> list[tuple[Any, ...]]:
    return installation.sql(
        "SELECT h.code, c.state FROM quality_clue c JOIN households_household h ON h.id = c.household_id WHERE c.rule_id = 'D001'", role="owner"
    )
