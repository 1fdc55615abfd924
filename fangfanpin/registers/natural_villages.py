"""Natural villages (自然村, 村民组) are the county's own divisions: a village adds them and says their names.

A name is a fact of the division, said by every list and paper; the year's row keeps it beside (`Record.subject`), so that who renamed it, when,
and from what, is an event like any.
"""

import re

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.accounts.verbs import Verb
from fangfanpin.pack import Pack
from fangfanpin.regions.models import Region
from fangfanpin.registers import rollups, yearly

LONGEST = 40
_MOST = 999  # three digits behind the village's twelve
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class NaturalVillageRefused(Exception):
    """Cannot be added or renamed; the message says why."""


def _checked_name(village: str, name: str, *, but: str = "") -> str:
    name = " ".join(_CONTROL.sub("", name).split())
    if not name:
        raise NaturalVillageRefused(_("请填写自然村名称。"))
    if len(name) > LONGEST:
        raise NaturalVillageRefused(_("自然村名称最多 %(most)d 个字。") % {"most": LONGEST})
    if Region.objects.filter(parent_id=village, name=name).exclude(pk=but).exists():
        raise NaturalVillageRefused(_("本村已有“%(name)s”，请核对。") % {"name": name})
    return name


@transaction.atomic
def add(*, village: str, name: str, pack: Pack, year: int, reach: Reach) -> Region:
    """A natural village under the next free code, with its rows of the year opened. Raises NaturalVillageRefused."""
    if village not in reach or not reach.allows(Verb.HOUSEHOLD_EDIT, village_code=village):
        raise NaturalVillageRefused(_("您的岗位不能为这个村添加自然村。"))
    parent = Region.objects.select_for_update().get(pk=village)  # two clerks get two codes
    if parent.valid_to is not None:
        raise NaturalVillageRefused(_("“%(name)s”已在 %(on)s 撤销，请刷新页面。") % {"name": parent.name, "on": parent.valid_to.isoformat()})
    name = _checked_name(village, name)
    last = Region.objects.filter(parent=parent, level=Region.Level.NATURAL_VILLAGE).aggregate(last=Max("code"))["last"]
    number = int(last[12:]) + 1 if last else 1
    if number > _MOST:
        raise NaturalVillageRefused(_("这个村的自然村代码已用完。"))
    set_act("natural_village.add")
    made = Region.objects.create(
        code=f"{village}{number:03d}", name=name, level=Region.Level.NATURAL_VILLAGE, parent=parent, position=number
    )  # fmt: skip
    yearly.open_rows(pack, year, [village])
    rollups.refresh(pack, year, [village])
    return made


@transaction.atomic
def rename(*, code: str, name: str, pack: Pack, year: int, reach: Reach) -> Region:
    """Another name for the same natural village; its code and everything kept under it stay. Raises NaturalVillageRefused."""
    village = code[:12]
    if village not in reach or not reach.allows(Verb.HOUSEHOLD_EDIT, village_code=village):
        raise NaturalVillageRefused(_("您的岗位不能改这个自然村的名称。"))
    rollups.alone_with([village])
    region = Region.objects.select_for_update().get(pk=code, level=Region.Level.NATURAL_VILLAGE)
    name = _checked_name(village, name, but=code)
    if name == region.name:
        return region
    set_act("natural_village.rename")
    region.name = name
    region.save(update_fields=["name"])
    yearly.rename_rows(pack, year, code, name)
    return region
