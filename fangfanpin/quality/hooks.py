"""What quality tells the apps below: re-check of what was saved or imported and of the villages it lies in, what blocks submission, an open clue
opens a closed record; who leaves is followed in the clues."""

import datetime
from collections.abc import Collection
from uuid import UUID

from fangfanpin.accounts.management import register_handover
from fangfanpin.accounts.models import User
from fangfanpin.quality.following import follow_household, follow_households, follow_rows, judge_later
from fangfanpin.quality.handing import Verifier, follow
from fangfanpin.quality.messages import say_places_by
from fangfanpin.quality.models import PLACES, Clue
from fangfanpin.quality.queries import DUE
from fangfanpin.quality.recheck import must_be_corrected, recheck, recheck_households, recheck_rows
from fangfanpin.records.changed import register_households_changed, register_villages_changed
from fangfanpin.records.current_year import year_if_any
from fangfanpin.records.gates import register_opener
from fangfanpin.records.models import Record
from fangfanpin.records.saving import register_after_save, register_before_submit
from fangfanpin.regions.names import place_of
from fangfanpin.registers.written import register_after_rows


def has_open_clue(record: Record, user: User) -> bool:
    """A clue that asks for an answer opens the household after closing and after approval; one on a village opens its tables, for what is wrong
    with a sum is mended below. What is locked stays so."""
    if record.state == Record.State.LOCKED:
        return False
    due = Clue.objects.filter(DUE, year=record.year)
    if record.household_id is not None:
        return due.filter(household_id=record.household_id).exists()
    return record.subject_kind in PLACES and due.filter(village_code=record.village_code, subject_kind__in=PLACES).exists()


def recheck_imported(households: Collection[UUID]) -> None:
    if (year := year_if_any()) is not None:
        recheck_households(households, year.pack, None)


def hand_over_clues(leaver: User, successor: User, day: datetime.date, by: User | None) -> None:
    """Who replaces somebody verifies what was left to them."""
    follow(household_id=None, former=Verifier(leaver.name, leaver.pk), to=Verifier(successor.name, successor.pk), by=by)


say_places_by(place_of)
register_handover(hand_over_clues)
register_after_save(recheck)
register_after_save(follow_household)
register_after_rows(recheck_rows)
register_after_rows(follow_rows)
register_households_changed(recheck_imported)
register_households_changed(follow_households)
register_villages_changed(judge_later)
register_before_submit(must_be_corrected)
register_opener(has_open_clue)
