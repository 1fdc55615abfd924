"""Working clues off: corrected, or confirmed true with evidence; reviewed by another person. Every deed is a step, nothing is deleted."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import set_act
from fangfanpin.campaigns import clock
from fangfanpin.files.models import StoredFile
from fangfanpin.files.pictures import NotAPicture, Upload, picture_of
from fangfanpin.files.services import store
from fangfanpin.pack import Pack, Rule
from fangfanpin.policy.services import pack_of
from fangfanpin.quality.models import OPEN_STATES, Clue, ClueStep
from fangfanpin.quality.recheck import find_hits, find_hits_of_row
from fangfanpin.quality.sweep import write_clues
from fangfanpin.records.models import Record
from fangfanpin.records.units import load_unit
from fangfanpin.regions.holding import hold

LEAST_NOTE = 2
LEAST_EVIDENCE = 8
LEAST_REASON = 4
MOST_TEXT = 500


class ClueRefused(Exception):
    """The deed cannot be done; the message (for the person) says why and what to do."""


def rule_of(clue: Clue, pack: Pack) -> Rule | None:
    """The rule as it is in force; None where the pack no longer has it."""
    return next((rule for rule in pack.rules if rule.id == clue.rule_id), None)


@transaction.atomic
def correct(*, clue: Clue, note: str, by: User) -> Clue:
    """ "Corrected": judged again at once. No longer hitting: closed. Hitting still: it stays open and says so. A rule over the whole county
    waits as "corrected" for the next sweep."""
    row = _answerable(clue)
    text = note.strip()[:MOST_TEXT]
    if len(text) < LEAST_NOTE:
        raise ClueRefused(_("请写明改了什么，例如“出生日期改为 2008-03-02”。"))
    set_act("clue.correct")
    _answered(row, Clue.State.CORRECTED, by)
    row.save()
    _step(row, ClueStep.Kind.CORRECTED, by, note=text)
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    rule = rule_of(row, pack)
    if rule is not None and rule.reach != "set" and campaign.year == row.year:
        mine = frozenset({row.rule_id})
        if row.household is not None:
            hits = find_hits(load_unit(row.household, row.year), pack, only=lambda one: one.id == row.rule_id)
            write_clues(hits=hits, campaign=campaign, pack=pack, households={row.household.pk}, rules=mine, by=by)
        else:
            record = Record.objects.exclude(state=Record.State.VOID).filter(pk=row.subject_id).first()
            found = find_hits_of_row(record, pack, clock.now(campaign).date()) if record else []
            hits = [hit for hit in found if hit.rule.id == row.rule_id]
            write_clues(hits=hits, campaign=campaign, pack=pack, rules=mine, subjects={row.subject_id}, by=by)
    row.refresh_from_db()
    return row


@transaction.atomic
def confirm(*, clue: Clue, evidence: str, upload: Upload | None, by: User) -> Clue:
    """ "Confirmed true": holds until a value that was used changes; another person reviews it."""
    row = _answerable(clue)
    text = evidence.strip()[:MOST_TEXT]
    if len(text) < LEAST_EVIDENCE:
        raise ClueRefused(_("请写明怎么核实的、看到什么（至少 %(least)d 个字）。") % {"least": LEAST_EVIDENCE})
    set_act("clue.confirm")
    file = _kept(row, upload, by) if upload is not None else None
    _answered(row, Clue.State.CONFIRMED, by)
    row.confirmed_digest = row.used_digest
    row.save()
    _step(row, ClueStep.Kind.CONFIRMED, by, note=text, file=file)
    return row


@transaction.atomic
def approve(*, clue: Clue, note: str, by: User) -> Clue:
    """A second person agrees with what was confirmed."""
    row = _reviewable(clue, by)
    set_act("clue.approve")
    row.reviewed_by, row.reviewed_at = by, timezone.now()
    row.save()
    _step(row, ClueStep.Kind.REVIEWED, by, note=note.strip()[:MOST_TEXT])
    return row


@transaction.atomic
def send_back(*, clue: Clue, reason: str, by: User) -> Clue:
    """Not convincing: open again, and the village reads why."""
    row = _reviewable(clue, by)
    text = reason.strip()[:MOST_TEXT]
    if len(text) < LEAST_REASON:
        raise ClueRefused(_("请写明退回原因（至少 %(least)d 个字），村里会看到。") % {"least": LEAST_REASON})
    set_act("clue.return")
    row.state, row.confirmed_digest = Clue.State.OPEN, ""
    row.reviewed_by, row.reviewed_at = by, timezone.now()
    row.save()
    _step(row, ClueStep.Kind.RETURNED, by, note=text)
    return row


@transaction.atomic
def dispute(*, clue: Clue, reason: str, by: User) -> Clue:
    """ "The rule is wrong": the data stay as they are, the county's keeper of rules decides. Stands until a value that was used changes."""
    row = _answerable(clue)
    text = reason.strip()[:MOST_TEXT]
    if len(text) < LEAST_EVIDENCE:
        raise ClueRefused(_("请写明规则哪里不对（至少 %(least)d 个字）。") % {"least": LEAST_EVIDENCE})
    set_act("clue.dispute")
    _answered(row, Clue.State.DISPUTED, by)
    row.confirmed_digest = row.used_digest
    row.save()
    _step(row, ClueStep.Kind.DISPUTED, by, note=text)
    return row


