"""Faults of calls, and damage to what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from statebag import StatebagError
from statebag.testing.faulty_store import Fault, FaultyStore
from statebag.testing.recording_store import RecordingStore
from statebag.upkeep.fsck import fsck
from torture.life import SCOPE, STEPS, Outcome, Workflow, bags, state_after, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.store.contract import Store

__all__ = ["cut_objects", "deleted_objects", "failing_calls", "flipped_bytes"]

_Kind = Literal["before", "after", "truncate", "delay"]
_KINDS: tuple[_Kind, ...] = ("before", "after", "truncate", "delay")


def failing_calls(make: Callable[[], Store], place: str) -> Iterator[Outcome]:
    """Call N of `put` and `get_ranges` fails, for every N that a whole life has, in every way."""
    for operation in ("put", "get_ranges"):
        for kind in _KINDS:
            outcome = Outcome(f"call N of {operation} fails: {kind}", place)
            for call in range(1, 500):
                if not _one_failing_call(
                    make(), Fault(operation, call, kind, keep_bytes=9), outcome
                ):
                    break
            yield outcome


def _one_failing_call(store: Store, fault: Fault, outcome: Outcome) -> bool:
    """A life in which one call fails, and the failed step is run again; False: it never came."""
    faulty = FaultyStore(store, [fault], sleep=lambda _: None)
    workflow = Workflow(store)
    what = f"{fault.operation} {fault.call} {fault.kind}"
    bag: Any = None
    for number in range(STEPS + 1):
        with watched(outcome, what) as first:
            after = _ran(workflow, bag, number, faulty)
        if first.failed:
            if bag is not None and not _opens(workflow, bag, number - 1):
                outcome.wrong(f"{what}: the bag before the step does not open")
            after = _ran(workflow, bag, number, store)
        elif fault.operation == "put" and fault.kind == "truncate" and _fired(faulty):
            # The store took half an object and said that all is well: the next reader notices.
            return _noticed_later(workflow, after, number, outcome, what)
        if not _opens(workflow, after, number):
            outcome.wrong(f"{what}: after step {number} the state is not what it should be")
        bag = after
    fired = _fired(faulty)
    outcome.staged += fired
    return fired


def _ran(workflow: Workflow, bag: Any, number: int, store: Store) -> Any:
    if number == 0:
        return workflow.client(store).seal(state_after(0), scope=SCOPE)
    return workflow.step(bag, number, store)


def _noticed_later(workflow: Workflow, bag: Any, number: int, outcome: Outcome, what: str) -> bool:
    outcome.staged += 1
    with watched(outcome, what):
        if not workflow.opens_to(bag, number):
            outcome.wrong(f"{what}: half an object was taken for a whole one")
    if fsck(workflow.store).whole:
        outcome.wrong(f"{what}: fsck did not see half an object")
    return True


def _fired(faulty: FaultyStore) -> bool:
    try:
        faulty.assert_all_fired()
    except AssertionError:
        return False
    return True


def _opens(workflow: Workflow, bag: Any, number: int) -> bool:
    try:
        return workflow.opens_to(bag, number)
    except StatebagError:
        return False


def flipped_bytes(store: Store, place: str, every: int) -> Outcome:
    """Each byte of each object is flipped in turn, and the last bag opened."""
    outcome = Outcome("a byte of an object is flipped", place)
    for name, data, number, bag in _objects(store):
        for at in range(0, len(data), every):
            store.put(name, data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :])
            _look(store, outcome, f"{name} byte {at}", number, bag)
            if at % (every * 64) == 0 and fsck(store).whole:
                outcome.wrong(f"{name} byte {at}: fsck did not see it")
        store.put(name, data)
    return outcome


def cut_objects(store: Store, place: str, every: int) -> Outcome:
    """Each object is cut to each length in turn."""
    outcome = Outcome("an object is cut short", place)
    for name, data, number, bag in _objects(store):
        for length in range(0, len(data), every):
            store.put(name, data[:length])
            _look(store, outcome, f"{name} cut to {length}", number, bag)
        store.put(name, data)
    return outcome


def deleted_objects(store: Store, place: str) -> Outcome:
    """Each object is deleted in turn; with the bag, `fsck` must say which are missed."""
    outcome = Outcome("an object is deleted", place)
    for name, data, number, bag in _objects(store):
        store.delete(name)
        _look(store, outcome, f"{name} deleted", number, bag)
        report = fsck(store, bags={"bag": bag})
        if report.bags["bag"] == _is_read_by(store, bag, name):
            outcome.wrong(f"{name} deleted: fsck with the bag said {report.bags}")
        store.put(name, data)
    return outcome


def _objects(store: Store) -> Iterator[tuple[str, bytes, int, Any]]:
    *_, (number, bag) = bags(store)
    for info in list(store.list()):
        yield info.name, store.get(info.name), number, bag


def _is_read_by(store: Store, bag: Any, missing: str) -> bool:
    """Whether a fresh open asks for an object, as the calls say that it does."""
    recording = RecordingStore(store)
    try:
        Workflow(recording).client().open(bag, scope=SCOPE)
    except StatebagError:
        return any(call.name == missing for call in recording.calls)
    return False


def _look(store: Store, outcome: Outcome, what: str, number: int, bag: Any) -> None:
    outcome.staged += 1
    with watched(outcome, what):
        if not Workflow(store).opens_to(bag, number):
            outcome.wrong(f"{what}: the open gave another state, without an error")
