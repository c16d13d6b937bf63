"""Copy a bag, and find the places of its stubs.

This module fetches nothing: every stub is parsed and checked before the first request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from statebag.errors import InvalidState, InvalidStub, LimitExceeded
from statebag.format.derived import marked_fields, parse_beside, sources, without_marks
from statebag.format.json_text import MAX_DEPTH
from statebag.format.paths import render_path
from statebag.format.stub import KEY, Stub
from statebag.format.unopened import Unopened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from statebag.format.derived import Derivation
    from statebag.format.paths import Path, Place
    from statebag.format.signature import Checker

__all__ = ["EVERYTHING", "Doubt", "Selection", "Site", "Walk", "plain_copy", "walk"]


class Site(msgspec.Struct):
    """A place in the copy that will hold the value of an opened stub.

    Attributes:
        container: The dict or list of the copy that holds the place.
        key: Its key or index there.
        path: Its place in the state.
        stub: The stub that was there in the bag.
        siblings: The copy of the fields next to the stub, which is filled first.
        doubts: The siblings that may be derived fields.
    """

    container: Any
    key: Any
    path: Path
    stub: Stub
    siblings: dict[str, Any] | None = None
    doubts: list[Doubt] = msgspec.field(default_factory=list)


class Doubt(msgspec.Struct):
    """A field that a stub marks as derived; its opened source decides whether it is.

    Attributes:
        container: The dict or list of the copy that holds the object.
        key: The object's key or index there.
        path: The object's place in the state.
        derivation: How the field is derived.
        hidden: Fields of the value itself that fields next to its stub replace.
    """

    container: Any
    key: Any
    path: Path
    derivation: Derivation
    hidden: dict[str, Any] = msgspec.field(default_factory=dict)


class Walk(msgspec.Struct):
    """The copy of a bag; `sites` are in the order of their paths, outermost first."""

    root: list[Any]
    sites: list[Site]
    unopened: int = 0
    has_stubs: bool = False
    has_unopened: bool = False
    doubts: list[Doubt] = msgspec.field(default_factory=list)


class Selection:
    """The stubs that an open reads: all, or those on the way to the selected paths.

    Args:
        paths: Selected paths, whose last part may be a slice with a start and a stop; None selects
            everything.
    """

    def __init__(self, paths: Sequence[Place] | None) -> None:
        self._paths = None if paths is None else [_split(path) for path in paths]

    def takes(self, path: Path, stub: Stub, siblings: Mapping[str, Any]) -> bool:
        """Return whether the stub at `path` must be read."""
        if self._paths is None or stub.is_data:
            return True
        if stub.beside is not None and not path:
            return True  # the root's own small fields are what an open is for
        # The way leads through a rest's stub only where no field next to it has the next part.
        return any(
            _is_inside(path, wanted, span)
            or (
                wanted[: len(path)] == path
                and (stub.beside is None or wanted[len(path)] not in siblings)
            )
            for wanted, span in self._paths
        )

    def enters(self, path: Path) -> bool:
        """Return whether the fields next to a rest's stub at `path` are looked at."""
        return self._paths is None or any(
            wanted[: len(path)] == path or _is_inside(path, wanted, span)
            for wanted, span in self._paths
        )


def _split(place: Place) -> tuple[Path, range | None]:
    """Return a place without the slice at its end, and the indices of that slice."""
    if place and isinstance(place[-1], slice):
        return place[:-1], range(place[-1].start, place[-1].stop)  # type: ignore[return-value]  # the last part alone may be one
    return place, None  # type: ignore[return-value]


def _is_inside(path: Path, wanted: Path, span: range | None) -> bool:
    """Return whether a path is that of a selected value, or of one inside it."""
    if path[: len(wanted)] != wanted:
        return False
    if span is None or len(path) == len(wanted):
        return True
    index = path[len(wanted)]
    return isinstance(index, int) and index in span


EVERYTHING = Selection(None)
"""The selection of all stubs."""


