"""A picture that somebody hands in: what it is by its bytes, without what the camera wrote into it (place, device), no larger than a page needs.

The one home of it: evidence of clues, photos and signatures of registers and households. It is kept before anybody knows what it belongs to, so
that a form with a fault loses none; what names it afterwards makes it its own (`records.pictures`).
"""

import binascii
import re
import zlib
from base64 import b64decode
from dataclasses import dataclass
from io import BytesIO
from struct import error as StructError

from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from fangfanpin.accounts.models import User
from fangfanpin.files.models import StoredFile
from fangfanpin.files.services import path_of, store

MOST_BYTES = 10 * 1024 * 1024
PDF = "application/pdf"
_FORMATS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
_KINDS = {"JPEG": ("image/jpeg", ".jpg"), "PNG": ("image/png", ".png")}
_LONGEST = 2000  # pixels of the longer side that is kept: a sheet photographed whole can still be read
_SMALL = 360  # of what lists and papers show
_MOST_PIXELS = {"JPEG": 200_000_000, "PNG": 40_000_000}  # a JPEG is opened smaller than it is, a PNG only whole
_QUALITY = 85
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, StructError, zlib.error, Image.DecompressionBombError)
_DRAWN = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]{1,400000})")
Image.MAX_IMAGE_PIXELS = max(_MOST_PIXELS.values())


class NotAPicture(Exception):
    """What was handed in cannot be kept; the message (for the person) says why and what to do."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was handed in."""

    content: bytes
    name: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What is kept of an upload."""

    content: bytes
    name: str
    content_type: str


def picture_of(upload: Upload, *, called: str, pdf: bool = True) -> Picture:
    """A photo as it is kept, or with `pdf` a PDF as it came. `called`: its name where it brings none. Raises NotAPicture."""
    if len(upload.content) > MOST_BYTES:
        raise NotAPicture(_("文件超过 10 MB，请压缩后再传。"))
    stem = upload.name.rpartition("/")[2].rpartition("\\")[2].rpartition(".")[0][:150] or called
    if pdf and upload.content.startswith(b"%PDF-"):
        return Picture(upload.content, f"{stem}.pdf", PDF)
    kind = next((kind for start, kind in _FORMATS.items() if upload.content.startswith(start)), None)
    if kind is None:
        raise NotAPicture(_("只能上传照片（JPG、PNG）或 PDF。") if pdf else _("只能上传照片（JPG、PNG）。"))
    content_type, suffix = _KINDS[kind]
    return Picture(_bare(upload.content, kind, _LONGEST), f"{stem}{suffix}", content_type)


def _bare(content: bytes, kind: str, longest: int) -> bytes:
    """The pixels alone, upright: what the camera wrote beside them (EXIF with position and device, comments, profiles) stays behind, and so does
    whatever else the file was besides a picture."""
    target = BytesIO()
    try:
        with Image.open(BytesIO(content), formats=(kind,)) as found:
            if found.width * found.height > _MOST_PIXELS[kind]:
                raise NotAPicture(_("照片的尺寸太大，请用手机拍的照片，或缩小后再传。"))
            found.draft("RGB", (longest, longest))
            upright = ImageOps.exif_transpose(found)
            upright.thumbnail((longest, longest))
            plain = upright.convert("RGB" if kind == "JPEG" or not upright.has_transparency_data else "RGBA")
            plain.info.clear()
            plain.save(target, kind, quality=_QUALITY, optimize=True)
    except _BROKEN:
        raise NotAPicture(_("这张照片打不开，可能没有传完整，请重新选择。")) from None
    return target.getvalue()


def drawn(address: str) -> Upload:
    """What was drawn on the signature pad, sent as a `data:` address. Raises NotAPicture."""
    found = _DRAWN.fullmatch(address)
    try:
        return Upload(b64decode(found[1], validate=True) if found else b"", "")
    except binascii.Error:
        raise NotAPicture(_("签字没有传完整，请再签一次。")) from None


def keep(upload: Upload, *, by: User, called: str, pdf: bool = True) -> StoredFile:
    """Keep a picture that nothing names yet: only who handed it in sees it. Raises NotAPicture."""
    picture = picture_of(upload, called=called, pdf=pdf)
    return store(
        content=picture.content, name=picture.name, content_type=picture.content_type, purpose=StoredFile.Purpose.PICTURE, owner=by
    )  # fmt: skip


def small(file: StoredFile) -> bytes | None:
    """The picture as lists and papers show it, always JPEG on white; None for a PDF, or where its bytes are gone."""
    path = path_of(file)
    if file.content_type == PDF or not path.exists():
        return None
    target = BytesIO()
    with Image.open(path, formats=tuple(_KINDS)) as found:
        found.draft("RGB", (_SMALL, _SMALL))
        found.thumbnail((_SMALL, _SMALL))
        shown = Image.new("RGB", found.size, "white")
        shown.paste(found, mask=found.convert("RGBA").getchannel("A") if found.has_transparency_data else None)
        shown.save(target, "JPEG", quality=75)
    return target.getvalue()
