"""Bad input that the notice's forms meet in a county: each is told where it is and what to do, and nothing is stored."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.records.saving import constraint_faults
from fangfanpin.records.units import load_unit, target_record
from fangfanpin.registers import services
from fangfanpin.registers.definitions import Register, register_of
from fangfanpin.registers.services import Given, Refused
from tests.registers.test_workbooks import Take, county, homes, loans, pack, take

__all__ = ["county", "homes", "pack", "take"]
Acting = Callable[[str], Reach]
LONG = 100_000
FAULTY = 73_456  # row of the sheet


def loan_form(pack: Pack) -> Register:
    found = register_of(pack, "microcredit")
    assert found is not None
    return found


def test_one_fault_in_a_hundred_thousand_rows_is_named_by_its_cell_and_nothing_is_kept(take: Take, homes: list[Household], tmp_path: Path) -> None:
    path, before = tmp_path / "long.csv", Record.objects.filter(form="measure").count()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["户编号", "措施", "帮扶措施开始日期", "责任单位"])
        for number in range(2, LONG + 2):
            day = "2021-02-30" if number == FAULTY else "2021-03-01"
            writer.writerow([homes[number % len(homes)].code, "", day, f"单位{number}"])
    batch = take(path, "measure")
    assert batch.state == "faulty"
    (fault,) = batch.faults
    assert (fault["row"], fault["header"], fault["value"]) == (FAULTY, "帮扶措施开始日期", "2021-02-30")
    assert "没有“2021-02-30”这一天" in fault["message"]
    assert (batch.summary["rows"], batch.summary["faulty"]) == (LONG, 1)
    assert batch.marked_file is not None
    assert Record.objects.filter(form="measure").count() == before


def test_a_grid_of_more_cells_than_the_form_keeps_the_forms_own(client_as: Callable[[str], Client], cast: dict[str, User], acting: Acting) -> None:
    """The page leaves surplus columns beside the grid and names them (field/tests/register-grid); what is sent all the same goes nowhere."""
    household = Household.objects.visible_to(acting("village")).filter(kind="assisted").order_by("code")[0]
    village, key = client_as("village"), str(uuid4())
    page = village.get("/registers/microcredit/grid").content.decode()
    for words in ("列这张表里没有，没放进去", "没有放进去的内容"):
        assert json.dumps(words)[1:-1] in page, "as the page's script reads its words"
    texts = {"household_id": household.code, "contract_no": "DL-1", "principal": "30000", "remark": "多出来的列", "approved_by": "1"}
    cells = {name: {"texts": [text], "ids": []} for name, text in texts.items()}
    sent = {"rows": [{"id": key, "number": 1, "sure": False, "cells": cells}], "only_good": False}
    answer = village.post("/registers/microcredit/grid/save", json.dumps(sent), content_type="application/json")
    assert (answer.status_code, answer.json()["kept"]) == (200, 1)
    acting("village")
    values = Record.objects.get(pk=key).values
    assert values["contract_no"] == "DL-1" and not {"remark", "approved_by"} & values.keys()


def test_a_balance_above_the_loan_is_told_at_the_balance(
    pack: Pack, take: Take, homes: list[Household], cast: dict[str, User], acting: Acting
) -> None:
    said = "还款后的余额不会超过本金"
    texts = {"contract_no": "C-1", "principal": "30000", "balance": "30000.01"}
    given = {"household_id": Given(chosen=(str(homes[0].pk),)), **{name: Given((text,)) for name, text in texts.items()}}
    with pytest.raises(Refused) as refused:
        services.add(
            register=loan_form(pack), pack=pack, year=2021, record_id=uuid4(), given=given, sure=True, by=cast["county"], reach=acting("county")
        )
    assert set(refused.value.faults) == {"balance"} and said in refused.value.faults["balance"]
    rows = loans(homes[:2])
    rows[0].append("贷款余额")
    rows[1].append(30000)
    rows[2].append(30001)
    (fault,) = take(rows).faults
    assert (fault["row"], fault["header"], said in fault["message"]) == (3, "贷款余额", True), fault
    assert not Record.objects.filter(values__contract_no__in=["C-1", "X-0", "X-1"]).exists()


@pytest.mark.parametrize(("months", "is_told"), [(120, False), (121, True)])
def test_more_than_twelve_months_of_work_are_told_at_the_item(acting: Acting, db: None, months: int, is_told: bool) -> None:
    """In tenths, as the dictionary keeps them."""
    acting("village")
    home = Household.objects.filter(kind="assisted").order_by("code")[0]
    unit = load_unit(home, 2021)
    person = str(unit.live()[0].pk)
    pack = current_year().pack
    target_record(unit, person, pack.hash).values["work_months"] = months
    faults = [fault for fault in constraint_faults(unit, pack, severity="error") if "最多 12 个月" in fault.message]
    assert [(fault.target, fault.name) for fault in faults] == ([(person, "work_months")] if is_told else [])
