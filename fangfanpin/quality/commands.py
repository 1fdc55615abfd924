"""`fangfanpin sweep`."""

import argparse

from django.db import transaction

from fangfanpin.accounts.reach import set_database_reach, system_reach
from fangfanpin.campaigns import clock
from fangfanpin.cli import Answer, Command, CommandFault
from fangfanpin.quality.sweep import run_sweep


def _arguments(parser: argparse.ArgumentParser) -> None:
    return None


def _sweep(arguments: argparse.Namespace) -> Answer:
    try:
        campaign = clock.current()
    except clock.NoCampaign:
        raise CommandFault("还没有年度工作，请先运行 fangfanpin init，并导入花名册。") from None
    with transaction.atomic():
        set_database_reach(system_reach(), act="quality.sweep", source="cli")
        sweep = run_sweep(campaign=campaign, by=None)
    facts = {
        "year": sweep.year,
        "households": sweep.households,
        "persons": sweep.persons,
        "rules": sweep.rules,
        "hits": sweep.hits,
        "opened": sweep.opened,
        "closed": sweep.closed,
        "seconds": sweep.timings,
        "pack": sweep.pack_hash,
    }
    return Answer(
        facts, f"{sweep.households} 户 {sweep.persons} 人，{sweep.rules} 条规则，{sweep.hits} 条疑问：新增 {sweep.opened}，消除 {sweep.closed}。"
    )


COMMANDS = {"sweep": Command(_arguments, _sweep)}
