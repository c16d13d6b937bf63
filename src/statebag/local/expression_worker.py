"""The program of a worker process that evaluates expressions; its parent may kill it at any time.

`statebag.local.expressions` starts it by its file's name, without the rest of the package. It reads
one request per line and answers each with one line, both JSON. An expression may run for ever
inside C code that lets no other thread of its process run (a regular expression that backtracks, a
power of large numbers), or take all memory. So it needs its own process.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import signal
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MEMORY_BYTES", "MOST_ANSWER_BYTES", "found_by_path", "jsonata_value", "main"]

MEMORY_BYTES = 2_000_000_000
"""Address space of the process. A state has at most 262,144 bytes; `[1..1e7]` takes 0.9 GB."""

MOST_ANSWER_BYTES = 16_000_000
"""JSON text of a value that is handed back. Chosen: a state has at most 262,144 bytes."""

_MOST_READ = 50  # places of stubs that are reported. Chosen: the first one ends a run
# Functions that take all members of an object only to pass them on, or to check their types.
_COPYING = frozenset({"validate_input", "_plain"})


class NothingFoundError(ValueError):
    """An expression returned nothing (undefined)."""


class Watched(dict[str, Any]):
    """A stub given to an expression; it records each access to its members.

    A name that is missing here may be in the store, and a list of all members may be incomplete.
    Passing the object on, alone or in `$merge`, is not an access.
    """

    __slots__ = ("_key", "_place", "_read")

    def __init__(
        self, members: dict[str, Any], place: tuple[Any, ...], key: str, read: list[Any]
    ) -> None:
        super().__init__(members)
        self._place, self._key, self._read = place, key, read

    @property
    def stub(self) -> Any:
        """The identity of this stub among others."""
        return super().get(self._key)

    def with_members(self, members: dict[str, Any]) -> Watched:
        """Return a stub with other members that came from it; both record in one place."""
        return Watched(members, self._place, self._key, self._read)

    def is_replaced(self) -> None:
        """Record that another stub replaces this one.

        It is recorded as a read of the reserved key, which nothing else asks for.
        """
        self._add([list(self._place), self._key])

    def cloned(self) -> Watched:
        """Return a copy that records in the same place."""
        members = {name: _cloned(one) for name, one in super().items()}
        return Watched(members, self._place, self._key, self._read)

    def get(self, name: Any, default: Any = None) -> Any:
        """Return the member of this name."""
        if name not in self or name == self._key:
            self._note(name)
        return super().get(name, default)

    def keys(self) -> Any:
        """Return all names."""
        self._note()
        return super().keys()

    def values(self) -> Any:
        """Return all members."""
        self._note()
        return super().values()

    def items(self) -> Any:
        """Return all names and members."""
        self._note()
        return super().items()

    def _note(self, name: str | None = None) -> None:
        if name is None and _hands_on():
            return
        self._add([list(self._place), None if name == self._key else name])

    def _add(self, found: list[Any]) -> None:
        if found not in self._read and len(self._read) < _MOST_READ:
            self._read.append(found)


def _hands_on() -> bool:
    """Return whether the caller that asks for all members only copies or checks them."""
    frame = sys._getframe(3)  # noqa: SLF001 - there is no other way to know
    callers = {frame.f_code.co_name, frame.f_back.f_code.co_name if frame.f_back else ""}
    return not callers.isdisjoint(_COPYING)


def _cloned(value: Any) -> Any:
    """Return a copy of a value that a transform changes; watched stubs stay watched."""
    if isinstance(value, Watched):
        return value.cloned()
    if isinstance(value, dict):
        return {name: _cloned(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_cloned(one) for one in value]
    return value


def _merged(objects: Any) -> Any:
    """Return the result of `$merge`, which keeps one stub: of two, one is lost."""
    if objects is None:
        return None
    members: dict[str, Any] = {}
    stub: Watched | None = None
    for one in objects:
        if isinstance(one, Watched):
            if stub is not None and stub.stub != one.stub:
                stub.is_replaced()
            stub = one
        members.update(dict.items(one))
    return members if stub is None else stub.with_members(members)


def _watched(value: Any, key: str, read: list[Any], place: tuple[Any, ...] = ()) -> Any:
    """Return a copy of a value, in which all stubs are watched."""
    if isinstance(value, list):
        return [_watched(one, key, read, (*place, i)) for i, one in enumerate(value)]
    if not isinstance(value, dict):
        return value
    members = {
        name: one if name == key else _watched(one, key, read, (*place, name))
        for name, one in value.items()
    }
    if isinstance(value.get(key), dict):
        return Watched(members, place, key, read)
    return members


def jsonata_value(expression: str, bindings: dict[str, Any]) -> Any:
    """Return the value of a JSONata expression with these variables, as plain JSON.

    Raises:
        NoResultError: It returns nothing.
        ValueError: It does not parse, throws, or returns what JSON cannot hold; the message holds
            no value.
    """
    from jsonata.functions import Functions  # noqa: PLC0415 - slow, and not needed for paths
    from jsonata.jexception import JException  # noqa: PLC0415 - slow, and not needed for paths
    from jsonata.jsonata import Jsonata  # noqa: PLC0415 - slow, and not needed for paths
    from jsonata.utils import Utils  # noqa: PLC0415 - slow, and not needed for paths

    Functions.function_clone = staticmethod(_cloned)  # the original makes plain objects of all
    try:
        parsed = Jsonata(expression)
        Jsonata.static_frame.lookup("merge").method = _merged
        parsed.set_output_convert_nulls(False)
        for name, function in _FUNCTIONS.items():
            parsed.register_lambda(name, function)
        result = parsed.evaluate(
            None, {name: Utils.NULL_VALUE if v is None else v for name, v in bindings.items()}
        )
    except JException as error:
        raise ValueError(f"threw an error during evaluation ({error.error})") from error
    except RecursionError as error:
        raise ValueError("recurs too deeply") from error
    except MemoryError as error:
        raise ValueError("takes too much memory") from error
    except Exception as error:  # the evaluator lets its own bugs through
        raise ValueError(f"threw an error during evaluation ({type(error).__name__})") from error
    if result is None:
        raise NothingFoundError("returned nothing (undefined)")
    return _plain(result)


def found_by_path(path: str, data: Any) -> list[Any]:
    """Return what an indefinite JSONPath finds in a value."""
    from jsonpath_ng.ext.parser import parse  # noqa: PLC0415 - slow, and not needed for JSONata

    return [match.value for match in parse(path).find(data)]


def main() -> None:
    """Answer requests until the standard input ends."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What a package prints is not an answer.
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    _limit_memory()
    for line in requests:
        request = json.loads(line)
        _end_after(request["seconds"])
        answers.write(_answer(request).encode() + b"\n")
        answers.flush()
        _end_after(0)


