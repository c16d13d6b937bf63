"""A Storage for Strands Agents: sessions that write what changed, not the whole snapshot.

A snapshot of an agent is JSON. It is sealed, and the bag is stored under the snapshot's key.
"""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

from statebag.async_calls import in_threads
from statebag.default_client import from_environment
from statebag.errors import BlobMissing, StatebagError
from statebag.format import json_text
from statebag.format.names import encode_scope
from statebag.integrations.exact_text import bytes_of, value_of
from statebag.integrations.missing_extra import missing_extra

try:
    from strands.storage import Storage
    from strands.types.exceptions import StorageError
except ModuleNotFoundError as error:
    raise missing_extra("strands", error) from None

if TYPE_CHECKING:
    from statebag.client import Statebag

__all__ = ["StatebagStorage"]

_ROOT = "strands"
_SUFFIX = ".bag"


class StatebagStorage(Storage):  # type: ignore[type-arg, unused-ignore]  # queries are prefixes
    """Keeps the values of a Strands `SnapshotSessionManager`, or of any user of a Storage.

    If two writers write one key, the last one wins, as with any Storage. Objects that only an
    overwritten value needed stay in the store until `delete` has removed all keys of its folder.

    Args:
        sb: The client; by default that of the environment.
    """

    def __init__(self, sb: Statebag | None = None) -> None:
        self._sb = (from_environment() if sb is None else sb).with_values(None)

    async def write(self, key: str, data: bytes) -> None:
        """Store the bytes of a key, durably when this returns.

        Raises:
            StorageError: The key is not a path of names, or the store refused or did not answer.
        """
        await self._do("write", self._write, key, data)

    async def read(self, key: str) -> bytes | None:
        """Return the bytes of a key; None if it was not written.

        Raises:
            StorageError: The store did not answer, or an object is gone or damaged.
        """
        found: bytes | None = await self._do("read", self._read, key)
        return found

    async def delete(self, key: str) -> None:
        """Delete a key, if it is there, and the objects of its folder with its last key.

        No other process may write below the folder at that time.

        Raises:
            StorageError: As for `write`.
        """
        await self._do("delete", self._delete, key)

    async def list(self, query: str = "") -> builtins.list[str]:
        """Return the keys that begin with a text, sorted.

        Raises:
            StorageError: As for `write`.
        """
        keys: builtins.list[str] = await self._do("list", self._list, query)
        return keys

    @staticmethod
    async def _do(verb: str, work: Any, *arguments: Any) -> Any:
        try:
            return await in_threads(work, *arguments)
        except StatebagError as error:
            raise StorageError(f"{verb} failed: {type(error).__name__}: {error}") from error

    def _write(self, key: str, data: bytes) -> None:
        scope, name = _place(key)
        bag = self._sb.seal(value_of(bytes(data)), scope=scope)
        self._sb.store.put(name, json_text.encode(bag))

    def _read(self, key: str) -> bytes | None:
        scope, name = _place(key)
        try:
            text = self._sb.store.get(name)
        except BlobMissing:
            return None
        return bytes_of(self._sb.open(text, scope=scope, embedded=False))

    def _delete(self, key: str) -> None:
        scope, name = _place(key)
        self._sb.store.delete(name)
        infos = builtins.list(self._sb.store.list(encode_scope(scope)))
        # Keys in folders below may refer to objects of this one.
        if not any(info.name.endswith(_SUFFIX) for info in infos):
            self._sb.delete_objects(info.name for info in infos)

    def _list(self, query: str) -> builtins.list[str]:
        from urllib.parse import unquote  # noqa: PLC0415  # slow to load

        found = []
        for info in self._sb.store.list(_ROOT):
            if info.name.endswith(_SUFFIX):
                key = unquote(info.name[len(_ROOT) + 1 : -len(_SUFFIX)])
                if key.startswith(query.lstrip("/")):
                    found.append(key)
        return sorted(found)


def _place(key: str) -> tuple[str, str]:
    """Return the scope and the object's name of a key; the scope is the key's folder.

    Raises:
        InvalidState: The key has a part that is empty, `.`, `..` or not printable.
    """
    path = "/".join((_ROOT, *filter(None, key.split("/"))))
    return path.rpartition("/")[0], encode_scope(path) + _SUFFIX
