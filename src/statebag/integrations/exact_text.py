"""Convert bytes to a JSON value that gives the same bytes back.

Frameworks usually pass bytes that are JSON. As a value, they are chunked and compared as states
are, so bytes that differ little from earlier ones cost only the difference.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

from statebag.errors import InvalidState
from statebag.format.json_check import check_json

__all__ = ["bytes_of", "value_of"]

# Styles in which JSON may have been written. Their indices are stored: new styles must come last.
_STYLES: tuple[dict[str, Any], ...] = (
    {"ensure_ascii": False, "separators": (", ", ": ")},
    {"ensure_ascii": True, "separators": (", ", ": ")},
    {"ensure_ascii": False, "separators": (",", ":")},
    {"ensure_ascii": True, "separators": (",", ":")},
    {"ensure_ascii": False, "indent": 2},
    {"ensure_ascii": True, "indent": 2},
)


def value_of(data: bytes) -> dict[str, Any]:
    """Return the value whose JSON text the bytes are, with its style; otherwise base64."""
    try:
        value = json.loads(data)
        check_json(value)
    except (ValueError, RecursionError, InvalidState):
        value = None
    if isinstance(value, dict | list):
        for number, style in enumerate(_STYLES):
            if json.dumps(value, **style).encode() == data:
                return {"style": number, "json": value}
    return {"bytes": b64encode(data).decode()}


def bytes_of(value: dict[str, Any]) -> bytes:
    """Return the bytes of a result of `value_of`.

    Raises:
        InvalidState: The value is something else.
    """
    try:
        if "json" in value:
            return json.dumps(value["json"], **_STYLES[value["style"]]).encode()
        return b64decode(value["bytes"], validate=True)
    except (KeyError, TypeError, ValueError, IndexError):
        raise InvalidState(
            f"a value of type {type(value).__qualname__} does not hold bytes",
            hint="Another program sealed it, or a newer release of statebag.",
        ) from None
