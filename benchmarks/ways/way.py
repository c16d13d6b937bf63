"""What every way does: a first payload, then one payload after the other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from benchmarks.workloads import Change

__all__ = ["Timer", "Way", "WholeState"]

Timer = Callable[[str], AbstractContextManager[None]]


class Way(Protocol):
    """A way of keeping a state. The payload is what the engine would carry."""

    name: str

    def first(self, state: dict[str, Any]) -> Any:
        """The payload of the first state."""
        ...

    def step(self, payload: Any, change: Change, timer: Timer) -> Any:
        """Open a payload, apply a change, seal: the next payload.

        The two halves run inside `timer("open")` and `timer("seal")`; the change itself, outside.
        """
        ...

    def read(self, payload: Any) -> dict[str, Any]:
        """The whole state, to check that it is right."""
        ...

    def forget(self) -> None:
        """Make this process as a new one: nothing cached, nothing connected."""
        ...


class WholeState(Way):
    """A way whose step opens all of the state and seals all of it."""

    def step(self, payload: Any, change: Change, timer: Timer) -> Any:
        with timer("open"):
            state = self.read(payload)
        change.apply(state)
        with timer("seal"):
            return self.sealed(payload, state)

    def sealed(self, payload: Any, state: dict[str, Any]) -> Any:
        """The payload after another one; by default that of a first state."""
        del payload
        return self.first(state)
