"""A folder of snapshots: `county=CODE/` for each county, in it one Parquet file per table, the pack's own files and manifest.json.

A county comes into the folder whole: it is written beside and renamed.
"""

import contextlib
import datetime
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fangfanpin.pack import Pack, PackFaults, load_pack
from fangfanpin.pack.files import write_sources

FORMAT = 2
MANIFEST = "manifest.json"
PARTITION = "county"  # the column that a folder `county=…` gives to what lies in it
SHADOWED = "item__county"  # so an item of that name has this one in the file
# Before the name of a key, or of a text that rules only compare: its number in the county, the same in all tables, quicker to join by than text.
NUMBER = "number__"
KINDS = ("county", "upward")
COMPRESSION = {"county": "lz4_raw", "upward": "zstd"}  # what stays is swept again and again, what goes up is to be small
_STALE_S = 3600  # what was being written this long ago was left by a command that was killed


class SnapshotFault(Exception):
    """A folder of snapshots that cannot be read or written; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One county's: where it lies and what its manifest says. `today`: of the campaign's clock when it was made. `columns`: by table the items
    in its file, keys among them."""

    path: Path
    county: str
    kind: str
    year: int
    today: datetime.date
    pack_id: str
    pack_hash: str
    rows: Mapping[str, int]
    columns: Mapping[str, frozenset[str]]
    checksums: Mapping[str, str]

    def file(self, table: str) -> Path:
        return self.path / f"{table}.parquet"

    def pack(self) -> Pack:
        """The pack the county went by, from the files that came with it. Its hash here may be another than the county's: a later version of the
        program resolves the same files into more. That they are the same files is what `verify` sees. Raises SnapshotFault."""
        try:
            return load_pack(self.path / "pack" / self.pack_id)
        except (PackFaults, OSError) as fault:
            raise SnapshotFault(f"{self.path} 里的政策包读不出来 (its pack cannot be read): {fault}") from fault

    def verify(self) -> None:
        """Every file is the one the manifest was written for, and there is no other: an added rule would be one. Raises SnapshotFault."""
        there = {str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file()} - {MANIFEST}
        for name in sorted(there ^ self.checksums.keys()):
            raise SnapshotFault(f"{self.path / name} 不该有，或缺失 (this file is missing, or is not the manifest's)")
        for name, expected in self.checksums.items():
            if sha256(self.path / name) != expected:
                raise SnapshotFault(f"{self.path / name} 与清单的校验值不符 (not what the manifest says)")


def snapshots_in(folder: Path) -> list[Snapshot]:
    """All counties of a folder, in the order of their codes. Raises SnapshotFault where there is none or one is not whole."""
    found = [_read(path) for path in sorted(folder.glob("county=*")) if path.is_dir()]
    if not found:
        raise SnapshotFault(f"{folder} 里没有快照（county=…/manifest.json）(no snapshots in this folder)")
    return found


def _read(path: Path) -> Snapshot:
    try:
        told: dict[str, Any] = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        county = path.name.removeprefix("county=")
        if told["format"] != FORMAT or not county.isdigit():
            raise SnapshotFault(f"{path} 不是本版本能读的快照 (not a snapshot that this version reads)")
        return Snapshot(
            path=path,
            county=county,
            kind=told["kind"],
            year=told["year"],
            today=datetime.date.fromisoformat(told["today"]),
            pack_id=told["pack"]["id"],
            pack_hash=told["pack"]["hash"],
            rows={name: table["rows"] for name, table in told["tables"].items()},
            columns={
                name: frozenset(PARTITION if column == SHADOWED else column for column in table["columns"]) for name, table in told["tables"].items()
            },
            checksums=told["sha256"],
        )
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise SnapshotFault(f"{path} 的清单读不出来 (its manifest cannot be read): {fault!r}") from fault


def sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def county_folder(root: Path, county: str) -> Iterator[Path]:
    """A folder to write one county into; in its place when the block ends well, gone when it does not, and never seen half."""
    root.mkdir(parents=True, exist_ok=True)
    for left_over in root.glob(".county=*"):
        if time.time() - left_over.stat().st_mtime > _STALE_S:
            shutil.rmtree(left_over, ignore_errors=True)
    part = Path(tempfile.mkdtemp(prefix=f".county={county}.", dir=root))
    target, before = root / f"county={county}", part.with_name(part.name + ".before")
    try:
        yield part
        for path in sorted(part.rglob("*")):
            _to_disk(path)
        with contextlib.suppress(FileNotFoundError):
            target.rename(before)
        part.rename(target)
        _to_disk(root)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_pack(part: Path, sources: Mapping[str, str]) -> None:
    """The pack's files beside the tables: whoever reads them needs no other."""
    write_sources(sources, part / "pack")


def write_manifest(part: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of what stands in the folder, with a checksum of every file."""
    files: Sequence[Path] = sorted(path for path in part.rglob("*") if path.is_file())
    manifest = {"format": FORMAT, **facts, "sha256": {str(path.relative_to(part)): sha256(path) for path in files}}
    (part / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return manifest
