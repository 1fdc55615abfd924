"""A household that was merged into another takes no more entries."""

from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.records.gates import Closed, register_gate
from fangfanpin.records.models import Record


def is_merged(record: Record, user: User) -> Closed | None:
    if record.household is None or record.household.merged_into_id is None:
        return None
    return Closed(_("这一户已经并入别的户，不再采集；原来的资料可以查看。"))


register_gate(is_merged)
