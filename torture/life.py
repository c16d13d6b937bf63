"""A small workflow whose state after each step is known, and what to make of a step that fails."""

from __future__ import annotations

import io
import logging
import random
import traceback
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from statebag import Policy, Statebag, StatebagError
from statebag.testing.process import forget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from statebag.store.contract import Store

__all__ = [
    "CANARY",
    "SCOPE",
    "STEPS",
    "Outcome",
    "Workflow",
    "bags",
    "small_policy",
    "state_after",
    "watched",
]

CANARY = "canary-7f3a91"
SCOPE = "torture/run-1"
STEPS = 6


def small_policy(**settings: Any) -> Policy:
    """Limits so low that a state of some KB has every form of stub; one attempt at each request."""
    small = {"carry_bytes": 700, "field_limit": 600, "piece_bytes": 1024, "max_bag_bytes": 8192}
    return Policy(**{**small, "attempts": 1, **settings})


def _noise(size: int, seed: object) -> str:
    return random.Random(str(seed)).randbytes(size // 2).hex()


@cache
def _rows(step: int) -> tuple[tuple[str, str], ...]:
    """A table, in which each step edits rows in random places."""
    rows = {_noise(8, n): "open" for n in range(900)}
    for edit in range(step):
        for name in random.Random(edit).sample(list(rows), 40):
            rows[name] = _noise(8, (edit, name))
    return tuple(rows.items())


def state_after(step: int) -> dict[str, Any]:
    """The state after so many steps: every form of stub occurs in its bags."""
    log = [{"n": n, "text": _noise(160, n)} for n in range(24 * (step + 1))]
    current = {f"field_{n}": _noise(900, (n, step // (n + 1))) for n in range(4)}
    text = _noise(4000, 1)
    at = 500 * step
    return {
        "status": "RUNNING",
        "log": log,
        "rows": [{"id": name, "status": status} for name, status in _rows(step)],
        "current_state": current,
        "text": f"{text[:at]}{step}{text[at:]}",
        "secret": CANARY + _noise(700, ("secret", step // 2)),
        "looks": {"__statebag__": {"v": 1}, "step": step},
    }


@dataclass
class Outcome:
    """Of one kind of fault.

    Attributes:
        staged: Faults that fired.
        unnoticed: Calls that gave the right answer all the same.
        refused: Calls that raised one of the library's own errors.
        undetected: Wrong answers, errors of other kinds, values in messages; each described.
    """

    name: str
    place: str
    staged: int = 0
    unnoticed: int = 0
    refused: int = 0
    undetected: list[str] = field(default_factory=list)

    def wrong(self, what: str) -> None:
        """Something that must not be."""
        self.undetected.append(what)


class Workflow:
    """Steps on one store, each in a new process's situation, as an engine would run them."""

    def __init__(self, store: Store, **settings: Any) -> None:
        self.store = store
        self.settings = settings

    def client(self, store: Store | None = None) -> Statebag:
        """A client that knows nothing yet."""
        forget()
        return Statebag(store or self.store, policy=small_policy(**self.settings), replicas=())

    def first(self) -> Any:
        """The bag of the state before the first step."""
        return self.client().seal(state_after(0), scope=SCOPE)

    def step(self, bag: Any, number: int, store: Store | None = None) -> Any:
        """One step: the bag is opened, changed and sealed."""
        client = self.client(store)
        state = client.open(bag, scope=SCOPE)
        if state != state_after(number - 1):
            raise WrongStateError(f"step {number} was given a state that nobody sealed")
        after = state_after(number)
        if number % 2:
            new = after["log"][len(state["log"]) :]
            after["log"] = state["log"]
            return client.seal(after, scope=SCOPE, append={"$.log": new})
        return client.seal(after, scope=SCOPE)

    def opens_to(self, bag: Any, number: int) -> bool:
        """Whether a bag is the state after so many steps, for a new process."""
        return bool(self.client().open(bag, scope=SCOPE) == state_after(number))


class WrongStateError(Exception):
    """What must never happen: an open gave something else than was sealed, without an error."""


class watched:  # noqa: N801  # reads as a verb: with watched(outcome): ...
    """Counts how a block ended, and looks for the canary in what it says."""

    def __init__(self, outcome: Outcome, what: str) -> None:
        self.outcome = outcome
        self.what = what
        self.failed = False

    def __enter__(self) -> Self:
        self._log = io.StringIO()
        self._handler = logging.StreamHandler(self._log)
        logging.getLogger().addHandler(self._handler)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        logging.getLogger().removeHandler(self._handler)
        said = self._log.getvalue()
        if error is None:
            self.outcome.unnoticed += 1
        elif isinstance(error, StatebagError):
            self.failed = True
            self.outcome.refused += 1
            said += "".join(traceback.format_exception(error)).replace(__file__, "")
        elif isinstance(error, Exception):
            self.failed = True
            self.outcome.wrong(f"{self.what}: {type(error).__name__}")
        else:
            return False
        if CANARY in said:
            self.outcome.wrong(f"{self.what}: a value in a message")
        return True


def bags(store: Store) -> Iterator[tuple[int, Any]]:
    """All bags of a whole life, in order."""
    workflow = Workflow(store)
    bag = workflow.first()
    yield 0, bag
    for number in range(1, STEPS + 1):
        bag = workflow.step(bag, number)
        yield number, bag
