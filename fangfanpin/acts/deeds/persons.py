"""A person entered twice becomes one: one row is kept, what hangs on the other follows, the other stays as merged into the first."""

import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.acts.deeds.members import called, check_open
from fangfanpin.acts.models import Act
from fangfanpin.acts.moving import close_clue, clues_along, lead_of, live_members, records_along, refresh, renew_entries, retire
from fangfanpin.acts.plans import ActRefused, Line, Plan, Trace
from fangfanpin.households.models import Person
from fangfanpin.households.subjects import PERSON_COLUMNS, PERSON_SECRETS, person_values, plain_secret, set_person_value
from fangfanpin.pack import Pack
from fangfanpin.policy.services import spoken
from fangfanpin.quality.models import OPEN_STATES, Clue
from fangfanpin.records.current_year import CurrentYear
from fangfanpin.records.models import Conflict, ImportDifference, Record
from fangfanpin.records.units import HEAD, LIVE, PERSON_FORM
from fangfanpin.registers.models import Entry, Link

# Items of the person that are filled from the other row where they are empty; membership and codes are the row's own.
_FILLED = tuple(
    name
    for name in (*PERSON_COLUMNS, *PERSON_SECRETS)
    if name not in ("person_id", "relation_to_head", "member_state", "change_kind", "change_reason", "change_date")
)

_WHO = ("member_name", "id_number", "birth_date", "sex")


def plan(kept: Person, double: Person, *, now: CurrentYear) -> Plan:
    """Raises ActRefused. What both say is not overwritten: the kept row's word stands, and the page shows both."""
    if kept.pk == double.pk:
        raise ActRefused(_("请选另外一个人。"), "person")
    if kept.merged_into_id or double.merged_into_id:
        raise ActRefused(_("其中一条已经合并过了。"))
    if kept.member_state != LIVE:
        raise ActRefused(_("保留的这一条要是在户的成员。"))
    check_open(kept.household, now.year)
    check_open(double.household, now.year)
    others = [person for person in live_members(double.household) if person.pk != double.pk]
    same_household = kept.household_id == double.household_id
    if double.member_state == LIVE and not same_household:
        if not others:
            raise ActRefused(_("%(name)s只有这一个人，请先并户。") % {"name": called(double.household)})
        if double.relation_to_head == HEAD:
            raise ActRefused(_("重复的这一条是%(name)s的户主，请先给这户换户主。") % {"name": called(double.household)})
    lines = _lines(kept, double, spoken(now.pack), now.year)

    def work(trace: Trace) -> None:
        keep, gone = (Person.objects.select_for_update().select_related("household").get(pk=row.pk) for row in (kept, double))
        if same_household and gone.relation_to_head == HEAD and gone.member_state == LIVE:
            keep.relation_to_head = HEAD
        _fill(keep, gone)
        keep.version += 1
        keep.save()
        _records(keep, gone, now.year)
        _references(keep, gone, now.pack)
        _clues(keep, gone)
        conflicts = Conflict.objects.filter(target=str(gone.pk))
        conflicts.update(target=str(keep.pk), household=keep.household, village_code=keep.village_code)
        ImportDifference.objects.filter(person=gone).update(person=keep, household=keep.household, village_code=keep.village_code)
        _memberships(keep, gone, timezone.localdate())
        retire(gone, keep)
        refresh(keep.household)
        if not same_household:
            refresh(gone.household)

    return Plan(
        kind=Act.Kind.MERGE_PERSON,
        title=_("合并重复的人：保留%(where)s的 %(who)s（%(code)s），并入 %(other)s")
        % {"where": called(kept.household), "who": kept.member_name, "code": kept.code, "other": double.code},
        villages=tuple(dict.fromkeys((kept.village_code, double.village_code))),
        household_id=kept.household_id,
        lines=lines,
        work=work,
        warnings=[*_unlike(kept, double, spoken(now.pack)), _("两条都填了、又不一样的，以保留的一条为准；另一条不删除，仍可查到。")],
    )


def _unlike(kept: Person, double: Person, pack: Pack) -> list[str]:
    """What says that they are two people: the identity number by its digest, for it is not read."""
    mine = {**person_values(kept), "id_number": kept.id_number_digest}
    theirs = {**person_values(double), "id_number": double.id_number_digest}
    found = [name for name in _WHO if mine.get(name) and theirs.get(name) and mine[name] != theirs[name]]
    words = "、".join(pack.indicators[f"{PERSON_FORM}.{name}"].label for name in found)
    return [_("注意：两条的%(items)s不一样，可能不是同一个人。请先看证件，核对清楚再办。") % {"items": words}] if found else []


