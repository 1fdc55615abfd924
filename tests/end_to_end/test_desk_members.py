"""The desk entry screen in a real browser: keys follow the member who is shown, "the rest: none", the way from a clue to its item."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from fangfanpin.pack import load_pack
from tests.end_to_end.conftest import Installation
from tests.end_to_end.desk import YEAR, bundle_of, is_saved, open_entry, type_in

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Subject:
    """A household nobody has begun; each test works its own."""

    id: str
    code: str
    village: str


@pytest.fixture(scope="module")
def untouched(installation: Installation) -> Iterator[Subject]:
    """Outside the township's reach, and from the end of the list, for other tests begin at its head."""
    rows = installation.sql(
        "SELECT h.id, h.code, h.village_code FROM households_household h"
        " JOIN records_record r ON r.household_id = h.id AND r.year = %s AND r.form = 'household_year' AND r.state = 'empty'"
        " WHERE h.kind = 'assisted' AND h.household_state = '01' AND h.monitoring_type = '' AND h.member_count BETWEEN 3 AND 5"
        " AND NOT EXISTS (SELECT 1 FROM accounts_assignment a JOIN accounts_user u ON u.id = a.user_id"
        "  WHERE u.username = 'township' AND h.village_code LIKE a.region_id || '%%') ORDER BY h.code DESC",
        YEAR,
        role="owner",
    )
    return iter([Subject(str(row[0]), row[1], row[2]) for row in rows])


@pytest.fixture
def subject(untouched: Iterator[Subject]) -> Subject:
    return next(untouched)


@pytest.fixture
def desk(page: Page, sign_in: Callable[[Page, str], None], subject: Subject) -> Page:
    """The entry screen of `subject`, opened by the county's officer."""
    sign_in(page, "county")
    open_entry(page, subject.id)
    return page


def on_server(page: Page, subject: Subject) -> dict[str, Any]:
    is_saved(page)
    return bundle_of(page, subject.id)


def members(page: Page, subject: Subject) -> list[tuple[str, str]]:
    """Ids and names of those who live there, in the order of the tabs."""
    bundle = bundle_of(page, subject.id)
    return [(person["id"], person["values"]["member_name"]) for person in bundle["persons"] if person["live"]]


def enter(page: Page, name: str, text: str) -> None:
    type_in(page, name, text)
    page.keyboard.press("Enter")


def in_field_of(page: Page, member: str) -> None:
    page.wait_for_function("id => document.activeElement.id.startsWith(`f-${id}-`)", arg=member)


def test_keys_act_on_the_member_who_is_shown(desk: Page, subject: Subject) -> None:
    (first, first_name), (second, second_name), (third, third_name), *_ = members(desk, subject)
    desk.click(f"#f-{first}-phone")
    desk.click(f"#tab-{second}")
    in_field_of(desk, second)
    box = desk.get_by_role("dialog")
    for key in ("Alt+m", "Alt+u"):
        desk.keyboard.press(key)
        expect(box.get_by_role("heading")).to_contain_text(second_name)
        expect(box).not_to_contain_text(f"{first_name} 将成为户主")
        desk.keyboard.press("Escape")
        expect(box).to_have_count(0)
        in_field_of(desk, second)
    # Among the tabs the arrows show another member, and the cursor stays there.
    desk.focus(f"#tab-{second}")
    desk.keyboard.press("ArrowRight")
    expect(desk.locator(f"#tab-{third}")).to_be_focused()
    desk.keyboard.press("Alt+m")
    expect(box.get_by_role("heading")).to_contain_text(third_name)
    desk.keyboard.press("Escape")
    desk.keyboard.press("Shift+F8")
    expect(desk.locator(f"#tab-{third} .flag.ok")).to_be_visible()
    # From a field of the household, the keys of a member mean the open tab too.
    desk.click(f"#tab-{second}")
    desk.focus("#f-household-road_type")
    desk.keyboard.press("Alt+m")
    expect(box.get_by_role("heading")).to_contain_text(second_name)
    desk.keyboard.press("Escape")
    ticked = {person["id"] for person in on_server(desk, subject)["persons"] if person["record"]["ticks"]}
    assert ticked == {third}


