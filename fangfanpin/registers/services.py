"""Add, change and strike rows of a register: typed texts are read by the dictionary, references resolved, constraints asked.

A row is kept as a whole or not at all. Two people at one row: items that only one of them changed are put together; the same item is
shown with both values, and whoever came later decides.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach, make_reach, set_act
from fangfanpin.accounts.verbs import Verb
from fangfanpin.audit.models import Event
from fangfanpin.expressions import evaluate
from fangfanpin.households.models import Household
from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.codec import CodecFault
from fangfanpin.pack.dictionary import PLACES
from fangfanpin.pack.model import Computation, Constraint
from fangfanpin.policy.services import spoken
from fangfanpin.records import gates, pictures, reviewing
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.regions.holding import hold
from fangfanpin.registers import apart, rollups, sealed, sources, yearly
from fangfanpin.registers.ahead import Ahead
from fangfanpin.registers.definitions import Register, registers_of
from fangfanpin.registers.mirror import reflect, unique_key_of, value_of
from fangfanpin.registers.models import Entry
from fangfanpin.registers.references import BETWEEN, Choice, ReferenceFault, Words
from fangfanpin.registers.spans import Span, overlap, span_between
from fangfanpin.registers.written import row_written

_TABLE = "records_record"
SHORTEST_REASON = 4


@dataclass(frozen=True, slots=True)
class Given:
    """What was typed into one field: `texts` (several where the item is multiple), for references the ids chosen in the page, for pictures those of
    their files; `wrong`: why something that was handed in could not be kept."""

    texts: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    wrong: str = ""


@dataclass(slots=True)
class Refused(Exception):
    """Nothing was stored. `faults`: {item: what to do}; `choices`: {item: what the text may mean}; `doubts`: unlikely but allowed when said
    so; `seen`: the version these faults were found against."""

    faults: dict[str, str] = field(default_factory=dict)
    choices: dict[str, Sequence[Choice]] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    seen: int | None = None

    def __bool__(self) -> bool:
        return bool(self.faults or self.doubts)


@transaction.atomic
def add(
    *, register: Register, pack: Pack, year: int, record_id: UUID, given: Mapping[str, Given], sure: bool, by: User, reach: Reach, source: str = "web"
) -> Record:
    """One new row. `record_id` comes with the page: the same page sent twice adds one row. Raises Refused."""
    if (stored := already(register, record_id, by)) is not None:
        return stored
    record, refused = prepare(register=register, pack=pack, year=year, record_id=record_id, given=given, sure=sure, by=by, reach=reach, source=source)
    if refused:
        raise refused
    if moved([record]):
        raise Refused({register.subject.name: moved_words()})
    set_act(f"register.add {register.key}")
    fresh = sealed.masked(record, register, {})
    record.save(force_insert=True)
    sealed.keep(record, fresh)
    pictures.keep_with(record, register.form)
    _reflect(record, register, pack, by)
    return record


def moved(records: Collection[Record]) -> set[UUID]:
    """New rows whose village has gone, or whose household was moved to another, while they were being looked at. The others' villages stay as they
    are until this transaction ends."""
    in_force = hold({record.village_code for record in records})
    homes = {record.household_id for record in records if record.household_id is not None}
    now = dict(Household.objects.filter(pk__in=homes).values_list("pk", "village_code"))
    return {
        record.pk
        for record in records
        if record.village_code not in in_force or (record.household_id is not None and now.get(record.household_id) != record.village_code)
    }


def moved_words() -> str:
    return _("这里的区划刚有变动，请刷新页面再登记。")


def already(register: Register, record_id: UUID, by: User) -> Record | None:
    """The row that an earlier try with this id stored. Raises Refused where the id is somebody else's row."""
    record = Record.objects.filter(pk=record_id).first()
    return own_row(record, register, by) if record is not None else None


def own_row(record: Record, register: Register, by: User) -> Record:
    if record.form != register.key or record.entered_by_id != by.pk:
        raise Refused({"": _("这一页已经过期，请重新打开“新增”。")})
    return record


