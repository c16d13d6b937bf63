"""Remember what this process stored, or read and verified, so that a seal can refer to it.

Each entry was durable once, and each stub was verified to have its text. Only a seal in the scope
of an entry, or below it, finds the entry: a scope's packs may be deleted when its execution is
over. A version of a head that was forked keeps the packs of its origin, so its seals find the
entries of that scope too (`reading`).
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, TypeVar

import msgspec

from statebag.format.names import is_scope_at_or_above, scope_of, scopes_from
from statebag.opening.verified import identified
from statebag.process.forking import fork_safe_lock
from statebag.process.recent import Recent

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator
    from threading import Lock

    from statebag.format.paths import Path
    from statebag.format.stub import Blob, Entry, Whole
    from statebag.opening.verified import Listed, Verified

__all__ = ["Bases", "Known", "Remembered", "ends_alike"]

_T = TypeVar("_T")
_Remembering = TypeVar("_Remembering", "Known", "Bases")
_BYTES_OF_ITEM = 400  # about what a blob or a node takes in memory. Measured
_MAX_ITEMS = 65_536  # blobs and nodes. Chosen: they take 26 MB
_MAX_NAMESAKES = 256  # fields of one name in a scope that are looked through. Chosen
_MAX_VALUES = 1_024  # whole values. Chosen: each may hold an inline tail of some KB


class Remembered(msgspec.Struct, frozen=True):
    """The stub of a whole value, and every pack that its text was read from."""

    stub: Whole
    packs: frozenset[str]


class Known:
    """Values and blobs by the SHA-256 of their text, and index nodes by what they list.

    Each was stored or verified once. `statebag.store.presence` knows whether the store still has
    it.

    Args:
        max_items: The largest number of blobs, and of nodes.
        lock: Guards each section; by default its own.

    Attributes:
        keeps: Whether anything is remembered.
    """

    def __init__(self, max_items: int = _MAX_ITEMS, lock: Lock | None = None) -> None:
        self._values: Recent[Hashable, Remembered] = Recent(min(max_items, _MAX_VALUES))
        self._blobs: Recent[Hashable, Blob] = Recent(max_items)
        self._nodes: Recent[Hashable, Entry] = Recent(max_items)
        self._confirmed: Recent[Blob, Blob] = Recent(max_items)
        self._sizes: set[int] = set()  # of values and blobs; what was forgotten may linger
        self.keeps = max_items > 0
        self._lock = lock or fork_safe_lock()
        self._more: tuple[str, ...] = ()

    def reading(self, scopes: tuple[str, ...]) -> Known:
        """Return a view of the same entries that also finds those of more encoded scopes."""
        return _view(self, scopes)

    def may_hold(self, size: int) -> bool:
        """Return whether a value of this size may be known; False is certain and saves a digest."""
        return size in self._sizes

    def _add_size(self, size: int) -> None:
        if len(self._sizes) > 2 * _MAX_ITEMS:
            kept = {one.stub.size for one in self._values.values()}
            kept.update(one.size for one in self._blobs.values())
            self._sizes.intersection_update(kept)  # views share the set
        self._sizes.add(size)

    def add_value(self, verified: Verified) -> None:
        """Remember a whole value, unless it is inline: it costs nothing to keep it inline."""
        stub = verified.stub
        if not stub.in_store:
            return
        scopes = {scope_of(pack) for pack in verified.packs}
        deepest = max(scopes, key=len, default="")
        # A reader of the deepest scope may read its ancestors too, and nothing next to them.
        if scopes and all(is_scope_at_or_above(scope, deepest) for scope in scopes):
            with self._lock:
                self._add_size(stub.size)
                remembered = Remembered(stub, verified.packs)
                self._values.put((deepest, verified.sha256), remembered)

    def add_named(self, stub: Whole, packs: frozenset[str]) -> None:
        """Remember a stub with the digest of its text, trusting its maker.

        Args:
            stub: In one blob, or a delta.
            packs: All that its text would be read from.
        """
        deepest = max(map(scope_of, packs), key=len, default="")
        with self._lock:
            self._add_size(stub.size)
            self._values.put((deepest, stub.digest), Remembered(stub, packs))

    def add_blobs(self, blobs: Iterable[Blob]) -> None:
        """Remember chunks and values that were just read or stored."""
        with self._lock:
            added = list(blobs)
            for blob in added:
                self._add_size(blob.size)
            self._blobs.put_each([((scope_of(one.at), one.sha256), one, 1) for one in added])

    def confirm(self, blobs: Iterable[Blob]) -> None:
        """Note that the store has these blobs in their places, though not all were read."""
        with self._lock:
            self._confirmed.put_each([(blob, blob, 1) for blob in blobs])

    def is_confirmed(self, blob: Blob) -> bool:
        """Return whether this process stored, read or confirmed a blob in exactly this place."""
        with self._lock:
            stored = self._blobs.peek((scope_of(blob.at), blob.sha256))
            return stored == blob or blob in self._confirmed

    def add_node(self, node: Entry, entries: tuple[Entry, ...]) -> None:
        """Remember an index node and what it lists."""
        with self._lock:
            self._nodes.put((scope_of(node.blob.at), _listing(entries)), node)

    def forget_packs(self, packs: Iterable[str]) -> None:
        """Forget all entries that are in one of these packs, or lead there."""
        gone = frozenset(packs)
        with self._lock:
            self._values.drop(lambda one: not gone.isdisjoint(one.packs))
            self._blobs.drop(lambda blob: blob.at in gone)
            self._nodes.drop(lambda node: node.blob.at in gone)
            self._confirmed.drop(lambda blob: blob.at in gone)

    def value(self, scope: str, sha256: str) -> Remembered | None:
        """Return the stub of a value with this text, readable from `scope`."""
        return self._find(self._values, scope, sha256)

    def blob(self, scope: str, sha256: str) -> Blob | None:
        """Return a blob with this text, readable from `scope`."""
        return self._find(self._blobs, scope, sha256)

    def blobs(self, scope: str, digests: Iterable[str]) -> list[Blob | None]:
        """Return a blob for each of several texts."""
        return [self._find(self._blobs, scope, sha256) for sha256 in digests]

    def node(self, scope: str, entries: tuple[Entry, ...]) -> Entry | None:
        """Return a node that lists exactly these entries."""
        return self._find(self._nodes, scope, _listing(entries))

    def _find(self, recent: Recent[Hashable, _T], scope: str, key: Hashable) -> _T | None:
        with self._lock:
            return recent.first([(one, key) for one in (*scopes_from(scope), *self._more)])


class Bases:
    """Values that this process has read or written, by the paths of their fields.

    Deltas start from them. The latest value of each field and scope is kept with its text, within a
    bound in bytes; where there is no room for its text, the list of its chunks is kept. A bag may
    be anywhere in an event, and a field may move. So among the fields with the same name, the one
    whose path ends most alike is used. A wrong guess costs nothing: a delta names the value that it
    starts from, and one that saves too little is dropped. A field that still has the text that was
    read is unchanged; comparing texts is quicker than a digest.

    Args:
        max_bytes: The bound of all texts together; a text larger than half of it is not kept.
    """

    def __init__(self, max_bytes: int, lock: Lock | None = None) -> None:
        self._max_bytes = max_bytes
        self._indexes: Recent[tuple[str, Path], Listed] = Recent(_MAX_ITEMS)
        self._named: dict[tuple[str, str], dict[Path, None]] = {}  # paths that may be kept
        self._paths = [0]  # how many are named; in a list, which views share
        self._sizes: set[int] = set()  # of the texts; what was forgotten may linger
        # A method of this object would make a cycle, which only the garbage collector frees.
        left = partial(_keep_chunks, self._indexes, self._sizes)
        self._items: Recent[tuple[str, Path], Verified] = Recent(max_bytes, left=left)
        self._lock = lock or fork_safe_lock()
        self._more: tuple[str, ...] = ()

    def reading(self, scopes: tuple[str, ...]) -> Bases:
        """Return a view of the same values that also finds those of more encoded scopes."""
        return _view(self, scopes)

    def add(self, path: Path, verified: Verified) -> bool:
        """Keep the value of the field at a path; return whether it was kept."""
        deepest = _deepest(verified.packs)
        if deepest is None:
            return False
        size = _size(verified)
        if not self.has_room(size):
            # What is kept of the field already is still a base.
            self.add_index(path, verified.listed)
            return False
        with self._lock:
            paths = self._named.setdefault((deepest, _name(path)), {})
            self._paths[0] += path not in paths
            paths.pop(path, None)
            paths[path] = None  # the latest is last
            self._sizes.add(len(verified.text))
            kept = self._items.put((deepest, path), verified, size)
            self._indexes.pop((deepest, path))
            most = 2 * len(self._items) + _MAX_NAMESAKES
            if self._paths[0] > most or len(self._sizes) > most + len(self._indexes):
                self._name_again()
            return kept

    def has_room(self, size: int) -> bool:
        """Return whether a value whose texts have this many bytes is kept."""
        return size <= self._max_bytes // 2

    def add_index(self, path: Path, listed: Listed) -> None:
        """Keep the chunks of a value whose text is too large to keep."""
        deepest = _deepest(listed.packs)
        if listed.pieces and deepest is not None and self._max_bytes:
            with self._lock:
                self._sizes.add(listed.stub.size)
                self._indexes.put((deepest, path), listed, _weight(listed))

    def index(self, scope: str, path: Path) -> Listed | None:
        """Return the latest value of this field, if its text is not kept, but its chunks are."""
        scopes = (*scopes_from(scope), *self._more, "")
        with self._lock:
            return self._indexes.first([(one, path) for one in scopes])

    def _name_again(self) -> None:
        """Forget the names and sizes of values that were forgotten."""
        self._named.clear()
        kept = {len(one.text) for one in self._items.values()}
        kept.update(one.stub.size for one in self._indexes.values())
        self._sizes.intersection_update(kept)
        self._paths[0] = len(self._items)
        for scope, path in self._items:
            self._named.setdefault((scope, _name(path)), {})[path] = None

    def forget_packs(self, packs: Iterable[str]) -> None:
        """Drop the values that were read from any of these packs."""
        gone = frozenset(packs)
        with self._lock:
            self._items.drop(lambda one: not gone.isdisjoint(one.packs))
            self._indexes.drop(lambda one: not gone.isdisjoint(one.packs))

    def find(self, scope: str, path: Path) -> Verified | None:
        """Return the latest stored value of such a field that is readable from `scope`."""
        for field in self._fields(scope, path):
            stored = field.base or field
            if stored.stub.in_store:
                return stored
        return None

    def pieces(self, scope: str, path: Path) -> tuple[tuple[Entry, ...], bytes]:
        """Return the chunks of the field's latest value in chunks, and the text of that value.

        The text is empty if it is not kept.
        """
        index = self.index(scope, path)
        if index is not None:
            return index.pieces, b""
        for field in self._fields(scope, path):
            stored = field.base or field
            if stored.pieces:
                return stored.pieces, stored.text
        return (), b""

    def may_hold(self, size: int) -> bool:
        """Return whether a text of this size may be kept; False is certain."""
        return size in self._sizes

    def same(self, scope: str, path: Path, text: bytes) -> Verified | None:
        """Return the value that was read of such a field, if it had this text.

        Where its text is not kept, the digests of its chunks are compared.
        """
        if not self.may_hold(len(text)):
            return None
        listed = self.index(scope, path)
        found = None if listed is None else identified(listed, text)
        if found is not None:
            return found
        for field in self._fields(scope, path):
            if field.text == text:
                return field
        return None

    def _fields(self, scope: str, path: Path) -> Iterator[Verified]:
        """The fields of this name in a scope or above it, those whose paths end alike first."""
        scopes = (*scopes_from(scope), *self._more, "")
        with self._lock:
            exact = [self._items.peek((one, path)) for one in scopes]
        yield from [field for field in exact if field is not None]
        name, others = _name(path), []
        with self._lock:
            for one in scopes:
                paths = self._named.get((one, name), {})
                for other in list(islice(reversed(paths), _MAX_NAMESAKES)):
                    kept = self._items.peek((one, other))
                    if kept is None:
                        del paths[other]
                        self._paths[0] -= 1
                    elif other != path:
                        others.append((-ends_alike(path, other), kept))
        others.sort(key=itemgetter(0))  # stable: the nearest scope and the latest come first
        yield from [field for _, field in others]


def _keep_chunks(
    indexes: Recent[tuple[str, Path], Listed],
    sizes: set[int],
    key: tuple[str, Path],
    verified: Verified,
) -> None:
    """Go on keeping the chunks of a value whose text is forgotten for want of room."""
    listed = verified.listed
    if listed.pieces and key not in indexes:  # what is there is of a later value
        sizes.add(listed.stub.size)
        indexes.put(key, listed, _weight(listed))


def _view(of: _Remembering, scopes: tuple[str, ...]) -> _Remembering:
    """Return an object that shares all attributes, and also finds the entries of more scopes."""
    view = object.__new__(type(of))  # `copy` is a module that nothing else here loads
    view.__dict__.update(of.__dict__)
    view._more = scopes
    return view


def _deepest(packs: Iterable[str]) -> str | None:
    """The deepest scope of some packs, if all others are above it."""
    scopes = {scope_of(pack) for pack in packs}
    deepest = max(scopes, key=len, default="")
    return deepest if all(is_scope_at_or_above(scope, deepest) for scope in scopes) else None


def _listing(entries: tuple[Entry, ...]) -> tuple[tuple[str, str, int], ...]:
    return tuple((entry.blob.sha256, entry.blob.at, entry.blob.offset) for entry in entries)


def _weight(listed: Listed) -> int:
    """Return how many blobs take as much memory as a list of chunks, with its inline tail."""
    tail, advised = listed.stub.simple, listed.stub.reads
    inline = 0 if tail is None else len(tail.frame)
    return len(listed.pieces) + len(advised) + inline // _BYTES_OF_ITEM


def _size(verified: Verified) -> int:
    base = verified.base
    if base is None:
        return len(verified.text)
    size = len(verified.text) + len(base.text)
    if base.over is None:
        return size
    start = base.over.start
    own = 0 if start is verified.text else len(start)
    return size + own + sum(map(len, base.over.texts))


def _name(path: Path) -> str:
    return str(path[-1]) if path else ""


def ends_alike(path: Path, other: Path) -> int:
    """Return how many of the last parts of two paths are the same."""
    alike = 0
    for one, two in zip(reversed(path), reversed(other), strict=False):
        if one != two:
            break
        alike += 1
    return alike
