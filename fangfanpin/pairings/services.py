"""Pair a helper with a household, change and end a pairing. Two main helpers of a household never overlap; a pairing is never deleted."""

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.permissions import can
from fangfanpin.accounts.reach import Reach, set_act
from fangfanpin.accounts.verbs import Verb
from fangfanpin.households.models import Household, Pairing
from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.codec import CodecFault
from fangfanpin.pairings.dictionary import ACCOUNT, COLUMNS, FORM, SECRET, SUBJECT
from fangfanpin.policy.services import spoken
from fangfanpin.privacy.secrets import encrypt, mask_id
from fangfanpin.quality.handing import Verifier, follow
from fangfanpin.quality.recheck import recheck_households
from fangfanpin.records.current_year import year_if_any
from fangfanpin.regions.holding import hold
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.references import ReferenceFault, known, resolve
from fangfanpin.registers.services import Given, Refused


@dataclass(frozen=True, slots=True)
class Helper:
    """Who helps: with an account, or by name only."""

    name: str
    user: User | None = None
    phone: str = ""
    unit: str = ""
    position: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    id_secret: str | None = None
    id_mask: str = ""


def helper_of(user: User) -> Helper:
    """What is known of somebody with an account: from the last pairing typed for them, else from the account."""
    last = Pairing.objects.filter(user=user).order_by("-start_on").first()
    if last is None:
        return Helper(name=user.name, user=user, phone=user.phone, unit=user.unit)
    return Helper(
        name=user.name,
        user=user,
        phone=user.phone or last.helper_phone,
        unit=user.unit or last.helper_unit,
        position=last.unit_position,
        values=dict(last.values),
        id_secret=last.helper_id_secret,
        id_mask=last.helper_id_mask,
    )


def overlapping_main(household_id: Any, start_on: datetime.date, end_on: datetime.date | None, *, but: Any = None) -> Pairing | None:
    """Another main helper of the household at that time. A pairing's last day belongs to the next."""
    rows = Pairing.objects.filter(household_id=household_id, is_main=True).filter(Q(end_on__isnull=True) | Q(end_on__gt=start_on))
    if end_on is not None:
        rows = rows.filter(start_on__lt=end_on)
    return rows.exclude(pk=but).order_by("start_on").first()


def succeed(pairing: Pairing, helper: Helper, on: datetime.date, *, by: User | None = None) -> Pairing:
    """The helper takes over a household from the day on, with the clues to be verified; the pairing that ends stays as history. Whoever hands over
    says `judge_again` of all the households at its end."""
    pairing.end_on = on
    pairing.save(update_fields=["end_on"])
    if on <= timezone.localdate():  # a day to come: the nightly sweep sees to it then
        to = Verifier(helper.name, helper.user.pk if helper.user else None)
        follow(household_id=pairing.household_id, former=_verifier(pairing), to=to, by=by)
    return Pairing.objects.create(
        household_id=pairing.household_id,
        village_code=pairing.village_code,
        user=helper.user,
        helper_name=helper.name,
        helper_phone=helper.phone,
        helper_unit=helper.unit or pairing.helper_unit,
        unit_position=helper.position,
        helper_id_secret=helper.id_secret,
        helper_id_mask=helper.id_mask,
        values=dict(helper.values),
        is_main=pairing.is_main,
        start_on=on,
    )


def _verifier(pairing: Pairing) -> Verifier:
    return Verifier(pairing.helper_name, pairing.user_id)


@transaction.atomic
def save(
    *,
    pairing: Pairing | None,
    register: Register,
    pack: Pack,
    given: Mapping[str, Given],
    reach: Reach,
    by: User | None = None,
    pairing_id: Any = None,
) -> Pairing:
    """A new pairing (`pairing` None; `pairing_id` comes with the page, so that it is kept once), or one changed. Raises registers' Refused with
    every fault at its item."""
    if pairing is None and (sent := Pairing.objects.visible_to(reach).filter(pk=pairing_id).first()) is not None:
        return sent
    refused = Refused()
    values = {item.name: _read(item, given.get(item.name, Given()), pack, reach, refused) for item in register.asked}
    if pairing is None:
        household = _household(values.get(SUBJECT), reach, refused)
        pairing = Pairing(id=pairing_id) if household is not None else Pairing()
        if household is not None:
            pairing.household, pairing.village_code = household, household.village_code
        act = "pairing.add"
    else:
        pairing, act = Pairing.objects.select_for_update().get(pk=pairing.pk), "pairing.change"
    former = _verifier(pairing)
    user = User.objects.filter(pk=int(values[ACCOUNT])).first() if values.get(ACCOUNT) else None
    _fill(pairing, values, user)
    if not pairing.helper_name:
        refused.faults.setdefault("helper_name", _("请填帮扶责任人姓名，或从系统账号里选一位。"))
    if values.get("start_on") is None:
        refused.faults.setdefault("start_on", _("请填帮扶开始时间。"))
    if refused:
        raise refused
    if pairing.end_on is not None and pairing.end_on < pairing.start_on:
        refused.faults["end_on"] = _("结束时间不能早于开始时间。")
    elif pairing.is_main and (other := overlapping_main(pairing.household_id, pairing.start_on, pairing.end_on, but=pairing.pk)) is not None:
        refused.faults["is_main"] = _main_already(other)
    if refused:
        raise refused
    if not can(reach, Verb.HOUSEHOLD_EDIT, pairing):
        raise Refused({SUBJECT: _("您的岗位不能为这里登记。")})
    set_act(act)
    pairing.save()
    has_ended = pairing.end_on is not None and pairing.end_on <= timezone.localdate()
    if former.name and (has_ended or former != _verifier(pairing)):
        follow(household_id=pairing.household_id, former=former, to=Verifier() if has_ended else _verifier(pairing), by=by)
    judge_again([pairing.household_id], by)
    return pairing


