"""Signed stubs: proof that a stub was written by a holder of a key, where payloads pass strangers.

`sig` in a stub's body is `<key's name>.<base64url of HMAC-SHA-256>` over the stub as this library
writes it anew, so that an engine may reorder its fields or turn 12 into 12.0. A reader without
keys ignores it. Escaped data is not signed: it stands for itself and names nothing.

A signature says who wrote a stub, not when or where: it moves with the stub, and an old one stays
good. What it may read is bounded by scopes as ever.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError, NotPermitted
from statebag.format import json_text
from statebag.format.stub import Escaped

if TYPE_CHECKING:
    from statebag.format.stub import Stub

__all__ = ["Signatures"]

_FIELD = "sig"
_LEAST_KEY = 16  # bytes; RFC 2104 advises at least the hash's 32
_LONGEST_NAME = 32
_PREFIX = b"statebag stub 1\n"


class Signatures:
    """Signs and checks.

    Args:
        keys: By name; the first one signs, all are good for checking. A key that is retired
            stays here until no execution in flight has a stub of it.

    Raises:
        ConfigurationError: No key, one of fewer than 16 bytes, or a name that is not plain.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise ConfigurationError("signing needs a key", hint="Give one, or no signing_keys.")
        if not isinstance(keys, Mapping):
            raise ConfigurationError("signing keys have names", hint='Give {"name": key}.')
        for name, key in keys.items():
            plain = isinstance(name, str) and name.isascii() and name.isalnum()
            is_key = isinstance(key, bytes | bytearray) and len(key) >= _LEAST_KEY
            if not plain or len(name) > _LONGEST_NAME or not is_key:
                raise ConfigurationError(
                    "a signing key has a name of letters and digits, and at least 16 bytes",
                    hint="secrets.token_urlsafe() of Python makes one.",
                )
        self._keys = dict(keys)
        self._signer = next(iter(self._keys))

    @property
    def fingerprint(self) -> tuple[str, ...]:
        """What tells these keys from others without giving them away."""
        digests = (
            hmac.digest(key, b"statebag memory\n" + name.encode(), hashlib.sha256).hex()
            for name, key in self._keys.items()
        )
        return ("signed", *digests)

    def signed(self, stub: Stub, wire: dict[str, Any]) -> dict[str, Any]:
        """A stub's body with its signature; the one that came is not changed."""
        digest = self._digest(self._keys[self._signer], stub)
        return {**wire, _FIELD: f"{self._signer}.{digest}"}

    def check(self, stub: Stub, body: Mapping[str, Any], path: str) -> None:
        """Refuse a stub that nobody with a key has written.

        Raises:
            NotPermitted: It has no signature, one of an unknown key, or a wrong one.
        """
        if isinstance(stub, Escaped):
            return
        given = body.get(_FIELD)
        name, _, digest = given.partition(".") if isinstance(given, str) else ("", "", "")
        key = self._keys.get(name)
        # Compared in the same time whatever the key's name says.
        expected = self._digest(key or bytes(_LEAST_KEY), stub)
        good = digest.isascii() and hmac.compare_digest(expected, digest)
        if key is None or not good:
            raise NotPermitted(
                "a stub is not signed by a key that this reader knows",
                path=path,
                hint="Seal with STATEBAG_SIGNING_KEYS, and keep a retired key while it is in use.",
            )

    def _digest(self, key: bytes, stub: Stub) -> str:
        wire = stub.to_wire()
        text = json_text.encode(dict(sorted(wire.items())))
        digest = hmac.new(key, _PREFIX + text, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
