"""The state in a bag as a tree that opens on demand.

Plain values of the bag are shown at once. A stub shows its size, its kind and where its bytes are.
It is read when a user opens it. If an array or object is long, only the chunks of the shown part
are read.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from statebag.errors import InvalidState, LimitExceeded
from statebag.format import json_text
from statebag.format.paths import render_path
from statebag.format.stub import KEY, PREVIEW
from statebag.format.unopened import Unopened

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from statebag.client import Statebag

__all__ = ["OPENED_BYTES", "PAGE", "StateTree"]

PAGE = 200
"""Members that are listed at once. Chosen: some screens of them."""

OPENED_BYTES = 32 * 1024 * 1024
"""Bytes of a value that is opened whole without being asked twice. Chosen: it takes a second."""

_KEPT_BYTES = 256 * 1024 * 1024  # chosen: opened values of one tree that stay in memory
_TEXT_SHOWN = 4_000  # characters of a value that are sent at once. Chosen: a screen of them
_WALKED_BYTES = 256 * 1024  # chosen: of a long value, what a search asks for at once
_PREVIEW = 120  # characters. Chosen: a line

Part = str | int


class StateTree:
    """The state in one bag.

    Args:
        client: Reads the store.
        bag: The bag.
    """

    def __init__(self, client: Statebag, bag: Any) -> None:
        self._client = client
        self._root = client.open(bag, only=[], embedded=False)
        self._opened: OrderedDict[tuple[Any, ...], tuple[Any, int]] = OrderedDict()
        self._kept = 0

    def node(
        self, path: Sequence[Part], *, values: bool, most: int = OPENED_BYTES
    ) -> dict[str, Any]:
        """Return what is known about the value at a path, without reading it.

        Args:
            path: The path.
            values: Whether values may be shown.
            most: Bytes of a value on the way that may be read.

        Raises:
            InvalidState: Nothing is at the path.
            StatebagError: As for an open.
        """
        return describe(path[-1] if path else None, self.at(path, most), values=values)

    def members(
        self,
        path: Sequence[Part],
        start: int,
        count: int,
        *,
        values: bool,
        most: int = OPENED_BYTES,
    ) -> list[dict[str, Any]]:
        """Return some members of the value at a path; a stub there is read.

        Args:
            path: The path.
            start: The first one, from 0.
            count: How many at most.
            values: Whether values may be shown.
            most: The largest value that may be read as a whole, in bytes.

        Raises:
            LimitExceeded: A value would have to be read as a whole, and is larger than that.
            StatebagError: As `node`.
        """
        return [
            describe(key, member, values=values)
            for key, member in self.pairs(path, start, count, most)
        ]

    def text(self, path: Sequence[Part], start: int, most: int) -> dict[str, Any]:
        """Return a part of the text of a value: a string as it is, another value as JSON.

        Args:
            path: The path.
            start: The first character, from 0.
            most: Bytes of the value that may be read.

        Raises:
            StatebagError: As `members`.
        """
        value = self._whole(self.at(path, most), tuple(path), most)
        text = value if isinstance(value, str) else json_text.encode(value).decode()
        return {
            "text": text[start : start + _TEXT_SHOWN],
            "start": start,
            "length": len(text),
            "is_string": isinstance(value, str),
        }

    def at(self, path: Sequence[Part], most: int = OPENED_BYTES) -> Any:
        """Return the value at a path; `Unopened` if the bag has it as a stub."""
        value = self._root
        for depth, part in enumerate(path):
            here = tuple(path[:depth])
            if isinstance(value, Unopened):
                value = self._member_of_stub(value, here, part, most)
            else:
                value = _member(value, part, here)
        return value

    def pairs(
        self, path: Sequence[Part], start: int, count: int, most: int = OPENED_BYTES
    ) -> list[tuple[Part, Any]]:
        """Return some members of the value at a path, each with its name or index."""
        value = self.at(path, most)
        if isinstance(value, Unopened):
            if value.stub.entries:
                return self._page(value, tuple(path), start, count)
            value = self._whole(value, tuple(path), most)
        if isinstance(value, dict):
            # A slice of the names: a plain object of a bag is small, an opened one is in memory.
            names = list(value)[start : start + count]
            return [(name, value[name]) for name in names]
        if isinstance(value, list):
            return list(enumerate(value[start : start + count], start))
        return []

    def _member_of_stub(self, stub: Unopened, path: tuple[Part, ...], part: Part, most: int) -> Any:
        if stub.stub.entries and isinstance(part, int):
            page = part - part % PAGE
            found = dict(self._page(stub, path, page, PAGE))
        elif stub.stub.entries:
            found = self._page_with(stub, path, part)
        else:
            return _member(self._whole(stub, path, most), part, path)
        return _member(found, part, path)

    def _page_with(self, stub: Unopened, path: tuple[Part, ...], name: Part) -> dict[Part, Any]:
        """Return the page of a long object with a name: one shown before, if it is there."""
        for key, (members, _) in reversed(self._opened.items()):
            if key[0] == path and len(key) == 3 and name in dict(members):
                return dict(members)
        for start in range(0, stub.count, PAGE):
            page = dict(self._page(stub, path, start, PAGE))
            if name in page:
                return page
        return {}

    def _page(
        self, stub: Unopened, path: tuple[Part, ...], start: int, count: int
    ) -> list[tuple[Part, Any]]:
        key = (path, start, count)
        if key not in self._opened:
            members = self._client.members(stub.wire, (), start, count)
            share = stub.size * max(len(members), 1) // max(stub.count, 1)
            self._keep(key, members, share)
        self._opened.move_to_end(key)
        found: list[tuple[Part, Any]] = self._opened[key][0]
        return found

    def _whole(self, value: Any, path: tuple[Part, ...], most: int) -> Any:
        """Return an opened value; refuse one that is too large to read without being asked."""
        if not isinstance(value, Unopened):
            return value
        key = (path,)
        if key not in self._opened:
            if value.size > most:
                raise LimitExceeded(
                    f"the value has {value.size:,} bytes, and would be read as a whole",
                    path=render_path(path),
                    hint=f"Ask for it with a limit above {most:,} bytes.",
                )
            self._keep(key, self._client.open(value.wire, embedded=False), value.size)
        self._opened.move_to_end(key)
        return self._opened[key][0]

    def _keep(self, key: tuple[Any, ...], value: Any, size: int) -> None:
        self._opened[key] = (value, size)
        self._kept += size
        while self._kept > _KEPT_BYTES and len(self._opened) > 1:
            _, (_, gone) = self._opened.popitem(last=False)
            self._kept -= gone

    def walk(self, budget: int) -> Iterator[tuple[tuple[Part, ...], Any, int, bool]]:
        """Yield every value: its path, itself, the bytes read so far, and whether it was skipped.

        Plain values of the bag come first, and `Unopened` for each stub. Then the stubs are read,
        small ones first. One that does not fit into the budget is yielded again, as skipped.

        Args:
            budget: Bytes of stored values that may be read, by the sizes in their stubs.
        """
        stubs: list[tuple[tuple[Part, ...], Unopened]] = []
        for path, value in _inside((), self._root):
            yield path, value, 0, False
            if isinstance(value, Unopened):
                stubs.append((path, value))
        read = 0
        for path, stub in sorted(stubs, key=lambda one: one[1].size):
            if stub.stub.entries:
                read = yield from self._walk_chunks(path, stub, budget, read)
            elif read + stub.size > budget:
                yield path, stub, read, True
            else:
                read += stub.size
                inner = _inside(path, self._whole(stub, path, budget))
                is_container = stub.kind is not None
                for here, value in inner:
                    if here != path or not is_container:  # the container was yielded as a stub
                        yield here, value, read, False

    def _walk_chunks(
        self, path: tuple[Part, ...], stub: Unopened, budget: int, read: int
    ) -> Generator[tuple[tuple[Part, ...], Any, int, bool], None, int]:
        """Yield the contents of a long value, page by page; return the bytes read so far."""
        each = max(stub.size // max(stub.count, 1), 1)
        page = max(1, min(PAGE, _WALKED_BYTES // each))
        for start in range(0, stub.count, page):
            cost = each * min(page, stub.count - start)
            if read + cost > budget:
                yield path, stub, read, True
                return read
            read += cost
            for key, member in self._client.members(stub.wire, (), start, page):
                for here, value in _inside((*path, key), member):
                    yield here, value, read, False
        return read


def _inside(path: tuple[Part, ...], value: Any) -> Iterator[tuple[tuple[Part, ...], Any]]:
    """Yield a value and everything in it with their paths, in the order of the state."""
    pending: list[tuple[tuple[Part, ...], Any]] = [(path, value)]
    while pending:
        here, one = pending.pop()
        yield here, one
        if isinstance(one, dict):
            pending.extend(((*here, key), one[key]) for key in reversed(one))
        elif isinstance(one, list):
            pending.extend(((*here, n), one[n]) for n in range(len(one) - 1, -1, -1))


def describe(key: Part | None, value: Any, *, values: bool) -> dict[str, Any]:
    """Describe a value as a JSON object; include the value only if values may be shown.

    Args:
        key: Its name or index; None for the whole state.
        value: The value; `Unopened` for one that is a stub in the bag.
        values: Whether it may be shown.
    """
    if isinstance(value, Unopened):
        packs = sorted(value.stub.packs())
        preview = _preview_of(value) if values else None
        return {
            **({} if preview is None else {"preview": preview}),
            "key": key,
            "kind": value.kind or "value",
            "form": value.stub.form,
            "size": value.size,
            "count": value.count if value.kind else None,
            "packs": packs[:3],
            "more_packs": max(0, len(packs) - 3),
            "is_stub": True,
        }
    node: dict[str, Any] = {"key": key, "kind": kind_of_value(value), "is_stub": False}
    if isinstance(value, dict | list):
        node["count"] = len(value)
        return node
    text = value if isinstance(value, str) else json_text.encode(value).decode()
    if isinstance(value, str):  # the length of `true`, or of a number, would reveal the value
        node["size"] = len(text.encode())
        node["length"] = len(text)
    if values:
        node["value"] = text[:_PREVIEW]
        node["is_cut"] = len(text) > _PREVIEW
    return node


def _preview_of(value: Unopened) -> str | None:
    """Return the preview in a stub, which came in a payload and may have any type and length."""
    body = value.wire.get(KEY)
    found = body.get(PREVIEW) if isinstance(body, dict) else None
    return found[:_PREVIEW] if isinstance(found, str) and found else None


def kind_of_value(value: Any) -> str:
    """Return the kind of a JSON value, as `statebag inspect` names it."""
    kinds = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "number")


def _member(value: Any, part: Part, path: tuple[Part, ...]) -> Any:
    if isinstance(value, dict) and part in value:
        return value[part]
    if isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
        return value[part]
    raise InvalidState(
        "the state has no value at this path",
        path=render_path((*path, part)),
        hint="Look at the state of another event.",
    )
