"""`fangfanpin demo`."""

import argparse
import os
from pathlib import Path

from fangfanpin.campaigns.models import Campaign
from fangfanpin.cli import Answer, Command
from fangfanpin.demo.load import LEAST_HOUSEHOLDS, build_demo


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--households", type=int, default=2000, help=f"脱贫户和监测对象户数，至少 {LEAST_HOUSEHOLDS}")
    parser.add_argument("--seed", type=int, default=1, help="同样的种子得到同样的县")
    parser.add_argument("--collected", type=float, default=0.6, help="今年已采集的比例，0 到 1")
    parser.add_argument("--if-empty", action="store_true", help="已有县时什么也不做")


def _demo(arguments: argparse.Namespace) -> Answer:
    if arguments.if_empty and Campaign.objects.exists():
        return Answer({"made": False}, "")
    made = build_demo(households=arguments.households, seed=arguments.seed, collected_share=arguments.collected)
    accounts = Path(os.environ.get("DATA_DIR", "./var")) / "demo" / "accounts.txt"
    return Answer(
        {"made": True} | made,
        f"演示县已建好：{made['households']} 户、{made['persons']} 人，其中埋了 {made['faults']} 处错误。账号见 {accounts}",
    )


COMMANDS = {"demo": Command(_arguments, _demo)}
