"""The calls of heads for coroutines: the same work, in separate threads.

Each call has the arguments, the result and the errors of the one without the `a`. They do not hold
the event loop, and can be mixed with the blocking calls. If a coroutine is cancelled, a call that
has begun goes on to its end: after a cancelled `aadvance`, read the head.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from statebag.async_calls import in_threads
from statebag.versions.dropping import VersionName
from statebag.versions.version import Version

if TYPE_CHECKING:
    from statebag.versions.head import Head
    from statebag.versions.heads import Heads
else:  # tools that evaluate annotations find the names
    Head = Heads = Any

__all__ = ["AttachedCoroutines", "HeadCoroutines", "HeadsCoroutines"]


class _Head(Protocol):
    """The calls of `Head` that block."""

    def read(self) -> Version | None: ...

    def seal(self, state: Any, after: Version | None = None, *, heal: bool = False) -> Any: ...

    def open(
        self, version: Version, only: Iterable[str | Sequence[str | int]] | None = None
    ) -> Any: ...

    def advance(
        self, bag: Any, expected: Version | None, *, label: str = "", note: Any = None
    ) -> Version: ...

    def versions(self) -> list[VersionName]: ...

    def find(self, label: str) -> Version | None: ...

    def history(
        self, limit: int | None = None, wanted: Callable[[VersionName], bool] | None = None
    ) -> Iterator[Version]: ...

    def fork(
        self,
        target: Head,
        at: Version | None = None,
        *,
        whole: bool = False,
        note: Callable[[Any], Any] | None = None,
    ) -> Version: ...

    def drop(self, numbers: Iterable[int]) -> None: ...

    def retain(self, keep: int | None = None, younger: timedelta | None = None) -> list[int]: ...

    def delete(self, expected: Version | None = None) -> None: ...


class HeadCoroutines:
    """The calls of a head as coroutines."""

    async def aread(self: _Head) -> Version | None:
        """Return the newest version, as `read`."""
        return await in_threads(self.read)

    async def aseal(
        self: _Head, state: Any, after: Version | None = None, *, heal: bool = False
    ) -> Any:
        """Return the bag of a state for the next version, as `seal`."""
        return await in_threads(self.seal, state, after, heal=heal)

    async def aopen(
        self: _Head, version: Version, only: Iterable[str | Sequence[str | int]] | None = None
    ) -> Any:
        """Return the state of a version, as `open`."""
        return await in_threads(self.open, version, only)

    async def aadvance(
        self: _Head, bag: Any, expected: Version | None, *, label: str = "", note: Any = None
    ) -> Version:
        """Make a bag the newest version, as `advance`."""
        return await in_threads(self.advance, bag, expected, label=label, note=note)

    async def aversions(self: _Head) -> list[VersionName]:
        """Return all versions without their bags, as `versions`."""
        return await in_threads(self.versions)

    async def afind(self: _Head, label: str) -> Version | None:
        """Return the newest version of a label, as `find`."""
        return await in_threads(self.find, label)

    async def ahistory(
        self: _Head,
        limit: int | None = None,
        wanted: Callable[[VersionName], bool] | None = None,
    ) -> AsyncIterator[Version]:
        """Iterate the versions, the newest first, as `history`."""
        found = self.history(limit, wanted)
        while (one := await in_threads(next, found, None)) is not None:
            yield one

    async def afork(
        self: _Head,
        target: Head,
        at: Version | None = None,
        *,
        whole: bool = False,
        note: Callable[[Any], Any] | None = None,
    ) -> Version:
        """Begin another head with a version of this one, as `fork`."""
        return await in_threads(self.fork, target, at, whole=whole, note=note)

    async def adrop(self: _Head, numbers: Iterable[int]) -> None:
        """Delete some versions, as `drop`."""
        await in_threads(self.drop, numbers)

    async def aretain(
        self: _Head, keep: int | None = None, younger: timedelta | None = None
    ) -> list[int]:
        """Delete versions by number and age, as `retain`."""
        return await in_threads(self.retain, keep, younger)

    async def adelete(self: _Head, expected: Version | None = None) -> None:
        """Delete the head with all its versions, as `delete`."""
        await in_threads(self.delete, expected)


class _Heads(Protocol):
    """The calls of `Heads` that block."""

    def names(self) -> list[str]: ...

    def below(self) -> list[Head]: ...

    def delete(self) -> None: ...

    def copy(self, scope: str, note: Callable[[Any], Any] | None = None) -> Heads: ...


class HeadsCoroutines:
    """The calls of the heads of a scope as coroutines."""

    async def anames(self: _Heads) -> list[str]:
        """Return the names of the heads in this scope, as `names`."""
        return await in_threads(self.names)

    async def abelow(self: _Heads) -> list[Head]:
        """Return the heads in this scope and in the scopes below it, as `below`."""
        return await in_threads(self.below)

    async def adelete(self: _Heads) -> None:
        """Delete all heads in this scope, as `delete`."""
        await in_threads(self.delete)

    async def acopy(self: _Heads, scope: str, note: Callable[[Any], Any] | None = None) -> Heads:
        """Copy all heads into another scope, as `copy`."""
        return await in_threads(self.copy, scope, note)


class _Attached(Protocol):
    """The calls of `Attached` that block."""

    def put(
        self, label: str, key: str, bag: Any, note: Any = None, *, replaces: Version | None = None
    ) -> Version: ...

    def get(self, label: str, key: str) -> Version | None: ...

    def delete(self, label: str, key: str) -> None: ...

    def all(self, label: str) -> dict[str, Version]: ...

    def several(self, labels: Iterable[str]) -> dict[str, dict[str, Version]]: ...

    def keys(self, label: str) -> list[str]: ...


class AttachedCoroutines:
    """The calls of what is attached to versions as coroutines."""

    async def aput(
        self: _Attached,
        label: str,
        key: str,
        bag: Any,
        note: Any = None,
        *,
        replaces: Version | None = None,
    ) -> Version:
        """Attach a bag to the version of a label, as `put`."""
        return await in_threads(self.put, label, key, bag, note, replaces=replaces)

    async def aget(self: _Attached, label: str, key: str) -> Version | None:
        """Return the attachment under a key, as `get`."""
        return await in_threads(self.get, label, key)

    async def adelete(self: _Attached, label: str, key: str) -> None:
        """Delete the attachment under a key, as `delete`."""
        await in_threads(self.delete, label, key)

    async def aall(self: _Attached, label: str) -> dict[str, Version]:
        """Return all attachments to the version of a label, as `all`."""
        return await in_threads(self.all, label)

    async def aseveral(self: _Attached, labels: Iterable[str]) -> dict[str, dict[str, Version]]:
        """Return all attachments to the versions of several labels, as `several`."""
        return await in_threads(self.several, labels)

    async def akeys(self: _Attached, label: str) -> list[str]:
        """Return the keys of all attachments to the version of a label, as `keys`."""
        return await in_threads(self.keys, label)