def test_the_whole_sheet_of_the_shown_member_is_ticked(desk: Page, subject: Subject) -> None:
    (first, _), (second, _), (third, _), *_ = members(desk, subject)
    desk.click(f"#f-{first}-phone")
    desk.click(f"#tab-{second}")
    in_field_of(desk, second)
    desk.keyboard.press("Shift+F8")
    in_field_of(desk, third)
    ticked = {person["id"] for person in on_server(desk, subject)["persons"] if person["record"]["ticks"]}
    assert ticked == {second}


def test_another_head_is_chosen_among_the_others(desk: Page, subject: Subject) -> None:
    (head, head_name), (second, second_name), *others = members(desk, subject)
    desk.click(f"#tab-{head}")
    in_field_of(desk, head)
    desk.keyboard.press("Alt+u")
    box = desk.get_by_role("dialog")
    expect(box).to_contain_text(f"{head_name} 现在是户主")
    expect(desk.locator("#head-whom")).to_be_focused()
    desk.click("#head-whom")
    expect(desk.locator("#head-whom-list li .word")).to_have_text([second_name, *(name for _, name in others)])
    desk.keyboard.press("Escape")
    desk.click("#head-save")
    expect(desk.locator("#head-fault")).to_contain_text("请选择由谁当户主")
    expect(desk.locator("#head-whom")).to_be_focused()
    desk.keyboard.type(second_name)
    desk.keyboard.press("Enter")
    expect(desk.locator("#head-save")).to_be_focused()
    expect(box).to_contain_text(f"{second_name} 将成为户主。原户主 {head_name}")
    desk.keyboard.press("Enter")
    expect(box).to_have_count(0)
    expect(desk.locator(f"#f-{head}-relation_to_head")).to_be_focused()
    relations = {person["id"]: person["values"]["relation_to_head"] for person in on_server(desk, subject)["persons"]}
    assert (relations[head], relations[second]) == (None, "01")


def test_what_is_wrong_in_the_dialog_of_a_new_member_gets_the_cursor(desk: Page) -> None:
    desk.keyboard.press("Alt+n")
    expect(desk.locator("#new-reason")).to_be_focused()
    desk.keyboard.type("没有这个")
    desk.keyboard.press("Enter")
    expect(desk.locator("#new-reason-strange")).to_contain_text("清单里没有“没有这个”")
    expect(desk.locator("#new-reason")).to_be_focused()
    desk.click("#new-save")
    expect(desk.locator("#new-reason")).to_be_focused()
    desk.keyboard.press("Control+a")
    for text in ("jr", "20210305", "赵小兰", "po"):
        desk.keyboard.type(text)
        desk.keyboard.press("Enter")
    desk.fill("#new-birth", "去年")
    desk.click("#new-save")
    expect(desk.locator("#new-birth")).to_be_focused()
    expect(desk.locator("#new-birth")).to_have_attribute("aria-invalid", "true")
    desk.fill("#new-birth", "1999-01-01")
    desk.fill("#new-date", "2999-01-01")
    desk.click("#new-save")
    expect(desk.locator("#new-date")).to_be_focused()


