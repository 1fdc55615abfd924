"""Types of the rule language. Numbers are integers scaled by their type: money is number(yuan, 2), held in fen."""

from dataclasses import dataclass, field

# Numbers have at most 15 digits in every engine: exact in JavaScript, never an overflow in SQL. A larger result is NULL.
MAX_DIGITS = 15
# Months are those of the years 1 to 9999; a sum outside is NULL.
FIRST_MONTH, LAST_MONTH = 12, 119_999


@dataclass(frozen=True, slots=True)
class Bool:
    def __str__(self) -> str:
        return "是/否"


@dataclass(frozen=True, slots=True)
class Int:
    """`of_files`: in records a list of files, of which expressions see how many; it says how a value is read, no more."""

    of_files: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return "整数"


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal of `scale` places held as an integer; `unit` keeps yuan from meeting mu."""

    unit: str
    scale: int

    def __str__(self) -> str:
        return f"数值（{self.unit or '无单位'}）"


@dataclass(frozen=True, slots=True)
class Text:
    """`is_point`: latitude and longitude, which name a place exactly; it says how a value may leave the county, no more."""

    is_point: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return "文字"


@dataclass(frozen=True, slots=True)
class Code:
    list: str

    def __str__(self) -> str:
        return f"代码（{self.list}）"


@dataclass(frozen=True, slots=True)
class Codes:
    list: str

    def __str__(self) -> str:
        return f"多选代码（{self.list}）"


@dataclass(frozen=True, slots=True)
class Date:
    """Held as y·10000 + m·100 + d."""

    def __str__(self) -> str:
        return "日期"


@dataclass(frozen=True, slots=True)
class Month:
    """Held as 12·y + m − 1."""

    def __str__(self) -> str:
        return "年月"


@dataclass(frozen=True, slots=True)
class Null:
    """The literal null, which meets any type."""

    def __str__(self) -> str:
        return "空"


Type = Bool | Int | Number | Text | Code | Codes | Date | Month | Null


def name_en(type_: Type) -> str:
    """For the English of messages; str(type_) is the Chinese."""
    match type_:
        case Number(unit, _scale):
            return f"number ({unit or 'no unit'})"
        case Code(list_name):
            return f"code ({list_name})"
        case Codes(list_name):
            return f"multi-select ({list_name})"
        case _:
            return {"Bool": "yes/no", "Int": "whole number"}.get(type(type_).__name__, type(type_).__name__.lower())


def to_json(type_: Type) -> dict[str, object]:
    match type_:
        case Number(unit, scale):
            return {"kind": "number", "unit": unit, "scale": scale}
        case Code(list_name):
            return {"kind": "code", "list": list_name}
        case Codes(list_name):
            return {"kind": "codes", "list": list_name}
        case _:
            return {"kind": type(type_).__name__.lower()}


def from_json(data: dict[str, object]) -> Type:
    kind = data["kind"]
    if kind == "number":
        return Number(str(data["unit"]), int(str(data["scale"])))
    if kind == "code":
        return Code(str(data["list"]))
    if kind == "codes":
        return Codes(str(data["list"]))
    simple: dict[object, Type] = {
        "bool": Bool(), "int": Int(), "text": Text(), "date": Date(), "month": Month(), "null": Null()
    }  # fmt: skip
    return simple[kind]
