"""`aggregate_distributed`: join the results of a Map of any number of children, as a stream."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format import json_text
from statebag.format.json_text import MAX_DEPTH, wire_size
from statebag.format.json_type import json_type
from statebag.format.stub import KEY
from statebag.format.unopened import Unopened
from statebag.manager.actions import snapshot
from statebag.manager.actions.result import absorb
from statebag.manager.legacy import plain_objects
from statebag.manager.legacy.pointer_format import object_key
from statebag.manager.merge.chunks import Tally, failure_on_record, order_of
from statebag.manager.merge.execution_result import READ
from statebag.manager.merge.lambda_response import payload_of
from statebag.manager.merge.nested import leaves
from statebag.manager.merge.next_action import next_action
from statebag.manager.merge.resuming import pausing
from statebag.manager.merge.verdict import failure_of
from statebag.opening.map_results import UNREADABLE, ChildResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from statebag.manager.actions.invocation import Invocation
    from statebag.sealing.array_writer import ArrayWriter

    _Chunks = Callable[[], Iterable[tuple[int, Any]]]  # each with its position

__all__ = ["aggregate_distributed"]

_CHUNK_LEVELS = MAX_DEPTH - 3  # a chunk is in `distributed_chunk_summary.chunk_results` too
# Bytes of text that are put in order before they are written. Chosen: a sixteenth of the memory of
# the smallest Lambda.
_WINDOW = 8 * 1024 * 1024
_FIELDS = ("segment_results", "ResultWriterDetails")


def aggregate_distributed(invocation: Invocation) -> dict[str, Any]:
    """Return `{state_data, next_action, final_status, failed_chunks, post_snapshot}`."""
    event = invocation.event
    statuses = invocation.settings.table
    state = invocation.state()
    state, own, chunks = _source(invocation, state)
    with invocation.writing():
        tally, results = _Gatherer(invocation, chunks).gather()
    failed_path = results.pop("failed_segments_s3_path", None)
    state = tally.record(state, results["all"])
    if failed_path is not None:
        state["failed_segments_s3_path"] = failed_path
    if event.get("map_error"):
        state["map_error"] = invocation.top(event["map_error"])
    # With fields next to its chunks, the run is itself a result.
    action = next_action(own, {}, statuses, otherwise=tally.final_status)
    has_failed = event.get("map_error") or "FAILED" in {action, tally.final_status}
    status = "FAILED" if has_failed else tally.final_status
    if has_failed:
        action = "FAILED"
    elif statuses.waits(action):
        state = pausing(state, action)
    state["next_action"] = action
    if event.get("pre_snapshot") is not None:
        state["pre_snapshot_s3_path"] = snapshot.address_in(event["pre_snapshot"], "pre_snapshot")
    failures = invocation.sealed("failed_chunks", tally.failures, invocation.bound // 4)
    answer = {
        "next_action": action,
        "final_status": status,
        "failed_chunks": failures,
        "post_snapshot": None,
    }
    if not event.get("create_post_snapshot"):
        return invocation.answer(state, **answer)
    room = invocation.bound - 2 * snapshot.path_bytes(invocation)
    room -= wire_size({"state_data": 0, "post_snapshot_s3_path": 0, **answer})
    bag = invocation.sealed_state(state, room, snapshot.INLINE_BYTES)
    path, _ = snapshot.store(invocation, state, bag, "post")
    return {
        "state_data": {**bag, "post_snapshot_s3_path": path},
        **answer,
        "post_snapshot": path,
    }


def _source(
    invocation: Invocation, state: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], _Chunks]:
    """Return the state with the result's own fields merged, these fields, and the chunks."""
    event = invocation.event
    name = "execution_result" if event.get("distributed_results") is None else "distributed_results"
    raw = payload_of(event.get(name))
    if raw is None:
        if event.get("map_error"):
            return state, {}, lambda: ()
        raise InvalidState("the event has no distributed_results", path="$.distributed_results")
    beside: dict[str, Any] = {}
    is_raw = isinstance(raw, list)
    given = raw if is_raw else _top(invocation, raw)
    if isinstance(given, dict):
        beside = {key: value for key, value in given.items() if key not in _FIELDS}
        if beside:
            state = absorb(invocation, state, beside, event.get("state_data"))
        if "ResultWriterDetails" in given:
            details = invocation.opened(given["ResultWriterDetails"])
            form = event.get("transformation")
            return state, beside, lambda: _map_run(invocation, details, form)
        if "segment_results" not in given and failure_of(given, invocation.settings.table):
            return state, beside, lambda: ()  # what a Catch put in the place of all results
        plain = raw if isinstance(raw, dict) and KEY not in raw else {}
        listed = payload_of(plain.get("segment_results"))
        is_raw = isinstance(listed, list)
        given = listed if is_raw else payload_of(given.get("segment_results"))
    if isinstance(given, Unopened) and given.kind == "array":
        stored = given
        return state, beside, lambda: _items(invocation, stored)
    if not isinstance(given, list):
        raise InvalidState(
            f"{name} must be a list, not {json_type(given)}",
            path=f"$.{name}",
            hint="Pass a list, an object with segment_results, or a Map's ResultWriterDetails.",
        )
    if not is_raw:
        opened = list(leaves(invocation.opened(given)))
        return state, beside, lambda: enumerate(opened)
    # Sorted by their places, if these are plain, so that neighbours are written together.
    ordered = sorted(enumerate(leaves(given)), key=lambda one: (order_of(one[1], one[0]), one[0]))
    return state, beside, lambda: _opened(invocation, ordered)