def test_a_number_no_card_bears_is_told_while_it_is_typed_and_refused(desk: Page, subject: Subject) -> None:
    desk.keyboard.press("Alt+n")
    for text in ("jr", "20210305", "赵小兰", "po"):
        desk.keyboard.type(text)
        desk.keyboard.press("Enter")
    hint, number = desk.locator("#new-id-hint"), "34032319700101123"
    expect(desk.locator("#new-id")).to_be_focused()
    desk.keyboard.type(number)
    expect(hint).to_contain_text("已输入 17 位")
    desk.keyboard.press("Enter")
    expect(desk.locator("#new-sex")).to_be_focused()
    expect(hint).to_contain_text("这里是 17 位")
    desk.click("#new-save")
    expect(desk.locator("#new-fault")).to_contain_text("这里是 17 位")
    expect(desk.locator("#new-id")).to_be_focused()
    desk.keyboard.press("End")
    desk.keyboard.type("0")
    expect(desk.locator("#new-fault")).to_have_count(0)
    expect(hint).to_contain_text("校验码对不上")  # told, and taken: such cards exist
    desk.click("#new-save")
    expect(desk.get_by_role("dialog")).to_have_count(0)
    come = next(person for person in on_server(desk, subject)["persons"] if person["values"]["member_name"] == "赵小兰")
    assert (come["facts"]["id_form"], come["facts"]["id_check_ok"], come["values"]["id_type"]) == ("id18", False, "01")
    # Another type of card may have any number; in the field of one who is there it is refused as well.
    desk.keyboard.press("Alt+n")
    for text in ("jr", "20210305", "孙少校", "po"):
        desk.keyboard.type(text)
        desk.keyboard.press("Enter")
    desk.keyboard.type("JZ1234567")
    desk.click("#new-id-type")
    desk.keyboard.press("Control+a")
    desk.keyboard.type("中国人民解放军军官证")
    desk.keyboard.press("Enter")
    expect(desk.locator("#new-sex")).to_be_focused()
    desk.click("#new-save")
    expect(desk.get_by_role("dialog")).to_have_count(0)
    field = f"#f-{come['id']}-id_number"
    desk.click(f"#tab-{come['id']}")
    desk.focus(field)
    desk.keyboard.type(number)
    desk.keyboard.press("Enter")
    expect(desk.locator(".item", has=desk.locator(field)).locator(".note.bad", has_text="这里是 17 位").first).to_be_visible()


def test_a_word_that_is_not_in_the_list_stays_and_is_called_a_fault(desk: Page, subject: Subject) -> None:
    desk.focus("#f-household-road_type")
    desk.keyboard.type("没有这种路")
    desk.focus("#f-household-farmland_mu")
    row = desk.locator(".item", has=desk.locator("#f-household-road_type"))
    expect(desk.locator("#f-household-road_type")).to_have_value("没有这种路")
    expect(row.locator(".note.bad")).to_contain_text("没有这种路")
    expect(desk.locator(".problem-sum")).to_contain_text("必须改正")
    desk.focus("#f-household-road_type")
    desk.keyboard.press("Control+a")
    desk.keyboard.type("ssl")
    desk.keyboard.press("Enter")
    expect(row.locator(".note.bad")).to_have_count(0)
    assert on_server(desk, subject)["record"]["values"]["road_type"] == "02"


def test_the_rest_of_the_income_sheet_is_none(desk: Page, subject: Subject) -> None:
    last = on_server_before(desk, subject)
    enter(desk, "wage_migrant", "24000")
    desk.keyboard.press("F8")
    expect(desk.locator("#f-household-farmland_mu")).to_be_focused()
    values = on_server(desk, subject)["record"]["values"]
    assert (values["wage_income"], values["wage_migrant"]) == (2_400_000, 2_400_000)
    for name in ("wage_gather", "biz_crop", "business_income", "tr_eco", "tr_eco_grassland", "tr_rest", "exp_other", "business_expense"):
        assert values[name] == 0, name
    # A sum that "none" made follows its parts until somebody types it.
    enter(desk, "biz_crop", "5000")
    expect(desk.locator("#f-household-business_income")).to_have_value("5000")
    enter(desk, "tr_eco_grassland", "300")
    expect(desk.locator("#f-household-tr_eco")).to_have_value("300")
    enter(desk, "business_income", "9000")
    enter(desk, "biz_livestock", "100")
    expect(desk.locator("#f-household-business_income")).to_have_value("9000")
    expect(desk.locator("#s-income .note.bad")).to_have_count(0)

    # Handed in, the list for the national system tells only what is another amount.
    desk.focus("#f-household-address")
    desk.keyboard.press("F8")
    desk.focus("#f-household-farmland_mu")
    desk.keyboard.press("F8")
    for member, _ in members(desk, subject):
        in_field_of(desk, member)
        desk.keyboard.press("Shift+F8")
    for word in ("张三", "李四", "20211110"):
        desk.keyboard.type(word)
        desk.keyboard.press("Enter")
    is_saved(desk)  # handing in what is still on its way is told as left to mend
    desk.keyboard.press("Control+Enter")
    expect(desk.locator("#go-next")).to_be_focused()
    desk.goto(f"/transfer/?place={subject.village}")
    rows = desk.locator("section.card", has_text=subject.code).locator("tbody tr", has=desk.locator("td"))
    told = {row[0].split("\n")[0]: (row[1], row[2]) for row in ([c.strip() for c in texts(desk, row)] for row in rows.all())}
    same = [pair for pair in told.values() if {text or "0.00" for text in pair} <= {"0.00", "—", "（空）", "0"}]
    assert same == []
    assert (told["务工收入"] if last.get("wage_migrant") != 2_400_000 else ("", "24000.00"))[1] == "24000.00"


