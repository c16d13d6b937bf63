"""Refuses to read what is not in the payload: paths that lead into a stub.

An engine knows no stubs. A path into one finds nothing: a Choice takes its Default, IsPresent is
false, JSONata gives nothing, and only at times a state fails. Which values left depends on the
policy and on how large they are that day. So each path that a run reads is looked at before: what
no control path names, and what is behind a stub, ends the run with the setting that is missing.

Whichever engine runs, it says here what it reads: `path_is_read` for JSONPath, `expression_is_read`
for JSONata, `value_is_compared` for what is looked at itself.
"""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from statebag.asl.json_paths import MalformedError
from statebag.asl.jsonata import found_in
from statebag.format.paths import render_path
from statebag.format.stub import KEY
from statebag.local.stubs import Hidden, hidden, is_stub, parsed, stub_places, text_stubs
from statebag.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = [
    "PATH_NOT_NAMED",
    "Bags",
    "Refusal",
    "RefusedError",
    "bags_are_merged",
    "comparing",
    "expression_is_read",
    "path_is_read",
    "path_is_written",
    "reading",
    "stub_is_looked_into",
    "value_is_compared",
    "value_is_looked_through",
]

PATH_NOT_NAMED = "Statebag.PathNotNamed"
"""The error of a run whose definition reads what is not in the payload, or computes with it."""

