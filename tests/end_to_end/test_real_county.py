"""A real county starts empty: no demo anywhere, one administrator with a password of the day, and a word on what comes next."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from fangfanpin.demo.county import DemoVillage
from fangfanpin.demo.generate import generate
from fangfanpin.demo.roster import write_roster
from fangfanpin.pack import load_pack
from tests.end_to_end.conftest import Installation

ROOT = Path(__file__).resolve().parents[2]

NEW_PASSWORD = "guzhen-pine-37-river"


@pytest.fixture(scope="module")
def made(workplace: Path) -> tuple[Installation, dict[str, Any]]:
    county = Installation(workplace / "county")
    return county, county.facts("init")


@pytest.fixture(scope="module")
def county(made: tuple[Installation, dict[str, Any]]) -> Iterator[Installation]:
    running, _facts = made
    running.start()
    yield running
    running.stop()


def test_init_makes_an_empty_county(made: tuple[Installation, dict[str, Any]], county: Installation) -> None:
    _installation, facts = made
    assert facts["county"] == "340323" and facts["villages"] == 229 and facts["campaign"] == 2021
    assert county.sql("SELECT count(*) FROM households_household") == [(0,)]
    assert county.sql("SELECT is_demo FROM campaigns_campaign", role="owner") == [(False,)]
    assert not (county.data_dir / "demo").exists()


def test_the_first_administrator_changes_the_password_and_is_told_what_to_do(
    made: tuple[Installation, dict[str, Any]], county: Installation, open_page: Callable[..., Page]
) -> None:
    page = open_page(base_url=county.url)
    page.goto("/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", made[1]["password"])
    page.click("main button[type=submit]")
    page.wait_for_url(re.compile("/accounts/password"))
    page.goto("/households/")  # nothing else opens before
    page.wait_for_url(re.compile("/accounts/password"))
    for number in range(page.locator("main input[type=password]").count()):
        page.locator("main input[type=password]").nth(number).fill(NEW_PASSWORD)
    page.click("main form.card button[type=submit]")
    page.wait_for_url(f"{county.url}/")
    expect(page.locator("main")).to_contain_text("花名册")
    expect(page.locator("main")).to_contain_text("账号")
    expect(page.locator(".demo-banner")).to_have_count(0)
    assert "演示" not in page.locator("body").inner_text()


def test_an_empty_county_takes_in_its_roster(
    made: tuple[Installation, dict[str, Any]], county: Installation, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    villages = [
        DemoVillage(code, name, community)
        for code, name, community in county.sql("SELECT code, name, is_community FROM regions_region WHERE level = 'village'", role="owner")
    ]
    path = tmp_path / "花名册.xlsx"
    households, persons = write_roster(path, generate(households=60, seed=3, villages=villages).households, load_pack(ROOT / "packs" / "guzhen-2021"))
    page = open_page(base_url=county.url)
    page.goto("/accounts/sign-in")
    page.fill("#id_username", "admin")
    page.fill("#id_password", NEW_PASSWORD)
    page.click("main button[type=submit]")
    page.goto("/imports/")
    page.set_input_files("#file", path)
    page.get_by_role("button", name="上传并检查").click()
    page.get_by_role("button", name=re.compile(f"导入 {households} 户")).click(timeout=60_000)
    expect(page.locator("main")).to_contain_text(f"新增 {persons}，更新 0", timeout=60_000)
    assert county.sql("SELECT count(*) FROM households_household WHERE kind = 'assisted'") == [(households,)]
    assert county.sql("SELECT count(*) FROM records_record WHERE form = 'household_year' AND year = 2021 AND state = 'empty'") == [(households,)]
    page.goto("/households/")
    expect(page.locator("tbody tr").first).to_be_visible()
    again = county.command("import", str(path), "--json", check=False)
    assert again.returncode == 0, again.stderr
    assert county.sql("SELECT count(*) FROM households_household WHERE kind = 'assisted'") == [(households,)]


def test_a_real_county_takes_no_demo(county: Installation) -> None:
    refused = county.command("demo", "--json", check=False)
    assert refused.returncode == 1 and "真实" in refused.stderr and refused.stdout == ""


def test_a_county_is_made_once(county: Installation) -> None:
    refused = county.command("init", "--json", check=False)
    assert refused.returncode == 1 and "已" in refused.stderr and refused.stdout == ""


def test_a_demo_never_becomes_a_real_county(installation: Installation) -> None:
    refused = installation.command("init", "--json", "--admin", "boss", check=False)
    assert refused.returncode == 1 and "演示" in refused.stderr and refused.stdout == ""


def test_a_short_first_password_is_refused(workplace: Path) -> None:
    place = Installation(workplace / "short")
    refused = place.command("init", check=False, FFP_ADMIN_PASSWORD="short")
    assert refused.returncode == 1 and "10" in refused.stderr


@pytest.mark.parametrize(
    ("words", "named"),
    [(("--county", "999999"), "999999"), (("--role", "king"), "king"), (("--clock", "11月10日"), "11月10日"), (("--pack", "nowhere"), "nowhere")],
)
def test_init_names_what_it_cannot_use(workplace: Path, words: tuple[str, ...], named: str) -> None:
    refused = Installation(workplace / "short").command("init", "--json", *words, check=False)
    assert refused.returncode == 1 and refused.stdout == ""
    assert named in refused.stderr and "Traceback" not in refused.stderr


PAGES = ("/", "/households/", "/progress/", "/sheets/", "/transfer/", "/households/review", "/households/conflicts", "/jobs/", "/accounts/")


def test_the_demo_says_so_on_every_page(installation: Installation, page: Page, sign_in: Callable[[Page, str], None]) -> None:
    page.goto("/accounts/sign-in")
    expect(page.locator(".demo-banner")).to_contain_text("演示县")
    sign_in(page, "county")
    for path in PAGES:
        page.goto(path)
        expect(page.locator(".demo-banner")).to_contain_text("演示县")
