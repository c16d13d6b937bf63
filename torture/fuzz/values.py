"""JSON values as short recipes: what a drawn operation holds, and what a reproduction prints.

A recipe is a JSON list: its kind, then its arguments. The same recipe makes the same value.
"""

from __future__ import annotations

import json
import random
from functools import cache
from typing import TYPE_CHECKING, Any

from tests import shared_data

from statebag.errors import StatebagError
from statebag.format.json_text import encode
from statebag.format.stub import KEY

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

__all__ = ["Recipe", "draw_value", "has_real_data", "made", "smaller"]

Recipe = list[Any]

_STUB = {
    "v": 1,
    "sha256": "0" * 64,
    "size": 3,
    "at": "machine/run/" + "0" * 32 + ".pack",
    "span": [8, 9],
}
_ODD = (
    1,
    1.0,
    True,
    None,
    0,
    0.0,
    -0.0,
    False,
    "",
    2**53 + 1,
    -(2**64),
    1e22,
    5e-324,
    1e-7,
    {},
    [],
    [[]],
    {"": {"": ""}},
    {KEY: 1},
    {KEY: {"v": 1, "escaped": {KEY: {"v": 1}}}},
    {KEY: _STUB},
    {KEY: {**_STUB, "rest": True, "beside": []}, "x": 1},
    {KEY: {"v": 2}, "more": [1, 1.0, True]},
    {"type": "s3_reference", "s3_path": "s3://bucket/key"},
    {"scheduling_summary": {"total_batches": 3}, "scheduling_metadata": {"a": 1}},
    "\x00\x1f\x7f\u2028\U0001f9ea é",
    [1, 1.0, True, -0.0, 0, 2**60],
    {"b": 1, "a": 2, "1": 1.0, "__proto__": {}},
)
_REAL = ("json/*.json", "agent-trajectories/*.json", "aws-recordings/*.jsonl")


def made(recipe: Recipe) -> Any:
    """The value of a recipe, new in every part."""
    kind, *arguments = recipe
    return _KINDS[kind](*arguments)


def _noise(size: int, seed: int) -> str:
    return random.Random(seed).randbytes(size // 2 + 1).hex()[:size]


def _words(size: int, seed: int) -> str:
    source = random.Random(seed)
    words = [_noise(source.randint(1, 9), seed + n) for n in range(20)]
    return " ".join(source.choices(words, k=size // 5 + 1))[:size]


def _records(count: int, size: int, seed: int) -> list[Any]:
    return [{"n": n, "text": _noise(size, seed + n), "done": n % 3 == 0} for n in range(count)]


def _fields(count: int, size: int, seed: int) -> dict[str, Any]:
    return {f"key {n}": [n, _noise(size, seed + n)] for n in range(count)}


def _nested(levels: int, inner: Recipe) -> Any:
    value = made(inner)
    for level in range(levels):
        value = [value] if level % 2 else {"in": value}
    return value


def _real(name: str, line: int, path: list[Any]) -> Any:
    value = _document(name, line)
    for part in path:
        value = value[part]
    return json.loads(encode(value))


_KINDS: dict[str, Any] = {
    "json": lambda value: json.loads(json.dumps(value)),
    "odd": lambda index: json.loads(encode(_ODD[index])),
    "noise": _noise,
    "words": _words,
    "records": _records,
    "fields": _fields,
    "nested": _nested,
    "real": _real,
    "list": lambda items: [made(item) for item in items],
    "dict": lambda members: {key: made(member) for key, member in members.items()},
}


@cache
def _files() -> dict[str, Path]:
    return {path.name: path for pattern in _REAL for path in shared_data.files(pattern)}


def has_real_data() -> bool:
    """Whether the shared test data is on this machine."""
    return bool(_files())


@cache
def _document(name: str, line: int) -> Any:
    text = _files()[name].read_bytes()
    return json.loads(text.split(b"\n")[line] if name.endswith(".jsonl") else text)


@cache
def _lines(name: str) -> int:
    return len(_files()[name].read_bytes().strip().split(b"\n")) if name.endswith(".jsonl") else 1


def draw_value(source: Random, most: int) -> Recipe:
    """A recipe for a value of about so many bytes at most."""
    size = min(most, source.choice([1, 10, 300, 700, 3000, 9000, 40_000, 400_000, 4_000_000]))
    if has_real_data() and source.random() < 0.4:
        found = _draw_real(source, most)
        if found is not None:
            return found
    seed = source.randrange(50)  # so few that the same value comes again
    drawn = source.random()
    if drawn < 0.25:
        return ["odd", source.randrange(len(_ODD))]
    if drawn < 0.4:
        return ["noise", size, seed]
    if drawn < 0.5:
        return ["words", size, seed]
    if drawn < 0.75:
        each = source.choice([3, 30, 200, 900])
        return ["records", max(size // (each + 30), 1), each, seed]
    if drawn < 0.85:
        each = source.choice([3, 60, 900])
        return ["fields", max(size // (each + 20), 1), each, seed]
    if drawn < 0.9:
        return ["nested", source.choice([3, 20, 110, 300]), draw_value(source, most // 4)]
    if drawn < 0.95:
        return ["list", [draw_value(source, most // 4) for _ in range(source.randint(1, 5))]]
    return ["dict", {name: draw_value(source, most // 4) for name in ("phase", "x", "y")}]


def _draw_real(source: Random, most: int) -> Recipe | None:
    """A value somewhere inside a document that occurs in the world."""
    name = source.choice(sorted(_files()))
    line = source.randrange(_lines(name))
    try:
        value = _document(name, line)
    except ValueError:
        return None
    path: list[Any] = []
    while isinstance(value, dict | list) and value:
        if source.random() < 0.3 and _fits(name, line, tuple(path), most):
            break
        key = (
            source.choice(list(value)) if isinstance(value, dict) else source.randrange(len(value))
        )
        value = value[key]
        path.append(key)
    return ["real", name, line, path] if _fits(name, line, tuple(path), most) else None


@cache
def _size_of(name: str, line: int, path: tuple[Any, ...]) -> float:
    value = _document(name, line)
    for part in path:
        value = value[part]
    try:
        return len(encode(value))
    except (StatebagError, ValueError, RecursionError):
        return float("inf")  # half a surrogate pair, say


def _fits(name: str, line: int, path: tuple[Any, ...], most: int) -> bool:
    return _size_of(name, line, path) <= most


def smaller(recipe: Recipe) -> list[Recipe]:
    """Simpler recipes to try in the place of one that takes part in a failure."""
    kind, *arguments = recipe
    tries: list[Recipe] = []
    if kind in {"noise", "words"} and arguments[0] > 1:
        tries = [[kind, arguments[0] // 2, arguments[1]], [kind, arguments[0] * 3 // 4, 0]]
    elif kind in {"records", "fields"}:
        count, size, seed = arguments
        tries = [[kind, count // 2, size, seed], [kind, count * 3 // 4, size, seed]]
        tries += [[kind, count, size // 2, seed], ["noise", size, seed]]
        tries = [one for one in tries if min(one[1:-1]) > 0]
    elif kind == "nested":
        tries = [arguments[1], [kind, arguments[0] // 2, arguments[1]]]
    elif kind == "list":
        tries = [*arguments[0], [kind, arguments[0][1:]]]
    elif kind == "dict":
        tries = list(arguments[0].values())
    elif kind == "real":
        tries = [
            ["noise", min(int(_size_of(arguments[0], arguments[1], tuple(arguments[2]))), 4096), 0]
        ]
        tries.append(["records", 40, 100, 0])
    elif kind == "odd":
        tries = [["json", 1]]
    return tries
