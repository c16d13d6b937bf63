"""Sign stubs, so that a reader knows that a holder of a key wrote them.

`sig` in a stub's body is a keyed digest (HMAC-SHA-256, base64url) over this library's own text of
the stub. So an engine may reorder its fields or turn 12 into 12.0:

| `sig` | for |
| --- | --- |
| `<key's name>.<digest>` | a stub that only names objects, whose names begin with their scope |
| `<key's name>.<digest>.<scope>` | a stub with bytes of its own, which could open anywhere |

The second digest covers the scope of the seal, encoded as in names. A reader with a scope accepts
the scopes whose objects it may read: its own, those above it, and those of its policy. An older
release wrote the first form for every stub (docs/design/0007-signed-stubs.md).

A reader without keys ignores `sig`. Escaped data is not signed, since it names nothing. A signature
says who wrote a stub, not when: old signatures stay valid.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from statebag.errors import ConfigurationError, NotPermitted
from statebag.format import json_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.format.stub import Stub

__all__ = ["Checker", "Signatures", "Signer", "check_keys"]

_FIELD = "sig"
# Bytes. Chosen: 128 bits, which nobody can guess; RFC 2104, section 3, advises the 32 of the hash.
_LEAST_KEY = 16
_LONGEST_NAME = 32  # characters. Chosen: the name is in every stub
_PREFIX = b"statebag stub 1\n"
_SCOPED_PREFIX = b"statebag stub 2\n"


def check_keys(keys: Mapping[str, bytes]) -> None:
    """Refuse keys that cannot sign.

    Raises:
        ConfigurationError: There is no key, one has fewer than 16 bytes, a name has odd
            characters, or one key has two names.
    """
    if not isinstance(keys, Mapping):
        raise ConfigurationError(
            f"signing_keys must be a dict of keys by name, not {type(keys).__qualname__}",
            hint='Give {"name": key}.',
        )
    if not keys:
        raise ConfigurationError(
            "signing_keys is an empty dict", hint="Give one, or no signing_keys."
        )
    names: list[str] = []
    for name, key in keys.items():
        plain = isinstance(name, str) and name.isascii() and name.isalnum()
        is_key = isinstance(key, bytes | bytearray) and len(key) >= _LEAST_KEY
        if not plain or len(name) > _LONGEST_NAME or not is_key:
            raise ConfigurationError(
                _odd_key(name, key, plain=plain),
                hint="secrets.token_urlsafe() of Python makes one.",
            )
        same = next((one for one in names if keys[one] == key), None)
        if same is not None:
            raise ConfigurationError(
                f"signing keys {same} and {name} are the same key: retiring one of the names would "
                "not retire the key",
                hint="Make a separate key for each name, or leave one name out.",
            )
        names.append(name)


class Signatures:
    """The keys of a client, which make a signer for a scope and a checker for a reader.

    Args:
        keys: Keys by name. The first one signs; all of them verify. Keep a retired key until no
            execution in flight has a stub that it signed.
        scoped: Whether new signatures cover the scope; False writes the form for older readers.
        required: Whether to refuse a stub with inline bytes whose signature does not cover the
            scope.

    Raises:
        ConfigurationError: As for `check_keys`.
    """

    def __init__(
        self, keys: Mapping[str, bytes], *, scoped: bool = True, required: bool = False
    ) -> None:
        check_keys(keys)
        self._keys = {name: bytes(key) for name, key in keys.items()}
        self._scoped = scoped
        self._required = required

    @property
    def fingerprint(self) -> tuple[str, ...]:
        """A digest that identifies these keys without revealing them."""
        digests = (
            hmac.digest(key, b"statebag memory\n" + name.encode(), hashlib.sha256).hex()
            for name, key in self._keys.items()
        )
        return ("signed", *digests)

    def signer(self, scope: str) -> Signer:
        """Return the signer of a bag that is sealed for an encoded scope."""
        name = next(iter(self._keys))
        return Signer(name, self._keys[name], scope if self._scoped else None)

    def checker(self, may_read: Callable[[str], bool]) -> Checker:
        """Return the checker of the stubs that a reader meets.

        Args:
            may_read: Returns whether the reader may read an encoded scope.
        """
        return Checker(self._keys, may_read, required=self._required)


class Signer:
    """Sign the stubs of one bag."""

    def __init__(self, name: str, key: bytes, scope: str | None) -> None:
        self._name = name
        self._key = key
        self._scope = scope

    def signed(self, stub: Stub, wire: dict[str, Any]) -> dict[str, Any]:
        """Return a copy of a stub's body with its signature."""
        scope = self._scope if stub.has_bytes else None
        digest = _digest(self._key, stub, scope)
        end = "" if scope is None else f".{scope}"
        return {**wire, _FIELD: f"{self._name}.{digest}{end}"}


class Checker:
    """Check the stubs that one reader meets."""

    def __init__(
        self, keys: Mapping[str, bytes], may_read: Callable[[str], bool], *, required: bool
    ) -> None:
        self._keys = keys
        self._may_read = may_read
        self._required = required

    def check(self, stub: Stub, body: Mapping[str, Any], path: str) -> None:
        """Refuse a stub that no key signed, or that was signed for another scope.

        Raises:
            NotPermitted: The stub has no valid signature of a known key, or holds bytes that were
                signed for a scope that this reader may not read.
        """
        if stub.is_data:
            return
        given = body.get(_FIELD)
        name, _, rest = given.partition(".") if isinstance(given, str) else ("", "", "")
        digest, dot, end = rest.partition(".")
        scope = end if dot and end.isascii() else None
        key = self._keys.get(name)
        # Compared in the same time whatever the key's name says.
        expected = _digest(key or bytes(_LEAST_KEY), stub, scope)
        good = digest.isascii() and hmac.compare_digest(expected, digest)
        if key is None or not good or (dot and scope is None):
            raise NotPermitted(
                "the stub is not signed with a key that this reader has",
                path=path,
                hint="Seal with STATEBAG_SIGNING_KEYS, and keep a retired key while it is in use.",
            )
        if not stub.has_bytes:
            return
        if scope is None and self._required:
            raise NotPermitted(
                "the value has a signature of the older form, which does not cover the scope",
                path=path,
                hint="Seal the bag again with Policy.forms at 3 or more, or unset "
                "Policy.require_signatures until no such bag is left.",
            )
        if scope is not None and not self._may_read(scope):
            raise NotPermitted(
                "the value was signed for another scope",
                path=path,
                hint="Seal with scope=, or add that scope to Policy.readable_scopes if this "
                "reader should see it.",
            )


def _digest(key: bytes, stub: Stub, scope: str | None) -> str:
    wire = stub.to_wire()
    text = json_text.encode(dict(sorted(wire.items())))
    prefix = _PREFIX if scope is None else b"%s%s\n" % (_SCOPED_PREFIX, scope.encode("ascii"))
    digest = hmac.new(key, prefix + text, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _odd_key(name: object, key: object, *, plain: bool) -> str:
    """Return what is wrong with a signing key; an odd name may be a misplaced key."""
    rule = f"the name of a signing key must be 1 to {_LONGEST_NAME} letters and digits, not "
    if not isinstance(name, str):
        return rule + type(name).__qualname__
    if not plain or len(name) > _LONGEST_NAME:
        odd = "" if plain else ", some of them others"
        return rule + f"{len(name)} characters{odd}"
    if not isinstance(key, bytes | bytearray):
        return f"signing key {name} must be bytes, not {type(key).__qualname__}"
    return f"signing key {name} must have at least {_LEAST_KEY} bytes, not {len(key)}"
