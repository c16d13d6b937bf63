"""Warn of paths in `only=` at which the state has nothing."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from statebag.format.paths import render_path
from statebag.format.unopened import Unopened
from statebag.telemetry.log_warnings import warn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from statebag.format.paths import Place

__all__ = ["say_what_is_absent"]


def say_what_is_absent(state: Any, places: Iterable[Place]) -> None:
    """Log a warning for each path of a step's `only=` at which the opened state has nothing.

    A step may name fields that come later, so this is not an error, and a process logs each path
    once.

    Args:
        state: The opened state.
        places: Its paths, as `parse_paths` returns them.
    """
    for place in places:
        value = state
        for depth, part in enumerate(place):
            if isinstance(value, dict) and isinstance(part, str):
                if part not in value:
                    from statebag.format.near_name import near_name  # noqa: PLC0415 (seldom)

                    near = near_name(part, value)
                    meant = None if near is None else render_path((*place[:depth], near))
                    _say(render_path(place[: depth + 1]), meant)
                    break
                value = value[part]
            elif isinstance(value, list) and isinstance(part, int) and -len(value) <= part:
                if part >= len(value):
                    break  # arrays grow
                value = value[part]
            else:
                if not isinstance(value, list | Unopened):
                    _say(render_path(place[: depth + 1]), None)
                break


@lru_cache(maxsize=256)  # paths; chosen: more than a program writes into its decorators
def _say(path: str, meant: str | None) -> None:
    warn(
        "OnlyNotFound",
        "only= names %s, where the state has nothing%s",
        path,
        "" if meant is None else f"; did you mean {meant}?",
    )
