"""What `rules eval` reads: a household as JSON, or a village: several households and the rows that are under none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fangfanpin.cli import CommandFault
from fangfanpin.expressions import Bool, Code, Codes, Date, Int, Month, Number, Type
from fangfanpin.expressions.types import MAX_DIGITS
from fangfanpin.pack import Pack
from fangfanpin.pack.codec import check_json

_FORMS = {"household": "household_year", "person": "person_year"}
_SEVERAL = "households"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Judged:
    """One subject that the sweep would ask about: how the answer names it, its scope, the keys of each relation's rows."""

    key: str
    scope: dict[str, Any]
    keys: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class _Home:
    """`natural_village`: the key of the row of the natural village it lies in, "" where nobody says."""

    key: str
    natural_village: str
    rows: Mapping[str, list[Row]]  # by table
    household: dict[str, Any]


class Given:
    """Reads the JSON shape (`json_schema`): values in the codec's form. Raises CommandFault with every fault of the shape, a line each."""

    def __init__(self, pack: Pack, given: object) -> None:
        self.pack = pack
        self.faults: list[str] = []
        self.is_several = isinstance(given, dict) and _SEVERAL in given
        tables = pack.schema().subjects
        self.rows: dict[str, list[Row]] = {}
        if isinstance(given, dict) and self.is_several:
            under_none = [name for name, table in tables.items() if not table.of_household]
            data = self._object(given, "输入", {_SEVERAL, *under_none})
            homes = self._list(data[_SEVERAL], _SEVERAL)
            self.homes = [self._home(home, f"{_SEVERAL}[{number}]") for number, home in enumerate(homes)]
            self.rows = {name: self._rows(data.get(name, []), name, name) for name in under_none}
        else:
            self.homes = [self._home(given, "")]
        self._natural_villages_named()
        if self.faults:
            raise CommandFault("\n".join([*self.faults, f"共 {len(self.faults)} 处不对；形状见 fangfanpin rules schema ({len(self.faults)} faults)"]))

    def judged(self, subject: str) -> list[Judged]:
        """Every subject that the sweep would ask about."""
        if self.pack.schema().subjects[subject].relations is not None:
            return list(self._places(subject))
        nobody = self._scope_of_household({"row": {}, "last": None}, {})
        return [
            *(one for home in self.homes for one in self._of_home(home, subject)),
            *(Judged(row["key"], self._scope(row, nobody), _keys(nobody)) for row in self.rows.get(subject, ())),
        ]

    def _of_home(self, home: _Home, subject: str) -> Iterator[Judged]:
        if subject == "household":
            yield Judged(home.key or "household", self._scope(home.household, home.household), _keys(home.household))
            return
        for row in home.rows[subject]:
            if subject != "person" or row["is_live"]:
                key = f"{home.key}/{row['key']}" if home.key else row["key"]
                yield Judged(key, self._scope(row, home.household), _keys(home.household))

    def _places(self, subject: str) -> Iterator[Judged]:
        """Rows of a village or natural village, over what was given: that is the village. A household counts in the natural village that it names,
        in each where it names none."""
        for row in [*self.rows.get(subject, ()), *(row for home in self.homes for row in home.rows[subject])]:
            counted: dict[str, list[Row]] = {}
            for name, relation in self.pack.schema().relations_of(subject).items():
                is_within = relation.key == "natural_village_key"
                homes = [home for home in self.homes if not is_within or home.natural_village in ("", row["key"])]
                found: list[tuple[Row, Mapping[str, Any]]] = [(one, home.household) for home in homes for one in self._under(home, relation.table)]
                found += [(one, _NOBODY) for one in self.rows.get(relation.table, ())]
                counted[name] = [self._scope(one, home) | {"key": one["key"]} for one, home in found if one["is_live"] or not relation.live_only]
            place = {"row": {}, "last": None, "relations": counted, "spell": None}
            yield Judged(row["key"], self._scope(row, place), _keys(place))

    def _under(self, home: _Home, table: str) -> list[Row]:
        return [{**home.household, "key": home.key or "household", "is_live": True}] if table == "household" else home.rows[table]

    def _scope(self, row: Mapping[str, Any], household: Mapping[str, Any]) -> dict[str, Any]:
        return {"row": row["row"], "last": row["last"], "household": household, "consts": self.pack.constants()}

    def _scope_of_household(self, row: Mapping[str, Any], rows: Mapping[str, list[Row]]) -> dict[str, Any]:
        relations = {
            name: [one for one in rows.get(relation.table, ()) if one["is_live"] or not relation.live_only]
            for name, relation in self.pack.schema().relations.items()
        }
        latest = max(rows.get("spell", ()), key=lambda one: one["row"].get("spell_no") or 0, default=None)
        return {"row": row["row"], "last": row["last"], "relations": relations, "spell": latest and {"row": latest["row"]}}

    # Reading, every fault told

    def _wrong(self, place: str, zh: str) -> None:
        self.faults.append(f"{place}：{zh}")

    def _object(self, given: object, place: str, known: set[str]) -> dict[str, Any]:
        if not isinstance(given, dict):
            self._wrong(place, "要是一个 JSON 对象 (must be an object)")
            return {}
        for name in sorted(given.keys() - known):
            self._wrong(f"{place}.{name}", "不认识 (unknown)")
        return given

    def _list(self, given: object, place: str) -> list[object]:
        if not isinstance(given, list):
            self._wrong(place, "要是一个列表 (must be a list)")
            return []
        return given

    def _home(self, given: object, place: str) -> _Home:
        """`place`: of one of several, "" of the only one."""
        tables, before = self.pack.schema().subjects, f"{place}." if place else ""
        data = self._object(given, place or "输入", {*tables, *(("key", "natural_village") if place else ())})
        row = self._row(data.get("household", {}), "household", f"{before}household")
        rows = {table: self._rows(data.get(table, []), table, f"{before}{table}") for table in tables if table != "household"}
        if "members_live" in tables["household"].columns:
            row["row"].setdefault("members_live", sum(person["is_live"] for person in rows["person"]))
        return _Home(str(data.get("key", place)), str(data.get("natural_village", "")), rows, self._scope_of_household(row, rows))

    def _natural_villages_named(self) -> None:
        """A household that names a natural village which is not there would silently be counted nowhere."""
        tables = [name for name, form in self.pack.forms.items() if form.is_yearly_of_place and form.subject == "natural_village"]
        known = {row["key"] for table in tables for row in self.rows.get(table, ())}
        for number, home in enumerate(self.homes):
            if home.natural_village and home.natural_village not in known:
                self._wrong(f"{_SEVERAL}[{number}].natural_village", f"没有 key 是“{home.natural_village}”的自然村 (no such natural village)")

    def _rows(self, given: object, table: str, place: str) -> list[Row]:
        return [self._row(row, table, f"{place}[{number}]") for number, row in enumerate(self._list(given, place))]

    def _row(self, given: object, table: str, place: str) -> Row:
        of = self.pack.schema().subjects[table]
        allowed = {"row", *(["last"] if of.has_last else []), *(["key"] if table != "household" else []), *(["is_live"] if table == "person" else [])}
        data = self._object(given, place, allowed)
        row = self._values(data.get("row", {}), table, f"{place}.row")
        if "row_id" in of.columns:
            row.setdefault("row_id", str(data.get("key", place)))
        last = None if data.get("last") is None else self._values(data["last"], table, f"{place}.last")
        live = data.get("is_live", row.get("member_state", "01") == "01")
        if not isinstance(live, bool):
            self._wrong(f"{place}.is_live", "要是 true 或 false (must be true or false)")
        return {"key": str(data.get("key", place)), "row": row, "last": last, "is_live": bool(live)}

    def _values(self, given: object, table: str, place: str) -> dict[str, Any]:
        columns = self.pack.schema().subjects[table].columns
        data = self._object(given, place, set(columns))
        found: dict[str, Any] = {}
        for name, value in data.items():
            if name not in columns:
                continue
            fault = self._fault(table, name, columns[name], value)
            if fault is None:
                found[name] = self.pack.to_engine(_form(table), name, value)
            else:
                self._wrong(f"{place}.{name}", fault)
        return found

    def _fault(self, table: str, name: str, type_: Type, value: object) -> str | None:
        indicator = self.pack.spell_items.get(name) if table == "spell" else self.pack.indicators.get(f"{_form(table)}.{name}")
        if indicator is not None:
            return check_json(indicator, value, self.pack.words.get(indicator.list, {}))
        shape = _value_schema(type_, {})
        return None if value is None or _fits(value, shape) else f"要是 {shape['type'][0]} (of another type)"


