"""Renamed items and replaced codes: an earlier year is read in today's words, and what is wrong in the two files is told."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangfanpin.pack import Pack, PackFaults, load_pack
from fangfanpin.pack.succession import Succession

PACKS = Path(__file__).resolve().parents[2] / "packs"


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load_pack(PACKS / "national-2021")


def brought(succession: Succession, values: dict[str, Any], year: int, pack: Pack) -> dict[str, Any]:
    return succession.brought("household_year", values, year, pack.indicators)


def test_a_renamed_item_is_read_under_its_name_of_today_step_by_step(pack: Pack) -> None:
    steps = Succession(items=((2020, "household_year", "water_a", "water_b"), (2021, "household_year", "water_b", "safe_water")))
    assert brought(steps, {"water_a": True, "wage_income": 5}, 2019, pack) == {"safe_water": True, "wage_income": 5}
    assert brought(steps, {"water_b": False}, 2020, pack) == {"safe_water": False}
    assert brought(steps, {"safe_water": None}, 2021, pack) == {"safe_water": None}, "null is asked and left empty"


def test_codes_that_change_places_are_not_mixed_up(pack: Pack) -> None:
    swapped = Succession(codes=((2021, "road_type", "01", "02"), (2021, "road_type", "02", "01")))
    assert brought(swapped, {"road_type": "01"}, 2020, pack) == {"road_type": "02"}
    assert brought(swapped, {"road_type": "02"}, 2020, pack) == {"road_type": "01"}
    assert brought(swapped, {"road_type": "02"}, 2021, pack) == {"road_type": "02"}


def test_a_multi_select_stays_sorted_and_each_once(pack: Pack) -> None:
    name = next(item.name for item in pack.forms["person_year"].indicators if item.name == "health_status")
    merged = Succession(codes=((2021, "health_status", "09", "02"),))
    assert merged.brought("person_year", {name: ["02", "09"]}, 2020, pack.indicators) == {name: ["02"]}


@given(st.lists(st.sampled_from(["01", "02", "03", "04", "05"]), min_size=2, max_size=2, unique=True), st.integers(2015, 2021))
def test_what_was_not_changed_is_as_it_was(pair: list[str], year: int) -> None:
    pack = load_once()
    steps = Succession(codes=((2019, "road_type", pair[0], pair[1]),))
    for code in ("01", "02", "03", "04"):
        wanted = pair[1] if code == pair[0] and year < 2019 else code
        assert brought(steps, {"road_type": code, "fuel_type": code}, year, pack) == {"road_type": wanted, "fuel_type": code}


_once: list[Pack] = []


def load_once() -> Pack:
    if not _once:
        _once.append(load_pack(PACKS / "national-2021"))
    return _once[0]


@pytest.mark.parametrize(
    ("file", "line", "words"),
    [
        ("renamed.csv", "2030,household_year,safe_water,water", "不晚于 2021"),
        ("renamed.csv", "去年,household_year,safe_water,water", "不晚于 2021"),
        ("renamed.csv", "2021,household_year,nothing,water", "没有指标“household_year.nothing”"),
        ("renamed.csv", "2021,household_year,safe_water,safe_water", "以前的名称"),
        ("renamed.csv", "2021,household_year,safe_water,electricity", "还在问"),
        ("renamed.csv", "2021,household_year,safe_water,old\n2021,household_year,electricity,old", "改成了两样"),
        ("recoded.csv", "2021,no_list,01,02", "没有清单“no_list”"),
        ("recoded.csv", "2021,road_type,77,02", "没有代码“77”"),
        ("recoded.csv", "2021,road_type,01,01", "以前的代码"),
        ("recoded.csv", "2021,road_type,01,09\n2021,road_type,02,09", "改成了两样"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, file: str, line: str, words: str) -> None:
    shutil.copytree(PACKS / "national-2021", tmp_path / "national-2021")
    head = "since,form,name,was" if file == "renamed.csv" else "since,list,code,was"
    (tmp_path / "national-2021" / file).write_text(f"{head}\n{line}\n", encoding="utf-8")
    with pytest.raises(PackFaults) as caught:
        load_pack(tmp_path / "national-2021")
    assert any(words in fault.message_zh and fault.file.endswith(file) and fault.line >= 1 for fault in caught.value.faults), caught.value.faults
