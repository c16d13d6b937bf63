"""Check the keys that encrypt objects, and know an encrypted object (docs/format.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import ConfigurationError, NotPermitted, UnsupportedFormat

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "KEY_BYTES",
    "MAGIC",
    "OLDER_MAGIC",
    "check_keys",
    "check_not_encrypted",
    "has_newer_magic",
]

KEY_BYTES = 32
"""Bytes of a key of AES-256 (FIPS 197)."""

MAGIC = b"SBENC\x02\r\n"
"""The first bytes of an encrypted object of version 2."""
OLDER_MAGIC = b"SBENC\x01\r\n"
"""The same of version 1."""

_VERSION_AT = 5  # in the magic (docs/format.md)


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


def has_newer_magic(start: bytes) -> bool:
    """Return whether an object begins with the magic of a version that is not known here."""
    known = start.startswith((MAGIC, OLDER_MAGIC))
    before, after = MAGIC[:_VERSION_AT], MAGIC[_VERSION_AT + 1 :]
    return not known and start.startswith(before) and start[_VERSION_AT + 1 : len(MAGIC)] == after


def check_not_encrypted(start: bytes, name: str) -> None:
    """Refuse an encrypted object that a reader without keys met.

    Args:
        start: The object's first bytes, at least as many as a magic has.
        name: The object.

    Raises:
        NotPermitted: The object is encrypted.
        UnsupportedFormat: It is encrypted in a version that this release does not know.
    """
    if has_newer_magic(start):
        raise UnsupportedFormat(
            "the object is encrypted in a version that this release does not know",
            object_name=name,
            hint="Install a newer statebag here: readers are upgraded first.",
        )
    if start.startswith((MAGIC, OLDER_MAGIC)):
        error = NotPermitted(
            "the object is encrypted, and this reader has no keys",
            object_name=name,
            hint="Set STATEBAG_ENCRYPTION_KEYS to the writer's keys.",
        )
        error.is_encrypted = True
        raise error
