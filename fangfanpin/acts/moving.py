"""The rows of a household, a person, a division go to another place: every table, by what its rows know of themselves.

Tables are asked for, not listed: an app that comes later is moved as well.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.apps import apps
from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.acts.models import Act, PlannedAct
from fangfanpin.acts.plans import Report, quiet
from fangfanpin.audit.models import Event
from fangfanpin.campaigns.models import Unlock
from fangfanpin.files.models import StoredFile
from fangfanpin.households.models import Household, Membership, Pairing, Person
from fangfanpin.households.subjects import initials, name_key
from fangfanpin.pack import Pack
from fangfanpin.quality.models import Clue, ClueSample, ClueStep, VillageQuality
from fangfanpin.quality.queries import DUE
from fangfanpin.questions.models import Question, Reply
from fangfanpin.records.members import INCREASE, LEFT
from fangfanpin.records.models import Conflict, Record
from fangfanpin.records.units import HEAD, HOUSEHOLD_FORM, LIVE, PERSON_FORM
from fangfanpin.registers.bulk import write_entries
from fangfanpin.registers.definitions import registers_of
from fangfanpin.registers.models import Entry, Link

_AT_ONCE = 2000


def personal_models() -> list[type[Model]]:
    """Every table whose rows belong to a household and know its village, but the households, events, acts and plans of acts themselves."""
    return [
        model
        for model in apps.get_models()
        if model.__module__.startswith("fangfanpin.")
        and model not in (Household, Event, Act, PlannedAct)
        and {"village_code", "household_id"} <= {f.attname for f in model._meta.concrete_fields}
    ]


@dataclass(frozen=True, slots=True)
class Extent:
    """What hangs on some households: `persons` live members, `clues` that wait for an answer, `pairings` in force; `rows` of every table."""

    households: int
    persons: int
    clues: int
    pairings: int
    rows: int


def extent_of(homes: QuerySet[Household]) -> Extent:
    """Counted, nothing is read."""
    keys = homes.order_by().values("pk")
    households = homes.count()
    return Extent(
        households=households,
        persons=Person.objects.filter(household_id__in=keys, member_state=LIVE, merged_into__isnull=True).count(),
        clues=Clue.objects.filter(DUE, household_id__in=keys).count(),
        pairings=Pairing.objects.filter(household_id__in=keys, end_on__isnull=True).count(),
        rows=households + sum(model._default_manager.filter(household_id__in=keys).count() for model in personal_models()),
    )


@dataclass(slots=True)
class Tally:
    """How many rows have moved, told as it goes."""

    total: int = 0
    report: Report = quiet
    done: int = 0

    def add(self, rows: int) -> None:
        self.done += rows
        self.report(min(self.done, self.total), self.total, _("已转 %(done)d 条资料，共 %(total)d 条") % {"done": self.done, "total": self.total})


def move_households(ids: Iterable[UUID], village_code: str, tally: Tally | None = None) -> None:
    """Everything that belongs to the households stands in another village from now on."""
    keys, told = list(ids), tally or Tally()
    for start in range(0, len(keys), _AT_ONCE):
        part = keys[start : start + _AT_ONCE]
        told.add(Household.objects.filter(pk__in=part).exclude(village_code=village_code).update(village_code=village_code))
        for model in personal_models():
            rows = model._default_manager.filter(household_id__in=part).exclude(village_code=village_code)
            told.add(rows.update(village_code=village_code))


@dataclass(slots=True)
class Relocation:
    """Divisions whose rows go to another: `villages` and `natural` old code → new code. `same`: codes of those that only got another code,
    whose own records go along; the records of what was merged into another stay under its name."""

    villages: dict[str, str] = field(default_factory=dict)
    natural: dict[str, str] = field(default_factory=dict)
    same: set[str] = field(default_factory=set)


def relocate(moves: Relocation, pack: Pack, tally: Tally) -> None:
    """Move every row. The new divisions are there and within reach."""
    for old, new in moves.natural.items():
        ids = list(Household.objects.filter(natural_village_code=old).values_list("pk", flat=True))
        tally.add(Household.objects.filter(pk__in=ids).update(natural_village_code=new, village_code=new[:12]))
        move_households(ids, new[:12], tally)
        own = Record.objects.filter(subject_kind=Record.SubjectKind.NATURAL_VILLAGE, subject_code=old)
        _move_records(own, new[:12], new if old in moves.same else None, pack)
    for old, new in moves.villages.items():
        move_households(list(Household.objects.filter(village_code=old).values_list("pk", flat=True)), new, tally)
        own = Record.objects.filter(village_code=old, household__isnull=True)
        if old in moves.same:
            own.filter(subject_code=old).update(subject_code=new)
        _move_records(own, new, None, pack)
        for model in personal_models():
            if model is VillageQuality and old not in moves.same:
                continue  # as it stood then, one row a sweep: it stays under the name it was counted for
            model._default_manager.filter(village_code=old, household_id__isnull=True).update(village_code=new)


def _move_records(records: QuerySet[Record], village_code: str, subject_code: str | None, pack: Pack) -> None:
    """Records that belong to no household, with their list rows; what lists read of the village is written anew."""
    ids = list(records.values_list("pk", flat=True))
    if not ids:
        return
    rows = Record.objects.filter(pk__in=ids)
    rows.update(village_code=village_code, **({"subject_code": subject_code} if subject_code else {}))
    for own in (Link.objects.filter(record_id__in=ids), Unlock.objects.filter(record_id__in=ids)):
        own.update(village_code=village_code)
    clues_of_rows_along(ids, village_code)
    renew_entries(ids, pack)


def clues_of_rows_along(records: Sequence[UUID], village_code: str) -> None:
    """Clues on rows of registers, under no household, lie where the rows lie."""
    rows, clues = Record.objects.filter(pk__in=records), Clue.objects.filter(subject_id__in=records)
    for beside in (ClueStep.objects.filter(clue__in=clues), ClueSample.objects.filter(clue__in=clues)):
        beside.update(village_code=village_code)
    clues.update(village_code=village_code)
    for code in rows.values_list("subject_code", flat=True).distinct():  # a village that goes on under another code is the same one
        clues.exclude(subject_code="").filter(subject_id__in=rows.filter(subject_code=code).values("pk")).update(subject_code=code)


def renew_entries(records: Sequence[UUID], pack: Pack) -> None:
    """List rows of the records are written anew, those that show a value of another row."""
    forms = set(Entry.objects.filter(record_id__in=records).values_list("form", flat=True))
    for register in registers_of(pack):
        if register.key in forms:
            write_entries(register, pack, only=records)


# --- persons


def move_person(
    person: Person, household: Household, *, relation: str, on: datetime.date, leave_reason: str, arrive_reason: str, position: int, year: int
) -> None:
    """A live member becomes a member of another household: membership, this year's and last year's record, clues, registers of the person."""
    former = person.household
    for membership in person.memberships.filter(valid_to__isnull=True):
        membership.valid_to, membership.leave_reason = on, leave_reason
        membership.save()
    person.household, person.village_code = household, household.village_code
    person.relation_to_head, person.position = relation, position
    person.change_kind, person.change_reason, person.change_date = (INCREASE, arrive_reason, on) if arrive_reason else ("", "", None)
    person.version += 1
    person.save()
    Membership.objects.create(
        person=person, household=household, village_code=household.village_code, relation_to_head=relation, valid_from=on, arrive_reason=arrive_reason
    )
    own = Q(person=person) & (~Q(form=PERSON_FORM) | Q(year__gte=year - 1))
    records = list(Record.objects.filter(own))
    for record in records:
        record.household, record.village_code = household, household.village_code
        if record.form == PERSON_FORM:
            record.parent = lead_of(household, record.year)
        record.version += 1
        record.save()
    records_along([record.pk for record in records], household)
    clues = list(Clue.objects.filter(person=person, year__gte=year - 1).values_list("pk", flat=True))
    clues_along(clues, household)
    Conflict.objects.filter(household=former, target=str(person.pk)).update(household=household, village_code=household.village_code)


def lead_of(household: Household, year: int) -> Record | None:
    """The record that leads a household's year."""
    return Record.objects.filter(form=HOUSEHOLD_FORM, year=year, subject_id=household.pk, subject_kind="household").first()


