"""Find a household, show a secret number in full, ask what a household's rows were on a day."""

import datetime
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.audit.models import FOLLOWING, Event
from fangfanpin.households.models import Household, HouseholdQuerySet, Pairing, Person, Reveal
from fangfanpin.households.subjects import plain_secret, secrets_of
from fangfanpin.privacy.secrets import digest

_IDENTITY = re.compile(r"([0-9]{14}|[0-9]{17})[0-9Xx]([0-9]{2}(B[0-9])?)?")


class RevealRefused(Exception):
    """No reason given, or no such number."""


def search(text: str, reach: Reach) -> HouseholdQuerySet:
    """Households in reach by head's or member's name, household code, pinyin initials, or a whole identity number (by digest)."""
    households = Household.objects.visible_to(reach)
    text = text.strip()
    if _IDENTITY.fullmatch(text):
        # Looked up first: a sub-select beside another condition would be asked of every household in reach. Household codes are digits as well.
        persons = Person.objects.visible_to(reach).filter(id_number_digest=digest(text))
        return households.filter(Q(pk__in=list(persons.values_list("household_id", flat=True))) | Q(code=text))
    if re.fullmatch(r"[0-9A-Za-z-]{6,40}", text) and any(c.isdigit() for c in text):
        return households.filter(Q(code=text) | Q(code=text.upper()))
    if re.fullmatch(r"[a-z]{1,8}", text):
        return households.filter(head_initials__startswith=text)
    persons = Person.objects.visible_to(reach).filter(member_name=text)
    return households.filter(Q(head_name__startswith=text) | Q(pk__in=list(persons.values_list("household_id", flat=True))))


@transaction.atomic
def reveal(*, row: Household | Person | Pairing, name: str, reason: str, by: User) -> str:
    """A whole secret number, with the reason kept; of a pairing the helper's. `row` was fetched within reach and the right was checked."""
    if len(reason.strip()) < 4:
        raise RevealRefused(_("请写明查看原因（至少 4 个字），系统会留痕。"))
    if name not in secrets_of(row) or (plain := plain_secret(row, name)) is None:
        raise RevealRefused(_("没有登记这个号码。"))
    set_act(f"secret.reveal {name}")
    household = row if isinstance(row, Household) else row.household
    Reveal.objects.create(
        household=household, village_code=row.village_code, subject_id=row.pk, name=name, reason=reason.strip()[:200], revealed_by=by
    )
    return plain


@dataclass(frozen=True, slots=True)
class ItemChange:
    """One change of one column or record value."""

    at: datetime.datetime
    by: int
    act: str
    source: str
    before: Any
    after: Any

    @property
    def origin(self) -> str:
        """From where it came, or the act in which the system found the value again: nobody typed it."""
        return self.act if self.act in FOLLOWING else self.source


def history(table: str, row_id: object, column: str) -> list[ItemChange]:
    """Every change of one column (`member_name`, `values.wage_income`), oldest first; from what the database wrote."""
    return histories(table, row_id, [column])[column]


def histories(table: str, row_id: object, columns: Collection[str]) -> dict[str, list[ItemChange]]:
    """As `history`, of several columns in one reading."""
    found: dict[str, list[ItemChange]] = {column: [] for column in columns}
    for event in Event.objects.of_row(table, row_id):
        for column, changes in found.items():
            if event.op == "I" and event.row is not None:
                value = _pick(event.row, column)
                if value is not None:
                    changes.append(ItemChange(event.at, event.actor_id, event.act, event.source, None, value))
            elif event.changed and column in event.changed:
                before, after = event.changed[column]
                changes.append(ItemChange(event.at, event.actor_id, event.act, event.source, before, after))
    return found


def _pick(row: dict[str, Any], column: str) -> Any:
    head, _dot, rest = column.partition(".")
    value = row.get(head)
    return value.get(rest) if rest and isinstance(value, dict) else value


def row_as_of(table: str, row_id: object, moment: datetime.datetime) -> dict[str, Any] | None:
    """The row as known at a moment, folded from its events; None where it did not exist yet."""
    row: dict[str, Any] | None = None
    for event in Event.objects.of_row(table, row_id).filter(at__lte=moment):
        if event.op == "I":
            row = dict(event.row or {})
        elif event.op == "D":
            row = None
        elif row is not None:
            for column, (_before, after) in (event.changed or {}).items():
                head, dot, rest = column.partition(".")
                if dot:
                    row[head] = {**(row.get(head) or {}), rest: after}
                else:
                    row[head] = after
    return row
