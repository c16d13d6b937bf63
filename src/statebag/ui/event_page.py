"""Return the events of an execution as rows, a page at a time, without their payloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.ui.seen_execution import is_of_state

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from statebag.history.events import Event
    from statebag.ui.seen_execution import SeenExecution

__all__ = ["EVENTS_AT_ONCE", "event_page"]

EVENTS_AT_ONCE = 500
"""Events of one answer. Chosen: some screens of them."""


def event_page(
    seen: SeenExecution, start: int, count: int, *, text: str = "", only: str = "all"
) -> dict[str, Any]:
    """Return some events, in the order of their numbers.

    Args:
        seen: The execution.
        start: The first one among the selected events, from 0.
        count: How many at most.
        text: Only events whose type, state or error has this text, in any case of letters.
        only: `all`, `errors` (those with an error), `payloads` (those with a payload) or `states`
            (those whose payload passes from state to state).

    Returns:
        `events`, each with its number, type, time, state, error, and the bytes of its payload (-1
        if it has none); `total`, how many are selected. No value is in it.
    """
    wanted = text.casefold()
    chosen: Sequence[Event] = seen.known().history.events
    if wanted:
        chosen = [one for one in chosen if wanted in _words(one).casefold()]
    if only in _KINDS:
        chosen = [one for one in chosen if _KINDS[only](seen, one)]
    shown = chosen[start : start + min(count, EVENTS_AT_ONCE)]
    return {
        "start": start,
        "total": len(chosen),
        "events": [_row(seen, one) for one in shown],
    }


def _is_error(_: SeenExecution, event: Event) -> bool:
    return _text(event, "error") is not None


def _has_payload(seen: SeenExecution, event: Event) -> bool:
    return seen.source.log.payload_bytes(event.id) is not None


def _is_of_state(_: SeenExecution, event: Event) -> bool:
    return is_of_state(event.type)


_KINDS: dict[str, Callable[[SeenExecution, Event], bool]] = {
    "errors": _is_error,
    "payloads": _has_payload,
    "states": _is_of_state,
}


def _row(seen: SeenExecution, event: Event) -> dict[str, Any]:
    size = seen.source.log.payload_bytes(event.id)
    return {
        "event": event.id,
        "previous": event.previous,
        "type": event.type,
        "time": event.time.isoformat(),
        "state": _text(event, "name"),
        "error": _text(event, "error"),
        "size": -1 if size is None else size,
        "is_state": is_of_state(event.type),
    }


def _words(event: Event) -> str:
    return f"{event.type}\n{_text(event, 'name') or ''}\n{_text(event, 'error') or ''}"


def _text(event: Event, name: str) -> str | None:
    found = event.details.get(name)
    return found if isinstance(found, str) else None