def _answer(request: dict[str, Any]) -> str:
    read: list[Any] = []
    try:
        if "path" in request:
            value: Any = found_by_path(request["path"], request["data"])
        else:
            bindings = request["bindings"]
            if "stub" in request:
                bindings = _watched(bindings, request["stub"], read)
            value = jsonata_value(request["expression"], bindings)
        text = json.dumps({"value": value, "read": read})
    except NothingFoundError as error:
        return json.dumps({"nothing": str(error), "read": read})
    except MemoryError:
        problem = "takes too much memory"
    except RecursionError:
        problem = "recurs too deeply"
    except ValueError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - the path's parser and its operators raise anything
        problem = f"threw an error during evaluation ({type(error).__name__})"
    else:
        if len(text) <= MOST_ANSWER_BYTES:
            return text
        problem = f"returned more than {MOST_ANSWER_BYTES:,} bytes"
    return json.dumps({"error": problem, "read": read})


def _limit_memory() -> None:
    with suppress(ImportError, OSError, ValueError):  # Windows has no such limit
        import resource  # noqa: PLC0415 - not on every system

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        soft = MEMORY_BYTES if most == resource.RLIM_INFINITY else min(MEMORY_BYTES, most)
        resource.setrlimit(resource.RLIMIT_AS, (soft, most))


def _end_after(seconds: float) -> None:
    """Have the system kill this process after some seconds, if nothing else does; 0 means never."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _plain(value: Any) -> Any:
    """Return a copy in plain JSON types; sequences and the evaluator's null become plain values."""
    from jsonata.utils import Utils  # noqa: PLC0415 - slow, and not needed for paths

    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise ValueError("returned a number that JSON cannot hold")
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range) or Utils.is_sequence(value):
        return [_plain(item) for item in value]
    raise ValueError("returned an unsupported result type")


def _refused() -> Exception:
    from jsonata.jexception import JException  # noqa: PLC0415 - slow, and not needed for paths

    refused: Exception = JException("D3001", 0)
    return refused


def _partition(array: Any, size: Any) -> Any:
    items = array if isinstance(array, list) else [array]
    if not isinstance(size, int) or size < 1:
        raise _refused()
    return [items[start : start + size] for start in range(0, len(items), size)]


def _range(first: Any, last: Any, step: Any) -> Any:
    if not all(isinstance(number, int) for number in (first, last, step)) or step == 0:
        raise _refused()
    numbers = list(range(first, last + (1 if step > 0 else -1), step))
    # As recorded on AWS: a sequence of one item is that item.
    return numbers[0] if len(numbers) == 1 else numbers


def _hash(value: Any, algorithm: Any) -> str:
    names = _hash_names()
    if algorithm not in names:
        raise _refused()
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return hashlib.new(names[algorithm], text.encode(), usedforsecurity=False).hexdigest()


@cache
def _hash_names() -> dict[str, str]:
    """Return `asl.hash_names.HASH_NAMES`, read by its path: the package is not loaded here."""
    import runpy  # noqa: PLC0415 - few expressions hash

    file = Path(__file__).parents[1] / "asl" / "hash_names.py"
    names: dict[str, str] = runpy.run_path(str(file))["HASH_NAMES"]
    return names


def _random(seed: Any = None) -> float:
    return random.Random(seed).random()  # noqa: S311 - JSONata's $random is not for secrets


def _parse(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise _refused() from error


def _eval(*_: Any) -> Any:
    from jsonata.jexception import JException  # noqa: PLC0415 - slow, and not needed for paths

    raise JException("T1006", 0)  # Step Functions has no $eval


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "partition": _partition,
    "range": _range,
    "hash": _hash,
    "random": _random,
    "uuid": lambda: str(uuid4()),
    "parse": _parse,
    "eval": _eval,
}

if __name__ == "__main__":
    # Package folders that only the parent process knows come after this Python's own.
    sys.path.extend(place for place in json.loads(sys.argv[1]) if place not in sys.path)
    main()