def prepare(
    *,
    register: Register,
    pack: Pack,
    year: int,
    record_id: UUID,
    given: Mapping[str, Given],
    sure: bool,
    by: User,
    reach: Reach,
    source: str = "web",
    ahead: Ahead | None = None,
) -> tuple[Record, Refused]:
    """The row as it would be stored, and what is wrong with it (false where nothing is). Stores nothing. With `ahead`, what is known of many rows
    already, the row is looked at by itself: `meet_others` is asked of all of them together."""
    refused, with_others, ahead = Refused(), ahead is None, ahead or Ahead(reach)
    record = Record(
        id=record_id,
        form=register.key,
        year=year,
        subject_kind=register.form.subject,
        village_code="",
        state=Record.State.SUBMITTED,
        pack_hash=pack.hash,
        origin="entry" if source == "web" else source,
        submitted_at=timezone.now(),
        entered_by=by,
    )
    _set_subject(record, register, pack, _read(register.subject, given.get(register.subject.name), pack, ahead, None, refused), ahead, refused)
    record.values = _values(record, register, pack, given, ahead, refused)
    if with_others:
        _check(record, register, pack, sure, refused, ahead)
    else:
        _by_itself(record, register, pack, sure, refused, ahead)
    if not refused.faults and not can(reach, Verb.RECORD_ENTER, record):
        refused.faults[register.subject.name] = _("您的岗位不能为这里登记。")
    if not refused.faults and (why := closed(record, register, by)):
        refused.faults[""] = why
    return record, refused


def closed(record: Record, register: Register, by: User) -> str:
    """Why nothing may be entered now: a yearly register closes with the year's entry, the others are open all year. "" where it is open."""
    gate = gates.closed(record, by) if register.form.period == "year" else None
    return gate.message if gate else ""


def _reflect(record: Record, register: Register, pack: Pack, by: User) -> None:
    """What follows from a row that was written: its list row and links, the roll-ups that read it, the rules that ask for it."""
    reflect(record, register, pack)
    follow(register, pack, [record.village_code])
    if register.is_yearly:
        record.refresh_from_db(fields=["values"])
    row_written(record, pack, by)


def follow(register: Register, pack: Pack, villages: Collection[str]) -> None:
    """After rows were written, one or many (grid, import): find the roll-ups of their villages again where these read the register."""
    if register.key in sources.source_forms(pack):
        rollups.refresh(pack, current_year().year, villages)


def _set_subject(record: Record, register: Register, pack: Pack, value: Any, ahead: Ahead, refused: Refused) -> None:
    """Put the row under its household, person or village; the village decides about reach."""
    name = register.subject.name
    if value is None:
        refused.faults.setdefault(name, _("请先选“%(item)s”。") % {"item": _called(register.subject, pack)})
        return
    match register.subject.ref:
        case "household":
            household = ahead.household(value)
            record.household, record.subject_id, record.village_code = household, household.pk, household.village_code
        case "person":
            person = ahead.person(value)
            record.person, record.household, record.subject_id, record.village_code = person, person.household, person.pk, person.village_code
        case _:
            record.village_code, record.subject_code = value[:12], value


def _called(item: Indicator, pack: Pack) -> str:
    """The item's name in the language of who is being answered."""
    return spoken(pack).indicators[item.key].label


def _values(record: Record, register: Register, pack: Pack, given: Mapping[str, Given], ahead: Ahead, refused: Refused) -> dict[str, Any]:
    """Every asked item: null where it was left empty."""
    found: dict[str, Any] = {}
    for item in register.asked:
        one = given.get(item.name)
        if item == register.subject:
            continue
        if item.is_picture:
            found[item.name] = _pictures(item, one, record, pack, ahead, refused)
        elif item.type == "secret_number" and one is not None and sealed.is_kept(record, item, "".join(one.texts).strip()):
            found[item.name] = record.values[item.name]
        else:
            found[item.name] = _read(item, one, pack, ahead, record.household_id, refused, record.values.get(item.name))
    return found


def _read(item: Indicator, given: Given | None, pack: Pack, ahead: Ahead, household: UUID | None, refused: Refused, held: Any = None) -> Any:
    """One field as a value in JSON form; what is wrong goes to `refused`. `held`: what the row holds."""
    if given is None:
        return None
    try:
        if item.type == "ref":
            return _reference(item, given, pack, ahead, household if item.ref == "person" else None, held)
        texts = [text for text in given.texts if text.strip()]
        value = spoken(pack).parse_text(item, "、".join(texts)) if texts else None
    except CodecFault as fault:
        refused.faults[item.name] = str(fault)
        return None
    except ReferenceFault as fault:
        refused.faults[item.name] = str(fault)
        refused.choices[item.name] = fault.choices
        return None
    if (fault_words := spoken(pack).check_json(spoken(pack).indicators[item.key], value)) is not None:
        refused.faults[item.name] = fault_words
    return value


