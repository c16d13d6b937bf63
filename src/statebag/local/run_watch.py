"""Watch a run: check strict reads, and serve its observer, records, listeners and warnings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.local.execution import Observer
from statebag.local.sealed_bags import SealedBags
from statebag.local.transition_log import TransitionLog
from statebag.local.unopened_stubs import UnopenedStubs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from statebag.local.records import MapRunParent, Records

    Event = dict[str, Any]

__all__ = ["RunWatch"]


class RunWatch:
    """Watches one run.

    Args:
        observer: Called for each state; None for no observer.
        strict: Whether every seal is strict.
        allow_unopened: Patterns of names of functions that may leave stubs unread.
        records: Keeps the histories; None keeps none.
        on_event: Called with the ARN of an execution and each of its events.

    Attributes:
        bags: The bags that were made.
        states: The states that were entered and left.
        stubs: Checks what functions read.
        warnings: Problems that did not end the run, each once.
    """

    def __init__(
        self,
        observer: Observer | None = None,
        *,
        strict: bool = True,
        allow_unopened: Collection[str] = (),
        records: Records | None = None,
        on_event: Callable[[str, Event], None] | None = None,
    ) -> None:
        self.bags = SealedBags(strict=strict)
        self.states = TransitionLog(observer or Observer())
        self.warnings: dict[str, None] = {}
        self.stubs = UnopenedStubs(allow_unopened, self.warn)
        self._records = records
        self._on_event = on_event

    @property
    def keeps_histories(self) -> bool:
        """Whether each execution has its own file."""
        return self._records is not None

    def warn(self, text: str) -> None:
        """Add a warning to those that the run reports at its end, each once."""
        self.warnings[text] = None

    def listener(
        self,
        arn: str,
        machine: str,
        name: str,
        branches: Mapping[str, Sequence[str]],
        definition: Mapping[str, Any],
        parent: MapRunParent | None = None,
    ) -> Callable[[Event], None] | None:
        """Return the function that receives the events of an execution; None if there is none.

        Args:
            arn: The execution's ARN.
            machine: The machine's name.
            name: The execution's name.
            branches: The first states of the branches of each Parallel, by its name.
            definition: The execution's own machine, which its record keeps.
            parent: The execution that it is a child of; None if it is not the child of a Map Run.
        """
        on_event, records = self._on_event, self._records
        if records is None:
            return None if on_event is None else lambda event: on_event(arn, event)
        records.begin(arn, machine, name, branches, definition, parent)

        def heard(event: Event) -> None:
            records.add(arn, event)
            if event["id"] > 1 and event["type"].startswith("Execution"):
                records.end(arn)
            if on_event is not None:
                on_event(arn, event)

        return heard
