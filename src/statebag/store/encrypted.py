"""Encrypt objects before they reach a store, so that the store's owner cannot read them.

```
8 bytes   magic, with the form's version
then, for each 4,096 bytes of the object:
  8       which key, and in which version
  1       1 in the last block, else 0
  2       bytes of the object in this block, big-endian
  12      nonce
  4,096   those bytes, filled up with zeros and encrypted
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
same nonce, it reveals nothing of either. In version 1, two different blocks share a nonce with a
probability of 2**-96.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from statebag.environment import encryption_keys_from_environment
from statebag.environment_keys import ENCRYPTION_VARIABLE, check_mark, first_key_mark
from statebag.errors import (
    BlobCorrupt,
    ConfigurationError,
    NotPermitted,
    StatebagError,
    StoreUnavailable,
    UnsupportedFormat,
)
from statebag.format.encryption_keys import (
    KEY_BYTES,
    MAGIC,
    OLDER_MAGIC,
    check_keys,
    check_not_encrypted,
    has_newer_magic,
)
from statebag.store.bounded import within_deadline
from statebag.store.checked import checked
from statebag.store.contract import can_delete_if, is_conditional
from statebag.store.identity import asks_for_nothing, identity_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from statebag.store.contract import ObjectInfo, Store
    from statebag.store.identity import Identity

__all__ = ["BLOCK", "EncryptedStore", "KeyProvider", "Keys"]

if TYPE_CHECKING:
    KeyProvider = Sequence[bytes] | Callable[[], Sequence[bytes]]
    """The keys, 32 bytes each, or what gives them: the first encrypts, all decrypt."""
else:
    KeyProvider = object

_MAGICS = {2: MAGIC, 1: OLDER_MAGIC}
BLOCK = 4096
"""Bytes of an object in one block (docs/format.md)."""

# Bytes of an ID that may differ from a known one. Chosen: damage changes few of them, while another
# key has nearly all different.
_NEAR = 2
# Bytes of the parts of a block (docs/format.md).
_ID = 8
_NONCE = 12  # docs/format.md
_HEAD = _ID + 1 + 2 + _NONCE
_TAG = 16  # docs/format.md
_WHOLE = _HEAD + BLOCK + _TAG


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
            is wrong. A wrong key of the function is found at the first use.
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
            self._provider = _each(provider)
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
        return _MAGICS[self._written]

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
            keys = _asked_for(provider) if callable(provider) else _each(provider)
            check_keys(keys)
            found: dict[bytes, _Key] = {}
            for version in (self._written, 3 - self._written):  # the first one encrypts
                label = b"statebag %d " % version
                for key in map(bytes, keys):
                    name = _derived(key, label + b"id")[:_ID]
                    found[name] = _Key(
                        version,
                        _derived(key, label + b"encryption"),
                        _derived(key, label + b"nonces"),
                    )
            self._keys = found
        return self._keys

    @property
    def fingerprint(self) -> tuple[str, ...]:
        """Values that identify these keys and do not reveal them.

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
        return block[:_ID] in self._known()

    def all_foreign(self, blocks: bytes) -> bool:
        """Return whether all blocks have another key, and are not damaged blocks of a known key.

        One block of a known key decides, even if damage changed one or two bytes of the key's ID:
        only one in 2**43 pairs of keys has IDs that are so similar by chance.
        """
        for start in range(0, len(blocks), _WHOLE):
            given = blocks[start : start + _ID]
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
        blocks = [_MAGICS[key.version]]
        for number, start in enumerate(starts):
            part = data[start : start + BLOCK]
            last = number == len(starts) - 1
            about = key_id + bytes([last]) + len(part).to_bytes(2, "big")
            bound = _bound(key.version, place, number, about)
            padded = part.ljust(BLOCK, b"\0")
            nonce = number.to_bytes(_NONCE, "big")
            if key.version == 1:
                nonce = hmac.digest(key.nonces, bound + padded, "sha256")[:_NONCE]
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
            BlobCorrupt: A block is damaged, or was not written there.
        """
        parts: list[bytes] = []
        place = name.encode()
        ciphers: dict[bytes, Any] = {}
        last = False
        for number, start in enumerate(range(0, len(data), _WHOLE), first):
            block = data[start : start + _WHOLE]
            about, nonce = block[: _ID + 3], block[_ID + 3 : _HEAD]
            key = self._known().get(about[:_ID])
            if last or key is None or len(block) != _WHOLE:
                raise _damaged(name)
            magic = magic or _MAGICS[key.version]
            if magic != _MAGICS[key.version]:
                raise _damaged(name)
            if about[:_ID] not in ciphers:
                ciphers[about[:_ID]] = self._cipher(key.version, _derived(key.encryption, place))
            try:
                padded = ciphers[about[:_ID]].decrypt(
                    nonce, block[_HEAD:], _bound(key.version, place, number, about)
                )
            except self._refused:
                raise _damaged(name) from None
            parts.append(padded[: int.from_bytes(about[_ID + 1 :], "big")])
            last = about[_ID] == 1
        return b"".join(parts), last


class EncryptedStore:
    """A store that encrypts every object, and also reads older plain ones.

    Readers check an object by a digest in its name or in a stub, so an attacker gains nothing from
    a plain object in the place of an encrypted one. But the store's owner could read it, so a plain
    object can be refused.

    Args:
        store: The inner store; if it is not this library's, its answers are checked.
        keys: The keys.
        required: Whether plain objects are refused (`NotPermitted`).
    """

    def __init__(self, store: Store, keys: Keys, *, required: bool = False) -> None:
        self._store = checked(store)
        self._keys = keys
        self.required = required

    def with_required(self) -> EncryptedStore:
        """Return a store with the same keys that refuses plain objects."""
        return EncryptedStore(self._store, self._keys, required=True)

    def __repr__(self) -> str:
        return f"EncryptedStore({self._store!r})"

    @property
    def url(self) -> str:
        """The inner store's address."""
        return self._store.url

    @property
    def identity(self) -> Identity:
        """The inner store's identity, with that of the keys."""
        return (*identity_of(self._store), *self._keys.fingerprint, self.required)

    @property
    def salt(self) -> bytes:
        """The salt of the keys (`Keys.salt`)."""
        return self._keys.salt

    @property
    def is_local(self) -> bool:
        """Whether a look-up in the inner store costs next to nothing."""
        return asks_for_nothing(self._store)

    def put(self, name: str, data: bytes) -> None:
        """Write a whole object."""
        self._store.put(name, self._keys.encrypted(name, data))

    def get(self, name: str) -> bytes:
        """Return all bytes of an object.

        Raises:
            NotPermitted: The object is encrypted with a key that this store does not have.
            BlobCorrupt: The object is damaged.
        """
        return self._opened(name, self._store.get(name))

    @property
    def is_conditional(self) -> bool:
        """Whether the inner store is a `ConditionalStore`."""
        return is_conditional(self._store)

    def get_version(self, name: str) -> tuple[bytes, str]:
        """Return all bytes of an object and their version; raise what `get` raises."""
        store: Any = self._store
        data, version = store.get_version(name)
        return self._opened(name, data), version

    def put_if(self, name: str, data: bytes, version: str | None) -> str:
        """Write a whole object if its version is this one."""
        store: Any = self._store
        new: str = store.put_if(name, self._keys.encrypted(name, data), version)
        return new

    @property
    def can_delete_if(self) -> bool:
        """Whether the inner store has `delete_if`."""
        return can_delete_if(self._store)

    def delete_if(self, name: str, version: str) -> None:
        """Delete an object if its version is this one."""
        store: Any = self._store
        store.delete_if(name, version)

    def get_in_any_form(self, name: str) -> bytes:
        """Return all bytes of an object, even of a plain one if encryption is required."""
        return EncryptedStore(self._store, self._keys).get(name)

    def is_newest(self, name: str) -> bool:
        """Return whether an object has the magic of those written now, by one short request."""
        try:
            start = self._store.get_ranges(name, [(0, len(MAGIC))])[0]
        except BlobCorrupt:  # shorter than that
            return False
        return start == self._keys.magic

    def _opened(self, name: str, data: bytes) -> bytes:
        if not _is_ours(data):
            self._check_version(name, data)
            self._check_plain(name)
            return data
        blocks = data[len(MAGIC) :]
        if len(blocks) >= _ID and not self._keys.knows(blocks):
            raise self._unreadable(name, blocks)
        text, whole = self._keys.decrypted(name, 0, blocks, data[: len(MAGIC)])
        if not whole:
            raise _damaged(name)
        return text

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each `(offset, length)`; raise what `get` raises."""
        if any(offset < 0 or length < 0 for offset, length in spans):
            raise _damaged(name)
        wanted = [_blocks_of(offset, length) for offset, length in spans]
        try:
            found = self._store.get_ranges(
                name,
                [(len(MAGIC) + first * _WHOLE, (end - first) * _WHOLE) for first, end in wanted],
            )
            known = all(not data or self._keys.knows(data) for data in found)
        except BlobCorrupt:
            if self._is_encrypted(name):
                raise
            known = False
        if not known:
            if self._is_encrypted(name):
                raise self._unreadable(name, self._store.get(name)[len(MAGIC) :])
            self._check_plain(name)
            return self._store.get_ranges(name, spans)
        answers = []
        for (offset, length), (first, _), data in zip(spans, wanted, found, strict=True):
            text, _ = self._keys.decrypted(name, first, data)
            start = offset - first * BLOCK
            if length and len(text) < start + length:
                raise _damaged(name)
            answers.append(text[start : start + length])
        return answers

    def _unreadable(self, name: str, blocks: bytes) -> BlobCorrupt | NotPermitted:
        return _unknown_key(name) if self._keys.all_foreign(blocks) else _damaged(name)

    def _is_encrypted(self, name: str) -> bool:
        try:
            start = self._store.get_ranges(name, [(0, len(MAGIC) + _ID)])[0]
        except BlobCorrupt:  # shorter than that
            return False
        self._check_version(name, start)
        return _is_ours(start)

    def _check_plain(self, name: str) -> None:
        if self.required:
            raise NotPermitted(
                "the object is not encrypted, and Policy.require_encryption is set",
                object_name=name,
                hint="`statebag repair --encrypt`, with the keys, encrypts what a store holds.",
            )

    def _check_version(self, name: str, data: bytes) -> None:
        """Refuse an object of a later release; if it has blocks of a known key, it is damaged."""
        if has_newer_magic(data) and not self._keys.knows(data[len(MAGIC) :]):
            check_not_encrypted(data, name)

    def head(self, name: str) -> ObjectInfo | None:
        """Return the encrypted size and the time of an object, or None."""
        return self._store.head(name)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield all objects at and below a prefix, with their encrypted sizes."""
        return self._store.list(prefix)

    def delete(self, name: str) -> None:
        """Delete an object."""
        self._store.delete(name)

    def leftovers(self) -> Iterator[ObjectInfo]:
        """Yield what killed writers left in the inner store."""
        find = getattr(self._store, "leftovers", None)
        return iter(()) if find is None else find()

    def discard(self, name: str) -> None:
        """Remove a file that `leftovers` named."""
        self._store.discard(name)  # type: ignore[attr-defined]

    def versions(self, name: str) -> Iterator[bytes]:
        """Yield earlier versions of an object that can be decrypted, if the store keeps any."""
        read = getattr(self._store, "versions", None)
        for data in () if read is None else read(name):
            try:
                yield self._opened(name, data)
            except (BlobCorrupt, NotPermitted, UnsupportedFormat):
                continue


