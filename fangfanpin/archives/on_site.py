"""照片、签字与位置: what of a household is found and signed where it lives, and what proves that a member came or left, beside their yearly items;
read by whoever sees the household, saved as entry is."""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, can, needs, require, within_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.archives import reading
from fangfanpin.campaigns import clock
from fangfanpin.files.models import StoredFile
from fangfanpin.households.models import Household, Location, Person
from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.codec import point_text
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.records import gates
from fangfanpin.records.pictures import files_of
from fangfanpin.records.saving import EntryClosed, SaveFaults, SaveRequest, is_relevant, save
from fangfanpin.records.units import HOUSEHOLD_FORM, PERSON_FORM, TARGET_HOUSEHOLD, Unit, load_unit, scopes_of
from fangfanpin.registers.fields import Field, handed_in, input_name, kind_of
from fangfanpin.registers.services import Given

READ_BACK = "read_back"
POINT = "point"
_DATUMS = ("01", "02")  # of the list: what devices and the national system give; others are hundreds of metres off and not taken
_BY_DEVICE = "02"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the home is, or was said to be."""

    text: str
    datum: str
    accuracy_m: str
    row: Location


@dataclass(frozen=True, slots=True)
class Slot:
    """A picture item of the household or of one member. `of`: the member's id, '' for the household."""

    item: Indicator
    of: str = ""

    @property
    def target(self) -> str:
        return self.of or TARGET_HOUSEHOLD

    @property
    def name(self) -> str:
        """What its inputs are called on the page."""
        return input_name(self.item, self.of)


@dataclass(frozen=True, slots=True)
class Shown:
    """A slot on the page. `was`: what it held when the page was opened; `said`: how many; `is_kept`: its record is there and has a history."""

    field: Field
    was: str
    said: str
    target: str
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Member:
    person: Person
    moved: str
    seen: int
    shown: tuple[Shown, ...]


def _pictures_of(pack: Pack, form: str) -> tuple[Indicator, ...]:
    return tuple(item for item in pack.forms[form].indicators if item.is_picture and item.home == "record" and not item.retired)


def slots_of_members(unit: Unit, pack: Pack, *, on_page: Collection[str] = ()) -> tuple[Slot, ...]:
    """Pictures of members, of those who left too: where the pack's condition holds of them (whose membership changed this year), where there are
    some already, and of whoever stood on the page that was sent (`on_page`)."""
    items = _pictures_of(pack, PERSON_FORM)
    if not items or not unit.persons:
        return ()
    scopes = scopes_of(unit, pack, live_only=False).persons
    found = []
    for target, scope in scopes.items():
        held = record.values if (record := unit.records.get(target)) else {}
        found += [Slot(item, target) for item in items if target in on_page or held.get(item.name) or is_relevant(item, pack, scope)]
    return tuple(found)


