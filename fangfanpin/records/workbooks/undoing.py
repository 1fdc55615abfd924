"""An import's own changes found by its events and put back: rows it made go, rows it changed get their former values.

The events themselves stay, and the putting back writes its own: nothing is forgotten.
"""

from collections.abc import Collection, Iterator
from typing import Any

from django.db import models
from django.db.models import ForeignObjectRel
from psycopg import sql

_OWN = """
CREATE TEMPORARY TABLE import_own ON COMMIT DROP AS
SELECT table_name, row_id, bool_or(op = 'I') AS made, max(household_id::text)::uuid AS household_id
FROM audit_event WHERE id > %s AND id <= %s AND act = %s GROUP BY table_name, row_id
"""
# Former values of each changed row: of every key the oldest of the batch's own events says what it was. A value that was not there
# before (not asked) goes again, one that was null (asked, left empty) becomes null again: only the row's own story tells them apart.
_FORMER = """
CREATE TEMPORARY TABLE import_former ON COMMIT DROP AS
WITH first AS (
    SELECT DISTINCT ON (b.row_id, c.key) b.row_id, c.key, c.value -> 0 AS old
    FROM import_own b JOIN audit_event e ON e.table_name = b.table_name AND e.row_id = b.row_id
            AND e.id > %(first)s AND e.id <= %(last)s AND e.op = 'U',
        LATERAL jsonb_each(e.changed) c
    WHERE b.table_name = %(table)s AND NOT b.made ORDER BY b.row_id, c.key, e.id
)
SELECT row_id AS id,
    coalesce(jsonb_object_agg(key, old) FILTER (WHERE key NOT LIKE 'values.%%'), '{}') AS plain,
    coalesce(jsonb_object_agg(substr(key, 8), old) FILTER (WHERE key LIKE 'values.%%' AND was), '{}') AS held,
    coalesce(array_agg(substr(key, 8)) FILTER (WHERE key LIKE 'values.%%'), '{}') AS named
FROM (
    SELECT f.*, f.old <> 'null' OR EXISTS (
        SELECT FROM audit_event p WHERE p.table_name = %(table)s AND p.row_id = f.row_id AND p.id <= %(first)s
            AND (p.op = 'I' AND p.row -> 'values' ? substr(f.key, 8) OR p.op = 'U' AND p.changed ? f.key)
    ) AS was FROM first f
) known GROUP BY row_id
"""


def find_own(cursor: Any, first: int, last: int, act: str) -> None:
    """Fill the temporary table import_own (table_name, row_id, made, household_id): what the act wrote between two events."""
    for name in ("import_own", "import_former"):
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))
    cursor.execute(_OWN, [first, last, act])
    cursor.execute("ANALYZE import_own")


def leading_to(cursor: Any, model: type[models.Model], *, ignored: Collection[type[models.Model]]) -> Iterator[tuple[type[models.Model], int]]:
    """Models with rows that lead to one the import made and are no rows of the import themselves, and how many such rows."""
    for relation in model._meta.get_fields(include_hidden=True):  # hidden: related_name="+"
        if not isinstance(relation, ForeignObjectRel) or relation.related_model in ignored:
            continue
        other, column = relation.related_model, relation.field.column
        cursor.execute(
            sql.SQL(
                "SELECT count(*) FROM {other} o JOIN import_own b ON b.table_name = {table} AND b.made AND o.{column} = b.row_id::{cast}"
                " WHERE NOT EXISTS (SELECT FROM import_own m WHERE m.table_name = {name} AND m.row_id = o.{key}::text)"
            ).format(
                other=sql.Identifier(other._meta.db_table),
                table=sql.Literal(model._meta.db_table),
                column=sql.Identifier(str(column)),
                cast=_key_type(model),
                name=sql.Literal(other._meta.db_table),
                key=sql.Identifier(str(other._meta.pk.column)),
            )
        )
        if count := cursor.fetchone()[0]:
            yield other, count


def restore(cursor: Any, model: type[models.Model], first: int, last: int) -> None:
    """Put the former values back into rows that the import changed; import_former holds their ids afterwards."""
    table = model._meta.db_table
    cursor.execute("DROP TABLE IF EXISTS import_former")
    cursor.execute(_FORMER, {"first": first, "last": last, "table": table})
    if not cursor.rowcount:
        return
    cursor.execute("SELECT DISTINCT jsonb_object_keys(plain) FROM import_former")
    columns = [row[0] for row in cursor.fetchall()]
    names = {field.column for field in model._meta.concrete_fields}
    sets: list[sql.Composable] = [sql.SQL("{0} = (jsonb_populate_record(t, f.plain)).{0}").format(sql.Identifier(name)) for name in columns]
    if "values" in names:
        sets.append(sql.SQL("values = (t.values - f.named) || f.held"))
    if "version" in names:
        sets.append(sql.SQL("version = t.version + 1"))
    if "updated_at" in names:
        sets.append(sql.SQL("updated_at = now()"))
    cursor.execute(
        sql.SQL("UPDATE {table} t SET {sets} FROM import_former f WHERE t.id = f.id::{cast}").format(
            table=sql.Identifier(table), sets=sql.SQL(", ").join(sets), cast=_key_type(model)
        )
    )


def delete_made(cursor: Any, model: type[models.Model]) -> None:
    """Take out the rows that the import made."""
    cursor.execute(
        sql.SQL("DELETE FROM {table} t USING import_own b WHERE b.table_name = {name} AND b.made AND t.id = b.row_id::{cast}").format(
            table=sql.Identifier(model._meta.db_table), name=sql.Literal(model._meta.db_table), cast=_key_type(model)
        )
    )


def _key_type(model: type[models.Model]) -> sql.SQL:
    """Events keep a row's id as text."""
    return sql.SQL("uuid") if isinstance(model._meta.pk, models.UUIDField) else sql.SQL("bigint")
