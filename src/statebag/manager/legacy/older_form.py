"""A state as wire version 0 carries it: plain JSON objects in the store, for older readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import BagTooLarge
from statebag.format import json_check, json_text
from statebag.format.escape import escape
from statebag.format.json_text import wire_size
from statebag.format.stub import KEY
from statebag.manager.legacy import plain_objects
from statebag.manager.legacy.pointer_format import (
    as_pointer,
    field_pointer,
    object_key,
    whole_pointer,
)
from statebag.manager.merge.control import control_names
from statebag.manager.merge.fork import FORKED, PENDING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statebag.client import Statebag

__all__ = ["OlderForm", "addresses_in"]

_FEWER_ENTRIES = 30
_WHOLE_POINTER_BYTES = 1000


class OlderForm:
    """Offloads in the order of the first version: history, `current_state`, large fields, all.

    Args:
        sb: The client; its policy says what is a control field.
        scope: Names the objects of a state without an idempotency key.
    """

    def __init__(self, sb: Statebag, scope: str) -> None:
        self._sb = sb
        self._scope = scope
        self._control = control_names(sb.policy.control_paths())

    def of(self, state: dict[str, Any], budget: int) -> dict[str, Any]:
        """What to carry for an opened state.

        Raises:
            BagTooLarge: Control fields alone pass the budget.
        """
        json_check.check_json(state)
        own = state.get("idempotency_key")
        key = own if isinstance(own, str) and own else self._scope.replace("/", "-")
        carried = {name: self._field(name, value, key) for name, value in state.items()}
        carried = _with_addresses(carried)
        history = carried.get("state_history")
        if wire_size(carried) > budget and isinstance(history, list):
            shorter, _ = plain_objects.optimize_state_history(history, key, _FEWER_ENTRIES)
            carried["state_history"] = shorter
        if wire_size(carried) > budget:
            carried = self._whole(state, carried, key)
        if wire_size(carried) > budget:
            raise BagTooLarge(
                f"the fields that cannot be offloaded take {wire_size(carried)} bytes; "
                f"the limit is {budget}"
            )
        return carried

    def _field(self, name: str, value: Any, key: str) -> Any:
        if name in self._control:
            return value
        if name == "state_history" and isinstance(value, list):
            kept, _ = plain_objects.optimize_state_history(value, key)
            return kept
        if name == "current_state" and isinstance(value, dict):
            kept_state, _ = plain_objects.optimize_current_state(value, key)
            return kept_state
        text = json_text.encode(value)
        if len(text) <= self._sb.policy.field_limit or as_pointer(value) is not None:
            return escape(value)
        return field_pointer(plain_objects.store_to_s3(value, object_key(key, name, text)), text)

    def _whole(self, state: dict[str, Any], carried: dict[str, Any], key: str) -> dict[str, Any]:
        """One pointer, with the control fields beside it that leave it under 1 KB."""
        text = json_text.encode(carried)
        s3_path = plain_objects.store_to_s3(carried, object_key(key, "state", text))
        pointer = whole_pointer(s3_path, text, state)
        for name in sorted(self._control & state.keys()):
            wider = {**pointer, name: state[name]}
            if wire_size(wider) <= _WHOLE_POINTER_BYTES:
                pointer = wider
        return pointer


def _with_addresses(carried: dict[str, Any]) -> dict[str, Any]:
    """Pointers to branches say where the list is, once it left."""
    listed = as_pointer(carried.get(FORKED))
    pointers = carried.get(PENDING)
    if listed is None or not isinstance(pointers, list):
        return carried
    at = {"branches_s3_path": listed.s3_path}
    return {**carried, PENDING: [{**one, **at} for one in pointers if isinstance(one, dict)]}


def addresses_in(bag: Any) -> Iterator[str]:
    """The addresses that pointers of wire version 0 in a bag name, where they can stand."""
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
