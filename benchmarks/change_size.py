"""The least that a step must write: its change, compressed, as a yardstick."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from statebag.format import json_text

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


if TYPE_CHECKING:
    from benchmarks.workloads import Change

__all__ = ["ChangeSize"]

_LEVEL = 3
_LEAST_PREFIX = 8  # bytes, of any zstd dictionary


class ChangeSize:
    """Measures one change after the other against the fields that they replace.

    A new value counts as the smaller of its zstd frame (level 3) and the frame that has the old
    value as its prefix; new history entries count as one frame. What does not change counts
    nothing, and control fields, which travel plain, neither.

    Args:
        state: The first state.
    """

    def __init__(self, state: dict[str, Any]) -> None:
        self._texts = {
            name: json_text.encode(value) for name, value in state["current_state"].items()
        }

    def of(self, change: Change) -> int:
        """Bytes."""
        size = 0
        for name, value in change.fields.items():
            text = json_text.encode(value)
            size += _frame(text, self._texts.get(name))
            self._texts[name] = text
        for name in change.removed:
            self._texts.pop(name, None)
        if change.entries:
            size += len(zstd.compress(json_text.encode(change.entries), _LEVEL))
        return size


def _frame(text: bytes, before: bytes | None) -> int:
    whole = len(zstd.compress(text, _LEVEL))
    if before is None or len(before) < _LEAST_PREFIX or text == before:
        return 0 if text == before else whole
    window = max((len(text) + len(before)).bit_length(), 10)
    options = {
        zstd.CompressionParameter.compression_level: 1,
        zstd.CompressionParameter.enable_long_distance_matching: 1,
        zstd.CompressionParameter.window_log: window,
    }
    prefix = zstd.ZstdDict(before, is_raw=True).as_prefix
    return min(whole, len(zstd.compress(text, options=options, zstd_dict=prefix)))
