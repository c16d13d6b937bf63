"""Describe what has a state at each of some numbers: an execution at events, a head at versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.history.events import Payload
    from statebag.ui.payload_sizes import PayloadSizes

__all__ = ["Moment", "SeenStates"]


@dataclass(frozen=True, slots=True)
class Moment:
    """A number at which there is a state.

    Attributes:
        number: The number of the event, or of the version.
        type: The type of the event, or `version`.
        state: The state's name, or the version's label; None if it has none.
        read: Returns the payload; None if it has none.
    """

    number: int
    type: str
    state: str | None
    read: Callable[[], Payload | None]


class SeenStates(Protocol):
    """An execution or a head, which has the states.

    Attributes:
        key: Its unique name.
        moments_at_once: How many moments one answer looks at.
    """

    key: str
    moments_at_once: int

    def payload_event(self, number: int | None = None) -> int:
        """Return the number of the state that applies at a number; None stands for the newest."""
        ...

    def mark(self, number: int) -> str:
        """Return a mark that changes if the number gets another state."""
        ...

    def bag(self, number: int) -> Any:
        """Return the bag at a number."""
        ...

    def sizes(self, number: int) -> PayloadSizes | None:
        """Return the sizes at a number; None if they are not known."""
        ...

    def kind_of(self, number: int) -> str:
        """Return a word for what is at a number."""
        ...

    def moments(self, at: int, after: int) -> Iterator[Moment]:
        """Yield the moments after a number that belong together with another one."""
        ...
