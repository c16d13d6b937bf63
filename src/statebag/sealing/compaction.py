"""Keep a state on few packs: a pack that is written anyway takes smaller ones along.

Without it a state of many fields, each changed at another step, would need one request for
each field. What is at hand moves without a request; what was not opened is read for it
(docs/design/0027).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import StatebagError
from statebag.format.index import read_node
from statebag.format.names import scope_of
from statebag.format.paths import render_path
from statebag.sealing.parts import changed, what_leaves

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from statebag.format.paths import Path
    from statebag.format.stub import Blob, Entry, Extent
    from statebag.opening.fetch import Fetcher
    from statebag.opening.verified import Verified
    from statebag.sealing.leaving import Leaving, Single
    from statebag.sealing.parts import Part
    from statebag.sealing.plan import Planner

    Merged = tuple[Part, frozenset[str]]

__all__ = ["Move", "compact"]

# A pack moves if its live bytes are no more than this many times what gathered before it. Measured
# in docs/design/0027: of 0.5, 1 and 2, only with 1 both requests and bytes stay within their goals.
_RATIO = 1
# What one pack takes along is no more than this many times what is new, so that no single step pays
# for many. Chosen: far above what the growing workloads need.
_MOST_TIMES = 64
# What was not opened is read, to be merged, where a bag would else have so many times `max_packs`.
# Measured in docs/design/0028.
_TIMES_UNREAD = 2
_LEAST_NEW = 4096  # bytes that count as new at least. Chosen: small packs may always merge


class Move:
    """Packs that a bag is not to refer to any more; reads what lies there and cuts it again.

    Args:
        packs: Their names.
        planner: Of the seal.
        fetcher: Reads what is not at hand.
    """

    def __init__(self, packs: frozenset[str], planner: Planner, fetcher: Fetcher) -> None:
        self.packs = packs
        self.scope = planner.scope
        self.level = planner.policy.compression_level
        self._cutter = planner.cutter
        self._fetcher = fetcher

    def single(self, value: Any, text: bytes, path: Path) -> Single:
        """Return a value as one blob that is not stored yet."""
        return self._cutter.single(value, text, path)

    def in_pieces(self, single: Single, read: Verified | None) -> Leaving:
        """Return a value in pieces, at its start those that were read of it."""
        before = ((), b"") if read is None else (read.pieces, read.text)
        return self._cutter.in_pieces(single, carried=True, before=before)

    def read_ahead(self, blobs: Sequence[Blob], extents: Sequence[Extent]) -> None:
        """Ask for blobs of these packs, and for what else is wanted there, all side by side."""
        self._fetcher.read_ahead(blobs, extents)

    def texts(self, blobs: Sequence[Blob]) -> Mapping[Blob, bytes]:
        """Return the verified text of each blob."""
        return self._fetcher.texts(blobs)

    def listed(self, nodes: Sequence[Entry], path: Path) -> dict[Entry, tuple[Entry, ...]]:
        """Return what each index node lists."""
        texts = self.texts([node.blob for node in nodes])
        return {node: read_node(texts[node.blob], node, render_path(path)) for node in nodes}


def compact(root: Part, planner: Planner, fetcher: Fetcher) -> Merged:
    """Return the plan that rewrites the blobs of smaller packs, and these packs.

    Args:
        root: A plan that fits.
        planner: For the policy's `max_packs` and for the forms of values.
        fetcher: Reads what is not at hand, from packs of the seal's own scope.
    """
    parts = what_leaves(root)
    gathered = sum([part.new_bytes for part in parts])
    if not gathered:
        return root, frozenset()  # no pack is written
    unread = {part.path: part.unread() for part in parts}
    fixed = set[str]().union(*[part.fixed() for part in parts])
    held: dict[str, int] = {}  # bytes of the blobs that can move, by pack
    for part in parts:
        for name, length in [*part.movable(planner.known), *unread[part.path]]:
            held[name] = held.get(name, 0) + length
    for named in unread.values():
        fixed.update([name for name, _ in named if scope_of(name) != planner.scope])
    packs = len(held.keys() | fixed)
    if packs < planner.policy.max_packs:
        return root, frozenset()
    if packs + 1 < _TIMES_UNREAD * planner.policy.max_packs:
        fixed.update([name for named in unread.values() for name, _ in named])
    chosen = _smallest({name: n for name, n in held.items() if name not in fixed}, gathered)
    if not chosen:
        return root, frozenset()
    move = Move(chosen, planner, fetcher)
    parts = [_read(part, move) if unread[part.path] else part for part in parts]
    left = {name for part in parts for name, _ in part.unread()}
    move = Move(chosen - left, planner, fetcher)
    return changed(root, {part.path: part.moved(move) for part in parts}), move.packs


def _read(part: Part, move: Move) -> Part:
    try:
        return part.with_read(move)
    except StatebagError:
        return part  # it is handed on as it came


def _smallest(held: Mapping[str, int], gathered: int) -> frozenset[str]:
    """Return the smallest packs, up to the last one not larger than all before it together."""
    smallest = sorted(held, key=lambda name: held[name])
    most = gathered + _MOST_TIMES * max(gathered, _LEAST_NEW)
    moving = 0
    for n, name in enumerate(smallest, 1):
        fits = gathered + held[name] <= most
        if fits and held[name] <= _RATIO * gathered:
            moving = n
        gathered += held[name]
    return frozenset(smallest[:moving])
