"""The county's private snapshot: PostgreSQL as the snapshot role → Arrow → DuckDB tables household, person, spell.

The tables are those of docs/rule-language.md: wide, last year's columns beside this year's as `last__x`, dates and months as integers.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import adbc_driver_postgresql.dbapi as adbc
import duckdb
import sqlglot.expressions as e
from django.conf import settings

from fangfanpin.expressions import Codes, Date, Month, Type
from fangfanpin.expressions.duckdb import column_type
from fangfanpin.pack import Pack
from fangfanpin.runtime.postgres import read_urls

# Columns of the registry that are items of the dictionary: item → SQL column of the same meaning.
_HOUSEHOLD_SUBJECT: Mapping[str, str] = {
    "household_id": "code", "admin_village_code": "village_code", "natural_village_code": "natural_village_code", "bank_name": "bank_name",
    "bank_holder": "bank_holder", "household_type": "household_type", "household_state": "household_state",
    "first_identified_at": "first_identified_at", "poverty_exit_year": "poverty_exit_year", "main_poverty_cause": "main_poverty_cause",
    "other_poverty_causes": "other_poverty_causes", "relapse_cause": "relapse_cause", "head_name": "head_name",
    "monitoring_type": "monitoring_type", "monitoring_state": "monitoring_state", "bank_luhn_ok": "bank_luhn_ok",
}  # fmt: skip
_PERSON_SUBJECT: Mapping[str, str] = {
    "person_id": "code", "member_name": "member_name", "sex": "sex", "birth_date": "birth_date", "id_type": "id_type",
    "disability_category": "disability_category", "disability_grade": "disability_grade", "ethnicity": "ethnicity",
    "is_relocated_person": "is_relocated_person", "identified_at": "identified_at", "relation_to_head": "relation_to_head",
    "member_state": "member_state", "change_kind": "change_kind", "change_reason": "change_reason", "change_date": "change_date",
    "id_form": "id_form", "id_check_ok": "id_check_ok", "id_birth": "id_birth", "id_sex": "id_sex", "id_region_known": "id_region_known",
    "id_placeholder": "id_placeholder", "id18_digest": "id18_digest", "card_check_ok": "card_check_ok", "card_category": "card_category",
    "card_grade": "card_grade", "card_reissue_ok": "card_reissue_ok", "card_matches_id": "card_matches_id",
}  # fmt: skip
_SPELL_SUBJECT: Mapping[str, str] = {
    "spell_no": "spell_no", "identified_month": "identified_month", "eliminated_month": "eliminated_month",
    "monitoring_type": "monitoring_type", "spell_state": "spell_state",
}  # fmt: skip
SWEPT_STATES = ("submitted", "returned", "approved", "locked")

# Read by the snapshot role under its own policy; the year is bound as a parameter.
_QUERIES: Mapping[str, str] = {
    "raw_household": """
        SELECT h.id::text AS household_key, h.village_code, h.code, h.natural_village_code, h.bank_name, h.bank_holder, h.household_type,
               h.household_state, h.first_identified_at, h.poverty_exit_year::int, h.main_poverty_cause,
               to_json(h.other_poverty_causes)::text AS other_poverty_causes, h.relapse_cause, h.head_name, h.monitoring_type,
               h.monitoring_state, h.bank_luhn_ok, n.values::text AS now_values,
               (l.subject || l.values)::text AS last_values,
               n.entered_by_id::text AS entered_by, n.checked_by_id::text AS checked_by,
               to_char(n.submitted_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD')::int AS entered_on,
               p.lat, p.lon, p.datum, p.gps_accuracy_m, p.mock_location
        FROM households_household h
        JOIN records_record n ON n.form = 'household_year' AND n.year = $1 AND n.subject_kind = 'household' AND n.subject_id = h.id
             AND n.period = '' AND n.state IN ('submitted', 'returned', 'approved', 'locked')
        LEFT JOIN records_record l ON l.form = 'household_year' AND l.year = $1 - 1 AND l.subject_kind = 'household' AND l.subject_id = h.id
             AND l.period = ''
        LEFT JOIN households_location p ON p.household_id = h.id AND p.is_current
    """,
    "raw_person": """
        SELECT p.id::text AS person_key, p.household_id::text AS household_key, p.village_code, p.member_state = '01' AS is_live, p.code,
               p.member_name, p.sex, to_char(p.birth_date, 'YYYYMMDD')::int AS birth_date, p.id_type, p.disability_category,
               p.disability_grade, p.ethnicity, p.is_relocated_person, p.identified_at, p.relation_to_head, p.member_state, p.change_kind,
               p.change_reason, to_char(p.change_date, 'YYYYMMDD')::int AS change_date, p.id_form, p.id_check_ok,
               to_char(p.id_birth, 'YYYYMMDD')::int AS id_birth, p.id_sex, p.id_region_known, p.id_placeholder, p.id18_digest,
               p.card_check_ok, p.card_category, p.card_grade, p.card_reissue_ok, p.card_matches_id, n.values::text AS now_values,
               (l.subject || l.values)::text AS last_values
        FROM households_person p
        JOIN records_record h ON h.form = 'household_year' AND h.year = $1 AND h.subject_kind = 'household' AND h.subject_id = p.household_id
             AND h.period = '' AND h.state IN ('submitted', 'returned', 'approved', 'locked')
        LEFT JOIN records_record n ON n.form = 'person_year' AND n.year = $1 AND n.subject_kind = 'person' AND n.subject_id = p.id AND n.period = ''
        LEFT JOIN records_record l ON l.form = 'person_year' AND l.year = $1 - 1 AND l.subject_kind = 'person' AND l.subject_id = p.id AND l.period = ''
    """,
    "raw_spell": """
        SELECT s.id::text AS spell_key, s.household_id::text AS household_key, s.village_code, s.spell_no::int, s.identified_month,
               s.eliminated_month, s.monitoring_type, s.spell_state, s.values::text AS now_values
        FROM households_monitoringspell s
        JOIN records_record n ON n.form = 'household_year' AND n.year = $1 AND n.subject_kind = 'household' AND n.subject_id = s.household_id
             AND n.period = '' AND n.state IN ('submitted', 'returned', 'approved', 'locked')
    """,
}
_KEYS = {
    "household": ("household_key", "village_code"),
    "person": ("person_key", "household_key", "village_code", "is_live"),
    "spell": ("spell_key", "household_key", "village_code"),
}
_TYPED_ON_HOUSEHOLD = ("entered_by", "checked_by", "entered_on", "lat", "lon", "datum", "gps_accuracy_m", "mock_location")


def take(year: int, pack: Pack, sweep_id: UUID) -> duckdb.DuckDBPyConnection:
    """Read the county into an in-process DuckDB and leave Parquet beside it until `drop`. The connection holds the tables."""
    folder = folder_of(sweep_id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = duckdb.connect(":memory:", config={"threads": 2})
    database.execute("SET TimeZone = 'Asia/Shanghai'")
    url = read_urls(Path(settings.DATA_DIR)).snapshot
    with adbc.connect(url) as connection, connection.cursor() as cursor:
        for name, query in _QUERIES.items():
            cursor.execute(query, parameters=(year,))
            database.from_arrow(cursor.fetch_arrow_table()).create(name)
    schema = pack.schema()
    for table, subject in (("household", _HOUSEHOLD_SUBJECT), ("person", _PERSON_SUBJECT), ("spell", _SPELL_SUBJECT)):
        select = _wide(table, schema.subjects[table].columns, subject, with_last=schema.subjects[table].has_last)
        database.sql(select.sql("duckdb")).create(table)
    _add_household_facts(database)
    for table in _KEYS:
        database.table(table).write_parquet(str(folder / f"{table}.parquet"), compression="zstd")
    return database


def folder_of(sweep_id: UUID) -> Path:
    return Path(settings.DATA_DIR) / "snapshots" / str(sweep_id)


def drop(sweep_id: UUID) -> None:
    """The private snapshot lives no longer than its sweep."""
    shutil.rmtree(folder_of(sweep_id), ignore_errors=True)


def _structure(columns: Mapping[str, Type]) -> str:
    """Structure for from_json: everything that is not text or truth arrives as the JSON form has it."""
    return json.dumps({name: _raw_type(type_) for name, type_ in columns.items()})


def _raw_type(type_: Type) -> Any:
    if isinstance(type_, Codes):
        return ["VARCHAR"]
    if isinstance(type_, (Date, Month)):
        return "VARCHAR"
    return column_type(type_)


def _converted(value: e.Expression, type_: Type) -> e.Expression:
    """JSON form to what expressions see."""
    if isinstance(type_, Date):
        return e.TryCast(
            this=e.Anonymous(this="replace", expressions=[value, e.Literal.string("-"), e.Literal.string("")]), to=e.DataType.build("INT")
        )
    if isinstance(type_, Month):
        return _month(value)
    return value


def _month(value: e.Expression) -> e.Expression:
    def part(start: int, length: int) -> e.Expression:
        piece = e.Anonymous(this="substr", expressions=[value.copy(), e.Literal.number(start), e.Literal.number(length)])
        return e.TryCast(this=piece, to=e.DataType.build("INT"))

    months = e.Sub(this=e.Anonymous(this="coalesce", expressions=[part(6, 2), e.Literal.number(1)]), expression=e.Literal.number(1))
    return e.Add(this=e.Mul(this=part(1, 4), expression=e.Literal.number(12)), expression=e.Paren(this=months))


def _wide(table: str, columns: Mapping[str, Type], subject: Mapping[str, str], *, with_last: bool) -> e.Select:
    """One row per subject: keys, this year's items, last year's as last__x."""
    structure = e.Literal.string(_structure(columns))
    parsed = [e.alias_(e.Anonymous(this="from_json", expressions=[e.column("now_values"), structure]), "n")]
    if with_last:
        parsed.append(e.alias_(e.Anonymous(this="from_json", expressions=[e.column("last_values"), structure.copy()]), "l"))
    inner = e.select("*", *parsed).from_(f"raw_{table}")
    selected: list[e.Expression] = [e.column(key, table="r") for key in _KEYS[table]]
    for name, type_ in columns.items():
        if name in subject:
            value: e.Expression = e.column(subject[name], table="r", quoted=True)
            if isinstance(type_, Month):
                value = _month(e.Anonymous(this="nullif", expressions=[value, e.Literal.string("")]))
            elif isinstance(type_, Codes):
                value = e.Anonymous(this="from_json", expressions=[value, e.Literal.string('["VARCHAR"]')])
            elif column_type(type_) == "VARCHAR":
                value = e.Anonymous(this="nullif", expressions=[value, e.Literal.string("")])
        elif table == "household" and name in _TYPED_ON_HOUSEHOLD:
            value = e.column(name, table="r", quoted=True)
        else:
            value = _converted(e.Dot(this=e.column("n", table="r"), expression=e.to_identifier(name, quoted=True)), type_)
        selected.append(e.alias_(value, name, quoted=True))
        if with_last:
            last = e.Dot(this=e.column("l", table="r"), expression=e.to_identifier(name, quoted=True))
            selected.append(e.alias_(_converted(last, type_), f"last__{name}", quoted=True))
    return e.select(*selected).from_(inner.subquery("r"))


def _add_household_facts(database: duckdb.DuckDBPyConnection) -> None:
    """The count of live members is a fact of the registry; the latest spell is what `spell.` means."""
    database.execute(
        "UPDATE household SET members_live = coalesce((SELECT count(*) FROM person p WHERE p.household_key = household.household_key AND p.is_live), 0)"
    )
    database.execute(
        "CREATE VIEW latest_spell AS SELECT * FROM spell QUALIFY row_number() OVER (PARTITION BY household_key ORDER BY spell_no DESC) = 1"
    )
