"""An object's text in parts: those of its members, joined only if somebody needs the whole.

Of a large object, mostly the members leave, and only the length of the whole is asked for. To join
its text would copy everything once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MemberTexts"]


class MemberTexts:
    """The JSON text of an object: `len()` is its length, `bytes()` the text itself.

    Args:
        members: The texts of the names, each with that of its value.
    """

    __slots__ = ("_length", "_parts", "_whole")

    def __init__(self, members: Iterable[tuple[bytes, bytes]]) -> None:
        parts: list[bytes] = []
        for name, text in members:
            parts += (b",", name, b":", text)
        parts[:1] = [b"{"]  # instead of the first comma
        parts.append(b"}")
        self._parts = parts
        self._length = sum(map(len, parts))
        self._whole: bytes | None = None

    def __len__(self) -> int:
        return self._length

    def __bytes__(self) -> bytes:
        if self._whole is None:
            self._whole = b"".join(self._parts)
        return self._whole
