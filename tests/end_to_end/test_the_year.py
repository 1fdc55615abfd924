"""One household through the year as its people work it: printed sheet, entry, review, sweep, clue, national system, file."""

import io
import re
from collections.abc import Callable

import pypdfium2
import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import Installation

pytestmark = pytest.mark.browser


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    try:
        return "".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def file_of_job(page: Page) -> bytes:
    """Wait on a job's page for its file and take it."""
    link = page.locator("main a[href^='/files/']").first
    expect(link).to_be_visible(timeout=90_000)
    return page.request.get(link.get_attribute("href") or "").body()


def test_one_household_from_printed_sheet_to_closed_clue(
    open_page: Callable[..., Page], sign_in: Callable[[Page, str], None], installation: Installation
) -> None:
    village, township, county = open_page(), open_page(), open_page()
    for page, name in ((village, "village"), (township, "township"), (county, "county")):
        sign_in(page, name)

    # The village sees what is due and prints its sheets.
    expect(village.locator(".lead-sentence")).to_contain_text("还有")
    village.goto("/households/?state=empty")
    row = village.locator("tbody tr").first
    head = row.locator("th a").inner_text().strip()
    code = row.locator("th .text-secondary").inner_text().strip()
    household = (row.locator("th a").get_attribute("href") or "").strip("/").split("/")[-1]
    village.goto("/sheets/")
    village.locator("form[action$='/print'] button").first.click()
    sheets = file_of_job(village)
    assert head in text_of(sheets) and code in text_of(sheets)

    # It enters what changed; unsafe water is believed, but asked about.
    village.goto(f"/entry/{household}")
    expect(village.locator("#f-household-address")).to_be_focused()
    village.fill("#f-household-household_phone", "13955201234")
    village.keyboard.press("Enter")
    village.keyboard.press("F8")
    village.keyboard.type("30000")
    village.keyboard.press("Enter")
    village.keyboard.press("F8")
    village.focus("#f-household-safe_water")
    village.keyboard.type("f")
    village.keyboard.press("Enter")
    village.keyboard.press("F8")
    members = len(village.request.get(f"/field/households/{household}.json").json()["persons"])
    for _ in range(members):
        village.wait_for_function("/^f-[0-9a-f-]{36}-/.test(document.activeElement.id)")
        before = village.evaluate("document.activeElement.id")
        village.keyboard.press("Shift+F8")
        village.wait_for_function("last => document.activeElement.id !== last", arg=before)
    for word in ("张三", "李四", "20211110"):
        village.keyboard.type(word)
        village.keyboard.press("Enter")
    expect(village.locator(".saving")).to_contain_text("已保存")
    village.keyboard.press("Control+Enter")
    expect(village.locator("#go-next")).to_be_focused()

    # The township reads what changed and sends it back once, with a reason; then approves.
    township.goto(f"/households/{household}/review")
    expect(township.locator("main")).to_contain_text("13955201234")
    township.locator("textarea[name=reason], input[name=reason]").first.fill("电话请再核对一遍")
    township.locator("button[value=return]").click()
    village.goto("/")
    expect(village.locator("main")).to_contain_text("退回重填")
    village.goto(f"/entry/{household}")
    expect(village.locator("main")).to_contain_text("电话请再核对一遍")
    village.fill("#f-household-household_phone", "13955205678")
    village.keyboard.press("Enter")
    expect(village.locator(".saving")).to_contain_text("已保存")
    village.keyboard.press("Control+Enter")
    expect(village.locator("#go-next")).to_be_focused()

    # The county sweeps; the clue reaches the village and is worked off.
    county.goto("/clues/")
    county.locator("form[action$='/clues/sweep/'] button").click()
    expect(county.locator("main")).to_contain_text(re.compile("条规则|疑问|已完成"), timeout=90_000)
    village.goto(f"/households/{household}/")
    village.locator("main a[href^='/clues/']", has_text=re.compile("饮水")).first.click()
    clue = village.url
    expect(village.locator("main")).to_contain_text("到哪里看")
    village.fill("#evidence", "入户看了，院内井水浑浊，正在接自来水")
    village.locator("button[value=confirmed]").click()
    expect(village.locator("main")).to_contain_text("等乡镇审核")
    township.goto(clue)
    township.fill("#reason", "水已通，请改为安全饮水")
    township.locator("button[value=return]").click()
    village.goto(clue)
    expect(village.locator("main")).to_contain_text("水已通，请改为安全饮水")
    village.get_by_role("link", name="打开录入页改正").click()
    expect(village.locator("#f-household-safe_water")).to_be_visible()
    village.focus("#f-household-safe_water")
    village.keyboard.press("Control+a")
    village.keyboard.type("s")
    village.keyboard.press("Enter")
    expect(village.locator(".saving")).to_contain_text("已保存")
    village.goto(clue)
    expect(village.locator("main")).to_contain_text("已消除")

    # Approved, ticked as typed into the national system, and filed.
    township.goto(f"/households/{household}/review")
    township.locator("button[value=approve]").click()
    expect(township.locator("main")).to_contain_text("已审核通过")
    place = installation.sql("SELECT village_code FROM households_household WHERE code = %s", code, role="owner")[0][0]
    township.goto(f"/transfer/?place={place}")
    box = township.locator("section.card", has_text=code)
    expect(box).to_contain_text("13955205678")
    box.locator("input[name=record]").check()
    township.get_by_role("button", name="保存打勾").first.click()
    township.locator("dialog.confirm [data-part=act]").click()
    expect(township.locator("section.card", has_text=code)).to_have_count(0)
    county.goto("/progress/")
    expect(county.locator("main table").first).to_be_visible()
    county.goto(f"/households/{household}/")
    expect(county.locator("main")).to_contain_text("13955205678")
    county.locator("form[action$='/file'] button").click()
    file = text_of(file_of_job(county))
    assert head in file and "缺" in file

    ticked = installation.sql(
        "SELECT state, transferred_at IS NOT NULL FROM records_record WHERE household_id = %s AND form = 'household_year' AND year = 2021",
        household,
        role="owner",
    )
    assert ticked == [("approved", True)]