def _pictures(item: Indicator, given: Given | None, record: Record, pack: Pack, ahead: Ahead, refused: Refused) -> list[str] | None:
    """The files that the item names from now on, in the order in which they were added; those that it held where nothing is said of it."""
    held: list[str] = record.values.get(item.name) or []
    if given is None:
        return held or None
    ids = list(dict.fromkeys(given.chosen))
    wrong = given.wrong
    if not wrong and pictures.not_to_be_named(ids, held=held, record_id=record.pk, by_id=ahead.reach.user_id):
        wrong = _("有照片不能用在这里，请重新上传。")
    if not wrong:
        wrong = spoken(pack).check_json(spoken(pack).indicators[item.key], ids or None) or ""
    if wrong:
        refused.faults[item.name] = wrong
    return ids or None


def _reference(item: Indicator, given: Given, pack: Pack, ahead: Ahead, household: UUID | None, held: Any) -> Any:
    chosen = [value for value in given.chosen if value]
    stored = held if isinstance(held, list) else [held]  # may lie beyond the reach of who changes something else of the row
    for value in chosen:
        if value not in stored and not ahead.known(item, value, household=household):
            raise ReferenceFault(_("选中的“%(item)s”不在这里，请重新选择。") % {"item": _called(item, pack)})
    if item.multi:  # what was typed counts beside what was chosen
        parts = {part.strip() for text in given.texts for part in BETWEEN.split(text)} - {""}
        said = {Words(ahead.reach).say(item.ref, value) for value in chosen} if parts else set()
        chosen += [ahead.resolve(item, part, household=household) for part in parts - said]
    elif not chosen:
        chosen = [ahead.resolve(item, text, household=household) for text in given.texts if text.strip()]
    if not chosen:
        return None
    return sorted(set(chosen)) if item.multi else chosen[0]


def _check(record: Record, register: Register, pack: Pack, sure: bool, refused: Refused, ahead: Ahead) -> None:
    """All that is asked of one row. Not asked while a value cannot be read."""
    _by_itself(record, register, pack, sure, refused, ahead)
    meet_others([(record, sure, refused)], register, pack, ahead)


def _by_itself(record: Record, register: Register, pack: Pack, sure: bool, refused: Refused, ahead: Ahead) -> None:
    """Computed items and constraints of the register."""
    if refused.faults:
        return
    scope = scope_of(record, register, pack, ahead)
    for computation in pack.computations:
        if computation.form == register.key:
            value = pack.from_engine(register.key, computation.name, evaluate(computation.expression, scope))
            record.values[computation.name] = value
            scope["row"][computation.name] = pack.to_engine(register.key, computation.name, value)
    for constraint in spoken(pack).constraints:
        if constraint.form != register.key or evaluate(constraint.expression, scope) is not False:
            continue
        if constraint.severity == "error":
            refused.faults.setdefault(constraint.fields[0] if constraint.fields else "", constraint.message)
        elif not sure:
            refused.doubts.append(constraint.message)


def meet_others(rows: Sequence[tuple[Record, bool, Refused]], register: Register, pack: Pack, ahead: Ahead) -> None:
    """What rows that are there already say to each of these (record, is somebody sure, what is wrong with it): a row is kept once, some not at the
    same time. Of several, one also meets those before it. Few queries for any number of rows."""
    asked = [row for row in rows if not row[2].faults]
    keys = _keys_there([record for record, _sure, _refused in asked], register)
    spans = _spans_there([record for record, sure, _refused in asked if not sure], register)
    company = apart.Company([record for record, _sure, _refused in asked], register) if asked and apart.is_asked(register, pack) else None
    for record, sure, refused in asked:
        if not sure:
            refused.doubts += _overlapping(record, register, pack, spans)
        if company is not None:
            for item_name, message in company.meeting(record, spoken(pack), scope_of(record, register, pack, ahead)):
                refused.faults.setdefault(item_name, message)
        if keys.get(unique_key_of(record, register), record.pk) != record.pk:
            _is_there(register, pack, refused)
        if company is not None and not refused.faults:
            company.join(record)


