"""Numbers that identify a person: encrypted at rest, found by keyed digest, masked on screen."""

import functools
import hmac
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_PREFIX = "s1:"


@functools.lru_cache(maxsize=4)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def encrypt(plain: str | None) -> str | None:
    """AES-256-GCM with a random nonce; text safe for a column. None and '' stay None."""
    if not plain:
        return None
    nonce = os.urandom(12)
    sealed = _cipher(settings.PRIVACY_KEYS.cipher).encrypt(nonce, plain.encode(), None)
    return _PREFIX + (nonce + sealed).hex()


def decrypt(stored: str | None) -> str | None:
    """The plain number; raises cryptography's InvalidTag where the key is another installation's."""
    if not stored:
        return None
    raw = bytes.fromhex(stored.removeprefix(_PREFIX))
    return _cipher(settings.PRIVACY_KEYS.cipher).decrypt(raw[:12], raw[12:], None).decode()


def digest(number: str | None) -> str:
    """Keyed digest to find a number by; upper case, so that x and X are one. '' for nothing."""
    if not number:
        return ""
    return hmac.digest(settings.PRIVACY_KEYS.digest, number.upper().encode(), "sha256").hex()[:40]


def digest18(number: str | None) -> str:
    """Digest of the first 18 characters, so that an identity card and a disability card of one person collide (F001)."""
    return digest(number[:18]) if number else ""


def mask_id(number: str | None) -> str:
    """340323********123X: the first 6 and last 4 stay; short or odd numbers keep only the last 2."""
    if not number:
        return ""
    if len(number) >= 15:
        return number[:6] + "*" * (len(number) - 10) + number[-4:]
    return "*" * max(len(number) - 2, 0) + number[-2:]


def mask_phone(number: str | None) -> str:
    """138****5678."""
    if not number:
        return ""
    return number[:3] + "****" + number[-4:] if len(number) >= 8 else "*" * len(number)


def mask_bank(number: str | None) -> str:
    if not number:
        return ""
    return "*" * max(len(number) - 4, 0) + number[-4:]


def mask_sensitive(value: object, *, is_phone: bool) -> str:
    """A sensitive value for those without the right: a phone in part, anything else wholly."""
    return mask_phone(str(value)) if is_phone else mask_text(str(value))


def mask_text(text: str | None) -> str:
    return "＊＊＊" if text else ""
