"""The desk entry screen in a real browser: keyboard from first field to last, two people at one household, an expired session, kills."""

import contextlib
import json
import os
import random
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, expect

from tests.end_to_end.conftest import CHROMIUM_ARGUMENTS, Installation, Troubles, chromium_path
from tests.end_to_end.desk import YEAR, bundle_of, is_saved, open_entry, signed_in, type_in

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Subject:
    """A household nobody has begun and no fault was planted in; each test works its own."""

    id: str
    code: str
    members: int


@pytest.fixture(scope="module")
def untouched(installation: Installation) -> tuple[Iterator[Subject], Iterator[Subject]]:
    """Households outside and inside the township's reach, one after the other: the county's officer works both, the township's the second."""
    planted = {json.loads(line)["household_code"] for line in (installation.data_dir / "demo/truth.jsonl").read_text().splitlines()}
    township = installation.sql(
        "SELECT region_id FROM accounts_assignment a JOIN accounts_user u ON u.id = a.user_id WHERE u.username = 'township'", role="owner"
    )[0][0]
    rows = installation.sql(
        "SELECT h.id, h.code, h.member_count, h.village_code FROM households_household h"
        " JOIN records_record r ON r.household_id = h.id AND r.year = %s AND r.form = 'household_year' AND r.state = 'empty'"
        " WHERE h.kind = 'assisted' AND h.household_state = '01' AND h.monitoring_type = '' AND h.member_count BETWEEN 2 AND 5 ORDER BY h.code",
        YEAR,
        role="owner",
    )
    clean = [row for row in rows if row[1] not in planted]
    inside = [Subject(str(row[0]), row[1], row[2]) for row in clean if row[3].startswith(township)]
    return iter([Subject(str(row[0]), row[1], row[2]) for row in clean if not row[3].startswith(township)]), iter(inside)


@pytest.fixture
def subject(untouched: tuple[Iterator[Subject], Iterator[Subject]]) -> Subject:
    return next(untouched[0])


@pytest.fixture
def shared_subject(untouched: tuple[Iterator[Subject], Iterator[Subject]]) -> Subject:
    """One that both the county's and the township's officer reach."""
    return next(untouched[1])


def here(page: Page) -> str:
    found: str = page.evaluate("document.activeElement.id")
    return found


def test_enter_leads_from_the_first_field_to_the_last_and_back(page: Page, sign_in: Callable[[Page, str], None], subject: Subject) -> None:
    sign_in(page, "county")
    open_entry(page, subject.id)
    way = [here(page)]
    while way[-1] != "submit":
        page.keyboard.press("Enter")
        page.wait_for_function("last => document.activeElement.id !== last && document.activeElement.id !== ''", arg=way[-1])
        way.append(here(page))
        assert len(way) < 600
    assert len(way) == len(set(way))
    assert "f-household-wage_income" in way and "f-household-visited_on" in way
    assert len({found[1] for stop in way if (found := re.match(r"f-([0-9a-f-]{36})-", stop))}) == subject.members
    for expected in reversed(way[-6:-1]):
        page.keyboard.press("Shift+Enter")
        page.wait_for_function("id => document.activeElement.id === id", arg=expected)


def test_a_household_is_entered_and_submitted_by_keyboard_alone(page: Page, sign_in: Callable[[Page, str], None], subject: Subject) -> None:
    sign_in(page, "county")
    open_entry(page, subject.id)
    keys = page.keyboard
    keys.press("Enter")
    keys.type("13955201234")
    keys.press("F8")  # basics: the rest unchanged
    expect(page.locator("#f-household-wage_income")).to_be_focused()
    keys.type("3000*8")
    keys.press("Enter")
    keys.press("F8")  # income: the rest none
    expect(page.locator("#f-household-farmland_mu")).to_be_focused()
    keys.press("F8")
    for _ in range(subject.members):
        page.wait_for_function("/^f-[0-9a-f-]{36}-/.test(document.activeElement.id)")
        before = here(page)
        keys.press("Shift+F8")
        page.wait_for_function("last => document.activeElement.id !== last", arg=before)
    expect(page.locator("#f-household-visited_by_1")).to_be_focused()
    for word in ("张三", "李四", "20211110"):
        keys.type(word)
        keys.press("Enter")
    is_saved(page)
    assert bundle_of(page, subject.id)["record"]["values"]["wage_income"] == 2_400_000
    keys.press("Control+Enter")
    expect(page.locator("#go-next")).to_be_focused()
    bundle = bundle_of(page, subject.id)
    assert bundle["record"]["state"] == "submitted"
    assert bundle["record"]["values"]["household_phone"] == "13955201234"
    assert bundle["record"]["values"]["net_income"] == 2_400_000
    assert bundle["visit"] == {"visited_by": ["张三", "李四"], "visited_on": "2021-11-10"}
    assert bundle["entered_by"]


