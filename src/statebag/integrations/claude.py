"""A SessionStore for the Claude Agent SDK: an append writes the appended entries, compressed.

Each append is a separate object, a segment, named by its time. Eight segments of one size are
merged into one of the next size, so an entry is written once for each power of eight that the
session grows to. A merged segment keeps the entries by the names of the segments that they came
from. So two processes that merge at once, or a merge that was cut off, neither lose nor double an
entry.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import uuid4

import msgspec

from statebag.async_calls import in_threads
from statebag.client import Statebag
from statebag.default_client import from_environment
from statebag.errors import BlobMissing, InvalidState, StatebagError
from statebag.format import json_text
from statebag.format.names import encode_scope
from statebag.integrations.missing_extra import missing_extra
from statebag.process.forking import fork_safe_lock
from statebag.store.contract import ObjectInfo

try:
    from claude_agent_sdk import (
        SessionKey,
        SessionListSubkeysKey,
        SessionStore,
        SessionStoreEntry,
        SessionStoreListEntry,
        SessionSummaryEntry,
        fold_session_summary,
    )
except ModuleNotFoundError as error:
    raise missing_extra("claude", error) from None

__all__ = ["StatebagSessionStore"]

_LOG = logging.getLogger("statebag")
_ROOT = "claude"
_MAIN, _SUB = "main", "sub"
_SUFFIX = ".bag"
# Chosen: a load of 4,096 appends reads at most 28 segments, and an entry is written 5 times at
# most, each time with more around it that it compresses with.
_FAN = 8
# Bytes. Chosen: above it, text shrinks by more than its stub adds.
_FIELD = 600
_TRIES = 5  # Chosen: reads of a session while other processes merge it


class StatebagSessionStore(SessionStore):
    """Keep copies of the transcripts of sessions.

    Any number of processes may append to a session. When a session is loaded, entries whose `uuid`
    occurred before are left out.

    Args:
        sb: The client; by default that of the environment.
    """

    def __init__(self, sb: Statebag | None = None) -> None:
        sb = (from_environment() if sb is None else sb).with_values(None)
        sb.policy = msgspec.structs.replace(sb.policy, field_limit=_FIELD)
        self._sb = sb
        self._lock = fork_safe_lock()
        self._clock = 0
        self._numbers = count()
        self._writer = (0, "")
        # The segments of each folder, as far as this process knows, by the time of the first entry.
        self._known: dict[str, list[str]] = {}

    async def append(self, key: SessionKey, entries: list[SessionStoreEntry]) -> None:
        """Append entries, durably when this returns.

        Raises:
            InvalidState: An entry is not JSON, or the key is not made of names.
            StoreUnavailable: The store did not answer. Call it again.
        """
        if entries:
            name = self._next_name()  # now, since calls may overtake each other in the threads
            await in_threads(self._append, _folder(key), name, entries)

    async def load(self, key: SessionKey) -> list[SessionStoreEntry] | None:
        """Return the entries of a session in the order of their appends; None if it has none.

        Raises:
            StatebagError: The store did not answer, or an object is gone or damaged.
        """
        return await in_threads(self._load, _folder(key))

    async def list_sessions(self, project_key: str) -> list[SessionStoreListEntry]:
        """Return the sessions of a project, with the times of their last appends."""
        return await in_threads(self._sessions, project_key)

    async def list_session_summaries(self, project_key: str) -> list[SessionSummaryEntry]:
        """Return the summary of each session of a project, computed from its entries."""
        summaries = []
        for one in await self.list_sessions(project_key):
            key: SessionKey = {"project_key": project_key, "session_id": one["session_id"]}
            entries = await self.load(key)
            if entries:
                summaries.append(
                    {**fold_session_summary(None, key, entries), "mtime": one["mtime"]}
                )
        return summaries

    async def delete(self, key: SessionKey) -> None:
        """Delete a session with its subagents' transcripts, or one of these.

        No other process may append to it at that time.
        """
        await in_threads(self._delete, key)

    async def list_subkeys(self, key: SessionListSubkeysKey) -> list[str]:
        """Return the subpaths of a session, sorted."""
        return await in_threads(self._subkeys, key)

    def _next_name(self) -> str:
        with self._lock:
            if self._writer[0] != os.getpid():  # a forked child is another writer
                self._writer = os.getpid(), uuid4().hex[:12]
            self._clock = max(self._clock, time.time_ns() // 1_000_000)
            return f"{self._clock:013d}-{next(self._numbers):09d}-{self._writer[1]}"

    def _append(self, folder: str, source: str, entries: list[Any]) -> None:
        with self._lock:
            known = self._known.get(folder)
        if known is None:
            known = [name for name, _ in self._segments(folder)]
            with self._lock:
                known = self._known.setdefault(folder, known)
        name = self._put(folder, {source: entries})
        with self._lock:
            known.append(name)
        try:
            self._merge(folder, known)
        except StatebagError as error:
            # The entries are stored. If the append failed now, it would be repeated.
            _LOG.warning("segments of a session were not merged: %s", type(error).__name__)
            with self._lock:  # the next append looks again which there are
                self._known.pop(folder, None)

    def _merge(self, folder: str, known: list[str]) -> None:
        """Merge segments of one size while there are enough of them."""
        while True:
            with self._lock:
                sizes = [_size(name) for name in known]
                full = [size for size in sorted(set(sizes)) if sizes.count(size) >= _FAN]
                if not full:
                    return
                taken = [name for name in known if _size(name) == full[0]][:_FAN]
                # Removed before the merge, so that another thread takes others.
                known[:] = [name for name in known if name not in taken]
            sources: dict[str, list[Any]] = {}
            read = []
            for name in taken:
                try:
                    sources.update(self._read(folder, name))
                except BlobMissing:  # another process has merged it
                    continue
                read.append(name)
            if len(read) > 1:
                merged = self._put(folder, sources)
                for name in read:
                    self._sb.store.delete(name)
                read = [merged]
            with self._lock:
                known.extend(read)
            if len(read) != 1:
                return

    def _put(self, folder: str, sources: dict[str, list[Any]]) -> str:
        first = min(sources)
        bag = self._sb.seal({"sources": sources}, scope=folder)
        name = f"{encode_scope(folder)}/{first}-{len(sources)}-{uuid4().hex[:8]}{_SUFFIX}"
        self._sb.store.put(name, json_text.encode(bag))
        return name

    def _read(self, folder: str, name: str) -> dict[str, list[Any]]:
        found = self._sb.open(self._sb.store.get(name), scope=folder, embedded=False)
        sources: dict[str, list[Any]] = found["sources"]
        return sources

    def _load(self, folder: str) -> list[Any] | None:
        for left in reversed(range(_TRIES)):
            names = [name for name, _ in self._segments(folder)]
            sources: dict[str, list[Any]] = {}
            try:
                for name in names:
                    sources.update(self._read(folder, name))
            except BlobMissing:  # merged after the list was made
                if not left:
                    raise
                continue
            break
        entries = []
        seen = set()
        for source in sorted(sources):
            for entry in sources[source]:
                identity = entry.get("uuid")
                if identity is None or identity not in seen:
                    seen.add(identity)
                    entries.append(entry)
        return entries if sources else None

    def _listed(self, prefix: str) -> Iterator[ObjectInfo]:
        """Iterate the objects whose names begin with a folder's name and a slash."""
        for info in self._sb.store.list(prefix.rstrip("/")):
            if info.name.startswith(prefix):
                yield info

    def _segments(self, folder: str) -> Iterator[tuple[str, int]]:
        """Iterate the names of a folder's segments, with the times when they were written."""
        prefix = f"{encode_scope(folder)}/"
        for info in self._listed(prefix):
            if info.name.endswith(_SUFFIX) and "/" not in info.name[len(prefix) :]:
                yield info.name, int(info.modified.timestamp() * 1000)

    def _sessions(self, project_key: str) -> list[Any]:
        from urllib.parse import unquote  # noqa: PLC0415  # slow to load

        prefix = encode_scope(f"{_ROOT}/{_name(project_key)}") + "/"
        times: dict[str, int] = {}
        for info in self._listed(prefix):
            session, _, rest = info.name[len(prefix) :].partition("/")
            folder, _, file = rest.partition("/")
            if folder == _MAIN and file.endswith(_SUFFIX):
                modified = int(info.modified.timestamp() * 1000)
                times[session] = max(times.get(session, 0), modified)
        return [{"session_id": unquote(name), "mtime": at} for name, at in times.items()]

    def _subkeys(self, key: SessionListSubkeysKey) -> list[str]:
        from urllib.parse import unquote  # noqa: PLC0415  # slow to load

        prefix = encode_scope(f"{_session(key)}/{_SUB}") + "/"
        folders = {
            info.name[len(prefix) :].rpartition("/")[0]
            for info in self._listed(prefix)
            if info.name.endswith(_SUFFIX)
        }
        return sorted(map(unquote, folders))

    def _delete(self, key: SessionKey) -> None:
        subpath = key.get("subpath")
        folder = _session(key) if subpath is None else _folder(key)
        prefix = encode_scope(folder) + "/"
        names = [info.name for info in self._listed(prefix)]
        if subpath is not None:
            names = [name for name in names if "/" not in name[len(prefix) :]]
        # Segments first: what they need exists as long as they do.
        self._sb.delete_objects(sorted(names, key=lambda name: not name.endswith(_SUFFIX)))
        with self._lock:
            for one in list(self._known):
                if one == folder or (subpath is None and one.startswith(f"{folder}/")):
                    del self._known[one]


def _size(name: str) -> int:
    """Return how many appends a segment holds, as its name says, rounded down to a power of 8."""
    appends = int(name.split("-")[-2])
    size = 1
    while size * _FAN <= appends:
        size *= _FAN
    return size


def _name(text: str) -> str:
    """Return a name that is one part of a scope."""
    if not isinstance(text, str) or "/" in text:
        raise InvalidState(
            f"a project or session must be a name without a slash, not {type(text).__qualname__}",
            hint="Pass what project_key_for_directory returns, and the session's ID.",
        )
    return text


def _session(key: Any) -> str:
    return f"{_ROOT}/{_name(key['project_key'])}/{_name(key['session_id'])}"


def _folder(key: Any) -> str:
    """Return the scope of a transcript."""
    subpath = key.get("subpath")
    return f"{_session(key)}/{_MAIN}" if subpath is None else f"{_session(key)}/{_SUB}/{subpath}"
