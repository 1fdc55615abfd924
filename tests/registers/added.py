"""The register of docs/examples/courtyard-2021, given by files alone: put in force, and one row of it with every type."""

import shutil
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.db.models import QuerySet

from fangfanpin.accounts.reach import Reach
from fangfanpin.cli import load
from fangfanpin.households.models import Household
from fangfanpin.jobs.services import run
from fangfanpin.records.models import Record
from tests.pack.test_content import PACKS

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "courtyard-2021"
ACCOUNT, PHONE = "6228480612345678916", "13955201234"
SPOT = "33.317612, 117.313422"


def folder_in(root: Path) -> Path:
    """The example beside the packs that it extends."""
    for name in ("national-2021", "guzhen-2021"):
        shutil.copytree(PACKS / name, root / name)
    shutil.copytree(EXAMPLE, root / EXAMPLE.name)
    return root / EXAMPLE.name


def put_in_force(folder: Path) -> dict[str, Any]:
    """`fangfanpin pack publish`, and what the worker then does; its facts."""
    facts = load("pack publish").run(Namespace(pack=str(folder))).facts
    if facts["recomputing"] is not None:
        run(facts["recomputing"])
    return facts


def judged_homes(reach: Reach) -> QuerySet[Household]:
    """Households of an assisted kind whose year is entered, so that they are judged; in the order of their codes."""
    entered = Record.objects.visible_to(reach).filter(form="household_year", year=2021, state__in=("submitted", "approved"))
    return Household.objects.visible_to(reach).filter(pk__in=entered.values("household"), kind="assisted").order_by("code")


CODES: Mapping[str, str | list[str]] = {"庭院养殖": "02", "家禽、蔬菜": ["03", "01"], "是": "1"}


def sent(typed: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """As the form's page sends what somebody types."""
    return {"record_id": str(uuid4()), **{name: CODES.get(text, text) for name, text in typed.items()}, **more}


def texts(home: Household, **changed: str) -> dict[str, str]:
    """What a person types for every item of a row that is typed, by words."""
    keeper = home.persons.filter(member_state="01").order_by("position")[0]
    typed = {
        "household_id": home.code,
        "plot_no": "Y-01",
        "yard_kind": "庭院养殖",
        "products": "家禽、蔬菜",
        "area": "1.25",
        "built_year": "2016",
        "started_on": "2021-03-05",
        "keeper": keeper.member_name,
        "natural_village": "",
        "partners": "",
        "invested": "5000",
        "subsidy": "1200.5",
        "account": ACCOUNT,
        "project": "",
        "heads": "120",
        "survival": "92.5",
        "first_sold": "2021-06",
        "has_order": "是",
        "sales": "8000",
        "sold_to": "上海市浦东新区",
        "buyer_phone": PHONE,
        "adviser": "",
        "remark": "院墙已修",
        "spot": SPOT,
    }
    return typed | changed
