"""`fangfanpin account reset`: the way back in for a county whose only keeper forgot the password."""

import argparse

from django.db import transaction
from django.utils import timezone

from fangfanpin.accounts.management import recover_password
from fangfanpin.accounts.models import Assignment, User
from fangfanpin.accounts.reach import make_reach, set_database_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.cli import Answer, Command, CommandFault


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("account", metavar="NAME", help="登录用的账号名")


def _keepers() -> list[str]:
    """Accounts in use that keep those of the whole county: who runs this often knows the person and not the account."""
    held = Assignment.objects.in_force(timezone.localdate()).filter(
        user__is_active=True, role__level="county", role__verbs__contains=[Verb.ACCOUNT_MANAGE.value]
    )
    return sorted({f"{assignment.user.username}（{assignment.user.name}）" for assignment in held.select_related("user")})


def _reset(arguments: argparse.Namespace) -> Answer:
    with transaction.atomic():
        # The console is nobody's account: whoever holds it holds the database. The event says so.
        set_database_reach(make_reach(0, villages=()), act="account.recover", source="cli")
        user = User.objects.filter(username=arguments.account).first()
        if user is None:
            keepers = "、".join(_keepers())
            raise CommandFault(f"没有账号 {arguments.account}。" + (f"能管全县账号的有：{keepers}" if keepers else "请先运行 fangfanpin init。"))
        password = recover_password(user=user)
    return Answer(
        {"account": user.username, "name": user.name, "password": password},
        f"账号 {user.username}（{user.name}）的第一次密码：{password}\n只显示这一次，登录后必须修改；原来的密码已失效。",
    )


COMMANDS = {"account reset": Command(_arguments, _reset)}
