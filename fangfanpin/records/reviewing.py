"""Township review: approve, or return with a reason to whoever entered."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import set_act
from fangfanpin.audit.models import FOLLOWING, Event
from fangfanpin.pack import Pack
from fangfanpin.records.models import Record
from fangfanpin.records.saving import constraint_faults, unconfirmed
from fangfanpin.records.units import HOUSEHOLD_FORM, PERSON_FORM, load_unit

_TABLE = "records_record"
_APPROVE = "record.approve"
_TYPED = ("values.", "ticks.")


class ReviewRefused(Exception):
    """Not in a state to be reviewed, or by the same person who entered it."""


def _lead(record: Record) -> Record:
    return Record.objects.select_for_update().get(pk=record.pk)


def has_typed_in(record: Record, by: User) -> bool:
    """Did `by` type any value of what is to be approved since it was last approved? Not only the last hand counts: whoever typed most of a
    household may not approve it after a colleague's small edit. Values of the roster are the baseline and nobody's entry."""
    if record.entered_by_id == by.pk:
        return True
    parts = [str(record.pk)]
    if record.household_id and record.form == HOUSEHOLD_FORM:
        members = Record.objects.filter(form=PERSON_FORM, year=record.year, household_id=record.household_id)
        parts += [str(pk) for pk in members.values_list("pk", flat=True)]
    approved = Event.objects.of_row(_TABLE, record.pk).filter(act=_APPROVE).values_list("id", flat=True).last() or 0
    mine = Event.objects.filter(table_name=_TABLE, row_id__in=parts, id__gt=approved, actor_id=by.pk, op="U").exclude(act__in=FOLLOWING)
    changes = mine.values_list("changed", flat=True)
    return any(name.startswith(_TYPED) for changed in changes for name in changed or ())


@transaction.atomic
def approve(*, record: Record, by: User, pack: Pack, seen_version: int | None) -> Record:
    """Submitted → approved. Maker and checker are different people, and the checker has seen what is approved (`seen_version`).
    What was changed after submission must pass what a submission must."""
    lead = _to_approve(record, by, seen_version)
    if lead.household is not None:
        unit = load_unit(lead.household, lead.year)
        if faults := unconfirmed(unit, pack) + constraint_faults(unit, pack, severity="error"):
            said = {"count": len(faults), "first": faults[0].message}
            raise ReviewRefused(_("这户有 %(count)d 处必须改正（%(first)s），不能通过，请退回。") % said)
    return _approved(lead, by)


@transaction.atomic
def approve_row(*, record: Record, by: User, seen_version: int | None) -> Record:
    """As `approve`, for a record that stands alone: a register's row passed its checks when it was saved."""
    return _approved(_to_approve(record, by, seen_version), by)


def _to_approve(record: Record, by: User, seen_version: int | None) -> Record:
    lead = _lead(record)
    if lead.state != Record.State.SUBMITTED:
        raise ReviewRefused(_("只有已提交的可以审核。"))
    if has_typed_in(lead, by):
        raise ReviewRefused(_("录入和审核不能是同一个人。"))
    if lead.version != seen_version:
        raise ReviewRefused(_("您打开以后又有改动，请核对现在的内容再审核。"))
    return lead


def _approved(lead: Record, by: User) -> Record:
    set_act(_APPROVE)
    lead.state = Record.State.APPROVED
    lead.reviewed_by = by
    lead.reviewed_at = timezone.now()
    lead.version += 1
    lead.save()
    return lead


@transaction.atomic
def send_back(*, record: Record, reason: str, by: User) -> Record:
    """Submitted or approved → returned, with a reason that whoever entered it reads."""
    lead = _lead(record)
    if lead.state not in (Record.State.SUBMITTED, Record.State.APPROVED):
        raise ReviewRefused(_("只有已提交或已审核的可以退回。"))
    if len(reason.strip()) < 4:
        raise ReviewRefused(_("请写明退回原因（至少 4 个字），采集人会看到。"))
    set_act("record.return")
    lead.state = Record.State.RETURNED
    lead.return_reason = reason.strip()[:500]
    lead.reviewed_by = by
    lead.reviewed_at = timezone.now()
    lead.version += 1
    lead.save()
    return lead
