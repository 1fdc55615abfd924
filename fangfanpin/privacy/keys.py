"""The installation's keys: kept beside the data or apart from it, never in a backup."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """`cipher` and `digest` are 32 bytes each; `django` signs sessions."""

    cipher: bytes
    digest: bytes
    django: str


def ensure_keys(directory: Path) -> Keys:
    """Read DATA_DIR/keys/privacy.json, making it (mode 0600) on first use. FFP_KEYS_FILE names another place."""
    path = Path(os.environ.get("FFP_KEYS_FILE", str(directory / "privacy.json")))
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = {
            "cipher": secrets.token_hex(32),
            "digest": secrets.token_hex(32),
            "django": secrets.token_urlsafe(48),
        }
        # O_EXCL: two processes starting together must not make two different keys.
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "w") as file:
                json.dump(fresh, file)
    text = path.read_text()
    loaded = json.loads(text)
    return Keys(bytes.fromhex(loaded["cipher"]), bytes.fromhex(loaded["digest"]), str(loaded["django"]))