@transaction.atomic
def decide(*, clue: Clue, is_rule_wrong: bool, note: str, by: User) -> Clue:
    """The keeper of rules agrees: the household's data are right, remembered as confirmed. Or not: the clue is open again."""
    row = _locked(clue)
    text = note.strip()[:MOST_TEXT]
    if row.state != Clue.State.DISPUTED:
        raise ClueRefused(_("这条疑问现在是“%(state)s”，不用再定。请刷新页面。") % {"state": row.get_state_display()})
    if len(text) < LEAST_REASON:
        raise ClueRefused(_("请写明理由（至少 %(least)d 个字），提出的人会看到。") % {"least": LEAST_REASON})
    set_act("clue.decide")
    row.reviewed_by, row.reviewed_at = by, timezone.now()
    if is_rule_wrong:
        row.state = Clue.State.CONFIRMED
    else:
        row.state, row.confirmed_digest = Clue.State.OPEN, ""
    row.save()
    _step(row, ClueStep.Kind.CONCEDED if is_rule_wrong else ClueStep.Kind.UPHELD, by, note=text)
    return row


@transaction.atomic
def confirm_many(*, clues: Sequence[Clue], evidence: str, pack: Pack, by: User) -> int:
    """One answer for several clues of a rule that allows it; all or none. Returns how many. Raises ClueRefused."""
    for clue in clues:
        rule = rule_of(clue, pack)
        if rule is None or not rule.bulk_answer:
            raise ClueRefused(_("规则 %(rule)s 要逐户核实，不能成批答复。") % {"rule": clue.rule_id})
    hold({clue.village_code for clue in clues})
    for clue in clues:
        confirm(clue=clue, evidence=evidence, upload=None, by=by)
    return len(clues)


def _locked(clue: Clue) -> Clue:
    """As it stands once no change of divisions is at its village, which may be another by then."""
    hold([clue.village_code])
    row = Clue.objects.select_for_update().filter(pk=clue.pk).first()
    if row is None:
        raise ClueRefused(_("这条疑问刚刚随区划调整到别处去了。请刷新页面。"))
    return row


def _answerable(clue: Clue) -> Clue:
    row = _locked(clue)
    if row.state not in OPEN_STATES:
        raise ClueRefused(_("这条疑问现在是“%(state)s”，不用再答。请刷新页面。") % {"state": row.get_state_display()})
    return row


def _reviewable(clue: Clue, by: User) -> Clue:
    row = _locked(clue)
    if row.state != Clue.State.CONFIRMED or row.reviewed_at is not None:
        raise ClueRefused(_("这条疑问现在不需要审核。请刷新页面。"))
    if row.answered_by_id == by.pk:
        raise ClueRefused(_("核实和审核不能是同一个人，请另一位同事审核。"))
    return row


def _answered(row: Clue, state: Clue.State, by: User) -> None:
    row.state, row.answered_by, row.answered_at = state, by, timezone.now()
    row.reviewed_by = row.reviewed_at = None


def _step(row: Clue, kind: ClueStep.Kind, by: User, *, note: str = "", file: StoredFile | None = None) -> None:
    ClueStep.objects.create(clue=row, household_id=row.household_id, village_code=row.village_code, kind=kind, note=note, file=file, by=by)


def _kept(row: Clue, upload: Upload, by: User) -> StoredFile:
    """Keep what was handed in, a photo or PDF."""
    try:
        picture = picture_of(upload, called="佐证")
    except NotAPicture as fault:
        raise ClueRefused(str(fault)) from None
    return store(
        content=picture.content,
        name=picture.name,
        content_type=picture.content_type,
        purpose=StoredFile.Purpose.EVIDENCE,
        owner=by,
        village_code=row.village_code,
        household_id=row.household_id,
    )
