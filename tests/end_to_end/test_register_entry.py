"""Registers filled fast: key strokes of one row against a page made by hand, and many rows as a grid that outlives a reload and a lost session."""

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fangfanpin.pack import Pack, load_pack
from tests.end_to_end.by_hand import page_of
from tests.end_to_end.conftest import Installation, Troubles
from tests.end_to_end.desk import signed_in
from tests.pack.test_content import PACKS

pytestmark = pytest.mark.browser


@dataclass
class Keys:
    """Counts every key: typed characters, Enter, Tab, arrows; Ctrl+Enter is one."""

    page: Page
    count: int = 0

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.count += len(text)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.count += 1


@dataclass(frozen=True)
class Answer:
    """What is answered to one item. `text`: typed as it is; `letters`: of a word in a list, `place` its place in a plain select (from 1); a
    reference is waited for. Nothing: the item stays empty."""

    name: str
    text: str = ""
    letters: str = ""
    place: int = 0
    is_reference: bool = False


@dataclass(frozen=True)
class Filled:
    form: str
    answers: Sequence[Answer] = field(default_factory=tuple)


def by_hand(page: Page, filled: Filled, pack: Pack) -> int:
    """The keys on a page made by hand for this one register (tests/end_to_end/by_hand): text and Tab; arrows to the word of a select and Tab; Space
    for a tick; an item that stays empty costs its Tab, those after the last answer none; Enter saves."""
    page.set_content(page_of(pack.forms[filled.form], pack, {"measure_item": "measure_class"}))
    keys = Keys(page)
    answers = list(filled.answers)
    while not (answers[-1].text or answers[-1].letters):
        answers.pop()
    page.locator(f"#{answers[0].name}").focus()  # `autofocus` is heard once in a tab
    for number, answer in enumerate(answers):
        expect(page.locator(f"#{answer.name}")).to_be_focused()
        keys.type(answer.text)
        kind = page.locator(f"#{answer.name}").evaluate("control => control.type")
        for _time in range(answer.place):
            keys.press("Space" if kind == "checkbox" else "ArrowDown")
        if number < len(answers) - 1:
            keys.press("Tab")
    shoot(page, f"{filled.form}-by-hand")
    keys.press("Enter")
    return keys.count


SHOTS = os.environ.get("FFP_SCREENSHOTS", "")


def shoot(page: Page, name: str) -> None:
    """Where FFP_SCREENSHOTS names a folder (docs/screenshots), what the keys were counted on is kept as a picture."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"keys-{name}.png", scale="css", full_page=True)


def enter(page: Page, filled: Filled) -> int:
    keys = Keys(page)
    answers = list(filled.answers)
    while not (answers[-1].text or answers[-1].letters):
        answers.pop()
    for number, answer in enumerate(answers):
        box = page.locator(f"#id_{answer.name}")
        if not box.evaluate("box => box === document.activeElement || box.contains(document.activeElement)"):
            raise AssertionError(f"{filled.form}: not at {answer.name}")
        keys.type(answer.text or answer.letters)
        if answer.is_reference and answer.text:
            expect(page.locator(f"#options-{answer.name} [role=option]").first).to_be_visible()
        if number < len(answers) - 1:
            keys.press("Enter")
    shoot(page, filled.form)
    keys.press("Control+Enter")
    expect(page.locator(".alert-success")).to_contain_text("已登记")
    expect(page.locator(f"#id_{answers[0].name}")).to_be_focused()
    return keys.count


@pytest.fixture
def village(open_page: Callable[..., Page], sign_in: Callable[[Page, str], None]) -> Page:
    page = open_page()
    sign_in(page, "village")
    return page


def assisted(installation: Installation, village: str) -> list[tuple[str, str]]:
    """(head, code) of the village's assisted households."""
    rows = installation.sql(
        "SELECT head_name, code FROM households_household WHERE village_code = %s AND kind = 'assisted' ORDER BY code", village, role="owner"
    )
    return [(str(head), str(code)) for head, code in rows]


def own_village(installation: Installation) -> str:
    rows = installation.sql(
        "SELECT a.region_id FROM accounts_assignment a JOIN accounts_user u ON u.id = a.user_id WHERE u.username = 'village'", role="owner"
    )
    return str(rows[0][0])


