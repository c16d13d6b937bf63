"""The size of a payload as Step Functions counts it."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["payload_size", "payload_text"]


def payload_text(value: Any) -> str:
    """Return a value as compact JSON text; a value that is not JSON is written as its `str`."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def payload_size(value: Any) -> int:
    """Return the bytes of a value under the quota: compact JSON in UTF-8, without escapes."""
    return len(payload_text(value).encode("utf-8", "surrogatepass"))
