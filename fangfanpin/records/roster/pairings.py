"""Helpers that a roster names beside its households become pairings.

A household has one main helper at a time, and who that is was decided by people: where the file names another one, both are listed side by
side. Of the same helper the file fills and corrects what no person has changed. A helper with an account (same name and phone) reaches the
household from then on; one who gets an account later is found by the next import.
"""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Min
from psycopg import sql

from fangfanpin.accounts.models import User
from fangfanpin.records.models import ImportDifference
from fangfanpin.records.roster.checking import Checked, HouseholdRow
from fangfanpin.records.roster.columns import PAIRING_FORM, PAIRING_ITEMS
from fangfanpin.records.workbooks.copying import ordered_ids

_STAGE = """
CREATE TEMPORARY TABLE roster_pairing (
    fresh uuid, household_id uuid, village_code text, helper_name text, helper_phone text, helper_unit text, unit_position text,
    says_main boolean, says_start date, start_on date, end_on date, user_id bigint,
    known_id uuid, kept boolean NOT NULL DEFAULT false, other_id uuid
) ON COMMIT DROP
"""
_COPIED = (
    "fresh", "household_id", "village_code", "helper_name", "helper_phone", "helper_unit", "unit_position", "says_main", "says_start",
    "start_on", "end_on", "user_id",
)  # fmt: skip
# The same helper: of that name, unless phone and unit both speak against it, and at that time.
_KNOWN = """
UPDATE roster_pairing s SET known_id = k.id FROM (
    SELECT DISTINCT ON (p.household_id) p.household_id, p.id FROM households_pairing p JOIN roster_pairing g
        ON g.household_id = p.household_id AND g.helper_name = p.helper_name
        AND (g.helper_phone = '' OR p.helper_phone = '' OR g.helper_phone = p.helper_phone OR g.helper_unit <> '' AND g.helper_unit = p.helper_unit)
        AND g.start_on <= coalesce(p.end_on, 'infinity') AND p.start_on <= coalesce(g.end_on, 'infinity')
    ORDER BY p.household_id, p.end_on IS NULL DESC, p.is_main DESC, g.helper_phone = p.helper_phone DESC, p.start_on DESC
) k WHERE k.household_id = s.household_id
"""
_KEPT = """
UPDATE roster_pairing s SET kept = true FROM audit_event e
WHERE e.table_name = 'households_pairing' AND e.row_id = s.known_id::text AND e.act !~ '^(import[.]|demo[.]|job )'
"""
_OTHER = """
UPDATE roster_pairing s SET other_id = k.id FROM (
    SELECT DISTINCT ON (p.household_id) p.household_id, p.id FROM households_pairing p JOIN roster_pairing g ON g.household_id = p.household_id
    WHERE g.known_id IS NULL AND g.says_main IS NOT FALSE AND p.is_main
        AND g.start_on < coalesce(p.end_on, 'infinity') AND p.start_on < coalesce(g.end_on, 'infinity')
    ORDER BY p.household_id, p.end_on IS NULL DESC, p.start_on DESC
) k WHERE k.household_id = s.household_id
"""
_INSERT = """
INSERT INTO households_pairing
    (id, household_id, village_code, user_id, helper_name, helper_phone, helper_unit, unit_position, helper_id_mask, values, is_main,
    start_on, end_on, import_batch_id)
SELECT fresh, household_id, village_code, user_id, helper_name, helper_phone, helper_unit, unit_position, '', '{}', says_main IS NOT FALSE,
    start_on, end_on, %s
FROM roster_pairing WHERE known_id IS NULL AND other_id IS NULL
"""
# Dates are taken together, and only such as follow each other.
_CHANGE = """
UPDATE households_pairing p SET helper_phone = n.helper_phone, helper_unit = n.helper_unit, unit_position = n.unit_position,
    start_on = n.start_on, end_on = n.end_on, user_id = n.user_id
FROM (
    SELECT q.id, coalesce(q.user_id, s.user_id) AS user_id,
        CASE WHEN s.helper_phone <> '' AND NOT s.kept THEN s.helper_phone ELSE q.helper_phone END AS helper_phone,
        CASE WHEN s.helper_unit <> '' AND NOT s.kept THEN s.helper_unit ELSE q.helper_unit END AS helper_unit,
        CASE WHEN s.unit_position <> '' AND NOT s.kept THEN s.unit_position ELSE q.unit_position END AS unit_position,
        CASE WHEN d.right AND NOT s.kept THEN d.start_on ELSE q.start_on END AS start_on,
        CASE WHEN d.right AND NOT s.kept THEN d.end_on ELSE q.end_on END AS end_on
    FROM roster_pairing s JOIN households_pairing q ON q.id = s.known_id, LATERAL (
        SELECT coalesce(s.says_start, q.start_on) AS start_on, coalesce(s.end_on, q.end_on) AS end_on,
            coalesce(s.end_on, q.end_on, 'infinity') >= coalesce(s.says_start, q.start_on) AS right
    ) d
) n
WHERE p.id = n.id AND (p.helper_phone, p.helper_unit, p.unit_position, p.start_on, p.end_on, p.user_id)
    IS DISTINCT FROM (n.helper_phone, n.helper_unit, n.unit_position, n.start_on, n.end_on, n.user_id)
"""
# What the file says otherwise of the same helper, and was not taken.
_SAID = {
    "helper_phone": "s.helper_phone <> ''",
    "helper_unit": "s.helper_unit <> ''",
    "unit_position": "s.unit_position <> ''",
    "start_on": "s.says_start IS NOT NULL",
    "end_on": "s.end_on IS NOT NULL",
    "is_main": "s.says_main IS NOT NULL",
}
_OFFERED = {"start_on": "says_start", "is_main": "says_main"}
_DIFFERENCES = """
INSERT INTO {differences} (batch_id, household_id, village_code, form, name, stored, offered)
SELECT {batch}, s.household_id, s.village_code, {form}, {name}, to_jsonb(p.{stored}), to_jsonb(s.{offered})
FROM roster_pairing s JOIN households_pairing p ON p.id = s.known_id WHERE {said} AND p.{stored} IS DISTINCT FROM s.{offered}
"""
_OTHERS = """
INSERT INTO {differences} (batch_id, household_id, village_code, form, name, stored, offered)
SELECT {batch}, s.household_id, s.village_code, {form}, 'helper_name',
    to_jsonb(p.helper_name || CASE WHEN p.helper_unit <> '' THEN '，' || p.helper_unit ELSE '' END),
    to_jsonb(s.helper_name || CASE WHEN s.helper_unit <> '' THEN '，' || s.helper_unit ELSE '' END)
FROM roster_pairing s JOIN households_pairing p ON p.id = s.other_id
"""


