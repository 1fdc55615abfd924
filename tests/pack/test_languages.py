"""The pack speaks Chinese always and English to screens that ask for it; what has no English is said in Chinese."""

import re
import shutil
import string
from pathlib import Path

import pytest

from fangfanpin.pack import Pack, PackFaults, load_pack
from fangfanpin.pack.codec import CodecFault
from fangfanpin.pack.sentences import EN, ZH

PACKS = Path(__file__).resolve().parents[2] / "packs"
CHINESE = re.compile("[\u4e00-\u9fff]")
# Words one must find on paper or in the national system.
QUOTED = re.compile("未取名|之子|《扶贫手册》/《帮扶手册》")


@pytest.fixture(scope="module")
def guzhen() -> Pack:
    return load_pack(PACKS / "guzhen-2021")


def shown(pack: Pack) -> list[str]:
    """Everything of a pack that a screen may say."""
    return [
        pack.title,
        *(form.title for form in pack.forms.values()),
        *(section.title for form in pack.forms.values() for section in form.sections),
        *(indicator.label for indicator in pack.indicators.values()),
        *(indicator.label for form in pack.forms.values() for indicator in form.indicators),
        *(item.word for items in pack.lists.values() for item in items),
        *(step.title for step in pack.plan),
        *(role.title for role in pack.roles),
        *(text for rule in pack.rules for text in (rule.title, rule.message, rule.where)),
        *(constraint.message for constraint in pack.constraints),
        *(section.title for section in pack.year_update),
        *(paper.title for paper in pack.archive),
    ]


@pytest.mark.parametrize("name", ["national-2021", "guzhen-2021"])
def test_the_packs_of_2021_have_english_for_all(name: str) -> None:
    pack = load_pack(PACKS / name)
    assert pack.without_english() == []
    assert [text for text in shown(pack.english) if CHINESE.search(QUOTED.sub("", text))] == []


def test_english_says_the_same_of_the_same(guzhen: Pack) -> None:
    english = guzhen.english
    assert (guzhen.language, english.language) == ("zh", "en")
    assert english.hash == guzhen.hash
    sex = english.indicators["person_year.sex"]
    assert (english.word("sex", "2"), guzhen.word("sex", "2")) == ("female", "女性")
    assert (english.display(sex, "2"), guzhen.display(guzhen.indicators["person_year.sex"], "2")) == ("female", "女性")
    assert [english.parse_text(sex, typed) for typed in ("female", "女性", "女", "2")] == ["2"] * 4
    assert english.indicators["household_year.farmland_mu"].zh == "耕地面积"  # what papers and imports say stays
    assert english.check_json(english.indicators["household_year.farmland_mu"], "x") == "“Farmland” must be a number"
    assert guzhen.check_json(guzhen.indicators["household_year.farmland_mu"], "x") == "“耕地面积”要填数字"
    assert [column.headers for column in english.roster] == [column.headers for column in guzhen.roster]
    with pytest.raises(CodecFault, match="is not a date"):
        english.parse_text(english.indicators["person_year.birth_date"], "soon")


def test_rules_fill_in_the_same_in_both_languages(guzhen: Pack) -> None:
    place = re.compile(r"\{([^{}]*)\}")
    for rule in guzhen.rules:
        assert sorted(place.findall(rule.message)) == sorted(place.findall(rule.message_en)), rule.id


def test_what_has_no_english_is_said_in_chinese(tmp_path: Path) -> None:
    for name in ("national-2021", "guzhen-2021"):
        shutil.copytree(PACKS / name, tmp_path / name)
    for file, old, new in (
        ("national-2021/forms.toml", ', title_en = "Income and expenses"', ""),
        ("national-2021/rules/H.toml", 'message_en = "Household size is {household_size}, members living here are {members_live}"\n', ""),
        ("national-2021/indicators.csv", ",Farmland,", ",,"),
        ("national-2021/lists.csv", "sex,2,女性,female,", "sex,2,女性,,"),
    ):
        text = (tmp_path / file).read_text(encoding="utf-8")
        assert text.count(old) >= 1, file
        (tmp_path / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    pack = load_pack(tmp_path / "guzhen-2021")
    assert pack.without_english() == ["household_year.income", "household_year.farmland_mu", "sex 2", "H007"]
    english = pack.english
    assert english.word("sex", "2") == "女性"
    assert english.indicators["household_year.farmland_mu"].label == "耕地面积"
    assert [section.title for section in english.forms["household_year"].sections] == [
        "Household", "File items", "家庭收入支出", "Living conditions", "Visit and signatures",
    ]  # fmt: skip
    assert next(rule.message for rule in english.rules if rule.id == "H007").startswith("家庭人口数填")


def test_an_english_message_that_fills_in_other_items_is_a_fault(tmp_path: Path) -> None:
    for name in ("national-2021", "guzhen-2021"):
        shutil.copytree(PACKS / name, tmp_path / name)
    rules = tmp_path / "national-2021/rules/H.toml"
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace("members living here are {members_live}", "members {membrs_live}"), encoding="utf-8")
    with pytest.raises(PackFaults) as caught:
        load_pack(tmp_path / "guzhen-2021")
    (fault,) = caught.value.faults
    assert "message_en" in fault.message_zh
    assert rules.read_text(encoding="utf-8").splitlines()[fault.line - 1].startswith("message_en = ")


def test_a_part_of_what_is_not_there_is_a_fault(tmp_path: Path) -> None:
    for name in ("national-2021", "guzhen-2021"):
        shutil.copytree(PACKS / name, tmp_path / name)
    path = tmp_path / "national-2021/indicators.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",Crops,business_income\n", ",Crops,busines_income\n"), encoding="utf-8")
    with pytest.raises(PackFaults, match="busines_income"):
        load_pack(tmp_path / "guzhen-2021")


def test_a_countys_pack_does_not_take_the_nations_english_title(tmp_path: Path) -> None:
    for name in ("national-2021", "guzhen-2021"):
        shutil.copytree(PACKS / name, tmp_path / name)
    head = tmp_path / "guzhen-2021/pack.toml"
    head.write_text(re.sub(r"title_en = .*\n", "", head.read_text(encoding="utf-8")), encoding="utf-8")
    pack = load_pack(tmp_path / "guzhen-2021")
    assert pack.english.title == pack.title == "固镇县2021年度防返贫监测和信息采集"


def test_sentences_of_the_codec_are_there_in_both_languages() -> None:
    assert EN.keys() == ZH.keys()
    for key, chinese in ZH.items():
        places = [{name for _text, name, _spec, _conversion in string.Formatter().parse(text) if name} for text in (chinese, EN[key])]
        assert places[0] == places[1], key
        assert not CHINESE.search(EN[key]), key
