"""Results of a distributed run, chunk by chunk: counted, sampled, and never held all at once."""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FAILED_STATUSES", "Tally", "has_failed", "order_of"]

FAILED_STATUSES: frozenset[str] = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})


def has_failed(chunk: Any) -> bool:
    """Whether a chunk's result says that it failed."""
    status = chunk.get("status") if isinstance(chunk, dict) else None
    return isinstance(status, str) and status in FAILED_STATUSES


def order_of(chunk: Any, position: int) -> int:
    """A chunk's place: its `execution_order`, or where it came."""
    order = chunk.get("execution_order") if isinstance(chunk, dict) else None
    if isinstance(order, float) and order.is_integer():
        return int(order)
    if isinstance(order, int) and not isinstance(order, bool):
        return order
    return position


class _Sample:
    """The first few of all that is offered, by order."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: list[tuple[int, int, Any]] = []

    def offer(self, order: int, position: int, chunk: Any) -> None:
        if self._size:
            insort(self._kept, (order, position, chunk), key=lambda one: one[:2])
            del self._kept[self._size :]

    def values(self) -> list[Any]:
        return [chunk for _, _, chunk in self._kept]


class Tally:
    """Counts chunks and keeps the first of them.

    Args:
        results: How many results are kept.
        failures: How many failed ones are kept.
    """

    def __init__(self, results: int, failures: int) -> None:
        self._results = _Sample(results)
        self._failures = _Sample(failures)
        self.total = 0
        self.failed = 0
        self._waiting = 0

    def add(self, chunk: Any, order: int) -> None:
        """Count one chunk."""
        self._results.offer(order, self.total, chunk)
        if has_failed(chunk):
            self._failures.offer(order, self.total, chunk)
            self.failed += 1
        elif isinstance(chunk, dict) and chunk.get("status") == "PENDING":
            self._waiting += 1  # a child that a Map Run never started
        self.total += 1

    @property
    def final_status(self) -> str:
        """`FAILED` where every chunk failed, else `COMPLETE`."""
        return "FAILED" if self.total and self.failed == self.total else "COMPLETE"

    @property
    def failures(self) -> list[Any]:
        """The first failed chunks, in their order."""
        return self._failures.values()

    def summary(self) -> dict[str, Any]:
        """What the bag keeps of all results."""
        return {
            "total": self.total,
            "succeeded": self.total - self.failed - self._waiting,
            "failed": self.failed,
            "chunk_results": self._results.values(),
        }

    def record(self, state: Mapping[str, Any], results: Any) -> dict[str, Any]:
        """The state with the summary, the failed ones, and what stands for all results."""
        return {
            **state,
            "distributed_chunk_summary": self.summary(),
            "failed_segments": self.failures,
            "distributed_results": results,
        }