def _lines(kept: Person, double: Person, pack: Pack, year: int) -> list[Line]:
    """What both rows say and what the kept one says afterwards: (item, both, afterwards), where they differ."""
    lines: list[Line] = [(_("所在户"), f"{called(kept.household)} / {called(double.household)}", called(kept.household))]
    lines.append((_("人编号"), f"{kept.code} / {double.code}", kept.code))
    mine, theirs = person_values(kept), person_values(double)
    for name in _FILLED:
        item = pack.indicators.get(f"{PERSON_FORM}.{name}")
        if item is None or mine.get(name) == theirs.get(name):
            continue
        said = [pack.display(item, value) if value is not None else "—" for value in (mine.get(name), theirs.get(name))]
        lines.append((item.label, f"{said[0]} / {said[1]}", said[0] if mine.get(name) is not None else said[1]))
    own, other = ({record.year: record for record in Record.objects.filter(form=PERSON_FORM, subject_id=row.pk)} for row in (kept, double))
    for of_year, record in sorted(other.items()):
        if of_year not in own:
            lines.append((_("%(year)s 年的个人信息") % {"year": of_year}, _("在另一条上"), _("归到保留的一条")))
            continue
        for name, value in record.values.items():
            item = pack.indicators.get(f"{PERSON_FORM}.{name}")
            here = own[of_year].values.get(name)
            if item is None or value is None or value == here:
                continue
            said = [pack.display(item, one) if one is not None else "—" for one in (here, value)]
            lines.append((f"{of_year} {item.label}", f"{said[0]} / {said[1]}", said[1] if name not in own[of_year].values else said[0]))
    count = Entry.objects.filter(person=double).count() + Link.objects.filter(to_person=double, is_current=True).count()
    if count:
        lines.append((_("台账里的登记和引用"), _("%(count)d 处指着另一条") % {"count": count}, _("改指保留的一条")))
    return lines


def _fill(keep: Person, gone: Person) -> None:
    mine, theirs = person_values(keep), person_values(gone)
    for name in _FILLED:
        if mine.get(name) is None and theirs.get(name) is not None:
            set_person_value(keep, name, plain_secret(gone, name) if name in PERSON_SECRETS else theirs[name])


def _records(keep: Person, gone: Person, year: int) -> None:
    """Yearly records: what the kept row has no record of follows; where both have one, only what was never asked is filled, and the other's
    stays with the other. Rows of registers follow."""
    own = {record.year: record for record in Record.objects.filter(form=PERSON_FORM, subject_id=keep.pk)}
    moved = []
    for record in Record.objects.filter(Q(person=gone) | Q(subject_id=gone.pk)).distinct():
        known = own.get(record.year) if record.form == PERSON_FORM else None
        if known is not None:
            news = {name: value for name, value in record.values.items() if value is not None and name not in known.values}
            if news:
                known.values = {**known.values, **news}
                known.version += 1
                known.save()
            continue
        record.person, record.subject_id = keep, keep.pk if record.subject_id == gone.pk else record.subject_id
        if record.form != PERSON_FORM or record.year >= year - 1:
            record.household, record.village_code = keep.household, keep.village_code
            if record.form == PERSON_FORM:
                record.parent = lead_of(keep.household, record.year)
        record.version += 1
        record.save()
        moved.append(record.pk)
    Entry.objects.filter(record_id__in=moved).update(person=keep)
    records_along(list(Record.objects.filter(pk__in=moved, household=keep.household).values_list("pk", flat=True)), keep.household)


def _references(keep: Person, gone: Person, pack: Pack) -> None:
    """References of other rows, in their values and their links; list rows that show them are written anew."""
    links = list(Link.objects.filter(to_person=gone).select_related("record"))
    old, new = str(gone.pk), str(keep.pk)
    touched: set[Any] = set()
    for link in links:
        record = Record.objects.get(pk=link.record_id)
        value = record.values.get(link.name)
        if value == old or (isinstance(value, list) and old in value):
            record.values = {**record.values, link.name: new if value == old else sorted({new if one == old else one for one in value})}
            record.version += 1
            record.save()
            touched.add(record.pk)
    Link.objects.filter(pk__in=[link.pk for link in links]).update(to_person=keep)
    renew_entries(list(touched | set(Entry.objects.filter(person=keep).values_list("record_id", flat=True))), pack)


def _clues(keep: Person, gone: Person) -> None:
    """Questions about the other row are about the kept one now, unless it has the same question itself."""
    own = set(Clue.objects.filter(subject_kind="person", subject_id=keep.pk).values_list("rule_id", "year"))
    for clue in Clue.objects.filter(subject_kind="person", subject_id=gone.pk):
        if (clue.rule_id, clue.year) not in own:
            clue.subject_id, clue.person = keep.pk, keep
            clue.save()
            clues_along([clue.pk], keep.household)
        elif clue.state in OPEN_STATES:
            close_clue(clue, _("重复的人已合并"))


def _memberships(keep: Person, gone: Person, on: datetime.date) -> None:
    """Where the other row lived before is the person's history; in the kept row's own household it says nothing new and only ends."""
    for membership in gone.memberships.all():
        if membership.valid_to is None:
            membership.valid_to = on
        if membership.household_id != keep.household_id:
            membership.person = keep
        membership.save()
