"""`fangfanpin init`: a real county without any demo. `fangfanpin pack publish`: the pack it works by from now on."""

import argparse
import datetime
import getpass
import os
import sys
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from fangfanpin.accounts.management import first_password
from fangfanpin.accounts.models import Assignment, Role, User
from fangfanpin.accounts.reach import make_reach, set_database_reach, system_reach
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.models import Campaign
from fangfanpin.campaigns.services import CampaignRefused, open_campaign, put_in_force
from fangfanpin.cli import Answer, Command, CommandFault
from fangfanpin.pack import Pack, PackFaults, load_pack
from fangfanpin.pack.load import SHANGHAI
from fangfanpin.policy.own import renewed
from fangfanpin.policy.services import publish
from fangfanpin.regions.models import Region
from fangfanpin.regions.services import load_regions


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pack", default="guzhen-2021", help="政策包：packs 下的名称或路径")
    parser.add_argument("--county", help="县级行政区划代码，默认用政策包里的")
    parser.add_argument("--admin", default="admin", help="第一个管理员的账号")
    parser.add_argument("--name", default="县级管理员", help="第一个管理员的姓名")
    parser.add_argument("--role", default="county", help="第一个管理员的岗位，默认 county")
    parser.add_argument("--clock", help="年度工作的“今天”，如 2021-11-10：演练或补做往年时用；不写就是真实日期")


def _clock(word: str | None) -> datetime.datetime | None:
    if not word:
        return None
    try:
        return datetime.datetime.combine(datetime.date.fromisoformat(word), datetime.time(8), tzinfo=SHANGHAI)
    except ValueError:
        raise CommandFault(f"--clock {word} 不是日期，请写成 2021-11-10 这样") from None


def pack_directory(name: str) -> Path:
    """A pack by name under packs/, or by path."""
    path = Path(name)
    return path if path.is_dir() else Path(settings.PACKS_DIR) / name


def _init(arguments: argparse.Namespace) -> Answer:
    directory = pack_directory(arguments.pack)
    pack = _checked(directory)
    starts = _clock(arguments.clock)
    county_code = arguments.county or pack.division
    if not county_code:
        raise CommandFault("政策包没有写明县，请用 --county 给出 6 位行政区划代码")
    with transaction.atomic():
        set_database_reach(make_reach(0, villages=()), act="county.init", source="cli")
        if Campaign.objects.filter(is_demo=True).exists():
            raise CommandFault("这里已是演示县。真实数据不能和演示混在一起，请换一个 DATA_DIR。")
        if Campaign.objects.exists() or User.objects.exists():
            raise CommandFault("这里已经建过一个县了，不再重建。账号忘了密码，请由其他县级管理员重置；没有别人时运行 fangfanpin account reset 账号。")
        load_regions(county_code)
        county = Region.objects.filter(code=county_code).first()
        if county is None:
            raise CommandFault(f"没有 {county_code} 这个县级代码")
        published = publish(pack=pack, directory=directory, by=None)
        campaign = open_campaign(pack=published, county=county, by=None, starts=starts)
        password, given = _password()
        user = User.objects.create_user(username=arguments.admin, password=password, name=arguments.name, must_change_password=not given)
        role = Role.objects.filter(pk=arguments.role).first()
        if role is None:
            raise CommandFault(f"政策包里没有岗位 {arguments.role}，可用：{'、'.join(Role.objects.values_list('pk', flat=True))}")
        Assignment.objects.create(user=user, role=role, region=county, valid_from=timezone.localdate())
    villages = Region.objects.villages().under(county_code).count()
    shown = "（已按 FFP_ADMIN_PASSWORD 设置）" if given else password
    return Answer(
        {"county": county_code, "villages": villages, "pack": pack.id, "hash": pack.hash, "campaign": campaign.year, "admin": arguments.admin}
        | ({} if given else {"password": password}),
        f"{county.name}已建立：{villages} 个村（社区），{campaign.title}。\n管理员账号 {arguments.admin}，第一次密码 {shown}，登录后必须修改。\n"
        "下一步：make run 启动，登录后导入花名册、批量建账号。",
    )


def _password() -> tuple[str, bool]:
    """From FFP_ADMIN_PASSWORD, typed when asked on a terminal with FFP_ASK_PASSWORD=1, else made."""
    given = os.environ.get("FFP_ADMIN_PASSWORD", "")
    if not given and os.environ.get("FFP_ASK_PASSWORD") == "1" and sys.stdin.isatty():
        given = getpass.getpass("管理员密码（不少于 10 位）：")
    if given and len(given) < 10:
        raise CommandFault("管理员密码至少 10 位")
    return given or first_password(), bool(given)


def _publish_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pack", metavar="PACK", help="政策包：packs 下的名称或路径")


def _publish(arguments: argparse.Namespace) -> Answer:
    directory = pack_directory(arguments.pack)
    with transaction.atomic():
        set_database_reach(system_reach(), act="pack.publish", source="cli")
        try:
            # What the county wrote in the browser stays on top of the renewed pack.
            with renewed(directory, clock.current().pack) as (pack, folder):
                done = put_in_force(pack=pack, directory=folder, by=None)
        except PackFaults as faults:
            raise CommandFault(_said(faults)) from None
        except clock.NoCampaign:
            raise CommandFault("还没有年度工作，请先运行 fangfanpin init。") from None
        except CampaignRefused as refused:
            raise CommandFault(str(refused)) from None
    facts = {
        "recomputing": str(done.job.pk) if done.job is not None else None,
        "pack": pack.id, "hash": pack.hash, "version": done.published.version, "campaign": done.campaign.year,
        "new_year": done.is_new_year, "changed": not done.is_same, "no_longer_asked": list(done.gone),
        "codes_without_successor": [{"item": item, "code": code, "records": count} for item, code, count in done.lost],
    }  # fmt: skip
    if done.is_same:
        return Answer(facts, f"{pack.id} 已在用，没有变化。")
    gone = f"不再采集 {len(done.gone)} 项（原有的值保留）：{'、'.join(done.gone[:20])}。\n" if done.gone else ""
    for item, code, count in done.lost[:20]:
        gone += f"{count} 条记录里“{item}”是“{code}”，新清单没有这个代码：请在 recoded.csv 写明改成了哪个代码，不写就照原样显示。\n"
    if done.job is not None:
        gone += f"{done.job.title}：已交后台，几分钟内做完；后台没有运行时，启动后再做。\n"
    opened = (
        f"已开始 {done.campaign.year} 年度工作。" if done.is_new_year else f"{done.campaign.year} 年度工作改按第 {done.published.version} 版进行。"
    )
    return Answer(facts, f"{pack.id} 已启用：{opened}\n{gone}正在运行的网站会在几秒内按新的政策包显示；录入页面请重新打开。")


def _checked(directory: Path) -> Pack:
    try:
        return load_pack(directory)
    except PackFaults as faults:
        raise CommandFault(_said(faults)) from None


def _said(faults: PackFaults) -> str:
    return "\n".join(f"{f.file}:{f.line} {f.message_zh}" for f in faults.faults)


COMMANDS = {"init": Command(_arguments, _init), "pack publish": Command(_publish_arguments, _publish)}