def judge_again(households: Collection[UUID], by: User | None) -> None:
    """Pairings of these households were written: rules that ask for them are asked again in the same transaction."""
    if (year := year_if_any()) is not None and FORM in year.pack.forms:
        recheck_households(households, year.pack, by, form=FORM)


def _main_already(other: Pairing) -> str:
    said = {"name": other.helper_name, "since": other.start_on.isoformat()}
    return _("这户从 %(since)s 起已有主要帮扶责任人“%(name)s”，同一时间只能有一位。请先结束那一条，或这里选“否”。") % said


def _household(value: Any, reach: Reach, refused: Refused) -> Household | None:
    if value is None:
        refused.faults.setdefault(SUBJECT, _("请先选农户。"))
        return None
    rows = Household.objects.visible_to(reach).filter(pk=value)
    hold(rows.values_list("village_code", flat=True))
    if (household := rows.first()) is None:
        refused.faults.setdefault(SUBJECT, _("选中的不在这里，请重新选择。"))
    return household


def _read(item: Indicator, given: Given, pack: Pack, reach: Reach, refused: Refused) -> Any:
    """One field as a value in JSON form; what is wrong goes to `refused`."""
    texts = [text for text in given.texts if text.strip()]
    try:
        if item.type == "ref":
            chosen = [value for value in given.chosen if value]
            if chosen and not known(item, chosen[0], reach):
                raise ReferenceFault(_("选中的不在这里，请重新选择。"))
            return chosen[0] if chosen else resolve(item, texts[0], reach) if texts else None
        value = spoken(pack).parse_text(item, "、".join(texts)) if texts else None
    except CodecFault as fault:
        refused.faults[item.name] = str(fault)
        return None
    except ReferenceFault as fault:
        refused.faults[item.name] = str(fault)
        refused.choices[item.name] = fault.choices
        return None
    if (words := spoken(pack).check_json(item, value)) is not None:
        refused.faults[item.name] = words
    longest = getattr(Pairing._meta.get_field(COLUMNS[item.name]), "max_length", None) if item.name in COLUMNS else 200
    if isinstance(value, str) and longest and len(value) > longest:
        refused.faults[item.name] = _("太长了，最多 %(longest)d 个字。") % {"longest": longest}
    return value


def _fill(pairing: Pairing, values: Mapping[str, Any], user: User | None) -> None:
    """Into columns and `values`; what an account says of its person need not be typed."""
    pairing.user = user
    pairing.helper_name = values.get("helper_name") or (user.name if user else "")
    pairing.helper_phone = values.get("helper_phone") or (user.phone if user else "")
    pairing.helper_unit = values.get("helper_unit") or (user.unit if user else "")
    pairing.unit_position = values.get("unit_position") or ""
    pairing.is_main = bool(values.get("is_main"))
    for name in ("start_on", "end_on"):
        setattr(pairing, name, datetime.date.fromisoformat(values[name]) if values.get(name) else None)
    if values.get(SECRET):
        pairing.helper_id_secret, pairing.helper_id_mask = encrypt(values[SECRET]), mask_id(values[SECRET])
    pairing.values = {name: value for name, value in values.items() if name not in (*COLUMNS, SUBJECT, ACCOUNT, SECRET) and value is not None}


@transaction.atomic
def end(*, pairing: Pairing, on: datetime.date, by: User | None = None) -> Pairing:
    """The helper no longer helps this household from the day on. Raises Refused."""
    pairing = Pairing.objects.select_for_update().get(pk=pairing.pk)
    if pairing.end_on is not None:
        raise Refused({"": _("这条结对已在 %(on)s 结束。") % {"on": pairing.end_on.isoformat()}})
    if on < pairing.start_on:
        raise Refused({"": _("结束时间不能早于开始时间。")})
    set_act("pairing.end")
    pairing.end_on = on
    pairing.save(update_fields=["end_on"])
    if on <= timezone.localdate():
        follow(household_id=pairing.household_id, former=_verifier(pairing), to=Verifier(), by=by)
    judge_again([pairing.household_id], by)
    return pairing