_ROOTS = {"error": "errorOutput"}
# Functions and steps of JSONata that look at an object's members without naming them.
_LISTS_MEMBERS = re.compile(r"\$(?:each|keys|lookup|sift|spread)\b|\.\s*\*|\*\*|%\s*\.")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a run was ended: what its result says.

    Attributes:
        error: The error's name.
        state: The state's name.
        cause: What was found, where, and what to do.
    """

    error: str
    state: str
    cause: str


class RefusedError(Exception):
    """Ends what the engine is doing; the run has its `Refusal` already."""


class _Made(NamedTuple):
    """Where in its bag a stub stood, and the policy that it was made under."""

    path: tuple[str | int, ...]
    policy: Policy


@dataclass
class Bags:
    """The bags that were made in one run.

    Attributes:
        strict: Whether every seal is strict.
    """

    strict: bool = False
    _made: dict[str, list[_Made]] = field(default_factory=dict)
    _policies: dict[Policy, None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sealed(self, bag: Any, policy: Policy) -> None:
        """Remember which control paths a bag was made with."""
        with self._lock:
            self._policies[policy] = None
            for path, stub in stub_places(bag):
                made = self._made.setdefault(_key(stub), [])
                if _Made(path, policy) not in made:
                    made.append(_Made(path, policy))

    def unnamed(self, found: Hidden) -> tuple[str, tuple[str, ...]] | None:
        """The control path that is missing for a place, and those that are set; None: it is named.

        One that is named and not in the payload is not in the state either.
        """
        with self._lock:
            made = list(self._made.get(_key(found.stub), ()))
            policies = [one.policy for one in made] or list(self._policies) or [Policy()]
        above = made[-1].path if made else ()
        names = _names((*above, *found.inside))
        beside = found.stub[KEY].get("rest") is True
        if names and any(_is_named(policy, names, beside=beside) for policy in policies):
            return None
        control = dict.fromkeys(text for policy in policies for text in policy.control)
        return render_path(names), tuple(control)


@dataclass(frozen=True, slots=True)
class _Reading:
    state: str
    bags: Bags
    refuse: Callable[[Refusal], None]


_reading: ContextVar[_Reading | None] = ContextVar("statebag_reading", default=None)
_comparing: ContextVar[bool] = ContextVar("statebag_comparing", default=False)


@contextmanager
def reading(state: str, bags: Bags, refuse: Callable[[Refusal], None]) -> Iterator[None]:
    """What is read inside is read by a state of a run."""
    token = _reading.set(_Reading(state, bags, refuse))
    try:
        yield
    finally:
        _reading.reset(token)


@contextmanager
def comparing() -> Iterator[None]:
    """What paths inside lead to is compared, not moved."""
    token = _comparing.set(True)
    try:
        yield
    finally:
        _comparing.reset(token)


def path_is_read(path: str, data: Any, shown: str | None = None) -> None:
    """A JSONPath is about to be evaluated.

    Args:
        path: From the `$` on, relative to `data`.
        data: What it is applied to.
        shown: The path as the definition has it, where that is another text.

    Raises:
        RefusedError: It leads into a stub.
    """
    now = _reading.get()
    if now is None or path == "$":
        return
    for steps in parsed(path):
        for found in hidden(data, steps):
            _refuse(now, shown or path, found)
    if _comparing.get():
        value_is_compared(shown or path, _at(data, parsed(path)[0]))


def path_is_written(path: str, data: Any) -> None:
    """A ResultPath is about to put something into a value.

    Where an object on its way is behind a stub, the engine makes one of that name beside the stub.
    It takes the place of the one in the store, whose other members are lost.

    Args:
        path: From the `$` on, relative to `data`.
        data: What it is applied to.

    Raises:
        RefusedError: An object on the way is behind a stub.
    """
    now = _reading.get()
    if now is not None:
        for found in hidden(data, parsed(path)[0][:-1]):
            _refuse(now, path, found, written=True)


def value_is_compared(path: str, value: Any) -> None:
    """A value that a path gave is about to be looked at.

    Raises:
        RefusedError: It is a stub.
    """
    now = _reading.get()
    if now is not None and is_stub(value):
        _refuse(now, path, Hidden(value, (), ()))


def value_is_looked_through(path: str, value: Any, *, texts: bool) -> None:
    """A value that a path gave is about to be computed with, whatever is in it.

    Args:
        path: The path.
        value: What it gave.
        texts: Whether texts in it are looked at too: those that hold a bag.

    Raises:
        RefusedError: There is a stub in it.
    """
    now = _reading.get()
    if now is None:
        return
    found = next(stub_places(value), None) or (next(text_stubs(value), None) if texts else None)
    if found is not None:
        _refuse(now, path, Hidden(found[1], found[0], ()))


def expression_is_read(code: str, states: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
    """A JSONata expression is about to be evaluated.

    Args:
        code: Without its `{% %}`.
        states: What `$states` is.
        variables: The workflow's variables by name.

    Raises:
        RefusedError: It names a place that is behind a stub, or looks at a stub.
    """
    now = _reading.get()
    if now is None:
        return
    try:
        looked = found_in(code)
    except MalformedError:
        return  # the engine says what is wrong with it
    for one in looked.found:
        name = one.root.removeprefix("$")
        if one.root.startswith("$"):
            root, shown = variables.get(name), one.root
        else:
            name = _ROOTS.get(name, name)
            root, shown = states.get(name), f"$states.{name}"
        shown += render_path(one.path)[1:]
        for found in hidden(root, one.path):
            _refuse(now, shown, found)
        value = _at(root, one.path) if one.looked_at else None
        if (
            isinstance(value, dict)
            and is_stub(value)
            and (value.keys() == {KEY} or _LISTS_MEMBERS.search(code))
        ):
            _refuse(now, shown, Hidden(value, one.path, ()))


def stub_is_looked_into(
    bindings: Mapping[str, Any], place: tuple[str | int, ...], name: str | None
) -> None:
    """A JSONata expression has looked into a stub, in whatever way it was written.

    Args:
        bindings: What the expression was given, by the names of its variables.
        place: The stub's, from the variable's name on.
        name: The member that was asked for and is not there; None where all were, and the reserved
            key where another stub takes the place of this one.

    Raises:
        RefusedError: It may be behind the stub.
    """
    now = _reading.get()
    stub = _at(bindings, place)
    if now is None or not is_stub(stub):
        return
    if name == KEY:
        bags_are_merged(f"${place[0]}{render_path(place[1:])[1:]}")
    inside = () if name is None else (name,)
    _refuse(
        now, f"${place[0]}{render_path((*place[1:], *inside))[1:]}", Hidden(stub, place, inside)
    )


def bags_are_merged(path: str) -> None:
    """Two bags are about to become one object, in which there is room for one stub.

    Args:
        path: Where the bag comes from whose stub is lost.

    Raises:
        RefusedError: A state of a run merges them.
    """
    now = _reading.get()
    if now is None:
        return
    cause = (
        f"The state {now.state!r} merges the bag at {path} with another bag: an object has one "
        "stub, so all that is behind the other one would be lost. Keep each bag in a field of its "
        "own, or let a function merge the states."
    )
    now.refuse(Refusal(PATH_NOT_NAMED, now.state, cause))
    raise RefusedError(cause)


def _refuse(now: _Reading, path: str, found: Hidden, *, written: bool = False) -> None:
    missing = now.bags.unnamed(found)
    if missing is None:
        return
    name, control = missing
    cause = (
        f"The state {now.state!r} reads {path}, which is not in its payload: the value was "
        "offloaded with the rest of the bag, because no control path names it."
    )
    if written:
        cause = (
            f"The state {now.state!r} writes to {path}, and the object there, {name} of the bag, "
            "is not in its payload: it was offloaded with the rest of the bag, because no control "
            "path names it. The other members of that object would be lost."
        )
    if name == "$":
        cause += " Read single fields by their names, or let a function read the state."
    else:
        cause += (
            " Name it in every function that seals this state: "
            f"STATEBAG_CONTROL={','.join(dict.fromkeys((*control, name)))} (`statebag lint "
            "--control` lists all paths of a definition)."
        )
        if not written:
            cause += (
                " If the definition only hands the value on, and it can be large, write "
                f"{name} into STATEBAG_MOVABLE instead."
            )
    now.refuse(Refusal(PATH_NOT_NAMED, now.state, cause))
    raise RefusedError(cause)


def _names(steps: tuple[Any, ...]) -> tuple[str, ...]:
    """The names at the beginning of a path: an array is control as a whole."""
    names: list[str] = []
    for step in steps:
        if not isinstance(step, str):
            break
        names.append(step)
    return tuple(names)


def _is_named(policy: Policy, names: tuple[str, ...], *, beside: bool) -> bool:
    """Whether a place is surely not in the state, or it would be in the payload.

    Args:
        policy: That of the seal.
        names: The place.
        beside: Whether it would stand beside a stub: what may be moved stands there too.
    """
    named = (*policy.control_paths(), *(policy.movable_paths() if beside else ()))
    return any(names[: len(one)] == one or one[: len(names)] == names for one in named)


def _key(stub: dict[str, Any]) -> str:
    """A stub's body tells it from others; what stands beside it, an engine may have changed."""
    return json.dumps(stub[KEY], sort_keys=True)


def _at(value: Any, steps: tuple[Any, ...]) -> Any:
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value
