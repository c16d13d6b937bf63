"""From a bag to a state: check what it names, fetch, verify, decode, put in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import BlobCorrupt, InvalidStub, NotPermitted
from statebag.format import json_text
from statebag.format.index import read_node
from statebag.format.names import encode_scope, is_scope_at_or_above, scope_of
from statebag.format.paths import render_path
from statebag.format.stub import Carried, Entry, Escaped, Patched, Pieces, Rest, Stored
from statebag.opening.verified import (
    Texts,
    Verified,
    verified_carried,
    verified_patched,
    verified_pieces,
    verified_stored,
)
from statebag.opening.walk import Selection, walk

if TYPE_CHECKING:
    from statebag.format.paths import Path
    from statebag.format.signature import Checker, Signatures
    from statebag.format.stub import Blob, Extent, Stub, Whole
    from statebag.opening.bases import Bases
    from statebag.opening.fetch import Fetcher
    from statebag.opening.known import Known
    from statebag.opening.walk import Site

__all__ = ["Confinement", "Opener"]


class Confinement:
    """Which scopes an open may read.

    Args:
        scope: The encoded scope of the reader; None lets it read all below the root.
        readable: Further scopes of the policy, `name` or `name/**`.
    """

    def __init__(self, scope: str | None, readable: tuple[str, ...]) -> None:
        self._scope = scope
        self._exact = {encode_scope(one) for one in readable if not one.endswith("/**")}
        self._trees = [encode_scope(one[:-3]) for one in readable if one.endswith("/**")]

    def check(self, blob: Blob | Extent, path: Path) -> None:
        """Refuse a blob of another scope, before any request.

        Raises:
            NotPermitted: With the object's name.
        """
        if not self.allows(scope_of(blob.at)):
            raise NotPermitted(
                "a stub names an object of another scope",
                path=render_path(path),
                object_name=blob.at,
                hint="Add that scope to Policy.readable_scopes if this reader should see it.",
            )

    def allows(self, scope: str) -> bool:
        """Whether the reader may read an encoded scope."""
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
        known: Told of everything that was read and verified.
        bases: Likewise, of stored values with their texts.
        signatures: Where stubs must be signed.
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
        """The state, every object in it made anew; stubs that were not selected are `Unopened`.

        Args:
            bag: A bag, or a state that was opened before in part.
            selection: What is read.
            is_state: Whether it is such a state, in which only `Unopened` objects are stubs.
            below: Where in a state it stands.
        """
        checker = self._checker()
        found = walk(bag, selection, is_state=is_state, below=below, signatures=checker)
        wholes = [(site, _whole(site)) for site in found.sites]
        # By place: one blob may stand in many, and is read only once.
        self._fetcher.check_given(sum(stub.size for _, stub in wholes))
        cut = [(site, base) for site, stub in wholes if isinstance(base := _base_of(stub), Pieces)]
        self._read_ahead(wholes)
        indexes = self._expand(cut)
        texts = self._fetch(wholes, indexes)
        # Innermost first, so that what stands beside a rest's stub is whole when it is merged.
        for site, stub in reversed(wholes):
            verified = _verified(stub, indexes.get(id(site)), texts, site.path)
            self._remember(verified, site.path)
            value = self._decoded(verified.text, stub.kind, stub.count, site.path)
            site.container[site.key] = _merged(value, site)
        return found.root[0]

    def item(self, stub: Pieces, index: int, path: Path) -> Any:
        """One item of a cut array, reading one piece and the index nodes above it."""
        members: tuple[Entry, ...] = stub.entries
        while True:
            for entry in members:
                if index < entry.count:
                    break
                index -= entry.count
            else:
                return self._tail_item(stub, index, path)
            self._confinement.check(entry.blob, path)
            text = self._fetcher.texts([entry.blob])[entry.blob]
            if entry.level == 0:
                return self._decoded(text, stub.kind, entry.count, path)[index]
            members = read_node(text, entry, render_path(path))

    def listed(self, node: Entry, path: Path) -> tuple[Entry, ...]:
        """What an index node lists."""
        self._confinement.check(node.blob, path)
        return read_node(self._fetcher.texts([node.blob])[node.blob], node, render_path(path))

    def piece(self, entry: Entry, kind: str, path: Path) -> Any:
        """The items or members of one piece."""
        self._confinement.check(entry.blob, path)
        text = self._fetcher.texts([entry.blob])[entry.blob]
        return self._decoded(text, kind, entry.count, path)

    def tail(self, stub: Pieces, path: Path) -> Any:
        """The newest items or members of a value in pieces that has a tail."""
        tail = stub.tail
        if isinstance(tail, Carried):
            return self._decoded(verified_carried(tail).text, stub.kind, tail.count, path)
        assert tail is not None  # asked by whoever calls
        return self.piece(Entry(tail.blob, tail.count, tail.size), stub.kind, path)

    def checked(self, stub: Stub, body: dict[str, Any], path: Path) -> Opener:
        """An opener that asks for no signature of a stub that has a good one.

        Raises:
            NotPermitted: It has none.
        """
        checker = self._checker()
        if checker is None:
            return self
        checker.check(stub, body, render_path(path))
        return Opener(self._fetcher, self._confinement, self._known, self._bases)

    def _checker(self) -> Checker | None:
        signatures = self._signatures
        return None if signatures is None else signatures.checker(self._confinement.allows)

    def _tail_item(self, stub: Pieces, index: int, path: Path) -> Any:
        assert stub.tail is not None  # the counts of a parsed stub add up
        if isinstance(stub.tail, Carried):
            text = verified_carried(stub.tail).text
        else:
            self._confinement.check(stub.tail.blob, path)
            text = self._fetcher.texts([stub.tail.blob])[stub.tail.blob]
        return self._decoded(text, stub.kind, stub.tail.count, path)[index]

    def _read_ahead(self, wholes: list[tuple[Site, Whole]]) -> None:
        """Ask for everything together with the index nodes, where any of those is not at hand.

        Otherwise an open would wait twice: for the nodes, and then for the rest.
        """
        nodes: list[Blob] = []
        wanted: list[Blob] = []
        advised: list[Extent] = []
        for site, whole in wholes:
            stub: Any = _base_of(whole)
            if isinstance(stub, Pieces):
                for entry in stub.entries:
                    self._confinement.check(entry.blob, site.path)
                    (nodes if entry.level else wanted).append(entry.blob)
                for extent in stub.reads:
                    self._confinement.check(extent, site.path)
                    advised.append(extent)
                stub = stub.tail
            if isinstance(stub, Stored):
                self._confinement.check(stub.blob, site.path)
                wanted.append(stub.blob)
        if not all(map(self._fetcher.has, nodes)):
            self._fetcher.read_ahead(wanted, advised)

    def _expand(self, cut: list[tuple[Site, Pieces]]) -> dict[int, _Index]:
        """The pieces of each cut value, read level by level from the nodes that list them."""
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

    def _fetch(self, wholes: list[tuple[Site, Any]], indexes: dict[int, _Index]) -> Texts:
        blobs: list[Blob] = []
        for site, whole in wholes:
            stub: Any = _base_of(whole)
            if stub is not whole:
                self._fetcher.reckon(1, stub.size)
            if isinstance(stub, Pieces):
                blobs.extend(entry.blob for entry in indexes[id(site)].entries)
                stub = stub.tail
            if isinstance(stub, Stored):
                self._confinement.check(stub.blob, site.path)
                blobs.append(stub.blob)
            elif isinstance(stub, Carried):
                self._fetcher.reckon(1, stub.size)
        texts = self._fetcher.texts(blobs)
        self._known.add_texts(texts)
        return texts

    def _remember(self, verified: Verified, path: Path) -> None:
        kept = self._bases.add(path, verified)
        base = verified.base or verified
        if verified.base is not None:
            self._known.add_value(verified)
        # The digest of a value in pieces is not at hand; where its text is kept, none is needed.
        if isinstance(base.stub, Stored) or (isinstance(base.stub, Pieces) and not kept):
            self._known.add_value(base)

    def _decoded(self, text: bytes, kind: str | None, count: int, path: Path) -> Any:
        """The value, compared with what the stub says of it."""
        self._fetcher.reckon_values(text)
        try:
            value = json_text.decode(text, reckoned=True)
        except BlobCorrupt as error:
            error.path = render_path(path)
            raise
        if kind is None:
            return value
        if not isinstance(value, list if kind == "array" else dict) or len(value) != count:
            raise InvalidStub("a stub does not say what its value is", path=render_path(path))
        return value


class _Index(msgspec.Struct):
    """What a value in pieces lists, and the packs that the lists themselves were read from."""

    entries: tuple[Entry, ...]
    packs: set[str]


def _whole(site: Site) -> Whole:
    stub = site.stub.whole if isinstance(site.stub, Rest) else site.stub
    assert not isinstance(stub, Escaped | Rest)  # escaped data has no site
    return stub


def _base_of(stub: Whole) -> Stored | Carried | Pieces:
    """What must be read: for a patched value what its patch starts from."""
    return stub.base if isinstance(stub, Patched) else stub


def _verified(whole: Whole, index: _Index | None, texts: Texts, path: Path) -> Verified:
    """What a stub's own bytes give."""
    stub = _base_of(whole)
    if isinstance(stub, Pieces):
        assert index is not None  # expanded before
        base = verified_pieces(stub, index.entries, index.packs, texts, path)
    elif isinstance(stub, Stored):
        base = verified_stored(stub, texts)
    else:
        base = verified_carried(stub)
    return verified_patched(whole, base) if isinstance(whole, Patched) else base


def _merged(value: Any, site: Site) -> Any:
    """What a rest's object is, with the fields beside its stub in their places."""
    if site.siblings is None:
        return value
    if not isinstance(value, dict):
        raise InvalidStub("a rest is no object", path=render_path(site.path))
    return {**value, **site.siblings}
