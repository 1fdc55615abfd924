"""`fangfanpin rollups`."""

import argparse
import time

from django.db import transaction

from fangfanpin.accounts.reach import set_database_reach, system_reach
from fangfanpin.cli import Answer, Command, CommandFault
from fangfanpin.records.current_year import NoYear, current_year
from fangfanpin.registers import rollups


def _arguments(parser: argparse.ArgumentParser) -> None:
    return None


def _rollups(arguments: argparse.Namespace) -> Answer:
    try:
        year = current_year()
    except NoYear:
        raise CommandFault("还没有年度工作，请先运行 fangfanpin init，并导入花名册。") from None
    with transaction.atomic():
        reach = system_reach()
        set_database_reach(reach, act="rollup.refresh", source="cli")
        began = time.perf_counter()
        changed = rollups.refresh_county(year.pack, year.year, reach.villages)
        seconds = round(time.perf_counter() - began, 3)
    return Answer(
        {"year": year.year, "villages": len(reach.villages), "changed": changed, "seconds": seconds},
        f"{len(reach.villages)} 个村的汇总已核对，更正 {changed} 张表，用时 {seconds} 秒。",
    )


COMMANDS = {"rollups": Command(_arguments, _rollups)}
