"""The campaign's clock: stages, deadlines and the countdown follow it; events, sessions and signatures follow real time."""

import datetime
from dataclasses import dataclass

from django.utils import timezone

from fangfanpin.campaigns.models import Campaign
from fangfanpin.policy.services import pack_of

SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))


class NoCampaign(Exception):
    """No campaign is open yet: the county has been made but the year not opened."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A dated step of the plan. `due_at` is exclusive: "24:00" of a day is the next midnight, Asia/Shanghai."""

    key: str
    title: str
    due_at: datetime.datetime
    metric: str
    roles: tuple[str, ...]
    is_past: bool
    left: datetime.timedelta

    @property
    def due_words(self) -> str:
        """11-17 24:00 for the midnight that ends the day, as the notice writes it."""
        if (self.due_at.hour, self.due_at.minute) == (0, 0):
            return (self.due_at - datetime.timedelta(days=1)).strftime("%Y-%m-%d 24:00")
        return self.due_at.strftime("%Y-%m-%d %H:%M")


def current() -> Campaign:
    """The campaign in force; NoCampaign where none is open."""
    campaign = Campaign.objects.select_related("pack", "county").filter(is_current=True).first()
    if campaign is None:
        raise NoCampaign
    return campaign


def now(campaign: Campaign) -> datetime.datetime:
    """Campaign time, in Asia/Shanghai."""
    return (timezone.now() + datetime.timedelta(seconds=campaign.clock_offset_seconds)).astimezone(SHANGHAI)


def set_clock(campaign: Campaign, moment: datetime.datetime) -> None:
    """Make campaign time `moment` from now on (the demo, a rehearsal)."""
    campaign.clock_offset_seconds = int((moment - timezone.now()).total_seconds())
    campaign.save(update_fields=["clock_offset_seconds"])


def stages(campaign: Campaign) -> tuple[Stage, ...]:
    """The plan's stages in order of their deadline."""
    moment = now(campaign)
    found = [
        Stage(
            key=step.key,
            title=step.title,
            due_at=step.due_at,
            metric=step.metric,
            roles=step.roles,
            is_past=moment >= step.due_at,
            left=max(step.due_at - moment, datetime.timedelta(0)),
        )
        for step in pack_of(campaign.pack).plan
    ]
    return tuple(sorted(found, key=lambda stage: stage.due_at))


def stage(campaign: Campaign, key: str) -> Stage | None:
    return next((found for found in stages(campaign) if found.key == key), None)


def entry_closes_at(campaign: Campaign) -> datetime.datetime | None:
    """When desk and phone entry ends (the stage whose metric is `entered`); None where the plan names none."""
    return next((found.due_at for found in stages(campaign) if found.metric == "entered"), None)


def entry_is_closed(campaign: Campaign) -> bool:
    closes_at = entry_closes_at(campaign)
    return closes_at is not None and now(campaign) >= closes_at