_NOBODY: Mapping[str, Any] = {"row": {}, "last": None, "relations": {}, "spell": None}


def _keys(household: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name: [row["key"] for row in rows] for name, rows in household["relations"].items()}


def _form(table: str) -> str:
    return _FORMS.get(table, table)


_PYTHON = {"boolean": bool, "integer": int, "string": str, "array": list}


def _fits(value: object, shape: Mapping[str, Any]) -> bool:
    """Of derived facts, which are not items of the dictionary."""
    kind = _PYTHON[shape["type"][0]]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return False
    return shape.get("format") != "date" or (isinstance(value, str) and len(value) == 10 and value.replace("-", "").isdigit())


def json_schema(pack: Pack) -> dict[str, Any]:
    """The JSON Schema of what `rules eval` takes: a household, its rows by table, each with this year's values and last year's; or a village:
    `households` of that shape each, and the rows that are under none."""
    schema = pack.schema()

    def row(table: str) -> dict[str, Any]:
        of = schema.subjects[table]
        values = {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: _item_schema(table, name, type_, pack) for name, type_ in of.columns.items()},
        }
        parts: dict[str, Any] = {"row": values}
        if of.has_last:
            parts["last"] = {"anyOf": [{"$ref": f"#/properties/{table}{'' if table == 'household' else '/items'}/properties/row"}, {"type": "null"}]}
        if table != "household":
            parts["key"] = {"type": "string", "description": "how the answer names the row"}
        if table == "person":
            parts["is_live"] = {"type": "boolean", "description": "a member on the state date; by default as member_state says"}
        return {"type": "object", "additionalProperties": False, "properties": parts}

    tables = {table: row(table) if table == "household" else {"type": "array", "items": row(table)} for table in schema.subjects}
    named = {
        "key": {"type": "string", "description": "how the answer names the household"},
        "natural_village": {"type": "string", "description": "key of the natural village's row that it lies in; without it it counts in each"},
    }
    home = {"type": "object", "additionalProperties": False, "required": ["household"]}
    several = {"type": "array", "items": home | {"properties": named | {table: {"$ref": f"#/properties/{table}"} for table in tables}}}
    under_households = [name for name, table in schema.subjects.items() if table.of_household]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{pack.id}: a household, or a village, for rules eval",
        "type": "object",
        "additionalProperties": False,
        "oneOf": [
            {"required": ["household"], "not": {"required": [_SEVERAL]}},
            {"required": [_SEVERAL], "not": {"anyOf": [{"required": [name]} for name in under_households]}},
        ],
        "properties": {**tables, _SEVERAL: several},
    }