def _is_there(register: Register, pack: Pack, refused: Refused) -> None:
    if register.is_yearly:
        refused.faults.setdefault(register.subject.name, _("这个村今年已有这张表，请在列表里打开它填写。"))
        return
    names = "、".join(_called(item, pack) for item in register.unique)
    refused.faults.setdefault(register.unique[0].name, _("已有同样“%(names)s”的一条，请在列表里查找并修改那一条。") % {"names": names})


def _keys_there(records: Sequence[Record], register: Register) -> dict[str | None, UUID]:
    """{unique key: the row that holds it}."""
    keys = {key for record in records if (key := unique_key_of(record, register)) is not None}
    rows = Entry.objects.filter(form=register.key, unique_key__in=keys) if keys else Entry.objects.none()
    return dict(rows.values_list("unique_key", "record_id"))


Whose = tuple[tuple[str, Any], ...]


def _whose(row: Record | Entry) -> Whose:
    return tuple((name, value) for name in ("person_id", "household_id") if (value := getattr(row, name)))


def _spans_there(records: Sequence[Record], register: Register) -> dict[Whose, list[Record]]:
    """Rows of the same person or household, in the order they came."""
    found: dict[Whose, list[Record]] = {}
    homes = {record.household_id for record in records if record.household_id} if register.form.span is not None else set()
    entries = Entry.objects.filter(form=register.key, household__in=homes).exclude(state=Record.State.VOID) if homes else Entry.objects.none()
    for entry in entries.select_related("record").order_by("number"):
        found.setdefault(_whose(entry), []).append(entry.record)
    return found


def _overlapping(record: Record, register: Register, pack: Pack, there: Mapping[Whose, Sequence[Record]]) -> list[str]:
    """Other rows of the same subject that stand at the same time, in words. A row that ends where another begins does not overlap it."""
    if register.form.span is None:
        return []
    first, last = (pack.indicators[f"{register.key}.{name}"] for name in register.form.span)
    found = []
    for other in there.get(_whose(record), ()):
        if other.pk != record.pk and overlap(span_between(record.values, register.form.span), span_between(other.values, register.form.span)):
            ends = spoken(pack).display(last, other.values.get(last.name)) or _("现在")
            span = f"{spoken(pack).display(first, other.values.get(first.name))} – {ends}"
            found.append(_("和已登记的一条时间重叠（%(span)s），请核对是不是同一件事。") % {"span": span})
    return found


def span_of(record: Record, register: Register) -> Span | None:
    """From when to when a row stands, where rows of one subject may not overlap; None where the register has no span or nobody it is of."""
    return span_between(record.values, register.form.span) if register.form.span and (record.person_id or record.household_id) else None


def scope_of(record: Record, register: Register, pack: Pack, ahead: Ahead) -> dict[str, Any]:
    """What expressions of the register see: the row, and the household's year where one of them asks for it."""
    names = {item.name: value_of(record, register, item) for item in register.form.indicators}
    scope: dict[str, Any] = {
        "row": {name: pack.to_engine(register.key, name, value) for name, value in names.items()},
        "last": None,
        "consts": pack.constants(ahead.today()),
    }
    parts: list[Computation | Constraint] = [*pack.computations, *pack.constraints]
    looks_further = any(part.form == register.key and part.expression.reach != "row" for part in parts)
    if looks_further and record.household is not None:
        scope["household"] = ahead.around(record.household, record.year, pack)
    elif looks_further and register.form.subject in PLACES:
        scope["household"] = rollups.around(record, pack)
    return scope


