"""Filters of a register's list that a person keeps under a name: theirs alone, at most twenty of a register."""

from urllib.parse import parse_qsl

from django.db import transaction
from django.db.models import QuerySet
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.pack import Pack
from fangfanpin.registers import queries
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.models import SavedFilter

MOST = 20


class NotKept(Exception):
    """Nothing was kept; the message says what to do."""


def kept_filters(register: Register, owner: User) -> QuerySet[SavedFilter, SavedFilter]:
    return SavedFilter.objects.filter(owner=owner, form=register.key)


@transaction.atomic
def keep(*, register: Register, pack: Pack, owner: User, name: str, query: str) -> SavedFilter:
    """`query`: a list's address; what of it is no filter of this list is left out. A name that is there is overwritten. Raises NotKept."""
    name = name.strip()[:30]
    asked = urlencode(queries.chosen_of(register, pack, dict(parse_qsl(query))).query())
    if not name:
        raise NotKept(_("请给这个条件起个名字。"))
    if not asked or len(asked) > 1000:
        raise NotKept(_("请先设好条件，再保存。"))
    User.objects.select_for_update().get(pk=owner.pk)  # two pages at once do not keep twenty-one
    if kept_filters(register, owner).exclude(name=name).count() >= MOST:
        raise NotKept(_("每个台账最多存 %(most)d 个条件，请先删去不用的。") % {"most": MOST})
    found, _made = SavedFilter.objects.update_or_create(owner=owner, form=register.key, name=name, defaults={"query": asked})
    return found


def forget(*, owner: User, filter_id: int) -> SavedFilter | None:
    """None where it is not this person's."""
    found = SavedFilter.objects.filter(owner=owner, pk=filter_id).first()
    if found is not None:
        found.delete()
    return found
