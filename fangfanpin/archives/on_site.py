"""照片、签字与位置: what of a household is found and signed where it lives, beside its yearly items; read by whoever sees it, saved as entry is."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from fangfanpin.accounts.permissions import SignedInRequest, can, needs, require, within_reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.files.models import StoredFile
from fangfanpin.households.models import Household, Location
from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.codec import point_text
from fangfanpin.policy.services import pack_of, spoken
from fangfanpin.records import gates
from fangfanpin.records.pictures import files_of
from fangfanpin.records.saving import EntryClosed, SaveFaults, SaveRequest, save
from fangfanpin.records.units import HOUSEHOLD_FORM, TARGET_HOUSEHOLD, Unit, load_unit
from fangfanpin.registers.fields import Field, handed_in, kind_of
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


def pictures_asked(pack: Pack) -> tuple[Indicator, ...]:
    return tuple(item for item in pack.forms[HOUSEHOLD_FORM].indicators if item.is_picture and item.home == "record" and not item.retired)


@needs(Verb.HOUSEHOLD_VIEW, "GET")
def page(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    household = within_reach(Household.objects.all(), request.reach, pk=household_id)
    return _page(request, household, load_unit(household, clock.current().year))


@needs(Verb.RECORD_ENTER, "POST")
def keep(request: SignedInRequest, household_id: UUID) -> HttpResponse:
    """POST `client_id`, `seen` (the record's version), per picture item files, `.id`, `.drop`, `.drawn` and `.was` (what it held when the page was
    opened), `read_back`, `point`, `datum`, `accuracy_m`. Only what was changed on the page is saved."""
    household = within_reach(Household.objects.all(), request.reach, pk=household_id)
    require(request.reach, Verb.RECORD_ENTER, household)
    campaign = clock.current()
    pack = pack_of(campaign.pack)
    post = request.POST
    given = {item.name: handed_in(item, request) for item in pictures_asked(spoken(pack))}
    faults = {name: one.wrong for name, one in given.items() if one.wrong}
    if not faults:
        try:
            wanted = SaveRequest(_uuid(post.get("client_id")), _seen(post.get("seen", "")), list(_ops(post, given)))
            if wanted.ops:
                done = save(household=household, request=wanted, year=campaign.year, pack=pack, by=request.user, reach=request.reach)
                if done["conflicts"]:
                    messages.warning(request, _("别人刚刚也改了同一项，两份都留着，请到录入页选一个。"))
        except SaveFaults as refused:
            faults = {fault.name: fault.message for fault in refused.faults}
        except EntryClosed as closed:
            faults = {"": closed.message}
        else:
            messages.success(request, _("已保存。") if wanted.ops else _("没有改动。"))
            return redirect("archives:on_site", household.pk)
    return _page(request, household, load_unit(household, campaign.year), given=given, faults=faults)


def _uuid(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        return uuid.uuid4()


def _seen(text: str) -> dict[str, int]:
    return {TARGET_HOUSEHOLD: int(text)} if text.isdigit() and len(text) < 9 else {}


def _ops(post: Mapping[str, str], given: Mapping[str, Given]) -> Iterator[dict[str, Any]]:
    for name, one in given.items():
        if " ".join(one.chosen) != post.get(f"{name}.was", ""):
            yield {"op": "set", "target": TARGET_HOUSEHOLD, "name": name, "value": list(one.chosen) or None}
    if (said := post.get(READ_BACK, "")) != post.get(f"{READ_BACK}.was", "") and said in ("0", "1"):
        yield {"op": "set", "target": TARGET_HOUSEHOLD, "name": READ_BACK, "value": said == "1"}
    if (place := post.get(POINT, "").strip()) and place != post.get(f"{POINT}.was", ""):
        accuracy = post.get("accuracy_m", "")
        measured = accuracy.replace(".", "", 1).isdigit()
        datum = _BY_DEVICE if measured else post.get("datum", "")
        yield {"op": "locate", "point": place, "datum": datum, "accuracy_m": float(accuracy) if measured else None}


def _page(
    request: SignedInRequest, household: Household, unit: Unit, *, given: Mapping[str, Given] | None = None, faults: Mapping[str, str] | None = None
) -> HttpResponse:
    pack, faults = spoken(pack_of(clock.current().pack)), faults or {}
    lead = unit.records.get(TARGET_HOUSEHOLD)
    values = lead.values if lead else {}
    sensitive = can(request.reach, Verb.SENSITIVE_VIEW, household)
    closed = gates.closed(lead, request.user) if lead else None
    asked = pictures_asked(pack)
    held = {item.name: tuple(values.get(item.name) or ()) for item in asked}
    ids = {item.name: tuple(given[item.name].chosen) if given is not None else held[item.name] for item in asked}
    files = files_of(one for item in asked if sensitive or item.privacy == "none" for one in ids[item.name])
    read_back = pack.indicators.get(f"{HOUSEHOLD_FORM}.{READ_BACK}")
    places = list(_places(unit.household, pack)) if sensitive else []
    said = values.get(READ_BACK)
    return render(
        request,
        "archives/on_site.html",
        {
            "household": household,
            "fields": [
                (_field(item, ids[item.name], files, faults.get(item.name, "")), " ".join(held[item.name]), pack.display(item, values.get(item.name)))
                for item in asked
            ],
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
            "seen": lead.version if lead else 0,
            "client_id": uuid.uuid4(),
            "may_enter": can(request.reach, Verb.RECORD_ENTER, household) and sensitive and lead is not None and closed is None,
        },
        status=422 if faults else 200,
    )


def _field(item: Indicator, ids: tuple[str, ...], files: Mapping[str, StoredFile], fault: str) -> Field:
    return Field(
        item=item, kind=kind_of(item), texts=(), chosen=(), options=(), above="", unit="", fault=fault, choices=(), within="", fixed=False, notes=(),
        pictures=tuple(files[one] for one in ids if one in files),
    )  # fmt: skip


def _places(household: Household, pack: Pack) -> Iterator[Place]:
    """The newest first."""
    for row in household.locations.order_by("-located_at"):
        accuracy = f"{row.gps_accuracy_m / 100:.0f}" if row.gps_accuracy_m is not None else ""
        yield Place(point_text(row.lat, row.lon), pack.word("datum", row.datum) if row.datum else "", accuracy, row)
