"""Let a run on this machine watch every seal of its functions, and make it strict.

The environment of a handler sets only the clients that are made from it. This module also reaches
clients that have their own policy.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.policy import Policy

__all__ = ["Rehearsal", "current", "policy_of", "rehearsed", "running"]


class Rehearsal(Protocol):
    """How a run wants the seals in its process to work.

    Attributes:
        strict: Whether every seal is strict, whatever its policy says.
    """

    strict: bool

    def sealed(self, bag: Any, policy: Policy) -> None:
        """Note a bag that was made under a policy."""


running: list[Rehearsal] = []
"""The rehearsals of this process; empty except in a run, so a seal looks here first."""
_own: ContextVar[Rehearsal | None] = ContextVar("statebag_rehearsal", default=None)


def current() -> Rehearsal | None:
    """Return the rehearsal of the run that this thread belongs to; None outside a run.

    A thread that a handler started itself does not belong to a run, and takes that of the latest.
    """
    return (_own.get() or running[-1]) if running else None


@contextmanager
def rehearsed(rehearsal: Rehearsal) -> Iterator[None]:
    """Have the seals of the code inside follow `rehearsal` until the block ends."""
    running.append(rehearsal)
    token = _own.set(rehearsal)
    try:
        yield
    finally:
        _own.reset(token)
        running.remove(rehearsal)


def policy_of(policy: Policy) -> Policy:
    """Return the policy that a seal follows."""
    rehearsal = current()
    if rehearsal is None or not rehearsal.strict or policy.strict:
        return policy
    return msgspec.structs.replace(policy, strict=True)
