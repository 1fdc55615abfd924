"""Units of items and parameters in words: one table for pages, papers and workbooks."""

from typing import Final

_WORDS: Final = {
    "yuan": ("元", "yuan"),
    "wan_yuan": ("万元", "10,000 yuan"),
    "mu": ("亩", "mu"),
    "m2": ("㎡", "m²"),
    "km": ("公里", "km"),
    "m": ("米", "m"),
    "percent": ("%", "%"),
    "age": ("岁", "years of age"),
    "month": ("月", "months"),
    "day": ("天", "days"),
    "time": ("次", "times"),
    "household": ("户", "household(s)"),
    "person": ("人", "persons"),
    "head": ("头（只）", "head"),
    "count": ("个", "items"),
    "degree": ("度", "degrees"),
    "degree_e4": ("万分之一度", "ten-thousandths of a degree"),
}


UNITS: Final = frozenset(_WORDS)


def unit_word(unit: str, *, english: bool = False) -> str:
    """ "" where there is no unit."""
    return _WORDS[unit][english] if unit else ""
