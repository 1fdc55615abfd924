"""Open the year, unlock a household after closing, report a stage done."""

import datetime
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.models import Campaign, StageReport, Unlock
from fangfanpin.households.models import Household
from fangfanpin.jobs.models import Job
from fangfanpin.pack import Pack
from fangfanpin.policy.models import PublishedPack
from fangfanpin.policy.services import pack_of, publish
from fangfanpin.records.gates import Closed, Unlocked
from fangfanpin.records.models import Record
from fangfanpin.records.services import open_year
from fangfanpin.regions.models import Region
from fangfanpin.registers import recomputing
from fangfanpin.registers.yearly import open_rows


class CampaignRefused(Exception):
    """Cannot be done; the message says why."""


def covers_county(reach: Reach, campaign: Campaign) -> bool:
    """Does the reach hold every village of the campaign's county?"""
    return all(code in reach for code in Region.objects.villages().under(campaign.county_id).values_list("code", flat=True))


@transaction.atomic
def open_campaign(
    *, pack: PublishedPack, county: Region, by: User | None, is_demo: bool = False, starts: datetime.datetime | None = None
) -> Campaign:
    """Make a published pack's year the current campaign, with what is due of the households already on the register (a county that had
    its roster before the year came; a later import opens the year for its own). Households within the transaction's reach; doing it twice
    changes nothing. `starts`: campaign time now, for the demo and rehearsals."""
    set_act("campaign.open")
    loaded = pack_of(pack)
    Campaign.objects.filter(is_current=True).exclude(year=loaded.form_year).update(is_current=False)
    campaign, _made = Campaign.objects.update_or_create(
        year=loaded.form_year,
        defaults={"title": loaded.title, "county": county, "pack": pack, "is_current": True, "is_demo": is_demo, "opened_by": by},
    )
    if starts is not None:
        clock.set_clock(campaign, starts)
    open_year(year=campaign.year, pack_hash=pack.hash)
    open_rows(loaded, campaign.year)
    return campaign


@dataclass(frozen=True, slots=True)
class InForce:
    """A pack put in force. `gone`: items of the pack before that it no longer asks; values there stay and are read as before.
    `lost`: (item, code, records): codes that records hold, that are in no list any more and that `recoded.csv` maps to no other; they are
    shown as they were written. `is_new_year`: it opened a campaign of its own. `job`: in which the worker finds computed values and roll-ups of rows
    again, where the pack says them otherwise."""

    published: PublishedPack
    campaign: Campaign
    gone: tuple[str, ...]
    lost: tuple[tuple[str, str, int], ...]
    is_new_year: bool
    is_same: bool
    job: Job | None


@transaction.atomic
def put_in_force(*, pack: Pack, directory: Path, by: User | None) -> InForce:
    """Publish a checked pack and let the county work by it: the year under way goes on, a later year opens. Raises CampaignRefused for a
    year that is over, and where an item that holds values would be read differently."""
    campaign = clock.current()
    before = pack_of(campaign.pack)
    if pack.form_year < campaign.year:
        raise CampaignRefused(
            _("这个政策包是 %(given)d 年的，现在是 %(now)d 年的年度工作，不能退回。") % {"given": pack.form_year, "now": campaign.year}
        )
    if wrong := _read_differently(before, pack):
        raise CampaignRefused(_("这些指标已有登记的值，不能改类型、小数位或存放位置：%(items)s。请另取名称。") % {"items": "、".join(wrong)})
    set_act("pack.publish")
    published = publish(pack=pack, directory=directory, by=by)
    is_same, is_new_year = published.pk == campaign.pack_id, pack.form_year > campaign.year
    if is_new_year:
        campaign = open_campaign(pack=published, county=campaign.county, by=by, is_demo=campaign.is_demo)
    elif not is_same:
        campaign.pack, campaign.title = published, pack.title
        campaign.save(update_fields=["pack", "title"])
        open_rows(pack, campaign.year)
    due = recomputing.Due() if is_same else recomputing.due(before, pack)
    if is_new_year:  # nothing is collected in it yet, and the year before keeps what its own pack computed
        due = replace(due, rollups=True, households=False)
    job = recomputing.start(due, pack, by)
    asked = {key for key, item in pack.indicators.items() if not item.retired}
    gone = tuple(sorted(key for key, item in before.indicators.items() if not item.retired and key not in asked))
    return InForce(published, campaign, gone, _lost_codes(before, pack), is_new_year, is_same, job)


