"""A register row in a real browser: chosen by search with the keyboard alone, told what is wrong beside its field, reviewed, exported."""

import csv
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.conftest import Installation, Troubles
from tests.end_to_end.test_the_year import file_of_job

pytestmark = pytest.mark.browser


def test_a_loan_is_registered_by_keyboard_reviewed_and_exported(
    open_page: Callable[..., Page], sign_in: Callable[[Page, str], None], installation: Installation, troubles: Troubles
) -> None:
    troubles.allow("status of 422")
    village, township = open_page(), open_page()
    sign_in(village, "village")
    sign_in(township, "township")
    village.goto("/households/")
    first = village.locator("tbody tr").first
    head, code = first.locator("th a").inner_text().strip(), first.locator("th .text-secondary").inner_text().strip()

    # The household by its code, the borrower out of its members, then straight on: no mouse.
    village.goto("/registers/microcredit/new")
    village.focus("#id_household_id")
    village.keyboard.type(code)
    expect(village.locator("#options-household_id [role=option]")).to_have_count(1)
    village.keyboard.press("Enter")
    expect(village.locator("#id_borrower_person")).to_be_focused()
    expect(village.locator("#options-borrower_person [role=option]").first).to_be_visible()
    village.keyboard.press("Enter")
    expect(village.locator("#id_bank")).to_be_focused()
    village.keyboard.type("固镇农商行")
    village.keyboard.press("Enter")
    village.keyboard.type("E2E-1")
    village.keyboard.press("Tab")
    village.keyboard.type("3万")
    village.keyboard.press("Control+Enter")
    expect(village.locator("#fault-principal")).to_contain_text("不是数字")
    expect(village.locator(".chooser[data-name=household_id] .chosen")).to_contain_text(head)
    expect(village.locator("#id_contract_no")).to_have_value("E2E-1")
    village.fill("#id_principal", "30000")
    village.fill("#id_granted_on", "2021-01-05")
    village.fill("#id_due_on", "2020-01-05")
    village.keyboard.press("Control+Enter")
    expect(village.locator("#fault-due_on")).to_contain_text("晚于")
    village.fill("#id_due_on", "2024-01-05")
    village.focus("main form.register-form button.btn-primary")
    village.keyboard.press("Enter")
    expect(village.locator(".lead-sentence")).to_contain_text("E2E-1")
    row = village.url

    township.goto(row)
    township.get_by_role("button", name="审核通过").click()
    expect(township.locator(".state-ok").first).to_be_visible()

    # It stands in the household, and the list as a file holds it.
    village.goto(row)
    village.locator(".lead-sentence a").click()
    expect(village.locator("main")).to_contain_text("E2E-1")
    village.goto("/registers/microcredit/?q=E2E")
    village.locator("details.export summary").click()
    village.get_by_label("CSV").check()
    village.get_by_role("button", name="导出", exact=True).click()
    lines = list(csv.DictReader(file_of_job(village).decode("utf-8-sig").splitlines()))
    assert [(line["户编号"], line["合同号"], line["贷款金额"]) for line in lines] == [(code, "E2E-1", "30000.00")]
