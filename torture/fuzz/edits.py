"""Changes to a state as JSON lists, so that they can be drawn, printed, and made anywhere alike.

They change the state in place. One that cannot be made there, since an earlier operation was left
out, raises `NoPlaceError`.
"""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

from statebag import Unopened
from statebag.format.json_text import encode
from torture.fuzz.values import draw_value, made

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Edit",
    "NoPlaceError",
    "apply",
    "at",
    "copied",
    "draw_edit",
    "draw_path",
    "draw_scatter",
    "levels",
]

Edit = list[Any]
Path = list[Any]

FIELDS = ("log", "a", "b", "c d", "current_state", 'q"[0]', "", "status", "scheduling_metadata")
INNER = ("phase", "x", "y", "log")
_MOST_LEVELS = 480


class NoPlaceError(Exception):
    """The state has nothing at the edit's path, or what is there is of another kind."""


def copied(value: Any) -> Any:
    """A JSON value, new in every part."""
    return json.loads(encode(value))


def at(state: Any, path: Iterable[Any]) -> Any:
    """What stands at a path."""
    for part in path:
        if isinstance(state, dict if isinstance(part, str) else list):
            try:
                state = state[part]
                continue
            except (KeyError, IndexError):
                pass
        raise NoPlaceError
    return state


def _container(state: Any, path: Path) -> Any:
    if not path:
        raise NoPlaceError
    found = at(state, path[:-1])
    if not isinstance(found, dict if isinstance(path[-1], str) else list):
        raise NoPlaceError
    return found


def _set(state: Any, path: Path, value: Any) -> None:
    container = _container(state, path)
    if isinstance(container, list) and not -len(container) <= path[-1] < len(container):
        raise NoPlaceError
    container[path[-1]] = value


def _remove(state: Any, path: Path) -> Any:
    at(state, path)
    return _container(state, path).pop(path[-1])


def _put(state: Any, path: Path, value: Any) -> None:
    container = _container(state, path)
    if isinstance(container, list):
        container.insert(path[-1], value)
    else:
        container[path[-1]] = value


def _splice(state: Any, path: Path, start: int, length: int, text: str) -> None:
    before = at(state, path)
    if not isinstance(before, str):
        raise NoPlaceError
    _set(state, path, before[:start] + text + before[start + length :])


def _scatter(state: Any, path: Path, count: int, seed: int) -> None:
    """Members in random places of an array or object are others, of about the same size."""
    found = at(state, path)
    if not isinstance(found, dict | list) or not found:
        raise NoPlaceError
    source = Random(seed)
    places = list(found) if isinstance(found, dict) else range(len(found))
    for place in source.sample(places, min(count, len(places))):
        inner: Any = found[place]
        if isinstance(inner, dict) and isinstance(inner.get("text"), str):
            inner["text"] = source.randbytes(8).hex()
        else:
            found[place] = source.randbytes(8).hex()


def _rotate(state: Any, path: Path, count: int) -> None:
    """The order of an object's keys, or of an array's items, is another one."""
    found = at(state, path)
    if isinstance(found, dict):
        names = list(found)
        for name in names[:count]:
            found[name] = found.pop(name)
    elif isinstance(found, list):
        found[:] = found[count:] + found[:count]
    else:
        raise NoPlaceError


def apply(state: Any, edits: Iterable[Edit]) -> Any:
    """The state after the edits, which change it in place (but for one of the root)."""
    for kind, *arguments in edits:
        if kind == "root":
            state = made(arguments[0])
        elif kind == "pick":
            state = at(state, arguments[0])
        elif kind == "wrap":
            state = {arguments[0]: state, "beside": made(arguments[1])}
        elif kind == "set":
            _set(state, arguments[0], made(arguments[1]))
        elif kind == "insert":
            _put(state, arguments[0], made(arguments[1]))
        elif kind == "extend":
            found = at(state, arguments[0])
            if not isinstance(found, list):
                raise NoPlaceError
            found.extend(made(arguments[1]))
        elif kind == "remove":
            _remove(state, arguments[0])
        elif kind == "move":
            _container(state, arguments[1])
            _put(state, arguments[1], _remove(state, arguments[0]))
        elif kind == "copy":
            value = at(state, arguments[0])
            if not isinstance(value, Unopened):
                value = _copied_with_unopened(value)
            _put(state, arguments[1], value)
        elif kind == "splice":
            _splice(state, *arguments)
        elif kind == "scatter":
            _scatter(state, *arguments)
        elif kind == "rotate":
            _rotate(state, *arguments)
        else:
            raise ValueError(kind)
    return state


def _copied_with_unopened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied_with_unopened(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_copied_with_unopened(member) for member in value]
    return value


