"""Record what a report shows about one execution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.ui.event_page import EVENTS_AT_ONCE, event_page
from statebag.ui.execution_view import STEPS_AT_ONCE
from statebag.ui.packed_rows import packed
from statebag.ui.recorded_answers import RecordedAnswers
from statebag.ui.seen_execution import is_of_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.history.replay import Transition
    from statebag.ui.page_answers import PageData
    from statebag.ui.seen_execution import SeenExecution

__all__ = ["record_execution"]

_MEASURED_AT_ONCE = 1_000  # chosen: payloads


def record_execution(
    data: PageData, arn: str, *, values: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the page in the file reads first, and the long lists, which it reads later.

    Raises:
        StatebagError: The history cannot be read.
    """
    seen = data.catalog.get(arn)
    seen.snapshot()
    while not seen.measure(_MEASURED_AT_ONCE):
        pass
    recorded = RecordedAnswers(data, seen.arn.arn, values=values)
    for question in ("execution", "graph", "cost"):
        recorded.record(question)
    recorded.record("timeline", points=1_000)
    _record_states(recorded, seen)
    tables = {
        "steps": packed(list(_steps(data, seen.arn.arn, causes=values))),
        "events": packed(list(_events(seen))),
    }
    return {"kind": "x", "arn": seen.arn.arn, **recorded.shown()}, tables


def _record_states(recorded: RecordedAnswers, seen: SeenExecution) -> None:
    made = seen.snapshot().made
    if not made:
        return
    newest = seen.payload_event()
    for one in _important(seen):
        _record_step(recorded, seen, one)
    recorded.newest = newest
    recorded.record_state(seen, newest, "the newest")
    payloads = [
        size
        for event in seen.snapshot().history.events
        if is_of_state(event.type) and (size := seen.source.log.payload_bytes(event.id)) is not None
    ]
    recorded.record_trails(newest, len(payloads), sum(payloads))
    for one in made:
        if recorded.is_full:
            break
        _record_step(recorded, seen, one)


def _important(seen: SeenExecution) -> Iterator[Transition]:
    """Yield the steps whose states a report always has."""
    snapshot = seen.snapshot()
    made, failed = snapshot.made, snapshot.stands.state
    yield made[0]
    yield max(made, key=lambda one: seen.known_sizes(one.left)[0])
    if failed is not None:
        yield failed
    yield made[-1]


def _record_step(recorded: RecordedAnswers, seen: SeenExecution, one: Transition) -> None:
    there = []
    for number, what in ((one.entered, "input"), (one.left, "output")):
        if number is not None and seen.source.log.payload_bytes(number) is not None:
            recorded.record_state(seen, number, f"{one.state}, {what}")
            there.append(number)
    if len(there) == 2:
        recorded.record_differences(there[0], there[1], one.state)


def _steps(data: PageData, arn: str, *, causes: bool) -> Iterator[dict[str, Any]]:
    start, total = 0, 1
    while start < total:
        asked = {"arn": arn, "start": str(start), **({"causes": "1"} if causes else {})}
        page = data.answer("steps", asked)
        yield from page["steps"]
        start, total = start + STEPS_AT_ONCE, page["total"]


def _events(seen: SeenExecution) -> Iterator[dict[str, Any]]:
    start, total = 0, 1
    while start < total:
        page = event_page(seen, start, EVENTS_AT_ONCE)
        yield from page["events"]
        start, total = start + EVENTS_AT_ONCE, page["total"]
