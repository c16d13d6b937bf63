"""Assemble the base of a delta whose text this process does not keep.

The digests of its chunks are at hand. A chunk that the new value still has needs no read; the
others are in the cache, or are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import StatebagError
from statebag.opening.known import Bases
from statebag.opening.verified import Listed, Texts, verified

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from statebag.format.paths import Path
    from statebag.format.stub import Blob, Entry
    from statebag.opening.fetch import Fetcher
    from statebag.opening.verified import Verified

__all__ = ["NeedsBase", "ReadBases", "assembled", "lacking", "with_base"]

# Of a value in chunks, the chunks that are read at most to make a delta, as a share of them all, or
# their number if that is more. Chosen: where more changed, hardly any delta is short enough.
_SHARE_READ = 2
_ALWAYS_READ = 2  # chosen: one chunk changes, or two neighbours


class NeedsBase(Exception):  # noqa: N818  # a request to the caller, not a failure
    """A changed value may leave as a delta, once some chunks of its earlier value are read.

    Attributes:
        path: The value's path.
        listed: The earlier value.
        held: The texts of chunks that are at hand, by their digests.
    """

    def __init__(self, path: Path, listed: Listed, held: Mapping[str, bytes]) -> None:
        super().__init__()
        self.path = path
        self.listed = listed
        self.held = held


class ReadBases(Bases):
    """The bases that were read for one seal, by path, followed by those of the process.

    Attributes:
        read: The bases that were read; None for each that cannot be.
    """

    def __init__(self, process: Bases) -> None:
        super().__init__(0)
        self._process = process
        self.read: dict[Path, Verified | None] = {}

    def find(self, scope: str, path: Path) -> Verified | None:
        """Return the base that was read for the field, or that of the process."""
        return self.read.get(path) or self._process.find(scope, path)

    def has_room(self, size: int) -> bool:
        """Return what the process says."""
        return self._process.has_room(size)

    def index(self, scope: str, path: Path) -> Listed | None:
        """Return the listed value of the field, unless its text was asked for."""
        return None if path in self.read else self._process.index(scope, path)

    def pieces(self, scope: str, path: Path) -> tuple[tuple[Entry, ...], bytes]:
        """Return those of the process."""
        return self._process.pieces(scope, path)

    def may_hold(self, size: int) -> bool:
        """Return whether the process may keep a text of this size."""
        return self._process.may_hold(size)

    def same(self, scope: str, path: Path, text: bytes) -> Verified | None:
        """Return that of the process."""
        return self._process.same(scope, path, text)

    def forget_packs(self, packs: Iterable[str]) -> None:
        """Drop the values that were read from any of these packs, here and in the process."""
        gone = frozenset(packs)
        self._process.forget_packs(gone)
        self.forget_read(gone)

    def forget_read(self, packs: Iterable[str]) -> None:
        """Drop the values that were read from any of these packs, here alone."""
        for path, one in self.read.items():
            if one is not None and not one.packs_of_start.isdisjoint(packs):
                self.read[path] = None


def lacking(listed: Listed, held: Mapping[str, bytes], *, every: bool = False) -> list[Blob] | None:
    """Return the chunks that must be read for the text of a value; None if they are too many.

    None is also returned if every chunk is held: then chunks are better than a delta.

    Args:
        listed: The value.
        held: The texts of chunks that are at hand, by their digests.
        every: Whether all chunks may be read.
    """
    wanted = [entry.blob for entry in listed.pieces if entry.sha256 not in held]
    most = max(len(listed.pieces) // _SHARE_READ, _ALWAYS_READ)
    if every:
        most = len(listed.pieces)
    return wanted if 0 < len(wanted) <= most else None


def assembled(listed: Listed, held: Mapping[str, bytes], texts: Texts, path: Path) -> Verified:
    """Return a stored value with its text.

    Args:
        listed: The value.
        held: The texts of chunks that are at hand, by their digests.
        texts: The texts of the other chunks, and of a stored tail.
        path: The value's path, for messages.
    """
    own = [entry.blob for entry in listed.pieces]
    by_blob = {blob: held[blob.sha256] for blob in own if blob.sha256 in held}
    # Packs of index nodes too.
    return verified(listed.stub, Texts({**texts, **by_blob}), listed.pieces, listed.packs, path)


def with_base(bases: Bases, needed: NeedsBase, fetcher: Fetcher) -> ReadBases:
    """Return the bases with the one that is needed, or without it if it cannot be read."""
    found = bases if isinstance(bases, ReadBases) else ReadBases(bases)
    listed, path = needed.listed, needed.path
    tail = listed.stub.simple
    blobs = [*(lacking(listed, needed.held) or ()), *(tail.blobs() if tail is not None else ())]
    found.read[path] = None
    try:
        texts = fetcher.texts(blobs)
        found.read[path] = assembled(listed, needed.held, texts, path)
    except StatebagError:
        return found  # the value is at hand, and leaves without
    return found
