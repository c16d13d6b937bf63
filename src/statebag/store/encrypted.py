"""Encrypt objects before they reach a store, so that the store's owner cannot read them.

`block_cipher` says how an object is encrypted. Its blocks can be read alone, so a range costs only
the blocks that it touches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import BlobCorrupt, NotPermitted, UnsupportedFormat
from statebag.format.encryption_keys import (
    MAGIC,
    OLDER_MAGIC,
    check_not_encrypted,
    has_newer_magic,
)
from statebag.store.block_cipher import BLOCK, ID_BYTES, WHOLE_BYTES, Keys, damaged
from statebag.store.checked import checked
from statebag.store.contract import can_delete_if, is_conditional
from statebag.store.given_keys import KeyProvider
from statebag.store.identity import asks_for_nothing, identity_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from statebag.store.contract import ObjectInfo, Store
    from statebag.store.identity import Identity

__all__ = ["BLOCK", "EncryptedStore", "KeyProvider", "Keys"]


class EncryptedStore:
    """A store that encrypts every object, and also reads older plain ones.

    Readers check an object by a digest in its name or in a stub, so an attacker gains nothing by
    replacing an encrypted object with a plain one. But the store's owner could read a plain object,
    so these can be refused.

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
        """Return, by one short request, whether an object has the magic of those written now."""
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
        if len(blocks) >= ID_BYTES and not self._keys.knows(blocks):
            raise self._unreadable(name, blocks)
        text, whole = self._keys.decrypted(name, 0, blocks, data[: len(MAGIC)])
        if not whole:
            raise damaged(name)
        return text

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each `(offset, length)`; raise what `get` raises."""
        if any(offset < 0 or length < 0 for offset, length in spans):
            raise damaged(name)
        wanted = [_blocks_of(offset, length) for offset, length in spans]
        try:
            found = self._store.get_ranges(
                name,
                [
                    (len(MAGIC) + first * WHOLE_BYTES, (end - first) * WHOLE_BYTES)
                    for first, end in wanted
                ],
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
                raise damaged(name)
            answers.append(text[start : start + length])
        return answers

    def _unreadable(self, name: str, blocks: bytes) -> BlobCorrupt | NotPermitted:
        return _unknown_key(name) if self._keys.all_foreign(blocks) else damaged(name)

    def _is_encrypted(self, name: str) -> bool:
        try:
            start = self._store.get_ranges(name, [(0, len(MAGIC) + ID_BYTES)])[0]
        except BlobCorrupt:  # shorter than that
            return False
        self._check_version(name, start)
        return _is_ours(start)

    def _check_plain(self, name: str) -> None:
        if self.required:
            raise NotPermitted(
                "the object is not encrypted, and Policy.require_encryption is set",
                object_name=name,
                hint="`statebag repair --encrypt`, with the keys, encrypts the objects in a store.",
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


def _blocks_of(offset: int, length: int) -> tuple[int, int]:
    """Return the numbers of the first block of a span, and of the block after its last."""
    first = offset // BLOCK
    return (first, -(-(offset + length) // BLOCK)) if length else (0, 0)


def _unknown_key(name: str) -> NotPermitted:
    error = NotPermitted(
        "an object is encrypted with a key that this reader does not have",
        object_name=name,
        hint="Keep a retired key in STATEBAG_ENCRYPTION_KEYS, after the one that encrypts.",
    )
    error.is_encrypted = True
    return error
