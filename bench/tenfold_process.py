"""The database's side of a tenfold county: imported where Django is set up, for the secrets.

Nine copies of every household stand beside it, in its own village: the harder reading of "ten times larger", in which a township has ten times
the households within the same villages (as the generator would draw it, were it asked for so many). Helpers stay what they are: a county of
250,000 households has more of them, not busier ones, so a copy's helper is known by name only. Whatever has been worked off since the county
was drawn (receipts, conflicts, clues) is left out; the sweep finds the clues anew.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import psycopg
from django.conf import settings
from psycopg import sql

from fangfanpin.demo.people import check_character
from fangfanpin.privacy.secrets import decrypt, digest, digest18, encrypt, mask_id
from fangfanpin.runtime.postgres import read_urls

Row = tuple[object, ...]
_SEQUENCES = 1000  # of an identity number: the digits 15 to 17, odd for men, even for women
# Ids of version 8 ("custom") tell copies from what was there, and follow from the original's: no table of pairs is needed.
_COPY_ID = "overlay(md5(t.{column}::text || '-' || k) placing '8' from 13 for 1)::uuid"
# A number of the copy's own that says the same of it: nobody's phone is another's, as far as nobody's was.
_OTHER_PHONE = (
    "regexp_replace(t.values ->> '{}', '^1[0-9][0-9]([0-9]{{8}})$', '1' || (ARRAY['30','31','32','33','34','36','37','50','51'])[k] || '\\1')"
)
_IS_COPY = "substr(t.{}::text, 15, 1) = '8'"
# By table, in the order of their references: how a column of the copy differs. `id`: the copy's id of what the column names.
_TABLES: Mapping[str, Mapping[str, str]] = {
    "households_household": {"id": "id", "code": "t.code || k", "walking_order": "t.walking_order + 1000 * k"},
    "households_person": {
        "id": "id",
        "household_id": "id",
        "code": "t.code || k",
        **{name: f"coalesce(n.{name}, t.{name})" for name in ("id_number_secret", "id_number_digest", "id_number_mask", "id18_digest")},
        **{name: f"coalesce(n.{name}, t.{name})" for name in ("disability_card_secret", "disability_card_mask")},
    },
    "households_membership": {"id": "id", "person_id": "id", "household_id": "id"},
    "households_monitoringspell": {"id": "id", "household_id": "id"},
    "households_pairing": {
        "id": "id", "household_id": "id", "user_id": "NULL",
        "helper_name": "CASE WHEN t.user_id IS NULL THEN t.helper_name ELSE '帮扶干部' || k END",
    },
    "households_location": {"id": "id", "household_id": "id"},
    "records_record": {
        "id": "id", "subject_id": "id", "household_id": "id", "person_id": "id", "parent_id": "id",
        "values": (
            f"t.values || jsonb_strip_nulls(jsonb_build_object('phone', {_OTHER_PHONE.format('phone')},"
            f" 'household_phone', {_OTHER_PHONE.format('household_phone')}))"
        ),
        "subject": "t.subject || jsonb_strip_nulls(jsonb_build_object('person_id', t.subject ->> 'person_id' || k))",
    },
    "registers_entry": {
        "number": "nextval(pg_get_serial_sequence('registers_entry', 'number'))", "unique_key": "t.unique_key || '/' || k",
        "record_id": "id", "household_id": "id", "person_id": "id",
    },
    "registers_link": {
        "id": "nextval(pg_get_serial_sequence('registers_link', 'id'))", "record_id": "id", "household_id": "id", "to_household_id": "id",
        "to_person_id": "id",
    },
}  # fmt: skip
# Rows of villages, projects, units and teams, and their sealed numbers, stay as many as they are; what a copied row refers to is the same.
_AS_MANY = ("registers_sealed",)
_KEY = {"registers_entry": "record_id", "registers_link": "record_id"}
_OF_HOUSEHOLDS = frozenset({"records_record", "registers_entry", "registers_link"})
_IN_BULK = "SET synchronous_commit = off; SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'"
_AS_LOADED = "SELECT set_config('ffp.actor', '0', true), set_config('ffp.act', 'demo.load', true), set_config('ffp.source', 'demo', true)"
_WRITTEN_BY_THE_DATABASE = ("audit_event",)
_LEFT_OUT = (
    "quality_cluesample", "quality_cluestep", "quality_clue", "quality_lead", "quality_villagequality", "quality_sweep", "questions_reply",
    "questions_question", "records_savereceipt", "records_conflict", "records_importdifference", "campaigns_unlock", "registers_shown",
    "acts_act",
)  # fmt: skip


def multiply(copies: int) -> None:
    """Put `copies` copies of each household of DATA_DIR's county into it, with events like everything else."""
    owner_url = read_urls(settings.DATA_DIR).owner
    with psycopg.connect(owner_url) as connection:
        connection.execute(_IN_BULK)
        connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, _LEFT_OUT))))
        _refuse_what_would_be_forgotten(connection)
        connection.execute(
            "CREATE TEMPORARY TABLE number (person_id uuid, copy int, id_number_secret text, id_number_digest text, id_number_mask text,"
            " id18_digest text, disability_card_secret text, disability_card_mask text, PRIMARY KEY (person_id, copy))"
        )
        began = time.monotonic()
        found = connection.execute(
            "SELECT id, id_number_secret, disability_card_secret FROM households_person t"
            f" WHERE id_check_ok AND {_is_original('households_person')} ORDER BY id"
        ).fetchall()
        with connection.cursor().copy("COPY number FROM STDIN") as copy:
            for row in _numbers(found, copies):
                copy.write_row(row)
        connection.execute("ANALYZE number")
        connection.commit()
        _say(f"numbers {time.monotonic() - began:.0f} s")
        restoring = _without_indexes(connection, [*_TABLES, *_WRITTEN_BY_THE_DATABASE])
        # Without references the tables do not wait for each other: the records, two thirds of the work, are copied beside the rest.
        with ThreadPoolExecutor(1) as beside:
            records = beside.submit(_copy_beside, owner_url, "records_record", copies)
            for table in _TABLES:
                if table != "records_record":
                    _copy(connection, table, copies)
            records.result()
        began = time.monotonic()
        for statement in restoring:
            connection.execute(statement)
        connection.commit()
        _say(f"indexes {time.monotonic() - began:.0f} s")
        for table in _TABLES:
            is_copy = _IS_COPY.format(_KEY.get(table, "id"))
            counts = f"SELECT count(*) FILTER (WHERE {_is_original(table)}), count(*) FILTER (WHERE {is_copy}) FROM {{}} t"
            found = connection.execute(sql.SQL(counts).format(sql.Identifier(table))).fetchall()
            if found[0][0] == 0 or found[0][1] != copies * found[0][0]:
                raise RuntimeError(f"{table}: {found[0][1]} copies of {found[0][0]} rows")


