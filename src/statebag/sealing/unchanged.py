"""Find the chunks that a value still has by their digests: its earlier text is not at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from statebag.format.codec import sha256_hex
from statebag.sealing.cutting import Piece

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statebag.format.stub import Carried, Entry, Stored

__all__ = ["Around", "Unchanged", "unchanged"]


class Around(msgspec.Struct, frozen=True):
    """The text of a chunk around the bytes that belong to the value.

    Attributes:
        opening: The text before them.
        closing: The text after them.
        between: The value's text between those of two chunks.
    """

    opening: bytes
    closing: bytes
    between: bytes


class Unchanged(msgspec.Struct, frozen=True):
    """The chunks that a value begins and ends with, and the place of the bytes between them.

    Attributes:
        first: The chunks at its start.
        last: The chunks at its end.
        start: Where the bytes that must be cut begin.
        stop: Where they end.
        tail: Where the tail begins that follows `last`; None if the value does not end so.
    """

    first: list[Piece]
    last: list[Piece]
    start: int
    stop: int
    tail: int | None = None


def unchanged(
    text: bytes,
    entries: Sequence[Entry],
    around: Around,
    sizes: tuple[int, int],
    tail: Stored | Carried | None = None,
) -> Unchanged:
    """Return which of a value's earlier chunks it still begins and ends with.

    Args:
        text: The value's text, whose first and last byte are in no chunk.
        entries: The earlier chunks.
        around: The text of chunks around their part of the value.
        sizes: The bounds of a chunk; others, which an append may leave, are cut again.
        tail: The earlier tail, after the chunks.
    """
    least, largest = sizes
    extra = len(around.opening) + len(around.closing)
    between = len(around.between)

    def piece(entry: Entry, at: int, least: int = least) -> Piece | None:
        length = entry.size - extra
        if not least <= length <= largest + extra:
            return None
        whole = b"%b%b%b" % (around.opening, text[at : at + length], around.closing)
        is_same = len(whole) == entry.size and sha256_hex(whole) == entry.sha256
        return Piece(whole, entry.count, entry.sha256) if is_same else None

    first: list[Piece] = []
    start, stop = 1, len(text) - 1
    for entry in entries:
        end = start + entry.size - extra
        if end > stop or (end < stop and not text.startswith(around.between, end)):
            break
        found = piece(entry, start)
        if found is None:
            break
        first.append(found)
        start = min(end + between, stop)
    last: list[Piece] = []
    end_of_all, tail_begins = stop, None
    if tail is not None and len(first) < len(entries):
        begin = stop - tail.size + extra
        if begin > start and text[begin - between : begin] == around.between:
            whole = b"%b%b%b" % (around.opening, text[begin:stop], around.closing)
            if sha256_hex(whole) == tail.digest:
                stop, tail_begins = begin - between, begin
    for entry in reversed(entries[len(first) :]):
        begin = stop - entry.size + extra
        if begin < start or text[begin - between : begin] != around.between:
            break
        found = piece(entry, begin, least if last else 0)  # the end of a value may be short
        if found is None:
            break
        last.append(found)
        stop = begin - between
    if last:  # one more is cut again: so the next begins where the content says
        stop += between + last.pop().size - extra
    if not last:
        return Unchanged(first, [], start, end_of_all)
    return Unchanged(first, last[::-1], start, stop, tail_begins)
