"""The worker's side of bench/roster.py: one import of one file, ours or django-import-export's, with everything committed.

Imported where Django is set up.
"""

import json
import time
from pathlib import Path
from typing import Any, cast

import tablib
from django.db import transaction
from import_export import fields, instance_loaders, resources, widgets

from fangfanpin.accounts.reach import Reach, set_act, set_database_reach, system_reach
from fangfanpin.households.models import Household, Membership, Person
from fangfanpin.households.subjects import (
    HOUSEHOLD_COLUMNS,
    HOUSEHOLD_SECRETS,
    PERSON_COLUMNS,
    PERSON_SECRETS,
    initials,
    name_key,
    set_household_value,
    set_person_value,
)
from fangfanpin.pack import Indicator, Pack
from fangfanpin.privacy.facts import identity_facts
from fangfanpin.records.current_year import CurrentYear, current_year
from fangfanpin.records.models import Record
from fangfanpin.records.roster.columns import Headers
from fangfanpin.records.roster.services import apply_batch, receive
from fangfanpin.regions.models import Region

BATCH = 1000


def ours(path: Path, year: CurrentYear, reach: Reach) -> None:
    batch = receive(content=path, name=path.name, keep_good=False, year=year, by=None)
    batch = apply_batch(batch=batch, year=year, reach=reach, keep_good=False, report=lambda done, total: None)
    if batch.state != "applied":
        raise RuntimeError(f"the roster was not taken: {batch.faults[:3]}")


# --- the same rows with django-import-export ------------------------------------------------------------------------------


class _Cell(widgets.Widget):  # type: ignore[misc]  # the library has no types
    """A cell by the pack's own codec: types, words, dates; what the library's widgets would do with less."""

    def __init__(self, pack: Pack, indicator: Indicator) -> None:
        super().__init__()
        self._pack, self._indicator = pack, indicator

    def clean(self, value: Any, row: Any = None, **named: Any) -> Any:
        return self._pack.parse_text(self._indicator, "" if value is None else str(value))


class _Setting(fields.Field):  # type: ignore[misc]  # the library has no types
    """A field that is set by the registry's own functions, so that cipher, digest, mask and facts belong together."""

    def __init__(self, pack: Pack, indicator: Indicator, header: str) -> None:
        super().__init__(attribute=indicator.name, column_name=header, widget=_Cell(pack, indicator))
        self._indicator = indicator

    def save(self, instance: Any, row: Any, is_m2m: bool = False, **named: Any) -> None:
        value = self.clean(row)
        indicator = self._indicator
        if isinstance(instance, Household):
            set_household_value(instance, indicator.name, value)
        elif isinstance(instance, Person):
            if indicator.name == "id_number" and value is not None and identity_facts(value).id_check_ok is False:
                raise ValueError("check character")
            set_person_value(instance, indicator.name, value)
        else:
            instance.values[indicator.name] = value


class _Bulk:
    """Bulk mode as the library's documentation recommends it for speed."""

    use_bulk = True
    batch_size = BATCH
    skip_diff = True
    skip_html_diff = True
    report_skipped = False
    use_transactions = False
    force_init_instance = True
    instance_loader_class = instance_loaders.BaseInstanceLoader


class _Resource(resources.ModelResource):  # type: ignore[misc]  # the library has no types
    """`homes`: {household code: household}, filled by the first resource and read by the others instead of a query per row."""

    def __init__(self, pack: Pack, headers: list[str], form: str, homes: dict[str, Household], year: int, villages: set[str]) -> None:
        self.fields = {}
        super().__init__()
        self.pack, self.homes, self.year, self.villages = pack, homes, year, villages
        finder = Headers(pack)
        for header in headers:
            indicator = finder.find(header)
            if indicator is not None and indicator.form == form and self.takes(indicator):
                self.fields[indicator.name] = _Setting(pack, indicator, header)

    def takes(self, indicator: Indicator) -> bool:
        return indicator.home == "record"

    def get_import_id_fields(self) -> list[str]:
        return []


