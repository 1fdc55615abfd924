"""May this household's record be changed now? Higher apps (campaigns, quality) answer through this registry."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.records.models import Record


@dataclass(frozen=True, slots=True)
class Closed:
    """Why entry is closed, in plain words; `openers` may open it all the same (an open clue, an unlock)."""

    message: str


Gate = Callable[[Record, User], Closed | None]
Opener = Callable[[Record, User], bool]
_gates: list[Gate] = []
_openers: list[Opener] = []


def register_gate(gate: Gate) -> None:
    """`gate(leading record, user)` says why it is closed, or None."""
    _gates.append(gate)


def register_opener(opener: Opener) -> None:
    """`opener(leading record, user)` is True where the record may be changed although a gate is closed."""
    _openers.append(opener)


def closed(record: Record, user: User) -> Closed | None:
    """The first closed gate that no opener opens."""
    if record.state == Record.State.LOCKED:
        reason: Closed | None = Closed(_("这户的年度信息已锁定。需要修改请向县里申请解锁，并说明原因。"))
    elif record.state == Record.State.APPROVED:
        reason = Closed(_("这户的年度信息已审核通过。需要修改请乡镇退回，或由县里解锁。"))
    else:
        reason = next((found for gate in _gates if (found := gate(record, user)) is not None), None)
    if reason is not None and any(opener(record, user) for opener in _openers):
        return None
    return reason
