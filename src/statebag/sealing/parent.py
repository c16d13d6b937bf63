"""Use the stored values of a parent bag that this process has not opened.

The index of the parent has the digest and place of each stored text. So a seal refers to values
that did not change. Of a changed value it reads only the stored chunks that the new value no longer
has, as the base of a delta.

A parent may come from a stranger, and the store may have lost or damaged blobs that it names. The
values are at hand, so a seal does not trust the parent: a blob that this process neither stored nor
read is read and compared with its digest, or, if there is much to read, looked up in the index of
its pack. Blobs that the store lacks are written again. The others are remembered, so a process pays
for this once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import StatebagError
from statebag.format.codec import sha256_hex
from statebag.format.names import is_scope_at_or_above, scope_of
from statebag.format.stub import Extent
from statebag.opening.known import Known, ends_alike
from statebag.opening.verified import Listed, with_layers
from statebag.sealing.cutting import texts_at_hand
from statebag.sealing.lacking import ReadBases, assembled, lacking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from statebag.format.paths import Path
    from statebag.format.stub import Blob, Entry, Whole
    from statebag.opening.fetch import Fetcher
    from statebag.opening.known import Bases, Remembered
    from statebag.opening.opener import Indexed, Opener
    from statebag.sealing.leaving import Leaving, Single

__all__ = ["Parent"]

# Bytes of frames that one seal reads to compare them with their digests. Chosen: about as many as
# a store returns in the time that the request itself takes.
_MOST_COMPARED = 1024 * 1024
# Packs that are asked for one by one, after one of them failed, and indexes that are looked up.
# Chosen: far above `Policy.max_packs`; only a hostile parent names more.
_MOST_PACKS = 32


class Parent:
    """The index of a parent bag, in addition to the memory of the process.

    Args:
        bag: The parent.
        scope: The encoded scope of the seal.
        opener: Makes what reads index nodes; it must remember what it reads in the given memory.
        fetcher: Reads all that the parent leads to.
        known: What the process remembers.
        bases: The bases that the process remembers.

    Attributes:
        known: The same, with the values that the parent names.
        bases: With the bases that were read from the parent.
    """

    def __init__(
        self,
        bag: Any,
        scope: str,
        opener: Callable[[Known, Fetcher], Opener],
        fetcher: Fetcher,
        known: Known,
        bases: Bases,
    ) -> None:
        self.known = _KnownToo(known)
        self.bases = ReadBases(bases)
        self._indexed: dict[Path, Indexed] = {}
        self._fetcher = fetcher
        self._wanted: dict[Path, tuple[Indexed, dict[str, bytes], list[Blob]]] = {}
        try:
            found = opener(self.known, fetcher).indexes(
                bag, lambda path, stub: self._is_new(scope, path, stub), _MOST_COMPARED
            )
        except StatebagError:
            return  # its values are at hand: they are written as if it had not been given
        for one in found:
            # The base of a delta keeps its prefetch list, which readers follow.
            advised = [extent.at for extent in one.stub.read.reads]
            if all(is_scope_at_or_above(scope_of(name), scope) for name in (*one.packs, *advised)):
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
        # That a delta gives what it says is known only once it was applied, so it is made again.
        if one.stub.blob is not None:
            self.known.add_named(one.stub, one.packs)
        self._indexed[one.path] = one

    def disproved(self, relied_on: set[str], *, encrypted: bool) -> set[str]:
        """Return the packs that lack blobs that the parent names, and stop using the parent.

        Args:
            relied_on: The packs that the bag is to refer to.
            encrypted: Whether the store encrypts; then no index can be looked up alone.
        """
        asked: dict[str, list[Blob]] = {}
        for blob in self.known.used:
            if blob.at in relied_on and not self.known.is_confirmed(blob):
                asked.setdefault(blob.at, []).append(blob)
        ahead = self._fetcher.is_ahead
        lengths = {
            at: sum([blob.length for blob in blobs if not ahead(blob)])
            for at, blobs in asked.items()
        }
        compared: dict[str, list[Blob]] = {}
        left = _MOST_COMPARED
        for at in sorted(asked, key=lengths.__getitem__):
            if encrypted or lengths[at] <= left:
                left -= lengths[at]
                compared[at] = asked.pop(at)
        wrong = self._differing(compared)
        if asked:
            wrong |= self._unlisted(asked)
        if wrong:
            self._forget(wrong)
        return wrong

    def _differing(self, asked: dict[str, list[Blob]]) -> set[str]:
        """Return the packs with a blob that cannot be read, or differs from its digest."""
        if not asked:
            return set()
        blobs = [blob for some in asked.values() for blob in some]
        try:
            self._fetcher.another().texts(blobs)
        except StatebagError:
            if len(asked) == 1 or len(asked) > _MOST_PACKS:
                return set(asked)
            wrong = [self._differing({at: some}) for at, some in asked.items()]
            return set[str]().union(*wrong)
        self.known.add_read(blobs)
        return set()

    def _unlisted(self, asked: dict[str, list[Blob]]) -> set[str]:
        """Return the packs whose index does not have a blob that the parent names."""
        chosen = dict(list(asked.items())[:_MOST_PACKS])
        wrong = (asked.keys() - chosen.keys()) | self._fetcher.another().lacking(chosen)
        self.known.confirm([blob for at in chosen.keys() - wrong for blob in chosen[at]])
        return wrong

    def _forget(self, packs: set[str]) -> None:
        self.known.forget_said(packs)
        self.bases.forget_read(packs)
        for path, one in list(self._indexed.items()):
            if not packs.isdisjoint(one.packs):
                del self._indexed[path]

    def looks_for_base(self, single: Single, leaving: Leaving) -> None:
        """Note the blobs that must be read so that a changed value can leave as a delta.

        Args:
            single: The value.
            leaving: The form in which it would leave otherwise.
        """
        path = single.path
        one = None if path in self._wanted else self._field(path)
        if one is None:
            return
        held = texts_at_hand((*leaving.pieces, *leaving.newest))
        wanted = _lacking(one, held, single)
        if wanted is None:
            return  # chunks serve what only grew; what is mostly new is no delta
        self._wanted[path] = (one, held, wanted)

    def _field(self, path: Path) -> Indexed | None:
        """Return the value of the field at a path, or of the one whose path ends most alike."""
        exact = self._indexed.get(path)
        if exact is not None or not path:
            return exact
        alike = {other: ends_alike(path, other) for other in self._indexed}
        best = max(alike, key=lambda other: alike[other], default=None)
        return self._indexed[best] if best is not None and alike[best] else None

    def reads(self) -> bool:
        """Read the noted blobs in parallel; return whether there is a new base."""
        wanted = {path: one for path, one in self._wanted.items() if path not in self.bases.read}
        blobs = dict.fromkeys([blob for _, _, some in wanted.values() for blob in some])
        if not wanted:
            return False
        found = False
        for path in wanted:
            self.bases.read[path] = None
        fetcher = self._fetcher.another()
        try:
            fetcher.read_along(blobs, self._compared_later(), _MOST_COMPARED)
            texts = fetcher.texts(blobs)
            self.known.add_read(texts)
            for path, (one, held, _) in wanted.items():
                fetcher.reckon(0, sum([layer.size for layer in one.stub.layers]))
                base = assembled(_listed(one), held, texts, path)
                self.bases.read[path] = with_layers(base, one.stub, texts)
                self.known.used.update(dict.fromkeys([entry.blob for entry in one.entries]))
                found = True
        except StatebagError:
            return found  # the values are at hand
        return found

    def _compared_later(self) -> list[Extent]:
        """Return what is likely to be compared with its digest, since the new bag refers to it."""
        blobs = dict.fromkeys(self.known.used)
        for one, _, _ in self._wanted.values():
            blobs.update(dict.fromkeys([entry.blob for entry in one.entries]))
        return [
            Extent(one.at, one.offset, one.length)
            for one in blobs
            if not self.known.is_confirmed(one) and not self._fetcher.is_ahead(one)
        ]


class _KnownToo(Known):
    """The memory of a process, followed by the values that a parent names.

    Attributes:
        used: The blobs that were returned because the parent names them.
    """

    def __init__(self, process: Known) -> None:
        super().__init__()
        self._process = process
        self.used: dict[Blob, None] = {}

    def may_hold(self, size: int) -> bool:
        return self._process.may_hold(size) or super().may_hold(size)

    def value(self, scope: str, sha256: str) -> Remembered | None:
        known = self._process.value(scope, sha256)
        if known is not None:
            return known
        said = super().value(scope, sha256)
        if said is not None:
            self.used.update(dict.fromkeys(said.stub.blobs()))
        return said

    def blob(self, scope: str, sha256: str) -> Blob | None:
        known = self._process.blob(scope, sha256)
        if known is not None:
            return known
        said = super().blob(scope, sha256)
        if said is not None:
            self.used[said] = None
        return said

    def blobs(self, scope: str, digests: Iterable[str]) -> list[Blob | None]:
        return [self.blob(scope, sha256) for sha256 in digests]

    def node(self, scope: str, entries: tuple[Entry, ...]) -> Entry | None:
        return self._process.node(scope, entries) or super().node(scope, entries)

    def forget_packs(self, packs: Iterable[str]) -> None:
        gone = frozenset(packs)
        self._process.forget_packs(gone)
        self.forget_said(gone)

    def forget_said(self, packs: Iterable[str]) -> None:
        """Forget only what the parent says about these packs."""
        super().forget_packs(packs)
        gone = frozenset(packs)
        self.used = {blob: None for blob in self.used if blob.at not in gone}

    def confirm(self, blobs: Iterable[Blob]) -> None:
        self._process.confirm(blobs)

    def is_confirmed(self, blob: Blob) -> bool:
        return self._process.is_confirmed(blob)

    def add_read(self, blobs: Iterable[Blob]) -> None:
        """Let the process remember blobs that were just read and verified."""
        blobs = list(blobs)
        self._process.add_blobs(blobs)
        self._process.confirm(blobs)  # of one text in two places, `add_blobs` remembers one


def _nodes(one: Indexed) -> set[Blob]:
    """Return the blobs of a stub that are index nodes, not texts of values."""
    return {entry.blob for entry in one.stub.read.entries if entry.level}


def _lacking(one: Indexed, held: Mapping[str, bytes], single: Single) -> list[Blob] | None:
    """Return the blobs that must be read for the base of a delta; None if none is worthwhile.

    Args:
        one: The earlier value.
        held: The texts of chunks that are at hand, by their digests.
        single: The new value.
    """
    stub = one.stub
    tail = stub.read.simple
    in_tail = [] if tail is None else tail.blobs()
    wanted: list[Blob] = []
    if one.entries:
        if all(entry.sha256 in held for entry in one.entries):
            if not in_tail or _only_grew(one, single):
                return None
        else:
            # What is a delta already stays short, though each chunk of its base may have changed.
            found = lacking(_listed(one), held, every=stub.base is not None)
            if found is None:
                return None
            wanted = found
    return [*wanted, *in_tail, *[layer.blob for layer in stub.layers]]


def _only_grew(one: Indexed, single: Single) -> bool:
    """Return whether a value whose chunks are all at hand has the stored tail after them."""
    tail, text = one.stub.read.simple, single.text
    assert tail is not None  # asked by who calls
    start = 1 + sum([entry.size - 1 for entry in one.entries])
    inside = text[start : one.stub.read.size - 1]
    return sha256_hex(text[:1] + inside + text[-1:]) == tail.digest


def _listed(one: Indexed) -> Listed:
    return Listed(one.stub.read, one.entries, one.packs_of_read)
