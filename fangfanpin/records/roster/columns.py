"""Which row of a sheet is its header, and which item each column fills: by Chinese header, synonym or national field id, in any order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fangfanpin.expressions.normalise import normalise_number_text
from fangfanpin.pack import Indicator, Pack
from fangfanpin.records.units import HOUSEHOLD_FORM, PERSON_FORM
from fangfanpin.regions.models import Region

SPELL_FORM, PAIRING_FORM = "monitoring_spell", "helper_pairing"
HEADER_SEARCHED = 20  # rows
_TAKEN_HOMES = frozenset({"subject", "record", "spell"})
# Columns of a sheet that make it one of persons, and those that say which household a row belongs to.
NAME, RELATION, HOUSEHOLD_CODE = f"{PERSON_FORM}.member_name", f"{PERSON_FORM}.relation_to_head", f"{HOUSEHOLD_FORM}.household_id"
VILLAGE = f"{HOUSEHOLD_FORM}.admin_village_code"
YEAR = f"{HOUSEHOLD_FORM}.form_year"
# Items that say in words where a household lives: computed from its village's code, and in a file the way to that code.
PLACES = {
    f"{HOUSEHOLD_FORM}.province": Region.Level.PROVINCE,
    f"{HOUSEHOLD_FORM}.city": Region.Level.PREFECTURE,
    f"{HOUSEHOLD_FORM}.county": Region.Level.COUNTY,
    f"{HOUSEHOLD_FORM}.town": Region.Level.TOWNSHIP,
    f"{HOUSEHOLD_FORM}.admin_village": Region.Level.VILLAGE,
}
# The household's helper, as far as a pairing keeps them; the names are those of Pairing's columns.
PAIRING_ITEMS = ("helper_name", "helper_phone", "helper_unit", "unit_position", "is_main", "start_on", "end_on")


@dataclass(frozen=True, slots=True)
class Mapped:
    """A column that fills an item."""

    place: int
    header: str
    indicator: Indicator

    @property
    def key(self) -> str:
        return self.indicator.key


@dataclass(frozen=True, slots=True)
class Layout:
    """What a sheet is: `role` household, person or '' (no roster); `row`: of the header, from 0.

    `places`: columns that name county, township, village in words; `unused`: columns known but filled by the system; `unknown`: headers nobody
    knows; `repeated`: second columns for one item.
    """

    role: str
    row: int
    mapped: tuple[Mapped, ...]
    places: tuple[Mapped, ...]
    unused: tuple[tuple[int, str], ...]
    unknown: tuple[tuple[int, str], ...]
    repeated: tuple[Mapped, ...]

    @property
    def read(self) -> list[Mapped]:
        """Every column that is read, from left to right."""
        return sorted((*self.mapped, *self.places), key=lambda column: column.place)


def _key(header: str) -> str:
    plain = re.sub(r"\s+", "", normalise_number_text(header) or "")
    return plain.strip("*:").upper()


class Headers:
    """The pack's roster layout, ready to look headers up."""

    def __init__(self, pack: Pack) -> None:
        found: dict[str, tuple[tuple[int, ...], Indicator]] = {}
        order = {HOUSEHOLD_FORM: 0, PERSON_FORM: 1, SPELL_FORM: 2}
        for column in pack.roster:
            indicator = pack.indicators[f"{column.form}.{column.name}"]
            for place, header in enumerate(column.headers):
                # What the file may fill comes before what the system computes; the people of the household before who helps them (the nation
                # gives both one field id); a header of the layout before an item's own name.
                rank = (not _is_taken(indicator), column.form == PAIRING_FORM, place, order.get(column.form, 3))
                key = _key(header)
                if key and (key not in found or rank < found[key][0]):
                    found[key] = (rank, indicator)
        self._known = {key: indicator for key, (_rank, indicator) in found.items()}

    def find(self, header: str) -> Indicator | None:
        """The item of a header; a unit in brackets behind it does not matter."""
        key = _key(header)
        return self._known.get(key) or self._known.get(re.sub(r"\([^()]*\)$", "", key))

    def layout(self, rows: Sequence[Sequence[object]]) -> Layout:
        """The layout of a sheet from its first rows: the header is the row with most known headers, the first of equals."""
        best, best_count = -1, 2
        for number, row in enumerate(rows[:HEADER_SEARCHED]):
            known = {found.key for cell in row if isinstance(cell, str) and (found := self.find(cell))}
            if len(known) > best_count:
                best, best_count = number, len(known)
        if best < 0:
            return Layout("", -1, (), (), (), (), ())
        mapped: dict[str, Mapped] = {}
        places: dict[str, Mapped] = {}
        unused, unknown, repeated = [], [], []
        for place, cell in enumerate(rows[best]):
            header = cell.strip() if isinstance(cell, str) else str(cell)
            if not header:
                continue
            indicator = self.find(header)
            if indicator is None:
                unknown.append((place, header))
                continue
            if indicator.key not in PLACES and (not _is_taken(indicator) or indicator.type in ("image", "signature")):
                unused.append((place, header))
                continue
            held = places if indicator.key in PLACES else mapped
            column = Mapped(place, header, indicator)
            if held.setdefault(indicator.key, column) is not column:
                repeated.append(column)
        persons = sum(key.startswith(f"{PERSON_FORM}.") for key in mapped)
        role = "person" if NAME in mapped and (RELATION in mapped or persons >= 4) else "household" if HOUSEHOLD_CODE in mapped else ""
        return Layout(role, best, tuple(mapped.values()), tuple(places.values()), tuple(unused), tuple(unknown), tuple(repeated))


def _is_taken(indicator: Indicator) -> bool:
    return indicator.name in PAIRING_ITEMS if indicator.form == PAIRING_FORM else indicator.home in _TAKEN_HOMES
