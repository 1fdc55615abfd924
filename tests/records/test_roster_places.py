"""A village is understood by its words as it is by its code, and what nobody can tell is asked back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fangfanpin.accounts.reach import Reach
from fangfanpin.households.models import Household
from fangfanpin.records.models import ImportBatch, Record
from fangfanpin.records.roster.lane import Lane
from fangfanpin.records.roster.places import Found, Places
from fangfanpin.regions.models import Region
from tests.records.rosters import Roster, Row
from tests.records.test_roster import counts, county, drawn, messages, take, village
from tests.records.test_roster_lane import lanes, many

__all__ = ["county", "drawn", "lanes", "take", "village"]


@pytest.fixture
def place(village: str) -> tuple[str, str]:
    """Names of the township and the village, the only one of that stem."""
    town = Region.objects.get(code=village[:9])
    Region.objects.filter(code=village).update(name="槐南村")
    return town.name, "槐南村"


def told(roster: Roster, **words: str) -> Roster:
    """With these words instead of the code."""
    rows: list[Row] = []
    for home in roster.homes:
        rows.append({**{name: cell for name, cell in home.items() if name != "村代码"}, **words})
    return Roster(rows, roster.people, roster.sheets, roster.titles)


@pytest.mark.parametrize(
    "words",
    [
        {"乡镇": "{town}", "行政村": "{village}"},
        {"市": "蚌埠市", "县": "固镇县", "乡（镇）": "{town}", "村": "槐南村村委会"},
        {"县（市、区）": "固镇", "所属乡镇": "{stem}", "所属行政村": "槐南"},
        {"村名": " 槐南村民委员会 "},
        {"行政村": "槐南行政村"},
        {"行政村": "槐南村（原王庄村）"},
        {"行政村": "{town}/槐南"},
        {"村（社区）": "安徽省蚌埠市固镇县{town}{village}"},
        {"行政村": "{code}"},
        {"村代码": "", "行政村": "槐南村"},
        {"村代码": "槐南村"},
        {"村代码": "{code}", "乡镇": "{town}", "行政村": "槐南村委会"},
    ],
)
def test_words_lead_to_the_village(
    drawn: Roster, take: Callable[..., ImportBatch], village: str, place: tuple[str, str], words: dict[str, str]
) -> None:
    town, name = place
    filled = {key: cell.format(town=town, village=name, stem=town.removesuffix("镇").removesuffix("乡"), code=village) for key, cell in words.items()}
    batch = take(told(drawn, **filled))
    assert batch.state == "applied", messages(batch)
    home = Household.objects.get(code="NEW0001")
    assert home.village_code == village
    assert Record.objects.get(form="household_year", year=2020, household=home).subject["admin_village_code"] == village
    assert not batch.summary["sheets"][0]["unknown"], batch.summary["sheets"][0]["unknown"]


def test_what_words_do_not_tell_is_a_fault_at_its_cell(
    drawn: Roster, take: Callable[..., ImportBatch], village: str, county: Reach, place: tuple[str, str]
) -> None:
    town, name = place
    other = next(code for code in sorted(county.villages) if code[:9] != village[:9])
    elsewhere = Region.objects.get(code=other[:9]).name
    third = next(code for code in sorted(county.villages) if code[:9] not in (village[:9], other[:9]))
    Region.objects.filter(code__in=(other, third)).update(name="李集村")
    third_town = Region.objects.get(code=third[:9]).name
    twin = next(code for code in sorted(county.villages) if code[:9] == third[:9] and code != third)

    def fault(**words: str) -> str:
        before = counts()
        batch = take(told(drawn, **words))
        assert batch.state == "faulty" and counts() == before
        return messages(batch)[0]

    ambiguous = fault(行政村="李集")
    assert ambiguous.startswith("户!2:行政村=李集 叫“李集”的有 2 个：") and f"{elsewhere}李集村 {other}" in ambiguous and "请加上乡镇" in ambiguous
    assert take(told(drawn, 乡镇=third_town, 行政村="李集"), apply=False).state == "checked"
    Region.objects.filter(code=twin).update(name="李集社区")
    assert "；请填 12 位村代码" in fault(乡镇=third_town, 行政村="李集"), "the township is told already"
    assert f"户!2:行政村=槐南村 “{elsewhere}”没有“槐南村”，别的乡镇有：{town}槐南村" in fault(乡镇=elsewhere, 行政村=name)
    assert "户!2:乡镇=张庄镇 没有叫“张庄镇”的乡镇" in fault(乡镇="张庄镇", 行政村=name)
    assert "是不是“槐南村”" in fault(乡镇=town, 行政村="槐南社区")
    assert "没有叫“七里铺八里店”的村（社区），请核对，或填 12 位村代码" in fault(乡镇=town, 行政村="七里铺八里店")
    assert "户!2:县=五河县 “五河县”不是本县（固镇县）" in fault(县="五河县", 乡镇=town, 行政村=name)
    assert "户!2:行政村= 没有填村代码（12 位），也没有填村名" in fault(乡镇=town, 行政村="")
    assert "“行政村”两列" in fault(乡镇=town)


def test_code_and_words_that_disagree_are_both_named(
    drawn: Roster, take: Callable[..., ImportBatch], village: str, county: Reach, place: tuple[str, str]
) -> None:
    town, name = place
    other = next(code for code in sorted(county.villages) if code[:9] != village[:9])
    elsewhere = Region.objects.get(code=other[:9]).name
    for words, cell in (
        ({"行政村": "李集村"}, "行政村=李集村"),
        ({"乡镇": elsewhere, "行政村": name}, f"乡镇={elsewhere}"),
        ({"县": "五河县"}, "县=五河县"),
    ):
        batch = take(told(drawn, 村代码=village, **words))
        written = cell.partition("=")[2]
        assert f"户!2:{cell} 村代码 {village} 是“固镇县{town}槐南村”，这里写的是“{written}”，两处不一样；请改正其中一处" in messages(batch)[0]
    batch = take(told(drawn, 村代码="3403231", 行政村=name))
    assert "户!2:村代码=3403231 “村代码”应是 12 位数字" in messages(batch)[0], "the cell that is wrong is pointed at"


def test_words_are_looked_up_once_and_go_down_the_lane(
    drawn: Roster, take: Callable[..., ImportBatch], village: str, place: tuple[str, str], lanes: list[Lane], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    find = Places.find

    def watched(places: Places, words: dict[Region.Level, str]) -> Found:
        asked.append(words)
        return find(places, words)

    monkeypatch.setattr(Places, "find", watched)
    batch = take(told(many(drawn, 20), 乡镇=place[0], 行政村=place[1]))
    assert batch.state == "applied", messages(batch)
    assert lanes[0].is_open and len(asked) == 2  # the header is looked up as well
    assert set(Household.objects.filter(import_batch_id=batch.pk).values_list("village_code", flat=True)) == {village}


def test_one_sheet_with_words(drawn: Roster, take: Callable[..., ImportBatch], village: str, place: tuple[str, str], tmp_path: Path) -> None:
    rows = told(drawn, 乡镇=place[0], 行政村=place[1]).merged()
    rows[1]["行政村"] = "槐南村委会"  # the same village in other words
    batch = take(Roster(rows, [], ("导出", "空表")).write(tmp_path / "one.xlsx"))
    assert batch.state == "applied", messages(batch)
    assert Household.objects.get(code="NEW0002").village_code == village
