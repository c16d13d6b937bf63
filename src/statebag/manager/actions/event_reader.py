"""Read the states and results in an event as far as needed, and check what it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.default_client import from_environment
from statebag.errors import InvalidState, NotPermitted
from statebag.format.bag_text import check_parts
from statebag.format.json_type import json_type
from statebag.format.stub import KEY
from statebag.format.unopened import Unopened, equal
from statebag.manager.actions.kept_summary import KeptSummary, summary_aside
from statebag.manager.actions.scope import (
    UNNAMED,
    execution_of_scope,
    no_execution,
    refuse_foreign_stubs,
    scope_of_event,
)
from statebag.manager.actions.unopened_parts import with_all_opened
from statebag.manager.control_fields import CONTROL_PATHS
from statebag.manager.legacy.pointer_format import as_pointer
from statebag.manager.legacy.pointer_scope import STATES, PointerScope
from statebag.manager.legacy.pointers import PointerReader
from statebag.manager.merge.control import control_names
from statebag.manager.merge.deliveries import DELIVERIES
from statebag.manager.merge.history import LAST_ID
from statebag.manager.merge.lambda_response import is_response, payload_of
from statebag.manager.merge.resuming import RESUME_POINT
from statebag.store.confinement import name_below
from statebag.telemetry.steps import belongs_to
from statebag.telemetry.stub_aware import reads_stubs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from statebag.client import Statebag
    from statebag.format.paths import Path

__all__ = ["BOOKKEEPING", "EventReader"]

BOOKKEEPING = (LAST_ID, RESUME_POINT, DELIVERIES)
"""Fields of a state that every action reads; they are small."""

_INNER = "state_data"  # of a branch's own state


class EventReader:
    """Read the parts of an event.

    Args:
        event: The Lambda's event.
        scope: The scope to read and write; by default the one that the event gives.

    Attributes:
        event: As given.
        sb: The environment's client, which keeps the manager's control fields plain.
        scope: The scope that is read and written.
        control: Names of the control fields.
    """

    def __init__(self, event: Mapping[str, Any], scope: str | None = None) -> None:
        check_parts(event)
        reads_stubs(event)  # also where an action hands a bag on untouched
        self.event = event
        self.sb: Statebag = from_environment().with_control(*CONTROL_PATHS)
        states = (event.get(name) for name in STATES)
        state = next((one for one in states if one is not None), None)
        self._given_scope = scope
        self.scope = scope or scope_of_event(state, event)
        self.control = control_names(self.sb.policy.control_paths())
        self._summary = KeptSummary()

    @property
    def is_named(self) -> bool:
        """Whether the event names its execution."""
        return self.scope != UNNAMED

    def must_be_named(self) -> None:
        """Refuse an event that does not name its execution.

        Raises:
            InvalidState: It names none, and has no idempotency key.
        """
        if not self.is_named:
            raise no_execution()

    def check_scopes(self) -> None:
        """Refuse stubs in the event that name objects of a scope that it may not read.

        An answer passes on values that an action does not read. Without this check, the step that
        opens them would fail, instead of the one that brought them in.

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
        bag, aside = summary_aside(self.given(name))
        return self._summary.keep(self._top_of(bag, name), aside, self.opened)

    def branch_state(self) -> dict[str, Any]:
        """Return the event's `branch_state`, opened at its top as by `state`.

        The summary that is kept is that of the state inside it.
        """
        bag = self.given("branch_state")
        inner, aside = summary_aside(bag.get(_INNER) if isinstance(bag, dict) else None)
        if not aside or KEY in inner:
            return self._summary.keep(self._top_of(bag, "branch_state"), {}, self.opened)
        fields = self._top_of({**bag, _INNER: inner}, "branch_state")
        opened = fields.get(_INNER)
        if isinstance(opened, dict):
            fields = {**fields, _INNER: self._summary.keep(opened, aside, self.opened)}
        return fields

    def _top_of(self, bag: Any, name: str) -> dict[str, Any]:
        bag = self._reader().resolve(bag, (name,))
        self.scope = self._given_scope or scope_of_event(bag, self.event)
        belongs_to(execution_of_scope(self.scope, self.event, bag), self.scope)
        self.check_scopes()
        return self._object(self.top(bag, only=BOOKKEEPING), name)

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

        The values of its fields are data. A field that is still the pointer from the event's own
        state is left out: the step did not change it.

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
        return with_all_opened(
            value, lambda found: self.sb.open(found, scope=self.scope, embedded=False)
        )

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
