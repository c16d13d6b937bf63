"""Read several spans of an object with few requests, and no bytes that were not asked for."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from statebag.errors import BlobCorrupt, StoreUnavailable
from statebag.process.forking import Workers
from statebag.store.confinement import too_short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from obstore import GetResult

__all__ = ["body_of", "read_spans"]

# Two spans that lie closer than this are read by one request. Chosen (docs/design/0002): about what
# a store sends in the time that another request takes.
_GAP_BYTES = 1024 * 1024

# Spans of one object that lie far apart are read by so many requests at once, as the client's own
# call for several ranges does.
_windows_pool = Workers(10, "statebag-ranges")


def read_spans(
    name: str, spans: Sequence[tuple[int, int]], read: Callable[[int, int], bytes]
) -> list[bytes]:
    """Return the bytes of each span; spans that are near each other share a request.

    Args:
        name: The object's name.
        spans: `(offset, length)` in bytes; at least one is not empty.
        read: Returns the bytes from an offset up to another one, fewer at the object's end. Other
            threads call it.

    Raises:
        BlobCorrupt: The object ends before a span does.
    """
    windows = _windows(spans)
    bodies = _windows_pool.each(lambda window: read(*window), windows)
    starts = [start for start, _ in windows]
    answers = []
    for offset, length in spans:
        if length == 0:
            answers.append(b"")
            continue
        window = bisect_right(starts, offset) - 1
        begin = offset - starts[window]
        data = bodies[window][begin : begin + length]
        if len(data) != length:
            raise too_short(name, offset, length)
        answers.append(data)
    return answers


def body_of(answer: GetResult, length: int, name: str) -> bytes:
    """Return the body of an answer; reading stops as soon as it is too long.

    Args:
        answer: The client's answer, whose body has not been read.
        length: The largest number of bytes that the body may have.
        name: The object's name.

    Raises:
        StoreUnavailable: The body has more bytes.
        BlobCorrupt: This process cannot hold it.
    """
    parts: list[bytes] = []
    size = 0
    try:
        for chunk in answer.stream(min_chunk_size=length + 1):
            parts.append(bytes(chunk))
            size += len(parts[-1])
            if size > length:
                raise StoreUnavailable(
                    f"the store sent more than the {length:,} bytes of the request",
                    object_name=name,
                    hint="Another server or a proxy may have answered: check the endpoint.",
                )
        return parts[0] if len(parts) == 1 else b"".join(parts)
    except MemoryError:
        raise BlobCorrupt(
            f"the object has {length:,} bytes, more than this process can hold",
            object_name=name,
            hint="Another program has written it: statebag writes objects from memory.",
        ) from None


def _windows(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the `(start, end)` ranges to read, in order, which cover all spans."""
    windows: list[tuple[int, int]] = []
    for start, length in sorted(spans):
        if length == 0:
            continue
        if windows and start - windows[-1][1] <= _GAP_BYTES:
            windows[-1] = (windows[-1][0], max(windows[-1][1], start + length))
        else:
            windows.append((start, start + length))
    return windows
