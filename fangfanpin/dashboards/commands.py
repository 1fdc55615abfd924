"""`fangfanpin export`: a list as Excel, without a browser."""

import argparse
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import set_database_reach, system_reach
from fangfanpin.campaigns import clock
from fangfanpin.cli import Answer, Command, CommandFault
from fangfanpin.jobs.exports import find, known, write
from fangfanpin.jobs.services import JobRefused

_FILTERS = {
    "place": "地区代码（乡镇 9 位、村 12 位）",
    "state": "采集情况：empty、draft、submitted、returned、approved、locked",
    "kind": "户类型：assisted、exited、monitored、monitored_open、ordinary",
    "clue": "open：只要有疑问的",
    "q": "姓名、编号或证件号码",
    "shown": "waiting 或 done：还没录入或已录入国家系统的",
}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("list", metavar="LIST", help="、".join(f"{listing.key}（{listing.title}）" for listing in known()))
    parser.add_argument("--out", type=Path, required=True, help="写到哪个 .xlsx 文件")
    for name, words in _FILTERS.items():
        parser.add_argument(f"--{name}", default="", help=words)
    others = sorted({name for listing in known() for name in listing.parameters} - _FILTERS.keys())
    for name in others:
        parser.add_argument(f"--{name}", default="")


def _export(arguments: argparse.Namespace) -> Answer:
    listing = find(arguments.list)
    if listing is None:
        raise CommandFault(f"没有“{arguments.list}”这份清单，可用的有：{'、'.join(known_one.key for known_one in known())}")
    given = {name: value for name, value in vars(arguments).items() if name not in ("list", "out", "json") and value}
    unknown = given.keys() - set(listing.parameters)
    if unknown:
        raise CommandFault(f"“{listing.title}”不能按 {'、'.join(sorted(unknown))} 筛选。")
    if not arguments.out.parent.is_dir():
        raise CommandFault(f"没有 {arguments.out.parent} 这个文件夹。")
    with transaction.atomic():
        reach = system_reach()
        set_database_reach(reach, act=f"export {listing.key}", source="cli")
        try:
            count = write(arguments.out, _(listing.title), listing.build(reach, given), by="fangfanpin export")
        except JobRefused as refused:
            raise CommandFault(str(refused)) from None
        except clock.NoCampaign:
            raise CommandFault("还没有年度工作，请先运行 fangfanpin init。") from None
    return Answer(
        {"list": listing.key, "rows": count, "filters": given, "file": str(arguments.out)}, f"{listing.title}：{count} 行，已写到 {arguments.out}"
    )


COMMANDS = {"export": Command(_arguments, _export)}
