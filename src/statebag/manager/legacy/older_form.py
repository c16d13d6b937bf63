"""Write a state with legacy pointers: plain JSON objects in the store, for older readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import BagTooLarge
from statebag.format import json_check, json_text
from statebag.format.derived import DERIVED
from statebag.format.escape import escape, is_lookalike, may_need_escape
from statebag.format.json_text import wire_size
from statebag.format.stub import KEY
from statebag.manager.control_fields import OF_ROUTERS
from statebag.manager.legacy import plain_objects
from statebag.manager.legacy.pointer_format import (
    as_pointer,
    field_pointer,
    object_key,
    whole_pointer,
)
from statebag.manager.legacy.pointer_times import without_times
from statebag.manager.merge.control import control_names
from statebag.manager.merge.fork import FORKED, PENDING
from statebag.manager.scheduling import FULL, SUMMARY, summary_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.client import Statebag

__all__ = ["OlderForm", "addresses_in"]

_HISTORY = "state_history"
_CURRENT = "current_state"
_FEWER_ENTRIES = 30  # of a history that is cut. Chosen: as the first version's writers kept
# Bytes of a field that gains little by leaving. Chosen: its pointer takes 250 to 1,000.
_POINTER_BYTES = 1000
_SUMMARY_BYTES = 250  # chosen: the summary and its mark take fewer with the longest strings
_ARCHIVE_BYTES = 600  # of the pointer to the entries that leave. Chosen: for a long address


class OlderForm:
    """Offload in the order of the first version: history, `current_state`, large fields.

    Fields at the top of the state, which routers read, are not offloaded together: if the state is
    still too large, the largest fields are offloaded one by one. Thousands of small fields are
    offloaded together as a last resort.

    Args:
        sb: The client; its policy names the control fields.
        scope: Part of the objects' names if the state has no idempotency key.
    """

    def __init__(self, sb: Statebag, scope: str) -> None:
        self._sb = sb
        self._scope = scope
        self._control = control_names(sb.policy.control_paths())

    def of(self, state: dict[str, Any], budget: int) -> dict[str, Any]:
        """Return an opened state with legacy pointers, within the budget.

        Raises:
            BagTooLarge: The fields that cannot be offloaded are larger than the budget.
        """
        json_check.check_json(state)
        key = self._key(state)
        carried = {name: self._field(name, value, key) for name, value in state.items()}
        carried = _with_summary(state, _with_addresses(carried))
        if wire_size(carried) > budget:
            carried = self._with_less_history(carried, key, budget)
        if wire_size(carried) > budget:
            carried = self._with_fewer_fields(state, carried, key, budget - _SUMMARY_BYTES)
            carried = _with_summary(state, carried)
        if wire_size(carried) > budget:
            carried = self._as_one_object(state, carried, key, budget)
        if wire_size(carried) > budget:
            raise BagTooLarge(
                f"the fields that cannot be offloaded take {wire_size(carried)} bytes; "
                f"the limit is {budget}"
            )
        return carried

    def of_value(self, name: str, value: Any, budget: int, state: Any = None) -> Any:
        """Return an opened value next to the state, with legacy pointers.

        A reader of wire version 0 knows pointers, but not stubs. If an object is too large, its
        largest fields are offloaded one by one, so that a router finds the others. A list is
        offloaded as a whole, since a reader does not follow pointers in its items.

        Args:
            name: The name of the value in the answer.
            value: Any JSON value.
            budget: The largest number of bytes that it may have.
            state: May name the idempotency key that the value's objects are stored under.

        Raises:
            BagTooLarge: Not even a pointer fits.
        """
        json_check.check_json(value)
        key = self._key(state)
        carried: Any
        if isinstance(value, dict) and not is_lookalike(value):
            carried = {inner: _as_data(inner, one, key) for inner, one in value.items()}
            if wire_size(carried) > budget:
                carried = self._with_fewer_fields(value, carried, key, budget)
        else:
            carried = _as_data(name, value, key)
        if wire_size(carried) > budget:
            carried = _stored(name, value, key, json_text.encode(value))
        if wire_size(carried) > budget:
            raise BagTooLarge(
                f"the pointer of {name} takes {wire_size(carried)} bytes; the limit is {budget}"
            )
        return carried

    def _key(self, state: Any) -> str:
        own = state.get("idempotency_key") if isinstance(state, dict) else None
        return own if isinstance(own, str) and own else self._scope.replace("/", "-")

    def _field(self, name: str, value: Any, key: str) -> Any:
        if name in self._control:
            return escape(value)
        if name == _CURRENT and isinstance(value, dict) and not is_lookalike(value):
            fields = {inner: _as_data(inner, one, key) for inner, one in value.items()}
            kept_state, _ = plain_objects.optimize_current_state(fields, key)
            return kept_state
        value = _as_data(name, value, key)
        if name == _HISTORY and isinstance(value, list):
            kept, _ = plain_objects.optimize_state_history(value, key)
            return kept
        text = json_text.encode(value)
        if len(text) <= self._sb.policy.field_limit or as_pointer(value) is not None:
            return value
        return _stored(name, value, key, text)

    def _with_less_history(self, carried: dict[str, Any], key: str, budget: int) -> dict[str, Any]:
        """Return the state with its newest 30 history entries, or with as many of them as fit."""
        history = carried.get(_HISTORY)
        if not isinstance(history, list) or not history:
            return carried
        beside = wire_size({**carried, _HISTORY: []}) + _ARCHIVE_BYTES
        kept, room = 0, budget - beside
        for entry in reversed(history[-_FEWER_ENTRIES:]):
            room -= wire_size(entry) + 1
            if room < 0 or as_pointer(entry) is not None:
                break
            kept += 1
        shorter, _ = plain_objects.optimize_state_history(history, key, kept)
        return {**carried, _HISTORY: shorter}

    def _with_fewer_fields(
        self, state: dict[str, Any], carried: dict[str, Any], key: str, budget: int
    ) -> dict[str, Any]:
        """Return the state without its largest fields; those that a Map reads go last."""
        excess = wire_size(carried) - budget
        sizes = {
            name: wire_size(value)
            for name, value in carried.items()
            if name not in self._control and name != _HISTORY and as_pointer(value) is None
        }
        for name in sorted(sizes, key=lambda one: (one == PENDING, -sizes[one])):
            if excess <= 0 or sizes[name] <= _POINTER_BYTES:
                break
            pointer = self._pointer(name, state, carried, key)
            excess -= sizes[name] - wire_size(pointer)
            carried = {**carried, name: pointer}
        return carried

    def _as_one_object(
        self, state: dict[str, Any], carried: dict[str, Any], key: str, budget: int
    ) -> dict[str, Any]:
        """Return one pointer for thousands of small fields, with the smallest of them next to it.

        A router finds most of the fields that it reads. Otherwise the step would fail.
        """
        # Inside an object an escape would be data, like everything else there.
        control = {name: _as_data(name, state[name], key) for name in self._control & state.keys()}
        stored = without_times({**carried, **control})
        text = json_text.encode(stored)
        s3_path = plain_objects.store_to_s3(stored, object_key(key, "state", text))
        pointer = whole_pointer(s3_path, text, state)
        # A field whose name the pointer uses itself is only in the object.
        own = pointer.keys() - {*OF_ROUTERS, SUMMARY}
        sizes = {name: wire_size({name: one}) for name, one in carried.items() if name not in own}
        room = budget - wire_size(pointer)
        for name in sorted(sizes, key=lambda one: (one not in self._control, sizes[one])):
            room -= sizes[name]
            if room < 0 and name not in self._control:
                break
            pointer[name] = carried[name]
        return pointer

    def _pointer(
        self, name: str, state: dict[str, Any], carried: dict[str, Any], key: str
    ) -> dict[str, Any]:
        """Return the pointer of a field that is offloaded as a whole."""
        value = without_times(carried[name]) if name in {_CURRENT, PENDING} else state[name]
        text = json_text.encode(value)
        s3_path = plain_objects.store_to_s3(value, object_key(key, name, text))
        if name == _CURRENT and isinstance(value, dict):
            return whole_pointer(s3_path, text, state[name])
        return field_pointer(s3_path, text)


def _with_summary(state: dict[str, Any], carried: dict[str, Any]) -> dict[str, Any]:
    """Return the state with a summary of offloaded scheduling metadata, marked as derived."""
    pointer: Any = carried.get(FULL)
    summary = summary_of(state.get(FULL))
    left = isinstance(pointer, dict) and as_pointer(pointer) is not None
    if summary is None or not left or SUMMARY in state:
        return carried
    return {**carried, FULL: {**pointer, DERIVED: [SUMMARY]}, SUMMARY: summary}


def _as_data(name: str, value: Any, key: str) -> Any:
    """Return a value, or a pointer if a reader would follow or open something in the value.

    A reader takes everything in the object behind a field's pointer for data.
    """
    text = json_text.encode(value)
    if not may_need_escape(text) or escape(value) == value:
        return value
    return _stored(name, value, key, text)


def _stored(name: str, value: Any, key: str, text: bytes) -> dict[str, Any]:
    return field_pointer(plain_objects.store_to_s3(value, object_key(key, name, text)), text)


def _with_addresses(carried: dict[str, Any]) -> dict[str, Any]:
    """Return the pointers to branches with the address of their list, if it was offloaded."""
    listed = as_pointer(carried.get(FORKED))
    pointers = carried.get(PENDING)
    if listed is None or not isinstance(pointers, list):
        return carried
    at = {"branches_s3_path": listed.s3_path}
    return {**carried, PENDING: [{**one, **at} for one in pointers if isinstance(one, dict)]}


def addresses_in(bag: Any) -> Iterator[str]:
    """Yield the addresses of the legacy pointers in a bag, in places where one can stand."""
    pending = [(bag, 3)]
    while pending:
        one, levels = pending.pop()
        pointer = as_pointer(one)
        if pointer is not None:
            yield pointer.s3_path
        elif isinstance(one, dict) and levels and KEY not in one:
            pending.extend((member, levels - 1) for member in one.values())
        elif isinstance(one, list) and levels:
            pending.extend((member, 0) for member in one[:1])
