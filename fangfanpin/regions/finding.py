"""Find a division as people write it."""

from collections.abc import Iterable

from fangfanpin.regions.models import Region

# What the office of a village is called, and the village it is the office of.
_OFFICES = (
    ("社区居民委员会", "社区"),
    ("社区居委会", "社区"),
    ("居民委员会", "社区"),
    ("居委会", "社区"),
    ("村村民委员会", "村"),
    ("村村委会", "村"),
    ("村民委员会", "村"),
    ("村委会", "村"),
)
_SEPARATORS = str.maketrans("", "", "/\\-—_>·、，,|")
# Endings that say what a division is, longest first; people leave them out.
_KINDS = {
    Region.Level.PROVINCE: ("维吾尔自治区", "壮族自治区", "回族自治区", "自治区", "省", "市"),
    Region.Level.PREFECTURE: ("自治州", "地区", "市", "盟"),
    Region.Level.COUNTY: ("自治县", "自治旗", "县", "区", "市", "旗"),
    Region.Level.TOWNSHIP: ("街道办事处", "街道", "镇", "乡"),
    Region.Level.VILLAGE: ("行政村", "社区", "村"),
    Region.Level.NATURAL_VILLAGE: ("自然村", "村民组", "组"),
}
_SHORTEST = 2  # characters that must be left of a name


def short_name(name: str) -> str:
    """东关社区居民委员会 → 东关社区, 张巷村民委员会 and 张巷村村民委员会 → 张巷村: the words people use."""
    for ending, short in _OFFICES:
        if name.endswith(ending):
            return name.removesuffix(ending) + short
    return name


def stem(name: str, level: str) -> str:
    """The name alone, without what kind of division it is: 张桥村 and 张桥村委会 → 张桥, 城关镇 → 城关."""
    bare = _bare(name)
    if level == Region.Level.VILLAGE:
        bare = short_name(bare)
    for ending in _KINDS[Region.Level(level)]:
        if bare.endswith(ending) and len(bare) >= len(ending) + _SHORTEST:
            return bare.removesuffix(ending)
    return bare


class Divisions:
    """Some divisions, found by code, by name where only one has it, by township and village, with or without the code behind."""

    def __init__(self, rows: Iterable[Region]) -> None:
        self.rows = list(rows)
        self._names = {row.code: row.name for row in self.rows}
        self._found: dict[str, list[Region]] = {}
        self._stems: dict[str, list[Region]] = {}
        for row in self.rows:
            full, name = self.full_name(row), short_name(row.name)
            town = full.removesuffix(row.name)
            for words in dict.fromkeys((row.code, row.name, row.name + row.code, full, full + row.code, name, town + name)):
                self._found.setdefault(_bare(words), []).append(row)
            bare = stem(row.name, row.level)
            for words in dict.fromkeys((bare, _bare(town) + bare)):
                self._stems.setdefault(words, []).append(row)

    def full_name(self, region: Region) -> str:
        """A village after its township; two townships may have a village of one name."""
        town = self._names.get(region.code[:9], "") if len(region.code) > 9 else ""
        return town + region.name

    def coded(self, region: Region) -> str:
        """As it is offered to choose from and understood again: full name and code."""
        return f"{self.full_name(region)} {region.code}"

    def find(self, written: str, *, level: str = "", within: tuple[str, ...] = ("",)) -> list[Region]:
        """None, one, or all that may be meant: those of the very name, else (张桥村村委会, 张桥行政村) those of the short one, else, where the
        words leave out what kind of division it is (张桥), those of that stem. `within`: prefixes of codes."""
        bare = _bare(written)
        short = short_name(bare)
        if short.endswith("行政村"):
            short = short.removesuffix("行政村") + "村"
        for index, words in ((self._found, bare), (self._found, short), (self._stems, bare)):
            found = [row for row in index.get(words, []) if level in ("", row.level) and row.code.startswith(within)]
            if found:
                return found
        return []


def _bare(words: str) -> str:
    return "".join(words.split()).translate(_SEPARATORS)
