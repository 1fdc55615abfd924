"""Commands on packs: check, show. They need neither Django nor a database."""

import argparse
import os
from pathlib import Path
from typing import Any

from fangfanpin.cli import Answer, Command, CommandFault
from fangfanpin.pack import Pack, PackFaults, load_pack
from fangfanpin.runtime.supervisor import PROJECT_DIR


def packs_dir() -> Path:
    return Path(os.environ.get("FFP_PACKS_DIR", str(PROJECT_DIR / "packs")))


def directory_of(name: str) -> Path:
    """A pack by path, by its pack.toml, or by the name of its folder under packs/."""
    path = Path(name)
    if path.name == "pack.toml" and path.is_file():
        return path.parent
    if path.is_dir():
        return path
    if (packs_dir() / name).is_dir():
        return packs_dir() / name
    known = "、".join(sorted(found.parent.name for found in packs_dir().glob("*/pack.toml")))
    raise CommandFault(f"没有政策包“{name}”，{packs_dir()} 里有：{known or '（没有）'} (no such pack)")


def load(name: str) -> Pack:
    """The pack; a faulty one is a CommandFault with one line per fault: file:line: 中文 (English)."""
    try:
        return load_pack(directory_of(name))
    except PackFaults as faults:
        lines = [f"{fault.file}:{fault.line}: {fault.message_zh} ({fault.message_en})" for fault in faults.faults]
        raise CommandFault("\n".join([*lines, f"共 {len(lines)} 处错误，政策包不能使用 ({len(lines)} faults)"])) from None


def _one_pack(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pack", metavar="PACK", help="政策包文件夹的路径，或 packs/ 下的文件夹名")


def counts(pack: Pack) -> dict[str, int]:
    """How much the pack holds, for people and for tests of completeness."""
    return {
        "forms": len(pack.forms),
        "indicators": len(pack.indicators),
        "unverified_indicators": sum(not indicator.verified for indicator in pack.indicators.values()),
        "lists": len(pack.lists),
        "codes": sum(len(items) for items in pack.lists.values()),
        "stages": len(pack.plan),
        "roles": len(pack.roles),
        "rules": len(pack.rules),
        "left_out": len(pack.left_out),
        "constraints": len(pack.constraints),
        "relevance": len(pack.relevance),
        "computations": len(pack.computations),
        "papers": len(pack.archive),
        "without_english": len(pack.without_english()),
    }


_WORDS = {
    "forms": "张表", "indicators": "个指标", "unverified_indicators": "个指标待核实", "lists": "个代码清单", "codes": "个代码", "stages": "个阶段",
    "roles": "个岗位", "rules": "条规则", "left_out": "条规则未写（left_out.csv）", "constraints": "条约束", "relevance": "条显示条件",
    "computations": "个计算项", "papers": "种档案材料", "without_english": "处没有英文",
}  # fmt: skip


def _check(arguments: argparse.Namespace) -> Answer:
    pack = load(arguments.pack)
    found = counts(pack)
    facts: dict[str, Any] = {"id": pack.id, "chain": list(pack.chain), "hash": pack.hash, "ok": True, **found}
    return Answer(facts=facts, text=f"{pack.id}：没有错误 (no faults)。" + "、".join(f"{found[key]} {word}" for key, word in _WORDS.items()))


def _show(arguments: argparse.Namespace) -> Answer:
    pack = load(arguments.pack)
    return Answer(facts=pack.to_json(), text="\n".join(_lines(pack)))


def _lines(pack: Pack) -> list[str]:
    lines = [f"{pack.id}  {pack.title}", f"继承 {' → '.join(pack.chain)}", f"内容摘要 {pack.hash}"]
    lines.append(f"年度 {pack.form_year}，统计期 {pack.period_start} 至 {pack.period_end}，采集时点 {pack.state_date}")
    lines += [f"  {s.key}  {s.title}  截止 {s.due_at:%Y-%m-%d %H:%M}（不含）  {'、'.join(s.roles)}" for s in pack.plan]
    for form in pack.forms.values():
        lines.append(f"{form.key}  {form.title}  {len(form.indicators)} 个指标")
        if any(section.title for section in form.sections):
            lines += [f"  {section.title}  {len(section.items)}" for section in form.sections]
    found = counts(pack)
    return [*lines, "、".join(f"{found[key]} {word}" for key, word in _WORDS.items())]


COMMANDS = {"pack check": Command(_one_pack, _check), "pack show": Command(_one_pack, _show)}
