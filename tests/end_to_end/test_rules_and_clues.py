"""A rule of the county's own from first word to withdrawal, and a clue from the sweep through village, helper, township and county to its end."""

import re
from collections.abc import Callable

import psycopg
import pytest
from playwright.sync_api import Page, expect

from fangfanpin.runtime.postgres import read_urls
from tests.end_to_end.conftest import Installation

pytestmark = pytest.mark.browser
DONE_IN_MS = 120_000


def after_job(page: Page, words: str) -> None:
    """The page of a job, once it says so."""
    expect(page.locator("main")).to_contain_text(re.compile(words), timeout=DONE_IN_MS)


def sweep(page: Page) -> None:
    page.goto("/clues/")
    page.locator("form[action$='/clues/sweep/'] button").click()
    after_job(page, "条疑问")


def rule_off(page: Page, rule: str) -> None:
    page.goto(f"/rules/{rule}/")
    page.get_by_role("button", name="收回这条规则").click()
    page.locator("dialog.confirm [data-part=act]").click()
    expect(page.locator("main")).to_contain_text("已发布")


def helpers_household(installation: Installation) -> tuple[str, str, str]:
    """(id, head, village) of a household of the helper's: its year and its village's table are handed in and wait for review."""
    [(household, head, village)] = installation.sql(
        "SELECT h.id::text, h.head_name, h.village_code FROM households_pairing p JOIN accounts_user u ON u.id = p.user_id"
        " JOIN households_household h ON h.id = p.household_id"
        " JOIN records_record r ON r.household_id = h.id AND r.form = 'household_year' AND r.year = 2021"
        " WHERE u.username = 'helper' AND p.end_on IS NULL AND r.state IN ('submitted', 'approved') ORDER BY h.code LIMIT 1",
        role="owner",
    )
    with psycopg.connect(read_urls(installation.data_dir).owner) as owner:
        owner.execute("SELECT set_config('ffp.actor', '0', true), set_config('ffp.act', 'test', true), set_config('ffp.source', 'test', true)")
        owner.execute(
            "UPDATE records_record SET state = 'submitted' WHERE year = 2021 AND (form = 'household_year' AND household_id = %s"
            " OR form = 'village_year' AND subject_code = %s)",
            [household, village],
        )
    return household, head, village


def test_a_rule_on_a_village_is_written_tried_published_and_taken_back(
    page: Page, sign_in: Callable[[Page, str], None], installation: Installation
) -> None:
    """Names are completed for what a village counts over, a fault is shown at its place, the trial names the villages."""
    [(village,)] = installation.sql(
        "SELECT r.subject_code FROM records_record r WHERE r.form = 'village_year' AND r.year = 2021 AND r.state = 'submitted' AND EXISTS (SELECT 1"
        " FROM records_record h WHERE h.form = 'household_year' AND h.year = 2021 AND h.village_code = r.subject_code"
        " AND h.state IN ('submitted', 'approved')) ORDER BY r.subject_code LIMIT 1"
    )
    [(name,)] = installation.sql("SELECT name FROM regions_region WHERE code = %s", village, role="owner")
    sign_in(page, "county")
    page.goto("/rules/")
    page.get_by_role("link", name="写一条新规则").click()
    rule = page.input_value("#r-id")
    page.fill("#r-title", "村里有人户数核对")
    page.select_option("#r-subject", "village_year")
    page.fill("#r-message", "村里有人的户 {sum.1} 户")
    page.locator("#r-when").focus()
    page.keyboard.type("count(农户")
    expect(page.locator(".rule-text:has(#r-when) .options")).to_contain_text("households")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type(", household_siz >= 1) > 0")
    expect(page.locator(".rule-text:has(#r-when) .told mark")).to_have_text("household_siz")
    page.fill("#r-when", "count(households, ")
    page.locator("#r-when").press("End")
    page.keyboard.type("家庭人口")
    options = page.locator(".rule-text:has(#r-when) .options li")
    expect(options.first).to_be_visible()
    options.filter(has_text="household_size").first.click()
    page.keyboard.type(" >= 1) > 0")
    expect(page.locator(".rule-text:has(#r-when) .told")).to_contain_text("写法没有问题")
    page.get_by_role("button", name="试算").click()
    after_job(page, r"会命中 \d+ 个村")
    assert page.locator("main a[href^='/files/']").count() == 1
    page.get_by_role("link", name="回去修改或发布").click()
    expect(page.locator("#r-title")).to_have_value("村里有人户数核对")
    page.get_by_role("button", name="发布").click()
    expect(page.locator("main")).to_contain_text("已发布")
    page.get_by_role("button", name="立即排查").click()
    after_job(page, "条疑问")
    page.get_by_role("link", name="看结果").click()
    expect(page.locator("#f-rule")).to_have_value(rule)
    page.goto(f"/clues/?rule={rule}&place={village}")
    page.locator("main td a[href^='/clues/']", has_text="村里有人的户").click()
    expect(page.locator("main")).to_contain_text(name)
    page.get_by_role("link", name="打开村表").click()
    expect(page.locator("h1, main").first).to_be_visible()
    rule_off(page, rule)
    sweep(page)
    page.goto(f"/clues/?rule={rule}&state=closed")
    expect(page.locator("main")).to_contain_text("已消除")


