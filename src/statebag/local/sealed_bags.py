"""The bags that were made in a run, and which of their places the definition may read."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from statebag.format.paths import render_path
from statebag.format.stub import KEY
from statebag.local.stubs import stub_places
from statebag.policy import Policy

if TYPE_CHECKING:
    from statebag.local.stubs import Hidden

__all__ = ["SealedBags"]


class _Made(NamedTuple):
    """Where in its bag a stub stood, and the policy that it was made under."""

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
