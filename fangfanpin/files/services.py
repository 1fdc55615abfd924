"""Keep a file by checksum and hand it out again."""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.conf import settings

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
