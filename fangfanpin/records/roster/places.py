"""The village a row speaks of, by its words: a national export writes county, township and village beside or instead of the code."""

import datetime
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from django.utils import timezone
from django.utils.translation import gettext as _

from fangfanpin.regions.finding import Divisions, stem
from fangfanpin.regions.models import Region

Level = Region.Level
_ABOVE = (Level.PROVINCE, Level.PREFECTURE, Level.COUNTY)
_LENGTHS = {Level.PROVINCE: 2, Level.PREFECTURE: 4, Level.COUNTY: 6, Level.TOWNSHIP: 9, Level.VILLAGE: 12}
_ADDED = re.compile(r"[(（][^()（）]*[)）]")  # 张桥村（原王庄村）
_MOST_NAMED = 6  # divisions of one name that a message lists


@dataclass(frozen=True, slots=True)
class Found:
    """The village's code, or `problem`: what is wrong with the words of `level`. Neither: no village is named."""

    code: str = ""
    problem: str = ""
    level: Level = Level.VILLAGE


class Places:
    """The counties of these villages, with all their townships and villages; read when the first word is looked up."""

    def __init__(self, villages: Iterable[str]) -> None:
        self._counties = tuple(sorted({code[:6] for code in villages}))

    @cached_property
    def _rows(self) -> dict[str, Region]:
        above = {code[:length] for code in self._counties for length in (2, 4, 6)}
        rows = list(Region.objects.filter(code__in=above))
        for county in self._counties:
            rows += Region.objects.under(county).filter(level__in=(Level.TOWNSHIP, Level.VILLAGE))
        return {row.code: row for row in rows}

    @cached_property
    def _divisions(self) -> Divisions:
        """Those of today: a village that was merged is no place for a household, but its code still has its name."""
        today = timezone.localdate()
        return Divisions(row for row in self._rows.values() if _holds(row, today))

    def find(self, words: Mapping[Level, str]) -> Found:
        """The village that the words name, each taken within the one before."""
        within = self._counties
        for level in _ABOVE:
            if not (written := words.get(level, "")):
                continue
            prefixes = tuple(row.code for row in self._divisions.find(written, level=level))
            within = tuple(code for code in within if code.startswith(prefixes)) if prefixes else ()
            if not within:
                ours = _("、").join(dict.fromkeys(self._name(code[: _LENGTHS[level]]) for code in self._counties))
                return Found(problem=_("“%(written)s”不是本县（%(ours)s），请核对") % {"written": written, "ours": ours}, level=level)
        if town := words.get(Level.TOWNSHIP, ""):
            found = self._all(town, Level.TOWNSHIP, within)
            if not found:
                return Found(problem=self._unknown(town, Level.TOWNSHIP, within), level=Level.TOWNSHIP)
            within = tuple(row.code for row in found)
        written = words.get(Level.VILLAGE, "")
        if not written:
            return Found()
        villages = self._all(written, Level.VILLAGE, within)
        if len(villages) == 1:
            return Found(villages[0].code)
        return Found(problem=self._several(written, villages) if villages else self._unknown(written, Level.VILLAGE, within, town))

    def contradiction(self, code: str, words: Mapping[Level, str]) -> Found:
        """What the words say against a village's code; nothing against a code that nobody knows."""
        village = self._rows.get(code)
        if village is None:
            return Found(code)
        for level, written in words.items():
            length = _LENGTHS[level]
            row = self._rows.get(code[:length])
            if row is None or not written or self._means(written, row):
                continue
            place = "".join(self._name(code[:at]) for at in (6, 9, 12))
            told = {"code": code, "place": place, "written": written}
            return Found(problem=_("村代码 %(code)s 是“%(place)s”，这里写的是“%(written)s”，两处不一样；请改正其中一处") % told, level=level)
        return Found(code)

    def _means(self, written: str, row: Region) -> bool:
        plain = self._local(written)
        forms = {plain, _ADDED.sub("", plain)}
        if any(stem(words, row.level) == stem(row.name, row.level) for words in forms):
            return True
        return any(row in Divisions([row, *self._towns(row)]).find(words, level=row.level) for words in forms)

    def _towns(self, row: Region) -> list[Region]:
        town = self._rows.get(row.code[:9])
        return [town] if town is not None and town is not row else []

    def _all(self, written: str, level: Level, within: tuple[str, ...]) -> list[Region]:
        plain = self._local(written)
        return self._divisions.find(plain, level=level, within=within) or self._divisions.find(_ADDED.sub("", plain), level=level, within=within)

    def _local(self, written: str) -> str:
        """Without the province, prefecture and county that stand before: 安徽省蚌埠市固镇县城关镇张桥村 → 城关镇张桥村."""
        plain = "".join(written.split())
        for level in _ABOVE:
            for code in dict.fromkeys(county[: _LENGTHS[level]] for county in self._counties):
                name = self._name(code)
                if name and len(plain) > len(name):
                    plain = plain.removeprefix(name)
        return plain

    def _name(self, code: str) -> str:
        row = self._rows.get(code)
        return row.name if row is not None else ""

    def _several(self, written: str, found: list[Region]) -> str:
        named = _("、").join(self._divisions.coded(row) for row in found[:_MOST_NAMED])
        told = {"written": written, "count": len(found), "named": named}
        if len({row.code[:9] for row in found}) == 1:
            return _("叫“%(written)s”的有 %(count)d 个：%(named)s；请填 12 位村代码") % told
        return _("叫“%(written)s”的有 %(count)d 个：%(named)s；请加上乡镇，或填 12 位村代码") % told

    def _unknown(self, written: str, level: Level, within: tuple[str, ...], town: str = "") -> str:
        if town and (elsewhere := self._all(written, level, self._counties)):
            named = _("、").join(self._divisions.full_name(row) for row in elsewhere[:_MOST_NAMED])
            return _("“%(town)s”没有“%(written)s”，别的乡镇有：%(named)s；请改正乡镇或村") % {"town": town, "written": written, "named": named}
        names = {row.name: row for row in self._divisions.rows if row.level == level and row.code.startswith(within)}
        like = [name for name in names if stem(name, level) == stem(written, level)] or difflib.get_close_matches(self._local(written), names, 1, 0.6)
        told = {"written": written, "like": like[0] if like else ""}
        if level == Level.TOWNSHIP:
            return _("没有叫“%(written)s”的乡镇，是不是“%(like)s”？请改正") % told if like else _("没有叫“%(written)s”的乡镇，请核对") % told
        if like:
            return _("没有叫“%(written)s”的村（社区），是不是“%(like)s”？请改正，或填 12 位村代码") % told
        return _("没有叫“%(written)s”的村（社区），请核对，或填 12 位村代码") % told


def _holds(row: Region, day: datetime.date) -> bool:
    return (row.valid_from is None or row.valid_from <= day) and (row.valid_to is None or row.valid_to > day)
