"""`fangfanpin sheets`: comparison sheets of one village or of every village, as PDF files in a folder."""

import argparse
import time
from pathlib import Path
from typing import Any

from django.db import transaction

from fangfanpin.accounts.reach import set_database_reach, system_reach
from fangfanpin.campaigns import clock
from fangfanpin.cli import Answer, Command, CommandFault
from fangfanpin.fieldwork.sheets import print_sheets
from fangfanpin.files.services import path_of
from fangfanpin.households.models import Household
from fangfanpin.jobs.services import JobRefused
from fangfanpin.regions.models import Region


def _arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--village", help="村的 12 位行政区划代码")
    which.add_argument("--all", action="store_true", help="所有有采集任务的村，每村一个 PDF")
    parser.add_argument("--out", type=Path, required=True, help="放 PDF 的文件夹")


def _sheets(arguments: argparse.Namespace) -> Answer:
    arguments.out.mkdir(parents=True, exist_ok=True)
    began = time.perf_counter()
    files: list[dict[str, Any]] = []
    try:
        campaign = clock.current()
    except clock.NoCampaign:
        raise CommandFault("还没有年度工作，请先运行 fangfanpin init，并导入花名册。") from None
    for code in _villages(arguments):
        # One transaction a village: a full disk at the hundredth village keeps the ninety-nine.
        with transaction.atomic():
            reach = system_reach()
            set_database_reach(reach, act="sheets.print", source="cli")
            village = Region.objects.get(pk=code)
            try:
                batch, rendered = print_sheets(village=village, campaign=campaign, reach=reach, by=None)
            except JobRefused:
                if not arguments.all:
                    raise
                continue  # a village whose households have all been closed
            assert batch.file is not None
            target = arguments.out / f"{code}-{village.name}-{campaign.year}-v{batch.version}.pdf"
            target.write_bytes(path_of(batch.file).read_bytes())
        files.append(
            {
                "village": code,
                "file": str(target),
                "households": batch.households,
                "pages": batch.pages,
                "version": batch.version,
                "missing": rendered.missing,
            }
        )
    households = sum(file["households"] for file in files)
    unprintable = {code: characters for file in files for code, characters in file["missing"].items()}
    text = f"{len(files)} 个村、{households} 户已打印到 {arguments.out}"
    if unprintable:
        text += "\n这些户的姓名或地址里有打印不出的字，请手写补上：" + "；".join(f"{code} {characters}" for code, characters in unprintable.items())
    return Answer({"year": campaign.year, "households": households, "seconds": round(time.perf_counter() - began, 2), "files": files}, text)


def _villages(arguments: argparse.Namespace) -> list[str]:
    """Codes of the villages to print; CommandFault where there is nothing to print."""
    with transaction.atomic():
        reach = system_reach()
        set_database_reach(reach, act="sheets.print", source="cli")
        filled = set(Household.objects.visible_to(reach).filter(kind=Household.Kind.ASSISTED).values_list("village_code", flat=True))
        if arguments.all:
            if not filled:
                raise CommandFault("还没有要采集的农户，请先导入花名册。")
            return sorted(filled)
        if not Region.objects.villages().filter(pk=arguments.village).exists():
            raise CommandFault(f"没有 {arguments.village} 这个村，请用 12 位行政区划代码。")
        if arguments.village not in filled:
            raise CommandFault(f"{arguments.village} 没有要采集的农户。")
        return [arguments.village]


COMMANDS = {"sheets": Command(_arguments, _sheets)}
