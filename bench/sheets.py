"""Comparison sheets per second, and the same cells by WeasyPrint.

Every household of every round has values of its own: Typst remembers a layout it has seen, so equal data would say nothing.
Both sides set the items of the real pack: at least 140 of them, last values in words, blanks, notes, members by columns.
"""

import html
import random
import statistics
import time
from pathlib import Path
from typing import Any

import weasyprint

from fangfanpin.pack import Indicator, Pack, load_pack
from fangfanpin.papers.sheets import RosterColumn, SheetHousehold, SheetItem, SheetMember, SheetSection, SheetVillage, render_village

ROUNDS, HOUSEHOLDS, AGAINST_HOUSEHOLDS = 5, 120, 3
GOAL_PER_SECOND, GOAL_TIMES = 60, 10
SEED = 20211012
FRONT, SKIPPED = frozenset({"basics", "living"}), frozenset({"visit", "registry"})
ROSTER = {"member_name": 23.0, "relation_to_head": 25.0, "sex": 11.0, "birth_date": 22.0, "id_number": 37.0, "phone": 26.0, "change_reason": 33.0}
SIZES, WEIGHTS = (1, 2, 3, 4, 5, 6, 7, 8), (12, 20, 21, 20, 12, 9, 4, 2)
SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国志红梅"


def items_of(pack: Pack, form: str) -> list[tuple[str, str, str, list[Indicator]]]:
    """(key, title, window, items) of a form's printed sections."""
    found = []
    for section in pack.forms[form].sections:
        items = [i for name in section.items if (i := pack.indicators[f"{form}.{name}"]).number and not i.retired and name not in ROSTER]
        if items and section.key not in SKIPPED:
            found.append((section.key, section.title, "截至 2021-09-30" if section.kind == "as_of" else "2020-10-01 至 2021-09-30", items))
    return found


def value(item: Indicator, pack: Pack, draw: random.Random) -> str:
    match item.type:
        case "money":
            return f"{draw.randrange(0, 60_000)}.{draw.randrange(100):02d}"
        case "area_mu" | "decimal" | "int":
            return f"{draw.randrange(0, 90)}.{draw.randrange(100):02d}"
        case "bool":
            return draw.choice(("是", "否"))
        case "code" if item.list in pack.lists:
            return draw.choice(pack.lists[item.list]).zh
        case "date":
            return f"{draw.randrange(1930, 2021)}-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}"
        case "phone":
            return f"1{draw.randrange(3_000_000_000, 9_999_999_999)}"
        case _:
            return "".join(draw.choice(GIVEN) for _ in range(draw.randrange(2, 7)))


def name(draw: random.Random) -> str:
    return draw.choice(SURNAMES) + "".join(draw.choice(GIVEN) for _ in range(draw.choice((1, 2, 2))))


def village(pack: Pack, households: int, draw: random.Random) -> SheetVillage:
    sections, groups = items_of(pack, "household_year"), items_of(pack, "person_year")
    member_items = [item for *_rest, items in groups for item in items]
    roster = [pack.indicators[f"person_year.{column}"] for column in ROSTER]

    def household(number: int) -> SheetHousehold:
        size = draw.choices(SIZES, WEIGHTS)[0]
        names = [name(draw) for _ in range(size)]
        return SheetHousehold(
            code=f"34032310921{number:05d}",
            head=names[0],
            natural_village="东徐巷",
            address=f"{draw.randrange(1, 20)} 组 {number} 号",
            helper=name(draw),
            kind="脱贫户",
            size=size,
            qr=f"FFP1:{draw.getrandbits(128):032X}:2021:1",
            last=tuple(tuple(value(item, pack, draw) for item in items) for *_rest, items in sections),
            members=tuple(
                SheetMember(
                    who,
                    "之子",
                    tuple(who if item.name == "member_name" else value(item, pack, draw) for item in roster),
                    tuple(value(item, pack, draw) for item in member_items),
                )
                for who in names
            ),
        )

    def as_section(key: str, title: str, window: str, items: list[Indicator]) -> SheetSection:
        return SheetSection(title, window, True, key in FRONT, tuple(SheetItem(i.number, i.zh, i.home == "computed") for i in items))

    return SheetVillage(
        county="固镇县",
        township="仲兴镇",
        village="张巷村",
        year=2021,
        version="第 1 版",
        printed_on="2021-10-12",
        sections=tuple(as_section(*section) for section in sections),
        member_groups=tuple(as_section(*group) for group in groups),
        roster=tuple(RosterColumn(item.zh, width) for item, width in zip(roster, ROSTER.values(), strict=True)),
        sums=(),
        households=tuple(household(number) for number in range(households)),
    )


