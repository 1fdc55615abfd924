"""Find a division as people write it."""

from collections.abc import Iterable

from fangfanpin.regions.models import Region


class Divisions:
    """Some divisions, found by code, by name where only one has it, by township and village, with or without the code behind."""

    def __init__(self, rows: Iterable[Region]) -> None:
        self.rows = list(rows)
        self._names = {row.code: row.name for row in self.rows}
        self._found: dict[str, list[Region]] = {}
        for row in self.rows:
            for words in dict.fromkeys((row.code, row.name, row.name + row.code, self.full_name(row), self.full_name(row) + row.code)):
                self._found.setdefault(_bare(words), []).append(row)

    def full_name(self, region: Region) -> str:
        """A village after its township; two townships may have a village of one name."""
        town = self._names.get(region.code[:9], "") if len(region.code) > 9 else ""
        return town + region.name

    def coded(self, region: Region) -> str:
        """As it is offered to choose from and understood again: full name and code."""
        return f"{self.full_name(region)} {region.code}"

    def find(self, written: str) -> list[Region]:
        """None, one, or all that may be meant."""
        return self._found.get(_bare(written), [])


def _bare(words: str) -> str:
    return "".join(words.split())
