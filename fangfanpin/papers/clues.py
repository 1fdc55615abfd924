"""The clue list of a village on paper (疑似问题清单): what to verify in which household, with room for the answer and signatures."""

from dataclasses import asdict, dataclass, field

from fangfanpin.papers.qr import code
from fangfanpin.papers.render import render


@dataclass(frozen=True, slots=True)
class ListedClue:
    """`verifier`: to whom it was handed; empty: the village."""

    rule: str
    severity: str
    sentence: str
    where: str
    verifier: str = ""


@dataclass(frozen=True, slots=True)
class ListedHousehold:
    """`qr`: text of the code, household and year."""

    code: str
    head: str
    natural_village: str
    address: str
    qr: str
    clues: list[ListedClue]


@dataclass(frozen=True, slots=True)
class ListedTable:
    """The yearly table of the village or of a natural village, answered at the village's office; `code` of its division."""

    code: str
    name: str
    clues: list[ListedClue]


@dataclass(frozen=True, slots=True)
class VillageClues:
    """`households` in walking order, `tables` by code, the village's first; `due` in words."""

    county: str
    township: str
    village: str
    year: int
    due: str
    printed_on: str
    pack: str
    households: list[ListedHousehold]
    tables: list[ListedTable] = field(default_factory=list)


def render_clues(village: VillageClues) -> bytes:
    """PDF, A4; a household is not split over pages."""
    data = asdict(village)
    for household, source in zip(data["households"], village.households, strict=True):
        household["qr"] = code(source.qr)
    return render("clues", data)
