"""Keys of the environment, for what is pickled: they are secrets, and stay where they are.

A pickle holds a mark of the first key, which signs or encrypts. Where it is restored, the
environment must have that key, first or later: a key that was replaced since is still there.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from statebag.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["ENCRYPTION_VARIABLE", "SIGNING_VARIABLE", "check_mark", "first_key_mark"]

SIGNING_VARIABLE = "STATEBAG_SIGNING_KEYS"
ENCRYPTION_VARIABLE = "STATEBAG_ENCRYPTION_KEYS"


def first_key_mark(keys: Sequence[bytes]) -> str:
    """Return what tells the first key from others; empty if there is none.

    A signature in a bag says as much of a key, so it gives nothing away.
    """
    return _mark(keys[0]) if keys else ""


def check_mark(mark: str, keys: Iterable[bytes], variable: str) -> None:
    """Refuse to go on without the key that a mark was made of; an empty mark asks for none.

    Raises:
        ConfigurationError: It is not one of these keys.
    """
    found = [_mark(key) for key in keys]
    if not mark or mark in found:
        return
    here = "other keys" if found else "none"
    raise ConfigurationError(
        f"the pickle was made with the keys of {variable}, and this process has {here}",
        hint=f"Set {variable} here too, with the key that came first there; a pickle does not "
        "hold the keys of an environment.",
    )


def _mark(key: bytes) -> str:
    return hmac.digest(bytes(key), b"statebag mark of a key", "sha256").hex()
