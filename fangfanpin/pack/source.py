"""The files of a pack and of those it extends, with the place of everything in them."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from fangfanpin.pack.files import Reader, Row

T = TypeVar("T")
_KINDS = {
    str: ("文字", "text"),
    bool: ("true 或 false", "true or false"),
    int: ("整数", "a whole number"),
    list: ("列表", "a list"),
    dict: ("表", "a table"),
}


def rule_files(folder: Path) -> list[Path]:
    """The files of rules of one folder, by name."""
    return sorted((folder / "rules").glob("*.toml"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One table of a TOML file: `near` is what leads to its head, as `Reader.line_of` takes it."""

    path: Path
    key: str
    near: tuple[str, ...]
    data: Mapping[str, Any]


@dataclass(slots=True)
class Source:
    """`chain`: folders from the most basic pack to this one. `doubtful`: items with a fault of their own; expressions that name
    them are not judged."""

    reader: Reader
    chain: Sequence[Path]
    doubtful: set[str] = field(default_factory=set)

    def rows(self, name: str, columns: Sequence[str]) -> list[Row]:
        """Rows of a CSV over the chain, the county's after the nation's."""
        return [row for folder in self.chain for row in self.reader.table(folder / name, columns)]

    def tomls(self, name: str) -> list[tuple[Path, dict[str, Any]]]:
        return [(folder / name, data) for folder in self.chain if (data := self.reader.toml(folder / name))]

    def rule_files(self) -> Iterator[Path]:
        """Every file of rules over the chain, the county's after the nation's."""
        for folder in self.chain:
            yield from rule_files(folder)

    def entries(self, name: str) -> list[Entry]:
        """Top-level tables of a TOML over the chain, in order; the county's replace the nation's of the same key."""
        found: dict[str, Entry] = {}
        for path, data in self.tomls(name):
            for key, value in data.items():
                if isinstance(value, dict):
                    found[key] = Entry(path, key, (f"[{key}]",), value)
                else:
                    self.wrong(path, (key,), f"“{key}”应是一张表，写成 [{key}]", f"{key} must be a table")
        return list(found.values())

    def values(self, name: str) -> Iterator[tuple[Path, str, Any]]:
        """Top-level values of a TOML over the chain; the county's replace the nation's."""
        found: dict[str, tuple[Path, str, Any]] = {}
        for path, data in self.tomls(name):
            found |= {key: (path, key, value) for key, value in data.items()}
        yield from found.values()

    def every(self, name: str) -> Iterator[tuple[Path, str, Any]]:
        """Top-level values of a TOML of each folder of the chain, the county's after the nation's, for tables that are put together."""
        for path, data in self.tomls(name):
            for key, value in data.items():
                yield path, key, value

    def wrong(self, path: Path, near: Sequence[str], zh: str, en: str, column: int = 0, lines_on: int = 0) -> None:
        """A fault at the line where the last of `near` stands after the others."""
        self.reader.fault(self.reader.name(path), self.reader.line_of(path, *near) + lines_on, zh, en, column)

    def only(self, entry: Entry, *allowed: str) -> None:
        """A mistyped key would be passed over in silence: `scop` would leave a rule without its scope."""
        for key in entry.data:
            if key not in allowed:
                near = difflib.get_close_matches(key, allowed, n=1, cutoff=0.6)
                hint = f"，是不是“{near[0]}”？" if near else f"，只能是：{'、'.join(allowed)}"
                self.wrong(entry.path, (*entry.near, key), f"“{entry.key}”里不认识“{key}”{hint}", f"unknown key {key} in {entry.key}")

    def texts(self, path: Path, near: Sequence[str], value: Any) -> list[str]:
        """A list of text; anything else is a fault and nothing."""
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return value
        self.wrong(path, near, '这里要是文字的列表，如 ["a", "b"]', 'a list of text is needed here, such as ["a", "b"]')
        return []

    def get(self, entry: Entry, key: str, kind: type[T], default: T | None = None) -> T:
        """A value of a TOML table. Without a default it must be there. A fault gives an empty value, so that the rest is looked at too."""
        if key not in entry.data:
            if default is None:
                self.wrong(entry.path, entry.near, f"“{entry.key}”缺少 {key}", f"{entry.key} lacks {key}")
            return kind() if default is None else default
        value = entry.data[key]
        if not isinstance(value, kind):
            zh, en = _KINDS[kind]
            self.wrong(entry.path, (*entry.near, key), f"“{entry.key}”的 {key} 要是{zh}", f"{key} of {entry.key} must be {en}")
            return kind()
        if isinstance(value, list) and not all(isinstance(part, str) for part in value):
            self.wrong(entry.path, (*entry.near, key), f"“{entry.key}”的 {key} 里只能是文字", f"{key} of {entry.key} must hold text")
            return kind()
        return value