def _is_original(table: str) -> str:
    condition = f"NOT {_IS_COPY.format(_KEY.get(table, 'id'))}"
    return f"{condition} AND t.household_id IS NOT NULL" if table in _OF_HOUSEHOLDS else condition


def _copy_beside(owner_url: str, table: str, copies: int) -> None:
    with psycopg.connect(owner_url) as connection:
        connection.execute(_IN_BULK)
        _copy(connection, table, copies)


def _copy(connection: psycopg.Connection, table: str, copies: int) -> None:
    began = time.monotonic()
    statement = _copying(connection, table)
    for number in range(1, copies + 1):
        connection.execute(_AS_LOADED)
        connection.execute(statement, {"k": number})
        connection.commit()
    _say(f"{table} {time.monotonic() - began:.0f} s")


def _say(words: str) -> None:
    print(f"    {words}", file=sys.stderr, flush=True)


def _without_indexes(connection: psycopg.Connection, tables: list[str]) -> list[sql.Composed]:
    """Drop what only costs while millions of rows come in at once; gives the statements that make it again, and check the references."""
    constraints = connection.execute(
        "SELECT contype::text, conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND confrelid = ANY (%(tables)s::regclass[]) OR contype IN ('p', 'u') AND conrelid = ANY (%(tables)s::regclass[])"
        " ORDER BY contype <> 'f', conrelid, conname",
        {"tables": tables},
    ).fetchall()
    for _kind, table, name, _definition in constraints:
        connection.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.Identifier(table), sql.Identifier(name)))
    indexes = connection.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY (%s) ORDER BY 1", [tables]).fetchall()
    for name, _definition in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    connection.commit()
    again = [
        (kind, sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(sql.Identifier(table), sql.Identifier(name), sql.SQL(definition)))
        for kind, table, name, definition in constraints
    ]
    return [
        *(statement for kind, statement in again if kind != "f"),
        *(sql.SQL("{}").format(sql.SQL(definition)) for _name, definition in indexes),
        *(statement for kind, statement in again if kind == "f"),
    ]


