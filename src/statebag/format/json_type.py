"""Name the type of a value in a message with JSON's word, never with the value."""

from __future__ import annotations

from typing import Any

__all__ = ["json_type"]


def json_type(value: Any) -> str:
    """Return JSON's word for a value's type, with its article.

    Args:
        value: Any value; of an unopened one, the kind that its stub says.

    Returns:
        Such as "a list"; Python's name for the type if JSON has none.
    """
    if value is None:
        return "null"
    for kind, word in _WORDS.items():
        if isinstance(value, kind):
            return word
    of_stub = getattr(value, "kind", None)
    if of_stub in {"array", "object"}:
        return f"an unopened {of_stub}"
    return f"a {type(value).__qualname__}"


# A bool is an int for Python, so it stands first.
_WORDS: dict[type, str] = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    dict: "an object",
    list: "a list",
}
