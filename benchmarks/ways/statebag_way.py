"""Statebag itself, through its public interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag import Policy, Statebag
from statebag.testing.process import forget

if TYPE_CHECKING:
    from benchmarks.ways.way import Timer
    from benchmarks.workloads import Change

__all__ = ["SCOPE", "StatebagWay"]

SCOPE = "benchmark/run-1"


class StatebagWay:
    """Seals what a step changed.

    Args:
        store: An address.
        carry_bytes: As in `Policy`; by default the policy's default.
        one: Whether a step opens only the field it edits, and appends to the history unread.
    """

    def __init__(self, store: str, carry_bytes: int | None = None, *, one: bool = False) -> None:
        settings = {} if carry_bytes is None else {"carry_bytes": carry_bytes}
        self.policy = Policy(**settings)
        self.name = "statebag"
        if carry_bytes is not None:
            self.name += f", carry {carry_bytes // 1024} KB"
        if one:
            self.name += ", only="
        self._store = store
        self._one = one
        self._bag: Statebag | None = None

    def first(self, state: dict[str, Any]) -> Any:
        return self._client().seal(state, scope=SCOPE)

    def step(self, payload: Any, change: Change, timer: Timer) -> Any:
        client = self._client()
        only = change.paths if self._one else None
        with timer("open"):
            state = client.open(payload, only=only, scope=SCOPE)
        if not self._one:
            change.apply(state)
            with timer("seal"):
                return client.seal(state, scope=SCOPE)
        change.apply_fields(state)
        with timer("seal"):
            return client.seal(state, scope=SCOPE, append={"$.state_history": change.entries})

    def read(self, payload: Any) -> dict[str, Any]:
        state: dict[str, Any] = self._client().open(payload, scope=SCOPE)
        return state

    def forget(self) -> None:
        forget()
        self._bag = None

    def _client(self) -> Statebag:
        if self._bag is None:
            self._bag = Statebag(self._store, policy=self.policy)
        return self._bag
