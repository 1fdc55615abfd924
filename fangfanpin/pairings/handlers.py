"""The list of pairings as Excel."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.jobs.exports import Table, export_list
from fangfanpin.pairings.listing import state_words, table_of
from fangfanpin.policy.services import spoken
from fangfanpin.records.current_year import current_year


@export_list(
    "pairings",
    gettext_noop("帮扶责任人及结对"),
    Verb.HOUSEHOLD_VIEW,
    parameters=("place", "helper", "state", "main"),
    choices={"state": lambda: dict(state_words()), "main": lambda: {"1": _("是"), "0": _("否")}},
)
def pairings(reach: Reach, given: Mapping[str, str]) -> Table:
    return table_of(reach, given, spoken(current_year().pack))
