"""The campaign's clock: stages, deadlines and the countdown follow it; events, sessions and signatures follow real time."""

import datetime
import threading
from dataclasses import dataclass

from django.core.signals import request_finished, request_started
from django.db.models.signals import post_delete, post_save
from django.utils import timezone

from fangfanpin.campaigns.models import Campaign
from fangfanpin.pack.load import SHANGHAI
from fangfanpin.policy.services import pack_of, spoken


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


# The frame, the view and every word of a list ask for the campaign: within one request it is fetched once. Outside requests (commands,
# jobs) nothing is kept.
_kept = threading.local()


def _begin(**_: object) -> None:
    _kept.inside, _kept.campaign = True, None


def _end(**_: object) -> None:
    _kept.inside, _kept.campaign = False, None


def _forget(**_: object) -> None:
    _kept.campaign = None


request_started.connect(_begin, dispatch_uid="campaigns.clock.begin")
request_finished.connect(_end, dispatch_uid="campaigns.clock.end")
post_save.connect(_forget, sender=Campaign, dispatch_uid="campaigns.clock.saved")
post_delete.connect(_forget, sender=Campaign, dispatch_uid="campaigns.clock.deleted")


def current() -> Campaign:
    """The campaign in force; NoCampaign where none is open. One query per request."""
    kept: Campaign | None = getattr(_kept, "campaign", None)
    if kept is not None:
        return kept
    # A pack's content and sources are megabytes; `pack_of` keeps the loaded pack by its hash.
    rows = Campaign.objects.select_related("pack", "county").defer("pack__content", "pack__sources")
    campaign = rows.filter(is_current=True).first()
    if campaign is None:
        raise NoCampaign
    if getattr(_kept, "inside", False):
        _kept.campaign = campaign
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
        for step in spoken(pack_of(campaign.pack)).plan
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


def expected_share(campaign: Campaign, metric: str) -> int | None:
    """Percent of a counted metric that should be done by now: it grows evenly from the deadline of the last reported stage before it
    (the townships are mobilised) to its own. None where the plan does not count the metric."""
    plan = stages(campaign)
    counted = next((found for found in plan if found.metric == metric), None)
    if counted is None:
        return None
    before = [found.due_at for found in plan if found.metric == "reported" and found.due_at < counted.due_at]
    begins = max(before) if before else campaign.opened_at.astimezone(SHANGHAI)
    whole, gone = counted.due_at - begins, now(campaign) - begins
    return 100 if whole <= datetime.timedelta(0) else max(0, min(100, int(gone * 100 / whole)))
