"""Turn a bag into a state: check names, fetch, verify, decode, put into place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import BlobCorrupt, InvalidStub, NotPermitted, StatebagError
from statebag.format import json_text
from statebag.format.index import read_node
from statebag.format.json_type import json_type
from statebag.format.names import encode_scope, is_scope_at_or_above, scope_of
from statebag.format.paths import render_path
from statebag.format.stub import Extent
from statebag.format.unopened import holds_unopened
from statebag.opening.verified import Texts, Verified, verified
from statebag.opening.walk import EVERYTHING, Selection, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from statebag.format.paths import Path
    from statebag.format.signature import Checker, Signatures
    from statebag.format.stub import Blob, Carried, Entry, Stored, Stub, Whole
    from statebag.opening.fetch import Fetcher
    from statebag.opening.known import Bases, Known
    from statebag.opening.walk import Doubt, Site, Walk

__all__ = ["Confinement", "Indexed", "Opener"]


class Confinement:
    """The scopes that an open may read.

    Args:
        scope: The encoded scope of the reader; None lets it read everything below the root.
        readable: Further scopes of the policy, `name` or `name/**`.
    """

    def __init__(self, scope: str | None, readable: tuple[str, ...]) -> None:
        self._scope = scope
        self._told: dict[str, bool] = {}
        self._exact = {encode_scope(one) for one in readable if not one.endswith("/**")}
        self._trees = [encode_scope(one[:-3]) for one in readable if one.endswith("/**")]

    def check(self, blob: Blob | Extent, path: Path) -> None:
        """Refuse a blob of another scope, before any request.

        Raises:
            NotPermitted: With the object's name.
        """
        scope = scope_of(blob.at)
        allowed = self._told.get(scope)
        if allowed is None:
            allowed = self._told[scope] = self.allows(scope)
        if not allowed:
            raise NotPermitted(
                "the stub names an object of another scope",
                path=render_path(path),
                object_name=blob.at,
                hint="Add that scope to Policy.readable_scopes if this reader should see it.",
            )

    def allows(self, scope: str) -> bool:
        """Return whether the reader may read an encoded scope."""
        if self._scope is None or scope in self._exact:
            return True
        if is_scope_at_or_above(scope, self._scope):
            return True
        return any(is_scope_at_or_above(tree, scope) for tree in self._trees)


class Opener:
    """Opens one bag.

    Args:
        fetcher: Gets blobs within the limits.
        confinement: Which scopes may be read.
        known: Receives everything that was read and verified.
        bases: Receives each stored value that was read and verified, with its text.
        signatures: Checks signatures; None if stubs need none.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        confinement: Confinement,
        known: Known,
        bases: Bases,
        signatures: Signatures | None = None,
    ) -> None:
        self._signatures = signatures
        self._fetcher = fetcher
        self._confinement = confinement
        self._known = known
        self._bases = bases

    def open(
        self, bag: Any, selection: Selection, *, is_state: bool = False, below: Path = ()
    ) -> Any:
        """Return the state, with new objects; stubs that were not selected are `Unopened`.

        Args:
            bag: A bag, or a state that was opened before in part.
            selection: The stubs to read.
            is_state: Whether `bag` is such a state, in which only `Unopened` objects are stubs.
            below: The path of `bag` in a state.
        """
        checker = self._checker()
        try:
            found = walk(bag, selection, is_state=is_state, below=below, signatures=checker)
            is_mixed = found.has_stubs and found.has_unopened
        except StatebagError:
            is_mixed = not is_state and holds_unopened(bag)
            if not is_mixed:
                raise
        if is_mixed:  # a state that was opened before: what looks like a stub in it is data
            found = walk(bag, selection, is_state=True, below=below, signatures=checker)
        if found.sites:
            self._fill(found)
        for doubt in found.doubts:
            self._settle(doubt, partly=bool(found.unopened))
        return found.root[0]

    def _fill(self, found: Walk) -> None:
        """Read the values of a copy's sites, and put them into place."""
        wholes = [(site, site.stub.whole) for site in found.sites]
        # By place: one blob may stand in many, and is read only once.
        self._fetcher.check_given(sum(stub.size for _, stub in wholes))
        cut = [(site, stub.read) for site, stub in wholes if stub.read.entries]
        self._read_ahead(wholes)
        indexes = self._expand(cut)
        texts = self._fetch(wholes, indexes)
        # Innermost first, so that what stands next to a rest's stub is whole when it is merged.
        for site, stub in reversed(wholes):
            index = indexes.get(id(site), _NO_INDEX)
            one = verified(stub, texts, index.entries, index.packs, site.path)
            value = self._decoded(one.text, stub.kind, stub.count, site.path)
            _check_counts(stub.read, texts, site.path)
            if self._known.keeps:
                self._remember(one, site.path)  # only now: also what it says of the text is true
            site.container[site.key] = _merged(value, site)

    def _settle(self, doubt: Doubt, *, partly: bool) -> None:
        """Drop a field of the copy if a writer derived it from its source; otherwise it is data.

        Args:
            doubt: The field.
            partly: Whether some of the copy was not opened; the source is read anyway.
        """
        owner, one = doubt.container[doubt.key], doubt.derivation
        if one.source not in owner or one.name not in owner:
            return
        source = owner[one.source]
        if partly:
            below = (*doubt.path, one.source)
            source = self.open(source, EVERYTHING, is_state=True, below=below)
        # An engine may have replaced the source next to a rest's stub, but not the derived field.
        sources = [source, doubt.hidden.get(one.source)]
        if not any(one.gives(owner[one.name], each) for each in sources):
            return
        if one.name in doubt.hidden:
            owner[one.name] = doubt.hidden[one.name]
        else:
            del owner[one.name]

    def indexes(
        self, bag: Any, wanted: Callable[[Path, Whole], bool], along: int = 0
    ) -> list[Indexed]:
        """Return what the stubs of a bag list; read index nodes, but no values.

        Args:
            bag: A bag.
            wanted: Returns whether to look into the stub at a path.
            along: Bytes of values that may be requested together with nodes of the same packs, for
                a later read.

        Raises:
            StatebagError: As for `open`.
        """
        sites = walk(bag, EVERYTHING, signatures=self._checker()).sites
        wholes = [(site, site.stub.whole) for site in sites]
        wholes = [(site, whole) for site, whole in wholes if wanted(site.path, whole)]
        cut = [(site, one.read) for site, one in wholes if one.read.entries]
        expanded = self._expand(cut, _extents(wholes) if along else (), along)
        found = []
        for site, whole in wholes:
            index = expanded.get(id(site), _NO_INDEX)
            below = {*index.packs, *(one.blob.at for one in index.entries)}
            packs, of_read = frozenset(whole.packs() | below), whole.read.packs() | below
            found.append(Indexed(site.path, whole, index.entries, packs, frozenset(of_read)))
        return found

    def items(self, stub: Whole, wanted: range, path: Path) -> list[Any]:
        """Return some items of an array in chunks; read their chunks, and the nodes above them.

        Args:
            stub: The array.
            wanted: The indices of the items, one after another.
            path: The array's place in the state.
        """
        members = _meeting(stub.entries, 0, wanted)
        while nodes := [entry for _, entry in members if entry.level]:
            texts = self._entries(nodes, path)
            below: list[tuple[int, Entry]] = []
            for start, entry in members:
                if entry.level:
                    listed = read_node(texts[entry.blob], entry, render_path(path))
                    below.extend(_meeting(listed, start, wanted))
                else:
                    below.append((start, entry))
            members = below
        texts = self._entries([entry for _, entry in members], path)
        found: list[Any] = []
        for start, entry in members:
            piece = self._decoded(texts[entry.blob], stub.kind, entry.count, path)
            found.extend(piece[max(wanted.start - start, 0) : wanted.stop - start])
        cut = sum(entry.count for entry in stub.entries)
        if wanted.stop > max(cut, wanted.start):
            tail = self.tail(stub, path)
            found.extend(tail[max(wanted.start - cut, 0) : wanted.stop - cut])
        return found

    def _entries(self, entries: list[Entry], path: Path) -> Texts:
        for entry in entries:
            self._confinement.check(entry.blob, path)
        return self._fetcher.texts([entry.blob for entry in entries])

    def listed(self, node: Entry, path: Path) -> tuple[Entry, ...]:
        """Return the entries that an index node lists."""
        self._confinement.check(node.blob, path)
        return read_node(self._fetcher.texts([node.blob])[node.blob], node, render_path(path))

    def piece(self, entry: Entry, kind: str | None, path: Path) -> Any:
        """Return the items or members of one chunk."""
        self._confinement.check(entry.blob, path)
        text = self._fetcher.texts([entry.blob])[entry.blob]
        return self._decoded(text, kind, entry.count, path)

    def tail(self, stub: Whole, path: Path) -> Any:
        """Return the newest items or members of a value in chunks that has a tail."""
        tail = stub.simple
        assert tail is not None  # the counts of a parsed stub add up
        texts = self._texts_of(tail, path)
        return self._decoded(tail.text(texts, (), b""), stub.kind, tail.count, path)

    def checked(self, stub: Stub, body: dict[str, Any], path: Path) -> Opener:
        """Return an opener for a stub whose signature was checked.

        Raises:
            NotPermitted: The stub does not have a valid signature.
        """
        checker = self._checker()
        if checker is None:
            return self
        checker.check(stub, body, render_path(path))
        return Opener(self._fetcher, self._confinement, self._known, self._bases)

    def _checker(self) -> Checker | None:
        signatures = self._signatures
        return None if signatures is None else signatures.checker(self._confinement.allows)

    def _texts_of(self, stub: Stored | Carried, path: Path) -> Texts:
        blobs = stub.blobs()
        for blob in blobs:
            self._confinement.check(blob, path)
        return self._fetcher.texts(blobs)

    def _read_ahead(self, wholes: list[tuple[Site, Whole]]) -> None:
        """Request everything together with the index nodes, if a node is not at hand.

        Otherwise an open would wait twice: for the nodes, and then for the rest.
        """
        nodes: list[Blob] = []
        wanted: list[Blob] = []
        advised: list[Extent] = []
        for site, whole in wholes:
            stub = whole.read
            for entry in stub.entries:
                self._confinement.check(entry.blob, site.path)
                (nodes if entry.level else wanted).append(entry.blob)
            for extent in stub.reads:
                self._confinement.check(extent, site.path)
                advised.append(extent)
            for blob in _single_blobs(whole):
                self._confinement.check(blob, site.path)
                wanted.append(blob)
        if not self._fetcher.has_all(nodes):
            self._fetcher.read_ahead([*nodes, *wanted], advised)

    def _expand(
        self, cut: list[tuple[Site, Whole]], others: Sequence[Extent] = (), along: int = 0
    ) -> dict[int, _Index]:
        """Return the chunks of each value in chunks, read level by level from index nodes.

        Args:
            cut: The values.
            others: What is read later; requested with the nodes near which it lies.
            along: Bytes that are requested in this way at most.
        """
        expanded = {id(site): _Index(stub.entries, set()) for site, stub in cut}
        while True:
            nodes: dict[Blob, None] = {}
            for site, _ in cut:
                for entry in expanded[id(site)].entries:
                    self._confinement.check(entry.blob, site.path)
                    if entry.level:
                        nodes[entry.blob] = None
            if not nodes:
                return expanded
            if others:
                self._fetcher.read_along(nodes, others, along)
            texts = self._fetcher.texts(nodes)
            read: dict[Entry, tuple[Entry, ...]] = {}
            for site, _ in cut:
                below: list[Entry] = []
                index = expanded[id(site)]
                for entry in index.entries:
                    if entry.level and entry not in read:
                        listed = read_node(texts[entry.blob], entry, render_path(site.path))
                        self._known.add_node(entry, listed)
                        read[entry] = listed
                    if entry.level:
                        index.packs.add(entry.blob.at)
                    below.extend(read[entry] if entry.level else [entry])
                    self._fetcher.check_listed(len(below))  # one node may stand there many times
                index.entries = tuple(below)

    def _fetch(self, wholes: list[tuple[Site, Whole]], indexes: dict[int, _Index]) -> Texts:
        blobs: list[Blob] = []
        for site, whole in wholes:
            stub = whole.read
            if stub is not whole:
                self._fetcher.reckon(1, stub.size)
            if stub.entries:
                blobs.extend(entry.blob for entry in indexes[id(site)].entries)
            for blob in _single_blobs(whole):
                self._confinement.check(blob, site.path)
                blobs.append(blob)
            if whole.layers:
                given = [layer.size for layer in whole.layers]
                self._fetcher.reckon(len(given), sum(given))
            if stub.has_bytes:
                self._fetcher.reckon(1, (stub.simple or stub).size)
        texts = self._fetcher.texts(blobs)
        if self._known.keeps:
            self._known.add_blobs(texts)
        return texts

    def _remember(self, verified: Verified, path: Path) -> None:
        kept = self._bases.add(path, verified)
        base = verified.base or verified
        if verified.base is not None:
            self._known.add_value(verified)
        # The digest of a value in chunks is not at hand; where its text is kept, none is needed.
        if base.stub.digest is not None or not kept:
            self._known.add_value(base)

    def _decoded(self, text: bytes, kind: str | None, count: int, path: Path) -> Any:
        """Return the value, after comparing it with its stub."""
        self._fetcher.reckon_values(text)
        try:
            value = json_text.decode(text, reckoned=True)
        except BlobCorrupt as error:
            error.path = render_path(path)
            raise
        if kind is None:
            return value
        if not isinstance(value, list if kind == "array" else dict) or len(value) != count:
            raise InvalidStub(
                f"the value is not the {kind} of {count} members that its stub says",
                path=render_path(path),
            )
        return value


