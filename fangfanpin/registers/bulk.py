"""List rows and links of many records at once, in SQL: after an import, a demo, or when a pack marks another item.

What one row gets from `mirror` and many get here is the same; a test compares the two.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection
from psycopg import sql
from psycopg.types.json import Jsonb

from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.dictionary import slot_kind
from fangfanpin.records.models import Record
from fangfanpin.records.relations import subject_column
from fangfanpin.registers import slots
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.mirror import LONGEST_KEY, LONGEST_LABEL, PLACE_NAME, SEPARATOR, TARGETS
from fangfanpin.registers.models import COLUMNS, LONGEST

RECORDS = "records_record"


def _text(item: Indicator, register: Register) -> sql.Composable:
    """The item's value as text, as JSON holds it."""
    if item == register.subject:
        return sql.SQL("r.{}::text").format(sql.Identifier(subject_column(item.ref)))
    return sql.SQL("r.values ->> {}").format(sql.Literal(item.name))


def _typed(item: Indicator, register: Register) -> sql.Composable:
    """As `slots.held`, in SQL."""
    text = _filled(item, register)
    match slot_kind(item):
        case "text":
            return sql.SQL("left({}, {})").format(text, sql.Literal(LONGEST))
        case "number":
            return sql.SQL("({})::bigint").format(text)
        case "flag":
            return sql.SQL("({})::boolean").format(text)
        case _:  # a month or a year is its first day
            return sql.SQL("(left({} || '-01-01', 10))::date").format(text)


def _filled(item: Indicator, register: Register) -> sql.Composable:
    return sql.SQL("nullif({}, '')").format(_text(item, register))


def _word(item: Indicator, register: Register, pack: Pack) -> sql.Composable:
    if item.type != "code":
        return _filled(item, register)
    words = sql.Literal(Jsonb(dict(pack.words[item.list])))
    return sql.SQL("({} ->> ({}))").format(words, _text(item, register))


def _label(register: Register, pack: Pack) -> sql.Composable:
    """As `mirror.label_of`: words of codes come from a map, other values as they stand."""
    if register.is_yearly:
        return sql.SQL(
            "left(coalesce(nullif(r.subject ->> {}, ''), (SELECT g.name FROM regions_region g WHERE g.code = r.subject_code), r.subject_code), {})"
        ).format(sql.Literal(PLACE_NAME), sql.Literal(LONGEST_LABEL))
    said = [_word(item, register, pack) for item in register.labels] or [sql.SQL("NULL")]
    return sql.SQL("left(coalesce(nullif(concat_ws(' ', {}), ''), {}), {})").format(
        sql.SQL(", ").join(said), sql.Literal(register.title), sql.Literal(LONGEST_LABEL)
    )


def _unique_key(register: Register) -> sql.Composable:
    """As `mirror.unique_key_of`: NULL while one part is empty, for || knows NULL."""
    held: list[sql.Composable] = [_filled(item, register) for item in register.unique]
    if register.is_yearly:
        held = [sql.SQL("r.year::text"), sql.SQL("r.subject_code")]
    if not held:
        return sql.SQL("NULL")
    parts = [part for one in held for part in (sql.Literal(SEPARATOR), one)]
    key = sql.SQL(" || ").join(parts[1:])
    return sql.SQL("CASE WHEN r.state <> {} THEN left({}, {}) END").format(sql.Literal(Record.State.VOID.value), key, sql.Literal(LONGEST_KEY))


_AS_IN_RECORD = ("form", "year", "period", "state", "village_code", "household_id", "person_id", "entered_by_id")


def write_entries(register: Register, pack: Pack, *, only: Sequence[Any] | None = None) -> int:
    """Make or renew the list rows of every record of the form that this transaction sees, or of `only` these ids; returns how many."""
    return _run(entries_statement(register, pack, narrowed=only is not None), only)


