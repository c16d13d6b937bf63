"""Check the keys that encrypt objects (docs/format.md, Encryption)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["KEY_BYTES", "check_keys"]

KEY_BYTES = 32
"""Bytes of a key of AES-256 (FIPS 197)."""


def check_keys(keys: Iterable[bytes]) -> None:
    """Refuse keys that cannot encrypt.

    Raises:
        ConfigurationError: There is no key, or one that does not have 32 bytes.
    """
    found = False
    for number, key in enumerate(keys, 1):
        found = True
        is_bytes = isinstance(key, bytes | bytearray)
        if not is_bytes or len(key) != KEY_BYTES:
            here = f"{len(key)} bytes" if is_bytes else type(key).__qualname__
            raise ConfigurationError(
                f"encryption key {number} must be {KEY_BYTES} bytes, not {here}",
                hint="secrets.token_bytes(32) of Python makes one.",
            )
    if not found:
        raise ConfigurationError("the list of encryption keys is empty", hint="Give at least one.")