def _item_schema(table: str, name: str, type_: Type, pack: Pack) -> dict[str, Any]:
    indicator = pack.spell_items.get(name) if table == "spell" else pack.indicators.get(f"{_form(table)}.{name}")
    shape = _value_schema(type_, pack.words)
    return {**shape, "title": indicator.zh, **({"description": indicator.en} if indicator.en else {})} if indicator else shape


def _value_schema(type_: Type, words: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """A value in the codec's JSON form."""
    match type_:
        case Bool():
            return {"type": ["boolean", "null"]}
        case Int(of_files=True):
            return {"type": ["array", "null"], "items": {"type": "string", "format": "uuid"}, "uniqueItems": True}
        case Int():
            return {"type": ["integer", "null"]}
        case Number(unit, scale):
            return {"type": ["integer", "null"], "x-unit": unit, "x-scale": scale, "maximum": 10**MAX_DIGITS - 1}
        case Date():
            return {"type": ["string", "null"], "format": "date"}
        case Month():
            return {"type": ["string", "null"], "pattern": "^[0-9]{4}(-(0[1-9]|1[0-2]))?$"}
        case Code(list_name):
            codes = {"enum": [*words[list_name], None]} if list_name in words else {}
            return {"type": ["string", "null"], **codes, "x-list": list_name}
        case Codes(list_name):
            items = {"type": "string", **({"enum": [*words[list_name]]} if list_name in words else {})}
            return {"type": ["array", "null"], "items": items, "uniqueItems": True, "x-list": list_name}
        case _:
            return {"type": ["string", "null"]}
