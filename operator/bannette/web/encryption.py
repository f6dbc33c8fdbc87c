"""Texts that only this service can read: AES-256-GCM under a key that is derived from those that sign. Pure.

As with what is sealed, the newest key encrypts and all of them decrypt, so that keys can be changed without a break.
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bannette.web.sealing import Keys

_NONCE: Final = 12


def encrypt(keys: Keys, purpose: str, data: bytes) -> str:
    """Return *data* as a text for cookies, readable for one *purpose* only."""
    nonce = os.urandom(_NONCE)
    key_id = keys.newest
    sealed = nonce + _cipher(keys, key_id, purpose).encrypt(nonce, data, key_id.encode())
    return f"{_encode(key_id.encode())}.{_encode(sealed)}"


def decrypt(keys: Keys, purpose: str, text: str) -> bytes | None:
    """Return what *text* was made of; None if it isn't one that this service made for *purpose*."""
    encoded, _, sealed = text.partition(".")
    try:
        key_id, data = _decode(encoded).decode(), _decode(sealed)
        if key_id not in keys.by_id:
            return None
        return _cipher(keys, key_id, purpose).decrypt(data[:_NONCE], data[_NONCE:], key_id.encode())
    except (ValueError, binascii.Error, InvalidTag):
        return None


def _cipher(keys: Keys, key_id: str, purpose: str) -> AESGCM:
    # Signing and encrypting never share a key, nor do two purposes.
    derived = HKDF(SHA256(), 32, salt=None, info=f"encrypt\n{purpose}".encode()).derive(keys.by_id[key_id])
    return AESGCM(derived)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
