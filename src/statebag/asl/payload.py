"""The size of a payload as Step Functions counts it."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["payload_size", "payload_text"]


def payload_text(value: Any) -> str:
    """A value as compact JSON text; what JSON does not know is written as its `str`."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def payload_size(value: Any) -> int:
    """Bytes that a value counts against the quota: compact JSON text in UTF-8, nothing escaped."""
    return len(payload_text(value).encode("utf-8", "surrogatepass"))
