"""A store whose objects are encrypted on this side: whoever keeps them cannot read them.

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

Both have blocks of one length, and each block says its version, so a range of either is read with
one request. Version 2 is written; version 1 where readers of the first release are left, and it is
read for ever. A key has other derived keys in each version.

A block can be read alone, so a range costs the blocks it touches. All blocks are of one length:
the last one needs no request of its own to find its end, and sizes show in steps only.

The name, which begins with the scope, is part of what is authenticated and of each object's own
key: moved elsewhere, an object does not open. Nothing is random: the same object is the same bytes
again, so a retried write changes nothing. AES-GCM-SIV is made for that: where one nonce serves two
different blocks, it shows nothing of either. In version 1 two different blocks share a nonce with a
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
from statebag.format.encryption_keys import KEY_BYTES, check_keys
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

MAGIC = b"SBENC\x02\r\n"
OLDER_MAGIC = b"SBENC\x01\r\n"
_MAGICS = {2: MAGIC, 1: OLDER_MAGIC}
BLOCK = 4096
"""Bytes of an object in one block."""

_VERSION_AT = 5  # in the magic

_NEAR = 2  # bytes
_ID = 8
_NONCE = 12
_HEAD = _ID + 1 + 2 + _NONCE
_TAG = 16
_WHOLE = _HEAD + BLOCK + _TAG


_numbers = count(1)


class _Key(NamedTuple):
    version: int
    encryption: bytes
    nonces: bytes  # for version 1


class Keys:
    """Encrypts and decrypts the blocks of objects.

    Args:
        provider: The keys, or a function that gives them, which is called once, when the first
            object is read or written. The deadline of that read or write bounds it.
        misuse_resistant: Whether to write AES-GCM-SIV, the newer version of the form.
        of_environment: Whether the keys were read from the environment. A pickle does not hold
            such keys; they are read there again.

    Raises:
        ConfigurationError: The package `cryptography` is missing or lacks a cipher that is
            needed, or a key that is given is wrong; one that the function gives: with the first
            use.
        StoreUnavailable: With a use: the function raised an error, or gave nothing before the
            deadline.
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
        """What an object that is written now begins with."""
        return _MAGICS[self._written]

    def _cipher(self, version: int, key: bytes) -> Any:
        """The cipher of a version with a key."""
        if version not in self._ciphers:
            try:
                from cryptography.hazmat.primitives.ciphers import aead  # noqa: PLC0415

                aead.AESGCMSIV(
                    bytes(KEY_BYTES)
                )  # it is there, and not of use, with an older OpenSSL
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
        """What tells these keys from others without giving them away.

        A function is not asked for it: two objects of this class that were given one may have
        different keys, and count as different.
        """
        if callable(self._provider):
            return ("encrypted", "by", str(self._number))
        keys = self._known().values()
        return ("encrypted", *(_derived(key.encryption, b"memory").hex() for key in keys))

    @property
    def salt(self) -> bytes:
        """JSON text that is another for each key; asks for the keys, if not yet.

        It is put into every pack, so that packs of two keys never have one name: one that is
        written with a key replaces none that another key, or no key, must read.
        """
        key = next(iter(self._known().values()))
        return b'"%b"' % _derived(key.encryption, b"salt of packs")[:16].hex().encode()

    def knows(self, block: bytes) -> bool:
        """Whether a block names one of the keys."""
        return block[:_ID] in self._known()

    def all_foreign(self, blocks: bytes) -> bool:
        """Whether an object's blocks are those of another key, and not damaged ones of a known one.

        One block of a known key tells, and so does a key's name with a byte or two changed: of two
        keys by chance only every 2**43rd pair is so near.
        """
        for start in range(0, len(blocks), _WHOLE):
            given = blocks[start : start + _ID]
            for known in self._known():
                if sum(a != b for a, b in zip(given, known, strict=False)) <= _NEAR:
                    return False
        return True

    def encrypted(self, name: str, data: bytes) -> bytes:
        """The bytes to keep for an object."""
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
        """The bytes in whole blocks of an object, and whether the last of them ends it.

        Args:
            name: The object's.
            first: Number of the first block.
            data: The blocks.
            magic: What the object begins with, if it was read: all blocks are of its version.

        Raises:
            BlobCorrupt: A block is not what was written there.
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
    """A store that encrypts every object; it reads older objects that are plain, too.

    What an object holds is proved by whoever reads it (a digest in its name or in a stub), so a
    plain object in the place of an encrypted one gains nobody anything. But whoever keeps the
    objects could read it, so it can be refused.

    Args:
        store: Where the objects go; the answers of one that is not this library's are checked.
        keys: Encrypt and decrypt them.
        required: Whether an object in plain form is refused (`NotPermitted`).
    """

    def __init__(self, store: Store, keys: Keys, *, required: bool = False) -> None:
        self._store = checked(store)
        self._keys = keys
        self.required = required

    def with_required(self) -> EncryptedStore:
        """The same store and keys, with objects in plain form refused."""
        return EncryptedStore(self._store, self._keys, required=True)

    def __repr__(self) -> str:
        return f"EncryptedStore({self._store!r})"

    @property
    def url(self) -> str:
        """As of the inner store."""
        return self._store.url

    @property
    def identity(self) -> Identity:
        """The inner store's, with the keys that its objects are read with."""
        return (*identity_of(self._store), *self._keys.fingerprint, self.required)

    @property
    def salt(self) -> bytes:
        """What makes the packs of these keys others than those of other keys."""
        return self._keys.salt

    @property
    def is_local(self) -> bool:
        """Whether a look-up in the inner store costs next to nothing."""
        return asks_for_nothing(self._store)

    def put(self, name: str, data: bytes) -> None:
        """Write a whole object."""
        self._store.put(name, self._keys.encrypted(name, data))

    def get(self, name: str) -> bytes:
        """All bytes of an object.

        Raises:
            NotPermitted: It is encrypted with a key that is not here.
            BlobCorrupt: It is not what was written.
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
        """All bytes of an object, also of one in plain form where encryption is required."""
        return EncryptedStore(self._store, self._keys).get(name)

    def is_newest(self, name: str) -> bool:
        """Whether an object begins as one that is written now does; one request, a short one."""
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
        """Refuse what a later release encrypted; where a known key follows, it is damage."""
        before, after = MAGIC[:_VERSION_AT], MAGIC[_VERSION_AT + 1 :]
        if (
            not _is_ours(data)
            and data.startswith(before)
            and data[_VERSION_AT + 1 : len(MAGIC)] == after
            and not self._keys.knows(data[len(MAGIC) :])
        ):
            raise UnsupportedFormat(
                "the object is encrypted in a version that this release does not know",
                object_name=name,
                hint="Install a newer statebag here: readers are upgraded first.",
            )

    def head(self, name: str) -> ObjectInfo | None:
        """What is known of an object; its size is that of what is kept."""
        return self._store.head(name)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """All objects at and below a prefix, with the sizes of what is kept."""
        return self._store.list(prefix)

    def delete(self, name: str) -> None:
        """Delete an object."""
        self._store.delete(name)

    def leftovers(self) -> Iterator[ObjectInfo]:
        """The inner store's: what killed writers left."""
        find = getattr(self._store, "leftovers", None)
        return iter(()) if find is None else find()

    def discard(self, name: str) -> None:
        """Remove a file that `leftovers` named."""
        self._store.discard(name)  # type: ignore[attr-defined]

    def versions(self, name: str) -> Iterator[bytes]:
        """Earlier versions of an object that can be decrypted, where the store keeps any."""
        read = getattr(self._store, "versions", None)
        for data in () if read is None else read(name):
            try:
                yield self._opened(name, data)
            except (BlobCorrupt, NotPermitted, UnsupportedFormat):
                continue


