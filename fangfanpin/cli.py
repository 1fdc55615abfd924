"""The command line `fangfanpin`. A command lives in its area's `commands.py`; COMMANDS is the only place that names them all.

A module of commands holds `COMMANDS: dict[str, Command]` under the words typed. It is imported only when its command is asked for, so that
`pack check` runs without Django or a database.
"""

import argparse
import contextlib
import importlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class CommandFault(Exception):
    """The command could not do its work; the message says where and what to do. Goes to stderr, exit code 1."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a module offers: its arguments and the work. `run` returns the facts printed as JSON and the text for people."""

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], "Answer"]


@dataclass(frozen=True, slots=True)
class Answer:
    """`facts` is the one JSON object of --json; `text` is for people; `exit_code` may be non-zero with facts (doctor)."""

    facts: dict[str, Any]
    text: str
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the table: where the command lives, what it is for, which database role it runs as (none: no Django). `apart`: the module
    that does it without a county, where one of `words` is among those given, or, with `anywhere`, where DATA_DIR holds no county."""

    module: str
    help: str
    role: str | None = None
    apart: str = ""
    words: frozenset[str] = frozenset()
    anywhere: bool = False

    def chosen(self, given: list[str], *, has_county: bool) -> "Entry":
        named = {word.partition("=")[0] for word in given}
        if self.apart and (self.words & named or (self.anywhere and not has_county)):
            return Entry(self.apart, self.help)
        return self


def _rules(help_: str) -> Entry:
    return Entry("fangfanpin.quality.rule_commands", help_, "worker", "fangfanpin.runtime.rule_commands", frozenset({"--pack"}), anywhere=True)


COMMANDS: dict[str, Entry] = {
    "init": Entry("fangfanpin.campaigns.commands", "建立一个真实的县（不含演示数据）", "owner"),
    "serve": Entry("fangfanpin.runtime.commands", "启动数据库、网站和后台任务"),
    "stop": Entry("fangfanpin.runtime.commands", "停止在运行的系统"),
    "demo": Entry("fangfanpin.demo.commands", "生成演示县", "owner"),
    "pack check": Entry("fangfanpin.runtime.pack_commands", "检查政策包，一次列出全部问题"),
    "pack show": Entry("fangfanpin.runtime.pack_commands", "显示解析后的政策包"),
    "pack publish": Entry("fangfanpin.campaigns.commands", "启用政策包：本年度改按它进行，或开始新的年度", "owner"),
    "account reset": Entry("fangfanpin.accounts.commands", "县里没有人能重置时，给一个账号新的第一次密码", "owner"),
    "regions load": Entry("fangfanpin.regions.commands", "载入行政区划", "owner"),
    "import": Entry("fangfanpin.records.commands", "导入名册", "worker"),
    "export": Entry("fangfanpin.dashboards.commands", "导出清单", "worker"),
    "sheets": Entry("fangfanpin.fieldwork.commands", "打印信息比对表", "worker"),
    "sweep": Entry("fangfanpin.quality.commands", "全县数据排查", "worker", "fangfanpin.snapshots.commands", frozenset({"--snapshots"})),
    "snapshot": Entry("fangfanpin.quality.commands", "把全县数据写成快照（Parquet）", "worker"),
    "rollups": Entry("fangfanpin.registers.commands", "重新核对全县村表的汇总", "worker"),
    "recompute": Entry("fangfanpin.registers.commands", "按在用的政策包重新计算农户年度信息、台账的计算项和村表汇总", "worker"),
    "rules list": _rules("列出全部规则"),
    "rules sql": _rules("显示一条规则的 SQL"),
    "rules eval": _rules("用一条规则判断标准输入里的一户（JSON）"),
    "rules schema": _rules("rules eval 所读 JSON 的形状"),
    "backup": Entry("fangfanpin.runtime.commands", "备份到一个文件（不含密钥）"),
    "restore": Entry("fangfanpin.runtime.commands", "从备份恢复"),
    "routes": Entry("fangfanpin.runtime.route_commands", "列出全部网址及所需权限"),
    "doctor": Entry("fangfanpin.runtime.commands", "检查安装和运行环境"),
    "worker": Entry("fangfanpin.runtime.commands", "运行后台任务"),
    "migrate": Entry("fangfanpin.runtime.commands", "更新数据库结构"),
}


def load(name: str, module: str = "") -> Command:
    """The command under its words; raises CommandFault when its module is not there."""
    try:
        found: dict[str, Command] = importlib.import_module(module or COMMANDS[name].module).COMMANDS
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.startswith("fangfanpin"):
            raise CommandFault(f"命令 {name} 在本安装中不存在 (this installation has no module {missing.name})") from None
        raise
    return found[name]


def _has_county() -> bool:
    return (Path(os.environ.get("DATA_DIR", "./var")) / "keys" / "database.json").exists()


def _set_up_django(role: str) -> None:
    os.environ.setdefault("FFP_DB_ROLE", role)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fangfanpin.settings")
    if not _has_county():
        os.environ.setdefault("FFP_WITHOUT_COUNTY", "1")
    importlib.import_module("django").setup()


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {entry.help}" for name, entry in COMMANDS.items()]
    return "\n".join(["用法：fangfanpin 命令 [选项] [--json]；各命令的选项见 fangfanpin 命令 --help", *lines])


def main(words: list[str] | None = None) -> int:
    """Run one command; returns the exit code (0 done, 1 fault, 2 wrong usage)."""
    given = list(sys.argv[1:] if words is None else words)
    if not given or given[0] in {"-h", "--help", "help"}:
        print(_usage())
        return 0
    name = next((" ".join(given[:count]) for count in (2, 1) if " ".join(given[:count]) in COMMANDS), None)
    if name is None:
        print(f"没有命令 {given[0]} (unknown command)\n{_usage()}", file=sys.stderr)
        return 2
    entry = COMMANDS[name].chosen(given, has_county=_has_county())
    try:
        with contextlib.ExitStack() as stack:
            # `--help` asks for nothing but the arguments.
            if entry.role is not None and not {"-h", "--help"} & set(given):
                data_dir = Path(os.environ.get("DATA_DIR", "./var")).resolve()
                stack.enter_context(importlib.import_module("fangfanpin.runtime.supervisor").database_at_hand(data_dir))
            if entry.role is not None:
                _set_up_django(entry.role)
            command = load(name, entry.module)
            parser = argparse.ArgumentParser(prog=f"fangfanpin {name}", description=entry.help)
            parser.add_argument("--json", action="store_true", help="只在标准输出打印一个 JSON 对象")
            command.add_arguments(parser)
            arguments = parser.parse_args(given[len(name.split()) :])
            answer = command.run(arguments)
    except CommandFault as fault:
        print(fault, file=sys.stderr)
        return 1
    except Exception as fault:
        # Faults of the areas carry a message for people; anything else is a defect and shows its trace.
        if type(fault).__module__.startswith("fangfanpin."):
            print(fault, file=sys.stderr)
            return 1
        raise
    if arguments.json:
        print(json.dumps(answer.facts, ensure_ascii=False, default=str))
    elif answer.text:
        print(answer.text)
    return answer.exit_code


if __name__ == "__main__":
    sys.exit(main())