def as_html(made: SheetVillage) -> str:
    """The same cells as plain tables, the way a web framework would print them."""

    def row(cells: list[str]) -> str:
        return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"

    parts = [
        "<style>@page{size:A4;margin:9mm 12mm}body{font:9pt 'Noto Serif CJK SC','Noto Sans CJK SC'}table{width:100%;border-collapse:collapse;"
        "table-layout:fixed}td{border:.4pt solid;padding:.4mm .8mm;height:5mm}h1{font-size:16pt}h2{font-size:10.5pt}.side{break-before:page}</style>"
    ]
    member_items = [item for group in made.member_groups for item in group.items]
    for household in made.households:
        parts.append(f'<h1 class="side">2021 年度防返贫监测信息采集对照表</h1><p>{household.code} {household.head} {household.address}</p>')
        for section, values in zip(made.sections, household.last, strict=True):
            half = -(-len(values) // 2)
            cells = [[item.number, item.zh, last, "", ""] for item, last in zip(section.items, values, strict=True)]
            cells += [[""] * 5] * (2 * half - len(cells))
            parts.append(f"<h2>{section.title} {section.window}</h2><table>{row(['编号', '指标', '上年', '今年', '备注'] * 2)}")
            parts += [row(left + right) for left, right in zip(cells[:half], cells[half:], strict=True)]
            parts.append("</table>")
        parts.append("<table>" + row([column.title for column in made.roster]))
        parts += [row(list(member.roster)) for member in household.members]
        parts += [row([""] * len(made.roster))] * 2 + ["</table>"]
        sides = -(-(len(household.members) + 1) // 4)
        sides += sides % 2 if len(household.members) > 3 else 0
        columns = [*household.members, *[None] * (sides * 4 - len(household.members))]
        for start in range(0, len(columns), 4):
            parts.append('<table class="side">')
            for n, item in enumerate(member_items):
                parts.append(row([item.number, item.zh, *(cell for m in columns[start : start + 4] for cell in ((m.last[n] if m else ""), ""))]))
            parts.append("</table>")
    return "".join(parts)


def run() -> list[dict[str, Any]]:
    pack = load_pack(Path(__file__).resolve().parents[1] / "packs" / "guzhen-2021")
    draw = random.Random(SEED)
    items = sum(len(found) for form in ("household_year", "person_year") for *_rest, found in items_of(pack, form)) + len(ROSTER)
    render_village(village(pack, 1, draw))  # fonts are read once per process
    ours: list[float] = []
    for _round in range(ROUNDS):
        made = village(pack, HOUSEHOLDS, draw)
        began = time.perf_counter()
        render_village(made)
        ours.append((time.perf_counter() - began) / HOUSEHOLDS)
    theirs: list[float] = []
    for _round in range(2):
        page = as_html(village(pack, AGAINST_HOUSEHOLDS, draw))
        began = time.perf_counter()
        weasyprint.HTML(string=page).write_pdf()
        theirs.append((time.perf_counter() - began) / AGAINST_HOUSEHOLDS)
    median, slow = statistics.median(ours), max(ours)
    ratio = min(theirs) / median
    against = f"WeasyPrint {weasyprint.__version__}: {1 / min(theirs):.2f} households/s"
    common = {"n": ROUNDS, "rows": HOUSEHOLDS, "against": against, "ratio": round(ratio, 1), "items": items}
    return [
        {
            "name": "sheets",
            "value": round(1 / median, 1),
            "unit": "households/s",
            "p95": round(1 / slow, 1),
            "goal": f">= {GOAL_PER_SECOND}",
            "holds": 1 / median >= GOAL_PER_SECOND and items >= 140,
        }
        | common,
        {
            "name": "sheets against WeasyPrint",
            "value": round(ratio, 1),
            "unit": "times",
            "p95": round(min(theirs) / slow, 1),
            "goal": f">= {GOAL_TIMES}",
            "holds": ratio >= GOAL_TIMES,
        }
        | common,
    ]


if __name__ == "__main__":
    for line in run():
        print(line)
