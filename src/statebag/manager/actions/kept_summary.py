"""Set the summary of scheduling metadata aside when an event is read, and put it back at the seal.

The engine reads the summary, which is next to offloaded metadata. A step must not see it as a field
of the state, unless the state has a field of that name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from statebag.environment import sealing_is_off
from statebag.format import json_text
from statebag.format.derived import is_marked, set_aside
from statebag.format.unopened import Unopened, equal, holds_unopened
from statebag.manager.actions.unopened_parts import as_one
from statebag.manager.scheduling import FULL, SUMMARY, is_summary_of, may_be_summary, summary_of

if TYPE_CHECKING:
    from collections.abc import Callable

    Opened = Callable[[Any], Any]

__all__ = ["KeptSummary", "summary_aside"]


class _Came(msgspec.Struct, frozen=True):
    """The summary that an event had of its metadata; the engine may have replaced it.

    Attributes:
        value: The value of the summary's field.
        source: The metadata; None if there was none.
    """

    value: Any
    source: Any


class KeptSummary:
    """The summary that one state came with.

    Each `opened` is a function that returns a copy of a value with everything in it opened.
    """

    def __init__(self) -> None:
        self._came: _Came | None = None

    def keep(self, state: dict[str, Any], aside: dict[str, Any], opened: Opened) -> dict[str, Any]:
        """Return the state with the field set aside, if that is known to be the state's own field.

        Until the seal reads the metadata, a value that could be its summary counts as one.
        """
        self._came = None
        if SUMMARY in aside:
            self._came = _Came(aside[SUMMARY], state.get(FULL))
            if not may_be_summary(aside[SUMMARY]) or not isinstance(state.get(FULL), Unopened):
                return self.put_back(state, opened)
        return state

    def put_back(self, state: dict[str, Any], opened: Opened) -> dict[str, Any]:
        """Return the state with the set-aside field put back, if it was not a summary."""
        came = self._came
        if came is None or SUMMARY in state:
            return state
        if may_be_summary(came.value) and is_summary_of(came.value, opened(came.source)):
            return state
        return {**state, SUMMARY: came.value}

    def scheduled(
        self, state: dict[str, Any], field_limit: int, opened: Opened
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return the state with large scheduling metadata as one blob, and the summary of it.

        The summary is None if there is no metadata, or if the state has a field of that name.

        Args:
            state: The state.
            field_limit: Bytes of metadata above which it is offloaded.
            opened: As for the class.
        """
        metadata = state.get(FULL)
        came = self._came
        if came is not None and (not equal(metadata, came.source) or sealing_is_off()):
            state, came = self.put_back(state, opened), None
        if metadata is None or SUMMARY in state or sealing_is_off():
            return state, None
        if isinstance(metadata, Unopened) and metadata.kind == "object":
            return state, summary_of(opened(metadata)) if came is None else came.value
        if not isinstance(metadata, dict):
            return state, None
        if holds_unopened(metadata):
            metadata = opened(metadata)
        text = json_text.encode(metadata)
        if len(text) > field_limit:
            state = {**state, FULL: as_one(text, len(metadata))}
        return state, summary_of(metadata)


def summary_aside(bag: Any) -> tuple[Any, dict[str, Any]]:
    """Return a bag without the summary of offloaded metadata, and this summary by name."""
    if isinstance(bag, dict) and is_marked(bag.get(FULL)):  # otherwise it is opened now in any case
        return set_aside(bag)
    return bag, {}