def _top(invocation: Invocation, given: Any) -> Any:
    """Return a result opened at its top; an offloaded list is not read."""
    top = invocation.sb.open(given, only=[], scope=invocation.scope, embedded=False)
    if isinstance(top, Unopened) and top.kind == "array":
        return top
    return invocation.looked_into(given, READ)


class _AsItIs:
    """A result that is not opened, because everything in it that looks like a stub is data."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _opened(invocation: Invocation, given: Iterable[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
    """Yield results with their positions, reading a few ahead; all but `_AsItIs` are opened."""
    taken: deque[tuple[int, bool, _AsItIs | None]] = deque()

    def values() -> Iterator[Any]:
        for position, value in given:
            closed = value if isinstance(value, _AsItIs) else None
            is_string = isinstance(value, str)
            taken.append((position, is_string, closed))
            if closed is not None:
                yield None
            else:  # a lone string could be taken for a bag's text
                yield [value] if is_string else value

    for value in invocation.sb.open_each(values(), invocation.scope, embedded=False):
        position, is_string, closed = taken.popleft()
        if closed is not None:
            yield position, closed.value
        else:
            yield position, value[0] if is_string else value


def _items(invocation: Invocation, listed: Unopened) -> Iterator[tuple[int, Any]]:
    """Yield the items of an offloaded list, reading one chunk of it at a time."""
    items = (
        invocation.sb.get(listed, [index], invocation.scope, embedded=False)
        for index in range(listed.count)
    )
    yield from enumerate(leaves(items))


def _map_run(invocation: Invocation, details: Any, form: Any) -> Iterator[tuple[int, Any]]:
    children = invocation.sb.map_results(details, form)
    return _opened(invocation, enumerate(map(_chunk, children)))


def _chunk(child: ChildResult) -> Any:
    """Return the result of a child execution as that of a chunk."""
    if child.status == "SUCCEEDED":
        # Its output is its result, which may be a bag.
        text = json_text.encode(child.output)
        if not json_text.nests_deeper(child.output, text, _CHUNK_LEVELS):
            return child.output
        child = ChildResult(
            "FAILED",
            input=child.input,
            name=child.name,
            error=UNREADABLE,
            cause=f"its output nests deeper than the {_CHUNK_LEVELS} levels that a state has left",
        )
    chunk = {
        "status": child.status,
        "error": child.error,
        "cause": child.cause,
        "name": child.name,
        "input": child.input,
    }
    text = json_text.encode(child.input)
    if json_text.nests_deeper(child.input, text, _CHUNK_LEVELS - 1):
        chunk["input"] = text.decode()
    order = order_of(child.input, -1)
    if order >= 0:
        chunk["execution_order"] = order
    # The input is often the parent's bag, the same in each record. To open it would take the time,
    # memory and bytes of the parent's whole state, once for each child.
    return _AsItIs({key: value for key, value in chunk.items() if value is not None})


def _write(window: list[tuple[int, bytes]], writer: ArrayWriter) -> None:
    """Write the collected results in order, and drop them."""
    for place, text in sorted(window):
        writer.add(place, text)
    window.clear()


class _SamePlace(Exception):  # noqa: N818  # a request to start again, not a failure
    """Raised if two chunks claim the same place."""


class _Gatherer:
    """Write all chunks in their order, and count them.

    Args:
        invocation: For the settings and the store.
        chunks: Returns all chunks; called again if their places are not distinct.
    """

    def __init__(self, invocation: Invocation, chunks: _Chunks) -> None:
        self._invocation = invocation
        self._chunks = chunks

    def gather(self) -> tuple[Tally, dict[str, Any]]:
        """Return the tally, and `{"all": chunks}` with the list of all of them."""
        if self._invocation.settings.wire == 0:
            return self._as_plain_list()
        try:
            return self._stream(None)
        except _SamePlace:
            orders = [(order_of(chunk, i), i) for i, chunk in self._chunks()]
            ranks = {i: rank for rank, (_, i) in enumerate(sorted(orders))}
            return self._stream(ranks)

    def _stream(self, ranks: dict[int, int] | None) -> tuple[Tally, dict[str, Any]]:
        tally = self._tally()
        writer = self._invocation.sb.array_writer(self._invocation.scope)
        taken: set[int] = set()
        window: list[tuple[int, bytes]] = []
        held = 0
        for position, chunk in self._chunks():
            order = order_of(chunk, position)
            place = order if ranks is None else ranks[position]
            if place in taken:
                raise _SamePlace
            taken.add(place)
            tally.add(chunk, order)
            text = json_text.encode(chunk)
            window.append((place, text))
            held += len(text)
            if held > _WINDOW:
                _write(window, writer)
                held = 0
        _write(window, writer)
        return tally, {"all": writer.finish()}

    def _as_plain_list(self) -> tuple[Tally, dict[str, Any]]:
        """Return the list as one plain object, as readers of legacy pointers expect it."""
        tally = self._tally()
        ordered = sorted((order_of(chunk, i), i, chunk) for i, chunk in self._chunks())
        for order, _, chunk in ordered:
            tally.add(chunk, order)
        everything = [chunk for _, _, chunk in ordered]
        statuses = self._invocation.settings.table
        found = (failure_on_record(chunk, statuses) for chunk in everything)
        failed = [chunk for chunk in found if chunk is not None]
        results: dict[str, Any] = {"all": everything}
        if failed:
            text = json_text.encode(failed)
            key = object_key(self._invocation.scope, "failed_segments", text)
            results["failed_segments_s3_path"] = plain_objects.store_to_s3(failed, key)
        return tally, results

    def _tally(self) -> Tally:
        settings = self._invocation.settings
        return Tally(settings.chunk_results_kept, settings.failed_segments_kept, settings.table)
