"""A drawn county judged without a database: the loader's own rows as Arrow tables, then the sweep's tables and rules."""

import datetime
import json
from collections.abc import Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pyarrow as pa

from fangfanpin.demo import load
from fangfanpin.demo.county import DemoCounty, DemoVillage
from fangfanpin.demo.generate import generate
from fangfanpin.demo.planting import plant
from fangfanpin.demo.registers import all_rows
from fangfanpin.demo.villages import SUMMED
from fangfanpin.pack import Pack
from fangfanpin.quality import snapshot
from fangfanpin.quality.sweep import Hit, find_hits

Named = tuple[str, str | None, str | None, str | None]  # rule, household code, person code, row or place code
TODAY = load.NOW.date()
_STAMP = datetime.datetime(2021, 11, 14, 10, 0, tzinfo=datetime.UTC)


def draw(*, households: int, seed: int, villages: list[DemoVillage], faults: bool = True) -> DemoCounty:
    county = generate(households=households, seed=seed, villages=villages)
    if faults:
        plant(county, seed)
    return county


def hits_of(county: DemoCounty, pack: Pack) -> list[Hit]:
    """What the rules hit; the leads of screens are no faults."""
    pack = replace(pack, screens=(), hash=f"{pack.hash} rules")
    columns = snapshot.columns_read(pack.rules, pack)
    database = snapshot.build(raw_tables(county, columns, pack), columns, pack)
    try:
        return find_hits(database, pack, TODAY)
    finally:
        database.close()


def named(county: DemoCounty, hits: Iterable[Hit]) -> set[Named]:
    households = {load._id("h", h.code): h.code for h in county.households}
    persons = {load._id("p", p.code): p.code for h in county.households for p in h.persons}
    rows = {load._id("g", row.code or f"{row.form}-{number}"): row.code or row.place for number, row in enumerate(all_rows(county))}
    return {
        (hit.rule.id, households[hit.household_id] if hit.household_id else None, persons[hit.person_id] if hit.person_id else None,
         rows.get(hit.subject_id))
        for hit in hits
    }  # fmt: skip


def truth_of(county: DemoCounty) -> set[Named]:
    return {(t.rule_id, t.household_code, t.person_code, t.row_code or t.place_code) for t in county.truth}


def rows_of(county: DemoCounty) -> dict[str, list[dict[str, Any]]]:
    """What the loader would write: household, person, spell, pairing and record rows."""
    campaign, user = SimpleNamespace(year=2021), SimpleNamespace(pk=1)
    users = cast(Any, {"village": user, "township": user})
    return {
        "household": [load._household_row(h, _STAMP) for h in county.households],
        "person": [load._person_row(h, p, n, _STAMP) for h in county.households for n, p in enumerate(h.persons)],
        "spell": list(load._spell_rows(county.households)),
        "record": list(load._record_rows(county.households, cast(Any, campaign), users, "", _STAMP)),
        "pairing": [load._pairing_row(h, cast(Any, user), False) for h in county.households if h.helper is not None],
        "row": [load._register_row(row, number, cast(Any, campaign), cast(Any, user), "", _STAMP) for number, row in enumerate(all_rows(county))],
    }


