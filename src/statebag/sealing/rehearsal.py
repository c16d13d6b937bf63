"""Let a run on this machine watch every seal of its process, and make it strict.

The environment of a handler sets only the clients that are made from it. This module also reaches
clients that have their own policy.
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
    """The wishes of a run for the seals of its process.

    Attributes:
        strict: Whether every seal is strict, whatever its policy says.
    """

    strict: bool

    def sealed(self, bag: Any, policy: Policy) -> None:
        """Take note of a bag that was made under a policy."""


current: Rehearsal | None = None
"""The rehearsal of this process; None except in a run on this machine."""


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
    """Return the policy that a seal follows."""
    if current is None or not current.strict or policy.strict:
        return policy
    return msgspec.structs.replace(policy, strict=True)
