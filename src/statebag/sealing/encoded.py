"""A text on its way into a pack or a bag."""

from __future__ import annotations

from statebag.format.codec import compress, sha256_hex

__all__ = ["Encoded"]


class Encoded:
    """A value's text, with its digest and frame, each made when it is first asked for.

    Args:
        text: The text.
        level: zstd's level.
        sha256: The digest, if it is known.
        frame: The frame, if it came in a bag: it is passed on as it is, whatever codec made it.
    """

    __slots__ = ("_frame", "_level", "_sha256", "text")

    def __init__(self, text: bytes, level: int, sha256: str = "", frame: bytes = b"") -> None:
        self.text = text
        self._level = level
        self._sha256 = sha256
        self._frame = frame

    @property
    def sha256(self) -> str:
        """Of the text."""
        if not self._sha256:
            self._sha256 = sha256_hex(self.text)
        return self._sha256

    @property
    def frame(self) -> bytes:
        """The compressed text."""
        if not self._frame:
            self._frame = compress(self.text, self._level)
        return self._frame

    def came_as(self, sha256: str, frame: bytes = b"") -> Encoded:
        """Return this text with a digest and a frame that are known already."""
        return Encoded(self.text, self._level, sha256, frame)
