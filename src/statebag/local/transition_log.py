"""Record the states of a run as they are entered and left, for its observer and its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statebag.local.execution import LocalTransition, Observer

if TYPE_CHECKING:
    from statebag.local.interpreter.state_visit import StateVisit

__all__ = ["TransitionLog"]


class TransitionLog:
    """The states of one run.

    Args:
        observer: Called for each state.
    """

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self._is_watched = type(observer) is not Observer
        self._left: list[LocalTransition] = []
        self._open: dict[int, str] = {}
        self._entered = 0

    @property
    def transitions(self) -> tuple[LocalTransition, ...]:
        """All states that were left, in the order in which they were entered."""
        return tuple(sorted(self._left, key=lambda one: one.number))

    @property
    def unfinished(self) -> tuple[str, ...]:
        """The paths of the innermost states that were entered but not left."""
        around = {
            path[:end]
            for path in self._open.values()
            for end in range(len(path))
            if path[end] in "/["
        }
        return tuple(path for path in self._open.values() if path not in around)

    def entered(self, visit: StateVisit) -> None:
        """Record that a state was entered."""
        self._entered += 1
        visit.number = self._entered
        path = self._open[visit.number] = visit.path
        if self._is_watched:
            self.observer.state_entered(visit.name, visit.kind, path)

    def left(self, visit: StateVisit, output_bytes: int = 0) -> None:
        """Record that a state was left, or given up because a sibling failed."""
        transition = LocalTransition(
            visit.number,
            visit.name,
            visit.kind,
            self._open.pop(visit.number),
            visit.seconds,
            visit.input.size,
            output_bytes,
            visit.usage,
            visit.error,
            visit.attempts,
        )
        self._left.append(transition)
        if self._is_watched:
            self.observer.state_left(transition)

    def dropped(self, visit: StateVisit) -> None:
        """Record that a state was given up with its whole execution, which has already ended."""
        self._open.pop(visit.number, None)
