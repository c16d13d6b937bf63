"""Keep a state on few packs: where a new one would be too many, it absorbs the smallest.

Without it, a state of many fields, each changed in a different step, would need one request for
each field. Values at hand move without a request; unopened ones are read for this
(docs/design/0027).
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from statebag.errors import StatebagError
from statebag.format.extents import joined
from statebag.format.index import read_node
from statebag.format.names import scope_of
from statebag.format.paths import render_path
from statebag.sealing.parts import changed, what_leaves

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from statebag.format.paths import Path
    from statebag.format.stub import Blob, Entry, Extent
    from statebag.opening.fetch import Fetcher
    from statebag.opening.verified import Verified
    from statebag.sealing.leaving import Leaving, Single
    from statebag.sealing.parts import Part, Unread
    from statebag.sealing.plan import Planner

    Merged = tuple[Part, frozenset[str]]

__all__ = ["Move", "compact", "which_move"]

# What a new pack absorbs is no more than this many times what is new, so that no single step pays
# for many. Chosen: far above what the growing workloads need.
_MOST_TIMES = 64
# By this power of the requests that packs send, their merge may write more. Measured in
# docs/design/0027, with 2, 2.5 and 3.
_POWER = 3
# Packs of the seal's own scope, with the new one, however many of other scopes there are; half of
# `max_packs`, if that is more. Chosen: with one, each seal would write all of them again.
_OWN_AT_LEAST = 2
# Bytes that count as new at least. Chosen: the limit is 1 MiB then, which takes about as long to
# write as the request for it.
_LEAST_NEW = 16 * 1024


class Move:
    """Packs that a bag is to stop referring to; reads what is in them, and cuts it again.

    Args:
        packs: Their names.
        planner: The planner of the seal.
        fetcher: Reads values that are not at hand.
    """

    def __init__(self, packs: frozenset[str], planner: Planner, fetcher: Fetcher) -> None:
        self.packs = packs
        self.scope = planner.scope
        self.level = planner.policy.compression_level
        self._cutter = planner.forms.cutter
        self._fetcher = fetcher

    def single(self, value: Any, text: bytes, path: Path) -> Single:
        """Return a value as one blob that is not stored yet."""
        return self._cutter.single(value, text, path)

    def in_pieces(self, single: Single, read: Verified | None) -> Leaving:
        """Return a value in chunks, all of them stored; those that were read of it come first."""
        before = ((), b"") if read is None else (read.pieces, read.text)
        leaving = self._cutter.in_pieces(single, carried=True, before=before).storing()
        # The newest chunks too are stored one by one: later edits leave most of them as they are.
        return leaving.stored_in_pieces(_as_it_is, 0).storing()

    def read_ahead(self, unread: Sequence[Unread]) -> None:
        """Request what all parts have in these packs at once: one request for each pack."""
        blobs = [blob for some in unread for blob in some.blobs if blob.at in self.packs]
        advised = [one for some in unread for one in some.advised if one.at in self.packs]
        self._fetcher.read_ahead(dict.fromkeys(blobs), advised)

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
    named = [one for some in unread.values() for one in some.extents]
    fixed = set[str]().union(*[part.fixed() for part in parts])
    held: dict[str, int] = {}  # bytes of the blobs that can move, by pack
    for part in parts:
        for name, length in part.movable(planner.known):
            held[name] = held.get(name, 0) + length
    for one in named:
        held[one.at] = held.get(one.at, 0) + one.length
    fixed.update([one.at for one in named if scope_of(one.at) != planner.scope])
    gets = _gets(held.keys() | fixed, named)
    movable = {name: size for name, size in held.items() if name not in fixed}
    policy = planner.policy
    chosen = which_move(movable, gathered, gets, policy.max_packs, policy.max_open_requests)
    if not chosen:
        return root, frozenset()
    move = Move(chosen, planner, fetcher)
    move.read_ahead(list(unread.values()))
    parts = [_read(part, move) if unread[part.path].extents else part for part in parts]
    stays = {one.at for part in parts for one in part.unread().extents}
    move = Move(chosen - stays, planner, fetcher)
    return changed(root, {part.path: part.moved(move) for part in parts}), move.packs


def _as_it_is(single: Single) -> Leaving:
    return single


def _read(part: Part, move: Move) -> Part:
    try:
        return part.with_read(move)
    except StatebagError:
        return part  # it is handed on as it came


def _gets(packs: Iterable[str], named: Iterable[Extent]) -> dict[str, int]:
    """Return how many requests an open sends to each pack; one if all of it is at hand."""
    gets = dict.fromkeys(packs, 0)
    for one in joined(named):
        gets[one.at] += 1
    return {name: max(count, 1) for name, count in gets.items()}


def which_move(
    held: Mapping[str, int],
    gathered: int,
    gets: Mapping[str, int],
    most: int,
    requests: float = inf,
) -> frozenset[str]:
    """Return the smallest packs, as many as write least for the requests that later opens spare.

    Without packs that sent `m` requests, the next open sends `m` fewer, and the one after the next
    pack `m - 1` fewer, until there are `most` again: about half the square of `m` together. A merge
    of many also spares later ones a part of their bytes.

    Packs that cannot move leave some room for those that can: otherwise each seal would write all
    that its scope has again. Where that number of packs is too much for one step, those move of
    which the last is no larger than all that gathered before it: the number of packs grows, but no
    byte is written more often than its pack doubles.

    Args:
        held: The live bytes of each pack that can move.
        gathered: The bytes that are new.
        gets: The requests that an open sends to each pack that the bag refers to.
        most: How many requests an open may send, with that for the new pack, unless packs that
            cannot move send most of them.
        requests: How many requests one merge may send: what it cannot read as a whole would be read
            in vain by each seal.
    """
    smallest = sorted(held, key=lambda name: held[name])
    limit = gathered + _MOST_TIMES * max(gathered, _LEAST_NEW)
    left = sum(gets.values()) + 1
    stays = sum([count for name, count in gets.items() if name not in held])
    most = max(most, stays + min(most, max(_OWN_AT_LEAST, (most + 1) // 2)))
    if left <= most:
        return frozenset()
    spared = moving = doubled = 0
    best = (True, inf)
    fits = False
    for n, name in enumerate(smallest, 1):
        doubles = held[name] <= gathered
        gathered += held[name]
        spared += gets[name]
        is_small = gathered <= limit and spared <= requests
        if doubles and is_small:
            doubled = n
        found = (left - spared > most, gathered / spared**_POWER)
        if found < best:
            best, moving, fits = found, n, is_small
    return frozenset(smallest[: moving if fits else doubled])