def test_a_clue_goes_from_the_sweep_to_closed_through_village_helper_township_and_county(
    open_page: Callable[..., Page], sign_in: Callable[[Page, str], None], installation: Installation
) -> None:
    village, helper, township, county = open_page(), open_page(viewport={"width": 360, "height": 740}), open_page(), open_page()
    for page, who in ((village, "village"), (helper, "helper"), (township, "township"), (county, "county")):
        sign_in(page, who)
    household, head, _village = helpers_household(installation)
    says_water(village, household, "f")

    # The county writes a rule; only the sweep finds what it hits.
    county.goto("/rules/new")
    rule = county.input_value("#r-id")
    county.fill("#r-title", "饮水核对")
    county.fill("#r-when", "not safe_water")
    county.fill("#r-message", "饮水安全填的是：{safe_water}，请到户看水")
    county.get_by_role("button", name="发布").click()
    expect(county.locator("main")).to_contain_text("已发布")
    county.get_by_role("button", name="立即排查").click()
    after_job(county, "条疑问")

    # The village hands it to the household's helper, who sees it on the phone, goes there and answers.
    village.goto(f"/clues/?rule={rule}")
    village.locator("tbody tr", has_text=head).locator("input[name=clue]").check()
    village.select_option("#hand-to", "helper")
    village.get_by_role("button", name="交给他核实").click()
    expect(village.locator("main")).to_contain_text("1 条已交出去")
    helper.goto("/")
    helper.locator("main a[href*='/clues/']").first.click()
    helper.locator("main td a[href^='/clues/']", has_text="请到户看水").first.click()
    clue = helper.url
    expect(helper.locator("main")).to_contain_text("到哪里看")
    helper.fill("#evidence", "到户看了，井水浑浊，正在接自来水")
    helper.locator("button[value=confirmed]").click()
    expect(helper.locator("main")).to_contain_text("等乡镇审核")

    # The township reads how it was verified, and agrees.
    township.goto("/")
    township.goto("/clues/")
    township.get_by_role("link", name="去审核").click()
    row = township.locator("tbody tr", has_text="请到户看水")
    expect(row).to_contain_text("井水浑浊")
    row.get_by_role("link", name="审核").click()
    township.locator("button[value=approve]").click()
    expect(township.locator("main")).to_contain_text("已审核通过")

    # The county draws it, looks again and finds otherwise: it is open again, with the reason.
    county.goto("/clues/")
    county.get_by_role("link", name="抽查").click()
    county.select_option("#f-place", value=township_of(installation, household))
    county.fill("#f-count", "50")
    county.get_by_role("button", name="随机抽取").click()
    sample = county.locator("tbody tr", has_text="请到户看水")
    sample.locator("input[name=note]").fill("自来水上月已经接通")
    sample.get_by_role("button", name="不符，退回").click()
    expect(county.locator("main")).to_contain_text("已记下抽查结果")
    helper.goto(clue)
    expect(helper.locator("main")).to_contain_text("自来水上月已经接通")

    # What was wrong is mended in the household, and the clue closes by itself.
    helper.get_by_role("link", name="打开录入页改正").click()
    says_water(helper, household, "s", is_open=True)
    helper.goto(clue)
    expect(helper.locator("main")).to_contain_text("已消除")
    for step in ("发现", "交给核实人", "核实无误", "审核通过", "县里抽查", "退回重核", "复查消除"):
        expect(helper.locator("main")).to_contain_text(step)
    rule_off(county, rule)


def test_a_village_is_judged_right_after_a_household_is_saved(
    open_page: Callable[..., Page], sign_in: Callable[[Page, str], None], installation: Installation
) -> None:
    """No sweep lies between: the helper's save, who does not see the village's table, opens and closes the village's clue."""
    helper, county = open_page(), open_page()
    sign_in(helper, "helper")
    sign_in(county, "county")
    household, _head, village = helpers_household(installation)
    county.goto("/rules/new")
    rule = county.input_value("#r-id")
    county.fill("#r-title", "村里饮水核对")
    county.select_option("#r-subject", "village_year")
    county.fill("#r-when", "count(households, not safe_water) > 0")
    county.fill("#r-message", "饮水不安全的户 {sum.1} 户")
    county.get_by_role("button", name="发布").click()
    expect(county.locator("main")).to_contain_text("已发布")

    def latest() -> tuple[object, ...]:
        """The clue on the village, and who opened or closed it last."""
        return installation.sql(
            "SELECT c.state, s.kind = 'opened', u.username FROM quality_clue c JOIN quality_cluestep s ON s.clue_id = c.id"
            " LEFT JOIN accounts_user u ON u.id = s.by_id"
            " WHERE c.rule_id = %s AND c.village_code = %s AND c.subject_kind = 'village' ORDER BY s.at DESC LIMIT 1",
            rule,
            village,
            role="owner",
        )[0]

    says_water(helper, household, "f")
    assert latest() == ("open", True, "helper")
    says_water(helper, household, "s")
    assert latest() == ("closed", False, "helper")
    rule_off(county, rule)


def says_water(page: Page, household: str, key: str, *, is_open: bool = False) -> None:
    """Safe water: yes (`s`) or no (`f`), on the entry page."""
    if not is_open:
        page.goto(f"/entry/{household}")
    expect(page.locator("#f-household-safe_water")).to_be_visible()
    page.focus("#f-household-safe_water")
    page.keyboard.press("Control+a")
    page.keyboard.type(key)
    page.keyboard.press("Enter")
    expect(page.locator(".saving")).to_contain_text("已保存")


def township_of(installation: Installation, household: str) -> str:
    [(code,)] = installation.sql("SELECT left(village_code, 9) FROM households_household WHERE id = %s", household, role="owner")
    return str(code)