@transaction.atomic
def change(*, record: Record, register: Register, pack: Pack, seen: int, given: Mapping[str, Given], sure: bool, by: User, reach: Reach) -> Record:
    """Change a row as seen at a version. Items that others changed since and this person did not are kept. Raises Refused."""
    record = _locked(record, register, by)
    refused = Refused(seen=record.version)
    ahead = Ahead(reach)
    offered = _values(record, register, pack, given, ahead, refused)
    since = changed_since(record.pk, seen) if seen < record.version else {}
    for name, (before, by_id) in since.items():
        if name not in offered or name in refused.faults:
            continue
        mine, theirs = offered[name], record.values.get(name)
        if mine == before or by_id == by.pk:
            offered[name] = theirs if mine == before else mine
        elif mine != theirs:
            item = pack.indicators[f"{register.key}.{name}"]
            who = User.objects.filter(pk=by_id).values_list("name", flat=True).first() or _("系统")
            refused.faults[name] = _("您打开以后，%(who)s 把它改成了“%(theirs)s”；您填的是“%(mine)s”。确认要用您填的，请再保存一次。") % {
                "who": who,
                "theirs": spoken(pack).display(item, theirs) or _("空"),
                "mine": spoken(pack).display(item, mine) or _("空"),
            }
    untouched = dict(record.values)
    record.values = {**record.values, **offered}
    _check(record, register, pack, sure, refused, ahead)
    if refused:
        raise refused
    if record.values == untouched:
        return record
    set_act(f"register.change {register.key}")
    fresh = sealed.masked(record, register, untouched)
    _changed(record, register, pack, by)
    sealed.keep(record, fresh)
    pictures.keep_with(record, register.form)
    _reflect(record, register, pack, by)
    return record


def _changed(record: Record, register: Register, pack: Pack, by: User) -> None:
    """Store a changed row. A village's table is filled over several days and handed in by an act of its own (`submit`)."""
    record.version += 1
    record.pack_hash = pack.hash
    record.entered_by = by
    if register.is_yearly:
        if record.state == Record.State.EMPTY:
            record.state = Record.State.DRAFT
        elif record.state in (Record.State.APPROVED, Record.State.LOCKED):  # unlocked: it goes through review once more
            record.state, record.submitted_at = Record.State.SUBMITTED, timezone.now()
    elif record.state in (Record.State.RETURNED, Record.State.DRAFT):
        record.state, record.submitted_at, record.return_reason = Record.State.SUBMITTED, timezone.now(), ""
    record.save()


def _locked(record: Record, register: Register, by: User) -> Record:
    """The row to be changed, as it stands now. Its village comes first, then, of a village's table, the village's roll-ups."""
    hold([record.village_code])
    if register.is_yearly:
        rollups.alone_with([record.village_code])
    record = Record.objects.select_for_update().get(pk=record.pk)
    _may_change(record, register, by)
    return record


@transaction.atomic
def say_unchanged(*, record: Record, register: Register, pack: Pack, section: str, by: User) -> int:
    """ "Unchanged": last year's as-of and fixed values of a section become this year's, said by this person now; what was typed stays. Returns
    how many items were carried. Raises Refused."""
    record = _locked(record, register, by)
    found = yearly.carried(record, yearly.last_of(record), register, section)
    if section not in {one.key for one in register.form.sections if one.tickable}:
        raise Refused({"": _("这一部分不能勾选“无变化”。")})
    set_act(f"register.unchanged {register.key} {section}")
    record.values = {**record.values, **found}
    record.ticks = {**record.ticks, section: {"by": by.pk, "at": timezone.now().isoformat()}}
    _changed(record, register, pack, by)
    _reflect(record, register, pack, by)
    return len(found)


@transaction.atomic
def submit(*, record: Record, register: Register, pack: Pack, sure: bool, by: User) -> Record:
    """Hand a village's table in for review: what is left empty was asked and left empty. Raises Refused."""
    record = _locked(record, register, by)
    titles = {one.key: one.title for one in spoken(pack).forms[register.key].sections}
    unsaid = [
        _("“%(section)s”还是上年的数：没有变化请点“无变化”，有变化请改") % {"section": titles[section]}
        for section in yearly.unconfirmed(record, yearly.last_of(record), register)
        if section not in record.ticks
    ]
    if unsaid:
        raise Refused({"": "；".join(unsaid)}, seen=record.version)
    refused = Refused(seen=record.version)
    if (left := yearly.missing(record.values, register)) and not sure:
        refused.doubts.append(
            _("还有 %(count)d 项没有填：%(items)s") % {"count": len(left), "items": "、".join(_called(item, pack) for item in left[:8])}
        )
    record.values = {**{item.name: None for item in register.typed}, **record.values}
    _check(record, register, pack, sure, refused, Ahead(make_reach(by.pk, villages=[record.village_code])))
    if refused:
        raise refused
    set_act(f"register.submit {register.key}")
    record.version += 1
    record.state, record.submitted_at, record.return_reason, record.entered_by = Record.State.SUBMITTED, timezone.now(), "", by
    record.save()
    _reflect(record, register, pack, by)
    return record


