"""Mark the keys of the environment in a pickle, without pickling them.

A pickle holds a mark of the first key, which signs or encrypts. The environment that restores the
pickle must have that key too, but need not have it first: keys rotate.
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
    """Return a mark that identifies the first key; empty if there is none.

    It reveals no more of the key than a signature in a bag does.
    """
    return _mark(keys[0]) if keys else ""


def check_mark(mark: str, keys: Iterable[bytes], variable: str) -> None:
    """Refuse to continue without the key of a mark; an empty mark needs no key.

    Raises:
        ConfigurationError: None of these keys has the mark.
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
