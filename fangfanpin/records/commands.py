"""`fangfanpin import`: take a roster in from the command line, as the system or as a named person."""

import argparse
import shutil
from pathlib import Path
from typing import Any

from django.db import transaction

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, reach_of, set_database_reach, system_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.cli import Answer, Command, CommandFault
from fangfanpin.files.services import path_of
from fangfanpin.records.current_year import NoYear, current_year
from fangfanpin.records.models import ImportBatch
from fangfanpin.records.roster.services import apply_batch, check_batch, receive, sentence_of
from fangfanpin.records.workbooks.parts import column_letter

_FAULTS_PRINTED = 200


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="花名册：xlsx、xls 或 csv")
    parser.add_argument("--keep-good", action="store_true", help="导入没有错误的户，有错误的户整户放入待改区")
    parser.add_argument("--check", action="store_true", help="只检查，不导入")
    parser.add_argument("--marked", type=Path, help="有错误时，把标红的文件（xlsx）存到这里")
    parser.add_argument("--by", help="以哪个账号的名义和管辖范围导入；不写就是系统")


def _who(name: str | None) -> tuple[User | None, Reach]:
    if name is None:
        return None, system_reach()
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandFault(f"没有账号 {name}")
    reach = reach_of(user)
    if not reach.has(Verb.IMPORT_ROSTER):
        raise CommandFault(f"账号 {name} 没有导入花名册的权限")
    return user, reach


def _report(done: int, total: int) -> None:
    """Nobody watches a bar here."""


def _import(arguments: argparse.Namespace) -> Answer:
    path: Path = arguments.file
    if not path.is_file():
        raise CommandFault(f"没有文件 {path}")
    try:
        year = current_year()
    except NoYear:
        raise CommandFault("还没有年度工作，请先运行 fangfanpin init。") from None
    with transaction.atomic():
        user, reach = _who(arguments.by)
        set_database_reach(reach, act="import.cli", source="cli")
        batch = receive(content=path, name=path.name, keep_good=arguments.keep_good, year=year, by=user)
        if arguments.check:
            batch = check_batch(batch=batch, year=year, reach=reach, report=_report)
        else:
            batch = apply_batch(batch=batch, year=year, reach=reach, keep_good=arguments.keep_good, report=_report)
    if arguments.marked is not None and batch.marked_file is not None:
        shutil.copyfile(path_of(batch.marked_file), arguments.marked)
    words = sentence_of(batch)
    if batch.state == ImportBatch.State.FAULTY:
        raise CommandFault("\n".join([words, *_fault_lines(batch)]))
    summary = batch.summary
    facts = {
        "batch": str(batch.pk),
        "state": batch.state,
        "year": batch.year,
        "households": summary["households"],
        "persons": summary["persons"],
        "faults": summary["faults"],
        "faulty_households": summary["faulty_households"],
        "tray": summary.get("tray", 0),
        "notes": summary["notes"],
        "unknown_columns": [
            {"sheet": sheet["name"], "column": column["letter"], "header": column["header"]} for sheet, column in _unknown_columns(batch)
        ],
        **summary.get("counts", {}),
    }
    unknown = [f"表“{sheet['name']}”不认得 {column['letter']} 列“{column['header']}”，没有读取" for sheet, column in _unknown_columns(batch)]
    return Answer(facts, "\n".join([words, *summary["notes"], *unknown, *_fault_lines(batch)]))


def _unknown_columns(batch: ImportBatch) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """Sheets with the headers of columns that were passed over: a mistyped head looks like an empty column otherwise."""
    return [(sheet, column) for sheet in batch.summary.get("sheets", ()) for column in sheet.get("unknown", ())]


def _fault_lines(batch: ImportBatch) -> list[str]:
    lines = []
    for fault in batch.faults[:_FAULTS_PRINTED]:
        where = f" {column_letter(fault['column'])} 列“{fault['header']}”" if fault["column"] >= 0 else ""
        value = f"“{fault['value']}”" if fault["value"] else ""
        lines.append(f"表“{fault['sheet']}”第 {fault['row']} 行{where}{value}：{fault['message']}")
    more = batch.summary.get("faults", 0) - len(lines)
    if more > 0:
        lines.append(f"……还有 {more} 处")
    if batch.marked_file is not None:
        lines.append("加 --marked 文件名.xlsx 可得到标红的文件。")
    return lines


COMMANDS = {"import": Command(_arguments, _import)}