@dataclass(frozen=True, slots=True)
class Written:
    """Pairings made, changed, and items in which file and registry differ."""

    made: int = 0
    changed: int = 0
    differences: int = 0


def undated_start(checked: Checked) -> datetime.date:
    """Since when a helper helps of whom the file says no day: the roster is that year's, so they did at its end."""
    return datetime.date(checked.ground.year, 12, 31)


def said_of_helpers(checked: Checked) -> Iterator[tuple[HouseholdRow, dict[str, Any]]]:
    """Each household of the file for which a helper is named, with what is said of them."""
    for row in checked.households.values():
        block = row.block
        if block is None or f"{PAIRING_FORM}.helper_name" not in block.columns:
            continue
        values = {name: block.value(f"{PAIRING_FORM}.{name}", row.row) for name in PAIRING_ITEMS}
        if values["helper_name"]:
            yield row, values


def write_pairings(cursor: Any, checked: Checked, batch_id: UUID) -> Written:
    """Set-wise, once all households are written."""
    said = list(said_of_helpers(checked))
    if not said:
        return Written()
    cursor.execute("DROP TABLE IF EXISTS roster_pairing")
    cursor.execute(_STAGE)
    _copy(cursor, checked, said)
    cursor.execute("ANALYZE roster_pairing")
    cursor.execute(_KNOWN)
    if cursor.rowcount:
        cursor.execute(_KEPT)
    cursor.execute(_OTHER)
    cursor.execute(_INSERT, [batch_id])
    made = int(cursor.rowcount)
    cursor.execute(_CHANGE)
    changed = int(cursor.rowcount)
    differences = 0
    about = {
        "differences": sql.Identifier(ImportDifference._meta.db_table),
        "batch": sql.Literal(batch_id),
        "form": sql.Literal(PAIRING_FORM),
    }
    for name, condition in _SAID.items():
        cursor.execute(
            sql.SQL(_DIFFERENCES).format(
                **about,
                name=sql.Literal(name),
                stored=sql.Identifier(name),
                offered=sql.Identifier(_OFFERED.get(name, name)),
                said=sql.SQL(condition),
            )
        )
        differences += int(cursor.rowcount)
    cursor.execute(sql.SQL(_OTHERS).format(**about))
    return Written(made, changed, differences + int(cursor.rowcount))


def _copy(cursor: Any, checked: Checked, said: Sequence[tuple[HouseholdRow, Mapping[str, Any]]]) -> None:
    users = _accounts({values["helper_phone"] for _row, values in said if values["helper_phone"]})
    undated = undated_start(checked)
    names = sql.SQL(", ").join(map(sql.Identifier, _COPIED))
    with cursor.copy(sql.SQL("COPY roster_pairing ({}) FROM STDIN").format(names)) as copy:
        for fresh, (row, values) in zip(ordered_ids(len(said)), said, strict=False):
            start, end = (datetime.date.fromisoformat(day) if (day := values[name]) else None for name in ("start_on", "end_on"))
            name, phone = values["helper_name"], values["helper_phone"] or ""
            texts = (name, phone, values["helper_unit"] or "", values["unit_position"] or "")
            since = start or (min(undated, end) if end else undated)
            copy.write_row((fresh, row.id, row.village, *texts, values["is_main"], start, since, end, users.get((name, phone))))


def _accounts(phones: set[str]) -> dict[tuple[str, str], int]:
    """{(name, phone): the one active account of that name and phone}."""
    found = User.objects.filter(is_active=True, phone__in=phones).values("name", "phone").annotate(count=Count("pk"), only=Min("pk"))
    return {(one["name"], one["phone"]): one["only"] for one in found.filter(count=1)}
