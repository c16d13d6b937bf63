"""Use the stored values of a parent bag that this process has not opened.

The index of the parent has the digest and place of each stored text. So a seal refers to values
that did not change. Of a changed value it reads only the stored chunks that the new value no longer
has, as the base of a delta. The index is trusted like a value that passes through unopened: for one
seal, and no process remembers it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import StatebagError
from statebag.format.names import is_scope_at_or_above, scope_of
from statebag.opening.known import Known, ends_alike
from statebag.opening.verified import Listed
from statebag.sealing.cutting import texts_at_hand
from statebag.sealing.lacking import ReadBases, assembled, lacking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from statebag.format.paths import Path
    from statebag.format.stub import Blob, Entry, Whole
    from statebag.opening.fetch import Fetcher
    from statebag.opening.known import Bases, Remembered
    from statebag.opening.opener import Indexed, Opener
    from statebag.sealing.leaving import Leaving, Single

__all__ = ["Parent"]


class Parent:
    """The index of a parent bag, in addition to the memory of the process.

    Args:
        bag: The parent.
        scope: The encoded scope of the seal.
        opener: Reads index nodes; it must remember what it reads in `known`.
        known: What the process remembers.
        bases: The same.

    Attributes:
        known: With what the parent names.
        bases: With the bases that were read from the parent.
    """

    def __init__(
        self,
        bag: Any,
        scope: str,
        opener: Callable[[Known], Opener],
        known: Known,
        bases: Bases,
    ) -> None:
        self.known = _KnownToo(known)
        self.bases = ReadBases(bases)
        self._indexed: dict[Path, Indexed] = {}
        self._wanted: dict[Path, tuple[Indexed, dict[str, bytes], list[Blob]]] = {}
        try:
            found = opener(self.known).indexes(
                bag, lambda path, stub: self._is_new(scope, path, stub)
            )
        except StatebagError:
            return  # its values are at hand: they are written as if it had not been given
        for one in found:
            if all(is_scope_at_or_above(scope_of(name), scope) for name in one.packs):
                self._add(one)

    @property
    def is_new(self) -> bool:
        """Whether it leads to anything that the process does not remember."""
        return bool(self._indexed)

    def _is_new(self, scope: str, path: Path, stub: Whole) -> bool:
        """Return whether a stub leads to the store, and the process does not remember its value."""
        if not stub.in_store:
            return False
        read = self.bases.find(scope, path)
        return read is None or read.stub != stub.read

    def _add(self, one: Indexed) -> None:
        blobs = [entry.blob for entry in one.entries] + one.stub.blobs()
        self.known.add_blobs([blob for blob in blobs if blob not in _nodes(one)])
        if one.stub.digest is not None:
            self.known.add_named(one.stub, one.packs)
        self._indexed[one.path] = one

    def looks_for_base(self, single: Single, leaving: Leaving) -> None:
        """Note what has to be read so that a changed value can leave as a delta.

        Args:
            single: The value.
            leaving: The form in which it would leave without.
        """
        path = single.path
        one = None if path in self._wanted else self._field(path)
        if one is None:
            return
        held = texts_at_hand((*leaving.pieces, *leaving.newest))
        wanted = lacking(_listed(one), held) if one.entries else []
        if wanted is None:
            return  # chunks serve what only grew; what is mostly new is no delta
        tail = one.stub.read.simple
        wanted += [] if tail is None else tail.blobs()
        self._wanted[path] = (one, held, wanted)

    def _field(self, path: Path) -> Indexed | None:
        """Return the value of the field at a path, or of the one whose path ends most alike."""
        exact = self._indexed.get(path)
        if exact is not None or not path:
            return exact
        alike = {other: ends_alike(path, other) for other in self._indexed}
        best = max(alike, key=lambda other: alike[other], default=None)
        return self._indexed[best] if best is not None and alike[best] else None

    def reads(self, fetcher: Fetcher) -> bool:
        """Read the noted blobs in parallel; return whether there is a new base."""
        wanted = {path: one for path, one in self._wanted.items() if path not in self.bases.read}
        blobs = dict.fromkeys([blob for _, _, some in wanted.values() for blob in some])
        if not wanted:
            return False
        found = False
        for path in wanted:
            self.bases.read[path] = None
        try:
            texts = fetcher.texts(blobs)
            for path, (one, held, _) in wanted.items():
                self.bases.read[path] = assembled(_listed(one), held, texts, path)
                found = True
        except StatebagError:
            return found  # the values are at hand
        return found


class _KnownToo(Known):
    """The memory of a process, followed by what a parent names."""

    def __init__(self, process: Known) -> None:
        super().__init__()
        self._process = process

    def may_hold(self, size: int) -> bool:
        return self._process.may_hold(size) or super().may_hold(size)

    def value(self, scope: str, sha256: str) -> Remembered | None:
        return self._process.value(scope, sha256) or super().value(scope, sha256)

    def blob(self, scope: str, sha256: str) -> Blob | None:
        return self._process.blob(scope, sha256) or super().blob(scope, sha256)

    def blobs(self, scope: str, digests: Iterable[str]) -> list[Blob | None]:
        return [self.blob(scope, sha256) for sha256 in digests]

    def node(self, scope: str, entries: tuple[Entry, ...]) -> Entry | None:
        return self._process.node(scope, entries) or super().node(scope, entries)

    def forget_packs(self, packs: Iterable[str]) -> None:
        gone = frozenset(packs)
        self._process.forget_packs(gone)
        super().forget_packs(gone)


def _nodes(one: Indexed) -> set[Blob]:
    """Return the blobs of a stub that are index nodes, and no text of a value."""
    return {entry.blob for entry in one.stub.read.entries if entry.level}


def _listed(one: Indexed) -> Listed:
    return Listed(one.stub.read, one.entries, one.packs)
