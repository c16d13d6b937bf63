"""Which keys objects can be encrypted with (docs/format.md, Encryption)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["KEY_BYTES", "check_keys"]

KEY_BYTES = 32
"""Of AES-256."""


def check_keys(keys: Iterable[bytes]) -> None:
    """Refuse keys that nothing can be encrypted with.

    Raises:
        ConfigurationError: There is none, or one that does not have 32 bytes.
    """
    found = False
    for key in keys:
        found = True
        if not isinstance(key, bytes | bytearray) or len(key) != KEY_BYTES:
            raise ConfigurationError(
                "an encryption key does not have 32 bytes",
                hint="secrets.token_bytes(32) of Python makes one.",
            )
    if not found:
        raise ConfigurationError("there is no encryption key", hint="Give at least one.")
