"""Count and sample the results of a distributed run chunk by chunk, never holding all of them."""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, Any

from statebag.manager.merge.lambda_response import payload_of
from statebag.manager.merge.verdict import judge, with_reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statebag.manager.statuses import Statuses

__all__ = ["Tally", "failure_on_record", "order_of"]

_LONGEST = 19  # digits of an order that is text. Chosen: a number of 64 bits has as many


def failure_on_record(chunk: Any, statuses: Statuses) -> Any | None:
    """Return the record of a failed chunk, with the reason; None for a chunk that did not fail."""
    verdict = judge(chunk, statuses)
    return with_reason(chunk, verdict) if verdict.failed else None


def order_of(chunk: Any, position: int) -> int:
    """Return a chunk's place: its `execution_order`, also as text, or its position."""
    result = payload_of(chunk)
    order = result.get("execution_order") if isinstance(result, dict) else None
    if isinstance(order, str) and len(order) < _LONGEST and order.isascii() and order.isdigit():
        return int(order)
    if isinstance(order, float) and order.is_integer():
        return int(order)
    if isinstance(order, int) and not isinstance(order, bool):
        return order
    return position


_PERSON = "PAUSED_FOR_HITP"


class _Sample:
    """The first few values by their order."""

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
    """Count chunks, and keep the first of them.

    Args:
        results: The number of results to keep.
        failures: The number of failed results to keep.
        statuses: The table of their statuses.
    """

    def __init__(self, results: int, failures: int, statuses: Statuses) -> None:
        self._statuses = statuses
        self._results = _Sample(results)
        self._failures = _Sample(failures)
        self.total = 0
        self.failed = 0
        self._waiting = 0
        self.waits_in: str | None = None

    def add(self, chunk: Any, order: int) -> None:
        """Count one chunk."""
        self._results.offer(order, self.total, chunk)
        verdict = judge(chunk, self._statuses)
        if verdict.failed:
            self._failures.offer(order, self.total, with_reason(chunk, verdict))
            self.failed += 1
        elif verdict.waits:
            self._waiting += 1
            if self.waits_in != _PERSON:
                self.waits_in = verdict.next_action
        self.total += 1

    @property
    def final_status(self) -> str:
        """`FAILED` if all chunks failed, the next action of a chunk that waits, else `COMPLETE`."""
        if self.total and self.failed == self.total:
            return "FAILED"
        return self.waits_in or "COMPLETE"

    @property
    def failures(self) -> list[Any]:
        """The first failed chunks, in their order."""
        return self._failures.values()

    def summary(self) -> dict[str, Any]:
        """Return the summary of all results for the bag."""
        return {
            "total": self.total,
            "succeeded": self.total - self.failed - self._waiting,
            "failed": self.failed,
            "chunk_results": self._results.values(),
        }

    def record(self, state: Mapping[str, Any], results: Any) -> dict[str, Any]:
        """Return the state with the summary, the failed chunks, and the list of all results."""
        return {
            **state,
            "distributed_chunk_summary": self.summary(),
            "failed_segments": self.failures,
            "distributed_results": results,
        }