def test_what_is_missing_is_listed_and_leads_to_its_field(page: Page, sign_in: Callable[[Page, str], None], subject: Subject) -> None:
    sign_in(page, "county")
    open_entry(page, subject.id)
    page.keyboard.press("Control+Enter")
    first = page.locator("#problem-list button").first
    expect(first).to_be_focused()
    expect(first).to_contain_text("还是上年的数")
    page.keyboard.press("Enter")
    expect(page.locator("#f-household-address")).to_be_focused()
    assert bundle_of(page, subject.id)["record"]["state"] == "empty"


def test_carried_over_values_look_unlike_confirmed_ones(page: Page, sign_in: Callable[[Page, str], None], subject: Subject) -> None:
    sign_in(page, "county")
    open_entry(page, subject.id)
    row = page.locator(".item", has=page.locator("#f-household-address"))
    expect(row).to_have_class(re.compile(r"\bcarried\b"))
    assert page.input_value("#f-household-wage_income") == ""
    page.keyboard.press("F8")
    expect(row).not_to_have_class(re.compile(r"\bcarried\b"))
    expect(row.locator(".mark")).to_contain_text("✓")


def test_lists_are_found_by_first_letters(page: Page, sign_in: Callable[[Page, str], None], subject: Subject) -> None:
    sign_in(page, "county")
    open_entry(page, subject.id)
    type_in(page, "road_type", "ssl")
    expect(page.locator("#f-household-road_type-list li")).to_have_text(re.compile("砂石路"))
    page.keyboard.press("Enter")
    is_saved(page)
    assert bundle_of(page, subject.id)["record"]["values"]["road_type"] == "02"


def test_the_income_sheet_adds_up_by_itself(page: Page, sign_in: Callable[[Page, str], None], subject: Subject) -> None:
    sign_in(page, "county")
    open_entry(page, subject.id)
    for name, text in (("biz_crop", "4000"), ("biz_livestock", "1500.5"), ("tr_dibao", "600")):
        type_in(page, name, text)
        page.keyboard.press("Enter")
    expect(page.locator("#f-household-business_income")).to_have_value("5500.50")
    expect(page.locator("#f-household-total_income")).to_have_text("6100.50")
    is_saved(page)
    assert bundle_of(page, subject.id)["record"]["values"]["total_income"] == 610_050


def test_two_people_at_one_household_decide_what_clashes(
    open_page: Callable[..., Page], sign_in: Callable[[Page, str], None], shared_subject: Subject
) -> None:
    one, two = open_page(), open_page()
    sign_in(one, "township")
    sign_in(two, "county")
    open_entry(one, shared_subject.id)
    open_entry(two, shared_subject.id)
    type_in(one, "wage_income", "1000")
    one.keyboard.press("Enter")
    type_in(one, "forest_mu", "2")
    one.keyboard.press("Enter")
    is_saved(one)
    type_in(two, "wage_income", "2000")  # the same item: both are kept; first, for a save in between would show the other's
    two.keyboard.press("Enter")
    type_in(two, "farmland_mu", "7")  # another item: simply joined
    two.keyboard.press("Enter")
    is_saved(two)
    expect(two.get_by_text("两个人填得不一样").first).to_be_visible()
    two.get_by_role("button", name="看两个值并决定").first.click()
    box = two.get_by_role("dialog")
    expect(box).to_contain_text("1000.00")
    expect(box).to_contain_text("2000.00")
    expect(box).to_contain_text("乡镇刘站长")
    expect(box).to_contain_text("县级王主任（我）")
    expect(box).to_contain_text("电脑录入")
    two.get_by_role("radio", name="2000.00").check()
    two.keyboard.press("Enter")
    expect(box).to_have_count(0)
    values = bundle_of(one, shared_subject.id)["record"]["values"]
    assert (values["wage_income"], values["farmland_mu"], values["forest_mu"]) == (200_000, 700, 200)
    assert bundle_of(one, shared_subject.id)["conflicts"] == []
    one.reload()
    expect(one.locator("#f-household-wage_income")).to_have_value("2000")


