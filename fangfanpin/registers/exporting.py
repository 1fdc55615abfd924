"""A register's list as a file: the list's own filter, chosen columns, words or codes, as a workbook or as CSV; made by a job."""

import csv
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.files.models import StoredFile
from fangfanpin.files.services import store
from fangfanpin.households.models import Household, Person
from fangfanpin.jobs.exports import XLSX, Column, Table, narrowed, write
from fangfanpin.jobs.models import Job
from fangfanpin.jobs.services import start
from fangfanpin.pack import Indicator, Pack
from fangfanpin.privacy.secrets import mask_sensitive
from fangfanpin.records.models import Record
from fangfanpin.regions.names import name_of
from fangfanpin.registers import queries
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.escaping import SUSPECT, protected
from fangfanpin.registers.reading import file_text
from fangfanpin.registers.references import Words
from fangfanpin.registers.workbooks.columns import ITEMS, NUMBER, STATE, number_text, titles

KIND = "registers.export"
_CHUNK = 4000  # rows read at once
_KEPT = 20_000  # distinct values of a column whose words are remembered
_NUMBERS = frozenset({"money", "int", "year"})
_AS_STORED = frozenset({"date", "month"})  # no spreadsheet takes them for a formula
_NUMBERED = ("money", "area_mu", "decimal", "int", "year")


@dataclass(frozen=True, slots=True)
class Wish:
    """`query`: the list's address; `columns`: names of items, all where none; `codes`: codes instead of words; `format`: xlsx or csv."""

    query: str = ""
    columns: tuple[str, ...] = ()
    codes: bool = False
    format: str = "xlsx"


def start_export(*, register: Register, wish: Wish, by: User) -> Job:
    """Queue the file; it is its owner's alone."""
    parameters = {"form": register.key, "query": wish.query[:1000], "columns": list(wish.columns), "codes": wish.codes, "format": wish.format}
    return start(kind=KIND, title=_("导出%(title)s") % {"title": register.title}, by=by, parameters=parameters)


def make(register: Register, pack: Pack, reach: Reach, wish: Wish, *, by: User | None, report: Callable[[int, int], None]) -> tuple[StoredFile, int]:
    """The file and its number of rows."""
    table = table_of(register, pack, narrowed(reach, Verb.HOUSEHOLD_VIEW), wish)
    name = f"{register.title}-{timezone.localtime():%Y%m%d-%H%M}.{wish.format}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "register"
        if wish.format == "csv":
            count, content_type = write_csv(path, table, report), "text/csv"
        else:
            count, content_type = write(path, register.title, table, by=by.name if by else "", report=report), XLSX
        return store(content=path, name=name, content_type=content_type, purpose=StoredFile.Purpose.EXPORT, owner=by), count


def table_of(register: Register, pack: Pack, reach: Reach, wish: Wish) -> Table:
    """The rows of the wish's filter: subject and place, the items, state, and which row it is: with that the file comes back as an import and
    changes what was changed in it. Read in pieces while the file is written; cells are as the file holds them."""
    chosen = queries.chosen_of(register, pack, dict(parse_qsl(wish.query)))
    items = [item for item in register.lines if not wish.columns or item.name in wish.columns]
    rows = queries.entries(register, pack, reach, chosen)
    return Table(
        columns=[
            *(Column(title) for title in titles(register)),
            *(Column(item.label, _kind(item, wish), 16) for item in items),
            Column(ITEMS[STATE].zh, width=10),
            Column(ITEMS[NUMBER].zh, width=12),
        ],
        rows=_Reading(register, pack, reach, items, wish).rows(rows.order_by("number")),
        total=rows.count(),
        filters=queries.said(register, pack, chosen, name_of(chosen.place)),
    )


def _kind(item: Indicator, wish: Wish) -> str:
    if wish.format != "xlsx" or item.type not in _NUMBERS:
        return "text"
    return "money" if item.type == "money" else "number"


