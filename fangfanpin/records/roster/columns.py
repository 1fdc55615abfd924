"""Which row of a sheet is its header, and which item each column fills: by Chinese header, synonym or national field id, in any order."""

from collections.abc import Sequence
from dataclasses import replace

from fangfanpin.pack import Indicator, Pack
from fangfanpin.records.units import HOUSEHOLD_FORM, PERSON_FORM
from fangfanpin.records.workbooks.headers import NO_LAYOUT, Layout, header_key, header_row, mapped_row, without_unit
from fangfanpin.regions.models import Region

SPELL_FORM, PAIRING_FORM = "monitoring_spell", "helper_pairing"
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
                key = header_key(header)
                if key and (key not in found or rank < found[key][0]):
                    found[key] = (rank, indicator)
        self._known = {key: indicator for key, (_rank, indicator) in found.items()}

    def find(self, header: str) -> Indicator | None:
        """The item of a header; a unit in brackets behind it does not matter."""
        key = header_key(header)
        return self._known.get(key) or self._known.get(without_unit(key))

    def layout(self, rows: Sequence[Sequence[object]]) -> Layout:
        """The layout of a sheet from its first rows."""
        row = header_row(rows, self.find, least=3)
        if row < 0:
            return NO_LAYOUT
        found = mapped_row(rows[row], self.find, lambda item: item.key in PLACES or (_is_taken(item) and item.type not in ("image", "signature")))
        mapped = tuple(column for column in found.mapped if column.key not in PLACES)
        places = tuple(column for column in found.mapped if column.key in PLACES)
        layout = replace(found, row=row, mapped=mapped, places=places)
        persons = sum(column.key.startswith(f"{PERSON_FORM}.") for column in mapped)
        is_person = layout.has(NAME) and (layout.has(RELATION) or persons >= 4)
        return replace(layout, role="person" if is_person else "household" if layout.has(HOUSEHOLD_CODE) else "")


def _is_taken(indicator: Indicator) -> bool:
    return indicator.name in PAIRING_ITEMS if indicator.form == PAIRING_FORM else indicator.home in _TAKEN_HOMES
