"""`hydrate_branch` and `hydrate_segment`: return an element of a list without reading the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statebag.errors import BlobCorrupt, InvalidState
from statebag.format.json_text import wire_size
from statebag.format.json_type import json_type
from statebag.format.stub import KEY
from statebag.format.stub_parsing import parse_stub
from statebag.format.unopened import Unopened
from statebag.manager.legacy import plain_objects
from statebag.manager.legacy.pointer_format import as_pointer
from statebag.manager.legacy.segment_manifest import CONFIG, Manifest, expected_digest
from statebag.manager.merge.control import whole_number
from statebag.manager.merge.fork import FORKED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.manager.actions.invocation import Invocation

__all__ = ["hydrate_branch", "hydrate_segment"]

# Bytes of an answer that are kept for the element, or for the state. Chosen: eight stubs.
_LEAST = 2048
_HASH = "manifest_hash"
_OF_POINTERS = frozenset(
    {"segment_index", "segment_id", "segment_type", "total_segments", "manifest_id"}
)
"""Fields of a segment's pointer: an object with no others has nothing to run."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """The names that differ between branches and segments.

    Attributes:
        noun: The word in the event's fields, as in `branch_pointer` and `branch_index`.
        lists: Names of the list, in a pointer and in the state.
        addresses: Names of the list's address, in a pointer and in the state.
        whole: A field that pointers do not have; an object with it is the element itself.
    """

    noun: str
    lists: tuple[str, ...]
    addresses: tuple[str, ...]
    whole: str | None = None

    @property
    def pointer(self) -> str:
        return f"{self.noun}_pointer"

    def is_whole(self, value: dict[str, Any]) -> bool:
        return self.whole is not None and value.get(self.whole) is not None


_BRANCH = _Kind("branch", (FORKED, "branches"), ("branches_s3_path",))
_SEGMENT = _Kind(
    "segment",
    ("segments", "segment_manifest"),
    ("segments_s3_path", "manifest_s3_path", "segment_manifest_s3_path"),
    CONFIG,
)


def hydrate_branch(invocation: Invocation) -> dict[str, Any]:
    """Return `{branch_config, branch_index, state_data}`."""
    index, config = _Finder(invocation, _BRANCH).find()
    return _answer(invocation, "branch_config", config, {"branch_index": index})


def hydrate_segment(invocation: Invocation) -> dict[str, Any]:
    """Return `{segment_config, segment_id, execution_order, state_data}`."""
    index, segment = _Finder(invocation, _SEGMENT).find()
    known = [one for one in (segment, invocation.event["segment_pointer"]) if isinstance(one, dict)]
    beside = {
        "segment_id": _first(known, ("segment_id", "id"), index),
        "execution_order": _first(known, ("execution_order",), index),
    }
    # A segment of a manifest has its configuration in a separate field.
    config = segment[CONFIG] if isinstance(segment, dict) and CONFIG in segment else segment
    return _answer(invocation, "segment_config", config, beside)


class _Finder:
    """Find the element that a pointer names, reading only the blobs on the way to it."""

    def __init__(self, invocation: Invocation, kind: _Kind) -> None:
        self._invocation = invocation
        self._kind = kind
        pointer = invocation.given(kind.pointer)
        if not isinstance(pointer, dict):
            raise InvalidState(
                f"{kind.pointer} must be an object, not {json_type(pointer)}",
                path=f"$.{kind.pointer}",
            )
        invocation.check_scopes()
        self._pointer: dict[str, Any] = pointer
        name = f"{kind.noun}_index"
        own = pointer.get(name)
        given = own if own is not None else invocation.event.get(name)
        self._index = whole_number(0 if given is None else given, name)

    def find(self) -> tuple[int, Any]:
        """Return the index and the element."""
        pointer = self._pointer
        sb, scope = self._invocation.sb, self._invocation.scope
        if KEY in pointer and parse_stub(pointer, "$").kind == "array":
            return self._index, sb.get(pointer, [self._index], scope, embedded=False)
        if not self._kind.is_whole(pointer):
            found, element = self._behind_address(pointer, self._kind.pointer)
            if found:
                return self._index, self._checked(element)
            if self._is_pointer():
                return self._index, self._checked(self._followed(self._listed()))
        return self._index, sb.open(pointer, scope=scope, embedded=False)

    def _listed(self) -> Any:
        """Return the element from a list in the pointer or in the state."""
        for name in self._kind.lists:
            if self._pointer.get(name) is not None:
                return self._in_sight(self._pointer, name, self._kind.pointer)
        state = self._invocation.event.get("state_data")
        if isinstance(state, dict):
            for found, element in self._in_state(
                state, lambda name: self._in_sight(state, name, "state_data")
            ):
                if found:
                    return element
        # Not in sight: in a state that was offloaded as a whole, or has legacy pointers.
        top = self._invocation.state() if state is not None else {}
        for found, element in self._in_state(top, lambda name: self._item(top[name])):
            if found:
                return element
        raise self._leads_nowhere()

    def _in_state(
        self, state: dict[str, Any], element: Callable[[str], Any]
    ) -> Iterator[tuple[bool, Any]]:
        """Yield, for each place of a state in order, whether the list is there, and the element.

        A list under a name that pointers can have, too, comes after an address.
        """
        *first, last = self._kind.lists
        for name in first:
            if state.get(name) is not None:
                yield True, element(name)
        yield self._behind_address(state, "state_data")
        if state.get(last) is not None:
            yield True, element(last)

    def _in_sight(self, place: dict[str, Any], name: str, where: str) -> Any:
        """Return the element of an object's list, which may be a stub or a legacy pointer."""
        sb, scope = self._invocation.sb, self._invocation.scope
        if as_pointer(place[name]) is None:
            return sb.get(place, [name, self._index], scope, embedded=False)
        listed = self._invocation.behind_pointer(place[name], (where, name))
        return self._item(sb.open(listed, scope=scope, embedded=False))

    def _item(self, listed: Any) -> Any:
        if isinstance(listed, Unopened):
            sb, scope = self._invocation.sb, self._invocation.scope
            return sb.get(listed.wire, [self._index], scope, embedded=False)
        return _nth(self._invocation.opened(listed), self._index)

    def _leads_nowhere(self) -> InvalidState:
        return InvalidState(
            f"{self._kind.pointer} does not lead to a list",
            path=f"$.{self._kind.pointer}",
            hint=f"Give it {self._kind.addresses[0]}, or pass the state that holds the list.",
        )

    def _followed(self, element: Any) -> Any:
        """Return the element that a pointer in the list leads to."""
        is_pointer = isinstance(element, dict) and f"{self._kind.noun}_index" in element
        if not is_pointer or self._kind.is_whole(element):
            return element
        found, behind = self._behind_address(element, self._kind.pointer)
        if not found and element.keys() <= _OF_POINTERS:
            raise self._leads_nowhere()
        return behind if found else element

    def _behind_address(self, place: dict[str, Any], where: str) -> tuple[bool, Any]:
        """Return whether an object has the list's address, and the element there."""
        for name in self._kind.addresses:
            address = place.get(name)
            if isinstance(address, str) and address:
                if self._kind is _SEGMENT:
                    return True, self._of_manifest(address, place.get(_HASH), (where, name))
                self._invocation.check_address(address, (where, name))
                listed = plain_objects.read_plain_cached(address)
                return True, _nth(listed, self._index)
        return False, None

    def _of_manifest(self, address: str, given: Any, path: tuple[str, str]) -> Any:
        expected = expected_digest(given, f"$.{path[0]}.{_HASH}")
        name, is_own = self._invocation.may_read(address, path)
        manifest = Manifest(plain_objects.cached_text(address), name)
        if expected is not None and not manifest.has_digest(expected, self._index):
            # What this process has in memory may be older than the pointer.
            manifest = Manifest(plain_objects.fresh_text(address), name)
            if not manifest.has_digest(expected, self._index):
                raise BlobCorrupt(
                    "the manifest does not have the SHA-256 that its pointer names",
                    path=f"$.{path[0]}.{_HASH}",
                    object_name=name,
                )
        if not is_own and not manifest.is_of_workflow:
            raise self._invocation.pointer_scope().refusal(name, path)
        return manifest.segment(self._index)

    def _is_pointer(self) -> bool:
        """Return whether a value names an element, and is not the element itself."""
        noun = self._kind.noun
        index = f"{noun}_index"
        if any(f"total_{name}" in self._pointer for name in self._kind.lists):
            return index in self._pointer or self._invocation.event.get(index) is not None
        known = {index, f"{noun}_id", *self._kind.lists, "execution_order"}
        return index in self._pointer and self._pointer.keys() <= known

    def _checked(self, element: Any) -> Any:
        """Return the element after checking that it is the one that the pointer names."""
        name = f"{self._kind.noun}_id"
        if isinstance(element, dict):
            meant, found = self._pointer.get(name), element.get(name)
            if meant is not None and found is not None and meant != found:
                raise InvalidState(
                    f"the list's element does not have the {name} of {self._kind.pointer}",
                    path=f"$.{self._kind.pointer}.{name}",
                )
        return element


def _nth(listed: Any, index: int) -> Any:
    if not isinstance(listed, list) or not 0 <= index < len(listed):
        raise InvalidState(f"the pointer's list has no element {index}")
    return listed[index]


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
    config = invocation.sealed(name, element, max(invocation.bound - taken, _LEAST))
    return invocation.untouched("state_data", **{name: config}, **beside)
