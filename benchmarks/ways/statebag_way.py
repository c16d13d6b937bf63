"""Statebag itself, through its public interface."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from statebag import Policy, Statebag
from statebag.opening import process_memory
from statebag.opening.known import Bases
from statebag.sealing import cutting
from statebag.store.address import store_from_url
from statebag.testing.process import forget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.ways.way import Timer
    from benchmarks.workloads import Change

__all__ = ["SCOPE", "StatebagWay"]

SCOPE = "benchmark/run-1"
_NEVER_CUT = 1 << 40  # bytes


def _nothing_kept(_: int, lock: Any = None) -> Bases:
    return Bases(0, lock)


class StatebagWay:
    """Seals what a step changed.

    Args:
        store: An address.
        parameters: `only`: a step opens only the field it edits, and appends to the history
            unread. `no-patches`, `no-pieces`: large values leave without these forms. `name=value`:
            a setting of the policy, or the index's `fan_out`. A number alone is `carry_bytes`.
    """

    def __init__(self, store: str, parameters: Sequence[str] = ()) -> None:
        settings: dict[str, int] = {}
        self.name = "statebag"
        for one in parameters:
            if one.isdigit():
                settings["carry_bytes"] = int(one)
                self.name += f", carry {int(one) // 1024} KB"
            elif "=" in one:
                name, value = one.split("=")
                settings[name] = int(value)
                self.name += f", {name} {value}"
        self._one = "only" in parameters
        if "no-patches" in parameters:  # no setting of the library: a trial, in its own process
            process_memory.Bases = _nothing_kept  # type: ignore[assignment,misc]
        if self._one:
            self.name += ", only="
        if "no-pieces" in parameters:
            settings["piece_bytes"] = _NEVER_CUT
        fan_out = settings.pop("fan_out", None)
        if fan_out is not None:
            cutting.group = partial(cutting.group, fan_out=fan_out)  # type: ignore[assignment]
        self.policy = Policy(**settings)
        self._store = store_from_url(store)  # kept, as the other ways keep their clients
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
