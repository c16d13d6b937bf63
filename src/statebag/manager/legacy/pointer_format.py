"""The forms of legacy pointers: one plain JSON object in the store for each value.

A pointer looks like ordinary data and has an absolute address. This module reads no object:
`pointers` does, only in places where a pointer can stand, and only below the root.

```
a field         {"type": "s3_reference", "s3_path", "size_kb", "stored_at"}
a whole state   {"__s3_offloaded": true, "__s3_path", "__original_size_kb", ...}
old history     {"type": "history_archive", "s3_path", "entry_count", "archived_at"}
compressed      {"type": "compressed", "data": base64(gzip(json)), "compressed_at"}
```
Each may have more keys. If it has `sha256`, the digest of the object's bytes is checked.
"""

from __future__ import annotations

import binascii
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from statebag.errors import BlobCorrupt, LimitExceeded
from statebag.format import json_text
from statebag.format.codec import sha256_hex
from statebag.format.json_type import json_type
from statebag.manager.control_fields import OF_ROUTERS
from statebag.manager.scheduling import FULL, SUMMARY, scheduling_summary

__all__ = [
    "FOLDER",
    "Pointer",
    "as_pointer",
    "compress_text",
    "decompress_text",
    "field_pointer",
    "fits_pointer",
    "history_pointer",
    "id_part",
    "is_pointer",
    "kilobytes",
    "object_key",
    "whole_pointer",
]

FOLDER = "workflow-state"
"""The folder in which the older writers put objects, each below the id of its state."""

_KEY_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.=@+-")

_LONGEST = 20  # characters of a router's value. Chosen: the pointer stays under 1 KB

PointerKind = Literal["field", "whole", "history", "compressed"]


class Pointer(msgspec.Struct, frozen=True):
    """A recognized pointer.

    Attributes:
        kind: One of the four forms.
        s3_path: The address; empty for `compressed`.
        sha256: The digest of the object's bytes; None if the pointer has none.
        data: The text of a `compressed` value.
    """

    kind: PointerKind
    s3_path: str = ""
    sha256: str | None = None
    data: str = ""


def as_pointer(value: object) -> Pointer | None:
    """Return the pointer that a JSON value is, or None for ordinary data."""
    if not isinstance(value, dict):
        return None
    digest = value.get("sha256")
    sha256 = digest if isinstance(digest, str) else None
    if value.get("__s3_offloaded") is True and isinstance(value.get("__s3_path"), str):
        return Pointer("whole", value["__s3_path"], sha256)
    kind = value.get("type")
    if not isinstance(kind, str):  # comparing an unopened value raises
        return None
    path = value.get("s3_path")
    if kind == "s3_reference" and isinstance(path, str):
        return Pointer("field", path, sha256)
    if kind == "history_archive" and isinstance(path, str):
        return Pointer("history", path, sha256)
    if kind == "compressed" and isinstance(value.get("data"), str):
        return Pointer("compressed", data=value["data"])
    return None


def is_pointer(value: dict[str, Any]) -> bool:
    """Return whether an object looks like a pointer, so that it must be escaped as data."""
    return as_pointer(value) is not None


def field_pointer(s3_path: str, text: bytes) -> dict[str, Any]:
    """Return the pointer of a field."""
    return {
        "type": "s3_reference",
        "s3_path": s3_path,
        "size_kb": kilobytes(len(text)),
        "stored_at": _now(),
        "sha256": sha256_hex(text),
    }


def history_pointer(s3_path: str, text: bytes, entry_count: int) -> dict[str, Any]:
    """Return the pointer at the head of a history, for all entries before the next one."""
    return {
        "type": "history_archive",
        "s3_path": s3_path,
        "entry_count": entry_count,
        "archived_at": _now(),
        "sha256": sha256_hex(text),
    }


def whole_pointer(s3_path: str, text: bytes, state: dict[str, Any]) -> dict[str, Any]:
    """Return the pointer of a whole state, which has less than 1 KB for any state.

    It has the fields that routers read: the two control fields, with their defaults, and the
    summary.
    """
    scheduling = state.get(FULL)
    pointer: dict[str, Any] = {
        "__s3_offloaded": True,
        "__s3_path": s3_path,
        "__original_size_kb": kilobytes(len(text)),
        "sha256": sha256_hex(text),
    }
    for name, default in OF_ROUTERS.items():
        value = state.get(name, default)
        pointer[name] = value if fits_pointer(value) else default
    if isinstance(scheduling, dict):
        pointer[SUMMARY] = scheduling_summary(scheduling)
    return pointer


def fits_pointer(value: Any) -> bool:
    """Return whether a field that routers read can have its own value next to a pointer.

    For any other value the field's default is there, and only the object has the value.
    """
    return isinstance(value, bool | int | float | str | None) and len(str(value)) <= _LONGEST


def object_key(idempotency_key: str, data_type: str, text: bytes) -> str:
    """Return `workflow-state/<idempotency_key>/<data_type>_<16 hex of the content>.json`."""
    digest = sha256_hex(text)[:16]
    return f"{FOLDER}/{id_part(idempotency_key)}/{id_part(data_type)}_{digest}.json"


def id_part(text: str) -> str:
    """Return an id as one path part: other characters become `_`, and a digest is added."""
    clean = "".join(one if one in _KEY_CHARACTERS else "_" for one in text[:160])
    if clean == text and clean.strip("."):
        return clean
    return f"{clean.strip('.') or 'x'}-{sha256_hex(text.encode('utf-8', 'surrogatepass'))[:12]}"


def compress_text(text: bytes) -> str:
    """Return text as base64 of gzip, the same each time: its header has no time."""
    import gzip

    packed = gzip.compress(text, 6, mtime=0)
    return binascii.b2a_base64(packed, newline=False).decode("ascii")


def decompress_text(data: object, max_bytes: int) -> bytes:
    """Return the bytes in what `compress_text` made.

    Raises:
        BlobCorrupt: It is not base64, or not one whole gzip member.
        LimitExceeded: The decompressed text is larger than `max_bytes`.
    """
    import gzip
    import io
    import zlib

    if not isinstance(data, str):
        raise BlobCorrupt(f"the compressed data must be a string, not {json_type(data)}")
    try:
        packed = binascii.a2b_base64(data, strict_mode=True)
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
            text = stream.read(max_bytes + 1)
    except (binascii.Error, ValueError, OSError, EOFError, zlib.error):
        raise BlobCorrupt("the compressed data is not gzip in base64") from None
    if len(text) > max_bytes:
        raise LimitExceeded(f"the compressed data decompresses to more than {max_bytes} bytes")
    return text


def decode_checked(text: bytes, pointer: Pointer, name: str) -> Any:
    """Return the value of an object's bytes, after comparing them with the pointer's digest if any.

    The caller checks how much memory the value takes.
    """
    if pointer.sha256 is not None and sha256_hex(text) != pointer.sha256:
        raise BlobCorrupt(
            "the object does not have the SHA-256 that its pointer names", object_name=name
        )
    return json_text.decode(text, name, reckoned=True)


def kilobytes(size: int) -> float:
    """Return bytes as KB of 1,024, rounded to two places."""
    return round(size / 1024, 2)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
