"""Track the bags made in a run, and the places in them that the definition may read."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from statebag.asl.payload import payload_text
from statebag.format.paths import render_path
from statebag.format.stub import KEY
from statebag.local.stubs import stub_places
from statebag.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statebag.local.stubs import Hidden

__all__ = ["SealedBags"]

_MOST_SMALL = 10_000  # bags that are compared with results. Chosen: a run that makes more said it


class _Made(NamedTuple):
    """The place of a stub in its bag, and the policy of its seal."""

    path: tuple[str | int, ...]
    policy: Policy


class SealedBags:
    """The bags that were made in one run.

    Args:
        strict: Whether every seal is strict.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self._made: dict[str, list[_Made]] = {}
        self._policies: dict[Policy, None] = {}
        self._lock = threading.Lock()
        self._small: dict[str, Policy] = {}
        self._whole: dict[int, tuple[Any, Policy]] = {}

    def sealed(self, bag: Any, policy: Policy) -> None:
        """Record the control paths that a bag was made with."""
        with self._lock:
            self._policies[policy] = None
            if not self.strict and isinstance(bag, dict) and len(self._small) < _MOST_SMALL:
                self._small[payload_text(bag)] = policy
            for path, stub in stub_places(bag):
                made = self._made.setdefault(_key(stub), [])
                if _Made(path, policy) not in made:
                    made.append(_Made(path, policy))

    def arrived(self, result: Any) -> None:
        """Record which objects in a function's result are bags, whole or in part.

        Values are never changed in place, so such an object is recognized wherever a path passes it
        on.
        """
        if not self._small or not isinstance(result, dict):
            return
        for value in (result, *result.values()):
            if isinstance(value, dict):
                policy = self._small.get(payload_text(value))
                if policy is not None:
                    self._whole[id(value)] = (value, policy)

    def leaving(self, value: Any, steps: Sequence[Any]) -> tuple[str, tuple[str, ...]] | None:
        """Return the control path that a found place needs, and the paths that are set.

        Args:
            value: The value from which the steps start.
            steps: The steps of a path.

        Returns:
            None if the place is not in a bag, or if a path names it and it is never offloaded.
        """
        for number, step in enumerate(steps):
            if not self._whole:
                return None
            _, policy = self._whole.get(id(value), (None, None))
            names = _names(tuple(steps[number:]))
            if policy is not None and names and not _stays(policy, names, value):
                return render_path(names), policy.control
            try:
                value = value[step]
            except (LookupError, TypeError):
                return None
        return None

    def unnamed(self, found: Hidden) -> tuple[str, tuple[str, ...]] | None:
        """Return the control path that a place needs, and those that are set; None if it has one.

        If a path names a place that is not in the payload, it is not in the state either. This does
        not hold for a place above a control path: what stands there may be no object.
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


def _names(steps: tuple[Any, ...]) -> tuple[str, ...]:
    """Return the names at the beginning of a path: an array is control as a whole."""
    names: list[str] = []
    for step in steps:
        if not isinstance(step, str):
            break
        names.append(step)
    return tuple(names)


def _is_named(policy: Policy, names: tuple[str, ...], *, beside: bool) -> bool:
    """Return whether a place, if the state has it, is certainly in the payload.

    Args:
        policy: The policy of the seal.
        names: The place.
        beside: Whether it would be next to a stub, where movable values are too.
    """
    named = (*policy.control_paths(), *(policy.movable_paths() if beside else ()))
    return any(names[: len(one)] == one for one in named)


def _stays(policy: Policy, names: tuple[str, ...], value: Any) -> bool:
    """Return whether a place of a bag that is in the payload stays there, whatever its size.

    An object above a control path stays too, whose other members may leave.
    """
    if _is_named(policy, names, beside=True):
        return True
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    named = (*policy.control_paths(), *policy.movable_paths())
    return isinstance(value, dict) and any(one[: len(names)] == names for one in named)


def _key(stub: dict[str, Any]) -> str:
    """Return a stub's body, which identifies it; an engine may have changed what is next to it."""
    return json.dumps(stub[KEY], sort_keys=True)