def _is_ours(data: bytes) -> bool:
    return data.startswith((MAGIC, OLDER_MAGIC))


def _derived(key: bytes, what: bytes) -> bytes:
    """Return a derived key for one use and one object: HKDF-Expand (RFC 5869) of 32 bytes."""
    return hmac.digest(key, what + b"\x01", hashlib.sha256)


def _restored(provider: KeyProvider, version: int, *, of_environment: bool = False) -> Keys:
    resistant = _MAGICS[version] == MAGIC
    return Keys(provider, misuse_resistant=resistant, of_environment=of_environment)


def _from_environment(mark: str, version: int) -> Keys:
    """Restore keys that were pickled in a process whose environment had them."""
    keys = encryption_keys_from_environment()
    check_mark(mark, keys, ENCRYPTION_VARIABLE)
    return _restored(keys, version, of_environment=True)


def _asked_for(provider: Callable[[], Any]) -> tuple[Any, ...]:
    """Return the keys that a function returns."""

    def given() -> tuple[Any, ...]:
        answer = provider()
        if hasattr(answer, "__await__"):
            close = getattr(answer, "close", None)
            if close is not None:
                close()
            raise ConfigurationError(
                "the function for encryption keys must return a list, not "
                f"{type(answer).__qualname__}",
                hint="Give a plain function that returns a list of keys, not an async one.",
            )
        return _each(answer)

    try:
        return within_deadline(given, "the function for encryption keys gave none")
    except StatebagError:
        raise
    except Exception as error:  # noqa: BLE001  # it may raise anything
        # Not chained, and without its text: either may have a secret in it.
        raise StoreUnavailable(
            f"the function for encryption keys raised {type(error).__qualname__}",
            hint="The error is the function's own: call it alone to see its message.",
        ) from None