def entries_statement(register: Register, pack: Pack, *, narrowed: bool = False, source: str = RECORDS) -> sql.Composed:
    """What writes the list rows. `narrowed`: of the parameter `only`; `source`: a table with a record's columns that holds the rows, where an
    import has just staged them."""
    typed = {column: _typed(pack.indicators[f"{register.key}.{name}"], register) for name, column in slots.columns(register, pack).items()}
    values: dict[str, sql.Composable] = {
        **{name: sql.SQL("r.{}").format(sql.Identifier(name)) for name in _AS_IN_RECORD},
        "label": _label(register, pack),
        "unique_key": _unique_key(register),
        **{column: typed.get(column, sql.SQL("NULL")) for column in COLUMNS},
    }
    names = [sql.Identifier(name) for name in values]
    return sql.SQL(
        "INSERT INTO registers_entry (record_id, {names}) SELECT r.id, {values} FROM {source} r"
        " WHERE r.form = {form}{only} ORDER BY r.created_at, r.id{renewed}"
    ).format(
        names=sql.SQL(", ").join(names),
        values=sql.SQL(", ").join(values.values()),
        form=sql.Literal(register.key),
        source=sql.Identifier(source),
        only=_narrowed(narrowed),
        renewed=_renewed(names) if source == RECORDS else sql.SQL(""),
    )


def _renewed(names: Sequence[sql.Identifier]) -> sql.Composable:
    """A list row that is there is written anew; rows just staged have none, and need not look for one."""
    sets = sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(name) for name in names)
    return sql.SQL(" ON CONFLICT (record_id) DO UPDATE SET {}").format(sets)


def _narrowed(narrowed: bool) -> sql.Composable:
    return sql.SQL(" AND r.id = ANY(%(only)s)") if narrowed else sql.SQL("")


def _run(statement: sql.Composed, only: Sequence[Any] | None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"only": list(only)} if only is not None else None)
        return int(cursor.rowcount)


def write_links(register: Register, *, only: Sequence[Any] | None = None) -> int:
    """Add the links that records of the form, or `only` these, lack, and say of those that no longer hold that they are not current; returns how
    many were added."""
    made = 0
    for stale, missing in links_statements(register, narrowed=only is not None):
        _run(stale, only)
        made += _run(missing, only)
    return made


def links_statements(register: Register, *, narrowed: bool = False, source: str = RECORDS) -> Iterator[tuple[sql.Composed, sql.Composed]]:
    """What makes links not current and what adds those that lack, for each reference. `narrowed`, `source`: as for entries_statement; rows just
    staged have no links yet that could be stale."""
    for item in register.form.indicators:
        if item.type != "ref" or item == register.subject or item.retired:
            continue
        column = TARGETS.get(item.ref, "to_record_id")
        one = sql.SQL("SELECT r.values ->> {0} AS target").format(sql.Literal(item.name))
        many = sql.SQL(
            "SELECT jsonb_array_elements_text(CASE jsonb_typeof(r.values -> {0}) WHEN 'array' THEN r.values -> {0} ELSE '[]' END) AS target"
        ).format(sql.Literal(item.name))
        parts = {
            "column": sql.Identifier(column),
            "name": sql.Literal(item.name),
            "cast": sql.SQL({"to_user_id": "bigint", "to_division_id": "varchar"}.get(column, "uuid")),
            "targets": many if item.multi else one,
            "form": sql.Literal(register.key),
            "source": sql.Identifier(source),
            "narrowed": _narrowed(narrowed),
        }
        stale = sql.SQL(
            "UPDATE registers_link l SET is_current = false FROM {source} r WHERE r.form = {form}{narrowed} AND l.record_id = r.id"
            " AND l.name = {name} AND l.is_current AND NOT EXISTS (SELECT FROM ({targets}) t WHERE t.target = l.{column}::text)"
        ).format(**parts)
        missing = sql.SQL(
            "INSERT INTO registers_link (record_id, name, village_code, household_id, {column}, is_current)"
            " SELECT r.id, {name}, r.village_code, r.household_id, t.target::{cast}, true FROM {source} r CROSS JOIN LATERAL ({targets}) t"
            " WHERE r.form = {form} AND t.target <> ''{narrowed} AND NOT EXISTS (SELECT FROM registers_link l"
            " WHERE l.record_id = r.id AND l.name = {name} AND l.is_current AND l.{column} = t.target::{cast})"
        ).format(**parts)
        yield stale, missing
