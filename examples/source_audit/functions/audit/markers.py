"""What a reader would grep for: notes to oneself, silenced checks, addresses without TLS."""

from __future__ import annotations

import re
from typing import Any

MARKERS = {
    "to-do": re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b"),
    "silenced-check": re.compile(r"#\s*(?:noqa|type:\s*ignore|pylint:\s*disable)"),
    "plain-http": re.compile(r"\bhttp://(?!localhost|127\.0\.0\.1)\w"),
    "deprecation": re.compile(r"\bDeprecationWarning\b"),
}
LINE_CHARACTERS = 200


def search(path: str, text: str) -> list[dict[str, Any]]:
    """Every line that holds a marker, once for each marker it holds, by line."""
    return [
        {"marker": marker, "path": path, "line": number, "text": line.strip()[:LINE_CHARACTERS]}
        for number, line in enumerate(text.split("\n"), 1)
        for marker, pattern in MARKERS.items()
        if pattern.search(line)
    ]