def _each(given: Any) -> tuple[Any, ...]:
    """Return the given keys as a list; refuse a single key, which would be read as 32 integers."""
    if isinstance(given, bytes | bytearray | str) or not isinstance(given, Iterable):
        raise ConfigurationError(
            f"encryption keys must be a list, not {type(given).__qualname__}",
            hint="Give [key], with keys of 32 bytes.",
        )
    return tuple(given)


def _unsupported() -> type[Exception]:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415

    return UnsupportedAlgorithm


def _bound(version: int, place: bytes, number: int, about: bytes) -> bytes:
    magic = _MAGICS[version]
    return b"".join([magic, len(place).to_bytes(4, "big"), place, number.to_bytes(8, "big"), about])


def _blocks_of(offset: int, length: int) -> tuple[int, int]:
    """Return the numbers of the first block of a span, and of the block after its last."""
    first = offset // BLOCK
    return (first, -(-(offset + length) // BLOCK)) if length else (0, 0)


def _damaged(name: str) -> BlobCorrupt:
    return BlobCorrupt("an encrypted object is damaged", object_name=name)


def _unknown_key(name: str) -> NotPermitted:
    error = NotPermitted(
        "an object is encrypted with a key that this reader does not have",
        object_name=name,
        hint="Keep a retired key in STATEBAG_ENCRYPTION_KEYS, behind the one that encrypts.",
    )
    error.is_encrypted = True
    return error