class HouseholdResource(_Resource):
    class Meta(_Bulk):
        model = Household

    def takes(self, indicator: Indicator) -> bool:
        return indicator.name in HOUSEHOLD_COLUMNS or indicator.name in HOUSEHOLD_SECRETS

    def before_save_instance(self, instance: Any, row: Any, **named: Any) -> None:
        if instance.village_code not in self.villages or instance.code in self.homes:
            raise ValueError("village or code")
        instance.address = row.get("家庭住址") or ""
        self.homes[instance.code] = instance


class PersonResource(_Resource):
    class Meta(_Bulk):
        model = Person

    def takes(self, indicator: Indicator) -> bool:
        return indicator.name != "household_id" and (indicator.name in PERSON_COLUMNS or indicator.name in PERSON_SECRETS)

    def before_save_instance(self, instance: Any, row: Any, **named: Any) -> None:
        home = self.homes[str(row["户编号"])]
        instance.household, instance.village_code, instance.member_state = home, home.village_code, "01"
        if instance.relation_to_head == "01":
            home.head_name, home.head_name_key, home.head_initials = (
                instance.member_name,
                name_key(instance.member_name),
                initials(instance.member_name),
            )
        home.member_count += 1
        _PERSONS[instance.code] = instance


_PERSONS: dict[str, Person] = {}
_LEADS: dict[str, Record] = {}


class MembershipResource(_Resource):
    class Meta(_Bulk):
        model = Membership

    def takes(self, indicator: Indicator) -> bool:
        return False

    def before_save_instance(self, instance: Any, row: Any, **named: Any) -> None:
        person = _PERSONS[str(row["人编号"])]
        instance.person, instance.household, instance.village_code = person, person.household, person.village_code
        instance.relation_to_head = person.relation_to_head


class HouseholdRecordResource(_Resource):
    class Meta(_Bulk):
        model = Record

    def before_save_instance(self, instance: Any, row: Any, **named: Any) -> None:
        home = self.homes[str(row["户编号"])]
        instance.form, instance.year, instance.subject_kind, instance.state = "household_year", self.year, "household", "locked"
        instance.subject_id, instance.household, instance.village_code, instance.pack_hash = home.id, home, home.village_code, self.pack.hash
        _LEADS[home.code] = instance


class PersonRecordResource(_Resource):
    class Meta(_Bulk):
        model = Record

    def before_save_instance(self, instance: Any, row: Any, **named: Any) -> None:
        person = _PERSONS[str(row["人编号"])]
        instance.form, instance.year, instance.subject_kind, instance.state = "person_year", self.year, "person", "locked"
        instance.subject_id, instance.person, instance.household, instance.village_code = person.id, person, person.household, person.village_code
        instance.parent, instance.pack_hash = _LEADS[str(row["户编号"])], self.pack.hash


def theirs(path: Path, year: CurrentYear, reach: Reach) -> None:
    set_act("import.apply bench")
    book = tablib.Databook().load(path.read_bytes(), format="xlsx")
    sheets = {sheet.title: sheet for sheet in book.sheets()}
    homes: dict[str, Household] = {}
    villages = set(Region.objects.villages().values_list("code", flat=True))
    steps = (
        ("户", "household_year", HouseholdResource),
        ("成员", "person_year", PersonResource),
        ("成员", "person_year", MembershipResource),
        ("户", "household_year", HouseholdRecordResource),
        ("成员", "person_year", PersonRecordResource),
    )
    for title, form, kind in steps:
        resource = kind(year.pack, cast(list[str], sheets[title].headers), form, homes, year.year - 1, villages)
        resource.import_data(sheets[title], dry_run=False, raise_errors=True, collect_failed_rows=False)
        if kind is PersonResource:  # what the members say of their household
            Household.objects.bulk_update(homes.values(), ["head_name", "head_name_key", "head_initials", "member_count"], batch_size=BATCH)


def main(who: str, path: Path) -> None:
    """Print {seconds, persons, events}: from the file to everything committed."""
    year = current_year()
    began = time.perf_counter()
    with transaction.atomic():
        reach = system_reach()
        set_database_reach(reach, act="import.bench", source="bench")
        (ours if who == "ours" else theirs)(path, year, reach)
    print(json.dumps({"seconds": time.perf_counter() - began}))
