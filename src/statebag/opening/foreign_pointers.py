"""Follow pointers that are not stubs, for `open(legacy=True)`, with a registered reader.

`pointer_places` finds those in an event that are not followed.

Nothing here knows what such a pointer looks like. The package's front registers the reader
(`statebag.composition`), whose room is loaded when the first pointer is followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from statebag.errors import ConfigurationError
from statebag.format import escape
from statebag.format.stub import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from statebag.format.paths import Path
    from statebag.policy import Policy
    from statebag.store.contract import Store

__all__ = [
    "POINTER_LEVELS",
    "ForeignReader",
    "ReaderMaker",
    "give_reader",
    "pointer_places",
    "pointer_reader",
    "put_at",
    "siblings_of",
    "split_at",
]

POINTER_LEVELS = 3
"""Levels of objects in which such a pointer may stand: a state, its fields, and the fields of such
a field. Chosen."""


class ForeignReader(Protocol):
    """Follow the pointers in one value, within the limits of one open."""

    def resolve(self, value: Any, path: Path = (), *, state_at: Path = ()) -> Any:
        """Return a new value in which each pointer is replaced by its value.

        Stubs in the value stay. The value of a pointer is data: an object in it that looks like a
        stub is escaped.

        Args:
            value: A bag, or any JSON value.
            path: Its path, for messages.
            state_at: Where in it the state is, if it is an event with a state in it.

        Raises:
            NotPermitted: A pointer leads out of the store's root or to an object of another
                execution; or signatures are required, which pointers do not have.
            BlobMissing, BlobCorrupt, StoreUnavailable, LimitExceeded: As for any open.
        """


class ReaderMaker(Protocol):
    """Make a reader for one open."""

    def __call__(
        self,
        store: Store,
        policy: Policy,
        scope: str | None = None,
        *,
        foreign_is_data: bool = False,
    ) -> ForeignReader:
        """Return a reader below a store's root, within a policy's limits.

        Args:
            store: The configured root; no other place is read.
            policy: Limits on bytes, objects and requests.
            scope: The reader's scope; its pointers may not lead to objects of another execution.
            foreign_is_data: Whether a pointer to an object outside the root counts as data, instead
                of being refused. In both cases the object is not read.
        """


_given: list[Callable[[], ReaderMaker]] = []


def give_reader(load: Callable[[], ReaderMaker]) -> None:
    """Register the reader of such pointers; `load` is called each time one is followed."""
    _given[:] = [load]


def pointer_reader(
    store: Store, policy: Policy, scope: str | None = None, *, foreign_is_data: bool = False
) -> ForeignReader:
    """Return a reader for one open; the arguments are those of `ReaderMaker`.

    Raises:
        ConfigurationError: No reader was given.
    """
    if not _given:
        raise ConfigurationError(
            "legacy=True needs a reader of legacy pointers, and none was registered",
            hint="Import statebag before its rooms, or open with legacy=False.",
        )
    return _given[0]()(store, policy, scope, foreign_is_data=foreign_is_data)


def pointer_places(event: Any, state_at: Path = ()) -> Iterator[Path]:
    """Find the pointers in an event, where a reader would follow them.

    Args:
        event: A JSON value; nothing in it is changed.
        state_at: Where the state in it is.
    """
    event, state = split_at(event, state_at)
    yield from _places(state, state_at)
    if state_at:
        yield from _places(event, ())


def _places(value: Any, path: Path) -> Iterator[Path]:
    ahead = [(value, path, POINTER_LEVELS)]
    while ahead:
        one, place, levels = ahead.pop()
        if isinstance(one, list):
            if one and isinstance(one[0], dict) and escape.is_foreign(one[0]):
                yield (*place, 0)
            continue
        if not isinstance(one, dict):
            continue
        # Most objects have no such name, and need no closer look.
        tagged = not one.keys().isdisjoint(escape.tag_names)
        if tagged and KEY not in one and escape.is_foreign(one):
            yield place
        elif levels:
            fields = reversed((siblings_of(one) if KEY in one else one).items())
            ahead.extend([(member, (*place, key), levels - 1) for key, member in fields])


def siblings_of(value: Any) -> dict[str, Any]:
    """Return the fields of an object next to a stub, if any; an empty dict for any other value."""
    if not isinstance(value, dict) or KEY not in value:
        return value if isinstance(value, dict) else {}
    body = value[KEY]
    if not isinstance(body, dict) or body.get("rest") is not True:
        return {}
    return {key: one for key, one in value.items() if key != KEY}


def split_at(event: Any, path: Path) -> tuple[Any, Any]:
    """Return an event without the value at a path, and the value, or None if there is none."""
    state = event
    for part in path:
        if not _has(state, part):
            return event, None
        state = state[part]
    return (put_at(event, path, None) if path else event), state


def put_at(event: Any, path: Path, value: Any) -> Any:
    """Return a copy of an event with another value at a path, if one is there."""
    if not path:
        return value
    part = path[0]
    if not _has(event, part):
        return event
    copy = event.copy()
    copy[part] = put_at(event[part], path[1:], value)
    return copy


def _has(value: Any, part: str | int) -> bool:
    if isinstance(value, dict):
        return part in value
    if not isinstance(value, list) or not isinstance(part, int):
        return False
    return -len(value) <= part < len(value)
