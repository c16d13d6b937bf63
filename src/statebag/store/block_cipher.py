"""Encrypt and decrypt the bytes of an object, block by block.

```
8 bytes   magic, with the form's version
then, for each 4,096 bytes of the object:
  8       the ID of the key and version
  1       1 in the last block, else 0
  2       bytes of the object in this block, big-endian
  12      nonce
  4,096   those bytes, padded with zeros and encrypted
  16      tag, over the object's name and the block's number too
```

| version | cipher | nonce |
| --- | --- | --- |
| 2 | AES-256-GCM-SIV (RFC 8452) | the block's number |
| 1 | AES-256-GCM (NIST SP 800-38D) | derived from name, number and bytes with a key of its own |

Both have blocks of the same length, and each block has its version, so a range of either is read
with one request. Version 2 is written, or version 1 while readers of the first release are left;
both are always read. The keys derived from a key differ between the versions.

A block can be read alone, so a range costs only the blocks that it touches. All blocks have the
same length, so no request is needed to find the end of the last one, and an object's size shows
only in steps.

The name, which begins with the scope, is authenticated and is part of each object's derived key, so
a moved object cannot be decrypted. Nothing is random: the same object always gives the same bytes,
so a retried write changes nothing. AES-GCM-SIV is made for that: if two different blocks have the
same nonce, it reveals nothing about either. In version 1, two different blocks share a nonce with a
probability of 2**-96.
"""

from __future__ import annotations

import hashlib
import hmac
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from statebag.environment import encryption_keys_from_environment
from statebag.environment_keys import ENCRYPTION_VARIABLE, check_mark, first_key_mark
from statebag.errors import BlobCorrupt, ConfigurationError
from statebag.format.encryption_keys import KEY_BYTES, MAGIC, OLDER_MAGIC, check_keys
from statebag.store.given_keys import asked_for, each_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from statebag.store.given_keys import KeyProvider

__all__ = [
    "BLOCK",
    "ID_BYTES",
    "MAGICS",
    "NONCE_BYTES",
    "TAG_BYTES",
    "WHOLE_BYTES",
    "Keys",
    "damaged",
]

MAGICS = {2: MAGIC, 1: OLDER_MAGIC}
BLOCK = 4096
"""Bytes of an object in one block (docs/format.md)."""

# Bytes of an ID that may differ from a known one. Chosen: damage changes few of them, while another
# key has nearly all different.
_NEAR = 2
# Bytes of the parts of a block (docs/format.md).
ID_BYTES = 8
NONCE_BYTES = 12  # docs/format.md
_HEAD_BYTES = ID_BYTES + 1 + 2 + NONCE_BYTES
TAG_BYTES = 16  # docs/format.md
WHOLE_BYTES = _HEAD_BYTES + BLOCK + TAG_BYTES


_numbers = count(1)


class _Key(NamedTuple):
    version: int
    encryption: bytes
    nonces: bytes  # for version 1


