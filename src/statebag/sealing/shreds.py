"""Cut a text into shreds by its content: long strings, and values with large values inside.

A chunk of an array or object holds whole items, so one long string, or an array inside an item, is
one chunk, however long. Here a string is cut into strings, and an array or object inside an item
is cut by itself. An array of these shreds is the base of a delta that puts them back into place. A
small edit changes one shred.

The bytes before a place decide whether a shred ends there, as in `cutting`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zlib import crc32

import msgspec

from statebag.errors import BlobCorrupt
from statebag.format.codec import sha256_hex
from statebag.format.json_text import split_items
from statebag.sealing.cutting import cut, sizes_of_pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statebag.format.stub import Entry, Kind

__all__ = ["Shred", "shreds_of"]

# Bytes. Chosen: a shorter text takes less in the delta than a row of the index.
_LEAST_SHRED = 512
_DEEPEST = 16  # levels that are cut inside one another. Chosen: each is a pass of the text
# A string that is larger is cut into shreds of so many times the size. Chosen: its delta takes
# eight or nine bytes for each shred, and that of 60 MB, which has 900, still travels in a bag.
_LONG_STRINGS = ((24 * 1024 * 1024, 4), (8 * 1024 * 1024, 2))

# A place may be an end where the bits of the bytes before it, one for each, make such a pattern.
# The parity of a byte is that bit: it is as often 0 as 1 among letters, digits and in UTF-8. The
# others serve texts of few words or letters, in which the first is rare.
_PARITY = bytes(byte.bit_count() & 1 for byte in range(256))
_LAST_BIT = bytes(byte & 1 for byte in range(256))
_PATTERNS = (
    (_PARITY, bytes([1, 1, 0, 1, 0, 0, 0, 1, 1, 0])),
    (_PARITY, bytes([0, 1, 0, 0, 1, 1])),
    (_LAST_BIT, bytes([0, 1])),
)
_CONTEXT = 32  # bytes whose checksum decides. Chosen: a few words
_FARTHER = 64  # bytes that an end is moved at most, to lie across nothing. Chosen: a few escapes
_AROUND = len(b'[""]')  # bytes of a shred's text around the bytes that are the string's
_CRC_RANGE = 1 << 32  # values of a CRC of 32 bits
_LONGEST_ESCAPE = 6  # bytes: a backslash, `u` and four digits
_KEY = re.compile(rb'"(?:[^"\\]|\\.)*":')


class Shred(msgspec.Struct, frozen=True):
    """A part of a text, as the text of an array.

    Attributes:
        text: The text of the array.
        count: Its items.
        sha256: Of the text, if it is known.
    """

    text: bytes
    count: int
    sha256: str = ""


def shreds_of(
    text: bytes, kind: Kind | None, aim: int, before: Sequence[Entry] = ()
) -> list[Shred]:
    """Return the shreds of a value's JSON text, in order; short texts between them are left out.

    Args:
        text: A string's, array's or object's text; other values have no shreds.
        kind: As in stubs.
        aim: Bytes that a shred has on average, as of a chunk.
        before: The shreds of a string's earlier value, if its text is not at hand.
    """
    if kind is None and before:
        return _shreds_around(text, before, aim)
    found: list[Shred] = []
    try:
        _shred(text, kind, aim, found, _DEEPEST)
    except BlobCorrupt:
        return []  # keys that stand twice in an object's text
    return found


def _shred(text: bytes, kind: Kind | None, aim: int, found: list[Shred], levels: int) -> None:
    if kind is None:
        if text.startswith(b'"'):
            _shred_string(text, 1, len(text) - 1, _aim_of_string(text, aim), found)
        return
    _, largest = sizes_of_pieces(aim)
    run: list[bytes] = []
    for item in split_items(text, kind):
        if len(item) <= largest or not levels:
            run.append(item)
            continue
        _shred_run(run, kind, aim, found)
        run = []
        key = _KEY.match(item) if kind == "object" else None
        value = item[key.end() :] if key else item
        _shred(value, _KINDS.get(value[:1]), aim, found, levels - 1)
    _shred_run(run, kind, aim, found)


_KINDS: dict[bytes, Kind] = {b"[": "array", b"{": "object"}


def _shred_run(items: list[bytes], kind: Kind, aim: int, found: list[Shred]) -> None:
    """Add the shreds of some items or members in a row."""
    runs, last = cut(items, aim)
    for run in [*runs, last]:
        inside = b",".join(run)
        if len(inside) < _LEAST_SHRED:
            continue
        is_array = kind == "array"
        found.append(
            Shred(b"[%b]" % inside, len(run)) if is_array else Shred(b"[{%b}]" % inside, 1)
        )


def _aim_of_string(text: bytes, aim: int) -> int:
    return next((times * aim for size, times in _LONG_STRINGS if len(text) > size), aim)


def _shreds_around(text: bytes, before: Sequence[Entry], aim: int) -> list[Shred]:
    """Return the shreds of a string, most of which are found again by their digests.

    If the next earlier shred does not follow, one is cut. If the cut one is an earlier shred, those
    after it are searched again. So each edit costs two or three cuts.
    """
    aim = _aim_of_string(text, aim)
    least, largest = sizes_of_pieces(aim)
    places = {one.sha256: n for n, one in enumerate(before)}
    found: list[Shred] = []
    start, stop, following = 1, len(text) - 1, 0
    while start < stop:
        earlier = before[following] if following < len(before) else None
        end = start + earlier.size - _AROUND if earlier is not None else stop
        is_last = end == stop  # what ends a string may be short
        if earlier is not None and end <= stop and (is_last or least <= end - start <= largest):
            whole = b'["%b"]' % text[start:end]
            if sha256_hex(whole) == earlier.sha256:
                found.append(Shred(whole, 1, earlier.sha256))
                start, following = end, following + 1
                continue
        end = _end(text, start, stop, aim)
        whole = b'["%b"]' % text[start:end]
        digest = sha256_hex(whole)
        found.append(Shred(whole, 1, digest))
        start, following = end, places.get(digest, len(before)) + 1
    return found


def _shred_string(text: bytes, start: int, stop: int, aim: int, found: list[Shred]) -> None:
    """Add the shreds of a string: strings, none of which ends within a character or an escape."""
    while start < stop:
        end = _end(text, start, stop, aim)
        found.append(Shred(b'["%b"]' % text[start:end], 1))
        start = end


def _end(text: bytes, start: int, stop: int, aim: int) -> int:
    """Return where a shred that starts at a place ends."""
    least, largest = sizes_of_pieces(aim)
    last = min(start + largest, stop)
    inside = text[start:last]
    for bits, pattern in _PATTERNS:
        marks = inside.translate(bits)
        before = place = least
        while (place := marks.find(pattern, place)) >= 0:
            place += len(pattern)
            checksum = crc32(inside[max(place - _CONTEXT, 0) : place])
            if checksum * aim < (place - before) * _CRC_RANGE:
                end = _next_parting(text, start + place, min(start + place + _FARTHER, stop))
                if end:
                    return end
            before = place
        if last == stop:
            return stop
    return _next_parting(text, last, stop) or stop


def _next_parting(text: bytes, place: int, stop: int) -> int:
    """Return the next place that is not inside a character or an escape; 0 if there is none."""
    while place < stop:
        in_character = text[place] & 0xC0 == 0x80
        if not in_character and b"\\" not in text[place - _LONGEST_ESCAPE : place]:
            return place
        place += 1
    return 0