def walk(
    bag: Any,
    selection: Selection,
    *,
    is_state: bool = False,
    below: Path = (),
    signatures: Checker | None = None,
) -> Walk:
    """Copy a bag and find its stubs.

    Args:
        bag: Any JSON value; `Unopened` objects of an earlier open stand for their stubs.
        selection: Which stubs are to be opened; the others become `Unopened` in the copy.
        is_state: Whether `bag` is a state that was opened before. Then only `Unopened` objects are
            stubs, and an object with the reserved key is data.
        below: The value's place in a state.
        signatures: Check every stub.

    Raises:
        NotPermitted: A stub is not signed as it must be.
        InvalidStub, UnsupportedFormat: An object that has the reserved key and is not a stub.
        InvalidState: A value that JSON cannot hold.
        LimitExceeded: More than 500 levels.
    """
    root: list[Any] = [None]
    found = Walk(root, [])
    pending: list[tuple[Any, Any, Any, Path, bool]] = [(bag, root, 0, below, is_state)]
    while pending:
        value, container, key, path, is_data = pending.pop()
        checker = signatures
        if isinstance(value, Unopened):
            checker = None if value.is_own else signatures
            value = value.wire
            is_data = False
            found.has_unopened = True
        elif not is_data and isinstance(value, dict) and KEY in value:
            found.has_stubs = True
        if isinstance(value, dict):
            if len(path) >= MAX_DEPTH:
                raise _too_deep(path)
            _check_keys(value, path)
            if KEY in value and not is_data:
                met = _meet(value, container, key, path, selection, found, checker)
                if met is None:
                    continue
                copy: Any = met[0]
                value = without_marks(value)
                members: Any = [(name, value[name]) for name in met[1]]
            elif _EXACT_SCALARS.issuperset(map(type, value.values())):
                container[key] = dict(value)  # most objects hold no others: at the speed of C
                continue
            else:
                if not (is_data or sources.isdisjoint(value)):
                    doubtful = marked_fields(value)
                    found.doubts.extend(Doubt(container, key, path, one) for one in doubtful)
                    value = without_marks(value)
                copy = dict.fromkeys(value)
                container[key] = copy
                members = value.items()
        elif isinstance(value, list):
            if len(path) >= MAX_DEPTH:
                raise _too_deep(path)
            if _EXACT_SCALARS.issuperset(map(type, value)):
                container[key] = list(value)
                continue
            copy = [None] * len(value)
            container[key] = copy
            members = enumerate(value)
        else:
            _check_scalar(value, path)
            container[key] = value
            continue
        deeper = []
        for name, member in members:
            if type(member) in _EXACT_SCALARS:  # quick, and true of nearly all
                copy[name] = member
            elif isinstance(member, dict | list | Unopened):
                deeper.append((member, copy, name, (*path, name), is_data))
            elif isinstance(member, _SCALARS):
                copy[name] = member
            else:
                _check_scalar(member, (*path, name))
        pending.extend(reversed(deeper))
    return found


def _meet(
    value: dict[str, Any],
    container: Any,
    key: Any,
    path: Path,
    selection: Selection,
    found: Walk,
    signatures: Checker | None,
) -> tuple[dict[str, Any], list[str]] | None:
    """Note a stub.

    Returns:
        The object that the fields next to it are copied to, and their names; None if they need not
        be walked.
    """
    where = render_path(path)
    stub, siblings = parse_beside(value, where)
    if signatures is not None:
        signatures.check(stub, value[KEY], where)
    has_beside = bool(siblings) or stub.beside is not None
    # Where a field next to a rest's stub is wanted, the whole object must be put together for it.
    wanted_beside = has_beside and selection.enters(path)
    if not (selection.takes(path, stub, siblings) or wanted_beside):
        container[key] = Unopened(value, stub, path=path)  # with its marks: the next open decides
        found.unopened += 1
        return None
    doubts = [Doubt(container, key, path, one) for one in marked_fields(value)]
    found.doubts.extend(doubts)
    if stub.is_data:
        data = container[key] = plain_copy(stub.original, path)
        for doubt in doubts:
            doubt.hidden = {**data}
        data.update(dict.fromkeys(siblings))
        return data, list(siblings)
    missing = [name for name in stub.beside or () if name not in siblings]
    if missing:
        raise InvalidStub(
            f"the object lost the field {missing[0][:80]!r}, which was next to its stub",
            path=where,
            hint="Move the whole object, not only its stub.",
        )
    copy = dict.fromkeys(siblings) if has_beside else None
    found.sites.append(Site(container, key, path, stub, copy, doubts))
    return None if copy is None else (copy, list(siblings))


def plain_copy(value: Any, path: Path = ()) -> Any:
    """Return a copy without looking for stubs: escaped data is opaque.

    Args:
        value: A JSON value.
        path: Its path, for messages.

    Raises:
        LimitExceeded: More than 500 levels.
    """
    root: list[Any] = [None]
    pending: list[tuple[Any, Any, Any, int]] = [(value, root, 0, 0)]
    while pending:
        one, container, key, depth = pending.pop()
        if isinstance(one, dict | list) and depth >= MAX_DEPTH:
            raise _too_deep(path)
        if isinstance(one, dict):
            container[key] = copy = dict.fromkeys(one)
            pending.extend((member, copy, name, depth + 1) for name, member in one.items())
        elif isinstance(one, list):
            container[key] = items = [None] * len(one)
            pending.extend((member, items, i, depth + 1) for i, member in enumerate(one))
        else:
            container[key] = one
    return root[0]


_SCALARS = (str, int, float, bool, type(None))
_EXACT_SCALARS = frozenset(_SCALARS)


def _check_keys(value: dict[Any, Any], path: Path) -> None:
    try:
        "".join(value)
    except TypeError:
        raise InvalidState(
            "the bag has an object with a key that is not a string", path=render_path(path)
        ) from None


def _check_scalar(value: Any, path: Path) -> None:
    if not isinstance(value, _SCALARS):
        raise InvalidState(
            f"the bag must hold JSON values, not {type(value).__qualname__}", path=render_path(path)
        )


def _too_deep(path: Path) -> LimitExceeded:
    return LimitExceeded(
        f"arrays and objects nest deeper than {MAX_DEPTH} levels",
        path=render_path(path[:20]) + "...",
    )