def texts(page: Page, row: Any) -> list[str]:
    """Name of the item, last year's value and this year's of a row of the list."""
    cells = row.locator("td")
    return [row.locator("th").inner_text(), cells.nth(1).inner_text(), cells.nth(2).inner_text()]


def on_server_before(page: Page, subject: Subject) -> dict[str, Any]:
    last: dict[str, Any] = bundle_of(page, subject.id)["record"]["last"] or {}
    return last


@dataclass(frozen=True)
class Asked:
    """A clue to be worked off."""

    id: str
    household: str
    person: str | None


@pytest.fixture(scope="module")
def asked(installation: Installation) -> dict[str, Asked]:
    """One clue of each rule, after a sweep of the county."""
    installation.command("sweep")
    rows = installation.sql(
        "SELECT DISTINCT ON (c.rule_id) c.rule_id, c.id, c.household_id, c.person_id FROM quality_clue c"
        " JOIN households_household h ON h.id = c.household_id AND h.kind = 'assisted' AND h.household_state = '01'"
        " LEFT JOIN households_person p ON p.id = c.person_id"
        " JOIN records_record r ON r.household_id = h.id AND r.year = %s AND r.form = 'household_year' AND r.state IN ('empty', 'draft', 'submitted')"
        " WHERE c.state = 'open' AND (p.id IS NULL OR p.member_state = '01') ORDER BY c.rule_id, p.position DESC NULLS LAST, c.id",
        YEAR,
        role="owner",
    )
    return {row[0]: Asked(str(row[1]), str(row[2]), str(row[3]) if row[3] else None) for row in rows}


def test_a_clue_leads_to_the_item_it_asks_about(page: Page, sign_in: Callable[[Page, str], None], asked: dict[str, Asked]) -> None:
    sign_in(page, "county")
    # Of a number, of the telephones of the whole county (no rule of the form), of the household, of members taken together.
    rules = load_pack(Path(__file__).parents[2] / "packs" / "guzhen-2021").rules
    of_form = {rule.id for rule in rules if rule.subject in ("household", "person") and rule.when.relations <= {"members", "all_members"}}
    of_person = [rule for rule, clue in asked.items() if clue.person and rule in of_form][:3]
    of_household = [rule for rule, clue in asked.items() if not clue.person and rule[0] == "H" and rule in of_form][:3]
    ways = [rule for rule in dict.fromkeys((*of_household, *of_person, "F001", "F002", "F006", "F017", "H001", "H002", "H034")) if rule in asked]
    assert of_person and of_household and {"F001", "F017"} & set(ways), sorted(asked)
    for rule in ways:
        clue = asked[rule]
        page.goto(f"/clues/{clue.id}/")
        page.get_by_role("link", name="打开录入页改正").click()
        bundle = page.request.get(f"/field/households/{clue.household}.json").json()
        message = next(one["message"] for one in bundle["clues"] if one["id"] == clue.id)
        row = page.locator(".item:focus-within")
        expect(row.locator(".note.clue", has_text=message), rule).to_be_in_viewport()
        if clue.person:
            in_field_of(page, clue.person)
            expect(page.locator(f"#tab-{clue.person}")).to_have_attribute("aria-selected", "true")
        page.goto("about:blank")


def test_a_clue_that_is_settled_says_so(desk: Page, subject: Subject) -> None:
    desk.goto("about:blank")
    desk.goto(f"/entry/{subject.id}#clue=00000000-0000-4000-8000-000000000000")
    expect(desk.locator(".banner")).to_contain_text("这条线索已经不用核实了")
    expect(desk.locator("#f-household-address")).to_be_focused()
