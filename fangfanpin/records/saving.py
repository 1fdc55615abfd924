"""Save what was collected in a household: the one way in for desk and phone.

A save carries the version it saw of each target and only what was done (ops). The household is locked, what changed since is read
from the events, different items merge, the same item or two parts of one sum are both kept until a person decides. A retry with
the same client id changes nothing and gets the same answer.
"""

import datetime
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.expressions import evaluate
from fangfanpin.expressions.closures import Closure, compiled
from fangfanpin.households.models import Household, Location
from fangfanpin.households.subjects import (
    NOT_TYPED,
    has_column,
    household_facts,
    household_values,
    longest,
    mask_secret,
    person_facts,
    person_values,
    set_household_value,
    set_person_value,
)
from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.codec import CodecFault, millionths, parse_point
from fangfanpin.pack.model import Computation, Constraint
from fangfanpin.pack.once import once_per_pack
from fangfanpin.policy.services import spoken
from fangfanpin.privacy.secrets import decrypt, digest, encrypt
from fangfanpin.records import gates, members, pictures
from fangfanpin.records.identities import impossible
from fangfanpin.records.merging import Change, changed_since, clash
from fangfanpin.records.models import Conflict, Record, SaveReceipt
from fangfanpin.records.units import (
    HOUSEHOLD_FORM,
    PERSON_FORM,
    TARGET_HOUSEHOLD,
    Scopes,
    Unit,
    carried_over,
    carries,
    load_unit,
    location_values,
    scopes_of,
    target_record,
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MOST_ACCURACY_M = 100_000  # of a phone that found a place at all
MAX_OPS = 3000  # eleven members, every item, several times over


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one offered value; nothing of the save is stored. `items`: all it is about, where `name` is only the first."""

    target: str
    name: str
    message: str
    items: tuple[str, ...] = ()


class SaveFaults(Exception):
    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = tuple(faults)


class EntryClosed(Exception):
    """A gate is closed; the message says which and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class SaveRequest:
    """`base`: {target: record version seen}; `ops` as in docs/field-api.md."""

    client_id: UUID
    base: Mapping[str, int]
    ops: Sequence[Mapping[str, Any]]
    claimed_at: datetime.datetime | None = None


@dataclass(slots=True)
class _Work:
    """One save under way."""

    unit: Unit
    pack: Pack
    by: User
    source: str
    moment: datetime.datetime
    touched: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    merged: list[dict[str, str]] = field(default_factory=list)
    subjects_touched: set[str] = field(default_factory=set)
    submits: bool = False


AfterSave = Callable[[Unit, Pack, User], Sequence[Mapping[str, Any]]]
BeforeSubmit = Callable[[Unit, Pack], Sequence[Fault]]
_after_save: list[AfterSave] = []
_before_submit: list[BeforeSubmit] = []


def register_after_save(hook: AfterSave) -> None:
    """Quality re-checks the household here; what it returns goes to the client as `clues`."""
    _after_save.append(hook)


def register_before_submit(hook: BeforeSubmit) -> None:
    """Quality says here which must-fix rules still hit: they block submission."""
    _before_submit.append(hook)


@transaction.atomic
def save(*, household: Household, request: SaveRequest, year: int, pack: Pack, by: User, reach: Reach, source: str = "web") -> dict[str, Any]:
    """Store what was done and answer the client. `household` must have been fetched within reach.

    Raises EntryClosed (409) or SaveFaults (422); then nothing is stored.
    """
    unit = load_unit(household, year, lock=True)
    known = SaveReceipt.objects.filter(client_id=request.client_id).first()
    if known is not None:
        if known.user_id != by.pk or known.household_id != household.pk:
            raise SaveFaults([Fault(TARGET_HOUSEHOLD, "", _("这次保存的编号已被使用，请刷新页面后再试。"))])
        return dict(known.reply)
    before, place = {target: dict(record.values) for target, record in unit.records.items()}, unit.location
    lead = target_record(unit, TARGET_HOUSEHOLD, pack.hash)
    state = lead.state
    reason = gates.closed(lead, by)
    if reason is not None:
        raise EntryClosed(reason.message)
    set_act(f"entry.save {request.client_id}")
    if lead.version == 0:
        _write(lead)
    work = _Work(unit=unit, pack=pack, by=by, source=source, moment=timezone.now())
    if len(request.ops) > MAX_OPS:
        raise SaveFaults([Fault(TARGET_HOUSEHOLD, "", _("一次保存的内容太多，请分几次保存。"))])
    _apply(work, request)
    if work.faults:
        raise SaveFaults(work.faults)
    _compute(work)
    if any(op.get("op") == "submit" for op in request.ops):
        _submit(work, reach)
    _store(work)
    unit.changed, unit.state_changed = _changed(unit, before), lead.state != state
    if unit.location is not place:
        unit.changed |= {(HOUSEHOLD_FORM, name) for name in location_values(unit.location)}
    _keep_pictures(work)
    clues = [clue for hook in _after_save for clue in hook(unit, pack, by)]
    reply = _reply(work, request, clues)
    SaveReceipt.objects.create(client_id=request.client_id, user=by, household=household, village_code=unit.household.village_code, reply=reply)
    return reply


def _apply(work: _Work, request: SaveRequest) -> None:
    offered: dict[str, dict[str, Any]] = {}
    for op in request.ops:
        kind = op.get("op")
        target = str(op.get("target", TARGET_HOUSEHOLD))
        if kind == "set":
            offered.setdefault(target, {})[str(op.get("name"))] = op.get("value")
        elif kind == "arrive":
            _arrive(work, op, offered)
        elif kind in ("leave", "stay", "head"):
            _change_member(work, str(kind), op)
        elif kind in ("tick", "untick"):
            _tick(work, target, str(op.get("section")), ticked=kind == "tick")
        elif kind == "visit":
            _visit(work, op)
        elif kind == "locate":
            _locate(work, op)
        elif kind == "check":
            lead = work.unit.records[TARGET_HOUSEHOLD]
            lead.checked_by = work.by
            work.touched.add(TARGET_HOUSEHOLD)
        elif kind != "submit":
            work.faults.append(Fault(target, "", _("不认识的操作：%(kind)s") % {"kind": kind}))
    for target, values in offered.items():
        _set_values(work, target, values, request.base)


def form_of(target: str) -> str:
    """The form a target's items belong to."""
    return HOUSEHOLD_FORM if target == TARGET_HOUSEHOLD else PERSON_FORM


def _set_values(work: _Work, target: str, values: Mapping[str, Any], base: Mapping[str, int]) -> None:
    unit, pack = work.unit, work.pack
    if target != TARGET_HOUSEHOLD and unit.person(target) is None:
        work.faults.append(Fault(target, "", _("这位成员不在本户，可能已被别人调整，请刷新后核对。")))
        return
    form, said = form_of(target), spoken(pack)
    accepted: dict[str, tuple[Indicator, Any]] = {}
    for name, value in values.items():
        indicator = said.indicators.get(f"{form}.{name}")
        fault = _refused(indicator, name) or (indicator and (said.check_json(indicator, value) or _too_long(indicator, value)))
        if not fault and indicator is not None and indicator.is_picture and value:
            fault = _not_its_own(unit.records.get(target), indicator, value, work.by)
        if fault or indicator is None:
            work.faults.append(Fault(target, name, str(fault)))
        else:
            accepted[name] = (indicator, value)
    _refuse_impossible(work, target, accepted)
    record = target_record(unit, target, pack.hash)
    seen = int(base.get(target, record.version))
    # One's own saves since then are no news, nor do they hide what others did before them.
    since = {name: change for name, change in changed_since(unit, target, record, seen).items() if change.by != work.by.pk}
    groups = pack.sum_groups(form)
    computed = frozenset(item.name for item in pack.forms[form].indicators if item.home == "computed")
    stored = _current_values(unit, target)
    news = {name: value for name, (_indicator, value) in accepted.items() if stored.get(name, _ABSENT) != value}
    clashes = clash(news, since, groups, computed)
    for name, value in news.items():
        change = clashes.get(name)
        if change is not None:
            work.conflicts.append(_conflict(work, target, accepted[name][0], stored.get(name), value, change))
            continue
        _set_one(work, target, accepted[name][0], value)
    if since:
        work.merged.extend({"target": target, "name": name} for name in since if name not in clashes and name not in computed)
    work.touched.add(target)


_ABSENT = object()


def _refused(indicator: Indicator | None, name: str) -> str | None:
    if indicator is None:
        return _("没有“%(name)s”这个指标") % {"name": name}
    if indicator.home in ("computed", "typed", "spell"):
        return _("“%(item)s”由系统计算或在别处登记，不能在这里填写") % {"item": indicator.label}
    if indicator.name in NOT_TYPED or (indicator.home == "subject" and not has_column(indicator.form, indicator.name)):
        return _("“%(item)s”不能直接填写") % {"item": indicator.label}
    return None


def _too_long(indicator: Indicator, value: Any) -> str | None:
    """A subject's column holds less than a record would."""
    limit = longest(indicator.form, indicator.name) if indicator.home == "subject" and isinstance(value, str) else None
    if limit is None or len(value) <= limit:
        return None
    return _("“%(item)s”太长，最多 %(most)d 个字") % {"item": indicator.label, "most": limit}


def _not_its_own(record: Record | None, indicator: Indicator, ids: Sequence[str], by: User) -> str | None:
    """Pictures are named by whoever handed them in, or were there before."""
    held = (record.values.get(indicator.name) if record else None) or []
    foreign = pictures.not_to_be_named(ids, held=held, record_id=record.id if record else None, by_id=by.pk)
    return _("“%(item)s”里有照片不能用在这里，请重新上传。") % {"item": indicator.label} if foreign else None


def _refuse_impossible(work: _Work, target: str, accepted: dict[str, tuple[Indicator, Any]]) -> None:
    """An identity number that no card can bear, by the type of card typed with it or known already."""
    person, typed = work.unit.person(target), accepted.get("id_number")
    if person is None or typed is None or typed[1] is None:
        return
    id_type = accepted["id_type"][1] if "id_type" in accepted else person.id_type
    if (fault := impossible(typed[1], id_type)) is not None:
        work.faults.append(Fault(target, "id_number", fault))


def _current_values(unit: Unit, target: str) -> dict[str, Any]:
    person = unit.person(target)
    subject = person_values(person) if person else household_values(unit.household)
    record = unit.records.get(target)
    return {**subject, **(record.values if record else {})}


def _set_one(work: _Work, target: str, indicator: Indicator, value: Any) -> None:
    unit = work.unit
    if indicator.home == "subject":
        person = unit.person(target)
        if person is not None:
            if indicator.name == "id_number" and value and (found := same_identity(value, str(person.id))):
                work.faults.append(Fault(target, indicator.name, found))
                return
            set_person_value(person, indicator.name, value)
        else:
            set_household_value(unit.household, indicator.name, value)
        work.subjects_touched.add(target)
    else:
        target_record(unit, target, work.pack.hash).values[indicator.name] = value


def same_identity(number: str, person_id: str) -> str | None:
    """Another live person with this number, also beyond one's reach: the village is named and no more."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ffp_village_of_identity(%s, %s)", [digest(number), person_id])
        row = cursor.fetchone()
    if not row or not row[0]:
        return None
    return _("这个证件号码在“%(village)s”已有人登记，请核对号码；确属同一人请联系乡镇办理转入。") % {"village": row[0]}


def _conflict(work: _Work, target: str, indicator: Indicator, stored: Any, offered: Any, change: Change) -> Conflict:
    """Both values, kept until a person decides; an offered secret number lies here as cipher and mask, like anywhere."""
    if indicator.privacy == "secret" and offered is not None:
        offered = {"cipher": encrypt(offered), "mask": mask_secret(indicator.name, offered)}
    return Conflict(
        household=work.unit.household,
        village_code=work.unit.household.village_code,
        target=target,
        name=indicator.name,
        stored=stored,
        stored_by_id=change.by or None,
        stored_at=change.at,
        stored_source=change.source,
        offered=offered,
        offered_by=work.by,
        offered_at=work.moment,
        offered_source=work.source,
    )


def _tick(work: _Work, target: str, section_key: str, *, ticked: bool) -> None:
    """ "Unchanged": last year's as-of and fixed values of the section become this year's, said by this person now.
    Period items are never carried: copying last year's income is falsification by default."""
    unit, pack = work.unit, work.pack
    form = pack.forms[form_of(target)]
    section = next((found for found in form.sections if found.key == section_key), None)
    if section is None or not section.tickable or (target != TARGET_HOUSEHOLD and unit.person(target) is None):
        work.faults.append(Fault(target, section_key, _("这一部分不能勾选“无变化”")))
        return
    record = target_record(unit, target, pack.hash)
    last = unit.last.get(target)
    if ticked:
        record.ticks[section_key] = {"by": work.by.pk, "at": work.moment.isoformat()}
        for name in section.items:
            indicator = pack.indicators[f"{form.key}.{name}"]
            if carries(indicator) and name not in record.values and last:
                record.values[name] = last.values.get(name)
    else:
        record.ticks.pop(section_key, None)
    work.touched.add(target)


def _visit(work: _Work, op: Mapping[str, Any]) -> None:
    lead = work.unit.records[TARGET_HOUSEHOLD]
    named = op.get("visited_by")
    visitors = [name for raw in (named if isinstance(named, list) else []) if (name := _CONTROL.sub("", str(raw)).strip()[:60])]
    try:
        lead.visited_on = datetime.date.fromisoformat(str(op["visited_on"])) if op.get("visited_on") else None
    except ValueError:
        work.faults.append(Fault(TARGET_HOUSEHOLD, "visited_on", _("入户日期应写成 2021-11-10 这样")))
        return
    lead.visitors = visitors[:4]
    work.touched.add(TARGET_HOUSEHOLD)


def _locate(work: _Work, op: Mapping[str, Any]) -> None:
    """Where the house stands, as somebody found it just now. The former place stays on record."""
    unit, datum, accuracy = work.unit, str(op.get("datum") or ""), op.get("accuracy_m")
    try:
        latitude, longitude = millionths(parse_point(str(op.get("point") or ""), spoken(work.pack).language))
    except CodecFault as fault:
        work.faults.append(Fault(TARGET_HOUSEHOLD, "point", str(fault)))
        return
    if datum not in work.pack.words.get("datum", {}):
        work.faults.append(Fault(TARGET_HOUSEHOLD, "point", _("请选坐标系")))
        return
    measured = isinstance(accuracy, (int, float)) and not isinstance(accuracy, bool) and 0 <= accuracy < MOST_ACCURACY_M
    Location.objects.filter(household=unit.household, is_current=True).update(is_current=False)
    unit.location = Location.objects.create(
        household=unit.household,
        village_code=unit.household.village_code,
        lat=latitude,
        lon=longitude,
        datum=datum,
        gps_accuracy_m=round(accuracy * 100) if measured and isinstance(accuracy, (int, float)) else None,
        located_at=work.moment,
        locator=work.by,
        locator_name=work.by.name[:60],
    )
    work.touched.add(TARGET_HOUSEHOLD)


def _arrive(work: _Work, op: Mapping[str, Any], offered: dict[str, dict[str, Any]]) -> None:
    try:
        person = members.arrive(
            unit=work.unit,
            person_id=UUID(str(op.get("person_id"))),
            reason=str(op.get("reason") or ""),
            on=datetime.date.fromisoformat(str(op.get("date"))),
            pack=work.pack,
        )
    except (ValueError, members.MemberRefused) as refusal:
        message = str(refusal) if isinstance(refusal, members.MemberRefused) else _("新增成员要写明增加原因和日期（如 2021-03-05）")
        work.faults.append(Fault(str(op.get("person_id")), "arrive", message))
        return
    if person is not None:
        target = str(person.id)
        given = op.get("values")
        for name, value in (given if isinstance(given, dict) else {}).items():
            offered.setdefault(target, {}).setdefault(str(name), value)
        work.touched.update({target, TARGET_HOUSEHOLD})
        work.subjects_touched.update({target, TARGET_HOUSEHOLD})


def _change_member(work: _Work, kind: str, op: Mapping[str, Any]) -> None:
    person = work.unit.person(str(op.get("person_id") or op.get("target")))
    try:
        if person is None:
            raise members.MemberRefused(_("这位成员不在本户，请刷新后核对"))
        if kind == "leave":
            touched = members.leave(
                unit=work.unit,
                person=person,
                reason=str(op.get("reason") or ""),
                on=datetime.date.fromisoformat(str(op.get("date"))),
                pack=work.pack,
            )
        elif kind == "stay":
            touched = members.stay(unit=work.unit, person=person)
        else:
            touched = members.make_head(unit=work.unit, person=person)
    except (ValueError, members.MemberRefused) as refusal:
        message = str(refusal) if isinstance(refusal, members.MemberRefused) else _("减少成员要写明原因和日期（如 2021-03-05）")
        work.faults.append(Fault(str(op.get("person_id")), kind, message))
        return
    work.touched.update(touched | {TARGET_HOUSEHOLD})
    work.subjects_touched.update(touched | {TARGET_HOUSEHOLD})


@once_per_pack
def _computations(pack: Pack) -> tuple[tuple[Computation, Closure], ...]:
    return tuple((one, compiled(one.expression)) for one in pack.computations if one.form in (HOUSEHOLD_FORM, PERSON_FORM))


@once_per_pack
def _constraints(pack: Pack) -> tuple[tuple[Constraint, Closure], ...]:
    return tuple((one, compiled(one.expression)) for one in pack.constraints if one.form in (HOUSEHOLD_FORM, PERSON_FORM))


def _of_form(scopes: Scopes, form: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """Scopes of the household, or of its members, by target."""
    return [(TARGET_HOUSEHOLD, scopes.household)] if form == HOUSEHOLD_FORM else scopes.persons.items()


def compute(unit: Unit, pack: Pack, scopes: Scopes | None = None) -> set[str]:
    """Write the pack's computed items of household and members; returns the targets whose values changed. `scopes`: those of the unit where they
    are made already; they hold what was computed then."""
    changed: set[str] = set()
    made = scopes_of(unit, pack) if scopes is None else scopes
    for computation, found_in in _computations(pack):
        form, name = computation.form, computation.name
        for target, scope in _of_form(made, form):
            record = unit.records.get(target)
            if record is None:
                continue
            value = pack.from_engine(form, name, found_in(scope))
            scope["row"][name] = pack.to_engine(form, name, value)  # the next one may ask for it
            if record.values.get(name, _ABSENT) != value:
                record.values[name] = value
                changed.add(target)
    return changed


def _compute(work: _Work) -> None:
    work.touched |= compute(work.unit, work.pack)


def visible_items(unit: Unit, pack: Pack, target: str, scope: Mapping[str, Any]) -> list[Indicator]:
    """Record items of a target's form that are asked: not retired, not computed, relevance TRUE or none."""
    found = []
    for indicator in pack.forms[form_of(target)].indicators:
        if indicator.home == "record" and not indicator.retired and is_relevant(indicator, pack, scope):
            found.append(indicator)
    return found


def is_relevant(indicator: Indicator, pack: Pack, scope: Mapping[str, Any]) -> bool:
    """Does the pack's condition for asking the item hold of a target, or is there none?"""
    relevance = pack.relevance.get(indicator.key)
    return relevance is None or evaluate(relevance, scope) is True


def constraint_faults(unit: Unit, pack: Pack, *, severity: str, scopes: Scopes | None = None) -> list[Fault]:
    """Constraints that are FALSE: what must not be submitted (`error`) or should be looked at (`warn`). `scopes`: as for `compute`."""
    made = scopes_of(unit, pack) if scopes is None else scopes
    found: list[Fault] = []
    for constraint, holds_in in _constraints(spoken(pack)):
        if constraint.severity != severity:
            continue
        for target, scope in _of_form(made, constraint.form):
            if holds_in(scope) is False:
                name = constraint.fields[0] if constraint.fields else ""
                found.append(Fault(target, name, constraint.message, constraint.fields))
    return found


_NOT_TYPED_HERE = frozenset({"image", "signature"})


def unconfirmed(unit: Unit, pack: Pack) -> list[Fault]:
    """Sections that still stand on last year's values which nobody ticked as unchanged or typed: submitting would store "left empty" for what
    was merely forgotten. One fault per section, as the entry screen shows it (field/src/desk/logic/layout.ts)."""
    standing = {target: values for target in unit.last if (values := carried_over(unit, pack, target))}
    if not standing:
        return []
    scopes = scopes_of(unit, pack, carried=standing)
    found: list[Fault] = []
    for target, scope in [(TARGET_HOUSEHOLD, scopes.household), *scopes.persons.items()]:
        if (carried := standing.get(target)) is None:
            continue
        asked = {item.name for item in visible_items(unit, pack, target, scope) if item.type not in _NOT_TYPED_HERE}
        ticks = unit.records[target].ticks if target in unit.records else {}
        for section in spoken(pack).forms[form_of(target)].sections:
            names = tuple(name for name in section.items if name in carried and name in asked)
            if names and section.key not in ticks:
                message = _("“%(section)s”还是上年的数：没有变化请勾选“无变化”，有变化请改") % {"section": section.title}
                found.append(Fault(target, names[0], message, names))
    return found


def _submit(work: _Work, reach: Reach) -> None:
    unit, pack = work.unit, work.pack
    lead = unit.records[TARGET_HOUSEHOLD]
    scopes = scopes_of(unit, pack)
    faults: list[Fault] = []
    if not lead.visitors:
        faults.append(Fault(TARGET_HOUSEHOLD, "visited_by", _("请填写入户采集人（两人）")))
    if lead.visited_on is None:
        faults.append(Fault(TARGET_HOUSEHOLD, "visited_on", _("请填写入户日期")))
    if open_sections := unconfirmed(unit, pack):
        raise SaveFaults(faults + open_sections)  # what the checks would say of values that nobody gave helps nobody
    for target, scope in [(TARGET_HOUSEHOLD, scopes.household), *scopes.persons.items()]:
        record = target_record(unit, target, pack.hash)
        for indicator in visible_items(unit, pack, target, scope):
            record.values.setdefault(indicator.name, None)  # asked and left empty
        work.touched.add(target)
    work.touched |= compute(unit, pack)
    faults += constraint_faults(unit, pack, severity="error")
    for hook in _before_submit:
        faults += hook(unit, pack)
    if faults:
        raise SaveFaults(faults)
    work.submits = True
    lead.state = Record.State.SUBMITTED
    lead.submitted_at = work.moment
    lead.return_reason = ""


def _store(work: _Work) -> None:
    unit = work.unit
    lead = unit.records[TARGET_HOUSEHOLD]
    if work.touched and lead.state in (Record.State.EMPTY, Record.State.APPROVED, Record.State.LOCKED):
        # Changed through a clue or an unlock after approval: it goes through review once more.
        lead.state = Record.State.DRAFT if lead.state == Record.State.EMPTY else Record.State.SUBMITTED
    if work.touched and not work.submits and lead.state == Record.State.SUBMITTED:
        if unconfirmed(unit, work.pack) or constraint_faults(unit, work.pack, severity="error"):
            lead.state = Record.State.DRAFT  # nobody reviews what could not have been handed in; who changed it hands it in again
    if work.touched:
        lead.entered_by = work.by
        work.touched.add(TARGET_HOUSEHOLD)
        lead.transferred_at = lead.transferred_by = None  # what was typed into the national system is out of date
    for target in sorted(work.subjects_touched):
        person = unit.person(target)
        if person is not None:
            person.version += 1
            person.save()
    members.refresh_household(unit)
    unit.registry_changed = bool(work.subjects_touched)
    if work.subjects_touched:
        unit.household.version += 1
        unit.household.save()
    for target in sorted(work.touched, key=lambda t: t != TARGET_HOUSEHOLD):
        record = target_record(unit, target, work.pack.hash)
        record.version += 1
        record.pack_hash = work.pack.hash
        record.origin = "entry" if work.source == "web" else work.source
        if record is not lead:
            record.parent = lead
        _write(record)
    Conflict.objects.bulk_create(work.conflicts)


def _keep_pictures(work: _Work) -> None:
    """Files that the stored records name are theirs; those of an offer that met another are too, for it waits to be decided on."""
    for target in work.touched:
        record = work.unit.records[target]
        pictures.keep_with(record, work.pack.forms[record.form])
    for conflict in work.conflicts:
        item = work.pack.indicators[f"{form_of(conflict.target)}.{conflict.name}"]
        if item.is_picture and conflict.offered:
            pictures.keep_ids(work.unit.records[conflict.target], item, conflict.offered)


def _changed(unit: Unit, before: Mapping[str, Mapping[str, Any]]) -> frozenset[tuple[str, str]]:
    """(form, item) of values that records hold now and did not before, or the other way round."""
    return frozenset(
        (record.form, name)
        for target, record in unit.records.items()
        for was in [before.get(target, {})]
        for name in {**was, **record.values}
        if was.get(name, _ABSENT) != record.values.get(name, _ABSENT)
    )


def is_reopened(lead: Record) -> bool:
    """Handed in once, changed since into what may not be handed in, and not handed in again."""
    return lead.state == Record.State.DRAFT and lead.submitted_at is not None


def _write(record: Record) -> None:
    if record.version == 0:
        record.version = 1
    record.save()


def conflict_json(conflict: Conflict) -> dict[str, Any]:
    """For the conflict screen: both values, who, when, from where."""
    return {
        "id": str(conflict.id),
        "target": conflict.target,
        "name": conflict.name,
        "mine": conflict.offered["mask"] if isinstance(conflict.offered, dict) else conflict.offered,
        "theirs": conflict.stored,
        "by": conflict.stored_by.name if conflict.stored_by else _("系统"),
        "at": conflict.stored_at.isoformat(),
        "source": conflict.stored_source,
        "offered_by": conflict.offered_by.name if conflict.offered_by else "",
        "offered_at": conflict.offered_at.isoformat(),
        "offered_source": conflict.offered_source,
    }


def _facts(unit: Unit, target: str) -> dict[str, Any]:
    """Derived facts of a target for the client's rules; never the digest."""
    person = unit.person(target)
    found = person_facts(person) if person else household_facts(unit.household)
    return {name: value for name, value in found.items() if name != "id18_digest"}


def _reply(work: _Work, request: SaveRequest, clues: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    unit = work.unit
    lead = unit.records[TARGET_HOUSEHOLD]
    return {
        "client_id": str(request.client_id),
        "versions": {target: record.version for target, record in unit.records.items()},
        "values": {target: _current_values(unit, target) for target in sorted(work.touched)},
        "ticks": {target: unit.records[target].ticks for target in sorted(work.touched) if target in unit.records},
        "facts": {target: _facts(unit, target) for target in sorted(work.touched)},
        "state": lead.state,
        "reopened": is_reopened(lead),
        "visit": {"visited_by": lead.visitors, "visited_on": lead.visited_on.isoformat() if lead.visited_on else None},
        "entered_by": lead.entered_by.name if lead.entered_by else None,
        "checked_by": lead.checked_by.name if lead.checked_by else None,
        "merged": work.merged,
        "conflicts": [conflict_json(conflict) for conflict in work.conflicts],
        "clues": list(clues),
        "saved_at": work.moment.isoformat(),
    }


@transaction.atomic
def resolve_conflict(*, conflict: Conflict, choice: str, value: Any, pack: Pack, year: int, by: User) -> Record:
    """A person decides: keep what stands (`theirs`), take what came later (`mine`), or type another value (`other`).
    Raises EntryClosed where the value would change after closing, or SaveFaults."""
    unit = load_unit(conflict.household, year, lock=True)
    conflict = Conflict.objects.select_for_update().get(pk=conflict.pk)
    if conflict.state == Conflict.State.RESOLVED:
        return target_record(unit, conflict.target, pack.hash)
    set_act(f"conflict.resolve {conflict.id}")
    work = _Work(unit=unit, pack=pack, by=by, source="web", moment=timezone.now())
    said = spoken(pack)
    indicator = said.indicators[f"{form_of(conflict.target)}.{conflict.name}"]
    if choice not in ("mine", "theirs", "other"):
        raise SaveFaults([Fault(conflict.target, conflict.name, _("请选择保留哪一个值"))])
    if choice != "theirs":
        if reason := gates.closed(target_record(unit, TARGET_HOUSEHOLD, pack.hash), by):
            raise EntryClosed(reason.message)
        offered = decrypt(conflict.offered["cipher"]) if isinstance(conflict.offered, dict) else conflict.offered
        chosen = offered if choice == "mine" else value
        fault = said.check_json(indicator, chosen) or _too_long(indicator, chosen)
        if not fault and choice == "other" and indicator.is_picture and chosen:
            fault = _not_its_own(unit.records.get(conflict.target), indicator, chosen, by)
        if fault:
            raise SaveFaults([Fault(conflict.target, conflict.name, fault)])
        _refuse_impossible(work, conflict.target, {conflict.name: (indicator, chosen)})
        _set_one(work, conflict.target, indicator, chosen)
        if work.faults:
            raise SaveFaults(work.faults)
        work.touched.add(conflict.target)
        _compute(work)
        _store(work)
        _keep_pictures(work)
        for hook in _after_save:
            hook(unit, pack, by)
    conflict.state = Conflict.State.RESOLVED
    conflict.choice = choice
    conflict.resolved_by = by
    conflict.resolved_at = work.moment
    conflict.save()
    return target_record(unit, conflict.target, pack.hash)
