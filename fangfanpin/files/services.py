"""Keep a file by checksum and hand it out again."""

import datetime
import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings
from django.db import connection

from fangfanpin.accounts.models import User
from fangfanpin.files.models import StoredFile


def path_of(file: StoredFile) -> Path:
    """Where the bytes are; two files with equal bytes share them."""
    return Path(settings.FILES_DIR) / file.sha256[:2] / file.sha256


def store(
    *,
    content: bytes | BinaryIO | Path,
    name: str,
    content_type: str,
    purpose: StoredFile.Purpose,
    owner: User | None,
    village_code: str = "",
    household_id: UUID | None = None,
) -> StoredFile:
    """Write the bytes first, then the row: a row never names bytes that are not there."""
    root = Path(settings.FILES_DIR)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    checksum = hashlib.sha256()
    size = 0
    with tempfile.NamedTemporaryFile(dir=root, delete=False) as target:
        temporary = Path(target.name)
        if isinstance(content, bytes):
            target.write(content)
            checksum.update(content)
            size = len(content)
        else:
            source = content.open("rb") if isinstance(content, Path) else content
            while chunk := source.read(1 << 20):
                target.write(chunk)
                checksum.update(chunk)
                size += len(chunk)
            if isinstance(content, Path):
                source.close()
    final = root / checksum.hexdigest()[:2] / checksum.hexdigest()
    final.parent.mkdir(exist_ok=True, mode=0o700)
    shutil.move(temporary, final)
    return StoredFile.objects.create(
        purpose=purpose,
        name=name[:200],
        content_type=content_type,
        size=size,
        sha256=checksum.hexdigest(),
        owner=owner,
        village_code=village_code,
        household_id=household_id,
    )


def sweep(before: datetime.datetime) -> int:
    """Remove the bytes that no row names and that nobody stored since `before`; returns how many files went. `before` must lie further back than any
    transaction that runs: bytes are written before their row, and storing them again makes them new. While a backup is being made, nothing goes:
    it has listed what it takes (`runtime.backup` holds the same lock). Must run inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('files.bytes'))")
        row = cursor.fetchone()
    if not row or not row[0]:
        return 0
    named = set(StoredFile.objects.order_by().values_list("sha256", flat=True).iterator())
    found = (path for path in Path(settings.FILES_DIR).rglob("*") if path.name not in named and path.is_file())
    return sum(_removed(path, before.timestamp()) for path in found)


def _removed(path: Path, before_s: float) -> bool:
    """Put aside first and looked at then: whoever stores the same bytes meanwhile writes a file of their own."""
    aside = path.with_name(f".{path.name}")
    try:
        if path.stat().st_mtime >= before_s:
            return False
        path.rename(aside)
    except FileNotFoundError:  # half-written a moment ago, whole now and under its own name
        return False
    if aside.stat().st_mtime >= before_s:  # stored again between the two looks
        aside.replace(path)
        return False
    aside.unlink()
    return True
