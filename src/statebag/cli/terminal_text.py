"""Text from anywhere, made fit for a terminal."""

from __future__ import annotations

__all__ = ["printable"]


def printable(text: str, longest: int | None = None) -> str:
    r"""A text in which nothing steers the terminal: what does not print is written as `\x1b`.

    Args:
        text: Any text, also with lone surrogates.
        longest: Characters after which it is cut short.
    """
    cut = text if longest is None or len(text) <= longest else f"{text[:longest]}..."
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in cut
    )