def test_an_expired_session_asks_for_the_password_in_place(
    page: Page, installation: Installation, sign_in: Callable[[Page, str], None], subject: Subject, troubles: Troubles
) -> None:
    troubles.allow("status of 40[13]")
    sign_in(page, "county")
    open_entry(page, subject.id)
    page.context.clear_cookies(name="sessionid")
    type_in(page, "farmland_mu", "8.5")
    page.keyboard.press("Enter")
    expect(page.locator("#again-password")).to_be_focused()
    expect(page.get_by_role("dialog")).to_contain_text("没有丢失")
    page.keyboard.type("wrong password")
    page.keyboard.press("Enter")
    expect(page.locator("#again-message")).to_contain_text("密码不对")
    page.keyboard.type(installation.password("county"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    is_saved(page)
    expect(page.locator("#f-household-farmland_mu")).to_have_value("8.5")
    assert bundle_of(page, subject.id)["record"]["values"]["farmland_mu"] == 850


def test_a_member_comes_and_goes_by_keyboard(page: Page, sign_in: Callable[[Page, str], None], subject: Subject) -> None:
    sign_in(page, "county")
    open_entry(page, subject.id)
    keys = page.keyboard
    keys.press("Alt+n")
    for focus, text in (
        ("new-reason", "xse"),
        ("new-date", "20210305"),
        ("new-name", "未取名"),
        ("new-relation", "zz"),
        ("new-id", ""),
        ("new-sex", "nx"),
    ):
        expect(page.locator(f"#{focus}")).to_be_focused()
        keys.type(text)
        keys.press("Enter")
    keys.type("20210301")
    keys.press("Enter")
    expect(page.locator("#new-save")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("tab", name=re.compile("未取名"))).to_be_visible()
    is_saved(page)
    born = next(person for person in bundle_of(page, subject.id)["persons"] if person["values"]["member_name"] == "未取名")
    assert born["live"] and born["values"]["birth_date"] == "2021-03-01"
    page.wait_for_function("id => document.activeElement.id.startsWith('f-' + id)", arg=born["id"])
    keys.press("Alt+m")
    expect(page.locator("#out-reason")).to_be_focused()
    for text in ("sw", "2021-08-01"):
        keys.type(text)
        keys.press("Enter")
    keys.press("Enter")
    expect(page.get_by_role("tab", name=re.compile("未取名"))).to_contain_text("已减少")
    is_saved(page)
    gone = next(person for person in bundle_of(page, subject.id)["persons"] if person["id"] == born["id"])
    assert not gone["live"] and gone["values"]["change_date"] == "2021-08-01"


def test_a_secret_number_is_masked_and_typed_anew_as_a_whole(page: Page, sign_in: Callable[[Page, str], None], subject: Subject) -> None:
    sign_in(page, "county")
    open_entry(page, subject.id)
    head = bundle_of(page, subject.id)["persons"][0]["id"]
    box = page.locator(f"#f-{head}-id_number")
    expect(box).to_have_value(re.compile(r"^[0-9]{6}\*+"))
    page.locator(".item", has=box).get_by_role("button", name="重新填写").click()
    expect(box).to_be_focused()
    expect(box).to_have_value("")
    page.keyboard.press("Escape")
    expect(box).to_have_value(re.compile(r"^[0-9]{6}\*+"))


def test_it_works_at_the_width_of_a_telephone_and_in_large_print(
    open_page: Callable[..., Page], sign_in: Callable[[Page, str], None], subject: Subject
) -> None:
    page = open_page(viewport={"width": 360, "height": 740})
    sign_in(page, "county")
    open_entry(page, subject.id)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("document.querySelector('#f-household-address').getBoundingClientRect().height") >= 44
    size = "parseFloat(getComputedStyle(document.querySelector('#f-household-address')).fontSize)"
    before = page.evaluate(size)
    page.evaluate("document.documentElement.classList.add('large-print')")
    assert page.evaluate(size) >= before * 1.2
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for box in page.locator(".section .tick-label input").all():
        box.check()
    # A part that is done and lies beyond the edge, to be scrolled to within its line and not with the page.
    assert page.evaluate("[...document.querySelectorAll('.chip-done')].some(done => done.getBoundingClientRect().left > 360)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_every_field_has_a_label_and_the_page_obeys_the_content_policy(page: Page, sign_in: Callable[[Page, str], None], subject: Subject) -> None:
    sign_in(page, "county")
    open_entry(page, subject.id)
    unlabelled = page.evaluate("[...document.querySelectorAll('.desk input')].filter(i => !i.labels?.length && !i.ariaLabel).map(i => i.id)")
    assert unlabelled == []
    assert page.locator(".desk [aria-live]").count() >= 2


# ---------------------------------------------------------------- kills


def _lost(page: Page, subject: Subject, name: str, typed: str) -> str | None:
    """Why a typed value is neither on the server nor shown as waiting; None where it is."""
    page.reload()
    box = page.locator(f"#f-household-{name}")
    expect(box).to_be_visible()
    shown = box.input_value()
    if shown != typed:
        return f"{name}: {typed} was typed, {shown!r} is shown"
    is_saved_or_idle = page.locator(".saving.ok")
    expect(is_saved_or_idle).to_be_visible(timeout=60_000)
    stored = bundle_of(page, subject.id)["record"]["values"].get(name)
    return None if stored == int(typed) * 100 else f"{name}: {typed} was typed, {stored} is stored"


def _kill_servers(times: int, page: Page, installation: Installation, subject: Subject, seed: int) -> None:
    draw = random.Random(seed)
    for turn in range(times):
        name = draw.choice(("farmland_mu", "forest_mu", "orchard_mu", "water_area_mu"))
        typed = str(10 + turn)
        type_in(page, name, typed)
        # Before Enter it is a draft of this device, after it a save under way.
        if draw.random() < 0.8:
            page.keyboard.press("Enter")
        page.wait_for_timeout(draw.choice((0, 1, 3, 8, 20, 60)))
        installation.kill_web()
        installation.wait_answering()
        if draw.random() < 0.5:
            page.wait_for_timeout(200)
        box = page.locator(f"#f-household-{name}")
        if box.evaluate("box => document.activeElement === box"):
            page.keyboard.press("Enter")
        assert (lost := _lost(page, subject, name, typed)) is None, f"seed {seed}, kill {turn + 1}: {lost}"


def test_a_killed_server_loses_no_typed_value(
    page: Page, installation: Installation, sign_in: Callable[[Page, str], None], subject: Subject, troubles: Troubles
) -> None:
    troubles.allow("ERR_|status of 50|Failed to load")
    sign_in(page, "county")
    open_entry(page, subject.id)
    _kill_servers(4, page, installation, subject, seed=1)


@pytest.mark.proof
def test_a_hundred_killed_servers_lose_no_typed_value(
    page: Page, installation: Installation, sign_in: Callable[[Page, str], None], subject: Subject, troubles: Troubles, chosen_seed: int
) -> None:
    troubles.allow("ERR_|status of 50|Failed to load")
    sign_in(page, "county")
    open_entry(page, subject.id)
    _kill_servers(100, page, installation, subject, seed=chosen_seed)


def _browser_processes(profile: Path) -> list[int]:
    """Chromium's processes that work on this profile: ours alone."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if f"--user-data-dir={profile}".encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


def _kill_browsers(times: int, running: Playwright, installation: Installation, subject: Subject, profile: Path, seed: int) -> None:
    """kill -9 of the browser after a key, with the server out of reach or not; the next start of the browser shows and sends it."""
    draw = random.Random(seed)

    def start() -> BrowserContext:
        return running.chromium.launch_persistent_context(
            profile, executable_path=chromium_path(), headless=True, args=CHROMIUM_ARGUMENTS, base_url=installation.url, locale="zh-CN"
        )

    context = start()
    page = context.pages[0]
    page.goto("/accounts/sign-in")
    page.fill("#id_username", "county")
    page.fill("#id_password", installation.password("county"))
    page.click("main button[type=submit]")
    page.wait_for_url(f"{installation.url}/")
    cookies = signed_in(context)
    for turn in range(times):
        open_entry(page, subject.id)
        typed = str(100 + turn)
        if draw.random() < 0.5:
            page.route("**/field/save", lambda route: route.abort())
        type_in(page, "grassland_mu", typed)
        if draw.random() < 0.7:
            page.keyboard.press("Enter")
        # A key is safe once it is in the browser's own store: the mark beside the field tells it, a few milliseconds later; seconds where the
        # disk is busy, and until then the mark says so.
        row = page.locator(".item", has=page.locator("#f-household-grassland_mu"))
        expect(row).to_have_attribute("data-mark", re.compile("draft|waiting|sending|stored"), timeout=60_000)
        for process in _browser_processes(profile):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        with contextlib.suppress(Exception):
            context.close()
        context = start()
        context.add_cookies(cookies)
        page = context.pages[0]
        open_entry(page, subject.id)
        box = page.locator("#f-household-grassland_mu")
        assert box.input_value() == typed, f"seed {seed}, kill {turn + 1}: {typed} was typed, {box.input_value()!r} is shown"
        page.focus("#f-household-grassland_mu")
        page.keyboard.press("Enter")
        expect(page.locator(".saving.ok")).to_be_visible(timeout=60_000)
        assert bundle_of(page, subject.id)["record"]["values"]["grassland_mu"] == int(typed) * 100
    context.close()


def test_a_killed_browser_loses_no_typed_value(_playwright: Playwright, installation: Installation, subject: Subject, tmp_path: Path) -> None:
    _kill_browsers(3, _playwright, installation, subject, tmp_path / "profile", seed=2)


@pytest.mark.proof
def test_many_killed_browsers_lose_no_typed_value(
    _playwright: Playwright, installation: Installation, subject: Subject, tmp_path: Path, chosen_seed: int
) -> None:
    _kill_browsers(100, _playwright, installation, subject, tmp_path / "profile", seed=chosen_seed)