class _Said(dict[Any, Any]):
    """What a file says for a stored value, made once per distinct value; of a text that is never the same only the last thousands are kept."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Any) -> Any:
        if len(self) >= _KEPT:
            self.clear()
        found = self[key] = self._make(key)
        return found


class _Reading:
    """Rows of an export, column by column. Only texts come from the database, and each distinct one is turned into a cell once."""

    def __init__(self, register: Register, pack: Pack, reach: Reach, items: Sequence[Indicator], wish: Wish) -> None:
        self._register, self._pack, self._reach, self._items, self._wish = register, pack, reach, items, wish
        self._words = Words(reach, coded=True, codes=wish.codes)
        self._cells = [_Said(partial(self._cell, item)) for item in items]
        self._masked = [_Said(partial(self._masked_cell, item)) for item in items]
        states = {value: str(label) for value, label in Record.State.choices}
        self._states = _Said(lambda state: states.get(state, state))
        self._villages = _Said(name_of)
        self._may_see = _Said(lambda whose: reach.allows(Verb.SENSITIVE_VIEW, village_code=whose[0], household_id=whose[1]))
        self._people: dict[str, tuple[str, str]] = {}

    def rows(self, found: Any) -> Iterator[tuple[Any, ...]]:
        """`found`: the list rows in the order of the file."""
        values = {f"value_{place}": KeyTextTransform(item.name, "record__values") for place, item in enumerate(self._items)}
        texts = {"home": Cast("household_id", TextField()), "who": Cast("person_id", TextField())}
        names = ("number", "record__version", "state", "village_code", "record__subject_code", "label", "home", "who", *values)
        with _Fetching(found.annotate(**texts, **values).values_list(*names)) as fetching:
            while chunk := fetching.take():
                number, version, state, village, code, label, home, who, *cells = zip(*chunk, strict=True)
                self._ask(home, who, cells)
                fetching.ahead()
                whose = self._whose(village, code, label, home, who)
                shown = [self._column(place, column, village, home) for place, column in enumerate(cells)]
                states = map(self._states.__getitem__, state)
                yield from zip(*whose, *shown, states, map(number_text, number, version), strict=True)

    def _ask(self, home: Sequence[str], who: Sequence[str], cells: Sequence[Sequence[str | None]]) -> None:
        """Everything the database must still be asked about some rows, before it is busy with the next."""
        self._learn(Household, "head_name", home)
        if self._register.subject.ref == "person":
            self._learn(Person, "member_name", who)
        for item, texts in zip(self._items, cells, strict=True):
            if item.type == "ref":
                self._words.learn((item.ref, self._value(item, text)) for text in set(texts) if text)

    def _whose(
        self, village: Sequence[str], code: Sequence[str], label: Sequence[str], home: Sequence[str], who: Sequence[str]
    ) -> list[Sequence[str]]:
        columns: list[Sequence[str]] = []
        match self._register.subject.ref:
            case "person":
                columns += [*self._two(who), *self._two(home)]
            case "household":
                columns += self._two(home)
            case "natural_village":
                columns += [code, self._plains(label)]
        if self._register.is_yearly and self._register.subject.ref == "village":
            return [*columns, code, self._plains(label)]  # as it was called in that year
        return [*columns, village, list(map(self._villages.__getitem__, village))]

    def _two(self, keys: Sequence[str]) -> list[list[str]]:
        known = [self._people.get(key, ("", "")) for key in keys]
        return [[code for code, _name in known], [name for _code, name in known]]

    def _learn(self, model: type[Household] | type[Person], name: str, keys: Sequence[str]) -> None:
        missing = {key for key in keys if key and key not in self._people}
        if missing:
            for key, code, words in model.objects.visible_to(self._reach).filter(pk__in=missing).values_list("pk", "code", name):
                self._people[str(key)] = (code, self._plain(words))

    def _column(self, place: int, texts: Sequence[str | None], village: Sequence[str], home: Sequence[str]) -> list[Any]:
        item, cells = self._items[place], self._cells[place]
        if item.is_picture:  # how many says nothing of what they show
            return list(map(cells.__getitem__, texts))
        if item.privacy != "sensitive" and item.type in _AS_STORED:
            return list(texts)
        if item.privacy != "sensitive" and item.type == "text":
            return self._plains(texts)
        if item.privacy != "sensitive":
            return list(map(cells.__getitem__, texts))
        may_see = [self._may_see[code, UUID(key) if key else None] for code, key in zip(village, home, strict=True)]
        if all(may_see):
            return list(map(cells.__getitem__, texts))
        masked = self._masked[place]
        return [cells[text] if may else masked[text] for text, may in zip(texts, may_see, strict=True)]

    def _value(self, item: Indicator, text: str) -> Any:
        """A value in JSON form of what `values ->> item` gave."""
        if item.is_picture or (item.multi and item.type in ("code", "ref")):
            return json.loads(text)
        return text == "true" if item.type == "bool" else int(text) if item.type in _NUMBERED else text

    def _cell(self, item: Indicator, text: str | None) -> Any:
        if not text:
            return ""
        value = self._value(item, text)
        if item.type in _NUMBERS and self._wish.format == "xlsx":
            return value
        if self._wish.codes and item.type == "code":
            return "、".join(value) if isinstance(value, list) else value
        said = file_text(item, value, self._pack, self._words)
        return said if item.type in _NUMBERED else self._plain(said)

    def _masked_cell(self, item: Indicator, text: str | None) -> str:
        return mask_sensitive(text, is_phone=item.type == "phone") if text else ""

    def _plain(self, text: str) -> str:
        return protected(text, csv=self._wish.format == "csv")

    def _plains(self, texts: Sequence[str | None]) -> list[Any]:
        """Texts that are hardly ever alike: looked at where their first character asks for it."""
        plain = self._plain
        return [plain(text) if text and text[0] in SUSPECT else text for text in texts]


class _Fetching:
    """A query's rows in pieces from a cursor in the database; `ahead` has the next one fetched while this one is worked on."""

    def __init__(self, found: Any) -> None:
        try:
            self._statement = found.query.sql_with_params()
        except EmptyResultSet:  # nobody's reach
            self._statement = None
        self._following: Future[list[tuple[Any, ...]]] | None = None

    def __enter__(self) -> "_Fetching":
        self._executor = ThreadPoolExecutor(max_workers=1)
        if self._statement is not None:
            self._cursor = connection.chunked_cursor()
            self._cursor.execute(*self._statement)
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()
        if self._statement is not None:
            self._cursor.close()

    def ahead(self) -> None:
        self._following = self._executor.submit(self._cursor.fetchmany, _CHUNK)

    def take(self) -> list[tuple[Any, ...]]:
        """The next rows; none at the end."""
        if self._statement is None:
            return []
        following, self._following = self._following, None
        return following.result() if following is not None else self._cursor.fetchmany(_CHUNK)


def write_csv(path: Path, table: Table, report: Callable[[int, int], None]) -> int:
    """UTF-8 with BOM, as Excel opens it."""
    count, rows = 0, iter(table.rows)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.title for column in table.columns])
        while piece := list(islice(rows, _CHUNK)):
            writer.writerows(piece)
            count += len(piece)
            report(count, table.total)
    report(count, count)
    return count