def test_a_row_needs_no_more_keys_than_a_page_made_by_hand(
    village: Page, open_page: Callable[..., Page], installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    _head, code = assisted(installation, own_village(installation))[0]
    person = installation.sql(
        "SELECT p.code FROM households_person p JOIN households_household h ON h.id = p.household_id"
        " WHERE h.village_code = %s AND h.kind = 'assisted' AND p.member_state = '01'"
        " AND NOT EXISTS (SELECT FROM records_record r WHERE r.form = 'work_spell' AND r.person_id = p.id) ORDER BY h.code, p.position",
        own_village(installation),
        role="owner",
    )[0][0]
    rows = (
        Filled(
            "measure",
            (
                Answer("household_id", code, is_reference=True),
                Answer("measure_class", letters="c", place=1),
                Answer("measure_item", letters="gf", place=4),
                Answer("measure_remark"),
                Answer("risk_answered"),
                Answer("beneficiary_person"),
                Answer("amount", "3000"),
                Answer("unit_responsible", "村委会"),
                Answer("start_on", "20210930"),
            ),
        ),
        Filled(
            "microcredit",
            (
                Answer("household_id", code, is_reference=True),
                Answer("borrower_person"),
                Answer("bank", "农商行"),
                Answer("contract_no", "KEYS-1"),
                Answer("principal", "30000"),
                Answer("rate", "4.35"),
                Answer("lpr_basis"),
                Answer("granted_on", "20210105"),
                Answer("due_on", "20240105"),
                Answer("term_months", "36"),
                Answer("purpose", letters="z", place=1),
            ),
        ),
        Filled(
            "work_spell",
            (
                Answer("person_id", str(person), is_reference=True),
                Answer("working_now", letters="s", place=1),
                Answer("work_start", "202103"),
                Answer("work_end"),
                Answer("work_province"),
                Answer("work_city"),
                Answer("work_county", "固镇县", is_reference=True),
                Answer("month_wage", "4500"),
                Answer("employer", "电子厂"),
                Answer("industry", letters="zz", place=3),
                Answer("channel", letters="qy", place=5),
            ),
        ),
    )
    found, other, pack = [], open_page(), load_pack(PACKS / "guzhen-2021")
    for filled in rows:
        village.goto(f"/registers/{filled.form}/new")
        found.append((filled.form, enter(village, filled), by_hand(other, filled, pack)))
    with capsys.disabled():
        print("\nkeys of one row (made from the pack / made by hand):", "; ".join(f"{form} {made}/{least}" for form, made, least in found))
    assert all(made <= least for _form, made, least in found), found


def copy(page: Page, text: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("text => navigator.clipboard.writeText(text)", text)


def block(households: Sequence[tuple[str, str]], count: int, mark: str, **spoilt: str) -> str:
    """A table as Excel copies it: title, head in an order of its own with a column too many, rows, sum."""
    lines = ["小额信贷台账\t\t\t\t", "合同号\t户编号\t贷款金额（元）\t发放日期\t经办人电话"]
    for number in range(count):
        head, code = households[number % len(households)]
        lines.append(f"{mark}-{number}\t{code}\t{spoilt.get(f'n{number}', '30000')}\t2021/3/{number % 28 + 1}\t{'1380000' if number == 0 else ''}")
    return "\r\n".join([*lines, "合计\t\t\t\t"]) + "\r\n"


def test_a_grid_is_pasted_mended_and_registered(village: Page, installation: Installation, troubles: Troubles) -> None:
    households = assisted(installation, own_village(installation))
    village.goto("/registers/microcredit/grid")
    expect(village.locator(".grid-editor")).to_be_focused()
    copy(village, block(households, 5, "GRID", n2="三万"))
    village.keyboard.press("Control+V")
    told = village.locator("[data-part=told]")
    expect(told).to_contain_text("放进了 5 条")
    expect(told).to_contain_text("经办人电话")
    expect(told).to_contain_text("小额信贷台账")
    expect(village.locator("[data-part=left-over] textarea")).to_have_value(re.compile("1380000"))

    # It is still there after a reload, and the session's end loses nothing.
    village.reload()
    expect(told).to_contain_text("5 条还在")
    cookies = signed_in(village.context)
    village.context.clear_cookies()
    troubles.allow("status of 401")
    troubles.allow("status of 403")
    village.keyboard.press("Control+Enter")
    expect(told).to_contain_text("登录已过期")
    village.context.add_cookies(cookies)

    village.locator(".grid-table tbody tr").first.locator("td").first.click()
    village.keyboard.press("Control+Enter")
    dialog = village.locator("dialog[open]")
    expect(dialog).to_contain_text("4 条可以登记")
    expect(dialog).to_contain_text("1 条要改")
    village.keyboard.press("Enter")
    expect(told).to_contain_text("已登记 4 条")
    # The cursor is in the faulty cell: mended and registered without the mouse.
    expect(village.locator(".grid-editor")).to_have_value("三万")
    village.keyboard.type("30000")
    village.keyboard.press("Control+Enter")
    expect(dialog).to_contain_text("1 条可以登记")
    village.keyboard.press("Enter")
    expect(told).to_contain_text("已登记 1 条")
    assert village.evaluate("Object.keys(localStorage).filter(key => key.startsWith('ffp-grid:')).length") == 0
    kept = installation.sql("SELECT count(*) FROM registers_entry WHERE label LIKE 'GRID-%%'", role="owner")
    assert kept == [(5,)]


def test_merged_cells_of_a_copied_table_count_for_each_row(village: Page, installation: Installation) -> None:
    _head, code = assisted(installation, own_village(installation))[1]
    village.goto("/registers/visit/grid")
    expect(village.locator(".grid-editor")).to_be_focused()
    village.evaluate(
        """([text, html]) => { const data = new DataTransfer(); data.setData('text/plain', text); data.setData('text/html', html);
        document.activeElement.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})) }""",
        [
            f"户编号\t走访日期\r\n东关社区\t\r\n{code}\t2021/3/1\r\n\t2021/4/1\r\n",
            f"<table><tr><td>户编号</td><td>走访日期</td></tr><tr><td colspan=2>东关社区</td></tr>"
            f"<tr><td rowspan=2>{code}</td><td>2021/3/1</td></tr><tr><td>2021/4/1</td></tr></table>",
        ],
    )
    expect(village.locator("[data-part=told]")).to_contain_text("放进了 2 条")
    expect(village.locator("[data-part=count]")).to_contain_text("可以登记", timeout=10_000)
    village.keyboard.press("Control+Enter")
    expect(village.locator("dialog[open]")).to_contain_text("2 条可以登记")


def test_five_hundred_pasted_rows_stay_fluid(village: Page, installation: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    households = assisted(installation, own_village(installation))
    village.goto("/registers/microcredit/grid")
    expect(village.locator(".grid-editor")).to_be_focused()
    copy(village, block(households, 500, "MANY"))
    village.evaluate(
        """() => { window.slowest = 0; new PerformanceObserver(list => { for (const entry of list.getEntries())
        window.slowest = Math.max(window.slowest, entry.duration) }).observe({type: 'longtask', buffered: false}) }"""
    )
    village.keyboard.press("Control+V")
    expect(village.locator("[data-part=told]")).to_contain_text("放进了 500 条")
    pasting = village.evaluate("window.slowest")
    village.evaluate("window.slowest = 0")
    for _press in range(40):
        village.keyboard.press("ArrowDown")
    village.keyboard.type("农商行")
    typing = village.evaluate("window.slowest")
    expect(village.locator("tbody tr")).to_have_count(500)
    with capsys.disabled():
        print(f"\n500 pasted rows: longest task while pasting {pasting:.0f} ms, while moving and typing {typing:.0f} ms")
    assert typing < 500
    village.keyboard.press("Escape")
    expect(village.locator("[data-part=count]")).to_have_text(re.compile(r"^(499|500) 条可以登记"), timeout=120_000)
    village.evaluate("localStorage.clear(); window.onpagehide = null")
    assert json.loads(village.evaluate("JSON.stringify(document.querySelectorAll('td.is-bad').length)")) == 0
