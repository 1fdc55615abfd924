"""helper_pairing as a form: its items come from the dictionary though the rows live in a table of the registry (households.Pairing)."""

import dataclasses
from typing import Any

from django.utils.translation import gettext as _

from fangfanpin.households.models import Household, Pairing
from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.model import Form
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.references import Words
from fangfanpin.registers.services import Given

FORM = "helper_pairing"
SUBJECT = "household_id"
ACCOUNT = "helper_user"  # ours: the helper's account, where there is one
SECRET = "helper_id"
# item → column of Pairing; the rest stands in `values`.
COLUMNS = {name: name for name in ("helper_name", "helper_phone", "helper_unit", "unit_position", "is_main", "start_on", "end_on")}
SHOWN = frozenset({"column"})  # one line of text, as what lists show


def register_of_pairings(pack: Pack) -> Register | None:
    """The form in the pack's language; None where the pack has none."""
    form = pack.forms.get(FORM)
    if form is None or not any(item.name == SUBJECT for item in form.indicators):
        return None
    items = tuple(_asked(item) for item in form.indicators if not item.retired)
    subject = next(item for item in items if item.name == SUBJECT)
    account = dataclasses.replace(
        subject, name=ACCOUNT, zh=_("帮扶责任人的系统账号"), en="", english=False, national_id="", ref="user", type="ref", list=""
    )
    items = (subject, account, *(item for item in items if item != subject))
    sections = tuple(
        dataclasses.replace(section, items=(*section.items, ACCOUNT) if SUBJECT in section.items else section.items) for section in form.sections
    )
    made: Form = dataclasses.replace(form, indicators=items, sections=_ordered(sections, items))
    return Register(form=made, subject=subject, columns=items, filters=(), sorts=(), searched=(), labels=(), unique=(), marked=())


def _asked(item: Indicator) -> Indicator:
    return dataclasses.replace(item, home="record", marks=SHOWN, ref="household" if item.name == SUBJECT else item.ref)


def _ordered(sections: Any, items: tuple[Indicator, ...]) -> Any:
    """Items of each section in the form's order, the account after the household."""
    place = {item.name: number for number, item in enumerate(items)}
    return tuple(dataclasses.replace(section, items=tuple(sorted(section.items, key=lambda name: place.get(name, 99)))) for section in sections)


def value_of(pairing: Pairing, item: Indicator) -> Any:
    """An item in JSON form; the number of an identity card masked."""
    if item.name == SUBJECT:
        return str(pairing.household_id)
    if item.name == ACCOUNT:
        return str(pairing.user_id) if pairing.user_id else None
    if item.name == SECRET:
        return pairing.helper_id_mask or None
    if item.name in COLUMNS:
        value = getattr(pairing, COLUMNS[item.name])
        return value.isoformat() if hasattr(value, "isoformat") else None if value == "" else value
    return pairing.values.get(item.name)


def given_from(pairing: Pairing, register: Register, pack: Pack, words: Words) -> dict[str, Given]:
    """What a pairing holds, as the page would send it. The number of the identity card is not shown: left empty it stays."""
    found = {}
    for item in register.asked:
        value = value_of(pairing, item)
        if value is None or item.name == SECRET:
            found[item.name] = Given()
        elif item.type == "ref":
            found[item.name] = Given((words.say(item.ref, value),), (value,))
        elif item.type == "bool":
            found[item.name] = Given((str(int(value)),))
        else:
            found[item.name] = Given((value if item.type == "code" else pack.display(item, value),))
    return found


def blank_for(household: Household | None) -> dict[str, Given]:
    """A new pairing's page: the household where it is known, main helper."""
    found = {"is_main": Given(("1",))}
    if household is not None:
        found[SUBJECT] = Given((household.head_name or household.code,), (str(household.pk),))
    return found
