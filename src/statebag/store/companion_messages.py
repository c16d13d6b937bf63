"""The messages between a forked process and its companion: frames of MessagePack.

A frame has the length of its message before it, in eight bytes with the most significant first.
"""

from __future__ import annotations

from datetime import datetime  # a field's type
from typing import BinaryIO

import msgspec

__all__ = ["Info", "Reply", "Request", "Variables", "frame", "receive", "send"]

_LENGTH_BYTES = 8  # of a frame. Chosen: any size that memory holds

# Bytes, since a variable need not be valid text.
Variables = list[tuple[bytes, bytes]]


class Request(msgspec.Struct, array_like=True):
    """One call of a store's method.

    Attributes:
        number: The number that the answer repeats.
        url: The store's address.
        options: The store's options.
        variables: The variables, at the time when the store was made, that decide its server and
            credentials.
        method: `put`, `put_if`, `get`, `get_version`, `get_ranges`, `head`, `list`, `more`,
            `delete`, or `there`, which is answered at once.
        name: The name of the object, or the prefix of a listing.
        data: The bytes of a put.
        spans: The spans of a range read.
        seconds: The time until the deadline; None if there is none.
        version: The version for `put_if`.
        listing: For `more`: the number of the request that began the listing.
    """

    number: int
    url: str
    options: dict[str, str]
    variables: Variables
    method: str
    name: str
    data: bytes = b""
    spans: list[tuple[int, int]] = []
    seconds: float | None = None
    listing: int = 0
    version: str | None = None


class Info(msgspec.Struct, array_like=True):
    """The name, size and time of an object."""

    name: str
    size: int
    modified: datetime


class Reply(msgspec.Struct, array_like=True):
    """The result of a call, or its error."""

    number: int
    parts: list[bytes] = []
    infos: list[Info] = []
    error: tuple[str, str, str | None, str | None, str | None] | None = None
    is_busy: bool = False


def frame(message: msgspec.Struct) -> memoryview:
    """Return a message in the form in which it is sent."""
    data = msgspec.msgpack.encode(message)
    return memoryview(len(data).to_bytes(_LENGTH_BYTES, "big") + data)


def send(file: BinaryIO, message: msgspec.Struct) -> None:
    """Write a message to an unbuffered file."""
    rest = frame(message)
    while rest:  # unbuffered: a pipe takes what fits
        rest = rest[file.write(rest) :]


def receive(file: BinaryIO) -> bytes | None:
    """Return the next frame; None at the end."""
    length = _exactly(file, _LENGTH_BYTES)
    return None if length is None else _exactly(file, int.from_bytes(length, "big"))


def _exactly(file: BinaryIO, length: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < length:
        part = file.read(min(length - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)
