"""A place in words, wherever it lies, though only one county's townships and villages are loaded."""

import pytest
from pytest_django import DjangoAssertNumQueries

from fangfanpin.regions.models import Region
from fangfanpin.regions.names import name_of, place_of
from fangfanpin.regions.services import read_divisions

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("340323", "蚌埠市固镇县"),
        ("310115", "上海市浦东新区"),  # 市辖区 between them is nobody's word
        ("500229", "重庆市城口县"),  # 县 likewise
        ("330110", "杭州市余杭区"),
        ("429004", "湖北省仙桃市"),  # governed by the province itself
        ("441900", "东莞市"),  # a prefecture without counties
        ("650402", "吐鲁番市高昌区"),
        ("33", "浙江省"),
        ("3301", "杭州市"),
        ("330110001", "杭州市余杭区"),  # a township elsewhere: only its county is known
        ("310115000000", "上海市浦东新区"),  # written with zeros to twelve digits
        ("999999", "999999"),
        ("", ""),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),  # a reference to a row
    ],
)
def test_a_code_is_said_in_words_that_are_nobody_elses(code: str, words: str) -> None:
    assert place_of(code) == words


def test_a_village_of_the_county_is_said_down_to_its_own_name() -> None:
    village = Region.objects.villages().order_by("code")[0]
    assert place_of(village.code) == f"蚌埠市固镇县{name_of(village.code[:9])}{village.name}"


def test_one_county_loads_with_the_counties_of_the_nation_and_no_village_of_another() -> None:
    levels: dict[str, set[str]] = {}
    for region in read_divisions("340323"):
        levels.setdefault(region.level, set()).add(region.code)
    assert {level: len(codes) for level, codes in levels.items() if len(next(iter(codes))) <= 6} == {
        "province": 31,
        "prefecture": 342,
        "county": 2978,
    }
    assert all(code.startswith("340323") for level in ("township", "village") for code in levels[level])
    assert len(levels["village"]) == 229


def test_counties_elsewhere_cost_one_query(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    Region.objects.get(pk="340323").save()  # forgets what is kept
    with django_assert_max_num_queries(1):
        assert [place_of(code) for code in ("310115", "330110", "440305")] == ["上海市浦东新区", "杭州市余杭区", "深圳市南山区"]
