"""Convert an answer of botocore to the JSON value that Step Functions gives a Task.

Names are PascalCase, times are ISO text in UTC, bytes and bodies are their text.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from statebag.aws_sdk.java_names import pascal_case
from statebag.errors import InvalidState, LimitExceeded
from statebag.format.paths import Path, render_path

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["as_json", "too_large"]

_CHUNK = 1024 * 1024  # bytes of a body read at once. Chosen: a large one is noticed early


def as_json(
    value: Any,
    shape: Any,
    room: int,
    call: str,
    path: Path = (),
) -> Any:
    """Return a part of an answer as a JSON value.

    Args:
        value: What botocore returned.
        shape: Its shape in the model; None if the model has none.
        room: Bytes that a body may have.
        call: What was called, for messages.
        path: Where it is in the answer.

    Raises:
        InvalidState: Bytes that are not UTF-8 text, which JSON cannot hold.
        LimitExceeded: A body is larger than `room`.
    """
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, bytes | bytearray):
        return _text(bytes(value), call, path)
    if callable(getattr(value, "read", None)):
        return _text(_read(value.read, room, call), call, path)
    if isinstance(value, dict):
        return _object(value, shape, room, call, path)
    if isinstance(value, list | tuple):
        member = getattr(shape, "member", None)
        return [as_json(one, member, room, call, (*path, i)) for i, one in enumerate(value)]
    return value


def _object(value: dict[Any, Any], shape: Any, room: int, call: str, path: Path) -> dict[str, Any]:
    kind = getattr(shape, "type_name", None)
    if kind != "structure" or getattr(shape, "is_document_type", False):
        inner = getattr(shape, "value", None) if kind == "map" else None
        return {
            str(key): as_json(one, inner, room, call, (*path, str(key)))
            for key, one in value.items()
        }
    return {
        pascal_case(key): as_json(
            one, shape.members.get(key), room, call, (*path, pascal_case(key))
        )
        for key, one in value.items()
    }


def _instant(time: datetime) -> str:
    """Return a time as Java's Instant prints it: a fraction of three or six digits, or none."""
    utc = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    unit = "microseconds" if utc.microsecond % 1000 else "milliseconds"
    text = utc.isoformat(timespec=unit if utc.microsecond else "seconds")
    return text.removesuffix("+00:00") + "Z"


def _read(read: Callable[[int], bytes], room: int, call: str) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := read(_CHUNK):
        size += len(chunk)
        if size > room:
            raise too_large(call, room)
        chunks.append(chunk)
    return b"".join(chunks)


def _text(value: bytes, call: str, path: Path) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InvalidState(
            f"{call} answers with {len(value):,} bytes that are not UTF-8 text, from byte "
            f"{error.start:,} on",
            path=render_path(path),
            hint="JSON cannot hold them: read them in a function of your own, or call an action "
            "that answers with text.",
        ) from None


def too_large(call: str, room: int) -> LimitExceeded:
    """Return the error of an answer that is larger than one open may give."""
    return LimitExceeded(
        f"{call} answers with more than {room:,} bytes",
        hint="Narrow the call, or raise STATEBAG_MAX_OPEN_BYTES and the memory of the functions.",
    )
