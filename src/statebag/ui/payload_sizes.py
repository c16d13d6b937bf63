"""Measure a payload: as the engine counts it, and as it would be if nothing were sealed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from statebag.asl.payload import payload_size
from statebag.errors import StatebagError
from statebag.format import json_text
from statebag.format.derived import parse_beside
from statebag.format.json_depth import loads
from statebag.format.stub import KEY
from statebag.opening.inspection import inspect

__all__ = ["PayloadSizes", "sizes_of"]

_MARK = f'"{KEY}"'


@dataclass(frozen=True, slots=True)
class PayloadSizes:
    """Facts about one payload that need no read of the store.

    Attributes:
        sealed: Its bytes as the payload limit counts them.
        opened: Bytes of the opened state's JSON text.
        packs: The packs that its stubs name; an index may name more.
    """

    sealed: int
    opened: int
    packs: tuple[str, ...] = ()


def sizes_of(text: str) -> PayloadSizes:
    """Return the sizes of a payload.

    A payload that cannot be read, such as one with a forged stub, counts as it is.

    Args:
        text: Its JSON text.
    """
    plain = len(text.encode("utf-8", "surrogatepass"))
    if _MARK not in text:
        return PayloadSizes(plain, plain)
    try:
        value = _decoded(text)
        sealed = payload_size(value)
        opened, packs = _opened(value, sealed)
    except (StatebagError, ValueError, RecursionError):
        return PayloadSizes(plain, plain)
    return PayloadSizes(sealed, opened, tuple(sorted(packs)))


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return loads(text)


def _opened(value: Any, sealed: int) -> tuple[int, set[str]]:
    """Return the opened size, and the packs; much faster than `inspect`, which lists all fields."""
    packs: set[str] = set()
    size = sealed
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            if KEY not in one:
                pending.extend(one.values())
                continue
            stub, siblings = parse_beside(one, "$")
            if stub.is_data:
                size += len(json_text.encode(stub.original)) - payload_size(one)
                continue
            packs |= stub.packs()
            if stub.beside is not None:
                # Sizes next to a rest's stub need the care that `inspect` takes.
                size += inspect(one).root.size - payload_size(one)
                packs.update(use.name for use in inspect(siblings).packs)
                continue
            size += stub.whole.size - payload_size(one)
        elif isinstance(one, list):
            pending.extend(one)
    return size, packs
