"""The calls of a client that heads use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

    from statebag.policy import Policy
    from statebag.store.retrying import RetryingStore

__all__ = ["SealingClient"]


class SealingClient(Protocol):
    """Seals and opens: `Statebag` is one."""

    store: RetryingStore
    policy: Policy

    def with_readable(self, *scopes: str) -> Self:
        """Return this client with more readable scopes."""
        ...

    def seal(
        self,
        state: Any,
        scope: str | None = None,
        parent: Any = None,
        budget: int | None = None,
        *,
        heal: bool = False,
    ) -> Any:
        """Return the bag of a state."""
        ...

    def open(
        self,
        bag: Any,
        only: Iterable[str | Sequence[str | int]] | None = None,
        scope: str | None = None,
    ) -> Any:
        """Return the state in a bag."""
        ...