def records_along(records: list[UUID], household: Household) -> None:
    """List rows, links and questions follow their records."""
    for rows in (Entry.objects.filter(record_id__in=records), Link.objects.filter(record_id__in=records)):
        rows.update(household=household, village_code=household.village_code)
    _questions_along(Question.objects.filter(record_id__in=records), household)


def clues_along(clues: list[UUID], household: Household) -> None:
    """Steps, their papers, samples and questions follow a clue."""
    Clue.objects.filter(pk__in=clues).update(household=household, village_code=household.village_code)
    steps = ClueStep.objects.filter(clue_id__in=clues)
    papers = list(steps.filter(file__isnull=False).values_list("file_id", flat=True))
    steps.update(household_id=household.pk, village_code=household.village_code)
    StoredFile.objects.filter(pk__in=papers).update(household_id=household.pk, village_code=household.village_code)
    ClueSample.objects.filter(clue_id__in=clues).update(household=household, village_code=household.village_code)
    _questions_along(Question.objects.filter(clue_id__in=clues), household)


def close_clue(clue: Clue, note: str) -> None:
    """There is nobody, or nothing, left to ask about."""
    clue.state, clue.closed_at = Clue.State.CLOSED, timezone.now()
    clue.save()
    ClueStep.objects.create(clue=clue, household_id=clue.household_id, village_code=clue.village_code, kind=ClueStep.Kind.CLOSED, note=note)


def _questions_along(questions: QuerySet[Question], household: Household) -> None:
    ids = list(questions.values_list("pk", flat=True))
    Reply.objects.filter(question_id__in=ids).update(household=household, village_code=household.village_code)
    Question.objects.filter(pk__in=ids).update(household=household, village_code=household.village_code)


def live_members(household: Household) -> list[Person]:
    return list(household.persons.filter(member_state=LIVE, merged_into__isnull=True).order_by("position", "code"))


def refresh(household: Household) -> None:
    """Head's name and number of members of a household whose members changed, as records.members keeps them; numbers them anew."""
    live = live_members(household)
    head = next((person for person in live if person.relation_to_head == HEAD), None)
    household.member_count = len(live)
    if head is not None:
        household.head_name, household.head_name_key, household.head_initials = (
            head.member_name,
            name_key(head.member_name),
            initials(head.member_name),
        )
    household.version += 1
    household.save()


def retire(person: Person, into: Person) -> None:
    """The row stays, as one that is another's; no household counts it."""
    person.merged_into = into
    person.member_state, person.change_kind, person.change_reason, person.change_date = LEFT, "", "", None
    person.version += 1
    person.save()