def _refuse_what_would_be_forgotten(connection: psycopg.Connection) -> None:
    """A table of personal rows that is neither copied nor left out on purpose would make the larger county lighter than it is."""
    known = [*_TABLES, *_WRITTEN_BY_THE_DATABASE, *_LEFT_OUT, *_AS_MANY]
    tables = connection.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r' AND relname <> ALL (%s)", [known]).fetchall()
    for (table,) in tables:
        if connection.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(table))).fetchone() is not None:
            raise RuntimeError(f"{table} has rows: say in bench/tenfold_process.py how they are copied")


def _copying(connection: psycopg.Connection, table: str) -> sql.Composed:
    differing = _TABLES[table]
    columns = [
        row[0]
        for row in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum", [table]
        )
    ]
    assert set(differing) <= set(columns), (table, differing)

    def value(column: str) -> sql.Composable:
        how = differing.get(column)
        if how == "id":
            return sql.SQL(_COPY_ID).format(column=sql.Identifier(column))
        return sql.SQL(how) if how else sql.SQL("t.{}").format(sql.Identifier(column))

    return sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT {values} FROM {table} t CROSS JOIN (SELECT %(k)s::int AS k) c {numbers} WHERE {original}"
    ).format(
        table=sql.Identifier(table),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        values=sql.SQL(", ").join(map(value, columns)),
        numbers=sql.SQL("LEFT JOIN number n ON n.person_id = t.id AND n.copy = k" if table == "households_person" else ""),
        original=sql.SQL(_is_original(table)),
    )


def _numbers(persons: list[Row], copies: int) -> Iterator[Row]:
    """For each person and copy a number of its own that says the same of them (place, birth, sex) and its card with it."""
    numbers = [decrypt(str(row[1])) or "" for row in persons]
    taken = {number[:17] for number in numbers}
    given: dict[tuple[str, int], str] = {}  # one number on two people is a fault of the county that its copies share
    for (person_id, _secret, card_secret), number in zip(persons, numbers, strict=True):
        card = decrypt(str(card_secret)) if card_secret else None
        for copy in range(1, copies + 1):
            other = given.get((number[:18], copy))
            if other is None:
                other = given[number[:18], copy] = _free(number, taken)
            new = other + number[18:]
            new_card = other + card[18:] if card and card[:18] == number[:18] else card
            yield (
                person_id, copy, encrypt(new), digest(new), mask_id(new), digest18(new),
                encrypt(new_card) if new_card else None, mask_id(new_card) if new_card else None,
            )  # fmt: skip


def _free(number: str, taken: set[str]) -> str:
    for step in range(2, _SEQUENCES, 2):
        first = f"{number[:14]}{(int(number[14:17]) + step) % _SEQUENCES:03d}"
        if first not in taken:
            taken.add(first)
            return first + check_character(first)
    raise RuntimeError("no identity numbers are left for a day and a place")
