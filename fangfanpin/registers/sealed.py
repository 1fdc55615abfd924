"""Secret numbers of register rows (a team member's identity number): the row holds the mask, the cipher and the digest lie beside it.

So lists, papers, exports and history of the row can only ever say the mask.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import set_act
from fangfanpin.pack import Indicator
from fangfanpin.privacy.secrets import decrypt, digest, encrypt, mask_id
from fangfanpin.records.models import Record
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.models import Sealed, Shown

SHORTEST_REASON = 4


class ShowRefused(Exception):
    """No reason given, or no such number."""


def secret_items(register: Register) -> tuple[Indicator, ...]:
    return tuple(item for item in register.asked if item.type == "secret_number")


def is_kept(record: Record, item: Indicator, typed: str) -> bool:
    """Did the page send back the mask it was given? Then the number stays what it is."""
    return bool(typed) and typed == record.values.get(item.name)


def masked(record: Record, register: Register, before: Mapping[str, Any]) -> dict[str, str | None]:
    """Put masks in the place of the numbers in a record's values; returns the numbers that are new, None where one was taken out.
    `before`: the values as stored."""
    fresh: dict[str, str | None] = {}
    for item in secret_items(register):
        value = record.values.get(item.name)
        if value != before.get(item.name):
            fresh[item.name] = value
            record.values[item.name] = mask_id(value) or None
    return fresh


def keep(record: Record, fresh: Mapping[str, str | None]) -> None:
    """Store new numbers of a stored record, as cipher and digest."""
    for name, number in fresh.items():
        Sealed.objects.update_or_create(record=record, name=name, defaults=_held(record, number))


def keep_new(numbers: Sequence[tuple[Record, Mapping[str, str | None]]]) -> None:
    """As `keep`, of many records that were stored just now: they have no numbers yet."""
    Sealed.objects.bulk_create(
        Sealed(record=record, name=name, **_held(record, number)) for record, fresh in numbers for name, number in fresh.items()
    )


def _held(record: Record, number: str | None) -> dict[str, Any]:
    return {
        "village_code": record.village_code,
        "household_id": record.household_id,
        "cipher": encrypt(number) or "",
        "digest": digest(number),
    }


def digest_of(record: Record, item: Indicator, others: Mapping[Any, str]) -> str:
    """Digest of a number as typed, or of the stored one where the page sent back its mask. `others`: stored digests by record."""
    value = record.values.get(item.name)
    return digest(value) if value and "*" not in value else others.get(record.pk, "") if value else ""


@transaction.atomic
def show_in_full(*, record: Record, name: str, reason: str, by: User) -> str:
    """The whole number, with the reason kept. The record was fetched within reach and the right was checked. Raises ShowRefused."""
    if len(reason.strip()) < SHORTEST_REASON:
        raise ShowRefused(_("请写明查看原因（至少 4 个字），系统会留痕。"))
    found = Sealed.objects.filter(record=record, name=name).first()
    if found is None or (plain := decrypt(found.cipher)) is None:
        raise ShowRefused(_("没有登记这个号码。"))
    set_act(f"secret.reveal {name}")
    Shown.objects.create(
        record=record, village_code=record.village_code, household_id=record.household_id, name=name, reason=reason.strip()[:200], shown_by=by
    )
    return plain
