"""Pictures that tests hand in: as a phone makes them, as the pad sends them, and the smallest one."""

from base64 import b64decode, b64encode
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==")
GPS, MAKE, ORIENTATION = 0x8825, 0x010F, 0x0112  # tags of EXIF


def photo(kind: str = "JPEG", size: tuple[int, int] = (400, 200), colour: str = "green") -> bytes:
    """Lying on its side, with place, device and a remark written in."""
    target = BytesIO()
    exif = Image.Exif()
    exif[MAKE] = "Huawei"
    exif[ORIENTATION] = 6
    exif[GPS] = {1: "N", 2: (33.0, 19.0, 3.4), 3: "E", 4: (117.0, 18.0, 48.3)}
    Image.new("RGB", size, colour).save(target, kind, exif=exif, **({"comment": b"of Zhang San"} if kind == "JPEG" else {}))
    return target.getvalue()


def file(content: bytes, name: str = "IMG_01.jpg") -> SimpleUploadedFile:
    """As a form sends it; what the browser calls it counts for nothing."""
    return SimpleUploadedFile(name, content, content_type="application/octet-stream")


def signature() -> str:
    """What the pad sends."""
    target = BytesIO()
    Image.new("RGBA", (720, 240), (0, 0, 0, 0)).save(target, "PNG")
    return f"data:image/png;base64,{b64encode(target.getvalue()).decode()}"
