"""Read the event history of an execution: transitions, payloads, and its status."""

from typing import TYPE_CHECKING

from statebag.process.lazy_front import lazy_front

if TYPE_CHECKING:
    from statebag.history.events import history_of
    from statebag.history.replay import transitions

__all__ = ["history_of", "transitions"]

if not TYPE_CHECKING:  # otherwise a type checker would accept any name
    __getattr__ = lazy_front(
        __name__,
        {
            "history_of": "events",
            "transitions": "replay",
        },
    )