def _lost_codes(before: Pack, after: Pack) -> tuple[tuple[str, str, int], ...]:
    """Codes of the pack before that records hold and the new one does not know, and how many records."""
    found = []
    for item in after.indicators.values():
        old = before.indicators.get(item.key)
        if old is None or not old.list or old.list not in before.lists or old.home != "record" or item.retired:
            continue
        known = {one.code for one in after.lists.get(item.list, ())} | after.succession.recoded(item.list, before.form_year).keys()
        for one in before.lists[old.list]:
            if one.code in known:
                continue
            held = {f"values__{item.name}__contains": [one.code]} if item.multi else {f"values__{item.name}": one.code}
            if count := Record.objects.filter(form=item.form, **held).count():
                found.append((item.key, f"{one.code} {one.zh}", count))
    return tuple(found)


def _read_differently(before: Pack, after: Pack) -> list[str]:
    """Items whose stored values would mean something else: told only where a record holds one. What a register asked may be computed from now on,
    and the other way round: the value means the same, and what was typed stays in the row's history."""
    found = []
    for key, item in after.indicators.items():
        old = before.indicators.get(key)
        if old is None or old.home not in ("record", "computed"):
            continue
        is_elsewhere = old.home == "record" != item.home and not (item.home == "computed" and after.forms[item.form].is_register)
        if not is_elsewhere and (old.type, old.scale, old.multi) == (item.type, item.scale, item.multi):
            continue
        if Record.objects.filter(form=item.form, values__has_key=item.name).exclude(**{f"values__{item.name}": None}).exists():
            found.append(f"{item.zh}（{key}）")
    return found


@transaction.atomic
def unlock(*, of: Household | Record, year: int, reason: str, by: User) -> Unlock:
    """Open one household, or one table of a village, for entry after closing or approval. A reason of at least five characters is asked."""
    if len(reason.strip()) < 5:
        raise CampaignRefused(_("请写明解锁原因（至少 5 个字）。"))
    set_act("record.unlock")
    found, _made = Unlock.objects.get_or_create(
        **_whose(of),
        year=year,
        closed_at=None,
        defaults={"village_code": of.village_code, "reason": reason.strip()[:500], "opened_by": by},
    )
    return found


@transaction.atomic
def lock_again(*, of: Household | Record, year: int, by: User) -> None:
    set_act("record.lock_again")
    for found in Unlock.objects.filter(**_whose(of), year=year, closed_at__isnull=True):
        found.closed_at = timezone.now()
        found.save()


def _whose(of: Household | Record) -> dict[str, Any]:
    return {"household": of} if isinstance(of, Household) else {"record": of}


def unlock_in_force(of: Household | Record, year: int) -> Unlock | None:
    """Since when and why it is open all the same; None where it is not."""
    return Unlock.objects.filter(**_whose(of), year=year, closed_at__isnull=True).select_related("opened_by").first()


@transaction.atomic
def report_stage(*, campaign: Campaign, stage: str, region: Region, note: str, by: User) -> StageReport:
    """A unit reports a stage that nothing counts (mobilised, trained, summary handed in) as done."""
    known = clock.stage(campaign, stage)
    if known is None or known.metric != "reported":
        raise CampaignRefused(_("这个阶段由系统统计，不需要报告。"))
    set_act("stage.report")
    report, _made = StageReport.objects.update_or_create(
        campaign=campaign, stage=stage, region=region, defaults={"note": note[:500], "reported_by": by}
    )
    return report


def entry_gate(record: Record, user: User) -> Closed | None:
    """After the entry deadline of the campaign's clock nothing is entered but through a clue or an unlock."""
    campaign = Campaign.objects.select_related("pack").defer("pack__content", "pack__sources").filter(year=record.year).first()
    if campaign is None or not clock.entry_is_closed(campaign):
        return None
    closes_at = clock.entry_closes_at(campaign)
    last = closes_at - datetime.timedelta(minutes=1) if closes_at else None
    on = {"month": f"{last:%m}" if last else "", "day": f"{last:%d}" if last else ""}
    if record.subject_code:
        return Closed(_("录入已于%(month)s月%(day)s日 24:00截止。要修改这张表，请县里解锁并说明原因。") % on)
    return Closed(_("录入已于%(month)s月%(day)s日 24:00截止。有疑问线索的农户可从线索进入更正，其他修改请县里解锁并说明原因。") % on)


def is_unlocked(record: Record, user: User) -> bool:
    return _unlock_of(record) is not None


def _unlock_of(record: Record) -> Unlock | None:
    return unlock_in_force(record if record.household is None else record.household, record.year)


def said_unlocked(record: Record) -> Unlocked | None:
    """As pages say it."""
    found = _unlock_of(record)
    return Unlocked(found.reason, found.opened_by.name, found.opened_at) if found is not None else None
