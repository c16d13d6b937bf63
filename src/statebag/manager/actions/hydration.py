"""`hydrate_branch` and `hydrate_segment`: one element of a list, the state untouched and unread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState
from statebag.format.json_text import wire_size
from statebag.format.json_type import json_type
from statebag.format.stub import KEY
from statebag.format.stub_parsing import parse_stub
from statebag.format.unopened import Unopened
from statebag.manager.legacy import plain_objects
from statebag.manager.merge.control import whole_number
from statebag.manager.merge.fork import FORKED

if TYPE_CHECKING:
    from statebag.manager.actions.invocation import Invocation

__all__ = ["hydrate_branch", "hydrate_segment"]

_LEAST = 2048  # bytes of an answer that are kept for the element, or for the state


def hydrate_branch(invocation: Invocation) -> dict[str, Any]:
    """`{branch_config, branch_index, state_data}`."""
    pointer = invocation.given("branch_pointer")
    index = _index(invocation, pointer, "branch")
    config = _element(invocation, pointer, index, "branch", ("branches", FORKED))
    beside = {"branch_index": index}
    return _answer(invocation, "branch_config", config, beside)


def hydrate_segment(invocation: Invocation) -> dict[str, Any]:
    """`{segment_config, segment_id, execution_order, state_data}`."""
    pointer = invocation.given("segment_pointer")
    index = _index(invocation, pointer, "segment")
    config = _element(invocation, pointer, index, "segment", ("segments",))
    known = [one for one in (config, pointer) if isinstance(one, dict)]
    beside = {
        "segment_id": _first(known, ("segment_id", "id"), index),
        "execution_order": _first(known, ("execution_order",), index),
    }
    return _answer(invocation, "segment_config", config, beside)


def _index(invocation: Invocation, pointer: Any, noun: str) -> int:
    name = f"{noun}_index"
    own = pointer.get(name) if isinstance(pointer, dict) else None
    given = own if own is not None else invocation.event.get(name)
    return whole_number(0 if given is None else given, name)


def _element(
    invocation: Invocation, pointer: Any, index: int, noun: str, names: tuple[str, ...]
) -> Any:
    """The element: behind the pointer's address or stub, in the state's list, or the pointer.

    Only what lies on the way to it is read.
    """
    if not isinstance(pointer, dict):
        raise InvalidState(
            f"{noun}_pointer must be an object, not {json_type(pointer)}", path=f"$.{noun}_pointer"
        )
    sb, scope, plural = invocation.sb, invocation.scope, names[0]
    if KEY in pointer and _is_list(pointer):
        return sb.get(pointer, [index], scope, embedded=False)
    address = pointer.get(f"{plural}_s3_path")
    if isinstance(address, str):
        invocation.check_address(address, (f"{noun}_pointer", f"{plural}_s3_path"))
        return _checked(_nth(plain_objects.cached_load_from_s3(address), index), pointer, noun)
    if not _is_pointer(pointer, noun, plural):
        return sb.open(pointer, scope=scope, embedded=False)
    if pointer.get(plural) is not None:
        return _checked(sb.get(pointer, [plural, index], scope, embedded=False), pointer, noun)
    state = invocation.event.get("state_data")
    for name in reversed(names):
        if isinstance(state, dict) and name in state:
            return _checked(sb.get(state, [name, index], scope, embedded=False), pointer, noun)
    # Not in sight: in a state that left whole, or of wire version 0.
    top = invocation.state() if state is not None else {}
    for name in reversed(names):
        if name in top:
            listed = top[name]
            found = (
                sb.get(listed.wire, [index], scope, embedded=False)
                if isinstance(listed, Unopened)
                else _nth(invocation.opened(listed), index)
            )
            return _checked(found, pointer, noun)
    raise InvalidState(
        f"{noun}_pointer does not lead to a list",
        path=f"$.{noun}_pointer",
        hint=f"Give it {plural}_s3_path, or pass the state that holds the list.",
    )


def _is_list(wire: dict[str, Any]) -> bool:
    return parse_stub(wire, "$").kind == "array"


def _nth(listed: Any, index: int) -> Any:
    if not isinstance(listed, list) or not 0 <= index < len(listed):
        raise InvalidState(f"the pointer's list has no element {index}")
    return listed[index]


def _is_pointer(pointer: dict[str, Any], noun: str, plural: str) -> bool:
    """Whether it says which element is meant, and is not the element itself."""
    known = {f"{noun}_index", f"{noun}_id", plural, "execution_order"}
    return f"{noun}_index" in pointer and (f"total_{plural}" in pointer or pointer.keys() <= known)


def _checked(element: Any, pointer: dict[str, Any], noun: str) -> Any:
    """The element, if it is the one that the pointer means."""
    name = f"{noun}_id"
    if isinstance(element, dict):
        meant, found = pointer.get(name), element.get(name)
        if meant is not None and found is not None and meant != found:
            raise InvalidState(
                f"the list's element has another {name} than {noun}_pointer",
                path=f"$.{noun}_pointer.{name}",
            )
    return element


def _first(places: list[dict[str, Any]], names: tuple[str, ...], default: Any) -> Any:
    for place in places:
        for name in names:
            value = place.get(name)
            if isinstance(value, str | int) and wire_size(value) <= _LEAST // 4:
                return value
    return default


def _answer(
    invocation: Invocation, name: str, element: Any, beside: dict[str, Any]
) -> dict[str, Any]:
    state = wire_size(invocation.event.get("state_data"))
    taken = min(state, invocation.bound - 2 * _LEAST) + wire_size(beside) + len(name) + 40
    config = invocation.sealed(element, max(invocation.bound - taken, _LEAST))
    return invocation.untouched("state_data", **{name: config}, **beside)
