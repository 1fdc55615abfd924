"""`fangfanpin sweep --snapshots DIR`: a folder of many counties. It needs neither Django nor a database."""

import argparse
from pathlib import Path

import pyarrow.parquet as pq

from fangfanpin.cli import Answer, Command
from fangfanpin.snapshots.sweep import ENGINES, sweep


def sweep_arguments(parser: argparse.ArgumentParser) -> None:
    """Also of the county's own sweep."""
    parser.add_argument("--engine", choices=ENGINES, default="duckdb", help="用哪个引擎判断；spark 需要先 make spark")
    parser.add_argument("--snapshots", metavar="DIR", type=Path, help="不查本县，查一个文件夹里各县的快照")
    parser.add_argument("--hits", metavar="FILE", type=Path, help="把每条疑问写入一个 Parquet 文件（只用于 --snapshots）")
    parser.add_argument("--memory", metavar="MB", type=int, help="引擎可用的内存；不写时 Spark 用 2048，DuckDB 用到机器的大部分")


def _sweep(arguments: argparse.Namespace) -> Answer:
    found = sweep(arguments.snapshots, arguments.engine, memory_mb=arguments.memory)
    if arguments.hits:
        pq.write_table(found.hits, arguments.hits)
    facts = {
        "engine": arguments.engine,
        "counties": found.counties,
        "households": found.rows.get("household", 0),
        "persons": found.rows.get("person", 0),
        "rules": found.rules,
        "left_out": found.left_out,
        "hits": found.hits.num_rows,
        "by_county": found.by_county(),
        "by_rule": found.by_rule(),
        "seconds": round(found.seconds, 3),
    }
    text = f"{found.counties} 个县 {facts['households']} 户 {facts['persons']} 人，{found.rules} 条规则，{found.hits.num_rows} 条疑问"
    text += f"，{found.seconds:.1f} 秒。"
    if found.left_out:
        text += f"\n快照里没有所需指标、没有判断的规则：{len(found.left_out)} 条（{'、'.join(sorted(found.left_out))}）。"
    return Answer(facts, text)


COMMANDS = {"sweep": Command(sweep_arguments, _sweep)}
