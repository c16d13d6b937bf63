"""Make text from any source harmless for a terminal.

A name, an error or a value may hold characters that steer a terminal (colours, the title, the
cursor), change the direction of text, or are invisible. They are shown as escapes.
"""

from __future__ import annotations

import re

__all__ = ["harmless", "json_escaped", "printable"]

# Unicode's categories Cc (control), Cf (format: direction, zero width, tags), Cs (half a pair),
# Zl and Zp (line and paragraph separator), without the line feed and the tab. A test compares this
# with the tables of the Python that runs it.
_STEERING = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    "\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
_IN_TEXT = re.compile(f"[{_STEERING}]")
_IN_A_LINE = re.compile(f"[\t\n{_STEERING}]")


def harmless(text: str) -> str:
    r"""Return a text in which nothing steers the terminal; line ends and tabs stay.

    Characters that could are written as in Python: `\x1b`, `\u202e`.
    """
    return _IN_TEXT.sub(_escape, text)


def printable(text: str, longest: int | None = None) -> str:
    r"""Return a text in which nothing steers the terminal; a line end is written as `\n`.

    Args:
        text: Any text, also with lone surrogates.
        longest: The number of characters after which it is cut.
    """
    cut = text if longest is None or len(text) <= longest else f"{text[:longest]}..."
    return _IN_A_LINE.sub(_escape, cut)


def json_escaped(text: str) -> str:
    r"""Return JSON text of the same value in which nothing steers the terminal: `\u202e`."""
    return _IN_TEXT.sub(_json_escape, text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