def draw_path(source: Random, state: Any, kind: type | tuple[type, ...] | None = None) -> Path:
    """A path to somewhere in a state, to a value of a kind where it wants one.

    Raises:
        NoPlaceError: None was met.
    """
    for _ in range(12):
        value, path = state, []
        while isinstance(value, dict | list) and value and len(path) < _MOST_LEVELS:
            if path and source.random() < 0.25 and (kind is None or isinstance(value, kind)):
                break
            if isinstance(value, dict):
                key: Any = source.choice(list(value))
            else:
                key = source.choice([0, len(value) - 1, source.randrange(len(value))])
            value = value[key]
            path.append(key)
        if path and (kind is None or isinstance(value, kind)):
            return path
    raise NoPlaceError


def draw_edit(source: Random, state: Any, most: int) -> Edit:
    """An edit of a state, whose new values take about so many bytes at most.

    Raises:
        NoPlaceError: What was drawn cannot be made in this state.
    """
    drawn = source.random()
    if not isinstance(state, dict):
        return ["root", ["dict", {"log": ["records", 30, 60, 1], "status": ["json", "RUNNING"]}]]
    if drawn < 0.2:
        return ["set", [source.choice(FIELDS)], draw_value(source, most)]
    if drawn < 0.28:
        return _draw_inner(source, state, most)
    if drawn < 0.36:
        return ["remove", draw_path(source, state)]
    if drawn < 0.5:
        return _draw_same_size(source, state)
    if drawn < 0.58:
        path = draw_path(source, state, str)
        start = source.randrange(len(at(state, path)) + 1)
        return [
            "splice",
            path,
            start,
            source.choice([0, 3, 300]),
            source.choice(["", "x", "yz" * 99]),
        ]
    if drawn < 0.68:
        return ["set", draw_path(source, state), draw_value(source, min(most, 2000))]
    if drawn < 0.75:
        path = draw_path(source, state, list)
        index = source.randrange(len(at(state, path)) + 1)
        return ["insert", [*path, index], draw_value(source, min(most, 2000))]
    if drawn < 0.82:
        path = draw_path(source, state, list)
        return ["extend", path, ["records", source.choice([1, 3, 50]), 40, source.randrange(50)]]
    if drawn < 0.87:
        path = draw_path(source, state, (dict, list))
        return ["rotate", path, source.randint(1, 3)]
    if drawn < 0.99:
        return _draw_carrying(source, state)
    return ["root", draw_value(source, most)]


def draw_scatter(source: Random, state: Any) -> Edit:
    """Edits in random places of one of the larger arrays and objects.

    Raises:
        NoPlaceError: The state has none.
    """
    if not isinstance(state, dict):
        raise NoPlaceError
    large = [key for key, member in state.items() if isinstance(member, dict | list)]
    large = [key for key in large if len(state[key]) >= 50]
    if not large:
        raise NoPlaceError
    return ["scatter", [source.choice(large)], source.choice([1, 5, 20, 40]), source.randrange(999)]


def _draw_inner(source: Random, state: dict[str, Any], most: int) -> Edit:
    if not isinstance(state.get("current_state"), dict):
        return ["set", ["current_state"], ["dict", {"phase": ["json", "one"]}]]
    return ["set", ["current_state", source.choice(INNER)], draw_value(source, most)]


def _draw_same_size(source: Random, state: Any) -> Edit:
    """A text of the same length, or another spelling of the same number."""
    path = draw_path(source, state, (str, int, float))
    value = at(state, path)
    if isinstance(value, str):
        if not value:
            raise NoPlaceError
        return ["splice", path, source.randrange(len(value)), 1, source.choice("0a~")]
    same = {1: [1, 1.0, True], 0: [0, 0.0, -0.0, False]}.get(value, [value, value + 1, 1, 0])
    return ["set", path, ["json", source.choice(same)]]


def _draw_carrying(source: Random, state: dict[str, Any]) -> Edit:
    """A value is moved, or stands in one place more."""
    kind = source.choice(["move", "copy"])
    path = draw_path(source, state)
    if len(encode(at(state, path))) > 200_000:
        kind = "move"
    to = source.choice([[source.choice(FIELDS)], ["current_state", source.choice(INNER)]])
    if to[: len(path)] == path:
        raise NoPlaceError
    return [kind, path, to]


def levels(value: Any) -> int:
    """How deep a value nests."""
    level, values = 0, [value]
    while values:
        inner: list[Any] = []
        for one in values:
            if isinstance(one, dict):
                inner.extend(one.values())
            elif isinstance(one, list):
                inner.extend(one)
        values = [one for one in inner if isinstance(one, dict | list)]
        level += 1
    return level
