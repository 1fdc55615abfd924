"""`fangfanpin regions load`."""

import argparse

from fangfanpin.cli import Answer, Command
from fangfanpin.regions.services import load_regions


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--under", default="", help="乡镇和村只载入某个代码以下，如 340323（省、市、县总是全国）；不写则全部载入（约 66 万条）")


def _load(arguments: argparse.Namespace) -> Answer:
    count = load_regions(arguments.under)
    return Answer({"loaded": count, "under": arguments.under}, f"已载入 {count} 个行政区划")


COMMANDS = {"regions load": Command(_arguments, _load)}
