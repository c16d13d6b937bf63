"""One call of an action: read its event as far as needed, and seal its answer within the bound."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.default_client import from_environment
from statebag.environment import sealing_is_off
from statebag.errors import BagTooLarge
from statebag.format.derived import with_derived
from statebag.format.json_text import wire_size
from statebag.manager.actions.event_reader import EventReader
from statebag.manager.actions.scope import no_execution
from statebag.manager.legacy.older_form import OlderForm
from statebag.manager.merge.fork import PENDING
from statebag.manager.scheduling import FULL, SUMMARY
from statebag.manager.settings import manager_settings
from statebag.store.refusing import refusing_writes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager

    from statebag.client import Statebag

__all__ = ["Invocation"]

_DERIVED_MARK = 64  # bytes. Chosen: the mark in a stub takes fewer
# Bytes of a bag that waits for an answer, which the engine puts next to it. Chosen: with an answer
# of 200 KB, and 8 KB of other fields, it stays under the engine's limit of 262,144 bytes.
_AT_A_PAUSE = 48 * 1024


class Invocation(EventReader):
    """Read an event's parts, and seal the answer.

    Args:
        event: The Lambda's event.
        scope: The scope to read and write; by default the one that the event gives.
        bound: The largest answer in bytes; by default the policy's bound.

    Attributes:
        settings: The manager's settings.
    """

    def __init__(
        self, event: Mapping[str, Any], scope: str | None = None, bound: int | None = None
    ) -> None:
        super().__init__(event, scope)
        self.settings = manager_settings()
        self._bound = bound

    @property
    def bound(self) -> int:
        """The largest answer, in bytes."""
        return self.sb.policy.max_bag_bytes if self._bound is None else self._bound

    def writing(self) -> AbstractContextManager[None]:
        """Return a context in which an event that names no execution cannot write.

        The first write raises the error of `must_be_named`.
        """
        return nullcontext() if self.is_named else refusing_writes(no_execution)

    def sealed(self, name: str, value: Any, budget: int) -> Any:
        """Return the bag of a value next to the state, or its pointers under wire version 0.

        Args:
            name: The name of the value.
            value: The opened value.
            budget: The largest number of bytes of the result.
        """
        with self.writing():
            if self.settings.wire == 0 and not sealing_is_off():
                state = next((one for one in self._states() if one.get("idempotency_key")), {})
                form = OlderForm(self.sb, self.scope)
                return form.of_value(name, self.opened(value), budget, state)
            try:
                return self.sb.seal(value, scope=self.scope, budget=budget)
            except BagTooLarge:  # a large field with the name of a control field is data here
                return from_environment().seal(value, scope=self.scope, budget=budget)

    def sealed_fields(self, fields: dict[str, Any], budget: int, plain: Iterable[str]) -> Any:
        """Return a bag of fields next to the state, in the form that the manager's `wire` says.

        Args:
            fields: Opened values by name.
            budget: The bag's bound in bytes.
            plain: Names of fields that stay plain, in addition to the control fields.
        """
        sb = self.sb.with_control(*plain)
        with self.writing():
            if self.settings.wire == 0 and not sealing_is_off():
                return OlderForm(sb, self.scope).of(self.opened(fields), budget)
            return sb.seal(fields, scope=self.scope, budget=budget)

    def sealed_state(
        self, state: dict[str, Any], budget: int, inline_bytes: int | None = None
    ) -> Any:
        """Return the bag of a state.

        Large `scheduling_metadata` is offloaded with a summary next to it. The pointers of a fork
        stay plain as long as they fit. The bag of a workflow that waits leaves room for the answer,
        unless its control fields are too large for that.

        Args:
            state: The state, which may hold unopened values.
            budget: The bag's bound in bytes.
            inline_bytes: The largest number of bytes of inline values, if less than the policy's.
        """
        if budget > _AT_A_PAUSE and self.settings.table.waits(state.get("next_action")):
            try:
                return self._bag_of(state, _AT_A_PAUSE, inline_bytes)
            except BagTooLarge:
                pass
        return self._bag_of(state, budget, inline_bytes)

    def _bag_of(self, state: dict[str, Any], budget: int, inline_bytes: int | None) -> Any:
        if self.settings.wire == 0 and not sealing_is_off():
            with self.writing():
                state = self._summary.put_back(state, self.opened)
                return OlderForm(self.sb, self.scope).of(self.opened(state), budget)
        state, summary = self._summary.scheduled(state, self.sb.policy.field_limit, self.opened)
        reserved = 0
        if summary is not None:
            reserved = wire_size({SUMMARY: summary}) + _DERIVED_MARK
        sealer = self._sealer(state, budget)
        if inline_bytes is not None and inline_bytes < sealer.policy.carry_bytes:
            policy = msgspec.structs.replace(sealer.policy, carry_bytes=inline_bytes)
            sealer = sealer.with_policy(policy)
        with self.writing():
            bag = sealer.seal(state, scope=self.scope, budget=budget - reserved)
        return bag if summary is None else with_derived(bag, FULL, {SUMMARY: summary})

    def answer(
        self, state: dict[str, Any], name: str = "state_data", **beside: Any
    ) -> dict[str, Any]:
        """Return the action's answer, which fits the bound as a whole.

        Args:
            state: The state to seal.
            name: The answer's field for it.
            beside: Further fields, which are small or sealed already.
        """
        room = self.bound - wire_size({name: 0, **beside})
        return {name: self.sealed_state(state, room), **beside}

    def of_state(
        self, state: Any, scope: str | None = None, bound: int | None = None
    ) -> Invocation:
        """Return this call for another state.

        Args:
            state: A bag, or a state with legacy pointers.
            scope: The scope to read and write; by default the one that the state says.
            bound: The largest answer in bytes; by default the policy's bound.
        """
        event = {name: value for name, value in self.event.items() if name != "branch_state"}
        return Invocation({**event, "state_data": state}, scope, bound)

    def answer_of_state(self) -> dict[str, Any]:
        """Return `{state_data}` alone, within the bound."""
        return self.answer(self.state())

    def untouched(self, name: str, **beside: Any) -> dict[str, Any]:
        """Return an answer with the event's state unchanged, or sealed if it does not fit."""
        state = self.event.get(name)
        if wire_size({name: state, **beside}) <= self.bound:
            return {name: state, **beside}
        return self.answer(self.state(name), name, **beside)

    def _sealer(self, state: dict[str, Any], budget: int) -> Statebag:
        pointers = state.get(PENDING)
        if not isinstance(pointers, list) or wire_size(pointers) > budget // 2:
            return self.sb
        return self.sb.with_control(PENDING)
