"""`fangfanpin export`: a list as Excel, without a browser."""

import argparse
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import set_database_reach, system_reach
from fangfanpin.campaigns import clock
from fangfanpin.cli import Answer, Command, CommandFault
from fangfanpin.jobs.exports import ListExport, find, known, write
from fangfanpin.jobs.services import JobRefused
from fangfanpin.regions.finding import Divisions
from fangfanpin.regions.models import Region

_FEW_CHOICES = 20
_FILTERS = {
    "place": "地区：乡镇、村的代码或名称",
    "state": "农户清单按采集情况：empty、draft、submitted、returned、approved、locked；疑似问题按处理情况：due、review、confirmed、closed、all；"
    "帮扶结对按情况：now、ended、coming、all",
    "kind": "漏评错评筛查的 missed、mistaken、again；户类型：assisted、exited、monitored、monitored_open、ordinary",
    "clue": "open：只要有疑问的",
    "q": "姓名、编号或证件号码",
    "shown": "waiting 或 done：还没录入或已录入国家系统的",
    "severity": "疑似问题的级别：E（必须更正）、W（需要核实）、I（提示）",
    "rule": "规则编号，如 C001",
    "assigned": "疑似问题由谁核实：me（交给我的）、handed（已交给人的）、village（留在村里的）",
    "helper": "帮扶责任人姓名开头或电话",
    "main": "1 或 0：是不是主要帮扶责任人",
    "batch": "花名册的编号：文件页地址里的那一段",
    "household": "农户的编号：农户页地址里的那一段",
    "target": "household 或成员的编号：修改记录页地址里的那一段",
    "result": "漏评错评筛查按结果：waiting、proceed、nothing、all",
    "item": "指标，如 household_year.wage_income；修改记录按名称，如 wage_income",
}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("list", metavar="LIST", help="、".join(f"{listing.key}（{listing.title}）" for listing in known()))
    parser.add_argument("--out", type=Path, required=True, help="写到哪个 .xlsx 文件")
    for name in dict.fromkeys(name for listing in known() for name in listing.parameters):
        parser.add_argument(f"--{name}", default="", help=_FILTERS[name])


def _check(listing: ListExport, given: dict[str, str]) -> dict[str, str]:
    """The filters as the list takes them. A value nobody knows would give an empty file that looks like an answer."""
    unknown = given.keys() - set(listing.parameters)
    if unknown:
        can = "、".join(listing.parameters)
        raise CommandFault(f"“{listing.title}”不能按 {'、'.join(sorted(unknown))} 筛选" + (f"，只能按 {can}。" if can else "，它没有筛选条件。"))
    checked = dict(given)
    for name, choices in listing.choices.items():
        value = given.get(name, "")
        allowed = choices() if value else {}
        known_as = next((key for key in allowed if key.lower() == value.lower()), None)
        if value and known_as is None:
            # A pack has some two hundred rules: their numbers only.
            is_few = len(allowed) <= _FEW_CHOICES
            told = "、".join(f"{key}（{words}）" if is_few else key for key, words in allowed.items())
            raise CommandFault(f"--{name} 不能是“{value}”，可以是：{told}")
        if known_as is not None:
            checked[name] = known_as
    if "place" in given:
        checked["place"] = _place(given["place"])
    return checked


def _place(written: str) -> str:
    """The code of a division of the county, written as code or name."""
    county = clock.current().county_id
    divisions = Divisions(Region.objects.under(county).order_by("code"))
    found = divisions.find(written)
    if len(found) > 1:
        choices = "、".join(divisions.coded(one) for one in found)
        raise CommandFault(f"--place “{written}”不止一个，请写代码：{choices}")
    if not found:
        towns = "、".join(f"{one.name} {one.code}" for one in divisions.rows if len(one.code) == len(county) + 3)
        raise CommandFault(f"--place 没有“{written}”这个地区。可以写本县乡镇、村的代码或名称，乡镇有：{towns}")
    return found[0].code


def _export(arguments: argparse.Namespace) -> Answer:
    listing = find(arguments.list)
    if listing is None:
        raise CommandFault(f"没有“{arguments.list}”这份清单，可用的有：{'、'.join(known_one.key for known_one in known())}")
    given = {name: value for name, value in vars(arguments).items() if name not in ("list", "out", "json") and value}
    if not arguments.out.parent.is_dir():
        raise CommandFault(f"没有 {arguments.out.parent} 这个文件夹。")
    with transaction.atomic():
        reach = system_reach()
        set_database_reach(reach, act=f"export {listing.key}", source="cli")
        try:
            given = _check(listing, given)
            count = write(arguments.out, _(listing.title), listing.build(reach, given), by="fangfanpin export")
        except JobRefused as refused:
            raise CommandFault(str(refused)) from None
        except clock.NoCampaign:
            raise CommandFault("还没有年度工作，请先运行 fangfanpin init。") from None
    return Answer(
        {"list": listing.key, "rows": count, "filters": given, "file": str(arguments.out)}, f"{listing.title}：{count} 行，已写到 {arguments.out}"
    )


COMMANDS = {"export": Command(_arguments, _export)}