def _is_ours(data: bytes) -> bool:
    return data.startswith((MAGIC, OLDER_MAGIC))


def _derived(key: bytes, what: bytes) -> bytes:
    """HKDF-Expand (RFC 5869) of one block: a key of its own for each use and each object."""
    return hmac.digest(key, what + b"\x01", hashlib.sha256)


def _restored(provider: KeyProvider, version: int, *, of_environment: bool = False) -> Keys:
    resistant = _MAGICS[version] == MAGIC
    return Keys(provider, misuse_resistant=resistant, of_environment=of_environment)


def _from_environment(mark: str, version: int) -> Keys:
    """Keys that were pickled where the environment had them."""
    keys = encryption_keys_from_environment()
    check_mark(mark, keys, ENCRYPTION_VARIABLE)
    return _restored(keys, version, of_environment=True)


def _asked_for(provider: Callable[[], Any]) -> tuple[Any, ...]:
    """The keys that a function gives."""

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
        # Neither its text nor the error itself goes on: either may hold a secret.
        raise StoreUnavailable(
            f"the function for encryption keys raised {type(error).__qualname__}",
            hint="The error is the function's own: call it alone to see its message.",
        ) from None


def _each(given: Any) -> tuple[Any, ...]:
    """The keys that were given; one key alone is a common slip, and would be 32 small integers."""
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
    """The first block that a span touches, and the one after its last."""
    first = offset // BLOCK
    return (first, -(-(offset + length) // BLOCK)) if length else (0, 0)


def _damaged(name: str) -> BlobCorrupt:
    return BlobCorrupt("an encrypted object is not what was written", object_name=name)


def _unknown_key(name: str) -> NotPermitted:
    return NotPermitted(
        "an object is encrypted with a key that this reader does not have",
        object_name=name,
        hint="Keep a retired key in STATEBAG_ENCRYPTION_KEYS, behind the one that encrypts.",
    )
