"""Make the checks of every backend: names stay below the root, and spans are possible.

The layers above check names against a stricter pattern. A backend repeats the part that confines
it, so that a caller's omission cannot let a payload reach outside the root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.errors import BlobCorrupt, NotPermitted
from statebag.format.names import is_shown
from statebag.format.paths import render_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statebag.format.paths import Path

__all__ = [
    "check_spans",
    "confined_parts",
    "is_confined",
    "name_below",
    "printable",
    "shown",
    "too_short",
]

# Object stores and file systems count positions as signed integers of 64 bits.
_LAST_POSITION = 2**63 - 1
_CONTROL = frozenset(map(chr, [*range(32), 127]))


def confined_parts(name: str) -> list[str]:
    """Return the parts of a relative name, in order.

    Raises:
        NotPermitted: The name is absolute, is empty, has an empty part, `.` or `..`, or holds
            a backslash or a control character, which have a meaning in some backends.
    """
    parts = name.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        raise NotPermitted(
            "the name leads out of the store's root",
            object_name=printable(name),
            hint="Names are relative paths without empty parts, '.' or '..'",
        )
    if "\\" in name or not set(name).isdisjoint(_CONTROL):
        raise NotPermitted(
            "the name holds a backslash or a control character",
            object_name=printable(name),
            hint="Percent-encode such characters",
        )
    try:
        name.encode()
    except UnicodeEncodeError:
        raise NotPermitted(
            "the name is not valid Unicode text",
            object_name=printable(name),
            hint="Percent-encode what is not text",
        ) from None
    return parts


def is_confined(name: str) -> bool:
    """Return whether a name is one that `confined_parts` takes."""
    try:
        confined_parts(name)
    except NotPermitted:
        return False
    return True


def name_below(url: str, s3_path: str, path: Path = ()) -> str:
    """Return the name, relative to the root, of the object at an absolute address.

    Raises:
        NotPermitted: The address is not below the root, or could lead out of it.
    """
    root = url.rstrip("/") + "/"
    name = s3_path[len(root) :]
    parts = name.split("/")
    safe = all(part not in {"", ".", ".."} for part in parts) and is_shown(name)
    if not s3_path.startswith(root) or not safe or "\\" in name or "%2" in name.lower():
        raise NotPermitted(
            "the pointer names an object outside the configured root",
            path=render_path(path),
            hint=f"Objects are read below {root} only.",
        )
    return name


def printable(name: str) -> str:
    """Return a refused name for one line of a message: escaped, with at most 200 characters."""
    return name[:200].encode("unicode_escape").decode("ascii")


def shown(name: str) -> str:
    """Return an untrusted name for a terminal: unchanged, or escaped."""
    return name if name.isprintable() else name.encode("unicode_escape").decode("ascii")


def check_spans(name: str, spans: Sequence[tuple[int, int]]) -> None:
    """Refuse `(offset, length)` spans that no object can have.

    Raises:
        BlobCorrupt: An offset or a length is negative, or the end is larger than any store counts.
    """
    for offset, length in spans:
        if offset < 0 or length < 0 or offset + length > _LAST_POSITION:
            raise BlobCorrupt(
                f"the span of {length} bytes at offset {offset} is not possible in an object",
                object_name=name,
            )


def too_short(name: str, offset: int, length: int) -> BlobCorrupt:
    """Return the error for a span that the object does not hold in full."""
    return BlobCorrupt(
        f"the object ends before the span of {length} bytes at offset {offset}",
        object_name=name,
        hint="It was cut short or replaced after it was written; a replica may have an intact copy",
    )