class Indexed(msgspec.Struct, frozen=True):
    """A stub, and everything that leads to its text.

    Attributes:
        path: Its place in the bag.
        stub: The stub.
        entries: All chunks in order, if it, or its base, is in chunks.
        packs: All packs that its text would be read from.
        packs_of_read: The same without those of layers.
    """

    path: Path
    stub: Whole
    entries: tuple[Entry, ...]
    packs: frozenset[str]
    packs_of_read: frozenset[str]


class _Index(msgspec.Struct):
    """The chunks of a value, and the packs that its index nodes were read from."""

    entries: tuple[Entry, ...]
    packs: set[str]


_NO_INDEX = _Index((), set())


def _extents(wholes: Sequence[tuple[Site, Whole]]) -> list[Extent]:
    """Return what the stubs name, and their prefetch lists."""
    found: list[Extent] = []
    for _, whole in wholes:
        blobs = [entry.blob for entry in whole.read.entries] + _single_blobs(whole)
        found += [Extent(one.at, one.offset, one.length) for one in blobs]
        found += whole.read.reads
    return found


def _single_blobs(stub: Whole) -> list[Blob]:
    """Return the blobs of a stub, or of its base, and of its layers that no index lists."""
    one = stub.read.simple
    own = [] if one is None else one.blobs()
    return own + [layer.blob for layer in stub.layers]


def _meeting(entries: tuple[Entry, ...], start: int, wanted: range) -> list[tuple[int, Entry]]:
    """Return the entries that hold wanted items, each with the index of its first item."""
    found = []
    for entry in entries:
        if start < wanted.stop and wanted.start < start + entry.count:
            found.append((start, entry))
        start += entry.count
    return found


def _check_counts(stub: Whole, texts: Texts, path: Path) -> None:
    """Refuse a stub whose chunks do not have as many members as it says.

    An index node was written by a seal; the rows of a stub may come from anyone.
    """
    for entry in stub.entries:
        if entry.level or stub.kind is None:
            continue
        if json_text.count_items(texts[entry.blob], stub.kind) != entry.count:
            raise InvalidStub(
                f"a chunk does not have the {entry.count} members that its stub says",
                path=render_path(path),
                object_name=entry.blob.at,
            )


def _merged(value: Any, site: Site) -> Any:
    """Return the object of a rest, with the fields next to its stub in their places."""
    if site.siblings is None:
        return value
    if not isinstance(value, dict):
        raise InvalidStub(
            f"the stored rest must be an object, not {json_type(value)}",
            path=render_path(site.path),
        )
    for doubt in site.doubts:
        doubt.hidden = value
    return {**value, **site.siblings}
