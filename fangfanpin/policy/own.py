"""The county's own layer over the pack it was given: rules on, off, changed or new, and parameters by date, written in the browser.

It is a pack like any other, a folder that extends the given one (`guzhen-2021-own` extends `guzhen-2021`), so that what checks, resolves and
publishes a pack needs to know nothing of it. It lives in the sources of the published pack; a renewed pack keeps it (`renewed`).
"""

import csv
import io
import json
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fangfanpin.pack import Pack, load_pack
from fangfanpin.pack.files import write_sources
from fangfanpin.policy.models import PublishedPack
from fangfanpin.policy.services import sources_in, sources_of

SUFFIX = "-own"
RULES, PARAMETERS = "rules/own.toml", "parameters.csv"
_PARAMETER_COLUMNS = ("name", "type", "unit", "valid_from", "value", "source", "verified", "note")


@dataclass(frozen=True, slots=True)
class Own:
    """`rules`: by id, the table as it stands in TOML; `{"off": True}` takes a rule away. `parameters`: rows by column."""

    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parameters: tuple[Mapping[str, str], ...] = ()

    def with_rule(self, rule_id: str, table: Mapping[str, Any]) -> "Own":
        return replace(self, rules={**self.rules, rule_id: dict(table)})

    def without_rule(self, rule_id: str) -> "Own":
        """The given pack's rule is in force again; a rule of the county's own is gone."""
        return replace(self, rules={key: table for key, table in self.rules.items() if key != rule_id})

    def with_parameter(self, row: Mapping[str, str]) -> "Own":
        """A value from a day; another one of the same day is replaced."""
        kept = tuple(one for one in self.parameters if (one["name"], one["valid_from"]) != (row["name"], row["valid_from"]))
        return replace(self, parameters=(*kept, {name: row.get(name, "") for name in _PARAMETER_COLUMNS}))

    def without_parameter(self, name: str, valid_from: str) -> "Own":
        return replace(self, parameters=tuple(one for one in self.parameters if (one["name"], one["valid_from"]) != (name, valid_from)))


def given_id(pack_id: str) -> str:
    """The pack below the county's own layer."""
    return pack_id.removesuffix(SUFFIX)


def own_of(published: PublishedPack) -> Own:
    """What the county wrote itself; nothing where it wrote nothing yet."""
    sources, folder = sources_of(published), given_id(published.pack_id) + SUFFIX
    rules = tomllib.loads(sources.get(f"{folder}/{RULES}", ""))
    parameters = tuple(csv.DictReader(io.StringIO(sources.get(f"{folder}/{PARAMETERS}", ""))))
    return Own(rules, parameters)


@contextmanager
def drafted(published: PublishedPack, own: Own) -> Iterator[tuple[Pack, Path]]:
    """The published pack with another own layer, checked, and its folder while the block lasts. Raises PackFaults."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_sources(sources_of(published), root)
        yield _load(root, given_id(published.pack_id), own)


@contextmanager
def renewed(directory: Path, published: PublishedPack) -> Iterator[tuple[Pack, Path]]:
    """A pack's folder with the county's own layer on top of it, where there is one. Raises PackFaults, also where the two no longer fit."""
    own, given = own_of(published), load_pack(directory)
    if not (own.rules or own.parameters) or not _stands_on(given, published):
        yield given, directory
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_sources(sources_in(given, directory.resolve()), root)
        yield _load(root, directory.resolve().name, own)


def _stands_on(given: Pack, published: PublishedPack) -> bool:
    """Is it the given pack of the published one, a layer more on top of that or one less? Another year's pack is none of these."""
    below = {name.split("/", 1)[0] for name in sources_of(published)}
    return given_id(published.pack_id) in given.chain or given.id in below


def _load(root: Path, given: str, own: Own) -> tuple[Pack, Path]:
    directory = root / f"{given}{SUFFIX}"
    below = tomllib.loads((root / given / "pack.toml").read_text(encoding="utf-8"))
    head = {"id": directory.name, "extends": given} | {str(name): str(below[name]) for name in ("title_zh", "title_en") if name in below}
    tables = [
        f"[{rule_id}]\n" + "".join(f"{name} = {_toml(value)}\n" for name, value in table.items()) for rule_id, table in sorted(own.rules.items())
    ]
    table = io.StringIO()
    writer = csv.DictWriter(table, _PARAMETER_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(own.parameters)
    head_text = "".join(f"{name} = {_toml(value)}\n" for name, value in head.items())
    write_sources({"pack.toml": head_text, RULES: "\n".join(tables), PARAMETERS: table.getvalue()}, directory)
    return load_pack(directory), directory


def _toml(value: Any) -> str:
    """Texts, truths and lists of texts: what a rule's table holds. A JSON text without half surrogates is a TOML text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
