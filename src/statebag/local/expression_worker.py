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
from functools import cache, wraps
from itertools import repeat
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
# Functions that do not look at a value that they are given, or that do it through `Watched`.
_HANDING_ON = frozenset({"append", "exists", "merge"})


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

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the value is here: in its place is a stub alone."""
        return self._body.get("rest") is not True

    @property
    def may_be_other(self) -> bool:
        """Whether the value may be something else than an object: a text, a number, an array."""
        return self.is_whole and self._body.get("kind") != "object"

    @property
    def is_array(self) -> bool:
        """Whether the value is an array, whose items an expression may take for its own."""
        return self.is_whole and self._body.get("kind") == "array"

    @property
    def _body(self) -> dict[str, Any]:
        body: dict[str, Any] = super().get(self._key) or {}
        return body

    def is_looked_at(self) -> None:
        """Record that the expression computes with the value."""
        self._add([list(self._place), None])

    def cloned(self) -> Watched:
        """Return a copy that records in the same place."""
        members = dict(zip(super().keys(), map(_cloned, super().values()), strict=True))
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

    def pop(self, name: Any, *default: Any) -> Any:
        """Remove a member, as a transform does."""
        if name in self:
            self._add([list(self._place), name, True])
        else:
            self._note(name)
        return super().pop(name, *default)

    def __setitem__(self, name: Any, value: Any) -> None:
        """Set a member, as a transform does; a stub alone has no room for one."""
        if self.is_whole:
            self.is_looked_at()
        super().__setitem__(name, value)

    def __eq__(self, other: object) -> bool:
        """Compare with another value; with anything but itself, the value counts."""
        if self.may_be_other or isinstance(other, dict):
            self.is_looked_at()
        return super().__eq__(other)

    def __ne__(self, other: object) -> bool:
        """Compare in the same way."""
        return not self == other

    __hash__ = None

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
        return dict(zip(value, map(_cloned, value.values()), strict=True))
    if isinstance(value, list):
        return list(map(_cloned, value))
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
    if stub is not None and stub.is_whole and len(members) > 1:
        stub.is_looked_at()  # a stub alone has no room for members next to it
    return members if stub is None else stub.with_members(members)


def _look_at(*values: Any) -> None:
    """Record that the expression computes with values that may be no objects in the store."""
    for one in values:
        if isinstance(one, Watched) and one.may_be_other:
            one.is_looked_at()


def _look_at_items(values: Any) -> None:
    """Record that the expression takes the items of each array among these values."""
    for one in values if isinstance(values, list) else [values]:
        if isinstance(one, Watched) and one.is_array:
            one.is_looked_at()


@cache
def _watch_evaluator() -> None:
    """Let the evaluator record where it computes with a stub as if it were the value itself.

    `Watched` sees who asks for members. An engine also tells an array from an object, and a false
    from a true, without asking for any.
    """
    from jsonata.functions import Functions  # noqa: PLC0415 - slow, and not needed for paths
    from jsonata.jsonata import Jsonata  # noqa: PLC0415 - slow, and not needed for paths

    def before(owner: Any, name: str, look: Callable[..., None]) -> None:
        method = getattr(owner, name)

        @wraps(method)
        def looks(*values: Any) -> Any:
            look(*values)
            return method(*values)

        static = isinstance(vars(owner)[name], staticmethod)
        setattr(owner, name, staticmethod(looks) if static else looks)

    def called(function: Any, values: Any, *_: Any) -> None:
        if getattr(function, "function_name", None) not in _HANDING_ON:
            _look_at(*(values if isinstance(values, list) else [values]))

    before(Functions, "to_boolean", _look_at)
    before(Functions, "append", lambda *values: _look_at_items([*values]))
    before(Jsonata, "evaluate_filter", lambda _self, _how, values, *_: _look_at_items(values))
    before(Jsonata, "evaluate_path", lambda _self, _path, given, *_: _look_at_items([given]))
    for owner in (Jsonata.JFunction, Jsonata.JLambda):
        before(owner, "validate", called)
        before(owner, "call", lambda function, _given, values: called(function, values))
    before(Jsonata.JNativeFunction, "call", lambda one, _given, values: called(one, values))
    for name in ("boolean", "append"):  # a function was taken from the class before
        function = Jsonata.static_frame.lookup(name)
        function.method = getattr(Functions, function.method.__name__)
    _watch_steps(Jsonata)


def _watch_steps(evaluator: Any) -> None:
    path, step, tuples = (
        evaluator.evaluate_path,
        evaluator.evaluate_step,
        evaluator.evaluate_tuple_step,
    )

    def evaluate_path(self: Any, node: Any, *given: Any) -> Any:
        found = path(self, node, *given)
        if node.keep_singleton_array:  # `rows[]`: an array stays as it is, a value is put into one
            _look_at_items(found)
        return found

    def evaluate_step(self: Any, node: Any, given: Any, names: Any, last: bool) -> Any:
        found = step(self, node, given, names, last)
        if not last or len(found) > 1:  # the items of an array become items of the result
            _look_at_items(found)
        return found

    def evaluate_tuple_step(self: Any, node: Any, *given: Any) -> Any:
        found = tuples(self, node, *given)
        for one in found or ():
            _look_at_items(list(one.values()) if isinstance(one, dict) else one)
        return found

    evaluator.evaluate_path, evaluator.evaluate_step = evaluate_path, evaluate_step
    evaluator.evaluate_tuple_step = evaluate_tuple_step


def _watched(value: Any, key: str, read: list[Any], place: tuple[Any, ...] = ()) -> Any:
    """Return a copy of a value, in which all stubs are watched."""
    # By `map`, which takes one frame a level: Python 3.11 counts comprehensions too.
    if isinstance(value, list):
        places = [(*place, index) for index in range(len(value))]
        return list(map(_watched, value, repeat(key), repeat(read), places))
    if not isinstance(value, dict):
        return value
    places = [(*place, name) for name in value]
    inner = map(_watched, value.values(), repeat(key), repeat(read), places)
    members = dict(zip(value, inner, strict=True))
    if isinstance(value.get(key), dict):
        _watch_evaluator()  # expressions over plain values are evaluated by the package as it is
        return Watched({**members, key: value[key]}, place, key, read)
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
        _look_at(error.current, error.expected)  # of a wrong type: that of the stub
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
        return dict(zip(value.keys(), map(_plain, value.values()), strict=True))
    if isinstance(value, list | tuple | range) or Utils.is_sequence(value):
        return list(map(_plain, value))
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
