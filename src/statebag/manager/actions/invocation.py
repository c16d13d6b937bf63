"""One call of an action: read its event as far as needed, and seal its answer within the bound."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.default_client import from_environment
from statebag.environment import sealing_is_off
from statebag.errors import BagTooLarge, InvalidState, NotPermitted
from statebag.format import json_text
from statebag.format.codec import compress, sha256_hex
from statebag.format.derived import is_marked, set_aside, with_derived
from statebag.format.json_text import wire_size
from statebag.format.json_type import json_type
from statebag.format.stub import KEY, Carried
from statebag.format.unopened import Grown, Unopened, equal, holds_unopened
from statebag.manager.actions.scope import (
    UNNAMED,
    execution_of_scope,
    no_execution,
    refuse_foreign_stubs,
    scope_of_event,
)
from statebag.manager.control_fields import CONTROL_PATHS
from statebag.manager.legacy.older_form import OlderForm
from statebag.manager.legacy.pointer_format import as_pointer
from statebag.manager.legacy.pointer_scope import STATES, PointerScope
from statebag.manager.legacy.pointers import PointerReader
from statebag.manager.merge.control import control_names
from statebag.manager.merge.deliveries import DELIVERIES
from statebag.manager.merge.fork import PENDING
from statebag.manager.merge.history import LAST_ID
from statebag.manager.merge.lambda_response import is_response, payload_of
from statebag.manager.merge.resuming import RESUME_POINT
from statebag.manager.scheduling import FULL, SUMMARY, is_summary_of, may_be_summary, summary_of
from statebag.manager.settings import manager_settings
from statebag.store.confinement import name_below
from statebag.store.refusing import refusing_writes
from statebag.telemetry.steps import belongs_to
from statebag.telemetry.stub_aware import reads_stubs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from statebag.client import Statebag
    from statebag.format.form import Kind
    from statebag.format.paths import Path

__all__ = ["BOOKKEEPING", "Invocation", "as_one"]

BOOKKEEPING = (LAST_ID, RESUME_POINT, DELIVERIES)
"""Fields of a state that every action reads; they are small."""

_INNER = "state_data"  # of a branch's own state
_DERIVED_MARK = 64  # bytes. Chosen: the mark in a stub takes fewer
# Bytes of a bag that waits for an answer, which the engine puts next to it. Chosen: with an answer
# of 200 KB, and 8 KB of other fields, it stays under the engine's limit of 262,144 bytes.
_AT_A_PAUSE = 48 * 1024


class Invocation:
    """Read an event's parts, and seal the answer.

    Args:
        event: The Lambda's event.
        scope: The scope to read and write; by default the one that the event gives.
        bound: The largest answer in bytes; by default the policy's bound.

    Attributes:
        event: As given.
        sb: The environment's client, which keeps the manager's control fields plain.
        scope: The scope that is read and written.
        control: Names of the control fields.
        settings: The manager's settings.
    """

    def __init__(
        self, event: Mapping[str, Any], scope: str | None = None, bound: int | None = None
    ) -> None:
        reads_stubs(event)  # also where an action hands a bag on untouched
        self.event = event
        self.sb: Statebag = from_environment().with_control(*CONTROL_PATHS)
        states = (event.get(name) for name in STATES)
        state = next((one for one in states if one is not None), None)
        self._given_scope = scope
        self.scope = scope or scope_of_event(state, event)
        self.control = control_names(self.sb.policy.control_paths())
        self.settings = manager_settings()
        self._bound = bound
        self._summary: _Came | None = None

    @property
    def is_named(self) -> bool:
        """Whether the event names its execution."""
        return self.scope != UNNAMED

    @property
    def bound(self) -> int:
        """The largest answer, in bytes."""
        return self.sb.policy.max_bag_bytes if self._bound is None else self._bound

    def must_be_named(self) -> None:
        """Refuse an event that does not name its execution.

        Raises:
            InvalidState: It names none, and has no idempotency key.
        """
        if not self.is_named:
            raise no_execution()

    def writing(self) -> AbstractContextManager[None]:
        """Return a context in which an event that names no execution cannot write.

        The first write raises the error of `must_be_named`.
        """
        return nullcontext() if self.is_named else refusing_writes(no_execution)

    def check_scopes(self) -> None:
        """Refuse stubs in the event that name objects of a scope that it may not read.

        An answer passes on what an action does not read. Without this check, the step that opens
        it would fail, instead of the one that brought it in.

        Raises:
            NotPermitted: With the stub's path and the object's name.
            InvalidState: There is such a stub, and the event does not name its execution.
        """
        try:
            refuse_foreign_stubs(self.event, self.scope, self.sb.policy)
        except NotPermitted:
            self.must_be_named()
            raise

    def given(self, name: str) -> Any:
        """Return a required field of the event.

        Raises:
            InvalidState: It has none, or null.
        """
        value = self.event.get(name)
        if value is None:
            raise InvalidState(f"the event has no {name}", path=f"$.{name}")
        return value

    def state(self, name: str = "state_data") -> dict[str, Any]:
        """Return the event's state opened at its top: offloaded fields stay `Unopened`.

        Legacy pointers are followed in the places where they can stand.

        Raises:
            InvalidState: It is not an object.
        """
        bag, aside = _aside(self.given(name))
        return self._with_came(self._top_of(bag, name), aside)

    def branch_state(self) -> dict[str, Any]:
        """Return the event's `branch_state`, opened at its top as by `state`.

        The summary that is kept is the one of the state inside it.
        """
        bag = self.given("branch_state")
        inner, aside = _aside(bag.get(_INNER) if isinstance(bag, dict) else None)
        if not aside or KEY in inner:
            return self._with_came(self._top_of(bag, "branch_state"), {})
        fields = self._top_of({**bag, _INNER: inner}, "branch_state")
        opened = fields.get(_INNER)
        if isinstance(opened, dict):
            fields = {**fields, _INNER: self._with_came(opened, aside)}
        return fields

    def _top_of(self, bag: Any, name: str) -> dict[str, Any]:
        bag = self._reader().resolve(bag, (name,))
        self.scope = self._given_scope or scope_of_event(bag, self.event)
        belongs_to(execution_of_scope(self.scope, self.event, bag), self.scope)
        self.check_scopes()
        return self._object(self.top(bag, only=BOOKKEEPING), name)

    def _with_came(self, state: dict[str, Any], aside: dict[str, Any]) -> dict[str, Any]:
        """Return the state with the field set aside, if that is known to be the state's own field.

        Until the seal reads the metadata, a value that could be its summary counts as that.
        """
        self._summary = None
        if SUMMARY in aside:
            self._summary = _Came(aside[SUMMARY], state.get(FULL))
            if not may_be_summary(aside[SUMMARY]) or not isinstance(state.get(FULL), Unopened):
                return self._with_summary(state)
        return state

    def result(self, name: str, read: Iterable[str]) -> dict[str, Any]:
        """Return a result in the event with the named fields opened and the others unchanged.

        A result that is itself a legacy pointer is followed; its value is data.

        Raises:
            InvalidState: It is not an object.
        """
        value = payload_of(self.event.get(name))
        if value is None:
            return {}
        if as_pointer(value) is not None:
            value = self._reader().resolve(value, (name,))
        return self._object(self.looked_into(value, read), name)

    def looked_into(self, value: Any, read: Iterable[str]) -> Any:
        """Return the top of a result, taken out of a response of `lambda:invoke` if it is in one.

        Args:
            value: A bag, or an `Unopened`.
            read: Names of fields to open as well.
        """
        names = tuple(read)
        result = self.top(payload_of(value), only=names)
        while is_response(result):  # a sealed response: its fields are opened or `Unopened`
            result = payload_of(result)
            if isinstance(result, Unopened):
                result = self.top(result, only=names)
            elif isinstance(result, dict):
                fields = {key: result[key] for key in names if key in result}
                result = {**result, **self.opened(fields)}
        return result

    def top(self, value: Any, only: Iterable[str] = ()) -> Any:
        """Return a value opened at its top: offloaded fields stay `Unopened`.

        Args:
            value: A bag, or an `Unopened`.
            only: Names of fields to open as well.
        """
        opened = self.sb.open(
            value, only=[(name,) for name in only], scope=self.scope, embedded=False
        )
        if isinstance(opened, Unopened):
            opened = self.sb.open(opened, scope=self.scope, embedded=False)
        return opened

    def final_state(self, value: Any, before: Any = None) -> Any:
        """Return a result's final state, opened at its top; a legacy pointer is followed.

        The values of its fields are data. A field that still is the pointer which stood in the
        event's own state is left out: the step did not change it.

        Args:
            value: The result's `final_state`.
            before: The event's `current_state` as it came.
        """
        if as_pointer(value) is not None:
            value = self._reader(of_branches=True).resolve(value, ("final_state",))
            value = self.sb.open(value, scope=self.scope, embedded=False)
        if isinstance(value, Unopened):
            value = self.top(value)
        if not isinstance(value, dict) or not isinstance(before, dict):
            return value
        return {
            key: one
            for key, one in value.items()
            if as_pointer(one) is None or not equal(before.get(key), one)
        }

    def followed(self, parts: dict[str, Any]) -> dict[str, Any]:
        """Return parts of a result with their legacy pointers replaced by values.

        In a result, unlike in the state, a pointer that leads out of the root is data.
        """
        reader = self._reader(foreign_is_data=True, of_branches=True)
        return self._object(reader.resolve(parts), "parts")

    def behind_pointer(self, pointer: Any, path: Path) -> Any:
        """Return the value of one legacy pointer; stubs in it are data, and escaped.

        Raises:
            NotPermitted, BlobMissing, BlobCorrupt, LimitExceeded: As for a state with it.
        """
        return self._reader().resolve(pointer, path)

    def opened(self, value: Any) -> Any:
        """Return a copy of a value with everything in it opened, in one read."""
        found: list[Unopened] = []
        _collect(value, found)
        if not found:
            return value
        return _filled(value, iter(self.sb.open(list(found), scope=self.scope, embedded=False)))

    def sealed(self, name: str, value: Any, budget: int) -> Any:
        """Return the bag of a value next to the state, or its pointers under wire version 0.

        Args:
            name: The name of the value.
            value: The opened value.
            budget: The most bytes of the result.
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
            state: The state, with what was not opened.
            budget: The bag's bound in bytes.
            inline_bytes: The most bytes of inline values, if that is less than the policy's.
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
                state = self._with_summary(state)
                return OlderForm(self.sb, self.scope).of(self.opened(state), budget)
        state, summary = self._scheduled(state)
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

    def check_address(self, address: str, path: Path, *, of_branch: bool = True) -> str:
        """Return the name of the object at a legacy address, which the event may read.

        Raises:
            NotPermitted: The address is outside the root or another execution's, or signatures
                are required, which an address cannot have.
        """
        name, allowed = self.may_read(address, path, of_branch=of_branch)
        if not allowed:
            raise self.pointer_scope().refusal(name, path)
        return name

    def may_read(self, address: str, path: Path, *, of_branch: bool = True) -> tuple[str, bool]:
        """Return the name of the object at a legacy address, and whether it is this execution's.

        Raises:
            NotPermitted: The address is outside the root, or signatures are required.
        """
        scope = self.pointer_scope()
        scope.must_follow(path)
        name = name_below(self.sb.store.url, address, path)
        return name, scope.allows(name, of_branch=of_branch)

    def pointer_scope(self) -> PointerScope:
        """Return the objects that legacy addresses in this event may name."""
        scope = PointerScope(self.scope, self.sb.policy, any_id=not self.is_named)
        for state in (self.event, *(self.event.get(name) for name in STATES)):
            scope.learn(state)
        return scope

    def _states(self) -> Iterator[dict[str, Any]]:
        """The states of the event as they came, and the event, which may say what they do."""
        given = [self.event.get(name) for name in STATES]
        inner = [one.get(_INNER) for one in given if isinstance(one, dict)]
        return (one for one in (*inner, *given, self.event) if isinstance(one, dict))

    def _reader(self, *, foreign_is_data: bool = False, of_branches: bool = False) -> PointerReader:
        return PointerReader(
            self.sb.store,
            self.sb.policy,
            self.pointer_scope(),
            foreign_is_data=foreign_is_data,
            of_branches=of_branches,
        )

    def _object(self, value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise InvalidState(
                f"{name} must be an object, not {json_type(value)}", path=f"$.{name}"
            )
        return value

    def _sealer(self, state: dict[str, Any], budget: int) -> Statebag:
        pointers = state.get(PENDING)
        if not isinstance(pointers, list) or wire_size(pointers) > budget // 2:
            return self.sb
        return self.sb.with_control(PENDING)

    def _with_summary(self, state: dict[str, Any]) -> dict[str, Any]:
        """Return the state with the set-aside field put back, if it was not a summary."""
        came = self._summary
        if came is None or SUMMARY in state:
            return state
        if may_be_summary(came.value) and is_summary_of(came.value, self.opened(came.source)):
            return state
        return {**state, SUMMARY: came.value}

    def _scheduled(self, state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return the state with large scheduling metadata as one blob, and the summary of it.

        The summary is None if there is no metadata, or if the state has a field of that name.
        """
        metadata = state.get(FULL)
        came = self._summary
        if came is not None and (not equal(metadata, came.source) or sealing_is_off()):
            state, came = self._with_summary(state), None
        if metadata is None or SUMMARY in state or sealing_is_off():
            return state, None
        if isinstance(metadata, Unopened) and metadata.kind == "object":
            return state, summary_of(self.opened(metadata)) if came is None else came.value
        if not isinstance(metadata, dict):
            return state, None
        if holds_unopened(metadata):
            metadata = self.opened(metadata)
        text = json_text.encode(metadata)
        if len(text) > self.sb.policy.field_limit:
            state = {**state, FULL: as_one(text, len(metadata))}
        return state, summary_of(metadata)


class _Came(msgspec.Struct, frozen=True):
    """The summary that an event had of its metadata; the engine may have replaced it.

    Attributes:
        value: The value of the summary's field.
        source: The metadata; None if there was none.
    """

    value: Any
    source: Any


def _aside(bag: Any) -> tuple[Any, dict[str, Any]]:
    """Return a bag without the summary of offloaded metadata, and this summary by name."""
    if isinstance(bag, dict) and is_marked(bag.get(FULL)):  # otherwise it is opened now in any case
        return set_aside(bag)
    return bag, {}


def as_one(text: bytes, count: int, kind: Kind = "object") -> Unopened:
    """Return a stand-in for a value that a seal offloads whole, inline or in the store."""
    stub = Carried(sha256_hex(text), len(text), compress(text), kind, count)
    return Unopened({KEY: stub.to_wire()}, stub, is_own=True)


def _collect(value: Any, found: list[Unopened]) -> None:
    if isinstance(value, Unopened):
        found.append(value)
    elif isinstance(value, Grown):
        found.append(value.before)
        _collect(value.items, found)
    elif isinstance(value, dict):
        for member in value.values():
            _collect(member, found)
    elif isinstance(value, list):
        for member in value:
            _collect(member, found)


def _filled(value: Any, opened: Any) -> Any:
    """Return a copy with the opened values in their places, in the order of `_collect`."""
    if isinstance(value, Unopened):
        return next(opened)
    if isinstance(value, Grown):
        return [*next(opened), *_filled(value.items, opened)]
    if isinstance(value, dict):
        return {key: _filled(member, opened) for key, member in value.items()}
    if isinstance(value, list):
        return [_filled(member, opened) for member in value]
    return value
