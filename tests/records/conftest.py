"""A collected-from household and two people who type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, reach_of
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.models import Campaign
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.policy.services import pack_of
from fangfanpin.records.saving import SaveRequest, save


@dataclass
class Desk:
    """Somebody typing into one household; `base` is what they saw last."""

    household: Household
    campaign: Campaign
    pack: Pack
    user: User
    reach: Reach
    base: dict[str, int]

    def save(self, *ops: dict[str, Any], client_id: Any = None, source: str = "web") -> dict[str, Any]:
        request = SaveRequest(client_id=client_id or uuid4(), base=dict(self.base), ops=ops)
        return save(household=self.household, request=request, year=self.campaign.year, pack=self.pack, by=self.user, reach=self.reach, source=source)

    def put(self, **values: Any) -> dict[str, Any]:
        return self.save(*({"op": "set", "target": "household", "name": name, "value": value} for name, value in values.items()))


@pytest.fixture
def household(acting: Callable[[str], Reach]) -> Household:
    """A household of the village that nobody has begun this year; made so where the demo drew none."""
    reach = acting("village")
    row = Household.objects.visible_to(reach).filter(kind="assisted", records__year=2021, records__form="household_year").order_by("code").first()
    assert row is not None
    this_year = row.records.filter(year=2021)
    this_year.update(values={}, ticks={}, state="empty", visitors=[], visited_on=None, submitted_at=None, entered_by=None, checked_by=None)
    return row


@pytest.fixture
def desk(household: Household, cast: dict[str, User]) -> Callable[[str], Desk]:
    campaign = clock.current()

    def sit(name: str) -> Desk:
        user = cast[name]
        versions = {
            "household" if record.form == "household_year" else str(record.subject_id): record.version
            for record in household.records.filter(year=campaign.year)
        }
        return Desk(household, campaign, pack_of(campaign.pack), user, reach_of(user), versions)

    return sit