def raw_tables(county: DemoCounty, columns: dict[str, snapshot.Columns], pack: Pack) -> dict[str, pa.Table]:
    """The tables that `snapshot.build` takes, as PostgreSQL would have sent them."""
    rows = rows_of(county)
    located = {load._id("h", h.code): h for h in county.households}
    households = []
    for row in rows["household"]:
        h = located[row["id"]]
        place: dict[str, Any] = {"datum": "01", "gps_accuracy_m": h.gps_accuracy_m, "mock_location": False}
        place = place | {"lat": h.location[0], "lon": h.location[1]} if h.location else {}
        households.append(row | place | {"household_key": row["id"]})
    persons = [row | {"person_key": row["id"], "household_key": row["household_id"]} for row in rows["person"]]
    spell_items = sorted(columns["spell"].now - snapshot.SPELL_SUBJECT.keys())
    spells = [
        row | {"spell_key": row["id"], "household_key": row["household_id"]} | {item: _text(row["values"].get(item)) for item in spell_items}
        for row in rows["spell"]
    ]
    tables = {
        "household": _table(
            households, "household_key", "village_code", "natural_village_code", *snapshot.HOUSEHOLD_SUBJECT.values(), *snapshot.LOCATION_COLUMNS
        ),
        "person": _table(persons, "person_key", "household_key", "village_code", *snapshot.PERSON_SUBJECT.values()),
        "spell": _table(spells, "spell_key", "household_key", "village_code", *snapshot.SPELL_SUBJECT.values(), *spell_items),
    }
    for table, form in (("household", "household_year"), ("person", "person_year")):
        for when, year in (("now", 2021), ("last", 2020)):
            items = sorted(columns[table].now if when == "now" else columns[table].last)
            records = [_record(row, items) for row in rows["record"] if (row["form"], row["year"]) == (form, year)]
            names = ["key", *items]
            if (table, when) == ("household", "now"):
                records = [row | {"entered_on": 20211114} for row in records if row["state"] in snapshot.SWEPT_STATES]
                names += snapshot.RECORD_COLUMNS
            tables[f"{table}_{when}"] = _table(records, *names)
    points = [
        {"key": load._id("h", h.code), "lat": h.last_location[0], "lon": h.last_location[1], "datum": "01"}
        for h in county.households
        if h.last_location
    ]
    tables["location_last"] = _table(points, "key", *snapshot.LOCATION_COLUMNS)
    offices = {row.place: row.values for row in county.tables if row.form == "village_year"}
    tables["office"] = pa.table({"key": list(offices), **{name: [str(office[name]) for office in offices.values()] for name in ("lat", "lon")}})
    summed = _summed(county)
    for form in columns.keys() - {"household", "person", "spell"}:
        if form == "helper_pairing":
            kept = [row | {"row_key": row["id"], "household_key": row["household_id"]} for row in rows["pairing"]]
            tables[form] = _table(kept, "row_key", "household_key", "person_key", "village_code", *sorted(columns[form].now))
            continue
        items = snapshot.row_items(form, columns[form], pack)
        yearly = pack.forms[form].is_yearly_of_place
        kept = [
            {item: _text((row["values"] | summed.get(row["subject_code"], {})).get(item)) for item in items}
            | {"row_key": row["id"], "household_key": row["household_id"], "person_key": row["person_id"], "village_code": row["village_code"]}
            | {"subject_code": row["subject_code"]}
            for row in rows["row"]
            if row["form"] == form and (not yearly or (row["year"] == 2021 and row["state"] in snapshot.SWEPT_STATES))
        ]
        tables[form] = _table(kept, "row_key", "household_key", "person_key", "village_code", "subject_code", *items, as_text=True)
        if yearly:
            items = snapshot.last_row_items(form, columns[form], pack)
            last = [row for row in rows["row"] if (row["form"], row["year"]) == (form, 2020)]
            before = [{item: _text(row["values"].get(item)) for item in items} | {"place": row["subject_code"]} for row in last]
            tables[f"{form}_last"] = _table(before, "place", *items, as_text=True).rename_columns(["key", *items])
    return tables


def _summed(county: DemoCounty) -> dict[str, dict[str, Any]]:
    """By village what its table adds up, as roll-ups would find it."""
    found: dict[str, dict[str, Any]] = {}
    for row in county.tables:
        if row.form == "natural_village_year" and not row.last:
            sums = found.setdefault(row.village, dict.fromkeys(SUMMED, 0) | {"boundary_changed": False})
            sums |= {name: sums[name] + (row.values.get(name) or 0) for name in SUMMED}
    for village, sums in found.items():
        on_register = [h for h in county.households if h.village == village and h.household_state == "01"]
        sums["exit_households"] = sum(h.type == "01" for h in on_register)
    return found


def _record(row: dict[str, Any], items: Iterable[str]) -> dict[str, Any]:
    known = row.get("subject", {}) | row["values"]
    who = {"entered_by": _text(row.get("entered_by_id")), "checked_by": _text(row.get("checked_by_id"))}
    return {item: _text(known.get(item)) for item in items} | {"key": row["subject_id"], "state": row["state"]} | who


def _text(value: Any) -> str | None:
    """The JSON form as text, as `->>` gives it."""
    return value if isinstance(value, str) or value is None else json.dumps(value)


_KINDS = {
    **dict.fromkeys(("birth_date", "change_date", "id_birth", "start_on", "end_on"), pa.date32()),
    **dict.fromkeys(("lat", "lon", "gps_accuracy_m", "poverty_exit_year", "spell_no", "entered_on"), pa.int64()),
    **dict.fromkeys(("bank_luhn_ok", "is_relocated_person", "id_check_ok", "id_region_known", "id_placeholder"), pa.bool_()),
    **dict.fromkeys(("card_check_ok", "card_reissue_ok", "card_matches_id", "mock_location"), pa.bool_()),
    "other_poverty_causes": pa.list_(pa.string()),
}


def _table(rows: list[dict[str, Any]], *names: str, as_text: bool = False) -> pa.Table:
    """Missing is null, as in a left join."""
    columns = {name: [_plain(row.get(name)) for row in rows] for name in dict.fromkeys(names)}
    known = {} if as_text else _KINDS
    kinds = {name: known.get(name, pa.uuid() if name.endswith("key") else pa.string()) for name in columns}
    return pa.table({name: pa.array(values, type=kinds[name]) for name, values in columns.items()})


def _plain(value: Any) -> Any:
    return value.bytes if isinstance(value, UUID) else value
