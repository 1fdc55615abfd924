"""A roster workbook of a drawn county, in the columns of the national system's exports: for trying the import, in tests and benchmarks."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from fangfanpin.demo.county import DemoHousehold, DemoPerson
from fangfanpin.pack import Indicator, Pack

_HOUSEHOLD, _PERSON, _SPELL, _PAIRING = "household_year", "person_year", "monitoring_spell", "helper_pairing"
_NOT_EXPORTED = frozenset({"form_year", "address", "photos"})
_ALWAYS = {
    _HOUSEHOLD: ("admin_village_code", "natural_village_code", "address", "bank_holder"),
    _PERSON: ("disability_card_no", "work_region", "work_place_code", "resident_pension"),
    _SPELL: ("monitoring_type", "spell_state", "identified_month", "eliminated_month", "risk_1", "risk_2"),
    _PAIRING: ("helper_name", "helper_phone", "helper_unit", "start_on"),
}
_CHOSEN = frozenset({_SPELL, _PAIRING})  # forms of which an export has some items only
Column = tuple[Indicator, str]


def columns(pack: Pack, form: str) -> list[Column]:
    """(item, header) of a form as an export has them: items with a national field id, and those no roster goes without."""
    found = []
    for column in pack.roster:
        indicator = pack.indicators[f"{column.form}.{column.name}"]
        if column.form != form or indicator.retired or (form != _PAIRING and indicator.home not in ("subject", "record", "spell")):
            continue
        if column.name in _ALWAYS[form] or (form not in _CHOSEN and indicator.national_id and column.name not in _NOT_EXPORTED):
            if not (form == _PERSON and column.name == "household_id"):
                found.append((indicator, column.headers[0]))
    return found


def household_values(household: DemoHousehold) -> dict[str, Any]:
    """Last year's items of a household in JSON form, the monitoring spell's under their own names."""
    spell = household.spells[-1] if household.spells else None
    return household.last | {
        "household_id": household.code,
        "admin_village_code": household.village,
        "natural_village_code": household.natural,
        "address": household.address,
        "bank_name": "固镇农村商业银行" if household.bank_card else None,
        "bank_card_no": household.bank_card,
        "bank_holder": household.bank_holder,
        "household_type": household.type,
        "first_identified_at": "2014",
        "poverty_exit_year": 2018 if household.type == "01" else None,
        "main_poverty_cause": "01",
        "monitoring_type": spell.monitoring_type if spell else None,
        "spell_state": spell.state if spell else None,
        "identified_month": spell.identified_month if spell else None,
        "eliminated_month": spell.eliminated_month if spell else None,
        "risk_1": spell.values.get("risk_1") if spell else None,
        "risk_2": spell.values.get("risk_2") if spell else None,
        "helper_name": f"帮扶干部{(household.helper or 0) % 300:03d}",
        "helper_phone": f"139{(household.helper or 0) % 300:08d}",
        "helper_unit": "固镇县某局（演示）",
        "start_on": "2020-01-01",
    }


def person_values(person: DemoPerson) -> dict[str, Any]:
    return person.last | {
        "person_id": person.code,
        "member_name": person.name,
        "sex": person.sex,
        "birth_date": person.birth.isoformat(),
        "id_type": person.id_type,
        "id_number": person.id_number,
        "disability_card_no": person.card,
        "relation_to_head": person.relation,
        "ethnicity": person.ethnicity,
        "identified_at": "2014",
    }


def members(household: DemoHousehold) -> list[DemoPerson]:
    """Who stood in last year's roster."""
    return [person for person in household.persons if person.last]


class _Words:
    """Values as an export writes them: words, not codes; remembered."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._known: dict[tuple[str, Any], str] = {}

    def row(self, chosen: Sequence[Column], values: dict[str, Any]) -> list[str]:
        return [self._word(indicator, values.get(indicator.name)) for indicator, _header in chosen]

    def _word(self, indicator: Indicator, value: Any) -> str:
        if value is None:
            return ""
        key = (indicator.key, tuple(value) if isinstance(value, list) else value)
        if key not in self._known:
            self._known[key] = self._pack.display(indicator, value)
        return self._known[key]


def _household_columns(pack: Pack, *, helpers: bool) -> list[Column]:
    return columns(pack, _HOUSEHOLD) + columns(pack, _SPELL) + (columns(pack, _PAIRING) if helpers else [])


def two_sheets(households: Iterable[DemoHousehold], pack: Pack, *, helpers: bool = False) -> tuple[list[list[str]], list[list[str]]]:
    """(household rows, member rows), the header first in each. `helpers`: with the columns of who helps each household."""
    words = _Words(pack)
    household_columns = _household_columns(pack, helpers=helpers)
    code = (pack.indicators[f"{_HOUSEHOLD}.household_id"], "户编号")
    person_columns = columns(pack, _PERSON)
    homes = [[header for _item, header in household_columns]]
    people = [[header for _item, header in [code, *person_columns]]]
    for household in households:
        listed = members(household)
        if not any(person.relation == "01" for person in listed):
            continue
        homes.append(words.row(household_columns, household_values(household)))
        people += [[household.code, *words.row(person_columns, person_values(person))] for person in listed]
    return homes, people


def one_sheet(households: Iterable[DemoHousehold], pack: Pack, *, helpers: bool = False) -> list[list[str]]:
    """A row per member that repeats the household, as the national system's member export does."""
    words = _Words(pack)
    household_columns, person_columns = _household_columns(pack, helpers=helpers), columns(pack, _PERSON)
    rows = [[header for _item, header in [*household_columns, *person_columns]]]
    for household in households:
        listed = members(household)
        if any(person.relation == "01" for person in listed):
            home = words.row(household_columns, household_values(household))
            rows += [home + words.row(person_columns, person_values(person)) for person in listed]
    return rows


def write_workbook(path: Path, sheets: dict[str, Iterable[Sequence[str | float]]]) -> None:
    """Texts as texts, numbers as numbers; '' is an empty cell."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                if isinstance(cell, str):
                    if cell:
                        sheet.write_string(number, place, cell)
                else:
                    sheet.write_number(number, place, cell)
    book.close()


def write_roster(path: Path, households: Iterable[DemoHousehold], pack: Pack, *, helpers: bool = False) -> tuple[int, int]:
    """A workbook of two sheets, “户” and “成员”; returns how many households and persons stand in it."""
    homes, people = two_sheets(households, pack, helpers=helpers)
    write_workbook(path, {"户": homes, "成员": people})
    return len(homes) - 1, len(people) - 1


def clean(households: Iterable[DemoHousehold]) -> Iterator[DemoHousehold]:
    """Households without a planted fault: what a checked file would hold."""
    return (household for household in households if not household.faulty)
