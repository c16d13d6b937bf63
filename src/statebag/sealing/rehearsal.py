"""What a run on this machine asks of every seal in its process: to be strict, and to be told.

The environment of a handler reaches only the clients that are made from it; a client with a
policy of its own is reached here.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.policy import Policy

__all__ = ["Rehearsal", "current", "policy_of", "rehearsed"]


class Rehearsal(Protocol):
    """Stands by while a workflow is tried.

    Attributes:
        strict: Whether every seal is strict, whatever its policy says.
    """

    strict: bool

    def sealed(self, bag: Any, policy: Policy) -> None:
        """A bag was made under a policy."""


current: Rehearsal | None = None
"""Who stands by; None but in a run on this machine."""


@contextmanager
def rehearsed(rehearsal: Rehearsal) -> Iterator[None]:
    """Have every seal of this process follow `rehearsal` until the block ends."""
    global current  # noqa: PLW0603 - one run at a time; a handler's own threads seal too
    before, current = current, rehearsal
    try:
        yield
    finally:
        current = before


def policy_of(policy: Policy) -> Policy:
    """The policy that a seal follows."""
    if current is None or not current.strict or policy.strict:
        return policy
    return msgspec.structs.replace(policy, strict=True)
