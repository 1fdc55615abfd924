"""Rows as text for COPY into a temporary table (row security refuses COPY elsewhere), and INSERT … SELECT of every column from there."""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.fields import NOT_PROVIDED
from psycopg import sql

NULL = "\\N"
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_LINES_AT_ONCE = 4000
Make = Callable[[Any], str]


def text(value: str | None) -> str:
    """A text column that knows no NULL."""
    return value.translate(ESCAPES) if value else ""


def nullable(value: str | None) -> str:
    return value.translate(ESCAPES) if value else NULL


def truth(value: bool | None) -> str:
    return NULL if value is None else "t" if value else "f"


def plain(value: Any) -> str:
    """A number or a day."""
    return NULL if value is None else str(value)


def json_maker(name: str) -> Make:
    """`"name": value` of a JSON object, escaped for COPY."""
    start, dump = json.dumps(name) + ":", json.JSONEncoder(ensure_ascii=False).encode
    return lambda value: (start + dump(value)).translate(ESCAPES)


def objects(pieces: Sequence[Sequence[str]], count: int) -> list[str]:
    """JSON objects of so many rows, of each item's pieces."""
    if not pieces:
        return ["{}"] * count
    return ["{" + joined + "}" for joined in map(",".join, zip(*pieces, strict=True))]


def contents(columns: Iterable[Iterable[str]]) -> Iterator[bytes]:
    """The columns as lines for COPY, some thousand at once."""
    lines = map("\t".join, zip(*columns, strict=True))
    while chunk := list(islice(lines, _LINES_AT_ONCE)):
        yield ("\n".join(chunk) + "\n").encode()


def ordered_ids(count: int) -> Iterator[str]:
    """Version 7 identifiers in rising order: rows that are written together then stand together in every index."""
    stamp = f"{int(time.time() * 1000):012x}"
    start, noise = f"{stamp[:8]}-{stamp[8:]}-7", os.urandom(6 * count).hex()
    for number in range(count):
        yield f"{start}{number >> 14:03x}-{0x8000 | number & 0x3FFF:04x}-{noise[12 * number : 12 * number + 12]}"


def insert(cursor: Any, model: type[models.Model], given: Mapping[str, sql.Composable], source: sql.Composable, batch_id: UUID) -> int:
    """INSERT … SELECT of every column: `given` by attname, the rest by the model's defaults. Returns how many rows."""
    fields = model._meta.concrete_fields
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(", ").join(sql.Identifier(str(f.column)) for f in fields),
        sql.SQL(", ").join(given[f.attname] if f.attname in given else _default(f, batch_id) for f in fields),
        source,
    )
    cursor.execute(statement)
    return int(cursor.rowcount)


def _default(field: "models.Field[Any, Any]", batch_id: UUID) -> sql.Composable:
    """What a column of a new row holds where the file says nothing."""
    if field.attname == "import_batch_id":
        return sql.Literal(batch_id)
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        return sql.SQL("now()")
    if isinstance(field, ArrayField):
        return sql.SQL("'{{}}'").format()
    if field.default is not NOT_PROVIDED:
        default = field.get_default()
        return sql.SQL("'{{}}'").format() if default == {} else sql.Literal(getattr(default, "value", default))
    return sql.SQL("NULL") if field.null else sql.Literal("")