class Keys:
    """Encrypt and decrypt the blocks of objects.

    Args:
        provider: The keys, or a function that returns them. It is called once, at the first read or
            write, within the deadline of that call.
        misuse_resistant: Whether to write version 2 (AES-GCM-SIV).
        of_environment: Whether the keys come from the environment. A pickle does not hold such
            keys; they are read again where it is restored.

    Raises:
        ConfigurationError: The package `cryptography` is missing or lacks a needed cipher, or a key
            is wrong. A wrong key from the function is found at the first use.
        StoreUnavailable: At the first use, the function raised an error, or did not return before
            the deadline.
    """

    def __init__(
        self,
        provider: KeyProvider,
        *,
        misuse_resistant: bool = True,
        of_environment: bool = False,
    ) -> None:
        try:
            from cryptography.exceptions import InvalidTag  # noqa: PLC0415 (an extra, and slow)
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
        except ImportError:
            raise ConfigurationError(
                "encryption needs the package cryptography, which is not installed",
                hint="Install the extra: pip install 'statebag[encryption]'",
            ) from None
        self._provider: KeyProvider = provider
        self._of_environment = of_environment
        self._number = next(_numbers)
        if not callable(provider):
            self._provider = each_key(provider)
            check_keys(self._provider)
        self._ciphers: dict[int, Callable[[bytes], Any]] = {1: AESGCM}
        self._refused: type[Exception] = InvalidTag
        self._written = 2 if misuse_resistant else 1
        self._keys: dict[bytes, _Key] = {}
        if misuse_resistant:
            self._cipher(2, bytes(KEY_BYTES))

    @property
    def magic(self) -> bytes:
        """The magic of objects that are written now."""
        return MAGICS[self._written]

    def _cipher(self, version: int, key: bytes) -> Any:
        """Return the cipher of a version for a key."""
        if version not in self._ciphers:
            try:
                from cryptography.hazmat.primitives.ciphers import aead  # noqa: PLC0415

                aead.AESGCMSIV(
                    bytes(KEY_BYTES)
                )  # it exists but cannot be used with an older OpenSSL
            except (ImportError, AttributeError, _unsupported()):
                raise ConfigurationError(
                    "the installed package cryptography does not have AES-GCM-SIV",
                    hint="Install its wheel from PyPI, or one built with OpenSSL 3.2 or later; "
                    "Policy(forms=2), STATEBAG_FORMS=2, writes the older form.",
                ) from None
            self._ciphers[version] = aead.AESGCMSIV
        return self._ciphers[version](key)

    def __reduce__(self) -> tuple[Any, ...]:
        provider: Any = self._provider
        if self._of_environment:
            return _from_environment, (first_key_mark(provider), self._written)
        return _restored, (provider, self._written)

    def _known(self) -> dict[bytes, _Key]:
        if not self._keys:
            provider = self._provider
            keys = asked_for(provider) if callable(provider) else each_key(provider)
            check_keys(keys)
            found: dict[bytes, _Key] = {}
            for version in (self._written, 3 - self._written):  # the first one encrypts
                label = b"statebag %d " % version
                for key in map(bytes, keys):
                    name = _derived(key, label + b"id")[:ID_BYTES]
                    found[name] = _Key(
                        version,
                        _derived(key, label + b"encryption"),
                        _derived(key, label + b"nonces"),
                    )
            self._keys = found
        return self._keys

    @property
    def fingerprint(self) -> tuple[str, ...]:
        """Values that identify these keys without revealing them.

        A function is not called for it: two instances with functions may have different keys, so
        they count as different.
        """
        if callable(self._provider):
            return ("encrypted", "by", str(self._number))
        keys = self._known().values()
        return ("encrypted", *(_derived(key.encryption, b"memory").hex() for key in keys))

    @property
    def salt(self) -> bytes:
        """JSON text that differs for each key; it may call the function that returns the keys.

        Every pack contains it, so packs of two keys never have the same name. A pack written with
        one key cannot replace a pack that is read with another key, or without one.
        """
        key = next(iter(self._known().values()))
        return b'"%b"' % _derived(key.encryption, b"salt of packs")[:16].hex().encode()

    def knows(self, block: bytes) -> bool:
        """Return whether a block has the ID of one of the keys."""
        return block[:ID_BYTES] in self._known()

    def all_foreign(self, blocks: bytes) -> bool:
        """Return whether all blocks have another key, and are not damaged blocks of a known key.

        One block of a known key decides, even if damage changed one or two bytes of the key's ID:
        only one in 2**43 pairs of keys has IDs that are so similar by chance.
        """
        for start in range(0, len(blocks), WHOLE_BYTES):
            given = blocks[start : start + ID_BYTES]
            for known in self._known():
                if sum(a != b for a, b in zip(given, known, strict=False)) <= _NEAR:
                    return False
        return True

    def encrypted(self, name: str, data: bytes) -> bytes:
        """Return the encrypted bytes of an object."""
        keys = self._known()
        key_id = next(iter(keys))
        key = keys[key_id]
        place = name.encode()
        cipher = self._cipher(key.version, _derived(key.encryption, place))
        starts = range(0, max(len(data), 1), BLOCK)
        blocks = [MAGICS[key.version]]
        for number, start in enumerate(starts):
            part = data[start : start + BLOCK]
            last = number == len(starts) - 1
            about = key_id + bytes([last]) + len(part).to_bytes(2, "big")
            bound = _bound(key.version, place, number, about)
            padded = part.ljust(BLOCK, b"\0")
            nonce = number.to_bytes(NONCE_BYTES, "big")
            if key.version == 1:
                nonce = hmac.digest(key.nonces, bound + padded, "sha256")[:NONCE_BYTES]
            blocks += (about, nonce, cipher.encrypt(nonce, padded, bound))
        return b"".join(blocks)

    def decrypted(
        self, name: str, first: int, data: bytes, magic: bytes | None = None
    ) -> tuple[bytes, bool]:
        """Return the plain bytes of whole blocks, and whether the last of them ends the object.

        Args:
            name: The object's name.
            first: The number of the first block.
            data: The blocks.
            magic: The object's magic, if it was read: all blocks must have its version.

        Raises:
            BlobCorrupt: A block is damaged, or was written in another place.
        """
        parts: list[bytes] = []
        place = name.encode()
        ciphers: dict[bytes, Any] = {}
        last = False
        for number, start in enumerate(range(0, len(data), WHOLE_BYTES), first):
            block = data[start : start + WHOLE_BYTES]
            about, nonce = block[: ID_BYTES + 3], block[ID_BYTES + 3 : _HEAD_BYTES]
            key = self._known().get(about[:ID_BYTES])
            if last or key is None or len(block) != WHOLE_BYTES:
                raise damaged(name)
            magic = magic or MAGICS[key.version]
            if magic != MAGICS[key.version]:
                raise damaged(name)
            if about[:ID_BYTES] not in ciphers:
                ciphers[about[:ID_BYTES]] = self._cipher(
                    key.version, _derived(key.encryption, place)
                )
            try:
                padded = ciphers[about[:ID_BYTES]].decrypt(
                    nonce, block[_HEAD_BYTES:], _bound(key.version, place, number, about)
                )
            except self._refused:
                raise damaged(name) from None
            parts.append(padded[: int.from_bytes(about[ID_BYTES + 1 :], "big")])
            last = about[ID_BYTES] == 1
        return b"".join(parts), last


def _derived(key: bytes, what: bytes) -> bytes:
    """Return a derived key for one use and one object: HKDF-Expand (RFC 5869) of 32 bytes."""
    return hmac.digest(key, what + b"\x01", hashlib.sha256)


def _restored(provider: KeyProvider, version: int, *, of_environment: bool = False) -> Keys:
    resistant = MAGICS[version] == MAGIC
    return Keys(provider, misuse_resistant=resistant, of_environment=of_environment)


def _from_environment(mark: str, version: int) -> Keys:
    """Restore keys that were pickled in a process whose environment had them."""
    keys = encryption_keys_from_environment()
    check_mark(mark, keys, ENCRYPTION_VARIABLE)
    return _restored(keys, version, of_environment=True)


def _unsupported() -> type[Exception]:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415

    return UnsupportedAlgorithm


def _bound(version: int, place: bytes, number: int, about: bytes) -> bytes:
    magic = MAGICS[version]
    return b"".join([magic, len(place).to_bytes(4, "big"), place, number.to_bytes(8, "big"), about])


def damaged(name: str) -> BlobCorrupt:
    """Return the error for an object whose blocks are not as they were written."""
    return BlobCorrupt("an encrypted object is damaged", object_name=name)
