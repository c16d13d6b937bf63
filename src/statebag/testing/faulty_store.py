"""A store that fails on purpose, at the calls that a test plans."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

from statebag.errors import StatebagError, StoreUnavailable
from statebag.process.forking import fork_safe_lock
from statebag.store.checked import checked
from statebag.store.contract import ObjectInfo, Store, is_conditional

__all__ = ["Fault", "FaultyStore"]

_OPERATIONS = frozenset(
    {"put", "get", "get_ranges", "head", "list", "delete", "get_version", "put_if"}
)
_WITH_BODY = frozenset({"put", "get", "get_ranges"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One planned failure.

    Attributes:
        operation: The method that fails: `put`, `get`, `get_ranges`, `head`, `list`, `delete`,
            `get_version`, `put_if`.
        call: The number of the call, from 1.
        kind: `before`: an error, and nothing happens. `after`: the call happens, but its answer is
            lost. `truncate`: the body loses its end without an error: that of a `put` or a `get`,
            or the last span of a `get_ranges`. `delay`: the call happens late.
        error: The error of `before` and `after`; by default `StoreUnavailable`.
        keep_bytes: How much of the body `truncate` leaves.
        delay_seconds: The delay of `delay`, in seconds.
    """

    operation: str
    call: int = 1
    kind: Literal["before", "after", "truncate", "delay"] = "before"
    error: StatebagError | None = None
    keep_bytes: int = 0
    delay_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.operation not in _OPERATIONS:
            raise ValueError(f"a store has no operation {self.operation!r}")
        if self.call < 1:
            raise ValueError(f"call must be at least 1, not {self.call}")
        if self.kind == "truncate" and self.operation not in _WITH_BODY:
            raise ValueError(f"a {self.operation} has no body to truncate")


class FaultyStore:
    """Pass calls on to a store, except those that the plan makes fail. Thread-safe.

    As a context manager, it fails the test if a planned fault did not happen.

    Args:
        store: The store that gets the calls.
        plan: The faults; at most one for each call.
        sleep: Waits for the seconds of a `delay`; a test may pass a barrier's `wait` instead.

    Raises:
        ValueError: Two faults are planned for one call.
    """

    def __init__(
        self,
        store: Store,
        plan: Iterable[Fault],
        *,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._store = checked(store)
        self._pending: dict[tuple[str, int], Fault] = {}
        for fault in plan:
            if self._pending.setdefault((fault.operation, fault.call), fault) is not fault:
                raise ValueError(f"two faults for call {fault.call} of {fault.operation}")
        self._made: Counter[str] = Counter()
        self._sleep = sleep
        self._lock = fork_safe_lock()

    @property
    def url(self) -> str:
        """The address of the inner store."""
        return self._store.url

    def assert_all_fired(self) -> None:
        """Raise AssertionError if a planned fault did not happen."""
        with self._lock:
            left = [f"call {call} of {name}" for name, call in sorted(self._pending)]
            made = dict(self._made)
        if left:
            raise AssertionError(f"never fired: {', '.join(left)}; calls made: {made}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:  # a test that fails already says why
            self.assert_all_fired()

    def put(self, name: str, data: bytes) -> None:
        """See `Store`."""
        fault = self._begin("put")
        if fault is not None and fault.kind == "truncate":
            data = data[: fault.keep_bytes]
        self._store.put(name, data)
        _finish(fault)

    def get(self, name: str) -> bytes:
        """See `Store`."""
        fault = self._begin("get")
        data = self._store.get(name)
        _finish(fault)
        if fault is not None and fault.kind == "truncate":
            return data[: fault.keep_bytes]
        return data

    @property
    def is_conditional(self) -> bool:
        """Whether the inner store is a `ConditionalStore`."""
        return is_conditional(self._store)

    def get_version(self, name: str) -> tuple[bytes, str]:
        """See `ConditionalStore`."""
        store: Any = self._store
        fault = self._begin("get_version")
        data, version = store.get_version(name)
        _finish(fault)
        return data, version

    def put_if(self, name: str, data: bytes, version: str | None) -> str:
        """See `ConditionalStore`."""
        store: Any = self._store
        fault = self._begin("put_if")
        new: str = store.put_if(name, data, version)
        _finish(fault)
        return new

    def get_ranges(self, name: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """See `Store`."""
        fault = self._begin("get_ranges")
        answers = self._store.get_ranges(name, spans)
        _finish(fault)
        if fault is not None and fault.kind == "truncate" and answers:
            answers[-1] = answers[-1][: fault.keep_bytes]
        return answers

    def head(self, name: str) -> ObjectInfo | None:
        """See `Store`."""
        fault = self._begin("head")
        info = self._store.head(name)
        _finish(fault)
        return info

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """See `Store`. A fault `after` breaks the listing off after its first object."""
        fault = self._begin("list")
        listing = self._store.list(prefix)
        return listing if fault is None else _broken_off(listing, fault)

    def delete(self, name: str) -> None:
        """See `Store`."""
        fault = self._begin("delete")
        self._store.delete(name)
        _finish(fault)

    def _begin(self, operation: str) -> Fault | None:
        with self._lock:
            self._made[operation] += 1
            fault = self._pending.pop((operation, self._made[operation]), None)
        if fault is not None and fault.kind == "before":
            raise _error(fault)
        if fault is not None and fault.kind == "delay":
            self._sleep(fault.delay_seconds)
        return fault


def _finish(fault: Fault | None) -> None:
    if fault is not None and fault.kind == "after":
        raise _error(fault)


def _broken_off(listing: Iterator[ObjectInfo], fault: Fault) -> Iterator[ObjectInfo]:
    for info in listing:
        yield info
        _finish(fault)
    _finish(fault)


def _error(fault: Fault) -> StatebagError:
    return fault.error or StoreUnavailable(
        f"planned: call {fault.call} of {fault.operation} fails {fault.kind} its effect"
    )
