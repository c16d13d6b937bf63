"""Object storage for a forked process, whose requests another process sends.

The object storage client does not survive a fork (see `native_client`). So the first request of a
forked process starts a fresh Python, which has nothing of the parent's, and speaks with it over
its standard input and output. The other process ends when this one closes its pipe, at the latest
by ending itself.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from statebag import errors
from statebag.store.bounded import remaining_seconds
from statebag.store.companion_messages import Reply, Request
from statebag.store.companion_process import this_companion
from statebag.store.contract import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from statebag.store.companion_process import CompanionProcess

__all__ = ["Companion"]


class Companion:
    """The store at an address, reached through this process's companion.

    Args:
        url: The store's address.
        options: As for `ObjectStorage`.
        variables: The environment's `store_settings` when the store was made.
    """

    def __init__(self, url: str, options: Mapping[str, str], variables: Mapping[str, str]) -> None:
        self._url = url
        self._options = dict(options)
        self._variables = [(os.fsencode(name), os.fsencode(variables[name])) for name in variables]

    @property
    def url(self) -> str:
        """The store's address."""
        return self._url

    def put(self, name: str, data: bytes) -> None:
        """Write a whole object."""
        self._ask("put", name, data=data)

    def get(self, name: str) -> bytes:
        """Return all bytes of an object."""
        return self._ask("get", name).parts[0]

    def get_version(self, name: str) -> tuple[bytes, str]:
        """Return all bytes of an object, and their version."""
        data, version = self._ask("get_version", name).parts
        return data, version.decode()

    def put_if(self, name: str, data: bytes, version: str | None) -> str:
        """Write a whole object, if its version is this one."""
        return self._ask("put_if", name, data=data, version=version).parts[0].decode()

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of each `(offset, length)`."""
        return self._ask("get_ranges", name, spans=list(spans)).parts

    def head(self, name: str) -> ObjectInfo | None:
        """Return the size and time of an object, or None."""
        return next(_infos(self._ask("head", name)), None)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield the objects at and below a prefix, by name."""
        # One process for the whole listing, since only that one knows it.
        process = this_companion()
        answer = self._ask("list", prefix, process=process)
        listing = answer.number
        while answer.infos:
            yield from _infos(answer)
            answer = self._ask("more", prefix, process=process, listing=listing)

    def delete(self, name: str) -> None:
        """Delete an object."""
        self._ask("delete", name)

    def _ask(
        self, method: str, name: str, *, process: CompanionProcess | None = None, **more: Any
    ) -> Reply:
        process = process or this_companion()
        answer = process.ask(
            Request(
                process.next_number(),
                self._url,
                self._options,
                self._variables,
                method,
                name,
                seconds=remaining_seconds(),
                **more,
            )
        )
        if answer.error is not None:
            kind, message, path, object_name, hint = answer.error
            told = getattr(errors, kind)(message, path=path, object_name=object_name, hint=hint)
            if answer.is_busy:
                told.is_busy = True
            raise told
        return answer


def _infos(answer: Reply) -> Iterator[ObjectInfo]:
    for info in answer.infos:
        yield ObjectInfo(info.name, info.size, info.modified)
