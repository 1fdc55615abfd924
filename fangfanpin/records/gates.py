"""May the record of a household, or the table of a village, be changed now? Higher apps (campaigns, quality) answer through this registry."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.records.models import Record


@dataclass(frozen=True, slots=True)
class Closed:
    """Why entry is closed, in plain words; `openers` may open it all the same (an open clue, an unlock)."""

    message: str


@dataclass(frozen=True, slots=True)
class Unlocked:
    """Somebody opened it for entry all the same."""

    reason: str
    by: str
    at: datetime.datetime


Gate = Callable[[Record, User], Closed | None]
Opener = Callable[[Record, User], bool]
Said = Callable[[Record], Unlocked | None]
_gates: list[Gate] = []
_openers: list[Opener] = []
_said: list[Said] = []


def register_gate(gate: Gate) -> None:
    """`gate(leading record, user)` says why it is closed, or None."""
    _gates.append(gate)


def register_opener(opener: Opener) -> None:
    """`opener(leading record, user)` is True where the record may be changed although a gate is closed."""
    _openers.append(opener)


def register_unlocked(said: Said) -> None:
    """`said(record)` says why and by whom it was unlocked, None where it is not."""
    _said.append(said)


def unlocked(record: Record) -> Unlocked | None:
    return next((found for said in _said if (found := said(record)) is not None), None)


def closed(record: Record, user: User) -> Closed | None:
    """The first closed gate that no opener opens."""
    is_table = bool(record.subject_code)
    if record.state == Record.State.LOCKED:
        of_household = _("这户的年度信息已锁定。需要修改请向县里申请解锁，并说明原因。")
        reason: Closed | None = Closed(_("这张表已锁定。需要修改请向县里申请解锁，并说明原因。") if is_table else of_household)
    elif record.state == Record.State.APPROVED:
        of_household = _("这户的年度信息已审核通过。需要修改请乡镇退回，或由县里解锁。")
        reason = Closed(_("这张表已审核通过。需要修改请乡镇退回，或由县里解锁。") if is_table else of_household)
    else:
        reason = next((found for gate in _gates if (found := gate(record, user)) is not None), None)
    if reason is not None and any(opener(record, user) for opener in _openers):
        return None
    return reason
