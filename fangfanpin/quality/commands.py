"""`fangfanpin sweep`, `fangfanpin snapshot`."""

import argparse
from pathlib import Path
from typing import Any

from django.db import transaction

from fangfanpin.accounts.reach import set_database_reach, system_reach
from fangfanpin.campaigns import clock
from fangfanpin.cli import Answer, Command, CommandFault
from fangfanpin.policy.services import pack_of, sources_of
from fangfanpin.quality.snapshot_files import write
from fangfanpin.quality.spark_judging import judging
from fangfanpin.quality.sweep import run_sweep
from fangfanpin.snapshots.commands import sweep_arguments
from fangfanpin.snapshots.folder import KINDS


def _sweep(arguments: argparse.Namespace) -> Answer:
    try:
        campaign = clock.current()
    except clock.NoCampaign:
        raise CommandFault("还没有年度工作，请先运行 fangfanpin init，并导入花名册。") from None
    with transaction.atomic():
        set_database_reach(system_reach(), act="quality.sweep", source="cli")
        sweep = run_sweep(campaign=campaign, by=None, judging=judging if arguments.engine == "spark" else None)
    facts = {
        "engine": arguments.engine,
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


def _snapshot_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", choices=KINDS, required=True, help="county：本县自用，什么都有；upward：上报用，不含姓名、电话、住址、证件号和文字")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="写到这个文件夹下的 county=区划代码/")


def _snapshot(arguments: argparse.Namespace) -> Answer:
    try:
        campaign = clock.current()
    except clock.NoCampaign:
        raise CommandFault("还没有年度工作，没有可写的快照 (no campaign yet)") from None
    with transaction.atomic():
        set_database_reach(system_reach(), act="quality.snapshot", source="cli")
        published, today = campaign.pack, clock.now(campaign).date()
        sources = sources_of(published)
        manifests = write(arguments.kind, arguments.out, year=campaign.year, today=today, pack=pack_of(published), sources=sources)
    counties: dict[str, dict[str, Any]] = {
        one["county"]: {
            "folder": str(arguments.out / f"county={one['county']}"),
            "rows": {name: table["rows"] for name, table in one["tables"].items()},
        }
        for one in manifests
    }
    lines = [f"{found['folder']}：" + "，".join(f"{name} {count} 行" for name, count in found["rows"].items()) for found in counties.values()]
    return Answer({"kind": arguments.kind, "year": campaign.year, "pack": published.hash, "counties": counties}, "\n".join(lines))


COMMANDS = {"sweep": Command(sweep_arguments, _sweep), "snapshot": Command(_snapshot_arguments, _snapshot)}
