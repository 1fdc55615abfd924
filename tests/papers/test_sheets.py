"""The printed sheet itself: sides, sizes, words, codes; no database."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from fangfanpin.papers import sheets
from fangfanpin.papers.render import TEMPLATES
from fangfanpin.papers.sheets import (
    RosterColumn,
    SheetHousehold,
    SheetItem,
    SheetMember,
    SheetSection,
    SheetVillage,
    lines_needed,
    render_village,
)

PERIOD, AS_OF = "2020-10-01 至 2021-09-30", "截至 2021-09-30"


def section(title: str, letter: str, first: int, count: int, *, window: str, front: bool, sums: tuple[int, ...] = ()) -> SheetSection:
    items = tuple(SheetItem(f"{letter}{n:02d}", f"指标{letter}{n}", n in sums) for n in range(first, first + count))
    return SheetSection(title, window, window == AS_OF, front, items)


SECTIONS = (
    section("户基础信息", "H", 1, 8, window=AS_OF, front=True),
    section("家庭收入支出", "H", 9, 57, window=PERIOD, front=False, sums=(20, 59)),
    section("生产生活条件", "H", 66, 30, window=AS_OF, front=True),
)
GROUPS = (
    section("身份信息", "M", 4, 18, window=AS_OF, front=False),
    section("参保和保障", "M", 22, 10, window=AS_OF, front=False),
    section("务工和享受帮扶", "M", 32, 13, window=PERIOD, front=False),
)


def member(number: int, *, long: str = "") -> SheetMember:
    last = [f"值{number}-{n}" for n in range(41)]
    if long:
        last[3] = long
    return SheetMember(f"张三{number}", "之子", (f"张三{number}", "之子", "男性", f"19{60 + number}-01-02", "340323********1234"), tuple(last))


def household(number: int, members: int, **changes: object) -> SheetHousehold:
    made = SheetHousehold(
        code=f"34032310921{number:04d}",
        head=f"户主{number}",
        natural_village="东徐巷",
        address=f"{number} 组 1 号",
        helper="李干部",
        kind="脱贫户",
        size=members,
        qr=f"FFP1:{number:032X}:2021:3",
        last=tuple(tuple(f"{number}.{n:02d}" for n in range(len(s.items))) for s in SECTIONS),
        members=tuple(member(n) for n in range(members)),
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # a test's own fields


def village(*households: SheetHousehold) -> SheetVillage:
    return SheetVillage(
        county="固镇县",
        township="仲兴镇",
        village="张巷村",
        year=2021,
        version="第 3 版 · guzhen-2021",
        printed_on="2021-10-12",
        sections=SECTIONS,
        member_groups=GROUPS,
        roster=tuple(
            RosterColumn(t, w) for t, w in (("M01 姓名", 40.0), ("M09 关系", 35.0), ("M02 性别", 20.0), ("M03 出生", 32.0), ("M05 证件", 50.0))
        ),
        sums=("H59 年收入＝H09＋H15",),
        households=households,
    )


def sides(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    found = []
    for page in document:
        words = page.get_textpage()
        found.append(words.get_text_bounded())
        words.close()
        page.close()
    document.close()
    return found


@pytest.mark.parametrize("members", [0, 1, 3, 4, 6, 7, 8, 11, 12, 15, 19])
def test_a_household_takes_an_even_number_of_sides_that_say_their_number(members: int) -> None:
    made = render_village(village(household(1, members)), cover=False)
    found = sides(made.pdf)
    assert len(found) == made.pages and made.pages % 2 == 0
    for number, words in enumerate(found, 1):
        assert f"第 {number} 页" in words and f"共 {len(found)} 页" in words
        assert "34032310921" in words and "第 3 版" in words
    joined = "\n".join(found)
    assert joined.count("新增：") >= 1 and joined.count("新增") >= 3, "room for arrivals"
    for number in range(members):
        assert f"值{number}-0" in joined and f"值{number}-40" in joined
    assert f"值{members}-0" not in joined


def test_every_item_stands_once_with_number_last_value_and_blank() -> None:
    made = render_village(village(household(1, 4)), cover=False)
    joined = "\n".join(sides(made.pdf))
    numbers = [item.number for s in SECTIONS for item in s.items]
    assert len(numbers) + len(GROUPS[0].items + GROUPS[1].items + GROUPS[2].items) + 5 >= 140
    for place, number in enumerate(numbers):
        assert re.search(rf"\b{number}\b", joined), f"{number} ({place})"
    for n in range(57):
        assert f"1.{n:02d}" in joined
    for words in ("户主签字", "采集人一", "采集人二", "备注", "今年", "上年", "合计项", "无变化"):
        assert words in joined


def test_a_cover_list_per_natural_village_keeps_every_household_on_its_own_sheet_of_paper() -> None:
    rows = [household(n, 2, natural_village="东徐巷" if n < 3 else "西徐巷") for n in range(1, 6)]
    found = sides(render_village(village(*rows)).pdf)
    covers = [n for n, words in enumerate(found) if "信息采集对照表清单" in words]
    assert len(covers) == 2 and all(n % 2 == 0 for n in covers), "covers begin on a front"
    firsts = [n for n, words in enumerate(found) if "户基础信息" in words]
    assert len(firsts) == 5 and all(n % 2 == 0 for n in firsts), "households begin on a front"
    assert "户主1" in found[covers[0]] and "户主3" not in found[covers[0]] and "共 2 户" in found[covers[0]]
    order = [next(n for n, words in enumerate(found) if f"户主{k}" in words and "户基础信息" in words) for k in range(1, 6)]
    assert order == sorted(order), "walking order"


def test_a_long_cover_list_goes_on_and_stays_even() -> None:
    rows = [household(n, 1) for n in range(1, 70)]
    made = render_village(village(*rows))
    assert made.pages == 4 + 69 * 4


def test_words_that_fit_no_cell_are_said_in_full_in_the_notes() -> None:
    long = "安徽省蚌埠市固镇县经济开发区某某电子科技有限公司第二分厂"
    row = household(1, 4)
    row = replace(row, members=(member(0, long=long), *row.members[1:]))
    found = sides(render_village(village(row), cover=False).pdf)
    assert "见备注（1）" in "".join(found).replace("\r\n", "")
    assert long in found[1].replace("\r\n", "").replace("\n", "")


def test_very_many_long_words_add_sides_and_keep_them_even_and_numbered() -> None:
    long = "很长的内容" * 30
    row = household(1, 4)
    row = replace(row, members=tuple(replace(m, last=(long,) * 41) for m in row.members))
    made = render_village(village(row, household(2, 1)), cover=False)
    found = sides(made.pdf)
    assert made.pages % 2 == 0 and made.pages > 8
    first_of_second = next(n for n, words in enumerate(found) if "户主2" in words)
    assert first_of_second % 2 == 0


def pictures(pdf: bytes, dots: int) -> Iterator[Image.Image]:
    document = pypdfium2.PdfDocument(pdf)
    for page in document:
        yield page.render(scale=dots / 72).to_pil()
        page.close()
    document.close()


@pytest.mark.parametrize("dots", [150, 300])
def test_the_code_is_read_from_the_printed_page(dots: int) -> None:
    row = household(7, 1)
    picture = next(pictures(render_village(village(row), cover=False).pdf, dots)).convert("L")
    read = zxingcpp.read_barcodes(picture)
    assert [code.text for code in read] == [row.qr]


def test_nothing_is_printed_outside_the_margin_a_printer_can_reach() -> None:
    for picture in pictures(render_village(village(household(1, 6), household(2, 11))).pdf, 72):
        grey = picture.convert("L").point(lambda level: 255 if level < 200 else 0)
        box = grey.getbbox()
        assert box is not None
        left, top, right, bottom = box
        millimetre = picture.width / 210
        assert left > 5 * millimetre and top > 5 * millimetre
        assert right < picture.width - 5 * millimetre and bottom < picture.height - 4.5 * millimetre


def test_it_stays_readable_in_grey() -> None:
    picture = next(pictures(render_village(village(household(1, 2)), cover=False).pdf, 72)).convert("RGB")
    colours = [pixel for _count, pixel in picture.getcolors(1 << 16) or []]
    assert colours and all(isinstance(p, tuple) and max(p) - min(p) <= 2 for p in colours), "no colour carries meaning"


def test_a_name_without_a_glyph_is_told() -> None:
    made = render_village(village(household(1, 1), household(2, 1, head="\U0002fa1f龘")), cover=False)
    rare = sheets.names_without_glyphs(village(household(3, 1, head="张\U000323af")))
    assert rare == {"340323109210003": "\U000323af"}
    assert "340323109210001" not in made.missing


def test_no_letter_is_smaller_than_nine_points() -> None:
    source = (TEMPLATES / "sheets.typ").read_text(encoding="utf-8")
    assert all(float(size) >= 9 for size in re.findall(r"size: ([\d.]+)pt", source))


@pytest.mark.parametrize(
    ("text", "room", "lines"),
    [("普通劳动力", 5.2, 1), ("弱劳动力或半劳动力", 5.2, 2), ("健康，残疾、", 3.0, 2), ("340323", 2.0, 99), ("一二三四五，六", 5.2, 2)],
)
def test_lines_of_a_cell_are_counted_as_they_will_break(text: str, room: float, lines: int) -> None:
    assert lines_needed(text, room) == lines


def test_distinct_values_do_not_share_what_was_set_before() -> None:
    one = sides(render_village(village(household(1, 2)), cover=False).pdf)
    two = sides(render_village(village(household(2, 2)), cover=False).pdf)
    assert "1.03" in one[0] + one[1] and "1.03" not in two[0] + two[1] and "2.03" in two[0] + two[1]