def _may_change(record: Record, register: Register, by: User) -> None:
    if record.state == Record.State.VOID:
        raise Refused({"": _("这一条已作废，不能再改。")})
    if record.state in (Record.State.APPROVED, Record.State.LOCKED) and not register.is_yearly:
        raise Refused({"": _("这一条已审核。需要修改请先由乡镇退回。")})
    if why := closed(record, register, by):
        raise Refused({"": why})


def changed_since(record_id: UUID, seen: int) -> dict[str, tuple[Any, int]]:
    """{item: (value when it was seen, who changed it last)} of items changed after a version."""
    found: dict[str, tuple[Any, int]] = {}
    for event in Event.objects.of_row(_TABLE, record_id).filter(op="U", version__gt=seen):
        for column, (before, _after) in (event.changed or {}).items():
            if column.startswith("values."):
                name = column.removeprefix("values.")
                found[name] = (found[name][0] if name in found else before, event.actor_id)
    return found


@transaction.atomic
def strike(*, record: Record, register: Register, pack: Pack, reason: str, by: User) -> Record:
    """Take a row out that should not have been. It stays readable with its reason; its unique key is free again. Raises Refused."""
    if register.is_yearly:
        raise Refused({"": _("村表和自然村表每年一份，不能作废。")})
    record = _locked(record, register, by)
    if len(reason.strip()) < SHORTEST_REASON:
        raise Refused({"": _("请写明作废原因（至少 4 个字）。")})
    if Entry.objects.filter(record__links__to_record=record, record__links__is_current=True).exclude(state=Record.State.VOID).exists():
        raise Refused({"": _("还有别的登记引用这一条，请先改掉那里的引用。")})
    set_act(f"register.strike {register.key}")
    record.state, record.return_reason = Record.State.VOID, reason.strip()[:500]
    record.version += 1
    record.save()
    _reflect(record, register, pack, by)
    return record


def approve(*, record: Record, register: Register, pack: Pack, seen: int | None, by: User) -> Record:
    """Submitted → approved as seen at a version, by somebody else than who entered it. Raises reviewing.ReviewRefused."""
    with transaction.atomic():
        done = reviewing.approve_row(record=record, by=by, seen_version=seen)
        reflect(done, register, pack)
        row_written(done, pack, by)
    return done


def send_back(*, record: Record, register: Register, pack: Pack, reason: str, by: User) -> Record:
    """Submitted or approved → returned with a reason. Raises reviewing.ReviewRefused."""
    with transaction.atomic():
        done = reviewing.send_back(record=record, reason=reason, by=by)
        reflect(done, register, pack)
        row_written(done, pack, by)
    return done


@dataclass(frozen=True, slots=True)
class Mentioned:
    """Rows of one register that belong to or mention something, newest first."""

    register: Register
    entries: tuple[Entry, ...]


def of_household(household: Household, pack: Pack, reach: Reach, *, at_most: int = 50) -> list[Mentioned]:
    """A household's rows by register of the pack in its language, those that only mention it (a project that benefits it) among them."""
    own = list(Entry.objects.visible_to(reach).filter(household=household).exclude(state=Record.State.VOID)[:at_most])
    mentioning = Entry.objects.visible_to(reach).filter(record__links__to_household=household, record__links__is_current=True)
    seen = {entry.pk for entry in own}
    own += [entry for entry in mentioning.exclude(state=Record.State.VOID).distinct()[:at_most] if entry.pk not in seen]
    found = []
    for register in registers_of(pack):
        entries = tuple(entry for entry in own if entry.form == register.key)
        if entries:
            found.append(Mentioned(register, entries))
    return found


def returned_to(by: User, pack: Pack, reach: Reach) -> list[tuple[Register, int]]:
    """Registers with rows that were sent back to this person with a reason, and how many."""
    rows = Entry.objects.visible_to(reach).filter(state=Record.State.RETURNED, entered_by=by).order_by()
    counts = dict(rows.values_list("form").annotate(Count("pk")))
    return [(register, counts[register.key]) for register in registers_of(pack) if register.key in counts]
