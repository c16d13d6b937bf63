"""One call of an action: its event read as far as needed, its answer sealed within the bound."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import msgspec

from statebag.default_client import from_environment
from statebag.environment import sealing_is_off
from statebag.errors import InvalidState, NotPermitted
from statebag.format import json_text
from statebag.format.codec import compress, sha256_hex
from statebag.format.derived import is_marked, set_aside, with_derived
from statebag.format.json_text import wire_size
from statebag.format.json_type import json_type
from statebag.format.stub import KEY, Carried
from statebag.format.unopened import Grown, Unopened
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
from statebag.manager.merge.sameness import holds_unopened
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


class Invocation:
    """Reads an event's parts and seals an answer.

    Args:
        event: The Lambda's event.
        scope: What to read and where to write; by default what the event says.
        bound: Bytes that an answer may have; by default the policy's.

    Attributes:
        event: The same.
        sb: The environment's client, which keeps the manager's control fields plain.
        scope: What is read, and where new objects go.
        control: Names of the control fields.
        settings: The manager's own.
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
        """Whether the event says which execution it belongs to."""
        return self.scope != UNNAMED

    @property
    def bound(self) -> int:
        """Bytes that an answer may have."""
        return self.sb.policy.max_bag_bytes if self._bound is None else self._bound

    def must_be_named(self) -> None:
        """Refuse an event that does not name its execution.

        Raises:
            InvalidState: It names none, and has no idempotency key.
        """
        if not self.is_named:
            raise no_execution()

    def writing(self) -> AbstractContextManager[None]:
        """Return a block in which an event that names no execution stores nothing.

        Its first write is refused as by `must_be_named`.
        """
        return nullcontext() if self.is_named else refusing_writes(no_execution)

    def check_scopes(self) -> None:
        """Refuse stubs in the event that name objects of a scope that it may not read.

        An answer hands on what an action does not read: without this check, the step that opens
        it would fail, and not the one that brought it in.

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
        """A field that the event must have.

        Raises:
            InvalidState: It has none, or null.
        """
        value = self.event.get(name)
        if value is None:
            raise InvalidState(f"the event has no {name}", path=f"$.{name}")
        return value

    def state(self, name: str = "state_data") -> dict[str, Any]:
        """The event's state, opened at its top: what left it stays `Unopened`.

        Pointers of wire version 0 are followed where they can stand.

        Raises:
            InvalidState: It is no object.
        """
        bag, aside = _aside(self.given(name))
        return self._with_came(self._top_of(bag, name), aside)

    def branch_state(self) -> dict[str, Any]:
        """Return the event's `branch_state`, opened at its top, as `state` does for a state.

        The summary that it keeps is that of the state inside it.
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
        """The state, with what was set aside if it is known to be a field of the state's own.

        Without reading the metadata, what could be its summary is taken for that until the seal.
        """
        self._summary = None
        if SUMMARY in aside:
            self._summary = _Came(aside[SUMMARY], state.get(FULL))
            if not may_be_summary(aside[SUMMARY]) or not isinstance(state.get(FULL), Unopened):
                return self._with_summary(state)
        return state

    def result(self, name: str, read: Iterable[str]) -> dict[str, Any]:
        """A result that the event brings: the named fields opened, the others as they came.

        A result that is a pointer of wire version 0 itself is followed; what it holds is data.

        Raises:
            InvalidState: It is no object.
        """
        value = payload_of(self.event.get(name))
        if value is None:
            return {}
        if as_pointer(value) is not None:
            value = self._reader().resolve(value, (name,))
        return self._object(self.looked_into(value, read), name)

    def looked_into(self, value: Any, read: Iterable[str]) -> Any:
        """A result as `top` gives it; of a response of `lambda:invoke`, the result in it.

        Args:
            value: A bag, or an `Unopened`.
            read: Names of fields to open as well.
        """
        names = tuple(read)
        result = self.top(payload_of(value), only=names)
        while is_response(result):  # one that was sealed: what it holds is opened, or `Unopened`
            result = payload_of(result)
            if isinstance(result, Unopened):
                result = self.top(result, only=names)
            elif isinstance(result, dict):
                fields = {key: result[key] for key in names if key in result}
                result = {**result, **self.opened(fields)}
        return result

    def top(self, value: Any, only: Iterable[str] = ()) -> Any:
        """A value with its own fields in place; those that left it stay `Unopened`.

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
        """A result's final state, opened at its top; a pointer of wire version 0 is followed.

        What its fields hold is data. A field that is the very pointer which stood in the
        event's own state is what the step did not touch, and is left out.

        Args:
            value: What the result gives.
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
            if as_pointer(one) is None or before.get(key) != one
        }

    def followed(self, parts: dict[str, Any]) -> dict[str, Any]:
        """Parts of a state as they came, with the pointers of wire version 0 in them replaced.

        They are results, not the state itself: what leads out of the root is data in them.
        """
        reader = self._reader(foreign_is_data=True, of_branches=True)
        return self._object(reader.resolve(parts), "parts")

    def behind_pointer(self, pointer: Any, path: Path) -> Any:
        """What one pointer of wire version 0 leads to; stubs in it are data, and escaped.

        Raises:
            NotPermitted, BlobMissing, BlobCorrupt, LimitExceeded: As for a state with it.
        """
        return self._reader().resolve(pointer, path)

    def opened(self, value: Any) -> Any:
        """A value with everything in it opened, in one read; `value` is not changed."""
        found: list[Unopened] = []
        _collect(value, found)
        if not found:
            return value
        return _filled(value, iter(self.sb.open(list(found), scope=self.scope, embedded=False)))

    def sealed(self, name: str, value: Any, budget: int) -> Any:
        """Return what to carry for a value beside the state, in the form of the policy's wire.

        Args:
            name: What the value is called.
            value: As it was opened.
            budget: Bytes that it may have.
        """
        with self.writing():
            if self.settings.wire == 0 and not sealing_is_off():
                state = next((one for one in self._states() if one.get("idempotency_key")), {})
                form = OlderForm(self.sb, self.scope)
                return form.of_value(name, self.opened(value), budget, state)
            return self.sb.seal(value, scope=self.scope, budget=budget)

    def sealed_fields(self, fields: dict[str, Any], budget: int, plain: Iterable[str]) -> Any:
        """Return a bag for fields beside the state, in the form that the policy's wire says.

        Args:
            fields: As they were opened.
            budget: The bag's bound in bytes.
            plain: Names of those that stay plain, beside the control fields.
        """
        sb = self.sb.with_control(*plain)
        with self.writing():
            if self.settings.wire == 0 and not sealing_is_off():
                return OlderForm(sb, self.scope).of(self.opened(fields), budget)
            return sb.seal(fields, scope=self.scope, budget=budget)

    def sealed_state(self, state: dict[str, Any], budget: int) -> Any:
        """A bag for a state: `scheduling_metadata` once large is only summed up, and the
        pointers of a fork stay plain as long as they fit.
        """  # noqa: D205 (one sentence of two lines)
        if self.settings.wire == 0 and not sealing_is_off():
            with self.writing():
                state = self._with_summary(state)
                return OlderForm(self.sb, self.scope).of(self.opened(state), budget)
        state, summary = self._scheduled(state)
        reserved = 0
        if summary is not None:
            reserved = wire_size({SUMMARY: summary}) + _DERIVED_MARK
        sealer = self._sealer(state, budget)
        with self.writing():
            bag = sealer.seal(state, scope=self.scope, budget=budget - reserved)
        return bag if summary is None else with_derived(bag, FULL, {SUMMARY: summary})

    def answer(
        self, state: dict[str, Any], name: str = "state_data", **beside: Any
    ) -> dict[str, Any]:
        """The action's answer, within the bound as a whole.

        Args:
            state: To be sealed.
            name: Under which name.
            beside: Small or sealed already.
        """
        room = self.bound - wire_size({name: 0, **beside})
        return {name: self.sealed_state(state, room), **beside}

    def of_state(
        self, state: Any, scope: str | None = None, bound: int | None = None
    ) -> Invocation:
        """The same call for another state.

        Args:
            state: A bag, or a state of wire version 0.
            scope: The scope to read and write; by default the one that the state says.
            bound: Bytes that the answer may have; by default the policy's.
        """
        event = {name: value for name, value in self.event.items() if name != "branch_state"}
        return Invocation({**event, "state_data": state}, scope, bound)

    def answer_of_state(self) -> dict[str, Any]:
        """`{state_data}` alone, within the bound."""
        return self.answer(self.state())

    def untouched(self, name: str, **beside: Any) -> dict[str, Any]:
        """An answer that hands the event's state on as it came, or sealed where it must be."""
        state = self.event.get(name)
        if wire_size({name: state, **beside}) <= self.bound:
            return {name: state, **beside}
        return self.answer(self.state(name), name, **beside)

    def check_address(self, address: str, path: Path, *, of_branch: bool = True) -> str:
        """The name of the object at an address of wire version 0, which this event may read.

        Raises:
            NotPermitted: It is outside the root, or another execution's, or signatures are
                required: an address has none.
        """
        name, allowed = self.may_read(address, path, of_branch=of_branch)
        if not allowed:
            raise self.pointer_scope().refusal(name, path)
        return name

    def may_read(self, address: str, path: Path, *, of_branch: bool = True) -> tuple[str, bool]:
        """Return the name of the object at such an address, and whether it is this execution's.

        Raises:
            NotPermitted: The address is outside the root, or signatures are required.
        """
        scope = self.pointer_scope()
        scope.must_follow(path)
        name = name_below(self.sb.store.url, address, path)
        return name, scope.allows(name, of_branch=of_branch)

    def pointer_scope(self) -> PointerScope:
        """What addresses of wire version 0 in this event may lead to."""
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
        """The state with the summary that came as a field of its own, if it was none."""
        came = self._summary
        if came is None or SUMMARY in state:
            return state
        if may_be_summary(came.value) and is_summary_of(came.value, self.opened(came.source)):
            return state
        return {**state, SUMMARY: came.value}

    def _scheduled(self, state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """The state with large scheduling metadata as one value, and its summary.

        No summary where there is nothing to sum up, or the state has a field of that name.
        """
        metadata = state.get(FULL)
        came = self._summary
        if came is not None and (metadata != came.source or sealing_is_off()):
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
    """The summary of an event's metadata, as it came; the engine may have replaced it.

    Attributes:
        value: The value of the summary's field.
        source: The metadata; None if there was none.
    """

    value: Any
    source: Any


def _aside(bag: Any) -> tuple[Any, dict[str, Any]]:
    """An object of a bag without the summary of metadata that left, and this summary by name."""
    if isinstance(bag, dict) and is_marked(bag.get(FULL)):  # else it is opened now anyway
        return set_aside(bag)
    return bag, {}


def as_one(text: bytes, count: int, kind: Kind = "object") -> Unopened:
    """A value that leaves whole: seal stores it where it is too large to be carried."""
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
    """A copy with the next opened value at each place, in the order of `_collect`."""
    if isinstance(value, Unopened):
        return next(opened)
    if isinstance(value, Grown):
        return [*next(opened), *_filled(value.items, opened)]
    if isinstance(value, dict):
        return {key: _filled(member, opened) for key, member in value.items()}
    if isinstance(value, list):
        return [_filled(member, opened) for member in value]
    return value
