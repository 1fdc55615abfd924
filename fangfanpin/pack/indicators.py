"""One item of a form, and one entry of a code list."""

from dataclasses import dataclass

from fangfanpin.expressions import Bool, Code, Codes, Date, Int, Month, Number, Text, Type
from fangfanpin.pack.units import unit_word

PICTURES = frozenset({"image", "signature"})


@dataclass(frozen=True, slots=True)
class Indicator:
    """`kind`: period, as_of, fixed, admin. `home`: subject, record, computed, spell, typed. `privacy`: none, sensitive, secret.

    `scale`: decimal places that the held integer carries (money 2, areas 2, degrees 6, months of work 1, others 2).
    `ref`: what a reference leads to (household, person, village, division, user, or a register's key).
    `marks`: what lists do with the item: column, filter, sort, search, label (names the row), unique (with the others so marked).
    `part_of`: the item of the same form that it is added into. `label`: what people are shown, in the language of the pack.
    """

    form: str
    name: str
    zh: str
    number: str
    national_id: str
    type: str
    unit: str
    scale: int
    list: str
    kind: str
    home: str
    privacy: str
    multi: bool
    section: str
    retired: bool
    verified: bool
    source: str
    note: str
    required: bool = False
    ref: str = ""
    marks: frozenset[str] = frozenset()
    en: str = ""
    part_of: str = ""
    english: bool = False

    @property
    def label(self) -> str:
        return (self.english and self.en) or self.zh

    @property
    def short(self) -> str:
        return self.label

    @property
    def unit_beside(self) -> str:
        """The unit in words, to stand beside the label or a value; "" where the label says it already: 贷款期限（月）."""
        unit = unit_word(self.unit, english=self.english)
        return "" if f"（{unit}）" in self.label or f"({unit})" in self.label else unit

    @property
    def is_number(self) -> bool:
        """Does it stand on the right of its column? A year does not."""
        return self.type in ("money", "int", "decimal", "area_mu")

    @property
    def is_picture(self) -> bool:
        """Does it hold files: photos, papers, signatures? They are handed in, never typed."""
        return self.type in PICTURES

    @property
    def key(self) -> str:
        return f"{self.form}.{self.name}"

    def engine_type(self) -> Type:
        """Type in the rule language; secret numbers are never columns, of pictures there is how many, a point is text."""
        match self.type:
            case "money" | "area_mu" | "decimal":
                return Number(self.unit, self.scale)
            case "int" | "year":
                return Int()
            case "image" | "signature":
                return Int(of_files=True)
            case "point":
                return Text(is_point=True)
            case "bool":
                return Bool()
            case "code":
                return Codes(self.list) if self.multi else Code(self.list)
            case "date":
                return Date()
            case "month":
                return Month()
            case _:
                return Text()


@dataclass(frozen=True, slots=True)
class ListItem:
    """`word`: what people are shown, in the language of the pack."""

    code: str
    zh: str
    en: str
    note: str
    english: bool = False

    @property
    def word(self) -> str:
        return (self.english and self.en) or self.zh