def _slots(unit: Unit, pack: Pack, *, on_page: Collection[str] = ()) -> tuple[Slot, ...]:
    return (*(Slot(item) for item in _pictures_of(pack, HOUSEHOLD_FORM)), *slots_of_members(unit, pack, on_page=on_page))


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def page(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    household = within_reach(Household.objects.all(), request.reach, pk=household_id)
    unit = load_unit(household, clock.current().year)
    return _page(request, unit, _slots(unit, spoken(pack_of(clock.current().pack))))


@needs(Verb.RECORD_ENTER, "POST")
def keep(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    """POST `client_id`, `seen` (the record's version), per picture item files, `.id`, `.drop`, `.drawn` and `.was` (what it held when the page was
    opened), `read_back`, `point`, `datum`, `accuracy_m`; `member` of each member who stands on the page, whose `seen` and items are called with
    their id behind (`registers.fields.input_name`). Only what was changed on the page is saved."""
    household = within_reach(Household.objects.all(), request.reach, pk=household_id)
    require(request.reach, Verb.RECORD_ENTER, household)
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    post = request.POST
    unit, on_page = load_unit(household, campaign.year), post.getlist("member")
    slots = _slots(unit, spoken(pack), on_page=on_page)
    if any(unit.person(one) is None for one in on_page):
        return _page(request, unit, slots, faults={"": _("这位成员不在本户，可能已被别人调整，请刷新后核对。")})
    given = {slot: handed_in(slot.item, request, of=slot.of) for slot in slots}
    faults = {slot.name: one.wrong for slot, one in given.items() if one.wrong}
    if not faults:
        try:
            wanted = SaveRequest(_uuid(post.get("client_id")), dict(_seen(post, slots)), list(_ops(post, given)))
            if wanted.ops:
                done = save(household=household, request=wanted, year=campaign.year, pack=pack, by=request.user, reach=request.reach)
                if done["conflicts"]:
                    messages.warning(request, _("别人刚刚也改了同一项，两份都留着，请到录入页选一个。"))
        except SaveFaults as refused:
            names = {(slot.target, slot.item.name): slot.name for slot in slots}
            faults = {names.get((fault.target, fault.name), fault.name): fault.message for fault in refused.faults}
        except EntryClosed as closed:
            faults = {"": closed.message}
        else:
            messages.success(request, _("已保存。") if wanted.ops else _("没有改动。"))
            return redirect("archives:on_site", household.pk)
    return _page(request, load_unit(household, campaign.year), slots, given=given, faults=faults)


def _uuid(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        return uuid.uuid4()


def _seen(post: Mapping[str, str], slots: Sequence[Slot]) -> Iterator[tuple[str, int]]:
    for of in dict.fromkeys(("", *(slot.of for slot in slots))):
        text = post.get(f"seen-{of}" if of else "seen", "")
        if text.isdigit() and len(text) < 9:
            yield of or TARGET_HOUSEHOLD, int(text)


def _ops(post: Mapping[str, str], given: Mapping[Slot, Given]) -> Iterator[dict[str, Any]]:
    for slot, one in given.items():
        if " ".join(one.chosen) != post.get(f"{slot.name}.was", ""):
            yield {"op": "set", "target": slot.target, "name": slot.item.name, "value": list(one.chosen) or None}
    if (said := post.get(READ_BACK, "")) != post.get(f"{READ_BACK}.was", "") and said in ("0", "1"):
        yield {"op": "set", "target": TARGET_HOUSEHOLD, "name": READ_BACK, "value": said == "1"}
    if (place := post.get(POINT, "").strip()) and place != post.get(f"{POINT}.was", ""):
        accuracy = post.get("accuracy_m", "")
        measured = accuracy.replace(".", "", 1).isdigit()
        datum = _BY_DEVICE if measured else post.get("datum", "")
        yield {"op": "locate", "point": place, "datum": datum, "accuracy_m": float(accuracy) if measured else None}


def _page(
    request: SignedInRequest, unit: Unit, slots: Sequence[Slot], *, given: Mapping[Slot, Given] | None = None, faults: Mapping[str, str] | None = None
) -> HttpResponse:
    household = unit.household
    pack, faults = spoken(pack_of(clock.current().pack)), faults or {}
    lead = unit.records.get(TARGET_HOUSEHOLD)
    values = lead.values if lead else {}
    sensitive = can(request.reach, Verb.SENSITIVE_VIEW, household)
    closed = gates.closed(lead, request.user) if lead else None
    shown = _shown(unit, slots, pack, given, faults, sensitive=sensitive)
    members = (Member(one, reading.moved(one, pack), _version(unit, str(one.pk)), shown.get(str(one.pk), ())) for one in unit.persons)
    read_back = pack.indicators.get(f"{HOUSEHOLD_FORM}.{READ_BACK}")
    places = list(_places(household, pack)) if sensitive else []
    said = values.get(READ_BACK)
    return render(
        request,
        "archives/on_site.html",
        {
            "household": household,
            "fields": shown.get(TARGET_HOUSEHOLD, ()),
            "members": [one for one in members if one.shown],
            "read_back": read_back if read_back is not None and not read_back.retired else None,
            "read_back_was": (was := "" if said is None else str(int(said))),
            "read_back_now": request.POST.get(READ_BACK, was),
            "read_back_said": pack.display(read_back, said) if read_back is not None else "",
            "place": next((one for one in places if one.row.is_current), None),
            "former": [one for one in places if not one.row.is_current][:10],
            "is_located": unit.location is not None,
            "point": request.POST.get(POINT, ""),
            "accuracy_m": request.POST.get("accuracy_m", ""),
            "datums": [(code, pack.word("datum", code)) for code in _DATUMS],
            "sensitive": sensitive,
            "closed": closed,
            "faults": faults,
            "general": faults.get("", ""),
            "seen": _version(unit, TARGET_HOUSEHOLD),
            "client_id": uuid.uuid4(),
            "may_enter": can(request.reach, Verb.RECORD_ENTER, household) and sensitive and lead is not None and closed is None,
        },
        status=422 if faults else 200,
    )


def _version(unit: Unit, target: str) -> int:
    record = unit.records.get(target)
    return record.version if record else 0


def _shown(
    unit: Unit, slots: Sequence[Slot], pack: Pack, given: Mapping[Slot, Given] | None, faults: Mapping[str, str], *, sensitive: bool
) -> Mapping[str, tuple[Shown, ...]]:
    """By target what the page shows of its pictures: as they are kept, or as they were sent where something was wrong."""
    held = {slot: tuple(record.values.get(slot.item.name) or ()) if (record := unit.records.get(slot.target)) else () for slot in slots}
    ids = {slot: given[slot].chosen if given is not None else held[slot] for slot in slots}
    files = files_of(one for slot in slots if sensitive or slot.item.privacy == "none" for one in ids[slot])
    found: dict[str, tuple[Shown, ...]] = {}
    for slot in slots:
        field = _field(slot, ids[slot], files, faults.get(slot.name, ""))
        said = pack.display(slot.item, list(held[slot]) or None)
        one = Shown(field, " ".join(held[slot]), said, slot.target, slot.target in unit.records)
        found[slot.target] = (*found.get(slot.target, ()), one)
    return found


def _field(slot: Slot, ids: tuple[str, ...], files: Mapping[str, StoredFile], fault: str) -> Field:
    return Field(
        item=slot.item, kind=kind_of(slot.item), texts=(), chosen=(), options=(), above="", unit="", fault=fault, choices=(), within="", fixed=False,
        notes=(), pictures=tuple(files[one] for one in ids if one in files), of=slot.of,
    )  # fmt: skip


def _places(household: Household, pack: Pack) -> Iterator[Place]:
    """The newest first."""
    for row in household.locations.order_by("-located_at"):
        accuracy = f"{row.gps_accuracy_m / 100:.0f}" if row.gps_accuracy_m is not None else ""
        yield Place(point_text(row.lat, row.lon), pack.word("datum", row.datum) if row.datum else "", accuracy, row)
