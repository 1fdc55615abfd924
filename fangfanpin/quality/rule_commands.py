"""`fangfanpin rules …` on the pack that this county goes by."""

import argparse

from fangfanpin.campaigns import clock
from fangfanpin.cli import CommandFault
from fangfanpin.pack import Pack
from fangfanpin.policy.services import pack_of
from fangfanpin.runtime.rule_commands import commands


def _in_force(arguments: argparse.Namespace) -> Pack:
    try:
        return pack_of(clock.current().pack)
    except clock.NoCampaign:
        raise CommandFault("还没有年度工作；要看政策包里的规则，请加 --pack (no campaign yet; name a pack)") from None


COMMANDS = commands(_in_force)
