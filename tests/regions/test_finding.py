"""A division is found as people write it, and nothing is found that they did not mean."""

import pytest

from fangfanpin.regions.finding import Divisions, short_name, stem
from fangfanpin.regions.models import Region

VILLAGES = ("340323100001", "340323100002", "340323101001")


def divisions(*names: str) -> Divisions:
    """Two townships, with villages of these names."""
    rows = [Region(code="340323100", name="谷阳镇", level="township"), Region(code="340323101", name="王庄镇", level="township")]
    rows += [Region(code=code, name=name, level="village") for code, name in zip(VILLAGES, names, strict=False)]
    return Divisions(rows)


@pytest.mark.parametrize(
    "written",
    [
        "张桥村",
        "张桥",
        "张桥村村委会",
        "张桥村委会",
        "张桥村民委员会",
        "张桥行政村",
        " 张 桥村 ",
        "谷阳镇张桥",
        "谷阳镇/张桥村",
        "340323100001",
        "张桥村340323100001",
    ],
)
def test_a_village_has_many_forms_of_one_name(written: str) -> None:
    assert [row.code for row in divisions("张桥村", "李集社区").find(written)] == ["340323100001"]


def test_a_name_of_another_kind_is_another_name() -> None:
    found = divisions("张桥村", "李集社区")
    assert found.find("张桥社区") == [] == found.find("张桥镇") == found.find("王庄镇张桥村")
    assert [row.name for row in found.find("李集居委会")] == ["李集社区"] == [row.name for row in found.find("李集社区居民委员会")]


def test_the_very_name_comes_before_the_stem_and_several_are_all_told() -> None:
    found = divisions("张桥村", "张桥社区", "张桥村")
    assert len(found.find("张桥")) == 3 and len(found.find("张桥村")) == 2
    assert [row.code for row in found.find("张桥村", within=("340323101",))] == ["340323101001"]
    assert [row.name for row in found.find("谷阳", level="township")] == ["谷阳镇"] and found.find("谷阳", level="village") == []


def test_names_are_shortened_as_people_do() -> None:
    assert [short_name(name) for name in ("东关社区居民委员会", "张巷村民委员会", "张巷村村民委员会", "王楼村")] == [
        "东关社区",
        "张巷村",
        "张巷村",
        "王楼村",
    ]
    assert (stem("城关镇", "township"), stem("固镇县", "county"), stem("王村", "village")) == ("城关", "固镇", "王村")
