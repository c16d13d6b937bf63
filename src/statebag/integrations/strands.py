"""A Storage for Strands Agents: sessions that write what changed, not the whole snapshot.

A snapshot of an agent is JSON. It is sealed, and its bag is attached to a head, under its key. So a
collector knows what each key needs, and deletes objects that only overwritten values needed.
"""

from __future__ import annotations

import builtins
import copy
from hashlib import sha256
from typing import Any, Self
from urllib.parse import quote, unquote

from statebag.async_calls import in_threads
from statebag.client import Statebag
from statebag.default_client import from_environment
from statebag.errors import Conflict, InvalidState, StatebagError
from statebag.format.head_names import parse_head_object, scope_folder
from statebag.format.names import encode_scope
from statebag.integrations.exact_text import bytes_of, value_of
from statebag.integrations.missing_extra import missing_extra
from statebag.integrations.other_writers import write_after_others
from statebag.versions.head import Head
from statebag.versions.version import Version

try:
    from strands.storage import Storage, storage
    from strands.types.exceptions import StorageError
except ModuleNotFoundError as error:
    raise missing_extra("strands", error) from None

__all__ = ["StatebagStorage"]

_ROOT = "strands"
_FOLDERS = 2  # of a key that name its scope: `session/<id>`. Chosen: as the SDK writes its keys
_KEYS = "keys"  # the name of a scope's head, and the label of its only version
_LONGEST = 200  # bytes of a key in an object's name; a longer one is replaced. Chosen: < NAME_MAX


class StatebagStorage(Storage):  # type: ignore[type-arg, unused-ignore]  # queries are prefixes
    """Keeps the values of a Strands `SnapshotSessionManager`, or of any user of a Storage.

    If two writers write one key, the last one wins, as with any Storage. `statebag gc` deletes the
    objects that only overwritten and deleted values needed.

    Args:
        sb: The client; by default that of the environment. Its store needs conditional writes.

    Raises:
        ConfigurationError: The store has no conditional writes.
    """

    def __init__(self, sb: Statebag | None = None) -> None:
        self._sb = (from_environment() if sb is None else sb).with_values(None)
        self._sb.heads(_ROOT)  # refuses a store that cannot have heads
        self._prefix = ""
        self._begun: set[str] = set()  # scopes whose head exists

    async def write(self, key: str, data: bytes) -> None:
        """Store the bytes of a key, durably when this returns.

        Raises:
            StorageError: The key is not a path of names, or the store refused or did not answer.
        """
        await self._do("write", self._write, key, bytes(data))

    async def read(self, key: str) -> bytes | None:
        """Return the bytes of a key; None if it was not written.

        Raises:
            StorageError: The store did not answer, or an object is gone or damaged.
        """
        found: bytes | None = await self._do("read", self._read, key)
        return found

    async def delete(self, key: str) -> None:
        """Delete a key, if it is there. `statebag gc` deletes its objects.

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

    def namespace(self, prefix: str) -> Self:
        """Return this storage for the keys below a prefix; callers then leave the prefix out."""
        other = copy.copy(self)
        other._prefix = "/".join(filter(None, [self._prefix, *prefix.split("/")]))  # noqa: SLF001
        # The SDK adds no prefix of its own to a storage that is marked as its own storages are.
        other._namespaced = getattr(storage, "_NAMESPACED", None)  # noqa: SLF001 (its own)
        return other

    @staticmethod
    async def _do(verb: str, work: Any, *arguments: Any) -> Any:
        try:
            return await in_threads(work, *arguments)
        except StatebagError as error:
            raise StorageError(f"{verb} failed: {type(error).__name__}: {error}") from error

    def _write(self, key: str, data: bytes) -> None:
        head, name, rest = self._place(key)
        self._begin(head)
        value, attached = value_of(data), head.attached

        def write(present: Version | None, heal: bool) -> Version:
            bag = head.seal(value, present, heal=heal)
            return attached.put(_KEYS, name, bag, {"key": rest}, replaces=present)

        def look() -> Version | None:
            return attached.get(_KEYS, name)

        write_after_others(write, look(), look, "key")

    def _begin(self, head: Head) -> None:
        """Create the head to whose version the keys of a scope are attached.

        It is never deleted: another process may be about to attach a key.
        """
        if head.scope in self._begun:
            return
        if head.read() is None:
            try:
                head.advance(head.seal({}), None, label=_KEYS)
            except Conflict:
                if head.read() is None:
                    raise
        self._begun.add(head.scope)

    def _read(self, key: str) -> bytes | None:
        head, name, _ = self._place(key)
        found = head.attached.get(_KEYS, name)
        return None if found is None else bytes_of(head.open(found))

    def _delete(self, key: str) -> None:
        head, name, _ = self._place(key)
        head.attached.delete(_KEYS, name)

    def _list(self, query: str) -> builtins.list[str]:
        query = query.lstrip("/")
        below = f"{self._prefix}/{query}" if self._prefix else query
        folders = [_ROOT, *filter(None, below.split("/")[:-1])][: _FOLDERS + 1]
        found = []
        for info in self._sb.store.list(scope_folder(encode_scope("/".join(folders)))):
            one = parse_head_object(info.name)
            if one is None or one.kind != "attached" or unquote(one.name) != _KEYS:
                continue
            scope, name = unquote(one.scope), unquote(one.key)
            rest = unquote(name)
            if name.startswith("~"):
                whole = self._sb.heads(scope).head(_KEYS).attached.get(_KEYS, name)
                if whole is None:  # deleted since it was listed
                    continue
                rest = whole.note["key"]
            key = "/".join([*scope.split("/")[1:], rest])
            if key.startswith(below):
                found.append(key.removeprefix(f"{self._prefix}/" if self._prefix else ""))
        return sorted(found)

    def _place(self, key: str) -> tuple[Head, str, str]:
        """Return the head of a key, its name there, and its path below the head's scope.

        Raises:
            InvalidState: The key has a part that is empty, `.`, `..` or not printable.
        """
        parts = [*filter(None, [*self._prefix.split("/"), *key.split("/")])]
        if not any(filter(None, key.split("/"))):
            raise InvalidState("the key is empty", hint="Give it a name, such as 'state.json'.")
        encode_scope("/".join(parts))
        folders, rest = parts[:-1][:_FOLDERS], "/".join(parts[len(parts[:-1][:_FOLDERS]) :])
        name = rest.replace("%", "%25").replace("/", "%2F").replace("~", "%7E")
        if len(quote(name)) > _LONGEST:
            name = f"~{sha256(rest.encode()).hexdigest()}"
        return self._sb.heads("/".join([_ROOT, *folders])).head(_KEYS), name, rest
