"""`fangfanpin rollups`, `fangfanpin recompute`."""

import argparse
import time
from dataclasses import asdict

from django.db import transaction

from fangfanpin.accounts.reach import set_database_reach, system_reach
from fangfanpin.audit.models import RECOMPUTE, ROLL_UP
from fangfanpin.cli import Answer, Command, CommandFault
from fangfanpin.records.current_year import CurrentYear, NoYear, current_year
from fangfanpin.registers import recomputing, rollups


def _arguments(parser: argparse.ArgumentParser) -> None:
    return None


def _year() -> CurrentYear:
    try:
        return current_year()
    except NoYear:
        raise CommandFault("还没有年度工作，请先运行 fangfanpin init，并导入花名册。") from None


def _rollups(arguments: argparse.Namespace) -> Answer:
    year = _year()
    with transaction.atomic():
        reach = system_reach()
        set_database_reach(reach, act=ROLL_UP, source="cli")
        began = time.perf_counter()
        changed = rollups.refresh_county(year.pack, year.year, reach.villages)
        seconds = round(time.perf_counter() - began, 3)
    return Answer(
        {"year": year.year, "villages": len(reach.villages), "changed": changed, "seconds": seconds},
        f"{len(reach.villages)} 个村的汇总已核对，更正 {changed} 张表，用时 {seconds} 秒。",
    )


def _recompute(arguments: argparse.Namespace) -> Answer:
    """What publishing gives the worker, of everything: where that job could not be done."""
    year = _year()
    try:
        with transaction.atomic():
            set_database_reach(system_reach(), act=RECOMPUTE, source="cli")
            done = recomputing.recompute(year.pack, year.year, recomputing.everything(year.pack), by=None)
    except recomputing.NotOnce as fault:
        raise CommandFault(str(fault)) from None
    return Answer({"year": year.year, **asdict(done)}, recomputing.said(done))


COMMANDS = {"rollups": Command(_arguments, _rollups), "recompute": Command(_arguments, _recompute)}
