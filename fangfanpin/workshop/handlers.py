"""Try a rule on the county before it is published."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.campaigns.services import covers_county
from fangfanpin.files.models import StoredFile
from fangfanpin.files.services import store
from fangfanpin.households.models import Household, Person
from fangfanpin.jobs.exports import XLSX, Column, Table, write
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import JobRefused, Outcome, Progress, handles
from fangfanpin.pack import Pack, Rule
from fangfanpin.quality import messages, snapshot
from fangfanpin.quality.models import OF_ROWS, Clue
from fangfanpin.quality.sweep import Hit, find_hits
from fangfanpin.regions.names import name_of
from fangfanpin.registers.models import Entry
from fangfanpin.workshop.services import Draft, DraftRefused, judged

KIND = "workshop.try"


@handles(KIND)
def try_rule(job: Job, reach: Reach, progress: Progress) -> Outcome:
    """parameters: the draft's fields, `is_new`, `site` (where its links begin). Nothing is written: the county is read, its hits counted and
    listed."""
    campaign = clock.current()
    if not reach.has(Verb.RULE_MANAGE) or not covers_county(reach, campaign):
        raise JobRefused(_("规则只能由县里试算。"))
    given = dict(job.parameters)
    is_new, site = bool(given.pop("is_new", False)), str(given.pop("site", ""))
    draft = Draft.of(given)
    try:
        with judged(draft, is_new=is_new) as (pack, _folder):
            rule = next(one for one in pack.rules if one.id == draft.id)
    except DraftRefused as refused:
        raise JobRefused(_("规则写得不对：%(why)s") % {"why": str(refused)}) from None
    progress.report(0, 3)
    alone = replace(pack, rules=(rule,), screens=(), hash=f"{pack.hash} {rule.id} {uuid4()}")  # compiled for this trial only
    with snapshot.taken(campaign.year, alone, uuid4()) as database:
        progress.report(1, 3)
        hits = find_hits(database, alone, clock.now(campaign).date())
    progress.report(2, 3)
    confirmed = set(Clue.objects.filter(year=campaign.year, state=Clue.State.CONFIRMED, rule_id=rule.id).values_list("subject_id", flat=True))
    known = sum(hit.subject_id in confirmed for hit in hits)
    households = len({hit.household_id for hit in hits if hit.household_id})
    facts = {"hits": len(hits), "households": households, "known_true": known}
    if not hits:
        return Outcome(_("一个村也不会命中。") if rule.place else _("一户也不会命中。"), facts)
    message = _told(rule, households) % facts
    with TemporaryDirectory() as folder:
        path = Path(folder) / "hits.xlsx"
        table = _table(hits, alone, site)
        write(path, rule.title, table, by=job.owner.name if job.owner else "", report=lambda done, total: None)
        name = f"{rule.id}-{_('试算')}-{timezone.localtime():%Y%m%d-%H%M}.xlsx"
        file = store(content=path, name=name, content_type=XLSX, purpose=StoredFile.Purpose.EXPORT, owner=job.owner)
    return Outcome(message, facts, file)


def _told(rule: Rule, households: int) -> str:
    match rule.place:
        case "village":
            return _("会命中 %(hits)d 个村，其中 %(known_true)d 个以前核实过属实。")
        case "natural_village":
            return _("会命中 %(hits)d 个自然村，其中 %(known_true)d 个以前核实过属实。")
        case _ if households:
            return _("会命中 %(households)d 户、%(hits)d 条，其中 %(known_true)d 条以前核实过属实。")
        case _:
            return _("会命中 %(hits)d 条登记，其中 %(known_true)d 条以前核实过属实。")  # of projects, which are under no household


def _table(hits: list[Hit], pack: Pack, site: str) -> Table:
    households = Household.objects.in_bulk([hit.household_id for hit in hits if hit.household_id])
    persons = Person.objects.in_bulk([hit.person_id for hit in hits if hit.person_id])
    rows = Entry.objects.filter(record_id__in=[hit.subject_id for hit in hits if hit.kind in OF_ROWS])
    labels = dict(rows.values_list("record_id", "label"))

    def lines() -> Iterator[list[Any]]:
        for hit in sorted(hits, key=lambda one: (one.village_code, str(one.household_id))):
            home = households[hit.household_id] if hit.household_id else None  # a village or project is under none
            person = persons[hit.person_id] if hit.person_id else None
            said = messages.render(hit.rule, messages.codec_values(hit.rule, hit.used, pack), pack)
            place = [name_of(hit.village_code[:9]), name_of(hit.village_code)]
            whose = [home.code if home else "", home.head_name if home else "", person.member_name if person else ""]
            yield [*place, *whose, labels.get(hit.subject_id, ""), said, urljoin(site, _page_of(hit))]

    row = _("自然村或登记") if any(hit.rule.place for hit in hits) else "登记"
    titles = (("乡镇", 14), ("村", 14), ("户编号", 20), ("户主", 10), ("成员", 10), (row, 20), ("哪里不对", 60))
    return Table([*(Column(title, width=width) for title, width in titles), Column("打开", "link")], lines(), len(hits))


def _page_of(hit: Hit) -> str:
    """Where the subject is seen: the register's row, else the household."""
    return reverse("registers:row", args=[hit.subject_id]) if hit.kind in OF_ROWS else reverse("archives:household", args=[hit.household_id])
