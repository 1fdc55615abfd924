"""Monthly rows of a register give the year's months and amount (务工时间、务工收入), beside what was typed into the year's table.

A month counts when it lies in the window and in one of the person's rows; two rows in one month count once, with the higher wage. Which items say
from, to and how much, and which typed items stand beside, is the pack's (`months` in forms.toml).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from fangfanpin.accounts.reach import Reach
from fangfanpin.households.models import Household, Person
from fangfanpin.pack import Pack
from fangfanpin.pack.codec import decimal_text, to_engine
from fangfanpin.pack.model import Form, Months
from fangfanpin.records.models import Record
from fangfanpin.records.units import HOUSEHOLD_FORM, LIVE, PERSON_FORM

MOST = 12


@dataclass(frozen=True, slots=True)
class Worked:
    """`months`: 0 to 12; `amount` in fen, of the months whose wage is known; `unknown`: months without a wage."""

    months: int
    amount: int
    unknown: int = 0


def _month(day: Any) -> int:
    return int(day.year) * 12 + int(day.month) - 1


def _first(text: str) -> int:
    return int(to_engine("month", text))


def _last(text: str) -> int:
    """Of a year alone its December."""
    return _first(text if len(text) >= 7 else f"{text[:4]}-12")


def worked(rows: Iterable[Mapping[str, Any]], months: Months, pack: Pack) -> Worked:
    """Of one person's rows. A row without a beginning says nothing; one without an end is still open."""
    first, last = _month(pack.period_start), _month(pack.period_end)
    wages: dict[int, int | None] = {}
    for values in rows:
        if not (start := values.get(months.start)):
            continue
        end, wage = values.get(months.end), values.get(months.amount)
        for month in range(max(first, _first(start)), min(last, _last(end) if end else last) + 1):
            known = wages.get(month)
            wages[month] = wage if known is None else known if wage is None else max(known, wage)
    counted = sorted(wages)[:MOST]
    paid = [wages[month] for month in counted]
    return Worked(len(counted), sum(wage for wage in paid if wage is not None), sum(wage is None for wage in paid))


@dataclass(frozen=True, slots=True)
class Beside:
    """A person's months as counted from the rows, and as typed; in words. `differs`: both are known and are not the same."""

    name: str
    months: str
    amount: str
    unknown: int
    typed: str
    differs: bool


@dataclass(frozen=True, slots=True)
class OfHousehold:
    """`total`: of all members; `typed`: what the household's table says of the amount."""

    form: Form
    persons: tuple[Beside, ...]
    total: str
    typed: str
    differs: bool


def counting_forms(pack: Pack) -> list[tuple[Form, Months]]:
    return [(form, form.months) for form in pack.forms.values() if form.is_register and form.months is not None]


def _rows(form: str, persons: Collection[UUID], reach: Reach) -> dict[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = {}
    records = Record.objects.visible_to(reach).filter(form=form, person_id__in=persons).exclude(state=Record.State.VOID)
    for person_id, values in records.values_list("person_id", "values"):
        if person_id is not None:
            found.setdefault(person_id, []).append(values)
    return found


def _beside(person: Person, found: Worked, typed: Any, months: Months, pack: Pack) -> Beside:
    item = pack.indicators[f"{PERSON_FORM}.{months.typed_months}"]
    return Beside(
        name=person.member_name,
        months=str(found.months),
        amount=decimal_text(found.amount, 2, money=True),
        unknown=found.unknown,
        typed=pack.display(item, typed) or _("未填"),
        differs=typed is not None and typed != found.months * 10**item.scale,
    )


def of_person(person: Person, form: Form, year: int, pack: Pack, reach: Reach) -> Beside | None:
    """What stands beside a row of a monthly register; None where the form is none."""
    if form.months is None:
        return None
    found = worked(_rows(form.key, [person.pk], reach).get(person.pk, []), form.months, pack)
    record = Record.objects.visible_to(reach).filter(form=PERSON_FORM, year=year, person=person).first()
    return _beside(person, found, record.values.get(form.months.typed_months) if record else None, form.months, pack)


def of_household(household: Household, year: int, pack: Pack, reach: Reach) -> list[OfHousehold]:
    """Members who have rows or a typed value, by monthly register."""
    persons = list(household.persons.filter(member_state=LIVE).order_by("position", "code"))
    typed = dict(
        Record.objects.visible_to(reach).filter(form=PERSON_FORM, year=year, person__in=persons).values_list("person_id", "values")
    )  # fmt: skip
    lead = Record.objects.visible_to(reach).filter(form=HOUSEHOLD_FORM, year=year, household=household).first()
    made = []
    for form, months in counting_forms(pack):
        rows = _rows(form.key, [person.pk for person in persons], reach)
        beside, total = [], 0
        for person in persons:
            own = (typed.get(person.pk) or {}).get(months.typed_months)
            if person.pk in rows or own:
                found = worked(rows.get(person.pk, []), months, pack)
                total += found.amount
                beside.append(_beside(person, found, own, months, pack))
        item = pack.indicators[f"{HOUSEHOLD_FORM}.{months.typed_amount}"]
        said = lead.values.get(months.typed_amount) if lead else None
        if beside:
            differs = said is not None and said != total
            words = pack.display(item, said) or _("未填")
            made.append(OfHousehold(form, tuple(beside), decimal_text(total, 2, money=True), words, differs))
    return made
